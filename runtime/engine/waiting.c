/* waiting.c - see waiting.h. */
#include "engine/waiting.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/batch.h"

/* What an order waits with for a customer or an item. */
static const char *const matches[] = { "unknown-customer", "ambiguous-customer", "unknown-address",
                                       "unknown-item", "ambiguous-item" };
enum { MATCHES = sizeof matches / sizeof *matches };

struct cw_waiting {
    struct cw_session *session;
    struct cw_lua_cart *cart;
    struct cw_waiting_config config;
    size_t next_match, next_stream;
    struct cw_batch *batch;
    struct cw_later later;
    bool stopping;
};

static void next(void *arg);

static void end(void *arg)
{
    struct cw_waiting *waiting = arg;
    struct cw_waiting_config config = waiting->config;
    free(waiting);
    config.done(config.arg);
}

static void mapped_again(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct cw_waiting *waiting = arg;
    waiting->batch = NULL;
    if (report->run->counts.read > 0 || err != NULL)
        waiting->config.ran(waiting->config.arg, report, err);
    cw_loop_later(cw_session_settings(waiting->session)->loop, &waiting->later, next, waiting);
}

static bool begin(struct cw_waiting *waiting, const struct cw_lua_stream *stream, const char *code,
                  struct cw_error *err)
{
    const struct cw_stored_filter filter = {
        .only_parked = true, .code = code, .since = CW_TIME_NONE, .until = CW_TIME_NONE
    };
    struct cw_stored_pages *pages =
        cw_stored_open(cw_session_settings(waiting->session)->store, stream, &filter, err);
    struct cw_batch_config config = { .job = "retry", .pages = pages, .again = true };
    if (pages == NULL)
        return false;
    waiting->batch = cw_batch_start(waiting->session, stream, &config, mapped_again, waiting, err);
    return waiting->batch != NULL;
}

static void tell_failure(struct cw_waiting *waiting, const struct cw_error *err)
{
    struct cw_run run = { .cart = cw_slice(waiting->cart->name), .job = cw_slice("retry") };
    struct cw_sync_report report = { .run = &run };
    waiting->config.ran(waiting->config.arg, &report, err);
}

/* The next kind of what waits; false when there is no other. */
static bool take(struct cw_waiting *waiting, const struct cw_lua_stream **stream, const char **code)
{
    *stream = cw_lua_cart_stream_of(waiting->cart, &cw_kind_order);
    *code = NULL;
    if ((waiting->config.what & CW_WAITING_ROWS) == 0) {
        if (*stream == NULL || waiting->next_match == MATCHES)
            return false;
        *code = matches[waiting->next_match++];
        return true;
    }
    if (waiting->next_stream == waiting->cart->stream_count) /* everything that waits was among them */
        return false;
    *stream = &waiting->cart->streams[waiting->next_stream++];
    return true;
}

static void next(void *arg)
{
    struct cw_waiting *waiting = arg;
    const struct cw_lua_stream *stream;
    const char *code;
    struct cw_error err;
    while (!waiting->stopping && take(waiting, &stream, &code)) {
        if (begin(waiting, stream, code, &err))
            return;
        tell_failure(waiting, &err);
    }
    end(waiting);
}

struct cw_waiting *cw_waiting_start(struct cw_session *session, struct cw_lua_cart *cart,
                                    const struct cw_waiting_config *config, struct cw_error *err)
{
    struct cw_waiting *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for what waits");
        return NULL;
    }
    *waiting = (struct cw_waiting){ .session = session, .cart = cart, .config = *config };
    cw_loop_later(cw_session_settings(session)->loop, &waiting->later, next, waiting);
    return waiting;
}

void cw_waiting_stop(struct cw_waiting *waiting)
{
    waiting->stopping = true;
    if (waiting->batch != NULL)
        cw_batch_stop(waiting->batch);
}

void cw_waiting_cancel(struct cw_waiting *waiting)
{
    if (waiting->batch != NULL)
        cw_batch_cancel(waiting->batch);
    cw_later_cancel(cw_session_settings(waiting->session)->loop, &waiting->later);
    free(waiting);
}

/* --- stamps --- */

struct reading {
    struct cw_stamps stamps;
    cw_stamps_fn *read;
    void *arg;
};

static bool take_stamps(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct reading *reading = arg;
    (void)columns, (void)names;
    snprintf(reading->stamps.news, CW_STAMP_MAX, "%.*s", CW_SLICE_ARG(row[0]));
    snprintf(reading->stamps.rows, CW_STAMP_MAX, "%.*s %.*s", CW_SLICE_ARG(row[1]), CW_SLICE_ARG(row[2]));
    return true;
}

static void stamps_read(void *arg, const struct cw_error *err)
{
    struct reading reading = *(struct reading *)arg;
    free(arg);
    reading.read(reading.arg, &reading.stamps, err);
}

void cw_waiting_read_stamps(struct cw_store *store, cw_stamps_fn *read, void *arg)
{
    static const char sql[] =
        "SELECT (SELECT coalesce(max(id), 0) FROM runs WHERE records_posted > 0 AND stream IN "
        "('customers', 'items')), (SELECT count(*) FROM tables), (SELECT coalesce(max(changed_at), '') "
        "FROM tables)";
    struct reading *reading = calloc(1, sizeof *reading);
    struct cw_error err;
    if (reading == NULL) {
        cw_fail(&err, CW_NOMEM, "no memory for what waits");
        read(arg, NULL, &err);
        return;
    }
    reading->read = read;
    reading->arg = arg;
    cw_store_query(store, sql, NULL, 0, take_stamps, stamps_read, reading);
}
