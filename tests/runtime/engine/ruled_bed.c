/* ruled_bed.c - see ruled_bed.h. */
#include "ruled_bed.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/fault_vfs.h"

static const char cart_script[] =
    "local cart, map = require 'cartwright.cart', require 'cartwright.map'\n"
    "local shop = cart.new { title = 'ruled shop', settings = { url = cart.url { required = true } },\n"
    "  http = function(s) return { base = s.url } end }\n"
    "local address = map.address { external_id = 'id', street = 'street', city = 'city', country = 'country' "
    "}\n"
    "shop.customers = { id = 'id', records = 'customers', fetch = function() end, map = map.customer {\n"
    "  email = 'email', first_name = 'name', phone = 'phone', payment_term = 'term' } }\n"
    "shop.orders = { id = 'id', records = 'orders', fetch = function() end, map = map.order {\n"
    "  number = 'number', status = map.translate('status', 'status', { required = true }),\n"
    "  currency = 'currency', total = 'total', shipping_total = 'freight', tax_included = "
    "map.constant(true),\n"
    "  email = 'email', customer_id = 'customer', note = 'note', channel = 'channel', placed_at = 'placed',\n"
    "  billing = map.at('billing', address),\n"
    "  lines = map.each('lines', map.line { external_id = 'id', sku = 'sku', quantity = 'quantity',\n"
    "    cancelled = 'cancelled', unit_price = 'price', total = 'total' }),\n"
    "  custom = { gift = 'gift' } } }\n"
    "shop.tables.status = { pending = 'pending', paid = 'paid', shipped = 'shipped', cancelled = 'cancelled' "
    "}\n"
    "for _, out in ipairs { 'stock', 'prices', 'shipments', 'statuses', 'customers', 'items' } do\n"
    "  shop[out .. '_out'] = { send = function() end } end\n"
    "return shop\n";

/* A rule that tells the cart a status needs a cart that is told of statuses. */
static void write_site(struct site_bed *bed, const char *rules)
{
    char site[4096];
    bool tells = strstr(rules, "tell_cart") != NULL;
    int len = snprintf(site, sizeof site,
                       "local rules = require 'cartwright.rules'\n"
                       "return { allow = { 'shop.test' }, carts = { shop = { type = 'ruled',\n"
                       "  url = 'http://shop.test', %s rules = { %s } } } }\n",
                       tells ? "out = { statuses = {} }," : "", rules);
    assert_true(len > 0 && (size_t)len < sizeof site);
    site_bed_write(bed, "site.lua", site);
}

static void open_again(struct site_bed *bed)
{
    site_bed_open(bed);
    assert_ok(site_bed_try_cart(bed, &bed->err), bed->err);
}

void ruled_bed_init(struct site_bed *bed, const char *rules)
{
    site_bed_init(bed, 1);
    fault_vfs_register();
    fault_vfs_format();
    bed->vfs = FAULT_VFS;
    bed->store_path = "store.db";
    site_bed_write(bed, "carts/ruled.lua", cart_script);
    write_site(bed, rules);
    open_again(bed);
}

void ruled_bed_rules(struct site_bed *bed, const char *rules)
{
    site_bed_close(bed);
    write_site(bed, rules);
    open_again(bed);
}

void ruled_bed_script(struct site_bed *bed, const char *part, const char *with)
{
    char script[4096];
    const char *at = strstr(cart_script, part);
    assert_non_null(at);
    snprintf(script, sizeof script, "%.*s%s%s", (int)(at - cart_script), cart_script, with,
             at + strlen(part));
    site_bed_close(bed);
    site_bed_write(bed, "carts/ruled.lua", script);
    open_again(bed);
}

/* --- records --- */

