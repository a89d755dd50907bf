/* running.h - one record on its way through a plan: shared by plan_run.c, plan_value.c and report.c.
 *
 * Functions that return bool return false only when the arena is exhausted.
 */
#ifndef CW_MAPPING_RUNNING_H
#define CW_MAPPING_RUNNING_H

#include "mapping/compiled.h"

enum cw_currency_state {
    CW_CURRENCY_ABSENT, /* no amount has asked for it yet */
    CW_CURRENCY_KNOWN,
    CW_CURRENCY_REPORTED /* it is wrong or missing, and an issue says so */
};

struct cw_run {
    const struct cw_plan *root;
    const struct cw_plan_host *host; /* may be NULL */
    struct cw_arena *arena;
    bool trace;
    enum cw_currency_state currency;
    size_t issue_count;
};

/* Issues and traces in the order they were made. */
struct cw_report {
    struct cw_found_issue *issues, *last_issue;
    struct cw_trace *trace, *last_trace;
};

/* One plan at one node: the record itself, one of its lines, an address. */
struct cw_level {
    struct cw_run *run;
    const struct cw_level *outer;
    const struct cw_plan *plan;
    struct cw_scope scope;
    struct cw_slice name; /* the field of the outer document this one stands in */
    size_t index;         /* there, from 1; 0 = not in a list */
    struct cw_slice path; /* from the outer record to this one */
    size_t match;         /* among its matches, from 1; 0 = the first, uncounted */
    struct cw_report report;
    bool present;                 /* some value was in the record, not only a default */
    bool indexed;                 /* found is filled */
    const struct cw_node **found; /* by plan->names: the first child of that name, or NULL */
};

enum cw_outcome {
    CW_ABSENT,
    CW_PRESENT,
    CW_FAULTY,   /* an issue was made */
    CW_EXHAUSTED /* the arena is */
};

/* A value and where it came from, for the trace. The value is read right into the document: it has 48 bytes,
 * and handing it up from function to function took longer than reading it. */
struct cw_reading {
    struct cw_value *value;
    struct cw_slice raw;
    const struct cw_path *path;
    const struct cw_table_row *row;
    bool from_default;
};

/* In plan_value.c. */

/* One field that holds a single value, with its issues and its trace; leaves *out unset when there is none.
 */
bool cw_level_read(struct cw_level *level, const struct cw_compiled_rule *rule, struct cw_value *out);

/* The first match of a path in the level's scope, or NULL; and every match. */
const struct cw_node *cw_level_first(const struct cw_level *level, const struct cw_plan_path *path);
void cw_level_each(const struct cw_level *level, const struct cw_plan_path *path, cw_path_match_fn *match,
                   void *arg);

/* In report.c. */

/* `rule` names the field (NULL = the record as a whole), `path` the place in the record (NULL = none). The
 * message is a sentence for a person of the shop. */
bool cw_report_issue(struct cw_level *level, const struct cw_compiled_rule *rule, const struct cw_path *path,
                     const char *code, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
bool cw_report_missing(struct cw_level *level, const struct cw_compiled_rule *rule);
bool cw_report_trace(struct cw_level *level, const struct cw_compiled_rule *rule,
                     const struct cw_reading *reading);
void cw_report_append(struct cw_report *report, const struct cw_report *more);

/* Text for a message: short, cut at a character and then marked. */
enum { CW_QUOTE_MAX = 88 };
const char *cw_quote(struct cw_slice text, char out[CW_QUOTE_MAX]);

#endif
