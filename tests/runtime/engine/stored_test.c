/* stored_test.c - stored raw records mapped again: all of them, page by page, or those that were asked for;
 * and what that tells and stores. */
#include <stdio.h>
#include <stdlib.h>

#include "ruled_bed.h"

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

#define EVERYTHING .since = CW_TIME_NONE, .until = CW_TIME_NONE
#define REPLAY(...)                                                                                          \
    assert_ok(ruled_bed_replay(&bed, &(struct cw_stored_filter){ EVERYTHING, __VA_ARGS__ },                  \
                               &(struct cw_batch_config){ 0 }),                                              \
              bed.err)

/* Orders with the ids first to last; every `nth` has a status that nobody knows. */
static void store_many(int first, int last, int nth)
{
    size_t cap = (size_t)(last - first + 1) * 220;
    char *text = malloc(cap);
    assert_non_null(text);
    size_t len = 0;
    for (int i = first; i <= last; i++)
        len += (size_t)snprintf(text + len, cap - len,
                                "%s{'id':%d,'number':'N%d','status':'%s','currency':'EUR',"
                                "'total':'3.00','lines':[{'quantity':1,'price':'3.00'}]}",
                                i > first ? "," : "", i, i, nth > 0 && i % nth == 0 ? "mystery" : "paid");
    ruled_bed_store(&bed, "orders", text);
    free(text);
}

/* --- pages --- */

static void more_records_than_a_page_holds_are_all_mapped_once(void **state)
{
    (void)state;
    store_many(1, 1250, 0);
    ruled_bed_script(&bed, "note = 'note'", "note = 'number'");
    REPLAY(.id = NULL);
    assert_ended(&bed, 1250, 0, 0, 0);
    assert_int_equal(bed.counts.pages, 3);
    assert_rows(&bed, "SELECT count(*), sum(note = number), min(last_run), max(last_run) FROM orders",
                "1250|1250|2|2");
    assert_rows(&bed, "SELECT count(*), max(version) FROM raw_records", "1250|1");
    assert_rows(&bed, "SELECT job, state, records_read, pages FROM runs ORDER BY id",
                "import|done|1250|1\n"
                "replay|done|1250|3");
}

/* What is mended waits no more, and must not make the reading of the next page miss any. */
static void more_parked_records_than_a_page_holds_are_all_mended(void **state)
{
    (void)state;
    store_many(1, 1300, 2);
    assert_ended(&bed, 650, 0, 650, 0);
    ruled_bed_script(&bed, "paid = 'paid'", "paid = 'paid', mystery = 'on_hold'");
    REPLAY(.only_parked = true, .code = "unknown-status", .subject = "mystery");
    assert_ended(&bed, 650, 0, 0, 0);
    assert_rows(&bed, "SELECT count(*), sum(status = 'on_hold') FROM orders", "1300|650");
    assert_rows(&bed, "SELECT count(*) FROM staged_records", "0");
}

static struct cw_records *as_xml(const char *text)
{
    struct cw_error err;
    struct cw_body *body = cw_body_create(1 << 20, &err);
    assert_ok(body != NULL && cw_body_write(body, cw_slice(text), &err), err);
    struct cw_records *records = cw_records_open(body, "order", "id", &err);
    assert_ok(records != NULL, err);
    return records;
}

static void records_of_several_formats_and_encodings_are_mapped_each_in_its_own(void **state)
{
    (void)state;
    ruled_bed_script(&bed, "lines = map.each('lines',", "lines = map.each('none',");
    ruled_bed_store(&bed, "orders",
                    "{'id':1,'status':'paid','currency':'EUR','total':'0','note':'é'},"
                    "{'id':3,'status':'paid','currency':'EUR','total':'0','note':'é'},"
                    "{'id':'A-1','status':'paid','currency':'EUR','total':'0','note':'é'},"
                    "{'id':'007','status':'paid','currency':'EUR','total':'0','note':'é'}");
    assert_ok(
        site_bed_batch(
            &bed,
            as_xml("<orders><order><id>2</id><status>paid</status><currency>EUR</currency><total>0</total>"
                   "<note>\xc3\xa9</note></order><order><id>10</id><status>paid</status>"
                   "<currency>EUR</currency><total>0</total><note>\xc3\xa9</note></order></orders>"),
            false),
        bed.err);
    assert_ok(
        site_bed_batch(
            &bed,
            as_xml("<?xml version='1.0' encoding='ISO-8859-1'?><orders><order><id>4</id>"
                   "<status>paid</status><currency>EUR</currency><total>0</total><note>\xe9</note></order>"
                   "<order><id>a-1</id><status>paid</status><currency>EUR</currency><total>0</total>"
                   "<note>\xe9</note></order></orders>"),
            false),
        bed.err);
    assert_rows(&bed, "SELECT count(*) FROM orders WHERE note = 'é'", "8");
    ruled_bed_script(&bed, "note = 'note'", "gift_message = 'note'");
    REPLAY(.id = NULL);
    assert_ended(&bed, 8, 0, 0, 0);
    assert_rows(&bed, "SELECT count(*) FROM orders WHERE gift_message = 'é' AND note IS NULL", "8");
}

