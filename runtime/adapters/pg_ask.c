/* pg_ask.c - questions to the store: which documents of a cart have a value in a field. See pg_engine.h.
 *
 * Questions about the same field are one statement, which looks each of them up in an index of the schema;
 * all statements are sent at once. The answers are those of sqlite_ask.c: a value that fits without case only
 * is taken when none fits exactly. */
#include "adapters/pg_array.h"
#include "adapters/pg_documents.h"

#include <stdlib.h>

/* k.cart and k.value are a question; OFFSET 0 keeps the look-ups single. `step` says when a row is taken:
 * first what fits exactly, its own value before those of its variants, then what fits without case. */
#define LOOK_UPS(look_ups)                                                                                   \
    "SELECT k.n, a.step, a.external_id, a.variant FROM unnest($1::text[], $2::text[]) WITH ORDINALITY "      \
    "k (cart, value, n) CROSS JOIN LATERAL (" look_ups ") a ORDER BY k.n, a.step, a.rank, a.first, a.second"
#define OWN_BY(step, rank, table, where)                                                                     \
    "(SELECT " step " AS step, external_id, NULL AS variant, " rank                                          \
    " AS rank, id AS first, 0 AS second FROM " table " WHERE cart = k.cart AND " where                       \
    " ORDER BY 4, id LIMIT 2)"
#define OWN(step, table, where) OWN_BY(step, "0", table, where)
/* Those that are not active come last. */
#define OWN_ITEM(step, where) OWN_BY(step, "(coalesce(active, 1) = 0)::int", "items", where)
#define VARIANT(step, where)                                                                                 \
    "(SELECT " step ", i.external_id, v.external_id, (coalesce(i.active, 1) = 0 OR coalesce(v.active, 1) = " \
                    "0)::int, v.item_id, v.position FROM item_variants v JOIN LATERAL "                      \
    "(SELECT external_id, active FROM items WHERE id = v.item_id AND cart = k.cart OFFSET 0) i ON true "     \
    "WHERE " where " ORDER BY 4, v.item_id, v.position LIMIT 2)"
/* The index has the beginning, in lower case. */
#define LOOSE(column)                                                                                        \
    column " IS NOT NULL AND lower(left(" column ", 200)) = lower(left(k.value, 200) COLLATE \"C\") AND "    \
           "lower(" column ") = lower(k.value COLLATE \"C\")"
#define EXACT(column)   LOOSE(column) " AND " column " = k.value"
#define VARIANT_WITH_ID "left(v.external_id, 200) = left(k.value, 200) AND v.external_id = k.value"
#define OR              " UNION ALL "

struct askable {
    const struct cw_kind *kind;
    const char *field;
    const char *look_ups;
    bool is_id; /* ids are compared exactly, and those of documents come before those of variants */
};

#define FIELD(kind, table, column)                                                                           \
    {                                                                                                        \
        &cw_kind_##kind, column, LOOK_UPS(OWN("0", table, EXACT(column)) OR OWN("2", table, LOOSE(column))), \
            false                                                                                            \
    }
#define VARIANT_FIELD(column)                                                                                \
    {                                                                                                        \
        &cw_kind_item, column,                                                                               \
            LOOK_UPS(OWN_ITEM("0", EXACT(column)) OR VARIANT("1", EXACT("v." column))                        \
                         OR OWN_ITEM("2", LOOSE(column)) OR VARIANT("3", LOOSE("v." column))),               \
            false                                                                                            \
    }

static const struct askable askables[] = {
    { &cw_kind_customer, "external_id", LOOK_UPS(OWN("0", "customers", "external_id = k.value")), true },
    FIELD(customer, "customers", "number"),
    FIELD(customer, "customers", "email"),
    FIELD(customer, "customers", "phone"),
    FIELD(customer, "customers", "vat_number"),
    FIELD(customer, "customers", "company"),
    { &cw_kind_item, "external_id",
      LOOK_UPS(OWN("0", "items", "external_id = k.value") OR VARIANT("1", VARIANT_WITH_ID)), true },
    VARIANT_FIELD("sku"),
    VARIANT_FIELD("barcode"),
    FIELD(item, "items", "vendor_sku"),
    FIELD(order, "orders", "number"),
};
enum { ASKABLES = sizeof askables / sizeof *askables };

