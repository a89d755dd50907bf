/* hash_test.c - content hashes: the published values, and pieces that cannot be confused. */
#include "testing.h"

#include "base/hash.h"

static void assert_hex(struct cw_hash hash, const char *expected)
{
    char text[CW_HASH_TEXT_MAX];
    cw_hash_hex(&hash, text);
    assert_string_equal(text, expected);
}

static void hashes_are_blake2b_of_256_bits(void **state)
{
    (void)state;
    assert_hex(cw_hash_of(cw_slice("abc")),
               "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    assert_hex(cw_hash_of(cw_slice("")), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    assert_hex(cw_hash_of((struct cw_slice){ NULL, 0 }),
               "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

static struct cw_hash of_pieces(const char *first, const char *second, const char *third)
{
    struct cw_hasher hasher;
    cw_hasher_init(&hasher);
    cw_hasher_add(&hasher, cw_slice(first));
    cw_hasher_add(&hasher, cw_slice(second));
    if (third != NULL)
        cw_hasher_add(&hasher, cw_slice(third));
    return cw_hasher_end(&hasher);
}

static void a_border_between_pieces_is_part_of_the_hash(void **state)
{
    (void)state;
    struct cw_hash ab_c = of_pieces("ab", "c", NULL), a_bc = of_pieces("a", "bc", NULL);
    struct cw_hash again = of_pieces("ab", "c", NULL), empty = of_pieces("ab", "c", "");
    assert_true(cw_hash_equal(&ab_c, &again));
    assert_false(cw_hash_equal(&ab_c, &a_bc));
    assert_false(cw_hash_equal(&ab_c, &empty));
}

static void a_piece_counts_as_its_length_in_eight_bytes_and_its_bytes(void **state)
{
    (void)state;
    struct cw_hash whole = cw_hash_of((struct cw_slice){ "\2\0\0\0\0\0\0\0ab\1\0\0\0\0\0\0\0c", 19 });
    struct cw_hash pieces = of_pieces("ab", "c", NULL);
    assert_true(cw_hash_equal(&whole, &pieces));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_blake2b_of_256_bits),
        cmocka_unit_test(a_border_between_pieces_is_part_of_the_hash),
        cmocka_unit_test(a_piece_counts_as_its_length_in_eight_bytes_and_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
