/* http_inflate.c - see http_inflate.h; zlib does the work. */
#include "adapters/http_inflate.h"

#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

enum { PIECE_BYTES = 16 * 1024 };

struct cw_inflate {
    struct cw_body *body;
    z_stream stream;
    bool is_gzip;
    bool is_ready; /* the decompressor runs: the first byte was seen */
    bool is_ended; /* the last stream was complete */
    uint64_t received, produced;
};

bool cw_inflate_create(const char *coding, struct cw_body *body, struct cw_inflate **out,
                       struct cw_error *err)
{
    *out = NULL;
    bool is_gzip = strcasecmp(coding, "gzip") == 0 || strcasecmp(coding, "x-gzip") == 0;
    if (*coding == '\0' || strcasecmp(coding, "identity") == 0)
        return true;
    if (!is_gzip && strcasecmp(coding, "deflate") != 0)
        return cw_fail(err, CW_INVALID,
                       "the answer is encoded as \"%.40s\", but only gzip and deflate, once, were offered",
                       coding);
    struct cw_inflate *own = calloc(1, sizeof *own);
    if (own == NULL)
        return cw_fail(err, CW_NOMEM, "no memory to decompress an answer");
    own->body = body;
    own->is_gzip = is_gzip;
    *out = own;
    return true;
}

/* "deflate" should mean the zlib format; some servers send the bare stream. A zlib header starts with
 * method 8. */
static bool start(struct cw_inflate *own, unsigned char first, struct cw_error *err)
{
    int window = own->is_gzip ? 15 + 16 : (first & 0x0f) == 8 && first >> 4 <= 7 ? 15 : -15;
    if (inflateInit2(&own->stream, window) != Z_OK)
        return cw_fail(err, CW_NOMEM, "no memory to decompress an answer");
    own->is_ready = true;
    return true;
}

static bool deliver(struct cw_inflate *own, const char *out, size_t len, struct cw_error *err)
{
    own->produced += len;
    if (own->produced > CW_INFLATE_FREE_BYTES && own->produced > CW_INFLATE_RATIO_MAX * own->received)
        return cw_fail(err, CW_LIMIT, "the compressed answer grows to more than %d times its size; refused",
                       CW_INFLATE_RATIO_MAX);
    return len == 0 || cw_body_write(own->body, (struct cw_slice){ out, len }, err);
}

/* Another gzip member may follow the first (RFC 1952); zeros that pad the end are ignored as gunzip does. */
static bool next_member(struct cw_inflate *own, struct cw_error *err)
{
    z_stream *stream = &own->stream;
    while (stream->avail_in > 0 && *stream->next_in == 0) {
        stream->next_in++;
        stream->avail_in--;
    }
    if (stream->avail_in == 0)
        return true;
    if (!own->is_gzip || inflateReset(stream) != Z_OK)
        return cw_fail(err, CW_INVALID, "the compressed answer goes on after its end");
    own->is_ended = false;
    return true;
}

static bool inflate_some(struct cw_inflate *own, struct cw_error *err)
{
    char out[PIECE_BYTES];
    z_stream *stream = &own->stream;
    stream->next_out = (unsigned char *)out;
    stream->avail_out = sizeof out;
    int result = inflate(stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return cw_fail(err, CW_INVALID, "the compressed answer is damaged: %s",
                       stream->msg != NULL ? stream->msg : "no such data");
    own->is_ended = result == Z_STREAM_END;
    return deliver(own, out, sizeof out - stream->avail_out, err);
}

bool cw_inflate_write(struct cw_inflate *own, struct cw_slice piece, struct cw_error *err)
{
    if (piece.len == 0)
        return true;
    own->received += piece.len;
    if (!own->is_ready && !start(own, (unsigned char)piece.data[0], err))
        return false;
    z_stream *stream = &own->stream;
    stream->next_in = (z_const unsigned char *)piece.data;
    stream->avail_in = (unsigned)piece.len;
    do {
        if (own->is_ended && !next_member(own, err))
            return false;
        if (own->is_ended)
            return true;
        if (!inflate_some(own, err))
            return false;
    } while (stream->avail_in > 0 || stream->avail_out == 0);
    return true;
}

bool cw_inflate_end(const struct cw_inflate *own, struct cw_error *err)
{
    if (!own->is_ready || own->is_ended)
        return true;
    return cw_fail(err, CW_IO, "the compressed answer was cut before its end");
}

void cw_inflate_free(struct cw_inflate *own)
{
    if (own != NULL && own->is_ready)
        inflateEnd(&own->stream);
    free(own);
}
