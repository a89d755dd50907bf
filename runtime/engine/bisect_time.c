/* bisect_time.c - the record that breaks a stretch of a window, looked for by time. Bounds are whole seconds
 * and belong to both parts that meet there: shops compare to the second, some with it, some without. */
#include "engine/bisect_private.h"

enum { PARKED_MAX = 20 }; /* in one window; more are no accident */

/* Of shops that know nothing older; and a second in which no record was changed. */
static const cw_time beginning = (cw_time)946684800 * CW_SECOND; /* 2000-01-01 */

static void probe(struct cw_bisect *bisect);

static void go_on_from(struct cw_bisect *bisect, cw_time at)
{
    bisect->at = at;
    if (at > bisect->segment_end)
        cw_bisect_segment_done(bisect);
    else
        cw_bisect_ask(bisect, at, bisect->segment_end, CW_SEARCH_NONE, cw_bisect_segment_read);
}

static void parked(void *arg, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    bool nothing_came = bisect->config.run->counts.read - bisect->read_before == ++bisect->parked;
    if (err != NULL) {
        cw_bisect_end(bisect, false, err);
        return;
    }
    if (bisect->parked >= PARKED_MAX || (bisect->parked > 1 && nothing_came))
        cw_bisect_end(bisect, true, &bisect->err);
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
        cw_bisect_end(bisect, true, &bisect->err);
    else
        park(bisect);
}

static void check_alive(struct cw_bisect *bisect, void (*next)(struct cw_bisect *bisect))
{
    cw_bisect_ask(bisect, beginning, beginning + CW_SECOND, CW_SEARCH_HALVE, next);
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
        cw_bisect_ask(bisect, from, bisect->lo + half, CW_SEARCH_HALVE, probed);
        return;
    }
    cw_time to = bisect->hi + CW_SECOND < bisect->segment_end ? bisect->hi + CW_SECOND : bisect->segment_end;
    cw_bisect_ask(bisect, from, to, CW_SEARCH_STEP, second_read);
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
        cw_bisect_end(bisect, true, &bisect->err);
    else
        halve(bisect);
}

void cw_bisect_by_time(struct cw_bisect *bisect)
{
    if (bisect->alive)
        halve(bisect);
    else
        check_alive(bisect, found_alive);
}
