---Magento 2 and Adobe Commerce through REST: orders, customers, items, stock of one source. What the shop is told is in
---magento2/telling.lua.
---
---Facts this script relies on (AdobeDocs/commerce-webapi, issues of magento/magento2, answers that clients recorded):
---  - Since 2.4.4 the access token alone is refused unless the shop allows it; signed with all four secrets of the
---    integration (OAuth 1.0a) it is always good.
---  - Lists have no stable order and repeat their last page for ever in older versions. They are asked for by what
---    comes behind an entity_id, which needs neither pages nor counts; stock, which has no id, by pages and its count.
---  - Times are UTC without a zone. Fields that are null are left out. Amounts are floats of PHP with up to four
---    decimals ("29.949999999999999"), and exist in the shop's currency as base_*; the others are what the buyer pays.
---  - discount_amount of an order is negative, and contains that of the shipping and those of its items, which are
---    positive.
---    row_total of an item is without its discount in some shops, with it in others.
---  - A configurable item has a row for itself, with the money, and one for the child that was chosen, with the same
---    SKU. A bundle's money is in its own row, or in those of its children, never in both.
---  - Pieces that were cancelled or paid back stay in qty_ordered and in the totals; whether those that were paid back had
---    left a row does not say, and as many count as not sent as are open.
---  - An order that is edited is cancelled, and replaced by a new one, whose number has a suffix.
---  - Variants are products of their own; a configurable has no stock and no SKU that is sold.
---  - What is published of stock is the source's quantity less what open orders reserve; the quantity is written.
---
---Not known: how a list of shipments looks beyond its tracks, how options of an item are read in words, and which
---statuses a shop has besides those of Magento itself: these wait for their row.
local cart = require "cartwright.cart"
local decimal = require "cartwright.decimal"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local telling = require "shipped.magento2.telling"

local shop = cart.new {
  title = "Magento 2",
  settings = {
    url = cart.url { required = true, help = "address of the shop, without /rest" },
    index_php = cart.boolean { default = false, help = "true where addresses need /index.php: no rewrite rules" },
    store = cart.text { default = "all", help = "code of the store view in addresses; all = values for every view" },
    token = cart.secret { required = true, help = "System > Integrations: access token" },
    consumer_key = cart.text { help = "with the other three secrets requests are signed: consumer key" },
    consumer_secret = cart.secret { help = "consumer secret" },
    token_secret = cart.secret { help = "access token secret" },
    source = cart.text { default = "default", help = "code of the inventory source whose stock is read and told" },
    bulk = cart.boolean { default = false, help = "tell stock by the shop's message queue, whose consumers must run" },
    notify = cart.boolean { default = true, help = "whether the shop mails the buyer about it" },
    page_size = cart.integer { default = 100, help = "records asked for at once; some shops allow 300 at most" },
  },
  http = function(settings)
    local http = { base = ("%s%s/rest/%s/V1/"):format(settings.url, settings.index_php and "/index.php" or "",
      settings.store), headers = { Accept = "application/json" }, rate = "5/s", burst = 5 }
    if settings.consumer_key then
      http.oauth1 = { consumer_key = settings.consumer_key, consumer_secret = settings.consumer_secret,
        token = settings.token, token_secret = settings.token_secret }
    else
      http.bearer = settings.token
    end
    return http
  end,
}

-- Connection ----------------------------------------------------------------------------------------------------------

---The shop's words with their parameters in the places of %1 and %name.
---@param reported table
---@return string
function shop.words(reported)
  local given = type(reported.parameters) == "table" and reported.parameters or {}
  local in_turn = 0
  return (tostring(reported.message):gsub("%%(%w+)", function(name)
    in_turn = in_turn + 1
    local value = given[math.tointeger(tonumber(name)) or name] or given[in_turn]
    return value ~= nil and tostring(value) or nil
  end))
end

local REFUSED = "the shop does not accept the token. Since 2.4.4 it takes a token alone only when \"Allow OAuth Access "
  .. "Tokens to be used as standalone Bearer tokens\" is on (Stores > Configuration > Services > OAuth); or set "
  .. "consumer_key, consumer_secret and token_secret as well"

