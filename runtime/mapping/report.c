/* report.c - issues and traces, and the names of the places they speak of, which are put together only here.
 */
#include "mapping/running.h"

#include <stdarg.h>
#include <stdio.h>

enum { PLACE_MAX = 384, MESSAGE_MAX = 1024 };

/* A text that is put together; what does not fit is left out. */
struct place {
    char text[PLACE_MAX];
    size_t len;
};

static void put(struct place *place, struct cw_slice s)
{
    size_t room = sizeof place->text - place->len;
    size_t len = s.len < room ? s.len : room;
    if (len > 0)
        memcpy(place->text + place->len, s.data, len);
    place->len += len;
}

static void put_index(struct place *place, size_t index)
{
    char text[24];
    if (index > 0)
        put(place, (struct cw_slice){ text, (size_t)snprintf(text, sizeof text, "[%zu]", index) });
}

/* "lines[2]." */
static void put_outer_fields(struct place *place, const struct cw_level *level)
{
    if (level->outer == NULL)
        return;
    put_outer_fields(place, level->outer);
    put(place, level->name);
    put_index(place, level->index);
    put(place, cw_slice("."));
}

static struct cw_slice field_name(const struct cw_level *level, const struct cw_compiled_rule *rule)
{
    struct place place = { .len = 0 };
    put_outer_fields(&place, level);
    if (rule == NULL)
        place.len -= place.len > 0; /* the place itself, without the dot */
    else if (rule->is_custom)
        put(&place, cw_slice("custom."));
    if (rule != NULL)
        put(&place, rule->name);
    return cw_arena_copy(level->run->arena, (struct cw_slice){ place.text, place.len });
}

static void put_path(struct place *place, struct cw_slice path, size_t match)
{
    if (path.len > 0 && path.data[0] == '$')
        place->len = 0; /* another record */
    if (cw_slice_is(path, ".") && (place->len > 0 || match == 0))
        return;
    if (place->len > 0)
        put(place, cw_slice("/"));
    put(place, path);
    put_index(place, match);
}

static void put_outer_paths(struct place *place, const struct cw_level *level)
{
    if (level->outer == NULL)
        return;
    put_outer_paths(place, level->outer);
    put_path(place, level->path, level->match);
}

/* "order_rows/order_row[2]/product_quantity": as it would be written from the record. */
static struct cw_slice full_path(const struct cw_level *level, const struct cw_path *path)
{
    struct place place = { .len = 0 };
    if (path == NULL)
        return (struct cw_slice){ "", 0 };
    put_outer_paths(&place, level);
    put_path(&place, path->text, 0);
    if (place.len == 0)
        put(&place, path->text);
    return cw_arena_copy(level->run->arena, (struct cw_slice){ place.text, place.len });
}

const char *cw_quote(struct cw_slice text, char out[CW_QUOTE_MAX])
{
    size_t len = text.len;
    if (len >= CW_QUOTE_MAX) {
        len = CW_QUOTE_MAX - 4;
        while (len > 0 && ((unsigned char)text.data[len] & 0xC0) == 0x80)
            len--;
    }
    if (len > 0)
        memcpy(out, text.data, len);
    memcpy(out + len, "...", len < text.len ? 4 : 0);
    if (len == text.len)
        out[len] = '\0';
    return out;
}

static struct cw_found_issue *make_issue(struct cw_arena *arena, const char *code, const char *fmt,
                                         va_list args) __attribute__((format(printf, 3, 0)));
static struct cw_found_issue *make_issue(struct cw_arena *arena, const char *code, const char *fmt,
                                         va_list args)
{
    char text[MESSAGE_MAX];
    int len = vsnprintf(text, sizeof text, fmt, args);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    struct cw_found_issue *issue = cw_arena_alloc(arena, sizeof *issue);
    if (issue == NULL)
        return NULL;
    *issue = (struct cw_found_issue){ .code = cw_arena_copy(arena, cw_slice(code)),
                                      .message = cw_arena_copy(arena, (struct cw_slice){ text, kept }),
                                      .field = { "", 0 },
                                      .path = { "", 0 },
                                      .subject = { "", 0 } };
    return issue->code.data != NULL && issue->message.data != NULL ? issue : NULL;
}

