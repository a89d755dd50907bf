/* plan.h - a mapping compiled once, at load, and run in C for each record; explains every value it makes.
 *
 * A plan makes documents of one kind: a list of rules, each with a target field, a source and a conversion
 * that follows from the target's type. What is wrong with the mapping itself (unknown field, malformed path,
 * wrong type) is refused when the rule is added; what is wrong with a record becomes an issue of that record,
 * never an error.
 *
 * Absent: no node, JSON null, an empty text, or one of the rule's `none` texts. An absent value takes the
 * default, else stays unset; where the rule is `required` it is the issue "missing". Texts are trimmed unless
 * `keep_space`. Booleans: true/false, 1/0, yes/no, on/off, any case. Integers and decimals are read from
 * their digits as written, never through a float; money needs a currency (the document's `currency` field,
 * which is mapped first whatever the order of the rules) that is in ISO 4217, else the issue "currency", once
 * a record.
 *
 * A table row that means "no value" makes the value absent. Every match of a list's path is a record of the
 * list (is_set with count 0 when there is none), but for nulls and empty elements; a skip rule of a nested
 * plan leaves its records out. Lines that share an external_id are the issue "duplicate-id".
 *
 * Issue codes: missing, invalid (cannot be read as its type), choice (not one of the field's words),
 * unknown-TABLE (no row), script (a function raised), limit, currency, overflow, duplicate-id.
 */
#ifndef CW_MAPPING_PLAN_H
#define CW_MAPPING_PLAN_H

#include "base/currency.h"
#include "base/document.h"
#include "mapping/path.h"

enum { CW_PLAN_ISSUES_MAX = 200 }; /* of one record; one more, "limit", says that there were others */

struct cw_plan;

/* --- building --- */

enum cw_source {
    CW_FROM_PATHS,    /* the first of `paths` that is not absent */
    CW_FROM_JOIN,     /* all of `paths` that are not absent, joined with `text` between */
    CW_FROM_SUM,      /* the sum of every match of all `paths`; 0 when there is none */
    CW_FROM_CONSTANT, /* `text` */
    CW_FROM_CALL,     /* the function `call` */
    CW_FROM_EACH,     /* a list: `plan` for every match of paths[0] */
    CW_FROM_RECORD,   /* a nested record: `plan` at the first match of paths[0] ("." = right here); unset when
                         none   matches or every value in it is absent */
    CW_FROM_RULE      /* only in explanations: not mapped, made by a rule */
};

struct cw_field_rule {
    const char *target; /* field of the plan's kind, or the name of a custom field */
    bool is_custom;
    enum cw_type custom_type; /* for a custom field */
    enum cw_source source;
    const struct cw_slice *paths;
    size_t path_count;
    struct cw_slice text;
    int call; /* the host's number of a function; with CW_FROM_PATHS -1 */
    const struct cw_plan *plan;
    const char *table; /* translate the text through this table; NULL = as it is */
    bool required;
    bool has_default;
    struct cw_slice default_text; /* read like a value of the cart; not translated */
    const struct cw_slice *none;
    size_t none_count;
    const struct cw_zone *zone;     /* for times without an offset; NULL = they are the issue "invalid" */
    const struct cw_slice *formats; /* how the cart writes the number or time: see base/written.h */
    size_t format_count;            /* 0 = the usual way */
    struct cw_slice times;          /* decimals and money: multiplied by this number; empty = as it is */
    bool keep_space;
    bool html;             /* decode HTML entities once, drop no tags */
    bool negate;           /* decimals and money: minus the value */
    struct cw_slice where; /* "carts/prestashop.lua:41", for messages and explanations */
};

/* `context` names the plan in messages ("orders.map"). */
struct cw_plan *cw_plan_create(const struct cw_kind *kind, const char *context, struct cw_error *err);
void cw_plan_free(struct cw_plan *plan); /* accepts NULL; nested plans are borrowed, free them after */

/* Copies everything but zone and plan, which must outlive this plan. CW_USAGE with the rule's place and a
 * suggestion ("unknown field "quantiy" of line; did you mean "quantity"?"), also for a second rule with one
 * target, a source that does not fit the type, a constant, default or table value that is not one of the
 * field's choices. */
bool cw_plan_add(struct cw_plan *plan, const struct cw_field_rule *rule, struct cw_error *err);

/* A row of a translation table, shared by the plan and its nested plans (add them to the outermost). Keys
 * compare exactly first, then without case (ASCII and Latin-1/UTF-8 case folding); key "*" is the default
 * row. `is_nothing`: the key is known and means "no value". A later row replaces an earlier one. */
