---The shop of carts/custom.lua, which nobody has: the template of a fake. What the cart's script says of the shop it
---does to the letter, traps included: what the two say differently, one of them has wrong.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local json = require "cartwright.json"
local time = require "cartwright.time"

local shop = fake.new { title = "Custom shop", path = "/api",
  settings = { token = "letmein", webhook_secret = "between-us" } }

local MOST = 100 -- records in one answer
local STATES = { pending = "new", paid = "paid", processing = "packing", shipped = "sent", cancelled = "void" }

function shop:start()
  self.orders, self.customers, self.items, self.parcels, self.stock, self.prices = {}, {}, {}, {}, {}, {}
  self.currency_of_prices = nil
end

-- Answers -------------------------------------------------------------------------------------------------------------

---The shop's own errors come with a status, or with 200 where a write is refused for what it says.
local function wrong(code, words, status)
  return fake.json({ error = { code = code, words = words } }, status or 200)
end

shop.failures = {
  ["no-permission"] = wrong("no_scope", "Diese Berechtigung fehlt.", 403),
  ["closed"] = wrong("closed", "Wir bauen um.", 503),
  ["401"] = wrong("wrong_token", "Wer da?", 401),
  ["422"] = wrong("not_now", "Das geht nicht.", 422),
  ["429"] = wrong("too_many", "Langsam!", 429),
}

function shop:authorized(request)
  if request:header "Authorization" == "Bearer " .. self.settings.token then return true end
  return wrong("wrong_token", "Wer da?", 401)
end

local function stamp(self) return self:now():format "%Y-%m-%dT%H:%M:%SZ" end

---@param list table[]
---@param field string
local function find(list, field, value)
  for i, record in ipairs(list) do
    if tostring(record[field]) == tostring(value) then return record, i end
  end
end

-- Lists ---------------------------------------------------------------------------------------------------------------

local function is_named(ids, id) return not ids or ("," .. ids .. ","):find("," .. id .. ",", 1, true) ~= nil end

local function is_inside(query, record)
  for _, by in ipairs { "changed", "placed" } do
    local at, from, to = record[by] or "", query[by .. "_from"], query[by .. "_to"]
    if (from and at < from) or (to and at > to) then return false end
  end
  return true
end

---What a query asks for, besides the window and ids.
local FILTERS = { "email", "sku", "order", "reference" }

local function is_chosen(query, record)
  for _, field in ipairs(FILTERS) do
    if query[field] and query[field] ~= tostring(record[field]) then return false end
  end
  return is_named(query.ids, record.id) and is_inside(query, record)
end

