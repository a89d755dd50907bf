-- The same shop as merchants see it: amounts without tax, which is added at the end. Everything else, tables
-- included, is that of carts/prestashop.lua.
local map = require "cartwright.map"

local shop = require("carts.prestashop"):extend()

local order = shop.orders.map
order.tax_included = map.constant(false)
order.goods_total = "total_products"
order.discount_total = "total_discounts_tax_excl"
order.shipping_total = "total_shipping_tax_excl"
order.fee_total = "total_wrapping_tax_excl"
order.lines.plan.unit_price = map.value("unit_price_tax_excl", { required = true })
order.discounts.plan.amount = "value_tax_excl"

shop.stock = nil -- one stock for all channels: the cart `shop` reads it

return shop
