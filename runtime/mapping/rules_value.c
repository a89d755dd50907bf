/* rules_value.c - values that rules read and set, conditions, and what is said of them: issues and
 * explanations. */
#include "mapping/rules_private.h"

#include <stdarg.h>
#include <stdio.h>

#include "mapping/edit_name.h"
#include "mapping/running.h"

/* --- reading --- */

static struct cw_document *owner_of(const struct cw_ref *ref, const struct cw_document *doc)
{
    return ref->outer < 0 ? (struct cw_document *)doc : cw_record_at(doc, ref->outer);
}

const struct cw_value *cw_ref_get(const struct cw_ref *ref, const struct cw_document *doc, enum cw_type *type)
{
    const struct cw_document *owner = owner_of(ref, doc);
    const struct cw_value *value;
    *type = ref->type;
    if (owner == NULL)
        return NULL;
    if (ref->index >= 0) {
        value = &owner->values[ref->index];
    } else {
        const struct cw_custom *custom = cw_custom_find(owner, ref->custom);
        if (custom == NULL)
            return NULL;
        *type = custom->type;
        value = &custom->value;
    }
    return value->is_set ? value : NULL;
}

bool cw_ref_text(const struct cw_ruling *ruling, const struct cw_ref *ref, struct cw_slice *out)
{
    enum cw_type type;
    char scratch[CW_VALUE_TEXT_MAX];
    const struct cw_value *value = cw_ref_get(ref, ruling->mapped->doc, &type);
    *out = (struct cw_slice){ NULL, 0 };
    if (value == NULL)
        return true;
    *out = cw_field_text(ruling->mapped->doc, type, value, scratch);
    if (type != CW_TEXT || out->data == NULL)
        *out = cw_arena_copy(ruling->arena, *out);
    return out->data != NULL;
}

/* --- conditions --- */

static bool same_value(enum cw_type type, const struct cw_value *a, const struct cw_value *b)
{
    switch (type) {
    case CW_TEXT:
        return cw_slice_equal(a->text, b->text);
    case CW_DECIMAL:
    case CW_MONEY:
        return cw_decimal_compare(&a->decimal, &b->decimal) == 0;
    case CW_INTEGER:
        return a->integer == b->integer;
    case CW_BOOLEAN:
        return a->boolean == b->boolean;
    case CW_TIME:
        return a->time == b->time;
    case CW_RECORD:
    case CW_LIST:
        break;
    }
    return false;
}

static bool has_text(const struct cw_compiled_condition *condition, struct cw_slice text)
{
    for (size_t i = 0; i < condition->count; i++)
        if (cw_slice_equal(condition->texts[i], text))
            return true;
    return false;
}

static bool is_one_of(const struct cw_compiled_condition *condition, const struct cw_document *doc)
{
    enum cw_type type;
    char scratch[CW_VALUE_TEXT_MAX];
    const struct cw_value *value = cw_ref_get(&condition->ref, doc, &type);
    if (value == NULL)
        return has_text(condition, (struct cw_slice){ "", 0 });
    if (type != condition->ref.type) /* a custom field, whose type only the mapping knows */
        return has_text(condition, cw_field_text(doc, type, value, scratch));
    for (size_t i = 0; i < condition->count; i++)
        if (condition->values[i].is_set ? same_value(type, value, &condition->values[i])
                                        : type == CW_TEXT && value->text.len == 0)
            return true;
    return false;
}

bool cw_rule_holds(const struct cw_ruling *ruling, const struct cw_rule *rule)
{
    for (size_t i = 0; i < rule->when_count; i++)
        if (is_one_of(&rule->when[i], ruling->mapped->doc) == rule->when[i].is_not)
            return false;
    return true;
}

/* --- explaining --- */

static bool explain(struct cw_ruling *ruling, const struct cw_rule *rule, const char *field,
                    enum cw_type type, const struct cw_value *value)
{
    char scratch[CW_VALUE_TEXT_MAX];
    struct cw_slice name = rule->name;
    if (!ruling->of->trace)
        return true;
    if (ruling->by != NULL)
        name = cw_name_print(ruling->arena, "%.*s by %s", CW_SLICE_ARG(rule->name), ruling->by);
    return name.data != NULL && cw_mapped_explain(ruling->mapped, ruling->arena, field,
                                                  cw_field_text(ruling->mapped->doc, type, value, scratch),
                                                  name, rule->step.where);
}

