/* plan_value.c - one value: found, cleaned, translated, converted and checked. Nothing here allocates or
 * prints unless the value needs a new text (joined, decoded) or is at fault. */
#include "mapping/running.h"

#include <stdio.h>

#include "mapping/convert.h"
#include "mapping/html.h"

static enum cw_outcome faulty(bool reported)
{
    return reported ? CW_FAULTY : CW_EXHAUSTED;
}

const struct cw_node *cw_level_first(const struct cw_level *level, const struct cw_plan_path *path)
{
    if (!level->indexed || path->name == CW_PLAN_NO_NAME)
        return cw_path_first(path->path, &level->scope);
    const struct cw_node *from = level->found[path->name];
    return from != NULL ? cw_path_first_from(path->path, from) : NULL;
}

void cw_level_each(const struct cw_level *level, const struct cw_plan_path *path, cw_path_match_fn *match,
                   void *arg)
{
    if (!level->indexed || path->name == CW_PLAN_NO_NAME)
        cw_path_each(path->path, &level->scope, match, arg);
    else if (level->found[path->name] != NULL)
        cw_path_each_from(path->path, level->found[path->name], match, arg);
}

static bool decode_html(const struct cw_level *level, struct cw_slice *text)
{
    if (text->len == 0 || memchr(text->data, '&', text->len) == NULL)
        return true;
    char *decoded = cw_arena_bytes(level->run->arena, text->len);
    if (decoded == NULL)
        return false;
    *text = (struct cw_slice){ decoded, cw_html_decode(*text, decoded) };
    return true;
}

/* The text as the rule wants it; absent when nothing is left or it is one of the rule's words for nothing. */
static enum cw_outcome clean(const struct cw_level *level, const struct cw_compiled_rule *rule,
                             struct cw_slice *text)
{
    if (rule->html && !decode_html(level, text))
        return CW_EXHAUSTED;
    if (!rule->keep_space || rule->type != CW_TEXT)
        *text = cw_convert_trim(*text);
    if (text->len == 0)
        return CW_ABSENT;
    for (size_t i = 0; i < rule->none_count; i++)
        if (cw_slice_equal(*text, rule->none[i]))
            return CW_ABSENT;
    return CW_PRESENT;
}

static bool has_children(const struct cw_node *node)
{
    const struct cw_node *child = node->first;
    while (child != NULL && child->kind == CW_NODE_ATTRIBUTE)
        child = child->next;
    return child != NULL;
}

static enum cw_outcome no_value(struct cw_level *level, const struct cw_compiled_rule *rule,
                                const struct cw_path *path, const char *what)
{
    return faulty(cw_report_issue(level, rule, path, "invalid",
                                  "%.*s is to come from %.*s, but there stands %s instead of a value",
                                  CW_SLICE_ARG(rule->name), CW_SLICE_ARG(path->text), what));
}

static enum cw_outcome node_text(struct cw_level *level, const struct cw_compiled_rule *rule,
                                 const struct cw_path *path, const struct cw_node *node, struct cw_slice *out)
{
    if (node->kind == CW_NODE_NULL)
        return CW_ABSENT;
    if (node->kind == CW_NODE_ARRAY)
        return node->first == NULL ? CW_ABSENT : no_value(level, rule, path, "a list");
    if (node->kind == CW_NODE_OBJECT && node->first != NULL && has_children(node) &&
        cw_slice_trim(node->text).len == 0)
        return no_value(level, rule, path, "a group of fields");
    *out = node->text;
    return clean(level, rule, out);
}

static enum cw_outcome read_paths(struct cw_level *level, const struct cw_compiled_rule *rule,
                                  struct cw_reading *reading, struct cw_slice *text)
{
    for (size_t i = 0; i < rule->path_count; i++) {
        const struct cw_node *node = cw_level_first(level, &rule->paths[i]);
        if (node == NULL)
            continue;
        enum cw_outcome outcome = node_text(level, rule, rule->paths[i].path, node, text);
        if (outcome == CW_ABSENT)
            continue;
        reading->path = rule->paths[i].path;
        reading->raw = node->text;
        return outcome;
    }
    return CW_ABSENT;
}

static struct cw_slice join(struct cw_arena *arena, const struct cw_slice *pieces, size_t count,
                            struct cw_slice between)
{
    size_t size = (count - 1) * between.len;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].len;
    char *text = cw_arena_bytes(arena, size + 1); /* never NULL for nothing at all */
    if (text == NULL)
        return (struct cw_slice){ NULL, 0 };
    char *at = text;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            at = (char *)memcpy(at, between.data, between.len) + between.len;
        at = (char *)memcpy(at, pieces[i].data, pieces[i].len) + pieces[i].len;
    }
    return (struct cw_slice){ text, size };
}

