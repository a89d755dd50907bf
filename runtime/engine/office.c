/* office.c - one put from its first page to its last commit; see office.h. */
#include "engine/office_private.h"

#include <stdlib.h>

#include "engine/recount.h"

enum { ARENA_LIMIT = 256 * 1024 * 1024 }; /* of one page */

/* --- faults --- */

bool cw_office_fault(struct office_job *job, struct office_doc *doc, const struct cw_error *err)
{
    const struct cw_office_put *put = job->put;
    struct cw_error told = *err;
    if (doc->id.len > 0)
        cw_fail_in(&told, "%s %.*s", put->kind->name, CW_SLICE_ARG(doc->id));
    else if (put->source != NULL) /* which knows better where it stands */
        cw_fail_in(&told, "%s", put->kind->name);
    else
        cw_fail_in(&told, "%s number %zu", put->kind->name, doc->number);
    snprintf(told.record, sizeof told.record, "%.*s",
             CW_SLICE_ARG(cw_slice_clip(doc->id, CW_ERROR_NAME_MAX - 1)));
    if (job->faults++ == 0)
        *job->err = told;
    doc->is_faulty = true;
    job->is_enough = job->is_enough || put->fault == NULL || !put->fault(put->fault_arg, doc->given, &told);
    return !job->is_enough;
}

bool cw_office_lost(struct office_job *job)
{
    const struct cw_error *lost = job->txn != NULL ? cw_txn_error(job->txn) : NULL;
    if (lost != NULL)
        *job->err = *lost;
    return false;
}

/* --- the store, which is waited for --- */

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct office_job *job = arg;
    job->txn = txn;
    if (err != NULL)
        *job->err = *err;
}

static bool begin(struct office_job *job)
{
    if (job->put->txn != NULL) { /* of one page, which begins once */
        job->txn = job->put->txn;
        return true;
    }
    cw_txn_begin(job->store, (struct cw_fence){ 0 }, begun, job);
    cw_store_wait(job->store);
    return job->txn != NULL;
}

void cw_office_answered(struct office_job *job, const struct cw_error *err)
{
    job->has_failed = err != NULL;
    if (err != NULL)
        *job->err = *err;
}

/* An answer that is here once cw_store_wait returns. */
struct waited {
    struct cw_error *err;
    bool ok;
};

static void done(void *arg, const struct cw_error *err)
{
    struct waited *waited = arg;
    waited->ok = err == NULL;
    if (err != NULL)
        *waited->err = *err;
}

static bool commit(struct office_job *job)
{
    struct waited waited = { job->err, false };
    cw_txn_commit(job->txn, done, &waited);
    cw_store_wait(job->store);
    job->txn = NULL;
    return waited.ok;
}

static void roll_back(struct office_job *job)
{
    if (job->txn == NULL)
        return;
    cw_txn_rollback(job->txn);
    cw_store_wait(job->store);
    job->txn = NULL;
}

struct query {
    cw_query_row_fn *row;
    void *arg;
    struct waited waited;
};

static bool take_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct query *query = arg;
    return query->row(query->arg, columns, names, row);
}

static void query_done(void *arg, const struct cw_error *err)
{
    done(&((struct query *)arg)->waited, err);
}

bool cw_office_query(struct office_job *job, const char *sql, const struct cw_slice *params, size_t count,
                     cw_query_row_fn *row, void *arg)
{
    struct query query = { row, arg, { job->err, false } };
    cw_store_query(job->store, sql, params, count, take_row, query_done, &query);
    cw_store_wait(job->store);
    return query.waited.ok;
}

/* --- a page --- */

/* The documents of the page that have an id; which they are. */
struct asked {
    struct office_job *job;
    size_t at[CW_OFFICE_PAGE];
};

static void stored_read(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    const struct asked *asked = arg;
    cw_office_answered(asked->job, err);
    for (size_t i = 0; i < count && err == NULL; i++)
        asked->job->docs[asked->at[i]].before = stored[i].doc;
}

