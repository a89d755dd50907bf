/* Cursors, runs, leases, tables, state, users, audit. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

static const struct cw_cursor none = { CW_TIME_NONE, CW_TIME_NONE, CW_TIME_NONE, { "", 0 } };

/* --- cursors --- */

struct got {
    bool exists;
    struct cw_cursor cursor;
    char position[64];
};

static void take_cursor(void *arg, const struct cw_cursor *cursor, const struct cw_error *err)
{
    struct got *got = arg;
    assert_null(err);
    got->exists = cursor != NULL;
    if (cursor == NULL)
        return;
    got->cursor = *cursor;
    snprintf(got->position, sizeof got->position, "%.*s", CW_SLICE_ARG(cursor->position));
}

static struct got get_cursor(struct store_bed *bed)
{
    struct got got = { 0 };
    cw_store_get_cursor(bed->store, cw_slice("shop"), cw_slice("orders in"), take_cursor, &got);
    return got;
}

static bool put_cursor(struct store_bed *bed, const struct cw_cursor *cursor, struct cw_error *err)
{
    struct cw_txn *txn = begin(bed);
    cw_txn_put_cursor(txn, cw_slice("shop"), cw_slice("orders in"), cursor);
    return try_commit(txn, err);
}

static void a_stream_without_a_cursor_has_none(void **state)
{
    assert_false(get_cursor(*state).exists);
}

static void a_cursor_comes_back_as_it_was(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    struct cw_cursor cursor = { CW_TIME_NONE, bed->time.now - CW_DAY, bed->time.now, cw_slice("page=2") };
    assert_true(put_cursor(bed, &cursor, &err));
    struct got got = get_cursor(bed);
    assert_true(got.exists);
    assert_int_equal(got.cursor.done_until, CW_TIME_NONE);
    assert_int_equal(got.cursor.window_from, cursor.window_from);
    assert_int_equal(got.cursor.window_to, cursor.window_to);
    assert_string_equal(got.position, "page=2");
}

static void a_cursor_never_goes_back(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    struct cw_cursor cursor = none, before = none;
    cursor.done_until = bed->time.now;
    assert_true(put_cursor(bed, &cursor, &err));
    assert_true(put_cursor(bed, &cursor, &err));
    before.done_until = bed->time.now - 1;
    assert_false(put_cursor(bed, &before, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, pg_server_is_wanted() ? "further on" : "2024-03-31T02:30:00"));
    assert_false(put_cursor(bed, &none, &err));
    assert_int_equal(get_cursor(bed).cursor.done_until, cursor.done_until);
}

static void a_cursor_reset_may_begin_anywhere(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    struct cw_cursor cursor = none;
    cursor.done_until = bed->time.now;
    assert_true(put_cursor(bed, &cursor, &err));
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_reset_cursor(txn, cw_slice("shop"), cw_slice("orders in")));
    commit(txn);
    assert_false(get_cursor(bed).exists);
    cursor.done_until -= CW_DAY;
    assert_true(put_cursor(bed, &cursor, &err));
}

/* --- runs --- */

static bool put_run(struct store_bed *bed, int64_t id, enum cw_run_state how, uint64_t read, uint64_t posted,
                    struct cw_error *err)
{
    struct cw_run run = { .id = id,
                          .cart = cw_slice("shop"),
                          .stream = cw_slice("orders in"),
                          .job = cw_slice("sync"),
                          .state = how,
                          .started_at = bed->time.now,
                          .ended_at = how == CW_RUN_OPEN ? CW_TIME_NONE : bed->time.now + CW_SECOND,
                          .counts = {
                              .read = read, .posted = posted, .unchanged = 1, .parked = 2, .skipped = 3 } };
    struct cw_txn *txn = begin(bed);
    cw_txn_put_run(txn, &run);
    return try_commit(txn, err);
}

static void a_run_gets_a_number_and_ends_with_its_counts(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    int64_t first = start_run(bed);
    assert_string_equal(ask(bed, "SELECT state, ended_at, records_read FROM runs"), "open|NULL|0");
    assert_true(put_run(bed, first, CW_RUN_DONE, 10, 4, &err));
    assert_true(start_run(bed) > first);
    assert_string_equal(ask(bed, "SELECT state, ended_at, records_read, records_posted, records_unchanged, "
                                 "records_parked, records_skipped FROM runs ORDER BY id"),
                        "done|2024-03-31T02:30:01.000000Z|10|4|1|2|3\nopen|NULL|0|0|0|0|0");
}

