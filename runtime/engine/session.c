/* session.c - see session.h. */
#include "engine/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/edits.h"
#include "engine/entry_notes.h"
#include "engine/office.h"
#include "engine/published.h"

/* A request that leaves has a twelfth of the lease's time, 5 s of a minute, to reach the shop. */
enum { LEASE_MARGIN = 12 };

struct cw_session {
    struct cw_session_config config;
    struct cw_script *script;
    struct cw_lua_host lua_host;
    struct cw_lua_carts *carts;
    struct cw_random random;
    struct cw_later wake;
    struct cw_hasher versions;
    char version[CW_HASH_TEXT_MAX];
    struct cw_emitter *emitter;
    int64_t token;
    int64_t lease_end_ns; /* by the loop's monotonic clock; 0 = no end */
};

/* --- what the script kernel asks for --- */

static void run_script(void *arg)
{
    struct cw_session *session = arg;
    cw_pulse_enter(session->config.pulse, session->config.cart);
    cw_script_run(session->script);
    cw_pulse_leave(session->config.pulse);
}

static void wake(void *arg)
{
    struct cw_session *session = arg;
    cw_loop_later(session->config.loop, &session->wake, run_script, session);
}

static bool load(void *arg, const char *module, struct cw_slice *source, char chunk_name[128],
                 struct cw_error *err)
{
    struct cw_session *session = arg;
    if (!cw_site_load_module(session->config.site, module, source, chunk_name, err))
        return false;
    cw_hasher_add(&session->versions, cw_slice(module));
    cw_hasher_add(&session->versions, *source);
    return true;
}

static void release(void *arg, struct cw_slice source)
{
    (void)arg;
    cw_site_release_module(source);
}

static void print_line(void *arg, struct cw_slice line)
{
    struct cw_session *session = arg;
    if (session->config.print != NULL) {
        session->config.print(session->config.arg, line);
        return;
    }
    struct cw_log_field fields[] = { { "text", line }, { NULL, { NULL, 0 } } };
    cw_log(CW_LOG_INFO, "print", fields);
}

const char *cw_session_script_version(struct cw_session *session)
{
    struct cw_hasher copy = session->versions;
    struct cw_hash hash = cw_hasher_end(&copy);
    cw_hash_hex(&hash, session->version);
    return session->version;
}

/* --- what the bindings ask for --- */

static const char *secret(void *arg, const char *name)
{
    struct cw_session *session = arg;
    return cw_site_secret(session->config.site, name);
}

static bool has_secret(void *arg, const char *name)
{
    return secret(arg, name) != NULL;
}

/* Statuses keep to the graphs of the stream that brings such documents. */
static const struct cw_rules *rules_of(const struct cw_lua_cart *cart, const struct cw_kind *kind)
{
    const struct cw_lua_stream *stream = cw_lua_cart_stream_of(cart, kind);
    return stream != NULL ? stream->rules : NULL;
}

/* The scripts of a cart speak for it; others for whoever runs them. */
static struct cw_slice who_of(const struct cw_session_config *config)
{
    return cw_slice(config->who != NULL ? config->who : config->cart != NULL ? config->cart : "script");
}

static bool edit(void *arg, struct cw_txn *txn, const struct cw_lua_cart *cart, const struct cw_kind *kind,
                 struct cw_slice external_id, const struct cw_change *changes, size_t count,
                 struct cw_slice reason, struct cw_error *err)
{
    struct cw_session *session = arg;
    const struct cw_session_config *config = &session->config;
    struct cw_edit_request request = { .cart = cw_slice(cart->name),
                                       .external_id = external_id,
                                       .kind = kind,
                                       .changes = changes,
                                       .count = count,
                                       .who = who_of(config),
                                       .reason = reason,
                                       .rules = rules_of(cart, kind),
                                       .zone = cart->zone,
                                       .token = txn != NULL ? 0 : session->token,
                                       .config = &config->site->config,
                                       .dry_run = config->dry_run,
                                       .txn = txn };
    return cw_edit_document(config->store, cw_loop_clock(config->loop), &request, err);
}

