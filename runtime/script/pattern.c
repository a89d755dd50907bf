/* pattern.c - see pattern.h. Compiles to a list of items; recursion happens at repetitions only, so it is no
 * deeper than the pattern is long. */
#include "script/pattern.h"

enum op {
    OP_END,
    OP_SUBJECT_END,
    OP_OPEN,
    OP_POSITION,
    OP_CLOSE,
    OP_BALANCED,
    OP_FRONTIER,
    OP_BACK,
    OP_CHAR,
    OP_ANY,
    OP_SET
};
enum repeat { ONE, OPTIONAL, GREEDY, GREEDY_ONCE, LAZY };

/* --- sets of characters --- */

static void include(struct cw_pattern_set *set, unsigned char c)
{
    set->bits[c / 32] |= UINT32_C(1) << (c % 32);
}

static bool has(const struct cw_pattern_set *set, unsigned char c)
{
    return (set->bits[c / 32] >> (c % 32) & 1) != 0;
}

static bool is_in(unsigned char c, unsigned char from, unsigned char to)
{
    return c >= from && c <= to;
}

/* ASCII only, whatever the locale: the same script gives the same output everywhere. */
static const struct class
{
    char letter;
    uint8_t count; /* ranges */
    uint8_t ranges[4][2];
} classes[] = {
    { 'a', 2, { { 'A', 'Z' }, { 'a', 'z' } } },
    { 'c', 2, { { 0x00, 0x1F }, { 0x7F, 0x7F } } },
    { 'd', 1, { { '0', '9' } } },
    { 'g', 1, { { 0x21, 0x7E } } },
    { 'l', 1, { { 'a', 'z' } } },
    { 'p', 4, { { 0x21, 0x2F }, { 0x3A, 0x40 }, { 0x5B, 0x60 }, { 0x7B, 0x7E } } },
    { 's', 2, { { '\t', '\r' }, { ' ', ' ' } } },
    { 'u', 1, { { 'A', 'Z' } } },
    { 'w', 3, { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } } },
    { 'x', 3, { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } } },
};

static const struct class *class_of(char letter)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (classes[i].letter == (letter | 0x20) && (letter & 0x40) != 0)
            return &classes[i];
    return NULL;
}

static void include_range(struct cw_pattern_set *set, uint8_t from, uint8_t to)
{
    for (int c = from; c <= to; c++)
        include(set, (unsigned char)c);
}

/* What stands after '%': a class, a class in capitals (all others), or that character. */
static void include_escaped(struct cw_pattern_set *set, char letter)
{
    const struct class *class = class_of(letter);
    struct cw_pattern_set members = { { 0 } };
    if (class == NULL) {
        include(set, (unsigned char)letter);
        return;
    }
    for (int i = 0; i < class->count; i++)
        include_range(&members, class->ranges[i][0], class->ranges[i][1]);
    for (int i = 0; i < 8; i++)
        set->bits[i] |= letter != class->letter ? ~members.bits[i] : members.bits[i];
}

/* --- compiling --- */

struct compiler {
    struct cw_pattern *out;
    struct cw_slice text;
    size_t at;
    uint8_t open[CW_PATTERN_CAPTURES]; /* captures that have begun, outermost first */
    int open_count;
    bool is_closed[CW_PATTERN_CAPTURES];
    const char *wrong;
};

static bool fail(struct compiler *c, const char *what)
{
    c->wrong = what;
    return false;
}

static bool is_next(const struct compiler *c, size_t ahead, char wanted)
{
    return c->at + ahead < c->text.len && c->text.data[c->at + ahead] == wanted;
}

static struct cw_pattern_item *add(struct compiler *c, enum op op, uint8_t a)
{
    struct cw_pattern_item *item = &c->out->items[c->out->count++];
    *item = (struct cw_pattern_item){ .op = op, .repeat = ONE, .a = a };
    return item;
}

static struct cw_pattern_set *add_set(struct compiler *c, enum op op)
{
    struct cw_pattern_set *set = &c->out->sets[c->out->sets_used];
    memset(set, 0, sizeof *set);
    add(c, op, c->out->sets_used++);
    return set;
}

/* One member of a set in brackets. */
static bool compile_member(struct compiler *c, struct cw_pattern_set *set)
{
    const char *p = c->text.data + c->at;
    size_t left = c->text.len - c->at;
    if (*p == '%') {
        if (left < 2)
            return fail(c, "it ends with '%'");
        include_escaped(set, p[1]);
        c->at += 2;
    } else if (left > 2 && p[1] == '-' && p[2] != ']') {
        include_range(set, (unsigned char)p[0], (unsigned char)p[2]);
        c->at += 3;
    } else {
        include(set, (unsigned char)*p);
        c->at++;
    }
    return true;
}

