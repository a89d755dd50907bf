/* lua_plan_tables.c - translation tables and skip rules of a stream, from the script into its plan. */
#include <stdlib.h>

#include "bindings/placed.h"
#include "bindings/plans_private.h"

static int compare_keys(const void *a, const void *b)
{
    const struct cw_slice *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Where the field `name` of the table at `index` was set, else where all of it was, else `other`. */
static struct cw_slice place_in(lua_State *L, int index, const char *name, struct cw_slice other)
{
    lua_pushstring(L, name);
    struct cw_slice set = cw_lua_placed_where_set(L, index), whole = cw_lua_placed_where(L, index);
    return set.len > 0 ? set : whole.len > 0 ? whole : other;
}

/* A table of the script while its rows are read; `where` is the place of those that were not set alone. */
struct reading {
    struct cw_lua_plan *plan;
    const char *table;
    int rows; /* on the stack */
    struct cw_slice where;
};

/* Pops the key of a row. */
static struct cw_slice place_of_row(lua_State *L, const struct reading *r)
{
    struct cw_slice own = cw_lua_placed_where_set(L, r->rows);
    return own.len > 0 ? own : r->where;
}

/* Two rows, whose keys are at `first` and `second`, have the same text: the one that was set later is told.
 */
static void refuse_same_key(lua_State *L, const struct reading *r, int first, int second)
{
    lua_pushvalue(L, first);
    struct cw_slice one = cw_lua_placed_where_set(L, r->rows);
    lua_pushvalue(L, second);
    struct cw_slice two = cw_lua_placed_where_set(L, r->rows);
    struct cw_slice place = two.len > 0 ? two : one.len > 0 ? one : r->where;
    struct cw_slice other = two.len > 0 ? one.len > 0 ? one : r->where : r->where;
    bool apart = other.len > 0 && !cw_slice_equal(other, place);
    lua_pushvalue(L, second);
    CW_LUA_PLAN_FAULT(
        r->plan,
        "%.*s: table %s has the row \"%s\" twice, as a number and as a text%s%.*s%s; keep one of "
        "them, and set the other to nil",
        CW_SLICE_ARG(place), r->table, luaL_tolstring(L, -1, NULL), apart ? " (the other one: " : "",
        apart ? (int)other.len : 0, other.data, apart ? ")" : "");
}

/* Pushes a table from the text of each key to the key, in which 1 and "1" are the same. */
static size_t push_keys_by_text(lua_State *L, const struct reading *r)
{
    size_t count = 0;
    cw_lua_placed_push_values(L, r->rows);
    lua_newtable(L);
    int by_text = lua_gettop(L), key = by_text + 1;
    for (lua_pushnil(L); lua_next(L, by_text - 1) != 0; lua_settop(L, key)) {
        lua_settop(L, key);
        lua_pushvalue(L, key); /* tolstring on the key itself would confuse lua_next */
        luaL_tolstring(L, -1, NULL);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, by_text) != LUA_TNIL) {
            refuse_same_key(L, r, lua_gettop(L), key);
            continue;
        }
        lua_pop(L, 1);
        lua_pushvalue(L, key);
        lua_rawset(L, by_text);
        count++;
    }
    lua_remove(L, by_text - 1);
    return count;
}

/* The row whose value is on top of the stack. */
static void compile_row(lua_State *L, const struct reading *r, struct cw_slice key, struct cw_slice where)
{
    struct cw_error err;
    struct cw_slice value = { "", 0 };
    bool nothing = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    if (!nothing && !cw_lua_plan_has_text(L)) {
        CW_LUA_PLAN_FAULT(r->plan,
                          "%.*s: row \"%.*s\" of table %s is a %s; it is a text, or false for no value",
                          CW_SLICE_ARG(where), CW_SLICE_ARG(key), r->table, luaL_typename(L, -1));
        return;
    }
    if (!nothing)
        value.data = luaL_tolstring(L, -1, &value.len);
    if (!cw_plan_add_row(r->plan->plans[0], r->table, key, value, nothing, where, &err))
        cw_lua_plan_fault(r->plan, &err);
}

/* In the order of their keys: of two rows that differ in case only, always the same one serves a third case.
 */
