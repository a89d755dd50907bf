/* stock_explain.c - `cartwright stock explain`: the arithmetic of one quantity, line by line. */
#include <stdio.h>
#include <string.h>

#include "adapters/reader.h"
#include "cli/rows.h"
#include "cli/stock.h"

/* A component as the store has it. */
struct part {
    char *kit, *component;
    cw_quantity pieces;
};

struct explaining {
    struct cw_cli *cli;
    const struct cw_site_cart *cart;
    const char *sku;
    cw_time now;
    struct cw_figures *figures;
    struct cw_stock_view *view;
    GPtrArray *cells; /* four texts a row: line, about, quantity, note */
    GPtrArray *parts;
};

static void add_row(struct explaining *e, const char *line, char *about, char *quantity, char *note)
{
    g_ptr_array_add(e->cells, g_strdup(line));
    g_ptr_array_add(e->cells, about);
    g_ptr_array_add(e->cells, quantity);
    g_ptr_array_add(e->cells, note);
}

static char *text(struct cw_slice value)
{
    return g_strndup(value.data != NULL ? value.data : "", value.len);
}

static char *quantity_text(cw_quantity quantity)
{
    char scratch[CW_DECIMAL_TEXT_MAX];
    return text(cw_quantity_text(quantity, scratch));
}

static char *plain(const struct cw_decimal *value)
{
    char scratch[CW_DECIMAL_TEXT_MAX];
    struct cw_decimal trimmed = cw_decimal_trim(*value, 0);
    cw_decimal_format(&trimmed, scratch);
    return g_strdup(scratch);
}

static bool is_chosen(const struct explaining *e, struct cw_slice warehouse)
{
    char **chosen = e->cart->out.stock.rule.warehouses;
    if (chosen == NULL || warehouse.len == 0)
        return true;
    for (; *chosen != NULL; chosen++)
        if (cw_slice_is(warehouse, *chosen))
            return true;
    return false;
}

/* --- levels, vendors, components: as the facts come --- */

static void add_part(struct explaining *e, const struct cw_stock_fact *fact)
{
    struct part *part = g_new0(struct part, 1);
    part->kit = text(fact->sku);
    part->component = text(fact->other);
    if (!cw_quantity_from(&fact->quantity, &part->pieces, NULL))
        part->pieces = 0;
    g_ptr_array_add(e->parts, part);
}

static void free_part(gpointer data)
{
    struct part *part = data;
    g_free(part->kit);
    g_free(part->component);
    g_free(part);
}

static bool take_fact(void *arg, const struct cw_stock_fact *fact)
{
    static const char *const vendor_notes[] = { "left out by the rule", "added",
                                                "told as a value of its own" };
    struct explaining *e = arg;
    if (fact->fact == CW_FACT_COMPONENT)
        add_part(e, fact);
    if (!cw_slice_is(fact->sku, e->sku))
        return true;
    if (fact->fact == CW_FACT_LEVEL)
        add_row(e, "level", text(fact->other), plain(&fact->quantity),
                g_strdup(is_chosen(e, fact->other) ? "" : "not among the rule's warehouses"));
    else if (fact->fact == CW_FACT_VENDOR)
        add_row(e, "vendor", text(fact->other), plain(&fact->quantity),
                g_strdup(vendor_notes[e->cart->out.stock.rule.vendor]));
    else if (fact->fact == CW_FACT_ITEM && !fact->is_active)
        add_row(e, "item", text(fact->sku), NULL, g_strdup("not active: 0 is told"));
    return true;
}

/* --- orders --- */

static const char *order_note(const struct explaining *e, struct cw_slice state, struct cw_slice warehouse)
{
    enum cw_stock_figure figure = e->cart->out.stock.rule.figure;
    if (!is_chosen(e, warehouse))
        return ", from a warehouse that is not the rule's: takes nothing";
    if (cw_slice_is(state, "pending"))
        return "";
    if (figure == CW_FIGURE_ON_HAND)
        return ": the figure on_hand leaves it out";
    if (figure == CW_FIGURE_AVAILABLE_FOR_SHIPPING && cw_slice_is(state, "allocated"))
        return ": the figure available_for_shipping leaves it out";
    return "";
}

