/* edits_test.c - documents changed by people: all changes or none, checked, audited, undone. */
#include <stdio.h>

#include "ruled_bed.h"

#define DOCUMENT                                                                                             \
    "SELECT o.status, o.note, o.billing_city, o.total, l.sku, l.total FROM orders o LEFT JOIN order_lines "  \
    "l "                                                                                                     \
    "ON l.order_id = o.id"
#define UNTOUCHED "paid|ring|Nantes|3.00|A|3.00"
#define EDITS                                                                                                \
    "SELECT kind, external_id, field, value, cart_value, is_contested, who, reason FROM document_edits "     \
    "ORDER BY field"
#define AUDIT "SELECT who, action, object, value_before, value_after FROM audit ORDER BY id"

static struct site_bed bed;
static struct cw_error err;

static int open_bed(void **state)
{
    (void)state;
    ruled_bed_init(&bed, "");
    ruled_bed_store(&bed, "orders",
                    ORDER("1", "N1", "paid", ",'note':'ring','billing':{'id':'a1','city':'Nantes'}"));
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    site_bed_fini(&bed);
    return 0;
}

static bool edit(size_t count, const struct cw_change *changes)
{
    return ruled_bed_edit(&bed, "1", changes, count, &err);
}
#define EDIT(...)                                                                                            \
    edit(sizeof(struct cw_change[]){ __VA_ARGS__ } / sizeof(struct cw_change),                               \
         (struct cw_change[]){ __VA_ARGS__ })
#define SET(name, text)                                                                                      \
    {                                                                                                        \
        .field = name, .value = cw_slice(text)                                                               \
    }
#define CLEAR(name)                                                                                          \
    {                                                                                                        \
        .field = name                                                                                        \
    }
#define UNDO(name)                                                                                           \
    {                                                                                                        \
        .field = name, .is_undo = true                                                                       \
    }

/* Refused for this reason, and then nothing at all has changed. */
static void assert_refused(bool done, enum cw_code code, const char *says)
{
    assert_false(done);
    assert_int_equal(err.code, code);
    assert_has(err.text, says);
    assert_rows(&bed, DOCUMENT, UNTOUCHED);
    assert_rows(&bed, EDITS, "");
    assert_rows(&bed, AUDIT, "");
}

/* --- what is done --- */

static void values_are_changed_kept_apart_and_audited(void **state)
{
    (void)state;
    assert_ok(EDIT(SET("note", "back door"), SET("lines[1].sku", "B"), CLEAR("billing.city"),
                   SET("custom.gift", "red")),
              err);
    assert_rows(&bed, DOCUMENT, "paid|back door|NULL|3.00|B|3.00");
    assert_rows(&bed, EDITS,
                "order|1|billing.city|NULL|Nantes|0|ann|because\n"
                "order|1|custom.gift|red|NULL|0|ann|because\n"
                "order|1|lines[id=7].sku|B|A|0|ann|because\n"
                "order|1|note|back door|ring|0|ann|because");
    assert_rows(&bed, AUDIT,
                "ann|edit|shop order 1 note|ring|back door\n"
                "ann|edit|shop order 1 lines[id=7].sku|A|B\n"
                "ann|edit|shop order 1 billing.city|Nantes|\n"
                "ann|edit|shop order 1 custom.gift||red");
}

static void an_edit_of_an_edit_remembers_the_cart_and_not_the_edit(void **state)
{
    (void)state;
    assert_ok(EDIT(SET("note", "back door")), err);
    assert_ok(EDIT(SET("note", "gate")), err);
    assert_rows(&bed, EDITS, "order|1|note|gate|ring|0|ann|because");
    assert_rows(&bed, AUDIT,
                "ann|edit|shop order 1 note|ring|back door\nann|edit|shop order 1 note|back door|gate");
}

static void undone_a_value_is_the_carts_again(void **state)
{
    (void)state;
    assert_ok(EDIT(SET("note", "back door"), SET("lines[1].sku", "B"), SET("billing.city", "Lyon")), err);
    assert_ok(EDIT(UNDO("note"), UNDO("lines[id=7].sku")), err);
    assert_rows(&bed, DOCUMENT, "paid|ring|Lyon|3.00|A|3.00");
    assert_rows(&bed, EDITS, "order|1|billing.city|Lyon|Nantes|0|ann|because");
    assert_has(site_bed_ask(&bed, AUDIT), "ann|undo edit|shop order 1 note|back door|ring\n"
                                          "ann|undo edit|shop order 1 lines[id=7].sku|B|A");
}

