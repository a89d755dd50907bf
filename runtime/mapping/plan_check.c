/* plan_check.c - see plan_check.h. */
#include "mapping/plan_check.h"

#include <stdio.h>

#include "mapping/convert.h"

static const char *const source_names[] = {
    [CW_FROM_PATHS] = "a path",           [CW_FROM_JOIN] = "a join",     [CW_FROM_SUM] = "a sum",
    [CW_FROM_CONSTANT] = "a constant",    [CW_FROM_CALL] = "a function", [CW_FROM_EACH] = "a list of records",
    [CW_FROM_RECORD] = "a nested record",
};

struct checked {
    const struct cw_plan *plan;
    const struct cw_field_rule *rule;
    enum cw_type type;
    const struct cw_kind *kind; /* of a nested record or list */
    struct cw_error *err;
};

struct cw_slice cw_rule_place(const struct cw_plan *plan, struct cw_slice where)
{
    return where.len > 0 ? where : plan->context;
}

/* cw_fail with the rule's place before the text. */
#define REFUSE(c, fmt, ...)                                                                                  \
    cw_fail((c)->err, CW_USAGE, "%.*s: " fmt, CW_SLICE_ARG(cw_rule_place((c)->plan, (c)->rule->where)),      \
            __VA_ARGS__)

static bool is_nested(enum cw_type type)
{
    return type == CW_RECORD || type == CW_LIST;
}

static bool is_number(enum cw_type type)
{
    return type == CW_DECIMAL || type == CW_MONEY || type == CW_INTEGER;
}

static bool check_custom(struct checked *c)
{
    struct cw_slice name = cw_slice(c->rule->target);
    c->type = c->rule->custom_type;
    if (name.len == 0)
        return REFUSE(c, "a custom field of %s has no name", c->plan->kind->name);
    if (is_nested(c->type))
        return REFUSE(c, "custom field \"%s\" cannot be a %s; own fields hold single values", c->rule->target,
                      cw_type_name(c->type));
    for (const struct cw_compiled_rule *r = c->plan->custom; r != NULL; r = r->next)
        if (cw_slice_equal(r->name, name))
            return REFUSE(c, "custom field \"%s\" of %s is mapped twice; the first time at %.*s",
                          c->rule->target, c->plan->kind->name,
                          CW_SLICE_ARG(cw_rule_place(c->plan, r->where)));
    return true;
}

static bool unknown_field(struct checked *c)
{
    const char *kind = c->plan->kind->name;
    const char *near = cw_kind_suggest(c->plan->kind, cw_slice(c->rule->target));
    if (near != NULL)
        return REFUSE(c, "unknown field \"%s\" of %s; did you mean \"%s\"?", c->rule->target, kind, near);
    return REFUSE(c, "unknown field \"%s\" of %s; fields of your own stand under custom", c->rule->target,
                  kind);
}

static bool check_field(struct checked *c, int *field)
{
    *field = cw_kind_field(c->plan->kind, cw_slice(c->rule->target));
    if (*field < 0)
        return unknown_field(c);
    c->type = c->plan->kind->fields[*field].type;
    c->kind = c->plan->kind->fields[*field].kind;
    const struct cw_compiled_rule *other = c->plan->fields[*field];
    if (other != NULL)
        return REFUSE(c, "field \"%s\" of %s is mapped twice; the first time at %.*s", c->rule->target,
                      c->plan->kind->name, CW_SLICE_ARG(cw_rule_place(c->plan, other->where)));
    return true;
}

static bool source_fits(enum cw_source source, enum cw_type type)
{
    switch (source) {
    case CW_FROM_EACH:
        return type == CW_LIST;
    case CW_FROM_RECORD:
        return type == CW_RECORD;
    case CW_FROM_SUM:
        return is_number(type);
    default:
        return !is_nested(type);
    }
}

static bool check_plan(const struct checked *c)
{
    const char *want = c->kind->name;
    if (c->rule->plan == NULL)
        return REFUSE(c, "%s needs a mapping of %s", c->rule->target, want);
    if (c->rule->plan->kind != c->kind)
        return REFUSE(c, "%s needs a mapping of %s, not of %s", c->rule->target, want,
                      c->rule->plan->kind->name);
    if (c->rule->path_count != 1)
        return REFUSE(c, "%s needs exactly one path, not %zu", c->rule->target, c->rule->path_count);
    return true;
}

