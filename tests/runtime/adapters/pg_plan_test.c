/* What PostgreSQL reads for the store's own look-ups: few rows, out of indexes, however large the tables are,
 * and also by statements that were planned while they were empty. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

enum { MANY = 1500, PAGE = 500 };

/* --- a large store --- */

static struct cw_message message_of(const char *key, const char *event, const char *payload)
{
    return (struct cw_message){ .key = { cw_slice("shop"), cw_slice("stock_out"), cw_slice(key) },
                                .event = cw_slice(event),
                                .payload = cw_slice(payload),
                                .due_at = CW_TIME_NONE };
}

static void put_many(struct store_bed *bed, int from, int to)
{
    struct cw_txn *txn = begin(bed);
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    for (int i = from; i < to; i++) {
        char id[16], text[32];
        snprintf(id, sizeof id, "%d", i);
        snprintf(text, sizeof text, "Value-%d", i);
        struct cw_raw raw = raw_of(id, text);
        raw.outcome = CW_PARKED;
        struct cw_issue issue = { cw_slice("unknown"), cw_slice(text), cw_slice("f"), cw_slice(""),
                                  cw_slice("m") };
        struct cw_staged staged = {
            raw.key, &cw_kind_order, CW_STAGED_PARKED, cw_slice("{}"), &issue, 1, bed->time.now, 1
        };
        struct cw_document *customer = cw_document_create(&arena, &cw_kind_customer);
        struct cw_document *item = cw_document_create(&arena, &cw_kind_item);
        customer->external_id = item->external_id = cw_slice(id);
        static const char *const fields[] = { "number", "email", "phone", "vat_number", "company" };
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
            set_text(customer, fields[f], text);
        set_text(item, "sku", text);
        set_text(item, "barcode", text);
        set_text(item, "vendor_sku", text);
        struct cw_document *variant = add_to(&arena, item, "variants");
        set_text(variant, "external_id", text);
        set_text(variant, "sku", text);
        set_text(variant, "barcode", text);
        const struct cw_slice shop = cw_slice("shop");
        assert_true(cw_txn_put_raw(txn, &raw) && cw_txn_put_staged(txn, &staged));
        const struct cw_message level = message_of(id, "", text), event = message_of(id, id, text);
        assert_true(cw_txn_put_message(txn, &level) && cw_txn_put_message(txn, &event));
        assert_true(cw_txn_put_document(txn, shop, order_of(&arena, id, 2), bed->time.now, 1));
        assert_true(cw_txn_put_document(txn, shop, customer, bed->time.now, 1));
        assert_true(cw_txn_put_document(txn, shop, item, bed->time.now, 1));
        cw_arena_reset(&arena);
    }
    commit(txn);
    cw_arena_fini(&arena);
}

/* --- what is looked up --- */

static void take_known(void *arg, const struct cw_raw_known *known, size_t count, const struct cw_error *err)
{
    (void)arg;
    assert_ok(err == NULL, *err);
    for (size_t i = 0; i < count; i++)
        assert_true(known[i].exists);
}

static void take_answers(void *arg, const struct cw_answers *answers, size_t count,
                         const struct cw_error *err)
{
    (void)arg;
    assert_ok(err == NULL, *err);
    for (size_t i = 0; i < count; i++)
        assert_true(answers[i].count >= 1);
}

