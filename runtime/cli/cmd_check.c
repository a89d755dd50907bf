/* cmd_check.c - `cartwright check [CART...]`: loads every cart as a run would, without calling anybody. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"

static void print_cart(const struct cw_cli *cli, const struct cw_lua_cart *cart, const char *version)
{
    if (cli->json) {
        printf("{\"cart\":\"%s\",\"type\":\"%s\",\"ok\":true,\"script_version\":\"%s\",\"streams\":[",
               cart->name, cart->type, version);
        for (size_t i = 0; i < cart->stream_count; i++)
            printf("%s\"%s\"", i > 0 ? "," : "", cart->streams[i].name);
        printf("]}\n");
        return;
    }
    printf("%s%s%s is fine: type %s, streams", cw_cli_bold(), cart->name, cw_cli_plain(), cart->type);
    for (size_t i = 0; i < cart->stream_count; i++)
        printf("%s %s", i > 0 ? "," : "", cart->streams[i].name);
    printf(", script version %.12s\n", version);
}

static bool check_cart(struct cw_cli *cli, const char *name)
{
    struct cw_error err;
    struct cw_session *session = cw_cli_session(cli, name, true, &err);
    struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, name, &err) : NULL;
    if (cart != NULL) {
        print_cart(cli, cart, cw_session_script_version(session));
    } else {
        cw_fail_in(&err, "cart %s", name);
        cw_cli_fail(cli, &err);
    }
    cw_session_close(session);
    return cart != NULL;
}

int cw_cmd_check(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 60 };
    bool ok = true;
    int code = cw_cli_parse(
        &cli, &argc, &argv, "[CART...]",
        "Checks site.lua, the settings of its carts, their scripts and mappings. Calls nobody.", NULL, 0, -1);
    if (code >= 0)
        return code;
    if (!cw_cli_open(&cli, CW_CLI_NETWORK)) {
        cw_cli_close(&cli);
        return 1;
    }
    for (int i = 1; i < argc; i++)
        ok = check_cart(&cli, argv[i]) && ok;
    for (size_t i = 0; argc == 1 && i < cli.site->config.cart_count; i++)
        ok = check_cart(&cli, cli.site->config.carts[i].name) && ok;
    if (argc == 1 && cli.site->config.cart_count == 0)
        puts("the site has no carts yet; add one to carts in site.lua");
    cw_cli_close(&cli);
    return ok ? 0 : 1;
}
