/* embed.c - the public C interface (include/cartwright/cartwright.h) over the engine. */
#include "cartwright/cartwright.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/reader.h"
#include "engine/office.h"
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

/* --- what the back office says --- */

enum { DOCUMENTS_MAX = 64 * 1024 * 1024, COUNT_MAX = 1000 * 1000 };

struct putting {
    struct cartwright *site;
    struct cw_parser *parser;
    struct cw_zone *zone; /* of times without an offset */
    struct cw_arena arena;
    struct cw_document **docs;
    size_t count;
};

static const struct cw_node *parse_documents(struct putting *putting, const char *documents,
                                             struct cw_error *err)
{
    const struct cw_reader_limits limits = {
        .record_bytes = DOCUMENTS_MAX, .text_bytes = DOCUMENTS_MAX, .depth = 10, .children = COUNT_MAX
    };
    size_t len = strlen(documents);
    if (len > DOCUMENTS_MAX) {
        cw_fail(err, CW_LIMIT, "documents of %zu bytes; at most %d in one call", len, DOCUMENTS_MAX);
        return NULL;
    }
    putting->parser = cw_parser_create(CW_JSON, &limits, err);
    return putting->parser != NULL
               ? cw_parse(putting->parser, (struct cw_slice){ documents, len }, "UTF-8", &putting->arena, err)
               : NULL;
}

static bool make_documents(struct putting *putting, const struct cw_kind *kind, const struct cw_node *node,
                           struct cw_error *err)
{
    bool is_list = node->kind == CW_NODE_ARRAY;
    size_t room = is_list ? 0 : 1;
    for (const struct cw_node *each = is_list ? node->first : NULL; each != NULL; each = each->next)
        room++;
    putting->docs = g_new0(struct cw_document *, room + 1);
    for (const struct cw_node *each = is_list ? node->first : node; each != NULL;
         each = is_list ? each->next : NULL) {
        putting->docs[putting->count] = cw_office_from_json(kind, each, putting->zone, &putting->arena, err);
        if (putting->docs[putting->count++] == NULL)
            return cw_fail_in(err, "%s number %zu", kind->name, putting->count);
    }
    return true;
}

static struct cw_slice who(void)
{
    const char *named = g_getenv("CARTWRIGHT_USER");
    return cw_slice(named != NULL && *named != '\0' ? named : g_get_user_name());
}

static bool put_documents(struct putting *putting, const char *kind_name, const char *documents,
                          const char *from, const char *reason, struct cw_office_result *result,
                          struct cw_error *err)
{
    struct cartwright *site = putting->site;
    if (kind_name == NULL || documents == NULL)
        return cw_fail(err, CW_USAGE, "cartwright_put needs a kind and documents; %s is NULL",
                       kind_name == NULL ? "the kind" : "documents");
    const struct cw_kind *kind = cw_office_kind(cw_slice(kind_name), err);
    const struct cw_node *node = kind != NULL ? parse_documents(putting, documents, err) : NULL;
    if (node == NULL)
        return false;
    putting->zone = cw_zone_open(site->site->config.zone, err);
    if (putting->zone == NULL || !make_documents(putting, kind, node, err))
        return false;
    struct cw_office_put put = { .config = &site->site->config,
                                 .kind = kind,
                                 .docs = putting->docs,
                                 .count = putting->count,
                                 .from = cw_slice(from != NULL ? from : ""),
                                 .who = who(),
                                 .reason = cw_slice(reason != NULL ? reason : "") };
    return cw_office_put(site->store, cw_loop_clock(site->loop), &put, result, err);
}

int cartwright_put(struct cartwright *site, const char *kind, const char *documents, const char *from,
                   const char *reason, struct cartwright_put_counts *counts, struct cartwright_error *err)
{
    struct putting putting = { .site = site };
    struct cw_office_result result = { 0 };
    struct cw_error failed;
    cw_arena_init(&putting.arena, 0);
    bool ok = put_documents(&putting, kind, documents, from, reason, &result, &failed);
    if (ok && counts != NULL)
        *counts = (struct cartwright_put_counts){ result.put, result.unchanged, result.messages };
    cw_parser_free(putting.parser);
    cw_zone_free(putting.zone);
    g_free(putting.docs);
    cw_arena_fini(&putting.arena);
    return ok ? 0 : fail(err, &failed);
}
