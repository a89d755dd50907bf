/* lua_upload.c - files on other people's servers for scripts: cartwright.native.upload, behind Cart:upload
 * and Cart:files.
 *
 * One wait covers one upload or one listing. Everything that it points to lives in its userdata, or on the
 * stack that waits; the loop's callbacks only note what came.
 */
#include "adapters/mailbox.h"
#include "adapters/upload.h"

#include "bindings/http_client.h"
#include "bindings/inbox_place.h"
#include "bindings/telling.h"

#define FOLDERS_TYPE "cartwright.native.Folders"
#define TASK_TYPE    "cartwright.native.FolderTask"

enum { SERVERS_MAX = 100, TASK_INDEX = 3, BODY_INDEX = 4 }; /* stack: folders, request, task, body */

struct folders {
    struct cw_egress *egress;
};

struct task {
    struct cw_wait wait; /* first: &wait converts back */
    struct cw_upload *running;
    struct cw_telling *telling; /* that a write was begun for; NULL = nobody counts */
    struct cw_upload_place place;
    struct cw_lua_scratch memory; /* texts of the place; the address, or the names with a line end each */
    bool failed;
    struct cw_error err;
};

static void cancel_task(struct cw_wait *wait)
{
    struct task *task = (struct task *)wait;
    if (task->running != NULL)
        cw_upload_cancel(task->running);
    task->running = NULL;
}

static int collect_task(lua_State *L)
{
    struct task *task = luaL_checkudata(L, 1, TASK_TYPE);
    cancel_task(&task->wait);
    cw_lua_clear_scratch(&task->memory);
    return 0;
}

static struct task *push_task(lua_State *L)
{
    struct task *task = lua_newuserdatauv(L, sizeof *task, 0);
    *task = (struct task){ .wait = { .cancel = cancel_task } };
    cw_lua_init_scratch(&task->memory);
    luaL_setmetatable(L, TASK_TYPE);
    return task;
}

/* --- what is asked --- */

static const char *read_text(lua_State *L, struct task *task, const char *name, bool is_needed)
{
    const char *copy = NULL;
    int type = lua_getfield(L, 2, name);
    if (type == LUA_TSTRING)
        copy =
            cw_lua_copy(L, &task->memory.arena, (struct cw_slice){ lua_tostring(L, -1), lua_rawlen(L, -1) });
    else if (type != LUA_TNIL || is_needed)
        cw_lua_fail(L, CW_USAGE, "%s of an upload is a text, not %s", name, cw_lua_type_name(L, -1));
    lua_pop(L, 1);
    return copy;
}

/* A password in a script would stand in a file that others read. */
static const char *read_secret(lua_State *L, struct task *task, const char *name)
{
    const char *copy = NULL;
    if (lua_getfield(L, 2, name) != LUA_TNIL) {
        if (cw_lua_to_secret(L, -1) == NULL)
            cw_lua_fail(
                L, CW_USAGE,
                "%s of an upload must be a secret: declare it as a setting with cart.secret { ... }, and "
                "hand over self.settings.NAME",
                name);
        copy = cw_lua_copy(L, &task->memory.arena, cw_slice(cw_lua_secret_text(L, -1)));
    }
    lua_pop(L, 1);
    return copy;
}

static void read_place(lua_State *L, struct task *task, const struct folders *folders)
{
    task->place = (struct cw_upload_place){
        .url = read_text(L, task, "url", true),
        .user = read_text(L, task, "user", false),
        .password = read_secret(L, task, "password"),
        .key = read_secret(L, task, "key"),
        .host_key = read_text(L, task, "host_key", false),
        .authorities = read_text(L, task, "ca", false),
        .egress = folders->egress,
    };
}

/* --- uploads --- */

/* Nothing is said of a rename that may have been carried out. */
static void count_upload(const struct task *task, bool ok, bool may_exist)
{
    if (task->telling != NULL && (ok || !may_exist))
        cw_telling_end(task->telling, ok ? CW_EFFECT_TAKEN : CW_EFFECT_REFUSED);
}

static void on_uploaded(void *arg, bool may_exist, const struct cw_error *err)
{
    struct task *task = arg; /* alive: the suspended stack holds it */
    task->running = NULL;
    task->failed = err != NULL;
    if (err != NULL)
        task->err = *err;
    count_upload(task, err == NULL, may_exist);
    cw_wait_done(&task->wait);
}

static int finish_upload(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    struct task *task = luaL_checkudata(L, TASK_INDEX, TASK_TYPE);
    if (task->failed)
        return cw_lua_push_failure(L, &task->err);
    struct cw_slice address = cw_buffer_slice(&task->memory.buffer);
    lua_createtable(L, 0, 1);
    lua_pushlstring(L, address.data, address.len);
    lua_setfield(L, -2, "address");
    cw_telling_prove(L, -1, task->telling != NULL);
    return 1;
}

static bool begin_upload(struct task *task, const struct cw_lua_host *host, struct cw_telling *telling,
                         const char *name, struct cw_slice body)
{
    const char *address = task->memory.buffer.data;
    if (host->read_only)
        return cw_fail(&task->err, CW_REFUSED, "%s: not uploaded, because this is a dry run", address);
    if (telling != NULL && !cw_telling_begin(telling, address, &task->err))
        return false;
    task->telling = telling;
    if (telling == NULL || cw_telling_may_leave(telling, &task->err))
        task->running = cw_upload_start(host->loop, &task->place, name, body, on_uploaded, task, &task->err);
    if (task->running == NULL)
        count_upload(task, false, false);
    return task->running != NULL;
}

/* folders:put(upload) -> { address = ... } | nil, message, code. Suspends. Raises for a malformed table, and
 * where waiting is impossible. */
