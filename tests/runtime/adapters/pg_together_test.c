/* Several that work on one store in PostgreSQL: each job once, one cart after the other, and hearing of each
 * other. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "fault_bed.h"

/* --- several at once --- */

enum { CARTS = 12, JOBS_OF_CART = 4, WORKERS = 4 };

static void plan(struct store_bed *bed)
{
    static char names[CARTS * JOBS_OF_CART][2][16];
    struct cw_job jobs[CARTS * JOBS_OF_CART] = { 0 };
    for (int i = 0; i < CARTS * JOBS_OF_CART; i++) {
        snprintf(names[i][0], sizeof names[i][0], "cart%d", i / JOBS_OF_CART);
        snprintf(names[i][1], sizeof names[i][1], "job%d", i % JOBS_OF_CART);
        jobs[i].cart = cw_slice(names[i][0]);
        jobs[i].name = cw_slice(names[i][1]);
        jobs[i].schedule = cw_slice("every hour");
        jobs[i].due_at = 1000 + i;
    }
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_plan_jobs(txn, jobs, CARTS * JOBS_OF_CART));
    commit(txn);
}

enum { EMPTY_MAX = 100 };

struct claimed {
    struct store_bed *bed;
    int pipe;
    int empty; /* claims in a row: one may pass by what another is just claiming */
};

/* Counted by the database itself: a job that were done twice would show. */
static void do_job(void *arg, const struct cw_claim *claim, cw_time next_at, const struct cw_error *err)
{
    struct claimed *claimed = arg;
    char mark[40];
    (void)next_at;
    if (err != NULL)
        fprintf(stderr, "%s\n", err->text);
    claimed->empty = claim == NULL ? claimed->empty + 1 : 0;
    if (claim == NULL)
        return;
    struct cw_job job = claim->job;
    memset(mark, 0, sizeof mark);
    snprintf(mark, sizeof mark, "%.*s %.*s", CW_SLICE_ARG(job.cart), CW_SLICE_ARG(job.name));
    if (write(claimed->pipe, mark, sizeof mark) != sizeof mark)
        _exit(1);
}

static void work(const char *uri, int pipe_end, int number)
{
    struct store_bed bed = { .clock = cw_system_clock };
    struct cw_error err;
    char holder[24];
    snprintf(bed.path, sizeof bed.path, "%s", uri);
    snprintf(holder, sizeof holder, "worker %d", number);
    bed.store = store_bed_try(&bed, &err);
    struct claimed claimed = { .bed = &bed, .pipe = pipe_end };
    while (bed.store != NULL && claimed.empty < EMPTY_MAX) {
        cw_store_claim_job(bed.store, cw_slice(holder), 5000, CW_MINUTE, do_job, &claimed);
        usleep(claimed.empty > 0 ? 5000 : 0);
    }
    cw_store_close(bed.store);
    _exit(0);
}

static void jobs_claimed_by_several_at_once_are_each_done_once(void **state)
{
    struct fault_bed *bed = *state;
    int ends[2], count = 0;
    char mark[40], seen[CARTS * JOBS_OF_CART][40];
    plan(&bed->bed);
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < WORKERS; i++)
        if (fork() == 0)
            work(bed->bed.path, ends[1], i);
    close(ends[1]);
    while (read(ends[0], mark, sizeof mark) == sizeof mark) {
        assert_true(count < CARTS * JOBS_OF_CART);
        for (int i = 0; i < count; i++)
            assert_string_not_equal(seen[i], mark);
        memcpy(seen[count++], mark, sizeof mark);
    }
    close(ends[0]);
    assert_int_equal(count, CARTS * JOBS_OF_CART);
    assert_string_equal(ask(&bed->bed, "SELECT count(*) FROM jobs j JOIN leases l ON l.name = j.cart AND "
                                       "l.token = j.lease_token AND l.token = 1"),
                        "48");
}

static void transactions_of_one_cart_follow_one_another_in_all_processes(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct cw_loop *loop = cw_loop_create(&err);
    struct cw_store_config config = { .uri = bed->bed.path };
    struct cw_store *other = cw_store_open(&config, loop, &err);
    struct answer same = { 0 }, unlike = { 0 };
    struct cw_txn *txn = begin_fenced(&bed->bed, "shop", 0);
    assert_ok(other != NULL, err);
    (cw_txn_begin)(other, (struct cw_fence){ cw_slice("elsewhere"), 0 }, answer_ready, &unlike);
    cw_store_wait(other);
    assert_int_equal(unlike.calls, 1);
    cw_txn_rollback(unlike.txn);
    (cw_txn_begin)(other, (struct cw_fence){ cw_slice("shop"), 0 }, answer_ready, &same);
    struct cw_timer *timer = cw_timer_create(loop, (cw_loop_fn *)cw_loop_stop, loop, &err);
    cw_timer_set(timer, CW_SECOND / 5);
    cw_loop_run(loop);
    assert_int_equal(same.calls, 0);
    fault_bed_put(txn, "a");
    commit(txn);
    cw_store_wait(other);
    assert_non_null(same.txn);
    cw_txn_rollback(same.txn);
    cw_timer_free(timer);
    cw_store_close(other);
    cw_loop_free(loop);
}

