---A Medusa 2: its Admin API, with the traps of the real one. Amounts are not rounded to the currency; taking a payment
---does not move updated_at; without *items.detail a partly sent order reads "shipped"; unknown filters of orders are
---ignored; prices of a variant are replaced as a list; a parcel is packed and then sent; stock is stocked and reserved,
---at two places.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local json = require "cartwright.json"
local time = require "cartwright.time"

local KEY, NORTH, SOUTH = "sk_fake", "sloc_1", "sloc_2"

local shop = fake.new { title = "Medusa", settings = { key = KEY, location = NORTH } }

-- Answers -------------------------------------------------------------------------------------------------------------

local function fault(status, kind, message) return fake.json({ type = kind, message = message }, status) end

local UNAUTHORIZED = fake.json({ message = "Unauthorized" }, 401)

shop.failures = { ["401"] = UNAUTHORIZED, ["wrong-key"] = UNAUTHORIZED,
  ["500"] = fake.json({ code = "unknown_error", type = "unknown_error", message = "An unknown error occurred." }, 500),
  ["404"] = fake.text("<!DOCTYPE html><html><body><pre>Cannot GET</pre></body></html>", 404,
    { ["Content-Type"] = "text/html" }) }

function shop:authorized(request)
  local user, password = request:basic()
  return user == KEY and password == "" or UNAUTHORIZED
end

local function refuse(self, message) self:answer(fault(400, "invalid_data", message)) end

-- What it begins with -------------------------------------------------------------------------------------------------

function shop:start()
  self.orders, self.customers, self.products, self.stocked, self.reservations = {}, {}, {}, {}, {}
  self.places = { { id = NORTH, name = "North warehouse" }, { id = SOUTH, name = "South warehouse" } }
end

local function iso(moment) return moment:format "%Y-%m-%dT%H:%M:%S.000Z" end

local function new_id(self, kind) return ("%s_%08d"):format(kind, self:next(kind)) end

local function by(list, field, value)
  for _, one in ipairs(list) do
    if tostring(one[field]) == tostring(value) then return one end
  end
end

---Sets an amount and its exact twin.
local function set(object, field, value)
  local exact = decimal.new(value or "0")
  object[field], object["raw_" .. field] = exact, { value = tostring(exact), precision = 20 }
end

-- Lists ---------------------------------------------------------------------------------------------------------------

---The values of a parameter that is a list: id[0]=...&id[1]=...
local function values_of(query, name)
  local found, is_there = {}, false
  for key, value in pairs(query) do
    local bare = key:match "^([%w_]+)%[%d*%]$"
    if key == name or bare == name then
      is_there = true
      for _, one in ipairs(type(value) == "table" and value or { value }) do found[tostring(one)] = true end
    end
  end
  return is_there and found or nil
end

local DATES = { "created_at", "updated_at" }

local function fits(object, query, keys)
  for _, key in ipairs(keys) do
    local wanted = values_of(query, key)
    if wanted and not wanted[tostring(object[key])] then return false end
  end
  for _, date in ipairs(DATES) do
    local least, most = query[date .. "[$gte]"], query[date .. "[$lte]"]
    if object[date] and ((least and object[date] < least) or (most and object[date] > most)) then return false end
  end
  return true
end

