/* kernel.h - what the files of the kernel share among themselves: the script, its turn, and one part for each
 * file.
 *
 * Functions that take a lua_State may raise unless they say otherwise; those that take a script never raise.
 */
#ifndef CW_SCRIPT_KERNEL_H
#define CW_SCRIPT_KERNEL_H

#include "script/script.h"

enum {
    CW_CALL_DEPTH_MAX = 4, /* host calls inside host calls; each has 200 levels of C stack of its own */
    CW_CLOSE_DEPTH_MAX =
        16, /* lua_resetthread inside lua_resetthread: Lua 5.4.4 does not count these itself */
    CW_MODULE_NAME_MAX = 100,  /* bytes */
    CW_CHUNK_NAME_MAX = 128,   /* bytes, see script.h */
    CW_HOOK_PERIOD = 1000,     /* instructions between two looks at the budget */
    CW_HOOK_PERIOD_INNER = 100 /* the same in coroutines of the script, whose first period may never end */
};

/* Which limit ended a turn. */
enum cw_hit { CW_HIT_NONE, CW_HIT_INSTRUCTIONS, CW_HIT_MEMORY, CW_HIT_NOMEM };

/* Why a yield is on its way out to the scheduler, through every coroutine of the script. */
enum cw_pass { CW_PASS_NONE, CW_PASS_WAIT, CW_PASS_SLICE };

/* One host call, or one run of a fiber: what begins and ends with it. Saved and restored where they nest. */
struct cw_turn {
    struct cw_fiber *fiber; /* NULL in a host call */
    lua_State *running;     /* the innermost coroutine */
    uint64_t used;          /* instructions, or what is counted as such */
    int64_t slice_end_ns;
    enum cw_hit hit; /* sticky: nothing but the end of the turn clears it */
    enum cw_pass pass;
    bool waitable;                 /* every coroutine around the running one can be left by a yield */
    char where[CW_CHUNK_NAME_MAX]; /* script line that hit the limit, or "" */
};

struct cw_memory {
    size_t used, cap; /* bytes */
    uint64_t count;   /* allocations asked for */
    /* The last one that was refused: Lua collects garbage and asks once more for the same; then it is final.
     */
    bool refused;
    const void *refused_block;
    size_t refused_size;
    enum cw_hit refusal;
    char refused_where[CW_CHUNK_NAME_MAX];
    size_t collect_at; /* bytes in use */
};

struct cw_provider {
    struct cw_provider *next;
    const char *name;
    lua_CFunction open;
    void *context;
};

/* A module whose main chunk is running; lives in the C stack of require. */
struct cw_loading {
    struct cw_loading *outer;
    const char *name, *where; /* where: file and line that requires it, or empty */
};

struct cw_script {
    lua_State *L;
    struct cw_script_host host;
    char name[CW_ERROR_NAME_MAX];
    struct cw_memory memory;
    struct cw_turn turn;
    int call_depth, close_depth;
    struct cw_random random;
    struct cw_provider *providers;
    struct cw_loading *loading; /* innermost first */
    struct cw_fiber *fibers;
    struct cw_fiber *ready_first, *ready_last;
    uint64_t round; /* of cw_script_run */
    bool is_running;
    size_t warning_len;
    char warning[512];
};

/* --- script.c --- */

/* Prints and aborts when a state of the kernel is impossible, in every build: going on would damage data. */
void cw_kernel_assert(bool holds, const char *what);

/* Begins a turn on L and hands out the one it interrupts. */
struct cw_turn cw_kernel_begin(struct cw_script *script, lua_State *L);
void cw_kernel_end(struct cw_script *script, const struct cw_turn *saved);

/* Takes the error value from the top of L into err, with the limit of the turn in its place if one was hit.
 * Always false. */
bool cw_kernel_fail(struct cw_script *script, lua_State *L, int status, struct cw_error *err);

/* Raises a table with `code`, `message` and __tostring. */
int cw_kernel_raise(lua_State *L, enum cw_code code, const char *message);

/* --- memory.c --- */

void *cw_kernel_allocate(void *script, void *block, size_t old_size, size_t new_size); /* a lua_Alloc */
void *cw_kernel_alloc(struct cw_script *script, size_t size); /* zeroed; NULL when refused */
void cw_kernel_release(struct cw_script *script, void *block, size_t size);

/* --- budget.c --- */

void cw_kernel_watch(lua_State *L, int period); /* sets the count hook; never raises */
/* "carts/x.lua:12" of the innermost function that has lines, or "". Touches no memory of Lua, so that the
 * allocator may ask. */
void cw_kernel_locate(const struct cw_script *script, char *out, size_t cap);
/* Collects garbage when much of the free room may be filled with it. */
void cw_kernel_collect(lua_State *L);
/* Notes that a limit was hit, and where. The first one stays. */
void cw_kernel_hit(struct cw_script *script, enum cw_hit hit);
/* Counts work that C does for a script as if it were instructions; raises when that is too much. */
void cw_kernel_charge(lua_State *L, uint64_t instructions);
/* Raises when a limit was hit in this turn; `status` is that of a protected call that just ended, or LUA_OK.
 * The stack is emptied then. */
void cw_kernel_pass_limit(lua_State *L, int status);
bool cw_kernel_limit_error(const struct cw_script *script, struct cw_error *err); /* always false */

/* --- coroutine.c --- */

/* Bits beside the script's address in a coroutine's extra space. */
enum {
    CW_MARK_FIBER = 1,   /* belongs to the host or the scheduler: scripts may see it, not resume it */
    CW_MARK_PASSING = 2, /* a yield to the scheduler went through it */
    CW_MARKS = 3
};
void cw_kernel_mark(lua_State *L, uintptr_t mark, bool on);
bool cw_kernel_is_marked(lua_State *L, uintptr_t mark);

/* The bottom function of every coroutine: calls its first argument with the others, protected, so that an
 * error closes <close> variables while the budget is watched; then raises it again. */
int cw_kernel_body(lua_State *L);

/* The coroutine that a suspended one waits for in coroutine.resume; NULL = none. */
lua_State *cw_kernel_passes_to(lua_State *L);

/* lua_resetthread, with a bound on its nesting. */
int cw_kernel_close_thread(struct cw_script *script, lua_State *L);

void cw_kernel_open_coroutine(lua_State *L); /* pushes the library */

/* --- library.c, protect.c, pairs.c, text.c, search.c, require.c --- */

void cw_kernel_open_library(lua_State *L); /* makes the globals */
/* Pushes the text of the value at `index`, without addresses. */
const char *cw_kernel_tostring(lua_State *L, int index, size_t *len);

int cw_kernel_pcall(lua_State *L);
int cw_kernel_xpcall(lua_State *L);

int cw_kernel_next(lua_State *L);
int cw_kernel_pairs(lua_State *L);
int cw_kernel_pairs_of_upvalue(lua_State *L); /* __pairs of a frozen table */

void cw_kernel_open_string(lua_State *L); /* table -> table: adds what is bounded here */
void cw_kernel_open_search(lua_State *L); /* search.c; the same */
void cw_kernel_bound_table(lua_State *L); /* the same for table */
void cw_kernel_bound_utf8(lua_State *L);  /* the same for utf8 */

int cw_kernel_require(lua_State *L);
void cw_kernel_open_require(lua_State *L); /* makes the cache; leaves nothing */

#endif
