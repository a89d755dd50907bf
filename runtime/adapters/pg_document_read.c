/* pg_document_read.c - many documents at once out of their rows. See pg_documents.h.
 *
 * First the documents' own rows, and what people decided on them; then, where there are any, all lists. Each
 * is one statement for all keys, and each of the two steps one round trip. */
#include "adapters/pg_array.h"
#include "adapters/pg_documents.h"

#include <stdlib.h>

static const char select_edits[] =
    "SELECT k.n, e.* FROM unnest($1::text[], $2::text[]) WITH ORDINALITY k (cart, external_id, n) CROSS JOIN "
    "LATERAL (SELECT " CW_EDIT_COLUMNS " FROM document_edits e WHERE e.cart = k.cart AND e.kind = $3 "
    "AND e.external_id = k.external_id OFFSET 0) e ORDER BY k.n, e.field";
static const char select_releases[] =
    "SELECT k.n, r.* FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY "
    "k (cart, external_id, stream, n) CROSS JOIN LATERAL (SELECT " CW_RELEASE_COLUMNS
    " FROM releases r WHERE r.cart = k.cart AND r.stream = k.stream AND r.external_id = k.external_id "
    "OFFSET 0) r ORDER BY k.n, r.code, r.field, r.message";

/* --- rows --- */

static bool is_null(const struct cw_store_row *row, int column)
{
    return cw_pg_is_null(row->rows, row->number, row->first + column);
}

static struct cw_slice text_of(const struct cw_store_row *row, int column)
{
    return cw_pg_slice(row->rows, row->number, row->first + column);
}

static int64_t integer_of(const struct cw_store_row *row, int column)
{
    return cw_pg_int(row->rows, row->number, row->first + column);
}

static const struct cw_store_row_type row_type = { is_null, text_of, integer_of };

/* --- a fetch --- */

struct fetching {
    struct cw_pg *pg;
    struct cw_pg_fetch fetch;
    const struct cw_pg_document *plan;
    size_t waiting; /* answers that are to come, and one while statements are being sent */
    bool has_lists; /* the second step has begun */
    bool failed;
    struct cw_error err; /* the first one */
    cw_store_done_fn *done;
    void *arg;
    struct answer { /* what one statement is for */
        struct fetching *f;
        bool (*take)(struct cw_store_reading *in, struct fetching *f, size_t key,
                     const struct cw_store_rows *);
        const struct cw_store_rows *rows; /* of a list, or the documents' own */
    } answers[CW_STORE_LISTS_MAX + 3];
    size_t answer_count;
};

static void fail(struct fetching *f, const struct cw_error *err)
{
    if (!f->failed)
        f->err = *err;
    f->failed = true;
}

static void send_lists(struct fetching *f);

/* One answer less, or the sending itself is done. */
static void settle(struct fetching *f)
{
    if (--f->waiting > 0)
        return;
    if (!f->failed && !f->has_lists) {
        send_lists(f);
        return;
    }
    struct fetching ended = *f;
    free(f);
    ended.done(ended.arg, ended.failed ? &ended.err : NULL);
}

static bool take_own(struct cw_store_reading *in, struct fetching *f, size_t key,
                     const struct cw_store_rows *rows)
{
    struct cw_stored *out = &f->fetch.out[key];
    return cw_store_take_document(in, rows, f->fetch.keys[key].external_id, &out->doc, &out->number);
}

static bool take_member(struct cw_store_reading *in, struct fetching *f, size_t key,
                        const struct cw_store_rows *rows)
{
    return f->fetch.out[key].doc == NULL || cw_store_take_member(in, rows, f->fetch.out[key].doc);
}

static bool take_edit(struct cw_store_reading *in, struct fetching *f, size_t key,
                      const struct cw_store_rows *rows)
{
    (void)rows;
    return cw_store_take_edit(in, &f->fetch.out[key]);
}

static bool take_release(struct cw_store_reading *in, struct fetching *f, size_t key,
                         const struct cw_store_rows *rows)
{
    (void)rows;
    return cw_store_take_release(in, &f->fetch.out[key]);
}

static bool take_rows(const struct answer *answer, PGresult *result, struct cw_error *err)
{
    struct fetching *f = answer->f;
    struct cw_store_reading in = { .reader = &f->pg->documents->reader,
                                   .place = f->pg->place,
                                   .arena = f->fetch.arena,
                                   .row = { .type = &row_type, .rows = result, .first = 1 },
                                   .err = err };
    for (int row = 0; row < PQntuples(result); row++) {
        size_t key = (size_t)cw_pg_int(result, row, 0) - 1;
        in.row.number = row;
        if (key < f->fetch.count && !answer->take(&in, f, key, answer->rows))
            return cw_store_fail_at(err, f->fetch.keys[key].external_id);
    }
    return true;
}

static void answered(void *arg, PGresult *result, const struct cw_error *err)
{
    const struct answer *answer = arg;
    struct fetching *f = answer->f;
    struct cw_error failed;
    if (err != NULL)
        fail(f, err);
    else if (!f->failed && !take_rows(answer, result, &failed))
        fail(f, &failed);
    settle(f);
}

static void send(struct fetching *f, const char *sql, const struct cw_bind *binds, size_t count,
                 struct answer answer)
{
    struct cw_error err;
    if (f->failed)
        return;
    struct answer *place = &f->answers[f->answer_count++];
    *place = answer;
    if (cw_pg_send(f->pg, sql, binds, count, answered, place, &err))
        f->waiting++;
    else
        fail(f, &err);
}

/* --- the first step: what is found by the keys --- */

struct arrays {
    struct cw_buffer carts, ids, streams;
    struct cw_bind binds[3]; /* carts, ids, and the kind or the streams */
};

