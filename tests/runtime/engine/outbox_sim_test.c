/* outbox_sim_test.c - the way out in virtual time, against a shop that keeps books and fails at random, and
 * workers that are killed at random; at the end the shop's books are compared with what was to be told.
 *
 * SEED=n plays that seed alone and shows what happens in it, COUNT=n so many seeds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/fault_vfs.h"
#include "told_bed.h"

enum {
    ROUNDS = 14,
    SEEDS = 200,
    SEEDS_SLOWLY = 40,
    EVENTS_MAX = 400,
    SKUS = 6,
    ORDERS = 5,
    SETTLING_HOURS = 40
};

static const enum cw_out streams[] = { CW_OUT_STOCK, CW_OUT_PRICES, CW_OUT_SHIPMENTS, CW_OUT_STATUSES };
enum { STREAMS = sizeof streams / sizeof *streams };

struct sim {
    uint64_t seed;
    struct cw_random random;
    struct told_bed bed;
    struct cw_timer *change; /* when the back office says something next */
    int changes_left;
    char newest[2][SKUS][16];      /* quantity and price by SKU; "" = none yet */
    int events;                    /* shipments and statuses put */
    int touches_left, passes_left; /* until the worker is killed; < 0 = it is not */
    struct cw_later passes;
    bool killed, has_probe;
    char failure[1024]; /* why this seed fails; empty = it does not */
};

static struct {
    unsigned seeds, kills, runs, failed_runs, unknown_left;
    uint64_t messages, writes, reads, faults[TOLD_FAULTS];
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
}

static uint64_t below(struct sim *sim, uint64_t bound)
{
    return cw_random_below(&sim->random, bound);
}

static bool chance(struct sim *sim, unsigned percent)
{
    return below(sim, 100) < percent;
}

/* --- the back office --- */

/* The last ones are those that the shop refuses. */
static const char *sku_of(uint64_t i)
{
    static const char *const skus[SKUS] = { "A", "B", "C", "D", "E", "F-BAD" };
    return skus[i];
}

static void put_level(struct sim *sim, enum cw_out out)
{
    uint64_t sku = below(sim, SKUS), value = below(sim, 4);
    char *newest = sim->newest[out == CW_OUT_PRICES][sku], text[16];
    snprintf(text, sizeof text, "%d%s", (int)value, out == CW_OUT_PRICES ? ".50" : "");
    /* Both streams have the same lanes in the shop's books, told apart by their values. */
    char key[32];
    snprintf(key, sizeof key, "%s%s", out == CW_OUT_PRICES ? "price-" : "", sku_of(sku));
    if (told_bed_put_level(&sim->bed, out, key, text))
        snprintf(newest, 16, "%s", text);
}

static void put_event(struct sim *sim)
{
    static const char *const orders[ORDERS] = { "1", "2", "3", "4", "5-BAD" };
    char event[24];
    if (sim->events == EVENTS_MAX)
        return;
    snprintf(event, sizeof event, "e%d", sim->events);
    sim->events += told_bed_put_event(&sim->bed, chance(sim, 50) ? CW_OUT_SHIPMENTS : CW_OUT_STATUSES,
                                      orders[below(sim, ORDERS)], event);
}

static void change_something(void *arg)
{
    struct sim *sim = arg;
    if (sim->bed.site.store != NULL && chance(sim, 60))
        put_level(sim, chance(sim, 70) ? CW_OUT_STOCK : CW_OUT_PRICES);
    else if (sim->bed.site.store != NULL)
        put_event(sim);
    if (--sim->changes_left > 0)
        cw_timer_set(sim->change, chance(sim, 60) ? 0 : (cw_time)below(sim, 200) * CW_SECOND);
}

/* --- workers and their deaths --- */

static void count_pass(void *arg)
{
    struct sim *sim = arg;
    if (sim->passes_left-- > 0) {
        cw_loop_later(sim->bed.site.loop, &sim->passes, count_pass, sim);
        return;
    }
    sim->killed = true;
    cw_loop_stop(sim->bed.site.loop);
}

static void touched(void *arg)
{
    struct sim *sim = arg;
    if (sim->touches_left >= 0 && sim->touches_left-- == 0)
        count_pass(sim);
}

static void plan_death(struct sim *sim)
{
    sim->touches_left = chance(sim, 45) ? (int)below(sim, 25) : -1;
    sim->passes_left = (int)below(sim, 12);
}

/* What was not committed is lost, and so is every answer that was still to come. */
static void die(struct sim *sim)
{
    told_shop_note(&sim->bed.shop, "killed");
    totals.kills++;
    cw_later_cancel(sim->bed.site.loop, &sim->passes);
    told_bed_close(&sim->bed);
    sim->killed = false;
    sim->touches_left = -1;
}

