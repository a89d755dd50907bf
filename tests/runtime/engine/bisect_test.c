/* bisect_test.c - records that break the list call of a shop: found, parked alone, and fetched when they are
 * mended; and a shop that is out, of which no record is blamed. */
#include "engine/bisect.h"

#include <stdio.h>

#include "site_bed.h"

static struct site_bed bed;

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 5);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    site_bed_fini(&bed);
    return 0;
}

static void start_over(void)
{
    site_bed_fini(&bed);
    site_bed_init(&bed, 5);
}

/* So many orders, `rate` of them in each second. The first window begins where they do. */
static void add_orders(int count, int rate)
{
    char site[512], from[40];
    for (int i = 0; i < count; i++) {
        struct fake_order *order = fake_shop_add(&bed.shop, FAKE_POSTS, 0);
        assert_non_null(order);
        order->placed = order->stamp = BED_START + i / rate * CW_SECOND;
    }
    cw_time_iso(BED_START, from);
    snprintf(site, sizeof site,
             "return { allow = { 'shop.test' }, zone = 'UTC', carts = { shop = { type = 'fake', url = "
             "'http://shop.test', page_size = 100, orders_from = '%s' } } }\n",
             from);
    site_bed_write(&bed, "site.lua", site);
    site_bed_wait(&bed, count / rate * CW_SECOND + CW_MINUTE);
}

static void add_script(const char *more)
{
    char script[8192];
    fake_cart_with(more, script);
    site_bed_write(&bed, "carts/fake.lua", script);
}

static void poison(int index, enum fake_poison how)
{
    bed.shop.orders[index].poison = how;
}

/* The first run fails, as always; the second one tries the same window, and begins to search. Returns the
 * calls that were made for that window after it had failed. A window is one call where the shop has no pages.
 */
static uint64_t run_twice(bool passes)
{
    bed.shop.counts_until = cw_now(cw_loop_clock(bed.loop));
    assert_false(site_bed_sync(&bed));
    site_bed_wait(&bed, 5 * CW_MINUTE);
    uint64_t before = bed.shop.calls;
    if (site_bed_sync(&bed) != passes)
        fail_msg("the second run %s: %s", passes ? "failed" : "passed", bed.failed ? bed.err.text : "");
    return bed.shop.calls - before - 1;
}

/* An empty store, as another file. */
static void open_store(int number)
{
    static char path[160];
    char name[24];
    snprintf(name, sizeof name, "%d.db", number);
    site_bed_path(&bed, name, path);
    bed.store_path = path;
    site_bed_open(&bed);
}

#define WAITING                                                                                              \
    "SELECT s.external_id, i.code, h.outcome FROM staged_records s JOIN staged_issues i ON i.staged_id = "   \
    "s.id JOIN raw_heads h ON h.external_id = s.external_id ORDER BY s.external_id"

/* Every order that is not poisoned stands in the store as the shop has it. */
static void assert_ledger(void)
{
    char sql[200], total[32], expected[64];
    int sound = 0;
    for (int i = 0; i < bed.shop.count; i++) {
        const struct fake_order *order = &bed.shop.orders[i];
        if (order->poison != FAKE_SOUND || order->is_gone)
            continue;
        sound++;
        fake_order_total(order, total);
        snprintf(sql, sizeof sql,
                 "SELECT total, json_extract(custom, '$.version') FROM orders WHERE external_id = '%d'",
                 order->id);
        snprintf(expected, sizeof expected, "%s|%d", total, order->version);
        if (strcmp(site_bed_ask(&bed, sql), expected) != 0)
            fail_msg("order %d is %s in the store, and %s in the shop", order->id, bed.text, expected);
    }
    snprintf(expected, sizeof expected, "%d", sound);
    assert_rows(&bed, "SELECT count(*) FROM orders", expected);
}

/* --- one record --- */

