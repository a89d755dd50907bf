/* told_bed.c - see told_bed.h. */
#include "told_bed.h"

#include <stdio.h>

#include "engine/recount.h"

void told_bed_write_site(struct told_bed *bed, const char *out)
{
    char text[2048];
    snprintf(text, sizeof text,
             "return { zone = 'UTC', allow = { 'shop.test' }, carts = { shop = { type = 'told',\n"
             "  url = 'http://shop.test', out = { %s } } } }\n",
             out);
    site_bed_write(&bed->site, "site.lua", text);
}

void told_bed_init(struct told_bed *bed, uint64_t seed, const char *out)
{
    char script[8192];
    memset(bed, 0, sizeof *bed);
    site_bed_init(&bed->site, seed);
    told_shop_init(&bed->shop, bed->site.loop, seed);
    bed->site.transport = &bed->shop.transport;
    told_bed_write_site(bed, out);
    told_cart(true, true, true, script);
    site_bed_write(&bed->site, "carts/told.lua", script);
    for (size_t i = 0; i < CW_OUT_STREAMS; i++)
        bed->runs[i].bed = bed;
}

void told_bed_fini(struct told_bed *bed)
{
    told_bed_close(bed);
    told_shop_fini(&bed->shop);
    site_bed_fini(&bed->site);
}

/* --- transactions --- */

struct writing {
    struct told_bed *bed;
    const struct cw_message *message; /* NULL = that stock was counted */
    bool is_stored;
    struct cw_error err; /* why not */
};

static void stored(void *arg, const struct cw_error *err)
{
    struct writing *writing = arg;
    writing->is_stored = err == NULL;
    if (err != NULL)
        writing->err = *err;
}

static void write_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct writing *writing = arg;
    char version[CW_HASH_TEXT_MAX];
    if (err != NULL) {
        stored(writing, err);
        return;
    }
    cw_recount_version(&writing->bed->site.site->config, version);
    if (writing->message != NULL)
        cw_txn_put_message(txn, writing->message);
    else
        cw_txn_put_state(txn, (struct cw_slice){ "", 0 }, cw_slice(CW_RECOUNT_STATE), cw_slice(version));
    cw_txn_commit(txn, stored, writing);
}

static bool write_now(struct told_bed *bed, const struct cw_message *message, struct cw_error *err)
{
    struct writing writing = { .bed = bed, .message = message };
    cw_txn_begin(bed->site.store, (struct cw_fence){ 0 }, write_ready, &writing);
    cw_store_wait(bed->site.store);
    if (!writing.is_stored && err != NULL)
        *err = writing.err;
    return writing.is_stored;
}

static bool put(struct told_bed *bed, enum cw_out out, const char *about, const char *lane, const char *event,
                const char *payload)
{
    const struct cw_message message = { .key = { cw_slice("shop"), cw_slice(cw_out_name(out)),
                                                 cw_slice(about) },
                                        .lane = cw_slice(lane),
                                        .event = cw_slice(event),
                                        .payload = cw_slice(payload),
                                        .is_zero = strstr(payload, "\":\"0\"") != NULL,
                                        .due_at = CW_TIME_NONE,
                                        .answer = { "", 0 },
                                        .error = { "", 0 } };
    return write_now(bed, &message, NULL);
}

bool told_bed_put_level(struct told_bed *bed, enum cw_out out, const char *sku, const char *value)
{
    char payload[160];
    snprintf(payload, sizeof payload, "{\"sku\":\"%s\",\"%s\":\"%s\"}", sku,
             out == CW_OUT_STOCK ? "quantity" : "price", value);
    return put(bed, out, sku, "", "", payload);
}

bool told_bed_put_event(struct told_bed *bed, enum cw_out out, const char *order, const char *event)
{
    char payload[200], lane[64];
    snprintf(lane, sizeof lane, "order/%s", order);
    snprintf(payload, sizeof payload, "{\"order_id\":\"%s\",\"%s\":\"%s\"}", order,
             out == CW_OUT_STATUSES ? "status" : "id", event);
    return put(bed, out, order, lane, event, payload);
}

/* --- processes --- */

bool told_bed_try_open(struct told_bed *bed, struct cw_error *err)
{
    if (!site_bed_try_open(&bed->site, err))
        return false;
    bed->cart = cw_session_cart(bed->site.session, "shop", err);
    return bed->cart != NULL && write_now(bed, NULL, err);
}

void told_bed_open(struct told_bed *bed)
{
    struct cw_error err;
    assert_ok(told_bed_try_open(bed, &err), err);
}

void told_bed_close(struct told_bed *bed)
{
    for (size_t i = 0; i < CW_OUT_STREAMS; i++) {
        if (bed->runs[i].run != NULL)
            cw_outbox_cancel(bed->runs[i].run);
        bed->runs[i].run = NULL;
    }
    bed->running = 0;
    bed->cart = NULL;
    site_bed_close(&bed->site);
}

/* --- runs --- */

static void ended(void *arg, const struct cw_run *run, cw_time next_at, const struct cw_error *err)
{
    struct told_run *told = arg;
    told->run = NULL;
    told->failed = err != NULL;
    told->err = err != NULL ? *err : (struct cw_error){ .code = CW_OK };
    told->counts = run->counts;
    told->id = run->id;
    told->next_at = next_at;
    snprintf(told->message, sizeof told->message, "%.*s", CW_SLICE_ARG(run->message));
    if (--told->bed->running == 0)
        cw_loop_stop(told->bed->site.loop);
}

void told_bed_start(struct told_bed *bed, enum cw_out out)
{
    struct cw_error err;
    struct told_run *told = &bed->runs[out];
    told->run = cw_outbox_start(bed->site.session, bed->cart, out, ended, told, &err);
    assert_ok(told->run != NULL, err);
    bed->running++;
}

void told_bed_wait_runs(struct told_bed *bed)
{
    while (bed->running > 0)
        cw_loop_run(bed->site.loop);
}

struct told_run *told_bed_send(struct told_bed *bed, enum cw_out out)
{
    told_bed_start(bed, out);
    told_bed_wait_runs(bed);
    return &bed->runs[out];
}

const char *told_bed_messages(struct told_bed *bed)
{
    const char *rows =
        site_bed_ask(&bed->site, "SELECT id || ' ' || external_id || ' ' || state FROM messages ORDER BY id");
    return rows;
}
