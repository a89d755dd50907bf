/* sqlite_read_raw.c - reading stored raw records in order, one at a time.
 *
 * Each record is looked up on its own, after the one before, and copied before the caller sees it: the caller
 * may write and commit meanwhile, and no read holds back the log however long the whole takes. */
#include "adapters/sqlite_engine.h"

#define COLUMNS                                                                                              \
    "SELECT h.cart, h.stream, h.sort_key, r.id, r.external_id, r.version, r.hash, r.format, r.encoding, "    \
    "r.received_at, r.run_id, r.outcome, r.reason, r.script_version, r.bytes FROM "
#define RECORDS   "JOIN raw_records r ON r.id = h.raw_id WHERE "
#define ALL_HEADS COLUMNS "raw_heads h " RECORDS
/* Without statistics SQLite would scan all of them. */
#define PARKED_HEADS COLUMNS "raw_heads h INDEXED BY raw_heads_parked " RECORDS "h.outcome = 'parked' AND "
#define WAITING(index)                                                                                       \
    COLUMNS "staged_issues i INDEXED BY " index                                                              \
            " CROSS JOIN raw_heads h ON h.cart = i.cart AND h.stream = i.stream AND h.sort_key = "           \
            "i.sort_key " RECORDS "i.code = ?6 AND "
#define CODE_HEADS    WAITING("staged_issues_code")
#define SUBJECT_HEADS WAITING("staged_issues_subject") "i.subject = ?7 AND "
#define ORDER(t)      " ORDER BY " t ".cart, " t ".stream, " t ".sort_key LIMIT 1"

/* What the key's parts narrow down to: a range of the index, so that no step reads more than it needs. ?1 to
 * ?3: the place of the record before. ?4: the only external_id, in its sorting form, or NULL. */
#define ONE(t)       t ".cart = ?1 AND " t ".stream = ?2 AND " t ".sort_key > ?3 AND " t ".sort_key = ?4"
#define IN_STREAM(t) t ".cart = ?1 AND " t ".stream = ?2 AND " t ".sort_key > ?3"
#define IN_CART(t)   t ".cart = ?1 AND (" t ".stream, " t ".sort_key) > (?2, ?3)"
#define IN_ALL(t)    "(" t ".cart, " t ".stream, " t ".sort_key) > (?1, ?2, ?3)"
#define ONE_OF(t)    " AND (?4 IS NULL OR " t ".sort_key = ?4) AND (?5 IS NULL OR " t ".stream = ?5)"

#define NARROWED(heads, t)                                                                                   \
    {                                                                                                        \
        heads IN_ALL(t) ONE_OF(t) ORDER(t), heads IN_CART(t) ONE_OF(t) ORDER(t),                             \
            heads IN_STREAM(t) ONE_OF(t) ORDER(t), heads ONE(t) ONE_OF(t) ORDER(t)                           \
    }

enum heads { ALL, PARKED, WITH_CODE, WITH_SUBJECT };
static const char *const selects[][4] = {
    [ALL] = NARROWED(ALL_HEADS, "h"),
    [PARKED] = NARROWED(PARKED_HEADS, "h"),
    [WITH_CODE] = NARROWED(CODE_HEADS, "i"),
    [WITH_SUBJECT] = NARROWED(SUBJECT_HEADS, "i"),
};

/* One step through the store: the record in hand, all in `arena`. */
struct walk {
    struct cw_sqlite *s;
    const char *select;
    struct cw_bind only_id, only_stream, code, subject;
    size_t bind_count; /* code and subject are bound only where the statement has them */
    struct cw_slice cart, stream;
    struct cw_buffer sort_key; /* of the record before; the first two are in `place` */
    struct cw_buffer place_cart, place_stream;
    struct cw_arena arena;
    struct cw_raw raw;
    int64_t raw_id, version;
};

static void choose_select(struct walk *w, const struct cw_raw_filter *filter)
{
    struct cw_record_key key = filter->key;
    int narrow = key.cart.len == 0 ? 0 : key.stream.len == 0 ? 1 : key.external_id.len == 0 ? 2 : 3;
    enum heads heads = filter->subject.len > 0 ? WITH_SUBJECT
                       : filter->code.len > 0  ? WITH_CODE /* whatever waits is parked */
                       : filter->only_parked   ? PARKED
                                               : ALL;
    w->select = selects[heads][narrow];
    w->code = cw_bind_text(filter->code);
    w->subject = cw_bind_text(filter->subject);
    w->bind_count = heads == WITH_SUBJECT ? 7 : heads == WITH_CODE ? 6 : 5;
}

static struct cw_slice copied(struct walk *w, sqlite3_stmt *row, int column)
{
    return cw_arena_copy(&w->arena, cw_sqlite_slice(row, column));
}

static bool keep(struct cw_buffer *into, struct cw_slice text, struct cw_error *err)
{
    cw_buffer_clear(into);
    return cw_buffer_add(into, text.data, text.len, err);
}

static bool whole(const struct cw_raw *raw, struct cw_error *err)
{
    return (raw->key.cart.data != NULL && raw->key.stream.data != NULL && raw->key.external_id.data != NULL &&
            raw->format.data != NULL && raw->encoding.data != NULL && raw->reason.data != NULL &&
            raw->script_version.data != NULL && raw->bytes.data != NULL) ||
           cw_fail(err, CW_NOMEM, "out of memory for a stored record");
}

