/* cart_bed.c - see cart_bed.h. */
#include "cart_bed.h"

#include <stdio.h>
#include <stdlib.h>

#include "mapping/edit.h"

static const char usual_cart[] =
    "local cart, map = require 'cartwright.cart', require 'cartwright.map'\n"
    "local shop = cart.new { title = 't' }\n"
    "local address = map.address { street = 'street', city = 'city', postcode = 'postcode', country = "
    "'country',\n"
    "  region = 'region', email = 'email' }\n"
    "shop.orders = { map = map.order { number = 'number', status = 'status', type = 'type', archived = "
    "'archived',\n"
    "  currency = 'currency', total = 'total', shipping_total = 'freight', channel = 'channel', class = "
    "'class',\n"
    "  carrier = 'carrier', shipping_method = 'method', payment_method = 'pay', payment_term = 'term',\n"
    "  payment_status = 'paid', placed_at = 'placed', sales_rep = 'rep', taxable = 'taxable', email = "
    "'email',\n"
    "  customer_id = 'customer', location = 'location', reference = 'reference',\n"
    "  billing = map.at('billing', address), shipping = map.at('shipping', address),\n"
    "  lines = map.each('lines', map.line { external_id = 'id', sku = 'sku', quantity = map.decimal 'qty',\n"
    "    total = 'total' }),\n"
    "  discounts = map.each('discounts', map.discount { code = 'code', amount = 'amount' }),\n"
    "  payments = map.each('payments', map.payment { method = 'method', amount = 'amount' }),\n"
    "  custom = { gift = 'gift', weight = map.decimal 'weight', rush = map.boolean 'rush' } } }\n"
    "shop.customers = { map = map.customer { email = 'email', group = 'group', type = 'type',\n"
    "  sales_rep = 'rep', taxable = 'taxable', payment_term = 'term', custom = { region = 'region' } } }\n"
    "shop.items = { map = map.item { sku = 'sku', group = 'group', name = 'name', currency = 'currency',\n"
    "  variants = map.each('variants', map.variant { external_id = 'id', sku = 'sku', name = 'name' }) } }\n"
    "shop.stock = { map = map.stock_level { sku = 'sku', quantity = 'quantity' } }\n"
    "shop.shipments = { map = map.shipment { number = 'number', order_id = 'order', carrier = 'carrier' } }\n"
    "shop.tables.ship = { ups = 'Ground', dhl = 'Express', none = false }\n"
    "shop.tables['ship.carrier'] = { ups = 'UPS' }\n"
    "shop.tables.pay = { wire = 'Transfer' }\n"
    "shop.tables['pay.term'] = { wire = 'PREPAID' }\n"
    "shop.tables.site = { ['1'] = 'North', ['2'] = 'South' }\n"
    "shop.tables.tax = { ['US-CA'] = 'CA', US = 'USA', ['*'] = 'EXPORT' }\n"
    "shop.tables.discount = { SPRING = 'D-10' }\n"
    "shop.statuses_out = { send = function() end }\n"
    "return shop\n";

/* --- a script state with the library, the site and the cart --- */

static bool read_library(const char *module, struct cw_slice *source)
{
    static char text[65536];
    char path[128];
    snprintf(path, sizeof path, "scripts/cartwright/%s.lua", module);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return false;
    source->len = fread(text, 1, sizeof text, in);
    source->data = text;
    fclose(in);
    return true;
}

static bool load(void *arg, const char *module, struct cw_slice *source, char chunk_name[128],
                 struct cw_error *err)
{
    struct cart_bed *bed = arg;
    if (strcmp(module, "site") == 0) {
        *source = cw_slice(bed->site);
        snprintf(chunk_name, 128, "site.lua");
    } else if (strcmp(module, "carts.test") == 0) {
        *source = cw_slice(bed->cart != NULL ? bed->cart : usual_cart);
        snprintf(chunk_name, 128, "carts/test.lua");
    } else if (strncmp(module, "cartwright.", 11) != 0 || !read_library(module + 11, source)) {
        return cw_fail(err, CW_NOT_FOUND, "no module %s", module);
    } else {
        snprintf(chunk_name, 128, "scripts/cartwright/%s.lua", module + 11);
    }
    return true;
}

static void release(void *arg, struct cw_slice source)
{
    (void)arg, (void)source;
}

