/* plan_run.c - running a plan over a record: skips, fields in their order, nested records, lists. */
#include "mapping/running.h"

#include "mapping/convert.h"

static bool map_fields(struct cw_level *level, struct cw_document *doc);

static void note_child(struct cw_level *level, const struct cw_node *child)
{
    const struct cw_plan *plan = level->plan;
    size_t at = cw_plan_probe(child->name_hash);
    for (; plan->probes[at] != 0; at = (at + 1) & (CW_PLAN_PROBES - 1)) {
        size_t i = plan->probes[at] - 1u;
        if (plan->names[i].hash != child->name_hash || !cw_slice_equal(plan->names[i].name, child->name))
            continue;
        if (level->found[i] == NULL && child->kind != CW_NODE_ATTRIBUTE)
            level->found[i] = child;
        return;
    }
}

/* One pass over the children finds where every path of the plan begins: fields times children would be the
 * greater part of the work otherwise. Below an array, paths search for themselves. */
static void index_children(struct cw_level *level)
{
    const struct cw_node *record = level->scope.record;
    level->indexed = record != NULL && record->kind != CW_NODE_ARRAY;
    if (!level->indexed)
        return;
    memset(level->found, 0, level->plan->name_count * sizeof *level->found);
    for (const struct cw_node *child = record->first; child != NULL; child = child->next)
        note_child(level, child);
}

struct skip_search {
    const struct cw_skip_rule *skip;
    bool found;
};

static bool compare_skip(void *arg, const struct cw_node *node)
{
    struct skip_search *search = arg;
    struct cw_slice text = cw_convert_trim(node->text);
    for (size_t i = 0; i < search->skip->value_count && !search->found; i++)
        search->found = cw_slice_equal(text, search->skip->values[i]);
    return !search->found;
}

/* A function that fails skips nothing: the record stays, with an issue. */
static bool ask_skip(struct cw_level *level, const struct cw_skip_rule *skip, bool *skipped)
{
    const struct cw_run *run = level->run;
    struct cw_value answer = { .is_set = false };
    struct cw_error err = { .code = CW_USAGE, .text = "no function can run here" };
    if (run->host != NULL &&
        run->host->call(run->host->arg, skip->call, &level->scope, CW_BOOLEAN, run->arena, &answer, &err)) {
        *skipped = answer.is_set && answer.boolean;
        return true;
    }
    return cw_report_issue(level, NULL, NULL, err.code == CW_LIMIT ? "limit" : "script",
                           "skip rule \"%s\": %s", skip->name, err.text);
}

static bool find_skip(struct cw_level *level, const char **name)
{
    for (const struct cw_skip_rule *skip = level->plan->skips; skip != NULL; skip = skip->next) {
        struct skip_search search = { .skip = skip };
        if (skip->path != NULL)
            cw_path_each(skip->path, &level->scope, compare_skip, &search);
        else if (!ask_skip(level, skip, &search.found))
            return false;
        if (search.found) {
            *name = skip->name;
            return true;
        }
    }
    return true;
}

static bool is_nothing(const struct cw_node *node)
{
    return node->first == NULL && cw_slice_trim(node->text).len == 0;
}

static struct cw_level nested_level(struct cw_level *outer, const struct cw_compiled_rule *rule,
                                    const struct cw_node *node, const struct cw_node **found)
{
    return (
        struct cw_level){ .run = outer->run,
                          .outer = outer,
                          .plan = rule->plan,
                          .scope = { node, outer->scope.parts, outer->scope.part_count, outer->scope.bytes },
                          .name = rule->name,
                          .path = rule->paths[0].path->text,
                          .found = found };
}

/* *doc stays NULL for a record that a skip rule of the nested plan leaves out. */
static bool map_nested(struct cw_level *level, struct cw_document **doc)
{
    const struct cw_plan *plan = level->plan;
    const char *skipped_by = NULL;
    if (!find_skip(level, &skipped_by))
        return false;
    if (skipped_by != NULL)
        return true;
    *doc = cw_document_create(level->run->arena, plan->kind);
    if (*doc == NULL || !map_fields(level, *doc))
        return false;
    if (plan->id_field >= 0 && (*doc)->values[plan->id_field].is_set)
        (*doc)->external_id = (*doc)->values[plan->id_field].text;
    return true;
}

