/* mailbox_url.c - addresses of mailboxes, and the names of mailboxes as IMAP writes them. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "adapters/mailbox_private.h"
#include "adapters/utf8.h"

static const struct scheme {
    const char *name;
    enum cw_mailbox_kind kind;
    unsigned port;
} schemes[] = {
    { "imap", CW_IMAP, 143 },
    { "imaps", CW_IMAPS, 993 },
    { "pop3", CW_POP3, 110 },
    { "pop3s", CW_POP3S, 995 },
};

static const struct scheme *find_scheme(const char *text)
{
    size_t len = strcspn(text, ":");
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strlen(schemes[i].name) == len && strncasecmp(text, schemes[i].name, len) == 0)
            return &schemes[i];
    return NULL;
}

bool cw_mailbox_is_address(const char *url)
{
    return find_scheme(url) != NULL;
}

static bool malformed(struct cw_error *err, const char *why)
{
    return cw_fail(err, CW_USAGE,
                   "the address of the mailbox is not usable (%s); write imaps://host/INBOX or pop3s://host, "
                   "with user and password in settings of their own",
                   why);
}

static char *part(CURLU *url, CURLUPart which, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(url, which, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool keep(struct cw_mailbox_url *out, const struct scheme *scheme, const char *path,
                 struct cw_error *err)
{
    struct cw_buffer server = { 0 };
    bool v6 = strchr(out->host, ':') != NULL, is_imap = scheme->kind <= CW_IMAPS;
    const char *mailbox = path[0] == '/' ? path + 1 : path;
    out->mailbox = strdup(!is_imap ? "" : mailbox[0] == '\0' ? "INBOX" : mailbox);
    bool ok = cw_buffer_print(&server, err, "%s://%s%s%s:%u/", scheme->name, v6 ? "[" : "", out->host,
                              v6 ? "]" : "", out->port);
    out->server = server.data;
    if (!ok || out->mailbox == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for an address");
    snprintf(out->where, sizeof out->where, "%s%s", out->server, out->mailbox);
    return is_imap || mailbox[0] == '\0' || malformed(err, "a mailbox of POP3 has no name");
}

static bool fill(CURLU *url, const struct scheme *scheme, struct cw_mailbox_url *out, struct cw_error *err)
{
    const char *why = "its host is missing";
    char *host = part(url, CURLUPART_HOST, 0), *port = part(url, CURLUPART_PORT, 0);
    char *path = part(url, CURLUPART_PATH, CURLU_URLDECODE);
    out->kind = scheme->kind;
    out->port = port != NULL ? (unsigned)atoi(port) : scheme->port;
    bool ok = host != NULL && cw_url_copy_host(host, out->host, &why);
    if (!ok || out->port == 0)
        ok = malformed(err, ok ? "its port is 0" : why);
    else if (path == NULL)
        ok = malformed(err, "its mailbox hides control characters");
    else
        ok = keep(out, scheme, path, err);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    return ok;
}

bool cw_mailbox_url_parse(const char *text, struct cw_mailbox_url *out, struct cw_error *err)
{
    const struct scheme *scheme = find_scheme(text);
    CURLU *url = curl_url();
    bool ok = false;
    if (scheme == NULL)
        malformed(err, "only imap, imaps, pop3 and pop3s are spoken");
    else if (strpbrk(text, "?#;") != NULL)
        malformed(err, "in a name write ? as %3F, # as %23 and ; as %3B");
    else if (url == NULL)
        cw_fail(err, CW_NOMEM, "no memory for an address");
    else {
        CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
        ok = code == CURLUE_OK ? fill(url, scheme, out, err) : malformed(err, curl_url_strerror(code));
    }
    curl_url_cleanup(url);
    return ok;
}

void cw_mailbox_url_fini(struct cw_mailbox_url *url)
{
    free(url->server);
    free(url->mailbox);
    url->server = url->mailbox = NULL;
}

/* --- modified UTF-7 --- */

struct base64 {
    uint32_t bits;
    unsigned count; /* bits that wait */
};

static bool add_bits(struct base64 *state, unsigned unit, unsigned width, struct cw_buffer *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    bool ok = true;
    state->bits = state->bits << width | unit;
    for (state->count += width; ok && state->count >= 6; state->count -= 6)
        ok = cw_buffer_add(out, &digits[state->bits >> (state->count - 6) & 63], 1, NULL);
    return ok;
}

static bool end_shift(struct base64 *state, struct cw_buffer *out)
{
    bool ok = state->count == 0 || add_bits(state, 0, 6 - state->count, out);
    *state = (struct base64){ 0 };
    return ok && cw_buffer_add(out, "-", 1, NULL);
}

static bool add_shifted(struct base64 *state, uint32_t point, struct cw_buffer *out)
{
    if (point < 0x10000)
        return add_bits(state, point, 16, out);
    point -= 0x10000;
    return add_bits(state, 0xD800 | point >> 10, 16, out) &&
           add_bits(state, 0xDC00 | (point & 0x3FF), 16, out);
}

static bool add_plain(uint32_t point, struct cw_buffer *out)
{
    char byte = (char)point;
    if (point == '&')
        return cw_buffer_add(out, "&-", 2, NULL);
    if ((point == '"' || point == '\\') && !cw_buffer_add(out, "\\", 1, NULL))
        return false;
    return cw_buffer_add(out, &byte, 1, NULL);
}

bool cw_mailbox_quote(const char *name, struct cw_buffer *out, struct cw_error *err)
{
    struct base64 state = { 0 };
    uint32_t point;
    bool shifted = false, ok = cw_buffer_add(out, "\"", 1, NULL);
    for (const char *end = name + strlen(name); ok && name < end;) {
        unsigned len = cw_utf8_read(name, end, &point);
        if (len == 0 || point < ' ' || point == 0x7f)
            return cw_fail(err, CW_USAGE, "the name of a mailbox is no UTF-8, or has a control character");
        if (point > 0x7f && !shifted)
            ok = cw_buffer_add(out, "&", 1, NULL);
        if (point <= 0x7f && shifted)
            ok = end_shift(&state, out);
        shifted = point > 0x7f;
        ok = ok && (shifted ? add_shifted(&state, point, out) : add_plain(point, out));
        name += len;
    }
    ok = ok && (!shifted || end_shift(&state, out)) && cw_buffer_add(out, "\"", 1, NULL);
    return ok || cw_fail(err, CW_NOMEM, "no memory for the name of a mailbox");
}
