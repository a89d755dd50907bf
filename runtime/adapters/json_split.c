/* json_split.c - finds where the records of a JSON document begin and end. On the way to them it is strict;
 * inside them it only counts brackets and knows strings. */
#include "adapters/split.h"

#include <inttypes.h>

#include "adapters/json_text.h"

void cw_json_split_init(struct cw_json_split *split, const struct cw_body *body,
                        const struct cw_split_path *path, const struct cw_reader_limits *limits, size_t step)
{
    split->path = path;
    cw_window_init(&split->window, body, step, limits->record_bytes);
}

static bool fail_cut(struct cw_window *window, const char *what, uint64_t begin)
{
    if (window->failed)
        return false;
    return cw_window_fail(window, CW_INVALID, cw_body_size(window->body),
                          "the document ends in the middle of the %s that begins at byte %" PRIu64
                          "; it was cut off on its way",
                          what, begin);
}

/* The next byte that is not white space; '\0' at the end of the body and after a failure. */
static char peek(struct cw_window *window)
{
    return cw_window_skip_space(window) ? window->data[window->at] : '\0';
}

/* --- values, leniently --- */

/* From the opening quote to after the closing one. */
static bool pass_string(struct cw_window *window)
{
    window->at++;
    for (;;) {
        if (!cw_window_has(window, 1))
            return false;
        const char *from = window->data + window->at;
        size_t visible = window->len - window->at;
        const char *quote = memchr(from, '"', visible);
        size_t before = quote != NULL ? (size_t)(quote - from) : visible;
        const char *backslash = memchr(from, '\\', before);
        if (backslash == NULL) {
            window->at += quote != NULL ? before + 1 : before;
            if (quote != NULL)
                return true;
            continue;
        }
        window->at += (size_t)(backslash - from);
        if (!cw_window_has(window, 2))
            return false;
        window->at += 2;
    }
}

/* From an opening bracket to after the one that closes it. */
static bool pass_nested(struct cw_window *window)
{
    static const bool stops[256] = { ['"'] = true, ['{'] = true, ['}'] = true, ['['] = true, [']'] = true };
    size_t depth = 0;
    do {
        if (!cw_window_has(window, 1))
            return false;
        const char *p = window->data + window->at, *end = window->data + window->len;
        while (p < end && !stops[(unsigned char)*p])
            p++;
        window->at = (size_t)(p - window->data);
        if (p == end)
            continue;
        if (*p == '"') {
            if (!pass_string(window))
                return false;
            continue;
        }
        depth += *p == '{' || *p == '[' ? 1 : (size_t)-1;
        window->at++;
    } while (depth > 0);
    return true;
}

static bool pass_scalar(struct cw_window *window)
{
    uint64_t begin = cw_window_offset(window);
    while (cw_window_has(window, 1) && strchr(",]} \t\r\n", window->data[window->at]) == NULL)
        window->at++;
    return cw_window_offset(window) > begin || cw_window_fail_here(window, "a value is missing");
}

static bool pass_value(struct cw_window *window, const char *what)
{
    uint64_t begin = cw_window_offset(window);
    char c = peek(window);
    if (window->at == window->len)
        return fail_cut(window, what, begin);
    bool ok = c == '"'               ? pass_string(window)
              : c == '{' || c == '[' ? pass_nested(window)
                                     : pass_scalar(window);
    return ok || fail_cut(window, what, begin);
}

static bool take_record(struct cw_json_split *split, struct cw_record *record)
{
    struct cw_window *window = &split->window;
    peek(window);
    window->mark = window->at;
    if (!pass_value(window, "record") || !cw_window_check_size(window))
        return false;
    record->bytes = (struct cw_slice){ window->data + window->mark, window->at - window->mark };
    record->offset = window->base + window->mark;
    return true;
}

/* --- the way to the records --- */

static bool is_named(struct cw_slice raw, struct cw_slice name)
{
    char text[CW_PATH_TEXT_MAX * 6];
    size_t len;
    const char *bad;
    if (memchr(raw.data, '\\', raw.len) == NULL)
        return cw_slice_equal(raw, name);
    return raw.len <= sizeof text && cw_json_decode(raw, text, &len, &bad) == NULL &&
           cw_slice_equal((struct cw_slice){ text, len }, name);
}

/* A key and its colon; *named when it is `name`. */
static bool pass_key(struct cw_window *window, struct cw_slice name, bool *named)
{
    uint64_t begin = cw_window_offset(window);
    if (peek(window) != '"')
        return cw_window_fail_here(window, "a key was expected");
    window->mark = window->at;
    if (!pass_string(window))
        return fail_cut(window, "key", begin);
    if (!cw_window_check_size(window))
        return false;
    *named =
        is_named((struct cw_slice){ window->data + window->mark + 1, window->at - window->mark - 2 }, name);
    window->mark = CW_WINDOW_NO_MARK;
    if (peek(window) != ':')
        return cw_window_fail_here(window, "a colon was expected after a key");
    window->at++;
    return true;
}

/* Before a member of the open list or object: true with *more, or true without at its end, which is passed.
 */
