/* embed.c - the public C interface (include/cartwright/cartwright.h) over the engine. */
#include "cartwright/cartwright.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/site_store.h"
#include "engine/sync.h"

struct cartwright {
    struct cw_loop *loop;
    struct cw_site *site;
    struct cw_store *store;
    struct cw_transport *transport;
};

const char *cartwright_version(void)
{
    return CW_VERSION;
}

static int fail(struct cartwright_error *out, const struct cw_error *err)
{
    if (out == NULL)
        return -1;
    snprintf(out->code, sizeof out->code, "%s", cw_code_name(err->code));
    cw_error_format(err, out->text, sizeof out->text);
    return -1;
}

/* --- life --- */

static bool open_parts(struct cartwright *site, const char *folder, const char *home, struct cw_error *err)
{
    site->loop = cw_loop_create(err);
    if (site->loop == NULL)
        return false;
    site->site = cw_site_open(folder, home, cw_loop_clock(site->loop), err);
    if (site->site == NULL)
        return false;
    site->store = cw_site_open_store(site->site, site->loop, true, err);
    if (site->store == NULL)
        return false;
    site->transport = cw_curl_create(site->loop, 0, err);
    return site->transport != NULL;
}

struct cartwright *cartwright_open(const char *folder, const char *home, struct cartwright_error *err)
{
    struct cw_error failed;
    struct cartwright *site = calloc(1, sizeof *site);
    if (home == NULL)
        home = getenv("CARTWRIGHT_HOME");
    if (home == NULL)
        home = CW_INSTALLED_HOME;
    if (site == NULL)
        cw_fail(&failed, CW_NOMEM, "no memory for a site");
    if (site != NULL && open_parts(site, folder, home, &failed))
        return site;
    cartwright_close(site);
    fail(err, &failed);
    return NULL;
}

void cartwright_close(struct cartwright *site)
{
    if (site == NULL)
        return;
    cw_store_close(site->store);
    if (site->transport != NULL)
        site->transport->free(site->transport);
    cw_loop_free(site->loop);
    cw_site_free(site->site);
    free(site);
}

/* --- sync --- */

struct syncing {
    struct cartwright *site;
    struct cartwright_counts counts;
    struct cw_error err;
    bool failed;
};

static void synced(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct syncing *syncing = arg;
    const struct cw_run_counts *counts = &report->run->counts;
    syncing->counts.read += counts->read;
    syncing->counts.posted += counts->posted;
    syncing->counts.unchanged += counts->unchanged;
    syncing->counts.parked += counts->parked;
    syncing->counts.skipped += counts->skipped;
    if (err != NULL && !syncing->failed) {
        syncing->failed = true;
        syncing->err = *err;
    }
    cw_loop_stop(syncing->site->loop);
}

static void sync_stream(struct syncing *syncing, struct cw_session *session,
                        const struct cw_lua_stream *stream)
{
    struct cw_error err;
    if (cw_sync_start(session, stream, synced, syncing, &err) != NULL) {
        cw_loop_run(syncing->site->loop);
    } else if (!syncing->failed) {
        syncing->failed = true;
        syncing->err = err;
    }
}

static void sync_cart(struct syncing *syncing, struct cw_session *session, const char *name, const char *only)
{
    struct cw_lua_cart *cart = cw_session_cart(session, name, &syncing->err);
    const struct cw_lua_stream *stream =
        cart != NULL && only != NULL ? cw_lua_cart_need_stream(cart, only, &syncing->err) : NULL;
    syncing->failed = cart == NULL || (only != NULL && stream == NULL);
    if (stream != NULL)
        sync_stream(syncing, session, stream);
    for (size_t i = 0; cart != NULL && only == NULL && i < cart->stream_count; i++)
        sync_stream(syncing, session, &cart->streams[i]);
}

int cartwright_sync(struct cartwright *site, const char *cart, const char *stream,
                    struct cartwright_counts *counts, struct cartwright_error *err)
{
    struct syncing syncing = { .site = site };
    struct cw_session_config config = { .site = site->site,
                                        .loop = site->loop,
                                        .transport = site->transport,
                                        .store = site->store,
                                        .cart = cart,
                                        .seed = cw_random_system_seed() };
    struct cw_session *session = cw_session_open(&config, &syncing.err);
    if (session != NULL)
        sync_cart(&syncing, session, cart, stream);
    else
        syncing.failed = true;
    cw_session_close(session);
    if (counts != NULL)
        *counts = syncing.counts;
    return syncing.failed ? fail(err, &syncing.err) : 0;
}

/* --- reading --- */

enum { COLUMNS_MAX = 256 };

struct reading {
    cartwright_row_fn *row;
    void *arg;
    struct cw_error err;
    bool failed;
};

/* The public interface speaks of C strings; a value with a NUL inside ends there. */
static bool take_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct reading *reading = arg;
    const char *texts[2 * COLUMNS_MAX] = { NULL };
    if (columns > COLUMNS_MAX) {
        reading->failed = true;
        cw_fail(&reading->err, CW_LIMIT, "a row of %zu columns; at most %d", columns, COLUMNS_MAX);
        return false;
    }
    for (size_t i = 0; i < columns; i++) {
        texts[i] = g_strndup(names[i].data, names[i].len);
        if (row[i].data != NULL)
            texts[COLUMNS_MAX + i] = g_strndup(row[i].data, row[i].len);
    }
    bool go_on = reading->row(reading->arg, columns, texts, texts + COLUMNS_MAX) == 0;
    for (size_t i = 0; i < columns; i++) {
        g_free((char *)texts[i]);
        g_free((char *)texts[COLUMNS_MAX + i]);
    }
    return go_on;
}

static void read_done(void *arg, const struct cw_error *err)
{
    struct reading *reading = arg;
    if (err == NULL || reading->failed)
        return;
    reading->failed = true;
    reading->err = *err;
}

int cartwright_query(struct cartwright *site, const char *sql, const char *const *params, size_t param_count,
                     cartwright_row_fn *row, void *arg, struct cartwright_error *err)
{
    struct reading reading = { .row = row, .arg = arg };
    struct cw_slice *texts = g_new0(struct cw_slice, param_count + 1);
    for (size_t i = 0; i < param_count; i++)
        texts[i] = cw_slice(params[i]);
    cw_store_query(site->store, sql, texts, param_count, take_row, read_done, &reading);
    cw_store_wait(site->store);
    g_free(texts);
    return reading.failed ? fail(err, &reading.err) : 0;
}
