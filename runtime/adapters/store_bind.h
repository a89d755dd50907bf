/* store_bind.h - private to the store: the values of a statement, the same for every engine. */
#ifndef CW_ADAPTERS_STORE_BIND_H
#define CW_ADAPTERS_STORE_BIND_H

#include "base/hash.h"
#include "base/slice.h"
#include "base/time.h"

struct cw_bind {
    enum { CW_BIND_NULL, CW_BIND_INTEGER, CW_BIND_TEXT, CW_BIND_BYTES, CW_BIND_TIME } type;
    int64_t integer;       /* also the time */
    struct cw_slice slice; /* must stay valid until the statement has run */
};

static inline struct cw_bind cw_bind_int(int64_t value)
{
    return (struct cw_bind){ CW_BIND_INTEGER, value, { NULL, 0 } };
}
static inline struct cw_bind cw_bind_text(struct cw_slice text)
{
    return (struct cw_bind){ CW_BIND_TEXT, 0, text };
}
static inline struct cw_bind cw_bind_word(const char *text)
{
    return cw_bind_text(cw_slice(text));
}
static inline struct cw_bind cw_bind_bytes(struct cw_slice bytes)
{
    return (struct cw_bind){ CW_BIND_BYTES, 0, bytes };
}
static inline struct cw_bind cw_bind_hash(const struct cw_hash *hash)
{
    return cw_bind_bytes((struct cw_slice){ (const char *)hash->bytes, CW_HASH_BYTES });
}
/* CW_TIME_NONE is NULL. */
static inline struct cw_bind cw_bind_time(cw_time time)
{
    return (struct cw_bind){ time == CW_TIME_NONE ? CW_BIND_NULL : CW_BIND_TIME, time, { NULL, 0 } };
}

/* The values of a statement and their count, as the two arguments that running one takes. */
#define CW_BINDS(...)                                                                                        \
    (const struct cw_bind[]){ __VA_ARGS__ },                                                                 \
        sizeof((const struct cw_bind[]){ __VA_ARGS__ }) / sizeof(struct cw_bind)

#endif
