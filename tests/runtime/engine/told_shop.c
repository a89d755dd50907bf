/* told_shop.c - see told_shop.h. */
#include "told_shop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct told_request {
    struct told_request *next;
    struct told_shop *shop;
    struct cw_timer *timer;
    enum told_fault fault;
    bool is_write, is_late; /* late: what it does is done when it is answered, not when it comes */
    bool is_done;
    char *body, *url;
    cw_http_done_fn *done;
    void *arg;
};

const char *told_fault_name(enum told_fault fault)
{
    static const char *const names[] = { "fine",         "no connection", "lost before", "lost after",
                                         "500 before",   "500 after",     "502 after",   "half, lost",
                                         "half, 500",    "half, said",    "503",         "429",
                                         "error inside", "slow" };
    return names[fault];
}

void told_shop_note(struct told_shop *shop, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    cw_hasher_add(&shop->trace, cw_slice(line));
    if (shop->is_traced)
        printf("  %s\n", line);
}

/* --- books --- */

unsigned told_shop_arrived(const struct told_shop *shop, int64_t message)
{
    unsigned times = 0;
    for (size_t i = 0; i < shop->count; i++)
        times += shop->arrivals[i].message == message;
    return times;
}

const char *told_shop_value(const struct told_shop *shop, const char *lane)
{
    const char *value = NULL;
    for (size_t i = 0; i < shop->count; i++)
        if (strcmp(shop->arrivals[i].lane, lane) == 0)
            value = shop->arrivals[i].value;
    return value;
}

static bool is_bad(const char *lane)
{
    size_t len = strlen(lane);
    return len >= 3 && strcmp(lane + len - 3, "BAD") == 0;
}

static const char *read_line(const char *text, struct told_arrival *out)
{
    long long message;
    int used = 0;
    if (sscanf(text, "%lld %39s %31s\n%n", &message, out->lane, out->value, &used) != 3 || used == 0)
        return NULL;
    out->message = message;
    return text + used;
}

static size_t count_lines(const char *body, bool *any_bad)
{
    struct told_arrival line;
    size_t count = 0;
    *any_bad = false;
    while ((body = read_line(body, &line)) != NULL) {
        *any_bad = *any_bad || is_bad(line.lane);
        count++;
    }
    return count;
}

/* The first `most` lines are done. */
static void carry_out(struct told_shop *shop, const char *body, size_t most)
{
    struct told_arrival line;
    for (size_t i = 0; i < most && (body = read_line(body, &line)) != NULL; i++) {
        if (is_bad(line.lane))
            continue;
        if (shop->count == TOLD_ARRIVALS_MAX)
            abort();
        shop->arrivals[shop->count++] = line;
        told_shop_note(shop, "arrived: %lld %s %s", (long long)line.message, line.lane, line.value);
    }
}

/* --- answers --- */

static struct cw_http_response *respond(int status, struct cw_slice text, const char *name, const char *value)
{
    struct cw_header header = { name, value };
    struct cw_body *body = cw_body_create(1 << 24, NULL);
    if (body == NULL || !cw_body_write(body, text, NULL))
        abort();
    return cw_http_response_create(status, &header, name != NULL, body, NULL);
}

static struct cw_http_response *respond_with(struct cw_buffer *text)
{
    struct cw_http_response *response = respond(200, cw_buffer_slice(text), NULL, NULL);
    cw_buffer_fini(text);
    return response;
}

static bool is_half(enum told_fault fault)
{
    return fault == TOLD_HALF_LOST || fault == TOLD_HALF_500 || fault == TOLD_HALF_SAID;
}

static bool is_effective(enum told_fault fault)
{
    return fault == TOLD_FINE || fault == TOLD_SLOW || fault == TOLD_LOST_AFTER || fault == TOLD_500_AFTER ||
           fault == TOLD_502_AFTER || is_half(fault);
}

/* Whether it is refused as a whole. */
static bool is_refused(const struct told_request *request)
{
    bool any_bad;
    size_t count = count_lines(request->body, &any_bad);
    return any_bad && (count == 1 || request->shop->is_strict);
}

/* Of its lines so many are done. */
static size_t done_of(const struct told_request *request)
{
    bool any_bad;
    size_t count = count_lines(request->body, &any_bad);
    return is_half(request->fault) ? (count + 1) / 2 : count;
}

/* What the request does to the shop, once. */
static void take_effect(struct told_request *request)
{
    if (!request->is_done && is_effective(request->fault) && !is_refused(request))
        carry_out(request->shop, request->body, done_of(request));
    request->is_done = true;
}

static struct cw_http_response *answer_write(const struct told_request *request)
{
    struct cw_buffer text = { 0 };
    struct told_arrival line;
    const char *body = request->body;
    size_t most = done_of(request);
    if (is_refused(request))
        return respond(422, cw_slice("no such thing"), NULL, NULL);
    for (size_t i = 0; (body = read_line(body, &line)) != NULL; i++)
        cw_buffer_print(&text, NULL, "%lld %s\n", (long long)line.message,
                        is_bad(line.lane) ? "no such thing"
                        : i < most        ? "ok"
                                          : "no time now");
    return respond_with(&text);
}