static void wake(void *arg)
{
    (void)arg;
}

static void print(void *arg, struct cw_slice line)
{
    (void)arg, (void)line;
}

static bool has_secret(void *arg, const char *name)
{
    (void)name;
    return ((struct cart_bed *)arg)->secret != NULL;
}

static const char *secret_of(void *arg, const char *name)
{
    (void)name;
    return ((struct cart_bed *)arg)->secret;
}

static void versioned(void *arg, struct cw_slice bytes)
{
    struct cart_bed *bed = arg;
    size_t len = strlen(bed->versioned);
    snprintf(bed->versioned + len, sizeof bed->versioned - len, "%.*s|", CW_SLICE_ARG(bytes));
}

static bool open_script(struct cart_bed *bed)
{
    struct cw_script_host host = { .arg = bed,
                                   .name = "shop",
                                   .clock = cw_loop_clock(bed->loop),
                                   .wake = wake,
                                   .load = load,
                                   .release = release,
                                   .print = print,
                                   .collector_always = test_collector_always(),
                                   .fail_allocation = bed->fail_allocation };
    bed->host = (struct cw_lua_host){ .loop = bed->loop,
                                      .transport = bed->transport,
                                      .random = &bed->random,
                                      .cart = "shop",
                                      .allowed = bed->allowed,
                                      .secret = secret_of,
                                      .arg = bed };
    bed->script = cw_script_create(&host, &bed->err);
    return bed->script != NULL && cw_lua_provide_all(bed->script, &bed->host, &bed->err);
}

static void cancel_emit(void *arg, void *handle)
{
    (void)arg, (void)handle;
}

bool cart_bed_open(struct cart_bed *bed)
{
    static char *no_arguments[] = { NULL };
    bed->versioned[0] = '\0';
    bed->shop = NULL;
    bed->loop = cw_loop_create_virtual(1700000000 * CW_SECOND, &bed->err);
    assert_ok(bed->loop != NULL, bed->err);
    cw_random_seed(&bed->random, 1);
    cw_arena_init(&bed->arena, 0);
    struct cw_lua_carts_host carts = { .arg = bed,
                                       .store = bed->store,
                                       .site_zone = "UTC",
                                       .has_secret = has_secret,
                                       .versioned = versioned,
                                       .may_write = bed->may_write,
                                       .folder = "/srv/site",
                                       .inbox = bed->inbox,
                                       .note = bed->note,
                                       .emit = bed->emit,
                                       .cancel_emit = cancel_emit,
                                       .argv = bed->put != NULL ? no_arguments : NULL,
                                       .put = bed->put };
    if (!open_script(bed))
        return false;
    bed->carts = cw_lua_carts_create(bed->script, &carts, &bed->err);
    if (bed->carts != NULL)
        bed->shop = cw_lua_cart_open(bed->carts, "shop", &bed->err);
    return bed->shop != NULL;
}

static void forget_record(struct cart_bed *bed)
{
    cw_records_free(bed->records);
    cw_arena_reset(&bed->arena);
    bed->records = NULL;
    bed->mapped = (struct cw_mapped){ 0 };
}

void cart_bed_close(struct cart_bed *bed)
{
    if (bed->loop == NULL)
        return;
    forget_record(bed);
    cw_arena_fini(&bed->arena);
    cw_script_free(bed->script);
    cw_lua_carts_free(bed->carts);
    cw_loop_free(bed->loop);
    *bed = (struct cart_bed){ .site = bed->site,
                              .cart = bed->cart,
                              .store = bed->store,
                              .allowed = bed->allowed,
                              .secret = bed->secret,
                              .transport = bed->transport,
                              .put = bed->put };
}

bool cart_bed_open_rules(struct cart_bed *bed, const char *site_rules, const char *cart_rules)
{
    static char site[CART_BED_TEXT_MAX];
    cart_bed_close(bed);
    snprintf(site, sizeof site,
             "local R = require 'cartwright.rules'\nreturn { rules =\n%s,\ncarts = { shop = { type = 'test', "
             "rules "
             "=\n%s\n}, other = { type = 'test' } } }",
             site_rules, cart_rules);
    bed->site = site;
    return cart_bed_open(bed);
}

/* --- chunks --- */

struct task {
    struct cart_bed *bed;
    const char *chunk;
};

