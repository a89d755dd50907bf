/* Questions to the store: who has a number, an e-mail, a SKU; exactly first, then without case, and never by
 * a scan. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

/* --- asking --- */

struct asked {
    struct cw_answers answers[4];
    size_t count;
    bool failed;
    struct cw_error err;
};

static void take(void *arg, const struct cw_answers *answers, size_t count, const struct cw_error *err)
{
    struct asked *asked = arg;
    assert_true(count <= 4);
    asked->count = count;
    asked->failed = err != NULL;
    if (err != NULL)
        asked->err = *err;
    else
        memcpy(asked->answers, answers, count * sizeof *answers);
}

static struct asked put_questions(struct store_bed *bed, const struct cw_question *questions, size_t count,
                                  struct cw_arena *arena)
{
    struct asked asked = { .count = 99 };
    struct cw_txn *txn = begin(bed);
    cw_txn_ask(txn, questions, count, arena, take, &asked);
    assert_int_equal(cw_txn_error(txn) != NULL, asked.failed);
    cw_txn_rollback(txn);
    return asked;
}

/* The answers as "12 14/3", or "~12" without case, in the cart "shop". */
static const char *who(struct store_bed *bed, const struct cw_kind *kind, const char *field,
                       const char *value)
{
    static char text[256];
    struct cw_arena arena;
    struct cw_question question = { kind, cw_slice("shop"), field, cw_slice(value), false };
    cw_arena_init(&arena, 0);
    struct asked asked = put_questions(bed, &question, 1, &arena);
    assert_ok(!asked.failed, asked.err);
    assert_int_equal(asked.count, 1);
    snprintf(text, sizeof text, "%s", asked.answers[0].is_loose ? "~" : "");
    for (size_t i = 0; i < asked.answers[0].count; i++) {
        struct cw_answer *found = &asked.answers[0].found[i];
        size_t used = strlen(text);
        assert_null(found->doc);
        snprintf(text + used, sizeof text - used, "%s%.*s%s%.*s", i > 0 ? " " : "",
                 CW_SLICE_ARG(found->external_id), found->variant_id.len > 0 ? "/" : "",
                 CW_SLICE_ARG(found->variant_id));
    }
    cw_arena_fini(&arena);
    return text;
}

/* --- putting --- */

struct put {
    struct cw_arena arena;
    struct cw_txn *txn;
    struct cw_document *doc;
};

static void put_in(struct put *put, const char *cart)
{
    assert_true(cw_txn_put_document(put->txn, cw_slice(cart), put->doc, 0, 1));
}

static struct cw_document *document(struct put *put, const struct cw_kind *kind, const char *id)
{
    put->doc = cw_document_create(&put->arena, kind);
    put->doc->external_id = cw_slice(id);
    return put->doc;
}

static void put_text(struct put *put, const struct cw_kind *kind, const char *id, const char *field,
                     const char *value)
{
    set_text(document(put, kind, id), field, value);
    put_in(put, "shop");
}

static struct put start(struct store_bed *bed)
{
    struct put put;
    cw_arena_init(&put.arena, 0);
    put.txn = begin(bed);
    return put;
}

static void finish(struct put *put)
{
    commit(put->txn);
    cw_arena_fini(&put->arena);
}

/* --- fields --- */

static const struct {
    const struct cw_kind *kind;
    const char *field;
} askable[] = { { &cw_kind_customer, "number" },  { &cw_kind_customer, "email" },
                { &cw_kind_customer, "phone" },   { &cw_kind_customer, "vat_number" },
                { &cw_kind_customer, "company" }, { &cw_kind_item, "sku" },
                { &cw_kind_item, "barcode" },     { &cw_kind_item, "vendor_sku" },
                { &cw_kind_order, "number" } };
enum { ASKABLE = sizeof askable / sizeof *askable };

