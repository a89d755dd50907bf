/* office_tell.c - what carts are told of the back office's customers and items, and of statuses; see
 * office.h.
 */
#include "engine/office_private.h"

#include "adapters/document_json.h"
#include "adapters/writer.h"

/* --- messages --- */

const struct cw_out_config *cw_office_out_of(const struct cw_site_config *config, struct cw_slice cart,
                                             enum cw_out out)
{
    for (size_t i = 0; i < config->cart_count; i++)
        if (cw_slice_is(cart, config->carts[i].name))
            return config->carts[i].out.sending[out].is_on ? &config->carts[i].out : NULL;
    return NULL;
}

static void wake_later(struct office_job *job, struct cw_slice cart, enum cw_out out)
{
    const struct cw_site_config *config = job->put->config;
    for (size_t i = 0; i < config->cart_count; i++)
        if (cw_slice_is(cart, config->carts[i].name))
            job->is_told[i * CW_OUT_STREAMS + out] = true;
}

bool cw_office_put_message(struct office_job *job, enum cw_out out, struct cw_message *message)
{
    message->key.stream = cw_slice(cw_out_name(out));
    message->state = CW_MESSAGE_QUEUED;
    message->created_at = message->changed_at = message->due_at = cw_now(job->clock);
    wake_later(job, message->key.cart, out);
    job->result->messages++;
    return cw_txn_put_message(job->txn, message) || cw_office_lost(job);
}

bool cw_office_take_back(struct office_job *job, struct cw_slice cart, enum cw_out out, struct cw_slice id,
                         struct cw_slice event)
{
    const struct cw_record_key key = { cart, cw_slice(cw_out_name(out)), id };
    wake_later(job, cart, out);
    if (out == CW_OUT_SHIPMENTS) /* in the same lane */
        wake_later(job, cart, CW_OUT_STATUSES);
    return cw_txn_take_back(job->txn, &key, event,
                            cw_slice("the back office took it back before it was sent")) ||
           cw_office_lost(job);
}

bool cw_office_wake(struct office_job *job)
{
    const struct cw_site_config *config = job->put->config;
    for (size_t i = 0; i < config->cart_count * CW_OUT_STREAMS; i++) {
        if (!job->is_told[i])
            continue;
        job->is_told[i] = false;
        if (!cw_txn_wake_sender(job->txn, cw_slice(config->carts[i / CW_OUT_STREAMS].name),
                                cw_slice(cw_out_name((enum cw_out)(i % CW_OUT_STREAMS))), cw_now(job->clock)))
            return cw_office_lost(job);
    }
    return true;
}

bool cw_office_json_text(struct cw_buffer *out, const char *name, struct cw_slice value, struct cw_error *err)
{
    return value.len == 0 || (cw_buffer_print(out, err, "\"%s\":", name) &&
                              cw_json_write_text(out, value, err) && cw_buffer_add(out, ",", 1, err));
}

/* --- customers and items --- */

static bool is_listed(char *const *list, const char *prefix, struct cw_slice name)
{
    size_t len = strlen(prefix);
    if (list == NULL)
        return true;
    for (; *list != NULL; list++)
        if (strncmp(*list, prefix, len) == 0 && cw_slice_is(name, *list + len))
            return true;
    return false;
}

/* The configured fields alone, without the id, which stands apart. */
static struct cw_document *told_part(struct office_job *job, const struct cw_document *doc,
                                     char *const *fields)
{
    struct cw_document *part = cw_document_create(&job->arena, doc->kind);
    struct cw_custom **end = part != NULL ? &part->custom : NULL;
    if (part == NULL)
        return NULL;
    for (size_t i = 0; i < doc->kind->field_count; i++)
        if (is_listed(fields, "", cw_slice(doc->kind->fields[i].name)))
            part->values[i] = doc->values[i];
    for (const struct cw_custom *custom = doc->custom; custom != NULL; custom = custom->next) {
        if (!is_listed(fields, "custom.", custom->name))
            continue;
        *end = cw_arena_alloc(&job->arena, sizeof **end);
        if (*end == NULL)
            return NULL;
        **end = *custom;
        (*end)->next = NULL;
        end = &(*end)->next;
    }
    return part;
}

