/* buffer.h - bytes that grow, up to a limit. Always followed by a NUL that does not count. */
#ifndef CW_BASE_BUFFER_H
#define CW_BASE_BUFFER_H

#include "base/error.h"
#include "base/slice.h"

struct cw_buffer {
    char *data;   /* NULL until the first byte */
    size_t len;   /* bytes, without the terminator */
    size_t cap;   /* bytes allocated */
    size_t limit; /* bytes; 0 = none */
};

/* { 0 } is an empty buffer without a limit; cw_buffer_fini leaves one. */
void cw_buffer_fini(struct cw_buffer *buffer);
static inline void cw_buffer_clear(struct cw_buffer *buffer)
{
    buffer->len = 0;
}

/* CW_LIMIT past the limit, CW_NOMEM; the buffer is unchanged then. */
bool cw_buffer_add(struct cw_buffer *buffer, const void *data, size_t len, struct cw_error *err);
bool cw_buffer_print(struct cw_buffer *buffer, struct cw_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Room for `len` more bytes, at the returned place; the caller then adds what it wrote to buffer->len. NULL
 * on failure. */
char *cw_buffer_reserve(struct cw_buffer *buffer, size_t len, struct cw_error *err);

static inline struct cw_slice cw_buffer_slice(const struct cw_buffer *buffer)
{
    return (struct cw_slice){ buffer->data != NULL ? buffer->data : "", buffer->len };
}

#endif
