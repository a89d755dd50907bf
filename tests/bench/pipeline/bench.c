/* bench.c - the whole way of an order beside the bare libraries, and what a sync needs in memory and time.
 *
 *   pipeline_bench SOURCE CARTWRIGHT SHOP YARDSTICK [ROUNDS]
 *
 * Programs take turns, each into a store of its own; the CPU seconds are those of the client process alone,
 * and the best round counts, so that a noisy neighbour hurts nobody for long. Everything lies in a temporary
 * folder. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"

enum { SHOPS = 3, ORDERS = 10000, FEW = 2000, MANY = 100000, ARGS_MAX = 12 };

static const char *const names[SHOPS] = { "prestashop", "woocommerce", "stone_edge" };
static const char *const words[SHOPS] = { "PrestaShop XML, pages of 250", "WooCommerce JSON, pages of 100",
                                          "Stone Edge XML, one file" };

static const char *source, *cartwright, *shop_program, *yardstick;
static char folder[] = "/tmp/cartwright-bench-XXXXXX";
static pid_t shop;
static int shop_port, shop_output;

struct use {
    double cpu;        /* seconds */
    long rss;          /* KiB, at the most */
    double wall;       /* seconds */
    long long started; /* nanoseconds, monotonic */
};

static void clean(void)
{
    char command[128];
    if (shop > 0)
        kill(shop, SIGTERM);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        fprintf(stderr, "pipeline_bench: %s is left over\n", folder);
}

static void fail(const char *what)
{
    fprintf(stderr, "pipeline_bench: %s\n", what);
    exit(1);
}

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* --- processes --- */

static pid_t start(const char *const args[], int output)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (output >= 0)
        dup2(output, STDOUT_FILENO);
    execv(args[0], (char *const *)(uintptr_t)args);
    perror(args[0]);
    _exit(127);
}

static struct use run(const char *const args[], const char *output)
{
    struct rusage usage;
    int status, fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct use use = { .started = now_ns() };
    pid_t pid = start(args, fd);
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0) {
        fprintf(stderr, "pipeline_bench: %s %s failed\n", args[0], args[1]);
        exit(1);
    }
    close(fd);
    use.wall = (double)(now_ns() - use.started) * 1e-9;
    use.cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
              (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    use.rss = usage.ru_maxrss;
    return use;
}

static void start_shop(void)
{
    int ends[2];
    char line[64] = "";
    const char *args[] = { shop_program, source, NULL };
    if (pipe2(ends, O_CLOEXEC) != 0)
        fail("no pipe");
    shop = start(args, ends[1]);
    close(ends[1]);
    shop_output = ends[0];
    if (read(shop_output, line, sizeof line - 1) <= 0 || sscanf(line, "port %d", &shop_port) != 1)
        fail("the shop does not start");
    fcntl(shop_output, F_SETFL, O_NONBLOCK);
}

/* When the last first request of a connection came; 0 when none did. */
static long long last_request(void)
{
    char line[4096];
    long long at = 0;
    ssize_t n;
    while ((n = read(shop_output, line, sizeof line - 1)) > 0) {
        line[n] = '\0';
        for (const char *found = line; (found = strstr(found, "request ")) != NULL; found++)
            sscanf(found, "request %lld", &at);
    }
    return at;
}

/* --- what is measured --- */

