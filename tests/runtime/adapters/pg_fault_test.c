/* What goes wrong between the store and a PostgreSQL server: connections that are cut, also in the middle of
 * a commit, and a server that stops and comes back. Nothing is lost, nothing is done twice, and work goes on
 * by itself. */
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/pg_link.h"
#include "base/log.h"
#include "fault_bed.h"

/* --- a connection that is cut --- */

static void a_connection_lost_between_transactions_is_not_noticed(void **state)
{
    struct fault_bed *bed = *state;
    *bed->proxy.cut = CUT_BEFORE_REQUEST;
    fault_bed_goes_on(&bed->bed);
}

static void take_state(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct answer *answer = arg;
    answer->calls++;
    answer->failed = err != NULL;
    answer->number = (int64_t)value.len;
}

static void a_reading_whose_answer_was_lost_is_asked_again(void **state)
{
    struct fault_bed *bed = *state;
    struct answer answer = { 0 };
    struct cw_txn *txn = begin(&bed->bed);
    assert_true(cw_txn_put_state(txn, cw_slice("shop"), cw_slice("token"), cw_slice("abc")));
    commit(txn);
    *bed->proxy.cut = CUT_AFTER_ANSWER;
    cw_store_get_state(bed->bed.store, cw_slice("shop"), cw_slice("token"), take_state, &answer);
    assert_int_equal(answer.calls, 1);
    assert_false(answer.failed);
    assert_int_equal(answer.number, 3);
}

static void a_connection_lost_in_a_transaction_loses_it_and_says_so(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct cw_txn *txn = begin(&bed->bed);
    fault_bed_put(txn, "a");
    *bed->proxy.cut = CUT_BEFORE_REQUEST;
    assert_false(cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("t"), cw_slice("b"), cw_slice("")));
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    assert_non_null(strstr(err.text, "/postgres"));
    assert_null(strstr(err.text, PG_SERVER_PASSWORD));
    assert_int_equal(fault_bed_rows(&bed->bed), 0);
    fault_bed_goes_on(&bed->bed);
}

/* --- a commit whose answer is lost --- */

static bool commit_cut(struct fault_bed *bed, enum cut how, const char *key, struct cw_error *err)
{
    struct cw_txn *txn = begin(&bed->bed);
    fault_bed_put(txn, key);
    *bed->proxy.cut = how;
    bool ok = try_commit(txn, err);
    assert_int_equal(*bed->proxy.cut, CUT_NOTHING);
    return ok;
}

static void a_commit_that_never_arrived_was_not_done(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    assert_false(commit_cut(bed, CUT_BEFORE_REQUEST, "a", &err));
    assert_int_equal(err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(err.text, "nothing of this transaction was stored"));
    assert_int_equal(fault_bed_rows(&bed->bed), 0);
    fault_bed_goes_on(&bed->bed);
}

static void a_commit_whose_answer_was_lost_is_found_to_be_done(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    bool ok = commit_cut(bed, CUT_AFTER_ANSWER, "a", &err);
    assert_ok(ok, err);
    assert_int_equal(fault_bed_rows(&bed->bed), 1);
    fault_bed_goes_on(&bed->bed);
}

/* The server may see the commit before it sees that nobody is there. */
static void a_commit_cut_off_in_between_is_what_the_answer_says(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    int done = 0;
    for (int i = 0; i < 20; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        done += commit_cut(bed, CUT_WITH_REQUEST, key, &err);
        assert_int_equal(fault_bed_rows(&bed->bed), done);
    }
}

/* A server whose client is gone without a word goes on holding locks: it is told to let go. */
static void a_session_that_lives_on_without_us_is_ended(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    int64_t began_ns = cw_pg_clock_ns();
    struct cw_txn *txn = begin_fenced(&bed->bed, "shop", 0);
    fault_bed_put(txn, "a");
    *bed->proxy.cut = CUT_UNSEEN;
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_UNAVAILABLE);
    commit(begin_fenced(&bed->bed, "shop", 0));
    assert_int_equal(fault_bed_rows(&bed->bed), 0);
    assert_true(cw_pg_clock_ns() - began_ns < 8 * INT64_C(1000000000));
}

