/* log.c - see log.h. A line is built in one piece of memory and written at once. */
#include "base/log.h"

#include <ctype.h>
#include <stdarg.h>

enum {
    TAIL_BYTES =
        32, /* kept free for the end of a cut line: "...", a quote, the mark, a bracket, the newline */
    NAME_BYTES = 64 /* of a field's name; the rest is dropped */
};

static struct cw_log_config config;
static bool configured;

void cw_log_configure(struct cw_log_config wanted)
{
    config = wanted;
    configured = true;
}

static const struct cw_log_config *current(void)
{
    if (!configured)
        cw_log_configure((struct cw_log_config){ .out = stderr, .level = CW_LOG_WARNING });
    return &config;
}

void cw_log_set_style(enum cw_log_style style)
{
    current();
    config.style = style;
}

struct line {
    char text[CW_LOG_LINE_MAX];
    size_t len;
    bool json;
    bool cut; /* nothing more is added */
};

/* All of it or nothing; false when it does not fit. */
static bool add(struct line *line, const char *data, size_t len)
{
    if (line->cut || line->len + len > sizeof line->text - TAIL_BYTES) {
        line->cut = true;
        return false;
    }
    memcpy(line->text + line->len, data, len);
    line->len += len;
    return true;
}

static void add_tail(struct line *line, const char *text)
{
    size_t len = strlen(text);
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

/* ---- characters ---- */

/* Length and code of the UTF-8 character at `at`; length 0 when the bytes are none. */
static size_t read_character(struct cw_slice s, size_t at, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)s.data[at];
    size_t len = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    if (len == 0 || len > s.len - at || first > 0xF4)
        return 0;
    *code = len == 1 ? first : first & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)s.data[at + i];
        if ((next & 0xC0) != 0x80)
            return 0;
        *code = *code << 6 | (next & 0x3F);
    }
    bool surrogate = *code >= 0xD800 && *code <= 0xDFFF;
    return *code < least[len] || *code > 0x10FFFF || surrogate ? 0 : len;
}

/* Characters that end a line, move the cursor, or turn the direction of what is shown. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x200E && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

/* The character at `at` as it may stand between quotes; returns the bytes of input it took. */
static size_t add_character(struct line *line, struct cw_slice s, size_t at)
{
    static const char names[] = "\"\\nrt", bytes[] = "\"\\\n\r\t";
    char escape[8];
    uint32_t code = 0;
    size_t len = read_character(s, at, &code);
    if (len == 0) {
        add(line, "\\ufffd", 6);
        return 1;
    }
    const char *named = code < 0x80 && code != 0 ? strchr(bytes, (int)code) : NULL;
    if (named != NULL) {
        add(line, (char[]){ '\\', names[named - bytes] }, 2);
    } else if (is_control(code)) {
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)code & 0xFFFF);
        add(line, escape, 6);
    } else {
        add(line, s.data + at, len);
    }
    return len;
}

/* ---- values ---- */

/* Whether logfmt needs no quotes; every byte past ASCII gets them. */
static bool is_bare(struct cw_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] == 0x7F || strchr("\"=\\", s.data[i]) != NULL)
            return false;
    return s.len > 0;
}

/* Without quotes; secrets are sought in the whole value, so that a cut never leaves the half of one. */
static void add_text(struct line *line, struct cw_slice s)
{
    for (size_t at = 0; at < s.len && !line->cut;) {
        size_t hidden = cw_secret_match(s, at);
        if (hidden > 0)
            add(line, CW_SECRET_MARK, sizeof CW_SECRET_MARK - 1);
        at += hidden > 0 ? hidden : add_character(line, s, at);
    }
}

/* Names come from code and from scripts; what could pass for a separator becomes '_'. */
static bool add_name_text(struct line *line, struct cw_slice name)
{
    bool fits = true;
    for (size_t at = 0; at < name.len && at < NAME_BYTES && fits;) {
        size_t hidden = cw_secret_match(name, at);
        char c = isalnum((unsigned char)name.data[at]) || strchr("_.-", name.data[at]) != NULL ? name.data[at]
                                                                                               : '_';
        fits = hidden > 0 ? add(line, CW_SECRET_MARK, sizeof CW_SECRET_MARK - 1) : add(line, &c, 1);
        at += hidden > 0 ? hidden : 1;
    }
    return fits;
}

/* Up to the place of the value, its opening quote included. */
static bool add_name(struct line *line, const char *name, bool quoted)
{
    size_t start = line->len;
    const char *before = line->json ? (start == 0 ? "{\"" : ",\"") : (start == 0 ? "" : " ");
    const char *after = line->json ? "\":\"" : quoted ? "=\"" : "=";
    if (add(line, before, strlen(before)) && add_name_text(line, cw_slice(name)) &&
        add(line, after, strlen(after)))
        return true;
    line->len = start;
    return false;
}

static void add_field(struct line *line, const char *name, struct cw_slice value)
{
    bool quoted = line->json || !is_bare(value);
    if (line->cut || !add_name(line, name, quoted))
        return;
    add_text(line, value);
    if (line->cut)
        add_tail(line, "...");
    if (quoted)
        add_tail(line, "\"");
}

static void finish(struct line *line)
{
    if (line->cut)
        add_tail(line, line->json ? ",\"cut\":\"true\"" : " cut=true");
    add_tail(line, line->json ? "}\n" : "\n");
}

static const char *level_name(enum cw_log_level level)
{
    static const char *const names[] = { "debug", "info", "warning", "error" };
    return names[level];
}

void cw_log(enum cw_log_level level, const char *event, const struct cw_log_field *fields)
{
    const struct cw_log_config *to = current();
    if (to->out == NULL || level < to->level)
        return;
    char now[CW_TIME_TEXT_MAX];
    struct line line = { .json = to->style == CW_LOG_JSON };
    size_t now_len = cw_time_iso(cw_now(to->clock != NULL ? to->clock : &cw_system_clock), now);
    add_field(&line, "time", (struct cw_slice){ now, now_len });
    add_field(&line, "level", cw_slice(level_name(level)));
    add_field(&line, "event", cw_slice(event));
    for (; fields != NULL && fields->name != NULL; fields++)
        add_field(&line, fields->name, fields->value);
    finish(&line);
    fwrite(line.text, 1, line.len, to->out);
    fflush(to->out);
}

void cw_log_pairs(enum cw_log_level level, const char *event, ...)
{
    struct cw_log_field fields[CW_LOG_PAIRS_MAX + 1];
    size_t count = 0;
    va_list args;
    va_start(args, event);
    for (const char *name; count < CW_LOG_PAIRS_MAX && (name = va_arg(args, const char *)) != NULL;)
        fields[count++] = (struct cw_log_field){ name, cw_slice(va_arg(args, const char *)) };
    va_end(args);
    fields[count].name = NULL;
    cw_log(level, event, fields);
}
