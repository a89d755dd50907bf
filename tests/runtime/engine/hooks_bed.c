/* hooks_bed.c - see hooks_bed.h. */
#include "hooks_bed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static const char site_script[] =
    "return { carts = {\n"
    "  shop = { type = 'hooked' }, other = { type = 'hooked' }, deaf = { type = 'hooked' },\n"
    "  broken = { type = 'broken' },\n"
    "  woo = { type = 'woocommerce', url = 'https://shop.example' } } }\n";

static const char cart_script[] =
    "local cart, map, time = require 'cartwright.cart', require 'cartwright.map', require 'cartwright.time'\n"
    "local shop = cart.new { title = 'hooked', settings = { webhook_secret = cart.secret {} },\n"
    "  http = function() return { base = 'http://127.0.0.1:1/' } end }\n"
    "shop.orders = { map = map.order { number = 'number' }, settle = '10s' }\n"
    "local at = {}\n"
    "at['/stamped'] = function(self, notice)\n"
    "  local sent, v1 = (notice:header 'X-Stamp' or ''):match '^t=(%d+),v1=(%x+)$'\n"
    "  if not sent or not self:signed { secret = 'webhook_secret', signature = v1,\n"
    "    text = sent .. '.' .. notice.body } then return nil, 'stamp' end\n"
    "  return { at = time.parse(sent, 'UTC', '%s'), job = 'orders' }\n"
    "end\n"
    "at['/prefixed'] = function(self, notice)\n"
    "  return self:signed { secret = 'webhook_secret', algorithm = 'sha512', prefix = 'sha512=',\n"
    "    signature = notice:header 'X-Signature' } and {} or nil, 'prefixed'\n"
    "end\n"
    "at['/token'] = function(self, notice)\n"
    "  return self:secret_equals { secret = 'webhook_secret', value = notice:param 'token' } and {} or nil, "
    "'token'\n"
    "end\n"
    "at['/ping'] = function() return { ignore = true } end\n"
    "at['/ask'] = function(self) self:get 'orders' end\n"
    "at['/emit'] = function(self) self:emit() end\n"
    "at['/loop'] = function() while true do end end\n"
    "at['/sleep'] = function() time.sleep(3600) end\n"
    "at['/number'] = function() return 7 end\n"
    "at['/slip'] = function() return { jobs = 'orders' } end\n"
    "at['/typo'] = function() return { job = 'ordrs' } end\n"
    "at['/tries'] = function(self, notice)\n"
    "  for i = 1, 16 do self:signed { secret = 'webhook_secret', signature = 'x' } end\n"
    "  return self:signed { secret = 'webhook_secret', signature = notice:header 'X-Signature' } and {} or "
    "nil, 'tries'\n"
    "end\n"
    "at['/long'] = function(self, notice) return { id = ('x'):rep(5000) .. notice.body, topic = "
    "'\\195\\164\\0' } end\n"
    "function shop:webhook(notice)\n"
    "  local special = at[notice.path]\n"
    "  if special then return special(self, notice) end\n"
    "  if not self:signed { secret = 'webhook_secret', signature = notice:header 'X-Signature' } then\n"
    "    return nil, 'signature'\n"
    "  end\n"
    "  return { id = notice.body:match 'id=(%w+)', topic = notice:header 'X-Topic',\n"
    "    job = notice.path ~= '/all' and 'orders' or nil }\n"
    "end\n"
    "local answers = {}\n"
    "answers['/say'] = function(_, request)\n"
    "  return { status = 202, headers = { ['X-Was'] = request.method }, body = request.query.a .. "
    "request:form().b }\n"
    "end\n"
    "answers['/raise'] = function() error 'inner words' end\n"
    "answers['/loop'] = function() while true do end end\n"
    "answers['/sleep'] = function() time.sleep(3600) end\n"
    "answers['/ask'] = function(self) self:get 'orders' end\n"
    "answers['/upload'] = function(self) self:files { url = 'sftp://127.0.0.1/' } end\n"
    "answers['/large'] = function() return { status = 200, body = ('x'):rep(16 * 1024 * 1024 + 1) } end\n"
    "answers['/split'] = function() return { status = 200, headers = { A = 'b\\r\\nC: d' } } end\n"
    "answers['/frame'] = function() return { status = 200, headers = { ['Content-Length'] = '5' } } end\n"
    "answers['/low'] = function() return { status = 100 } end\n"
    "answers['/put'] = function(self, request)\n"
    "  self:put { kind = 'stock_level', { sku = 'A', warehouse = 'W', quantity = request.query.n } }\n"
    "  return { status = 200, body = tostring(self:count('stock_level', { cart = '' })) }\n"
    "end\n"
    "answers['/later'] = function(self, request)\n"
    "  time.sleep(require('cartwright.decimal').new '0.2')\n"
    "  return answers['/put'](self, request)\n"
    "end\n"
    "answers['/level'] = function(self)\n"
    "  local levels = self:documents('stock_level', { cart = '', sku = 'A', limit = 1 })\n"
    "  return { status = 200, body = tostring(levels[1].quantity + 1) .. ' ' .. tostring(self:quantity 'A') "
    "}\n"
    "end\n"
    "answers['/slow'] = function(_, request) return { status = 200, body = request.peer, wait = 1 } end\n"
    "answers['/never'] = function() return { status = 200, wait = 11 } end\n"
    "function shop:serve(request) return answers[request.path](self, request) end\n"
    "return shop\n";

