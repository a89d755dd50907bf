/* store_bed.c - see store_bed.h. */
#include "store_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/sqlite_engine.h"
#include "base/time.h"

static void make_folder(struct store_bed *bed)
{
    snprintf(bed->folder, sizeof bed->folder, "/tmp/cw-store-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    snprintf(bed->path, sizeof bed->path, "%s/store.db", bed->folder);
}

static void make_schema(struct store_bed *bed)
{
    static int count;
    snprintf(bed->schema, sizeof bed->schema, "store_%d", ++count);
    snprintf(bed->path, sizeof bed->path, "%s", pg_server_uri(bed->schema));
    pg_server_create(bed->schema);
}

void store_bed_init(struct store_bed *bed)
{
    memset(bed, 0, sizeof *bed);
    if (pg_server_is_wanted())
        make_schema(bed);
    else
        make_folder(bed);
    assert_true(cw_time_parse(cw_slice("2024-03-31T02:30:00Z"), NULL, &bed->time.now, NULL));
    bed->clock = test_clock(&bed->time);
}

struct cw_store *store_bed_try(struct store_bed *bed, struct cw_error *err)
{
    struct cw_store_config config = {
        .uri = bed->path, .create = true, .vfs = bed->vfs, .clock = &bed->clock
    };
    return cw_store_open(&config, NULL, err);
}

void store_bed_open(struct store_bed *bed)
{
    struct cw_error err;
    bed->store = store_bed_try(bed, &err);
    assert_ok(bed->store != NULL, err);
}

void store_bed_close(struct store_bed *bed)
{
    cw_store_close(bed->store);
    bed->store = NULL;
}

void store_bed_fini(struct store_bed *bed)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    char name[sizeof bed->path + 8];
    store_bed_close(bed);
    if (bed->schema[0] != '\0') {
        pg_server_drop(bed->schema);
        return;
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(name, sizeof name, "%s%s", bed->path, suffixes[i]);
        unlink(name);
    }
    rmdir(bed->folder);
}

int store_bed_setup(void **state)
{
    struct store_bed *bed = malloc(sizeof *bed);
    store_bed_init(bed);
    store_bed_open(bed);
    *state = bed;
    return 0;
}

int store_bed_teardown(void **state)
{
    store_bed_fini(*state);
    free(*state);
    return 0;
}

/* --- answers --- */

static void note(struct answer *answer, const struct cw_error *err)
{
    answer->calls++;
    answer->failed = err != NULL;
    if (err != NULL)
        answer->err = *err;
}

void answer_done(void *arg, const struct cw_error *err)
{
    note(arg, err);
}

void answer_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    note(arg, err);
    ((struct answer *)arg)->txn = txn;
}

void answer_number(void *arg, int64_t number, const struct cw_error *err)
{
    note(arg, err);
    ((struct answer *)arg)->number = number;
}

static void must_be_answered(struct store_bed *bed, const struct answer *answer)
{
    cw_store_wait(bed->store);
    assert_int_equal(answer->calls, 1);
}

struct cw_txn *begin_fenced(struct store_bed *bed, const char *lease, int64_t token)
{
    struct answer answer = { 0 };
    cw_txn_begin(bed->store, (struct cw_fence){ cw_slice(lease), token }, answer_ready, &answer);
    must_be_answered(bed, &answer);
    assert_ok(!answer.failed, answer.err);
    return answer.txn;
}

struct cw_txn *begin(struct store_bed *bed)
{
    return begin_fenced(bed, "", 0);
}

bool try_commit(struct cw_txn *txn, struct cw_error *err)
{
    struct answer answer = { 0 };
    cw_txn_commit(txn, answer_done, &answer);
    assert_int_equal(answer.calls, 1);
    *err = answer.err;
    return !answer.failed;
}

void commit(struct cw_txn *txn)
{
    struct cw_error err;
    bool ok = try_commit(txn, &err);
    assert_ok(ok, err);
}

int64_t take_lease(struct store_bed *bed, const char *name, const char *holder, int64_t token, cw_time time,
                   struct cw_error *err)
{
    struct answer answer = { 0 };
    cw_store_take_lease(bed->store, cw_slice(name), cw_slice(holder), token, time, answer_number, &answer);
    must_be_answered(bed, &answer);
    if (answer.failed)
        *err = answer.err;
    return answer.number;
}

int64_t start_run(struct store_bed *bed)
{
    struct answer answer = { 0 };
    struct cw_run run = { .cart = cw_slice("shop"),
                          .stream = cw_slice("orders in"),
                          .job = cw_slice("sync"),
                          .started_at = bed->time.now,
                          .ended_at = CW_TIME_NONE };
    cw_store_start_run(bed->store, (struct cw_fence){ 0 }, &run, answer_number, &answer);
    must_be_answered(bed, &answer);
    assert_ok(!answer.failed, answer.err);
    return answer.number;
}

/* --- queries --- */

struct asked {
    struct answer answer;
    struct cw_buffer text;
};

static bool add_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct asked *asked = arg;
    (void)names;
    if (asked->text.len > 0)
        assert_true(cw_buffer_add(&asked->text, "\n", 1, NULL));
    for (size_t i = 0; i < columns; i++) {
        if (i > 0)
            assert_true(cw_buffer_add(&asked->text, "|", 1, NULL));
        struct cw_slice value = row[i].data != NULL ? row[i] : cw_slice("NULL");
        assert_true(cw_buffer_add(&asked->text, value.data, value.len, NULL));
    }
    return true;
}

static void query_done(void *arg, const struct cw_error *err)
{
    note(&((struct asked *)arg)->answer, err);
}

