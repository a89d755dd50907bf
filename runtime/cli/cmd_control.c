/* cmd_control.c - `cartwright start` and `cartwright stop`: whether a cart, or one of its streams, takes part
 * in what runs. The store remembers it, with who and why. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/cli.h"
#include "cli/who.h"

struct control {
    struct cw_cli *cli;
    const char *cart, *stream; /* stream "" = the whole cart */
    char *reason;
    bool stops, ok;
    struct cw_error err;
};

static void finish(void *arg, const struct cw_error *err)
{
    struct control *control = arg;
    control->ok = err == NULL;
    if (err != NULL)
        control->err = *err;
}

static void put(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct control *control = arg;
    if (err != NULL) {
        finish(control, err);
        return;
    }
    cw_time now = cw_now(cw_loop_clock(control->cli->loop));
    const char *reason = control->reason != NULL ? control->reason : "";
    const struct cw_control put = { .cart = cw_slice(control->cart),
                                    .stream = cw_slice(control->stream),
                                    .is_stopped = control->stops,
                                    .why = cw_slice(reason),
                                    .who = cw_slice(cw_cli_who()),
                                    .at = now };
    char *object =
        g_strdup_printf("%s%s%s", control->cart, control->stream[0] != '\0' ? " " : "", control->stream);
    cw_txn_put_control(txn, &put);
    cw_txn_audit(txn, put.who, cw_slice(control->stops ? "stop" : "start"), cw_slice(object),
                 (struct cw_slice){ "", 0 }, cw_slice(control->stops ? "stopped" : "running"), put.why, now);
    g_free(object);
    cw_txn_commit(txn, finish, control);
}

static bool set_one(struct control *control)
{
    cw_txn_begin(control->cli->store, (struct cw_fence){ 0 }, put, control);
    cw_store_wait(control->cli->store);
    if (!control->ok) {
        cw_cli_fail(control->cli, &control->err);
        return false;
    }
    if (control->cli->json)
        printf("{\"cart\":\"%s\",\"stream\":\"%s\",\"state\":\"%s\"}\n", control->cart, control->stream,
               control->stops ? "stopped" : "running");
    else
        printf("%s%s%s is %s\n", control->cart, control->stream[0] != '\0' ? " " : "", control->stream,
               control->stops ? "stopped; what it was doing ends behind the page in hand"
                              : "started; it goes on where it was");
    return true;
}

static bool is_cart(const struct cw_cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->site->config.cart_count; i++)
        if (strcmp(cli->site->config.carts[i].name, name) == 0)
            return true;
    return false;
}

/* A name that is wrong must not look as if it had stopped something. A cart whose script is broken may be
 * stopped as a whole. */
static bool is_known(struct control *control)
{
    struct cw_error err;
    if (!is_cart(control->cli, control->cart)) {
        cw_fail(&err, CW_USAGE, "site.lua has no cart %s", control->cart);
        cw_cli_fail(control->cli, &err);
        return false;
    }
    if (control->stream[0] == '\0')
        return true;
    struct cw_session *session = cw_cli_session(control->cli, control->cart, false, &err);
    struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, control->cart, &err) : NULL;
    bool ok = cart != NULL && cw_lua_cart_need_stream(cart, control->stream, &err) != NULL;
    if (!ok)
        cw_cli_fail(control->cli, &err);
    cw_session_close(session);
    return ok;
}

static bool set_all(struct control *control)
{
    const struct cw_site_config *config = &control->cli->site->config;
    bool ok = true;
    for (size_t i = 0; i < config->cart_count; i++) {
        control->cart = config->carts[i].name;
        ok = set_one(control) && ok;
    }
    return ok;
}

static int set(int argc, char **argv, bool stops, const char *about)
{
    struct cw_cli cli = { 0 };
    struct control control = { .cli = &cli, .stream = "", .stops = stops };
    gboolean all = FALSE;
    const GOptionEntry entries[] = {
        { "all", 'a', 0, G_OPTION_ARG_NONE, &all, "All carts of the site", NULL },
        { "reason", 'r', 0, G_OPTION_ARG_STRING, &control.reason, "Why; kept, and shown by status", "TEXT" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(&cli, &argc, &argv, "CART [STREAM]", about, entries, 0, 2);
    if (code < 0 && (all ? argc > 1 : argc < 2)) {
        fprintf(stderr, "cartwright %s: name a cart, or give --all\n", argv[0]);
        code = 2;
    }
    if (code < 0) {
        control.cart = argc > 1 ? argv[1] : NULL;
        control.stream = argc > 2 ? argv[2] : "";
        bool ok = cw_cli_open(&cli, CW_CLI_STORE_CREATE) &&
                  (all ? set_all(&control) : is_known(&control) && set_one(&control));
        code = ok ? 0 : 1;
        cw_cli_close(&cli);
    }
    g_free(control.reason);
    return code;
}

int cw_cmd_stop(int argc, char **argv)
{
    return set(argc, argv, true,
               "Keeps cartwright run from a cart, or from one of its streams, until cartwright start.\n"
               "Nothing is lost: it goes on where it was. Commands such as sync still work.");
}

int cw_cmd_start(int argc, char **argv)
{
    return set(argc, argv, false,
               "Lets cartwright run go on with a cart or stream that was stopped, by a person or because\n"
               "it ended its worker process.");
}
