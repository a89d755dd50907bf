/* office_tell_test.c - what carts are told of the back office's shipments, invoices, customers and items, and
 * of statuses that people set: once, in the right order, and never by way of an echo. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/outbox.h"
#include "office_bed.h"

#define MESSAGES "SELECT cart, stream, external_id, lane, event, payload FROM messages ORDER BY id"
#define EVENTS   "SELECT event, state FROM messages ORDER BY id"
#define STANDING "SELECT event, state FROM messages WHERE state <> 'superseded' ORDER BY id"
#define SHIPMENT(number, more)                                                                               \
    "{'number':'" number "','order_cart':'shop','order_id':'101','confirmed':true" more "}"
#define INVOICE(number, more)                                                                                \
    "{'number':'" number "','order_cart':'shop','order_id':'101','released':true" more "}"

static struct office_bed bed;

static int open_bed(void **state)
{
    (void)state;
    office_bed_init(&bed, "shipments = {}, customers = {}, items = {}, statuses = {}");
    ruled_bed_store(&bed.site, "orders", OFFICE_ORDER);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    office_bed_fini(&bed);
    return 0;
}

static void settle_all(void)
{
    char ids[1024], *rest = ids;
    snprintf(ids, sizeof ids, "%s",
             site_bed_ask(&bed.site, "SELECT id FROM messages WHERE state = 'queued' ORDER BY id"));
    for (char *id = strtok_r(ids, "\n", &rest); id != NULL; id = strtok_r(NULL, "\n", &rest))
        assert_ok(cw_outbox_settle(bed.site.store, cw_loop_clock(bed.site.loop), atoll(id), CW_SETTLE_SENT,
                                   cw_slice("ann"), cw_slice("seen"), &bed.err),
                  bed.err);
}

/* --- shipments --- */

static void a_shipment_is_told_when_it_is_confirmed_and_once(void **state)
{
    (void)state;
    office_bed_say(
        &bed, "shipment",
        "{'number':'S1','order_cart':'shop','order_id':'101','carrier':'DHL','tracking_number':'T1',"
        "'shipped_at':'2024-03-31T10:00:00Z','lines':[{'line_id':'7','quantity':10},{'sku':'B',"
        "'quantity':'1.0'}]}");
    assert_result(&bed, 1, 0, 0, 0);
    assert_rows(&bed.site, MESSAGES, "");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    assert_rows(
        &bed.site, MESSAGES,
        "shop|shipments_out|101|order/101|S1|{\"id\":\"S1\",\"order_id\":\"101\",\"order_number\":\"N101\","
        "\"shipped_at\":\"2024-03-31T10:00:00Z\",\"number\":\"S1\",\"carrier_name\":\"DHL\","
        "\"tracking_number\":\"T1\",\"lines\":[{\"line_id\":\"7\",\"sku\":\"A\",\"quantity\":\"10\"},"
        "{\"line_id\":\"8\",\"sku\":\"B\",\"quantity\":\"1\"}],\"completes\":false}");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'note':'seen'"));
    office_bed_say(&bed, "shipment", "{'number':'S1','confirmed':false}");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    assert_rows(&bed.site, STANDING, "S1|queued");
    settle_all();
    office_bed_say(&bed, "shipment", "{'number':'S1','confirmed':false}");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    assert_rows(&bed.site, STANDING, "S1|sent");
}

static void the_parcel_that_leaves_nothing_completes_the_order(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment",
                   SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':10}]") "," SHIPMENT(
                       "S2", ",'lines':[{'sku':'B','quantity':3}]") "," SHIPMENT("S3", ",'lines':[{'sku':'B',"
                                                                                       "'quantity':1}]"));
    assert_rows(&bed.site, "SELECT event, payload LIKE '%\"completes\":true}' FROM messages ORDER BY id",
                "S1|0\nS2|0\nS3|1");
}

