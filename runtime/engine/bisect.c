/* bisect.c - see bisect.h. Bounds of windows are whole seconds and belong to both windows that meet there:
 * shops compare to the second, some with it, some without. */
#include "engine/bisect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ids.h"
#include "engine/reading.h"

/* In one window. More records that break it are no accident, nor is a shop that fails so often. */
enum { PARKED_MAX = 20, SEARCHES_MAX = 40 };

/* Of shops that know nothing older; and a second in which no record was changed. */
static const cw_time beginning = (cw_time)946684800 * CW_SECOND; /* 2000-01-01 */

struct cw_bisect {
    struct cw_bisect_config config;
    cw_time at;          /* all before it is read; CW_TIME_NONE = nothing is */
    cw_time segment_end; /* of the stretch in hand, up to the next known break or the window's end */
    size_t known;        /* the next one of the known breaks */
    bool is_before_known;
    cw_time base, lo, hi; /* a search: from base to lo can be read, to hi it cannot */
    bool alive;           /* the shop answered since the search began */
    bool was_unbounded;
    unsigned failures, parked, searches; /* failures: in a row */
    uint64_t read_before;                /* records of the run */
    bool broke;                          /* the answer: a single record can be the cause */
    void (*next)(struct cw_bisect *bisect);
    struct cw_lua_window window;
    struct cw_fiber *fiber;
    struct cw_reading *reading;
    struct cw_break_change *change;
    struct cw_ids ids;
    size_t suspects;   /* at the end of ids: known to break the list */
    bool lacks_memory; /* for ids */
    struct cw_later later;
    bool may_be_one;
    struct cw_error err;
};

static bool can_ask_by_ids(const struct cw_lua_stream *stream)
{
    return stream->has_ids && stream->has_read;
}

bool cw_breaks_touch(const struct cw_breaks *breaks, const struct cw_lua_stream *stream, cw_time from,
                     cw_time to)
{
    for (size_t i = 0; breaks != NULL && i < breaks->count; i++) {
        const struct cw_break *known = &breaks->items[i];
        if (known->to != CW_TIME_NONE ? known->to >= from && known->from <= to : can_ask_by_ids(stream))
            return true;
    }
    return false;
}

