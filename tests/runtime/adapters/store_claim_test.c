/* Jobs: planned, claimed by one worker at a time, woken, ended; and carts that were stopped. */
#include <stdio.h>

#include "store_bed.h"

enum { MINUTE_LEASE = 60 };

static struct cw_job job_of(const char *cart, const char *name, cw_time due_at)
{
    return (struct cw_job){ .cart = cw_slice(cart),
                            .name = cw_slice(name),
                            .schedule = cw_slice("every 5m"),
                            .due_at = due_at,
                            .served_at = CW_TIME_NONE };
}

static void plan(struct store_bed *bed, const struct cw_job *jobs, size_t count)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_plan_jobs(txn, jobs, count));
    commit(txn);
}

/* Two carts, one with two jobs; all are due now, in this order. */
static void plan_three(struct store_bed *bed)
{
    cw_time now = bed->time.now;
    struct cw_job jobs[] = { job_of("a", "orders", now - 3), job_of("b", "orders", now - 2),
                             job_of("a", "items", now - 1) };
    plan(bed, jobs, 3);
}

struct got_claim {
    int calls;
    char name[64]; /* "cart job", empty = nothing */
    int64_t token;
    cw_time next_at;
    struct cw_error err;
    bool failed;
};

static void take_claim(void *arg, const struct cw_claim *claim, cw_time next_at, const struct cw_error *err)
{
    struct got_claim *got = arg;
    got->calls++;
    got->next_at = next_at;
    got->failed = err != NULL;
    if (err != NULL)
        got->err = *err;
    if (claim == NULL)
        return;
    snprintf(got->name, sizeof got->name, "%.*s %.*s", CW_SLICE_ARG(claim->job.cart),
             CW_SLICE_ARG(claim->job.name));
    got->token = claim->token;
}

static struct got_claim claim(struct store_bed *bed, const char *holder)
{
    struct got_claim got = { 0 };
    cw_store_claim_job(bed->store, cw_slice(holder), bed->time.now, MINUTE_LEASE * CW_SECOND, take_claim,
                       &got);
    cw_store_wait(bed->store);
    assert_int_equal(got.calls, 1);
    assert_false(got.failed);
    return got;
}

static void end_job(struct store_bed *bed, const char *cart, const char *name, int64_t token, cw_time due_at)
{
    struct cw_job job = job_of(cart, name, due_at);
    job.ended_at = job.served_at = bed->time.now;
    struct cw_txn *txn = begin_fenced(bed, cart, token);
    assert_true(cw_txn_end_job(txn, &job));
    commit(txn);
}

static void wake(struct store_bed *bed, const char *cart, const char *name)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_wake_job(txn, cw_slice(cart), cw_slice(name), bed->time.now));
    commit(txn);
}

static void control(struct store_bed *bed, const char *cart, const char *stream, bool is_stopped)
{
    struct cw_control control = { .cart = cw_slice(cart),
                                  .stream = cw_slice(stream),
                                  .is_stopped = is_stopped,
                                  .why = cw_slice("holidays"),
                                  .who = cw_slice("ada"),
                                  .at = bed->time.now };
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_control(txn, &control));
    commit(txn);
}

static void drop_lease(struct store_bed *bed, const char *cart, int64_t token)
{
    struct answer dropped = { 0 };
    cw_store_drop_lease(bed->store, cw_slice(cart), token, answer_done, &dropped);
    cw_store_wait(bed->store);
    assert_false(dropped.failed);
}

static void the_job_that_waits_longest_is_claimed_first(void **state)
{
    plan_three(*state);
    assert_string_equal(claim(*state, "w1").name, "a orders");
    assert_string_equal(claim(*state, "w2").name, "b orders");
}

static void what_is_not_due_yet_is_not_claimed_and_its_time_is_told(void **state)
{
    struct store_bed *bed = *state;
    struct cw_job jobs[] = { job_of("a", "orders", bed->time.now + CW_MINUTE),
                             job_of("a", "items", CW_TIME_NONE) };
    plan(bed, jobs, 2);
    struct got_claim got = claim(bed, "w1");
    assert_string_equal(got.name, "");
    assert_int_equal(got.next_at, bed->time.now + CW_MINUTE);
    test_clock_advance(&bed->time, CW_MINUTE);
    assert_string_equal(claim(bed, "w1").name, "a orders");
}

