/* lua_plan_call.c - functions of a mapping: kept in the registry, called for one record, their results read
 * as the types that fields need. */
#include <stdarg.h>
#include <stdio.h>

#include "adapters/utf8.h"
#include "bindings/modules.h"
#include "bindings/plans_private.h"

static const char functions_key; /* registry: the list of all functions that plans of this state call */
static const char scope_key;     /* registry: the scope handle in use, so that it outlives an error */

/* Stores the function on top of the stack, pops it, and returns its number. */
int cw_lua_plan_keep_function(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &functions_key);
    }
    lua_insert(L, -2);
    int number = (int)lua_rawlen(L, -2) + 1;
    lua_rawseti(L, -2, number);
    lua_pop(L, 1);
    return number;
}

enum { FUNCTION_INDEX = 2 }; /* on the stack of run_function */

struct call {
    int function;
    const struct cw_scope *scope;
    enum cw_type want;
    struct cw_arena *arena;
    struct cw_value *out;
    struct cw_lua_scope *ticket;
};

/* Raises what is wrong with a result, beginning with the place of the function, which has returned already.
 */
static int refuse_result(lua_State *L, const char *fmt, ...)
{
    va_list args;
    cw_lua_push_begin(L, FUNCTION_INDEX);
    lua_pushliteral(L, ": the function returned ");
    va_start(args, fmt);
    lua_pushvfstring(L, fmt, args);
    va_end(args);
    lua_concat(L, 3);
    return lua_error(L);
}

/* What no document can hold is refused here, where it is known which record and which line made it. */
static void check_text(lua_State *L, struct cw_slice text)
{
    uint32_t point;
    for (const char *p = text.data, *end = cw_slice_end(text); p < end;) {
        unsigned width = cw_utf8_read(p, end, &point);
        if (width == 0)
            refuse_result(L, "a text that is not UTF-8 from byte %d on", (int)(p - text.data + 1));
        if (*p == '\0')
            refuse_result(L, "a text with a zero byte, which no document can hold");
        p += width;
    }
}

/* A text that a function returned, read as the type its field needs. */
static void take_text(lua_State *L, struct call *call, struct cw_slice text)
{
    struct cw_error err;
    struct cw_value *out = call->out;
    bool ok = true;
    int64_t integer;
    struct cw_decimal decimal;
    check_text(L, text);
    out->is_set = true;
    if (call->want == CW_TEXT) {
        out->text = cw_arena_copy(call->arena, text);
        ok = out->text.data != NULL || cw_fail(&err, CW_NOMEM, "text of %zu bytes is too long", text.len);
    } else if (call->want == CW_DECIMAL || call->want == CW_MONEY) {
        ok = cw_decimal_parse(text, &out->decimal, &err);
    } else if (call->want == CW_INTEGER) {
        ok = cw_decimal_parse(text, &decimal, &err) &&
             (cw_decimal_to_int(&decimal, &integer) ||
              cw_fail(&err, CW_INVALID, "%.*s is no integer", CW_SLICE_ARG(text)));
        if (ok)
            out->integer = integer;
    } else if (call->want == CW_TIME) {
        ok = cw_time_parse(text, NULL, &out->time, &err);
    } else {
        ok = cw_fail(&err, CW_INVALID, "a text where %s is needed", cw_type_name(call->want));
    }
    if (!ok)
        refuse_result(L, "\"%s\": %s", text.data, err.text);
}

static void take_integer(lua_State *L, struct call *call, lua_Integer value)
{
    char text[32];
    call->out->is_set = true;
    switch (call->want) {
    case CW_INTEGER:
        call->out->integer = value;
        return;
    case CW_DECIMAL:
    case CW_MONEY:
        call->out->decimal = cw_decimal_from_int(value);
        return;
    default:
        take_text(L, call,
                  (struct cw_slice){ text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value) });
    }
}

static void take_result(lua_State *L, struct call *call)
{
    const struct cw_decimal *decimal = cw_lua_to_decimal(L, -1);
    bool is_number = call->want == CW_DECIMAL || call->want == CW_MONEY;
    struct cw_slice text;
    *call->out = (struct cw_value){ 0 };
    if (lua_isnil(L, -1))
        return;
    if (decimal != NULL && is_number) {
        *call->out = (struct cw_value){ .is_set = true, .decimal = *decimal };
    } else if (lua_isboolean(L, -1) && call->want == CW_BOOLEAN) {
        *call->out = (struct cw_value){ .is_set = true, .boolean = lua_toboolean(L, -1) };
    } else if (call->want == CW_TIME && cw_lua_to_time(L, -1, &call->out->time)) {
        call->out->is_set = true;
    } else if (lua_isinteger(L, -1)) {
        take_integer(L, call, lua_tointeger(L, -1));
    } else if (lua_type(L, -1) == LUA_TNUMBER) {
        refuse_result(L, "the float %f for %s; floats are not exact: use cartwright.decimal",
                      lua_tonumber(L, -1), cw_type_name(call->want));
    } else if (lua_type(L, -1) == LUA_TSTRING || decimal != NULL) {
        text.data = luaL_tolstring(L, -1, &text.len);
        take_text(L, call, text);
    } else {
        refuse_result(L, "a %s where %s is needed", luaL_typename(L, -1), cw_type_name(call->want));
    }
}

/* Runs inside cw_script_call. */
static int run_function(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key);
    lua_rawgeti(L, -1, call->function);
    lua_replace(L, FUNCTION_INDEX);
    lua_pushvalue(L, FUNCTION_INDEX);
    call->ticket = cw_lua_push_scope(L, call->scope, 0);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &scope_key);
    lua_call(L, 1, 1);
    take_result(L, call);
    return 0;
}

static bool call_function(void *arg, int function, const struct cw_scope *scope, enum cw_type want,
                          struct cw_arena *arena, struct cw_value *out, struct cw_error *err)
{
    struct cw_lua_plan *plan = arg;
    struct call call = { function, scope, want, arena, out, NULL };
    bool ok = cw_script_call(plan->script, run_function, &call, err);
    if (call.ticket != NULL)
        cw_lua_close_scope(call.ticket);
    return ok;
}

struct cw_plan_host cw_lua_plan_host(struct cw_lua_plan *plan)
{
    return (struct cw_plan_host){ plan, call_function };
}
