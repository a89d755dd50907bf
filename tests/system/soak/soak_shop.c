/* soak_shop.c - the shops of the soak test, /shop-1/ to /shop-N/ on one port of 127.0.0.1 to 127.0.0.8, in
 * scaled time.
 *
 *   soak_shop SEED SHOPS FACTOR@SECONDS MINUTES PORT-FILE
 *
 * From the time scale's origin on, orders come and answers fail for so many minutes of its time; then all is
 * well. /control/ledger has a line for each order: shop, id, version, fate, total, bytes; /control/report
 * what was served.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shop.h"

/* Now and then all shops are out of reach at once. */
static const cw_time outage_every = 12 * CW_MINUTE, outage_most = 40 * CW_SECOND;

struct mall {
    struct cw_loop *loop;
    struct wire *wire;
    struct shop *shops;
    unsigned count, outages;
    cw_time begin, until;
    struct cw_random random;
    struct cw_timer *door;
    bool is_shut;
    struct shop_counts counts;
};

static cw_time now_of(const struct mall *mall)
{
    return cw_now(cw_loop_clock(mall->loop));
}

/* --- control --- */

static void print_ledger(struct mall *mall, struct cw_buffer *out)
{
    char total[32];
    for (unsigned n = 0; n < mall->count; n++) {
        struct books *books = &mall->shops[n].books;
        books_advance(books, now_of(mall));
        for (int i = 0; i < books->count; i++) {
            const struct order *order = &books->orders[i];
            order_total(order, total);
            cw_buffer_print(out, NULL, "shop-%u\t%d\t%d\t%s\t%s\t", n + 1, order->id, order->version,
                            fate_name(order->fate), total);
            order_print(order, out);
            cw_buffer_print(out, NULL, "\n");
        }
    }
}

static void print_report(struct mall *mall, struct cw_buffer *out)
{
    unsigned long long orders = 0, versions = 0, silent = 0, late = 0, very_late = 0;
    for (unsigned n = 0; n < mall->count; n++) {
        const struct books *books = &mall->shops[n].books;
        orders += (unsigned)books->count;
        versions += books->versions;
        silent += books->silent;
        late += books->late;
        very_late += books->very_late;
    }
    cw_buffer_print(out, NULL,
                    "%llu orders\n%llu versions\n%llu changes without a stamp\n%llu changes listed late\n"
                    "%llu orders listed very late\n%llu requests\n%u connections\n%u outages of all shops\n"
                    "%llu requests with a wrong key\n%llu requests that make no sense\n",
                    orders, versions, silent, late, very_late, mall->counts.requests,
                    wire_connections(mall->wire), mall->outages, mall->counts.refused, mall->counts.bad);
    for (int i = 1; i < FAULTS; i++)
        cw_buffer_print(out, NULL, "%llu times %s\n", mall->counts.faults[i], fault_name((enum fault)i));
}

static void answer_control(struct mall *mall, struct cw_slice path, struct wire_answer *answer)
{
    struct cw_buffer text = { 0 };
    bool is_ledger = cw_slice_is(path, "/control/ledger"), is_report = cw_slice_is(path, "/control/report");
    if (is_ledger)
        print_ledger(mall, &text);
    if (is_report)
        print_report(mall, &text);
    shop_print(answer, is_ledger || is_report ? 200 : 404, cw_buffer_slice(&text),
               "Content-Type: text/plain\r\n");
    cw_buffer_fini(&text);
}

/* --- requests --- */

/* "/shop-12/orders": number 12, and path becomes "orders". */
static struct shop *find_shop(struct mall *mall, struct cw_slice *path)
{
    unsigned number = 0;
    size_t at = strlen("/shop-");
    if (path->len < at || memcmp(path->data, "/shop-", at) != 0)
        return NULL;
    for (; at < path->len && path->data[at] >= '0' && path->data[at] <= '9' && number < 100000; at++)
        number = number * 10 + (unsigned)(path->data[at] - '0');
    if (at == path->len || path->data[at] != '/' || number < 1 || number > mall->count)
        return NULL;
    *path = (struct cw_slice){ path->data + at + 1, path->len - at - 1 };
    return &mall->shops[number - 1];
}

static void serve(void *arg, const struct wire_request *request, struct wire_answer *answer)
{
    struct mall *mall = arg;
    struct cw_arena arena;
    struct cw_target target;
    cw_arena_init(&arena, 0);
    if (!cw_target_read(cw_slice(request->target), &arena, &target, NULL))
        abort();
    struct cw_slice path = target.path;
    struct shop *shop = find_shop(mall, &path);
    if (shop != NULL)
        shop_answer(shop, &target, path, request->authorization, now_of(mall), answer, &mall->counts);
    else
        answer_control(mall, path, answer);
    cw_arena_fini(&arena);
}

/* --- outages --- */

static void turn_door(void *arg)
{
    struct mall *mall = arg;
    bool is_over = now_of(mall) >= mall->until;
    mall->is_shut = !mall->is_shut && !is_over;
    mall->outages += mall->is_shut;
    wire_shut(mall->wire, mall->is_shut);
    if (!is_over)
        cw_timer_set(mall->door, (cw_time)cw_random_below(
                                     &mall->random, (uint64_t)(mall->is_shut ? outage_most : outage_every)));
}

/* --- life --- */

static void write_port(const struct mall *mall, const char *path)
{
    char made[4096];
    snprintf(made, sizeof made, "%s.new", path);
    FILE *out = fopen(made, "w");
    if (out == NULL || fprintf(out, "%u\n", wire_port(mall->wire)) < 0 || fclose(out) != 0 ||
        rename(made, path) != 0) {
        perror(path);
        exit(1);
    }
}

static void open_shops(struct mall *mall, uint64_t seed)
{
    mall->shops = calloc(mall->count, sizeof *mall->shops);
    if (mall->shops == NULL)
        abort();
    for (unsigned n = 0; n < mall->count; n++)
        shop_init(&mall->shops[n], seed, n + 1, mall->begin, mall->until);
}

int main(int argc, char **argv)
{
    struct mall mall = { 0 };
    struct cw_error err;
    unsigned factor = 0;
    long long origin = 0;
    if (argc != 6 || sscanf(argv[3], "%u@%lld", &factor, &origin) != 2 || factor == 0 || atoi(argv[2]) < 1) {
        fprintf(stderr, "soak_shop SEED SHOPS FACTOR@SECONDS MINUTES PORT-FILE\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* the test is gone */
    mall.count = (unsigned)atoi(argv[2]);
    mall.begin = origin * CW_SECOND;
    mall.until = mall.begin + atoi(argv[4]) * CW_MINUTE;
    mall.loop = cw_loop_create_scaled(factor, mall.begin, &err);
    mall.wire = wire_open(mall.loop, serve, &mall);
    mall.door = cw_timer_create(mall.loop, turn_door, &mall, &err);
    if (mall.door == NULL)
        abort();
    cw_random_seed(&mall.random, seed);
    open_shops(&mall, seed);
    cw_timer_set(mall.door, outage_every);
    write_port(&mall, argv[5]);
    cw_loop_run(mall.loop);
    return 0;
}
