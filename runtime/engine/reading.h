/* reading.h - records of a stream, read by their ids in batches. A batch that fails as one broken record
 * makes it fail is halved down to that record, which is parked alone; the others are stored.
 *
 * Where nothing can be read any more the shop is out, and no record is blamed: then it ends with the shop's
 * error after two calls more.
 */
#ifndef CW_ENGINE_READING_H
#define CW_ENGINE_READING_H

#include "engine/session.h"

enum cw_read_outcome {
    CW_READ_STORED,
    CW_READ_ABSENT, /* the cart did not send it */
    CW_READ_BROKEN  /* it was parked, where it may be */
};
/* In the order of the ids, each once. `was_known`: the store had it before. */
typedef void cw_read_fn(void *arg, struct cw_slice id, enum cw_read_outcome outcome, bool was_known);

struct cw_reading_config {
    struct cw_session *session;
    const struct cw_lua_stream *stream; /* has read */
    struct cw_run *run;                 /* open in the session's emitter */
    const struct cw_slice *ids;         /* all distinct; borrowed */
    size_t count;
    bool known_broken; /* before: tried again, not parked again */
    cw_read_fn *read;  /* may be NULL */
    cw_store_done_fn *done;
    void *arg;
};

struct cw_reading;

/* `done` comes once, from the loop, and may free what the reading borrowed. NULL and *err when out of memory.
 */
struct cw_reading *cw_reading_start(const struct cw_reading_config *config, struct cw_error *err);
void cw_reading_cancel(struct cw_reading *reading); /* no callback; accepts NULL */

#endif
