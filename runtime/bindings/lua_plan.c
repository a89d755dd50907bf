/* lua_plan.c - see plans.h. Reads the descriptions of map.lua; knows nothing of records. */
#include <stdlib.h>

#include "bindings/modules.h"
#include "bindings/placed.h"
#include "bindings/plans_private.h"

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
    cw_parser_free(plan->parser);
    cw_arena_fini(&plan->names);
    cw_buffer_fini(&plan->faults);
    free(plan->context);
    free(plan);
}

void cw_lua_plan_name_cart(struct cw_lua_plan *plan, const char *cart)
{
    cw_plan_name_cart(plan->plans[0], cart);
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
void cw_lua_plan_fault(struct cw_lua_plan *plan, const struct cw_error *err)
{
    cw_buffer_print(&plan->faults, NULL, "%s%s", plan->faults.len > 0 ? "\n" : "", err->text);
}

/* --- reading descriptions --- */

/* The text of a field of the table at `index`; it stays on the stack, so that it stays alive. */
struct cw_slice cw_lua_plan_push_text(lua_State *L, int index, const char *field)
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
bool cw_lua_plan_has_text(lua_State *L)
{
    int type = lua_type(L, -1);
    return type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN || type == LUA_TUSERDATA;
}

static bool take_text_of_list(lua_State *L, struct cw_lua_plan *plan, const char *field,
                              struct cw_slice where, struct cw_slice *out)
{
    if (!cw_lua_plan_has_text(L)) {
        CW_LUA_PLAN_FAULT(plan, "%.*s: %s holds a %s where a text belongs", CW_SLICE_ARG(where), field,
                          luaL_typename(L, -1));
        return false;
    }
    out->data = luaL_tolstring(L, -1, &out->len);
    lua_remove(L, -2);
    return true;
}

/* The texts of a list field, or of a single one; each stays on the stack. */
bool cw_lua_plan_push_list(lua_State *L, struct cw_lua_plan *plan, int index, const char *field,
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
            CW_LUA_PLAN_FAULT(plan, "%.*s: %s holds more than %d texts", CW_SLICE_ARG(where), field,
                              LIST_MAX);
            return false;
        }
        if (!take_text_of_list(L, plan, field, where, &out[(*count)++]))
            return false;
    }
    return true;
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
        CW_LUA_PLAN_FAULT(plan, "%.*s: %s", CW_SLICE_ARG(where), err.text);
        return plan->zone;
    }
    return plan->zones[plan->zone_count++] = zone;
}

/* --- compiling --- */

static struct cw_plan *compile_plan(lua_State *L, struct cw_lua_plan *plan, int index, struct cw_slice where);

/* What a rule's lists point to while it is read. */
struct lists {
    struct cw_slice paths[LIST_MAX], none[LIST_MAX], formats[LIST_MAX];
};

/* What every kind of source may carry. */
static bool read_options(lua_State *L, struct cw_lua_plan *plan, int index, struct cw_field_rule *rule,
                         struct lists *lists)
{
    struct cw_slice zone = cw_lua_plan_push_text(L, index, "zone");
    rule->zone = zone.data != NULL ? open_zone(plan, zone.data, rule->where) : plan->zone;
    rule->table = cw_lua_plan_push_text(L, index, "table").data;
    rule->default_text = cw_lua_plan_push_text(L, index, "default");
    rule->has_default = rule->default_text.data != NULL;
    rule->none = lists->none;
    rule->formats = lists->formats;
    rule->times = cw_lua_plan_push_text(L, index, "times");
    rule->required = flag(L, index, "required");
    rule->keep_space = flag(L, index, "keep_space");
    rule->html = flag(L, index, "html");
    rule->negate = flag(L, index, "negate");
    return cw_lua_plan_push_list(L, plan, index, "none", rule->where, lists->none, &rule->none_count) &&
           cw_lua_plan_push_list(L, plan, index, "format", rule->where, lists->formats, &rule->format_count);
}

/* The type that a description names for itself: that of a custom field, else it must be the field's own. */
static bool read_type(lua_State *L, struct cw_lua_plan *plan, int index, const struct cw_field *field,
                      struct cw_field_rule *rule)
{
    struct cw_slice name = cw_lua_plan_push_text(L, index, "type");
    rule->custom_type = CW_TEXT;
    if (name.data == NULL || !parse_type(name, &rule->custom_type))
        return true;
    if (field == NULL || field->type == rule->custom_type)
        return true;
    CW_LUA_PLAN_FAULT(plan, "%.*s: %s is %s, so map.%s does not fit; leave the type out or use map.%s",
                      CW_SLICE_ARG(rule->where), field->name, cw_type_name(field->type), name.data,
                      cw_type_name(field->type));
    return false;
}

/* Where a rule stands: the line that assigned it (is_own) goes before that of its description. */
struct place {
    struct cw_slice where;
    bool is_own;
};

