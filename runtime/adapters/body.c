/* body.c - see body.h. Either `memory` holds everything, or `fd` does, or the bytes are somebody else's. */
#include "adapters/body.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

struct cw_body {
    struct cw_buffer memory;
    struct cw_slice borrowed; /* data NULL = nothing is borrowed */
    int fd;                   /* -1 = the bytes are in memory */
    bool read_only;
    uint64_t size, limit;
    uint64_t skipped;           /* bytes at the beginning, which are left out */
    struct cw_receipt *receipt; /* NULL = nobody asks */
    char name[4096];            /* of the file, for messages */
};

static struct cw_body *make(uint64_t limit, struct cw_error *err)
{
    struct cw_body *body = calloc(1, sizeof *body);
    if (body == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a body");
        return NULL;
    }
    body->fd = -1;
    body->limit = limit;
    body->memory.limit = limit < CW_BODY_MEMORY_MAX ? limit : CW_BODY_MEMORY_MAX;
    return body;
}

struct cw_body *cw_body_create(uint64_t limit, struct cw_error *err)
{
    return make(limit, err);
}

static bool measure(struct cw_body *body, struct cw_error *err)
{
    struct stat info;
    if (fstat(body->fd, &info) != 0)
        return cw_fail(err, CW_IO, "cannot read %s: %s", body->name, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return cw_fail(err, CW_USAGE, "%s is not a regular file", body->name);
    body->size = (uint64_t)info.st_size;
    return true;
}

struct cw_body *cw_body_open_file(const char *path, struct cw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not block */
    if (fd >= 0)
        return cw_body_open_fd(fd, path, err);
    cw_fail(err, errno == ENOENT ? CW_NOT_FOUND : CW_IO, "cannot read %s: %s", path, strerror(errno));
    return NULL;
}

struct cw_body *cw_body_open_fd(int fd, const char *name, struct cw_error *err)
{
    struct cw_body *body = make(0, err);
    if (body == NULL) {
        close(fd);
        return NULL;
    }
    body->fd = fd;
    body->read_only = true;
    snprintf(body->name, sizeof body->name, "%s", name);
    if (measure(body, err))
        return body;
    cw_body_free(body);
    return NULL;
}

struct cw_body *cw_body_borrow(struct cw_slice bytes, struct cw_error *err)
{
    struct cw_body *body = make(bytes.len, err);
    if (body == NULL)
        return NULL;
    body->read_only = true;
    body->borrowed = (struct cw_slice){ bytes.data != NULL ? bytes.data : "", bytes.len };
    body->size = bytes.len;
    return body;
}

void cw_body_free(struct cw_body *body)
{
    if (body == NULL)
        return;
    if (body->fd >= 0)
        close(body->fd);
    cw_buffer_fini(&body->memory);
    cw_receipt_free(body->receipt);
    free(body);
}

static bool write_all(struct cw_body *body, struct cw_slice piece, struct cw_error *err)
{
    while (piece.len > 0) {
        ssize_t n = write(body->fd, piece.data, piece.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cw_fail(err, CW_IO, "cannot write a temporary file in %s: %s", body->name,
                           strerror(errno));
        piece.data += n;
        piece.len -= (size_t)n;
    }
    return true;
}

static bool open_temporary(struct cw_body *body, struct cw_error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[PATH_MAX + 32];
    snprintf(body->name, sizeof body->name, "%s", folder != NULL && *folder != '\0' ? folder : "/tmp");
    snprintf(path, sizeof path, "%s/cartwright-XXXXXX", body->name);
    body->fd = mkostemp(path, O_CLOEXEC);
    if (body->fd < 0)
        return cw_fail(err, CW_IO, "cannot make a temporary file in %s: %s; set TMPDIR to a folder with room",
                       body->name, strerror(errno));
    unlink(path); /* gone with its descriptor, also after a crash */
    return true;
}

/* On failure the bytes are still in memory. */
static bool move_to_file(struct cw_body *body, struct cw_error *err)
{
    if (!open_temporary(body, err))
        return false;
    if (!write_all(body, cw_buffer_slice(&body->memory), err)) {
        close(body->fd);
        body->fd = -1;
        return false;
    }
    cw_buffer_fini(&body->memory);
    return true;
}

/* A half written piece would shift all that follows: it is cut off again. */
static bool append_to_file(struct cw_body *body, struct cw_slice piece, struct cw_error *err)
{
    if (write_all(body, piece, err))
        return true;
    if (ftruncate(body->fd, (off_t)body->size) != 0 || lseek(body->fd, (off_t)body->size, SEEK_SET) < 0)
        body->read_only = true;
    return false;
}

bool cw_body_write(struct cw_body *body, struct cw_slice piece, struct cw_error *err)
{
    if (body->read_only)
        return cw_fail(err, CW_USAGE, "this body can only be read");
    if (piece.len > body->limit - body->size)
        return cw_fail(err, CW_LIMIT, "the body is larger than the limit of %" PRIu64 " bytes", body->limit);
    if (body->fd < 0 && body->size + piece.len > CW_BODY_MEMORY_MAX && !move_to_file(body, err))
        return false;
    bool ok = body->fd >= 0 ? append_to_file(body, piece, err)
                            : cw_buffer_add(&body->memory, piece.data, piece.len, err);
    if (ok)
        body->size += piece.len;
    return ok;
}

uint64_t cw_body_size(const struct cw_body *body)
{
    return body->size - body->skipped;
}

void cw_body_skip(struct cw_body *body, uint64_t count)
{
    uint64_t left = cw_body_size(body);
    body->skipped += count < left ? count : left;
    body->read_only = true;
}

struct cw_slice cw_body_memory(const struct cw_body *body)
{
    struct cw_slice all = { NULL, 0 };
    if (body->borrowed.data != NULL)
        all = body->borrowed;
    else if (body->fd < 0)
        all = cw_buffer_slice(&body->memory);
    if (all.data == NULL)
        return all;
    return (struct cw_slice){ all.data + body->skipped, all.len - body->skipped };
}

static bool read_from_file(const struct cw_body *body, uint64_t offset, char *out, size_t len,
                           struct cw_error *err)
{
    while (len > 0) {
        ssize_t n = pread(body->fd, out, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cw_fail(err, CW_IO, "cannot read %s: %s", body->name, strerror(errno));
        if (n == 0)
            return cw_fail(err, CW_IO, "%s became shorter while it was read: it ends at byte %" PRIu64,
                           body->name, offset);
        out += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

bool cw_body_read(const struct cw_body *body, uint64_t offset, char *out, size_t len, struct cw_error *err)
{
    uint64_t size = cw_body_size(body);
    if (offset > size || len > size - offset)
        return cw_fail(err, CW_USAGE, "bytes %" PRIu64 " to %" PRIu64 " of a body of %" PRIu64 " bytes",
                       offset, offset + len, size);
    struct cw_slice memory = cw_body_memory(body);
    if (memory.data == NULL)
        return read_from_file(body, body->skipped + offset, out, len, err);
    if (len > 0)
        memcpy(out, memory.data + offset, len);
    return true;
}

/* --- receipts --- */

struct cw_receipt *cw_receipt_create(struct cw_error *err)
{
    struct cw_receipt *receipt = calloc(1, sizeof *receipt);
    if (receipt == NULL)
        cw_fail(err, CW_NOMEM, "no memory for a receipt");
    else
        receipt->users = 1;
    return receipt;
}

void cw_receipt_free(struct cw_receipt *receipt)
{
    if (receipt != NULL && --receipt->users == 0)
        free(receipt);
}

void cw_body_set_receipt(struct cw_body *body, struct cw_receipt *receipt)
{
    receipt->users++;
    cw_receipt_free(body->receipt);
    body->receipt = receipt;
}

void cw_body_keep_receipt(struct cw_body *body, const struct cw_body *from)
{
    if (from->receipt != NULL)
        cw_body_set_receipt(body, from->receipt);
}

void cw_body_tell_stored(const struct cw_body *body)
{
    if (body->receipt != NULL)
        body->receipt->is_stored = true;
}
