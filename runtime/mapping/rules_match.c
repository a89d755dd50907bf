/* rules_match.c - the customer of an order, and the address of that customer it goes to. */
#include "mapping/edit_name.h"
#include "mapping/rules_private.h"
#include "mapping/running.h"

#include <stdio.h>

static struct cw_slice empty(void)
{
    return (struct cw_slice){ "", 0 };
}

static bool link_customer(struct cw_ruling *ruling, const struct cw_rule *rule, struct cw_slice link)
{
    struct cw_document *order = ruling->mapped->doc;
    cw_put_text(order, cw_places()->order.customer, link);
    return cw_rule_explain(ruling, rule, NULL, 0, order, cw_places()->order.customer);
}

/* --- somebody fits --- */

static bool inherit(struct cw_ruling *ruling, const struct cw_rule *rule, int from, int to)
{
    struct cw_document *order = ruling->mapped->doc;
    if (order->values[to].is_set || !ruling->customer->values[from].is_set)
        return true;
    order->values[to] = ruling->customer->values[from];
    return cw_rule_explain(ruling, rule, NULL, 0, order, to);
}

static bool inherit_all(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_places *at = cw_places();
    return inherit(ruling, rule, at->customer.sales_rep, at->order.sales_rep) &&
           inherit(ruling, rule, at->customer.taxable, at->order.taxable) &&
           inherit(ruling, rule, at->customer.payment_term, at->order.payment_term);
}

static bool take_customer(struct cw_ruling *ruling, const struct cw_rule *rule,
                          const struct cw_fitting *fitting)
{
    struct cw_slice link;
    if (!cw_ruling_link(ruling, fitting->asked->question.cart, fitting->found->external_id, &link) ||
        !link_customer(ruling, rule, link))
        return false;
    ruling->customer = fitting->found->doc;
    return ruling->customer == NULL || inherit_all(ruling, rule);
}

static bool report_ambiguous(struct cw_ruling *ruling, const struct cw_fitting *fitting)
{
    char value[CW_QUOTE_MAX], one[CW_QUOTE_MAX], other[CW_QUOTE_MAX];
    const struct cw_question *question = &fitting->asked->question;
    const struct cw_answers *answers = fitting->asked->answers;
    return cw_rule_issue(ruling, CW_HELD, "ambiguous-customer", "customer", question->value,
                         "several customers of %.*s have %s \"%s\": %s and %s; merge them",
                         CW_SLICE_ARG(question->cart), fitting->asked->key, cw_quote(question->value, value),
                         cw_quote(answers->found[0].external_id, one),
                         cw_quote(answers->found[1].external_id, other));
}

/* --- nobody fits --- */

static void list_keys(const struct cw_rule *rule, char *out, size_t cap)
{
    out[0] = '\0';
    for (size_t i = 0, len = 0; i < rule->step.key_count && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i > 0 ? ", " : "", rule->step.keys[i]);
}

static bool report_unknown(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    char keys[128], quoted[CW_QUOTE_MAX];
    struct cw_slice email = cw_order_email(ruling->mapped->doc),
                    id = cw_text_at(ruling->mapped->doc, cw_places()->order.customer_id);
    struct cw_slice who = email.len > 0 ? email : id;
    list_keys(rule, keys, sizeof keys);
    if (who.len == 0)
        return cw_rule_issue(ruling, CW_HELD, "unknown-customer", "customer", empty(),
                             "the order names neither a customer nor an e-mail, and nobody fits by %s", keys);
    return cw_rule_issue(ruling, CW_HELD, "unknown-customer", "customer", who,
                         "no customer fits \"%s\" (asked for: %s); take the customer in",
                         cw_quote(who, quoted), keys);
}

static void copy_text(const struct cw_document *from, int source, struct cw_document *to, int target)
{
    if (from != NULL && !to->values[target].is_set && from->values[source].is_set)
        to->values[target] = from->values[source];
}

static void describe_customer(struct cw_document *customer, const struct cw_document *order,
                              const struct cw_document *address)
{
    const struct cw_places *at = cw_places();
    struct cw_slice email = cw_order_email(order);
    if (email.len > 0)
        cw_put_text(customer, at->customer.email, email);
    copy_text(address, at->address.first_name, customer, at->customer.first_name);
    copy_text(address, at->address.last_name, customer, at->customer.last_name);
    if (!customer->values[at->customer.first_name].is_set)
        copy_text(address, at->address.name, customer, at->customer.last_name);
    copy_text(address, at->address.company, customer, at->customer.company);
    copy_text(address, at->address.vat_number, customer, at->customer.vat_number);
    copy_text(address, at->address.phone, customer, at->customer.phone);
    copy_text(address, at->address.mobile, customer, at->customer.phone);
    copy_text(order, at->order.language, customer, at->customer.language);
    customer->values[at->customer.guest] =
        (struct cw_value){ .is_set = true, .boolean = !order->values[at->order.customer_id].is_set };
}

