---WooCommerce 3.5 and later through its REST interface (wc/v3): orders, customers, items, stock. What the shop is told is in
---woocommerce/telling.lua and its parts.
---
---Facts this script relies on:
---  - Keys go by basic authentication over https. Over plain http the shop refuses that, and wants each request signed
---    (OAuth 1.0a), within 15 minutes of its clock. Some servers drop the Authorization header; then the keys can stand
---    in the address, from where they get into access logs.
---  - Times ending in _gmt are UTC without saying so; their siblings are local times of the site. The filter for
---    changes compares local times unless dates_are_gmt is set, is exclusive to the second, and is ignored without a
---    word by versions before 5.8. Variations and customers have no such filter at all.
---  - The count of records comes in X-WP-Total. Pages can be short or even empty in the middle, because the shop
---    counts records that it then does not show.
---  - Amounts of lines, freight and fees are without tax and after discounts; coupon_lines repeat what is already in
---    the lines. lines + fees + freight + taxes - gift cards = total. Refunds do not change the total,
---    and in an order do not say of which pieces they are: what was paid back before it was sent stays in demand.
---  - Amounts are rounded for the answer unless more digits are asked for (dp).
---  - Plugins write numbers as text, text as numbers, and false where nothing is. Texts may hold HTML entities.
---  - PHP may print notices before the JSON.
---  - Stock is counted where manage_stock is true; "parent" is a variation whose product is counted as a whole.
---  - A webhook's signature is over the body alone; its Delivery-ID is not signed, and two deliveries of one second
---    share it. The address gets an unsigned form with webhook_id=N when the webhook is made, and must answer 200.
---    After five failures in a row the shop switches the webhook off without a word.
---
---Not known: whether a change of a variation always touches the time of its product; one that does not comes with the
---product's next change. What bundles are made of is left to the plugin that sells them.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local reading = require "shipped.woocommerce.reading"
local telling = require "shipped.woocommerce.telling"
local time = require "cartwright.time"

local shop = cart.new {
  title = "WooCommerce REST v3",
  settings = {
    url = cart.url { required = true, help = "address of the shop, where WordPress is, without /wp-json" },
    key = cart.secret { required = true, help = "consumer key: WooCommerce > Settings > Advanced > REST API" },
    secret = cart.secret { required = true, help = "consumer secret that belongs to the key" },
    webhook_secret = cart.secret { help = "of webhooks, which let changes be fetched at once: WooCommerce > Settings > "
      .. "Advanced > Webhooks" },
    sign = cart.boolean { help = "sign requests (OAuth 1.0a) in the place of sending the keys; default: where the address "
      .. "is plain http. Shops behind a proxy that ends https may need it" },
    keys_in_address = cart.boolean { default = false, help = "for servers that drop the Authorization header" },
    customer_role = cart.text { default = "customer", help = "role of the users who are customers; all: every user" },
    page_size = cart.integer { default = 100, help = "records asked for at once, at most 100" },
    tracking_notes = cart.boolean { default = false, help = "where the Shipment Tracking extension is not active: write "
      .. "tracking numbers into a note, which the shop mails to the buyer" },
  },
  http = function(settings)
    local http = { base = settings.url .. "/wp-json/wc/v3/", rate = "10/s", burst = 5 }
    local signs = settings.sign
    if signs == nil then signs = settings.url:find "^http://" ~= nil end
    if settings.keys_in_address then
      http.query = { consumer_key = settings.key, consumer_secret = settings.secret }
    elseif signs then
      http.oauth1 = { consumer_key = settings.key, consumer_secret = settings.secret }
    else
      http.basic = { settings.key, settings.secret }
    end
    return http
  end,
}

-- Connection ----------------------------------------------------------------------------------------------------------

---What the shop's own error codes mean: code of the test, setting to look at, what to do.
local CAUSES = {
  woocommerce_rest_cannot_view = { "auth", "key", "the shop does not know the key, its user may not see orders, or the "
    .. "web server drops the Authorization header (then set keys_in_address = true)" },
  woocommerce_rest_authentication_error = { "auth", "secret", "the shop does not accept the key" },
  woocommerce_rest_cannot_edit = { "permission", "key", "the key's user may not change this" },
  woocommerce_rest_cannot_create = { "permission", "key", "the key's user may not make this" },
  rest_no_route = { "not-found", "url", "WooCommerce is not active there, or older than 3.5" },
}

---What it means when not the shop but its web server answers.
local WEB_PAGES = {
  [401] = { "auth", "url", "the web server itself asks for a password, before the shop" },
  [403] = { "permission", "url", "the web server or a firewall refuses the request" },
  [404] = { "not-found", "url", "no REST interface at this address; check it, and that permalinks are not \"plain\"" },
  [503] = { "unavailable", nil, "the shop is in maintenance" },
}

