/* store_document_plan.c - see store_document_plan.h. */
#include "adapters/store_document_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/document_json.h"
#include "base/currency.h"

/* --- columns --- */

static size_t count_columns(const struct cw_kind *kind)
{
    size_t count = 0;
    for (size_t i = 0; i < kind->field_count; i++) {
        enum cw_type type = kind->fields[i].type;
        count += type == CW_RECORD ? kind->fields[i].kind->field_count : type != CW_LIST;
    }
    return count;
}

static void add_record(struct cw_store_rows *rows, int record)
{
    const struct cw_field *outer = &rows->kind->fields[record];
    for (size_t i = 0; i < outer->kind->field_count; i++) {
        struct cw_store_column *column = &rows->columns[rows->count++];
        const struct cw_field *field = &outer->kind->fields[i];
        *column = (struct cw_store_column){ .record = record, .field = (int)i, .type = field->type };
        column->is_id = strcmp(field->name, "external_id") == 0;
        cw_store_flat_column(outer, field, column->name);
    }
}

static void add_scalar(struct cw_store_rows *rows, int field)
{
    struct cw_store_column *column = &rows->columns[rows->count++];
    const struct cw_field *scalar = &rows->kind->fields[field];
    *column = (struct cw_store_column){ .record = -1, .field = field, .type = scalar->type };
    column->is_id = strcmp(scalar->name, "external_id") == 0;
    cw_store_column(rows->kind, scalar, column->name);
}

static bool plan_columns(struct cw_store_rows *rows, struct cw_error *err)
{
    size_t count = count_columns(rows->kind);
    rows->columns = calloc(count, sizeof *rows->columns);
    rows->scratch = calloc(count, sizeof *rows->scratch);
    if (rows->columns == NULL || rows->scratch == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory for the store's statements");
    for (size_t i = 0; i < rows->kind->field_count; i++) {
        if (rows->kind->fields[i].type == CW_RECORD)
            add_record(rows, (int)i);
        else if (rows->kind->fields[i].type != CW_LIST)
            add_scalar(rows, (int)i);
    }
    return true;
}

/* --- plans --- */

static bool plan_list(struct cw_store_document *plan, int field, struct cw_error *err)
{
    const struct cw_kind *parent = plan->kind;
    struct cw_store_rows *rows = &plan->lists[plan->list_count++];
    *rows = (struct cw_store_rows){ .kind = parent->fields[field].kind, .list = field };
    snprintf(rows->table, sizeof rows->table, "%s_%s", parent->name, parent->fields[field].name);
    snprintf(rows->parent, sizeof rows->parent, "%s_id", parent->name);
    return plan_columns(rows, err);
}

bool cw_store_document_init(struct cw_store_document *plan, const struct cw_kind *kind, struct cw_error *err)
{
    *plan = (struct cw_store_document){ .kind = kind,
                                        .currency = cw_kind_field(kind, cw_slice("currency")),
                                        .own = { .kind = kind, .list = -1 } };
    snprintf(plan->own.table, sizeof plan->own.table, "%s", kind->plural);
    bool ok = plan_columns(&plan->own, err);
    for (size_t i = 0; ok && i < kind->field_count; i++)
        if (kind->fields[i].type == CW_LIST)
            ok = plan_list(plan, (int)i, err);
    return ok;
}

static void free_rows(struct cw_store_rows *rows)
{
    free(rows->columns);
    free(rows->scratch);
}

void cw_store_document_fini(struct cw_store_document *plan)
{
    free_rows(&plan->own);
    for (size_t i = 0; i < plan->list_count; i++)
        free_rows(&plan->lists[i]);
    *plan = (struct cw_store_document){ 0 };
}

bool cw_store_print_names(struct cw_buffer *sql, const struct cw_store_rows *rows, struct cw_error *err)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!cw_buffer_print(sql, err, ", %s", rows->columns[i].name))
            return false;
    return true;
}

/* --- values --- */

int cw_store_money_digits(const struct cw_store_document *plan, const struct cw_document *doc)
{
    const struct cw_value *currency = plan->currency >= 0 ? &doc->values[plan->currency] : NULL;
    return currency != NULL && currency->is_set ? cw_currency_digits(currency->text) : -1;
}

/* The document or record that the column is of; NULL when it has no such record. */
static const struct cw_document *owner_of(const struct cw_document *doc, const struct cw_store_column *column)
{
    if (column->record < 0)
        return doc;
    const struct cw_value *record = &doc->values[column->record];
    return record->is_set ? record->record : NULL;
}

static struct cw_bind bind_value(enum cw_type type, const struct cw_value *value, int money_digits,
                                 char *scratch)
{
    switch (type) {
    case CW_INTEGER:
        return cw_bind_int(value->integer);
    case CW_BOOLEAN:
        return cw_bind_int(value->boolean);
    case CW_TIME:
        cw_store_time_text(value->time, scratch);
        return cw_bind_word(scratch);
    default:
        return cw_bind_text(cw_value_text(type, value, money_digits, scratch));
    }
}

/* Where the column's value stands; NULL when it is unset. An id may stand in `head` alone. */
static const struct cw_value *value_of(const struct cw_document *doc, const struct cw_store_column *column,
                                       struct cw_value *head)
{
    const struct cw_document *owner = owner_of(doc, column);
    if (owner == NULL)
        return NULL;
    const struct cw_value *value = &owner->values[column->field];
    if (value->is_set)
        return value;
    if (!column->is_id || owner->external_id.len == 0)
        return NULL;
    *head = (struct cw_value){ .is_set = true, .text = owner->external_id };
    return head;
}

bool cw_store_bind_column(const struct cw_store_rows *rows, size_t at, const struct cw_document *doc,
                          int money_digits, struct cw_bind *bind, struct cw_error *err)
{
    const struct cw_store_column *column = &rows->columns[at];
    struct cw_value head;
    const struct cw_value *value = value_of(doc, column, &head);
    *bind = (struct cw_bind){ .type = CW_BIND_NULL };
    if (value != NULL)
        *bind = bind_value(column->type, value, money_digits, rows->scratch[at]);
    if (bind->slice.len <= CW_STORE_TEXT_MAX)
        return true;
    cw_fail(err, CW_LIMIT, "the text has %zu bytes; the store takes at most %d", bind->slice.len,
            CW_STORE_TEXT_MAX);
    return cw_fail_at(err, NULL, column->name, NULL);
}

bool cw_store_bind_custom(const struct cw_document *doc, struct cw_buffer *json, struct cw_bind *bind,
                          struct cw_error *err)
{
    cw_buffer_clear(json);
    *bind = (struct cw_bind){ .type = CW_BIND_NULL };
    if (!cw_custom_json(json, doc, err))
        return false;
    if (json->len > 0)
        *bind = cw_bind_text(cw_buffer_slice(json));
    return true;
}
