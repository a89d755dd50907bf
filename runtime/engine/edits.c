/* edits.c - see edits.h. */
#include "engine/edits.h"

#include <inttypes.h>
#include <stdio.h>

#include <glib.h>

#include "engine/recount.h"
#include "engine/office.h"
#include "mapping/edit.h"
#include "mapping/totals.h"

enum { ARENA_LIMIT = 64 * 1024 * 1024 };

struct editing {
    const struct cw_edit_request *request;
    const struct cw_clock *clock;
    struct cw_arena arena;
    struct cw_txn *txn;
    const struct cw_stored *stored;
    struct cw_document *doc, *before;
    struct cw_slice *named; /* the fields changed so far */
    size_t named_count;
    bool ok;
    struct cw_error *err;
};

static bool adds_up(struct editing *editing, struct cw_slice *why)
{
    struct cw_mapped mapped = { .doc = cw_document_copy(&editing->arena, editing->doc) };
    struct cw_error err;
    if (mapped.doc == NULL || !cw_totals_check(&mapped, &editing->arena, &err))
        return false;
    if (mapped.issues != NULL)
        *why = mapped.issues->message;
    return mapped.issues == NULL;
}

static const struct cw_edit *find_edit(const struct editing *editing, struct cw_slice field)
{
    for (size_t i = 0; i < editing->stored->edit_count; i++)
        if (cw_slice_equal(editing->stored->edits[i].field, field))
            return &editing->stored->edits[i];
    return NULL;
}

static bool audit(struct editing *editing, const char *action, struct cw_slice field, struct cw_slice before,
                  struct cw_slice after)
{
    const struct cw_edit_request *request = editing->request;
    struct cw_buffer object = { 0 };
    bool ok =
        cw_buffer_print(&object, editing->err, "%.*s %s %.*s %.*s", CW_SLICE_ARG(request->cart),
                        request->kind->name, CW_SLICE_ARG(request->external_id), CW_SLICE_ARG(field)) &&
        cw_txn_audit(editing->txn, request->who, cw_slice(action), cw_buffer_slice(&object),
                     before.data != NULL ? before : cw_slice(""), after.data != NULL ? after : cw_slice(""),
                     request->reason, cw_now(editing->clock));
    cw_buffer_fini(&object);
    return ok;
}

static bool undo(struct editing *editing, const struct cw_edit *known, struct cw_slice field,
                 struct cw_slice before)
{
    const struct cw_edit_request *request = editing->request;
    if (known == NULL)
        return cw_fail(editing->err, CW_USAGE, "%.*s of %s %.*s was not edited, so there is nothing to undo",
                       CW_SLICE_ARG(field), request->kind->name, CW_SLICE_ARG(request->external_id));
    return cw_document_set(editing->doc, field, known->cart_value, NULL, &editing->arena, editing->err) &&
           cw_txn_drop_edit(editing->txn, request->cart, request->kind, request->external_id, field) &&
           audit(editing, "undo edit", field, before, known->cart_value);
}

static bool put(struct editing *editing, const struct cw_edit *known, struct cw_slice field,
                struct cw_slice before, struct cw_slice after)
{
    const struct cw_edit_request *request = editing->request;
    struct cw_edit edit = { .field = field,
                            .value = after,
                            .cart_value = known != NULL ? known->cart_value : before,
                            .who = request->who,
                            .reason = request->reason,
                            .at = cw_now(editing->clock) };
    return cw_txn_put_edit(editing->txn, request->cart, request->kind, request->external_id, &edit) &&
           audit(editing, "edit", field, before, after);
}

static bool is_named_before(struct editing *editing, struct cw_slice field)
{
    for (size_t i = 0; i < editing->named_count; i++)
        if (cw_slice_equal(editing->named[i], field))
            return true;
    editing->named[editing->named_count++] = field;
    return false;
}

/* What carts send is decoded before it is mapped; what people type is not. */
static bool is_text(const struct cw_change *wanted, struct cw_error *err)
{
    if (wanted->value.len == 0 || g_utf8_validate(wanted->value.data, (gssize)wanted->value.len, NULL))
        return true;
    return cw_fail(err, CW_INVALID, "%s cannot be a text that is not UTF-8", wanted->field);
}

/* "lines[2].sku" of a line without an id: with the cart's next version it could be another line's. */
static bool stays_in_place(struct cw_slice field, struct cw_error *err)
{
    const char *at = memchr(field.data, '[', field.len);
    if (at == NULL || (size_t)(cw_slice_end(field) - at) < 4 || memcmp(at, "[id=", 4) == 0)
        return true;
    return cw_fail(
        err, CW_REFUSED,
        "%.*s: the cart gives this one no id, so that an edit of it could slip to another when the cart "
        "sends them in another order; mend it in the shop or in the mapping, or map external_id",
        CW_SLICE_ARG(field));
}

