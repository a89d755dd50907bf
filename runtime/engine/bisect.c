/* bisect.c - see bisect.h: the stretches of a window between records that are known, and those once more. */
#include "engine/bisect.h"

#include <stdlib.h>

#include "engine/bisect_private.h"

/* In one window; a shop that fails so often is out. */
enum { SEARCHES_MAX = 40 };

bool cw_bisect_can_use_ids(const struct cw_lua_stream *stream)
{
    return stream->has_ids && stream->has_read;
}

bool cw_breaks_touch(const struct cw_breaks *breaks, const struct cw_lua_stream *stream, cw_time from,
                     cw_time to)
{
    for (size_t i = 0; breaks != NULL && i < breaks->count; i++) {
        const struct cw_break *known = &breaks->items[i];
        if (known->to != CW_TIME_NONE ? known->to >= from && known->from <= to
                                      : cw_bisect_can_use_ids(stream))
            return true;
    }
    return false;
}

/* --- ends --- */

static void free_bisect(struct cw_bisect *bisect)
{
    cw_ids_fini(&bisect->ids);
    free(bisect);
}

static void finish(void *arg)
{
    struct cw_bisect *bisect = arg;
    struct cw_bisect_config config = bisect->config;
    struct cw_error err = bisect->err;
    bool may_be_one = bisect->may_be_one;
    free_bisect(bisect);
    config.done(config.arg, may_be_one, err.code != CW_OK ? &err : NULL);
}

void cw_bisect_end(struct cw_bisect *bisect, bool may_be_one, const struct cw_error *err)
{
    bisect->may_be_one = may_be_one;
    bisect->err = err != NULL ? *err : (struct cw_error){ .code = CW_OK };
    cw_loop_later(cw_bisect_loop(bisect), &bisect->later, finish, bisect);
}

/* --- one call --- */

bool cw_bisect_take_answer(struct cw_bisect *bisect, struct cw_slice text, const struct cw_error *err)
{
    struct cw_emitter *emitter = cw_session_emitter(bisect->config.session);
    const struct cw_error *not_stored = cw_emitter_error(emitter, bisect->config.stream);
    bisect->fiber = NULL;
    if (not_stored != NULL || (err != NULL && text.len == 0)) {
        cw_bisect_end(bisect, false, not_stored != NULL ? not_stored : err);
        return false;
    }
    bisect->broke = text.len > 0;
    bisect->failures = err != NULL ? bisect->failures + 1 : 0;
    if (err != NULL)
        bisect->err = *err;
    else if (bisect->broke)
        cw_fail(&bisect->err, CW_UNEXPECTED, "%.*s", CW_SLICE_ARG(text));
    return true;
}

static void fetched(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    if (cw_bisect_take_answer(bisect, text, err))
        bisect->next(bisect);
}

static void fetch(void *arg)
{
    struct cw_bisect *bisect = arg;
    struct cw_error err;
    bisect->fiber = cw_lua_start_fetch(bisect->config.stream, &bisect->window, fetched, bisect, &err);
    if (bisect->fiber == NULL)
        cw_bisect_end(bisect, false, &err);
}

void cw_bisect_ask(struct cw_bisect *bisect, cw_time from, cw_time to, enum cw_lua_search search,
                   void (*next)(struct cw_bisect *bisect))
{
    bisect->window = (struct cw_lua_window){ .from = from, .to = to, .search = search };
    bisect->next = next;
    cw_loop_later(cw_bisect_loop(bisect), &bisect->later, fetch, bisect);
}

/* --- stretches between known breaks --- */

static void next_retry(struct cw_bisect *bisect);

/* The stretch from `at` on; false when the window is at its end. */
static bool find_segment(struct cw_bisect *bisect)
{
    const struct cw_breaks *breaks = bisect->config.breaks;
    bisect->is_before_known = false;
    bisect->segment_end = bisect->config.to;
    for (; breaks != NULL && bisect->known < breaks->count; bisect->known++) {
        const struct cw_break *known = &breaks->items[bisect->known];
        if (known->to == CW_TIME_NONE || known->to < bisect->at || known->from > bisect->config.to)
            continue;
        if (known->from > bisect->at) {
            bisect->is_before_known = true;
            bisect->segment_end = known->from;
            return true;
        }
        bisect->at = known->to + CW_SECOND;
    }
    return bisect->at <= bisect->config.to;
}

