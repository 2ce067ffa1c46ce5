#include "contestant.h"

const struct contestant *const contestant_protobuf_c = NULL;
