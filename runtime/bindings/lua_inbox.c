/* lua_inbox.c - cartwright.native.inbox: what lies in a cart's inbox, for scripts/cartwright/inbox.lua.
 *
 * One wait covers one operation. What the adapter hands over is kept in the handle, and becomes values when
 * the script goes on; nothing of Lua is touched before. Of each body that was read a receipt is kept, which
 * says whether records of it were stored. */
#include <glib.h>
#include <stdlib.h>

#include "bindings/inbox_place.h"
#include "bindings/modules.h"

#define INBOX_TYPE "cartwright.native.Inbox"

enum { LISTING_MAX = 64 * 1024 * 1024 }; /* bytes */

struct reading {
    struct reading *next;
    char *name;
    struct cw_receipt *receipt;
};

struct handle {
    struct cw_wait wait;    /* first: &wait converts back */
    struct cw_inbox *inbox; /* NULL = closed */
    char *label;            /* "cart shop, " for answers */
    struct reading *readings;
    bool is_busy;

    struct cw_buffer found; /* of a listing: struct entry, then its texts */
    struct cw_body *body;   /* of a reading */
    char *name;             /* what is being read */
    struct cw_error err;
};

/* In `found`, followed by name, topic, and why it is refused. */
struct entry {
    uint64_t size;
    cw_time at;
    size_t name, topic, refused; /* lengths; refused 0 = it is not */
};

static struct handle *check_open(lua_State *L)
{
    struct handle *handle = luaL_checkudata(L, 1, INBOX_TYPE);
    if (handle->inbox == NULL)
        cw_lua_fail(L, CW_USAGE, "the inbox was closed when the run it was opened in ended");
    if (handle->is_busy)
        cw_lua_fail(L, CW_USAGE, "an inbox does one thing at a time");
    return handle;
}

static void clear(struct handle *handle)
{
    cw_buffer_fini(&handle->found);
    cw_body_free(handle->body);
    g_free(handle->name);
    handle->body = NULL;
    handle->name = NULL;
}

static void cancel(struct cw_wait *wait)
{
    struct handle *handle = (struct handle *)wait;
    if (handle->inbox != NULL)
        handle->inbox->cancel(handle->inbox);
    handle->is_busy = false;
}

static void begin(struct handle *handle)
{
    clear(handle);
    handle->found.limit = LISTING_MAX;
    handle->err.code = CW_OK;
    handle->is_busy = true;
    handle->wait = (struct cw_wait){ .cancel = cancel };
}

static void ended(struct handle *handle, const struct cw_error *err)
{
    if (err != NULL && handle->err.code == CW_OK)
        handle->err = *err;
    handle->is_busy = false;
    cw_wait_done(&handle->wait);
}

/* --- listing --- */

static void on_entry(void *arg, const struct cw_inbox_entry *entry)
{
    struct handle *handle = arg;
    struct cw_slice refused = cw_slice(entry->refused);
    const struct entry head = { entry->size, entry->at, entry->name.len, entry->topic.len, refused.len };
    struct cw_buffer *found = &handle->found;
    if (handle->err.code == CW_OK &&
        (!cw_buffer_add(found, &head, sizeof head, &handle->err) ||
         !cw_buffer_add(found, entry->name.data, entry->name.len, &handle->err) ||
         !cw_buffer_add(found, entry->topic.data, entry->topic.len, &handle->err)))
        return;
    if (handle->err.code == CW_OK)
        cw_buffer_add(found, refused.data, refused.len, &handle->err);
}

static void on_done(void *arg, const struct cw_error *err)
{
    ended(arg, err);
}

static void push_text(lua_State *L, const char **at, size_t len, const char *field)
{
    if (len > 0) {
        lua_pushlstring(L, *at, len);
        lua_setfield(L, -2, field);
    }
    *at += len;
}

