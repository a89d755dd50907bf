/* sim_test.c - a whole site in virtual time against a shop and a disk that fail, drawn from a seed; at the
 * end the shop's ledger is compared with the store.
 *
 * CW_SIM_SEED=n runs that seed alone (CW_SIM_TRACE=1 shows what happens in it), CW_SIM_SECONDS=n as many
 * seeds as fit into that time.
 */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/fault_vfs.h"
#include "site_bed.h"

enum { ROUNDS = 12, SECONDS = 40 };

struct sim {
    uint64_t seed;
    struct cw_random random;
    struct site_bed bed;
    struct cw_timer *change; /* when the shop's next buyer acts */
    struct cw_later passes;
    int changes_left, answers_left, passes_left; /* until the crash; < 0 = none is planned */
    bool crashed;
    bool disk_stops;   /* the planned failure of the disk is the machine's, not only of one operation */
    cw_time watermark; /* the farthest cursor seen */
    cw_time run_began;
    struct fake_order before[FAKE_ORDERS_MAX]; /* the shop when the run began */
    int before_count;
    char failure[1024]; /* why this seed fails; empty = it does not */
};

static struct {
    unsigned seeds, runs, failed_runs, crashes, torn, disk_faults, starved;
    uint64_t requests, orders, faults[FAKE_FAULTS];
    double days;
} totals;

static void __attribute__((format(printf, 2, 3))) complain(struct sim *sim, const char *fmt, ...)
{
    va_list args;
    if (sim->failure[0] != '\0')
        return;
    va_start(args, fmt);
    vsnprintf(sim->failure, sizeof sim->failure, fmt, args);
    va_end(args);
    fake_shop_note(&sim->bed.shop, "complaint: %s", sim->failure);
}

static bool chance(struct sim *sim, unsigned percent)
{
    return cw_random_below(&sim->random, 100) < percent;
}

static cw_time now_of(struct sim *sim)
{
    return cw_now(cw_loop_clock(sim->bed.loop));
}

/* --- the shop's life --- */

static enum fake_fate draw_fate(struct sim *sim)
{
    uint64_t n = cw_random_below(&sim->random, 100);
    return n < 80 ? FAKE_POSTS : n < 87 ? FAKE_PARKS : n < 94 ? FAKE_HOLDS : FAKE_SKIPS;
}

static void change_shop(void *arg)
{
    struct sim *sim = arg;
    struct fake_shop *shop = &sim->bed.shop;
    cw_time late = chance(sim, 20) ? (cw_time)cw_random_below(&sim->random, 120) * CW_SECOND : 0;
    if (shop->count < 5 || chance(sim, 60))
        fake_shop_add(shop, draw_fate(sim), late);
    else
        fake_shop_change(shop, &shop->orders[cw_random_below(&sim->random, (uint64_t)shop->count)],
                         draw_fate(sim), 0);
    if (--sim->changes_left > 0)
        cw_timer_set(sim->change,
                     chance(sim, 30) ? 0 : (cw_time)cw_random_below(&sim->random, 90) * CW_SECOND);
}

/* --- crashes --- */

static void count_pass(void *arg)
{
    struct sim *sim = arg;
    if (sim->passes_left-- > 0) {
        cw_loop_later(sim->bed.loop, &sim->passes, count_pass, sim);
        return;
    }
    sim->crashed = true;
    cw_loop_stop(sim->bed.loop);
}

static void answered(void *arg)
{
    struct sim *sim = arg;
    if (sim->answers_left >= 0 && sim->answers_left-- == 0)
        count_pass(sim);
}

static bool is_stopped(const struct sim *sim)
{
    return sim->disk_stops && fault_vfs_fired();
}

