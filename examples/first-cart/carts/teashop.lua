---A shop that nobody had heard of: GET orders.json?page=N gives { "orders": [...] }, and an empty list at the end.
local cart = require "cartwright.cart"
local map = require "cartwright.map"

local shop = cart.new {
  title = "Tea shop",
  settings = {
    url = cart.url { required = true, help = "address of the shop" },
    token = cart.secret { required = true, help = "the shop's admin page shows it under API" },
  },
  http = function(settings)
    return { base = settings.url .. "/", bearer = settings.token, rate = "5/s", burst = 5 }
  end,
}

function shop:test()
  local about = self:get("about.json"):json()
  if about.software ~= "Tea shop" then
    cart.fail("not-expected", "something answers there, but it is no Tea shop", "url")
  end
  return { "Tea shop " .. about.version }
end

shop.orders = {
  id = "id",
  records = "orders",
  overlap = "10m", -- the shop stamps a change when it begins, and may take that long to commit it

  fetch = function(self, window)
    local since = window.from and window.from:format "%Y-%m-%dT%H:%M:%SZ"
    local page = 1
    repeat
      local orders = self:get("orders.json", { page = page, changed_since = since }):records "orders"
      if #orders > 0 then self:emit(orders) end
      page = page + 1
    until #orders == 0
  end,

  skip = { ["test order"] = { path = "customer/email", values = { "test@tea.example" } } },

  map = map.order {
    number = "number",
    status = map.translate("status", "state"),
    placed_at = "ordered",
    currency = "currency",
    tax_included = map.constant(true),
    total = map.value("amounts/total", { required = true }),
    shipping_total = "amounts/freight",
    email = "customer/email",
    shipping = map.at("deliver_to", map.address {
      name = "name",
      street = "street",
      city = "town",
      postcode = "postcode",
      country = "country",
    }),
    lines = map.each("items", map.line {
      sku = "sku",
      name = "title",
      quantity = "count",
      unit_price = "each",
    }),
    custom = { gift = map.boolean "gift" },
  },
}

shop.tables.status = { new = "pending", paid = "paid", sent = "shipped", void = "cancelled" }

return shop
