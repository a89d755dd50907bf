/* site_private.h - what site_config.c shares with those who read parts of site.lua; nobody else includes it.
 */
#ifndef CW_BINDINGS_SITE_PRIVATE_H
#define CW_BINDINGS_SITE_PRIVATE_H

#include "bindings/site_config.h"

/* strdup that raises for want of memory. Put what it makes where it is freed before anything else. */
char *cw_site_copy(lua_State *L, const char *text);

/* Fields of the table at `index`. The text is a copy, NULL where there is none; raises for want of memory. */
char *cw_site_text(lua_State *L, int index, const char *field);
bool cw_site_flag(lua_State *L, int index, const char *field);
int64_t cw_site_number(lua_State *L, int index, const char *field, int64_t fallback);
unsigned cw_site_count(lua_State *L, int index, const char *field); /* 0 where there is none */

/* site_out.c: what carts are told, from the tables that scripts/cartwright/out.lua made. */
void cw_site_read_out(lua_State *L, struct cw_site_config *config, int outs, int stock, struct cw_slice text);
/* What the function at `index` is: its lines in `text`, that of site.lua, or its code where it is from
 * elsewhere, and the values of locals around it, functions and lists among them. */
void cw_site_hash_function(lua_State *L, int index, struct cw_slice text, char hash[CW_HASH_TEXT_MAX]);
void cw_site_free_out(struct cw_out_config *out);
void cw_site_free_stock(struct cw_stock_config *stock);

/* Schedules, what is kept, how it runs and what carts are told, by scripts/cartwright/configuration.lua; the
 * site's table is at `index`. Raises with everything that is wrong. */
void cw_site_read_running(lua_State *L, struct cw_site_config *config, int index, struct cw_slice text);
void cw_site_free_running(struct cw_site_config *config);

/* `kind` is "every", "daily", "weekly" or "cron". */
bool cw_site_parse_times(const char *kind, struct cw_slice text, struct cw_schedule *schedule,
                         struct cw_error *err);

#endif