static void note_runs(struct sim *sim)
{
    for (size_t i = 0; i < STREAMS; i++) {
        const struct told_run *run = &sim->bed.runs[streams[i]];
        totals.runs++;
        totals.failed_runs += run->failed;
        if (run->failed && run->err.code != CW_UNAVAILABLE && run->err.code != CW_TIMEOUT)
            complain(sim, "%s failed: %s", cw_out_name(streams[i]), run->err.text);
        told_shop_note(&sim->bed.shop, "%s: %s, %d read", cw_out_name(streams[i]),
                       run->failed ? run->err.text : "done", (int)run->counts.read);
    }
}

static void open_worker(struct sim *sim)
{
    struct cw_error err;
    if (sim->bed.site.session == NULL && !told_bed_try_open(&sim->bed, &err))
        complain(sim, "the site does not open: %s", err.text);
}

/* Runs of all streams, one after another or side by side, to their end or to that of the worker. */
static void play_round(struct sim *sim)
{
    bool together = chance(sim, 40);
    open_worker(sim);
    plan_death(sim);
    for (size_t i = 0; i < STREAMS && !sim->killed && sim->failure[0] == '\0'; i++) {
        told_bed_start(&sim->bed, streams[i]);
        while ((!together || i + 1 == STREAMS) && sim->bed.running > 0 && !sim->killed)
            cw_loop_run(sim->bed.site.loop);
    }
    if (sim->killed) {
        die(sim);
        return;
    }
    sim->touches_left = -1;
    cw_later_cancel(sim->bed.site.loop, &sim->passes);
    sim->killed = false;
    note_runs(sim);
    if (chance(sim, 20))
        told_bed_close(&sim->bed);
}

/* --- the books --- */

struct check {
    struct sim *sim;
    uint64_t rows;
};

static int64_t number(struct cw_slice text)
{
    char copy[24];
    snprintf(copy, sizeof copy, "%.*s", CW_SLICE_ARG(text));
    return strtoll(copy, NULL, 10);
}

static bool is_bad(struct cw_slice about)
{
    return about.len > 4 && memcmp(about.data + about.len - 4, "-BAD", 4) == 0;
}

/* id, stream, external_id, state, event: what arrived of each message fits its state. */
static bool check_message(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct check *check = arg;
    struct sim *sim = check->sim;
    int64_t id = number(row[0]);
    unsigned arrived = told_shop_arrived(&sim->bed.shop, id);
    bool is_event = row[4].len > 0, is_sent = cw_slice_is(row[3], "sent");
    (void)columns;
    (void)names;
    check->rows += is_event;
    if (arrived > 1)
        complain(sim, "message %lld (%.*s %.*s) arrived %u times", (long long)id, CW_SLICE_ARG(row[1]),
                 CW_SLICE_ARG(row[2]), arrived);
    if (is_event && is_sent && arrived != 1)
        complain(sim, "message %lld is sent, and did not arrive", (long long)id);
    if ((cw_slice_is(row[3], "queued") || cw_slice_is(row[3], "failed")) && arrived != 0)
        complain(sim, "message %lld is %.*s, and has arrived", (long long)id, CW_SLICE_ARG(row[3]));
    if (is_event && cw_slice_is(row[3], "superseded"))
        complain(sim, "message %lld is an event, and was given up", (long long)id);
    if (cw_slice_is(row[3], "failed") != (is_bad(row[2]) && cw_slice_is(row[3], "failed")))
        complain(sim, "message %lld (%.*s) failed, which the shop would have taken", (long long)id,
                 CW_SLICE_ARG(row[2]));
    if (cw_slice_is(row[3], "sending"))
        complain(sim, "message %lld is sending, and nobody sends", (long long)id);
    if (cw_slice_is(row[3], "unknown")) {
        totals.unknown_left++;
        if (sim->has_probe)
            complain(sim, "message %lld is unknown, and there is a probe", (long long)id);
    }
    return true;
}

static void asked(void *arg, const struct cw_error *err)
{
    if (err != NULL)
        complain(((struct check *)arg)->sim, "%s", err->text);
}

static void check_messages(struct sim *sim)
{
    struct check check = { .sim = sim };
    cw_store_query(sim->bed.site.store,
                   "SELECT id, stream, external_id, state, event FROM messages ORDER BY id", NULL, 0,
                   check_message, asked, &check);
    cw_store_wait(sim->bed.site.store);
    if (check.rows != (uint64_t)sim->events)
        complain(sim, "%d events were put, and the store has %d", sim->events, (int)check.rows);
}

