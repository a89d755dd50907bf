/* lua_plan.c - see plans.h. Reads the descriptions of map.lua; knows nothing of records. */
#include "bindings/plans.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/utf8.h"
#include "base/buffer.h"
#include "bindings/bindings.h"

enum { PLANS_MAX = 64, ZONES_MAX = 32, LIST_MAX = 64, NAMES_MAX = 200 };

struct cw_lua_plan {
    struct cw_script *script;
    const struct cw_zone *zone;
    char *context;
    const struct cw_kind *kind;
    struct cw_plan *plans[PLANS_MAX]; /* the outermost first */
    size_t plan_count;
    struct cw_zone *zones[ZONES_MAX];
    size_t zone_count;
    struct cw_buffer faults; /* a line each */
};

static const char functions_key; /* registry: the list of all functions that plans of this state call */
static const char
    scope_key; /* registry: the scope handle in use, so that it outlives an error until it is closed */

struct cw_lua_plan *cw_lua_plan_create(struct cw_script *script, const struct cw_zone *zone,
                                       const char *context, struct cw_error *err)
{
    struct cw_lua_plan *plan = calloc(1, sizeof *plan);
    char *copy = strdup(context);
    if (plan == NULL || copy == NULL) {
        free(plan);
        free(copy);
        cw_fail(err, CW_NOMEM, "no memory for the mapping of %s", context);
        return NULL;
    }
    plan->script = script;
    plan->zone = zone;
    plan->context = copy;
    plan->faults.limit = CW_ERROR_TEXT_MAX;
    return plan;
}

void cw_lua_plan_free(struct cw_lua_plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < plan->plan_count; i++)
        cw_plan_free(plan->plans[i]);
    for (size_t i = 0; i < plan->zone_count; i++)
        cw_zone_free(plan->zones[i]);
    cw_buffer_fini(&plan->faults);
    free(plan->context);
    free(plan);
}

const struct cw_plan *cw_lua_plan_get(const struct cw_lua_plan *plan)
{
    return plan->plans[0];
}

const struct cw_kind *cw_lua_plan_kind(const struct cw_lua_plan *plan)
{
    return plan->kind;
}

/* Notes one fault; compiling goes on, so that all are shown at once. What does not fit any more is left out.
 */
static void fault(struct cw_lua_plan *plan, const struct cw_error *err)
{
    cw_buffer_print(&plan->faults, NULL, "%s%s", plan->faults.len > 0 ? "\n" : "", err->text);
}

#define FAULT(plan, ...)                                                                                     \
    do {                                                                                                     \
        struct cw_error fault_;                                                                              \
        cw_fail(&fault_, CW_USAGE, __VA_ARGS__);                                                             \
        fault(plan, &fault_);                                                                                \
    } while (0)

/* --- reading descriptions
 * -------------------------------------------------------------------------------------- */

/* The text of a field of the table at `index`; it stays on the stack, so that it stays alive. */
static struct cw_slice push_text(lua_State *L, int index, const char *field)
{
    index = lua_absindex(L, index);
    int type = lua_getfield(L, index, field);
    if (type == LUA_TNIL)
        return (struct cw_slice){ NULL, 0 };
    struct cw_slice text;
    text.data = luaL_tolstring(L, -1, &text.len);
    lua_remove(L, -2);
    return text;
}

static bool flag(lua_State *L, int index, const char *field)
{
    lua_getfield(L, index, field);
    bool set = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return set;
}

/* Whether the value on top of the stack is one that has a text: no table or function of the script. */
static bool has_text(lua_State *L)
{
    int type = lua_type(L, -1);
    return type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN || type == LUA_TUSERDATA;
}

static bool take_text_of_list(lua_State *L, struct cw_lua_plan *plan, const char *field,
                              struct cw_slice where, struct cw_slice *out)
{
    if (!has_text(L)) {
        FAULT(plan, "%.*s: %s holds a %s where a text belongs", CW_SLICE_ARG(where), field,
              luaL_typename(L, -1));
        return false;
    }
    out->data = luaL_tolstring(L, -1, &out->len);
    lua_remove(L, -2);
    return true;
}

