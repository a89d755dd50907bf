/* sqlite_edits.c - what people decided beside the documents: values they set, issues they let pass. */
#include "adapters/sqlite_documents.h"

static struct cw_bind bind_value(struct cw_slice value)
{
    return value.data != NULL ? cw_bind_text(value) : (struct cw_bind){ .type = CW_BIND_NULL };
}

/* Room for one more of `count` pieces, which move when `count` has become a power of two. NULL when memory is
 * exhausted. */
static void *grown(struct cw_arena *arena, const void *old, size_t count, size_t size)
{
    bool is_full = (count & (count - 1)) == 0;
    if (!is_full)
        return (void *)old;
    void *made = cw_arena_alloc(arena, (count == 0 ? 1 : 2 * count) * size);
    if (made != NULL && count > 0)
        memcpy(made, old, count * size);
    return made;
}

static bool no_memory(struct cw_error *err)
{
    return cw_fail(err, CW_NOMEM, "out of memory for a stored document");
}

/* A text of the row, in the arena. NULL stays NULL; *ok turns false when memory is exhausted. */
static struct cw_slice copied(struct cw_arena *arena, sqlite3_stmt *row, int column, bool *ok)
{
    struct cw_slice text = cw_sqlite_slice(row, column);
    if (text.data == NULL)
        return text;
    text = cw_arena_copy(arena, text);
    *ok = *ok && text.data != NULL;
    return text;
}

/* --- edits --- */

static const char upsert_edit[] =
    "INSERT INTO document_edits (cart, kind, external_id, field, value, cart_value, is_contested, who, "
    "reason, edited_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
    "ON CONFLICT (cart, kind, external_id, field) DO UPDATE SET value = excluded.value, "
    "cart_value = excluded.cart_value, is_contested = excluded.is_contested, who = excluded.who, "
    "reason = excluded.reason, edited_at = excluded.edited_at";
static const char delete_edit[] =
    "DELETE FROM document_edits WHERE cart = ?1 AND kind = ?2 AND external_id = ?3 AND field = ?4";
static const char select_edits[] =
    "SELECT field, value, cart_value, is_contested, who, reason, edited_at FROM document_edits "
    "WHERE cart = ?1 AND kind = ?2 AND external_id = ?3 ORDER BY field";

bool cw_sqlite_put_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                        struct cw_slice external_id, const struct cw_edit *edit, struct cw_error *err)
{
    return cw_sqlite_run(cw_sqlite_of(txn->store), upsert_edit,
                         CW_BINDS(cw_bind_text(cart), cw_bind_word(kind->name), cw_bind_text(external_id),
                                  cw_bind_text(edit->field), bind_value(edit->value),
                                  bind_value(edit->cart_value), cw_bind_int(edit->is_contested),
                                  cw_bind_text(edit->who), cw_bind_text(edit->reason),
                                  cw_bind_time(edit->at)),
                         err);
}

bool cw_sqlite_drop_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                         struct cw_slice external_id, struct cw_slice field, struct cw_error *err)
{
    return cw_sqlite_run(cw_sqlite_of(txn->store), delete_edit,
                         CW_BINDS(cw_bind_text(cart), cw_bind_word(kind->name), cw_bind_text(external_id),
                                  cw_bind_text(field)),
                         err);
}

static bool take_edit(sqlite3_stmt *row, struct cw_arena *arena, struct cw_stored *out, struct cw_error *err)
{
    struct cw_edit *edits = grown(arena, out->edits, out->edit_count, sizeof *edits);
    bool ok = edits != NULL;
    if (!ok)
        return no_memory(err);
    edits[out->edit_count++] = (struct cw_edit){ .field = copied(arena, row, 0, &ok),
                                                 .value = copied(arena, row, 1, &ok),
                                                 .cart_value = copied(arena, row, 2, &ok),
                                                 .is_contested = sqlite3_column_int64(row, 3) != 0,
                                                 .who = copied(arena, row, 4, &ok),
                                                 .reason = copied(arena, row, 5, &ok),
                                                 .at = cw_sqlite_time(row, 6) };
    out->edits = edits;
    return ok || no_memory(err);
}

/* --- releases --- */

static const char upsert_release[] =
    "INSERT INTO releases (cart, stream, external_id, code, field, message, who, reason, released_at) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
    "ON CONFLICT (cart, stream, external_id, code, field, message) DO UPDATE SET who = excluded.who, "
    "reason = excluded.reason, released_at = excluded.released_at";
static const char select_releases[] =
    "SELECT code, field, message, who, reason, released_at FROM releases "
    "WHERE cart = ?1 AND stream = ?2 AND external_id = ?3 ORDER BY code, field, message";

bool cw_sqlite_put_release(struct cw_txn *txn, struct cw_record_key key, const struct cw_release *release,
                           struct cw_error *err)
{
    return cw_sqlite_run(
        cw_sqlite_of(txn->store), upsert_release,
        CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream), cw_bind_text(key.external_id),
                 cw_bind_text(release->code), cw_bind_text(release->field), cw_bind_text(release->message),
                 cw_bind_text(release->who), cw_bind_text(release->reason), cw_bind_time(release->at)),
        err);
}

static bool take_release(sqlite3_stmt *row, struct cw_arena *arena, struct cw_stored *out,
                         struct cw_error *err)
{
    struct cw_release *releases = grown(arena, out->releases, out->release_count, sizeof *releases);
    bool ok = releases != NULL;
    if (!ok)
        return no_memory(err);
    releases[out->release_count++] = (struct cw_release){ .code = copied(arena, row, 0, &ok),
                                                          .field = copied(arena, row, 1, &ok),
                                                          .message = copied(arena, row, 2, &ok),
                                                          .who = copied(arena, row, 3, &ok),
                                                          .reason = copied(arena, row, 4, &ok),
                                                          .at = cw_sqlite_time(row, 5) };
    out->releases = releases;
    return ok || no_memory(err);
}

/* --- reading --- */

typedef bool take_fn(sqlite3_stmt *row, struct cw_arena *arena, struct cw_stored *out, struct cw_error *err);

static bool read_rows(struct cw_sqlite *s, const char *sql, const struct cw_slice key[3], take_fn *take,
                      struct cw_arena *arena, struct cw_stored *out, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        s, sql, CW_BINDS(cw_bind_text(key[0]), cw_bind_text(key[1]), cw_bind_text(key[2])), &row, err);
    while (found == CW_ROW_FOUND) {
        if (!take(row, arena, out, err)) {
            sqlite3_reset(row);
            return false;
        }
        found = cw_sqlite_next(s, row, err);
    }
    return found == CW_ROW_NONE;
}

bool cw_sqlite_read_edits(struct cw_sqlite *s, const struct cw_kind *kind, struct cw_record_key key,
                          struct cw_arena *arena, struct cw_stored *out, struct cw_error *err)
{
    const struct cw_slice edited[3] = { key.cart, cw_slice(kind->name), key.external_id };
    return read_rows(s, select_edits, edited, take_edit, arena, out, err);
}

bool cw_sqlite_read_releases(struct cw_sqlite *s, struct cw_record_key key, struct cw_arena *arena,
                             struct cw_stored *out, struct cw_error *err)
{
    const struct cw_slice record[3] = { key.cart, key.stream, key.external_id };
    return read_rows(s, select_releases, record, take_release, arena, out, err);
}