static bool has_address(const struct cw_document *customer, struct cw_slice id)
{
    const struct cw_document *address = cw_first_at(customer, cw_places()->customer.addresses);
    while (address != NULL && !cw_slice_equal(address->external_id, id))
        address = address->next;
    return address != NULL;
}

/* Under its own id, or under what it is in the order. Shops often send one address twice. */
static bool add_address(struct cw_ruling *ruling, struct cw_document *customer,
                        const struct cw_document *address, const char *name)
{
    const struct cw_places *at = cw_places();
    struct cw_slice id = address != NULL ? cw_text_at(address, at->address.external_id) : empty();
    if (id.len == 0)
        id = cw_slice(name);
    if (address == NULL || has_address(customer, id))
        return true;
    struct cw_document *copy = cw_document_copy(ruling->arena, address);
    if (copy == NULL)
        return false;
    cw_put_text(copy, at->address.external_id, id);
    copy->external_id = id;
    cw_append_member(customer, at->customer.addresses, copy);
    return true;
}

static void add_document(struct cw_mapped *mapped, struct cw_document *doc)
{
    struct cw_document **end = &mapped->also;
    while (*end != NULL)
        end = &(*end)->next;
    *end = doc;
}

/* What the site's rules say of customers holds for those made here as well. */
static bool decide_about(struct cw_ruling *ruling, struct cw_document *customer)
{
    struct cw_error exhausted;
    struct cw_mapped made = { .doc = customer };
    struct cw_case of = { .cart = ruling->of->cart, .plan = ruling->of->plan, .host = ruling->of->host };
    struct cw_found_issue **end = &ruling->mapped->issues;
    if (!cw_rules_run(ruling->of->customers, &of, ruling->arena, &made, &exhausted))
        return false;
    while (*end != NULL)
        end = &(*end)->next;
    *end = made.issues;
    return true;
}

static bool make_customer(struct cw_ruling *ruling, struct cw_slice id)
{
    const struct cw_places *at = cw_places();
    const struct cw_document *order = ruling->mapped->doc;
    const struct cw_document *billing = cw_record_at(order, at->order.billing),
                             *shipping = cw_record_at(order, at->order.shipping);
    struct cw_document *customer = cw_document_create(ruling->arena, &cw_kind_customer);
    if (customer == NULL)
        return false;
    customer->external_id = id;
    describe_customer(customer, order, billing != NULL ? billing : shipping);
    if (!add_address(ruling, customer, billing, "billing") ||
        !add_address(ruling, customer, shipping, "shipping"))
        return false;
    add_document(ruling->mapped, customer);
    ruling->customer = customer;
    return decide_about(ruling, customer);
}

/* The proxy, who must be there. */
static bool use_proxy(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_answer *proxy = cw_rule_fallback(ruling, rule);
    if (proxy == NULL)
        return cw_rule_issue(
            ruling, CW_HELD, "unknown-customer", "customer", rule->step.fallback,
            "nobody fits, and the proxy \"%.*s\" that should stand in is not in the store; take it "
            "in, or name another in the site's rules",
            CW_SLICE_ARG(rule->step.fallback));
    ruling->customer = proxy->doc;
    ruling->by = "proxy";
    return link_customer(ruling, rule, rule->step.fallback) &&
           (proxy->doc == NULL || inherit_all(ruling, rule));
}

static bool create_customer(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_document *order = ruling->mapped->doc;
    struct cw_slice id = cw_text_at(order, cw_places()->order.customer_id), email = cw_order_email(order),
                    link;
    if (id.len == 0 && email.len == 0)
        return rule->step.fallback.len > 0 ? use_proxy(ruling, rule) : report_unknown(ruling, rule);
    if (id.len == 0 && !cw_guest_id(ruling->arena, email, &id))
        return false;
    ruling->by = "making one";
    return make_customer(ruling, id) && cw_ruling_link(ruling, ruling->of->cart, id, &link) &&
           link_customer(ruling, rule, link) && inherit_all(ruling, rule);
}

