/* cart_bed.h - a site of one cart, "shop", given as texts: opened, its records mapped and put to the rules.
 */
#ifndef CW_TESTS_CART_BED_H
#define CW_TESTS_CART_BED_H

#include "testing.h"

#include "bindings/carts.h"

enum { CART_BED_TEXT_MAX = 16384 };

struct cart_bed {
    const char *site; /* site.lua; set before cart_bed_open */
    const char *cart; /* carts/test.lua; NULL = orders, customers and items with the fields of cart_bed.c */
    struct cw_store *store;         /* NULL = none */
    const char *const *allowed;     /* where the site lets requests go; NULL = nowhere else */
    const char *secret;             /* the value of every secret setting; NULL = none is set */
    struct cw_transport *transport; /* the same */
    bool (*put)(void *arg, struct cw_txn *txn, const struct cw_kind *kind, struct cw_document *const *docs,
                size_t count, const struct cw_slice *drops, size_t drop_count, struct cw_slice from,
                struct cw_slice reason,
                struct cw_error *err); /* of site.put; with it the script is one of `cartwright exec` */
    /* of carts.h; NULL = none. Their `arg` is the bed */
    struct cw_inbox *(*inbox)(void *arg, const char *cart, struct cw_error *err);
    bool (*note)(void *arg, const struct cw_lua_stream *stream, const char *entry, const char *words,
                 bool once, struct cw_error *err);
    void *(*emit)(void *arg, const struct cw_lua_stream *stream, struct cw_records *records,
                  struct cw_slice position, cw_emit_done_fn *done, void *done_arg, struct cw_error *err);
    bool (*may_write)(void *arg, const char *cart, struct cw_error *err); /* NULL = always */
    uint64_t fail_allocation;                                             /* 0 = none */
    struct cw_loop *loop;
    struct cw_random random;
    struct cw_lua_host host;
    struct cw_script *script;
    struct cw_lua_carts *carts;
    struct cw_lua_cart *shop;
    struct cw_error err;
    char versioned[CART_BED_TEXT_MAX]; /* what counts for the version of the scripts, each text followed by
                                          '|' */
    char text[CART_BED_TEXT_MAX];      /* of the last question */
    struct cw_arena arena;             /* of the record in hand */
    struct cw_records *records;
    struct cw_mapped mapped;
};

/* Opens the script and the cart; false with bed->err. Both must be closed in any case. */
bool cart_bed_open(struct cart_bed *bed);
void cart_bed_close(struct cart_bed *bed);

/* The same with a site.lua of those rules: lists in Lua, in which R is cartwright.rules. The site's begin in
 * line 3, those of the cart in line 5. What is open is closed first. */
bool cart_bed_open_rules(struct cart_bed *bed, const char *site_rules, const char *cart_rules);

/* Runs a chunk whose argument is the cart's instance; its results as texts, joined by '|'. Fails the test
 * when it raises; cart_bed_error when it does not, and gives the message. */
const char *cart_bed_eval(struct cart_bed *bed, const char *chunk);
const char *cart_bed_error(struct cart_bed *bed, const char *chunk);

/* Maps a JSON record, and puts it to the rules. `before`: as if the store had it as mapped from this record;
 * NULL = it is new. */
void cart_bed_decide(struct cart_bed *bed, const char *stream, const char *json, const char *before);

/* A field of the record in hand; "-" when unset. "skipped by RULE" when it was; its issues, a line each, when
 * it has any: "CODE FIELD: MESSAGE", with "held " before those that a person may release. */
const char *cart_bed_field(struct cart_bed *bed, const char *name);
const char *cart_bed_issues(struct cart_bed *bed);

#define assert_field(bed, name, expected) assert_string_equal(cart_bed_field(bed, name), expected)

#endif