static void each_field_is_found_exactly_before_without_case(void **state)
{
    for (size_t i = 0; i < ASKABLE; i++) {
        const struct cw_kind *kind = askable[i].kind;
        const char *field = askable[i].field;
        struct put put = start(*state);
        put_text(&put, kind, "low", field, "ada-7");
        put_text(&put, kind, "high", field, "ADA-7");
        put_text(&put, kind, "other", field, "Bob-1");
        document(&put, kind, "none");
        put_in(&put, "shop");
        set_text(document(&put, kind, "abroad"), field, "Bob-1");
        put_in(&put, "other");
        finish(&put);
        assert_string_equal(who(*state, kind, field, "ada-7"), "low");
        assert_string_equal(who(*state, kind, field, "ADA-7"), "high");
        assert_string_equal(who(*state, kind, field, "Ada-7"), "~low high");
        assert_string_equal(who(*state, kind, field, "bob-1"), "~other");
        assert_string_equal(who(*state, kind, field, "ada"), "");
        assert_string_equal(who(*state, kind, field, "%"), "");
    }
}

static void an_empty_value_fits_nobody(void **state)
{
    for (size_t i = 0; i < ASKABLE; i++) {
        struct put put = start(*state);
        put_text(&put, askable[i].kind, "1", askable[i].field, "");
        finish(&put);
        assert_string_equal(who(*state, askable[i].kind, askable[i].field, ""), "");
    }
}

static void case_is_that_of_ascii_alone(void **state)
{
    struct put put = start(*state);
    put_text(&put, &cw_kind_customer, "1", "company", "M\303\234LLER");
    finish(&put);
    assert_string_equal(who(*state, &cw_kind_customer, "company", "m\303\234ller"), "~1");
    assert_string_equal(who(*state, &cw_kind_customer, "company", "m\303\274ller"), "");
}

static void two_answers_say_that_there_are_more(void **state)
{
    struct put put = start(*state);
    const char *const ids[] = { "1", "2", "3", "4" };
    for (size_t i = 0; i < 4; i++)
        put_text(&put, &cw_kind_customer, ids[i], "email", i < 2 ? "Ada@example.com" : "ada@example.com");
    finish(&put);
    assert_string_equal(who(*state, &cw_kind_customer, "email", "ada@example.com"), "3 4");
    assert_string_equal(who(*state, &cw_kind_customer, "email", "ADA@EXAMPLE.COM"), "~1 2");
}

static void ids_are_compared_exactly(void **state)
{
    struct put put = start(*state);
    document(&put, &cw_kind_customer, "aB");
    put_in(&put, "shop");
    document(&put, &cw_kind_item, "aB");
    put_in(&put, "shop");
    finish(&put);
    assert_string_equal(who(*state, &cw_kind_customer, "external_id", "aB"), "aB");
    assert_string_equal(who(*state, &cw_kind_customer, "external_id", "ab"), "");
    assert_string_equal(who(*state, &cw_kind_item, "external_id", "aB"), "aB");
    assert_string_equal(who(*state, &cw_kind_item, "external_id", "AB"), "");
}

/* --- variants --- */

static void add_variant(struct put *put, const char *id, const char *sku, const char *barcode)
{
    struct cw_document *variant = add_to(&put->arena, put->doc, "variants");
    if (id != NULL)
        set_text(variant, "external_id", id);
    set_text(variant, "sku", sku);
    set_text(variant, "barcode", barcode);
}

static void put_shirts(struct store_bed *bed)
{
    struct put put = start(bed);
    set_text(document(&put, &cw_kind_item, "12"), "sku", "SHIRT");
    add_variant(&put, "31", "SHIRT-M", "4006381333931");
    add_variant(&put, "32", "SHIRT-L", "4006381333948");
    put_in(&put, "shop");
    set_text(document(&put, &cw_kind_item, "31"), "sku", "MUG");
    add_variant(&put, "12", "MUG", "x");
    put_in(&put, "shop");
    put_in(&put, "other");
    finish(&put);
}

static void an_item_is_found_by_its_variants_too(void **state)
{
    put_shirts(*state);
    assert_string_equal(who(*state, &cw_kind_item, "sku", "SHIRT-L"), "12/32");
    assert_string_equal(who(*state, &cw_kind_item, "sku", "shirt-m"), "~12/31");
    assert_string_equal(who(*state, &cw_kind_item, "barcode", "4006381333931"), "12/31");
    assert_string_equal(who(*state, &cw_kind_item, "sku", "SHIRT"), "12");
    assert_string_equal(who(*state, &cw_kind_item, "external_id", "32"), "12/32");
}

static void an_id_that_items_and_variants_have_is_the_items(void **state)
{
    put_shirts(*state);
    assert_string_equal(who(*state, &cw_kind_item, "external_id", "12"), "12");
    assert_string_equal(who(*state, &cw_kind_item, "external_id", "31"), "31");
}

