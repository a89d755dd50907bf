/* office.h - the back office's way in: levels, purchase orders, vendor stock, items, customers, prices,
 * shipments, invoices, each an audited change that becomes messages to carts in the same transaction.
 *
 * They are documents of the empty cart. Ids are the back office's; where a document brings none it is made:
 * of a level "WAREHOUSE/SKU", of a vendor level "VENDOR/SKU", of a price "LIST/CURRENCY/SKU", of an item its
 * SKU, of a purchase order, shipment and invoice its number, of a customer its number, else its e-mail.
 *
 * Refused, naming document, field and value: a SKU, warehouse or quantity that is missing; a quantity that is
 * absurd (stock/quantity.h), or negative where that has no meaning (a level may be negative: sold before it
 * was booked); a SKU that another item has; a kit that is made of itself, with the ring; the same id twice in
 * one put; a shipment or invoice of an order that the store does not have; more shipped of a line than was
 * ordered and not cancelled; amounts that are no money. What is the same as before changes nothing, and no
 * cart is told of it.
 *
 * Taken back is what is dropped, and a shipment or invoice that is not confirmed, released any more: what
 * carts were to be told of it, and waits, is superseded in the same transaction. What is on its way, may have
 * had its effect, or was sent, stays. A shipment that changes while it waits is told as it is then.
 */
#ifndef CW_ENGINE_OFFICE_H
#define CW_ENGINE_OFFICE_H

#include "adapters/store.h"
#include "base/node.h"
#include "bindings/site_config.h"

/* More documents than memory should hold: given page by page, and read twice, to be checked and to be put. */
struct cw_office_source {
    void *arg;
    bool (*rewind)(void *arg, struct cw_error *err);
    /* At most `max` documents, made in `arena`; fewer say that these were the last. False with *err. */
    bool (*next)(void *arg, struct cw_arena *arena, struct cw_document **docs, size_t max, size_t *count,
                 struct cw_error *err);
    /* Asked behind the last page, once all that was given is checked: whether the source itself is sound. */
    bool (*end)(void *arg, struct cw_error *err);
};

/* Told of each document that is refused, while the page it came with is in hand. False = that is enough. */
typedef bool cw_office_fault_fn(void *arg, const struct cw_document *doc, const struct cw_error *err);

struct cw_office_put {
    const struct cw_site_config *config;
    const struct cw_kind *kind;
    struct cw_document *const *docs; /* fields that are unset stay as they are; external_id may be empty */
    size_t count;
    const struct cw_office_source *source; /* in the place of docs; NULL = docs */
    struct cw_slice replaces;  /* a warehouse: what it has levels of beside the given ones is dropped */
    cw_office_fault_fn *fault; /* NULL: the first fault ends it */
    void *fault_arg;
    const struct cw_slice *drops; /* ids of documents that are no more; it is no fault if they never were */
    size_t drop_count;
    struct cw_slice from; /* the cart that it came from, which is not told of customers, items and shipments;
                             of levels and prices it is, as they are counted; empty = none */
    struct cw_slice who, reason;
    bool dry_run; /* everything but the commit */
    /* One that has begun and written nothing, for who may not wait for its turn: the put owns it from the
     * call on, and ends it. For at most CW_OFFICE_PAGE documents. NULL = the put begins its own. */
    struct cw_txn *txn;
};
struct cw_office_result {
    uint64_t put, unchanged, dropped;
    uint64_t messages;   /* events and documents queued; levels are not counted */
    uint64_t taken_back; /* messages of shipments and invoices, which waited */
    uint64_t too_late; /* shipments and invoices that were taken back after their cart was, or may have been,
                          told of them: it keeps them */
    /* Once levels were dropped: SKUs, of this put and before it, that a cart was told of and that nothing
     * says a quantity of any more. The cart keeps what it was told. */
    uint64_t silent;
    char silent_such_as[200]; /* the first few, with commas */
};
enum { CW_OFFICE_SILENT_NAMES = 5 };

/* Everything is checked before anything is written. Up to CW_OFFICE_PAGE documents are one transaction, all
 * or nothing; more are checked as a whole and then put in several, so that a death in between leaves a
 * beginning, and the same put again completes it. Waits for the store. */
enum { CW_OFFICE_PAGE = 500 };
bool cw_office_put(struct cw_store *store, const struct cw_clock *clock, const struct cw_office_put *put,
                   struct cw_office_result *result, struct cw_error *err);

/* The status of an order was changed by a person, a script or a rule: a message for its cart, where site.lua
 * says that it is told. In the transaction that changed it. `event` tells this change from others of the
 * order. */
bool cw_office_status(struct cw_txn *txn, const struct cw_site_config *config,
                      const struct cw_document *order, struct cw_slice cart, struct cw_slice status,
                      struct cw_slice event, cw_time at, struct cw_error *err);

/* The kinds that the back office has; NULL when `name` ("stock_level", "stock_levels", "levels") is none. */
const struct cw_kind *cw_office_kind(struct cw_slice name, struct cw_error *err);
/* The document's id, given or made. CW_INVALID names the field that is missing. */
bool cw_office_id(const struct cw_document *doc, struct cw_arena *arena, struct cw_slice *id,
                  struct cw_error *err);
/* Names of the fields that ids of the kind are made of; NULL-terminated. */
const char *const *cw_office_id_fields(const struct cw_kind *kind);

/* A document of the kind from a JSON object with its fields, `id`, and `custom`. CW_INVALID, CW_USAGE name
 * the field. `zone` (may be NULL) for times without an offset. */
struct cw_document *cw_office_from_json(const struct cw_kind *kind, const struct cw_node *node,
                                        const struct cw_zone *zone, struct cw_arena *arena,
                                        struct cw_error *err);

#endif
