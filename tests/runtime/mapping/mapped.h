/* mapped.h - an order plan with plans for its lines and addresses, run over a tree, and what comes out. */
#ifndef CW_TESTS_MAPPING_MAPPED_H
#define CW_TESTS_MAPPING_MAPPED_H

#include "tree.h"

#include "mapping/plan.h"

static struct cw_arena arena;
static struct cw_error err;
static struct cw_plan *plan, *line, *address;
static struct cw_mapped mapped;
static const struct cw_plan_host *host;

static inline int set_up(void **state)
{
    (void)state;
    cw_arena_init(&arena, 0);
    plan = cw_plan_create(&cw_kind_order, "orders.map", &err);
    line = cw_plan_create(&cw_kind_line, "orders.map.lines", &err);
    address = cw_plan_create(&cw_kind_address, "orders.map.billing", &err);
    host = NULL;
    return plan != NULL && line != NULL && address != NULL ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    cw_plan_free(plan);
    cw_plan_free(line);
    cw_plan_free(address);
    cw_arena_fini(&arena);
    return 0;
}

static inline void add_rule(struct cw_plan *to, struct cw_field_rule rule, const char *path)
{
    struct cw_slice slice = cw_slice(path);
    if (rule.paths == NULL && path != NULL) {
        rule.paths = &slice;
        rule.path_count = 1;
    }
    assert_ok(cw_plan_add(to, &rule, &err), err);
}

/* add(plan, "sku", "path", .required = true) */
#define add(to, field, path, ...) add_rule(to, (struct cw_field_rule){ .target = field, ##__VA_ARGS__ }, path)

static inline void add_row(const char *table, const char *key, const char *value)
{
    bool nothing = value == NULL;
    assert_ok(cw_plan_add_row(plan, table, cw_slice(key), cw_slice(value), nothing, cw_slice(""), &err), err);
}

static inline void run_scope(const struct cw_scope *scope, bool trace)
{
    const struct cw_plan_how how = { .trace = trace };
    assert_ok(cw_plan_run(plan, scope, cw_slice("101"), host, how, &arena, &mapped, &err), err);
}

static inline void run_stored(const char *record)
{
    struct cw_scope scope = { .record = tree(&arena, record) };
    const struct cw_plan_how how = { .is_stored = true };
    assert_ok(cw_plan_run(plan, &scope, cw_slice("101"), host, how, &arena, &mapped, &err), err);
}

static inline void run(const char *record)
{
    struct cw_scope scope = { .record = tree(&arena, record) };
    run_scope(&scope, false);
}

static inline void run_traced(const char *record)
{
    struct cw_scope scope = { .record = tree(&arena, record) };
    run_scope(&scope, true);
}

static inline void assert_value(const struct cw_document *doc, const char *field, const char *expected)
{
    char scratch[CW_VALUE_TEXT_MAX];
    const struct cw_value *value = cw_document_get(doc, field);
    assert_non_null(value);
    if (expected == NULL) {
        assert_false(value->is_set);
        return;
    }
    assert_true(value->is_set);
    enum cw_type type = doc->kind->fields[cw_kind_field(doc->kind, cw_slice(field))].type;
    assert_slice(cw_value_text(type, value, -1, scratch), expected);
}

static inline void assert_field(const char *field, const char *expected)
{
    assert_value(mapped.doc, field, expected);
}

static inline const struct cw_found_issue *issue_at(size_t number)
{
    const struct cw_found_issue *issue = mapped.issues;
    while (issue != NULL && number-- > 0)
        issue = issue->next;
    return issue;
}

static inline void assert_issue(size_t number, const char *code, const char *field, const char *path,
                                const char *message)
{
    const struct cw_found_issue *issue = issue_at(number);
    assert_non_null(issue);
    assert_slice(issue->message, message);
    assert_slice(issue->code, code);
    assert_slice(issue->field, field);
    assert_slice(issue->path, path);
}

static inline void assert_issue_count(size_t count)
{
    if (count > 0)
        assert_non_null(issue_at(count - 1));
    assert_null(issue_at(count));
}

static inline const struct cw_document *line_at(size_t number)
{
    const struct cw_document *doc = cw_document_get(mapped.doc, "lines")->list.first;
    while (doc != NULL && number-- > 0)
        doc = doc->next;
    assert_non_null(doc);
    return doc;
}

#endif