/* A process that is killed, or a machine that stops, does nothing more to the disk. */
static void crash(struct sim *sim)
{
    bool power = chance(sim, 50);
    fake_shop_note(&sim->bed.shop, "crash%s", power ? " and power cut" : "");
    totals.crashes++;
    if (is_stopped(sim))
        totals.torn++;
    else
        fault_vfs_arm(
            (struct fault_plan){ .operations = FAULT_ANY, .at = 1, .sticky = true, .effect = FAULT_STOP });
    cw_later_cancel(sim->bed.loop, &sim->passes);
    site_bed_close(&sim->bed);
    fault_vfs_power_on(power ? FAULT_LOSE : FAULT_KEEP, cw_random_next(&sim->random));
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    sim->bed.shop.quiet_until = CW_TIME_NONE; /* the next process was told nothing */
    sim->crashed = false;
    sim->answers_left = -1;
}

static void plan_crash(struct sim *sim)
{
    sim->answers_left = -1;
    sim->passes_left = 0;
    if (chance(sim, 25)) {
        long at = 1 + (long)cw_random_below(&sim->random, 300);
        sim->disk_stops = chance(sim, 70);
        enum fault_effect effect = sim->disk_stops   ? FAULT_STOP
                                   : chance(sim, 50) ? FAULT_DISK_FULL
                                                     : FAULT_IO_ERROR;
        fault_vfs_arm((struct fault_plan){ .operations = FAULT_ANY, .at = at, .effect = effect });
    } else if (chance(sim, 30)) {
        sim->answers_left = (int)cw_random_below(&sim->random, 8);
        sim->passes_left = (int)cw_random_below(&sim->random, 12);
    }
}

/* --- invariants --- */

/* The row of a query in which '?' stands for the id. */
static void read_row(struct sim *sim, const char *id, const char *sql, char *out, size_t cap)
{
    char query[512];
    const char *mark = strchr(sql, '?');
    snprintf(query, sizeof query, "%.*s'%s'%s", (int)(mark - sql), sql, id, mark + 1);
    snprintf(out, cap, "%s", site_bed_ask(&sim->bed, query));
}

static cw_time cursor_of(struct sim *sim)
{
    cw_time time;
    const char *text = site_bed_ask(&sim->bed, "SELECT done_until FROM cursors");
    return cw_time_parse(cw_slice(text), NULL, &time, NULL) ? time : CW_TIME_NONE;
}

/* I-3, first half: the cursor never goes back. */
static void check_watermark(struct sim *sim)
{
    cw_time cursor = cursor_of(sim);
    if (cursor < sim->watermark)
        complain(sim, "the cursor went back by %lld s", (long long)((sim->watermark - cursor) / CW_SECOND));
    sim->watermark = cursor;
}

static void check_stored(struct sim *sim, const struct fake_order *order, const char *when)
{
    char id[16], json[FAKE_JSON_MAX], stored[FAKE_JSON_MAX];
    snprintf(id, sizeof id, "%d", order->id);
    fake_order_json(order, json);
    read_row(sim, id, "SELECT bytes FROM raw_records WHERE external_id = ? ORDER BY version DESC LIMIT 1",
             stored, sizeof stored);
    if (strcmp(json, stored) != 0)
        complain(sim, "%s: order %d version %d is not stored; the store has: %.200s", when, order->id,
                 order->version, stored);
}

static bool is_same(const struct fake_order *a, const struct fake_order *b)
{
    return a->id == b->id && a->version == b->version;
}

/* I-3, second half: what the shop listed when the run began, and the cursor has passed, is stored. */
static void check_passed(struct sim *sim)
{
    for (int i = 0; i < sim->before_count; i++) {
        const struct fake_order *order = &sim->before[i];
        if (order->stamp <= sim->watermark && order->visible < sim->run_began &&
            is_same(order, &sim->bed.shop.orders[i]))
            check_stored(sim, order, "the cursor passed an order");
    }
}

static void expect_row(struct sim *sim, const struct fake_order *order, const char *sql, const char *expected)
{
    char id[16], got[256];
    snprintf(id, sizeof id, "%d", order->id);
    read_row(sim, id, sql, got, sizeof got);
    if (strcmp(got, expected) != 0)
        complain(sim, "order %d version %d: \"%s\" instead of \"%s\" from: %s", order->id, order->version,
                 got, expected, sql);
}

/* A skip rule decides about orders that are not there yet: one that was posted before waits, since its status
 * means nothing here. */
