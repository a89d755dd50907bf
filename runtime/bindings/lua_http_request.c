/* lua_http_request.c - from a script's table to a request: its address, its headers, and who may see
 * credentials. */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "bindings/http_client.h"

static bool same_origin(const struct cw_url *a, const struct cw_url *b)
{
    return a->is_https == b->is_https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool is_absolute(const char *path)
{
    return strncasecmp(path, "http://", 7) == 0 || strncasecmp(path, "https://", 8) == 0;
}

/* ".." would leave the base, also when it is percent-encoded: servers decode it. */
static bool leaves_base(const char *path)
{
    for (const char *p = path; *p != '\0' && *p != '?';) {
        size_t dots = 0;
        for (;;) {
            if (*p == '.')
                p++;
            else if (strncasecmp(p, "%2e", 3) == 0)
                p += 3;
            else
                break;
            dots++;
        }
        bool ends = *p == '\0' || *p == '?' || *p == '/' || *p == '\\';
        if (dots == 2 && ends)
            return true;
        while (*p != '\0' && *p != '?' && *p != '/')
            p++;
        if (*p == '/')
            p++;
    }
    return false;
}

static void add(lua_State *L, struct cw_buffer *out, const char *text)
{
    struct cw_error err;
    if (!cw_buffer_add(out, text, strlen(text), &err))
        cw_lua_raise(L, &err);
}

/* The text field of the request; NULL when absent. It stays on the stack. */
static const char *push_text(lua_State *L, int index, const char *name, struct cw_slice *text)
{
    int type = lua_getfield(L, index, name);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        cw_lua_fail(L, CW_USAGE, "request: %s must be a text, not %s", name, cw_lua_type_name(L, -1));
    *text = (struct cw_slice){ NULL, 0 };
    if (type == LUA_TSTRING)
        text->data = lua_tolstring(L, -1, &text->len);
    return text->data;
}

/* Base and path with one '/' between them, or the absolute address. */
static void add_address(lua_State *L, const char *base, const char *path, struct cw_buffer *out)
{
    if (path != NULL && is_absolute(path)) {
        add(L, out, path);
        return;
    }
    add(L, out, base);
    if (path == NULL || path[0] == '\0')
        return;
    if (leaves_base(path))
        cw_lua_fail(L, CW_USAGE, "request: the path \"%.100s\" leaves the cart's base; write it without ..",
                    path);
    if (path[0] != '?' && base[strlen(base) - 1] != '/')
        add(L, out, "/");
    add(L, out, path + strspn(path, "/"));
}

static void add_parameter(lua_State *L, struct cw_buffer *out, const struct cw_header *pair)
{
    struct cw_error err;
    if (!cw_url_add_query(out, cw_slice(pair->name), cw_slice(pair->value), &err))
        cw_lua_raise(L, &err);
}

/* Both in the order of the names; where both have a name, the request's value is sent. */
static void add_query(lua_State *L, struct cw_buffer *out, const struct pairs *settings,
                      const struct pairs *own)
{
    size_t i = 0, j = 0;
    while (i < settings->count || j < own->count) {
        int order = i == settings->count ? 1
                    : j == own->count    ? -1
                                         : strcmp(settings->items[i].name, own->items[j].name);
        if (order < 0) {
            add_parameter(L, out, &settings->items[i++]);
        } else {
            add_parameter(L, out, &own->items[j++]);
            i += order == 0;
        }
    }
}

static bool has_header(const struct cw_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(headers[i].name, name) == 0)
            return true;
    return false;
}

