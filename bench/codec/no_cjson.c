#include "contestant.h"

const struct contestant *const contestant_cjson = NULL;
