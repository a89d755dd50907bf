/* What people decide beside the documents: values they set, issues they let pass, rows of tables. */
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

/* --- edits and releases --- */

static const struct cw_slice nothing = { NULL, 0 };

static void put_edit(struct store_bed *bed, const char *id, const char *field, const char *value,
                     const char *cart_value, bool is_contested)
{
    struct cw_edit edit = { .field = cw_slice(field),
                            .value = cw_slice(value),
                            .cart_value = cw_slice(cart_value),
                            .is_contested = is_contested,
                            .who = cw_slice("ada"),
                            .reason = cw_slice("by telephone"),
                            .at = bed->time.now };
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_edit(txn, cw_slice("shop"), &cw_kind_order, cw_slice(id), &edit));
    commit(txn);
}

static void edits_come_with_their_document_and_replace_each_other(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    put(bed, order_of(&arena, "1001", 1));
    put_edit(bed, "1001", "note", "ring twice", "", false);
    put_edit(bed, "1001", "billing.street", NULL, "High Street 1", false);
    put_edit(bed, "1001", "lines[id=7].sku", "A", NULL, true);
    put_edit(bed, "1002", "note", "another order", NULL, false);
    test_clock_advance(&bed->time, CW_HOUR);
    put_edit(bed, "1001", "note", "", "leave it", true);
    struct cw_stored stored = read_one(bed, &cw_kind_order, "1001", &arena);
    assert_int_equal(stored.edit_count, 3);
    assert_slice(stored.edits[0].field, "billing.street");
    assert_null(stored.edits[0].value.data);
    assert_slice(stored.edits[0].cart_value, "High Street 1");
    assert_false(stored.edits[0].is_contested);
    assert_slice(stored.edits[1].field, "lines[id=7].sku");
    assert_null(stored.edits[1].cart_value.data);
    assert_slice(stored.edits[2].field, "note");
    assert_slice(stored.edits[2].value, "");
    assert_non_null(stored.edits[2].value.data);
    assert_slice(stored.edits[2].cart_value, "leave it");
    assert_true(stored.edits[2].is_contested);
    assert_slice(stored.edits[2].who, "ada");
    assert_slice(stored.edits[2].reason, "by telephone");
    assert_int_equal(stored.edits[2].at, bed->time.now);
    put(bed, order_of(&arena, "1001", 2)); /* a new version of the document leaves them */
    assert_int_equal(read_one(bed, &cw_kind_order, "1001", &arena).edit_count, 3);
    assert_int_equal(read_one(bed, &cw_kind_customer, "1001", &arena).edit_count, 0);
    cw_arena_fini(&arena);
}

static void an_edit_that_is_dropped_is_gone_and_the_others_stay(void **state)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    put_edit(*state, "1001", "note", "a", NULL, false);
    put_edit(*state, "1001", "email", "b", NULL, false);
    struct cw_txn *txn = begin(*state);
    assert_true(cw_txn_drop_edit(txn, cw_slice("shop"), &cw_kind_order, cw_slice("1001"), cw_slice("note")));
    assert_true(cw_txn_drop_edit(txn, cw_slice("shop"), &cw_kind_order, cw_slice("1001"), cw_slice("none")));
    commit(txn);
    struct cw_stored stored = read_one(*state, &cw_kind_order, "1001", &arena);
    assert_null(stored.doc);
    assert_int_equal(stored.edit_count, 1);
    assert_slice(stored.edits[0].field, "email");
    cw_arena_fini(&arena);
}

static void put_release(struct store_bed *bed, const char *id, const char *code, const char *message,
                        const char *who)
{
    struct cw_release release = { cw_slice(code), cw_slice("total"), cw_slice(message),
                                  cw_slice(who),  cw_slice("known"), bed->time.now };
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_release(txn, key_of(id), &release));
    commit(txn);
}

static void releases_come_with_the_record_they_were_given_for(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    put_release(bed, "1001", "over-limit", "12000.00 is more than 1000", "ada");
    put_release(bed, "1001", "over-limit", "13000.00 is more than 1000", "ada");
    put_release(bed, "1001", "duplicate", "", "ada");
    put_release(bed, "1001", "over-limit", "13000.00 is more than 1000", "bob");
    struct cw_stored stored = read_one(bed, &cw_kind_order, "1001", &arena);
    assert_int_equal(stored.release_count, 3);
    assert_slice(stored.releases[0].code, "duplicate");
    assert_slice(stored.releases[0].message, "");
    assert_slice(stored.releases[1].message, "12000.00 is more than 1000");
    assert_slice(stored.releases[2].message, "13000.00 is more than 1000");
    assert_slice(stored.releases[2].who, "bob");
    assert_slice(stored.releases[2].field, "total");
    assert_slice(stored.releases[2].reason, "known");
    assert_int_equal(stored.releases[2].at, bed->time.now);
    struct cw_record_key other = key_of("1001");
    other.stream = cw_slice("items in");
    assert_int_equal(read_keys(bed, &cw_kind_order, &other, 1, &arena).stored[0].release_count, 0);
    cw_arena_fini(&arena);
}