/* A line break in a header would begin a header, or a request, of the script's own making. */
static void check_header(lua_State *L, const struct cw_header *header)
{
    size_t len =
        strspn(header->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~");
    if (len == 0 || header->name[len] != '\0')
        cw_lua_fail(L, CW_USAGE, "request: \"%.60s\" is no name of a header", header->name);
    for (const char *p = header->value; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 && *p != '\t')
            cw_lua_fail(L, CW_USAGE, "request: the header %.60s has a control character in its value",
                        header->name);
}

/* `type`: of a body that was made here; a script that says otherwise is right. */
static void join_headers(lua_State *L, const struct pairs *settings, const struct pairs *own,
                         const char *type, struct cw_arena *arena, struct cw_http_request *out)
{
    struct cw_header *headers = cw_arena_alloc(arena, (settings->count + own->count + 1) * sizeof *headers);
    size_t count = 0;
    if (headers == NULL)
        cw_lua_fail(L, CW_NOMEM, "no memory for headers");
    for (size_t i = 0; i < own->count; i++)
        headers[count++] = own->items[i];
    for (size_t i = 0; i < settings->count; i++)
        if (!has_header(headers, own->count, settings->items[i].name))
            headers[count++] = settings->items[i];
    if (type != NULL && !has_header(headers, count, "Content-Type"))
        headers[count++] = (struct cw_header){ "Content-Type", type };
    for (size_t i = 0; i < count; i++)
        check_header(L, &headers[i]);
    out->headers = headers;
    out->header_count = count;
}

static const char *read_method(lua_State *L, int index, struct cw_arena *arena)
{
    struct cw_slice method;
    if (push_text(L, index, "method", &method) == NULL)
        method = cw_slice("GET");
    for (size_t i = 0; i < method.len; i++)
        if (!isupper((unsigned char)method.data[i]) || method.len > 16)
            cw_lua_fail(L, CW_USAGE, "request: method is written in capitals, such as GET, POST or PUT");
    if (method.len == 0)
        cw_lua_fail(L, CW_USAGE, "request: method is empty");
    const char *copy = cw_lua_copy(L, arena, method);
    lua_pop(L, 1);
    return copy;
}

/* Address without query into memory->buffer and the request's limits; `url` is what it is parsed to. */
static void read_address(lua_State *L, int index, const struct client_settings *settings,
                         struct cw_buffer *out, struct cw_url *url)
{
    struct cw_error err;
    struct cw_slice path;
    push_text(L, index, "path", &path);
    if (path.data != NULL &&
        (memchr(path.data, '\0', path.len) != NULL || memchr(path.data, '#', path.len) != NULL))
        cw_lua_fail(L, CW_USAGE, "request: a path has no # and no zero byte; write %%23 for #");
    cw_buffer_clear(out);
    add_address(L, settings->base, path.data, out);
    if (!cw_url_parse(out->data, url, &err)) {
        cw_fail_in(&err, "request");
        cw_lua_raise(L, &err);
    }
    lua_pop(L, 1);
}

static const char *make_label(lua_State *L, const char *method, const struct cw_url *url,
                              struct cw_arena *arena)
{
    char text[CW_URL_WHERE_MAX + 32];
    snprintf(text, sizeof text, "%s %s", method, url->where);
    return cw_lua_copy(L, arena, cw_slice(text));
}

static void read_limits(lua_State *L, int index, const struct client_settings *settings,
                        struct cw_http_request *out)
{
    cw_time timeout = cw_client_read_seconds(L, index, "timeout");
    uint64_t body_limit = cw_client_read_count(L, index, "body_limit");
    out->total_timeout = timeout > 0 ? timeout : settings->timeout;
    out->body_limit = body_limit > 0 ? body_limit : settings->body_limit;
    out->connect_timeout = settings->connect;
    out->stall_timeout = settings->stall;
    out->attempts = settings->attempts;
    lua_getfield(L, index, "repeatable");
    out->repeatable = lua_toboolean(L, -1);
    lua_getfield(L, index, "reads");
    out->reads = lua_toboolean(L, -1);
    lua_pop(L, 2);
}

void cw_client_prepare(lua_State *L, int index, const struct client_settings *settings,
                       struct cw_lua_scratch *memory, struct cw_http_request *out, const char **label)
{
    static const char *const known[] = { "method", "path",  "query",      "headers", "body",       "form",
                                         "json",   "reads", "repeatable", "timeout", "body_limit", NULL };
    static const struct pairs nothing;
    struct cw_url url;
    const char *type;
    index = lua_absindex(L, index);
    luaL_checkstack(L, 12, "no room for a request");
    cw_client_check_keys(L, index, "request", "cartwright.Request in scripts/types/cart.lua", known);
    *out = (struct cw_http_request){ .method = read_method(L, index, &memory->arena) };
    read_address(L, index, settings, &memory->buffer, &url);
    bool is_shop = same_origin(&url, &settings->origin);

    lua_getfield(L, index, "query");
    struct pairs query = cw_client_read_pairs(L, -1, "query", &memory->arena);
    add_query(L, &memory->buffer, is_shop ? &settings->query : &nothing, &query);
    out->url = cw_lua_copy(L, &memory->arena, cw_buffer_slice(&memory->buffer));
    lua_getfield(L, index, "headers");
    struct pairs headers = cw_client_read_pairs(L, -1, "headers", &memory->arena);
    lua_pop(L, 2);

    out->body = cw_client_read_body(L, index, memory, &type);
    join_headers(L, is_shop ? &settings->headers : &nothing, &headers, type, &memory->arena, out);
    read_limits(L, index, settings, out);
    if (is_shop) {
        out->auth = settings->auth;
        out->user = settings->user;
        out->secret = settings->secret;
        out->oauth1 = &settings->oauth1;
    }
    *label = make_label(L, out->method, &url, &memory->arena);
}
