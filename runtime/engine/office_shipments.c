/* office_shipments.c - what carts are told of parcels: each once, when it has left or its order is invoiced,
 * and once more when its tracking comes late; see office_private.h. */
#include "engine/office_private.h"

#include <glib.h>

#include "adapters/writer.h"
#include "engine/demand.h"

/* A shipment, or an invoice that stands for one, and what it is told with. */
struct parcel {
    const struct cw_document *doc;
    const struct office_order *order;
    struct cw_slice id;           /* under which the cart has it */
    struct cw_slice old_tracking; /* the number that this corrects; empty = none */
    bool completes;
    bool again; /* the cart was told of it, without what is new now */
};

/* --- the payload --- */

static bool print_time(struct cw_buffer *out, const char *name, const struct cw_value *value,
                       struct cw_error *err)
{
    char text[CW_TIME_TEXT_MAX];
    return value == NULL || !value->is_set ||
           cw_office_json_text(out, name, (struct cw_slice){ text, cw_time_iso(value->time, text) }, err);
}

static bool print_line(struct cw_buffer *out, struct cw_slice line_id, struct cw_slice sku,
                       const struct cw_decimal *quantity, struct cw_error *err)
{
    char text[CW_DECIMAL_TEXT_MAX];
    const struct cw_decimal plain = cw_decimal_trim(*quantity, 0);
    cw_decimal_format(&plain, text);
    return cw_buffer_print(out, err, "%s{", out->data[out->len - 1] == '[' ? "" : ",") &&
           cw_office_json_text(out, "line_id", line_id, err) && cw_office_json_text(out, "sku", sku, err) &&
           cw_buffer_print(out, err, "\"quantity\":\"%s\"}", text);
}

/* A line says what the shop needs to find it again, whichever half of it the back office knows. */
static bool print_own_line(struct cw_buffer *out, const struct cw_document *order,
                           const struct cw_document *line, struct cw_error *err)
{
    struct cw_slice id = cw_office_text(line, "line_id"), sku = cw_office_text(line, "sku");
    const struct cw_document *ordered = cw_office_line_of(order, id, sku);
    if (ordered != NULL && id.len == 0)
        id = ordered->external_id;
    if (ordered != NULL && sku.len == 0)
        sku = cw_office_text(ordered, "sku");
    return print_line(out, id, sku, &cw_document_get(line, "quantity")->decimal, err);
}

static bool print_lines(struct cw_buffer *out, const struct parcel *parcel, struct cw_error *err)
{
    const struct cw_document *line = cw_office_first(parcel->doc, "lines");
    bool is_whole = line == NULL, ok = cw_buffer_print(out, err, "\"lines\":[");
    for (; line != NULL && ok; line = line->next)
        ok = print_own_line(out, parcel->order->doc, line, err);
    line = is_whole ? cw_office_first(parcel->order->doc, "lines") : NULL;
    for (; line != NULL && ok; line = line->next)
        if (cw_office_is_goods(line)) {
            struct cw_decimal rest = cw_order_line_rest(line);
            ok = print_line(out, line->external_id, cw_office_text(line, "sku"), &rest, err);
        }
    return ok && cw_buffer_print(out, err, "],");
}

static bool print_parcel(struct cw_buffer *out, const struct parcel *parcel, struct cw_error *err)
{
    static const char *const fields[][2] = { { "number", "number" },
                                             { "carrier", "carrier_name" },
                                             { "method", "method" },
                                             { "tracking_number", "tracking_number" },
                                             { "tracking_url", "tracking_url" },
                                             { "vendor", "vendor" },
                                             { "warehouse", "warehouse" },
                                             { "note", "note" } };
    const struct cw_document *doc = parcel->doc;
    const struct cw_value *when =
        cw_document_get(doc, doc->kind == &cw_kind_shipment ? "shipped_at" : "invoiced_at");
    cw_buffer_clear(out);
    bool ok = cw_buffer_print(out, err, "{") && cw_office_json_text(out, "id", parcel->id, err) &&
              cw_office_json_text(out, "order_id", parcel->order->id, err) &&
              cw_office_json_text(out, "order_number", cw_office_text(parcel->order->doc, "number"), err) &&
              print_time(out, "shipped_at", when, err);
    for (size_t i = 0; i < sizeof fields / sizeof *fields && ok; i++)
        ok = cw_office_json_text(out, fields[i][1], cw_office_text(doc, fields[i][0]), err);
    return ok && cw_office_json_text(out, "old_tracking_number", parcel->old_tracking, err) &&
           print_lines(out, parcel, err) &&
           cw_buffer_print(out, err, "\"completes\":%s%s}", parcel->completes ? "true" : "false",
                           parcel->again ? ",\"again\":true" : "");
}

