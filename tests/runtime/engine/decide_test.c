/* decide_test.c - what becomes of records whose site has rules: customers that orders make, what is kept of
 * earlier versions, messages, releases, and edits of people. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/fault_vfs.h"
#include "ruled_bed.h"

#define GUESTS "rules.customers { match = { 'link', 'email' }, unknown = 'create' }"
#define ANN    ",'email':'ann@x.test','billing':{'id':'a1','street':'Rue 1','city':'Nantes','country':'FR'}"
#define CUSTOMERS                                                                                            \
    "SELECT external_id, email, first_run, last_run, (SELECT count(*) FROM customer_addresses a WHERE "      \
    "a.customer_id = c.id) FROM customers c ORDER BY external_id"
#define WAITING                                                                                              \
    "SELECT s.external_id, s.state, i.code FROM staged_records s JOIN staged_issues i ON i.staged_id = "     \
    "s.id ORDER BY s.id, i.position"

static struct site_bed bed;

static int open_bed(void **state)
{
    (void)state;
    ruled_bed_init(&bed, "");
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    site_bed_fini(&bed);
    return 0;
}

static void store(const char *orders)
{
    ruled_bed_store(&bed, "orders", orders);
}

/* `first`, then so many orders without a buyer that `last` is of another slice. */
static void store_apart(const char *first, const char *last)
{
    static char text[60000];
    int len = snprintf(text, sizeof text, "%s", first);
    for (int i = 0; i < 100; i++)
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "," ORDER("%d", "F%d", "paid", ",'email':'f@x.test'"), 1000 + i, i);
    snprintf(text + len, sizeof text - (size_t)len, ",%s", last);
    store(text);
}

/* --- customers that orders make --- */

static void a_guest_with_two_orders_in_one_slice_is_one_customer(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, GUESTS);
    store(ORDER("1", "N1", "paid", ANN) "," ORDER("2", "N2", "paid", ",'email':'Ann@X.test'"));
    assert_ended(&bed, 2, 0, 0, 0);
    assert_rows(&bed, CUSTOMERS, "email:ann@x.test|ann@x.test|1|1|1");
    assert_rows(&bed, "SELECT customer FROM orders", "shop:email:ann@x.test\nshop:email:ann@x.test");
}

static void a_guest_with_orders_in_two_slices_of_a_page_is_one_customer(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, GUESTS);
    store_apart(ORDER("1", "N1", "paid", ANN), ORDER("2", "N2", "paid", ",'email':'Ann@X.test'"));
    assert_ended(&bed, 102, 0, 0, 0);
    assert_rows(&bed, CUSTOMERS, "email:ann@x.test|ann@x.test|1|1|1\nemail:f@x.test|f@x.test|1|1|0");
    assert_rows(&bed,
                "SELECT external_id, customer FROM orders WHERE external_id < '3' AND id > 0 AND number LIKE "
                "'N%'",
                "1|shop:email:ann@x.test\n2|shop:email:ann@x.test");
}

static void a_guest_with_orders_in_two_pages_is_one_customer(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, GUESTS);
    store(ORDER("1", "N1", "paid", ANN));
    store(ORDER("2", "N2", "paid", ",'email':'ANN@x.test'"));
    assert_rows(&bed, CUSTOMERS, "email:ann@x.test|ann@x.test|1|1|1"); /* found, so not written again */
    assert_rows(&bed, "SELECT external_id, customer FROM orders",
                "1|shop:email:ann@x.test\n2|shop:email:ann@x.test");
}

static void an_order_takes_what_a_customer_made_before_it_in_the_slice_was_given(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, "rules.customers { match = { 'link', 'email' }, unknown = 'create', "
                          "payment_term = 'NET30', sales_rep = 'Bob' }");
    store(ORDER("1", "N1", "paid", ANN) "," ORDER("2", "N2", "paid", ",'email':'ann@x.test'"));
    assert_rows(&bed, "SELECT external_id, payment_term, sales_rep FROM orders", "1|NET30|Bob\n2|NET30|Bob");
}

static void an_account_that_never_came_is_made_under_its_own_id_and_mended_by_its_record(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, GUESTS);
    store(ORDER("1", "N1", "paid", ",'customer':17,'email':'old@x.test'"));
    assert_rows(&bed, "SELECT external_id, email, guest FROM customers", "17|old@x.test|0");
    ruled_bed_store(&bed, "customers", "{'id':17,'email':'new@x.test','name':'Zoe'}");
    assert_rows(&bed, "SELECT external_id, email, first_name FROM customers", "17|new@x.test|Zoe");
    store(ORDER("2", "N2", "paid", ",'email':'new@x.test'"));
    assert_rows(&bed, "SELECT customer FROM orders", "shop:17\nshop:17");
}

