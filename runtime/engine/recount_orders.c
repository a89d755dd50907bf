/* recount_orders.c - what orders take of stock, put into the store: by their documents at hand, or by what
 * the store holds of them. */
#include "engine/recount.h"

#include <glib.h>

#include "adapters/document_json.h"
#include "engine/demand.h"

/* --- documents at hand --- */

struct putting {
    struct cw_txn *txn;
    const struct cw_site_config *config;
    struct cw_slice cart;
    const struct cw_recount_order *orders;
    size_t count;
    cw_store_done_fn *done;
    void *arg;
    struct cw_arena arena;
    GArray *shipped; /* struct cw_shipped, of all orders */
    struct cw_error err;
};

static void end_putting(struct putting *p, const struct cw_error *err)
{
    cw_store_done_fn *done = p->done;
    void *arg = p->arg;
    struct cw_error kept = err != NULL ? *err : (struct cw_error){ .code = CW_OK };
    cw_arena_fini(&p->arena);
    g_array_unref(p->shipped);
    g_free(p);
    done(arg, kept.code != CW_OK ? &kept : NULL);
}

static bool no_memory(struct cw_error *err)
{
    return cw_fail(err, CW_NOMEM, "no memory to say what orders take of stock");
}

static bool copy_into(struct cw_arena *arena, struct cw_slice *text)
{
    *text = cw_arena_copy(arena, *text);
    return text->data != NULL;
}

static bool take_shipped(void *arg, const struct cw_shipped *shipped)
{
    struct putting *p = arg;
    struct cw_shipped copy = *shipped;
    if (!copy_into(&p->arena, &copy.order_id) || !copy_into(&p->arena, &copy.shipment_cart) ||
        !copy_into(&p->arena, &copy.shipment_id) || !copy_into(&p->arena, &copy.line_id) ||
        !copy_into(&p->arena, &copy.sku))
        return no_memory(&p->err);
    g_array_append_val(p->shipped, copy);
    return true;
}

/* Those of one order, in an array that is used again and again. */
static void pick_shipped(const struct putting *p, struct cw_slice order_id, GArray *picked)
{
    g_array_set_size(picked, 0);
    for (guint i = 0; i < p->shipped->len; i++) {
        struct cw_shipped shipped = g_array_index(p->shipped, struct cw_shipped, i);
        if (cw_slice_equal(shipped.order_id, order_id))
            g_array_append_val(picked, shipped);
    }
}

/* A version that waits may lack lines that it has: what was posted of it before stands beside it. */
static bool reckon(struct putting *p, const struct cw_recount_order *order, const GArray *picked,
                   struct cw_order_demands *demands)
{
    const struct cw_shipped *shipped = (const void *)picked->data;
    struct cw_order_demands before;
    if (order->doc == NULL)
        return true;
    if (!cw_order_demands(order->doc, order->is_waiting, shipped, picked->len, p->config, &p->arena, demands))
        return false;
    if (!order->is_waiting || order->posted == NULL || cw_order_is_closed(order->doc, &p->config->stock))
        return true;
    return cw_order_demands(order->posted, true, shipped, picked->len, p->config, &p->arena, &before) &&
           cw_order_demands_join(demands, &before, &p->arena);
}

static bool put_order(struct putting *p, const struct cw_recount_order *order, GArray *picked)
{
    struct cw_order_demands demands = { NULL, 0 };
    struct cw_record_key key = { p->cart, { "", 0 }, order->external_id };
    pick_shipped(p, order->external_id, picked);
    if (!reckon(p, order, picked, &demands))
        return no_memory(&p->err);
    if (cw_txn_put_demands(p->txn, key, demands.list, demands.count))
        return true;
    p->err = *cw_txn_error(p->txn);
    return false;
}

static void shipped_read(void *arg, const struct cw_error *err)
{
    struct putting *p = arg;
    GArray *picked = g_array_new(FALSE, FALSE, sizeof(struct cw_shipped));
    bool ok = err == NULL && p->err.code == CW_OK;
    for (size_t i = 0; ok && i < p->count; i++)
        ok = put_order(p, &p->orders[i], picked);
    g_array_unref(picked);
    end_putting(p, ok ? NULL : err != NULL ? err : &p->err);
}

void cw_recount_orders(struct cw_txn *txn, const struct cw_site_config *config, struct cw_slice cart,
                       const struct cw_recount_order *orders, size_t count, cw_store_done_fn *done, void *arg)
{
    struct putting *p = g_new0(struct putting, 1);
    struct cw_slice *ids = g_new(struct cw_slice, count + 1);
    size_t open = 0;
    *p = (struct putting){ txn, config, cart, orders, count, done, arg, .arena = { 0 } };
    cw_arena_init(&p->arena, 0);
    p->shipped = g_array_new(FALSE, FALSE, sizeof(struct cw_shipped));
    for (size_t i = 0; i < count; i++)
        if (orders[i].doc != NULL && !cw_order_is_closed(orders[i].doc, &config->stock))
            ids[open++] = orders[i].external_id;
    if (open > 0)
        cw_txn_read_shipped(txn, cart, ids, open, take_shipped, shipped_read, p);
    else
        shipped_read(p, NULL);
    g_free(ids);
}

/* --- what the store holds --- */

struct renewing {
    struct cw_txn *txn;
    const struct cw_site_config *config;
    struct cw_slice cart;
    cw_store_done_fn *done;
    void *arg;
    struct cw_arena arena;
    struct cw_record_key *keys;
    struct cw_recount_order *orders;
    enum cw_outcome *outcomes; /* of their records; posted where there is none */
    size_t count, next;
    struct cw_error err;
};

