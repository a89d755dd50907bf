/* secret.c - see secret.h. Texts are searched as they would be read back: each way of writing a byte has a
 * decoder, so that every mixture of encoded and plain characters is found. */
#include "base/secret.h"

#include <ctype.h>
#include <stdlib.h>

enum { SHIFTS = 3 }; /* a byte of base64's input begins at one of three places in its groups of four */

/* What a secret leaves behind in base64 when `shift` bytes stand before it in its group: the characters that
 * depend on nothing else, and whether one before or after them holds some of its bits. */
struct trace {
    char *text;
    size_t len;
    bool before, after;
};

struct secret {
    char *text;
    size_t len;
    size_t uses; /* how often it was remembered */
    struct trace traces[SHIFTS];
};

static struct secret secrets[CW_SECRETS_MAX];
static size_t secret_count;

/* Bytes that a hit can begin with, or go on with after one character of base64; other places are passed. */
static bool may_start[256], may_follow[256];

/* ---- remembering ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_base64(unsigned char c)
{
    return isalnum(c) || c == '+' || c == '/' || c == '-' || c == '_';
}

/* The six bits of `data` that begin at bit `at`; all of them lie inside. */
static unsigned six_bits(const char *data, size_t at)
{
    unsigned high = (unsigned char)data[at / 8];
    unsigned low = at % 8 > 2 ? (unsigned char)data[at / 8 + 1] : 0;
    return ((high << 8 | low) >> (10 - at % 8)) & 63;
}

static bool make_trace(const struct secret *secret, unsigned shift, struct trace *out)
{
    size_t bits = secret->len * 8;
    size_t first = (6 - shift * 8 % 6) % 6; /* bits that share a character with what stands before */
    out->len = (bits - first) / 6;
    out->before = first != 0;
    out->after = (bits - first) % 6 != 0;
    out->text = malloc(out->len + 1);
    if (out->text == NULL)
        return false;
    for (size_t i = 0; i < out->len; i++)
        out->text[i] = alphabet[six_bits(secret->text, first + i * 6)];
    return true;
}

static void wipe(char *text, size_t len)
{
    if (text != NULL)
        explicit_bzero(text, len);
    free(text);
}

static void forget(struct secret *secret)
{
    wipe(secret->text, secret->len);
    for (unsigned shift = 0; shift < SHIFTS; shift++)
        wipe(secret->traces[shift].text, secret->traces[shift].len);
    *secret = (struct secret){ 0 };
}

static bool learn(struct secret *secret, struct cw_slice value)
{
    secret->text = malloc(value.len);
    if (secret->text == NULL)
        return false;
    memcpy(secret->text, value.data, value.len);
    secret->len = value.len;
    for (unsigned shift = 0; shift < SHIFTS; shift++)
        if (!make_trace(secret, shift, &secret->traces[shift]))
            return false;
    return true;
}

static void mark_starts(const struct secret *secret)
{
    may_start[(unsigned char)secret->text[0]] = true;
    may_start['+'] = may_start['+'] || secret->text[0] == ' ';
    for (unsigned shift = 0; shift < SHIFTS; shift++) {
        bool *marks = secret->traces[shift].before ? may_follow : may_start;
        char c = secret->traces[shift].text[0];
        marks[(unsigned char)c] = true;
        marks['-'] = marks['-'] || c == '+';
        marks['_'] = marks['_'] || c == '/';
    }
    may_start['%'] = may_start['\\'] = may_follow['%'] = may_follow['\\'] = true;
}

static struct secret *find(struct cw_slice value)
{
    for (size_t i = 0; i < secret_count; i++)
        if (cw_slice_equal(value, (struct cw_slice){ secrets[i].text, secrets[i].len }))
            return &secrets[i];
    return NULL;
}

