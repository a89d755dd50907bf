/* main.c - the program `cartwright`: finds the command and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    { "test", cw_cmd_test, "run the standard tests of a cart, and your own, against a fake shop" },
    { "sync", cw_cmd_sync, "fetch what changed in the shops" },
    { "run", cw_cmd_run, "run the site unattended, by its schedules" },
    { "start", cw_cmd_start, "let a cart or stream that was stopped go on" },
    { "stop", cw_cmd_stop, "keep a cart or stream from running" },
    { "reset", cw_cmd_reset, "forget how far a stream has come" },
    { "reconcile", cw_cmd_reconcile, "compare what a shop has with the store, and fetch what is missing" },
    { "import", cw_cmd_import, "import files through a cart's mapping" },
    { "exec", cw_cmd_exec, "run a script with the whole script API" },
    { "retry", cw_cmd_retry, "map parked records again, send failed messages again" },
    { "settle", cw_cmd_settle, "decide about messages of which nobody knows whether they arrived" },
    { "release", cw_cmd_release, "let held records and pending orders go on" },
    { "replay", cw_cmd_replay, "map stored records again, and show what that changes" },
    { "edit", cw_cmd_edit, "change a stored document, beside what the cart says" },
    { "put", cw_cmd_put, "say what the back office has: levels, purchase orders, items, shipments ..." },
    { "table", cw_cmd_table, "list and set translation rows, also from and to CSV" },
    { "preview", cw_cmd_preview, "show what a record becomes, and where each value comes from" },
    { "fields", cw_cmd_fields, "list the fields of documents" },
    { "status", cw_cmd_status, "show how far each stream has come and what waits" },
    { "list", cw_cmd_list, "list documents, what waits, what was edited, messages, raw records, runs" },
    { "show", cw_cmd_show, "show one of them whole" },
    { "stock", cw_cmd_stock, "explain, compare, count and tell again what carts are told of stock" },
    { "store", cw_cmd_store, "copy a store to another one, from SQLite to PostgreSQL or back" },
    { "fake", cw_cmd_fake, "serve a shop of one's own making, to test carts against" },
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

/* A descriptor below 3 that was closed would be given to the next file or connection, and what is printed
 * would end in it. */
static void open_standard(void)
{
    while (fcntl(STDERR_FILENO, F_GETFD) < 0 || fcntl(STDOUT_FILENO, F_GETFD) < 0 ||
           fcntl(STDIN_FILENO, F_GETFD) < 0)
        if (open("/dev/null", O_RDWR) < 0)
            return;
}

/* Whoever reads may stop reading when it has enough, as head does. */
static bool reader_has_left(void)
{
    struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
    return poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

/* The exit code, unless what was printed did not arrive: on a full disk half a list looks like a whole one.
 */
static int finish(int code)
{
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (written || reader_has_left())
        return code;
    fprintf(
        stderr,
        "cartwright: standard output cannot be written: %s; what was asked for is done, but not all of it "
        "was shown\n",
        strerror(errno));
    return code != 0 ? code : 1;
}

static int run(int argc, char **argv)
{
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

int main(int argc, char **argv)
{
    open_standard();
    bound_heap();
    signal(SIGPIPE, SIG_IGN);
    setlocale(LC_CTYPE, "C.UTF-8"); /* arguments are UTF-8, whatever the terminal thinks */
    return finish(run(argc, argv));
}
