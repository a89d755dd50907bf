/* lua_rows.c - how scripts say that a table of text is read: cartwright.Rows in scripts/types/cart.lua. */
#include <stdio.h>
#include <stdlib.h>

#include "bindings/carts_private.h"
#include "bindings/http_client.h"

static const char *read_text(lua_State *L, int index, const char *field, struct cw_arena *arena)
{
    int type = lua_getfield(L, index, field);
    struct cw_slice text = { NULL, 0 };
    if (type == LUA_TSTRING)
        text.data = lua_tolstring(L, -1, &text.len);
    else if (type != LUA_TNIL)
        cw_lua_fail(L, CW_USAGE, "rows: %s is %s; it is a text", field, cw_lua_type_name(L, -1));
    const char *copy = text.data != NULL ? cw_lua_copy(L, arena, text) : NULL;
    lua_pop(L, 1);
    return copy != NULL && *copy != '\0' ? copy : NULL;
}

static void read_delimiter(lua_State *L, int index, struct cw_arena *arena, struct cw_rows *rows)
{
    const char *text = read_text(L, index, "delimiter", arena);
    if (text != NULL && (text[1] != '\0' || strchr(",;\t|", text[0]) == NULL))
        cw_lua_fail(L, CW_USAGE, "rows: delimiter is \",\", \";\", \"\\t\" or \"|\"");
    rows->shape.delimiter = text != NULL ? text[0] : '\0';
}

/* The texts of the list on top of the stack. */
static const char *const *read_texts(lua_State *L, const char *field, struct cw_arena *arena, size_t *count)
{
    *count = lua_rawlen(L, -1);
    const char **texts = cw_arena_alloc(arena, (*count + 1) * sizeof *texts);
    if (texts == NULL)
        cw_lua_fail(L, CW_NOMEM, "no memory for %zu headings", *count);
    if (*count == 0 || *count > CW_ROWS_COLUMNS_MAX)
        cw_lua_fail(L, CW_USAGE, "rows: %s has %zu names; a table has 1 to %d columns", field, *count,
                    CW_ROWS_COLUMNS_MAX);
    for (size_t i = 0; i < *count; i++) {
        struct cw_slice text = { NULL, 0 };
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
            cw_lua_fail(L, CW_USAGE, "rows: %s is a list of names", field);
        text.data = lua_tolstring(L, -1, &text.len);
        texts[i] = cw_lua_copy(L, arena, text);
        lua_pop(L, 1);
    }
    return texts;
}

/* The list on top of the stack, which becomes a line. */
static void read_headings(lua_State *L, struct cw_arena *arena, struct cw_rows *rows)
{
    rows->headings = read_texts(L, "heading", arena, &rows->heading_count);
    for (size_t i = 0; i < rows->heading_count; i++)
        if (strpbrk(rows->headings[i], ",;\t|\"\r\n") != NULL)
            cw_lua_fail(L, CW_USAGE, "rows: the heading \"%s\" has a delimiter or a quote in it",
                        rows->headings[i]);
}

/* A name, or a list of them. */
static void read_group(lua_State *L, int index, struct cw_arena *arena, struct cw_rows *rows)
{
    if (lua_getfield(L, index, "group") == LUA_TSTRING) {
        lua_createtable(L, 1, 0);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
    }
    if (lua_istable(L, -1))
        rows->groups = read_texts(L, "group", arena, &rows->group_count);
    else if (!lua_isnil(L, -1))
        cw_lua_fail(L, CW_USAGE, "rows: group is the heading of a column, or a list of such");
    lua_pop(L, 1);
}

static void read_heading(lua_State *L, int index, struct cw_arena *arena, struct cw_rows *rows)
{
    int type = lua_getfield(L, index, "heading");
    if (type == LUA_TTABLE)
        read_headings(L, arena, rows);
    else if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 && lua_tointeger(L, -1) <= 10000)
        rows->heading_line = (unsigned)lua_tointeger(L, -1);
    else if (type != LUA_TNIL)
        cw_lua_fail(L, CW_USAGE, "rows: heading is a list of names, or the number of their line");
    lua_pop(L, 1);
}

static const char *path_of(lua_State *L, struct cw_arena *arena, const char *group)
{
    size_t size = strlen(group) + 8;
    char *path = cw_arena_bytes(arena, size);
    if (path == NULL)
        cw_lua_fail(L, CW_NOMEM, "no memory for a path");
    snprintf(path, size, "row/'%s'", group);
    return path;
}

const char *cw_lua_read_rows(lua_State *L, int index, struct cw_arena *arena, struct cw_rows *rows)
{
    static const char *const known[] = { "group",   "id",      "delimiter", "quoted",
                                         "charset", "heading", "footer",    NULL };
    index = lua_absindex(L, index);
    *rows = (struct cw_rows){ .charset = NULL };
    cw_client_check_keys(L, index, "rows", "cartwright.Rows in scripts/types/cart.lua", known);
    read_group(L, index, arena, rows);
    rows->charset = read_text(L, index, "charset", arena);
    rows->footer = read_text(L, index, "footer", arena);
    read_delimiter(L, index, arena, rows);
    read_heading(L, index, arena, rows);
    lua_getfield(L, index, "quoted");
    rows->shape.plain = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    lua_pop(L, 1);
    const char *id = read_text(L, index, "id", arena);
    return id == NULL && rows->group_count > 0 ? path_of(L, arena, rows->groups[0]) : id;
}

void cw_lua_read_stream_rows(lua_State *L, int index, struct cw_lua_stream *stream)
{
    if (lua_getfield(L, index, "rows") == LUA_TTABLE) {
        stream->rows = calloc(1, sizeof *stream->rows);
        stream->rows_texts =
            calloc(1, sizeof *stream->rows_texts); /* freed with the stream, also after a raise */
        if (stream->rows == NULL || stream->rows_texts == NULL)
            luaL_error(L, "no memory");
        cw_arena_init(stream->rows_texts, 0);
        cw_lua_read_rows(L, -1, stream->rows_texts, stream->rows);
    }
    lua_pop(L, 1);
}

struct cw_records *cw_lua_stream_open(const struct cw_lua_stream *stream, struct cw_body *body,
                                      const char *path, struct cw_error *err)
{
    if (path == NULL && stream->has_split)
        return cw_lua_stream_split(stream, body, err);
    if (path == NULL && stream->rows != NULL)
        return cw_records_open_rows(body, stream->rows, stream->id, err);
    if (path != NULL)
        return cw_records_open(body, path, stream->id, err);
    return cw_records_open_first(body, (const char *const *)stream->paths, stream->path_count, stream->id,
                                 err);
}
