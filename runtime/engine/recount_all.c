/* recount_all.c - see recount.h. First the orders, page by page, where their demand was never put by the
 * present rules; then every SKU. Each page is a transaction of its own, with a turn of the loop behind it. */
#include "engine/recount.h"

#include <glib.h>

#include "engine/recount_private.h"

enum { PAGE = 500, CLOSED_MAX = 50 };

/* Where orders are found: those that are open, those that wait, and those that take something by an earlier
 * reckoning. Each SELECT gives a key to go on behind, cart and id; $1 is the key. */
static const char *const phases[] = {
    "SELECT id, cart, external_id FROM orders WHERE id > CAST($1 AS BIGINT) AND coalesce(status, '') NOT IN "
    "(%s) ORDER BY id LIMIT 500",
    "SELECT id, cart, external_id FROM staged_records WHERE id > CAST($1 AS BIGINT) AND kind = 'order' ORDER "
    "BY id LIMIT 500",
    "SELECT cart || '/' || order_id, cart, order_id FROM demands WHERE cart || '/' || order_id > $1 GROUP BY "
    "cart, order_id ORDER BY 1 LIMIT 500",
};
enum { PHASES = sizeof phases / sizeof *phases };

struct order {
    char *cart, *id;
};

struct cw_recount_all {
    struct cw_store *store;
    const struct cw_site_config *config;
    const struct cw_clock *clock;
    struct cw_loop *loop;
    char *lease;
    int64_t token;
    cw_recounted_fn *done;
    void *arg;

    bool is_try, does_orders, does_skus, cancelled, in_store;
    struct cw_later later;
    struct cw_error err;
    struct cw_txn *txn;
    char version[CW_HASH_TEXT_MAX];

    size_t phase;
    GString *key; /* go on behind it */
    GPtrArray *orders;
    guint next_order;
    GPtrArray *skus; /* texts */
    struct cw_slice *page;
    uint64_t counted, messages;
    GHashTable *told; /* "cart/stream/SKU" of levels that the orders made: counted, whatever is put later */
    char last_message[32];
};

/* --- ends --- */

static void free_order(gpointer data)
{
    struct order *order = data;
    g_free(order->cart);
    g_free(order->id);
    g_free(order);
}

static void free_all(struct cw_recount_all *all)
{
    cw_later_cancel(all->loop, &all->later);
    g_string_free(all->key, TRUE);
    g_ptr_array_unref(all->orders);
    g_ptr_array_unref(all->skus);
    g_hash_table_unref(all->told);
    g_free(all->page);
    g_free(all->lease);
    g_free(all);
}

static void finish(void *arg)
{
    struct cw_recount_all *all = arg;
    bool failed = all->err.code != CW_OK;
    all->done(all->arg, all->counted, failed ? &all->err : NULL);
    free_all(all);
}

static void go_on(struct cw_recount_all *all, cw_loop_fn *step)
{
    cw_loop_later(all->loop, &all->later, step, all);
}

static void fail(struct cw_recount_all *all, const struct cw_error *err)
{
    if (err != NULL)
        all->err = *err;
    if (all->txn != NULL)
        cw_txn_rollback(all->txn);
    all->txn = NULL;
    go_on(all, finish);
}

/* Whether it was called off while the store worked on an answer; then it is gone. An error ends it. */
static bool is_over(struct cw_recount_all *all, const struct cw_error *err)
{
    all->in_store = false;
    if (all->cancelled) {
        if (all->txn != NULL)
            cw_txn_rollback(all->txn);
        free_all(all);
        return true;
    }
    if (err != NULL)
        fail(all, err);
    return err != NULL;
}

static void begin(struct cw_recount_all *all, cw_txn_ready_fn *ready)
{
    all->in_store = true;
    cw_txn_begin(all->store, (struct cw_fence){ cw_slice(all->lease), all->token }, ready, all);
}

