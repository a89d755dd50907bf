---What the yardstick does with one order: 25 fields, the lines, and totals that must add up exactly. Amounts are counted
---in millionths. Returns the document and its form as JSON.
local cjson = require "cjson"

local tointeger, find, sub, rep = math.tointeger, string.find, string.sub, string.rep
local ZEROS = rep("0", 6)

local function amount(text)
  if not text or text == "" then return 0 end
  local dot = find(text, ".", 1, true)
  if not dot then return tointeger(text) * 1000000 end
  return tointeger(sub(text, 1, dot - 1) .. sub(sub(text, dot + 1) .. ZEROS, 1, 6))
end

local function some(text)
  if text == "" or text == "0" or text == "0000-00-00 00:00:00" then return nil end
  return text
end

local function time(text)
  return some(text) and sub(text, 1, 10) .. "T" .. sub(text, 12) .. ".000000Z"
end

local function check(order, goods, total)
  if goods ~= total then error(("order %s: %d, not %d"):format(order.number, goods, total)) end
end

local map = {}

local PRESTASHOP = { ["2"] = "paid", ["10"] = "pending" }

function map.prestashop(o)
  local lines, goods = {}, 0
  for i, row in ipairs(o.associations.order_rows) do
    local total = amount(row.unit_price_tax_incl) * tointeger(row.product_quantity)
    goods = goods + total
    lines[i] = { external_id = row.id, sku = some(row.product_reference) or some(row.product_ean13),
      name = row.product_name, barcode = some(row.product_ean13), item_id = row.product_id,
      variant_id = some(row.product_attribute_id), quantity = row.product_quantity,
      unit_price = row.unit_price_tax_incl, total = ("%d.%02d"):format(total // 1000000, total // 10000 % 100) }
  end
  local order = {
    external_id = o.id, number = o.reference, status = PRESTASHOP[o.current_state] or error "no such state",
    cart_status = o.current_state, placed_at = time(o.date_add), changed_at = time(o.date_upd),
    paid_at = time(o.invoice_date), channel = o.id_shop, language = o.id_lang, currency = "EUR",
    tax_included = true, goods_total = o.total_products_wt, discount_total = o.total_discounts_tax_incl,
    shipping_total = o.total_shipping_tax_incl, fee_total = o.total_wrapping_tax_incl, total = o.total_paid_tax_incl,
    paid_total = o.total_paid_real, customer_id = some(o.id_customer), payment_method = o.module,
    payment_name = o.payment, shipping_method = some(o.id_carrier), note = some(o.note),
    gift_message = some(o.gift_message), lines = lines,
    custom = { cart = o.id_cart, invoice = some(o.invoice_number), key = o.secure_key },
  }
  check(order, goods, amount(order.goods_total))
  check(order, goods - amount(order.discount_total) + amount(order.shipping_total) + amount(order.fee_total),
    amount(order.total))
  return order, cjson.encode(order)
end

local WOOCOMMERCE = { pending = "pending", processing = "processing", completed = "completed" }

function map.woocommerce(o)
  local lines, goods = {}, 0
  for i, row in ipairs(o.line_items) do
    goods = goods + amount(row.total)
    lines[i] = { external_id = row.id, sku = row.sku, name = row.name, item_id = some(row.product_id),
      variant_id = some(row.variation_id), quantity = row.quantity, unit_price = row.price, total = row.total }
  end
  local fees = 0
  for _, fee in ipairs(o.fee_lines) do fees = fees + amount(fee.total) end
  local billing, freight = o.billing, o.shipping_lines[1] or {}
  local order = {
    external_id = o.id, number = o.number, status = WOOCOMMERCE[o.status] or error "no such state",
    cart_status = o.status, placed_at = time(o.date_created_gmt), changed_at = time(o.date_modified_gmt),
    paid_at = time(o.date_paid_gmt), channel = o.created_via, currency = o.currency, tax_included = false,
    shipping_total = o.shipping_total, fee_total = tostring(fees), tax_total = o.total_tax, total = o.total,
    customer_id = some(o.customer_id), email = billing.email,
    billing = { first_name = some(billing.first_name), last_name = some(billing.last_name),
      street = some(billing.address_1), postcode = some(billing.postcode), city = some(billing.city),
      region = some(billing.state), country = some(billing.country), phone = some(billing.phone) },
    payment_method = o.payment_method, payment_name = o.payment_method_title, shipping_method = freight.method_id,
    shipping_name = freight.method_title, note = some(o.customer_note), lines = lines,
  }
  check(order, goods + amount(order.shipping_total) + fees + amount(order.tax_total), amount(order.total))
  return order, cjson.encode(order)
end

local STONE_EDGE = { ["Payment Received"] = "paid" }

function map.stone_edge(o)
  local lines, goods = {}, 0
  for i, row in ipairs(o.Shipping) do
    goods = goods + amount(row.Total)
    lines[i] = { external_id = row.LineID, sku = row.SKU, name = row.Name, quantity = row.Quantity,
      unit_price = row.ItemPrice, total = row.Total }
  end
  local totals, billing = o.Totals, o.Billing
  local address = billing.Address
  local order = {
    external_id = o.OrderNumber, number = o.OrderNumber, status = STONE_EDGE[o.OrderStatus] or error "no such state",
    cart_status = o.OrderStatus, placed_at = time(o.OrderDate), currency = "USD", tax_included = false,
    goods_total = totals.ProductTotal, shipping_total = totals.ShippingTotal.Total, tax_total = totals.Tax.TaxAmount,
    total = totals.GrandTotal, customer_id = o.Other.WebCustomerID, email = billing.Email,
    billing = { name = some(billing.FullName), company = some(billing.Company), street = some(address.Street1),
      street2 = some(address.Street2), postcode = some(address.Code), city = some(address.City),
      region = some(address.State), country = some(address.Country), phone = some(billing.Phone) },
    payment_method = o.Payment.CreditCard and o.Payment.CreditCard.Issuer,
    shipping_name = totals.ShippingTotal.Description, note = some(o.Other.Comments), lines = lines,
    custom = { instructions = some(o.Other.OrderInstructions) },
  }
  check(order, goods, amount(order.goods_total))
  check(order, goods + amount(order.shipping_total) + amount(order.tax_total), amount(order.total))
  return order, cjson.encode(order)
end

return map