static void undone_after_the_cart_spoke_a_value_is_what_it_said_last(void **state)
{
    (void)state;
    assert_ok(EDIT(SET("note", "back door")), err);
    ruled_bed_store(&bed, "orders",
                    ORDER("1", "N1", "paid", ",'note':'call','billing':{'id':'a1','city':'Nantes'}"));
    assert_ok(EDIT(UNDO("note")), err);
    assert_rows(&bed, "SELECT note FROM orders", "call");
    assert_rows(&bed, EDITS, "");
}

static void a_value_that_was_unset_is_unset_again_when_it_is_undone(void **state)
{
    (void)state;
    assert_ok(EDIT(SET("email", "ann@x.test"), SET("shipping.city", "Lyon")), err);
    assert_ok(EDIT(UNDO("email"), UNDO("shipping.city")), err);
    assert_rows(&bed, "SELECT email, shipping_city FROM orders", "NULL|NULL");
}

static void amounts_that_belong_together_are_changed_at_once(void **state)
{
    (void)state;
    assert_ok(EDIT(SET("lines[1].unit_price", "2"), SET("lines[1].total", "4"), SET("total", "4.00")), err);
    assert_rows(&bed, "SELECT o.total, l.unit_price, l.total FROM orders o, order_lines l", "4.00|2.00|4.00");
}

static void an_order_that_was_let_pass_with_wrong_sums_may_be_edited(void **state)
{
    (void)state;
    const char *wrong =
        "{'id':2,'number':'N2','status':'paid','currency':'EUR','total':'9.00','lines':[{'id':7,"
        "'quantity':2,'price':'1.50','total':'3.00'}]}";
    ruled_bed_store(&bed, "orders", wrong);
    ruled_bed_release(&bed, "2");
    ruled_bed_again(&bed, "orders", wrong);
    ruled_bed_set(&bed, "2", "note", "seen");
    ruled_bed_set(&bed, "2", "total", "3.00");
    assert_rows(&bed, "SELECT total, note FROM orders WHERE external_id = '2'", "3.00|seen");
}

static void a_time_without_an_offset_is_of_the_carts_zone(void **state)
{
    (void)state;
    site_bed_close(&bed);
    site_bed_write(
        &bed, "site.lua",
        "return { zone = 'Europe/Paris', carts = { shop = { type = 'ruled', url = 'http://shop.test' } } }");
    site_bed_open(&bed);
    assert_ok(site_bed_try_cart(&bed, &err), err);
    ruled_bed_set(&bed, "1", "placed_at", "2024-07-01 12:00:00");
    assert_rows(&bed, "SELECT substr(placed_at, 1, 19) FROM orders", "2024-07-01T10:00:00");
}

static void a_dry_run_checks_everything_and_changes_nothing(void **state)
{
    (void)state;
    struct cw_change change = SET("note", "back door");
    struct cw_edit_request request = { .cart = cw_slice("shop"),
                                       .external_id = cw_slice("1"),
                                       .kind = &cw_kind_order,
                                       .changes = &change,
                                       .count = 1,
                                       .who = cw_slice("ann"),
                                       .dry_run = true };
    assert_ok(cw_edit_document(bed.store, cw_loop_clock(bed.loop), &request, &err), err);
    change = (struct cw_change)SET("total", "1");
    assert_refused(cw_edit_document(bed.store, cw_loop_clock(bed.loop), &request, &err), CW_REFUSED, "1");
}

/* --- what is refused --- */

static void a_field_that_there_is_not_is_named_with_the_one_that_was_meant(void **state)
{
    (void)state;
    assert_refused(EDIT(SET("note", "x"), SET("nota", "x")), CW_USAGE, "did you mean \"note\"");
    assert_refused(EDIT(SET("note", "x"), SET("lines", "x")), CW_USAGE, "lines");
}

static void a_line_that_the_order_has_not_is_refused(void **state)
{
    (void)state;
    assert_refused(EDIT(SET("note", "x"), SET("lines[2].sku", "x")), CW_NOT_FOUND, "lines[2].sku");
    assert_refused(EDIT(SET("note", "x"), SET("lines[id=9].sku", "x")), CW_NOT_FOUND, "lines[id=9].sku");
}

