/* plan_finish.c - the last check of a plan: tables that rules name, their values, and a currency for its
 * money. */
#include "mapping/compiled.h"

#include <stdio.h>

#include "mapping/plan_check.h"

/* Faults are collected, one a line, so that one look at the message mends them all. */
struct faults {
    const struct cw_plan *root;
    struct cw_error all;
    size_t len;
};

static void add_fault(struct faults *faults, const struct cw_error *fault)
{
    const char *separator = faults->len > 0 ? "\n" : "";
    char text[sizeof faults->all.text];
    if (faults->len + strlen(fault->text) + 1 >= sizeof text)
        return; /* the rest comes up once these are mended */
    memcpy(text, faults->all.text, faults->len + 1);
    faults->len +=
        (size_t)snprintf(text + faults->len, sizeof text - faults->len, "%s%s", separator, fault->text);
    cw_fail(&faults->all, CW_USAGE, "%s", text);
}

static void check_row(struct faults *faults, const struct cw_plan *plan, const struct cw_compiled_rule *rule,
                      const struct cw_table_row *row)
{
    struct cw_error fault;
    struct cw_value value;
    char what[128];
    if (row->is_nothing)
        return;
    snprintf(what, sizeof what, "in table %.*s, row \"%.*s\", the value for", CW_SLICE_ARG(rule->table),
             (int)(row->key.len < 64 ? row->key.len : 64), row->key.data);
    struct cw_compiled_rule placed = *rule;
    placed.where = row->where.len > 0 ? row->where : rule->where;
    if (!cw_rule_read(plan, &placed, what, row->value, &value, &fault))
        add_fault(faults, &fault);
}

static void check_table(struct faults *faults, const struct cw_plan *plan,
                        const struct cw_compiled_rule *rule)
{
    struct cw_error fault;
    const struct cw_table *table = cw_plan_table(faults->root, rule->table);
    if (table == NULL || table->count == 0) {
        cw_fail(&fault, CW_USAGE, "%.*s: %.*s is translated by table %.*s, which has no rows",
                CW_SLICE_ARG(cw_rule_place(plan, rule->where)), CW_SLICE_ARG(rule->name),
                CW_SLICE_ARG(rule->table));
        add_fault(faults, &fault);
        return;
    }
    for (size_t i = 0; i < table->count; i++)
        check_row(faults, plan, rule, &table->rows[i]);
}

static bool has_currency(const struct cw_plan *root)
{
    return root->currency_field >= 0 && root->fields[root->currency_field] != NULL;
}

/* Once a plan: the first amount says it for all. */
static bool check_money(struct faults *faults, const struct cw_plan *plan,
                        const struct cw_compiled_rule *rule)
{
    struct cw_error fault;
    if (rule->type != CW_MONEY || has_currency(faults->root))
        return false;
    if (faults->root->currency_field >= 0)
        cw_fail(&fault, CW_USAGE, "%.*s: %.*s is an amount of money, but %.*s does not map currency",
                CW_SLICE_ARG(cw_rule_place(plan, rule->where)), CW_SLICE_ARG(rule->name),
                CW_SLICE_ARG(faults->root->context));
    else
        cw_fail(&fault, CW_USAGE,
                "%.*s: %.*s is an amount of money, but a %s has no currency; make it a decimal",
                CW_SLICE_ARG(cw_rule_place(plan, rule->where)), CW_SLICE_ARG(rule->name),
                faults->root->kind->name);
    add_fault(faults, &fault);
    return true;
}

static void check_plan(struct faults *faults, const struct cw_plan *plan, bool *money_said)
{
    size_t count = plan->kind->field_count;
    const struct cw_compiled_rule *custom = plan->custom;
    for (size_t i = 0; i < count || custom != NULL; i++) {
        const struct cw_compiled_rule *rule = i < count ? plan->fields[i] : custom;
        if (i >= count)
            custom = custom->next;
        if (rule == NULL)
            continue;
        if (rule->table.len > 0)
            check_table(faults, plan, rule);
        if (!*money_said)
            *money_said = check_money(faults, plan, rule);
        if (rule->plan != NULL && (rule->source == CW_FROM_EACH || rule->source == CW_FROM_RECORD))
            check_plan(faults, rule->plan, money_said);
    }
}

bool cw_plan_finish(struct cw_plan *plan, struct cw_error *err)
{
    struct faults faults = { .root = plan };
    bool money_said = false;
    check_plan(&faults, plan, &money_said);
    if (faults.len > 0 && err != NULL)
        *err = faults.all;
    return faults.len == 0;
}
