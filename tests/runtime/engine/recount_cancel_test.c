/* recount_cancel_test.c - a full recount that is called off, or dies, after any of its steps is made good by
 * the next one: whatever was committed of it, the outcome is that of a count that was left alone. */
#include <stdio.h>
#include <stdlib.h>

#include "stock_bed.h"

enum { SKUS = 1100, ORDERS = 3, STEPS = 9 }; /* two full pages of SKUs and a part of one */

static struct stock_bed bed;

static const char *sku_of(int i)
{
    static char sku[16];
    snprintf(sku, sizeof sku, "S%04d", i);
    return sku;
}

static int open_bed(void **state)
{
    (void)state;
    stock_bed_open(&bed);
    stock_begin(&bed);
    for (int i = 0; i < SKUS; i++)
        stock_level(&bed, sku_of(i), "W", "9");
    for (int i = 0; i < ORDERS; i++) {
        char id[16], lines[32];
        snprintf(id, sizeof id, "%d", i);
        snprintf(lines, sizeof lines, "%s=2", sku_of(i * 500));
        stock_order(&bed, "shop", id, "paid", lines);
    }
    stock_commit(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    stock_bed_close(&bed);
    return 0;
}

static char *outcome(void)
{
    return strdup(ask(&bed.store,
                      "SELECT cart, external_id, payload FROM message_levels WHERE payload IS NOT NULL "
                      "AND payload <> '' ORDER BY cart, external_id"));
}

/* As in a store that was never counted. */
static void forget(void)
{
    struct cw_txn *txn = begin(&bed.store);
    assert_true(
        cw_txn_put_state(txn, cw_slice(""), cw_slice(CW_RECOUNT_STATE), (struct cw_slice){ NULL, 0 }));
    for (size_t i = 0; i < 2; i++)
        assert_true(cw_txn_forget_levels(txn, cw_slice(bed.carts[i].name), cw_slice("stock_out"),
                                         (struct cw_slice){ "", 0 }));
    for (int i = 0; i < ORDERS; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        assert_true(cw_txn_put_demands(
            txn, (struct cw_record_key){ cw_slice("shop"), cw_slice("orders"), cw_slice(id) }, NULL, 0));
    }
    commit(txn);
}

/* --- called off after so many steps --- */

struct cancelling {
    struct cw_loop *loop;
    struct cw_later later;
    struct cw_recount_all *all;
    int left;
    bool ended;
};

static void ended(void *arg, uint64_t skus, const struct cw_error *err)
{
    struct cancelling *cancelling = arg;
    (void)skus;
    assert_null(err);
    cancelling->ended = true;
}

static void step(void *arg)
{
    struct cancelling *cancelling = arg;
    if (cancelling->left-- > 0 && !cancelling->ended) {
        cw_loop_later(cancelling->loop, &cancelling->later, step, cancelling);
        return;
    }
    if (!cancelling->ended)
        cw_recount_all_cancel(cancelling->all);
    cw_loop_stop(cancelling->loop);
}

static bool cancel_after(int steps)
{
    struct cw_error err;
    struct cancelling cancelling = { .loop = cw_loop_create_virtual(bed.store.time.now, &err),
                                     .left = steps };
    cancelling.all = cw_recount_all_start(bed.store.store, &bed.config, &bed.store.clock, cancelling.loop,
                                          (struct cw_fence){ { "", 0 }, 0 }, ended, &cancelling, &err);
    assert_non_null(cancelling.all);
    cw_loop_later(cancelling.loop, &cancelling.later, step, &cancelling);
    cw_loop_run(cancelling.loop);
    cw_store_wait(bed.store.store);
    cw_loop_free(cancelling.loop);
    return !cancelling.ended;
}

static void a_count_that_is_called_off_is_made_good_by_the_next_one(void **state)
{
    int cancelled = 0;
    (void)state;
    char *expected = outcome();
    for (int steps = 0; steps < STEPS; steps++) {
        forget();
        cancelled += cancel_after(steps);
        stock_recount_all(&bed, NULL);
        char *found = outcome();
        if (strcmp(found, expected) != 0)
            fail_msg("called off after %d steps, the next count leaves something else", steps);
        free(found);
    }
    free(expected);
    assert_true(cancelled > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_count_that_is_called_off_is_made_good_by_the_next_one, open_bed,
                                        close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
