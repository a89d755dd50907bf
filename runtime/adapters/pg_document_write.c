/* pg_document_write.c - documents into rows. See pg_documents.h. */
#include "adapters/pg_documents.h"

/* The binds of the fields, from binds[first] on. */
static bool bind_fields(const struct cw_store_rows *rows, const struct cw_document *doc, int money_digits,
                        struct cw_bind *binds, struct cw_error *err)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!cw_store_bind_column(rows, i, doc, money_digits, &binds[i], err))
            return false;
    return true;
}

static bool write_own(struct cw_pg *pg, const struct cw_pg_document *plan, struct cw_slice cart,
                      const struct cw_document *doc, cw_time at, int64_t run, struct cw_error *err)
{
    struct cw_bind binds[CW_PG_BINDS_MAX] = { cw_bind_text(cart), cw_bind_text(doc->external_id),
                                              cw_bind_int(run), cw_bind_time(at) };
    int digits = cw_store_money_digits(&plan->plan, doc);
    return cw_store_bind_custom(doc, &pg->documents->custom, &binds[CW_DOC_CUSTOM - 1], err) &&
           bind_fields(plan->own.of, doc, digits, &binds[CW_DOC_FIELDS - 1], err) &&
           cw_pg_run(pg, plan->own.write[0], binds, CW_DOC_FIELDS - 1 + plan->own.of->count, err);
}

/* Texts of a member stand where the next one's will stand, or in the document, which stays. */
static bool keep_texts(struct cw_arena *arena, struct cw_bind *binds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (binds[i].type != CW_BIND_TEXT)
            continue;
        binds[i].slice = cw_arena_copy(arena, binds[i].slice);
        if (binds[i].slice.data == NULL)
            return false;
    }
    return true;
}

static bool bind_member(struct cw_pg *pg, const struct cw_pg_rows *rows, const struct cw_document *row,
                        int64_t position, int digits, struct cw_bind *binds, struct cw_error *err)
{
    binds[CW_PG_MEMBER_POSITION] = cw_bind_int(position);
    if (!cw_store_bind_custom(row, &pg->documents->custom, &binds[CW_PG_MEMBER_CUSTOM], err) ||
        !bind_fields(rows->of, row, digits, &binds[CW_PG_MEMBER_FIELDS], err))
        return false;
    return row->next == NULL ||
           keep_texts(&pg->documents->members, binds, CW_PG_MEMBER_FIELDS + rows->of->count) ||
           cw_fail(err, CW_NOMEM, "out of memory for rows of %s", rows->of->table);
}

static bool write_list(struct cw_pg *pg, const struct cw_pg_rows *rows, struct cw_slice cart,
                       const struct cw_document *doc, int digits, struct cw_error *err)
{
    const struct cw_value *list = &doc->values[rows->of->list];
    struct cw_bind binds[CW_PG_BINDS_MAX] = { cw_bind_text(cart), cw_bind_text(doc->external_id) };
    size_t members = 0;
    int64_t position = 0;
    if (!list->is_set)
        return true;
    for (const struct cw_document *row = list->list.first; row != NULL; row = row->next) {
        if (members == 0)
            cw_arena_reset(&pg->documents->members);
        if (!bind_member(pg, rows, row, ++position, digits, &binds[cw_pg_members_values(rows->of, members)],
                         err))
            return false;
        members++;
        bool is_full = members == CW_PG_MEMBERS_MAX || rows->write[members] == NULL;
        if (row->next != NULL && !is_full)
            continue;
        if (!cw_pg_run(pg, rows->write[members - 1], binds, cw_pg_members_values(rows->of, members), err))
            return false;
        members = 0;
    }
    return true;
}

bool cw_pg_put_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_document *doc, cw_time at,
                        int64_t run, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    const struct cw_pg_document *plan = cw_pg_document_plan(pg, doc->kind, err);
    if (plan == NULL || !write_own(pg, plan, cart, doc, at, run, err))
        return false;
    int digits = cw_store_money_digits(&plan->plan, doc);
    for (size_t i = 0; i < plan->plan.list_count; i++)
        if (!write_list(pg, &plan->lists[i], cart, doc, digits, err))
            return false;
    return true;
}

bool cw_pg_drop_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                         struct cw_slice external_id, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    const struct cw_pg_document *plan = cw_pg_document_plan(pg, kind, err);
    struct cw_error missing;
    cw_store_fail_missing(cart, kind, external_id, &missing);
    cw_store_fail_at(&missing, external_id);
    return plan != NULL &&
           cw_pg_send_one(pg, plan->own.drop,
                          CW_BINDS(cw_bind_text(cart), cw_bind_word(kind->name), cw_bind_text(external_id)),
                          &missing, err);
}