/* What arrived in a lane came in the order in which it was put. */
static void check_order(struct sim *sim)
{
    const struct told_shop *shop = &sim->bed.shop;
    for (size_t i = 0; i < shop->count; i++)
        for (size_t j = i + 1; j < shop->count; j++)
            if (strcmp(shop->arrivals[i].lane, shop->arrivals[j].lane) == 0 &&
                shop->arrivals[i].message > shop->arrivals[j].message)
                complain(sim, "message %lld arrived before message %lld of its lane %s",
                         (long long)shop->arrivals[i].message, (long long)shop->arrivals[j].message,
                         shop->arrivals[i].lane);
}

static bool is_unknown(struct sim *sim, const char *key)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM messages WHERE state = 'unknown' AND external_id = '%s'",
             key);
    return strcmp(site_bed_ask(&sim->bed.site, sql), "0") != 0;
}

/* What the shop shows is what was said last; without a probe a lost answer may leave that open. */
static void check_levels(struct sim *sim)
{
    for (int prices = 0; prices < 2; prices++)
        for (uint64_t sku = 0; sku + 1 < SKUS; sku++) {
            char key[32];
            snprintf(key, sizeof key, "%s%s", prices ? "price-" : "", sku_of(sku));
            const char *shown = told_shop_value(&sim->bed.shop, key), *newest = sim->newest[prices][sku];
            if (strcmp(shown != NULL ? shown : "", newest) != 0 && (sim->has_probe || !is_unknown(sim, key)))
                complain(sim, "the shop shows \"%s\" of %s, which is \"%s\"", shown != NULL ? shown : "", key,
                         newest);
        }
}

static const char waiting_sql[] =
    "SELECT m.id || ' ' || m.external_id FROM messages m WHERE m.state = 'queued' AND NOT EXISTS "
    "(SELECT 1 FROM messages b WHERE b.lane = m.lane AND b.id < m.id AND b.state IN ('failed', "
    "'unknown')) ORDER BY m.id LIMIT 5";

/* Nothing is left that could be sent: what is queued waits behind one that failed or is unknown. */
static void check_rest(struct sim *sim)
{
    const char *left = site_bed_ask(&sim->bed.site, waiting_sql);
    if (left[0] != '\0')
        complain(sim, "queued still: %.300s", left);
    const char *runs =
        site_bed_ask(&sim->bed.site, "SELECT count(*) FROM runs WHERE records_read <> records_posted + "
                                     "records_unchanged + records_parked + records_skipped");
    if (strcmp(runs, "0") != 0)
        complain(sim, "%s runs do not account for all that they took", runs);
}

/* --- a seed --- */

/* Nothing will become of anything any more but by a person. */
static bool is_settled(struct sim *sim)
{
    return strcmp(site_bed_ask(&sim->bed.site, sim->has_probe
                                                   ? "SELECT count(*) FROM messages WHERE state = 'unknown'"
                                                   : "SELECT 0"),
                  "0") == 0 &&
           site_bed_ask(&sim->bed.site, waiting_sql)[0] == '\0';
}

static void settle(struct sim *sim)
{
    sim->bed.shop.faults_per_1000 = 0;
    while (sim->changes_left > 0 && sim->failure[0] == '\0') {
        open_worker(sim);
        site_bed_wait(&sim->bed.site, CW_HOUR);
    }
    for (int i = 0; i < SETTLING_HOURS && sim->failure[0] == '\0' && (i == 0 || !is_settled(sim)); i++) {
        open_worker(sim);
        for (size_t stream = 0; stream < STREAMS && sim->failure[0] == '\0'; stream++)
            if (told_bed_send(&sim->bed, streams[stream])->failed)
                complain(sim, "%s still fails: %s", cw_out_name(streams[stream]),
                         sim->bed.runs[streams[stream]].err.text);
        site_bed_wait(&sim->bed.site, CW_HOUR);
    }
}

