/* rules_items.c - the item of each line, and items made of variants. */
#include "mapping/edit_name.h"
#include "mapping/rules_private.h"
#include "mapping/running.h"

#include <stdio.h>

/* --- matching --- */

/* One line of the order, counted from 1. */
struct place {
    const struct cw_rule *rule;
    struct cw_document *line;
    size_t position;
};

static bool put(struct cw_ruling *ruling, const struct place *place, int field, struct cw_slice text)
{
    cw_put_text(place->line, field, text);
    return cw_rule_explain(ruling, place->rule, "lines", place->position, place->line, field);
}

static bool take_item(struct cw_ruling *ruling, const struct place *place, const struct cw_fitting *fitting)
{
    const struct cw_places *at = cw_places();
    const struct cw_answer *found = fitting->found;
    struct cw_slice variant = found->variant_id.len > 0 ? found->variant_id : fitting->asked->variant, link;
    if (!cw_ruling_link(ruling, fitting->asked->question.cart, found->external_id, &link) ||
        !put(ruling, place, at->line.item, link))
        return false;
    return variant.len == 0 || put(ruling, place, at->line.variant, variant);
}

static bool hold(struct cw_ruling *ruling, const struct place *place, const char *code,
                 struct cw_slice subject, const char *message)
{
    char field[64];
    snprintf(field, sizeof field, "lines[%zu].item", place->position);
    return cw_rule_issue(ruling, CW_HELD, code, field, subject, "%s", message);
}

/* "12", or "12, variant 3" */
static const char *describe(const struct cw_answer *answer, char out[2 * CW_QUOTE_MAX + 16])
{
    char id[CW_QUOTE_MAX], variant[CW_QUOTE_MAX];
    cw_quote(answer->external_id, id);
    if (answer->variant_id.len > 0)
        snprintf(out, 2 * CW_QUOTE_MAX + 16, "%s (variant %s)", id, cw_quote(answer->variant_id, variant));
    else
        snprintf(out, 2 * CW_QUOTE_MAX + 16, "%s", id);
    return out;
}

static bool report_ambiguous(struct cw_ruling *ruling, const struct place *place,
                             const struct cw_fitting *fitting)
{
    char value[CW_QUOTE_MAX], one[2 * CW_QUOTE_MAX + 16], other[2 * CW_QUOTE_MAX + 16], message[640];
    const struct cw_question *question = &fitting->asked->question;
    const struct cw_answers *answers = fitting->asked->answers;
    snprintf(message, sizeof message, "several items of %.*s have %s \"%s\": %s and %s; mend one of them",
             CW_SLICE_ARG(question->cart), fitting->asked->key, cw_quote(question->value, value),
             describe(&answers->found[0], one), describe(&answers->found[1], other));
    return hold(ruling, place, "ambiguous-item", question->value, message);
}

static bool report_unknown(struct cw_ruling *ruling, const struct place *place)
{
    const struct cw_places *at = cw_places();
    const int fields[] = { at->line.sku, at->line.barcode, at->line.name, at->line.item_id };
    char quoted[CW_QUOTE_MAX], message[256];
    struct cw_slice subject = { "", 0 };
    for (size_t i = 0; i < sizeof fields / sizeof *fields && subject.len == 0; i++)
        subject = cw_text_at(place->line, fields[i]);
    snprintf(message, sizeof message, "no item fits \"%s\" of line %zu; take the item in",
             cw_quote(subject, quoted), place->position);
    return hold(ruling, place, "unknown-item", subject, message);
}

/* The default item, which must be there. */
static bool use_default(struct cw_ruling *ruling, const struct place *place)
{
    struct cw_slice link = place->rule->step.fallback;
    char message[256];
    ruling->by = "default";
    if (cw_rule_fallback(ruling, place->rule) != NULL)
        return put(ruling, place, cw_places()->line.item, link);
    snprintf(message, sizeof message,
             "no item fits line %zu, and the default item \"%.*s\" is not in the store; take it in, or name "
             "another "
             "in the site's rules",
             place->position, CW_SLICE_ARG(cw_slice_clip(link, CW_QUOTE_MAX)));
    return hold(ruling, place, "unknown-item", link, message);
}

static bool match_line(struct cw_ruling *ruling, const struct place *place)
{
    const struct cw_rule *rule = place->rule;
    struct cw_fitting fitting = cw_rule_first_answer(ruling, rule, place->line);
    if (place->line->values[cw_places()->line.item].is_set)
        return true;
    if (fitting.is_ambiguous)
        return report_ambiguous(ruling, place, &fitting);
    if (fitting.found != NULL) {
        ruling->by = fitting.asked->key;
        return take_item(ruling, place, &fitting);
    }
    if (rule->step.unknown == CW_UNKNOWN_FALLBACK)
        return use_default(ruling, place);
    return rule->step.unknown != CW_UNKNOWN_HOLD || report_unknown(ruling, place);
}

