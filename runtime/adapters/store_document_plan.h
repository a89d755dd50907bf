/* store_document_plan.h - private to the store: documents as rows, which tables and columns each kind has.
 *
 * All is generated once from the kinds' fields, so that a field is added in base/document.h and in the
 * schema, and nowhere else. Each engine makes its own statements of it.
 */
#ifndef CW_ADAPTERS_STORE_DOCUMENT_PLAN_H
#define CW_ADAPTERS_STORE_DOCUMENT_PLAN_H

#include "adapters/store_bind.h"
#include "adapters/store_words.h"

/* A scalar field: of the document itself, or of a record that is flattened into it. */
struct cw_store_column {
    int record; /* index of the field that is the record; -1 = the document's own */
    int field;  /* index in the document, or in the record */
    enum cw_type type;
    bool is_id; /* the cart's id of a record: may stand in the field or in the record's head */
    char name[CW_COLUMN_MAX];
};

/* The rows of one kind in one table. */
struct cw_store_rows {
    const struct cw_kind *kind;
    int list;                        /* index of the list's field in its parent; -1 = the document itself */
    char table[2 * CW_COLUMN_MAX];   /* "orders", "order_lines" */
    char parent[CW_COLUMN_MAX];      /* of a list: "order_id" */
    struct cw_store_column *columns; /* what both engines call by these names, in this order */
    size_t count;
    char (*scratch)[CW_VALUE_TEXT_MAX]; /* one a column: what numbers and times are bound to */
};

enum { CW_STORE_KINDS = 16, CW_STORE_LISTS_MAX = 8 };

struct cw_store_document {
    const struct cw_kind *kind;
    int currency; /* index of its currency; -1 = it has none */
    struct cw_store_rows own, lists[CW_STORE_LISTS_MAX];
    size_t list_count;
};

/* The parameters of statements that write, which stand before the fields' own, and the columns of those that
 * read. */
enum { CW_DOC_CART = 1, CW_DOC_ID, CW_DOC_RUN, CW_DOC_AT, CW_DOC_CUSTOM, CW_DOC_FIELDS };
enum { CW_READ_NUMBER, CW_READ_CUSTOM, CW_READ_FIELDS };

/* False and *err when memory is exhausted; cw_store_document_fini frees also what was planned half. */
bool cw_store_document_init(struct cw_store_document *plan, const struct cw_kind *kind, struct cw_error *err);
void cw_store_document_fini(struct cw_store_document *plan);

/* ", number, status". */
bool cw_store_print_names(struct cw_buffer *sql, const struct cw_store_rows *rows, struct cw_error *err);

/* The digits of money in a document's currency; -1 = as they are. */
int cw_store_money_digits(const struct cw_store_document *plan, const struct cw_document *doc);

/* What is bound for a column: CW_BIND_NULL for what is unset. Texts that are longer than the store takes fail
 * with CW_LIMIT, naming the column. */
bool cw_store_bind_column(const struct cw_store_rows *rows, size_t column, const struct cw_document *doc,
                          int money_digits, struct cw_bind *bind, struct cw_error *err);
/* Fields of the site's own as JSON in `json`, whose content is replaced; NULL where there are none. */
bool cw_store_bind_custom(const struct cw_document *doc, struct cw_buffer *json, struct cw_bind *bind,
                          struct cw_error *err);

#endif