static bool map_record(struct cw_level *outer, const struct cw_compiled_rule *rule, struct cw_value *out)
{
    const struct cw_node *found[CW_PLAN_NAMES_MAX];
    const struct cw_node *node = cw_level_first(outer, &rule->paths[0]);
    size_t issues_before = outer->run->issue_count;
    struct cw_document *doc = NULL;
    if (node != NULL && !is_nothing(node)) {
        struct cw_level level = nested_level(outer, rule, node, found);
        if (!map_nested(&level, &doc))
            return false;
        if (doc != NULL && level.present) {
            *out = (struct cw_value){ .is_set = true, .record = doc };
            outer->present = true;
            cw_report_append(&outer->report, &level.report);
            return true;
        }
        outer->run->issue_count = issues_before; /* what was missing in it is not missed when all of it is */
    }
    return !rule->required || cw_report_missing(outer, rule);
}

struct list {
    struct cw_level *outer;
    const struct cw_compiled_rule *rule;
    struct cw_value *out;
    size_t match;
    bool ok;
};

static void append_document(struct cw_value *list, struct cw_document *doc)
{
    if (list->list.first == NULL)
        list->list.first = doc;
    else
        list->list.last->next = doc;
    list->list.last = doc;
    list->list.count++;
}

static bool map_member(void *arg, const struct cw_node *node)
{
    struct list *list = arg;
    const struct cw_node *found[CW_PLAN_NAMES_MAX];
    struct cw_document *doc = NULL;
    list->match++;
    if (is_nothing(node))
        return true;
    struct cw_level level = nested_level(list->outer, list->rule, node, found);
    level.index = list->out->list.count + 1;
    level.match = list->match;
    list->ok = map_nested(&level, &doc);
    if (!list->ok)
        return false;
    cw_report_append(&list->outer->report, &level.report);
    if (doc != NULL)
        append_document(list->out, doc);
    return true;
}

/* Open addressing over the ids of one list. */
struct id_slot {
    const struct cw_document *doc;
    size_t index;
};

static bool report_duplicate(struct cw_level *outer, const struct cw_compiled_rule *rule,
                             const struct id_slot *first, size_t index)
{
    char quoted[CW_QUOTE_MAX];
    struct cw_level level = { .run = outer->run,
                              .outer = outer,
                              .plan = rule->plan,
                              .name = rule->name,
                              .index = index,
                              .report = outer->report };
    bool ok = cw_report_issue(&level, rule->plan->fields[rule->plan->id_field], NULL, "duplicate-id",
                              "external_id \"%s\" of %s %zu is that of %s %zu too",
                              cw_quote(first->doc->external_id, quoted), rule->plan->kind->name, index,
                              rule->plan->kind->name, first->index);
    outer->report = level.report;
    return ok;
}

