/* http_head.h - the head of a request as strangers send it: read strictly, before anything else looks at it.
 * Private to the HTTP server; touches nothing but the bytes it is given. */
#ifndef CW_ADAPTERS_HTTP_HEAD_H
#define CW_ADAPTERS_HTTP_HEAD_H

#include "adapters/http.h"

enum { CW_HTTP_HEAD_MAX = 16 * 1024 }; /* bytes, the empty line included */

enum cw_head { CW_HEAD_INCOMPLETE, CW_HEAD_GOOD, CW_HEAD_BAD, CW_HEAD_TOO_LONG };

struct cw_head_info {
    size_t len;    /* of the head, the empty line included */
    size_t fields; /* headers */
    bool is_chunked;
    bool closes;       /* HTTP/1.0, or "Connection: close" */
    uint64_t body_len; /* as announced; 0 when nothing is */
};

/* Good is only what every server would read the same way: one request line with a path of printable ASCII,
 * whose escapes are complete and hide no control character; lines that end in CR LF, none folded; names that
 * are tokens; at most one of Content-Length (digits) and Transfer-Encoding ("chunked"); one Host in HTTP/1.1.
 */
enum cw_head cw_http_head_read(struct cw_slice bytes, struct cw_head_info *out);

/* Takes a good head apart, in place: ends each piece with a NUL. `headers` has room for info->fields. */
void cw_http_head_split(char *head, const struct cw_head_info *info, const char **method, const char **target,
                        struct cw_header *headers);

/* Decodes a chunked body as it comes in. Strict, too: sizes of one to eight hex digits, no extensions, no
 * trailers. */
struct cw_chunks {
    uint64_t left;  /* of the present chunk */
    unsigned phase; /* 0 = at the first chunk's size */
    unsigned digits;
};

enum cw_chunk { CW_CHUNK_MORE, CW_CHUNK_END, CW_CHUNK_BAD, CW_CHUNK_TOO_LONG };

/* Appends to `body` what `bytes` hold, up to the end of the body; *used says how many bytes that were.
 * TOO_LONG past the buffer's limit. */
enum cw_chunk cw_chunks_read(struct cw_chunks *chunks, struct cw_slice bytes, struct cw_buffer *body,
                             size_t *used);

#endif
