/* rules_ask.c - what rules must know of the store before they run. Questions are made of the document as it
 * is before the first step, so that a run makes the same ones and finds their answers. */
#include "mapping/edit_name.h"
#include "mapping/rules_private.h"

struct asking {
    const struct cw_document *doc;
    struct cw_slice cart;
    struct cw_arena *arena;
    const struct cw_rule *rule;
    const struct cw_document *line;
    struct cw_asked **end;
    size_t count;
    bool exhausted;
};

static void ask_one(struct asking *a, struct cw_slice cart, const struct cw_kind *kind, const char *key,
                    const char *field, struct cw_slice value, struct cw_slice variant)
{
    struct cw_asked *asked = cw_arena_alloc(a->arena, sizeof *asked);
    if (asked == NULL) {
        a->exhausted = true;
        return;
    }
    *asked = (struct cw_asked){ .question = { .kind = kind,
                                              .cart = cart,
                                              .field = field,
                                              .value = value,
                                              .whole = kind == &cw_kind_customer },
                                .rule = a->rule,
                                .line = a->line,
                                .key = key,
                                .variant = variant };
    *a->end = asked;
    a->end = &asked->next;
    a->count++;
}

/* In each cart that the step searches. */
static void ask(struct asking *a, const struct cw_kind *kind, const char *key, const char *field,
                struct cw_slice value, struct cw_slice variant)
{
    const struct cw_step *step = &a->rule->step;
    if (value.len == 0)
        return;
    if (step->among_count == 0)
        ask_one(a, a->cart, kind, key, field, value, variant);
    for (size_t i = 0; i < step->among_count; i++)
        ask_one(a, cw_slice(step->among[i]), kind, key, field, value, variant);
}

/* --- customers --- */

static struct cw_slice first_of(struct cw_slice a, struct cw_slice b)
{
    return a.len > 0 ? a : b;
}

/* Of the billing address, else of the delivery address. */
static struct cw_slice address_text(const struct cw_document *order, int field)
{
    const struct cw_document *billing = cw_record_at(order, cw_places()->order.billing),
                             *shipping = cw_record_at(order, cw_places()->order.shipping);
    struct cw_slice nothing = { "", 0 };
    return first_of(billing != NULL ? cw_text_at(billing, field) : nothing,
                    shipping != NULL ? cw_text_at(shipping, field) : nothing);
}

struct cw_slice cw_order_email(const struct cw_document *order)
{
    return cw_slice_trim(first_of(cw_text_at(order, cw_places()->order.email),
                                  address_text(order, cw_places()->address.email)));
}

bool cw_guest_id(struct cw_arena *arena, struct cw_slice email, struct cw_slice *out)
{
    static const char prefix[] = "email:";
    size_t size = sizeof prefix - 1;
    char *text = cw_arena_bytes(arena, size + email.len);
    if (text == NULL)
        return false;
    memcpy(text, prefix, size);
    cw_fold_case(email, text + size);
    *out = (struct cw_slice){ text, size + email.len };
    return true;
}

/* The customer's id in the cart; empty when the order names neither a customer nor an e-mail. */
static struct cw_slice customer_link(struct asking *a)
{
    struct cw_slice id = cw_text_at(a->doc, cw_places()->order.customer_id), email = cw_order_email(a->doc);
    if (id.len == 0 && email.len > 0 && !cw_guest_id(a->arena, email, &id))
        a->exhausted = true;
    return id;
}

static void ask_customer_by(struct asking *a, const char *key)
{
    const struct cw_places *at = cw_places();
    struct cw_slice value = { "", 0 }, none = { "", 0 };
    const char *field = key;
    if (strcmp(key, "link") == 0) {
        field = "external_id";
        value = customer_link(a);
    } else if (strcmp(key, "email") == 0) {
        value = cw_order_email(a->doc);
    } else if (strcmp(key, "number") == 0) {
        value = cw_text_at(a->doc, at->order.customer_id);
    } else if (strcmp(key, "phone") == 0) {
        value = first_of(address_text(a->doc, at->address.phone), address_text(a->doc, at->address.mobile));
    } else if (strcmp(key, "vat_number") == 0) {
        value = address_text(a->doc, at->address.vat_number);
    } else {
        value = address_text(a->doc, at->address.company);
    }
    ask(a, &cw_kind_customer, key, field, value, none);
}

/* "CART:ID": whether it is there. Only as the answer to nothing else is it taken. */
static void ask_fallback(struct asking *a, const struct cw_kind *kind)
{
    struct cw_slice link = a->rule->step.fallback, none = { "", 0 };
    const char *colon = link.len > 0 ? memchr(link.data, ':', link.len) : NULL;
    if (colon == NULL)
        return;
    struct cw_slice cart = { link.data, (size_t)(colon - link.data) };
    struct cw_slice id = { colon + 1, link.len - cart.len - 1 };
    ask_one(a, cart, kind, CW_KEY_FALLBACK, "external_id", id, none);
}

