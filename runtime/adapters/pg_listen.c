/* pg_listen.c - being told that some process woke a job or changed a control. */
#include "adapters/pg_link.h"

static const char listen[] = "LISTEN cartwright";
static const char unlisten[] = "UNLISTEN cartwright";

static void tell(void *arg)
{
    struct cw_pg_link *link = arg;
    if (link->heard != NULL)
        link->heard(link->heard_arg);
}

void cw_pg_hear(struct cw_pg_link *link)
{
    if (link->heard != NULL && link->pg->store.loop != NULL)
        cw_loop_later(link->pg->store.loop, &link->heard_later, tell, link);
}

/* What was said before the server listened for us is not known, so it counts as heard. */
static void note_listening(void *arg, PGresult *result, const struct cw_error *err)
{
    (void)result;
    if (err == NULL)
        cw_pg_hear(arg);
}

/* Between transactions: one that is rolled back would take it along. */
void cw_pg_listen_step(struct cw_pg_link *link)
{
    bool is_between = link->turn.stage == CW_PG_NONE || link->turn.stage == CW_PG_WAITING;
    if (link->heard == NULL || link->is_listening || link->state != CW_PG_UP || !is_between)
        return;
    link->is_listening = cw_pg_send_with(link->pg, CW_PG_ONCE, listen, NULL, 0, note_listening, link, NULL);
}

void cw_pg_listen_close(struct cw_pg_link *link)
{
    link->heard = NULL;
    if (link->pg->store.loop != NULL)
        cw_later_cancel(link->pg->store.loop, &link->heard_later);
}

bool cw_pg_listen(struct cw_store *store, cw_loop_fn *heard, void *arg, struct cw_error *err)
{
    struct cw_pg_link *link = cw_pg_of(store)->link;
    if (heard == NULL) {
        cw_pg_listen_close(link);
        if (link->is_listening && link->state == CW_PG_UP)
            cw_pg_send_with(link->pg, CW_PG_ONCE, unlisten, NULL, 0, NULL, NULL, NULL);
        link->is_listening = false;
        cw_pg_pump_later(link);
        return true;
    }
    if (store->loop == NULL)
        return cw_fail(err, CW_USAGE, "a store without a loop hears nothing");
    link->heard = heard;
    link->heard_arg = arg;
    cw_pg_pump_later(link);
    return true;
}
