---BigCommerce: orders by the V2 interface; customers, items, stock and webhooks by V3. What the shop is told is in
---bigcommerce/telling.lua.
---
---Facts this script relies on (bigcommerce/docs, and answers that clients of it recorded):
---  - Nothing found is status 204 without a body, for orders and for the lists that belong to one.
---  - Lines, addresses, coupons and shipments are lists of their own, one for each order, paged like all others.
---  - Orders that were left at payment (status 0) and archived ones are in every list. An order that was left keeps its
---    id and date when it is paid later: changes tell it, ids do not.
---  - Deleting an order archives it, and its status stays: one that is here already and has not come to its end waits,
---    as the row "archived" of the table status, until somebody says what it is. Pieces that were paid back stay in
---    their line.
---  - is_tax_inclusive_pricing says whether the amounts with or those without tax are exact; the others are estimates.
---  - default_currency_code is what the buyer pays in. refunded_amount is always 0; payment_status tells refunds.
---  - Discounts and coupons are taken off the total; store credit and gift certificates are payments.
---  - V3 lists come in the order of ids, with a count of all records; an amount may be a text, an integer or a float.
---  - All apps of a shop share its quota: 150 requests in 30 s on the small plans. An order costs two to four, so that a
---    page of ten gets through a window that others use as well. Each answer says how many are left, and a 429 how long.
---  - A shop has several locations with levels of their own. Stock is read and told for one of them, the setting
---    `location`, so that what is compared is the same; each of several is a cart of its own in site.lua.
---
---Not known: whether bounds of dates are inclusive (a second more is asked for on each side); a list of all shipments;
---how a shipment's tracking is changed, so that new tracking is refused in words; whether an order's date of change moves with each of its lists.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local telling = require "shipped.bigcommerce.telling"
local time = require "cartwright.time"

local shop = cart.new {
  title = "BigCommerce",
  settings = {
    url = cart.url { required = true,
      help = "API path of the shop's API account, without /v3: https://api.bigcommerce.com/stores/HASH" },
    token = cart.secret { required = true, help = "access token of the API account" },
    webhook_secret = cart.secret { help = "client secret of the API account, which signs webhooks; or a text that the "
      .. "webhook sends in its header X-Webhook-Secret" },
    location = cart.integer { default = 1, help = "number of the location whose stock is read and told" },
    page_size = cart.integer { default = 10, help = "orders asked for at once, at most 250" },
    rate = cart.integer { default = 4, help = "requests a second; other apps of the shop share its quota" },
  },
  http = function(settings)
    return { base = settings.url .. "/", rate = settings.rate, burst = 20,
      quota = { reset = "X-Rate-Limit-Time-Reset-Ms", unit = "ms", left = "X-Rate-Limit-Requests-Left", least = 5 },
      headers = { ["X-Auth-Token"] = settings.token, Accept = "application/json" } }
  end,
}

-- Connection ----------------------------------------------------------------------------------------------------------

---What a status means here: code of the test, setting to look at, what to do.
local CAUSES = {
  [401] = { "auth", "token", "the shop does not know the token, or it is another shop's" },
  [403] = { "permission", "token", "the API account may not do this; it needs the scopes Orders, Customers, Products, "
    .. "Store inventory (modify where the shop is told something) and Information (read)" },
  [404] = { "not-found", "url", "there is no such store or address" },
  [409] = { "conflict", nil, "something else is changing it" },
  [503] = { "unavailable", nil, "the shop is in maintenance or suspended" },
}

---V2 answers a list of errors, V3 one; either may be missing.
---@param response cartwright.Response
---@return string? words
local function words_of(response)
  local is_json, reported = pcall(response.json, response)
  if not is_json or type(reported) ~= "table" then return nil end
  local first = reported[1] or reported
  local words = first.message or first.title or first.error
  if type(words) ~= "string" then return nil end
  for field, fault in pairs(type(first.errors) == "table" and first.errors or {}) do
    words = ("%s; %s: %s"):format(words, tostring(field), tostring(fault))
  end
  return words