static void a_cart_belongs_to_one_worker_at_a_time(void **state)
{
    plan_three(*state);
    struct got_claim first = claim(*state, "w1");
    assert_string_equal(claim(*state, "w2").name, "b orders");
    assert_string_equal(claim(*state, "w2").name, ""); /* "a items": its cart is w1's */
    struct got_claim second = claim(*state, "w1");
    assert_string_equal(second.name, "a items");
    assert_int_equal(second.token, first.token);
    assert_string_equal(claim(*state, "w1").name, ""); /* both of its jobs run */
}

static void a_job_that_ended_comes_again_at_its_next_time(void **state)
{
    struct store_bed *bed = *state;
    plan_three(bed);
    struct got_claim got = claim(bed, "w1");
    end_job(bed, "a", "orders", got.token, bed->time.now + 5 * CW_MINUTE);
    assert_string_equal(claim(bed, "w1").name, "b orders");
    assert_string_equal(claim(bed, "w1").name, "a items");
    assert_string_equal(claim(bed, "w1").name, "");
    assert_int_equal(claim(bed, "w1").next_at, bed->time.now + 5 * CW_MINUTE);
}

static void jobs_of_a_worker_that_died_go_to_another_when_its_lease_is_over(void **state)
{
    struct store_bed *bed = *state;
    struct cw_job job = job_of("a", "orders", bed->time.now);
    plan(bed, &job, 1);
    struct got_claim dead = claim(bed, "w1");
    struct got_claim waiting = claim(bed, "w2");
    assert_string_equal(waiting.name, "");
    assert_int_equal(waiting.next_at, bed->time.now + MINUTE_LEASE * CW_SECOND);
    test_clock_advance(&bed->time, MINUTE_LEASE * CW_SECOND);
    struct got_claim heir = claim(bed, "w2");
    assert_string_equal(heir.name, "a orders");
    assert_true(heir.token > dead.token);
}

static void a_worker_that_was_away_too_long_cannot_end_its_job(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    struct cw_job job = job_of("a", "orders", bed->time.now);
    plan(bed, &job, 1);
    struct got_claim late = claim(bed, "w1");
    test_clock_advance(&bed->time, MINUTE_LEASE * CW_SECOND);
    struct got_claim heir = claim(bed, "w2");
    struct cw_txn *txn = begin_fenced(bed, "a", late.token);
    cw_txn_end_job(txn, &job);
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    end_job(bed, "a", "orders", heir.token, CW_TIME_NONE);
}

static void a_wake_up_makes_a_job_ready_at_once(void **state)
{
    struct store_bed *bed = *state;
    struct cw_job job = job_of("a", "orders", bed->time.now + CW_HOUR);
    plan(bed, &job, 1);
    wake(bed, "a", "orders");
    assert_string_equal(claim(bed, "w1").name, "a orders");
}

static void a_wake_up_while_the_job_runs_makes_it_run_once_more(void **state)
{
    struct store_bed *bed = *state;
    struct cw_job job = job_of("a", "orders", bed->time.now);
    plan(bed, &job, 1);
    struct got_claim got = claim(bed, "w1");
    wake(bed, "a", "");
    wake(bed, "a", "orders");
    assert_string_equal(claim(bed, "w1").name, "");
    end_job(bed, "a", "orders", got.token, bed->time.now + CW_HOUR);
    got = claim(bed, "w1");
    assert_string_equal(got.name, "a orders");
    end_job(bed, "a", "orders", got.token, bed->time.now + CW_HOUR);
    assert_string_equal(claim(bed, "w1").name, "");
}

static void wake_at(struct store_bed *bed, cw_time at)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_wake_job(txn, cw_slice("a"), cw_slice("orders"), at));
    commit(txn);
}

