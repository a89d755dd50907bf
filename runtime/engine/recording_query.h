/* recording_query.h - path and query of a request taken apart and decoded, and texts with {any} in them. */
#ifndef CW_ENGINE_RECORDING_QUERY_H
#define CW_ENGINE_RECORDING_QUERY_H

#include "base/arena.h"
#include "base/error.h"

enum { CW_PARAMS_MAX = 64 };

struct cw_param {
    struct cw_slice name, value;
};

struct cw_target {
    struct cw_slice path;
    size_t count;
    struct cw_param params[CW_PARAMS_MAX];
};

/* Splits "/api/orders?limit=0%2C100" and decodes the parts into `arena`; '+' in a query is a blank. CW_LIMIT
 * past CW_PARAMS_MAX parameters, CW_NOMEM. */
bool cw_target_read(struct cw_slice text, struct cw_arena *arena, struct cw_target *target,
                    struct cw_error *err);

/* Whether `text` is `pattern`, in which "{any}" stands for any text. */
bool cw_pattern_matches(struct cw_slice pattern, struct cw_slice text);

#endif