static bool read_description(lua_State *L, struct cw_lua_plan *plan, int index, const struct cw_field *field,
                             bool has_place, struct cw_field_rule *rule, struct lists *lists)
{
    struct cw_slice where = cw_lua_plan_push_text(L, index, "where");
    if (where.len > 0 && !has_place)
        rule->where = where;
    if (!parse_source(cw_lua_plan_push_text(L, index, "source"), &rule->source)) {
        CW_LUA_PLAN_FAULT(
            plan,
            "%.*s: %s is a plain table; a field comes from a path, a function, or what map.NAME(...) makes",
            CW_SLICE_ARG(rule->where), rule->target);
        return false;
    }
    rule->paths = lists->paths;
    rule->text = cw_lua_plan_push_text(L, index, "text");
    if (!cw_lua_plan_push_list(L, plan, index, "paths", rule->where, lists->paths, &rule->path_count) ||
        !read_options(L, plan, index, rule, lists))
        return false;
    if (rule->source == CW_FROM_CALL) {
        lua_getfield(L, index, "call");
        rule->call = cw_lua_plan_keep_function(L);
    }
    if (rule->source == CW_FROM_EACH || rule->source == CW_FROM_RECORD) {
        lua_getfield(L, index, "plan");
        rule->plan = compile_plan(L, plan, lua_absindex(L, -1), rule->where);
        if (rule->plan == NULL)
            return false;
    }
    return read_type(L, plan, index, field, rule);
}

/* The rule for the value on top of the stack, whatever form it has. */
static bool read_rule(lua_State *L, struct cw_lua_plan *plan, const struct cw_field *field, bool has_place,
                      struct cw_field_rule *rule, struct lists *lists)
{
    int index = lua_absindex(L, -1);
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        lists->paths[0].data = lua_tolstring(L, index, &lists->paths[0].len);
        rule->paths = lists->paths;
        rule->path_count = 1;
        return true;
    case LUA_TFUNCTION:
        if (!has_place &&
            !lua_iscfunction(L, index)) { /* a rule that is nothing else has no place of its own */
            cw_lua_push_begin(L, index);
            rule->where.data = lua_tolstring(L, -1, &rule->where.len);
        }
        lua_pushvalue(L, index);
        rule->source = CW_FROM_CALL;
        rule->call = cw_lua_plan_keep_function(L);
        return true;
    case LUA_TTABLE:
        return read_description(L, plan, index, field, has_place, rule, lists);
    default:
        CW_LUA_PLAN_FAULT(plan, "%.*s: %s is a %s; a fixed value is map.constant(...)",
                          CW_SLICE_ARG(rule->where), rule->target, luaL_typename(L, index));
        return false;
    }
}

/* Adds the rule for the value on top of the stack and pops it. */
static void compile_rule(lua_State *L, struct cw_lua_plan *plan, struct cw_plan *target,
                         const struct cw_field *field, const char *name, struct place place)
{
    int top = lua_gettop(L) - 1;
    struct lists lists;
    struct cw_error err;
    struct cw_field_rule rule = {
        .target = name, .is_custom = field == NULL, .call = -1, .zone = plan->zone, .where = place.where
    };
    luaL_checkstack(L, 16, "mapping nested too deep");
    if (read_rule(L, plan, field, place.is_own, &rule, &lists) && !cw_plan_add(target, &rule, &err))
        cw_lua_plan_fault(plan, &err);
    lua_settop(L, top);
}

/* The place of a field of the table at `index`, which as a whole is at `where`. */
static struct place place_of(lua_State *L, int index, const char *name, struct cw_slice where)
{
    lua_pushstring(L, name);
    struct cw_slice own = cw_lua_placed_where_set(L, index);
    return own.len > 0 ? (struct place){ own, true } : (struct place){ where, false };
}

static void compile_fields(lua_State *L, struct cw_lua_plan *plan, struct cw_plan *target,
                           const struct cw_kind *kind, int index, struct cw_slice where)
{
    cw_lua_placed_push_values(L, index);
    int values = lua_gettop(L);
    for (size_t i = 0; i < kind->field_count; i++) {
        const char *name = kind->fields[i].name;
        if (lua_getfield(L, values, name) == LUA_TNIL)
            lua_pop(L, 1);
        else
            compile_rule(L, plan, target, &kind->fields[i], name, place_of(L, index, name, where));
    }
    lua_pop(L, 1);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of the table at `index` in their order, so that the same script always makes the same plan; they
 * live as long as the table. A key that is no name, or one too many, is a fault. */
size_t cw_lua_plan_sorted_names(lua_State *L, struct cw_lua_plan *plan, int index, const char *what,
                                struct cw_slice where, const char *names[NAMES_MAX])
{
    size_t count = 0;
    cw_lua_placed_push_values(L, index);
    int values = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, values) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && count < NAMES_MAX)
            names[count++] = lua_tostring(L, -2);
        else
            CW_LUA_PLAN_FAULT(plan, "%.*s: %s have names, and there are at most %d", CW_SLICE_ARG(where),
                              what, NAMES_MAX);
    }
    lua_pop(L, 1);
    qsort(names, count, sizeof *names, compare_names);
    return count;
}