static struct cw_found_issue *format_issue(struct cw_arena *arena, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static struct cw_found_issue *format_issue(struct cw_arena *arena, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct cw_found_issue *issue = make_issue(arena, code, fmt, args);
    va_end(args);
    return issue;
}

static bool append_issue(struct cw_report *report, struct cw_found_issue *issue)
{
    if (issue == NULL || issue->field.data == NULL || issue->path.data == NULL)
        return false;
    if (report->issues == NULL)
        report->issues = issue;
    else
        report->last_issue->next = issue;
    report->last_issue = issue;
    return true;
}

bool cw_report_issue(struct cw_level *level, const struct cw_compiled_rule *rule, const struct cw_path *path,
                     const char *code, const char *fmt, ...)
{
    struct cw_run *run = level->run;
    struct cw_found_issue *issue;
    if (run->issue_count > CW_PLAN_ISSUES_MAX)
        return true;
    if (run->issue_count++ == CW_PLAN_ISSUES_MAX) {
        issue = format_issue(run->arena, "limit",
                             "this record has more than %d issues; the others are not listed",
                             CW_PLAN_ISSUES_MAX);
        return append_issue(&level->report, issue);
    }
    va_list args;
    va_start(args, fmt);
    issue = make_issue(run->arena, code, fmt, args);
    va_end(args);
    if (issue != NULL) {
        issue->field = field_name(level, rule);
        issue->path = full_path(level, path);
    }
    return append_issue(&level->report, issue);
}

bool cw_report_missing(struct cw_level *level, const struct cw_compiled_rule *rule)
{
    const struct cw_path *path = rule->path_count > 0 ? rule->paths[0].path : NULL;
    int name_len = (int)rule->name.len;
    if (path == NULL)
        return cw_report_issue(level, rule, NULL, "missing", "%.*s is missing: its function gives no value",
                               name_len, rule->name.data);
    return cw_report_issue(level, rule, path, "missing", "%.*s is missing: the record has nothing at %.*s%s",
                           name_len, rule->name.data, CW_SLICE_ARG(path->text),
                           rule->path_count > 1 ? " or its other paths" : "");
}

bool cw_report_trace(struct cw_level *level, const struct cw_compiled_rule *rule,
                     const struct cw_reading *reading)
{
    struct cw_arena *arena = level->run->arena;
    char scratch[CW_VALUE_TEXT_MAX];
    struct cw_trace *trace = cw_arena_alloc(arena, sizeof *trace);
    if (trace == NULL)
        return false;
    *trace = (struct cw_trace){ .field = field_name(level, rule),
                                .source = rule->source,
                                .from_default = reading->from_default,
                                .path = full_path(level, reading->path),
                                .raw = reading->raw,
                                .where = rule->where };
    trace->value = cw_arena_copy(arena, cw_value_text(rule->type, reading->value, -1, scratch));
    if (reading->row != NULL) {
        trace->table = rule->table;
        trace->row = reading->row->key;
    }
    if (trace->field.data == NULL || trace->path.data == NULL || trace->value.data == NULL)
        return false;
    cw_report_append(&level->report, &(struct cw_report){ .trace = trace, .last_trace = trace });
    return true;
}

void cw_report_append(struct cw_report *report, const struct cw_report *more)
{
    if (more->issues != NULL) {
        if (report->issues == NULL)
            report->issues = more->issues;
        else
            report->last_issue->next = more->issues;
        report->last_issue = more->last_issue;
    }
    if (more->trace != NULL) {
        if (report->trace == NULL)
            report->trace = more->trace;
        else
            report->last_trace->next = more->trace;
        report->last_trace = more->last_trace;
    }
}

struct cw_found_issue *cw_mapped_add_issue(struct cw_mapped *mapped, struct cw_arena *arena, const char *code,
                                           const char *field, const char *fmt, ...)
{
    struct cw_report report = { .issues = mapped->issues, .last_issue = mapped->issues };
    va_list args;
    va_start(args, fmt);
    struct cw_found_issue *issue = make_issue(arena, code, fmt, args);
    va_end(args);
    while (report.last_issue != NULL && report.last_issue->next != NULL)
        report.last_issue = report.last_issue->next;
    if (issue != NULL)
        issue->field = cw_arena_copy(arena, cw_slice(field));
    bool ok = append_issue(&report, issue);
    mapped->issues = report.issues;
    return ok ? issue : NULL;
}

bool cw_mapped_has_issue(const struct cw_mapped *mapped, const char *field)
{
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next)
        if (cw_slice_is(issue->field, field))
            return true;
    return false;
}

static bool may_pass(const struct cw_found_issue *issue, const struct cw_pass *passes, size_t count)
{
    for (size_t i = 0; issue->is_hold && i < count; i++)
        if (cw_slice_equal(issue->code, passes[i].code) && cw_slice_equal(issue->field, passes[i].field) &&
            cw_slice_equal(issue->message, passes[i].message))
            return true;
    return false;
}

void cw_mapped_pass(struct cw_mapped *mapped, const struct cw_pass *passes, size_t count)
{
    struct cw_found_issue **place = &mapped->issues;
    while (*place != NULL) {
        if (may_pass(*place, passes, count))
            *place = (*place)->next;
        else
            place = &(*place)->next;
    }
}

static struct cw_trace *find_trace(struct cw_mapped *mapped, struct cw_slice field, struct cw_trace ***end)
{
    *end = &mapped->trace;
    for (struct cw_trace *trace = mapped->trace; trace != NULL; *end = &trace->next, trace = trace->next)
        if (cw_slice_equal(trace->field, field))
            return trace;
    return NULL;
}

bool cw_mapped_explain(struct cw_mapped *mapped, struct cw_arena *arena, const char *field,
                       struct cw_slice value, struct cw_slice by, struct cw_slice where)
{
    struct cw_trace **end;
    if (mapped->trace == NULL)
        return true;
    struct cw_trace *trace = find_trace(mapped, cw_slice(field), &end);
    if (trace == NULL) {
        trace = *end = cw_arena_alloc(arena, sizeof *trace);
        if (trace == NULL)
            return false;
        *trace = (struct cw_trace){ .field = cw_arena_copy(arena, cw_slice(field)), .source = CW_FROM_RULE };
    }
    trace->value = cw_arena_copy(arena, value);
    trace->rule = cw_arena_copy(arena, by);
    trace->rule_where = cw_arena_copy(arena, where);
    return trace->field.data != NULL && trace->value.data != NULL && trace->rule.data != NULL &&
           trace->rule_where.data != NULL;
}
