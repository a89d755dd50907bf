/* pg_array.c - see pg_array.h. */
#include "adapters/pg_array.h"

static bool separate(struct cw_buffer *array, struct cw_error *err)
{
    return cw_buffer_add(array, array->len == 0 ? "{" : ",", 1, err);
}

bool cw_pg_array_add(struct cw_buffer *array, struct cw_slice text, struct cw_error *err)
{
    if (!separate(array, err))
        return false;
    char *out = cw_buffer_reserve(array, 2 * text.len + 2, err);
    if (out == NULL)
        return false;
    char *p = out;
    *p++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            *p++ = '\\';
        *p++ = text.data[i];
    }
    *p++ = '"';
    array->len += (size_t)(p - out);
    return true;
}

bool cw_pg_array_add_int(struct cw_buffer *array, int64_t number, struct cw_error *err)
{
    return separate(array, err) && cw_buffer_print(array, err, "%lld", (long long)number);
}

bool cw_pg_array_end(struct cw_buffer *array, struct cw_bind *bind, struct cw_error *err)
{
    if (array->len == 0 && !cw_buffer_add(array, "{", 1, err))
        return false;
    if (!cw_buffer_add(array, "}", 1, err))
        return false;
    *bind = cw_bind_text(cw_buffer_slice(array));
    return true;
}
