/* Documents read back from the store: value by value as they were put. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

static void put(struct store_bed *bed, const struct cw_document *doc)
{
    struct cw_txn *txn = begin(bed);
    bool ok = cw_txn_put_document(txn, cw_slice("shop"), doc, bed->time.now, 1);
    assert_ok(ok, *cw_txn_error(txn));
    commit(txn);
}

/* --- comparing --- */

static void assert_same(const struct cw_document *a, const struct cw_document *b);

static void assert_same_text(struct cw_slice a, struct cw_slice b, const char *field)
{
    if (!cw_slice_equal(a, b))
        fail_msg("%s: \"%.*s\" came back as \"%.*s\"", field, CW_SLICE_ARG(a), CW_SLICE_ARG(b));
}

static void assert_same_value(enum cw_type type, const struct cw_value *a, const struct cw_value *b,
                              const char *field)
{
    if (a->is_set != b->is_set)
        fail_msg("%s is %s", field, b->is_set ? "set" : "unset");
    if (!a->is_set)
        return;
    switch (type) {
    case CW_TEXT:
        assert_same_text(a->text, b->text, field);
        return;
    case CW_DECIMAL:
    case CW_MONEY:
        assert_int_equal(cw_decimal_compare(&a->decimal, &b->decimal), 0);
        return;
    case CW_INTEGER:
        assert_int_equal(a->integer, b->integer);
        return;
    case CW_BOOLEAN:
        assert_int_equal(a->boolean, b->boolean);
        return;
    case CW_TIME:
        assert_int_equal(a->time, b->time);
        return;
    case CW_RECORD:
        assert_same(a->record, b->record);
        return;
    case CW_LIST:
        assert_int_equal(a->list.count, b->list.count);
        for (const struct cw_document *x = a->list.first, *y = b->list.first; x != NULL || y != NULL;
             x = x->next, y = y->next) {
            assert_true(x != NULL && y != NULL);
            assert_true((x->next == NULL) == (x == a->list.last) && (y->next == NULL) == (y == b->list.last));
            assert_same(x, y);
        }
        return;
    }
}

/* What JSON keeps as a string comes back as a text that reads the same. */
static void assert_same_custom(const struct cw_custom *a, const struct cw_custom *b)
{
    char left[CW_VALUE_TEXT_MAX], right[CW_VALUE_TEXT_MAX];
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        assert_same_text(a->name, b->name, "the name of an own field");
        assert_same_text(cw_value_text(a->type, &a->value, -1, left),
                         cw_value_text(b->type, &b->value, -1, right), "an own field");
        bool is_kept = a->type == CW_INTEGER || a->type == CW_BOOLEAN;
        assert_int_equal(b->type, is_kept ? a->type : CW_TEXT);
    }
    assert_true(a == NULL && b == NULL);
}

static void assert_same(const struct cw_document *a, const struct cw_document *b)
{
    assert_ptr_equal(a->kind, b->kind);
    assert_same_text(a->external_id, b->external_id, "external_id");
    for (size_t i = 0; i < a->kind->field_count; i++)
        assert_same_value(a->kind->fields[i].type, &a->values[i], &b->values[i], a->kind->fields[i].name);
    assert_same_custom(a->custom, b->custom);
}

/* --- filling --- */

static const char *const texts[] = { "9007199254740993123",
                                     "",
                                     "Gr\303\266\303\237e \"42\"; '); DROP TABLE orders; \\ 100% ?1",
                                     "  blanks  and\ttabs\nlines ",
                                     "\360\237\247\243\346\227\245\346\234\254",
                                     "NULL",
                                     "0012.50" };
static const char *const numbers[] = { "12.345", "-0.001", "99999999999999999999999999999999999999", "0",
                                       "1.10" };

static struct cw_custom *own_field(struct cw_arena *arena, const char *name, enum cw_type type,
                                   struct cw_custom *next)
{
    struct cw_custom *own = cw_arena_alloc(arena, sizeof *own);
    *own = (struct cw_custom){ .next = next, .name = cw_slice(name), .type = type };
    own->value.is_set = true;
    return own;
}

