/* fake_shop.c - see fake_shop.h. */
#include "fake_shop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/recording_query.h"

static const char *const fault_names[] = { "fine",
                                           "no connection",
                                           "lost",
                                           "cut",
                                           "500",
                                           "502",
                                           "503",
                                           "503 with Retry-After",
                                           "429",
                                           "429 with seconds",
                                           "429 with a date",
                                           "429 with an absurd time",
                                           "an HTML page",
                                           "an empty body",
                                           "half of the JSON",
                                           "the page before",
                                           "a short page",
                                           "a shuffled page",
                                           "a doubled record",
                                           "slow" };

const char *fake_fault_name(enum fake_fault fault)
{
    return fault_names[fault];
}

void fake_shop_note(struct fake_shop *shop, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cw_hasher_add(&shop->trace, cw_slice(text));
    if (getenv("CW_SIM_TRACE") != NULL)
        fprintf(stderr, "%lld %s\n", (long long)(cw_now(cw_loop_clock(shop->loop)) / CW_MILLISECOND), text);
}

/* --- the ledger --- */

void fake_shop_change_silently(struct fake_shop *shop, struct fake_order *order, enum fake_fate fate)
{
    order->version++;
    order->content = cw_random_next(&shop->random);
    order->fate = fate;
}

static void stamp_order(struct fake_shop *shop, struct fake_order *order, enum fake_fate fate, cw_time late)
{
    cw_time now = cw_now(cw_loop_clock(shop->loop));
    fake_shop_change_silently(shop, order, fate);
    order->stamp = (now + shop->skew) / CW_SECOND * CW_SECOND;
    order->visible = now + late;
    fake_shop_note(shop, "order %d version %d", order->id, order->version);
}

struct fake_order *fake_shop_add(struct fake_shop *shop, enum fake_fate fate, cw_time late)
{
    if (shop->count == FAKE_ORDERS_MAX)
        return NULL;
    struct fake_order *order = &shop->orders[shop->count++];
    *order = (struct fake_order){ .id = 1000 + shop->count };
    stamp_order(shop, order, fate, late);
    order->placed = order->stamp;
    return order;
}

void fake_shop_change(struct fake_shop *shop, struct fake_order *order, enum fake_fate fate, cw_time late)
{
    stamp_order(shop, order, fate, late);
}

struct amounts {
    int lines;
    struct {
        int quantity, cents;
    } line[4];
    int total;
};

static struct amounts amounts_of(const struct fake_order *order)
{
    struct amounts amounts = { .lines = 1 + (int)(order->content % 3) };
    uint64_t bits = order->content >> 8;
    for (int i = 0; i < amounts.lines; i++, bits >>= 16) {
        amounts.line[i].quantity = 1 + (int)(bits % 5);
        amounts.line[i].cents = (int)((bits >> 4) % 4000);
        amounts.total += amounts.line[i].quantity * amounts.line[i].cents;
    }
    return amounts;
}

void fake_order_total(const struct fake_order *order, char out[32])
{
    struct amounts amounts = amounts_of(order);
    int total = amounts.total + (order->fate == FAKE_HOLDS ? 1 : 0);
    snprintf(out, 32, "%d.%02d", total / 100, total % 100);
}

void fake_order_json(const struct fake_order *order, char out[FAKE_JSON_MAX])
{
    static const char *const statuses[] = { "paid", "mystery", "shipped", "test" };
    char placed[40], stamp[40], total[32];
    struct amounts amounts = amounts_of(order);
    cw_time_iso(order->placed, placed);
    cw_time_iso(order->stamp, stamp);
    fake_order_total(order, total);
    int len = snprintf(out, FAKE_JSON_MAX,
                       "{\"id\":%d,\"number\":\"N-%d\",\"version\":%d,\"created\":\"%s\",\"changed\":\"%s\","
                       "\"status\":\"%s\",\"currency\":\"EUR\",\"total\":%s,\"lines\":[",
                       order->id, order->id, order->version, placed, stamp, statuses[order->fate], total);
    for (int i = 0; i < amounts.lines; i++) {
        int line = amounts.line[i].quantity * amounts.line[i].cents;
        len += snprintf(
            out + len, FAKE_JSON_MAX - (size_t)len,
            "%s{\"id\":%d,\"sku\":\"S-%d\",\"quantity\":%d,\"price\":\"%d.%02d\",\"total\":\"%d.%02d\"}",
            i > 0 ? "," : "", i + 1, i + 1, amounts.line[i].quantity, amounts.line[i].cents / 100,
            amounts.line[i].cents % 100, line / 100, line % 100);
    }
    snprintf(out + len, FAKE_JSON_MAX - (size_t)len, "]}");
}

/* --- requests --- */