/* Of many wake-ups for later the first is served in time, and those after it once more. */
static void a_wake_up_for_later_outlasts_the_beginning_of_the_job(void **state)
{
    struct store_bed *bed = *state;
    cw_time start = bed->time.now;
    struct cw_job job = job_of("a", "orders", start + CW_HOUR);
    plan(bed, &job, 1);
    wake_at(bed, start + 10 * CW_SECOND);
    wake_at(bed, start + 12 * CW_SECOND);
    wake_at(bed, start + 15 * CW_SECOND);
    struct got_claim got = claim(bed, "w1");
    assert_string_equal(got.name, "");
    assert_int_equal(got.next_at, start + 10 * CW_SECOND);
    bed->time.now = start + 10 * CW_SECOND;
    got = claim(bed, "w1");
    assert_string_equal(got.name, "a orders");
    end_job(bed, "a", "orders", got.token, start + CW_HOUR);
    got = claim(bed, "w1");
    assert_string_equal(got.name, "");
    assert_int_equal(got.next_at, start + 15 * CW_SECOND);
    bed->time.now = start + 15 * CW_SECOND;
    got = claim(bed, "w1");
    assert_string_equal(got.name, "a orders");
    end_job(bed, "a", "orders", got.token, start + CW_HOUR);
    assert_int_equal(claim(bed, "w1").next_at, start + CW_HOUR);
}

static void a_wake_up_of_what_does_not_exist_is_refused(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    plan_three(bed);
    struct cw_txn *txn = begin(bed);
    cw_txn_wake_job(txn, cw_slice("a"), cw_slice("stock"), bed->time.now);
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_NOT_FOUND);
}

static void a_cart_that_is_stopped_is_left_alone_until_it_is_started(void **state)
{
    struct store_bed *bed = *state;
    plan_three(bed);
    control(bed, "a", "", true);
    assert_string_equal(claim(bed, "w1").name, "b orders");
    assert_string_equal(claim(bed, "w1").name, "");
    control(bed, "a", "", false);
    assert_string_equal(claim(bed, "w1").name, "a orders");
}

static void a_stream_that_is_stopped_stops_what_is_named_after_it(void **state)
{
    struct store_bed *bed = *state;
    struct cw_job jobs[] = { job_of("a", "orders", bed->time.now - 3),
                             job_of("a", "reconcile orders", bed->time.now - 2),
                             job_of("a", "items", bed->time.now - 1) };
    plan(bed, jobs, 3);
    control(bed, "a", "orders", true);
    assert_string_equal(claim(bed, "w1").name, "a items");
    assert_string_equal(claim(bed, "w1").name, "");
}

static void planning_again_keeps_what_did_not_change(void **state)
{
    struct store_bed *bed = *state;
    plan_three(bed);
    struct got_claim got = claim(bed, "w1");
    end_job(bed, "a", "orders", got.token, bed->time.now + 7);
    drop_lease(bed, "a", got.token);
    struct cw_job jobs[] = { job_of("a", "orders", bed->time.now + 100), job_of("c", "orders", 5),
                             job_of("a", "items", bed->time.now + 200) };
    jobs[2].schedule = cw_slice("every 1h");
    plan(bed, jobs, 3);
    assert_string_equal(ask(bed, "SELECT cart, name, schedule, due_at, ready_at FROM jobs ORDER BY 1, 2"),
                        "a|items|every 1h|2024-03-31T02:30:00.000200Z|2024-03-31T02:30:00.000200Z\n"
                        "a|orders|every 5m|2024-03-31T02:30:00.000007Z|2024-03-31T02:30:00.000007Z\n"
                        "c|orders|every 5m|1970-01-01T00:00:00.000005Z|1970-01-01T00:00:00.000005Z");
}

static bool add_job(void *arg, const struct cw_job *job)
{
    return cw_buffer_print(arg, NULL, "%.*s %.*s%s; ", CW_SLICE_ARG(job->cart), CW_SLICE_ARG(job->name),
                           job->is_running ? " runs" : "");
}

