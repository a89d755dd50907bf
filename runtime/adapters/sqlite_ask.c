/* sqlite_ask.c - questions to the store: which documents of a cart have a value in a field.
 *
 * Each question is a look-up in an index of the schema; a value that fits without case only is looked for
 * when none fits exactly. */
#include "adapters/sqlite_documents.h"

#include <stdlib.h>

/* ?1 is the cart, ?2 the value; the answer is a document and the variant that fitted. */
#define OWN_BY(order, table, where)                                                                          \
    "SELECT external_id, NULL FROM " table " WHERE cart = ?1 AND " where " ORDER BY " order "id LIMIT 2"
#define OWN(table, where)  OWN_BY("", table, where)
#define INACTIVE_LAST(row) "coalesce(" row "active, 1) = 0, "
#define OWN_ITEM(where)    OWN_BY(INACTIVE_LAST(""), "items", where)
#define VARIANT(where)                                                                                       \
    "SELECT i.external_id, v.external_id FROM item_variants v CROSS JOIN items i ON i.id = v.item_id "       \
    "WHERE i.cart = ?1 AND " where " ORDER BY " INACTIVE_LAST("i.")                                          \
        INACTIVE_LAST("v.") "v.item_id, v.position LIMIT 2"
#define LOOSE(column) column " = ?2 COLLATE NOCASE"
#define EXACT(column) LOOSE(column) " AND " column " = ?2" /* the index is without case */

struct askable {
    const struct cw_kind *kind;
    const char *field;
    const char *exact, *loose;                 /* loose NULL = ids, which are compared exactly */
    const char *exact_variant, *loose_variant; /* NULL = the kind has none */
};

#define FIELD(kind, table, column)                                                                           \
    {                                                                                                        \
        &cw_kind_##kind, column, OWN(table, EXACT(column)), OWN(table, LOOSE(column)), NULL, NULL            \
    }
#define VARIANT_FIELD(column)                                                                                \
    {                                                                                                        \
        &cw_kind_item, column, OWN_ITEM(EXACT(column)), OWN_ITEM(LOOSE(column)),                             \
            VARIANT(EXACT("v." column)), VARIANT(LOOSE("v." column))                                         \
    }

static const struct askable askables[] = {
    { &cw_kind_customer, "external_id", OWN("customers", "external_id = ?2"), NULL, NULL, NULL },
    FIELD(customer, "customers", "number"),
    FIELD(customer, "customers", "email"),
    FIELD(customer, "customers", "phone"),
    FIELD(customer, "customers", "vat_number"),
    FIELD(customer, "customers", "company"),
    { &cw_kind_item, "external_id", OWN("items", "external_id = ?2"), NULL, VARIANT("v.external_id = ?2"),
      NULL },
    VARIANT_FIELD("sku"),
    VARIANT_FIELD("barcode"),
    FIELD(item, "items", "vendor_sku"),
    FIELD(order, "orders", "number"),
};

static const struct askable *askable_of(const struct cw_question *question, struct cw_error *err)
{
    for (size_t i = 0; i < sizeof askables / sizeof *askables; i++)
        if (askables[i].kind == question->kind && strcmp(askables[i].field, question->field) == 0)
            return &askables[i];
    cw_fail(err, CW_USAGE, "%s cannot be asked for by %s", question->kind->plural, question->field);
    return NULL;
}

/* --- one question --- */

struct asking {
    struct cw_sqlite *s;
    const struct cw_question *question;
    struct cw_arena *arena;
    struct cw_answers *out;
    struct cw_error *err;
};

/* A variant stands for its item, also where the item has the same value itself. */
static struct cw_answer *place_of(struct cw_answers *answers, struct cw_slice external_id)
{
    for (size_t i = 0; i < answers->count; i++)
        if (answers->found[i].variant_id.len == 0 &&
            cw_slice_equal(answers->found[i].external_id, external_id))
            return &answers->found[i];
    return answers->count < CW_ANSWERS_MAX ? &answers->found[answers->count++] : NULL;
}

static bool take_answer(struct asking *in, sqlite3_stmt *row)
{
    struct cw_slice id = cw_sqlite_slice(row, 0);
    struct cw_answer *place = place_of(in->out, id);
    if (place == NULL)
        return true;
    *place = (struct cw_answer){ cw_arena_copy(in->arena, id),
                                 cw_arena_copy(in->arena, cw_sqlite_slice(row, 1)), NULL };
    return (place->external_id.data != NULL && place->variant_id.data != NULL) ||
           cw_fail(in->err, CW_NOMEM, "out of memory for an answer");
}

static bool look_up(struct asking *in, const char *sql)
{
    sqlite3_stmt *row;
    if (sql == NULL)
        return true;
    enum cw_row found = cw_sqlite_find(
        in->s, sql, CW_BINDS(cw_bind_text(in->question->cart), cw_bind_text(in->question->value)), &row,
        in->err);
    while (found == CW_ROW_FOUND) {
        if (!take_answer(in, row)) {
            sqlite3_reset(row);
            return false;
        }
        found = cw_sqlite_next(in->s, row, in->err);
    }
    return found == CW_ROW_NONE;
}

/* Ids of items and of variants are two rows of numbers: 12 may be both, and then the item is meant. */
static bool look_up_both(struct asking *in, const char *own, const char *variant, bool is_id)
{
    return look_up(in, own) && ((is_id && in->out->count > 0) || look_up(in, variant));
}

static bool read_whole(struct asking *in)
{
    int64_t number;
    const struct cw_question *question = in->question;
    for (size_t i = 0; question->whole && i < in->out->count; i++) {
        struct cw_answer *answer = &in->out->found[i];
        if (!cw_sqlite_read_document(in->s, question->kind, question->cart, answer->external_id, in->arena,
                                     &answer->doc, &number, in->err))
            return cw_store_fail_at(in->err, answer->external_id);
    }
    return true;
}

static bool look_up_loosely(struct asking *in, const struct askable *by)
{
    bool ok = look_up_both(in, by->loose, by->loose_variant, false);
    in->out->is_loose = in->out->count > 0;
    return ok;
}

/* What is empty fits nobody. */
static bool answer(struct asking *in)
{
    const struct askable *by = askable_of(in->question, in->err);
    if (by == NULL)
        return false;
    if (in->question->value.len == 0)
        return true;
    bool is_id = by->loose == NULL;
    if (!look_up_both(in, by->exact, by->exact_variant, is_id) ||
        (in->out->count == 0 && !is_id && !look_up_loosely(in, by)))
        return false;
    return read_whole(in);
}

void cw_sqlite_ask(struct cw_txn *txn, const struct cw_question *questions, size_t count,
                   struct cw_arena *arena, cw_answers_fn *answered, void *arg)
{
    struct cw_answers *answers = calloc(count + 1, sizeof *answers);
    struct cw_error err;
    bool ok = answers != NULL || cw_fail(&err, CW_NOMEM, "out of memory for %zu questions", count);
    for (size_t i = 0; ok && i < count; i++) {
        struct asking in = { cw_sqlite_of(txn->store), &questions[i], arena, &answers[i], &err };
        ok = answer(&in);
    }
    if (!ok)
        cw_txn_lose(txn, &err);
    answered(arg, ok ? answers : NULL, ok ? count : 0, ok ? NULL : &err);
    free(answers);
}