static void a_shipment_without_lines_is_the_whole_order(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    assert_has(
        site_bed_ask(&bed.site, MESSAGES),
        "\"lines\":[{\"line_id\":\"7\",\"sku\":\"A\",\"quantity\":\"10\"},{\"line_id\":\"8\",\"sku\":\"B\","
        "\"quantity\":\"4\"}],\"completes\":true");
}

static void pieces_that_were_cancelled_complete_the_order_without_leaving(void **state)
{
    (void)state;
    ruled_bed_store(&bed.site, "orders",
                    "{'id':101,'number':'N101','status':'paid','currency':'EUR','total':'14.00','lines':["
                    "{'id':7,'sku':'A','quantity':10,'cancelled':4,'price':'1.00','total':'10.00'},"
                    "{'id':8,'sku':'B','quantity':4,'cancelled':4,'price':'1.00','total':'4.00'}]}");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':5}]"));
    office_bed_say(&bed, "shipment", SHIPMENT("S2", ",'lines':[{'sku':'A','quantity':1}]"));
    assert_rows(&bed.site, "SELECT event, payload LIKE '%\"completes\":true}' FROM messages ORDER BY id",
                "S1|0\nS2|1");
}

static void late_tracking_is_one_message_more_of_the_same_parcel(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    settle_all();
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'tracking_number':'T1'"));
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'tracking_number':'T1'"));
    assert_rows(&bed.site, "SELECT substr(event, 1, 12), state FROM messages ORDER BY id",
                "S1|sent\nS1/tracking/|queued");
    assert_has(site_bed_ask(&bed.site, "SELECT payload FROM messages WHERE id = 2"), "{\"id\":\"S1\",");
    settle_all();
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'tracking_number':'T2'"));
    assert_rows(&bed.site, "SELECT count(*), count(DISTINCT event) FROM messages", "3|3");
}

static void a_corrected_tracking_number_names_the_one_before(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'tracking_number':'T1'"));
    settle_all();
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'tracking_number':'T2'"));
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'carrier':'DHL'"));
    assert_rows(&bed.site,
                "SELECT json_extract(payload, '$.tracking_number'), "
                "json_extract(payload, '$.old_tracking_number') FROM messages ORDER BY id",
                "T1|NULL\nT2|T1\nT2|NULL");
}

static void tracking_that_comes_before_the_parcel_was_told_goes_with_it(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'tracking_number':'T1'"));
    assert_rows(&bed.site,
                "SELECT substr(event, 1, 12), state, payload LIKE '%T1%' FROM messages ORDER BY id",
                "taken-back/1|superseded|0\nS1|queued|1");
}

static void a_shipment_from_the_cart_itself_is_not_told_it(void **state)
{
    (void)state;
    assert_ok(office_bed_put(&bed, "shipment", SHIPMENT("S1", ""), "shop"), bed.err);
    assert_rows(&bed.site, MESSAGES, "");
}

static void a_cart_that_is_not_told_of_shipments_gets_none(void **state)
{
    (void)state;
    office_bed_out(&bed, "customers = {}");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    assert_rows(&bed.site, MESSAGES, "");
}

static void a_shipment_that_changes_while_it_waits_is_told_as_it_is_then(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':1}]"));
    assert_rows(&bed.site, STANDING, "S1|queued");
    assert_has(site_bed_ask(&bed.site, "SELECT payload FROM messages WHERE event = 'S1'"),
               "\"lines\":[{\"line_id\":\"7\",\"sku\":\"A\",\"quantity\":\"1\"}],\"completes\":false");
}

/* --- what is taken back --- */

static void a_shipment_that_is_dropped_or_not_confirmed_any_more_is_not_told(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment",
                   SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':1}]") "," SHIPMENT(
                       "S2", ",'lines':[{'sku':'B','quantity':1}]"));
    assert_true(office_bed_drop(&bed, "shipment", "S1"));
    assert_int_equal(bed.result.taken_back, 1);
    office_bed_say(&bed, "shipment", "{'number':'S2','confirmed':false}");
    assert_int_equal(bed.result.taken_back, 1);
    assert_int_equal(bed.result.too_late, 0);
    assert_rows(&bed.site, "SELECT event, state, answer FROM messages ORDER BY id",
                "taken-back/1/S1|superseded|the back office took it back before it was sent\n"
                "taken-back/2/S2|superseded|the back office took it back before it was sent");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':1}]"));
    assert_rows(&bed.site, STANDING, "S1|queued");
}

