/* site_config.h - what the runtime itself needs of a site.lua; scripts read the rest of it themselves. */
#ifndef CW_BINDINGS_SITE_CONFIG_H
#define CW_BINDINGS_SITE_CONFIG_H

#include "base/schedule.h"
#include "bindings/out_config.h"
#include "script/script.h"

struct cw_site_cart {
    char *name, *type;
    bool is_quiet_fine; /* quiet = false: no alarm when no orders come */
    struct cw_out_config out;
};

/* When a job is due: one time, or one kind of times, of an entry in `schedules`. Which of them count for a
 * cart is for engine/plan_jobs.h to say. */
struct cw_site_schedule {
    char *cart; /* NULL = each cart that has none of its own; "" = the site itself */
    char *job;  /* NULL = every stream that is switched on; "STREAM", "reconcile STREAM", "refresh STREAM",
                   "tidy" */
    bool is_default; /* the runtime's own: for a job that no other entry names */
    bool is_off;     /* never, but for wake-ups; the schedule says nothing */
    struct cw_schedule schedule;
    char *text;  /* all of it: "daily 03:30 Europe/Berlin jitter 10m" */
    char *where; /* "site.lua:12", for messages; "default" */
};

/* How long what is kept for evidence stays; CW_TIME_NONE = for ever. */
struct cw_site_keep {
    cw_time runs, raw, webhooks, messages;
    unsigned raw_versions; /* of a record, that stay however old they are; the newest stays anyway */
};

enum cw_site_log { CW_SITE_LOGFMT, CW_SITE_JSON };

/* What `cartwright run` does without options of its own. */
struct cw_site_run {
    unsigned workers;
    char *metrics, *webhooks; /* "127.0.0.1:9464"; NULL = not served */
    cw_time hang, lease;
    enum cw_site_log log;
};

struct cw_site_config {
    char *zone;   /* "UTC" when the site names none */
    char *store;  /* path below the site's folder, or a URI; "store.db" when the site names none */
    char **allow; /* egress rules, NULL-terminated */
    struct cw_site_cart *carts; /* in the order of their names */
    size_t cart_count;
    struct cw_site_schedule *schedules; /* those of carts first, then the site's, then the defaults */
    size_t schedule_count;
    struct cw_stock_config stock;
    struct cw_site_keep keep;
    struct cw_site_run run;
    struct cw_zone **zones; /* of the schedules */
    size_t zone_count;
};

/* Runs the module "site" in `script`, whose text is `text`, for the lines of what is wrong in it. CW_USAGE
 * names each field that is wrong and what belongs there. Free with cw_site_config_fini in any case. */
bool cw_site_config_read(struct cw_script *script, struct cw_slice text, struct cw_site_config *config,
                         struct cw_error *err);
void cw_site_config_fini(struct cw_site_config *config);

#endif
