/* demand_test.c - what an order takes of stock, by its document, what has left for it, and site.lua. */
#include "engine/demand.h"
#include <stdio.h>

#include "adapters/store_bed.h"

#define TEXT(text) ((char[]){ text })

static struct cw_arena arena;
static char *closed[] = { TEXT("cancelled"), TEXT("shipped"), NULL }, *shipping[] = { TEXT("paid"), NULL };
static char *north[] = { TEXT("N1"), NULL }, *south[] = { TEXT("S1"), TEXT("S2"), NULL };
static char *ruled[] = { TEXT("R1"), NULL };
static struct cw_stock_branch branches[] = { { TEXT("north"), north }, { TEXT("south"), south } };
static struct cw_site_cart carts[1];
static struct cw_site_config config;

static int open_arena(void **state)
{
    (void)state;
    cw_arena_init(&arena, 0);
    carts[0] = (struct cw_site_cart){ .name = TEXT("shop") };
    carts[0].out.stock.rule.warehouses = ruled;
    config = (struct cw_site_config){ .carts = carts,
                                      .cart_count = 1,
                                      .stock = { branches, 2, closed, shipping } };
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    cw_arena_fini(&arena);
    return 0;
}

static struct cw_document *order(const char *status)
{
    struct cw_document *doc = cw_document_create(&arena, &cw_kind_order);
    assert_non_null(doc);
    doc->external_id = cw_slice("1");
    set_text(doc, "status", status);
    return doc;
}

static void add_line(struct cw_document *doc, const char *id, const char *sku, const char *quantity)
{
    struct cw_document *line = add_to(&arena, doc, "lines");
    line->external_id = cw_slice(id);
    if (sku != NULL)
        set_text(line, "sku", sku);
    set_money(line, "quantity", quantity);
}

static struct cw_shipped gone(const char *cart, const char *line, const char *sku, const char *quantity)
{
    return (struct cw_shipped){ .order_id = cw_slice("1"),
                                .shipment_cart = cw_slice(cart),
                                .shipment_id = cw_slice("s"),
                                .line_id = cw_slice(line),
                                .sku = cw_slice(sku),
                                .quantity = money(quantity) };
}

/* "SKU quantity state warehouse; ..." */
static const char *words_of(const struct cw_order_demands *demands)
{
    static const char *const states[] = { "pending", "allocated", "shipping" };
    static char text[1024];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < demands->count; i++) {
        const struct cw_order_demand *d = &demands->list[i];
        char quantity[CW_DECIMAL_TEXT_MAX];
        cw_decimal_format(&d->quantity, quantity);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s %s %s%s%.*s", i > 0 ? "; " : "",
                                CW_SLICE_ARG(d->sku), quantity, states[d->state],
                                d->warehouse.len > 0 ? " " : "", CW_SLICE_ARG(d->warehouse));
    }
    return text;
}

static const char *demands_of(const struct cw_document *doc, bool is_waiting,
                              const struct cw_shipped *shipped, size_t count)
{
    struct cw_order_demands demands;
    assert_true(cw_order_demands(doc, is_waiting, shipped, count, &config, &arena, &demands));
    return words_of(&demands);
}
#define assert_takes(doc, expected) assert_string_equal(demands_of(doc, false, NULL, 0), expected)
#define LEFT(doc, ...)                                                                                       \
    demands_of(doc, false, (struct cw_shipped[]){ __VA_ARGS__ },                                             \
               sizeof(struct cw_shipped[]){ __VA_ARGS__ } / sizeof(struct cw_shipped))

static void each_line_with_a_sku_and_a_quantity_takes(void **state)
{
    (void)state;
    struct cw_document *doc = order("processing");
    add_line(doc, "1", "A", "2.000");
    add_line(doc, "2", NULL, "5");
    add_line(doc, "3", "", "5");
    add_line(doc, "4", "B", "0");
    add_line(doc, "5", "B", "-1");
    add_line(doc, "6", "B", "0.5");
    assert_takes(doc, "A 2 allocated; B 0.5 allocated");
    assert_takes(order("processing"), "");
}

