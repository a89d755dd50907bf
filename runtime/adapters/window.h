/* window.h - a body seen through a window that slides forward: the whole body when it is in memory, else as
 * much as the splitter needs at once. Internal to the splitters.
 *
 * `data[at]` is the next byte. What stands before both `at` and `mark` is dropped when the window moves, so
 * pointers into `data` live until the next call that may move it (cw_window_more, cw_window_has).
 */
#ifndef CW_ADAPTERS_WINDOW_H
#define CW_ADAPTERS_WINDOW_H

#include "adapters/body.h"

#define CW_WINDOW_NO_MARK SIZE_MAX

enum { CW_WINDOW_STEP = 256 * 1024, CW_QUOTE_MAX = 96 }; /* bytes read at once; bytes of a quotation */

struct cw_window {
    const struct cw_body *body;
    const char *data;
    size_t len;    /* bytes visible */
    uint64_t base; /* offset of data[0] in the body */
    size_t at, mark;
    char *own; /* NULL while the body is in memory */
    size_t cap, step;
    size_t limit;         /* bytes that may be kept at once: the limit of a record */
    struct cw_error *err; /* of the running call */
    bool failed;          /* *err is set */
};

/* `step` 0: zero-copy where possible; else the window is always copied, and moves by so many bytes. */
void cw_window_init(struct cw_window *window, const struct cw_body *body, size_t step, size_t limit);
void cw_window_fini(struct cw_window *window);

/* Makes more bytes visible. False at the end of the body and after a failure: `failed` tells them apart. */
bool cw_window_more(struct cw_window *window);

/* At least `n` bytes are visible from `at` on; false as above. */
static inline bool cw_window_has(struct cw_window *window, size_t n)
{
    while (window->len - window->at < n)
        if (!cw_window_more(window))
            return false;
    return true;
}

static inline uint64_t cw_window_offset(const struct cw_window *window)
{
    return window->base + window->at;
}

/* Skips blanks, tabs and line ends; false at the end of the body and after a failure. */
bool cw_window_skip_space(struct cw_window *window);

/* Where what is kept begins. */
static inline size_t cw_window_kept(const struct cw_window *window)
{
    return window->mark < window->at ? window->mark : window->at;
}

/* How many bytes from `at` on may be looked at before what is kept is over the limit. */
static inline size_t cw_window_room(const struct cw_window *window)
{
    size_t kept = window->at - cw_window_kept(window);
    return kept < window->limit ? window->limit - kept : 0;
}

/* The record from `mark` to `at` is not over the limit; else fails. */
bool cw_window_check_size(struct cw_window *window);

/* CW_LIMIT for what is kept; always false. */
bool cw_window_fail_size(struct cw_window *window);

/* Skips a byte-order mark. Fails for UTF-16 and UTF-32, saying how to convert. */
bool cw_window_begin(struct cw_window *window);

/* Sets *err with offset and line; always false. */
bool cw_window_fail(struct cw_window *window, enum cw_code code, uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* How the body goes on from `offset`, on one line, fit for a message. */
void cw_window_quote(const struct cw_window *window, uint64_t offset, char out[CW_QUOTE_MAX]);

/* `what`, with a quotation of what stands at the reading position; false, also when it failed already. */
bool cw_window_fail_here(struct cw_window *window, const char *what);

#endif