/* -1 and *err where the field cannot be asked for. */
static int askable_of(const struct cw_question *question, struct cw_error *err)
{
    for (int i = 0; i < ASKABLES; i++)
        if (askables[i].kind == question->kind && strcmp(askables[i].field, question->field) == 0)
            return i;
    cw_fail(err, CW_USAGE, "%s cannot be asked for by %s", question->kind->plural, question->field);
    return -1;
}

/* --- asking --- */

/* A document that is wanted whole. */
struct whole {
    struct cw_answer *answer;
    const struct cw_kind *kind;
    struct cw_slice cart;
};

struct asking {
    struct cw_pg *pg;
    struct cw_txn *txn;
    struct cw_arena *arena;
    size_t count;
    struct asked {
        const struct cw_kind *kind;
        struct cw_slice cart; /* copied where a document is wanted whole */
        bool whole;
        int askable;
        int step; /* of what was taken so far; -1 = nothing */
    } * asked;
    struct cw_answers *answers;
    struct batch { /* the questions of one field */
        struct asking *a;
        size_t *questions; /* their places, in the order of the statement */
        size_t count;
    } batches[ASKABLES];
    size_t waiting;  /* answers that are to come, and one while statements are being sent */
    bool has_wholes; /* the second step has begun */
    bool failed;
    struct cw_error err; /* the first one */
    cw_answers_fn *answered;
    void *arg;
};

static void fail(struct asking *a, const struct cw_error *err)
{
    if (!a->failed)
        a->err = *err;
    a->failed = true;
}

static void free_asking(struct asking *a)
{
    for (size_t i = 0; i < ASKABLES; i++)
        free(a->batches[i].questions);
    free(a->asked);
    free(a->answers);
    free(a);
}

static void end(struct asking *a)
{
    if (a->failed && a->pg->store.current == a->txn) /* which may be gone when the store closes */
        cw_txn_lose(a->txn, &a->err);
    a->answered(a->arg, a->failed ? NULL : a->answers, a->failed ? 0 : a->count, a->failed ? &a->err : NULL);
    free_asking(a);
}

static void send_wholes(struct asking *a);

static void settle(struct asking *a)
{
    if (--a->waiting > 0)
        return;
    if (a->failed || a->has_wholes)
        end(a);
    else
        send_wholes(a);
}

/* --- answers --- */

/* A variant stands for its item, also where the item has the same value itself. */
static struct cw_answer *place_of(struct cw_answers *answers, struct cw_slice external_id)
{
    for (size_t i = 0; i < answers->count; i++)
        if (answers->found[i].variant_id.len == 0 &&
            cw_slice_equal(answers->found[i].external_id, external_id))
            return &answers->found[i];
    return answers->count < CW_ANSWERS_MAX ? &answers->found[answers->count++] : NULL;
}

/* What fits without case is taken where nothing fits exactly. Ids of items and of variants are two rows of
 * numbers: 12 may be both, and then the item is meant. */
static bool is_wanted(const struct asked *asked, int step)
{
    if (asked->step < 0 || asked->step == step)
        return true;
    return (step >= 2) == (asked->step >= 2) && !askables[asked->askable].is_id;
}

