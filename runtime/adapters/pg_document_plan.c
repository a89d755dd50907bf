/* pg_document_plan.c - the statements of each kind of document; see pg_documents.h. */
#include "adapters/pg_documents.h"

#include <stdlib.h>

/* Takes the text out of `sql` for good. */
static bool take_text(struct cw_buffer *sql, char **out, struct cw_error *err)
{
    *out = strdup(sql->data);
    cw_buffer_clear(sql);
    return *out != NULL || cw_fail(err, CW_NOMEM, "out of memory for the store's statements");
}

/* ", $6, $7". */
static bool print_parameters(struct cw_buffer *sql, const struct cw_store_rows *rows, int first,
                             struct cw_error *err)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!cw_buffer_print(sql, err, ", $%d", first + (int)i))
            return false;
    return true;
}

static bool print_assignments(struct cw_buffer *sql, const struct cw_store_rows *rows, struct cw_error *err)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!cw_buffer_print(sql, err, ", %s = excluded.%s", rows->columns[i].name, rows->columns[i].name))
            return false;
    return true;
}

static bool print_clearing(struct cw_buffer *sql, const struct cw_store_document *plan, struct cw_error *err)
{
    for (size_t i = 0; i < plan->list_count; i++)
        if (!cw_buffer_print(sql, err, ", list_%zu AS (DELETE FROM %s WHERE %s = (SELECT id FROM doc))", i,
                             plan->lists[i].table, plan->lists[i].parent))
            return false;
    return true;
}

/* The row and what it had for lists in one statement: nothing waits for the document's number. */
static bool print_write(const struct cw_store_document *plan, struct cw_buffer *sql, char **out,
                        struct cw_error *err)
{
    return cw_buffer_print(sql, err,
                           "WITH doc AS (INSERT INTO %s (cart, external_id, first_run, last_run, "
                           "first_stored_at, last_stored_at, custom",
                           plan->own.table) &&
           cw_store_print_names(sql, &plan->own, err) &&
           cw_buffer_print(sql, err, ") VALUES ($1, $2, $3, $3, $4, $4, $5") &&
           print_parameters(sql, &plan->own, CW_DOC_FIELDS, err) &&
           cw_buffer_print(sql, err,
                           ") ON CONFLICT (cart, external_id) DO UPDATE SET last_run = excluded.last_run, "
                           "last_stored_at = excluded.last_stored_at, custom = excluded.custom") &&
           print_assignments(sql, &plan->own, err) && cw_buffer_print(sql, err, " RETURNING id)") &&
           print_clearing(sql, plan, err) && cw_buffer_print(sql, err, " SELECT FROM doc") &&
           take_text(sql, out, err);
}

/* Each key is looked up on its own, whatever the planner thinks of the tables' sizes: OFFSET 0. */
static bool print_read(const struct cw_store_document *plan, struct cw_buffer *sql, char **out,
                       struct cw_error *err)
{
    return cw_buffer_print(sql, err,
                           "SELECT k.n, d.* FROM unnest($1::text[], $2::text[]) WITH ORDINALITY "
                           "k (cart, external_id, n) CROSS JOIN LATERAL (SELECT id, custom") &&
           cw_store_print_names(sql, &plan->own, err) &&
           cw_buffer_print(sql, err,
                           " FROM %s d WHERE d.cart = k.cart AND d.external_id = k.external_id OFFSET 0) d",
                           plan->own.table) &&
           take_text(sql, out, err);
}

/* The lists go with their document. */
static bool print_drop(const struct cw_store_document *plan, struct cw_buffer *sql, char **out,
                       struct cw_error *err)
{
    return cw_buffer_print(sql, err,
                           "WITH gone AS (DELETE FROM %s WHERE cart = $1 AND external_id = $3 RETURNING 1), "
                           "edits AS (DELETE FROM document_edits WHERE cart = $1 AND kind = $2 "
                           "AND external_id = $3) SELECT 1 / count(*) FROM gone",
                           plan->own.table) &&
           take_text(sql, out, err);
}

/* "($3::bigint, $4::text, ...)": what stands in a list of rows has the types that it says itself. */
static bool print_member(const struct cw_store_rows *list, int first, struct cw_buffer *sql,
                         struct cw_error *err)
{
    bool ok = cw_buffer_print(sql, err, "($%d::bigint, $%d::text", first + CW_PG_MEMBER_POSITION,
                              first + CW_PG_MEMBER_CUSTOM);
    for (size_t i = 0; ok && i < list->count; i++) {
        enum cw_type type = list->columns[i].type;
        ok = cw_buffer_print(sql, err, ", $%d::%s", first + CW_PG_MEMBER_FIELDS + (int)i,
                             type == CW_INTEGER || type == CW_BOOLEAN ? "bigint" : "text");
    }
    return ok && cw_buffer_print(sql, err, ")");
}

