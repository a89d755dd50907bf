/* rules_run.c - the steps of a site's rules on one document, in their order. */
#include "mapping/edit.h"
#include "mapping/edit_name.h"
#include "mapping/rules_private.h"
#include "mapping/running.h"

#include <stdio.h>

static struct cw_slice empty(void)
{
    return (struct cw_slice){ "", 0 };
}

/* --- skipping --- */

/* A value that could not be mapped decides nothing: the record waits with its issue instead of being lost. */
static bool knows_its_fields(const struct cw_ruling *ruling, const struct cw_rule *rule)
{
    for (size_t i = 0; i < rule->when_count; i++)
        if (cw_mapped_has_issue(ruling->mapped, rule->when[i].ref.name))
            return false;
    return true;
}

static bool skip(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    if (ruling->of->before == NULL && knows_its_fields(ruling, rule))
        *ruling->mapped = (struct cw_mapped){ .skipped_by = rule->step.name };
    return true;
}

/* --- values --- */

static bool is_filled(const struct cw_ruling *ruling, const struct cw_rule *rule)
{
    enum cw_type type;
    return rule->step.fill && rule->target.name != NULL &&
           cw_ref_get(&rule->target, ruling->mapped->doc, &type) != NULL;
}

static bool copy(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    enum cw_type type;
    struct cw_slice text;
    const struct cw_value *value = cw_ref_get(&rule->source, ruling->mapped->doc, &type);
    if (value == NULL)
        return true;
    if (rule->target.field == NULL || (type == rule->target.type && type != CW_TEXT)) {
        struct cw_value same = *value;
        return cw_rule_assign(ruling, rule, type, &same);
    }
    return cw_ref_text(ruling, &rule->source, &text) && cw_rule_assign_text(ruling, rule, text);
}

static void note_row(struct cw_ruling *ruling, const struct cw_rule *rule, const struct cw_table_row *row)
{
    for (struct cw_trace *trace = ruling->mapped->trace; trace != NULL; trace = trace->next)
        if (cw_slice_is(trace->field, rule->target.name) && cw_slice_equal(trace->rule, rule->name)) {
            trace->rule_table = rule->table;
            trace->rule_row = row->key;
        }
}

static bool use_row(struct cw_ruling *ruling, const struct cw_rule *rule, const struct cw_table_row *row)
{
    static const struct cw_value nothing = { .is_set = false };
    bool ok = row->is_nothing ? cw_rule_assign(ruling, rule, rule->target.type, &nothing)
                              : cw_rule_assign_text(ruling, rule, row->value);
    if (ok && ruling->of->trace)
        note_row(ruling, rule, row);
    return ok;
}

static bool translate(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    struct cw_slice text;
    if (!cw_ref_text(ruling, &rule->source, &text))
        return false;
    text = cw_slice_trim(text);
    const struct cw_table_row *row = text.len > 0 ? cw_rule_row(ruling, rule, text) : NULL;
    if (row != NULL)
        return use_row(ruling, rule, row);
    if (rule->fallback.is_set)
        return cw_rule_assign(ruling, rule, rule->target.type, &rule->fallback);
    if (text.len == 0 || rule->step.unknown == CW_UNKNOWN_KEEP)
        return true;
    return cw_rule_unknown_row(ruling, rule, rule->target.name, rule->source.name, text);
}

/* --- functions --- */

/* With an answer that is unset when the function failed, which is an issue then. */
static bool call(struct cw_ruling *ruling, const struct cw_rule *rule, bool may_change, enum cw_type want,
                 struct cw_value *out)
{
    struct cw_error err = { .code = CW_USAGE, .text = "no function can run here" };
    const struct cw_rules_host *host = ruling->of->host;
    struct cw_document *doc = ruling->mapped->doc;
    *out = (struct cw_value){ .is_set = false };
    if (host != NULL &&
        host->call(host->arg, rule->step.call, doc, may_change, want, ruling->arena, out, &err))
        return true;
    out->is_set = false;
    return cw_rule_call_failed(ruling, rule, rule->target.name != NULL ? rule->target.name : "", &err);
}

struct explaining {
    struct cw_ruling *ruling;
    const struct cw_rule *rule;
    bool ok;
};

static bool explain_difference(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after)
{
    struct explaining *e = arg;
    char field[CW_ERROR_NAME_MAX];
    (void)before;
    snprintf(field, sizeof field, "%.*s", CW_SLICE_ARG(name));
    e->ok = cw_mapped_explain(e->ruling->mapped, e->ruling->arena, field,
                              after.data != NULL ? after : empty(), e->rule->name, e->rule->step.where);
    return e->ok;
}

