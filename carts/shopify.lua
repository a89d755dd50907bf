---Shopify: orders and customers by its Admin REST interface, items and stock by GraphQL, which REST has been left for.
---What the shop is told is in shopify/telling.lua, how GraphQL is asked in shopify/graphql.lua.
---
---Facts this script relies on (shopify.dev, and the answers that Shopify's own clients are tested with):
---  - Only NAME.myshopify.com answers. A version is supported for a year; afterwards the oldest one answers instead.
---  - Lists of orders leave closed and cancelled ones out unless status=any. They are asked for by what comes behind an
---    id (since_id), which needs no cursor that expires. Without read_all_orders only those of 60 days are there.
---  - Names, addresses and mails of buyers are protected: without approval they come as null.
---  - Amounts are texts in the shop's currency, zero or three decimals in some; with taxes_included the tax is inside.
---    A line's price is of one piece before its discount, which stands in discount_allocations; subtotal_price is not
---    to be built on. Lines that were taken out of an order stay, with current_quantity 0; pieces that came back
---    after they were sent are gone from it too, and their refund says "return".
---  - financial_status is "paid" also where total_outstanding says that a part is owed: then it is partly paid. Where as
---    much is owed as the order costs, no payment was recorded: programs that bring orders in say "paid" of what was paid
---    elsewhere, and the word stands (a rule can hold these by custom.outstanding).
---  - fulfillment_status null is "nothing was sent". Orders are archived (closed_at) once they are paid and sent.
---  - An item's variants hold SKU, price and stock; SKUs are not unique. A variant has one inventory item, which has a
---    level at each location: on_hand is what lies there, available what is left of it behind orders that are not sent.
---  - 40 requests at once, two a second by REST; points by GraphQL, which says with status 200 that it was asked for
---    too much (THROTTLED). A wrong filter of GraphQL is a warning, and everything is found: taken for an error here.
---Not known: how long an order of GraphQL would be; whether a change of stock stamps anything, so stock is read whole.
local cart = require "cartwright.cart"
local decimal = require "cartwright.decimal"
local graphql = require "shipped.shopify.graphql"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local telling = require "shipped.shopify.telling"

local LEVEL = "inventoryItem/inventoryLevel/quantities[name=%s]/quantity"

local shop = cart.new {
  title = "Shopify",
  settings = {
    url = cart.url { required = true, help = "https://NAME.myshopify.com" },
    token = cart.secret { help = "Admin API access token (shpat_...) of a custom app; or client_id and client_secret" },
    client_id = cart.text { help = "client id of an app of the developer dashboard, whose tokens last a day" },
    client_secret = cart.secret { help = "its client secret" },
    version = cart.text { default = "2026-01", help = "of the interface: YYYY-MM" },
    webhook_secret = cart.secret { help = "the app's client secret, which signs its webhooks" },
    old_webhook_secret = cart.secret { help = "the one before, for an hour after it was changed" },
    location = cart.text { help = "number of the location whose stock is read and told; default: the shop's first" },
    quantity = cart.choice { choices = { "available", "on_hand" }, default = "available", help = "what a quantity is "
      .. "read and told as: available, where orders were taken off already; on_hand for what lies there" },
    notify = cart.boolean { default = false, help = "whether the shop mails the buyer about parcels" },
    rate = cart.integer { default = 2, help = "requests a second; 4 and 20 in the larger plans" },
    page_size = cart.integer { default = 100, help = "records asked for at once, at most 250" },
  },
  http = function(settings)
    local base = ("%s/admin/api/%s/"):format(settings.url, settings.version)
    local http = { base = base, rate = settings.rate, burst = 20 }
    if settings.client_id then
      http.token = { path = settings.url .. "/admin/oauth/access_token", header = "X-Shopify-Access-Token", prefix = "",
        json = { grant_type = "client_credentials", client_id = settings.client_id,
          client_secret = settings.client_secret } }
    else
      http.headers = { ["X-Shopify-Access-Token"] = settings.token }
    end
    return http
  end,
}

shop.refuses = graphql.refuses

---Which of the shop's two quantities is read, so that it is the one that is told.
function shop:choose(settings)
  if settings.quantity ~= "on_hand" then return self end
  local chosen = self:extend()
  chosen.stock.map.quantity = map.value(LEVEL:format "on_hand", { required = true })
  chosen.stock.map.custom = { available = map.text(LEVEL:format "available") }
  return chosen
end

-- Connection ----------------------------------------------------------------------------------------------------------

---What a status means here: code of the test, setting to look at, what to do.
local CAUSES = {
  [401] = { "auth", "token", "the shop does not accept the token" },
  [402] = { "unavailable", nil, "the shop is frozen: its plan is not paid" },
  [403] = { "permission", "token", "the app may not do this; give it the scope, and install it again" },
  [404] = { "not-found", "url", "there is no such address; only NAME.myshopify.com answers" },
  [423] = { "unavailable", nil, "the shop is locked" },
}

---`errors` is a text, an object of texts, or one of lists.
---@return string?
local function words_of(errors)
  if type(errors) == "string" then return errors end
  if type(errors) ~= "table" then return nil end
  local words = {}
  for field, fault in pairs(errors) do
    fault = type(fault) == "table" and table.concat(fault, ", ") or tostring(fault)
    words[#words + 1] = type(field) == "string" and ("%s %s"):format(field, fault) or fault
  end
  return #words > 0 and table.concat(words, "; ") or nil
end

---@param response cartwright.Response
---@return string? words
---@return string? code
---@return string? setting
function shop.explain(_, response)
  local is_json, reported = pcall(response.json, response)
  local words = is_json and type(reported) == "table" and words_of(reported.errors) or nil
  local cause = CAUSES[response.status]
  if not cause then return words end
  return words and ("%s; %s"):format(cause[3], words) or cause[3], cause[1], cause[2]
end

local ABOUT = "{shop{name currencyCode plan{displayName}}}"

---What the app's webhooks are like, in a sentence.
---@return string finding
local function find_webhooks(self)
  if not self.takes_notices then
    return "no webhooks, since the secret webhook_secret is not set: changes wait for the next sync"
  end
  local is_read, answer = pcall(function() return self:get("webhooks.json", { limit = 250 }):json() end)
  if not is_read then return ("whether webhooks are on is not known: %s"):format(tostring(answer)) end
  local topics = {}
  for _, hook in ipairs(answer.webhooks or {}) do
    local path = tostring(hook.address):match "^[^?#]*"
    local is_ours = (path .. "/"):find(("/webhooks/%s/"):format(self.name), 1, true)
    if is_ours then topics[#topics + 1] = tostring(hook.topic) end
  end
  if #topics == 0 then
    return ("the app has no webhook that leads here (the shop deletes those that fail for four hours): make one whose "
      .. "address ends in /webhooks/%s"):format(self.name)
  end
  return "webhooks: " .. table.concat(topics, ", ")
end

---The scopes that were granted to the app.
---@return table<string, boolean>
local function read_scopes(self)
  local scopes = {}
  for _, scope in ipairs(self:get(self.settings.url .. "/admin/oauth/access_scopes.json"):json().access_scopes or {}) do
    scopes[tostring(scope.handle)] = true
  end
  return scopes
end

local NEEDED = { "read_orders", "read_customers", "read_products", "read_inventory", "read_locations" }

---What the shop can be told, with the scopes of which each needs one.
local TOLD = {
  { "stock", "write_inventory" }, { "prices", "write_products" }, { "statuses", "write_orders" },
  { "customers", "write_customers" },
  { "parcels", "write_merchant_managed_fulfillment_orders", "write_assigned_fulfillment_orders",
    "write_third_party_fulfillment_orders" },
}

---What the app may not tell the shop, in a sentence.
---@param scopes table<string, boolean>
---@return string? finding
local function find_untold(scopes)
  local untold = {}
  for _, told in ipairs(TOLD) do
    local has_one = false
    for i = 2, #told do has_one = has_one or scopes[told[i]] == true end
    if not has_one then untold[#untold + 1] = ("%s (%s)"):format(told[1], table.concat(told, " or ", 2)) end
  end
  return #untold > 0 and "for want of scopes the shop cannot be told of: " .. table.concat(untold, ", ") or nil
end

---@return string[] findings
function shop:test()
  local answer = graphql.ask(self, ABOUT)
  local about = answer:json_node()
  local name = about:text "data/shop/name"
  if not name then cart.fail("not-expected", "the address answers, but not as Shopify does: no shop in it", "url") end
  local scopes, missing = read_scopes(self), {}
  for _, scope in ipairs(NEEDED) do
    if not scopes[scope] and not scopes[scope:gsub("^read", "write")] then missing[#missing + 1] = scope end
  end
  if #missing > 0 then
    cart.fail("permission", ("the app lacks the scopes %s; add them, and install it again"):format(
      table.concat(missing, ", ")), "token")
  end
  local findings = { ("Shopify, %s, plan %s, in %s"):format(name, about:text "data/shop/plan/displayName",
    about:text "data/shop/currencyCode"), cart.clock_note(answer) }
  local version = graphql.version(self, answer)
  if version ~= self.settings.version then
    findings[#findings + 1] = ("the shop answers as version %s: it does not support %s (any more)"):format(version,
      self.settings.version)
  end
  if not scopes.read_all_orders then
    findings[#findings + 1] = "only orders of the last 60 days, for want of the scope read_all_orders"
  end
  findings[#findings + 1] = find_untold(scopes)
  findings[#findings + 1] = find_webhooks(self)
  return findings
end

-- Notices -------------------------------------------------------------------------------------------------------------

---What topics are about, and the stream that reads it.
local STREAMS = { orders = "orders", refunds = "orders", fulfillments = "orders", customers = "customers",
  products = "items", inventory_levels = "stock", inventory_items = "stock" }

---@param notice cartwright.Notice
function shop:webhook(notice)
  local signature, is_signed = notice:header "X-Shopify-Hmac-Sha256", false
  for _, secret in ipairs { "webhook_secret", "old_webhook_secret" } do
    is_signed = is_signed or (self.settings[secret] ~= nil
      and self:signed { secret = secret, encoding = "base64", signature = signature })
  end
  if not is_signed then
    return nil, signature and "the signature is not right; is webhook_secret the app's client secret?"
      or "it is not signed"
  end
  local topic = notice:header "X-Shopify-Topic" or ""
  local stream = STREAMS[topic:match "^[%a_]+"]
  if not (stream and self[stream]) then return { ignore = true } end
  return { topic = topic, job = stream }
end

-- Reading -------------------------------------------------------------------------------------------------------------

local FORMAT = "%Y-%m-%dT%H:%M:%SZ"

---The filters of a window for a REST list.
local function inside(window)
  if not window.from then return {} end
  local what = window.by == "placed" and "created_at" or "updated_at"
  return { [what .. "_min"] = window.from:format(FORMAT), [what .. "_max"] = window.to:add(1):format(FORMAT) }
end

---Reads a REST list by what comes behind an id.
---@param query table
---@param store? fun(records: cartwright.Records)
local function walk(self, window, list, query, size, store)
  for name, value in pairs(inside(window)) do query[name] = value end
  paging.keys(self, window, { size = math.min(size, 250), store = store, read = function(after, count)
    query.limit, query.since_id = count, after or 0
    return self:get(list .. ".json", query):records(list)
  end })
end

-- Orders --------------------------------------------------------------------------------------------------------------

---What is still owed, and what the order costs by now.
---@param order cartwright.Node
---@return cartwright.Decimal? outstanding
---@return cartwright.Decimal? total
local function owed(order)
  return order:decimal "total_outstanding", order:decimal "current_total_price" or order:decimal "total_price"
end

---The status of money: the shop's word, but for orders of which a part was paid.
---@param order cartwright.Node
local function payment_row(order)
  local row = order:text "financial_status"
  local outstanding, total = owed(order)
  local is_part = outstanding and total and outstanding > 0 and outstanding < total
  if is_part and (row == "paid" or row == "pending") then return "partially_paid" end
  return row
end

local COUNTED = { pending = true, partially_paid = true, paid = true }

---@param order cartwright.Node
local function paid_total(order)
  local row, outstanding, total = payment_row(order), owed(order)
  if not (COUNTED[row or ""] and outstanding and total) then return nil end
  if row == "paid" and outstanding > 0 then return nil end -- paid elsewhere
  return total - outstanding
end

---The row of the table `status`: Shopify has no word for it, but several that say where an order stands.
---@param order cartwright.Node
local function status_row(order)
  if order:text "cancelled_at" then return "cancelled" end
  local financial, sent = payment_row(order) or "none", order:text "fulfillment_status"
  if financial == "refunded" or financial == "voided" then return financial end
  if sent == "fulfilled" then return order:text "closed_at" and "archived" or "fulfilled" end
  return financial
end

---@param order cartwright.Node
local function fulfilment_row(order) return order:text "fulfillment_status" or "none" end

---What is taken off a line, of this order's discounts too.
---@param line cartwright.Node
local function line_discount(line)
  local sum = decimal.new(0)
  for allocation in line:each "discount_allocations" do sum = sum + (allocation:decimal "amount" or 0) end
  return sum
end

---@param line cartwright.Node
local function line_total(line)
  local price, quantity = line:decimal "price", line:decimal "quantity"
  return price and quantity and price * quantity - line_discount(line)
end

---@param line cartwright.Node
local function line_tax(line)
  local sum
  for tax in line:each "tax_lines" do sum = (sum or 0) + (tax:decimal "price" or 0) end
  return sum
end

---What the buyer chose or typed; old orders have an object instead of a list.
---@param line cartwright.Node
local function options(line)
  local found, title = {}, line:text "variant_title"
  if title and title ~= "Default Title" then found[1] = title end
  for property in line:each "properties" do
    local name, value = property:text "name", property:text "value"
    if name and value and name:sub(1, 1) ~= "_" then found[#found + 1] = name .. ": " .. value end
  end
  return #found > 0 and table.concat(found, ", ") or nil
end

---The freight after its discounts; of what was taken out again nothing.
---@param order cartwright.Node
local function shipping_total(order)
  local sum = decimal.new(0)
  for line in order:each "shipping_lines" do
    if line:text "is_removed" ~= "true" then
      sum = sum + (line:decimal "discounted_price" or (line:decimal "price" or 0) - line_discount(line))
    end
  end
  return sum
end

---Tips, duties, and what cash was rounded by.
---@param order cartwright.Node
local function fee_total(order)
  local currency, sum = order:text "currency", order:decimal "total_tip_received" or decimal.new(0)
  for _, field in ipairs { "original_total_duties_set", "original_total_additional_fees_set",
    "total_cash_rounding_payment_adjustment_set" } do
    local money = order:node(field .. "/shop_money")
    if money and money:text "currency_code" == currency then sum = sum + (money:decimal "amount" or 0) end
  end
  return sum
end

local NEVER_SENT = { cancelled = true, error = true, failure = true } -- statuses of parcels

---Pieces by their lines that will not be sent: what is gone from a line, but for what came back, and no more than is not
---sent yet.
---@param order cartwright.Node
---@return { id: string, pieces: cartwright.Decimal }[]
local function cancelled(order)
  local sent, returned, list = {}, {}, {}
  for parcel in order:each "fulfillments" do
    for line in parcel:each "line_items" do
      local id = line:text "id"
      if not NEVER_SENT[parcel:text "status"] then sent[id] = (sent[id] or 0) + (line:decimal "quantity" or 0) end
    end
  end
  for line in order:each "refunds/refund_line_items" do
    local id = line:text "line_item_id"
    if line:text "restock_type" == "return" then returned[id] = (returned[id] or 0) + (line:decimal "quantity" or 0) end
  end
  for line in order:each "line_items" do
    local id, ordered, current = line:text "id", line:decimal "quantity" or 0, line:decimal "current_quantity"
    local gone = current and ordered - current - (returned[id] or 0) or 0
    local open = ordered - (sent[id] or 0)
    if gone > 0 and open > 0 then list[#list + 1] = { id = id, pieces = gone < open and gone or open } end
  end
  return list
end

---@param line cartwright.Node
local function cancelled_of(line) return line:decimal(("$cancelled[id=%s]/pieces"):format(line:text "id")) end

local function address(path)
  return map.at(path, map.address {
    external_id = "id",
    name = "name",
    first_name = "first_name",
    last_name = "last_name",
    company = "company",
    street = "address1",
    street2 = "address2",
    postcode = "zip",
    city = "city",
    region = map.first { "province_code", "province" },
    country = "country_code",
    phone = "phone",
  })
end

shop.orders = {
  id = "id",
  records = { "orders", "order" }, -- in files also one order, as the shop gives it
  overlap = "10m",
  settle = "10s",

  fetch = function(self, window) walk(self, window, "orders", { status = "any" }, self.settings.page_size) end,
  ids = function(self, window)
    walk(self, window, "orders", { status = "any", fields = "id" }, 250,
      function(orders) self:list(orders:collect "id") end)
  end,
  read = function(self, ids)
    self:emit(self:get("orders.json", { ids = table.concat(ids, ","), status = "any", limit = #ids }):records "orders")
  end,

  skip = { ["test order"] = { path = "test", values = { "true" } } },

  derive = { cancelled = cancelled },

  map = map.order {
    number = map.first { "name", "order_number" },
    status = map.translate("status", status_row),
    payment_status = map.translate("payment_status", payment_row),
    fulfilment_status = map.translate("fulfilment", fulfilment_row),
    cart_status = "financial_status",
    second_status = "fulfillment_status",
    reference = "po_number",
    placed_at = "created_at",
    changed_at = "updated_at",
    channel = "source_name",
    language = "customer_locale",
    currency = map.value("currency", { required = true }),
    tax_included = map.boolean "taxes_included",
    shipping_total = shipping_total,
    fee_total = fee_total,
    tax_total = "total_tax",
    total = map.value("total_price", { required = true }),
    paid_total = paid_total,
    rounding = map.constant "line",
    customer_id = "customer/id",
    email = map.first { "email", "contact_email", "customer/email" },
    billing = address "billing_address",
    shipping = address "shipping_address",
    payment_method = "payment_gateway_names[1]",
    payment_name = map.join({ "payment_gateway_names[1]", "payment_gateway_names[2]" }, ", "),
    shipping_method = map.first { "shipping_lines/code", "shipping_lines/title" },
    shipping_name = "shipping_lines/title",
    tracking_number = map.first { "fulfillments[status=success]/tracking_number", "fulfillments/tracking_number" },
    note = "note",
    lines = map.each("line_items", map.line {
      external_id = "id",
      sku = "sku",
      name = map.first { "name", "title" },
      options = map.text(options),
      item_id = "product_id",
      variant_id = "variant_id",
      quantity = map.value("quantity", { required = true }),
      cancelled = cancelled_of,
      unit_price = map.value("price", { required = true }),
      discount = line_discount,
      total = line_total,
      tax = line_tax,
      custom = { current_quantity = map.text "current_quantity" },
    }),
    discounts = map.each("discount_codes", map.discount { code = "code", amount = "amount" }),
    taxes = map.each("tax_lines", map.tax {
      name = "title",
      rate = map.value("rate", { times = "100" }),
      amount = "price",
    }),
    custom = {
      processed_at = map.text "processed_at",
      tags = map.text "tags",
      location = map.text "location_id",
      cancel_reason = map.text "cancel_reason",
      outstanding = map.text "total_outstanding",
    },
  },
}

shop.tables.status = {
  ["pending"] = "pending",
  ["authorized"] = "pending",
  ["partially_paid"] = "pending",
  ["none"] = "pending", -- no status of money: nothing is owed, or it is not known
  ["paid"] = "paid",
  ["partially_refunded"] = "paid",
  ["fulfilled"] = "shipped",
  ["archived"] = "completed",
  ["refunded"] = "refunded",
  ["voided"] = "cancelled",
  ["expired"] = "failed",
  ["cancelled"] = "cancelled",
}

shop.tables.payment_status = {
  ["pending"] = "unpaid",
  ["authorized"] = "authorised",
  ["partially_paid"] = "partly_paid",
  ["paid"] = "paid",
  ["partially_refunded"] = "partly_refunded",
  ["refunded"] = "refunded",
  ["voided"] = "failed",
  ["expired"] = "failed",
  ["*"] = false, -- the table `status` asks for a row
}

shop.tables.fulfilment = { ["none"] = "open", ["partial"] = "partial", ["fulfilled"] = "shipped",
  ["restocked"] = "returned", ["*"] = "open" }

-- Customers -----------------------------------------------------------------------------------------------------------

shop.customers = {
  id = "id",
  records = { "customers", "customer" },
  overlap = "10m",
  settle = "10s",

  fetch = function(self, window) walk(self, window, "customers", {}, self.settings.page_size) end,
  ids = function(self, window)
    walk(self, window, "customers", { fields = "id" }, 250, function(customers) self:list(customers:collect "id") end)
  end,
  read = function(self, ids)
    self:emit(self:get("customers.json", { ids = table.concat(ids, ","), limit = #ids }):records "customers")
  end,

  map = map.customer {
    number = "id",
    email = "email",
    first_name = "first_name",
    last_name = "last_name",
    company = "default_address/company",
    phone = map.first { "phone", "default_address/phone" },
    taxable = function(customer) return customer:text "tax_exempt" ~= "true" end,
    note = "note",
    created_at = "created_at",
    changed_at = "updated_at",
    addresses = map.each("addresses", map.address {
      external_id = "id",
      name = "name",
      first_name = "first_name",
      last_name = "last_name",
      company = "company",
      street = "address1",
      street2 = "address2",
      postcode = "zip",
      city = "city",
      region = map.first { "province_code", "province" },
      country = "country_code",
      phone = "phone",
    }),
    custom = { tags = map.text "tags" },
  },
}

-- Items ---------------------------------------------------------------------------------------------------------------

local PRODUCTS = [[query($first:Int!,$query:String){products(first:$first,sortKey:ID,query:$query){nodes{
legacyResourceId title descriptionHtml status createdAt updatedAt hasOnlyDefaultVariant productType vendor}}}]]

local VARIANTS = [[query($first:Int!,$query:String){productVariants(first:$first,sortKey:ID,query:$query){nodes{
legacyResourceId sku title barcode price compareAtPrice product{legacyResourceId}
inventoryItem{tracked unitCost{amount} measurement{weight{value unit}}}}}}]]

local IDS = "query($first:Int!,$query:String){products(first:$first,sortKey:ID,query:$query){nodes{legacyResourceId}}}"

local SIZE = 50      -- products asked for at once: what a question may cost is bounded
local VARIANT_SIZE = 100

---What a window asks for, as a query of GraphQL's search; more terms may follow.
local function searched(window, ...)
  local terms = { ... }
  if window.from then
    local what = window.by == "placed" and "created_at" or "updated_at"
    terms[#terms + 1] = ("%s:>='%s'"):format(what, window.from:format(FORMAT))
    terms[#terms + 1] = ("%s:<='%s'"):format(what, window.to:add(1):format(FORMAT))
  end
  return #terms > 0 and table.concat(terms, " AND ") or nil
end

---The variants of products, however many each has.
---@return cartwright.Records?
local function variants_of(self, products)
  local found
  local of = ("product_ids:%s"):format(table.concat(products:collect "legacyResourceId", ","))
  paging.keys(self, {}, { size = VARIANT_SIZE,
    store = function(variants)
      if found then found:append(variants) else found = variants end
    end,
    read = function(after, size)
      local query = after and ("%s AND id:>%s"):format(of, after) or of
      return graphql.ask(self, VARIANTS, { first = size, query = query })
        :records("data/productVariants/nodes", "legacyResourceId")
    end })
  return found
end

---@param products cartwright.Records
local function complete_items(self, products)
  products:attach("about", self:once("about", function() return graphql.ask(self, ABOUT):records "." end))
  local variants = variants_of(self, products)
  if variants then products:attach("variant", variants, "legacyResourceId", "product/legacyResourceId") end
end

local function walk_items(self, window, text, size, complete, store)
  paging.keys(self, window, { size = size, store = store, read = function(after, count)
    local query = after and searched(window, "id:>" .. after) or searched(window)
    local products = graphql.ask(self, text, { first = count, query = query })
      :records("data/products/nodes", "legacyResourceId")
    if complete and #products > 0 then complete(self, products) end
    return products
  end })
end

---What an item has of its only variant, which is itself.
local function only(path)
  return function(product)
    if product:text "hasOnlyDefaultVariant" ~= "true" then return nil end
    return product:text("$variant/" .. path)
  end
end

---The variants that a buyer can choose between.
---@param product cartwright.Node
local function chosen(product)
  if product:text "hasOnlyDefaultVariant" == "true" then return nil end
  local list = {}
  for variant in product:each "$variant" do
    list[#list + 1] = { id = variant:text "legacyResourceId", sku = variant:text "sku", name = variant:text "title",
      barcode = variant:text "barcode", price = variant:decimal "price" }
  end
  return list
end

shop.items = {
  id = "legacyResourceId",
  records = "data/products/nodes",
  overlap = "10m",
  settle = "10s",

  fetch = function(self, window) walk_items(self, window, PRODUCTS, SIZE, complete_items) end,
  ids = function(self, window)
    walk_items(self, window, IDS, 250, nil, function(products) self:list(products:collect "legacyResourceId") end)
  end,
  read = function(self, ids)
    local wanted = {}
    for i, id in ipairs(ids) do wanted[i] = "id:" .. id end
    local products = graphql.ask(self, PRODUCTS, { first = #ids, query = table.concat(wanted, " OR ") })
      :records("data/products/nodes", "legacyResourceId")
    if #products == 0 then return end
    complete_items(self, products)
    self:emit(products)
  end,

  derive = { choice = chosen },

  map = map.item {
    sku = only "sku",
    name = "title",
    description = "descriptionHtml",
    type = function(product) return product:text "hasOnlyDefaultVariant" == "true" and "simple" or "variants" end,
    group = "productType",
    barcode = only "barcode",
    active = function(product) return product:text "status" == "ACTIVE" end,
    currency = "$about/data/shop/currencyCode",
    price = only "price",
    cost = "$variant/inventoryItem/unitCost/amount",
    weight = "$variant/inventoryItem/measurement/weight/value",
    created_at = "createdAt",
    changed_at = "updatedAt",
    variants = map.each("$choice", map.variant {
      external_id = "id",
      sku = "sku",
      name = "name",
      barcode = "barcode",
      price = "price",
    }),
    custom = { vendor = map.text "vendor", variant_id = map.text(only "legacyResourceId") },
  },
}

-- Stock ---------------------------------------------------------------------------------------------------------------

local LEVELS = [[query($first:Int!,$query:String,$location:ID!){
productVariants(first:$first,sortKey:ID,query:$query){nodes{legacyResourceId sku product{legacyResourceId}
inventoryItem{tracked inventoryLevel(locationId:$location){
quantities(names:["available","on_hand"]){name quantity}}}}}}]]

shop.stock = {
  id = "legacyResourceId",
  records = "data/productVariants/nodes",
  full = true, -- stock has no time of change that is to be relied on

  fetch = function(self, window)
    local location = graphql.location(self)
    paging.keys(self, window, { size = SIZE, read = function(after, size)
      return graphql.ask(self, LEVELS, { first = size, query = after and "id:>" .. after or nil, location = location })
        :records("data/productVariants/nodes", "legacyResourceId")
    end })
  end,

  skip = {
    ["not tracked"] = { path = "inventoryItem/tracked", values = { "false" } },
    ["not kept at the location"] = function(row) return row:node "inventoryItem/inventoryLevel/quantities" == nil end,
  },

  map = map.stock_level {
    sku = "sku",
    item_id = "product/legacyResourceId",
    variant_id = "legacyResourceId",
    quantity = map.value(LEVEL:format "available", { required = true }), -- see shop:choose
    custom = { on_hand = map.text(LEVEL:format "on_hand") },
  },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

shop.lacks = {
  shipments = "parcels stand in their order, whose first tracking number comes in with it",
  items_out = "a product has options, channels and collections, which the back office has no words for",
}

return shop
