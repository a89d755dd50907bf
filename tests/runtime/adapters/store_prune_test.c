/* What may go, and what stays: ended runs, notices, versions of raw records. */
#include <stdio.h>

#include "store_bed.h"

enum { LIMIT = 1000 };

static void take_removed(void *arg, uint64_t removed, const struct cw_error *err)
{
    assert_ok(err == NULL, *err);
    *(int64_t *)arg = (int64_t)removed;
}

/* One transaction; the rows that it removed. */
static int64_t prune(struct store_bed *bed, struct cw_prune what)
{
    int64_t removed = -1;
    struct cw_txn *txn = begin(bed);
    cw_txn_prune(txn, &what, take_removed, &removed);
    cw_store_wait(bed->store);
    assert_true(removed >= 0);
    commit(txn);
    return removed;
}

static void prune_all(struct store_bed *bed, struct cw_prune what)
{
    while (prune(bed, what) > 0)
        ;
}

static struct cw_prune nothing(void)
{
    return (struct cw_prune){ CW_TIME_NONE, CW_TIME_NONE, CW_TIME_NONE, CW_TIME_NONE, 1, LIMIT };
}

static struct cw_prune versions(struct store_bed *bed, cw_time age, unsigned kept)
{
    struct cw_prune what = nothing();
    what.raw_until = bed->time.now - age;
    what.raw_versions = kept;
    return what;
}

static cw_time days(int count)
{
    return count * 24 * 3600 * CW_SECOND;
}

static void put_version(struct store_bed *bed, struct cw_txn *txn, const char *id, int version)
{
    static const struct cw_raw_part part = { { "address", 7 }, { "xml", 3 }, { "UTF-8", 5 }, { "<a/>", 4 } };
    char bytes[32];
    snprintf(bytes, sizeof bytes, "<order>%d</order>", version);
    struct cw_raw raw = raw_of(id, bytes);
    raw.received_at = bed->time.now;
    raw.parts = &part;
    raw.part_count = 1;
    assert_true(cw_txn_put_raw(txn, &raw));
}

/* Versions `first` to `last` of a record, one a day. */
static void put_daily(struct store_bed *bed, const char *id, int first, int last)
{
    for (int version = first; version <= last; version++) {
        struct cw_txn *txn = begin(bed);
        put_version(bed, txn, id, version);
        commit(txn);
        bed->time.now += days(1);
    }
}

static const char *versions_left(struct store_bed *bed)
{
    return ask(bed, "SELECT external_id, version FROM raw_records ORDER BY external_id, version");
}

static void superseded_versions_go_when_they_are_old_enough(void **state)
{
    struct store_bed *bed = *state;
    put_daily(bed, "1", 1, 4);
    put_daily(bed, "2", 1, 1);
    /* the third version was superseded two days ago */
    assert_true(prune(bed, versions(bed, days(2) + 1, 1)) > 0);
    assert_string_equal(versions_left(bed), "1|3\n1|4\n2|1");
    assert_string_equal(ask(bed, "SELECT count(*) FROM raw_parts"), "3");
    assert_int_equal(prune(bed, versions(bed, days(2) + 1, 1)), 0);
}

static void the_newest_version_never_goes_and_as_many_before_it_stay_as_were_asked_for(void **state)
{
    struct store_bed *bed = *state;
    put_daily(bed, "1", 1, 5);
    prune_all(bed, versions(bed, 0, 3));
    assert_string_equal(versions_left(bed), "1|3\n1|4\n1|5");
    put_daily(bed, "2", 1, 3);
    prune_all(bed, versions(bed, 0, 0));
    assert_string_equal(ask(bed, "SELECT version FROM raw_records WHERE external_id = '2'"), "3");
}

static void what_was_kept_goes_with_a_later_version_of_its_record(void **state)
{
    struct store_bed *bed = *state;
    put_daily(bed, "1", 1, 3);
    prune_all(bed, versions(bed, 0, 2));
    assert_string_equal(versions_left(bed), "1|2\n1|3");
    put_daily(bed, "1", 4, 5);
    prune_all(bed, versions(bed, 0, 2));
    assert_string_equal(versions_left(bed), "1|4\n1|5");
    assert_string_equal(ask(bed, "SELECT count(*) FROM raw_superseded"), "0");
}

static void a_version_after_pruning_is_the_next_one(void **state)
{
    struct store_bed *bed = *state;
    put_daily(bed, "1", 1, 3);
    prune_all(bed, versions(bed, 0, 1));
    put_daily(bed, "1", 4, 4);
    assert_string_equal(versions_left(bed), "1|3\n1|4");
}

static void no_more_is_removed_at_once_than_was_allowed(void **state)
{
    struct store_bed *bed = *state;
    struct cw_prune what;
    put_daily(bed, "1", 1, 8);
    what = versions(bed, 0, 1);
    what.limit = 3;
    assert_int_equal(prune(bed, what), 3);
    assert_string_equal(ask(bed, "SELECT count(*) FROM raw_records"), "5");
    assert_int_equal(prune(bed, what), 3);
    assert_int_equal(prune(bed, what), 1);
    assert_int_equal(prune(bed, what), 0);
    assert_string_equal(versions_left(bed), "1|8");
}

/* --- runs and notices --- */

static int64_t put_run(struct store_bed *bed, int notes, bool ended)
{
    int64_t id = start_run(bed);
    struct cw_run run = { .id = id,
                          .state = ended ? CW_RUN_DONE : CW_RUN_OPEN,
                          .ended_at = ended ? bed->time.now : CW_TIME_NONE,
                          .started_at = bed->time.now };
    struct cw_txn *txn = begin(bed);
    for (int i = 0; i < notes; i++)
        assert_true(cw_txn_put_run_note(txn, id, cw_slice("warning"), cw_slice("odd"), key_of("7")));
    assert_true(cw_txn_put_run(txn, &run));
    commit(txn);
    return id;
}

