---Amazon's older order report (GET_FLAT_FILE_ORDERS): a row for each item of an order, separated by tabs.
---
---Facts this script relies on:
---  - Quotes are characters like any other.
---  - item-price, item-tax, shipping-price and shipping-tax are those of the whole row, whatever its quantity. The
---    report has no total: it is the sum of them.
---  - Sellers add columns and change their order: columns are found by their headings.
---  - Files are said to be UTF-8; ISO-8859-1, windows-1252 and (Japan) cp932 come as well: the setting `charset`.
---  - Mail addresses are relays that change from order to order: no customer is known by one.
---
---Not known: whether prices of European reports hold the tax. Their orders are taken as the American ones.
local files = require "shipped.files"
local map = require "cartwright.map"

local shop = files:extend()
shop.title, shop.format = "Amazon order reports", "amazon"
shop.settings.format.required = false

local PRICE_DIGITS = 4

---@param row cartwright.Node
local function unit_price(row)
  local price, quantity = row:decimal "item-price", row:decimal "quantity-purchased"
  return price and quantity and not quantity:is_zero() and price:divide(quantity, PRICE_DIGITS) or nil
end

---@param record cartwright.Node
---@return string?
local function currency(record)
  local found
  for row in record:each "row" do
    local one = row:text "currency"
    if found and one ~= found then error(("this order has amounts in %s and in %s"):format(found, one or "none"), 0) end
    found = one
  end
  return found
end

shop.orders = files.stream {
  id = "row/order-id",
  records = { rows = { group = "order-id", delimiter = "\t", quoted = false } },

  map = map.order {
    number = "row/order-id",
    status = map.constant "processing",
    payment_status = map.constant "paid",
    fulfilment_status = map.constant "open",
    channel = map.constant "Amazon",
    placed_at = "row/purchase-date",
    paid_at = "row/payments-date",
    currency = map.value(currency, { required = true }),
    tax_included = map.constant(false),
    shipping_total = map.sum "row/shipping-price",
    tax_total = map.sum { "row/item-tax", "row/shipping-tax" },
    total = map.sum { "row/item-price", "row/item-tax", "row/shipping-price", "row/shipping-tax" },
    shipping_method = "row/ship-service-level",
    shipping = map.at("row[1]", map.address {
      name = "recipient-name",
      street = "ship-address-1",
      street2 = map.join({ "ship-address-2", "ship-address-3" }, ", "),
      postcode = "ship-postal-code",
      city = "ship-city",
      region = "ship-state",
      country = "ship-country",
      phone = map.first { "ship-phone-number", "buyer-phone-number" },
    }),
    lines = map.each("row", map.line {
      external_id = "order-item-id",
      sku = "sku",
      name = "product-name",
      quantity = map.value("quantity-purchased", { required = true }),
      unit_price = unit_price,
      total = map.value("item-price", { required = true }),
      tax = "item-tax",
    }),
    custom = {
      buyer = map.text "row/buyer-name",
      relay_email = map.text "row/buyer-email",
    },
  },
}

return shop