/* Commas, as addresses have them. */
static char *copy_list(const char *list)
{
    char *copy = strdup(list), *out = copy;
    for (const char *at = copy; *at != '\0'; out++) {
        bool is_comma = strncmp(at, "%2C", 3) == 0;
        *out = is_comma ? ',' : *at;
        at += is_comma ? 3 : 1;
    }
    *out = '\0';
    return copy;
}

static struct cw_http_response *answer_read(const struct told_request *request)
{
    const struct told_shop *shop = request->shop;
    struct cw_buffer text = { 0 };
    const char *list = strchr(request->url, '=');
    char *copy = copy_list(list != NULL ? list + 1 : ""), *rest = copy, *item;
    bool is_levels = strstr(request->url, "/levels") != NULL;
    while ((item = strsep(&rest, ",")) != NULL) {
        const char *value = is_levels ? told_shop_value(shop, item) : NULL;
        if (is_levels && value != NULL)
            cw_buffer_print(&text, NULL, "%s %s\n", item, value);
        if (!is_levels && told_shop_arrived(shop, strtoll(item, NULL, 10)) > 0)
            cw_buffer_print(&text, NULL, "%s\n", item);
    }
    free(copy);
    return respond_with(&text);
}

static struct cw_http_response *answer(struct told_request *request, struct cw_error *err)
{
    switch (request->fault) {
    case TOLD_NO_CONNECTION:
        cw_fail(err, CW_UNAVAILABLE, "shop.test refuses the connection");
        return NULL;
    case TOLD_LOST_BEFORE:
    case TOLD_LOST_AFTER:
    case TOLD_HALF_LOST:
        cw_fail(err, CW_TIMEOUT, "shop.test has not answered for 300 s");
        return NULL;
    case TOLD_500_BEFORE:
    case TOLD_500_AFTER:
    case TOLD_HALF_500:
        return respond(500, cw_slice("boom"), NULL, NULL);
    case TOLD_502_AFTER:
        return respond(502, cw_slice("<html>bad gateway</html>"), NULL, NULL);
    case TOLD_503:
        return respond(503, cw_slice(""), "Retry-After", "30");
    case TOLD_429:
        return respond(429, cw_slice(""), "Retry-After", "30");
    case TOLD_ERROR_INSIDE:
        return respond(200, cw_slice("error: try again"), NULL, NULL);
    default:
        return request->is_write ? answer_write(request) : answer_read(request);
    }
}

/* --- the transport --- */

static void free_request(struct told_request *request)
{
    struct told_request **at = &request->shop->running;
    while (*at != request)
        at = &(*at)->next;
    *at = request->next;
    cw_timer_free(request->timer);
    free(request->body);
    free(request->url);
    free(request);
}

static void touch(struct told_shop *shop)
{
    if (shop->touched != NULL)
        shop->touched(shop->arg);
}

static void give(void *arg)
{
    struct told_request *request = arg;
    cw_http_done_fn *done = request->done;
    void *done_arg = request->arg;
    struct cw_error err;
    touch(request->shop);
    if (request->is_write)
        take_effect(request);
    struct cw_http_response *response = answer(request, &err);
    free_request(request);
    done(done_arg, response, response == NULL ? &err : NULL);
}

static enum told_fault draw_fault(struct told_shop *shop, bool is_write)
{
    enum told_fault fault = shop->next;
    if (is_write && fault != TOLD_FINE) {
        shop->next = TOLD_FINE;
        return fault;
    }
    if (is_write && shop->always != TOLD_FINE)
        return shop->always;
    if (cw_random_below(&shop->random, 1000) >= shop->faults_per_1000)
        return TOLD_FINE;
    return (enum told_fault)(1 + cw_random_below(&shop->random, TOLD_FAULTS - 1));
}

static cw_time delay_of(struct told_shop *shop, enum told_fault fault)
{
    if (fault == TOLD_LOST_BEFORE || fault == TOLD_LOST_AFTER || fault == TOLD_HALF_LOST)
        return 300 * CW_SECOND;
    cw_time usual = (cw_time)cw_random_below(&shop->random, 400) * CW_MILLISECOND;
    return fault == TOLD_SLOW ? 60 * CW_SECOND : usual;
}

