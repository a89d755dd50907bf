/* office_orders.c - the orders that shipments and invoices are of: whether they are there, what has left of
 * them, what they take of stock; see office_private.h. */
#include "engine/office_private.h"

#include "engine/demand.h"
#include "engine/recount.h"

/* --- orders of the page --- */

static const struct office_order *find_order(const struct office_job *job, struct cw_slice cart,
                                             struct cw_slice id)
{
    for (size_t i = 0; i < job->order_count; i++)
        if (cw_slice_equal(job->orders[i].id, id) && cw_slice_equal(job->orders[i].cart, cart))
            return &job->orders[i];
    return NULL;
}

const struct office_order *cw_office_order_of(const struct office_job *job, const struct cw_document *doc)
{
    return find_order(job, cw_office_text(doc, "order_cart"), cw_office_text(doc, "order_id"));
}

static void take_order(struct office_job *job, const struct cw_document *doc)
{
    if (doc == NULL || cw_office_order_of(job, doc) != NULL)
        return;
    struct office_order *order = &job->orders[job->order_count++];
    *order = (struct office_order){ .cart = cw_office_text(doc, "order_cart"),
                                    .id = cw_office_text(doc, "order_id") };
}

static void orders_read(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    struct office_job *job = arg;
    cw_office_answered(job, err);
    for (size_t i = 0; i < count && err == NULL; i++)
        job->orders[i].doc = stored[i].doc;
}

bool cw_office_read_orders(struct office_job *job)
{
    struct cw_record_key keys[2 * CW_OFFICE_PAGE];
    job->order_count = 0;
    if (job->put->kind != &cw_kind_shipment && job->put->kind != &cw_kind_invoice)
        return true;
    for (size_t i = 0; i < job->count; i++) {
        if (job->docs[i].is_faulty || !job->docs[i].is_changed)
            continue;
        take_order(job, job->docs[i].before);
        take_order(job, job->docs[i].doc);
    }
    for (size_t i = 0; i < job->order_count; i++)
        keys[i] = (struct cw_record_key){ job->orders[i].cart, cw_slice("orders"), job->orders[i].id };
    if (job->order_count == 0)
        return true;
    job->has_failed = false;
    cw_txn_get_documents(job->txn, &cw_kind_order, keys, job->order_count, &job->arena, orders_read, job);
    cw_store_wait(job->store);
    return !job->has_failed;
}

/* --- lines --- */

static bool is_live(const struct office_doc *doc)
{
    return doc->is_changed && !doc->is_faulty && doc->doc != NULL;
}

/* Of goods, whether any of them are still to be sent or not. */
static bool is_ordered(const struct cw_document *line)
{
    const struct cw_value *quantity = cw_document_get(line, "quantity");
    struct cw_slice type = cw_office_text(line, "type");
    return (type.len == 0 || cw_slice_is(type, "goods")) && quantity->is_set && !quantity->decimal.negative &&
           !cw_decimal_is_zero(&quantity->decimal);
}

bool cw_office_is_goods(const struct cw_document *line)
{
    struct cw_decimal rest = cw_order_line_rest(line);
    return is_ordered(line) && !cw_decimal_is_zero(&rest);
}

const struct cw_document *cw_office_line_of(const struct cw_document *order, struct cw_slice line_id,
                                            struct cw_slice sku)
{
    const struct cw_document *found = NULL;
    for (const struct cw_document *line = cw_office_first(order, "lines"); line != NULL; line = line->next) {
        if (line_id.len > 0 ? cw_slice_equal(line->external_id, line_id)
                            : cw_slice_equal(cw_office_text(line, "sku"), sku)) {
            if (line_id.len > 0)
                return line;
            if (found != NULL)
                return NULL;
            found = line;
        }
    }
    return found;
}

static bool has_sku(const struct cw_document *order, struct cw_slice sku)
{
    for (const struct cw_document *line = cw_office_first(order, "lines"); line != NULL; line = line->next)
        if (cw_slice_equal(cw_office_text(line, "sku"), sku))
            return true;
    return false;
}