/* What the store holds under the ids of the page. */
static bool read_stored(struct office_job *job)
{
    struct cw_record_key keys[CW_OFFICE_PAGE];
    struct asked asked = { .job = job };
    size_t count = 0;
    for (size_t i = 0; i < job->count; i++) {
        if (job->docs[i].is_faulty)
            continue;
        asked.at[count] = i;
        keys[count++] =
            (struct cw_record_key){ { "", 0 }, cw_slice(job->put->kind->plural), job->docs[i].id };
    }
    job->has_failed = false;
    if (count > 0)
        cw_txn_get_documents(job->txn, job->put->kind, keys, count, &job->arena, stored_read, &asked);
    cw_store_wait(job->store);
    return !job->has_failed;
}

static bool fail_twice(struct office_job *job, struct office_doc *doc, struct cw_slice id, size_t first)
{
    struct cw_error err;
    cw_fail(&err, CW_CONFLICT, "%.*s comes twice: document %zu is the same one already", CW_SLICE_ARG(id),
            first);
    return cw_office_fault(job, doc, &err);
}

/* Ids are seen while the documents are checked, which comes first. */
static bool see(struct office_job *job, struct office_doc *doc)
{
    struct cw_slice made =
        job->kind->is_one_of_its_kind ? cw_office_made_id(doc->given, &job->arena) : doc->id;
    size_t first = 0;
    if (!cw_office_seen_add(&job->seen, doc->id, doc->number, &first))
        return cw_fail(job->err, CW_NOMEM, "no memory for %zu ids", job->seen.count);
    if (first != 0 && first != doc->number)
        return fail_twice(job, doc, doc->id, first);
    if (made.len == 0 || cw_slice_equal(made, doc->id))
        return true;
    if (!cw_office_seen_add(&job->seen, made, doc->number, &first))
        return cw_fail(job->err, CW_NOMEM, "no memory for %zu ids", job->seen.count);
    return first == 0 || first == doc->number || fail_twice(job, doc, made, first);
}

/* False when that is enough; a fault of one document is not. */
static bool take_id(struct office_job *job, struct office_doc *doc)
{
    struct cw_error err;
    if (!cw_office_id(doc->given, &job->arena, &doc->id, &err))
        return cw_office_fault(job, doc, &err);
    return see(job, doc);
}

static bool is_of_replaced(const struct office_job *job, const struct cw_document *doc, struct cw_error *err)
{
    struct cw_slice warehouse = cw_office_text(doc, "warehouse"), replaces = job->put->replaces;
    return replaces.len == 0 || cw_slice_equal(warehouse, replaces) ||
           cw_fail(err, CW_INVALID, "warehouse is \"%.*s\", but the levels of %.*s are to be replaced",
                   CW_SLICE_ARG(warehouse), CW_SLICE_ARG(replaces));
}

static bool check_one(struct office_job *job, struct office_doc *doc)
{
    struct cw_error err;
    if (!cw_office_merge(job, doc))
        return false;
    if (cw_office_check_texts(doc->given, &err) && job->kind->check(doc->doc, &err) &&
        is_of_replaced(job, doc->doc, &err))
        return true;
    return cw_office_fault(job, doc, &err);
}

static bool check_each(struct office_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->docs[i].given != NULL && !job->docs[i].is_faulty && !check_one(job, &job->docs[i]))
            return false;
    return true;
}

/* What is put beside the documents: marks, demand, messages. */
static bool put_consequences(struct office_job *job)
{
    if (job->is_checking)
        return true;
    if (!cw_office_tell_shipments(job) || !cw_office_tell_documents(job))
        return false;
    return !cw_recount_is_needed(job->put->config) || (cw_office_mark(job) && cw_office_recount_orders(job));
}

static void count(struct office_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        const struct office_doc *doc = &job->docs[i];
        if (!doc->is_changed)
            job->result->unchanged++;
        else if (doc->doc == NULL)
            job->result->dropped++;
        else
            job->result->put++;
    }
}

/* The page's documents, read already, in the transaction in hand. */
static bool work(struct office_job *job)
{
    bool writes = !job->is_checking || job->kind->looks_at_others;
    if (!check_each(job) || !cw_office_check_pairs(job) || !cw_office_read_orders(job) ||
        !cw_office_name_lines(job) || !cw_office_check_orders(job))
        return false;
    if (job->faults > 0)
        return !job->is_enough;
    count(job);
    if (writes && (!cw_office_write(job) || !cw_office_check_items(job) || !cw_office_check_shipped(job)))
        return false;
    return job->faults > 0 ? !job->is_enough : put_consequences(job);
}

