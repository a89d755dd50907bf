---Orders that come as files: for tests of the standard tests of inboxes.
local cart = require "cartwright.cart"
local map = require "cartwright.map"

local shop = cart.new {
  title = "Letters",
  settings = { folder = cart.text { default = "in", help = "where they lie" } },
  inbox = function() return { notices = true } end,
}

function shop:test() return { "an inbox needs no connection: " .. self.settings.folder } end

shop.lacks = { refund = "an order comes once" }
for _, part in ipairs { "customers", "items", "stock", "shipments", "stock_out", "prices_out", "shipments_out", "statuses_out",
  "customers_out", "items_out", "webhook", "ids" } do
  shop.lacks[part] = "letters bring orders, and nothing goes back"
end
for _, test in ipairs { "order-changes", "partial-shipment" } do shop.lacks[test] = "an order comes once" end

shop.orders = {
  id = "id",
  records = "orders",

  fetch = function(self)
    for entry in self:inbox():each() do
      local letter = entry:read()
      local is_json, why = pcall(letter.json, letter)
      if is_json then
        self:emit(letter:records "orders")
        entry:done()
      else
        entry:failed(tostring(why))
      end
    end
  end,

  map = map.order {
    number = "number", status = map.translate("status", "status"), placed_at = "placed_at", currency = "currency",
    tax_included = map.constant(true), total = "total", shipping_total = "shipping_total", email = "email",
    shipping = map.at("shipping", map.address { first_name = "first_name", last_name = "last_name", street = "street",
      city = "city", postcode = "postcode", country = "country" }),
    lines = map.each("lines", map.line { sku = "sku", name = "name", quantity = "quantity", unit_price = "unit_price" }),
  },
}

shop.tables.status = { pending = "pending", paid = "paid", processing = "processing" }

return shop
