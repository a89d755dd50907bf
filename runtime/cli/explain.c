/* explain.c - see explain.h. */
#include "cli/explain.h"

#include <stdio.h>
#include <string.h>

#include "adapters/document_json.h"
#include "engine/judge.h"
#include "mapping/edit.h"
#include "engine/stored.h"

static const char *source_name(const struct cw_lua_stream *stream, const struct cw_trace *trace)
{
    static const char *const names[] = { "path",     "join", "sum",    "constant",
                                         "function", "each", "record", "rule" };
    if (trace->from_default)
        return "default";
    return cw_lua_plan_derives(stream->plan, trace->path) ? "derived" : names[trace->source];
}

/* --- for people --- */

/* Text of the cart or of its script, between `before` and `after`. */
static void put(const char *before, struct cw_slice text, const char *after)
{
    char *harmless = cw_cli_harmless(text, "");
    printf("%s%s%s", before, harmless, after);
    g_free(harmless);
}

/* Tables that rules.by makes have a name that nobody wrote. */
static bool is_made(struct cw_slice table)
{
    return table.len > 6 && memcmp(table.data, "rules.", 6) == 0;
}

static void print_rule(const struct cw_trace *trace)
{
    if (trace->rule.len == 0)
        return;
    put(trace->source == CW_FROM_RULE ? "" : ", then ", trace->rule, "");
    if (trace->rule_table.len > 0 && !is_made(trace->rule_table))
        put(": table ", trace->rule_table, "");
    if (trace->rule_row.len > 0)
        put(" row ", trace->rule_row, "");
    if (trace->rule_where.len > 0)
        put("  (", trace->rule_where, ")");
}

/* One line: what the cart wrote, when it says more than the value itself. */
static void print_trace(const struct cw_lua_stream *stream, const struct cw_trace *trace)
{
    printf("  %-28.*s", CW_SLICE_ARG(trace->field));
    put(" ", trace->value.len > 0 ? trace->value : cw_slice("(none)"), "   <- ");
    if (trace->source != CW_FROM_RULE)
        fputs(source_name(stream, trace), stdout);
    if (trace->path.len > 0)
        put(" ", trace->path, "");
    if (trace->raw.len > 0 && !cw_slice_equal(trace->raw, trace->value))
        put(" = \"", trace->raw, "\"");
    if (trace->table.len > 0)
        printf(", table %.*s row %.*s", CW_SLICE_ARG(trace->table), CW_SLICE_ARG(trace->row));
    if (trace->where.len > 0)
        printf("  (%.*s)", CW_SLICE_ARG(trace->where));
    print_rule(trace);
    putchar('\n');
}

static void print_text(const struct cw_lua_stream *stream, struct cw_slice id, const struct cw_mapped *mapped)
{
    printf("%s%s", cw_cli_bold(), cw_lua_plan_kind(stream->plan)->name);
    put(" ", id, cw_cli_plain());
    putchar('\n');
    if (mapped->skipped_by != NULL)
        printf("  skipped by the rule %s\n", mapped->skipped_by);
    for (const struct cw_trace *trace = mapped->trace; trace != NULL; trace = trace->next)
        print_trace(stream, trace);
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next) {
        put("  ! ", issue->field, issue->field.len > 0 ? " " : "");
        printf("(%.*s)", CW_SLICE_ARG(issue->code));
        put(": ", issue->message, "\n");
    }
    for (const struct cw_document *also = mapped->also; also != NULL; also = also->next) {
        printf("  and the %s", also->kind->name);
        put(" ", also->external_id, "\n");
    }
    putchar('\n');
}

/* --- for programs --- */

static void print_pair(const char *before, const char *name, struct cw_slice value)
{
    printf("%s\"%s\":", before, name);
    cw_cli_json_text(value);
}

