/* reading.c - see reading.h. In a batch that fails, the longest beginning that can be read is looked for;
 * what comes behind it is the broken record. */
#include "engine/reading.h"

#include <stdlib.h>
#include <string.h>

#include "engine/breaks.h"

enum { BROKEN_MAX = 20 }; /* in one reading; more are no accident */

struct cw_reading {
    struct cw_reading_config config;
    size_t at, batch_end; /* the batch in hand; all before it is told */
    size_t lo, hi;        /* in a search: what is before lo can be read, the beginning up to hi cannot */
    size_t asked, asked_end;
    void (*next)(struct cw_reading *reading); /* takes the answer */
    bool broke;                               /* the answer: one record may have caused a failure */
    bool alive;                               /* something could be read */
    bool came[CW_READ_IDS_MAX], was_known[CW_READ_IDS_MAX];
    unsigned broken;
    struct cw_fiber *fiber;
    struct cw_later later;
    struct cw_break_change *change;
    struct cw_error err;
};

static struct cw_loop *loop_of(const struct cw_reading *reading)
{
    return cw_session_settings(reading->config.session)->loop;
}

static void watch(struct cw_reading *reading, cw_seen_fn *seen)
{
    struct cw_emit_watch watch = { .seen = seen, .arg = reading };
    cw_emitter_watch(cw_session_emitter(reading->config.session), reading->config.stream, watch);
}

/* --- ends --- */

static void finish(void *arg)
{
    struct cw_reading *reading = arg;
    struct cw_reading_config config = reading->config;
    struct cw_error err = reading->err;
    watch(reading, NULL);
    free(reading);
    config.done(config.arg, err.code != CW_OK ? &err : NULL);
}

static void end(struct cw_reading *reading, const struct cw_error *err)
{
    reading->err = err != NULL ? *err : (struct cw_error){ .code = CW_OK };
    cw_loop_later(loop_of(reading), &reading->later, finish, reading);
}

/* --- one call --- */

static void seen(void *arg, struct cw_slice id, bool is_known)
{
    struct cw_reading *reading = arg;
    for (size_t i = reading->asked; i < reading->asked_end; i++)
        if (cw_slice_equal(reading->config.ids[i], id) && !reading->came[i - reading->asked]) {
            reading->came[i - reading->asked] = true;
            reading->was_known[i - reading->asked] = is_known;
        }
}

static void answered(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct cw_reading *reading = arg;
    struct cw_emitter *emitter = cw_session_emitter(reading->config.session);
    const struct cw_error *not_stored = cw_emitter_error(emitter, reading->config.stream);
    reading->fiber = NULL;
    reading->broke = err != NULL;
    if (not_stored != NULL) {
        end(reading, not_stored);
    } else if (err != NULL && text.len == 0) {
        end(reading, err);
    } else {
        if (err != NULL)
            reading->err = *err;
        else
            reading->alive = true;
        reading->next(reading);
    }
}

static void call(void *arg)
{
    struct cw_reading *reading = arg;
    struct cw_error err;
    memset(reading->came, 0, sizeof reading->came);
    memset(reading->was_known, 0, sizeof reading->was_known);
    reading->fiber = cw_lua_start_read(reading->config.stream, reading->config.ids + reading->asked,
                                       reading->asked_end - reading->asked, answered, reading, &err);
    if (reading->fiber == NULL)
        end(reading, &err);
}

static void ask(struct cw_reading *reading, size_t from, size_t until,
                void (*next)(struct cw_reading *reading))
{
    reading->asked = from;
    reading->asked_end = until;
    reading->next = next;
    cw_loop_later(loop_of(reading), &reading->later, call, reading);
}

static void tell(struct cw_reading *reading)
{
    for (size_t i = reading->asked; reading->config.read != NULL && i < reading->asked_end; i++)
        reading->config.read(reading->config.arg, reading->config.ids[i],
                             reading->came[i - reading->asked] ? CW_READ_STORED : CW_READ_ABSENT,
                             reading->was_known[i - reading->asked]);
}

/* --- batches --- */

static void batch_read(struct cw_reading *reading);

