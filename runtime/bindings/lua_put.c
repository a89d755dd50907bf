/* lua_put.c - site.put: what the back office says, from tables of a script to documents.
 *
 * Documents live in a scratch userdata on the stack until the host has taken them; so building them may raise
 * at any point.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bindings/carts_private.h"
#include "bindings/modules.h"
#include "bindings/plans_private.h"
#include "mapping/edit.h"

enum { NAME_MAX_BYTES = 64, PLACE_MAX = 160 };

/* Where the script's table is being read, for messages: "document 2 (B-1): lines[3].". */
struct place {
    const struct place *above;
    const char *name; /* the list or record; NULL for the document itself */
    lua_Integer index;
    struct cw_slice id; /* of the document */
};

struct putting {
    lua_State *L;
    struct cw_arena *arena;
    const struct cw_zone *zone;
};

static const struct cw_kind *const kinds[] = {
    &cw_kind_stock_level, &cw_kind_purchase_order, &cw_kind_vendor_level, &cw_kind_item, &cw_kind_customer,
    &cw_kind_price,       &cw_kind_shipment,       &cw_kind_invoice,      NULL
};

static size_t print_place(const struct place *place, char *out, size_t cap)
{
    size_t len = 0;
    if (place->above != NULL)
        len = print_place(place->above, out, cap);
    char *rest = out + len;
    size_t room = cap - len;
    if (place->above == NULL && place->name != NULL) {
        snprintf(rest, room, "%s[%lld]: ", place->name, (long long)place->index);
    } else if (place->name == NULL && place->id.len > 0) {
        struct cw_slice id = cw_slice_clip(place->id, NAME_MAX_BYTES);
        snprintf(rest, room, "document %lld (%.*s): ", (long long)place->index, CW_SLICE_ARG(id));
    } else if (place->name == NULL) {
        snprintf(rest, room, "document %lld: ", (long long)place->index);
    } else if (place->index > 0) {
        snprintf(rest, room, "%s[%lld].", place->name, (long long)place->index);
    } else {
        snprintf(rest, room, "%s.", place->name);
    }
    return len + strlen(rest);
}

