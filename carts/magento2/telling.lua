---What Magento is told: stock of a source, prices, parcels, statuses, customers, items.
---
---Facts this script relies on:
---  - Levels are upserted by SKU and source, many in one call; an unknown SKU or source fails the whole call. status
---    has to be sent: 0 is out of stock. What is read back of a source is what was written.
---  - In bulk the shop answers 202, and its queue does the work later, in no order; its consumers may not run.
---  - Prices answer 200 with a list of those that failed.
---  - "ship" takes what it is given without a wrapper, and refuses more than is open. A configurable is shipped by its
---    own row. Nothing that writes takes a key of ours: parcels are told by their tracks.
---  - A comment changes the status inside the present state, and takes any word. cancel and hold are calls of their
---    own; closed and complete follow from what was done.
---  - A list of addresses that is sent replaces all of them: none is sent.
local tell = require "cartwright.tell"
local time = require "cartwright.time"

local telling = {}

---@return cartwright.Node[]
---@return cartwright.Response
local function look_up(self, path, filters, sort)
  local response = self:get(path, self.search(filters, sort or "entity_id", 100))
  local list = {}
  for record in response:json_node():each "items" do list[#list + 1] = record end
  return list, response
end

---@param messages cartwright.Message[]
---@return string skus with commas between them
local function skus_of(messages)
  local list = {}
  for _, message in ipairs(messages) do list[#list + 1] = message.data.sku end
  return table.concat(list, ",")
end

---A SKU as one part of an address.
local function in_path(sku)
  return (sku:gsub("[^%w%-_.~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- Stock ---------------------------------------------------------------------------------------------------------------

---@param message cartwright.Message
local function source_item(self, message)
  local quantity = message.data.quantity
  return { sku = message.data.sku, source_code = self.settings.source, quantity = quantity,
    status = quantity > 0 and 1 or 0 }
end

local POLLS, PAUSE = 20, 3 -- times, seconds

local DONE, FAILED, FAILED_FOR_GOOD, REJECTED = 1, 2, 3, 5 -- what the queue says of an operation

---Tells what became of the operations of a bulk call; those that wait still are left to the probe.
---@param messages cartwright.Message[] by the numbers of their operations, from 0
local function follow(self, uuid, messages, answer)
  local told = {}
  for _ = 1, POLLS do
    local open = 0
    for operation in self:get(("bulk/%s/status"):format(uuid)):json_node():each "operations_list" do
      local number = operation:integer "id"
      local message, status = messages[number + 1], operation:integer "status"
      if message and not told[number] then
        told[number] = true
        if status == DONE then
          message:sent(answer)
        elseif status == FAILED or status == FAILED_FOR_GOOD or status == REJECTED then
          message:refused(operation:text "result_message" or "the shop's queue could not do it")
        else
          told[number], open = nil, open + 1
        end
      end
    end
    if open == 0 then return end
    time.sleep(PAUSE)
  end
end

local function send_bulk(self, messages)
  local bodies = {}
  for i, message in ipairs(messages) do bodies[i] = { sourceItems = { source_item(self, message) } } end
  local base = self.settings.url .. (self.settings.index_php and "/index.php" or "")
  local answer = self:write("POST", base .. "/rest/all/async/bulk/V1/inventory/source-items", bodies)
  local accepted = answer:json()
  for _, item in ipairs(accepted.request_items or {}) do
    local message = messages[(item.id or -1) + 1]
    if message and item.status == "rejected" then
      message:refused(item.error_message or "the shop's queue rejected it")
    end
  end
  follow(self, accepted.bulk_uuid, messages, answer)
end

local function send_stock(self, messages)
  if self.settings.bulk and #messages > 1 then return send_bulk(self, messages) end
  local items = {}
  for i, message in ipairs(messages) do items[i] = source_item(self, message) end
  local answer = self:write("POST", "inventory/source-items", { sourceItems = items })
  for _, message in ipairs(messages) do message:sent(answer) end
end

telling.stock_out = {
  batch = 50, -- SKUs in the address of the probe

  send = function(self, message) send_stock(self, { message }) end,
  send_batch = send_stock,

  probe = function(self, messages)
    local levels = {}
    for _, item in ipairs((look_up(self, "inventory/source-items", { { "source_code", "eq", self.settings.source },
      { "sku", "in", skus_of(messages) } }, "sku"))) do
      levels[item:text "sku"] = item:decimal "quantity"
    end
    for _, message in ipairs(messages) do
      local level = levels[message.data.sku]
      if level == message.data.quantity then
        message:arrived "the source has this level"
      else
        message:missing(level and ("the source has %s"):format(level) or "the source has no such SKU")
      end
    end
  end,
}

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

---What the shop says of SKUs whose price it did not take.
---@param response cartwright.Response
---@return table<string, string>
local function price_faults(self, response)
  local faults = {}
  for _, fault in ipairs(response:json()) do
    for _, value in pairs(type(fault.parameters) == "table" and fault.parameters or {}) do
      faults[tostring(value)] = self.words(fault)
    end
  end
  return faults
end

---Why the price cannot be told; nil when it can.
local function price_fault(self, data)
  if not LISTS[data.list] then return ("the shop has no price list %s: default or sale"):format(data.list) end
  local currency = self:once("currency", function()
    return self:get "store/storeConfigs":json()[1].base_currency_code
  end)
  if data.currency ~= currency then return ("prices of this shop are in %s"):format(currency) end
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
  for path, group in pairs(by_path) do
    local prices = {}
    for i, message in ipairs(group) do prices[i] = price_entry(message.data) end
    local answer = self:write("POST", path, { prices = prices })
    local faults = price_faults(self, answer)
    for _, message in ipairs(group) do
      if faults[message.data.sku] then message:refused(faults[message.data.sku]) else message:sent(answer) end
    end
  end
end

telling.prices_out = {
  batch = 50,

  send = function(self, message) send_prices(self, { message }) end,
  send_batch = send_prices,

  -- The base price is the product's; of special prices the shop tells more than one, so a person decides.
  probe = function(self, messages)
    local prices = {}
    for _, product in ipairs((look_up(self, "products", { { "sku", "in", skus_of(messages) } }))) do
      prices[product:text "sku"] = product:decimal "price"
    end
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

---Calls that change the state; all else is a comment with the status.
local CALLS = { canceled = "cancel", holded = "hold" }

local ONLY_DONE = { closed = "refund the order in the shop", complete = "invoice and ship the order" }

---@return string?
local function status_of(self, order_id)
  return self:get("orders/" .. order_id, { fields = "status" }):json_node():text "status"
end

---Whether the shop took the call, which it says with true.
local function did(response) return response:text():match "^%s*(%a+)" == "true" end

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
    local response = self:get("orders/" .. data.order_id, { fields = "status" })
    local now = response:json_node():text "status"
    if now == status then return message:sent(response) end
    local fault = tell.status_fault(data.status, self:translate("status", now or ""), now)
    if fault then return message:refused(fault) end
    local call = CALLS[status]
    local body = call and {} or { statusHistory = { status = status, comment = "", is_customer_notified = 0,
      is_visible_on_front = 0 } }
    local answer = self:write("POST", ("orders/%s/%s"):format(data.order_id, call or "comments"), body)
    if not did(answer) then return message:refused(("the shop says that it cannot %s"):format(call or "do that")) end
    message:sent(answer)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local now = status_of(self, message.data.order_id)
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

telling.shipments_out = {
  send = function(self, message)
    local data = message.data
    if data.again then
      return message:refused "which of the shop's parcels it is cannot be told: add its number in the shop's admin"
    end
    local pieces, why, rows = contents_of(self, data)
    if not pieces then return message:refused(why or "") end
    if data.tracking_number then
      local _, is_there, response = parcels_of(self, data, pieces, rows)
      if is_there then return message:sent(response) end
    end
    message:sent(self:write("POST", ("order/%s/ship"):format(data.order_id), { items = items_of(pieces),
      notify = self.settings.notify, tracks = data.tracking_number and { track_of(data) } or nil,
      arguments = { extension_attributes = { source_code = self.settings.source } } }))
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
    for _, message in ipairs(messages) do
      local there = find_customer(self, message)
      if there and not next(tell.changes(message.data, there, CUSTOMER_FIELDS)) then
        message:arrived("the shop has this customer", { link = there:text "id" })
      else
        message:missing(there and "the customer is otherwise" or "there is no such customer")
      end
    end
  end,
}

-- Items ---------------------------------------------------------------------------------------------------------------

---@return cartwright.Node?
---@return cartwright.Response
local function find_product(self, sku)
  local found, response = look_up(self, "products", { { "sku", "eq", sku } })
  return found[1], response
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
      response = self:write("PUT", "products/" .. in_path(data.sku), { product = product })
    end
    message:sent(response, { link = there and there:text "id" or response:json_node():text "id" })
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local there = find_product(self, message.data.sku)
      if there and not next(product_changes(message.data, there)) then
        message:arrived("the shop has this item", { link = there:text "id" })
      else
        message:missing(there and "the item is otherwise" or "there is no such product")
      end
    end
  end,
}

return telling
