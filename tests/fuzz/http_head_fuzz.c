/* http_head_fuzz.c - requests as strangers send them: a head is read the same in whatever pieces it comes,
 * what is taken apart is what was there, and a chunked body keeps to its limit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/http_head.h"
#include "fuzz.h"

enum { BODY_MAX = 100 };

/* What is good stays good with more behind it, and was incomplete with less. */
static void check_pieces(struct cw_slice bytes, const struct cw_head_info *whole)
{
    struct cw_head_info part;
    for (size_t len = 0; len < whole->len; len++)
        MUST(cw_http_head_read((struct cw_slice){ bytes.data, len }, &part) == CW_HEAD_INCOMPLETE);
    MUST(cw_http_head_read((struct cw_slice){ bytes.data, whole->len }, &part) == CW_HEAD_GOOD);
    MUST(part.len == whole->len && part.fields == whole->fields && part.body_len == whole->body_len);
}

static bool is_inside(const char *text, const char *head, size_t len)
{
    return text >= head && text < head + len && memchr(text, '\0', (size_t)(head + len - text)) != NULL;
}

static void check_split(struct cw_slice bytes, const struct cw_head_info *info)
{
    char *head = malloc(info->len);
    struct cw_header *headers = calloc(info->fields + 1, sizeof *headers);
    const char *method, *target;
    MUST(head != NULL && headers != NULL);
    memcpy(head, bytes.data, info->len);
    cw_http_head_split(head, info, &method, &target, headers);
    MUST(is_inside(method, head, info->len) && is_inside(target, head, info->len));
    MUST(method[0] != '\0' && target[0] == '/');
    for (size_t i = 0; i < info->fields; i++) {
        MUST(is_inside(headers[i].name, head, info->len) && is_inside(headers[i].value, head, info->len));
        MUST(headers[i].name[0] != '\0' && strpbrk(headers[i].name, " \t\r\n:") == NULL);
        MUST(strpbrk(headers[i].value, "\r\n") == NULL);
    }
    free(headers);
    free(head);
}

static enum cw_chunk read_chunks(struct cw_slice bytes, size_t step, struct cw_buffer *body, size_t *used)
{
    struct cw_chunks chunks = { 0 };
    enum cw_chunk got = CW_CHUNK_MORE;
    *used = 0;
    body->limit = BODY_MAX;
    while (*used < bytes.len && got == CW_CHUNK_MORE) {
        size_t len = bytes.len - *used < step ? bytes.len - *used : step, taken = 0;
        got = cw_chunks_read(&chunks, (struct cw_slice){ bytes.data + *used, len }, body, &taken);
        MUST(body->len <= BODY_MAX && taken <= len);
        if (got == CW_CHUNK_MORE)
            MUST(taken == len);
        *used += taken;
    }
    return got;
}

static void check_chunks(struct cw_slice bytes)
{
    struct cw_buffer whole = { 0 }, pieces = { 0 };
    size_t whole_used, pieces_used;
    enum cw_chunk a = read_chunks(bytes, bytes.len + 1, &whole, &whole_used);
    enum cw_chunk b = read_chunks(bytes, 1, &pieces, &pieces_used);
    MUST(a == b);
    if (a == CW_CHUNK_END || a == CW_CHUNK_MORE)
        MUST(whole_used == pieces_used && cw_slice_equal(cw_buffer_slice(&whole), cw_buffer_slice(&pieces)));
    cw_buffer_fini(&whole);
    cw_buffer_fini(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cw_slice bytes = { (const char *)data, size };
    struct cw_head_info info;
    if (size > 0 && cw_http_head_read(bytes, &info) == CW_HEAD_GOOD) {
        MUST(info.len <= size && info.len <= CW_HTTP_HEAD_MAX);
        check_pieces(bytes, &info);
        check_split(bytes, &info);
        check_chunks((struct cw_slice){ bytes.data + info.len, size - info.len });
    }
    check_chunks(bytes);
    return 0;
}
