/* lua_time.c - instants and waiting for scripts: cartwright.time in scripts/types/values.lua. */
#include <stdio.h>

#include "adapters/loop.h"
#include "base/written.h"
#include "bindings/modules.h"

#define TIME_TYPE  "cartwright.Time"
#define SLEEP_TYPE "cartwright.native.Sleep"

/* 0001-01-01T00:00:00Z and the last microsecond of the year 9999. */
#define TIME_MIN (-62135596800 * CW_SECOND)
#define TIME_MAX (253402300800 * CW_SECOND - 1)

enum { FORMAT_MAX = 512 }; /* bytes of a formatted time */
#define SLEEP_MAX 86400.0  /* seconds */

void cw_lua_push_time(lua_State *L, cw_time time)
{
    cw_time *object = lua_newuserdatauv(L, sizeof *object, 0);
    *object = time;
    luaL_setmetatable(L, TIME_TYPE);
}

bool cw_lua_to_time(lua_State *L, int index, cw_time *out)
{
    const cw_time *object = luaL_testudata(L, index, TIME_TYPE);
    if (object == NULL)
        return false;
    *out = *object;
    return true;
}

static cw_time check_time(lua_State *L, int index)
{
    return *(const cw_time *)luaL_checkudata(L, index, TIME_TYPE);
}

/* Both operands of a comparison or a difference; which of them is no time Lua does not say. */
static void check_times(lua_State *L, cw_time *a, cw_time *b)
{
    if (!cw_lua_to_time(L, 1, a) || !cw_lua_to_time(L, 2, b))
        cw_lua_fail(L, CW_USAGE,
                    "a Time is compared with and subtracted from a Time only; seconds are added with "
                    "time:add(seconds)");
}

static int equals(lua_State *L)
{
    cw_time a, b;
    lua_pushboolean(L, cw_lua_to_time(L, 1, &a) && cw_lua_to_time(L, 2, &b) && a == b);
    return 1;
}

static int is_less(lua_State *L)
{
    cw_time a = 0, b = 0;
    check_times(L, &a, &b);
    lua_pushboolean(L, a < b);
    return 1;
}

static int is_at_most(lua_State *L)
{
    cw_time a = 0, b = 0;
    check_times(L, &a, &b);
    lua_pushboolean(L, a <= b);
    return 1;
}

/* time - time -> Decimal seconds, with as many digits as it takes. */
static int subtract(lua_State *L)
{
    cw_time a = 0, b = 0;
    check_times(L, &a, &b);
    struct cw_decimal seconds = cw_decimal_from_int(a - b);
    seconds.scale = 6; /* the integer counts microseconds */
    seconds = cw_decimal_trim(seconds, 0);
    cw_lua_push_decimal(L, &seconds);
    return 1;
}

static int to_string(lua_State *L)
{
    char text[CW_TIME_TEXT_MAX];
    size_t len = cw_time_iso(check_time(L, 1), text);
    lua_pushlstring(L, text, len);
    return 1;
}

/* time:format(format, zone) -> string. Raises for an unknown letter or zone. */
static int format(lua_State *L)
{
    struct cw_error err = { .code = CW_OK };
    char text[FORMAT_MAX];
    cw_time time = check_time(L, 1);
    const char *pattern = luaL_checkstring(L, 2);
    const char *zone_name = luaL_optstring(L, 3, "UTC");
    luaL_argcheck(L, pattern[0] != '\0', 2, "the format is empty");

    size_t len = 0;
    struct cw_zone *zone = cw_zone_open(zone_name, &err);
    if (zone != NULL)
        len = cw_time_format(time, zone, pattern, text, sizeof text, &err);
    cw_zone_free(zone);
    if (len == 0)
        return cw_lua_raise(L, &err);
    lua_pushlstring(L, text, len);
    return 1;
}

/* time:add(seconds) -> Time. Raises outside of the years 1 to 9999. */
static int add(lua_State *L)
{
    cw_time time = check_time(L, 1), sum;
    int64_t micros;
    if (__builtin_mul_overflow((int64_t)luaL_checkinteger(L, 2), CW_SECOND, &micros) ||
        __builtin_add_overflow(time, micros, &sum) || sum < TIME_MIN || sum > TIME_MAX)
        return cw_lua_fail(L, CW_OVERFLOW, "the sum is not within the years 1 to 9999");
    cw_lua_push_time(L, sum);
    return 1;
}

