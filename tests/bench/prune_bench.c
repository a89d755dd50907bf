/* prune_bench.c - how long others wait while old versions of raw records are removed: many superseded ones,
 * of which one in a hundred is kept because it is too young.
 *
 *   prune_bench [VERSIONS [URI]]     default 100000, into SQLite; a URI names an empty store of PostgreSQL */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/store.h"

enum { PAGE = 250, RAW_BYTES = 3072, LIMIT = 500 };

static void fail(const char *what)
{
    fprintf(stderr, "prune_bench: %s\n", what);
    exit(1);
}

static double wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must_work(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail(err->text);
}

/* --- filling --- */

static const cw_time old = 1711852200 * CW_SECOND, young = 1711952200 * CW_SECOND;

struct page {
    int first;
    bool second; /* version */
};

static void ignore_known(void *arg, const struct cw_raw_known *known, size_t count,
                         const struct cw_error *err)
{
    (void)known, (void)count;
    must_work(arg, err);
}

static void put_page(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    static char bytes[RAW_BYTES];
    const struct page *page = arg;
    char id[16];
    must_work(NULL, err);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)rand();
    for (int i = page->first; i < page->first + PAGE; i++) {
        snprintf(id, sizeof id, "%d", i);
        struct cw_raw raw = { .key = { cw_slice("shop"), cw_slice("orders"), cw_slice(id) },
                              .format = cw_slice("xml"),
                              .encoding = cw_slice("UTF-8"),
                              .bytes = { bytes, RAW_BYTES },
                              .received_at = page->second && i % 100 == 0 ? young : old,
                              .run = 1,
                              .reason = cw_slice(""),
                              .script_version = cw_slice("abc") };
        cw_txn_find_raw(txn, &raw.key, 1, ignore_known, NULL);
        if (!cw_txn_put_raw(txn, &raw))
            fail(cw_txn_error(txn)->text);
    }
    cw_txn_commit(txn, must_work, NULL);
}

static void fill(struct cw_store *store, int versions)
{
    for (int second = 0; second < 2; second++)
        for (struct page page = { 0, second == 1 }; page.first < versions; page.first += PAGE) {
            cw_txn_begin(store, (struct cw_fence){ 0 }, put_page, &page);
            cw_store_wait(store);
        }
}

/* --- removing --- */

struct removing {
    struct cw_txn *txn;
    uint64_t removed;
};

static void note_removed(void *arg, uint64_t removed, const struct cw_error *err)
{
    struct removing *r = arg;
    must_work(NULL, err);
    r->removed = removed;
    cw_txn_commit(r->txn, must_work, NULL);
}

static void remove_some(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct removing *r = arg;
    const struct cw_prune prune = { CW_TIME_NONE, CW_TIME_NONE, young, CW_TIME_NONE, 1, LIMIT };
    must_work(NULL, err);
    r->txn = txn;
    cw_txn_prune(txn, &prune, note_removed, r);
}

static void measure(struct cw_store *store)
{
    double longest = 0, start = wall_seconds();
    uint64_t total = 0, calls = 0;
    for (struct removing r = { .removed = 1 }; r.removed > 0; calls++) {
        double began = wall_seconds();
        cw_txn_begin(store, (struct cw_fence){ 0 }, remove_some, &r);
        cw_store_wait(store);
        double took = wall_seconds() - began;
        longest = took > longest ? took : longest;
        total += r.removed;
    }
    double seconds = wall_seconds() - start;
    printf("%llu versions removed, %d at a time: %.1f s, %.0f us each; the longest of %llu transactions "
           "%.0f ms\n",
           (unsigned long long)total, LIMIT, seconds, seconds * 1e6 / (double)total,
           (unsigned long long)calls, longest * 1e3);
}

int main(int argc, char **argv)
{
    struct cw_error err;
    int versions = argc > 1 ? atoi(argv[1]) : 100000;
    struct cw_store_config config = { .uri = argc > 2 ? argv[2] : "prune-bench.db", .create = true };
    if (versions < PAGE)
        fail("VERSIONS is a number, 250 at least");
    struct cw_store *store = cw_store_open(&config, NULL, &err);
    if (store == NULL)
        fail(err.text);
    fill(store, versions / PAGE * PAGE);
    measure(store);
    cw_store_close(store);
    if (argc <= 2)
        unlink("prune-bench.db");
    return 0;
}
