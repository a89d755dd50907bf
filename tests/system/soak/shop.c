/* shop.c - see shop.h. */
#include "shop.h"

#include <stdio.h>
#include <stdlib.h>

struct asked {
    cw_time from, to;
    int offset, limit;
    bool by_placed, wants_ids, has_ids;
    struct cw_slice ids;
};

/* --- what is asked --- */

static struct cw_slice parameter(const struct cw_target *target, const char *name)
{
    for (size_t i = 0; i < target->count; i++)
        if (cw_slice_is(target->params[i].name, name))
            return target->params[i].value;
    return (struct cw_slice){ "", 0 };
}

static bool read_time(struct cw_slice text, cw_time *out)
{
    *out = CW_TIME_NONE;
    return text.len == 0 || cw_time_parse(text, NULL, out, NULL);
}

static int read_number(struct cw_slice text)
{
    char number[16];
    snprintf(number, sizeof number, "%.*s", CW_SLICE_ARG(cw_slice_clip(text, 15)));
    return atoi(number);
}

static bool read_asked(const struct cw_target *target, struct cw_slice path, struct asked *asked)
{
    *asked = (struct asked){ .offset = read_number(parameter(target, "offset")),
                             .limit = read_number(parameter(target, "limit")),
                             .by_placed = cw_slice_is(parameter(target, "by"), "placed"),
                             .wants_ids = cw_slice_is(path, "ids"),
                             .ids = parameter(target, "ids") };
    asked->has_ids = asked->ids.len > 0;
    if (asked->has_ids)
        asked->limit = INT32_MAX;
    return (asked->wants_ids || cw_slice_is(path, "orders")) && asked->offset >= 0 && asked->limit > 0 &&
           read_time(parameter(target, "from"), &asked->from) &&
           read_time(parameter(target, "to"), &asked->to) && (asked->has_ids || asked->to != CW_TIME_NONE);
}

static bool is_named(struct cw_slice ids, int id)
{
    char text[16];
    size_t len = (size_t)snprintf(text, sizeof text, "%d", id);
    for (const char *at = ids.data, *end = at + ids.len;
         (at = memmem(at, (size_t)(end - at), text, len)) != NULL; at += len)
        if ((at == ids.data || at[-1] == ',') && (at + len == end || at[len] == ','))
            return true;
    return false;
}

static bool is_asked_for(const struct asked *asked, const struct order *order, cw_time now)
{
    cw_time time = asked->by_placed ? order->placed : order->stamp;
    if (order->visible > now)
        return false;
    if (asked->has_ids)
        return is_named(asked->ids, order->id);
    return (asked->from == CW_TIME_NONE || time >= asked->from) && time <= asked->to;
}

/* --- pages --- */

struct page {
    const struct order **orders;
    size_t count;
    int total;
};

/* Room for one more than there are. */
static struct page list_page(const struct shop *shop, const struct asked *asked, cw_time now)
{
    struct page page = { .orders = calloc((size_t)shop->books.count + 1, sizeof(struct order *)) };
    if (page.orders == NULL)
        abort();
    for (int i = 0; i < shop->books.count; i++) {
        const struct order *order = &shop->books.orders[i];
        if (!is_asked_for(asked, order, now))
            continue;
        if (page.total >= asked->offset && page.total - asked->offset < asked->limit)
            page.orders[page.count++] = order;
        page.total++;
    }
    return page;
}

/* A short page of a shop that tells no total keeps more than the record it begins with: an end in the middle
 * of the list could not be told from the real one. */
static void shorten(struct shop *shop, struct page *page)
{
    size_t least = shop->tells_total ? 1 : 2;
    if (page->count > least)
        page->count = least + weather_below(&shop->weather, page->count - least);
}

static void shuffle(struct shop *shop, struct page *page)
{
    for (size_t i = page->count; i > 1; i--) {
        size_t other = weather_below(&shop->weather, i);
        const struct order *kept = page->orders[i - 1];
        page->orders[i - 1] = page->orders[other];
        page->orders[other] = kept;
    }
}

