/* books.c - see books.h. */
#include "books.h"

#include <stdio.h>
#include <stdlib.h>

/* What the cart script is made for (soak.py): overlaps of five minutes, less skew on both sides. */
static const cw_time skew_most = CW_MINUTE, late_most = 150 * CW_SECOND;
/* Listed so late that only a comparison of the whole list finds it. */
static const cw_time very_late_most = 15 * CW_MINUTE;

enum { DONE = 2 };

const char *fate_name(enum fate fate)
{
    static const char *const names[] = { "posts", "parks", "holds", "skips" };
    return names[fate];
}

static unsigned draw(struct books *books, unsigned bound)
{
    return (unsigned)cw_random_below(&books->random, bound);
}

static cw_time draw_time(struct books *books, cw_time most)
{
    return (cw_time)cw_random_below(&books->random, (uint64_t)most);
}

/* --- what happens to an order --- */

static enum fate draw_fate(struct books *books)
{
    unsigned n = draw(books, 100);
    return n < 88 ? FATE_POSTS : n < 92 ? FATE_PARKS : n < 96 ? FATE_HOLDS : FATE_SKIPS;
}

static void renew(struct books *books, struct order *order, enum fate fate)
{
    order->version++;
    order->content = cw_random_next(&books->random);
    order->fate = fate;
    if (order->stage < DONE && draw(books, 100) < 40)
        order->stage++;
    books->versions++;
}

static void stamp(struct books *books, struct order *order, cw_time at, cw_time late)
{
    order->stamp = (at + books->skew) / CW_SECOND * CW_SECOND;
    order->visible = at + late;
}

static cw_time draw_late(struct books *books)
{
    if (draw(books, 100) >= 20)
        return 0;
    books->late++;
    return draw_time(books, late_most);
}

static struct order *add(struct books *books, cw_time at, cw_time late)
{
    if (books->count == books->cap) {
        books->cap = books->cap > 0 ? 2 * books->cap : 64;
        books->orders = realloc(books->orders, (size_t)books->cap * sizeof *books->orders);
        if (books->orders == NULL)
            abort();
    }
    struct order *order = &books->orders[books->count++];
    *order = (struct order){ .id = 1000 + books->count };
    renew(books, order, draw_fate(books));
    stamp(books, order, at, late);
    order->placed = order->stamp;
    return order;
}

static void come(struct books *books, cw_time at)
{
    if (draw(books, 100) < 4) {
        books->very_late++;
        add(books, at, draw_time(books, very_late_most));
    } else {
        add(books, at, draw_late(books));
    }
}

/* Only what "refresh" reads again changes without a stamp: orders that are not final, and did not wait. */
static void change_silently(struct books *books, struct order *order)
{
    if (order->fate != FATE_POSTS || order->stage == DONE)
        return;
    renew(books, order, FATE_POSTS);
    books->silent++;
}

static void happen(struct books *books, cw_time at)
{
    struct order *order = &books->orders[draw(books, (unsigned)books->count)];
    unsigned n = draw(books, 100);
    if (n < 45) {
        come(books, at);
    } else if (n < 85) {
        renew(books, order, draw_fate(books));
        stamp(books, order, at, draw_late(books));
    } else {
        change_silently(books, order);
    }
}

/* At the end most of what waits is mended, and everything is listed. */
static void mend(struct books *books)
{
    for (int i = 0; i < books->count; i++) {
        struct order *order = &books->orders[i];
        if (order->visible > books->until)
            order->visible = books->until;
        if (order->fate == FATE_POSTS || draw(books, 100) < 15)
            continue;
        renew(books, order, FATE_POSTS);
        stamp(books, order, books->until, 0);
    }
}

void books_advance(struct books *books, cw_time now)
{
    while (books->next_event != CW_TIME_NONE && books->next_event <= now) {
        cw_time at = books->next_event;
        if (at >= books->until) {
            mend(books);
            books->next_event = CW_TIME_NONE;
            return;
        }
        unsigned many = draw(books, 100) < 5 ? 8 : 1; /* many in one second, too */
        while (many-- > 0)
            happen(books, at);
        books->next_event = at + CW_SECOND + draw_time(books, 4 * CW_MINUTE);
        if (books->next_event > books->until)
            books->next_event = books->until;
    }
}

void books_init(struct books *books, uint64_t seed, cw_time begin, cw_time until)
{
    *books = (struct books){ .next_event = begin, .until = until };
    cw_random_seed(&books->random, seed);
    books->skew = draw(books, 100) < 50 ? draw_time(books, 2 * skew_most) - skew_most : 0;
    for (unsigned left = 3 + draw(books, 20); left > 0; left--)
        add(books, begin - CW_MINUTE * 5 - draw_time(books, CW_DAY), 0);
}

void books_fini(struct books *books)
{
    free(books->orders);
}

/* --- how it looks --- */

struct amounts {
    int lines;
    struct {
        int quantity, cents;
    } line[4];
    int total;
};

static struct amounts amounts_of(const struct order *order)
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

void order_total(const struct order *order, char out[32])
{
    struct amounts amounts = amounts_of(order);
    int total = amounts.total + (order->fate == FATE_HOLDS ? 1 : 0);
    snprintf(out, 32, "%d.%02d", total / 100, total % 100);
}

static const char *status_of(const struct order *order)
{
    static const char *const stages[] = { "paid", "shipped", "done" };
    if (order->fate == FATE_PARKS)
        return "mystery";
    return order->fate == FATE_SKIPS ? "test" : stages[order->stage];
}

static void print_line(struct cw_buffer *out, int number, int quantity, int cents)
{
    int total = quantity * cents;
    cw_buffer_print(
        out, NULL,
        "%s{\"id\":%d,\"sku\":\"S-%d\",\"quantity\":%d,\"price\":\"%d.%02d\",\"total\":\"%d.%02d\"}",
        number > 1 ? "," : "", number, number, quantity, cents / 100, cents % 100, total / 100, total % 100);
}

void order_print(const struct order *order, struct cw_buffer *out)
{
    char placed[CW_TIME_TEXT_MAX], changed[CW_TIME_TEXT_MAX], total[32];
    struct amounts amounts = amounts_of(order);
    cw_time_iso(order->placed, placed);
    cw_time_iso(order->stamp, changed);
    order_total(order, total);
    cw_buffer_print(out, NULL,
                    "{\"id\":%d,\"number\":\"N-%d\",\"version\":%d,\"created\":\"%s\",\"changed\":\"%s\","
                    "\"status\":\"%s\",\"currency\":\"EUR\",\"total\":%s,\"lines\":[",
                    order->id, order->id, order->version, placed, changed, status_of(order), total);
    for (int i = 0; i < amounts.lines; i++)
        print_line(out, i + 1, amounts.line[i].quantity, amounts.line[i].cents);
    cw_buffer_print(out, NULL, "]}");
}
