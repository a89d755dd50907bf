/* cmd_edit.c - `cartwright edit CART KIND ID FIELD=VALUE...`: changes a stored document, and keeps what the
 * cart says beside it. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/cli.h"
#include "cli/who.h"
#include "engine/edits.h"

/* "note=back door" sets, "note=" sets the empty text, "-note" leaves none, "@note" goes back to the cart's.
 * The argument's memory is used. */
static bool read_change(char *argument, struct cw_change *change)
{
    char *equals = strchr(argument, '=');
    const char *bracket = strchr(argument, '['), *end = bracket != NULL ? strchr(bracket, ']') : NULL;
    if (end != NULL && equals != NULL && equals > bracket && equals < end)
        equals = strchr(end, '='); /* that of lines[id=7] belongs to the name */
    if (argument[0] == '@' || (argument[0] == '-' && equals == NULL)) {
        *change = (struct cw_change){ .field = argument + 1, .is_undo = argument[0] == '@' };
        return argument[1] != '\0';
    }
    if (equals == NULL || equals == argument)
        return false;
    *equals = '\0';
    *change = (struct cw_change){ .field = argument, .value = cw_slice(equals + 1) };
    return true;
}

static bool edit(struct cw_cli *cli, const char *name, struct cw_edit_request *request)
{
    struct cw_error err;
    struct cw_session *session = cw_cli_session(cli, name, false, &err);
    struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, name, &err) : NULL;
    bool ok = cart != NULL;
    if (ok) {
        const struct cw_lua_stream *stream = cw_lua_cart_stream_of(cart, request->kind);
        request->rules = stream != NULL ? stream->rules : NULL;
        request->zone = cart->zone;
        request->config = &cli->site->config;
        ok = cw_edit_document(cli->store, cw_loop_clock(cli->loop), request, &err);
    }
    if (!ok)
        cw_cli_fail(cli, &err);
    else if (cli->json)
        puts("{\"ok\":true}");
    else
        printf("%s %.*s of %s is changed; the cart's own values are kept beside it\n", request->kind->name,
               CW_SLICE_ARG(request->external_id), name);
    cw_session_close(session);
    return ok;
}

static int wrong_use(const char *text, const char *what)
{
    fprintf(stderr, "cartwright edit: %s%s; see: cartwright edit --help\n", text, what);
    return 2;
}

int cw_cmd_edit(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 600 };
    char *reason = NULL;
    const GOptionEntry entries[] = {
        { "reason", 'r', 0, G_OPTION_ARG_STRING, &reason, "Why; kept with the edit", "TEXT" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART KIND ID FIELD=VALUE...",
        "Changes a stored order, customer, item, stock_level or shipment. FIELD is such as note,\n"
        "billing.street, lines[2].sku or custom.gift; ID is the cart's. -FIELD leaves it without a value "
        "(write -- before the\n"
        "first such), @FIELD goes back to what the cart says. An edit stays whatever the cart says later; a\n"
        "sync that brings another value from the cart says so.",
        entries, 4, -1);
    if (code < 0 && (reason == NULL || *reason == '\0')) {
        fputs("cartwright edit: say why, with --reason TEXT\n", stderr);
        code = 2;
    }
    struct cw_change *changes = g_new0(struct cw_change, (gsize)MAX(argc, 1));
    struct cw_edit_request request = { .changes = changes };
    if (code < 0) {
        request.kind = cw_kind_find(cw_slice(argv[2]));
        if (request.kind == NULL || !request.kind->is_document)
            code = wrong_use("there is no kind ", argv[2]);
    }
    for (int i = 4; code < 0 && i < argc; i++)
        if (!read_change(argv[i], &changes[request.count++]))
            code = wrong_use("a change is FIELD=VALUE, -FIELD or @FIELD, not ", argv[i]);
    if (code < 0) {
        request.cart = cw_slice(argv[1]);
        request.external_id = cw_slice(argv[3]);
        request.who = cw_slice(cw_cli_who());
        request.reason = cw_slice(reason);
        bool ok = cw_cli_open(&cli, CW_CLI_STORE | CW_CLI_NETWORK) && edit(&cli, argv[1], &request);
        code = ok ? 0 : 1;
    }
    cw_cli_close(&cli);
    g_free(changes);
    g_free(reason);
    return code;
}