static bool put_page(struct office_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (!take_id(job, &job->docs[i]))
            return false;
    return job->count == 0 || (read_stored(job) && work(job));
}

/* --- pages of documents --- */

static bool next_page(struct office_job *job, bool *is_last)
{
    const struct cw_office_put *put = job->put;
    struct cw_document *docs[CW_OFFICE_PAGE];
    struct cw_document *const *given = docs;
    cw_arena_reset(&job->arena);
    job->count = 0;
    if (put->source == NULL) {
        size_t left = put->count - job->number;
        given = put->docs + job->number;
        job->count = left < CW_OFFICE_PAGE ? left : CW_OFFICE_PAGE;
        *is_last = job->count == left;
    } else {
        if (!put->source->next(put->source->arg, &job->arena, docs, CW_OFFICE_PAGE, &job->count, job->err))
            return false;
        *is_last = job->count < CW_OFFICE_PAGE;
    }
    for (size_t i = 0; i < job->count; i++)
        job->docs[i] = (struct office_doc){ .given = given[i], .number = ++job->number };
    return true;
}

/* --- pages of drops --- */

static bool drop_page(struct office_job *job)
{
    if (!read_stored(job))
        return false;
    for (size_t i = 0; i < job->count; i++)
        job->docs[i].is_changed = job->docs[i].before != NULL;
    count(job);
    return cw_office_read_orders(job) && cw_office_write(job) && put_consequences(job);
}

static bool take_level(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct office_job *job = arg;
    struct cw_slice id = cw_arena_copy(&job->arena, row[0]);
    (void)columns;
    (void)names;
    job->docs[job->count++] = (struct office_doc){ .id = id };
    return id.data != NULL;
}

/* Levels of the warehouse that is replaced, behind `after`: which goes to the last one looked at. */
static bool next_replaced(struct office_job *job, struct cw_buffer *after, bool *is_last)
{
    static const char sql[] = "SELECT external_id FROM stock_levels WHERE cart = '' AND warehouse = $1 AND "
                              "external_id > $2 ORDER BY external_id LIMIT 500";
    const struct cw_slice params[] = { job->put->replaces, cw_buffer_slice(after) };
    size_t kept = 0;
    cw_arena_reset(&job->arena);
    job->count = 0;
    if (!cw_office_query(job, sql, params, 2, take_level, job))
        return false;
    *is_last = job->count < CW_OFFICE_PAGE;
    if (job->count > 0) {
        struct cw_slice last = job->docs[job->count - 1].id;
        cw_buffer_clear(after);
        if (!cw_buffer_add(after, last.data, last.len, job->err))
            return false;
    }
    for (size_t i = 0; i < job->count; i++)
        if (!cw_office_seen_has(&job->seen, job->docs[i].id))
            job->docs[kept++] = job->docs[i];
    job->count = kept;
    return true;
}

static bool next_drops(struct office_job *job, size_t *at, bool *is_last)
{
    const struct cw_office_put *put = job->put;
    cw_arena_reset(&job->arena);
    job->count = 0;
    while (*at < put->drop_count && job->count < CW_OFFICE_PAGE)
        job->docs[job->count++] = (struct office_doc){ .id = put->drops[(*at)++] };
    *is_last = *at == put->drop_count;
    return true;
}

/* --- transactions --- */

/* The last that is done in a transaction: figures are counted from what it leaves. */
static bool finish(struct office_job *job)
{
    struct waited waited = { job->err, true };
    if (job->is_checking)
        return true;
    if (!cw_office_wake(job))
        return false;
    cw_recount_run(job->txn, job->put->config, job->clock, done, &waited);
    cw_store_wait(job->store);
    return waited.ok;
}

static bool finish_and_commit(struct office_job *job)
{
    return finish(job) && commit(job) && begin(job);
}

/* What happens between two pages: a transaction each, or all in one. */
typedef bool between_fn(struct office_job *job);

static bool go_on(struct office_job *job)
{
    (void)job;
    return true;
}

static bool begin_anew(struct office_job *job)
{
    roll_back(job);
    return begin(job);
}

static bool put_documents(struct office_job *job, between_fn *between)
{
    bool is_last = false;
    while (!is_last) {
        if (!next_page(job, &is_last) || !put_page(job))
            return false;
        if (!is_last && !between(job))
            return false;
    }
    const struct cw_office_source *source = job->put->source;
    return job->faults == 0 && (source == NULL || source->end(source->arg, job->err));
}

