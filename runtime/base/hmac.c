/* hmac.c - see hmac.h. */
#include "base/hmac.h"

#include <glib.h>
#include <sodium.h>

#include "base/hash.h"

static const struct {
    const char *name;
    GChecksumType type;
} algorithms[] = { [CW_HMAC_SHA1] = { "sha1", G_CHECKSUM_SHA1 },
                   [CW_HMAC_SHA256] = { "sha256", G_CHECKSUM_SHA256 },
                   [CW_HMAC_SHA512] = { "sha512", G_CHECKSUM_SHA512 } };

bool cw_hmac_named(struct cw_slice name, enum cw_hmac *out)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (cw_slice_is(name, algorithms[i].name)) {
            *out = (enum cw_hmac)i;
            return true;
        }
    return false;
}

size_t cw_hmac_of(enum cw_hmac algorithm, struct cw_slice key, struct cw_slice data, unsigned char *out)
{
    gsize len = CW_HMAC_BYTES_MAX;
    GHmac *hmac =
        g_hmac_new(algorithms[algorithm].type, (const guchar *)(key.len > 0 ? key.data : ""), key.len);
    if (data.len > 0)
        g_hmac_update(hmac, (const guchar *)data.data, (gssize)data.len);
    g_hmac_get_digest(hmac, out, &len);
    g_hmac_unref(hmac);
    return len;
}

void cw_hmac_base64(enum cw_hmac algorithm, struct cw_slice key, struct cw_slice data,
                    char out[CW_HMAC_BASE64_MAX])
{
    unsigned char mac[CW_HMAC_BYTES_MAX];
    size_t len = cw_hmac_of(algorithm, key, data, mac);
    sodium_bin2base64(out, CW_HMAC_BASE64_MAX, mac, len, sodium_base64_VARIANT_ORIGINAL);
}

/* Bytes written; 0 when the text is not wholly what it should be. */
static size_t decode(enum cw_mac_text text, struct cw_slice signature, unsigned char *out, size_t cap)
{
    size_t len = 0;
    const char *end = NULL;
    int failed = text == CW_MAC_HEX
                     ? sodium_hex2bin(out, cap, signature.data, signature.len, NULL, &len, &end)
                     : sodium_base642bin(out, cap, signature.data, signature.len, NULL, &len, &end,
                                         sodium_base64_VARIANT_ORIGINAL);
    return failed == 0 && end == signature.data + signature.len ? len : 0;
}

bool cw_hmac_matches(enum cw_hmac algorithm, struct cw_slice key, struct cw_slice data, enum cw_mac_text text,
                     struct cw_slice signature)
{
    unsigned char expected[CW_HMAC_BYTES_MAX], given[CW_HMAC_BYTES_MAX];
    size_t len = cw_hmac_of(algorithm, key, data, expected);
    return signature.len > 0 && decode(text, signature, given, sizeof given) == len &&
           sodium_memcmp(expected, given, len) == 0;
}

bool cw_equal_in_constant_time(struct cw_slice secret, struct cw_slice given)
{
    struct cw_hash a = cw_hash_of(secret), b = cw_hash_of(given);
    return sodium_memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}
