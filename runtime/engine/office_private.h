/* office_private.h - one put at work: what office.c (pages and transactions), office_kind.c (ids and fields),
 * office_change.c (merging, differences, audit), office_whole.c (what concerns other documents too),
 * office_orders.c (orders and what has left of them), office_tell.c, office_shipments.c and office_back.c
 * (messages) share.
 */
#ifndef CW_ENGINE_OFFICE_PRIVATE_H
#define CW_ENGINE_OFFICE_PRIVATE_H

#include "base/clock.h"
#include "engine/office.h"

/* --- kinds --- */

struct office_kind {
    const struct cw_kind *kind;
    const char *id_fields[4]; /* NULL-terminated */
    bool is_first_id;         /* the first of them that is set, instead of all joined by '/' */
    bool is_one_of_its_kind;  /* no two documents may have the same made id, whatever ids they have */
    bool looks_at_others;     /* what is right depends on the other documents of the put */
    /* Whether the fields of the document, as it would be stored, are right. */
    bool (*check)(const struct cw_document *doc, struct cw_error *err);
};
const struct office_kind *cw_office_kind_of(const struct cw_kind *kind);
/* Whether texts that were given are free of control characters other than tabs and ends of lines. */
bool cw_office_check_texts(const struct cw_document *doc, struct cw_error *err);
/* The id that the fields make, whatever id was given; empty when a field is missing. */
struct cw_slice cw_office_made_id(const struct cw_document *doc, struct cw_arena *arena);

/* The text of a field; empty when it is unset. */
struct cw_slice cw_office_text(const struct cw_document *doc, const char *field);
bool cw_office_is_true(const struct cw_document *doc, const char *field);
/* The members of a list; NULL when there is none. */
const struct cw_document *cw_office_first(const struct cw_document *doc, const char *list);

/* --- ids that came in this put --- */

struct office_seen {
    struct entry {
        uint64_t hash[2];
        uint32_t number; /* of the document, from 1; 0 = free */
    } * entries;
    size_t room, count;
};
/* *first is the number of the document that brought it before; 0 = none did. False = no memory. */
bool cw_office_seen_add(struct office_seen *seen, struct cw_slice id, size_t number, size_t *first);
bool cw_office_seen_has(const struct office_seen *seen, struct cw_slice id);
void cw_office_seen_fini(struct office_seen *seen);

/* --- a put --- */

/* One document of the page in hand. */
struct office_doc {
    const struct cw_document *given; /* NULL of one that is dropped */
    struct cw_slice id;
    struct cw_document *before; /* NULL = there is none */
    struct cw_document *doc;    /* as it is stored from now on; NULL = dropped */
    bool is_changed;
    bool is_faulty;
    size_t number; /* in the put, from 1 */
};

/* An order that shipments and invoices of the page are of. */
struct office_order {
    struct cw_slice cart, id;
    struct cw_document *doc; /* NULL = the store does not have it */
};

struct office_job {
    const struct cw_office_put *put;
    const struct office_kind *kind;
    struct cw_store *store;
    const struct cw_clock *clock;
    struct cw_office_result *result;
    struct cw_error *err;  /* the first fault */
    struct cw_arena arena; /* of the page in hand */
    struct cw_buffer text;
    struct cw_txn *txn;
    bool has_failed; /* the question in hand: the store's error is in *err */
    struct office_seen seen;
    bool is_checking; /* nothing of this is kept */
    size_t number;    /* of documents given so far */
    size_t faults;
    bool is_enough; /* nobody wants to hear of more faults */
    struct office_doc docs[CW_OFFICE_PAGE];
    size_t count;
    struct office_order orders[2 * CW_OFFICE_PAGE];
    size_t order_count;
    bool *is_told; /* of each cart and stream: messages were put, and its sender is to be woken */
};

/* The document is refused, as job->err or the given error says. False when that is enough. */
bool cw_office_fault(struct office_job *job, struct office_doc *doc, const struct cw_error *err);
/* The transaction is lost, or memory: *job->err says so. Always false. */
bool cw_office_lost(struct office_job *job);

/* Told by every answer of the store. */
void cw_office_answered(struct office_job *job, const struct cw_error *err);