---What a status means here: code of the test, setting to look at, what to do.
local CAUSES = {
  [401] = { "auth", "token", REFUSED },
  [403] = { "permission", "url", "the web server or a firewall refuses the request" },
  [404] = { "not-found", "url", "no REST interface at this address; check it, the code of the store, and whether the "
    .. "shop needs index_php = true" },
  [503] = { "unavailable", nil, "the shop is in maintenance" },
}

---@param response cartwright.Response
---@return string? words
---@return string? code
---@return string? setting
function shop:explain(response)
  local is_json, reported = pcall(response.json, response)
  local cause = CAUSES[response.status]
  if not is_json or type(reported) ~= "table" or type(reported.message) ~= "string" then
    if cause then return cause[3], cause[1], cause[2] end
    return nil
  end
  local words, given = shop.words(reported), reported.parameters
  local resource = type(given) == "table" and given.resources
  if response.status == 401 and type(resource) == "string" and resource ~= "self" then
    return ("the integration lacks %s; allow it under System > Integrations > API, or %s"):format(resource, REFUSED),
      "permission", "token"
  end
  if response.status == 404 and not words:find "route" then return words, "not-found" end
  if not cause then return words end
  return ("%s; %s"):format(cause[3], words), cause[1], cause[2]
end

---@return table[] stores
---@return cartwright.Response
local function read_stores(self)
  local response = self:get "store/storeConfigs"
  local is_json, stores = pcall(response.json, response)
  if not is_json or type(stores) ~= "table" or type(stores[1]) ~= "table" or not stores[1].base_currency_code then
    cart.fail("not-expected", ("the address answers, but not as Magento's REST interface does (%s)")
      :format(is_json and "no stores in it" or tostring(stores)), "url")
  end
  return stores, response
end