/* Of a line that is gone only the edit is left. */
static bool undo_of_gone(struct editing *editing, struct cw_slice field)
{
    const struct cw_edit_request *request = editing->request;
    const struct cw_edit *known = find_edit(editing, field);
    struct cw_slice none = { NULL, 0 };
    return known != NULL &&
           cw_txn_drop_edit(editing->txn, request->cart, request->kind, request->external_id, field) &&
           audit(editing, "undo edit", field, known->value, none);
}

static bool change(struct editing *editing, const struct cw_change *wanted)
{
    const struct cw_edit_request *request = editing->request;
    struct cw_slice field = cw_slice(wanted->field), before, after;
    struct cw_place place;
    struct cw_error gone;
    if (wanted->is_undo && !cw_document_place(editing->doc, field, &place, &gone) &&
        undo_of_gone(editing, field))
        return true;
    if (!is_text(wanted, editing->err) ||
        !cw_document_stable_name(editing->doc, cw_slice(wanted->field), &editing->arena, &field,
                                 editing->err) ||
        !cw_document_text(editing->doc, field, &editing->arena, &before, editing->err))
        return false;
    if (!stays_in_place(field, editing->err))
        return false;
    if (is_named_before(editing, field))
        return cw_fail(editing->err, CW_USAGE, "%.*s is named twice; one change of it is enough",
                       CW_SLICE_ARG(field));
    const struct cw_edit *known = find_edit(editing, field);
    before = before.data != NULL ? cw_arena_copy(&editing->arena, before) : before;
    if (wanted->is_undo)
        return undo(editing, known, field, before);
    if (!cw_document_set(editing->doc, field, wanted->value, request->zone, &editing->arena, editing->err) ||
        !cw_document_text(editing->doc, field, &editing->arena, &after, editing->err))
        return false;
    if (request->rules != NULL &&
        !cw_rules_may_move(request->rules, wanted->field, before, after, editing->err))
        return false;
    return put(editing, known, field, before, after);
}

/* "lines[id=7]" of "lines[id=7].quantity", where the field is one that the line's total is made of. */
static struct cw_slice line_of_factor(struct cw_slice field)
{
    static const char *const factors[] = { ".quantity", ".unit_price", ".discount" };
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        size_t len = strlen(factors[i]);
        if (field.len > len && memcmp(field.data, "lines[", 6) == 0 &&
            memcmp(cw_slice_end(field) - len, factors[i], len) == 0)
            return (struct cw_slice){ field.data, field.len - len };
    }
    return (struct cw_slice){ NULL, 0 };
}

/* A line whose total stays what it was while its quantity does not is no line any more. */
static bool check_line_totals(struct editing *editing)
{
    for (size_t i = 0; i < editing->named_count; i++) {
        char name[CW_ERROR_NAME_MAX];
        struct cw_slice line = line_of_factor(editing->named[i]), total = { NULL, 0 };
        bool is_named = line.data == NULL;
        snprintf(name, sizeof name, "%.*s.total", CW_SLICE_ARG(line));
        for (size_t j = 0; j < editing->named_count; j++)
            is_named = is_named || cw_slice_is(editing->named[j], name);
        if (!is_named &&
            !cw_document_text(editing->doc, cw_slice(name), &editing->arena, &total, editing->err))
            return false;
        if (total.data != NULL)
            return cw_fail(
                editing->err, CW_REFUSED,
                "with this edit %.*s changes, but %s stays %.*s; change all amounts that belong together "
                "at once",
                CW_SLICE_ARG(editing->named[i]), name, CW_SLICE_ARG(total));
    }
    return true;
}

/* Amounts that did not add up before, because somebody let them pass, need not do so now. */
static bool check_sums(struct editing *editing, bool added_up)
{
    struct cw_slice why = { "", 0 };
    if (!added_up || adds_up(editing, &why))
        return true;
    return cw_fail(editing->err, CW_REFUSED,
                   "with this edit %.*s; change all amounts that belong together at once", CW_SLICE_ARG(why));
}

static bool change_all(struct editing *editing)
{
    const struct cw_edit_request *request = editing->request;
    struct cw_slice why;
    bool added_up = adds_up(editing, &why);
    editing->named = cw_arena_alloc(&editing->arena, request->count * sizeof *editing->named);
    if (editing->named == NULL)
        return cw_fail(editing->err, CW_NOMEM, "no memory for an edit");
    for (size_t i = 0; i < request->count; i++)
        if (!change(editing, &request->changes[i]))
            return false;
    return check_line_totals(editing) && check_sums(editing, added_up) &&
           cw_txn_put_document(editing->txn, request->cart, editing->doc, cw_now(editing->clock), 0);
}

static void committed(void *arg, const struct cw_error *err)
{
    struct editing *editing = arg;
    editing->ok = err == NULL;
    if (err != NULL)
        *editing->err = *err;
}

/* --- what the cart is told --- */

static struct cw_slice status_of(const struct cw_document *order)
{
    const struct cw_value *status = cw_document_get(order, "status");
    return status->is_set ? status->text : (struct cw_slice){ "", 0 };
}