/* {"id":"7","email":...} */
static bool print_document(struct office_job *job, const struct cw_document *doc, char *const *fields,
                           struct cw_buffer *out)
{
    struct cw_document *part = told_part(job, doc, fields);
    cw_buffer_clear(out);
    if (part == NULL)
        return cw_fail(job->err, CW_LIMIT, "no memory left for a message");
    if (!cw_buffer_print(out, job->err, "{\"id\":") || !cw_json_write_text(out, doc->external_id, job->err))
        return false;
    size_t at = out->len;
    if (!cw_document_json(out, part, 0, job->err))
        return false;
    if (out->len - at > 2)
        out->data[at] = ','; /* instead of its brace */
    else
        out->len = at;
    return out->len > at || cw_buffer_add(out, "}", 1, job->err);
}

struct telling {
    struct office_job *job;
    enum cw_out out;
    char *const *groups, *const *fields;
    struct cw_slice cart;
    struct cw_buffer before, after;
};

static bool take_any(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    (void)columns;
    (void)names;
    (void)row;
    *(bool *)arg = true;
    return false;
}

/* Whether something older is still on its way to the cart, which would arrive after what it said itself. */
static bool is_on_its_way(struct telling *telling, struct cw_slice id, bool *found)
{
    static const char sql[] =
        "SELECT id FROM messages WHERE cart = $1 AND stream = $2 AND external_id = $3 AND event = '' "
        "AND state NOT IN ('sent', 'superseded') LIMIT 1";
    const struct cw_slice params[] = { telling->cart, cw_slice(cw_out_name(telling->out)), id };
    *found = false;
    return cw_office_query(telling->job, sql, params, 3, take_any, found);
}

static bool put_level(struct telling *telling, const struct cw_document *doc)
{
    struct office_job *job = telling->job;
    cw_buffer_clear(&job->text);
    if (!cw_buffer_print(&job->text, job->err, "%s/%.*s", cw_out_name(telling->out),
                         CW_SLICE_ARG(doc->external_id)))
        return false;
    struct cw_message message = { .key = { .cart = telling->cart, .external_id = doc->external_id },
                                  .lane = cw_buffer_slice(&job->text),
                                  .event = { "", 0 },
                                  .payload = cw_buffer_slice(&telling->after) };
    return cw_office_put_message(job, telling->out, &message);
}

/* The cart that it came from knows it, whatever it was told before: that is forgotten, so that what others
 * say later reaches it even when it is the same again. */
static bool tell_source(struct telling *telling, const struct cw_document *doc)
{
    struct office_job *job = telling->job;
    bool found;
    if (!cw_txn_forget_levels(job->txn, telling->cart, cw_slice(cw_out_name(telling->out)), doc->external_id))
        return cw_office_lost(job);
    return is_on_its_way(telling, doc->external_id, &found) && (!found || put_level(telling, doc));
}

static bool tell_document(struct telling *telling, const struct office_doc *doc)
{
    struct office_job *job = telling->job;
    if (doc->doc == NULL ||
        (telling->groups != NULL && !is_listed(telling->groups, "", cw_office_text(doc->doc, "group"))))
        return cw_office_take_back(job, telling->cart, telling->out, doc->id, (struct cw_slice){ "", 0 });
    cw_buffer_clear(&telling->before);
    if ((doc->before != NULL && !print_document(job, doc->before, telling->fields, &telling->before)) ||
        !print_document(job, doc->doc, telling->fields, &telling->after))
        return false;
    if (cw_slice_equal(cw_buffer_slice(&telling->before), cw_buffer_slice(&telling->after)))
        return true;
    if (cw_slice_equal(telling->cart, job->put->from))
        return tell_source(telling, doc->doc);
    return put_level(telling, doc->doc);
}

