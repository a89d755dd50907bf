/* site_store.h - the store of a site, and that it is this site's.
 *
 * The folder remembers the id of its store in the file .store-id. Two sites that name the same store by
 * mistake would take each other's orders for their own, so a store that another folder began is refused
 * until somebody says that this one is the same site (on another machine, restored, or moved).
 */
#ifndef CW_ENGINE_SITE_STORE_H
#define CW_ENGINE_SITE_STORE_H

#include "adapters/store.h"
#include "engine/site.h"

/* CW_USAGE, naming what to do, when the store is another site's. */
struct cw_store *cw_site_open_store(const struct cw_site *site, struct cw_loop *loop, bool create,
                                    struct cw_error *err);

/* Whether a store was ever opened for writing from this folder. */
bool cw_site_had_store(const struct cw_site *site);

/* Makes the store that site.lua names this folder's. */
bool cw_site_join_store(const struct cw_site *site, struct cw_loop *loop, struct cw_error *err);

#endif
