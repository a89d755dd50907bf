/* ruled.h - rules put to one document, which is written down by names and texts. */
#ifndef CW_TESTS_MAPPING_RULED_H
#define CW_TESTS_MAPPING_RULED_H

#include "testing.h"

#include "mapping/edit.h"
#include "mapping/rules.h"

static struct cw_arena arena;
static struct cw_error err;
static struct cw_plan *plan;
static struct cw_rules *rules;
static struct cw_mapped mapped;
static struct cw_case of;
static struct cw_answers answers[32];
static struct cw_question *questions;
static size_t question_count;

static inline int set_up_kind(const struct cw_kind *kind)
{
    cw_arena_init(&arena, 0);
    plan = cw_plan_create(&cw_kind_order, "orders.map", &err);
    rules = cw_rules_create(kind, &err);
    mapped = (struct cw_mapped){ .doc = cw_document_create(&arena, kind) };
    memset(answers, 0, sizeof answers);
    of = (struct cw_case){ .cart = cw_slice("shop"), .plan = plan, .answers = answers, .answer_count = 32 };
    questions = NULL;
    question_count = 0;
    return plan != NULL && rules != NULL && mapped.doc != NULL ? 0 : -1;
}

static inline int set_up(void **state)
{
    (void)state;
    return set_up_kind(&cw_kind_order);
}

static inline int tear_down(void **state)
{
    (void)state;
    cw_rules_free(rules);
    cw_plan_free(plan);
    cw_arena_fini(&arena);
    return 0;
}

static inline struct cw_value *value_of(struct cw_document *doc, const char *field)
{
    int i = cw_kind_field(doc->kind, cw_slice(field));
    assert_true(i >= 0);
    return &doc->values[i];
}

static inline void set_in(struct cw_document *doc, const char *name, const char *text)
{
    assert_ok(cw_document_set(doc, cw_slice(name), cw_slice(text), NULL, &arena, &err), err);
}

static inline void set(const char *name, const char *text)
{
    set_in(mapped.doc, name, text);
}

/* An empty member of a list; its fields are set by name then: "lines[1].sku". */
static inline struct cw_document *add_member(struct cw_document *doc, const char *list)
{
    struct cw_value *value = value_of(doc, list);
    struct cw_document *member =
        cw_document_create(&arena, doc->kind->fields[cw_kind_field(doc->kind, cw_slice(list))].kind);
    assert_non_null(member);
    if (!value->is_set)
        *value = (struct cw_value){ .is_set = true };
    if (value->list.last != NULL)
        value->list.last->next = member;
    else
        value->list.first = member;
    value->list.last = member;
    value->list.count++;
    return member;
}

/* A call of 0 is none here. */
static inline void add_step(struct cw_step step)
{
    if (step.call == 0)
        step.call = -1;
    if (step.name == NULL)
        step.name = "orders.test";
    if (step.where.data == NULL)
        step.where = cw_slice("site.lua:12");
    assert_ok(cw_rules_add(rules, &step, &err), err);
}

/* step(CW_SET, .target = "note", .text = cw_slice("x")) */
#define step(what, ...) add_step((struct cw_step){ .action = what, ##__VA_ARGS__ })

#define TEXTS(...)                                                                                           \
    (const struct cw_slice[])                                                                                \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define TEXT(text)                                                                                           \
    {                                                                                                        \
        text, sizeof text - 1                                                                                \
    }

static inline void refuse(struct cw_step step, const char *expected)
{
    step.call = -1;
    if (step.name == NULL)
        step.name = "orders.test";
    step.where = cw_slice("site.lua:12");
    err.code = CW_OK;
    assert_false(cw_rules_add(rules, &step, &err));
    assert_string_equal(err.text, expected);
    assert_int_equal(err.code, CW_USAGE);
}
#define refused(expected, what, ...) refuse((struct cw_step){ .action = what, ##__VA_ARGS__ }, expected)

static inline void add_row(const char *table, const char *key, const char *value)
{
    assert_ok(cw_plan_add_row(plan, table, cw_slice(key), cw_slice(value), value == NULL, cw_slice(""), &err),
              err);
}

static inline void ask(void)
{
    assert_ok(cw_rules_ask(rules, mapped.doc, of.cart, &arena, &questions, &question_count, &err), err);
}

/* The store's answer to question `number`, from 0; may be given twice. */
static inline struct cw_answer *answer(size_t number, const char *id)
{
    assert_true(number < question_count && answers[number].count < CW_ANSWERS_MAX);
    struct cw_answer *found = &answers[number].found[answers[number].count++];
    *found = (struct cw_answer){ .external_id = cw_slice(id) };
    return found;
}

/* The store's answer to all that ask for the document of that name. */
static inline void store_has(const char *cart, const char *id)
{
    ask();
    for (size_t i = 0; i < question_count; i++)
        if (cw_slice_is(questions[i].cart, cart) && cw_slice_is(questions[i].value, id))
            answer(i, id);
}

static inline void assert_question(size_t number, const char *cart, const char *field, const char *value)
{
    assert_true(number < question_count);
    assert_slice(questions[number].cart, cart);
    assert_string_equal(questions[number].field, field);
    assert_slice(questions[number].value, value);
}

static inline void run(void)
{
    assert_ok(cw_rules_run(rules, &of, &arena, &mapped, &err), err);
}

/* Another record for the same rules. */
static inline void begin(const struct cw_kind *kind)
{
    mapped = (struct cw_mapped){ .doc = cw_document_create(&arena, kind) };
    memset(answers, 0, sizeof answers);
    assert_non_null(mapped.doc);
}

static inline void assert_text_in(struct cw_document *doc, const char *name, const char *expected)
{
    struct cw_slice text;
    assert_ok(cw_document_text(doc, cw_slice(name), &arena, &text, &err), err);
    if (expected == NULL && text.data != NULL)
        fail_msg("%s is \"%.*s\"", name, CW_SLICE_ARG(text));
    if (expected == NULL)
        return;
    if (text.data == NULL)
        fail_msg("%s is not set", name);
    assert_slice(text, expected);
}

static inline void assert_text(const char *name, const char *expected)
{
    assert_non_null(mapped.doc);
    assert_text_in(mapped.doc, name, expected);
}

static inline const struct cw_found_issue *issue_at(size_t number)
{
    const struct cw_found_issue *issue = mapped.issues;
    while (issue != NULL && number-- > 0)
        issue = issue->next;
    return issue;
}

static inline void assert_issue(size_t number, const char *code, const char *field, const char *subject,
                                bool is_hold, const char *message)
{
    const struct cw_found_issue *issue = issue_at(number);
    assert_non_null(issue);
    assert_slice(issue->message, message);
    assert_slice(issue->code, code);
    assert_slice(issue->field, field);
    assert_slice(issue->subject, subject);
    assert_int_equal(issue->is_hold, is_hold);
}

static inline void assert_no_issues(void)
{
    if (mapped.issues != NULL)
        fail_msg("%.*s", CW_SLICE_ARG(mapped.issues->message));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