static void ask_customer(struct asking *a)
{
    struct cw_slice none = { "", 0 };
    ask_fallback(a, &cw_kind_customer);
    for (size_t i = 0; i < a->rule->step.key_count; i++)
        ask_customer_by(a, a->rule->step.keys[i]);
    if (a->rule->step.unknown != CW_UNKNOWN_CREATE)
        return;
    struct cw_slice link = customer_link(a); /* who is there under the id is not made over */
    if (link.len > 0)
        ask_one(a, a->cart, &cw_kind_customer, "link", "external_id", link, none);
}

/* --- items --- */

static void ask_item_link(struct asking *a)
{
    struct cw_slice item = cw_text_at(a->line, cw_places()->line.item_id),
                    variant = cw_text_at(a->line, cw_places()->line.variant_id), none = { "", 0 };
    if (item.len == 0)
        return;
    if (variant.len > 0) {
        char *both = cw_arena_bytes(a->arena, item.len + 1 + variant.len);
        if (both == NULL) {
            a->exhausted = true;
            return;
        }
        memcpy(both, item.data, item.len);
        both[item.len] = '/';
        memcpy(both + item.len + 1, variant.data, variant.len);
        ask(a, &cw_kind_item, "link", "external_id", (struct cw_slice){ both, item.len + 1 + variant.len },
            none);
    }
    ask(a, &cw_kind_item, "link", "external_id", item, variant);
}

static void ask_item_by(struct asking *a, const char *key)
{
    const struct cw_places *at = cw_places();
    struct cw_slice none = { "", 0 };
    if (strcmp(key, "link") == 0)
        ask_item_link(a);
    else /* what a line calls its SKU may be the supplier's */
        ask(a, &cw_kind_item, key, key,
            cw_text_at(a->line, strcmp(key, "barcode") == 0 ? at->line.barcode : at->line.sku), none);
}

static void ask_items(struct asking *a)
{
    const struct cw_places *at = cw_places();
    for (const struct cw_document *line = cw_first_at(a->doc, at->order.lines); line != NULL;
         line = line->next) {
        struct cw_slice type = cw_text_at(line, at->line.type);
        if (type.len > 0 && !cw_slice_is(type, "goods"))
            continue;
        a->line = line;
        for (size_t i = 0; i < a->rule->step.key_count; i++)
            ask_item_by(a, a->rule->step.keys[i]);
    }
    a->line = NULL;
    ask_fallback(a, &cw_kind_item);
}

static void ask_number(struct asking *a)
{
    struct cw_slice number = cw_text_at(a->doc, cw_places()->order.number), none = { "", 0 };
    if (number.len > 0)
        ask_one(a, a->cart, &cw_kind_order, "number", "number", number, none);
}

bool cw_rules_list_questions(const struct cw_rules *rules, const struct cw_document *doc,
                             struct cw_slice cart, struct cw_arena *arena, struct cw_asked **out,
                             size_t *count)
{
    struct asking a = { .doc = doc, .cart = cart, .arena = arena, .end = out };
    *out = NULL;
    for (const struct cw_rule *rule = rules->first; rule != NULL && rules->asks; rule = rule->next) {
        a.rule = rule;
        if (rule->step.action == CW_MATCH_CUSTOMER)
            ask_customer(&a);
        else if (rule->step.action == CW_MATCH_ITEMS)
            ask_items(&a);
        else if (rule->step.action == CW_HOLD_DUPLICATE)
            ask_number(&a);
    }
    *count = a.count;
    return !a.exhausted;
}

bool cw_rules_ask(const struct cw_rules *rules, const struct cw_document *doc, struct cw_slice cart,
                  struct cw_arena *arena, struct cw_question **questions, size_t *count, struct cw_error *err)
{
    struct cw_asked *asked;
    size_t i = 0;
    *questions = NULL;
    *count = 0;
    if (rules == NULL || !rules->asks)
        return true;
    bool ok = cw_rules_list_questions(rules, doc, cart, arena, &asked, count);
    if (ok && *count > 0)
        *questions = cw_arena_alloc(arena, *count * sizeof **questions);
    if (!ok || (*count > 0 && *questions == NULL)) {
        *count = 0;
        return cw_edit_exhausted(arena, err);
    }
    for (; asked != NULL; asked = asked->next)
        (*questions)[i++] = asked->question;
    return true;
}

static bool is_fallback(const struct cw_asked *asked)
{
    return strcmp(asked->key, CW_KEY_FALLBACK) == 0;
}

struct cw_fitting cw_rule_first_answer(const struct cw_ruling *ruling, const struct cw_rule *rule,
                                       const struct cw_document *line)
{
    for (const struct cw_asked *asked = ruling->asked; asked != NULL; asked = asked->next)
        if (asked->rule == rule && asked->line == line && !is_fallback(asked) && asked->answers != NULL &&
            asked->answers->count > 0)
            return (struct cw_fitting){ asked, &asked->answers->found[0], asked->answers->count > 1 };
    return (struct cw_fitting){ NULL, NULL, false };
}

const struct cw_answer *cw_rule_fallback(const struct cw_ruling *ruling, const struct cw_rule *rule)
{
    for (const struct cw_asked *asked = ruling->asked; asked != NULL; asked = asked->next)
        if (asked->rule == rule && is_fallback(asked) && asked->answers != NULL && asked->answers->count > 0)
            return &asked->answers->found[0];
    return NULL;
}