static void a_run_that_was_killed_is_failed_when_the_next_one_of_its_stream_begins(void **state)
{
    struct store_bed *bed = *state;
    start_run(bed);
    start_run(bed);
    assert_string_equal(
        ask(bed, "SELECT state, ended_at IS NULL, message LIKE '%stopped%' FROM runs ORDER BY id"),
        "failed|0|1\nopen|1|0");
}

static void a_run_that_does_not_account_for_every_record_cannot_be_done(void **state)
{
    struct cw_error err;
    int64_t id = start_run(*state);
    assert_true(put_run(*state, id, CW_RUN_OPEN, 11, 4, &err));
    assert_false(put_run(*state, id, CW_RUN_DONE, 11, 4, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_true(put_run(*state, id, CW_RUN_FAILED, 11, 4, &err));
}

static void a_run_that_never_started_is_not_found(void **state)
{
    struct cw_error err;
    assert_false(put_run(*state, 77, CW_RUN_OPEN, 0, 0, &err));
    assert_int_equal(err.code, CW_NOT_FOUND);
}

static void a_note_belongs_to_a_run_that_exists(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    int64_t id = start_run(bed);
    struct cw_txn *txn = begin(bed);
    assert_true(
        cw_txn_put_run_note(txn, id, cw_slice("warning"), cw_slice("slow"), (struct cw_record_key){ 0 }));
    assert_true(cw_txn_put_run_note(txn, id, cw_slice("error"), cw_slice("odd"), key_of("1001")));
    commit(txn);
    assert_string_equal(ask(bed, "SELECT run_id, level, message, external_id FROM run_notes ORDER BY id"),
                        "1|warning|slow|\n1|error|odd|1001");
    txn = begin(bed);
    cw_txn_put_run_note(txn, 99, cw_slice("error"), cw_slice("odd"), key_of("1001"));
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_CONFLICT);
}

/* --- leases --- */

static void a_lease_has_one_holder_until_its_time_is_over(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    assert_int_equal(take_lease(bed, "job", "a", 0, CW_MINUTE, &err), 1);
    assert_int_equal(take_lease(bed, "job", "b", 0, CW_MINUTE, &err), 0);
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "a holds the lease job until 2024-03-31T02:31:00"));
    assert_int_equal(take_lease(bed, "other", "b", 0, CW_MINUTE, &err), 1);
    test_clock_advance(&bed->time, CW_MINUTE - 1);
    assert_int_equal(take_lease(bed, "job", "b", 0, CW_MINUTE, &err), 0);
    test_clock_advance(&bed->time, 1);
    assert_int_equal(take_lease(bed, "job", "b", 0, CW_MINUTE, &err), 2);
}

static void a_lease_renewed_lasts_longer(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    assert_int_equal(take_lease(bed, "job", "a", 0, CW_MINUTE, &err), 1);
    test_clock_advance(&bed->time, 50 * CW_SECOND);
    assert_int_equal(take_lease(bed, "job", "a", 1, CW_MINUTE, &err), 1);
    test_clock_advance(&bed->time, 50 * CW_SECOND);
    assert_int_equal(take_lease(bed, "job", "b", 0, CW_MINUTE, &err), 0);
}

static void a_lease_whose_time_is_over_must_be_taken_anew(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    assert_int_equal(take_lease(bed, "job", "a", 0, CW_MINUTE, &err), 1);
    test_clock_advance(&bed->time, CW_MINUTE);
    assert_int_equal(take_lease(bed, "job", "a", 1, CW_MINUTE, &err), 0);
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "the time of the lease job of a was over"));
    assert_int_equal(take_lease(bed, "job", "a", 0, CW_MINUTE, &err), 2);
}

static void a_lease_from_a_clock_that_was_wrong_is_over(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    assert_int_equal(take_lease(bed, "job", "a", 0, CW_HOUR, &err), 1);
    assert_int_equal(take_lease(bed, "job", "b", 0, CW_MINUTE, &err), 0);
    bed->time.now -= CW_HOUR;
    assert_int_equal(take_lease(bed, "job", "b", 0, CW_MINUTE, &err), 2);
}