/* A function that may change anything is explained by what it did change. */
static bool run_change(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    struct cw_value nothing;
    struct explaining e = { ruling, rule, true };
    struct cw_document *before =
        ruling->of->trace ? cw_document_copy(ruling->arena, ruling->mapped->doc) : NULL;
    if ((ruling->of->trace && before == NULL) || !call(ruling, rule, true, CW_TEXT, &nothing) ||
        !cw_rules_keep_decided(ruling))
        return false;
    return before == NULL ||
           (cw_document_differences(before, ruling->mapped->doc, ruling->arena, explain_difference, &e) &&
            e.ok);
}

static bool run_call(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    struct cw_value value;
    if (rule->target.name == NULL)
        return run_change(ruling, rule);
    if (!call(ruling, rule, false, rule->target.type, &value))
        return false;
    if (!value.is_set)
        return true;
    if (rule->target.type == CW_TEXT)
        return cw_rule_assign_text(ruling, rule, value.text);
    return cw_rule_assign(ruling, rule, rule->target.type, &value);
}

/* --- holds --- */

enum { HOLD_REASON_MAX = 512 }; /* bytes of what a function says; a sentence or two */

static bool hold(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    struct cw_value answer = { .is_set = true, .text = { "true", 4 } };
    struct cw_slice reason = rule->step.text, name = rule->name;
    char code[96];
    if (rule->step.call >= 0 && !call(ruling, rule, false, CW_TEXT, &answer))
        return false;
    if (!answer.is_set || answer.text.len == 0 || cw_slice_is(answer.text, "false"))
        return true;
    if (!cw_slice_is(answer.text, "true"))
        reason = cw_slice_clip(answer.text, HOLD_REASON_MAX);
    if (name.len > 6 && memcmp(name.data, "holds.", 6) == 0)
        name = (struct cw_slice){ name.data + 6, name.len - 6 };
    snprintf(code, sizeof code, "held-%.*s", CW_SLICE_ARG(name));
    if (reason.len == 0)
        return cw_rule_issue(ruling, CW_HELD, code, "", empty(), "held by the site's rule \"%.*s\" (%.*s)",
                             CW_SLICE_ARG(name), CW_SLICE_ARG(rule->step.where));
    return cw_rule_issue(ruling, CW_HELD, code, "", empty(), "%.*s", CW_SLICE_ARG(reason));
}

static bool hold_above(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    enum cw_type type;
    char total[CW_VALUE_TEXT_MAX], limit[CW_VALUE_TEXT_MAX];
    const struct cw_document *doc = ruling->mapped->doc;
    const struct cw_value *value = cw_ref_get(&rule->source, doc, &type);
    if (value == NULL || cw_decimal_compare(&value->decimal, &rule->value.decimal) <= 0)
        return true;
    struct cw_slice currency = cw_text_at(doc, cw_places()->order.currency);
    struct cw_slice stated = cw_field_text(doc, CW_MONEY, value, total);
    struct cw_slice allowed = cw_value_text(CW_MONEY, &rule->value, -1, limit);
    return cw_rule_issue(ruling, CW_HELD, "over-limit", rule->source.name, empty(),
                         "%s %.*s%s%.*s is above the limit of %.*s", rule->source.name, CW_SLICE_ARG(stated),
                         currency.len > 0 ? " " : "", CW_SLICE_ARG(currency), CW_SLICE_ARG(allowed));
}

/* The order itself has its number, of course. Which other one is not said: of several it could be any, and a
 * release holds for the very words. */
static bool has_other(const struct cw_answers *answers, struct cw_slice own)
{
    for (size_t i = 0; answers != NULL && i < answers->count; i++)
        if (!cw_slice_equal(answers->found[i].external_id, own))
            return true;
    return false;
}

static bool hold_duplicate(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    char number[CW_QUOTE_MAX];
    if (ruling->of->before != NULL) /* the other one is the duplicate */
        return true;
    for (const struct cw_asked *asked = ruling->asked; asked != NULL; asked = asked->next) {
        if (asked->rule != rule || !has_other(asked->answers, ruling->mapped->doc->external_id))
            continue;
        return cw_rule_issue(ruling, CW_HELD, "duplicate", "number", asked->question.value,
                             "another order of %.*s has the number \"%s\" too",
                             CW_SLICE_ARG(ruling->of->cart), cw_quote(asked->question.value, number));
    }
    return true;
}

/* What a document from before there were sources has none of is none. */
static bool same_text(const struct cw_value *before, const struct cw_value *now)
{
    return before == NULL || now == NULL || cw_slice_equal(before->text, now->text);
}

