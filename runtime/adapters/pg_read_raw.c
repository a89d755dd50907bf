/* pg_read_raw.c - reading stored raw records in order, page by page. See pg_engine.h.
 *
 * A page is at most PAGE_RECORDS records and about PAGE_BYTES, so that memory stays flat; it is copied before
 * the caller sees its records, who may write, commit and wait meanwhile. The next page begins behind the last
 * record of the one before. */
#include "adapters/pg_array.h"

#include <stdlib.h>

#define PAGE_RECORDS "64"
#define PAGE_BYTES   "4194304"

/* From the inside out: the places that the filter leaves, the record of each, and as many as fit the page. A
 * place without a record is passed by. OFFSET 0 keeps the look-ups single, however small the tables were when
 * the statement was planned. */
#define PLACES(from, where)                                                                                  \
    "SELECT p.cart, p.stream, p.sort_key, p.id, p.external_id, p.version, p.hash, p.format, p.encoding, "    \
    "p.received_at, p.run_id, p.outcome, p.reason, p.script_version, p.bytes FROM (SELECT t.cart, "          \
    "t.stream, t.sort_key, r.*, sum(r.size) OVER (ORDER BY t.cart, t.stream, t.sort_key) - r.size AS "       \
    "before FROM (SELECT DISTINCT t.cart, t.stream, t.sort_key FROM " from " WHERE " where                   \
    " ORDER BY t.cart, t.stream, t.sort_key LIMIT " PAGE_RECORDS                                             \
    ") t LEFT JOIN LATERAL (SELECT r.id, r.external_id, r.version, r.hash, r.format, r.encoding, "           \
    "r.received_at, r.run_id, r.outcome, r.reason, r.script_version, r.bytes, octet_length(r.bytes) + "      \
    "coalesce((SELECT sum(octet_length(bytes)) FROM raw_parts WHERE raw_id = r.id), 0) AS size "             \
    "FROM raw_heads h JOIN raw_records r ON r.id = h.raw_id WHERE h.cart = t.cart AND h.stream = t.stream "  \
    "AND h.sort_key = t.sort_key OFFSET 0) r ON true) p WHERE coalesce(p.before, 0) < " PAGE_BYTES           \
    " ORDER BY p.cart, p.stream, p.sort_key"

/* What the key's parts narrow down to: a range of the index. $1 to $3: the place behind which the page
 * begins; `id` and `stream`: the parameters of the only external_id, in its sorting form, and of the only
 * stream, or NULL. They stand only where they are needed: the planner takes them for rare, and would rather
 * read all than look for the next. */
#define ONE(id)   "t.cart = $1 AND t.stream = $2 AND t.sort_key > $3 AND t.sort_key = " id
#define IN_STREAM "t.cart = $1 AND t.stream = $2 AND t.sort_key > $3"
#define IN_CART   "t.cart = $1 AND (t.stream, t.sort_key) > ($2, $3)"
#define IN_ALL    "(t.cart, t.stream, t.sort_key) > ($1, $2, $3)"
#define ONE_OF(id, stream)                                                                                   \
    " AND (" id "::text IS NULL OR t.sort_key = " id ") AND (" stream "::text IS NULL OR t.stream = " stream \
    ")"

enum narrow { ALL, SOME_OF_ALL, CART, SOME_OF_CART, STREAM, RECORD };
#define NARROWED(from, where, id, stream)                                                                    \
    {                                                                                                        \
        [ALL] = PLACES(from, IN_ALL where), [SOME_OF_ALL] = PLACES(from, IN_ALL ONE_OF(id, stream) where),   \
        [CART] = PLACES(from, IN_CART where),                                                                \
        [SOME_OF_CART] = PLACES(from, IN_CART ONE_OF(id, stream) where),                                     \
        [STREAM] = PLACES(from, IN_STREAM where), [RECORD] = PLACES(from, ONE(id) where)                     \
    }

enum heads { ANY, PARKED, WITH_CODE, WITH_SUBJECT };
static const char *const selects[][6] = {
    [ANY] = NARROWED("raw_heads t", "", "$4", "$5"),
    [PARKED] = NARROWED("raw_heads t", " AND t.outcome = 'parked'", "$4", "$5"),
    [WITH_CODE] = NARROWED("staged_issues t", " AND t.code = $4", "$5", "$6"),
    [WITH_SUBJECT] =
        NARROWED("staged_issues t",
                 " AND t.code = $4 AND left(t.subject, 200) = left($5, 200) AND t.subject = $5", "$6", "$7"),
};

static const char select_parts[] =
    "SELECT k.n, p.name, p.format, p.encoding, p.bytes FROM unnest($1::bigint[]) WITH ORDINALITY k (id, n) "
    "CROSS JOIN LATERAL (SELECT position, name, format, encoding, bytes FROM raw_parts "
    "WHERE raw_id = k.id OFFSET 0) p ORDER BY k.n, p.position";