static void two_customers_of_one_email_are_never_guessed(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, GUESTS);
    ruled_bed_store(&bed, "customers", "{'id':17,'email':'ann@x.test'},{'id':18,'email':'ann@x.test'}");
    store(ORDER("1", "N1", "paid", ANN));
    assert_rows(&bed, WAITING, "1|held|ambiguous-customer");
    assert_rows(&bed, "SELECT count(*) FROM customers", "2");
}

static void an_order_that_waits_brings_no_customer(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, GUESTS ", rules.holds { above = '2' }");
    store(ORDER("1", "N1", "paid", ANN));
    assert_rows(&bed, WAITING, "1|held|over-limit");
    assert_rows(&bed, CUSTOMERS, "");
    ruled_bed_release(&bed, "1");
    ruled_bed_again(&bed, "orders", ORDER("1", "N1", "paid", ANN));
    assert_rows(&bed, CUSTOMERS, "email:ann@x.test|ann@x.test|2|2|1");
}

static void orders_of_one_guest_that_are_released_together_make_one_customer(void **state)
{
    (void)state;
    const char *orders = ORDER("1", "N1", "paid", ANN) "," ORDER("2", "N2", "paid", ",'email':'ann@x.test'");
    ruled_bed_rules(&bed, GUESTS ", rules.holds { above = '2' }");
    store(orders);
    ruled_bed_release(&bed, "1");
    ruled_bed_release(&bed, "2");
    ruled_bed_again(&bed, "orders", orders);
    assert_ended(&bed, 2, 0, 0, 0);
    assert_rows(&bed, CUSTOMERS, "email:ann@x.test|ann@x.test|2|2|1"); /* with the address of the first */
}

static void the_customer_stands_before_the_order_that_names_it(void **state)
{
    (void)state;
    int between = 0;
    for (long n = 1, fired = 1; fired; n++) {
        fault_vfs_arm((struct fault_plan){ .at = 0 });
        site_bed_close(&bed);
        fault_vfs_format();
        ruled_bed_rules(&bed, GUESTS);
        fault_vfs_arm((struct fault_plan){ .operations = FAULT_WRITE, .at = n, .effect = FAULT_DISK_FULL });
        struct cw_records *records = site_bed_records(
            "{\"orders\":[{\"id\":1,\"status\":\"paid\",\"currency\":\"EUR\",\"email\":\"ann@x.test\"}]}");
        between += !site_bed_batch(&bed, records, false);
        fired = fault_vfs_fired();
        fault_vfs_arm((struct fault_plan){ .at = 0 });
        assert_rows(
            &bed,
            "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM customers c WHERE o.customer "
            "= o.cart || ':' || c.external_id)",
            "0");
    }
    assert_true(between > 3);
}

/* Shops count orders and customers alike: order 17 is often of customer 17, or of one that has another's
 * number. */
static void a_customer_with_the_id_of_an_order_is_another_document(void **state)
{
    (void)state;
    const char *order = ORDER("17", "N1", "paid", ",'customer':17,'email':'ann@x.test','note':'ring'");
    store(order);
    ruled_bed_set(&bed, "17", "note", "back door");
    ruled_bed_rules(&bed, GUESTS);
    ruled_bed_again(&bed, "orders", order);
    assert_ended(&bed, 1, 0, 0, 0);
    assert_rows(&bed, "SELECT external_id, email, note FROM customers", "17|ann@x.test|NULL");
    assert_rows(&bed, "SELECT external_id, customer, note FROM orders", "17|shop:17|back door");
    ruled_bed_again(&bed, "orders", order);
    assert_rows(&bed, "SELECT kind, field FROM document_edits", "order|note");
}

static void a_release_of_an_order_is_none_for_orders_of_a_customer_with_its_id(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, GUESTS ", rules.holds { above = '2' }");
    store(ORDER("17", "N1", "paid", ANN));
    ruled_bed_release(&bed, "17");
    store(ORDER("5", "N5", "paid", ",'customer':17,'email':'bob@x.test'"));
    assert_ended(&bed, 0, 0, 1, 0);
    assert_rows(&bed, "SELECT count(*) FROM orders", "0");
}