/* time.now() -> Time */
static int now(lua_State *L)
{
    const struct cw_lua_host *host = lua_touserdata(L, lua_upvalueindex(1));
    cw_lua_push_time(L, cw_now(cw_loop_clock(host->loop)));
    return 1;
}

/* time.parse(text, zone, format) -> Time | nil, message, code. Raises for a wrong format. */
static int parse(lua_State *L)
{
    struct cw_error err;
    struct cw_slice text, format;
    cw_time time;
    text.data = luaL_checklstring(L, 1, &text.len);
    const char *zone_name = luaL_optstring(L, 2, NULL);
    format.data = luaL_optlstring(L, 3, NULL, &format.len);
    if (format.data != NULL && !cw_time_format_check(format, &err))
        return cw_lua_raise(L, &err);

    struct cw_zone *zone = zone_name != NULL ? cw_zone_open(zone_name, &err) : NULL;
    bool ok = (zone != NULL || zone_name == NULL) &&
              (format.data == NULL ? cw_time_parse(cw_slice_trim(text), zone, &time, &err)
                                   : cw_time_parse_as(cw_slice_trim(text), format, zone, &time, &err));
    cw_zone_free(zone);
    if (!ok)
        return cw_lua_push_failure(L, &err);
    cw_lua_push_time(L, time);
    return 1;
}

/* --- sleep --- */

struct sleep {
    struct cw_wait wait; /* first: &wait converts back */
    struct cw_timer *timer;
};

static void end_sleep(void *arg)
{
    struct sleep *sleep = arg; /* alive: the suspended stack holds it */
    cw_wait_done(&sleep->wait);
}

static void cancel_sleep(struct cw_wait *wait)
{
    cw_timer_clear(((struct sleep *)wait)->timer);
}

static int free_sleep(lua_State *L)
{
    struct sleep *sleep = luaL_checkudata(L, 1, SLEEP_TYPE);
    cw_timer_free(sleep->timer);
    sleep->timer = NULL;
    return 0;
}

static int finish_sleep(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    struct sleep *sleep = luaL_checkudata(L, 2, SLEEP_TYPE);
    cw_timer_free(sleep->timer); /* now, not when the collector comes by */
    sleep->timer = NULL;
    return 0;
}

/* time.sleep(seconds). Suspends. Raises where waiting is impossible. */
static int start_sleep(lua_State *L)
{
    struct cw_error err;
    struct cw_lua_host *host = lua_touserdata(L, lua_upvalueindex(1));
    const struct cw_decimal *exact = cw_lua_to_decimal(L, 1);
    char text[CW_DECIMAL_TEXT_MAX];
    if (exact != NULL) {
        cw_decimal_format(exact, text);
        lua_pushstring(L, text);
        lua_replace(L, 1);
    }
    double seconds = luaL_checknumber(L, 1);
    luaL_argcheck(L, seconds >= 0 && seconds <= SLEEP_MAX, 1, "seconds: 0 to 86400");
    lua_settop(L, 1);
    cw_wait_check(L);

    struct sleep *sleep = lua_newuserdatauv(L, sizeof *sleep, 0);
    *sleep = (struct sleep){ .wait = { .cancel = cancel_sleep } };
    luaL_setmetatable(L, SLEEP_TYPE);
    sleep->timer = cw_timer_create(host->loop, end_sleep, sleep, &err);
    if (sleep->timer == NULL)
        return cw_lua_raise(L, &err);
    cw_timer_set(sleep->timer, (cw_time)(seconds * 1e6 + 0.5));
    return cw_wait_start(L, &sleep->wait, finish_sleep, 0);
}

void cw_lua_types_time(lua_State *L)
{
    static const luaL_Reg meta[] = {
        { "__eq", equals },    { "__lt", is_less },         { "__le", is_at_most },
        { "__sub", subtract }, { "__tostring", to_string }, { "__concat", cw_lua_concat },
        { NULL, NULL },
    };
    static const luaL_Reg methods[] = { { "format", format }, { "add", add }, { NULL, NULL } };
    static const luaL_Reg sleep_meta[] = { { "__gc", free_sleep }, { NULL, NULL } };
    cw_lua_new_type(L, TIME_TYPE, meta, methods);
    cw_lua_new_type(L, SLEEP_TYPE, sleep_meta, NULL);
}

/* Upvalue 1: the host. */
int cw_lua_open_time(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "now", now }, { "parse", parse }, { "sleep", start_sleep }, { NULL, NULL }
    };
    luaL_newlibtable(L, functions);
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, functions, 1);
    return 1;
}
