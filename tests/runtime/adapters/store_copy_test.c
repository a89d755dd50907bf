/* Moving a whole store into another one and back: between two of SQLite, or, with CW_TEST_STORE=postgresql,
 * from PostgreSQL to SQLite and back. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/store_copy.h"
#include "store_bed.h"

enum { RECORDS = 700 }; /* more than are on their way at one time */

/* An empty store of SQLite, whatever the others are. */
static struct store_bed sqlite_bed(void)
{
    struct store_bed bed = { .time = { .now = 1711852200 * CW_SECOND } };
    snprintf(bed.folder, sizeof bed.folder, "/tmp/cw-copy-XXXXXX");
    assert_non_null(mkdtemp(bed.folder));
    snprintf(bed.path, sizeof bed.path, "%s/copy.db", bed.folder);
    return bed;
}

static void open_bed(struct store_bed *bed)
{
    bed->clock = test_clock(&bed->time);
    store_bed_open(bed);
}

static bool copy_all(struct cw_store *from, struct cw_store *to, struct cw_copied *tables, size_t *count,
                     struct cw_error *err)
{
    const struct cw_copy copy = { .from = from, .to = to };
    return cw_store_copy(&copy, tables, count, err);
}

/* --- a store with something in every table --- */

static const char by_hand[] =
    "INSERT INTO order_discounts (order_id, position, code, amount) SELECT id, 1, 'TEN', '-1.00' FROM orders;"
    "INSERT INTO order_payments (order_id, position, amount) SELECT id, 1, '63.01' FROM orders;"
    "INSERT INTO order_fees (order_id, position, name) SELECT id, 1, 'wrapping' FROM orders;"
    "INSERT INTO order_taxes (order_id, position, name) SELECT id, 1, 'VAT' FROM orders;"
    "INSERT INTO customers (cart, external_id, first_run, last_run, first_stored_at, last_stored_at) "
    "VALUES ('shop', 'C1', 1, 1, 'x', 'x');"
    "INSERT INTO customer_addresses (customer_id, position, city) SELECT id, 1, 'Köln' FROM customers;"
    "INSERT INTO items (cart, external_id, first_run, last_run, first_stored_at, last_stored_at) "
    "VALUES ('shop', 'I1', 1, 1, 'x', 'x');"
    "INSERT INTO item_variants (item_id, position, sku) SELECT id, 1, 'I1-M' FROM items;"
    "INSERT INTO item_components (item_id, position, sku) SELECT id, 1, 'I2' FROM items;"
    "INSERT INTO stock_levels (cart, external_id, first_run, last_run, first_stored_at, last_stored_at) "
    "VALUES ('shop', 'S1', 1, 1, 'x', 'x');"
    "INSERT INTO shipments (cart, external_id, first_run, last_run, first_stored_at, last_stored_at) "
    "VALUES ('shop', 'H1', 1, 1, 'x', 'x');"
    "INSERT INTO shipment_lines (shipment_id, position, sku) SELECT id, 1, 'I1-M' FROM shipments;"
    "INSERT INTO purchase_orders (cart, external_id, first_run, last_run, first_stored_at, last_stored_at) "
    "VALUES ('', 'PO1', 1, 1, 'x', 'x');"
    "INSERT INTO invoices (cart, external_id, first_run, last_run, first_stored_at, last_stored_at) "
    "VALUES ('', 'IN1', 1, 1, 'x', 'x');"
    "INSERT INTO prices (cart, external_id, first_run, last_run, first_stored_at, last_stored_at) "
    "VALUES ('', 'P1', 1, 1, 'x', 'x');"
    "INSERT INTO vendor_levels (cart, external_id, first_run, last_run, first_stored_at, last_stored_at) "
    "VALUES ('', 'V1', 1, 1, 'x', 'x');"
    "INSERT INTO purchase_order_lines (purchase_order_id, position, sku) SELECT id, 1, 'I1-M' FROM "
    "purchase_orders;"
    "INSERT INTO invoice_lines (invoice_id, position, sku) SELECT id, 1, 'I1-M' FROM invoices;"
    "INSERT INTO demands VALUES ('shop', '1', 1, 'I1-M', '', 'pending', '2');"
    "INSERT INTO stock_marks VALUES ('I1-M'), ('I1-M'), ('I2');"
    "INSERT INTO links VALUES ('shop', 'item', 'I1', '4711', 'x');"
    "INSERT INTO document_edits VALUES ('shop', 'order', '1', 'note', NULL, '', 0, 'ada', 'why', 'x');"
    "INSERT INTO releases VALUES ('shop', 'orders in', '1', 'totals', '', 'off by 1', 'ada', 'why', 'x');"
    "INSERT INTO cursors VALUES ('shop', 'orders in', 'x', NULL, NULL, '', 'x');"
    "INSERT INTO run_notes (run_id, level, message, cart, stream, external_id, noted_at) "
    "SELECT id, 'warning', 'odd', 'shop', 'orders in', '1', 'x' FROM runs;"
    "INSERT INTO leases VALUES ('shop', 'gone/1', 7, '2000-01-01T00:00:00.000000Z');"
    "INSERT INTO jobs VALUES ('shop', 'orders', 'every 5m', 'x', 'x', NULL, NULL, NULL, NULL, 0, 0, '');"
    "INSERT INTO controls VALUES ('shop', '', 'running', '', 'ada', 'x', 0);"
    "INSERT INTO messages (cart, stream, external_id, state, attempts, created_at, changed_at, error, "
    "payload) VALUES ('shop', 'stock', '1', 'queued', 0, 'x', 'x', '', '{}');"
    "INSERT INTO message_levels VALUES ('shop', 'stock', '1', '{}', '{}', 'x', 0, 1);"
    "INSERT INTO message_calls VALUES ('shop', 'stock', 7);"
    "INSERT INTO tables VALUES ('shop', 'status', 'paid', 'paid', 'x');"
    "INSERT INTO state VALUES ('shop', 'token', 'x', 'abc');"
    "INSERT INTO users VALUES ('ada', 'hash', 'admin', 'x');"
    "INSERT INTO audit (happened_at, who, action, object, value_before, value_after, reason) "
    "VALUES ('x', 'ada', 'table set', 'shop status paid', '', 'paid', '');";

