---Orders as XML, attached to mails.
local files = require("carts.files"):extend()
local map = require "cartwright.map"

files.format = "xml"
files.orders = files.stream {
  id = "@number", records = ".",
  map = map.order {
    number = "@number", placed_at = "@date", currency = "Total/@currency", email = "Customer/Email",
    status = map.constant "pending", tax_included = map.constant(true), shipping_total = "Shipping",
    total = map.value("Total", { required = true }),
    billing = map.at("Customer", map.address { name = "Name" }),
    lines = map.each("Lines/Line", map.line { sku = "@sku", quantity = "@qty", unit_price = "@price" }),
  },
}

local shop = require("shipped.mail"):extend()
shop:reads_files(files, "*.xml")
return shop
