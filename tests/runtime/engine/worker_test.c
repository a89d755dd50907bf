/* Workers in virtual time, on one store: when jobs run, who runs them, and what a clock, a shop that is down,
 * a person and a death change about it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/plan_jobs.h"
#include "engine/worker.h"
#include "site_bed.h"

static const char site_text[] = "return {\n"
                                "  allow = { 'shop.test' },\n"
                                "  schedules = { { every = '5m' }, { job = 'refresh orders', off = true },\n"
                                "    { job = 'reconcile orders', off = true } },\n"
                                "  carts = { shop = { type = 'fake', url = 'http://shop.test' } },\n"
                                "}\n";
enum { WORKERS_MAX = 2 };

/* A worker with a store of its own, as a process has it. */
struct post {
    struct cw_store *store;
    struct cw_worker *worker;
    char name[16];
    bool has_stopped;
};

struct workers_bed {
    struct site_bed site; /* first */
    unsigned at_once;     /* of each worker; 0 = as usual */
    struct post posts[WORKERS_MAX];
};

static void has_stopped(void *arg, const struct cw_error *err)
{
    struct post *post = arg;
    if (err != NULL)
        fail_msg("%s", err->text);
    post->has_stopped = true;
}

static void start_worker(struct workers_bed *bed, int number)
{
    struct post *post = &bed->posts[number];
    char path[160];
    struct cw_error err;
    site_bed_path(&bed->site, "store.db", path);
    const struct cw_store_config store = { .uri = path, .clock = cw_loop_clock(bed->site.loop) };
    post->store = cw_store_open(&store, bed->site.loop, &err);
    assert_ok(post->store != NULL, err);
    snprintf(post->name, sizeof post->name, "worker-%d", number);
    post->has_stopped = false;
    const struct cw_worker_config config = { .site = bed->site.site,
                                             .loop = bed->site.loop,
                                             .transport = &bed->site.shop.transport,
                                             .store = post->store,
                                             .holder = post->name,
                                             .carts_at_once = bed->at_once,
                                             .stopped = has_stopped,
                                             .arg = post };
    post->worker = cw_worker_start(&config, &err);
    assert_ok(post->worker != NULL, err);
}

/* As kill -9 ends it: no lease is given back, no run closed. */
static void kill_worker(struct workers_bed *bed, int number)
{
    struct post *post = &bed->posts[number];
    cw_worker_free(post->worker);
    cw_store_close(post->store);
    post->worker = NULL;
    post->store = NULL;
}

static void put_plan(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct workers_bed *bed = arg;
    struct cw_arena arena;
    struct cw_error fault;
    struct cw_job *jobs;
    size_t count;
    const struct cw_planned_stream streams[] = { { "orders", false, false } };
    const struct cw_site_config *config = &bed->site.site->config;
    struct cw_cart_streams carts[2];
    for (size_t i = 0; i < config->cart_count; i++)
        carts[i] = (struct cw_cart_streams){ config->carts[i].name, streams, 1 };
    assert_null(err);
    cw_arena_init(&arena, 0);
    bool ok = cw_jobs_plan(config, carts, config->cart_count, cw_now(cw_loop_clock(bed->site.loop)), &arena,
                           &jobs, &count, &fault);
    assert_ok(ok, fault);
    assert_true(cw_txn_plan_jobs(txn, jobs, count));
    cw_arena_fini(&arena);
}