---@return string[] findings
function shop:test()
  local stores, response = read_stores(self)
  local one = shop.search({}, "entity_id", 1)
  for _, list in ipairs { "orders", "customers/search", "products" } do self:get(list, one) end
  self:get("inventory/source-items", shop.search({ { "source_code", "eq", self.settings.source } }, "sku", 1))
  return { ("Magento, %d store views, base currency %s"):format(#stores, tostring(stores[1].base_currency_code)),
    cart.clock_note(response) }
end

-- Reading -------------------------------------------------------------------------------------------------------------

---The query of a list: filters that all hold, sorted by `sort`.
---@param filters { [1]: string, [2]: string, [3]: string|integer }[] field, condition, value
---@param sort string
---@return table<string, any>
function shop.search(filters, sort, size, page)
  local query = { ["searchCriteria[pageSize]"] = size, ["searchCriteria[currentPage]"] = page or 1,
    ["searchCriteria[sortOrders][0][field]"] = sort, ["searchCriteria[sortOrders][0][direction]"] = "ASC" }
  for i, filter in ipairs(filters) do
    local name = ("searchCriteria[filter_groups][%d][filters][0]"):format(i - 1)
    for j, part in ipairs { "field", "condition_type", "value" } do query[("%s[%s]"):format(name, part)] = filter[j] end
  end
  return query
end

local FORMAT = "%Y-%m-%d %H:%M:%S"

---Filters for what was changed, or made, inside the window.
local function inside(window)
  if not window.from then return {} end
  local field = window.by == "placed" and "created_at" or "updated_at"
  return { { field, "gteq", window.from:format(FORMAT) }, { field, "lteq", window.to:format(FORMAT) } }
end

---Reads a list whose records have an entity_id, by what comes behind it.
---@param key string of the id in the records
---@param fields? string of the records, as the parameter `fields` has them
---@param store? fun(records: cartwright.Records)
local function walk(self, window, path, key, fields, store)
  local filters = inside(window)
  local function read(more, size, page)
    local query = shop.search(table.move(filters, 1, #filters, #more + 1, more), "entity_id", size, page)
    query.fields = fields
    return self:get(path, query):records("items", key)
  end
  paging.keys(self, window, { size = self.settings.page_size, store = store,
    read = function(after, size) return read(after and { { "entity_id", "gt", after } } or {}, size) end,
    nth = function(offset) return read({}, 1, offset + 1) end })
end

local function list(self, window, path, key)
  walk(self, window, path, key, ("items[%s]"):format(key), function(records) self:list(records:collect(key)) end)
end

local function read_some(self, ids, path, key)
  local filter = { { "entity_id", "in", table.concat(ids, ",") } }
  self:emit(self:get(path, shop.search(filter, "entity_id", #ids)):records("items", key))
end

-- Orders --------------------------------------------------------------------------------------------------------------

local DECIMALS = 4 -- of amounts; what stands behind them PHP's floats have added

---@param record cartwright.Node
---@return cartwright.Decimal?
local function rounded(record, field)
  local value = record:decimal(field)
  return value and value:round(DECIMALS)
end

local function amount(field)
  return function(record) return rounded(record, field) end
end

---The money of a row: whether row_total has the discount in it, its own price tells.
---@param row cartwright.Node
---@return cartwright.Decimal total
---@return cartwright.Decimal discount
local function money_of(row)
  local discount = rounded(row, "discount_amount") or decimal.new(0)
  local total = rounded(row, "row_total") or decimal.new(0)
  local gross = (row:decimal "price" or 0) * (row:decimal "qty_ordered" or 0)
  local function distance(value)
    local difference = value - gross
    return difference < 0 and -difference or difference
  end
  if distance(total) <= distance(total + discount) then return total - discount, discount end
  return total, discount
end

---Bundles whose money is in their children's rows, by id.
local function split_bundles(order)
  local split = {}
  for row in order:each "items" do
    local parent = row:text "parent_item_id"
    if parent and row:text "parent_item/product_type" == "bundle" and money_of(row) > 0 then split[parent] = true end
  end
  return split
end

---Pieces that will not be sent: those that were cancelled or paid back, as far as they had not left. Which of them came
---back of those that had left the row does not say; nor do rows of bundles say what left of them.
---@param row cartwright.Node
---@param is_bundle boolean
local function cancelled_of(row, is_bundle)
  local gone = row:decimal "qty_canceled" or decimal.new(0)
  if not is_bundle then gone = gone + (row:decimal "qty_refunded" or 0) end
  local open = (row:decimal "qty_ordered" or 0) - (row:decimal "qty_shipped" or 0)
  local pieces = gone < open and gone or open
  return pieces > 0 and pieces or nil
end

local function line(row, has_money)
  local total, discount = money_of(row)
  local parent = row:text "parent_item/product_type" == "bundle" and row:text "parent_item_id" or nil
  if not has_money then total, discount = decimal.new(0), decimal.new(0) end
  return { id = row:text "item_id", parent = parent, sku = row:text "sku", name = row:text "name",
    product = row:text "product_id", quantity = row:decimal "qty_ordered", discount = discount, total = total,
    cancelled = cancelled_of(row, parent ~= nil or row:text "product_type" == "bundle"),
    price = has_money and rounded(row, "price") or decimal.new(0), rate = row:decimal "tax_percent",
    tax = has_money and rounded(row, "tax_amount") or decimal.new(0) }
end

---Each thing that was sold once: the child of a configurable is the configurable.
---@param order cartwright.Node
---@return table[]
local function lines(order)
  local split, found = split_bundles(order), {}
  for row in order:each "items" do
    local parent, kind = row:text "parent_item_id", row:text "parent_item/product_type"
    if not parent or parent == "0" then
      found[#found + 1] = line(row, not split[row:text "item_id"])
    elseif kind == "bundle" then
      found[#found + 1] = line(row, split[parent] or false)
    end
  end
  return found
end

---Amounts that are taken off what is to be paid without being a discount: gift cards, store credit, reward points.
local CREDITS = { "gift_cards_amount", "customer_balance_amount", "reward_currency_amount" }

---@param order cartwright.Node
local function discount_total(order)
  local total = -(rounded(order, "discount_amount") or decimal.new(0))
  for discount in order:each "$line" do total = total - (discount:decimal "discount" or 0) end
  for _, field in ipairs(CREDITS) do total = total + (rounded(order, "extension_attributes/" .. field) or 0) end
  return total
end

---@param order cartwright.Node
local function tax_total(order)
  local total = rounded(order, "tax_amount") or decimal.new(0)
  for _, field in ipairs { "discount_tax_compensation_amount", "shipping_discount_tax_compensation_amount" } do
    total = total + (rounded(order, field) or 0)
  end
  return total
end

---From the totals: no status tells it.
---@param order cartwright.Node
local function payment_status(order)
  local total, paid = rounded(order, "grand_total") or 0, rounded(order, "total_paid") or 0
  local refunded = rounded(order, "total_refunded") or 0
  if refunded > 0 then return refunded >= paid and "refunded" or "partly_refunded" end
  if paid <= 0 then return "unpaid" end
  return paid >= total and "paid" or "partly_paid"
end

---@param order cartwright.Node
local function fulfilment_status(order)
  if order:text "is_virtual" == "1" then return nil end
  local shipped, open = 0, 0
  for row in order:each "items" do
    local sent = row:decimal "qty_shipped" or 0
    local gone = sent + (row:decimal "qty_canceled" or 0) + (row:decimal "qty_refunded" or 0)
    shipped = shipped + sent
    if row:text "is_virtual" ~= "1" and not row:text "parent_item_id" and gone < (row:decimal "qty_ordered" or 0) then
      open = open + 1
    end
  end
  if shipped <= 0 then return "open" end
  return open > 0 and "partial" or "shipped"
end

local NO_ID = { none = "0" }

---@param region map.Any
local function address(region)
  return map.address {
    first_name = "firstname",
    last_name = "lastname",
    company = "company",
    vat_number = "vat_id",
    street = "street[1]",
    street2 = map.join({ "street[2]", "street[3]", "street[4]" }, ", "),
    postcode = "postcode",
    city = "city",
    region = region,
    country = "country_id",
    phone = "telephone",
    email = "email",
  }
end

local SHIPPING = "extension_attributes/shipping_assignments/shipping"

shop.orders = {
  id = "entity_id",
  records = "items",
  overlap = "1h",
  settle = "10s",

  fetch = function(self, window) walk(self, window, "orders", "entity_id") end,
  ids = function(self, window) list(self, window, "orders", "entity_id") end,
  read = function(self, ids) read_some(self, ids, "orders", "entity_id") end,

  derive = { line = lines },

  map = map.order {
    number = "increment_id",
    status = map.translate("status", "status"),
    payment_status = payment_status,
    fulfilment_status = fulfilment_status,
    cart_status = "status",
    second_status = "state",
    reference = "payment/po_number",
    placed_at = map.time("created_at", { zone = "UTC" }),
    changed_at = map.time("updated_at", { zone = "UTC" }),
    channel = "store_id",
    currency = map.value("order_currency_code", { required = true }),
    tax_included = map.constant(false),
    discount_total = discount_total,
    shipping_total = amount "shipping_amount",
    tax_total = tax_total,
    total = map.value(amount "grand_total", { required = true }),
    paid_total = amount "total_paid",
    rounding = map.constant "line",
    customer_id = map.value("customer_id", NO_ID),
    email = "customer_email",
    billing = map.at("billing_address", address(map.first { "region_code", "region" })),
    shipping = map.at(SHIPPING .. "/address", address(map.first { "region_code", "region" })),
    payment_method = "payment/method",
    shipping_method = SHIPPING .. "/method",
    shipping_name = "shipping_description",
    lines = map.each("$line", map.line {
      external_id = "id",
      parent_id = "parent",
      sku = "sku",
      name = "name",
      item_id = "product",
      quantity = map.value("quantity", { required = true }),
      cancelled = "cancelled",
      unit_price = "price",
      discount = "discount",
      total = "total",
      tax = "tax",
      tax_rate = "rate",
    }),
    taxes = map.each("extension_attributes/applied_taxes", map.tax {
      name = map.first { "title", "code" },
      rate = "percent",
      amount = amount "amount",
    }),
    custom = {
      coupon = "coupon_code",
      replaces = "original_increment_id", -- an order that was edited is cancelled, and comes as this one
      transaction_id = "payment/last_trans_id",
      customer_group = map.value("customer_group_id", NO_ID),
    },
  },
}

---Shops add states of their own: give each a row.
shop.tables.status = {
  ["pending"] = "pending",
  ["pending_payment"] = "pending",
  ["pending_paypal"] = "pending",
  ["payment_review"] = "on_hold",
  ["fraud"] = "on_hold",
  ["holded"] = "on_hold",
  ["processing"] = "processing",
  ["complete"] = "completed",
  ["closed"] = "refunded",
  ["canceled"] = "cancelled",
  ["paypal_reversed"] = "on_hold",
  ["paypal_canceled_reversal"] = "processing",
}

-- Customers -----------------------------------------------------------------------------------------------------------

---@param path string of an attribute of the shop's own
local function attribute(name)
  return ("custom_attributes[attribute_code=%s]/value"):format(name)
end

shop.customers = {
  id = "id",
  records = "items",
  overlap = "1h",
  settle = "10s",

  fetch = function(self, window) walk(self, window, "customers/search", "id") end,
  ids = function(self, window) list(self, window, "customers/search", "id") end,
  read = function(self, ids) read_some(self, ids, "customers/search", "id") end,

  map = map.customer {
    number = "id",
    email = "email",
    first_name = "firstname",
    last_name = "lastname",
    company = map.first { "extension_attributes/company_attributes/company_id", "addresses/company" },
    vat_number = map.first { "taxvat", "addresses/vat_id" },
    phone = "addresses/telephone",
    group = map.value("group_id", NO_ID),
    created_at = map.time("created_at", { zone = "UTC" }),
    changed_at = map.time("updated_at", { zone = "UTC" }),
    addresses = map.each("addresses", address(map.first { "region/region_code", "region/region" })),
    custom = { website = "website_id" },
  },
}

-- Items ---------------------------------------------------------------------------------------------------------------

---The currency of prices: that of the shop's first store view.
---@param items cartwright.Records
local function attach_stores(self, items)
  items:attach("store", self:once("stores", function() return self:get "store/storeConfigs":records "." end))
end

local function walk_items(self, window)
  walk(self, window, "products", "id", nil, function(items)
    attach_stores(self, items)
    local _, last = items:ends()
    self:emit(items, { position = last })
  end)
end

shop.items = {
  id = "id",
  records = "items",
  overlap = "1h",
  settle = "10s",

  fetch = walk_items,
  ids = function(self, window) list(self, window, "products", "id") end,
  read = function(self, ids)
    local filter = { { "entity_id", "in", table.concat(ids, ",") } }
    local items = self:get("products", shop.search(filter, "entity_id", #ids)):records("items", "id")
    attach_stores(self, items)
    self:emit(items)
  end,

  map = map.item {
    sku = map.text("sku", { required = true }),
    name = "name",
    description = attribute "description",
    type = map.translate("product_type", "type_id"),
    active = map.boolean(map.translate("active", "status")),
    currency = "$store/base_currency_code",
    price = amount "price",
    weight = "weight",
    tax_class = attribute "tax_class_id",
    created_at = map.time("created_at", { zone = "UTC" }),
    changed_at = map.time("updated_at", { zone = "UTC" }),
    custom = { visibility = "visibility", attribute_set = "attribute_set_id" },
  },
}

shop.tables.product_type = { simple = "simple", virtual = "virtual", downloadable = "virtual", giftcard = "virtual",
  configurable = "variants", bundle = "kit", grouped = "kit" }

shop.tables.active = { ["1"] = "true", ["2"] = "false" }

-- Stock ---------------------------------------------------------------------------------------------------------------

shop.stock = {
  id = "sku",
  records = "items",
  full = true, -- stock has no time of change

  fetch = function(self, window)
    local filter = { { "source_code", "eq", self.settings.source } }
    paging.numbers(self, window, { size = self.settings.page_size, read = function(page, size)
      local response = self:get("inventory/source-items", shop.search(filter, "sku", size, page))
      local total = response:json_node():integer "total_count"
      return response:records("items", "sku"), total or 0
    end })
  end,

  map = map.stock_level {
    sku = "sku",
    warehouse = "source_code",
    quantity = map.value("quantity", { required = true }),
  },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

---Of our statuses those that the shop is told by a comment; the others follow from what is done.
shop.tables.status_out = { pending = "pending", processing = "processing", completed = "complete" }

shop.lacks = {
  shipments = "how the shop lists shipments is not known here beyond their tracks",
  webhook = "the shop sends no notices by itself",
  ["item-variants"] = "variants are products of their own, and come in as items of their own",
}

return shop
