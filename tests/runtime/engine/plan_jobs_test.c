/* plan_jobs_test.c - which jobs a site has, by which schedules, and when they are due. */
#include "site_bed.h"

#include <stdio.h>

#include "engine/plan_jobs.h"

static struct site_bed bed;
static struct cw_arena arena;
static struct cw_job *jobs;
static size_t job_count;
static struct cw_error err;

static const struct cw_planned_stream two[] = { { "items", false, false }, { "orders", false, false } };
static const struct cw_planned_stream one_off[] = { { "items", true, false }, { "orders", false, false } };

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 1);
    cw_arena_init(&arena, 0);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    cw_arena_fini(&arena);
    site_bed_fini(&bed);
    return 0;
}

/* Opens a site whose lists are these: of the site, and of the carts a and b. "" = none. */
static void open_site(const char *of_site, const char *of_a, const char *of_b)
{
    char text[2048];
    snprintf(text, sizeof text,
             "return {\n%s%s%s\ncarts = {\na = { type = 'fake' %s%s },\nb = { type = 'fake' %s%s } } }",
             of_site[0] != '\0' ? "schedules = " : "", of_site, of_site[0] != '\0' ? "," : "",
             of_a[0] != '\0' ? ", schedules = " : "", of_a, of_b[0] != '\0' ? ", schedules = " : "", of_b);
    site_bed_write(&bed, "site.lua", text);
    cw_site_free(bed.site);
    bed.site = cw_site_open(bed.folder, CW_SOURCE_HOME, cw_loop_clock(bed.loop), &err);
    assert_ok(bed.site != NULL, err);
}

static void plan(const struct cw_planned_stream *of_a, const struct cw_planned_stream *of_b)
{
    struct cw_cart_streams carts[] = { { "a", of_a, 2 }, { "b", of_b, 2 } };
    cw_arena_reset(&arena);
    assert_ok(cw_jobs_plan(&bed.site->config, carts, of_b != NULL ? 2 : 1, BED_START, &arena, &jobs,
                           &job_count, &err),
              err);
}

/* "cart/name: schedule", a line each. */
static const char *planned(void)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < job_count; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%.*s/%.*s: %.*s\n", CW_SLICE_ARG(jobs[i].cart),
                             CW_SLICE_ARG(jobs[i].name), CW_SLICE_ARG(jobs[i].schedule));
    return text;
}

static const struct cw_job *find_job(const char *cart, const char *name)
{
    for (size_t i = 0; i < job_count; i++)
        if (cw_slice_is(jobs[i].cart, cart) && cw_slice_is(jobs[i].name, name))
            return &jobs[i];
    fail_msg("there is no job %s/%s", cart, name);
    return NULL;
}

static cw_time due_next(const char *cart, const char *job, cw_time served, cw_time now)
{
    return cw_jobs_next(&bed.site->config, cw_slice(cart), cw_slice(job), served, now);
}

/* --- which --- */

#define DEFAULT_LOOKS(cart)                                                                                  \
    cart "/reconcile orders: daily 03:00 UTC jitter 1h\n" cart "/refresh orders: every 1h\n"
#define DEFAULT_TIDY "/tidy: every 1h jitter 10m\n"

static void a_site_without_schedules_has_the_default_ones(void **state)
{
    (void)state;
    open_site("", "", "");
    plan(two, NULL);
    assert_string_equal(planned(), "a/items: every 5m\na/orders: every 5m\n" DEFAULT_LOOKS("a") DEFAULT_TIDY);
    for (size_t i = 0; i < job_count; i++) {
        assert_int_equal(jobs[i].served_at, CW_TIME_NONE);
        assert_int_equal(jobs[i].woken_at, CW_TIME_NONE);
        assert_int_equal(jobs[i].began_at, CW_TIME_NONE);
        assert_true(jobs[i].due_at >= BED_START);
    }
    assert_int_equal(find_job("a", "orders")->due_at, BED_START);
    assert_int_equal(find_job("", "tidy")->due_at, BED_START);
    cw_time look = find_job("a", "reconcile orders")->due_at - BED_START;
    assert_true(look >= 30 * CW_MINUTE && look < 90 * CW_MINUTE); /* 02:30 now, due from 03:00 to 04:00 */
}