static void a_lease_that_was_taken_over_cannot_be_renewed_by_the_late_one(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    assert_int_equal(take_lease(bed, "job", "a", 0, CW_MINUTE, &err), 1);
    test_clock_advance(&bed->time, CW_HOUR);
    assert_int_equal(take_lease(bed, "job", "b", 0, CW_MINUTE, &err), 2);
    assert_int_equal(take_lease(bed, "job", "a", 1, CW_MINUTE, &err), 0);
    assert_int_equal(err.code, CW_CONFLICT);
}

static void a_holder_that_asks_anew_shuts_out_its_former_self(void **state)
{
    struct cw_error err;
    assert_int_equal(take_lease(*state, "job", "a", 0, CW_MINUTE, &err), 1);
    assert_int_equal(take_lease(*state, "job", "a", 0, CW_MINUTE, &err), 2);
    assert_int_equal(take_lease(*state, "job", "a", 1, CW_MINUTE, &err), 0);
}

static void a_token_never_comes_again(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    for (int64_t expected = 1; expected <= 3; expected++) {
        struct answer dropped = { 0 };
        assert_int_equal(take_lease(bed, "job", "a", 0, CW_MINUTE, &err), expected);
        cw_store_drop_lease(bed->store, cw_slice("job"), expected, answer_done, &dropped);
        assert_false(dropped.failed);
        assert_int_equal(take_lease(bed, "job", "a", expected, CW_MINUTE, &err), 0);
        store_bed_close(bed);
        store_bed_open(bed);
    }
}

static void only_the_holder_gives_a_lease_back(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    struct answer dropped = { 0 };
    assert_int_equal(take_lease(bed, "job", "a", 0, CW_MINUTE, &err), 1);
    cw_store_drop_lease(bed->store, cw_slice("job"), 7, answer_done, &dropped);
    assert_true(dropped.failed);
    assert_int_equal(dropped.err.code, CW_CONFLICT);
    assert_int_equal(take_lease(bed, "job", "b", 0, CW_MINUTE, &err), 0);
}

/* --- tables, state, users, audit --- */

static void a_row_of_a_table_may_translate_to_nothing(void **state)
{
    struct cw_slice shop = cw_slice("shop"), status = cw_slice("status");
    struct cw_txn *txn = begin(*state);
    assert_true(cw_txn_put_table_row(txn, shop, status, cw_slice("2"), cw_slice("paid")));
    assert_true(cw_txn_put_table_row(txn, shop, status, cw_slice("2"), cw_slice("shipped")));
    assert_true(cw_txn_put_table_row(txn, shop, status, cw_slice("3"), cw_slice("")));
    assert_true(cw_txn_put_table_row(txn, shop, status, cw_slice("4"), cw_slice("x")));
    assert_true(cw_txn_drop_table_row(txn, shop, status, cw_slice("4")));
    commit(txn);
    assert_string_equal(ask(*state, "SELECT key, value FROM tables ORDER BY key"), "2|shipped\n3|");
}

static void take_state(void *arg, struct cw_slice value, const struct cw_error *err)
{
    assert_null(err);
    snprintf(arg, 64, "%.*s", value.data != NULL ? (int)value.len : 4,
             value.data != NULL ? value.data : "none");
}

static const char *get_state(struct store_bed *bed, const char *key)
{
    static char text[64];
    cw_store_get_state(bed->store, cw_slice("shop"), cw_slice(key), take_state, text);
    return text;
}

static void a_cart_remembers_so_many_keys_and_no_more(void **state)
{
    struct store_bed *bed = *state;
    struct cw_slice shop = cw_slice("shop");
    char key[16];
    struct cw_txn *txn = begin(bed);
    for (int i = 0; i < CW_STATE_KEYS_MAX; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_true(cw_txn_put_state(txn, shop, cw_slice(key), cw_slice("a")));
    }
    assert_true(cw_txn_put_state(txn, shop, cw_slice("0"), cw_slice("b")));
    assert_true(cw_txn_put_state(txn, cw_slice("other"), cw_slice("x"), cw_slice("a")));
    assert_true(cw_txn_put_state(txn, shop, cw_slice("cartwright.quiet"), cw_slice("a")));
    assert_true(cw_txn_put_state(txn, shop, cw_slice("99"), cw_slice("b")));
    commit(txn);
    txn = begin(bed);
    assert_true(cw_txn_put_state(txn, shop, cw_slice("cartwright.more"), cw_slice("a")));
    assert_false(cw_txn_put_state(txn, shop, cw_slice("one more"), cw_slice("a")));
    assert_int_equal(cw_txn_error(txn)->code, CW_LIMIT);
    cw_txn_rollback(txn);
}

