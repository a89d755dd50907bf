/* lua_xml.c - XML for scripts: cartwright.xml in scripts/types/data.lua. */
#include <stdlib.h>

#include "adapters/writer.h"
#include "adapters/xml_name.h"
#include "bindings/modules.h"

enum { DEPTH_MAX = 100, INDENT_MAX = 8 };

/* xml.parse(text) -> Node | nil, message, code. The node keeps the text and its tree alive. */
static int parse(lua_State *L)
{
    struct cw_error err;
    struct cw_slice text;
    text.data = luaL_checklstring(L, 1, &text.len);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    int owner = lua_gettop(L);
    const struct cw_node *root = NULL;
    scratch->body = cw_body_borrow(text, &err);
    if (scratch->body != NULL)
        root = cw_lua_parse_xml(scratch, &err); /* copies the bytes: the string need not stay */
    if (root == NULL) {
        cw_lua_clear_scratch(scratch);
        return cw_lua_push_failure(L, &err);
    }
    struct cw_scope scope = { .record = root };
    cw_lua_release_scope(cw_lua_push_scope(L, &scope, owner));
    cw_lua_charge(L, scratch->arena.used);
    return 1;
}

struct writer {
    lua_State *L;
    struct cw_buffer *out;
    int indent;
};

static void check(struct writer *w, bool ok, const struct cw_error *err)
{
    if (!ok)
        cw_lua_raise(w->L, err);
}

static void add(struct writer *w, const char *text, size_t len)
{
    struct cw_error err;
    check(w, cw_buffer_add(w->out, text, len, &err), &err);
}

static void add_line(struct writer *w, int depth)
{
    static const char blanks[INDENT_MAX + 1] = "        ";
    if (w->indent == 0)
        return;
    add(w, "\n", 1);
    for (int i = 0; i < depth; i++)
        add(w, blanks, (size_t)w->indent);
}

/* The element's name: the first item of the table. */
static struct cw_slice push_name(struct writer *w, int table)
{
    struct cw_slice name;
    if (lua_rawgeti(w->L, table, 1) != LUA_TSTRING)
        cw_lua_fail(w->L, CW_USAGE, "xml.write: the first item of an element is its name, not %s",
                    cw_lua_type_name(w->L, -1));
    name.data = lua_tolstring(w->L, -1, &name.len);
    if (!cw_xml_is_name(name))
        cw_lua_fail(w->L, CW_INVALID, "xml.write: \"%.80s\" is no name of an element", name.data);
    return name;
}

/* The text of the value at `index`, which stays on the stack. */
static struct cw_slice scalar(struct writer *w, int index, char *scratch, struct cw_slice element)
{
    struct cw_slice text;
    if (!cw_lua_scalar(w->L, index, scratch, &text))
        cw_lua_fail(w->L, CW_USAGE, "xml.write: %s in <%.60s> cannot be written%s",
                    cw_lua_type_name(w->L, index), element.data,
                    lua_type(w->L, index) == LUA_TNUMBER ? ": it is not exact; use cartwright.decimal" : "");
    return text;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Pushes a userdata with the sorted names of the attributes, and gives their number. */
static size_t push_attributes(struct writer *w, int table, struct cw_slice element, const char ***names)
{
    lua_State *L = w->L;
    size_t count = 0, n = 0;
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1))
        count += lua_type(L, -2) == LUA_TSTRING;
    *names = lua_newuserdatauv(L, count * sizeof **names + 1, 0);
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        bool is_item = lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 &&
                       (lua_Unsigned)lua_tointeger(L, -2) <= lua_rawlen(L, table);
        if (lua_type(L, -2) == LUA_TSTRING)
            (*names)[n++] = lua_tostring(L, -2); /* alive: a key of the table */
        else if (!is_item)
            cw_lua_fail(L, CW_USAGE,
                        "xml.write: <%.60s> has a hole between its items, or a key that is no text",
                        element.data);
    }
    qsort(*names, count, sizeof **names, compare_names);
    return count;
}