static void ignore_done(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void put_plan_and_commit(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    put_plan(arg, txn, err);
    cw_txn_commit(txn, ignore_done, NULL);
}

static int set_up_with(void **state, const char *text)
{
    struct workers_bed *bed = calloc(1, sizeof *bed);
    site_bed_init(&bed->site, 7);
    site_bed_write(&bed->site, "site.lua", text);
    site_bed_open(&bed->site);
    cw_txn_begin(bed->site.store, (struct cw_fence){ 0 }, put_plan_and_commit, bed);
    *state = bed;
    return 0;
}

static int setup(void **state)
{
    return set_up_with(state, site_text);
}

static int set_up_two_jobs(void **state)
{
    return set_up_with(state, "return { allow = { 'shop.test' }, schedules = { { every = '5m' },\n"
                              "  { job = 'reconcile orders', every = '1d' } },\n"
                              "  carts = { shop = { type = 'fake', url = 'http://shop.test' } } }\n");
}

static int set_up_two_carts(void **state)
{
    return set_up_with(state, "return { allow = { 'shop.test' }, schedules = { { every = '5m' },\n"
                              "  { job = 'reconcile orders', off = true } },\n"
                              "  carts = { shop = { type = 'fake', url = 'http://shop.test' },\n"
                              "    other = { type = 'fake', url = 'http://shop.test' } } }\n");
}

static int teardown(void **state)
{
    struct workers_bed *bed = *state;
    for (int i = 0; i < WORKERS_MAX; i++)
        if (bed->posts[i].worker != NULL)
            kill_worker(bed, i);
    site_bed_fini(&bed->site);
    free(bed);
    return 0;
}

/* Orders that are old enough to be in the next window. */
static void add_orders(struct workers_bed *bed, int count, enum fake_fate fate)
{
    for (int i = 0; i < count; i++)
        fake_shop_add(&bed->site.shop, fate, 0);
    site_bed_wait(&bed->site, 20 * CW_SECOND);
}

static int64_t number(struct workers_bed *bed, const char *sql)
{
    return atoll(site_bed_ask(&bed->site, sql));
}

static int64_t runs(struct workers_bed *bed)
{
    return number(bed, "SELECT count(*) FROM runs WHERE job = 'sync' AND state = 'done'");
}

static void set_control(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    assert_null(err);
    assert_true(cw_txn_put_control(txn, arg));
    cw_txn_commit(txn, ignore_done, NULL);
}

static void control(struct workers_bed *bed, bool is_stopped)
{
    struct cw_control control = { .cart = cw_slice("shop"), .stream = { "", 0 }, .is_stopped = is_stopped };
    cw_txn_begin(bed->site.store, (struct cw_fence){ 0 }, set_control, &control);
}

/* --- when --- */

static void a_job_runs_as_often_as_its_schedule_says(void **state)
{
    struct workers_bed *bed = *state;
    add_orders(bed, 20, FAKE_POSTS);
    start_worker(bed, 0);
    site_bed_wait(&bed->site, 24 * CW_HOUR);
    assert_in_range(runs(bed), 287, 289);
    assert_rows(&bed->site, "SELECT count(*) FROM orders", "20");
    assert_rows(&bed->site, "SELECT DISTINCT began_by, worker FROM runs", "schedule|worker-0");
}

static void what_was_missed_while_nobody_worked_runs_once(void **state)
{
    struct workers_bed *bed = *state;
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_MINUTE);
    kill_worker(bed, 0);
    int64_t before = runs(bed);
    site_bed_wait(&bed->site, 10 * CW_HOUR);
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_MINUTE);
    assert_int_equal(runs(bed), before + 1);
}

static void a_clock_set_back_by_an_hour_stops_no_interval(void **state)
{
    struct workers_bed *bed = *state;
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_HOUR);
    int64_t before = runs(bed);
    cw_loop_step_clock(bed->site.loop, cw_now(cw_loop_clock(bed->site.loop)) - CW_HOUR);
    site_bed_wait(&bed->site, CW_HOUR);
    assert_in_range(runs(bed) - before, 11, 13);
}

static void a_clock_set_forward_by_an_hour_runs_what_became_due_once(void **state)
{
    struct workers_bed *bed = *state;
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_HOUR);
    int64_t before = runs(bed);
    cw_loop_step_clock(bed->site.loop, cw_now(cw_loop_clock(bed->site.loop)) + CW_HOUR);
    site_bed_wait(&bed->site, CW_HOUR);
    assert_in_range(runs(bed) - before, 11, 13);
}

static void wake_orders(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct workers_bed *bed = arg;
    assert_null(err);
    assert_true(
        cw_txn_wake_job(txn, cw_slice("shop"), cw_slice("orders"), cw_now(cw_loop_clock(bed->site.loop))));
    cw_txn_commit(txn, ignore_done, NULL);
}

static void a_wake_up_runs_a_job_at_once(void **state)
{
    struct workers_bed *bed = *state;
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_MINUTE);
    int64_t before = runs(bed);
    add_orders(bed, 1, FAKE_POSTS);
    assert_int_equal(runs(bed), before);
    cw_txn_begin(bed->site.store, (struct cw_fence){ 0 }, wake_orders, bed);
    site_bed_wait(&bed->site, 70 * CW_SECOND); /* in virtual time nothing is heard, so it looks by itself */
    assert_int_equal(runs(bed), before + 1);
    assert_rows(&bed->site, "SELECT count(*) FROM orders", "1");
}