static void values_that_are_none_of_their_type_are_refused(void **state)
{
    (void)state;
    assert_refused(EDIT(SET("note", "x"), SET("total", "three")), CW_INVALID, "total");
    assert_refused(EDIT(SET("note", "x"), SET("status", "payed")), CW_INVALID, "status");
    assert_refused(EDIT(SET("note", "x"), SET("placed_at", "soon")), CW_INVALID, "placed_at");
    assert_refused(EDIT(SET("note", "x"), SET("taxable", "perhaps")), CW_INVALID, "taxable");
    assert_refused(EDIT(SET("total", "1e3000")), CW_INVALID, "total");
    assert_refused(EDIT(SET("note", "a\xff")), CW_INVALID, "note");
    assert_refused(EDIT(SET("total", "99999999999999999999999999999999999999999999")), CW_INVALID, "total");
}

static void amounts_that_add_up_no_more_are_refused_with_the_arithmetic(void **state)
{
    (void)state;
    assert_refused(EDIT(SET("note", "x"), SET("total", "4.00")), CW_REFUSED, "3.00");
    assert_has(err.text, "4.00");
    assert_refused(EDIT(SET("lines[1].total", "4.50")), CW_REFUSED, "4.50");
}

static void a_status_moves_along_its_graph_only(void **state)
{
    (void)state;
    assert_refused(EDIT(SET("note", "x"), SET("status", "draft")), CW_REFUSED, "paid");
    assert_ok(EDIT(SET("status", "shipped")), err);
    ruled_bed_rules(&bed, "rules.statuses { status = false }");
    assert_ok(EDIT(SET("status", "draft")), err);
    assert_rows(&bed, "SELECT status FROM orders", "draft");
}

static void what_was_not_edited_cannot_be_undone(void **state)
{
    (void)state;
    assert_refused(EDIT(SET("email", "x@x.test"), UNDO("note")), CW_USAGE, "nothing to undo");
}

static void a_document_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct cw_change change = SET("note", "x");
    assert_false(ruled_bed_edit(&bed, "9", &change, 1, &err));
    assert_int_equal(err.code, CW_NOT_FOUND);
    assert_string_equal(err.text, "cart shop has no order 9 in the store; see: cartwright list orders");
    assert_rows(&bed, EDITS, "");
}

/* Undone, an amount must fit the others too. */
static void an_undone_amount_is_added_up_as_well(void **state)
{
    (void)state;
    assert_ok(EDIT(SET("lines[1].unit_price", "2"), SET("lines[1].total", "4"), SET("total", "4.00")), err);
    assert_false(EDIT(UNDO("total")));
    assert_int_equal(err.code, CW_REFUSED);
    assert_rows(&bed, "SELECT total, (SELECT count(*) FROM document_edits) FROM orders", "4.00|3");
    assert_ok(EDIT(UNDO("total"), UNDO("lines[1].total"), UNDO("lines[1].unit_price")), err);
    assert_rows(&bed, DOCUMENT, UNTOUCHED);
    assert_rows(&bed, EDITS, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(values_are_changed_kept_apart_and_audited),
        TEST(an_edit_of_an_edit_remembers_the_cart_and_not_the_edit),
        TEST(undone_a_value_is_the_carts_again),
        TEST(undone_after_the_cart_spoke_a_value_is_what_it_said_last),
        TEST(a_value_that_was_unset_is_unset_again_when_it_is_undone),
        TEST(amounts_that_belong_together_are_changed_at_once),
        TEST(an_order_that_was_let_pass_with_wrong_sums_may_be_edited),
        TEST(a_time_without_an_offset_is_of_the_carts_zone),
        TEST(a_dry_run_checks_everything_and_changes_nothing),
        TEST(a_field_that_there_is_not_is_named_with_the_one_that_was_meant),
        TEST(a_line_that_the_order_has_not_is_refused),
        TEST(values_that_are_none_of_their_type_are_refused),
        TEST(amounts_that_add_up_no_more_are_refused_with_the_arithmetic),
        TEST(a_status_moves_along_its_graph_only),
        TEST(what_was_not_edited_cannot_be_undone),
        TEST(a_document_that_is_not_there_is_named),
        TEST(an_undone_amount_is_added_up_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
