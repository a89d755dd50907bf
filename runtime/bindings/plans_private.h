/* plans_private.h - what the files that compile a mapping share: lua_plan.c (fields), lua_plan_tables.c
 * (tables and skip rules), lua_plan_call.c (functions),
 * lua_derive.c (derived parts).
 */
#ifndef CW_BINDINGS_PLANS_PRIVATE_H
#define CW_BINDINGS_PLANS_PRIVATE_H

#include "adapters/reader.h"
#include "base/buffer.h"
#include "bindings/plans.h"

enum { PLANS_MAX = 64, ZONES_MAX = 32, LIST_MAX = 64, NAMES_MAX = 200, DERIVES_MAX = 16 };

struct cw_lua_plan {
    struct cw_script *script;
    const struct cw_zone *zone;
    char *context;
    const struct cw_kind *kind;
    struct cw_plan *plans[PLANS_MAX]; /* the outermost first */
    size_t plan_count;
    struct cw_zone *zones[ZONES_MAX];
    size_t zone_count;
    struct derive {
        struct cw_slice name;
        int call;
    } derives[DERIVES_MAX];
    size_t derive_count;
    struct cw_arena names;    /* of derives */
    struct cw_parser *parser; /* of what they return; made when first needed */
    struct cw_buffer faults;  /* a line each */
};

/* Notes one fault; compiling goes on, so that all are shown at once. What does not fit any more is left out.
 */
void cw_lua_plan_fault(struct cw_lua_plan *plan, const struct cw_error *err);
#define CW_LUA_PLAN_FAULT(plan, ...)                                                                         \
    do {                                                                                                     \
        struct cw_error fault_;                                                                              \
        cw_fail(&fault_, CW_USAGE, __VA_ARGS__);                                                             \
        cw_lua_plan_fault(plan, &fault_);                                                                    \
    } while (0)

/* The text of a field of the table at `index`; it stays on the stack, so that it stays alive. */
struct cw_slice cw_lua_plan_push_text(lua_State *L, int index, const char *field);

/* Whether the value on top of the stack is one that has a text: no table or function of the script. */
bool cw_lua_plan_has_text(lua_State *L);

/* The texts of a list field, or of a single one; each stays on the stack. */
bool cw_lua_plan_push_list(lua_State *L, struct cw_lua_plan *plan, int index, const char *field,
                           struct cw_slice where, struct cw_slice *out, size_t *count);

/* The keys of the table at `index` in their order, so that the same script always makes the same plan; they
 * live as long as the table. A key that is no name, or one too many, is a fault. */
size_t cw_lua_plan_sorted_names(lua_State *L, struct cw_lua_plan *plan, int index, const char *what,
                                struct cw_slice where, const char *names[NAMES_MAX]);

/* Stores the function on top of the stack, pops it, and returns its number. */
int cw_lua_plan_keep_function(lua_State *L);

void cw_lua_plan_push_function(lua_State *L, int number);

/* Reads the value on top of the stack, which the function at index `function` returned, as `want`; texts are
 * copied into the arena. Raises what does not fit, with the function's place. */
void cw_lua_plan_take_result(lua_State *L, int function, enum cw_type want, struct cw_arena *arena,
                             struct cw_value *out);

/* What no document can hold is refused where it is known which record and which line made it. */
bool cw_lua_plan_check_text(struct cw_slice text, struct cw_error *err);

void cw_lua_plan_compile_tables(lua_State *L, struct cw_lua_plan *plan, int tables);
/* Keeps the value on top of the stack, a handle of the scope in use, alive beyond an error; pops it. */
void cw_lua_plan_hold_scope(lua_State *L);

void cw_lua_plan_compile_derives(lua_State *L, struct cw_lua_plan *plan, int stream);
void cw_lua_plan_compile_skips(lua_State *L, struct cw_lua_plan *plan, int stream);

#endif