static void a_record_that_breaks_the_list_is_parked_alone(void **state)
{
    (void)state;
    add_orders(500, 2);
    poison(317, FAKE_FAILS);
    site_bed_open(&bed);
    assert_false(site_bed_sync(&bed));
    assert_has(bed.err.text, "HTTP 500");
    assert_rows(&bed, "SELECT count(*) FROM staged_records", "0");
    site_bed_wait(&bed, 5 * CW_MINUTE);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_ledger();
    assert_rows(&bed, "SELECT count(*) FROM orders", "499");
    assert_rows(&bed, WAITING, "changed 2024-03-31T02:32:38Z|breaks-list|parked");
    assert_rows(&bed, "SELECT path, message LIKE '%HTTP 500%' FROM staged_issues",
                "2024-03-31T02:32:37Z/2024-03-31T02:32:38Z|1");
    assert_rows(&bed, "SELECT level, external_id FROM run_notes WHERE run_id = 2",
                "warning|changed 2024-03-31T02:32:38Z");
    assert_rows(&bed,
                "SELECT count(*) FROM runs r WHERE records_stored <> (SELECT count(*) FROM raw_records w "
                "WHERE w.run_id = r.id)",
                "0");
    assert_rows(&bed,
                "SELECT state, records_read = records_posted + records_unchanged + records_parked + "
                "records_skipped, records_parked FROM runs WHERE id = 2",
                "done|1|1");
    assert_rows(&bed, "SELECT window_to, position FROM cursors", "NULL|");
}

static void assert_costs(const char *how, int place, unsigned most, uint64_t calls)
{
    print_message("record %d of 500, %s: %llu calls, %u allowed\n", place, how, (unsigned long long)calls,
                  most);
    assert_true(calls <= most);
}

static void the_search_costs_no_more_calls_than_halving_needs(void **state)
{
    (void)state;
    static const int places[] = { 0, 1, 2, 249, 250, 251, 317, 498, 499 };
    for (int i = 0; i < (int)(sizeof places / sizeof *places); i++) {
        start_over();
        add_orders(500, 2);
        add_script(fake_plain_script);
        poison(places[i], FAKE_FAILS);
        site_bed_open(&bed);
        assert_costs("by time", places[i], 9 + 3, run_twice(true)); /* 500 < 2^9 */
        assert_rows(&bed, "SELECT count(*) FROM staged_records", "1");
    }
}

/* Ten batches of 50 are read in any case; of one it costs the halving. */
static void by_ids_it_costs_no_more(void **state)
{
    (void)state;
    static const int places[] = { 0, 1, 49, 50, 317, 450, 498, 499 };
    char script[8192];
    snprintf(script, sizeof script, "%s%sshop.orders.overlap = '1s'\n", fake_plain_script, fake_ids_script);
    for (int i = 0; i < (int)(sizeof places / sizeof *places); i++) {
        start_over();
        add_orders(500, 2);
        add_script(script);
        poison(places[i], FAKE_FAILS);
        site_bed_open(&bed);
        uint64_t lists = 5 + 1,
                 batches = 10; /* pages of ids: each begins with the last one of the page before */
        assert_costs("by ids", places[i], 6 + 3, run_twice(true) - lists - batches);
        char expected[64];
        snprintf(expected, sizeof expected, "%d|breaks-list|parked", bed.shop.orders[places[i]].id);
        assert_rows(&bed, WAITING, expected);
        assert_ledger();
    }
}

static void a_record_that_cannot_be_read_is_found_like_one_that_fails(void **state)
{
    (void)state;
    add_orders(60, 1);
    poison(17, FAKE_UNREADABLE);
    site_bed_open(&bed);
    run_twice(true);
    assert_ledger();
    assert_rows(&bed, WAITING, "changed 2024-03-31T02:30:17Z|breaks-list|parked");
}

static void others_of_the_same_second_are_not_held_up(void **state)
{
    (void)state;
    add_orders(60, 20);
    poison(27, FAKE_FAILS);
    site_bed_open(&bed);
    run_twice(true);
    assert_ledger();
}

