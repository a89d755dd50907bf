/* rules_bench.c - what rules cost an order: those of a site that declares none, and those of one that
 * declares many; in nanoseconds of CPU. Arguments: [ORDERS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mapping/edit.h"
#include "mapping/rules.h"
#include "mapping/totals.h"

enum { RUNS = 5, LINES = 3 };

static struct cw_error err;
static struct cw_arena documents;

static void check(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "rules_bench: %s\n", err.text);
    exit(1);
}

static void set(struct cw_document *doc, const char *name, const char *text)
{
    check(cw_document_set(doc, cw_slice(name), cw_slice(text), NULL, &documents, &err));
}

static struct cw_document *make_order(void)
{
    static const char *const pairs[][2] = {
        { "number", "XKBKNABJK" },
        { "status", "paid" },
        { "payment_status", "paid" },
        { "archived", "no" },
        { "currency", "EUR" },
        { "goods_total", "60.00" },
        { "shipping_total", "7.00" },
        { "total", "67.00" },
        { "email", "marie@example.com" },
        { "customer_id", "4711" },
        { "billing.street", "Main 1" },
        { "billing.country", "FR" },
        { "shipping.street", "Main 1" },
        { "shipping.country", "FR" },
        { "shipping_method", "ups" },
        { "payment_method", "wire" },
    };
    struct cw_document *order = cw_document_create(&documents, &cw_kind_order);
    struct cw_value *lines = &order->values[cw_kind_field(&cw_kind_order, cw_slice("lines"))];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        set(order, pairs[i][0], pairs[i][1]);
    lines->is_set = true;
    for (size_t i = 0; i < LINES; i++) {
        struct cw_document *line = cw_document_create(&documents, &cw_kind_line);
        set(line, "sku", "MUG");
        set(line, "item_id", "5");
        set(line, "total", "20.00");
        if (lines->list.last != NULL)
            lines->list.last->next = line;
        else
            lines->list.first = line;
        lines->list.last = line;
        lines->list.count++;
    }
    return order;
}

static void add(struct cw_rules *rules, struct cw_step step)
{
    step.name = "bench";
    step.where = cw_slice("site.lua:1");
    step.call = -1;
    check(cw_rules_add(rules, &step, &err));
}

static void add_moves(struct cw_rules *rules, const char *field, const char *const *words)
{
    struct cw_slice where = cw_slice("rules.lua");
    for (size_t i = 0; words[i] != NULL; i++)
        for (size_t j = 0; words[j] != NULL; j++)
            if (i != j)
                check(cw_rules_add_move(rules, field, cw_slice(words[i]), cw_slice(words[j]), where, &err));
}

static void add_defaults(struct cw_rules *rules)
{
    static const char *const statuses[] = { "pending", "paid", "processing", "shipped", "completed", NULL };
    static const char *const payments[] = { "unpaid", "partly_paid", "paid", "refunded", NULL };
    static const char *const fulfilments[] = { "open", "partial", "shipped", "delivered", NULL };
    const struct cw_slice yes = cw_slice("true");
    const struct cw_condition archived = { "archived", &yes, 1, false };
    add(rules, (struct cw_step){ .action = CW_SKIP, .when = &archived, .when_count = 1 });
    add(rules, (struct cw_step){
                   .action = CW_SET, .target = "type", .text = cw_slice("sales_order"), .fill = true });
    add(rules,
        (struct cw_step){ .action = CW_SET, .target = "state", .text = cw_slice("released"), .fill = true });
    add_moves(rules, "status", statuses);
    add_moves(rules, "payment_status", payments);
    add_moves(rules, "fulfilment_status", fulfilments);
}

static void add_many(struct cw_rules *rules, struct cw_plan *plan)
{
    static const char *const by_link[] = { "link", "email" }, *const by_sku[] = { "link", "sku" };
    struct cw_slice nothing = cw_slice(""), ups = cw_slice("ups"), fr = cw_slice("FR");
    check(cw_plan_add_row(plan, "shipping", ups, cw_slice("UPS Ground"), false, nothing, &err));
    check(cw_plan_add_row(plan, "tax", fr, cw_slice("FR20"), false, nothing, &err));
    add(rules, (struct cw_step){ .action = CW_MATCH_CUSTOMER, .keys = by_link, .key_count = 2 });
    add(rules, (struct cw_step){ .action = CW_MATCH_ITEMS, .keys = by_sku, .key_count = 2 });
    add(rules, (struct cw_step){ .action = CW_TRANSLATE,
                                 .source = "shipping_method",
                                 .target = "shipping_method",
                                 .table = "shipping" });
    add(rules, (struct cw_step){ .action = CW_TAX, .source = "shipping", .table = "tax" });
    add(rules, (struct cw_step){ .action = CW_FREIGHT_LINE, .text = cw_slice("POST") });
    add(rules, (struct cw_step){ .action = CW_HOLD_ABOVE, .source = "total", .text = cw_slice("1000") });
    add(rules, (struct cw_step){ .action = CW_HOLD_DUPLICATE });
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One order again and again, put back to what it was each time; `with` false measures the putting back. */
static double measure(const struct cw_rules *rules, const struct cw_case *of, size_t count, bool with)
{
    struct cw_document *order = make_order();
    size_t size = order->kind->field_count * sizeof *order->values;
    struct cw_value *was = malloc(size);
    struct cw_document *last = order->values[cw_kind_field(order->kind, cw_slice("lines"))].list.last;
    struct cw_arena arena;
    check(was != NULL);
    memcpy(was, order->values, size);
    cw_arena_init(&arena, 0);
    double start = now();
    for (size_t i = 0; i < count; i++) {
        struct cw_mapped mapped = { .doc = order };
        struct cw_question *questions;
        size_t question_count;
        memcpy(order->values, was, size);
        last->next = NULL;
        cw_arena_reset(&arena);
        if (with)
            check(cw_rules_ask(rules, order, of->cart, &arena, &questions, &question_count, &err) &&
                  cw_rules_run(rules, of, &arena, &mapped, &err) && mapped.issues == NULL);
    }
    double spent = now() - start;
    cw_arena_fini(&arena);
    free(was);
    return spent;
}

static void report(const char *name, const struct cw_rules *rules, const struct cw_case *of, size_t count)
{
    double best = 1e9;
    for (int i = 0; i < RUNS; i++) {
        double spent = measure(rules, of, count, true) - measure(rules, of, count, false);
        best = spent < best ? spent : best;
    }
    printf("%-28s %8.0f ns an order\n", name, best * 1e9 / (double)count);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    cw_arena_init(&documents, 0);
    struct cw_plan *plan = cw_plan_create(&cw_kind_order, "bench", &err);
    struct cw_rules *defaults = cw_rules_create(&cw_kind_order, &err),
                    *many = cw_rules_create(&cw_kind_order, &err);
    check(plan != NULL && defaults != NULL && many != NULL);
    add_defaults(defaults);
    add_defaults(many);
    add_many(many, plan);
    struct cw_document *before = make_order();
    set(before, "status", "pending");
    struct cw_case of = { .cart = cw_slice("shop"), .plan = plan };
    report("no rules but the defaults", defaults, &of, count);
    report("many rules", many, &of, count);
    of.before = before;
    report("the defaults, known order", defaults, &of, count);
    report("many rules, known order", many, &of, count);
    cw_rules_free(defaults);
    cw_rules_free(many);
    cw_plan_free(plan);
    cw_arena_fini(&documents);
    return 0;
}
