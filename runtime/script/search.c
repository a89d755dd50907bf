/* search.c - string.find, match, gmatch and gsub over pattern.h, each within a bounded number of steps. */
#include "script/kernel.h"
#include "script/pattern.h"

enum {
    STEPS_MAX = 5000000,       /* of one search; measured: 20 ms */
    STEPS_PER_INSTRUCTION = 4, /* measured: a step takes a quarter of the time */
    BYTES_PER_INSTRUCTION = 16 /* of a plain search */
};

/* --- what all of them need --- */

static struct cw_slice check_text(lua_State *L, int arg)
{
    struct cw_slice text;
    text.data = luaL_checklstring(L, arg, &text.len);
    return text;
}

static void compile(lua_State *L, int arg, bool anchors, struct cw_pattern *pattern)
{
    struct cw_slice text = check_text(L, arg);
    const char *wrong = cw_pattern_compile(text, anchors, pattern);
    if (wrong != NULL)
        luaL_error(L, "malformed pattern \"%s\": %s", cw_slice_clip(text, CW_PATTERN_MAX).data, wrong);
}

static struct cw_match new_match(struct cw_slice subject)
{
    return (struct cw_match){ .subject = subject, .steps_max = STEPS_MAX };
}

/* Counts the work done since the last time. */
static void settle(lua_State *L, struct cw_match *match)
{
    cw_kernel_charge(L, match->steps / STEPS_PER_INSTRUCTION);
    if (match->is_exhausted)
        luaL_error(
            L,
            "the pattern has too many ways to match this text (gave up after %d steps): make it more exact, "
            "or cut the text first",
            STEPS_MAX);
    match->steps = 0;
}

/* The first match that begins at *start or later; *start moves there. NULL = none. */
static const char *search(lua_State *L, const struct cw_pattern *pattern, struct cw_match *match,
                          const char **start)
{
    const char *end, *last = match->subject.data + match->subject.len;
    while ((end = cw_pattern_match_at(pattern, match, *start)) == NULL && !match->is_exhausted &&
           !pattern->is_anchored && *start < last)
        (*start)++;
    settle(L, match);
    return end;
}

static void push_capture(lua_State *L, const struct cw_match *match, int number)
{
    const struct cw_capture *capture = &match->captures[number];
    if (capture->is_position)
        lua_pushinteger(L, capture->start - match->subject.data + 1);
    else
        lua_pushlstring(L, capture->start, capture->len);
}

static int push_captures(lua_State *L, const struct cw_pattern *pattern, const struct cw_match *match)
{
    luaL_checkstack(L, pattern->captures + 1, "too many captures");
    for (int i = 0; i < pattern->captures; i++)
        push_capture(L, match, i);
    return pattern->captures;
}

/* The captures, or the whole match when there are none. */
static int push_found(lua_State *L, const struct cw_pattern *pattern, const struct cw_match *match,
                      const char *start, const char *end)
{
    if (pattern->captures > 0)
        return push_captures(L, pattern, match);
    lua_pushlstring(L, start, (size_t)(end - start));
    return 1;
}

/* The optional position at `arg` as an offset; larger than the length = nothing can be found. */
static size_t check_offset(lua_State *L, int arg, size_t len)
{
    lua_Integer at = luaL_optinteger(L, arg, 1);
    if (at > 0)
        return (size_t)at - 1;
    if (at == 0 || at < -(lua_Integer)len)
        return 0;
    return len - (size_t)-at;
}

/* --- find and match --- */

static bool is_plain(struct cw_slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.data[i] != '\0' && strchr("^$*+?.([%-", pattern.data[i]) != NULL)
            return false;
    return true;
}

static int push_range(lua_State *L, struct cw_slice subject, const char *start, const char *end)
{
    lua_pushinteger(L, start - subject.data + 1);
    lua_pushinteger(L, end - subject.data);
    return 2;
}

static int find_plain(lua_State *L, struct cw_slice subject, size_t offset, struct cw_slice wanted)
{
    cw_kernel_charge(L, (subject.len - offset) / BYTES_PER_INSTRUCTION);
    const char *found = memmem(subject.data + offset, subject.len - offset, wanted.data, wanted.len);
    if (found != NULL)
        return push_range(L, subject, found, found + wanted.len);
    luaL_pushfail(L);
    return 1;
}

static int find_pattern(lua_State *L, struct cw_slice subject, size_t offset, bool with_range)
{
    struct cw_pattern pattern;
    struct cw_match match = new_match(subject);
    const char *start = subject.data + offset;
    compile(L, 2, true, &pattern);
    const char *end = search(L, &pattern, &match, &start);
    if (end == NULL) {
        luaL_pushfail(L);
        return 1;
    }
    if (!with_range)
        return push_found(L, &pattern, &match, start, end);
    return push_range(L, subject, start, end) + push_captures(L, &pattern, &match);
}

static int find_or_match(lua_State *L, bool is_find)
{
    struct cw_slice subject = check_text(L, 1), wanted = check_text(L, 2);
    size_t offset = check_offset(L, 3, subject.len);
    if (offset > subject.len) {
        luaL_pushfail(L);
        return 1;
    }
    if (is_find && (lua_toboolean(L, 4) || is_plain(wanted)))
        return find_plain(L, subject, offset, wanted);
    return find_pattern(L, subject, offset, is_find);
}

static int string_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int string_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* --- gmatch --- */

struct walk {
    size_t next, last_end;     /* offsets; last_end SIZE_MAX = no match yet */
    struct cw_pattern pattern; /* last: not all of it is kept */
};

