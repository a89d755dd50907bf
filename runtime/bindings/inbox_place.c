/* inbox_place.c - see inbox_place.h. */
#include "bindings/inbox_place.h"

#include "bindings/http_client.h"
#include "bindings/modules.h"

#define SEE "cartwright.InboxPlace in scripts/types/inbox.lua"

static const char *const known[] = { "folder", "rest",    "trigger", "pattern", "done",     "failed",
                                     "imap",   "pop3",    "user",    "key",     "password", "host_key",
                                     "ca",     "notices", "rest_us", NULL };

/* Stays valid while the table has it. */
static const char *text_field(lua_State *L, int place, const char *name)
{
    int type = lua_getfield(L, place, name);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        cw_lua_fail(L, CW_USAGE, "%s of an inbox is a text, not %s; see " SEE, name, cw_lua_type_name(L, -1));
    const char *text = lua_tostring(L, -1);
    lua_pop(L, 1);
    return text;
}

static bool is_set(lua_State *L, int place, const char *name)
{
    bool set = lua_getfield(L, place, name) != LUA_TNIL && lua_toboolean(L, -1);
    lua_pop(L, 1);
    return set;
}

/* Which of the kinds of places it is. */
static const char *kind_of(lua_State *L, int place)
{
    static const char *const kinds[] = { "folder", "imap", "pop3", "notices" };
    const char *kind = NULL;
    cw_client_check_keys(L, place, "inbox", SEE, known);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!is_set(L, place, kinds[i]))
            continue;
        if (kind != NULL)
            cw_lua_fail(L, CW_USAGE, "an inbox is one of %s and %s, not both", kind, kinds[i]);
        kind = kinds[i];
    }
    if (kind == NULL)
        cw_lua_fail(L, CW_USAGE, "an inbox needs one of folder, imap, pop3 and notices; see " SEE);
    return kind;
}

static struct cw_inbox_files read_files(lua_State *L, int place, const struct cw_lua_cart *cart)
{
    lua_getfield(L, place, "rest_us"); /* made by scripts/cartwright/inbox.lua */
    cw_time rest = (cw_time)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return (struct cw_inbox_files){ .rest = rest,
                                    .trigger = text_field(L, place, "trigger"),
                                    .pattern = text_field(L, place, "pattern"),
                                    .done = text_field(L, place, "done"),
                                    .failed = text_field(L, place, "failed"),
                                    .only_look = cart->carts->host.dry_run };
}

static bool is_remote(const char *folder)
{
    return strstr(folder, "://") != NULL;
}

/* Scripts name no folders of this machine: site.lua does. */
static void check_drop(lua_State *L, const char *folder, const struct cw_lua_cart *cart)
{
    for (size_t i = 0; i < cart->drop_count; i++)
        if (strcmp(cart->drops[i], folder) == 0)
            return;
    cw_lua_fail(L, CW_REFUSED,
                "cart %s: the folder %s is none of its settings; declare one with cart.drop { ... } and hand "
                "over settings.NAME",
                cart->name, folder);
}

struct cw_inbox *cw_lua_open_place(lua_State *L, int place, int folders, const struct cw_lua_cart *cart)
{
    struct cw_error err;
    struct cw_inbox *inbox = NULL;
    const char *kind = kind_of(L, place);
    struct cw_loop *loop = cw_lua_host_of(L)->loop;
    (void)folders;
    if (strcmp(kind, "folder") == 0) {
        const struct cw_inbox_files files = read_files(L, place, cart);
        const char *folder = text_field(L, place, "folder");
        if (is_remote(folder))
            cw_fail(&err, CW_USAGE, "folders of servers are not read here");
        else {
            check_drop(L, folder, cart);
            inbox = cw_inbox_folder_open(loop, folder, &files, &err);
        }
    } else {
        /* mailboxes are opened here */
        cw_fail(&err, CW_USAGE, "cart %s: an inbox of kind %s is not read here", cart->name, kind);
    }
    if (inbox == NULL)
        cw_lua_raise(L, &err);
    return inbox;
}

struct cw_inbox_watch *cw_lua_watch_place(lua_State *L, int place, int folders,
                                          const struct cw_lua_cart *cart, cw_inbox_came_fn *came, void *arg)
{
    struct cw_error err;
    const char *kind = kind_of(L, place), *folder = text_field(L, place, "folder");
    struct cw_inbox_watch *watch = NULL;
    (void)folders;
    if (strcmp(kind, "folder") != 0 || is_remote(folder)) /* mailboxes with IDLE are watched here */
        return NULL;
    check_drop(L, folder, cart);
    watch = cw_inbox_folder_watch(cw_lua_host_of(L)->loop, folder, read_files(L, place, cart).rest, came, arg,
                                  &err);
    if (watch == NULL)
        cw_lua_raise(L, &err);
    return watch;
}
