/* lua_records.c - records of an answer for scripts: cartwright.Records in scripts/types/cart.lua. */
#include "bindings/modules.h"
#include "bindings/records.h"

#define RECORDS_TYPE "cartwright.Records"
#define STEPS_TYPE   "cartwright.native.RecordSteps"

enum { PATHS_MAX = 32 };

struct object {
    struct cw_records *records; /* NULL only while it is being made */
};

static struct cw_records *open_records(struct cw_body *body, const struct cw_lua_records *what,
                                       struct cw_error *err)
{
    if (what->rows != NULL)
        return cw_records_open_rows(body, what->rows, what->id, err);
    return what->path != NULL ? cw_records_open(body, what->path, what->id, err)
                              : cw_records_open_whole(body, what->whole, err);
}

struct cw_records *cw_lua_push_records(lua_State *L, struct cw_body **body, const struct cw_lua_records *what,
                                       struct cw_error *err)
{
    struct object *object = lua_newuserdatauv(L, sizeof *object, 0);
    object->records = NULL;
    luaL_setmetatable(L, RECORDS_TYPE);
    struct cw_body *taken = *body;
    uint64_t size = cw_body_memory(taken).len;
    *body = NULL;
    object->records = open_records(taken, what, err);
    if (object->records == NULL) {
        lua_pop(L, 1);
        return NULL;
    }
    cw_lua_charge(L, size);
    return object->records;
}

static int collect_object(lua_State *L)
{
    struct object *object = luaL_checkudata(L, 1, RECORDS_TYPE);
    cw_records_free(object->records);
    object->records = NULL;
    return 0;
}

struct cw_records *cw_lua_to_records(lua_State *L, int index)
{
    const struct object *object = luaL_testudata(L, index, RECORDS_TYPE);
    return object != NULL ? object->records : NULL;
}

struct cw_records *cw_lua_take_records(lua_State *L, int index)
{
    struct object *object = luaL_testudata(L, index, RECORDS_TYPE);
    struct cw_records *records = object != NULL ? object->records : NULL;
    if (object != NULL)
        object->records = NULL;
    return records;
}

static struct cw_records *check_records(lua_State *L, int index)
{
    const struct object *object = luaL_checkudata(L, index, RECORDS_TYPE);
    luaL_argcheck(L, object->records != NULL, index, "these records are closed");
    return object->records;
}

/* #records */
static int length(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)cw_records_count(check_records(L, 1)));
    return 1;
}

/* Texts one after the other, each behind its length; out of memory shows at the end. */
struct texts {
    struct cw_buffer *buffer;
    struct cw_error err;
};

static void note_text(void *arg, struct cw_slice text)
{
    struct texts *texts = arg;
    if (texts->err.code == CW_OK && cw_buffer_add(texts->buffer, &text.len, sizeof text.len, &texts->err))
        cw_buffer_add(texts->buffer, text.data, text.len, &texts->err);
}

static void push_texts(lua_State *L, struct cw_slice packed)
{
    lua_newtable(L);
    for (lua_Integer i = 1; packed.len > 0; i++) {
        size_t len;
        memcpy(&len, packed.data, sizeof len);
        lua_pushlstring(L, packed.data + sizeof len, len);
        lua_rawseti(L, -2, i);
        packed.data += sizeof len + len;
        packed.len -= sizeof len + len;
    }
}

/* records:collect(path, ...) -> list of distinct texts. Raises for malformed paths. */
static int collect(lua_State *L)
{
    struct cw_records *records = check_records(L, 1);
    const char *paths[PATHS_MAX];
    int count = lua_gettop(L) - 1;
    luaL_argcheck(L, count >= 1 && count <= PATHS_MAX, 2, "1 to 32 paths");
    for (int i = 0; i < count; i++)
        paths[i] = luaL_checkstring(L, i + 2);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    struct texts texts = { .buffer = &scratch->buffer };
    struct cw_error err;
    if (!cw_records_collect(records, paths, (size_t)count, note_text, &texts, &err))
        return cw_lua_raise(L, &err);
    if (texts.err.code != CW_OK)
        return cw_lua_raise(L, &texts.err);
    push_texts(L, cw_buffer_slice(&scratch->buffer));
    cw_lua_clear_scratch(scratch);
    return 1;
}