static enum fake_fate fate_of(struct sim *sim, const struct fake_order *order)
{
    char id[16], got[8];
    snprintf(id, sizeof id, "%d", order->id);
    read_row(sim, id, "SELECT count(*) FROM orders WHERE external_id = ?", got, sizeof got);
    return order->fate == FAKE_SKIPS && strcmp(got, "0") != 0 ? FAKE_PARKS : order->fate;
}

/* I-1 and I-4: each order is posted once with the shop's own figures, waits with its reason, or was skipped.
 */
static void check_order(struct sim *sim, const struct fake_order *order)
{
    static const char *const outcomes[] = { "posted|", "parked|unknown-status", "parked|totals",
                                            "skipped|test" };
    static const char *const staged[] = { "", "parked", "held", "" };
    const enum fake_fate fate = fate_of(sim, order);
    char total[32], document[80];
    check_stored(sim, order, "at the end");
    expect_row(sim, order,
               "SELECT outcome, reason FROM raw_records WHERE external_id = ? ORDER BY version DESC LIMIT 1",
               outcomes[fate]);
    if (fate != FAKE_SKIPS)
        expect_row(sim, order, "SELECT state FROM staged_records WHERE external_id = ?", staged[fate]);
    if (fate != FAKE_POSTS)
        return;
    fake_order_total(order, total);
    snprintf(document, sizeof document, "N-%d|%s|{\"version\":%d}", order->id, total, order->version);
    expect_row(sim, order, "SELECT number, total, custom FROM orders WHERE external_id = ?", document);
}

static void expect(struct sim *sim, const char *sql, const char *expected)
{
    const char *got = site_bed_ask(&sim->bed, sql);
    if (strcmp(got, expected) != 0)
        complain(sim, "\"%s\" instead of \"%s\" from: %s", got, expected, sql);
}

static void check_end(struct sim *sim)
{
    struct cw_buffer report = { 0 };
    struct cw_error err;
    for (int i = 0; i < sim->bed.shop.count; i++)
        check_order(sim, &sim->bed.shop.orders[i]);
    /* I-1: nothing twice */
    expect(sim,
           "SELECT count(*) FROM raw_records a JOIN raw_records b ON a.external_id = b.external_id AND "
           "b.version = a.version + 1 AND a.bytes = b.bytes",
           "0");
    expect(sim, "SELECT count(*) - count(DISTINCT external_id) FROM orders", "0");
    /* I-8: what each run reports, ended or killed, is what it stored */
    expect(sim,
           "SELECT count(*) FROM runs r WHERE records_posted + records_parked + records_skipped <> (SELECT "
           "count(*) FROM raw_records w WHERE w.run_id = r.id) OR records_read <> records_posted + "
           "records_unchanged + records_parked + records_skipped",
           "0");
    /* I-7 */
    if (!cw_store_check(sim->bed.store, &report, &err))
        complain(sim, "the store could not be checked: %s", err.text);
    else if (!cw_slice_is(cw_slice_trim(cw_buffer_slice(&report)), "ok"))
        complain(sim, "the store is damaged: %.*s", (int)report.len, report.data);
    cw_buffer_fini(&report);
    if (sim->bed.shop.impatient > 0)
        complain(sim, "%u requests came before the time that the shop had asked to wait until",
                 sim->bed.shop.impatient);
}

/* --- a seed --- */

static bool start_process(struct sim *sim)
{
    struct cw_error err = { .code = CW_OK };
    sim->bed.config.seed = cw_random_next(&sim->random);
    sim->bed.config.fail_allocation = chance(sim, 10) ? 1 + cw_random_below(&sim->random, 30000) : 0;
    if (site_bed_try_open(&sim->bed, &err) && site_bed_try_cart(&sim->bed, &err))
        return true;
    fake_shop_note(&sim->bed.shop, "no start: %s", err.text);
    if (sim->bed.config.fail_allocation == 0 && !fault_vfs_fired())
        complain(sim, "the site does not open: %s", err.text);
    return false;
}