static void *start(struct cw_transport *transport, const struct cw_http_request *http,
                   const struct cw_egress *egress, cw_http_done_fn *done, void *arg, struct cw_error *err)
{
    struct told_shop *shop = (struct told_shop *)transport;
    struct told_request *request = calloc(1, sizeof *request);
    bool any_bad;
    (void)egress;
    if (request == NULL)
        abort();
    *request = (struct told_request){ .next = shop->running, .shop = shop, .done = done, .arg = arg };
    shop->running = request;
    request->is_write = strcmp(http->method, "GET") != 0;
    request->body = strndup(http->body.len > 0 ? http->body.data : "", http->body.len);
    request->url = strdup(http->url);
    request->fault = draw_fault(shop, request->is_write);
    request->is_late = cw_random_below(&shop->random, 2) == 0;
    shop->faults[request->fault]++;
    shop->writes += request->is_write;
    shop->reads += !request->is_write;
    shop->lines += count_lines(request->body, &any_bad);
    told_shop_note(shop, "%s %s %.60s: %s", http->method, http->url, request->body,
                   told_fault_name(request->fault));
    if (request->is_write && !request->is_late)
        take_effect(request);
    touch(shop);
    request->timer = cw_timer_create(shop->loop, give, request, err);
    if (request->timer == NULL)
        abort();
    cw_timer_set(request->timer, delay_of(shop, request->fault));
    return request;
}

/* Who hung up was killed: the shop may go on all the same. */
static void cancel(struct cw_transport *transport, void *handle)
{
    struct told_shop *shop = (struct told_shop *)transport;
    struct told_request *request = handle;
    if (request->is_write && cw_random_below(&shop->random, 2) == 0)
        take_effect(request);
    free_request(request);
}

void told_shop_init(struct told_shop *shop, struct cw_loop *loop, uint64_t seed)
{
    memset(shop, 0, sizeof *shop);
    shop->transport = (struct cw_transport){ .start = start, .cancel = cancel };
    shop->loop = loop;
    cw_random_seed(&shop->random, seed);
    cw_hasher_init(&shop->trace);
}

void told_shop_fini(struct told_shop *shop)
{
    if (shop->running != NULL)
        abort(); /* a request outlived its session */
}

/* --- the cart --- */

static const char lua_head[] =
    "local cart = require 'cartwright.cart'\n"
    "local shop = cart.new {\n"
    "  title = 'told shop', settings = { url = cart.url { required = true } },\n"
    "  http = function(s) return { base = s.url .. '/', rate = '50/s', burst = 50 } end,\n"
    "}\n"
    "function shop:refuses(response) return response:text():match '^error: (.*)' end\n"
    "local function line(message)\n"
    "  local data = message.data\n"
    "  if data.order_id then\n"
    "    return ('%d order/%s %s\\n'):format(message.id, data.order_id, data.status or data.id)\n"
    "  end\n"
    "  return ('%d %s %s\\n'):format(message.id, data.sku, tostring(data.quantity or data.price))\n"
    "end\n"
    "local function stream(probe)\n"
    "  local out = {}\n";

static const char lua_send[] = "  out.send = function(self, message)\n"
                               "    message:sent(self:write('POST', 'put', line(message)))\n"
                               "  end\n";

static const char lua_send_batch[] =
    "  out.batch = 7\n"
    "  out.send_batch = function(self, messages)\n"
    "    local lines, by_id = {}, {}\n"
    "    for i, message in ipairs(messages) do lines[i], by_id[message.id] = line(message), message end\n"
    "    local response = self:write('POST', 'put', table.concat(lines))\n"
    "    for id, word, why in response:text():gmatch '(%d+) (%a+) ?([^\\n]*)\\n' do\n"
    "      local message = by_id[math.tointeger(id)]\n"
    "      if word == 'ok' then message:sent(response) else message:refused(why) end\n"
    "    end\n"
    "  end\n";

static const char lua_probe[] = "  out.probe = probe\n";

static const char lua_tail[] =
    "  return out\n"
    "end\n"
    "local function has_arrived(self, messages)\n"
    "  local ids, has = {}, {}\n"
    "  for i, message in ipairs(messages) do ids[i] = message.id end\n"
    "  local response = self:get('has', { ids = table.concat(ids, ',') })\n"
    "  for id in response:text():gmatch '%d+' do has[math.tointeger(id)] = true end\n"
    "  for _, message in ipairs(messages) do\n"
    "    if has[message.id] then message:arrived 'the shop lists it' else message:missing() end\n"
    "  end\n"
    "end\n"
    "local function is_level(self, messages)\n"
    "  local lanes, has = {}, {}\n"
    "  for i, message in ipairs(messages) do lanes[i] = message.data.sku end\n"
    "  local response = self:get('levels', { lanes = table.concat(lanes, ',') })\n"
    "  for lane, value in response:text():gmatch '(%S+) (%S+)\\n' do has[lane] = value end\n"
    "  for _, message in ipairs(messages) do\n"
    "    local data = message.data\n"
    "    if has[data.sku] == tostring(data.quantity or data.price) then message:arrived() else "
    "message:missing() end\n"
    "  end\n"
    "end\n"
    "shop.stock_out, shop.prices_out = stream(is_level), stream(is_level)\n"
    "shop.shipments_out, shop.statuses_out = stream(has_arrived), stream(has_arrived)\n"
    "return shop\n";

void told_cart(bool has_probe, bool has_send, bool has_batch, char out[8192])
{
    snprintf(out, 8192, "%s%s%s%s%s", lua_head, has_send ? lua_send : "", has_batch ? lua_send_batch : "",
             has_probe ? lua_probe : "", lua_tail);
}
