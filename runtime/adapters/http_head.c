/* http_head.c - see http_head.h. */
#include "adapters/http_head.h"

#include <strings.h>

struct head {
    struct cw_head_info info;
    bool is_1_1;
    unsigned hosts, lengths, codings;
};

static bool is_token_char(unsigned char c)
{
    return c > ' ' && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

static bool is_token(struct cw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_char((unsigned char)text.data[i]))
            return false;
    return text.len > 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_target(struct cw_slice text)
{
    if (text.len == 0 || text.data[0] != '/')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return false;
        if (c != '%')
            continue;
        int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
        int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;
        if (high < 2 || low < 0 || high * 16 + low == 0x7f)
            return false; /* no two digits, or one of the control characters 00 to 1f and 7f */
    }
    return true;
}

static struct cw_slice cut(struct cw_slice *rest, char at)
{
    const char *end = memchr(rest->data, at, rest->len);
    struct cw_slice first = { rest->data, end != NULL ? (size_t)(end - rest->data) : rest->len };
    size_t used = end != NULL ? first.len + 1 : rest->len;
    *rest = (struct cw_slice){ rest->data + used, rest->len - used };
    return first;
}

static bool read_request_line(struct head *head, struct cw_slice line)
{
    struct cw_slice method = cut(&line, ' '), target = cut(&line, ' ');
    head->is_1_1 = cw_slice_is(line, "HTTP/1.1");
    head->info.closes = !head->is_1_1;
    return is_token(method) && is_target(target) && (head->is_1_1 || cw_slice_is(line, "HTTP/1.0"));
}

static bool is_name(struct cw_slice name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.data, wanted, name.len) == 0;
}

static bool read_length(struct head *head, struct cw_slice value)
{
    if (value.len == 0 || value.len > 18 || head->lengths++ > 0)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        head->info.body_len = head->info.body_len * 10 + (uint64_t)(value.data[i] - '0');
    }
    return true;
}

static bool has_control(struct cw_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static bool read_field(struct head *head, struct cw_slice line)
{
    if (memchr(line.data, ':', line.len) == NULL)
        return false;
    struct cw_slice value = line;
    struct cw_slice name = cut(&value, ':');
    if (!is_token(name) || has_control(value)) /* a folded line begins with a blank: no token */
        return false;
    head->info.fields++;
    value = cw_slice_trim(value);
    if (is_name(name, "Host"))
        return head->hosts++ == 0;
    if (is_name(name, "Connection"))
        head->info.closes = head->info.closes || is_name(value, "close");
    if (is_name(name, "Content-Length"))
        return read_length(head, value);
    if (is_name(name, "Transfer-Encoding")) {
        head->info.is_chunked = true;
        return head->codings++ == 0 && head->is_1_1 && is_name(value, "chunked");
    }
    return true;
}

/* A CR or LF that does not stand in a pair ends a line for some readers and not for others. */
static bool has_bare_line_end(struct cw_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.data[i];
        if (c == '\n' && (i == 0 || bytes.data[i - 1] != '\r'))
            return true;
        if (c == '\r' && i + 1 < bytes.len && bytes.data[i + 1] != '\n')
            return true;
    }
    return false;
}

static bool read_lines(struct head *head, struct cw_slice lines)
{
    struct cw_slice line = cut(&lines, '\n');
    line.len--; /* the CR */
    if (!read_request_line(head, line))
        return false;
    while (lines.len > 0) {
        line = cut(&lines, '\n');
        line.len--;
        if (!read_field(head, line))
            return false;
    }
    return head->lengths + head->codings <= 1 && (!head->is_1_1 || head->hosts == 1);
}

enum cw_head cw_http_head_read(struct cw_slice bytes, struct cw_head_info *out)
{
    struct head head = { 0 };
    const char *end = memmem(bytes.data, bytes.len, "\r\n\r\n", 4);
    size_t len = end != NULL ? (size_t)(end + 4 - bytes.data) : bytes.len;
    if (has_bare_line_end((struct cw_slice){ bytes.data, len }))
        return CW_HEAD_BAD;
    if (len > CW_HTTP_HEAD_MAX)
        return CW_HEAD_TOO_LONG;
    if (end == NULL)
        return CW_HEAD_INCOMPLETE;
    head.info.len = len;
    if (!read_lines(&head, (struct cw_slice){ bytes.data, len - 2 }))
        return CW_HEAD_BAD;
    *out = head.info;
    return CW_HEAD_GOOD;
}

static char *end_at(struct cw_slice piece)
{
    char *text = (char *)piece.data;
    text[piece.len] = '\0';
    return text;
}

void cw_http_head_split(char *head, const struct cw_head_info *info, const char **method, const char **target,
                        struct cw_header *headers)
{
    struct cw_slice lines = { head, info->len - 2 };
    struct cw_slice line = cut(&lines, '\n');
    struct cw_slice first = cut(&line, ' '), second = cut(&line, ' ');
    *method = end_at(first);
    *target = end_at(second);
    for (size_t i = 0; i < info->fields; i++) {
        line = cut(&lines, '\n');
        struct cw_slice name = cut(&line, ':');
        headers[i] = (struct cw_header){ end_at(name), end_at(cw_slice_trim(line)) };
    }
}

/* A chunk is: size CR LF, bytes CR LF; the last one has size 0 and no bytes. */
enum { SIZE, SIZE_LF, BYTES, BYTES_CR, BYTES_LF, LAST_CR, LAST_LF, ENDED };

static bool read_size(struct cw_chunks *chunks, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0 && chunks->digits < 8) {
        chunks->left = chunks->left * 16 + (unsigned)digit;
        chunks->digits++;
        return true;
    }
    chunks->phase = SIZE_LF;
    return c == '\r' && chunks->digits > 0;
}

/* One byte between the chunks' contents; false when it is not the one that belongs there. */
static bool read_frame(struct cw_chunks *chunks, char c)
{
    switch (chunks->phase) {
    case SIZE:
        return read_size(chunks, c);
    case SIZE_LF:
        chunks->phase = chunks->left > 0 ? BYTES : LAST_CR;
        return c == '\n';
    case BYTES_CR:
        chunks->phase = BYTES_LF;
        return c == '\r';
    case BYTES_LF:
        *chunks = (struct cw_chunks){ .phase = SIZE };
        return c == '\n';
    case LAST_CR:
        chunks->phase = LAST_LF;
        return c == '\r';
    default:
        chunks->phase = ENDED;
        return c == '\n';
    }
}

enum cw_chunk cw_chunks_read(struct cw_chunks *chunks, struct cw_slice bytes, struct cw_buffer *body,
                             size_t *used)
{
    size_t i = 0;
    while (i < bytes.len && chunks->phase != ENDED) {
        if (chunks->phase != BYTES) {
            if (!read_frame(chunks, bytes.data[i++]))
                return CW_CHUNK_BAD;
            continue;
        }
        if (body->limit != 0 && chunks->left > body->limit - body->len)
            return CW_CHUNK_TOO_LONG; /* as announced: nothing of it need be waited for */
        size_t len = bytes.len - i < chunks->left ? bytes.len - i : (size_t)chunks->left;
        if (!cw_buffer_add(body, bytes.data + i, len, NULL))
            return CW_CHUNK_TOO_LONG;
        i += len;
        chunks->left -= len;
        chunks->phase = chunks->left > 0 ? BYTES : BYTES_CR;
    }
    *used = i;
    return chunks->phase == ENDED ? CW_CHUNK_END : CW_CHUNK_MORE;
}
