/* rules.h - what a site decides about the documents of one stream: compiled once, at load, and run in C after
 * the mapping and the totals.
 *
 * Rules are steps, run in their order. A step acts when all its conditions hold. What it needs to know of the
 * store is asked for first (cw_rules_ask), answered for all records of a page together, and handed in, so
 * that nothing here waits and the same document with the same answers always ends the same.
 *
 * A step that skips is only for documents that the store does not have yet: what was taken in once is kept up
 * to date, whatever its status is now. What a document is here (fields `type` and `state`) is decided when it
 * first comes, and kept. Nor does a step skip by a field that has an issue: what could not be mapped waits
 * for a person instead of being lost.
 *
 * Questions are asked of the document as it is before the first step; a step that changes an e-mail or an SKU
 * does not change what was asked.
 *
 * Issues made here: over-limit, duplicate, other-source, unknown-item, unknown-customer, unknown-address,
 * ambiguous-item, ambiguous-customer, status-step, freight-line, held-NAME (a rule of the site; NAME without
 * a leading "holds.") are holds: a person may release them. unknown-TABLE, invalid, choice, script, limit and
 * overflow are not: something must be mended first.
 */
#ifndef CW_MAPPING_RULES_H
#define CW_MAPPING_RULES_H

#include "mapping/plan.h"

struct cw_rules;

/* `field`'s text is one of `values` (not one of them where `is_not`); an unset field is the text "". Numbers,
 * booleans and times are compared by value. Fields are named as edit.h names them, but without lists. */
struct cw_condition {
    const char *field;
    const struct cw_slice *values;
    size_t value_count;
    bool is_not;
};

enum cw_action {
    CW_SKIP, /* the record is skipped by the rule `name` */
    CW_SET,  /* target = text */
    CW_COPY, /* target = source, as a text where the types differ; an unset source leaves the target alone */
    CW_TRANSLATE, /* target = row of `table` for source, else fallback, else the issue unknown-TABLE; an unset
                     source takes the fallback or leaves the target alone; a row that means nothing unsets it
                   */
    CW_CALL,      /* with a target: target = what the function returns, nothing leaves it alone; without: the
                     function changes the document itself */
    CW_HOLD, /* the issue held-NAME, saying `text`; with a call only when the function returns a text, which
                is then said, or true ("true"); "", "false" and nothing hold nothing */
    CW_HOLD_ABOVE,     /* over-limit: `source` is more than `text`, in the document's currency */
    CW_HOLD_DUPLICATE, /* duplicate: of a new order, another one of the cart has the number */
    CW_HOLD_SOURCE, /* other-source: the document is there already, and came from another source (text field
                       `target`) which said something else (text field `source`). Where it said the same,
                       `target` stays what it was */
    CW_MATCH_CUSTOMER, /* field customer = "CART:ID" by the first of `keys` that fits; what is set is kept.
                          The order's sales_rep, taxable and payment_term, where unset, are the customer's */
    CW_MATCH_ADDRESS,  /* field ship_to = an address of the matched customer; keys "id" and "address" */
    CW_MATCH_ITEMS,    /* fields item and variant of each line that is goods and has no item yet */
    CW_SPLIT_VARIANTS, /* of an item: each variant becomes an item of its own, "ID/VARIANT". doc is the first
                          of them then, so doc->external_id is not the record's id; the others go to `also` */
    CW_TAX,            /* tax codes by the address in `source`: rows "US-CA", "US", "*" of `table` */
    CW_FREIGHT_LINE, /* shipping_total becomes a line with the SKU `text`, where lines are mapped. Totals that
                        were right stay right; where they cannot, nothing changes but the issue freight-line
                      */
    CW_PAYMENTS,     /* payments are dropped where `drop`, or payment_term is one of `values` */
    CW_DISCOUNTS,    /* item of each discount: row of `table` for its code (else name), else fallback */
    CW_TELL_CART     /* when the document first comes, the cart is to be told the status `text`, or what the
                        function     returns */
};

/* What becomes of a document for which nothing fits. TRANSLATE without a row and fallback: KEEP says nothing,
 * for look-ups in a table that need not be there ("shipping.carrier"); everything else makes the issue.
 * CREATE, of customers: one more question for the id it would get, so that nobody is made over. */
enum cw_unknown { CW_UNKNOWN_KEEP, CW_UNKNOWN_HOLD, CW_UNKNOWN_FALLBACK, CW_UNKNOWN_CREATE };

