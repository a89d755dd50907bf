---The shop of carts/tea.lua.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local json = require "cartwright.json"

local shop = fake.new { title = "Tea shop", path = "/shop", settings = { token = "letmein" } }

local STATES = { pending = "new", paid = "paid", processing = "packing", shipped = "sent", cancelled = "void" }

function shop:start() self.orders, self.customers, self.items, self.stock, self.prices = {}, {}, {}, {}, {} end

function shop:authorized(request) return request:header "Authorization" == "Bearer letmein" end

local function stamp(self) return self:now():format "%Y-%m-%dT%H:%M:%SZ" end

local function find(list, field, value)
  for _, record in ipairs(list) do
    if tostring(record[field]) == tostring(value) then return record end
  end
end

-- Lists ---------------------------------------------------------------------------------------------------------------

local function is_named(ids, id) return not ids or ("," .. ids .. ","):find("," .. id .. ",", 1, true) ~= nil end

---Those of the list that the query asks for, without what is the fake's alone.
local function chosen(list, query)
  local found, field = {}, query.by == "placed" and "ordered" or "changed"
  for _, record in ipairs(list) do
    local at = record[field]
    local fits = (not query.since or not at or (at >= query.since and at <= query["until"])) and is_named(query.ids, record.id)
    for _, key in ipairs { "email", "sku" } do fits = fits and (not query[key] or record[key] == query[key]) end
    if fits then found[#found + 1] = record end
  end
  return found
end

for _, name in ipairs { "orders", "customers", "items" } do
  shop:route(("GET /%s.json"):format(name), function(self, request)
    local page = self:page(chosen(self[name], request.query), request:number("offset", 0), request:number("limit", 50))
    local shown = json.array {}
    for i, record in ipairs(page) do
      shown[i] = {}
      for key, value in pairs(record) do
        if key ~= "parcels" then shown[i][key] = value end
      end
    end
    return fake.json { [name] = shown }
  end)
end

shop:route("GET /about.json", function() return fake.json { software = "Tea shop", version = "4.0" } end)

-- Levels --------------------------------------------------------------------------------------------------------------

local function rows(list, field)
  local all = json.array {}
  for _, record in ipairs(list) do all[#all + 1] = { sku = record.sku, [field] = decimal.new(record[field]) } end
  return fake.json { rows = all }
end

shop:route("GET /stock.json", function(self) return rows(self.stock, "count") end)
shop:route("GET /prices.json", function(self) return rows(self.prices, "price") end)

shop:route("PUT /stock.json", function(self, request)
  local answers = json.array {}
  for i, row in ipairs(request:json().rows) do
    local level = find(self.stock, "sku", row.sku)
    answers[i] = { ok = level ~= nil, why = not level and "no such thing here" or nil }
    if level then
      level.count = tostring(row.count)
      self:book { kind = "stock", sku = row.sku, quantity = level.count }
    end
  end
  return fake.json { rows = answers }
end)

shop:route("PUT /prices/{sku}.json", function(self, request)
  local price = find(self.prices, "sku", request.params.sku)
  if not price then return fake.json({ error = "no such thing here" }, 404) end
  price.price = tostring(request:json().price)
  self:book { kind = "price", sku = price.sku, price = price.price }
  return fake.json { ok = true }
end)

-- Orders --------------------------------------------------------------------------------------------------------------

local function order_named(self, request)
  return find(self.orders, "id", request.params.id) or self:answer(fake.json({ error = "no such order" }, 404))
end

shop:route("GET /orders/{id}/parcels.json", function(self, request)
  return fake.json { parcels = json.array(order_named(self, request).parcels) }
end)

shop:route("POST /orders/{id}/parcels.json", function(self, request)
  local order, parcel = order_named(self, request), request:json()
  if order.state == "void" then return fake.json({ error = "the order is void" }, 409) end
  table.insert(order.parcels, parcel)
  self:book { kind = "shipment", order_id = tostring(order.id), tracking_number = parcel.code, key = parcel.reference }
  return fake.json({ ok = true }, 201)
end)

shop:route("PUT /orders/{id}/state.json", function(self, request)
  local order = order_named(self, request)
  order.state, order.changed = request:json().state, stamp(self)
  self:book { kind = "status", order_id = tostring(order.id), status = order.state }
  return fake.json { ok = true }
end)

-- Customers and items -------------------------------------------------------------------------------------------------

shop:route("POST /customers.json", function(self, request)
  local told = request:json()
  table.insert(self.customers, { id = "c" .. self:next "customers", email = told.email, first = told.first,
    last = told.last, changed = stamp(self) })
  self:book { kind = "customer", email = told.email }
  return fake.json({ ok = true }, 201)
end)

shop:route("POST /items.json", function(self, request)
  local told = request:json()
  table.insert(self.items, { id = "i" .. self:next "items", sku = told.sku, title = told.title, changed = stamp(self) })
  self:book { kind = "item", sku = told.sku }
  return fake.json({ ok = true }, 201)
end)

-- The world -----------------------------------------------------------------------------------------------------------

function shop:place(order)
  local address, items = order.shipping, json.array {}
  for i, line in ipairs(order.lines) do
    items[i] = { id = i, sku = line.sku, title = line.name, count = decimal.new(line.quantity), each = line.unit_price }
  end
  local id = "9007199254740" .. 993 + self:next "orders" -- more than a float holds
  table.insert(self.orders, { id = id, number = order.number, state = order.cart_status or STATES[order.status],
    ordered = order.placed_at, changed = order.changed_at or stamp(self), currency = order.currency,
    amounts = { total = order.total, freight = order.shipping_total }, customer = { email = order.email }, items = items,
    deliver_to = { first = address.first_name, last = address.last_name, street = address.street, town = address.city,
      postcode = address.postcode, country = address.country }, parcels = {} })
  return id
end

function shop:amend(order_id, changes)
  local order = find(self.orders, "id", order_id)
  order.state, order.note, order.changed = STATES[changes.status] or order.state, changes.note, stamp(self)
end

function shop:ship(order_id, shipment)
  local order = find(self.orders, "id", order_id)
  table.insert(order.parcels, { code = shipment.tracking_number })
  order.changed = stamp(self)
end

function shop:remove(order_id)
  for i, order in ipairs(self.orders) do
    if order.id == order_id then return table.remove(self.orders, i) end
  end
end

function shop:shrink(order_id, sku, quantity)
  local order = find(self.orders, "id", order_id)
  find(order.items, "sku", sku).dropped = quantity
  order.changed = stamp(self)
end

function shop:order_of(order_id)
  local order, parcels = find(self.orders, "id", order_id), {}
  if not order then return nil end
  for i, parcel in ipairs(order.parcels) do
    parcels[i] = { tracking_number = parcel.code, carrier = parcel.carrier, lines = {} }
    for n, item in ipairs(parcel.items or {}) do
      parcels[i].lines[n] = { sku = item.sku, quantity = tostring(item.count) }
    end
  end
  return { status = order.state, shipments = parcels }
end

local function sell(self, thing)
  table.insert(self.stock, { sku = thing.sku, count = thing.quantity or "0" })
  table.insert(self.prices, { sku = thing.sku, price = thing.price or "0" })
end

function shop:offer(item)
  local kinds = json.array {}
  for i, variant in ipairs(item.variants or {}) do
    kinds[i] = { sku = variant.sku, title = variant.name, price = variant.price }
    sell(self, variant)
  end
  if #kinds == 0 then sell(self, item) end
  local id = "i" .. self:next "items"
  table.insert(self.items, { id = id, sku = item.sku, title = item.name, currency = item.currency, price = item.price,
    kinds = kinds, changed = stamp(self) })
  return id
end

function shop:register(customer)
  local id = "c" .. self:next "customers"
  table.insert(self.customers, { id = id, email = customer.email, first = customer.first_name,
    last = customer.last_name, changed = stamp(self) })
  return id
end

function shop:quantity_of(sku) return (find(self.stock, "sku", sku) or {}).count end

function shop:price_of(sku) return (find(self.prices, "sku", sku) or {}).price end

function shop:customer_of(email)
  local customer = find(self.customers, "email", email)
  return customer and { email = email, first_name = customer.first, last_name = customer.last }
end

function shop:item_of(sku)
  local item = find(self.items, "sku", sku)
  return item and { sku = sku, name = item.title }
end

return shop
