/* The tables of both engines are the same: names, columns, their order, types, and what may be NULL. That
 * those of SQLite are the kinds' is tested in store_document_test.c. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/sqlite_engine.h"
#include "store_bed.h"

static void add_line(struct cw_buffer *out, const char *line)
{
    assert_true(cw_buffer_print(out, NULL, "%s\n", line));
}

/* --- SQLite --- */

static void read_sqlite(struct cw_buffer *out)
{
    static const char sql[] =
        "SELECT m.name || '.' || p.name || ' ' || p.type || CASE WHEN p.\"notnull\" OR p.pk THEN ' NOT NULL' "
        "ELSE '' END FROM sqlite_schema m, pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT "
        "LIKE 'sqlite_%' ORDER BY m.name, p.cid";
    char folder[] = "/tmp/cw-tables-XXXXXX", path[64];
    const struct cw_store_config config = { .uri = path, .create = true };
    struct cw_error err;
    sqlite3_stmt *row;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store.db", folder);
    struct cw_store *store = cw_store_open(&config, NULL, &err);
    assert_ok(store != NULL, err);
    assert_int_equal(sqlite3_prepare_v2(cw_sqlite_of(store)->db, sql, -1, &row, NULL), SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW)
        add_line(out, (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    cw_store_close(store);
    remove(path);
    remove(folder);
}

/* --- PostgreSQL --- */

static bool take_line(void *arg, const char *const *names, const struct cw_bind *values, size_t count,
                      struct cw_error *err)
{
    char line[256];
    (void)names, (void)count, (void)err;
    snprintf(line, sizeof line, "%.*s", CW_SLICE_ARG(values[0].slice));
    add_line(arg, line);
    return true;
}

static void read_lines(struct store_bed *bed, const char *sql, struct cw_buffer *out)
{
    struct cw_error err;
    bool ok = bed->store->engine->read_rows(bed->store, sql, NULL, 0, take_line, out, &err);
    assert_ok(ok, err);
}

/* With types as SQLite calls them. The table commits is PostgreSQL's alone. */
static void read_postgresql(struct store_bed *bed, struct cw_buffer *out)
{
    static const char sql[] =
        "SELECT table_name || '.' || column_name || ' ' || CASE data_type WHEN 'text' THEN 'TEXT' "
        "WHEN 'bigint' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB' ELSE data_type END || "
        "CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name <> 'commits' "
        "ORDER BY table_name COLLATE \"C\", ordinal_position";
    read_lines(bed, sql, out);
}

static void both_engines_have_the_same_tables(void **state)
{
    struct cw_buffer sqlite = { 0 }, postgresql = { 0 };
    read_sqlite(&sqlite);
    read_postgresql(*state, &postgresql);
    assert_true(sqlite.len > 5000);
    assert_string_equal(postgresql.data, sqlite.data);
    cw_buffer_fini(&sqlite);
    cw_buffer_fini(&postgresql);
}

/* Whatever the language of the database, numbers in their sorting form and ids are in the same order. */
static void every_text_sorts_by_its_bytes(void **state)
{
    static const char sql[] =
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE "
        "table_schema = current_schema() AND data_type = 'text' AND coalesce(collation_name, "
        "'') <> 'C'";
    struct cw_buffer others = { 0 };
    read_lines(*state, sql, &others);
    assert_null(others.data);
}

static void the_audit_trail_is_only_added_to(void **state)
{
    struct store_bed *bed = *state;
    struct cw_txn *txn = begin(bed);
    const struct cw_slice text = cw_slice("x");
    assert_true(cw_txn_audit(txn, text, text, text, text, text, text, bed->time.now));
    commit(txn);
    static const char *const tries[] = { "UPDATE audit SET who = 'nobody'", "DELETE FROM audit",
                                         "TRUNCATE audit" };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        char sql[256];
        snprintf(sql, sizeof sql,
                 "DO $$ BEGIN %s; RAISE 'it went through'; EXCEPTION WHEN OTHERS THEN IF SQLERRM <> "
                 "'the audit trail is only ever added to' THEN RAISE; END IF; END $$",
                 tries[i]);
        pg_server_execute(bed->schema, sql);
    }
    assert_string_equal(ask(bed, "SELECT who FROM audit"), "x");
}

#define TABLES_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TABLES_TEST(both_engines_have_the_same_tables),
        TABLES_TEST(every_text_sorts_by_its_bytes),
        TABLES_TEST(the_audit_trail_is_only_added_to),
    };
    setenv("CW_TEST_STORE", "postgresql", 1);
    pg_server_port(); /* without a server the program ends here, as skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
