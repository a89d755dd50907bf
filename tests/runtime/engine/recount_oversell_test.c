/* recount_oversell_test.c - two carts sell the last pieces at the same time, in processes of their own: after
 * every commit no cart has been told of more than there is, by another arithmetic than the runtime's. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stock_bed.h"

enum { SALES = 12 };

static struct stock_bed bed;

/* --- another arithmetic: whole numbers, from the tables alone --- */

static long sum(struct stock_bed *of, const char *sql, const char *sku)
{
    char copy[512], *rest = copy, *row;
    long total = 0;
    snprintf(copy, sizeof copy, "%s", ask_with(&of->store, sql, sku, ""));
    while ((row = strsep(&rest, "\n")) != NULL)
        total += strtol(row, NULL, 10);
    return total;
}

#define OF_LINES                                                                                             \
    " FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.status <> 'cancelled' AND l.sku = $1 "   \
    "AND $2 = ''"

static long to_send(struct stock_bed *of, const char *sku)
{
    return sum(of, "SELECT l.quantity" OF_LINES, sku) -
           sum(of, "SELECT coalesce(l.cancelled, '0')" OF_LINES, sku);
}

/* What is left of an item when all that is to be sent has gone, that of kits included. */
static long left_of(struct stock_bed *of, const char *sku, long in_a_kit)
{
    long on_hand = sum(of, "SELECT quantity FROM stock_levels WHERE cart = '' AND sku = $1 AND $2 = ''", sku);
    return on_hand - to_send(of, sku) - in_a_kit * to_send(of, "K");
}

static long allowed(struct stock_bed *of, const char *sku)
{
    long a = left_of(of, "A", 0), b = left_of(of, "B", 3), c = left_of(of, "C", 1);
    long kits = b / 3 < c ? b / 3 : c;
    long left = strcmp(sku, "A") == 0 ? a : strcmp(sku, "B") == 0 ? b : strcmp(sku, "C") == 0 ? c : kits;
    return left > 0 ? left : 0;
}

/* In one transaction, whose view of the tables is one: with SQLite's, and PostgreSQL's where nobody commits
 * in between. */
static bool oversells(struct stock_bed *of, const char *who)
{
    static const char *const skus[] = { "A", "B", "C", "K" };
    for (size_t cart = 0; cart < 2; cart++)
        for (size_t i = 0; i < 4; i++) {
            long told = strtol(stock_told(of, of->carts[cart].name, skus[i]), NULL, 10);
            long most = allowed(of, skus[i]);
            if (told == most)
                continue;
            fprintf(stderr, "%s: %s is told %ld of %s, but it is %ld\n", who, of->carts[cart].name, told,
                    skus[i], most);
            return true;
        }
    return false;
}

/* --- who sells --- */

static void sell(const char *uri, const char *cart, unsigned seed)
{
    struct stock_bed own;
    struct cw_random dice;
    cw_random_seed(&dice, seed);
    stock_bed_join(&own, uri);
    if (own.store.store == NULL)
        _exit(2);
    for (int i = 0; i < SALES; i++) {
        char id[16], lines[32];
        static const char *const skus[] = { "A", "B", "C", "K" };
        snprintf(id, sizeof id, "%d", (int)cw_random_below(&dice, SALES));
        int pieces = 1 + (int)cw_random_below(&dice, 3);
        snprintf(lines, sizeof lines, "%s=%d-%d", skus[cw_random_below(&dice, 4)], pieces,
                 (int)cw_random_below(&dice, (uint64_t)pieces + 1));
        stock_begin(&own);
        stock_order(&own, cart, id, cw_random_below(&dice, 5) == 0 ? "cancelled" : "paid", lines);
        struct cw_error err;
        if (!stock_try_count(&own, &err)) {
            fprintf(stderr, "%s: %s\n", cart, err.text);
            _exit(3);
        }
        if (oversells(&own, cart)) /* nobody else has got past the marks until it is committed */
            _exit(4);
        commit(own.txn);
    }
    cw_store_close(own.store.store);
    cw_arena_fini(&own.arena);
    _exit(0);
}

static pid_t start(const char *cart, unsigned seed)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        sell(bed.store.path, cart, seed);
    return child;
}

static void assert_done(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void put_stock(void)
{
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "30");
    stock_level(&bed, "B", "W", "30");
    stock_level(&bed, "C", "W", "12");
    stock_item(&bed, "", "K", "K", "B=3 C=1", true);
    stock_commit(&bed);
}

static void two_carts_on_the_last_pieces_are_never_told_of_more_than_there_is(void **state)
{
    (void)state;
    for (unsigned round = 1; round <= 3; round++) {
        stock_bed_open(&bed);
        put_stock();
        store_bed_close(&bed.store); /* a child must not inherit what is open */
        pid_t shop = start("shop", 2 * round), tea = start("tea", 2 * round + 1);
        assert_done(shop);
        assert_done(tea);
        store_bed_open(&bed.store);
        assert_false(oversells(&bed, "at the end"));
        assert_int_not_equal(strtol(ask(&bed.store, "SELECT count(*) FROM orders"), NULL, 10), 0);
        stock_bed_close(&bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_carts_on_the_last_pieces_are_never_told_of_more_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
