/* stock_bed.h - a store with a back office and two carts that are told of its stock, without scripts: each
 * test puts documents and orders, counts, and asks what the carts would be told.
 */
#ifndef CW_TESTS_STOCK_BED_H
#define CW_TESTS_STOCK_BED_H

#include "adapters/store_bed.h"
#include "engine/recount.h"

#define STOCK_TEXT(text) ((char[]){ text })

struct stock_bed {
    struct store_bed store;
    struct cw_site_cart carts[2]; /* "shop" and "tea"; both are told of stock, of all SKUs */
    struct cw_site_config config;
    struct cw_arena arena;
    struct cw_txn *txn;
    char text[4096];
};

/* In a store of its own, or in the one at `uri` where that is not NULL. */
void stock_bed_open(struct stock_bed *bed);
void stock_bed_join(struct stock_bed *bed, const char *uri);
void stock_bed_close(struct stock_bed *bed);

/* In the transaction in hand. Quantity NULL = the document loses it. */
void stock_begin(struct stock_bed *bed);
void stock_put(struct stock_bed *bed, const char *cart, struct cw_document *doc);
void stock_level(struct stock_bed *bed, const char *sku, const char *warehouse, const char *quantity);
/* `components`: "A=2 B=1"; "" = no kit. */
void stock_item(struct stock_bed *bed, const char *cart, const char *id, const char *sku,
                const char *components, bool is_active);
void stock_vendor(struct stock_bed *bed, const char *sku, const char *vendor, const char *quantity);
void stock_incoming(struct stock_bed *bed, const char *id, const char *sku, const char *warehouse,
                    const char *quantity, const char *received, cw_time expected_at);
void stock_price(struct stock_bed *bed, const char *sku, const char *list, const char *currency,
                 const char *amount, cw_time from, cw_time until);
/* The document is put, and its demand. `lines`: "A=2 B=1"; "A=3-1": of three one is cancelled. */
struct cw_document *stock_order_of(struct stock_bed *bed, const char *id, const char *status,
                                   const char *lines);
void stock_order(struct stock_bed *bed, const char *cart, const char *id, const char *status,
                 const char *lines);
void stock_demand(struct stock_bed *bed, const char *cart, const char *id, const struct cw_document *doc,
                  bool is_waiting);
/* By what the store holds of the order. */
void stock_demand_anew(struct stock_bed *bed, const char *cart, const char *id);
bool stock_try_count(struct stock_bed *bed, struct cw_error *err);
void stock_commit(struct stock_bed *bed); /* counts first */

/* One change alone. */
#define stock_do(bed, change)                                                                                \
    do {                                                                                                     \
        stock_begin(bed);                                                                                    \
        change;                                                                                              \
        stock_commit(bed);                                                                                   \
    } while (0)

/* The newest payload that was put, "" = none; valid until the next call. */
const char *stock_payload(struct stock_bed *bed, const char *cart, const char *stream, const char *sku);
/* The quantity in that of stock_out. */
const char *stock_told(struct stock_bed *bed, const char *cart, const char *sku);
#define assert_told(bed, cart, sku, expected) assert_string_equal(stock_told(bed, cart, sku), expected)

/* The job, to its end. */
uint64_t stock_recount_all(struct stock_bed *bed, uint64_t *messages);

#endif
