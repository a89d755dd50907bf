/* The store on a disk that fails: for the first operation, the second, ... until the work gets through,
 * nothing that was acknowledged is missing, nothing is half there, and the file is sound. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/sqlite_engine.h"
#include "base/log.h"
#include "fault_vfs.h"
#include "store_bed.h"

enum { PAGES = 4, PAGE_ORDERS = 3 };

/* What the work was told. */
struct work {
    struct store_bed *bed;
    int pages;
    bool acknowledged[PAGES];
    int failures;
    struct cw_error err; /* of the last one */
};

static void note_failure(struct work *work, const struct cw_error *err)
{
    work->failures++;
    work->err = *err;
    assert_true(err->code != CW_OK);
    assert_true(strlen(err->text) > 20);
}

static void ignore_stored(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    (void)stored, (void)count;
    *(bool *)arg = err == NULL;
}

static void ignore_answers(void *arg, const struct cw_answers *answers, size_t count,
                           const struct cw_error *err)
{
    (void)answers, (void)count;
    *(bool *)arg = err == NULL;
}

/* What rules read before they decide. */
static bool read_around(struct cw_txn *txn, const char *id, struct cw_arena *arena)
{
    struct cw_record_key key = key_of(id);
    struct cw_question question = { &cw_kind_order, key.cart, "number", key.external_id, true };
    bool read = false, answered = false;
    cw_txn_get_documents(txn, &cw_kind_order, &key, 1, arena, ignore_stored, &read);
    cw_txn_ask(txn, &question, 1, arena, ignore_answers, &answered);
    assert_true(read || cw_txn_error(txn) != NULL);
    return read && answered;
}

static bool put_record(struct cw_txn *txn, struct store_bed *bed, const char *id)
{
    struct cw_raw raw = raw_of(id, "<order/>");
    struct cw_raw_part part = { cw_slice("payment"), cw_slice("xml"), cw_slice("UTF-8"), cw_slice("<p/>") };
    struct cw_issue issue = { .code = cw_slice("totals"),
                              .field = cw_slice("total"),
                              .message = cw_slice("off") };
    struct cw_staged staged = { .key = key_of(id),
                                .kind = &cw_kind_order,
                                .issues = &issue,
                                .issue_count = 1,
                                .document = cw_slice("{}"),
                                .at = bed->time.now };
    raw.parts = &part;
    raw.part_count = 1;
    return cw_txn_put_raw(txn, &raw) && cw_txn_put_staged(txn, &staged);
}

/* The document, and what people decided on it. */
static bool put_decided(struct cw_txn *txn, struct store_bed *bed, const char *id, struct cw_arena *arena)
{
    struct cw_edit edit = { .field = cw_slice("note"), .value = cw_slice(id), .at = bed->time.now };
    struct cw_release release = { .code = cw_slice("totals"),
                                  .message = cw_slice("off"),
                                  .at = bed->time.now };
    return cw_txn_put_document(txn, cw_slice("shop"), order_of(arena, id, 2), bed->time.now, 1) &&
           cw_txn_put_edit(txn, cw_slice("shop"), &cw_kind_order, cw_slice(id), &edit) &&
           cw_txn_put_release(txn, key_of(id), &release);
}

/* Records, orders, an issue, the cursor: all that a page brings. False when the transaction is lost. */
static bool put_page(struct cw_txn *txn, struct store_bed *bed, int page)
{
    struct cw_arena arena;
    char id[16], position[16];
    bool ok = true;
    cw_arena_init(&arena, 0);
    for (int i = 0; ok && i < PAGE_ORDERS; i++) {
        snprintf(id, sizeof id, "%d", 100 * (page + 1) + i);
        ok = read_around(txn, id, &arena) && put_record(txn, bed, id) && put_decided(txn, bed, id, &arena);
    }
    snprintf(position, sizeof position, "%d", page + 1);
    struct cw_cursor cursor = { bed->time.now + page, CW_TIME_NONE, CW_TIME_NONE, cw_slice(position) };
    ok = ok && cw_txn_put_cursor(txn, cw_slice("shop"), cw_slice("orders in"), &cursor);
    cw_arena_fini(&arena);
    return ok;
}