/* From '[' up to its ']'. */
static bool compile_set(struct compiler *c, enum op op)
{
    struct cw_pattern_set *set = add_set(c, op);
    bool others = is_next(c, 1, '^');
    c->at += 1 + others;
    bool first = true; /* a ']' right here is a member */
    while (first || !is_next(c, 0, ']')) {
        if (c->at >= c->text.len)
            return fail(c, "']' is missing");
        if (!compile_member(c, set))
            return false;
        first = false;
    }
    c->at++;
    for (int i = 0; others && i < 8; i++)
        set->bits[i] = ~set->bits[i];
    return true;
}

static bool open_capture(struct compiler *c)
{
    uint8_t number = c->out->captures;
    if (number == CW_PATTERN_CAPTURES)
        return fail(c, "it has more than 32 captures");
    c->out->captures++;
    if (is_next(c, 1, ')')) {
        add(c, OP_POSITION, number);
        c->is_closed[number] = true;
        c->at += 2;
        return true;
    }
    add(c, OP_OPEN, number);
    c->open[c->open_count++] = number;
    c->at++;
    return true;
}

static bool close_capture(struct compiler *c)
{
    if (c->open_count == 0)
        return fail(c, "a ')' has no '('");
    uint8_t number = c->open[--c->open_count];
    c->is_closed[number] = true;
    add(c, OP_CLOSE, number);
    c->at++;
    return true;
}

static bool compile_back(struct compiler *c, char digit)
{
    int number = digit - '1';
    if (number < 0 || number >= c->out->captures || !c->is_closed[number])
        return fail(c, "it refers to a capture that is not complete there");
    add(c, OP_BACK, (uint8_t)number);
    c->at += 2;
    return true;
}

static bool compile_balanced(struct compiler *c)
{
    if (c->text.len - c->at < 4)
        return fail(c, "'%b' needs two characters");
    add(c, OP_BALANCED, (uint8_t)c->text.data[c->at + 2])->b = (uint8_t)c->text.data[c->at + 3];
    c->at += 4;
    return true;
}

static bool compile_frontier(struct compiler *c)
{
    c->at += 2;
    return is_next(c, 0, '[') ? compile_set(c, OP_FRONTIER) : fail(c, "'[' is missing after '%f'");
}

static void compile_repeat(struct compiler *c)
{
    static const char marks[] = "?*+-"; /* in the order of enum repeat */
    if (c->at >= c->text.len || c->text.data[c->at] == '\0')
        return;
    const char *mark = strchr(marks, c->text.data[c->at]);
    if (mark == NULL)
        return;
    c->out->items[c->out->count - 1].repeat = (uint8_t)(OPTIONAL + (mark - marks));
    c->at++;
}

/* A character, a class or a set, and how often. */
static bool compile_single(struct compiler *c)
{
    char first = c->text.data[c->at];
    if (first == '[') {
        if (!compile_set(c, OP_SET))
            return false;
    } else if (first == '%') {
        char letter = c->text.data[c->at + 1];
        if (class_of(letter) != NULL)
            include_escaped(add_set(c, OP_SET), letter);
        else
            add(c, OP_CHAR, (uint8_t)letter);
        c->at += 2;
    } else {
        add(c, first == '.' ? OP_ANY : OP_CHAR, (uint8_t)first);
        c->at++;
    }
    compile_repeat(c);
    return true;
}

static bool compile_escape(struct compiler *c)
{
    if (c->at + 1 >= c->text.len)
        return fail(c, "it ends with '%'");
    char letter = c->text.data[c->at + 1];
    if (letter == 'b')
        return compile_balanced(c);
    if (letter == 'f')
        return compile_frontier(c);
    if (is_in((unsigned char)letter, '0', '9'))
        return compile_back(c, letter);
    return compile_single(c);
}

static bool compile_item(struct compiler *c)
{
    switch (c->text.data[c->at]) {
    case '(':
        return open_capture(c);
    case ')':
        return close_capture(c);
    case '%':
        return compile_escape(c);
    case '$':
        if (c->at + 1 < c->text.len)
            return compile_single(c);
        add(c, OP_SUBJECT_END, 0);
        c->at++;
        return true;
    default:
        return compile_single(c);
    }
}

const char *cw_pattern_compile(struct cw_slice text, bool anchors, struct cw_pattern *out)
{
    struct compiler c = { .out = out, .text = text };
    if (text.len > CW_PATTERN_MAX)
        return "it is longer than 256 bytes";
    out->captures = out->sets_used = 0;
    out->count = 0;
    out->is_anchored = anchors && is_next(&c, 0, '^');
    c.at = out->is_anchored;
    while (c.at < text.len)
        if (!compile_item(&c))
            return c.wrong;
    add(&c, OP_END, 0);
    return c.open_count == 0 ? NULL : "a '(' has no ')'";
}

