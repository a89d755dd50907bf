/* buffer.c - see buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Sums of a few sizes below this do not wrap; nothing so large can be had. */
#define SIZE_LIMIT (SIZE_MAX / 4)

void cw_buffer_fini(struct cw_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct cw_buffer){ .limit = buffer->limit };
}

char *cw_buffer_reserve(struct cw_buffer *buffer, size_t len, struct cw_error *err)
{
    if (buffer->limit != 0 && len > buffer->limit - buffer->len) {
        cw_fail(err, CW_LIMIT, "more than %zu bytes", buffer->limit);
        return NULL;
    }
    if (len > SIZE_LIMIT) {
        cw_fail(err, CW_NOMEM, "no memory for %zu bytes", len);
        return NULL;
    }
    size_t need = buffer->len + len + 1;
    if (need > buffer->cap) {
        size_t cap = buffer->cap * 2 > need ? buffer->cap * 2 : need;
        if (cap < 256)
            cap = 256;
        if (buffer->limit != 0 && cap > buffer->limit / 2)
            cap = buffer->limit +
                  1; /* the last step; with the copy that realloc may make, 1.5 times the limit */
        char *data = realloc(buffer->data, cap);
        if (data == NULL) {
            cw_fail(err, CW_NOMEM, "no memory for %zu bytes", cap);
            return NULL;
        }
        buffer->data = data;
        buffer->cap = cap;
    }
    return buffer->data + buffer->len;
}

bool cw_buffer_add(struct cw_buffer *buffer, const void *data, size_t len, struct cw_error *err)
{
    char *place = cw_buffer_reserve(buffer, len, err);
    if (place == NULL)
        return false;
    if (len > 0)
        memcpy(place, data, len);
    buffer->len += len;
    buffer->data[buffer->len] = '\0';
    return true;
}

bool cw_buffer_print(struct cw_buffer *buffer, struct cw_error *err, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *place = len < 0 ? NULL : cw_buffer_reserve(buffer, (size_t)len, err);
    if (place != NULL) {
        vsnprintf(place, (size_t)len + 1, fmt, again);
        buffer->len += (size_t)len;
    }
    va_end(again);
    return place != NULL;
}