/* Those that broke the list before are asked for one by one. */
static void next_batch(struct cw_reading *reading)
{
    size_t left = reading->config.count - reading->at;
    size_t most = reading->config.known_broken ? 1 : CW_READ_IDS_MAX;
    if (left == 0) {
        end(reading, NULL);
        return;
    }
    reading->batch_end = reading->at + (left < most ? left : most);
    ask(reading, reading->at, reading->batch_end, batch_read);
}

static void go_on_behind(struct cw_reading *reading, size_t index)
{
    reading->at = index;
    if (index < reading->batch_end)
        ask(reading, index, reading->batch_end, batch_read);
    else
        next_batch(reading);
}

static void parked(void *arg, const struct cw_error *err)
{
    struct cw_reading *reading = arg;
    bool is_new = !reading->config.known_broken;
    if (err != NULL || (is_new && ++reading->broken >= BROKEN_MAX)) {
        end(reading, err != NULL ? err : &reading->err);
        return;
    }
    if (reading->config.read != NULL)
        reading->config.read(reading->config.arg, reading->config.ids[reading->lo], CW_READ_BROKEN, false);
    go_on_behind(reading, reading->lo + 1);
}

static void park(struct cw_reading *reading)
{
    struct cw_break found = { reading->config.ids[reading->lo], CW_TIME_NONE, CW_TIME_NONE };
    if (reading->config.known_broken)
        parked(reading, NULL);
    else
        cw_break_park(reading->config.session, reading->config.stream, reading->config.run, &found,
                      reading->err.text, &reading->change, parked, reading);
}

static void single_read(struct cw_reading *reading)
{
    if (reading->broke) {
        park(reading);
        return;
    }
    tell(reading);
    go_on_behind(reading, reading->hi);
}

static void halve(struct cw_reading *reading);

static void half_read(struct cw_reading *reading)
{
    if (reading->broke) {
        reading->hi = reading->asked_end;
    } else {
        tell(reading);
        reading->lo = reading->asked_end;
    }
    halve(reading);
}

static void halve(struct cw_reading *reading)
{
    bool was_alone = reading->broke && reading->asked == reading->lo && reading->asked_end == reading->hi;
    if (reading->hi - reading->lo > 1)
        ask(reading, reading->lo, reading->lo + (reading->hi - reading->lo) / 2, half_read);
    else if (was_alone)
        park(reading);
    else
        ask(reading, reading->lo, reading->hi, single_read);
}

static void search(struct cw_reading *reading)
{
    reading->lo = reading->at;
    reading->hi = reading->batch_end;
    halve(reading);
}

/* --- whether it is the shop --- */

static void middle_read(struct cw_reading *reading)
{
    if (reading->broke)
        end(reading, &reading->err);
    else
        search(reading);
}

static void last_read(struct cw_reading *reading)
{
    size_t middle = reading->config.count / 2;
    if (!reading->broke)
        search(reading);
    else if (middle > 0 && middle < reading->config.count - 1)
        ask(reading, middle, middle + 1, middle_read);
    else
        end(reading, &reading->err);
}

static void batch_read(struct cw_reading *reading)
{
    size_t count = reading->config.count;
    if (!reading->broke) {
        tell(reading);
        go_on_behind(reading, reading->batch_end);
    } else if (reading->alive || count == 1 || reading->config.known_broken) {
        search(reading);
    } else {
        ask(reading, count - 1, count, last_read);
    }
}

struct cw_reading *cw_reading_start(const struct cw_reading_config *config, struct cw_error *err)
{
    struct cw_reading *reading = calloc(1, sizeof *reading);
    if (reading == NULL) {
        cw_fail(err, CW_NOMEM, "no memory to read records by their ids");
        return NULL;
    }
    reading->config = *config;
    watch(reading, seen);
    next_batch(reading);
    return reading;
}

void cw_reading_cancel(struct cw_reading *reading)
{
    if (reading == NULL)
        return;
    if (reading->fiber != NULL)
        cw_fiber_kill(reading->fiber);
    cw_later_cancel(loop_of(reading), &reading->later);
    cw_break_cancel(reading->change);
    watch(reading, NULL);
    free(reading);
}
