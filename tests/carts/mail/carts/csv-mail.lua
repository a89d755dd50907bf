---Orders as a table of text, attached to mails.
local files = require("carts.files"):extend()
local map = require "cartwright.map"

files.format = "csv"
files.orders = files.stream {
  records = { rows = { group = "order", delimiter = ";" } },
  map = map.order {
    number = "row/order", currency = map.constant "EUR", status = map.constant "pending",
    lines = map.each("row", map.line { sku = "sku", quantity = "qty",
      unit_price = map.value("price", { format = "1.234,56" }) }),
    total = function(order)
      local price = require("cartwright.decimal").new(order:text "row/price", "1.234,56")
      return price * order:decimal "row/qty"
    end,
  },
}

local shop = require("shipped.mail"):extend()
shop:reads_files(files, "*.csv")
return shop