/* The texts of a list field, or of a single one; each stays on the stack. */
static bool push_list(lua_State *L, struct cw_lua_plan *plan, int index, const char *field,
                      struct cw_slice where, struct cw_slice *out, size_t *count)
{
    index = lua_absindex(L, index);
    luaL_checkstack(L, LIST_MAX + 4, "too many texts");
    int type = lua_getfield(L, index, field);
    *count = 0;
    if (type == LUA_TNIL)
        return true;
    if (type != LUA_TTABLE) {
        *count = 1;
        return take_text_of_list(L, plan, field, where, &out[0]);
    }
    int list = lua_absindex(L, -1);
    for (lua_Integer i = 1; lua_geti(L, list, i) != LUA_TNIL; i++) {
        if (*count == LIST_MAX) {
            FAULT(plan, "%.*s: %s holds more than %d texts", CW_SLICE_ARG(where), field, LIST_MAX);
            return false;
        }
        if (!take_text_of_list(L, plan, field, where, &out[(*count)++]))
            return false;
    }
    return true;
}

/* Stores the function on top of the stack, pops it, and returns its number. */
static int keep_function(lua_State *L)
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

static bool parse_type(struct cw_slice name, enum cw_type *out)
{
    for (enum cw_type type = CW_TEXT; type <= CW_TIME; type++)
        if (cw_slice_is(name, cw_type_name(type))) {
            *out = type;
            return true;
        }
    return false;
}

static bool parse_source(struct cw_slice name, enum cw_source *out)
{
    static const char *const names[] = {
        [CW_FROM_PATHS] = "paths",       [CW_FROM_JOIN] = "join", [CW_FROM_SUM] = "sum",
        [CW_FROM_CONSTANT] = "constant", [CW_FROM_CALL] = "call", [CW_FROM_EACH] = "each",
        [CW_FROM_RECORD] = "record",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name.data != NULL && cw_slice_is(name, names[i])) {
            *out = (enum cw_source)i;
            return true;
        }
    return false;
}

static const struct cw_zone *open_zone(struct cw_lua_plan *plan, const char *name, struct cw_slice where)
{
    struct cw_error err;
    struct cw_zone *zone = NULL;
    if (plan->zone_count == ZONES_MAX)
        cw_fail(&err, CW_LIMIT, "a stream's mapping names at most %d zones", ZONES_MAX);
    else
        zone = cw_zone_open(name, &err);
    if (zone == NULL) {
        FAULT(plan, "%.*s: %s", CW_SLICE_ARG(where), err.text);
        return plan->zone;
    }
    return plan->zones[plan->zone_count++] = zone;
}

/* --- compiling
 * ------------------------------------------------------------------------------------------------- */

static struct cw_plan *compile_plan(lua_State *L, struct cw_lua_plan *plan, int index, struct cw_slice where);

/* What a rule's lists point to while it is read. */
struct lists {
    struct cw_slice paths[LIST_MAX], none[LIST_MAX], formats[LIST_MAX];
};

/* What every kind of source may carry. */
static bool read_options(lua_State *L, struct cw_lua_plan *plan, int index, struct cw_rule *rule,
                         struct lists *lists)
{
    struct cw_slice zone = push_text(L, index, "zone");
    rule->zone = zone.data != NULL ? open_zone(plan, zone.data, rule->where) : plan->zone;
    rule->table = push_text(L, index, "table").data;
    rule->default_text = push_text(L, index, "default");
    rule->has_default = rule->default_text.data != NULL;
    rule->none = lists->none;
    rule->formats = lists->formats;
    rule->times = push_text(L, index, "times");
    rule->required = flag(L, index, "required");
    rule->keep_space = flag(L, index, "keep_space");
    rule->html = flag(L, index, "html");
    rule->negate = flag(L, index, "negate");
    return push_list(L, plan, index, "none", rule->where, lists->none, &rule->none_count) &&
           push_list(L, plan, index, "format", rule->where, lists->formats, &rule->format_count);
}