static int finish_list(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    struct handle *handle = luaL_checkudata(L, 1, INBOX_TYPE);
    const char *at = handle->found.data, *end = at != NULL ? at + handle->found.len : NULL;
    if (handle->err.code != CW_OK)
        return cw_lua_push_failure(L, &handle->err);
    lua_newtable(L);
    lua_Integer count = 0;
    while (at < end) {
        struct entry head;
        memcpy(&head, at, sizeof head);
        at += sizeof head;
        lua_createtable(L, 0, 4);
        push_text(L, &at, head.name, "name");
        push_text(L, &at, head.topic, "topic");
        push_text(L, &at, head.refused, "refused");
        lua_pushinteger(L, (lua_Integer)head.size);
        lua_setfield(L, -2, "size");
        if (head.at != CW_TIME_NONE) {
            cw_lua_push_time(L, head.at);
            lua_setfield(L, -2, "at");
        }
        lua_rawseti(L, -2, ++count);
    }
    lua_pushboolean(L, count >= CW_INBOX_LIST_MAX && handle->inbox->list_behind != NULL);
    return 2;
}

static bool begin_list(struct handle *handle, struct cw_slice behind)
{
    if (behind.len > 0)
        return handle->inbox->list_behind(handle->inbox, behind, on_entry, on_done, handle, &handle->err);
    return handle->inbox->list(handle->inbox, on_entry, on_done, handle, &handle->err);
}

/* inbox:list(behind) -> entries, whether there may be more | nil, message, code. Suspends. `behind`: the name
 * of an entry of an earlier list; none: from the beginning on. */
static int list(lua_State *L)
{
    struct handle *handle = check_open(L);
    struct cw_slice behind = { NULL, 0 };
    if (!lua_isnoneornil(L, 2) && handle->inbox->list_behind != NULL)
        behind.data = luaL_checklstring(L, 2, &behind.len);
    lua_settop(L, 2);
    cw_wait_check(L);
    begin(handle);
    if (begin_list(handle, behind))
        return cw_wait_start(L, &handle->wait, finish_list, 0);
    handle->is_busy = false;
    return cw_lua_push_failure(L, &handle->err);
}

/* --- reading --- */

