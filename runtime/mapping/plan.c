/* plan.c - building a plan: rules are checked, copied and compiled into the plan's own arena. */
#include "mapping/compiled.h"

#include <stdlib.h>

#include "mapping/plan_check.h"

static bool no_memory(const struct cw_plan *plan, struct cw_error *err)
{
    return cw_fail(err, CW_NOMEM, "%.*s: no memory for the mapping", CW_SLICE_ARG(plan->context));
}

static void *take(struct cw_plan *plan, size_t size)
{
    void *piece = cw_arena_alloc(&plan->arena, size);
    if (piece != NULL)
        memset(piece, 0, size);
    return piece;
}

static bool copy_slices(struct cw_plan *plan, const struct cw_slice *from, size_t count,
                        const struct cw_slice **out)
{
    struct cw_slice *copy = take(plan, (count + 1) * sizeof *copy);
    *out = copy;
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        copy[i] = cw_arena_copy(&plan->arena, from[i]);
        if (copy[i].data == NULL)
            return false;
    }
    return true;
}

/* Empty stays empty; NULL on failure only. */
static bool copy_slice(struct cw_plan *plan, struct cw_slice from, struct cw_slice *out)
{
    *out = cw_arena_copy(&plan->arena, from);
    return out->data != NULL;
}

struct cw_plan *cw_plan_create(const struct cw_kind *kind, const char *context, struct cw_error *err)
{
    struct cw_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for the mapping of %s", kind->name);
        return NULL;
    }
    cw_arena_init(&plan->arena, 0);
    plan->kind = kind;
    plan->custom_end = &plan->custom;
    plan->skips_end = &plan->skips;
    plan->tables_end = &plan->tables;
    plan->currency_field = cw_kind_field(kind, cw_slice("currency"));
    plan->id_field = cw_kind_field(kind, cw_slice("external_id"));
    plan->fields = take(plan, kind->field_count * sizeof *plan->fields);
    if (plan->fields == NULL || !copy_slice(plan, cw_slice(context), &plan->context)) {
        no_memory(plan, err);
        cw_plan_free(plan);
        return NULL;
    }
    return plan;
}

void cw_plan_name_cart(struct cw_plan *plan, const char *cart)
{
    plan->cart = cart;
}

void cw_plan_free(struct cw_plan *plan)
{
    if (plan == NULL)
        return;
    cw_arena_fini(&plan->arena);
    free(plan);
}

/* The index of a first step's name, which is added when it is new and there is room. */
static uint8_t intern_name(struct cw_plan *plan, const struct cw_path_step *step)
{
    size_t at = cw_plan_probe(step->hash);
    for (; plan->probes[at] != 0; at = (at + 1) & (CW_PLAN_PROBES - 1))
        if (cw_slice_equal(plan->names[plan->probes[at] - 1].name, step->name))
            return (uint8_t)(plan->probes[at] - 1);
    if (plan->name_count == CW_PLAN_NAMES_MAX)
        return CW_PLAN_NO_NAME;
    plan->names[plan->name_count] = (struct cw_plan_name){ step->name, step->hash };
    plan->probes[at] = (uint8_t)++plan->name_count;
    return (uint8_t)(plan->name_count - 1);
}

static bool compile_paths(struct cw_plan *plan, const struct cw_field_rule *rule,
                          struct cw_compiled_rule *out, struct cw_error *err)
{
    struct cw_plan_path *paths = take(plan, (rule->path_count + 1) * sizeof *paths);
    if (paths == NULL)
        return no_memory(plan, err);
    for (size_t i = 0; i < rule->path_count; i++) {
        const struct cw_path *path = cw_path_compile(&plan->arena, rule->paths[i], err);
        if (path == NULL)
            return cw_fail_in(err, "%.*s", CW_SLICE_ARG(cw_rule_place(plan, rule->where)));
        paths[i].path = path;
        paths[i].name = cw_path_starts_at_child(path) ? intern_name(plan, &path->steps[0]) : CW_PLAN_NO_NAME;
    }
    out->paths = paths;
    out->path_count = rule->path_count;
    return true;
}

