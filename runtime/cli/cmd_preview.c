/* cmd_preview.c - `cartwright preview CART FILE|ID`: what a record becomes, and where each value comes from.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/document_json.h"
#include "cli/commands.h"
#include "cli/stored.h"

struct preview {
    struct cw_cli *cli;
    const struct cw_lua_stream *stream;
    struct cw_arena arena;
    bool failed;
};

static const char *source_name(const struct cw_trace *trace)
{
    static const char *const names[] = { "path", "join", "sum", "constant", "function", "each", "record",
                                         "rule" };
    return trace->from_default ? "default" : names[trace->source];
}

/* --- for people --- */

/* Text of the cart or of its script, between `before` and `after`. */
static void put(const char *before, struct cw_slice text, const char *after)
{
    char *harmless = cw_cli_harmless(text, "");
    printf("%s%s%s", before, harmless, after);
    g_free(harmless);
}

/* One line: what the cart wrote, when it says more than the value itself. */
static void print_trace(const struct cw_trace *trace)
{
    printf("  %-28.*s", CW_SLICE_ARG(trace->field));
    put(" ", trace->value, "   <- ");
    fputs(source_name(trace), stdout);
    if (trace->path.len > 0)
        put(" ", trace->path, "");
    if (trace->raw.len > 0 && !cw_slice_equal(trace->raw, trace->value))
        put(" = \"", trace->raw, "\"");
    if (trace->table.len > 0)
        printf(", table %.*s row %.*s", CW_SLICE_ARG(trace->table), CW_SLICE_ARG(trace->row));
    printf("  (%.*s)\n", CW_SLICE_ARG(trace->where));
}

static void print_text(const struct preview *preview, struct cw_slice id, const struct cw_mapped *mapped)
{
    printf("%s%s", cw_cli_bold(), cw_lua_plan_kind(preview->stream->plan)->name);
    put(" ", id, cw_cli_plain());
    putchar('\n');
    if (mapped->skipped_by != NULL)
        printf("  skipped by the rule %s\n", mapped->skipped_by);
    for (const struct cw_trace *trace = mapped->trace; trace != NULL; trace = trace->next)
        print_trace(trace);
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next) {
        put("  ! ", issue->field, issue->field.len > 0 ? " " : "");
        printf("(%.*s)", CW_SLICE_ARG(issue->code));
        put(": ", issue->message, "\n");
    }
    putchar('\n');
}

/* --- for programs --- */

static void print_pair(const char *before, const char *name, struct cw_slice value)
{
    printf("%s\"%s\":", before, name);
    cw_cli_json_text(value);
}

static void print_json(const struct preview *preview, struct cw_slice id, const struct cw_mapped *mapped)
{
    struct cw_buffer json = { 0 };
    print_pair("{", "id", id);
    print_pair(",", "stream", cw_slice(preview->stream->name));
    if (mapped->skipped_by != NULL)
        print_pair(",", "skipped_by", cw_slice(mapped->skipped_by));
    if (mapped->doc != NULL && cw_document_json(&json, mapped->doc, 0, NULL))
        printf(",\"document\":%s", json.data);
    printf(",\"issues\":[");
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next) {
        print_pair(issue == mapped->issues ? "{" : ",{", "code", issue->code);
        print_pair(",", "field", issue->field);
        print_pair(",", "path", issue->path);
        print_pair(",", "message", issue->message);
        putchar('}');
    }
    printf("],\"fields\":[");
    for (const struct cw_trace *trace = mapped->trace; trace != NULL; trace = trace->next) {
        print_pair(trace == mapped->trace ? "{" : ",{", "field", trace->field);
        print_pair(",", "value", trace->value);
        print_pair(",", "source", cw_slice(source_name(trace)));
        print_pair(",", "path", trace->path);
        print_pair(",", "raw", trace->raw);
        print_pair(",", "table", trace->table);
        print_pair(",", "row", trace->row);
        print_pair(",", "where", trace->where);
        putchar('}');
    }
    puts("]}");
    cw_buffer_fini(&json);
}