/* One own field of each type; "shipping_slot" begins like a column of the address. */
static struct cw_custom *own_fields(struct cw_arena *arena)
{
    struct cw_custom *own = own_field(arena, "shipping_slot", CW_TEXT, NULL);
    own->value.text = cw_slice("7\342\200\2238 \"h\"");
    own = own_field(arena, "margin", CW_MONEY, own);
    own->value.decimal = money("7.250");
    own = own_field(arena, "seen", CW_TIME, own);
    own->value.time = 1711852200 * CW_SECOND + 5;
    own = own_field(arena, "wrapped", CW_BOOLEAN, own);
    own->value.boolean = true;
    own = own_field(arena, "boxes", CW_INTEGER, own);
    own->value.integer = INT64_MIN;
    return own;
}

static void fill(struct cw_arena *arena, struct cw_document *doc, unsigned turn);

static void fill_field(struct cw_arena *arena, struct cw_document *doc, const struct cw_field *field,
                       unsigned turn)
{
    struct cw_value *value = set(doc, field->name);
    switch (field->type) {
    case CW_TEXT:
        value->text = cw_slice(texts[turn % (sizeof texts / sizeof *texts)]);
        return;
    case CW_DECIMAL:
    case CW_MONEY:
        value->decimal = money(numbers[turn % (sizeof numbers / sizeof *numbers)]);
        return;
    case CW_INTEGER:
        value->integer = INT64_MAX - turn;
        return;
    case CW_BOOLEAN:
        value->boolean = turn % 2 == 0;
        return;
    case CW_TIME:
        value->time = 1711852200 * CW_SECOND + (cw_time)turn * 333333;
        return;
    case CW_RECORD:
        value->record = cw_document_create(arena, field->kind);
        fill(arena, value->record, turn);
        return;
    case CW_LIST:
        for (unsigned i = 0; i < 3; i++)
            fill(arena, add_to(arena, doc, field->name), turn + i);
        return;
    }
}

static void fill(struct cw_arena *arena, struct cw_document *doc, unsigned turn)
{
    for (size_t i = 0; i < doc->kind->field_count; i++)
        fill_field(arena, doc, &doc->kind->fields[i], turn + (unsigned)i);
    if (cw_kind_field(doc->kind, cw_slice("currency")) >= 0)
        set_text(doc, "currency", "BHD"); /* three decimals */
    int id = cw_kind_field(doc->kind, cw_slice("external_id"));
    if (id >= 0) /* as the mapping leaves it */
        doc->external_id = doc->values[id].text;
    doc->custom = own_fields(arena);
}

static void every_kind_comes_back_with_every_field_as_it_was(void **state)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    for (unsigned turn = 0; turn < 14; turn++) {
        for (size_t i = 0; cw_kinds[i] != NULL; i++) {
            if (!cw_kinds[i]->is_document)
                continue;
            struct cw_document *doc = cw_document_create(&arena, cw_kinds[i]);
            fill(&arena, doc, turn);
            doc->external_id = cw_slice("9007199254740993123");
            put(*state, doc);
            struct cw_stored stored = read_one(*state, cw_kinds[i], "9007199254740993123", &arena);
            assert_non_null(stored.doc);
            assert_same(doc, stored.doc);
        }
    }
    cw_arena_fini(&arena);
}

static void every_kind_comes_back_with_nothing_set(void **state)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    for (size_t i = 0; cw_kinds[i] != NULL; i++) {
        if (!cw_kinds[i]->is_document)
            continue;
        struct cw_document *full = cw_document_create(&arena, cw_kinds[i]);
        struct cw_document *bare = cw_document_create(&arena, cw_kinds[i]);
        fill(&arena, full, 0);
        full->external_id = bare->external_id = cw_slice("x");
        put(*state, full); /* so that the bare one must take everything away */
        put(*state, bare);
        assert_same(bare, read_one(*state, cw_kinds[i], "x", &arena).doc);
        bare->external_id = cw_slice("y");
        put(*state, full);
        put(*state, bare);
        assert_same(bare, read_one(*state, cw_kinds[i], "y", &arena).doc);
    }
    cw_arena_fini(&arena);
}