static bool set_choices(struct cw_plan *plan, struct cw_compiled_rule *out, const char *const *choices)
{
    size_t count = 0;
    if (choices == NULL)
        return true;
    while (choices[count] != NULL)
        count++;
    struct cw_slice *list = take(plan, (count + 1) * sizeof *list);
    if (list == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        list[i] = cw_slice(choices[i]);
    out->choices = list;
    out->choice_count = count;
    return true;
}

static bool copy_texts(struct cw_plan *plan, const struct cw_field_rule *rule, struct cw_compiled_rule *out)
{
    out->none_count = rule->none_count;
    out->format_count = rule->format_count;
    return copy_slice(plan, cw_slice(rule->target), &out->name) && copy_slice(plan, rule->text, &out->text) &&
           copy_slice(plan, cw_slice(rule->table), &out->table) &&
           copy_slice(plan, rule->where, &out->where) &&
           copy_slice(plan, rule->default_text, &out->default_text) &&
           copy_slices(plan, rule->none, rule->none_count, &out->none) &&
           copy_slices(plan, rule->formats, rule->format_count, &out->formats);
}

static struct cw_compiled_rule *copy_rule(struct cw_plan *plan, const struct cw_field_rule *rule, int field)
{
    const struct cw_field *target = field >= 0 ? &plan->kind->fields[field] : NULL;
    struct cw_compiled_rule *out = take(plan, sizeof *out);
    if (out == NULL || !copy_texts(plan, rule, out) ||
        !set_choices(plan, out, target != NULL ? target->choices : NULL))
        return NULL;
    out->is_custom = rule->is_custom;
    out->type = target != NULL ? target->type : rule->custom_type;
    out->source = rule->source;
    out->call = rule->call;
    out->plan = rule->plan;
    out->required = rule->required;
    out->has_default = rule->has_default;
    out->keep_space = rule->keep_space;
    out->html = rule->html;
    out->negate = rule->negate;
    out->has_times = rule->times.len > 0; /* checked: it is a number */
    if (out->has_times)
        cw_decimal_parse(rule->times, &out->times, NULL);
    out->zone = rule->zone;
    return out;
}

/* Constant and default are read now, so that a wrong one is found without a record. */
static bool read_fixed(const struct cw_plan *plan, struct cw_compiled_rule *rule, struct cw_error *err)
{
    bool constant = rule->source == CW_FROM_CONSTANT;
    if (!constant && !rule->has_default)
        return true;
    struct cw_slice text = constant ? rule->text : rule->default_text;
    if (!cw_rule_read(plan, rule, constant ? "the constant of" : "the default of", text, &rule->fixed, err))
        return false;
    if (rule->negate)
        rule->fixed.decimal = cw_decimal_negate(rule->fixed.decimal);
    return true;
}

bool cw_plan_add(struct cw_plan *plan, const struct cw_field_rule *rule, struct cw_error *err)
{
    int field;
    if (!cw_rule_check(plan, rule, &field, err))
        return false;
    struct cw_compiled_rule *compiled = copy_rule(plan, rule, field);
    if (compiled == NULL)
        return no_memory(plan, err);
    if (!compile_paths(plan, rule, compiled, err) || !read_fixed(plan, compiled, err))
        return false;
    if (field >= 0) {
        plan->fields[field] = compiled;
    } else {
        *plan->custom_end = compiled;
        plan->custom_end = &compiled->next;
    }
    return true;
}

static struct cw_table *table_for(struct cw_plan *plan, struct cw_slice name)
{
    for (struct cw_table *table = plan->tables; table != NULL; table = table->next)
        if (cw_slice_equal(table->name, name))
            return table;
    struct cw_table *table = take(plan, sizeof *table);
    if (table == NULL || !copy_slice(plan, name, &table->name))
        return NULL;
    *plan->tables_end = table;
    plan->tables_end = &table->next;
    return table;
}

bool cw_plan_add_row(struct cw_plan *plan, const char *table, struct cw_slice key, struct cw_slice value,
                     bool is_nothing, struct cw_slice where, struct cw_error *err)
{
    struct cw_table_row row = { .key = key, .value = value, .is_nothing = is_nothing, .where = where };
    struct cw_table *found = table_for(plan, cw_slice(table));
    return (found != NULL && cw_table_add(found, &plan->arena, &row)) || no_memory(plan, err);
}

/* A skip rule with its name; not yet in the plan. */
static struct cw_skip_rule *make_skip(struct cw_plan *plan, const char *name, struct cw_error *err)
{
    struct cw_skip_rule *skip = take(plan, sizeof *skip);
    size_t size = strlen(name) + 1;
    char *copy = skip != NULL ? cw_arena_bytes(&plan->arena, size) : NULL;
    if (copy == NULL) {
        no_memory(plan, err);
        return NULL;
    }
    skip->name = memcpy(copy, name, size);
    return skip;
}

static void append_skip(struct cw_plan *plan, struct cw_skip_rule *skip)
{
    *plan->skips_end = skip;
    plan->skips_end = &skip->next;
}

bool cw_plan_add_skip(struct cw_plan *plan, const char *name, struct cw_slice path,
                      const struct cw_slice *values, size_t value_count, struct cw_error *err)
{
    struct cw_skip_rule *skip = make_skip(plan, name, err);
    if (skip == NULL)
        return false;
    skip->path = cw_path_compile(&plan->arena, path, err);
    if (skip->path == NULL)
        return cw_fail_in(err, "%.*s: skip rule \"%s\"", CW_SLICE_ARG(plan->context), name);
    skip->value_count = value_count;
    if (!copy_slices(plan, values, value_count, &skip->values))
        return no_memory(plan, err);
    append_skip(plan, skip);
    return true;
}

bool cw_plan_add_skip_call(struct cw_plan *plan, const char *name, int call, struct cw_error *err)
{
    struct cw_skip_rule *skip = make_skip(plan, name, err);
    if (skip == NULL)
        return false;
    skip->call = call;
    append_skip(plan, skip);
    return true;
}