static void a_list_of_ids_that_breaks_too_leaves_the_search_by_time(void **state)
{
    (void)state;
    add_orders(60, 1);
    add_script(fake_ids_script);
    bed.shop.ids_break = true;
    poison(30, FAKE_FAILS);
    site_bed_open(&bed);
    run_twice(true);
    assert_ledger();
    assert_rows(&bed, WAITING, "changed 2024-03-31T02:30:30Z|breaks-list|parked");
}

/* Nothing is known of when the shop began. */
static void a_window_without_a_beginning_is_searched_too(void **state)
{
    (void)state;
    add_orders(40, 1);
    site_bed_write(&bed, "site.lua", fake_site_script);
    add_script(fake_plain_script);
    poison(11, FAKE_FAILS);
    site_bed_open(&bed);
    uint64_t calls = run_twice(true);
    print_message("record 11 of 40, in 24 years: %llu calls\n", (unsigned long long)calls);
    assert_true(calls <= 30 + 3 + 1);
    assert_ledger();
}

/* --- several --- */

static void two_records_are_parked_and_the_others_flow(void **state)
{
    (void)state;
    static const int pairs[][2] = {
        { 0, 199 }, { 50, 51 }, { 99, 100 }, { 198, 199 }, { 20, 150 }, { 0, 2 }
    };
    add_orders(200, 2);
    for (int i = 0; i < (int)(sizeof pairs / sizeof *pairs); i++) {
        for (int by_ids = 0; by_ids < 2; by_ids++) {
            add_script(by_ids ? fake_ids_script : "");
            open_store(2 * i + by_ids);
            poison(pairs[i][0], FAKE_FAILS);
            poison(pairs[i][1], FAKE_UNREADABLE);
            run_twice(true);
            assert_ledger();
            bool is_one_second = pairs[i][0] / 2 == pairs[i][1] / 2 && !by_ids;
            assert_rows(&bed, "SELECT count(*) FROM staged_records", is_one_second ? "1" : "2");
            poison(pairs[i][0], FAKE_SOUND);
            poison(pairs[i][1], FAKE_SOUND);
            site_bed_close(&bed);
        }
    }
}

/* --- a shop that is out --- */

static void a_shop_that_is_out_is_asked_once_more_and_no_record_is_blamed(void **state)
{
    (void)state;
    static const int statuses[] = { 500, 502, 504 };
    add_orders(100, 1);
    add_script(fake_plain_script);
    for (int i = 0; i < 6; i++) {
        add_script(i < 3 ? fake_plain_script : fake_ids_script);
        open_store(i);
        bed.shop.fail_status = statuses[i % 3];
        uint64_t calls = run_twice(false);
        bed.shop.fail_status = 0;
        assert_true(calls <= (i < 3 ? 1 : 10)); /* with pages: also smaller ones */
        assert_rows(&bed, "SELECT count(*) FROM staged_records", "0");
        assert_rows(&bed, "SELECT count(*) FROM cursors WHERE done_until IS NOT NULL", "0");
        assert_ok(site_bed_sync(&bed), bed.err);
        assert_ledger();
        site_bed_close(&bed);
    }
}

static void a_shop_that_refuses_us_or_wants_rest_is_not_searched(void **state)
{
    (void)state;
    static const int statuses[] = { 401, 403, 404, 429, 503 };
    add_orders(20, 1);
    add_script(fake_plain_script);
    for (int i = 0; i < (int)(sizeof statuses / sizeof *statuses); i++) {
        open_store(i);
        bed.shop.fail_status = statuses[i];
        assert_int_equal(run_twice(false), -1); /* the window was not kept: this one ends later */
        bed.shop.fail_status = 0;
        assert_rows(&bed, "SELECT count(*) FROM staged_records", "0");
        site_bed_close(&bed);
    }
}

static uint64_t dies_after;

static void die(void *arg)
{
    (void)arg;
    if (bed.shop.calls >= dies_after)
        bed.shop.fail_status = 500;
}

