---A Shopify of one's own making, as carts/shopify.lua uses it: orders and customers by REST, items and stock by
---GraphQL, with the traps of the real one: closed orders left out unless asked for, refusals with status 200, parcels
---made of lines of fulfilment orders of one location, and no key for writes but that of stock from version 2026-04 on. A
---version that is not supported (`shop.supported`) is answered as the oldest one that is, and each takes its own form of
---a stock level only. What lies there (on_hand) is more than what is left of it by `shop.committed`.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local json = require "cartwright.json"
local time = require "cartwright.time"

local shop = fake.new {
  title = "Shopify",
  settings = { token = "shpat_fake", webhook_secret = "shpss_fake", page_size = 5, rate = 100 },
  statuses = { processing = "paid", on_hold = "paid" }, -- it has no words for these
  reads = function(request)
    return request.path:find "/graphql%.json$" and not request:json().query:find "^mutation" or nil
  end,
}

local BASE = "/admin/api/{version}/"
local LOCATION = 487838322

function shop:start()
  self.orders, self.customers, self.products, self.levels = {}, {}, {}, {}
  self.supported = { "2026-01", "2026-04", "2026-07" }
  self.scopes = { "read_all_orders", "write_orders", "write_customers", "write_products", "write_inventory",
    "read_locations", "write_merchant_managed_fulfillment_orders" }
  self.committed = {}                      -- pieces by SKU that orders have taken and that still lie there
  self.keys = {}                           -- of writes that were carried out
  self.throttled = { ask = 0, change = 0 } -- so many questions and changes by GraphQL it is asked too much by
  self.held = {}                           -- ids of orders whose fulfilment is on hold
  self.places = {}                         -- locations by SKU, where it is another than the first
  self.fault = nil                         -- what the shop says of each stock level that it is told
  self.warns = false                       -- whether it understands no filter of GraphQL
end

local function problem(status, errors) return fake.json({ errors = errors }, status) end

---The version that answers for the one that was asked for.
local function version_of(self, asked)
  for _, version in ipairs(self.supported) do
    if version == asked then return version end
  end
  return self.supported[1]
end

---A route of the interface; `pattern` is below its version.
local function route(pattern, answer)
  local method, path = pattern:match "^(%S+) (.*)$"
  shop:route(("%s %s%s"):format(method, BASE, path), function(self, request)
    self.version = version_of(self, request.params.version)
    local made = answer(self, request)
    made.headers["X-Shopify-API-Version"] = self.version
    return made
  end)
end

local function may(self, ...)
  for _, wanted in ipairs { ... } do
    for _, scope in ipairs(self.scopes) do
      if scope == wanted or scope == wanted:gsub("^read", "write") then return true end
    end
  end
  return false
end

---A token of the developer dashboard's apps lasts a day.
local DAY_TOKEN = "shpat_of_a_day"

function shop:authorized(request)
  local token = request:header "X-Shopify-Access-Token"
  if request.path == "/admin/oauth/access_token" or token == self.settings.token then return true end
  if token == DAY_TOKEN and self.token_until and self:now() < self.token_until then return true end
  return problem(401, "[API] Invalid API key or access token (unrecognized login or wrong password)")
end

shop.failures = {
  ["no-permission"] = problem(403, "[API] This action requires merchant approval for read_orders scope."),
}

-- What it has ---------------------------------------------------------------------------------------------------------

local function find(list, id)
  for _, record in ipairs(list) do
    if tostring(record.id) == tostring(id) then return record end
  end
end

---Times carry the shop's offset.
local function stamp(at) return at:add(-5 * 3600):format "%Y-%m-%dT%H:%M:%S-05:00" end

local function money(value) return tostring(decimal.new(value or 0)) end

---What our statuses are in the shop's words: of money, of parcels, and what else.
local STATES = {
  pending = { "pending" }, paid = { "paid" }, processing = { "paid" }, on_hold = { "paid" },
  shipped = { "paid", "fulfilled" }, completed = { "paid", "fulfilled", "closed_at" },
  cancelled = { "voided", nil, "cancelled_at" }, refunded = { "refunded" }, failed = { "expired" },
}

local function set_state(order, state, at)
  order.financial_status, order.fulfillment_status = state[1], state[2] or json.null
  order.total_outstanding = (state[1] == "pending" or state[1] == "expired") and order.total_price or "0.00"
  if state[3] then order[state[3]] = stamp(at) end