static void work_page(struct work *work, int page)
{
    struct answer ready = { 0 };
    struct cw_error err;
    cw_txn_begin(work->bed->store, (struct cw_fence){ 0 }, answer_ready, &ready);
    assert_int_equal(ready.calls, 1);
    if (ready.txn == NULL) {
        note_failure(work, &ready.err);
        return;
    }
    if (!put_page(ready.txn, work->bed, page))
        assert_non_null(cw_txn_error(ready.txn));
    work->acknowledged[page] = try_commit(ready.txn, &err);
    if (!work->acknowledged[page])
        note_failure(work, &err);
}

static bool ignore_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    (void)arg, (void)columns, (void)names, (void)row;
    return true;
}

/* Whatever is read may fail, but it must say so. */
static void work_query(struct work *work)
{
    struct answer asked = { 0 };
    cw_store_query(work->bed->store, "SELECT * FROM raw_records", NULL, 0, ignore_row, answer_done, &asked);
    assert_int_equal(asked.calls, 1);
    if (asked.failed)
        note_failure(work, &asked.err);
}

static void open_small_log(struct work *work)
{
    struct cw_error err;
    work->bed->store = store_bed_try(work->bed, &err);
    if (work->bed->store == NULL)
        note_failure(work, &err);
    else /* so that the log is carried over several times */
        cw_sqlite_of(work->bed->store)->wal_pages_max = 20;
}

/* Opens, stores all pages that are not there yet, reads, closes. */
static void do_work(struct work *work)
{
    open_small_log(work);
    if (work->bed->store == NULL)
        return;
    for (int page = 0; page < work->pages; page++)
        if (!work->acknowledged[page])
            work_page(work, page);
    work_query(work);
    store_bed_close(work->bed);
}

/* --- what must hold afterwards --- */

static void assert_sound(struct store_bed *bed)
{
    struct cw_buffer report = { 0 };
    struct cw_error err;
    bool ok = cw_store_check(bed->store, &report, &err);
    assert_ok(ok, err);
    assert_string_equal(report.data, "ok");
    cw_buffer_fini(&report);
}

static int count(struct store_bed *bed, const char *sql)
{
    return atoi(ask(bed, sql));
}

static void assert_page(struct work *work, int page)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM orders WHERE external_id BETWEEN '%d00' AND '%d99'",
             page + 1, page + 1);
    int orders = count(work->bed, sql);
    assert_true(orders == 0 || orders == PAGE_ORDERS);
    if (work->acknowledged[page])
        assert_int_equal(orders, PAGE_ORDERS);
}

static void assert_kept(struct work *work)
{
    struct store_bed *bed = work->bed;
    store_bed_open(bed);
    assert_sound(bed);
    for (int page = 0; page < work->pages; page++)
        assert_page(work, page);
    int orders = count(bed, "SELECT count(*) FROM orders");
    assert_int_equal(count(bed, "SELECT count(*) FROM order_lines"), 2 * orders);
    assert_int_equal(count(bed, "SELECT count(*) FROM raw_heads"), orders);
    /* a page whose commit was not answered may be there, and is then stored once more as a second version */
    assert_int_equal(count(bed, "SELECT count(*) FROM raw_parts"),
                     count(bed, "SELECT count(*) FROM raw_records"));
    assert_int_equal(count(bed, "SELECT count(*) FROM staged_issues"), orders);
    assert_int_equal(count(bed, "SELECT count(*) FROM releases"), orders);
    assert_int_equal(count(bed, "SELECT count(*) FROM document_edits WHERE value = external_id"), orders);
    store_bed_close(bed);
}

