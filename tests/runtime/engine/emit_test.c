/* emit_test.c - runs that scripts open by emitting pages, and what scripts remember between runs. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/fault_vfs.h"
#include "site_bed.h"

static struct site_bed bed;
static char file[160];
static char *arguments[1];
static bool ended, failed;
static struct cw_error why;

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 1);
    fault_vfs_format();
    bed.vfs = FAULT_VFS;
    bed.store_path = "store.db";
    bed.config.job = "exec";
    site_bed_path(&bed, "orders.json", file);
    arguments[0] = file;
    bed.config.argc = 1;
    bed.config.argv = arguments;
    site_bed_write(&bed, "orders.json",
                   "{\"orders\":[{\"id\":1,\"status\":\"paid\",\"currency\":\"EUR\",\"total\":\"3.00\","
                   "\"lines\":[{\"quantity\":1,\"price\":\"3.00\"}]},"
                   "{\"id\":2,\"status\":\"mystery\",\"currency\":\"EUR\",\"total\":\"3.00\"}]}");
    site_bed_open(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    site_bed_fini(&bed);
    return 0;
}

static void script_ended(void *arg, struct cw_slice text, const struct cw_error *err)
{
    (void)arg, (void)text;
    ended = true;
    failed = err != NULL;
    if (err != NULL)
        why = *err;
    cw_loop_stop(bed.loop);
}

static struct cw_fiber *start(const char *chunk)
{
    struct cw_error err;
    ended = failed = false;
    struct cw_fiber *fiber = cw_lua_start_script(cw_session_carts(bed.session), cw_slice(chunk),
                                                 "@script.lua", script_ended, NULL, &err);
    assert_ok(fiber != NULL, err);
    return fiber;
}

static int runs_told;
static struct cw_run last_run;
static void run_ended(void *arg, const struct cw_run *run)
{
    (void)arg;
    runs_told++;
    last_run = *run;
}

static void finish(const struct cw_error *err)
{
    runs_told = 0;
    cw_emitter_finish(cw_session_emitter(bed.session), err, run_ended, NULL);
}

static void run(const char *chunk)
{
    start(chunk);
    while (!ended)
        cw_loop_run(bed.loop);
}

static void run_well(const char *chunk)
{
    run(chunk);
    if (failed)
        fail_msg("%s", why.text);
}

#define EMIT                                                                                                 \
    "local site = require 'cartwright.site' local shop = site.cart 'shop' "                                  \
    "local function emit() return shop:emit(site.file(site.args[1]):records 'orders', { stream = 'orders' "  \
    "}) end "

static void the_first_page_of_a_script_opens_a_run_that_ends_with_it(void **state)
{
    (void)state;
    run_well(EMIT
             "local counts = emit() assert(counts.read == 2 and counts.posted == 1 and counts.parked == 1) "
             "counts = emit() assert(counts.unchanged == 2 and counts.posted == 0)");
    assert_rows(&bed, "SELECT job, state, records_read FROM runs", "exec|open|4");
    finish(NULL);
    assert_int_equal(runs_told, 1);
    assert_int_equal(last_run.counts.read, 4);
    assert_rows(&bed, "SELECT job, state, records_read, records_unchanged FROM runs", "exec|done|4|2");
    assert_rows(&bed, "SELECT count(*) FROM cursors", "0");
}

static void a_script_that_emits_nothing_opens_no_run(void **state)
{
    (void)state;
    run_well("return 1");
    finish(NULL);
    assert_int_equal(runs_told, 0);
    assert_rows(&bed, "SELECT count(*) FROM runs", "0");
}

static void a_script_that_fails_fails_its_run(void **state)
{
    (void)state;
    run(EMIT "emit() error('no more', 0)");
    assert_true(failed);
    finish(&why);
    assert_rows(&bed, "SELECT state, message FROM runs", "failed|no more");
}

static void a_page_that_failed_fails_the_run_of_a_script_that_went_on(void **state)
{
    (void)state;
    run_well(EMIT "emit()");
    fault_vfs_arm((struct fault_plan){ .operations = FAULT_WRITE, .at = 1, .effect = FAULT_DISK_FULL });
    run_well(EMIT "assert(not pcall(emit))");
    assert_true(fault_vfs_fired());
    finish(NULL);
    assert_rows(&bed, "SELECT state, message LIKE '%full%' FROM runs", "failed|1");
}

static void without_a_job_of_its_own_a_script_may_not_emit(void **state)
{
    (void)state;
    site_bed_close(&bed);
    bed.config.job = NULL;
    site_bed_open(&bed);
    run(EMIT "emit()");
    assert_true(failed);
    assert_has(why.text, "no run of shop orders is open here, so nothing can be stored");
}

static void a_page_needs_a_stream_of_the_cart(void **state)
{
    (void)state;
    run("local site = require 'cartwright.site' local shop = site.cart 'shop' "
        "shop:emit(site.file(site.args[1]):records 'orders', { stream = 'parcels' })");
    assert_true(failed);
    assert_has(why.text,
               "cart shop: no stream parcels; name one: self:emit(records, { stream = \"orders\" })");
    run("local site = require 'cartwright.site' local shop = site.cart 'shop' shop.emit({}, 1)");
    assert_has(why.text, "a cart expected (call it with a colon: self:emit)");
    run("local site = require 'cartwright.site' local shop = site.cart 'shop' shop:emit('orders')");
    assert_has(why.text, "records expected: response:records(path)");
}

static void scripts_read_only_files_that_were_named(void **state)
{
    (void)state;
    run("require 'cartwright.site'.file '/etc/passwd'");
    assert_true(failed);
    assert_has(why.text,
               "/etc/passwd: scripts read only files that were named on the command line after the script");
}

static void a_dry_run_emits_but_stores_nothing(void **state)
{
    (void)state;
    site_bed_close(&bed);
    bed.config.dry_run = true;
    site_bed_open(&bed);
    run_well(EMIT "local counts = emit() assert(counts.posted == 1) shop:remember('a', 'b') "
                  "assert(shop:recall 'a' == nil) "
                  "assert(site.dry_run)");
    finish(NULL);
    assert_int_equal(runs_told, 1);
    assert_rows(&bed,
                "SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM raw_records) + (SELECT count(*) "
                "FROM state)",
                "0");
}

/* --- what scripts remember --- */

