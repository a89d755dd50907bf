/* lua_payload.c - the payloads of messages for scripts: tables whose quantities and amounts are Decimals and
 * whose times are Times, as the data classes of scripts/types/out.lua say. */
#include "bindings/carts_private.h"
#include "bindings/modules.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- what is more than a text, by stream --- */

static const struct cw_field figure_fields[] = {
    { "on_hand", CW_DECIMAL, NULL, NULL, NULL },   { "on_order", CW_DECIMAL, NULL, NULL, NULL },
    { "vendor", CW_DECIMAL, NULL, NULL, NULL },    { "pending", CW_DECIMAL, NULL, NULL, NULL },
    { "allocated", CW_DECIMAL, NULL, NULL, NULL }, { "for_kits", CW_DECIMAL, NULL, NULL, NULL },
    { "free", CW_DECIMAL, NULL, NULL, NULL },      { "buildable", CW_DECIMAL, NULL, NULL, NULL },
    { "quantity", CW_DECIMAL, NULL, NULL, NULL },
};
static const struct cw_kind figures = { "figures", "figures", false, figure_fields, COUNT(figure_fields) };

static const struct cw_field stock_fields[] = {
    { "quantity", CW_DECIMAL, NULL, NULL, NULL },
    { "vendor_quantity", CW_DECIMAL, NULL, NULL, NULL },
    { "figures", CW_RECORD, &figures, NULL, NULL },
};
static const struct cw_field price_fields[] = {
    { "price", CW_MONEY, NULL, NULL, NULL },
    { "valid_from", CW_TIME, NULL, NULL, NULL },
    { "valid_until", CW_TIME, NULL, NULL, NULL },
};
static const struct cw_field line_fields[] = { { "quantity", CW_DECIMAL, NULL, NULL, NULL } };
static const struct cw_kind line = { "line", "lines", false, line_fields, COUNT(line_fields) };
static const struct cw_field shipment_fields[] = {
    { "shipped_at", CW_TIME, NULL, NULL, NULL },
    { "lines", CW_LIST, &line, NULL, NULL },
};

static const struct cw_kind stock = { "stock", "stock", false, stock_fields, COUNT(stock_fields) };
static const struct cw_kind price = { "price", "prices", false, price_fields, COUNT(price_fields) };
static const struct cw_kind shipment = { "shipment", "shipments", false, shipment_fields,
                                         COUNT(shipment_fields) };
static const struct cw_kind status = { "status", "statuses", false, NULL, 0 };

/* Customers and items are documents as the store keeps them. */
static const struct cw_kind *const kinds[CW_OUT_STREAMS] = {
    &stock, &price, &shipment, &status, &cw_kind_customer, &cw_kind_item
};

/* --- values --- */

static void refuse_value(lua_State *L, const struct cw_node *node, const struct cw_field *field)
{
    struct cw_slice shown = cw_slice_clip(node->text, 60);
    cw_lua_fail(L, CW_CORRUPT, "%s is \"%.*s\", which is no %s", field->name, CW_SLICE_ARG(shown),
                cw_type_name(field->type));
}

static void push_decimal(lua_State *L, const struct cw_node *node, const struct cw_field *field)
{
    struct cw_decimal value = { 0 };
    if (node->first != NULL || !cw_decimal_parse(node->text, &value, NULL))
        refuse_value(L, node, field);
    cw_lua_push_decimal(L, &value);
}

static void push_time(lua_State *L, const struct cw_node *node, const struct cw_field *field)
{
    cw_time value = CW_TIME_NONE;
    if (node->first != NULL || !cw_time_parse(node->text, NULL, &value, NULL))
        refuse_value(L, node, field);
    cw_lua_push_time(L, value);
}

static void push_fields(lua_State *L, const struct cw_node *node, const struct cw_kind *kind);

static void push_members(lua_State *L, const struct cw_node *node, const struct cw_field *field)
{
    lua_Integer i = 0;
    if (node->kind != CW_NODE_ARRAY)
        refuse_value(L, node, field);
    lua_newtable(L);
    for (const struct cw_node *member = node->first; member != NULL; member = member->next) {
        push_fields(L, member, field->kind);
        lua_rawseti(L, -2, ++i);
    }
}

static void push_value(lua_State *L, const struct cw_node *node, const struct cw_field *field)
{
    switch (field != NULL ? field->type : CW_TEXT) {
    case CW_DECIMAL:
    case CW_MONEY:
        push_decimal(L, node, field);
        return;
    case CW_TIME:
        push_time(L, node, field);
        return;
    case CW_RECORD:
        push_fields(L, node, field->kind);
        return;
    case CW_LIST:
        push_members(L, node, field);
        return;
    default:
        cw_lua_push_json(L, node);
    }
}

/* What is null is left out. */
static void push_fields(lua_State *L, const struct cw_node *node, const struct cw_kind *kind)
{
    luaL_checkstack(L, 6, "a message nested too deep");
    if (node->kind != CW_NODE_OBJECT)
        cw_lua_fail(L, CW_CORRUPT, "the %s is no object", kind->name);
    lua_newtable(L);
    for (const struct cw_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind == CW_NODE_NULL)
            continue;
        int at = cw_kind_field(kind, child->name);
        lua_pushlstring(L, child->name.len > 0 ? child->name.data : "", child->name.len);
        push_value(L, child, at >= 0 ? &kind->fields[at] : NULL);
        lua_rawset(L, -3);
    }
}

/* The id of a document is its external_id in the store, and `id` for scripts. */
static void name_id(lua_State *L)
{
    if (lua_getfield(L, -1, "external_id") != LUA_TNIL) {
        lua_setfield(L, -2, "id");
        lua_pushnil(L);
        lua_setfield(L, -2, "external_id");
        return;
    }
    lua_pop(L, 1);
}

void cw_lua_push_payload(lua_State *L, enum cw_out out, const struct cw_message *message)
{
    struct cw_error err;
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    const struct cw_node *root = cw_lua_parse_json(scratch, message->payload, &err);
    if (root == NULL) {
        err.code = CW_CORRUPT;
        cw_fail_in(&err, "the payload of message %lld", (long long)message->id);
        cw_lua_raise(L, &err);
    }
    push_fields(L, root, kinds[out]);
    if (out == CW_OUT_CUSTOMERS || out == CW_OUT_ITEMS)
        name_id(L);
    cw_lua_clear_scratch(scratch);
    lua_remove(L, -2);
}
