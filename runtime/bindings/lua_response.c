/* lua_response.c - answers for scripts: cartwright.Response in scripts/types/cart.lua.
 *
 * An answer that is not what the script takes it for is never taken for "nothing": the error says who
 * answered, with which status, why it cannot be read, and how it begins.
 */
#include <inttypes.h>
#include <stdio.h>

#include "adapters/charset.h"
#include "base/secret.h"
#include "bindings/modules.h"
#include "bindings/records.h"

#define RESPONSE_TYPE "cartwright.Response"

enum { TEXT_MAX = 4 * 1024 * 1024 };

struct answer {
    struct cw_http_response *http; /* NULL for a file */
    struct cw_body *body;          /* NULL when records have it */
    int status;
    char label[]; /* "GET https://shop/api/orders", or the file's name */
};

/* Pushes an empty answer. */
static struct answer *push_answer(lua_State *L, const char *label)
{
    size_t size = strlen(label) + 1;
    struct answer *answer = lua_newuserdatauv(L, sizeof *answer + size, 0);
    *answer = (struct answer){ .status = 200 };
    memcpy(answer->label, label, size);
    luaL_setmetatable(L, RESPONSE_TYPE);
    return answer;
}

void cw_lua_push_response(lua_State *L, struct cw_http_response **response, const char *label)
{
    struct answer *answer = push_answer(L, label);
    answer->http = *response;
    answer->body = (*response)->body;
    answer->status = (*response)->status;
    (*response)->body = NULL;
    *response = NULL;
    cw_lua_charge(L, answer->body != NULL ? cw_body_memory(answer->body).len : 0);
}

size_t cw_lua_response_begin(lua_State *L, int index, char out[CW_LUA_BEGIN_MAX])
{
    const struct answer *answer = luaL_testudata(L, index, RESPONSE_TYPE);
    if (answer == NULL || answer->body == NULL)
        return 0;
    uint64_t size = cw_body_size(answer->body);
    size_t len = size < CW_LUA_BEGIN_MAX ? (size_t)size : CW_LUA_BEGIN_MAX;
    if (!cw_body_read(answer->body, 0, out, len, NULL))
        return 0;
    return len < size ? cw_secret_uncut((struct cw_slice){ out, len }) : len;
}

static int make_file_answer(lua_State *L)
{
    push_answer(L, lua_touserdata(L, 1));
    return 1;
}

/* The one allocation is protected, because until it is there nobody owns the body. */
void cw_lua_push_file_response(lua_State *L, struct cw_body *body, const char *name)
{
    if (!lua_checkstack(L, 3)) {
        cw_body_free(body);
        luaL_error(L, "stack overflow");
    }
    lua_pushcfunction(L, make_file_answer);
    lua_pushlightuserdata(L, (void *)name);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        cw_body_free(body);
        lua_error(L);
    }
    struct answer *answer = lua_touserdata(L, -1);
    answer->body = body;
    cw_lua_charge(L, cw_body_memory(body).len);
}

const struct cw_body *cw_lua_to_body(lua_State *L, int index)
{
    const struct answer *answer = luaL_testudata(L, index, RESPONSE_TYPE);
    return answer != NULL ? answer->body : NULL;
}

static int collect_answer(lua_State *L)
{
    struct answer *answer = luaL_checkudata(L, 1, RESPONSE_TYPE);
    cw_http_response_free(answer->http);
    cw_body_free(answer->body);
    answer->http = NULL;
    answer->body = NULL;
    return 0;
}

static struct answer *check_answer(lua_State *L)
{
    return luaL_checkudata(L, 1, RESPONSE_TYPE);
}

static struct answer *check_body(lua_State *L)
{
    struct answer *answer = check_answer(L);
    if (answer->body == NULL)
        cw_lua_fail(L, CW_USAGE,
                    "the body of this answer was handed to response:records(); read it before, or read the "
                    "records");
    return answer;
}

