/* path_test.c - paths over records of XML and JSON shape, and what malformed ones are told. */
#include "tree.h"

#include <stdio.h>

#include "mapping/path.h"

static struct cw_arena arena;
static struct cw_error err;

static int set_up(void **state)
{
    (void)state;
    cw_arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cw_arena_fini(&arena);
    return 0;
}

static const struct cw_path *compile(const char *text)
{
    const struct cw_path *path = cw_path_compile(&arena, cw_slice(text), &err);
    if (path == NULL)
        fail_msg("%s", err.text);
    return path;
}

static const struct cw_node *first_in(const struct cw_scope *scope, const char *path)
{
    return cw_path_first(compile(path), scope);
}

static void assert_first(const char *record, const char *path, const char *expected)
{
    struct cw_scope scope = { .record = tree(&arena, record) };
    const struct cw_node *node = first_in(&scope, path);
    if (expected == NULL) {
        assert_null(node);
        return;
    }
    assert_non_null(node);
    assert_slice(node->text, expected);
}

static bool collect(void *arg, const struct cw_node *node)
{
    char *text = arg;
    size_t len = strlen(text);
    snprintf(text + len, 200 - len, "%s%.*s", len > 0 ? "," : "", CW_SLICE_ARG(node->text));
    return true;
}

static void assert_each_in(const struct cw_scope *scope, const char *path, const char *expected)
{
    char found[200] = "";
    cw_path_each(compile(path), scope, collect, found);
    assert_string_equal(found, expected);
}

static void assert_each(const char *record, const char *path, const char *expected)
{
    struct cw_scope scope = { .record = tree(&arena, record) };
    assert_each_in(&scope, path, expected);
}

static const char prestashop[] = "{id:{'5'} name:{language:{@id:'1' 'Order'} language:{@id:'2' 'Commande'}}"
                                 " associations:{order_rows:{@nodeType:'row'"
                                 " order_row:{id:{'17'} sku:{'A'}} order_row:{id:{'18'} sku:{'B'}}}}}";
static const char woo[] =
    "{id:727 line_items:[{id:1 sku:'A' taxes:[{total:'0.10'} {total:'0.20'}]}"
    " {id:2 sku:'B' taxes:[{total:'0.30'}]}]"
    " meta_data:[{id:9 key:'_vat' value:'FR1'} {id:8 key:'odd]key' value:'x'}] tags:['a' 'b']}";

static void a_name_leads_to_a_child(void **state)
{
    (void)state;
    assert_first(prestashop, "id", "5");
    assert_first(prestashop, "ID", NULL);
    assert_first(prestashop, "name/language", "Order");
    assert_first(prestashop, "nothing/at/all", NULL);
}

static void every_element_of_a_name_is_a_match(void **state)
{
    (void)state;
    assert_each(prestashop, "associations/order_rows/order_row/sku", "A,B");
    assert_first(prestashop, "associations/order_rows/order_row/sku", "A");
}

static void a_step_over_an_array_goes_through_its_members(void **state)
{
    (void)state;
    assert_each(woo, "line_items/sku", "A,B");
    assert_each(woo, "line_items/taxes/total", "0.10,0.20,0.30");
    assert_first(woo, "line_items/taxes/total", "0.10");
}

static void an_array_at_the_end_counts_as_its_members(void **state)
{
    (void)state;
    assert_each(woo, "tags", "a,b");
    struct cw_scope scope = { .record = tree(&arena, woo) };
    assert_int_equal(first_in(&scope, "tags")->kind, CW_NODE_ARRAY);
}

static void the_search_goes_on_at_the_next_sibling_when_the_first_leads_nowhere(void **state)
{
    (void)state;
    assert_first("{a:{x:1} a:{b:{y:1}} a:{b:{c:'here'}}}", "a/b/c", "here");
    assert_first("{a:[{x:1} {b:'here'}]}", "a/b", "here");
}

static void predicates_choose_by_attribute_child_and_number(void **state)
{
    (void)state;
    assert_first(prestashop, "name/language[@id=2]", "Commande");
    assert_first(prestashop, "name/language[@id='2']", "Commande");
    assert_first(prestashop, "name/language[@id=3]", NULL);
    assert_first(woo, "meta_data[key=_vat]/value", "FR1");
    assert_first(woo, "meta_data[id=8]/value", "x");
    assert_first(woo, "meta_data[key='odd]key']/value", "x");
    assert_first(woo, "line_items[2]/sku", "B");
    assert_first(woo, "line_items[3]/sku", NULL);
    assert_first(prestashop, "associations/order_rows/order_row[2]/id", "18");
    assert_first(woo, "tags[2]", "b");
}