static bool take_answer(struct asking *a, size_t question, PGresult *result, int row, struct cw_error *err)
{
    struct asked *asked = &a->asked[question];
    int step = (int)cw_pg_int(result, row, 1);
    if (!is_wanted(asked, step))
        return true;
    struct cw_slice id = cw_pg_slice(result, row, 2);
    struct cw_answer *place = place_of(&a->answers[question], id);
    asked->step = step;
    a->answers[question].is_loose = step >= 2;
    if (place == NULL)
        return true;
    *place = (struct cw_answer){ cw_arena_copy(a->arena, id),
                                 cw_arena_copy(a->arena, cw_pg_slice(result, row, 3)), NULL };
    return (place->external_id.data != NULL && place->variant_id.data != NULL) ||
           cw_fail(err, CW_NOMEM, "out of memory for an answer");
}

static void batch_answered(void *arg, PGresult *result, const struct cw_error *err)
{
    struct batch *batch = arg;
    struct asking *a = batch->a;
    struct cw_error failed;
    bool ok = true;
    for (int row = 0; err == NULL && ok && row < PQntuples(result); row++) {
        size_t n = (size_t)cw_pg_int(result, row, 0) - 1;
        ok = n >= batch->count || take_answer(a, batch->questions[n], result, row, &failed);
    }
    if (err != NULL)
        fail(a, err);
    else if (!ok)
        fail(a, &failed);
    settle(a);
}

/* --- the first step: the questions --- */

/* What is empty fits nobody. */
static bool add_questions(struct batch *batch, const struct cw_question *questions, int askable,
                          struct cw_buffer *carts, struct cw_buffer *values, struct cw_error *err)
{
    struct asking *a = batch->a;
    carts->len = values->len = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->asked[i].askable != askable || questions[i].value.len == 0)
            continue;
        if (!cw_pg_array_add(carts, questions[i].cart, err) ||
            !cw_pg_array_add(values, questions[i].value, err))
            return false;
        batch->questions[batch->count++] = i;
    }
    return true;
}

static bool send_batch(struct asking *a, const struct cw_question *questions, int askable,
                       struct cw_buffer *carts, struct cw_buffer *values, struct cw_error *err)
{
    struct batch *batch = &a->batches[askable];
    struct cw_bind binds[2];
    batch->a = a;
    if (batch->questions == NULL && (batch->questions = calloc(a->count, sizeof(size_t))) == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory for %zu questions", a->count);
    if (!add_questions(batch, questions, askable, carts, values, err))
        return false;
    if (batch->count == 0)
        return true;
    if (!cw_pg_array_end(carts, &binds[0], err) || !cw_pg_array_end(values, &binds[1], err) ||
        !cw_pg_send(a->pg, askables[askable].look_ups, binds, 2, batch_answered, batch, err))
        return false;
    a->waiting++;
    return true;
}

static bool is_asked(const struct asking *a, int askable)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->asked[i].askable == askable)
            return true;
    return false;
}

static void send_batches(struct asking *a, const struct cw_question *questions)
{
    struct cw_buffer carts = { 0 }, values = { 0 };
    struct cw_error err;
    for (int i = 0; !a->failed && i < ASKABLES; i++)
        if (is_asked(a, i) && !send_batch(a, questions, i, &carts, &values, &err))
            fail(a, &err);
    cw_buffer_fini(&carts);
    cw_buffer_fini(&values);
}

/* --- the second step: documents that are wanted whole --- */

/* Those of one kind. */
struct wholes {
    struct asking *a;
    size_t count;
    struct cw_record_key *keys;
    struct cw_answer **answers;
    struct cw_stored *stored;
};

static void free_wholes(struct wholes *w)
{
    free(w->keys);
    free(w->answers);
    free(w->stored);
    free(w);
}

static struct wholes *create_wholes(struct asking *a, struct cw_error *err)
{
    size_t most = a->count * CW_ANSWERS_MAX;
    struct wholes *w = calloc(1, sizeof *w);
    if (w != NULL) {
        w->a = a;
        w->keys = calloc(most, sizeof *w->keys);
        w->answers = calloc(most, sizeof *w->answers);
        w->stored = calloc(most, sizeof *w->stored);
        if (w->keys != NULL && w->answers != NULL && w->stored != NULL)
            return w;
        free_wholes(w);
    }
    cw_fail(err, CW_NOMEM, "out of memory for the documents of %zu questions", a->count);
    return NULL;
}

