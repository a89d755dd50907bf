/* cmd_stock.c - `cartwright stock explain|compare|take|recount|send`: what carts are told of stock, and why.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/stock.h"

struct options {
    char *warehouse, *reason;
    gboolean dry_run, all;
};

struct call {
    struct cw_cli *cli;
    const struct options *options;
    int argc; /* what stands behind the verb */
    char **argv;
};

static bool has_reason(const struct options *options)
{
    return options->reason != NULL && *options->reason != '\0';
}

static int explain(const struct call *call)
{
    return cw_cli_stock_explain(call->cli, call->argv[0], call->argv[1]);
}

static int compare(const struct call *call)
{
    return cw_cli_stock_compare(call->cli, call->argv[0], call->options->all);
}

static int take(const struct call *call)
{
    const struct options *options = call->options;
    return cw_cli_stock_take(call->cli, call->argv[0], options->warehouse, options->reason, options->dry_run);
}

static int recount(const struct call *call)
{
    return cw_cli_stock_recount(call->cli, call->options->dry_run);
}

static int send_again(const struct call *call)
{
    const char *reason = has_reason(call->options) ? call->options->reason : "";
    return cw_cli_stock_send(call->cli, call->argv[0], call->argv + 1, (size_t)call->argc - 1, reason);
}

static const struct verb {
    const char *name, *usage;
    int (*run)(const struct call *call);
    int least, most; /* arguments; -1 = any number */
} verbs[] = {
    { "explain", "explain CART SKU", explain, 2, 2 },
    { "compare", "compare CART", compare, 1, 1 },
    { "take", "take CART --warehouse W --reason TEXT", take, 1, 1 },
    { "recount", "recount", recount, 0, 0 },
    { "send", "send CART [SKU...]", send_again, 1, -1 },
};

static int wrong_use(const char *text)
{
    fprintf(stderr, "cartwright stock: %s; see: cartwright stock --help\n", text);
    return 2;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int check(const struct verb *verb, const struct options *options, int argc)
{
    char text[128];
    if (argc < verb->least || (verb->most >= 0 && argc > verb->most)) {
        snprintf(text, sizeof text, "it is: cartwright stock %s", verb->usage);
        return wrong_use(text);
    }
    if (verb->run == take && (options->warehouse == NULL || *options->warehouse == '\0'))
        return wrong_use("whose levels are they to become? Give --warehouse NAME");
    if (verb->run == take && !options->dry_run && !has_reason(options))
        return wrong_use("say why, with --reason TEXT");
    return -1;
}

static int run(struct cw_cli *cli, const struct options *options, int argc, char **argv)
{
    const struct verb *verb = find_verb(argv[1]);
    if (verb == NULL)
        return wrong_use("it is one of explain, compare, take, recount, send");
    const struct call call = { cli, options, argc - 2, argv + 2 };
    int code = check(verb, options, call.argc);
    if (code >= 0)
        return code;
    bool creates = verb->run == recount && !options->dry_run;
    return cw_cli_open(cli, creates ? CW_CLI_STORE_CREATE : CW_CLI_STORE) ? verb->run(&call) : 1;
}

int cw_cmd_stock(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 3600 };
    struct options options = { 0 };
    const GOptionEntry entries[] = {
        { "warehouse", 'w', 0, G_OPTION_ARG_STRING, &options.warehouse, "take: whose levels they become",
          "NAME" },
        { "reason", 'r', 0, G_OPTION_ARG_STRING, &options.reason, "take, send: why; kept in the audit trail",
          "TEXT" },
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &options.dry_run, "take, recount: change nothing", NULL },
        { "all", 'a', 0, G_OPTION_ARG_NONE, &options.all, "compare: also what does not differ", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "explain|compare|take|recount|send [CART] [SKU...]",
        "explain CART SKU    the arithmetic of the quantity that the cart is told, line by line\n"
        "compare CART        what the cart has beside what it would be told; changes nothing\n"
        "take CART           the cart's levels become those of a warehouse of the back office\n"
        "                    (both: as they were last read, by sync CART stock; refused where the cart was\n"
        "                    told other quantities since)\n"
        "recount             counts everything anew; what is as it was is not told again\n"
        "send CART [SKU...]  tells the cart again, also what has not changed",
        entries, 1, -1);
    if (code < 0)
        code = run(&cli, &options, argc, argv);
    cw_cli_close(&cli);
    g_free(options.warehouse);
    g_free(options.reason);
    return code;
}
