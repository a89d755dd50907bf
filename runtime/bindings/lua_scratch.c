/* lua_scratch.c - memory of C that dies with a Lua value; and whole documents parsed in it. */
#include "bindings/modules.h"

#define SCRATCH_TYPE "cartwright.native.Scratch"

void cw_lua_init_scratch(struct cw_lua_scratch *scratch)
{
    *scratch = (struct cw_lua_scratch){ 0 };
    cw_arena_init(&scratch->arena, CW_LUA_TREE_MAX);
    scratch->buffer.limit = CW_LUA_TREE_MAX;
}

struct cw_lua_scratch *cw_lua_push_scratch(lua_State *L)
{
    struct cw_lua_scratch *scratch = lua_newuserdatauv(L, sizeof *scratch, 1);
    cw_lua_init_scratch(scratch);
    luaL_setmetatable(L, SCRATCH_TYPE);
    return scratch;
}

void cw_lua_clear_scratch(struct cw_lua_scratch *scratch)
{
    cw_splitter_free(scratch->splitter);
    cw_parser_free(scratch->parser);
    cw_body_free(scratch->body);
    cw_buffer_fini(&scratch->buffer);
    cw_arena_fini(&scratch->arena);
    cw_lua_init_scratch(scratch);
}

static int collect_scratch(lua_State *L)
{
    cw_lua_clear_scratch(luaL_checkudata(L, 1, SCRATCH_TYPE));
    return 0;
}

/* The root element's bytes, copied: the splitter lends them only until its next call. */
static bool split_root(struct cw_lua_scratch *scratch, struct cw_slice *root, struct cw_error *err)
{
    struct cw_record record;
    if (cw_splitter_next(scratch->splitter, &record, err) != CW_SPLIT_RECORD)
        return false;
    *root = cw_arena_copy(&scratch->arena, record.bytes);
    if (root->data == NULL)
        return cw_fail(err, CW_LIMIT, "the document is larger than %d bytes can hold", CW_LUA_TREE_MAX);
    return cw_splitter_next(scratch->splitter, &record, err) == CW_SPLIT_END;
}

const struct cw_node *cw_lua_parse_xml(struct cw_lua_scratch *scratch, struct cw_error *err)
{
    struct cw_slice root;
    const struct cw_node *node = NULL;
    scratch->splitter = cw_splitter_create(CW_XML, scratch->body, ".", NULL, err);
    scratch->parser = cw_parser_create(CW_XML, NULL, err);
    if (scratch->splitter != NULL && scratch->parser != NULL && split_root(scratch, &root, err))
        node = cw_parse(scratch->parser, root, cw_splitter_encoding(scratch->splitter), &scratch->arena, err);
    cw_splitter_free(scratch->splitter);
    cw_parser_free(scratch->parser);
    scratch->splitter = NULL;
    scratch->parser = NULL;
    return node;
}

const struct cw_node *cw_lua_parse_json(struct cw_lua_scratch *scratch, struct cw_slice bytes,
                                        struct cw_error *err)
{
    const struct cw_node *node = NULL;
    if (bytes.len >= 3 && memcmp(bytes.data, "\xEF\xBB\xBF", 3) == 0) {
        bytes.data += 3;
        bytes.len -= 3;
    }
    scratch->parser = cw_parser_create(CW_JSON, NULL, err);
    if (scratch->parser != NULL)
        node = cw_parse(scratch->parser, bytes, "UTF-8", &scratch->arena, err);
    cw_parser_free(scratch->parser);
    scratch->parser = NULL;
    return node;
}

void cw_lua_types_scratch(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", collect_scratch }, { NULL, NULL } };
    cw_lua_new_type(L, SCRATCH_TYPE, meta, NULL);
}