static int call_chunk(lua_State *L)
{
    struct task *task = lua_touserdata(L, 1);
    char *out = task->bed->text;
    size_t len = 0;
    lua_settop(L, 0);
    if (luaL_loadbufferx(L, task->chunk, strlen(task->chunk), "@carts/chunk.lua", "t") != LUA_OK)
        return lua_error(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->bed->shop->ref);
    lua_call(L, 1, LUA_MULTRET);
    out[0] = '\0';
    for (int i = 1, count = lua_gettop(L); i <= count; i++) {
        len += (size_t)snprintf(out + len, CART_BED_TEXT_MAX - len, "%s%s", i > 1 ? "|" : "",
                                luaL_tolstring(L, i, NULL));
        lua_pop(L, 1);
    }
    return 0;
}

const char *cart_bed_eval(struct cart_bed *bed, const char *chunk)
{
    struct task task = { bed, chunk };
    if (!cw_script_call(bed->script, call_chunk, &task, &bed->err))
        fail_msg("%s", bed->err.text);
    return bed->text;
}

const char *cart_bed_error(struct cart_bed *bed, const char *chunk)
{
    struct task task = { bed, chunk };
    if (cw_script_call(bed->script, call_chunk, &task, &bed->err))
        fail_msg("no error, but %s", bed->text);
    return bed->err.text;
}

/* --- records --- */

static void map_record(struct cart_bed *bed, const struct cw_lua_stream *stream, const char *json)
{
    struct cw_body *body = cw_body_create(1 << 20, &bed->err);
    struct cw_scope scope;
    struct cw_slice bytes;
    cw_body_write(body, cw_slice(json), NULL);
    cw_records_free(bed->records);
    bed->records = cw_records_open(body, ".", "id", &bed->err);
    assert_ok(bed->records != NULL, bed->err);
    assert_ok(cw_records_bytes(bed->records, 0, &bed->arena, &bytes, &bed->err) &&
                  cw_records_scope(bed->records, 0, &bed->arena, bytes, &scope, &bed->err),
              bed->err);
    struct cw_plan_host host = cw_lua_plan_host(stream->plan);
    assert_ok(cw_plan_run(cw_lua_plan_get(stream->plan), &scope, cw_slice("1"), &host,
                          (struct cw_plan_how){ 0 }, &bed->arena, &bed->mapped, &bed->err),
              bed->err);
}

void cart_bed_decide(struct cart_bed *bed, const char *stream_name, const char *json, const char *before)
{
    const struct cw_lua_stream *stream = cw_lua_cart_stream(bed->shop, stream_name);
    struct cw_rules_host host = cw_lua_rules_host(bed->script);
    struct cw_case of = { .cart = cw_slice("shop"), .plan = cw_lua_plan_get(stream->plan), .host = &host };
    forget_record(bed);
    if (before != NULL) {
        map_record(bed, stream, before);
        of.before = cw_document_copy(&bed->arena, bed->mapped.doc);
    }
    map_record(bed, stream, json);
    assert_ok(cw_rules_run(stream->rules, &of, &bed->arena, &bed->mapped, &bed->err), bed->err);
}

const char *cart_bed_issues(struct cart_bed *bed)
{
    size_t len = 0;
    bed->text[0] = '\0';
    for (const struct cw_found_issue *issue = bed->mapped.issues; issue != NULL; issue = issue->next)
        len += (size_t)snprintf(bed->text + len, sizeof bed->text - len, "%s%s%.*s %.*s: %.*s",
                                len > 0 ? "\n" : "", issue->is_hold ? "held " : "", CW_SLICE_ARG(issue->code),
                                CW_SLICE_ARG(issue->field), CW_SLICE_ARG(issue->message));
    return bed->text;
}

const char *cart_bed_field(struct cart_bed *bed, const char *name)
{
    struct cw_slice text;
    if (bed->mapped.issues != NULL)
        return cart_bed_issues(bed);
    if (bed->mapped.skipped_by != NULL) {
        snprintf(bed->text, sizeof bed->text, "skipped by %s", bed->mapped.skipped_by);
        return bed->text;
    }
    if (!cw_document_text(bed->mapped.doc, cw_slice(name), &bed->arena, &text, &bed->err))
        return bed->err.text;
    snprintf(bed->text, sizeof bed->text, "%.*s", CW_SLICE_ARG(text));
    return text.data != NULL ? bed->text : "-";
}