static bool hold_source(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    enum cw_type type;
    const struct cw_document *doc = ruling->mapped->doc, *before = ruling->of->before;
    if (before == NULL)
        return true;
    const struct cw_value *came = cw_ref_get(&rule->target, before, &type),
                          *comes = cw_ref_get(&rule->target, doc, &type);
    if (same_text(came, comes))
        return true;
    if (!same_text(cw_ref_get(&rule->source, before, &type), cw_ref_get(&rule->source, doc, &type)))
        return cw_rule_issue(
            ruling, CW_HELD, "other-source", rule->target.name, comes->text,
            "\"%.*s\" says something else than \"%.*s\", which brought this before; release it "
            "if that is right",
            CW_SLICE_ARG(cw_slice_clip(comes->text, 100)), CW_SLICE_ARG(cw_slice_clip(came->text, 100)));
    struct cw_value kept = *came;
    return cw_rule_assign(ruling, rule, CW_TEXT, &kept);
}

static bool tell_cart(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    struct cw_value status = { .is_set = true, .text = rule->step.text };
    if (ruling->of->before != NULL)
        return true;
    if (rule->step.call >= 0 && !call(ruling, rule, false, CW_TEXT, &status))
        return false;
    if (status.is_set)
        ruling->mapped->tell_cart = status.text;
    return true;
}

/* --- all steps --- */

static bool act(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    switch (rule->step.action) {
    case CW_SKIP:
        return skip(ruling, rule);
    case CW_SET:
        return cw_rule_assign(ruling, rule, rule->target.type, &rule->value);
    case CW_COPY:
        return copy(ruling, rule);
    case CW_TRANSLATE:
        return translate(ruling, rule);
    case CW_CALL:
        return run_call(ruling, rule);
    case CW_HOLD:
        return hold(ruling, rule);
    case CW_HOLD_ABOVE:
        return hold_above(ruling, rule);
    case CW_HOLD_DUPLICATE:
        return hold_duplicate(ruling, rule);
    case CW_HOLD_SOURCE:
        return hold_source(ruling, rule);
    case CW_MATCH_CUSTOMER:
        return cw_rule_match_customer(ruling, rule);
    case CW_MATCH_ADDRESS:
        return cw_rule_match_address(ruling, rule);
    case CW_MATCH_ITEMS:
        return cw_rule_match_items(ruling, rule);
    case CW_SPLIT_VARIANTS:
        return cw_rule_split_variants(ruling, rule);
    case CW_TAX:
        return cw_rule_tax(ruling, rule);
    case CW_FREIGHT_LINE:
        return cw_rule_freight_line(ruling, rule);
    case CW_PAYMENTS:
        return cw_rule_payments(ruling, rule);
    case CW_DISCOUNTS:
        return cw_rule_discounts(ruling, rule);
    case CW_TELL_CART:
        return tell_cart(ruling, rule);
    }
    return true;
}

static bool run_steps(struct cw_ruling *ruling)
{
    for (const struct cw_rule *rule = ruling->rules->first; rule != NULL && ruling->mapped->doc != NULL;
         rule = rule->next) {
        ruling->by = NULL;
        if (cw_rule_holds(ruling, rule) && !is_filled(ruling, rule) && !act(ruling, rule))
            return false;
    }
    return true;
}

static bool explain_kept(struct cw_ruling *ruling, int field)
{
    const struct cw_document *doc = ruling->mapped->doc;
    const char *name = doc->kind->fields[field].name;
    return !ruling->of->before->values[field].is_set ||
           cw_mapped_explain(ruling->mapped, ruling->arena, name, doc->values[field].text,
                             cw_slice("as it was decided when it first came"), empty());
}

static bool explain_decided(struct cw_ruling *ruling)
{
    return !ruling->of->trace || ruling->of->before == NULL || ruling->rules->kind != &cw_kind_order ||
           (explain_kept(ruling, cw_places()->order.type) && explain_kept(ruling, cw_places()->order.state));
}

static bool join_answers(struct cw_ruling *ruling)
{
    const struct cw_case *of = ruling->of;
    size_t count, i = 0;
    if (!ruling->rules->asks)
        return true;
    if (!cw_rules_list_questions(ruling->rules, ruling->mapped->doc, of->cart, ruling->arena, &ruling->asked,
                                 &count))
        return false;
    for (struct cw_asked *asked = ruling->asked; asked != NULL && i < of->answer_count; asked = asked->next)
        asked->answers = &of->answers[i++];
    return true;
}

bool cw_rules_run(const struct cw_rules *rules, const struct cw_case *of, struct cw_arena *arena,
                  struct cw_mapped *mapped, struct cw_error *err)
{
    struct cw_ruling ruling = { .rules = rules, .of = of, .arena = arena, .mapped = mapped };
    if (rules == NULL || mapped->doc == NULL)
        return true;
    return (join_answers(&ruling) && cw_rules_keep_decided(&ruling) && explain_decided(&ruling) &&
            run_steps(&ruling) && cw_rules_check_moves(&ruling)) ||
           cw_edit_exhausted(arena, err);
}
