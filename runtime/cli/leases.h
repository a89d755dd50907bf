/* leases.h - the carts' leases held by a command that works for a while: a cart is never synced by two
 * processes at a time. */
#ifndef CW_CLI_LEASES_H
#define CW_CLI_LEASES_H

#include "cli/cli.h"

struct cw_cli_leases;

/* Holds none yet; keeps those that are taken, as long as the loop runs. */
struct cw_cli_leases *cw_cli_leases_create(struct cw_cli *cli, struct cw_error *err);
/* The token of the cart's lease; 0 and CW_CONFLICT when another process keeps it for longer than a few
 * seconds. `session` works under it from then on, and is told each time it is renewed; it may be NULL, and
 * may be closed once no loop runs any more. */
int64_t cw_cli_leases_take(struct cw_cli_leases *leases, struct cw_session *session, const char *cart,
                           struct cw_error *err);
/* Gives all back, and tells no session. Accepts NULL. */
void cw_cli_leases_free(struct cw_cli_leases *leases);

#endif
