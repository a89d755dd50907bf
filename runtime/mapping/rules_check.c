/* rules_check.c - what a step must be to make sense: names resolved, constants read, each action with what it
 * needs. */
#include "mapping/rules_private.h"

#include <stdio.h>

#include "mapping/edit_name.h"

/* cw_fail with the rule's place and name before the text. */
#define REFUSE(rule, err, fmt, ...)                                                                          \
    cw_fail(err, CW_USAGE, "%.*s: %s: " fmt, CW_SLICE_ARG((rule)->step.where), (rule)->step.name, __VA_ARGS__)

static bool placed(const struct cw_rule *rule, struct cw_error *err)
{
    return cw_fail_in(err, "%.*s: %s", CW_SLICE_ARG(rule->step.where), rule->step.name);
}

bool cw_rule_resolve(struct cw_rules *rules, const char *name, struct cw_ref *out, struct cw_error *err)
{
    struct cw_name_reader reader = cw_name_begin(rules->kind, cw_slice(name));
    struct cw_name_piece piece;
    *out = (struct cw_ref){ .name = name, .outer = -1, .index = -1, .type = CW_TEXT };
    for (;;) {
        const struct cw_kind *kind = reader.kind;
        if (!cw_name_next(&reader, &piece, err))
            return false;
        if (piece.field == NULL)
            break;
        if (piece.field->type == CW_LIST)
            return cw_fail(err, CW_USAGE,
                           "\"%s\": rules name no members of lists; a function can change them", name);
        if (reader.rest.data != NULL) {
            out->outer = (int)(piece.field - kind->fields);
            continue;
        }
        out->index = (int)(piece.field - kind->fields);
        break;
    }
    out->field = piece.field;
    out->custom = piece.custom;
    out->type = piece.field != NULL ? piece.field->type : CW_TEXT;
    return true;
}

/* --- constants --- */

static bool read_constant(const struct cw_rule *rule, const struct cw_ref *ref, const char *what,
                          struct cw_slice text, struct cw_value *out, struct cw_error *err)
{
    char why[CW_FIT_WHY_MAX];
    enum cw_fit fit = cw_field_read(ref->field, ref->type, text, NULL, out);
    return fit == CW_FITS || REFUSE(rule, err, "%s%s %s", what, ref->name,
                                    cw_field_why(ref->field, ref->type, fit, text, NULL, why));
}

static bool compile_condition(struct cw_rules *rules, const struct cw_rule *rule,
                              const struct cw_condition *condition, struct cw_compiled_condition *out,
                              struct cw_error *err)
{
    if (!cw_rule_resolve(rules, condition->field, &out->ref, err))
        return placed(rule, err);
    struct cw_value *values = cw_rules_take(rules, condition->value_count * sizeof *values);
    if (values == NULL)
        return cw_rules_no_memory(err);
    out->texts = condition->values;
    out->values = values;
    out->count = condition->value_count;
    out->is_not = condition->is_not;
    for (size_t i = 0; i < out->count; i++)
        if (out->texts[i].len > 0 &&
            !read_constant(rule, &out->ref, "the condition on ", out->texts[i], &values[i], err))
            return false;
    return true;
}

static bool compile_conditions(struct cw_rules *rules, struct cw_rule *rule, struct cw_error *err)
{
    size_t count = rule->step.when_count;
    struct cw_compiled_condition *when = cw_rules_take(rules, count * sizeof *when);
    if (when == NULL)
        return cw_rules_no_memory(err);
    for (size_t i = 0; i < count; i++)
        if (!compile_condition(rules, rule, &rule->step.when[i], &when[i], err))
            return false;
    rule->when = when;
    rule->when_count = count;
    return true;
}

/* --- names --- */

static bool resolve_names(struct cw_rules *rules, struct cw_rule *rule, struct cw_error *err)
{
    const struct cw_step *step = &rule->step;
    bool is_record = step->action == CW_TAX; /* source is an address */
    if (step->target != NULL && !cw_rule_resolve(rules, step->target, &rule->target, err))
        return placed(rule, err);
    if (step->source != NULL && !is_record && !cw_rule_resolve(rules, step->source, &rule->source, err))
        return placed(rule, err);
    rule->name = cw_slice(step->name);
    rule->table = cw_slice(step->table);
    return true;
}

static bool need_target(const struct cw_rule *rule, struct cw_error *err)
{
    return rule->target.name != NULL || REFUSE(rule, err, "%s", "no field is named that it sets");
}

