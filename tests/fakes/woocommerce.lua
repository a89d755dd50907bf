---A WooCommerce 8 in a folder of its host: its parts are woocommerce/door.lua (who is let in) and
---woocommerce/lists.lua (what is read).
---
---Of the real one it has: over plain http requests signed by OAuth 1.0a, with nonces that count once, local times beside _gmt ones, a
---filter for changes whose bounds are exclusive, counts in headers, pages of 100 at most, amounts without tax, HTML
---entities in texts, ids that orders, products and variations share, variations by product only, batches that answer 200
---although members failed, the Shipment Tracking extension (`shop.tracks`), and mails (`shop.mails`). An order of which
---lines or addresses are sent is calculated anew: that is booked as "recalculated".
local decimal = require "cartwright.decimal"
local door = require "fakes.woocommerce.door"
local fake = require "cartwright.fake"
local json = require "cartwright.json"
local lists = require "fakes.woocommerce.lists"
local time = require "cartwright.time"

local KEY, SECRET, HOOK = "ck_fake0000000000000000000000000000000000000", "cs_fake0000000000000000000000000000000000000", "hook <secret>"
local WC, ZONE = "/wp-json/wc/v3/", "Europe/Berlin"

local shop = fake.new { title = "WooCommerce", path = "/shop",
  settings = { key = KEY, secret = SECRET, webhook_secret = HOOK } }

-- Answers -------------------------------------------------------------------------------------------------------------

local function fault(status, code, message) return fake.json({ code = code, message = message, data = { status = status } }, status) end

local function page(status, words)
  return fake.text("<!DOCTYPE html><html><body><h1>" .. words .. "</h1></body></html>", status, { ["Content-Type"] = "text/html" })
end

