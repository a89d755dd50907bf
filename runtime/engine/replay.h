/* replay.h - serves a recording: a shop that always answers what it once answered. For tests and the
 * quickstart.
 *
 * A recording is a folder with exchanges.json and the bodies it names:
 *
 *   { "auth": "basic KEY:",
 *     "refusal": { "status": 401, "headers": { "Content-Type": "text/xml" }, "body": "refused.xml" },
 *     "exchanges": [
 *       { "path": "/api/orders?display=full&limit=0,100",
 *         "query": { "filter[date_upd]": "[{any},{any}]", "id_shop": ["1", "2"] },
 *         "headers": { "Content-Type": "text/xml;charset=utf-8" }, "body": "orders.xml" } ] }
 *
 * or only the list of exchanges. An exchange has
 *   path     path and query, encoded or not. A request matches when its path and its whole query are the same
 * after decoding, the query in any order; a parameter too many or too few is no match. query    more
 * parameters: the value, or a list of values of which one is enough. method   "GET" when absent. status   200
 * when absent. headers  of the answer. body     a file beside exchanges.json; none when absent. times    how
 * often it answers; later requests go to the next exchange that matches. Always when absent. In paths and
 * values {any} stands for any text, also none. The first exchange that matches answers.
 *
 * With "auth" ("basic USER:PASSWORD" or "bearer TOKEN") other requests get the refusal, by default a plain
 * 401. What matches nothing gets 404 and a text that names what was asked and the nearest exchange.
 */
#ifndef CW_ENGINE_REPLAY_H
#define CW_ENGINE_REPLAY_H

#include "adapters/http_server.h"

struct cw_replay;

/* Called for each request that nothing matches; `text` lives during the call. */
typedef void cw_replay_miss_fn(void *arg, struct cw_slice text);

struct cw_replay_counts {
    uint64_t served, unmatched, refused;
};

/* Loads `folder` and listens on `address` ("127.0.0.1") and `port` (0 = a free one). `miss` may be NULL. */
struct cw_replay *cw_replay_open(struct cw_loop *loop, const char *folder, const char *address, unsigned port,
                                 cw_replay_miss_fn *miss, void *miss_arg, struct cw_error *err);
void cw_replay_close(struct cw_replay *replay); /* accepts NULL */

unsigned cw_replay_port(const struct cw_replay *replay);
size_t cw_replay_exchanges(const struct cw_replay *replay);
struct cw_replay_counts cw_replay_counts(const struct cw_replay *replay);

#endif
