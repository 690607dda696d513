#define HAND_PLAY hand_play_avx2
#include "by_hand_body.h"