/* Finds the next match that does not end where the last one did, as an empty one would. */
static const char *search_on(lua_State *L, struct walk *walk, struct cw_match *match, const char **start)
{
    const char *end, *subject_end = match->subject.data + match->subject.len;
    while ((end = search(L, &walk->pattern, match, start)) != NULL) {
        if ((size_t)(end - match->subject.data) != walk->last_end)
            return end;
        if (*start == subject_end)
            return NULL;
        ++*start;
    }
    return NULL;
}

/* Upvalues: the subject, the walk. */
static int step_gmatch(lua_State *L)
{
    struct cw_slice subject;
    subject.data = lua_tolstring(L, lua_upvalueindex(1), &subject.len);
    struct walk *walk = lua_touserdata(L, lua_upvalueindex(2));
    struct cw_match match = new_match(subject);
    if (walk->next > subject.len)
        return 0;
    const char *start = subject.data + walk->next;
    const char *end = search_on(L, walk, &match, &start);
    if (end == NULL) {
        walk->next = SIZE_MAX;
        return 0;
    }
    walk->next = walk->last_end = (size_t)(end - subject.data);
    return push_found(L, &walk->pattern, &match, start, end);
}

static int string_gmatch(lua_State *L)
{
    struct cw_pattern pattern;
    struct cw_slice subject = check_text(L, 1);
    size_t offset = check_offset(L, 3, subject.len);
    compile(L, 2, false, &pattern);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    struct walk *walk = lua_newuserdatauv(L, offsetof(struct walk, pattern) + cw_pattern_size(&pattern), 0);
    walk->next = offset;
    walk->last_end = SIZE_MAX;
    memcpy(&walk->pattern, &pattern, cw_pattern_size(&pattern));
    lua_pushcclosure(L, step_gmatch, 2);
    return 1;
}

/* --- gsub --- */

struct replacing {
    struct cw_pattern pattern;
    struct cw_match match;
    luaL_Buffer out;
};

static void add_numbered(lua_State *L, struct replacing *r, char digit, const char *start, const char *end)
{
    int number = digit - '1';
    if (digit == '0' || (number == 0 && r->pattern.captures == 0)) {
        luaL_addlstring(&r->out, start, (size_t)(end - start));
        return;
    }
    if (number >= r->pattern.captures)
        luaL_error(L, "the replacement refers to capture %%%c, which the pattern does not have", digit);
    push_capture(L, &r->match, number);
    luaL_addvalue(&r->out);
}

/* A replacement text with %0 to %9 and %%. */
static void add_text(lua_State *L, struct replacing *r, const char *start, const char *end)
{
    struct cw_slice text;
    text.data = lua_tolstring(L, 3, &text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') {
            luaL_addchar(&r->out, text.data[i]);
            continue;
        }
        char letter = ++i < text.len ? text.data[i] : '\0';
        if (letter == '%')
            luaL_addchar(&r->out, '%');
        else if (letter >= '0' && letter <= '9')
            add_numbered(L, r, letter, start, end);
        else
            luaL_error(L, "a '%%' in the replacement is followed by neither a digit nor '%%'");
    }
}

/* What a table or function has for the first capture, or for all of them; nil and false keep the match. */
static void add_answer(lua_State *L, struct replacing *r, const char *start, const char *end)
{
    if (lua_istable(L, 3)) {
        if (r->pattern.captures > 0)
            push_capture(L, &r->match, 0);
        else
            lua_pushlstring(L, start, (size_t)(end - start));
        lua_gettable(L, 3);
    } else {
        lua_pushvalue(L, 3);
        int count = push_found(L, &r->pattern, &r->match, start, end);
        lua_call(L, count, 1);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(&r->out, start, (size_t)(end - start));
        return;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "a %s is no replacement: give a string or a number", luaL_typename(L, -1));
    luaL_addvalue(&r->out);
}

static void replace(lua_State *L, struct replacing *r, const char *start, const char *end)
{
    if (lua_isstring(L, 3))
        add_text(L, r, start, end);
    else
        add_answer(L, r, start, end);
}

static lua_Integer replace_all(lua_State *L, struct replacing *r, lua_Integer most)
{
    const char *at = r->match.subject.data, *subject_end = at + r->match.subject.len, *last_end = NULL;
    lua_Integer count = 0;
    while (count < most) {
        const char *end = cw_pattern_match_at(&r->pattern, &r->match, at);
        if (r->match.is_exhausted)
            settle(L, &r->match);
        if (end != NULL && end != last_end) {
            count++;
            settle(L, &r->match);
            replace(L, r, at, end);
            at = last_end = end;
        } else if (at < subject_end) {
            luaL_addchar(&r->out, *at++);
        } else {
            break;
        }
        if (r->pattern.is_anchored)
            break;
    }
    settle(L, &r->match);
    luaL_addlstring(&r->out, at, (size_t)(subject_end - at));
    return count;
}

/* string.gsub(s, pattern, replacement, n) -> text, count */
static int string_gsub(lua_State *L)
{
    struct replacing r;
    struct cw_slice subject = check_text(L, 1);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)subject.len + 1);
    luaL_argexpected(L, lua_isstring(L, 3) || lua_istable(L, 3) || lua_isfunction(L, 3), 3,
                     "string, function or table");
    compile(L, 2, true, &r.pattern);
    r.match = new_match(subject);
    cw_kernel_collect(L);
    luaL_buffinit(L, &r.out);
    lua_Integer count = replace_all(L, &r, most);
    luaL_pushresult(&r.out);
    lua_pushinteger(L, count);
    return 2;
}

void cw_kernel_open_search(lua_State *L)
{
    static const luaL_Reg functions[] = { { "find", string_find },
                                          { "match", string_match },
                                          { "gmatch", string_gmatch },
                                          { "gsub", string_gsub },
                                          { NULL, NULL } };
    luaL_setfuncs(L, functions, 0);
}