static void write_file(const struct hooks_bed *bed, const char *name, const char *text, mode_t mode)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", bed->folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(path, mode), 0);
}

static void make_folder(struct hooks_bed *bed)
{
    char path[160];
    snprintf(bed->folder, sizeof bed->folder, "/tmp/cw-hooks-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    snprintf(path, sizeof path, "%s/carts", bed->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(bed, "site.lua", site_script, 0600);
    write_file(bed, "carts/hooked.lua", cart_script, 0600);
    write_file(bed, "carts/broken.lua", "error('no cart here')", 0600);
    write_file(bed, "secrets",
               "shop.webhook_secret = " HOOKS_SECRET "\nother.webhook_secret = " HOOKS_SECRET
               "\nwoo.webhook_secret = " HOOKS_SECRET "\nwoo.key = ck\nwoo.secret = cs\n",
               0600);
}

/* --- a store that can be made to wait or fail --- */

static struct hooks_bed *bed_of_store; /* engines are asked with nothing but the store */

static void commit(struct cw_txn *txn)
{
    struct hooks_bed *bed = bed_of_store;
    struct cw_error err;
    bed->commits++;
    if (bed->fails != CW_OK) {
        bed->real->rollback(txn);
        cw_fail(&err, bed->fails, "the disk is full");
        cw_txn_ended(txn, &err);
    } else if (bed->holds_commits) {
        bed->held_txn = txn;
    } else {
        bed->real->commit(txn);
    }
}

void hooks_bed_release(struct hooks_bed *bed)
{
    struct cw_txn *txn = bed->held_txn;
    assert_non_null(txn);
    bed->held_txn = NULL;
    bed->real->commit(txn);
}

static void open_store(struct hooks_bed *bed)
{
    char path[160];
    struct cw_error err;
    snprintf(path, sizeof path, "%s/store.db", bed->folder);
    const struct cw_store_config config = { .uri = path, .create = true };
    bed->store = cw_store_open(&config, bed->loop, &err);
    assert_ok(bed->store != NULL, err);
    bed->real = bed->store->engine;
    bed->engine = *bed->real;
    bed->engine.commit = commit;
    bed->store->engine = &bed->engine;
    bed_of_store = bed;
}

static void check_planned(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail_msg("%s", err->text);
}

static void plan(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    (void)arg, (void)err;
    static const char *const carts[] = { "other", "shop", "shop", "woo" };
    static const char *const names[] = { "orders", "items", "orders", "orders" };
    struct cw_job jobs[4];
    for (size_t i = 0; i < 4; i++)
        jobs[i] = (struct cw_job){ .cart = cw_slice(carts[i]),
                                   .name = cw_slice(names[i]),
                                   .schedule = cw_slice("never"),
                                   .due_at = CW_TIME_NONE };
    assert_true(cw_txn_plan_jobs(txn, jobs, 4));
    cw_txn_commit(txn, check_planned, NULL);
}

/* --- sessions, as a worker keeps them --- */

static struct cw_session *session(void *arg, const char *cart, struct cw_error *err)
{
    struct hooks_bed *bed = arg;
    for (unsigned i = 0; i < bed->session_count; i++)
        if (strcmp(bed->names[i], cart) == 0) {
            bed->held++;
            return bed->sessions[i];
        }
    bool is_known = false;
    for (size_t i = 0; i < bed->site->config.cart_count; i++)
        is_known = is_known || strcmp(bed->site->config.carts[i].name, cart) == 0;
    if (!is_known) {
        cw_fail(err, CW_NOT_FOUND, "no cart %s", cart);
        return NULL;
    }
    assert_true(bed->session_count < 4);
    snprintf(bed->names[bed->session_count], sizeof bed->names[0], "%s", cart);
    const struct cw_session_config config = { .site = bed->site,
                                              .loop = bed->loop,
                                              .store = bed->store,
                                              .cart = bed->names[bed->session_count],
                                              .collector_always = test_collector_always() };
    struct cw_session *opened = cw_session_open(&config, err);
    if (opened == NULL)
        return NULL;
    bed->sessions[bed->session_count++] = opened;
    bed->held++;
    return opened;
}

static void release(void *arg, const char *cart)
{
    struct hooks_bed *bed = arg;
    (void)cart;
    bed->held--;
}

/* --- life --- */

static unsigned port_of(int fd)
{
    struct sockaddr_in at = { 0 };
    socklen_t len = sizeof at;
    getsockname(fd, (struct sockaddr *)&at, &len);
    return ntohs(at.sin_port);
}

void hooks_bed_open(struct hooks_bed *bed)
{
    struct cw_error err;
    *bed = (struct hooks_bed){ 0 };
    cw_log_configure((struct cw_log_config){ .out = NULL });
    make_folder(bed);
    bed->loop = cw_loop_create(&err);
    assert_ok(bed->loop != NULL, err);
    bed->site = cw_site_open(bed->folder, CW_HOME_FOR_TESTS, cw_loop_clock(bed->loop), &err);
    assert_ok(bed->site != NULL, err);
    open_store(bed);
    cw_txn_begin(bed->store, (struct cw_fence){ 0 }, plan, bed);
    bed->commits = 0;
    bed->metrics = calloc(1, cw_metrics_page_size());
    int fd = cw_http_listen("127.0.0.1", 0, &err);
    assert_ok(fd >= 0, err);
    bed->port = port_of(fd);
    const struct cw_webhooks_config config = { .loop = bed->loop,
                                               .store = bed->store,
                                               .session = session,
                                               .release = release,
                                               .arg = bed,
                                               .holder = "test",
                                               .metrics = bed->metrics };
    bed->webhooks = cw_webhooks_open(&config, fd, &err);
    assert_ok(bed->webhooks != NULL, err);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

void hooks_bed_close(struct hooks_bed *bed)
{
    cw_webhooks_close(bed->webhooks);
    assert_int_equal(bed->held, 0);
    for (unsigned i = 0; i < bed->session_count; i++)
        cw_session_close(bed->sessions[i]);
    if (bed->held_txn != NULL)
        hooks_bed_release(bed);
    cw_store_close(bed->store);
    cw_site_free(bed->site);
    cw_loop_free(bed->loop);
    free(bed->metrics);
    nftw(bed->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void note_memory(struct hooks_bed *bed)
{
    long now = hooks_memory();
    bed->peak = now > bed->peak ? now : bed->peak;
}

static void stop_loop(void *arg)
{
    struct hooks_bed *bed = arg;
    bed->is_over = true;
    cw_loop_stop(bed->loop);
}

/* Until something happened to a client, or the time is over. */
static void run(struct hooks_bed *bed, cw_time time)
{
    struct cw_timer *stop = cw_timer_create(bed->loop, stop_loop, bed, NULL);
    bed->is_over = false;
    cw_timer_set(stop, time);
    cw_loop_run(bed->loop);
    cw_timer_free(stop);
    note_memory(bed);
}

void hooks_bed_wait(struct hooks_bed *bed, cw_time time)
{
    struct cw_timer *stop = cw_timer_create(bed->loop, stop_loop, bed, NULL);
    bed->is_over = false;
    cw_timer_set(stop, time);
    while (!bed->is_over)
        cw_loop_run(bed->loop);
    cw_timer_free(stop);
    note_memory(bed);
}

static bool add_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct hooks_bed *bed = arg;
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

const char *hooks_bed_ask(struct hooks_bed *bed, const char *sql)
{
    bed->text[0] = '\0';
    cw_store_query(bed->store, sql, NULL, 0, add_row, check_planned, bed);
    return bed->text;
}

/* --- clients --- */

static void on_readable(void *arg, int fd, int events)
{
    (void)events;
    struct hooks_client *client = arg;
    ssize_t n = recv(fd, client->got + client->len, sizeof client->got - 1 - client->len, 0);
    if (n <= 0) {
        client->is_closed = true;
        cw_watch_free(client->watch);
        client->watch = NULL;
    } else {
        client->len += (size_t)n;
        client->got[client->len] = '\0';
        if (client->status == 0 && strstr(client->got, "\r\n\r\n") != NULL)
            client->status = atoi(client->got + strlen("HTTP/1.1 "));
    }
    cw_loop_stop(client->bed->loop);
}

void hooks_connect(struct hooks_client *client, struct hooks_bed *bed)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)bed->port) };
    *client = (struct hooks_client){ .bed = bed };
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&at, sizeof at), 0);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    client->watch = cw_watch_create(bed->loop, client->fd, CW_READABLE, on_readable, client, NULL);
}