/* --- filters --- */

static void one_record_is_mapped_alone(void **state)
{
    (void)state;
    store_many(1, 12, 2);
    ruled_bed_script(&bed, "note = 'note'", "note = 'number'");
    REPLAY(.id = "1");
    assert_ended(&bed, 1, 0, 0, 0);
    assert_rows(&bed, "SELECT external_id FROM orders WHERE note IS NOT NULL", "1");
    REPLAY(.id = "3", .only_parked = true);
    assert_ended(&bed, 0, 0, 0, 0);
    REPLAY(.id = "4", .only_parked = true);
    assert_ended(&bed, 0, 0, 1, 0);
    REPLAY(.id = "99");
    assert_ended(&bed, 0, 0, 0, 0);
}

static void only_what_waits_with_that_code_for_that_subject_is_mapped(void **state)
{
    (void)state;
    ruled_bed_store(&bed, "orders",
                    ORDER("1", "N1", "odd", "") "," ORDER("2", "N2", "mystery",
                                                          "") "," ORDER("3", "N3", "paid", "") ",{'id':4}");
    REPLAY(.only_parked = true);
    assert_ended(&bed, 0, 0, 3, 0);
    REPLAY(.only_parked = true, .code = "unknown-status");
    assert_ended(&bed, 0, 0, 2, 0);
    REPLAY(.only_parked = true, .code = "unknown-status", .subject = "odd");
    assert_ended(&bed, 0, 0, 1, 0);
    REPLAY(.only_parked = true, .code = "unknown-item");
    assert_ended(&bed, 0, 0, 0, 0);
}

static void only_what_was_received_in_the_time_is_mapped(void **state)
{
    (void)state;
    store_many(1, 3, 0);
    site_bed_wait(&bed, CW_HOUR);
    cw_time later = cw_now(cw_loop_clock(bed.loop));
    store_many(4, 5, 0);
    site_bed_wait(&bed, CW_HOUR);
    store_many(1, 1, 1); /* another version of the first one */
    struct cw_stored_filter filter = { EVERYTHING };
    const struct cw_batch_config config = { 0 };
    filter.since = later;
    assert_ok(ruled_bed_replay(&bed, &filter, &config), bed.err);
    assert_ended(&bed, 2, 0, 1, 0);
    filter.until = later + 1;
    assert_ok(ruled_bed_replay(&bed, &filter, &config), bed.err);
    assert_ended(&bed, 2, 0, 0, 0);
    filter.until = later;
    assert_ok(ruled_bed_replay(&bed, &filter, &config), bed.err);
    assert_ended(&bed, 0, 0, 0, 0);
    filter.since = CW_TIME_NONE;
    assert_ok(ruled_bed_replay(&bed, &filter, &config), bed.err);
    assert_ended(&bed, 2, 0, 0, 0); /* the first one's newest version came later */
}

static void nothing_to_map_leaves_no_run_in_the_log(void **state)
{
    (void)state;
    store_many(1, 2, 0);
    REPLAY(.only_parked = true);
    REPLAY(.id = "9");
    assert_rows(&bed, "SELECT count(*) FROM runs", "1");
    assert_int_equal(bed.state, CW_RUN_DONE);
}

/* --- dry runs --- */

struct told {
    char text[1024];
    const struct cw_comparison *comparison;
};

static bool tell_difference(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after)
{
    struct told *told = arg;
    size_t len = strlen(told->text);
    snprintf(told->text + len, sizeof told->text - len, " %.*s %.*s>%.*s", CW_SLICE_ARG(name),
             CW_SLICE_ARG(before), CW_SLICE_ARG(after));
    return true;
}

static void tell(void *arg, const struct cw_comparison *comparison)
{
    struct told *told = arg;
    const struct cw_mapped *mapped = comparison->mapped;
    size_t len = strlen(told->text);
    snprintf(told->text + len, sizeof told->text - len, "%.*s%s%s%s%s",
             CW_SLICE_ARG(comparison->key.external_id), comparison->before == NULL ? " new" : "",
             mapped->skipped_by != NULL ? " skipped" : "", mapped->issues != NULL ? " waits" : "",
             comparison->contested > 0 ? " contested" : "");
    if (comparison->before != NULL && mapped->doc != NULL && mapped->issues == NULL)
        assert_true(cw_document_differences(comparison->before, mapped->doc, comparison->arena,
                                            tell_difference, told));
    len = strlen(told->text);
    snprintf(told->text + len, sizeof told->text - len, "\n");
}

#define ALL_ROWS                                                                                             \
    "SELECT (SELECT group_concat(outcome || version || script_version) FROM raw_records), (SELECT "          \
    "group_concat(document) FROM staged_records), (SELECT group_concat(external_id || status || "            \
    "coalesce(note, '') || last_run) FROM orders), (SELECT count(*) FROM runs), (SELECT count(*) FROM "      \
    "run_notes), (SELECT group_concat(field || is_contested) FROM document_edits), (SELECT count(*) FROM "   \
    "customers), (SELECT count(*) FROM messages)"