bool cw_secret_remember(struct cw_slice value)
{
    if (value.len < CW_SECRET_BYTES_MIN)
        return false;
    struct secret *known = find(value);
    if (known != NULL) {
        known->uses++;
        return true;
    }
    if (secret_count == CW_SECRETS_MAX)
        return false;
    if (!learn(&secrets[secret_count], value)) {
        forget(&secrets[secret_count]);
        return false;
    }
    secrets[secret_count].uses = 1;
    mark_starts(&secrets[secret_count++]);
    return true;
}

void cw_secret_forget(struct cw_slice value)
{
    struct secret *known = find(value);
    if (known == NULL || --known->uses > 0)
        return;
    forget(known);
    *known = secrets[--secret_count];
    secrets[secret_count] = (struct secret){ 0 };
}

void cw_secret_forget_all(void)
{
    while (secret_count > 0)
        forget(&secrets[--secret_count]);
    memset(may_start, 0, sizeof may_start);
    memset(may_follow, 0, sizeof may_follow);
}

/* ---- finding ---- */

/* Reads one byte of what `text` stands for; returns how many bytes of text it took, 0 at the end. */
typedef size_t decoder(struct cw_slice text, size_t at, unsigned char *out);

static size_t plain(struct cw_slice text, size_t at, unsigned char *out)
{
    if (at >= text.len)
        return 0;
    *out = (unsigned char)text.data[at];
    return 1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_byte(struct cw_slice text, size_t at, unsigned char *out)
{
    if (at + 2 > text.len)
        return false;
    int high = hex_value(text.data[at]), low = hex_value(text.data[at + 1]);
    if (high < 0 || low < 0)
        return false;
    *out = (unsigned char)(high << 4 | low);
    return true;
}

static size_t percent(struct cw_slice text, size_t at, unsigned char *out)
{
    if (at < text.len && text.data[at] == '%' && hex_byte(text, at + 1, out))
        return 3;
    return plain(text, at, out);
}

static size_t form(struct cw_slice text, size_t at, unsigned char *out)
{
    size_t used = percent(text, at, out);
    if (used == 1 && *out == '+')
        *out = ' ';
    return used;
}

static size_t json(struct cw_slice text, size_t at, unsigned char *out)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    if (at + 1 >= text.len || text.data[at] != '\\')
        return plain(text, at, out);
    const char *name = memchr(names, text.data[at + 1], sizeof names - 1);
    if (name != NULL) {
        *out = (unsigned char)bytes[name - names];
        return 2;
    }
    if (at + 4 <= text.len && memcmp(text.data + at, "\\u00", 4) == 0 && hex_byte(text, at + 4, out))
        return 6;
    return plain(text, at, out);
}

/* Whether the text ends here, or inside of an escape. */
static bool is_cut(struct cw_slice text, size_t at)
{
    if (at >= text.len)
        return true;
    return (text.data[at] == '%' && text.len - at < sizeof "%00" - 1) ||
           (text.data[at] == '\\' && text.len - at < sizeof "\\u0000" - 1);
}

static decoder *const decoders[] = { plain, percent, form, json };
enum { DECODERS = sizeof decoders / sizeof *decoders };

/* `cut`: what the text's end cuts off is taken to match. */
static size_t match_plain(struct cw_slice text, size_t at, const struct secret *secret, decoder *decode,
                          bool cut)
{
    size_t end = at;
    for (size_t i = 0; i < secret->len; i++) {
        unsigned char c;
        size_t used = decode(text, end, &c);
        if (used == 0 || c != (unsigned char)secret->text[i])
            return cut && is_cut(text, end) ? text.len - at : 0;
        end += used;
    }
    return end - at;
}

static unsigned char standard(unsigned char c)
{
    return c == '-' ? '+' : c == '_' ? '/' : c;
}

/* The character that holds bits of the secret and of what follows it, and the padding. */
static size_t trace_end(struct cw_slice text, size_t end, const struct trace *trace, decoder *decode)
{
    unsigned char c;
    size_t used = decode(text, end, &c);
    if (trace->after && used != 0 && is_base64(c)) {
        end += used;
        used = decode(text, end, &c);
    }
    for (int i = 0; i < 2 && used != 0 && c == '='; i++) {
        end += used;
        used = decode(text, end, &c);
    }
    return end;
}

