/* site_bed.c - see site_bed.h. */
#include "site_bed.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void site_bed_path(const struct site_bed *bed, const char *path, char out[160])
{
    snprintf(out, 160, "%s/%s", bed->folder, path);
}

void site_bed_write(struct site_bed *bed, const char *path, const char *text)
{
    char full[160];
    site_bed_path(bed, path, full);
    FILE *out = fopen(full, "w");
    if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0)
        fail_msg("cannot write %s", full);
}

void site_bed_init(struct site_bed *bed, uint64_t seed)
{
    char carts[160];
    struct cw_error err;
    *bed = (struct site_bed){ .folder = "/tmp/cw-site-XXXXXX" };
    assert_non_null(mkdtemp(bed->folder));
    site_bed_path(bed, "carts", carts);
    assert_int_equal(mkdir(carts, 0700), 0);
    bed->loop = cw_loop_create_virtual(BED_START, &err);
    assert_ok(bed->loop != NULL, err);
    fake_shop_init(&bed->shop, bed->loop, seed);
    site_bed_write(bed, "site.lua", fake_site_script);
    site_bed_write(bed, "carts/fake.lua", fake_cart_script);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

void site_bed_fini(struct site_bed *bed)
{
    site_bed_close(bed);
    fake_shop_fini(&bed->shop);
    cw_loop_free(bed->loop);
    nftw(bed->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

bool site_bed_try_open(struct site_bed *bed, struct cw_error *err)
{
    char path[160];
    const struct cw_clock *clock = cw_loop_clock(bed->loop);
    site_bed_path(bed, "store.db", path);
    struct cw_store_config config = { .uri = bed->store_path != NULL ? bed->store_path : path,
                                      .create = true,
                                      .vfs = bed->vfs,
                                      .clock = clock };
    bed->orders = NULL;
    bed->site = cw_site_open(bed->folder, CW_HOME_FOR_TESTS, clock, err);
    bed->store = bed->site != NULL ? cw_store_open(&config, bed->loop, err) : NULL;
    if (bed->store == NULL)
        return false;
    bed->config.site = bed->site;
    bed->config.loop = bed->loop;
    bed->config.transport = bed->transport != NULL ? bed->transport : &bed->shop.transport;
    bed->config.store = bed->store;
    bed->config.collector_always = test_collector_always();
    bed->session = cw_session_open(&bed->config, err);
    return bed->session != NULL;
}

void site_bed_open(struct site_bed *bed)
{
    struct cw_error err;
    assert_ok(site_bed_try_open(bed, &err), err);
}

void site_bed_close(struct site_bed *bed)
{
    if (bed->sync != NULL)
        cw_sync_cancel(bed->sync);
    cw_session_close(bed->session);
    cw_store_close(bed->store);
    cw_site_free(bed->site);
    bed->sync = NULL;
    bed->session = NULL;
    bed->store = NULL;
    bed->site = NULL;
    bed->orders = NULL;
}

bool site_bed_try_cart(struct site_bed *bed, struct cw_error *err)
{
    struct cw_lua_cart *cart = cw_session_cart(bed->session, "shop", err);
    bed->orders = cart != NULL ? cw_lua_cart_stream(cart, "orders") : NULL;
    return cart != NULL;
}

static void ended(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct site_bed *bed = arg;
    bed->sync = NULL;
    bed->ended = true;
    bed->failed = err != NULL;
    if (err != NULL)
        bed->err = *err;
    bed->counts = report->run->counts;
    bed->state = report->run->state;
    bed->windows = report->windows;
    cw_loop_stop(bed->loop);
}

void site_bed_start_sync(struct site_bed *bed)
{
    struct cw_error err;
    bed->ended = bed->failed = false;
    if (bed->orders == NULL)
        assert_ok(site_bed_try_cart(bed, &err), err);
    bed->sync = cw_sync_start(bed->session, bed->orders, ended, bed, &err);
    assert_ok(bed->sync != NULL, err);
}

bool site_bed_sync(struct site_bed *bed)
{
    site_bed_start_sync(bed);
    while (!bed->ended)
        cw_loop_run(bed->loop);
    return !bed->failed;
}

bool site_bed_batch(struct site_bed *bed, struct cw_records *records, bool again)
{
    struct cw_error err;
    bed->ended = bed->failed = false;
    if (bed->orders == NULL)
        assert_ok(site_bed_try_cart(bed, &err), err);
    struct cw_batch_config config = { .job = "import", .records = records, .again = again };
    assert_ok(cw_batch_start(bed->session, bed->orders, &config, ended, bed, &err) != NULL, err);
    while (!bed->ended)
        cw_loop_run(bed->loop);
    return !bed->failed;
}

static void stop_loop(void *arg)
{
    cw_loop_stop(arg);
}

void site_bed_wait(struct site_bed *bed, cw_time time)
{
    struct cw_error err;
    struct cw_timer *timer = cw_timer_create(bed->loop, stop_loop, bed->loop, &err);
    assert_ok(timer != NULL, err);
    cw_timer_set(timer, time);
    cw_loop_run(bed->loop);
    cw_timer_free(timer);
}

struct cw_records *site_bed_records(const char *json)
{
    struct cw_error err;
    struct cw_body *body = cw_body_create(1 << 26, &err);
    assert_ok(body != NULL && cw_body_write(body, cw_slice(json), &err), err);
    struct cw_records *records = cw_records_open(body, "orders", "id", &err);
    assert_ok(records != NULL, err);
    return records;
}

static bool add_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct site_bed *bed = arg;
    (void)names;
    size_t len = strlen(bed->text);
    if (len > 0)
        len += (size_t)snprintf(bed->text + len, sizeof bed->text - len, "\n");
    for (size_t i = 0; i < columns && len < sizeof bed->text - 1; i++)
        len += (size_t)snprintf(bed->text + len, sizeof bed->text - len, "%s%.*s", i > 0 ? "|" : "",
                                row[i].data != NULL ? (int)row[i].len : 4,
                                row[i].data != NULL ? row[i].data : "NULL");
    return true;
}

static void asked(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail_msg("%s", err->text);
}

const char *site_bed_ask(struct site_bed *bed, const char *sql)
{
    bed->text[0] = '\0';
    cw_store_query(bed->store, sql, NULL, 0, add_row, asked, bed);
    cw_store_wait(bed->store);
    return bed->text;
}
