#define HAND_PLAY hand_play_base
#include "by_hand_body.h"