static void ignore_new(void *arg, bool is_new, const struct cw_error *err)
{
    (void)arg, (void)is_new;
    assert_null(err);
}

/* Every byte there is, in a record and in its part. */
static void put_bytes(struct cw_txn *txn, int number)
{
    char bytes[256], id[16];
    snprintf(id, sizeof id, "%d", number);
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)(i + number);
    const struct cw_raw_part part = { cw_slice("p"), cw_slice("xml"), cw_slice("UTF-8"), { bytes, 256 } };
    struct cw_raw raw = raw_of(id, "");
    raw.bytes = (struct cw_slice){ bytes, 256 };
    raw.parts = &part;
    raw.part_count = 1;
    assert_true(cw_txn_put_raw(txn, &raw));
}

static void put_waiting(struct cw_txn *txn, cw_time at)
{
    struct cw_issue issue = { cw_slice("totals"), cw_slice("\xC3\xA9\"\\"), cw_slice("total"), cw_slice(""),
                              cw_slice("off") };
    struct cw_staged staged = {
        key_of("2"), &cw_kind_order, CW_STAGED_HELD, cw_slice("{}"), &issue, 1, at, 1
    };
    assert_true(cw_txn_put_staged(txn, &staged));
}

static void fill(struct store_bed *bed)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    start_run(bed);
    struct cw_txn *txn = begin(bed);
    for (int i = 1; i <= RECORDS; i++)
        put_bytes(txn, i);
    put_bytes(txn, 3);
    put_waiting(txn, bed->time.now);
    assert_true(cw_txn_put_document(txn, cw_slice("shop"), order_of(&arena, "1", 3), bed->time.now, 1));
    const struct cw_webhook hook = { cw_slice("shop"), cw_slice("d1"), cw_slice("order"),
                                     bed->time.now,    cw_slice(""),   { "\0\xFF", 2 } };
    cw_txn_put_webhook(txn, &hook, ignore_new, NULL);
    cw_store_wait(bed->store);
    commit(txn);
    store_bed_execute(bed, by_hand);
    cw_arena_fini(&arena);
}

static int setup(void **state)
{
    int result = store_bed_setup(state);
    fill(*state);
    return result;
}

/* --- copies --- */

static void assert_same(const struct cw_copied *a, const struct cw_copied *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(a[i].table, b[i].table);
        assert_int_equal(a[i].rows, b[i].rows);
        assert_memory_equal(a[i].content.bytes, b[i].content.bytes, CW_HASH_BYTES);
    }
}