struct fake_request {
    struct fake_request *next;
    struct fake_shop *shop;
    struct cw_timer *timer;
    enum fake_fault fault;
    cw_time from, to;
    int offset, limit;
    bool wants_ids, by_placed, has_ids;
    char ids[1024]; /* ",1001,1002," */
    cw_http_done_fn *done;
    void *arg;
};

static struct cw_slice parameter(const struct cw_target *target, const char *name)
{
    for (size_t i = 0; i < target->count; i++)
        if (cw_slice_is(target->params[i].name, name))
            return target->params[i].value;
    return (struct cw_slice){ "", 0 };
}

static cw_time time_parameter(const struct cw_target *target, const char *name)
{
    cw_time time = CW_TIME_NONE;
    struct cw_slice text = parameter(target, name);
    if (text.len > 0 && !cw_time_parse(text, NULL, &time, NULL))
        abort();
    return time;
}

static int number_parameter(const struct cw_target *target, const char *name)
{
    char text[16];
    snprintf(text, sizeof text, "%.*s", CW_SLICE_ARG(parameter(target, name)));
    return atoi(text);
}

static void read_request(struct fake_request *request, const char *url)
{
    struct cw_target target;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    const char *path = strstr(url, "shop.test/");
    if (path == NULL || !cw_target_read(cw_slice(path + strlen("shop.test")), &arena, &target, NULL))
        abort();
    request->from = time_parameter(&target, "from");
    request->to = time_parameter(&target, "to");
    request->offset = number_parameter(&target, "offset");
    request->limit = number_parameter(&target, "limit");
    request->wants_ids = cw_slice_is(target.path, "/ids");
    request->by_placed = cw_slice_is(parameter(&target, "by"), "placed");
    struct cw_slice ids = parameter(&target, "ids");
    request->has_ids = ids.len > 0;
    if (request->has_ids)
        request->limit = FAKE_ORDERS_MAX;
    snprintf(request->ids, sizeof request->ids, ",%.*s,", CW_SLICE_ARG(ids));
    cw_arena_fini(&arena);
}

static enum fake_fault draw_fault(struct fake_shop *shop)
{
    if (shop->next_count > 0) {
        shop->next_count--;
        return shop->next;
    }
    if (cw_random_below(&shop->random, 1000) >= shop->faults_per_1000)
        return FAKE_FINE;
    return (enum fake_fault)(1 + cw_random_below(&shop->random, FAKE_FAULTS - 1));
}

static cw_time delay_of(struct fake_shop *shop, enum fake_fault fault)
{
    cw_time usual = 20 * CW_MILLISECOND + (cw_time)cw_random_below(&shop->random, 200) * CW_MILLISECOND;
    if (fault == FAKE_LOST)
        return 300 * CW_SECOND;
    return fault == FAKE_SLOW ? usual + 25 * CW_SECOND : usual;
}

static void free_request(struct fake_request *request)
{
    struct fake_request **at = &request->shop->running;
    while (*at != request)
        at = &(*at)->next;
    *at = request->next;
    cw_timer_free(request->timer);
    free(request);
}

/* --- answers --- */

static bool is_asked_for(const struct fake_request *request, const struct fake_order *order, cw_time now)
{
    char id[24];
    cw_time time = request->by_placed ? order->placed : order->stamp;
    if (order->is_gone || order->visible > now)
        return false;
    snprintf(id, sizeof id, ",%d,", order->id);
    if (request->has_ids)
        return strstr(request->ids, id) != NULL;
    bool lies = request->wants_ids && request->shop->lists_badly;
    return lies || ((request->from == CW_TIME_NONE || time >= request->from) && time <= request->to);
}

static size_t list_page(struct fake_request *request, const struct fake_order *page[], int *total)
{
    struct fake_shop *shop = request->shop;
    cw_time now = cw_now(cw_loop_clock(shop->loop));
    size_t count = 0;
    *total = 0;
    for (int i = 0; i < shop->count; i++) {
        const struct fake_order *order = &shop->orders[i];
        bool inside = is_asked_for(request, order, now);
        if (inside && *total >= request->offset && *total < request->offset + request->limit)
            page[count++] = order;
        *total += inside ? 1 : 0;
    }
    return count;
}

/* A short page of a shop that tells no total keeps more than the record it begins with: an end in the middle
 * of the list could not be told from the real one. */
static size_t shorten(const struct fake_shop *shop, struct cw_random *random, size_t count)
{
    size_t least = shop->tells_total ? 1 : 2;
    return count > least ? least + cw_random_below(random, count - least) : count;
}

