/* table_test.c - translation tables: exact first, then without case, then the default row. */
#include "testing.h"

#include <stdio.h>

#include "mapping/table.h"

static struct cw_arena arena;
static struct cw_table table;

static int set_up(void **state)
{
    (void)state;
    cw_arena_init(&arena, 0);
    table = (struct cw_table){ .name = cw_slice("status") };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cw_arena_fini(&arena);
    return 0;
}

static void add(const char *key, const char *value)
{
    struct cw_table_row row = { .key = cw_slice(key), .value = cw_slice(value) };
    assert_true(cw_table_add(&table, &arena, &row));
}

static void assert_finds(const char *key, const char *value)
{
    const struct cw_table_row *row = cw_table_find(&table, cw_slice(key));
    if (value == NULL) {
        assert_null(row);
        return;
    }
    assert_non_null(row);
    assert_slice(row->value, value);
}

static void an_empty_table_knows_nothing(void **state)
{
    (void)state;
    assert_finds("", NULL);
    assert_finds("x", NULL);
}

static void exact_keys_come_before_keys_without_case(void **state)
{
    (void)state;
    add("Paid", "one");
    add("PAID", "two");
    assert_finds("Paid", "one");
    assert_finds("PAID", "two");
    assert_finds("paid", "two");
    assert_finds("unpaid", NULL);
}

static void case_is_folded_beyond_ascii(void **state)
{
    (void)state;
    add("EXPÉDIÉ", "shipped");
    add("Größe", "size");
    add("ОТПРАВЛЕН", "sent");
    add("ΑΚΥΡΟ", "void");
    add("ŽÍŽEŇ", "thirst");
    assert_finds("expédié", "shipped");
    assert_finds("Expédié", "shipped");
    assert_finds("expedie", NULL);
    assert_finds("GRöSSE", NULL);
    assert_finds("gröẞe", NULL);
    assert_finds("GRÖßE", "size");
    assert_finds("отправлен", "sent");
    assert_finds("ακυρο", "void");
    assert_finds("žížeň", "thirst");
}

static void signs_between_letters_are_not_folded(void **state)
{
    (void)state;
    char out[2];
    cw_fold_case(cw_slice("×"), out);
    assert_memory_equal(out, "×", 2);
    cw_fold_case(cw_slice("Ÿ"), out);
    assert_memory_equal(out, "ÿ", 2);
    cw_fold_case((struct cw_slice){ "\xC3", 1 }, out);
    assert_memory_equal(out, "\xC3", 1);
}

static void the_star_row_takes_what_is_unknown(void **state)
{
    (void)state;
    add("*", "other");
    add("2", "paid");
    assert_finds("2", "paid");
    assert_finds("99", "other");
    assert_finds("", "other");
}

static void a_later_row_replaces_an_earlier_one(void **state)
{
    (void)state;
    add("2", "pending");
    add("*", "a");
    add("2", "paid");
    add("*", "b");
    assert_int_equal(table.count, 2);
    assert_finds("2", "paid");
    assert_finds("x", "b");
}

static void thousands_of_rows_are_all_found(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    char key[16], value[16];
    add("*", "none");
    for (int i = 0; i < ROWS; i++) {
        snprintf(key, sizeof key, "Key%d", i);
        snprintf(value, sizeof value, "%d", i * 7);
        add(key, value);
    }
    for (int i = 0; i < ROWS; i++) {
        snprintf(value, sizeof value, "%d", i * 7);
        snprintf(key, sizeof key, "Key%d", i);
        assert_finds(key, value);
        snprintf(key, sizeof key, "kEY%d", i);
        assert_finds(key, value);
    }
    assert_finds("Key5000", "none");
}

static void a_key_of_great_length_matches_exactly_only(void **state)
{
    (void)state;
    char key[400];
    memset(key, 'A', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    add(key, "long");
    assert_finds(key, "long");
    memset(key, 'a', sizeof key - 1);
    assert_finds(key, NULL);
}

static void a_full_arena_leaves_the_table_as_it_was(void **state)
{
    (void)state;
    add("1", "one");
    struct cw_arena full;
    cw_arena_init(&full, 1);
    struct cw_table_row row = { .key = cw_slice("2"), .value = cw_slice("two") };
    assert_false(cw_table_add(&table, &full, &row));
    cw_arena_fini(&full);
    assert_finds("1", "one");
    assert_finds("2", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_table_knows_nothing),
        TEST(exact_keys_come_before_keys_without_case),
        TEST(case_is_folded_beyond_ascii),
        TEST(signs_between_letters_are_not_folded),
        TEST(the_star_row_takes_what_is_unknown),
        TEST(a_later_row_replaces_an_earlier_one),
        TEST(thousands_of_rows_are_all_found),
        TEST(a_key_of_great_length_matches_exactly_only),
        TEST(a_full_arena_leaves_the_table_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