static void ask_by_every_field(struct cw_txn *txn, struct cw_arena *arena)
{
    static const struct {
        const struct cw_kind *kind;
        const char *field, *value;
    } asked[] = {
        { &cw_kind_customer, "external_id", "7" },   { &cw_kind_customer, "number", "value-7" },
        { &cw_kind_customer, "email", "Value-7" },   { &cw_kind_customer, "phone", "Value-7" },
        { &cw_kind_customer, "company", "VALUE-7" }, { &cw_kind_customer, "vat_number", "Value-7" },
        { &cw_kind_item, "external_id", "7" },       { &cw_kind_item, "external_id", "Value-7" },
        { &cw_kind_item, "sku", "Value-7" },         { &cw_kind_item, "barcode", "value-7" },
        { &cw_kind_item, "vendor_sku", "Value-7" },  { &cw_kind_order, "number", "7" },
    };
    enum { COUNT = sizeof asked / sizeof *asked };
    struct cw_question questions[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        questions[i] = (struct cw_question){ asked[i].kind, cw_slice("shop"), asked[i].field,
                                             cw_slice(asked[i].value), true };
    cw_txn_ask(txn, questions, COUNT, arena, take_answers, NULL);
}

static bool stop_after_ten(void *arg, const struct cw_raw *raw, int64_t version)
{
    (void)raw, (void)version;
    return ++*(int *)arg < 10;
}

static void no_error(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_ok(err == NULL, *err);
}

static void read_pages(struct cw_store *store)
{
    static const struct cw_raw_filter filters[] = {
        { .key = { { "shop", 4 }, { "orders in", 9 }, { "", 0 } } },
        { .key = { { "shop", 4 }, { "orders in", 9 }, { "7", 1 } } },
        { .key = { { "shop", 4 }, { "", 0 }, { "", 0 } } },
        { .only_parked = true },
        { .code = { "unknown", 7 } },
        { .code = { "unknown", 7 }, .subject = { "Value-7", 7 } },
    };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        int rows = 0;
        cw_store_read_raw(store, &filters[i], stop_after_ten, no_error, &rows);
        cw_store_wait(store);
        assert_true(rows >= 1);
    }
}

static void take_claimed(void *arg, const struct cw_message *messages, size_t count, cw_time next_at,
                         const struct cw_error *err)
{
    (void)next_at;
    assert_ok(err == NULL, *err);
    assert_int_equal(count, 10);
    *(int64_t *)arg = messages[0].id;
}

static void tell_something(struct store_bed *bed, struct cw_txn *txn)
{
    const struct cw_slice shop = cw_slice("shop"), stock = cw_slice("stock_out");
    const struct cw_message level = message_of("11", "", "news"), event = message_of("11", "11", "again");
    const struct cw_outbox_limits limits = { 5, 10 };
    struct cw_settlement settlement = { .was = CW_MESSAGE_SENDING,
                                        .state = CW_MESSAGE_UNKNOWN,
                                        .due_at = CW_TIME_NONE };
    assert_true(cw_txn_put_message(txn, &level) && cw_txn_put_message(txn, &event));
    assert_true(cw_txn_wake_sender(txn, shop, stock, bed->time.now));
    cw_txn_claim_messages(txn, shop, stock, bed->time.now, &limits, take_claimed, &settlement.id);
    assert_true(cw_txn_settle_message(txn, &settlement));
    settlement.was = CW_MESSAGE_UNKNOWN;
    settlement.state = CW_MESSAGE_FAILED;
    assert_true(cw_txn_settle_message(txn, &settlement));
    settlement.was = CW_MESSAGE_FAILED;
    settlement.state = CW_MESSAGE_SENT;
    assert_true(cw_txn_settle_message(txn, &settlement));
    assert_true(cw_txn_orphan_messages(txn, shop, stock, 0));
    assert_true(cw_txn_forget_levels(txn, shop, stock, cw_slice("12")));
    const struct cw_record_key key = { shop, stock, cw_slice("11") };
    assert_true(cw_txn_take_back(txn, &key, cw_slice(""), cw_slice("why")));
    assert_true(cw_txn_take_back(txn, &key, cw_slice("11"), cw_slice("why")));
}

static void look_up_everything(struct store_bed *bed)
{
    struct cw_arena arena;
    struct got_documents got = { .count = 99 };
    const struct cw_record_key keys[] = { key_of("7"), key_of("11") };
    cw_arena_init(&arena, 0);
    struct cw_txn *txn = begin(bed);
    cw_txn_find_raw(txn, keys, 2, take_known, NULL);
    cw_txn_get_documents(txn, &cw_kind_order, keys, 2, &arena, take_stored, &got);
    ask_by_every_field(txn, &arena);
    assert_ok(!got.failed, got.err);
    assert_true(cw_txn_set_outcome(txn, keys[0], CW_PARKED, cw_slice("again"), cw_slice("abc")));
    assert_true(cw_txn_drop_staged(txn, key_of("12")));
    assert_true(cw_txn_put_document(txn, cw_slice("shop"), order_of(&arena, "7", 3), bed->time.now, 2));
    const struct cw_raw raw = raw_of("7", "new");
    assert_true(cw_txn_put_raw(txn, &raw));
    tell_something(bed, txn);
    cw_txn_rollback(txn);
    read_pages(bed->store);
    cw_arena_fini(&arena);
}