static void positions_are_counted_below_each_parent(void **state)
{
    (void)state;
    assert_each(woo, "line_items/taxes[1]/total", "0.10,0.30");
    assert_each("{a:{b:'1' b:'2'} a:{b:'3' b:'4'}}", "a/b[2]", "2,4");
}

static void several_predicates_apply_from_left_to_right(void **state)
{
    (void)state;
    const char *record = "{r:{k:'x' v:1} r:{k:'y' v:2} r:{k:'x' v:3}}";
    assert_first(record, "r[k=x][2]/v", "3");
    assert_first(record, "r[2][k=x]/v", NULL);
}

static void blanks_around_a_child_do_not_matter_to_a_predicate(void **state)
{
    (void)state;
    assert_first("{m:{k:' _vat\n' v:'1'}}", "m[k=_vat]/v", "1");
    assert_first("{m:{k:'a b' v:'1'}}", "m[k=ab]/v", NULL);
}

static void attributes_and_children_are_told_apart(void **state)
{
    (void)state;
    const char *record = "{@id:'attribute' id:'child' '  own text'}";
    assert_first(record, "@id", "attribute");
    assert_first(record, "id", "child");
    assert_first(record, ".", "  own text");
    assert_first(record, "@none", NULL);
    assert_each(record, "*", "child");
}

static void a_star_is_any_child(void **state)
{
    (void)state;
    assert_each("{a:{x:1 y:2} b:{x:3}}", "*/x", "1,3");
    assert_each("{a:{x:1 y:2} b:{x:3}}", "*/*", "1,2,3");
}

static void a_dot_is_where_the_path_stands(void **state)
{
    (void)state;
    assert_first("{a:{b:'1'}}", "./a/./b", "1");
    assert_first("{$id:'x'}", "./$id", "x");
    assert_first("{id:5 a:'1'}", ".[id=5]/a", "1");
    assert_first("{id:5 a:'1'}", ".[id=6]/a", NULL);
}

static void names_in_quotes_hold_anything(void **state)
{
    (void)state;
    assert_first("{Price/Unit:'9.90'}", "'Price/Unit'", "9.90");
    assert_first("{..:'up'}", "'..'", "up");
    assert_first("{Order number:'7'}", "Order number", "7");
    assert_first("{a:{b]c:'7'}}", "a/'b]c'", "7");
}

static void attached_records_are_reached_by_name(void **state)
{
    (void)state;
    struct cw_part parts[] = {
        { cw_slice("delivery"), tree(&arena, "{id:8 city:'Paris'}") },
        { cw_slice("carrier"), tree(&arena, "{name:'Post'}") },
        { cw_slice("delivery"), tree(&arena, "{id:9 city:'Lyon'}") },
        { cw_slice("gone"), NULL },
    };
    struct cw_scope scope = { .record = tree(&arena, "{city:'own'}"), .parts = parts, .part_count = 4 };
    assert_slice(first_in(&scope, "$delivery/city")->text, "Paris");
    assert_slice(first_in(&scope, "$delivery[2]/city")->text, "Lyon");
    assert_slice(first_in(&scope, "$delivery[id=9]/city")->text, "Lyon");
    assert_ptr_equal(first_in(&scope, "$carrier"), parts[1].root);
    assert_null(first_in(&scope, "$carrier/city"));
    assert_null(first_in(&scope, "$gone"));
    assert_null(first_in(&scope, "$unknown/city"));
    assert_each_in(&scope, "$delivery/city", "Paris,Lyon");
}

static void a_record_that_is_missing_matches_nothing(void **state)
{
    (void)state;
    struct cw_scope scope = { .record = NULL };
    assert_null(first_in(&scope, "."));
    assert_null(first_in(&scope, "a/b"));
}

static bool stop_at_second(void *arg, const struct cw_node *node)
{
    (void)node;
    return ++*(int *)arg < 2;
}

static void the_walk_stops_when_it_is_told_to(void **state)
{
    (void)state;
    int seen = 0;
    struct cw_scope scope = { .record = tree(&arena, "{a:[[1 2] [3 4]]}") };
    cw_path_each(compile("a"), &scope, stop_at_second, &seen);
    assert_int_equal(seen, 2);
}

static void a_path_remembers_its_text(void **state)
{
    (void)state;
    assert_slice(cw_path_text(compile("$a[1]/b[@c='d']")), "$a[1]/b[@c='d']");
}

