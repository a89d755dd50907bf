/* error.c - see error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/secret.h"

/* Ends `text` with "..." when `wanted` bytes did not fit, without leaving half a UTF-8 character or a part of
 * a secret. */
static void mark_cut(char *text, size_t cap, size_t wanted)
{
    if (wanted < cap)
        return;
    size_t end = cap - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    end = cw_secret_uncut((struct cw_slice){ text, end });
    memcpy(text + end, "...", 4);
}

bool cw_fail(struct cw_error *err, enum cw_code code, const char *fmt, ...)
{
    if (err == NULL)
        return false;
    va_list args;
    char text[CW_ERROR_TEXT_MAX]; /* the arguments may point into *err */
    va_start(args, fmt);
    int wanted = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    mark_cut(text, sizeof text, wanted > 0 ? (size_t)wanted : 0);
    *err = (struct cw_error){ .code = code };
    memcpy(err->text, text, sizeof text);
    return false;
}

bool cw_fail_in(struct cw_error *err, const char *fmt, ...)
{
    if (err == NULL)
        return false;
    char text[CW_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int context = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (context < 0 || (size_t)context >= sizeof text)
        return false;
    size_t room = sizeof text - (size_t)context;
    int wanted = snprintf(text + context, room, ": %s", err->text);
    mark_cut(text, sizeof text, (size_t)context + (wanted > 0 ? (size_t)wanted : 0));
    memcpy(err->text, text, sizeof text);
    return false;
}

static void set_name(char *out, const char *name)
{
    if (name == NULL)
        return;
    int wanted = snprintf(out, CW_ERROR_NAME_MAX, "%s", name);
    mark_cut(out, CW_ERROR_NAME_MAX, wanted > 0 ? (size_t)wanted : 0);
}

bool cw_fail_at(struct cw_error *err, const char *record, const char *field, const char *path)
{
    if (err == NULL)
        return false;
    set_name(err->record, record);
    set_name(err->field, field);
    set_name(err->path, path);
    return false;
}

const char *cw_code_name(enum cw_code code)
{
    static const char *const names[] = {
        [CW_OK] = "ok",
        [CW_NOMEM] = "no-memory",
        [CW_USAGE] = "usage",
        [CW_IO] = "io",
        [CW_TIMEOUT] = "timeout",
        [CW_CANCELLED] = "cancelled",
        [CW_LIMIT] = "limit",
        [CW_INVALID] = "invalid",
        [CW_NOT_FOUND] = "not-found",
        [CW_REFUSED] = "refused",
        [CW_AUTH] = "auth",
        [CW_PERMISSION] = "permission",
        [CW_UNEXPECTED] = "not-expected",
        [CW_UNAVAILABLE] = "unavailable",
        [CW_CONFLICT] = "conflict",
        [CW_OVERFLOW] = "overflow",
        [CW_SCRIPT] = "script",
        [CW_CORRUPT] = "corrupt",
    };
    return names[code];
}

void cw_error_format(const struct cw_error *err, char *out, size_t cap)
{
    const struct {
        const char *label, *value;
    } places[] = { { "record", err->record }, { "field", err->field }, { "path", err->path } };
    size_t len = (size_t)snprintf(out, cap, "%s", err->text);
    const char *before = " (";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i].value[0] == '\0' || len >= cap)
            continue;
        len += (size_t)snprintf(out + len, cap - len, "%s%s %s", before, places[i].label, places[i].value);
        before = ", ";
    }
    if (before[0] == ',' && len < cap)
        len += (size_t)snprintf(out + len, cap - len, ")");
    mark_cut(out, cap, len);
}
