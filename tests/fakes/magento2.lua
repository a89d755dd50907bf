---A Magento shop of one's own making, as carts/magento2.lua uses it, with the traps of the real one: the last page
---comes again for ever, lists have no order unless asked for, floats of PHP, prices that fail with status 200, and
---parcels that are made as often as they are asked for.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local json = require "cartwright.json"
local time = require "cartwright.time"

local shop = fake.new {
  title = "Magento 2",
  settings = { token = "mg-token", page_size = 5 },
  statuses = { paid = "processing", shipped = "completed", failed = "cancelled" }, -- it has no words for these
}

function shop:start()
  self.orders, self.customers, self.products, self.levels, self.parcels = {}, {}, {}, {}, {}
end

local function refusal(resource, status)
  return fake.json({ message = "The consumer isn't authorized to access %resources.",
    parameters = { resources = resource } }, status or 401)
end

function shop:authorized(request)
  if request:header "Authorization" == "Bearer " .. self.settings.token then return true end
  return refusal "self"
end

shop.failures = { ["no-permission"] = refusal "Magento_Sales::actions_view" }

-- What it has ---------------------------------------------------------------------------------------------------------

local FORMAT = "%Y-%m-%d %H:%M:%S"

local function stamp(at) return at:format(FORMAT) end

local function find(list, key, value)
  for _, record in ipairs(list) do
    if tostring(record[key]) == tostring(value) then return record end
  end
end

local function number(value) return decimal.new(value or 0) end

local STATUSES = { pending = "pending", on_hold = "holded", paid = "processing", processing = "processing",
  shipped = "complete", completed = "complete", cancelled = "canceled", refunded = "closed", failed = "canceled" }

local function address_of(given, email)
  given = given or {}
  local first, last = given.first_name, given.last_name
  if given.name then first, last = given.name:match "^(.-)%s*(%S*)$" end
  return { firstname = first or "", lastname = last or "", company = given.company, vat_id = given.vat_number,
    street = { given.street or "", given.street2 }, city = given.city or "", postcode = given.postcode or "",
    country_id = given.country or "US", region = given.region, telephone = given.phone or "", email = email }
end

local function row_of(self, line)
  local quantity = number(line.quantity)
  local total = number(line.total or quantity * number(line.unit_price))
  return { item_id = self:next "row", sku = line.sku or "", name = line.name, qty_ordered = quantity, qty_shipped = 0,
    qty_refunded = 0, qty_canceled = 0, price = number(line.unit_price), row_total = total, discount_amount = 0,
    tax_amount = number(line.tax), tax_percent = 0, product_type = "simple", is_virtual = 0,
    product_id = (find(self.products, "sku", line.sku) or { id = 0 }).id }
end

local function touch(self, record) record.changed = self:now() end

function shop:place(given)
  local id = self:next "order"
  local at = given.placed_at and time.parse(given.placed_at, "UTC") or self:now()
  local items, goods = {}, number(0)
  for i, line in ipairs(given.lines or {}) do
    items[i] = row_of(self, line)
    goods = goods + items[i].row_total
  end
  local status = given.cart_status or STATUSES[given.status] or "processing"
  local paid = status ~= "pending" and status ~= "canceled"
  self.orders[id] = { entity_id = id, increment_id = ("%09d"):format(id), status = status, state = status,
    made = at, changed = given.changed_at and time.parse(given.changed_at, "UTC") or self:now(), store_id = 1,
    order_currency_code = given.currency, base_currency_code = "EUR", customer_is_guest = 1,
    customer_email = given.email, subtotal = goods, discount_amount = 0, shipping_amount = number(given.shipping_total),
    tax_amount = number(given.tax_total), grand_total = number(given.total), is_virtual = 0,
    total_paid = paid and number(given.total) or nil, shipping_description = given.shipping_name, items = items,
    billing_address = address_of(given.billing or given.shipping, given.email),
    payment = { method = given.payment_method or "checkmo" }, status_histories = json.array {},
    extension_attributes = { applied_taxes = json.array {}, shipping_assignments = { { shipping = {
      address = address_of(given.shipping or given.billing, given.email), method = "flatrate_flatrate" } } } } }
  return tostring(id), self.orders[id].increment_id