/* Every line names one of the order. */
static bool check_lines(const struct office_order *order, const struct cw_document *doc, struct cw_error *err)
{
    size_t number = 1;
    for (const struct cw_document *line = cw_office_first(doc, "lines"); line != NULL;
         line = line->next, number++) {
        struct cw_slice id = cw_office_text(line, "line_id"), sku = cw_office_text(line, "sku");
        const struct cw_document *ordered =
            id.len > 0 ? cw_office_line_of(order->doc, id, (struct cw_slice){ "", 0 }) : NULL;
        if (id.len > 0 && ordered == NULL)
            return cw_fail(err, CW_INVALID,
                           "lines[%zu].line_id is \"%.*s\": order %.*s of %.*s has no such line", number,
                           CW_SLICE_ARG(id), CW_SLICE_ARG(order->id), CW_SLICE_ARG(order->cart));
        if (id.len > 0 && sku.len > 0 && !cw_slice_equal(cw_office_text(ordered, "sku"), sku))
            return cw_fail(err, CW_INVALID,
                           "lines[%zu].sku is \"%.*s\", but line %.*s of order %.*s is of \"%.*s\"", number,
                           CW_SLICE_ARG(sku), CW_SLICE_ARG(id), CW_SLICE_ARG(order->id),
                           CW_SLICE_ARG(cw_office_text(ordered, "sku")));
        if (id.len == 0 && !has_sku(order->doc, sku))
            return cw_fail(err, CW_INVALID,
                           "lines[%zu].sku is \"%.*s\", which order %.*s of %.*s does not have", number,
                           CW_SLICE_ARG(sku), CW_SLICE_ARG(order->id), CW_SLICE_ARG(order->cart));
    }
    return true;
}

bool cw_office_check_orders(struct office_job *job)
{
    for (size_t i = 0; i < job->count && job->order_count > 0; i++) {
        struct office_doc *doc = &job->docs[i];
        struct cw_error err;
        if (!is_live(doc))
            continue;
        const struct office_order *order = cw_office_order_of(job, doc->doc);
        bool ok = order->doc != NULL
                      ? check_lines(order, doc->doc, &err)
                      : cw_fail(&err, CW_NOT_FOUND,
                                "order_id is \"%.*s\": cart %.*s has no such order in the store; "
                                "see: cartwright show order %.*s",
                                CW_SLICE_ARG(order->id), CW_SLICE_ARG(order->cart), CW_SLICE_ARG(order->id));
        if (!ok && !cw_office_fault(job, doc, &err))
            return false;
    }
    return true;
}

/* --- shipments of the whole order --- */

/* One by which the line can be found again. */
static bool has_name(const struct cw_document *order, const struct cw_document *line)
{
    struct cw_slice sku = cw_office_text(line, "sku");
    return line->external_id.len > 0 ? cw_office_line_of(order, line->external_id, sku) == line : sku.len > 0;
}

static bool has_names(const struct cw_document *order)
{
    for (const struct cw_document *line = cw_office_first(order, "lines"); line != NULL; line = line->next)
        if (cw_office_is_goods(line) && !has_name(order, line))
            return false;
    return true;
}

static void set(struct cw_document *doc, const char *field, struct cw_value value)
{
    *(struct cw_value *)cw_document_get(doc, field) = value;
}

static bool add_line(struct office_job *job, struct cw_value *list, const struct cw_document *ordered)
{
    struct cw_document *line = cw_document_create(&job->arena, &cw_kind_shipment_line);
    struct cw_slice sku = cw_office_text(ordered, "sku");
    if (line == NULL)
        return cw_fail(job->err, CW_LIMIT, "no memory left for the lines of a shipment");
    set(line, "line_id",
        (struct cw_value){ .is_set = ordered->external_id.len > 0, .text = ordered->external_id });
    set(line, "sku", (struct cw_value){ .is_set = sku.len > 0, .text = sku });
    set(line, "quantity", (struct cw_value){ .is_set = true, .decimal = cw_order_line_rest(ordered) });
    if (list->list.first == NULL)
        list->list.first = line;
    else
        list->list.last->next = line;
    list->list.last = line;
    list->list.count++;
    list->is_set = true;
    return true;
}