/* The shop goes while a record is searched: whatever it was asked for then is not the record's fault. */
static void a_shop_that_dies_during_the_search_costs_nobody_anything(void **state)
{
    (void)state;
    add_orders(100, 1);
    add_script(fake_plain_script);
    for (int calls = 1; calls <= 12; calls++) {
        open_store(calls);
        poison(60, FAKE_FAILS);
        assert_false(site_bed_sync(&bed));
        site_bed_wait(&bed, 5 * CW_MINUTE);
        dies_after = bed.shop.calls + (uint64_t)calls;
        bed.shop.answered = die;
        site_bed_sync(&bed);
        bed.shop.answered = NULL;
        bed.shop.fail_status = 0;
        for (int i = 0; i < 2; i++) {
            site_bed_wait(&bed, 5 * CW_MINUTE);
            site_bed_sync(&bed);
        }
        assert_ok(!bed.failed, bed.err);
        assert_ledger();
        poison(60, FAKE_SOUND);
        site_bed_close(&bed);
    }
}

/* --- afterwards --- */

static void later_windows_go_around_it(void **state)
{
    (void)state;
    add_orders(50, 1);
    add_script(fake_plain_script);
    poison(20, FAKE_FAILS);
    site_bed_open(&bed);
    run_twice(true);
    for (int i = 0; i < 3; i++) {
        fake_shop_add(&bed.shop, FAKE_POSTS, 0);
        site_bed_wait(&bed, 10 * CW_MINUTE);
        assert_ok(site_bed_sync(&bed), bed.err); /* at the first try */
        assert_ledger();
    }
    assert_rows(&bed, "SELECT count(*) FROM staged_records", "1");
    assert_rows(&bed, "SELECT max(version) FROM raw_records", "1");
}

static void one_that_is_mended_is_fetched(void **state)
{
    (void)state;
    for (int by_ids = 0; by_ids < 2; by_ids++) {
        bed.shop.count = 0;
        add_orders(50, 1);
        add_script(by_ids ? fake_ids_script : fake_plain_script);
        poison(20, FAKE_FAILS);
        open_store(by_ids);
        run_twice(true);
        poison(20, FAKE_SOUND); /* mended, but not stamped */
        site_bed_wait(&bed, 10 * CW_MINUTE);
        assert_ok(site_bed_sync(&bed), bed.err);
        assert_ledger();
        assert_rows(&bed, "SELECT count(*) FROM staged_records", "0");
        assert_rows(&bed, "SELECT count(*) FROM raw_heads WHERE outcome = 'parked'", "0");
        site_bed_close(&bed);
    }
}

/* It was sound once, and breaks the list since it was changed. */
static void a_record_that_is_in_the_store_keeps_its_document(void **state)
{
    (void)state;
    add_orders(20, 1);
    add_script(fake_ids_script);
    site_bed_open(&bed);
    assert_ok(site_bed_sync(&bed), bed.err);
    struct fake_order *order = &bed.shop.orders[7];
    site_bed_wait(&bed, CW_HOUR * 3);
    order->stamp = cw_now(cw_loop_clock(bed.loop));
    poison(7, FAKE_FAILS);
    site_bed_wait(&bed, CW_MINUTE);
    run_twice(true);
    assert_rows(&bed, WAITING, "1008|breaks-list|parked");
    assert_rows(&bed, "SELECT count(*) FROM orders WHERE external_id = '1008'", "1");
    assert_rows(&bed, "SELECT version, length(bytes) > 100 FROM raw_records WHERE external_id = '1008'",
                "1|1");

    order->stamp = BED_START + 7 * CW_SECOND; /* as it was: the bytes are those in the store */
    poison(7, FAKE_SOUND);
    order->placed = order->stamp;
    add_script(fake_ids_script);
    site_bed_close(&bed);
    site_bed_open(&bed);
    struct cw_error err;
    char json[FAKE_JSON_MAX], list[FAKE_JSON_MAX + 32];
    fake_order_json(order, json);
    snprintf(list, sizeof list, "{\"orders\":[%s]}", json);
    assert_ok(site_bed_batch(&bed, site_bed_records(list), false), err);
    assert_rows(&bed, WAITING, "");
    assert_rows(&bed, "SELECT outcome, version FROM raw_heads WHERE external_id = '1008'", "posted|1");
}