static struct id_slot *find_id(struct id_slot *slots, size_t count, struct cw_slice id)
{
    size_t at = cw_slice_hash(id) & (count - 1);
    while (slots[at].doc != NULL && !cw_slice_equal(slots[at].doc->external_id, id))
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static bool check_ids(struct cw_level *outer, const struct cw_compiled_rule *rule,
                      const struct cw_value *list)
{
    enum { SMALL = 32 }; /* slots, enough for 16 lines */
    struct id_slot small[SMALL];
    struct id_slot *slots = small;
    size_t count = SMALL, index = 0;
    while (count < list->list.count * 2)
        count *= 2;
    if (count > SMALL)
        slots = cw_arena_alloc(outer->run->arena, count * sizeof *slots);
    if (slots == NULL)
        return false;
    memset(slots, 0, count * sizeof *slots);
    for (const struct cw_document *doc = list->list.first; doc != NULL; doc = doc->next) {
        struct id_slot *slot = NULL;
        index++;
        if (doc->external_id.len > 0)
            slot = find_id(slots, count, doc->external_id);
        if (slot != NULL && slot->doc != NULL && !report_duplicate(outer, rule, slot, index))
            return false;
        if (slot != NULL && slot->doc == NULL)
            *slot = (struct id_slot){ doc, index };
    }
    return true;
}

static bool map_list(struct cw_level *outer, const struct cw_compiled_rule *rule, struct cw_value *out)
{
    struct list list = { .outer = outer, .rule = rule, .out = out, .ok = true };
    *out = (struct cw_value){ .is_set = true };
    cw_level_each(outer, &rule->paths[0], map_member, &list);
    if (!list.ok)
        return false;
    if (out->list.count == 0)
        return !rule->required || cw_report_missing(outer, rule);
    outer->present = true;
    return rule->plan->kind != &cw_kind_line || rule->plan->fields[rule->plan->id_field] == NULL ||
           out->list.count == 1 || check_ids(outer, rule, out);
}

static bool map_field(struct cw_level *level, const struct cw_compiled_rule *rule, struct cw_value *out)
{
    if (rule->type == CW_LIST)
        return map_list(level, rule, out);
    if (rule->type == CW_RECORD)
        return map_record(level, rule, out);
    return cw_level_read(level, rule, out);
}

static bool judge_currency(struct cw_level *level, const struct cw_compiled_rule *rule,
                           const struct cw_value *value)
{
    char quoted[CW_QUOTE_MAX];
    struct cw_run *run = level->run;
    bool known = value->is_set && cw_currency_digits(value->text) >= 0;
    if (known || level->report.issues != NULL || value->is_set)
        run->currency = known ? CW_CURRENCY_KNOWN : CW_CURRENCY_REPORTED;
    if (known || !value->is_set)
        return true;
    return cw_report_issue(level, rule, rule->path_count > 0 ? rule->paths[0].path : NULL, "currency",
                           "currency is \"%s\", which is no ISO 4217 code such as EUR",
                           cw_quote(value->text, quoted));
}

/* Amounts anywhere in the record need it, so it comes first; what it reports waits for its turn in `report`.
 */
static bool map_currency(struct cw_level *level, struct cw_document *doc, struct cw_report *report)
{
    const struct cw_plan *plan = level->plan;
    const struct cw_compiled_rule *rule =
        plan->currency_field >= 0 ? plan->fields[plan->currency_field] : NULL;
    struct cw_report before = level->report;
    if (level->outer != NULL || rule == NULL)
        return true;
    struct cw_value *value = &doc->values[plan->currency_field];
    level->report = (struct cw_report){ 0 };
    bool ok = map_field(level, rule, value) && judge_currency(level, rule, value);
    *report = level->report;
    level->report = before;
    return ok;
}

static bool map_custom(struct cw_level *level, struct cw_document *doc)
{
    struct cw_custom **end = &doc->custom;
    for (const struct cw_compiled_rule *rule = level->plan->custom; rule != NULL; rule = rule->next) {
        struct cw_value value = { .is_set = false };
        if (!map_field(level, rule, &value))
            return false;
        if (!value.is_set)
            continue;
        struct cw_custom *custom = cw_arena_alloc(level->run->arena, sizeof *custom);
        if (custom == NULL)
            return false;
        *custom = (struct cw_custom){ .name = rule->name, .type = rule->type, .value = value };
        *end = custom;
        end = &custom->next;
    }
    return true;
}

static bool map_fields(struct cw_level *level, struct cw_document *doc)
{
    const struct cw_plan *plan = level->plan;
    struct cw_report currency = { 0 };
    index_children(level);
    if (!map_currency(level, doc, &currency))
        return false;
    bool currency_done = level->outer == NULL;
    for (size_t i = 0; i < plan->kind->field_count; i++) {
        if (currency_done && (int)i == plan->currency_field)
            cw_report_append(&level->report, &currency);
        else if (plan->fields[i] != NULL && !map_field(level, plan->fields[i], &doc->values[i]))
            return false;
    }
    return plan->custom == NULL || map_custom(level, doc);
}

static bool exhausted(const struct cw_arena *arena, struct cw_error *err)
{
    if (arena->limit != 0)
        return cw_fail(err, CW_LIMIT, "mapping the record takes more than the %zu bytes allowed for it",
                       arena->limit);
    return cw_fail(err, CW_NOMEM, "no memory to map the record");
}

bool cw_plan_run(const struct cw_plan *plan, const struct cw_scope *scope, struct cw_slice external_id,
                 const struct cw_plan_host *host, struct cw_plan_how how, struct cw_arena *arena,
                 struct cw_mapped *out, struct cw_error *err)
{
    const struct cw_node *found[CW_PLAN_NAMES_MAX];
    struct cw_run run = { .root = plan, .host = host, .arena = arena, .trace = how.trace };
    struct cw_level level = { .run = &run, .plan = plan, .scope = *scope, .found = found };
    *out = (struct cw_mapped){ 0 };
    if (!how.is_stored && !find_skip(&level, &out->skipped_by))
        return exhausted(arena, err);
    if (out->skipped_by != NULL)
        return true;
    struct cw_document *doc = cw_document_create(arena, plan->kind);
    if (doc == NULL || !map_fields(&level, doc))
        return exhausted(arena, err);
    doc->external_id = external_id;
    out->doc = doc;
    out->issues = level.report.issues;
    out->trace = level.report.trace;
    return true;
}
