/* recount_random_test.c - whatever changes in whatever order, counting what each change touches leaves the
 * same newest payloads as counting everything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/document_json.h"
#include "stock_bed.h"

enum { SEEDS = 6, STEPS = 60, SKUS = 7, KITS = 4, ORDERS = 8 };

static struct stock_bed bed;
static struct cw_random dice;
static char *one_warehouse[] = { STOCK_TEXT("W1"), NULL };

struct got_known {
    size_t count;
};

static void take_known(void *arg, const struct cw_raw_known *known, size_t count, const struct cw_error *err)
{
    struct got_known *got = arg;
    (void)known;
    assert_null(err);
    got->count = count;
}

static unsigned roll(unsigned bound)
{
    return (unsigned)cw_random_below(&dice, bound);
}

static const char *sku_of(unsigned number)
{
    static char names[4][8];
    static unsigned next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof names[0], "%c%u", number < SKUS ? 'A' : 'K', number);
    return name;
}

static const char *number(unsigned most)
{
    static char texts[4][16];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof texts[0], "%u%s", roll(most), roll(5) == 0 ? ".5" : "");
    return text;
}

static const char *warehouse(void)
{
    return roll(2) == 0 ? "W1" : "W2";
}

/* A kit is made of items and of kits with a smaller number, so that there is no ring. */
static void change_kit(void)
{
    char components[64] = "";
    unsigned kit = SKUS + roll(KITS);
    for (unsigned parts = roll(4); parts > 0; parts--) {
        char part[16];
        const char *sku = sku_of(roll(kit));
        if (strstr(components, sku) != NULL)
            continue;
        snprintf(part, sizeof part, "%s%s=%u", components[0] != '\0' ? " " : "", sku, 1 + roll(3));
        strcat(components, part);
    }
    stock_item(&bed, "", sku_of(kit), sku_of(kit), components, roll(6) != 0);
}

/* As the pipeline leaves a record that waits, was posted, or is skipped by a rule. */
static void put_record(const char *cart, const char *id, const struct cw_document *doc,
                       enum cw_outcome outcome)
{
    struct cw_raw raw = raw_of(id, "x");
    struct cw_buffer json = { 0 };
    struct got_known known = { .count = 0 };
    raw.key = (struct cw_record_key){ cw_slice(cart), cw_slice("orders"), cw_slice(id) };
    raw.outcome = outcome;
    cw_txn_find_raw(bed.txn, &raw.key, 1, take_known, &known);
    assert_true(cw_txn_put_raw(bed.txn, &raw));
    assert_true(cw_document_json(&json, doc, 0, NULL));
    struct cw_staged staged = {
        .key = raw.key, .kind = &cw_kind_order, .state = CW_STAGED_PARKED, .document = cw_buffer_slice(&json)
    };
    assert_true(outcome == CW_PARKED ? cw_txn_put_staged(bed.txn, &staged)
                                     : cw_txn_drop_staged(bed.txn, raw.key));
    cw_buffer_fini(&json);
}

static void change_order(void)
{
    static const char *const statuses[] = { "paid", "on_hold", "cancelled", "processing" };
    char id[8], lines[64];
    snprintf(id, sizeof id, "%u", roll(ORDERS));
    snprintf(lines, sizeof lines, "%s=%s %s=%u-%u", sku_of(roll(SKUS + KITS)), number(6),
             sku_of(roll(SKUS + KITS)), 1 + roll(3), roll(4));
    const char *cart = roll(2) == 0 ? "shop" : "tea";
    struct cw_document *doc = stock_order_of(&bed, id, statuses[roll(4)], lines);
    enum cw_outcome outcome = roll(4) == 0 ? CW_PARKED : roll(6) == 0 ? CW_SKIPPED : CW_POSTED;
    put_record(cart, id, doc, outcome);
    if (outcome == CW_POSTED)
        assert_true(cw_txn_put_document(bed.txn, cw_slice(cart), doc, 0, 0));
    if (outcome == CW_PARKED)
        stock_demand_anew(&bed, cart, id);
    else
        stock_demand(&bed, cart, id, outcome == CW_SKIPPED ? NULL : doc, false);
}