static void query(struct store_bed *bed, const char *sql, const char *first, const char *second,
                  struct asked *asked)
{
    struct cw_slice params[] = { cw_slice(first), cw_slice(second) };
    size_t count = (first != NULL) + (second != NULL);
    cw_store_query(bed->store, sql, params, count, add_row, query_done, asked);
    must_be_answered(bed, &asked->answer);
}

const char *ask_with(struct store_bed *bed, const char *sql, const char *first, const char *second)
{
    static char text[8192];
    struct asked asked = { 0 };
    query(bed, sql, first, second, &asked);
    snprintf(text, sizeof text, "%.*s", CW_SLICE_ARG(cw_buffer_slice(&asked.text)));
    cw_buffer_fini(&asked.text);
    assert_ok(!asked.answer.failed, asked.answer.err);
    return text;
}

const char *ask(struct store_bed *bed, const char *sql)
{
    return ask_with(bed, sql, NULL, NULL);
}

enum cw_code ask_refused(struct store_bed *bed, const char *sql, struct cw_error *err)
{
    struct asked asked = { 0 };
    query(bed, sql, NULL, NULL, &asked);
    cw_buffer_fini(&asked.text);
    *err = asked.answer.err;
    return asked.answer.failed ? asked.answer.err.code : CW_OK;
}

void store_bed_execute(struct store_bed *bed, const char *sql)
{
    struct cw_error err;
    if (bed->schema[0] != '\0') {
        pg_server_execute(bed->schema, sql);
        return;
    }
    bool ok = cw_sqlite_execute(cw_sqlite_of(bed->store), sql, &err);
    assert_ok(ok, err);
}

void store_bed_needs_sqlite(void)
{
    if (pg_server_is_wanted())
        skip();
}

int store_bed_steps(struct store_bed *bed)
{
    struct cw_sqlite *s = cw_sqlite_of(bed->store);
    int count = 0;
    for (size_t i = 0; i < CW_SQLITE_STATEMENTS; i++)
        if (s->statements[i].stmt != NULL)
            count += sqlite3_stmt_status(s->statements[i].stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    return count;
}

/* --- documents read back --- */

void take_stored(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    struct got_documents *got = arg;
    assert_true(count <= 4);
    got->failed = err != NULL;
    got->count = count;
    if (err != NULL)
        got->err = *err;
    else
        memcpy(got->stored, stored, count * sizeof *stored);
}

struct got_documents read_keys(struct store_bed *bed, const struct cw_kind *kind,
                               const struct cw_record_key *keys, size_t count, struct cw_arena *arena)
{
    struct got_documents got = { .count = 99 };
    struct cw_txn *txn = begin(bed);
    cw_txn_get_documents(txn, kind, keys, count, arena, take_stored, &got);
    assert_int_equal(cw_txn_error(txn) != NULL, got.failed);
    cw_txn_rollback(txn);
    return got;
}

struct cw_stored read_one(struct store_bed *bed, const struct cw_kind *kind, const char *id,
                          struct cw_arena *arena)
{
    struct cw_record_key key = key_of(id);
    struct got_documents got = read_keys(bed, kind, &key, 1, arena);
    assert_ok(!got.failed, got.err);
    assert_int_equal(got.count, 1);
    return got.stored[0];
}

/* --- records --- */

struct cw_record_key key_of(const char *id)
{
    return (struct cw_record_key){ cw_slice("shop"), cw_slice("orders in"), cw_slice(id) };
}

struct cw_raw raw_of(const char *id, const char *bytes)
{
    struct cw_raw raw = { .key = key_of(id),
                          .format = cw_slice("xml"),
                          .encoding = cw_slice("UTF-8"),
                          .bytes = cw_slice(bytes),
                          .hash = cw_hash_of(cw_slice(bytes)),
                          .run = 1,
                          .reason = cw_slice(""),
                          .script_version = cw_slice("abc") };
    assert_true(cw_time_parse(cw_slice("2024-03-31T02:30:00.5Z"), NULL, &raw.received_at, NULL));
    return raw;
}

struct cw_decimal money(const char *text)
{
    struct cw_decimal value;
    assert_true(cw_decimal_parse(cw_slice(text), &value, NULL));
    return value;
}

struct cw_value *set(struct cw_document *doc, const char *field)
{
    int i = cw_kind_field(doc->kind, cw_slice(field));
    assert_true(i >= 0);
    doc->values[i].is_set = true;
    return &doc->values[i];
}

void set_text(struct cw_document *doc, const char *field, const char *text)
{
    set(doc, field)->text = cw_slice(text);
}

void set_money(struct cw_document *doc, const char *field, const char *text)
{
    set(doc, field)->decimal = money(text);
}

struct cw_document *add_to(struct cw_arena *arena, struct cw_document *doc, const char *list)
{
    struct cw_value *value = set(doc, list);
    struct cw_document *row = cw_document_create(arena, doc->kind->fields[value - doc->values].kind);
    assert_non_null(row);
    if (value->list.first == NULL)
        value->list.first = row;
    else
        value->list.last->next = row;
    value->list.last = row;
    value->list.count++;
    return row;
}

struct cw_document *order_of(struct cw_arena *arena, const char *id, int line_count)
{
    static const char *const skus[] = { "SKU-1", "SKU-2", "SKU-3", "SKU-4", "SKU-5" };
    struct cw_document *order = cw_document_create(arena, &cw_kind_order);
    assert_non_null(order);
    order->external_id = cw_slice(id);
    set_text(order, "number", id);
    set_text(order, "currency", "EUR");
    set_money(order, "total", "63.010000");
    for (int i = 0; i < line_count; i++) {
        struct cw_document *line = add_to(arena, order, "lines");
        set_text(line, "sku", skus[i % 5]);
        set_money(line, "quantity", "2");
        set_money(line, "total", "21");
    }
    return order;
}