/* The type that a description names for itself: that of a custom field, else it must be the field's own. */
static bool read_type(lua_State *L, struct cw_lua_plan *plan, int index, const struct cw_field *field,
                      struct cw_rule *rule)
{
    struct cw_slice name = push_text(L, index, "type");
    rule->custom_type = CW_TEXT;
    if (name.data == NULL || !parse_type(name, &rule->custom_type))
        return true;
    if (field == NULL || field->type == rule->custom_type)
        return true;
    FAULT(plan, "%.*s: %s is %s, so map.%s does not fit; leave the type out or use map.%s",
          CW_SLICE_ARG(rule->where), field->name, cw_type_name(field->type), name.data,
          cw_type_name(field->type));
    return false;
}

static bool read_description(lua_State *L, struct cw_lua_plan *plan, int index, const struct cw_field *field,
                             struct cw_rule *rule, struct lists *lists)
{
    struct cw_slice where = push_text(L, index, "where");
    if (where.data != NULL)
        rule->where = where;
    if (!parse_source(push_text(L, index, "source"), &rule->source)) {
        FAULT(plan,
              "%.*s: %s is a plain table; a field comes from a path, a function, or what map.NAME(...) makes",
              CW_SLICE_ARG(rule->where), rule->target);
        return false;
    }
    rule->paths = lists->paths;
    rule->text = push_text(L, index, "text");
    if (!push_list(L, plan, index, "paths", rule->where, lists->paths, &rule->path_count) ||
        !read_options(L, plan, index, rule, lists))
        return false;
    if (rule->source == CW_FROM_CALL) {
        lua_getfield(L, index, "call");
        rule->call = keep_function(L);
    }
    if (rule->source == CW_FROM_EACH || rule->source == CW_FROM_RECORD) {
        lua_getfield(L, index, "plan");
        rule->plan = compile_plan(L, plan, lua_absindex(L, -1), rule->where);
        if (rule->plan == NULL)
            return false;
    }
    return read_type(L, plan, index, field, rule);
}

/* Where the function at `index` begins: a rule that is nothing else has no place of its own. */
static void push_place(lua_State *L, int index, struct cw_slice *where)
{
    lua_Debug ar;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &ar);
    if (ar.linedefined <= 0)
        return;
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.linedefined);
    where->data = lua_tolstring(L, -1, &where->len);
}

/* The rule for the value on top of the stack, whatever form it has. */
static bool read_rule(lua_State *L, struct cw_lua_plan *plan, const struct cw_field *field,
                      struct cw_rule *rule, struct lists *lists)
{
    int index = lua_absindex(L, -1);
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        lists->paths[0].data = lua_tolstring(L, index, &lists->paths[0].len);
        rule->paths = lists->paths;
        rule->path_count = 1;
        return true;
    case LUA_TFUNCTION:
        push_place(L, index, &rule->where);
        lua_pushvalue(L, index);
        rule->source = CW_FROM_CALL;
        rule->call = keep_function(L);
        return true;
    case LUA_TTABLE:
        return read_description(L, plan, index, field, rule, lists);
    default:
        FAULT(plan, "%.*s: %s is a %s; a fixed value is map.constant(...)", CW_SLICE_ARG(rule->where),
              rule->target, luaL_typename(L, index));
        return false;
    }
}

/* Adds the rule for the value on top of the stack and pops it. */
static void compile_rule(lua_State *L, struct cw_lua_plan *plan, struct cw_plan *target,
                         const struct cw_field *field, const char *name, struct cw_slice where)
{
    int top = lua_gettop(L) - 1;
    struct lists lists;
    struct cw_error err;
    struct cw_rule rule = {
        .target = name, .is_custom = field == NULL, .call = -1, .zone = plan->zone, .where = where
    };
    luaL_checkstack(L, 16, "mapping nested too deep");
    if (read_rule(L, plan, field, &rule, &lists) && !cw_plan_add(target, &rule, &err))
        fault(plan, &err);
    lua_settop(L, top);
}

