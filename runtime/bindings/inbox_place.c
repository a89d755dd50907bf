/* inbox_place.c - see inbox_place.h. */
#include "bindings/inbox_place.h"

#include "adapters/inbox_notices.h"
#include "adapters/inbox_remote.h"
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

/* A password in a script would stand in a file that others read. */
static const char *secret_field(lua_State *L, int place, const char *name)
{
    const char *text = NULL;
    if (lua_getfield(L, place, name) != LUA_TNIL) {
        if (cw_lua_to_secret(L, -1) == NULL)
            cw_lua_fail(
                L, CW_USAGE,
                "%s of an inbox must be a secret: declare it as a setting with cart.secret { ... }, and "
                "hand over settings.%s",
                name, name);
        text = cw_lua_secret_text(L, -1);
    }
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

/* Its texts stay valid while the table has them; the adapter copies what it keeps. */
static struct cw_upload_place read_server(lua_State *L, int place, int folders, const char *url)
{
    return (struct cw_upload_place){ .url = url,
                                     .user = text_field(L, place, "user"),
                                     .password = secret_field(L, place, "password"),
                                     .key = secret_field(L, place, "key"),
                                     .host_key = text_field(L, place, "host_key"),
                                     .authorities = text_field(L, place, "ca"),
                                     .egress = cw_lua_to_egress(L, folders) };
}

static struct cw_inbox *open_folder(lua_State *L, int place, int folders, const struct cw_lua_cart *cart,
                                    struct cw_error *err)
{
    const struct cw_inbox_files files = read_files(L, place, cart);
    const char *folder = text_field(L, place, "folder");
    if (is_remote(folder)) {
        const struct cw_upload_place server = read_server(L, place, folders, folder);
        return cw_inbox_remote_open(cw_lua_host_of(L)->loop, &server, &files, err);
    }
    check_drop(L, folder, cart);
    return cw_inbox_folder_open(cw_lua_host_of(L)->loop, folder, &files, err);
}

static struct cw_inbox *open_notices(lua_State *L, const struct cw_lua_cart *cart, struct cw_error *err)
{
    const struct cw_lua_carts_host *host = &cart->carts->host;
    const struct cw_inbox_notices config = { .loop = cw_lua_host_of(L)->loop,
                                             .store = host->store,
                                             .cart = cart->name,
                                             .fence = host->fence,
                                             .arg = host->arg,
                                             .only_look = host->dry_run };
    if (host->store != NULL)
        return cw_inbox_notices_open(&config, err);
    cw_fail(err, CW_USAGE, "cart %s: there is no store in this command, and so no notices", cart->name);
    return NULL;
}

struct cw_inbox *cw_lua_open_place(lua_State *L, int place, int folders, const struct cw_lua_cart *cart)
{
    struct cw_error err;
    struct cw_inbox *inbox = NULL;
    const char *kind = kind_of(L, place);
    if (strcmp(kind, "folder") == 0)
        inbox = open_folder(L, place, folders, cart, &err);
    else if (strcmp(kind, "notices") == 0)
        inbox = open_notices(L, cart, &err);
    else if (strcmp(kind, "imap") == 0 || strcmp(kind, "pop3") == 0)
        inbox = cw_lua_open_mailbox(L, place, kind, cw_lua_to_egress(L, folders), cart, &err);
    else
        cw_fail(&err, CW_USAGE, "cart %s: an inbox of kind %s is not read here", cart->name, kind);
    if (inbox == NULL)
        cw_lua_raise(L, &err);
    return inbox;
}

struct cw_inbox_watch *cw_lua_watch_place(lua_State *L, int place, int folders,
                                          const struct cw_lua_cart *cart, cw_inbox_came_fn *came, void *arg)
{
    struct cw_error err;
    const char *kind = kind_of(L, place), *folder = text_field(L, place, "folder");
    (void)folders;
    if (strcmp(kind, "folder") != 0 || is_remote(folder)) /* mailboxes with IDLE are watched here */
        return NULL;
    check_drop(L, folder, cart);
    struct cw_inbox_watch *watch = cw_inbox_folder_watch(cw_lua_host_of(L)->loop, folder,
                                                         read_files(L, place, cart).rest, came, arg, &err);
    if (watch == NULL)
        cw_lua_raise(L, &err);
    return watch;
}
