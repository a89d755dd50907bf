/* outbox_bed.h - messages of the cart "shop" for tests: levels of "stock_out", events of "shipments_out". */
#ifndef CW_TESTS_OUTBOX_BED_H
#define CW_TESTS_OUTBOX_BED_H

#include "store_bed.h"

struct cw_message level_of(const char *key, const char *payload);
struct cw_message event_of(const char *event, const char *lane, const char *payload);

/* Each a transaction of its own, which must work. */
void put(struct store_bed *bed, const struct cw_message *message);
void put_level(struct store_bed *bed, const char *key, const char *payload);
void put_event(struct store_bed *bed, const char *event, const char *lane, const char *payload);
void forget(struct store_bed *bed, const char *key);
void settle_as(struct store_bed *bed, const struct cw_settlement *settlement);
void settle(struct store_bed *bed, int64_t id, enum cw_message_state was, enum cw_message_state state);
bool try_settle(struct store_bed *bed, int64_t id, enum cw_message_state was, enum cw_message_state state,
                struct cw_error *err);
/* Puts it, claims it, and settles it as sent. */
void send_level(struct store_bed *bed, const char *key, const char *payload);
/* Whatever it was before. */
void force_state(struct store_bed *bed, int64_t id, enum cw_message_state state);

/* What a claim gave. */
struct got_messages {
    int calls;
    char ids[256]; /* "1 2 3" */
    size_t count;
    struct cw_message first; /* its texts are gone */
    char text[256];          /* of the first one: key, lane, payload, joined by '|' */
    cw_time next_at;
};
void take_messages(void *arg, const struct cw_message *messages, size_t count, cw_time next_at,
                   const struct cw_error *err);
/* Of the streams of "shop" the first in which something may be sent; valid until the next call. */
const struct got_messages *claim(struct store_bed *bed, unsigned threshold, unsigned batch);
const struct got_messages *claim_of(struct store_bed *bed, const char *cart, const char *stream,
                                    unsigned threshold, unsigned batch);

/* "1 A 5 queued" a message, in order; valid until the next call. */
const char *messages(struct store_bed *bed);
/* Key, newest payload, payload that was sent, of each level. */
const char *levels(struct store_bed *bed);

#endif
