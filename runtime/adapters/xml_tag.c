/* xml_tag.c - see xml_tag.h. Damaged tags end where it does the least harm: at the next '>' or before the
 * next '<'. */
#include "adapters/xml_tag.h"

bool cw_tag_find(struct cw_window *window)
{
    for (;;) {
        const char *from = window->data + window->at;
        const char *found = memchr(from, '<', window->len - window->at);
        if (found != NULL) {
            window->at += (size_t)(found - from);
            return true;
        }
        window->at = window->len;
        if (!cw_window_more(window))
            return false;
    }
}

/* Finds `what`, which ends in '>', not before byte `from` of the markup. */
static bool find_end(struct cw_window *window, size_t from, const char *what, size_t *len)
{
    size_t width = strlen(what);
    for (size_t i = from + width - 1;;) {
        if (!cw_window_has(window, i + 1))
            return false;
        const char *markup = window->data + window->at;
        const char *found = memchr(markup + i, '>', window->len - window->at - i);
        if (found == NULL) {
            i = window->len - window->at;
            continue;
        }
        i = (size_t)(found - markup) + 1;
        if (memcmp(markup + i - width, what, width) == 0) {
            *len = i;
            return true;
        }
    }
}

static bool read_bang(struct cw_window *window, struct cw_tag *tag)
{
    static const char cdata[] = "<![CDATA[";
    size_t visible = sizeof cdata - 1;
    if (!cw_window_has(window, visible)) {
        if (window->failed)
            return false;
        visible = window->len - window->at;
    }
    const char *markup = window->data + window->at;
    if (visible >= 4 && memcmp(markup, "<!--", 4) == 0) {
        tag->kind = CW_TAG_MISC;
        return find_end(window, 4, "-->", &tag->len);
    }
    if (visible == sizeof cdata - 1 && memcmp(markup, cdata, visible) == 0) {
        tag->kind = CW_TAG_CDATA;
        return find_end(window, visible, "]]>", &tag->len);
    }
    tag->kind = CW_TAG_DOCTYPE;
    tag->len = 2;
    return true;
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (unsigned char)c >= 0x80;
}

static const bool name_ends[256] = {
    ['>'] = true, ['/'] = true, ['<'] = true, [' '] = true, ['\n'] = true, ['\t'] = true, ['\r'] = true
};
static const bool tag_ends[256] = { ['>'] = true, ['<'] = true, ['"'] = true, ['\''] = true };

/* Moves *i to the first byte that `stops` holds, or to `most` when that comes first; false at the end of the
 * body. */
static bool scan(struct cw_window *window, size_t *i, size_t most, const bool stops[256])
{
    do {
        const char *markup = window->data + window->at;
        size_t visible = window->len - window->at, end = visible < most ? visible : most;
        while (*i < end && !stops[(unsigned char)markup[*i]])
            ++*i;
        if (*i < visible)
            return true;
    } while (cw_window_more(window));
    return false;
}

/* The closing quote of the one at `i`; false when a '<', the limit or the end of the body comes first. */
static bool find_quote(struct cw_window *window, size_t *i)
{
    char quote = window->data[window->at + *i];
    size_t most = cw_window_room(window);
    for (size_t j = *i + 1; j < most && cw_window_has(window, j + 1); j++) {
        const char *markup = window->data + window->at;
        size_t visible = window->len - window->at < most ? window->len - window->at : most;
        while (j < visible && markup[j] != quote && markup[j] != '<')
            j++;
        if (j == visible) {
            j--;
            continue;
        }
        *i = j;
        return markup[j] == quote;
    }
    return false;
}

/* The first '>' outside of quotes, from byte `from` on, or the place before a '<'. Quotes that do not pair
 * are nothing special. */
static bool find_close(struct cw_window *window, struct cw_tag *tag, size_t from, bool quotes)
{
    size_t most = cw_window_room(window);
    for (size_t i = from; scan(window, &i, most, tag_ends); i++) {
        char c = window->data[window->at + i];
        if (i >= most)
            return cw_window_fail_size(window);
        if (c == '>' || c == '<') {
            tag->len = c == '>' ? i + 1 : i;
            return true;
        }
        if (quotes && (c == '"' || c == '\'') && !find_quote(window, &i))
            return !window->failed && find_close(window, tag, from, false);
    }
    return false;
}

static bool read_element_tag(struct cw_window *window, struct cw_tag *tag)
{
    size_t i = tag->name;
    if (!scan(window, &i, SIZE_MAX, name_ends))
        return false;
    tag->name_len = i - tag->name;
    if (!find_close(window, tag, i, tag->kind == CW_TAG_START))
        return false;
    if (tag->kind == CW_TAG_START && memcmp(window->data + window->at + tag->len - 2, "/>", 2) == 0)
        tag->kind = CW_TAG_EMPTY;
    return true;
}

static bool read_tag(struct cw_window *window, struct cw_tag *tag)
{
    *tag = (struct cw_tag){ .kind = CW_TAG_START, .name = 1 };
    if (!cw_window_has(window, 2))
        return false;
    char c = window->data[window->at + 1];
    if (c == '!')
        return read_bang(window, tag);
    if (c == '?') {
        tag->kind = CW_TAG_MISC;
        return find_end(window, 2, "?>", &tag->len);
    }
    if (c == '/') {
        if (!cw_window_has(window, 3))
            return false;
        *tag = (struct cw_tag){ .kind = CW_TAG_END, .name = 2 };
        c = window->data[window->at + 2];
    }
    if (starts_name(c))
        return read_element_tag(window, tag);
    tag->kind = CW_TAG_STRAY;
    tag->len = 1;
    return true;
}

bool cw_tag_read(struct cw_window *window, struct cw_tag *tag)
{
    if (!read_tag(window, tag))
        return false;
    return tag->len <= cw_window_room(window) || cw_window_fail_size(window);
}
