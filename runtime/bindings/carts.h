/* carts.h - the carts of one script state: their streams, ready to be fetched and mapped.
 *
 * The engine opens carts here by name; scripts reach the same ones through `self` and site.cart(). What a
 * script asks for that only the engine can do (storing a page) goes out through the host.
 */
#ifndef CW_BINDINGS_CARTS_H
#define CW_BINDINGS_CARTS_H

#include "adapters/inbox.h"
#include "adapters/store.h"
#include "bindings/bindings.h"
#include "bindings/out_config.h"
#include "bindings/plans.h"
#include "bindings/records.h"
#include "bindings/rules.h"
#include "mapping/edit.h"

struct cw_lua_carts;
struct cw_lua_cart;

struct cw_lua_stream {
    const struct cw_lua_cart *cart;
    char *name;                  /* "orders" */
    char *id;                    /* path of a record's id */
    char **paths;                /* record paths in files, see cw_records_open_first */
    size_t path_count;           /* none when the script names none */
    bool has_split;              /* a function of its script makes the records of a file */
    struct cw_rows *rows;        /* how its files are read where they are tables of text; else NULL */
    struct cw_arena *rows_texts; /* of rows */
    cw_time overlap, settle;
    bool full;                         /* no change times: everything is read each time */
    bool has_fetch, has_ids, has_read; /* functions of its script */
    cw_time reconcile;                 /* how far back its records are compared with the cart's */
    cw_time refresh;                   /* orders placed longer ago are not read again */
    char **final;                      /* statuses after which an order changes no more */
    size_t final_count;
    struct cw_lua_plan *plan;
    struct cw_rules *rules;          /* what the site decides about its documents; never NULL */
    struct cw_rules *customer_rules; /* about customers that its orders make; NULL = it brings no orders */
    bool is_off;                     /* the site switched it off: sync leaves it alone */
};

/* How a cart's script tells the cart something: shop.stock_out and so on. */
struct cw_lua_out {
    bool is_there; /* the script has the stream; it has one of send and send_batch then */
    bool has_send, has_batch, has_probe;
    unsigned batch; /* most messages in one batch; 0 = any number */
};

struct cw_lua_cart {
    struct cw_lua_carts *carts;
    struct cw_script *script;
    char *name;
    char *type;
    struct cw_zone *zone;
    cw_time orders_from;           /* CW_TIME_NONE = no limit */
    struct cw_lua_stream *streams; /* in the order customers, items, orders, stock, shipments */
    size_t stream_count;
    struct cw_lua_out outs[CW_OUT_STREAMS];
    char **drops; /* folders of this machine that its files are put into, absolute */
    size_t drop_count;
    bool has_inbox;
    bool takes_notices;      /* its script can check them, and the secret to check them with is set */
    bool serves;             /* its script answers requests */
    struct cw_fence serving; /* under which what it puts for the request in hand is written */
    int ref;                 /* registry: the instance */
};

/* `counts` and `err`: exactly one is not NULL. */
typedef void cw_emit_done_fn(void *arg, const struct cw_run_counts *counts, const struct cw_error *err);

