/* lua_document.c - documents for the functions of rules: cartwright.Document in scripts/types/rules.lua.
 *
 * A handle is two pointers: the document, a record or a member of a list in it, and what is known of the
 * whole, which is shared and counted. Closing the whole makes every handle fail with a message, because then
 * the memory of the document may be gone.
 */
#include <stdlib.h>

#include "bindings/modules.h"
#include "bindings/plans_private.h"
#include "mapping/edit.h"

#define DOCUMENT_TYPE "cartwright.Document"
#define CUSTOM_TYPE   "cartwright.native.CustomFields"
#define LIST_TYPE     "cartwright.native.Documents"

struct cw_lua_document {
    unsigned users; /* handles, and the ticket */
    bool closed, may_change;
    struct cw_arena *arena;
};

/* Of a document, and of its custom fields. */
struct handle {
    struct cw_lua_document *whole; /* first in both; NULL only while the handle is being made */
    struct cw_document *doc;
};

struct list {
    struct cw_lua_document *whole;
    const struct cw_value *value;
    struct cw_document *member; /* the one asked for last, so that going through a list is one walk */
    size_t index;               /* its number, from 1; 0 = none yet */
};

static void drop_whole(struct cw_lua_document *whole)
{
    if (whole != NULL && --whole->users == 0)
        free(whole);
}

void cw_lua_close_document(struct cw_lua_document *ticket)
{
    ticket->closed = true;
    drop_whole(ticket);
}

static int collect(lua_State *L)
{
    struct cw_lua_document **whole = lua_touserdata(L, 1);
    drop_whole(*whole);
    *whole = NULL;
    return 0;
}

/* A handle of `type`, cleared, of which only the whole is set. */
static void *push_handle(lua_State *L, const char *type, size_t size, struct cw_lua_document *whole)
{
    struct cw_lua_document **handle = lua_newuserdatauv(L, size, 0);
    memset(handle, 0, size);
    luaL_setmetatable(L, type);
    *handle = whole;
    if (whole != NULL)
        whole->users++;
    return handle;
}

struct cw_lua_document *cw_lua_push_document(lua_State *L, struct cw_document *doc, bool may_change,
                                             struct cw_arena *arena)
{
    struct handle *handle = push_handle(L, DOCUMENT_TYPE, sizeof *handle, NULL);
    handle->whole = malloc(sizeof *handle->whole);
    if (handle->whole == NULL)
        cw_lua_fail(L, CW_NOMEM, "no memory for a document");
    *handle->whole = (struct cw_lua_document){ .users = 2, .may_change = may_change, .arena = arena };
    handle->doc = doc;
    return handle->whole;
}

/* The handle at 1, usable. */
static void *check_self(lua_State *L, const char *type)
{
    struct cw_lua_document **handle = luaL_checkudata(L, 1, type);
    if (*handle == NULL || (*handle)->closed)
        cw_lua_fail(L, CW_USAGE,
                    "this document is gone: it could be used only in the function that it was given to; keep "
                    "its texts instead");
    return handle;
}

/* --- reading --- */

static void push_member(lua_State *L, struct cw_lua_document *whole, struct cw_document *doc)
{
    struct handle *handle = push_handle(L, DOCUMENT_TYPE, sizeof *handle, whole);
    handle->doc = doc;
}

static void push_list(lua_State *L, struct cw_lua_document *whole, const struct cw_value *value)
{
    struct list *list = push_handle(L, LIST_TYPE, sizeof *list, whole);
    list->value = value;
}

/* A list that is unset is an empty one, so that every list can be gone through. */
static int push_value(lua_State *L, struct cw_lua_document *whole, enum cw_type type,
                      const struct cw_value *value)
{
    if (type == CW_LIST)
        push_list(L, whole, value);
    else if (!value->is_set)
        lua_pushnil(L);
    else if (type == CW_TEXT)
        lua_pushlstring(L, value->text.len > 0 ? value->text.data : "", value->text.len);
    else if (type == CW_DECIMAL || type == CW_MONEY)
        cw_lua_push_decimal(L, &value->decimal);
    else if (type == CW_INTEGER)
        lua_pushinteger(L, value->integer);
    else if (type == CW_BOOLEAN)
        lua_pushboolean(L, value->boolean);
    else if (type == CW_TIME)
        cw_lua_push_time(L, value->time);
    else
        push_member(L, whole, value->record);
    return 1;
}

static struct cw_slice check_name(lua_State *L, int index)
{
    struct cw_slice name;
    if (lua_type(L, index) != LUA_TSTRING)
        cw_lua_fail(L, CW_USAGE, "fields of a document have names; this is %s", cw_lua_type_name(L, index));
    name.data = lua_tolstring(L, index, &name.len);
    return name;
}