static void an_edit_or_release_that_names_nothing_is_refused(void **state)
{
    struct cw_edit edit = { .field = cw_slice(""), .value = nothing };
    struct cw_release release = { .code = cw_slice("") };
    struct cw_txn *txn = begin(*state);
    assert_false(cw_txn_put_edit(txn, cw_slice("shop"), &cw_kind_order, cw_slice("1"), &edit));
    assert_int_equal(cw_txn_error(txn)->code, CW_USAGE);
    cw_txn_rollback(txn);
    edit.field = cw_slice("sku");
    txn = begin(*state);
    assert_false(cw_txn_put_edit(txn, cw_slice("shop"), &cw_kind_line, cw_slice("1"), &edit));
    assert_int_equal(cw_txn_error(txn)->code, CW_USAGE);
    assert_false(cw_txn_drop_edit(txn, cw_slice("shop"), &cw_kind_order, cw_slice("1"), edit.field));
    cw_txn_rollback(txn);
    txn = begin(*state);
    assert_false(cw_txn_put_release(txn, key_of("1"), &release));
    assert_int_equal(cw_txn_error(txn)->code, CW_USAGE);
    cw_txn_rollback(txn);
}

static void a_text_of_an_edit_that_is_too_long_is_refused(void **state)
{
    struct cw_edit edit = { .field = cw_slice("note"), .value = { "", CW_STORE_TEXT_MAX + 1 } };
    struct cw_txn *txn = begin(*state);
    assert_false(cw_txn_put_edit(txn, cw_slice("shop"), &cw_kind_order, cw_slice("1001"), &edit));
    assert_int_equal(cw_txn_error(txn)->code, CW_LIMIT);
    assert_string_equal(cw_txn_error(txn)->record, "1001");
    cw_txn_rollback(txn);
}

/* --- translation rows --- */

struct rows {
    char text[512];
    int stop_after;
    int count;
    bool done;
};

static bool add_entry(void *arg, const struct cw_table_entry *entry)
{
    struct rows *rows = arg;
    size_t used = strlen(rows->text);
    snprintf(rows->text + used, sizeof rows->text - used, "%.*s/%.*s/%.*s=%.*s@%lld\n",
             CW_SLICE_ARG(entry->cart), CW_SLICE_ARG(entry->table), CW_SLICE_ARG(entry->key),
             CW_SLICE_ARG(entry->value), (long long)(entry->changed_at / CW_SECOND % 1000));
    return ++rows->count != rows->stop_after;
}

static void end_tables(void *arg, const struct cw_error *err)
{
    assert_null(err);
    ((struct rows *)arg)->done = true;
}

static const char *read_tables(struct store_bed *bed, const char *cart, int stop_after)
{
    static struct rows rows;
    rows = (struct rows){ .stop_after = stop_after };
    cw_store_read_tables(bed->store, cw_slice(cart), add_entry, end_tables, &rows);
    assert_true(rows.done);
    return rows.text;
}

static void translation_rows_are_read_in_order_of_one_cart_or_all(void **state)
{
    struct store_bed *bed = *state;
    struct cw_txn *txn = begin(bed);
    assert_true(
        cw_txn_put_table_row(txn, cw_slice("tea"), cw_slice("status"), cw_slice("b"), cw_slice("paid")));
    assert_true(cw_txn_put_table_row(txn, cw_slice("tea"), cw_slice("status"), cw_slice("a"), cw_slice("")));
    assert_true(
        cw_txn_put_table_row(txn, cw_slice("tea"), cw_slice("carrier"), cw_slice("z"), cw_slice("dhl")));
    assert_true(cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("tax"), cw_slice("AT"), cw_slice("20")));
    commit(txn);
    assert_string_equal(read_tables(bed, "tea", 0),
                        "tea/carrier/z=dhl@200\ntea/status/a=@200\ntea/status/b=paid@200\n");
    assert_string_equal(
        read_tables(bed, "", 0),
        "shop/tax/AT=20@200\ntea/carrier/z=dhl@200\ntea/status/a=@200\ntea/status/b=paid@200\n");
    assert_string_equal(read_tables(bed, "", 2), "shop/tax/AT=20@200\ntea/carrier/z=dhl@200\n");
    assert_string_equal(read_tables(bed, "none", 0), "");
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(edits_come_with_their_document_and_replace_each_other),
        STORE_TEST(an_edit_that_is_dropped_is_gone_and_the_others_stay),
        STORE_TEST(releases_come_with_the_record_they_were_given_for),
        STORE_TEST(an_edit_or_release_that_names_nothing_is_refused),
        STORE_TEST(a_text_of_an_edit_that_is_too_long_is_refused),
        STORE_TEST(translation_rows_are_read_in_order_of_one_cart_or_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
