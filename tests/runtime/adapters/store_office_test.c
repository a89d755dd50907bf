/* Documents of the back office, which are those of the empty cart; and removing documents. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

static const struct cw_slice office = { "", 0 };

static struct cw_record_key office_key(const char *id)
{
    return (struct cw_record_key){ office, office, cw_slice(id) };
}

static struct cw_document *new_document(struct cw_arena *arena, const struct cw_kind *kind, const char *id)
{
    struct cw_document *doc = cw_document_create(arena, kind);
    assert_non_null(doc);
    doc->external_id = cw_slice(id);
    return doc;
}

static void put_of(struct store_bed *bed, const char *cart, const struct cw_document *doc)
{
    struct cw_txn *txn = begin(bed);
    bool ok = cw_txn_put_document(txn, cw_slice(cart), doc, bed->time.now, 1);
    assert_ok(ok, *cw_txn_error(txn));
    commit(txn);
}

static void put_edit(struct store_bed *bed, const char *cart, const struct cw_kind *kind, const char *id)
{
    const struct cw_edit edit = { .field = cw_slice("number"), .value = cw_slice("7"), .at = bed->time.now };
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_edit(txn, cw_slice(cart), kind, cw_slice(id), &edit));
    commit(txn);
}

static void documents_of_the_back_office_come_back_with_their_edits(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    struct cw_record_key key = office_key("PO-1");
    cw_arena_init(&arena, 0);
    struct cw_document *order = new_document(&arena, &cw_kind_purchase_order, "PO-1");
    set_text(order, "vendor", "acme");
    set(order, "closed")->boolean = false;
    set(order, "ordered_at")->time = bed->time.now;
    struct cw_document *line = add_to(&arena, order, "lines");
    set_text(line, "sku", "A");
    set_money(line, "quantity", "10.5");
    put_of(bed, "", order);
    put_edit(bed, "", &cw_kind_purchase_order, "PO-1");
    struct got_documents got = read_keys(bed, &cw_kind_purchase_order, &key, 1, &arena);
    assert_ok(!got.failed, got.err);
    assert_non_null(got.stored[0].doc);
    assert_true(cw_slice_is(cw_document_get(got.stored[0].doc, "vendor")->text, "acme"));
    assert_true(cw_document_get(got.stored[0].doc, "ordered_at")->time == bed->time.now);
    assert_int_equal(cw_document_get(got.stored[0].doc, "lines")->list.count, 1);
    assert_int_equal(got.stored[0].edit_count, 1);
    assert_string_equal(ask(bed, "SELECT p.cart, p.closed, l.sku, l.quantity FROM purchase_orders p JOIN "
                                 "purchase_order_lines l ON l.purchase_order_id = p.id"),
                        "|0|A|10.5");
    cw_arena_fini(&arena);
}

static void every_kind_can_be_put_by_the_back_office_and_removed(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    for (size_t i = 0; cw_kinds[i] != NULL; i++) {
        const struct cw_kind *kind = cw_kinds[i];
        struct cw_record_key key = office_key("X");
        if (!kind->is_document)
            continue;
        struct cw_document *doc = new_document(&arena, kind, "X");
        for (size_t j = 0; j < kind->field_count; j++)
            if (kind->fields[j].type == CW_LIST)
                add_to(&arena, doc, kind->fields[j].name);
        put_of(bed, "", doc);
        put_of(bed, "shop", doc);
        put_edit(bed, "", kind, "X");
        struct cw_txn *txn = begin(bed);
        assert_true(cw_txn_drop_document(txn, office, kind, cw_slice("X")));
        commit(txn);
        struct got_documents got = read_keys(bed, kind, &key, 1, &arena);
        assert_null(got.stored[0].doc);
        assert_int_equal(got.stored[0].edit_count, 0);
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT cart FROM %s", kind->plural);
        assert_string_equal(ask(bed, sql), "shop");
        for (size_t j = 0; j < kind->field_count; j++) {
            if (kind->fields[j].type != CW_LIST)
                continue;
            snprintf(sql, sizeof sql, "SELECT count(*) FROM %s_%s", kind->name, kind->fields[j].name);
            assert_string_equal(ask(bed, sql), "1");
        }
    }
    cw_arena_fini(&arena);
}

static void removing_leaves_other_documents_and_their_edits(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    put_of(bed, "shop", order_of(&arena, "1", 2));
    put_of(bed, "shop", order_of(&arena, "2", 1));
    put_of(bed, "tea", order_of(&arena, "1", 1));
    put_edit(bed, "shop", &cw_kind_order, "1");
    put_edit(bed, "shop", &cw_kind_order, "2");
    put_edit(bed, "tea", &cw_kind_order, "1");
    put_edit(bed, "shop", &cw_kind_customer, "1");
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_drop_document(txn, cw_slice("shop"), &cw_kind_order, cw_slice("1")));
    commit(txn);
    assert_string_equal(ask(bed, "SELECT o.cart, o.external_id, count(*) FROM orders o JOIN order_lines l ON "
                                 "l.order_id = o.id GROUP BY o.cart, o.external_id ORDER BY 1, 2"),
                        "shop|2|1\ntea|1|1");
    assert_string_equal(ask(bed, "SELECT cart, kind, external_id FROM document_edits ORDER BY 1, 2, 3"),
                        "shop|customer|1\nshop|order|2\ntea|order|1");
    put_of(bed, "shop", order_of(&arena, "1", 1)); /* and it may come again */
    assert_string_equal(ask(bed, "SELECT count(*) FROM orders"), "3");
    cw_arena_fini(&arena);
}