static void what_a_script_remembers_is_there_for_the_next_one(void **state)
{
    (void)state;
    run_well(EMIT "shop:remember('token', 'a\\0b') shop:remember('empty', '') shop:remember('gone', 'x') "
                  "shop:remember('gone', nil)");
    site_bed_close(&bed);
    site_bed_open(&bed);
    run_well(EMIT "assert(shop:recall 'token' == 'a\\0b') assert(shop:recall 'empty' == '') "
                  "assert(shop:recall 'gone' == nil) assert(shop:recall 'never' == nil)");
    run(EMIT "shop:remember('big', ('x'):rep(1048577))");
    assert_has(why.text, "at most 1 MiB");
    run(EMIT "shop:remember('cartwright.quiet', 'lively')");
    assert_has(why.text, "the runtime's own");
}

static void remembering_that_fails_raises(void **state)
{
    (void)state;
    run_well(EMIT "shop:recall 'a'");
    fault_vfs_arm((struct fault_plan){ .operations = FAULT_WRITE, .at = 1, .effect = FAULT_DISK_FULL });
    run(EMIT "shop:remember('a', 'b')");
    assert_true(failed);
    assert_has(why.text, "full");
}

static void hold(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    assert_null(err);
    *(struct cw_txn **)arg = txn;
}

static void stop(void *arg)
{
    (void)arg;
    cw_loop_stop(bed.loop);
}

