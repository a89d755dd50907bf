/* Opening a store in PostgreSQL: what the server, the address and the database may be, and what errors say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/pg_engine.h"
#include "base/log.h"
#include "fault_bed.h"

static struct cw_store *open_at(const char *uri, bool create, struct cw_error *err)
{
    struct cw_store_config config = { .uri = uri, .create = create };
    return cw_store_open(&config, NULL, err);
}

static enum cw_code code_at(const char *uri, struct cw_error *err)
{
    assert_null(open_at(uri, true, err));
    assert_null(strstr(err->text, "secret-word"));
    assert_null(strstr(err->text, PG_SERVER_PASSWORD));
    return err->code;
}

static void no_error_of_opening_holds_the_password(void **state)
{
    struct cw_error err;
    char uri[256];
    (void)state;
    cw_secret_forget_all();
    fault_bed_address(uri, sizeof uri, 1, "secret-word", "x");
    assert_int_equal(code_at(uri, &err), CW_UNAVAILABLE);
    assert_non_null(strstr(err.text, "postgresql://127.0.0.1:1/postgres"));
    fault_bed_address(uri, sizeof uri, pg_server_port(), "secret-word", "x");
    assert_int_equal(code_at(uri, &err), CW_AUTH);
    snprintf(uri, sizeof uri, "postgresql://shop:%s@127.0.0.1:%d/nowhere", PG_SERVER_PASSWORD,
             pg_server_port());
    assert_int_equal(code_at(uri, &err), CW_NOT_FOUND);
    assert_int_equal(code_at("postgresql://shop:secret-word@[::1/db", &err), CW_USAGE);
    assert_int_equal(code_at("postgresql://shop:secret-word%zz@localhost/db", &err), CW_USAGE);
    assert_int_equal(code_at("mysql://shop:secret-word@localhost/db", &err), CW_USAGE);
    char shown[] = "password=secret-word";
    cw_redact(shown, strlen(shown), sizeof shown);
    assert_string_equal(shown, "password=***");
}

static void what_is_no_store_of_ours_is_left_alone(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    char uri[256];
    pg_server_execute(bed->bed.schema, "UPDATE meta SET value = '99' WHERE name = 'schema'");
    assert_int_equal(code_at(bed->bed.path, &err), CW_USAGE);
    assert_non_null(strstr(err.text, "version 99"));
    assert_non_null(strstr(err.text, "up to 5"));
    pg_server_create("other");
    pg_server_execute("other", "CREATE TABLE other.invoices (id INTEGER)");
    fault_bed_address(uri, sizeof uri, pg_server_port(), PG_SERVER_PASSWORD, "other");
    assert_int_equal(code_at(uri, &err), CW_USAGE);
    assert_non_null(strstr(err.text, "another program"));
    pg_server_execute("other", "DROP TABLE other.invoices");
    assert_null(open_at(uri, false, &err));
    assert_int_equal(err.code, CW_NOT_FOUND);
    fault_bed_address(uri, sizeof uri, pg_server_port(), PG_SERVER_PASSWORD, "nowhere");
    assert_int_equal(code_at(uri, &err), CW_USAGE);
    assert_string_equal(pg_server_ask("other", "SELECT count(*) FROM pg_class WHERE relnamespace = "
                                               "'other'::regnamespace"),
                        "0");
    pg_server_drop("other");
}

/* Both come back with a store, and one of them has made it. */
static void two_that_make_a_store_at_once_share_it(void **state)
{
    char uri[256];
    int ends[2];
    char made[4] = "";
    (void)state;
    pg_server_create("race");
    fault_bed_address(uri, sizeof uri, pg_server_port(), PG_SERVER_PASSWORD, "race");
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 3; i++) {
        if (fork() > 0)
            continue;
        struct cw_error err;
        struct cw_store *store = open_at(uri, true, &err);
        char mark = store == NULL ? '?' : cw_store_is_new(store) ? 'n' : 'o';
        _exit(write(ends[1], &mark, 1) == 1 ? 0 : 1);
    }
    close(ends[1]);
    for (size_t got = 0; got < 3;) {
        ssize_t len = read(ends[0], made + got, 3 - got);
        assert_true(len > 0);
        got += (size_t)len;
    }
    close(ends[0]);
    int fresh = 0;
    for (int i = 0; i < 3; i++) {
        assert_true(made[i] == 'n' || made[i] == 'o');
        fresh += made[i] == 'n';
    }
    assert_int_equal(fresh, 1);
    pg_server_drop("race");
}

