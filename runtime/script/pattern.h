/* pattern.h - Lua's patterns, compiled, with a bound on the work of a match.
 *
 * The matcher of the standard library may try for years on a hundred bytes, and no hook can stop it. This one
 * counts. It knows nothing of Lua states. Differences for scripts: a malformed pattern is refused before it
 * is tried, classes such as %a know ASCII only, and patterns are at most CW_PATTERN_MAX bytes long.
 */
#ifndef CW_SCRIPT_PATTERN_H
#define CW_SCRIPT_PATTERN_H

#include "base/slice.h"

enum {
    CW_PATTERN_MAX = 256,     /* bytes */
    CW_PATTERN_CAPTURES = 32, /* as in Lua */
    CW_PATTERN_SETS = CW_PATTERN_MAX / 2
};

struct cw_pattern_item {
    uint8_t op, repeat;
    uint8_t a, b; /* characters, or the number of a set or capture */
};

struct cw_pattern_set {
    uint32_t bits[8];
};

struct cw_pattern {
    bool is_anchored;
    uint8_t captures, sets_used;
    uint16_t count;
    struct cw_pattern_item items[CW_PATTERN_MAX + 1];
    struct cw_pattern_set sets[CW_PATTERN_SETS]; /* last: only those used need to be kept */
};

/* NULL, or what is wrong with the pattern. `anchors`: whether ^ at the beginning is an anchor. */
const char *cw_pattern_compile(struct cw_slice text, bool anchors, struct cw_pattern *out);
size_t cw_pattern_size(const struct cw_pattern *pattern); /* bytes that a copy needs */

struct cw_capture {
    const char *start;
    size_t len;
    bool is_position;
};

struct cw_match {
    struct cw_slice subject;
    uint64_t steps, steps_max;
    bool is_exhausted; /* steps_max was reached; the answer NULL means nothing then */
    struct cw_capture captures[CW_PATTERN_CAPTURES];
};

/* The end of the match that begins at `start`, exactly there; NULL = none. */
const char *cw_pattern_match_at(const struct cw_pattern *pattern, struct cw_match *match, const char *start);

#endif