struct cw_lua_carts_host {
    void *arg;
    struct cw_store *store; /* for recall, remember and site.query; NULL = there is none */
    const char *site_zone;
    bool dry_run;
    const char *folder; /* the site's, absolute; NULL = there is none */
    int argc;           /* site.args */
    char **argv; /* NULL: no script of `cartwright exec`, so that cartwright.site may not be required */
    bool (*has_secret)(void *arg, const char *name); /* "shop.key" */
    /* What the mapping of a cart depends on besides its scripts: translation rows of the store. May be NULL.
     */
    void (*versioned)(void *arg, struct cw_slice bytes);
    /* Under which a cart's state is written. May be NULL. */
    struct cw_fence (*fence)(void *arg, const char *cart);
    /* Whether the right to work for the cart is in force still: asked right before a request that writes
     * leaves while the cart is told something. False with CW_REFUSED. May be NULL. */
    bool (*may_write)(void *arg, const char *cart, struct cw_error *err);
    /* Stores a page; takes over nothing: records live until done. Cancelled through the returned handle. */
    void *(*emit)(void *arg, const struct cw_lua_stream *stream, struct cw_records *records,
                  struct cw_slice position, cw_emit_done_fn *done, void *done_arg, struct cw_error *err);
    void (*cancel_emit)(void *arg, void *handle);
    void (*progress)(void *arg, int64_t done, int64_t total);
    /* A note of the stream's open run about an entry of the inbox; with `once` not again about one of that
     * name. May be NULL. */
    bool (*note)(void *arg, const struct cw_lua_stream *stream, const char *entry, const char *words,
                 bool once, struct cw_error *err);
    /* An inbox in the place of the one that the cart's script names; NULL with err's code CW_OK = none. May
     * be NULL. */
    struct cw_inbox *(*inbox)(void *arg, const char *cart, struct cw_error *err);
    bool has_many_writers; /* of documents, in the store: numbers may be seen out of their order */
    /* Puts documents of the back office (site.put), and drops `drops`: all of it or nothing. `txn`: one that
     * has begun, which is ended in any case; NULL = its own, which is waited for. */
    bool (*put)(void *arg, struct cw_txn *txn, const struct cw_kind *kind, struct cw_document *const *docs,
                size_t count, const struct cw_slice *drops, size_t drop_count, struct cw_slice from,
                struct cw_slice reason, struct cw_error *err);
    /* Changes a document of a cart in the store: all of it or nothing. */
    bool (*edit)(void *arg, struct cw_txn *txn, const struct cw_lua_cart *cart, const struct cw_kind *kind,
                 struct cw_slice external_id, const struct cw_change *changes, size_t count,
                 struct cw_slice reason, struct cw_error *err);
    /* What is published of a SKU to the cart, by its rule; *is_known false = nothing is known of it. Waits
     * for the store; `txn` stays open. May be NULL. */
    bool (*quantity)(void *arg, struct cw_txn *txn, const char *cart, struct cw_slice sku, bool *is_known,
                     struct cw_decimal *quantity, struct cw_error *err);
};

/* Provides cartwright.native.cart and cartwright.site to the script. `host` is copied. */
struct cw_lua_carts *cw_lua_carts_create(struct cw_script *script, const struct cw_lua_carts_host *host,
                                         struct cw_error *err);
/* After its script, whose fibers may still call off what they asked of the carts. Accepts NULL. */
void cw_lua_carts_free(struct cw_lua_carts *carts);

/* Loads the cart of that name: script, settings, mappings. CW_USAGE lists everything that is wrong with them.
 * Opened once; asked again, the same is returned. */
struct cw_lua_cart *cw_lua_cart_open(struct cw_lua_carts *carts, const char *name, struct cw_error *err);
/* NULL when the cart has no such stream. */
const struct cw_lua_stream *cw_lua_cart_stream(const struct cw_lua_cart *cart, const char *name);
/* The one that brings documents of the kind; NULL when there is none. */
const struct cw_lua_stream *cw_lua_cart_stream_of(const struct cw_lua_cart *cart, const struct cw_kind *kind);
/* The records of a file of the stream. `path` NULL = as its script says, which then says it. Takes over body.
 */
struct cw_records *cw_lua_stream_open(const struct cw_lua_stream *stream, struct cw_body *body,
                                      const char *path, struct cw_error *err);
/* As cw_lua_cart_stream, with the error for the person who named it: CW_USAGE. */
const struct cw_lua_stream *cw_lua_cart_need_stream(const struct cw_lua_cart *cart, const char *name,
                                                    struct cw_error *err);

/* A row of the translation tables in force: those of the script and of the site's rules, with the store's
 * over them. `key` has data NULL for a table that has no rows, `value` for a row that means "no value". */
struct cw_lua_table_row {
    struct cw_slice table, key, value;
};
/* Valid during the call; must not use the cart. */
typedef void cw_lua_table_row_fn(void *arg, const struct cw_lua_table_row *row);
/* In no order. */
bool cw_lua_cart_read_tables(const struct cw_lua_cart *cart, cw_lua_table_row_fn *row, void *arg,
                             struct cw_error *err);

/* Whether and how a record is searched for that breaks the list; see scripts/types/cart.lua. */
enum cw_lua_search { CW_SEARCH_NONE, CW_SEARCH_HALVE, CW_SEARCH_STEP };