static void end_process(struct sim *sim)
{
    if (is_stopped(sim)) {
        crash(sim);
        return;
    }
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    site_bed_close(&sim->bed);
}

static void note_run(struct sim *sim)
{
    struct site_bed *bed = &sim->bed;
    fake_shop_note(&bed->shop, "run: %s; %llu read, %llu posted, %llu unchanged, %llu parked, %llu skipped",
                   bed->failed ? bed->err.text : "done", (unsigned long long)bed->counts.read,
                   (unsigned long long)bed->counts.posted, (unsigned long long)bed->counts.unchanged,
                   (unsigned long long)bed->counts.parked, (unsigned long long)bed->counts.skipped);
    totals.runs++;
    totals.failed_runs += bed->failed;
}

static void run_sync(struct sim *sim)
{
    struct site_bed *bed = &sim->bed;
    memcpy(sim->before, bed->shop.orders, sizeof sim->before);
    sim->before_count = bed->shop.count;
    sim->run_began = now_of(sim);
    site_bed_start_sync(bed);
    while (!bed->ended && !sim->crashed)
        cw_loop_run(bed->loop);
    if (bed->ended)
        note_run(sim);
}

/* One run, of which anything may come. */
static void play_round(struct sim *sim)
{
    bool early = chance(sim, 20); /* the disk may stop while the process starts, that is in its recovery */
    if (early)
        plan_crash(sim);
    if (sim->bed.session == NULL && !start_process(sim)) {
        totals.starved += sim->bed.config.fail_allocation != 0;
        end_process(sim);
        return;
    }
    if (!early)
        plan_crash(sim);
    run_sync(sim);
    if (sim->crashed || is_stopped(sim)) {
        crash(sim);
        return;
    }
    totals.disk_faults += fault_vfs_fired();
    sim->answers_left = -1;
    cw_later_cancel(sim->bed.loop, &sim->passes);
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    check_watermark(sim);
    if (!sim->bed.failed)
        check_passed(sim);
    if (sim->bed.failed || chance(sim, 30))
        site_bed_close(&sim->bed);
}

/* Everything works again: after the second run that reads through, nothing may be missing. */
static void settle(struct sim *sim)
{
    sim->bed.shop.faults_per_1000 = 0;
    sim->bed.shop.next_count = 0;
    site_bed_wait(&sim->bed, 20 * CW_MINUTE);
    cw_timer_clear(sim->change);
    for (int tries = 0, good = 0; good < 2 && sim->failure[0] == '\0'; tries++) {
        site_bed_wait(&sim->bed, 20 * CW_MINUTE);
        if (sim->bed.session == NULL && !start_process(sim)) {
            site_bed_close(&sim->bed);
        } else {
            run_sync(sim);
            check_watermark(sim);
            good = sim->bed.failed ? 0 : good + 1;
            if (sim->bed.failed)
                site_bed_close(&sim->bed);
        }
        if (tries > 6)
            complain(sim, "runs still fail where nothing fails any more: %s", sim->bed.err.text);
    }
}

static void open_sim(struct sim *sim, uint64_t seed)
{
    struct cw_error err;
    *sim = (struct sim){ .seed = seed, .answers_left = -1, .watermark = CW_TIME_NONE };
    cw_random_seed(&sim->random, seed);
    fault_vfs_format();
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    site_bed_init(&sim->bed, cw_random_next(&sim->random));
    sim->bed.vfs = FAULT_VFS;
    sim->bed.store_path = "store.db";
    struct fake_shop *shop = &sim->bed.shop;
    shop->answered = answered;
    shop->arg = sim;
    shop->tells_total = chance(sim, 75);
    shop->skew = chance(sim, 50) ? ((cw_time)cw_random_below(&sim->random, 1800) - 900) * CW_SECOND : 0;
    shop->faults_per_1000 = (unsigned)cw_random_below(&sim->random, 200);
    sim->changes_left = 20 + (int)cw_random_below(&sim->random, 100);
    sim->change = cw_timer_create(sim->bed.loop, change_shop, sim, &err);
    assert_ok(sim->change != NULL, err);
    cw_timer_set(sim->change, 0);
}