void cw_bisect_next_segment(struct cw_bisect *bisect)
{
    if (find_segment(bisect)) {
        cw_bisect_ask(bisect, bisect->at, bisect->segment_end, CW_SEARCH_NONE, cw_bisect_segment_read);
    } else {
        bisect->known = 0;
        next_retry(bisect);
    }
}

void cw_bisect_segment_done(struct cw_bisect *bisect)
{
    bisect->at = bisect->segment_end + 1;
    if (bisect->is_before_known)
        bisect->at = bisect->config.breaks->items[bisect->known++].to + CW_SECOND;
    cw_bisect_next_segment(bisect);
}

static void search(struct cw_bisect *bisect)
{
    if (++bisect->searches > SEARCHES_MAX)
        cw_bisect_end(bisect, true, &bisect->err);
    else if (cw_bisect_can_use_ids(bisect->config.stream))
        cw_bisect_by_ids(bisect);
    else
        cw_bisect_by_time(bisect);
}

void cw_bisect_segment_read(struct cw_bisect *bisect)
{
    if (!bisect->broke)
        cw_bisect_segment_done(bisect);
    else if (bisect->config.may_search)
        search(bisect);
    else
        cw_bisect_end(bisect, true, &bisect->err);
}

/* --- known ones, once more --- */

static void swept(struct cw_bisect *bisect)
{
    cw_bisect_end(bisect, false, NULL);
}

static void healed(void *arg, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    if (err != NULL)
        cw_bisect_end(bisect, false, err);
    else
        next_retry(bisect);
}

static void retried(struct cw_bisect *bisect)
{
    struct cw_slice id = bisect->config.breaks->items[bisect->known++].external_id;
    if (!bisect->broke && cw_break_is_nameless(id))
        cw_break_heal(bisect->config.session, bisect->config.stream, id, &bisect->change, healed, bisect);
    else
        next_retry(bisect);
}

/* The next one that lies in the window. A window without a beginning that was halved is asked for whole in
 * the end: records without a time of change are in no half. */
static void next_retry(struct cw_bisect *bisect)
{
    const struct cw_breaks *breaks = bisect->config.breaks;
    bool may_retry = bisect->config.may_retry && breaks != NULL;
    for (; may_retry && bisect->known < breaks->count; bisect->known++) {
        const struct cw_break *known = &breaks->items[bisect->known];
        if (known->to == CW_TIME_NONE || known->to < bisect->config.from || known->from > bisect->config.to)
            continue;
        cw_bisect_ask(bisect, known->from, known->to + CW_SECOND, CW_SEARCH_STEP, retried);
        return;
    }
    if (bisect->was_unbounded)
        cw_bisect_ask(bisect, CW_TIME_NONE, bisect->config.to, CW_SEARCH_STEP, swept);
    else
        cw_bisect_end(bisect, false, NULL);
}

/* --- life --- */

/* Whether records are known that break the list, but not when they were changed. */
static bool knows_names(const struct cw_bisect *bisect)
{
    const struct cw_breaks *breaks = bisect->config.breaks;
    for (size_t i = 0; breaks != NULL && i < breaks->count; i++)
        if (breaks->items[i].to == CW_TIME_NONE)
            return cw_bisect_can_use_ids(bisect->config.stream);
    return false;
}

struct cw_bisect *cw_bisect_start(const struct cw_bisect_config *config, struct cw_error *err)
{
    struct cw_bisect *bisect = calloc(1, sizeof *bisect);
    if (bisect == NULL) {
        cw_fail(err, CW_NOMEM, "no memory to read a window in parts");
        return NULL;
    }
    bisect->config = *config;
    bisect->config.failed = NULL;
    bisect->at = config->from;
    bisect->read_before = config->run->counts.read;
    cw_ids_init(&bisect->ids);
    bool is_first = config->failed == NULL, is_segment = find_segment(bisect);
    if (config->failed != NULL)
        bisect->err = *config->failed;
    if (!is_first)
        search(bisect);
    else if (is_segment && knows_names(bisect))
        cw_bisect_by_ids(bisect);
    else
        cw_bisect_next_segment(bisect);
    return bisect;
}

void cw_bisect_cancel(struct cw_bisect *bisect)
{
    if (bisect == NULL)
        return;
    if (bisect->fiber != NULL)
        cw_fiber_kill(bisect->fiber);
    cw_reading_cancel(bisect->reading);
    cw_break_cancel(bisect->change);
    cw_later_cancel(cw_bisect_loop(bisect), &bisect->later);
    free_bisect(bisect);
}