/* --- a shop that is down --- */

static void a_shop_that_is_down_is_asked_ever_less_often_and_recovers_alone(void **state)
{
    struct workers_bed *bed = *state;
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_MINUTE);
    bed->site.shop.fail_status = 503;
    fake_shop_add(&bed->site.shop, FAKE_POSTS, 0);
    uint64_t before = bed->site.shop.requests;
    site_bed_wait(&bed->site, 8 * CW_HOUR);
    assert_in_range(bed->site.shop.requests - before, 20, 8 * 60);
    assert_true(number(bed, "SELECT failures FROM jobs WHERE name = 'orders'") > 5);
    bed->site.shop.fail_status = 0;
    site_bed_wait(&bed->site, 16 * CW_MINUTE);
    assert_rows(&bed->site, "SELECT count(*) FROM orders", "1");
    assert_rows(&bed->site, "SELECT failures, message FROM jobs WHERE name = 'orders'", "0|");
    int64_t runs_before = runs(bed);
    site_bed_wait(&bed->site, CW_HOUR);
    assert_in_range(runs(bed) - runs_before, 11, 13);
}

static void a_shop_that_wants_to_be_left_alone_keeps_no_other_from_its_turn(void **state)
{
    struct workers_bed *bed = *state;
    bed->site.shop.next = FAKE_429_ABSURD; /* an hour, to whoever asks first */
    bed->site.shop.next_count = 1;
    bed->at_once = 1;
    start_worker(bed, 0);
    site_bed_wait(&bed->site, 30 * CW_MINUTE);
    assert_in_range(runs(bed), 5, 6);
    assert_rows(&bed->site, "SELECT count(DISTINCT cart) FROM runs WHERE state = 'done'", "1");
    site_bed_wait(&bed->site, 40 * CW_MINUTE);
    assert_rows(&bed->site, "SELECT count(DISTINCT cart) FROM runs WHERE state = 'done'", "2");
}

/* --- start and stop --- */

static void a_cart_that_is_stopped_rests_until_it_is_started(void **state)
{
    struct workers_bed *bed = *state;
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_MINUTE);
    control(bed, true);
    int64_t before = runs(bed);
    site_bed_wait(&bed->site, 3 * CW_HOUR);
    assert_int_equal(runs(bed), before);
    control(bed, false);
    site_bed_wait(&bed->site, CW_HOUR + 90 * CW_SECOND);
    assert_in_range(runs(bed) - before, 12, 14);
}

static void a_worker_that_is_told_to_stop_gives_its_leases_back(void **state)
{
    struct workers_bed *bed = *state;
    add_orders(bed, 200, FAKE_POSTS);
    start_worker(bed, 0);
    site_bed_wait(&bed->site, 2 * CW_SECOND); /* at 5 requests a second, in the middle of its pages */
    cw_worker_stop(bed->posts[0].worker);
    site_bed_wait(&bed->site, 3 * CW_SECOND);
    assert_true(bed->posts[0].has_stopped);
    int64_t stored = number(bed, "SELECT count(*) FROM orders");
    assert_in_range(stored, 7, 199);
    assert_rows(&bed->site,
                "SELECT state, records_read = records_posted + records_unchanged, message FROM runs WHERE "
                "stream = 'orders'",
                "done|1|stopped; the next run goes on from here");
    assert_rows(&bed->site, "SELECT count(*) FROM leases WHERE holder <> ''", "0");
    kill_worker(bed, 0);
    start_worker(bed, 1);
    site_bed_wait(&bed->site, 30 * CW_SECOND);
    assert_rows(&bed->site, "SELECT count(*), (SELECT sum(records_posted) FROM runs) FROM orders", "200|200");
}

/* A transaction of somebody else on the worker's store, for which its own wait. */
static void keep_txn(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    assert_null(err);
    *(struct cw_txn **)arg = txn;
}

static void hold_store(struct workers_bed *bed, struct cw_txn **txn)
{
    *txn = NULL;
    cw_txn_begin(bed->posts[0].store, (struct cw_fence){ 0 }, keep_txn, txn);
}

