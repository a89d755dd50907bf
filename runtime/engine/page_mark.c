/* page_mark.c - what a slice of records that was put changes of stock: what its orders take, which of its
 * items carts may be told of now, what its shipments leave of the orders. Only where a cart is told of stock
 * or prices. */
#include "engine/page.h"

/* What was posted before of a record that waits now counts too, and is read. */
static void add_order(struct page_changes *changes, const struct item *item)
{
    const struct cw_mapped *mapped = &item->mapped;
    bool is_skipped = mapped->skipped_by != NULL;
    if (!is_skipped && (mapped->doc == NULL || mapped->issues != NULL))
        changes->ids[changes->id_count++] = item->key.external_id;
    else
        changes->orders[changes->order_count++] =
            (struct cw_recount_order){ .external_id = item->key.external_id,
                                       .doc = is_skipped ? NULL : mapped->doc };
}

static void add_shipment(struct page_changes *changes, const struct cw_document *shipment)
{
    const struct cw_value *order = shipment != NULL ? cw_document_get(shipment, "order_id") : NULL;
    if (order != NULL && order->is_set && order->text.len > 0)
        changes->ids[changes->id_count++] = order->text;
}

static bool is_posted(const struct item *item)
{
    return item->mapped.issues == NULL && item->mapped.skipped_by == NULL;
}

/* A SKU that the item had before may be that of one other item now. */
static bool mark_stored(struct cw_page_job *job, const struct cw_stored *stored)
{
    return stored == NULL || stored->doc == NULL || cw_recount_mark(job->txn, stored->doc);
}

static bool mark_items(struct cw_page_job *job, const struct item *item)
{
    for (size_t i = 0; is_posted(item) && i < item->outcome_count; i++) {
        const struct outcome *outcome = &item->outcomes[i];
        if (outcome->doc->kind != &cw_kind_item)
            continue;
        job->has_changed = true;
        if (!mark_stored(job, outcome->stored) || !cw_recount_mark(job->txn, outcome->doc))
            return false;
    }
    return true;
}

static bool collect(struct cw_page_job *job, struct page_changes *changes)
{
    const struct cw_kind *kind = cw_lua_plan_kind(job->page.stream->plan);
    for (size_t i = 0; i < job->count; i++) {
        const struct item *item = &job->items[i];
        if (item->is_settled)
            continue;
        if (!mark_items(job, item))
            return false;
        if (kind == &cw_kind_order)
            add_order(changes, item);
        if (kind != &cw_kind_shipment || !is_posted(item))
            continue;
        add_shipment(changes, item->mapped.doc);
        add_shipment(changes, item->stored != NULL ? item->stored->doc : NULL);
    }
    return true;
}

static void all_put(void *arg, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    if (cw_page_was_cancelled(job))
        return;
    if (err != NULL)
        cw_page_fail(job, err);
    else
        cw_page_slice_put(job);
}

static void put_anew(struct cw_page_job *job, const struct page_changes *changes)
{
    cw_recount_orders_anew(job->txn, job->pipeline.config, cw_slice(job->page.stream->cart->name),
                           changes->ids, changes->id_count, all_put, job);
}

static void orders_put(void *arg, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    if (err != NULL) {
        all_put(job, err);
        return;
    }
    if (!cw_page_was_cancelled(job))
        put_anew(job, &job->changes);
}

void cw_page_mark(struct cw_page_job *job)
{
    struct page_changes *changes = &job->changes;
    *changes = (struct page_changes){ .order_count = 0 };
    if (!collect(job, changes)) {
        cw_page_fail(job, cw_txn_error(job->txn));
        return;
    }
    job->has_changed = job->has_changed || changes->order_count + changes->id_count > 0;
    if (changes->order_count > 0)
        cw_recount_orders(job->txn, job->pipeline.config, cw_slice(job->page.stream->cart->name),
                          changes->orders, changes->order_count, orders_put, job);
    else
        put_anew(job, changes);
}
