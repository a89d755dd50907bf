---A Magento shop of one's own making, as carts/magento2.lua uses it, with the traps of the real one: the last page
---comes again for ever, lists have no order unless asked for, floats of PHP, prices that fail with status 200, and
---parcels that are made as often as they are asked for. SKUs are looked for without case, and `in` splits at commas.
---What depends on the shop tests set: its fields are those of `start`. Its stock is in magento2/stock.lua.
local add_stock = require "fakes.magento2.stock"
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
  self.has_sources, self.runs_consumers, self.jobs = true, true, {}
  self.list_limit, self.page_limit = nil, nil -- members of a list that is written, records of a page
  self.tells_status = true
  self.nameless_faults = {} -- SKUs whose price it refuses in words that do not name them
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

---State of a status; those of a shop's own are of orders that are being worked on.
local STATES = { pending = "new", pending_payment = "pending_payment", payment_review = "payment_review",
  processing = "processing", complete = "complete", closed = "closed", canceled = "canceled", holded = "holded" }

local function state_of(status) return STATES[status] or "processing" end

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
  self.orders[id] = { entity_id = id, increment_id = ("%09d"):format(id), status = status,
    state = state_of(status),
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
  if changes.status then
    order.status = STATUSES[changes.status] or changes.status
    order.state = state_of(order.status)
  end
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
  if order.total_refunded == order.grand_total then order.status, order.state = "closed", "closed" end
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
  return { status = order.status, state = order.state, shipments = shipments }
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
local function shown(self, record)
  local copy = {}
  for key, value in pairs(record) do copy[key] = as_float(value) end
  copy.made, copy.changed, copy.held_from, copy.special_price = nil, nil, nil, nil
  if record.increment_id and not self.tells_status then copy.status = nil end
  copy.created_at, copy.updated_at = record.made and stamp(record.made), record.changed and stamp(record.changed)
  return copy
end

local function is_listed(value, list)
  for part in list:gmatch "[^,]+" do
    if part:lower() == tostring(value):lower() then return true end
  end
  return false
end

local function is_alike(a, b)
  if type(a) == "string" and type(b) == "string" then return a:lower() == b:lower() end
  return a == b
end

local COMPARE = {
  eq = is_alike,
  gt = function(a, b) return a > b end,
  gteq = function(a, b) return a >= b end,
  lteq = function(a, b) return a <= b end,
}

---Whether a record has what a filter asks for.
local function passes(record, filter)
  local value, wanted = record[filter.field], filter.value
  if filter.field == "updated_at" then value = stamp(record.changed) end
  if filter.field == "created_at" then value = stamp(record.made) end
  if filter.condition_type == "in" then return is_listed(value, wanted) end
  if math.type(value) == "integer" then wanted = math.tointeger(tonumber(wanted)) end
  return COMPARE[filter.condition_type or "eq"](value, wanted)
end

---The filters of a query by their groups.
local function groups_of(query)
  local groups = {}
  for name, value in pairs(query) do
    local group, filter, part = name:match
      "^searchCriteria%[filter_groups%]%[(%d+)%]%[filters%]%[(%d+)%]%[([%w_]+)%]$"
    if group then
      groups[group] = groups[group] or {}
      groups[group][filter] = groups[group][filter] or {}
      groups[group][filter][part] = value
    end
  end
  return groups
end

local function fits_one(record, filters)
  for _, filter in pairs(filters) do
    if passes(record, filter) then return true end
  end
  return false
end

local function fits(record, groups)
  for _, filters in pairs(groups) do
    if not fits_one(record, filters) then return false end
  end
  return true
end

---Answers a list. Beyond its end the last page comes again, as versions before 2.4 do it.
local function list(self, records, request, key)
  local query, found, filters = request.query, {}, groups_of(request.query)
  for _, record in ipairs(records) do
    if fits(record, filters) then found[#found + 1] = record end
  end
  local sort = query["searchCriteria[sortOrders][0][field]"]
  if sort then table.sort(found, function(a, b) return a[sort] < b[sort] end) end
  local size = request:number("searchCriteria[pageSize]", 20)
  if self.page_limit and size > self.page_limit then
    return problem(400, "Maximum SearchCriteria pageSize is %max", { max = self.page_limit })
  end
  local pages = math.max((#found + size - 1) // size, 1)
  local page = math.min(math.max(request:number("searchCriteria[currentPage]", 1), 1), pages)
  local items = json.array {}
  for i, record in ipairs(self:page(found, (page - 1) * size, size, key)) do items[i] = shown(self, record) end
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

shop:route("GET " .. V1 .. "orders/{id}", function(self, request)
  local order = find(self.orders, "entity_id", request.params.id)
  return order and fake.json(shown(self, order)) or problem(404, "The entity that was requested doesn't exist.")
end)

-- Writing -------------------------------------------------------------------------------------------------------------

for _, path in ipairs { "products/base-prices", "products/special-price" } do
  shop:route("POST " .. V1 .. path, function(self, request)
    local faults = json.array {}
    for _, entry in ipairs(request:json().prices) do
      local product = find(self.products, "sku", entry.sku)
      if self.nameless_faults[entry.sku] then
        faults[#faults + 1] = { message = "Price scope: requested store_id %1 is not allowed, row %2.",
          parameters = { "0", "1" } }
      elseif product then
        product[path:find "special" and "special_price" or "price"] = number(entry.price)
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
  if body.arguments and not self.has_sources then
    return problem(400, "Property \"SourceCode\" does not have accessor method \"getSourceCode\".")
  end
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

shop:route("POST " .. V1 .. "shipment/track", function(self, request)
  local track = request:json().entity
  local parcel = track and find(self.parcels, "entity_id", track.parent_id)
  if not parcel then return problem(400, "\"%fieldName\" is required.", { fieldName = "entity" }) end
  table.insert(parcel.tracks, track)
  self:book { kind = "track", order_id = tostring(parcel.order_id), tracking_number = track.track_number,
    carrier = track.title }
  return fake.json(track)
end)

local function move(self, order, status)
  order.status = status
  touch(self, order)
  self:book { kind = "status", order_id = tostring(order.entity_id), status = status }
  return fake.json(true)
end

local OVER = { complete = true, closed = true, canceled = true }

---Calls that change the state, and answer false with 200 where they cannot: one that is held is not cancelled.
for call, state in pairs { cancel = "canceled", hold = "holded" } do
  shop:route(("POST %sorders/{id}/%s"):format(V1, call), function(self, request)
    local order = find(self.orders, "entity_id", request.params.id)
    if OVER[order.state] or order.state == "holded" then return fake.json(false) end
    order.held_from = { order.state, order.status }
    order.state = state
    return move(self, order, state)
  end)
end

shop:route("POST " .. V1 .. "orders/{id}/unhold", function(self, request)
  local order = find(self.orders, "entity_id", request.params.id)
  if order.state ~= "holded" then return fake.json(false) end
  local state, status = table.unpack(order.held_from or { "new", "pending" })
  order.state = state
  return move(self, order, status)
end)

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
  return fake.json(shown(self, record))
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
  return fake.json(shown(self, record))
end

shop:route("POST " .. V1 .. "products", function(self, request)
  local given = request:json().product
  for _, product in ipairs(self.products) do
    if is_alike(product.sku, given.sku) then return take_product(self, product, given) end
  end
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

add_stock(shop, list, problem)

return shop