static void a_job_that_waits_for_another_one_ends_once(void **state)
{
    struct workers_bed *bed = *state;
    struct cw_txn *before, *next;
    add_orders(bed, 20, FAKE_POSTS);
    start_worker(bed, 0);
    site_bed_wait(&bed->site, 50 * CW_MILLISECOND);
    hold_store(bed, &before);
    for (int i = 0; i < 30 && number(bed, "SELECT count(*) FROM runs WHERE state = 'done'") == 0; i++) {
        site_bed_wait(&bed->site, CW_SECOND);
        hold_store(bed, &next);
        cw_txn_rollback(before);
        site_bed_wait(&bed->site, CW_MILLISECOND);
        before = next;
    }
    assert_int_equal(runs(bed), 1);
    site_bed_wait(&bed->site, CW_SECOND); /* the end of the first job waits */
    hold_store(bed, &next);
    cw_worker_stop(bed->posts[0].worker);
    site_bed_wait(&bed->site, CW_SECOND); /* that of the other one, too, behind another transaction */
    cw_txn_rollback(before);
    site_bed_wait(&bed->site, CW_SECOND);
    assert_non_null(next);
    cw_txn_rollback(next);
    site_bed_wait(&bed->site, CW_SECOND);
    assert_true(bed->posts[0].has_stopped);
    assert_rows(&bed->site, "SELECT count(*) FROM runs", "1");
    assert_rows(&bed->site, "SELECT count(*) FROM leases WHERE holder <> ''", "0");
}

/* --- several workers --- */

static void two_workers_share_the_jobs_and_never_run_one_twice_at_a_time(void **state)
{
    struct workers_bed *bed = *state;
    start_worker(bed, 0);
    start_worker(bed, 1);
    for (int i = 0; i < 60; i++) {
        fake_shop_add(&bed->site.shop, FAKE_POSTS, 0);
        site_bed_wait(&bed->site, CW_MINUTE);
    }
    site_bed_wait(&bed->site, 6 * CW_MINUTE);
    assert_rows(&bed->site, "SELECT count(*) FROM orders", "60");
    assert_in_range(runs(bed), 13, 15);
    assert_rows(&bed->site,
                "SELECT count(*) FROM runs a JOIN runs b ON a.stream = b.stream AND a.id < b.id "
                "AND b.started_at < a.ended_at",
                "0");
}

static void another_worker_takes_over_when_one_dies(void **state)
{
    struct workers_bed *bed = *state;
    add_orders(bed, 200, FAKE_POSTS);
    start_worker(bed, 0);
    site_bed_wait(&bed->site, 2 * CW_SECOND);
    kill_worker(bed, 0);
    start_worker(bed, 1);
    site_bed_wait(&bed->site, 2 * CW_MINUTE);
    assert_rows(&bed->site, "SELECT count(*) FROM orders", "200");
    assert_rows(&bed->site, "SELECT state, worker FROM runs WHERE stream = 'orders' ORDER BY id LIMIT 2",
                "failed|worker-0\ndone|worker-1");
}

/* --- deaths --- */

static void a_cart_that_killed_its_worker_twice_is_stopped_and_says_why(void **state)
{
    struct workers_bed *bed = *state;
    struct cw_error err;
    cw_time now = cw_now(cw_loop_clock(bed->site.loop));
    assert_true(cw_worker_blame(bed->site.store, "shop", "signal 11", now, &err));
    assert_rows(&bed->site, "SELECT state, deaths FROM controls", "running|1");
    assert_true(cw_worker_blame(bed->site.store, "shop", "a callback of 30 s", now, &err));
    assert_rows(&bed->site, "SELECT state, deaths, who FROM controls", "stopped|2|supervisor");
    assert_has(site_bed_ask(&bed->site, "SELECT why FROM controls"),
               "2 times, the last time by a callback of 30 s");
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_HOUR);
    assert_int_equal(runs(bed), 0);
    control(bed, false);
    site_bed_wait(&bed->site, 2 * CW_MINUTE);
    assert_true(runs(bed) > 0);
}

static void a_run_that_ends_well_forgives_one_death(void **state)
{
    struct workers_bed *bed = *state;
    struct cw_error err;
    cw_time now = cw_now(cw_loop_clock(bed->site.loop));
    assert_true(cw_worker_blame(bed->site.store, "shop", "signal 11", now, &err));
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_MINUTE);
    assert_rows(&bed->site, "SELECT state, deaths FROM controls", "running|0");
}

/* --- what waits --- */

