/* main.c - the program `cartwright`: finds the command and runs it. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    { "new", cw_cmd_new, "make the folder of a new site" },
    { "secret", cw_cmd_secret, "set a secret of a cart, such as its API key" },
    { "check", cw_cmd_check, "check site.lua, cart scripts, settings and mappings" },
    { "test-connection", cw_cmd_test_connection, "ask a shop whether everything needed works" },
    { "sync", cw_cmd_sync, "fetch what changed in the shops" },
    { "import", cw_cmd_import, "import files through a cart's mapping" },
    { "exec", cw_cmd_exec, "run a script with the whole script API" },
    { "retry", cw_cmd_retry, "map parked records again" },
    { "preview", cw_cmd_preview, "show what a record becomes, and where each value comes from" },
    { "status", cw_cmd_status, "show how far each stream has come and what waits" },
    { "list", cw_cmd_list, "list orders, customers, items, stock, parked records, raw records or runs" },
    { "show", cw_cmd_show, "show one of them whole" },
    { "serve-replay", cw_cmd_serve_replay, "serve recorded answers of a shop" },
};

static void print_help(FILE *out)
{
    fputs("Usage: cartwright COMMAND [OPTION...] [ARGUMENT...]\n\n"
          "Connects shopping carts to a back office. Run it in the folder of a site, or name one with --site "
          "DIR.\n\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-16s %s\n", commands[i].name, commands[i].help);
    fputs("\n`cartwright COMMAND --help` says more. Exit status: 0 fine, 1 failed, 2 wrong use.\n", out);
}

/* A page's body comes from the system and goes straight back. By default the C library raises this threshold
 * to what was freed last, and the heap then keeps holes as large as a body. */
static void bound_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

int main(int argc, char **argv)
{
    bound_heap();
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("cartwright " CW_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "cartwright: no command %s; `cartwright --help` lists them\n", argv[1]);
    return 2;
}