static void open_sim(struct sim *sim, uint64_t seed)
{
    static const char *const outs[] = {
        "stock = { brake = false, attempts = 7 }, prices = { brake = false, attempts = 7 }, "
        "shipments = { attempts = 7 }, statuses = { attempts = 7 }",
        "stock = { brake = false, attempts = 7, threshold = 2, batch = 5 }, prices = { brake = false, "
        "attempts = 7, "
        "threshold = 1 }, shipments = { attempts = 7, threshold = 2, check = 20, sleep = 3 }, statuses = { "
        "attempts = "
        "7, threshold = 1 }",
    };
    char script[8192];
    struct cw_error err;
    memset(sim, 0, sizeof *sim);
    sim->seed = seed;
    sim->touches_left = -1;
    cw_random_seed(&sim->random, seed);
    fault_vfs_format();
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    told_bed_init(&sim->bed, cw_random_next(&sim->random), outs[below(sim, 2)]);
    sim->bed.site.vfs = FAULT_VFS;
    sim->bed.site.store_path = "store.db";
    sim->has_probe = chance(sim, 65);
    bool has_send = chance(sim, 75);
    told_cart(sim->has_probe, has_send, !has_send || chance(sim, 75), script);
    site_bed_write(&sim->bed.site, "carts/told.lua", script);
    sim->bed.shop.faults_per_1000 = (unsigned)below(sim, 300);
    sim->bed.shop.is_strict = chance(sim, 50);
    sim->bed.shop.touched = touched;
    sim->bed.shop.arg = sim;
    sim->bed.shop.is_traced = getenv("SEED") != NULL;
    sim->changes_left = 20 + (int)below(sim, 100);
    sim->change = cw_timer_create(sim->bed.site.loop, change_something, sim, &err);
    assert_ok(sim->change != NULL, err);
    cw_timer_set(sim->change, 0);
}

static void count_totals(struct sim *sim)
{
    totals.seeds++;
    totals.messages +=
        (uint64_t)number(cw_slice(site_bed_ask(&sim->bed.site, "SELECT count(*) FROM messages")));
    totals.writes += sim->bed.shop.writes;
    totals.reads += sim->bed.shop.reads;
    totals.days += (double)(cw_now(cw_loop_clock(sim->bed.site.loop)) - BED_START) / (double)CW_DAY;
    for (int i = 0; i < TOLD_FAULTS; i++)
        totals.faults[i] += sim->bed.shop.faults[i];
}

static void check_all(struct sim *sim)
{
    open_worker(sim);
    if (sim->failure[0] != '\0')
        return;
    check_messages(sim);
    check_order(sim);
    check_levels(sim);
    check_rest(sim);
    count_totals(sim);
}

static struct cw_hash play(uint64_t seed)
{
    static struct sim sim;
    open_sim(&sim, seed);
    for (int i = 0; i < ROUNDS && sim.failure[0] == '\0'; i++) {
        site_bed_wait(&sim.bed.site, (cw_time)below(&sim, 900) * CW_SECOND);
        play_round(&sim);
    }
    settle(&sim);
    if (sim.failure[0] == '\0')
        check_all(&sim);
    struct cw_hasher copy = sim.bed.shop.trace;
    cw_timer_free(sim.change);
    cw_later_cancel(sim.bed.site.loop, &sim.passes);
    told_bed_fini(&sim.bed);
    if (sim.failure[0] != '\0')
        fail_msg("seed %llu: %s\nreplay it: SEED=%llu engine_outbox_sim_test", (unsigned long long)seed,
                 sim.failure, (unsigned long long)seed);
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
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct cw_hash first = play(seed), second = play(seed), other = play(seed + 1000);
        assert_memory_equal(first.bytes, second.bytes, sizeof first.bytes);
        assert_memory_not_equal(first.bytes, other.bytes, sizeof first.bytes);
    }
}

static void whatever_fails_each_event_arrives_once_and_each_level_ends_at_its_newest_value(void **state)
{
    (void)state;
    uint64_t count = number_from("COUNT", test_collector_always() ? SEEDS_SLOWLY : SEEDS);
    memset(&totals, 0, sizeof totals);
    for (uint64_t seed = number_from("FIRST", 1), i = 0; i < count; i++)
        play(seed + i);
    print_message(
        "%u seeds, %.1f virtual days, %llu messages, %llu writes, %llu reads, %u runs of which %u failed, "
        "%u workers killed, %u messages left to a person\n",
        totals.seeds, totals.days, (unsigned long long)totals.messages, (unsigned long long)totals.writes,
        (unsigned long long)totals.reads, totals.runs, totals.failed_runs, totals.kills, totals.unknown_left);
    for (int i = 1; i < TOLD_FAULTS; i++)
        print_message("  %llu times %s\n", (unsigned long long)totals.faults[i],
                      told_fault_name((enum told_fault)i));
}

int main(void)
{
    fault_vfs_register();
    if (getenv("SEED") != NULL) {
        play(number_from("SEED", 1));
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_replays_exactly),
        cmocka_unit_test(whatever_fails_each_event_arrives_once_and_each_level_ends_at_its_newest_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