static enum cw_outcome read_join(struct cw_level *level, const struct cw_compiled_rule *rule,
                                 struct cw_reading *reading, struct cw_slice *text)
{
    struct cw_slice *pieces = cw_arena_alloc(level->run->arena, rule->path_count * sizeof *pieces);
    size_t count = 0;
    if (pieces == NULL)
        return CW_EXHAUSTED;
    for (size_t i = 0; i < rule->path_count; i++) {
        const struct cw_path *path = rule->paths[i].path;
        const struct cw_node *node = cw_level_first(level, &rule->paths[i]);
        enum cw_outcome outcome =
            node != NULL ? node_text(level, rule, path, node, &pieces[count]) : CW_ABSENT;
        if (outcome == CW_ABSENT)
            continue;
        if (outcome != CW_PRESENT)
            return outcome;
        if (count++ == 0)
            reading->path = path;
    }
    if (count == 0)
        return CW_ABSENT;
    *text = count == 1 ? pieces[0] : join(level->run->arena, pieces, count, rule->text);
    reading->raw = *text;
    return text->data != NULL ? CW_PRESENT : CW_EXHAUSTED;
}

struct sum {
    struct cw_level *level;
    const struct cw_compiled_rule *rule;
    const struct cw_path *path, *first_path;
    struct cw_decimal total;
    enum cw_outcome outcome;
    size_t raw_len;
    char raw[160]; /* "1.00 + 2.00", only for a trace */
};

static enum cw_outcome report_conversion(struct cw_level *level, const struct cw_compiled_rule *rule,
                                         const struct cw_path *path, struct cw_slice text,
                                         enum cw_conversion fault)
{
    char quoted[CW_QUOTE_MAX];
    const char *code = fault == CW_CONVERT_OVERFLOW ? "overflow" : "invalid";
    bool by_format = rule->format_count > 0 && fault == CW_CONVERT_INVALID;
    struct cw_slice format = by_format ? rule->formats[0] : (struct cw_slice){ "", 0 };
    return faulty(
        cw_report_issue(level, rule, path, code, "%.*s is \"%s\", which %s%s%.*s%s", CW_SLICE_ARG(rule->name),
                        cw_quote(text, quoted), cw_convert_why(rule->type, fault, rule->zone),
                        by_format ? " written like " : "", CW_SLICE_ARG(format),
                        by_format && rule->format_count > 1 ? " or in one of the other formats" : ""));
}

static enum cw_outcome report_sum_overflow(struct cw_level *level, const struct cw_compiled_rule *rule,
                                           const struct cw_path *path)
{
    return faulty(cw_report_issue(level, rule, path, "overflow", "%.*s is a sum that %s",
                                  CW_SLICE_ARG(rule->name),
                                  cw_convert_why(rule->type, CW_CONVERT_OVERFLOW, NULL)));
}

static void note_summand(struct sum *sum, struct cw_slice text)
{
    size_t room = sizeof sum->raw - sum->raw_len;
    int len =
        snprintf(sum->raw + sum->raw_len, room, "%s%.*s", sum->raw_len > 0 ? " + " : "", CW_SLICE_ARG(text));
    sum->raw_len += (size_t)len < room ? (size_t)len : room - 1;
}

static bool add_match(void *arg, const struct cw_node *node)
{
    struct sum *sum = arg;
    struct cw_slice text;
    struct cw_value value;
    enum cw_outcome outcome = node_text(sum->level, sum->rule, sum->path, node, &text);
    if (outcome == CW_ABSENT)
        return true;
    if (outcome == CW_PRESENT) {
        enum cw_conversion result =
            cw_convert_as(CW_DECIMAL, text, sum->rule->formats, sum->rule->format_count, NULL, &value);
        if (result != CW_CONVERTED)
            outcome = report_conversion(sum->level, sum->rule, sum->path, text, result);
        else if (!cw_decimal_add(&sum->total, &value.decimal, &sum->total, NULL))
            outcome = report_sum_overflow(sum->level, sum->rule, sum->path);
    }
    if (sum->level->run->trace && outcome == CW_PRESENT)
        note_summand(sum, text);
    if (sum->first_path == NULL)
        sum->first_path = sum->path;
    sum->outcome = outcome;
    return outcome == CW_PRESENT;
}