static bool put_parcel(struct office_job *job, const struct parcel *parcel, struct cw_slice event)
{
    struct cw_buffer payload = { 0 }, lane = { 0 };
    bool ok = print_parcel(&payload, parcel, job->err) &&
              cw_buffer_print(&lane, job->err, "order/%.*s", CW_SLICE_ARG(parcel->order->id));
    struct cw_message message = { .key = { .cart = parcel->order->cart, .external_id = parcel->order->id },
                                  .lane = cw_buffer_slice(&lane),
                                  .event = event,
                                  .payload = cw_buffer_slice(&payload) };
    ok = ok && cw_office_put_message(job, CW_OUT_SHIPMENTS, &message);
    cw_buffer_fini(&payload);
    cw_buffer_fini(&lane);
    return ok;
}

/* --- what was told before --- */

struct found {
    struct office_job *job;
    bool is_there;
    bool is_waiting; /* queued, and no call was begun with it */
    int64_t message;
    struct cw_slice text;
};

static bool take_found(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct found *found = arg;
    (void)columns;
    (void)names;
    found->is_there = true;
    found->message = g_ascii_strtoll(row[0].data, NULL, 10);
    found->is_waiting = cw_slice_is(row[1], "queued") && cw_slice_is(row[2], "0");
    found->text = cw_arena_copy(&found->job->arena, row[3]);
    return false;
}

/* Only with "event <> ''" do the engines look into the indexes of events. */
#define TOLD                                                                                                 \
    "SELECT id, state, attempts, event FROM messages WHERE cart = $1 AND stream = 'shipments_out' "          \
    "AND event <> '' AND "

static bool find_event(struct office_job *job, struct cw_slice cart, struct cw_slice event,
                       struct found *found)
{
    const struct cw_slice params[] = { cart, event };
    *found = (struct found){ .job = job };
    return cw_office_query(job, TOLD "event = $2", params, 2, take_found, found);
}

/* The id that the cart knows the parcel by: an invoice that was told for want of a shipment stands for it. */
static bool find_id(struct office_job *job, struct parcel *parcel)
{
    const struct cw_slice params[] = { parcel->order->cart, parcel->order->id };
    struct found found = { .job = job };
    const size_t len = sizeof OFFICE_INVOICE - 1;
    parcel->id = parcel->doc->external_id;
    if (!cw_office_query(job, TOLD "external_id = $2 AND substr(event, 1, 8) = '" OFFICE_INVOICE "' LIMIT 1",
                         params, 2, take_found, &found))
        return false;
    if (found.is_there && found.text.len > len)
        parcel->id = (struct cw_slice){ found.text.data + len, found.text.len - len };
    return true;
}

/* --- what completes the order --- */

/* Parcels told behind this one do not count for it. */
struct later {
    const struct office_job *job;
    size_t at; /* of the document in hand */
};

static bool counts_before(const void *arg, const struct office_sent *sent)
{
    const struct later *later = arg;
    if (!sent->is_confirmed)
        return false;
    for (size_t i = later->at + 1; i < later->job->count; i++) {
        const struct office_doc *doc = &later->job->docs[i];
        bool was_out = doc->before != NULL && cw_office_is_true(doc->before, "confirmed");
        if (cw_slice_equal(doc->id, sent->shipment))
            return was_out;
    }
    return true;
}

/* --- shipments --- */

static bool same_text(const struct office_doc *doc, const char *field)
{
    return cw_slice_equal(cw_office_text(doc->before, field), cw_office_text(doc->doc, field));
}

static bool has_new_tracking(const struct office_doc *doc)
{
    return !same_text(doc, "tracking_number") || !same_text(doc, "tracking_url") ||
           !same_text(doc, "carrier") || !same_text(doc, "method");
}

/* "ID/tracking", and which one: it may change more than once, and be what it was before. */
static bool tracking_event(struct office_job *job, const struct office_doc *doc, struct cw_buffer *out)
{
    struct cw_hasher hasher;
    char hex[CW_HASH_TEXT_MAX];
    cw_time now = cw_now(job->clock);
    cw_hasher_init(&hasher);
    cw_hasher_add(&hasher, (struct cw_slice){ (const char *)&now, sizeof now });
    for (int i = 0; i < 2; i++) {
        const struct cw_document *each = i == 0 ? doc->before : doc->doc;
        cw_hasher_add(&hasher, cw_office_text(each, "tracking_number"));
        cw_hasher_add(&hasher, cw_office_text(each, "tracking_url"));
        cw_hasher_add(&hasher, cw_office_text(each, "carrier"));
        cw_hasher_add(&hasher, cw_office_text(each, "method"));
    }
    struct cw_hash hash = cw_hasher_end(&hasher);
    cw_hash_hex(&hash, hex);
    return cw_buffer_print(out, job->err, "%.*s" OFFICE_TRACKING "%.16s", CW_SLICE_ARG(doc->id), hex);
}