/* The same step may be taken again on another day, and is another message then. */
static bool tell_status(struct editing *editing)
{
    const struct cw_edit_request *request = editing->request;
    struct cw_slice event;
    char text[64];
    if (request->config == NULL || request->kind != &cw_kind_order)
        return true;
    struct cw_slice was = status_of(editing->before), is = status_of(editing->doc);
    if (is.len == 0 || cw_slice_equal(was, is))
        return true;
    cw_time now = cw_now(editing->clock);
    event = (struct cw_slice){ text, (size_t)snprintf(text, sizeof text, "edit/%" PRId64 "/%.*s", now,
                                                      CW_SLICE_ARG(cw_slice_clip(is, 24))) };
    return cw_office_status(editing->txn, request->config, editing->doc, request->cart, is, event, now,
                            editing->err);
}

/* --- what stock and prices that carts are told depend on --- */

static void end(struct editing *editing, bool ok);

static void counted(void *arg, const struct cw_error *err)
{
    struct editing *editing = arg;
    if (err != NULL)
        *editing->err = *err;
    end(editing, err == NULL);
}

static void demands_put(void *arg, const struct cw_error *err)
{
    struct editing *editing = arg;
    if (err != NULL)
        counted(editing, err);
    else
        cw_recount_run(editing->txn, editing->request->config, editing->clock, counted, editing);
}

static struct cw_slice order_of(const struct editing *editing)
{
    const struct cw_value *order = NULL;
    if (editing->request->kind == &cw_kind_order)
        return editing->request->external_id;
    if (editing->request->kind == &cw_kind_shipment)
        order = cw_document_get(editing->doc, "order_id");
    return order != NULL && order->is_set ? order->text : (struct cw_slice){ "", 0 };
}

static struct cw_slice cart_of_order(const struct editing *editing)
{
    const struct cw_value *cart = NULL;
    if (editing->request->kind == &cw_kind_shipment && editing->request->cart.len == 0)
        cart = cw_document_get(editing->doc, "order_cart");
    return cart != NULL && cart->is_set ? cart->text : editing->request->cart;
}

static void recount(struct editing *editing)
{
    const struct cw_edit_request *request = editing->request;
    struct cw_slice order = order_of(editing);
    if (order.len > 0)
        cw_recount_orders_anew(editing->txn, request->config, cart_of_order(editing), &order, 1, demands_put,
                               editing);
    else if (cw_recount_mark(editing->txn, editing->before) && cw_recount_mark(editing->txn, editing->doc))
        demands_put(editing, NULL);
    else
        end(editing, false);
}

static void end(struct editing *editing, bool ok)
{
    const struct cw_error *lost = cw_txn_error(editing->txn);
    if (!ok && lost != NULL)
        *editing->err = *lost;
    if (ok && !editing->request->dry_run) {
        cw_txn_commit(editing->txn, committed, editing);
        return;
    }
    cw_txn_rollback(editing->txn);
    editing->ok = ok;
}

static bool keep_before(struct editing *editing)
{
    editing->before = cw_document_copy(&editing->arena, editing->doc);
    return editing->before != NULL || cw_fail(editing->err, CW_NOMEM, "no memory for an edit");
}

static void got(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    struct editing *editing = arg;
    const struct cw_edit_request *request = editing->request;
    editing->stored = stored;
    editing->doc = err == NULL && count > 0 ? stored[0].doc : NULL;
    if (err != NULL)
        *editing->err = *err;
    else if (editing->doc == NULL)
        cw_fail(editing->err, CW_NOT_FOUND, "cart %.*s has no %s %.*s in the store; see: cartwright list %s",
                CW_SLICE_ARG(request->cart), request->kind->name, CW_SLICE_ARG(request->external_id),
                request->kind->plural);
    bool ok = editing->doc != NULL && keep_before(editing) && change_all(editing) && tell_status(editing);
    if (!ok || request->config == NULL)
        end(editing, ok);
    else if (cw_recount_is_needed(request->config))
        recount(editing);
    else
        demands_put(editing, NULL);
}

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct editing *editing = arg;
    const struct cw_edit_request *request = editing->request;
    struct cw_record_key key = { .cart = request->cart,
                                 .stream = cw_slice(request->kind->plural), /* only releases depend on it */
                                 .external_id = request->external_id };
    editing->txn = txn;
    if (err != NULL)
        *editing->err = *err;
    else
        cw_txn_get_documents(txn, request->kind, &key, 1, &editing->arena, got, editing);
}

bool cw_edit_document(struct cw_store *store, const struct cw_clock *clock,
                      const struct cw_edit_request *request, struct cw_error *err)
{
    struct editing editing = { .request = request, .clock = clock, .err = err };
    cw_arena_init(&editing.arena, ARENA_LIMIT);
    if (request->txn != NULL)
        begun(&editing, request->txn, NULL);
    else
        cw_txn_begin(store, (struct cw_fence){ request->cart, request->token }, begun, &editing);
    cw_store_wait(store);
    cw_arena_fini(&editing.arena);
    return editing.ok;
}
