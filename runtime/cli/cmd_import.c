/* cmd_import.c - `cartwright import CART FILE...`: files through the same mapping, checks and store as a
 * sync. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "engine/batch.h"

struct import {
    struct cw_cli *cli;
    bool dry_run, failed, done;
    const char *file;
    struct cw_batch *batch;
    struct cw_timer *tick;
    uint64_t total;
};

static void imported(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct import *import = arg;
    import->done = true;
    import->batch = NULL;
    import->failed = import->failed || err != NULL;
    cw_cli_print_run(import->cli, report, err, import->dry_run);
    if (err != NULL)
        cw_cli_fail_in(import->cli, err, import->file);
    cw_loop_stop(import->cli->loop);
}

static void show_progress(void *arg)
{
    struct import *import = arg;
    char text[160];
    if (import->batch != NULL) {
        snprintf(text, sizeof text, "%s: %llu of %llu", import->file,
                 (unsigned long long)cw_batch_counts(import->batch)->read, (unsigned long long)import->total);
        cw_cli_progress(text);
    }
    cw_timer_set(import->tick, CW_SECOND / 5);
}

static bool fail_in_file(const struct import *import, const struct cw_lua_stream *stream,
                         struct cw_error *err)
{
    struct cw_error why = *err;
    return cw_fail(err, why.code, "%s: %s (taken for %s; files of something else need --stream)",
                   import->file, why.text, stream->name);
}

static bool start(struct import *import, struct cw_session *session, const struct cw_lua_stream *stream,
                  const char *path, struct cw_error *err)
{
    struct cw_body *body = cw_body_open_file(import->file, err); /* names the file itself */
    struct cw_records *records = body != NULL ? cw_lua_stream_open(stream, body, path, err) : NULL;
    if (records == NULL)
        return body != NULL ? fail_in_file(import, stream, err) : false;
    import->total = cw_records_count(records);
    import->done = false;
    struct cw_batch_config config = { .job = "import", .records = records };
    import->batch = cw_batch_start(session, stream, &config, imported, import, err);
    return import->batch != NULL;
}

static void import_files(struct import *import, struct cw_session *session,
                         const struct cw_lua_stream *stream, const char *path, int count, char **files)
{
    struct cw_error err;
    import->tick =
        cw_cli_is_interactive() ? cw_timer_create(import->cli->loop, show_progress, import, NULL) : NULL;
    for (int i = 0; i < count; i++) {
        import->file = files[i];
        if (!start(import, session, stream, path, &err)) {
            import->failed = true;
            cw_cli_fail(import->cli, &err);
            continue;
        }
        if (import->tick != NULL)
            cw_timer_set(import->tick, CW_SECOND / 5);
        while (!import->done)
            cw_loop_run(import->cli->loop);
    }
    cw_timer_free(import->tick);
}

/* The stream; where its records stand in a file is known. */
static const struct cw_lua_stream *find_stream(struct cw_lua_cart *cart, const char *name, const char *path,
                                               struct cw_error *err)
{
    const struct cw_lua_stream *stream = cw_lua_cart_need_stream(cart, name, err);
    if (stream == NULL)
        return NULL;
    if (path != NULL || stream->path_count > 0 || stream->rows != NULL || stream->has_split)
        return stream;
    cw_fail(err, CW_USAGE,
            "where are the records in the file? name their path with --path, such as orders/order");
    return NULL;
}

int cw_cmd_import(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 12 * 3600 };
    struct import import = { .cli = &cli, .failed = true };
    struct cw_error err;
    char *name = NULL, *path = NULL;
    gboolean dry_run = FALSE;
    const GOptionEntry entries[] = {
        { "stream", 0, 0, G_OPTION_ARG_STRING, &name, "What the files hold (default: orders)", "STREAM" },
        { "path", 'p', 0, G_OPTION_ARG_STRING, &path,
          "Where the records stand in a file, such as orders/order", "PATH" },
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "Store nothing", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART FILE...",
        "Imports XML, JSON or CSV files through a cart's mapping. Records that are known cost nothing, so\n"
        "an import that was interrupted is just started again.",
        entries, 2, -1);
    if (code >= 0)
        return code;
    import.dry_run = dry_run;
    if (cw_cli_open(&cli, CW_CLI_STORE_CREATE | CW_CLI_NETWORK)) {
        struct cw_session *session = cw_cli_session(&cli, argv[1], dry_run, &err);
        struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, argv[1], &err) : NULL;
        const struct cw_lua_stream *stream =
            cart != NULL ? find_stream(cart, name != NULL ? name : "orders", path, &err) : NULL;
        import.failed = stream == NULL;
        if (stream != NULL)
            import_files(&import, session, stream, path, argc - 2, argv + 2);
        else
            cw_cli_fail(&cli, &err);
        cw_session_close(session);
    }
    cw_cli_close(&cli);
    g_free(name);
    g_free(path);
    return import.failed ? 1 : 0;
}
