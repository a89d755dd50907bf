---Stone Edge (SETI): shops whose script speaks the protocol of the Stone Edge Order Manager; Cartwright takes the order
---manager's place. The other side, which a Stone Edge Order Manager pulls from, is stone-edge-server.lua.
---
---There is no public specification. The facts are those of scripts that shops run: the ones of Southern Exposure (SX),
---of Magento 1 by Stone Edge itself (MG), Interspire and early BigCommerce (IS), MerchantTribe (MT), Inroads (IN),
---Maven (SM).
---
---Facts this script relies on:
---  - One address takes forms by POST. Answers are texts ("SETIResponse: ordercount=4", "SETIError: ...") or XML, told
---    by their bytes, never by their Content-Type; the status is 200 for errors too, only SX says 400. Text may stand
---    before the XML: what was switched on for debugging, warnings of PHP.
---  - What a server does not know it says; it is asked for that once, and then not for a week. A page for people, or
---    nothing, in the place of an answer is an error each time.
---  - New orders are those whose number is greater than `lastorder` (MT: placed since the day `lastdate`). An order
---    that is edited, cancelled, paid or refunded later is never seen again, and IS shows an order only once it is
---    paid: an order whose number lies below the newest one then. So each fetch begins some orders before the newest
---    (overlap_orders).
---  - startnum counts records, not elements: a record may give several elements or none. It grows by the batch,
---    whatever came. Code 2, or code 1 without records, is an empty page; the end is where the count says. Pages have
---    no order (MG, IN): where orders came twice and others not at all, all are asked for in one page. AV does not look
---    at startnum: the page that comes again tells, and all are asked for in one page. When fewer came than were
---    counted, the fetch fails once what came is stored, and the next one asks for the same again; what a shop counts
---    but never gives (MG skips orders without a billing address) is allowed by orders_missing.
---  - Names of elements are read without regard to case.
---  - IS pages only orders and products: of customers every page behind the first is empty; then all are asked for at
---    once.
---  - The protocol has no currency, no zone, no tax inside prices; it has no refunds and no partial shipments. MG
---    writes times in UTC: its zone is "UTC".
---  - Lines are Quantity times ItemPrice, options included; Product/Total is wrong in IS. Discounts: Totals/Discount
---    and Coupon; MG writes both as negative numbers, beside Totals, and shows a coupon a second time as Discount.
---  - A CreditCard may be a refund (MT): nothing tells. So there is no paid_total.
---  - SX sets each order that is downloaded to Processing: set marks_downloaded there, so that a dry run downloads
---    nothing.
---  - IN never closes <CreditCard>, and writes bytes that are not what XML takes them for: such records are parked,
---    each with its line. So are texts with HTML entities (IS).
---  - qohreplace sets levels and may be repeated. invupdate changes them and has no key: it is sent only with
---    real_time_inventory, as the difference to a level that was read right before, and never again before the level
---    was read again. IS says "Update Error" for what worked: then the level is read.
---  - updatestatus may be switched off in the shop: it is sent only with generic_status_updates. IS has none.
---
---Not known: whether a server takes "All" for lastorder (SX takes numbers only: 0 is tried then), in which words it
---wants statuses (the table status_out), and what a shop does when parcels of one order are told one after another.
local cart = require "cartwright.cart"
local decimal = require "cartwright.decimal"
local lists = require "shipped.stone-edge.lists"
local log = require "cartwright.log"
local map = require "cartwright.map"
local telling = require "shipped.stone-edge.telling"
local talk = require "shipped.stone-edge.talk"
local time = require "cartwright.time"