size_t cw_pattern_size(const struct cw_pattern *pattern)
{
    return offsetof(struct cw_pattern, sets) + pattern->sets_used * sizeof pattern->sets[0];
}

/* --- matching --- */

struct runner {
    const struct cw_pattern *pattern;
    struct cw_match *match;
    const char *begin, *end;
};

static const char *run(struct runner *r, const char *s, const struct cw_pattern_item *item);

static bool step(struct runner *r)
{
    if (++r->match->steps > r->match->steps_max)
        r->match->is_exhausted = true;
    return !r->match->is_exhausted;
}

/* Whether the character at s is one of the item's. */
static bool fits(const struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    if (s >= r->end)
        return false;
    if (item->op == OP_CHAR)
        return (unsigned char)*s == item->a;
    return item->op == OP_ANY || has(&r->pattern->sets[item->a], (unsigned char)*s);
}

static const char *run_greedy(struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    const char *least = s + (item->repeat == GREEDY_ONCE);
    while (fits(r, s, item) && step(r))
        s++;
    for (; s >= least && step(r); s--) {
        const char *end = run(r, s, item + 1);
        if (end != NULL)
            return end;
    }
    return NULL;
}

static const char *run_lazy(struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    while (step(r)) {
        const char *end = run(r, s, item + 1);
        if (end != NULL)
            return end;
        if (!fits(r, s, item))
            return NULL;
        s++;
    }
    return NULL;
}

static const char *run_optional(struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    const char *end = fits(r, s, item) ? run(r, s + 1, item + 1) : NULL;
    return end != NULL ? end : run(r, s, item + 1);
}

static const char *run_repeat(struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    if (item->repeat == OPTIONAL)
        return run_optional(r, s, item);
    return item->repeat == LAZY ? run_lazy(r, s, item) : run_greedy(r, s, item);
}

static const char *run_balanced(struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    size_t depth = 0;
    if (s >= r->end || (uint8_t)*s != item->a)
        return NULL;
    for (; s < r->end && step(r); s++) {
        if ((uint8_t)*s == item->b && depth > 0) {
            if (--depth == 0)
                return s + 1;
        } else if ((uint8_t)*s == item->a) {
            depth++;
        }
    }
    return NULL;
}

static const char *run_back(struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    const struct cw_capture *capture = &r->match->captures[item->a];
    r->match->steps += capture->len;
    if (capture->is_position || capture->len > (size_t)(r->end - s) ||
        memcmp(s, capture->start, capture->len) != 0)
        return NULL;
    return s + capture->len;
}

static bool is_frontier(const struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    const struct cw_pattern_set *set = &r->pattern->sets[item->a];
    unsigned char before = s > r->begin ? (unsigned char)s[-1] : 0;
    unsigned char here = s < r->end ? (unsigned char)*s : 0;
    return !has(set, before) && has(set, here);
}

/* Items that take a fixed piece of the subject or none. A capture that is passed again overwrites itself, so
 * going back needs to restore nothing. */
static const char *run_simple(struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    struct cw_capture *capture = &r->match->captures[item->a % CW_PATTERN_CAPTURES];
    switch ((enum op)item->op) {
    case OP_OPEN:
    case OP_POSITION:
        *capture = (struct cw_capture){ s, 0, item->op == OP_POSITION };
        return s;
    case OP_CLOSE:
        capture->len = (size_t)(s - capture->start);
        return s;
    case OP_SUBJECT_END:
        return s == r->end ? s : NULL;
    case OP_BALANCED:
        return run_balanced(r, s, item);
    case OP_FRONTIER:
        return is_frontier(r, s, item) ? s : NULL;
    case OP_BACK:
        return run_back(r, s, item);
    default:
        return fits(r, s, item) ? s + 1 : NULL;
    }
}

static const char *run(struct runner *r, const char *s, const struct cw_pattern_item *item)
{
    for (; s != NULL && item->op != OP_END; item++) {
        if (!step(r))
            return NULL;
        if (item->repeat != ONE)
            return run_repeat(r, s, item);
        s = run_simple(r, s, item);
    }
    return s;
}

const char *cw_pattern_match_at(const struct cw_pattern *pattern, struct cw_match *match, const char *start)
{
    struct runner r = { pattern, match, match->subject.data, match->subject.data + match->subject.len };
    return step(&r) ? run(&r, start, pattern->items) : NULL;
}