static void a_store_with_a_record_missing_is_not_sound(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_buffer report = { 0 };
    struct cw_error err;
    struct cw_raw raw = raw_of("1001", "<a/>");
    struct cw_txn *txn = begin(&bed->bed);
    assert_true(cw_txn_put_raw(txn, &raw));
    commit(txn);
    assert_true(cw_store_check(bed->bed.store, &report, &err));
    assert_slice(cw_buffer_slice(&report), "ok");
    pg_server_execute(bed->bed.schema, "DELETE FROM raw_records");
    assert_true(cw_store_check(bed->bed.store, &report, &err));
    assert_non_null(strstr(report.data, "the record of shop orders in 1001 is not there"));
    cw_buffer_fini(&report);
}

/* --- what each version brings to what was there --- */

static const char version_3_rows[] =
    "INSERT INTO messages (cart, stream, external_id, is_level, state, attempts, created_at, changed_at, "
    "error, payload) VALUES ('shop', 'statuses', '1001', 0, 'queued', 0, '2024-03-31T02:30:00.000000Z', 'x', "
    "'', '{}'), ('shop', 'statuses', '1002', 0, 'sent', 1, 'x', 'x', '', '{}');"
    "INSERT INTO shipments (cart, external_id, order_id, first_run, last_run, first_stored_at, "
    "last_stored_at) VALUES ('shop', 'S1', '1001', 1, 1, 'x', 'x')";

/* Made by a program of an older version, with these rows in it; opened again by this one. */
static void open_older(struct store_bed *there, int version, const char *rows)
{
    struct cw_schema old = { cw_store_schema_postgresql.steps, (size_t)(version - 2) };
    struct cw_store_config config = { .create = true };
    struct cw_error err;
    char says[64];
    pg_server_create("old");
    snprintf(there->path, sizeof there->path, "%s", pg_server_uri("old"));
    config.uri = there->path;
    struct cw_store *store = cw_pg_open_schema(&config, NULL, &old, &err);
    assert_ok(store != NULL, err);
    cw_store_close(store);
    pg_server_execute("old", rows);
    config.read_only = true;
    assert_null(cw_store_open(&config, NULL, &err));
    snprintf(says, sizeof says, "are version %d, this program needs %d", version, CW_STORE_SCHEMA);
    assert_non_null(strstr(err.text, says));
    config.read_only = false;
    there->store = cw_store_open(&config, NULL, &err);
    assert_ok(there->store != NULL, err);
    assert_false(cw_store_is_new(there->store));
}

static void close_older(struct store_bed *there)
{
    cw_store_close(there->store);
    pg_server_drop("old");
}

static void a_store_of_version_3_is_brought_forward_with_what_is_in_it(void **state)
{
    struct store_bed there = { 0 };
    (void)state;
    open_older(&there, 3, version_3_rows);
    assert_string_equal(ask(&there, "SELECT stream, lane, event, due_at FROM messages ORDER BY id"),
                        "statuses_out|order/1001|rule/1|2024-03-31T02:30:00.000000Z\n"
                        "statuses_out|order/1002|rule/2|NULL");
    assert_string_equal(ask(&there, "SELECT external_id, order_cart FROM shipments"), "S1|NULL");
    close_older(&there);
}

static const char version_4_rows[] =
    "INSERT INTO orders (cart, external_id, first_run, last_run, first_stored_at, last_stored_at, type, "
    "state) VALUES ('shop', '1001', 1, 1, 'x', 'x', 'sales_order', 'released');"
    "INSERT INTO order_lines (order_id, position, sku, quantity) SELECT id, 1, 'A', '2' FROM orders";

static void a_store_of_version_4_is_brought_forward_with_what_is_in_it(void **state)
{
    struct store_bed there = { 0 };
    (void)state;
    open_older(&there, 4, version_4_rows);
    assert_string_equal(ask(&there, "SELECT o.external_id, l.sku, l.quantity, l.cancelled FROM orders o JOIN "
                                    "order_lines l ON l.order_id = o.id"),
                        "1001|A|2|NULL");
    close_older(&there);
}

#define FAULT_TEST(test) cmocka_unit_test_setup_teardown(test, fault_bed_setup, fault_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(no_error_of_opening_holds_the_password),
        FAULT_TEST(what_is_no_store_of_ours_is_left_alone),
        FAULT_TEST(two_that_make_a_store_at_once_share_it),
        FAULT_TEST(a_store_of_version_3_is_brought_forward_with_what_is_in_it),
        FAULT_TEST(a_store_of_version_4_is_brought_forward_with_what_is_in_it),
        FAULT_TEST(a_store_with_a_record_missing_is_not_sound),
    };
    cw_log_configure((struct cw_log_config){ .out = NULL });
    return cmocka_run_group_tests(tests, NULL, NULL);
}