static size_t spoil_page(struct fake_request *request, const struct fake_order *page[], size_t count)
{
    struct cw_random *random = &request->shop->random;
    if (request->fault == FAKE_SHORT)
        return shorten(request->shop, random, count);
    if (request->fault == FAKE_DOUBLED && count > 0) {
        memmove(page + 1, page, count * sizeof *page);
        return count + 1;
    }
    for (size_t i = count; request->fault == FAKE_SHUFFLED && i > 1; i--) {
        size_t other = cw_random_below(random, i);
        const struct fake_order *kept = page[i - 1];
        page[i - 1] = page[other];
        page[other] = kept;
    }
    return count;
}

/* Another page of the list that is being read. */
static bool can_repeat(const struct fake_request *request)
{
    const struct fake_shop *shop = request->shop;
    return shop->last_page.len > 0 && shop->last_from == request->from && shop->last_to == request->to &&
           shop->last_offset != request->offset;
}

static void keep_page(struct fake_request *request, const struct cw_buffer *text)
{
    struct fake_shop *shop = request->shop;
    shop->last_from = request->from;
    shop->last_to = request->to;
    shop->last_offset = request->offset;
    cw_buffer_clear(&shop->last_page);
    cw_buffer_add(&shop->last_page, text->data, text->len, NULL);
}

static void print_page(struct cw_buffer *out, const struct fake_request *request,
                       const struct fake_order *page[], size_t count)
{
    char json[FAKE_JSON_MAX];
    cw_buffer_clear(out);
    cw_buffer_print(out, NULL, "{\"orders\":[");
    for (size_t i = 0; i < count; i++) {
        if (request->wants_ids)
            snprintf(json, sizeof json, "{\"id\":%d}", page[i]->id);
        else
            fake_order_json(page[i], json);
        cw_buffer_print(out, NULL, "%s%s", i > 0 ? "," : "", json);
    }
    cw_buffer_print(out, NULL, "]}");
}

static struct cw_http_response *respond(int status, struct cw_slice text, const char *name, const char *value)
{
    struct cw_header header = { name, value };
    struct cw_body *body = cw_body_create(1 << 24, NULL);
    if (body == NULL || !cw_body_write(body, text, NULL))
        abort();
    return cw_http_response_create(status, &header, name != NULL, body, NULL);
}

/* The first poison on the page. */
static enum fake_poison poison_of(const struct fake_request *request, const struct fake_order *page[],
                                  size_t count)
{
    for (size_t i = 0; i < count && (!request->wants_ids || request->shop->ids_break); i++)
        if (page[i]->poison != FAKE_SOUND)
            return page[i]->poison;
    return FAKE_SOUND;
}

/* The ids in another order, and the first one twice. */
static size_t confuse(const struct fake_request *request, const struct fake_order *page[], size_t count)
{
    if (!request->wants_ids || !request->shop->lists_badly || count == 0 || count == FAKE_ORDERS_MAX)
        return count;
    for (size_t i = 0; i < count / 2; i++) {
        const struct fake_order *kept = page[i];
        page[i] = page[count - 1 - i];
        page[count - 1 - i] = kept;
    }
    page[count] = page[0];
    return count + 1;
}

static struct cw_http_response *respond_with_page(struct fake_request *request)
{
    const struct fake_order *page[FAKE_ORDERS_MAX + 1];
    struct fake_shop *shop = request->shop;
    struct cw_buffer text = { 0 };
    char header[16];
    int total;
    size_t count = list_page(request, page, &total);
    enum fake_poison poison = poison_of(request, page, count);
    if (poison == FAKE_FAILS)
        return respond(500, cw_slice("boom"), NULL, NULL);
    if (poison == FAKE_UNREADABLE)
        return respond(200, cw_slice("Notice: undefined index in line 7 {\"orders\":["), NULL, NULL);
    print_page(&text, request, page, spoil_page(request, page, confuse(request, page, count)));
    snprintf(header, sizeof header, "%d", total);
    struct cw_slice bytes = cw_buffer_slice(&text);
    if (request->fault == FAKE_PREFIX)
        bytes.len = cw_random_below(&shop->random, bytes.len);
    if (request->fault == FAKE_REPEATED && can_repeat(request))
        bytes = cw_buffer_slice(&shop->last_page);
    struct cw_http_response *response = respond(200, bytes, shop->tells_total ? "X-Total" : NULL, header);
    if (request->fault == FAKE_FINE)
        keep_page(request, &text);
    cw_buffer_fini(&text);
    return response;
}

static struct cw_http_response *respond_later(struct fake_shop *shop, int status, enum fake_fault fault)
{
    char value[64] = "";
    cw_time now = cw_now(cw_loop_clock(shop->loop)), wait = (cw_time)cw_random_below(&shop->random, 90);
    if (fault == FAKE_429_ABSURD) {
        snprintf(value, sizeof value, "9999999999");
        wait = 3600;
    } else if (fault == FAKE_429_DATE) {
        cw_time_format(now + wait * CW_SECOND, NULL, "%a, %d %b %Y %H:%M:%S GMT", value, sizeof value, NULL);
        wait = wait > 1 ? wait - 1 : 0; /* a date has whole seconds */
    } else {
        snprintf(value, sizeof value, "%d", (int)wait);
    }
    if (status == 429)
        shop->quiet_until = now + wait * CW_SECOND;
    return respond(status, cw_slice("{}"), "Retry-After", value);
}