static bool tell_cart(struct office_job *job, struct cw_slice cart, enum cw_out out,
                      const struct cw_out_config *config)
{
    struct telling telling = { .job = job, .out = out, .cart = cart };
    telling.groups = out == CW_OUT_ITEMS ? config->items.groups : config->customers.groups;
    telling.fields = out == CW_OUT_ITEMS ? config->items.fields : config->customers.fields;
    bool ok = true;
    for (size_t i = 0; i < job->count && ok; i++)
        if (job->docs[i].is_changed)
            ok = tell_document(&telling, &job->docs[i]);
    cw_buffer_fini(&telling.before);
    cw_buffer_fini(&telling.after);
    return ok;
}

bool cw_office_tell_documents(struct office_job *job)
{
    const struct cw_site_config *config = job->put->config;
    enum cw_out out = job->put->kind == &cw_kind_item ? CW_OUT_ITEMS : CW_OUT_CUSTOMERS;
    if (job->put->kind != &cw_kind_item && job->put->kind != &cw_kind_customer)
        return true;
    for (size_t i = 0; i < config->cart_count; i++) {
        struct cw_slice cart = cw_slice(config->carts[i].name);
        const struct cw_out_config *of_cart = cw_office_out_of(config, cart, out);
        if (of_cart != NULL && !tell_cart(job, cart, out, of_cart))
            return false;
    }
    return true;
}

/* --- statuses --- */

/* {"order_id":"101","order_number":"A-1","status":"shipped"} */
static bool print_status(const struct cw_document *order, struct cw_slice status, struct cw_buffer *out,
                         struct cw_error *err)
{
    return cw_buffer_print(out, err, "{") && cw_office_json_text(out, "order_id", order->external_id, err) &&
           cw_office_json_text(out, "order_number", cw_office_text(order, "number"), err) &&
           cw_buffer_print(out, err, "\"status\":") && cw_json_write_text(out, status, err) &&
           cw_buffer_print(out, err, "}");
}

bool cw_office_status(struct cw_txn *txn, const struct cw_site_config *config,
                      const struct cw_document *order, struct cw_slice cart, struct cw_slice status,
                      struct cw_slice event, cw_time at, struct cw_error *err)
{
    struct cw_buffer payload = { 0 }, lane = { 0 }, full = { 0 };
    if (cw_office_out_of(config, cart, CW_OUT_STATUSES) == NULL)
        return true;
    bool ok = print_status(order, status, &payload, err) &&
              cw_buffer_print(&lane, err, "order/%.*s", CW_SLICE_ARG(order->external_id)) &&
              cw_buffer_print(&full, err, "%.*s/%.*s", CW_SLICE_ARG(order->external_id), CW_SLICE_ARG(event));
    struct cw_message message = { .key = { cart, cw_slice(cw_out_name(CW_OUT_STATUSES)), order->external_id },
                                  .lane = cw_buffer_slice(&lane),
                                  .event = cw_buffer_slice(&full),
                                  .payload = cw_buffer_slice(&payload),
                                  .state = CW_MESSAGE_QUEUED,
                                  .created_at = at,
                                  .changed_at = at,
                                  .due_at = at };
    if (ok && (!cw_txn_put_message(txn, &message) ||
               !cw_txn_wake_sender(txn, cart, cw_slice(cw_out_name(CW_OUT_STATUSES)), at))) {
        const struct cw_error *lost = cw_txn_error(txn);
        ok = lost == NULL ? cw_fail(err, CW_IO, "a message could not be queued") : (*err = *lost, false);
    }
    cw_buffer_fini(&payload);
    cw_buffer_fini(&lane);
    cw_buffer_fini(&full);
    return ok;
}
