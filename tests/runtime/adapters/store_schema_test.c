/* From one version of the tables to the next: forward only, all or nothing, also when killed on the way. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/sqlite_engine.h"
#include "fault_vfs.h"
#include "store_bed.h"

/* Two made-up versions after the first: one that adds, one that rebuilds. */
static const char add_step[] = "ALTER TABLE orders ADD COLUMN colour TEXT;"
                               "CREATE TABLE colours (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
                               "UPDATE orders SET colour = number;"
                               "INSERT INTO colours SELECT colour FROM orders;";
static const char rebuild_step[] =
    "CREATE TABLE new_colours (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;"
    "INSERT INTO new_colours (name) SELECT name FROM colours ORDER BY name;"
    "DROP TABLE colours;"
    "ALTER TABLE new_colours RENAME TO colours;"
    "CREATE INDEX colours_name ON colours (name);";

static const struct cw_store_config config = { .uri = "store.db", .create = true, .vfs = FAULT_VFS };

static struct cw_schema schema_of(struct cw_schema_step steps[3], const char *second, const char *third)
{
    steps[0] = cw_store_schema.steps[0];
    steps[1] = (struct cw_schema_step){ 2, second };
    steps[2] = (struct cw_schema_step){ 3, third };
    return (struct cw_schema){ steps, third != NULL ? 3 : second != NULL ? 2 : 1 };
}

static struct cw_store *open_version(int version, struct cw_error *err)
{
    struct cw_schema_step steps[3];
    struct cw_schema schema =
        schema_of(steps, version > 1 ? add_step : NULL, version > 2 ? rebuild_step : NULL);
    return cw_sqlite_open_schema(&config, &schema, err);
}

/* A store of version 1 with a few orders, as an older program left it. */
static int setup(void **state)
{
    struct store_bed bed = { .path = "store.db", .vfs = FAULT_VFS };
    struct cw_error err;
    struct cw_arena arena;
    char id[16];
    (void)state;
    fault_vfs_format();
    cw_arena_init(&arena, 0);
    bed.store = open_version(1, &err);
    assert_ok(bed.store != NULL, err);
    struct cw_txn *txn = begin(&bed);
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "%d", 1000 + i);
        assert_true(cw_txn_put_document(txn, cw_slice("shop"), order_of(&arena, id, 2), 0, 1));
    }
    commit(txn);
    cw_arena_fini(&arena);
    cw_store_close(bed.store);
    fault_vfs_save();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_vfs_format();
    return 0;
}

/* The version of the tables as they lie there: the only one that opens without a step. */
static int version_there(void)
{
    struct store_bed bed = { 0 };
    struct cw_store_config look = config;
    struct cw_error err;
    struct cw_schema_step any = { 1000, "" };
    struct cw_schema newest = { &any, 1 };
    look.read_only = true;
    look.create = false;
    bed.store = cw_sqlite_open_schema(&look, &newest, &err);
    assert_null(bed.store);
    assert_int_equal(err.code, CW_USAGE);
    const char *number = strstr(err.text, "are version ");
    assert_non_null(number);
    return atoi(number + strlen("are version "));
}

static void assert_forward(void)
{
    struct store_bed bed = { 0 };
    struct cw_buffer report = { 0 };
    struct cw_error err;
    bed.store = open_version(3, &err);
    assert_ok(bed.store != NULL, err);
    assert_string_equal(
        ask(&bed, "SELECT o.number, c.id FROM orders o JOIN colours c ON c.name = o.colour ORDER BY 1"),
        "1000|1\n1001|2\n1002|3\n1003|4\n1004|5");
    assert_string_equal(ask(&bed, "SELECT count(*) FROM order_lines"), "10");
    assert_true(cw_store_check(bed.store, &report, &err));
    assert_string_equal(report.data, "ok");
    cw_buffer_fini(&report);
    cw_store_close(bed.store);
    assert_int_equal(version_there(), 3);
}

