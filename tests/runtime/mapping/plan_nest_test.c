/* plan_nest_test.c - lines, nested records and parts; where their issues and traces say they are; limits. */
#include "mapped.h"

#include <stdio.h>

static void lines_are_mapped_with_their_place(void **state)
{
    (void)state;
    add(line, "external_id", "id");
    add(line, "sku", "sku", .required = true);
    add(line, "quantity", "qty");
    add(plan, "lines", "rows/row", .source = CW_FROM_EACH, .plan = line);
    run("{rows:{row:{id:7 sku:'A' qty:'1'} row:{} row:{id:8 qty:'two pieces'} row:{id:9 sku:'C' qty:2}}}");
    assert_int_equal(cw_document_get(mapped.doc, "lines")->list.count, 3);
    assert_value(line_at(0), "sku", "A");
    assert_slice(line_at(1)->external_id, "8");
    assert_value(line_at(2), "quantity", "2");
    assert_issue(0, "missing", "lines[2].sku", "rows/row[3]/sku",
                 "sku is missing: the record has nothing at sku");
    assert_issue(1, "invalid", "lines[2].quantity", "rows/row[3]/qty",
                 "quantity is \"two pieces\", which is no decimal number");
    assert_issue_count(2);
}

static void an_order_without_lines_has_an_empty_list(void **state)
{
    (void)state;
    add(line, "sku", "sku");
    add(plan, "lines", "rows", .source = CW_FROM_EACH, .plan = line, .required = true);
    run("{rows:[null]}");
    assert_true(cw_document_get(mapped.doc, "lines")->is_set);
    assert_int_equal(cw_document_get(mapped.doc, "lines")->list.count, 0);
    assert_issue(0, "missing", "lines", "rows", "lines is missing: the record has nothing at rows");
}

static void lines_that_share_an_id_are_an_issue(void **state)
{
    (void)state;
    add(line, "external_id", "id");
    add(plan, "lines", "l", .source = CW_FROM_EACH, .plan = line);
    run("{l:[{id:'1'} {x:1} {id:'2'} {id:'1'} {x:1} {id:''}]}");
    assert_issue(0, "duplicate-id", "lines[4].external_id", "",
                 "external_id \"1\" of line 4 is that of line 1 too");
    assert_issue_count(1);
}

static void many_lines_are_compared_without_a_table_on_the_stack(void **state)
{
    (void)state;
    static char record[200 * 16];
    size_t len = (size_t)snprintf(record, sizeof record, "{l:[");
    for (int i = 0; i < 150; i++)
        len += (size_t)snprintf(record + len, sizeof record - len, "{id:%d} ", i == 149 ? 3 : i);
    snprintf(record + len, sizeof record - len, "]}");
    add(line, "external_id", "id");
    add(plan, "lines", "l", .source = CW_FROM_EACH, .plan = line);
    run(record);
    assert_issue(0, "duplicate-id", "lines[150].external_id", "",
                 "external_id \"3\" of line 150 is that of line 4 too");
    assert_issue_count(1);
}

static void nested_records_come_from_a_child_the_record_itself_or_a_part(void **state)
{
    (void)state;
    add(address, "city", "city");
    add(plan, "billing", ".", .source = CW_FROM_RECORD, .plan = address);
    add(plan, "shipping", "$delivery", .source = CW_FROM_RECORD, .plan = address);
    struct cw_part part = { cw_slice("delivery"), tree(&arena, "{city:'Lyon'}") };
    struct cw_scope scope = { .record = tree(&arena, "{city:'Paris'}"), .parts = &part, .part_count = 1 };
    run_scope(&scope, false);
    assert_value(cw_document_get(mapped.doc, "billing")->record, "city", "Paris");
    assert_value(cw_document_get(mapped.doc, "shipping")->record, "city", "Lyon");
}

static void a_part_is_reached_from_inside_a_line(void **state)
{
    (void)state;
    add(line, "sku", "$item[id=7]/sku");
    add(line, "name", "$item/name", .required = true);
    add(plan, "lines", "l", .source = CW_FROM_EACH, .plan = line);
    struct cw_part parts[] = { { cw_slice("item"), tree(&arena, "{id:6 sku:'S6'}") },
                               { cw_slice("item"), tree(&arena, "{id:7 sku:'S7'}") } };
    struct cw_scope scope = { .record = tree(&arena, "{l:{q:1}}"), .parts = parts, .part_count = 2 };
    run_scope(&scope, false);
    assert_value(line_at(0), "sku", "S7");
    assert_issue(0, "missing", "lines[1].name", "$item/name",
                 "name is missing: the record has nothing at $item/name");
}

static void a_record_of_absent_values_is_unset_and_misses_nothing(void **state)
{
    (void)state;
    add(address, "city", "city", .required = true);
    add(address, "country", "country", .has_default = true, .default_text = cw_slice("FR"));
    add(plan, "billing", "billing", .source = CW_FROM_RECORD, .plan = address);
    run("{billing:{city:'' company:'not mapped'}}");
    assert_false(cw_document_get(mapped.doc, "billing")->is_set);
    assert_issue_count(0);
    run("{billing:{country:'DE'}}");
    assert_value(cw_document_get(mapped.doc, "billing")->record, "country", "DE");
    assert_issue(0, "missing", "billing.city", "billing/city",
                 "city is missing: the record has nothing at city");
    run("{}");
    assert_false(cw_document_get(mapped.doc, "billing")->is_set);
}

static void a_required_record_that_is_unset_is_missing(void **state)
{
    (void)state;
    add(address, "city", "city");
    add(plan, "billing", "b", .source = CW_FROM_RECORD, .plan = address, .required = true);
    run("{b:{}}");
    assert_issue(0, "missing", "billing", "b", "billing is missing: the record has nothing at b");
}

