/* site_bed.h - a whole site in virtual time: its folder, store, session, and the fake shop as its network. */
#ifndef CW_TESTS_SITE_BED_H
#define CW_TESTS_SITE_BED_H

#include "engine/batch.h"
#include "fake_shop.h"
#include "testing.h"

#define BED_START ((cw_time)1711852200 * CW_SECOND) /* 2024-03-31T02:30:00Z */

struct site_bed {
    char folder[64];
    struct cw_loop *loop;
    struct fake_shop shop;
    struct cw_site *site;
    struct cw_store *store;
    struct cw_session *session;
    struct cw_transport *transport;     /* NULL = the fake shop's */
    const char *vfs;                    /* of the store; NULL = the default */
    const char *store_path;             /* NULL = store.db in the folder */
    struct cw_session_config config;    /* what site_bed_open adds to: seed, job, dry_run, limits ... */
    const struct cw_lua_stream *orders; /* of the cart "shop", once site_bed_cart opened it */
    struct cw_sync *sync;
    bool ended, failed; /* the run that was started last */
    struct cw_error err;
    struct cw_run_counts counts;
    enum cw_run_state state;
    unsigned windows;
    char text[16384]; /* of the last question */
};

/* An empty folder, a loop, the shop; site.lua and carts/fake.lua as in fake_shop.h. */
void site_bed_init(struct site_bed *bed, uint64_t seed);
void site_bed_fini(struct site_bed *bed);
void site_bed_write(struct site_bed *bed, const char *path, const char *text);
void site_bed_path(const struct site_bed *bed, const char *path, char out[160]);

/* As a process starts: the site, the store and a session; as it ends. */
bool site_bed_try_open(struct site_bed *bed, struct cw_error *err);
void site_bed_open(struct site_bed *bed);
void site_bed_close(struct site_bed *bed);

/* Opens the cart "shop" and its stream orders. */
bool site_bed_try_cart(struct site_bed *bed, struct cw_error *err);

/* One run of orders to its end; false with bed->err when it failed. Opens the cart where it is not open. */
bool site_bed_sync(struct site_bed *bed);
/* The same in two steps; the loop is run by the caller, and stops when the run has ended. */
void site_bed_start_sync(struct site_bed *bed);
/* As site_bed_sync for records at hand. */
bool site_bed_batch(struct site_bed *bed, struct cw_records *records, bool again);

/* Lets virtual time pass. */
void site_bed_wait(struct site_bed *bed, cw_time time);

/* A JSON list of orders, as records of the stream. */
struct cw_records *site_bed_records(const char *json);

/* The rows of a query, columns joined by '|', rows by '\n'; valid until the next call. */
const char *site_bed_ask(struct site_bed *bed, const char *sql);
#define assert_rows(bed, sql, expected) assert_string_equal(site_bed_ask(bed, sql), expected)
#define assert_has(text, part)                                                                               \
    do {                                                                                                     \
        if (strstr(text, part) == NULL)                                                                      \
            fail_msg("\"%s\" does not contain \"%s\"", text, part);                                          \
    } while (0)

#endif
