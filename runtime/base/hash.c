/* hash.c - see hash.h. */
#include "base/hash.h"

#include <stdatomic.h>

#include <sodium.h>

_Static_assert(sizeof(crypto_generichash_state) <= CW_HASHER_BYTES, "CW_HASHER_BYTES is too small");
_Static_assert(_Alignof(crypto_generichash_state) <= _Alignof(struct cw_hasher),
               "struct cw_hasher is misaligned");

/* libsodium works without it too, but only then picks the processor's vector instructions. */
static void choose_implementation(void)
{
    static atomic_bool chosen;
    if (!atomic_load_explicit(&chosen, memory_order_acquire) && sodium_init() >= 0)
        atomic_store_explicit(&chosen, true, memory_order_release);
}

static crypto_generichash_state *state_of(struct cw_hasher *hasher)
{
    return (crypto_generichash_state *)(void *)hasher->state;
}

struct cw_hash cw_hash_of(struct cw_slice data)
{
    struct cw_hash hash;
    choose_implementation();
    crypto_generichash(hash.bytes, CW_HASH_BYTES, (const unsigned char *)data.data, data.len, NULL, 0);
    return hash;
}

void cw_hasher_init(struct cw_hasher *hasher)
{
    choose_implementation();
    crypto_generichash_init(state_of(hasher), NULL, 0, CW_HASH_BYTES);
}

void cw_hasher_add(struct cw_hasher *hasher, struct cw_slice piece)
{
    unsigned char length[8]; /* little-endian, so that hashes survive a move to another machine */
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)piece.len >> (8 * i));
    crypto_generichash_update(state_of(hasher), length, sizeof length);
    crypto_generichash_update(state_of(hasher), (const unsigned char *)piece.data, piece.len);
}

struct cw_hash cw_hasher_end(struct cw_hasher *hasher)
{
    struct cw_hash hash;
    crypto_generichash_final(state_of(hasher), hash.bytes, CW_HASH_BYTES);
    return hash;
}

void cw_hash_hex(const struct cw_hash *hash, char *out)
{
    sodium_bin2hex(out, CW_HASH_TEXT_MAX, hash->bytes, CW_HASH_BYTES);
}
