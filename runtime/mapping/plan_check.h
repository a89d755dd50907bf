/* plan_check.h - what a rule must be to make sense; refused before it gets into a plan. */
#ifndef CW_MAPPING_PLAN_CHECK_H
#define CW_MAPPING_PLAN_CHECK_H

#include "mapping/compiled.h"

/* "carts/prestashop.lua:41", or the plan's context for a rule without a place. */
struct cw_slice cw_rule_place(const struct cw_plan *plan, struct cw_slice where);

/* Target, type, source and flags fit together. In *field the field's index, -1 for a custom field. */
bool cw_rule_check(const struct cw_plan *plan, const struct cw_field_rule *rule, int *field,
                   struct cw_error *err);

/* Reads a constant, default or table value as the rule's type. `what` begins the message: "the default of".
 */
bool cw_rule_read(const struct cw_plan *plan, const struct cw_compiled_rule *rule, const char *what,
                  struct cw_slice text, struct cw_value *out, struct cw_error *err);

#endif