bool cw_rule_explain(struct cw_ruling *ruling, const struct cw_rule *rule, const char *list, size_t position,
                     const struct cw_document *owner, int field)
{
    char name[128];
    const struct cw_field *f = &owner->kind->fields[field];
    if (!ruling->of->trace)
        return true;
    if (position > 0)
        snprintf(name, sizeof name, "%s[%zu].%s", list, position, f->name);
    else
        snprintf(name, sizeof name, "%s", f->name);
    return explain(ruling, rule, name, f->type, &owner->values[field]);
}

/* --- setting --- */

static bool is_decided_field(const struct cw_ruling *ruling, int field)
{
    const struct cw_document *before = ruling->of->before;
    return before != NULL && before->kind == &cw_kind_order && before->values[field].is_set &&
           (field == cw_places()->order.type || field == cw_places()->order.state);
}

static bool is_decided(const struct cw_ruling *ruling, const struct cw_ref *ref)
{
    return ref->outer < 0 && ref->index >= 0 && is_decided_field(ruling, ref->index);
}

static bool keep(struct cw_ruling *ruling, int field)
{
    struct cw_value *value = &ruling->mapped->doc->values[field];
    if (!is_decided_field(ruling, field))
        return true;
    *value = ruling->of->before->values[field];
    value->text = cw_arena_copy(ruling->arena, value->text);
    return value->text.data != NULL;
}

bool cw_rules_keep_decided(struct cw_ruling *ruling)
{
    return ruling->rules->kind != &cw_kind_order || ruling->of->before == NULL ||
           (keep(ruling, cw_places()->order.type) && keep(ruling, cw_places()->order.state));
}

static struct cw_custom *make_custom(struct cw_ruling *ruling, struct cw_document *owner,
                                     struct cw_slice name)
{
    struct cw_custom **end = &owner->custom;
    struct cw_custom *custom = cw_custom_find(owner, name);
    if (custom != NULL)
        return custom;
    custom = cw_arena_alloc(ruling->arena, sizeof *custom);
    if (custom == NULL)
        return NULL;
    *custom = (struct cw_custom){ .name = name };
    while (*end != NULL)
        end = &(*end)->next;
    return *end = custom;
}

static bool put_custom(struct cw_ruling *ruling, struct cw_document *owner, const struct cw_ref *ref,
                       enum cw_type type, const struct cw_value *value)
{
    struct cw_custom *custom = make_custom(ruling, owner, ref->custom);
    if (custom == NULL)
        return false;
    custom->type = type;
    custom->value = *value;
    return true;
}

static void put_field(struct cw_document *owner, const struct cw_ref *ref, const struct cw_value *value)
{
    owner->values[ref->index] = *value;
    if (strcmp(ref->field->name, "external_id") == 0)
        owner->external_id = value->is_set ? value->text : (struct cw_slice){ "", 0 };
}

/* The record that the target stands in, made where it is not there. */
static struct cw_document *make_owner(struct cw_ruling *ruling, const struct cw_ref *ref)
{
    struct cw_document *doc = ruling->mapped->doc, *owner = owner_of(ref, doc);
    if (owner != NULL)
        return owner;
    owner = cw_document_create(ruling->arena, doc->kind->fields[ref->outer].kind);
    if (owner != NULL)
        doc->values[ref->outer] = (struct cw_value){ .is_set = true, .record = owner };
    return owner;
}

bool cw_rule_assign(struct cw_ruling *ruling, const struct cw_rule *rule, enum cw_type type,
                    const struct cw_value *value)
{
    const struct cw_ref *ref = &rule->target;
    enum cw_type known;
    if (is_decided(ruling, ref))
        return true;
    if (!value->is_set && cw_ref_get(ref, ruling->mapped->doc, &known) == NULL)
        return true;
    struct cw_document *owner = make_owner(ruling, ref);
    if (owner == NULL)
        return false;
    if (ref->index >= 0)
        put_field(owner, ref, value);
    else if (!put_custom(ruling, owner, ref, type, value))
        return false;
    return explain(ruling, rule, ref->name, type, value);
}