for _, name in ipairs { "orders", "customers", "items", "parcels" } do
  shop:route(("GET /%s.json"):format(name), function(self, request)
    local found = {}
    for _, record in ipairs(self[name]) do
      if is_chosen(request.query, record) then found[#found + 1] = record end
    end
    local size = math.min(request:number("limit", 20), MOST)
    local page = self:page(found, request:number("offset", 0), size)
    return fake.json { total = #found, [name] = json.array(page) }
  end)
end

shop:route("GET /about.json", function(self)
  return fake.json { software = "Custom shop", version = "7.2", currency = self.currency_of_prices or "EUR" }
end)

-- Levels and prices ---------------------------------------------------------------------------------------------------

---@param name string of the list
---@param field string of its rows
---@param kind string of the books' entries
local function has_rows(name, field, kind)
  shop:route(("GET /%s.json"):format(name), function(self, request)
    local found = {}
    for _, row in ipairs(self[name]) do
      if is_named(request.query.skus, row.sku) then found[#found + 1] = row end
    end
    local page = self:page(found, request:number("offset", 0), math.min(request:number("limit", 20), MOST), "sku")
    return fake.json { total = #found, rows = json.array(page) }
  end)

  shop:route(("PUT /%s.json"):format(name), function(self, request)
    local rows, answers = request:json().rows, json.array {}
    if #rows > MOST then return wrong("too_many_rows", "Zu viele.", 422) end
    for i, row in ipairs(rows) do
      local there = find(self[name], "sku", row.sku)
      answers[i] = { sku = row.sku, problem = not there and "unknown SKU" or nil }
      if there then
        there[field] = tostring(row[field])
        self:book { kind = kind, sku = row.sku, [kind == "stock" and "quantity" or "price"] = there[field] }
      end
    end
    return fake.json { rows = answers }
  end)
end

has_rows("stock", "count", "stock")
has_rows("prices", "price", "price")

-- Orders --------------------------------------------------------------------------------------------------------------

---What of an order's lines its parcels hold.
local function count_sent(self, order)
  for _, line in ipairs(order.lines) do
    local sent = decimal.new "0"
    for _, parcel in ipairs(self.parcels) do
      for _, part in ipairs(parcel.order == order.id and parcel.lines or {}) do
        if part.sku == line.sku then sent = sent + decimal.new(tostring(part.count)) end
      end
    end
    line.sent = tostring(sent)
  end
end

---@param told table
local function keep_parcel(self, order, told)
  local there = find(self.parcels, "reference", told.reference)
  local parcel = there or { id = 500 + self:next "parcels", placed = stamp(self) }
  if there and there.code == told.code and there.carrier == told.carrier then return there end
  parcel.order, parcel.reference, parcel.code, parcel.carrier = order.id, told.reference, told.code, told.carrier
  parcel.follow, parcel.lines, parcel.changed = told.follow, told.lines or json.array {}, stamp(self)
  if not there then table.insert(self.parcels, parcel) end
  count_sent(self, order)
  order.changed = stamp(self)
  self:book { kind = "shipment", order_id = tostring(order.id), tracking_number = told.code, carrier = told.carrier,
    lines = told.lines }
  return parcel
end

shop:route("POST /parcels.json", function(self, request)
  local told = request:json()
  local order = find(self.orders, "id", told.order)
  if not order then return wrong("unknown_order", "Diese Bestellung gibt es nicht.") end
  if order.state == "void" then return wrong("void", "Die Bestellung ist storniert.") end
  return fake.json({ id = keep_parcel(self, order, told).id }, 201)
end)

shop:route("PUT /orders/{id}/state.json", function(self, request)
  local order, state = find(self.orders, "id", request.params.id), request:json().state
  if not order then return wrong("unknown_order", "Diese Bestellung gibt es nicht.") end
  if order.state ~= state then
    order.state, order.changed = state, stamp(self)
    self:book { kind = "status", order_id = tostring(order.id), status = state }
  end
  return fake.json { id = order.id, state = state }
end)

-- Customers and items -------------------------------------------------------------------------------------------------

---@param name string of the list
---@param kind string of the books' entries
---@param key string of the records
local function has_documents(name, kind, key)
  local function book(self, record) self:book { kind = kind, [key] = record[key] } end

  local function fill(self, record, told)
    for field, value in pairs(told) do record[field] = value end
    record.changed = stamp(self)
    book(self, record)
    return fake.json({ id = record.id }, 201)
  end

  shop:route(("POST /%s.json"):format(name), function(self, request)
    local record = { id = 100 + self:next(name), placed = stamp(self) }
    table.insert(self[name], record)
    return fill(self, record, request:json())
  end)

  shop:route(("PUT /%s/{id}.json"):format(name), function(self, request)
    local record = find(self[name], "id", request.params.id)
    if not record then return wrong("unknown", "Gibt es nicht.", 404) end
    return fill(self, record, request:json())
  end)
end

has_documents("customers", "customer", "email")
has_documents("items", "item", "sku")

-- The world -----------------------------------------------------------------------------------------------------------

local function name_of(address)
  return ("%s %s"):format(address.first_name or "", address.last_name or ""):match "^%s*(.-)%s*$"
end

---@param address? table
local function address_of(address)
  if not address then return nil end
  return { name = address.name or name_of(address), company = address.company, street = address.street,
    postcode = address.postcode, town = address.city, country = address.country, phone = address.phone }
end

local function instant(text) return text and time.parse(text, "UTC"):format "%Y-%m-%dT%H:%M:%SZ" end

---@return table[] lines as the shop has them
local function lines_of(order)
  local lines = json.array {}
  for i, line in ipairs(order.lines) do
    local count, price = decimal.new(line.quantity), decimal.new(line.unit_price)
    lines[i] = { id = i, sku = line.sku, title = line.name, count = line.quantity, dropped = "0", price = line.unit_price,
      amount = line.total or tostring(count * price), tax = line.tax, sent = "0" }
  end
  return lines
end

function shop:place(order)
  local id = 9007199254740993 + self:next "orders" -- more than a float holds
  local placed, charges = instant(order.placed_at) or stamp(self), json.array {}
  if order.shipping_total then charges[1] = { kind = "freight", amount = order.shipping_total } end
  table.insert(self.orders, { id = id, number = order.number or "C-" .. id,
    state = order.cart_status or STATES[order.status], placed = placed, changed = instant(order.changed_at) or stamp(self),
    paid_at = (order.status == "paid" or order.status == "processing") and placed or nil, currency = order.currency,
    total = order.total, tax = order.tax_total, refunded = "0.00", email = order.email, payment = order.payment_method,
    note = order.note, bill_to = address_of(order.billing), deliver_to = address_of(order.shipping), charges = charges,
    gift = false, lines = lines_of(order) })
  return tostring(id)
end

function shop:remove(order_id)
  local _, place = find(self.orders, "id", order_id)
  table.remove(self.orders, place)
end

function shop:amend(order_id, changes)
  local order = find(self.orders, "id", order_id)
  order.state, order.note = STATES[changes.status] or order.state, changes.note or order.note
  order.changed = stamp(self)
end

function shop:ship(order_id, shipment)
  local order, lines = find(self.orders, "id", order_id), json.array {}
  for i, line in ipairs(shipment.lines or {}) do lines[i] = { sku = line.sku, count = line.quantity } end
  keep_parcel(self, order, { reference = "shop-" .. self:next "own parcels", code = shipment.tracking_number,
    carrier = shipment.carrier, lines = lines })
end

function shop:refund(order_id, refund)
  local order = find(self.orders, "id", order_id)
  order.refunded, order.changed = tostring(decimal.new(order.refunded) + decimal.new(refund.amount)), stamp(self)
end

function shop:shrink(order_id, sku, quantity)
  local order = find(self.orders, "id", order_id)
  for _, line in ipairs(order.lines) do
    if line.sku == sku then line.dropped = quantity end
  end
  order.changed = stamp(self)
end

function shop:order_of(order_id)
  local order, shipments = find(self.orders, "id", order_id), json.array {}
  for _, parcel in ipairs(self.parcels) do
    if order and parcel.order == order.id then
      local lines = json.array {}
      for i, line in ipairs(parcel.lines) do lines[i] = { sku = line.sku, quantity = tostring(line.count) } end
      shipments[#shipments + 1] = { tracking_number = parcel.code, carrier = parcel.carrier, lines = lines }
    end
  end
  return order and { status = order.state, shipments = shipments }
end

local function sell(self, thing)
  table.insert(self.stock, { sku = thing.sku, count = thing.quantity or "0" })
  table.insert(self.prices, { sku = thing.sku, price = thing.price or "0" })
end

function shop:offer(item)
  local kinds = json.array {}
  for i, variant in ipairs(item.variants or {}) do
    kinds[i] = { id = 700 + self:next "kinds", sku = variant.sku, title = variant.name, price = variant.price }
    sell(self, variant)
  end
  if #kinds == 0 then sell(self, item) end
  local id = 100 + self:next "items"
  self.currency_of_prices = item.currency or self.currency_of_prices
  table.insert(self.items, { id = id, sku = item.sku, title = item.name, text = item.description, visible = true,
    currency = item.currency, price = item.price, kinds = kinds, placed = stamp(self), changed = stamp(self) })
  return tostring(id)
end

function shop:register(customer)
  local id = 100 + self:next "customers"
  table.insert(self.customers, { id = id, email = customer.email, first = customer.first_name,
    last = customer.last_name, placed = stamp(self), changed = stamp(self) })
  return tostring(id)
end

function shop:quantity_of(sku) return (find(self.stock, "sku", sku) or {}).count end

function shop:price_of(sku) return (find(self.prices, "sku", sku) or {}).price end

function shop:customer_of(email)
  local customer = find(self.customers, "email", email)
  return customer and { email = email, first_name = customer.first, last_name = customer.last }
end

function shop:item_of(sku)
  local item = find(self.items, "sku", sku)
  return item and { sku = sku, name = item.title, price = item.price }
end

function shop:announce(order_id)
  local body, at = json.encode { order = order_id }, self:now():format "%s"
  self:notify { body = body, headers = { ["Content-Type"] = "application/json", ["X-Shop-Topic"] = "order.changed",
    ["X-Shop-Time"] = at, ["X-Shop-Signature"] = "sha256=" .. fake.hmac(self.settings.webhook_secret, at .. "." .. body,
      { encoding = "hex" }) } }
end

return shop
