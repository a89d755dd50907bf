/* pg_link.h - private to the core of the PostgreSQL engine: the connection, what is on its way over it, and
 * the transaction in hand.
 *
 * The link is DOWN, CONNECTING or UP. Whatever needs it while it is not UP waits in `unsent`, or as a
 * transaction that has not begun, until `retry_ns` and its own deadline. cw_pg_pump does what can be done
 * without waiting, and says through cw_pg_events and cw_pg_wake_ns what to wait for; the loop and
 * cw_store_wait both do only that. Times here are of the system's monotonic clock: a server does not care for
 * the clock of a test.
 */
#ifndef CW_ADAPTERS_PG_LINK_H
#define CW_ADAPTERS_PG_LINK_H

#include "adapters/pg_engine.h"

#define CW_PG_OPEN_SECONDS 10                         /* so long cw_store_open waits for the server */
#define CW_PG_WAIT_NS      (60 * INT64_C(1000000000)) /* so long a transaction or a reading waits for a link */
#define CW_PG_RESOLVE_NS   (600 * INT64_C(1000000000)) /* and a commit for its outcome */
#define CW_PG_RETRY_MIN_NS (INT64_C(100000000))
#define CW_PG_RETRY_MAX_NS (5 * INT64_C(1000000000))
#define CW_PG_NEVER        INT64_MAX

enum {
    CW_PG_ROWS = 1,    /* row by row */
    CW_PG_FOREIGN = 2, /* not ours: not prepared, parameters and results as text */
    CW_PG_APART = 4,   /* an error is no error of the transaction in hand */
    CW_PG_DECIDES = 8, /* the transaction does not commit before its answer was looked at */
    CW_PG_ONCE = 16,   /* never sent again on another connection */
    CW_PG_MORE = 32    /* what is sent next stands together with it, see cw_pg_sync */
};

struct cw_pg_statement {
    const char *sql;  /* by its address; NULL = the slot is free */
    unsigned number;  /* names it on the server */
    uint64_t segment; /* in which it was sent to be prepared */
    bool is_sent, is_ready;
};

struct cw_pg_copy; /* a statement with its values, to be sent when there is a link */

struct cw_pg_entry {
    struct cw_pg_entry *next;
    enum { CW_PG_STATEMENT, CW_PG_PREPARE, CW_PG_SYNC } kind;
    unsigned flags;
    cw_pg_answer_fn *answer;
    void *arg;
    uint64_t txn; /* 0 = of none */
    struct cw_pg_statement *slot;
    unsigned number;
    struct cw_pg_copy *copy; /* NULL = cannot be sent again */
    int64_t deadline_ns;     /* while it waits for a link */
    PGresult *last;          /* waits for the end of the statement's results */
    bool has_rows;           /* somebody has seen some of them */
    bool busy, ended;        /* its answer is running; it has left the queue meanwhile */
    bool is_forsaken;        /* and the link was lost */
    bool is_starved;         /* there was no memory for one of its rows */
    struct cw_pg_late {      /* what came while busy */
        PGresult *result;
        struct cw_pg_late *next;
    } * late;
};

struct cw_pg_queue {
    struct cw_pg_entry *first, *last;
};

enum cw_pg_state { CW_PG_DOWN, CW_PG_CONNECTING, CW_PG_UP };

enum cw_pg_stage {
    CW_PG_NONE,
    CW_PG_WAITING,   /* for a link */
    CW_PG_BEGINNING, /* BEGIN is on its way */
    CW_PG_OPEN,
    CW_PG_SETTLING,   /* asked to commit, waits for answers that decide */
    CW_PG_COMMITTING, /* COMMIT is on its way */
    CW_PG_REFUSED,    /* nothing was written; asks, at most, who has the lease */
    CW_PG_RESOLVING,  /* the answer to COMMIT was lost */
    CW_PG_LOST        /* with the link; the server knows nothing of it any more */
};