end

---@param response cartwright.Response
---@return string? words
---@return string? code
---@return string? setting
function shop.explain(_, response)
  local words, cause = words_of(response), CAUSES[response.status]
  if not cause then return words end
  return words and ("%s; %s"):format(cause[3], words) or cause[3], cause[1], cause[2]
end

---The records of a V2 list; nil where the answer has none.
---@param response cartwright.Response
---@return cartwright.Records?
local function records_of(response)
  if response.status == 204 then return nil end
  return response:records "."
end

---@return table store
---@return cartwright.Response
local function read_store(self)
  local response = self:get("v2/store")
  local is_json, store = pcall(response.json, response)
  if not is_json or type(store) ~= "table" or type(store.currency) ~= "string" then
    cart.fail("not-expected", ("the address answers, but not as BigCommerce does (%s)")
      :format(is_json and "no currency in it" or tostring(store)), "url")
  end
  return store, response
end

---What the shop's webhooks are like, in a sentence.
---@return string finding
local function find_webhooks(self)
  if not self.takes_notices then
    return "no webhooks, since the secret webhook_secret is not set: changes wait for the next sync"
  end
  local is_read, hooks = pcall(function() return self:get("v3/hooks", { limit = 250 }):json().data end)
  if not is_read or type(hooks) ~= "table" then
    return ("whether the shop's webhooks are on is not known: %s"):format(tostring(hooks))
  end
  local on, off = {}, {}
  for _, hook in ipairs(hooks) do
    local path = tostring(hook.destination):match "^[^?#]*"
    if (path .. "/"):find(("/webhooks/%s/"):format(self.name), 1, true) then
      local list = hook.is_active == true and on or off
      list[#list + 1] = tostring(hook.scope)
    end
  end
  if #off > 0 then
    return ("webhooks are switched off in the shop: %s; see why they failed, and set is_active again")
      :format(table.concat(off, ", "))
  elseif #on == 0 then
    return ("the API account has no webhook that leads here: make one whose destination ends in /webhooks/%s")
      :format(self.name)
  end
  return "webhooks: " .. table.concat(on, ", ")
end

---@return string[] findings
function shop:test()
  local store, response = read_store(self)
  self:get("v2/orders", { limit = 1 })
  for _, list in ipairs { "v3/customers", "v3/catalog/products", "v3/inventory/items" } do
    self:get(list, { limit = 1 })
  end
  local findings = { ("BigCommerce, shop %s, in %s"):format(tostring(store.name), store.currency),
    cart.clock_note(response) }
  findings[#findings + 1] = find_webhooks(self)
  return findings
end

-- Notices -------------------------------------------------------------------------------------------------------------

---What notices are about, and the stream that reads it.
local STREAMS = { order = "orders", shipment = "orders", customer = "customers", product = "items", sku = "items",
  inventory = "stock" }

---Signed by the scheme of Standard Webhooks; of several signatures one suffices.
local function is_signed(self, notice)
  local id, at = notice:header "webhook-id", notice:header "webhook-timestamp"
  if not id or not at then return false end
  for signature in (notice:header "webhook-signature" or ""):gmatch "v1,(%S+)" do
    if self:signed { secret = "webhook_secret", encoding = "base64", signature = signature,
      text = ("%s.%s.%s"):format(id, at, notice.body) } then return true, id, time.parse(at, "UTC", "%s") end
  end
  return false
end

---@param notice cartwright.Notice
function shop:webhook(notice)
  local signed, id, at = is_signed(self, notice)
  if not signed and not self:secret_equals { secret = "webhook_secret", value = notice:header "X-Webhook-Secret" } then
    return nil, "it is neither signed with webhook_secret, nor has it in its header X-Webhook-Secret"
  end
  local scope = notice.body:match '"scope"%s*:%s*"store/([%w/]+)"' or ""
  local stream = scope:find "inventory" and "stock" or STREAMS[scope:match "^%a+"]
  if not stream then return { ignore = true } end
  return { id = id, at = at, topic = scope, job = stream }
end

-- Reading -------------------------------------------------------------------------------------------------------------

local ALL = 250 -- records in one answer, at most
local FEW = 50  -- where the shop does not heed what was asked for

---The bounds of a window, under the names that a list has for them; a second wider on each side.
local function inside(window, from, to)
  if not window.from then return {} end
  local format = "%Y-%m-%dT%H:%M:%S+00:00"
  return { [from] = window.from:add(-1):format(format), [to] = window.to:add(1):format(format) }
end

---The lists below orders, each read to its end, as one. An order that was deleted meanwhile has none.
---@param paths string[]
---@return cartwright.Records?
local function read_lists(self, paths)
  local found, page, wanted = nil, 1, paths
  while #wanted > 0 do
    local requests, more = {}, {}
    for i, path in ipairs(wanted) do requests[i] = { path = path, query = { limit = ALL, page = page } } end
    local responses, messages = self:all(requests)
    for i, path in ipairs(wanted) do
      local response = responses[i]
      if not response then cart.fail("unavailable", messages[i]) end
      if response.status ~= 404 then cart.check_answer(self, path, response) end
      local records = response.status == 200 and response:records "." or nil
      if records and #records > 0 and #records % FEW == 0 then more[#more + 1] = path end
      if records and found then found:append(records) else found = found or records end
    end
    page, wanted = page + 1, more
  end
  return found
end

---Reads a V3 list page by page.
---@param complete? fun(records: cartwright.Records)
---@param store? fun(records: cartwright.Records)
---@param id? string path of a record's id
local function walk(self, window, path, query, size, complete, store, id)
  paging.numbers(self, window, { size = size, store = store, read = function(page, count)
    local asked = map.copy(query)
    asked.page, asked.limit = page, count
    local response = self:get(path, asked)
    local total = response:json_node():integer "meta/pagination/total"
    if not total then cart.fail("not-expected", path .. ": the answer does not say how many records there are") end
    local records = response:records("data", id)
    if complete and #records > 0 then complete(records) end
    return records, total
  end })
end

-- Orders --------------------------------------------------------------------------------------------------------------

---The path of a list of an order; the shop spells it in two ways.
local function list_of(order, name)
  local resource = order:text(name .. "/resource")
  if resource and resource:find "^/orders/%d+/[%w_]+$" then return "v2" .. resource end
  return ("v2/orders/%s/%s"):format(order:text "id", (name:gsub("_", "")))
end

---Whether an amount of an order is anything.
local function has(order, field)
  local amount = order:decimal(field)
  return amount ~= nil and not amount:is_zero()
end

---Whether it is skipped anyway: its lists would cost requests. One that is archived may be here already.
local function is_left_out(order) return order:text "status_id" == "0" and order:text "is_deleted" ~= "true" end

---@param orders cartwright.Records
local function complete_orders(self, orders)
  local lists = { product = {}, address = {}, coupon = {}, shipment = {} }
  local function want(name, path) lists[name][#lists[name] + 1] = path end
  for order in orders:each() do
    if not is_left_out(order) then
      want("product", list_of(order, "products"))
      if order:text "order_is_digital" ~= "true" then want("address", list_of(order, "shipping_addresses")) end
      if has(order, "coupon_discount") then want("coupon", list_of(order, "coupons")) end
      if has(order, "items_shipped") then want("shipment", list_of(order, "shipments")) end
    end
  end
  for name, paths in pairs(lists) do
    local records = read_lists(self, paths)
    if records then orders:attach(name, records, "id", "order_id") end
  end
end

local function behind(id) return math.tointeger(tonumber(id)) + 1 end

---The orders of a window, by their ids: what leaves the window meanwhile moves none of the others.
---@param complete? fun(self: cartwright.Cart, orders: cartwright.Records)
local function walk_orders(self, window, complete, size, store)
  local query = window.by == "placed" and inside(window, "min_date_created", "max_date_created")
    or inside(window, "min_date_modified", "max_date_modified")
  query.sort, query.include = "id:asc", "fees"
  local function read(more)
    for name, value in pairs(query) do more[name] = value end
    local orders = records_of(self:get("v2/orders", more))
    if orders and complete and #orders > 0 then complete(self, orders) end
    return orders
  end
  paging.keys(self, window, { size = size, store = store,
    read = function(after, count) return read { limit = count, min_id = after and behind(after) } end,
    nth = function(offset) return read { limit = 1, page = offset + 1 } end })
end

---Orders have no filter for several ids.
local function read_orders(self, ids)
  local requests, orders = {}, nil
  for i, id in ipairs(ids) do
    requests[i] = { path = "v2/orders", query = { min_id = id, max_id = id, include = "fees", sort = "id:asc" } }
  end
  local responses, messages = self:all(requests)
  for i = 1, #requests do
    if not responses[i] then cart.fail("unavailable", messages[i]) end
    cart.check_answer(self, "v2/orders", responses[i])
    local found = records_of(responses[i])
    if found and orders then orders:append(found) else orders = orders or found end
  end
  if not orders or #orders == 0 then return end
  complete_orders(self, orders)
  self:emit(orders)
end

---The side of the tax that is exact, as ends of names have it. A line asks for what was derived of its order.
---@param record cartwright.Node
local function side(record) return record:text "$pricing/side" or "ex_tax" end

local function amount(prefix)
  return function(record) return record:decimal(prefix .. side(record)) end
end

---Handling, wrapping and the fees of an order.
---@param order cartwright.Node
local function fee_total(order)
  local sum = 0
  for _, prefix in ipairs { "handling_cost_", "wrapping_cost_" } do
    sum = sum + (order:decimal(prefix .. side(order)) or 0)
  end
  for fee in order:each "fees" do
    sum = sum + (fee:decimal("cost_" .. side(order)) or fee:decimal "cost_exc_tax" or 0)
  end
  return sum
end

---@param order cartwright.Node
local function fulfilment_status(order)
  local shipped, all = order:decimal "items_shipped" or 0, order:decimal "items_total" or 0
  if order:text "order_is_digital" == "true" then return nil end
  if shipped <= 0 then return "open" end
  return shipped < all and "partial" or "shipped"
end

---Where nothing more is to be sent.
local ENDS = { ["2"] = true, ["4"] = true, ["5"] = true, ["6"] = true, ["10"] = true, ["14 shipped"] = true }

---A part of the money that went back says nothing of the parcels.
---@param order cartwright.Node
local function status_of(order)
  local id = order:text "status_id"
  return id == "14" and fulfilment_status(order) == "shipped" and "14 shipped" or id
end

---The row of the table `status`: an order that was put away before its end is the row "archived", which has to be made.
---@param order cartwright.Node
local function status_row(order)
  local row = status_of(order)
  return order:text "is_deleted" == "true" and not ENDS[row] and "archived" or row
end

---Pieces that will not be sent: those that were paid back, as far as they had not left. Which of them came back of those
---that had left the shop does not say.
---@param line cartwright.Node
local function cancelled(line)
  local back = line:decimal "quantity_refunded" or decimal.new(0)
  local open = (line:decimal "quantity" or 0) - (line:decimal "quantity_shipped" or 0)
  local pieces = back < open and back or open
  return pieces > 0 and pieces or nil
end

---"Lena Müller, 22 Forbes Ave, 15222 Pittsburgh": of an order that goes to several.
---@param order cartwright.Node
local function addresses(order)
  local list = {}
  for one in order:each "$address" do
    list[#list + 1] = ("%s %s, %s, %s %s"):format(one:text "first_name" or "", one:text "last_name" or "",
      one:text "street_1" or "", one:text "zip" or "", one:text "city" or "")
  end
  if #list < 2 then return nil end
  error(("the order goes to %d addresses, and documents have one: %s. To take the first of them, say in "
    .. "carts/bigcommerce.lua of the site: shop.orders.map.custom.addresses = nil"):format(#list,
    table.concat(list, "; ")), 0)
end

---"Size: L, Color: White": what a buyer chose, and what was typed into the shop's fields.
---@param line cartwright.Node
local function options(line)
  local found = {}
  for option in line:each "product_options" do
    found[#found + 1] = ("%s: %s"):format(option:text "display_name" or "", option:text "display_value" or "")
  end
  for field in line:each "configurable_fields" do
    found[#found + 1] = ("%s: %s"):format(field:text "name" or "", field:text "value" or "")
  end
  return #found > 0 and table.concat(found, ", ") or nil
end

local NO_ID = { none = "0" }

local function address()
  return map.address {
    external_id = "id",
    first_name = "first_name",
    last_name = "last_name",
    company = "company",
    vat_number = map.first { "form_fields[name='VAT Number']/value", "form_fields[name='VAT number']/value" },
    street = "street_1",
    street2 = "street_2",
    postcode = "zip",
    city = "city",
    region = "state",
    country = "country_iso2",
    phone = "phone",
    email = "email",
  }
end

shop.orders = {
  id = "id",
  records = ".",
  overlap = "1h",
  settle = "10s",

  fetch = function(self, window)
    walk_orders(self, window, complete_orders, math.min(self.settings.page_size, ALL))
  end,
  ids = function(self, window)
    walk_orders(self, window, nil, ALL, function(orders) self:list(orders:collect "id") end)
  end,
  read = read_orders,

  skip = {
    ["left at payment"] = { path = "status_id", values = { "0" } },
    ["archived"] = { path = "is_deleted", values = { "true" } },
  },

  derive = {
    pricing = function(order)
      return { side = order:text "is_tax_inclusive_pricing" == "true" and "inc_tax" or "ex_tax" }
    end,
    credit = function(order)
      local list = {}
      for _, kind in ipairs { "store_credit", "gift_certificate" } do
        local paid = order:decimal(kind .. "_amount")
        if paid and not paid:is_zero() then list[#list + 1] = { method = kind, amount = paid } end
      end
      return list
    end,
  },

  map = map.order {
    number = "id",
    status = map.translate("status", status_row),
    payment_status = map.translate("payment_status", "payment_status"),
    fulfilment_status = fulfilment_status,
    cart_status = map.first { "custom_status", "status" },
    reference = "external_order_id",
    placed_at = "date_created",
    changed_at = "date_modified",
    channel = "channel_id",
    language = "customer_locale",
    currency = map.first({ "default_currency_code", "currency_code" }, { required = true }),
    tax_included = map.boolean "is_tax_inclusive_pricing",
    goods_total = amount "subtotal_",
    discount_total = map.sum { "discount_amount", "coupon_discount" },
    shipping_total = amount "shipping_cost_",
    fee_total = fee_total,
    tax_total = "total_tax",
    total = map.value("total_inc_tax", { required = true }),
    rounding = map.constant "total",
    customer_id = map.value("customer_id", NO_ID),
    email = "billing_address/email",
    billing = map.at("billing_address", address()),
    shipping = map.at("$address", address()),
    payment_method = "payment_method",
    shipping_method = "$address/shipping_method",
    shipping_name = "$address/shipping_method",
    tracking_number = "$shipment/tracking_number",
    note = "customer_message",
    lines = map.each("$product", map.line {
      external_id = "id",
      parent_id = map.value("parent_order_product_id", NO_ID),
      sku = "sku",
      name = "name",
      options = options,
      barcode = "upc",
      item_id = map.value("product_id", NO_ID),
      variant_id = map.value("variant_id", NO_ID),
      quantity = map.value("quantity", { required = true }),
      cancelled = cancelled,
      unit_price = amount "price_",
      total = amount "total_",
      tax = "total_tax",
      custom = { address_id = map.text(map.value("order_address_id", NO_ID)) },
    }),
    discounts = map.each("$coupon", map.discount { code = "code", amount = "discount" }),
    payments = map.each("$credit", map.payment { method = "method", amount = "amount" }),
    custom = {
      addresses = map.text(addresses),
      payment_reference = "payment_provider_id",
      staff_notes = "staff_notes",
      source = "order_source",
    },
  },
}

---By the numbers of statuses, which no merchant can rename.
shop.tables.status = {
  ["1"] = "pending", -- Pending
  ["2"] = "shipped",
  ["3"] = "processing", -- Partially Shipped
  ["4"] = "refunded",
  ["5"] = "cancelled",
  ["6"] = "failed", -- Declined
  ["7"] = "pending", -- Awaiting Payment
  ["8"] = "processing", -- Awaiting Pickup
  ["9"] = "processing", -- Awaiting Shipment
  ["10"] = "completed",
  ["11"] = "paid", -- Awaiting Fulfillment
  ["12"] = "on_hold", -- Manual Verification Required
  ["13"] = "on_hold", -- Disputed
  ["14"] = "paid", -- Partially Refunded
  ["14 shipped"] = "shipped",
}

shop.tables.payment_status = {
  ["authorized"] = "authorised",
  ["captured"] = "paid",
  ["capture pending"] = "authorised",
  ["declined"] = "failed",
  ["held for review"] = "unpaid",
  ["paid"] = "paid",
  ["partially refunded"] = "partly_refunded",
  ["pending"] = "unpaid",
  ["refunded"] = "refunded",
  ["void"] = "failed",
  ["void pending"] = "failed",
}

-- Customers -----------------------------------------------------------------------------------------------------------

---Of a customer the shop sends ten addresses along: all of them are a list of their own.
---@param customers cartwright.Records
local function complete_customers(self, customers)
  walk(self, {}, "v3/customers/addresses", { ["customer_id:in"] = table.concat(customers:collect "id", ",") }, ALL, nil,
    function(found)
      if found and #found > 0 then customers:attach("address", found, "id", "customer_id") end
    end)
end

local function customer_query(window)
  local query = window.by == "placed" and inside(window, "date_created:min", "date_created:max")
    or inside(window, "date_modified:min", "date_modified:max")
  query.include = "formfields"
  return query
end

shop.customers = {
  id = "id",
  records = "data",
  overlap = "1h",
  settle = "10s",

  fetch = function(self, window)
    walk(self, window, "v3/customers", customer_query(window), ALL, function(page) complete_customers(self, page) end)
  end,
  ids = function(self, window)
    walk(self, window, "v3/customers", customer_query(window), ALL, nil,
      function(page) self:list(page:collect "id") end)
  end,
  read = function(self, ids)
    walk(self, {}, "v3/customers", { ["id:in"] = table.concat(ids, ","), include = "formfields" }, ALL,
      function(page) complete_customers(self, page) end)
  end,

  map = map.customer {
    number = "id",
    email = "email",
    first_name = "first_name",
    last_name = "last_name",
    company = "company",
    vat_number = map.first { "form_fields[name='VAT Number']/value", "form_fields[name='VAT number']/value" },
    phone = "phone",
    group = map.value("customer_group_id", NO_ID),
    note = "notes",
    created_at = "date_created",
    changed_at = "date_modified",
    addresses = map.each("$address", map.address {
      external_id = "id",
      first_name = "first_name",
      last_name = "last_name",
      company = "company",
      street = "address1",
      street2 = "address2",
      postcode = "postal_code",
      city = "city",
      region = "state_or_province",
      country = "country_code",
      phone = "phone",
    }),
    custom = { tax_exempt_category = "tax_exempt_category" },
  },
}

-- Items ---------------------------------------------------------------------------------------------------------------

---@param items cartwright.Records
local function complete_items(self, items)
  items:attach("store", self:once("store", function() return self:get("v2/store"):records "." end))
end

local function item_query(window)
  local query = window.by == "placed" and {} or inside(window, "date_modified:min", "date_modified:max")
  query.include = "variants"
  return query
end

---"Size: L, Color: White"
---@param variant cartwright.Node
local function option_names(variant)
  local names = {}
  for value in variant:each "option_values" do
    names[#names + 1] = ("%s: %s"):format(value:text "option_display_name" or "", value:text "label" or "")
  end
  return #names > 0 and table.concat(names, ", ") or nil
end

---The variants of a product, with its price and weight where they have none. A product without options has one variant,
---which is itself.
---@param product cartwright.Node
local function variants(product)
  if product:text "base_variant_id" then return nil end
  local list = {}
  for variant in product:each "variants" do
    list[#list + 1] = { id = variant:text "id", sku = variant:text "sku", name = option_names(variant),
      barcode = variant:text "gtin" or variant:text "upc", price = variant:decimal "price" or product:decimal "price",
      weight = variant:decimal "weight" or product:decimal "weight" }
  end
  return list
end

shop.items = {
  id = "id",
  records = "data",
  overlap = "1h",
  settle = "10s",

  fetch = function(self, window)
    walk(self, window, "v3/catalog/products", item_query(window), ALL, function(page) complete_items(self, page) end)
  end,
  ids = function(self, window)
    walk(self, window, "v3/catalog/products", item_query(window), ALL, nil,
      function(page) self:list(page:collect "id") end)
  end,
  read = function(self, ids)
    walk(self, {}, "v3/catalog/products", { ["id:in"] = table.concat(ids, ","), include = "variants" }, ALL,
      function(page) complete_items(self, page) end)
  end,

  derive = { variant = variants },

  map = map.item {
    sku = "sku",
    name = "name",
    description = "description",
    type = map.translate("product_type", function(product)
      return product:text "base_variant_id" and product:text "type" or "options"
    end),
    barcode = map.first { "gtin", "upc" },
    vendor_sku = "mpn",
    active = map.boolean "is_visible",
    currency = "$store/currency",
    price = "price",
    cost = map.value("cost_price", NO_ID),
    weight = "weight",
    tax_class = map.value("tax_class_id", NO_ID),
    created_at = "date_created",
    changed_at = "date_modified",
    variants = map.each("$variant", map.variant {
      external_id = "id",
      sku = "sku",
      name = "name",
      barcode = "barcode",
      price = "price",
      weight = "weight",
    }),
    custom = { stock_by = "inventory_tracking" },
  },
}

shop.tables.product_type = { physical = "simple", digital = "virtual", options = "variants" }

-- Stock ---------------------------------------------------------------------------------------------------------------

shop.stock = {
  id = "identity/variant_id",
  records = "data",
  full = true, -- stock has no time of change

  fetch = function(self, window)
    walk(self, window, "v3/inventory/items", {}, ALL, nil, nil, "identity/variant_id")
  end,

  map = map.stock_level {
    sku = "identity/sku",
    item_id = "identity/product_id",
    variant_id = "identity/variant_id",
  },
}

---Stock is that of the location which is told; an item that is not there has none.
function shop:choose(settings)
  if self.stock.map.quantity then return self end
  local chosen = self:extend()
  chosen.stock.map.quantity = map.sum(("locations[location_id=%d]/total_inventory_onhand"):format(settings.location or 1))
  return chosen
end

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

---Of our statuses that several of the shop's mean, the one it is told.
shop.tables.status_out = { pending = "1", paid = "11", processing = "9", on_hold = "12", shipped = "2" }

shop.lacks = {
  shipments = "the shop has no list of all shipments; the first parcel's number comes with its order",
}

return shop