static void end_renewing(void *arg, const struct cw_error *err)
{
    struct renewing *renewing = arg;
    cw_store_done_fn *done = renewing->done;
    void *done_arg = renewing->arg;
    struct cw_error kept = err != NULL ? *err : (struct cw_error){ .code = CW_OK };
    cw_arena_fini(&renewing->arena);
    g_free(renewing);
    done(done_arg, kept.code != CW_OK ? &kept : NULL);
}

static void fail_renewing(struct renewing *renewing, const struct cw_error *err)
{
    struct cw_error lacking;
    no_memory(&lacking);
    if (err == NULL)
        err = renewing->err.code != CW_OK ? &renewing->err : &lacking;
    end_renewing(renewing, err);
}

static void put_orders(struct renewing *renewing)
{
    cw_recount_orders(renewing->txn, renewing->config, renewing->cart, renewing->orders, renewing->count,
                      end_renewing, renewing);
}

/* What waits stands before what was posted of it. */
static bool take_staged(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct renewing *renewing = arg;
    (void)columns, (void)names;
    for (size_t i = 0; i < renewing->count; i++) {
        struct cw_recount_order *order = &renewing->orders[i];
        struct cw_document *doc;
        if (!cw_slice_equal(order->external_id, row[0]) || row[1].len == 0)
            continue;
        doc = cw_document_from_json(row[1], &cw_kind_order, &renewing->arena, &renewing->err);
        if (doc == NULL)
            return false;
        order->posted = order->doc;
        order->doc = doc;
        order->is_waiting = true;
    }
    return true;
}

static void read_staged(struct renewing *renewing);

static void staged_read(void *arg, const struct cw_error *err)
{
    struct renewing *renewing = arg;
    if (err != NULL || renewing->err.code != CW_OK)
        fail_renewing(renewing, err);
    else
        read_staged(renewing);
}

/* A query for some of them at a time. */
static void read_staged(struct renewing *renewing)
{
    enum { AT_ONCE = 50 };
    static const char sql[] = "SELECT external_id, document FROM staged_records WHERE cart = $1 AND "
                              "kind = 'order' AND external_id IN (";
    struct cw_slice params[AT_ONCE + 1] = { renewing->cart };
    size_t count = 1;
    GString *text = g_string_new(sql);
    for (; renewing->next < renewing->count && count <= AT_ONCE; renewing->next++)
        if (renewing->outcomes[renewing->next] == CW_PARKED) {
            g_string_append_printf(text, "%s$%zu", count > 1 ? ", " : "", count + 1);
            params[count++] = renewing->keys[renewing->next].external_id;
        }
    g_string_append(text, ")");
    if (count > 1)
        cw_store_query(cw_txn_store(renewing->txn), text->str, params, count, take_staged, staged_read,
                       renewing);
    else
        put_orders(renewing);
    g_string_free(text, TRUE);
}

static void got_documents(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    struct renewing *renewing = arg;
    if (err != NULL) {
        fail_renewing(renewing, err);
        return;
    }
    for (size_t i = 0; i < count && i < renewing->count; i++)
        if (renewing->outcomes[i] != CW_SKIPPED)
            renewing->orders[i].doc = stored[i].doc;
    read_staged(renewing);
}

static void got_outcomes(void *arg, const struct cw_raw_known *known, size_t count,
                         const struct cw_error *err)
{
    struct renewing *renewing = arg;
    if (err != NULL) {
        fail_renewing(renewing, err);
        return;
    }
    for (size_t i = 0; i < count && i < renewing->count; i++)
        renewing->outcomes[i] = known[i].exists ? known[i].outcome : CW_POSTED;
    cw_txn_get_documents(renewing->txn, &cw_kind_order, renewing->keys, renewing->count, &renewing->arena,
                         got_documents, renewing);
}

static bool copy_ids(struct renewing *renewing, struct cw_slice cart, const struct cw_slice *ids)
{
    struct cw_arena *arena = &renewing->arena;
    renewing->cart = cw_arena_copy(arena, cart);
    renewing->keys = cw_arena_alloc(arena, renewing->count * sizeof *renewing->keys);
    renewing->orders = cw_arena_alloc(arena, renewing->count * sizeof *renewing->orders);
    renewing->outcomes = cw_arena_alloc(arena, renewing->count * sizeof *renewing->outcomes);
    if (renewing->cart.data == NULL || renewing->keys == NULL || renewing->orders == NULL ||
        renewing->outcomes == NULL)
        return false;
    for (size_t i = 0; i < renewing->count; i++) {
        struct cw_slice id = cw_arena_copy(arena, ids[i]);
        if (id.data == NULL)
            return false;
        renewing->keys[i] = (struct cw_record_key){ renewing->cart, cw_slice(cw_kind_order.plural), id };
        renewing->orders[i] = (struct cw_recount_order){ .external_id = id };
    }
    return true;
}

void cw_recount_orders_anew(struct cw_txn *txn, const struct cw_site_config *config, struct cw_slice cart,
                            const struct cw_slice *ids, size_t count, cw_store_done_fn *done, void *arg)
{
    if (count == 0) {
        done(arg, NULL);
        return;
    }
    struct renewing *renewing = g_new0(struct renewing, 1);
    renewing->txn = txn;
    renewing->config = config;
    renewing->done = done;
    renewing->arg = arg;
    renewing->count = count;
    cw_arena_init(&renewing->arena, 0);
    if (copy_ids(renewing, cart, ids))
        cw_txn_find_raw(txn, renewing->keys, count, got_outcomes, renewing);
    else
        fail_renewing(renewing, NULL);
}