/* --- a server that stops --- */

static void a_server_that_was_restarted_in_between_is_found_again(void **state)
{
    struct fault_bed *bed = *state;
    fault_bed_restart(SIGINT);
    fault_bed_goes_on(&bed->bed);
    fault_bed_restart(SIGQUIT);
    fault_bed_goes_on(&bed->bed);
}

static void a_server_that_stops_in_a_transaction_loses_it(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct cw_txn *txn = begin(&bed->bed);
    fault_bed_put(txn, "a");
    fault_bed_restart(SIGINT);
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_UNAVAILABLE);
    assert_int_equal(fault_bed_rows(&bed->bed), 0);
    fault_bed_goes_on(&bed->bed);
}

/* Killed at some moment while it commits: what it says when it is back is the truth. */
static void a_server_killed_in_mid_commit_tells_what_became_of_it(void **state)
{
    struct fault_bed *bed = *state;
    int done = 0;
    for (int i = 0; i < 6; i++) {
        struct answer answer = { 0 };
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        struct cw_txn *txn = begin(&bed->bed);
        fault_bed_put(txn, key);
        (cw_txn_commit)(txn, answer_done, &answer);
        usleep((useconds_t)(i * 150));
        fault_bed_restart(SIGQUIT);
        cw_store_wait(bed->bed.store);
        assert_int_equal(answer.calls, 1);
        done += !answer.failed;
        assert_int_equal(fault_bed_rows(&bed->bed), done);
    }
}

static void who_waits_for_a_server_that_stays_away_is_told(void **state)
{
    struct fault_bed *bed = *state;
    struct answer begun = { 0 }, read = { 0 };
    pg_server_stop(SIGINT);
    cw_pg_of(bed->bed.store)->link->wait_ns = 300000000;
    cw_txn_begin(bed->bed.store, (struct cw_fence){ 0 }, answer_ready, &begun);
    assert_int_equal(begun.calls, 1);
    assert_int_equal(begun.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(begun.err.text, "is the server running"));
    cw_store_get_state(bed->bed.store, cw_slice("shop"), cw_slice("token"), take_state, &read);
    assert_int_equal(read.calls, 1);
    assert_true(read.failed);
    cw_pg_of(bed->bed.store)->link->wait_ns = CW_PG_WAIT_NS;
    pg_server_start();
    fault_bed_goes_on(&bed->bed);
}

/* The loop runs on while the server is away; what was begun meanwhile is done when it is back. */
struct outage {
    struct cw_loop *loop;
    struct cw_timer *timer;
    struct answer done;
    int ticks;
    bool is_back;
};

static void tick(void *arg)
{
    struct outage *outage = arg;
    if (++outage->ticks == 6) {
        pg_server_start();
        outage->is_back = true;
    }
    cw_timer_set(outage->timer, 50 * CW_SECOND / 1000);
}

static void stop_loop(void *arg, const struct cw_error *err)
{
    struct outage *outage = arg;
    answer_done(&outage->done, err);
    cw_loop_stop(outage->loop);
}

static void put_and_commit(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct outage *outage = arg;
    if (txn == NULL) {
        stop_loop(outage, err);
        return;
    }
    assert_true((cw_txn_put_table_row)(txn, cw_slice("shop"), cw_slice("t"), cw_slice("k"), cw_slice("")));
    (cw_txn_commit)(txn, stop_loop, outage);
}

static void what_is_begun_while_the_server_is_away_is_done_when_it_is_back(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct outage outage = { .loop = cw_loop_create(&err) };
    struct cw_store_config config = { .uri = bed->bed.path };
    struct cw_store *store = cw_store_open(&config, outage.loop, &err);
    assert_ok(store != NULL, err);
    outage.timer = cw_timer_create(outage.loop, tick, &outage, &err);
    pg_server_stop(SIGINT);
    cw_timer_set(outage.timer, 0);
    (cw_txn_begin)(store, (struct cw_fence){ 0 }, put_and_commit, &outage);
    cw_loop_run(outage.loop);
    assert_true(outage.is_back);
    assert_ok(!outage.done.failed, outage.done.err);
    assert_int_equal(fault_bed_rows(&bed->bed), 1);
    cw_timer_free(outage.timer);
    cw_store_close(store);
    cw_loop_free(outage.loop);
}

