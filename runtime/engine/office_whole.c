/* office_whole.c - what is right about a document only beside the others of the back office: one level of a
 * SKU in a warehouse, one item of a SKU, no kit made of itself; see office_private.h. */
#include "engine/office_private.h"

#include <stdlib.h>

#include "stock/stock.h"

/* --- one document of each pair --- */

struct pairs {
    struct office_job *job;
    bool ok;
};

/* A stored document: external_id, and the two fields that its id would be made of. */
static bool take_pair(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct pairs *pairs = arg;
    struct office_job *job = pairs->job;
    const char *const *fields = job->kind->id_fields;
    (void)columns;
    (void)names;
    for (size_t i = 0; i < job->count; i++) {
        struct office_doc *doc = &job->docs[i];
        struct cw_error err;
        if (doc->doc == NULL || doc->is_faulty || cw_slice_equal(doc->id, row[0]) ||
            !cw_slice_equal(cw_office_text(doc->doc, fields[0]), row[1]) ||
            !cw_slice_equal(cw_office_text(doc->doc, fields[1]), row[2]))
            continue;
        cw_fail(&err, CW_CONFLICT, "%s %.*s and %s %.*s: that is %s %.*s already; drop it, or use its id",
                fields[0], CW_SLICE_ARG(row[1]), fields[1], CW_SLICE_ARG(row[2]), job->put->kind->name,
                CW_SLICE_ARG(row[0]));
        pairs->ok = cw_office_fault(job, doc, &err);
    }
    return pairs->ok;
}

/* Only what is new there, or moved, can meet another one. */
static bool may_meet(const struct office_doc *doc, const char *const *fields)
{
    return doc->is_changed && !doc->is_faulty && doc->doc != NULL &&
           (doc->before == NULL ||
            !cw_slice_equal(cw_office_text(doc->doc, fields[0]), cw_office_text(doc->before, fields[0])) ||
            !cw_slice_equal(cw_office_text(doc->doc, fields[1]), cw_office_text(doc->before, fields[1])));
}

enum { SKUS_AT_ONCE = 50 }; /* both engines take as many parameters */

static bool ask_pairs(struct office_job *job, const struct cw_slice *skus, size_t count)
{
    const char *const *fields = job->kind->id_fields;
    struct cw_buffer sql = { 0 };
    struct pairs pairs = { job, true };
    bool ok =
        cw_buffer_print(&sql, job->err, "SELECT external_id, %s, %s FROM %s WHERE cart = '' AND sku IN (",
                        fields[0], fields[1], job->put->kind->plural);
    for (size_t i = 0; i < count && ok; i++)
        ok = cw_buffer_print(&sql, job->err, "%s$%zu", i > 0 ? ", " : "", i + 1);
    ok = ok && cw_buffer_add(&sql, ")", 1, job->err) &&
         cw_office_query(job, sql.data, skus, count, take_pair, &pairs) && pairs.ok;
    cw_buffer_fini(&sql);
    return ok;
}

bool cw_office_check_pairs(struct office_job *job)
{
    struct cw_slice skus[SKUS_AT_ONCE];
    size_t count = 0;
    for (size_t i = 0; job->kind->is_one_of_its_kind && i < job->count; i++) {
        if (!may_meet(&job->docs[i], job->kind->id_fields))
            continue;
        skus[count++] = cw_office_text(job->docs[i].doc, "sku");
        if (count == SKUS_AT_ONCE && !ask_pairs(job, skus, count))
            return false;
        count %= SKUS_AT_ONCE;
    }
    return count == 0 || ask_pairs(job, skus, count);
}

/* --- one item of each SKU --- */

/* A SKU of an item, or of one of its variants. */
struct sku {
    struct office_doc *doc;
    struct cw_slice text;
};
struct skus {
    struct office_job *job;
    struct sku *items;
    size_t count;
    bool ok;
};

static size_t count_skus(const struct office_job *job)
{
    size_t count = 0;
    for (size_t i = 0; i < job->count; i++) {
        const struct cw_value *variants =
            job->docs[i].doc != NULL ? cw_document_get(job->docs[i].doc, "variants") : NULL;
        count += 1 + (variants != NULL && variants->is_set ? variants->list.count : 0);
    }
    return count;
}

static bool fail_twice(struct skus *skus, const struct sku *sku, const char *where, struct cw_slice id)
{
    struct cw_error err;
    cw_fail(&err, CW_CONFLICT, "sku %.*s is that of %s%.*s too; each SKU belongs to one item",
            CW_SLICE_ARG(sku->text), where, CW_SLICE_ARG(id));
    return cw_office_fault(skus->job, sku->doc, &err);
}

/* The SKUs of one document, which must differ from each other. */
static bool take_skus(struct skus *skus, struct office_doc *doc)
{
    size_t first = skus->count;
    skus->items[skus->count++] = (struct sku){ doc, cw_office_text(doc->doc, "sku") };
    for (const struct cw_document *variant = cw_office_first(doc->doc, "variants"); variant != NULL;
         variant = variant->next) {
        struct sku sku = { doc, cw_office_text(variant, "sku") };
        for (size_t i = first; i < skus->count; i++)
            if (cw_slice_equal(skus->items[i].text, sku.text))
                return fail_twice(skus, &sku, "another variant of item ", doc->id);
        skus->items[skus->count++] = sku;
    }
    return true;
}

