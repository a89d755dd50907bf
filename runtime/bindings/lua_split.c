/* lua_split.c - files that are given to import and preview, taken apart by a function of the stream's script.
 */
#include "bindings/carts_private.h"
#include "bindings/modules.h"

struct splitting {
    const struct cw_lua_stream *stream;
    struct cw_body *body; /* until Lua has it */
    struct cw_records *records;
};

/* Runs inside cw_script_call. */
static int split_protected(lua_State *L)
{
    struct splitting *splitting = lua_touserdata(L, 1);
    struct cw_body *body = splitting->body;
    cw_lua_push_open(L, "split");
    lua_rawgeti(L, LUA_REGISTRYINDEX, splitting->stream->cart->ref);
    lua_pushstring(L, splitting->stream->name);
    splitting->body = NULL;
    cw_lua_push_file_response(L, body, "the file");
    lua_call(L, 3, 1); /* records */
    splitting->records = cw_lua_take_records(L, -1);
    return 0;
}

struct cw_records *cw_lua_stream_split(const struct cw_lua_stream *stream, struct cw_body *body,
                                       struct cw_error *err)
{
    struct splitting splitting = { .stream = stream, .body = body };
    bool ok = cw_script_call(stream->cart->script, split_protected, &splitting, err);
    cw_body_free(splitting.body);
    if (ok && splitting.records == NULL)
        cw_fail(err, CW_USAGE, "cart %s: %s.records returns no records", stream->cart->name, stream->name);
    return splitting.records;
}