static void streams_that_are_switched_off_have_no_jobs(void **state)
{
    (void)state;
    open_site("{ { every = '5m' }, { job = 'reconcile items', daily = '01:00' } }", "", "");
    plan(one_off, NULL);
    assert_string_equal(planned(), "a/orders: every 5m\n" DEFAULT_LOOKS("a") DEFAULT_TIDY);
    static const struct cw_planned_stream none[] = { { "items", true, false }, { "orders", true, false } };
    plan(none, NULL);
    assert_string_equal(planned(), DEFAULT_TIDY);
}

static void a_stream_that_is_named_has_its_own_times_alone(void **state)
{
    (void)state;
    open_site("{ { every = '5m' }, { job = 'items', daily = { '03:30', '15:30' }, jitter = '1m' },\n"
              "{ job = 'items', weekly = 'sun 12:00' }, { job = 'customers', every = '1d' } }",
              "", "");
    plan(two, NULL);
    assert_string_equal(planned(),
                        "a/items: daily 03:30 UTC jitter 1m; daily 15:30 UTC jitter 1m; weekly sun 12:00 "
                        "UTC\na/orders: every 5m\n" DEFAULT_LOOKS("a") DEFAULT_TIDY);
}

static void a_cart_leaves_what_the_site_says_of_the_jobs_that_its_own_schedules_name(void **state)
{
    (void)state;
    open_site("{ { every = '5m' }, { job = 'items', every = '2h' }, { job = 'reconcile orders', daily = "
              "'04:00' } }",
              "{ { job = 'orders', every = '1m' } }", "{ { job = 'refresh orders', off = true } }");
    plan(two, two);
    assert_string_equal(planned(), "a/items: every 2h\n" /* as the site says: the cart does not name it */
                                   "a/orders: every 1m\n"
                                   "a/reconcile orders: daily 04:00 UTC\n"
                                   "a/refresh orders: every 1h\n"
                                   "b/items: every 2h\n"
                                   "b/orders: every 5m\n"
                                   "b/reconcile orders: daily 04:00 UTC\n" DEFAULT_TIDY);
    assert_int_equal(due_next("b", "refresh orders", CW_TIME_NONE, BED_START), CW_TIME_NONE);
}

static void what_is_off_is_never_due(void **state)
{
    (void)state;
    open_site("{ { job = 'tidy', off = true }, { job = 'items', off = true }, { every = '5m' },\n"
              "{ job = 'reconcile orders', off = true } }",
              "", "{ { off = true } }");
    plan(two, two);
    assert_string_equal(planned(), "a/items: off\na/orders: every 5m\na/refresh orders: every 1h\n"
                                   "b/items: off\nb/orders: off\nb/refresh orders: every 1h\n");
    assert_int_equal(find_job("a", "items")->due_at, CW_TIME_NONE);
    assert_int_equal(due_next("b", "orders", CW_TIME_NONE, BED_START), CW_TIME_NONE);
}

static void other_streams_can_be_looked_at_again_too(void **state)
{
    (void)state;
    open_site("", "{ { job = 'reconcile items', every = '1d' } }", "");
    plan(two, NULL);
    assert_string_equal(
        planned(), "a/items: every 5m\na/reconcile items: every 1d\na/orders: every 5m\n" DEFAULT_LOOKS("a")
                       DEFAULT_TIDY);
}

/* --- when --- */