/* While another transaction is open, what the script wants waits. */
static void a_script_killed_while_it_waits_for_the_store_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char *const chunks[] = { EMIT "shop:remember('a', 'b')", EMIT "emit()" };
    for (int close_first = 0; close_first < 2; close_first++) {
        for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
            struct cw_txn *other = NULL;
            struct cw_later later = { 0 };
            cw_txn_begin(bed.store, (struct cw_fence){ 0 }, hold, &other);
            struct cw_fiber *fiber = start(chunks[i]);
            for (int turn = 0; turn < 6; turn++) {
                cw_loop_later(bed.loop, &later, stop, NULL);
                cw_loop_run(bed.loop);
            }
            assert_false(ended);
            if (close_first) {
                site_bed_close(&bed);
                site_bed_open(&bed);
            } else {
                cw_fiber_kill(fiber);
                cw_txn_rollback(other);
            }
            run_well(EMIT "assert(shop:recall 'a' == nil)");
        }
    }
    assert_rows(&bed, "SELECT count(*) FROM raw_records", "0");
}

/* --- questions --- */

static void scripts_ask_the_store_by_sql(void **state)
{
    (void)state;
    run_well(EMIT "emit() local rows = {} for row in site.query('SELECT external_id, status, note FROM "
                  "orders WHERE total = $1', '3.00') "
                  "do rows[#rows + 1] = row.external_id .. row.status .. tostring(row.note) end "
                  "assert(#rows == 1 and rows[1] == '1paidnil', rows[1]) "
                  "for row in site.query 'SELECT 1 WHERE 1 = 2' do error 'a row' end");
    run(EMIT "site.query 'DELETE FROM orders'");
    assert_true(failed);
    run(EMIT "site.query 'SELECT 1 FROM nowhere'");
    assert_has(why.text, "no such table: nowhere");
    finish(NULL);
}

/* --- carts --- */

static void a_cart_script_may_open_other_carts_while_it_is_opened(void **state)
{
    (void)state;
    site_bed_close(&bed);
    site_bed_write(
        &bed, "site.lua",
        "return { allow = { 'shop.test' }, carts = { shop = { type = 'fake', url = 'http://shop.test' }, "
        "outer = { type = 'outer', url = 'http://shop.test' } } }");
    char script[8192];
    snprintf(script, sizeof script, "local inner = require 'cartwright.site'.cart 'shop'\n%s",
             fake_cart_script);
    site_bed_write(&bed, "carts/outer.lua", script);
    site_bed_open(&bed);
    run_well("local site = require 'cartwright.site' local outer = site.cart 'outer' assert(outer.name == "
             "'outer') "
             "assert(site.cart 'shop'.name == 'shop' and site.cart 'outer' == outer)");
}

static void an_unknown_cart_is_named(void **state)
{
    (void)state;
    run("require 'cartwright.site'.cart 'nowhere'");
    assert_has(why.text, "site.lua has no cart nowhere");
}

int main(void)
{
    fault_vfs_register();
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(the_first_page_of_a_script_opens_a_run_that_ends_with_it),
        TEST(a_script_that_emits_nothing_opens_no_run),
        TEST(a_script_that_fails_fails_its_run),
        TEST(a_page_that_failed_fails_the_run_of_a_script_that_went_on),
        TEST(without_a_job_of_its_own_a_script_may_not_emit),
        TEST(a_page_needs_a_stream_of_the_cart),
        TEST(scripts_read_only_files_that_were_named),
        TEST(a_dry_run_emits_but_stores_nothing),
        TEST(what_a_script_remembers_is_there_for_the_next_one),
        TEST(remembering_that_fails_raises),
        TEST(a_script_killed_while_it_waits_for_the_store_leaves_nothing_behind),
        TEST(scripts_ask_the_store_by_sql),
        TEST(a_cart_script_may_open_other_carts_while_it_is_opened),
        TEST(an_unknown_cart_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