local shop = cart.new {
  title = "Stone Edge (SETI)",
  settings = {
    url = cart.url { required = true, help = "address of the shop's script, as in the Order Manager's settings; what "
      .. "stands behind a ? is kept" },
    user = cart.text { required = true, help = "the name the script asks for; often an administrator's" },
    password = cart.secret { required = true, help = "of this user" },
    code = cart.text { default = "", help = "store code, where the shop wants one" },
    currency = cart.text { required = true, help = "of all amounts, such as USD: the protocol names none" },
    omversion = cart.text { default = "5.912", help = "the version of the Order Manager that Cartwright calls itself" },
    page_size = cart.integer { default = 50, help = "records asked for at once" },
    overlap_orders = cart.integer { default = 50, help = "how many orders before the newest one are read again" },
    orders_missing = cart.integer { default = 0, help = "orders that the shop counts but never gives; more missing "
      .. "fail the fetch" },
    date_format = cart.text { default = "%d-%b-%Y", help = "of lastdate: 10-Jun-2003" },
    marks_downloaded = cart.boolean { default = false, help = "the shop marks orders that are downloaded (SX): then a "
      .. "dry run downloads none" },
    stock_xml = cart.boolean { default = false, help = "levels are sent as XML: for SKUs with ~ or |, where the shop's "
      .. "script reads it" },
    real_time_inventory = cart.boolean { default = false, help = "single levels go by invupdate, not qohreplace" },
    generic_status_updates = cart.boolean { default = false, help = "the shop takes statuses and tracking numbers" },
    status_xml = cart.boolean { default = false, help = "statuses are sent as XML, with lines of parcels" },
  },
  http = function(settings)
    local base, query = settings.url:match "^([^?]*)%??(.*)$"
    return { base = base, query = talk.fields(query) }
  end,
}

shop.lacks = {
  shipments = "the protocol has none",
  prices_out = "the protocol has no call for it",
  customers_out = "the protocol has no call for it",
  items_out = "the protocol has no call for it",
  webhook = "shops of this protocol send no notices",
  ids = "orders can only be asked for by the number that they follow",
  ["shipments-out-partial"] = "the form of updatestatus has no lines; with status_xml it tells them",
  ["order-shrinks"] = "the protocol has no word for it",
  ["shipments-out-cancelled"] = "the protocol does not say where an order stands now",
  ["statuses-out-overtaken"] = "the protocol does not say where an order stands now",
  ["item-variants"] = "each variant is a product of its own: nothing says what they are variants of",
  ["currency-no-decimals"] = "the protocol names no currency: all orders are in that of the setting",
  ["currency-three-decimals"] = "the protocol names no currency: all orders are in that of the setting",
}

-- Connection ----------------------------------------------------------------------------------------------------------

shop.explain = talk.explain

---@return string[] findings
function shop:test()
  self.cache.is_test = true
  local version = talk.value(self, "sendversion", "version")
  if not version then
    cart.fail("not-expected", "the address answers, but not as a Stone Edge script does; check it", "url")
  end
  local count = talk.count_orders(self, nil)
  return { "Stone Edge script, version " .. version, ("%s orders"):format(count or "an unknown number of") }
end

-- Orders --------------------------------------------------------------------------------------------------------------

---@param text string
---@return integer? nil for what is not of digits alone
local function whole(text) return #text <= 15 and text:find "^%d+$" and math.tointeger(tonumber(text)) or nil end

---Numbers and days of orders, the older first. Numbers of digits are compared as such; others stand as they came.
local function by_number(a, b)
  local left, right = whole(a.number), whole(b.number)
  if left and right and left ~= right then return left < right end
  return a.at < b.at
end

