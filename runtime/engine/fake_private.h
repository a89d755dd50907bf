/* fake_private.h - what the files of a fake share: fake.c asks its script, fake_wire.c is its transport,
 * fake_serve.c its port. */
#ifndef CW_ENGINE_FAKE_PRIVATE_H
#define CW_ENGINE_FAKE_PRIVATE_H

#include "bindings/bindings.h"
#include "bindings/fakes.h"
#include "engine/fake.h"

struct cw_fake_call;

/* What happens some time after its request: an effect that is late, or a slow answer. */
struct cw_fake_delayed {
    struct cw_fake_delayed *before, *after;
    struct cw_fake *fake;
    struct cw_timer *timer;
    int64_t number;               /* of a late effect */
    struct cw_exchange *exchange; /* NULL: an effect */
    struct cw_lua_fake_answer answer;
};

struct cw_fake {
    struct cw_transport transport; /* first */
    struct cw_fake_config config;
    char *type;
    struct cw_random random; /* of the wire; the script has its own */
    struct cw_script *script;
    struct cw_lua_host lua_host;
    struct cw_later wake;
    struct cw_fake_call *calls; /* on their way */
    struct cw_fake_delayed *delayed;
    struct cw_http_server *server;
    struct cw_lua_fake_answer served; /* the latest, as the server borrows it */
    uint64_t requests;
    unsigned errors;
    struct cw_error first_error;
};

/* --- fake.c --- */

/* Always fills *answer: what the script cannot say is a 500. */
void cw_fake_meet(struct cw_fake *fake, const struct cw_lua_fake_request *request,
                  struct cw_lua_fake_answer *answer);

/* After answer->wait: the effect of a request that is late; with an exchange its answer, whose strings it
 * takes over. */
void cw_fake_delay(struct cw_fake *fake, struct cw_lua_fake_answer *answer, struct cw_exchange *exchange);

/* --- fake_wire.c --- */

void cw_fake_wire_init(struct cw_fake *fake);
void cw_fake_wire_fini(struct cw_fake *fake); /* ends what is on its way, without callbacks */

/* --- fake_serve.c --- */

struct cw_served_answer cw_fake_served(const struct cw_lua_fake_answer *answer);

#endif
