/* bisect_ids.c - a stretch of a window, read by the ids that the cart lists in it. */
#include <string.h>

#include "engine/bisect_private.h"

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
        cw_bisect_end(bisect, false, &err);
}

static void suspects_read(void *arg, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    bisect->reading = NULL;
    if (err != NULL)
        cw_bisect_end(bisect, false, err);
    else
        cw_bisect_segment_done(bisect);
}

static void others_read(void *arg, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    bisect->reading = NULL;
    if (err != NULL)
        cw_bisect_end(bisect, true, err);
    else if (bisect->suspects > 0 && bisect->config.may_retry)
        read_ids(bisect, true, suspects_read);
    else
        cw_bisect_segment_done(bisect);
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
        cw_bisect_end(bisect, false, &bisect->err);
    else if (cw_bisect_take_answer(bisect, text, err)) {
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
        cw_bisect_by_time(bisect);
    else
        cw_loop_later(cw_bisect_loop(bisect), &bisect->later, read_others, bisect);
}

/* The window is read by ids when one of them is known to break the list. */
static void suspects_listed(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct cw_bisect *bisect = arg;
    if (!take_list(bisect, text, err))
        return;
    if (bisect->broke || bisect->suspects == 0)
        cw_bisect_next_segment(bisect);
    else
        cw_loop_later(cw_bisect_loop(bisect), &bisect->later, read_others, bisect);
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
        cw_bisect_end(bisect, false, &err);
}

void cw_bisect_by_ids(struct cw_bisect *bisect)
{
    bisect->window =
        (struct cw_lua_window){ .from = bisect->at, .to = bisect->segment_end, .search = CW_SEARCH_HALVE };
    cw_loop_later(cw_bisect_loop(bisect), &bisect->later, list, bisect);
}