static struct reading **find(struct handle *handle, const char *name)
{
    struct reading **at = &handle->readings;
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static void forget(struct handle *handle, const char *name)
{
    struct reading **at = find(handle, name), *gone = *at;
    if (gone == NULL)
        return;
    *at = gone->next;
    cw_receipt_free(gone->receipt);
    g_free(gone->name);
    g_free(gone);
}

static bool keep_receipt(struct handle *handle)
{
    struct cw_receipt *receipt = cw_receipt_create(&handle->err);
    if (receipt == NULL)
        return false;
    forget(handle, handle->name);
    struct reading *reading = g_new0(struct reading, 1);
    *reading = (struct reading){ handle->readings, g_strdup(handle->name), receipt };
    handle->readings = reading;
    cw_body_set_receipt(handle->body, receipt);
    return true;
}

static void on_body(void *arg, struct cw_body *body, const struct cw_error *err)
{
    struct handle *handle = arg;
    handle->body = body;
    if (body != NULL)
        keep_receipt(handle);
    ended(handle, err);
}

static int finish_read(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    struct handle *handle = luaL_checkudata(L, 1, INBOX_TYPE);
    if (handle->err.code != CW_OK)
        return cw_lua_push_failure(L, &handle->err);
    lua_pushfstring(L, "%s%s", handle->label, handle->name);
    struct cw_body *body = handle->body;
    handle->body = NULL;
    cw_lua_push_file_response(L, body, lua_tostring(L, -1));
    return 1;
}

/* inbox:read(name) -> response | nil, message, code. Suspends. */
static int read_entry(lua_State *L)
{
    struct handle *handle = check_open(L);
    struct cw_slice name;
    name.data = luaL_checklstring(L, 2, &name.len);
    lua_settop(L, 2);
    cw_wait_check(L);
    begin(handle);
    handle->name = g_strndup(name.data, name.len);
    if (handle->inbox->read(handle->inbox, name, on_body, handle, &handle->err))
        return cw_wait_start(L, &handle->wait, finish_read, 0);
    handle->is_busy = false;
    return cw_lua_push_failure(L, &handle->err);
}

/* inbox:is_stored(name) -> whether records of it were stored since it was read */
static int is_stored(lua_State *L)
{
    struct handle *handle = check_open(L);
    const struct reading *reading = *find(handle, luaL_checkstring(L, 2));
    lua_pushboolean(L, reading != NULL && reading->receipt->is_stored);
    return 1;
}

/* --- finishing --- */

static int finish_finish(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    struct handle *handle = luaL_checkudata(L, 1, INBOX_TYPE);
    if (handle->err.code != CW_OK)
        return cw_lua_push_failure(L, &handle->err);
    forget(handle, luaL_checkstring(L, 2));
    lua_pushboolean(L, true);
    return 1;
}

/* inbox:finish(name, end) -> true | nil, message, code; end: "done", "failed" or "left". Suspends. */
static int finish_entry(lua_State *L)
{
    struct handle *handle = check_open(L);
    struct cw_slice name;
    name.data = luaL_checklstring(L, 2, &name.len);
    static const char *const ends[] = { "done", "failed", "left", NULL }; /* as cw_inbox_end */
    enum cw_inbox_end end = (enum cw_inbox_end)luaL_checkoption(L, 3, NULL, ends);
    lua_settop(L, 2);
    if (end == CW_INBOX_LEFT && !handle->inbox->claims) {
        forget(handle, name.data);
        lua_pushboolean(L, true);
        return 1;
    }
    cw_wait_check(L);
    begin(handle);
    if (handle->inbox->finish(handle->inbox, name, end, on_done, handle, &handle->err))
        return cw_wait_start(L, &handle->wait, finish_finish, 0);
    handle->is_busy = false;
    return cw_lua_push_failure(L, &handle->err);
}

/* --- life --- */

/* :close() and __gc: what was claimed and not finished can be claimed again from now on. */
static int close_inbox(lua_State *L)
{
    struct handle *handle = luaL_checkudata(L, 1, INBOX_TYPE);
    if (handle->inbox != NULL)
        handle->inbox->free(handle->inbox);
    handle->inbox = NULL;
    while (handle->readings != NULL)
        forget(handle, handle->readings->name);
    clear(handle);
    g_free(handle->label);
    handle->label = NULL;
    return 0;
}

static struct cw_lua_carts *carts_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static struct cw_lua_cart *check_cart(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "name");
    struct cw_lua_cart *cart = cw_lua_carts_find(carts_of(L), luaL_checkstring(L, -1));
    luaL_argcheck(L, cart != NULL, 1, "a cart expected (call it with a colon: self:inbox())");
    lua_pop(L, 1);
    return cart;
}

/* A test may put an inbox of its own in the place of the real one. */
static struct cw_inbox *open_given(lua_State *L, const struct cw_lua_cart *cart)
{
    struct cw_error err = { .code = CW_OK };
    const struct cw_lua_carts_host *host = &cart->carts->host;
    struct cw_inbox *inbox = host->inbox != NULL ? host->inbox(host->arg, cart->name, &err) : NULL;
    if (inbox == NULL && err.code != CW_OK)
        cw_lua_raise(L, &err);
    return inbox;
}

/* open(self, place, folders) -> inbox. Raises for what is wrong with the place. The folders are kept, since
 * the inbox obeys their rules. */
static int open_inbox(lua_State *L)
{
    struct cw_lua_cart *cart = check_cart(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    struct handle *handle = lua_newuserdatauv(L, sizeof *handle, 1);
    *handle = (struct handle){ .wait = { .cancel = cancel } };
    luaL_setmetatable(L, INBOX_TYPE);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 4, 1);
    handle->label = g_strdup_printf("cart %s, ", cart->name);
    handle->inbox = open_given(L, cart);
    if (handle->inbox == NULL)
        handle->inbox = cw_lua_open_place(L, 2, 3, cart);
    return 1;
}

