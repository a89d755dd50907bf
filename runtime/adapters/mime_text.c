/* mime_text.c - texts of mails as UTF-8: charsets by the names that mail programs use, and what to take where
 * the name is missing or wrong. */
#include <errno.h>
#include <iconv.h>
#include <strings.h>

#include "adapters/mime_private.h"
#include "adapters/utf8.h"

enum { CHARSET_NAME_MAX = 64 };

/* What programs mean when they say so, since each right-hand side holds all of the left-hand one. */
static const struct alias {
    const char *said, *meant;
} aliases[] = {
    { "us-ascii", "WINDOWS-1252" },
    { "ascii", "WINDOWS-1252" },
    { "iso-8859-1", "WINDOWS-1252" },
    { "iso8859-1", "WINDOWS-1252" },
    { "iso_8859-1", "WINDOWS-1252" },
    { "latin1", "WINDOWS-1252" },
    { "latin-1", "WINDOWS-1252" },
    { "cp1252", "WINDOWS-1252" },
    { "x-unknown", "" },
    { "unknown-8bit", "" },
    { "default", "" },
    { "ks_c_5601-1987", "CP949" },
    { "ks_c_5601", "CP949" },
    { "euc-kr", "CP949" },
    { "shift_jis", "CP932" },
    { "shift-jis", "CP932" },
    { "sjis", "CP932" },
    { "x-sjis", "CP932" },
    { "windows-31j", "CP932" },
    { "gb2312", "GB18030" },
    { "gbk", "GB18030" },
    { "utf8", "UTF-8" },
    { "unicode-1-1-utf-7", "UTF-7" },
    { "iso-8859-9", "WINDOWS-1254" },
    { "iso-8859-8-i", "ISO-8859-8" },
};

/* Without blanks and quotes around it, and by what is meant. "" = not said. */
static const char *name_of(const char *said, char out[CHARSET_NAME_MAX])
{
    size_t len = 0;
    for (; *said != '\0' && len + 1 < CHARSET_NAME_MAX; said++)
        if (strchr(" \t\r\n\"'/;", *said) == NULL)
            out[len++] = *said;
    out[len] = '\0';
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcasecmp(out, aliases[i].said) == 0)
            return aliases[i].meant;
    return out;
}

bool cw_mime_knows_charset(const char *charset)
{
    char name[CHARSET_NAME_MAX];
    const char *meant = name_of(charset, name);
    iconv_t converter = meant[0] != '\0' ? iconv_open("UTF-8", meant) : (iconv_t)-1;
    bool known = converter != (iconv_t)-1;
    if (known)
        iconv_close(converter);
    return known;
}

/* --- converting --- */

struct reading {
    const char *at;
    size_t left;
    size_t replaced; /* characters that were none */
};

static bool replace_one(struct reading *in, struct cw_buffer *out, struct cw_error *err)
{
    in->at++;
    in->left--;
    in->replaced++;
    return cw_buffer_add(out, "\xEF\xBF\xBD", 3, err);
}

static bool convert_step(iconv_t converter, struct reading *in, struct cw_buffer *out, struct cw_error *err)
{
    enum { ROOM = 16384 };
    size_t room = ROOM;
    char *from = (char *)in->at, *to = cw_buffer_reserve(out, ROOM, err);
    if (to == NULL)
        return false;
    size_t result = iconv(converter, &from, &in->left, &to, &room);
    int why = errno;
    in->at = from;
    out->len += ROOM - room;
    if (result != (size_t)-1 || why == E2BIG)
        return true;
    return replace_one(in, out, err); /* EILSEQ, or EINVAL: the text ends within a character */
}

/* What stays in an encoding with states, such as ISO-2022-JP, is written at the end. */
static bool convert(iconv_t converter, struct reading *in, struct cw_buffer *out, struct cw_error *err)
{
    while (in->left > 0)
        if (!convert_step(converter, in, out, err))
            return false;
    size_t room = 64;
    char *to = cw_buffer_reserve(out, room, err);
    if (to == NULL)
        return false;
    iconv(converter, NULL, NULL, &to, &room);
    out->len += 64 - room;
    return true;
}

static bool is_utf8(struct cw_slice bytes, bool *is_ascii)
{
    uint32_t point;
    const char *end = cw_slice_end(bytes);
    *is_ascii = true;
    for (const char *at = bytes.data; at < end;) {
        unsigned len = cw_utf8_read(at, end, &point);
        if (len == 0)
            return false;
        *is_ascii = *is_ascii && len == 1;
        at += len;
    }
    return true;
}

/* --- choosing --- */

/* By the name that counts, or "UTF-8" for bytes to be taken as they are. Notes what was guessed. */
static const char *choose(struct cw_mime_tree *tree, struct cw_slice bytes, const char *said,
                          char scratch[CHARSET_NAME_MAX], struct cw_error *err)
{
    bool is_ascii, fits = is_utf8(bytes, &is_ascii);
    const char *meant = name_of(said, scratch);
    bool says_utf8 = strcasecmp(meant, "UTF-8") == 0, says_ascii = strncasecmp(said, "us-asc", 6) == 0;
    if (meant[0] != '\0' && !says_utf8 && !says_ascii && cw_mime_knows_charset(meant))
        return meant;
    if (fits && (is_ascii || says_utf8))
        return "UTF-8";
    const char *taken = fits ? "UTF-8" : tree->charset;
    bool noted = said[0] == '\0'
                     ? cw_mime_note(tree, err, "a text does not say its charset: read as %s", taken)
                     : cw_mime_note(tree, err,
                                    "a text says its charset is \"%s\", which it is not, or which "
                                    "nobody knows: read as %s",
                                    said, taken);
    return noted ? taken : NULL;
}

/* Line ends become "\n", a zero byte a blank, and a byte-order mark nothing. */
static void tidy(struct cw_buffer *text, size_t begin)
{
    char *to = text->data + begin;
    const char *at = to, *end = text->data + text->len;
    if (end - at >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    for (; at < end; at++) {
        if (*at == '\r' && at + 1 < end && at[1] == '\n')
            continue;
        *to++ = *at == '\r' ? '\n' : *at == '\0' ? ' ' : *at;
    }
    text->len = (size_t)(to - text->data);
}

bool cw_mime_decode(struct cw_mime_tree *tree, struct cw_slice bytes, const char *charset,
                    struct cw_buffer *out, struct cw_error *err)
{
    char scratch[CHARSET_NAME_MAX], second[CHARSET_NAME_MAX];
    struct reading in = { .at = bytes.data, .left = bytes.len };
    size_t begin = out->len;
    const char *name = choose(tree, bytes, charset, scratch, err);
    iconv_t converter = name != NULL ? iconv_open("UTF-8", name_of(name, second)) : (iconv_t)-1;
    if (name == NULL)
        return false;
    if (converter == (iconv_t)-1)
        return cw_fail(err, CW_NOMEM, "no memory for the charset %s", name);
    bool ok = convert(converter, &in, out, err);
    iconv_close(converter);
    if (!ok)
        return cw_fail_in(err, "a text of the mail");
    tidy(out, begin);
    return in.replaced == 0 ||
           cw_mime_note(tree, err, "%zu characters of a text are none in %s: \xEF\xBF\xBD stands for them",
                        in.replaced, name);
}