static bool need_source(const struct cw_rule *rule, struct cw_error *err)
{
    return rule->source.name != NULL || REFUSE(rule, err, "%s", "no field is named that it reads");
}

static bool need_table(struct cw_rules *rules, struct cw_rule *rule, struct cw_error *err)
{
    if (rule->table.len == 0)
        return REFUSE(rule, err, "%s", "no table is named");
    rule->code = cw_name_print(&rules->arena, "unknown-%.*s", CW_SLICE_ARG(rule->table));
    return rule->code.data != NULL || cw_rules_no_memory(err);
}

static bool need_text(const struct cw_rule *rule, const char *what, struct cw_error *err)
{
    return rule->step.text.len > 0 || REFUSE(rule, err, "there is no %s", what);
}

static bool need_call(const struct cw_rule *rule, struct cw_error *err)
{
    return rule->step.call >= 0 || REFUSE(rule, err, "%s", "there is no function");
}

/* "CART:ID" */
static bool need_link(const struct cw_rule *rule, struct cw_error *err)
{
    struct cw_slice link = rule->step.fallback;
    const char *colon = link.len > 0 ? memchr(link.data, ':', link.len) : NULL;
    if (link.len == 0)
        return REFUSE(rule, err, "%s", "nothing is named that stands for what is unknown");
    return (colon != NULL && colon > link.data && colon + 1 < link.data + link.len) ||
           REFUSE(rule, err, "\"%.*s\" is no link; write CART:ID", CW_SLICE_ARG(link));
}

static bool check_keys(const struct cw_rule *rule, const char *const *known, struct cw_error *err)
{
    if (rule->step.key_count == 0)
        return REFUSE(rule, err, "%s", "there are no keys to match by");
    for (size_t i = 0; i < rule->step.key_count; i++) {
        size_t k = 0;
        char list[128] = "";
        while (known[k] != NULL && strcmp(known[k], rule->step.keys[i]) != 0)
            k++;
        if (known[k] != NULL)
            continue;
        for (size_t j = 0, len = 0; known[j] != NULL && len < sizeof list; j++)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", j > 0 ? ", " : "", known[j]);
        return REFUSE(rule, err, "unknown key \"%s\"; there are: %s", rule->step.keys[i], list);
    }
    return true;
}

static bool check_unknown(const struct cw_rule *rule, bool may_create, struct cw_error *err)
{
    if (rule->step.unknown == CW_UNKNOWN_CREATE && !may_create)
        return REFUSE(rule, err, "%s", "only customers can be made of an order");
    bool needs_link = rule->step.unknown == CW_UNKNOWN_FALLBACK || rule->step.fallback.len > 0;
    return !needs_link || need_link(rule, err);
}

/* --- actions --- */

static bool check_kind(const struct cw_rules *rules, const struct cw_rule *rule, struct cw_error *err)
{
    enum cw_action action = rule->step.action;
    bool any = action == CW_SKIP || action == CW_SET || action == CW_COPY || action == CW_TRANSLATE ||
               action == CW_CALL || action == CW_HOLD;
    const struct cw_kind *kind = action == CW_SPLIT_VARIANTS ? &cw_kind_item : &cw_kind_order;
    return any || rules->kind == kind ||
           REFUSE(rule, err, "this is for %s, not for %s", kind->plural, rules->kind->plural);
}

static bool check_set(struct cw_rule *rule, struct cw_error *err)
{
    if (!need_target(rule, err))
        return false;
    if (rule->step.text.data == NULL)
        return REFUSE(rule, err, "%s has no value", rule->target.name);
    return read_constant(rule, &rule->target, "", rule->step.text, &rule->value, err);
}

/* The order's number as a total would be a total of many thousands. */
static bool check_copy(const struct cw_rule *rule, struct cw_error *err)
{
    if (!need_target(rule, err) || !need_source(rule, err))
        return false;
    bool fits =
        rule->target.type == CW_TEXT || rule->target.field == NULL || rule->target.type == rule->source.type;
    return fits ||
           REFUSE(rule, err, "%s is %s, and %s is %s", rule->source.name, cw_type_name(rule->source.type),
                  rule->target.name, cw_type_name(rule->target.type));
}

static bool check_translate(struct cw_rules *rules, struct cw_rule *rule, struct cw_error *err)
{
    return need_target(rule, err) && need_source(rule, err) && need_table(rules, rule, err) &&
           (rule->step.fallback.data == NULL ||
            read_constant(rule, &rule->target, "the default of ", rule->step.fallback, &rule->fallback, err));
}