/* A window as scripts get it; CW_TIME_NONE and an empty position become nil. */
struct cw_lua_window {
    cw_time from, to;
    struct cw_slice position;
    bool by_placed; /* the time that lies in it: of placing, else of the last change */
    enum cw_lua_search search;
};

/* Ends with err NULL when the script returned. `text` is what test() had to say, a line each. Of fetch, ids
 * and read: what the cart said of a record that was passed by; with an error the same text as the error's
 * when a single broken record can be the cause of it, and empty when not. */
typedef void cw_lua_done_fn(void *arg, struct cw_slice text, const struct cw_error *err);

/* One of the ids that stream.ids listed, in the script's order; the same one may come again. */
typedef void cw_lua_id_fn(void *arg, struct cw_slice id);

enum { CW_READ_IDS_MAX = 50 }; /* of one call of stream.read */

/* Starts stream.fetch(window), .ids(window), .read(ids), cart:test(), or a script file's main function, as a
 * fiber. `window` and `ids` are copied. `listed` is called for each id before `done`, unless it failed. */
struct cw_fiber *cw_lua_start_fetch(const struct cw_lua_stream *stream, const struct cw_lua_window *window,
                                    cw_lua_done_fn *done, void *arg, struct cw_error *err);
struct cw_fiber *cw_lua_start_ids(const struct cw_lua_stream *stream, const struct cw_lua_window *window,
                                  cw_lua_id_fn *listed, cw_lua_done_fn *done, void *arg,
                                  struct cw_error *err);
struct cw_fiber *cw_lua_start_read(const struct cw_lua_stream *stream, const struct cw_slice *ids,
                                   size_t count, cw_lua_done_fn *done, void *arg, struct cw_error *err);
struct cw_fiber *cw_lua_start_test(struct cw_lua_cart *cart, cw_lua_done_fn *done, void *arg,
                                   struct cw_error *err);
struct cw_fiber *cw_lua_start_script(struct cw_lua_carts *carts, struct cw_slice source,
                                     const char *chunk_name, cw_lua_done_fn *done, void *arg,
                                     struct cw_error *err);

/* A notice that the shop sent by itself, as it came. */
struct cw_lua_notice {
    const char *method;
    struct cw_slice rest, query; /* the path behind the cart's name; what stood behind '?' */
    const struct cw_header *headers;
    size_t header_count;
    struct cw_slice body;
    cw_time received_at;
    const char *peer; /* whose address it came from; NULL = not told */
};

/* What the cart's script makes of it: neither believed nor ignored = refused, with a reason. All valid during
 * the call. */
struct cw_lua_verdict {
    bool is_believed, is_ignored;
    struct cw_slice reason;
    struct cw_slice id;         /* the delivery's, or a hash of what was signed */
    struct cw_slice topic, job; /* job: which of the cart's it wakes; empty = all */
    cw_time at;                 /* its own time; CW_TIME_NONE = it has none that is signed */
};

/* Exactly one of verdict and err is not NULL. */
typedef void cw_lua_heard_fn(void *arg, const struct cw_lua_verdict *verdict, const struct cw_error *err);
struct cw_lua_hearing {
    cw_lua_heard_fn *heard;
    void *arg;
};

/* Starts cart:webhook(notice) as a fiber, which may not ask the shop. `hearing` must stay until it is heard,
 * or the fiber killed; the notice is copied. */
struct cw_fiber *cw_lua_start_notice(const struct cw_lua_cart *cart, const struct cw_lua_notice *notice,
                                     struct cw_lua_hearing *hearing, struct cw_error *err);

/* What the cart's script answers; valid during the call. */
struct cw_lua_answer {
    int status;
    cw_time wait; /* for so long it is not sent */
    const struct cw_header *headers;
    size_t header_count;
    struct cw_slice body;
};

/* Exactly one of answer and err is not NULL. */
typedef void cw_lua_answered_fn(void *arg, const struct cw_lua_answer *answer, const struct cw_error *err);
struct cw_lua_serving {
    cw_lua_answered_fn *answered;
    void *arg;
};

