/* arena_test.c - many small pieces, freed at once, within a limit. */
#include "testing.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"

static void pieces_are_aligned_and_do_not_touch(void **state)
{
    (void)state;
    enum { PIECES = 3000 };
    struct cw_arena arena;
    struct cw_random chance;
    unsigned char *pieces[PIECES];
    size_t sizes[PIECES];
    cw_arena_init(&arena, 0);
    cw_random_seed(&chance, 1);
    for (int i = 0; i < PIECES; i++) {
        sizes[i] = (size_t)cw_random_below(&chance, i % 500 == 0 ? 200000 : 300);
        pieces[i] = i % 3 == 0 ? (void *)cw_arena_bytes(&arena, sizes[i]) : cw_arena_alloc(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        if (i % 3 != 0)
            assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], i % 251, sizes[i]);
    }
    for (int i = 0; i < PIECES; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], i % 251);
    cw_arena_fini(&arena);
}

static void the_limit_counts_what_was_handed_out(void **state)
{
    (void)state;
    struct cw_arena arena;
    cw_arena_init(&arena, 100);
    assert_non_null(cw_arena_bytes(&arena, 60));
    assert_null(cw_arena_bytes(&arena, 41));
    assert_null(cw_arena_alloc(&arena, 41));
    assert_null(cw_arena_bytes(&arena, SIZE_MAX));
    assert_non_null(cw_arena_bytes(&arena, 40));
    assert_null(cw_arena_bytes(&arena, 1));
    assert_int_equal(arena.used, 100);
    cw_arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    assert_non_null(cw_arena_bytes(&arena, 100));
    cw_arena_fini(&arena);
}

static void a_size_beyond_all_memory_is_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = { SIZE_MAX,      SIZE_MAX - 1,  SIZE_MAX - 15,
                                    SIZE_MAX - 16, SIZE_MAX - 32, SIZE_MAX / 2 };
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    assert_non_null(cw_arena_bytes(&arena, 3));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_null(cw_arena_alloc(&arena, sizes[i]));
        assert_null(cw_arena_bytes(&arena, sizes[i]));
    }
    assert_int_equal(arena.used, 3);
    assert_non_null(cw_arena_alloc(&arena, 16));
    cw_arena_fini(&arena);
}

static void a_copy_is_independent_and_a_copy_of_nothing_is_not_null(void **state)
{
    (void)state;
    struct cw_arena arena;
    char text[] = "hello";
    cw_arena_init(&arena, 10);
    struct cw_slice copy = cw_arena_copy(&arena, cw_slice(text));
    text[0] = 'j';
    assert_slice(copy, "hello");
    assert_non_null(cw_arena_copy(&arena, (struct cw_slice){ NULL, 0 }).data);
    assert_null(cw_arena_copy(&arena, cw_slice("too long")).data);
    cw_arena_fini(&arena);
}

static void a_reset_keeps_one_ordinary_block(void **state)
{
    (void)state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    void *first = cw_arena_alloc(&arena, 10);
    cw_arena_reset(&arena);
    assert_ptr_equal(cw_arena_alloc(&arena, 10), first);
    for (int i = 0; i < 100; i++)
        assert_non_null(cw_arena_alloc(&arena, 10000));
    cw_arena_reset(&arena);
    assert_non_null(arena.block);
    assert_non_null(cw_arena_alloc(&arena, 1000000));
    cw_arena_reset(&arena); /* a huge record must not cost its size for ever */
    assert_null(arena.block);
    assert_non_null(cw_arena_alloc(&arena, 10));
    cw_arena_fini(&arena);
}

static void an_empty_piece_is_a_piece(void **state)
{
    (void)state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    assert_non_null(cw_arena_alloc(&arena, 0));
    assert_non_null(cw_arena_bytes(&arena, 0));
    cw_arena_fini(&arena);
}

static void an_arena_never_used_may_be_reset_and_finished_twice(void **state)
{
    (void)state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    cw_arena_reset(&arena);
    cw_arena_fini(&arena);
    cw_arena_fini(&arena);
    assert_null(arena.block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_do_not_touch),
        cmocka_unit_test(the_limit_counts_what_was_handed_out),
        cmocka_unit_test(a_size_beyond_all_memory_is_refused),
        cmocka_unit_test(a_copy_is_independent_and_a_copy_of_nothing_is_not_null),
        cmocka_unit_test(a_reset_keeps_one_ordinary_block),
        cmocka_unit_test(an_empty_piece_is_a_piece),
        cmocka_unit_test(an_arena_never_used_may_be_reset_and_finished_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