static void a_job_is_due_at_the_earliest_of_its_schedules(void **state)
{
    (void)state;
    open_site(
        "{ { job = 'orders', daily = { '03:30', '15:30' } }, { job = 'orders', cron = '0 */6 * * *' } }", "",
        "");
    static const int minutes[] = { 210, 360, 720, 930, 1080, 1440, 1440 + 210 };
    cw_time midnight = BED_START - 150 * CW_MINUTE, served = BED_START;
    for (size_t i = 0; i < sizeof minutes / sizeof *minutes; i++) {
        served = due_next("a", "orders", served, served);
        assert_int_equal(served, midnight + minutes[i] * CW_MINUTE);
    }
}

static void jitter_spreads_the_carts(void **state)
{
    (void)state;
    open_site("{ { daily = '03:30', jitter = '1h' } }", "", "");
    plan(two, two);
    cw_time a = find_job("a", "orders")->due_at, b = find_job("b", "orders")->due_at;
    assert_true(a != b && a != find_job("a", "items")->due_at);
    assert_true(a >= BED_START + CW_HOUR && a < BED_START + 2 * CW_HOUR);
    assert_int_equal(a, due_next("a", "orders", CW_TIME_NONE, BED_START));
}

static void a_job_has_served_what_was_due_when_it_began(void **state)
{
    (void)state;
    struct cw_job job = { .due_at = 100, .served_at = 50, .began_at = 160 };
    assert_int_equal(cw_job_served(&job), 160);
    job.due_at = 160;
    assert_int_equal(cw_job_served(&job), 160);
    job.due_at = 161; /* it was woken */
    assert_int_equal(cw_job_served(&job), 50);
    job.due_at = CW_TIME_NONE;
    assert_int_equal(cw_job_served(&job), 50);
}

/* Ends each job as a worker does, from when it began; `took` is how long it ran. Its begins, in minutes. */
static const char *begins(cw_time until, cw_time down_from, cw_time down_until, cw_time took)
{
    static char text[1024];
    size_t len = 0;
    struct cw_job job = { .due_at = due_next("a", "orders", CW_TIME_NONE, BED_START),
                          .served_at = CW_TIME_NONE };
    text[0] = '\0';
    while (job.due_at < until) {
        job.began_at = job.due_at >= down_from && job.due_at < down_until ? down_until : job.due_at;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d", len > 0 ? " " : "",
                                (int)((job.began_at - BED_START) / CW_MINUTE));
        job.served_at = cw_job_served(&job);
        job.due_at = due_next("a", "orders", job.served_at, job.began_at + took);
    }
    return text;
}

static void what_was_missed_while_nothing_ran_begins_once(void **state)
{
    (void)state;
    open_site("{ { job = 'orders', every = '10m' } }", "", "");
    assert_string_equal(
        begins(BED_START + 70 * CW_MINUTE, BED_START + 15 * CW_MINUTE, BED_START + 47 * CW_MINUTE, CW_MINUTE),
        "0 10 47 57 67");
    open_site("{ { job = 'orders', cron = '*/10 * * * *' } }", "", "");
    assert_string_equal(
        begins(BED_START + 70 * CW_MINUTE, BED_START + 15 * CW_MINUTE, BED_START + 47 * CW_MINUTE, CW_MINUTE),
        "10 47 50 60");
}

static void a_job_that_takes_longer_than_its_interval_begins_again_at_once(void **state)
{
    (void)state;
    open_site("{ { job = 'orders', every = '10m' } }", "", "");
    struct cw_job job = { .due_at = BED_START, .served_at = CW_TIME_NONE, .began_at = BED_START };
    cw_time due = due_next("a", "orders", cw_job_served(&job), BED_START + 25 * CW_MINUTE);
    assert_int_equal(due,
                     BED_START + 10 * CW_MINUTE); /* it lies behind now, and stands for the next as well */
    job = (struct cw_job){ .due_at = due, .served_at = BED_START, .began_at = BED_START + 25 * CW_MINUTE };
    assert_int_equal(due_next("a", "orders", cw_job_served(&job), job.began_at), BED_START + 35 * CW_MINUTE);
}