/* --- what the server refuses --- */

static void a_full_disk_fails_that_transaction_only(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    pg_server_execute(
        bed->bed.schema,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
        "'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$; "
        "CREATE TRIGGER full_disk BEFORE INSERT ON tables FOR EACH ROW WHEN (NEW.key = 'large') "
        "EXECUTE FUNCTION full_disk()");
    struct cw_txn *txn = begin(&bed->bed);
    fault_bed_put(txn, "small");
    assert_true(
        (cw_txn_put_table_row)(txn, cw_slice("shop"), cw_slice("t"), cw_slice("large"), cw_slice("")));
    assert_false(try_commit(txn, &err)); /* told as late as here */
    assert_int_equal(err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(err.text, "disk"));
    assert_int_equal(fault_bed_rows(&bed->bed), 0);
    fault_bed_goes_on(&bed->bed);
}

static void a_text_that_the_server_cannot_keep_stays_readable(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_txn *txn = begin(&bed->bed);
    const struct cw_slice odd = { "a\0b\xff", 4 };
    struct cw_raw raw = raw_of("1001", "<a/>");
    raw.bytes = odd;
    assert_true(cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("t"), cw_slice("k"), odd));
    assert_true(cw_txn_put_raw(txn, &raw));
    commit(txn);
    assert_string_equal(ask(&bed->bed, "SELECT value FROM tables"), "a\xEF\xBF\xBD"
                                                                    "b\xEF\xBF\xBD");
    assert_string_equal(pg_server_ask(bed->bed.schema, "SELECT bytes FROM raw_records"), "\\x610062ff");
}

/* --- closing --- */

static void who_waits_for_an_answer_when_the_store_closes_is_told(void **state)
{
    struct fault_bed *bed = *state;
    struct answer answer = { 0 };
    (cw_store_get_state)(bed->bed.store, cw_slice("shop"), cw_slice("token"), take_state, &answer);
    assert_int_equal(answer.calls, 0);
    store_bed_close(&bed->bed);
    assert_int_equal(answer.calls, 1);
    assert_true(answer.failed);
    assert_string_equal(pg_server_ask(bed->bed.schema, "SELECT count(*) FROM commits"), "0");
}

#define FAULT_TEST(test) cmocka_unit_test_setup_teardown(test, fault_bed_setup, fault_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(a_connection_lost_between_transactions_is_not_noticed),
        FAULT_TEST(a_reading_whose_answer_was_lost_is_asked_again),
        FAULT_TEST(a_connection_lost_in_a_transaction_loses_it_and_says_so),
        FAULT_TEST(a_commit_that_never_arrived_was_not_done),
        FAULT_TEST(a_commit_whose_answer_was_lost_is_found_to_be_done),
        FAULT_TEST(a_commit_cut_off_in_between_is_what_the_answer_says),
        FAULT_TEST(a_session_that_lives_on_without_us_is_ended),
        FAULT_TEST(a_server_that_was_restarted_in_between_is_found_again),
        FAULT_TEST(a_server_that_stops_in_a_transaction_loses_it),
        FAULT_TEST(a_server_killed_in_mid_commit_tells_what_became_of_it),
        FAULT_TEST(who_waits_for_a_server_that_stays_away_is_told),
        FAULT_TEST(what_is_begun_while_the_server_is_away_is_done_when_it_is_back),
        FAULT_TEST(a_full_disk_fails_that_transaction_only),
        FAULT_TEST(a_text_that_the_server_cannot_keep_stays_readable),
        FAULT_TEST(who_waits_for_an_answer_when_the_store_closes_is_told),
    };
    cw_log_configure((struct cw_log_config){ .out = NULL });
    return cmocka_run_group_tests(tests, NULL, NULL);
}
