/* hooks_bed.h - a site that takes notices on a loopback socket, in real time; and clients that send them. */
#ifndef CW_TESTS_HOOKS_BED_H
#define CW_TESTS_HOOKS_BED_H

#include "adapters/store_engine.h"
#include "base/hmac.h"
#include "engine/webhooks.h"
#include "testing.h"

/* Carts: "shop" and "other" verify as hooks_cart does, "deaf" has no secret, "woo" is WooCommerce, "broken"
 * raises when it is loaded. Signature of "shop": X-Signature, hex HMAC-SHA256 of the body. */
#define HOOKS_SECRET "s3cret & \"quoted\" <key>"

struct hooks_bed {
    char folder[64];
    struct cw_loop *loop;
    struct cw_site *site;
    struct cw_store *store;
    struct cw_session *sessions[4]; /* as they were asked for */
    char names[4][16];
    unsigned session_count, held; /* held: asked for and not released */
    struct cw_metrics_page *metrics;
    struct cw_webhooks *webhooks;
    int fd; /* to connect to */
    unsigned port;
    bool is_over; /* a wait */
    long peak;    /* KiB in use, the most of what was seen whenever the loop stopped */
    char text[8192];
    /* What the store does: */
    struct cw_store_engine engine; /* a copy, of which tests replace functions */
    const struct cw_store_engine *real;
    struct cw_txn *held_txn; /* a commit that waits for hooks_release */
    bool holds_commits;
    enum cw_code fails; /* CW_OK = commits work */
    unsigned commits;
};

void hooks_bed_open(struct hooks_bed *bed);
void hooks_bed_close(struct hooks_bed *bed);
void hooks_bed_release(struct hooks_bed *bed); /* the held commit goes on */

/* Lets the loop run. */
void hooks_bed_wait(struct hooks_bed *bed, cw_time time);
/* The rows of a query, columns joined by '|', rows by '\n'. */
const char *hooks_bed_ask(struct hooks_bed *bed, const char *sql);

/* One client. */
struct hooks_client {
    struct hooks_bed *bed;
    int fd;
    struct cw_watch *watch;
    char got[4096];
    size_t len;
    int status; /* 0 = no answer yet */
    bool is_closed;
};
void hooks_connect(struct hooks_client *client, struct hooks_bed *bed);
void hooks_send(struct hooks_client *client, const char *bytes, size_t len);
void hooks_close(struct hooks_client *client);
/* Until it has an answer, or the time is over: its status, 0 for none. */
int hooks_status(struct hooks_client *client, cw_time time);

/* A whole notice; `headers` end in line breaks, `at` is what stands behind /webhooks/. */
size_t hooks_print(char *out, size_t cap, const char *at, const char *headers, const char *body);
/* The same, signed as "shop" wants it. */
size_t hooks_print_signed(char *out, size_t cap, const char *at, const char *headers, const char *body);
/* Sends it and waits for the status. */
int hooks_post(struct hooks_bed *bed, const char *at, const char *headers, const char *body);
int hooks_post_signed(struct hooks_bed *bed, const char *at, const char *headers, const char *body);
void hooks_sign(const char *text, char hex[65]);

/* Memory in use, in KiB. */
long hooks_memory(void);

#endif