static bool leaves_now(const struct office_doc *doc)
{
    return is_live(doc) && cw_office_is_true(doc->doc, "confirmed") &&
           (doc->before == NULL || !cw_office_is_true(doc->before, "confirmed"));
}

bool cw_office_name_lines(struct office_job *job)
{
    for (size_t i = 0; job->put->kind == &cw_kind_shipment && i < job->count; i++) {
        struct office_doc *doc = &job->docs[i];
        if (!leaves_now(doc) || cw_office_first(doc->doc, "lines") != NULL)
            continue;
        const struct cw_document *order = cw_office_order_of(job, doc->doc)->doc;
        const struct cw_document *line =
            order != NULL && has_names(order) ? cw_office_first(order, "lines") : NULL;
        struct cw_value list = { .is_set = false };
        for (; line != NULL; line = line->next)
            if (cw_office_is_goods(line) && !add_line(job, &list, line))
                return false;
        set(doc->doc, "lines", list);
    }
    return true;
}

/* --- what has left --- */

struct reading {
    struct office_job *job;
    struct office_sent *first, **end;
    bool ok;
};

static struct cw_slice copy(struct reading *reading, struct cw_slice text)
{
    struct cw_slice made = cw_arena_copy(&reading->job->arena, text);
    reading->ok = reading->ok && made.data != NULL;
    return made;
}

static bool take_sent(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct reading *reading = arg;
    struct office_sent *sent = cw_arena_alloc(&reading->job->arena, sizeof *sent);
    (void)columns;
    (void)names;
    if (sent == NULL) {
        reading->ok = false;
        return false;
    }
    *sent = (struct office_sent){ .shipment = copy(reading, row[0]),
                                  .is_confirmed = cw_slice_is(row[1], "1"),
                                  .is_whole = row[2].data == NULL,
                                  .line_id = copy(reading, row[3]),
                                  .sku = copy(reading, row[4]) };
    if (row[5].data != NULL && !cw_decimal_parse(row[5], &sent->quantity, NULL))
        reading->ok = false;
    *reading->end = sent;
    reading->end = &sent->next;
    return reading->ok;
}

bool cw_office_read_sent(struct office_job *job, const struct office_order *order, struct office_sent **sent)
{
    static const char sql[] = "SELECT s.external_id, s.confirmed, l.position, l.line_id, l.sku, l.quantity "
                              "FROM shipments s LEFT JOIN "
                              "shipment_lines l ON l.shipment_id = s.id WHERE s.cart = '' AND s.order_cart = "
                              "$1 AND s.order_id = $2 "
                              "ORDER BY s.id, l.position";
    const struct cw_slice params[] = { order->cart, order->id };
    struct reading reading = { .job = job, .ok = true };
    reading.end = &reading.first;
    if (!cw_office_query(job, sql, params, 2, take_sent, &reading))
        return false;
    *sent = reading.first;
    return reading.ok || cw_fail(job->err, CW_CORRUPT, "shipments of order %.*s of %.*s cannot be read",
                                 CW_SLICE_ARG(order->id), CW_SLICE_ARG(order->cart));
}

/* Lines of one SKU belong together, because a shipment may name the SKU alone; a line without one is alone.
 */
static bool belongs(const struct cw_document *order, const struct cw_document *line,
                    const struct office_sent *sent)
{
    struct cw_slice sku = cw_office_text(line, "sku");
    if (sent->line_id.len == 0)
        return sku.len > 0 && cw_slice_equal(sku, sent->sku);
    const struct cw_document *of = cw_office_line_of(order, sent->line_id, sku);
    return of == line || (of != NULL && sku.len > 0 && cw_slice_equal(cw_office_text(of, "sku"), sku));
}