---What else may be wrong where the shop does not accept a key: its messages are translated, and do not tell.
---@param response cartwright.Response
---@return string
local function doubts(self, response)
  local settings = self.settings
  if not response.address:find "^GET " then return ", or the key may only read (it needs Read/Write)" end
  local is_plain = settings.url:find "^http://" ~= nil
  if is_plain and settings.sign == false and not settings.keys_in_address then
    return "; over plain http the shop takes signed requests only: leave out sign = false"
  end
  local note = cart.clock_note(response)
  if not (is_plain or settings.sign) or settings.keys_in_address then return "" end
  return "; requests are signed for this address: it must be the one that the shop calls its own, letter by letter"
    .. (note and "; " .. note or "")
end

---@param response cartwright.Response
---@return string? words
---@return string? code
---@return string? setting
function shop:explain(response)
  local is_json, reported = pcall(response.json, response)
  if not is_json or type(reported) ~= "table" or type(reported.code) ~= "string" then
    local page = WEB_PAGES[response.status] or {}
    return page[3], page[1], page[2]
  end
  local words = ("%s (%s)"):format(tostring(reported.message), reported.code)
  local cause = CAUSES[reported.code]
  if response.status == 403 then return "the key's user may not do this; " .. words, "permission", "key" end
  if not cause then return words end
  return ("%s%s; %s"):format(cause[3], response.status == 401 and doubts(self, response) or "", words), cause[1], cause[2]
end

---@return table index of the WordPress site
---@return cartwright.Response
function shop:read_index()
  local response = self:get(self.settings.url .. "/wp-json/", { _fields = "namespaces" })
  local is_json, index = pcall(response.json, response)
  if not is_json or type(index) ~= "table" or type(index.namespaces) ~= "table" then
    cart.fail("not-expected", ("the address answers, but not as WordPress does (%s); check it, and that it is not "
      .. "redirected to the home page"):format(is_json and "no namespaces in it" or index), "url")
  end
  return index, response
end

---Whether a webhook leads to this cart: its address may have more behind the cart's name.
local function is_ours(self, hook)
  local path = type(hook.delivery_url) == "string" and hook.delivery_url:match "^[^?#]*" or ""
  return (path .. "/"):find(("/webhooks/%s/"):format(self.name), 1, true) ~= nil
end