shop.failures = {
  ["401"] = fault(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
  ["403"] = page(403, "Forbidden"),
  ["404"] = page(404, "Not Found"),
  ["429"] = page(429, "Too Many Requests"),
  ["500"] = fault(500, "internal_server_error", "There has been a critical error on this website."),
  ["503"] = page(503, "Briefly unavailable for scheduled maintenance."),
  ["no-permission"] = fault(403, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
  ["wrong-secret"] = fault(401, "woocommerce_rest_authentication_error", "Consumer secret is invalid."),
  ["not-active"] = fault(404, "rest_no_route", "No route was found matching the URL and request method."),
}

---@param request fake.Request
function shop:authorized(request)
  if request.path == "/wp-json/" then return true end
  if self.reads_only and request.method ~= "GET" then
    return fault(401, "woocommerce_rest_authentication_error", "The API key provided does not have write permissions.")
  end
  local why = door.fault(self, request, KEY, SECRET)
  return why == nil or why.code and fault(401, why.code, why.message) or fault(401, "woocommerce_rest_cannot_view",
    "Sorry, you cannot list resources.")
end

local function missing(what) return fault(404, ("woocommerce_rest_%s_invalid_id"):format(what), "Invalid ID.") end

---A list of the shop, as the query wants it.
local function list(self, request, all, kind)
  if self.ignores_changes then
    request.query.modified_after, request.query.modified_before, request.query.dates_are_gmt = nil, nil, nil
  end
  local found, why = lists.select(all, request.query, kind)
  if not found then return fault(400, "rest_invalid_param", why) end
  local size = request:number("per_page", 10)
  local offset = request.query.offset and request:number("offset", 0) or (request:number("page", 1) - 1) * size
  local made = {}
  for _, object in ipairs(self:page(found, offset, size)) do
    if not self.hidden[tostring(object.id)] then made[#made + 1] = lists.trim(object, request.query._fields) end
  end
  return fake.json(json.array(made), 200, self.tells_counts and { ["X-WP-Total"] = tostring(#found),
    ["X-WP-TotalPages"] = tostring((#found + size - 1) // size) } or nil)
end

---One object, in the same words.
local function one(self, request, object, what, status)
  if not object then return missing(what) end
  return fake.json(lists.trim(self:page({ object }, 0, 1)[1], request.query._fields), status)
end

-- What it begins with -------------------------------------------------------------------------------------------------

function shop:start()
  self.orders, self.products, self.variations, self.customers, self.trackings, self.notes = {}, {}, {}, {}, {}, {}
  self.tracks, self.nonces, self.mails = true, {}, {}
  self.reads_only = false     -- the key may not write
  self.ignores_changes = false -- as versions before 5.8
  self.tells_counts = true    -- false: something before the shop takes X-WP-Total away
  self.hidden = {}            -- ids that are counted, but not shown
  self.refused = {}           -- SKUs that a batch refuses
  self.providers = { UPS = true, USPS = true, ["Deutsche Post DHL"] = true }
end

---Ids are shared by all that WordPress keeps as posts.
local function new_id(self) return 100 + self:next "posts" end

---Sets a time and its local sibling.
local function stamp(object, field, moment)
  object[field] = moment and moment:format("%Y-%m-%dT%H:%M:%S", ZONE) or json.null
  object[field .. "_gmt"] = moment and moment:format("%Y-%m-%dT%H:%M:%S", "UTC") or json.null
end

local function touch(self, object) stamp(object, "date_modified", self:now()) end

local function by_id(all, id)
  for _, object in ipairs(all) do
    if tostring(object.id) == tostring(id) then return object end
  end
end

local function moment_of(self, text) return text and time.parse(text, "UTC") or self:now() end

local function entities(text) return (text or ""):gsub("&", "&amp;") end

-- Orders --------------------------------------------------------------------------------------------------------------

shop.statuses = { paid = "processing", shipped = "completed" } -- it has one word for both

local STATUS = { paid = "processing", processing = "processing", pending = "pending", on_hold = "on-hold",
  completed = "completed", shipped = "completed", cancelled = "cancelled", refunded = "refunded", failed = "failed" }

local function address(given, email)
  given = given or {}
  local made = { first_name = entities(given.first_name), last_name = entities(given.last_name or given.name),
    company = entities(given.company), address_1 = entities(given.street), address_2 = entities(given.street2),
    postcode = given.postcode or "", city = entities(given.city), state = given.region or "", country = given.country or "",
    phone = given.phone or "" }
  made.email = email
  return made
end

local function by_sku(self, sku)
  for _, product in ipairs(self.products) do
    if product.sku == sku then return product end
  end
  for _, variation in ipairs(self.variations) do
    if variation.sku == sku then return variation end
  end
end

---The net row of what was sold.
local function row(self, line, number)
  local total = decimal.new(line.total or line.unit_price) - decimal.new(line.tax or "0")
  local sold = by_sku(self, line.sku)
  return { id = number, name = entities(line.name), product_id = sold and (sold.parent_id ~= 0 and sold.parent_id or sold.id) or 0,
    variation_id = sold and sold.parent_id ~= 0 and sold.id or 0, quantity = decimal.new(line.quantity), tax_class = "",
    subtotal = tostring(total), subtotal_tax = line.tax or "0.00", total = tostring(total), total_tax = line.tax or "0.00",
    taxes = json.array {}, meta_data = json.array {}, sku = line.sku or json.null, price = decimal.new(line.unit_price) }
end

local function taxes_of(order)
  if decimal.new(order.tax_total or "0") == decimal.new "0" then return json.array {} end
  return json.array { { id = 1, rate_code = "TAX-1", rate_id = 1, label = "Tax", compound = false,
    tax_total = order.tax_total, shipping_tax_total = "0", rate_percent = 0 } }
end

function shop:place(order)
  local id, rows, of_lines = new_id(self), {}, decimal.new "0"
  for i, line in ipairs(order.lines or {}) do
    rows[i], of_lines = row(self, line, i), of_lines + decimal.new(line.tax or "0")
  end
  local tax = decimal.new(order.tax_total or "0")
  local status = order.cart_status or STATUS[order.status] or "processing"
  local made = { id = id, parent_id = 0, number = order.number or tostring(id), status = status, currency = order.currency,
    currency_symbol = "&euro;", prices_include_tax = true, discount_total = "0.00", discount_tax = "0.00",
    shipping_total = tostring(decimal.new(order.shipping_total or "0") - (tax - of_lines)), shipping_tax = tostring(tax - of_lines),
    cart_tax = tostring(of_lines), total = order.total, total_tax = tostring(tax), customer_id = 0, created_via = "checkout",
    billing = address(order.billing, order.email), shipping = address(order.shipping), payment_method = order.payment_method or "",
    payment_method_title = "Bank &ndash; transfer", transaction_id = "", customer_note = entities(order.note),
    line_items = json.array(rows), tax_lines = taxes_of(order), shipping_lines = json.array {}, fee_lines = json.array {},
    coupon_lines = json.array {}, refunds = json.array {}, meta_data = json.array {} }
  local placed = moment_of(self, order.placed_at)
  stamp(made, "date_created", placed)
  stamp(made, "date_modified", order.changed_at and moment_of(self, order.changed_at) or placed)
  stamp(made, "date_paid", (status == "processing" or status == "completed") and placed or nil)
  stamp(made, "date_completed", nil)
  self.orders[#self.orders + 1] = made
  return tostring(id), made.number
end

function shop:amend(id, changes)
  local order = by_id(self.orders, id)
  if changes.status then order.status = STATUS[changes.status] or changes.status end
  if changes.note then order.customer_note = entities(changes.note) end
  touch(self, order)
end

function shop:remove(id)
  for i, order in ipairs(self.orders) do
    if tostring(order.id) == tostring(id) then return table.remove(self.orders, i) end
  end
end

local function add_tracking(self, order_id, tracking)
  local all = self.trackings[tostring(order_id)] or {}
  self.trackings[tostring(order_id)] = all
  tracking.tracking_id = ("%032x"):format(self:next "trackings")
  all[#all + 1] = tracking
  return tracking
end

function shop:ship(id, shipment)
  add_tracking(self, id, { tracking_provider = shipment.carrier, tracking_link = "", tracking_number = shipment.tracking_number,
    date_shipped = self:now():format "%Y-%m-%d" })
  touch(self, by_id(self.orders, id))
end

function shop:refund(id, refund)
  local order = by_id(self.orders, id)
  table.insert(order.refunds, { id = new_id(self), reason = "", total = "-" .. refund.amount })
  if decimal.new(refund.amount) >= decimal.new(order.total) then order.status = "refunded" end
  touch(self, order)
end

function shop:order_of(id)
  local order, shipments = by_id(self.orders, id), {}
  if not order then return nil end
  for i, tracking in ipairs(self.trackings[tostring(id)] or {}) do
    shipments[i] = { tracking_number = tracking.tracking_number, carrier = tracking.tracking_provider }
  end
  return { status = order.status, shipments = shipments }
end

function shop:announce(id)
  local body = json.encode(by_id(self.orders, id))
  self:notify { body = body, headers = { ["Content-Type"] = "application/json", ["X-WC-Webhook-Topic"] = "order.updated",
    ["X-WC-Webhook-Resource"] = "order", ["X-WC-Webhook-Event"] = "updated", ["X-WC-Webhook-ID"] = "5",
    ["X-WC-Webhook-Delivery-ID"] = "00aa", ["X-WC-Webhook-Signature"] = fake.hmac(HOOK, body) } }
end

-- Products and customers ----------------------------------------------------------------------------------------------

---What products and variations have in common. `name` is kept as it was written.
local function goods(self, given)
  local made = { id = new_id(self), parent_id = 0, name = given.name or "", sku = given.sku or "", status = "publish",
    description = given.description or "", price = given.price or "", regular_price = given.price or "", sale_price = "",
    date_on_sale_from_gmt = json.null, date_on_sale_to_gmt = json.null, virtual = false, tax_class = "",
    manage_stock = given.quantity ~= nil, stock_quantity = given.quantity and decimal.new(given.quantity) or json.null,
    weight = "", attributes = json.array {}, meta_data = json.array {} }
  stamp(made, "date_created", self:now())
  touch(self, made)
  return made
end

function shop:offer(item)
  local product = goods(self, item)
  product.type, product.variations = "simple", json.array {}
  self.products[#self.products + 1] = product
  for i, variant in ipairs(item.variants or {}) do
    local variation = goods(self, variant)
    variation.parent_id, variation.type = product.id, "variation"
    variation.attributes = json.array { { id = 6, name = "Size", option = entities(variant.name) } }
    self.variations[#self.variations + 1] = variation
    product.variations[i] = variation.id
    product.type, product.manage_stock, product.stock_quantity, product.regular_price = "variable", false, json.null, ""
  end
  return tostring(product.id)
end

function shop:register(customer)
  local id = 20 + self:next "users"
  local made = { id = id, email = customer.email, first_name = entities(customer.first_name),
    last_name = entities(customer.last_name), role = "customer", username = customer.username or customer.email,
    billing = address(customer.addresses and customer.addresses[1], ""), shipping = address(), meta_data = json.array {} }
  stamp(made, "date_created", self:now())
  touch(self, made)
  self.customers[#self.customers + 1] = made
  return tostring(id)
end

function shop:quantity_of(sku)
  local sold = by_sku(self, sku)
  return sold and sold.manage_stock == true and tostring(sold.stock_quantity) or nil
end

function shop:price_of(sku)
  local sold = by_sku(self, sku)
  return sold and sold.regular_price or nil
end

function shop:item_of(sku) return by_sku(self, sku) end

function shop:customer_of(email)
  for _, customer in ipairs(self.customers) do
    if customer.email == email then return customer end
  end
end

-- Reading -------------------------------------------------------------------------------------------------------------

shop:route("GET /wp-json/", function(self)
  local namespaces = { "wp/v2", "wc/v1", "wc/v2", "wc/v3" }
  if self.tracks then namespaces[#namespaces + 1] = "wc-shipment-tracking/v3" end
  return fake.json { name = "Tea", namespaces = json.array(namespaces) }
end)

shop:route("GET " .. WC .. "orders", function(self, request) return list(self, request, self.orders, "order") end)
shop:route("GET " .. WC .. "orders/{id}", function(self, request)
  return one(self, request, by_id(self.orders, request.params.id), "shop_order")
end)
shop:route("GET " .. WC .. "customers", function(self, request) return list(self, request, self.customers, "customer") end)
shop:route("GET " .. WC .. "customers/{id}", function(self, request)
  return one(self, request, by_id(self.customers, request.params.id), "customer")
end)
shop:route("GET " .. WC .. "settings/general/woocommerce_currency", function()
  return fake.json { id = "woocommerce_currency", value = "EUR" }
end)
shop:route("GET " .. WC .. "webhooks", function() return fake.json(json.array {}) end)

---Searched by SKU, variations are found beside products.
shop:route("GET " .. WC .. "products", function(self, request)
  local all = self.products
  if request.query.sku then
    all = table.move(self.variations, 1, #self.variations, #all + 1, table.move(all, 1, #all, 1, {}))
  end
  return list(self, request, all, "product")
end)
shop:route("GET " .. WC .. "products/{id}", function(self, request)
  return one(self, request, by_id(self.products, request.params.id), "product")
end)

local function variations_of(self, product_id)
  local found = {}
  for _, variation in ipairs(self.variations) do
    if tostring(variation.parent_id) == product_id then found[#found + 1] = variation end
  end
  return found
end

shop:route("GET " .. WC .. "products/{id}/variations", function(self, request)
  if not by_id(self.products, request.params.id) then return missing "product" end
  return list(self, request, variations_of(self, request.params.id), "variation")
end)

-- Being told: goods ---------------------------------------------------------------------------------------------------

local TOLD = { "name", "description", "sku", "regular_price", "sale_price", "weight", "status", "tax_class", "manage_stock",
  "stock_quantity", "date_on_sale_from_gmt", "date_on_sale_to_gmt" }

---Changes a product or variation, and books what changed.
local function change(self, object, fields)
  local was, price = object.stock_quantity, object.regular_price
  for _, name in ipairs(TOLD) do
    local is_end = name:find "^date_on_sale" and fields[name] == "" -- a null is passed over
    if is_end then object[name] = json.null elseif fields[name] ~= nil and fields[name] ~= json.null then object[name] = fields[name] end
  end
  if fields.stock_quantity ~= nil then -- whole numbers are all that it knows
    object.stock_quantity = decimal.new(tostring(fields.stock_quantity)):round(0, "down")
  end
  if fields.stock_quantity ~= nil and fields.stock_quantity ~= was then
    self:book { kind = "stock", sku = object.sku, quantity = tostring(fields.stock_quantity) }
  end
  if fields.regular_price ~= nil and fields.regular_price ~= price then
    self:book { kind = "price", sku = object.sku, price = fields.regular_price }
  end
  touch(self, object)
end

local BATCH = 100

local function batch(self, request, all)
  local update, made = request:json().update or {}, {}
  if #update > BATCH then
    return fault(413, "woocommerce_rest_request_entity_too_large", "Unable to accept more than 100 items for this request.")
  end
  for i, fields in ipairs(update) do
    local object = by_id(all, fields.id)
    if object and self.refused[object.sku] then
      made[i] = { id = object.id, error = { code = "woocommerce_rest_cannot_edit", message = "Sorry.", data = { status = 403 } } }
    elseif object then
      change(self, object, fields)
      made[i] = object
    else
      made[i] = { id = fields.id, error = { code = "woocommerce_rest_product_invalid_id", message = "Invalid ID.",
        data = { status = 400 } } }
    end
  end
  return fake.json { update = json.array(made) }
end

shop:route("POST " .. WC .. "products/batch", function(self, request) return batch(self, request, self.products) end)
shop:route("POST " .. WC .. "products/{id}/variations/batch", function(self, request)
  return batch(self, request, variations_of(self, request.params.id))
end)

shop:route("POST " .. WC .. "products", function(self, request)
  local fields = request:json()
  if by_sku(self, fields.sku) then return fault(400, "product_invalid_sku", "Invalid or duplicated SKU.") end
  local product = by_id(self.products, self:offer { name = fields.name, sku = fields.sku })
  for _, name in ipairs(TOLD) do
    if fields[name] ~= nil then product[name] = fields[name] end
  end
  self:book { kind = "item", sku = product.sku, name = product.name }
  return fake.json(product, 201)
end)
shop:route("PUT " .. WC .. "products/{id}", function(self, request)
  local product = by_id(self.products, request.params.id)
  if not product then return missing "product" end
  change(self, product, request:json())
  self:book { kind = "item", sku = product.sku, name = product.name }
  return fake.json(product)
end)

-- Being told: customers -----------------------------------------------------------------------------------------------

local function tell_customer(self, customer, fields)
  for _, name in ipairs { "email", "first_name", "last_name" } do customer[name] = fields[name] or customer[name] end
  for name, value in pairs(fields.billing or {}) do customer.billing[name] = value end
  touch(self, customer)
  self:book { kind = "customer", email = customer.email }
  return customer
end

shop:route("POST " .. WC .. "customers", function(self, request)
  local fields = request:json()
  if self:customer_of(fields.email) then
    return fault(400, "registration-error-email-exists", "An account is already registered with your email address.")
  end
  local made = by_id(self.customers, self:register { email = fields.email, username = fields.username })
  return fake.json(tell_customer(self, made, fields), 201)
end)
shop:route("PUT " .. WC .. "customers/{id}", function(self, request)
  local customer = by_id(self.customers, request.params.id)
  return customer and fake.json(tell_customer(self, customer, request:json())) or missing "customer"
end)

-- Being told: orders --------------------------------------------------------------------------------------------------

shop:route("PUT " .. WC .. "orders/{id}", function(self, request)
  local order, fields = by_id(self.orders, request.params.id), request:json()
  if not order then return missing "shop_order" end
  for _, name in ipairs { "billing", "shipping", "line_items", "shipping_lines", "fee_lines", "coupon_lines" } do
    if fields[name] then self:book { kind = "recalculated", order_id = request.params.id } end
  end
  if fields.status and fields.status ~= order.status then
    order.status = fields.status
    self.mails[#self.mails + 1] = { order_id = request.params.id, status = fields.status }
    self:book { kind = "status", order_id = request.params.id, status = fields.status }
  end
  touch(self, order)
  return one(self, request, order, "shop_order")
end)

shop:route("GET " .. WC .. "orders/{id}/notes", function(self, request)
  return fake.json(json.array(self.notes[request.params.id] or {}))
end)
shop:route("POST " .. WC .. "orders/{id}/notes", function(self, request)
  local id, fields = request.params.id, request:json()
  if not by_id(self.orders, id) then return missing "shop_order" end
  self.notes[id] = self.notes[id] or {}
  local note = { id = self:next "notes", note = fields.note, customer_note = fields.customer_note == true }
  table.insert(self.notes[id], note)
  self.mails[#self.mails + 1] = { order_id = id, note = fields.note }
  self:book { kind = "shipment", order_id = id, tracking_number = fields.note:match "%w+$" }
  return fake.json(note, 201)
end)

local TRACKINGS = "/wp-json/wc-shipment-tracking/v3/orders/{id}/shipment-trackings"

local function no_route() return fault(404, "rest_no_route", "No route was found matching the URL and request method.") end

shop:route("GET " .. TRACKINGS, function(self, request)
  return self.tracks and fake.json(json.array(self.trackings[request.params.id] or {})) or no_route()
end)
shop:route("POST " .. TRACKINGS, function(self, request)
  local fields = request:json()
  if not self.tracks then return no_route() end
  if not by_id(self.orders, request.params.id) then return missing "shop_order" end
  if fields.tracking_provider and not self.providers[fields.tracking_provider] then
    return fault(400, "woocommerce_rest_shipment_tracking_invalid_provider", "No such provider.")
  end
  local tracking = add_tracking(self, request.params.id, { tracking_number = fields.tracking_number, tracking_link = "",
    tracking_provider = fields.tracking_provider or fields.custom_tracking_provider, date_shipped = fields.date_shipped })
  self:book { kind = "shipment", order_id = request.params.id, tracking_number = fields.tracking_number,
    carrier = tracking.tracking_provider }
  return fake.json(tracking, 201)
end)
shop:route("DELETE " .. TRACKINGS .. "/{tracking}", function(self, request)
  for i, tracking in ipairs(self.trackings[request.params.id] or {}) do
    if tracking.tracking_id == request.params.tracking then
      return fake.json(table.remove(self.trackings[request.params.id], i))
    end
  end
  return missing "shipment_tracking"
end)
shop:route("GET " .. WC .. "{rest*}", no_route)

return shop