/* --- pages cut anywhere --- */

enum { RANDOM_ORDERS = 90, RANDOM_BYTES = 400 };

/* Few buyers, numbers and ids, so that most orders have to do with others. */
static void random_orders(struct cw_random *random, char orders[RANDOM_ORDERS][RANDOM_BYTES])
{
    static const char *const emails[] = { "", ",'email':'ann@x.test'", ",'email':'Ann@X.test'",
                                          ",'email':'bob@x.test'", ",'email':'cid@x.test'" };
    static const char *const customers[] = { "", "", ",'customer':3", ",'customer':4", ",'customer':'5'" };
    static const char *const statuses[] = { "paid", "paid", "shipped", "pending", "mystery" };
    static const char *const notes[] = { "", "", ",'note':'odd'", ",'billing':{'id':'b1','city':'Lyon'}",
                                         ",'billing':{'city':'Nantes'}" };
    for (int i = 0; i < RANDOM_ORDERS; i++)
        snprintf(orders[i], RANDOM_BYTES,
                 "{'id':%d,'number':'N%d','status':'%s','currency':'EUR','total':'%d','lines':[{'id':7,"
                 "'quantity':1,'price':'%d','total':'3'}]%s%s%s}",
                 1 + (int)cw_random_below(random, 70), 1 + (int)cw_random_below(random, 50),
                 statuses[cw_random_below(random, 5)], 3 + (cw_random_below(random, 9) == 0), 3,
                 emails[cw_random_below(random, 5)], customers[cw_random_below(random, 5)],
                 notes[cw_random_below(random, 5)]);
}

/* In pages of up to `most` records each. */
static void store_cut(char orders[RANDOM_ORDERS][RANDOM_BYTES], struct cw_random *random, unsigned most)
{
    static char page[RANDOM_ORDERS * RANDOM_BYTES];
    for (int i = 0; i < RANDOM_ORDERS;) {
        int end = i + 1 + (int)cw_random_below(random, most), len = 0;
        for (; i < end && i < RANDOM_ORDERS; i++)
            len += snprintf(page + len, sizeof page - (size_t)len, "%s%s", len > 0 ? "," : "", orders[i]);
        store(page);
    }
}

/* Of several orders with one number a message may name any. */
#define DECISIONS                                                                                            \
    "SELECT 'order', external_id, number, status, customer, note FROM orders UNION ALL SELECT 'customer', "  \
    "c.external_id, c.email, c.sales_rep, a.position, a.city FROM customers c LEFT JOIN customer_addresses " \
    "a ON a.customer_id = c.id UNION ALL SELECT 'waits', s.external_id, s.state, i.code, i.subject, '' "     \
    "FROM staged_records s JOIN staged_issues i ON i.staged_id = s.id UNION ALL SELECT 'raw', external_id, " \
    "version, outcome, reason, '' FROM raw_records UNION ALL SELECT 'told', external_id, payload, '', '', "  \
    "'' FROM messages ORDER BY 1, 2, 3, 4, 5, 6"

/* The rows are too many to be shown whole. */
static void assert_same(const char *whole, const char *cut, unsigned long long seed, unsigned most)
{
    const char *line = whole;
    for (size_t i = 0; whole[i] == cut[i] && whole[i] != '\0'; i++)
        line = whole[i] == '\n' ? whole + i + 1 : line;
    if (strcmp(whole, cut) != 0)
        fail_msg("seed %llu in pages of %u: \"%.120s\" instead of \"%.120s\"", seed, most,
                 cut + (line - whole), line);
}

static void where_pages_are_cut_decides_nothing(void **state)
{
    (void)state;
    static char orders[RANDOM_ORDERS][RANDOM_BYTES], whole[sizeof bed.text];
    const char *rules =
        "rules.customers { match = { 'link', 'email' }, unknown = 'create', sales_rep = 'Bob' }, "
        "rules.orders { tell_cart = 'seen' }, "
        "rules.holds { duplicates = true, odd = { note = 'odd' } }";
    for (uint64_t seed = 1; seed <= 12; seed++) {
        static const unsigned mosts[] = { RANDOM_ORDERS, 1, 2, 7, 30 };
        struct cw_random random;
        cw_random_seed(&random, seed);
        random_orders(&random, orders);
        for (size_t m = 0; m < sizeof mosts / sizeof *mosts; m++) {
            site_bed_close(&bed);
            fault_vfs_format();
            ruled_bed_rules(&bed, rules);
            if (m == 0) {
                static char all[RANDOM_ORDERS * RANDOM_BYTES];
                int len = 0;
                for (int i = 0; i < RANDOM_ORDERS; i++)
                    len += snprintf(all + len, sizeof all - (size_t)len, "%s%s", i > 0 ? "," : "", orders[i]);
                store(all);
                snprintf(whole, sizeof whole, "%s", site_bed_ask(&bed, DECISIONS));
                assert_true(strlen(whole) < sizeof whole - 1);
            } else {
                store_cut(orders, &random, mosts[m]);
                assert_same(whole, site_bed_ask(&bed, DECISIONS), seed, mosts[m]);
            }
        }
    }
}