/* Raises: site.put, the place, and what is wrong there. */
static void refuse(struct putting *p, const struct place *place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void refuse(struct putting *p, const struct place *place, const char *fmt, ...)
{
    struct cw_error err;
    char at[PLACE_MAX], what[CW_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    print_place(place, at, sizeof at);
    cw_fail(&err, CW_INVALID, "site.put: %s%s", at, what);
    cw_lua_raise(p->L, &err);
}

static void refuse_size(struct putting *p)
{
    cw_lua_fail(p->L, CW_LIMIT, "site.put: more than fits into one call; put fewer documents at once");
}

/* --- values --- */

/* The text of the value at `index`, in the arena. Floats are not exact, and true is no number. */
static struct cw_slice copy_text(struct putting *p, int index, struct cw_slice name, enum cw_type type,
                                 const struct place *place)
{
    char scratch[CW_LUA_SCALAR_MAX];
    struct cw_error err;
    struct cw_slice text, shown = cw_slice_clip(name, NAME_MAX_BYTES);
    if (lua_type(p->L, index) == LUA_TNUMBER && !lua_isinteger(p->L, index))
        refuse(p, place,
               "%.*s cannot be the float %.14g: floats are not exact; write it in quotes, or use "
               "cartwright.decimal",
               CW_SLICE_ARG(shown), lua_tonumber(p->L, index));
    if (!cw_lua_scalar(p->L, index, scratch, &text) || (lua_isboolean(p->L, index) && type != CW_BOOLEAN))
        refuse(p, place, "%.*s is %s and cannot be %s", CW_SLICE_ARG(shown), cw_type_name(type),
               cw_lua_type_name(p->L, index));
    if (!cw_lua_plan_check_text(text, &err))
        refuse(p, place, "%.*s cannot be %s", CW_SLICE_ARG(shown), err.text);
    text = cw_arena_copy(p->arena, text);
    if (text.data == NULL)
        refuse_size(p);
    return text;
}

static void set(struct putting *p, struct cw_document *doc, struct cw_slice name, struct cw_slice text,
                const struct place *place)
{
    struct cw_error err;
    if (!cw_document_set(doc, name, text, p->zone, p->arena, &err))
        refuse(p, place, "%s", err.text);
}

static struct cw_document *create(struct putting *p, const struct cw_kind *kind)
{
    struct cw_document *doc = cw_document_create(p->arena, kind);
    if (doc == NULL)
        refuse_size(p);
    return doc;
}

/* --- documents, records and members of lists --- */

static void read_fields(struct putting *p, int table, struct cw_document *doc, const struct place *place);

static void read_record(struct putting *p, int index, struct cw_value *value, const struct cw_field *field,
                        const struct place *above)
{
    const struct place place = { .above = above, .name = field->name };
    if (!lua_istable(p->L, index))
        refuse(p, above, "%s is a record, a table of its fields, and cannot be %s", field->name,
               cw_lua_type_name(p->L, index));
    *value = (struct cw_value){ .is_set = true, .record = create(p, field->kind) };
    read_fields(p, index, value->record, &place);
}

static bool is_list(lua_State *L, int index)
{
    if (!lua_istable(L, index))
        return false;
    size_t count = lua_rawlen(L, index), found = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
        found++;
    return count == found;
}

static void read_list(struct putting *p, int index, struct cw_value *value, const struct cw_field *field,
                      const struct place *above)
{
    lua_State *L = p->L;
    if (!is_list(L, index))
        refuse(p, above, "%s is a list of tables, such as { { %s = ... } }, and cannot be %s", field->name,
               field->kind->fields[0].name,
               lua_istable(L, index) ? "a table with names or holes" : cw_lua_type_name(L, index));
    *value = (struct cw_value){ .is_set = true };
    for (lua_Integer i = 1; lua_rawgeti(L, index, i) != LUA_TNIL; i++) {
        const struct place place = { .above = above, .name = field->name, .index = i };
        if (!lua_istable(L, -1))
            refuse(p, above, "%s[%lld] must be a table of its fields, not %s", field->name, (long long)i,
                   cw_lua_type_name(L, -1));
        struct cw_document *member = create(p, field->kind);
        read_fields(p, lua_gettop(L), member, &place);
        *(value->list.last != NULL ? &value->list.last->next : &value->list.first) = member;
        value->list.last = member;
        value->list.count++;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static int compare_names(const void *a, const void *b)
{
    const struct cw_slice *x = a, *y = b;
    size_t shorter = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->data, y->data, shorter);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* The names of the fields of a table, sorted, so that the same table gives the same document, and the same
 * error. They live as its keys. */
static struct cw_slice *sort_names(struct putting *p, int table, size_t *count, const struct place *place)
{
    lua_State *L = p->L;
    *count = 0;
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            refuse(p, place, "fields have names; %s is none", cw_lua_type_name(L, -2));
        ++*count;
    }
    struct cw_slice *names = cw_arena_alloc(p->arena, (*count + 1) * sizeof *names);
    if (names == NULL)
        refuse_size(p);
    size_t i = 0;
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1), i++)
        names[i].data = lua_tolstring(L, -2, &names[i].len);
    qsort(names, *count, sizeof *names, compare_names);
    return names;
}

static void push_named(lua_State *L, int table, struct cw_slice name)
{
    lua_pushlstring(L, name.data, name.len);
    lua_rawget(L, table);
}

/* The site's own fields: custom = { shelf = "B4" }. */
static void read_custom(struct putting *p, int index, struct cw_document *doc, const struct place *above)
{
    lua_State *L = p->L;
    const struct place place = { .above = above, .name = "custom" };
    size_t count;
    if (!lua_istable(L, index))
        refuse(p, above, "custom is a table of fields of your own, not %s", cw_lua_type_name(L, index));
    const struct cw_slice *names = sort_names(p, index, &count, &place);
    for (size_t i = 0; i < count; i++) {
        struct cw_slice full;
        lua_pushliteral(L, "custom.");
        lua_pushlstring(L, names[i].data, names[i].len);
        lua_concat(L, 2);
        full.data = lua_tolstring(L, -1, &full.len);
        push_named(L, index, names[i]);
        enum cw_type type = lua_isboolean(L, -1) ? CW_BOOLEAN : CW_TEXT; /* the runtime keeps it as a text */
        struct cw_slice text = copy_text(p, lua_gettop(L), names[i], type, &place);
        set(p, doc, cw_arena_copy(p->arena, full), text, above);
        lua_pop(L, 2);
    }
}

static void refuse_name(struct putting *p, const struct cw_kind *kind, struct cw_slice name,
                        const struct place *place)
{
    struct cw_error err;
    char at[PLACE_MAX];
    const char *near = cw_kind_suggest(kind, name);
    struct cw_slice shown = cw_slice_clip(name, NAME_MAX_BYTES);
    size_t len = print_place(place, at, sizeof at);
    if (place->name != NULL) /* "lines[2]." */
        at[len - 1] = '\0';
    cw_fail(&err, CW_INVALID, "site.put: %s%s has no field \"%.*s\"%s%s%s", at,
            place->name != NULL ? "" : kind->name, CW_SLICE_ARG(shown),
            near != NULL ? "; did you mean \"" : "; fields of your own stand under custom",
            near != NULL ? near : "", near != NULL ? "\"?" : "");
    cw_lua_raise(p->L, &err);
}

/* The field of that name, whose value is on top of the stack. */
static void read_field(struct putting *p, struct cw_document *doc, struct cw_slice name,
                       const struct place *place)
{
    int index = lua_gettop(p->L), at = cw_kind_field(doc->kind, name);
    const struct cw_field *field = at >= 0 ? &doc->kind->fields[at] : NULL;
    if (field == NULL && cw_slice_is(name, "custom"))
        read_custom(p, index, doc, place);
    else if (field == NULL)
        refuse_name(p, doc->kind, name, place);
    else if (field->type == CW_RECORD)
        read_record(p, index, &doc->values[at], field, place);
    else if (field->type == CW_LIST)
        read_list(p, index, &doc->values[at], field, place);
    else
        set(p, doc, cw_slice(field->name), copy_text(p, index, name, field->type, place), place);
}

/* `id` of the document itself was read before. */
static void read_fields(struct putting *p, int table, struct cw_document *doc, const struct place *place)
{
    size_t count;
    luaL_checkstack(p->L, 12, "documents nested too deep");
    const struct cw_slice *names = sort_names(p, table, &count, place);
    for (size_t i = 0; i < count; i++) {
        if (place->name == NULL && cw_slice_is(names[i], "id"))
            continue;
        push_named(p->L, table, names[i]);
        read_field(p, doc, names[i], place);
        lua_pop(p->L, 1);
    }
}

static void read_id(struct putting *p, int table, struct cw_document *doc, struct place *place)
{
    int type = lua_getfield(p->L, table, "id");
    if (type != LUA_TNIL && type != LUA_TSTRING && !lua_isinteger(p->L, -1))
        refuse(p, place, "id must be a text or an integer, not %s", cw_lua_type_name(p->L, -1));
    if (type != LUA_TNIL)
        doc->external_id = copy_text(p, lua_gettop(p->L), cw_slice("id"), CW_TEXT, place);
    place->id = doc->external_id;
    lua_pop(p->L, 1);
}

/* --- the call --- */

static bool is_known(const char *key)
{
    static const char *const known[] = { "kind", "reason", "from", "drop" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(key, known[i]) == 0)
            return true;
    return false;
}

static void check_keys(lua_State *L)
{
    size_t listed = 0;
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        listed += lua_isinteger(L, -2);
        if (!lua_isinteger(L, -2) && !is_known(key))
            luaL_error(
                L,
                "site.put has no field \"%s\"; there are kind, reason, from and drop, and documents: "
                "{ kind = \"stock_level\", { sku = \"A-1\", warehouse = \"MAIN\", quantity = \"12\" } }",
                key);
    }
    if (listed != lua_rawlen(L, 1))
        luaL_error(L, "site.put: the documents are a list with holes");
}