/* --- records --- */

static void preview_one(struct preview *preview, struct cw_records *records, size_t index)
{
    struct cw_error err;
    struct cw_slice bytes, id;
    struct cw_scope scope;
    struct cw_mapped mapped;
    cw_arena_reset(&preview->arena);
    bool ok = cw_records_bytes(records, index, &preview->arena, &bytes, &err);
    bool whole = ok && cw_records_scope(records, index, &preview->arena, bytes, &scope, &err);
    struct cw_error damage = err;
    ok = ok && cw_records_id(records, index, whole ? &scope : NULL, &preview->arena, &id, &err);
    if (ok && !whole) {
        mapped = (struct cw_mapped){ 0 };
        cw_mapped_add_issue(&mapped, &preview->arena, "malformed", "", "%s", damage.text);
    } else if (ok) {
        ok = cw_pipeline_map(preview->stream, &scope, id, true, &preview->arena, &mapped, &err);
    }
    if (!ok) {
        preview->failed = true;
        cw_cli_fail(preview->cli, &err);
        return;
    }
    preview->failed = preview->failed || mapped.issues != NULL;
    if (preview->cli->json)
        print_json(preview, id, &mapped);
    else
        print_text(preview, id, &mapped);
}

static struct cw_records *open_records(struct preview *preview, const char *what, const char *path,
                                       struct cw_error *err)
{
    const struct cw_lua_stream *stream = preview->stream;
    if (access(what, F_OK) != 0)
        return cw_cli_stored_records(preview->cli, stream, what, false, err);
    if (path == NULL)
        path = stream->records != NULL ? stream->records : ".";
    struct cw_body *body = cw_body_open_file(what, err);
    return body != NULL ? cw_records_open(body, path, stream->id, err) : NULL;
}

static void preview_all(struct preview *preview, const char *what, const char *path)
{
    struct cw_error err;
    struct cw_records *records = open_records(preview, what, path, &err);
    preview->failed = records == NULL;
    if (records == NULL) {
        cw_cli_fail(preview->cli, &err);
        return;
    }
    cw_arena_init(&preview->arena, 0);
    for (size_t i = 0; i < cw_records_count(records); i++)
        preview_one(preview, records, i);
    cw_arena_fini(&preview->arena);
    cw_records_free(records);
}

int cw_cmd_preview(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 600 };
    struct preview preview = { .cli = &cli, .failed = true };
    struct cw_error err;
    char *name = NULL, *path = NULL;
    const GOptionEntry entries[] = {
        { "stream", 0, 0, G_OPTION_ARG_STRING, &name, "What the records are (default: orders)", "STREAM" },
        { "path", 'p', 0, G_OPTION_ARG_STRING, &path,
          "Where the records stand in the file, such as orders/order", "PATH" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART FILE|ID",
        "Maps the records of a file, or a stored raw record by its id in the cart, and shows every\n"
        "field with its value, what the cart wrote, the path or rule it came by, and the script line.\n"
        "Stores nothing. Exit status 1 when a record has an issue.",
        entries, 2, 2);
    if (code >= 0)
        return code;
    bool needs_store = access(argv[2], F_OK) != 0;
    if (cw_cli_open(&cli, CW_CLI_NETWORK | (needs_store ? CW_CLI_STORE : 0))) {
        struct cw_session *session = cw_cli_session(&cli, argv[1], true, &err);
        struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, argv[1], &err) : NULL;
        preview.stream =
            cart != NULL ? cw_lua_cart_need_stream(cart, name != NULL ? name : "orders", &err) : NULL;
        if (preview.stream != NULL)
            preview_all(&preview, argv[2], path);
        else
            cw_cli_fail(&cli, &err);
        cw_session_close(session);
    }
    cw_cli_close(&cli);
    g_free(name);
    g_free(path);
    return preview.failed ? 1 : 0;
}
