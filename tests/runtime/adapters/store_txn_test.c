/* Transactions: all or nothing, one at a time in order, and only with a fence that still holds. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

static void put_table_row(struct cw_txn *txn, const char *key)
{
    assert_true(
        cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("status"), cw_slice(key), cw_slice("paid")));
}

static const char *keys(struct store_bed *bed)
{
    return ask(bed, "SELECT key FROM tables ORDER BY key");
}

static void what_is_rolled_back_was_never_there(void **state)
{
    struct cw_txn *txn = begin(*state);
    put_table_row(txn, "a");
    assert_string_equal(keys(*state), "a");
    cw_txn_rollback(txn);
    assert_string_equal(keys(*state), "");
}

static void what_is_committed_is_there_after_opening_again(void **state)
{
    struct store_bed *bed = *state;
    struct cw_txn *txn = begin(bed);
    put_table_row(txn, "a");
    commit(txn);
    store_bed_close(bed);
    store_bed_open(bed);
    assert_string_equal(keys(bed), "a");
}

static void closing_rolls_back_what_is_open(void **state)
{
    struct store_bed *bed = *state;
    put_table_row(begin(bed), "a");
    store_bed_close(bed);
    store_bed_open(bed);
    assert_string_equal(keys(bed), "");
}

static void a_transaction_that_failed_takes_nothing_more_and_repeats_its_error(void **state)
{
    struct cw_error err;
    struct cw_txn *txn = begin(*state);
    put_table_row(txn, "a");
    assert_null(cw_txn_error(txn));
    const struct cw_settlement settlement = { .id = 99, .was = CW_MESSAGE_SENDING, .state = CW_MESSAGE_SENT };
    assert_false(cw_txn_settle_message(txn, &settlement));
    assert_false(cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("t"), cw_slice("b"), cw_slice("")));
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "message 99"));
    assert_string_equal(keys(*state), "");
}

/* --- the queue --- */

struct turn {
    struct store_bed *bed;
    char order[16];
    int left; /* transactions still to be begun from the callback of the one before */
    struct cw_txn *txn;
};

static void note_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    assert_null(err);
    ((struct turn *)arg)->txn = txn;
}

static void transactions_wait_for_the_one_that_is_open_in_order(void **state)
{
    struct store_bed *bed = *state;
    struct turn first = { .bed = bed }, second = first, third = first;
    cw_txn_begin(bed->store, (struct cw_fence){ 0 }, note_ready, &first);
    cw_txn_begin(bed->store, (struct cw_fence){ 0 }, note_ready, &second);
    cw_txn_begin(bed->store, (struct cw_fence){ 0 }, note_ready, &third);
    assert_non_null(first.txn);
    assert_null(second.txn);
    commit(first.txn);
    assert_non_null(second.txn);
    assert_null(third.txn);
    cw_txn_rollback(second.txn);
    assert_non_null(third.txn);
    commit(third.txn);
}

static void begin_next(struct turn *turn);

static void count_done(void *arg, const struct cw_error *err)
{
    assert_null(err);
    begin_next(arg);
}

static void commit_at_once(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    assert_null(err);
    (cw_txn_commit)(txn, count_done, arg); /* the parentheses: without waiting, see store_calls.h */
}

static void begin_next(struct turn *turn)
{
    if (turn->left-- > 0)
        (cw_txn_begin)(turn->bed->store, (struct cw_fence){ 0 }, commit_at_once, turn);
}

static void transactions_begun_from_callbacks_need_no_deeper_stack(void **state)
{
    struct turn turn = { .bed = *state, .left = pg_server_is_wanted() ? 5000 : 100000 };
    begin_next(&turn);
    cw_store_wait(turn.bed->store);
    assert_int_equal(turn.left, -1);
}

static void who_waits_when_the_store_closes_is_told(void **state)
{
    struct store_bed *bed = *state;
    struct answer waiting = { 0 };
    begin(bed);
    cw_txn_begin(bed->store, (struct cw_fence){ 0 }, answer_ready, &waiting);
    assert_int_equal(waiting.calls, 0);
    store_bed_close(bed);
    assert_int_equal(waiting.calls, 1);
    assert_null(waiting.txn);
    assert_int_equal(waiting.err.code, CW_CANCELLED);
}

