/* Workers in the nights in which clocks change, and while somebody sets the clock by an hour: every instant
 * at which their jobs begin, as listed here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/plan_jobs.h"
#include "engine/worker.h"
#include "site_bed.h"

/* One cart for each schedule. */
enum { DAILY, HOURLY, TEN, SCHEDULES };
static const char *const carts[SCHEDULES] = { "daily", "hourly", "ten" };
static const char site_text[] =
    "local function cart(schedule)\n"
    "  schedule.zone = '%s'\n"
    "  return { type = 'fake', url = 'http://shop.test', schedules = { schedule } }\n"
    "end\n"
    "return {\n"
    "  allow = { 'shop.test' },\n"
    "  schedules = { { job = 'refresh orders', off = true }, { job = 'reconcile orders', off = true },\n"
    "    { job = 'tidy', off = true } },\n"
    "  carts = { daily = cart { daily = '02:30' }, hourly = cart { cron = '0 * * * *' },\n"
    "    ten = cart { cron = '*/10 * * * *' } },\n"
    "}\n";

struct clock_bed {
    struct site_bed site; /* first */
    struct cw_store *store;
    struct cw_worker *worker;
};

/* --- the bed --- */

static cw_time at(const char *utc)
{
    struct cw_error err;
    struct cw_zone *zone = cw_zone_open("UTC", &err);
    cw_time time = 0;
    assert_ok(zone != NULL && cw_time_parse(cw_slice(utc), zone, &time, &err), err);
    cw_zone_free(zone);
    return time;
}

static cw_time now(struct clock_bed *bed)
{
    return cw_now(cw_loop_clock(bed->site.loop));
}

static void done(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail_msg("%s", err->text);
}

static void put_plan(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct clock_bed *bed = arg;
    struct cw_arena arena;
    struct cw_error fault;
    struct cw_job *jobs;
    size_t count;
    const struct cw_planned_stream orders = { "orders", false, false };
    struct cw_cart_streams streams[SCHEDULES];
    done(NULL, err);
    for (int i = 0; i < SCHEDULES; i++)
        streams[i] = (struct cw_cart_streams){ carts[i], &orders, 1 };
    cw_arena_init(&arena, 0);
    bool ok =
        cw_jobs_plan(&bed->site.site->config, streams, SCHEDULES, now(bed), &arena, &jobs, &count, &fault);
    assert_ok(ok, fault);
    assert_true(cw_txn_plan_jobs(txn, jobs, count));
    cw_arena_fini(&arena);
    cw_txn_commit(txn, done, NULL);
}

static void has_stopped(void *arg, const struct cw_error *err)
{
    done(arg, err);
}

static void start_worker(struct clock_bed *bed)
{
    char path[160];
    struct cw_error err;
    site_bed_path(&bed->site, "store.db", path);
    const struct cw_store_config store = { .uri = path, .clock = cw_loop_clock(bed->site.loop) };
    bed->store = cw_store_open(&store, bed->site.loop, &err);
    assert_ok(bed->store != NULL, err);
    const struct cw_worker_config config = { .site = bed->site.site,
                                             .loop = bed->site.loop,
                                             .transport = &bed->site.shop.transport,
                                             .store = bed->store,
                                             .holder = "worker",
                                             .stopped = has_stopped,
                                             .arg = bed };
    bed->worker = cw_worker_start(&config, &err);
    assert_ok(bed->worker != NULL, err);
}

static void open_bed(struct clock_bed *bed, const char *zone, const char *from)
{
    char text[sizeof site_text + 64];
    *bed = (struct clock_bed){ 0 };
    snprintf(text, sizeof text, site_text, zone);
    site_bed_init(&bed->site, 7);
    site_bed_write(&bed->site, "site.lua", text);
    site_bed_open(&bed->site);
    cw_loop_step_clock(bed->site.loop, at(from) - CW_MINUTE);
    cw_txn_begin(bed->site.store, (struct cw_fence){ 0 }, put_plan, bed);
    start_worker(bed);
}

