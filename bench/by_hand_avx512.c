#define HAND_PLAY hand_play_avx512
#include "by_hand_body.h"
