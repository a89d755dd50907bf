/* cmd_reset.c - `cartwright reset CART STREAM`: forgets how far a stream has come, so that it is read anew.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/cli.h"
#include "cli/leases.h"
#include "cli/rows.h"
#include "cli/who.h"

struct reset {
    struct cw_cli *cli;
    const char *cart, *stream;
    cw_time since; /* CW_TIME_NONE = from the beginning */
    char before[CW_TIME_TEXT_MAX];
    bool ok;
    struct cw_error err;
};

static void finish(void *arg, const struct cw_error *err)
{
    struct reset *reset = arg;
    reset->ok = err == NULL;
    if (err != NULL)
        reset->err = *err;
}

static void put(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct reset *reset = arg;
    char since[CW_TIME_TEXT_MAX] = "";
    if (err != NULL) {
        finish(reset, err);
        return;
    }
    struct cw_slice cart = cw_slice(reset->cart), stream = cw_slice(reset->stream);
    const struct cw_cursor cursor = { reset->since, CW_TIME_NONE, CW_TIME_NONE, { "", 0 } };
    char *object = g_strdup_printf("%s %s", reset->cart, reset->stream);
    cw_txn_reset_cursor(txn, cart, stream);
    if (reset->since != CW_TIME_NONE) {
        cw_time_iso(reset->since, since);
        cw_txn_put_cursor(txn, cart, stream, &cursor);
    }
    cw_txn_audit(txn, cw_slice(cw_cli_who()), cw_slice("reset"), cw_slice(object), cw_slice(reset->before),
                 cw_slice(since), (struct cw_slice){ "", 0 }, cw_now(cw_loop_clock(reset->cli->loop)));
    g_free(object);
    cw_txn_commit(txn, finish, reset);
}

/* Where nobody can be asked, --yes must have been given. */
static bool is_confirmed(const struct reset *reset, bool yes)
{
    char answer[16];
    if (yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        fputs("cartwright reset: nobody is there to confirm this; give --yes\n", stderr);
        return false;
    }
    fprintf(stderr,
            "%s %s has come as far as %s. It would be read anew; what is stored stays, and what has not\n"
            "changed costs a look-up each. Go on? [y/N] ",
            reset->cart, reset->stream, reset->before[0] != '\0' ? reset->before : "nowhere yet");
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* What a cart is told has no cursor. */
static bool is_read(const struct reset *reset, struct cw_error *err)
{
    enum cw_out out;
    return !cw_out_find(cw_slice(reset->stream), &out) ||
           cw_fail(
               err, CW_USAGE,
               "%s is sent to the cart, so that it has no cursor; to tell stock and prices again: cartwright "
               "stock send %s; what failed: cartwright retry %s --messages",
               reset->stream, reset->cart, reset->cart);
}

static bool open_stream(struct reset *reset, const char *since)
{
    struct cw_error err;
    struct cw_session *session = cw_cli_session(reset->cli, reset->cart, false, &err);
    struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, reset->cart, &err) : NULL;
    bool ok =
        cart != NULL && is_read(reset, &err) && cw_lua_cart_need_stream(cart, reset->stream, &err) != NULL;
    reset->since = CW_TIME_NONE;
    if (ok && since != NULL)
        ok = cw_time_parse(cw_slice(since), cart->zone, &reset->since, &err) || cw_fail_in(&err, "--since");
    if (ok && reset->since != CW_TIME_NONE && reset->since > cw_now(cw_loop_clock(reset->cli->loop)))
        ok = cw_fail(&err, CW_USAGE, "--since %s has not come yet", since);
    if (!ok)
        cw_cli_fail(reset->cli, &err);
    cw_session_close(session);
    return ok;
}

/* With the cart's lease: a run in hand would put the cursor where it was. */
static void reset_alone(struct reset *reset)
{
    struct cw_cli_leases *leases = cw_cli_leases_create(reset->cli, &reset->err);
    int64_t token = leases != NULL ? cw_cli_leases_take(leases, NULL, reset->cart, &reset->err) : 0;
    if (token != 0) {
        cw_txn_begin(reset->cli->store, (struct cw_fence){ cw_slice(reset->cart), token }, put, reset);
        cw_store_wait(reset->cli->store);
    }
    cw_cli_leases_free(leases);
}

static bool reset_cursor(struct reset *reset)
{
    reset_alone(reset);
    if (!reset->ok)
        cw_cli_fail(reset->cli, &reset->err);
    else if (reset->cli->json)
        puts("{\"ok\":true}");
    else
        printf("%s %s is read anew by its next run; cartwright sync %s %s does so now\n", reset->cart,
               reset->stream, reset->cart, reset->stream);
    return reset->ok;
}

static bool read_before(struct reset *reset)
{
    struct cw_error err;
    struct cw_slice params[] = { cw_slice(reset->cart), cw_slice(reset->stream) };
    bool ok = cw_cli_ask(reset->cli, "SELECT done_until FROM cursors WHERE cart = $1 AND stream = $2", params,
                         2, reset->before, sizeof reset->before, &err);
    if (!ok)
        cw_cli_fail(reset->cli, &err);
    return ok;
}

int cw_cmd_reset(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    struct reset reset = { .cli = &cli };
    char *since = NULL;
    gboolean yes = FALSE;
    const GOptionEntry entries[] = {
        { "since", 0, 0, G_OPTION_ARG_STRING, &since, "Read what changed since then, not everything",
          "DATE" },
        { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "Do not ask", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(&cli, &argc, &argv, "CART STREAM",
                            "Forgets how far a stream has come: its next run reads everything anew, or what\n"
                            "changed since a date. Nothing that is stored is lost or doubled.",
                            entries, 2, 2);
    if (code < 0) {
        reset.cart = argv[1];
        reset.stream = argv[2];
        bool ok = cw_cli_open(&cli, CW_CLI_STORE) && open_stream(&reset, since) && read_before(&reset) &&
                  is_confirmed(&reset, yes) && reset_cursor(&reset);
        code = ok ? 0 : 1;
        cw_cli_close(&cli);
    }
    g_free(since);
    return code;
}
