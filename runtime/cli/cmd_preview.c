/* cmd_preview.c - `cartwright preview CART FILE|ID`: what a record becomes, and where each value comes from.
 */
#include <unistd.h>

#include "cli/commands.h"
#include "cli/explain.h"

struct preview {
    struct cw_cli *cli;
    const struct cw_lua_stream *stream;
    bool failed;
};

static struct cw_records *open_records(struct preview *preview, const char *what, const char *path,
                                       struct cw_error *err)
{
    const struct cw_lua_stream *stream = preview->stream;
    if (access(what, F_OK) != 0)
        return cw_cli_stored_record(preview->cli, stream, what, err);
    if (path == NULL)
        path = stream->path_count > 0 || stream->rows != NULL || stream->has_split ? NULL : ".";
    struct cw_body *body = cw_body_open_file(what, err);
    return body != NULL ? cw_lua_stream_open(stream, body, path, err) : NULL;
}

static void preview_all(struct preview *preview, const char *what, const char *path)
{
    struct cw_error err;
    bool has_issue = false;
    struct cw_records *records = open_records(preview, what, path, &err);
    if (records == NULL)
        cw_cli_fail(preview->cli, &err);
    preview->failed =
        records == NULL || !cw_cli_explain(preview->cli, preview->stream, records, &has_issue) || has_issue;
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
    if (cw_cli_open(&cli, CW_CLI_NETWORK | (needs_store ? CW_CLI_STORE : CW_CLI_STORE_IF_THERE))) {
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
