/* utf8.h - one character of UTF-8 at a time, strictly: no overlong forms, no surrogates, nothing past
 * U+10FFFF. */
#ifndef CW_ADAPTERS_UTF8_H
#define CW_ADAPTERS_UTF8_H

#include <stdint.h>

/* Bytes of the character at `p` (1 to 4) and its number; 0 when there is no valid one before `end`. */
static inline unsigned cw_utf8_read(const char *p, const char *end, uint32_t *point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char lead = (unsigned char)*p;
    unsigned len = lead < 0x80   ? 1
                   : lead < 0xC2 ? 0
                   : lead < 0xE0 ? 2
                   : lead < 0xF0 ? 3
                   : lead < 0xF5 ? 4
                                 : 0;
    if (len == 0 || end - p < (long)len)
        return 0;
    uint32_t value = len == 1 ? lead : lead & (0x7Fu >> len);
    for (unsigned i = 1; i < len; i++) {
        if (((unsigned char)p[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | ((unsigned char)p[i] & 0x3F);
    }
    if (value < least[len] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *point = value;
    return len;
}

/* Writes up to 4 bytes; returns their number. `point` is a valid one. */
static inline unsigned cw_utf8_write(uint32_t point, char *out)
{
    unsigned len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (unsigned i = len; i-- > 1; point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3F));
    out[0] = (char)(len == 1 ? point : point | (0xF00u >> len & 0xFF));
    return len;
}

#endif
