/* cmd_test_connection.c - `cartwright test-connection CART`: runs the cart script's test and says what it
 * found. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

struct test {
    struct cw_cli *cli;
    const char *cart;
    bool passed;
};

static void tested(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct test *test = arg;
    test->passed = err == NULL;
    if (err != NULL) {
        struct cw_error copy = *err;
        cw_fail_in(&copy, "cart %s: the connection test failed", test->cart);
        cw_cli_fail(test->cli, &copy);
    } else if (test->cli->json) {
        printf("{\"cart\":\"%s\",\"passed\":true,\"text\":", test->cart);
        cw_cli_json_text(text);
        puts("}");
    } else {
        char *shown = cw_cli_harmless(text, "\n");
        printf("%s: passed\n%s\n", test->cart, shown);
        g_free(shown);
    }
    cw_loop_stop(test->cli->loop);
}

int cw_cmd_test_connection(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 300 };
    struct cw_error err;
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART",
        "Asks the shop whether address, credentials and permissions are as the cart needs them,\n"
        "and says which version it runs, or the cause and the setting to look at.",
        NULL, 1, 1);
    if (code >= 0)
        return code;
    struct test test = { &cli, argv[1], false };
    if (cw_cli_open(&cli, CW_CLI_NETWORK)) {
        struct cw_session *session = cw_cli_session(&cli, argv[1], true, &err);
        struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, argv[1], &err) : NULL;
        if (cart != NULL && cw_lua_start_test(cart, tested, &test, &err) != NULL)
            cw_loop_run(cli.loop);
        else
            cw_cli_fail(&cli, &err);
        cw_session_close(session);
    }
    cw_cli_close(&cli);
    return test.passed ? 0 : 1;
}
