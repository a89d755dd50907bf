---What Magento is told: prices, parcels, statuses, customers, items; its stock is in levels.lua.
---
---Facts this script relies on:
---  - Prices answer 200 with a list of those that failed, whose words may name the SKU, or nothing but a row.
---  - "ship" takes what it is given without a wrapper, and refuses more than is open. A configurable is shipped by its
---    own row. Nothing that writes takes a key of ours: parcels are told by their tracks. A track is added to a parcel
---    by a call of its own; which one of several alike a parcel of ours became nobody knows.
---  - A comment changes the status inside the present state, and takes any word. cancel, hold and unhold are calls of
---    their own, which answer false where they cannot: an order on hold is not cancelled, and gets back the status that
---    it had. closed and complete follow from what was done.
---  - SKUs are compared without case when the shop looks for one.
---  - A list of addresses that is sent replaces all of them: none is sent.
local tell = require "cartwright.tell"

local telling = { stock_out = require "shipped.magento2.levels" }

---@return cartwright.Node[]
---@return cartwright.Response
local function look_up(self, path, filters, sort)
  local response = self:get(path, self.search(filters, sort or "entity_id", math.min(self.settings.page_size, 100)))
  local list = {}
  for record in response:json_node():each "items" do list[#list + 1] = record end
  return list, response
end

-- Prices --------------------------------------------------------------------------------------------------------------

local FORMAT = "%Y-%m-%d %H:%M:%S"
local LISTS = { default = "products/base-prices", sale = "products/special-price" }

---@param data out.PriceData
local function price_entry(data)
  local entry = { sku = data.sku, price = data.price, store_id = 0 }
  if data.list == "sale" then
    entry.price_from = data.valid_from and data.valid_from:format(FORMAT)
    entry.price_to = data.valid_until and data.valid_until:format(FORMAT)
  end
  return entry
end

---The SKU that a fault is about, where its words have a place for it.
---@return string? sku
local function sku_in(fault)
  local in_turn, given = 0, type(fault.parameters) == "table" and fault.parameters or {}
  for name in tostring(fault.message):gmatch "%%(%w+)" do
    in_turn = in_turn + 1
    if name:lower() == "sku" then return tostring(given[name] or given[in_turn]) end
  end
end

---What the shop says of prices that it did not take.
---@param response cartwright.Response
---@return table<string, string> words by SKU
---@return string? others words of a fault that names no SKU
local function price_faults(self, response)
  local faults, others = {}, nil
  for _, fault in ipairs(response:json()) do
    local sku = sku_in(fault)
    if sku then faults[sku] = self.words(fault) else others = self.words(fault) end
  end
  return faults, others
end

---Why the price cannot be told; nil when it can.
local function price_fault(self, data)
  if not LISTS[data.list] then return ("the shop has no price list %s: default or sale"):format(data.list) end
  local currency = self:once("currency", function()
    return self:get "store/storeConfigs":json()[1].base_currency_code
  end)
  if data.currency ~= currency then return ("prices of this shop are in %s"):format(currency) end
end

---Prices of one list. Where a fault does not say whose it is, each is told by itself: twice the same price does no
---harm.
---@param messages cartwright.Message[]
local function send_list(self, path, messages)
  local prices = {}
  for i, message in ipairs(messages) do prices[i] = price_entry(message.data) end
  local answer = self:write("POST", path, { prices = prices })
  local faults, others = price_faults(self, answer)
  for _, message in ipairs(messages) do
    local fault = faults[message.data.sku] or #messages == 1 and (others or select(2, next(faults)))
    if fault then
      message:refused(fault)
    elseif others then
      send_list(self, path, { message })
    else
      message:sent(answer)
    end
  end
end

local function send_prices(self, messages)
  local by_path = {}
  for _, message in ipairs(messages) do
    local fault = price_fault(self, message.data)
    if fault then
      message:refused(fault)
    else
      local path = LISTS[message.data.list]
      by_path[path] = by_path[path] or {}
      table.insert(by_path[path], message)
    end
  end
  for path, group in pairs(by_path) do send_list(self, path, group) end
end

telling.prices_out = {
  batch = 50,

  send = function(self, message) send_prices(self, { message }) end,
  send_batch = send_prices,

  -- The base price is the product's; of special prices the shop tells more than one, so a person decides.
  probe = function(self, messages)
    local prices = self:figures("products", "price", messages, {})
    for _, message in ipairs(messages) do
      local price = prices[message.data.sku]
      if message.data.list == "default" and price == message.data.price then
        message:arrived "the product has this price"
      elseif message.data.list == "default" then
        message:missing(price and ("the product has %s"):format(price) or "there is no such product")
      end
    end
  end,
}

-- Statuses ------------------------------------------------------------------------------------------------------------

local ON_HOLD = "holded"

---Calls that change the state; all else is a comment with the status.
local CALLS = { canceled = "cancel", [ON_HOLD] = "hold" }

local ONLY_DONE = { closed = "refund the order in the shop", complete = "invoice and ship the order" }

---@return cartwright.Node order
---@return string? status or, where it has none, the state
---@return cartwright.Response
local function look_at(self, order_id)
  local response = self:get("orders/" .. order_id, { fields = "status,state" })
  local order = response:json_node()
  return order, order:text "status" or order:text "state", response
end

---Whether the shop took the call, which it says with true.
local function did(response) return response:text():match "^%s*(%a+)" == "true" end

---@return cartwright.Response? answer nil: the shop says that it cannot
---@return string? why
local function call(self, order_id, name, body)
  local answer = self:write("POST", ("orders/%s/%s"):format(order_id, name), body or {})
  if did(answer) then return answer end
  return nil, ("the shop says that it cannot %s"):format(name == "comments" and "do that" or name)
end

---Changes the status. An order on hold is let go first, and gets back the status that it had, which may be the one.
---@param there cartwright.Node the order
---@return cartwright.Response? answer
---@return string? why
local function move_to(self, order_id, status, there)
  if (there:text "state" or there:text "status") == ON_HOLD and status ~= ON_HOLD then
    local answer, why = call(self, order_id, "unhold")
    if not answer or select(2, look_at(self, order_id)) == status then return answer, why end
  end
  if CALLS[status] then return call(self, order_id, CALLS[status]) end
  return call(self, order_id, "comments", { statusHistory = { status = status, comment = "", is_customer_notified = 0,
    is_visible_on_front = 0 } })
end

telling.statuses_out = {
  send = function(self, message)
    local data = message.data
    local status = self:translate_back("status", data.status)
    if not status then
      return message:refused(("none of the shop's states means %s; say which: cartwright table set %s status_out "
        .. "%s STATUS"):format(data.status, self.name, data.status))
    elseif ONLY_DONE[status] then
      return message:refused(("the status %s follows from what is done: %s"):format(status, ONLY_DONE[status]))
    end
    local there, now, response = look_at(self, data.order_id)
    if now == status then return message:sent(response) end
    local fault = tell.status_fault(data.status, self:translate("status", now or ""), now)
    if fault then return message:refused(fault) end
    local answer, why = move_to(self, data.order_id, status, there)
    if not answer then return message:refused(why or "") end
    message:sent(answer)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local _, now = look_at(self, message.data.order_id)
      if now == self:translate_back("status", message.data.status) then
        message:arrived "the order has this status"
      else
        message:missing("the order has " .. tostring(now))
      end
    end
  end,
}

-- Shipments -----------------------------------------------------------------------------------------------------------

local CARRIERS = { ups = true, usps = true, fedex = true, dhl = true }

---The rows of the order that are in the parcel; nil and why it cannot be told.
---@param data out.ShipmentData
---@return table<string, integer>? pieces
---@return string? why
---@return table[] rows of the order
local function contents_of(self, data)
  local order, rows = self:get("orders/" .. data.order_id):json_node(), {}
  if order:text "state" == "canceled" or order:text "status" == "canceled" then
    return nil, tell.CANCELLED, rows
  end
  for row in order:each "items" do
    if not row:text "parent_item_id" then
      rows[#rows + 1] = { id = row:text "item_id", sku = row:text "sku", no_parcel = row:text "is_virtual" == "1" }
    end
  end
  local pieces, why = tell.pieces(data, rows)
  return pieces, why, rows
end

---@param pieces table<string, integer>
local function items_of(pieces)
  local items = {}
  for id, count in pairs(pieces) do
    items[#items + 1] = { order_item_id = math.tointeger(tonumber(id)), qty = count }
  end
  return items
end

---@param data out.ShipmentData
local function track_of(data)
  local carrier = (data.carrier or data.carrier_name or ""):lower()
  return { track_number = data.tracking_number, carrier_code = CARRIERS[carrier] and carrier or "custom",
    title = data.carrier_name or data.carrier or "Carrier" }
end

---@param parcel cartwright.Node
local function has_number(parcel, number)
  for track in parcel:each "tracks" do
    if track:text "track_number" == number then return true end
  end
  return false
end

---Whether a parcel holds just those pieces; where the shop does not say what is in it, its number has to do.
---@param parcel cartwright.Node
local function is_of(parcel, pieces)
  local inside = tell.lines(parcel, "items", "order_item_id", nil, "qty")
  return #inside == 0 or tell.holds(pieces, inside)
end

---Parcels of the order: how many there are, and whether one of them is this one, beside those that were told before.
---@param pieces table<string, integer>
---@param rows table[] of the order
---@return integer count
---@return boolean is_there
---@return cartwright.Response
local function parcels_of(self, data, pieces, rows)
  local parcels, response = look_up(self, "shipments", { { "order_id", "eq", data.order_id } })
  local found = 0
  for _, parcel in ipairs(parcels) do
    if has_number(parcel, data.tracking_number) and is_of(parcel, pieces) then found = found + 1 end
  end
  return #parcels, found > tell.alike(data, data.tracking_number, pieces, rows), response
end

---The parcel that the number is of: the only one with these pieces that has none, and we made no other such.
---@param pieces table<string, integer>
---@param rows table[] of the order
---@return cartwright.Node? parcel nil: it cannot be told which
local function parcel_without_track(self, data, pieces, rows)
  local bare = {}
  for _, parcel in ipairs((look_up(self, "shipments", { { "order_id", "eq", data.order_id } }))) do
    local tells_items = parcel:text "items/order_item_id" ~= nil
    if tells_items and not parcel:text "tracks/track_number" and is_of(parcel, pieces) then bare[#bare + 1] = parcel end
  end
  return #bare == 1 and tell.alike(data, nil, pieces, rows) == 0 and bare[1] or nil
end

---Adds a number to the parcel that the shop was told of without one.
---@param message cartwright.Message
---@param pieces table<string, integer>
---@param rows table[] of the order
local function add_track(self, message, pieces, rows)
  local data = message.data
  if data.old_tracking_number or not data.tracking_number then
    return message:refused "the shop has no call that changes or takes back a number: do it in the shop's admin"
  end
  local _, is_there, response = parcels_of(self, data, pieces, rows)
  if is_there then return message:sent(response) end
  local parcel = parcel_without_track(self, data, pieces, rows)
  if not parcel then
    return message:refused "which of the shop's parcels it is cannot be told: add its number in the shop's admin"
  end
  local track, count = track_of(data), 0
  for _, pieces_of_row in pairs(pieces) do count = count + pieces_of_row end
  track.order_id, track.parent_id = data.order_id, parcel:text "entity_id"
  track.weight, track.qty, track.description = 0, count, ""
  message:sent(self:write("POST", "shipment/track", { entity = track }))
end

telling.shipments_out = {
  send = function(self, message)
    local data = message.data
    local pieces, why, rows = contents_of(self, data)
    if not pieces then return message:refused(why or "") end
    if data.again then return add_track(self, message, pieces, rows) end
    if data.tracking_number then
      local _, is_there, response = parcels_of(self, data, pieces, rows)
      if is_there then return message:sent(response) end
    end
    message:sent(self:write("POST", ("order/%s/ship"):format(data.order_id), { items = items_of(pieces),
      notify = self.settings.notify, tracks = data.tracking_number and { track_of(data) } or nil,
      arguments = not self.settings.single_stock and { extension_attributes = { source_code = self.settings.source } }
        or nil }))
  end,

  -- A parcel without a number may be any of those that the order has: a person tells these apart.
  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local data = message.data
      local pieces, _, rows = contents_of(self, data)
      local count, is_there = parcels_of(self, data, pieces or {}, rows)
      if pieces and data.tracking_number and is_there then
        message:arrived "a parcel of the order has its number and pieces"
      elseif count == 0 or pieces and data.tracking_number then
        message:missing "the order has no such parcel"
      end
    end
  end,
}

-- Customers -----------------------------------------------------------------------------------------------------------

local CUSTOMER_FIELDS = { email = "email", first_name = "firstname", last_name = "lastname", vat_number = "taxvat" }

---@return cartwright.Node?
---@return cartwright.Response
local function find_customer(self, message)
  local filter = message.link and { "entity_id", "eq", message.link } or { "email", "eq", message.data.email }
  local found, response = look_up(self, "customers/search", { filter })
  return found[1], response
end

telling.customers_out = {
  send = function(self, message)
    local data = message.data
    if not message.link and not data.email then return message:refused "the shop tells customers by their e-mail" end
    local there, response = find_customer(self, message)
    local changes = tell.changes(data, there, CUSTOMER_FIELDS)
    if there and next(changes) then
      -- The shop wants these with every change; what is not sent stays.
      local customer = { id = there:integer "id", website_id = there:integer "website_id", email = there:text "email",
        firstname = there:text "firstname", lastname = there:text "lastname" }
      for name, value in pairs(changes) do customer[name] = value end
      response = self:write("PUT", "customers/" .. there:text "id", { customer = customer })
    elseif not there then
      if not (data.first_name and data.last_name) then
        return message:refused "the shop makes no customer without first_name and last_name"
      end
      response = self:write("POST", "customers", { customer = changes })
    end
    message:sent(response, { link = there and there:text "id" or response:json_node():text "id" })
  end,

  probe = function(self, messages)
    tell.probe_customers(messages, function(message) return find_customer(self, message) end, CUSTOMER_FIELDS)
  end,
}

-- Items ---------------------------------------------------------------------------------------------------------------

---@return cartwright.Node?
---@return cartwright.Response
local function find_product(self, sku)
  local found, response = look_up(self, "products", { { "sku", "eq", sku } })
  return found[1], response
end

---Why the product that the shop found is not this one: it looks for SKUs without their case, and would write over it.
---@param there? cartwright.Node
---@return string?
local function stranger(there, sku)
  local has = there and there:text "sku"
  if has and has ~= sku then return ("the shop takes %s for its product %s: give it another SKU"):format(sku, has) end
end

---@param there? cartwright.Node
local function product_changes(data, there)
  local changes = {}
  if data.name and not (there and there:text "name" == data.name) then changes.name = data.name end
  if data.weight and not (there and there:decimal "weight" == data.weight) then changes.weight = data.weight end
  local status = data.active ~= nil and (data.active and 1 or 2) or nil
  if status and not (there and there:integer "status" == status) then changes.status = status end
  local description = there and there:text "custom_attributes[attribute_code=description]/value"
  if data.description and data.description ~= description then
    changes.custom_attributes = { { attribute_code = "description", value = data.description } }
  end
  return changes
end

local ATTRIBUTE_SET = 4 -- "Default", of a new shop

telling.items_out = {
  send = function(self, message)
    local data = message.data
    if not data.sku then return message:refused "the shop tells items by their SKU" end
    if data.variants or data.components then
      return message:refused "items with variants or components have to be made in the shop"
    end
    local there, response = find_product(self, data.sku)
    local fault = stranger(there, data.sku)
    if fault then return message:refused(fault) end
    local product = product_changes(data, there)
    if not there then
      if not (data.name and data.price) then
        return message:refused "the shop makes no product without name and price"
      end
      product.sku, product.price, product.attribute_set_id, product.type_id = data.sku, data.price, ATTRIBUTE_SET,
        data.type == "virtual" and "virtual" or "simple"
    end
    -- Without the SKU in its address it would be another product; "all" changes it for every view.
    if not there then
      response = self:write("POST", "products", { product = product })
    elseif next(product) then
      product.sku = data.sku
      response = self:write("PUT", "products/" .. self.in_path(data.sku), { product = product })
    end
    message:sent(response, { link = there and there:text "id" or response:json_node():text "id" })
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local there = find_product(self, message.data.sku)
      if there and not stranger(there, message.data.sku) and not next(product_changes(message.data, there)) then
        message:arrived("the shop has this item", { link = there:text "id" })
      else
        message:missing(there and "the item is otherwise" or "there is no such product")
      end
    end
  end,
}

return telling