---@param keys string[] that it can be filtered by
local function list(self, request, all, name, keys, show)
  local found, shown = {}, {}
  for _, object in ipairs(all) do
    if fits(object, request.query, keys) then found[#found + 1] = object end
  end
  local offset, limit = request:number("offset", 0), request:number("limit", 15)
  for i, object in ipairs(self:page(found, offset, limit)) do shown[i] = show and show(object, request) or object end
  return fake.json { [name] = json.array(shown), count = #found, offset = offset, limit = limit }
end

shop:route("GET /admin/stores", function(self, request)
  return list(self, request, { { id = "store_1", name = "Fake", supported_currencies = json.array {
    { currency_code = "eur", is_default = true } } } }, "stores", {})
end)

shop:route("GET /admin/currencies", function(self, request)
  local digits = { eur = 2, usd = 2, gbp = 2, jpy = 0, kwd = 3 }
  local all = {}
  for code, count in pairs(digits) do all[#all + 1] = { id = code, code = code, decimal_digits = count } end
  table.sort(all, function(a, b) return a.code < b.code end)
  return list(self, request, all, "currencies", { "code" })
end)

shop:route("GET /admin/stock-locations", function(self, request)
  return list(self, request, self.places, "stock_locations", { "id" })
end)

shop:route("GET /admin/customers", function(self, request)
  return list(self, request, self.customers, "customers", { "id" })
end)

shop:route("GET /admin/products", function(self, request)
  return list(self, request, self.products, "products", { "id" })
end)

shop:route("GET /admin/inventory-items", function(self, request)
  for key in pairs(request.query) do
    if key:find "^updated_at" or key:find "^created_at" then
      return fault(400, "invalid_data", ("Invalid request: Unrecognized fields: '%s'"):format(key))
    end
  end
  return list(self, request, self.stocked, "inventory_items", { "id", "sku" })
end)

shop:route("GET /admin/reservations", function(self, request)
  return list(self, request, self.reservations, "reservations", { "line_item_id" })
end)

-- Orders --------------------------------------------------------------------------------------------------------------

---Its status and that of the payment.
local STATES = { pending = { "pending", "authorized" }, paid = { "pending", "captured" },
  processing = { "pending", "captured" }, completed = { "completed", "captured" }, cancelled = { "canceled", "canceled" },
  on_hold = { "requires_action", "authorized" } }

local function address(given)
  given = given or {}
  return { first_name = given.first_name or json.null, last_name = given.last_name or given.name or json.null,
    company = given.company or json.null, address_1 = given.street or json.null, address_2 = given.street2 or json.null,
    city = given.city or json.null, postal_code = given.postcode or json.null, province = given.region or json.null,
    country_code = given.country and given.country:lower() or json.null, phone = given.phone or json.null }
end

local function detail_of(quantity)
  local detail = {}
  set(detail, "quantity", quantity)
  for _, field in ipairs { "fulfilled", "shipped", "delivered" } do set(detail, field .. "_quantity", "0") end
  return detail
end

local function variant_of(self, sku)
  for _, product in ipairs(self.products) do
    local variant = by(product.variants, "sku", sku)
    if variant then return variant, product end
  end
end

local function reserve(self, line)
  local item = by(self.stocked, "sku", line.variant_sku)
  if not item then return end
  local level = by(item.location_levels, "location_id", NORTH)
  set(level, "reserved_quantity", level.reserved_quantity + line.quantity)
  table.insert(self.reservations, { id = new_id(self, "resitem"), line_item_id = line.id, location_id = NORTH,
    quantity = line.quantity })
end

local function new_line(self, given)
  local variant, product = variant_of(self, given.sku)
  local line = { id = new_id(self, "ordli"), product_title = given.name, subtitle = json.null, variant_sku = given.sku,
    variant_barcode = json.null, variant_id = variant and variant.id or json.null, product_id = product and product.id
    or json.null, tax_lines = json.array {}, adjustments = json.array {}, detail = detail_of(given.quantity) }
  set(line, "quantity", given.quantity)
  set(line, "unit_price", given.unit_price)
  set(line, "total", given.total)
  set(line, "tax_total", given.tax)
  return line
end

---The state of delivery, computed from what was asked for: without details of the lines each counts as all of it.
local function delivery_of(order, has_details)
  if order.status == "canceled" then return "not_fulfilled" end
  local stage
  for _, pair in ipairs { { "delivered_quantity", "delivered" }, { "shipped_quantity", "shipped" },
    { "fulfilled_quantity", "fulfilled" } } do
    local some, all = false, true
    for _, line in ipairs(order.items) do
      some = some or line.detail[pair[1]] > 0
      all = all and line.detail[pair[1]]:compare(line.quantity) >= 0
    end
    if some then
      stage = ((all or not has_details) and "" or "partially_") .. pair[2]
      break
    end
  end
  return stage or "not_fulfilled"
end

---The order as it is shown: with the states that are computed.
local function show(order, request)
  local fields, shown = request.query.fields or "", {}
  for key, value in pairs(order) do shown[key] = value end
  if fields ~= "id" then
    shown.fulfillment_status = delivery_of(order, fields:find("*items.detail", 1, true) ~= nil)
  end
  return shown
end

function shop:place(order)
  local moment = order.placed_at and time.parse(order.placed_at, "UTC") or self:now()
  local state = STATES[order.status] or STATES.paid
  local made = { id = new_id(self, "order"), display_id = self:next "orders", status = order.cart_status or state[1],
    version = 1, payment_status = state[2], created_at = iso(moment),
    updated_at = iso(order.changed_at and time.parse(order.changed_at, "UTC") or moment), email = order.email,
    currency_code = order.currency:lower(), customer_id = "cus_1", locale = json.null, metadata = json.null,
    summary = {}, shipping_address = address(order.shipping), billing_address = address(order.billing), items = {},
    shipping_methods = json.array { { id = "ordsm_1", name = "Standard parcel", shipping_option_id = "so_1" } },
    fulfillments = json.array {} }
  set(made, "total", order.total)
  set(made, "tax_total", order.tax_total)
  set(made.summary, "current_order_total", order.total)
  set(made.summary, "credit_line_total", "0")
  set(made.summary, "paid_total", state[2] == "captured" and order.total or "0")
  set(made.shipping_methods[1], "total", order.shipping_total)
  for i, line in ipairs(order.lines or {}) do
    made.items[i] = new_line(self, line)
    reserve(self, made.items[i])
  end
  if order.status == "processing" then set(made.items[1].detail, "fulfilled_quantity", made.items[1].quantity) end
  json.array(made.items)
  local payment = { id = new_id(self, "pay"), provider_id = "pp_system_default", captured_at = state[2] == "captured"
    and made.created_at or json.null, canceled_at = json.null }
  set(payment, "amount", order.total)
  made.payment_collections = json.array { { id = "pay_col_1", payments = json.array { payment } } }
  table.insert(self.orders, made)
  return made.id, tostring(made.display_id)
end

local function touch(self, order)
  order.updated_at, order.version = iso(self:now()), order.version + 1
end

local function capture(self, order)
  order.payment_status = "captured"
  order.payment_collections[1].payments[1].captured_at = iso(self:now())
end

---Money alone moves no stamp.
function shop:amend(order_id, changes)
  local order = by(self.orders, "id", order_id)
  local state = STATES[changes.status]
  if state then order.status, order.payment_status = state[1], state[2] end
  if state ~= STATES.paid then touch(self, order) end
end

local function move(order, lines, field)
  for _, line in ipairs(lines) do
    local detail = by(order.items, "id", line.id).detail
    set(detail, field, detail[field] + decimal.new(line.quantity))
  end
end

local function pack(self, order, lines, metadata)
  local parcel = { id = new_id(self, "ful"), location_id = NORTH, shipped_at = json.null, delivered_at = json.null,
    canceled_at = json.null, metadata = metadata or json.null, items = {}, labels = json.array {} }
  for i, line in ipairs(lines) do
    local own = by(order.items, "id", line.id)
    parcel.items[i] = { id = new_id(self, "fulit"), sku = own.variant_sku, line_item_id = line.id,
      quantity = line.quantity }
    local item = by(self.stocked, "sku", own.variant_sku)
    if item then
      local level, quantity = by(item.location_levels, "location_id", NORTH), decimal.new(line.quantity)
      set(level, "stocked_quantity", level.stocked_quantity - quantity)
      set(level, "reserved_quantity", level.reserved_quantity - quantity)
    end
  end
  json.array(parcel.items)
  move(order, lines, "fulfilled_quantity")
  table.insert(order.fulfillments, parcel)
  touch(self, order)
  return parcel
end

local function send(self, order, parcel, tracking)
  local lines = {}
  for i, item in ipairs(parcel.items) do lines[i] = { id = item.line_item_id, quantity = item.quantity } end
  move(order, lines, "shipped_quantity")
  parcel.shipped_at = iso(self:now())
  if tracking then table.insert(parcel.labels, { tracking_number = tracking }) end
  touch(self, order)
end

function shop:ship(order_id, shipment)
  local order, lines = by(self.orders, "id", order_id), {}
  for i, line in ipairs(shipment.lines) do
    lines[i] = { id = by(order.items, "variant_sku", line.sku).id, quantity = line.quantity }
  end
  send(self, order, pack(self, order, lines), shipment.tracking_number)
end

---A credit line lowers the total.
function shop:refund(order_id, refund)
  local order = by(self.orders, "id", order_id)
  set(order, "total", order.total - decimal.new(refund.amount))
  set(order.summary, "current_order_total", order.total)
  set(order.summary, "credit_line_total", refund.amount)
  order.payment_status = "partially_refunded"
  touch(self, order)
end

function shop:remove(order_id)
  for i, order in ipairs(self.orders) do
    if order.id == order_id then return table.remove(self.orders, i) end
  end
end

function shop:order_of(order_id)
  local order, shipments = by(self.orders, "id", order_id), {}
  if not order then return nil end
  for _, parcel in ipairs(order.fulfillments) do
    local lines = {}
    for n, item in ipairs(parcel.items) do
      lines[n] = { sku = item.sku, line_id = item.line_item_id, quantity = tostring(item.quantity) }
    end
    if parcel.shipped_at ~= json.null then
      local label = parcel.labels[1] or {}
      shipments[#shipments + 1] = { tracking_number = label.tracking_number, lines = lines }
    end
  end
  return { status = order.status, shipments = shipments }
end

shop:route("GET /admin/orders", function(self, request)
  if request.query.fields == "id" then -- what breaks a record is not in its id
    local ids, pages = {}, self.orders
    for _, order in ipairs(pages) do
      if fits(order, request.query, { "id" }) then ids[#ids + 1] = { id = order.id } end
    end
    local offset, limit = request:number("offset", 0), request:number("limit", 15)
    local some = table.move(ids, offset + 1, math.min(offset + limit, #ids), 1, {})
    return fake.json { orders = json.array(some), count = #ids, offset = offset, limit = limit }
  end
  return list(self, request, self.orders, "orders", { "id" }, show)
end)

-- What it is told of orders -------------------------------------------------------------------------------------------

local function order_for(self, id)
  return by(self.orders, "id", id) or self:answer(fault(404, "not_found", ("Order id not found: %s"):format(id)))
end

shop:route("POST /admin/orders/{id}/fulfillments", function(self, request)
  local order, given = order_for(self, request.params.id), request:json()
  for _, line in ipairs(given.items) do
    local own = by(order.items, "id", line.id)
    if decimal.new(line.quantity):compare(own.quantity - own.detail.fulfilled_quantity) > 0 then
      refuse(self, "Quantity to fulfill exceeds the reserved quantity for the item: " .. line.id)
    end
  end
  pack(self, order, given.items, given.metadata)
  return fake.json { order = show(order, request) }
end)

local function parcel_for(self, request)
  local order = order_for(self, request.params.id)
  return by(order.fulfillments, "id", request.params.parcel), order
end

shop:route("POST /admin/orders/{id}/fulfillments/{parcel}/shipments", function(self, request)
  local parcel, order = parcel_for(self, request)
  local given = request:json()
  if parcel.shipped_at ~= json.null then refuse(self, "Shipment has already been created") end
  local tracking = given.labels and given.labels[1] and given.labels[1].tracking_number
  send(self, order, parcel, tracking)
  self:book { kind = "shipment", order_id = order.id, tracking_number = tracking }
  return fake.json { order = show(order, request) }
end)

shop:route("POST /admin/orders/{id}/fulfillments/{parcel}/mark-as-delivered", function(self, request)
  local parcel, order = parcel_for(self, request)
  local lines = {}
  for i, item in ipairs(parcel.items) do lines[i] = { id = item.line_item_id, quantity = item.quantity } end
  move(order, lines, "delivered_quantity")
  parcel.delivered_at = iso(self:now())
  touch(self, order)
  return fake.json { order = show(order, request) }
end)

shop:route("POST /admin/orders/{id}/cancel", function(self, request)
  local order = order_for(self, request.params.id)
  if #order.fulfillments > 0 then refuse(self, "All fulfillments must be canceled before canceling an order") end
  order.status, order.payment_status = "canceled", "canceled"
  touch(self, order)
  self:book { kind = "status", order_id = order.id, status = "canceled" }
  return fake.json { order = show(order, request) }
end)

shop:route("POST /admin/orders/{id}/complete", function(self, request)
  local order = order_for(self, request.params.id)
  order.status = "completed"
  touch(self, order)
  self:book { kind = "status", order_id = order.id, status = "completed" }
  return fake.json { order = show(order, request) }
end)

shop:route("POST /admin/payments/{id}/capture", function(self, request)
  for _, order in ipairs(self.orders) do
    local payment = by(order.payment_collections[1].payments, "id", request.params.id)
    if payment then
      if payment.captured_at == json.null then
        capture(self, order)
        self:book { kind = "status", order_id = order.id, status = "captured" }
      end
      return fake.json { payment = payment }
    end
  end
  return fault(404, "not_found", "Payment was not found")
end)

-- Goods ---------------------------------------------------------------------------------------------------------------

local function price(amount)
  return { id = "price_1", currency_code = "eur", amount = decimal.new(amount), min_quantity = json.null,
    max_quantity = json.null, rules = {} }
end

local function new_variant(self, product, given, option)
  local variant = { id = new_id(self, "variant"), title = given.name, sku = given.sku, barcode = json.null,
    ean = json.null, upc = json.null, weight = json.null, product_id = product.id, prices = json.array { price(given.price or "0") },
    options = json.array { { value = option } } }
  table.insert(product.variants, variant)
  local item = { id = new_id(self, "iitem"), sku = given.sku, location_levels = json.array {} }
  for i, place in ipairs(self.places) do
    local level = { id = new_id(self, "ilev"), location_id = place.id }
    set(level, "stocked_quantity", i == 1 and given.quantity or "0")
    set(level, "reserved_quantity", "0")
    item.location_levels[i] = level
  end
  table.insert(self.stocked, item)
end

function shop:offer(item)
  local product = { id = new_id(self, "prod"), title = item.name, description = json.null, status = "published",
    weight = json.null, created_at = iso(self:now()), updated_at = iso(self:now()), variants = json.array {} }
  for _, variant in ipairs(item.variants or {}) do new_variant(self, product, variant, variant.name) end
  if not item.variants then new_variant(self, product, item, "Default") end
  table.insert(self.products, product)
  return product.id
end

function shop:quantity_of(sku)
  local item, sum = by(self.stocked, "sku", sku), decimal.new "0"
  if not item then return nil end
  for _, level in ipairs(item.location_levels) do sum = sum + level.stocked_quantity - level.reserved_quantity end
  return sum
end

function shop:price_of(sku)
  local variant = variant_of(self, sku)
  return variant and tostring(variant.prices[1].amount:round(2))
end

shop:route("POST /admin/inventory-items/location-levels/batch", function(self, request)
  local given, updated = request:json(), {}
  for i, change in ipairs(given.update or {}) do
    local item = by(self.stocked, "id", change.inventory_item_id)
    local level = item and by(item.location_levels, "location_id", change.location_id)
    if not level then return fault(404, "not_found", "Inventory level not found") end
    if decimal.new(change.stocked_quantity) < 0 then refuse(self, "Value for field 'stocked_quantity' too small") end
    updated[i] = { level, change.stocked_quantity, item.sku }
  end
  for i, change in ipairs(updated) do
    set(change[1], "stocked_quantity", change[2])
    self:book { kind = "stock", sku = change[3], quantity = change[2] }
    updated[i] = change[1]
  end
  return fake.json { created = json.array {}, updated = json.array(updated), deleted = json.array {} }
end)

---The list of prices is replaced.
shop:route("POST /admin/products/{product}/variants/{variant}", function(self, request)
  local product = by(self.products, "id", request.params.product)
  local variant, given = product and by(product.variants, "id", request.params.variant), request:json()
  if not variant then return fault(404, "not_found", "Variant not found") end
  local prices = {}
  for i, one in ipairs(given.prices or {}) do
    prices[i] = price(one.amount)
    prices[i].currency_code = one.currency_code
    self:book { kind = "price", sku = variant.sku, price = tostring(prices[i].amount) }
  end
  variant.prices = json.array(prices)
  return fake.json { product = product }
end)

-- Customers -----------------------------------------------------------------------------------------------------------

function shop:register(customer)
  local id = new_id(self, "cus")
  table.insert(self.customers, { id = id, email = customer.email, first_name = customer.first_name,
    last_name = customer.last_name, company_name = json.null, phone = json.null, has_account = true,
    created_at = iso(self:now()), updated_at = iso(self:now()), addresses = json.array {}, groups = json.array {} })
  return id
end

return shop