static void orders_that_are_closed_take_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *field, *value;
    } ends[] = { { "status", "cancelled" },
                 { "status", "shipped" },
                 { "type", "lead" },
                 { "fulfilment_status", "shipped" },
                 { "fulfilment_status", "delivered" } };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct cw_document *doc = order("processing");
        add_line(doc, "1", "A", "1");
        assert_takes(doc, "A 1 allocated");
        set_text(doc, ends[i].field, ends[i].value);
        assert_takes(doc, "");
    }
    struct cw_document *doc = order("processing");
    add_line(doc, "1", "A", "1");
    *set(doc, "archived") = (struct cw_value){ .is_set = true, .boolean = true };
    assert_takes(doc, "");
    *set(doc, "archived") = (struct cw_value){ .is_set = true, .boolean = false };
    set_text(doc, "fulfilment_status", "partial");
    assert_takes(doc, "A 1 allocated");
}

static void the_state_says_how_near_the_pieces_are_to_leaving(void **state)
{
    (void)state;
    struct cw_document *doc = order("paid");
    add_line(doc, "1", "A", "1");
    assert_takes(doc, "A 1 shipping");
    assert_string_equal(demands_of(doc, true, NULL, 0), "A 1 pending");
    set_text(doc, "state", "pending");
    assert_takes(doc, "A 1 pending");
    set_text(doc, "state", "released");
    assert_takes(doc, "A 1 shipping");
    set_text(doc, "status", "on_hold");
    assert_takes(doc, "A 1 allocated");
}

static void the_location_names_a_warehouse_or_a_branch_of_one(void **state)
{
    (void)state;
    static const char *const places[][2] = { { "N1", " N1" },    { "S2", " S2" }, { "R1", " R1" },
                                             { "north", " N1" }, { "south", "" }, { "elsewhere", "" } };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char expected[64];
        struct cw_document *doc = order("paid");
        add_line(doc, "1", "A", "1");
        set_text(doc, "location", places[i][0]);
        snprintf(expected, sizeof expected, "A 1 shipping%s", places[i][1]);
        assert_takes(doc, expected);
    }
}

static void what_has_left_is_taken_no_more(void **state)
{
    (void)state;
    struct cw_document *doc = order("processing");
    add_line(doc, "1", "A", "5");
    add_line(doc, "2", "A", "3");
    add_line(doc, "3", "B", "1");
    assert_string_equal(LEFT(doc, gone("", "2", "A", "2")), "A 5 allocated; A 1 allocated; B 1 allocated");
    assert_string_equal(LEFT(doc, gone("", "", "A", "6")), "A 2 allocated; B 1 allocated");
    assert_string_equal(LEFT(doc, gone("", "99", "B", "1")), "A 5 allocated; A 3 allocated");
    assert_string_equal(LEFT(doc, gone("", "1", "A", "2"), gone("", "1", "A", "3"), gone("", "", "C", "9")),
                        "A 3 allocated; B 1 allocated");
    struct cw_shipped whole = gone("", "", "", "0");
    whole.is_whole = true;
    assert_string_equal(LEFT(doc, whole), "");
}

static void more_than_was_ordered_counts_as_shipped_whole_and_nothing_else(void **state)
{
    (void)state;
    struct cw_document *doc = order("processing");
    add_line(doc, "1", "A", "5");
    add_line(doc, "2", "B", "1");
    assert_string_equal(LEFT(doc, gone("", "1", "A", "7")), "B 1 allocated");
    assert_string_equal(LEFT(doc, gone("", "", "A", "1000000")), "B 1 allocated");
    assert_string_equal(LEFT(doc, gone("", "1", "A", "-2")), "A 5 allocated; B 1 allocated");
}

static void cancel(const struct cw_document *doc, const char *id, const char *pieces)
{
    struct cw_document *line = cw_document_get(doc, "lines")->list.first;
    while (!cw_slice_is(line->external_id, id))
        line = line->next;
    set_money(line, "cancelled", pieces);
}

