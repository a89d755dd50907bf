/* cmd_serve_replay.c - `cartwright serve-replay DIR`: a recorded shop on a local port, until it is told to
 * stop. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/ready_file.h"
#include "engine/replay.h"

static void print_miss(void *arg, struct cw_slice text)
{
    (void)arg;
    fprintf(stderr, "cartwright: %.*s", CW_SLICE_ARG(text));
}

static void stop(void *loop, int fd, int events)
{
    (void)fd;
    (void)events;
    cw_loop_stop(loop);
}

static bool announce(const struct cw_replay *replay, const char *folder, const char *address,
                     const char *ready_file, struct cw_error *err)
{
    bool is_ipv6 = strchr(address, ':') != NULL;
    printf("serving %zu recorded answers of %s at http://%s%s%s:%u\n", cw_replay_exchanges(replay), folder,
           is_ipv6 ? "[" : "", address, is_ipv6 ? "]" : "", cw_replay_port(replay));
    fflush(stdout);
    return cw_cli_write_ready_file(ready_file, cw_replay_port(replay), err);
}

static void print_counts(const struct cw_replay *replay)
{
    struct cw_replay_counts counts = cw_replay_counts(replay);
    printf("%" PRIu64 " requests answered, %" PRIu64 " without a recorded answer, %" PRIu64 " refused\n",
           counts.served, counts.unmatched, counts.refused);
}

static bool serve(const char *folder, const char *address, unsigned port, const char *ready_file,
                  struct cw_error *err)
{
    bool ok = false;
    struct cw_replay *replay = NULL;
    struct cw_watch *interrupt = NULL, *terminate = NULL;
    struct cw_loop *loop = cw_loop_create(err);
    if (loop == NULL)
        goto out;
    interrupt = cw_watch_signal(loop, SIGINT, stop, loop, err);
    terminate = interrupt != NULL ? cw_watch_signal(loop, SIGTERM, stop, loop, err) : NULL;
    replay = terminate != NULL ? cw_replay_open(loop, folder, address, port, print_miss, NULL, err) : NULL;
    if (replay == NULL || !announce(replay, folder, address, ready_file, err))
        goto out;
    cw_loop_run(loop);
    print_counts(replay);
    ok = true;
out:
    cw_replay_close(replay);
    cw_watch_free(terminate);
    cw_watch_free(interrupt);
    cw_loop_free(loop);
    return ok;
}

int cw_cmd_serve_replay(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    struct cw_error err;
    char *address = NULL, *ready_file = NULL;
    int port = 0;
    const GOptionEntry entries[] = {
        { "port", 0, 0, G_OPTION_ARG_INT, &port, "Port to listen on (default: a free one)", "N" },
        { "address", 0, 0, G_OPTION_ARG_STRING, &address, "Address to listen on (default: 127.0.0.1)",
          "ADDRESS" },
        { "ready-file", 0, 0, G_OPTION_ARG_FILENAME, &ready_file,
          "Written, with the port in it, once it listens", "FILE" },
        { 0 },
    };
    int result = cw_cli_parse(
        &cli, &argc, &argv, "DIR",
        "Serves the recorded answers of a shop over HTTP until it is stopped (SIGTERM, Ctrl-C).\n"
        "DIR holds exchanges.json and the answers that it names.",
        entries, 1, 1);
    if (result < 0 && (port < 0 || port > 65535)) {
        fputs("cartwright serve-replay: --port is a number from 0 to 65535\n", stderr);
        result = 2;
    }
    if (result < 0)
        result = serve(argv[1], address != NULL ? address : "127.0.0.1", (unsigned)port, ready_file, &err)
                     ? 0
                     : cw_cli_fail(&cli, &err);
    g_free(address);
    g_free(ready_file);
    return result;
}