static void a_variant_stands_for_its_item_where_both_fit(void **state)
{
    put_shirts(*state);
    assert_string_equal(who(*state, &cw_kind_item, "sku", "MUG"), "31/12");
}

static void an_exact_variant_comes_before_an_item_without_case(void **state)
{
    struct put put = start(*state);
    put_text(&put, &cw_kind_item, "1", "sku", "cup");
    document(&put, &cw_kind_item, "2");
    add_variant(&put, "21", "CUP", "a");
    put_in(&put, "shop");
    finish(&put);
    assert_string_equal(who(*state, &cw_kind_item, "sku", "CUP"), "2/21");
    assert_string_equal(who(*state, &cw_kind_item, "sku", "cup"), "1");
    assert_string_equal(who(*state, &cw_kind_item, "sku", "Cup"), "~1 2/21");
}

static void two_variants_with_one_sku_are_two_answers(void **state)
{
    struct put put = start(*state);
    document(&put, &cw_kind_item, "1");
    add_variant(&put, "11", "A", "a");
    add_variant(&put, "12", "A", "b");
    put_in(&put, "shop");
    document(&put, &cw_kind_item, "2");
    add_variant(&put, NULL, "B", "c");
    put_in(&put, "shop");
    finish(&put);
    assert_string_equal(who(*state, &cw_kind_item, "sku", "A"), "1/11 1/12");
    assert_string_equal(who(*state, &cw_kind_item, "sku", "B"), "2"); /* a variant without an id */
}

static void put_item(struct put *put, const char *id, const char *sku, bool is_active)
{
    set_text(document(put, &cw_kind_item, id), "sku", sku);
    *(struct cw_value *)cw_document_get(put->doc, "active") =
        (struct cw_value){ .is_set = true, .boolean = is_active };
    put_in(put, "shop");
}

static void items_that_are_not_active_stand_behind_those_that_are(void **state)
{
    struct put put = start(*state);
    put_item(&put, "1", "A", false);
    put_item(&put, "2", "A", false);
    put_item(&put, "3", "A", true);
    document(&put, &cw_kind_item, "4");
    add_variant(&put, "41", "B", "b");
    *(struct cw_value *)cw_document_get(put.doc, "active") = (struct cw_value){ .is_set = true };
    put_in(&put, "shop");
    document(&put, &cw_kind_item, "5");
    add_variant(&put, "51", "B", "b");
    put_in(&put, "shop");
    finish(&put);
    assert_string_equal(who(*state, &cw_kind_item, "sku", "A"), "3 1");
    assert_string_equal(who(*state, &cw_kind_item, "sku", "B"), "5/51 4/41");
}

/* --- several, whole, wrong --- */

static void questions_of_any_kind_are_answered_in_their_order(void **state)
{
    struct cw_arena arena;
    put_shirts(*state);
    struct put put = start(*state);
    put_text(&put, &cw_kind_order, "o1", "number", "N-1");
    set_text(document(&put, &cw_kind_customer, "c1"), "email", "ada@example.com");
    set_text(add_to(&put.arena, put.doc, "addresses"), "city", "Linz");
    put_in(&put, "other");
    finish(&put);
    struct cw_question questions[] = {
        { &cw_kind_customer, cw_slice("other"), "email", cw_slice("Ada@Example.com"), true },
        { &cw_kind_item, cw_slice("shop"), "sku", cw_slice("none"), true },
        { &cw_kind_order, cw_slice("shop"), "number", cw_slice("n-1"), false },
        { &cw_kind_item, cw_slice("shop"), "sku", cw_slice("SHIRT-M"), true },
    };
    cw_arena_init(&arena, 0);
    struct asked asked = put_questions(*state, questions, 4, &arena);
    assert_ok(!asked.failed, asked.err);
    assert_int_equal(asked.count, 4);
    assert_int_equal(asked.answers[0].count, 1);
    const struct cw_document *customer = asked.answers[0].found[0].doc;
    assert_slice(customer->external_id, "c1");
    const struct cw_document *address = cw_document_get(customer, "addresses")->list.first;
    assert_slice(cw_document_get(address, "city")->text, "Linz");
    assert_int_equal(asked.answers[1].count, 0);
    assert_slice(asked.answers[2].found[0].external_id, "o1");
    assert_null(asked.answers[2].found[0].doc);
    assert_slice(asked.answers[3].found[0].variant_id, "31");
    assert_int_equal(cw_document_get(asked.answers[3].found[0].doc, "variants")->list.count, 2);
    cw_arena_fini(&arena);
}

