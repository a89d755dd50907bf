/* charset.c - see charset.h; the conversions are the C library's. */
#include "adapters/charset.h"

#include <errno.h>
#include <iconv.h>
#include <inttypes.h>
#include <strings.h>

#include "adapters/utf8.h"

static bool begins(const char *name, const char *const *with)
{
    for (; *with != NULL; with++)
        if (strncasecmp(name, *with, strlen(*with)) == 0)
            return true;
    return false;
}

static bool is_utf8(const char *name)
{
    static const char *const names[] = { "UTF-8", "UTF8", "US-ASCII", "ASCII", NULL };
    return begins(name, names);
}

bool cw_charset_is_double(const char *name)
{
    static const char *const names[] = { "CP932",       "SHIFT_JIS", "SHIFT-JIS", "SJIS",
                                         "WINDOWS-31J", "MS932",     NULL };
    return begins(name, names);
}

bool cw_charset_is_known(const char *name)
{
    static const char *const names[] = { "ISO-8859-",   "ISO8859-", "ISO_8859-", "LATIN",
                                         "WINDOWS-125", "CP125",    "KOI8-",     NULL };
    return strlen(name) < CW_CHARSET_MAX &&
           (is_utf8(name) || cw_charset_is_double(name) || begins(name, names));
}

static iconv_t open_iconv(const char *name, struct cw_error *err)
{
    iconv_t converter = iconv_open("UTF-8", cw_charset_is_double(name) ? "CP932" : name);
    if (converter == (iconv_t)-1)
        cw_fail(err, CW_INVALID, "the charset %s is not known here", name);
    return converter;
}

static bool check_utf8(struct cw_slice bytes, size_t *at, struct cw_error *err)
{
    uint32_t point;
    const char *p = bytes.data, *end = cw_slice_end(bytes);
    while (p < end) {
        unsigned width = cw_utf8_read(p, end, &point);
        if (width == 0) {
            *at = (size_t)(p - bytes.data);
            return cw_fail(err, CW_INVALID, "the byte 0x%02x is not UTF-8; name the right charset",
                           (unsigned char)*p);
        }
        p += width;
    }
    return true;
}

/* One byte or two become at most three of UTF-8. */
static bool convert(const char *name, struct cw_slice bytes, struct cw_arena *arena, struct cw_slice *out,
                    size_t *at, struct cw_error *err)
{
    size_t left = bytes.len, room = 3 * bytes.len + 1;
    char *in = (char *)bytes.data, *text = cw_arena_bytes(arena, room), *next = text;
    if (text == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a text of %zu bytes", bytes.len);
    iconv_t converter = open_iconv(name, err);
    if (converter == (iconv_t)-1)
        return false;
    bool ok = iconv(converter, &in, &left, &next, &room) != (size_t)-1;
    iconv_close(converter);
    *out = (struct cw_slice){ text, (size_t)(next - text) };
    *at = (size_t)(in - bytes.data);
    return ok || cw_fail(err, CW_INVALID, "the byte 0x%02x does not belong to the charset %s",
                         (unsigned char)*in, name);
}

bool cw_charset_utf8(const char *name, struct cw_slice bytes, struct cw_arena *arena, struct cw_slice *out,
                     size_t *at, struct cw_error *err)
{
    *out = bytes;
    if (is_utf8(name))
        return check_utf8(bytes, at, err);
    return bytes.len == 0 || convert(name, bytes, arena, out, at, err);
}

/* --- whole bodies --- */

enum { PIECE = 64 * 1024 };

struct wide {
    const char *charset; /* NULL: not one of these */
    size_t mark;         /* bytes of its byte-order mark */
};

static struct wide find_wide(const unsigned char *b, size_t len)
{
    if (len >= 4 && b[0] == 0xFF && b[1] == 0xFE && b[2] == 0 && b[3] == 0)
        return (struct wide){ "UTF-32LE", 4 };
    if (len >= 4 && b[0] == 0 && b[1] == 0 && b[2] == 0xFE && b[3] == 0xFF)
        return (struct wide){ "UTF-32BE", 4 };
    if (len >= 2 && b[0] == 0xFF && b[1] == 0xFE)
        return (struct wide){ "UTF-16LE", 2 };
    if (len >= 2 && b[0] == 0xFE && b[1] == 0xFF)
        return (struct wide){ "UTF-16BE", 2 };
    if (len >= 2 && b[0] != 0 && b[1] == 0)
        return (struct wide){ "UTF-16LE", 0 };
    if (len >= 2 && b[0] == 0 && b[1] != 0)
        return (struct wide){ "UTF-16BE", 0 };
    return (struct wide){ NULL, 0 };
}

struct piece {
    char bytes[PIECE];
    size_t len;
    uint64_t next; /* offset of what follows it in the body */
};

/* What the last call left is moved to the front. */
static bool fill(const struct cw_body *body, struct piece *piece, struct cw_error *err)
{
    uint64_t left = cw_body_size(body) - piece->next;
    size_t room = sizeof piece->bytes - piece->len, len = left < room ? (size_t)left : room;
    if (!cw_body_read(body, piece->next, piece->bytes + piece->len, len, err))
        return false;
    piece->len += len;
    piece->next += len;
    return true;
}

static bool pour(iconv_t converter, struct piece *piece, const char *charset, struct cw_body *out,
                 struct cw_error *err)
{
    char text[PIECE];
    char *in = piece->bytes;
    size_t left = piece->len, done = (size_t)-1;
    while (left > 0 && done == (size_t)-1) {
        char *to = text;
        size_t room = sizeof text;
        done = iconv(converter, &in, &left, &to, &room);
        int why = done == (size_t)-1 ? errno : 0;
        if (!cw_body_write(out, (struct cw_slice){ text, sizeof text - room }, err))
            return false;
        if (why == EILSEQ)
            return cw_fail(err, CW_INVALID, "byte %" PRIu64 ": this is no character of %s",
                           piece->next - left, charset);
        if (why == EINVAL)
            break;
    }
    memmove(piece->bytes, in, left);
    piece->len = left;
    return true;
}

static bool convert_body(const struct cw_body *body, struct wide wide, struct cw_body *out,
                         struct cw_error *err)
{
    struct piece piece = { .next = wide.mark };
    iconv_t converter = open_iconv(wide.charset, err);
    bool ok = converter != (iconv_t)-1;
    while (ok && piece.next < cw_body_size(body))
        ok = fill(body, &piece, err) && pour(converter, &piece, wide.charset, out, err);
    if (ok && piece.len > 0)
        ok = cw_fail(err, CW_INVALID,
                     "the body ends in the middle of a character of %s; it was cut off on its way",
                     wide.charset);
    if (converter != (iconv_t)-1)
        iconv_close(converter);
    return ok;
}

bool cw_charset_body(struct cw_body **body, struct cw_error *err)
{
    char head[4];
    uint64_t size = cw_body_size(*body);
    size_t len = size < sizeof head ? (size_t)size : sizeof head;
    if (!cw_body_read(*body, 0, head, len, err))
        return false;
    struct wide wide = find_wide((const unsigned char *)head, len);
    if (wide.charset == NULL)
        return true;
    struct cw_body *out = cw_body_create(2 * size + 16, err);
    if (out == NULL || !convert_body(*body, wide, out, err)) {
        cw_body_free(out);
        return false;
    }
    cw_body_keep_receipt(out, *body);
    cw_body_free(*body);
    *body = out;
    return true;
}
