/* lua_derive.c - parts that functions of a script make of a record before it is mapped: stream.derive. */
#include "bindings/modules.h"
#include "bindings/plans_private.h"

void cw_lua_plan_compile_derives(lua_State *L, struct cw_lua_plan *plan, int stream)
{
    const char *names[NAMES_MAX];
    struct cw_slice where = cw_slice(plan->context);
    int type = lua_getfield(L, stream, "derive"), derives = lua_absindex(L, -1);
    size_t count =
        type == LUA_TTABLE ? cw_lua_plan_sorted_names(L, plan, derives, "derived parts", where, names) : 0;
    for (size_t i = 0; i < count; i++) {
        if (lua_getfield(L, derives, names[i]) != LUA_TFUNCTION || plan->derive_count == DERIVES_MAX) {
            CW_LUA_PLAN_FAULT(plan, "%.*s: derive.%s is a %s; parts are made by functions, at most %d",
                              CW_SLICE_ARG(where), names[i], luaL_typename(L, -1), DERIVES_MAX);
            lua_pop(L, 1);
            continue;
        }
        struct derive *derive = &plan->derives[plan->derive_count];
        derive->name = cw_arena_copy(&plan->names, cw_slice(names[i]));
        derive->call = cw_lua_plan_keep_function(L);
        plan->derive_count += derive->name.data != NULL;
    }
    if (type != LUA_TTABLE && type != LUA_TNIL)
        CW_LUA_PLAN_FAULT(
            plan, "%.*s: derive is a table of functions: derive = { lines = function(record) ... end }",
            CW_SLICE_ARG(where));
    lua_settop(L, derives - 1);
}

static bool begins_at(struct cw_slice path, struct cw_slice name)
{
    return path.len > name.len && path.data[0] == '$' && memcmp(path.data + 1, name.data, name.len) == 0 &&
           (path.len == name.len + 1 || strchr("/[", path.data[name.len + 1]) != NULL);
}

bool cw_lua_plan_derives(const struct cw_lua_plan *plan, struct cw_slice path)
{
    for (size_t i = 0; i < plan->derive_count; i++)
        if (begins_at(path, plan->derives[i].name))
            return true;
    return false;
}

struct deriving {
    const struct derive *derive;
    const struct cw_scope *scope;
    struct cw_arena *arena;
    struct cw_slice json; /* data NULL: it returned nothing */
    struct cw_lua_scope *ticket;
};

/* Runs inside cw_script_call. */
static int run_derive(lua_State *L)
{
    struct deriving *deriving = lua_touserdata(L, 1);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    cw_lua_plan_push_function(L, deriving->derive->call);
    deriving->ticket = cw_lua_push_scope(L, deriving->scope, 0);
    lua_pushvalue(L, -1);
    cw_lua_plan_hold_scope(L);
    lua_call(L, 1, 1);
    if (!lua_isnil(L, -1)) {
        cw_lua_write_json(L, -1, &scratch->buffer);
        deriving->json = cw_arena_copy(deriving->arena, cw_buffer_slice(&scratch->buffer));
        if (deriving->json.data == NULL)
            return cw_lua_fail(L, CW_LIMIT, "no memory left for what the function returned");
    }
    cw_lua_clear_scratch(scratch);
    return 0;
}

/* Into *root; NULL when the function returned nothing. */
static bool derive_one(struct cw_lua_plan *plan, struct deriving *deriving, const struct cw_node **root,
                       struct cw_error *err)
{
    *root = NULL;
    bool ok = cw_script_call(plan->script, run_derive, deriving, err);
    if (deriving->ticket != NULL)
        cw_lua_close_scope(deriving->ticket);
    if (ok && deriving->json.data != NULL) {
        if (plan->parser == NULL)
            plan->parser = cw_parser_create(CW_JSON, NULL, err);
        if (plan->parser != NULL)
            *root = cw_parse(plan->parser, deriving->json, "UTF-8", deriving->arena, err);
        ok = *root != NULL;
    }
    return ok || cw_fail_in(err, "derive.%.*s", CW_SLICE_ARG(deriving->derive->name));
}

static bool has_part(const struct cw_scope *scope, struct cw_slice name)
{
    for (size_t i = 0; i < scope->part_count; i++)
        if (cw_slice_equal(scope->parts[i].name, name))
            return true;
    return false;
}

bool cw_lua_plan_derive(struct cw_lua_plan *plan, struct cw_slice path, struct cw_scope *scope,
                        struct cw_arena *arena, struct cw_error *err)
{
    size_t count = scope->part_count;
    struct cw_part *parts = cw_arena_alloc(arena, (count + plan->derive_count) * sizeof *parts + 1);
    if (parts == NULL)
        return cw_fail(err, CW_LIMIT, "no memory left for derived parts");
    for (size_t i = 0; i < count; i++)
        parts[i] = scope->parts[i];
    scope->parts = parts;
    for (size_t i = 0; i < plan->derive_count; i++) {
        const struct derive *derive = &plan->derives[i];
        if (has_part(scope, derive->name) || (path.len > 0 && !begins_at(path, derive->name)))
            continue;
        struct cw_scope before = *scope;
        struct deriving deriving = { .derive = derive, .scope = &before, .arena = arena };
        struct cw_part *part = &parts[scope->part_count];
        if (!derive_one(plan, &deriving, &part->root, err))
            return false;
        part->name = derive->name; /* also without a root: it is there, and there is nothing in it */
        scope->part_count++;
    }
    return true;
}
