/* Reading by SQL: values as text, and nothing but reading. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

static void values_come_as_text_and_null_as_null(void **state)
{
    assert_string_equal(ask(*state, "SELECT 1, 'a', NULL, '', 1.5, CAST('x' AS BLOB)"), "1|a|NULL||1.5|x");
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
        "SELECT load_extension('/tmp/x.so')",
        "SELECT password_hash FROM users",
        "SELECT * FROM users",
        "SELECT 1 FROM users WHERE password_hash LIKE 'a%'",
    };
    struct cw_error err;
    struct cw_txn *txn = begin(*state);
    assert_true(cw_txn_put_table_row(txn, cw_slice("a"), cw_slice("b"), cw_slice("c"), cw_slice("d")));
    assert_true(cw_txn_put_user(txn, cw_slice("ada"), cw_slice("$argon2id$1"), cw_slice("admin")));
    commit(txn);
    for (size_t i = 0; i < sizeof writing / sizeof *writing; i++)
        if (ask_refused(*state, writing[i], &err) != CW_REFUSED)
            fail_msg("%s: %s", writing[i], err.text);
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
    assert_int_equal(ask_refused(*state, "SELECT zeroblob(1000000000)", &err), CW_LIMIT);
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

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(values_come_as_text_and_null_as_null),
        STORE_TEST(parameters_are_found_by_their_numbers),
        STORE_TEST(a_parameter_without_a_value_is_refused),
        STORE_TEST(whatever_writes_is_refused_and_changes_nothing),
        STORE_TEST(what_is_no_sql_or_more_than_one_statement_is_refused),
        STORE_TEST(a_query_without_end_is_stopped),
        STORE_TEST(a_query_that_builds_too_much_is_stopped),
        STORE_TEST(a_query_stops_when_told_and_names_its_columns),
        STORE_TEST(a_query_may_be_asked_inside_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