static void spoil(struct shop *shop, struct page *page, enum fault fault)
{
    if (fault == FAULT_SHORT)
        shorten(shop, page);
    if (fault == FAULT_SHUFFLED)
        shuffle(shop, page);
    if (fault == FAULT_DOUBLED && page->count > 0) {
        memmove(page->orders + 1, page->orders, page->count * sizeof *page->orders);
        page->count++;
    }
}

static void print_page(struct cw_buffer *out, const struct page *page, bool wants_ids)
{
    cw_buffer_print(out, NULL, "{\"orders\":[");
    for (size_t i = 0; i < page->count; i++) {
        cw_buffer_print(out, NULL, "%s", i > 0 ? "," : "");
        if (wants_ids)
            cw_buffer_print(out, NULL, "{\"id\":%d}", page->orders[i]->id);
        else
            order_print(page->orders[i], out);
    }
    cw_buffer_print(out, NULL, "]}");
}

/* Another page of the list that is being read. */
static bool can_repeat(const struct shop *shop, const struct asked *asked)
{
    return shop->last_page.len > 0 && shop->last_from == asked->from && shop->last_to == asked->to &&
           shop->last_offset != asked->offset && !asked->wants_ids && !asked->has_ids;
}

static void keep_page(struct shop *shop, const struct asked *asked, const struct cw_buffer *text)
{
    if (asked->wants_ids || asked->has_ids)
        return;
    shop->last_from = asked->from;
    shop->last_to = asked->to;
    shop->last_offset = asked->offset;
    cw_buffer_clear(&shop->last_page);
    cw_buffer_add(&shop->last_page, text->data, text->len, NULL);
}

/* --- answers --- */

void shop_print(struct wire_answer *answer, int status, struct cw_slice body, const char *headers)
{
    cw_buffer_print(answer->bytes, NULL, "HTTP/1.1 %d Answer\r\nContent-Length: %zu\r\n%s\r\n", status,
                    body.len, headers);
    cw_buffer_add(answer->bytes, body.data, body.len, NULL);
}

static void answer_page(struct shop *shop, const struct asked *asked, enum fault fault, cw_time now,
                        struct wire_answer *answer)
{
    struct cw_buffer text = { 0 };
    char headers[96];
    struct page page = list_page(shop, asked, now);
    snprintf(headers, sizeof headers, "Content-Type: application/json\r\nX-Total: %d\r\n", page.total);
    if (!shop->tells_total)
        *(strchr(headers, '\n') + 1) = '\0';
    spoil(shop, &page, fault);
    print_page(&text, &page, asked->wants_ids);
    free(page.orders);
    struct cw_slice body = cw_buffer_slice(&text);
    if (fault == FAULT_PREFIX)
        body.len = weather_below(&shop->weather, body.len);
    if (fault == FAULT_REPEATED && can_repeat(shop, asked))
        body = cw_buffer_slice(&shop->last_page);
    shop_print(answer, 200, body, headers);
    if (fault == FAULT_NONE)
        keep_page(shop, asked, &text);
    size_t inside = answer->bytes->len - body.len / 2;
    if (fault == FAULT_CUT || fault == FAULT_STALLED)
        answer->cut = inside;
    if (fault == FAULT_SLOW) {
        answer->pause_at = inside;
        answer->pause = 20 * CW_SECOND;
    }
    cw_buffer_fini(&text);
}

static void answer_later(struct shop *shop, int status, enum fault fault, cw_time now,
                         struct wire_answer *answer)
{
    char header[96], date[64];
    unsigned wait = weather_below(&shop->weather, 90);
    snprintf(header, sizeof header, "Retry-After: %s\r\n", "9999999999");
    if (fault == FAULT_429_DATE) {
        cw_time_format(now + (cw_time)wait * CW_SECOND, NULL, "%a, %d %b %Y %H:%M:%S GMT", date, sizeof date,
                       NULL);
        snprintf(header, sizeof header, "Retry-After: %s\r\n", date);
    } else if (fault != FAULT_429_ABSURD) {
        snprintf(header, sizeof header, "Retry-After: %u\r\n", wait);
    }
    shop_print(answer, status, cw_slice("{}"), header);
}