static bool take_row(struct walk *w, sqlite3_stmt *row, struct cw_error *err)
{
    struct cw_slice hash = cw_sqlite_slice(row, 6);
    w->raw = (struct cw_raw){ .key = { copied(w, row, 0), copied(w, row, 1), copied(w, row, 4) },
                              .format = copied(w, row, 7),
                              .encoding = copied(w, row, 8),
                              .received_at = cw_sqlite_time(row, 9),
                              .run = sqlite3_column_int64(row, 10),
                              .reason = copied(w, row, 12),
                              .script_version = copied(w, row, 13),
                              .bytes = copied(w, row, 14) };
    w->raw_id = sqlite3_column_int64(row, 3);
    w->version = sqlite3_column_int64(row, 5);
    if (hash.len == CW_HASH_BYTES)
        memcpy(w->raw.hash.bytes, hash.data, CW_HASH_BYTES);
    cw_outcome_parse(cw_sqlite_slice(row, 11), &w->raw.outcome);
    return whole(&w->raw, err) && keep(&w->place_cart, cw_sqlite_slice(row, 0), err) &&
           keep(&w->place_stream, cw_sqlite_slice(row, 1), err) &&
           keep(&w->sort_key, cw_sqlite_slice(row, 2), err);
}

/* --- parts --- */

static const char count_parts[] = "SELECT count(*) FROM raw_parts WHERE raw_id = ?1";
static const char select_part[] = "SELECT name, format, encoding, bytes FROM raw_parts WHERE raw_id = ?1 "
                                  "AND position > ?2 ORDER BY position LIMIT 1";

static bool read_part(struct walk *w, size_t i, struct cw_raw_part *part, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(w->s, select_part,
                                       CW_BINDS(cw_bind_int(w->raw_id), cw_bind_int((int64_t)i)), &row, err);
    if (found == CW_ROW_FAILED)
        return false;
    if (found == CW_ROW_NONE)
        return cw_fail(err, CW_CORRUPT, "%s: a part of a raw record is missing", w->s->path);
    *part =
        (struct cw_raw_part){ copied(w, row, 0), copied(w, row, 1), copied(w, row, 2), copied(w, row, 3) };
    sqlite3_reset(row);
    return (part->name.data != NULL && part->format.data != NULL && part->encoding.data != NULL &&
            part->bytes.data != NULL) ||
           cw_fail(err, CW_NOMEM, "out of memory for a stored record");
}

static bool read_parts(struct walk *w, struct cw_error *err)
{
    sqlite3_stmt *row;
    if (cw_sqlite_find(w->s, count_parts, CW_BINDS(cw_bind_int(w->raw_id)), &row, err) != CW_ROW_FOUND)
        return false;
    size_t count = (size_t)sqlite3_column_int64(row, 0);
    sqlite3_reset(row);
    if (count == 0)
        return true;
    struct cw_raw_part *parts = cw_arena_alloc(&w->arena, count * sizeof *parts);
    if (parts == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory for a stored record");
    for (size_t i = 0; i < count; i++)
        if (!read_part(w, i, &parts[i], err))
            return false;
    w->raw.parts = parts;
    w->raw.part_count = count;
    return true;
}

/* --- the walk --- */

static enum cw_row read_next(struct walk *w, struct cw_error *err)
{
    sqlite3_stmt *row;
    cw_arena_reset(&w->arena);
    const struct cw_bind binds[] = { cw_bind_text(cw_buffer_slice(&w->place_cart)),
                                     cw_bind_text(cw_buffer_slice(&w->place_stream)),
                                     cw_bind_text(cw_buffer_slice(&w->sort_key)),
                                     w->only_id,
                                     w->only_stream,
                                     w->code,
                                     w->subject };
    enum cw_row found = cw_sqlite_find(w->s, w->select, binds, w->bind_count, &row, err);
    if (found != CW_ROW_FOUND)
        return found;
    bool ok = take_row(w, row, err);
    sqlite3_reset(row);
    return ok && read_parts(w, err) ? CW_ROW_FOUND : CW_ROW_FAILED;
}

/* The walk starts before everything that the filter names, or behind `after`; an external_id of its own goes
 * into w->only_id. */
static bool set_out(struct walk *w, const struct cw_raw_filter *filter, struct cw_buffer *id,
                    struct cw_error *err)
{
    struct cw_record_key key = filter->key;
    choose_select(w, filter);
    if (!keep(&w->place_cart, key.cart, err) ||
        !keep(&w->place_stream, key.cart.len > 0 ? key.stream : (struct cw_slice){ "", 0 }, err) ||
        !(filter->after.len > 0 ? cw_store_sort_key(filter->after, &w->sort_key, err)
                                : keep(&w->sort_key, (struct cw_slice){ "", 0 }, err)))
        return false;
    if (key.stream.len > 0)
        w->only_stream = cw_bind_text(key.stream);
    if (key.external_id.len == 0)
        return true;
    if (!cw_store_sort_key(key.external_id, id, err))
        return false;
    w->only_id = cw_bind_text(cw_buffer_slice(id));
    return true;
}

void cw_sqlite_read_raw(struct cw_store *store, const struct cw_raw_filter *filter, cw_raw_row_fn *row,
                        cw_store_done_fn *done, void *arg)
{
    struct walk w = { .s = cw_sqlite_of(store) };
    struct cw_buffer id = { 0 };
    struct cw_error err;
    enum cw_row found = CW_ROW_FAILED;
    cw_arena_init(&w.arena, 0);
    if (set_out(&w, filter, &id, &err))
        do
            found = read_next(&w, &err);
        while (found == CW_ROW_FOUND && row(arg, &w.raw, w.version));
    cw_arena_fini(&w.arena);
    cw_buffer_fini(&w.sort_key);
    cw_buffer_fini(&w.place_cart);
    cw_buffer_fini(&w.place_stream);
    cw_buffer_fini(&id);
    done(arg, found == CW_ROW_FAILED ? &err : NULL);
}
