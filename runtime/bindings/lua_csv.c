/* lua_csv.c - writing comma-separated values for scripts: cartwright.csv. */
#include "adapters/csv.h"

#include "bindings/http_client.h"

struct columns {
    size_t count;
    struct cw_slice *fields;
    char (*scratch)[CW_LUA_SCALAR_MAX];
};

/* The first row says how many columns there are: the rows behind it may end in nil. */
static struct columns make_columns(lua_State *L, struct cw_arena *arena)
{
    struct columns columns = { 0 };
    if (lua_rawgeti(L, 1, 1) != LUA_TTABLE)
        cw_lua_fail(L, CW_USAGE, "csv.encode: rows is a list of rows, each a list of values");
    columns.count = lua_rawlen(L, -1);
    lua_pop(L, 1);
    if (columns.count == 0 || columns.count > CW_CSV_COLUMNS_MAX)
        cw_lua_fail(L, CW_USAGE, "csv.encode: the first row has %zu values; it may have 1 to %d",
                    columns.count, CW_CSV_COLUMNS_MAX);
    columns.fields = cw_arena_alloc(arena, columns.count * sizeof *columns.fields);
    columns.scratch = cw_arena_alloc(arena, columns.count * sizeof *columns.scratch);
    if (columns.fields == NULL || columns.scratch == NULL)
        cw_lua_fail(L, CW_NOMEM, "no memory for a row of %zu values", columns.count);
    return columns;
}

/* The texts stay: the row holds its strings, and the columns have room for all else. */
static void read_row(lua_State *L, const struct columns *columns, lua_Integer row)
{
    for (size_t i = 0; i < columns->count; i++) {
        columns->fields[i] = (struct cw_slice){ "", 0 };
        int type = lua_rawgeti(L, -1, (lua_Integer)i + 1);
        if (type != LUA_TNIL && !cw_lua_scalar(L, lua_gettop(L), columns->scratch[i], &columns->fields[i]))
            cw_lua_fail(L, CW_USAGE, "csv.encode: value %zu of row %lld is %s%s", i + 1, (long long)row,
                        cw_lua_type_name(L, -1), type == LUA_TNUMBER ? ", which is not exact" : "");
        lua_pop(L, 1);
    }
    if (lua_rawlen(L, -1) > columns->count)
        cw_lua_fail(L, CW_USAGE, "csv.encode: row %lld has more than the %zu values of the first row",
                    (long long)row, columns->count);
}

static struct cw_csv_style read_style(lua_State *L)
{
    static const char *const known[] = { "delimiter", "crlf", "guard_formulas", NULL };
    struct cw_csv_style style = { 0 };
    if (lua_isnil(L, 2))
        return style;
    luaL_checktype(L, 2, LUA_TTABLE);
    cw_client_check_keys(L, 2, "csv.encode", "csv in scripts/types/data.lua", known);
    if (lua_getfield(L, 2, "delimiter") != LUA_TNIL) {
        const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
        if (text[0] == '\0' || text[1] != '\0' || strchr(",;\t", text[0]) == NULL)
            cw_lua_fail(L, CW_USAGE, "csv.encode: delimiter is \",\", \";\" or \"\\t\"");
        style.delimiter = text[0];
    }
    lua_getfield(L, 2, "crlf");
    style.crlf = lua_toboolean(L, -1);
    lua_getfield(L, 2, "guard_formulas");
    style.guard_formulas = lua_toboolean(L, -1);
    lua_settop(L, 2);
    return style;
}

/* csv.encode(rows, options) -> string. Raises for what is no text and no exact number. */
static int encode(lua_State *L)
{
    struct cw_error err;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    struct cw_csv_style style = read_style(L);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    size_t count = lua_rawlen(L, 1);
    struct columns columns = { 0 };
    if (count > 0)
        columns = make_columns(L, &scratch->arena);
    for (lua_Integer row = 1; row <= (lua_Integer)count; row++) {
        if (lua_rawgeti(L, 1, row) != LUA_TTABLE)
            return cw_lua_fail(L, CW_USAGE, "csv.encode: row %lld is no list", (long long)row);
        read_row(L, &columns, row);
        if (!cw_csv_write_row(&scratch->buffer, &style, columns.fields, columns.count, &err)) {
            cw_fail_in(&err, "csv.encode: row %lld", (long long)row);
            return cw_lua_raise(L, &err);
        }
        lua_pop(L, 1);
    }
    struct cw_slice text = cw_buffer_slice(&scratch->buffer);
    lua_pushlstring(L, text.data, text.len);
    cw_lua_clear_scratch(scratch);
    return 1;
}

int cw_lua_open_csv(lua_State *L)
{
    static const luaL_Reg functions[] = { { "encode", encode }, { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}