static void a_malformed_path_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "", "path \"\", character 1: the path is empty; \".\" is the record itself" },
        { "/a", "path \"/a\", character 1: a path starts at the record, without a leading /" },
        { "a//b", "path \"a//b\", character 3: a step is empty" },
        { "a/", "path \"a/\", character 3: a step is empty" },
        { "../a", "path \"../a\", character 1: there is no way up; start at a node above instead" },
        { "a/@", "path \"a/@\", character 4: a name is missing after @" },
        { "@a/b", "path \"@a/b\", character 3: nothing can follow an attribute" },
        { "$", "path \"$\", character 2: a name is missing after $" },
        { "a[",
          "path \"a[\", character 3: in brackets stands [NUMBER], [child=VALUE] or [@attribute=VALUE]" },
        { "a[]",
          "path \"a[]\", character 3: in brackets stands [NUMBER], [child=VALUE] or [@attribute=VALUE]" },
        { "a[b]",
          "path \"a[b]\", character 3: in brackets stands [NUMBER], [child=VALUE] or [@attribute=VALUE]" },
        { "a[@b]",
          "path \"a[@b]\", character 3: in brackets stands [NUMBER], [child=VALUE] or [@attribute=VALUE]" },
        { "a[b=c", "path \"a[b=c\", character 2: the ] of this [ is missing" },
        { "a[b='c]", "path \"a[b='c]\", character 5: the closing ' is missing" },
        { "a[0]", "path \"a[0]\", character 3: positions are counted from 1" },
        { "a[12345678901]", "path \"a[12345678901]\", character 3: the position is too large" },
        { "a]", "path \"a]\", character 2: a / is missing, or a ] is too many" },
        { "a[1]b", "path \"a[1]b\", character 5: a / is missing, or a ] is too many" },
        { "a[1][1][1][1][1]", "path \"a[1][1][1][1][1]\", character 14: more than 4 brackets in one step" },
        { " a",
          "path \" a\", character 1: a name begins or ends with a blank; put it in ' if that is meant" },
        { "\xC3\xA4/ b", "path \"\xC3\xA4/ b\", character 3: a name begins or ends with a blank; put it in ' "
                         "if that is meant" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(cw_path_compile(&arena, cw_slice(cases[i][0]), &err));
        assert_int_equal(err.code, CW_USAGE);
        assert_string_equal(err.text, cases[i][1]);
    }
}

static void a_path_of_too_many_steps_is_refused(void **state)
{
    (void)state;
    char text[80] = "a";
    for (int i = 0; i < 32; i++)
        strcat(text, "/a");
    assert_null(cw_path_compile(&arena, cw_slice(text), &err));
    assert_non_null(strstr(err.text, "more than 32 steps"));
    text[63] = '\0'; /* 32 steps */
    assert_non_null(cw_path_compile(&arena, cw_slice(text), &err));
}

static void a_full_arena_is_no_crash(void **state)
{
    (void)state;
    bool compiled = false;
    for (size_t limit = 1; !compiled; limit++) {
        struct cw_arena small;
        cw_arena_init(&small, limit);
        compiled = cw_path_compile(&small, cw_slice("$d[1]/a[b=c]/d"), &err) != NULL;
        if (!compiled)
            assert_int_equal(err.code, CW_NOMEM);
        cw_arena_fini(&small);
        assert_true(limit < 10000);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_leads_to_a_child),
        TEST(every_element_of_a_name_is_a_match),
        TEST(a_step_over_an_array_goes_through_its_members),
        TEST(an_array_at_the_end_counts_as_its_members),
        TEST(the_search_goes_on_at_the_next_sibling_when_the_first_leads_nowhere),
        TEST(predicates_choose_by_attribute_child_and_number),
        TEST(positions_are_counted_below_each_parent),
        TEST(several_predicates_apply_from_left_to_right),
        TEST(blanks_around_a_child_do_not_matter_to_a_predicate),
        TEST(attributes_and_children_are_told_apart),
        TEST(a_star_is_any_child),
        TEST(a_dot_is_where_the_path_stands),
        TEST(names_in_quotes_hold_anything),
        TEST(attached_records_are_reached_by_name),
        TEST(a_record_that_is_missing_matches_nothing),
        TEST(the_walk_stops_when_it_is_told_to),
        TEST(a_path_remembers_its_text),
        TEST(a_malformed_path_is_refused_with_its_place),
        TEST(a_path_of_too_many_steps_is_refused),
        TEST(a_full_arena_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
