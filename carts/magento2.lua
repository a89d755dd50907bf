---Magento 2 and Adobe Commerce through REST: orders, customers, items, stock of one source. What the shop is told is in
---magento2/telling.lua, its stock in magento2/levels.lua; the connection test and
---what errors mean is in magento2/connection.lua.
---
---Facts this script relies on (AdobeDocs/commerce-webapi, issues of magento/magento2, answers that clients recorded):
---  - Since 2.4.4 the access token alone is refused unless the shop allows it; signed with all four secrets of the
---    integration (OAuth 1.0a) it is always good.
---  - Lists have no stable order and repeat their last page for ever in older versions. They are asked for by what
---    comes behind an entity_id, which needs neither pages nor counts; stock, which has no id, by pages and its count.
---  - Filters are OR inside a group, groups are AND. The condition `in` takes a list with commas, so what has a comma
---    itself is asked for by `eq`.
---  - Times are UTC without a zone. Fields that are null are left out. Amounts are floats of PHP with up to four
---    decimals ("29.949999999999999"), and exist in the shop's currency as base_*; the others are what the buyer pays.
---  - discount_amount of an order is negative, and contains that of the shipping and those of its items, which are
---    positive.
---    row_total of an item is without its discount in some shops, with it in others.
---  - A configurable item has a row for itself, with the money, and one for the child that was chosen, with the same
---    SKU. A bundle's money is in its own row, or in those of its children, never in both.
---  - Pieces that were cancelled or paid back stay in qty_ordered and in the totals. Whether those that were paid back
---    had left a row does not say: as many count as not sent as are open.
---  - An order may have no status, which shops name as they like; its state, one of eight, says as much.
---  - An order that is edited is cancelled, and replaced by a new one, whose number has a suffix.
---  - Variants are products of their own; a configurable has no stock and no SKU that is sold.
---  - What is published of stock is the source's quantity less what open orders reserve; the quantity is written. From
---    the figure `available` these orders were taken already, and go twice; from on_hand (out.stock.figure) they were not.
---  - Before 2.3, and where its modules are off, there are no sources (MSI): stock is then one item of each product,
---    which is told by itself (single_stock). Reading it takes a request for each SKU, which this script does not do.
---  - Shops may limit the members of a list that is written, and the size of a page: "Maximum ... is 20".
---
---Adobe Commerce as a Cloud Service is another interface: https://SERVER.api.commerce.adobe.com/TENANT/V1/, without
---/rest, the store in a header, let in by tokens of Adobe's identity service. The connection test says that this is not it.
---
---Not known: whether every version lists the items of shipments (a number that comes later is added only where it
---does), how options of an item are read in words, and which statuses a shop has besides those of Magento itself: these
---wait for their row.
local cart = require "cartwright.cart"
local connection = require "shipped.magento2.connection"
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
    single_stock = cart.boolean { default = false, help = "true where the shop has no inventory sources (MSI): stock "
      .. "is told SKU by SKU, and not read" },
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

for name, value in pairs(connection) do shop[name] = value end

-- Reading -------------------------------------------------------------------------------------------------------------

local PARTS = { "field", "condition_type", "value" }

---@alias magento2.Filter { [1]: string, [2]: string, [3]: string|integer } field, condition, value

---The query of a list: filters that all hold, sorted by `sort`.
---@param filters (magento2.Filter|magento2.Filter[])[] of filters that stand in a list of their own one has to hold
---@param sort string
---@return table<string, any>
function shop.search(filters, sort, size, page)
  local query = { ["searchCriteria[pageSize]"] = size, ["searchCriteria[currentPage]"] = page or 1,
    ["searchCriteria[sortOrders][0][field]"] = sort, ["searchCriteria[sortOrders][0][direction]"] = "ASC" }
  for i, group in ipairs(filters) do
    for k, filter in ipairs(type(group[1]) == "table" and group or { group }) do
      local name = ("searchCriteria[filter_groups][%d][filters][%d]"):format(i - 1, k - 1)
      for j, part in ipairs(PARTS) do query[("%s[%s]"):format(name, part)] = filter[j] end
    end
  end
  return query
end