static bool take_order(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct explaining *e = arg;
    (void)columns, (void)names;
    char *from = row[3].len > 0 ? g_strdup_printf(" from %.*s", CW_SLICE_ARG(row[3])) : g_strdup("");
    add_row(e, "order", g_strdup_printf("%.*s/%.*s", CW_SLICE_ARG(row[0]), CW_SLICE_ARG(row[1])),
            g_strdup_printf("-%.*s", CW_SLICE_ARG(row[4])),
            g_strdup_printf("%.*s%s%s", CW_SLICE_ARG(row[2]), from, order_note(e, row[2], row[3])));
    g_free(from);
    return true;
}

/* --- purchase orders --- */

static const char *incoming_note(const struct explaining *e, struct cw_slice warehouse, struct cw_slice when)
{
    const struct cw_stock_rule *rule = &e->cart->out.stock.rule;
    cw_time at;
    if (!rule->adds_incoming)
        return "left out by the rule";
    if (!is_chosen(e, warehouse))
        return "to a warehouse that is not the rule's";
    if (when.len == 0 || !cw_time_parse(when, NULL, &at, NULL))
        return "nobody knows when: left out";
    return at - e->now <= rule->incoming_within ? "added" : "later than the rule adds";
}

static bool take_incoming(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct explaining *e = arg;
    struct cw_decimal ordered, received, left;
    (void)columns, (void)names;
    if (!cw_decimal_parse(row[2], &ordered, NULL) || !cw_decimal_parse(row[3], &received, NULL) ||
        !cw_decimal_subtract(&ordered, &received, &left, NULL) || left.negative || cw_decimal_is_zero(&left))
        return true;
    char *when = row[5].len > 0 ? g_strdup_printf(", expected %.*s", CW_SLICE_ARG(row[5])) : g_strdup("");
    add_row(e, "purchase order", g_strdup_printf("%.*s %.*s", CW_SLICE_ARG(row[0]), CW_SLICE_ARG(row[1])),
            plain(&left),
            g_strdup_printf("%.*s%s: %s", CW_SLICE_ARG(row[4]), when, incoming_note(e, row[4], row[5])));
    g_free(when);
    return true;
}

/* --- kits --- */

static const struct cw_stock_sum *sum_of(const struct explaining *e, const char *sku,
                                         struct cw_stock_sum *sum)
{
    *sum = cw_stock_view_sum(e->view, cw_stock_find(cw_figures_stock(e->figures), cw_slice(sku)));
    return sum;
}

static cw_quantity kits_of(const struct explaining *e, const struct part *part)
{
    struct cw_stock_sum sum;
    cw_quantity supply = sum_of(e, part->component, &sum)->free + sum.buildable;
    return part->pieces > 0 && supply > 0 ? supply / part->pieces * CW_QUANTITY_ONE : 0;
}

static void add_component(struct explaining *e, const struct part *part, cw_quantity least, unsigned depth)
{
    struct cw_stock_sum sum;
    cw_quantity kits = kits_of(e, part);
    sum_of(e, part->component, &sum);
    char *pieces = quantity_text(part->pieces), *enough = quantity_text(kits),
         *built = quantity_text(sum.buildable);
    add_row(e, "component", g_strdup_printf("%*s%s", (int)(2 * depth), "", part->component),
            quantity_text(sum.free),
            g_strdup_printf("%s in a kit%s%s, enough for %s%s%s", pieces,
                            sum.is_kit ? ", can be built: " : "", sum.is_kit ? built : "", enough,
                            kits == least ? ": the least of all" : "",
                            sum.has_source ? "" : ", but nothing is known of it"));
    g_free(pieces);
    g_free(enough);
    g_free(built);
}