---What the shop's webhooks are like, in a sentence.
---@return string finding
local function find_webhooks(self)
  if not self.takes_notices then
    return "no webhooks, since the secret webhook_secret is not set: changes wait for the next sync"
  end
  local is_read, hooks = pcall(function() return self:get("webhooks", { per_page = 100 }):json() end)
  if not is_read or type(hooks) ~= "table" then
    return ("whether the shop's webhooks are on is not known: %s"):format(tostring(hooks))
  end
  local on, off = {}, {}
  for _, hook in ipairs(hooks) do
    local list = hook.status == "active" and on or off
    if is_ours(self, hook) then list[#list + 1] = ("%s (%s)"):format(tostring(hook.topic), tostring(hook.status)) end
  end
  if #off > 0 then
    return ("webhooks are switched off in the shop: %s; see why they failed there, and set them to active again")
      :format(table.concat(off, ", "))
  elseif #on == 0 then
    return ("the shop has no webhook that leads here: add one whose address ends in /webhooks/%s, with webhook_secret "
      .. "as its secret"):format(self.name)
  end
  return "webhooks: " .. table.concat(on, ", ")
end

---What each stream reads, besides orders.
local NEEDED = { "customers", "products", "settings/general/woocommerce_currency" }

---Raises what the key's user may not read.
local function check_rights(self)
  local missing = {}
  for _, path in ipairs(NEEDED) do
    local response, message, code = self:request { path = path, query = { per_page = 1, _fields = "id" } }
    if not response then cart.fail(code or "io", message) end
    ---@cast response cartwright.Response
    if response.status == 401 or response.status == 403 then
      missing[#missing + 1] = path:match "^%a+"
    else
      cart.check_answer(self, path, response)
    end
  end
  if #missing > 0 then
    cart.fail("permission", ("the key's user may not read %s; give the key to a shop manager or administrator"):format(
      table.concat(missing, ", ")), "key")
  end
end

---@return string[] findings
function shop:test()
  local index, response = self:read_index()
  local has_commerce = false
  for _, namespace in ipairs(index.namespaces) do has_commerce = has_commerce or namespace == "wc/v3" end
  if not has_commerce then
    cart.fail("not-found", "WordPress answers, but WooCommerce is not active there, or older than 3.5", "url")
  end
  self:get("orders", { per_page = 1, status = "any", _fields = "id" }):records "."
  check_rights(self)
  local findings = { "WooCommerce, wc/v3", cart.clock_note(response) }
  if not reading.heeds_changes(self) then
    findings[#findings + 1] = "this WooCommerce is older than 5.8 and cannot list changes: every sync reads all orders"
  end
  findings[#findings + 1] = find_webhooks(self)
  return findings
end

-- Notices -------------------------------------------------------------------------------------------------------------

---What topics are about, and the stream that reads it.
local STREAMS = { order = "orders", coupon = "orders", customer = "customers", product = "items" }

---@param notice cartwright.Notice
function shop:webhook(notice)
  local signature = notice:header "X-WC-Webhook-Signature"
  if not signature and notice.body:find "^webhook_id=%d+$" then return { ignore = true } end
  if not self:signed { secret = "webhook_secret", encoding = "base64", signature = signature } then
    return nil, signature and "the signature is not right; is webhook_secret that of the webhook?" or "it is not signed"
  end
  local topic = notice:header "X-WC-Webhook-Topic" or ""
  local stream = STREAMS[topic:match "^%a+"]
  if not (stream and self[stream]) then return { ignore = true } end
  return { topic = topic, job = stream }
end

-- Orders --------------------------------------------------------------------------------------------------------------

---Plugins write false where nothing is.
local function value(path)
  return map.value(path, { none = { "", "false" } })
end

---@param path string|string[]
local function text(path)
  return map.first(type(path) == "table" and path or { path }, { none = { "", "false" }, html = true })
end

local function id(path)
  return map.value(path, { none = { "", "false", "0" } })
end

local function gmt(path)
  return map.time(path, { none = { "", "false" }, zone = "UTC" })
end

local function address()
  return map.address {
    first_name = text "first_name",
    last_name = text "last_name",
    company = text "company",
    street = text "address_1",
    street2 = text "address_2",
    postcode = text "postcode",
    city = text "city",
    region = text "state",
    country = value "country",
    phone = text "phone",
    email = value "email",
  }
end

---Refunds do not change the order's total; their amounts are negative.
---@param order cartwright.Node
---@return string
local function payment_status(order)
  local refunded, total = 0, order:decimal "total" or 0
  for refund in order:each "refunds" do refunded = refunded - (refund:decimal "total" or 0) end
  local status = order:text "status"
  if status == "refunded" or refunded > 0 and refunded >= total then return "refunded" end
  if refunded > 0 then return "partly_refunded" end
  local paid_at = order:text "date_paid_gmt"
  if paid_at and paid_at ~= "false" then return "paid" end
  return status == "failed" and "failed" or "unpaid"
end

---"Color: Black, Engraving: For Ann": what a buyer chose, without markup. Keys with a leading _ are the shop's own; what
---is no text is a plugin's.
---@param line cartwright.Node
local function options(line)
  local found = {}
  for meta in line:each "meta_data" do
    local key = meta:text "display_key" or meta:text "key" or ""
    local chosen = meta:text "display_value" or meta:text "value"
    if chosen and not (meta:text "key" or "_"):find "^_" then found[#found + 1] = key .. ": " .. chosen:gsub("<[^>]*>", "") end
  end
  return #found > 0 and table.concat(found, ", ") or nil
end

local DIGITS = 6 -- of amounts: enough that sums of lines do not suffer from rounding

shop.orders = {
  id = "id",
  records = ".",
  overlap = "1h",
  settle = "5s",

  fetch = function(self, window) reading.fetch(self, window, "orders", { status = "any", dp = DIGITS }) end,
  ids = function(self, window) reading.list(self, window, "orders", { status = "any" }) end,
  read = function(self, ids) reading.read_some(self, ids, "orders", { status = "any", dp = DIGITS }) end,

  skip = {
    ["never checked out"] = { path = "status", values = { "auto-draft", "checkout-draft" } },
    ["in the trash"] = { path = "status", values = { "trash" } },
  },

  map = map.order {
    number = value { "number", "id" },
    status = map.translate("status", "status"),
    payment_status = payment_status,
    fulfilment_status = map.translate("fulfilment", "status"),
    cart_status = "status",
    placed_at = gmt "date_created_gmt",
    changed_at = gmt "date_modified_gmt",
    paid_at = gmt "date_paid_gmt",
    channel = value "created_via",
    currency = map.value("currency", { required = true }),
    tax_included = map.constant(false),
    discount_total = map.sum "gift_cards/amount", -- coupons are in the lines already
    shipping_total = value "shipping_total",
    fee_total = map.sum "fee_lines/total",
    tax_total = value "total_tax",
    total = map.value("total", { required = true }),
    rounding = map.constant "total",
    customer_id = id "customer_id",
    email = value "billing/email",
    billing = map.at("billing", address()),
    shipping = map.at("shipping", address()),
    payment_method = value "payment_method",
    payment_name = text "payment_method_title",
    shipping_method = value "shipping_lines/method_id",
    shipping_name = text "shipping_lines/method_title",
    note = text "customer_note",
    lines = map.each("line_items", map.line {
      external_id = "id",
      parent_id = id { "bundled_by", "composite_parent" },
      sku = value "sku",
      name = text "name",
      item_id = id "product_id",
      variant_id = id "variation_id",
      quantity = map.value("quantity", { required = true }),
      unit_price = value "price",
      total = map.value("total", { required = true }),
      tax = value "total_tax",
      custom = { options = map.text(options, { html = true }) },
    }),
    discounts = map.each("coupon_lines", map.discount {
      code = text "code",
      amount = value "discount",
      tax = value "discount_tax",
    }),
    fees = map.each("fee_lines", map.fee {
      name = text "name",
      amount = value "total",
      tax = value "total_tax",
    }),
    taxes = map.each("tax_lines", map.tax {
      name = text { "label", "rate_code" },
      rate = value "rate_percent",
      amount = map.sum { "tax_total", "shipping_tax_total" },
    }),
    custom = {
      transaction_id = map.text(value "transaction_id"),
      vat_number = map.text(text { "meta_data[key=_vat_number]/value", "meta_data[key=vat_number]/value",
        "meta_data[key=_billing_vat]/value" }),
    },
  },
}

---Plugins add states of their own: give each a row. GET reports/orders/totals lists a shop's states.
shop.tables.status = {
  ["pending"] = "pending",
  ["on-hold"] = "on_hold",
  ["processing"] = "processing",
  ["completed"] = "completed",
  ["cancelled"] = "cancelled",
  ["refunded"] = "refunded",
  ["failed"] = "failed",
}

shop.tables.fulfilment = {
  ["completed"] = "shipped",
  ["cancelled"] = false,
  ["refunded"] = false,
  ["failed"] = false,
  ["*"] = "open",
}

-- Customers -----------------------------------------------------------------------------------------------------------

---Whether a customer was made, or changed, in the window: the list has no filter for either.
---@param record cartwright.Node
local function is_inside(window, record)
  local stamp = record:text(window.by == "placed" and "date_created_gmt" or "date_modified_gmt")
  local at = stamp and time.parse(stamp .. "Z")
  return not (window.from and at) or (at >= window.from and at <= window.to)
end

---The invoice's and the parcel's, as far as they are filled in.
---@param customer cartwright.Node
local function both_addresses(customer)
  local list = {}
  for _, part in ipairs { "billing", "shipping" } do
    local copy, is_empty = {}, true
    for field in customer:each(part .. "/*") do
      copy[field:name()] = field:text()
      is_empty = is_empty and (field:text() or "") == ""
    end
    if not is_empty then list[#list + 1] = copy end
  end
  return { list = list }
end

shop.customers = {
  id = "id",
  records = ".",
  derive = { addresses = both_addresses },
  full = true, -- the shop lists them by no time

  fetch = function(self, window) reading.walk(self, window, "customers", { role = self.settings.customer_role }) end,

  ids = function(self, window)
    local query = { role = self.settings.customer_role, _fields = "id,date_created_gmt,date_modified_gmt" }
    reading.walk(self, window, "customers", query, nil, function(records)
      local ids = {}
      for record in records:each() do
        if is_inside(window, record) then ids[#ids + 1] = record:text "id" end
      end
      self:list(ids)
    end)
  end,

  read = function(self, ids) reading.read_some(self, ids, "customers", { role = self.settings.customer_role }) end,

  map = map.customer {
    number = "id",
    email = value "email",
    first_name = text { "first_name", "billing/first_name" },
    last_name = text { "last_name", "billing/last_name" },
    company = text { "billing/company", "shipping/company" },
    vat_number = text { "meta_data[key=_vat_number]/value", "meta_data[key=vat_number]/value",
      "meta_data[key=billing_vat]/value" },
    phone = text "billing/phone",
    group = value "role",
    created_at = gmt "date_created_gmt",
    changed_at = gmt "date_modified_gmt",
    addresses = map.each("$addresses/list", address()),
    custom = { username = map.text(value "username") },
  },
}

-- Items ---------------------------------------------------------------------------------------------------------------

---@param items cartwright.Records
local function complete_items(self, items)
  local variations = reading.variations_of(self, items)
  if variations then items:attach("variation", variations, "variations", "id") end
  items:attach("currency", self:once("currency", function()
    return self:get("settings/general/woocommerce_currency", { _fields = "id,value" }):records "."
  end))
end

---"Green, L": what was chosen for each attribute.
---@param variation cartwright.Node
local function option_names(variation)
  local names = {}
  for attribute in variation:each "attributes" do names[#names + 1] = attribute:text "option" end
  return #names > 0 and table.concat(names, ", ") or nil
end

---@param product cartwright.Node
local function item_type(product)
  local kind = product:text "type" or "simple"
  return kind == "simple" and product:text "virtual" == "true" and "virtual" or kind
end

local function is_published(record) return record:text "status" == "publish" end

shop.items = {
  id = "id",
  records = ".",
  overlap = "1h",
  settle = "5s",

  fetch = function(self, window)
    reading.fetch(self, window, "products", { status = "any" }, function(records) complete_items(self, records) end)
  end,
  ids = function(self, window) reading.list(self, window, "products", { status = "any" }) end,
  read = function(self, ids)
    reading.read_some(self, ids, "products", { status = "any" }, function(records) complete_items(self, records) end)
  end,

  skip = {
    ["never saved"] = { path = "status", values = { "auto-draft" } },
    ["in the trash"] = { path = "status", values = { "trash" } },
    ["variation"] = { path = "type", values = { "variation" } },
  },

  map = map.item {
    sku = value "sku",
    name = text "name",
    description = value "description",
    type = map.translate("product_type", item_type),
    active = is_published,
    currency = "$currency/value",
    price = value { "regular_price", "price" },
    weight = value "weight",
    tax_class = value "tax_class",
    created_at = gmt "date_created_gmt",
    changed_at = gmt "date_modified_gmt",
    variants = map.each("$variation", map.variant {
      external_id = "id",
      sku = value "sku",
      name = map.text(option_names, { html = true }),
      price = value { "regular_price", "price" },
      weight = value "weight",
      active = is_published,
    }),
  },
}

---Plugins sell types of their own.
shop.tables.product_type = {
  ["simple"] = "simple",
  ["virtual"] = "virtual",
  ["variable"] = "variants",
  ["variable-subscription"] = "variants",
  ["bundle"] = "kit",
  ["composite"] = "kit",
  ["*"] = "simple",
}

-- Stock ---------------------------------------------------------------------------------------------------------------

local STOCK_FIELDS = "id,type,parent_id,sku,status,manage_stock,stock_quantity,variations"

---Stores the variations of a page of products, each with its product.
---@param products cartwright.Records
local function take_variations(self, products)
  local variations = reading.variations_of(self, products, "id,sku,status,manage_stock,stock_quantity")
  if not variations then return end
  variations:attach("product", products, "id", "variations")
  self:emit(variations)
end

---"parent" is counted with its product; numbers and texts are what plugins make of yes and no.
---@param record cartwright.Node
local function is_counted(record)
  local manages = record:text "manage_stock"
  return manages == "true" or manages == "1" or manages == "yes"
end

shop.stock = {
  id = "id",
  records = ".",
  full = true, -- stock of variations has no time of change that could be asked for

  fetch = function(self, window)
    reading.walk(self, window, "products", { status = "any", _fields = STOCK_FIELDS },
      function(records) take_variations(self, records) end)
  end,

  skip = {
    ["counted with its product"] = { path = "manage_stock", values = { "parent" } },
    ["not counted"] = function(record) return not is_counted(record) and record:text "manage_stock" ~= "parent" end,
    ["in the trash"] = { path = "status", values = { "trash" } },
  },

  map = map.stock_level {
    sku = map.value({ "sku", "$product/sku" }, { none = { "", "false" } }), -- as order lines do it
    item_id = map.first { "$product/id", "id" },
    variant_id = function(record) return record:node "$product" and record:text "id" end,
    quantity = map.value("stock_quantity", { required = true }),
  },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

---The shop's words for ours: carriers by the names that the Shipment Tracking extension lists (others go by their own), tax
---classes by their slugs.
shop.tables.carrier_out, shop.tables.tax_class_out = {}, {}

shop.lacks = {
  shipments = "the shop itself keeps none; plugins keep tracking numbers, each in its own way",
  ["shipments-out-partial"] = "the shop knows no parts of an order: a parcel has its number there, and no lines",
  ["order-shrinks"] = "refunds of an order do not say which pieces they are of",
}

return shop
