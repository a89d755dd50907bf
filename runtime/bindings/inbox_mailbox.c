/* inbox_mailbox.c - mailboxes as inboxes of carts: imap and pop3 of cartwright.InboxPlace. */
#include "adapters/mailbox.h"

#include "bindings/inbox_place.h"
#include "bindings/modules.h"

/* Stays valid while the place has it. A password in a script would stand in a file that others read. */
static const char *credential(lua_State *L, int place, const char *name, bool may_be_text)
{
    const char *text = NULL;
    int type = lua_getfield(L, place, name);
    if (type == LUA_TSTRING && may_be_text)
        text = lua_tostring(L, -1);
    else if (cw_lua_to_secret(L, -1) != NULL)
        text = cw_lua_secret_text(L, -1);
    else
        cw_lua_fail(L, CW_USAGE,
                    "%s of a mailbox is %s; declare it with cart.secret { required = true }, and hand over "
                    "settings.NAME",
                    name, cw_lua_type_name(L, -1));
    lua_pop(L, 1);
    return text;
}

static const char *text(lua_State *L, int place, const char *name)
{
    int type = lua_getfield(L, place, name);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        cw_lua_fail(L, CW_USAGE, "%s of a mailbox is a text, not %s", name, cw_lua_type_name(L, -1));
    const char *value = lua_tostring(L, -1);
    lua_pop(L, 1);
    return value;
}

struct cw_inbox *cw_lua_open_mailbox(lua_State *L, int place, const char *kind,
                                     const struct cw_egress *egress, const struct cw_lua_cart *cart,
                                     struct cw_error *err)
{
    const struct cw_mailbox_place mailbox = {
        .url = text(L, place, kind),
        .user = credential(L, place, "user", true),
        .password = credential(L, place, "password", false),
        .authorities = text(L, place, "ca"),
        .done = text(L, place, "done"),
        .failed = text(L, place, "failed"),
        .only_look = cart->carts->host.dry_run,
        .egress = egress,
    };
    if (strncmp(mailbox.url, kind, strlen(kind)) != 0) {
        cw_fail(err, CW_USAGE, "cart %s: %s of an inbox is an address that begins with %s:// or %ss://",
                cart->name, kind, kind, kind);
        return NULL;
    }
    struct cw_inbox *inbox = cw_mailbox_open(cw_lua_host_of(L)->loop, &mailbox, err);
    if (inbox == NULL)
        cw_fail_in(err, "cart %s", cart->name);
    return inbox;
}