/* --- messages --- */

static void put_two(struct cw_txn *txn, const char *first, const char *second, const char *payload)
{
    const char *const keys[] = { first, second };
    for (size_t i = 0; i < 2; i++) {
        const struct cw_message message = { .key = { cw_slice("shop"), cw_slice("stock_out"),
                                                     cw_slice(keys[i]) },
                                            .payload = cw_slice(payload) };
        assert_true((cw_txn_put_message)(txn, &message));
    }
}

static void ignore_claimed(void *arg, const struct cw_message *messages, size_t count, cw_time next_at,
                           const struct cw_error *err)
{
    (void)messages, (void)next_at;
    assert_ok(err == NULL, *err);
    *(size_t *)arg = count;
}

/* Each would hold a level that the other one wants next. */
static void who_sends_and_who_counts_never_wait_for_each_other_in_a_ring(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct cw_store_config config = { .uri = bed->bed.path };
    struct cw_loop *loop = cw_loop_create(&err);
    struct cw_store *other = cw_store_open(&config, loop, &err);
    const struct cw_outbox_limits both = { 1, 2, 0 };
    struct answer began = { 0 }, ended = { 0 };
    size_t count = 0;
    assert_ok(other != NULL, err);
    struct cw_txn *txn = begin(&bed->bed);
    put_two(txn, "A", "B", "1");
    cw_txn_claim_messages(txn, cw_slice("shop"), cw_slice("stock_out"), bed->bed.time.now, &both,
                          ignore_claimed, &count);
    assert_int_equal(count, 2);
    commit(txn);
    (cw_txn_begin)(other, (struct cw_fence){ 0 }, answer_ready, &began);
    cw_store_wait(other);
    txn = begin(&bed->bed);
    struct cw_settlement sent = { .id = 2, .was = CW_MESSAGE_SENDING, .state = CW_MESSAGE_SENT };
    assert_true(cw_txn_settle_message(txn, &sent));
    put_two(began.txn, "A", "B", "2");
    (cw_txn_commit)(began.txn, answer_done, &ended);
    struct cw_timer *timer = cw_timer_create(loop, (cw_loop_fn *)cw_loop_stop, loop, &err);
    cw_timer_set(timer, CW_SECOND / 5);
    cw_loop_run(loop); /* all is with the server, which makes it wait */
    assert_int_equal(ended.calls, 0);
    sent.id = 1;
    assert_true(cw_txn_settle_message(txn, &sent));
    commit(txn);
    cw_store_wait(other);
    assert_int_equal(ended.calls, 1);
    assert_ok(!ended.failed, ended.err);
    assert_string_equal(ask(&bed->bed, "SELECT external_id, payload, state FROM messages ORDER BY id"),
                        "A|1|sent\nB|1|sent\nA|2|queued\nB|2|queued");
    cw_timer_free(timer);
    cw_store_close(other);
    cw_loop_free(loop);
}

struct marks {
    int calls;
    char skus[64];
};

static void take_marks(void *arg, const struct cw_slice *skus, size_t count, const struct cw_error *err)
{
    struct marks *marks = arg;
    marks->calls++;
    assert_ok(err == NULL, *err);
    for (size_t i = 0; i < count; i++)
        snprintf(marks->skus + strlen(marks->skus), sizeof marks->skus - strlen(marks->skus), "%.*s ",
                 CW_SLICE_ARG(skus[i]));
}

/* The second one has marked the same SKU, and counts from what the first one has left. */
static void who_takes_marks_waits_for_who_took_some_before(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct cw_loop *loop = cw_loop_create(&err);
    struct cw_store_config config = { .uri = bed->bed.path };
    struct cw_store *other = cw_store_open(&config, loop, &err);
    struct marks first = { 0 }, second = { 0 };
    struct answer began = { 0 };
    const struct cw_slice ours[] = { cw_slice("A"), cw_slice("B"), cw_slice("C") };
    assert_ok(other != NULL, err);
    struct cw_txn *txn = begin(&bed->bed);
    (cw_txn_begin)(other, (struct cw_fence){ 0 }, answer_ready, &began);
    cw_store_wait(other);
    assert_true(cw_txn_mark_skus(txn, ours, 3));
    assert_true((cw_txn_mark_skus)(began.txn, ours, 1)); /* neither waits for the other here */
    cw_store_wait(other);
    cw_txn_take_marks(txn, 2, take_marks, &first);
    assert_string_equal(first.skus, "A B ");
    (cw_txn_take_marks)(began.txn, 10, take_marks, &second);
    struct cw_timer *timer = cw_timer_create(loop, (cw_loop_fn *)cw_loop_stop, loop, &err);
    cw_timer_set(timer, CW_SECOND / 5);
    cw_loop_run(loop);
    assert_int_equal(second.calls, 0);
    commit(txn);
    cw_store_wait(other);
    assert_int_equal(second.calls, 1);
    assert_string_equal(second.skus, "A C ");
    (cw_txn_rollback)(began.txn);
    cw_timer_free(timer);
    cw_store_close(other);
    cw_loop_free(loop);
}

