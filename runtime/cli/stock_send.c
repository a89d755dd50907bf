/* stock_send.c - `cartwright stock recount` and `send`: everything is counted anew, now; a cart is told again
 * also what has not changed. */
#include <stdio.h>

#include "cli/rows.h"
#include "cli/stock.h"
#include "cli/who.h"
#include "engine/recount.h"

/* --- recount --- */

struct recounting {
    struct cw_cli *cli;
    struct cw_recount_all *all;
    bool dry_run, failed;
    uint64_t skus, messages;
    struct cw_error err;
};

static void recounted(void *arg, uint64_t skus, const struct cw_error *err)
{
    struct recounting *recounting = arg;
    recounting->skus = skus;
    recounting->messages = cw_recount_all_messages(recounting->all);
    recounting->failed = err != NULL;
    if (err != NULL)
        recounting->err = *err;
    cw_loop_stop(recounting->cli->loop);
}

static int tell(const struct recounting *r)
{
    if (r->failed)
        return cw_cli_fail(r->cli, &r->err);
    if (r->cli->json)
        printf("{\"skus\":%llu,\"messages\":%llu,\"dry_run\":%s}\n", (unsigned long long)r->skus,
               (unsigned long long)r->messages, r->dry_run ? "true" : "false");
    else
        printf("%llu SKUs counted, %llu levels %s%s\n", (unsigned long long)r->skus,
               (unsigned long long)r->messages, r->dry_run ? "would be told" : "are to be told",
               r->dry_run ? "; nothing was stored" : "");
    return 0;
}

int cw_cli_stock_recount(struct cw_cli *cli, bool dry_run)
{
    struct recounting r = { .cli = cli, .dry_run = dry_run };
    if (!cw_recount_is_needed(&cli->site->config)) {
        cw_fail(&r.err, CW_USAGE, "site.lua tells no cart of stock or prices; see `out` in the README");
        return cw_cli_fail(cli, &r.err);
    }
    r.all = cw_recount_all_start(cli->store, &cli->site->config, cw_loop_clock(cli->loop), cli->loop,
                                 (struct cw_fence){ { "", 0 }, 0 }, recounted, &r, &r.err);
    if (r.all == NULL)
        return cw_cli_fail(cli, &r.err);
    cw_recount_all_orders(r.all); /* whoever asks for it doubts what was counted before */
    if (dry_run)
        cw_recount_all_try(r.all);
    cw_loop_run(cli->loop);
    return tell(&r);
}

static void state_read(void *arg, struct cw_slice value, const struct cw_error *err)
{
    char *state = arg; /* one that cannot be read is counted anew, which says what is wrong */
    snprintf(state, CW_HASH_TEXT_MAX, "%.*s", err == NULL ? (int)value.len : 0, value.data);
}

int cw_cli_stock_count_once(struct cw_cli *cli)
{
    char version[CW_HASH_TEXT_MAX], state[CW_HASH_TEXT_MAX] = "";
    cw_recount_version(&cli->site->config, version);
    cw_store_get_state(cli->store, (struct cw_slice){ "", 0 }, cw_slice(CW_RECOUNT_STATE), state_read, state);
    cw_store_wait(cli->store);
    return strcmp(state, version) == 0 ? 0 : cw_cli_stock_recount(cli, false);
}

/* --- send --- */

struct sending {
    struct cw_cli *cli;
    const struct cw_site_cart *cart;
    const char *reason;
    struct cw_slice *skus;
    size_t count;
    struct cw_txn *txn;
    bool ok;
    struct cw_error err;
};

static void sending_ended(void *arg, const struct cw_error *err)
{
    struct sending *sending = arg;
    sending->ok = err == NULL;
    if (err != NULL)
        sending->err = *err;
}

static void counted(void *arg, const struct cw_error *err)
{
    struct sending *sending = arg;
    if (err == NULL) {
        cw_txn_commit(sending->txn, sending_ended, sending);
        return;
    }
    sending->err = *err;
    cw_txn_rollback(sending->txn);
}

static bool forget(struct sending *sending, const char *stream)
{
    struct cw_slice cart = cw_slice(sending->cart->name);
    bool ok = sending->count > 0 ||
              cw_txn_forget_levels(sending->txn, cart, cw_slice(stream), (struct cw_slice){ "", 0 });
    for (size_t i = 0; ok && i < sending->count; i++)
        ok = cw_txn_forget_levels(sending->txn, cart, cw_slice(stream), sending->skus[i]);
    return ok;
}

