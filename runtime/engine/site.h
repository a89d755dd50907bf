/* site.h - a site: its folder, what site.lua says, its secrets, and where its scripts come from. */
#ifndef CW_ENGINE_SITE_H
#define CW_ENGINE_SITE_H

#include "base/hash.h"
#include "bindings/site_config.h"

struct cw_site {
    char *folder; /* as given; "" = none */
    char *path;   /* the same, absolute */
    char *text;   /* of site.lua, where it is no file; else NULL */
    char *home;   /* holds scripts/ and carts/ that are shipped */
    int folder_fd, home_fd;
    struct cw_site_config config;
    struct _GHashTable *secrets; /* "shop.key" -> text */
    bool is_sealed;              /* the environment's secrets count for nothing */
    const struct cw_clock *clock;
};

enum { CW_SCRIPT_FILE_MAX = 1024 * 1024 }; /* bytes */

/* CW_NOT_FOUND when folder holds no site.lua: says how to make one. */
struct cw_site *cw_site_open(const char *folder, const char *home, const struct cw_clock *clock,
                             struct cw_error *err);
/* A site without a site.lua of its own: what would stand in it is `text`; NULL = nothing does. `folder` is
 * for its scripts and secrets; NULL = there are only the shipped scripts. */
struct cw_site *cw_site_bare(const char *folder, const char *home, const char *text,
                             const struct cw_clock *clock, struct cw_error *err);
void cw_site_free(struct cw_site *site); /* accepts NULL */

/* Where modules are found, without following symbolic links:
 *   site            site.lua                 cartwright.X   scripts/cartwright/X.lua of the runtime
 *   carts.X         carts/X.lua of the site, else the shipped one
 *   shipped.X       carts/X.lua as shipped   lib.X.Y        lib/X/Y.lua of the site
 *   fakes.X         fakes/X.lua of the site, else the shipped one: fakes/X.lua where Cartwright is installed,
 *                   tests/fakes/X.lua in its sources
 * The text is allocated; free it with cw_site_release_module. */
bool cw_site_load_module(const struct cw_site *site, const char *module, struct cw_slice *source,
                         char chunk_name[128], struct cw_error *err);
void cw_site_release_module(struct cw_slice source);

/* Reads a whole file of at most CW_SCRIPT_FILE_MAX bytes below `dir` (AT_FDCWD for any path). */
bool cw_site_read_file(int dir, const char *path, bool follow_links, struct cw_slice *text,
                       struct cw_error *err);

/* A secret by "CART.SETTING": from the environment (CARTWRIGHT_SECRET_CART_SETTING), else from the file
 * `secrets` of the folder, which only its owner may read. NULL when there is none. */
const char *cw_site_secret(const struct cw_site *site, const char *name);

/* For trials of a cart: from now on the site has these secrets alone, pairs of a name ("shop.key") and a value,
 * NULL-terminated. */
void cw_site_seal(struct cw_site *site, const char *const *secrets);

/* Writes one secret into the file, which is replaced at once as a whole. */
bool cw_site_set_secret(const char *folder, const char *name, struct cw_slice value, struct cw_error *err);

/* The store's URI or path, resolved against the folder. Free it. */
char *cw_site_store_uri(const struct cw_site *site);

#endif
