/* rules_finish.c - steps that contradict each other, found before a record meets them. */
#include "mapping/faults.h"
#include "mapping/rules_private.h"

#include <stdio.h>

static bool same_place(const struct cw_ref *a, const struct cw_ref *b)
{
    return a->name != NULL && b->name != NULL && a->outer == b->outer && a->index == b->index &&
           cw_slice_equal(a->custom, b->custom);
}

/* --- demanded and skipped --- */

static bool has_value(const struct cw_compiled_condition *condition, struct cw_slice text)
{
    for (size_t i = 0; i < condition->count; i++)
        if (cw_slice_equal(condition->texts[i], text))
            return true;
    return false;
}

/* Whether a record with this value is skipped by the condition, whatever else it has. */
static bool skips(const struct cw_compiled_condition *condition, struct cw_slice text)
{
    return has_value(condition, text) != condition->is_not;
}

static void compare_skips(struct cw_faults *faults, const struct cw_rule *demands,
                          const struct cw_rule *other)
{
    char text[CW_ERROR_TEXT_MAX];
    const struct cw_compiled_condition *wanted = &demands->when[0], *skipped = &other->when[0];
    if (!same_place(&wanted->ref, &skipped->ref))
        return;
    for (size_t i = 0; i < wanted->count; i++) {
        if (!skips(skipped, wanted->texts[i]))
            continue;
        snprintf(text, sizeof text, "%.*s: %s demands %s \"%.*s\", which %s at %.*s skips",
                 CW_SLICE_ARG(demands->step.where), demands->step.name, wanted->ref.name,
                 CW_SLICE_ARG(wanted->texts[i]), other->step.name, CW_SLICE_ARG(other->step.where));
        cw_faults_add(faults, text);
    }
}

static bool is_plain_skip(const struct cw_rule *rule)
{
    return rule->step.action == CW_SKIP && rule->when_count == 1;
}

/* --- set twice --- */

static bool sets_target(const struct cw_rule *rule)
{
    enum cw_action action = rule->step.action;
    return (action == CW_SET || action == CW_COPY || action == CW_TRANSLATE || action == CW_CALL) &&
           rule->target.name != NULL && rule->when_count == 0 && !rule->step.fill;
}

/* What stands before such a step was for nothing. The others may leave their target alone: no row, no source.
 */
static bool overwrites(const struct cw_rule *rule)
{
    return rule->step.action == CW_SET && sets_target(rule);
}

static void compare_targets(struct cw_faults *faults, const struct cw_rule *first,
                            const struct cw_rule *second)
{
    char text[CW_ERROR_TEXT_MAX];
    if (!same_place(&first->target, &second->target))
        return;
    snprintf(text, sizeof text, "%.*s: %s sets %s, which %s at %.*s sets too, whatever happens",
             CW_SLICE_ARG(first->step.where), first->step.name, first->target.name, second->step.name,
             CW_SLICE_ARG(second->step.where));
    cw_faults_add(faults, text);
}

static void compare(struct cw_faults *faults, const struct cw_rule *first, const struct cw_rule *second)
{
    if (sets_target(first) && overwrites(second))
        compare_targets(faults, first, second);
    if (!is_plain_skip(first) || !is_plain_skip(second))
        return;
    if (first->when[0].is_not)
        compare_skips(faults, first, second);
    if (second->when[0].is_not)
        compare_skips(faults, second, first);
}

bool cw_rules_finish(struct cw_rules *rules, struct cw_error *err)
{
    struct cw_faults faults = { .len = 0 };
    for (const struct cw_rule *first = rules->first; first != NULL; first = first->next)
        for (const struct cw_rule *second = first->next; second != NULL; second = second->next)
            compare(&faults, first, second);
    return cw_faults_end(&faults, err);
}