static void change(void)
{
    switch (roll(8)) {
    case 0:
    case 1:
        stock_level(&bed, sku_of(roll(SKUS + KITS)), warehouse(), roll(10) == 0 ? NULL : number(30));
        break;
    case 2:
        change_kit();
        break;
    case 3:
        stock_vendor(&bed, sku_of(roll(SKUS)), "ACME", number(20));
        break;
    case 4:
        stock_incoming(&bed, roll(2) == 0 ? "P1" : "P2", sku_of(roll(SKUS)), warehouse(), "20", number(20),
                       bed.store.time.now + (cw_time)roll(20) * CW_DAY);
        break;
    default:
        change_order();
        break;
    }
}

static void set_rules(void)
{
    struct cw_stock_rule *shop = &bed.carts[0].out.stock.rule, *tea = &bed.carts[1].out.stock.rule;
    shop->buffer_percent = 10;
    shop->adds_incoming = true;
    shop->incoming_within = 10 * CW_DAY;
    shop->vendor = CW_VENDOR_SEPARATE;
    tea->warehouses = one_warehouse;
    tea->figure = CW_FIGURE_AVAILABLE_FOR_SHIPPING;
    tea->vendor = CW_VENDOR_ADDED;
    tea->minimum = 2 * CW_QUANTITY_ONE;
    bed.carts[1].out.stock.has_function = true;
}

/* Of what has no answer any more the newest payload is that of the last answer, which a count from nothing
 * does not know: it must only not know of others. */
static void compare(const char *kept, unsigned seed, int step)
{
    char *lines = strdup(
             ask(&bed.store,
                 "SELECT cart, external_id, payload FROM message_levels WHERE payload IS NOT NULL ORDER BY "
                 "cart, external_id")),
         *rest = lines, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (strstr(kept, line) == NULL)
            fail_msg("seed %u, step %d: counted anew \"%s\", but before:\n%s", seed, step, line, kept);
    free(lines);
}

/* As in a store that was never counted. */
static void forget_demands(void)
{
    struct cw_txn *txn = begin(&bed.store);
    assert_true(
        cw_txn_put_state(txn, cw_slice(""), cw_slice(CW_RECOUNT_STATE), (struct cw_slice){ NULL, 0 }));
    for (int i = 0; i < ORDERS; i++)
        for (size_t c = 0; c < 2 && roll(3) == 0; c++) {
            char id[16];
            snprintf(id, sizeof id, "%d", i);
            struct cw_record_key key = { cw_slice(bed.carts[c].name), cw_slice("orders"), cw_slice(id) };
            assert_true(cw_txn_put_demands(txn, key, NULL, 0));
        }
    commit(txn);
}

static void recount_from_nothing(unsigned seed, int step)
{
    char *kept = strdup(ask(&bed.store, "SELECT cart, external_id, payload FROM message_levels WHERE payload "
                                        "IS NOT NULL ORDER BY cart, external_id"));
    for (size_t i = 0; i < 2; i++) {
        struct cw_txn *txn = begin(&bed.store);
        assert_true(cw_txn_forget_levels(txn, cw_slice(bed.carts[i].name), cw_slice("stock_out"),
                                         (struct cw_slice){ "", 0 }));
        commit(txn);
    }
    forget_demands();
    stock_recount_all(&bed, NULL);
    compare(kept, seed, step);
    free(kept);
}

static void run_seed(unsigned seed)
{
    cw_random_seed(&dice, seed);
    stock_bed_open(&bed);
    set_rules();
    for (int step = 1; step <= STEPS; step++) {
        stock_begin(&bed);
        for (unsigned i = 1 + roll(3); i > 0; i--)
            change();
        stock_commit(&bed);
        if (step % 12 == 0)
            recount_from_nothing(seed, step);
    }
    stock_bed_close(&bed);
}

static void counting_what_is_touched_is_counting_everything(void **state)
{
    (void)state;
    const char *one = getenv("CW_SEED");
    if (one != NULL) {
        run_seed((unsigned)strtoul(one, NULL, 10));
        return;
    }
    for (unsigned seed = 1; seed <= SEEDS; seed++)
        run_seed(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_what_is_touched_is_counting_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