static void close_bed(struct clock_bed *bed)
{
    cw_worker_free(bed->worker);
    cw_store_close(bed->store);
    site_bed_fini(&bed->site);
}

/* --- a night --- */

struct night {
    const char *zone, *from, *to; /* UTC; from a minute before on it runs, to a minute behind */
    const char *step;             /* then the clock is set by `by`; NULL = it is left alone */
    cw_time by;
    const char *fired[SCHEDULES]; /* UTC, as the clock showed it, in the order in which they began */
};

static void check_fired(struct clock_bed *bed, const struct night *night)
{
    for (int i = 0; i < SCHEDULES; i++) {
        char sql[256];
        snprintf(sql, sizeof sql,
                 "SELECT coalesce(group_concat(at, ' '), '') FROM (SELECT substr(started_at, 12, 5) AS at "
                 "FROM runs "
                 "WHERE cart = '%s' AND state = 'done' ORDER BY id)",
                 carts[i]);
        const char *got = site_bed_ask(&bed->site, sql);
        if (strcmp(got, night->fired[i]) != 0)
            fail_msg("%s, %s, from %s, set by %lld min: %s, not %s", night->zone, carts[i], night->from,
                     (long long)(night->by / CW_MINUTE), got, night->fired[i]);
    }
}

static void run_night(const struct night *night)
{
    struct clock_bed bed;
    open_bed(&bed, night->zone, night->from);
    if (night->step != NULL) {
        site_bed_wait(&bed.site, at(night->step) - now(&bed));
        cw_loop_step_clock(bed.site.loop, at(night->step) + night->by);
    }
    site_bed_wait(&bed.site, at(night->to) + CW_MINUTE - now(&bed));
    check_fired(&bed, night);
    close_bed(&bed);
}

#define RUN_ALL(nights)                                                                                      \
    do {                                                                                                     \
        for (size_t i = 0; i < sizeof nights / sizeof *nights; i++)                                          \
            run_night(&nights[i]);                                                                           \
    } while (0)
static const struct night left_alone[] = {
    { "Europe/Berlin",
      "2024-03-30 23:00",
      "2024-03-31 03:00",
      NULL,
      0,
      { "01:30", "23:00 00:00 01:00 02:00 03:00",
        "23:00 23:10 23:20 23:30 23:40 23:50 00:00 00:10 00:20 00:30 00:40 00:50 01:00 01:10 01:20 "
        "01:30 01:40 01:50 02:00 02:10 02:20 02:30 02:40 02:50 03:00" } },
    { "Europe/Berlin",
      "2024-10-26 22:00",
      "2024-10-27 03:00",
      NULL,
      0,
      { "00:30", "22:00 23:00 00:00 01:00 02:00 03:00",
        "22:00 22:10 22:20 22:30 22:40 22:50 23:00 23:10 23:20 23:30 23:40 23:50 00:00 00:10 00:20 "
        "00:30 00:40 00:50 01:00 01:10 01:20 01:30 01:40 01:50 02:00 02:10 02:20 02:30 02:40 02:50 "
        "03:00" } },
    { "America/New_York",
      "2024-03-10 05:00",
      "2024-03-10 09:00",
      NULL,
      0,
      { "07:30", "05:00 06:00 07:00 08:00 09:00",
        "05:00 05:10 05:20 05:30 05:40 05:50 06:00 06:10 06:20 06:30 06:40 06:50 07:00 07:10 07:20 "
        "07:30 07:40 07:50 08:00 08:10 08:20 08:30 08:40 08:50 09:00" } },
    { "America/New_York",
      "2024-11-03 04:00",
      "2024-11-03 08:00",
      NULL,
      0,
      { "07:30", "04:00 05:00 06:00 07:00 08:00",
        "04:00 04:10 04:20 04:30 04:40 04:50 05:00 05:10 05:20 05:30 05:40 05:50 06:00 06:10 06:20 "
        "06:30 06:40 06:50 07:00 07:10 07:20 07:30 07:40 07:50 08:00" } },
    { "Australia/Lord_Howe",
      "2024-10-05 13:30",
      "2024-10-05 17:00",
      NULL,
      0,
      { "15:30", "13:30 14:30 15:30 16:00 17:00",
        "13:30 13:40 13:50 14:00 14:10 14:20 14:30 14:40 14:50 15:00 15:10 15:20 15:30 15:40 15:50 "
        "16:00 16:10 16:20 16:30 16:40 16:50 17:00" } },
    { "Australia/Lord_Howe",
      "2024-04-06 13:00",
      "2024-04-06 17:00",
      NULL,
      0,
      { "16:00", "13:00 14:00 15:30 16:30",
        "13:00 13:10 13:20 13:30 13:40 13:50 14:00 14:10 14:20 14:30 14:40 14:50 15:00 15:10 15:20 "
        "15:30 15:40 15:50 16:00 16:10 16:20 16:30 16:40 16:50 17:00" } },
};