static bool put(void *arg, struct cw_txn *txn, const struct cw_kind *kind, struct cw_document *const *docs,
                size_t count, const struct cw_slice *drops, size_t drop_count, struct cw_slice from,
                struct cw_slice reason, struct cw_error *err)
{
    struct cw_session *session = arg;
    const struct cw_session_config *config = &session->config;
    struct cw_office_result result;
    struct cw_office_put request = { .config = &config->site->config,
                                     .kind = kind,
                                     .docs = docs,
                                     .count = count,
                                     .drops = drops,
                                     .drop_count = drop_count,
                                     .from = from,
                                     .who = who_of(config),
                                     .reason = reason,
                                     .dry_run = config->dry_run,
                                     .txn = txn };
    return cw_office_put(config->store, cw_loop_clock(config->loop), &request, &result, err);
}

static bool quantity(void *arg, struct cw_txn *txn, const char *cart, struct cw_slice sku, bool *is_known,
                     struct cw_decimal *published, struct cw_error *err)
{
    const struct cw_session *session = arg;
    const struct cw_session_config *config = &session->config;
    cw_time now = cw_now(cw_loop_clock(config->loop));
    return cw_published_quantity(txn, &config->site->config, cart, sku, now, is_known, published, err);
}

void cw_session_set_token(struct cw_session *session, int64_t token)
{
    session->token = token;
}

void cw_session_set_lease(struct cw_session *session, int64_t asked_ns, cw_time time)
{
    cw_time granted = time < CW_LEASE_TIME_MAX ? time : CW_LEASE_TIME_MAX;
    session->lease_end_ns = granted > 0 ? asked_ns + (granted - granted / LEASE_MARGIN) * 1000 : 0;
}

bool cw_session_may_write(const struct cw_session *session, const char *cart, struct cw_error *err)
{
    int64_t now = cw_elapsed_ns(cw_loop_clock(session->config.loop));
    if (session->lease_end_ns == 0 || now < session->lease_end_ns)
        return true;
    return cw_fail(
        err, CW_REFUSED,
        "the lease of cart %s ran out %.1f s ago: this process stood still, or could not reach the "
        "store, and another one may do its work by now; what was not sent is sent by the next run",
        cart, (double)(now - session->lease_end_ns) / 1e9);
}

static bool may_write(void *arg, const char *cart, struct cw_error *err)
{
    return cw_session_may_write(arg, cart, err);
}

struct cw_fence cw_session_fence(const struct cw_session *session, const char *cart)
{
    return (struct cw_fence){ cw_slice(cart), session->token };
}

static struct cw_fence fence_of(void *arg, const char *cart)
{
    return cw_session_fence(arg, cart);
}

static void versioned(void *arg, struct cw_slice bytes)
{
    struct cw_session *session = arg;
    cw_hasher_add(&session->versions, bytes);
}

struct cw_pipeline cw_session_pipeline(struct cw_session *session)
{
    return (struct cw_pipeline){ .store = session->config.store,
                                 .loop = session->config.loop,
                                 .clock = cw_loop_clock(session->config.loop),
                                 .script_version = cw_session_script_version(session),
                                 .pulse = session->config.pulse,
                                 .config = &session->config.site->config,
                                 .token = session->token,
                                 .dry_run = session->config.dry_run,
                                 .began_by = session->config.began_by,
                                 .worker = session->config.worker,
                                 .log = session->config.log };
}

void cw_session_set_began_by(struct cw_session *session, const char *began_by)
{
    session->config.began_by = began_by;
}

static struct cw_pipeline pipeline_of(void *arg)
{
    return cw_session_pipeline(arg);
}

static void *emit(void *arg, const struct cw_lua_stream *stream, struct cw_records *records,
                  struct cw_slice position, cw_emit_done_fn *done, void *done_arg, struct cw_error *err)
{
    struct cw_session *session = arg;
    return cw_emitter_emit(session->emitter, stream, records, position, done, done_arg, err);
}

static void cancel_emit(void *arg, void *handle)
{
    (void)arg;
    cw_emitter_cancel(handle);
}

struct cw_emitter *cw_session_emitter(struct cw_session *session)
{
    return session->emitter;
}

