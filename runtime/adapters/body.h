/* body.h - the bytes of an answer or a file, in memory while small, in an unlinked temporary file beyond.
 *
 * Written once from front to back, then read at any offset. What is read is exactly what was written.
 */
#ifndef CW_ADAPTERS_BODY_H
#define CW_ADAPTERS_BODY_H

#include "base/error.h"

enum { CW_BODY_MEMORY_MAX = 8 * 1024 * 1024 }; /* bytes kept in memory; more moves to a file in TMPDIR */

struct cw_body;

/* `limit`: bytes at most; past it cw_body_write fails with CW_LIMIT, naming the limit. */
struct cw_body *cw_body_create(uint64_t limit, struct cw_error *err);
/* Reads an existing regular file; owns nothing but its own descriptor. A file that shrinks while it is read
 * gives CW_IO, one that grows is read up to its size at opening. */
struct cw_body *cw_body_open_file(const char *path, struct cw_error *err);
/* The same of an open file, whose descriptor it owns, success or not; `name` for messages. */
struct cw_body *cw_body_open_fd(int fd, const char *name, struct cw_error *err);
/* Borrows `bytes`, which must outlive the body. */
struct cw_body *cw_body_borrow(struct cw_slice bytes, struct cw_error *err);
void cw_body_free(struct cw_body *body); /* accepts NULL */

bool cw_body_write(struct cw_body *body, struct cw_slice piece, struct cw_error *err);
uint64_t cw_body_size(const struct cw_body *body);
/* Leaves out bytes at the beginning, at most all, from now on: what stands before the data. It can only be
 * read then. */
void cw_body_skip(struct cw_body *body, uint64_t count);

/* All of it when it is in memory, else data is NULL. Valid until the next write or free. */
struct cw_slice cw_body_memory(const struct cw_body *body);

/* Exactly `len` bytes from `offset` into `out`. */
bool cw_body_read(const struct cw_body *body, uint64_t offset, char *out, size_t len, struct cw_error *err);

/* Of whoever hands out a body and must know whether its bytes were stored: the same receipt stays with the
 * body through all hands, and outlives it. */
struct cw_receipt {
    unsigned users;
    bool is_stored;
};
struct cw_receipt *cw_receipt_create(struct cw_error *err); /* one user: the caller */
void cw_receipt_free(struct cw_receipt *receipt);           /* one user less; accepts NULL */
/* One user more: the body. */
void cw_body_set_receipt(struct cw_body *body, struct cw_receipt *receipt);
/* To a body that takes the place of `from`. */
void cw_body_keep_receipt(struct cw_body *body, const struct cw_body *from);
void cw_body_tell_stored(const struct cw_body *body);

#endif