static void a_skip_rule_of_a_line_leaves_the_line_out(void **state)
{
    (void)state;
    struct cw_slice value = cw_slice("configurable");
    assert_ok(cw_plan_add_skip(line, "parents", cw_slice("type"), &value, 1, &err), err);
    add(line, "sku", "sku", .required = true);
    add(plan, "lines", "l", .source = CW_FROM_EACH, .plan = line);
    run("{l:[{sku:'A' type:'configurable'} {type:'simple'}]}");
    assert_int_equal(cw_document_get(mapped.doc, "lines")->list.count, 1);
    assert_slice(issue_at(0)->field, "lines[1].sku");
    assert_slice(issue_at(0)->path, "l[2]/sku");
}

static void issues_beyond_the_limit_are_counted_out(void **state)
{
    (void)state;
    static char record[300 * 8];
    strcpy(record, "{l:[");
    for (int i = 0; i < 300; i++)
        strcat(record, "{a:1} ");
    strcat(record, "]}");
    add(line, "sku", "sku", .required = true);
    add(plan, "lines", "l", .source = CW_FROM_EACH, .plan = line);
    run(record);
    assert_issue(CW_PLAN_ISSUES_MAX, "limit", "", "",
                 "this record has more than 200 issues; the others are not listed");
    assert_issue_count(CW_PLAN_ISSUES_MAX + 1);
}

static void a_full_arena_ends_the_run_with_an_error(void **state)
{
    (void)state;
    add(address, "city", "city");
    add(line, "external_id", "id");
    add(line, "sku", "sku", .required = true);
    add(plan, "note", "n", .html = true);
    add(plan, "own", "n", .is_custom = true, .custom_type = CW_TEXT);
    add(plan, "billing", "b", .source = CW_FROM_RECORD, .plan = address);
    add(plan, "lines", "l", .source = CW_FROM_EACH, .plan = line);
    struct cw_scope scope = { .record =
                                  tree(&arena, "{n:'a &amp; b' b:{city:'x'} l:[{id:1} {id:1 sku:'x'}]}") };
    bool ok = false;
    for (size_t limit = 1; !ok; limit += 7) {
        struct cw_arena small;
        cw_arena_init(&small, limit);
        ok = cw_plan_run(plan, &scope, cw_slice("1"), NULL, (struct cw_plan_how){ .trace = true }, &small,
                         &mapped, &err);
        if (!ok)
            assert_int_equal(err.code, CW_LIMIT);
        cw_arena_fini(&small);
        assert_true(limit < 100000);
    }
}

static void assert_trace(const struct cw_trace *trace, const char *field, const char *path, const char *raw,
                         const char *value)
{
    assert_non_null(trace);
    assert_slice(trace->field, field);
    assert_slice(trace->path, path);
    assert_slice(trace->raw, raw);
    assert_slice(trace->value, value);
}

static void every_value_is_explained(void **state)
{
    (void)state;
    struct cw_slice paths[] = { cw_slice("none"), cw_slice("ref") };
    add(plan, "number", NULL, .paths = paths, .path_count = 2, .where = cw_slice("carts/x.lua:3"));
    add(plan, "status", "state", .table = "status");
    add(plan, "language", "lang", .has_default = true, .default_text = cw_slice("fr"));
    add(plan, "currency", NULL, .source = CW_FROM_CONSTANT, .text = cw_slice("EUR"));
    add(plan, "tax_total", "l/tax", .source = CW_FROM_SUM);
    add(line, "sku", "sku");
    add(plan, "lines", "l", .source = CW_FROM_EACH, .plan = line);
    add(plan, "gift", "gift", .is_custom = true, .custom_type = CW_BOOLEAN);
    add_row("status", "*", "paid");
    run_traced("{ref:' R1 ' state:7 gift:'yes' l:[{sku:'A' tax:'1.0'} {sku:'B' tax:'2.00'}]}");
    const struct cw_trace *trace = mapped.trace;
    assert_trace(trace, "number", "ref", " R1 ", "R1");
    assert_slice(trace->where, "carts/x.lua:3");
    trace = trace->next;
    assert_trace(trace, "status", "state", "7", "paid");
    assert_slice(trace->table, "status");
    assert_slice(trace->row, "*");
    trace = trace->next;
    assert_trace(trace, "language", "", "fr", "fr");
    assert_true(trace->from_default);
    trace = trace->next;
    assert_trace(trace, "currency", "", "EUR", "EUR");
    assert_int_equal(trace->source, CW_FROM_CONSTANT);
    trace = trace->next;
    assert_trace(trace, "tax_total", "l/tax", "1.0 + 2.00", "3.00");
    trace = trace->next;
    assert_trace(trace, "lines[1].sku", "l[1]/sku", "A", "A");
    trace = trace->next;
    assert_trace(trace, "lines[2].sku", "l[2]/sku", "B", "B");
    trace = trace->next;
    assert_trace(trace, "custom.gift", "gift", "yes", "true");
    assert_null(trace->next);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_mapped_with_their_place),
        TEST(an_order_without_lines_has_an_empty_list),
        TEST(lines_that_share_an_id_are_an_issue),
        TEST(many_lines_are_compared_without_a_table_on_the_stack),
        TEST(nested_records_come_from_a_child_the_record_itself_or_a_part),
        TEST(a_part_is_reached_from_inside_a_line),
        TEST(a_record_of_absent_values_is_unset_and_misses_nothing),
        TEST(a_required_record_that_is_unset_is_missing),
        TEST(a_skip_rule_of_a_line_leaves_the_line_out),
        TEST(issues_beyond_the_limit_are_counted_out),
        TEST(a_full_arena_ends_the_run_with_an_error),
        TEST(every_value_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
