/* lua_http_body.c - the body of a request: bytes, a form, or JSON. Secrets in it never become values of Lua.
 */
#include "bindings/http_client.h"

enum { FIELDS_MAX = 1000 };

static void add_field(lua_State *L, struct cw_buffer *out, const char *name, const char *value)
{
    struct cw_error err;
    if (!cw_form_add(out, cw_slice(name), cw_slice(value), &err))
        cw_lua_raise(L, &err);
}

static void write_named(lua_State *L, struct cw_lua_scratch *memory)
{
    struct pairs fields = cw_client_read_pairs(L, -1, "form", &memory->arena);
    for (size_t i = 0; i < fields.count; i++)
        add_field(L, &memory->buffer, fields.items[i].name, fields.items[i].value);
}

/* A list of { name, value }, in its own order. */
static void write_listed(lua_State *L, struct cw_lua_scratch *memory)
{
    int list = lua_gettop(L);
    lua_Unsigned count = lua_rawlen(L, list);
    if (count > FIELDS_MAX)
        cw_lua_fail(L, CW_LIMIT, "form has %llu fields; the limit is %d", (unsigned long long)count,
                    FIELDS_MAX);
    for (lua_Unsigned i = 1; i <= count; i++) {
        if (lua_rawgeti(L, list, (lua_Integer)i) != LUA_TTABLE)
            cw_lua_fail(L, CW_USAGE,
                        "form must be a table of names and values, or a list of { name, value }");
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        const char *name = cw_client_copy_text(L, lua_gettop(L) - 1, "form", &memory->arena);
        add_field(L, &memory->buffer, name, cw_client_copy_text(L, lua_gettop(L), "form", &memory->arena));
        lua_pop(L, 3);
    }
}

/* The form on top. */
static void write_form(lua_State *L, struct cw_lua_scratch *memory)
{
    if (lua_istable(L, -1) && lua_rawlen(L, -1) > 0)
        write_listed(L, memory);
    else
        write_named(L, memory);
}

static struct cw_slice take_bytes(lua_State *L, struct cw_lua_scratch *memory)
{
    struct cw_slice body;
    if (lua_type(L, -1) != LUA_TSTRING)
        cw_lua_fail(L, CW_USAGE, "request: body must be a text, not %s", cw_lua_type_name(L, -1));
    body.data = lua_tolstring(L, -1, &body.len);
    return cw_arena_copy(&memory->arena, body);
}

struct cw_slice cw_client_read_body(lua_State *L, int index, struct cw_lua_scratch *memory, const char **type)
{
    struct cw_slice body = { NULL, 0 };
    bool has_bytes = lua_getfield(L, index, "body") != LUA_TNIL;
    bool has_form = lua_getfield(L, index, "form") != LUA_TNIL;
    bool has_json = lua_getfield(L, index, "json") != LUA_TNIL;
    *type = has_form ? "application/x-www-form-urlencoded" : has_json ? "application/json" : NULL;
    if (has_bytes + has_form + has_json > 1)
        cw_lua_fail(L, CW_USAGE, "request: only one of body, form and json");
    cw_buffer_clear(&memory->buffer);
    if (has_json)
        cw_lua_write_secret_json(L, -1, &memory->buffer);
    lua_pop(L, 1);
    if (has_form)
        write_form(L, memory);
    lua_pop(L, 1);
    if (has_bytes)
        body = take_bytes(L, memory);
    else if (*type != NULL)
        body = cw_arena_copy(&memory->arena, cw_buffer_slice(&memory->buffer));
    if (body.data == NULL && (has_bytes || *type != NULL))
        cw_lua_fail(L, CW_LIMIT, "request: the body is too large");
    lua_pop(L, 1);
    return body;
}