/* --- numbers that come twice --- */

#define UNIQUE "rules.holds { duplicates = true }"

static void a_number_twice_in_a_page_holds_the_second_order(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, UNIQUE);
    store(ORDER("1", "N1", "paid", "") "," ORDER("2", "N1", "paid", ""));
    assert_ended(&bed, 1, 0, 1, 0);
    assert_rows(&bed, WAITING, "2|held|duplicate");
    store_apart(ORDER("3", "N3", "paid", ""), ORDER("4", "N3", "paid", ""));
    assert_rows(&bed, WAITING, "2|held|duplicate\n4|held|duplicate");
}

static void a_number_twice_in_two_pages_holds_the_second_order_and_never_the_first(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, UNIQUE);
    store(ORDER("1", "N1", "paid", ""));
    store(ORDER("2", "N1", "paid", ""));
    store(ORDER("1", "N1", "shipped", ""));
    assert_rows(&bed, WAITING, "2|held|duplicate");
    assert_rows(&bed, "SELECT external_id, status FROM orders", "1|shipped");
    ruled_bed_release(&bed, "2");
    ruled_bed_again(&bed, "orders", ORDER("2", "N1", "paid", ""));
    assert_rows(&bed, "SELECT external_id, number FROM orders", "1|N1\n2|N1");
}

static void a_number_that_was_given_up_in_the_same_page_is_free(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, UNIQUE);
    store(ORDER("1", "N1", "paid", ""));
    store(ORDER("1", "N2", "paid", "") "," ORDER("2", "N1", "paid", "") "," ORDER("3", "N2", "paid", ""));
    assert_rows(&bed, WAITING, "3|held|duplicate");
}

static void an_order_that_waits_takes_no_number(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, UNIQUE);
    store(ORDER("1", "N1", "mystery", "") "," ORDER("2", "N1", "paid", ""));
    assert_rows(&bed, WAITING, "1|parked|unknown-status");
    assert_rows(&bed, "SELECT external_id FROM orders", "2");
}

static void where_a_page_is_cut_does_not_decide_whose_order_it_is(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, GUESTS);
    ruled_bed_store(&bed, "customers", "{'id':17,'email':'Ann@x.test'},{'id':18,'email':'ann@x.test'}");
    store(ORDER("1", "N1", "paid", ",'email':'ann@x.test'"));
    store(ORDER("2", "N2", "paid", ",'customer':19,'email':'Bob@x.test'") "," ORDER(
        "3", "N3", "paid", ",'customer':20,'email':'bob@x.test'") "," ORDER("4", "N4", "paid",
                                                                            ",'email':'bob@x.test'"));
    char together[64];
    snprintf(together, sizeof together, "%s",
             site_bed_ask(&bed, "SELECT external_id, customer FROM orders ORDER BY id"));
    store(ORDER("5", "N5", "paid", ",'customer':21,'email':'Cid@x.test'"));
    store(ORDER("6", "N6", "paid", ",'customer':22,'email':'cid@x.test'"));
    store(ORDER("7", "N7", "paid", ",'email':'cid@x.test'"));
    assert_rows(&bed, "SELECT external_id, customer FROM orders WHERE external_id > '4' ORDER BY id",
                "5|shop:21\n6|shop:21\n7|shop:21");
    assert_string_equal(together, "1|shop:18\n2|shop:19\n3|shop:19\n4|shop:19");
}

/* --- what was taken in before --- */

static void an_order_taken_in_is_kept_up_to_date_though_it_would_be_skipped_now(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, "rules.orders { only = { status = { 'paid' } } }");
    store(ORDER("1", "N1", "paid", "") "," ORDER("2", "N2", "pending", ""));
    assert_ended(&bed, 1, 0, 0, 1);
    assert_rows(&bed, "SELECT external_id, reason FROM raw_records WHERE outcome = 'skipped'",
                "2|orders.only status");
    store(ORDER("1", "N1", "cancelled", "") "," ORDER("2", "N2", "cancelled", ""));
    assert_ended(&bed, 1, 0, 0, 1);
    assert_rows(&bed, "SELECT external_id, status FROM orders", "1|cancelled");
}

