---Shopify's export of orders: CSV, as its administration writes it. Other programs copy the layout with fewer columns.
---
---Facts this script relies on:
---  - The order's columns stand on its first row only; further items have rows with nothing but Name and the columns
---    "Lineitem ...". Rows of an order stand together.
---  - Whether prices hold the tax is not in the file: it is read from Subtotal + Shipping (+ Taxes) = Total. Where
---    neither fits, the order is held, because it does not add up.
---  - "Lineitem price" is before discounts; "Discount Amount" is that of the whole order, and Subtotal is after it.
---  - Refunds do not change the total. Post codes may begin with an apostrophe, which is taken off.
---  - Orders of a point of sale have no mail address.
---  - Large exports come as a zip of several files: unpack them.
---
---Not known: whether discounts of lines are in Discount Amount too; where they are not, the order is held.
local files = require "shipped.files"
local map = require "cartwright.map"
local texts = require "shipped.files.texts"

local shop = files:extend()
shop.title, shop.format = "Shopify order exports", "shopify-export"
shop.settings.format.required = false

---Whether the amounts hold the tax.
---@param order cartwright.Node
---@return boolean
local function tax_included(order)
  local subtotal, total = order:decimal "row/Subtotal", order:decimal "row/Total"
  local taxes = order:decimal "row/Taxes"
  if not subtotal or not total or not taxes or taxes:is_zero() then return false end
  return (subtotal + (order:decimal "row/Shipping" or 0)):compare(total) == 0
end

---Cancelled orders keep their other states.
local function status(order)
  if order:text "row/Cancelled at" then return "cancelled" end
  if order:text "row/Fulfillment Status" == "fulfilled" then return "shipped" end
  local paid = order:text "row/Financial Status"
  if paid == "refunded" or paid == "voided" then return paid == "voided" and "cancelled" or "refunded" end
  return paid == "pending" and "pending" or "processing"
end

local function address(kind)
  return map.address {
    name = ("%s Name"):format(kind),
    company = ("%s Company"):format(kind),
    street = ("%s Address1"):format(kind),
    street2 = ("%s Address2"):format(kind),
    postcode = ("%s Zip"):format(kind),
    city = ("%s City"):format(kind),
    region = ("%s Province"):format(kind),
    country = map.translate("country", ("%s Country"):format(kind)),
    phone = ("%s Phone"):format(kind),
  }
end

---"DE MwSt 19%" of "Tax 1 Name" to "Tax 5 Name", with its amount.
local function taxes(order)
  local found = {}
  for i = 1, 5 do
    local name, amount = order:text(("row/Tax %d Name"):format(i)), order:text(("row/Tax %d Value"):format(i))
    if name and amount then found[#found + 1] = { name = name, rate = name:match "([%d.]+)%%", amount = amount } end
  end
  return { rates = found }
end

shop.orders = files.stream {
  id = "row/Name",
  records = { rows = { group = "Name", delimiter = "," } },
  derive = { taxes = taxes },

  map = map.order {
    number = "row/Name",
    status = status,
    payment_status = map.translate("payment_status", "row/Financial Status", { default = "paid" }),
    fulfilment_status = map.translate("fulfilment", "row/Fulfillment Status", { default = "open" }),
    cart_status = "row/Financial Status",
    placed_at = map.time("row/Created at", { format = "%Y-%m-%d %H:%M:%S %z" }),
    paid_at = map.time("row/Paid at", { format = "%Y-%m-%d %H:%M:%S %z" }),
    channel = "row/Source",
    currency = map.value("row/Currency", { required = true }),
    tax_included = tax_included,
    discount_total = "row/Discount Amount",
    shipping_total = "row/Shipping",
    tax_total = "row/Taxes",
    total = map.value("row/Total", { required = true }),
    email = "row/Email",
    payment_method = "row/Payment Method",
    shipping_method = "row/Shipping Method",
    billing = map.at("row[1]", address "Billing"),
    shipping = map.at("row[1]", address "Shipping"),
    note = "row/Notes",
    lines = map.each("row", map.line {
      sku = "Lineitem sku",
      name = "Lineitem name",
      quantity = map.value("Lineitem quantity", { required = true }),
      unit_price = map.value("Lineitem price", { required = true }),
    }),
    taxes = map.each("$taxes/rates", map.tax { name = "name", rate = "rate", amount = "amount" }),
    custom = {
      shop_id = map.text "row/Id",
      note_attributes = map.text "row/Note Attributes",
      tags = map.text "row/Tags",
      discount_code = map.text "row/Discount Code",
      refunded = map.money "row/Refunded Amount",
      cancelled_at = map.time("row/Cancelled at", { format = "%Y-%m-%d %H:%M:%S %z" }),
    },
  },
}

shop.tables.payment_status = { paid = "paid", pending = "unpaid", authorized = "authorised",
  partially_paid = "partly_paid", refunded = "refunded", partially_refunded = "partly_refunded", voided = "failed" }

shop.tables.fulfilment = { fulfilled = "shipped", partial = "partial", unfulfilled = "open", restocked = "returned" }

shop.tables.country = map.copy(texts.COUNTRIES)

return shop