/* Mapped again from what is stored: nothing is. */
static void a_retry_leaves_it_as_it_is(void **state)
{
    (void)state;
    add_orders(20, 1);
    poison(7, FAKE_FAILS);
    site_bed_open(&bed);
    run_twice(true);
    struct cw_error err;
    const struct cw_stored_filter filter = { .only_parked = true,
                                             .since = CW_TIME_NONE,
                                             .until = CW_TIME_NONE };
    struct cw_stored_pages *pages = cw_stored_open(bed.store, bed.orders, &filter, &err);
    assert_ok(pages != NULL, err);
    assert_null(cw_stored_next(pages, &err));
    assert_int_equal(err.code, CW_OK);
    cw_stored_free(pages);
}

/* --- called off --- */

struct countdown {
    struct cw_later later;
    int passes;
};

static void count_down(void *arg)
{
    struct countdown *countdown = arg;
    if (countdown->passes-- > 0)
        cw_loop_later(bed.loop, &countdown->later, count_down, countdown);
    else
        cw_loop_stop(bed.loop);
}

static int wanted_answer, wanted_passes;
static struct countdown countdown;

static void count_from_answer(void *arg)
{
    (void)arg;
    if (--wanted_answer != 0)
        return;
    countdown = (struct countdown){ .passes = wanted_passes };
    count_down(&countdown);
}

static void a_search_may_be_called_off_at_any_moment(void **state)
{
    (void)state;
    int cancelled = 0, number = 0;
    add_orders(30, 2);
    poison(13, FAKE_FAILS);
    for (int by_ids = 0; by_ids < 2; by_ids++) {
        for (int answer = 1; answer <= 40; answer += 3) {
            add_script(by_ids ? fake_ids_script : "");
            open_store(number++);
            assert_false(site_bed_sync(&bed));
            wanted_answer = answer;
            wanted_passes = answer % 7;
            bed.shop.answered = count_from_answer;
            site_bed_start_sync(&bed);
            cw_loop_run(bed.loop);
            bed.shop.answered = NULL;
            cancelled += bed.sync != NULL;
            if (bed.sync != NULL)
                cw_sync_cancel(bed.sync);
            bed.sync = NULL;
            cw_later_cancel(bed.loop, &countdown.later);
            for (int i = 0; i < 3; i++)
                site_bed_sync(&bed);
            assert_ok(!bed.failed, bed.err);
            assert_ledger();
            site_bed_close(&bed);
        }
    }
    print_message("%d of %d were called off\n", cancelled, number);
    assert_true(cancelled > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_bed, close_bed)
        WITH(a_record_that_breaks_the_list_is_parked_alone),
        WITH(the_search_costs_no_more_calls_than_halving_needs),
        WITH(by_ids_it_costs_no_more),
        WITH(a_record_that_cannot_be_read_is_found_like_one_that_fails),
        WITH(others_of_the_same_second_are_not_held_up),
        WITH(a_list_of_ids_that_breaks_too_leaves_the_search_by_time),
        WITH(a_window_without_a_beginning_is_searched_too),
        WITH(two_records_are_parked_and_the_others_flow),
        WITH(a_shop_that_is_out_is_asked_once_more_and_no_record_is_blamed),
        WITH(a_shop_that_refuses_us_or_wants_rest_is_not_searched),
        WITH(a_shop_that_dies_during_the_search_costs_nobody_anything),
        WITH(later_windows_go_around_it),
        WITH(one_that_is_mended_is_fetched),
        WITH(a_record_that_is_in_the_store_keeps_its_document),
        WITH(a_retry_leaves_it_as_it_is),
        WITH(a_search_may_be_called_off_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