static int put_file(lua_State *L)
{
    static const char *const known[] = { "url", "name",     "body", "user", "password",
                                         "key", "host_key", "ca",   NULL };
    struct folders *folders = luaL_checkudata(L, 1, FOLDERS_TYPE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    cw_wait_check(L);
    struct task *task = push_task(L);
    cw_client_check_keys(L, 2, "upload", "Cart:upload in scripts/types/out.lua", known);
    if (lua_getfield(L, 2, "body") != LUA_TSTRING) /* stays: the upload borrows it */
        return cw_lua_fail(L, CW_USAGE, "body of an upload is a text, not %s", cw_lua_type_name(L, -1));
    const char *name = read_text(L, task, "name", true);
    read_place(L, task, folders);
    if (!cw_upload_address(task->place.url, name, &task->memory.buffer, &task->err))
        return cw_lua_raise(L, &task->err);
    struct cw_slice body = { lua_tostring(L, BODY_INDEX), lua_rawlen(L, BODY_INDEX) };
    task->failed = !begin_upload(task, cw_lua_host_of(L), cw_telling_of(L), name, body);
    if (task->failed)
        return finish_upload(L, LUA_OK, 0);
    return cw_wait_start(L, &task->wait, finish_upload, 0);
}

/* --- listings --- */

static void on_name(void *arg, struct cw_slice name)
{
    struct task *task = arg;
    if (!task->failed)
        task->failed = !cw_buffer_add(&task->memory.buffer, name.data, name.len, &task->err) ||
                       !cw_buffer_add(&task->memory.buffer, "\n", 1, &task->err);
}

static void on_listed(void *arg, const struct cw_error *err)
{
    struct task *task = arg;
    task->running = NULL;
    if (err != NULL) {
        task->failed = true;
        task->err = *err;
    }
    cw_wait_done(&task->wait);
}

static int finish_list(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    struct task *task = luaL_checkudata(L, TASK_INDEX, TASK_TYPE);
    if (task->failed)
        return cw_lua_push_failure(L, &task->err);
    struct cw_slice names = cw_buffer_slice(&task->memory.buffer);
    const char *at = names.data, *end = cw_slice_end(names);
    lua_newtable(L);
    for (lua_Integer i = 1; at < end; i++) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        lua_pushlstring(L, at, (size_t)(line - at));
        lua_rawseti(L, -2, i);
        at = line + 1;
    }
    return 1;
}

/* folders:list(folder) -> names | nil, message, code. Suspends, and raises, as put. */
static int list_files(lua_State *L)
{
    static const char *const known[] = { "url", "user", "password", "key", "host_key", "ca", NULL };
    struct folders *folders = luaL_checkudata(L, 1, FOLDERS_TYPE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    cw_wait_check(L);
    struct task *task = push_task(L);
    cw_client_check_keys(L, 2, "files", "Cart:files in scripts/types/out.lua", known);
    read_place(L, task, folders);
    task->running =
        cw_upload_list(cw_lua_host_of(L)->loop, &task->place, on_name, on_listed, task, &task->err);
    if (task->running == NULL)
        return cw_lua_push_failure(L, &task->err);
    return cw_wait_start(L, &task->wait, finish_list, 0);
}

/* --- servers --- */

static int collect_folders(lua_State *L)
{
    struct folders *folders = luaL_checkudata(L, 1, FOLDERS_TYPE);
    cw_egress_free(folders->egress);
    folders->egress = NULL;
    return 0;
}

const struct cw_egress *cw_lua_to_egress(lua_State *L, int index)
{
    return ((struct folders *)luaL_checkudata(L, index, FOLDERS_TYPE))->egress;
}

static bool allow_site(struct cw_egress *egress, const char *const *allowed, struct cw_error *err)
{
    for (; allowed != NULL && *allowed != NULL; allowed++)
        if (!cw_egress_allow(egress, *allowed, err))
            return false;
    return true;
}

/* upload.folders(addresses) -> Folders, which go to these servers and to those that the site allows. */
static int new_folders(lua_State *L)
{
    struct cw_error err;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct folders *folders = lua_newuserdatauv(L, sizeof *folders, 0);
    folders->egress = NULL;
    luaL_setmetatable(L, FOLDERS_TYPE);
    folders->egress = cw_egress_create();
    if (folders->egress == NULL)
        return cw_lua_fail(L, CW_NOMEM, "no memory for the folders of a cart");
    if (!allow_site(folders->egress, cw_lua_host_of(L)->allowed, &err))
        return cw_lua_raise(L, &err);
    for (lua_Integer i = 1; i <= SERVERS_MAX && lua_rawgeti(L, 1, i) == LUA_TSTRING; i++) {
        const char *address = lua_tostring(L, -1);
        if (!(cw_mailbox_is_address(address) ? cw_egress_allow_mailbox(folders->egress, address, &err)
                                             : cw_egress_allow_folder(folders->egress, address, &err)))
            return cw_lua_raise(L, &err);
        lua_pop(L, 1);
    }
    lua_settop(L, 2);
    return 1;
}

void cw_lua_types_upload(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", collect_folders }, { NULL, NULL } };
    static const luaL_Reg methods[] = { { "put", put_file }, { "list", list_files }, { NULL, NULL } };
    static const luaL_Reg task_meta[] = { { "__gc", collect_task }, { NULL, NULL } };
    cw_lua_new_type(L, FOLDERS_TYPE, meta, methods);
    cw_lua_new_type(L, TASK_TYPE, task_meta, NULL);
}

int cw_lua_open_upload(lua_State *L)
{
    static const luaL_Reg functions[] = { { "folders", new_folders }, { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}