static void every_table_arrives_as_it_was_there_and_back(void **state)
{
    struct store_bed *from = *state, to = sqlite_bed(), back;
    struct cw_copied there[CW_COPY_TABLES_MAX], again[CW_COPY_TABLES_MAX];
    struct cw_error err;
    size_t count, count_back;
    open_bed(&to);
    bool ok = copy_all(from->store, to.store, there, &count, &err);
    assert_ok(ok, err);
    for (size_t i = 0; i < count; i++)
        assert_true(there[i].rows > 0); /* else this test would not know what became of the table */
    assert_int_equal(there[0].rows, RECORDS + 1);
    assert_string_equal(ask(&to, "SELECT city FROM customer_addresses"), "Köln");
    assert_string_equal(ask(&to, "SELECT value, cart_value FROM document_edits"), "NULL|");

    store_bed_init(&back);
    store_bed_open(&back);
    ok = copy_all(to.store, back.store, again, &count_back, &err);
    assert_ok(ok, err);
    assert_int_equal(count_back, count);
    assert_same(there, again, count);
    store_bed_fini(&back);
    store_bed_fini(&to);
}

static void all_tables_of_the_schema_are_copied(void **state)
{
    struct store_bed *from = *state, to = sqlite_bed();
    struct cw_copied tables[CW_COPY_TABLES_MAX];
    char expected[16];
    struct cw_error err;
    size_t count;
    open_bed(&to);
    bool ok = copy_all(from->store, to.store, tables, &count, &err);
    assert_ok(ok, err);
    snprintf(expected, sizeof expected, "%zu", count);
    assert_string_equal(
        ask(&to, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"),
        expected);
    store_bed_fini(&to);
}

static void the_site_is_the_same_in_both_stores(void **state)
{
    struct store_bed *from = *state, to = sqlite_bed();
    struct cw_copied tables[CW_COPY_TABLES_MAX];
    struct cw_error err;
    size_t count;
    open_bed(&to);
    assert_string_not_equal(cw_store_id(to.store), cw_store_id(from->store));
    bool ok = copy_all(from->store, to.store, tables, &count, &err);
    assert_ok(ok, err);
    store_bed_close(&to);
    store_bed_open(&to);
    assert_string_equal(cw_store_id(to.store), cw_store_id(from->store));
    store_bed_fini(&to);
}

static void put_of_office(struct store_bed *bed, const struct cw_kind *kind, struct cw_arena *arena)
{
    struct cw_document *doc = cw_document_create(arena, kind);
    struct cw_txn *txn = begin(bed);
    doc->external_id = cw_slice("new");
    assert_true(cw_txn_put_document(txn, cw_slice(""), doc, bed->time.now, 1));
    commit(txn);
}

/* Into a new store of the kind that the test runs on: its numbers are given by other means than SQLite's. */
static void what_comes_after_a_copy_gets_numbers_of_its_own(void **state)
{
    struct store_bed *from = *state, to;
    struct cw_copied tables[CW_COPY_TABLES_MAX];
    struct cw_arena arena;
    struct cw_error err;
    size_t count;
    cw_arena_init(&arena, 0);
    store_bed_init(&to);
    store_bed_open(&to);
    bool ok = copy_all(from->store, to.store, tables, &count, &err);
    assert_ok(ok, err);
    int64_t run = start_run(&to);
    struct cw_txn *txn = begin(&to);
    put_bytes(txn, 3);
    put_bytes(txn, 9999);
    assert_true(cw_txn_put_document(txn, cw_slice("shop"), order_of(&arena, "2", 1), to.time.now, run));
    commit(txn);
    assert_string_equal(ask(&to, "SELECT id FROM orders ORDER BY id"), "1\n2");
    assert_string_equal(ask(&to, "SELECT id FROM runs ORDER BY id"), "1\n2");
    static const struct cw_kind *const offices[] = { &cw_kind_purchase_order, &cw_kind_invoice,
                                                     &cw_kind_price, &cw_kind_vendor_level };
    for (size_t i = 0; i < sizeof offices / sizeof *offices; i++) {
        char sql[64];
        put_of_office(&to, offices[i], &arena);
        snprintf(sql, sizeof sql, "SELECT id FROM %s ORDER BY id", offices[i]->plural);
        assert_string_equal(ask(&to, sql), "1\n2");
    }
    assert_string_equal(ask(&to, "SELECT max(version) FROM raw_records"), "3");
    assert_string_equal(ask(&to, "SELECT count(*), max(id) FROM raw_records"), "703|703");
    store_bed_fini(&to);
    cw_arena_fini(&arena);
}

/* --- refusals --- */

static void a_target_that_is_in_use_is_refused_and_stays_as_it_is(void **state)
{
    struct store_bed *from = *state, to = sqlite_bed();
    struct cw_copied tables[CW_COPY_TABLES_MAX];
    struct cw_error err;
    size_t count;
    open_bed(&to);
    store_bed_execute(&to, "INSERT INTO tables VALUES ('shop', 'status', 'new', 'pending', 'x')");
    assert_false(copy_all(from->store, to.store, tables, &count, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "tables"));
    assert_string_equal(ask(&to, "SELECT count(*) FROM raw_records"), "0");
    commit(begin(&to)); /* both are free again */
    commit(begin(from));
    store_bed_fini(&to);
}

static void a_source_that_a_worker_works_in_is_refused_and_the_worker_named(void **state)
{
    struct store_bed *from = *state, to = sqlite_bed();
    struct cw_copied tables[CW_COPY_TABLES_MAX];
    struct cw_error err;
    size_t count;
    open_bed(&to);
    int64_t token = take_lease(from, "tea", "host/4711", 0, 60 * CW_SECOND, &err);
    assert_true(token > 0);
    assert_false(copy_all(from->store, to.store, tables, &count, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "tea by host/4711"));
    assert_string_equal(ask(&to, "SELECT count(*) FROM raw_records"), "0");
    cw_store_drop_lease(from->store, cw_slice("tea"), token, answer_done, &(struct answer){ 0 });
    bool ok = copy_all(from->store, to.store, tables, &count, &err);
    assert_ok(ok, err);
    store_bed_fini(&to);
}

/* --- killed on the way --- */

static void die(void *arg, const char *table, uint64_t rows, uint64_t total)
{
    (void)rows, (void)total;
    if (strcmp(table, arg) == 0)
        kill(getpid(), SIGKILL);
}

static void copy_and_die(const struct store_bed *from, const char *to_path, const char *table)
{
    struct cw_copied tables[CW_COPY_TABLES_MAX];
    size_t count;
    const struct cw_store_config source = { .uri = from->path, .clock = &from->clock };
    const struct cw_store_config target = { .uri = to_path, .create = true, .clock = &from->clock };
    const struct cw_copy copy = { cw_store_open(&source, NULL, NULL), cw_store_open(&target, NULL, NULL), die,
                                  (void *)table };
    if (copy.from != NULL && copy.to != NULL)
        cw_store_copy(&copy, tables, &count, NULL);
    _exit(0);
}

static void a_copy_that_was_killed_leaves_the_target_empty_and_can_be_made_again(void **state)
{
    static const char *const places[] = { "raw_records", "order_lines", "meta" };
    struct store_bed *from = *state;
    struct cw_copied tables[CW_COPY_TABLES_MAX];
    struct cw_error err;
    size_t count;
    int status;
    store_bed_close(from);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct store_bed to;
        store_bed_init(&to);
        pid_t child = fork();
        if (child == 0)
            copy_and_die(from, to.path, places[i]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        store_bed_open(&to);
        assert_string_equal(ask(&to, "SELECT count(*) FROM raw_records"), "0");
        store_bed_open(from);
        bool ok = copy_all(from->store, to.store, tables, &count, &err);
        assert_ok(ok, err);
        store_bed_close(from);
        store_bed_fini(&to);
    }
}

#define COPY_TEST(test) cmocka_unit_test_setup_teardown(test, setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COPY_TEST(every_table_arrives_as_it_was_there_and_back),
        COPY_TEST(all_tables_of_the_schema_are_copied),
        COPY_TEST(the_site_is_the_same_in_both_stores),
        COPY_TEST(what_comes_after_a_copy_gets_numbers_of_its_own),
        COPY_TEST(a_target_that_is_in_use_is_refused_and_stays_as_it_is),
        COPY_TEST(a_source_that_a_worker_works_in_is_refused_and_the_worker_named),
        COPY_TEST(a_copy_that_was_killed_leaves_the_target_empty_and_can_be_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