/* What the socket does not take at once is left out where the server has had enough; else the loop runs. */
void hooks_send(struct hooks_client *client, const char *bytes, size_t len)
{
    while (len > 0 && !client->is_closed && client->status == 0) {
        ssize_t n = send(client->fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0)
            hooks_bed_wait(client->bed, CW_MILLISECOND);
        else
            bytes += n, len -= (size_t)n;
    }
}

void hooks_close(struct hooks_client *client)
{
    cw_watch_free(client->watch);
    close(client->fd);
}

int hooks_status(struct hooks_client *client, cw_time time)
{
    int64_t end = cw_elapsed_ns(cw_loop_clock(client->bed->loop)) + time * 1000;
    while (client->status == 0 && !client->is_closed && cw_elapsed_ns(cw_loop_clock(client->bed->loop)) < end)
        run(client->bed, 20 * CW_MILLISECOND);
    return client->status;
}

size_t hooks_print(char *out, size_t cap, const char *at, const char *headers, const char *body)
{
    int len = snprintf(out, cap, "POST /webhooks/%s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n%s",
                       at, headers, strlen(body), body);
    assert_true(len > 0 && (size_t)len < cap);
    return (size_t)len;
}

void hooks_sign(const char *text, char hex[65])
{
    unsigned char mac[CW_HMAC_BYTES_MAX];
    size_t len = cw_hmac_of(CW_HMAC_SHA256, cw_slice(HOOKS_SECRET), cw_slice(text), mac);
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
}

