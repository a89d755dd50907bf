/* rules.c - building rules: steps are copied, checked and compiled into their own arena. */
#include "mapping/rules_private.h"

#include <stdlib.h>

bool cw_rules_no_memory(struct cw_error *err)
{
    return cw_fail(err, CW_NOMEM, "no memory for the site's rules");
}

void *cw_rules_take(struct cw_rules *rules, size_t size)
{
    void *piece = cw_arena_alloc(&rules->arena, size > 0 ? size : 1);
    if (piece != NULL)
        memset(piece, 0, size);
    return piece;
}

struct cw_rules *cw_rules_create(const struct cw_kind *kind, struct cw_error *err)
{
    struct cw_rules *rules = calloc(1, sizeof *rules);
    if (rules == NULL) {
        cw_rules_no_memory(err);
        return NULL;
    }
    cw_arena_init(&rules->arena, 0);
    rules->kind = kind;
    rules->end = &rules->first;
    return rules;
}

void cw_rules_free(struct cw_rules *rules)
{
    if (rules == NULL)
        return;
    cw_arena_fini(&rules->arena);
    free(rules);
}

/* --- copying a step --- */

/* What has no data keeps none: it means "not given". */
static bool copy_slice(struct cw_rules *rules, struct cw_slice *slice)
{
    if (slice->data == NULL)
        return true;
    *slice = cw_arena_copy(&rules->arena, *slice);
    return slice->data != NULL;
}

static bool copy_string(struct cw_rules *rules, const char **string)
{
    size_t size = *string != NULL ? strlen(*string) + 1 : 0;
    char *copy = size > 0 ? cw_arena_bytes(&rules->arena, size) : NULL;
    if (copy != NULL)
        *string = memcpy(copy, *string, size);
    return size == 0 || copy != NULL;
}

static bool copy_slices(struct cw_rules *rules, const struct cw_slice **slices, size_t count)
{
    struct cw_slice *copy = cw_rules_take(rules, count * sizeof *copy);
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        copy[i] = (*slices)[i];
        if (!copy_slice(rules, &copy[i]))
            return false;
    }
    *slices = copy;
    return true;
}

static bool copy_strings(struct cw_rules *rules, const char *const **strings, size_t count)
{
    const char **copy = cw_rules_take(rules, count * sizeof *copy);
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        copy[i] = (*strings)[i];
        if (!copy_string(rules, &copy[i]))
            return false;
    }
    *strings = copy;
    return true;
}

static bool copy_conditions(struct cw_rules *rules, const struct cw_condition **when, size_t count)
{
    struct cw_condition *copy = cw_rules_take(rules, count * sizeof *copy);
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        copy[i] = (*when)[i];
        if (!copy_string(rules, &copy[i].field) || !copy_slices(rules, &copy[i].values, copy[i].value_count))
            return false;
    }
    *when = copy;
    return true;
}

static bool copy_step(struct cw_rules *rules, struct cw_step *step)
{
    return copy_string(rules, &step->name) && copy_slice(rules, &step->where) &&
           copy_conditions(rules, &step->when, step->when_count) && copy_string(rules, &step->target) &&
           copy_string(rules, &step->source) && copy_slice(rules, &step->text) &&
           copy_slice(rules, &step->fallback) && copy_string(rules, &step->table) &&
           copy_strings(rules, &step->keys, step->key_count) &&
           copy_strings(rules, &step->among, step->among_count) &&
           copy_slices(rules, &step->values, step->value_count) && copy_slice(rules, &step->taxable) &&
           copy_slice(rules, &step->not_taxable) && copy_slice(rules, &step->freight);
}

static bool has_questions(enum cw_action action)
{
    return action == CW_MATCH_CUSTOMER || action == CW_MATCH_ITEMS || action == CW_HOLD_DUPLICATE;
}

/* A freight line is right by itself; what a function may change is anything. */
static bool changes_amounts(const struct cw_rule *rule)
{
    enum cw_action action = rule->step.action;
    bool assigns = action == CW_SET || action == CW_COPY || action == CW_TRANSLATE || action == CW_CALL;
    if (action == CW_CALL && rule->target.name == NULL)
        return true;
    return assigns &&
           (rule->target.type == CW_MONEY || rule->target.type == CW_DECIMAL ||
            strcmp(rule->target.name, "currency") == 0 || strcmp(rule->target.name, "tax_included") == 0 ||
            strncmp(rule->target.name, "rounding", 8) == 0);
}

bool cw_rules_change_amounts(const struct cw_rules *rules)
{
    return rules != NULL && rules->changes_amounts;
}

bool cw_rules_add(struct cw_rules *rules, const struct cw_step *step, struct cw_error *err)
{
    struct cw_rule *rule = cw_rules_take(rules, sizeof *rule);
    if (rule == NULL)
        return cw_rules_no_memory(err);
    rule->step = *step;
    if (!copy_step(rules, &rule->step))
        return cw_rules_no_memory(err);
    if (!cw_rule_compile(rules, rule, err))
        return false;
    *rules->end = rule;
    rules->end = &rule->next;
    rules->asks = rules->asks || has_questions(step->action);
    rules->changes_amounts = rules->changes_amounts || changes_amounts(rule);
    return true;
}

/* --- moves --- */

static bool check_word(const struct cw_field *field, struct cw_slice word, struct cw_slice where,
                       struct cw_error *err)
{
    struct cw_value value;
    char why[CW_FIT_WHY_MAX];
    enum cw_fit fit = cw_field_read(field, CW_TEXT, word, NULL, &value);
    return fit == CW_FITS || cw_fail(err, CW_USAGE, "%.*s: a step of %s %s", CW_SLICE_ARG(where), field->name,
                                     cw_field_why(field, CW_TEXT, fit, word, NULL, why));
}

static struct cw_graph *graph_for(struct cw_rules *rules, int field)
{
    struct cw_graph **at = &rules->graphs;
    while (*at != NULL && (*at)->field != field)
        at = &(*at)->next;
    if (*at == NULL) {
        struct cw_graph *graph = cw_rules_take(rules, sizeof *graph);
        if (graph == NULL)
            return NULL;
        graph->field = field;
        graph->end = &graph->moves;
        *at = graph;
    }
    return *at;
}

bool cw_rules_add_move(struct cw_rules *rules, const char *field, struct cw_slice from, struct cw_slice to,
                       struct cw_slice where, struct cw_error *err)
{
    struct cw_ref ref;
    if (!cw_rule_resolve(rules, field, &ref, err))
        return cw_fail_in(err, "%.*s", CW_SLICE_ARG(where));
    if (ref.index < 0 || ref.outer >= 0 || ref.type != CW_TEXT)
        return cw_fail(err, CW_USAGE, "%.*s: %s is no status; steps are for text fields of the %s itself",
                       CW_SLICE_ARG(where), field, rules->kind->name);
    if (!check_word(ref.field, from, where, err) || !check_word(ref.field, to, where, err))
        return false;
    struct cw_graph *graph = graph_for(rules, ref.index);
    struct cw_move *move = cw_rules_take(rules, sizeof *move);
    if (graph == NULL || move == NULL)
        return cw_rules_no_memory(err);
    *move = (struct cw_move){ .from = from, .to = to, .where = where };
    if (!copy_slice(rules, &move->from) || !copy_slice(rules, &move->to) || !copy_slice(rules, &move->where))
        return cw_rules_no_memory(err);
    *graph->end = move;
    graph->end = &move->next;
    return true;
}