static void refuse_unknown(lua_State *L, struct cw_lua_plan *plan, const struct cw_kind *kind, int index,
                           struct cw_slice where)
{
    const char *names[NAMES_MAX];
    size_t count = cw_lua_plan_sorted_names(L, plan, index, "fields", where, names);
    for (size_t i = 0; i < count; i++) {
        struct cw_slice name = cw_slice(names[i]);
        if (cw_slice_is(name, "custom") || cw_kind_field(kind, name) >= 0)
            continue;
        const char *near = cw_kind_suggest(kind, name);
        struct place place = place_of(L, index, names[i], where);
        CW_LUA_PLAN_FAULT(plan, "%.*s: unknown field \"%s\" of %s%s%s%s", CW_SLICE_ARG(place.where), names[i],
                          kind->name,
                          near != NULL ? "; did you mean \"" : "; fields of your own go under custom",
                          near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
}

static void compile_custom_fields(lua_State *L, struct cw_lua_plan *plan, struct cw_plan *target, int custom,
                                  struct cw_slice where)
{
    const char *names[NAMES_MAX];
    size_t count = cw_lua_plan_sorted_names(L, plan, custom, "custom fields", where, names);
    for (size_t i = 0; i < count; i++) {
        lua_getfield(L, custom, names[i]);
        compile_rule(L, plan, target, NULL, names[i], place_of(L, custom, names[i], where));
    }
}

static void compile_custom(lua_State *L, struct cw_lua_plan *plan, struct cw_plan *target, int index,
                           struct cw_slice where)
{
    struct cw_slice place = place_of(L, index, "custom", where).where;
    int type = lua_getfield(L, index, "custom");
    if (type == LUA_TTABLE)
        compile_custom_fields(L, plan, target, lua_gettop(L), place);
    else if (type != LUA_TNIL)
        CW_LUA_PLAN_FAULT(plan,
                          "%.*s: custom is a table of fields: custom = { gift_note = \"gift_message\" }",
                          CW_SLICE_ARG(place));
    lua_pop(L, 1);
}

/* The kind of plan that map.order and its siblings made; also where they stood. */
static const struct cw_kind *kind_of(lua_State *L, int index, struct cw_slice *where)
{
    struct cw_slice name = cw_lua_placed_kind(L, index), place = cw_lua_placed_where(L, index);
    if (name.data != NULL && place.len > 0)
        *where = place;
    return name.data != NULL ? cw_kind_find(name) : NULL;
}

/* The plan at `index`; `where` is its place in messages as long as it does not say its own. */
static struct cw_plan *compile_plan(lua_State *L, struct cw_lua_plan *plan, int index, struct cw_slice where)
{
    struct cw_error err;
    const struct cw_kind *kind = kind_of(L, index, &where);
    if (kind == NULL || plan->plan_count == PLANS_MAX) {
        CW_LUA_PLAN_FAULT(
            plan,
            "%.*s: a mapping is made with map.order { ... } or one of its siblings, at most %d in a stream",
            CW_SLICE_ARG(where), PLANS_MAX);
        return NULL;
    }
    struct cw_plan *made = cw_plan_create(kind, plan->context, &err);
    if (made == NULL) {
        cw_lua_plan_fault(plan, &err);
        return NULL;
    }
    plan->plans[plan->plan_count++] = made;
    refuse_unknown(L, plan, kind, index, where);
    compile_fields(L, plan, made, kind, index, where);
    compile_custom(L, plan, made, index, where);
    return made;
}

bool cw_lua_plan_fill(lua_State *L, struct cw_lua_plan *plan, struct cw_error *err)
{
    struct cw_error last;
    int stream = lua_gettop(L), tables = stream - 1;
    lua_getfield(L, stream, "map");
    struct cw_slice where = { 0 };
    plan->kind = kind_of(L, stream + 1, &where);
    if (plan->kind != NULL && !plan->kind->is_document)
        CW_LUA_PLAN_FAULT(plan,
                          "%.*s: a stream brings orders, customers, items, stock levels or shipments; a %s "
                          "is only part of one",
                          CW_SLICE_ARG(where), plan->kind->name);
    if (compile_plan(L, plan, stream + 1, cw_slice(plan->context)) != NULL) {
        cw_lua_plan_compile_tables(L, plan, tables);
        cw_lua_plan_compile_skips(L, plan, stream);
        cw_lua_plan_compile_derives(L, plan, stream);
        if (!cw_plan_finish(plan->plans[0], &last))
            cw_lua_plan_fault(plan, &last);
    }
    lua_settop(L, stream);
    if (plan->faults.len == 0)
        return true;
    return cw_fail(err, CW_USAGE, "%s", plan->faults.data);
}
