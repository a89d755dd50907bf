/* The store when memory runs out inside SQLite: for one allocation after the other, an error or success,
 * never a crash, and the file stays sound. */
#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "adapters/store.h"
#include "fault_vfs.h"
#include "store_bed.h"

/* SQLite's own allocator behind a counter. */
static sqlite3_mem_methods real;
static long allocations, fails_at; /* 0 = none */
static bool sticky;

static bool strikes(void)
{
    allocations++;
    return fails_at > 0 && (allocations == fails_at || (sticky && allocations > fails_at));
}

static void *counted_malloc(int size)
{
    return strikes() ? NULL : real.xMalloc(size);
}

static void *counted_realloc(void *old, int size)
{
    return strikes() ? NULL : real.xRealloc(old, size);
}

static void count_allocations(void)
{
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real), SQLITE_OK);
    sqlite3_mem_methods counted = real;
    counted.xMalloc = counted_malloc;
    counted.xRealloc = counted_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &counted), SQLITE_OK);
}

/* --- the work --- */

static bool stored;

static void note_error(const struct cw_error *err)
{
    if (err->code != CW_NOMEM)
        fail_msg("allocation %ld: %s: %s", fails_at, cw_code_name(err->code), err->text);
}

static void note_done(void *arg, const struct cw_error *err)
{
    *(bool *)arg = err == NULL;
    if (err != NULL)
        note_error(err);
}

static bool ignore_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    (void)arg, (void)columns, (void)names, (void)row;
    return true;
}

static bool ignore_raw(void *arg, const struct cw_raw *raw, int64_t version)
{
    (void)arg, (void)raw, (void)version;
    return true;
}

static void ignore_known(void *arg, const struct cw_raw_known *known, size_t count,
                         const struct cw_error *err)
{
    (void)arg, (void)known, (void)count;
    if (err != NULL)
        note_error(err);
}

static void write_all(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_arena arena;
    struct cw_raw raw = raw_of("1001", "<order/>");
    (void)arg;
    if (txn == NULL) {
        note_error(err);
        return;
    }
    cw_arena_init(&arena, 0);
    cw_txn_find_raw(txn, &raw.key, 1, ignore_known, NULL);
    cw_txn_put_raw(txn, &raw);
    cw_txn_put_document(txn, cw_slice("shop"), order_of(&arena, "1001", 2), 0, 1);
    cw_txn_put_state(txn, cw_slice("shop"), cw_slice("key"), cw_slice("value"));
    cw_txn_commit(txn, note_done, &stored);
    cw_arena_fini(&arena);
}

static void take_nothing(void *arg, int64_t token, const struct cw_error *err)
{
    (void)arg, (void)token;
    if (err != NULL)
        note_error(err);
}

static void work(struct store_bed *bed)
{
    struct cw_error err;
    struct cw_raw_filter all = { 0 };
    bool done;
    stored = false;
    bed->store = store_bed_try(bed, &err);
    if (bed->store == NULL) {
        note_error(&err);
        return;
    }
    cw_store_take_lease(bed->store, cw_slice("job"), cw_slice("a"), 0, CW_MINUTE, take_nothing, NULL);
    cw_txn_begin(bed->store, (struct cw_fence){ 0 }, write_all, NULL);
    cw_store_query(bed->store, "SELECT * FROM orders ORDER BY number", NULL, 0, ignore_row, note_done, &done);
    cw_store_read_raw(bed->store, &all, ignore_raw, note_done, &done);
    store_bed_close(bed);
}

/* --- the loop --- */

static void assert_sound(struct store_bed *bed)
{
    struct cw_buffer report = { 0 };
    struct cw_error err;
    store_bed_open(bed);
    assert_true(cw_store_check(bed->store, &report, &err));
    assert_string_equal(report.data, "ok");
    if (stored)
        assert_string_equal(ask(bed, "SELECT external_id FROM orders"), "1001");
    cw_buffer_fini(&report);
    store_bed_close(bed);
}

static void fail_one_after_the_other(struct store_bed *bed)
{
    long total = 0;
    for (long at = 1; total == 0 || at <= total; at += 1 + at / 50) {
        fault_vfs_format();
        allocations = 0;
        fails_at = at;
        work(bed);
        if (allocations < at)
            total = at;
        fails_at = 0;
        assert_sound(bed);
    }
    assert_true(stored);
    assert_true(total > 1000);
}

static void each_allocation_fails_once(void **state)
{
    sticky = false;
    fail_one_after_the_other(*state);
}

static void every_allocation_fails_from_one_on(void **state)
{
    sticky = true;
    fail_one_after_the_other(*state);
}

static int setup(void **state)
{
    static struct store_bed bed = { .path = "store.db", .vfs = FAULT_VFS };
    bed.clock = test_clock(&bed.time);
    *state = &bed;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fails_at = 0;
    fault_vfs_format();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_allocation_fails_once, setup, teardown),
        cmocka_unit_test_setup_teardown(every_allocation_fails_from_one_on, setup, teardown),
    };
    count_allocations();
    fault_vfs_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
