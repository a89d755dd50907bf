/* lua_rules.c - see rules.h: the steps of scripts/cartwright/rules_steps.lua compiled, and their functions
 * called. */
#include "bindings/rules.h"

#include "bindings/modules.h"
#include "bindings/plans_private.h"

#define RULES_TYPE "cartwright.native.Rules"

enum { STEP_BYTES_MAX = 16 * 1024 * 1024 }; /* of one step's lists */

/* What would be lost if Lua raised. */
struct compiling {
    struct cw_rules *rules;
    struct cw_buffer faults; /* a line each */
    struct cw_arena arena;   /* the lists of one step */
};

static int collect(lua_State *L)
{
    struct compiling *compiling = luaL_checkudata(L, 1, RULES_TYPE);
    cw_rules_free(compiling->rules);
    cw_buffer_fini(&compiling->faults);
    cw_arena_fini(&compiling->arena);
    compiling->rules = NULL;
    return 0;
}

void cw_lua_types_rules(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", collect }, { NULL, NULL } };
    cw_lua_new_type(L, RULES_TYPE, meta, NULL);
}

/* What does not fit any more is left out. */
static void add_fault(struct compiling *compiling, const struct cw_error *err)
{
    cw_buffer_print(&compiling->faults, NULL, "%s%s", compiling->faults.len > 0 ? "\n" : "", err->text);
}

static void *take(lua_State *L, struct compiling *compiling, size_t count, size_t size)
{
    void *memory = cw_arena_alloc(&compiling->arena, (count + 1) * size);
    if (memory == NULL)
        cw_lua_fail(L, CW_NOMEM, "a rule of the site has more than %d bytes of texts", STEP_BYTES_MAX);
    return memory;
}

/* --- fields of a step: their texts live as long as the table, which holds them --- */

static struct cw_slice text_field(lua_State *L, int index, const char *field)
{
    struct cw_slice text = { NULL, 0 };
    if (lua_getfield(L, index, field) == LUA_TSTRING)
        text.data = lua_tolstring(L, -1, &text.len);
    lua_pop(L, 1);
    return text;
}

static bool flag_field(lua_State *L, int index, const char *field)
{
    lua_getfield(L, index, field);
    bool set = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return set;
}

