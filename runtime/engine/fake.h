/* fake.h - a shop of one's own making: a Lua script of scripts/types/fake.lua in a state of its own,
 * answering requests in virtual time, or on a port of this machine.
 *
 * The script runs under the limits of cart scripts, and sees neither the site nor the cart. It is called one
 * request at a time. What it raises is a 500 with the error's text as its body, and counted: a test fails
 * that does not expect it. bindings/fakes.h has what tests in Lua need of its state.
 */
#ifndef CW_ENGINE_FAKE_H
#define CW_ENGINE_FAKE_H

#include "adapters/http_server.h"
#include "engine/site.h"

struct cw_fake;

struct cw_fake_config {
    const struct cw_site *site; /* where scripts come from; may be one without a site.lua: cw_site_bare */
    struct cw_loop *loop;
    const char *type; /* "prestashop": fakes/prestashop.lua of the site, else the shipped one */
    uint64_t seed;
    bool has_door; /* whoever reaches its port may ask for /_fake/... (scripts/types/fake.lua) */
    void (*print)(void *arg, struct cw_slice line); /* what the script prints; NULL = the log */
    void *arg;
    bool collector_always; /* tests */
};

struct cw_fake *cw_fake_open(const struct cw_fake_config *config, struct cw_error *err);
void cw_fake_close(struct cw_fake *fake); /* accepts NULL */

/* Its state, for modules that tests add and for calling its functions; cw_lua_push_fake pushes the shop. The
 * loop runs fibers that are started in it. */
struct cw_script *cw_fake_script(struct cw_fake *fake);

/* Every request goes to the fake, whatever its host; troubles happen here (types/fake.lua). It arrives, and
 * its answer comes, by two turns of the loop: a request that is cancelled, or whose client is killed, between
 * them has had its effect, and one that is cancelled before may still arrive. Belongs to the fake. */
struct cw_transport *cw_fake_transport(struct cw_fake *fake);

/* Serves it on `address`; `port` 0 = a free one. What is refused or lost on the wire is here a connection
 * that is closed unanswered. */
bool cw_fake_serve(struct cw_fake *fake, const char *address, unsigned port, struct cw_error *err);
unsigned cw_fake_port(const struct cw_fake *fake);

/* Asks the control door: appends its JSON to *out. False with its words where it has none. */
bool cw_fake_ask(struct cw_fake *fake, const char *method, const char *path, struct cw_slice json,
                 struct cw_buffer *out, struct cw_error *err);

/* Requests that reached it, of the door none. */
uint64_t cw_fake_requests(const struct cw_fake *fake);

/* Errors of its script since the last call, and the first of them. */
unsigned cw_fake_errors(struct cw_fake *fake, struct cw_error *first);

#endif
