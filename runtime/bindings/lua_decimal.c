/* lua_decimal.c - exact decimals for scripts: cartwright.decimal in scripts/types/values.lua. */
#include <stdio.h>

#include "base/written.h"
#include "bindings/modules.h"

#define DECIMAL_TYPE "cartwright.Decimal"

/* 128-bit integers want more alignment than Lua's memory has. */
enum { ALIGNMENT = _Alignof(struct cw_decimal), OBJECT_BYTES = sizeof(struct cw_decimal) + ALIGNMENT - 1 };

static struct cw_decimal *aligned(void *memory)
{
    uintptr_t address = (uintptr_t)memory;
    return (struct cw_decimal *)((address + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
}

void cw_lua_push_decimal(lua_State *L, const struct cw_decimal *value)
{
    struct cw_decimal copy = *value; /* it may live in memory that the next call collects */
    *aligned(lua_newuserdatauv(L, OBJECT_BYTES, 0)) = copy;
    luaL_setmetatable(L, DECIMAL_TYPE);
}

const struct cw_decimal *cw_lua_to_decimal(lua_State *L, int index)
{
    void *memory = luaL_testudata(L, index, DECIMAL_TYPE);
    return memory != NULL ? aligned(memory) : NULL;
}

static const struct cw_decimal *check_self(lua_State *L)
{
    return aligned(luaL_checkudata(L, 1, DECIMAL_TYPE));
}

/* A Decimal or an integer; raises for all else. */
static struct cw_decimal operand(lua_State *L, int index)
{
    const struct cw_decimal *value = cw_lua_to_decimal(L, index);
    if (value != NULL)
        return *value;
    if (lua_isinteger(L, index))
        return cw_decimal_from_int(lua_tointeger(L, index));
    if (lua_type(L, index) == LUA_TNUMBER)
        cw_lua_fail(L, CW_USAGE, "a float (%.14g) is not exact; write decimal.new \"19.99\" instead of 19.99",
                    lua_tonumber(L, index));
    if (lua_type(L, index) == LUA_TSTRING)
        cw_lua_fail(L, CW_USAGE, "a decimal cannot be combined with a string; use decimal.new(text)");
    cw_lua_fail(L, CW_USAGE, "a decimal or an integer is needed here, not %s", cw_lua_type_name(L, index));
    return (struct cw_decimal){ 0 };
}

typedef bool arithmetic(const struct cw_decimal *, const struct cw_decimal *, struct cw_decimal *,
                        struct cw_error *);

static int calculate(lua_State *L, arithmetic *operation)
{
    struct cw_decimal a = operand(L, 1), b = operand(L, 2), result;
    struct cw_error err;
    if (!operation(&a, &b, &result, &err))
        return cw_lua_raise(L, &err);
    cw_lua_push_decimal(L, &result);
    return 1;
}

static int add(lua_State *L)
{
    return calculate(L, cw_decimal_add);
}

static int subtract(lua_State *L)
{
    return calculate(L, cw_decimal_subtract);
}

static int multiply(lua_State *L)
{
    return calculate(L, cw_decimal_multiply);
}

static int refuse_division(lua_State *L)
{
    return cw_lua_fail(L, CW_USAGE,
                       "a quotient has endless digits; write a:divide(b, scale) or a:divide(b, scale, "
                       "\"half-even\")");
}

static int refuse_power(lua_State *L)
{
    return cw_lua_fail(L, CW_USAGE, "decimals have + - * and divide() only");
}

static int negate(lua_State *L)
{
    struct cw_decimal value = cw_decimal_negate(*check_self(L));
    cw_lua_push_decimal(L, &value);
    return 1;
}

/* Lua asks only when both sides are userdata; those of other types are never equal. */
static int equals(lua_State *L)
{
    const struct cw_decimal *a = cw_lua_to_decimal(L, 1), *b = cw_lua_to_decimal(L, 2);
    lua_pushboolean(L, a != NULL && b != NULL && cw_decimal_compare(a, b) == 0);
    return 1;
}

static int compare_operands(lua_State *L)
{
    struct cw_decimal a = operand(L, 1), b = operand(L, 2);
    return cw_decimal_compare(&a, &b);
}

static int is_less(lua_State *L)
{
    lua_pushboolean(L, compare_operands(L) < 0);
    return 1;
}

static int is_at_most(lua_State *L)
{
    lua_pushboolean(L, compare_operands(L) <= 0);
    return 1;
}

/* value:compare(other) -> -1, 0, 1 */
static int compare(lua_State *L)
{
    check_self(L);
    lua_pushinteger(L, compare_operands(L));
    return 1;
}

static int is_zero(lua_State *L)
{
    lua_pushboolean(L, cw_decimal_is_zero(check_self(L)));
    return 1;
}

static int to_string(lua_State *L)
{
    char text[CW_DECIMAL_TEXT_MAX];
    size_t len = cw_decimal_format(check_self(L), text);
    lua_pushlstring(L, text, len);
    return 1;
}

static unsigned check_scale(lua_State *L, int arg)
{
    lua_Integer scale = luaL_checkinteger(L, arg);
    luaL_argcheck(L, scale >= 0 && scale <= CW_DECIMAL_SCALE_MAX, arg, "digits after the point: 0 to 38");
    return (unsigned)scale;
}

static enum cw_rounding check_rounding(lua_State *L, int arg)
{
    enum cw_rounding rounding = CW_ROUND_HALF_UP;
    const char *name = luaL_optstring(L, arg, "half-up");
    luaL_argcheck(L, cw_rounding_parse(cw_slice(name), &rounding), arg,
                  "rounding is up, down, ceiling, floor, half-up, half-down or half-even");
    return rounding;
}

/* value:round(scale, rounding) -> Decimal. Raises when it does not fit. */
static int round_value(lua_State *L)
{
    struct cw_error err;
    struct cw_decimal result;
    const struct cw_decimal *value = check_self(L);
    unsigned scale = check_scale(L, 2);
    if (!cw_decimal_round(value, scale, check_rounding(L, 3), &result, &err))
        return cw_lua_raise(L, &err);
    cw_lua_push_decimal(L, &result);
    return 1;
}

/* value:divide(divisor, scale, rounding) -> Decimal. Raises for zero and when it does not fit. */
static int divide(lua_State *L)
{
    struct cw_error err;
    struct cw_decimal result;
    struct cw_decimal value = *check_self(L), divisor = operand(L, 2);
    unsigned scale = check_scale(L, 3);
    if (!cw_decimal_divide(&value, &divisor, scale, check_rounding(L, 4), &result, &err))
        return cw_lua_raise(L, &err);
    cw_lua_push_decimal(L, &result);
    return 1;
}

static int to_integer(lua_State *L)
{
    int64_t value;
    if (cw_decimal_to_int(check_self(L), &value))
        lua_pushinteger(L, value);
    else
        luaL_pushfail(L);
    return 1;
}

/* decimal.new(value, format) -> Decimal | nil, message, code. Raises for what is neither text, integer nor
 * Decimal, and for a wrong format. */
static int new_decimal(lua_State *L)
{
    struct cw_error err;
    struct cw_decimal value;
    struct cw_slice text, format;
    if (lua_type(L, 1) != LUA_TSTRING) {
        value = operand(L, 1);
    } else {
        text.data = lua_tolstring(L, 1, &text.len);
        format.data = luaL_optlstring(L, 2, NULL, &format.len);
        if (format.data != NULL && !cw_number_format_check(format, &err))
            return cw_lua_raise(L, &err);
        if (format.data != NULL ? !cw_decimal_parse_as(cw_slice_trim(text), format, &value, &err)
                                : !cw_decimal_parse(cw_slice_trim(text), &value, &err))
            return cw_lua_push_failure(L, &err);
    }
    cw_lua_push_decimal(L, &value);
    return 1;
}

static int is_decimal(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, cw_lua_to_decimal(L, 1) != NULL);
    return 1;
}

void cw_lua_types_decimal(lua_State *L)
{
    static const luaL_Reg meta[] = {
        { "__add", add },
        { "__sub", subtract },
        { "__mul", multiply },
        { "__unm", negate },
        { "__div", refuse_division },
        { "__idiv", refuse_division },
        { "__mod", refuse_power },
        { "__pow", refuse_power },
        { "__eq", equals },
        { "__lt", is_less },
        { "__le", is_at_most },
        { "__tostring", to_string },
        { "__concat", cw_lua_concat },
        { NULL, NULL },
    };
    static const luaL_Reg methods[] = {
        { "round", round_value }, { "divide", divide },   { "integer", to_integer },
        { "compare", compare },   { "is_zero", is_zero }, { NULL, NULL },
    };
    cw_lua_new_type(L, DECIMAL_TYPE, meta, methods);
}

int cw_lua_open_decimal(lua_State *L)
{
    static const luaL_Reg functions[] = { { "new", new_decimal }, { "is", is_decimal }, { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}
