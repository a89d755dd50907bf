/* recount.c - see recount.h. Which SKUs are counted: those that are marked, and what depends on them. */
#include "engine/recount.h"

#include <stdlib.h>

#include "engine/recount_private.h"

enum { MARKS_AT_ONCE = 500 };

bool cw_recount_is_needed(const struct cw_site_config *config)
{
    for (size_t i = 0; i < config->cart_count; i++) {
        const struct cw_out_sending *sending = config->carts[i].out.sending;
        if (sending[CW_OUT_STOCK].is_on || sending[CW_OUT_PRICES].is_on)
            return true;
    }
    return false;
}

/* --- marks --- */

static bool mark_sku(struct cw_txn *txn, const struct cw_document *doc)
{
    const struct cw_value *sku = cw_document_get(doc, "sku");
    return sku == NULL || !sku->is_set || sku->text.len == 0 || cw_txn_mark_skus(txn, &sku->text, 1);
}

bool cw_recount_mark(struct cw_txn *txn, const struct cw_document *doc)
{
    if (!mark_sku(txn, doc))
        return false;
    for (size_t i = 0; i < doc->kind->field_count; i++) {
        const struct cw_value *list = &doc->values[i];
        if (doc->kind->fields[i].type != CW_LIST || !list->is_set)
            continue;
        for (const struct cw_document *nested = list->list.first; nested != NULL; nested = nested->next)
            if (!mark_sku(txn, nested))
                return false;
    }
    return true;
}

/* --- steps --- */

static void end(struct recounting *r)
{
    cw_store_done_fn *done = r->done;
    void *arg = r->arg;
    struct cw_error err = r->err;
    cw_figures_free(r->figures);
    cw_stock_view_free(r->view);
    cw_arena_fini(&r->arena);
    cw_arena_fini(&r->asking);
    cw_buffer_fini(&r->json);
    g_array_unref(r->prices);
    g_array_unref(r->levels);
    g_array_unref(r->looks);
    g_free(r);
    done(arg, err.code != CW_OK ? &err : NULL);
}

void recount_go(struct recounting *r, recount_step *step)
{
    r->next = step;
    if (r->is_going)
        return;
    r->is_going = true;
    while (r->next != NULL && !r->is_over) {
        recount_step *now = r->next;
        r->next = NULL;
        now(r);
    }
    r->is_going = false;
    if (r->is_over)
        end(r);
}

static void be_over(struct recounting *r)
{
    r->is_over = true;
}

void recount_fail(struct recounting *r, const struct cw_error *err)
{
    const struct cw_error *lost = cw_txn_error(r->txn);
    if (err == NULL && r->err.code == CW_OK)
        err = lost;
    if (err != NULL)
        r->err = *err;
    else if (r->err.code == CW_OK)
        cw_fail(&r->err, CW_NOMEM, "no memory to count stock");
    recount_go(r, be_over);
}

static bool copy_skus(struct recounting *r, const struct cw_slice *skus, size_t count, struct cw_slice **out)
{
    *out = cw_arena_alloc(&r->arena, (count > 0 ? count : 1) * sizeof **out);
    for (size_t i = 0; *out != NULL && i < count; i++) {
        (*out)[i] = cw_arena_copy(&r->arena, skus[i]);
        if ((*out)[i].data == NULL)
            return false;
    }
    return *out != NULL;
}

/* --- prices --- */

static bool take_price(void *arg, const struct cw_price_row *price)
{
    struct recounting *r = arg;
    struct cw_price_row copy = *price;
    copy.sku = cw_arena_copy(&r->arena, price->sku);
    copy.list = cw_arena_copy(&r->arena, price->list);
    copy.currency = cw_arena_copy(&r->arena, price->currency);
    if (copy.sku.data == NULL || copy.list.data == NULL || copy.currency.data == NULL) {
        cw_fail(&r->err, CW_NOMEM, "no memory to read prices");
        return false;
    }
    g_array_append_val(r->prices, copy);
    return true;
}

