/* orders.c - see orders.h. A template is one order of a fixture, cut at the values that differ. */
#include "orders.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECES_MAX = 16, FIRST_ID = 100001 };

enum value { NOTHING, ID, GOODS, TOTAL, LINE_ID, QUANTITY, PRICE, LINE_TOTAL };

/* Constant text, and the value that follows it. */
struct piece {
    struct cw_slice text;
    enum value value;
};

struct template
{
    struct piece pieces[PIECES_MAX];
    size_t count;
};

struct shape {
    const char *fixture, *order, *order_end, *line, *line_end;
    const char *head, *tail, *between; /* of a page; between orders and between lines */
    const char *amount_end;            /* amounts have two digits; what the shop writes after them */
    int lines, fixed_cents;            /* fixed_cents: what the total has beyond the lines */
};

struct bench_orders {
    const struct shape *shape;
    struct template before, line, after;
};

const char *const bench_shop_names[BENCH_SHOPS] = { "prestashop", "woocommerce", "stone_edge" };

static const struct shape shapes[BENCH_SHOPS] = {
    [BENCH_PRESTASHOP] = { "tests/fixtures/prestashop/hand-ps8-orders-full-page1.xml", "<order>",
                           "</order>\n", "\t<order_row>", "</order_row>\n",
                           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<prestashop "
                           "xmlns:xlink=\"http://www.w3.org/1999/xlink\">\n<orders>\n",
                           "</orders>\n</prestashop>\n", "", "0000", 4, 599 - 634 },
    [BENCH_WOOCOMMERCE] = { "tests/fixtures/woocommerce/docs/orders-list.json", "{\"id\":727,", NULL,
                            "{\"id\":316,", "\"price\":12}", "[", "]", ",", "", 4, 1000 + 135 },
    [BENCH_STONE_EDGE] = { "tests/bench/pipeline/stone-edge-order.xml", "<Order>", "</Order>\n", "<Product>",
                           "</Product>",
                           "<?xml version=\"1.0\" encoding=\"UTF-8\"?><SETIOrders><Response><ResponseCode>1"
                           "</ResponseCode></Response>\n",
                           "</SETIOrders>\n", "", "", 3, 700 + 294 },
};

/* What stands before each value that differs, in the order of the fixture. */
struct cut {
    const char *before;
    enum value value;
};

static const struct cut before_cuts[BENCH_SHOPS][6] = {
    [BENCH_PRESTASHOP] = { { "<id><![CDATA[", ID },
                           { "<total_paid><![CDATA[", TOTAL },
                           { "<total_paid_tax_incl><![CDATA[", TOTAL },
                           { "<total_paid_real><![CDATA[", TOTAL },
                           { "<total_products_wt><![CDATA[", GOODS } },
    [BENCH_WOOCOMMERCE] = { { "\"id\":", ID }, { "\"number\":\"", ID }, { "\"total\":\"", TOTAL } },
    [BENCH_STONE_EDGE] = { { "<OrderNumber>W-", ID } },
};

static const struct cut line_cuts[BENCH_SHOPS][6] = {
    [BENCH_PRESTASHOP] = { { "<id><![CDATA[", LINE_ID },
                           { "<product_quantity><![CDATA[", QUANTITY },
                           { "<unit_price_tax_incl><![CDATA[", PRICE } },
    [BENCH_WOOCOMMERCE] = { { "\"id\":", LINE_ID },
                            { "\"quantity\":", QUANTITY },
                            { "\"subtotal\":\"", LINE_TOTAL },
                            { "\"total\":\"", LINE_TOTAL },
                            { "\"price\":", PRICE } },
    [BENCH_STONE_EDGE] = { { "<Quantity>", QUANTITY },
                           { "<ItemPrice>", PRICE },
                           { "<LineID>", LINE_ID },
                           { "<Total>", LINE_TOTAL } },
};

static const struct cut after_cuts[BENCH_SHOPS][6] = {
    [BENCH_STONE_EDGE] = { { "<Amount>", TOTAL },
                           { "<ProductTotal>", GOODS },
                           { "<SubTotal>", GOODS },
                           { "<GrandTotal>", TOTAL } },
};

static void fail(const char *what)
{
    fprintf(stderr, "pipeline: %s\n", what);
    exit(1);
}

/* --- templates --- */

static char *read_fixture(const char *source, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", source, name);
    FILE *in = fopen(path, "rb");
    size_t cap = 1 << 20;
    char *text = malloc(cap);
    if (in == NULL || text == NULL)
        fail(path);
    text[fread(text, 1, cap - 1, in)] = '\0';
    fclose(in);
    return text;
}

/* Shops send JSON without white space. */
static void squeeze(char *json)
{
    char *out = json;
    bool quoted = false;
    for (const char *in = json; *in != '\0'; in++) {
        quoted ^= *in == '"' && (in == json || in[-1] != '\\');
        if (quoted || !isspace((unsigned char)*in))
            *out++ = *in;
    }
    *out = '\0';
}