size_t hooks_print_signed(char *out, size_t cap, const char *at, const char *headers, const char *body)
{
    char hex[65], all[2048];
    hooks_sign(body, hex);
    snprintf(all, sizeof all, "X-Signature: %s\r\n%s", hex, headers);
    return hooks_print(out, cap, at, all, body);
}

static int post(struct hooks_bed *bed, const char *bytes, size_t len)
{
    struct hooks_client client;
    hooks_connect(&client, bed);
    hooks_send(&client, bytes, len);
    int status = hooks_status(&client, 20 * CW_SECOND);
    hooks_close(&client);
    return status;
}

int hooks_post(struct hooks_bed *bed, const char *at, const char *headers, const char *body)
{
    static char out[2 * 1024 * 1024];
    return post(bed, out, hooks_print(out, sizeof out, at, headers, body));
}

int hooks_post_signed(struct hooks_bed *bed, const char *at, const char *headers, const char *body)
{
    static char out[2 * 1024 * 1024];
    return post(bed, out, hooks_print_signed(out, sizeof out, at, headers, body));
}

/* The resident size would count what the sanitizers hold back of what was freed. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

long hooks_memory(void)
{
    size_t bytes = __sanitizer_get_current_allocated_bytes != NULL ? __sanitizer_get_current_allocated_bytes()
                                                                   : mallinfo2().uordblks;
    return (long)(bytes / 1024);
}