static bool is_same_group(const struct cw_document *a, const struct cw_document *b)
{
    struct cw_slice sku = cw_office_text(a, "sku");
    return a == b || (sku.len > 0 && cw_slice_equal(sku, cw_office_text(b, "sku")));
}

static struct cw_decimal quantity_of(const struct cw_document *line)
{
    return cw_document_get(line, "quantity")->decimal;
}

/* Of all lines with the line's SKU: what is to be sent, or was. */
static struct cw_decimal rest_of(const struct cw_document *order, const struct cw_document *line)
{
    struct cw_decimal sum = cw_decimal_from_int(0);
    for (const struct cw_document *each = cw_office_first(order, "lines"); each != NULL; each = each->next)
        if (cw_office_is_goods(each) && is_same_group(line, each)) {
            struct cw_decimal more = cw_order_line_rest(each);
            cw_decimal_add(&sum, &more, &sum, NULL);
        }
    return sum;
}

static bool counts_all(const void *arg, const struct office_sent *sent)
{
    (void)arg;
    (void)sent;
    return true;
}

static struct cw_decimal sent_of(const struct cw_document *order, const struct cw_document *line,
                                 const struct office_sent *sent, cw_office_counts_fn *counts, const void *arg)
{
    struct cw_decimal sum = cw_decimal_from_int(0), whole = rest_of(order, line);
    for (; sent != NULL; sent = sent->next) {
        if (!counts(arg, sent))
            continue;
        if (sent->is_whole)
            cw_decimal_add(&sum, &whole, &sum, NULL);
        else if (belongs(order, line, sent))
            cw_decimal_add(&sum, &sent->quantity, &sum, NULL);
    }
    return sum;
}

bool cw_office_is_complete(const struct cw_document *order, const struct office_sent *sent,
                           cw_office_counts_fn *counts, const void *arg)
{
    for (const struct cw_document *line = cw_office_first(order, "lines"); line != NULL; line = line->next) {
        if (!cw_office_is_goods(line))
            continue;
        struct cw_decimal rest = rest_of(order, line), left = sent_of(order, line, sent, counts, arg);
        if (cw_decimal_compare(&left, &rest) < 0)
            return false;
    }
    return true;
}

/* --- not more than was ordered --- */

/* Of the line by its id alone: the others of its SKU cannot take what is too much for this one. */
static struct cw_decimal sent_by_id(const struct cw_document *line, const struct office_sent *sent)
{
    struct cw_decimal sum = cw_decimal_from_int(0);
    for (; sent != NULL; sent = sent->next)
        if (line->external_id.len > 0 && cw_slice_equal(sent->line_id, line->external_id))
            cw_decimal_add(&sum, &sent->quantity, &sum, NULL);
    return sum;
}

static bool fail_over(const struct office_order *order, const struct cw_document *line,
                      const struct cw_decimal *sent, const struct cw_decimal *rest, struct cw_error *err)
{
    char sent_text[CW_DECIMAL_TEXT_MAX], rest_text[CW_DECIMAL_TEXT_MAX];
    struct cw_slice sku = cw_office_text(line, "sku");
    cw_decimal_format(sent, sent_text);
    cw_decimal_format(rest, rest_text);
    return cw_fail(err, CW_REFUSED,
                   "with it %s of %s %.*s would have left for order %.*s of %.*s, but %s were ordered and "
                   "not cancelled; see: cartwright list shipments --cart office",
                   sent_text, sku.len > 0 ? "sku" : "line",
                   CW_SLICE_ARG(sku.len > 0 ? sku : line->external_id), CW_SLICE_ARG(order->id),
                   CW_SLICE_ARG(order->cart), rest_text);
}