static void answer_echo(const char *authorization, struct wire_answer *answer)
{
    char text[256];
    snprintf(text, sizeof text, "{\"error\":\"no server for %s\"}", authorization);
    shop_print(answer, 500, cw_slice(text), "Content-Type: application/json\r\n");
}

static void answer_with(struct shop *shop, const struct asked *asked, const char *authorization,
                        enum fault fault, cw_time now, struct wire_answer *answer)
{
    switch (fault) {
    case FAULT_RESET:
    case FAULT_LOST:
        answer->cut = 0;
        break;
    case FAULT_500:
        shop_print(answer, 500, cw_slice("boom"), "");
        break;
    case FAULT_ECHO:
        answer_echo(authorization, answer);
        break;
    case FAULT_502:
        shop_print(answer, 502, cw_slice("<html>bad gateway</html>"), "");
        break;
    case FAULT_503:
        shop_print(answer, 503, cw_slice(""), "");
        break;
    case FAULT_429:
        shop_print(answer, 429, cw_slice(""), "");
        break;
    case FAULT_503_LATER:
        answer_later(shop, 503, fault, now, answer);
        break;
    case FAULT_429_SECONDS:
    case FAULT_429_DATE:
    case FAULT_429_ABSURD:
        answer_later(shop, 429, fault, now, answer);
        break;
    case FAULT_HTML:
        shop_print(answer, 200, cw_slice("<html><body>We are back soon</body></html>"), "");
        break;
    case FAULT_EMPTY:
        shop_print(answer, 200, cw_slice(""), "");
        break;
    default:
        answer_page(shop, asked, fault, now, answer);
        break;
    }
    if (fault == FAULT_RESET || fault == FAULT_CUT)
        answer->end = WIRE_RESET;
    if (fault == FAULT_LOST || fault == FAULT_STALLED)
        answer->end = WIRE_SILENT;
}

static bool is_permitted(const struct shop *shop, const char *authorization)
{
    return authorization != NULL && strncmp(authorization, "Bearer ", 7) == 0 &&
           strcmp(authorization + 7, shop->key) == 0;
}

void shop_answer(struct shop *shop, const struct cw_target *target, struct cw_slice path,
                 const char *authorization, cw_time now, struct wire_answer *answer,
                 struct shop_counts *counts)
{
    struct asked asked;
    counts->requests++;
    if (!is_permitted(shop, authorization)) {
        counts->refused++;
        shop_print(answer, 401, cw_slice("{}"), "");
        return;
    }
    if (!read_asked(target, path, &asked)) {
        counts->bad++;
        shop_print(answer, 400, cw_slice("{}"), "");
        return;
    }
    books_advance(&shop->books, now);
    enum fault fault = weather_draw(&shop->weather, now);
    counts->faults[fault]++;
    answer->delay = (20 + (cw_time)weather_below(&shop->weather, 200)) * CW_MILLISECOND;
    answer_with(shop, &asked, authorization, fault, now, answer);
}

/* --- life --- */

void shop_init(struct shop *shop, uint64_t seed, unsigned number, cw_time begin, cw_time until)
{
    struct cw_random random;
    cw_random_seed(&random, seed * 1000 + number);
    *shop = (struct shop){ .tells_total = cw_random_below(&random, 100) < 75 };
    snprintf(shop->key, sizeof shop->key, "canary-%llu-of-shop-%u", (unsigned long long)seed, number);
    books_init(&shop->books, cw_random_next(&random), begin, until);
    weather_init(&shop->weather, cw_random_next(&random), begin, until);
}

void shop_fini(struct shop *shop)
{
    books_fini(&shop->books);
    cw_buffer_fini(&shop->last_page);
}