static void end_txn(struct cw_recount_all *all, cw_store_done_fn *ended)
{
    struct cw_txn *txn = all->txn;
    all->txn = NULL;
    all->in_store = true;
    if (all->is_try) {
        cw_txn_rollback(txn);
        ended(all, NULL);
    } else {
        cw_txn_commit(txn, ended, all);
    }
}

static void query(struct cw_recount_all *all, const char *sql, const struct cw_slice *params, size_t count,
                  cw_query_row_fn *row, cw_store_done_fn *done)
{
    all->in_store = true;
    cw_store_query(all->store, sql, params, count, row, done, all);
}

/* --- how many messages a page made --- */

#define LEVELS "stream IN ('stock_out', 'prices_out')"

static bool take_last(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_recount_all *all = arg;
    (void)columns, (void)names;
    g_snprintf(all->last_message, sizeof all->last_message, "%.*s", CW_SLICE_ARG(row[0]));
    return true;
}

/* A level that orders change more than once is one; each SKU is counted once behind them. */
static bool take_made(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_recount_all *all = arg;
    char *level = g_strndup(row[0].data, row[0].len);
    (void)columns, (void)names;
    if (all->does_skus) {
        all->messages += !g_hash_table_contains(all->told, level);
        g_free(level);
    } else {
        all->messages += g_hash_table_add(all->told, level);
    }
    return true;
}

static void count_made(struct cw_recount_all *all, cw_store_done_fn *counted)
{
    struct cw_slice last = cw_slice(all->last_message);
    query(all,
          "SELECT cart || '/' || stream || '/' || external_id FROM messages WHERE id > CAST($1 AS BIGINT) "
          "AND " LEVELS,
          &last, 1, take_made, counted);
}

static void find_last(struct cw_recount_all *all, cw_store_done_fn *found)
{
    query(all, "SELECT coalesce(max(id), 0) FROM messages", NULL, 0, take_last, found);
}

/* --- every SKU --- */

static void read_skus(void *arg);
static void put_version(void *arg);

static void skus_stored(void *arg, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    if (is_over(all, err))
        return;
    all->counted += all->skus->len;
    go_on(all, read_skus);
}

static void skus_summed(void *arg, const struct cw_error *err)
{
    if (!is_over(arg, err))
        end_txn(arg, skus_stored);
}

static void skus_counted(void *arg, const struct cw_error *err)
{
    if (!is_over(arg, err))
        count_made(arg, skus_summed);
}

static void count_skus(void *arg, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    if (is_over(all, err))
        return;
    all->in_store = true;
    cw_recount_skus(all->txn, all->config, all->clock, all->page, all->skus->len, skus_counted, all);
}

static void skus_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    all->txn = txn;
    if (!is_over(all, err))
        find_last(all, count_skus);
}

static void skus_read(void *arg, const struct cw_slice *skus, size_t count, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    if (is_over(all, err))
        return;
    if (count == 0) {
        go_on(all, put_version);
        return;
    }
    g_ptr_array_set_size(all->skus, 0);
    for (size_t i = 0; i < count; i++) {
        g_ptr_array_add(all->skus, g_strndup(skus[i].data, skus[i].len));
        all->page[i] = cw_slice(g_ptr_array_index(all->skus, i));
    }
    g_string_assign(all->key, g_ptr_array_index(all->skus, count - 1));
    begin(all, skus_ready);
}

static void read_skus(void *arg)
{
    struct cw_recount_all *all = arg;
    all->does_skus = true;
    all->in_store = true;
    cw_store_read_skus(all->store, cw_slice(all->key->str), PAGE, skus_read, all);
}

/* --- what orders take --- */

static void read_orders(void *arg);
static void put_next_cart(struct cw_recount_all *all);

static void orders_stored(void *arg, const struct cw_error *err)
{
    if (!is_over(arg, err))
        go_on(arg, read_orders);
}

static void orders_summed(void *arg, const struct cw_error *err)
{
    if (!is_over(arg, err))
        end_txn(arg, orders_stored);
}