bool cw_rule_match_items(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_places *at = cw_places();
    struct place place = { .rule = rule };
    for (place.line = cw_first_at(ruling->mapped->doc, at->order.lines); place.line != NULL;
         place.line = place.line->next) {
        struct cw_slice type = cw_text_at(place.line, at->line.type);
        place.position++;
        if ((type.len == 0 || cw_slice_is(type, "goods")) && !match_line(ruling, &place))
            return false;
    }
    return true;
}

/* --- variants --- */

static bool put_id(struct cw_ruling *ruling, const struct cw_document *variant, size_t position,
                   struct cw_document *item)
{
    struct cw_slice id = variant->external_id, parent = item->external_id;
    if (id.len == 0)
        id = cw_text_at(variant, cw_places()->variant.sku);
    item->external_id =
        id.len > 0 ? cw_name_print(ruling->arena, "%.*s/%.*s", CW_SLICE_ARG(parent), CW_SLICE_ARG(id))
                   : cw_name_print(ruling->arena, "%.*s/%zu", CW_SLICE_ARG(parent), position);
    return item->external_id.data != NULL;
}

/* "Mug, blue" */
static bool put_name(struct cw_ruling *ruling, const struct cw_document *variant, struct cw_document *item)
{
    const struct cw_places *at = cw_places();
    struct cw_slice parent = cw_text_at(item, at->item.name), own = cw_text_at(variant, at->variant.name);
    if (own.len == 0)
        return true;
    struct cw_slice name = cw_name_print(ruling->arena, "%.*s%s%.*s", CW_SLICE_ARG(parent),
                                         parent.len > 0 ? ", " : "", CW_SLICE_ARG(own));
    cw_put_text(item, at->item.name, name);
    return name.data != NULL;
}

static void put_own(const struct cw_document *variant, int source, struct cw_document *item, int target)
{
    if (variant->values[source].is_set)
        item->values[target] = variant->values[source];
}

static struct cw_document *make_item(struct cw_ruling *ruling, const struct cw_document *parent,
                                     const struct cw_document *variant, size_t position)
{
    const struct cw_places *at = cw_places();
    struct cw_document *item = cw_document_copy(ruling->arena, parent);
    if (item == NULL || !put_id(ruling, variant, position, item) || !put_name(ruling, variant, item))
        return NULL;
    cw_put_text(item, at->item.type, cw_slice("simple"));
    put_own(variant, at->variant.sku, item, at->item.sku);
    put_own(variant, at->variant.barcode, item, at->item.barcode);
    put_own(variant, at->variant.price, item, at->item.price);
    put_own(variant, at->variant.weight, item, at->item.weight);
    put_own(variant, at->variant.active, item, at->item.active);
    return item;
}

/* What the first item has of its own, for those who ask where its values come from. */
static bool explain_item(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_places *at = cw_places();
    const int fields[] = { at->item.sku,   at->item.name,   at->item.type,  at->item.barcode,
                           at->item.price, at->item.weight, at->item.active };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (ruling->mapped->doc->values[fields[i]].is_set &&
            !cw_rule_explain(ruling, rule, NULL, 0, ruling->mapped->doc, fields[i]))
            return false;
    return true;
}

static bool is_among(struct cw_slice id, const struct cw_document *first, const struct cw_document *others)
{
    bool found = first != NULL && cw_slice_equal(first->external_id, id);
    for (; others != NULL && !found; others = others->next)
        found = cw_slice_equal(others->external_id, id);
    return found;
}

/* Two variants that would be one item: the item stays whole, and waits. */
static bool put_back(struct cw_ruling *ruling, struct cw_document *parent, const struct cw_value *variants,
                     const struct cw_document *twin, size_t position)
{
    char field[48];
    snprintf(field, sizeof field, "variants[%zu]", position);
    parent->values[cw_places()->item.variants] = *variants;
    ruling->mapped->also = NULL;
    return cw_rule_issue(
        ruling, CW_MEND, "duplicate-id", field, twin->external_id,
        "two variants would be the item \"%.*s\"; give each an id or a SKU of its own in the shop",
        CW_SLICE_ARG(twin->external_id));
}

bool cw_rule_split_variants(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    struct cw_document *parent = ruling->mapped->doc, *first = NULL, **end = &ruling->mapped->also;
    struct cw_value variants = parent->values[cw_places()->item.variants];
    size_t position = 0;
    if (!variants.is_set || variants.list.count == 0)
        return true;
    while (*end != NULL)
        end = &(*end)->next;
    parent->values[cw_places()->item.variants].is_set = false; /* so that no copy has them */
    for (const struct cw_document *variant = variants.list.first; variant != NULL; variant = variant->next) {
        struct cw_document *item = make_item(ruling, parent, variant, ++position);
        if (item == NULL)
            return false;
        if (is_among(item->external_id, first, ruling->mapped->also))
            return put_back(ruling, parent, &variants, item, position);
        if (first == NULL) {
            first = item;
            continue;
        }
        *end = item;
        end = &item->next;
    }
    ruling->mapped->doc = first;
    return explain_item(ruling, rule);
}
