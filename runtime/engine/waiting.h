/* waiting.h - records that wait for something that has come meanwhile, mapped again.
 *
 * Orders wait for customers and items that another stream brings, also of another cart; records of all
 * streams wait for rows of translation tables, which a person may set at any time.
 */
#ifndef CW_ENGINE_WAITING_H
#define CW_ENGINE_WAITING_H

#include "engine/sync.h"

enum { CW_WAITING_MATCHES = 1, CW_WAITING_ROWS = 2 };

struct cw_waiting;

/* `ran` is called for each run that mapped something or failed, `done` once at the end; both from the loop.
 */
struct cw_waiting_config {
    int what; /* CW_WAITING_... */
    cw_sync_done_fn *ran;
    cw_loop_fn *done;
    void *arg;
};
struct cw_waiting *cw_waiting_start(struct cw_session *session, struct cw_lua_cart *cart,
                                    const struct cw_waiting_config *config, struct cw_error *err);
/* Behind the page in hand; `done` comes as ever. */
void cw_waiting_stop(struct cw_waiting *waiting);
void cw_waiting_cancel(struct cw_waiting *waiting); /* no callback */

/* What has come, in a text that is another one when something has: of customers and items ("news"), and of
 * table rows ("rows"). */
enum { CW_STAMP_MAX = 64 };
struct cw_stamps {
    char news[CW_STAMP_MAX], rows[CW_STAMP_MAX];
};
/* Once, now or later; err: it could not be read. */
typedef void cw_stamps_fn(void *arg, const struct cw_stamps *stamps, const struct cw_error *err);
void cw_waiting_read_stamps(struct cw_store *store, cw_stamps_fn *read, void *arg);

#endif
