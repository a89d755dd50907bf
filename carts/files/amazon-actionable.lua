---Amazon's report of orders to be shipped (GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING): as the older order report,
---but without any price.
---
---Facts this script relies on, besides those of carts/files/amazon.lua:
---  - It has unshipped orders alone, also those of which a part is on its way; nobody is told when one is cancelled.
---  - Without prices nothing says what the buyer owes: every order waits. With the setting `currency` they are taken in
---    as owing nothing, since the marketplace has been paid.
---  - is-business-order and purchase-order-number are of orders of companies.
local amazon = require "shipped.files.amazon"
local cart = require "cartwright.cart"
local map = require "cartwright.map"

local shop = amazon:extend()
shop.title, shop.format = "Amazon reports of orders to be shipped", "amazon-actionable"
shop.settings.currency = cart.text { help = "take orders without prices as owing 0 of this currency, such as EUR; "
  .. "default: they wait" }

local choose = shop.choose
function shop:choose(settings)
  local chosen = choose(self, settings)
  if not settings.currency then return chosen end
  chosen = chosen:extend()
  chosen.orders.map.currency, chosen.orders.map.total = map.constant(settings.currency), map.constant(0)
  return chosen
end

---Whether some of it has left.
local function fulfilment(order)
  for row in order:each "row" do
    local shipped = row:decimal "quantity-shipped"
    if shipped and not shipped:is_zero() then return "partial" end
  end
  return "open"
end

local orders = shop.orders.map
orders.fulfilment_status = fulfilment
orders.reference = "row/purchase-order-number"
orders.currency, orders.total, orders.tax_total, orders.shipping_total = nil, nil, nil, nil
orders.custom.business = map.boolean "row/is-business-order"
orders.custom.prime = map.boolean "row/is-prime"
orders.custom.ship_until = map.time "row/promise-date"

local line = orders.lines.plan
line.unit_price, line.total, line.tax = nil, nil, nil
line.custom.quantity_to_ship = map.decimal "quantity-to-ship"
line.custom.quantity_shipped = map.decimal "quantity-shipped"

return shop