static void take_owners(void *arg, const struct cw_answers *answers, size_t count, const struct cw_error *err)
{
    struct skus *skus = arg;
    skus->ok = err == NULL;
    if (err != NULL)
        *skus->job->err = *err;
    for (size_t i = 0; i < count && err == NULL && skus->ok; i++)
        for (size_t k = 0; !answers[i].is_loose && k < answers[i].count; k++) {
            struct cw_slice owner = answers[i].found[k].external_id;
            if (!skus->items[i].doc->is_faulty && !cw_slice_equal(owner, skus->items[i].doc->id))
                skus->ok = fail_twice(skus, &skus->items[i], "item ", owner) && skus->ok;
        }
}

static bool ask_owners(struct skus *skus)
{
    struct office_job *job = skus->job;
    struct cw_question *questions = cw_arena_alloc(&job->arena, (skus->count + 1) * sizeof *questions);
    if (questions == NULL)
        return cw_fail(job->err, CW_LIMIT, "no memory left for the SKUs of a page");
    for (size_t i = 0; i < skus->count; i++)
        questions[i] = (struct cw_question){
            .kind = &cw_kind_item, .cart = { "", 0 }, .field = "sku", .value = skus->items[i].text
        };
    cw_txn_ask(job->txn, questions, skus->count, &job->arena, take_owners, skus);
    cw_store_wait(job->store);
    return skus->ok;
}

static bool check_skus(struct office_job *job)
{
    struct skus skus = { .job = job, .ok = true };
    skus.items = cw_arena_alloc(&job->arena, (count_skus(job) + 1) * sizeof *skus.items);
    if (skus.items == NULL)
        return cw_fail(job->err, CW_LIMIT, "no memory left for the SKUs of a page");
    for (size_t i = 0; i < job->count; i++)
        if (job->docs[i].is_changed && !job->docs[i].is_faulty && job->docs[i].doc != NULL &&
            !take_skus(&skus, &job->docs[i]))
            return false;
    return skus.count == 0 || ask_owners(&skus);
}

/* --- no kit made of itself --- */

/* The components of one kit after the other go into a stock, which knows a ring when it sees one. */
struct kits {
    struct cw_stock *stock;
    struct cw_stock_component *components;
    size_t count, room;
    uint32_t kit; /* whose components these are */
    struct cw_error *err;
    bool ok;
};

static bool set_kit(struct kits *kits)
{
    if (kits->ok && kits->count > 0)
        kits->ok = cw_stock_set_kit(kits->stock, kits->kit, kits->components, kits->count, kits->err);
    kits->count = 0;
    return kits->ok;
}

static bool add_component(struct kits *kits, const struct cw_stock_fact *fact)
{
    if (kits->count == kits->room) {
        size_t room = kits->room > 0 ? kits->room * 2 : 64;
        void *more = realloc(kits->components, room * sizeof *kits->components);
        if (more == NULL)
            return cw_fail(kits->err, CW_NOMEM, "no memory for a kit");
        kits->components = more;
        kits->room = room;
    }
    struct cw_stock_component *component = &kits->components[kits->count++];
    component->item = cw_stock_item(kits->stock, fact->other);
    return cw_quantity_from(&fact->quantity, &component->quantity, kits->err);
}

static bool take_fact(void *arg, const struct cw_stock_fact *fact)
{
    struct kits *kits = arg;
    if (fact->fact != CW_FACT_COMPONENT)
        return false; /* all of them come first */
    uint32_t kit = cw_stock_item(kits->stock, fact->sku);
    if (kit != kits->kit && !set_kit(kits))
        return false;
    kits->kit = kit;
    kits->ok = add_component(kits, fact);
    return kits->ok;
}

static void facts_read(void *arg, const struct cw_error *err)
{
    struct kits *kits = arg;
    if (err == NULL || !kits->ok)
        return;
    *kits->err = *err;
    kits->ok = false;
}

/* What is wrong with the kits that the SKU belongs to. */
static bool try_kit(struct office_job *job, struct cw_slice sku, struct cw_error *err)
{
    struct kits kits = { .stock = cw_stock_create(), .kit = CW_STOCK_NONE, .err = err, .ok = true };
    if (kits.stock == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for kits");
    cw_txn_read_stock(job->txn, &sku, 1, take_fact, facts_read, &kits);
    cw_store_wait(job->store);
    set_kit(&kits);
    free(kits.components);
    cw_stock_free(kits.stock);
    return kits.ok;
}

static bool check_kits(struct office_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        struct office_doc *doc = &job->docs[i];
        struct cw_error err;
        if (!doc->is_changed || doc->is_faulty || doc->doc == NULL ||
            cw_office_first(doc->doc, "components") == NULL)
            continue;
        if (!try_kit(job, cw_office_text(doc->doc, "sku"), &err) && !cw_office_fault(job, doc, &err))
            return false;
    }
    return true;
}

bool cw_office_check_items(struct office_job *job)
{
    return job->put->kind != &cw_kind_item || (check_skus(job) && check_kits(job));
}