static struct cw_loop *loop_of(const struct cw_bisect *bisect)
{
    return cw_session_settings(bisect->config.session)->loop;
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

static void end(struct cw_bisect *bisect, bool may_be_one, const struct cw_error *err)
{
    bisect->may_be_one = may_be_one;
    bisect->err = err != NULL ? *err : (struct cw_error){ .code = CW_OK };
    cw_loop_later(loop_of(bisect), &bisect->later, finish, bisect);
}

/* --- one call --- */

/* False when that was the end. */
static bool take_answer(struct cw_bisect *bisect, struct cw_slice text, const struct cw_error *err)
{
    struct cw_emitter *emitter = cw_session_emitter(bisect->config.session);
    const struct cw_error *not_stored = cw_emitter_error(emitter, bisect->config.stream);
    bisect->fiber = NULL;
    if (not_stored != NULL || (err != NULL && text.len == 0)) {
        end(bisect, false, not_stored != NULL ? not_stored : err);
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
    if (take_answer(bisect, text, err))
        bisect->next(bisect);
}

static void fetch(void *arg)
{
    struct cw_bisect *bisect = arg;
    struct cw_error err;
    bisect->fiber = cw_lua_start_fetch(bisect->config.stream, &bisect->window, fetched, bisect, &err);
    if (bisect->fiber == NULL)
        end(bisect, false, &err);
}

static void ask(struct cw_bisect *bisect, cw_time from, cw_time to, enum cw_lua_search search,
                void (*next)(struct cw_bisect *bisect))
{
    bisect->window = (struct cw_lua_window){ .from = from, .to = to, .search = search };
    bisect->next = next;
    cw_loop_later(loop_of(bisect), &bisect->later, fetch, bisect);
}

/* --- stretches between known breaks --- */

static void search(struct cw_bisect *bisect);
static void next_retry(struct cw_bisect *bisect);
static void segment_read(struct cw_bisect *bisect);

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

static void next_segment(struct cw_bisect *bisect)
{
    if (find_segment(bisect)) {
        ask(bisect, bisect->at, bisect->segment_end, CW_SEARCH_NONE, segment_read);
    } else {
        bisect->known = 0;
        next_retry(bisect);
    }
}

static void segment_done(struct cw_bisect *bisect)
{
    bisect->at = bisect->segment_end + 1;
    if (bisect->is_before_known)
        bisect->at = bisect->config.breaks->items[bisect->known++].to + CW_SECOND;
    next_segment(bisect);
}

static void segment_read(struct cw_bisect *bisect)
{
    if (!bisect->broke)
        segment_done(bisect);
    else if (bisect->config.may_search)
        search(bisect);
    else
        end(bisect, true, &bisect->err);
}

/* --- known ones, once more --- */

static void swept(struct cw_bisect *bisect)
{
    end(bisect, false, NULL);
}

static void healed(void *arg, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    if (err != NULL)
        end(bisect, false, err);
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
        ask(bisect, known->from, known->to + CW_SECOND, CW_SEARCH_STEP, retried);
        return;
    }
    if (bisect->was_unbounded)
        ask(bisect, CW_TIME_NONE, bisect->config.to, CW_SEARCH_STEP, swept);
    else
        end(bisect, false, NULL);
}

/* --- halving by time --- */

static void probe(struct cw_bisect *bisect);

static void go_on_from(struct cw_bisect *bisect, cw_time at)
{
    bisect->at = at;
    if (at > bisect->segment_end)
        segment_done(bisect);
    else
        ask(bisect, at, bisect->segment_end, CW_SEARCH_NONE, segment_read);
}

static void parked(void *arg, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    bool nothing_came = bisect->config.run->counts.read - bisect->read_before == ++bisect->parked;
    if (err != NULL) {
        end(bisect, false, err);
        return;
    }
    if (bisect->parked >= PARKED_MAX || (bisect->parked > 1 && nothing_came))
        end(bisect, true, &bisect->err);
    else
        go_on_from(bisect, bisect->hi + CW_SECOND);
}

static void park(struct cw_bisect *bisect)
{
    struct cw_break found = { { "", 0 }, bisect->lo, bisect->hi };
    cw_break_park(bisect->config.session, bisect->config.stream, bisect->config.run, &found, bisect->err.text,
                  &bisect->change, parked, bisect);
}

static void still_alive(struct cw_bisect *bisect)
{
    if (bisect->broke)
        end(bisect, true, &bisect->err);
    else
        park(bisect);
}

static void check_alive(struct cw_bisect *bisect, void (*next)(struct cw_bisect *bisect))
{
    ask(bisect, beginning, beginning + CW_SECOND, CW_SEARCH_HALVE, next);
}

/* The second of the record was asked for: it failed, was passed by, or came after all. */
static void second_read(struct cw_bisect *bisect)
{
    enum { DOUBTFUL = 3 }; /* failures in a row: the shop may have gone since */
    if (!bisect->broke) {
        go_on_from(bisect, bisect->hi);
    } else if (bisect->failures >= DOUBTFUL) {
        check_alive(bisect, still_alive);
    } else {
        park(bisect);
    }
}

static void probed(struct cw_bisect *bisect)
{
    if (bisect->broke)
        bisect->hi = bisect->window.to;
    else
        bisect->lo = bisect->window.to;
    probe(bisect);
}

static void probe(struct cw_bisect *bisect)
{
    cw_time from = bisect->lo > bisect->base ? bisect->lo : bisect->base;
    cw_time half = (bisect->hi - bisect->lo) / 2 / CW_SECOND * CW_SECOND;
    if (half > 0) {
        ask(bisect, from, bisect->lo + half, CW_SEARCH_HALVE, probed);
        return;
    }
    cw_time to = bisect->hi + CW_SECOND < bisect->segment_end ? bisect->hi + CW_SECOND : bisect->segment_end;
    ask(bisect, from, to, CW_SEARCH_STEP, second_read);
}

static void halve(struct cw_bisect *bisect)
{
    bisect->alive = true;
    bisect->was_unbounded = bisect->was_unbounded || bisect->at == CW_TIME_NONE;
    bisect->base = bisect->at != CW_TIME_NONE ? bisect->at : beginning;
    bisect->lo = bisect->base / CW_SECOND * CW_SECOND - CW_SECOND;
    bisect->hi = (bisect->segment_end + CW_SECOND - 1) / CW_SECOND * CW_SECOND;
    probe(bisect);
}

static void found_alive(struct cw_bisect *bisect)
{
    if (bisect->broke)
        end(bisect, true, &bisect->err);
    else
        halve(bisect);
}

static void search_by_time(struct cw_bisect *bisect)
{
    if (bisect->alive)
        halve(bisect);
    else
        check_alive(bisect, found_alive);
}

/* --- by ids, where the cart lists them --- */

static void read_ids(struct cw_bisect *bisect, bool known_broken, cw_store_done_fn *done)
{
    struct cw_error err;
    size_t first = known_broken ? bisect->ids.count - bisect->suspects : 0;
    const struct cw_reading_config reading = { .session = bisect->config.session,
                                               .stream = bisect->config.stream,
                                               .run = bisect->config.run,
                                               .ids = bisect->ids.items + first,
                                               .count = known_broken ? bisect->suspects
                                                                     : bisect->ids.count - bisect->suspects,
                                               .known_broken = known_broken,
                                               .done = done,
                                               .arg = bisect };
    bisect->reading = cw_reading_start(&reading, &err);
    if (bisect->reading == NULL)
        end(bisect, false, &err);
}

static void suspects_read(void *arg, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    bisect->reading = NULL;
    if (err != NULL)
        end(bisect, false, err);
    else
        segment_done(bisect);
}

static void others_read(void *arg, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    bisect->reading = NULL;
    if (err != NULL)
        end(bisect, true, err);
    else if (bisect->suspects > 0 && bisect->config.may_retry)
        read_ids(bisect, true, suspects_read);
    else
        segment_done(bisect);
}

static bool is_suspect(const struct cw_bisect *bisect, struct cw_slice id)
{
    const struct cw_breaks *breaks = bisect->config.breaks;
    for (size_t i = 0; breaks != NULL && i < breaks->count; i++)
        if (cw_slice_equal(breaks->items[i].external_id, id))
            return true;
    return false;
}

/* Those that are known to break the list go behind the others. */
static void move_suspects(struct cw_bisect *bisect)
{
    struct cw_ids *ids = &bisect->ids;
    bisect->suspects = 0;
    for (size_t i = ids->count; i-- > 0;)
        if (is_suspect(bisect, ids->items[i])) {
            struct cw_slice suspect = ids->items[i];
            size_t behind = ids->count - i - 1 - bisect->suspects;
            memmove(&ids->items[i], &ids->items[i + 1], behind * sizeof suspect);
            ids->items[i + behind] = suspect;
            bisect->suspects++;
        }
}

static void add_id(void *arg, struct cw_slice id)
{
    struct cw_bisect *bisect = arg;
    if (!cw_ids_add(&bisect->ids, id, &bisect->err))
        bisect->lacks_memory = true;
}

/* False when that was the end. */
static bool take_list(struct cw_bisect *bisect, struct cw_slice text, const struct cw_error *err)
{
    bisect->fiber = NULL;
    if (bisect->lacks_memory)
        end(bisect, false, &bisect->err);
    else if (take_answer(bisect, text, err)) {
        cw_ids_sort(&bisect->ids);
        move_suspects(bisect);
        return true;
    }
    return false;
}

static void read_others(void *arg)
{
    read_ids(arg, false, others_read);
}

static void listed(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    if (!take_list(bisect, text, err))
        return;
    if (bisect->broke)
        search_by_time(bisect);
    else
        cw_loop_later(loop_of(bisect), &bisect->later, read_others, bisect);
}

/* The window is read by ids when one of them is known to break the list. */
static void suspects_listed(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    if (!take_list(bisect, text, err))
        return;
    if (bisect->broke || bisect->suspects == 0)
        next_segment(bisect);
    else
        cw_loop_later(loop_of(bisect), &bisect->later, read_others, bisect);
}

static void list(void *arg)
{
    struct cw_bisect *bisect = arg;
    struct cw_error err;
    cw_ids_fini(&bisect->ids);
    cw_ids_init(&bisect->ids);
    bisect->fiber = cw_lua_start_ids(bisect->config.stream, &bisect->window, add_id,
                                     bisect->searches > 0 ? listed : suspects_listed, bisect, &err);
    if (bisect->fiber == NULL)
        end(bisect, false, &err);
}

static void ask_for_ids(struct cw_bisect *bisect)
{
    bisect->window =
        (struct cw_lua_window){ .from = bisect->at, .to = bisect->segment_end, .search = CW_SEARCH_HALVE };
    cw_loop_later(loop_of(bisect), &bisect->later, list, bisect);
}

static void search(struct cw_bisect *bisect)
{
    if (++bisect->searches > SEARCHES_MAX)
        end(bisect, true, &bisect->err);
    else if (can_ask_by_ids(bisect->config.stream))
        ask_for_ids(bisect);
    else
        search_by_time(bisect);
}

/* --- life --- */

/* Whether records are known that break the list, but not when they were changed. */
static bool knows_names(const struct cw_bisect *bisect)
{
    const struct cw_breaks *breaks = bisect->config.breaks;
    for (size_t i = 0; breaks != NULL && i < breaks->count; i++)
        if (breaks->items[i].to == CW_TIME_NONE)
            return can_ask_by_ids(bisect->config.stream);
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
        ask_for_ids(bisect);
    else
        next_segment(bisect);
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
    cw_later_cancel(loop_of(bisect), &bisect->later);
    free_bisect(bisect);
}
