/* reconcile_ask.c - see reconcile_ask.h. */
#include "engine/reconcile_ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/breaks.h"

enum { SQL_MAX = 2048, PARAMS_MAX = 40, TIME_TEXT = 40 };

static const struct {
    const struct cw_kind *kind;
    const char *table, *time;
} tables[] = {
    { &cw_kind_order, "orders", "placed_at" },      { &cw_kind_customer, "customers", "created_at" },
    { &cw_kind_item, "items", "created_at" },       { &cw_kind_shipment, "shipments", "shipped_at" },
    { &cw_kind_stock_level, "stock_levels", NULL },
};

struct question {
    struct cw_ids *ids; /* or */
    uint64_t *number;
    cw_time *oldest; /* NULL = the second column is not read */
    cw_store_done_fn *done;
    void *arg;
    bool failed;
    struct cw_error err;
};

static bool take_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct question *question = arg;
    cw_time placed;
    (void)names;
    if (question->number != NULL) {
        *question->number = strtoull(row[0].data, NULL, 10);
        return false;
    }
    question->failed = !cw_ids_add(question->ids, row[0], &question->err);
    if (columns > 1 && question->oldest != NULL && cw_time_parse(row[1], NULL, &placed, NULL) &&
        (*question->oldest == CW_TIME_NONE || placed < *question->oldest))
        *question->oldest = placed;
    return !question->failed;
}

static void answered(void *arg, const struct cw_error *err)
{
    struct question question = *(struct question *)arg;
    free(arg);
    question.done(question.arg, err == NULL && question.failed ? &question.err : err);
}

static void ask(struct cw_store *store, const char *sql, const struct cw_slice *params, size_t count,
                const struct question *template)
{
    struct question *question = malloc(sizeof *question);
    struct cw_error err;
    if (question == NULL) {
        cw_fail(&err, CW_NOMEM, "no memory to ask the store");
        template->done(template->arg, &err);
        return;
    }
    *question = *template;
    cw_store_query(store, sql, params, count, take_row, answered, question);
}

/* As the store writes times. */
static struct cw_slice time_text(cw_time time, const char *none, char out[TIME_TEXT])
{
    if (time == CW_TIME_NONE ||
        cw_time_format(time, NULL, "%Y-%m-%dT%H:%M:%S.%fZ", out, TIME_TEXT, NULL) == 0)
        snprintf(out, TIME_TEXT, "%s", none);
    return cw_slice(out);
}

void cw_ask_placed(struct cw_store *store, const struct cw_lua_stream *stream, cw_time from, cw_time to,
                   struct cw_ids *ids, cw_store_done_fn *done, void *arg)
{
    const struct cw_kind *kind = cw_lua_plan_kind(stream->plan);
    char sql[SQL_MAX], first[TIME_TEXT], last[TIME_TEXT];
    size_t i = 0;
    while (i + 1 < sizeof tables / sizeof *tables && tables[i].kind != kind)
        i++;
    bool has_time = tables[i].time != NULL && (from != CW_TIME_NONE || to != CW_TIME_NONE);
    const struct cw_slice params[] = { cw_slice(stream->cart->name), cw_slice(stream->name),
                                       time_text(from, "0", first), time_text(to, "9", last) };
    size_t len =
        (size_t)snprintf(sql, sizeof sql,
                         "SELECT d.external_id FROM %s d WHERE d.cart = $1 AND EXISTS (SELECT 1 FROM "
                         "raw_records r WHERE r.cart = d.cart AND r.stream = $2 AND r.external_id = "
                         "d.external_id)",
                         tables[i].table);
    if (has_time)
        snprintf(sql + len, sizeof sql - len, " AND d.%s >= $3 AND d.%s < $4 ORDER BY d.%s, d.external_id",
                 tables[i].time, tables[i].time, tables[i].time);
    else
        snprintf(sql + len, sizeof sql - len, " ORDER BY d.external_id");
    ask(store, sql, params, has_time ? 4 : 2, &(struct question){ .ids = ids, .done = done, .arg = arg });
}

void cw_ask_unfinished(struct cw_store *store, const struct cw_lua_stream *stream, cw_time from,
                       struct cw_unfinished *unfinished, cw_store_done_fn *done, void *arg)
{
    char sql[SQL_MAX], first[TIME_TEXT], number[16];
    struct cw_slice params[PARAMS_MAX] = { cw_slice(stream->cart->name), cw_slice(stream->name),
                                           time_text(from, "0", first) };
    struct cw_buffer final = { 0 };
    size_t count = 3;
    for (size_t i = 0; i < stream->final_count && count < PARAMS_MAX; i++) {
        params[count++] = cw_slice(stream->final[i]);
        snprintf(number, sizeof number, "%s$%zu", i > 0 ? ", " : "", count);
        cw_buffer_add(&final, number, strlen(number), NULL);
    }
    struct cw_slice list = cw_buffer_slice(&final);
    snprintf(
        sql, sizeof sql,
        "SELECT external_id, placed_at FROM (SELECT o.external_id, o.placed_at FROM orders o WHERE "
        "o.cart = $1 AND o.placed_at >= $3%s%.*s%s AND EXISTS (SELECT 1 FROM raw_records r WHERE r.cart = "
        "o.cart AND r.stream = $2 AND r.external_id = o.external_id) UNION SELECT s.external_id, "
        "NULL AS placed_at FROM staged_records s WHERE s.cart = $1 AND s.stream = $2 AND s.staged_at >= "
        "$3 AND NOT EXISTS (SELECT 1 FROM staged_issues i WHERE i.staged_id = s.id AND i.code = "
        "'" CW_BREAKS_LIST "') AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.cart = $1 AND o.external_id "
        "= s.external_id)) u ORDER BY CASE WHEN placed_at IS NULL THEN 1 ELSE 0 END, placed_at, "
        "external_id",
        count > 3 ? " AND (o.status IS NULL OR o.status NOT IN (" : "", CW_SLICE_ARG(list),
        count > 3 ? "))" : "");
    unfinished->oldest = CW_TIME_NONE;
    ask(store, sql, params, count,
        &(struct question){
            .ids = &unfinished->ids, .oldest = &unfinished->oldest, .done = done, .arg = arg });
    cw_buffer_fini(&final);
}

void cw_ask_interrupted(struct cw_store *store, const struct cw_lua_stream *stream, uint64_t *read,
                        cw_store_done_fn *done, void *arg)
{
    static const char sql[] =
        "SELECT CAST(COALESCE(SUM(records_read), 0) AS TEXT) FROM runs WHERE cart = $1 AND stream = $2 AND "
        "job = 'refresh' AND id > (SELECT COALESCE(MAX(id), 0) FROM runs WHERE cart = $1 AND stream = $2 AND "
        "job = 'refresh' AND state = 'done')";
    const struct cw_slice params[] = { cw_slice(stream->cart->name), cw_slice(stream->name) };
    *read = 0;
    ask(store, sql, params, 2, &(struct question){ .number = read, .done = done, .arg = arg });
}
