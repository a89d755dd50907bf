/* trial_inbox.c - an inbox over what a fake delivers (fake.Shop.deliveries), for carts of mailboxes, folders
 * and notices. What is finished leaves the list; a test may have the answer to that get lost.
 *
 * The process may be killed between any two turns: each answer comes by a turn of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/trial_private.h"

enum what { LIST, READ, FINISH };

struct deliveries {
    struct cw_inbox inbox; /* first */
    struct cw_trial *trial;
    struct cw_later later;
    enum what what; /* is on its way */
    bool is_busy;
    char name[256];
    enum cw_inbox_end end;
    cw_inbox_entry_fn *entry;
    cw_inbox_done_fn *done;
    cw_inbox_body_fn *body_done;
    void *arg;
    /* what the fake said */
    struct cw_body *body;
    struct cw_error err;
};

/* --- asking the fake; these run inside cw_script_call --- */

/* Pushes the list and the index of the delivery of that name; 0 when there is none. */
static lua_Integer find(lua_State *L, const char *name)
{
    cw_lua_push_fake(L);
    lua_getfield(L, -1, "deliveries");
    lua_Integer count = luaL_len(L, -1);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_geti(L, -1, i);
        lua_getfield(L, -1, "name");
        bool is_it = strcmp(luaL_checkstring(L, -1), name) == 0;
        lua_pop(L, 2);
        if (is_it)
            return i;
    }
    return 0;
}

static int list_all(lua_State *L)
{
    struct deliveries *own = lua_touserdata(L, 1);
    find(L, "");
    int list = lua_gettop(L);
    for (lua_Integer i = 1; lua_geti(L, list, i) == LUA_TTABLE; i++) {
        struct cw_inbox_entry entry = { .at = cw_now(cw_loop_clock(own->trial->loop)) };
        lua_getfield(L, -1, "name");
        lua_getfield(L, -2, "bytes");
        entry.name.data = luaL_checklstring(L, -2, &entry.name.len);
        entry.size = (uint64_t)luaL_len(L, -1);
        own->entry(own->arg, &entry);
        lua_settop(L, list);
    }
    return 0;
}

static int read_one(lua_State *L)
{
    struct deliveries *own = lua_touserdata(L, 1);
    struct cw_slice bytes;
    lua_Integer at = find(L, own->name);
    if (at == 0) {
        cw_fail(&own->err, CW_NOT_FOUND, "%s does not lie there any more", own->name);
        return 0;
    }
    lua_geti(L, -1, at);
    lua_getfield(L, -1, "bytes");
    bytes.data = luaL_checklstring(L, -1, &bytes.len);
    own->body = cw_body_create(UINT64_MAX, &own->err);
    if (own->body != NULL && !cw_body_write(own->body, bytes, &own->err)) {
        cw_body_free(own->body);
        own->body = NULL;
    }
    return 0;
}

/* Into shop.done or shop.failed, in the order in which it was finished. */
static int finish_one(lua_State *L)
{
    struct deliveries *own = lua_touserdata(L, 1);
    lua_Integer at = find(L, own->name);
    if (at == 0 || own->trial->is_dry)
        return 0;
    const char *where = own->end == CW_INBOX_DONE ? "done" : "failed";
    int list = lua_gettop(L), shop = list - 1;
    lua_Integer count = luaL_len(L, list);
    if (lua_getfield(L, shop, where) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, shop, where);
    }
    lua_geti(L, list, at);
    lua_seti(L, -2, luaL_len(L, -2) + 1);
    for (lua_Integer i = at; i <= count; i++) {
        lua_geti(L, list, i + 1);
        lua_seti(L, list, i);
    }
    return 0;
}

/* --- answers --- */

static void answer(void *arg)
{
    static const lua_CFunction asked[] = { list_all, read_one, finish_one };
    struct deliveries *own = arg;
    own->is_busy = false;
    own->err.code = CW_OK;
    own->body = NULL;
    bool ok = cw_script_call(own->trial->script, asked[own->what], own, &own->err) && own->err.code == CW_OK;
    if (own->what == FINISH && ok && own->trial->finishes_to_lose > 0 && own->trial->finishes_to_lose-- > 0)
        ok = cw_fail(&own->err, CW_IO, "the connection broke before the answer");
    const struct cw_error err = own->err;
    if (own->what == READ)
        own->body_done(own->arg, own->body, ok ? NULL : &err);
    else
        own->done(own->arg, ok ? NULL : &err);
}

static bool begin(struct deliveries *own, enum what what, struct cw_slice name, void *arg,
                  struct cw_error *err)
{
    if (own->is_busy || name.len >= sizeof own->name)
        return cw_fail(err, CW_USAGE, "an inbox does one thing at a time, with names below %zu bytes",
                       sizeof own->name);
    snprintf(own->name, sizeof own->name, "%.*s", CW_SLICE_ARG(name));
    own->what = what;
    own->arg = arg;
    own->is_busy = true;
    cw_loop_later(own->trial->loop, &own->later, answer, own);
    return true;
}

static bool list(struct cw_inbox *inbox, cw_inbox_entry_fn *entry, cw_inbox_done_fn *done, void *arg,
                 struct cw_error *err)
{
    struct deliveries *own = (struct deliveries *)inbox;
    own->entry = entry;
    own->done = done;
    return begin(own, LIST, cw_slice(""), arg, err);
}

static bool read_entry(struct cw_inbox *inbox, struct cw_slice name, cw_inbox_body_fn *done, void *arg,
                       struct cw_error *err)
{
    struct deliveries *own = (struct deliveries *)inbox;
    own->body_done = done;
    return begin(own, READ, name, arg, err);
}

static bool finish(struct cw_inbox *inbox, struct cw_slice name, enum cw_inbox_end end,
                   cw_inbox_done_fn *done, void *arg, struct cw_error *err)
{
    struct deliveries *own = (struct deliveries *)inbox;
    own->end = end;
    own->done = done;
    return begin(own, FINISH, name, arg, err);
}

static void cancel(struct cw_inbox *inbox)
{
    struct deliveries *own = (struct deliveries *)inbox;
    cw_later_cancel(own->trial->loop, &own->later);
    own->is_busy = false;
}

static void free_inbox(struct cw_inbox *inbox)
{
    cancel(inbox);
    free(inbox);
}

struct cw_inbox *cw_trial_inbox(void *arg, const char *cart, struct cw_error *err)
{
    struct cw_trial *trial = arg;
    (void)cart;
    struct deliveries *own = calloc(1, sizeof *own);
    if (own == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for an inbox");
        return NULL;
    }
    own->trial = trial;
    own->inbox = (struct cw_inbox){
        .list = list, .read = read_entry, .finish = finish, .cancel = cancel, .free = free_inbox
    };
    return &own->inbox;
}
