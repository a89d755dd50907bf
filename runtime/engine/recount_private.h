/* recount_private.h - one counting inside a transaction: what recount.c (which SKUs, their figures),
 * recount_tell.c (messages to one cart after the other) and recount_whose.c (which item of the cart it is)
 * share.
 *
 * Answers of the store may come within the call or later. A step never calls the next one but names it with
 * recount_go, so that answers that come at once do not pile up on the stack.
 */
#ifndef CW_ENGINE_RECOUNT_PRIVATE_H
#define CW_ENGINE_RECOUNT_PRIVATE_H

#include <glib.h>

#include "engine/figures.h"
#include "engine/recount.h"

/* What one cart may be told of one SKU. */
struct level {
    struct cw_slice sku;
    uint32_t item;
    struct cw_stock_published stock;  /* without a source nothing */
    const struct cw_price_row *price; /* NULL = none */
};

struct recounting;
typedef void recount_step(struct recounting *r);

struct recounting {
    struct cw_txn *txn;
    const struct cw_site_config *config;
    cw_time now;
    cw_store_done_fn *done;
    void *arg;

    recount_step *next;
    bool is_going, is_over;
    struct cw_error err; /* CW_OK = none */

    struct cw_arena arena;   /* what is in hand: */
    struct cw_slice *marked; /* whose figures changed */
    size_t marked_count;
    struct cw_slice *skus; /* those, and what depends on them */
    size_t sku_count;
    bool is_widened; /* the figures of all `skus` were read */
    struct cw_figures *figures;
    GArray *prices; /* struct cw_price_row of what was marked, in order of their SKUs */

    const struct cw_slice *own; /* a page to be counted alone, behind the marks; NULL = none (any more) */
    size_t own_count;
    bool is_own; /* that is in hand */

    size_t cart;
    struct cw_stock_view *view;
    size_t at; /* the next SKU to be told */
    struct cw_arena asking;
    GArray *levels;              /* struct level */
    bool knows_items, has_items; /* whether the cart has any */
    struct cw_answers *answers;  /* one a level; those that need a second look with their documents */
    GArray *looks;               /* guint: the levels that need one */
    bool told[CW_OUT_STREAMS];
    struct cw_buffer json;
    cw_time price_changes_at; /* when the next price begins or ends; CW_TIME_NONE = none */
    bool has_job;
};

void recount_go(struct recounting *r, recount_step *step);
/* Ends it; `err` NULL: r->err, or the transaction's, says why. */
void recount_fail(struct recounting *r, const struct cw_error *err);

/* Tells all carts of what is in hand, then goes on with recount_told. */
void recount_tell(struct recounting *r);
void recount_told(struct recounting *r);

/* Fills r->answers for r->levels, and r->has_items where that matters; goes on with recount_put_levels. */
void recount_ask_whose(struct recounting *r);
void recount_put_levels(struct recounting *r);
/* As the item of the answer, or its variant, writes it; the answer has its document. */
struct cw_slice recount_sku_of(const struct cw_answer *answer);

/* As cw_recount_run, and counts these SKUs besides, whether they are marked or not, without what depends on
 * them. They must stay until `done`. */
void cw_recount_skus(struct cw_txn *txn, const struct cw_site_config *config, const struct cw_clock *clock,
                     const struct cw_slice *skus, size_t count, cw_store_done_fn *done, void *arg);

#endif
