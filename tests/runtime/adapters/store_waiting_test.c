/* What waits, read page by page: behind a record, with an issue, about a subject; a page costs what it holds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

struct reading {
    char text[1024];
    int rows, most; /* most 0 = all */
    bool failed;
    struct cw_error err;
};

static bool add_id(void *arg, const struct cw_raw *raw, int64_t version)
{
    struct reading *r = arg;
    size_t used = strlen(r->text);
    (void)version;
    snprintf(r->text + used, sizeof r->text - used, "%s%.*s", used > 0 ? " " : "",
             CW_SLICE_ARG(raw->key.external_id));
    return ++r->rows != r->most;
}

static void end(void *arg, const struct cw_error *err)
{
    struct reading *r = arg;
    r->failed = err != NULL;
    if (err != NULL)
        r->err = *err;
}

static struct reading read_filter(struct store_bed *bed, const struct cw_raw_filter *filter, int most)
{
    struct reading r = { .most = most };
    cw_store_read_raw(bed->store, filter, add_id, end, &r);
    return r;
}

/* Of the stream "orders in" of "shop". */
static const char *page(struct store_bed *bed, const char *code, const char *subject, const char *after,
                        int most)
{
    static struct reading r;
    struct cw_raw_filter filter = {
        .key = key_of(""), .code = cw_slice(code), .subject = cw_slice(subject), .after = cw_slice(after)
    };
    r = read_filter(bed, &filter, most);
    assert_ok(!r.failed, r.err);
    return r.text;
}

static void put_waiting(struct cw_txn *txn, const char *cart, const char *id, const struct cw_issue *issues,
                        size_t count)
{
    struct cw_raw raw = raw_of(id, "<a/>");
    raw.key.cart = cw_slice(cart);
    raw.outcome = count > 0 ? CW_PARKED : CW_POSTED;
    struct cw_staged staged = {
        .key = raw.key, .kind = &cw_kind_order, .issues = issues, .issue_count = count
    };
    assert_true(cw_txn_put_raw(txn, &raw));
    if (count > 0)
        assert_true(cw_txn_put_staged(txn, &staged));
}

/* 9 to 12 wait for SKUs, 10 for two; b for another; 20 is fine. */
static void put_several(struct store_bed *bed)
{
    struct cw_issue tea = { .code = cw_slice("unknown-item"), .subject = cw_slice("TEA") };
    struct cw_issue pot = { .code = cw_slice("unknown-item"), .subject = cw_slice("POT") };
    struct cw_issue status = { .code = cw_slice("unknown-status"), .subject = cw_slice("brewing") };
    const struct cw_issue both[] = { tea, pot, tea, status };
    struct cw_txn *txn = begin(bed);
    put_waiting(txn, "shop", "12", &tea, 1);
    put_waiting(txn, "shop", "9", &tea, 1);
    put_waiting(txn, "shop", "10", both, 4);
    put_waiting(txn, "shop", "11", &pot, 1);
    put_waiting(txn, "shop", "b", &status, 1);
    put_waiting(txn, "shop", "20", NULL, 0);
    put_waiting(txn, "other", "9", &tea, 1);
    commit(txn);
}

static void pages_follow_each_other_in_the_order_of_the_stream(void **state)
{
    put_several(*state);
    assert_string_equal(page(*state, "", "", "", 3), "9 10 11");
    assert_string_equal(page(*state, "", "", "11", 2), "12 20");
    assert_string_equal(page(*state, "", "", "20", 3), "b");
    assert_string_equal(page(*state, "", "", "b", 3), "");
    assert_string_equal(page(*state, "", "", "15", 1), "20"); /* a record that is not there has a place too */
}

static void records_are_found_by_code_and_subject_each_once(void **state)
{
    put_several(*state);
    assert_string_equal(page(*state, "unknown-item", "", "", 0), "9 10 11 12");
    assert_string_equal(page(*state, "unknown-item", "TEA", "", 0), "9 10 12");
    assert_string_equal(page(*state, "unknown-item", "POT", "", 0), "10 11");
    assert_string_equal(page(*state, "unknown-item", "tea", "", 0), "");
    assert_string_equal(page(*state, "unknown-status", "brewing", "", 0), "10 b");
    assert_string_equal(page(*state, "unknown", "", "", 0), "");
    assert_string_equal(page(*state, "unknown-item", "TEA", "9", 1), "10");
    assert_string_equal(page(*state, "unknown-item", "", "11", 0), "12");
}

