/* fake.h - a shop of one's own making: a Lua script of scripts/types/fake.lua in a state of its own, answering
 * requests in virtual time, or on a port of this machine.
 *
 * The script runs under the limits of cart scripts, and sees neither the site nor the cart. It is called one
 * request at a time. What it raises is a 500 with the error's text as its body, and counted: a test fails
 * that does not expect it.
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
};

struct cw_fake *cw_fake_open(const struct cw_fake_config *config, struct cw_error *err);
void cw_fake_close(struct cw_fake *fake); /* accepts NULL */

/* Its state: for modules that tests add before it runs, and for calling its functions (`self` is what
 * cw_fake_push pushes). */
struct cw_script *cw_fake_script(struct cw_fake *fake);
void cw_fake_push(struct cw_fake *fake);

/* Every request goes to the fake, whatever its host; troubles happen here (types/fake.lua). Belongs to the
 * fake. */
struct cw_transport *cw_fake_transport(struct cw_fake *fake);

/* Serves it on `address`; `port` 0 = a free one. */
bool cw_fake_serve(struct cw_fake *fake, const char *address, unsigned port, struct cw_error *err);
unsigned cw_fake_port(const struct cw_fake *fake);

/* Errors of its script since the last call, and the first of them. */
unsigned cw_fake_errors(struct cw_fake *fake, struct cw_error *first);

#endif