static void add_components(struct explaining *e, const char *kit, unsigned depth)
{
    cw_quantity least = INT64_MAX;
    for (guint i = 0; i < e->parts->len; i++) {
        const struct part *part = g_ptr_array_index(e->parts, i);
        if (strcmp(part->kit, kit) == 0)
            least = MIN(least, kits_of(e, part));
    }
    for (guint i = 0; i < e->parts->len && depth < CW_KIT_DEPTH_MAX; i++) {
        const struct part *part = g_ptr_array_index(e->parts, i);
        if (strcmp(part->kit, kit) != 0)
            continue;
        add_component(e, part, least, depth);
        add_components(e, part->component, depth + 1);
    }
}

/* What must be built of a kit takes its components. */
static void add_kits(struct explaining *e)
{
    struct cw_stock_sum sum;
    for (guint i = 0; i < e->parts->len; i++) {
        const struct part *part = g_ptr_array_index(e->parts, i);
        if (strcmp(part->component, e->sku) != 0)
            continue;
        sum_of(e, part->kit, &sum);
        cw_quantity need = sum.taken[0] + sum.taken[1] + sum.taken[2] + sum.for_kits;
        cw_quantity own =
            sum.on_hand + sum.on_order + (e->cart->out.stock.rule.vendor == CW_VENDOR_ADDED ? sum.vendor : 0);
        char *short_text = quantity_text(MAX(0, need - own)), *pieces = quantity_text(part->pieces);
        add_row(e, "part of", g_strdup(part->kit), NULL,
                g_strdup_printf("%s in a kit, of which %s must be built", pieces, short_text));
        g_free(short_text);
        g_free(pieces);
    }
}

/* --- the sum --- */

static void add_term(struct explaining *e, const char *name, cw_quantity quantity, const char *note)
{
    add_row(e, name, NULL, quantity_text(quantity), g_strdup(note));
}

static void add_limit(struct explaining *e, const char *name, cw_quantity limit)
{
    if (limit != 0)
        add_term(e, name, limit, "by the rule");
}

static void add_sum(struct explaining *e)
{
    const struct cw_stock_rule *rule = &e->cart->out.stock.rule;
    struct cw_stock_sum sum;
    sum_of(e, e->sku, &sum);
    add_term(e, "on hand", sum.on_hand, "");
    add_term(e, "on order", sum.on_order, rule->adds_incoming ? "as far as it comes in time" : "");
    add_term(e, "vendor", sum.vendor, rule->vendor == CW_VENDOR_ADDED ? "" : "not in the sum");
    add_term(e, "pending", -sum.taken[CW_DEMAND_PENDING], "");
    add_term(e, "allocated", -sum.taken[CW_DEMAND_ALLOCATED], "");
    add_term(e, "in shipping", -sum.taken[CW_DEMAND_SHIPPING], "");
    add_term(e, "for kits", -sum.for_kits, "");
    add_term(e, "free", sum.free, "");
    if (sum.is_kit)
        add_term(e, "buildable", sum.buildable, rule->adds_kits ? "" : "left out by the rule");
    add_term(e, "supply", sum.supply, "");
    add_term(e, "buffer", -sum.buffer, "");
    add_limit(e, "minimum", rule->minimum);
    add_limit(e, "maximum", rule->maximum);
    add_limit(e, "step", rule->step);
    if (!sum.has_source ||
        cw_figures_is_broken(e->figures, cw_stock_find(cw_figures_stock(e->figures), cw_slice(e->sku))))
        add_row(e, "published", NULL, NULL,
                g_strdup("nothing: no level is known by this rule, which is not the same as 0"));
    else
        add_term(e, "published", sum.published, sum.is_active ? "" : "the item is not active");
    if (e->cart->out.stock.has_function)
        add_row(e, "function", NULL, NULL,
                g_strdup("`quantity` of site.lua has the last word when the message is sent"));
}