static void compile_fields(lua_State *L, struct cw_lua_plan *plan, struct cw_plan *target,
                           const struct cw_kind *kind, int index, struct cw_slice where)
{
    for (size_t i = 0; i < kind->field_count; i++) {
        if (lua_getfield(L, index, kind->fields[i].name) == LUA_TNIL)
            lua_pop(L, 1);
        else
            compile_rule(L, plan, target, &kind->fields[i], kind->fields[i].name, where);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of the table at `index` in their order, so that the same script always makes the same plan; they
 * live as long as the table. A key that is no name, or one too many, is a fault. */
static size_t sorted_names(lua_State *L, struct cw_lua_plan *plan, int index, const char *what,
                           struct cw_slice where, const char *names[NAMES_MAX])
{
    size_t count = 0;
    index = lua_absindex(L, index);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && count < NAMES_MAX)
            names[count++] = lua_tostring(L, -2);
        else
            FAULT(plan, "%.*s: %s have names, and there are at most %d", CW_SLICE_ARG(where), what,
                  NAMES_MAX);
    }
    qsort(names, count, sizeof *names, compare_names);
    return count;
}

static void refuse_unknown(lua_State *L, struct cw_lua_plan *plan, const struct cw_kind *kind, int index,
                           struct cw_slice where)
{
    const char *names[NAMES_MAX];
    size_t count = sorted_names(L, plan, index, "fields", where, names);
    for (size_t i = 0; i < count; i++) {
        struct cw_slice name = cw_slice(names[i]);
        if (cw_slice_is(name, "custom") || cw_kind_field(kind, name) >= 0)
            continue;
        const char *near = cw_kind_suggest(kind, name);
        FAULT(plan, "%.*s: unknown field \"%s\" of %s%s%s%s", CW_SLICE_ARG(where), names[i], kind->name,
              near != NULL ? "; did you mean \"" : "; fields of your own go under custom",
              near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
}

static void compile_custom(lua_State *L, struct cw_lua_plan *plan, struct cw_plan *target, int index,
                           struct cw_slice where)
{
    const char *names[NAMES_MAX];
    int type = lua_getfield(L, index, "custom"), custom = lua_absindex(L, -1);
    if (type == LUA_TTABLE) {
        size_t count = sorted_names(L, plan, custom, "custom fields", where, names);
        for (size_t i = 0; i < count; i++) {
            lua_getfield(L, custom, names[i]);
            compile_rule(L, plan, target, NULL, names[i], where);
        }
    } else if (type != LUA_TNIL) {
        FAULT(plan, "%.*s: custom is a table of fields: custom = { gift_note = \"gift_message\" }",
              CW_SLICE_ARG(where));
    }
    lua_settop(L, custom - 1);
}

/* The kind that map.order and its siblings wrote into the metatable; also where they stood. */
static const struct cw_kind *kind_of(lua_State *L, int index, struct cw_slice *where)
{
    if (!lua_istable(L, index) || luaL_getmetafield(L, index, "kind") == LUA_TNIL)
        return NULL;
    struct cw_slice name;
    name.data = lua_tolstring(L, -1, &name.len);
    const struct cw_kind *kind = name.data != NULL ? cw_kind_find(name) : NULL;
    if (luaL_getmetafield(L, index, "where") == LUA_TSTRING)
        where->data = lua_tolstring(L, -1, &where->len);
    return kind;
}

/* The plan at `index`; `where` is its place in messages as long as it does not say its own. */
static struct cw_plan *compile_plan(lua_State *L, struct cw_lua_plan *plan, int index, struct cw_slice where)
{
    struct cw_error err;
    const struct cw_kind *kind = kind_of(L, index, &where);
    if (kind == NULL || plan->plan_count == PLANS_MAX) {
        FAULT(plan,
              "%.*s: a mapping is made with map.order { ... } or one of its siblings, at most %d in a stream",
              CW_SLICE_ARG(where), PLANS_MAX);
        return NULL;
    }
    struct cw_plan *made = cw_plan_create(kind, plan->context, &err);
    if (made == NULL) {
        fault(plan, &err);
        return NULL;
    }
    plan->plans[plan->plan_count++] = made;
    refuse_unknown(L, plan, kind, index, where);
    compile_fields(L, plan, made, kind, index, where);
    compile_custom(L, plan, made, index, where);
    return made;
}

/* --- tables and skip rules
 * ------------------------------------------------------------------------------------- */

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
            FAULT(plan, "%s: table %s has the row \"%s\" twice, as a number and as a text", plan->context,
                  table, lua_tostring(L, -2));
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
    if (!nothing && !has_text(L)) {
        FAULT(plan, "%s: row \"%.*s\" of table %s is a %s; it is a text, or false for no value",
              plan->context, CW_SLICE_ARG(key), table, luaL_typename(L, -1));
        return;
    }
    if (!nothing)
        value.data = luaL_tolstring(L, -1, &value.len);
    if (!cw_plan_add_row(plan->plans[0], table, key, value, nothing, cw_slice(plan->context), &err))
        fault(plan, &err);
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

static void compile_tables(lua_State *L, struct cw_lua_plan *plan, int tables)
{
    const char *names[NAMES_MAX];
    if (!lua_istable(L, tables)) {
        FAULT(plan, "%s: tables is a table of tables: tables = { status = { paid = \"paid\" } }",
              plan->context);
        return;
    }
    size_t count = sorted_names(L, plan, tables, "tables", cw_slice(plan->context), names);
    for (size_t i = 0; i < count; i++) {
        if (lua_getfield(L, tables, names[i]) == LUA_TTABLE)
            compile_rows(L, plan, names[i], lua_absindex(L, -1));
        else
            FAULT(plan, "%s: table %s is a %s; it holds rows: { [\"2\"] = \"paid\" }", plan->context,
                  names[i], luaL_typename(L, -1));
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
        ok = cw_plan_add_skip_call(plan->plans[0], name, keep_function(L), &err);
    } else if (lua_istable(L, top)) {
        struct cw_slice path = push_text(L, top, "path");
        size_t count;
        if (!push_list(L, plan, top, "values", cw_slice(plan->context), values, &count)) {
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
        fault(plan, &err);
    lua_settop(L, top);
}

/* In the order of their names: the first that fits a record is the one that it was skipped by. */
static void compile_skips(lua_State *L, struct cw_lua_plan *plan, int stream)
{
    const char *names[NAMES_MAX];
    int type = lua_getfield(L, stream, "skip"), skips = lua_absindex(L, -1);
    if (type == LUA_TTABLE) {
        size_t count = sorted_names(L, plan, skips, "skip rules", cw_slice(plan->context), names);
        for (size_t i = 0; i < count; i++) {
            lua_getfield(L, skips, names[i]);
            compile_skip(L, plan, names[i]);
            lua_pop(L, 1);
        }
    } else if (type != LUA_TNIL) {
        FAULT(plan, "%s: skip is a table of rules: skip = { drafts = { path = ..., values = { ... } } }",
              plan->context);
    }
    lua_settop(L, skips - 1);
}

bool cw_lua_plan_fill(lua_State *L, struct cw_lua_plan *plan, struct cw_error *err)
{
    struct cw_error last;
    int stream = lua_gettop(L), tables = stream - 1;
    lua_getfield(L, stream, "map");
    struct cw_slice where = { 0 };
    plan->kind = kind_of(L, stream + 1, &where);
    lua_settop(L, stream + 1);
    if (plan->kind != NULL && !plan->kind->is_document)
        FAULT(plan,
              "%.*s: a stream brings orders, customers, items or stock levels; a %s is only part of one",
              CW_SLICE_ARG(where), plan->kind->name);
    if (compile_plan(L, plan, stream + 1, cw_slice(plan->context)) != NULL) {
        compile_tables(L, plan, tables);
        compile_skips(L, plan, stream);
        if (!cw_plan_finish(plan->plans[0], &last))
            fault(plan, &last);
    }
    lua_settop(L, stream);
    if (plan->faults.len == 0)
        return true;
    return cw_fail(err, CW_USAGE, "%s", plan->faults.data);
}

/* --- functions
 * ------------------------------------------------------------------------------------------------- */

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
    lua_Debug function;
    va_list args;
    lua_pushvalue(L, FUNCTION_INDEX);
    lua_getinfo(L, ">S", &function);
    lua_pushfstring(L, "%s:%d: the function returned ", function.short_src, function.linedefined);
    va_start(args, fmt);
    lua_pushvfstring(L, fmt, args);
    va_end(args);
    lua_concat(L, 2);
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