/* Raises `why` with who answered and how the body begins, unless the caller's path is at fault. */
static int raise_content(lua_State *L, const struct answer *answer, const char *quote,
                         const struct cw_error *why)
{
    struct cw_error err = *why;
    char status[24] = "";
    if (why->code != CW_INVALID && why->code != CW_LIMIT)
        return cw_lua_raise(L, why);
    if (answer->http != NULL)
        snprintf(status, sizeof status, " answered %d", answer->status);
    bool quoted = quote[0] != '\0' && strstr(why->text, "begins") == NULL;
    cw_fail(&err, why->code, "%s%s: %s%s%s%s", answer->label, status, why->text,
            quoted ? "; it begins: \"" : "", quoted ? quote : "", quoted ? "\"" : "");
    cw_redact(err.text, strlen(err.text), sizeof err.text);
    return cw_lua_raise(L, &err);
}

/* response:header(name) -> string | nil */
static int get_header(lua_State *L)
{
    const struct answer *answer = check_answer(L);
    const char *name = luaL_checkstring(L, 2);
    lua_pushstring(L, answer->http != NULL ? cw_http_header(answer->http, name) : NULL);
    return 1;
}

/* response:text() -> string. Raises past 4 MiB. */
static int get_text(lua_State *L)
{
    struct cw_error err;
    const struct answer *answer = check_body(L);
    uint64_t size = cw_body_size(answer->body);
    if (size > TEXT_MAX)
        return cw_lua_fail(L, CW_LIMIT,
                           "%s: a body of %" PRIu64 " bytes is too large for a text (4 MiB); split it with "
                           "response:records()",
                           answer->label, size);
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, (size_t)size);
    if (!cw_body_read(answer->body, 0, out, (size_t)size, &err))
        return cw_lua_raise(L, &err);
    luaL_pushresultsize(&buffer, (size_t)size);
    return 1;
}

/* response:beginning(count) -> string: up to that many bytes of the body, at most 64 KiB */
static int get_beginning(lua_State *L)
{
    enum { BEGINNING_MAX = 64 * 1024 };
    struct cw_error err;
    const struct answer *answer = check_body(L);
    lua_Integer count = luaL_checkinteger(L, 2);
    uint64_t size = cw_body_size(answer->body);
    luaL_argcheck(L, count >= 0 && count <= BEGINNING_MAX, 2, "0 to 65536 bytes");
    size_t len = size < (uint64_t)count ? (size_t)size : (size_t)count;
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, len);
    if (!cw_body_read(answer->body, 0, out, len, &err))
        return cw_lua_raise(L, &err);
    luaL_pushresultsize(&buffer, len);
    return 1;
}

/* response:skip(count): the body is from now on what stands behind so many bytes */
static int skip(lua_State *L)
{
    struct answer *answer = check_body(L);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_argcheck(L, count >= 0, 2, "a number of bytes");
    cw_body_skip(answer->body, (uint64_t)count);
    return 0;
}