---Filters of which one holds for what has one of these SKUs.
---@param messages cartwright.Message[]
---@return magento2.Filter[]
local function with_skus(messages)
  local group, plain = {}, {}
  for _, message in ipairs(messages) do
    local sku = message.data.sku
    if sku:find(",", 1, true) then group[#group + 1] = { "sku", "eq", sku } else plain[#plain + 1] = sku end
  end
  if #plain > 0 then group[#group + 1] = { "sku", "in", table.concat(plain, ",") } end
  return group
end

---A SKU as one part of an address.
---@return string
function shop.in_path(sku)
  return (sku:gsub("[^%w%-_.~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local AT_ONCE = 20 -- SKUs in one address: servers take some 8000 bytes

---A figure of the records that have the SKUs of these messages.
---@param filters magento2.Filter[] that hold as well
---@return table<string, cartwright.Decimal> figures by SKU
function shop:figures(path, field, messages, filters)
  local figures = {}
  for first = 1, #messages, AT_ONCE do
    local some = table.move(messages, first, math.min(first + AT_ONCE - 1, #messages), 1, {})
    local all = table.move(filters, 1, #filters, 2, { with_skus(some) })
    for record in self:get(path, shop.search(all, "sku", AT_ONCE)):json_node():each "items" do
      figures[record:text "sku"] = record:decimal(field)
    end
  end
  return figures
end

local FORMAT = "%Y-%m-%d %H:%M:%S"

---Filters for what was changed, or made, inside the window.
local function inside(window)
  if not window.from then return {} end
  local field = window.by == "placed" and "created_at" or "updated_at"
  return { { field, "gteq", window.from:format(FORMAT) }, { field, "lteq", window.to:format(FORMAT) } }
end

---Reads by pages as large as the settings say, or as the shop then allows.
---@param read fun(size: integer)
local function in_pages(self, read)
  local size = self.settings.page_size
  local done, problem = pcall(read, size)
  if done then return end
  local limit = type(problem) == "table" and problem.status == 400 and self.limit_in(problem.message)
  if not limit or limit < 1 or limit >= size then error(problem, 0) end
  read(limit)
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
  in_pages(self, function(most)
    paging.keys(self, window, { size = most, store = store,
      read = function(after, size) return read(after and { { "entity_id", "gt", after } } or {}, size) end,
      nth = function(offset) return read({}, 1, offset + 1) end })
  end)
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

---An order may lack its status, and has its state then.
local STATUS = map.first { "status", "state" }

shop.orders = {
  id = "entity_id",
  records = { ".", "items" }, -- an order by itself, which has items too; a list
  overlap = "1h",
  settle = "10s",

  fetch = function(self, window) walk(self, window, "orders", "entity_id") end,
  ids = function(self, window) list(self, window, "orders", "entity_id") end,
  read = function(self, ids) read_some(self, ids, "orders", "entity_id") end,

  derive = { line = lines },

  map = map.order {
    number = "increment_id",
    status = map.translate("status", STATUS, { required = true }),
    payment_status = payment_status,
    fulfilment_status = fulfilment_status,
    cart_status = STATUS,
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
  ["new"] = "pending", -- a state
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
  records = { ".", "items" },
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
  records = { ".", "items" },
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
    if self.settings.single_stock then
      cart.fail("not-expected", connection.NO_SOURCES .. ", says single_stock: its stock is told, and not read; switch "
        .. "the stream off: switches = { stock = false }", "single_stock")
    end
    local filter = { { "source_code", "eq", self.settings.source } }
    local function read(page, size)
      local response = self:get("inventory/source-items", shop.search(filter, "sku", size, page))
      local total = response:json_node():integer "total_count"
      return response:records("items", "sku"), total or 0
    end
    in_pages(self, function(most) paging.numbers(self, window, { size = most, read = read }) end)
  end,

  map = map.stock_level {
    sku = "sku",
    warehouse = "source_code",
    quantity = map.value("quantity", { required = true }),
  },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

---Of our statuses those that several of the shop's mean.
shop.tables.status_out = { pending = "pending", on_hold = "holded", processing = "processing", completed = "complete" }

shop.lacks = {
  shipments = "whether every version of the shop lists what is in its shipments is not known here",
  webhook = "the shop sends no notices by itself",
  ["item-variants"] = "variants are products of their own, and come in as items of their own",
}

return shop
