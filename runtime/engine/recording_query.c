/* recording_query.c - see recording_query.h. */
#include "engine/recording_query.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A '%' that begins no escape stands for itself. */
static struct cw_slice decode(struct cw_slice text, bool plus_is_blank, struct cw_arena *arena)
{
    char *out = cw_arena_bytes(arena, text.len + 1);
    size_t len = 0;
    if (out == NULL)
        return (struct cw_slice){ NULL, 0 };
    for (size_t i = 0; i < text.len; i++) {
        int high = text.data[i] == '%' && i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
        if (low >= 0) {
            out[len++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[len++] = plus_is_blank && text.data[i] == '+' ? ' ' : text.data[i];
        }
    }
    return (struct cw_slice){ out, len };
}

/* Cuts off what stands before the first `mark`; the rest stays in *text. */
static struct cw_slice cut(struct cw_slice *text, char mark)
{
    const char *at = text->len > 0 ? memchr(text->data, mark, text->len) : NULL;
    size_t len = at != NULL ? (size_t)(at - text->data) : text->len;
    struct cw_slice before = { text->data, len };
    size_t gone = at != NULL ? len + 1 : len;
    *text = (struct cw_slice){ text->data + gone, text->len - gone };
    return before;
}

bool cw_target_read(struct cw_slice text, struct cw_arena *arena, struct cw_target *target,
                    struct cw_error *err)
{
    target->count = 0;
    target->path = decode(cut(&text, '?'), false, arena);
    while (text.len > 0) {
        struct cw_slice value = cut(&text, '&');
        if (value.len == 0)
            continue;
        if (target->count == CW_PARAMS_MAX)
            return cw_fail(err, CW_LIMIT, "more than %d parameters in one address", CW_PARAMS_MAX);
        struct cw_param *param = &target->params[target->count++];
        param->name = decode(cut(&value, '='), true, arena);
        param->value = decode(value, true, arena);
        if (param->value.data == NULL)
            return cw_fail(err, CW_NOMEM, "no memory for the parameters of an address");
    }
    return target->path.data != NULL || cw_fail(err, CW_NOMEM, "no memory for the parts of an address");
}

static const struct cw_slice any = { "{any}", 5 };

static bool starts_with(struct cw_slice text, struct cw_slice start)
{
    return text.len >= start.len && memcmp(text.data, start.data, start.len) == 0;
}

static struct cw_slice from(struct cw_slice text, size_t at)
{
    return (struct cw_slice){ text.data + at, text.len - at };
}

/* The usual two-pointer walk: after a mismatch the latest {any} takes in one byte more. */
bool cw_pattern_matches(struct cw_slice pattern, struct cw_slice text)
{
    struct cw_slice after_any = { NULL, 0 }, taken = { NULL, 0 };
    while (text.len > 0 || pattern.len > 0) {
        if (starts_with(pattern, any)) {
            after_any = pattern = from(pattern, any.len);
            taken = text;
        } else if (pattern.len > 0 && text.len > 0 && pattern.data[0] == text.data[0]) {
            pattern = from(pattern, 1);
            text = from(text, 1);
        } else if (after_any.data != NULL && taken.len > 0) {
            pattern = after_any;
            text = taken = from(taken, 1);
        } else {
            return false;
        }
    }
    return true;
}