/* The whole body in one piece, in UTF-8: where it is, or copied to the arena (always, with `copy`). */
static bool read_whole(struct answer *answer, struct cw_arena *arena, bool copy, struct cw_slice *bytes,
                       struct cw_error *err)
{
    if (!cw_charset_body(&answer->body, err))
        return false;
    uint64_t size = cw_body_size(answer->body);
    *bytes = cw_body_memory(answer->body);
    if (size > cw_reader_defaults.record_bytes)
        return cw_fail(err, CW_LIMIT,
                       "a body of %" PRIu64 " bytes is too large to be read as one value (%zu); split it "
                       "with response:records()",
                       size, cw_reader_defaults.record_bytes);
    if (bytes->data != NULL && !copy)
        return true;
    char *out = cw_arena_bytes(arena, (size_t)size + 1);
    if (out == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a body of %" PRIu64 " bytes", size);
    *bytes = (struct cw_slice){ out, (size_t)size };
    return cw_body_read(answer->body, 0, out, (size_t)size, err);
}

/* Parses the body in `scratch`; raises when it is something else. `keep`: the tree must outlive the body. */
static const struct cw_node *parse_body(lua_State *L, struct answer *answer, struct cw_lua_scratch *scratch,
                                        enum cw_format format, bool keep)
{
    char quote[CW_RECORDS_QUOTE_MAX];
    struct cw_error err;
    struct cw_slice bytes;
    const struct cw_node *root = NULL;
    if (read_whole(answer, &scratch->arena, keep, &bytes, &err)) {
        if (cw_slice_trim(bytes).len == 0)
            cw_fail(&err, CW_INVALID, "the body is empty, so it is no %s", format == CW_XML ? "XML" : "JSON");
        else if (format == CW_JSON)
            root = cw_lua_parse_json(scratch, bytes, &err);
        else if ((scratch->body = cw_body_borrow(bytes, &err)) != NULL)
            root = cw_lua_parse_xml(scratch, &err);
    }
    if (root != NULL)
        return root;
    cw_lua_clear_scratch(scratch);
    cw_records_quote(answer->body, quote);
    raise_content(L, answer, quote, &err);
    return NULL;
}

/* response:json() -> value. Raises with the body's beginning when it is no JSON. */
static int get_json(lua_State *L)
{
    struct answer *answer = check_body(L);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    cw_lua_push_json(L, parse_body(L, answer, scratch, CW_JSON, false));
    cw_lua_clear_scratch(scratch);
    return 1;
}

/* The tree is a copy of its own, so that the body may go on to records. */
static int push_root(lua_State *L, enum cw_format format)
{
    struct answer *answer = check_body(L);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    int owner = lua_gettop(L);
    const struct cw_node *root = parse_body(L, answer, scratch, format, format == CW_JSON);
    struct cw_scope scope = { .record = root };
    cw_lua_release_scope(cw_lua_push_scope(L, &scope, owner));
    cw_lua_charge(L, scratch->arena.used);
    return 1;
}

/* response:xml() -> Node. Raises with the body's beginning when it is no XML. */
static int get_xml(lua_State *L)
{
    return push_root(L, CW_XML);
}

/* response:json_node() -> Node, for reading with paths what response:json() gives as tables */
static int get_json_node(lua_State *L)
{
    return push_root(L, CW_JSON);
}

/* Takes the body, also when it raises. */
static int push_records(lua_State *L, struct answer *answer, const struct cw_lua_records *what)
{
    struct cw_error err;
    char quote[CW_RECORDS_QUOTE_MAX];
    cw_records_quote(answer->body, quote);
    if (cw_lua_push_records(L, &answer->body, what, &err) == NULL)
        return raise_content(L, answer, quote, &err);
    return 1;
}

/* response:records(path, id) -> Records. Takes the body, also when it raises. */
static int get_records(lua_State *L)
{
    struct answer *answer = check_body(L);
    const struct cw_lua_records what = { .path = luaL_checkstring(L, 2), .id = luaL_optstring(L, 3, "id") };
    return push_records(L, answer, &what);
}

/* response:rows(options) -> Records. Takes the body as records does; raises for wrong options before. */
static int get_rows(lua_State *L)
{
    struct answer *answer = check_body(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    struct cw_rows rows;
    const struct cw_lua_records what = { .rows = &rows,
                                         .id = cw_lua_read_rows(L, 2, &scratch->arena, &rows) };
    if (what.id == NULL)
        return cw_lua_fail(
            L, CW_USAGE,
            "rows: name the column that tells which rows belong together (group), or the path of a "
            "row's id (id = \"row/number\")");
    push_records(L, answer, &what);
    cw_lua_clear_scratch(scratch);
    return 1;
}

/* response:record(id) -> Records. Takes the body as records does. */
static int get_record(lua_State *L)
{
    struct cw_lua_records what = { .path = NULL };
    struct answer *answer = check_body(L);
    what.whole.data = luaL_checklstring(L, 2, &what.whole.len);
    return push_records(L, answer, &what);
}

/* Upvalue 1: the methods. `status` and `address` are plain fields. */
static int get_field(lua_State *L)
{
    const struct answer *answer = check_answer(L);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(name, "status") == 0) {
        lua_pushinteger(L, answer->status);
    } else if (strcmp(name, "address") == 0) {
        lua_pushstring(L, answer->label);
    } else {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
    }
    return 1;
}

void cw_lua_types_response(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", collect_answer }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "header", get_header },
        { "text", get_text },
        { "json", get_json },
        { "xml", get_xml },
        { "json_node", get_json_node },
        { "records", get_records },
        { "rows", get_rows },
        { "record", get_record },
        { "beginning", get_beginning },
        { "skip", skip },
        { "rows", get_rows },
        { "record", get_record },
        { NULL, NULL },
    };
    cw_lua_new_type(L, RESPONSE_TYPE, meta, NULL);
    luaL_getmetatable(L, RESPONSE_TYPE);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, get_field, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