static bool print_list_write(const struct cw_store_document *plan, const struct cw_store_rows *list,
                             size_t members, struct cw_buffer *sql, char **out, struct cw_error *err)
{
    bool ok = cw_buffer_print(sql, err, "INSERT INTO %s (%s, position, custom", list->table, list->parent) &&
              cw_store_print_names(sql, list, err) &&
              cw_buffer_print(sql, err,
                              ") SELECT (SELECT id FROM %s WHERE cart = $1 AND external_id = $2), m.* "
                              "FROM (VALUES ",
                              plan->own.table);
    for (size_t i = 0; ok && i < members; i++)
        ok = cw_buffer_print(sql, err, i > 0 ? ", " : "") &&
             print_member(list, (int)cw_pg_members_values(list, i) + 1, sql, err);
    return ok && cw_buffer_print(sql, err, ") m") && take_text(sql, out, err);
}

static bool print_list_read(const struct cw_store_rows *list, struct cw_buffer *sql, char **out,
                            struct cw_error *err)
{
    return cw_buffer_print(sql, err,
                           "SELECT k.n, l.* FROM unnest($1::bigint[]) WITH ORDINALITY k (id, n) "
                           "CROSS JOIN LATERAL (SELECT position, custom") &&
           cw_store_print_names(sql, list, err) &&
           cw_buffer_print(sql, err, " FROM %s WHERE %s = k.id OFFSET 0) l ORDER BY k.n, l.position",
                           list->table, list->parent) &&
           take_text(sql, out, err);
}

/* --- plans --- */

static bool fits(const struct cw_store_rows *rows, struct cw_error *err)
{
    return rows->count + CW_DOC_FIELDS <= CW_PG_BINDS_MAX ||
           cw_fail(err, CW_LIMIT, "%s has more columns than a statement has parameters", rows->table);
}

static bool plan_list(const struct cw_store_document *plan, const struct cw_store_rows *of,
                      struct cw_pg_rows *list, struct cw_buffer *sql, struct cw_error *err)
{
    bool ok = fits(of, err) && print_list_read(of, sql, &list->read, err);
    list->of = of;
    for (size_t i = 0; ok && i < CW_PG_MEMBERS_MAX; i++)
        if (cw_pg_members_values(of, i + 1) <= CW_PG_BINDS_MAX)
            ok = print_list_write(plan, of, i + 1, sql, &list->write[i], err);
    return ok;
}

static bool plan_document(struct cw_pg_document *doc, const struct cw_kind *kind, struct cw_error *err)
{
    struct cw_store_document *plan = &doc->plan;
    struct cw_buffer sql = { 0 };
    bool ok = cw_store_document_init(plan, kind, err) && fits(&plan->own, err) &&
              print_write(plan, &sql, &doc->own.write[0], err) &&
              print_read(plan, &sql, &doc->own.read, err) && print_drop(plan, &sql, &doc->own.drop, err);
    doc->own.of = &plan->own;
    for (size_t i = 0; ok && i < plan->list_count; i++)
        ok = plan_list(plan, &plan->lists[i], &doc->lists[i], &sql, err);
    cw_buffer_fini(&sql);
    return ok;
}

static void free_rows(struct cw_pg_rows *rows)
{
    for (size_t i = 0; i < CW_PG_MEMBERS_MAX; i++)
        free(rows->write[i]);
    free(rows->read);
    free(rows->drop);
}

static void free_document(struct cw_pg_document *doc)
{
    free_rows(&doc->own);
    for (size_t i = 0; i < CW_STORE_LISTS_MAX; i++)
        free_rows(&doc->lists[i]);
    cw_store_document_fini(&doc->plan);
    *doc = (struct cw_pg_document){ 0 };
}

void cw_pg_documents_free(struct cw_pg_documents *documents)
{
    if (documents == NULL)
        return;
    for (size_t i = 0; i < documents->count; i++)
        free_document(&documents->kinds[i]);
    cw_buffer_fini(&documents->custom);
    cw_arena_fini(&documents->members);
    cw_store_reader_fini(&documents->reader);
    free(documents);
}

struct cw_pg_document *cw_pg_document_plan(struct cw_pg *pg, const struct cw_kind *kind, struct cw_error *err)
{
    struct cw_pg_documents *all = pg->documents;
    if (all == NULL) {
        all = pg->documents = calloc(1, sizeof *all);
        if (all == NULL) {
            cw_fail(err, CW_NOMEM, "out of memory for the store's statements");
            return NULL;
        }
        cw_arena_init(&all->members, 0);
    }
    for (size_t i = 0; i < all->count; i++)
        if (all->kinds[i].plan.kind == kind)
            return &all->kinds[i];
    struct cw_pg_document *doc = &all->kinds[all->count];
    if (plan_document(doc, kind, err)) {
        all->count++;
        return doc;
    }
    free_document(doc);
    return NULL;
}