/* --- what the cart knows --- */

/* The quantity in a message, to be freed. */
static char *payload_quantity(struct cw_slice payload)
{
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, NULL);
    cw_arena_init(&arena, 0);
    const struct cw_node *node = parser != NULL ? cw_parse(parser, payload, "UTF-8", &arena, NULL) : NULL;
    const struct cw_node *quantity = cw_node_child(node, cw_slice("quantity"));
    char *found = quantity != NULL ? text(quantity->text) : NULL;
    cw_arena_fini(&arena);
    cw_parser_free(parser);
    return found;
}

static bool take_told(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct explaining *e = arg;
    (void)columns, (void)names;
    const char *by = e->cart->out.stock.has_function ? ", unless `quantity` of site.lua said otherwise" : "";
    add_row(e, "told", NULL, payload_quantity(row[0]),
            g_strdup_printf("at %.*s%s", CW_SLICE_ARG(row[1]), by));
    return true;
}

static bool take_message(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct explaining *e = arg;
    (void)columns, (void)names;
    add_row(e, "message", text(row[0]), payload_quantity(row[2]),
            g_strdup_printf("%.*s since %.*s%s%.*s", CW_SLICE_ARG(row[1]), CW_SLICE_ARG(row[3]),
                            row[4].len > 0 ? ": " : "", CW_SLICE_ARG(row[4])));
    return true;
}

/* --- whose it is --- */

struct owners {
    struct explaining *e;
    unsigned count, active, otherwise; /* with the SKU; of those; with the SKU in another case */
};

/* Id, variant, SKU, whether it is active. */
static bool take_owner(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct owners *owners = arg;
    bool is_same = cw_slice_is(row[2], owners->e->sku), is_active = !cw_slice_is(row[3], "0");
    (void)columns, (void)names;
    owners->count += is_same;
    owners->active += is_same && is_active;
    owners->otherwise += !is_same;
    add_row(
        owners->e, "item of the cart",
        g_strdup_printf("%.*s%s%.*s", CW_SLICE_ARG(row[0]), row[1].len > 0 ? "/" : "", CW_SLICE_ARG(row[1])),
        NULL,
        is_same ? g_strdup(is_active ? "" : "not active there")
                : g_strdup_printf("the cart writes it %.*s", CW_SLICE_ARG(row[2])));
    return true;
}

static void add_verdict(struct explaining *e, const struct owners *owners, bool has_items)
{
    const char *why = NULL;
    if (owners->count > 1 && owners->active != 1)
        why = "several items of the cart have this SKU";
    else if (owners->count == 0 && owners->otherwise > 0)
        why = "the cart writes the SKU otherwise; put levels of the SKU as the cart writes it";
    else if (owners->count == 0 && has_items && !e->cart->out.stock.unlisted)
        why = "no item of the cart has this SKU";
    if (why != NULL)
        add_row(e, "not told", NULL, NULL, g_strdup(why));
}

/* The cart is told of a SKU that one of its items has; a variant stands for its item. */
static bool add_owners(struct explaining *e, struct cw_error *err)
{
    struct cw_slice params[] = { cw_slice(e->cart->name), cw_slice(e->sku) };
    struct owners owners = { .e = e };
    char any[8];
    if (!cw_cli_query(e->cli,
                      "SELECT i.external_id, '', i.sku, coalesce(i.active, 1) FROM items i WHERE i.cart = $1 "
                      "AND lower(i.sku) = lower($2) AND NOT EXISTS (SELECT 1 FROM item_variants v WHERE "
                      "v.item_id = i.id AND v.sku = i.sku) UNION ALL SELECT i.external_id, v.external_id, "
                      "v.sku, CASE WHEN i.active = 0 OR v.active = 0 THEN 0 ELSE 1 END FROM items i JOIN "
                      "item_variants v ON v.item_id = i.id WHERE i.cart = $1 AND lower(v.sku) = lower($2)",
                      params, 2, take_owner, &owners, err) ||
        !cw_cli_ask(e->cli, "SELECT 1 FROM items WHERE cart = $1 LIMIT 1", params, 1, any, sizeof any, err))
        return false;
    add_verdict(e, &owners, any[0] != '\0');
    return true;
}