static void a_lease_renewed_during_a_transaction_is_not_rolled_back_with_it(void **state)
{
    struct store_bed *bed = *state;
    struct answer taken = { 0 };
    struct cw_txn *txn = begin(bed);
    char name[] = "job";
    cw_store_take_lease(bed->store, cw_slice(name), cw_slice("a"), 0, CW_MINUTE, answer_number, &taken);
    name[0] = '?'; /* the caller's text may be gone by then */
    assert_int_equal(taken.calls, 0);
    cw_txn_rollback(txn);
    assert_int_equal(taken.number, 1);
    assert_string_equal(ask(bed, "SELECT name FROM leases"), "job");
}

/* --- fences --- */

static void a_fence_that_holds_lets_through(void **state)
{
    struct cw_error err;
    int64_t token = take_lease(*state, "job", "a", 0, CW_MINUTE, &err);
    struct cw_txn *txn = begin_fenced(*state, "job", token);
    put_table_row(txn, "a");
    commit(txn);
    assert_string_equal(keys(*state), "a");
}

static void a_late_holder_writes_nothing(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    int64_t token = take_lease(bed, "job", "frozen", 0, CW_MINUTE, &err);
    test_clock_advance(&bed->time, 2 * CW_MINUTE);
    assert_int_equal(take_lease(bed, "job", "next", 0, CW_MINUTE, &err), token + 1);
    struct cw_txn *txn = begin_fenced(bed, "job", token);
    put_table_row(txn, "late");
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "next"));
    assert_string_equal(keys(bed), "");
}

static void a_lease_nobody_ever_took_is_no_fence(void **state)
{
    struct cw_error err;
    assert_false(try_commit(begin_fenced(*state, "job", 1), &err));
    assert_int_equal(err.code, CW_CONFLICT);
}

static void a_command_without_a_token_may_write_whoever_holds_the_lease(void **state)
{
    struct cw_error err;
    assert_int_equal(take_lease(*state, "job", "worker", 0, CW_MINUTE, &err), 1);
    struct cw_txn *txn = begin_fenced(*state, "job", 0);
    put_table_row(txn, "set");
    commit(txn);
    assert_string_equal(keys(*state), "set");
}

static void a_lease_whose_time_is_over_is_no_fence(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    int64_t token = take_lease(bed, "job", "slow", 0, CW_MINUTE, &err);
    struct cw_txn *txn = begin_fenced(bed, "job", token);
    put_table_row(txn, "late");
    test_clock_advance(&bed->time, CW_MINUTE);
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "was over at 2024-03-31T02:31:00"));
    assert_string_equal(keys(bed), "");
}

static void a_lease_given_back_is_no_fence(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    struct answer dropped = { 0 };
    int64_t token = take_lease(bed, "job", "a", 0, CW_MINUTE, &err);
    cw_store_drop_lease(bed->store, cw_slice("job"), token, answer_done, &dropped);
    assert_false(dropped.failed);
    assert_false(try_commit(begin_fenced(bed, "job", token), &err));
    assert_int_equal(err.code, CW_CONFLICT);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_is_rolled_back_was_never_there),
        STORE_TEST(what_is_committed_is_there_after_opening_again),
        STORE_TEST(closing_rolls_back_what_is_open),
        STORE_TEST(a_transaction_that_failed_takes_nothing_more_and_repeats_its_error),
        STORE_TEST(transactions_wait_for_the_one_that_is_open_in_order),
        STORE_TEST(transactions_begun_from_callbacks_need_no_deeper_stack),
        STORE_TEST(who_waits_when_the_store_closes_is_told),
        STORE_TEST(a_lease_renewed_during_a_transaction_is_not_rolled_back_with_it),
        STORE_TEST(a_fence_that_holds_lets_through),
        STORE_TEST(a_late_holder_writes_nothing),
        STORE_TEST(a_lease_nobody_ever_took_is_no_fence),
        STORE_TEST(a_command_without_a_token_may_write_whoever_holds_the_lease),
        STORE_TEST(a_lease_whose_time_is_over_is_no_fence),
        STORE_TEST(a_lease_given_back_is_no_fence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