static void what_the_cart_was_told_of_a_shipment_stays_when_it_is_dropped(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    settle_all();
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'tracking_number':'WRONG'"));
    assert_true(office_bed_drop(&bed, "shipment", "S1"));
    assert_int_equal(bed.result.taken_back, 1);
    assert_int_equal(bed.result.too_late, 1);
    assert_rows(&bed.site, STANDING, "S1|sent");
}

static void an_order_is_not_complete_without_the_parcel_that_is_taken_back(void **state)
{
    (void)state;
    office_bed_say(&bed, "shipment",
                   SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':10}]") "," SHIPMENT(
                       "S2", ",'lines':[{'sku':'B','quantity':4}]"));
    assert_true(office_bed_drop(&bed, "shipment", "S1"));
    assert_rows(&bed.site,
                "SELECT event, payload LIKE '%\"quantity\":\"4\"}],\"completes\":false}' FROM messages WHERE "
                "state = 'queued'",
                "S2|1");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':10}]"));
    assert_rows(
        &bed.site,
        "SELECT event, payload LIKE '%\"completes\":true}' FROM messages WHERE state = 'queued' ORDER BY id",
        "S2|0\nS1|1");
}

static void shipments_wait_again_when_their_invoice_is_taken_back(void **state)
{
    (void)state;
    office_bed_out(&bed, "shipments = { trigger = 'invoice' }");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    office_bed_say(&bed, "invoice", INVOICE("I1", "") "," INVOICE("I2", ""));
    assert_true(office_bed_drop(&bed, "invoice", "I1"));
    assert_rows(&bed.site, STANDING, "S1|queued");
    office_bed_say(&bed, "invoice", "{'number':'I2','released':false}");
    assert_rows(&bed.site, STANDING, "");
    office_bed_say(&bed, "invoice", INVOICE("I2", ""));
    assert_rows(&bed.site, STANDING, "S1|queued");
}

static void a_customer_or_an_item_that_is_dropped_is_not_told(void **state)
{
    (void)state;
    office_bed_say(&bed, "customer", "{'number':'C1','email':'ann@x.test'}");
    office_bed_say(&bed, "item", "{'sku':'A','name':'Mug'}");
    assert_true(office_bed_drop(&bed, "customer", "C1"));
    assert_true(office_bed_drop(&bed, "item", "A"));
    assert_rows(&bed.site, "SELECT count(*), min(state), max(state) FROM messages",
                "4|superseded|superseded");
    office_bed_say(&bed, "item", "{'sku':'A','name':'Mug'}");
    assert_rows(&bed.site, "SELECT cart, external_id, state FROM messages WHERE state = 'queued' ORDER BY 1",
                "other|A|queued\nshop|A|queued");
}

static void an_item_that_leaves_the_groups_is_not_told(void **state)
{
    (void)state;
    office_bed_out(&bed, "items = { groups = { 'web' } }");
    office_bed_say(&bed, "item", "{'sku':'A','group':'web','name':'Mug'}");
    office_bed_say(&bed, "item", "{'sku':'A','group':'shop'}");
    assert_rows(&bed.site, "SELECT count(*) FROM messages WHERE state = 'queued'", "0");
}

static void a_level_and_a_price_that_are_dropped_are_not_told(void **state)
{
    (void)state;
    office_bed_out(&bed, "stock = {}, prices = {}");
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'M','quantity':7}");
    office_bed_say(&bed, "price", "{'sku':'A','list':'default','amount':'3.00','currency':'EUR'}");
    assert_rows(&bed.site, "SELECT count(*) FROM messages WHERE state = 'queued'", "4");
    assert_true(office_bed_drop(&bed, "levels", "M/A"));
    assert_true(office_bed_drop(&bed, "price", "default/EUR/A"));
    assert_int_equal(bed.result.silent, 0);
    assert_rows(&bed.site, "SELECT count(*) FROM messages WHERE state = 'queued'", "0");
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'M','quantity':7}");
    office_bed_say(&bed, "price", "{'sku':'A','list':'default','amount':'3.00','currency':'EUR'}");
    assert_rows(&bed.site, "SELECT count(*) FROM messages WHERE state = 'queued'", "4");
}

