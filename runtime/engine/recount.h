/* recount.h - what a transaction changes of stock and prices is counted again inside it, and becomes
 * messages.
 *
 * Whoever changes something that figures depend on marks its SKUs (cw_txn_mark_skus; cw_recount_order and the
 * back office's puts do so themselves), and runs cw_recount_run before the commit. So after each commit the
 * newest message of each level is what the rules allow, whoever sold the last piece. Carts that are told of
 * stock or prices by site.lua get them; with none of them nothing is marked, and nothing costs anything.
 *
 * Demand of an order, by its document or what could be mapped of it: nothing when it is a lead, archived, in
 * a status of stock.closed of site.lua, or its fulfilment_status is shipped or delivered; else of each line
 * with a SKU what of its quantity is neither cancelled nor shipped yet. It is pending when the order is
 * parked, held or in state pending, shipping in a status of stock.shipping, else allocated. Shipments of the
 * back office count when it knows any of the order, else those of the cart; over-shipment counts as shipped
 * whole. Warehouse: the order's `location` when that is a warehouse that site.lua names, or a branch of one,
 * else any.
 *
 * A record that waits counts as far as it could be mapped, else what was posted of it before; of a SKU that
 * both name the larger demand, and what either names alone, so that a broken version gives nothing back; one
 * that is closed takes nothing. Nor does one that a rule skips, which only one without a document is.
 *
 * A level is told to a cart whose items have the SKU, byte for byte, with the cart's ids; to one without
 * items (until the first one is fetched), or with `unlisted`, also without. A SKU that the cart writes
 * otherwise, in another case, is not told: its orders would take nothing of it (sku-written-otherwise in the
 * log). A SKU that two of its items have is told to neither (sku-ambiguous), unless one of them alone is
 * active. What waits of a SKU that has no source, or no price, any more is taken back; what the cart was told
 * of it stays. The price that holds now is told; when the next one begins or ends, the job "recount" is
 * woken.
 */
#ifndef CW_ENGINE_RECOUNT_H
#define CW_ENGINE_RECOUNT_H

#include "adapters/store.h"
#include "bindings/site_config.h"

/* Whether any cart of the site is told of stock or prices. */
bool cw_recount_is_needed(const struct cw_site_config *config);

/* Puts what the orders take, which are of one cart: `doc` is as posted, or what could be mapped of one that
 * waits (`is_waiting`); NULL = the order takes nothing (any more). Orders and documents must stay until
 * `done`, which may come at once or later. */
struct cw_recount_order {
    struct cw_slice external_id;
    const struct cw_document *doc;
    bool is_waiting;
    const struct cw_document *posted; /* of one that waits: what was posted of it before; NULL = nothing */
};
void cw_recount_orders(struct cw_txn *txn, const struct cw_site_config *config, struct cw_slice cart,
                       const struct cw_recount_order *orders, size_t count, cw_store_done_fn *done,
                       void *arg);

/* The same for orders of which something has changed, by what the store holds of them now: edits, shipments,
 * releases. The ids are copied. */
void cw_recount_orders_anew(struct cw_txn *txn, const struct cw_site_config *config, struct cw_slice cart,
                            const struct cw_slice *ids, size_t count, cw_store_done_fn *done, void *arg);

/* Marks every SKU that a document of any kind names: its own, those of variants, components and lines. Of a
 * document that changes: both as it was and as it is, also of an item of a cart, which may be told of stock
 * now or leaves its SKU to another item. */
bool cw_recount_mark(struct cw_txn *txn, const struct cw_document *doc);

/* Takes all marks, counts, puts messages, wakes their senders. To be run last before the commit. What then
 * stands is by the rules of `config`: where all was counted by others, or is not counted any more because no
 * cart is told, the state says that all has to be counted anew. */
void cw_recount_run(struct cw_txn *txn, const struct cw_site_config *config, const struct cw_clock *clock,
                    cw_store_done_fn *done, void *arg);

/* The site's job "recount": demand of all orders where it was never put (a site that began to tell of stock,
 * or tells of it by other rules), then every SKU, in transactions of their own; what is as it was changes
 * nothing. Killed at any moment, it begins again with the same result. Until it ran once, senders of stock
 * tell nothing: the state CW_RECOUNT_STATE of cart '' is cw_recount_version then. Where no cart is told
 * anything it forgets that it ran. */
#define CW_RECOUNT_STATE CW_STATE_OWN "recounted"
/* Hex, of all in site.lua that demands and figures depend on. */
void cw_recount_version(const struct cw_site_config *config, char version[CW_HASH_TEXT_MAX]);
/* Whether the state is of these rules: all was counted by them, or is being counted just now. */
bool cw_recount_is_of(struct cw_slice state, const char *version);
#define CW_RECOUNT_COUNTING "counting " /* then the version */

struct cw_recount_all;
typedef void cw_recounted_fn(void *arg, uint64_t skus, const struct cw_error *err);
struct cw_recount_all *cw_recount_all_start(struct cw_store *store, const struct cw_site_config *config,
                                            const struct cw_clock *clock, struct cw_loop *loop,
                                            struct cw_fence fence, cw_recounted_fn *done, void *arg,
                                            struct cw_error *err);
void cw_recount_all_cancel(struct cw_recount_all *all); /* no callback */
/* Both to be called right after the start. Everything but the commits: */
void cw_recount_all_try(struct cw_recount_all *all);
/* Demand of all orders, also where these rules have put it before: */
void cw_recount_all_orders(struct cw_recount_all *all);
/* Levels that were put so far, each once; also from within the callback. */
uint64_t cw_recount_all_messages(const struct cw_recount_all *all);

#endif