static bool tell_tracking(struct office_job *job, const struct office_doc *doc, const struct parcel *parcel)
{
    struct cw_buffer event = { 0 };
    bool ok = tracking_event(job, doc, &event) && put_parcel(job, parcel, cw_buffer_slice(&event));
    cw_buffer_fini(&event);
    return ok;
}

/* One that was not begun to be sent gives way to what is so now, so that the buyer gets one mail, with the
 * number in it. Its sender may be faster: then the shop has it, and is told of tracking alone. */
static bool tell_again(struct office_job *job, const struct office_doc *doc, struct parcel *parcel)
{
    const struct cw_slice cart = parcel->order->cart;
    struct found first;
    if (!find_event(job, cart, doc->id, &first))
        return false;
    bool gives_way = first.is_waiting;
    if (gives_way && (!cw_office_take_back(job, cart, CW_OUT_SHIPMENTS, parcel->order->id, doc->id) ||
                      !find_event(job, cart, doc->id, &first)))
        return false;
    if (gives_way && !first.is_there)
        return put_parcel(job, parcel, doc->id);
    parcel->again = true;
    return !has_new_tracking(doc) || tell_tracking(job, doc, parcel);
}

static bool complete(struct office_job *job, struct parcel *parcel, size_t at)
{
    struct later later = { job, at };
    struct office_sent *sent;
    if (!cw_office_read_sent(job, parcel->order, &sent))
        return false;
    parcel->completes = cw_office_is_complete(parcel->order->doc, sent, counts_before, &later);
    return true;
}

static bool tell_shipment(struct office_job *job, size_t at)
{
    const struct office_doc *doc = &job->docs[at];
    struct parcel parcel = { .doc = doc->doc, .order = cw_office_order_of(job, doc->doc) };
    const struct cw_out_config *out =
        cw_office_out_of(job->put->config, parcel.order->cart, CW_OUT_SHIPMENTS);
    bool is_due = true, was_out = doc->before != NULL && cw_office_is_true(doc->before, "confirmed") &&
                                  same_text(doc, "order_cart") && same_text(doc, "order_id");
    if (out == NULL || !cw_office_is_true(doc->doc, "confirmed") ||
        cw_slice_equal(job->put->from, parcel.order->cart))
        return true;
    if (out->shipments.by_invoice &&
        !cw_office_find_invoice(job, parcel.order->cart, parcel.order->id, &is_due))
        return false;
    if (!is_due)
        return true;
    if (was_out && !same_text(doc, "tracking_number"))
        parcel.old_tracking = cw_office_text(doc->before, "tracking_number");
    if (!find_id(job, &parcel) || !complete(job, &parcel, at))
        return false;
    return was_out ? tell_again(job, doc, &parcel) : put_parcel(job, &parcel, doc->id);
}

/* --- invoices --- */

/* Shipments of the order that were not told yet: their ids in turn, then the documents. */
struct untold {
    struct office_job *job;
    struct cw_record_key keys[CW_OFFICE_PAGE];
    struct cw_document *docs[CW_OFFICE_PAGE];
    size_t count;
    bool has_any; /* the order has shipments at all */
    bool ok;
};

static bool take_untold(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct untold *untold = arg;
    (void)columns;
    (void)names;
    untold->has_any = true;
    if (!cw_slice_is(row[1], "1") || row[2].data != NULL || untold->count == CW_OFFICE_PAGE)
        return true;
    struct cw_slice id = cw_arena_copy(&untold->job->arena, row[0]);
    untold->keys[untold->count++] = (struct cw_record_key){ { "", 0 }, cw_slice("shipments"), id };
    return id.data != NULL;
}

static void take_shipments(void *arg, const struct cw_stored *stored, size_t count,
                           const struct cw_error *err)
{
    struct untold *untold = arg;
    untold->ok = err == NULL;
    if (err != NULL)
        *untold->job->err = *err;
    for (size_t i = 0; i < count && err == NULL; i++)
        untold->docs[i] = stored[i].doc;
}