static bool check_above(struct cw_rule *rule, struct cw_error *err)
{
    if (!need_source(rule, err) || !need_text(rule, "limit", err))
        return false;
    if (rule->source.type != CW_MONEY)
        return REFUSE(rule, err, "%s is no amount", rule->source.name);
    return read_constant(rule, &rule->source, "the limit of ", rule->step.text, &rule->value, err);
}

static bool check_tax(struct cw_rules *rules, struct cw_rule *rule, struct cw_error *err)
{
    const char *source = rule->step.source;
    if (source == NULL || (strcmp(source, "shipping") != 0 && strcmp(source, "billing") != 0))
        return REFUSE(rule, err, "%s", "taxes go by the address \"shipping\" or \"billing\"");
    return need_table(rules, rule, err);
}

static bool check_customer(const struct cw_rule *rule, struct cw_error *err)
{
    static const char *const keys[] = { "link", "email", "phone", "vat_number", "number", "company", NULL };
    return check_keys(rule, keys, err) && check_unknown(rule, true, err);
}

static bool check_items(const struct cw_rule *rule, struct cw_error *err)
{
    static const char *const keys[] = { "link", "sku", "barcode", "vendor_sku", NULL };
    return check_keys(rule, keys, err) && check_unknown(rule, false, err);
}

static bool check_address(const struct cw_rule *rule, struct cw_error *err)
{
    static const char *const keys[] = { "id", "address", NULL };
    if (!check_keys(rule, keys, err))
        return false;
    return rule->step.unknown == CW_UNKNOWN_KEEP || rule->step.unknown == CW_UNKNOWN_HOLD ||
           REFUSE(rule, err, "%s", "an unknown address is held or kept");
}

static bool check_action(struct cw_rules *rules, struct cw_rule *rule, struct cw_error *err)
{
    switch (rule->step.action) {
    case CW_SET:
        return check_set(rule, err);
    case CW_COPY:
        return check_copy(rule, err);
    case CW_TRANSLATE:
        return check_translate(rules, rule, err);
    case CW_CALL:
        return need_call(rule, err);
    case CW_HOLD:
        return rule->step.call >= 0 || need_text(rule, "reason", err);
    case CW_HOLD_ABOVE:
        return check_above(rule, err);
    case CW_HOLD_SOURCE:
        return need_target(rule, err) && need_source(rule, err);
    case CW_MATCH_CUSTOMER:
        return check_customer(rule, err);
    case CW_MATCH_ADDRESS:
        return check_address(rule, err);
    case CW_MATCH_ITEMS:
        return check_items(rule, err);
    case CW_TAX:
        return check_tax(rules, rule, err);
    case CW_FREIGHT_LINE:
        return need_text(rule, "SKU for the line", err);
    case CW_DISCOUNTS:
        return need_table(rules, rule, err);
    case CW_TELL_CART:
        return rule->step.call >= 0 || need_text(rule, "status", err);
    case CW_SKIP:
    case CW_HOLD_DUPLICATE:
    case CW_SPLIT_VARIANTS:
    case CW_PAYMENTS:
        break;
    }
    return true;
}

static bool check_row(const struct cw_rule *rule, const struct cw_table_row *row, struct cw_error *err)
{
    char what[160];
    struct cw_value value;
    struct cw_rule placed_rule = *rule;
    if (row->is_nothing)
        return true;
    if (row->where.len > 0 && !cw_slice_is(cw_slice_clip(rule->table, 6), "rules."))
        placed_rule.step.where = row->where;
    snprintf(what, sizeof what, "in table %.*s, row \"%.*s\", the value for ", CW_SLICE_ARG(rule->table),
             CW_SLICE_ARG(cw_slice_clip(row->key, 64)));
    return read_constant(&placed_rule, &rule->target, what, row->value, &value, err);
}

bool cw_rules_check_rows(const struct cw_rules *rules, const struct cw_plan *plan, struct cw_error *err)
{
    for (const struct cw_rule *rule = rules->first; rule != NULL; rule = rule->next) {
        const struct cw_table *table =
            rule->step.action == CW_TRANSLATE ? cw_plan_table(plan, rule->table) : NULL;
        for (size_t i = 0; table != NULL && i < table->count; i++)
            if (!check_row(rule, &table->rows[i], err))
                return false;
    }
    return true;
}

bool cw_rule_compile(struct cw_rules *rules, struct cw_rule *rule, struct cw_error *err)
{
    if (rule->step.name == NULL)
        rule->step.name = "rule";
    return check_kind(rules, rule, err) && compile_conditions(rules, rule, err) &&
           resolve_names(rules, rule, err) && check_action(rules, rule, err);
}
