---Etsy's "Sold Order Items": CSV with a row for each item.
---
---Facts this script relies on:
---  - Order ids come with a # in this file and without it in the file "Sold Orders": they are kept without.
---  - Freight and sales tax are the order's, and stand on its first row or on all of them: the largest counts, never
---    the sum.
---  - Amounts are written "$5.00", "5.00" or "12,00"; dates 08/14/25. Item Total is the price of all its pieces.
---  - The column SKU may be missing. Countries are written in words: the table country has their codes.
---  - Mail addresses of buyers are not in it.
---
---Not known: whether a discount that stands on several rows of an order is that of the order or of each item; such
---orders are parked. "Sold Orders" has no items: its records are parked, as orders without lines.
local files = require "shipped.files"
local map = require "cartwright.map"
local texts = require "shipped.files.texts"

local shop = files:extend()
shop.title, shop.format = "Etsy order files", "etsy"
shop.settings.format.required = false

---The row's currency, by its column and by the sign of its price.
---@param row cartwright.Node
---@param before? string of the rows before it
---@return string?
local function currency_of(row, before)
  local _, sign = texts.money(row:text "Price")
  local named = row:text "Currency"
  for _, one in pairs { sign, named } do
    if one ~= (before or named or sign) then
      error(("this order has amounts in %s and in %s"):format(before or named, one), 0)
    end
  end
  return named or sign or before
end

---@param row cartwright.Node
local function line_of(row)
  local price, quantity = texts.money(row:text "Price"), texts.quantity(row:text "Quantity")
  local total = texts.money(row:text "Item Total")
  if total and price and quantity and total ~= price * quantity then
    error(("Item Total is %s, but %s pieces at %s make %s"):format(total, quantity, price, price * quantity), 0)
  end
  return { id = row:text "Transaction ID", sku = row:text "SKU", listing = row:text "Listing ID", price = price,
    name = row:text "Item Name", options = row:text "Variations", quantity = quantity,
    total = price and quantity and price * quantity }
end

---@param record cartwright.Node
local function order(record)
  local freight, tax, discount, currency, goods, lines = nil, nil, nil, nil, texts.zero(), {}
  for row in record:each "row" do
    local line, off = line_of(row), texts.money(row:text "Discount Amount")
    currency = currency_of(row, currency)
    freight = texts.larger(freight, (texts.money(row:text "Order Shipping")))
    tax = texts.larger(tax, (texts.money(row:text "Order Sales Tax")))
    if off and not off:is_zero() then
      if off < 0 then error("Discount Amount is negative", 0) end
      if discount then error("several rows of this order have a discount, and nobody knows whether it is one", 0) end
      discount = off
    end
    if line.total and line.name then
      lines[#lines + 1] = line
      goods = goods + line.total
    end
  end
  if #lines == 0 then error('this order has no items; the file is to be "Sold Order Items"', 0) end
  return { freight = freight, tax = tax, discount = discount, lines = lines, currency = currency,
    total = goods + (freight or 0) + (tax or 0) - (discount or 0) }
end

shop.orders = files.stream {
  id = "$key/id",
  records = { rows = { group = "Order ID" } },
  derive = {
    key = function(record)
      local id = record:text "row/Order ID"
      return id and { id = id:gsub("^#", "") .. "" }
    end,
    order = order,
  },

  map = map.order {
    number = "$key/id",
    status = map.constant "processing",
    payment_status = map.constant "paid",
    channel = map.constant "Etsy",
    placed_at = map.time("row/Sale Date", { format = "%m/%d/%y", required = true }),
    paid_at = map.time("row/Date Paid", { format = "%m/%d/%y" }),
    currency = map.value("$order/currency", { required = true }),
    tax_included = map.constant(false),
    discount_total = "$order/discount",
    shipping_total = "$order/freight",
    tax_total = "$order/tax",
    total = "$order/total",
    payment_method = "row/Payment Type",
    shipping = map.at("row[1]", map.address {
      name = "Ship Name",
      street = "Ship Address1",
      street2 = "Ship Address2",
      postcode = "Ship Zipcode",
      city = "Ship City",
      region = "Ship State",
      country = map.translate("country", "Ship Country"),
    }),
    lines = map.each("$order/lines", map.line {
      external_id = "id",
      sku = "sku",
      name = "name",
      options = "options",
      item_id = "listing",
      quantity = map.value("quantity", { required = true }),
      unit_price = map.value("price", { required = true }),
    }),
    custom = {
      buyer = map.text "row/Buyer",
      shipped = map.text "row/Date Shipped",
    },
  },
}
shop.tables.country = map.copy(texts.COUNTRIES)

return shop
