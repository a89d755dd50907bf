/* rules_moves.c - the graph along which a status moves. */
#include "mapping/edit_name.h"
#include "mapping/rules_private.h"

#include <stdio.h>

static bool may_move(const struct cw_graph *graph, struct cw_slice from, struct cw_slice to)
{
    for (const struct cw_move *move = graph->moves; move != NULL; move = move->next)
        if (cw_slice_equal(move->from, from) && cw_slice_equal(move->to, to))
            return true;
    return false;
}

/* "completed, refunded": where one may go from there. */
static void list_steps(const struct cw_graph *graph, struct cw_slice from, char *out, size_t cap)
{
    size_t len = 0;
    out[0] = '\0';
    for (const struct cw_move *move = graph->moves; move != NULL && len < cap; move = move->next)
        if (cw_slice_equal(move->from, from))
            len +=
                (size_t)snprintf(out + len, cap - len, "%s%.*s", len > 0 ? ", " : "", CW_SLICE_ARG(move->to));
    if (len == 0)
        snprintf(out, cap, "nowhere");
}

static bool is_step(const struct cw_graph *graph, struct cw_slice from, struct cw_slice to)
{
    return from.len == 0 || to.len == 0 || cw_slice_equal(from, to) || may_move(graph, from, to);
}

bool cw_rules_may_move(const struct cw_rules *rules, const char *field, struct cw_slice from,
                       struct cw_slice to, struct cw_error *err)
{
    char steps[256];
    for (const struct cw_graph *graph = rules->graphs; graph != NULL; graph = graph->next) {
        if (strcmp(rules->kind->fields[graph->field].name, field) != 0 || is_step(graph, from, to))
            continue;
        list_steps(graph, from, steps, sizeof steps);
        return cw_fail(err, CW_REFUSED,
                       "%s may not go from \"%.*s\" to \"%.*s\"; from there it may go to: %s", field,
                       CW_SLICE_ARG(from), CW_SLICE_ARG(to), steps);
    }
    return true;
}

static bool check_graph(struct cw_ruling *ruling, const struct cw_graph *graph)
{
    struct cw_slice from = cw_text_at(ruling->of->before, graph->field),
                    to = cw_text_at(ruling->mapped->doc, graph->field);
    const char *field = ruling->rules->kind->fields[graph->field].name;
    char steps[256];
    if (is_step(graph, from, to))
        return true;
    list_steps(graph, from, steps, sizeof steps);
    struct cw_slice step = cw_name_print(ruling->arena, "%.*s to %.*s", CW_SLICE_ARG(from), CW_SLICE_ARG(to));
    if (step.data == NULL)
        return false;
    return cw_rule_issue(
        ruling, CW_HELD, "status-step", field, step,
        "%s goes from \"%.*s\" to \"%.*s\", which is no step of the graph (from %.*s: %s); mend "
        "it in the shop",
        field, CW_SLICE_ARG(from), CW_SLICE_ARG(to), CW_SLICE_ARG(from), steps);
}

bool cw_rules_check_moves(struct cw_ruling *ruling)
{
    if (ruling->of->before == NULL || ruling->mapped->doc == NULL)
        return true;
    for (const struct cw_graph *graph = ruling->rules->graphs; graph != NULL; graph = graph->next)
        if (!check_graph(ruling, graph))
            return false;
    return true;
}