static void write_site(long orders)
{
    char path[PATH_MAX], command[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/site.lua", folder);
    FILE *out = fopen(path, "w");
    if (out == NULL)
        fail(path);
    fprintf(out, "return { zone = \"UTC\", store = \"store.db\", allow = { \"127.0.0.1:%d\" }, carts = {\n",
            shop_port);
    for (int i = 0; i < SHOPS; i++)
        fprintf(out, "  %s = { type = \"bench_%s\", url = \"http://127.0.0.1:%d/%s/%ld\" },\n", names[i],
                names[i], shop_port, names[i], orders);
    fprintf(out, "} }\n");
    fclose(out);
    snprintf(command, sizeof command,
             "rm -f %s/store.db* %s/yardstick.db*; cp -r %s/tests/bench/pipeline/carts %s", folder, folder,
             source, folder);
    if (system(command) != 0)
        fail("the site cannot be made");
}

static void file_of(long orders, char path[PATH_MAX])
{
    char count[32];
    const char *args[] = { shop_program, source, "stone_edge", count, NULL };
    snprintf(count, sizeof count, "%ld", orders);
    snprintf(path, PATH_MAX, "%s/orders-%ld.xml", folder, orders);
    if (access(path, R_OK) != 0)
        run(args, path);
}

static struct use run_ours(int which, long orders)
{
    char path[PATH_MAX], output[PATH_MAX], expected[64], line[512] = "";
    const char *sync[] = { cartwright, "sync", "-s", folder, names[which], "orders", NULL };
    const char *import[] = { cartwright, "import", "-s", folder, names[which], path, NULL };
    file_of(orders, path);
    write_site(orders);
    snprintf(output, sizeof output, "%s/output", folder);
    struct use use = run(which == 2 ? import : sync, output);
    FILE *in = fopen(output, "r");
    snprintf(expected, sizeof expected, "%ld read = %ld posted", orders, orders);
    if (in == NULL || fgets(line, sizeof line, in) == NULL || strstr(line, expected) == NULL)
        fail(line);
    fclose(in);
    return use;
}

static struct use run_yardstick(int which, bool tuned, long orders)
{
    char script[PATH_MAX], database[PATH_MAX], from[PATH_MAX], output[PATH_MAX], expected[64], line[64] = "";
    const char *args[] = { yardstick, script, names[which], database, tuned ? "tuned" : "plain", from, NULL };
    file_of(orders, from);
    write_site(orders);
    snprintf(script, sizeof script, "%s/tests/bench/pipeline/yardstick.lua", source);
    snprintf(database, sizeof database, "%s/yardstick.db", folder);
    snprintf(output, sizeof output, "%s/output", folder);
    if (which != 2)
        snprintf(from, sizeof from, "http://127.0.0.1:%d/%s/%ld", shop_port, names[which], orders);
    struct use use = run(args, output);
    FILE *in = fopen(output, "r");
    snprintf(expected, sizeof expected, "%ld orders\n", orders);
    if (in == NULL || fgets(line, sizeof line, in) == NULL || strcmp(line, expected) != 0)
        fail("the yardstick did not store every order");
    fclose(in);
    return use;
}

static void print_row(const char *what, double baseline, double ours, const char *unit, const char *aim)
{
    char base[32] = "-", ratio[32] = "-";
    if (baseline > 0) {
        snprintf(base, sizeof base, "%.3f %s", baseline, unit);
        snprintf(ratio, sizeof ratio, "%.2f", ours / baseline);
    }
    printf("%-62s %12s %9.3f %-3s %6s  %s\n", what, base, ours, unit, ratio, aim);
}

static void compare(int which, int rounds)
{
    double plain = 1e9, tuned = 1e9, ours = 1e9;
    char what[128];
    for (int i = 0; i < rounds; i++) {
        struct use use = run_yardstick(which, false, ORDERS);
        plain = use.cpu < plain ? use.cpu : plain;
        use = run_ours(which, ORDERS);
        ours = use.cpu < ours ? use.cpu : ours;
        use = run_yardstick(which, true, ORDERS);
        tuned = use.cpu < tuned ? use.cpu : tuned;
    }
    snprintf(what, sizeof what, "CPU, %d orders, %s: yardstick", ORDERS, words[which]);
    print_row(what, plain, ours, "s", "");
    snprintf(what, sizeof what, "CPU, %d orders, %s: tuned", ORDERS, words[which]);
    print_row(what, tuned, ours, "s", "below 1");
    fflush(stdout);
}

static void measure_memory(int which)
{
    const long counts[] = { 1000, FEW, MANY };
    double few = 0;
    char what[128];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        double mib = (double)run_ours(which, counts[i]).rss / 1024;
        if (counts[i] == FEW)
            few = mib;
        snprintf(what, sizeof what, "memory, %ld orders, %s", counts[i], words[which]);
        print_row(what, counts[i] == MANY ? few : 0, mib, "MiB",
                  counts[i] == MANY ? "below 32, at most 2 more than the baseline, which is 2,000"
                                    : "below 32");
        fflush(stdout);
    }
}

static void measure_start(void)
{
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        last_request();
        struct use use = run_ours(0, 1);
        long long at = last_request();
        double ms = (double)(at - use.started) * 1e-6;
        best = at != 0 && ms < best ? ms : best;
    }
    print_row("start to first request, store new", 0, best, "ms", "below 50");
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6)
        fail("usage: pipeline_bench SOURCE CARTWRIGHT SHOP YARDSTICK [ROUNDS]");
    source = argv[1];
    cartwright = argv[2];
    shop_program = argv[3];
    yardstick = argv[4];
    int rounds = argc == 6 ? atoi(argv[5]) : 5;
    if (mkdtemp(folder) == NULL)
        fail("no temporary folder");
    atexit(clean);
    start_shop();
    printf("%-62s %12s %13s %6s  %s\n", "what", "baseline", "ours", "ratio", "aim");
    for (int i = 0; i < SHOPS; i++)
        compare(i, rounds);
    measure_start();
    for (int i = 0; i < SHOPS; i++)
        measure_memory(i);
    return 0;
}
