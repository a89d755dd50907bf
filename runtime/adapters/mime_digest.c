/* mime_digest.c - what tells a mail that was delivered again from another one. */
#include <strings.h>

#include "adapters/mime_private.h"

/* What servers on the way add: the same mail has others each time it is delivered. */
static bool is_trace(struct cw_slice line)
{
    static const char *const names[] = { "Received:",      "Delivered-To:",
                                         "Return-Path:",   "Envelope-To:",
                                         "Delivery-Date:", "Authentication-Results:",
                                         "Received-SPF:",  "DKIM-Signature:",
                                         "ARC-",           "X-",
                                         "Status:",        "Lines:",
                                         "Content-Length:" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (line.len >= strlen(names[i]) && strncasecmp(line.data, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static struct cw_slice next_line(struct cw_slice *rest)
{
    const char *end = memchr(rest->data, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len, used = len + (end != NULL);
    struct cw_slice line = { rest->data, len };
    *rest = (struct cw_slice){ rest->data + used, rest->len - used };
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

struct cw_hash cw_mime_digest(struct cw_slice bytes)
{
    struct cw_hasher hasher;
    bool in_head = true, skips = false;
    cw_hasher_init(&hasher);
    while (bytes.len > 0) {
        struct cw_slice line = next_line(&bytes);
        in_head = in_head && line.len > 0;
        bool continues = line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
        if (in_head && !continues)
            skips = is_trace(line);
        if (!in_head || !skips)
            cw_hasher_add(&hasher, line);
    }
    return cw_hasher_end(&hasher);
}
