/* office_test.c - what the back office says: what is stored of it, what is refused and why. */
#include <stdio.h>

#include "office_bed.h"

#define AUDIT "SELECT who, action, object, value_before, value_after, reason FROM audit ORDER BY id"
#define LEVELS                                                                                               \
    "SELECT external_id, sku, warehouse, quantity FROM stock_levels WHERE cart = '' ORDER BY external_id"

static struct office_bed bed;

static int open_bed(void **state)
{
    (void)state;
    office_bed_init(&bed, "");
    ruled_bed_store(&bed.site, "orders", OFFICE_ORDER);
    assert_rows(&bed.site, "SELECT external_id FROM orders", "101");
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    office_bed_fini(&bed);
    return 0;
}

/* --- what is stored --- */

static void a_level_is_put_changed_and_audited_with_what_changed(void **state)
{
    (void)state;
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':'5'}");
    assert_result(&bed, 1, 0, 0, 0);
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':-2.5}");
    assert_rows(&bed.site, LEVELS, "MAIN/A|A|MAIN|-2.5");
    assert_rows(&bed.site, AUDIT,
                "ann|put|office stock_level "
                "MAIN/A||{\"sku\":\"A\",\"warehouse\":\"MAIN\",\"quantity\":\"5\"}|because\n"
                "ann|put|office stock_level MAIN/A|{\"quantity\":\"5\"}|{\"quantity\":\"-2.5\"}|because");
}

static void what_is_the_same_changes_nothing(void **state)
{
    (void)state;
    office_bed_say(&bed, "item", "{'id':'9','sku':'A','name':'Mug','changed_at':'2024-03-01T00:00:00Z'}");
    office_bed_say(&bed, "item", "{'id':'9','sku':'A','changed_at':'2024-03-02T00:00:00Z'}");
    assert_result(&bed, 0, 1, 0, 0);
    assert_rows(&bed.site, "SELECT count(*) FROM audit", "1");
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':'5.0'}");
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':'5'}");
    assert_result(&bed, 0, 1, 0, 0);
}

static void fields_that_are_left_out_stay_and_lists_are_replaced_whole(void **state)
{
    (void)state;
    office_bed_say(&bed, "item",
                   "{'sku':'K','name':'Set','price':'3.00','currency':'EUR','custom':{'shelf':'4'},"
                   "'components':[{'sku':'A','quantity':2},{'sku':'B','quantity':1}]}");
    office_bed_say(&bed, "item",
                   "{'sku':'K','name':'Kit','custom':{'bin':'7'},'components':[{'sku':'A','quantity':3}]}");
    assert_rows(&bed.site, "SELECT external_id, name, price, custom FROM items",
                "K|Kit|3.00|{\"shelf\":\"4\",\"bin\":\"7\"}");
    assert_rows(&bed.site, "SELECT sku, quantity FROM item_components", "A|3");
}

static void ids_are_made_of_what_tells_a_document_from_others(void **state)
{
    (void)state;
    office_bed_say(&bed, "vendor_level", "{'sku':'A','vendor':'V','quantity':3}");
    office_bed_say(&bed, "price", "{'sku':'A','list':'sale','currency':'EUR','amount':'1.99'}");
    office_bed_say(&bed, "customer", "{'email':'ann@x.test'},{'number':'C1','email':'bob@x.test'}");
    office_bed_say(&bed, "purchase_order", "{'number':'P1','lines':[{'sku':'A','quantity':5}]}");
    office_bed_say(&bed, "invoice", "{'number':'I1','order_cart':'shop','order_id':'101'}");
    office_bed_say(&bed, "item", "{'id':77,'sku':'A'}");
    assert_rows(
        &bed.site,
        "SELECT (SELECT external_id FROM vendor_levels), (SELECT external_id FROM prices), (SELECT "
        "external_id FROM purchase_orders), (SELECT external_id FROM invoices), (SELECT external_id FROM "
        "items)",
        "V/A|sale/EUR/A|P1|I1|77");
    assert_rows(&bed.site, "SELECT external_id FROM customers ORDER BY external_id", "C1\nann@x.test");
}

