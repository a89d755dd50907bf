/* fakes.h - a fake's script (scripts/types/fake.lua) in its state: what it answers to a request, and what is
 * to become of that answer on the wire. How it travels is for engine/fake.h.
 */
#ifndef CW_BINDINGS_FAKES_H
#define CW_BINDINGS_FAKES_H

#include <lua.h>

#include "adapters/http.h"
#include "script/script.h"

/* Requires the module fakes.TYPE and starts its shop. */
bool cw_lua_fake_open(struct cw_script *script, const char *type, struct cw_error *err);

/* Pushes the shop, nil when none was opened. */
void cw_lua_push_fake(lua_State *L);

/* Borrowed during the call. */
struct cw_lua_fake_request {
    const char *method;
    const char *target; /* path and query */
    const char *origin; /* "http://127.0.0.1:8080" */
    const struct cw_header *headers;
    size_t header_count;
    struct cw_slice body;
    bool is_door; /* the control door is open to it */
};

enum cw_fake_wire {
    CW_FAKE_ANSWERS,
    CW_FAKE_REFUSES, /* no connection; nothing happened */
    CW_FAKE_LOSES,   /* the answer never comes */
    CW_FAKE_CUTS,    /* half of the body comes */
    CW_FAKE_SLOWS,   /* it comes after `wait` */
    CW_FAKE_IS_LATE  /* the connection breaks; cw_lua_fake_catch_up(number) after `wait` */
};

/* All zero before its first use; cw_lua_fake_answer_fini in any case. */
struct cw_lua_fake_answer {
    enum cw_fake_wire wire;
    int status;
    struct cw_header *headers;
    size_t header_count;
    struct cw_buffer body;
    cw_time wait;
    int64_t number;
    struct cw_error failure; /* of the script, which the answer tells as a 500; else CW_OK */
};
void cw_lua_fake_answer_fini(struct cw_lua_fake_answer *answer);

/* False when not even the script's failure could be told: it hit a limit. */
bool cw_lua_fake_meet(struct cw_script *script, const struct cw_lua_fake_request *request,
                      struct cw_lua_fake_answer *answer, struct cw_error *err);

/* The effect of a request that is late. */
bool cw_lua_fake_catch_up(struct cw_script *script, int64_t number, struct cw_lua_fake_answer *answer,
                          struct cw_error *err);

#endif
