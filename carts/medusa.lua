---Medusa 2 through its Admin API (REST): orders, customers, items, stock. What the shop is told is in
---medusa/telling.lua.
---
---Facts this script relies on, all seen in a running 2.21.2:
---  - The secret key is the user name of basic authentication, with an empty password.
---  - Amounts are in major units and not rounded to the currency: an order may cost 92.31306, and that is the amount
---    which is authorised. Each has a twin raw_... with its exact digits. Lines with tax and freight with tax make the
---    total, which is rounded here to what can be paid; what the shop has stands in the custom field exact_total.
---  - A refund lowers the order's total by a credit line of its amount, and no line of goods.
---  - Taking a payment does not move updated_at of an order; all else does. So open ones are read again by the job
---    refresh.
---  - The state of delivery is computed from the fields that were asked for: without *items.detail a partly sent order
---    reads "shipped". Of the three states only `status` is stored, and stays "pending" until somebody completes the
---    order.
---  - Filters and fields that orders do not know are ignored without a word.
---  - Guests are customers too, with has_account = false and without a name, also those of carts that were left.
---  - A change of a variant or of its prices does not stamp its product. Stock cannot be filtered by time.
---  - Lists are asked for by place; the count stands behind the records. Ids grow with time.
---  - Its steps are no transaction: a server that dies while it packs may have taken the stock without making the parcel.
---    What it sells then differs from what it was told (cartwright stock compare shows it, stock send tells it again).
---
---Not known: returns, exchanges and claims, whose amounts are in the order's total but not in its lines.
local cart = require "cartwright.cart"
local decimal = require "cartwright.decimal"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local telling = require "shipped.medusa.telling"

local shop = cart.new {
  title = "Medusa Admin API",
  settings = {
    url = cart.url { required = true, help = "address of the shop's server, without /admin" },
    key = cart.secret { required = true, help = "secret API key: Settings > Secret API Keys" },
    location = cart.text { help = "id of the stock location that is read and told (sloc_...); where there are several" },
    page_size = cart.integer { default = 50, help = "records asked for at once" },
  },
  http = function(settings)
    return { base = settings.url .. "/admin/", basic = { settings.key, "" }, rate = "10/s", burst = 5 }
  end,
}

-- Connection ----------------------------------------------------------------------------------------------------------

---What it means when the shop answers with another status.
local CAUSES = {
  [401] = { "auth", "key", "the shop does not accept the key; a secret key is wanted (sk_...), not a publishable one" },
  [403] = { "permission", "url", "a web server or firewall before the shop refuses the request" },
  [404] = { "not-found", "url", "no Admin API at this address; the address of the server is wanted, without /admin" },
}

---@param response cartwright.Response
---@return string? words
---@return string? code
---@return string? setting
function shop.explain(_, response)
  local is_json, answer = pcall(response.json_node, response)
  local words = is_json and answer:text "message"
  local cause = CAUSES[response.status]
  if words and response.status ~= 401 then return ("%s (%s)"):format(words, answer:text "type" or "without a type") end
  if not cause then return nil end
  return cause[3] .. (words and "; " .. words or ""), cause[1], cause[2]
end

---The shop's own settings: its name and currencies.
---@return cartwright.Records stores
local function read_stores(self)
  return self:get("stores", { fields = "id,name,*supported_currencies", limit = 1 }):records "stores"
end

