/* lua_log.c - log lines of scripts: cartwright.log in scripts/types/data.lua.
 *
 * A script that logs in a loop must neither fill a disk nor hide what others say: so many lines a minute, and
 * then one that tells how many were dropped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/loop.h"
#include "base/log.h"
#include "bindings/modules.h"

#define METER_TYPE "cartwright.native.LogMeter"

enum { FIELDS_MAX = 32, EVENT_MAX = 64, LINES_MAX = 1000 }; /* lines in WINDOW */
#define WINDOW CW_MINUTE

struct meter {
    char cart[64];
    cw_time since;
    unsigned lines;
    uint64_t dropped;
};

static const char meter_key; /* registry */

static void tell_dropped(struct meter *meter)
{
    char count[24];
    if (meter->dropped == 0)
        return;
    snprintf(count, sizeof count, "%" PRIu64, meter->dropped);
    cw_log_pairs(CW_LOG_WARNING, "log-lines-dropped", "cart", meter->cart, "count", count, NULL);
    meter->dropped = 0;
}

static int collect_meter(lua_State *L)
{
    tell_dropped(luaL_checkudata(L, 1, METER_TYPE));
    return 0;
}

/* Whether one more line may be written. */
static bool admit(struct meter *meter, cw_time now)
{
    if (now - meter->since >= WINDOW || now < meter->since) {
        tell_dropped(meter);
        meter->since = now;
        meter->lines = 0;
    }
    if (meter->lines < LINES_MAX) {
        meter->lines++;
        return true;
    }
    meter->dropped++;
    return false;
}

struct line {
    struct cw_log_field fields[FIELDS_MAX + 3]; /* cart, the script's own, how many were left out, end */
    char scratch[FIELDS_MAX][CW_LUA_SCALAR_MAX];
    size_t count;
    size_t left_out;
};

static int compare_fields(const void *a, const void *b)
{
    return strcmp(((const struct cw_log_field *)a)->name, ((const struct cw_log_field *)b)->name);
}

/* Secrets are named, floats are fine in a log, and of all else only the type is told. */
static struct cw_slice value_text(lua_State *L, int index, char scratch[CW_LUA_SCALAR_MAX])
{
    struct cw_slice text;
    const char *secret = cw_lua_to_secret(L, index);
    if (cw_lua_scalar(L, index, scratch, &text))
        return text;
    if (secret != NULL)
        snprintf(scratch, CW_LUA_SCALAR_MAX, "secret(%s)", secret);
    else if (lua_type(L, index) == LUA_TNUMBER)
        snprintf(scratch, CW_LUA_SCALAR_MAX, "%.14g", lua_tonumber(L, index));
    else
        snprintf(scratch, CW_LUA_SCALAR_MAX, "%s", luaL_typename(L, index));
    return cw_slice(scratch);
}

/* Names and values are strings of the table at `table`, or in the line. */
static void read_fields(lua_State *L, int table, struct line *line)
{
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_argerror(L, table, "fields have names");
        if (line->count == FIELDS_MAX) {
            line->left_out++;
            continue;
        }
        line->fields[line->count + 1].name = lua_tostring(L, -2);
        line->fields[line->count + 1].value = value_text(L, -1, line->scratch[line->count]);
        line->count++;
    }
    qsort(line->fields + 1, line->count, sizeof *line->fields, compare_fields);
}

static int write_line(lua_State *L, enum cw_log_level level)
{
    struct cw_lua_host *host = lua_touserdata(L, lua_upvalueindex(1));
    struct line line = { .count = 0 };
    char left_out[32];
    const char *event = luaL_checkstring(L, 1);
    luaL_argcheck(L, event[0] != '\0' && strlen(event) <= EVENT_MAX, 1,
                  "an event is a short word, up to 64 bytes");
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        read_fields(L, 2, &line);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &meter_key);
    struct meter *meter = lua_touserdata(L, -1);
    if (!admit(meter, cw_now(cw_loop_clock(host->loop))))
        return 0;
    line.fields[0] = (struct cw_log_field){ "cart", cw_slice(meter->cart) };
    if (line.left_out > 0) {
        snprintf(left_out, sizeof left_out, "%zu fields", line.left_out);
        line.fields[line.count + 1] = (struct cw_log_field){ "left-out", cw_slice(left_out) };
    }
    cw_log(level, event, line.fields);
    return 0;
}

static int info(lua_State *L)
{
    return write_line(L, CW_LOG_INFO);
}

static int warning(lua_State *L)
{
    return write_line(L, CW_LOG_WARNING);
}

static int debug(lua_State *L)
{
    return write_line(L, CW_LOG_DEBUG);
}

void cw_lua_types_log(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", collect_meter }, { NULL, NULL } };
    const struct cw_lua_host *host = cw_lua_host_of(L);
    cw_lua_new_type(L, METER_TYPE, meta, NULL);
    struct meter *meter = lua_newuserdatauv(L, sizeof *meter, 0);
    *meter = (struct meter){ .since = cw_now(cw_loop_clock(host->loop)) };
    snprintf(meter->cart, sizeof meter->cart, "%s", host->cart != NULL ? host->cart : "");
    luaL_setmetatable(L, METER_TYPE);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meter_key);
}

/* Upvalue 1: the host. */
int cw_lua_open_log(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "info", info }, { "warning", warning }, { "debug", debug }, { NULL, NULL }
    };
    luaL_newlibtable(L, functions);
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, functions, 1);
    return 1;
}