static bool find_member(struct cw_json_split *split, char close, bool *more)
{
    struct cw_window *window = &split->window;
    char c = peek(window);
    bool first = split->first;
    split->first = false;
    *more = c != close;
    if (c == close) {
        window->at++;
        return true;
    }
    if (window->at == window->len)
        return fail_cut(window, close == ']' ? "list" : "object", split->begin);
    if (first)
        return true;
    if (c != ',')
        return cw_window_fail_here(window, "a comma or the end of the list was expected");
    window->at++;
    return true;
}

static bool open_list(struct cw_json_split *split, char close)
{
    split->begin = cw_window_offset(&split->window);
    split->window.at++;
    split->state = JSON_LIST;
    split->close = close;
    split->first = true;
    split->found = true;
    return true;
}

/* At the value that the path leads to: a list, or one record. */
static bool open_container(struct cw_json_split *split, struct cw_record *record, bool *taken)
{
    char c = peek(&split->window);
    bool star = split->level < split->path->count;
    if (c == '[')
        return open_list(split, ']');
    if (c == '{' && star)
        return open_list(split, '}');
    if (c != '{')
        return cw_window_fail_here(&split->window, "a list of records was expected");
    split->state = JSON_WAY;
    split->found = *taken = true;
    return take_record(split, record);
}

/* At a value on the path: enters it, or takes it. */
static bool descend(struct cw_json_split *split, struct cw_record *record, bool *taken)
{
    struct cw_window *window = &split->window;
    const struct cw_split_path *path = split->path;
    if (split->level == path->count || cw_slice_is(path->names[split->level], "*"))
        return open_container(split, record, taken);
    if (peek(window) != '{')
        return cw_window_fail_here(window, "an object was expected on the way to the records");
    split->begin = cw_window_offset(window);
    window->at++;
    split->state = JSON_WAY;
    split->first = true;
    split->seen[split->level++] = false;
    return true;
}

/* One member of the innermost object of the path. */
static bool step_way(struct cw_json_split *split, struct cw_record *record, bool *taken)
{
    struct cw_window *window = &split->window;
    unsigned level = split->level - 1;
    bool more, named;
    if (!find_member(split, '}', &more))
        return false;
    if (!more) {
        split->level--;
        return true;
    }
    if (!pass_key(window, split->path->names[level], &named))
        return false;
    if (!named)
        return pass_value(window, "value");
    if (split->seen[level])
        return cw_window_fail(window, CW_INVALID, cw_window_offset(window),
                              "the key \"%.*s\" comes twice, so that nobody knows which one is meant",
                              CW_SLICE_ARG(split->path->names[level]));
    split->seen[level] = true;
    return descend(split, record, taken);
}

static bool step_list(struct cw_json_split *split, struct cw_record *record, bool *taken)
{
    bool named;
    if (!find_member(split, split->close, taken))
        return false;
    if (!*taken) {
        split->state = JSON_WAY;
        return true;
    }
    if (split->close == '}' && !pass_key(&split->window, cw_slice(""), &named))
        return false;
    return take_record(split, record);
}

/* A root of [] is an empty list at any path: that is how PHP writes an empty map. */
static bool open_empty_root(struct cw_json_split *split)
{
    struct cw_window *window = &split->window;
    window->at++;
    if (peek(window) != ']')
        return cw_window_fail_here(window, "an object was expected on the way to the records, not a list");
    window->at++;
    split->state = JSON_WAY;
    return split->found = true;
}

static bool open_root(struct cw_json_split *split, struct cw_record *record, bool *taken)
{
    struct cw_window *window = &split->window;
    if (!cw_window_begin(window))
        return false;
    char c = peek(window);
    if (!window->failed && window->at == window->len)
        return cw_window_fail(window, CW_INVALID, 0, "the body is empty; JSON was expected");
    if (c != '{' && c != '[')
        return cw_window_fail_here(window, "a JSON object or list was expected, but the body begins");
    bool straight = split->path->count == 0 || cw_slice_is(split->path->names[0], "*");
    return c == '[' && !straight ? open_empty_root(split) : descend(split, record, taken);
}

static enum cw_split finish(struct cw_json_split *split)
{
    struct cw_window *window = &split->window;
    char quote[CW_QUOTE_MAX];
    if (cw_window_skip_space(window))
        cw_window_fail_here(window, "something follows the end of the document");
    if (window->failed)
        return CW_SPLIT_FAILED;
    if (split->found)
        return CW_SPLIT_END;
    cw_window_quote(window, 0, quote);
    cw_window_fail(window, CW_INVALID, 0,
                   "the document holds no \"%s\", so it is no list of records; it begins: \"%s\"",
                   split->path->text, quote);
    return CW_SPLIT_FAILED;
}

enum cw_split cw_json_split_next(struct cw_json_split *split, struct cw_record *record)
{
    bool taken = false;
    while (!taken) {
        bool ok = split->state == JSON_ROOT   ? open_root(split, record, &taken)
                  : split->state == JSON_LIST ? step_list(split, record, &taken)
                  : split->level > 0          ? step_way(split, record, &taken)
                                              : true;
        if (!ok)
            return CW_SPLIT_FAILED;
        if (!taken && split->state == JSON_WAY && split->level == 0)
            return finish(split);
    }
    return CW_SPLIT_RECORD;
}
