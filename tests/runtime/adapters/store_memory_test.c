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

static void ignore_stored(void *arg, const struct cw_stored *documents, size_t count,
                          const struct cw_error *err)
{
    (void)arg, (void)documents, (void)count;
    if (err != NULL)
        note_error(err);
}

static void ignore_answers(void *arg, const struct cw_answers *answers, size_t count,
                           const struct cw_error *err)
{
    (void)arg, (void)answers, (void)count;
    if (err != NULL)
        note_error(err);
}

static bool ignore_entry(void *arg, const struct cw_table_entry *entry)
{
    (void)arg, (void)entry;
    return true;
}

/* What people decide on a record, and what rules read of it. */
static void decide(struct cw_txn *txn, struct cw_record_key key, struct cw_arena *arena)
{
    struct cw_edit edit = { .field = cw_slice("note"), .value = cw_slice("x") };
    struct cw_release release = { .code = cw_slice("totals") };
    struct cw_issue issue = { .code = cw_slice("totals"), .subject = cw_slice("EUR") };
    struct cw_staged staged = { .key = key, .kind = &cw_kind_order, .issues = &issue, .issue_count = 1 };
    struct cw_question questions[] = { { &cw_kind_order, key.cart, "number", key.external_id, true },
                                       { &cw_kind_item, key.cart, "sku", cw_slice("none"), false } };
    cw_txn_put_staged(txn, &staged);
    cw_txn_put_release(txn, key, &release);
    cw_txn_put_edit(txn, key.cart, &cw_kind_order, key.external_id, &edit);
    cw_txn_get_documents(txn, &cw_kind_order, &key, 1, arena, ignore_stored, NULL);
    cw_txn_ask(txn, questions, 2, arena, ignore_answers, NULL);
    cw_txn_drop_edit(txn, key.cart, &cw_kind_order, key.external_id, edit.field);
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
    decide(txn, raw.key, &arena);
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
    struct cw_raw_filter all = { 0 }, waiting = { .code = cw_slice("totals"), .subject = cw_slice("EUR") };
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
    cw_store_read_raw(bed->store, &waiting, ignore_raw, note_done, &done);
    cw_store_read_tables(bed->store, cw_slice("shop"), ignore_entry, note_done, &done);
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

/* Only opening: a new store is made. */
static void make(struct store_bed *bed)
{
    struct cw_error err;
    stored = false;
    bed->store = store_bed_try(bed, &err);
    if (bed->store == NULL)
        note_error(&err);
    store_bed_close(bed);
}

/* For the first allocation of `job`, the second ..., with growing strides. */
static void fail_one_after_the_other(struct store_bed *bed, void (*prepare)(void),
                                     void (*job)(struct store_bed *bed), long stride)
{
    long total = 0;
    for (long at = 1; total == 0 || at <= total; at += 1 + at / stride) {
        prepare();
        allocations = 0;
        fails_at = at;
        job(bed);
        if (allocations < at)
            total = at;
        fails_at = 0;
        assert_sound(bed);
    }
    assert_true(total > 1000);
}

static void each_allocation_fails_once(void **state)
{
    sticky = false;
    fail_one_after_the_other(*state, fault_vfs_restore, work, 50);
    assert_true(stored);
}

static void every_allocation_fails_from_one_on(void **state)
{
    sticky = true;
    fail_one_after_the_other(*state, fault_vfs_restore, work, 50);
    assert_true(stored);
}

static void each_allocation_fails_once_while_the_store_is_made(void **state)
{
    sticky = false;
    fail_one_after_the_other(*state, fault_vfs_format, make, 10);
}

static int setup(void **state)
{
    static struct store_bed bed = { .path = "store.db", .vfs = FAULT_VFS };
    bed.clock = test_clock(&bed.time);
    fault_vfs_format();
    store_bed_open(&bed);
    store_bed_close(&bed);
    fault_vfs_save();
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
        cmocka_unit_test_setup_teardown(each_allocation_fails_once_while_the_store_is_made, setup, teardown),
    };
    count_allocations();
    fault_vfs_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
