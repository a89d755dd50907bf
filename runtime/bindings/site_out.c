/* site_out.c - what site.lua says carts are told, as scripts/cartwright/out.lua made it, for C; and what that
 * module asks of C (cartwright.native.out). */
#include <stdlib.h>

#include "bindings/modules.h"
#include "bindings/site_private.h"

static const char *const names[CW_OUT_STREAMS] = { "stock_out",    "prices_out",    "shipments_out",
                                                   "statuses_out", "customers_out", "items_out" };

const char *cw_out_name(enum cw_out out)
{
    return names[out];
}

bool cw_out_find(struct cw_slice name, enum cw_out *out)
{
    for (size_t i = 0; i < CW_OUT_STREAMS; i++) {
        if (!cw_slice_is(name, names[i]))
            continue;
        *out = (enum cw_out)i;
        return true;
    }
    return false;
}

bool cw_out_is_level(enum cw_out out)
{
    return out != CW_OUT_SHIPMENTS && out != CW_OUT_STATUSES;
}

/* --- for cw_site_config --- */

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

/* The list is put where it is freed before its texts are copied. */
static void read_list(lua_State *L, int index, const char *field, char ***list)
{
    if (lua_getfield(L, index, field) == LUA_TTABLE) {
        size_t count = lua_rawlen(L, -1);
        *list = calloc(count + 1, sizeof **list);
        if (*list == NULL)
            luaL_error(L, "no memory");
        for (size_t i = 0; i < count; i++) {
            lua_rawgeti(L, -1, (lua_Integer)i + 1);
            (*list)[i] = cw_site_copy(L, luaL_checkstring(L, -1));
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

/* One of `words`, by its place among them; 0 where there is none. */
static int read_choice(lua_State *L, int index, const char *field, const char *const *words)
{
    int found = 0;
    if (lua_getfield(L, index, field) == LUA_TSTRING)
        for (int i = 0; words[i] != NULL; i++)
            if (strcmp(words[i], lua_tostring(L, -1)) == 0)
                found = i;
    lua_pop(L, 1);
    return found;
}

static void read_sending(lua_State *L, int index, struct cw_out_sending *sending)
{
    sending->is_on = cw_site_flag(L, index, "is_on");
    sending->threshold = cw_site_count(L, index, "threshold");
    sending->batch = cw_site_count(L, index, "batch");
    sending->attempts = cw_site_count(L, index, "attempts");
    sending->check = cw_site_number(L, index, "check", 0);
    sending->sleep = cw_site_number(L, index, "sleep", 0);
}

static void read_brake(lua_State *L, int index, struct cw_out_brake *brake)
{
    brake->is_on = lua_getfield(L, index, "brake") == LUA_TTABLE;
    if (brake->is_on) {
        int table = lua_gettop(L);
        brake->share_percent = cw_site_count(L, table, "share");
        brake->least = cw_site_count(L, table, "least");
        brake->zeros = cw_site_count(L, table, "zeros");
    }
    lua_pop(L, 1);
}

static void read_rule(lua_State *L, int index, struct cw_stock_rule *rule)
{
    static const char *const figures[] = { "on_hand", "available", "available_for_shipping", NULL };
    static const char *const vendors[] = { "", "add", "separate", NULL };
    rule->figure = (enum cw_stock_figure)read_choice(L, index, "figure", figures);
    rule->vendor = (enum cw_stock_vendor)read_choice(L, index, "vendor", vendors);
    rule->adds_kits = cw_site_flag(L, index, "kits");
    rule->incoming_within = cw_site_number(L, index, "incoming", 0);
    rule->adds_incoming = rule->incoming_within > 0;
    rule->minimum = cw_site_number(L, index, "minimum", 0);
    rule->maximum = cw_site_number(L, index, "maximum", 0);
    rule->step = cw_site_number(L, index, "step", 0);
    if (lua_getfield(L, index, "buffer") == LUA_TTABLE) {
        int table = lua_gettop(L);
        rule->buffer = cw_site_number(L, table, "quantity", 0);
        rule->buffer_percent = cw_site_count(L, table, "percent");
    }
    lua_pop(L, 1);
    read_list(L, index, "warehouses", &rule->warehouses);
}

static void read_stock(lua_State *L, int index, struct cw_out_config *out)
{
    read_rule(L, index, &out->stock.rule);
    read_brake(L, index, &out->stock.brake);
    out->stock.unlisted = cw_site_flag(L, index, "unlisted");
    out->stock.has_function = cw_site_flag(L, index, "quantity");
}

static void read_prices(lua_State *L, int index, struct cw_out_config *out)
{
    out->prices.list = cw_site_text(L, index, "list");
    out->prices.currency = cw_site_text(L, index, "currency");
    read_brake(L, index, &out->prices.brake);
}

static void read_shipments(lua_State *L, int index, struct cw_out_config *out)
{
    static const char *const triggers[] = { "shipment", "invoice", NULL };
    out->shipments.by_invoice = read_choice(L, index, "trigger", triggers) == 1;
}

static void read_statuses(lua_State *L, int index, struct cw_out_config *out)
{
    (void)L, (void)index, (void)out;
}

static void read_customers(lua_State *L, int index, struct cw_out_config *out)
{
    read_list(L, index, "groups", &out->customers.groups);
    read_list(L, index, "fields", &out->customers.fields);
}

static void read_items(lua_State *L, int index, struct cw_out_config *out)
{
    read_list(L, index, "groups", &out->items.groups);
    read_list(L, index, "fields", &out->items.fields);
}

/* The table of a cart, on top of the stack. */
static void read_cart(lua_State *L, struct cw_out_config *out)
{
    static const struct {
        const char *name;
        void (*read)(lua_State *L, int index, struct cw_out_config *out);
    } streams[CW_OUT_STREAMS] = { { "stock", read_stock },         { "prices", read_prices },
                                  { "shipments", read_shipments }, { "statuses", read_statuses },
                                  { "customers", read_customers }, { "items", read_items } };
    for (size_t i = 0; i < CW_OUT_STREAMS; i++) {
        lua_getfield(L, -1, streams[i].name);
        read_sending(L, lua_gettop(L), &out->sending[i]);
        streams[i].read(L, lua_gettop(L), out);
        lua_pop(L, 1);
    }
}

/* A list of { name = ..., warehouses = { ... } }. */
static void read_branches(lua_State *L, int stock, struct cw_stock_config *config)
{
    if (lua_getfield(L, stock, "branch_list") == LUA_TTABLE) {
        size_t count = lua_rawlen(L, -1);
        config->branches = calloc(count + 1, sizeof *config->branches);
        if (config->branches == NULL)
            luaL_error(L, "no memory");
        for (; config->branch_count < count; config->branch_count++) {
            struct cw_stock_branch *branch = &config->branches[config->branch_count];
            lua_rawgeti(L, -1, (lua_Integer)config->branch_count + 1);
            branch->name = cw_site_text(L, lua_gettop(L), "name");
            read_list(L, lua_gettop(L), "warehouses", &branch->warehouses);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

static void read_function(lua_State *L, struct cw_slice text, struct cw_out_config *out)
{
    int top = lua_gettop(L);
    if (lua_getfield(L, top, "stock") == LUA_TTABLE && lua_getfield(L, top + 1, "quantity") == LUA_TFUNCTION)
        cw_site_hash_function(L, -1, text, out->stock.function);
    lua_settop(L, top);
}

void cw_site_read_out(lua_State *L, struct cw_site_config *config, int outs, int stock, struct cw_slice text)
{
    for (size_t i = 0; i < config->cart_count; i++) {
        lua_getfield(L, outs, config->carts[i].name);
        read_cart(L, &config->carts[i].out);
        read_function(L, text, &config->carts[i].out);
        lua_pop(L, 1);
    }
    read_list(L, stock, "closed", &config->stock.closed);
    read_list(L, stock, "shipping", &config->stock.shipping);
    read_branches(L, stock, &config->stock);
}

void cw_site_free_out(struct cw_out_config *out)
{
    free_list(out->stock.rule.warehouses);
    free(out->prices.list);
    free(out->prices.currency);
    free_list(out->customers.groups);
    free_list(out->customers.fields);
    free_list(out->items.groups);
    free_list(out->items.fields);
}

void cw_site_free_stock(struct cw_stock_config *stock)
{
    free_list(stock->closed);
    free_list(stock->shipping);
    for (size_t i = 0; i < stock->branch_count; i++) {
        free(stock->branches[i].name);
        free_list(stock->branches[i].warehouses);
    }
    free(stock->branches);
}

/* --- for out.lua --- */

/* quantity(text) -> millionths | nil, what is wrong */
static int read_quantity(lua_State *L)
{
    struct cw_error err;
    struct cw_slice text;
    struct cw_decimal value;
    cw_quantity quantity;
    text.data = luaL_checklstring(L, 1, &text.len);
    if (!cw_decimal_parse(cw_slice_trim(text), &value, &err) || !cw_quantity_from(&value, &quantity, &err))
        return cw_lua_push_failure(L, &err);
    lua_pushinteger(L, quantity);
    return 1;
}

/* field(kind, name) -> true | nil, what is wrong. Fields of the site's own are "custom.NAME". */
static int check_field(lua_State *L)
{
    struct cw_error err;
    struct cw_slice name;
    const struct cw_kind *kind = cw_kind_find(cw_slice(luaL_checkstring(L, 1)));
    name.data = luaL_checklstring(L, 2, &name.len);
    luaL_argcheck(L, kind != NULL, 1, "a kind expected");
    bool is_own = name.len > strlen("custom.") && strncmp(name.data, "custom.", strlen("custom.")) == 0;
    if (is_own || cw_kind_field(kind, name) >= 0) {
        lua_pushboolean(L, true);
        return 1;
    }
    const char *near = cw_kind_suggest(kind, name);
    struct cw_slice shown = cw_slice_clip(name, 64);
    cw_fail(&err, CW_INVALID, "names \"%.*s\", which is no field of %s%s%s%s", CW_SLICE_ARG(shown),
            kind->plural, near != NULL ? "; did you mean \"" : "; fields of your own are \"custom.NAME",
            near != NULL ? near : "", near != NULL ? "\"?" : "\"");
    return cw_lua_push_failure(L, &err);
}

int cw_lua_open_out(lua_State *L)
{
    static const luaL_Reg functions[] = { { "quantity", read_quantity },
                                          { "field", check_field },
                                          { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}