static bool is_place(struct cw_slice name)
{
    return memchr(name.data, '.', name.len) != NULL;
}

/* "billing.street" and the like, as rules name fields. */
static int push_place(lua_State *L, const struct handle *handle, struct cw_slice name)
{
    struct cw_place place;
    struct cw_error err;
    if (cw_document_place(handle->doc, name, &place, &err)) {
        if (place.value != NULL)
            return push_value(L, handle->whole, place.type, place.value);
    } else if (err.code != CW_NOT_FOUND) {
        return cw_lua_raise(L, &err);
    }
    lua_pushnil(L);
    return 1;
}

static int refuse_name(lua_State *L, const struct cw_kind *kind, struct cw_slice name)
{
    const char *near = cw_kind_suggest(kind, name);
    struct cw_slice shown = cw_slice_clip(name, 64);
    return cw_lua_fail(L, CW_USAGE, "%s has no field \"%.*s\"%s%s%s", kind->name, CW_SLICE_ARG(shown),
                       near != NULL ? "; did you mean \"" : "; fields of your own stand under custom",
                       near != NULL ? near : "", near != NULL ? "\"?" : "");
}

/* document[name] */
static int get_field(lua_State *L)
{
    struct handle *handle = check_self(L, DOCUMENT_TYPE);
    struct cw_slice name = check_name(L, 2);
    int field = cw_kind_field(handle->doc->kind, name);
    if (field >= 0)
        return push_value(L, handle->whole, handle->doc->kind->fields[field].type,
                          &handle->doc->values[field]);
    if (cw_slice_is(name, "kind"))
        lua_pushstring(L, handle->doc->kind->name);
    else if (cw_slice_is(name, "external_id"))
        lua_pushlstring(L, handle->doc->external_id.len > 0 ? handle->doc->external_id.data : "",
                        handle->doc->external_id.len);
    else if (cw_slice_is(name, "custom"))
        ((struct handle *)push_handle(L, CUSTOM_TYPE, sizeof *handle, handle->whole))->doc = handle->doc;
    else if (is_place(name))
        return push_place(L, handle, name);
    else
        return refuse_name(L, handle->doc->kind, name);
    return 1;
}

/* document.custom[name] */
static int get_custom(lua_State *L)
{
    struct handle *handle = check_self(L, CUSTOM_TYPE);
    struct cw_slice name = check_name(L, 2);
    for (const struct cw_custom *custom = handle->doc->custom; custom != NULL; custom = custom->next)
        if (cw_slice_equal(custom->name, name))
            return push_value(L, handle->whole, custom->type, &custom->value);
    lua_pushnil(L);
    return 1;
}

static size_t count_of(const struct list *list)
{
    return list->value->is_set ? list->value->list.count : 0;
}

static int get_length(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)count_of(check_self(L, LIST_TYPE)));
    return 1;
}

/* list[number]; nil behind its end. */
static int get_member(lua_State *L)
{
    struct list *list = check_self(L, LIST_TYPE);
    if (!lua_isinteger(L, 2))
        return cw_lua_fail(L, CW_USAGE, "members of a list have numbers, from 1; this is %s",
                           cw_lua_type_name(L, 2));
    lua_Integer wanted = lua_tointeger(L, 2);
    if (wanted < 1 || (lua_Unsigned)wanted > count_of(list)) {
        lua_pushnil(L);
        return 1;
    }
    if (list->index == 0 || list->index > (size_t)wanted) {
        list->member = list->value->list.first;
        list->index = 1;
    }
    for (; list->index < (size_t)wanted; list->index++)
        list->member = list->member->next;
    push_member(L, list->whole, list->member);
    return 1;
}

/* --- writing --- */

static void check_may_change(lua_State *L, const struct handle *handle)
{
    if (!handle->whole->may_change)
        cw_lua_fail(L, CW_USAGE,
                    "this function may not change the document; it returns a value, and only `change` of "
                    "rules.orders assigns fields");
}

/* The text of the value at `index` for a field of `type`; data NULL for nil. */
static struct cw_slice read_text(lua_State *L, int index, struct cw_slice name, enum cw_type type,
                                 char scratch[CW_LUA_SCALAR_MAX])
{
    struct cw_slice text = { NULL, 0 };
    struct cw_error err;
    if (lua_isnil(L, index))
        return text;
    if (lua_type(L, index) == LUA_TNUMBER && !lua_isinteger(L, index))
        cw_lua_fail(L, CW_USAGE, "%.*s cannot be the float %f: floats are not exact; use cartwright.decimal",
                    CW_SLICE_ARG(name), lua_tonumber(L, index));
    if (!cw_lua_scalar(L, index, scratch, &text) || (lua_isboolean(L, index) && type != CW_BOOLEAN))
        cw_lua_fail(L, CW_USAGE, "%.*s is %s and cannot be %s", CW_SLICE_ARG(name), cw_type_name(type),
                    cw_lua_type_name(L, index));
    if (!cw_lua_plan_check_text(text, &err))
        cw_lua_fail(L, CW_INVALID, "%.*s cannot be %s", CW_SLICE_ARG(name), err.text);
    return text.data != NULL ? text : (struct cw_slice){ "", 0 };
}

