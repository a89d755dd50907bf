/* site_running.c - what site.lua says about running, as scripts/cartwright/configuration.lua made it, for C.
 */
#include <stdlib.h>

#include "bindings/modules.h"
#include "bindings/site_private.h"

/* --- fields of the table at `index` --- */

char *cw_site_text(lua_State *L, int index, const char *field)
{
    bool is_text = lua_getfield(L, index, field) == LUA_TSTRING;
    char *copy = is_text ? cw_site_copy(L, lua_tostring(L, -1)) : NULL;
    lua_pop(L, 1);
    return copy;
}

bool cw_site_flag(lua_State *L, int index, const char *field)
{
    lua_getfield(L, index, field);
    bool flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

int64_t cw_site_number(lua_State *L, int index, const char *field, int64_t fallback)
{
    bool is_number = lua_getfield(L, index, field) == LUA_TNUMBER;
    int64_t number = is_number ? lua_tointeger(L, -1) : fallback;
    lua_pop(L, 1);
    return number;
}

unsigned cw_site_count(lua_State *L, int index, const char *field)
{
    return (unsigned)cw_site_number(L, index, field, 0);
}

/* false is CW_TIME_NONE. */
static cw_time time_field(lua_State *L, int index, const char *field)
{
    return cw_site_number(L, index, field, CW_TIME_NONE);
}

/* --- schedules --- */

/* The zone of that name, opened once. Zones are few, and the list has room for one more for each schedule. */
static const struct cw_zone *use_zone(lua_State *L, struct cw_site_config *config, const char *name)
{
    struct cw_error err;
    for (size_t i = 0; i < config->zone_count; i++)
        if (strcmp(cw_zone_name(config->zones[i]), name) == 0)
            return config->zones[i];
    struct cw_zone *zone = cw_zone_open(name, &err);
    if (zone == NULL)
        cw_lua_raise(L, &err);
    config->zones[config->zone_count++] = zone;
    return zone;
}

static void parse_field(lua_State *L, struct cw_schedule *schedule, int index)
{
    struct cw_error err;
    struct cw_slice text;
    lua_getfield(L, index, "kind");
    lua_getfield(L, index, "time");
    text.data = luaL_checklstring(L, -1, &text.len);
    if (!cw_site_parse_times(luaL_checkstring(L, -2), text, schedule, &err))
        cw_lua_raise(L, &err);
    if (lua_getfield(L, index, "jitter") == LUA_TSTRING) {
        text.data = lua_tolstring(L, -1, &text.len);
        if (!cw_schedule_parse_time(text, &schedule->jitter, &err))
            cw_lua_raise(L, &err);
    }
    lua_pop(L, 3);
}

static void read_schedule(lua_State *L, struct cw_site_config *config, int index)
{
    struct cw_site_schedule *made = &config->schedules[config->schedule_count++];
    made->cart = cw_site_text(L, index, "cart");
    made->job = cw_site_text(L, index, "job");
    made->text = cw_site_text(L, index, "text");
    made->where = cw_site_text(L, index, "where");
    made->is_default = cw_site_flag(L, index, "is_default");
    made->is_off = cw_site_flag(L, index, "off");
    if (made->is_off)
        return;
    parse_field(L, &made->schedule, index);
    if (lua_getfield(L, index, "zone") == LUA_TSTRING)
        made->schedule.zone = use_zone(L, config, lua_tostring(L, -1));
    lua_pop(L, 1);
}

static void read_schedules(lua_State *L, struct cw_site_config *config, int index)
{
    size_t count = lua_rawlen(L, index);
    config->schedules = calloc(count + 1, sizeof *config->schedules);
    config->zones = calloc(count + 1, sizeof *config->zones);
    if (config->schedules == NULL || config->zones == NULL)
        luaL_error(L, "no memory");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        read_schedule(L, config, lua_gettop(L));
        lua_pop(L, 1);
    }
}

/* --- the rest --- */

static void read_keep(lua_State *L, struct cw_site_keep *keep, int index)
{
    keep->runs = time_field(L, index, "runs");
    keep->raw = time_field(L, index, "raw");
    keep->webhooks = time_field(L, index, "webhooks");
    keep->messages = time_field(L, index, "messages");
    keep->raw_versions = cw_site_count(L, index, "raw_versions");
}

static void read_run(lua_State *L, struct cw_site_run *run, int index)
{
    run->workers = cw_site_count(L, index, "workers");
    run->metrics = cw_site_text(L, index, "metrics");
    run->webhooks = cw_site_text(L, index, "webhooks");
    run->hang = time_field(L, index, "hang");
    run->lease = time_field(L, index, "lease");
    lua_getfield(L, index, "log");
    run->log = strcmp(luaL_checkstring(L, -1), "json") == 0 ? CW_SITE_JSON : CW_SITE_LOGFMT;
    lua_pop(L, 1);
}

/* The table at `index` has `false` for carts that may be quiet. */
static void read_quiet(lua_State *L, struct cw_site_config *config, int index)
{
    for (size_t i = 0; i < config->cart_count; i++) {
        lua_getfield(L, index, config->carts[i].name);
        config->carts[i].is_quiet_fine = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
        lua_pop(L, 1);
    }
}

void cw_site_read_running(lua_State *L, struct cw_site_config *config, int index, struct cw_slice text)
{
    int top = lua_gettop(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cartwright.configuration");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "read");
    lua_pushvalue(L, index);
    lua_pushlstring(L, text.len > 0 ? text.data : "", text.len);
    lua_call(L, 2, 6); /* module schedules keep run quiet outs stock */
    read_schedules(L, config, top + 2);
    read_keep(L, &config->keep, top + 3);
    read_run(L, &config->run, top + 4);
    read_quiet(L, config, top + 5);
    cw_site_read_out(L, config, top + 6, top + 7, text);
    lua_settop(L, top);
}

void cw_site_free_running(struct cw_site_config *config)
{
    for (size_t i = 0; i < config->schedule_count; i++) {
        struct cw_site_schedule *schedule = &config->schedules[i];
        free(schedule->cart);
        free(schedule->job);
        free(schedule->text);
        free(schedule->where);
    }
    for (size_t i = 0; i < config->zone_count; i++)
        cw_zone_free(config->zones[i]);
    free(config->schedules);
    free(config->zones);
    free(config->run.metrics);
    free(config->run.webhooks);
}