static void what_a_skip_depends_on_waits_when_it_cannot_be_mapped(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, "rules.orders { only = { status = { 'paid' } } }");
    store(ORDER("1", "N1", "mystery", ""));
    assert_ended(&bed, 0, 0, 1, 0);
}

static void type_and_state_are_decided_when_an_order_first_comes(void **state)
{
    (void)state;
    ruled_bed_rules(&bed,
                    "rules.orders { state = rules.by('status', { pending = 'pending', ['*'] = 'released' "
                    "}), type = rules.by('channel', { pos = 'cash_sale', ['*'] = 'sales_order' }) }");
    store(ORDER("1", "N1", "pending", ",'channel':'pos'"));
    store(ORDER("1", "N1", "paid", ",'channel':'web'"));
    assert_rows(&bed, "SELECT status, state, type, channel FROM orders", "paid|pending|cash_sale|web");
    ruled_bed_set(&bed, "1", "state", "released");
    store(ORDER("1", "N1", "shipped", ",'channel':'web'"));
    assert_rows(&bed, "SELECT status, state, type FROM orders", "shipped|released|cash_sale");
    assert_rows(&bed, "SELECT value, cart_value, is_contested FROM document_edits", "released|pending|0");
}

static void a_step_back_of_a_status_is_held_by_what_the_cart_said_last(void **state)
{
    (void)state;
    store(ORDER("1", "N1", "shipped", ""));
    store(ORDER("1", "N1", "pending", ""));
    assert_rows(&bed, WAITING, "1|held|status-step");
    assert_rows(&bed, "SELECT status FROM orders", "shipped");
    store(ORDER("1", "N1", "cancelled", ""));
    assert_rows(&bed, WAITING, "");
    assert_rows(&bed, "SELECT status FROM orders", "cancelled");
}

/* --- messages --- */

static void the_cart_is_told_once_when_an_order_first_comes(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, "rules.orders { tell_cart = rules.by('status', { paid = 'in \"work\"' }) }, "
                          "rules.holds { above = '2' } }, out = { statuses = {}");
    store(ORDER("1", "N1", "paid", ""));
    assert_rows(&bed, "SELECT count(*) FROM messages", "0"); /* it waits */
    ruled_bed_release(&bed, "1");
    ruled_bed_again(&bed, "orders", ORDER("1", "N1", "paid", ""));
    const char *told = "1|statuses_out|order/1|queued|"
                       "{\"order_id\":\"1\",\"order_number\":\"N1\",\"status\":\"in \\\"work\\\"\"}";
    assert_rows(&bed, "SELECT external_id, stream, lane, state, payload FROM messages", told);
    store(ORDER("1", "N1", "shipped", ""));
    ruled_bed_again(&bed, "orders", ORDER("1", "N1", "shipped", ""));
    assert_rows(&bed, "SELECT external_id, stream, lane, state, payload FROM messages", told);
}

/* --- releases --- */

static void a_released_record_is_posted_and_held_again_when_the_issue_changes(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, "rules.holds { above = '2' }");
    store(ORDER("1", "N1", "pending", ""));
    ruled_bed_release(&bed, "1");
    store(ORDER("1", "N1", "paid", "")); /* another version with the same issue */
    assert_ended(&bed, 1, 0, 0, 0);
    assert_rows(&bed, WAITING, "");
    assert_rows(&bed, "SELECT outcome, reason FROM raw_records ORDER BY id", "parked|over-limit\nposted|");
    store("{'id':1,'number':'N1','status':'paid','currency':'EUR','total':'4.00','lines':[{'id':7,'sku':'A',"
          "'quantity':1,'price':'4.00','total':'4.00'}]}");
    assert_rows(&bed, WAITING, "1|held|over-limit");
    assert_rows(&bed, "SELECT total FROM orders", "3.00");
}