static void orders_counted(void *arg, const struct cw_error *err)
{
    if (!is_over(arg, err))
        count_made(arg, orders_summed);
}

static void cart_put(void *arg, const struct cw_error *err)
{
    if (!is_over(arg, err))
        put_next_cart(arg);
}

/* The orders in hand that are of one cart and stand together. */
static void put_next_cart(struct cw_recount_all *all)
{
    struct cw_slice ids[PAGE];
    size_t count = 0;
    all->in_store = true;
    if (all->next_order == all->orders->len) {
        cw_recount_skus(all->txn, all->config, all->clock, NULL, 0, orders_counted, all);
        return;
    }
    const struct order *first = g_ptr_array_index(all->orders, all->next_order);
    for (; all->next_order < all->orders->len && count < PAGE; all->next_order++) {
        const struct order *order = g_ptr_array_index(all->orders, all->next_order);
        if (strcmp(order->cart, first->cart) != 0)
            break;
        ids[count++] = cw_slice(order->id);
    }
    cw_recount_orders_anew(all->txn, all->config, cw_slice(first->cart), ids, count, cart_put, all);
}

static void orders_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    all->txn = txn;
    all->next_order = 0;
    if (!is_over(all, err))
        find_last(all, cart_put);
}

static bool take_order(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_recount_all *all = arg;
    struct order *order = g_new0(struct order, 1);
    (void)columns, (void)names;
    *order = (struct order){ g_strndup(row[1].data, row[1].len), g_strndup(row[2].data, row[2].len) };
    g_ptr_array_add(all->orders, order);
    g_string_truncate(all->key, 0);
    g_string_append_len(all->key, row[0].data, (gssize)row[0].len);
    return true;
}

static void next_phase(struct cw_recount_all *all)
{
    all->phase++;
    g_string_assign(all->key, all->phase == PHASES - 1 || all->phase == PHASES ? "" : "0");
    go_on(all, all->phase < PHASES ? read_orders : read_skus);
}

static void orders_read(void *arg, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    if (is_over(all, err))
        return;
    if (all->orders->len == 0)
        next_phase(all);
    else
        begin(all, orders_ready);
}

/* "$2, $3": as many as there are closed statuses; '' fits none, since it stands for none at all. */
static char *closed_list(const struct cw_site_config *config, struct cw_slice *params, size_t *count)
{
    GString *list = g_string_new("'-'");
    for (char **status = config->stock.closed; status != NULL && *status != NULL && *count < CLOSED_MAX;
         status++) {
        params[*count] = cw_slice(*status);
        g_string_append_printf(list, ", $%zu", ++*count);
    }
    return g_string_free(list, FALSE);
}

static void read_orders(void *arg)
{
    struct cw_recount_all *all = arg;
    char *key = g_strdup(all->key->str), *sql = NULL;
    struct cw_slice params[CLOSED_MAX + 1] = { cw_slice(key) };
    size_t count = 1;
    g_ptr_array_set_size(all->orders, 0);
    if (all->phase == 0) {
        char *list = closed_list(all->config, params, &count), **halves = g_strsplit(phases[0], "%s", 2);
        sql = g_strconcat(halves[0], list, halves[1], NULL);
        g_strfreev(halves);
        g_free(list);
    }
    query(all, sql != NULL ? sql : phases[all->phase], params, count, take_order, orders_read);
    g_free(sql);
    g_free(key);
}

/* --- that it was done --- */

static void version_stored(void *arg, const struct cw_error *err)
{
    if (!is_over(arg, err))
        go_on(arg, finish);
}

/* What others put meanwhile by their rules may lie behind the pages that were counted. */
static bool is_in_vain(const struct cw_recount_all *all, struct cw_slice state, struct cw_error *err)
{
    if (all->is_try || !cw_recount_is_needed(all->config) || cw_recount_is_of(state, all->version))
        return false;
    cw_fail(err, CW_CONFLICT,
            "while stock was counted it was changed by other rules than those of site.lua; count it again: "
            "cartwright stock recount");
    return true;
}

