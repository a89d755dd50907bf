/* Reading by SQL: values as text, and nothing but reading. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/pg_link.h"
#include "store_bed.h"

static void values_come_as_text_and_null_as_null(void **state)
{
    assert_string_equal(ask(*state, "SELECT 1, 'a', NULL, '', 1.5"), "1|a|NULL||1.5");
}

static void bytes_come_as_they_are_and_truth_as_a_number(void **state)
{
    struct cw_txn *txn = begin(*state);
    struct cw_raw raw = raw_of("1001", "<a>\\\xe9</a>");
    assert_true(cw_txn_put_raw(txn, &raw));
    commit(txn);
    assert_string_equal(ask(*state, "SELECT bytes, 1 = 1, version > 1 FROM raw_records"),
                        "<a>\\\xe9</a>|1|0");
}

static void parameters_are_found_by_their_numbers(void **state)
{
    assert_string_equal(ask_with(*state, "SELECT $2, $1, $2", "a", "b"), "b|a|b");
    assert_string_equal(
        ask_with(*state, "SELECT key FROM (SELECT 'x' AS key) t WHERE key = $1 LIMIT 1", "x", NULL), "x");
}

static void a_parameter_without_a_value_is_refused(void **state)
{
    struct cw_error err;
    assert_int_equal(ask_refused(*state, "SELECT $1", &err), CW_USAGE);
    assert_int_equal(ask_refused(*state, "SELECT ?", &err), CW_USAGE);
    assert_int_equal(ask_refused(*state, "SELECT $0", &err), CW_USAGE);
    assert_int_equal(ask_refused(*state, "SELECT :name", &err), CW_USAGE);
}

static void all_are_refused(struct store_bed *bed, const char *const *queries, size_t count)
{
    struct cw_error err;
    for (size_t i = 0; i < count; i++)
        if (ask_refused(bed, queries[i], &err) != CW_REFUSED)
            fail_msg("%s: %s", queries[i], err.text);
}

static void whatever_writes_is_refused_and_changes_nothing(void **state)
{
    static const char *const writing[] = {
        "INSERT INTO tables VALUES ('a', 'b', 'c', 'd', 'e')",
        "UPDATE tables SET value = ''",
        "DELETE FROM tables",
        "WITH t AS (SELECT 1) DELETE FROM tables",
        "INSERT INTO tables SELECT * FROM tables RETURNING 1",
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x (a)",
        "DROP TABLE orders",
        "ALTER TABLE orders ADD COLUMN x",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA table_info(orders)",
        "ATTACH '/tmp/cw-never.db' AS x",
        "DETACH main",
        "VACUUM",
        "VACUUM INTO '/tmp/cw-never.db'",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT x",
        "SELECT password_hash FROM users",
        "SELECT * FROM users",
        "SELECT 1 FROM users WHERE password_hash LIKE 'a%'",
    };
    static const char *const of_sqlite[] = { "SELECT load_extension('/tmp/x.so')" };
    static const char *const of_postgresql[] = {
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_stats",
        "SELECT * FROM information_schema.tables",
        "SELECT pg_catalog.pg_sleep(1)",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT query_to_xml('SELECT 1', true, true, '')",
        "SELECT * FROM public.users",
        "SELECT * FROM U&\"\\0070g_stats\"",
        "SELECT u FROM users u",
        "SELECT row_to_json(u) FROM users AS u",
        "SELECT b FROM users AS u (a, b)",
        "SELECT x.b FROM (SELECT * FROM users) AS x (a, b)",
        "WITH x AS (SELECT * FROM users) SELECT count(*) FROM x WHERE x.\"password_hash\" > ''",
        "WITH x AS (SELECT * FROM users) SELECT * FROM x",
        "WITH RECURSIVE x (a, b, c, d) AS (SELECT * FROM users UNION ALL SELECT * FROM x) SELECT b FROM x",
        "SELECT 1 /* ; */; -- \n DELETE FROM tables",
        "SELECT 1 AS x INTO y",
        "SELECT * FROM tables FOR UPDATE",
        "/* SELECT */ DELETE FROM tables",
        "COPY tables TO STDOUT",
        "EXPLAIN ANALYZE DELETE FROM tables",
        "TABLE users",
        "DO $$ BEGIN END $$",
        "SELECT lo_create(1)",
        "SELECT nextval('messages_id_seq')",
    };
    struct cw_txn *txn = begin(*state);
    assert_true(cw_txn_put_table_row(txn, cw_slice("a"), cw_slice("b"), cw_slice("c"), cw_slice("d")));
    assert_true(cw_txn_put_user(txn, cw_slice("ada"), cw_slice("$argon2id$1"), cw_slice("admin")));
    commit(txn);
    all_are_refused(*state, writing, sizeof writing / sizeof *writing);
    if (pg_server_is_wanted())
        all_are_refused(*state, of_postgresql, sizeof of_postgresql / sizeof *of_postgresql);
    else
        all_are_refused(*state, of_sqlite, sizeof of_sqlite / sizeof *of_sqlite);
    assert_string_equal(ask(*state, "SELECT key, value FROM tables"), "c|d");
    assert_string_equal(ask(*state, "SELECT name, user_groups FROM users"), "ada|admin");
}

