/* fake_cart.c - the scripts of a cart and a site for the fake shop. */
#include <stdio.h>

#include "fake_shop.h"

const char fake_site_script[] = "return {\n"
                                "  allow = { 'shop.test' },\n"
                                "  carts = { shop = { type = 'fake', url = 'http://shop.test' } },\n"
                                "}\n";

const char fake_cart_script[] =
    "local cart, map, paging = require 'cartwright.cart', require 'cartwright.map', require "
    "'cartwright.paging'\n"
    "local shop = cart.new {\n"
    "  title = 'fake shop',\n"
    "  settings = { url = cart.url { required = true }, page_size = cart.integer { default = 7 } },\n"
    "  http = function(s) return { base = s.url .. '/', rate = '5/s', burst = 5 } end,\n"
    "}\n"
    "local STAMP = '%Y-%m-%dT%H:%M:%SZ'\n"
    "shop.orders = {\n"
    "  id = 'id', records = 'orders', overlap = '1h', settle = '10s',\n"
    "  skip = { test = { path = 'status', values = { 'test' } } },\n"
    "  fetch = function(self, window)\n"
    "    paging.walk(self, window, { size = self.settings.page_size, read = function(offset, size)\n"
    "      local response = self:get('orders', { from = window.from and window.from:format(STAMP, 'UTC') or "
    "'',\n"
    "        to = window.to:format(STAMP, 'UTC'), offset = offset, limit = size })\n"
    "      local total = response:header 'X-Total'\n"
    "      return response:records 'orders', total and math.tointeger(tonumber(total))\n"
    "    end })\n"
    "  end,\n"
    "  map = map.order {\n"
    "    number = 'number', placed_at = 'created', changed_at = 'changed', currency = 'currency',\n"
    "    status = map.translate('status', 'status', { required = true }), total = 'total',\n"
    "    tax_included = map.constant(true),\n"
    "    lines = map.each('lines', map.line { external_id = 'id', sku = 'sku', quantity = 'quantity',\n"
    "      unit_price = 'price', total = 'total' }),\n"
    "    custom = { version = map.integer 'version' },\n"
    "  },\n"
    "}\n"
    "shop.tables.status = { paid = 'paid', shipped = 'shipped' }\n"
    "return shop\n";

const char fake_ids_script[] =
    "shop.orders.ids = function(self, window)\n"
    "  paging.walk(self, window, { size = 100, store = function(records) self:list(records:collect 'id') "
    "end,\n"
    "    read = function(offset, size)\n"
    "      local response = self:get('ids', { from = window.from and window.from:format(STAMP, 'UTC') or "
    "'',\n"
    "        to = window.to:format(STAMP, 'UTC'), by = window.by, offset = offset, limit = size })\n"
    "      local total = response:header 'X-Total'\n"
    "      return response:records 'orders', total and math.tointeger(tonumber(total))\n"
    "    end })\n"
    "end\n"
    "shop.orders.read = function(self, ids)\n"
    "  self:emit(self:get('orders', { ids = table.concat(ids, ',') }):records 'orders')\n"
    "end\n";

const char fake_plain_script[] =
    "shop.orders.fetch = function(self, window)\n"
    "  self:emit(self:get('orders', { from = window.from and window.from:format(STAMP, 'UTC') or '',\n"
    "    to = window.to:format(STAMP, 'UTC'), offset = 0, limit = 1000 }):records 'orders')\n"
    "end\n";

void fake_cart_with(const char *more, char out[8192])
{
    static const char last[] = "return shop\n";
    size_t len = strlen(fake_cart_script) - strlen(last);
    snprintf(out, 8192, "%.*s%s%s", (int)len, fake_cart_script, more, last);
}
