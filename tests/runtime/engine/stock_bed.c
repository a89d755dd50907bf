/* stock_bed.c - see stock_bed.h. */
#include "stock_bed.h"

#include <stdio.h>
#include <stdlib.h>

static char *closed[] = { STOCK_TEXT("cancelled"), STOCK_TEXT("completed"), NULL };
static char *names[] = { STOCK_TEXT("shop"), STOCK_TEXT("tea") };
static char *shipping[] = { STOCK_TEXT("paid"), NULL };

static void configure(struct stock_bed *bed)
{
    memset(bed->carts, 0, sizeof bed->carts);
    for (size_t i = 0; i < 2; i++) {
        bed->carts[i].name = names[i];
        bed->carts[i].out.sending[CW_OUT_STOCK].is_on = true;
        bed->carts[i].out.stock.rule.figure = CW_FIGURE_AVAILABLE;
        bed->carts[i].out.stock.rule.adds_kits = true;
    }
    bed->config = (struct cw_site_config){ .carts = bed->carts, .cart_count = 2 };
    bed->config.stock.closed = closed;
    bed->config.stock.shipping = shipping;
    cw_arena_init(&bed->arena, 0);
}

void stock_bed_open(struct stock_bed *bed)
{
    memset(bed, 0, sizeof *bed);
    store_bed_init(&bed->store);
    store_bed_open(&bed->store);
    configure(bed);
}

void stock_bed_join(struct stock_bed *bed, const char *uri)
{
    struct cw_error err;
    memset(bed, 0, sizeof *bed);
    bed->store.clock = cw_system_clock;
    snprintf(bed->store.path, sizeof bed->store.path, "%s", uri);
    bed->store.store = store_bed_try(&bed->store, &err);
    if (bed->store.store == NULL)
        fprintf(stderr, "%s\n", err.text);
    configure(bed);
}

void stock_bed_close(struct stock_bed *bed)
{
    cw_arena_fini(&bed->arena);
    store_bed_fini(&bed->store);
}

/* --- documents --- */

void stock_begin(struct stock_bed *bed)
{
    cw_arena_reset(&bed->arena);
    bed->txn = begin(&bed->store);
}

static struct cw_document *doc_of(struct stock_bed *bed, const struct cw_kind *kind, const char *id)
{
    struct cw_document *doc = cw_document_create(&bed->arena, kind);
    assert_non_null(doc);
    doc->external_id = cw_arena_copy(&bed->arena, cw_slice(id));
    return doc;
}

void stock_put(struct stock_bed *bed, const char *cart, struct cw_document *doc)
{
    struct cw_record_key key = { cw_slice(cart), cw_slice("x"), doc->external_id };
    struct got_documents got = { .count = 0 };
    cw_txn_get_documents(bed->txn, doc->kind, &key, 1, &bed->arena, take_stored, &got);
    assert_false(got.failed);
    if (got.stored[0].doc != NULL)
        assert_true(cw_recount_mark(bed->txn, got.stored[0].doc));
    assert_true(cw_txn_put_document(bed->txn, cw_slice(cart), doc, 0, 0));
    assert_true(cw_recount_mark(bed->txn, doc));
}

static void set_quantity(struct cw_document *doc, const char *field, const char *quantity)
{
    if (quantity != NULL)
        set_money(doc, field, quantity);
}

void stock_level(struct stock_bed *bed, const char *sku, const char *warehouse, const char *quantity)
{
    char id[64];
    snprintf(id, sizeof id, "%s/%s", warehouse, sku);
    struct cw_document *doc = doc_of(bed, &cw_kind_stock_level, id);
    set_text(doc, "sku", sku);
    set_text(doc, "warehouse", warehouse);
    set_quantity(doc, "quantity", quantity);
    stock_put(bed, "", doc);
}

