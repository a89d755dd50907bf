/* window.c - see window.h. Lines are counted only when something failed, by reading the body once more. */
#include "adapters/window.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/utf8.h"
#include "base/secret.h"

void cw_window_init(struct cw_window *window, const struct cw_body *body, size_t step, size_t limit)
{
    *window = (struct cw_window){ .body = body, .mark = CW_WINDOW_NO_MARK, .limit = limit };
    struct cw_slice memory = cw_body_memory(body);
    window->step = step != 0 ? step : CW_WINDOW_STEP;
    window->data = "";
    if (step == 0 && memory.data != NULL) {
        window->data = memory.data;
        window->len = memory.len;
    }
}

void cw_window_fini(struct cw_window *window)
{
    free(window->own);
    window->own = NULL;
}

bool cw_window_fail_size(struct cw_window *window)
{
    return cw_window_fail(window, CW_LIMIT, window->base + cw_window_kept(window),
                          "what begins here is larger than the limit of %zu bytes for one record",
                          window->limit);
}

/* Drops what is before `keep`. */
static void slide(struct cw_window *window, size_t keep)
{
    if (keep == 0)
        return;
    memmove(window->own, window->own + keep, window->len - keep);
    window->len -= keep;
    window->base += keep;
    window->at -= keep;
    if (window->mark != CW_WINDOW_NO_MARK)
        window->mark -= keep;
}

static bool make_room(struct cw_window *window, size_t need)
{
    if (need <= window->cap)
        return true;
    size_t cap = window->cap * 2 > need ? window->cap * 2 : need;
    char *own = realloc(window->own, cap);
    if (own == NULL) {
        window->failed = true;
        return cw_fail(window->err, CW_NOMEM, "no memory for %zu bytes of a document", cap);
    }
    window->own = own;
    window->data = own;
    window->cap = cap;
    return true;
}

bool cw_window_more(struct cw_window *window)
{
    uint64_t left = cw_body_size(window->body) - window->base - window->len;
    size_t keep = cw_window_kept(window);
    if (window->failed)
        return false;
    if (window->len - keep > window->limit)
        return cw_window_fail_size(window);
    if (left == 0)
        return false;
    slide(window, keep);
    size_t n = left < window->step ? (size_t)left : window->step;
    if (!make_room(window, window->len + n))
        return false;
    if (!cw_body_read(window->body, window->base + window->len, window->own + window->len, n, window->err)) {
        window->failed = true;
        return false;
    }
    window->len += n;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

bool cw_window_skip_space(struct cw_window *window)
{
    for (;;) {
        while (window->at < window->len && is_space(window->data[window->at]))
            window->at++;
        if (window->at < window->len)
            return true;
        if (!cw_window_more(window))
            return false;
    }
}

bool cw_window_check_size(struct cw_window *window)
{
    return window->at - window->mark <= window->limit || cw_window_fail_size(window);
}

/* The name of a charset whose characters are wider than a byte, from the first bytes of a text; NULL = none.
 */
static const char *wide_charset(const unsigned char *b, size_t len)
{
    if (len >= 4 && ((b[0] == 0 && b[1] == 0) || (b[2] == 0 && b[3] == 0 && b[0] != 0 && b[1] == 0)))
        return "UTF-32";
    if (len >= 4 && b[0] == 0xFF && b[1] == 0xFE && b[2] == 0 && b[3] == 0)
        return "UTF-32";
    if (len >= 2 && ((b[0] == 0xFF && b[1] == 0xFE) || (b[0] == 0xFE && b[1] == 0xFF)))
        return "UTF-16";
    if (len >= 2 && ((b[0] == 0) != (b[1] == 0)))
        return "UTF-16";
    return NULL;
}

bool cw_window_begin(struct cw_window *window)
{
    cw_window_has(window, 4);
    if (window->failed)
        return false;
    const char *wide = wide_charset((const unsigned char *)window->data, window->len);
    if (wide != NULL)
        return cw_window_fail(window, CW_INVALID, 0,
                              "the document is in %s, which cannot be read here; convert it first: "
                              "iconv -f %s -t UTF-8",
                              wide, wide);
    if (window->len >= 3 && memcmp(window->data, "\xEF\xBB\xBF", 3) == 0)
        window->at = 3;
    return true;
}

static uint64_t line_of(const struct cw_window *window, uint64_t offset)
{
    char piece[16384];
    uint64_t line = 1;
    for (uint64_t done = 0; done < offset;) {
        size_t n = offset - done < sizeof piece ? (size_t)(offset - done) : sizeof piece;
        if (!cw_body_read(window->body, done, piece, n, NULL))
            break;
        for (size_t i = 0; i < n; i++)
            line += piece[i] == '\n';
        done += n;
    }
    return line;
}

bool cw_window_fail(struct cw_window *window, enum cw_code code, uint64_t offset, const char *fmt, ...)
{
    char text[CW_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    window->failed = true;
    return cw_fail(window->err, code, "byte %" PRIu64 ", line %" PRIu64 ": %s", offset,
                   line_of(window, offset), text);
}

void cw_window_quote(const struct cw_window *window, uint64_t offset, char out[CW_QUOTE_MAX])
{
    char bytes[CW_QUOTE_MAX - 4];
    uint64_t left = cw_body_size(window->body) - offset;
    size_t n = left < sizeof bytes ? (size_t)left : sizeof bytes, len = 0;
    if (!cw_body_read(window->body, offset, bytes, n, NULL))
        n = 0;
    for (size_t i = 0; i < n;) {
        uint32_t point = 0;
        unsigned width = cw_utf8_read(bytes + i, bytes + n, &point);
        if (width == 0 && left > n && n - i < 4)
            break; /* a character that the piece cuts */
        if (width == 0 || point < 0x20 || (point >= 0x7F && point < 0xA0)) {
            out[len++] = is_space(bytes[i]) ? ' ' : '?';
            i += width == 0 ? 1 : width;
            continue;
        }
        memcpy(out + len, bytes + i, width);
        len += width;
        i += width;
    }
    if (left > n)
        len = cw_secret_uncut((struct cw_slice){ out, len });
    strcpy(out + len, left > n ? "..." : "");
}

bool cw_window_fail_here(struct cw_window *window, const char *what)
{
    char quote[CW_QUOTE_MAX];
    uint64_t offset = cw_window_offset(window);
    if (window->failed)
        return false;
    cw_window_quote(window, offset, quote);
    return cw_window_fail(window, CW_INVALID, offset, "%s: \"%s\"", what, quote);
}
