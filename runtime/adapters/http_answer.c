/* http_answer.c - see http_answer.h. */
#include "adapters/http_answer.h"

#include <strings.h>

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = { { 200, "OK" },
                  { 201, "Created" },
                  { 202, "Accepted" },
                  { 204, "No Content" },
                  { 301, "Moved Permanently" },
                  { 302, "Found" },
                  { 303, "See Other" },
                  { 304, "Not Modified" },
                  { 307, "Temporary Redirect" },
                  { 308, "Permanent Redirect" },
                  { 400, "Bad Request" },
                  { 401, "Unauthorized" },
                  { 403, "Forbidden" },
                  { 404, "Not Found" },
                  { 405, "Method Not Allowed" },
                  { 409, "Conflict" },
                  { 413, "Content Too Large" },
                  { 422, "Unprocessable Content" },
                  { 429, "Too Many Requests" },
                  { 431, "Request Header Fields Too Large" },
                  { 500, "Internal Server Error" },
                  { 502, "Bad Gateway" },
                  { 503, "Service Unavailable" },
                  { 504, "Gateway Timeout" } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].text;
    return "";
}

/* How an answer is framed is decided here, whatever was recorded; and a line break would begin another
 * header. */
static bool is_passed_on(const struct cw_header *header)
{
    static const char *const framing[] = { "Content-Length", "Transfer-Encoding", "Connection",
                                           "Keep-Alive" };
    for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
        if (strcasecmp(header->name, framing[i]) == 0)
            return false;
    return strpbrk(header->name, "\r\n: ") == NULL && strpbrk(header->value, "\r\n") == NULL;
}

/* To HEAD: what a recording announces, or what GET would have got. */
static bool print_length(struct cw_buffer *out, const struct cw_served_answer *answer, bool is_head)
{
    if (answer->status == 204 || answer->status == 304)
        return true;
    for (size_t i = 0; is_head && i < answer->header_count; i++)
        if (strcasecmp(answer->headers[i].name, "Content-Length") == 0 &&
            strspn(answer->headers[i].value, "0123456789") == strlen(answer->headers[i].value))
            return cw_buffer_print(out, NULL, "Content-Length: %s\r\n", answer->headers[i].value);
    return cw_buffer_print(out, NULL, "Content-Length: %zu\r\n", answer->body.len);
}

bool cw_http_answer_print(struct cw_buffer *out, const struct cw_served_answer *answer, bool is_head,
                          bool closes)
{
    int status = answer->status < 200 || answer->status > 599 ? 500 : answer->status;
    bool ok = cw_buffer_print(out, NULL, "HTTP/1.1 %03d %s\r\n", status, reason(status));
    for (size_t i = 0; ok && i < answer->header_count; i++)
        if (is_passed_on(&answer->headers[i]))
            ok = cw_buffer_print(out, NULL, "%s: %s\r\n", answer->headers[i].name, answer->headers[i].value);
    ok = ok && print_length(out, answer, is_head) &&
         cw_buffer_print(out, NULL, "%s\r\n", closes ? "Connection: close\r\n" : "");
    bool has_body = !is_head && status != 204 && status != 304;
    return ok && (!has_body || cw_buffer_add(out, answer->body.data, answer->body.len, NULL));
}
