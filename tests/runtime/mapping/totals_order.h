/* totals_order.h - an order to be added up, made field by field. */
#ifndef TEST_TOTALS_ORDER_H
#define TEST_TOTALS_ORDER_H

#include "testing.h"

#include "mapping/totals.h"

static struct cw_arena arena;
static struct cw_error err;
static struct cw_mapped mapped;

static inline int set_up(void **state)
{
    (void)state;
    cw_arena_init(&arena, 0);
    mapped = (struct cw_mapped){ .doc = cw_document_create(&arena, &cw_kind_order) };
    return mapped.doc != NULL ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    cw_arena_fini(&arena);
    return 0;
}

/* Forgets the order and begins another one. */
static inline void begin_order(void)
{
    cw_arena_reset(&arena);
    mapped = (struct cw_mapped){ .doc = cw_document_create(&arena, &cw_kind_order) };
    assert_non_null(mapped.doc);
}

static inline struct cw_value *value_of(struct cw_document *doc, const char *field)
{
    int i = cw_kind_field(doc->kind, cw_slice(field));
    assert_true(i >= 0);
    doc->values[i].is_set = true;
    return &doc->values[i];
}

static inline void set_text(const char *field, const char *text)
{
    value_of(mapped.doc, field)->text = cw_slice(text);
}

static inline void set_amount_in(struct cw_document *doc, const char *field, const char *text)
{
    assert_ok(cw_decimal_parse(cw_slice(text), &value_of(doc, field)->decimal, &err), err);
}

static inline void set_amount(const char *field, const char *text)
{
    set_amount_in(mapped.doc, field, text);
}

static inline void set_tax_included(bool included)
{
    value_of(mapped.doc, "tax_included")->boolean = included;
}

static inline struct cw_document *add_entry(const char *list, const struct cw_kind *kind, const char *amount)
{
    struct cw_value *entries = value_of(mapped.doc, list);
    struct cw_document *entry = cw_document_create(&arena, kind);
    assert_non_null(entry);
    if (entries->list.first == NULL)
        entries->list.first = entry;
    else
        entries->list.last->next = entry;
    entries->list.last = entry;
    entries->list.count++;
    if (amount != NULL)
        set_amount_in(entry, "amount", amount);
    return entry;
}

static inline struct cw_document *add_line(void)
{
    return add_entry("lines", &cw_kind_line, NULL);
}

static inline struct cw_document *add_priced_line(const char *quantity, const char *price)
{
    struct cw_document *line = add_line();
    set_amount_in(line, "quantity", quantity);
    set_amount_in(line, "unit_price", price);
    return line;
}

static inline void add_line_total(const char *total)
{
    set_amount_in(add_line(), "total", total);
}

static inline void check(void)
{
    assert_ok(cw_totals_check(&mapped, &arena, &err), err);
}

static inline void assert_sound(void)
{
    check();
    if (mapped.issues != NULL)
        fail_msg("%.*s", CW_SLICE_ARG(mapped.issues->message));
}

static inline void assert_issue(const struct cw_found_issue *issue, const char *code, const char *field,
                                const char *message)
{
    assert_non_null(issue);
    assert_slice(issue->message, message);
    assert_slice(issue->code, code);
    assert_slice(issue->field, field);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