static void other_parts_of_the_key_narrow_down_further(void **state)
{
    put_several(*state);
    struct cw_raw_filter filter = { .code = cw_slice("unknown-item"), .subject = cw_slice("TEA") };
    assert_string_equal(read_filter(*state, &filter, 0).text, "9 9 10 12");
    filter.key.cart = cw_slice("other");
    assert_string_equal(read_filter(*state, &filter, 0).text, "9");
    filter.key = key_of("10");
    assert_string_equal(read_filter(*state, &filter, 0).text, "10");
    filter.only_parked = true;
    assert_string_equal(read_filter(*state, &filter, 0).text, "10");
    filter.key.external_id = cw_slice("11");
    assert_string_equal(read_filter(*state, &filter, 0).text, "");
}

static void what_does_not_wait_any_more_is_not_found(void **state)
{
    put_several(*state);
    struct cw_txn *txn = begin(*state);
    assert_true(cw_txn_drop_staged(txn, key_of("9")));
    commit(txn);
    assert_string_equal(page(*state, "unknown-item", "TEA", "", 0), "10 12");
}

static void a_page_behind_a_record_of_no_stream_and_a_subject_without_code_are_refused(void **state)
{
    struct cw_raw_filter filter = { .after = cw_slice("9") };
    filter.key.cart = cw_slice("shop");
    assert_int_equal(read_filter(*state, &filter, 0).err.code, CW_USAGE);
    filter = (struct cw_raw_filter){ .subject = cw_slice("TEA") };
    assert_int_equal(read_filter(*state, &filter, 0).err.code, CW_USAGE);
}

/* --- what a page costs --- */

static void put_many(struct store_bed *bed, int from, int to)
{
    struct cw_txn *txn = begin(bed);
    char id[16], subject[16];
    for (int i = from; i < to; i++) {
        snprintf(id, sizeof id, "%d", i);
        snprintf(subject, sizeof subject, "SKU-%d", i % 100);
        struct cw_issue issue = { .code = cw_slice("unknown-item"), .subject = cw_slice(subject) };
        put_waiting(txn, "shop", id, &issue, 1);
    }
    commit(txn);
}

static int cost_of(struct store_bed *bed, const struct cw_raw_filter *filter)
{
    store_bed_steps(bed);
    struct reading r = read_filter(bed, filter, 5);
    assert_int_equal(r.rows, 5);
    return store_bed_steps(bed);
}

static void a_page_costs_the_same_however_much_waits(void **state)
{
    store_bed_needs_sqlite();
    struct cw_raw_filter filters[] = {
        { .key = key_of("") },
        { .key = key_of(""), .only_parked = true },
        { .key = key_of(""), .code = cw_slice("unknown-item") },
        { .key = key_of(""), .code = cw_slice("unknown-item"), .subject = cw_slice("SKU-50") },
        { .code = cw_slice("unknown-item") },
        { .code = cw_slice("unknown-item"), .subject = cw_slice("SKU-50") },
    };
    enum { COUNT = sizeof filters / sizeof *filters };
    int before[COUNT];
    put_many(*state, 1000, 2000);
    for (size_t i = 0; i < COUNT; i++) {
        filters[i].after = cw_slice(filters[i].key.cart.len > 0 ? "1400" : "");
        before[i] = cost_of(*state, &filters[i]);
        assert_true(before[i] < 1000);
    }
    put_many(*state, 2000, 6000);
    for (size_t i = 0; i < COUNT; i++) {
        filters[i].after = cw_slice(filters[i].key.cart.len > 0 ? "4400" : "");
        assert_int_equal(cost_of(*state, &filters[i]), before[i]);
    }
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(pages_follow_each_other_in_the_order_of_the_stream),
        STORE_TEST(records_are_found_by_code_and_subject_each_once),
        STORE_TEST(other_parts_of_the_key_narrow_down_further),
        STORE_TEST(what_does_not_wait_any_more_is_not_found),
        STORE_TEST(a_page_behind_a_record_of_no_stream_and_a_subject_without_code_are_refused),
        STORE_TEST(a_page_costs_the_same_however_much_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
