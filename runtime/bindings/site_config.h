/* site_config.h - what the runtime itself needs of a site.lua; scripts read the rest of it themselves. */
#ifndef CW_BINDINGS_SITE_CONFIG_H
#define CW_BINDINGS_SITE_CONFIG_H

#include "script/script.h"

struct cw_site_cart {
    char *name, *type;
};

struct cw_site_config {
    char *zone;   /* "UTC" when the site names none */
    char *store;  /* path below the site's folder, or a URI; "store.db" when the site names none */
    char **allow; /* egress rules, NULL-terminated */
    struct cw_site_cart *carts; /* in the order of their names */
    size_t cart_count;
};

/* Runs the module "site" in `script`. CW_USAGE names the field that is wrong and what belongs there. Free
 * with cw_site_config_fini in any case. */
bool cw_site_config_read(struct cw_script *script, struct cw_site_config *config, struct cw_error *err);
void cw_site_config_fini(struct cw_site_config *config);

#endif