static void pieces_that_will_not_be_sent_take_nothing(void **state)
{
    (void)state;
    struct cw_document *doc = order("on_hold");
    add_line(doc, "1", "A", "5");
    add_line(doc, "2", "A", "3");
    add_line(doc, "3", "B", "1");
    cancel(doc, "1", "2");
    assert_takes(doc, "A 3 allocated; A 3 allocated; B 1 allocated");
    assert_string_equal(LEFT(doc, gone("", "1", "A", "2")), "A 1 allocated; A 3 allocated; B 1 allocated");
    assert_string_equal(LEFT(doc, gone("", "", "A", "4")), "A 2 allocated; B 1 allocated");
    cancel(doc, "2", "3.000");
    assert_takes(doc, "A 3 allocated; B 1 allocated");
    assert_string_equal(LEFT(doc, gone("", "1", "A", "3")), "B 1 allocated");
    cancel(doc, "3", "0");
    assert_takes(doc, "A 3 allocated; B 1 allocated");
}

static void no_more_than_was_ordered_can_be_cancelled_and_no_less_than_nothing(void **state)
{
    (void)state;
    struct cw_document *doc = order("on_hold");
    add_line(doc, "1", "A", "5");
    add_line(doc, "2", "B", "1");
    cancel(doc, "1", "6");
    cancel(doc, "2", "-3");
    assert_takes(doc, "B 1 allocated");
}

static void the_back_office_is_believed_before_the_cart(void **state)
{
    (void)state;
    struct cw_document *doc = order("processing");
    add_line(doc, "1", "A", "5");
    assert_string_equal(LEFT(doc, gone("shop", "1", "A", "5")), "");
    assert_string_equal(LEFT(doc, gone("shop", "1", "A", "5"), gone("", "1", "A", "2")), "A 3 allocated");
}

static void quantities_are_such_that_they_can_be_counted(void **state)
{
    (void)state;
    struct cw_document *doc = order("processing");
    add_line(doc, "1", "A", "0.1234561");
    add_line(doc, "2", "B", "99999999999999999999999999999999999999");
    add_line(doc, "3", "C", "0.00000000001");
    assert_takes(doc, "A 0.123457 allocated; B 1000000000 allocated; C 0.000001 allocated");
}

static void of_two_versions_the_one_that_takes_more_counts_for_each_sku(void **state)
{
    (void)state;
    struct cw_document *posted = order("paid"), *waits = order("paid");
    struct cw_order_demands joined, before;
    add_line(posted, "1", "A", "4");
    add_line(posted, "2", "B", "2");
    add_line(posted, "3", "C", "1");
    add_line(waits, "1", "A", "3");
    add_line(waits, "2", "A", "2");
    add_line(waits, "3", "C", "1");
    add_line(waits, "4", "D", "1");
    assert_true(cw_order_demands(waits, true, NULL, 0, &config, &arena, &joined));
    assert_true(cw_order_demands(posted, false, NULL, 0, &config, &arena, &before));
    assert_true(cw_order_demands_join(&joined, &before, &arena));
    assert_string_equal(words_of(&joined), "A 3 pending; A 2 pending; C 1 pending; D 1 pending; B 2 pending");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_line_with_a_sku_and_a_quantity_takes, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(orders_that_are_closed_take_nothing, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_state_says_how_near_the_pieces_are_to_leaving, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(the_location_names_a_warehouse_or_a_branch_of_one, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(what_has_left_is_taken_no_more, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(more_than_was_ordered_counts_as_shipped_whole_and_nothing_else,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(pieces_that_will_not_be_sent_take_nothing, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(no_more_than_was_ordered_can_be_cancelled_and_no_less_than_nothing,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_back_office_is_believed_before_the_cart, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(quantities_are_such_that_they_can_be_counted, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(of_two_versions_the_one_that_takes_more_counts_for_each_sku,
                                        open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
