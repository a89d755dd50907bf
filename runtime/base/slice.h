/* slice.h - a run of bytes that somebody else owns. Never NUL-terminated unless a contract says so. */
#ifndef CW_BASE_SLICE_H
#define CW_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cw_slice {
    const char *data; /* may be NULL when len is 0 */
    size_t len;       /* bytes */
};

/* For printf: printf("%.*s", CW_SLICE_ARG(s)). */
#define CW_SLICE_ARG(s) (int)(s).len, (s).data

static inline struct cw_slice cw_slice(const char *text)
{
    return (struct cw_slice){ text, text != NULL ? strlen(text) : 0 };
}

/* Behind the last byte; NULL for an empty slice of nothing, to which C may not add even 0. */
static inline const char *cw_slice_end(struct cw_slice s)
{
    return s.len > 0 ? s.data + s.len : s.data;
}

static inline bool cw_slice_equal(struct cw_slice a, struct cw_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool cw_slice_is(struct cw_slice a, const char *text)
{
    return cw_slice_equal(a, cw_slice(text));
}

/* Without blanks, tabs, line feeds and carriage returns at both ends. */
static inline struct cw_slice cw_slice_trim(struct cw_slice s)
{
    while (s.len > 0 && strchr(" \t\r\n", s.data[0]) != NULL && s.data[0] != '\0') {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && strchr(" \t\r\n", s.data[s.len - 1]) != NULL && s.data[s.len - 1] != '\0')
        s.len--;
    return s;
}

/* The first bytes, at most `max`, without half a UTF-8 character at the end: for quoting data in messages. */
static inline struct cw_slice cw_slice_clip(struct cw_slice s, size_t max)
{
    if (s.len <= max)
        return s;
    while (max > 0 && ((unsigned char)s.data[max] & 0xC0) == 0x80)
        max--;
    return (struct cw_slice){ s.data, max };
}

/* FNV-1a, 32 bits: for names in record trees, where a wrong guess only costs a comparison. */
static inline uint32_t cw_slice_hash(struct cw_slice s)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.data[i]) * 16777619u;
    return hash;
}

#endif
