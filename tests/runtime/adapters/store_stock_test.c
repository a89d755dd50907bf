/* Stock as the back office and the orders have it: marks, facts, SKUs, prices. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

struct stock_bed {
    struct store_bed store;
    struct cw_arena arena;
    struct cw_txn *txn;
};

static int set_up(void **state)
{
    struct stock_bed *bed = calloc(1, sizeof *bed);
    store_bed_init(&bed->store);
    store_bed_open(&bed->store);
    cw_arena_init(&bed->arena, 0);
    bed->txn = begin(&bed->store);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    struct stock_bed *bed = *state;
    if (bed->txn != NULL)
        cw_txn_rollback(bed->txn);
    store_bed_fini(&bed->store);
    cw_arena_fini(&bed->arena);
    free(bed);
    return 0;
}

/* --- documents of the back office --- */

static struct cw_document *new_document(struct stock_bed *bed, const struct cw_kind *kind, const char *id)
{
    struct cw_document *doc = cw_document_create(&bed->arena, kind);
    assert_non_null(doc);
    doc->external_id = cw_slice(id);
    return doc;
}

static void put_of(struct stock_bed *bed, const char *cart, const struct cw_document *doc)
{
    bool ok = cw_txn_put_document(bed->txn, cw_slice(cart), doc, bed->store.time.now, 1);
    assert_ok(ok, *cw_txn_error(bed->txn));
}

static void put(struct stock_bed *bed, const struct cw_document *doc)
{
    put_of(bed, "", doc);
}

static void put_level(struct stock_bed *bed, const char *sku, const char *warehouse, const char *quantity)
{
    char *id = cw_arena_bytes(&bed->arena, 100);
    snprintf(id, 100, "%s/%s", warehouse, sku);
    struct cw_document *doc = new_document(bed, &cw_kind_stock_level, id);
    set_text(doc, "sku", sku);
    set_text(doc, "warehouse", warehouse);
    set_money(doc, "quantity", quantity);
    put(bed, doc);
}

static struct cw_document *item_of(struct stock_bed *bed, const char *sku)
{
    struct cw_document *doc = new_document(bed, &cw_kind_item, sku);
    set_text(doc, "sku", sku);
    return doc;
}

static void add_component(struct stock_bed *bed, struct cw_document *kit, const char *sku,
                          const char *quantity)
{
    struct cw_document *component = add_to(&bed->arena, kit, "components");
    set_text(component, "sku", sku);
    set_money(component, "quantity", quantity);
}

static void put_kit(struct stock_bed *bed, const char *sku, const char *first, const char *second)
{
    struct cw_document *kit = item_of(bed, sku);
    add_component(bed, kit, first, "2");
    if (second != NULL)
        add_component(bed, kit, second, "1");
    put(bed, kit);
}

/* --- what comes back --- */

/* Facts and SKUs as text, one a line. */
struct told {
    struct cw_buffer text;
    int calls;
    size_t count, stop_at;
    char last_kit[64];
    bool has_others;
    bool failed;
    struct cw_error err;
};

static void told_done(void *arg, const struct cw_error *err)
{
    struct told *told = arg;
    told->calls++;
    told->failed = err != NULL;
    if (err != NULL)
        told->err = *err;
}

static void add_decimal(struct told *told, const struct cw_decimal *value)
{
    char text[CW_DECIMAL_TEXT_MAX];
    cw_decimal_format(value, text);
    assert_true(cw_buffer_print(&told->text, NULL, " %s", text));
}

/* All components come first, each kit's together. */
static void must_be_in_place(struct told *told, const struct cw_stock_fact *fact)
{
    char kit[64];
    if (fact->fact != CW_FACT_COMPONENT) {
        told->last_kit[0] = '\0';
        told->has_others = true;
        return;
    }
    snprintf(kit, sizeof kit, "component %.*s [", CW_SLICE_ARG(fact->sku));
    assert_false(told->has_others);
    assert_true(told->text.len == 0 || strcmp(kit, told->last_kit) == 0 ||
                strstr(told->text.data, kit) == NULL);
    snprintf(told->last_kit, sizeof told->last_kit, "%s", kit);
}