static bool make_arrays(struct arrays *a, const struct cw_pg_fetch *fetch, struct cw_bind *streams,
                        struct cw_error *err)
{
    for (size_t i = 0; i < fetch->count; i++)
        if (!cw_pg_array_add(&a->carts, fetch->keys[i].cart, err) ||
            !cw_pg_array_add(&a->ids, fetch->keys[i].external_id, err) ||
            !cw_pg_array_add(&a->streams, fetch->keys[i].stream, err))
            return false;
    return cw_pg_array_end(&a->carts, &a->binds[0], err) && cw_pg_array_end(&a->ids, &a->binds[1], err) &&
           cw_pg_array_end(&a->streams, streams, err);
}

static void send_keys(struct fetching *f)
{
    struct arrays a = { 0 };
    struct cw_bind streams;
    struct cw_error err;
    if (!make_arrays(&a, &f->fetch, &streams, &err))
        fail(f, &err);
    send(f, f->plan->own.read, a.binds, 2, (struct answer){ f, take_own, f->plan->own.of });
    if (f->fetch.decisions) {
        a.binds[2] = cw_bind_word(f->fetch.kind->name);
        send(f, select_edits, a.binds, 3, (struct answer){ f, take_edit, NULL });
        a.binds[2] = streams;
        send(f, select_releases, a.binds, 3, (struct answer){ f, take_release, NULL });
    }
    cw_buffer_fini(&a.carts);
    cw_buffer_fini(&a.ids);
    cw_buffer_fini(&a.streams);
}

/* --- the second step: the lists of what was found --- */

/* One number a key, 0 where there is no document. False when there is none at all, or no memory. */
static bool make_numbers(struct fetching *f, struct cw_buffer *array, struct cw_bind *bind)
{
    struct cw_error err;
    bool any = false, ok = true;
    for (size_t i = 0; ok && i < f->fetch.count; i++) {
        any = any || f->fetch.out[i].doc != NULL;
        ok = cw_pg_array_add_int(array, f->fetch.out[i].number, &err);
    }
    ok = ok && cw_pg_array_end(array, bind, &err);
    if (!ok)
        fail(f, &err);
    return ok && any;
}

static void send_lists(struct fetching *f)
{
    struct cw_buffer array = { 0 };
    struct cw_bind numbers;
    f->has_lists = true;
    f->waiting = 1;
    f->answer_count = 0;
    if (f->plan->plan.list_count > 0 && make_numbers(f, &array, &numbers))
        for (size_t i = 0; i < f->plan->plan.list_count; i++)
            send(f, f->plan->lists[i].read, &numbers, 1,
                 (struct answer){ f, take_member, f->plan->lists[i].of });
    cw_buffer_fini(&array);
    settle(f);
}

void cw_pg_fetch(struct cw_pg *pg, const struct cw_pg_fetch *fetch, cw_store_done_fn *done, void *arg)
{
    struct cw_error err;
    const struct cw_pg_document *plan = cw_pg_document_plan(pg, fetch->kind, &err);
    struct fetching *f = plan != NULL ? calloc(1, sizeof *f) : NULL;
    if (f == NULL) {
        if (plan != NULL)
            cw_fail(&err, CW_NOMEM, "out of memory for %zu documents", fetch->count);
        done(arg, &err);
        return;
    }
    *f = (struct fetching){ .pg = pg, .fetch = *fetch, .plan = plan, .waiting = 1, .done = done, .arg = arg };
    send_keys(f);
    settle(f);
}

/* --- all of some keys --- */

struct getting {
    struct cw_txn *txn;
    struct cw_store *store;
    cw_stored_fn *got;
    void *arg;
    size_t count;
    struct cw_record_key *keys;
    struct cw_stored *stored;
};

static void fetched(void *arg, const struct cw_error *err)
{
    struct getting *g = arg;
    if (err != NULL && g->store->current == g->txn) /* which may be gone when the store closes */
        cw_txn_lose(g->txn, err);
    g->got(g->arg, err == NULL ? g->stored : NULL, err == NULL ? g->count : 0, err);
    free(g);
}

/* With room for what is found, and copies of the keys. */
static struct getting *create(const struct cw_record_key *keys, size_t count, struct cw_arena *arena,
                              struct cw_error *err)
{
    size_t each = sizeof(struct cw_record_key) + sizeof(struct cw_stored);
    struct getting *g = calloc(1, sizeof *g + count * each);
    bool ok = g != NULL;
    if (ok) {
        g->count = count;
        g->stored = (struct cw_stored *)(g + 1);
        g->keys = (struct cw_record_key *)(g->stored + count);
        for (size_t i = 0; ok && i < count; i++) {
            g->keys[i] = keys[i];
            g->keys[i].external_id = cw_arena_copy(arena, keys[i].external_id);
            ok = g->keys[i].external_id.data != NULL;
        }
    }
    if (ok)
        return g;
    free(g);
    cw_fail(err, CW_NOMEM, "out of memory for %zu documents", count);
    return NULL;
}

void cw_pg_get_documents(struct cw_txn *txn, const struct cw_kind *kind, const struct cw_record_key *keys,
                         size_t count, struct cw_arena *arena, cw_stored_fn *got, void *arg)
{
    struct cw_error err;
    struct getting *g = create(keys, count, arena, &err);
    if (g == NULL) {
        cw_txn_lose(txn, &err);
        got(arg, NULL, 0, &err);
        return;
    }
    g->txn = txn;
    g->store = txn->store;
    g->got = got;
    g->arg = arg;
    const struct cw_pg_fetch fetch = { kind, g->keys, count, true, arena, g->stored };
    cw_pg_fetch(cw_pg_of(txn->store), &fetch, fetched, g);
}