static const struct cw_kind *read_kind(lua_State *L)
{
    struct cw_slice name = { "", 0 };
    if (lua_getfield(L, 1, "kind") == LUA_TSTRING)
        name.data = lua_tolstring(L, -1, &name.len);
    for (size_t i = 0; kinds[i] != NULL; i++)
        if (cw_slice_is(name, kinds[i]->name))
            return kinds[i];
    luaL_error(
        L,
        "site.put: kind must be one of stock_level, purchase_order, vendor_level, item, customer, price, "
        "shipment and invoice, not %s",
        name.len > 0 ? name.data : cw_lua_type_name(L, -1));
    return NULL;
}

/* A text of the call, "" where there is none; it stays on the stack. */
static struct cw_slice read_option(lua_State *L, const char *field)
{
    struct cw_slice text = { "", 0 };
    int type = lua_getfield(L, 1, field);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        luaL_error(L, "site.put: %s must be a text, not %s", field, cw_lua_type_name(L, -1));
    if (type == LUA_TSTRING)
        text.data = lua_tolstring(L, -1, &text.len);
    return text;
}

static struct cw_document **read_documents(struct putting *p, const struct cw_kind *kind, size_t count)
{
    struct cw_document **docs = cw_arena_alloc(p->arena, (count + 1) * sizeof *docs);
    if (docs == NULL)
        refuse_size(p);
    for (size_t i = 0; i < count; i++) {
        struct place place = { .index = (lua_Integer)i + 1 };
        if (lua_rawgeti(p->L, 1, place.index) != LUA_TTABLE)
            refuse(p, &place, "a document is a table of its fields, not %s", cw_lua_type_name(p->L, -1));
        docs[i] = create(p, kind);
        read_id(p, lua_gettop(p->L), docs[i], &place);
        read_fields(p, lua_gettop(p->L), docs[i], &place);
        lua_pop(p->L, 1);
    }
    return docs;
}