/* records:attach(name, others, here, there). Raises for wrong use and past the limit. */
static int attach(lua_State *L)
{
    struct cw_error err;
    struct cw_records *records = check_records(L, 1), *others = check_records(L, 3);
    const char *here = luaL_optstring(L, 4, NULL), *there = luaL_optstring(L, 5, NULL);
    if (!cw_records_attach(records, luaL_checkstring(L, 2), others, here, there, &err))
        return cw_lua_raise(L, &err);
    return 0;
}

/* records:append(others) */
static int append(lua_State *L)
{
    struct cw_error err;
    if (!cw_records_append(check_records(L, 1), check_records(L, 2), &err))
        return cw_lua_raise(L, &err);
    return 0;
}

/* records:fingerprint() -> string */
static int fingerprint(lua_State *L)
{
    struct cw_error err;
    struct cw_hash hash;
    char text[CW_HASH_TEXT_MAX];
    if (!cw_records_fingerprint(check_records(L, 1), &hash, &err))
        return cw_lua_raise(L, &err);
    cw_hash_hex(&hash, text);
    lua_pushstring(L, text);
    return 1;
}

static void push_id(lua_State *L, struct cw_records *records, size_t i, struct cw_arena *arena)
{
    struct cw_error err;
    struct cw_slice id;
    if (!cw_records_any_id(records, i, arena, &id, &err))
        cw_lua_raise(L, &err);
    lua_pushlstring(L, id.data, id.len);
}

/* records:ends() -> id of the first, id of the last; nothing for an empty list */
static int ends(lua_State *L)
{
    struct cw_records *records = check_records(L, 1);
    size_t count = cw_records_count(records);
    if (count == 0)
        return 0;
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    push_id(L, records, 0, &scratch->arena);
    push_id(L, records, count - 1, &scratch->arena);
    cw_lua_clear_scratch(scratch);
    return 2;
}

/* --- each --- */

struct steps {
    size_t next;
    struct cw_arena arena; /* of the record in hand */
    struct cw_lua_scope *ticket;
};

static void end_step(struct steps *steps)
{
    if (steps->ticket != NULL)
        cw_lua_close_scope(steps->ticket);
    steps->ticket = NULL;
    cw_arena_reset(&steps->arena);
}

static int collect_steps(lua_State *L)
{
    struct steps *steps = luaL_checkudata(L, 1, STEPS_TYPE);
    end_step(steps);
    cw_arena_fini(&steps->arena);
    return 0;
}

/* The next record that can be read; false at the end. Damaged ones are parked later, by the page that stores
 * them. */
static bool find_next(struct cw_records *records, struct steps *steps, struct cw_scope *scope)
{
    struct cw_slice bytes;
    while (steps->next < cw_records_count(records)) {
        size_t i = steps->next++;
        if (cw_records_bytes(records, i, &steps->arena, &bytes, NULL) &&
            cw_records_scope(records, i, &steps->arena, bytes, scope, NULL))
            return true;
        cw_arena_reset(&steps->arena);
    }
    return false;
}

/* Upvalues: the records, the steps. The handle owns the records, whose kept trees it may point into. */
static int next_record(lua_State *L)
{
    struct cw_scope scope;
    struct cw_records *records = check_records(L, lua_upvalueindex(1));
    struct steps *steps = lua_touserdata(L, lua_upvalueindex(2));
    end_step(steps);
    if (find_next(records, steps, &scope))
        steps->ticket = cw_lua_push_scope(L, &scope, lua_upvalueindex(1));
    else
        lua_pushnil(L);
    return 1;
}

/* records:each() -> iterator over nodes, each usable until the next step */
static int each(lua_State *L)
{
    check_records(L, 1);
    lua_settop(L, 1);
    struct steps *steps = lua_newuserdatauv(L, sizeof *steps, 0);
    *steps = (struct steps){ 0 };
    luaL_setmetatable(L, STEPS_TYPE);
    lua_pushcclosure(L, next_record, 2);
    return 1;
}

void cw_lua_types_records(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", collect_object }, { "__len", length }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "collect", collect }, { "attach", attach }, { "append", append }, { "fingerprint", fingerprint },
        { "ends", ends },       { "each", each },     { NULL, NULL },
    };
    static const luaL_Reg steps_meta[] = { { "__gc", collect_steps }, { NULL, NULL } };
    cw_lua_new_type(L, RECORDS_TYPE, meta, methods);
    cw_lua_new_type(L, STEPS_TYPE, steps_meta, NULL);
}