---@return cartwright.Node[] locations
---@return cartwright.Response response
local function read_locations(self)
  local response, found = self:get("stock-locations", { fields = "id,name", limit = 1000, order = "id" }), {}
  for location in response:json_node():each "stock_locations" do found[#found + 1] = location end
  return found, response
end

---The locations, read once a run.
---@return cartwright.Node[]
function shop:locations() return self:once("locations", function() return (read_locations(self)) end) end

---@return string[] findings
function shop:test()
  local response = self:get("stores", { fields = "id,name,*supported_currencies", limit = 1 })
  local is_json, answer = pcall(response.json_node, response)
  local store = is_json and answer:node "stores[1]"
  if not store then
    cart.fail("not-expected", "the address answers, but not as Medusa's Admin API does; check it", "url")
  end
  local names, found = {}, false
  for i, location in ipairs((read_locations(self))) do
    names[i] = ("%s %s"):format(location:text "id", location:text "name")
    found = found or location:text "id" == self.settings.location
  end
  if self.settings.location and not found then
    cart.fail("not-found", ("the shop has no stock location %s; it has %s"):format(self.settings.location,
      table.concat(names, ", ")), "location")
  end
  local findings = { ("Medusa, shop %s"):format(store:text "name" or "without a name"), cart.clock_note(response) }
  if #names > 1 and not self.settings.location then
    findings[#findings + 1] = ("the shop has the stock locations %s: set location to the id of one, to have its stock "
      .. "read and told; without it the sum of all is read and nothing is told"):format(table.concat(names, ", "))
  end
  return findings
end

-- Reading -------------------------------------------------------------------------------------------------------------

local LARGEST_PAGE = 500

---The query for what was changed, or made, inside the window.
local function inside(window)
  if not window.from then return {} end
  local format, field = "%Y-%m-%dT%H:%M:%S.000Z", window.by == "placed" and "created_at" or "updated_at"
  return { [field .. "[$gte]"] = window.from:format(format), [field .. "[$lte]"] = window.to:add(1):format(format) }
end

---The count behind a list's records; nil where the answer is too long to be looked at.
---@param response cartwright.Response
local function count_of(response)
  local is_short, text = pcall(response.text, response)
  local count = is_short and text:sub(-200):match '"count":(%d+)'
  return count and math.tointeger(tonumber(count)) or nil
end

---Reads a list page by page, sorted by id.
---@param list { name: string, path: string?, fields: string }
---@param read_in? fun(records: cartwright.Records) takes in a page before it is stored
---@param store? fun(records: cartwright.Records)
local function walk(self, window, list, query, read_in, store)
  paging.walk(self, window, { size = math.min(self.settings.page_size, LARGEST_PAGE), store = store,
    read = function(offset, size)
      local page = map.copy(query)
      page.fields, page.order, page.offset, page.limit = list.fields, "id", offset, size
      local response = self:get(list.path or list.name, page)
      local total = count_of(response)
      local records = response:records(list.name)
      if read_in and #records > 0 then read_in(records) end
      return records, total
    end })
end

local function list_ids(self, window, list)
  walk(self, window, { name = list.name, fields = "id" }, inside(window), nil, function(records)
    self:list(records:collect "id")
  end)
end

local function read_some(self, ids, list, read_in)
  local query = { fields = list.fields, order = "id", limit = #ids }
  for i, id in ipairs(ids) do query[("id[%d]"):format(i - 1)] = id end
  local records = self:get(list.name, query):records(list.name)
  if #records == 0 then return end
  if read_in then read_in(records) end
  self:emit(records)
end

---The exact digits of an amount; the number where the shop has no twin of it.
local function money(field) return map.first { ("raw_%s/value"):format(field), field } end

local function upper(path)
  return function(record)
    local text = record:text(path)
    return text and text:upper()
  end
end

local function address()
  return map.address {
    external_id = "id",
    first_name = "first_name",
    last_name = "last_name",
    company = "company",
    street = "address_1",
    street2 = "address_2",
    postcode = "postal_code",
    city = "city",
    region = "province",
    country = upper "country_code",
    phone = "phone",
  }
end

-- Orders --------------------------------------------------------------------------------------------------------------

local ORDERS = { name = "orders", fields = "id,display_id,status,version,created_at,updated_at,email,currency_code,"
  .. "customer_id,locale,metadata,payment_status,fulfillment_status,total,tax_total,*summary,*shipping_address,"
  .. "*billing_address,*items,*items.detail,*items.tax_lines,*items.adjustments,*shipping_methods,"
  .. "*shipping_methods.tax_lines,*shipping_methods.adjustments,*fulfillments,*fulfillments.items,"
  .. "*fulfillments.labels,*payment_collections,*payment_collections.payments" }

---The currencies, with their digits.
---@param orders cartwright.Records
local function attach_currency(self, orders)
  local currencies = self:once("currencies", function()
    return self:get("currencies", { fields = "code,decimal_digits", limit = 1000 }):records("currencies", "code")
  end)
  orders:attach("currency", currencies, "currency_code", "code")
end

local PAID = { captured = true, partially_refunded = true }
local SENT = { shipped = "shipped", delivered = "shipped", partially_shipped = "in work",
  partially_delivered = "in work", fulfilled = "in work", partially_fulfilled = "in work" }

---The row of the table `status`. The shop's own word is "pending" until somebody completes the order, so that how it
---goes on is told by its other two states.
---@param order cartwright.Node
---@return string?
local function status_row(order)
  local status = order:text "status"
  if status ~= "pending" then return status end
  local sent = SENT[order:text "fulfillment_status"]
  if sent then return "pending, " .. sent end
  local payment = order:text "payment_status"
  if payment == "refunded" then return "pending, refunded" end
  return PAID[payment] and "pending, paid" or "pending"
end

---Of the first parcel that was not called off.
local function of_parcel(path)
  return function(order)
    for parcel in order:each "fulfillments" do
      if not parcel:text "canceled_at" and parcel:text(path) then return parcel:text(path) end
    end
  end
end

---What is owed: the shop's total, and the credit lines by which refunds have lowered it.
---@param order cartwright.Node
local function exact_total(order)
  local total = order:decimal "summary/raw_current_order_total/value" or order:decimal "total"
  return total and total + (order:decimal "summary/raw_credit_line_total/value" or 0)
end

---@param path string
---@param field string
---@return fun(order: cartwright.Node): cartwright.Decimal
local function sum_of(path, field)
  return function(order)
    local sum = decimal.new "0"
    for part in order:each(path) do
      sum = sum + (part:decimal(("raw_%s/value"):format(field)) or part:decimal(field) or 0)
    end
    return sum
  end
end

---The total in what can be paid: the digits of the currency, as the shop's own list of them has it.
---@param order cartwright.Node
local function total(order)
  local exact, digits = exact_total(order), order:integer "$currency/decimal_digits"
  return exact and digits and exact:round(digits) or exact
end

local PRICE_DIGITS = 6 -- of a line's total divided by its quantity

---With tax and after discounts, as the line's total is.
---@param line cartwright.Node
local function unit_price(line)
  local total = line:decimal "raw_total/value" or line:decimal "total"
  local quantity = line:decimal "raw_quantity/value" or line:decimal "quantity"
  return total and quantity and not quantity:is_zero() and total:divide(quantity, PRICE_DIGITS) or nil
end

local function attach_to(self)
  return function(orders) attach_currency(self, orders) end
end

shop.orders = {
  id = "id",
  records = "orders",
  overlap = "1h",
  settle = "5s",

  fetch = function(self, window) walk(self, window, ORDERS, inside(window), attach_to(self)) end,
  ids = function(self, window) list_ids(self, window, ORDERS) end,
  read = function(self, ids) read_some(self, ids, ORDERS, attach_to(self)) end,

  skip = { ["draft of the shop's staff"] = { path = "status", values = { "draft" } } },

  map = map.order {
    number = map.value("display_id", { required = true }),
    status = map.translate("status", status_row),
    payment_status = map.translate("payment", "payment_status"),
    fulfilment_status = map.translate("fulfilment", "fulfillment_status"),
    cart_status = "status",
    second_status = map.join({ "payment_status", "fulfillment_status" }, ", "),
    archived = function(order) return order:text "status" == "archived" end,
    placed_at = "created_at",
    changed_at = "updated_at",
    language = "locale",
    currency = map.value(upper "currency_code", { required = true }),
    tax_included = map.constant(true),
    shipping_total = sum_of("shipping_methods", "total"),
    tax_total = "tax_total",
    total = map.value(total, { required = true }),
    paid_total = map.first { "summary/raw_paid_total/value", "summary/paid_total" },
    rounding = map.constant "total",
    customer_id = "customer_id",
    email = "email",
    billing = map.at("billing_address", address()),
    shipping = map.at("shipping_address", address()),
    payment_method = "payment_collections/payments/provider_id",
    shipping_method = "shipping_methods/shipping_option_id",
    shipping_name = "shipping_methods/name",
    tracking_number = of_parcel "labels/tracking_number",
    lines = map.each("items", map.line {
      external_id = "id",
      sku = "variant_sku",
      name = map.join({ "product_title", "subtitle" }, ", "),
      barcode = "variant_barcode",
      item_id = "product_id",
      variant_id = "variant_id",
      quantity = map.first({ "raw_quantity/value", "quantity" }, { required = true }),
      unit_price = unit_price,
      total = map.first({ "raw_total/value", "total" }, { required = true }),
      tax = money "tax_total",
      tax_rate = map.first { "tax_lines/raw_rate/value", "tax_lines/rate" },
    }),
    discounts = map.each("items/adjustments", map.discount {
      code = "code",
      name = "description",
      amount = money "total",
    }),
    payments = map.each("payment_collections/payments", map.payment {
      external_id = "id",
      method = "provider_id",
      amount = money "amount",
      paid_at = "captured_at",
    }),
    custom = { exact_total = map.decimal(exact_total) },
  },
}

shop.tables.status = {
  ["pending"] = "pending",
  ["pending, paid"] = "paid",
  ["pending, in work"] = "processing",
  ["pending, shipped"] = "shipped",
  ["pending, refunded"] = "refunded",
  ["requires_action"] = "on_hold",
  ["draft"] = "draft",
  ["completed"] = "completed",
  ["archived"] = "completed",
  ["canceled"] = "cancelled",
}

shop.tables.payment = {
  not_paid = "unpaid",
  awaiting = "unpaid",
  requires_action = "unpaid",
  partially_authorized = "unpaid",
  authorized = "authorised",
  partially_captured = "partly_paid",
  captured = "paid",
  partially_refunded = "partly_refunded",
  refunded = "refunded",
  canceled = "unpaid",
}

shop.tables.fulfilment = {
  not_fulfilled = "open",
  partially_fulfilled = "open",
  fulfilled = "open",
  partially_shipped = "partial",
  shipped = "shipped",
  partially_delivered = "partial",
  delivered = "delivered",
  canceled = false,
}

-- Customers -----------------------------------------------------------------------------------------------------------

local CUSTOMERS = { name = "customers", fields = "id,email,first_name,last_name,company_name,phone,has_account,"
  .. "created_at,updated_at,*addresses,*groups" }

shop.customers = {
  id = "id",
  records = "customers",
  overlap = "1h",
  settle = "5s",

  fetch = function(self, window) walk(self, window, CUSTOMERS, inside(window)) end,
  ids = function(self, window) list_ids(self, window, CUSTOMERS) end,
  read = function(self, ids) read_some(self, ids, CUSTOMERS) end,

  map = map.customer {
    email = "email",
    first_name = "first_name",
    last_name = "last_name",
    company = map.first { "company_name", "addresses/company" },
    phone = map.first { "phone", "addresses/phone" },
    group = "groups/name",
    guest = function(customer) return customer:text "has_account" ~= "true" end,
    created_at = "created_at",
    changed_at = "updated_at",
    addresses = map.each("addresses", address()),
  },
}

-- Items ---------------------------------------------------------------------------------------------------------------

local ITEMS = { name = "products", fields = "id,title,description,status,created_at,updated_at,weight,*variants,"
  .. "*variants.prices,*variants.options" }

---Prices are those in the shop's default currency.
local function attach_store(self, records) records:attach("store", read_stores(self)) end

---@param record cartwright.Node
---@return string? code in lower case, as the shop has it
local function default_currency(record)
  for currency in record:each "$store/supported_currencies" do
    if currency:text "is_default" == "true" then return currency:text "currency_code" end
  end
end

---The price that everybody pays for one: without rules, and without a least quantity.
---@param variant cartwright.Node
local function price(variant)
  local currency = default_currency(variant)
  for candidate in variant:each "prices" do
    local is_general = not candidate:text "min_quantity" and not candidate:node "rules/*"
    if is_general and candidate:text "currency_code" == currency then return candidate:decimal "amount" end
  end
end

---"M, red": the options of a variant.
---@param variant cartwright.Node
local function option_names(variant)
  local names = {}
  for option in variant:each "options" do names[#names + 1] = option:text "value" end
  return #names > 0 and table.concat(names, ", ") or variant:text "title"
end

---What a product has that is sold in one form only: each SKU is a variant, and its product has none of its own.
---@param of fun(variant: cartwright.Node): any
local function of_the_only(of)
  return function(product)
    local only = product:node "variants[1]"
    if only and not product:node "variants[2]" then return of(only) end
  end
end

shop.items = {
  id = "id",
  records = "products",
  full = true, -- changes of variants and prices do not stamp their product

  fetch = function(self, window)
    walk(self, window, ITEMS, {}, function(records) attach_store(self, records) end)
  end,

  map = map.item {
    sku = of_the_only(function(variant) return variant:text "sku" end),
    name = "title",
    description = "description",
    type = function(product) return product:node "variants[2]" and "variants" or "simple" end,
    active = function(product) return product:text "status" == "published" end,
    currency = function(product)
      local currency = default_currency(product)
      return currency and currency:upper()
    end,
    price = of_the_only(price),
    weight = "weight",
    created_at = "created_at",
    changed_at = "updated_at",
    variants = map.each("variants", map.variant {
      external_id = "id",
      sku = "sku",
      name = option_names,
      barcode = map.first { "ean", "upc", "barcode" },
      price = price,
      weight = "weight",
    }),
  },
}

-- Stock ---------------------------------------------------------------------------------------------------------------

local STOCK = { name = "inventory_items", path = "inventory-items", fields = "id,sku,*location_levels" }

---@param records cartwright.Records
local function attach_location(self, records)
  local only = self.settings.location
  if not only then return end
  records:attach("location", self:get("stock-locations", { fields = "id,name", ["id[0]"] = only })
    :records "stock_locations")
end

---What can be sold: what is there without what is reserved, at the set location or at all of them.
---@param item cartwright.Node
local function for_sale(item)
  local only, sum = item:text "$location/id", decimal.new "0"
  for level in item:each "location_levels" do
    if not only or level:text "location_id" == only then
      local stocked = level:decimal "raw_stocked_quantity/value" or level:decimal "stocked_quantity" or 0
      sum = sum + stocked - (level:decimal "raw_reserved_quantity/value" or level:decimal "reserved_quantity" or 0)
    end
  end
  return sum
end

shop.stock = {
  id = "id",
  records = "inventory_items",
  full = true, -- it cannot be filtered by time

  fetch = function(self, window)
    walk(self, window, STOCK, {}, function(records) attach_location(self, records) end)
  end,

  map = map.stock_level {
    sku = "sku",
    warehouse = "$location/name",
    quantity = for_sale,
  },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

shop.lacks = {
  shipments = "parcels stand in their order, which tells how far it is delivered and its first tracking number",
  customers_out = "not told: the shop makes customers of orders by itself",
  items_out = "a product needs options, channels and a shipping profile, which the back office has no words for",
  webhook = "the shop sends no notices by itself",
  ["order-shrinks"] = "what was taken out of a row is not known to the script",
  ["order-changes"] = "a payment that is taken moves no stamp of the order, which the job refresh reads again",
}

return shop