static void a_dry_run_tells_every_difference_and_stores_nothing(void **state)
{
    (void)state;
    char before[4096];
    struct told told = { .text = "" };
    const struct cw_stored_filter filter = { EVERYTHING };
    struct cw_batch_config config = { .dry_run = true, .compared = tell, .compared_arg = &told };
    ruled_bed_store(&bed, "orders",
                    ORDER("1", "N1", "paid", ",'note':'ring'") "," ORDER("2", "N2", "mystery", "") "," ORDER(
                        "3", "N3", "paid", ",'note':'N3'") "," ORDER("4", "N4", "cancelled",
                                                                     "") "," ORDER("5", "N5", "pending", ""));
    ruled_bed_set(&bed, "3", "note", "back door");
    ruled_bed_set(&bed, "1", "status", "shipped");
    ruled_bed_rules(&bed, "rules.orders { tell_cart = 'seen' }, rules.holds { no = { status = 'pending' } }, "
                          "rules.customers { match = { 'link' }, unknown = 'keep' }");
    ruled_bed_script(&bed, "note = 'note'", "note = 'number'");
    snprintf(before, sizeof before, "%s", site_bed_ask(&bed, ALL_ROWS));
    assert_ok(ruled_bed_replay(&bed, &filter, &config), bed.err);
    assert_ended(&bed, 3, 0, 2, 0);
    assert_string_equal(told.text, "1 note ring>N1\n"
                                   "2 new waits\n"
                                   "3\n"
                                   "4 note >N4\n"
                                   "5 waits\n");
    assert_rows(&bed, ALL_ROWS, before);
    told.text[0] = '\0';
    config.dry_run = false;
    assert_ok(ruled_bed_replay(&bed, &filter, &config), bed.err);
    assert_ended(&bed, 3, 0, 2, 0);
    assert_has(told.text, "4 note >N4\n"); /* told the same */
    assert_rows(&bed, "SELECT external_id, status, note FROM orders ORDER BY external_id",
                "1|shipped|N1\n3|paid|back door\n4|cancelled|N4\n5|pending|NULL");
    assert_rows(&bed, "SELECT count(*) FROM messages", "0"); /* all of them had come before */
    told.text[0] = '\0';
    assert_ok(ruled_bed_replay(&bed, &filter, &config), bed.err);
    assert_string_equal(told.text, "1\n2 new waits\n3\n4\n5 waits\n");
}

static void a_contested_edit_is_told_by_a_dry_run_and_noted_by_the_next(void **state)
{
    (void)state;
    struct told told = { .text = "" };
    const struct cw_stored_filter filter = { EVERYTHING };
    struct cw_batch_config config = { .dry_run = true, .compared = tell, .compared_arg = &told };
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "paid", ",'note':'ring'"));
    ruled_bed_set(&bed, "1", "note", "back door");
    ruled_bed_script(&bed, "note = 'note'", "note = 'number'");
    assert_ok(ruled_bed_replay(&bed, &filter, &config), bed.err);
    assert_string_equal(told.text, "1 contested\n");
    assert_rows(&bed, "SELECT cart_value, is_contested, (SELECT count(*) FROM run_notes) FROM document_edits",
                "ring|0|0");
    REPLAY(.id = NULL);
    assert_rows(&bed, "SELECT cart_value, is_contested, (SELECT count(*) FROM run_notes) FROM document_edits",
                "N1|1|1");
}

/* A dry run of more than one transaction and page sees what it did itself as little as the store does. */
static void a_dry_run_of_many_pages_stores_nothing(void **state)
{
    (void)state;
    store_many(1, 1100, 10);
    ruled_bed_script(&bed, "paid = 'paid'", "paid = 'paid', mystery = 'on_hold'");
    const struct cw_stored_filter filter = { EVERYTHING };
    assert_ok(ruled_bed_replay(&bed, &filter, &(struct cw_batch_config){ .dry_run = true }), bed.err);
    assert_ended(&bed, 1100, 0, 0, 0);
    assert_rows(&bed,
                "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM staged_records), (SELECT "
                "count(*) FROM runs)",
                "990|110|1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(more_records_than_a_page_holds_are_all_mapped_once),
        TEST(more_parked_records_than_a_page_holds_are_all_mended),
        TEST(records_of_several_formats_and_encodings_are_mapped_each_in_its_own),
        TEST(one_record_is_mapped_alone),
        TEST(only_what_waits_with_that_code_for_that_subject_is_mapped),
        TEST(only_what_was_received_in_the_time_is_mapped),
        TEST(nothing_to_map_leaves_no_run_in_the_log),
        TEST(a_dry_run_tells_every_difference_and_stores_nothing),
        TEST(a_contested_edit_is_told_by_a_dry_run_and_noted_by_the_next),
        TEST(a_dry_run_of_many_pages_stores_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
