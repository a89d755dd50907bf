---Documents as SETI has them: orders, customers, products, levels. Each function returns elements as xml.write takes
---them.
local decimal = require "cartwright.decimal"

local documents = {}

-- Texts and amounts ---------------------------------------------------------------------------------------------------

local TEXT_MAX, CUT = 8000, " (cut; the rest is in Cartwright)" -- bytes

---A text of one line, without what XML cannot hold, and not so long that an answer gets too large.
local function plain(text)
  text = tostring(text)
  if #text > TEXT_MAX then
    local ends = TEXT_MAX
    while text:byte(ends + 1) & 0xC0 == 0x80 do ends = ends - 1 end
    text = text:sub(1, ends) .. CUT
  end
  return (text:gsub("[\0-\31\127]+", " "):gsub("\xEF\xBF[\xBE\xBF]", " "))
end

---Elements for what is there.
---@param fields { [1]: string, [2]: any }[]
local function element(name, fields, more)
  local tree = { name }
  for _, field in ipairs(fields) do
    if field[2] ~= nil and field[2] ~= "" then tree[#tree + 1] = { field[1], plain(field[2]) } end
  end
  for _, child in ipairs(more or {}) do tree[#tree + 1] = child end
  return tree
end

---An amount with the digits of its currency, two at least; more where it has more.
local function money(amount)
  local text = tostring(amount)
  local digits = #(text:match "%.(%d+)$" or "")
  return digits >= 2 and text or tostring(amount:round(2))
end

local function number(value)
  return (tostring(value):gsub("(%.%d-)0+$", "%1"):gsub("%.$", ""))
end

local ZERO = decimal.new "0"

local THREE = { BHD = 3, IQD = 3, JOD = 3, KWD = 3, LYD = 3, OMR = 3, TND = 3, CLF = 4, UYW = 4 }

---Digits to which the sums of an order are rounded.
local function digits_of(order) return THREE[order.currency] or 2 end

-- Orders --------------------------------------------------------------------------------------------------------------

local function name_of(person)
  if person.name then return person.name end
  local both = ((person.first_name or "") .. " " .. (person.last_name or "")):match "^%s*(.-)%s*$"
  return both ~= "" and both or nil
end

local function address(person)
  return element("Address", { { "Street1", person.street }, { "Street2", person.street2 }, { "City", person.city },
    { "State", person.region }, { "Code", person.postcode }, { "Country", person.country } })
end

local function party(element_name, person, email, more)
  local children = { address(person) }
  table.move(more or {}, 1, #(more or {}), 2, children)
  return element(element_name, { { "FullName", name_of(person) }, { "Company", person.company },
    { "Phone", person.phone or person.mobile }, { "Email", person.email or email } }, children)
end

local PRICE_DIGITS = 6

---Price of one piece, so that pieces times price is the line's total where that can be written.
local function price_of(line, digits)
  local quantity, total = line.quantity, line.total
  local price = line.unit_price
  if price and (not total or (price * quantity):round(digits) == total:round(digits)) then return price end
  if not total then return ZERO end
  if quantity:is_zero() then return total end
  return total:divide(quantity, PRICE_DIGITS)
end

---@return table[] products
---@return cartwright.Decimal sum
local function products_of(order)
  local products, sum, digits = {}, ZERO, digits_of(order)
  for _, line in ipairs(order.lines) do
    local price = price_of(line, digits)
    local total = (price * line.quantity):round(digits)
    local options = line.options
      and { element("OrderOption", { { "OptionName", "Options" }, { "SelectedOption", line.options } }) }
    products[#products + 1] = element("Product", { { "SKU", line.sku }, { "Name", line.name },
      { "Quantity", number(line.quantity) }, { "ItemPrice", money(price) }, { "ProdType", "Tangible" },
      { "Taxable", line.tax and not line.tax:is_zero() and "Yes" or "No" }, { "LineID", line.external_id },
      { "Total", money(total) } }, options)
    sum = sum + total
  end
  return products, sum
end

local function discount(amount, words)
  return element("Discount", { { "Type", "Flat" }, { "Description", words }, { "Amount", money(amount) },
    { "ApplyDiscount", "Pre" } })
end

local function surcharge(amount, words)
  return element("Surcharge", { { "Total", money(amount) }, { "Description", words } })
end

---Discounts each with their name, where they make the total of the discounts; else that total alone.
local function discounts_of(order)
  local list, sum, total = {}, ZERO, order.discount_total or ZERO
  for _, one in ipairs(order.discounts) do
    if one.amount and one.amount:compare(0) > 0 then
      list[#list + 1] = discount(one.amount, one.code or one.name or "Discount")
      sum = sum + one.amount
    end
  end
  if sum == total then return list, total end
  return total:is_zero() and {} or { discount(total, "Discount") }, total
end

local function fees_of(order)
  local list, sum, total = {}, ZERO, order.fee_total or ZERO
  for _, fee in ipairs(order.fees) do
    if fee.amount then
      list[#list + 1] = surcharge(fee.amount, fee.name or "Fee")
      sum = sum + fee.amount
    end
  end
  if sum == total then return list, total end
  return total:is_zero() and {} or { surcharge(total, "Fee") }, total
end

---@param sum cartwright.Decimal of the lines
local function totals_of(order, sum)
  local discounts, saved = discounts_of(order)
  local fees, charged = fees_of(order)
  local tax = order.tax_included and ZERO or order.tax_total or ZERO
  local freight = order.shipping_total or ZERO
  local total = order.total or sum - saved + tax + freight + charged
  local gap = total - (sum - saved + tax + freight + charged)
  if gap:compare(0) > 0 then fees[#fees + 1] = surcharge(gap, "Rounding") end
  if gap:compare(0) < 0 then
    discounts[#discounts + 1] = discount(-gap, "Rounding")
    saved = saved - gap
  end
  local children = { { "ProductTotal", money(sum) } }
  table.move(discounts, 1, #discounts, #children + 1, children)
  children[#children + 1] = { "SubTotal", money(sum - saved) }
  children[#children + 1] = element("Tax", { { "TaxAmount", money(tax) },
    { "TaxExempt", order.taxable == false and "Yes" or nil } })
  children[#children + 1] = { "GrandTotal", money(total) }
  table.move(fees, 1, #fees, #children + 1, children)
  children[#children + 1] = element("ShippingTotal", { { "Total", money(freight) },
    { "Description", order.shipping_name or order.shipping_method } })
  return element("Totals", {}, children)
end

local PAYMENTS = {}

function PAYMENTS.PayPal(payment)
  return { "PayPal", element("Transaction", { { "TransID", payment.reference },
    { "Amount", payment.amount and money(payment.amount) } }) }
end

function PAYMENTS.COD() return { "COD" } end

function PAYMENTS.Generic1(payment)
  return element("Generic1", { { "Name", "Generic 1" }, { "Description", payment.method },
    { "Field1", payment.reference }, { "Amount", payment.amount and money(payment.amount) } })
end

local function payments_of(self, order)
  local list = {}
  local given = order.payments
  if #given == 0 and order.payment_method then given = { { method = order.payment_method } } end
  for _, payment in ipairs(given) do
    local kind = payment.method and self:translate("payment", payment.method) or "Generic1"
    list[#list + 1] = { "Payment", (PAYMENTS[kind] or PAYMENTS.Generic1)(payment) }
  end
  if order.reference then
    list[#list + 1] = { "Payment", element("PurchaseOrder", { { "PurchaseNumber", order.reference } }) }
  end
  return list
end

local function comments_of(order)
  local tax = order.tax_included and order.tax_total
  local contained = tax and not tax:is_zero() and ("Prices contain tax of %s."):format(money(tax)) or nil
  if order.note and contained then return order.note .. " " .. contained end
  return order.note or contained
end

local NOWHERE = {}

---@param own_number integer under which it is given
---@return table[]
function documents.order(self, order, own_number)
  local products, sum = products_of(order)
  local children = { party("Billing", order.billing or order.shipping or NOWHERE, order.email),
    party("Shipping", order.shipping or order.billing or NOWHERE, order.email, products) }
  for _, payment in ipairs(payments_of(self, order)) do children[#children + 1] = payment end
  children[#children + 1] = totals_of(order, sum)
  children[#children + 1] = element("Other", {
    { "OrderInstructions", ("%s %s"):format(order.cart, order.number or order.external_id) },
    { "Comments", comments_of(order) }, { "WebCustomerID", order.customer_id }, { "GiftMessage", order.gift_message } })
  return { element("Order", { { "OrderNumber", own_number },
    { "OrderDate", order.placed_at and order.placed_at:format("%b/%d/%Y %H:%M:%S", self.zone) },
    { "OrderStatus", order.status and self:translate("status_out", order.status) } }, children) }
end

-- Customers -----------------------------------------------------------------------------------------------------------

local function account(element_name, customer, person)
  local place = element("Address", { { "Addr1", person.street }, { "Addr2", person.street2 }, { "City", person.city },
    { "State", person.region }, { "Zip", person.postcode }, { "Country", person.country } })
  return element(element_name, { { "FirstName", person.first_name or customer.first_name },
    { "LastName", person.last_name or customer.last_name }, { "Company", person.company or customer.company },
    { "Phone", person.phone or person.mobile or customer.phone }, { "Email", person.email or customer.email },
    { "TaxID", element_name == "BillAddr" and (person.vat_number or customer.vat_number) or nil } }, { place })
end

---@return table[]
function documents.customer(_, customer)
  local parts = { account("BillAddr", customer, customer.addresses[1] or NOWHERE) }
  for i = 2, #customer.addresses do parts[i] = account("ShipAddr", customer, customer.addresses[i]) end
  return { element("Customer", { { "WebID", customer.place }, { "UserName", customer.email } }, parts) }
end

-- Products ------------------------------------------------------------------------------------------------------------

---What an item sells: its variants, or itself where it has none.
local function sold(item)
  if #item.variants == 0 then return { item } end
  local found = {}
  for i, variant in ipairs(item.variants) do
    found[i] = { sku = variant.sku, price = variant.price or item.price, weight = variant.weight or item.weight,
      name = variant.name and ("%s (%s)"):format(item.name or variant.sku, variant.name) or item.name,
      web_id = ("%d-%s"):format(item.place, variant.external_id or tostring(i)) }
  end
  return found
end

local function quantity_of(self, sku)
  local quantity = self:quantity(sku)
  return quantity and number(quantity) or "NA"
end

---@param has_prices boolean
---@return table[]
function documents.products(self, item, has_prices)
  local records = {}
  for _, one in ipairs(sold(item)) do
    if one.sku then
      records[#records + 1] = element("Product", { { "Code", one.sku }, { "WebID", one.web_id or item.place },
        { "Name", one.name }, { "Price", has_prices and one.price and money(one.price) or nil },
        { "Cost", has_prices and item.cost and money(item.cost) or nil },
        { "Description", item.description }, { "Weight", one.weight and number(one.weight) },
        { "Discontinued", item.active == false and "Yes" or "No" }, { "QOH", quantity_of(self, one.sku) } })
    end
  end
  return records
end

---@return table[]
function documents.levels(self, item)
  local records = {}
  for _, one in ipairs(sold(item)) do
    if one.sku then
      records[#records + 1] = element("Product", { { "Code", one.sku }, { "WebID", one.web_id or item.place },
        { "QOH", quantity_of(self, one.sku) } })
    end
  end
  return records
end

return documents