/* Of what left for other lines nothing is said here: the cart may have made them smaller since. */
static bool concerns(const struct office_order *order, const struct cw_document *line,
                     const struct office_sent *sent, struct cw_slice shipment)
{
    for (; sent != NULL; sent = sent->next)
        if (cw_slice_equal(sent->shipment, shipment) && (sent->is_whole || belongs(order->doc, line, sent)))
            return true;
    return false;
}

static bool check_over(const struct office_order *order, const struct office_sent *sent,
                       struct cw_slice shipment, struct cw_error *err)
{
    for (const struct cw_document *line = cw_office_first(order->doc, "lines"); line != NULL;
         line = line->next) {
        if (!is_ordered(line) || !concerns(order, line, sent, shipment))
            continue;
        struct cw_decimal rest = rest_of(order->doc, line), own = cw_order_line_rest(line);
        struct cw_decimal all = sent_of(order->doc, line, sent, counts_all, NULL),
                          by_id = sent_by_id(line, sent);
        if (cw_decimal_compare(&all, &rest) > 0)
            return fail_over(order, line, &all, &rest, err);
        if (cw_decimal_compare(&by_id, &own) > 0)
            return fail_over(order, line, &by_id, &own, err);
    }
    return true;
}

/* Tracking may come late, also for an order that the cart made smaller meanwhile. */
static bool ships_something_else(const struct office_doc *doc)
{
    const struct cw_document *a = doc->before != NULL ? cw_office_first(doc->before, "lines") : NULL;
    const struct cw_document *b = cw_office_first(doc->doc, "lines");
    if (doc->before == NULL ||
        !cw_slice_equal(cw_office_text(doc->before, "order_id"), cw_office_text(doc->doc, "order_id")) ||
        !cw_slice_equal(cw_office_text(doc->before, "order_cart"), cw_office_text(doc->doc, "order_cart")))
        return true;
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        struct cw_decimal was = quantity_of(a), is = quantity_of(b);
        if (cw_decimal_compare(&was, &is) != 0 ||
            !cw_slice_equal(cw_office_text(a, "line_id"), cw_office_text(b, "line_id")) ||
            !cw_slice_equal(cw_office_text(a, "sku"), cw_office_text(b, "sku")))
            return true;
    }
    return a != NULL || b != NULL;
}

bool cw_office_check_shipped(struct office_job *job)
{
    if (job->put->kind != &cw_kind_shipment)
        return true;
    for (size_t i = 0; i < job->count; i++) {
        struct office_doc *doc = &job->docs[i];
        struct office_sent *sent;
        struct cw_error err;
        if (!is_live(doc) || !ships_something_else(doc))
            continue;
        const struct office_order *order = cw_office_order_of(job, doc->doc);
        if (!cw_office_read_sent(job, order, &sent))
            return false;
        if (!check_over(order, sent, doc->id, &err) && !cw_office_fault(job, doc, &err))
            return false;
    }
    return true;
}

/* --- what they take of stock --- */

static void recounted(void *arg, const struct cw_error *err)
{
    cw_office_answered(arg, err);
}

/* All orders of the cart whose first one is at `from`. */
static bool recount_cart(struct office_job *job, size_t from)
{
    struct cw_slice ids[2 * CW_OFFICE_PAGE], cart = job->orders[from].cart;
    size_t count = 0;
    for (size_t i = from; i < job->order_count; i++)
        if (cw_slice_equal(job->orders[i].cart, cart))
            ids[count++] = job->orders[i].id;
    job->has_failed = false;
    cw_recount_orders_anew(job->txn, job->put->config, cart, ids, count, recounted, job);
    cw_store_wait(job->store);
    return !job->has_failed;
}

static bool is_first_of_cart(const struct office_job *job, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (cw_slice_equal(job->orders[i].cart, job->orders[at].cart))
            return false;
    return true;
}

bool cw_office_recount_orders(struct office_job *job)
{
    if (job->put->kind != &cw_kind_shipment)
        return true;
    for (size_t i = 0; i < job->order_count; i++)
        if (is_first_of_cart(job, i) && !recount_cart(job, i))
            return false;
    return true;
}