static void a_release_is_for_one_issue_and_one_record(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, "rules.holds { above = '2', unpaid = { status = 'pending' } }");
    store(ORDER("1", "N1", "pending", "") "," ORDER("2", "N2", "pending", ""));
    ruled_bed_release(&bed, "1");
    ruled_bed_rules(
        &bed, "rules.holds { above = '2', unpaid = { status = 'pending' }, web = { channel = 'web' } }");
    store(
        ORDER("1", "N1", "pending", ",'channel':'web'") "," ORDER("2", "N2", "pending", ",'channel':'web'"));
    assert_rows(&bed, WAITING, "1|held|held-web\n2|held|over-limit\n2|held|held-unpaid\n2|held|held-web");
}

static void what_must_be_mended_is_never_let_pass(void **state)
{
    (void)state;
    store(ORDER("1", "N1", "mystery", ""));
    ruled_bed_release(&bed, "1");
    ruled_bed_again(&bed, "orders", ORDER("1", "N1", "mystery", ""));
    assert_ended(&bed, 0, 0, 1, 0);
    assert_rows(&bed, "SELECT count(*) FROM orders", "0");
}

/* --- edits --- */

#define EDITS "SELECT field, value, cart_value, is_contested FROM document_edits ORDER BY field"
#define NOTES "SELECT run_id, level, message FROM run_notes ORDER BY run_id, message"

static void an_edit_lies_over_the_next_version(void **state)
{
    (void)state;
    store(ORDER("1", "N1", "paid", ",'note':'ring'"));
    ruled_bed_set(&bed, "1", "note", "back door");
    ruled_bed_set(&bed, "1", "lines[1].sku", "B");
    ruled_bed_set(&bed, "1", "billing.city", "Lyon");
    ruled_bed_set(&bed, "1", "custom.gift", "red");
    store(ORDER("1", "N1", "shipped", ",'note':'ring'"));
    assert_rows(
        &bed,
        "SELECT o.status, o.note, o.billing_city, o.custom, l.sku FROM orders o JOIN order_lines l ON "
        "l.order_id = o.id",
        "shipped|back door|Lyon|{\"gift\":\"red\"}|B");
    assert_rows(&bed, EDITS,
                "billing.city|Lyon|NULL|0\ncustom.gift|red|NULL|0\nlines[id=7].sku|B|A|0\n"
                "note|back door|ring|0");
    assert_rows(&bed, NOTES, "");
}

static void an_edit_that_the_cart_contradicts_stays_and_is_told_once(void **state)
{
    (void)state;
    const char *told = "2|warning|note was edited here to \"back door\", and stays so; the cart now says "
                       "\"call first\"";
    store(ORDER("1", "N1", "paid", ",'note':'ring'"));
    ruled_bed_set(&bed, "1", "note", "back door");
    store(ORDER("1", "N1", "paid", ",'note':'call first'"));
    assert_rows(&bed, "SELECT note FROM orders", "back door");
    assert_rows(&bed, EDITS, "note|back door|call first|1");
    assert_rows(&bed, NOTES, told);
    store(ORDER("1", "N1", "shipped", ",'note':'call first'"));
    assert_rows(&bed, NOTES, told);
    store(ORDER("1", "N1", "shipped", ""));
    assert_rows(&bed, EDITS, "note|back door|NULL|1");
    assert_rows(&bed, "SELECT note FROM orders", "back door");
}

static void an_edit_of_a_line_that_vanished_is_told_and_comes_back_with_the_line(void **state)
{
    (void)state;
    store(ORDER("1", "N1", "paid", ""));
    ruled_bed_set(&bed, "1", "lines[id=7].sku", "B");
    store("{'id':1,'number':'N1','status':'paid','currency':'EUR','total':'3.00','lines':[{'id':8,'sku':'C',"
          "'quantity':1,'price':'3.00','total':'3.00'}]}");
    assert_ended(&bed, 1, 0, 0, 0);
    assert_rows(&bed, "SELECT external_id, sku FROM order_lines", "8|C");
    assert_rows(&bed, EDITS, "lines[id=7].sku|B|NULL|1");
    assert_rows(&bed, "SELECT count(*) FROM run_notes", "1");
    store(ORDER("1", "N1", "shipped", ""));
    assert_rows(&bed, "SELECT external_id, sku FROM order_lines", "7|B");
    assert_rows(&bed, EDITS, "lines[id=7].sku|B|A|1");
}