/* Runs a SELECT to its end, with what the transaction has written. */
bool cw_office_query(struct office_job *job, const char *sql, const struct cw_slice *params, size_t count,
                     cw_query_row_fn *row, void *arg);

/* --- changes --- */

/* doc->doc and doc->is_changed, from what was given and what was stored. */
bool cw_office_merge(struct office_job *job, struct office_doc *doc);
/* Writes documents that changed, with their lines of the audit trail; drops those to be dropped. */
bool cw_office_write(struct office_job *job);
/* SKUs that figures and prices of depend on what changed. */
bool cw_office_mark(struct office_job *job);

/* --- what concerns other documents --- */

/* The same warehouse and SKU under two ids. Before the page is written. */
bool cw_office_check_pairs(struct office_job *job);
/* SKUs of other items, kits made of themselves. After the page was written. */
bool cw_office_check_items(struct office_job *job);
/* Orders of shipments and invoices: read before the page is written; what is shipped of them after. */
bool cw_office_read_orders(struct office_job *job);
const struct office_order *cw_office_order_of(const struct office_job *job, const struct cw_document *doc);
/* A shipment that names no lines gets those that its order has when it leaves: what is ordered later has not
 * left with it. */
bool cw_office_name_lines(struct office_job *job);
bool cw_office_check_orders(struct office_job *job);
bool cw_office_check_shipped(struct office_job *job);
/* What orders take of stock, as far as shipments changed. */
bool cw_office_recount_orders(struct office_job *job);

/* --- what has left of an order --- */

/* One line of a shipment of the back office. */
struct office_sent {
    struct office_sent *next;
    struct cw_slice shipment;
    bool is_confirmed;
    bool is_whole; /* it names no lines */
    struct cw_slice line_id, sku;
    struct cw_decimal quantity;
};
/* All of the order's, by shipments; *sent NULL = none. */
bool cw_office_read_sent(struct office_job *job, const struct office_order *order, struct office_sent **sent);

/* Lines of an order of which pieces can be shipped: goods that are not cancelled altogether. */
bool cw_office_is_goods(const struct cw_document *line);
/* The order's line that a line of a shipment or invoice is of; NULL when its SKU stands for several or none.
 */
const struct cw_document *cw_office_line_of(const struct cw_document *order, struct cw_slice line_id,
                                            struct cw_slice sku);
/* Whether those of `sent` for which `counts` says so leave nothing of the order. */
typedef bool cw_office_counts_fn(const void *arg, const struct office_sent *sent);
bool cw_office_is_complete(const struct cw_document *order, const struct office_sent *sent,
                           cw_office_counts_fn *counts, const void *arg);

/* --- messages --- */

const struct cw_out_config *cw_office_out_of(const struct cw_site_config *config, struct cw_slice cart,
                                             enum cw_out out);
/* Queues it, and remembers to wake the sender. */
bool cw_office_put_message(struct office_job *job, enum cw_out out, struct cw_message *message);
/* What waits of it for the cart: the level of the id, or that event. */
bool cw_office_take_back(struct office_job *job, struct cw_slice cart, enum cw_out out, struct cw_slice id,
                         struct cw_slice event);
/* What waits of shipments and invoices that are no more, or not confirmed or released any more. */
bool cw_office_take_back_parcels(struct office_job *job);
/* Whether any invoice of the order is released. */
bool cw_office_find_invoice(struct office_job *job, struct cw_slice cart, struct cw_slice order, bool *found);
/* Which SKUs carts were told of and nothing says any more how much of them there is. */
bool cw_office_find_silent(struct office_job *job);
#define OFFICE_INVOICE  "invoice/"   /* events: of an invoice that stands for its parcel */
#define OFFICE_TRACKING "/tracking/" /* behind the parcel's: its tracking came late */

/* Of customers and items that changed. */
bool cw_office_tell_documents(struct office_job *job);
/* Of shipments and invoices. */
bool cw_office_tell_shipments(struct office_job *job);
bool cw_office_wake(struct office_job *job);

/* `"name":"value",` where the text is not empty. */
bool cw_office_json_text(struct cw_buffer *out, const char *name, struct cw_slice value,
                         struct cw_error *err);

#endif