enum { CW_PG_LOCKED_MAX = 16 }; /* more are locked again each time, which does no harm */

struct cw_pg_turn {
    enum cw_pg_stage stage;
    struct cw_txn *txn;
    uint64_t serial;     /* never used again by this store */
    int64_t deadline_ns; /* of waiting, of resolving */
    int64_t ask_ns;      /* when to ask for the outcome again */
    int64_t pause_ns;    /* until then */
    bool is_asking;
    bool in_progress; /* as the server said last */
    bool is_ending;   /* asked to commit when the link was lost */
    bool is_fenced_out;
    unsigned deciding;
    char xid[24];
    uint64_t locked[CW_PG_LOCKED_MAX]; /* streams whose levels it has locked, see pg_outbox.c */
    unsigned locked_count;
};

struct cw_pg_link {
    struct cw_pg *pg;
    char *uri;
    char *password; /* as it was found when the store was opened; a confined process may not find it again */
    enum cw_pg_state state;
    PGconn *conn;
    PostgresPollingStatusType polling; /* what connecting waits for */
    int64_t started_ns, retry_ns, pause_ns;
    struct cw_error why; /* why the link is down */
    bool is_ending;      /* the server has said so */
    int64_t backend_pid; /* of the server's process, and when it started */
    char backend_start[64];
    int64_t lost_pid; /* of the connection that was lost: it may still hold locks; 0 = none */
    char lost_start[64];
    char session[33];   /* names this store in the table commits */
    char schema[132];   /* of the tables, quoted for SQL */
    cw_time query_time; /* CW_QUERY_TIME_MAX; less in tests */
    int64_t wait_ns;    /* CW_PG_WAIT_NS; less in tests */

    struct cw_pg_queue sent, unsent;
    unsigned unsynced;  /* statements since the last sync */
    bool wants_writing; /* not all could be handed to the system */
    uint64_t segment;   /* between two syncs, or of one transaction; for prepared statements */
    bool segment_failed;
    bool segment_is_stray; /* because the transaction before it had failed, and was not rolled back yet */
    struct cw_error segment_why;
    struct cw_pg_statement statements[CW_PG_STATEMENTS];
    unsigned statement_count, numbers;

    struct cw_pg_turn turn;
    uint64_t serials;

    cw_loop_fn *heard;
    void *heard_arg;
    bool is_listening; /* on this connection */
    struct cw_later later, heard_later;
    struct cw_timer *timer;
    struct cw_watch *watch;
    int watch_fd, watch_events;
};

int64_t cw_pg_clock_ns(void);

/* --- pg_pipeline.c --- */

bool cw_pg_send_with(struct cw_pg *pg, unsigned flags, const char *sql, const struct cw_bind *binds,
                     size_t count, cw_pg_answer_fn *answer, void *arg, struct cw_error *err);
/* The statements sent so far stand together: an error among them ends them, and nothing that follows. */
void cw_pg_sync(struct cw_pg_link *link);
/* Sends what waited for the link. */
void cw_pg_send_unsent(struct cw_pg_link *link);
/* Answers what waited for too long. */
void cw_pg_expire_unsent(struct cw_pg_link *link, int64_t now_ns);
/* What was sent comes to nothing: it is queued again where that is safe, else told err. */
void cw_pg_forsake(struct cw_pg_link *link, const struct cw_error *err);
void cw_pg_cancel_all(struct cw_pg_link *link, const struct cw_error *err);
void cw_pg_forget_statements(struct cw_pg_link *link);
/* Reads and answers what has come. False when the connection is gone. */
bool cw_pg_receive(struct cw_pg_link *link);
/* Hands over to the system what it takes. False when the connection is gone. */
bool cw_pg_flush(struct cw_pg_link *link);

/* --- pg_statement.c: how one statement goes to libpq --- */

