/* reconcile_read.c - how records are fetched that were found missing or not final, and those that broke the
 * cart's list before. */
#include "engine/reconcile_private.h"

/* --- by their ids --- */

static void wanted_read(void *arg, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    reconcile->reading = NULL;
    if (err == NULL && reconcile->err.code != CW_OK)
        err = &reconcile->err;
    if (err != NULL)
        cw_reconcile_end(reconcile, err);
    else
        cw_reconcile_heal(reconcile);
}

static void start_reading(struct cw_reconcile *reconcile, const struct cw_ids *ids, bool known_broken,
                          cw_read_fn *read, cw_store_done_fn *done)
{
    struct cw_error err;
    const struct cw_reading_config config = { .session = reconcile->session,
                                              .stream = reconcile->stream,
                                              .run = &reconcile->run,
                                              .ids = ids->items,
                                              .count = ids->count,
                                              .known_broken = known_broken,
                                              .read = read,
                                              .done = done,
                                              .arg = reconcile };
    reconcile->reading = cw_reading_start(&config, &err);
    if (reconcile->reading == NULL)
        cw_reconcile_end(reconcile, &err);
}

void cw_reconcile_read(struct cw_reconcile *reconcile, cw_read_fn *read)
{
    start_reading(reconcile, &reconcile->wanted, false, read, wanted_read);
}

/* --- by fetching --- */

static void window_read(void *arg, bool may_be_one, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    (void)may_be_one;
    reconcile->bisect = NULL;
    cw_emitter_watch(cw_session_emitter(reconcile->session), reconcile->stream,
                     (struct cw_emit_watch){ .seen = NULL });
    if (err != NULL)
        cw_reconcile_end(reconcile, err);
    else
        reconcile->fetched_window(reconcile);
}

void cw_reconcile_fetch(struct cw_reconcile *reconcile, cw_time from, cw_seen_fn *seen, cw_loop_fn *done)
{
    struct cw_error err;
    const struct cw_lua_stream *stream = reconcile->stream;
    cw_time now = cw_now(cw_loop_clock(cw_reconcile_loop(reconcile)));
    const struct cw_bisect_config config = { .session = reconcile->session,
                                             .stream = stream,
                                             .run = &reconcile->run,
                                             .from = from,
                                             .to = now - stream->settle,
                                             .breaks = reconcile->breaks,
                                             .done = window_read,
                                             .arg = reconcile };
    reconcile->fetched_window = done;
    cw_emitter_watch(
        cw_session_emitter(reconcile->session), stream,
        (struct cw_emit_watch){ .seen = seen, .arg = reconcile, .only_look = reconcile->config.only_tell });
    reconcile->bisect = cw_bisect_start(&config, &err);
    if (reconcile->bisect == NULL)
        cw_reconcile_end(reconcile, &err);
}

/* --- what broke the list before --- */

static void next_break(void *arg);

static void healed(void *arg, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    if (err != NULL)
        cw_reconcile_end(reconcile, err);
    else
        cw_loop_later(cw_reconcile_loop(reconcile), &reconcile->later, next_break, reconcile);
}

static void time_fetched(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    struct cw_slice id = reconcile->breaks->items[reconcile->next_break++].external_id;
    reconcile->fiber = NULL;
    if (err != NULL && text.len == 0)
        cw_reconcile_end(reconcile, err);
    else if (text.len == 0 && cw_break_is_nameless(id) &&
             cw_emitter_error(cw_session_emitter(reconcile->session), reconcile->stream) == NULL)
        cw_break_heal(reconcile->session, reconcile->stream, id, &reconcile->change, healed, reconcile);
    else
        healed(reconcile, NULL);
}

/* One after the other of those of which the time is known. */
static void next_break(void *arg)
{
    struct cw_reconcile *reconcile = arg;
    const struct cw_breaks *breaks = reconcile->breaks;
    struct cw_error err;
    while (reconcile->next_break < breaks->count && breaks->items[reconcile->next_break].to == CW_TIME_NONE)
        reconcile->next_break++;
    if (reconcile->next_break == breaks->count || !reconcile->stream->has_fetch) {
        cw_reconcile_end(reconcile, NULL);
        return;
    }
    const struct cw_break *known = &breaks->items[reconcile->next_break];
    const struct cw_lua_window window = { .from = known->from,
                                          .to = known->to + CW_SECOND,
                                          .search = CW_SEARCH_STEP };
    reconcile->fiber = cw_lua_start_fetch(reconcile->stream, &window, time_fetched, reconcile, &err);
    if (reconcile->fiber == NULL)
        cw_reconcile_end(reconcile, &err);
}

static void named_read(void *arg, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    reconcile->reading = NULL;
    healed(reconcile, err);
}

void cw_reconcile_heal(struct cw_reconcile *reconcile)
{
    const struct cw_breaks *breaks = reconcile->breaks;
    struct cw_error err;
    for (size_t i = 0; reconcile->stream->has_read && i < breaks->count; i++)
        if (!cw_break_is_nameless(breaks->items[i].external_id) &&
            !cw_ids_add(&reconcile->broken, breaks->items[i].external_id, &err)) {
            cw_reconcile_end(reconcile, &err);
            return;
        }
    start_reading(reconcile, &reconcile->broken, true, NULL, named_read);
}
