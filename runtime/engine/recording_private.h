/* recording_private.h - the inside of a recording, for recording.c, which reads it, and recording_find.c. */
#ifndef CW_ENGINE_RECORDING_PRIVATE_H
#define CW_ENGINE_RECORDING_PRIVATE_H

#include "base/arena.h"
#include "engine/recording.h"
#include "engine/recording_query.h"

struct expected { /* a parameter: any of `values` will do */
    struct cw_slice name;
    const struct cw_slice *values;
    size_t value_count;
};

struct exchange {
    struct cw_slice method, path;
    struct cw_slice shown; /* path and query as recorded, for messages */
    struct expected *params;
    size_t param_count;
    struct cw_served_answer answer;
    int64_t times; /* how often it still answers; -1 = always */
};

struct cw_recording {
    const char *folder;
    struct cw_arena arena; /* everything that is read */
    struct exchange *exchanges;
    size_t count;
    struct cw_slice authorization; /* the header's value that is let in; len 0 = everything */
    struct cw_served_answer refusal;
};

#endif