static bool forget_all(struct sending *sending)
{
    static const enum cw_out counted_ones[] = { CW_OUT_STOCK, CW_OUT_PRICES };
    for (size_t i = 0; i < sizeof counted_ones / sizeof *counted_ones; i++)
        if (sending->cart->out.sending[counted_ones[i]].is_on &&
            !forget(sending, cw_out_name(counted_ones[i])))
            return false;
    return true;
}

static bool audit(struct sending *sending)
{
    GString *object = g_string_new(sending->cart->name);
    for (size_t i = 0; i < sending->count; i++)
        g_string_append_printf(object, " %.*s", CW_SLICE_ARG(sending->skus[i]));
    bool ok = cw_txn_audit(sending->txn, cw_slice(cw_cli_who()), cw_slice("stock send"),
                           (struct cw_slice){ object->str, object->len }, cw_slice(""), cw_slice(""),
                           cw_slice(sending->reason), cw_now(cw_loop_clock(sending->cli->loop)));
    g_string_free(object, TRUE);
    return ok;
}

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct sending *sending = arg;
    const struct cw_cli *cli = sending->cli;
    sending->txn = txn;
    if (err != NULL) {
        sending->err = *err;
        return;
    }
    if (forget_all(sending) && audit(sending) && cw_txn_mark_skus(txn, sending->skus, sending->count))
        cw_recount_run(txn, &cli->site->config, cw_loop_clock(cli->loop), counted, sending);
    else
        counted(sending, cw_txn_error(txn));
}

/* A SKU that is mistyped must not look as if the cart had been told. */
static bool is_known(const struct cw_cli *cli, const char *cart, const char *sku, struct cw_error *err)
{
    const struct cw_slice params[] = { cw_slice(cart), cw_slice(sku) };
    char found[8];
    return cw_cli_ask(
               cli,
               "SELECT 1 WHERE EXISTS (SELECT 1 FROM message_levels WHERE cart = $1 AND external_id = "
               "$2) OR EXISTS (SELECT 1 FROM stock_levels WHERE sku = $2) OR EXISTS (SELECT 1 FROM items "
               "WHERE sku = $2) OR EXISTS (SELECT 1 FROM item_variants WHERE sku = $2) OR EXISTS (SELECT "
               "1 FROM vendor_levels WHERE sku = $2) OR EXISTS (SELECT 1 FROM prices WHERE sku = $2) OR "
               "EXISTS (SELECT 1 FROM purchase_order_lines WHERE sku = $2)",
               params, 2, found, sizeof found, err) &&
           (found[0] != '\0' ||
            cw_fail(
                err, CW_NOT_FOUND,
                "nobody has named a SKU %s, neither the back office nor a cart; nothing is told again; see: "
                "cartwright list items",
                sku));
}

static bool are_known(const struct cw_cli *cli, const char *cart, char *const *skus, size_t count,
                      struct cw_error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = is_known(cli, cart, skus[i], err);
    return ok;
}

/* All of a cart is counted page by page, as by recount. */
int cw_cli_stock_send(struct cw_cli *cli, const char *cart, char *const *skus, size_t count,
                      const char *reason)
{
    struct sending sending = { .cli = cli, .reason = reason, .count = count };
    sending.cart = cw_cli_stock_cart(cli, cart, false, &sending.err);
    if (sending.cart == NULL || !are_known(cli, cart, skus, count, &sending.err))
        return cw_cli_fail(cli, &sending.err);
    sending.skus = g_new(struct cw_slice, count + 1);
    for (size_t i = 0; i < count; i++)
        sending.skus[i] = cw_slice(skus[i]);
    cw_txn_begin(cli->store, (struct cw_fence){ { "", 0 }, 0 }, begun, &sending);
    cw_store_wait(cli->store);
    g_free(sending.skus);
    if (!sending.ok)
        return cw_cli_fail(cli, &sending.err);
    if (count == 0)
        return cw_cli_stock_recount(cli, false);
    if (cli->json)
        puts("{\"ok\":true}");
    else
        printf("%s is told %zu SKUs again\n", cart, count);
    return 0;
}