static void count_totals(const struct sim *sim)
{
    totals.seeds++;
    totals.requests += sim->bed.shop.requests;
    totals.orders += (uint64_t)sim->bed.shop.count;
    totals.days += (double)(cw_now(cw_loop_clock(sim->bed.loop)) - BED_START) / (double)CW_DAY;
    for (int i = 0; i < FAKE_FAULTS; i++)
        totals.faults[i] += sim->bed.shop.faults[i];
}

/* For failures of an assertion deep below, which know no seed. */
static uint64_t playing;

static int name_seed(void **state)
{
    (void)state;
    if (playing != 0)
        print_error("in seed %llu; replay it: CW_SIM_SEED=%llu CW_SIM_TRACE=1 engine_sim_test\n",
                    (unsigned long long)playing, (unsigned long long)playing);
    playing = 0;
    return 0;
}

/* The hash of everything that happened, and of what the store holds then. */
static struct cw_hash play(uint64_t seed)
{
    static struct sim sim;
    playing = seed;
    open_sim(&sim, seed);
    for (int i = 0; i < ROUNDS && sim.failure[0] == '\0'; i++) {
        site_bed_wait(&sim.bed, (cw_time)cw_random_below(&sim.random, 1200) * CW_SECOND);
        play_round(&sim);
    }
    if (sim.failure[0] == '\0')
        settle(&sim);
    if (sim.failure[0] == '\0') {
        check_end(&sim);
        fake_shop_note(&sim.bed.shop, "%s",
                       site_bed_ask(&sim.bed, "SELECT * FROM orders ORDER BY external_id"));
    }
    count_totals(&sim);
    struct cw_hasher copy = sim.bed.shop.trace;
    cw_timer_free(sim.change);
    cw_later_cancel(sim.bed.loop, &sim.passes);
    site_bed_fini(&sim.bed);
    playing = 0;
    if (sim.failure[0] != '\0')
        fail_msg("seed %llu: %s\nreplay it: CW_SIM_SEED=%llu CW_SIM_TRACE=1 engine_sim_test",
                 (unsigned long long)seed, sim.failure, (unsigned long long)seed);
    return cw_hasher_end(&copy);
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* --- tests --- */

static void the_same_seed_replays_exactly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct cw_hash first = play(seed), second = play(seed), other = play(seed + 1000);
        assert_memory_equal(first.bytes, second.bytes, sizeof first.bytes);
        assert_memory_not_equal(first.bytes, other.bytes, sizeof first.bytes);
    }
}

static void whatever_fails_every_order_of_the_shop_ends_in_the_store_once(void **state)
{
    (void)state;
    int64_t end =
        cw_elapsed_ns(&cw_system_clock) +
        (int64_t)number_from("CW_SIM_SECONDS", test_collector_always() ? SECONDS / 2 : SECONDS) * 1000000000;
    uint64_t seed = number_from("CW_SIM_FIRST", 1);
    memset(&totals, 0, sizeof totals);
    while (cw_elapsed_ns(&cw_system_clock) < end)
        play(seed++);
    print_message(
        "%u seeds, %.1f virtual days, %llu orders, %llu requests, %u runs of which %u failed, %u crashes of "
        "which %u inside a disk operation, %u failures of the disk that were survived, %u starts without "
        "memory\n",
        totals.seeds, totals.days, (unsigned long long)totals.orders, (unsigned long long)totals.requests,
        totals.runs, totals.failed_runs, totals.crashes, totals.torn, totals.disk_faults, totals.starved);
    for (int i = 1; i < FAKE_FAULTS; i++)
        print_message("  %llu times %s\n", (unsigned long long)totals.faults[i], fake_fault_name(i));
}

int main(void)
{
    fault_vfs_register();
    if (getenv("CW_SIM_SEED") != NULL) {
        play(number_from("CW_SIM_SEED", 1));
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_same_seed_replays_exactly, name_seed),
        cmocka_unit_test_teardown(whatever_fails_every_order_of_the_shop_ends_in_the_store_once, name_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