/* --- what that reads --- */

static bool take_nothing(void *arg, const char *const *names, const struct cw_bind *values, size_t count,
                         struct cw_error *err)
{
    (void)arg, (void)names, (void)values, (void)count, (void)err;
    return true;
}

static void take_removed(void *arg, uint64_t removed, const struct cw_error *err)
{
    (void)arg;
    assert_ok(err == NULL, *err);
    assert_int_equal(removed, 20);
}

/* Rows that were read without an index, by any session, since the server began. */
static long rows_scanned(struct store_bed *bed)
{
    static const char flush[] = "SELECT pg_stat_force_next_flush()";
    struct cw_error err;
    bool ok = bed->store->engine->read_rows(bed->store, flush, NULL, 0, take_nothing, NULL, &err);
    assert_ok(ok, err);
    return atol(pg_server_ask(bed->schema, "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE "
                                           "schemaname = current_schema()"));
}

static void assert_reads_by_index(struct store_bed *bed)
{
    look_up_everything(bed); /* plans may be made anew */
    long before = rows_scanned(bed);
    for (int i = 0; i < 10; i++)
        look_up_everything(bed);
    assert_in_range(rows_scanned(bed) - before, 0, 100);
}

static void a_table_that_is_read_whole_would_be_seen(void **state)
{
    static const char sql[] = "SELECT count(*) FROM orders WHERE note = 'x'";
    struct store_bed *bed = *state;
    struct cw_error err;
    put_many(bed, 0, PAGE);
    long before = rows_scanned(bed);
    bool ok = bed->store->engine->read_rows(bed->store, sql, NULL, 0, take_nothing, NULL, &err);
    assert_ok(ok, err);
    assert_in_range(rows_scanned(bed) - before, PAGE, PAGE + 100);
}

static void nothing_is_read_whole_by_plans_of_empty_tables(void **state)
{
    struct store_bed *bed = *state;
    put_many(bed, 1, 20);
    for (int i = 0; i < 10; i++) /* PostgreSQL keeps a plan after the fifth time */
        look_up_everything(bed);
    for (int i = 20; i < MANY; i += PAGE)
        put_many(bed, i, i + PAGE);
    assert_reads_by_index(bed);
}

static void nothing_is_read_whole_by_plans_that_know_the_tables(void **state)
{
    struct store_bed *bed = *state;
    for (int i = 1; i < MANY; i += PAGE)
        put_many(bed, i, i + PAGE);
    pg_server_execute(bed->schema, "ANALYZE");
    assert_reads_by_index(bed);
}

static void pruning_reads_what_it_removes(void **state)
{
    struct store_bed *bed = *state;
    const struct cw_prune prune = { .runs_until = bed->time.now,
                                    .webhooks_until = bed->time.now,
                                    .raw_until = bed->time.now + CW_SECOND,
                                    .messages_until = CW_TIME_NONE,
                                    .raw_versions = 1,
                                    .limit = 20 };
    for (int i = 1; i < MANY; i += PAGE)
        put_many(bed, i, i + PAGE);
    put_many(bed, 1, 250); /* which are superseded now */
    long before = rows_scanned(bed);
    for (int i = 0; i < 10; i++) {
        struct cw_txn *txn = begin(bed);
        cw_txn_prune(txn, &prune, take_removed, NULL);
        cw_store_wait(bed->store);
        commit(txn);
    }
    assert_in_range(rows_scanned(bed) - before, 0, 100);
}

#define PLAN_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAN_TEST(a_table_that_is_read_whole_would_be_seen),
        PLAN_TEST(nothing_is_read_whole_by_plans_of_empty_tables),
        PLAN_TEST(nothing_is_read_whole_by_plans_that_know_the_tables),
        PLAN_TEST(pruning_reads_what_it_removes),
    };
    setenv("CW_TEST_STORE", "postgresql", 1);
    pg_server_port(); /* without a server the program ends here, as skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