static void a_kit_keeps_its_price_when_a_component_is_counted(void **state)
{
    (void)state;
    office_bed_out(&bed, "stock = {}, prices = {}");
    office_bed_say(&bed, "item",
                   "{'sku':'A'},{'sku':'K','type':'kit','components':[{'sku':'A','quantity':2}]}");
    office_bed_say(&bed, "price", "{'sku':'K','list':'default','amount':'3.00','currency':'EUR'}");
    office_bed_say(&bed, "levels", "{'sku':'A','warehouse':'M','quantity':7}");
    assert_rows(&bed.site,
                "SELECT external_id, state FROM messages WHERE cart = 'shop' AND stream = 'prices_out'",
                "K|queued");
}

static void skus_that_no_level_says_anything_of_any_more_are_named(void **state)
{
    (void)state;
    office_bed_out(&bed, "stock = {}");
    office_bed_say(&bed, "levels",
                   "{'sku':'A','warehouse':'M','quantity':7},{'sku':'B','warehouse':'M','quantity':7}");
    settle_all();
    assert_true(office_bed_drop(&bed, "levels", "M/B"));
    assert_int_equal(bed.result.silent, 1);
    assert_string_equal(bed.result.silent_such_as, "B");
    assert_true(office_bed_drop(&bed, "levels", "M/A"));
    assert_int_equal(bed.result.silent, 2);
    assert_string_equal(bed.result.silent_such_as, "A, B");
    office_bed_say(&bed, "levels", "{'sku':'B','warehouse':'N','quantity':0}");
    assert_rows(&bed.site, "SELECT external_id, state FROM messages WHERE cart = 'shop' AND state = 'queued'",
                "B|queued");
    office_bed_say(&bed, "levels", "{'sku':'C','warehouse':'N','quantity':0}");
    assert_true(office_bed_drop(&bed, "levels", "N/C"));
    assert_string_equal(bed.result.silent_such_as, "A");
}

/* --- invoices --- */

static void an_invoice_releases_the_shipments_of_its_order(void **state)
{
    (void)state;
    office_bed_out(&bed, "shipments = { trigger = 'invoice' }");
    office_bed_say(&bed, "shipment",
                   SHIPMENT("S1", ",'lines':[{'sku':'A','quantity':10}]") "," SHIPMENT(
                       "S2", ",'lines':[{'sku':'B','quantity':4}]"));
    office_bed_say(&bed, "invoice", "{'number':'I1','order_cart':'shop','order_id':'101'}");
    assert_rows(&bed.site, MESSAGES, "");
    office_bed_say(&bed, "invoice", INVOICE("I1", ""));
    assert_rows(&bed.site, "SELECT event, payload LIKE '%\"completes\":true}' FROM messages ORDER BY id",
                "S1|0\nS2|1");
    office_bed_say(&bed, "invoice", INVOICE("I1", ",'note':'x'") "," INVOICE("I2", ""));
    assert_rows(&bed.site, EVENTS, "S1|queued\nS2|queued");
}

static void a_shipment_that_leaves_after_its_invoice_is_told_at_once(void **state)
{
    (void)state;
    office_bed_out(&bed, "shipments = { trigger = 'invoice' }");
    office_bed_say(&bed, "shipment", "{'number':'S1','order_cart':'shop','order_id':'101'}");
    office_bed_say(&bed, "invoice", INVOICE("I1", ""));
    assert_rows(&bed.site, EVENTS, "");
    office_bed_say(&bed, "shipment", SHIPMENT("S1", ""));
    assert_rows(&bed.site, EVENTS, "S1|queued");
}

