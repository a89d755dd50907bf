/* lua_bed.h - a script with all modules, in virtual time, beside a shop that answers from a list. */
#ifndef CW_TESTS_LUA_BED_H
#define CW_TESTS_LUA_BED_H

#include "testing.h"

#include "adapters/loop.h"
#include "bindings/bindings.h"

enum { BED_ANSWERS_MAX = 16, BED_TEXT_MAX = 16384 };

/* One answer of the shop; the last one repeats. status 0 = no answer but an error of `code`; `hangs` = never.
 */
struct shop_answer {
    int status;
    const char *body;
    struct cw_header header; /* name NULL = none */
    enum cw_code code;
    cw_time takes;
    bool hangs;
};

struct shop {
    struct cw_transport transport; /* first */
    struct cw_loop *loop;
    struct shop_answer answers[BED_ANSWERS_MAX];
    size_t answer_count, asked, running;
    /* What was asked, a line each: "GET http://h/p name=value... auth=user:secret body=...". */
    char log[BED_TEXT_MAX];
};

/* Nothing was asked, and no answers are set. */
void shop_open(struct shop *shop, struct cw_loop *loop);
void shop_answer(struct shop *shop, struct shop_answer answer);

struct lua_bed {
    struct cw_loop *loop;
    struct cw_random random;
    struct shop shop;
    struct cw_lua_host host;
    struct cw_script *script;
    struct cw_later later;
    const char *allowed[4];
    uint64_t fail_allocation;  /* set before lua_bed_open */
    size_t memory_bytes;       /* 0 = the default */
    bool ended, failed;        /* the fiber that was started last */
    struct cw_error err;       /* of the last call or fiber */
    char result[BED_TEXT_MAX]; /* what it returned, each value as text, joined by '|' */
    char printed[BED_TEXT_MAX];
};

/* Clears all but fail_allocation and memory_bytes; false when the script cannot be made. */
bool lua_bed_open(struct lua_bed *bed);
void lua_bed_close(struct lua_bed *bed);
void lua_bed_answer(struct lua_bed *bed, struct shop_answer answer);

/* Runs a chunk named "carts/test.lua" outside of any fiber, or as a fiber. Its arguments: a table with http,
 * here, secret (a function that gives a handle), node (a function: text of a record -> handle, which the bed
 * closes when the chunk returns), file (a function: text -> Response). */
bool lua_bed_call(struct lua_bed *bed, const char *chunk);
struct cw_fiber *lua_bed_start(struct lua_bed *bed, const char *chunk);
void lua_bed_run(struct lua_bed *bed); /* until nothing is left to do */

/* Start, run, and the result: fails the test when the fiber does not end well. */
const char *lua_bed_fiber(struct lua_bed *bed, const char *chunk);

/* The result of a chunk; the message of one that must fail. */
const char *lua_bed_eval(struct lua_bed *bed, const char *chunk);
const char *lua_bed_error(struct lua_bed *bed, const char *chunk);

#define assert_eval(bed, chunk, expected) assert_string_equal(lua_bed_eval(bed, chunk), expected)
#define assert_contains(text, part)                                                                          \
    do {                                                                                                     \
        if (strstr(text, part) == NULL)                                                                      \
            fail_msg("\"%s\" does not contain \"%s\"", text, part);                                          \
    } while (0)
#define assert_lua_error(bed, chunk, part) assert_contains(lua_bed_error(bed, chunk), part)

#define BED_SECRET "canary-7f3a9c"

#endif