static bool read_untold(struct untold *untold, const struct office_order *order)
{
    static const char sql[] =
        "SELECT s.external_id, s.confirmed, m.id FROM shipments s LEFT JOIN messages m "
        "ON m.cart = $1 AND m.stream "
        "= 'shipments_out' AND m.event = s.external_id AND m.event <> '' WHERE s.cart = '' AND "
        "s.order_cart = $1 AND s.order_id = $2 "
        "ORDER BY s.id";
    struct office_job *job = untold->job;
    const struct cw_slice params[] = { order->cart, order->id };
    if (!cw_office_query(job, sql, params, 2, take_untold, untold))
        return false;
    untold->ok = true;
    if (untold->count > 0) {
        cw_txn_get_documents(job->txn, &cw_kind_shipment, untold->keys, untold->count, &job->arena,
                             take_shipments, untold);
        cw_store_wait(job->store);
    }
    return untold->ok;
}

/* Those told behind this one do not count for it. */
struct behind {
    const struct untold *untold;
    size_t at;
};

static bool counts_until(const void *arg, const struct office_sent *sent)
{
    const struct behind *behind = arg;
    for (size_t i = behind->at + 1; i < behind->untold->count; i++)
        if (cw_slice_equal(behind->untold->keys[i].external_id, sent->shipment))
            return false;
    return sent->is_confirmed;
}

static bool tell_untold(struct untold *untold, const struct office_order *order)
{
    struct office_sent *sent;
    if (!cw_office_read_sent(untold->job, order, &sent))
        return false;
    for (size_t i = 0; i < untold->count; i++) {
        struct behind behind = { untold, i };
        struct parcel parcel = { .doc = untold->docs[i], .order = order, .id = untold->keys[i].external_id };
        if (parcel.doc == NULL)
            continue;
        parcel.completes = cw_office_is_complete(order->doc, sent, counts_until, &behind);
        if (!put_parcel(untold->job, &parcel, parcel.id))
            return false;
    }
    return true;
}

static bool counts_all(const void *arg, const struct office_sent *sent)
{
    (void)arg;
    (void)sent;
    return true;
}

/* The lines of an invoice as if they were those of a shipment. */
static bool is_whole_order(struct office_job *job, const struct office_order *order,
                           const struct cw_document *doc)
{
    struct office_sent *first = NULL;
    const struct cw_document *line = cw_office_first(doc, "lines");
    if (line == NULL)
        return true;
    for (; line != NULL; line = line->next) {
        struct office_sent *sent = cw_arena_alloc(&job->arena, sizeof *sent);
        if (sent == NULL)
            return false;
        *sent = (struct office_sent){ .next = first,
                                      .is_confirmed = true,
                                      .line_id = cw_office_text(line, "line_id"),
                                      .sku = cw_office_text(line, "sku"),
                                      .quantity = cw_document_get(line, "quantity")->decimal };
        first = sent;
    }
    return cw_office_is_complete(order->doc, first, counts_all, NULL);
}

static bool tell_alone(struct office_job *job, const struct office_doc *doc, const struct office_order *order)
{
    struct parcel parcel = {
        .doc = doc->doc, .order = order, .id = doc->id, .completes = is_whole_order(job, order, doc->doc)
    };
    struct cw_buffer event = { 0 };
    bool ok = cw_buffer_print(&event, job->err, OFFICE_INVOICE "%.*s", CW_SLICE_ARG(doc->id)) &&
              put_parcel(job, &parcel, cw_buffer_slice(&event));
    cw_buffer_fini(&event);
    return ok;
}

static bool tell_invoice(struct office_job *job, const struct office_doc *doc)
{
    const struct office_order *order = cw_office_order_of(job, doc->doc);
    const struct cw_out_config *out = cw_office_out_of(job->put->config, order->cart, CW_OUT_SHIPMENTS);
    bool was_released = doc->before != NULL && cw_office_is_true(doc->before, "released");
    if (out == NULL || !out->shipments.by_invoice || was_released ||
        !cw_office_is_true(doc->doc, "released") || cw_slice_equal(job->put->from, order->cart))
        return true;
    struct untold *untold = cw_arena_alloc(&job->arena, sizeof *untold);
    if (untold == NULL)
        return cw_fail(job->err, CW_LIMIT, "no memory left for shipments");
    *untold = (struct untold){ .job = job };
    if (!read_untold(untold, order))
        return false;
    return untold->has_any ? tell_untold(untold, order) : tell_alone(job, doc, order);
}

bool cw_office_tell_shipments(struct office_job *job)
{
    bool is_shipment = job->put->kind == &cw_kind_shipment;
    if (!is_shipment && job->put->kind != &cw_kind_invoice)
        return true;
    if (!cw_office_take_back_parcels(job))
        return false;
    for (size_t i = 0; i < job->count; i++) {
        const struct office_doc *doc = &job->docs[i];
        if (!doc->is_changed || doc->doc == NULL)
            continue;
        if (!(is_shipment ? tell_shipment(job, i) : tell_invoice(job, doc)))
            return false;
    }
    return true;
}
