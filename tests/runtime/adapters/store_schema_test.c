/* From one version of the tables to the next: forward only, all or nothing, also when killed on the way. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/sqlite_engine.h"
#include "fault_vfs.h"
#include "store_bed.h"

/* What a program of version 1 left behind. */
static const char version_1_rows[] =
    "INSERT INTO orders (cart, external_id, number, total, first_run, last_run, first_stored_at, "
    "last_stored_at, custom) SELECT 'shop', value, value, '63.01', 1, 1, '2024-03-31T02:30:00.000000Z', "
    "'2024-03-31T02:30:00.000000Z', '{\"gift\":\"yes\"}' FROM json_each('[\"1000\", \"1001\", \"1002\", "
    "\"1003\", \"1004\"]');"
    "INSERT INTO order_lines (order_id, position, sku, quantity, total) SELECT id, 1, 'A', '2', '21.00' "
    "FROM orders UNION ALL SELECT id, 2, 'B', '1', '42.01' FROM orders;"
    "INSERT INTO raw_records (cart, stream, external_id, version, hash, format, encoding, received_at, "
    "run_id, outcome, reason, script_version, bytes) SELECT 'shop', 'orders', external_id, 1, x'00', 'xml', "
    "'UTF-8', first_stored_at, 1, 'parked', 'totals', 'abc', x'3c' FROM orders;"
    "INSERT INTO raw_heads SELECT cart, stream, '04' || external_id, external_id, id, 1, hash, outcome, "
    "script_version FROM raw_records;"
    "INSERT INTO staged_records (cart, stream, external_id, kind, state, staged_at, run_id, document) "
    "SELECT cart, stream, external_id, 'order', 'parked', received_at, 1, '{}' FROM raw_records;"
    "INSERT INTO staged_issues SELECT id, 1, 'totals', 'total', '', 'off by a cent' FROM staged_records;";

/* Two made-up versions after the newest: one that adds, one that rebuilds. */
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

/* The newest real version, and what comes after it. */
enum { REAL = CW_STORE_SCHEMA, ADDED, REBUILT };

static struct cw_schema schema_of(struct cw_schema_step steps[REBUILT], const char *added,
                                  const char *rebuilt)
{
    memcpy(steps, cw_store_schema.steps, REAL * sizeof *steps);
    steps[REAL] = (struct cw_schema_step){ ADDED, added };
    steps[ADDED] = (struct cw_schema_step){ REBUILT, rebuilt };
    return (struct cw_schema){ steps, rebuilt != NULL ? REBUILT : added != NULL ? ADDED : REAL };
}

static struct cw_store *open_version(int version, struct cw_error *err)
{
    struct cw_schema_step steps[REBUILT];
    struct cw_schema schema = schema_of(steps, add_step, rebuild_step);
    schema.count = (size_t)version;
    return cw_sqlite_open_schema(&config, &schema, err);
}

/* A store of version 1 with a few orders that wait, as an older program left it. */
static int setup(void **state)
{
    struct cw_error err;
    (void)state;
    fault_vfs_format();
    struct cw_store *store = open_version(1, &err);
    assert_ok(store != NULL, err);
    bool ok = cw_sqlite_execute(cw_sqlite_of(store), version_1_rows, &err);
    assert_ok(ok, err);
    cw_store_close(store);
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
    bed.store = open_version(REBUILT, &err);
    assert_ok(bed.store != NULL, err);
    assert_string_equal(
        ask(&bed, "SELECT o.number, c.id FROM orders o JOIN colours c ON c.name = o.colour ORDER BY 1"),
        "1000|1\n1001|2\n1002|3\n1003|4\n1004|5");
    assert_string_equal(ask(&bed, "SELECT count(*) FROM order_lines"), "10");
    assert_true(cw_store_check(bed.store, &report, &err));
    assert_string_equal(report.data, "ok");
    cw_buffer_fini(&report);
    cw_store_close(bed.store);
    assert_int_equal(version_there(), REBUILT);
}

static void an_older_store_is_brought_forward_step_by_step(void **state)
{
    struct cw_error err;
    (void)state;
    assert_int_equal(version_there(), 1);
    for (int version = 2; version <= ADDED; version++) {
        struct cw_store *store = open_version(version, &err);
        assert_ok(store != NULL, err);
        cw_store_close(store);
        assert_int_equal(version_there(), version);
    }
    assert_forward();
}

