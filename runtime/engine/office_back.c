/* office_back.c - what the back office takes back: what waits of it for carts is not told any more; see
 * office_private.h. */
#include "engine/office_private.h"

#include <stdio.h>

/* --- what was told of a parcel --- */

/* Events that wait, in turn. */
struct waiting {
    struct waiting *next;
    struct cw_slice event;
};

struct search {
    struct office_job *job;
    struct waiting *first;
    bool is_told; /* the cart has one of them, or may have it */
    bool ok;
};

static bool take_event(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct search *search = arg;
    (void)columns;
    (void)names;
    if (!cw_slice_is(row[1], "queued") && !cw_slice_is(row[1], "failed")) {
        search->is_told = search->is_told || !cw_slice_is(row[1], "superseded");
        return true;
    }
    struct waiting *waiting = cw_arena_alloc(&search->job->arena, sizeof *waiting);
    search->ok = waiting != NULL;
    if (!search->ok)
        return cw_fail(search->job->err, CW_LIMIT, "no memory left for messages to be taken back");
    *waiting = (struct waiting){ search->first, cw_arena_copy(&search->job->arena, row[0]) };
    search->first = waiting;
    return true;
}

/* With `event` empty all of the order. */
static bool take_back_events(struct office_job *job, struct cw_slice cart, struct cw_slice order,
                             struct cw_slice event)
{
    static const char sql[] =
        "SELECT event, state FROM messages WHERE cart = $1 AND stream = 'shipments_out' AND external_id = $2 "
        "AND event <> '' AND ($3 = '' OR event = $3 OR substr(event, 1, length($3) + 10) = $3 || "
        "'" OFFICE_TRACKING "')";
    const struct cw_slice params[] = { cart, order, event };
    struct search search = { .job = job, .ok = true };
    if (!cw_office_query(job, sql, params, 3, take_event, &search) || !search.ok)
        return false;
    for (const struct waiting *each = search.first; each != NULL; each = each->next) {
        if (!cw_office_take_back(job, cart, CW_OUT_SHIPMENTS, order, each->event))
            return false;
        job->result->taken_back++;
    }
    job->result->too_late += search.is_told;
    return true;
}

/* --- what completed the order with it --- */

#define COMPLETES "\"completes\":true}"

struct completing {
    struct office_job *job;
    struct cw_slice event, payload; /* empty = none waits */
};

static bool take_completing(void *arg, size_t columns, const struct cw_slice *names,
                            const struct cw_slice *row)
{
    struct completing *completing = arg;
    (void)columns;
    (void)names;
    completing->event = cw_arena_copy(&completing->job->arena, row[0]);
    completing->payload = cw_arena_copy(&completing->job->arena, row[1]);
    return false;
}

/* The parcel that was to leave nothing of the order, and waits, leaves something of it now. */
static bool tell_incomplete(struct office_job *job, struct cw_slice cart, struct cw_slice order)
{
    static const char sql[] =
        "SELECT event, payload FROM messages WHERE cart = $1 AND stream = 'shipments_out' AND external_id = "
        "$2 AND event <> '' AND state IN ('queued', 'failed') AND payload LIKE '%" COMPLETES "' LIMIT 1";
    const struct cw_slice params[] = { cart, order };
    struct completing found = { .job = job };
    struct cw_buffer payload = { 0 }, lane = { 0 };
    if (!cw_office_query(job, sql, params, 2, take_completing, &found))
        return false;
    if (found.payload.len < sizeof COMPLETES)
        return true;
    bool ok =
        cw_office_take_back(job, cart, CW_OUT_SHIPMENTS, order, found.event) &&
        cw_buffer_add(&payload, found.payload.data, found.payload.len - (sizeof "true}" - 1), job->err) &&
        cw_buffer_print(&payload, job->err, "false}") &&
        cw_buffer_print(&lane, job->err, "order/%.*s", CW_SLICE_ARG(order));
    struct cw_message message = { .key = { .cart = cart, .external_id = order },
                                  .lane = cw_buffer_slice(&lane),
                                  .event = found.event,
                                  .payload = cw_buffer_slice(&payload) };
    ok = ok && cw_office_put_message(job, CW_OUT_SHIPMENTS, &message);
    cw_buffer_fini(&payload);
    cw_buffer_fini(&lane);
    return ok;
}

