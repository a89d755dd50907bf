---Orders in CSV or TSV files of your own: a row for each line of an order, whose own columns stand on the first of them
---or on all. Columns are called as the fields in scripts/FIELDS.md (number, placed_at, currency, total, sku, quantity,
---unit_price, ...), those of addresses shipping_street and so on. A file that calls them otherwise has a script that
---extends this one:
---
---    local shop = require("shipped.files.csv"):extend()
---    shop.orders.map.number = "row/Order no."
---    return shop
local files = require "shipped.files"
local plain = require "shipped.files.plain"

local shop = files:extend()
shop.title, shop.format = "Orders in CSV or TSV files", "csv"
shop.settings.format.required = false
shop.lacks["unknown-status"] = "statuses are in our own words; a script that extends this one translates others"

shop.orders = files.stream {
  id = "row/number",
  records = { rows = { group = "number" } },
  map = plain.orders("row/", "row"),
}

return shop