static void assert_finishes(struct work *work)
{
    int failures = work->failures;
    do_work(work);
    assert_int_equal(work->failures, failures);
    for (int page = 0; page < work->pages; page++)
        assert_true(work->acknowledged[page]);
    assert_kept(work);
}

/* --- the loops --- */

/* On a store that is empty, or on a disk that is. Making a store takes longer than filling it a little, so
 * that is watched on its own. */
static void start_work(struct work *work, struct store_bed *bed, int pages)
{
    *work = (struct work){ .bed = bed, .pages = pages };
    if (pages == PAGES)
        fault_vfs_restore();
    else
        fault_vfs_format();
}

/* One fault after the other. `loss` = what happens to the disk before it is opened again. */
static void fail_pages_at_each(struct store_bed *bed, int pages, struct fault_plan plan, enum fault_loss loss,
                               uint64_t seeds)
{
    bool fired = true;
    long last = 0, step = pages == PAGES ? 1 : 7; /* making a store is very many operations */
    for (plan.at = 1; fired; plan.at += step) {
        for (uint64_t seed = 0; seed < seeds; seed++) {
            struct work work;
            start_work(&work, bed, pages);
            fault_vfs_arm(plan);
            do_work(&work);
            fired = fault_vfs_fired();
            fault_vfs_power_on(loss, seed * 1000003 + (uint64_t)plan.at);
            assert_kept(&work);
            if (seed == 0)
                assert_finishes(&work);
        }
        last = plan.at;
    }
    assert_true(last > 10); /* the work does touch the disk */
}

static void fail_at_each(struct store_bed *bed, struct fault_plan plan, enum fault_loss loss, uint64_t seeds)
{
    fail_pages_at_each(bed, PAGES, plan, loss, seeds);
}

static void each_operation_fails_once_while_the_store_is_made(void **state)
{
    fail_pages_at_each(*state, 1, (struct fault_plan){ .operations = FAULT_ANY }, FAULT_KEEP, 1);
}

static void the_power_is_cut_while_the_store_is_made(void **state)
{
    fail_pages_at_each(*state, 1,
                       (struct fault_plan){ .operations = FAULT_WRITE | FAULT_SYNC, .effect = FAULT_STOP },
                       FAULT_LOSE, 1);
}

static void each_write_fails_once(void **state)
{
    fail_at_each(*state, (struct fault_plan){ .operations = FAULT_WRITE }, FAULT_KEEP, 1);
}

static void each_sync_fails_once(void **state)
{
    fail_at_each(*state, (struct fault_plan){ .operations = FAULT_SYNC }, FAULT_LOSE, 5);
}

static void each_read_fails_once(void **state)
{
    fail_at_each(*state, (struct fault_plan){ .operations = FAULT_READ }, FAULT_KEEP, 1);
}

static void each_other_operation_fails_once(void **state)
{
    fail_at_each(*state, (struct fault_plan){ .operations = FAULT_OTHER | FAULT_OPEN }, FAULT_KEEP, 1);
}

static void everything_fails_from_each_operation_on(void **state)
{
    fail_at_each(*state, (struct fault_plan){ .operations = FAULT_ANY, .sticky = true }, FAULT_KEEP, 1);
}

static void the_process_is_killed_at_each_operation(void **state)
{
    fail_at_each(*state, (struct fault_plan){ .operations = FAULT_WRITE | FAULT_SYNC, .effect = FAULT_STOP },
                 FAULT_KEEP, 1);
}

static void the_power_is_cut_at_each_sync(void **state)
{
    fail_at_each(*state, (struct fault_plan){ .operations = FAULT_SYNC, .effect = FAULT_STOP }, FAULT_LOSE,
                 20);
}

static void the_power_is_cut_at_each_write(void **state)
{
    fail_at_each(*state, (struct fault_plan){ .operations = FAULT_WRITE, .effect = FAULT_STOP }, FAULT_LOSE,
                 2);
}

/* --- a full disk --- */