static void a_document_that_is_dropped_is_gone_and_audited(void **state)
{
    (void)state;
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':5}");
    assert_ok(office_bed_drop(&bed, "levels", "MAIN/A"), bed.err);
    assert_result(&bed, 0, 0, 1, 0);
    assert_rows(&bed.site, LEVELS, "");
    assert_has(site_bed_ask(&bed.site, AUDIT), "ann|drop|office stock_level MAIN/A|{");
    assert_ok(office_bed_drop(&bed, "levels", "MAIN/A"), bed.err);
    assert_result(&bed, 0, 1, 0, 0);
}

static void a_dry_run_checks_everything_and_keeps_nothing(void **state)
{
    (void)state;
    bed.dry_run = true;
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':5}");
    assert_result(&bed, 1, 0, 0, 0);
    office_bed_refused(&bed, "levels", "{'sku':'A','warehouse':'MAIN'}", CW_INVALID, "quantity is missing");
    assert_rows(&bed.site, LEVELS, "");
}

static void control_characters_are_refused_where_they_stand(void **state)
{
    (void)state;
    office_bed_refused(&bed, "item", "{'sku':'A','name':'Mug\\u000bred'}", CW_INVALID,
                       "item A: name holds a control character");
    office_bed_refused(&bed, "item", "{'sku':'A','variants':[{'sku':'B'},{'sku':'C','name':'\\u0001'}]}",
                       CW_INVALID, "variants[2].name holds a control character");
    office_bed_refused(&bed, "item", "{'sku':'A','custom':{'shelf':'\\u0002'}}", CW_INVALID,
                       "custom holds a control character");
    office_bed_say(&bed, "item", "{'sku':'A','description':'red\\r\\n\\tand blue'}");
}

/* A thousand levels and more, so that it takes several transactions; `bad` replaces the last quantity. */
static char *many(int count, const char *bad)
{
    static char text[200000];
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "%s{'sku':'S%04d','warehouse':'MAIN','quantity':%s}", i > 0 ? "," : "", i,
                                i == count - 1 ? bad : "1");
    return text;
}

static void many_documents_are_all_checked_before_one_is_written(void **state)
{
    (void)state;
    office_bed_refused(&bed, "levels", many(1201, "'1e10'"), CW_INVALID, "stock_level MAIN/S1200: quantity");
    office_bed_say(&bed, "levels", many(1201, "2"));
    assert_result(&bed, 1201, 0, 0, 0);
    assert_rows(&bed.site, "SELECT count(*), sum(CAST(quantity AS INTEGER)) FROM stock_levels", "1201|1202");
    office_bed_say(&bed, "levels", many(1201, "2"));
    assert_result(&bed, 0, 1201, 0, 0);
}

static void the_same_one_twice_is_seen_across_pages(void **state)
{
    (void)state;
    char *text = many(1200, "2");
    size_t len = strlen(text);
    snprintf(text + len, 200000 - len, ",{'sku':'S0003','warehouse':'MAIN','quantity':9}");
    office_bed_refused(&bed, "levels", text, CW_CONFLICT, "MAIN/S0003 comes twice: document 4 is");
}

static void a_warehouse_is_replaced_by_what_is_given(void **state)
{
    (void)state;
    office_bed_say(&bed, "levels",
                   "{'sku':'A','warehouse':'MAIN','quantity':5},{'sku':'B','warehouse':'MAIN',"
                   "'quantity':6},{'sku':'A','warehouse':'SHOP','quantity':7}");
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_document *doc = cw_document_create(&arena, &cw_kind_stock_level);
    doc->values[cw_kind_field(doc->kind, cw_slice("sku"))] = (struct cw_value){ true, .text = cw_slice("B") };
    doc->values[cw_kind_field(doc->kind, cw_slice("warehouse"))] =
        (struct cw_value){ true, .text = cw_slice("MAIN") };
    doc->values[cw_kind_field(doc->kind, cw_slice("quantity"))] =
        (struct cw_value){ true, .decimal = cw_decimal_from_int(8) };
    struct cw_office_put put = { .config = &bed.site.site->config,
                                 .kind = &cw_kind_stock_level,
                                 .docs = &doc,
                                 .count = 1,
                                 .replaces = cw_slice("MAIN"),
                                 .who = cw_slice("ann") };
    assert_ok(cw_office_put(bed.site.store, cw_loop_clock(bed.site.loop), &put, &bed.result, &bed.err),
              bed.err);
    assert_result(&bed, 1, 0, 1, 0);
    assert_rows(&bed.site, LEVELS, "MAIN/B|B|MAIN|8\nSHOP/A|A|SHOP|7");
    put.replaces = cw_slice("SHOP");
    assert_false(cw_office_put(bed.site.store, cw_loop_clock(bed.site.loop), &put, &bed.result, &bed.err));
    assert_has(bed.err.text, "the levels of SHOP are to be replaced");
    cw_arena_fini(&arena);
}