static void an_invoice_alone_stands_for_its_parcel(void **state)
{
    (void)state;
    office_bed_out(&bed, "shipments = { trigger = 'invoice' }");
    office_bed_say(&bed, "invoice", INVOICE("I1", ",'lines':[{'sku':'A','quantity':10}]"));
    assert_has(site_bed_ask(&bed.site, MESSAGES), "|invoice/I1|{\"id\":\"I1\",");
    assert_has(site_bed_ask(&bed.site, MESSAGES), "\"completes\":false");
    office_bed_say(&bed, "shipment",
                   SHIPMENT("S1", ",'tracking_number':'T1','lines':[{'sku':'A','quantity':10}]"));
    assert_has(site_bed_ask(&bed.site, "SELECT event || payload FROM messages WHERE id = 2"),
               "S1{\"id\":\"I1\",");
}

/* --- customers and items --- */

static void each_cart_is_told_of_a_customer_but_the_one_it_came_from(void **state)
{
    (void)state;
    assert_ok(office_bed_put(&bed, "customer", "{'number':'C1','email':'ann@x.test','group':'gold'}", "shop"),
              bed.err);
    assert_rows(
        &bed.site, MESSAGES,
        "other|customers_out|C1|customers_out/C1||{\"id\":\"C1\",\"number\":\"C1\",\"email\":\"ann@x.test\","
        "\"group\":\"gold\"}");
}

static void only_groups_and_fields_that_are_configured_are_told(void **state)
{
    (void)state;
    office_bed_out(&bed, "items = { groups = { 'web' }, fields = { 'sku', 'name', 'custom.shelf' } }");
    office_bed_say(&bed, "item",
                   "{'sku':'A','group':'web','name':'Mug','barcode':'1','custom':{'shelf':'4','bin':'7'}},"
                   "{'sku':'B','group':'shop','name':'Cup'}");
    assert_rows(&bed.site, "SELECT cart, external_id, payload FROM messages ORDER BY id",
                "other|A|{\"id\":\"A\",\"sku\":\"A\",\"name\":\"Mug\",\"custom\":{\"shelf\":\"4\"}}\n"
                "shop|A|{\"id\":\"A\",\"sku\":\"A\",\"name\":\"Mug\",\"custom\":{\"shelf\":\"4\"}}");
    office_bed_say(&bed, "item", "{'sku':'A','barcode':'2'}");
    assert_result(&bed, 1, 0, 0, 0);
}

/* Two shops with the same customer, each changed on its own. A poll brings what changed, and so comes back
 * what the shop was told. */
struct shop {
    const char *name;
    char email[64], polled[64];
};

static int sync_round(struct shop shops[2])
{
    char docs[128], sql[256];
    int written = 0;
    for (int i = 0; i < 2; i++) {
        if (strcmp(shops[i].email, shops[i].polled) == 0)
            continue;
        strcpy(shops[i].polled, shops[i].email);
        snprintf(docs, sizeof docs, "{'number':'C1','email':'%s'}", shops[i].email);
        assert_ok(office_bed_put(&bed, "customer", docs, shops[i].name), bed.err);
    }
    for (int i = 0; i < 2; i++) {
        snprintf(sql, sizeof sql,
                 "SELECT json_extract(payload, '$.email') FROM messages WHERE cart = '%s' AND state = "
                 "'queued' ORDER "
                 "BY id",
                 shops[i].name);
        const char *told = site_bed_ask(&bed.site, sql);
        if (*told == '\0')
            continue;
        snprintf(shops[i].email, sizeof shops[i].email, "%s", told);
        written++;
    }
    settle_all();
    return written;
}