/* --- what is told --- */

/* note(self, name, words, once): a note of the stream's run; with `once` not again of the same name. */
static int note(lua_State *L)
{
    struct cw_error err;
    const struct cw_lua_cart *cart = check_cart(L);
    const struct cw_lua_carts_host *host = &cart->carts->host;
    const char *name = luaL_checkstring(L, 2), *words = luaL_checkstring(L, 3);
    lua_settop(L, 4);
    lua_getfield(L, 1, "stream");
    const struct cw_lua_stream *stream =
        lua_isstring(L, -1) ? cw_lua_cart_stream(cart, lua_tostring(L, -1)) : NULL;
    if (host->note != NULL && stream != NULL &&
        !host->note(host->arg, stream, name, words, lua_toboolean(L, 4), &err))
        return cw_lua_raise(L, &err);
    return 0;
}

/* --- folders of this machine --- */

static bool is_in(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* A worker may rename and remove files in these folders: not what it lives by. */
static int check_path(lua_State *L, const char *path, const char *site)
{
    bool is_fine =
        strcmp(path, "/") != 0 && (site == NULL || !is_in(site, path)) && strchr(path, '\n') == NULL;
    lua_pushstring(L, is_fine ? path : NULL);
    if (is_fine)
        return 1;
    lua_pushfstring(L, "must be a folder of its own, which %s is not: the site itself lies in it", path);
    return 2;
}

/* drop(text) -> absolute path | nil, what is wrong with it */
static int drop_path(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1), *site = carts_of(L)->host.folder;
    if (text[0] == '\0' || (text[0] != '/' && site == NULL)) {
        lua_pushnil(L);
        lua_pushliteral(L, "must be the path of a folder of this machine");
        return 2;
    }
    char *path = g_canonicalize_filename(text, site != NULL ? site : "/");
    lua_pushstring(L, path);
    g_free(path);
    return check_path(L, lua_tostring(L, -1), site);
}

/* --- being told --- */

struct watching {
    const struct cw_lua_cart *cart;
    cw_inbox_came_fn *came;
    void *arg;
    struct cw_inbox_watch *watch;
};

static int watch_protected(lua_State *L)
{
    struct watching *watching = lua_touserdata(L, 1);
    cw_lua_push_open(L, "inbox_place");
    lua_rawgeti(L, LUA_REGISTRYINDEX, watching->cart->ref);
    lua_call(L, 1, 2); /* place folders */
    if (lua_istable(L, -2))
        watching->watch = cw_lua_watch_place(L, lua_gettop(L) - 1, lua_gettop(L), watching->cart,
                                             watching->came, watching->arg);
    return 0;
}

bool cw_lua_cart_watch(const struct cw_lua_cart *cart, cw_inbox_came_fn *came, void *arg,
                       struct cw_inbox_watch **watch, struct cw_error *err)
{
    struct watching watching = { .cart = cart, .came = came, .arg = arg };
    bool ok = cw_script_call(cart->carts->script, watch_protected, &watching, err);
    *watch = watching.watch;
    return ok;
}

static const luaL_Reg functions[] = {
    { "drop", drop_path }, { "note", note }, { "open", open_inbox }, { NULL, NULL }
};

static void make_type(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", close_inbox }, { NULL, NULL } };
    static const luaL_Reg methods[] = { { "list", list },           { "read", read_entry },
                                        { "finish", finish_entry }, { "is_stored", is_stored },
                                        { "close", close_inbox },   { NULL, NULL } };
    cw_lua_new_type(L, INBOX_TYPE, meta, methods);
}

int cw_luaopen_inbox(lua_State *L)
{
    make_type(L);
    luaL_newlibtable(L, functions);
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, functions, 1);
    return 1;
}
