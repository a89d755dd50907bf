/* http_check.c - see http_check.h. */
#include "adapters/http_check.h"

#include <strings.h>

enum { METHOD_MAX = 16 };

static bool is_token(const char *text, size_t most)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f ||
            strchr("\"(),/:;<=>?@[\\]{}", text[i]) != NULL)
            return false;
    return len > 0 && len <= most;
}

bool cw_check_has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return true;
    return false;
}

/* Framing and routing are ours: a script that sets them could smuggle a second request. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {
        "Host",    "Content-Length", "Transfer-Encoding", "Connection",          "Expect",         "Te",
        "Trailer", "Upgrade",        "Keep-Alive",        "Proxy-Authorization", "Accept-Encoding"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

bool cw_check_header(const struct cw_header *header, struct cw_error *err)
{
    if (!is_token(header->name, 256))
        return cw_fail(err, CW_USAGE, "a header's name must be letters, digits and dashes");
    if (is_reserved(header->name))
        return cw_fail(err, CW_USAGE, "the header %s is set by the runtime; leave it out", header->name);
    if (cw_check_has_control(header->value))
        return cw_fail(err, CW_USAGE, "the value of the header %s holds a line break or control character",
                       header->name);
    return true;
}

bool cw_check_method(const char *method, struct cw_error *err)
{
    if (!is_token(method, METHOD_MAX) || strcmp(method, "CONNECT") == 0 || strcmp(method, "TRACE") == 0)
        return cw_fail(err, CW_USAGE, "no usable method; write GET, POST, PUT, PATCH or DELETE");
    return true;
}

bool cw_check_is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

bool cw_http_only_reads(const struct cw_http_request *request)
{
    return cw_check_is_safe(request->method) || request->reads;
}