static enum cw_outcome set_sum(const struct sum *sum, struct cw_value *value)
{
    enum cw_conversion result = CW_CONVERTED;
    char text[CW_DECIMAL_TEXT_MAX];
    value->is_set = true;
    value->decimal = sum->total;
    if (sum->rule->type != CW_INTEGER)
        return CW_PRESENT;
    struct cw_slice plain = { text, cw_decimal_format(&sum->total, text) };
    result = cw_convert(CW_INTEGER, plain, NULL, value);
    return result == CW_CONVERTED ? CW_PRESENT
                                  : report_conversion(sum->level, sum->rule, sum->first_path, plain, result);
}

static enum cw_outcome read_sum(struct cw_level *level, const struct cw_compiled_rule *rule,
                                struct cw_reading *reading)
{
    struct sum sum = { .level = level, .rule = rule, .outcome = CW_PRESENT };
    for (size_t i = 0; i < rule->path_count && sum.outcome == CW_PRESENT; i++) {
        sum.path = rule->paths[i].path;
        cw_level_each(level, &rule->paths[i], add_match, &sum);
    }
    if (sum.outcome != CW_PRESENT)
        return sum.outcome;
    reading->path = sum.first_path;
    if (level->run->trace) {
        reading->raw = cw_arena_copy(level->run->arena, (struct cw_slice){ sum.raw, sum.raw_len });
        if (reading->raw.data == NULL)
            return CW_EXHAUSTED;
    }
    return set_sum(&sum, reading->value);
}

static enum cw_outcome call(struct cw_level *level, const struct cw_compiled_rule *rule, struct cw_value *out)
{
    const struct cw_run *run = level->run;
    enum cw_type want = rule->table.len > 0 ? CW_TEXT : rule->type;
    struct cw_error err;
    if (run->host == NULL)
        return faulty(cw_report_issue(level, rule, NULL, "script",
                                      "%.*s needs a function, but none can run here",
                                      CW_SLICE_ARG(rule->name)));
    if (run->host->call(run->host->arg, rule->call, &level->scope, want, run->arena, out, &err))
        return out->is_set ? CW_PRESENT : CW_ABSENT;
    return faulty(cw_report_issue(level, rule, NULL, err.code == CW_LIMIT ? "limit" : "script", "%.*s: %s",
                                  CW_SLICE_ARG(rule->name), err.text));
}

static enum cw_outcome read_call(struct cw_level *level, const struct cw_compiled_rule *rule,
                                 struct cw_reading *reading, struct cw_slice *text)
{
    enum cw_outcome outcome = call(level, rule, reading->value);
    if (outcome != CW_PRESENT || (rule->type != CW_TEXT && rule->table.len == 0))
        return outcome;
    *text = reading->raw = reading->value->text;
    reading->value->is_set = false; /* not before it is translated and checked */
    return clean(level, rule, text);
}

static enum cw_outcome unknown_key(struct cw_level *level, const struct cw_compiled_rule *rule,
                                   const struct cw_path *path, struct cw_slice text)
{
    char quoted[CW_QUOTE_MAX], code[64];
    const char *cart = level->run->root->cart;
    cw_quote(text, quoted);
    snprintf(code, sizeof code, "unknown-%.*s", CW_SLICE_ARG(rule->table));
    if (!cw_report_issue(level, rule, path, code,
                         "%.*s \"%s\" has no row in table %.*s; add one: cartwright table set %s %.*s \"%s\" "
                         "VALUE",
                         CW_SLICE_ARG(rule->name), quoted, CW_SLICE_ARG(rule->table),
                         cart != NULL ? cart : "CART", CW_SLICE_ARG(rule->table), quoted))
        return CW_EXHAUSTED;
    struct cw_found_issue *made = level->report.last_issue; /* none when there were too many before it */
    if (made != NULL && cw_slice_is(made->code, code))
        made->subject = text;
    return CW_FAULTY;
}

static enum cw_outcome translate(struct cw_level *level, const struct cw_compiled_rule *rule,
                                 struct cw_reading *reading, struct cw_slice *text)
{
    const struct cw_table *table = cw_plan_table(level->run->root, rule->table);
    const struct cw_table_row *row = table != NULL ? cw_table_find(table, *text) : NULL;
    if (row == NULL)
        return unknown_key(level, rule, reading->path, *text);
    reading->row = row;
    *text = row->value;
    return row->is_nothing ? CW_ABSENT : CW_PRESENT;
}