static void removing_what_is_not_there_is_told(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    struct cw_txn *txn = begin(bed);
    assert_false(cw_txn_drop_document(txn, office, &cw_kind_price, cw_slice("sale/EUR/A")));
    err = *cw_txn_error(txn);
    assert_int_equal(err.code, CW_NOT_FOUND);
    assert_string_equal(err.text, "the back office has no price sale/EUR/A");
    assert_string_equal(err.record, "sale/EUR/A");
    cw_txn_rollback(txn);
    txn = begin(bed);
    assert_false(cw_txn_drop_document(txn, office, &cw_kind_line, cw_slice("1")));
    assert_int_equal(cw_txn_error(txn)->code, CW_USAGE);
    cw_txn_rollback(txn);
}

static void take_answers(void *arg, const struct cw_answers *answers, size_t count,
                         const struct cw_error *err)
{
    struct cw_answers *out = arg;
    assert_ok(err == NULL, *err);
    assert_int_equal(count, 1);
    *out = answers[0];
}

static void items_of_the_back_office_can_be_asked_for(void **state)
{
    struct store_bed *bed = *state;
    struct cw_answers answers = { .count = 99 };
    const struct cw_question question = { &cw_kind_item, office, "sku", cw_slice("sku-1"), true };
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_document *ours = new_document(&arena, &cw_kind_item, "SKU-1");
    set_text(ours, "sku", "SKU-1");
    struct cw_document *theirs = new_document(&arena, &cw_kind_item, "9");
    set_text(theirs, "sku", "SKU-1");
    put_of(bed, "", ours);
    put_of(bed, "shop", theirs);
    struct cw_txn *txn = begin(bed);
    cw_txn_ask(txn, &question, 1, &arena, take_answers, &answers);
    cw_txn_rollback(txn);
    assert_int_equal(answers.count, 1);
    assert_true(cw_slice_is(answers.found[0].external_id, "SKU-1"));
    assert_non_null(answers.found[0].doc);
    cw_arena_fini(&arena);
}

/* Raw records, what waits, cursors and messages are always a cart's. */
static void records_of_no_cart_are_refused_as_before(void **state)
{
    struct store_bed *bed = *state;
    struct cw_raw raw = raw_of("1", "<a/>");
    raw.key.cart = office;
    struct cw_staged staged = { .key = raw.key, .kind = &cw_kind_order };
    struct cw_message message = { .key = raw.key };
    struct cw_txn *txn = begin(bed);
    assert_false(cw_txn_put_raw(txn, &raw));
    assert_non_null(strstr(cw_txn_error(txn)->text, "the cart's name is empty"));
    cw_txn_rollback(txn);
    txn = begin(bed);
    assert_false(cw_txn_put_staged(txn, &staged));
    cw_txn_rollback(txn);
    txn = begin(bed);
    assert_false(cw_txn_put_message(txn, &message));
    cw_txn_rollback(txn);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(documents_of_the_back_office_come_back_with_their_edits),
        STORE_TEST(every_kind_can_be_put_by_the_back_office_and_removed),
        STORE_TEST(removing_leaves_other_documents_and_their_edits),
        STORE_TEST(removing_what_is_not_there_is_told),
        STORE_TEST(items_of_the_back_office_can_be_asked_for),
        STORE_TEST(records_of_no_cart_are_refused_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