bool cw_plan_add_row(struct cw_plan *plan, const char *table, struct cw_slice key, struct cw_slice value,
                     bool is_nothing, struct cw_slice where, struct cw_error *err);

/* Records whose text at `path` is one of `values` are skipped by the rule `name`. It decides which of them
 * come in: what was taken in once is kept up to date whatever becomes of it. */
bool cw_plan_add_skip(struct cw_plan *plan, const char *name, struct cw_slice path,
                      const struct cw_slice *values, size_t value_count, struct cw_error *err);
/* The same with a function that answers true. */
bool cw_plan_add_skip_call(struct cw_plan *plan, const char *name, int call, struct cw_error *err);

/* After the last rule, for the outermost plan: checks that every table named by a rule has rows, that their
 * values fit the rule's field, and that money has a currency. Reports all faults, one a line, up to the
 * error's size. */
bool cw_plan_finish(struct cw_plan *plan, struct cw_error *err);

/* For advice in messages: `cartwright table set NAME ...`. Borrowed. */
void cw_plan_name_cart(struct cw_plan *plan, const char *cart);

/* --- running --- */

struct cw_found_issue {
    struct cw_found_issue *next;
    struct cw_slice code, field, path, message; /* field: "lines[2].quantity", counted from 1 */
    struct cw_slice subject; /* the key without a row, the unknown SKU; what wants the same mend shares it */
    bool is_hold;            /* the document is whole; a person may let it pass */
};

/* How one value came about. */
struct cw_trace {
    struct cw_trace *next;
    struct cw_slice field; /* "lines[1].sku" or "custom.gift" */
    enum cw_source source;
    bool from_default;
    struct cw_slice path;             /* the one that gave it, or empty */
    struct cw_slice raw;              /* as the cart wrote it */
    struct cw_slice table, row;       /* translated by this row's key, or empty */
    struct cw_slice value;            /* as the document has it */
    struct cw_slice where;            /* script line */
    struct cw_slice rule, rule_where; /* what a rule, or an edit, made of it after the mapping; or empty */
    struct cw_slice rule_table, rule_row; /* by this row's key, or empty */
};

/* Functions of the script. `want` is the type the target needs; *out is unset for "no value"; texts must be
 * in the arena. false: err says why, with the script line; it becomes the issue "script" or "limit". */
struct cw_plan_host {
    void *arg;
    bool (*call)(void *arg, int call, const struct cw_scope *scope, enum cw_type want, struct cw_arena *arena,
                 struct cw_value *out, struct cw_error *err);
};

struct cw_mapped {
    struct cw_document *doc;
    struct cw_found_issue *issues; /* NULL = none */
    struct cw_trace *trace;        /* in the order of the kind's fields; NULL unless asked for */
    const char *skipped_by;        /* the skip rule's name; doc is then NULL */
    struct cw_document *also;      /* documents that rules made along with it, linked by next */
    struct cw_slice tell_cart;     /* the status that the cart is to be told; empty = none */
};

/* What is to be made of one record besides its document. */
struct cw_plan_how {
    bool is_stored; /* its document is there already: skip rules, but those of nested plans, do not act */
    bool trace;
};

/* Maps one record. Everything made lives in `arena`; texts that need no change point into the record's tree
 * or the plan, which must outlive the document. false only when the arena is exhausted (CW_NOMEM, CW_LIMIT).
 */
bool cw_plan_run(const struct cw_plan *plan, const struct cw_scope *scope, struct cw_slice external_id,
                 const struct cw_plan_host *host, struct cw_plan_how how, struct cw_arena *arena,
                 struct cw_mapped *out, struct cw_error *err);

/* Adds an issue to a mapped record, for checks that come after the mapping. NULL when the arena is exhausted;
 * the caller may set its subject (which must outlive the record) and is_hold. */
struct cw_found_issue *cw_mapped_add_issue(struct cw_mapped *mapped, struct cw_arena *arena, const char *code,
                                           const char *field, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Whether some issue is about that field. */
bool cw_mapped_has_issue(const struct cw_mapped *mapped, const char *field);

/* Notes for explanations that `by` (a rule's name, "edit of ann: reason") at `where` made the value of
 * `field` what it is now. Does nothing for a record that is not traced. */
bool cw_mapped_explain(struct cw_mapped *mapped, struct cw_arena *arena, const char *field,
                       struct cw_slice value, struct cw_slice by, struct cw_slice where);

/* Drops the issues that `releases` let pass; only holds can be. */
struct cw_pass {
    struct cw_slice code, field, message;
};
void cw_mapped_pass(struct cw_mapped *mapped, const struct cw_pass *passes, size_t count);

#endif