/* Calls add(bed, doc, sku, quantity) for each of "A=2 B=1". */
static void each_pair(struct stock_bed *bed, struct cw_document *doc, const char *pairs, const char *list)
{
    char copy[512], *rest = copy, *pair;
    snprintf(copy, sizeof copy, "%s", pairs);
    while ((pair = strsep(&rest, " ")) != NULL) {
        char *equals = strchr(pair, '=');
        if (equals == NULL)
            continue;
        *equals = '\0';
        struct cw_document *nested = add_to(&bed->arena, doc, list);
        char *minus = strchr(equals + 1, '-');
        struct cw_slice sku = cw_arena_copy(&bed->arena, cw_slice(pair));
        *set(nested, "sku") = (struct cw_value){ .is_set = true, .text = sku };
        if (minus != NULL) {
            *minus = '\0';
            set_money(nested, "cancelled", minus + 1);
        }
        set_money(nested, "quantity", equals + 1);
    }
}

void stock_item(struct stock_bed *bed, const char *cart, const char *id, const char *sku,
                const char *components, bool is_active)
{
    struct cw_document *doc = doc_of(bed, &cw_kind_item, id);
    set_text(doc, "sku", sku);
    *set(doc, "active") = (struct cw_value){ .is_set = true, .boolean = is_active };
    each_pair(bed, doc, components, "components");
    stock_put(bed, cart, doc);
}

void stock_vendor(struct stock_bed *bed, const char *sku, const char *vendor, const char *quantity)
{
    char id[64];
    snprintf(id, sizeof id, "%s/%s", vendor, sku);
    struct cw_document *doc = doc_of(bed, &cw_kind_vendor_level, id);
    set_text(doc, "sku", sku);
    set_text(doc, "vendor", vendor);
    set_quantity(doc, "quantity", quantity);
    stock_put(bed, "", doc);
}

void stock_incoming(struct stock_bed *bed, const char *id, const char *sku, const char *warehouse,
                    const char *quantity, const char *received, cw_time expected_at)
{
    struct cw_document *doc = doc_of(bed, &cw_kind_purchase_order, id);
    struct cw_document *line = add_to(&bed->arena, doc, "lines");
    set_text(line, "sku", sku);
    if (warehouse != NULL)
        set_text(line, "warehouse", warehouse);
    set_money(line, "quantity", quantity);
    set_money(line, "received", received);
    *set(line, "expected_at") =
        (struct cw_value){ .is_set = expected_at != CW_TIME_NONE, .time = expected_at };
    stock_put(bed, "", doc);
}

void stock_price(struct stock_bed *bed, const char *sku, const char *list, const char *currency,
                 const char *amount, cw_time from, cw_time until)
{
    char id[96];
    snprintf(id, sizeof id, "%s/%s/%s/%lld", list, currency, sku, (long long)from);
    struct cw_document *doc = doc_of(bed, &cw_kind_price, id);
    set_text(doc, "sku", sku);
    set_text(doc, "list", list);
    set_text(doc, "currency", currency);
    set_money(doc, "amount", amount);
    *set(doc, "valid_from") = (struct cw_value){ .is_set = from != CW_TIME_NONE, .time = from };
    *set(doc, "valid_until") = (struct cw_value){ .is_set = until != CW_TIME_NONE, .time = until };
    stock_put(bed, "", doc);
}

/* --- orders --- */

struct waited {
    bool came, failed;
    struct cw_error err;
};

static void came(void *arg, const struct cw_error *err)
{
    struct waited *waited = arg;
    waited->came = true;
    waited->failed = err != NULL;
    if (err != NULL)
        waited->err = *err;
}

static void assert_came(struct stock_bed *bed, const struct waited *waited)
{
    cw_store_wait(bed->store.store);
    assert_true(waited->came);
    if (waited->failed)
        fail_msg("%s", waited->err.text);
}