static void what_is_no_sql_or_more_than_one_statement_is_refused(void **state)
{
    struct cw_error err;
    assert_int_equal(ask_refused(*state, "SELEC 1", &err), CW_USAGE);
    assert_non_null(strstr(err.text, "SELEC"));
    assert_int_equal(ask_refused(*state, "SELECT x FROM orders", &err), CW_USAGE);
    assert_int_equal(ask_refused(*state, "", &err), CW_USAGE);
    assert_int_equal(ask_refused(*state, "SELECT 1; DELETE FROM tables", &err), CW_REFUSED);
    assert_string_equal(ask(*state, "SELECT 1; \n"), "1");
}

/* A clock of which every look costs a second. */
static int64_t hurried(void *arg)
{
    struct test_clock *time = arg;
    return time->elapsed_ns += 1000000000;
}

static void a_query_without_end_is_stopped(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    bed->clock.elapsed_ns = hurried;
    if (pg_server_is_wanted())
        cw_pg_of(bed->store)->link->query_time = CW_SECOND / 4;
    assert_int_equal(ask_refused(bed,
                                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                 "SELECT count(*) FROM n",
                                 &err),
                     CW_TIMEOUT);
    assert_string_equal(ask(bed, "SELECT 1"), "1");
}

static void a_query_that_builds_too_much_is_stopped(void **state)
{
    struct cw_error err;
    const char *sql =
        pg_server_is_wanted() ? "SELECT repeat('x', 2000000000)" : "SELECT zeroblob(1000000000)";
    assert_int_equal(ask_refused(*state, sql, &err), CW_LIMIT);
}

static bool stop_at_two(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    int *rows = arg;
    assert_int_equal(columns, 1);
    assert_slice(names[0], "number");
    assert_true(row[0].len > 0);
    return ++*rows < 2;
}

static void no_error(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void a_query_stops_when_told_and_names_its_columns(void **state)
{
    struct store_bed *bed = *state;
    int rows = 0;
    cw_store_query(bed->store, "SELECT 1 AS number UNION ALL SELECT 2 UNION ALL SELECT 3", NULL, 0,
                   stop_at_two, no_error, &rows);
    assert_int_equal(rows, 2);
}

static bool check_name(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    int *rows = arg;
    assert_int_equal(columns, 1);
    assert_true(cw_slice_is(names[0], "number_of_items")); /* where the sanitizers see it being read */
    assert_slice(row[0], "0");
    ++*rows;
    return true;
}

/* One index of the items is of those of the office alone: SQLite plans once more when it knows the value. */
static void names_of_columns_outlive_another_plan(void **state)
{
    struct store_bed *bed = *state;
    struct cw_slice cart = cw_slice("tea");
    int rows = 0;
    cw_store_query(bed->store, "SELECT count(*) AS number_of_items FROM items WHERE cart = $1", &cart, 1,
                   check_name, no_error, &rows);
    assert_int_equal(rows, 1);
}

static bool ask_inside(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    (void)columns, (void)names, (void)row;
    assert_string_equal(ask(arg, "SELECT count(*) FROM orders"), "0");
    return true;
}

static void a_query_may_be_asked_inside_another(void **state)
{
    struct store_bed *bed = *state;
    cw_store_query(bed->store, "SELECT 1 UNION ALL SELECT 2", NULL, 0, ask_inside, no_error, bed);
}

static void a_query_sees_what_the_open_transaction_has_written_and_leaves_it_alone(void **state)
{
    struct cw_error err;
    struct cw_txn *txn = begin(*state);
    assert_true(cw_txn_put_table_row(txn, cw_slice("a"), cw_slice("b"), cw_slice("c"), cw_slice("d")));
    assert_string_equal(ask(*state, "SELECT key FROM tables"), "c");
    assert_int_equal(ask_refused(*state, "SELECT x FROM tables", &err), CW_USAGE);
    assert_int_equal(ask_refused(*state, "SELECT CAST(key AS INTEGER) / 0 FROM missing", &err), CW_USAGE);
    assert_int_equal(ask_refused(*state, "DELETE FROM tables", &err), CW_REFUSED);
    assert_null(cw_txn_error(txn));
    assert_true(cw_txn_put_table_row(txn, cw_slice("a"), cw_slice("b"), cw_slice("e"), cw_slice("f")));
    commit(txn);
    assert_string_equal(ask(*state, "SELECT key FROM tables ORDER BY key"), "c\ne");
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(values_come_as_text_and_null_as_null),
        STORE_TEST(bytes_come_as_they_are_and_truth_as_a_number),
        STORE_TEST(parameters_are_found_by_their_numbers),
        STORE_TEST(a_parameter_without_a_value_is_refused),
        STORE_TEST(whatever_writes_is_refused_and_changes_nothing),
        STORE_TEST(what_is_no_sql_or_more_than_one_statement_is_refused),
        STORE_TEST(a_query_without_end_is_stopped),
        STORE_TEST(a_query_that_builds_too_much_is_stopped),
        STORE_TEST(a_query_stops_when_told_and_names_its_columns),
        STORE_TEST(names_of_columns_outlive_another_plan),
        STORE_TEST(a_query_may_be_asked_inside_another),
        STORE_TEST(a_query_sees_what_the_open_transaction_has_written_and_leaves_it_alone),
    };
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* so that the sanitizers see what SQLite has freed */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