static void wholes_fetched(void *arg, const struct cw_error *err)
{
    struct wholes *w = arg;
    struct asking *a = w->a;
    if (err != NULL)
        fail(a, err);
    for (size_t i = 0; i < w->count; i++)
        w->answers[i]->doc = w->stored[i].doc;
    free_wholes(w);
    settle(a);
}

static void collect(struct wholes *w, const struct cw_kind *kind)
{
    struct asking *a = w->a;
    for (size_t i = 0; i < a->count; i++)
        for (size_t n = 0; a->asked[i].whole && a->asked[i].kind == kind && n < a->answers[i].count; n++) {
            struct cw_answer *answer = &a->answers[i].found[n];
            w->keys[w->count] = (struct cw_record_key){ a->asked[i].cart, { "", 0 }, answer->external_id };
            w->answers[w->count++] = answer;
        }
}

static void send_whole_kind(struct asking *a, const struct cw_kind *kind)
{
    struct cw_error err;
    struct wholes *w = create_wholes(a, &err);
    if (w == NULL) {
        fail(a, &err);
        return;
    }
    collect(w, kind);
    if (w->count == 0) {
        free_wholes(w);
        return;
    }
    const struct cw_pg_fetch fetch = { kind, w->keys, w->count, false, a->arena, w->stored };
    a->waiting++;
    cw_pg_fetch(a->pg, &fetch, wholes_fetched, w);
}

static void send_wholes(struct asking *a)
{
    static const struct cw_kind *const kinds[] = { &cw_kind_customer, &cw_kind_item, &cw_kind_order };
    bool any = false;
    for (size_t i = 0; i < a->count; i++)
        any = any || a->asked[i].whole;
    a->has_wholes = true;
    a->waiting = 1;
    for (size_t i = 0; any && !a->failed && i < sizeof kinds / sizeof *kinds; i++)
        send_whole_kind(a, kinds[i]);
    settle(a);
}

/* --- all of it --- */

static bool take_question(struct asking *a, const struct cw_question *question, struct asked *asked,
                          struct cw_error *err)
{
    *asked = (struct asked){ .kind = question->kind, .whole = question->whole, .step = -1 };
    asked->askable = askable_of(question, err);
    if (asked->askable < 0)
        return false;
    if (question->whole)
        asked->cart = cw_arena_copy(a->arena, question->cart);
    return !question->whole || asked->cart.data != NULL ||
           cw_fail(err, CW_NOMEM, "out of memory for a question");
}

static struct asking *create(size_t count, struct cw_error *err)
{
    struct asking *a = calloc(1, sizeof *a);
    if (a != NULL) {
        a->count = count;
        a->waiting = 1;
        a->asked = calloc(count + 1, sizeof *a->asked);
        a->answers = calloc(count + 1, sizeof *a->answers);
        if (a->asked != NULL && a->answers != NULL)
            return a;
        free_asking(a);
    }
    cw_fail(err, CW_NOMEM, "out of memory for %zu questions", count);
    return NULL;
}

void cw_pg_ask(struct cw_txn *txn, const struct cw_question *questions, size_t count, struct cw_arena *arena,
               cw_answers_fn *answered, void *arg)
{
    struct cw_error err;
    struct asking *a = create(count, &err);
    if (a == NULL) {
        cw_txn_lose(txn, &err);
        answered(arg, NULL, 0, &err);
        return;
    }
    a->pg = cw_pg_of(txn->store);
    a->txn = txn;
    a->arena = arena;
    a->answered = answered;
    a->arg = arg;
    for (size_t i = 0; !a->failed && i < count; i++)
        if (!take_question(a, &questions[i], &a->asked[i], &err))
            fail(a, &err);
    if (!a->failed)
        send_batches(a, questions);
    settle(a);
}