/* Sets what `name` leads to from the value at 3. */
static int assign(lua_State *L, const struct handle *handle, struct cw_slice name)
{
    char scratch[CW_LUA_SCALAR_MAX];
    struct cw_error err;
    enum cw_type type;
    if (!cw_kind_check_name(handle->doc->kind, name, &type, &err))
        return cw_lua_raise(L, &err);
    struct cw_slice text = read_text(L, 3, name, type, scratch);
    if (!cw_document_set(handle->doc, name, text, NULL, handle->whole->arena, &err))
        return cw_lua_raise(L, &err);
    return 0;
}

/* Records and lists are changed in their fields; a record may go as a whole. */
static int assign_nested(lua_State *L, struct handle *handle, const struct cw_field *field, int index)
{
    if (field->type == CW_RECORD && lua_isnil(L, 3)) {
        handle->doc->values[index] = (struct cw_value){ 0 };
        return 0;
    }
    if (field->type == CW_RECORD)
        return cw_lua_fail(L, CW_USAGE, "%s is a record: assign its fields, such as document[\"%s.%s\"]",
                           field->name, field->name, field->kind->fields[0].name);
    return cw_lua_fail(L, CW_USAGE, "%s is a list: assign fields of its members, such as document.%s[1].%s",
                       field->name, field->name, field->kind->fields[0].name);
}

/* document[name] = value */
static int set_field(lua_State *L)
{
    struct handle *handle = check_self(L, DOCUMENT_TYPE);
    struct cw_slice name = check_name(L, 2);
    check_may_change(L, handle);
    int index = cw_kind_field(handle->doc->kind, name);
    if (index >= 0) {
        const struct cw_field *field = &handle->doc->kind->fields[index];
        if (field->type == CW_RECORD || field->type == CW_LIST)
            return assign_nested(L, handle, field, index);
        return assign(L, handle, name);
    }
    if (cw_slice_is(name, "kind") || cw_slice_is(name, "external_id") || cw_slice_is(name, "custom"))
        return cw_lua_fail(L, CW_USAGE, "%s of a document cannot be assigned", name.data);
    return is_place(name) ? assign(L, handle, name) : refuse_name(L, handle->doc->kind, name);
}

/* The type of a custom field; a new one becomes a text. */
static enum cw_type custom_type(const struct cw_document *doc, struct cw_slice name)
{
    for (const struct cw_custom *custom = doc->custom; custom != NULL; custom = custom->next)
        if (cw_slice_equal(custom->name, name))
            return custom->type;
    return CW_TEXT;
}

/* document.custom[name] = value */
static int set_custom(lua_State *L)
{
    char scratch[CW_LUA_SCALAR_MAX];
    struct cw_error err;
    struct handle *handle = check_self(L, CUSTOM_TYPE);
    struct cw_slice name = check_name(L, 2), full;
    check_may_change(L, handle);
    struct cw_slice text = read_text(L, 3, name, custom_type(handle->doc, name), scratch);
    lua_pushfstring(L, "custom.%s", name.data);
    full.data = lua_tolstring(L, -1, &full.len);
    if (!cw_document_set(handle->doc, full, text, NULL, handle->whole->arena, &err))
        return cw_lua_raise(L, &err);
    return 0;
}

static int refuse_member(lua_State *L)
{
    return cw_lua_fail(L, CW_USAGE,
                       "members of a list cannot be assigned; assign their fields: "
                       "order.lines[1].sku = \"A-1\"");
}

void cw_lua_types_document(lua_State *L)
{
    static const luaL_Reg document[] = {
        { "__index", get_field }, { "__newindex", set_field }, { "__gc", collect }, { NULL, NULL }
    };
    static const luaL_Reg custom[] = {
        { "__index", get_custom }, { "__newindex", set_custom }, { "__gc", collect }, { NULL, NULL }
    };
    static const luaL_Reg list[] = { { "__index", get_member },
                                     { "__newindex", refuse_member },
                                     { "__len", get_length },
                                     { "__gc", collect },
                                     { NULL, NULL } };
    cw_lua_new_type(L, DOCUMENT_TYPE, document, NULL);
    cw_lua_new_type(L, CUSTOM_TYPE, custom, NULL);
    cw_lua_new_type(L, LIST_TYPE, list, NULL);
}