static void print_json(const struct cw_lua_stream *stream, struct cw_slice id, const struct cw_mapped *mapped)
{
    struct cw_buffer json = { 0 };
    print_pair("{", "id", id);
    print_pair(",", "stream", cw_slice(stream->name));
    if (mapped->skipped_by != NULL)
        print_pair(",", "skipped_by", cw_slice(mapped->skipped_by));
    if (mapped->doc != NULL && cw_document_json(&json, mapped->doc, 0, NULL))
        printf(",\"document\":%s", json.data);
    for (const struct cw_document *also = mapped->also; also != NULL; also = also->next) {
        cw_buffer_clear(&json);
        if (cw_document_json(&json, also, 0, NULL))
            printf("%s\"%s\":%s", also == mapped->also ? ",\"also\":[{" : ",{", also->kind->name, json.data);
        fputs(also->next == NULL ? "}]" : "}", stdout);
    }
    printf(",\"issues\":[");
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next) {
        print_pair(issue == mapped->issues ? "{" : ",{", "code", issue->code);
        print_pair(",", "field", issue->field);
        print_pair(",", "path", issue->path);
        print_pair(",", "subject", issue->subject);
        print_pair(",", "message", issue->message);
        putchar('}');
    }
    printf("],\"fields\":[");
    for (const struct cw_trace *trace = mapped->trace; trace != NULL; trace = trace->next) {
        print_pair(trace == mapped->trace ? "{" : ",{", "field", trace->field);
        print_pair(",", "value", trace->value);
        print_pair(",", "source", cw_slice(source_name(stream, trace)));
        print_pair(",", "path", trace->path);
        print_pair(",", "raw", trace->raw);
        print_pair(",", "table", trace->table);
        print_pair(",", "row", trace->row);
        print_pair(",", "where", trace->where);
        print_pair(",", "rule", trace->rule);
        print_pair(",", "rule_where", trace->rule_where);
        print_pair(",", "rule_table", trace->rule_table);
        print_pair(",", "rule_row", trace->rule_row);
        putchar('}');
    }
    puts("]}");
    cw_buffer_fini(&json);
}

/* Scripts, rules or tables are not those any more that the stored document was made with. */
static bool print_stale(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after)
{
    (void)arg;
    put("  the store still has another ", name, ": ");
    put("", before.data != NULL ? before : cw_slice("(none)"), "");
    put(", now ", after.data != NULL ? after : cw_slice("(none)"), "; cartwright replay brings it in\n");
    return true;
}

static bool explain_one(struct cw_cli *cli, const struct cw_lua_stream *stream, struct cw_records *records,
                        size_t index, struct cw_arena *arena, bool *has_issue)
{
    struct cw_error err;
    struct cw_slice bytes, id;
    struct cw_scope scope;
    struct cw_mapped mapped;
    const struct cw_document *stored = NULL;
    bool ok = cw_records_bytes(records, index, arena, &bytes, &err);
    bool whole = ok && cw_records_scope(records, index, arena, bytes, &scope, &err) &&
                 (stream->id[0] != '$' ||
                  cw_lua_plan_derive(stream->plan, cw_slice(stream->id), &scope, arena, &err)) &&
                 cw_records_id(records, index, &scope, arena, &id, &err);
    struct cw_error damage = err;
    ok = ok && (whole || cw_records_id(records, index, NULL, arena, &id, &err));
    if (ok && !whole) {
        mapped = (struct cw_mapped){ 0 };
        cw_mapped_add_issue(&mapped, arena, "malformed", "", "%s", damage.text);
    } else if (ok) {
        ok = cw_judge_alone(stream, cli->store, &scope, id, arena, &mapped, &stored, &err);
    }
    if (!ok) {
        cw_cli_fail(cli, &err);
        return false;
    }
    *has_issue = *has_issue || mapped.issues != NULL;
    if (cli->json)
        print_json(stream, id, &mapped);
    else
        print_text(stream, id, &mapped);
    if (!cli->json && stored != NULL && mapped.doc != NULL && mapped.issues == NULL)
        cw_document_differences(stored, mapped.doc, arena, print_stale, cli);
    return true;
}

bool cw_cli_explain(struct cw_cli *cli, const struct cw_lua_stream *stream, struct cw_records *records,
                    bool *has_issue)
{
    struct cw_arena arena;
    bool ok = true;
    cw_arena_init(&arena, 0);
    for (size_t i = 0; i < cw_records_count(records); i++) {
        cw_arena_reset(&arena);
        ok = explain_one(cli, stream, records, i, &arena, has_issue) && ok;
    }
    cw_arena_fini(&arena);
    return ok;
}

struct cw_records *cw_cli_stored_record(struct cw_cli *cli, const struct cw_lua_stream *stream,
                                        const char *id, struct cw_error *err)
{
    const struct cw_stored_filter filter = { .id = id, .since = CW_TIME_NONE, .until = CW_TIME_NONE };
    struct cw_stored_pages *pages = cw_stored_open(cli->store, stream, &filter, err);
    struct cw_records *records = pages != NULL ? cw_stored_next(pages, err) : NULL;
    cw_stored_free(pages);
    if (records == NULL && err->code == CW_OK)
        cw_fail(err, CW_NOT_FOUND,
                "no record %s of %s %s in the store; what rules made (customers of orders, items of "
                "variants) has "
                "none of its own",
                id, stream->cart->name, stream->name);
    return records;
}