/* --- what is refused --- */

static void what_is_missing_is_named(void **state)
{
    (void)state;
    office_bed_refused(&bed, "levels", "{'warehouse':'MAIN','quantity':1}", CW_INVALID,
                       "number 1: sku is missing");
    office_bed_refused(&bed, "levels", "{'sku':'A','quantity':1}", CW_INVALID, "warehouse is missing");
    office_bed_refused(&bed, "levels", "{'sku':'A','warehouse':'MAIN'}", CW_INVALID,
                       "stock_level MAIN/A: quantity is missing");
    office_bed_refused(&bed, "vendor_level", "{'id':'1','sku':'A','quantity':1}", CW_INVALID,
                       "vendor is missing");
    office_bed_refused(&bed, "price", "{'sku':'A','list':'default','currency':'EUR'}", CW_INVALID,
                       "amount is missing");
    office_bed_refused(&bed, "purchase_order",
                       "{'number':'P1','lines':[{'sku':'A','quantity':1},{'quantity':1}]}", CW_INVALID,
                       "purchase_order P1: lines[2].sku is missing");
    office_bed_refused(&bed, "customer", "{'company':'X'}", CW_INVALID, "one of them is needed");
    office_bed_refused(&bed, "item", "{'id':'1','name':'Mug'}", CW_INVALID, "sku is missing");
    office_bed_refused(&bed, "shipment", "{'number':'S1','order_id':'101'}", CW_INVALID,
                       "order_cart is missing");
}

static void absurd_quantities_and_those_that_cannot_be_are_refused(void **state)
{
    (void)state;
    office_bed_refused(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':'1000000001'}", CW_INVALID,
                       "quantity: the quantity 1000000001 is refused, it is absurd");
    office_bed_refused(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':'0.0000001'}", CW_INVALID,
                       "more than six digits");
    office_bed_refused(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':'many'}", CW_INVALID,
                       "quantity");
    office_bed_refused(&bed, "vendor_level", "{'sku':'A','vendor':'V','quantity':-1}", CW_INVALID,
                       "quantity is \"-1\": it cannot be negative");
    office_bed_refused(&bed, "purchase_order", "{'number':'P1','lines':[{'sku':'A','quantity':0}]}",
                       CW_INVALID, "lines[1].quantity is \"0\": it must be above 0");
    office_bed_refused(&bed, "purchase_order",
                       "{'number':'P1','lines':[{'sku':'A','quantity':1,'received':-1}]}", CW_INVALID,
                       "lines[1].received");
    office_bed_refused(&bed, "item", "{'sku':'K','components':[{'sku':'A','quantity':-1}]}", CW_INVALID,
                       "components[1].quantity");
    office_bed_say(&bed, "levels",
                   "{'sku':'A','warehouse':'MAIN','quantity':-3}"); /* sold before it was booked */
}

static void keys_that_would_make_another_thing_are_refused(void **state)
{
    (void)state;
    office_bed_refused(&bed, "levels", "{'sku':'A ','warehouse':'MAIN','quantity':1}", CW_INVALID,
                       "begins or ends with a blank");
    office_bed_refused(&bed, "levels", "{'sku':'A\\u0001B','warehouse':'MAIN','quantity':1}", CW_INVALID,
                       "control character");
    office_bed_refused(&bed, "levels", "{'sku':'A','warehouse':'M/N','quantity':1}", CW_INVALID,
                       "holds a slash");
    office_bed_say(&bed, "levels", "{'sku':'A/B','warehouse':'MAIN','quantity':1}");
}