static void old_runs_go_with_their_notes_and_open_ones_stay(void **state)
{
    struct store_bed *bed = *state;
    struct cw_prune what = nothing();
    put_run(bed, 5, true);
    put_run(bed, 0, true);
    bed->time.now += days(1);
    what.runs_until = bed->time.now;
    put_run(bed, 1, true);
    put_run(bed, 0, false);
    what.limit = 4;
    assert_int_equal(prune(bed, what), 4);
    assert_string_equal(ask(bed, "SELECT count(*) FROM runs"), "4");
    assert_int_equal(prune(bed, what), 3);
    assert_int_equal(prune(bed, what), 0);
    assert_string_equal(ask(bed, "SELECT state FROM runs ORDER BY id"), "done\nopen");
    assert_string_equal(ask(bed, "SELECT count(*) FROM run_notes"), "1");
}

static void a_run_stays_as_long_as_a_record_waits_that_it_left(void **state)
{
    struct store_bed *bed = *state;
    struct cw_prune what = nothing();
    const struct cw_issue issue = { cw_slice("totals"), cw_slice(""), cw_slice(""), cw_slice(""),
                                    cw_slice("odd") };
    put_run(bed, 1, true);
    int64_t waits = put_run(bed, 700, true);
    put_run(bed, 1, true);
    const struct cw_staged staged = { .key = key_of("7"),
                                      .kind = &cw_kind_order,
                                      .document = cw_slice("{}"),
                                      .issues = &issue,
                                      .issue_count = 1,
                                      .at = bed->time.now,
                                      .run = waits };
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_staged(txn, &staged));
    commit(txn);
    bed->time.now += days(1);
    what.runs_until = bed->time.now;
    assert_int_equal(prune(bed, what), 4);
    assert_int_equal(prune(bed, what), 0);
    assert_string_equal(ask(bed, "SELECT count(*), (SELECT count(*) FROM run_notes) FROM runs"), "1|700");
    txn = begin(bed);
    assert_true(cw_txn_drop_staged(txn, key_of("7")));
    commit(txn);
    assert_int_equal(prune(bed, what), 701);
    assert_string_equal(ask(bed, "SELECT count(*), (SELECT count(*) FROM run_notes) FROM runs"), "0|0");
}

static void ignore_new(void *arg, bool is_new, const struct cw_error *err)
{
    (void)arg;
    assert_true(is_new);
    assert_null(err);
}

static void old_notices_go(void **state)
{
    struct store_bed *bed = *state;
    struct cw_prune what = nothing();
    for (int i = 0; i < 4; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        struct cw_webhook hook = { cw_slice("shop"), cw_slice(id), cw_slice("order"),
                                   bed->time.now,    cw_slice(""), cw_slice("{}") };
        struct cw_txn *txn = begin(bed);
        cw_txn_put_webhook(txn, &hook, ignore_new, NULL);
        cw_store_wait(bed->store);
        commit(txn);
        bed->time.now += days(1);
    }
    what.webhooks_until = bed->time.now - days(1);
    assert_int_equal(prune(bed, what), 3);
    assert_string_equal(ask(bed, "SELECT delivery_id FROM webhooks"), "3");
}

static void what_has_no_time_is_kept(void **state)
{
    struct store_bed *bed = *state;
    put_run(bed, 1, true);
    put_daily(bed, "1", 1, 2);
    bed->time.now += days(10000);
    assert_int_equal(prune(bed, nothing()), 0);
    assert_string_equal(versions_left(bed), "1|1\n1|2");
}

/* --- cost --- */

/* Records of two versions each, and those of three that are kept for their number. */
static void put_many(struct store_bed *bed, int from, int to, int count)
{
    struct cw_txn *txn = begin(bed);
    for (int i = from; i < to; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        for (int version = 1; version <= count; version++)
            put_version(bed, txn, id, version);
    }
    commit(txn);
}

static void pruning_costs_the_same_however_much_is_kept(void **state)
{
    store_bed_needs_sqlite();
    struct store_bed *bed = *state;
    struct cw_prune what;
    put_many(bed, 0, 50, 3);
    bed->time.now += days(1);
    what = versions(bed, 0, 2);
    what.limit = 10;
    store_bed_steps(bed);
    assert_int_equal(prune(bed, what), 10);
    int few = store_bed_steps(bed);
    put_many(bed, 50, 1000, 3);
    bed->time.now += days(1);
    what.raw_until = bed->time.now;
    store_bed_steps(bed);
    assert_int_equal(prune(bed, what), 10);
    int many = store_bed_steps(bed);
    assert_in_range(many, few / 2, few * 3 / 2);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(superseded_versions_go_when_they_are_old_enough),
        STORE_TEST(the_newest_version_never_goes_and_as_many_before_it_stay_as_were_asked_for),
        STORE_TEST(what_was_kept_goes_with_a_later_version_of_its_record),
        STORE_TEST(a_version_after_pruning_is_the_next_one),
        STORE_TEST(no_more_is_removed_at_once_than_was_allowed),
        STORE_TEST(old_runs_go_with_their_notes_and_open_ones_stay),
        STORE_TEST(a_run_stays_as_long_as_a_record_waits_that_it_left),
        STORE_TEST(old_notices_go),
        STORE_TEST(what_has_no_time_is_kept),
        STORE_TEST(pruning_costs_the_same_however_much_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