static void note_cursor(void *arg, const struct cw_cursor *cursor, const struct cw_error *err)
{
    (void)cursor;
    answer_done(arg, err);
}

/* The server is still in the transaction that failed, and refuses whatever comes before the end of it. */
static void what_is_read_while_a_late_commit_is_refused_is_read(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct cw_loop *loop = cw_loop_create(&err);
    struct cw_store_config config = { .uri = bed->bed.path };
    struct cw_store *other = cw_store_open(&config, loop, &err);
    struct answer begun = { 0 }, late = { 0 }, read = { 0 }, again = { 0 };
    assert_ok(other != NULL, err);
    (cw_txn_begin)(other, (struct cw_fence){ cw_slice("shop"), 7 }, answer_ready, &begun);
    cw_store_wait(other);
    assert_non_null(begun.txn);
    (cw_txn_commit)(begun.txn, answer_done, &late);
    (cw_store_get_cursor)(other, cw_slice("tea"), cw_slice("orders"), note_cursor, &read);
    (cw_txn_begin)(other, (struct cw_fence){ cw_slice("tea"), 0 }, answer_ready, &again);
    cw_store_wait(other);
    assert_true(late.failed);
    assert_int_equal(late.err.code, CW_CONFLICT);
    assert_int_equal(read.calls, 1);
    assert_ok(!read.failed, read.err);
    assert_non_null(again.txn);
    fault_bed_put(again.txn, "a");
    (cw_txn_commit)(again.txn, answer_done, &again);
    cw_store_wait(other);
    assert_ok(!again.failed, again.err);
    assert_int_equal(fault_bed_rows(&bed->bed), 1);
    cw_store_close(other);
    cw_loop_free(loop);
}

static void a_lease_whose_time_is_over_by_the_servers_clock_writes_nothing(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    int64_t token = take_lease(&bed->bed, "shop", "me", 0, CW_SECOND / 10, &err);
    assert_int_equal(token, 1);
    struct cw_txn *txn = begin_fenced(&bed->bed, "shop", token);
    fault_bed_put(txn, "a");
    usleep(150000);
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "was over"));
    assert_int_equal(fault_bed_rows(&bed->bed), 0);
    token = take_lease(&bed->bed, "shop", "me", 0, CW_MINUTE, &err);
    txn = begin_fenced(&bed->bed, "shop", token);
    fault_bed_put(txn, "b");
    commit(txn);
    assert_int_equal(fault_bed_rows(&bed->bed), 1);
}

/* --- hearing --- */

struct ear {
    struct cw_loop *loop;
    int heard;
};

static void hear(void *arg)
{
    struct ear *ear = arg;
    ear->heard++;
    cw_loop_stop(ear->loop);
}

static void who_listens_hears_again_after_the_server_was_away(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct ear ear = { .loop = cw_loop_create(&err) };
    struct cw_store_config config = { .uri = bed->bed.path };
    struct cw_store *other = cw_store_open(&config, ear.loop, &err);
    assert_ok(other != NULL, err);
    plan(&bed->bed);
    assert_true(cw_store_listen(other, hear, &ear, &err));
    cw_loop_run(ear.loop); /* what was said before is not known */
    fault_bed_restart(SIGINT);
    cw_loop_run(ear.loop);
    assert_int_equal(ear.heard, 2);
    struct cw_txn *txn = begin(&bed->bed);
    assert_true(cw_txn_wake_job(txn, cw_slice("cart1"), cw_slice("job1"), 1));
    commit(txn);
    cw_loop_run(ear.loop);
    assert_int_equal(ear.heard, 3);
    cw_store_close(other);
    cw_loop_free(ear.loop);
}

#define FAULT_TEST(test) cmocka_unit_test_setup_teardown(test, fault_bed_setup, fault_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(jobs_claimed_by_several_at_once_are_each_done_once),
        FAULT_TEST(transactions_of_one_cart_follow_one_another_in_all_processes),
        FAULT_TEST(who_takes_marks_waits_for_who_took_some_before),
        FAULT_TEST(who_sends_and_who_counts_never_wait_for_each_other_in_a_ring),
        FAULT_TEST(what_is_read_while_a_late_commit_is_refused_is_read),
        FAULT_TEST(a_lease_whose_time_is_over_by_the_servers_clock_writes_nothing),
        FAULT_TEST(who_listens_hears_again_after_the_server_was_away),
    };
    cw_log_configure((struct cw_log_config){ .out = NULL });
    return cmocka_run_group_tests(tests, NULL, NULL);
}