static void amounts_that_are_no_money_are_refused(void **state)
{
    (void)state;
    office_bed_refused(&bed, "price", "{'sku':'A','list':'default','currency':'EUR','amount':'-1'}",
                       CW_INVALID, "amount is \"-1\": it cannot be negative");
    office_bed_refused(&bed, "price", "{'sku':'A','list':'default','currency':'Euro','amount':'1'}",
                       CW_INVALID, "no ISO 4217 code");
    office_bed_refused(&bed, "price", "{'sku':'A','list':'default','amount':'1'}", CW_INVALID,
                       "currency is missing");
    office_bed_refused(&bed, "price", "{'sku':'A','list':'default','currency':'EUR','amount':'free'}",
                       CW_INVALID, "amount");
    office_bed_refused(&bed, "price", "{'sku':'A','list':'default','currency':'EUR','amount':'1e13'}",
                       CW_INVALID, "absurd");
    office_bed_refused(
        &bed, "price",
        "{'sku':'A','list':'default','currency':'EUR','amount':1,'valid_from':'2024-02-01T00:00:00Z',"
        "'valid_until':'2024-01-01T00:00:00Z'}",
        CW_INVALID, "does not lie behind valid_from");
    office_bed_refused(&bed, "item", "{'sku':'A','price':'1.00'}", CW_INVALID, "currency is missing");
    office_bed_refused(
        &bed, "invoice",
        "{'number':'I1','order_cart':'shop','order_id':'101','currency':'EUR','total':'1.005'}", CW_INVALID,
        "more digits after the point than its currency has");
}

static void a_sku_belongs_to_one_item(void **state)
{
    (void)state;
    office_bed_refused(&bed, "item", "{'id':'1','sku':'A'},{'id':'2','sku':'A'}", CW_CONFLICT,
                       "sku A is that of item");
    office_bed_refused(&bed, "item", "{'sku':'A','variants':[{'sku':'X'},{'sku':'X'}]}", CW_CONFLICT,
                       "sku X");
    office_bed_say(&bed, "item", "{'id':'1','sku':'A','variants':[{'sku':'A-RED'}]}");
    office_bed_refused(&bed, "item", "{'id':'2','sku':'A-RED'}", CW_CONFLICT,
                       "item 2: sku A-RED is that of item 1");
    office_bed_say(&bed, "item", "{'id':'1','name':'Mug'}");
    office_bed_say(&bed, "item", "{'id':'3','sku':'a'}"); /* which is another SKU */
}

static void a_level_has_one_place(void **state)
{
    (void)state;
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'MAIN','quantity':5}");
    office_bed_refused(&bed, "levels", "{'id':'77','sku':'A','warehouse':'MAIN','quantity':1}", CW_CONFLICT,
                       "that is stock_level MAIN/A already");
    office_bed_refused(
        &bed, "levels",
        "{'id':'1','sku':'B','warehouse':'MAIN','quantity':1},{'id':'2','sku':'B','warehouse':'MAIN',"
        "'quantity':1}",
        CW_CONFLICT, "MAIN/B comes twice");
}

static void the_same_id_twice_in_one_put_is_refused(void **state)
{
    (void)state;
    office_bed_refused(&bed, "item", "{'id':'1','sku':'A'},{'id':'2','sku':'B'},{'id':'1','sku':'A'}",
                       CW_CONFLICT, "item 1: 1 comes twice: document 1");
}

static void a_kit_made_of_itself_is_refused_by_its_ring(void **state)
{
    (void)state;
    office_bed_refused(&bed, "item", "{'sku':'K','components':[{'sku':'K','quantity':1}]}", CW_INVALID,
                       "K is made of K");
    office_bed_say(&bed, "item",
                   "{'sku':'K1','components':[{'sku':'K2','quantity':1}]},"
                   "{'sku':'K2','components':[{'sku':'K3','quantity':1}]}");
    office_bed_refused(&bed, "item", "{'sku':'K3','components':[{'sku':'K1','quantity':1}]}", CW_INVALID,
                       "is made of");
    assert_has(bed.err.text, "K1");
    assert_has(bed.err.text, "K2");
    assert_has(bed.err.text, "K3");
}

