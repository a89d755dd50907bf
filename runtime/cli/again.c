/* again.c - see again.h. */
#include "cli/again.h"

#include <stdio.h>
#include <string.h>

#include "cli/report.h"

struct mapping {
    struct cw_cli *cli;
    const struct cw_cli_again *again;
    uint64_t read, left;
    bool failed;
};

static void ended(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct mapping *mapping = arg;
    const struct cw_run_counts *counts = &report->run->counts;
    if (counts->read > 0 || err != NULL)
        cw_cli_print_run(mapping->cli, report, err, mapping->again->dry_run);
    mapping->read += counts->read;
    mapping->left += counts->parked;
    if (err != NULL) {
        mapping->failed = true;
        cw_cli_fail_in(mapping->cli, err, mapping->again->job);
    }
    cw_loop_stop(mapping->cli->loop);
}

static bool map_stream(struct mapping *mapping, struct cw_session *session,
                       const struct cw_lua_stream *stream)
{
    const struct cw_cli_again *again = mapping->again;
    struct cw_error err;
    struct cw_stored_pages *pages = cw_stored_open(mapping->cli->store, stream, &again->filter, &err);
    struct cw_batch_config config = { .job = again->job,
                                      .pages = pages,
                                      .again = true,
                                      .dry_run = again->dry_run,
                                      .compared = again->compared,
                                      .compared_arg = again->arg };
    if (pages == NULL || cw_batch_start(session, stream, &config, ended, mapping, &err) == NULL) {
        cw_cli_fail(mapping->cli, &err);
        return false;
    }
    cw_loop_run(mapping->cli->loop);
    return !mapping->failed;
}

bool cw_cli_map_again(struct cw_cli *cli, const char *name, const struct cw_cli_again *again, uint64_t *left)
{
    struct mapping mapping = { .cli = cli, .again = again };
    struct cw_error err;
    struct cw_session *session = cw_cli_session(cli, name, again->dry_run, &err);
    struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, name, &err) : NULL;
    bool ok =
        cart != NULL && (again->stream == NULL || cw_lua_cart_need_stream(cart, again->stream, &err) != NULL);
    if (!ok)
        cw_cli_fail(cli, &err);
    for (size_t i = 0; ok && i < cart->stream_count; i++)
        if (again->stream == NULL || strcmp(cart->streams[i].name, again->stream) == 0)
            ok = map_stream(&mapping, session, &cart->streams[i]);
    if (ok && mapping.read == 0 && again->nothing != NULL)
        puts(cli->json ? "{\"read\":0}" : again->nothing);
    cw_session_close(session);
    *left += mapping.left;
    return ok;
}

bool cw_cli_release_waiting(struct cw_cli *cli, const char *cart, const char *table, const char *key)
{
    char *code = g_strdup_printf("unknown-%s", table);
    struct cw_cli_again again = { .job = "retry",
                                  .filter = { .only_parked = true,
                                              .code = code,
                                              .subject = key,
                                              .since = CW_TIME_NONE,
                                              .until = CW_TIME_NONE } };
    const struct cw_site_config *config = &cli->site->config;
    uint64_t left = 0;
    bool ok = true;
    for (size_t i = 0; i < config->cart_count && ok; i++)
        if (cart == NULL || strcmp(cart, config->carts[i].name) == 0)
            ok = cw_cli_map_again(cli, config->carts[i].name, &again, &left);
    g_free(code);
    return ok;
}
