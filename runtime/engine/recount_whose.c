/* recount_whose.c - which item of the cart a level is of: the one that has its SKU. */
#include "engine/recount_private.h"

static struct cw_slice cart_name(const struct recounting *r)
{
    return cw_slice(r->config->carts[r->cart].name);
}

/* --- whether the cart has items --- */

static bool take_item(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct recounting *r = arg;
    (void)columns, (void)names, (void)row;
    r->has_items = true;
    return false;
}

static void items_looked_for(void *arg, const struct cw_error *err)
{
    struct recounting *r = arg;
    r->knows_items = true;
    if (err != NULL)
        recount_fail(r, err);
    else
        recount_go(r, recount_put_levels);
}

static void look_for_items(struct recounting *r)
{
    const struct cw_slice cart = cart_name(r);
    cw_store_query(cw_txn_store(r->txn), "SELECT 1 FROM items WHERE cart = $1 LIMIT 1", &cart, 1, take_item,
                   items_looked_for, r);
}

static bool names_all(const struct recounting *r)
{
    for (guint i = 0; i < r->levels->len; i++)
        if (r->answers[i].count == 0)
            return false;
    return true;
}

static void go_on(struct recounting *r)
{
    bool is_asked = !r->knows_items && !r->config->carts[r->cart].out.stock.unlisted && !names_all(r);
    recount_go(r, is_asked ? look_for_items : recount_put_levels);
}

/* --- those that need a second look --- */

static bool is_active(const struct cw_document *doc)
{
    const struct cw_value *active = cw_document_get(doc, "active");
    return active == NULL || !active->is_set || active->boolean;
}

static const struct cw_document *variant_of(const struct cw_answer *answer)
{
    const struct cw_value *variants = cw_document_get(answer->doc, "variants");
    const struct cw_document *variant = variants != NULL && variants->is_set ? variants->list.first : NULL;
    while (variant != NULL && !cw_slice_equal(variant->external_id, answer->variant_id))
        variant = variant->next;
    return variant;
}

static bool is_sold(const struct cw_answer *answer)
{
    const struct cw_document *variant = answer->variant_id.len > 0 ? variant_of(answer) : NULL;
    return answer->doc == NULL || (is_active(answer->doc) && (variant == NULL || is_active(variant)));
}

struct cw_slice recount_sku_of(const struct cw_answer *answer)
{
    const struct cw_document *variant = answer->variant_id.len > 0 ? variant_of(answer) : NULL;
    const struct cw_value *sku = cw_document_get(variant != NULL ? variant : answer->doc, "sku");
    return sku != NULL && sku->is_set ? sku->text : (struct cw_slice){ "", 0 };
}

/* Of items with the same SKU the one that is sold is meant; those that are not come behind it. */
static void looked_again(void *arg, const struct cw_answers *answers, size_t count,
                         const struct cw_error *err)
{
    struct recounting *r = arg;
    if (err != NULL || count != r->looks->len) {
        recount_fail(r, err);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct cw_answers *of = &r->answers[g_array_index(r->looks, guint, i)];
        *of = answers[i];
        if (of->count > 1 && is_sold(&of->found[0]) && !is_sold(&of->found[1]))
            of->count = 1;
    }
    go_on(r);
}

static void look_again(struct recounting *r);

/* --- all of them --- */

static void answered(void *arg, const struct cw_answers *answers, size_t count, const struct cw_error *err)
{
    struct recounting *r = arg;
    r->answers = err == NULL ? cw_arena_alloc(&r->asking, count * sizeof *answers) : NULL;
    if (r->answers == NULL || count != r->levels->len) {
        recount_fail(r, err);
        return;
    }
    memcpy(r->answers, answers, count * sizeof *answers);
    g_array_set_size(r->looks, 0);
    for (guint i = 0; i < r->levels->len; i++)
        if (answers[i].count > 1 || answers[i].is_loose)
            g_array_append_val(r->looks, i);
    if (r->looks->len > 0)
        recount_go(r, look_again);
    else
        go_on(r);
}

static struct cw_question question_of(const struct recounting *r, guint level, bool whole)
{
    return (struct cw_question){ .kind = &cw_kind_item,
                                 .cart = cart_name(r),
                                 .field = "sku",
                                 .value = g_array_index(r->levels, struct level, level).sku,
                                 .whole = whole };
}

static void look_again(struct recounting *r)
{
    struct cw_question *questions = cw_arena_alloc(&r->asking, r->looks->len * sizeof *questions);
    if (questions == NULL) {
        recount_fail(r, NULL);
        return;
    }
    for (guint i = 0; i < r->looks->len; i++)
        questions[i] = question_of(r, g_array_index(r->looks, guint, i), true);
    cw_txn_ask(r->txn, questions, r->looks->len, &r->asking, looked_again, r);
}

void recount_ask_whose(struct recounting *r)
{
    cw_arena_reset(&r->asking);
    struct cw_question *questions = cw_arena_alloc(&r->asking, r->levels->len * sizeof *questions);
    if (questions == NULL) {
        recount_fail(r, NULL);
        return;
    }
    for (guint i = 0; i < r->levels->len; i++)
        questions[i] = question_of(r, i, false);
    cw_txn_ask(r->txn, questions, r->levels->len, &r->asking, answered, r);
}
