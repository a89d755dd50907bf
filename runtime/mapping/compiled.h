/* compiled.h - what a plan is once its rules are added; written by plan.c, read while running. */
#ifndef CW_MAPPING_COMPILED_H
#define CW_MAPPING_COMPILED_H

#include "mapping/path_steps.h"
#include "mapping/plan.h"
#include "mapping/table.h"

enum {
    CW_PLAN_NAMES_MAX =
        64,               /* first steps that are looked up together; what is beyond is searched for alone */
    CW_PLAN_PROBES = 256, /* slots for them: four times as many, so that most strangers meet an empty one */
    CW_PLAN_NO_NAME = 255
};

struct cw_plan_path {
    const struct cw_path *path;
    uint8_t name; /* index into the plan's names, or CW_PLAN_NO_NAME */
};

struct cw_plan_name {
    struct cw_slice name;
    uint32_t hash;
};

struct cw_compiled_rule {
    struct cw_compiled_rule *next; /* custom fields, in order */
    struct cw_slice name;          /* of the target */
    bool is_custom;
    enum cw_type type;
    const struct cw_slice *choices; /* NULL = any text */
    size_t choice_count;
    enum cw_source source;
    const struct cw_plan_path *paths;
    size_t path_count;
    struct cw_slice text; /* between joined texts, or the constant as written */
    int call;
    const struct cw_plan *plan;
    struct cw_slice table; /* empty = none */
    bool required, has_default, keep_space, html, negate;
    struct cw_value fixed; /* the constant or the default, read */
    struct cw_slice default_text;
    const struct cw_slice *none, *formats;
    size_t none_count, format_count;
    bool has_times;
    struct cw_decimal times;
    const struct cw_zone *zone;
    struct cw_slice where;
};

struct cw_skip_rule {
    struct cw_skip_rule *next;
    const char *name;
    const struct cw_path *path; /* NULL: ask `call` */
    const struct cw_slice *values;
    size_t value_count;
    int call;
};

struct cw_plan {
    struct cw_arena arena; /* everything below */
    const struct cw_kind *kind;
    struct cw_slice context;
    const char *cart;                 /* its name, or NULL */
    struct cw_compiled_rule **fields; /* by field index; NULL = not mapped */
    struct cw_compiled_rule *custom, **custom_end;
    struct cw_skip_rule *skips, **skips_end;
    struct cw_table *tables, **tables_end;
    int currency_field, id_field; /* -1 = the kind has none */
    struct cw_plan_name names[CW_PLAN_NAMES_MAX];
    size_t name_count;
    uint8_t probes[CW_PLAN_PROBES]; /* open addressing; index into names + 1, 0 = empty */
};

static inline size_t cw_plan_probe(uint32_t hash)
{
    return (hash ^ hash >> 8 ^ hash >> 16) & (CW_PLAN_PROBES - 1);
}

/* NULL when the plan has no such table. */
static inline const struct cw_table *cw_plan_table(const struct cw_plan *plan, struct cw_slice name)
{
    for (const struct cw_table *table = plan->tables; table != NULL; table = table->next)
        if (cw_slice_equal(table->name, name))
            return table;
    return NULL;
}

static inline bool cw_rule_allows(const struct cw_compiled_rule *rule, struct cw_slice text)
{
    for (size_t i = 0; i < rule->choice_count; i++)
        if (cw_slice_equal(rule->choices[i], text))
            return true;
    return rule->choices == NULL;
}

/* "draft, pending, paid" into out, which is `cap` bytes; cut when it does not fit. */
void cw_rule_choices(const struct cw_compiled_rule *rule, char *out, size_t cap);

#endif
