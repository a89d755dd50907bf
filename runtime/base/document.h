/* document.h - the words of the system: which kinds of documents there are, their fields, and one document.
 *
 * The tables here are the single source for the mapping (which targets exist, of which type), for the store
 * (which columns), for the commands (what is shown) and for the editor's types. A field's help is one
 * sentence.
 */
#ifndef CW_BASE_DOCUMENT_H
#define CW_BASE_DOCUMENT_H

#include "base/arena.h"
#include "base/decimal.h"
#include "base/time.h"

enum cw_type {
    CW_TEXT,    /* UTF-8, trimmed unless mapped otherwise */
    CW_DECIMAL, /* quantity, rate, weight */
    CW_MONEY,   /* exact decimal in the document's currency */
    CW_INTEGER, /* 64 bits */
    CW_BOOLEAN,
    CW_TIME,
    CW_RECORD, /* one nested record of `kind`: an address */
    CW_LIST    /* nested records of `kind`: lines */
};

struct cw_kind;

struct cw_field {
    const char *name;
    enum cw_type type;
    const struct cw_kind *kind; /* for CW_RECORD and CW_LIST */
    const char *const *choices; /* the only texts allowed, NULL-terminated; NULL = any */
    const char *help;
};

struct cw_kind {
    const char *name;   /* "order", "line" */
    const char *plural; /* "orders"; the table of the store for kinds that are documents of their own */
    bool is_document;   /* false for nested records */
    const struct cw_field *fields;
    size_t field_count;
};

extern const struct cw_kind cw_kind_order, cw_kind_line, cw_kind_address, cw_kind_discount, cw_kind_payment,
    cw_kind_fee, cw_kind_tax, cw_kind_customer, cw_kind_item, cw_kind_variant, cw_kind_component,
    cw_kind_stock_level, cw_kind_shipment, cw_kind_shipment_line, cw_kind_purchase_order,
    cw_kind_purchase_order_line, cw_kind_invoice, cw_kind_invoice_line, cw_kind_price, cw_kind_vendor_level;

/* All kinds, nested ones included; NULL-terminated. */
extern const struct cw_kind *const cw_kinds[];

/* By singular or plural name; NULL when there is none. */
const struct cw_kind *cw_kind_find(struct cw_slice name);
/* Index of a field; -1 when there is none. */
int cw_kind_field(const struct cw_kind *kind, struct cw_slice name);
/* The field's name that looks most like `name`, for "did you mean"; NULL when nothing is near. */
const char *cw_kind_suggest(const struct cw_kind *kind, struct cw_slice name);
const char *cw_type_name(enum cw_type type); /* "text", "money", ... */

/* What an open order does to stock; each piece counts once. In shipping: released, and may be shipped now. */
enum cw_demand { CW_DEMAND_PENDING, CW_DEMAND_ALLOCATED, CW_DEMAND_SHIPPING };

struct cw_document;

struct cw_value {
    bool is_set; /* false: absent, which is not the same as an empty text or zero */
    union {
        struct cw_slice text;
        struct cw_decimal decimal; /* CW_DECIMAL and CW_MONEY */
        int64_t integer;
        bool boolean;
        cw_time time;
        struct cw_document *record; /* CW_RECORD */
        struct {
            struct cw_document *first, *last; /* CW_LIST, linked by next */
            size_t count;
        } list;
    };
};

/* What is asked of the store before rules are run: the documents of one cart whose `field` is `value`. */
struct cw_question {
    const struct cw_kind *kind;
    struct cw_slice cart;
    const char *field; /* customer: external_id number email phone vat_number company; item: external_id sku
                          barcode vendor_sku, of its variants too; order: number */
    struct cw_slice value;
    bool whole; /* the document itself is wanted, not only its key */
};

/* Texts are compared exactly first; where none fits, without case (ASCII). Items that are not active stand
 * behind those that are. */
struct cw_answer {
    struct cw_slice external_id;
    struct cw_slice variant_id; /* the variant that fitted; empty = the item itself */
    struct cw_document *doc;    /* when wanted whole */
};
enum { CW_ANSWERS_MAX = 2 }; /* two say that it is not the only one */
struct cw_answers {
    struct cw_answer found[CW_ANSWERS_MAX];
    size_t count;
    bool is_loose; /* they fit without case only */
};

/* A field of the site's own, kept beside the kind's fields. Never CW_RECORD or CW_LIST. */
struct cw_custom {
    struct cw_custom *next;
    struct cw_slice name;
    enum cw_type type;
    struct cw_value value;
};

struct cw_document {
    const struct cw_kind *kind;
    struct cw_document *next;    /* sibling in a list */
    struct cw_slice external_id; /* the cart's id, any length; empty for nested records without one */
    struct cw_custom *custom;    /* in the order of their names in the mapping */
    struct cw_value values[];    /* kind->field_count of them, by field index */
};

/* All values unset; NULL when the arena is exhausted. */
struct cw_document *cw_document_create(struct cw_arena *arena, const struct cw_kind *kind);

/* The value by field name; for code that knows the name at compile time. NULL for an unknown one. */
const struct cw_value *cw_document_get(const struct cw_document *doc, const char *field);

/* A scalar as the text that people and JSON see: decimals plain, money trimmed to `money_digits` at least (-1
 * = as it is), times ISO, booleans true/false. Text points into the value or into `scratch`. */
enum { CW_VALUE_TEXT_MAX = 64 };
struct cw_slice cw_value_text(enum cw_type type, const struct cw_value *value, int money_digits,
                              char scratch[CW_VALUE_TEXT_MAX]);

#endif