static bool check_source(const struct checked *c)
{
    const struct cw_field_rule *rule = c->rule;
    const char *type = cw_type_name(c->type);
    if (!source_fits(rule->source, c->type))
        return REFUSE(c, "%s is %s%s and cannot come from %s%s", rule->target,
                      c->type == CW_INTEGER ? "an " : "a ", type, source_names[rule->source],
                      c->type == CW_LIST     ? "; it is map.each(path, map.KIND { ... })"
                      : c->type == CW_RECORD ? "; it is map.at(path, map.KIND { ... })"
                                             : "");
    if (is_nested(c->type))
        return check_plan(c);
    if (rule->source == CW_FROM_CALL)
        return rule->call >= 0 || REFUSE(c, "%s has no function", rule->target);
    if (rule->source == CW_FROM_CONSTANT)
        return rule->text.len > 0 ||
               REFUSE(c, "the constant of %s is empty; leave the field out instead", rule->target);
    return rule->path_count > 0 || REFUSE(c, "%s has no path", rule->target);
}

static bool check_flags(const struct checked *c)
{
    const struct cw_field_rule *rule = c->rule;
    bool is_read =
        rule->source == CW_FROM_PATHS || rule->source == CW_FROM_JOIN || rule->source == CW_FROM_CALL;
    if (rule->table != NULL && !is_read)
        return REFUSE(c, "%s comes from %s, which cannot be translated by table %s", rule->target,
                      source_names[rule->source], rule->table);
    if (rule->has_default && !is_read)
        return REFUSE(c, "%s comes from %s, which takes no default", rule->target,
                      source_names[rule->source]);
    if (rule->negate && c->type != CW_DECIMAL && c->type != CW_MONEY)
        return REFUSE(c, "%s is %s; only decimals and amounts of money can be negated", rule->target,
                      cw_type_name(c->type));
    return true;
}

static bool check_formats(const struct checked *c)
{
    const struct cw_field_rule *rule = c->rule;
    bool (*check)(struct cw_slice, struct cw_error *) =
        is_number(c->type) ? cw_number_format_check : cw_time_format_check;
    if (rule->format_count > 0 && !is_number(c->type) && c->type != CW_TIME)
        return REFUSE(c, "%s is %s; only numbers and times have a format", rule->target,
                      cw_type_name(c->type));
    if (rule->format_count > 0 && (rule->source == CW_FROM_CALL || rule->source == CW_FROM_CONSTANT))
        return REFUSE(c, "%s comes from %s, which takes no format", rule->target, source_names[rule->source]);
    for (size_t i = 0; i < rule->format_count; i++)
        if (!check(rule->formats[i], c->err))
            return cw_fail_in(c->err, "%.*s: %s", CW_SLICE_ARG(cw_rule_place(c->plan, rule->where)),
                              rule->target);
    return true;
}

static bool check_times(const struct checked *c)
{
    struct cw_decimal times;
    const struct cw_field_rule *rule = c->rule;
    if (rule->times.len == 0)
        return true;
    if (c->type != CW_DECIMAL && c->type != CW_MONEY)
        return REFUSE(c, "%s is %s; only decimals and amounts of money can be multiplied", rule->target,
                      cw_type_name(c->type));
    if (cw_decimal_parse(rule->times, &times, NULL))
        return true;
    return REFUSE(c, "%s is to be multiplied by \"%.*s\", which is no number; cents are times = \"0.01\"",
                  rule->target, CW_SLICE_ARG(rule->times));
}

bool cw_rule_check(const struct cw_plan *plan, const struct cw_field_rule *rule, int *field,
                   struct cw_error *err)
{
    struct checked c = { .plan = plan, .rule = rule, .err = err };
    *field = -1;
    bool known = rule->is_custom ? check_custom(&c) : check_field(&c, field);
    return known && check_source(&c) && check_flags(&c) && check_formats(&c) && check_times(&c);
}

void cw_rule_choices(const struct cw_compiled_rule *rule, char *out, size_t cap)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < rule->choice_count && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%.*s", i > 0 ? ", " : "",
                                CW_SLICE_ARG(rule->choices[i]));
}

bool cw_rule_read(const struct cw_plan *plan, const struct cw_compiled_rule *rule, const char *what,
                  struct cw_slice text, struct cw_value *out, struct cw_error *err)
{
    struct cw_slice place = cw_rule_place(plan, rule->where);
    enum cw_conversion result = cw_convert(rule->type, text, rule->zone, out);
    if (result != CW_CONVERTED)
        return cw_fail(err, CW_USAGE, "%.*s: %s %.*s is \"%.*s\", which %s", CW_SLICE_ARG(place), what,
                       CW_SLICE_ARG(rule->name), CW_SLICE_ARG(text),
                       cw_convert_why(rule->type, result, rule->zone));
    if (rule->type == CW_TEXT && !cw_rule_allows(rule, text)) {
        char choices[256];
        cw_rule_choices(rule, choices, sizeof choices);
        return cw_fail(err, CW_USAGE, "%.*s: %s %.*s is \"%.*s\", which is none of: %s", CW_SLICE_ARG(place),
                       what, CW_SLICE_ARG(rule->name), CW_SLICE_ARG(text), choices);
    }
    return true;
}