static int by_sku(const void *a, const void *b)
{
    struct cw_slice x = ((const struct cw_price_row *)a)->sku, y = ((const struct cw_price_row *)b)->sku;
    int order = memcmp(x.data, y.data, MIN(x.len, y.len));
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static void prices_read(void *arg, const struct cw_error *err)
{
    struct recounting *r = arg;
    if (err != NULL || r->err.code != CW_OK) {
        recount_fail(r, err);
        return;
    }
    if (r->prices->len > 0)
        qsort(r->prices->data, r->prices->len, sizeof(struct cw_price_row), by_sku);
    recount_go(r, recount_tell);
}

static bool tells_prices(const struct cw_site_config *config)
{
    for (size_t i = 0; i < config->cart_count; i++)
        if (config->carts[i].out.sending[CW_OUT_PRICES].is_on)
            return true;
    return false;
}

static void read_prices(struct recounting *r)
{
    g_array_set_size(r->prices, 0);
    if (tells_prices(r->config))
        cw_txn_read_prices(r->txn, r->marked, r->marked_count, take_price, prices_read, r);
    else
        recount_go(r, recount_tell);
}

/* --- figures --- */

static void read_figures(struct recounting *r);

/* The SKUs that depend on those in hand, in the place of these. False: there are no others. */
static bool widen(struct recounting *r, bool *ok)
{
    const struct cw_stock *stock = cw_figures_stock(r->figures);
    size_t count = 0;
    uint32_t *changed = g_new(uint32_t, r->sku_count + 1), *affected;
    for (size_t i = 0; i < r->sku_count; i++)
        changed[i] = cw_stock_find(stock, r->skus[i]);
    affected = cw_stock_affected(stock, changed, r->sku_count, &count);
    g_free(changed);
    *ok = affected != NULL;
    bool is_wider = *ok && count > r->sku_count;
    if (is_wider) {
        struct cw_slice *skus = g_new(struct cw_slice, count);
        for (size_t i = 0; i < count; i++)
            skus[i] = cw_stock_sku(stock, affected[i]);
        *ok = copy_skus(r, skus, count, &r->skus);
        r->sku_count = count;
        g_free(skus);
    }
    free(affected);
    return is_wider;
}

static void figures_read(void *arg, const struct cw_error *err)
{
    struct recounting *r = arg;
    bool ok = true;
    if (err != NULL) {
        recount_fail(r, err);
        return;
    }
    bool again = !r->is_widened && !r->is_own && widen(r, &ok);
    r->is_widened = true;
    if (!ok)
        recount_fail(r, NULL);
    else
        recount_go(r, again ? read_figures : read_prices);
}

static void read_figures(struct recounting *r)
{
    cw_figures_read(r->figures, r->txn, r->skus, r->sku_count, figures_read, r);
}

/* --- marks --- */

static void take_marks(struct recounting *r);
static void remember_prices(struct recounting *r);

static void count_own(struct recounting *r)
{
    r->is_own = true;
    r->marked = r->skus = (struct cw_slice *)r->own;
    r->marked_count = r->sku_count = r->own_count;
    r->own = NULL;
    read_figures(r);
}

static void marks_taken(void *arg, const struct cw_slice *skus, size_t count, const struct cw_error *err)
{
    struct recounting *r = arg;
    if (err != NULL) {
        recount_fail(r, err);
        return;
    }
    if (count == 0) {
        recount_go(r, r->own != NULL && r->own_count > 0 ? count_own : remember_prices);
        return;
    }
    if (!copy_skus(r, skus, count, &r->marked)) {
        recount_fail(r, NULL);
        return;
    }
    r->skus = r->marked;
    r->sku_count = r->marked_count = count;
    recount_go(r, read_figures);
}

static void take_marks(struct recounting *r)
{
    cw_arena_reset(&r->arena);
    r->is_widened = false;
    cw_txn_take_marks(r->txn, MARKS_AT_ONCE, marks_taken, r);
}

void recount_told(struct recounting *r)
{
    recount_go(r, r->is_own ? remember_prices : take_marks);
}

/* --- when a price begins or ends --- */

static bool take_job(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct recounting *r = arg;
    (void)columns, (void)names, (void)row;
    r->has_job = true;
    return false;
}

static void job_looked_for(void *arg, const struct cw_error *err)
{
    struct recounting *r = arg;
    if (err == NULL && r->has_job)
        cw_txn_wake_job(r->txn, cw_slice(""), cw_slice("recount"), r->price_changes_at);
    if (err != NULL || cw_txn_error(r->txn) != NULL)
        recount_fail(r, err);
    else
        recount_go(r, be_over);
}

/* A command may work where no jobs are planned yet. */
static void remember_prices(struct recounting *r)
{
    if (r->price_changes_at == CW_TIME_NONE)
        recount_go(r, be_over);
    else
        cw_store_query(cw_txn_store(r->txn), "SELECT 1 FROM jobs WHERE cart = '' AND name = 'recount'", NULL,
                       0, take_job, job_looked_for, r);
}

/* --- whose rules --- */

static bool forget_state(struct cw_txn *txn)
{
    return cw_txn_put_state(txn, cw_slice(""), cw_slice(CW_RECOUNT_STATE), (struct cw_slice){ NULL, 0 });
}

static void state_read(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct recounting *r = arg;
    char version[CW_HASH_TEXT_MAX];
    cw_recount_version(r->config, version);
    bool is_others = err == NULL && value.data != NULL && !cw_recount_is_of(value, version);
    if (err != NULL || (is_others && !forget_state(r->txn)))
        recount_fail(r, err);
    else
        recount_go(r, take_marks);
}

/* Whoever comes back to the rules that all was counted by must not believe that it still is. */
static void read_state(struct recounting *r)
{
    cw_store_get_state(cw_txn_store(r->txn), cw_slice(""), cw_slice(CW_RECOUNT_STATE), state_read, r);
}

/* --- life --- */

void cw_recount_skus(struct cw_txn *txn, const struct cw_site_config *config, const struct cw_clock *clock,
                     const struct cw_slice *skus, size_t count, cw_store_done_fn *done, void *arg)
{
    if (!cw_recount_is_needed(config)) {
        done(arg, forget_state(txn) ? NULL : cw_txn_error(txn));
        return;
    }
    struct recounting *r = g_new0(struct recounting, 1);
    r->txn = txn;
    r->config = config;
    r->now = cw_now(clock);
    r->done = done;
    r->arg = arg;
    r->own = skus;
    r->own_count = count;
    r->figures = cw_figures_create();
    r->prices = g_array_new(FALSE, FALSE, sizeof(struct cw_price_row));
    r->levels = g_array_new(FALSE, FALSE, sizeof(struct level));
    r->looks = g_array_new(FALSE, FALSE, sizeof(guint));
    r->price_changes_at = CW_TIME_NONE;
    cw_arena_init(&r->arena, 0);
    cw_arena_init(&r->asking, 0);
    recount_go(r, read_state);
}

void cw_recount_run(struct cw_txn *txn, const struct cw_site_config *config, const struct cw_clock *clock,
                    cw_store_done_fn *done, void *arg)
{
    cw_recount_skus(txn, config, clock, NULL, 0, done, arg);
}