static void a_field_that_cannot_be_asked_for_is_refused_by_name(void **state)
{
    static const struct {
        const struct cw_kind *kind;
        const char *cart, *field;
    } wrong[] = { { &cw_kind_customer, "shop", "first_name" },
                  { &cw_kind_order, "shop", "external_id" },
                  { &cw_kind_shipment, "shop", "number" },
                  { &cw_kind_line, "shop", "sku" },
                  { &cw_kind_item, "shop", "group" } };
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct cw_question question = { wrong[i].kind, cw_slice(wrong[i].cart), wrong[i].field, cw_slice("1"),
                                        false };
        struct asked asked = put_questions(*state, &question, 1, &arena);
        assert_true(asked.failed);
        assert_int_equal(asked.err.code, CW_USAGE);
        assert_int_equal(asked.count, 0);
    }
    struct cw_question name = { &cw_kind_customer, cw_slice("shop"), "first_name", cw_slice("A"), false };
    assert_non_null(strstr(put_questions(*state, &name, 1, &arena).err.text,
                           "customers cannot be asked for by "
                           "first_name"));
    cw_arena_fini(&arena);
}

/* --- look-ups, not scans --- */

static void fill(struct store_bed *bed, int from, int to)
{
    struct put put = start(bed);
    for (int i = from; i < to; i++) {
        char *id = cw_arena_bytes(&put.arena, 16);
        snprintf(id, 16, "%d", i);
        for (size_t j = 0; j < ASKABLE; j++)
            put_text(&put, askable[j].kind, id, askable[j].field, id);
        set_text(document(&put, &cw_kind_item, id), "vendor_sku", id);
        add_variant(&put, id, id, id);
        put_in(&put, "shop");
    }
    finish(&put);
}

static int cost_of(struct store_bed *bed, const struct cw_kind *kind, const char *field, const char *value)
{
    store_bed_steps(bed);
    who(bed, kind, field, value);
    return store_bed_steps(bed);
}

/* Hits and misses of every field, a document and what belongs to it. */
static int cost_of_all(struct store_bed *bed)
{
    struct cw_arena arena;
    int cost = cost_of(bed, &cw_kind_customer, "external_id", "none") +
               cost_of(bed, &cw_kind_item, "external_id", "none");
    for (size_t i = 0; i < ASKABLE; i++)
        cost += cost_of(bed, askable[i].kind, askable[i].field, "25") +
                cost_of(bed, askable[i].kind, askable[i].field, "none");
    cw_arena_init(&arena, 0);
    assert_non_null(read_one(bed, &cw_kind_item, "25", &arena).doc);
    assert_non_null(read_one(bed, &cw_kind_order, "25", &arena).doc);
    cw_arena_fini(&arena);
    return cost + store_bed_steps(bed);
}

static void a_question_costs_the_same_however_much_is_stored(void **state)
{
    store_bed_needs_sqlite();
    fill(*state, 0, 50);
    int before = cost_of_all(*state);
    assert_true(before > 100);
    fill(*state, 50, 500);
    assert_int_equal(cost_of_all(*state), before);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(each_field_is_found_exactly_before_without_case),
        STORE_TEST(an_empty_value_fits_nobody),
        STORE_TEST(case_is_that_of_ascii_alone),
        STORE_TEST(two_answers_say_that_there_are_more),
        STORE_TEST(ids_are_compared_exactly),
        STORE_TEST(an_item_is_found_by_its_variants_too),
        STORE_TEST(an_id_that_items_and_variants_have_is_the_items),
        STORE_TEST(a_variant_stands_for_its_item_where_both_fit),
        STORE_TEST(an_exact_variant_comes_before_an_item_without_case),
        STORE_TEST(two_variants_with_one_sku_are_two_answers),
        STORE_TEST(items_that_are_not_active_stand_behind_those_that_are),
        STORE_TEST(questions_of_any_kind_are_answered_in_their_order),
        STORE_TEST(a_field_that_cannot_be_asked_for_is_refused_by_name),
        STORE_TEST(a_question_costs_the_same_however_much_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