static void end_state_read(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    struct cw_slice none = { NULL, 0 };
    struct cw_error in_vain;
    if (is_over(all, err))
        return;
    if (is_in_vain(all, value, &in_vain)) {
        fail(all, &in_vain);
        return;
    }
    cw_txn_put_state(all->txn, cw_slice(""), cw_slice(CW_RECOUNT_STATE),
                     cw_recount_is_needed(all->config) ? cw_slice(all->version) : none);
    end_txn(all, version_stored);
}

static void version_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    all->txn = txn;
    if (is_over(all, err))
        return;
    all->in_store = true;
    cw_store_get_state(all->store, cw_slice(""), cw_slice(CW_RECOUNT_STATE), end_state_read, all);
}

static void put_version(void *arg)
{
    begin(arg, version_ready);
}

/* --- the beginning --- */

static void begin_stored(void *arg, const struct cw_error *err)
{
    if (!is_over(arg, err))
        go_on(arg, read_orders);
}

static void begin_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    all->txn = txn;
    if (is_over(all, err))
        return;
    char *counting = g_strconcat(CW_RECOUNT_COUNTING, all->version, NULL);
    cw_txn_put_state(txn, cw_slice(""), cw_slice(CW_RECOUNT_STATE), cw_slice(counting));
    g_free(counting);
    end_txn(all, begin_stored);
}

/* From here on whoever works by other rules takes that state away. */
static void begin_orders(void *arg)
{
    begin(arg, begin_ready);
}

static void state_read(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct cw_recount_all *all = arg;
    if (is_over(all, err))
        return;
    bool was_counted = value.data != NULL && cw_slice_is(value, all->version);
    g_string_assign(all->key, was_counted && !all->does_orders ? "" : "0");
    if (!cw_recount_is_needed(all->config))
        go_on(all, value.data != NULL ? put_version : finish);
    else if (!was_counted)
        go_on(all, begin_orders);
    else
        go_on(all, all->does_orders ? read_orders : read_skus);
}

static void begin_all(void *arg)
{
    struct cw_recount_all *all = arg;
    all->in_store = true;
    cw_store_get_state(all->store, cw_slice(""), cw_slice(CW_RECOUNT_STATE), state_read, all);
}

/* --- life --- */

struct cw_recount_all *cw_recount_all_start(struct cw_store *store, const struct cw_site_config *config,
                                            const struct cw_clock *clock, struct cw_loop *loop,
                                            struct cw_fence fence, cw_recounted_fn *done, void *arg,
                                            struct cw_error *err)
{
    struct cw_recount_all *all = g_new0(struct cw_recount_all, 1);
    (void)err;
    all->store = store;
    all->config = config;
    all->clock = clock;
    all->loop = loop;
    all->lease = g_strndup(fence.lease.data != NULL ? fence.lease.data : "", fence.lease.len);
    all->token = fence.token;
    all->done = done;
    all->arg = arg;
    all->key = g_string_new("");
    all->orders = g_ptr_array_new_with_free_func(free_order);
    all->skus = g_ptr_array_new_with_free_func(g_free);
    all->page = g_new(struct cw_slice, PAGE);
    all->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    cw_recount_version(config, all->version);
    go_on(all, begin_all);
    return all;
}

void cw_recount_all_cancel(struct cw_recount_all *all)
{
    all->cancelled = true;
    cw_later_cancel(all->loop, &all->later);
    if (!all->in_store)
        free_all(all);
}

void cw_recount_all_try(struct cw_recount_all *all)
{
    all->is_try = true;
}

void cw_recount_all_orders(struct cw_recount_all *all)
{
    all->does_orders = true;
}

uint64_t cw_recount_all_messages(const struct cw_recount_all *all)
{
    return all->messages;
}
