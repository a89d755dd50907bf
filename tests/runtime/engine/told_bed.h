/* told_bed.h - a site whose cart "shop" is told things, with the shop of told_shop.h as its network. */
#ifndef CW_TESTS_TOLD_BED_H
#define CW_TESTS_TOLD_BED_H

#include "engine/outbox.h"
#include "site_bed.h"
#include "told_shop.h"

struct told_run {
    struct cw_outbox_run *run; /* NULL = ended, or not started */
    struct told_bed *bed;
    bool failed;
    struct cw_error err;
    struct cw_run_counts counts;
    char message[CW_ERROR_TEXT_MAX];
    int64_t id;
    cw_time next_at;
};

struct told_bed {
    struct site_bed site;
    struct told_shop shop;
    struct cw_lua_cart *cart; /* NULL = not opened */
    struct told_run runs[CW_OUT_STREAMS];
    unsigned running;
};

/* An empty folder with a site.lua whose cart has `out = { OUT }`, and a cart as told_cart makes it. */
void told_bed_init(struct told_bed *bed, uint64_t seed, const char *out);
void told_bed_fini(struct told_bed *bed);
void told_bed_write_site(struct told_bed *bed, const char *out);
/* As a process starts and ends; what runs is called off. Opened once, the store says that stock was counted.
 */
bool told_bed_try_open(struct told_bed *bed, struct cw_error *err);
void told_bed_open(struct told_bed *bed);
void told_bed_close(struct told_bed *bed);

/* Transactions of the back office. False when it was not committed. */
bool told_bed_put_level(struct told_bed *bed, enum cw_out out, const char *sku, const char *value);
bool told_bed_put_event(struct told_bed *bed, enum cw_out out, const char *order, const char *event);

/* Starts a run; told_bed_wait_runs runs the loop until all have ended. */
void told_bed_start(struct told_bed *bed, enum cw_out out);
void told_bed_wait_runs(struct told_bed *bed);
/* Both; the run as it ended. */
struct told_run *told_bed_send(struct told_bed *bed, enum cw_out out);

/* "1 A sent" a message, in order: id, what it is about, state. */
const char *told_bed_messages(struct told_bed *bed);

#endif