static void progress(void *arg, int64_t done, int64_t total)
{
    struct cw_session *session = arg;
    if (session->config.progress != NULL)
        session->config.progress(session->config.arg, done, total);
}

static bool note(void *arg, const struct cw_lua_stream *stream, const char *entry, const char *words,
                 bool once, struct cw_error *err)
{
    struct cw_session *session = arg;
    struct cw_pipeline pipeline = cw_session_pipeline(session);
    const struct cw_entry_note note = { .stream = stream,
                                        .run = cw_emitter_run(session->emitter, stream),
                                        .entry = entry,
                                        .words = words,
                                        .once = once };
    return cw_entry_note(&pipeline, &note, err);
}

static struct cw_inbox *inbox(void *arg, const char *cart, struct cw_error *err)
{
    struct cw_session *session = arg;
    return session->config.inbox != NULL ? session->config.inbox(session->config.arg, cart, err) : NULL;
}

/* --- life --- */

static bool open_script(struct cw_session *session, struct cw_error *err)
{
    const struct cw_session_config *config = &session->config;
    struct cw_script_host host = { .arg = session,
                                   .name = "cart",
                                   .clock = cw_loop_clock(config->loop),
                                   .random_seed = config->seed,
                                   .wake = wake,
                                   .load = load,
                                   .release = release,
                                   .print = print_line,
                                   .limits = config->limits,
                                   .fail_allocation = config->fail_allocation,
                                   .collector_always = config->collector_always };
    session->script = cw_script_create(&host, err);
    return session->script != NULL && cw_lua_provide_all(session->script, &session->lua_host, err);
}

static bool open_carts(struct cw_session *session, struct cw_error *err)
{
    const struct cw_session_config *config = &session->config;
    struct cw_lua_carts_host host = { .arg = session,
                                      .store = config->store,
                                      .site_zone = config->site->config.zone,
                                      .dry_run = config->dry_run,
                                      .argc = config->argc,
                                      .argv = config->argv,
                                      .has_secret = has_secret,
                                      .versioned = versioned,
                                      .fence = fence_of,
                                      .may_write = may_write,
                                      .emit = emit,
                                      .cancel_emit = cancel_emit,
                                      .progress = progress,
                                      .folder = config->site->path,
                                      .note = note,
                                      .inbox = inbox,
                                      .put = config->store != NULL ? put : NULL,
                                      .edit = config->store != NULL ? edit : NULL,
                                      .quantity = config->store != NULL ? quantity : NULL,
                                      .has_many_writers = strstr(config->site->config.store, "://") != NULL };
    session->carts = cw_lua_carts_create(session->script, &host, err);
    return session->carts != NULL;
}

struct cw_session *cw_session_open(const struct cw_session_config *config, struct cw_error *err)
{
    struct cw_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a session");
        return NULL;
    }
    session->config = *config;
    cw_random_seed(&session->random, config->seed);
    cw_hasher_init(&session->versions);
    session->lua_host = (struct cw_lua_host){ .loop = config->loop,
                                              .transport = config->transport,
                                              .random = &session->random,
                                              .allowed = (const char *const *)config->site->config.allow,
                                              .read_only = config->dry_run,
                                              .cart = config->cart != NULL ? config->cart : "site",
                                              .secret = secret,
                                              .arg = session };
    session->emitter = cw_emitter_create(pipeline_of, session, config->job, err);
    if (session->emitter != NULL && open_script(session, err) && open_carts(session, err))
        return session;
    cw_session_close(session);
    return NULL;
}

void cw_session_close(struct cw_session *session)
{
    if (session == NULL)
        return;
    cw_later_cancel(session->config.loop, &session->wake);
    cw_script_free(session->script); /* its fibers call off what they wait for, so the carts go after them */
    cw_lua_carts_free(session->carts);
    cw_emitter_free(session->emitter);
    free(session);
}

struct cw_lua_carts *cw_session_carts(struct cw_session *session)
{
    return session->carts;
}

struct cw_lua_cart *cw_session_cart(struct cw_session *session, const char *name, struct cw_error *err)
{
    return cw_lua_cart_open(session->carts, name, err);
}

const struct cw_session_config *cw_session_settings(const struct cw_session *session)
{
    return &session->config;
}
