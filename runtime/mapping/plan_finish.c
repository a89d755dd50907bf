/* plan_finish.c - the last check of a plan: tables that rules name, their values, and a currency for its
 * money. */
#include "mapping/compiled.h"

#include <stdio.h>

#include "mapping/faults.h"
#include "mapping/plan_check.h"

struct checking {
    const struct cw_plan *root;
    struct cw_faults faults;
};

static void check_row(struct checking *checking, const struct cw_plan *plan,
                      const struct cw_compiled_rule *rule, const struct cw_table_row *row)
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
        cw_faults_add(&checking->faults, fault.text);
}

static void check_table(struct checking *checking, const struct cw_plan *plan,
                        const struct cw_compiled_rule *rule)
{
    struct cw_error fault;
    const struct cw_table *table = cw_plan_table(checking->root, rule->table);
    if (table == NULL || table->count == 0) {
        cw_fail(&fault, CW_USAGE, "%.*s: %.*s is translated by table %.*s, which has no rows",
                CW_SLICE_ARG(cw_rule_place(plan, rule->where)), CW_SLICE_ARG(rule->name),
                CW_SLICE_ARG(rule->table));
        cw_faults_add(&checking->faults, fault.text);
        return;
    }
    for (size_t i = 0; i < table->count; i++)
        check_row(checking, plan, rule, &table->rows[i]);
}

static bool has_currency(const struct cw_plan *root)
{
    return root->currency_field >= 0 && root->fields[root->currency_field] != NULL;
}

/* Once a plan: the first amount says it for all. */
static bool check_money(struct checking *checking, const struct cw_plan *plan,
                        const struct cw_compiled_rule *rule)
{
    struct cw_error fault;
    if (rule->type != CW_MONEY || has_currency(checking->root))
        return false;
    if (checking->root->currency_field >= 0)
        cw_fail(&fault, CW_USAGE, "%.*s: %.*s is an amount of money, but %.*s does not map currency",
                CW_SLICE_ARG(cw_rule_place(plan, rule->where)), CW_SLICE_ARG(rule->name),
                CW_SLICE_ARG(checking->root->context));
    else
        cw_fail(&fault, CW_USAGE,
                "%.*s: %.*s is an amount of money, but a %s has no currency; make it a decimal",
                CW_SLICE_ARG(cw_rule_place(plan, rule->where)), CW_SLICE_ARG(rule->name),
                checking->root->kind->name);
    cw_faults_add(&checking->faults, fault.text);
    return true;
}

static void check_plan(struct checking *checking, const struct cw_plan *plan, bool *money_said)
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
            check_table(checking, plan, rule);
        if (!*money_said)
            *money_said = check_money(checking, plan, rule);
        if (rule->plan != NULL && (rule->source == CW_FROM_EACH || rule->source == CW_FROM_RECORD))
            check_plan(checking, rule->plan, money_said);
    }
}

bool cw_plan_finish(struct cw_plan *plan, struct cw_error *err)
{
    struct checking checking = { .root = plan };
    bool money_said = false;
    check_plan(&checking, plan, &money_said);
    return cw_faults_end(&checking.faults, err);
}