static void state_is_kept_replaced_and_removed(void **state)
{
    struct store_bed *bed = *state;
    struct cw_slice shop = cw_slice("shop"), key = cw_slice("token");
    assert_string_equal(get_state(bed, "token"), "none");
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_state(txn, shop, key, cw_slice("a")));
    assert_string_equal(get_state(bed, "token"), "a");
    assert_true(cw_txn_put_state(txn, shop, key, cw_slice("")));
    commit(txn);
    assert_string_equal(get_state(bed, "token"), "");
    txn = begin(bed);
    assert_true(cw_txn_put_state(txn, shop, key, (struct cw_slice){ NULL, 0 }));
    commit(txn);
    assert_string_equal(get_state(bed, "token"), "none");
}

static void take_user(void *arg, struct cw_slice hash, struct cw_slice groups, const struct cw_error *err)
{
    assert_null(err);
    if (hash.data == NULL)
        snprintf(arg, 64, "nobody");
    else
        snprintf(arg, 64, "%.*s %.*s", CW_SLICE_ARG(hash), CW_SLICE_ARG(groups));
}

static void a_user_is_found_by_name_and_replaced(void **state)
{
    struct store_bed *bed = *state;
    char text[64];
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_user(txn, cw_slice("ada"), cw_slice("$argon2id$1"), cw_slice("admin")));
    assert_true(cw_txn_put_user(txn, cw_slice("ada"), cw_slice("$argon2id$2"), cw_slice("admin sales")));
    commit(txn);
    cw_store_get_user(bed->store, cw_slice("ada"), take_user, text);
    assert_string_equal(text, "$argon2id$2 admin sales");
    cw_store_get_user(bed->store, cw_slice("bob"), take_user, text);
    assert_string_equal(text, "nobody");
}

static void the_audit_trail_is_written(void **state)
{
    struct store_bed *bed = *state;
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_audit(txn, cw_slice("ada"), cw_slice("release"), cw_slice("order 1001"),
                             cw_slice("held"), cw_slice("released"), cw_slice("paid in advance"),
                             bed->time.now));
    commit(txn);
    assert_string_equal(
        ask(bed, "SELECT happened_at, who, action, object, value_before, value_after, reason FROM audit"),
        "2024-03-31T02:30:00.000000Z|ada|release|order 1001|held|released|paid in advance");
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_stream_without_a_cursor_has_none),
        STORE_TEST(a_cursor_comes_back_as_it_was),
        STORE_TEST(a_cursor_never_goes_back),
        STORE_TEST(a_cursor_reset_may_begin_anywhere),
        STORE_TEST(a_run_gets_a_number_and_ends_with_its_counts),
        STORE_TEST(a_run_that_was_killed_is_failed_when_the_next_one_of_its_stream_begins),
        STORE_TEST(a_run_that_does_not_account_for_every_record_cannot_be_done),
        STORE_TEST(a_run_that_never_started_is_not_found),
        STORE_TEST(a_note_belongs_to_a_run_that_exists),
        STORE_TEST(a_lease_has_one_holder_until_its_time_is_over),
        STORE_TEST(a_lease_renewed_lasts_longer),
        STORE_TEST(a_lease_whose_time_is_over_must_be_taken_anew),
        STORE_TEST(a_lease_from_a_clock_that_was_wrong_is_over),
        STORE_TEST(a_lease_that_was_taken_over_cannot_be_renewed_by_the_late_one),
        STORE_TEST(a_holder_that_asks_anew_shuts_out_its_former_self),
        STORE_TEST(a_token_never_comes_again),
        STORE_TEST(only_the_holder_gives_a_lease_back),
        STORE_TEST(a_row_of_a_table_may_translate_to_nothing),
        STORE_TEST(a_cart_remembers_so_many_keys_and_no_more),
        STORE_TEST(state_is_kept_replaced_and_removed),
        STORE_TEST(a_user_is_found_by_name_and_replaced),
        STORE_TEST(the_audit_trail_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