end

function shop:amend(order_id, changes)
  local order = find(self.orders, "entity_id", order_id)
  if changes.status then order.status = STATUSES[changes.status] or changes.status end
  if changes.total then order.grand_total = number(changes.total) end
  if changes.note then table.insert(order.status_histories, { comment = changes.note, status = order.status }) end
  touch(self, order)
end

---What of a row is to be sent.
local function open_of(row) return row.qty_ordered - row.qty_shipped - row.qty_canceled - row.qty_refunded end

---Makes a parcel; nil where more is to be sent than is open.
local function make_parcel(self, order, items, tracks)
  for _, item in ipairs(items) do
    local row = find(order.items, "item_id", item.order_item_id)
    if not row or number(item.qty) > open_of(row) then return nil end
  end
  local open = number(0)
  for _, item in ipairs(items) do
    local row = find(order.items, "item_id", item.order_item_id)
    row.qty_shipped = number(row.qty_shipped) + number(item.qty)
  end
  for _, row in ipairs(order.items) do open = open + open_of(row) end
  if open:is_zero() and order.total_paid then order.status, order.state = "complete", "complete" end
  touch(self, order)
  local parcel = { entity_id = self:next "parcel", order_id = order.entity_id, items = items, tracks = tracks,
    changed = self:now() }
  self.parcels[#self.parcels + 1] = parcel
  return parcel
end

local function all_of(order)
  local items = {}
  for _, row in ipairs(order.items) do items[#items + 1] = { order_item_id = row.item_id, qty = open_of(row) } end
  return items
end

function shop:ship(order_id, shipment)
  local order = find(self.orders, "entity_id", order_id)
  local items = shipment.lines and {} or all_of(order)
  for _, line in ipairs(shipment.lines or {}) do
    items[#items + 1] = { order_item_id = find(order.items, "sku", line.sku).item_id, qty = number(line.quantity) }
  end
  make_parcel(self, order, items, { { track_number = shipment.tracking_number, title = shipment.carrier or "",
    carrier_code = "custom" } })
end

function shop:refund(order_id, refund)
  local order = find(self.orders, "entity_id", order_id)
  order.total_refunded = number(refund.amount)
  if order.total_refunded == order.grand_total then order.status = "closed" end
  touch(self, order)
end

---A piece is paid back before it was sent: it stays in what was ordered, and in the order's total.
function shop:shrink(order_id, sku, quantity)
  local order = find(self.orders, "entity_id", order_id)
  local row = find(order.items, "sku", sku)
  row.qty_refunded = row.qty_refunded + number(quantity)
  order.total_refunded = row.price * number(quantity)
  touch(self, order)
end

local function add_product(self, given, kind)
  local id = self:next "product"
  self.products[#self.products + 1] = { id = id, entity_id = id, sku = given.sku, name = given.name, type_id = kind,
    price = number(given.price), status = 1, visibility = 4, attribute_set_id = 4, made = self:now(),
    changed = self:now(), weight = 1, extension_attributes = { website_ids = { 1 } },
    custom_attributes = { { attribute_code = "description", value = given.description or "" } } }
  if kind == "simple" then self.levels[given.sku] = number(given.quantity) end
  return tostring(id)
end

function shop:offer(item)
  for _, variant in ipairs(item.variants or {}) do add_product(self, variant, "simple") end
  return add_product(self, item, item.variants and "configurable" or "simple")
end

function shop:register(customer)
  local id, addresses = self:next "customer", json.array {}
  for i, given in ipairs(customer.addresses or {}) do
    addresses[i] = address_of(given)
    addresses[i].id, addresses[i].region = self:next "address", { region = given.region, region_id = 0 }
  end
  self.customers[#self.customers + 1] = { id = id, entity_id = id, email = customer.email,
    firstname = customer.first_name or "", lastname = customer.last_name or "", taxvat = customer.vat_number,
    group_id = 1, website_id = 1, made = self:now(), changed = self:now(), addresses = addresses }
  return tostring(id)
end

function shop:order_of(order_id)
  local order, shipments = find(self.orders, "entity_id", order_id), {}
  if not order then return nil end
  for _, parcel in ipairs(self.parcels) do
    if parcel.order_id == order.entity_id then
      local lines = {}
      for i, item in ipairs(parcel.items) do
        lines[i] = { sku = find(order.items, "item_id", item.order_item_id).sku, quantity = tostring(item.qty),
          line_id = tostring(item.order_item_id) }
      end
      local track = parcel.tracks[1] or {}
      shipments[#shipments + 1] = { tracking_number = track.track_number, carrier = track.title, lines = lines }
    end
  end
  return { status = order.status, shipments = shipments }
end

function shop:quantity_of(sku) return self.levels[sku] and tostring(self.levels[sku]) end

function shop:price_of(sku)
  local product = find(self.products, "sku", sku)
  return product and tostring(product.price)
end

function shop:customer_of(email)
  local customer = find(self.customers, "email", email)
  return customer and { id = tostring(customer.id), email = customer.email, first_name = customer.firstname,
    last_name = customer.lastname, vat_number = customer.taxvat }
end

function shop:item_of(sku)
  local product = find(self.products, "sku", sku)
  return product and { id = tostring(product.id), name = product.name,
    description = product.custom_attributes[1].value }
end

-- Lists ---------------------------------------------------------------------------------------------------------------

local function problem(status, message, parameters)
  return fake.json({ message = message, parameters = parameters }, status)
end

---An amount as PHP writes a float that no binary number holds.
local function as_float(value)
  local text = tostring(value)
  if text == "29.95" then return decimal.new "29.949999999999999" end
  return value
end

---As the shop sends it: without what only the fake knows, and with its times.
local function shown(record)
  local copy = {}
  for key, value in pairs(record) do copy[key] = as_float(value) end
  copy.made, copy.changed = nil, nil
  copy.created_at, copy.updated_at = record.made and stamp(record.made), record.changed and stamp(record.changed)
  return copy
end

local COMPARE = {
  eq = function(a, b) return a == b end,
  gt = function(a, b) return a > b end,
  gteq = function(a, b) return a >= b end,
  lteq = function(a, b) return a <= b end,
}

---Whether a record has what a filter asks for.
local function passes(record, filter)
  local value, wanted = record[filter.field], filter.value
  if filter.field == "updated_at" then value = stamp(record.changed) end
  if filter.field == "created_at" then value = stamp(record.made) end
  if filter.condition_type == "in" then
    return ("," .. wanted .. ","):find("," .. tostring(value) .. ",", 1, true) ~= nil
  end
  if math.type(value) == "integer" then wanted = math.tointeger(tonumber(wanted)) end
  return COMPARE[filter.condition_type or "eq"](value, wanted)
end

---The filters of a query: each group has one here.
local function filters_of(query)
  local filters = {}
  for name, value in pairs(query) do
    local group, part = name:match "^searchCriteria%[filter_groups%]%[(%d+)%]%[filters%]%[0%]%[([%w_]+)%]$"
    if group then
      filters[group] = filters[group] or {}
      filters[group][part] = value
    end
  end
  return filters
end

local function fits(record, filters)
  for _, filter in pairs(filters) do
    if not passes(record, filter) then return false end
  end
  return true
end

---Answers a list. Beyond its end the last page comes again, as versions before 2.4 do it.
local function list(self, records, request, key)
  local query, found, filters = request.query, {}, filters_of(request.query)
  for _, record in ipairs(records) do
    if fits(record, filters) then found[#found + 1] = record end
  end
  local sort = query["searchCriteria[sortOrders][0][field]"]
  if sort then table.sort(found, function(a, b) return a[sort] < b[sort] end) end
  local size = request:number("searchCriteria[pageSize]", 20)
  local pages = math.max((#found + size - 1) // size, 1)
  local page = math.min(math.max(request:number("searchCriteria[currentPage]", 1), 1), pages)
  local items = json.array {}
  for i, record in ipairs(self:page(found, (page - 1) * size, size, key)) do items[i] = shown(record) end
  return fake.json { items = items, search_criteria = {}, total_count = #found }
end

local V1 = "/rest/all/V1/"

for path, of in pairs { orders = { "orders", "entity_id" }, ["customers/search"] = { "customers", "id" },
  products = { "products", "id" }, shipments = { "parcels", "entity_id" } } do
  shop:route("GET " .. V1 .. path, function(self, request) return list(self, self[of[1]], request, of[2]) end)
end

shop:route("GET " .. V1 .. "store/storeConfigs", function()
  return fake.json { { id = 1, code = "default", base_currency_code = "EUR", timezone = "Europe/Vienna" } }
end)

shop:route("GET " .. V1 .. "inventory/source-items", function(self, request)
  local items = {}
  for sku, level in pairs(self.levels) do
    items[#items + 1] = { sku = sku, source_code = "default", quantity = level, status = level > 0 and 1 or 0 }
  end
  table.sort(items, function(a, b) return a.sku < b.sku end)
  return list(self, items, request, "sku")
end)

shop:route("GET " .. V1 .. "orders/{id}", function(self, request)
  local order = find(self.orders, "entity_id", request.params.id)
  return order and fake.json(shown(order)) or problem(404, "The entity that was requested doesn't exist.")
end)

-- Writing -------------------------------------------------------------------------------------------------------------

---Sets levels; nil when a SKU or source is not known, which fails all of them.
local function set_levels(self, items)
  for _, item in ipairs(items) do
    if not self.levels[item.sku] or item.source_code ~= "default" or item.status == nil then return nil end
  end
  for _, item in ipairs(items) do
    self.levels[item.sku] = number(item.quantity)
    self:book { kind = "stock", sku = item.sku, quantity = item.quantity }
  end
  return true
end

shop:route("POST " .. V1 .. "inventory/source-items", function(self, request)
  if set_levels(self, request:json().sourceItems) then return fake.json(json.array {}) end
  return problem(400, "Could not save Source Item")
end)

shop:route("POST /rest/all/async/bulk/V1/inventory/source-items", function(self, request)
  local uuid, accepted = "bulk-" .. self:next "bulk", {}
  self.bulk = self.bulk or {}
  self.bulk[uuid] = {}
  for i, body in ipairs(request:json()) do
    self.bulk[uuid][i] = { id = i - 1, status = set_levels(self, body.sourceItems) and 1 or 3,
      result_message = "Could not save Source Item" }
    accepted[i] = { id = i - 1, status = "accepted", data_hash = "" }
  end
  return fake.json({ bulk_uuid = uuid, request_items = accepted, errors = false }, 202)
end)

shop:route("GET " .. V1 .. "bulk/{uuid}/status", function(self, request)
  return fake.json { operations_list = self.bulk[request.params.uuid], bulk_id = request.params.uuid }
end)

for _, path in ipairs { "products/base-prices", "products/special-price" } do
  shop:route("POST " .. V1 .. path, function(self, request)
    local faults = json.array {}
    for _, entry in ipairs(request:json().prices) do
      local product = find(self.products, "sku", entry.sku)
      if product then
        product.price = number(entry.price)
        self:book { kind = "price", sku = entry.sku, price = tostring(entry.price) }
      else
        faults[#faults + 1] = { message = "Requested product doesn't exist. Row ID: SKU = %SKU, Store ID: %storeId.",
          parameters = { entry.sku, tostring(entry.store_id) } }
      end
    end
    return fake.json(faults)
  end)
end

shop:route("POST " .. V1 .. "order/{id}/ship", function(self, request)
  local order, body = find(self.orders, "entity_id", request.params.id), request:json()
  if not order then return problem(404, "The entity that was requested doesn't exist.") end
  local tracks = body.tracks or json.array {}
  local parcel = make_parcel(self, order, body.items or all_of(order), tracks)
  if not parcel then return problem(400, "The quantity to ship must not be more than what is open.") end
  local track, lines = tracks[1] or {}, {}
  for i, item in ipairs(parcel.items) do
    lines[i] = { sku = find(order.items, "item_id", item.order_item_id).sku, quantity = item.qty,
      line_id = tostring(item.order_item_id) }
  end
  self:book { kind = "shipment", order_id = tostring(order.entity_id), tracking_number = track.track_number,
    carrier = track.title, lines = lines }
  return fake.json(tostring(parcel.entity_id))
end)

local function move(self, order, status)
  order.status = status
  touch(self, order)
  self:book { kind = "status", order_id = tostring(order.entity_id), status = status }
  return fake.json(true)
end

for call, status in pairs { cancel = "canceled", hold = "holded" } do
  shop:route(("POST %sorders/{id}/%s"):format(V1, call), function(self, request)
    local order = find(self.orders, "entity_id", request.params.id)
    if order.status == "complete" or order.status == "closed" then return fake.json(false) end
    return move(self, order, status)
  end)
end

shop:route("POST " .. V1 .. "orders/{id}/comments", function(self, request)
  local history = request:json().statusHistory
  local order = find(self.orders, "entity_id", request.params.id)
  table.insert(order.status_histories, history)
  return move(self, order, history.status)
end)

local function take_customer(self, record, given)
  for _, field in ipairs { "email", "firstname", "lastname", "taxvat" } do
    record[field] = given[field] or record[field]
  end
  touch(self, record)
  self:book { kind = "customer", email = record.email, id = tostring(record.id) }
  return fake.json(shown(record))
end

shop:route("POST " .. V1 .. "customers", function(self, request)
  local given = request:json().customer
  if find(self.customers, "email", given.email) then
    return problem(400, "A customer with the same email address already exists in an associated website.")
  end
  local id = self:register { email = given.email, first_name = given.firstname, last_name = given.lastname }
  return take_customer(self, find(self.customers, "id", id), given)
end)

shop:route("PUT " .. V1 .. "customers/{id}", function(self, request)
  local record = find(self.customers, "id", request.params.id)
  if not record then return problem(404, "No such entity with %fieldName = %fieldValue") end
  return take_customer(self, record, request:json().customer)
end)

local function take_product(self, record, given)
  for _, field in ipairs { "name", "weight", "status" } do record[field] = given[field] or record[field] end
  if given.custom_attributes then record.custom_attributes = given.custom_attributes end
  touch(self, record)
  self:book { kind = "item", sku = record.sku, id = tostring(record.id) }
  return fake.json(shown(record))
end

shop:route("POST " .. V1 .. "products", function(self, request)
  local given = request:json().product
  if not (given.name and given.price and given.attribute_set_id) then
    return problem(400, "\"%fieldName\" is required. Enter and try again.", { fieldName = "name" })
  end
  add_product(self, { sku = given.sku, name = given.name, price = given.price, quantity = 0 }, "simple")
  return take_product(self, find(self.products, "sku", given.sku), given)
end)

shop:route("PUT " .. V1 .. "products/{sku}", function(self, request)
  local record = find(self.products, "sku", request.params.sku)
  if not record then return problem(404, "The product that was requested doesn't exist.") end
  return take_product(self, record, request:json().product)
end)

return shop