static char *find(char *text, const char *what)
{
    char *at = strstr(text, what);
    if (at == NULL)
        fail(what);
    return at;
}

static void compile(struct template *template, char *text, const char *end, const struct cut *cuts)
{
    for (; cuts->before != NULL; cuts++) {
        char *value = find(text, cuts->before) + strlen(cuts->before);
        if (value >= end)
            fail(cuts->before);
        template->pieces[template->count++] = (struct piece){ { text, (size_t)(value - text) }, cuts->value };
        text = value + strcspn(value, "]\",<}");
    }
    template->pieces[template->count++] = (struct piece){ { text, (size_t)(end - text) }, NOTHING };
}

/* Behind the object that begins at `text`; its texts hold no braces. */
static char *end_of_object(char *text)
{
    int depth = 0;
    do
        depth += (*text == '{') - (*text == '}');
    while (*text++ != '\0' && depth > 0);
    return text;
}

struct bench_orders *bench_orders_load(const char *source, enum bench_shop shop)
{
    const struct shape *shape = &shapes[shop];
    struct bench_orders *orders = calloc(1, sizeof *orders);
    char *text = read_fixture(source, shape->fixture);
    if (orders == NULL)
        fail("no memory");
    if (shop == BENCH_WOOCOMMERCE)
        squeeze(text);
    char *order = find(text, shape->order);
    char *end = shape->order_end != NULL ? find(order, shape->order_end) + strlen(shape->order_end)
                                         : end_of_object(order);
    char *line = find(order, shape->line);
    char *line_end = find(line, shape->line_end) + strlen(shape->line_end);
    char *first_line = shop == BENCH_WOOCOMMERCE ? strstr(order, "\"line_items\":[") + 14 : line;
    char *last_line = line_end;
    for (char *more = line_end; (more = strstr(more, shape->line)) != NULL && more < end;)
        last_line = more = find(more, shape->line_end) + strlen(shape->line_end);
    orders->shape = shape;
    compile(&orders->before, order, first_line, before_cuts[shop]);
    compile(&orders->line, line, line_end, line_cuts[shop]);
    compile(&orders->after, last_line, end, after_cuts[shop]);
    return orders;
}

/* --- pages --- */

static void add(struct cw_buffer *page, const char *text, size_t len)
{
    if (!cw_buffer_add(page, text, len, NULL))
        fail("no memory for a page");
}

static long quantity(long id, int line)
{
    return 1 + (id + line) % 4;
}

static long price(long id, int line)
{
    return 100 + (id * 37 + line * 991) % 9900;
}

static long goods(const struct bench_orders *orders, long id)
{
    long sum = 0;
    for (int i = 0; i < orders->shape->lines; i++)
        sum += quantity(id, i) * price(id, i);
    return sum;
}

static void add_value(const struct bench_orders *orders, enum value value, long id, int line,
                      struct cw_buffer *page)
{
    char text[64] = "";
    const long amounts[] = { [GOODS] = goods(orders, id),
                             [TOTAL] = goods(orders, id) + orders->shape->fixed_cents,
                             [PRICE] = price(id, line),
                             [LINE_TOTAL] = quantity(id, line) * price(id, line) };
    if (value == ID)
        snprintf(text, sizeof text, "%ld", id);
    else if (value == LINE_ID)
        snprintf(text, sizeof text, "%ld", id * 10 + line);
    else if (value == QUANTITY)
        snprintf(text, sizeof text, "%ld", quantity(id, line));
    else if (value != NOTHING)
        snprintf(text, sizeof text, "%ld.%02ld%s", amounts[value] / 100, amounts[value] % 100,
                 orders->shape->amount_end);
    add(page, text, strlen(text));
}

static void add_template(const struct bench_orders *orders, const struct template *template, long id,
                         int line, struct cw_buffer *page)
{
    for (size_t i = 0; i < template->count; i++) {
        add(page, template->pieces[i].text.data, template->pieces[i].text.len);
        add_value(orders, template->pieces[i].value, id, line, page);
    }
}

void bench_orders_page(const struct bench_orders *orders, long first, long count, struct cw_buffer *page)
{
    const struct shape *shape = orders->shape;
    add(page, shape->head, strlen(shape->head));
    for (long i = first; i < first + count; i++) {
        if (i > first)
            add(page, shape->between, strlen(shape->between));
        add_template(orders, &orders->before, FIRST_ID + i, 0, page);
        for (int line = 0; line < shape->lines; line++) {
            if (line > 0)
                add(page, shape->between, strlen(shape->between));
            add_template(orders, &orders->line, FIRST_ID + i, line, page);
        }
        add_template(orders, &orders->after, FIRST_ID + i, 0, page);
    }
    add(page, shape->tail, strlen(shape->tail));
}