/* A page on its way. */
struct walk {
    struct cw_pg *pg;
    enum heads heads;
    enum narrow narrow;
    struct cw_buffer place[3]; /* cart, stream and sort_key of the last record */
    struct cw_buffer only_id, only_stream, code, subject;
    struct cw_arena arena; /* of the page */
    struct page_record {
        struct cw_raw raw;
        int64_t id, version; /* id 0 = no record */
    } * records;
    size_t count;
    cw_raw_row_fn *row;
    cw_store_done_fn *done;
    void *arg;
};

static void end(struct walk *w, const struct cw_error *err)
{
    cw_store_done_fn *done = w->done;
    void *arg = w->arg;
    cw_arena_fini(&w->arena);
    for (size_t i = 0; i < 3; i++)
        cw_buffer_fini(&w->place[i]);
    cw_buffer_fini(&w->only_id);
    cw_buffer_fini(&w->only_stream);
    cw_buffer_fini(&w->code);
    cw_buffer_fini(&w->subject);
    free(w);
    done(arg, err);
}

static void read_page(struct walk *w);

/* --- taking a page --- */

static bool no_memory(struct cw_error *err)
{
    return cw_fail(err, CW_NOMEM, "out of memory for a stored record");
}

static bool keep(struct cw_buffer *into, struct cw_slice text, struct cw_error *err)
{
    cw_buffer_clear(into);
    return cw_buffer_add(into, text.data, text.len, err);
}

/* *ok turns false when memory is exhausted. */
static struct cw_slice copied(struct walk *w, PGresult *result, int row, int column, bool *ok)
{
    struct cw_slice copy = cw_arena_copy(&w->arena, cw_pg_slice(result, row, column));
    *ok = *ok && copy.data != NULL;
    return copy;
}

static bool take_record(struct walk *w, PGresult *result, int row, struct page_record *record,
                        struct cw_error *err)
{
    bool ok = true;
    struct cw_slice hash = cw_pg_slice(result, row, 6);
    record->id = cw_pg_int(result, row, 3);
    if (record->id == 0)
        return true;
    record->version = cw_pg_int(result, row, 5);
    record->raw = (struct cw_raw){ .key = { copied(w, result, row, 0, &ok), copied(w, result, row, 1, &ok),
                                            copied(w, result, row, 4, &ok) },
                                   .format = copied(w, result, row, 7, &ok),
                                   .encoding = copied(w, result, row, 8, &ok),
                                   .received_at = cw_pg_time(result, row, 9),
                                   .run = cw_pg_int(result, row, 10),
                                   .reason = copied(w, result, row, 12, &ok),
                                   .script_version = copied(w, result, row, 13, &ok),
                                   .bytes = copied(w, result, row, 14, &ok) };
    if (hash.len == CW_HASH_BYTES)
        memcpy(record->raw.hash.bytes, hash.data, CW_HASH_BYTES);
    cw_outcome_parse(cw_pg_slice(result, row, 11), &record->raw.outcome);
    return ok || no_memory(err);
}

static bool take_page(struct walk *w, PGresult *result, struct cw_error *err)
{
    int last = PQntuples(result) - 1;
    cw_arena_reset(&w->arena);
    w->count = (size_t)(last + 1);
    w->records = cw_arena_alloc(&w->arena, (w->count + 1) * sizeof *w->records);
    if (w->records == NULL)
        return no_memory(err);
    memset(w->records, 0, w->count * sizeof *w->records);
    for (int row = 0; row <= last; row++)
        if (!take_record(w, result, row, &w->records[row], err))
            return false;
    for (int i = 0; last >= 0 && i < 3; i++)
        if (!keep(&w->place[i], cw_pg_slice(result, last, i), err))
            return false;
    return true;
}

/* The rows of one record from `row` on. */
static bool take_parts(struct walk *w, PGresult *result, int row, int count, struct page_record *record,
                       struct cw_error *err)
{
    bool ok = true;
    struct cw_raw_part *parts = cw_arena_alloc(&w->arena, (size_t)count * sizeof *parts);
    if (parts == NULL)
        return no_memory(err);
    for (int i = 0; i < count; i++)
        parts[i] =
            (struct cw_raw_part){ copied(w, result, row + i, 1, &ok), copied(w, result, row + i, 2, &ok),
                                  copied(w, result, row + i, 3, &ok), copied(w, result, row + i, 4, &ok) };
    record->raw.parts = parts;
    record->raw.part_count = (size_t)count;
    return ok || no_memory(err);
}

static bool take_all_parts(struct walk *w, PGresult *result, struct cw_error *err)
{
    int total = PQntuples(result);
    for (int row = 0, count; row < total; row += count) {
        int64_t n = cw_pg_int(result, row, 0);
        for (count = 1; row + count < total && cw_pg_int(result, row + count, 0) == n;)
            count++;
        if (n >= 1 && (size_t)n <= w->count && !take_parts(w, result, row, count, &w->records[n - 1], err))
            return false;
    }
    return true;
}

/* --- the walk --- */