bool cw_pg_transmit(struct cw_pg_link *link, struct cw_pg_entry *entry, const char *sql,
                    const struct cw_bind *binds, size_t count, struct cw_error *err);
struct cw_pg_copy *cw_pg_copy_create(const char *sql, bool copy_sql, const struct cw_bind *binds,
                                     size_t count);
bool cw_pg_transmit_copy(struct cw_pg_link *link, struct cw_pg_entry *entry, struct cw_error *err);
/* To be told before the first of its results is looked at. */
void cw_pg_focus(struct cw_pg_link *link);
void cw_pg_entry_free(struct cw_pg_entry *entry);
void cw_pg_append(struct cw_pg_queue *queue, struct cw_pg_entry *entry);

/* --- pg_connect.c --- */

/* Waits; for cw_store_open alone. */
bool cw_pg_connect(struct cw_pg_link *link, struct cw_error *err);
/* From here on nothing waits any more. */
bool cw_pg_enter_pipeline(struct cw_pg_link *link, struct cw_error *err);
/* One step towards a link, when anybody needs one. */
void cw_pg_link_step(struct cw_pg_link *link);
void cw_pg_lose_link(struct cw_pg_link *link);
bool cw_pg_wants_link(const struct cw_pg_link *link);

/* --- pg_loop.c --- */

void cw_pg_pump(struct cw_pg_link *link);
/* cw_pg_pump soon, from the loop. */
void cw_pg_pump_later(struct cw_pg_link *link);
void cw_pg_wait(struct cw_store *store);
bool cw_pg_loop_open(struct cw_pg_link *link, struct cw_error *err);
void cw_pg_loop_close(struct cw_pg_link *link);
/* Before the connection's descriptor is closed. */
void cw_pg_unwatch(struct cw_pg_link *link);

/* --- pg_transaction.c --- */

void cw_pg_turn_step(struct cw_pg_link *link);
/* The link was lost, and with it whatever was not committed. */
void cw_pg_turn_lost(struct cw_pg_link *link, const struct cw_error *err);
int64_t cw_pg_turn_wake_ns(const struct cw_pg_link *link);
/* The transaction that a statement sent now belongs to; 0 = none. */
uint64_t cw_pg_turn_serial(const struct cw_pg_link *link);
bool cw_pg_turn_is_busy(const struct cw_pg_link *link); /* somebody waits for it */
/* Of a transaction whose server process may live on without us. */
bool cw_pg_turn_holds(const struct cw_pg_link *link);

/* --- pg_leases.c --- */

/* Of the lease $1; for the message. */
extern const char cw_pg_select_holder[];
/* CW_CONFLICT: who holds the lease, from its result, or from NULL. Always false. */
bool cw_pg_fail_held(struct cw_slice name, const PGresult *result, struct cw_error *err);

/* --- pg_outbox.c --- */

/* Until the transaction in hand ends, no other one puts, claims or settles levels of that stream. */
bool cw_pg_lock_stream(struct cw_pg *pg, struct cw_slice cart, struct cw_slice stream, struct cw_error *err);

/* --- pg_listen.c --- */

void cw_pg_listen_step(struct cw_pg_link *link);
void cw_pg_hear(struct cw_pg_link *link);
void cw_pg_listen_close(struct cw_pg_link *link);

/* --- pg_schema.c, before the pipeline --- */

bool cw_pg_settle_schema(struct cw_pg_link *link, const struct cw_store_config *config,
                         const struct cw_schema *schema, struct cw_error *err);

/* --- pg_result.c --- */

/* SQLSTATE of an error; "" when it has none. */
const char *cw_pg_sqlstate(const PGresult *result);
/* Why there is no connection, from what libpq says, which never has a password in it. Always false. */
bool cw_pg_fail_link(struct cw_pg_link *link, struct cw_error *err);
/* The server ends, or begins, or is not there. */
bool cw_pg_is_link_error(const PGresult *result);

#endif