static void an_edit_of_an_amount_counts_in_the_sums_of_the_next_version(void **state)
{
    (void)state;
    struct cw_error err;
    const struct cw_change changes[] = { { .field = "lines[1].unit_price", .value = cw_slice("2.00") },
                                         { .field = "lines[1].total", .value = cw_slice("4.00") },
                                         { .field = "total", .value = cw_slice("4.00") } };
    store(ORDER("1", "N1", "paid", ""));
    assert_ok(ruled_bed_edit(&bed, "1", changes, 3, &err), err);
    store(ORDER("1", "N1", "shipped", "")); /* right by itself, and with the edits */
    assert_rows(&bed, "SELECT status, total FROM orders", "shipped|4.00");
    store(
        "{'id':1,'number':'N1','status':'completed','currency':'EUR','total':'5.00','lines':[{'id':7,'sku':"
        "'A','quantity':2,'price':'1.50','total':'3.00'},{'id':8,'quantity':1,'price':'2.00','total':'2.00'}]"
        "}");
    assert_ended(&bed, 0, 0, 1, 0);
    assert_rows(&bed, "SELECT status, total FROM orders", "shipped|4.00");
}

/* The rules see what the cart says, and a matched customer's edits stay with the customer. */
static void an_edited_customer_keeps_its_edits_when_its_record_comes(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_change change = { .field = "phone", .value = cw_slice("079") };
    struct cw_edit_request request = { .cart = cw_slice("shop"),
                                       .external_id = cw_slice("17"),
                                       .kind = &cw_kind_customer,
                                       .changes = &change,
                                       .count = 1,
                                       .who = cw_slice("ann") };
    ruled_bed_rules(&bed, GUESTS);
    store(ORDER("1", "N1", "paid", ",'customer':17,'email':'ann@x.test'"));
    assert_ok(cw_edit_document(bed.store, cw_loop_clock(bed.loop), &request, &err), err);
    ruled_bed_store(&bed, "customers", "{'id':17,'email':'ann@x.test','name':'Ann','phone':'01'}");
    assert_rows(&bed, "SELECT first_name, phone FROM customers", "Ann|079");
    assert_rows(&bed, EDITS, "phone|079|01|1");
    store(ORDER("2", "N2", "paid", ",'customer':17,'email':'ann@x.test'"));
    assert_rows(&bed, "SELECT first_name, phone FROM customers", "Ann|079");
}

/* --- what stays as it is --- */

static void a_document_that_is_what_it_was_is_not_written_again(void **state)
{
    (void)state;
    const char *page = ORDER("1", "N1", "paid", ANN ",'note':'ring'") "," ORDER(
        "2", "N2", "paid", ",'customer':3,'note':'bell'");
    ruled_bed_rules(&bed, GUESTS);
    store(page);
    ruled_bed_set(&bed, "1", "note", "back door");
    const char *runs = "SELECT 'order', external_id, last_run FROM orders UNION ALL SELECT 'customer', "
                       "external_id, last_run FROM customers ORDER BY 1, 2";
    char before[256];
    snprintf(before, sizeof before, "%s", site_bed_ask(&bed, runs));
    ruled_bed_again(&bed, "orders", page);
    assert_ended(&bed, 2, 0, 0, 0);
    assert_rows(&bed, runs, before);
    ruled_bed_script(&bed, "pending = 'pending'", "pending = 'pending', unused = 'paid'");
    ruled_bed_again(&bed, "orders", page);
    assert_rows(&bed, runs, before);
    assert_rows(&bed, "SELECT count(DISTINCT script_version) FROM raw_records", "1"); /* today's */
    ruled_bed_script(&bed, "note = 'note'", "note = 'number'");
    ruled_bed_again(&bed, "orders", page);
    assert_rows(&bed, "SELECT external_id, note, last_run FROM orders ORDER BY external_id",
                "1|back door|0\n2|N2|4"); /* edits are of no run; what they say has not changed */
    assert_rows(&bed, "SELECT version FROM raw_records", "1\n1");
}

/* --- every record ends somewhere --- */

