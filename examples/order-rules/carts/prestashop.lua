-- The shipped PrestaShop cart, changed in a few places. "shipped." always means the one that came with Cartwright;
-- `cartwright check` lists what is different here.
local map = require "cartwright.map"

local shop = require("shipped.prestashop"):extend()

-- Fields that a module of this shop adds to its orders.
shop.orders.map.cart_type = "order_type"
shop.orders.map.second_status = "fraud_check"
shop.orders.map.archived = "archived"

-- Fields of our own, and the number that the back office prints (rules.orders fills it in site.lua).
shop.orders.map.custom.gift = map.boolean "gift"

-- PrestaShop makes a new customer for each order of a guest. Without an id the order's e-mail says who it is.
function shop.customer_id(order)
  if order:text "$customer/is_guest" == "1" then return nil end
  local id = order:text "id_customer"
  return id ~= "0" and id or nil
end
shop.orders.map.customer_id = shop.customer_id

-- The tax of a line: the shop tells it only as the difference of two prices. Rules see by it what bears no tax.
function shop.line_tax(row)
  local with, without = row:decimal "unit_price_tax_incl", row:decimal "unit_price_tax_excl" -- not rounded
  local quantity = row:decimal "product_quantity"
  return with and without and quantity and (with - without) * quantity
end
shop.orders.map.lines.plan.tax = shop.line_tax

-- One row: what this shop has on back order is being made, not waited for.
shop.tables.status["back order"] = "processing"

-- One function, wrapped: the shop calls orders on account paid, because it booked the invoice. They are not.
shop:after("orders.map.payment_status", function(status, order)
  if order:text "module" == "invoicepay" then return "unpaid" end
  return status
end)

-- Tables that the rules of site.lua translate with. A row can also be set without touching this file:
--   cartwright table set shop shipping 9 BIKE carrier=Veloce
shop.tables.payment = { stripe_official = "card", paypal = "paypal", ps_wirepayment = "transfer",
  ps_cashondelivery = "cash on delivery", invoicepay = "account", quotation = false }
shop.tables["payment.term"] = { invoicepay = "NET30" }
shop.tables.shipping = { ["1"] = "PICKUP", ["2"] = "PARCEL-FR", ["3"] = "PARCEL-DE", ["4"] = "EXPRESS" }
shop.tables["shipping.carrier"] = { ["2"] = "La Poste", ["3"] = "DHL", ["4"] = "UPS" }
shop.tables.tax = { ["US-CA"] = "CA-SALES", FR = "FR-20", DE = "DE-19", IT = "IT-22", BE = "BE-21" }
shop.tables.class = { FR = "EU", DE = "EU", IT = "EU", BE = "EU" }
shop.tables.discount = { ["Welcome 10 %"] = "DISC-WELCOME" }

return shop
