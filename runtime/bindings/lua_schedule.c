/* lua_schedule.c - texts of schedules read for scripts/cartwright/schedules.lua: cartwright.native.schedule.
 */
#include "base/schedule.h"
#include "bindings/modules.h"
#include "bindings/site_private.h"

static bool check_zone(struct cw_slice text, struct cw_error *err)
{
    char name[CW_ZONE_NAME_MAX + 1];
    size_t len = text.len < sizeof name - 1 ? text.len : sizeof name - 1;
    memcpy(name, text.data, len);
    name[len] = '\0';
    struct cw_zone *zone = cw_zone_open(name, err); /* one with a zero byte in it is none */
    bool ok = zone != NULL && strlen(name) == text.len;
    if (zone != NULL && !ok)
        cw_fail(err, CW_INVALID, "\"%s\" is no time zone", name);
    cw_zone_free(zone);
    return ok;
}

bool cw_site_parse_times(const char *kind, struct cw_slice text, struct cw_schedule *schedule,
                         struct cw_error *err)
{
    static const struct {
        const char *kind;
        bool (*parse)(struct cw_slice text, struct cw_schedule *schedule, struct cw_error *err);
    } kinds[] = { { "every", cw_schedule_parse_every },
                  { "daily", cw_schedule_parse_daily },
                  { "weekly", cw_schedule_parse_weekly },
                  { "cron", cw_schedule_parse_cron } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].parse(text, schedule, err);
    return cw_fail(err, CW_USAGE, "there are no times of the kind %s", kind);
}

/* parse(kind, text) -> true, or the microseconds of a length of time | nil, what is wrong and what is
 * possible. The kinds are "every", "daily", "weekly", "cron"; "zone"; and any other for a length of time. */
static int parse(lua_State *L)
{
    struct cw_error err;
    struct cw_schedule schedule = { 0 };
    struct cw_slice text;
    cw_time time;
    static const char *const kinds[] = { "every", "daily", "weekly", "cron", "zone", "time", "jitter", NULL };
    int kind = luaL_checkoption(L, 1, NULL, kinds);
    text.data = luaL_checklstring(L, 2, &text.len);
    bool ok, is_time = kind > 4;
    if (is_time)
        ok = cw_schedule_parse_time(text, &time, &err);
    else if (kind == 4)
        ok = check_zone(text, &err);
    else
        ok = cw_site_parse_times(kinds[kind], text, &schedule, &err);
    if (!ok)
        return cw_lua_push_failure(L, &err);
    if (is_time)
        lua_pushinteger(L, time);
    else
        lua_pushboolean(L, true);
    return 1;
}

int cw_lua_open_schedule(lua_State *L)
{
    static const luaL_Reg functions[] = { { "parse", parse }, { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}
