/* site_private.h - what site_config.c shares with those who read parts of site.lua; nobody else includes it.
 */
#ifndef CW_BINDINGS_SITE_PRIVATE_H
#define CW_BINDINGS_SITE_PRIVATE_H

#include "bindings/site_config.h"

/* strdup that raises for want of memory. Put what it makes where it is freed before anything else. */
char *cw_site_copy(lua_State *L, const char *text);

/* Schedules, what is kept and how it runs, by scripts/cartwright/schedules.lua; the site's table is at
 * `index`. Raises with everything that is wrong. */
void cw_site_read_running(lua_State *L, struct cw_site_config *config, int index, struct cw_slice text);
void cw_site_free_running(struct cw_site_config *config);

/* `kind` is "every", "daily", "weekly" or "cron". */
bool cw_site_parse_times(const char *kind, struct cw_slice text, struct cw_schedule *schedule,
                         struct cw_error *err);

#endif
