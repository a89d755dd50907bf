/* rules_private.h - what rules are once they are added, and one document on its way through them: shared by
 * the rules_*.c files.
 *
 * Functions that return bool while running return false only when the arena is exhausted.
 */
#ifndef CW_MAPPING_RULES_PRIVATE_H
#define CW_MAPPING_RULES_PRIVATE_H

#include "mapping/compiled.h"
#include "mapping/field_value.h"
#include "mapping/rules.h"
#include "mapping/rules_places.h"

/* --- compiled --- */

/* A name resolved to indices. */
struct cw_ref {
    const char *name;             /* as written; NULL = none */
    int outer;                    /* field of the record that it stands in; -1 = the document itself */
    int index;                    /* -1 = a custom field */
    const struct cw_field *field; /* NULL for a custom field */
    struct cw_slice custom;
    enum cw_type type;
};

struct cw_compiled_condition {
    struct cw_ref ref;
    const struct cw_slice *texts;  /* as written */
    const struct cw_value *values; /* read as the field's type; unset for the text "" */
    size_t count;
    bool is_not;
};

struct cw_rule {
    struct cw_rule *next;
    struct cw_step step; /* copied; `when`, `target` and `source` are compiled below */
    struct cw_slice name;
    const struct cw_compiled_condition *when;
    size_t when_count;
    struct cw_ref target, source;
    struct cw_value value;    /* SET: text; HOLD_ABOVE: the limit; both read */
    struct cw_value fallback; /* TRANSLATE: read */
    struct cw_slice table, code;
};

struct cw_move {
    struct cw_move *next;
    struct cw_slice from, to, where;
};

/* The graph of one field. */
struct cw_graph {
    struct cw_graph *next;
    int field;
    struct cw_move *moves, **end;
};

struct cw_rules {
    struct cw_arena arena; /* everything below */
    const struct cw_kind *kind;
    struct cw_rule *first, **end;
    struct cw_graph *graphs;
    bool asks; /* some step has questions */
    bool changes_amounts;
};

/* rules_check.c. Resolves and reads; CW_USAGE with the step's place. */
bool cw_rule_compile(struct cw_rules *rules, struct cw_rule *rule, struct cw_error *err);
bool cw_rule_resolve(struct cw_rules *rules, const char *name, struct cw_ref *out, struct cw_error *err);
bool cw_rules_no_memory(struct cw_error *err);
void *cw_rules_take(struct cw_rules *rules, size_t size); /* cleared; NULL when there is no memory */

/* --- running --- */

struct cw_asked {
    struct cw_asked *next;
    struct cw_question question;
    const struct cw_rule *rule;
    const struct cw_document *line; /* MATCH_ITEMS */
    const char *key;                /* as the rule names it */
    struct cw_slice variant;        /* what the line's variant is when this one fits and says no other */
    const struct cw_answers *answers;
};

struct cw_ruling {
    const struct cw_rules *rules;
    const struct cw_case *of;
    struct cw_arena *arena;
    struct cw_mapped *mapped;
    struct cw_asked *asked;             /* in the order of the questions */
    const struct cw_document *customer; /* matched, whole, or made */
    const char *by; /* for explanations: the key that fitted, or what stood in; NULL = no such thing */
};

/* rules_ask.c. All questions of a document, in the arena. */
bool cw_rules_list_questions(const struct cw_rules *rules, const struct cw_document *doc,
                             struct cw_slice cart, struct cw_arena *arena, struct cw_asked **out,
                             size_t *count);
/* "email:" and the address without case: the id of the customer that is made of a guest. */
bool cw_guest_id(struct cw_arena *arena, struct cw_slice email, struct cw_slice *out);
/* The order's e-mail, else that of its addresses. */
struct cw_slice cw_order_email(const struct cw_document *order);

/* rules_value.c */
const struct cw_value *cw_ref_get(const struct cw_ref *ref, const struct cw_document *doc,
                                  enum cw_type *type);
/* A copy of the text that a field has; data NULL = unset. false when the arena is exhausted. */
bool cw_ref_text(const struct cw_ruling *ruling, const struct cw_ref *ref, struct cw_slice *out);
/* Sets (or, with a value that is unset, clears) the rule's target and explains it. */
bool cw_rule_assign(struct cw_ruling *ruling, const struct cw_rule *rule, enum cw_type type,
                    const struct cw_value *value);
/* Reads a text as the target's type; what does not fit is an issue. */
bool cw_rule_assign_text(struct cw_ruling *ruling, const struct cw_rule *rule, struct cw_slice text);
/* Explains the value of a field of the order, or of the list's member number `position` (0 = none). */
bool cw_rule_explain(struct cw_ruling *ruling, const struct cw_rule *rule, const char *list, size_t position,
                     const struct cw_document *owner, int field);
bool cw_rule_holds(const struct cw_ruling *ruling, const struct cw_rule *rule);
/* `type` and `state` of an order are decided when it first comes. */
bool cw_rules_keep_decided(struct cw_ruling *ruling);
/* A row of the rule's table, NULL when there is none. */
const struct cw_table_row *cw_rule_row(const struct cw_ruling *ruling, const struct cw_rule *rule,
                                       struct cw_slice key);

/* Issues: a hold, and one that must be mended. `subject` must outlive the record. */
enum cw_severity { CW_MEND, CW_HELD };
bool cw_rule_issue(struct cw_ruling *ruling, enum cw_severity severity, const char *code, const char *field,
                   struct cw_slice subject, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
bool cw_rule_unknown_row(struct cw_ruling *ruling, const struct cw_rule *rule, const char *field,
                         const char *what, struct cw_slice key);
bool cw_rule_call_failed(struct cw_ruling *ruling, const struct cw_rule *rule, const char *field,
                         const struct cw_error *err);

/* Steps of their own files; each acts on ruling->mapped->doc, whose kind fits. */
bool cw_rule_match_customer(struct cw_ruling *ruling, const struct cw_rule *rule);
bool cw_rule_match_address(struct cw_ruling *ruling, const struct cw_rule *rule);
bool cw_rule_match_items(struct cw_ruling *ruling, const struct cw_rule *rule);
bool cw_rule_split_variants(struct cw_ruling *ruling, const struct cw_rule *rule);
bool cw_rule_tax(struct cw_ruling *ruling, const struct cw_rule *rule);
bool cw_rule_freight_line(struct cw_ruling *ruling, const struct cw_rule *rule);
bool cw_rule_payments(struct cw_ruling *ruling, const struct cw_rule *rule);
bool cw_rule_discounts(struct cw_ruling *ruling, const struct cw_rule *rule);
bool cw_rules_check_moves(struct cw_ruling *ruling);

/* The answers of one step for one line (NULL = the order). With `found` NULL nothing fitted; two answers to
 * the same question are ambiguous. */
struct cw_fitting {
    const struct cw_asked *asked;
    const struct cw_answer *found;
    bool is_ambiguous;
};
struct cw_fitting cw_rule_first_answer(const struct cw_ruling *ruling, const struct cw_rule *rule,
                                       const struct cw_document *line);
/* The document that the step falls back on; NULL when the store has none of that name. */
#define CW_KEY_FALLBACK "fallback"
const struct cw_answer *cw_rule_fallback(const struct cw_ruling *ruling, const struct cw_rule *rule);
/* "CART:ID" in the arena. */
bool cw_ruling_link(struct cw_ruling *ruling, struct cw_slice cart, struct cw_slice id, struct cw_slice *out);

#endif
