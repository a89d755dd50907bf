/* breaks.h - records that break a cart's list call: parked alone with what is known of them, so that the
 * others flow, and remembered with the time in which they were changed, so that later windows go around them.
 *
 * Such a record waits with an issue of code CW_BREAKS_LIST. Where its id is not known, the time stands for
 * it: "changed 2024-03-31T02:30:00Z". What it waits for is only that the cart delivers it.
 */
#ifndef CW_ENGINE_BREAKS_H
#define CW_ENGINE_BREAKS_H

#include "engine/session.h"

#define CW_BREAKS_LIST "breaks-list"

struct cw_break {
    struct cw_slice external_id; /* empty = not known */
    cw_time from, to;            /* changed after `from`, up to `to`; CW_TIME_NONE = not known */
};

enum { CW_BREAKS_MAX = 100, CW_BREAK_ID_MAX = 256 };

struct cw_breaks {
    size_t count;
    struct cw_break items[CW_BREAKS_MAX];
    char ids[CW_BREAKS_MAX][CW_BREAK_ID_MAX];
};

/* Those of a stream, by time; at most CW_BREAKS_MAX. The callback takes over `breaks`, which free() frees;
 * NULL with an error. */
typedef void cw_breaks_fn(void *arg, struct cw_breaks *breaks, const struct cw_error *err);
void cw_breaks_read(struct cw_store *store, const struct cw_lua_stream *stream, cw_breaks_fn *got, void *arg);

/* Whether the id stands for a time, because the record's own is not known. */
bool cw_break_is_nameless(struct cw_slice external_id);

/* A change of what the store holds of one record, on its way. */
struct cw_break_change;

/* Parks a record, which counts as read by the run. `why` is what the cart said. A record of which the store
 * has bytes keeps them and its document. *change is set until `done`, which may come at once, so that it can
 * be cancelled; `session`, `stream` and `run` must live as long. Everything else is copied. */
void cw_break_park(struct cw_session *session, const struct cw_lua_stream *stream, struct cw_run *run,
                   const struct cw_break *found, const char *why, struct cw_break_change **change,
                   cw_store_done_fn *done, void *arg);

/* The cart lists again what was changed in that time: the nameless record waits no more. One with a name ends
 * by itself when it comes. */
void cw_break_heal(struct cw_session *session, const struct cw_lua_stream *stream,
                   struct cw_slice external_id, struct cw_break_change **change, cw_store_done_fn *done,
                   void *arg);

/* `done` does not come; the change may still be made. Accepts NULL. */
void cw_break_cancel(struct cw_break_change *change);

#endif