static void a_ring_across_the_pages_of_one_put_is_refused(void **state)
{
    (void)state;
    static char text[60000];
    size_t len = (size_t)snprintf(text, sizeof text, "{'sku':'K1','components':[{'sku':'K2','quantity':1}]}");
    for (int i = 0; i < 600; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, ",{'sku':'S%d'}", i);
    snprintf(text + len, sizeof text - len, ",{'sku':'K2','components':[{'sku':'K1','quantity':1}]}");
    office_bed_refused(&bed, "item", text, CW_INVALID, "is made of");
}

/* --- shipments and invoices --- */

#define SHIPMENT(number, more) "{'number':'" number "','order_cart':'shop','order_id':'101'" more "}"

static void shipments_are_of_orders_that_are_there(void **state)
{
    (void)state;
    office_bed_refused(&bed, "shipment", "{'number':'S1','order_cart':'shop','order_id':'999'}", CW_NOT_FOUND,
                       "shipment S1: order_id is \"999\": cart shop has no such order");
    office_bed_refused(&bed, "invoice", "{'number':'I1','order_cart':'none','order_id':'101'}", CW_NOT_FOUND,
                       "cart none has no such order");
    office_bed_refused(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'line_id':'9','quantity':1}]"),
                       CW_INVALID, "lines[1].line_id is \"9\": order 101 of shop has no such line");
    office_bed_refused(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'sku':'C','quantity':1}]"), CW_INVALID,
                       "lines[1].sku is \"C\"");
    office_bed_refused(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'line_id':'7','sku':'B','quantity':1}]"),
                       CW_INVALID, "but line 7 of order 101 is of \"A\"");
    office_bed_refused(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':0}]"), CW_INVALID,
                       "it must be above 0");
}

static void more_than_was_ordered_cannot_leave(void **state)
{
    (void)state;
    office_bed_refused(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':11}]"), CW_REFUSED,
                       "with it 11 of sku A would have left for order 101 of shop, but 10 were ordered");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'line_id':'7','quantity':6}]"));
    office_bed_refused(&bed, "shipment", SHIPMENT("S2", ",'lines':[{'sku':'A','quantity':5}]"), CW_REFUSED,
                       "with it 11 of sku A");
    office_bed_refused(&bed, "shipment", SHIPMENT("S2", ""), CW_REFUSED, "with it 16 of sku A");
    office_bed_refused(&bed, "shipment",
                       SHIPMENT("S2", ",'lines':[{'sku':'A','quantity':2}]") "," SHIPMENT(
                           "S3", ",'lines':[{'sku':'A','quantity':3}]"),
                       CW_REFUSED, "with it 11 of sku A");
    office_bed_say(&bed, "shipment",
                   SHIPMENT("S2", ",'lines':[{'sku':'A','quantity':4},{'sku':'B','quantity':4}]"));
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'line_id':'7','quantity':5}]"));
    office_bed_refused(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'line_id':'7','quantity':7}]"),
                       CW_REFUSED, "with it 11 of sku A");
}

static void a_shipment_of_the_whole_order_is_of_what_was_ordered_when_it_left(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    assert_rows(&bed.site, "SELECT count(*) FROM shipment_lines", "0");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'confirmed':true"));
    assert_rows(&bed.site, "SELECT line_id, sku, quantity FROM shipment_lines ORDER BY line_id",
                "7|A|10\n8|B|4");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'tracking_number':'T1'"));
    assert_rows(&bed.site, "SELECT line_id, sku, quantity FROM shipment_lines ORDER BY line_id",
                "7|A|10\n8|B|4");
}

/* Of 10 pieces of A the cart took 4 out, and all of B. */
static void shrink(void)
{
    ruled_bed_store(&bed.site, "orders",
                    "{'id':101,'number':'N101','status':'paid','currency':'EUR','total':'14.00','lines':["
                    "{'id':7,'sku':'A','quantity':10,'cancelled':4,'price':'1.00','total':'10.00'},"
                    "{'id':8,'sku':'B','quantity':4,'cancelled':4,'price':'1.00','total':'4.00'}]}");
    assert_rows(&bed.site, "SELECT quantity, cancelled FROM order_lines ORDER BY position", "10|4\n4|4");
}