static struct cw_http_response *respond_badly(struct fake_request *request)
{
    struct fake_shop *shop = request->shop;
    switch (request->fault) {
    case FAKE_500:
        return respond(500, cw_slice("boom"), NULL, NULL);
    case FAKE_502:
        return respond(502, cw_slice("<html>bad gateway</html>"), NULL, NULL);
    case FAKE_503:
        return respond(503, cw_slice(""), NULL, NULL);
    case FAKE_429:
        return respond(429, cw_slice(""), NULL, NULL);
    case FAKE_503_LATER:
        return respond_later(shop, 503, request->fault);
    case FAKE_429_SECONDS:
    case FAKE_429_DATE:
    case FAKE_429_ABSURD:
        return respond_later(shop, 429, request->fault);
    case FAKE_HTML:
        return respond(200, cw_slice("<html><body>We are back soon</body></html>"), NULL, NULL);
    case FAKE_EMPTY:
        return respond(200, cw_slice(""), NULL, NULL);
    default:
        return respond_with_page(request);
    }
}

static void give(void *arg)
{
    struct fake_request *request = arg;
    struct fake_shop *shop = request->shop;
    cw_http_done_fn *done = request->done;
    void *done_arg = request->arg;
    struct cw_http_response *response = NULL;
    struct cw_error err;
    fake_shop_note(shop, "answer %d: %s", request->offset, fake_fault_name(request->fault));
    if (shop->answered != NULL)
        shop->answered(shop->arg);
    if (request->fault == FAKE_NO_CONNECTION)
        cw_fail(&err, CW_UNAVAILABLE, "shop.test refuses the connection");
    else if (request->fault == FAKE_LOST)
        cw_fail(&err, CW_TIMEOUT, "shop.test has not answered for 300 s");
    else if (request->fault == FAKE_CUT)
        cw_fail(&err, CW_IO, "shop.test closed the connection inside the body");
    else if (shop->fail_status != 0)
        response = respond(shop->fail_status, cw_slice("no"), NULL, NULL);
    else
        response = respond_badly(request);
    free_request(request);
    done(done_arg, response, response == NULL ? &err : NULL);
}

static void count_call(const struct fake_request *request, const char *url)
{
    struct fake_shop *shop = request->shop;
    struct cw_hash hash = cw_hash_of(cw_slice(url));
    uint64_t call;
    memcpy(&call, &hash, sizeof call);
    shop->calls += call != shop->last_call && (request->has_ids || request->to <= shop->counts_until);
    shop->last_call = call;
}

static void *start(struct cw_transport *transport, const struct cw_http_request *http,
                   const struct cw_egress *egress, cw_http_done_fn *done, void *arg, struct cw_error *err)
{
    struct fake_shop *shop = (struct fake_shop *)transport;
    struct fake_request *request = calloc(1, sizeof *request);
    (void)egress;
    if (request == NULL)
        abort();
    *request = (struct fake_request){ .next = shop->running, .shop = shop, .done = done, .arg = arg };
    shop->running = request;
    shop->requests++;
    if (cw_now(cw_loop_clock(shop->loop)) < shop->quiet_until)
        shop->impatient++;
    read_request(request, http->url);
    count_call(request, http->url);
    request->fault = draw_fault(shop);
    shop->faults[request->fault]++;
    fake_shop_note(shop, "%s %s", http->method, http->url);
    request->timer = cw_timer_create(shop->loop, give, request, err);
    if (request->timer == NULL)
        abort();
    cw_timer_set(request->timer, delay_of(shop, request->fault));
    return request;
}

static void cancel(struct cw_transport *transport, void *handle)
{
    (void)transport;
    free_request(handle);
}

void fake_shop_init(struct fake_shop *shop, struct cw_loop *loop, uint64_t seed)
{
    *shop = (struct fake_shop){ .transport = { .start = start, .cancel = cancel },
                                .loop = loop,
                                .tells_total = true,
                                .quiet_until = CW_TIME_NONE,
                                .counts_until = INT64_MAX };
    cw_random_seed(&shop->random, seed);
    cw_hasher_init(&shop->trace);
}

void fake_shop_fini(struct fake_shop *shop)
{
    if (shop->running != NULL)
        abort(); /* a request outlived its session */
    cw_buffer_fini(&shop->last_page);
}
