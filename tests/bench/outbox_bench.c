/* outbox_bench.c - what the store's part of telling carts costs: many levels put, changed, put as they were,
 * claimed in batches and settled.
 *
 *   outbox_bench [LEVELS [URI]]     default 100000, into SQLite; a URI names an empty store of PostgreSQL */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/store.h"

enum { PAGE = 1000, BATCH = 100 };

static void fail(const char *what)
{
    fprintf(stderr, "outbox_bench: %s\n", what);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must_work(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail(err->text);
}

/* --- putting --- */

struct page {
    int first, quantity;
};

static void put_page(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    const struct page *page = arg;
    char key[32], lane[48], payload[96];
    must_work(NULL, err);
    for (int i = page->first; i < page->first + PAGE; i++) {
        snprintf(key, sizeof key, "SKU-%07d", i);
        snprintf(lane, sizeof lane, "stock_out/%s", key);
        snprintf(payload, sizeof payload, "{\"sku\":\"%s\",\"quantity\":\"%d\"}", key, page->quantity);
        const struct cw_message message = {
            .key = { cw_slice("shop"), cw_slice("stock_out"), cw_slice(key) },
            .lane = cw_slice(lane),
            .event = { "", 0 },
            .payload = cw_slice(payload),
            .is_zero = page->quantity == 0,
            .due_at = CW_TIME_NONE,
            .answer = { "", 0 },
            .error = { "", 0 },
        };
        if (!cw_txn_put_message(txn, &message))
            fail(cw_txn_error(txn)->text);
    }
    cw_txn_commit(txn, must_work, NULL);
}

static void put_all(struct cw_store *store, int levels, int quantity)
{
    for (struct page page = { 0, quantity }; page.first < levels; page.first += PAGE) {
        cw_txn_begin(store, (struct cw_fence){ 0 }, put_page, &page);
        cw_store_wait(store);
    }
}

/* --- sending --- */

struct sending {
    struct cw_txn *txn;
    int64_t ids[BATCH];
    size_t count, sent;
};

static void note_claimed(void *arg, const struct cw_message *messages, size_t count, cw_time next_at,
                         const struct cw_error *err)
{
    struct sending *sending = arg;
    (void)next_at;
    must_work(NULL, err);
    sending->count = count;
    for (size_t i = 0; i < count; i++)
        sending->ids[i] = messages[i].id;
    cw_txn_commit(sending->txn, must_work, NULL);
}

/* As a run does it: what the last call has come to, and the next one, in one transaction. */
static void settle_and_claim(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct sending *sending = arg;
    const struct cw_outbox_limits limits = { 1, BATCH, 0 };
    must_work(NULL, err);
    sending->txn = txn;
    for (size_t i = 0; i < sending->count; i++) {
        const struct cw_settlement sent = { .id = sending->ids[i],
                                            .was = CW_MESSAGE_SENDING,
                                            .state = CW_MESSAGE_SENT,
                                            .due_at = CW_TIME_NONE,
                                            .answer = cw_slice("HTTP 200"),
                                            .error = { "", 0 } };
        if (!cw_txn_settle_message(txn, &sent))
            fail(cw_txn_error(txn)->text);
    }
    sending->sent += sending->count;
    cw_txn_claim_messages(txn, cw_slice("shop"), cw_slice("stock_out"), INT64_C(4102444800) * CW_SECOND,
                          &limits, note_claimed, sending);
}

static size_t send_all(struct cw_store *store)
{
    struct sending sending = { 0 };
    do {
        cw_txn_begin(store, (struct cw_fence){ 0 }, settle_and_claim, &sending);
        cw_store_wait(store);
    } while (sending.count > 0);
    return sending.sent;
}

/* --- measuring --- */

static void note_changes(void *arg, const struct cw_level_changes *changes, const struct cw_error *err)
{
    must_work(NULL, err);
    *(struct cw_level_changes *)arg = *changes;
}

static struct cw_level_changes count_all(struct cw_store *store)
{
    struct cw_level_changes changes;
    cw_store_count_levels(store, cw_slice("shop"), cw_slice("stock_out"), 0, 0, note_changes, &changes);
    cw_store_wait(store);
    return changes;
}

static double cpu, wall;

static void tell(const char *what, int levels)
{
    double cpu_now = seconds(CLOCK_PROCESS_CPUTIME_ID), wall_now = seconds(CLOCK_MONOTONIC);
    printf("%-28s %7.2f s CPU %7.2f s, %5.1f us CPU each\n", what, cpu_now - cpu, wall_now - wall,
           (cpu_now - cpu) * 1e6 / levels);
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    wall = seconds(CLOCK_MONOTONIC);
}

static void measure(struct cw_store *store, int levels)
{
    double start = cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    wall = seconds(CLOCK_MONOTONIC);
    put_all(store, levels, 5);
    tell("put", levels);
    put_all(store, levels, 7);
    tell("changed before it was sent", levels);
    put_all(store, levels, 7);
    tell("put as it was", levels);
    if (count_all(store).queued != (uint64_t)levels)
        fail("not all changes were counted");
    tell("counted", levels);
    if (send_all(store) != (size_t)levels)
        fail("not all were sent");
    tell("claimed and settled", levels);
    put_all(store, levels, 0);
    tell("changed after it was sent", levels);
    if (send_all(store) != (size_t)levels)
        fail("not all were sent again");
    tell("claimed and settled again", levels);
    if (count_all(store).sent_zeros != (uint64_t)levels)
        fail("not all zeros were counted");
    printf("%-28s %7.2f s CPU\n", "together", seconds(CLOCK_PROCESS_CPUTIME_ID) - start);
}

int main(int argc, char **argv)
{
    struct cw_error err;
    int levels = argc > 1 ? atoi(argv[1]) : 100000;
    struct cw_store_config config = { .uri = argc > 2 ? argv[2] : "outbox-bench.db", .create = true };
    if (levels < PAGE)
        fail("LEVELS is a number, 1000 at least");
    struct cw_store *store = cw_store_open(&config, NULL, &err);
    if (store == NULL)
        fail(err.text);
    measure(store, levels / PAGE * PAGE);
    cw_store_close(store);
    if (argc <= 2)
        unlink("outbox-bench.db");
    return 0;
}