static struct cw_slice *read_drops(struct putting *p, size_t *count)
{
    lua_State *L = p->L;
    int type = lua_getfield(L, 1, "drop"), list = lua_gettop(L);
    if (type != LUA_TNIL && !is_list(L, list))
        luaL_error(L, "site.put: drop is a list of ids, such as { \"MAIN/A-1\" }, not %s",
                   type == LUA_TTABLE ? "a table with names or holes" : cw_lua_type_name(L, list));
    *count = type == LUA_TTABLE ? lua_rawlen(L, list) : 0;
    struct cw_slice *drops = cw_arena_alloc(p->arena, (*count + 1) * sizeof *drops);
    if (drops == NULL)
        refuse_size(p);
    for (size_t i = 0; i < *count; i++) {
        const struct place place = { .name = "drop", .index = (lua_Integer)i + 1 };
        if (lua_rawgeti(L, list, place.index) != LUA_TSTRING && !lua_isinteger(L, -1))
            refuse(p, &place, "it must be a text or an integer, not %s", cw_lua_type_name(L, -1));
        drops[i] = copy_text(p, lua_gettop(L), cw_slice("the id"), CW_TEXT, &place);
        lua_pop(L, 1);
    }
    return drops;
}

/* The zone that times without an offset are read in; opened once. */
static const struct cw_zone *zone_of(lua_State *L, struct cw_lua_carts *carts)
{
    struct cw_error err;
    if (carts->zone == NULL)
        carts->zone = cw_zone_open(carts->host.site_zone, &err);
    if (carts->zone == NULL)
        cw_lua_raise(L, &err);
    return carts->zone;
}

/* *txn, where there is one, is the host's from the moment that it is asked. */
int cw_lua_put_in(lua_State *L, struct cw_lua_carts *carts, struct cw_txn **txn)
{
    struct cw_error err;
    size_t count, drop_count;
    luaL_checktype(L, 1, LUA_TTABLE);
    check_keys(L);
    const struct cw_kind *kind = read_kind(L);
    struct cw_slice from = read_option(L, "from"), reason = read_option(L, "reason");
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    struct putting p = { L, &scratch->arena, zone_of(L, carts) };
    count = lua_rawlen(L, 1);
    struct cw_document **docs = read_documents(&p, kind, count);
    struct cw_slice *drops = read_drops(&p, &drop_count);
    if (count + drop_count == 0)
        return luaL_error(L, "site.put: no documents; put them behind the fields: { kind = \"item\", { sku = "
                             "\"A-1\" }, { sku = \"A-2\" } }");
    if (carts->host.put == NULL)
        return luaL_error(L, "site.put: there is no store in this command");
    struct cw_txn *given = txn != NULL ? *txn : NULL;
    if (txn != NULL)
        *txn = NULL;
    bool ok =
        carts->host.put(carts->host.arg, given, kind, docs, count, drops, drop_count, from, reason, &err);
    cw_lua_clear_scratch(scratch);
    return ok ? 0 : cw_lua_raise(L, &err);
}

/* site.put { kind, reason, from, drop, documents... }. Raises what is wrong with it; then nothing was put. */
int cw_lua_site_put(lua_State *L)
{
    lua_settop(L, 1);
    return cw_lua_put_in(L, lua_touserdata(L, lua_upvalueindex(1)), NULL);
}