static void what_was_cancelled_cannot_leave_and_is_not_of_the_whole_order(void **state)
{
    (void)state;
    shrink();
    office_bed_refused(
        &bed, "shipment", SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':7}]"), CW_REFUSED,
        "with it 7 of sku A would have left for order 101 of shop, but 6 were ordered and not cancelled");
    office_bed_refused(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'line_id':'8','quantity':1}]"),
                       CW_REFUSED, "with it 1 of sku B would have left for order 101 of shop, but 0 were");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'confirmed':true"));
    assert_rows(&bed.site, "SELECT line_id, sku, quantity FROM shipment_lines", "7|A|6");
}

static void what_left_before_it_was_cancelled_does_not_keep_the_rest_from_leaving(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'line_id':'8','quantity':4}]"));
    shrink();
    office_bed_say(&bed, "shipment", SHIPMENT("S2", ",'lines':[{'line_id':'7','quantity':6}]"));
    office_bed_refused(&bed, "shipment", SHIPMENT("S3", ",'lines':[{'line_id':'8','quantity':1}]"),
                       CW_REFUSED, "with it 5 of sku B");
}

static void tracking_may_come_for_an_order_that_was_made_smaller(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'line_id':'7','quantity':6}]"));
    ruled_bed_store(&bed.site, "orders",
                    "{'id':101,'number':'N101','status':'paid','currency':'EUR','total':'3.00','lines':["
                    "{'id':7,'sku':'A','quantity':3,'price':'1.00','total':'3.00'}]}");
    assert_rows(&bed.site, "SELECT quantity FROM order_lines", "3");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'tracking_number':'T1'"));
    assert_rows(&bed.site, "SELECT tracking_number FROM shipments", "T1");
}

static void what_is_not_the_back_offices_is_refused(void **state)
{
    (void)state;
    struct cw_error err;
    assert_null(cw_office_kind(cw_slice("order"), &err));
    assert_has(err.text, "no \"order\"");
    assert_false(office_bed_put(&bed, "levels", "{'sku':'A','warehouse':'M','quantity':1}", "nobody"));
    assert_has(bed.err.text, "site.lua has no cart nobody");
    assert_false(office_bed_put(&bed, "levels", "{'skoo':'A'}", NULL));
    assert_has(bed.err.text, "did you mean \"sku\"");
    assert_false(office_bed_put(&bed, "purchase_order", "{'number':'P','lines':[{'qantity':1}]}", NULL));
    assert_has(bed.err.text, "lines[1]");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(a_level_is_put_changed_and_audited_with_what_changed),
        TEST(what_is_the_same_changes_nothing),
        TEST(fields_that_are_left_out_stay_and_lists_are_replaced_whole),
        TEST(ids_are_made_of_what_tells_a_document_from_others),
        TEST(a_document_that_is_dropped_is_gone_and_audited),
        TEST(a_dry_run_checks_everything_and_keeps_nothing),
        TEST(control_characters_are_refused_where_they_stand),
        TEST(many_documents_are_all_checked_before_one_is_written),
        TEST(the_same_one_twice_is_seen_across_pages),
        TEST(a_warehouse_is_replaced_by_what_is_given),
        TEST(what_is_missing_is_named),
        TEST(absurd_quantities_and_those_that_cannot_be_are_refused),
        TEST(keys_that_would_make_another_thing_are_refused),
        TEST(amounts_that_are_no_money_are_refused),
        TEST(a_sku_belongs_to_one_item),
        TEST(a_level_has_one_place),
        TEST(the_same_id_twice_in_one_put_is_refused),
        TEST(a_kit_made_of_itself_is_refused_by_its_ring),
        TEST(a_ring_across_the_pages_of_one_put_is_refused),
        TEST(shipments_are_of_orders_that_are_there),
        TEST(more_than_was_ordered_cannot_leave),
        TEST(a_shipment_of_the_whole_order_is_of_what_was_ordered_when_it_left),
        TEST(what_was_cancelled_cannot_leave_and_is_not_of_the_whole_order),
        TEST(what_left_before_it_was_cancelled_does_not_keep_the_rest_from_leaving),
        TEST(tracking_may_come_for_an_order_that_was_made_smaller),
        TEST(what_is_not_the_back_offices_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
