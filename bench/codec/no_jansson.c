#include "contestant.h"

const struct contestant *const contestant_jansson = NULL;