static bool take_fact(void *arg, const struct cw_stock_fact *fact)
{
    static const char *const names[] = { "component", "item", "level", "demand", "incoming", "vendor" };
    static const char *const demands[] = { "pending", "allocated", "shipping" };
    struct told *told = arg;
    must_be_in_place(told, fact);
    assert_true(cw_buffer_print(&told->text, NULL, "%s %.*s", names[fact->fact], CW_SLICE_ARG(fact->sku)));
    if (fact->fact == CW_FACT_ITEM)
        cw_buffer_print(&told->text, NULL, fact->is_active ? " active" : " inactive");
    else {
        cw_buffer_print(&told->text, NULL, " [%.*s]", CW_SLICE_ARG(fact->other));
        add_decimal(told, &fact->quantity);
    }
    if (fact->fact == CW_FACT_DEMAND)
        cw_buffer_print(&told->text, NULL, " %s", demands[fact->demand]);
    if (fact->at != CW_TIME_NONE)
        cw_buffer_print(&told->text, NULL, " at %lld", (long long)(fact->at / CW_SECOND));
    cw_buffer_print(&told->text, NULL, "\n");
    told->count++;
    return told->stop_at == 0 || told->count < told->stop_at;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of facts is the engine's, but for components: see must_be_in_place. */
static void sort_lines(struct cw_buffer *text)
{
    char *lines[200], *copy = strdup(text->len > 0 ? text->data : "");
    size_t count = 0;
    for (char *line = strtok(copy, "\n"); line != NULL && count < 200; line = strtok(NULL, "\n"))
        lines[count++] = line;
    qsort(lines, count, sizeof *lines, compare_lines);
    cw_buffer_clear(text);
    for (size_t i = 0; i < count; i++)
        assert_true(cw_buffer_print(text, NULL, "%s\n", lines[i]));
    free(copy);
}

static struct cw_slice *slices(struct stock_bed *bed, const char *list, size_t *count)
{
    struct cw_slice *out = cw_arena_alloc(&bed->arena, 50 * sizeof *out);
    *count = 0;
    while (*list != '\0') {
        size_t len = strcspn(list, " ");
        out[(*count)++] = (struct cw_slice){ list, len };
        list += len + (list[len] == ' ');
    }
    return out;
}

static void assert_facts(struct stock_bed *bed, const char *skus, const char *expected)
{
    struct told told = { 0 };
    size_t count;
    const struct cw_slice *list = slices(bed, skus, &count);
    cw_txn_read_stock(bed->txn, list, count, take_fact, told_done, &told);
    assert_int_equal(told.calls, 1);
    assert_ok(!told.failed, told.err);
    sort_lines(&told.text);
    assert_string_equal(told.text.len > 0 ? told.text.data : "", expected);
    cw_buffer_fini(&told.text);
}

static void take_skus(void *arg, const struct cw_slice *skus, size_t count, const struct cw_error *err)
{
    struct told *told = arg;
    for (size_t i = 0; i < count; i++)
        cw_buffer_print(&told->text, NULL, "%s%.*s", i > 0 ? " " : "", CW_SLICE_ARG(skus[i]));
    told->count = count;
    told_done(told, err);
}

static void assert_skus(struct told *told, const char *expected)
{
    assert_int_equal(told->calls, 1);
    assert_ok(!told->failed, told->err);
    assert_string_equal(told->text.len > 0 ? told->text.data : "", expected);
    cw_buffer_fini(&told->text);
}

static void assert_marks(struct stock_bed *bed, unsigned limit, const char *expected)
{
    struct told told = { 0 };
    cw_txn_take_marks(bed->txn, limit, take_skus, &told);
    assert_skus(&told, expected);
}

static void mark(struct stock_bed *bed, const char *skus)
{
    size_t count;
    const struct cw_slice *list = slices(bed, skus, &count);
    assert_true(cw_txn_mark_skus(bed->txn, list, count));
}

static struct cw_record_key order_key(const char *id)
{
    return (struct cw_record_key){ cw_slice("shop"), { NULL, 0 }, cw_slice(id) };
}

static void put_demand(struct stock_bed *bed, const char *order, const char *sku, const char *warehouse,
                       enum cw_demand state, const char *quantity)
{
    const struct cw_order_demand demand = { cw_slice(sku), cw_slice(warehouse), state, money(quantity) };
    assert_true(cw_txn_put_demands(bed->txn, order_key(order), &demand, 1));
}

/* --- marks --- */

static void marks_come_in_order_and_once(void **state)
{
    struct stock_bed *bed = *state;
    mark(bed, "SKU-2 SKU-1 SKU-10 SKU-2");
    mark(bed, "SKU-1");
    assert_marks(bed, 10, "SKU-1 SKU-10 SKU-2");
    assert_marks(bed, 10, "");
}

static void marks_are_taken_up_to_a_limit(void **state)
{
    struct stock_bed *bed = *state;
    mark(bed, "a b c d e b");
    assert_marks(bed, 2, "a b");
    assert_marks(bed, 2, "c d");
    assert_marks(bed, 2, "e");
    assert_marks(bed, 2, "");
}

static void marks_that_nobody_took_stay_behind_the_commit(void **state)
{
    struct stock_bed *bed = *state;
    mark(bed, "a b");
    commit(bed->txn);
    bed->txn = begin(&bed->store);
    assert_marks(bed, 10, "a b");
    cw_txn_rollback(bed->txn);
    bed->txn = begin(&bed->store);
    assert_marks(bed, 10, "a b");
}

static void a_mark_without_a_sku_is_refused(void **state)
{
    struct stock_bed *bed = *state;
    const struct cw_slice none = { "", 0 };
    assert_false(cw_txn_mark_skus(bed->txn, &none, 1));
    assert_int_equal(cw_txn_error(bed->txn)->code, CW_USAGE);
}

/* --- demands --- */

static void demands_of_an_order_replace_what_it_took_and_mark_both(void **state)
{
    struct stock_bed *bed = *state;
    const struct cw_order_demand first[] = {
        { cw_slice("A"), cw_slice("north"), CW_DEMAND_ALLOCATED, money("2") },
        { cw_slice("B"), cw_slice(""), CW_DEMAND_PENDING, money("1.5") },
    };
    const struct cw_order_demand second = { cw_slice("C"), cw_slice(""), CW_DEMAND_SHIPPING, money("3") };
    assert_true(cw_txn_put_demands(bed->txn, order_key("101"), first, 2));
    assert_marks(bed, 10, "A B");
    assert_facts(bed, "A B C", "demand A [north] 2 allocated\ndemand B [] 1.5 pending\n");
    assert_true(cw_txn_put_demands(bed->txn, order_key("101"), &second, 1));
    assert_marks(bed, 10, "A B C");
    assert_facts(bed, "A B C", "demand C [] 3 shipping\n");
    assert_true(cw_txn_put_demands(bed->txn, order_key("101"), NULL, 0));
    assert_marks(bed, 10, "C");
    assert_facts(bed, "A B C", "");
}

static void demands_are_of_their_cart_and_order_alone(void **state)
{
    struct stock_bed *bed = *state;
    const struct cw_record_key other = { cw_slice("tea"), { NULL, 0 }, cw_slice("101") };
    const struct cw_order_demand demand = { cw_slice("A"), cw_slice(""), CW_DEMAND_PENDING, money("7") };
    put_demand(bed, "101", "A", "", CW_DEMAND_ALLOCATED, "1");
    put_demand(bed, "102", "A", "", CW_DEMAND_ALLOCATED, "2");
    assert_true(cw_txn_put_demands(bed->txn, other, &demand, 1));
    assert_true(cw_txn_put_demands(bed->txn, order_key("101"), NULL, 0));
    assert_facts(bed, "A", "demand A [] 2 allocated\ndemand A [] 7 pending\n");
}

static void a_demand_of_nothing_is_refused(void **state)
{
    struct stock_bed *bed = *state;
    const struct cw_order_demand demand = { cw_slice("A"), cw_slice(""), CW_DEMAND_PENDING, money("0") };
    assert_false(cw_txn_put_demands(bed->txn, order_key("101"), &demand, 1));
    assert_int_equal(cw_txn_error(bed->txn)->code, CW_USAGE);
    assert_string_equal(cw_txn_error(bed->txn)->record, "101");
}

/* --- facts --- */

static void facts_are_those_of_the_back_office(void **state)
{
    struct stock_bed *bed = *state;
    struct cw_document *theirs = new_document(bed, &cw_kind_stock_level, "9");
    set_text(theirs, "sku", "A");
    set_money(theirs, "quantity", "99");
    put_of(bed, "shop", theirs);
    put_level(bed, "A", "north", "5");
    put_level(bed, "A", "south", "-1.25");
    put_level(bed, "a", "north", "7");
    struct cw_document *item = item_of(bed, "A");
    set(item, "active")->boolean = false;
    put(bed, item);
    struct cw_document *vendor = new_document(bed, &cw_kind_vendor_level, "acme/A");
    set_text(vendor, "sku", "A");
    set_text(vendor, "vendor", "acme");
    set_money(vendor, "quantity", "40");
    put(bed, vendor);
    assert_facts(bed, "A", "item A inactive\nlevel A [north] 5\nlevel A [south] -1.25\nvendor A [acme] 40\n");
}

static void variants_are_active_as_long_as_their_item_is(void **state)
{
    struct stock_bed *bed = *state;
    struct cw_document *item = item_of(bed, "SHIRT");
    struct cw_document *small = add_to(&bed->arena, item, "variants");
    struct cw_document *large = add_to(&bed->arena, item, "variants");
    set_text(small, "sku", "SHIRT-S");
    set_text(large, "sku", "SHIRT-L");
    set(large, "active")->boolean = false;
    put(bed, item);
    assert_facts(bed, "SHIRT SHIRT-S SHIRT-L shirt-s",
                 "item SHIRT active\nitem SHIRT-L inactive\nitem SHIRT-S active\n");
    set(item, "active")->boolean = false;
    put(bed, item);
    assert_facts(bed, "SHIRT-S", "item SHIRT-S inactive\n");
}

static void add_ordered(struct stock_bed *bed, struct cw_document *order, const char *sku,
                        const char *quantity, const char *received)
{
    struct cw_document *line = add_to(&bed->arena, order, "lines");
    set_text(line, "sku", sku);
    set_money(line, "quantity", quantity);
    if (received != NULL)
        set_money(line, "received", received);
}

static void what_is_incoming_is_what_open_purchase_orders_have_still_to_bring(void **state)
{
    struct stock_bed *bed = *state;
    struct cw_document *open = new_document(bed, &cw_kind_purchase_order, "PO-1");
    add_ordered(bed, open, "A", "10", NULL);
    struct cw_value *lines = set(open, "lines");
    set_text(lines->list.last, "warehouse", "north");
    set(lines->list.last, "expected_at")->time = INT64_C(1712000000) * CW_SECOND;
    add_ordered(bed, open, "A", "10", "4.5");
    add_ordered(bed, open, "A", "10", "10.0");
    add_ordered(bed, open, "A", "10", "12");
    put(bed, open);
    struct cw_document *closed = new_document(bed, &cw_kind_purchase_order, "PO-2");
    set(closed, "closed")->boolean = true;
    add_ordered(bed, closed, "A", "77", NULL);
    put(bed, closed);
    assert_facts(bed, "A", "incoming A [] 5.5\nincoming A [north] 10 at 1712000000\n");
}

/* BOX is in KIT-1 and KIT-2; KIT-2 is in SET; LID is in SET; nothing is made of or from BOLT. */
static void put_kits(struct stock_bed *bed)
{
    put_kit(bed, "KIT-1", "BOX", "PEN");
    put_kit(bed, "KIT-2", "BOX", "INK");
    put_kit(bed, "SET", "KIT-2", "LID");
    put_level(bed, "BOX", "n", "1");
    put_level(bed, "PEN", "n", "2");
    put_level(bed, "INK", "n", "3");
    put_level(bed, "LID", "n", "4");
    put_level(bed, "BOLT", "n", "5");
}

static void facts_reach_down_to_components_and_up_to_kits(void **state)
{
    struct stock_bed *bed = *state;
    static const char all[] = "component KIT-1 [BOX] 2\ncomponent KIT-1 [PEN] 1\ncomponent KIT-2 [BOX] 2\n"
                              "component KIT-2 [INK] 1\ncomponent SET [KIT-2] 2\ncomponent SET [LID] 1\n"
                              "item KIT-1 active\nitem KIT-2 active\nitem SET active\nlevel BOX [n] 1\n"
                              "level INK [n] 3\nlevel LID [n] 4\nlevel PEN [n] 2\n";
    put_kits(bed);
    assert_facts(bed, "BOX", all);
    assert_facts(bed, "KIT-1", all);
    assert_facts(bed, "BOLT", "level BOLT [n] 5\n");
    assert_facts(bed, "LID SET", all); /* SET takes KIT-2, whose BOX is shared with KIT-1 */
}

static void a_ring_of_kits_ends(void **state)
{
    struct stock_bed *bed = *state;
    put_kit(bed, "A", "B", NULL);
    put_kit(bed, "B", "A", NULL);
    assert_facts(bed, "A", "component A [B] 2\ncomponent B [A] 2\nitem A active\nitem B active\n");
}

static void kits_of_carts_are_no_kits_here(void **state)
{
    struct stock_bed *bed = *state;
    struct cw_document *kit = item_of(bed, "KIT");
    add_component(bed, kit, "BOX", "1");
    put_of(bed, "shop", kit);
    put_level(bed, "BOX", "n", "1");
    assert_facts(bed, "BOX", "level BOX [n] 1\n");
    assert_facts(bed, "KIT", "");
}

static void reading_ends_when_enough_was_seen(void **state)
{
    struct stock_bed *bed = *state;
    struct told told = { .stop_at = 2 };
    const struct cw_slice sku = cw_slice("BOX");
    put_kits(bed);
    cw_txn_read_stock(bed->txn, &sku, 1, take_fact, told_done, &told);
    assert_int_equal(told.calls, 1);
    assert_false(told.failed);
    assert_int_equal(told.count, 2);
    cw_buffer_fini(&told.text);
    assert_facts(bed, "BOLT", "level BOLT [n] 5\n");
}

static void a_quantity_that_is_no_number_names_table_and_sku(void **state)
{
    struct stock_bed *bed = *state;
    struct told told = { 0 };
    const struct cw_slice sku = cw_slice("A");
    put_level(bed, "A", "north", "5");
    commit(bed->txn);
    store_bed_execute(&bed->store, "UPDATE stock_levels SET quantity = 'five'");
    bed->txn = begin(&bed->store);
    cw_txn_read_stock(bed->txn, &sku, 1, take_fact, told_done, &told);
    assert_true(told.failed);
    assert_int_equal(told.err.code, CW_CORRUPT);
    assert_non_null(strstr(told.err.text, "stock_levels of A has \"five\""));
    assert_non_null(cw_txn_error(bed->txn));
    cw_buffer_fini(&told.text);
}

static void skus_of_any_letters_are_found(void **state)
{
    struct stock_bed *bed = *state;
    static const char *const skus[] = { "a\"b", "a\\b", "{a,b}", "ümlaut ß", "it's", "[1]", "tab\there" };
    for (size_t i = 0; i < sizeof skus / sizeof *skus; i++) {
        struct told told = { 0 };
        const struct cw_slice sku = cw_slice(skus[i]);
        char expected[64];
        put_level(bed, skus[i], "n", "3");
        snprintf(expected, sizeof expected, "level %s [n] 3\n", skus[i]);
        cw_txn_read_stock(bed->txn, &sku, 1, take_fact, told_done, &told);
        assert_string_equal(told.text.data, expected);
        cw_buffer_fini(&told.text);
    }
}

/* --- all SKUs --- */

static void all_skus_come_page_by_page(void **state)
{
    struct stock_bed *bed = *state;
    put_kits(bed);
    put_level(bed, "BOX", "s", "1");
    put_demand(bed, "101", "DEMAND", "", CW_DEMAND_PENDING, "1");
    struct cw_document *order = new_document(bed, &cw_kind_purchase_order, "PO-1");
    add_ordered(bed, order, "INCOMING", "10", NULL);
    put(bed, order);
    struct cw_document *price = new_document(bed, &cw_kind_price, "default/EUR/PRICE");
    set_text(price, "sku", "PRICE");
    set_money(price, "amount", "9.90");
    put(bed, price);
    struct cw_document *vendor = new_document(bed, &cw_kind_vendor_level, "acme/VENDOR");
    set_text(vendor, "sku", "VENDOR");
    put(bed, vendor);
    put_of(bed, "shop", item_of(bed, "CART"));
    static const char *const pages[] = { "BOLT BOX DEMAND INCOMING", "INK KIT-1 KIT-2 LID",
                                         "PEN PRICE SET VENDOR", "" };
    static const char *const after[] = { "", "INCOMING", "LID", "VENDOR" };
    for (size_t i = 0; i < 4; i++) {
        struct told told = { 0 };
        cw_store_read_skus(bed->store.store, cw_slice(after[i]), 4, take_skus, &told);
        assert_skus(&told, pages[i]);
    }
}

/* --- prices --- */

static bool take_price(void *arg, const struct cw_price_row *price)
{
    struct told *told = arg;
    cw_buffer_print(&told->text, NULL, "%.*s %.*s %.*s", CW_SLICE_ARG(price->sku), CW_SLICE_ARG(price->list),
                    CW_SLICE_ARG(price->currency));
    add_decimal(told, &price->amount);
    if (price->from != CW_TIME_NONE)
        cw_buffer_print(&told->text, NULL, " from %lld", (long long)(price->from / CW_SECOND));
    if (price->until != CW_TIME_NONE)
        cw_buffer_print(&told->text, NULL, " until %lld", (long long)(price->until / CW_SECOND));
    cw_buffer_print(&told->text, NULL, "\n");
    return true;
}

static struct cw_document *put_price(struct stock_bed *bed, const char *sku, const char *list,
                                     const char *amount)
{
    char *id = cw_arena_bytes(&bed->arena, 100);
    snprintf(id, 100, "%s/EUR/%s", list, sku);
    struct cw_document *doc = new_document(bed, &cw_kind_price, id);
    set_text(doc, "sku", sku);
    set_text(doc, "list", list);
    set_text(doc, "currency", "EUR");
    set_money(doc, "amount", amount);
    put(bed, doc);
    return doc;
}

static void prices_are_read_by_sku(void **state)
{
    struct stock_bed *bed = *state;
    struct told told = { 0 };
    size_t count;
    put_price(bed, "A", "default", "9.90");
    struct cw_document *sale = put_price(bed, "A", "sale", "7.50");
    set(sale, "valid_from")->time = INT64_C(1712000000) * CW_SECOND;
    set(sale, "valid_until")->time = INT64_C(1713000000) * CW_SECOND;
    put(bed, sale);
    put_price(bed, "B", "default", "1");
    put_price(bed, "C", "default", "2");
    const struct cw_slice *skus = slices(bed, "B A A nobody", &count);
    cw_txn_read_prices(bed->txn, skus, count, take_price, told_done, &told);
    assert_ok(!told.failed, told.err);
    assert_string_equal(told.text.data, "A default EUR 9.90\nA sale EUR 7.50 from 1712000000 until "
                                        "1713000000\nB default EUR 1.00\n");
    cw_buffer_fini(&told.text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(marks_come_in_order_and_once),
        TEST(marks_are_taken_up_to_a_limit),
        TEST(marks_that_nobody_took_stay_behind_the_commit),
        TEST(a_mark_without_a_sku_is_refused),
        TEST(demands_of_an_order_replace_what_it_took_and_mark_both),
        TEST(demands_are_of_their_cart_and_order_alone),
        TEST(a_demand_of_nothing_is_refused),
        TEST(facts_are_those_of_the_back_office),
        TEST(variants_are_active_as_long_as_their_item_is),
        TEST(what_is_incoming_is_what_open_purchase_orders_have_still_to_bring),
        TEST(facts_reach_down_to_components_and_up_to_kits),
        TEST(a_ring_of_kits_ends),
        TEST(kits_of_carts_are_no_kits_here),
        TEST(reading_ends_when_enough_was_seen),
        TEST(a_quantity_that_is_no_number_names_table_and_sku),
        TEST(skus_of_any_letters_are_found),
        TEST(all_skus_come_page_by_page),
        TEST(prices_are_read_by_sku),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
