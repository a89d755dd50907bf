/* pg_connect.c - the connection: made once with waiting, for opening, and again without whenever it is lost.
 */
#include "adapters/pg_link.h"

#include <poll.h>

#include "base/log.h"

/* --- what libpq is told --- */

enum { SETTINGS_MAX = 16 };

struct settings {
    const char *names[SETTINGS_MAX], *values[SETTINGS_MAX];
    size_t count;
};

static void add(struct settings *s, const char *name, const char *value)
{
    s->names[s->count] = name;
    s->values[s->count++] = value;
}

/* What stands before the address may be said otherwise there, what stands behind it not. A host that is gone
 * without a word is noticed within a minute. */
static struct settings settings_of(const struct cw_pg_link *link)
{
    static char timeout[8];
    struct settings s = { .count = 0 };
    snprintf(timeout, sizeof timeout, "%d", CW_PG_OPEN_SECONDS);
    add(&s, "fallback_application_name", "cartwright");
    add(&s, "connect_timeout", timeout);
    add(&s, "keepalives_idle", "30");
    add(&s, "keepalives_interval", "10");
    add(&s, "keepalives_count", "3");
    add(&s, "tcp_user_timeout", "60000");
    add(&s, "dbname", link->uri);
    add(&s, "client_encoding", "UTF8");
    if (link->password != NULL)
        add(&s, "password", link->password);
    return s;
}

/* Notices ("table exists already") are for people at a prompt. */
static void ignore_notice(void *arg, const PGresult *notice)
{
    (void)arg, (void)notice;
}

bool cw_pg_connect(struct cw_pg_link *link, struct cw_error *err)
{
    struct settings s = settings_of(link);
    link->conn = PQconnectdbParams(s.names, s.values, 1);
    if (PQstatus(link->conn) != CONNECTION_OK)
        return cw_pg_fail_link(link, err);
    PQsetNoticeReceiver(link->conn, ignore_notice, NULL);
    int version = PQserverVersion(link->conn);
    return version >= CW_PG_SERVER_MIN ||
           cw_fail(err, CW_USAGE, "%s is PostgreSQL %d; the store needs %d or newer", link->pg->place,
                   version / 10000, CW_PG_SERVER_MIN / 10000);
}

/* --- what the server is told --- */

/* The limits end what hangs: a statement after a quarter of an hour, waiting for a lock after 15 seconds, and
 * a transaction of a process that was stopped, which keeps others waiting, after a minute. */
static const char set_up[] =
    "SELECT pg_backend_pid(), (SELECT backend_start::text FROM pg_stat_activity WHERE pid = "
    "pg_backend_pid()), set_config('statement_timeout', '900000', false), "
    "set_config('lock_timeout', '15000', false), "
    "set_config('idle_in_transaction_session_timeout', '60000', false), "
    "set_config('standard_conforming_strings', 'on', false), set_config('jit', 'off', false), "
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
    "WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false), "
    "set_config('default_transaction_read_only', $1, false), "
    "(SELECT set_config(name, 'lz4', false) FROM pg_settings "
    "WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals))";

/* A process of the server that has not noticed yet that nobody is there any more holds its locks. */
static const char end_former[] =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2";

static void note_backend(void *arg, PGresult *result, const struct cw_error *err)
{
    struct cw_pg_link *link = arg;
    if (err != NULL) {
        link->why = *err;
        link->is_ending = true; /* what it would be used for is not safe without these settings */
        return;
    }
    struct cw_slice start = cw_pg_slice(result, 0, 1);
    link->backend_pid = cw_pg_int(result, 0, 0);
    snprintf(link->backend_start, sizeof link->backend_start, "%.*s", CW_SLICE_ARG(start));
    link->pause_ns = CW_PG_RETRY_MIN_NS;
}

static bool say_hello(struct cw_pg_link *link, struct cw_error *err)
{
    const struct cw_bind read_only = cw_bind_word(link->pg->store.read_only ? "on" : "off");
    int64_t pid = link->lost_pid;
    link->backend_pid = 0;
    link->lost_pid = 0;
    if (!cw_pg_send_with(link->pg, CW_PG_ONCE, set_up, &read_only, 1, note_backend, link, err))
        return false;
    return pid == 0 ||
           cw_pg_send_with(link->pg, CW_PG_ONCE, end_former,
                           CW_BINDS(cw_bind_int(pid), cw_bind_word(link->lost_start)), NULL, NULL, err);
}