/* Everything is copied; an action reads only what stands beside it above. */
struct cw_step {
    enum cw_action action;
    const char *name;      /* of the rule, for counts, issues and explanations: "orders.only status" */
    struct cw_slice where; /* "site.lua:12" */
    const struct cw_condition *when;
    size_t when_count;
    const char *target, *source;
    bool fill; /* SET, COPY, TRANSLATE, CALL: only where the target is unset */
    struct cw_slice text;
    struct cw_slice fallback; /* TRANSLATE, DISCOUNTS: a value; MATCH_*: "CART:ID" */
    const char *table;
    int call;                /* the host's number of a function; -1 = none */
    const char *const *keys; /* "link" (the cart's own id; of a guest "email:" and the e-mail without case),
                                or fields that cw_question takes; "number" of a customer is customer_id, too;
                                "vendor_sku" is compared with the line's SKU */
    size_t key_count;
    const char *const *among; /* carts whose documents are searched, in order; none = the record's own */
    size_t among_count;
    enum cw_unknown unknown;
    const struct cw_slice *values;
    size_t value_count;
    bool drop;
    struct cw_slice taxable, not_taxable, freight; /* TAX: codes for who pays tax where no row fits (data NULL
                                                      = unknown-TABLE), for who does not, for freight (empty =
                                                      as the order's) */
};

struct cw_rules *cw_rules_create(const struct cw_kind *kind, struct cw_error *err);
void cw_rules_free(struct cw_rules *rules); /* accepts NULL */

/* CW_USAGE with the step's place: unknown fields (with a suggestion), values that are no choice of the field,
 * a number that is none, an action that does not fit the kind, UNKNOWN_FALLBACK without one, keys that do not
 * exist. */
bool cw_rules_add(struct cw_rules *rules, const struct cw_step *step, struct cw_error *err);

/* `field` may go from one word to the other; a field with no such call may go anywhere. Staying is always
 * allowed, and so is the first value. */
bool cw_rules_add_move(struct cw_rules *rules, const char *field, struct cw_slice from, struct cw_slice to,
                       struct cw_slice where, struct cw_error *err);

/* Whether `field` may go so, for edits; CW_REFUSED says which steps there are. */
bool cw_rules_may_move(const struct cw_rules *rules, const char *field, struct cw_slice from,
                       struct cw_slice to, struct cw_error *err);

/* After the last step: steps that contradict each other, each with both places: a value that one step demands
 * and another skips, two steps that set one target whatever happens. */
bool cw_rules_finish(struct cw_rules *rules, struct cw_error *err);

/* Whether the rows of the tables that rules translate by, which the plan has, fit the fields they are for.
 * CW_USAGE with the row's place. */
bool cw_rules_check_rows(const struct cw_rules *rules, const struct cw_plan *plan, struct cw_error *err);

/* Functions get the document: of the site's own carts, may change it where `may_change`. The result as for
 * cw_plan_host. */
struct cw_rules_host {
    void *arg;
    bool (*call)(void *arg, int call, struct cw_document *doc, bool may_change, enum cw_type want,
                 struct cw_arena *arena, struct cw_value *out, struct cw_error *err);
};

/* What rules know besides the document. */
struct cw_case {
    struct cw_slice cart;
    const struct cw_plan *plan;       /* its tables translate */
    const struct cw_document *before; /* what the cart said last; NULL = the store has none yet */
    const struct cw_answers *answers; /* to the questions, in their order; must outlive the document */
    size_t answer_count;
    const struct cw_rules_host *host;
    const struct cw_rules *customers; /* for those that MATCH_CUSTOMER makes; NULL = none */
    bool trace;
};

/* Whether some step may change an amount, so that the document must be added up again after them. */
bool cw_rules_change_amounts(const struct cw_rules *rules);

/* The questions of one document, in the arena. Count 0 when there are none, which is the usual case. Here and
 * below `rules` may be NULL: a site without any. */
bool cw_rules_ask(const struct cw_rules *rules, const struct cw_document *doc, struct cw_slice cart,
                  struct cw_arena *arena, struct cw_question **questions, size_t *count,
                  struct cw_error *err);

/* Runs the steps on mapped->doc (NULL: nothing happens), adding issues and traces; may set skipped_by (and
 * then nothing else), another doc, `also` and `tell_cart`. The document points into rules, plan and answers.
 * false only when the arena is exhausted. */
bool cw_rules_run(const struct cw_rules *rules, const struct cw_case *of, struct cw_arena *arena,
                  struct cw_mapped *mapped, struct cw_error *err);

#endif