end

local function address_of(given)
  if not given then return json.null end
  local name = given.name or ((given.first_name or "") .. " " .. (given.last_name or ""))
  return { name = name, first_name = given.first_name or name:match "^%S*", last_name = given.last_name,
    company = given.company, address1 = given.street or "", address2 = given.street2, city = given.city,
    zip = given.postcode, province = given.region, country_code = given.country, phone = given.phone }
end

local function variant_by_sku(self, sku)
  for _, product in ipairs(self.products) do
    for _, variant in ipairs(product.variants) do
      if variant.sku == sku then return variant, product end
    end
  end
end

local function line_of(self, line)
  local variant, product = variant_by_sku(self, line.sku)
  local quantity = decimal.new(line.quantity):integer()
  return { id = self:next "line" + 16000000000000, sku = line.sku or "", title = line.name, name = line.name,
    quantity = quantity, current_quantity = quantity, fulfillable_quantity = quantity, price = money(line.unit_price),
    total_discount = "0.00", discount_allocations = json.array {}, properties = json.array {},
    tax_lines = json.array {}, variant_id = variant and variant.id or json.null,
    product_id = product and product.id or json.null, variant_title = json.null }
end

function shop:place(given)
  local number = self:next "order"
  local id, at = 6000000000000 + number, given.placed_at and time.parse(given.placed_at, "UTC") or self:now()
  local lines = json.array {}
  for i, line in ipairs(given.lines or {}) do lines[i] = line_of(self, line) end
  local freight = money(given.shipping_total)
  local order = { id = id, name = "#" .. 1000 + number, order_number = 1000 + number, test = false,
    created_at = stamp(at), updated_at = stamp(at), made = at, changed = self:now(), closed_at = json.null,
    cancelled_at = json.null, currency = given.currency, presentment_currency = given.currency, taxes_included = false,
    total_price = money(given.total), current_total_price = money(given.total), subtotal_price = "0.00",
    total_tax = money(given.tax_total),
    total_tip_received = "0.00", email = given.email, contact_email = given.email, note = given.note or json.null,
    note_attributes = json.array {}, tags = "", source_name = "web", customer = json.null,
    payment_gateway_names = { given.payment_method or "manual" }, discount_codes = json.array {},
    tax_lines = json.array {}, fulfillments = json.array {}, refunds = json.array {},
    billing_address = address_of(given.billing), shipping_address = address_of(given.shipping or given.billing),
    shipping_lines = { { title = given.shipping_name or "Standard", code = "standard", price = freight,
      discounted_price = freight, discount_allocations = json.array {} } }, line_items = lines }
  local changed = given.changed_at and time.parse(given.changed_at, "UTC") or self:now()
  order.changed, order.updated_at = changed, stamp(changed)
  set_state(order, given.cart_status and { given.cart_status } or STATES[given.status] or STATES.paid, at)
  self.orders[#self.orders + 1] = order
  return tostring(id), order.name
end

local function touch(self, record) record.changed, record.updated_at = self:now(), stamp(self:now()) end

function shop:amend(order_id, changes)
  local order = find(self.orders, order_id)
  if changes.status then set_state(order, STATES[changes.status], self:now()) end
  if changes.note then order.note = changes.note end
  if changes.total then order.total_price, order.current_total_price = money(changes.total), money(changes.total) end
  if changes.outstanding then order.total_outstanding = money(changes.outstanding) end
  touch(self, order)
end

function shop:remove(order_id)
  for i, order in ipairs(self.orders) do
    if tostring(order.id) == order_id then table.remove(self.orders, i) end
  end
end

---Makes a parcel of pieces by lines; nil where there are fewer of them.
local function make_parcel(self, order, pieces, tracking)
  local lines, left = json.array {}, 0
  for _, piece in ipairs(pieces) do
    local line = find(order.line_items, piece.id)
    if not line or piece.quantity > line.fulfillable_quantity then return nil end
  end
  for i, piece in ipairs(pieces) do
    local line = find(order.line_items, piece.id)
    line.fulfillable_quantity = line.fulfillable_quantity - piece.quantity
    lines[i] = { id = line.id, sku = line.sku, quantity = piece.quantity }
  end
  for _, line in ipairs(order.line_items) do left = left + line.fulfillable_quantity end
  order.fulfillment_status = left > 0 and "partial" or "fulfilled"
  local parcel = { id = self:next "parcel" + 255858046, order_id = order.id, status = "success", line_items = lines,
    tracking_number = tracking and tracking.number or json.null,
    tracking_company = tracking and tracking.company or json.null }
  order.fulfillments[#order.fulfillments + 1] = parcel
  touch(self, order)
  return parcel
end

function shop:ship(order_id, shipment)
  local order, pieces = find(self.orders, order_id), {}
  for _, line in ipairs(order.line_items) do
    local count = not shipment.lines and line.fulfillable_quantity or 0
    for _, sent in ipairs(shipment.lines or {}) do
      if sent.sku == line.sku then count = decimal.new(sent.quantity):integer() end
    end
    if count > 0 then pieces[#pieces + 1] = { id = line.id, quantity = count } end
  end
  make_parcel(self, order, pieces, { number = shipment.tracking_number, company = shipment.carrier })
end

function shop:refund(order_id, refund)
  local order = find(self.orders, order_id)
  local whole = decimal.new(refund.amount) == decimal.new(order.total_price)
  order.financial_status = whole and "refunded" or "partially_refunded"
  touch(self, order)
end

---A piece is given back before it was sent: it stays in the line's quantity, and in the order's total.
function shop:shrink(order_id, sku, quantity)
  local order, pieces = find(self.orders, order_id), decimal.new(quantity):integer()
  for _, line in ipairs(order.line_items) do
    if line.sku == sku then
      line.current_quantity = line.current_quantity - pieces
      line.fulfillable_quantity = line.fulfillable_quantity - pieces
      table.insert(order.refunds, { id = self:next "refund", transactions = json.array {}, refund_line_items = {
        { id = self:next "refund", line_item_id = line.id, quantity = pieces, restock_type = "cancel" } } })
    end
  end
  order.financial_status = "partially_refunded"
  touch(self, order)
end

local function add_variant(self, product, given, title)
  local id = self:next "variant" + 39072855
  product.variants[#product.variants + 1] = { id = id, sku = given.sku or "", title = title,
    price = decimal.new(given.price or 0), compare = nil }
  self.levels[given.sku or ""] = decimal.new(given.quantity or 0):integer()
end

function shop:offer(item)
  local id = self:next "product" + 632910391
  local product = { id = id, title = item.name, description = item.description or "", variants = {}, made = self:now(),
    changed = self:now() }
  for _, variant in ipairs(item.variants or {}) do add_variant(self, product, variant, variant.name or variant.sku) end
  if not item.variants then add_variant(self, product, item, "Default Title") end
  product.only = not item.variants
  self.products[#self.products + 1] = product
  return tostring(id)
end

function shop:register(customer)
  local id, addresses = self:next "customer" + 207119550, json.array {}
  for i, given in ipairs(customer.addresses or {}) do
    addresses[i] = address_of(given)
    addresses[i].id = self:next "address"
  end
  self.customers[#self.customers + 1] = { id = id, email = customer.email, first_name = customer.first_name,
    last_name = customer.last_name, phone = customer.phone, note = customer.note, tax_exempt = false, tags = "",
    made = self:now(), changed = self:now(), created_at = stamp(self:now()), updated_at = stamp(self:now()),
    addresses = addresses, default_address = addresses[1] }
  return tostring(id)
end

function shop:order_of(order_id)
  local order, shipments = find(self.orders, order_id), {}
  if not order then return nil end
  for i, parcel in ipairs(order.fulfillments) do
    local lines = {}
    for j, line in ipairs(parcel.line_items) do
      lines[j] = { sku = line.sku, line_id = tostring(line.id), quantity = tostring(line.quantity) }
    end
    shipments[i] = { tracking_number = parcel.tracking_number ~= json.null and parcel.tracking_number or nil,
      carrier = parcel.tracking_company ~= json.null and parcel.tracking_company or nil, lines = lines }
  end
  local status = order.cancelled_at ~= json.null and "cancelled" or order.closed_at ~= json.null and "archived"
    or order.fulfillment_status == "fulfilled" and "fulfilled" or order.financial_status
  return { status = status, shipments = shipments }
end

function shop:quantity_of(sku) return self.levels[sku] and tostring(self.levels[sku]) end

function shop:price_of(sku)
  local variant = variant_by_sku(self, sku)
  return variant and tostring(variant.price)
end

function shop:customer_of(email)
  for _, customer in ipairs(self.customers) do
    if customer.email == email then return customer end
  end
end

function shop:announce(order_id)
  local order = find(self.orders, order_id)
  local body = json.encode { id = order.id, name = order.name, updated_at = order.updated_at }
  self:notify { body = body, headers = { ["Content-Type"] = "application/json", ["X-Shopify-Topic"] = "orders/updated",
    ["X-Shopify-Webhook-Id"] = "hook-" .. self:next "hook",
    ["X-Shopify-Hmac-Sha256"] = fake.hmac(self.settings.webhook_secret, body) } }
end

-- REST ----------------------------------------------------------------------------------------------------------------

---Without what only the fake knows; only the fields that were asked for.
local function shown(record, fields)
  local copy = {}
  for key, value in pairs(record) do
    if not fields or ("," .. fields .. ","):find("," .. key .. ",", 1, true) then copy[key] = value end
  end
  copy.made, copy.changed = nil, nil
  return copy
end

local BOUNDS = { made = { "created_at_min", "created_at_max" }, changed = { "updated_at_min", "updated_at_max" } }

local function is_inside(record, query)
  for field, names in pairs(BOUNDS) do
    local from, to = time.parse(query[names[1]] or ""), time.parse(query[names[2]] or "")
    if from and record[field] < from or to and record[field] > to then return false end
  end
  if query.ids and not ("," .. query.ids .. ","):find("," .. tostring(record.id) .. ",", 1, true) then return false end
  return record.id > (tonumber(query.since_id) or 0)
end

local function rest_list(self, name, request)
  local found, list, query = {}, json.array {}, request.query
  for _, record in ipairs(self[name]) do
    local is_open = record.closed_at == json.null and record.cancelled_at == json.null
    if is_inside(record, query) and (name ~= "orders" or query.status == "any" or is_open) then
      found[#found + 1] = record
    end
  end
  table.sort(found, function(a, b) return a.id < b.id end)
  local size = math.min(request:number("limit", 50), 250)
  for i, record in ipairs(self:page(found, 0, size)) do list[i] = shown(record, query.fields) end
  return fake.json { [name] = list }
end

for _, name in ipairs { "orders", "customers" } do
  route(("GET %s.json"):format(name), function(self, request) return rest_list(self, name, request) end)
end

route("GET customers/search.json", function(self, request)
  local wanted, list = request.query.query:match "^email:(.*)$", json.array {}
  for _, customer in ipairs(self.customers) do
    if (customer.email or ""):lower() == wanted then list[#list + 1] = shown(customer) end
  end
  return fake.json { customers = list }
end)

for name, list in pairs { order = "orders", customer = "customers" } do
  route(("GET %s/{id}.json"):format(list), function(self, request)
    local record = find(self[list], request.params.id)
    return record and fake.json { [name] = shown(record, request.query.fields) } or problem(404, "Not Found")
  end)
end

shop:route("POST /admin/oauth/access_token", function(self, request)
  local asked = request:json()
  if asked.grant_type ~= "client_credentials" or asked.client_secret ~= "shpss_fake" then
    return fake.json({ error = "invalid_client", error_description = "Client authentication failed." }, 401)
  end
  self.token_until = self:now():add(86400)
  return fake.json { access_token = DAY_TOKEN, scope = table.concat(self.scopes, ","), expires_in = 86399 }
end)

shop:route("GET /admin/oauth/access_scopes.json", function(self)
  local scopes = json.array {}
  for i, scope in ipairs(self.scopes) do scopes[i] = { handle = scope } end
  return fake.json { access_scopes = scopes }
end)

route("GET webhooks.json", function() return fake.json { webhooks = json.array {} } end)

---Ids of fulfilment orders and their lines are others than those of orders.
local OTHER = 1000000

local FULFILMENT = { "merchant_managed_fulfillment_orders", "assigned_fulfillment_orders",
  "third_party_fulfillment_orders" }

---Nil: the app may.
local function no_fulfilment(self, what)
  for _, kind in ipairs(FULFILMENT) do
    if may(self, what .. "_" .. kind) then return nil end
  end
  return problem(403, ("[API] This action requires merchant approval for %s_%s scope."):format(what, FULFILMENT[1]))
end

route("GET orders/{id}/fulfillment_orders.json", function(self, request)
  local order, refusal = find(self.orders, request.params.id), no_fulfilment(self, "read")
  if refusal then return refusal end
  if not order then return problem(404, "Not Found") end
  local by_place, list = {}, json.array {}
  for _, line in ipairs(order.line_items) do
    local place = self.places[line.sku] or LOCATION
    if not by_place[place] then
      local is_done = order.fulfillment_status == "fulfilled"
      by_place[place] = { id = order.id + OTHER * (#list + 1), order_id = order.id, line_items = json.array {},
        status = is_done and "closed" or self.held[request.params.id] and "on_hold" or "open",
        assigned_location_id = place }
      list[#list + 1] = by_place[place]
    end
    table.insert(by_place[place].line_items, { id = line.id + OTHER, line_item_id = line.id, quantity = line.quantity,
      fulfillable_quantity = line.fulfillable_quantity })
  end
  return fake.json { fulfillment_orders = list }
end)

route("POST fulfillments.json", function(self, request)
  local given, pieces, order, refusal = request:json().fulfillment, {}, nil, no_fulfilment(self, "write")
  if refusal then return refusal end
  if #given.line_items_by_fulfillment_order > 1 then
    return problem(422, { base = { "All fulfillment orders must be assigned to the same location." } })
  end
  for _, part in ipairs(given.line_items_by_fulfillment_order) do
    order = find(self.orders, part.fulfillment_order_id - OTHER)
      or find(self.orders, part.fulfillment_order_id - 2 * OTHER)
    for _, line in ipairs(part.fulfillment_order_line_items or {}) do
      pieces[#pieces + 1] = { id = line.id - OTHER, quantity = line.quantity }
    end
  end
  local parcel = order and make_parcel(self, order, pieces, given.tracking_info)
  if not parcel then return problem(422, { base = { "Invalid fulfillment order line item quantity requested." } }) end
  local tracking = given.tracking_info or {}
  self:book { kind = "shipment", order_id = tostring(order.id), tracking_number = tracking.number,
    carrier = tracking.company, lines = self:order_of(order.id).shipments[#order.fulfillments].lines }
  return fake.json({ fulfillment = parcel }, 201)
end)

route("POST fulfillments/{id}/update_tracking.json", function(self, request)
  for _, order in ipairs(self.orders) do
    local parcel = find(order.fulfillments, request.params.id)
    if parcel then
      local tracking = request:json().fulfillment.tracking_info
      parcel.tracking_number, parcel.tracking_company = tracking.number or json.null, tracking.company or json.null
      touch(self, order)
      self:book { kind = "tracking", order_id = tostring(order.id), tracking_number = tracking.number }
      return fake.json { fulfillment = parcel }
    end
  end
  return problem(404, "Not Found")
end)

for call, done in pairs { cancel = { "cancelled_at", "cancelled" }, close = { "closed_at", "archived" } } do
  route(("POST orders/{id}/%s.json"):format(call), function(self, request)
    local order = find(self.orders, request.params.id)
    if not order then return problem(404, "Not Found") end
    if order[done[1]] ~= json.null then return problem(422, { base = { "Order is already " .. done[2] } }) end
    order[done[1]] = stamp(self:now())
    touch(self, order)
    self:book { kind = "status", order_id = tostring(order.id), status = done[2] }
    return fake.json { order = shown(order) }
  end)
end

local function take_customer(self, record, given, status)
  for _, field in ipairs { "email", "first_name", "last_name", "phone", "note" } do
    record[field] = given[field] or record[field]
  end
  touch(self, record)
  self:book { kind = "customer", email = record.email, id = tostring(record.id) }
  return fake.json({ customer = shown(record) }, status)
end

route("POST customers.json", function(self, request)
  local given = request:json().customer
  if self:customer_of(given.email) then return problem(422, { email = { "has already been taken" } }) end
  return take_customer(self, find(self.customers, self:register {}), given, 201)
end)

route("PUT customers/{id}.json", function(self, request)
  local record = find(self.customers, request.params.id)
  return record and take_customer(self, record, request:json().customer) or problem(404, "Not Found")
end)

-- GraphQL -------------------------------------------------------------------------------------------------------------

local function gid(kind, id) return ("gid://shopify/%s/%d"):format(kind, id) end

local function data(answer)
  return fake.json { data = answer, extensions = { cost = { requestedQueryCost = 42, actualQueryCost = 14,
    throttleStatus = { maximumAvailable = 2000, currentlyAvailable = 1986, restoreRate = 100 } } } }
end

---What a search asks for: bounds of ids and times, products, or one id of several.
local function search_of(text)
  local search = { ids = {} }
  text = text or ""
  search.after = math.tointeger(tonumber(text:match "id:>(%d+)"))
  search.from = time.parse(text:match "updated_at:>='([^']+)'" or "")
  search.to = time.parse(text:match "updated_at:<='([^']+)'" or "")
  for id in text:gmatch "id:(%d+)" do search.ids[id] = true end
  local products = text:match "product_ids:([%d,]+)"
  for id in (products or ""):gmatch "%d+" do
    search.products = search.products or {}
    search.products[id] = true
  end
  return search
end

local function is_found(record, search)
  if search.after and record.id <= search.after then return false end
  if next(search.ids) and not search.ids[tostring(record.id)] then return false end
  if search.from and record.changed < search.from or search.to and record.changed > search.to then return false end
  return not search.products or search.products[tostring(record.product.id)] == true
end

local function searched(self, list, variables)
  local search, found = search_of(variables.query), {}
  for _, record in ipairs(list) do
    if is_found(record, search) then found[#found + 1] = record end
  end
  table.sort(found, function(a, b) return a.id < b.id end)
  return self:page(found, 0, variables.first)
end

local function iso(at) return at:format "%Y-%m-%dT%H:%M:%SZ" end

local function product_node(product)
  return { legacyResourceId = tostring(product.id), id = gid("Product", product.id), title = product.title,
    descriptionHtml = product.description, status = "ACTIVE", createdAt = iso(product.made),
    updatedAt = iso(product.changed), hasOnlyDefaultVariant = product.only, productType = "", vendor = "" }
end

---@param location? string whose level is asked for
local function variant_node(self, variant, product, location)
  local level = self.levels[variant.sku]
  local lies = level + (self.committed[variant.sku] or 0)
  local is_elsewhere = variant.is_elsewhere or location ~= nil and location ~= gid("Location", LOCATION)
  return { legacyResourceId = tostring(variant.id), sku = variant.sku, title = variant.title, barcode = json.null,
    price = tostring(variant.price), compareAtPrice = variant.compare and tostring(variant.compare) or json.null,
    product = { legacyResourceId = tostring(product.id), id = gid("Product", product.id) },
    inventoryItem = { id = gid("InventoryItem", variant.id + OTHER), tracked = variant.tracked ~= false,
      unitCost = json.null, inventoryLevel = is_elsewhere and json.null or { quantities = {
        { name = "available", quantity = level }, { name = "on_hand", quantity = lies } } } } }
end

---All variants, each with its product.
local function variants(self)
  local list = {}
  for _, product in ipairs(self.products) do
    for _, variant in ipairs(product.variants) do
      variant.product, variant.changed = product, product.changed
      list[#list + 1] = variant
    end
  end
  return list
end

local function nodes(list, node)
  local made = json.array {}
  for i, record in ipairs(list) do made[i] = node(record) end
  return { nodes = made }
end

local function faults(words) return { { field = json.array { "input" }, message = words } } end

---What is wrong with the form of a stock level, which changed with version 2026-04: GraphQL refuses the whole request.
---@return string?
local function fault_of_form(self, query, input)
  local is_new = self.version >= "2026-04"
  if is_new and not query:find "@idempotent%(key:%$" then
    return "The @idempotent directive is required for this mutation but was not provided."
  elseif is_new and input.ignoreCompareQuantity ~= nil then
    return "InventorySetQuantitiesInput.ignoreCompareQuantity (Field is not defined)"
  end
  for _, entry in ipairs(input.quantities) do
    if is_new and entry.changeFromQuantity == nil then
      return "InventoryQuantityInput.changeFromQuantity (Expected value to be provided)"
    elseif not is_new and entry.changeFromQuantity ~= nil then
      return "InventoryQuantityInput.changeFromQuantity (Field is not defined)"
    end
  end
end

local function set_quantities(self, variables, query)
  local by_item, input = {}, variables.input
  local fault = fault_of_form(self, query, input)
  if fault then
    self:answer(fake.json { errors = { { message = fault, extensions = { code = "INVALID_VARIABLE" } } } })
  elseif self.version < "2026-04" and not input.ignoreCompareQuantity then
    return faults "The compareQuantity argument must be given to each quantity or ignored using ignoreCompareQuantity."
  elseif self.fault then
    return faults(self.fault)
  elseif self.keys[variables.key or ""] then
    return json.array {}
  end
  for _, variant in ipairs(variants(self)) do by_item[gid("InventoryItem", variant.id + OTHER)] = variant end
  for _, entry in ipairs(input.quantities) do
    if not by_item[entry.inventoryItemId] then return faults "The specified inventory item could not be found." end
    if entry.locationId ~= gid("Location", LOCATION) then return faults "The specified location could not be found." end
  end
  for _, entry in ipairs(input.quantities) do
    local sku = by_item[entry.inventoryItemId].sku
    self.levels[sku] = entry.quantity - (input.name == "on_hand" and self.committed[sku] or 0)
    self:book { kind = "stock", sku = sku, quantity = entry.quantity, name = input.name }
  end
  if variables.key then self.keys[variables.key] = true end
  return json.array {}
end

local function set_prices(self, variables)
  for _, entry in ipairs(variables.variants) do
    local variant
    for _, one in ipairs(variants(self)) do
      if gid("ProductVariant", one.id) == entry.id then variant = one end
    end
    if not variant then return faults "Product variant does not exist" end
    variant.price = decimal.new(entry.price)
    if entry.compareAtPrice == json.null then
      variant.compare = nil
    elseif entry.compareAtPrice then -- what is not sent stays
      variant.compare = decimal.new(entry.compareAtPrice)
    end
    self:book { kind = "price", sku = variant.sku, price = entry.price }
  end
  return json.array {}
end

---Questions and changes by the field that they ask for; the first that is there.
local FIELDS = {
  { "inventorySetQuantities", function(self, v, query)
    return { inventorySetQuantities = { userErrors = set_quantities(self, v, query) } }
  end },
  { "productVariantsBulkUpdate", function(self, v)
    return { productVariantsBulkUpdate = { userErrors = set_prices(self, v) } }
  end },
  { "productVariants%(", function(self, v)
    return { productVariants = nodes(searched(self, variants(self), v), function(variant)
      return variant_node(self, variant, variant.product, v.location)
    end) }
  end },
  { "products%(", function(self, v) return { products = nodes(searched(self, self.products, v), product_node) } end },
  { "nodes%(ids", function(self, v)
    local wanted, found = {}, json.array {}
    for _, id in ipairs(v.ids) do wanted[id] = true end
    for _, variant in ipairs(variants(self)) do
      if wanted[gid("ProductVariant", variant.id)] then
        found[#found + 1] = variant_node(self, variant, variant.product, v.location)
      end
    end
    return { nodes = found }
  end },
  { "product%(id", function(self, v)
    for _, product in ipairs(self.products) do
      if gid("Product", product.id) == v.id then
        local node = product_node(product)
        node.variants = nodes({ product.variants[1] }, function(one) return variant_node(self, one, product) end)
        return { product = node }
      end
    end
    return { product = json.null }
  end },
  { "location", function() return { location = { id = gid("Location", LOCATION) } } end },
  { "shop", function()
    return { shop = { name = "Tea & Cups", currencyCode = "EUR", plan = { displayName = "Basic" } } }
  end },
}

local function too_much()
  return fake.json { errors = { { message = "Throttled", extensions = { code = "THROTTLED" } } }, extensions = {
    cost = { requestedQueryCost = 42, actualQueryCost = json.null, throttleStatus = { maximumAvailable = 1000,
      currentlyAvailable = 2, restoreRate = 20 } } } }
end

route("POST graphql.json", function(self, request)
  local asked = request:json()
  local kind = asked.query:find "^mutation" and "change" or "ask"
  if self.throttled[kind] > 0 then
    self.throttled[kind] = self.throttled[kind] - 1
    return too_much()
  end
  for _, field in ipairs(FIELDS) do
    if asked.query:find(field[1]) then
      local answer = data(field[2](self, asked.variables or {}, asked.query))
      if not self.warns or not (asked.variables or {}).query then return answer end
      local told = json.decode(answer.body)
      told.extensions.search = { { path = { "products" }, query = asked.variables.query, warnings = { {
        field = "updated_at", message = "Invalid search field for this query." } } } }
      return fake.json(told)
    end
  end
  return fake.json { errors = { { message = "Field doesn't exist", extensions = { code = "undefinedField" } } } }
end)

return shop