/* --- all of it --- */

static bool add_documents(struct explaining *e, struct cw_error *err)
{
    struct cw_slice sku = cw_slice(e->sku);
    return cw_cli_query(e->cli,
                        "SELECT cart, order_id, state, warehouse, quantity FROM demands WHERE sku = $1 ORDER "
                        "BY cart, order_id, position",
                        &sku, 1, take_order, e, err) &&
           cw_cli_query(e->cli,
                        "SELECT coalesce(p.number, p.external_id), coalesce(p.vendor, ''), l.quantity, "
                        "coalesce(l.received, '0'), coalesce(l.warehouse, ''), coalesce(l.expected_at, '') "
                        "FROM purchase_orders p JOIN purchase_order_lines l ON l.purchase_order_id = p.id "
                        "WHERE p.cart = '' AND l.sku = $1 AND coalesce(p.closed, 0) = 0 ORDER BY p.id, "
                        "l.position",
                        &sku, 1, take_incoming, e, err);
}

static bool add_messages(struct explaining *e, struct cw_error *err)
{
    struct cw_slice params[] = { cw_slice(e->cart->name), cw_slice(e->sku) };
    return cw_cli_query(e->cli,
                        "SELECT sent_payload, sent_at FROM message_levels WHERE cart = $1 AND stream = "
                        "'stock_out' AND external_id = $2 AND sent_payload IS NOT NULL",
                        params, 2, take_told, e, err) &&
           cw_cli_query(e->cli,
                        "SELECT id, state, payload, changed_at, error FROM messages WHERE cart = $1 AND "
                        "stream = 'stock_out' AND external_id = $2 AND state IN ('queued', 'sending', "
                        "'unknown', 'failed') ORDER BY id",
                        params, 2, take_message, e, err);
}

static bool count(struct explaining *e, struct cw_error *err)
{
    struct cw_slice sku = cw_slice(e->sku);
    cw_figures_watch(e->figures, take_fact, e);
    if (!cw_cli_read_figures(e->cli, e->figures, &sku, 1, err))
        return false;
    e->view = cw_stock_view_create(cw_figures_stock(e->figures), &e->cart->out.stock.rule, e->now);
    return (e->view != NULL && cw_stock_view_count(e->view)) ||
           cw_fail(err, CW_NOMEM, "no memory to count stock");
}

static bool explain(struct explaining *e, struct cw_error *err)
{
    if (!count(e, err) || !add_documents(e, err))
        return false;
    add_components(e, e->sku, 0);
    add_kits(e);
    add_sum(e);
    return add_owners(e, err) && add_messages(e, err);
}

int cw_cli_stock_explain(struct cw_cli *cli, const char *cart, const char *sku)
{
    static const char *const names[] = { "line", "about", "quantity", "note" };
    struct cw_error err;
    struct explaining e = { .cli = cli,
                            .cart = cw_cli_stock_cart(cli, cart, true, &err),
                            .sku = sku,
                            .now = cw_now(cw_loop_clock(cli->loop)),
                            .figures = cw_figures_create(),
                            .cells = g_ptr_array_new_with_free_func(g_free),
                            .parts = g_ptr_array_new_with_free_func(free_part) };
    int code = 0;
    if (e.cart == NULL || !explain(&e, &err))
        code = cw_cli_fail(cli, &err);
    else
        cw_cli_print_cells(cli, names, 4, e.cells, "");
    cw_stock_view_free(e.view);
    cw_figures_free(e.figures);
    g_ptr_array_unref(e.cells);
    g_ptr_array_unref(e.parts);
    return code;
}
