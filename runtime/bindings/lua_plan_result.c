/* lua_plan_result.c - what a function of a script returned, read as the type that a field needs. */
#include <stdarg.h>
#include <stdio.h>

#include "adapters/utf8.h"
#include "bindings/modules.h"
#include "bindings/plans_private.h"

struct result {
    int function; /* where the function is on the stack */
    enum cw_type want;
    struct cw_arena *arena;
    struct cw_value *out;
};

/* Raises what is wrong with a result, beginning with the place of the function, which has returned already.
 */
static int refuse_result(lua_State *L, const struct result *result, const char *fmt, ...)
{
    va_list args;
    cw_lua_push_begin(L, result->function);
    lua_pushliteral(L, ": the function returned ");
    va_start(args, fmt);
    lua_pushvfstring(L, fmt, args);
    va_end(args);
    lua_concat(L, 3);
    return lua_error(L);
}

bool cw_lua_plan_check_text(struct cw_slice text, struct cw_error *err)
{
    uint32_t point;
    for (const char *p = text.data, *end = cw_slice_end(text); p < end;) {
        unsigned width = cw_utf8_read(p, end, &point);
        if (width == 0)
            return cw_fail(err, CW_INVALID, "a text that is not UTF-8 from byte %zu on",
                           (size_t)(p - text.data) + 1);
        if (*p == '\0')
            return cw_fail(err, CW_INVALID, "a text with a zero byte, which no document can hold");
        p += width;
    }
    return true;
}

/* A text that a function returned, read as the type its field needs. */
static void take_text(lua_State *L, const struct result *result, struct cw_slice text)
{
    struct cw_error err;
    struct cw_value *out = result->out;
    bool ok = true;
    int64_t integer;
    struct cw_decimal decimal;
    if (!cw_lua_plan_check_text(text, &err))
        refuse_result(L, result, "%s", err.text);
    out->is_set = true;
    if (result->want == CW_TEXT) {
        out->text = cw_arena_copy(result->arena, text);
        ok = out->text.data != NULL || cw_fail(&err, CW_NOMEM, "text of %zu bytes is too long", text.len);
    } else if (result->want == CW_DECIMAL || result->want == CW_MONEY) {
        ok = cw_decimal_parse(text, &out->decimal, &err);
    } else if (result->want == CW_INTEGER) {
        ok = cw_decimal_parse(text, &decimal, &err) &&
             (cw_decimal_to_int(&decimal, &integer) ||
              cw_fail(&err, CW_INVALID, "%.*s is no integer", CW_SLICE_ARG(text)));
        if (ok)
            out->integer = integer;
    } else if (result->want == CW_TIME) {
        ok = cw_time_parse(text, NULL, &out->time, &err);
    } else {
        ok = cw_fail(&err, CW_INVALID, "a text where %s is needed", cw_type_name(result->want));
    }
    if (!ok)
        refuse_result(L, result, "\"%s\": %s", text.data, err.text);
}

static void take_integer(lua_State *L, const struct result *result, lua_Integer value)
{
    char text[32];
    result->out->is_set = true;
    switch (result->want) {
    case CW_INTEGER:
        result->out->integer = value;
        return;
    case CW_DECIMAL:
    case CW_MONEY:
        result->out->decimal = cw_decimal_from_int(value);
        return;
    default:
        take_text(L, result,
                  (struct cw_slice){ text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value) });
    }
}

static void take(lua_State *L, const struct result *result)
{
    const struct cw_decimal *decimal = cw_lua_to_decimal(L, -1);
    bool is_number = result->want == CW_DECIMAL || result->want == CW_MONEY;
    struct cw_slice text;
    *result->out = (struct cw_value){ 0 };
    if (lua_isnil(L, -1))
        return;
    if (decimal != NULL && is_number) {
        *result->out = (struct cw_value){ .is_set = true, .decimal = *decimal };
    } else if (lua_isboolean(L, -1) && result->want == CW_BOOLEAN) {
        *result->out = (struct cw_value){ .is_set = true, .boolean = lua_toboolean(L, -1) };
    } else if (result->want == CW_TIME && cw_lua_to_time(L, -1, &result->out->time)) {
        result->out->is_set = true;
    } else if (lua_isinteger(L, -1)) {
        take_integer(L, result, lua_tointeger(L, -1));
    } else if (lua_type(L, -1) == LUA_TNUMBER) {
        refuse_result(L, result, "the float %f for %s; floats are not exact: use cartwright.decimal",
                      lua_tonumber(L, -1), cw_type_name(result->want));
    } else if (lua_type(L, -1) == LUA_TSTRING || decimal != NULL) {
        text.data = luaL_tolstring(L, -1, &text.len);
        take_text(L, result, text);
    } else {
        refuse_result(L, result, "a %s where %s is needed", luaL_typename(L, -1), cw_type_name(result->want));
    }
}

void cw_lua_plan_take_result(lua_State *L, int function, enum cw_type want, struct cw_arena *arena,
                             struct cw_value *out)
{
    struct result result = { function, want, arena, out };
    take(L, &result);
}