static size_t match_trace(struct cw_slice text, size_t at, const struct trace *trace, decoder *decode,
                          bool cut)
{
    size_t end = at;
    unsigned char c;
    if (trace->before) {
        size_t used = decode(text, end, &c);
        if (used == 0 || !is_base64(c))
            return 0;
        end += used;
    }
    for (size_t i = 0; i < trace->len; i++) {
        size_t used = decode(text, end, &c);
        if (used == 0 || standard(c) != (unsigned char)trace->text[i])
            return cut && is_cut(text, end) ? text.len - at : 0;
        end += used;
    }
    return trace_end(text, end, trace, decode) - at;
}

static size_t longer(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Whether a pattern that begins with `first` can begin here, whatever decoder is used. */
static bool may_begin(struct cw_slice text, size_t at, char first)
{
    if (at >= text.len)
        return false;
    char c = text.data[at];
    return c == first || c == '%' || c == '\\' || c == '+' ||
           standard((unsigned char)c) == (unsigned char)first;
}

static size_t longest_match(struct cw_slice text, size_t at, bool cut)
{
    size_t longest = 0;
    for (size_t i = 0; i < secret_count; i++) {
        const struct secret *secret = &secrets[i];
        if (may_begin(text, at, secret->text[0]))
            for (int d = 0; d < DECODERS; d++)
                longest = longer(longest, match_plain(text, at, secret, decoders[d], cut));
        for (unsigned shift = 0; shift < SHIFTS; shift++) {
            const struct trace *trace = &secret->traces[shift];
            if (may_begin(text, at + (trace->before && text.data[at] != '%' && text.data[at] != '\\'),
                          trace->text[0]))
                for (int d = 0; d < DECODERS; d++)
                    longest = longer(longest, match_trace(text, at, trace, decoders[d], cut));
        }
    }
    return longest;
}

static bool may_match(struct cw_slice text, size_t at)
{
    unsigned char c = (unsigned char)text.data[at];
    return may_start[c] ||
           (at + 1 < text.len && is_base64(c) && may_follow[(unsigned char)text.data[at + 1]]);
}

size_t cw_secret_match(struct cw_slice text, size_t at)
{
    if (!may_match(text, at))
        return 0;
    size_t len = longest_match(text, at, false);
    for (size_t i = 1; i < len; i++) { /* another secret may begin inside and end later */
        size_t inner = may_match(text, at + i) ? longest_match(text, at + i, false) : 0;
        if (inner != 0)
            len = longer(len, i + inner);
    }
    return len;
}

size_t cw_secret_uncut(struct cw_slice text)
{
    for (size_t at = 0; secret_count > 0 && at < text.len;) {
        size_t whole = cw_secret_match(text, at);
        if (whole == 0 && (is_cut(text, at) || (may_match(text, at) && longest_match(text, at, true) != 0)))
            return at;
        at += whole != 0 ? whole : 1;
    }
    return text.len;
}

size_t cw_redact(char *text, size_t len, size_t cap)
{
    struct cw_slice all = { text, len };
    size_t out = 0;
    for (size_t at = 0; at < len;) {
        size_t hidden = cw_secret_match(all, at);
        if (hidden == 0) {
            text[out++] = text[at++];
            continue;
        }
        memcpy(text + out, CW_SECRET_MARK, sizeof CW_SECRET_MARK - 1); /* shorter than any secret */
        out += sizeof CW_SECRET_MARK - 1;
        at += hidden;
    }
    if (out < cap)
        text[out] = '\0';
    return out;
}

static void redact_field(char *text, size_t cap)
{
    cw_redact(text, strlen(text), cap);
}

void cw_redact_error(struct cw_error *err)
{
    redact_field(err->text, sizeof err->text);
    redact_field(err->record, sizeof err->record);
    redact_field(err->field, sizeof err->field);
    redact_field(err->path, sizeof err->path);
}
