/* hmac_test.c - keyed hashes: the published values (RFC 4231, RFC 2202), and signatures that are not right.
 */
#include "testing.h"

#include "base/hmac.h"

#include <stdio.h>

struct vector {
    struct cw_slice key, data;
    const char *sha256, *sha512;
};

#define BYTES(text)                                                                                          \
    {                                                                                                        \
        text, sizeof text - 1                                                                                \
    }
#define TEN(x)  x x x x x x x x x x
#define KEY_131 TEN(TEN("\xaa")) TEN("\xaa") TEN("\xaa") TEN("\xaa") "\xaa"

/* RFC 4231, 4.2 to 4.8, without 4.6, which is cut to 128 bits. */
static const struct vector vectors[] = {
    { BYTES(TEN("\x0b") TEN("\x0b")), BYTES("Hi There"),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
    { BYTES("Jefe"), BYTES("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
    { BYTES(TEN("\xaa") TEN("\xaa")), BYTES(TEN("\xdd") TEN("\xdd") TEN("\xdd") TEN("\xdd") TEN("\xdd")),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
      "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb" },
    { BYTES("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"
            "\x18\x19"),
      BYTES(TEN("\xcd") TEN("\xcd") TEN("\xcd") TEN("\xcd") TEN("\xcd")),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
      "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
      "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd" },
    { BYTES(KEY_131), BYTES("Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
      "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
    { BYTES(KEY_131),
      BYTES("This is a test using a larger than block-size key and a larger than block-size data. The key "
            "needs to be hashed before being used by the HMAC algorithm."),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
      "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
      "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58" },
};

static void assert_hmac(enum cw_hmac algorithm, struct cw_slice key, struct cw_slice data,
                        const char *expected)
{
    unsigned char out[CW_HMAC_BYTES_MAX];
    char hex[2 * CW_HMAC_BYTES_MAX + 1] = "";
    size_t len = cw_hmac_of(algorithm, key, data, out);
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
    assert_string_equal(hex, expected);
    assert_true(cw_hmac_matches(algorithm, key, data, CW_MAC_HEX, cw_slice(expected)));
}

static void hmacs_are_those_of_rfc_4231(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_hmac(CW_HMAC_SHA256, vectors[i].key, vectors[i].data, vectors[i].sha256);
        assert_hmac(CW_HMAC_SHA512, vectors[i].key, vectors[i].data, vectors[i].sha512);
    }
}

static void hmacs_with_sha1_are_those_of_rfc_2202(void **state)
{
    (void)state;
    assert_hmac(CW_HMAC_SHA1, vectors[0].key, vectors[0].data, "b617318655057264e28bc0b6fb378c8ef146be00");
    assert_hmac(CW_HMAC_SHA1, vectors[1].key, vectors[1].data, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

static void an_empty_key_and_empty_data_have_their_hmac(void **state)
{
    (void)state;
    assert_hmac(CW_HMAC_SHA256, (struct cw_slice){ NULL, 0 }, (struct cw_slice){ NULL, 0 },
                "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static bool matches(enum cw_mac_text text, const char *signature)
{
    return cw_hmac_matches(CW_HMAC_SHA256, cw_slice("Jefe"), cw_slice("what do ya want for nothing?"), text,
                           cw_slice(signature));
}

#define HEX    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
#define BASE64 "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="

static void a_signature_may_be_written_in_either_notation(void **state)
{
    (void)state;
    assert_true(matches(CW_MAC_HEX, HEX));
    assert_true(matches(CW_MAC_HEX, "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843"));
    assert_true(matches(CW_MAC_BASE64, BASE64));
}

static void a_signature_is_taken_whole_and_in_its_own_notation_only(void **state)
{
    (void)state;
    static const char *const hex[] = {
        "",        BASE64,     (HEX "00"),
        (HEX " "), (" " HEX),  ("sha256=" HEX),
        "5b",      ("0x" HEX), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384",
        "5b:dc:c1"
    };
    static const char *const base64[] = { HEX,
                                          "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM",
                                          (BASE64 "="),
                                          (BASE64 "A"),
                                          (" " BASE64),
                                          "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEN=",
                                          "W9zB\nRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=",
                                          "" };
    for (size_t i = 0; i < sizeof hex / sizeof *hex; i++)
        if (matches(CW_MAC_HEX, hex[i]))
            fail_msg("\"%s\" passes as hex", hex[i]);
    for (size_t i = 0; i < sizeof base64 / sizeof *base64; i++)
        if (matches(CW_MAC_BASE64, base64[i]))
            fail_msg("\"%s\" passes as base64", base64[i]);
}

static void one_bit_makes_another_signature(void **state)
{
    (void)state;
    char hex[] = HEX;
    for (size_t i = 0; i < sizeof hex - 1; i++) {
        char was = hex[i];
        hex[i] = was == '0' ? '1' : was == '9' ? '8' : was == 'a' ? 'b' : (char)(was ^ 1);
        assert_false(matches(CW_MAC_HEX, hex));
        hex[i] = was;
    }
    assert_true(matches(CW_MAC_HEX, hex));
    assert_false(cw_hmac_matches(CW_HMAC_SHA512, cw_slice("Jefe"), cw_slice("what do ya want for nothing?"),
                                 CW_MAC_HEX, cw_slice(HEX)));
}

static void algorithms_have_names(void **state)
{
    (void)state;
    enum cw_hmac algorithm = CW_HMAC_SHA1;
    assert_true(cw_hmac_named(cw_slice("sha512"), &algorithm));
    assert_int_equal(algorithm, CW_HMAC_SHA512);
    assert_false(cw_hmac_named(cw_slice("md5"), &algorithm));
    assert_false(cw_hmac_named(cw_slice("SHA256"), &algorithm));
    assert_false(cw_hmac_named(cw_slice(""), &algorithm));
}

static void texts_are_equal_whole(void **state)
{
    (void)state;
    assert_true(cw_equal_in_constant_time(cw_slice("token"), cw_slice("token")));
    assert_false(cw_equal_in_constant_time(cw_slice("token"), cw_slice("tokem")));
    assert_false(cw_equal_in_constant_time(cw_slice("token"), cw_slice("toke")));
    assert_false(cw_equal_in_constant_time(cw_slice("token"), cw_slice("")));
    assert_true(cw_equal_in_constant_time((struct cw_slice)BYTES("a\0b"), (struct cw_slice)BYTES("a\0b")));
    assert_false(cw_equal_in_constant_time((struct cw_slice)BYTES("a\0b"), (struct cw_slice)BYTES("a\0c")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmacs_are_those_of_rfc_4231),
        cmocka_unit_test(hmacs_with_sha1_are_those_of_rfc_2202),
        cmocka_unit_test(an_empty_key_and_empty_data_have_their_hmac),
        cmocka_unit_test(a_signature_may_be_written_in_either_notation),
        cmocka_unit_test(a_signature_is_taken_whole_and_in_its_own_notation_only),
        cmocka_unit_test(one_bit_makes_another_signature),
        cmocka_unit_test(algorithms_have_names),
        cmocka_unit_test(texts_are_equal_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