static void a_page_of_everything_adds_up(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, "rules.orders { only = { channel = { 'web' } } }, "
                          "rules.holds { above = '2', duplicates = true, odd = function(o) "
                          "if o.note == 'loop' then while true do end end "
                          "return o.note == 'odd' and 'it is odd' end }");
    store(ORDER("1", "N1", "paid", ",'channel':'web'") "," ORDER(
        "2", "N2", "paid",
        ",'channel':'pos'") "," ORDER("3", "N3", "paid",
                                      ",'channel':'web','note':'odd'") "," ORDER("4", "N4", "paid",
                                                                                 ",'channel':'web','note':'"
                                                                                 "loop'"));
    assert_ended(&bed, 0, 0, 3, 1);
    ruled_bed_rules(&bed, "rules.orders { only = { channel = { 'web' } } }");
    store(ORDER("1", "N1", "paid", ",'channel':'web'") "," ORDER(
        "2", "N2", "paid",
        ",'channel':'pos'") "," ORDER("3", "N3", "paid",
                                      ",'channel':'web','note':'odd'") "," ORDER("5", "N5", "paid",
                                                                                 ",'channel':'web'"));
    assert_ended(&bed, 3, 1, 0, 0);
    assert_rows(&bed,
                "SELECT count(*) FROM runs WHERE records_read <> records_posted + records_unchanged + "
                "records_parked + records_skipped OR state <> 'done'",
                "0");
    assert_rows(&bed, "SELECT external_id FROM orders ORDER BY 1", "1\n3\n5");
    assert_rows(&bed, "SELECT external_id FROM staged_records ORDER BY 1", "4");
}

/* A function of the site that wants more memory for its record than a slice may have. */
static void a_record_that_exhausts_the_memory_of_its_slice_is_parked_alone(void **state)
{
    (void)state;
    ruled_bed_rules(&bed,
                    "rules.orders { change = function(o) if o.note == 'big' then "
                    "local text = (' '):rep(1000000) .. 'x' for i = 1, 400 do o.note = text end end end }");
    store(ORDER("1", "N1", "paid", "") "," ORDER("2", "N2", "paid", ",'note':'big'") "," ORDER("3", "N3",
                                                                                               "paid", ""));
    assert_ended(&bed, 2, 0, 1, 0);
    assert_rows(&bed,
                "SELECT p.external_id, p.state, i.code, i.message FROM staged_records p JOIN staged_issues i "
                "ON i.staged_id = p.id",
                "2|parked|limit|rule \"orders.change\": site.lua:3: no memory left for the document");
    assert_rows(&bed, "SELECT external_id FROM orders", "1\n3");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(a_guest_with_two_orders_in_one_slice_is_one_customer),
        TEST(a_guest_with_orders_in_two_slices_of_a_page_is_one_customer),
        TEST(a_guest_with_orders_in_two_pages_is_one_customer),
        TEST(an_order_takes_what_a_customer_made_before_it_in_the_slice_was_given),
        TEST(an_account_that_never_came_is_made_under_its_own_id_and_mended_by_its_record),
        TEST(two_customers_of_one_email_are_never_guessed),
        TEST(an_order_that_waits_brings_no_customer),
        TEST(orders_of_one_guest_that_are_released_together_make_one_customer),
        TEST(the_customer_stands_before_the_order_that_names_it),
        TEST(a_customer_with_the_id_of_an_order_is_another_document),
        TEST(a_release_of_an_order_is_none_for_orders_of_a_customer_with_its_id),
        TEST(where_pages_are_cut_decides_nothing),
        TEST(a_number_twice_in_a_page_holds_the_second_order),
        TEST(a_number_twice_in_two_pages_holds_the_second_order_and_never_the_first),
        TEST(a_number_that_was_given_up_in_the_same_page_is_free),
        TEST(an_order_that_waits_takes_no_number),
        TEST(where_a_page_is_cut_does_not_decide_whose_order_it_is),
        TEST(an_order_taken_in_is_kept_up_to_date_though_it_would_be_skipped_now),
        TEST(what_a_skip_depends_on_waits_when_it_cannot_be_mapped),
        TEST(type_and_state_are_decided_when_an_order_first_comes),
        TEST(a_step_back_of_a_status_is_held_by_what_the_cart_said_last),
        TEST(the_cart_is_told_once_when_an_order_first_comes),
        TEST(a_released_record_is_posted_and_held_again_when_the_issue_changes),
        TEST(a_release_is_for_one_issue_and_one_record),
        TEST(what_must_be_mended_is_never_let_pass),
        TEST(an_edit_lies_over_the_next_version),
        TEST(an_edit_that_the_cart_contradicts_stays_and_is_told_once),
        TEST(an_edit_of_a_line_that_vanished_is_told_and_comes_back_with_the_line),
        TEST(an_edit_of_an_amount_counts_in_the_sums_of_the_next_version),
        TEST(an_edited_customer_keeps_its_edits_when_its_record_comes),
        TEST(a_document_that_is_what_it_was_is_not_written_again),
        TEST(a_page_of_everything_adds_up),
        TEST(a_record_that_exhausts_the_memory_of_its_slice_is_parked_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