static struct cw_records *read_records(const char *records)
{
    size_t size = strlen(records) + 32;
    char *json = malloc(size);
    assert_non_null(json);
    snprintf(json, size, "{\"orders\":[%s]}", records);
    for (char *c = json; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    struct cw_records *read = site_bed_records(json);
    free(json);
    return read;
}

static void store(struct site_bed *bed, const char *stream, const char *records, bool again)
{
    const struct cw_lua_stream *orders = bed->orders;
    bed->orders = cw_lua_cart_stream(orders->cart, stream);
    assert_non_null(bed->orders);
    assert_ok(site_bed_batch(bed, read_records(records), again), bed->err);
    bed->orders = orders;
}

void ruled_bed_store(struct site_bed *bed, const char *stream, const char *records)
{
    store(bed, stream, records, false);
}

void ruled_bed_again(struct site_bed *bed, const char *stream, const char *records)
{
    store(bed, stream, records, true);
}

static void replayed(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct site_bed *bed = arg;
    bed->ended = true;
    bed->failed = err != NULL;
    if (err != NULL)
        bed->err = *err;
    bed->counts = report->run->counts;
    bed->state = report->run->state;
    cw_loop_stop(bed->loop);
}

bool ruled_bed_replay(struct site_bed *bed, const struct cw_stored_filter *filter,
                      const struct cw_batch_config *config)
{
    struct cw_error err;
    struct cw_batch_config replay = *config;
    replay.job = "replay";
    replay.again = true;
    replay.pages = cw_stored_open(bed->store, bed->orders, filter, &err);
    assert_ok(replay.pages != NULL, err);
    bed->ended = bed->failed = false;
    assert_ok(cw_batch_start(bed->session, bed->orders, &replay, replayed, bed, &err) != NULL, err);
    while (!bed->ended)
        cw_loop_run(bed->loop);
    return !bed->failed;
}

/* --- people --- */

bool ruled_bed_edit(struct site_bed *bed, const char *id, const struct cw_change *changes, size_t count,
                    struct cw_error *err)
{
    struct cw_edit_request request = { .cart = cw_slice("shop"),
                                       .config = &bed->site->config,
                                       .external_id = cw_slice(id),
                                       .kind = &cw_kind_order,
                                       .changes = changes,
                                       .count = count,
                                       .who = cw_slice("ann"),
                                       .reason = cw_slice("because"),
                                       .rules = bed->orders->rules,
                                       .zone = bed->orders->cart->zone };
    return cw_edit_document(bed->store, cw_loop_clock(bed->loop), &request, err);
}

void ruled_bed_set(struct site_bed *bed, const char *id, const char *field, const char *value)
{
    struct cw_error err;
    struct cw_change change = { .field = field, .value = cw_slice(value) };
    assert_ok(ruled_bed_edit(bed, id, &change, 1, &err), err);
}

struct releasing {
    struct site_bed *bed;
    const char *id;
    char issues[4096]; /* code, field and message, each ended by a NUL */
    size_t len, count;
};

static bool take_issue(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct releasing *releasing = arg;
    (void)names;
    for (size_t i = 0; i < columns; i++)
        releasing->len +=
            1 + (size_t)snprintf(releasing->issues + releasing->len,
                                 sizeof releasing->issues - releasing->len, "%.*s", CW_SLICE_ARG(row[i]));
    releasing->count++;
    return true;
}

static void asked(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    const struct releasing *releasing = arg;
    struct cw_record_key key = { cw_slice("shop"), cw_slice("orders"), cw_slice(releasing->id) };
    const char *at = releasing->issues;
    assert_null(err);
    for (size_t i = 0; i < releasing->count; i++) {
        struct cw_slice text[3];
        for (size_t t = 0; t < 3; t++, at += strlen(at) + 1)
            text[t] = cw_slice(at);
        struct cw_release release = { .code = text[0],
                                      .field = text[1],
                                      .message = text[2],
                                      .who = cw_slice("ann"),
                                      .reason = cw_slice("because"),
                                      .at = BED_START };
        assert_true(cw_txn_put_release(txn, key, &release));
    }
    cw_txn_commit(txn, asked, NULL);
}

void ruled_bed_release(struct site_bed *bed, const char *id)
{
    struct releasing releasing = { .bed = bed, .id = id };
    struct cw_slice param = cw_slice(id);
    cw_store_query(bed->store,
                   "SELECT i.code, i.field, i.message FROM staged_issues i JOIN staged_records s ON s.id = "
                   "i.staged_id WHERE s.external_id = $1 ORDER BY i.position",
                   &param, 1, take_issue, asked, &releasing);
    cw_store_wait(bed->store);
    assert_true(releasing.count > 0);
    cw_txn_begin(bed->store, (struct cw_fence){ 0 }, begun, &releasing);
    cw_store_wait(bed->store);
}

void assert_ended(const struct site_bed *bed, uint64_t posted, uint64_t unchanged, uint64_t parked,
                  uint64_t skipped)
{
    const struct cw_run_counts *counts = &bed->counts;
    if (counts->posted != posted || counts->unchanged != unchanged || counts->parked != parked ||
        counts->skipped != skipped)
        fail_msg("%llu posted, %llu unchanged, %llu parked, %llu skipped", (unsigned long long)counts->posted,
                 (unsigned long long)counts->unchanged, (unsigned long long)counts->parked,
                 (unsigned long long)counts->skipped);
    assert_int_equal(counts->read, posted + unchanged + parked + skipped);
}