static void write_attributes(struct writer *w, int table, struct cw_slice element)
{
    lua_State *L = w->L;
    const char **names;
    size_t count = push_attributes(w, table, element, &names);
    for (size_t i = 0; i < count; i++) {
        char scratch[CW_LUA_SCALAR_MAX];
        struct cw_error err;
        struct cw_slice name = cw_slice(names[i]);
        if (!cw_xml_is_name(name))
            cw_lua_fail(L, CW_INVALID, "xml.write: \"%.80s\" is no name of an attribute", names[i]);
        lua_pushstring(L, names[i]);
        lua_rawget(L, table);
        struct cw_slice value = scalar(w, lua_gettop(L), scratch, element);
        check(w, cw_xml_write_attribute(w->out, name, value, &err), &err);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static bool has_text(lua_State *L, int table, size_t items)
{
    bool found = false;
    for (size_t i = 2; i <= items && !found; i++) {
        found = lua_rawgeti(L, table, (lua_Integer)i) != LUA_TTABLE;
        lua_pop(L, 1);
    }
    return found;
}

static void write_element(struct writer *w, int table, int depth);

static void write_text(struct writer *w, int index, struct cw_slice element)
{
    char scratch[CW_LUA_SCALAR_MAX];
    struct cw_error err;
    struct cw_slice text = scalar(w, index, scratch, element);
    check(w, cw_xml_write_text(w->out, text, &err), &err);
}

/* Line breaks go only between elements: beside a text they would be part of it. */
static void write_items(struct writer *w, int table, size_t items, struct cw_slice name, int depth)
{
    lua_State *L = w->L;
    bool lines = !has_text(L, table, items);
    for (size_t i = 2; i <= items; i++) {
        if (lines)
            add_line(w, depth + 1);
        if (lua_rawgeti(L, table, (lua_Integer)i) == LUA_TTABLE)
            write_element(w, lua_gettop(L), depth + 1);
        else
            write_text(w, lua_gettop(L), name);
        lua_pop(L, 1);
    }
    if (lines)
        add_line(w, depth);
}

static void write_element(struct writer *w, int table, int depth)
{
    lua_State *L = w->L;
    if (depth >= DEPTH_MAX)
        cw_lua_fail(L, CW_LIMIT, "xml.write: nested deeper than %d, or in a circle", DEPTH_MAX);
    luaL_checkstack(L, 10, "XML nested too deep");
    struct cw_slice name = push_name(w, table);
    size_t items = lua_rawlen(L, table);
    add(w, "<", 1);
    add(w, name.data, name.len);
    write_attributes(w, table, name);
    if (items < 2) {
        add(w, "/>", 2);
    } else {
        add(w, ">", 1);
        write_items(w, table, items, name, depth);
        add(w, "</", 2);
        add(w, name.data, name.len);
        add(w, ">", 1);
    }
    lua_pop(L, 1);
}

static void read_options(struct writer *w, int options, bool *declaration)
{
    lua_State *L = w->L;
    if (lua_isnoneornil(L, options))
        return;
    luaL_checktype(L, options, LUA_TTABLE);
    lua_getfield(L, options, "indent");
    lua_Integer indent = luaL_optinteger(L, -1, 0);
    luaL_argcheck(L, indent >= 0 && indent <= INDENT_MAX, options, "indent: 0 to 8");
    w->indent = (int)indent;
    lua_getfield(L, options, "declaration");
    *declaration = lua_toboolean(L, -1);
}

/* xml.write(tree, options) -> string. Raises for what no XML document can hold. */
static int write(lua_State *L)
{
    static const char declared[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    bool declaration = false;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    struct writer writer = { L, &scratch->buffer, 0 };
    read_options(&writer, 2, &declaration);
    if (declaration)
        add(&writer, declared, sizeof declared - 1);
    write_element(&writer, 1, 0);
    struct cw_slice text = cw_buffer_slice(&scratch->buffer);
    lua_pushlstring(L, text.data, text.len);
    cw_lua_clear_scratch(scratch);
    return 1;
}

int cw_lua_open_xml(lua_State *L)
{
    static const luaL_Reg functions[] = { { "parse", parse }, { "write", write }, { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}