static const struct night forward[] = {
    { "Europe/Berlin",
      "2024-03-30 23:00",
      "2024-03-31 03:00",
      "2024-03-31 00:35",
      CW_HOUR,
      { "01:35", "23:00 00:00 01:35 02:00 03:00",
        "23:00 23:10 23:20 23:30 23:40 23:50 00:00 00:10 00:20 00:30 01:35 01:40 01:50 02:00 02:10 "
        "02:20 02:30 02:40 02:50 03:00" } },
    { "Europe/Berlin",
      "2024-10-26 22:00",
      "2024-10-27 03:00",
      "2024-10-27 00:05",
      CW_HOUR,
      { "01:05", "22:00 23:00 00:00 01:05 02:00 03:00",
        "22:00 22:10 22:20 22:30 22:40 22:50 23:00 23:10 23:20 23:30 23:40 23:50 00:00 01:05 01:10 "
        "01:20 01:30 01:40 01:50 02:00 02:10 02:20 02:30 02:40 02:50 03:00" } },
    { "America/New_York",
      "2024-03-10 05:00",
      "2024-03-10 09:00",
      "2024-03-10 06:35",
      CW_HOUR,
      { "07:35", "05:00 06:00 07:35 08:00 09:00",
        "05:00 05:10 05:20 05:30 05:40 05:50 06:00 06:10 06:20 06:30 07:35 07:40 07:50 08:00 08:10 "
        "08:20 08:30 08:40 08:50 09:00" } },
    { "America/New_York",
      "2024-11-03 04:00",
      "2024-11-03 08:00",
      "2024-11-03 05:35",
      CW_HOUR,
      { "07:30", "04:00 05:00 06:35 07:00 08:00",
        "04:00 04:10 04:20 04:30 04:40 04:50 05:00 05:10 05:20 05:30 06:35 06:40 06:50 07:00 07:10 "
        "07:20 07:30 07:40 07:50 08:00" } },
    { "Australia/Lord_Howe",
      "2024-10-05 13:30",
      "2024-10-05 17:00",
      "2024-10-05 14:45",
      CW_HOUR,
      { "15:45", "13:30 14:30 15:45 16:00 17:00",
        "13:30 13:40 13:50 14:00 14:10 14:20 14:30 14:40 15:45 15:50 16:00 16:10 16:20 16:30 16:40 "
        "16:50 17:00" } },
    { "Australia/Lord_Howe",
      "2024-04-06 13:00",
      "2024-04-06 17:00",
      "2024-04-06 14:35",
      CW_HOUR,
      { "16:00", "13:00 14:00 15:35 16:30",
        "13:00 13:10 13:20 13:30 13:40 13:50 14:00 14:10 14:20 14:30 15:35 15:40 15:50 16:00 16:10 "
        "16:20 16:30 16:40 16:50 17:00" } },
};

