/* cmd_control.c - `cartwright start` and `cartwright stop`: whether a cart, or one of its streams, takes part
 * in what runs. The store remembers it, with who and why. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/cli.h"
#include "cli/rows.h"
#include "cli/who.h"
#include "engine/outbox_brake.h"

struct control {
    struct cw_cli *cli;
    const char *cart, *stream; /* stream "" = the whole cart */
    char *reason;
    bool stops, ok;
    bool is_out; /* the stream is one that sends: */
    enum cw_out out;
    char held[CW_ERROR_TEXT_MAX + 24]; /* what the brake stopped, see outbox_brake.h; "" = nothing */
    struct cw_error err;
};

/* Behind the blank: in words. */
static struct cw_slice held_until(const struct control *control)
{
    return (struct cw_slice){ control->held, strcspn(control->held, " ") };
}

/* What the brake had counted is approved by starting the stream; what came later is not. */
static void approve(const struct control *control, struct cw_txn *txn, cw_time now)
{
    char key[64];
    if (control->stops || !control->is_out)
        return;
    cw_outbox_approved_key(control->out, key);
    if (control->held[0] != '\0')
        cw_txn_put_state(txn, cw_slice(control->cart), cw_slice(key), held_until(control));
    cw_txn_wake_sender(txn, cw_slice(control->cart), cw_slice(control->stream), now);
}

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
    approve(control, txn, now);
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
    if (control->held[0] != '\0' && !control->cli->json)
        printf("what the brake held may go, which%s; what has come since is counted for itself\n",
               control->held + held_until(control).len);
    return true;
}

static bool is_cart(const struct cw_cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->site->config.cart_count; i++)
        if (strcmp(cli->site->config.carts[i].name, name) == 0)
            return true;
    return false;
}

static bool has_out(const struct cw_lua_cart *cart, enum cw_out out, struct cw_error *err)
{
    return cart->outs[out].is_there ||
           cw_fail(err, CW_USAGE, "the script of cart %s (type %s) has no stream %s", cart->name, cart->type,
                   cw_out_name(out));
}

/* Who lets go what the brake held says why. */
static bool look_at_brake(struct control *control)
{
    char key[64];
    cw_outbox_held_key(control->out, key);
    const struct cw_slice params[] = { cw_slice(control->cart), cw_slice(control->stream), cw_slice(key) };
    struct cw_error err;
    bool ok = cw_cli_ask(control->cli,
                         "SELECT s.value FROM controls c JOIN state s ON s.cart = c.cart AND s.key = $3 "
                         "WHERE c.cart = $1 AND c.stream = $2 AND c.state = 'stopped' AND c.who = 'brake'",
                         params, 3, control->held, sizeof control->held, &err);
    if (ok && control->held[0] != '\0' && (control->reason == NULL || control->reason[0] == '\0'))
        ok = cw_fail(
            &err, CW_USAGE,
            "%s %s was stopped because it would change too much (see: cartwright status); to let that go, "
            "say why with --reason TEXT",
            control->cart, control->stream);
    if (!ok)
        cw_cli_fail(control->cli, &err);
    return ok;
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
    control->is_out = cw_out_find(cw_slice(control->stream), &control->out);
    bool ok =
        cart != NULL && (control->is_out ? has_out(cart, control->out, &err)
                                         : cw_lua_cart_need_stream(cart, control->stream, &err) != NULL);
    if (!ok)
        cw_cli_fail(control->cli, &err);
    cw_session_close(session);
    return ok && (control->stops || !control->is_out || look_at_brake(control));
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
               "it ended its worker process. A stream that the brake stopped needs a --reason: what\n"
               "the brake had counted may go then, and how much that is, is said. What has come since is\n"
               "counted for itself, so that the brake may stop the stream again.");
}
