/* lua_plan_tables.c - translation tables and skip rules of a stream, from the script into its plan. */
#include <stdlib.h>

#include "bindings/plans_private.h"

static int compare_keys(const void *a, const void *b)
{
    const struct cw_slice *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Pushes a table of the rows by the text of their keys, in which 1 and "1" are the same. */
static size_t push_rows_by_text(lua_State *L, struct cw_lua_plan *plan, const char *table, int rows)
{
    size_t count = 0;
    lua_newtable(L);
    int by_text = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, rows) != 0; lua_settop(L, by_text + 1)) {
        lua_pushvalue(L, -2); /* tolstring on the key itself would confuse lua_next */
        luaL_tolstring(L, -1, NULL);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, by_text) != LUA_TNIL) {
            CW_LUA_PLAN_FAULT(plan, "%s: table %s has the row \"%s\" twice, as a number and as a text",
                              plan->context, table, lua_tostring(L, -2));
            continue;
        }
        lua_pop(L, 1);
        lua_pushvalue(L, by_text + 2);
        lua_rawset(L, by_text);
        count++;
    }
    return count;
}

/* The row whose value is on top of the stack. */
static void compile_row(lua_State *L, struct cw_lua_plan *plan, const char *table, struct cw_slice key)
{
    struct cw_error err;
    struct cw_slice value = { "", 0 };
    bool nothing = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    if (!nothing && !cw_lua_plan_has_text(L)) {
        CW_LUA_PLAN_FAULT(plan, "%s: row \"%.*s\" of table %s is a %s; it is a text, or false for no value",
                          plan->context, CW_SLICE_ARG(key), table, luaL_typename(L, -1));
        return;
    }
    if (!nothing)
        value.data = luaL_tolstring(L, -1, &value.len);
    if (!cw_plan_add_row(plan->plans[0], table, key, value, nothing, cw_slice(plan->context), &err))
        cw_lua_plan_fault(plan, &err);
}

/* In the order of their keys: of two rows that differ in case only, always the same one serves a third case.
 */
static void compile_rows(lua_State *L, struct cw_lua_plan *plan, const char *table, int rows)
{
    size_t count = push_rows_by_text(L, plan, table, rows), i = 0;
    int by_text = lua_gettop(L);
    struct cw_slice *keys = lua_newuserdatauv(L, (count + 1) * sizeof *keys, 0);
    for (lua_pushnil(L); lua_next(L, by_text) != 0; lua_pop(L, 1), i++)
        keys[i].data = lua_tolstring(L, -2, &keys[i].len);
    qsort(keys, count, sizeof *keys, compare_keys);
    for (i = 0; i < count; i++) {
        lua_pushlstring(L, keys[i].data, keys[i].len);
        lua_rawget(L, by_text);
        compile_row(L, plan, table, keys[i]);
        lua_settop(L, by_text + 1);
    }
    lua_settop(L, rows);
}

void cw_lua_plan_compile_tables(lua_State *L, struct cw_lua_plan *plan, int tables)
{
    const char *names[NAMES_MAX];
    if (!lua_istable(L, tables)) {
        CW_LUA_PLAN_FAULT(plan, "%s: tables is a table of tables: tables = { status = { paid = \"paid\" } }",
                          plan->context);
        return;
    }
    size_t count = cw_lua_plan_sorted_names(L, plan, tables, "tables", cw_slice(plan->context), names);
    for (size_t i = 0; i < count; i++) {
        if (lua_getfield(L, tables, names[i]) == LUA_TTABLE)
            compile_rows(L, plan, names[i], lua_absindex(L, -1));
        else
            CW_LUA_PLAN_FAULT(plan, "%s: table %s is a %s; it holds rows: { [\"2\"] = \"paid\" }",
                              plan->context, names[i], luaL_typename(L, -1));
        lua_pop(L, 1);
    }
}

/* One skip rule: the value on top of the stack. */
static void compile_skip(lua_State *L, struct cw_lua_plan *plan, const char *name)
{
    struct cw_error err;
    int top = lua_gettop(L);
    struct cw_slice values[LIST_MAX];
    bool ok = false;
    if (lua_isfunction(L, top)) {
        lua_pushvalue(L, top);
        ok = cw_plan_add_skip_call(plan->plans[0], name, cw_lua_plan_keep_function(L), &err);
    } else if (lua_istable(L, top)) {
        struct cw_slice path = cw_lua_plan_push_text(L, top, "path");
        size_t count;
        if (!cw_lua_plan_push_list(L, plan, top, "values", cw_slice(plan->context), values, &count)) {
            lua_settop(L, top);
            return;
        }
        ok = path.data != NULL && count > 0
                 ? cw_plan_add_skip(plan->plans[0], name, path, values, count, &err)
                 : cw_fail(&err, CW_USAGE, "%s: skip rule %s needs path and values", plan->context, name);
    } else {
        cw_fail(&err, CW_USAGE, "%s: skip rule %s is { path = ..., values = { ... } } or a function",
                plan->context, name);
    }
    if (!ok)
        cw_lua_plan_fault(plan, &err);
    lua_settop(L, top);
}

/* In the order of their names: the first that fits a record is the one that it was skipped by. */
void cw_lua_plan_compile_skips(lua_State *L, struct cw_lua_plan *plan, int stream)
{
    const char *names[NAMES_MAX];
    int type = lua_getfield(L, stream, "skip"), skips = lua_absindex(L, -1);
    if (type == LUA_TTABLE) {
        size_t count = cw_lua_plan_sorted_names(L, plan, skips, "skip rules", cw_slice(plan->context), names);
        for (size_t i = 0; i < count; i++) {
            lua_getfield(L, skips, names[i]);
            compile_skip(L, plan, names[i]);
            lua_pop(L, 1);
        }
    } else if (type != LUA_TNIL) {
        CW_LUA_PLAN_FAULT(
            plan, "%s: skip is a table of rules: skip = { drafts = { path = ..., values = { ... } } }",
            plan->context);
    }
    lua_settop(L, skips - 1);
}