bool cw_rule_assign_text(struct cw_ruling *ruling, const struct cw_rule *rule, struct cw_slice text)
{
    const struct cw_ref *ref = &rule->target;
    struct cw_value value;
    char why[CW_FIT_WHY_MAX];
    enum cw_fit fit = cw_field_read(ref->field, ref->type, text, NULL, &value);
    if (fit == CW_FITS)
        return cw_rule_assign(ruling, rule, ref->type, &value);
    const char *code = fit == CW_FIT_CHOICE ? "choice" : fit == CW_FIT_OVERFLOW ? "overflow" : "invalid";
    return cw_rule_issue(ruling, CW_MEND, code, ref->name, text, "%s %s (rule \"%s\")", ref->name,
                         cw_field_why(ref->field, ref->type, fit, text, NULL, why), rule->step.name);
}

bool cw_ruling_link(struct cw_ruling *ruling, struct cw_slice cart, struct cw_slice id, struct cw_slice *out)
{
    size_t len = cart.len + 1 + id.len;
    char *text = cw_arena_bytes(ruling->arena, len);
    if (text == NULL)
        return false;
    if (cart.len > 0)
        memcpy(text, cart.data, cart.len);
    text[cart.len] = ':';
    if (id.len > 0)
        memcpy(text + cart.len + 1, id.data, id.len);
    *out = (struct cw_slice){ text, len };
    return true;
}

/* --- tables and issues --- */

const struct cw_table_row *cw_rule_row(const struct cw_ruling *ruling, const struct cw_rule *rule,
                                       struct cw_slice key)
{
    const struct cw_table *table =
        ruling->of->plan != NULL ? cw_plan_table(ruling->of->plan, rule->table) : NULL;
    return table != NULL ? cw_table_find(table, key) : NULL;
}

static size_t count_issues(const struct cw_mapped *mapped)
{
    size_t count = 0;
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next)
        count++;
    return count;
}

bool cw_rule_issue(struct cw_ruling *ruling, enum cw_severity severity, const char *code, const char *field,
                   struct cw_slice subject, const char *fmt, ...)
{
    char message[CW_ERROR_TEXT_MAX];
    va_list args;
    size_t count = count_issues(ruling->mapped);
    if (count > CW_PLAN_ISSUES_MAX)
        return true;
    if (count == CW_PLAN_ISSUES_MAX)
        return cw_mapped_add_issue(ruling->mapped, ruling->arena, "limit", "",
                                   "this record has more than %d issues; the others are not listed",
                                   CW_PLAN_ISSUES_MAX) != NULL;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    struct cw_found_issue *issue =
        cw_mapped_add_issue(ruling->mapped, ruling->arena, code, field, "%s", message);
    if (issue == NULL)
        return false;
    issue->is_hold = severity == CW_HELD;
    issue->subject = cw_arena_copy(ruling->arena, subject);
    return issue->subject.data != NULL;
}

bool cw_rule_unknown_row(struct cw_ruling *ruling, const struct cw_rule *rule, const char *field,
                         const char *what, struct cw_slice key)
{
    char quoted[CW_QUOTE_MAX], code[96];
    snprintf(code, sizeof code, "%.*s", CW_SLICE_ARG(rule->code));
    cw_quote(key, quoted);
    return cw_rule_issue(
        ruling, CW_MEND, code, field, key,
        "%s \"%s\" has no row in table %s; add one: cartwright table set %.*s %s \"%s\" VALUE", what, quoted,
        rule->step.table, CW_SLICE_ARG(ruling->of->cart), rule->step.table, quoted);
}

bool cw_rule_call_failed(struct cw_ruling *ruling, const struct cw_rule *rule, const char *field,
                         const struct cw_error *err)
{
    return cw_rule_issue(ruling, CW_MEND, err->code == CW_LIMIT ? "limit" : "script", field,
                         (struct cw_slice){ "", 0 }, "rule \"%s\": %s", rule->step.name, err->text);
}