bool cw_rule_match_customer(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    struct cw_fitting fitting = cw_rule_first_answer(ruling, rule, NULL);
    if (ruling->mapped->doc->values[cw_places()->order.customer].is_set)
        return true;
    if (fitting.is_ambiguous)
        return report_ambiguous(ruling, &fitting);
    if (fitting.found != NULL) {
        ruling->by = fitting.asked->key;
        return take_customer(ruling, rule, &fitting);
    }
    switch (rule->step.unknown) {
    case CW_UNKNOWN_HOLD:
        return report_unknown(ruling, rule);
    case CW_UNKNOWN_FALLBACK:
        return use_proxy(ruling, rule);
    case CW_UNKNOWN_CREATE:
        return create_customer(ruling, rule);
    case CW_UNKNOWN_KEEP:
        break;
    }
    return true;
}

/* --- addresses --- */

/* Street, post code, city and country without case and blanks, each ended by a line feed. */
static bool address_key(struct cw_ruling *ruling, const struct cw_document *address, struct cw_slice *out)
{
    const struct cw_places *at = cw_places();
    const int fields[] = { at->address.street, at->address.postcode, at->address.city, at->address.country };
    const size_t count = sizeof fields / sizeof *fields;
    size_t size = count, len = 0;
    for (size_t i = 0; i < count; i++)
        size += cw_text_at(address, fields[i]).len;
    char *key = cw_arena_bytes(ruling->arena, size);
    if (key == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct cw_slice text = cw_text_at(address, fields[i]);
        size_t start = len;
        cw_fold_case(text, key + start);
        for (size_t j = start; j < start + text.len; j++)
            if ((unsigned char)key[j] > ' ')
                key[len++] = key[j];
        key[len++] = '\n';
    }
    *out = (struct cw_slice){ key, len };
    return true;
}

static bool find_by_id(const struct cw_document *customer, const struct cw_document *shipping,
                       const struct cw_document **out)
{
    struct cw_slice id = cw_text_at(shipping, cw_places()->address.external_id);
    const struct cw_document *address = cw_first_at(customer, cw_places()->customer.addresses);
    while (id.len > 0 && address != NULL && !cw_slice_equal(address->external_id, id))
        address = address->next;
    *out = id.len > 0 ? address : NULL;
    return true;
}

static bool find_by_text(struct cw_ruling *ruling, const struct cw_document *shipping,
                         const struct cw_document **out)
{
    struct cw_slice wanted, key;
    const struct cw_document *address = cw_first_at(ruling->customer, cw_places()->customer.addresses);
    if (cw_text_at(shipping, cw_places()->address.street).len == 0)
        return true;
    if (!address_key(ruling, shipping, &wanted))
        return false;
    for (; address != NULL; address = address->next) {
        if (!address_key(ruling, address, &key))
            return false;
        if (address->external_id.len > 0 && cw_slice_equal(key, wanted)) {
            *out = address;
            return true;
        }
    }
    return true;
}

static bool report_address(struct cw_ruling *ruling, const struct cw_document *shipping)
{
    const struct cw_places *at = cw_places();
    char street[CW_QUOTE_MAX], city[CW_QUOTE_MAX], customer[CW_QUOTE_MAX];
    struct cw_slice link = cw_text_at(ruling->mapped->doc, at->order.customer);
    return cw_rule_issue(ruling, CW_HELD, "unknown-address", "ship_to",
                         cw_text_at(shipping, at->address.street),
                         "customer %s has no address \"%s, %s\"; add it there", cw_quote(link, customer),
                         cw_quote(cw_text_at(shipping, at->address.street), street),
                         cw_quote(cw_text_at(shipping, at->address.city), city));
}

static bool use_address(struct cw_ruling *ruling, const struct cw_rule *rule,
                        const struct cw_document *address)
{
    struct cw_document *order = ruling->mapped->doc;
    cw_put_text(order, cw_places()->order.ship_to, address->external_id);
    return cw_rule_explain(ruling, rule, NULL, 0, order, cw_places()->order.ship_to);
}

bool cw_rule_match_address(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    struct cw_document *order = ruling->mapped->doc;
    const struct cw_document *shipping = cw_record_at(order, cw_places()->order.shipping), *found = NULL;
    if (ruling->customer == NULL || shipping == NULL || order->values[cw_places()->order.ship_to].is_set)
        return true;
    for (size_t i = 0; i < rule->step.key_count && found == NULL; i++) {
        bool by_id = strcmp(rule->step.keys[i], "id") == 0;
        if (!(by_id ? find_by_id(ruling->customer, shipping, &found)
                    : find_by_text(ruling, shipping, &found)))
            return false;
    }
    if (found != NULL)
        return use_address(ruling, rule, found);
    return rule->step.unknown != CW_UNKNOWN_HOLD || report_address(ruling, shipping);
}