static void compile_rows(lua_State *L, const struct reading *r)
{
    size_t count = push_keys_by_text(L, r), i = 0;
    int by_text = lua_gettop(L);
    struct cw_slice *keys = lua_newuserdatauv(L, (count + 1) * sizeof *keys, 0);
    for (lua_pushnil(L); lua_next(L, by_text) != 0; lua_pop(L, 1), i++)
        keys[i].data = lua_tolstring(L, -2, &keys[i].len);
    qsort(keys, count, sizeof *keys, compare_keys);
    for (i = 0; i < count; i++) {
        lua_pushlstring(L, keys[i].data, keys[i].len);
        lua_rawget(L, by_text);
        lua_pushvalue(L, -1);
        struct cw_slice where = place_of_row(L, r);
        lua_gettable(L, r->rows);
        compile_row(L, r, keys[i], where);
        lua_settop(L, by_text + 1);
    }
    lua_settop(L, by_text - 1);
}

static void compile_table(lua_State *L, struct cw_lua_plan *plan, int tables, const char *name)
{
    struct cw_slice where = place_in(L, tables, name, cw_slice(plan->context));
    int type = lua_getfield(L, tables, name), rows = lua_gettop(L);
    if (type == LUA_TTABLE)
        compile_rows(L, &(struct reading){ plan, name, rows, where });
    else
        CW_LUA_PLAN_FAULT(plan, "%.*s: table %s is a %s; it holds rows: { [\"2\"] = \"paid\" }",
                          CW_SLICE_ARG(where), name, luaL_typename(L, rows));
    lua_settop(L, rows - 1);
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
    for (size_t i = 0; i < count; i++)
        compile_table(L, plan, tables, names[i]);
}

static bool add_path_skip(lua_State *L, struct cw_lua_plan *plan, const char *name, struct cw_slice where,
                          struct cw_error *err)
{
    int rule = lua_gettop(L);
    struct cw_slice values[LIST_MAX];
    size_t count;
    struct cw_slice path = cw_lua_plan_push_text(L, rule, "path");
    if (!cw_lua_plan_push_list(L, plan, rule, "values", where, values, &count))
        return true; /* that is noted */
    if (path.data == NULL || count == 0)
        return cw_fail(err, CW_USAGE, "%.*s: skip rule %s needs path and values", CW_SLICE_ARG(where), name);
    if (cw_plan_add_skip(plan->plans[0], name, path, values, count, err))
        return true;
    return cw_slice_is(where, plan->context) ? false : cw_fail_in(err, "%.*s", CW_SLICE_ARG(where));
}

/* One skip rule: the value on top of the stack. */
static void compile_skip(lua_State *L, struct cw_lua_plan *plan, const char *name, struct cw_slice where)
{
    struct cw_error err;
    int top = lua_gettop(L);
    bool ok;
    luaL_checkstack(L, 8, "too many rules");
    if (lua_isfunction(L, top)) {
        lua_pushvalue(L, top);
        ok = cw_plan_add_skip_call(plan->plans[0], name, cw_lua_plan_keep_function(L), &err);
    } else if (lua_istable(L, top)) {
        ok = add_path_skip(L, plan, name, where, &err);
    } else {
        ok = cw_fail(&err, CW_USAGE, "%.*s: skip rule %s is { path = ..., values = { ... } } or a function",
                     CW_SLICE_ARG(where), name);
    }
    if (!ok)
        cw_lua_plan_fault(plan, &err);
    lua_settop(L, top);
}

/* In the order of their names: the first that fits a record is the one that it was skipped by. */
void cw_lua_plan_compile_skips(lua_State *L, struct cw_lua_plan *plan, int stream)
{
    const char *names[NAMES_MAX];
    struct cw_slice where = place_in(L, stream, "skip", cw_slice(plan->context));
    int type = lua_getfield(L, stream, "skip"), skips = lua_absindex(L, -1);
    if (type == LUA_TTABLE) {
        size_t count = cw_lua_plan_sorted_names(L, plan, skips, "skip rules", where, names);
        for (size_t i = 0; i < count; i++) {
            struct cw_slice place = place_in(L, skips, names[i], where);
            lua_getfield(L, skips, names[i]);
            compile_skip(L, plan, names[i], place);
            lua_pop(L, 1);
        }
    } else if (type != LUA_TNIL) {
        CW_LUA_PLAN_FAULT(
            plan, "%.*s: skip is a table of rules: skip = { drafts = { path = ..., values = { ... } } }",
            CW_SLICE_ARG(where));
    }
    lua_settop(L, skips - 1);
}