static enum cw_outcome not_a_choice(struct cw_level *level, const struct cw_compiled_rule *rule,
                                    const struct cw_path *path, struct cw_slice text)
{
    char quoted[CW_QUOTE_MAX], choices[256];
    cw_rule_choices(rule, choices, sizeof choices);
    return faulty(cw_report_issue(level, rule, path, "choice", "%.*s is \"%s\", which is none of: %s",
                                  CW_SLICE_ARG(rule->name), cw_quote(text, quoted), choices));
}

static enum cw_outcome settle_text(struct cw_level *level, const struct cw_compiled_rule *rule,
                                   struct cw_reading *reading, struct cw_slice text)
{
    if (rule->table.len > 0) {
        enum cw_outcome outcome = translate(level, rule, reading, &text);
        if (outcome != CW_PRESENT)
            return outcome;
    }
    if (rule->choices != NULL && !cw_rule_allows(rule, text))
        return not_a_choice(level, rule, reading->path, text);
    enum cw_conversion result =
        cw_convert_as(rule->type, text, rule->formats, rule->format_count, rule->zone, reading->value);
    if (result != CW_CONVERTED)
        return report_conversion(level, rule, reading->path, text, result);
    return CW_PRESENT;
}

static enum cw_outcome read_source(struct cw_level *level, const struct cw_compiled_rule *rule,
                                   struct cw_reading *reading)
{
    enum cw_outcome outcome = CW_ABSENT;
    struct cw_slice text = { NULL, 0 };
    switch (rule->source) {
    case CW_FROM_PATHS:
        outcome = read_paths(level, rule, reading, &text);
        break;
    case CW_FROM_JOIN:
        outcome = read_join(level, rule, reading, &text);
        break;
    case CW_FROM_CALL:
        outcome = read_call(level, rule, reading, &text);
        break;
    case CW_FROM_SUM:
        return read_sum(level, rule, reading);
    case CW_FROM_CONSTANT:
        *reading->value = rule->fixed;
        reading->raw = rule->text;
        return CW_PRESENT;
    case CW_FROM_EACH:
    case CW_FROM_RECORD:
    case CW_FROM_RULE:
        break;
    }
    if (outcome != CW_PRESENT || reading->value->is_set)
        return outcome;
    return settle_text(level, rule, reading, text);
}

static bool use_default(struct cw_level *level, const struct cw_compiled_rule *rule,
                        struct cw_reading *reading)
{
    if (!rule->has_default)
        return !rule->required || cw_report_missing(level, rule);
    *reading->value = rule->fixed;
    reading->raw = rule->default_text;
    reading->from_default = true;
    reading->path = NULL;
    reading->row = NULL;
    return true;
}

/* An amount without a currency is no amount; one issue says so for all of them. */
static bool check_currency(struct cw_level *level, const struct cw_compiled_rule *rule)
{
    struct cw_run *run = level->run;
    if (run->currency != CW_CURRENCY_ABSENT)
        return true;
    run->currency = CW_CURRENCY_REPORTED;
    return cw_report_issue(level, rule, NULL, "currency", "%.*s is an amount, but the record has no currency",
                           CW_SLICE_ARG(rule->name));
}

/* The number in the field's own unit and sign. */
static enum cw_outcome scale(struct cw_level *level, const struct cw_compiled_rule *rule,
                             const struct cw_reading *reading)
{
    struct cw_decimal *value = &reading->value->decimal;
    if (rule->source == CW_FROM_CONSTANT)
        return CW_PRESENT;
    if (rule->has_times && !cw_decimal_multiply(value, &rule->times, value, NULL))
        return report_conversion(level, rule, reading->path, reading->raw, CW_CONVERT_OVERFLOW);
    if (rule->negate)
        *value = cw_decimal_negate(*value);
    return CW_PRESENT;
}

bool cw_level_read(struct cw_level *level, const struct cw_compiled_rule *rule, struct cw_value *out)
{
    struct cw_reading reading = { .value = out, .raw = { "", 0 } };
    enum cw_outcome outcome = read_source(level, rule, &reading);
    if (outcome == CW_PRESENT && (rule->negate || rule->has_times))
        outcome = scale(level, rule, &reading);
    if (outcome == CW_EXHAUSTED)
        return false;
    if (outcome == CW_FAULTY || reading.path != NULL ||
        (outcome == CW_PRESENT && rule->source == CW_FROM_CALL))
        level->present = true;
    if (outcome != CW_PRESENT)
        out->is_set = false;
    if (outcome == CW_ABSENT && !use_default(level, rule, &reading))
        return false;
    if (!out->is_set)
        return true;
    if (rule->type == CW_MONEY && !check_currency(level, rule))
        return false;
    return !level->run->trace || cw_report_trace(level, rule, &reading);
}
