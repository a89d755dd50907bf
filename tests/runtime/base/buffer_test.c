/* buffer_test.c - bytes that grow, up to a limit, and stay as they were when they cannot. */
#include "testing.h"

#include "base/buffer.h"

static void bytes_are_appended_and_ended(void **state)
{
    (void)state;
    struct cw_buffer buffer = { 0 };
    assert_slice(cw_buffer_slice(&buffer), "");
    assert_true(cw_buffer_add(&buffer, "ab", 2, NULL));
    assert_true(cw_buffer_add(&buffer, NULL, 0, NULL));
    assert_true(cw_buffer_print(&buffer, NULL, "-%d-%s", 42, "x"));
    assert_slice(cw_buffer_slice(&buffer), "ab-42-x");
    assert_int_equal(buffer.data[buffer.len], '\0');
    cw_buffer_clear(&buffer);
    assert_slice(cw_buffer_slice(&buffer), "");
    cw_buffer_fini(&buffer);
}

static void much_is_kept_in_order(void **state)
{
    (void)state;
    struct cw_buffer buffer = { 0 };
    for (unsigned i = 0; i < 100000; i++)
        assert_true(cw_buffer_add(&buffer, &(char){ (char)(i % 127) }, 1, NULL));
    assert_int_equal(buffer.len, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(buffer.data[i], i % 127);
    cw_buffer_fini(&buffer);
}

static void the_limit_is_exact_and_leaves_what_was_there(void **state)
{
    (void)state;
    struct cw_buffer buffer = { .limit = 5 };
    struct cw_error err = { 0 };
    assert_true(cw_buffer_add(&buffer, "abc", 3, NULL));
    assert_false(cw_buffer_add(&buffer, "def", 3, &err));
    assert_int_equal(err.code, CW_LIMIT);
    assert_false(cw_buffer_print(&buffer, &err, "%d", 123));
    assert_null(cw_buffer_reserve(&buffer, SIZE_MAX, &err));
    assert_slice(cw_buffer_slice(&buffer), "abc");
    assert_true(cw_buffer_print(&buffer, &err, "%d", 12));
    assert_slice(cw_buffer_slice(&buffer), "abc12");
    cw_buffer_fini(&buffer);
    assert_int_equal(buffer.limit, 5);
    assert_true(cw_buffer_add(&buffer, "vwxyz", 5, NULL));
    cw_buffer_fini(&buffer);
}

static void a_size_beyond_all_memory_is_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4, SIZE_MAX / 2 };
    struct cw_buffer buffer = { 0 };
    assert_true(cw_buffer_add(&buffer, "abc", 3, NULL));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct cw_error err = { 0 };
        assert_null(cw_buffer_reserve(&buffer, sizes[i], &err));
        assert_true(err.code == CW_NOMEM || err.code == CW_LIMIT);
    }
    assert_slice(cw_buffer_slice(&buffer), "abc");
    cw_buffer_fini(&buffer);
}

static void reserved_room_becomes_content_when_its_length_is_added(void **state)
{
    (void)state;
    struct cw_buffer buffer = { 0 };
    char *place = cw_buffer_reserve(&buffer, 1000, NULL);
    assert_non_null(place);
    assert_true(buffer.cap >= 1001);
    memset(place, 'x', 1000);
    buffer.len += 1000;
    assert_true(cw_buffer_add(&buffer, "y", 1, NULL));
    assert_int_equal(buffer.data[999], 'x');
    assert_int_equal(buffer.data[1000], 'y');
    cw_buffer_fini(&buffer);
    cw_buffer_fini(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_appended_and_ended),
        cmocka_unit_test(much_is_kept_in_order),
        cmocka_unit_test(the_limit_is_exact_and_leaves_what_was_there),
        cmocka_unit_test(a_size_beyond_all_memory_is_refused),
        cmocka_unit_test(reserved_room_becomes_content_when_its_length_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