/* --- checks --- */

static void jobs_of_streams_that_a_cart_has_not_are_refused(void **state)
{
    (void)state;
    struct cw_cart_streams a = { "a", two, 2 }, b = { "b", two, 2 };
    open_site("{ { job = 'customers', every = '1h' } }", "{ { job = 'orders', every = '1h' } }",
              "{ { job = 'reconcile items', every = '1h' },\n{ job = 'refresh stock', every = '1h' } }");
    assert_ok(cw_jobs_check(&bed.site->config, &a, &err),
              err); /* the site's are for carts that have such a stream */
    assert_false(cw_jobs_check(&bed.site->config, &b, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_string_equal(err.text,
                        "site.lua:6: job \"refresh stock\": cart b has no such stream; it has items, orders");
    struct cw_cart_streams none = { "a", NULL, 0 };
    assert_false(cw_jobs_check(&bed.site->config, &none, &err));
    assert_string_equal(err.text, "site.lua:4: job \"orders\": cart a has no such stream; it has none");
}

/* --- streams out --- */

static void
a_stream_out_is_a_job_where_the_cart_is_told_and_stock_is_counted_at_once_by_other_rules(void **state)
{
    (void)state;
    static const struct cw_planned_stream outs[] = { { "stock_out", false, true },
                                                     { "prices_out", false, true } };
    char first[80];
    open_site("{ { job = 'recount', daily = '04:00' } }",
              "{ { job = 'stock_out', every = '1m' } }, out = { stock = {} }", "");
    plan(outs, outs);
    assert_int_equal(job_count, 3);
    assert_memory_equal(planned(), "a/stock_out: every 1m\n" DEFAULT_TIDY "/recount: daily 04:00 UTC rules ",
                        strlen("a/stock_out: every 1m\n" DEFAULT_TIDY "/recount: daily 04:00 UTC rules "));
    assert_int_equal(find_job("", "recount")->due_at, BED_START);
    snprintf(first, sizeof first, "%.*s", CW_SLICE_ARG(find_job("", "recount")->schedule));
    plan(outs, outs);
    assert_true(cw_slice_is(find_job("", "recount")->schedule, first));
    assert_true(cw_jobs_has_rules(&bed.site->config, cw_slice(first)));
    open_site("{ { job = 'recount', daily = '04:00' } }",
              "{ { every = '5m' } }, out = { stock = { buffer = 2 } }", "");
    plan(outs, outs);
    assert_false(cw_slice_is(find_job("", "recount")->schedule, first));
    assert_false(cw_jobs_has_rules(&bed.site->config, cw_slice(first)));
    assert_false(cw_jobs_has_rules(&bed.site->config, cw_slice("")));
    open_site("", "{ { every = '5m' } }, out = { stock = {} }, switches = { stock_out = false }", "");
    plan(outs, outs);
    assert_string_equal(planned(), DEFAULT_TIDY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(a_site_without_schedules_has_the_default_ones),
        TEST(streams_that_are_switched_off_have_no_jobs),
        TEST(a_stream_that_is_named_has_its_own_times_alone),
        TEST(a_stream_out_is_a_job_where_the_cart_is_told_and_stock_is_counted_at_once_by_other_rules),
        TEST(a_cart_leaves_what_the_site_says_of_the_jobs_that_its_own_schedules_name),
        TEST(what_is_off_is_never_due),
        TEST(other_streams_can_be_looked_at_again_too),
        TEST(a_job_is_due_at_the_earliest_of_its_schedules),
        TEST(jitter_spreads_the_carts),
        TEST(a_job_has_served_what_was_due_when_it_began),
        TEST(what_was_missed_while_nothing_ran_begins_once),
        TEST(a_job_that_takes_longer_than_its_interval_begins_again_at_once),
        TEST(jobs_of_streams_that_a_cart_has_not_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