static void two_carts_that_both_change_a_customer_agree_and_then_are_quiet(void **state)
{
    (void)state;
    struct shop shops[] = { { "shop", "a@x.test", "" }, { "other", "a@x.test", "" } };
    sync_round(shops);
    sync_round(shops);
    assert_int_equal(sync_round(shops), 0);
    snprintf(shops[0].email, sizeof shops[0].email, "b@x.test");
    snprintf(shops[1].email, sizeof shops[1].email, "c@x.test");
    assert_true(sync_round(shops) > 0);
    sync_round(shops);
    assert_string_equal(shops[0].email, shops[1].email);
    assert_int_equal(sync_round(shops), 0);
    snprintf(shops[1].email, sizeof shops[1].email, "a@x.test"); /* as it once was */
    assert_int_equal(sync_round(shops), 1);
    assert_string_equal(shops[0].email, "a@x.test");
    assert_int_equal(sync_round(shops), 0);
    snprintf(shops[0].email, sizeof shops[0].email, "b@x.test");
    assert_int_equal(sync_round(shops), 1);
    assert_string_equal(shops[1].email, "b@x.test");
}

/* --- statuses --- */

static void a_status_that_a_person_sets_is_told(void **state)
{
    (void)state;
    struct cw_change change = { .field = "status", .value = cw_slice("shipped") };
    struct cw_edit_request request = { .cart = cw_slice("shop"),
                                       .external_id = cw_slice("101"),
                                       .kind = &cw_kind_order,
                                       .changes = &change,
                                       .count = 1,
                                       .who = cw_slice("ann"),
                                       .config = &bed.site.site->config };
    assert_ok(cw_edit_document(bed.site.store, cw_loop_clock(bed.site.loop), &request, &bed.err), bed.err);
    assert_rows(&bed.site,
                "SELECT cart, stream, external_id, lane, substr(event, 1, 9), payload FROM messages",
                "shop|statuses_out|101|order/101|101/edit/|{\"order_id\":\"101\",\"order_number\":\"N101\","
                "\"status\":\"shipped\"}");
    assert_ok(cw_edit_document(bed.site.store, cw_loop_clock(bed.site.loop), &request, &bed.err), bed.err);
    change = (struct cw_change){ .field = "note", .value = cw_slice("x") };
    assert_ok(cw_edit_document(bed.site.store, cw_loop_clock(bed.site.loop), &request, &bed.err), bed.err);
    assert_rows(&bed.site, "SELECT count(*) FROM messages", "1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(a_shipment_is_told_when_it_is_confirmed_and_once),
        TEST(the_parcel_that_leaves_nothing_completes_the_order),
        TEST(a_shipment_without_lines_is_the_whole_order),
        TEST(pieces_that_were_cancelled_complete_the_order_without_leaving),
        TEST(late_tracking_is_one_message_more_of_the_same_parcel),
        TEST(a_corrected_tracking_number_names_the_one_before),
        TEST(tracking_that_comes_before_the_parcel_was_told_goes_with_it),
        TEST(a_shipment_from_the_cart_itself_is_not_told_it),
        TEST(a_cart_that_is_not_told_of_shipments_gets_none),
        TEST(a_shipment_that_changes_while_it_waits_is_told_as_it_is_then),
        TEST(a_shipment_that_is_dropped_or_not_confirmed_any_more_is_not_told),
        TEST(what_the_cart_was_told_of_a_shipment_stays_when_it_is_dropped),
        TEST(an_order_is_not_complete_without_the_parcel_that_is_taken_back),
        TEST(shipments_wait_again_when_their_invoice_is_taken_back),
        TEST(a_customer_or_an_item_that_is_dropped_is_not_told),
        TEST(an_item_that_leaves_the_groups_is_not_told),
        TEST(a_level_and_a_price_that_are_dropped_are_not_told),
        TEST(a_kit_keeps_its_price_when_a_component_is_counted),
        TEST(skus_that_no_level_says_anything_of_any_more_are_named),
        TEST(an_invoice_releases_the_shipments_of_its_order),
        TEST(a_shipment_that_leaves_after_its_invoice_is_told_at_once),
        TEST(an_invoice_alone_stands_for_its_parcel),
        TEST(each_cart_is_told_of_a_customer_but_the_one_it_came_from),
        TEST(only_groups_and_fields_that_are_configured_are_told),
        TEST(two_carts_that_both_change_a_customer_agree_and_then_are_quiet),
        TEST(a_status_that_a_person_sets_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