/* The list of texts `field` of the table at `index`. */
static const struct cw_slice *texts_field(lua_State *L, struct compiling *compiling, int index,
                                          const char *field, size_t *count)
{
    *count = lua_getfield(L, index, field) == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
    struct cw_slice *texts = take(L, compiling, *count, sizeof *texts);
    for (size_t i = 0; i < *count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        texts[i].data = lua_tolstring(L, -1, &texts[i].len);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return texts;
}

static const char *const *names_field(lua_State *L, struct compiling *compiling, int index, const char *field,
                                      size_t *count)
{
    const struct cw_slice *texts = texts_field(L, compiling, index, field, count);
    const char **names = take(L, compiling, *count, sizeof *names);
    for (size_t i = 0; i < *count; i++)
        names[i] = texts[i].data;
    return names;
}

static void read_conditions(lua_State *L, struct compiling *compiling, int index, struct cw_step *step)
{
    step->when_count = lua_getfield(L, index, "when") == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
    struct cw_condition *when = take(L, compiling, step->when_count, sizeof *when);
    for (size_t i = 0; i < step->when_count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        int condition = lua_gettop(L);
        when[i].field = text_field(L, condition, "field").data;
        when[i].values = texts_field(L, compiling, condition, "values", &when[i].value_count);
        when[i].is_not = flag_field(L, condition, "is_not");
        lua_pop(L, 1);
    }
    step->when = when;
    lua_pop(L, 1);
}

static bool find_word(struct cw_slice text, const char *const *words, size_t count, size_t *found)
{
    for (*found = 0; *found < count; ++*found)
        if (text.data != NULL && cw_slice_is(text, words[*found]))
            return true;
    return false;
}

static bool read_action(lua_State *L, int index, enum cw_action *out)
{
    static const char *const words[] = {
        [CW_SKIP] = "skip",
        [CW_SET] = "set",
        [CW_COPY] = "copy",
        [CW_TRANSLATE] = "translate",
        [CW_CALL] = "call",
        [CW_HOLD] = "hold",
        [CW_HOLD_ABOVE] = "hold_above",
        [CW_HOLD_DUPLICATE] = "hold_duplicate",
        [CW_HOLD_SOURCE] = "hold_source",
        [CW_MATCH_CUSTOMER] = "match_customer",
        [CW_MATCH_ADDRESS] = "match_address",
        [CW_MATCH_ITEMS] = "match_items",
        [CW_SPLIT_VARIANTS] = "split_variants",
        [CW_TAX] = "tax",
        [CW_FREIGHT_LINE] = "freight_line",
        [CW_PAYMENTS] = "payments",
        [CW_DISCOUNTS] = "discounts",
        [CW_TELL_CART] = "tell_cart",
    };
    size_t found;
    bool known = find_word(text_field(L, index, "action"), words, sizeof words / sizeof *words, &found);
    *out = known ? (enum cw_action)found : CW_SKIP;
    return known;
}

static enum cw_unknown read_unknown(lua_State *L, int index)
{
    static const char *const words[] = { [CW_UNKNOWN_KEEP] = "keep",
                                         [CW_UNKNOWN_HOLD] = "hold",
                                         [CW_UNKNOWN_FALLBACK] = "fallback",
                                         [CW_UNKNOWN_CREATE] = "create" };
    size_t found;
    bool known = find_word(text_field(L, index, "unknown"), words, sizeof words / sizeof *words, &found);
    return known ? (enum cw_unknown)found : CW_UNKNOWN_KEEP;
}

/* --- compiling --- */

static int read_call(lua_State *L, int index)
{
    if (lua_getfield(L, index, "call") == LUA_TFUNCTION)
        return cw_lua_plan_keep_function(L);
    lua_pop(L, 1);
    return -1;
}

/* Names and texts that stand alone. */
static struct cw_step read_words(lua_State *L, int index)
{
    return (struct cw_step){
        .name = text_field(L, index, "name").data,
        .where = text_field(L, index, "where"),
        .target = text_field(L, index, "target").data,
        .source = text_field(L, index, "source").data,
        .fill = flag_field(L, index, "fill"),
        .text = text_field(L, index, "text"),
        .fallback = text_field(L, index, "fallback"),
        .table = text_field(L, index, "table").data,
        .unknown = read_unknown(L, index),
        .drop = flag_field(L, index, "drop"),
        .taxable = text_field(L, index, "taxable"),
        .not_taxable = text_field(L, index, "not_taxable"),
        .freight = text_field(L, index, "freight"),
    };
}

static void compile_step(lua_State *L, struct compiling *compiling, int index)
{
    struct cw_error err;
    struct cw_step step = read_words(L, index);
    if (!read_action(L, index, &step.action)) {
        cw_fail(&err, CW_USAGE, "%.*s: %s is a step that nothing knows", CW_SLICE_ARG(step.where),
                step.name != NULL ? step.name : "a rule");
        add_fault(compiling, &err);
        return;
    }
    read_conditions(L, compiling, index, &step);
    step.keys = names_field(L, compiling, index, "keys", &step.key_count);
    step.among = names_field(L, compiling, index, "among", &step.among_count);
    step.values = texts_field(L, compiling, index, "values", &step.value_count);
    step.call = read_call(L, index);
    if (!cw_rules_add(compiling->rules, &step, &err))
        add_fault(compiling, &err);
}

static void compile_move(lua_State *L, struct compiling *compiling, int index, const char *field)
{
    struct cw_error err;
    if (!cw_rules_add_move(compiling->rules, field, text_field(L, index, "from"), text_field(L, index, "to"),
                           text_field(L, index, "where"), &err))
        add_fault(compiling, &err);
}

static struct compiling *push_compiling(lua_State *L)
{
    struct compiling *compiling = lua_newuserdatauv(L, sizeof *compiling, 0);
    *compiling = (struct compiling){ .faults.limit = CW_ERROR_TEXT_MAX };
    cw_arena_init(&compiling->arena, STEP_BYTES_MAX);
    luaL_setmetatable(L, RULES_TYPE);
    return compiling;
}

/* The steps of the list at `list`, which may be none. */
static void compile_all(lua_State *L, struct compiling *compiling, int list)
{
    struct cw_error err;
    size_t count = lua_istable(L, list) ? lua_rawlen(L, list) : 0;
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        int index = lua_gettop(L);
        const char *move = text_field(L, index, "move").data;
        if (move != NULL)
            compile_move(L, compiling, index, move);
        else
            compile_step(L, compiling, index);
        cw_arena_reset(&compiling->arena);
        lua_settop(L, index - 1);
    }
    if (!cw_rules_finish(compiling->rules, &err))
        add_fault(compiling, &err);
}

struct cw_rules *cw_lua_rules_compile(lua_State *L, const struct cw_kind *kind, struct cw_error *err)
{
    int list = lua_gettop(L);
    luaL_checkstack(L, 16, "no room to compile rules");
    struct compiling *compiling = push_compiling(L);
    struct cw_rules *rules = compiling->rules = cw_rules_create(kind, err);
    if (rules != NULL)
        compile_all(L, compiling, list);
    if (compiling->faults.len > 0) {
        cw_fail(err, CW_USAGE, "%s", compiling->faults.data);
        rules = NULL;
    } else {
        compiling->rules = NULL; /* the caller's now */
    }
    lua_settop(L, list);
    return rules;
}

/* --- calling --- */

enum { FUNCTION_INDEX = 2 }; /* on the stack of run_function */

struct call {
    int function;
    struct cw_document *doc;
    bool may_change;
    enum cw_type want;
    struct cw_arena *arena;
    struct cw_value *out;
    struct cw_lua_document *ticket;
};

/* Runs inside cw_script_call. What a function that changes the document returns means nothing. */
static int run_function(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    *call->out = (struct cw_value){ 0 };
    cw_lua_plan_push_function(L, call->function);
    lua_pushvalue(L, FUNCTION_INDEX);
    call->ticket = cw_lua_push_document(L, call->doc, call->may_change, call->arena);
    lua_call(L, 1, 1);
    if (!call->may_change)
        cw_lua_plan_take_result(L, FUNCTION_INDEX, call->want, call->arena, call->out);
    return 0;
}

static bool call_function(void *arg, int function, struct cw_document *doc, bool may_change,
                          enum cw_type want, struct cw_arena *arena, struct cw_value *out,
                          struct cw_error *err)
{
    struct call call = { function, doc, may_change, want, arena, out, NULL };
    bool ok = cw_script_call(arg, run_function, &call, err);
    if (call.ticket != NULL)
        cw_lua_close_document(call.ticket);
    return ok;
}

struct cw_rules_host cw_lua_rules_host(struct cw_script *script)
{
    return (struct cw_rules_host){ script, call_function };
}