/* The store stays open: as soon as there is room it goes on. */
static void fill_disk_at(struct store_bed *bed, long at, bool *fired)
{
    struct work work;
    start_work(&work, bed, PAGES);
    fault_vfs_arm((struct fault_plan){ FAULT_WRITE, at, true, FAULT_DISK_FULL });
    open_small_log(&work);
    for (int page = 0; bed->store != NULL && page < PAGES; page++)
        work_page(&work, page);
    *fired = fault_vfs_fired();
    if (work.failures > 0) {
        assert_int_equal(work.err.code, CW_UNAVAILABLE);
        assert_non_null(strstr(work.err.text, "full"));
    }
    fault_vfs_arm((struct fault_plan){ 0 });
    int failures = work.failures;
    for (int page = 0; bed->store != NULL && page < PAGES; page++)
        if (!work.acknowledged[page])
            work_page(&work, page);
    assert_int_equal(work.failures, failures);
    store_bed_close(bed);
    assert_kept(&work);
    assert_finishes(&work);
}

static void a_full_disk_acknowledges_nothing_and_works_again_when_there_is_room(void **state)
{
    bool fired = true;
    long at = 0;
    while (fired)
        fill_disk_at(*state, ++at, &fired);
    assert_true(at > 20);
}

/* --- a disk that failed is not trusted again --- */

static void after_a_failed_sync_nothing_is_written_until_opened_again(void **state)
{
    struct store_bed *bed = *state;
    struct work work;
    start_work(&work, bed, PAGES);
    open_small_log(&work);
    work_page(&work, 0);
    fault_vfs_arm((struct fault_plan){ FAULT_SYNC, 1, false, FAULT_IO_ERROR });
    work_page(&work, 1);
    assert_int_equal(work.err.code, CW_IO);
    assert_non_null(strstr(work.err.text, "disk failed under ./store.db"));
    fault_vfs_arm((struct fault_plan){ FAULT_SYNC | FAULT_WRITE, 1000, false, FAULT_IO_ERROR });
    work_page(&work, 2);
    assert_int_equal(work.err.code, CW_IO);
    assert_int_equal(work.failures, 2);
    work_query(&work); /* reading goes on */
    assert_int_equal(work.failures, 2);
    store_bed_close(bed);
    assert_int_equal(fault_vfs_count(), 0); /* not one write or sync was tried, at closing neither */
    assert_kept(&work);
    assert_finishes(&work);
}

static int setup(void **state)
{
    struct store_bed *bed = calloc(1, sizeof *bed);
    snprintf(bed->path, sizeof bed->path, "store.db");
    bed->vfs = FAULT_VFS;
    bed->time.now = 1711852200 * CW_SECOND;
    bed->clock = test_clock(&bed->time);
    store_bed_open(bed);
    store_bed_close(bed);
    fault_vfs_save();
    *state = bed;
    return 0;
}

static int teardown(void **state)
{
    fault_vfs_format();
    free(*state);
    return 0;
}

#define FAULT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(each_operation_fails_once_while_the_store_is_made),
        FAULT_TEST(the_power_is_cut_while_the_store_is_made),
        FAULT_TEST(each_write_fails_once),
        FAULT_TEST(each_sync_fails_once),
        FAULT_TEST(each_read_fails_once),
        FAULT_TEST(each_other_operation_fails_once),
        FAULT_TEST(everything_fails_from_each_operation_on),
        FAULT_TEST(the_process_is_killed_at_each_operation),
        FAULT_TEST(the_power_is_cut_at_each_sync),
        FAULT_TEST(the_power_is_cut_at_each_write),
        FAULT_TEST(a_full_disk_acknowledges_nothing_and_works_again_when_there_is_room),
        FAULT_TEST(after_a_failed_sync_nothing_is_written_until_opened_again),
    };
    fault_vfs_register();
    cw_log_configure((struct cw_log_config){ .out = NULL });
    return cmocka_run_group_tests(tests, NULL, NULL);
}