static void put_row(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
    assert_true(cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("status"), cw_slice("mystery"),
                                     cw_slice("pending")));
    cw_txn_commit(txn, ignore_done, NULL);
}

static void a_row_that_is_set_frees_what_waits_for_it(void **state)
{
    struct workers_bed *bed = *state;
    add_orders(bed, 1, FAKE_PARKS);
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_MINUTE);
    assert_rows(&bed->site, "SELECT count(*), (SELECT count(*) FROM staged_records) FROM orders", "0|1");
    cw_txn_begin(bed->site.store, (struct cw_fence){ 0 }, put_row, NULL);
    site_bed_wait(&bed->site, 6 * CW_MINUTE);
    assert_rows(&bed->site, "SELECT count(*), (SELECT count(*) FROM staged_records) FROM orders", "1|0");
}

static int set_up_told(void **state)
{
    return set_up_with(state, "return { allow = { 'shop.test' }, schedules = { { every = '5m' },\n"
                              "  { job = 'reconcile orders', off = true } }, carts = { shop =\n"
                              "  { type = 'fake', url = 'http://shop.test', out = { stock = {} } } } }\n");
}

static void put_newer_plan(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    const struct workers_bed *bed = arg;
    const struct cw_job job = { .cart = cw_slice(""),
                                .name = cw_slice("recount"),
                                .schedule = cw_slice("daily 03:30 UTC rules 01234567"),
                                .due_at = cw_now(cw_loop_clock(bed->site.loop)),
                                .woken_at = CW_TIME_NONE,
                                .served_at = CW_TIME_NONE,
                                .began_at = CW_TIME_NONE,
                                .ended_at = CW_TIME_NONE };
    assert_null(err);
    assert_true(cw_txn_plan_jobs(txn, &job, 1));
    cw_txn_commit(txn, ignore_done, NULL);
}

static void a_count_by_rules_of_a_newer_site_is_left_to_those_who_read_it(void **state)
{
    struct workers_bed *bed = *state;
    cw_txn_begin(bed->site.store, (struct cw_fence){ 0 }, put_newer_plan, bed);
    cw_store_wait(bed->site.store);
    start_worker(bed, 0);
    site_bed_wait(&bed->site, CW_MINUTE);
    assert_rows(&bed->site, "SELECT count(*) FROM state WHERE key = 'cartwright.recounted'", "0");
    assert_rows(&bed->site, "SELECT served_at IS NULL, due_at < '2024-03-31T02:31:06' FROM jobs", "1|1");
    cw_txn_begin(bed->site.store, (struct cw_fence){ 0 }, put_plan_and_commit, bed);
    site_bed_wait(&bed->site, CW_MINUTE);
    assert_rows(&bed->site, "SELECT count(*) FROM state WHERE key = 'cartwright.recounted'", "1");
}

#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(a_job_runs_as_often_as_its_schedule_says),
        WORKER_TEST(what_was_missed_while_nobody_worked_runs_once),
        WORKER_TEST(a_clock_set_back_by_an_hour_stops_no_interval),
        WORKER_TEST(a_clock_set_forward_by_an_hour_runs_what_became_due_once),
        WORKER_TEST(a_wake_up_runs_a_job_at_once),
        WORKER_TEST(a_shop_that_is_down_is_asked_ever_less_often_and_recovers_alone),
        cmocka_unit_test_setup_teardown(a_shop_that_wants_to_be_left_alone_keeps_no_other_from_its_turn,
                                        set_up_two_carts, teardown),
        WORKER_TEST(a_cart_that_is_stopped_rests_until_it_is_started),
        WORKER_TEST(a_worker_that_is_told_to_stop_gives_its_leases_back),
        cmocka_unit_test_setup_teardown(a_job_that_waits_for_another_one_ends_once, set_up_two_jobs,
                                        teardown),
        WORKER_TEST(two_workers_share_the_jobs_and_never_run_one_twice_at_a_time),
        WORKER_TEST(another_worker_takes_over_when_one_dies),
        WORKER_TEST(a_cart_that_killed_its_worker_twice_is_stopped_and_says_why),
        WORKER_TEST(a_run_that_ends_well_forgives_one_death),
        WORKER_TEST(a_row_that_is_set_frees_what_waits_for_it),
        cmocka_unit_test_setup_teardown(a_count_by_rules_of_a_newer_site_is_left_to_those_who_read_it,
                                        set_up_told, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