---@return { number: string, day: string, at: integer }[]
local function recall_orders(self)
  local known = {}
  for number, day in (self:recall "orders" or ""):gmatch "([^\t\n]+)\t([^\n]*)" do
    known[#known + 1] = { number = number, day = day, at = #known }
  end
  return known
end

local FORMATS = { "%b/%d/%Y %H:%M:%S", "%d-%b-%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S" }

local function day_of(self, text)
  for _, format in ipairs(FORMATS) do
    local placed = text and time.parse(text, self.zone, format)
    if placed then return placed:format(self.settings.date_format, self.zone) end
  end
  return ""
end

---Keeps the newest orders that were read: as many as overlap, and the one before them.
local function remember_orders(self, known)
  local by, all = {}, {}
  for _, order in ipairs(known) do
    if not by[order.number] then all[#all + 1] = order end
    by[order.number] = true
  end
  table.sort(all, by_number)
  local lines, first = {}, math.max(1, #all - self.settings.overlap_orders)
  for i = first, #all do lines[#lines + 1] = all[i].number .. "\t" .. all[i].day end
  self:remember("orders", table.concat(lines, "\n"))
end

---The order behind which is read: some before the newest one. nil: all orders are wanted.
local function last_order(self, window, known)
  if not window.from or #known <= self.settings.overlap_orders then return nil end
  local sorted = { table.unpack(known) }
  table.sort(sorted, by_number)
  return sorted[#sorted - self.settings.overlap_orders]
end

local ORDERS = { download = "downloadorders", element = "Order", id = "OrderNumber" }
local RECOUNTS = 3 -- readings of one fetch, where the count changes meanwhile

---@class stone.Reading
---@field numbers table<string, boolean> of orders that came
---@field came integer orders, the damaged among them
---@field has_repeats boolean some came twice

---@param reading stone.Reading
local function note_page(self, reading, records, known)
  local readable = 0
  for order in records:each() do
    local number = order:text "OrderNumber" or ""
    readable = readable + 1
    if reading.numbers[number] and number ~= "" then
      reading.has_repeats = true
    else
      reading.numbers[number], reading.came = true, reading.came + 1
      if number ~= "" then
        known[#known + 1] = { number = number, day = day_of(self, order:text "OrderDate"), at = #known }
      end
    end
  end
  reading.came = reading.came + #records - readable
end

---Reads all orders behind `from` once.
---@param size? integer of pages, other than the setting's
---@return stone.Reading
---@return table? problem of an order that was left out
local function read_orders(self, window, from, count, known, size)
  local reading = { numbers = {}, came = 0, has_repeats = false }
  local _, problem = lists.walk(self, window, ORDERS, talk.since(self, from), count, function(records)
    note_page(self, reading, records, known)
    self:emit(records) -- without a position: one that was left out is to be read again
  end, size)
  return reading, problem
end

---Raises where orders that were counted did not come: what came is stored by now.
local function check_count(self, reading, count)
  local missing = count and count - reading.came or 0
  if missing > 0 then log.warning("orders-fewer-than-counted", { came = reading.came, counted = count }) end
  if missing <= self.settings.orders_missing then return end
  cart.fail("not-expected", ("the shop counts %d orders, but gave %d, which are stored; they are asked for again by "
    .. "each fetch. A shop that counts orders which it never gives (MG: those without a billing address): set "
    .. "orders_missing = %d"):format(count, reading.came, missing), "orders_missing")
end

local function fetch_orders(self, window)
  local known = recall_orders(self)
  local from = last_order(self, window, known)
  local count = talk.count_orders(self, from)
  local reading
  for _ = 1, RECOUNTS do
    local problem
    reading, problem = read_orders(self, window, from, count, known)
    if count and reading.came < count and reading.has_repeats and not problem then -- pages without an order: in one
      reading, problem = read_orders(self, window, from, count, known, count)
    end
    if problem then error(problem, 0) end -- and what is remembered stays, so that it is asked for again
    local counted = count and talk.count_orders(self, from)
    if counted == count then break end
    count, window = counted, { from = window.from, to = window.to }
  end
  check_count(self, reading, count) -- and what is remembered stays here, too
  remember_orders(self, known)
end

-- How amounts are written: with a comma for thousands, any number of decimals.
local WRITTEN = "1,234.56"

local function money(path, options)
  local all = map.copy(options or {})
  all.format = WRITTEN
  return map.value(path, all)
end

---An amount of a node; nil where it has none, or what stands there is none, which its own field complains of.
---@param node cartwright.Node
---@return cartwright.Decimal?
local function amount(node, path)
  local text = node:text(path)
  return text and decimal.new(text, WRITTEN) or nil
end

---@param order cartwright.Node
---@param spec { path: string, amount: string, code?: string, name: string }
local function add_discounts(order, found, spec)
  for discount in order:each(spec.path) do
    local saved = amount(discount, spec.amount)
    if saved and not saved:is_zero() then
      found[#found + 1] = { code = spec.code and discount:text(spec.code), name = discount:text(spec.name),
        amount = saved:compare(0) < 0 and -saved or saved }
    end
  end
end

---What the buyer saved, each once. Where discounts stand beside Totals (MG), coupons are among them.
---@param order cartwright.Node
local function discounts_of(order)
  local found = {}
  add_discounts(order, found, { path = "Totals/Discount", amount = "Amount", name = "Description" })
  local beside = {}
  add_discounts(order, beside, { path = "Discount", amount = "Total", name = "Description" })
  if #beside > 0 then
    table.move(beside, 1, #beside, #found + 1, found)
    for coupon in order:each "Coupon" do
      for _, one in ipairs(beside) do
        if one.name == coupon:text "Name" then one.code, one.name = one.name, coupon:text "Status" or one.name end
      end
    end
  else
    add_discounts(order, found, { path = "Coupon", amount = "Total", code = "Name", name = "Status" })
  end
  return found
end

---@param order cartwright.Node
local function discount_total(order)
  local sum = decimal.new "0"
  for _, discount in ipairs(discounts_of(order)) do sum = sum + discount.amount end
  return sum
end

---The kind of a payment: the element, or the name that the shop gives to what is none of the protocol's kinds.
---@param payment cartwright.Node
local function method(payment)
  local kind = payment:name()
  if not kind:find "^Generic" then return kind end
  return payment:text "Description" or payment:text "Name" or kind
end

---@param order cartwright.Node
local function first_method(order)
  local payment = order:node "Payment/*"
  return payment and method(payment) or nil
end

---"Colour: Black, Size: L"
---@param line cartwright.Node
local function options(line)
  local found = {}
  for option in line:each "OrderOption" do
    found[#found + 1] = ("%s: %s"):format(option:text "OptionName" or "", option:text "SelectedOption" or "")
  end
  return #found > 0 and table.concat(found, ", ") or nil
end

---The lines of all addresses. IS has the name of the line before in the place of a SKU that is missing.
---@param order cartwright.Node
local function lines_of(order)
  local found, before = {}, {}
  for line in order:each "Shipping/Product" do
    local one = { id = line:text "LineID", sku = line:text "SKU" or line:text "Sku", name = line:text "Name",
      options = options(line), quantity = line:text "Quantity", price = line:text "ItemPrice",
      customer_text = line:text "CustomerText", taxable = line:text "Taxable", weight = line:text "Weight" }
    local sku = one.sku
    if sku and sku == before.name and sku ~= before.sku and sku ~= one.name then one.sku = nil end
    before = { name = one.name, sku = sku }
    found[#found + 1] = one
  end
  return found
end

---Further addresses, of orders that go to several: who gets what there.
---@param order cartwright.Node
local function other_addresses(order)
  local found = {}
  for block in order:each "Shipping" do
    local lines = {}
    for line in block:each "Product" do
      lines[#lines + 1] = ("%s x %s"):format(line:text "Quantity" or "?", line:text "SKU" or line:text "Sku" or "?")
    end
    found[#found + 1] = ("%s, %s, %s %s: %s"):format(block:text "FullName" or "", block:text "Address/Street1" or "",
      block:text "Address/City" or "", block:text "Address/Code" or "", table.concat(lines, ", "))
  end
  return #found > 1 and table.concat(found, "; ", 2) or nil
end

---No for a buyer who is exempt.
---@param order cartwright.Node
local function is_taxable(order)
  local exempt = order:text "Totals/Tax/TaxExempt"
  return exempt and exempt ~= "Yes"
end

local function address()
  return map.address {
    name = "FullName",
    company = "Company",
    street = map.first { "Address/Street1", "Address/Addr1" },
    street2 = map.first { "Address/Street2", "Address/Addr2" },
    postcode = map.first { "Address/Code", "Address/Zip" },
    city = "Address/City",
    region = "Address/State",
    country = "Address/Country",
    phone = "Phone",
    email = "Email",
  }
end

shop.orders = {
  id = "OrderNumber",
  records = "Order",
  overlap = "1h",

  fetch = fetch_orders,

  derive = { discount = discounts_of, line = lines_of },

  map = map.order {
    number = "OrderNumber",
    status = map.translate("status", function(order) return order:text "OrderStatus" or "no status" end),
    cart_status = "OrderStatus",
    placed_at = map.time("OrderDate", { format = FORMATS }),
    currency = map.setting "currency",
    tax_included = map.constant(false),
    goods_total = money "Totals/ProductTotal",
    discount_total = discount_total,
    shipping_total = money "Totals/ShippingTotal/Total",
    fee_total = map.sum("Totals/Surcharge/Total", { format = WRITTEN }),
    tax_total = map.sum("Totals/Tax/TaxAmount", { format = WRITTEN }),
    total = money("Totals/GrandTotal", { required = true }),
    taxable = is_taxable,
    customer_id = "Other/WebCustomerID",
    reference = "Payment/PurchaseOrder/PurchaseNumber",
    email = "Billing/Email",
    billing = map.at("Billing", address()),
    shipping = map.at("Shipping", address()),
    payment_method = first_method,
    payment_name = map.first { "Payment/CreditCard/Issuer", "Payment/Generic1/Description", "Payment/Generic1/Name" },
    shipping_method = "Totals/ShippingTotal/Description",
    shipping_name = "Totals/ShippingTotal/Description",
    note = "Other/Comments",
    gift_message = "Other/GiftMessage",
    lines = map.each("$line", map.line {
      external_id = "id",
      sku = "sku",
      name = "name",
      options = "options",
      quantity = money("quantity", { required = true }),
      unit_price = money("price", { required = true }),
      custom = { customer_text = "customer_text", taxable = "taxable", weight = "weight" },
    }),
    discounts = map.each("$discount", map.discount { code = "code", name = "name", amount = "amount" }),
    payments = map.each("Payment/*", map.payment {
      method = method,
      amount = money { "Amount", "Transaction/Amount", "FaceValue", "Total" },
      reference = map.first { "TransID", "Transaction/TransID", "PurchaseNumber" },
    }),
    fees = map.each("Totals/Surcharge", map.fee { name = "Description", amount = money "Total" }),
    taxes = map.each("Totals/Tax", map.tax {
      rate = map.value("TaxRate", { times = 100 }),
      amount = money "TaxAmount",
    }),
    custom = {
      instructions = "Other/OrderInstructions",
      associate = "Other/Associate",
      ip_address = map.first { "Other/IPHostName", "Other/IpHostname", "Other/IpHostName" },
      other_addresses = other_addresses,
      tax_id = "Totals/Tax/TaxID",
    },
  },
}

---The merchant's own words; those of the known shops. Shops that say none (MG, IS, IN) show orders that are to be
---worked on.
shop.tables.status = {
  ["no status"] = "processing",
  ["new"] = "pending",
  ["pending"] = "pending",
  ["order received"] = "pending",
  ["payment received"] = "paid",
  ["paid"] = "paid",
  ["processing"] = "processing",
  ["in process"] = "processing",
  ["on hold"] = "on_hold",
  ["back ordered"] = "backorder",
  ["shipped"] = "shipped",
  ["complete"] = "completed",
  ["completed"] = "completed",
  ["cancelled"] = "cancelled",
  ["canceled"] = "cancelled",
  ["order canceled"] = "cancelled",
  ["refunded"] = "refunded",
}

-- Customers -----------------------------------------------------------------------------------------------------------

---MT has no WebID, and cuts the user name off.
local function customer_key(customer)
  return { id = customer:text "WebID" or customer:text "BillAddr/Email" or customer:text "UserName" }
end

local PARTS = { street = { "Addr1", "Street1" }, street2 = { "Addr2", "Street2" }, postcode = { "Zip", "Code" },
  city = { "City" }, region = { "State" }, country = { "Country" } }
local PERSON = { first_name = { "FirstName" }, last_name = { "LastName" }, company = { "Company", "CompanyName" },
  phone = { "Phone" }, email = { "Email" }, vat_number = { "TaxID", "TaxIDNumber" } }

local function take(found, node, fields)
  for ours, theirs in pairs(fields) do
    for _, name in ipairs(theirs) do found[ours] = found[ours] or node:text(name) end
  end
end

---Addresses in one form: MG has no Address around them, IS has that of delivery behind the other.
local function addresses_of(customer)
  local found = {}
  local function add(person, place)
    local one = {}
    take(one, person, PERSON)
    take(one, place, PARTS)
    local before = found[#found]
    local is_same = before ~= nil and before.first_name == one.first_name and before.last_name == one.last_name
    for key in pairs(PARTS) do is_same = is_same and before[key] == one[key] end
    if one.street and not is_same then found[#found + 1] = one end
  end
  for _, path in ipairs { "BillAddr", "ShipAddr" } do
    for person in customer:each(path) do
      if not person:node "Address" then add(person, person) end
      for place in person:each "Address" do add(person, place) end
    end
  end
  return found
end

local CUSTOMERS = { download = "downloadcustomers", count = "getcustomerscount", element = "Customer", id = "$key/id",
  may_refuse_pages = true }

shop.customers = {
  id = "$key/id",
  records = "Customer",
  full = true,

  fetch = function(self, window) lists.fetch_all(self, window, CUSTOMERS) end,

  derive = { key = customer_key, address = addresses_of },

  map = map.customer {
    number = "$key/id",
    email = map.first { "BillAddr/Email", "ShipAddr/Email" },
    first_name = "BillAddr/FirstName",
    last_name = "BillAddr/LastName",
    company = map.first { "BillAddr/Company", "BillAddr/CompanyName" },
    vat_number = map.first { "BillAddr/TaxID", "BillAddr/TaxIDNumber" },
    phone = "BillAddr/Phone",
    addresses = map.each("$address", map.address {
      first_name = "first_name",
      last_name = "last_name",
      company = "company",
      vat_number = "vat_number",
      street = "street",
      street2 = "street2",
      postcode = "postcode",
      city = "city",
      region = "region",
      country = "country",
      phone = "phone",
      email = "email",
    }),
    custom = { user_name = "UserName", affiliate_id = "AffiliateID" },
  },
}

-- Items ---------------------------------------------------------------------------------------------------------------

local ITEMS = { download = "downloadprods", count = "getproductscount", element = "Product", id = "$key/id" }

---MT has an empty element for a product without inventory.
local NOTHING = "(nothing)"
local function product_key(product) return { id = product:text "Code" or NOTHING } end
local NO_CODE = { ["has no code"] = function(product) return product:text "Code" == nil end }

---@param product cartwright.Node
local function is_active(product)
  local discontinued = product:text "Discontinued"
  return discontinued and discontinued ~= "Yes"
end

shop.items = {
  id = "$key/id",
  records = "Product",
  full = true,

  fetch = function(self, window) lists.fetch_all(self, window, ITEMS) end,

  derive = { key = product_key },

  skip = NO_CODE,

  map = map.item {
    sku = "Code",
    name = "Name",
    description = "Description",
    active = is_active,
    currency = map.setting "currency",
    price = money "Price",
    cost = money "Cost",
    weight = money "Weight",
    custom = { web_id = map.first { "WebID", "WebId" }, image = "Image" }, -- variants of one product: "13-51", "13-52"
  },
}

-- Stock ---------------------------------------------------------------------------------------------------------------

local STOCK = { download = "downloadqoh", count = "getproductscount", element = "Product", id = "$key/id" }

shop.stock = {
  id = "$key/id",
  records = "Product",
  full = true, -- stock has no time of change

  fetch = function(self, window) -- SX tells levels with its products alone
    if not lists.fetch_all(self, window, STOCK) then lists.fetch_all(self, window, ITEMS) end
  end,

  derive = { key = product_key },

  skip = {
    ["has no code"] = NO_CODE["has no code"],
    ["not tracked"] = function(product)
      local quantity = product:text "QOH"
      return quantity == nil or quantity == "NA"
    end,
  },

  map = map.stock_level {
    sku = "Code",
    quantity = money("QOH", { required = true }),
    custom = { web_id = map.first { "WebID", "WebId" } },
  },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

---The shop's words for our statuses, where not one row of `status` alone has them; "partly shipped" is for parcels
---after which something is left.
shop.tables.status_out = { processing = "Processing", pending = "Pending", paid = "Payment Received",
  shipped = "Shipped", completed = "Completed", cancelled = "Order Canceled", on_hold = "On Hold",
  backorder = "Back Ordered",  refunded = "Refunded", ["partly shipped"] = "Partially Shipped" }

return shop