static const struct night back[] = {
    { "Europe/Berlin",
      "2024-03-30 23:00",
      "2024-03-31 03:00",
      "2024-03-31 01:35",
      -CW_HOUR,
      { "01:30", "23:00 00:00 01:00 02:00 03:00",
        "23:00 23:10 23:20 23:30 23:40 23:50 00:00 00:10 00:20 00:30 00:40 00:50 01:00 01:10 01:20 "
        "01:30 01:40 01:50 02:00 02:10 02:20 02:30 02:40 02:50 03:00" } },
    { "Europe/Berlin",
      "2024-10-26 22:00",
      "2024-10-27 03:00",
      "2024-10-27 01:05",
      -CW_HOUR,
      { "00:30", "22:00 23:00 00:00 01:00 02:00 03:00",
        "22:00 22:10 22:20 22:30 22:40 22:50 23:00 23:10 23:20 23:30 23:40 23:50 00:00 00:10 00:20 "
        "00:30 00:40 00:50 01:00 01:10 01:20 01:30 01:40 01:50 02:00 02:10 02:20 02:30 02:40 02:50 "
        "03:00" } },
    { "America/New_York",
      "2024-03-10 05:00",
      "2024-03-10 09:00",
      "2024-03-10 07:35",
      -CW_HOUR,
      { "07:30", "05:00 06:00 07:00 08:00 09:00",
        "05:00 05:10 05:20 05:30 05:40 05:50 06:00 06:10 06:20 06:30 06:40 06:50 07:00 07:10 07:20 "
        "07:30 07:40 07:50 08:00 08:10 08:20 08:30 08:40 08:50 09:00" } },
    { "America/New_York",
      "2024-11-03 04:00",
      "2024-11-03 08:00",
      "2024-11-03 07:35",
      -CW_HOUR,
      { "07:30", "04:00 05:00 06:00 07:00 08:00",
        "04:00 04:10 04:20 04:30 04:40 04:50 05:00 05:10 05:20 05:30 05:40 05:50 06:00 06:10 06:20 "
        "06:30 06:40 06:50 07:00 07:10 07:20 07:30 07:40 07:50 08:00" } },
    { "Australia/Lord_Howe",
      "2024-10-05 13:30",
      "2024-10-05 17:00",
      "2024-10-05 15:45",
      -CW_HOUR,
      { "15:30", "13:30 14:30 15:30 16:00 17:00",
        "13:30 13:40 13:50 14:00 14:10 14:20 14:30 14:40 14:50 15:00 15:10 15:20 15:30 15:40 15:50 "
        "16:00 16:10 16:20 16:30 16:40 16:50 17:00" } },
    { "Australia/Lord_Howe",
      "2024-04-06 13:00",
      "2024-04-06 17:00",
      "2024-04-06 16:05",
      -CW_HOUR,
      { "16:00", "13:00 14:00 15:30 16:30",
        "13:00 13:10 13:20 13:30 13:40 13:50 14:00 14:10 14:20 14:30 14:40 14:50 15:00 15:10 15:20 "
        "15:30 15:40 15:50 16:00 16:10 16:20 16:30 16:40 16:50 17:00" } },
};

static void jobs_begin_at_the_listed_times_of_each_night(void **state)
{
    (void)state;
    RUN_ALL(left_alone);
}

/* What lies in the hour that never was begins once, at the moment in which the clock is set. */
static void a_clock_set_forward_in_the_night_skips_nothing(void **state)
{
    (void)state;
    RUN_ALL(forward);
}

/* What began before does not begin again when its time is shown a second time. */
static void a_clock_set_back_in_the_night_doubles_nothing(void **state)
{
    (void)state;
    RUN_ALL(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_begin_at_the_listed_times_of_each_night),
        cmocka_unit_test(a_clock_set_forward_in_the_night_skips_nothing),
        cmocka_unit_test(a_clock_set_back_in_the_night_doubles_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