/* --- parcels --- */

static bool take_any(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    (void)columns;
    (void)names;
    (void)row;
    *(bool *)arg = true;
    return false;
}

bool cw_office_find_invoice(struct office_job *job, struct cw_slice cart, struct cw_slice order, bool *found)
{
    static const char sql[] =
        "SELECT id FROM invoices WHERE cart = '' AND order_cart = $1 AND order_id = $2 AND "
        "released = 1 LIMIT 1";
    const struct cw_slice params[] = { cart, order };
    *found = false;
    return cw_office_query(job, sql, params, 2, take_any, found);
}

/* Without an invoice its order's parcels are not told either, where that is what they wait for. */
static bool take_back_invoice(struct office_job *job, struct cw_slice cart, struct cw_slice order,
                              struct cw_slice id)
{
    const struct cw_out_config *out = cw_office_out_of(job->put->config, cart, CW_OUT_SHIPMENTS);
    bool is_released = false;
    if (out == NULL || !out->shipments.by_invoice)
        return true;
    if (!cw_office_find_invoice(job, cart, order, &is_released))
        return false;
    if (!is_released)
        return take_back_events(job, cart, order, (struct cw_slice){ "", 0 });
    cw_buffer_clear(&job->text);
    return cw_buffer_print(&job->text, job->err, OFFICE_INVOICE "%.*s", CW_SLICE_ARG(id)) &&
           take_back_events(job, cart, order, cw_buffer_slice(&job->text));
}

static bool is_same_order(const struct cw_document *a, const struct cw_document *b)
{
    return cw_slice_equal(cw_office_text(a, "order_cart"), cw_office_text(b, "order_cart")) &&
           cw_slice_equal(cw_office_text(a, "order_id"), cw_office_text(b, "order_id"));
}

static bool is_taken_back(const struct office_doc *doc, const char *field)
{
    return doc->is_changed && doc->before != NULL && cw_office_is_true(doc->before, field) &&
           (doc->doc == NULL || !cw_office_is_true(doc->doc, field) || !is_same_order(doc->before, doc->doc));
}

bool cw_office_take_back_parcels(struct office_job *job)
{
    bool is_shipment = job->put->kind == &cw_kind_shipment;
    for (size_t i = 0; i < job->count; i++) {
        const struct office_doc *doc = &job->docs[i];
        if (!is_taken_back(doc, is_shipment ? "confirmed" : "released"))
            continue;
        struct cw_slice cart = cw_office_text(doc->before, "order_cart"),
                        order = cw_office_text(doc->before, "order_id");
        if (!(is_shipment ? take_back_events(job, cart, order, doc->id) && tell_incomplete(job, cart, order)
                          : take_back_invoice(job, cart, order, doc->id)))
            return false;
    }
    return true;
}

/* --- levels --- */

static bool take_silent(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_office_result *result = arg;
    size_t len = strlen(result->silent_such_as), room = sizeof result->silent_such_as - len;
    (void)columns;
    (void)names;
    if (result->silent++ < CW_OFFICE_SILENT_NAMES && row[0].len + 3 < room)
        snprintf(result->silent_such_as + len, room, "%s%.*s", len > 0 ? ", " : "", CW_SLICE_ARG(row[0]));
    return true;
}

bool cw_office_find_silent(struct office_job *job)
{
    static const char sql[] = "SELECT DISTINCT external_id FROM message_levels WHERE payload = '' AND "
                              "stream = 'stock_out' AND sent_at IS NOT NULL ORDER BY external_id";
    job->result->silent = 0;
    job->result->silent_such_as[0] = '\0';
    return job->put->kind != &cw_kind_stock_level || job->result->dropped == 0 || job->is_checking ||
           cw_office_query(job, sql, NULL, 0, take_silent, job->result);
}
