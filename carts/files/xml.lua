---Orders in XML files of your own: <orders><order>...<line>...</line></order></orders>. Elements are called as the
---fields in scripts/FIELDS.md (number, placed_at, currency, total, sku, quantity, unit_price, ...), those of addresses
---shipping_street and so on. A file that calls them otherwise has a script that extends this one:
---
---    local shop = require("shipped.files.xml"):extend()
---    shop.orders.map.number = "OrderNo"
---    return shop
local files = require "shipped.files"
local plain = require "shipped.files.plain"

local shop = files:extend()
shop.title, shop.format = "Orders in XML files", "xml"
shop.settings.format.required = false
shop.lacks["unknown-status"] = "statuses are in our own words; a script that extends this one translates others"

shop.orders = files.stream {
  id = "number",
  records = "order",
  map = plain.orders("", "line"),
}

return shop