static void ignore_done(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void what_runs_is_told(void **state)
{
    struct store_bed *bed = *state;
    struct cw_buffer text = { 0 };
    plan_three(bed);
    claim(bed, "w1");
    cw_store_read_jobs(bed->store, (struct cw_slice){ NULL, 0 }, add_job, ignore_done, &text);
    cw_store_wait(bed->store);
    assert_string_equal(text.data, "a items; a orders runs; b orders; ");
    cw_buffer_fini(&text);
}

static void the_sites_own_jobs_have_a_lease_of_their_own(void **state)
{
    struct store_bed *bed = *state;
    struct cw_job job = job_of("", "tidy", bed->time.now);
    plan(bed, &job, 1);
    struct got_claim got = claim(bed, "w1");
    assert_string_equal(got.name, " tidy");
    assert_string_equal(claim(bed, "w2").name, "");
    job.ended_at = bed->time.now;
    struct cw_txn *txn = begin_fenced(bed, CW_SITE_LEASE, got.token);
    assert_true(cw_txn_end_job(txn, &job));
    commit(txn);
}

/* --- notices --- */

struct put_notice {
    bool is_new;
    int calls;
};

static void note_put(void *arg, bool is_new, const struct cw_error *err)
{
    struct put_notice *put = arg;
    assert_null(err);
    put->is_new = is_new;
    put->calls++;
}

static bool put_webhook(struct store_bed *bed, const char *delivery)
{
    struct put_notice put = { 0 };
    struct cw_webhook webhook = { .cart = cw_slice("a"),
                                  .delivery_id = cw_slice(delivery),
                                  .topic = cw_slice("order.updated"),
                                  .received_at = bed->time.now,
                                  .headers = cw_slice("content-type: application/json\n"),
                                  .bytes = cw_slice("{\"id\":1}") };
    struct cw_txn *txn = begin(bed);
    cw_txn_put_webhook(txn, &webhook, note_put, &put);
    commit(txn);
    assert_int_equal(put.calls, 1);
    return put.is_new;
}

static void a_notice_that_comes_again_is_known(void **state)
{
    assert_true(put_webhook(*state, "d-1"));
    assert_false(put_webhook(*state, "d-1"));
    assert_true(put_webhook(*state, "d-2"));
    assert_string_equal(ask(*state, "SELECT delivery_id, topic FROM webhooks ORDER BY id"),
                        "d-1|order.updated\nd-2|order.updated");
}

/* --- hearing of each other --- */

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

static void who_listens_hears_of_a_wake_up(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    struct ear ear = { .loop = cw_loop_create(&err) };
    struct cw_store_config config = { .uri = bed->path, .clock = &bed->clock };
    struct cw_store *other = cw_store_open(&config, ear.loop, &err);
    assert_ok(other != NULL, err);
    plan_three(bed);
    assert_true(cw_store_listen(other, hear, &ear, &err));
    wake(bed, "a", "orders");
    cw_loop_run(ear.loop);
    assert_int_equal(ear.heard, 1);
    control(bed, "a", "", true);
    cw_loop_run(ear.loop);
    assert_int_equal(ear.heard, 2);
    cw_store_close(other);
    cw_loop_free(ear.loop);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(the_job_that_waits_longest_is_claimed_first),
        STORE_TEST(what_is_not_due_yet_is_not_claimed_and_its_time_is_told),
        STORE_TEST(a_cart_belongs_to_one_worker_at_a_time),
        STORE_TEST(a_job_that_ended_comes_again_at_its_next_time),
        STORE_TEST(jobs_of_a_worker_that_died_go_to_another_when_its_lease_is_over),
        STORE_TEST(a_worker_that_was_away_too_long_cannot_end_its_job),
        STORE_TEST(a_wake_up_makes_a_job_ready_at_once),
        STORE_TEST(a_wake_up_while_the_job_runs_makes_it_run_once_more),
        STORE_TEST(a_wake_up_for_later_outlasts_the_beginning_of_the_job),
        STORE_TEST(a_wake_up_of_what_does_not_exist_is_refused),
        STORE_TEST(a_cart_that_is_stopped_is_left_alone_until_it_is_started),
        STORE_TEST(a_stream_that_is_stopped_stops_what_is_named_after_it),
        STORE_TEST(planning_again_keeps_what_did_not_change),
        STORE_TEST(what_runs_is_told),
        STORE_TEST(the_sites_own_jobs_have_a_lease_of_their_own),
        STORE_TEST(a_notice_that_comes_again_is_known),
        STORE_TEST(who_listens_hears_of_a_wake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