static void an_older_store_is_brought_forward_at_once(void **state)
{
    (void)state;
    assert_forward();
}

/* --- what each version brings to what was there --- */

static void orders_from_before_there_were_rules_are_released_sales_orders(void **state)
{
    struct store_bed bed = { 0 };
    struct cw_error err;
    (void)state;
    bed.store = open_version(2, &err);
    assert_ok(bed.store != NULL, err);
    assert_string_equal(ask(&bed, "SELECT type, state, number, total, custom, count(*) FROM orders "
                                  "WHERE external_id = '1002'"),
                        "sales_order|released|1002|63.01|{\"gift\":\"yes\"}|1");
    assert_string_equal(ask(&bed, "SELECT count(*) FROM orders WHERE type = 'sales_order' AND "
                                  "state = 'released' AND archived IS NULL"),
                        "5");
    cw_store_close(bed.store);
}

static bool add_id(void *arg, const struct cw_raw *raw, int64_t version)
{
    (void)version;
    return cw_buffer_print(arg, NULL, "%.*s ", CW_SLICE_ARG(raw->key.external_id));
}

static void ignore_done(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void what_waited_before_is_found_by_its_issue(void **state)
{
    struct cw_buffer ids = { 0 };
    struct cw_error err;
    struct cw_raw_filter filter = { .code = cw_slice("totals") };
    (void)state;
    struct cw_store *store = open_version(2, &err);
    assert_ok(store != NULL, err);
    cw_store_read_raw(store, &filter, add_id, ignore_done, &ids);
    assert_string_equal(ids.data, "1000 1001 1002 1003 1004 ");
    cw_buffer_fini(&ids);
    cw_store_close(store);
}

/* What version 3 had of things that go out, and of stock. */
static const char version_3_rows[] =
    "INSERT INTO messages (cart, stream, external_id, is_level, state, attempts, created_at, changed_at, "
    "error, payload) VALUES ('shop', 'statuses', '1001', 0, 'queued', 0, '2024-03-31T02:30:00.000000Z', "
    "'2024-03-31T02:30:00.000000Z', '', '{\"status\":\"paid\"}'), ('shop', 'statuses', '1001', 0, 'queued', "
    "0, '2024-03-31T02:31:00.000000Z', '2024-03-31T02:31:00.000000Z', '', '{}'), ('shop', 'statuses', "
    "'1002', 0, 'sent', 1, 'x', 'x', '', '{}');"
    "INSERT INTO shipments (cart, external_id, order_id, first_run, last_run, first_stored_at, "
    "last_stored_at) VALUES ('shop', 'S1', '1001', 1, 1, 'x', 'x');"
    "INSERT INTO shipment_lines (shipment_id, position, sku, quantity) SELECT id, 1, 'A', '2' FROM "
    "shipments;";

static void messages_of_statuses_wait_in_the_lanes_of_their_orders(void **state)
{
    struct store_bed bed = { 0 };
    struct cw_error err;
    (void)state;
    struct cw_store *store = open_version(3, &err);
    assert_ok(store != NULL, err);
    bool ok = cw_sqlite_execute(cw_sqlite_of(store), version_3_rows, &err);
    assert_ok(ok, err);
    cw_store_close(store);
    bed.store = open_version(4, &err);
    assert_ok(bed.store != NULL, err);
    assert_string_equal(
        ask(&bed, "SELECT id, stream, lane, event, state, due_at, payload FROM messages ORDER BY id"),
        "1|statuses_out|order/1001|rule/1|queued|2024-03-31T02:30:00.000000Z|{\"status\":\"paid\"}\n"
        "2|statuses_out|order/1001|rule/2|queued|2024-03-31T02:31:00.000000Z|{}\n"
        "3|statuses_out|order/1002|rule/3|sent|NULL|{}");
    assert_string_equal(
        ask(&bed, "SELECT s.external_id, s.order_cart, s.confirmed, l.sku, l.quantity FROM shipments s "
                  "JOIN shipment_lines l ON l.shipment_id = s.id"),
        "S1|NULL|NULL|A|2");
    cw_store_close(bed.store);
}

static void lines_from_before_have_nothing_cancelled(void **state)
{
    struct store_bed bed = { 0 };
    struct cw_error err;
    (void)state;
    struct cw_store *store = open_version(4, &err);
    assert_ok(store != NULL, err);
    cw_store_close(store);
    assert_int_equal(version_there(), 4);
    bed.store = open_version(5, &err);
    assert_ok(bed.store != NULL, err);
    assert_string_equal(ask(&bed, "SELECT sku, quantity, total, cancelled, count(*) FROM order_lines GROUP "
                                  "BY sku, quantity, total, cancelled ORDER BY sku"),
                        "A|2|21.00|NULL|5\nB|1|42.01|NULL|5");
    cw_store_close(bed.store);
    assert_int_equal(version_there(), 5);
}

static void a_newer_store_is_refused_and_left_as_it_is(void **state)
{
    struct cw_error err;
    (void)state;
    assert_forward();
    assert_null(open_version(1, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_non_null(strstr(err.text, "version 7"));
    assert_non_null(strstr(err.text, "up to 1"));
    assert_int_equal(version_there(), REBUILT);
}

static void a_step_that_fails_leaves_the_version_before(void **state)
{
    struct cw_error err;
    struct cw_schema_step steps[REBUILT];
    (void)state;
    struct cw_schema faulty = schema_of(steps, add_step, "DROP TABLE colours; CREATE TABLE orders (a);");
    assert_null(cw_sqlite_open_schema(&config, &faulty, &err));
    assert_non_null(strstr(err.text, "step to version 7"));
    assert_int_equal(version_there(), 1);
    assert_forward();
}

static void a_step_that_leaves_rows_without_their_document_is_refused(void **state)
{
    struct cw_error err;
    struct cw_schema_step steps[REBUILT];
    (void)state;
    struct cw_schema faulty =
        schema_of(steps, "INSERT INTO order_lines (order_id, position) VALUES (99, 1);", NULL);
    assert_null(cw_sqlite_open_schema(&config, &faulty, &err));
    assert_int_equal(version_there(), 1);
}

/* Stops the machine at a write or sync of the way from 1 to the newest. False when there are fewer of them.
 */
static bool stop_at(enum fault_loss loss, long at, bool seen[REBUILT + 1], int *version)
{
    struct cw_error err;
    fault_vfs_restore();
    fault_vfs_arm((struct fault_plan){ FAULT_WRITE | FAULT_SYNC, at, false, FAULT_STOP });
    cw_store_close(open_version(REBUILT, &err));
    bool fired = fault_vfs_fired();
    fault_vfs_power_on(loss, (uint64_t)at);
    *version = version_there();
    assert_true(*version == 1 || *version == REBUILT);
    seen[*version] = true;
    assert_forward();
    return fired;
}

/* At every seventh of the many operations, and at each one around that which makes the step. */
static void stop_everywhere(enum fault_loss loss)
{
    bool seen[REBUILT + 1] = { false }, fired = true;
    int version = 1, before = 1;
    for (long at = 1; fired; at += 7) {
        before = version;
        fired = stop_at(loss, at, seen, &version);
        for (long near = at - 6; version != before && near < at; near++) {
            int any;
            stop_at(loss, near > 0 ? near : 1, seen, &any);
        }
    }
    assert_true(seen[1] && seen[REBUILT]);
}

static void a_kill_at_any_moment_leaves_the_old_version_or_the_new_one(void **state)
{
    (void)state;
    stop_everywhere(FAULT_KEEP);
}

static void a_power_cut_at_any_moment_leaves_the_old_version_or_the_new_one(void **state)
{
    (void)state;
    stop_everywhere(FAULT_LOSE);
}

static void a_damaged_store_is_not_brought_forward(void **state)
{
    struct cw_error err;
    (void)state;
    fault_vfs_damage("./store.db", 16384 * 5, 200);
    assert_null(open_version(REBUILT, &err));
    assert_int_equal(err.code, CW_CORRUPT);
    assert_int_equal(version_there(), 1);
}

#define SCHEMA_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCHEMA_TEST(an_older_store_is_brought_forward_step_by_step),
        SCHEMA_TEST(an_older_store_is_brought_forward_at_once),
        SCHEMA_TEST(orders_from_before_there_were_rules_are_released_sales_orders),
        SCHEMA_TEST(what_waited_before_is_found_by_its_issue),
        SCHEMA_TEST(messages_of_statuses_wait_in_the_lanes_of_their_orders),
        SCHEMA_TEST(lines_from_before_have_nothing_cancelled),
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
