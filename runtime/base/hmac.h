/* hmac.h - keyed hashes: whether a notice was signed by who knows the secret, and what we sign ourselves.
 * GLib computes, libsodium compares in constant time. */
#ifndef CW_BASE_HMAC_H
#define CW_BASE_HMAC_H

#include "base/slice.h"

enum { CW_HMAC_BYTES_MAX = 64 };

enum cw_hmac { CW_HMAC_SHA1, CW_HMAC_SHA256, CW_HMAC_SHA512 }; /* SHA-1: some old shops have nothing better */
enum cw_mac_text { CW_MAC_HEX, CW_MAC_BASE64 };

/* False for a name that is none of "sha1", "sha256", "sha512". */
bool cw_hmac_named(struct cw_slice name, enum cw_hmac *out);

/* Returns the number of bytes; `out` has CW_HMAC_BYTES_MAX. */
size_t cw_hmac_of(enum cw_hmac algorithm, struct cw_slice key, struct cw_slice data, unsigned char *out);

/* The same as base64 with its padding, for what we sign ourselves. */
enum { CW_HMAC_BASE64_MAX = 96 }; /* bytes, terminator included */
void cw_hmac_base64(enum cw_hmac algorithm, struct cw_slice key, struct cw_slice data,
                    char out[CW_HMAC_BASE64_MAX]);

/* Whether `signature` is the HMAC of `data`, whole, in that notation: hexadecimal digits in either case, or
 * base64 with its padding. What it is compared with does not show in the time it takes. */
bool cw_hmac_matches(enum cw_hmac algorithm, struct cw_slice key, struct cw_slice data, enum cw_mac_text text,
                     struct cw_slice signature);

/* Equality of texts of any length; neither shows in the time it takes, nor how long the first one is. */
bool cw_equal_in_constant_time(struct cw_slice secret, struct cw_slice given);

#endif