static void hand_out(struct walk *w)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct page_record *record = &w->records[i];
        if (record->id != 0 && !w->row(w->arg, &record->raw, record->version)) {
            end(w, NULL);
            return;
        }
    }
    read_page(w);
}

static void parts_read(void *arg, PGresult *result, const struct cw_error *err)
{
    struct walk *w = arg;
    struct cw_error failed;
    if (err != NULL)
        end(w, err);
    else if (!take_all_parts(w, result, &failed))
        end(w, &failed);
    else
        hand_out(w);
}

static bool read_parts(struct walk *w, struct cw_error *err)
{
    struct cw_buffer ids = { 0 };
    struct cw_bind bind;
    bool ok = true;
    for (size_t i = 0; ok && i < w->count; i++)
        ok = cw_pg_array_add_int(&ids, w->records[i].id, err);
    ok = ok && cw_pg_array_end(&ids, &bind, err) &&
         cw_pg_send(w->pg, select_parts, &bind, 1, parts_read, w, err);
    cw_buffer_fini(&ids);
    return ok;
}

static void page_read(void *arg, PGresult *result, const struct cw_error *err)
{
    struct walk *w = arg;
    struct cw_error failed;
    if (err != NULL)
        end(w, err);
    else if (PQntuples(result) == 0)
        end(w, NULL);
    else if (!take_page(w, result, &failed) || !read_parts(w, &failed))
        end(w, &failed);
}

static struct cw_bind bind_only(const struct cw_buffer *only)
{
    return only->len > 0 ? cw_bind_text(cw_buffer_slice(only)) : (struct cw_bind){ .type = CW_BIND_NULL };
}

/* In the order in which the statement has them. */
static size_t bind_page(const struct walk *w, struct cw_bind binds[7])
{
    size_t count = 0;
    for (int i = 0; i < 3; i++)
        binds[count++] = cw_bind_text(cw_buffer_slice(&w->place[i]));
    if (w->heads == WITH_CODE || w->heads == WITH_SUBJECT)
        binds[count++] = cw_bind_text(cw_buffer_slice(&w->code));
    if (w->heads == WITH_SUBJECT)
        binds[count++] = cw_bind_text(cw_buffer_slice(&w->subject));
    if (w->narrow == SOME_OF_ALL || w->narrow == SOME_OF_CART || w->narrow == RECORD)
        binds[count++] = bind_only(&w->only_id);
    if (w->narrow == SOME_OF_ALL || w->narrow == SOME_OF_CART)
        binds[count++] = bind_only(&w->only_stream);
    return count;
}

static void read_page(struct walk *w)
{
    struct cw_error err;
    struct cw_bind binds[7];
    size_t count = bind_page(w, binds);
    if (!cw_pg_send(w->pg, selects[w->heads][w->narrow], binds, count, page_read, w, &err))
        end(w, &err);
}

static enum narrow narrow_of(struct cw_record_key key)
{
    bool has_id = key.external_id.len > 0, has_stream = key.stream.len > 0;
    if (key.cart.len == 0)
        return has_id || has_stream ? SOME_OF_ALL : ALL;
    if (!has_stream)
        return has_id ? SOME_OF_CART : CART;
    return has_id ? RECORD : STREAM;
}

static void choose_select(struct walk *w, const struct cw_raw_filter *filter)
{
    w->narrow = narrow_of(filter->key);
    w->heads = filter->subject.len > 0 ? WITH_SUBJECT
               : filter->code.len > 0  ? WITH_CODE /* whatever waits is parked */
               : filter->only_parked   ? PARKED
                                       : ANY;
}

/* The walk starts before everything that the filter names, or behind `after`. */
static bool set_out(struct walk *w, const struct cw_raw_filter *filter, struct cw_error *err)
{
    struct cw_record_key key = filter->key;
    choose_select(w, filter);
    return keep(&w->place[0], key.cart, err) &&
           keep(&w->place[1], key.cart.len > 0 ? key.stream : (struct cw_slice){ "", 0 }, err) &&
           (filter->after.len == 0 || cw_store_sort_key(filter->after, &w->place[2], err)) &&
           keep(&w->only_stream, key.stream, err) && keep(&w->code, filter->code, err) &&
           keep(&w->subject, filter->subject, err) &&
           (key.external_id.len == 0 || cw_store_sort_key(key.external_id, &w->only_id, err));
}

void cw_pg_read_raw(struct cw_store *store, const struct cw_raw_filter *filter, cw_raw_row_fn *row,
                    cw_store_done_fn *done, void *arg)
{
    struct cw_error err;
    struct walk *w = calloc(1, sizeof *w);
    if (w == NULL) {
        no_memory(&err);
        done(arg, &err);
        return;
    }
    *w = (struct walk){ .pg = cw_pg_of(store), .row = row, .done = done, .arg = arg };
    cw_arena_init(&w->arena, 0);
    if (set_out(w, filter, &err))
        read_page(w);
    else
        end(w, &err);
}