static void the_number_is_that_of_the_store_and_an_unknown_key_has_no_document(void **state)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    put(*state, order_of(&arena, "1000", 1));
    put(*state, order_of(&arena, "1001", 2));
    struct cw_record_key keys[] = { key_of("1001"), key_of("none"), key_of("1000"), key_of("1001") };
    struct got got = read_keys(*state, &cw_kind_order, keys, 4, &arena);
    assert_int_equal(got.count, 4);
    assert_int_equal(got.stored[0].number, 2);
    assert_null(got.stored[1].doc);
    assert_int_equal(got.stored[1].number, 0);
    assert_int_equal(got.stored[2].number, 1);
    assert_slice(got.stored[3].doc->external_id, "1001");
    assert_int_equal(read_keys(*state, &cw_kind_order, keys, 0, &arena).count, 0);
    assert_null(read_one(*state, &cw_kind_customer, "1001", &arena).doc);
    cw_arena_fini(&arena);
}

static void a_transaction_reads_what_it_has_put(void **state)
{
    struct cw_arena arena;
    struct got got;
    cw_arena_init(&arena, 0);
    struct cw_record_key key = key_of("1001");
    struct cw_txn *txn = begin(*state);
    assert_true(cw_txn_put_document(txn, cw_slice("shop"), order_of(&arena, "1001", 2), 0, 1));
    cw_txn_get_documents(txn, &cw_kind_order, &key, 1, &arena, take_stored, &got);
    assert_same(order_of(&arena, "1001", 2), got.stored[0].doc);
    cw_txn_rollback(txn);
    assert_null(read_one(*state, &cw_kind_order, "1001", &arena).doc);
    cw_arena_fini(&arena);
}

static void what_somebody_spoilt_by_hand_is_told_with_record_and_column(void **state)
{
    static const char *const faults[][2] = { { "total", "UPDATE orders SET total = 'much'" },
                                             { "paid_at", "UPDATE orders SET paid_at = 'soon'" },
                                             { "custom", "UPDATE orders SET custom = '{\"a\":'" },
                                             { "custom", "UPDATE orders SET custom = '[]'" },
                                             { "custom", "UPDATE orders SET custom = '{\"a\":[]}'" } };
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        put(bed, order_of(&arena, "1001", 1));
        store_bed_execute(bed, faults[i][1]);
        struct cw_record_key key = key_of("1001");
        struct got got = read_keys(bed, &cw_kind_order, &key, 1, &arena);
        assert_true(got.failed);
        assert_int_equal(got.err.code, CW_CORRUPT);
        assert_string_equal(got.err.record, "1001");
        assert_string_equal(got.err.field, faults[i][0]);
    }
    cw_arena_fini(&arena);
}

static void an_arena_that_is_full_fails_the_call(void **state)
{
    struct cw_arena roomy, arena;
    cw_arena_init(&roomy, 0);
    struct cw_document *order = cw_document_create(&roomy, &cw_kind_order);
    fill(&roomy, order, 3);
    order->external_id = cw_slice("1001");
    put(*state, order);
    size_t failures = 0;
    for (size_t limit = 1;; limit += 97) {
        cw_arena_init(&arena, limit);
        struct cw_record_key key = key_of("1001");
        struct got got = read_keys(*state, &cw_kind_order, &key, 1, &arena);
        if (!got.failed) {
            assert_same(order, got.stored[0].doc);
            cw_arena_fini(&arena);
            break;
        }
        assert_int_equal(got.err.code, CW_NOMEM);
        failures++;
        cw_arena_fini(&arena);
    }
    assert_true(failures > 20);
    cw_arena_fini(&roomy);
}

static void what_is_no_key_or_no_document_is_refused(void **state)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_record_key keys[] = { key_of("1001"), key_of("") };
    struct got got = read_keys(*state, &cw_kind_order, keys, 2, &arena);
    assert_int_equal(got.err.code, CW_USAGE);
    got = read_keys(*state, &cw_kind_line, keys, 1, &arena);
    assert_int_equal(got.err.code, CW_USAGE);
    assert_non_null(strstr(got.err.text, "line"));
    cw_arena_fini(&arena);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(every_kind_comes_back_with_every_field_as_it_was),
        STORE_TEST(every_kind_comes_back_with_nothing_set),
        STORE_TEST(the_number_is_that_of_the_store_and_an_unknown_key_has_no_document),
        STORE_TEST(a_transaction_reads_what_it_has_put),
        STORE_TEST(what_somebody_spoilt_by_hand_is_told_with_record_and_column),
        STORE_TEST(an_arena_that_is_full_fails_the_call),
        STORE_TEST(what_is_no_key_or_no_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
