---The tea shop of the README, grown up: for tests of the standard tests. Amounts are texts, times are UTC.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local tell = require "cartwright.tell"

local shop = cart.new {
  title = "Tea shop",
  settings = {
    url = cart.url { required = true, help = "address of the shop" },
    token = cart.secret { required = true, help = "the shop's admin page shows it under API" },
    page_size = cart.integer { default = 50, help = "records asked for at once" },
  },
  http = function(settings)
    return { base = settings.url .. "/", bearer = settings.token, rate = "20/s", burst = 10 }
  end,
}

shop.lacks = { shipments = "parcels are part of its orders", webhook = "it sends no notices",
  refund = "it has no refunds" }

-- Connection ----------------------------------------------------------------------------------------------------------

local SETTINGS = { [401] = "token", [403] = "token", [404] = "url" }

function shop.explain(_, response) return nil, nil, SETTINGS[response.status] end

function shop:test()
  local response = self:get "about.json"
  local is_json, about = pcall(response.json, response)
  if not is_json or type(about) ~= "table" or about.software ~= "Tea shop" then
    cart.fail("not-expected", "something answers there, but it is no Tea shop", "url")
  end
  return { "Tea shop " .. about.version }
end

-- Reading -------------------------------------------------------------------------------------------------------------

local function walk(self, window, name, query, store)
  local format = "%Y-%m-%dT%H:%M:%SZ"
  if window.from then
    query.since, query["until"], query.by = window.from:format(format), window.to:format(format), window.by
  end
  paging.walk(self, window, { size = self.settings.page_size, store = store, read = function(offset, size)
    local page = map.copy(query)
    page.offset, page.limit = offset, size
    local answer = self:get(name .. ".json", page)
    return answer:records(name)
  end })
end

local function fetch(name)
  return function(self, window) walk(self, window, name, {}) end
end

-- Orders --------------------------------------------------------------------------------------------------------------

shop.orders = {
  id = "id",
  records = "orders",
  overlap = "10m",

  fetch = fetch "orders",
  ids = function(self, window) walk(self, window, "orders", {}, function(records) self:list(records:collect "id") end) end,
  read = function(self, ids)
    local orders = self:get("orders.json", { ids = table.concat(ids, ","), limit = #ids }):records "orders"
    if #orders > 0 then self:emit(orders) end
  end,

  map = map.order {
    number = "number",
    status = map.translate("status", "state"),
    placed_at = "ordered",
    changed_at = "changed",
    currency = "currency",
    tax_included = map.constant(true),
    total = map.value("amounts/total", { required = true }),
    shipping_total = "amounts/freight",
    email = "customer/email",
    shipping = map.at("deliver_to", map.address { first_name = "first", last_name = "last", street = "street",
      city = "town", postcode = "postcode", country = "country" }),
    lines = map.each("items", map.line { external_id = "id", sku = "sku", name = "title", quantity = "count",
      cancelled = "dropped", unit_price = "each" }),
  },
}

shop.tables.status = { new = "pending", paid = "paid", packing = "processing", sent = "shipped", void = "cancelled" }

-- Customers, items, stock ---------------------------------------------------------------------------------------------

shop.customers = {
  id = "id",
  records = "customers",
  fetch = fetch "customers",
  map = map.customer { email = "email", first_name = "first", last_name = "last" },
}

shop.items = {
  id = "id",
  records = "items",
  fetch = fetch "items",
  map = map.item {
    sku = "sku",
    name = "title",
    currency = "currency",
    price = "price",
    variants = map.each("kinds", map.variant { external_id = "sku", sku = "sku", name = "title", price = "price" }),
  },
}

shop.stock = {
  id = "sku",
  records = "rows",
  full = true,
  fetch = function(self) self:emit(self:get("stock.json"):records("rows", "sku")) end,
  map = map.stock_level { sku = "sku", quantity = map.value("count", { required = true }) },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

---The shop's rows by SKU, and what a message wants of each.
local function probe_rows(path, field, wanted)
  return function(self, messages)
    local found = {}
    for row in self:get(path):json_node():each "rows" do found[row:text "sku"] = row:decimal(field) end
    for _, message in ipairs(messages) do
      local value = found[message.data.sku]
      if value == message.data[wanted] then message:arrived() elseif value then message:missing() end
    end
  end
end

shop.stock_out = {
  batch = 50,
  send_batch = function(self, messages)
    local rows = {}
    for i, message in ipairs(messages) do rows[i] = { sku = message.data.sku, count = message.data.quantity } end
    local answer = self:write("PUT", "stock.json", { rows = rows })
    for i, message in ipairs(messages) do
      local row = answer:json().rows[i]
      if row.ok then message:sent(answer) else message:refused(row.why) end
    end
  end,
  probe = probe_rows("stock.json", "count", "quantity"),
}

shop.prices_out = {
  send = function(self, message)
    message:sent(self:write("PUT", ("prices/%s.json"):format(message.data.sku), { price = message.data.price }))
  end,
  probe = probe_rows("prices.json", "price", "price"),
}

---@return cartwright.Response
---@return table order
local function order_of(self, id)
  local answer = self:get("orders.json", { ids = id, limit = 1 })
  return answer, answer:json().orders[1]
end

shop.shipments_out = {
  send = function(self, message)
    local shipment, lines = message.data, {}
    local _, order = order_of(self, shipment.order_id)
    if order.state == "void" then return message:refused(tell.CANCELLED) end
    if shipment.again then return message:refused "a parcel cannot be changed: correct its number in the shop" end
    for i, line in ipairs(shipment.lines) do lines[i] = { sku = line.sku, count = line.quantity } end
    message:sent(self:write("POST", ("orders/%s/parcels.json"):format(shipment.order_id),
      { reference = message.key, carrier = shipment.carrier, code = shipment.tracking_number, items = lines }))
  end,
  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local answer, found = self:get(("orders/%s/parcels.json"):format(message.data.order_id)), false
      for _, parcel in ipairs(answer:json().parcels) do found = found or parcel.reference == message.key end
      if found then message:arrived "a parcel has its reference" else message:missing "no parcel has it" end
    end
  end,
}

shop.statuses_out = {
  send = function(self, message)
    local status = message.data.status
    local state = self:translate_back("status", status)
    if not state then return message:refused("the shop has no state for " .. status) end
    local answer, order = order_of(self, message.data.order_id)
    if order.state == state then return message:sent(answer) end
    local fault = tell.status_fault(status, self:translate("status", order.state), order.state)
    if fault then return message:refused(fault) end
    message:sent(self:write("PUT", ("orders/%s/state.json"):format(message.data.order_id), { state = state }))
  end,
  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local orders = self:get("orders.json", { ids = message.data.order_id, limit = 1 }):json().orders
      local state = self:translate_back("status", message.data.status)
      if orders[1] and orders[1].state == state then message:arrived() else message:missing() end
    end
  end,
}

---What the shop makes anew, told by one of its fields.
local function creates(path, key, body)
  return {
    send = function(self, message) message:sent(self:write("POST", path .. ".json", body(message.data))) end,
    probe = function(self, messages)
      for _, message in ipairs(messages) do
        local found = self:get(path .. ".json", { [key] = message.data[key] }):json()[path]
        if #found > 0 then message:arrived() else message:missing() end
      end
    end,
  }
end

shop.customers_out = creates("customers", "email", function(customer)
  return { email = customer.email, first = customer.first_name, last = customer.last_name }
end)

shop.items_out = creates("items", "sku", function(item)
  return { sku = item.sku, title = item.name, price = item.price, currency = item.currency }
end)

return shop