/* Starts cart:serve(request) as a fiber; one of a cart at a time. `serving` must stay until it is answered,
 * or the fiber killed, and so must the fence's text; the request is copied. What it puts is committed under
 * `fence`. */
struct cw_fiber *cw_lua_start_serve(struct cw_lua_cart *cart, const struct cw_lua_notice *request,
                                    struct cw_fence fence, struct cw_lua_serving *serving,
                                    struct cw_error *err);

/* --- sending --- */

/* What a script said of one message. Of a probe: SENT = the cart has it, MISSING = it does not. */
enum cw_lua_said {
    CW_SAID_NOTHING,
    CW_SAID_SENT,    /* with an answer of the cart that says so */
    CW_SAID_REFUSED, /* the cart refused this one */
    CW_SAID_NEEDLESS,
    CW_SAID_MISSING
};
struct cw_lua_told {
    enum cw_lua_said said;
    struct cw_slice words; /* the answer in short, with method, address and status; or why */
    struct cw_slice link;  /* empty = none given */
};

/* What the requests of one call may have done to the cart, whatever the script made of them. */
struct cw_lua_effects {
    unsigned writes;    /* requests that could change something: begun */
    unsigned uncertain; /* of those: may have been carried out, as far as nobody said so: no answer, a status
                           5xx, 408, a redirect; an upload whose rename was not answered */
    unsigned refused;   /* not carried out: never left, a status 4xx but 408, 503 with a Retry-After, a 2xx
                           in which the script found an error (shop.refuses) */
    unsigned taken;     /* answered with any other 2xx */
};

/* `told` has one entry a message, in order. `err` is what the script raised, or NULL; status is that of the
 * answer it is about, or 0. Valid during the call. */
struct cw_lua_sent {
    const struct cw_lua_told *told;
    size_t count;
    struct cw_lua_effects effects;
    const struct cw_error *err;
    int status;
};
typedef void cw_lua_sent_fn(void *arg, const struct cw_lua_sent *sent);

/* Starts a fiber with stream.send(message) for one message, or send_batch(messages) where `as_batch`;
 * probe(messages). `links` has one entry a message: the cart's id, data NULL = not known. Messages are
 * copied. A script that runs into its limits, or dies, ends with err; what it had said and done counts all
 * the same. Of a fiber that is killed nobody hears. CW_CORRUPT for a payload that is damaged. */
enum cw_lua_telling { CW_TELL_ONE, CW_TELL_BATCH, CW_TELL_PROBE };
struct cw_fiber *cw_lua_start_telling(const struct cw_lua_cart *cart, enum cw_out out,
                                      enum cw_lua_telling telling, const struct cw_message *messages,
                                      const struct cw_slice *links, size_t count, cw_lua_sent_fn *sent,
                                      void *arg, struct cw_error *err);

/* Whether a request of this call that writes has left, or an upload has begun. Before that the fiber may be
 * killed, and the same messages be told later. */
bool cw_lua_telling_has_left(const struct cw_lua_cart *cart, const struct cw_fiber *fiber);

/* One thing that a cart has otherwise than the one at the bottom of what it extends. `change` is added,
 * removed, changed or wrapped; values are in words, empty where there is none; of what is wrapped `value`
 * says how
 * ("before", "after"). Valid during the call. */
struct cw_lua_change {
    struct cw_slice name, change, value, was, note;
    struct cw_slice where; /* "carts/x.lua:4", the line that set it last */
};

typedef void cw_lua_change_fn(void *arg, const struct cw_lua_change *change);

/* Calls `each`, which must not use the cart, for every change in the order of their names; for none when the
 * cart extends no other. */
bool cw_lua_cart_changes(const struct cw_lua_cart *cart, cw_lua_change_fn *each, void *arg,
                         struct cw_error *err);

/* Watches the cart's inbox; *watch is NULL when that is of a kind that tells nothing, or the cart has none.
 */
bool cw_lua_cart_watch(const struct cw_lua_cart *cart, cw_inbox_came_fn *came, void *arg,
                       struct cw_inbox_watch **watch, struct cw_error *err);

/* What the cart's HTTP has done so far. */
struct cw_http_stats cw_lua_cart_stats(const struct cw_lua_cart *cart);

#endif