bool cw_pg_enter_pipeline(struct cw_pg_link *link, struct cw_error *err)
{
    if (PQsetnonblocking(link->conn, 1) != 0 || PQenterPipelineMode(link->conn) != 1)
        return cw_pg_fail_link(link, err);
    link->state = CW_PG_UP;
    link->is_ending = false;
    link->wants_writing = false;
    return say_hello(link, err);
}

/* --- again --- */

bool cw_pg_wants_link(const struct cw_pg_link *link)
{
    enum cw_pg_stage stage = link->turn.stage;
    return link->unsent.first != NULL || link->heard != NULL || stage == CW_PG_WAITING ||
           stage == CW_PG_RESOLVING;
}

static void go_down(struct cw_pg_link *link)
{
    cw_pg_unwatch(link);
    PQfinish(link->conn);
    link->conn = NULL;
    link->state = CW_PG_DOWN;
    link->is_listening = false;
    link->wants_writing = false;
}

static void pause_before_next(struct cw_pg_link *link)
{
    link->retry_ns = cw_pg_clock_ns() + link->pause_ns;
    link->pause_ns *= 2;
    if (link->pause_ns > CW_PG_RETRY_MAX_NS)
        link->pause_ns = CW_PG_RETRY_MAX_NS;
}

static void try_later(struct cw_pg_link *link)
{
    cw_pg_fail_link(link, &link->why);
    go_down(link);
    pause_before_next(link);
}

static void start(struct cw_pg_link *link)
{
    struct settings s = settings_of(link);
    link->started_ns = cw_pg_clock_ns();
    link->conn = PQconnectStartParams(s.names, s.values, 1);
    link->state = CW_PG_CONNECTING;
    link->polling = PGRES_POLLING_WRITING;
    if (PQstatus(link->conn) == CONNECTION_BAD)
        try_later(link);
}

static void come_up(struct cw_pg_link *link)
{
    PQsetNoticeReceiver(link->conn, ignore_notice, NULL);
    if (!cw_pg_enter_pipeline(link, &link->why)) {
        try_later(link);
        return;
    }
    cw_log_pairs(CW_LOG_WARNING, "store-connected-again", "store", link->pg->place, NULL);
    cw_pg_send_unsent(link);
}

/* libpq takes every call for a sign that the descriptor is ready. */
static bool is_ready(const struct cw_pg_link *link)
{
    short events = link->polling == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    struct pollfd fd = { .fd = PQsocket(link->conn), .events = events };
    return poll(&fd, 1, 0) == 1;
}

static void go_on(struct cw_pg_link *link, int64_t now_ns)
{
    while (link->state == CW_PG_CONNECTING && is_ready(link)) {
        link->polling = PQconnectPoll(link->conn);
        if (link->polling == PGRES_POLLING_OK)
            come_up(link);
        else if (link->polling == PGRES_POLLING_FAILED)
            try_later(link);
    }
    if (link->state == CW_PG_CONNECTING &&
        now_ns - link->started_ns > CW_PG_OPEN_SECONDS * INT64_C(1000000000))
        try_later(link);
}

void cw_pg_link_step(struct cw_pg_link *link)
{
    int64_t now_ns = cw_pg_clock_ns();
    if (link->state == CW_PG_DOWN && cw_pg_wants_link(link) && now_ns >= link->retry_ns)
        start(link);
    if (link->state == CW_PG_CONNECTING)
        go_on(link, now_ns);
}

/* Unless the server has said itself why it ends. */
static void note_loss(struct cw_pg_link *link)
{
    const char *said = PQerrorMessage(link->conn);
    int len = (int)strcspn(said, "\n");
    if (!link->is_ending)
        cw_fail(&link->why, CW_UNAVAILABLE,
                "the connection to %s was lost%s%.*s; try again when the server is back", link->pg->place,
                len > 0 ? ": " : "", len, said);
    cw_log_pairs(CW_LOG_WARNING, "store-connection-lost", "store", link->pg->place, "error", link->why.text,
                 NULL);
}

void cw_pg_lose_link(struct cw_pg_link *link)
{
    note_loss(link);
    struct cw_error err = link->why;
    if (cw_pg_turn_holds(link)) {
        link->lost_pid = link->backend_pid;
        memcpy(link->lost_start, link->backend_start, sizeof link->lost_start);
    }
    go_down(link);
    if (link->backend_pid != 0)
        link->retry_ns = cw_pg_clock_ns();
    else /* it did not even say hello */
        pause_before_next(link);
    cw_pg_forget_statements(link);
    cw_pg_turn_lost(link, &err);
    cw_pg_forsake(link, &err);
}
