/* node_test.c - finding children and attributes of a record's tree; slices, which everything is made of. */
#include "testing.h"

#include "base/node.h"

static struct cw_node node(const char *name, enum cw_node_kind kind, const char *text, struct cw_node *next)
{
    return (struct cw_node){ .name = cw_slice(name),
                             .text = cw_slice(text),
                             .name_hash = cw_slice_hash(cw_slice(name)),
                             .kind = kind,
                             .next = next };
}

static void children_and_attributes_of_one_name_are_told_apart(void **state)
{
    (void)state;
    struct cw_node second = node("id", CW_NODE_OBJECT, "second", NULL);
    struct cw_node other = node("total", CW_NODE_TEXT, "9", &second);
    struct cw_node first = node("id", CW_NODE_OBJECT, "first", &other);
    struct cw_node attribute = node("id", CW_NODE_ATTRIBUTE, "attribute", &first);
    struct cw_node parent = node("order", CW_NODE_OBJECT, "", NULL);
    parent.first = &attribute;
    assert_ptr_equal(cw_node_child(&parent, cw_slice("id")), &first);
    assert_ptr_equal(cw_node_attribute(&parent, cw_slice("id")), &attribute);
    assert_ptr_equal(cw_node_child(&parent, cw_slice("total")), &other);
    assert_null(cw_node_attribute(&parent, cw_slice("total")));
    assert_null(cw_node_child(&parent, cw_slice("ID")));
    assert_null(cw_node_child(&parent, cw_slice("")));
}

static void two_names_with_one_hash_are_two_names(void **state)
{
    (void)state;
    /* A known collision of FNV-1a with 32 bits. */
    assert_int_equal(cw_slice_hash(cw_slice("costarring")), cw_slice_hash(cw_slice("liquid")));
    struct cw_node liquid = node("liquid", CW_NODE_TEXT, "x", NULL);
    struct cw_node parent = node("p", CW_NODE_OBJECT, "", NULL);
    parent.first = &liquid;
    assert_null(cw_node_child(&parent, cw_slice("costarring")));
    assert_ptr_equal(cw_node_child(&parent, cw_slice("liquid")), &liquid);
}

static void nothing_has_no_children(void **state)
{
    (void)state;
    struct cw_node leaf = node("leaf", CW_NODE_NULL, "", NULL);
    assert_null(cw_node_child(NULL, cw_slice("x")));
    assert_null(cw_node_attribute(NULL, cw_slice("x")));
    assert_null(cw_node_child(&leaf, cw_slice("x")));
}

static void slices_compare_and_trim_by_their_bytes(void **state)
{
    (void)state;
    assert_true(cw_slice_equal((struct cw_slice){ NULL, 0 }, cw_slice("")));
    assert_false(cw_slice_equal(cw_slice("a"), cw_slice("ab")));
    assert_false(cw_slice_is((struct cw_slice){ "a\0b", 3 }, "a"));
    assert_int_equal(cw_slice(NULL).len, 0);
    assert_slice(cw_slice_trim(cw_slice(" \t\r\na b\n ")), "a b");
    assert_slice(cw_slice_trim(cw_slice("  ")), "");
    assert_int_equal(cw_slice_trim((struct cw_slice){ "\0a\0", 3 }).len, 3);
    assert_int_equal(cw_slice_trim((struct cw_slice){ NULL, 0 }).len, 0);
}

static void a_clipped_slice_ends_with_a_whole_character(void **state)
{
    (void)state;
    struct cw_slice euros = cw_slice("\xE2\x82\xAC\xE2\x82\xAC");
    assert_int_equal(cw_slice_clip(euros, 6).len, 6);
    assert_int_equal(cw_slice_clip(euros, 5).len, 3);
    assert_int_equal(cw_slice_clip(euros, 3).len, 3);
    assert_int_equal(cw_slice_clip(euros, 2).len, 0);
    assert_int_equal(cw_slice_clip(euros, 0).len, 0);
    assert_int_equal(cw_slice_clip(cw_slice("\x80\x80\x80"), 2).len, 0);
    assert_int_equal(cw_slice_clip((struct cw_slice){ NULL, 0 }, 2).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_and_attributes_of_one_name_are_told_apart),
        cmocka_unit_test(two_names_with_one_hash_are_two_names),
        cmocka_unit_test(nothing_has_no_children),
        cmocka_unit_test(slices_compare_and_trim_by_their_bytes),
        cmocka_unit_test(a_clipped_slice_ends_with_a_whole_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