static bool drop_documents(struct office_job *job, between_fn *between)
{
    struct cw_buffer after = { 0 };
    size_t at = 0;
    bool is_last = job->put->drop_count == 0, ok = true;
    while (!is_last && ok)
        ok = between(job) && next_drops(job, &at, &is_last) && drop_page(job);
    is_last = job->put->replaces.len == 0;
    while (!is_last && ok)
        ok = between(job) && next_replaced(job, &after, &is_last) && drop_page(job);
    cw_buffer_fini(&after);
    return ok;
}

/* All of it in the order in which it is done. */
static bool run(struct office_job *job, between_fn *between)
{
    *job->result = (struct cw_office_result){ 0 };
    job->number = 0;
    return begin(job) && put_documents(job, between) && drop_documents(job, between);
}

static bool put_at_once(struct office_job *job)
{
    if (!run(job, go_on) || !finish(job) || !cw_office_find_silent(job))
        return false;
    return job->put->dry_run || commit(job);
}

/* Documents that depend on each other are checked with all of them in place; that is rolled back. */
static bool check_all(struct office_job *job)
{
    job->is_checking = true;
    bool ok = run(job, job->kind->looks_at_others ? go_on : begin_anew);
    roll_back(job);
    job->is_checking = false;
    return ok;
}

static bool put_in_pages(struct office_job *job)
{
    const struct cw_office_source *source = job->put->source;
    if (!check_all(job))
        return false;
    if (job->put->dry_run)
        return true;
    return (source == NULL || source->rewind(source->arg, job->err)) && run(job, finish_and_commit) &&
           finish(job) && cw_office_find_silent(job) && commit(job);
}

static bool is_one_page(const struct cw_office_put *put)
{
    return put->source == NULL && put->replaces.len == 0 && put->count + put->drop_count <= CW_OFFICE_PAGE;
}

static bool check_request(const struct cw_office_put *put, struct cw_error *err)
{
    if (cw_office_kind_of(put->kind) == NULL)
        return cw_office_kind(cw_slice(put->kind->name), err) != NULL;
    if (put->replaces.len > 0 && put->kind != &cw_kind_stock_level)
        return cw_fail(err, CW_USAGE, "only levels can be replaced as a whole");
    if (put->txn != NULL && !is_one_page(put))
        return cw_fail(err, CW_LIMIT, "at most %d documents are put at once here; put them in several calls",
                       CW_OFFICE_PAGE);
    if (put->from.len == 0)
        return true;
    for (size_t i = 0; i < put->config->cart_count; i++)
        if (cw_slice_is(put->from, put->config->carts[i].name))
            return true;
    return cw_fail(err, CW_USAGE, "site.lua has no cart %.*s, from which this is said to come",
                   CW_SLICE_ARG(put->from));
}

static bool refuse_put(const struct cw_office_put *put)
{
    if (put->txn != NULL)
        cw_txn_rollback(put->txn);
    return false;
}

bool cw_office_put(struct cw_store *store, const struct cw_clock *clock, const struct cw_office_put *put,
                   struct cw_office_result *result, struct cw_error *err)
{
    struct cw_error own;
    if (!check_request(put, err))
        return refuse_put(put);
    struct office_job *job = calloc(1, sizeof *job);
    bool *told = calloc(put->config->cart_count * CW_OUT_STREAMS + 1, sizeof *told);
    bool ok = job != NULL && told != NULL;
    if (ok) {
        *job = (struct office_job){ .put = put,
                                    .kind = cw_office_kind_of(put->kind),
                                    .store = store,
                                    .clock = clock,
                                    .result = result,
                                    .err = err != NULL ? err : &own,
                                    .is_told = told };
        cw_arena_init(&job->arena, ARENA_LIMIT);
        ok = is_one_page(put) ? put_at_once(job) : put_in_pages(job);
        roll_back(job);
        cw_office_seen_fini(&job->seen);
        cw_buffer_fini(&job->text);
        cw_arena_fini(&job->arena);
    } else {
        cw_fail(err, CW_NOMEM, "no memory for what the back office says");
        refuse_put(put);
    }
    free(told);
    free(job);
    return ok;
}