static void an_older_store_is_brought_forward_step_by_step(void **state)
{
    struct cw_error err;
    (void)state;
    assert_int_equal(version_there(), 1);
    struct cw_store *store = open_version(2, &err);
    assert_ok(store != NULL, err);
    cw_store_close(store);
    assert_int_equal(version_there(), 2);
    assert_forward();
}

static void an_older_store_is_brought_forward_at_once(void **state)
{
    (void)state;
    assert_forward();
}

static void a_newer_store_is_refused_and_left_as_it_is(void **state)
{
    struct cw_error err;
    (void)state;
    assert_forward();
    assert_null(open_version(1, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_non_null(strstr(err.text, "version 3"));
    assert_non_null(strstr(err.text, "up to 1"));
    assert_int_equal(version_there(), 3);
}

static void a_step_that_fails_leaves_the_version_before(void **state)
{
    struct cw_error err;
    struct cw_schema_step steps[3];
    (void)state;
    struct cw_schema faulty = schema_of(steps, add_step, "DROP TABLE colours; CREATE TABLE orders (a);");
    assert_null(cw_sqlite_open_schema(&config, &faulty, &err));
    assert_non_null(strstr(err.text, "step to version 3"));
    assert_int_equal(version_there(), 1);
    assert_forward();
}

static void a_step_that_leaves_rows_without_their_document_is_refused(void **state)
{
    struct cw_error err;
    struct cw_schema_step steps[3];
    (void)state;
    struct cw_schema faulty =
        schema_of(steps, "INSERT INTO order_lines (order_id, position) VALUES (99, 1);", NULL);
    assert_null(cw_sqlite_open_schema(&config, &faulty, &err));
    assert_int_equal(version_there(), 1);
}

/* Stops the machine at each write and sync of the way from 1 to 3. */
static void stop_at_each(enum fault_loss loss)
{
    bool fired = true;
    bool seen[4] = { false };
    for (long at = 1; fired; at++) {
        struct cw_error err;
        fault_vfs_restore();
        fault_vfs_arm((struct fault_plan){ FAULT_WRITE | FAULT_SYNC, at, false, FAULT_STOP });
        cw_store_close(open_version(3, &err));
        fired = fault_vfs_fired();
        fault_vfs_power_on(loss, (uint64_t)at);
        int version = version_there();
        assert_true(version == 1 || version == 3);
        seen[version] = true;
        assert_forward();
    }
    assert_true(seen[1] && seen[3]);
}

static void a_kill_at_any_moment_leaves_the_old_version_or_the_new_one(void **state)
{
    (void)state;
    stop_at_each(FAULT_KEEP);
}

static void a_power_cut_at_any_moment_leaves_the_old_version_or_the_new_one(void **state)
{
    (void)state;
    stop_at_each(FAULT_LOSE);
}

static void a_damaged_store_is_not_brought_forward(void **state)
{
    struct cw_error err;
    (void)state;
    fault_vfs_damage("./store.db", 16384 * 5, 200);
    assert_null(open_version(3, &err));
    assert_int_equal(err.code, CW_CORRUPT);
    assert_int_equal(version_there(), 1);
}

#define SCHEMA_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCHEMA_TEST(an_older_store_is_brought_forward_step_by_step),
        SCHEMA_TEST(an_older_store_is_brought_forward_at_once),
        SCHEMA_TEST(a_newer_store_is_refused_and_left_as_it_is),
        SCHEMA_TEST(a_step_that_fails_leaves_the_version_before),
        SCHEMA_TEST(a_step_that_leaves_rows_without_their_document_is_refused),
        SCHEMA_TEST(a_kill_at_any_moment_leaves_the_old_version_or_the_new_one),
        SCHEMA_TEST(a_power_cut_at_any_moment_leaves_the_old_version_or_the_new_one),
        SCHEMA_TEST(a_damaged_store_is_not_brought_forward),
    };
    fault_vfs_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