struct cw_document *stock_order_of(struct stock_bed *bed, const char *id, const char *status,
                                   const char *lines)
{
    struct cw_document *doc = doc_of(bed, &cw_kind_order, id);
    set_text(doc, "status", status);
    each_pair(bed, doc, lines, "lines");
    return doc;
}

void stock_demand(struct stock_bed *bed, const char *cart, const char *id, const struct cw_document *doc,
                  bool is_waiting)
{
    struct waited waited = { .came = false };
    struct cw_recount_order order = { cw_slice(id), doc, is_waiting, NULL };
    cw_recount_orders(bed->txn, &bed->config, cw_slice(cart), &order, 1, came, &waited);
    assert_came(bed, &waited);
}

void stock_demand_anew(struct stock_bed *bed, const char *cart, const char *id)
{
    struct waited waited = { .came = false };
    struct cw_slice order = cw_slice(id);
    cw_recount_orders_anew(bed->txn, &bed->config, cw_slice(cart), &order, 1, came, &waited);
    assert_came(bed, &waited);
}

void stock_order(struct stock_bed *bed, const char *cart, const char *id, const char *status,
                 const char *lines)
{
    struct cw_document *doc = stock_order_of(bed, id, status, lines);
    assert_true(cw_txn_put_document(bed->txn, cw_slice(cart), doc, 0, 0));
    stock_demand(bed, cart, id, doc, false);
}

bool stock_try_count(struct stock_bed *bed, struct cw_error *err)
{
    struct waited waited = { .came = false };
    cw_recount_run(bed->txn, &bed->config, &bed->store.clock, came, &waited);
    cw_store_wait(bed->store.store);
    assert_true(waited.came);
    *err = waited.err;
    return !waited.failed;
}

void stock_commit(struct stock_bed *bed)
{
    struct cw_error err;
    if (!stock_try_count(bed, &err))
        fail_msg("%s", err.text);
    commit(bed->txn);
    bed->txn = NULL;
}

/* --- what carts are told --- */

const char *stock_payload(struct stock_bed *bed, const char *cart, const char *stream, const char *sku)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT payload FROM message_levels WHERE stream = '%s' AND cart = $1 AND external_id = $2",
             stream);
    const char *payload = ask_with(&bed->store, sql, cart, sku);
    return strcmp(payload, "NULL") == 0 ? "" : payload;
}

const char *stock_told(struct stock_bed *bed, const char *cart, const char *sku)
{
    static const char name[] = "\"quantity\":\"";
    const char *at = strstr(stock_payload(bed, cart, "stock_out", sku), name);
    if (at == NULL)
        return "";
    snprintf(bed->text, sizeof bed->text, "%s", at + sizeof name - 1);
    bed->text[strcspn(bed->text, "\"")] = '\0';
    return bed->text;
}

/* --- the job --- */

struct counted {
    struct cw_recount_all *all;
    struct cw_loop *loop;
    uint64_t skus, messages;
    bool ended;
};

static void recounted(void *arg, uint64_t skus, const struct cw_error *err)
{
    struct counted *counted = arg;
    if (err != NULL)
        fail_msg("%s", err->text);
    counted->skus = skus;
    counted->messages = cw_recount_all_messages(counted->all);
    counted->ended = true;
    cw_loop_stop(counted->loop);
}

uint64_t stock_recount_all(struct stock_bed *bed, uint64_t *messages)
{
    struct cw_error err;
    struct counted counted = { .loop = cw_loop_create_virtual(bed->store.time.now, &err) };
    counted.all = cw_recount_all_start(bed->store.store, &bed->config, &bed->store.clock, counted.loop,
                                       (struct cw_fence){ { "", 0 }, 0 }, recounted, &counted, &err);
    assert_non_null(counted.all);
    while (!counted.ended) {
        cw_loop_run(counted.loop);
        cw_store_wait(bed->store.store);
    }
    cw_loop_free(counted.loop);
    if (messages != NULL)
        *messages = counted.messages;
    return counted.skus;
}
