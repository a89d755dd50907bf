---Orders in JSON files of your own: a list of orders, or one, each with "lines". Keys are called as the fields in
---scripts/FIELDS.md (number, placed_at, currency, total, sku, quantity, unit_price, ...), those of addresses
---shipping_street and so on. A file that calls them otherwise has a script that extends this one:
---
---    local shop = require("shipped.files.json"):extend()
---    shop.orders.map.number = "OrderNo"
---    return shop
local files = require "shipped.files"
local plain = require "shipped.files.plain"

local shop = files:extend()
shop.title, shop.format = "Orders in JSON files", "json"
shop.settings.format.required = false
shop.lacks["unknown-status"] = "statuses are in our own words; a script that extends this one translates others"

shop.orders = files.stream {
  id = "number",
  records = ".",
  map = plain.orders("", "lines"),
}

return shop
