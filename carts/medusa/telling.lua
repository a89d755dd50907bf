---What Medusa is told: stock, prices, parcels with their tracking numbers, statuses.
---
---Facts this script relies on:
---  - The shop sells what is stocked less what is reserved by orders, over all locations of a channel. A level to be
---    sold is therefore written as that level and what is reserved at the location. The two calls are no transaction:
---    a parcel that is packed between them leaves its pieces too many, until the next level is told. Fractions are
---    taken, negative ones are not.
---  - Prices of a variant are replaced as a list: one that is left out is gone. All are read before, and sent along.
---  - A parcel is packed (which takes the stock), then sent, in two calls. Packing takes a key of ours among its
---    metadata, by which it is found again. Labels of a parcel that was sent cannot be changed.
---  - Packing takes from the location where the order's lines are reserved; more than that is refused.
---  - Taking a payment a second time answers 200, and nothing happens.
local tell = require "cartwright.tell"

local telling = {}

---@return cartwright.Node root
---@return cartwright.Response response
local function ask(self, path, query)
  local response = self:get(path, query)
  return response:json_node(), response
end

local function list_query(name, values, query)
  for i, value in ipairs(values) do query[("%s[%d]"):format(name, i - 1)] = value end
  return query
end

-- Stock ---------------------------------------------------------------------------------------------------------------

---The location that is told: the set one, or the only one.
---@return string? id
---@return string? why there is none
local function location_of(self)
  if self.settings.location then return self.settings.location end
  local names, first = {}, nil
  for _, location in ipairs(self:locations()) do
    first = first or location:text "id"
    names[#names + 1] = ("%s %s"):format(location:text "id", location:text "name")
  end
  if #names == 1 then return first end
  return nil, ("the shop has %d stock locations (%s): set location of cart %s to the id of one"):format(#names,
    table.concat(names, ", "), self.name)
end

---The stocked items that messages are about, by message, and the answer they came in.
---@param messages cartwright.Message[]
local function items_of(self, messages)
  local skus, by_sku, items = {}, {}, {}
  for i, message in ipairs(messages) do skus[i] = message.data.sku end
  local root, response = ask(self, "inventory-items", list_query("sku", skus, { fields = "id,sku,*location_levels",
    limit = 1000 }))
  for item in root:each "inventory_items" do
    local sku = item:text "sku" or ""
    by_sku[sku] = by_sku[sku] == nil and item or false
  end
  for _, message in ipairs(messages) do items[message] = by_sku[message.data.sku] end
  return items, response
end

---@return cartwright.Node? level
---@return cartwright.Decimal|integer stocked
---@return cartwright.Decimal|integer reserved
local function level_at(item, location)
  for level in item:each "location_levels" do
    if level:text "location_id" == location then
      return level, level:decimal "raw_stocked_quantity/value" or level:decimal "stocked_quantity" or 0,
        level:decimal "raw_reserved_quantity/value" or level:decimal "reserved_quantity" or 0
    end
  end
  return nil, 0, 0
end

local function sells(item, location, quantity)
  local level, stocked, reserved = level_at(item, location)
  return level ~= nil and quantity:compare(stocked - reserved) == 0
end

local function no_item(item, data)
  if item == false then
    return ("the shop has several stocked items with the SKU %s; give them SKUs of their own"):format(data.sku)
  end
  return ("the shop keeps no stock of a SKU %s"):format(data.sku)
end

---Writes what differs in one request.
local function send_stock(self, messages)
  local location, why = location_of(self)
  if not location then
    for _, message in ipairs(messages) do message:refused(why) end
    return
  end
  local items, response = items_of(self, messages)
  local body, sent = { create = {}, update = {} }, {}
  for _, message in ipairs(messages) do
    local item, data = items[message], message.data
    if not item then
      message:refused(no_item(item, data))
    elseif sells(item, location, data.quantity) then
      message:sent(response)
    else
      local level, _, reserved = level_at(item, location)
      local list = level and body.update or body.create
      list[#list + 1] = { inventory_item_id = item:text "id", location_id = location,
        stocked_quantity = data.quantity + reserved }
      sent[#sent + 1] = message
    end
  end
  if #sent == 0 then return end
  if #body.create == 0 then body.create = nil end
  if #body.update == 0 then body.update = nil end
  response = self:write("POST", "inventory-items/location-levels/batch", body)
  for _, message in ipairs(sent) do message:sent(response) end
end

telling.stock_out = {
  batch = 50,

  send = function(self, message) send_stock(self, { message }) end,
  send_batch = send_stock,

  probe = function(self, messages)
    local location = location_of(self)
    if not location then return end
    local items = items_of(self, messages)
    for _, message in ipairs(messages) do
      local item = items[message]
      if item and sells(item, location, message.data.quantity) then
        message:arrived "the shop sells this quantity"
      elseif item then
        local _, stocked, reserved = level_at(item, location)
        message:missing(("the shop has %s, %s of them reserved"):format(stocked, reserved))
      end
    end
  end,
}

-- Prices --------------------------------------------------------------------------------------------------------------

---@return cartwright.Node? variant
---@return cartwright.Response? response
local function variant_of(self, data)
  if not (data.item_id and data.variant_id) then return nil end
  local response = self:get("products", { fields = "id,*variants,*variants.prices,*variants.prices.price_rules",
    ["id[0]"] = data.item_id, limit = 1 })
  for variant in response:json_node():each "products/variants" do
    if variant:text "id" == data.variant_id then return variant, response end
  end
  return nil, response
end

---The price that everybody pays for one in a currency.
---@return cartwright.Node?
local function general_price(variant, currency)
  for price in variant:each "prices" do
    local is_general = not price:text "min_quantity" and not price:text "max_quantity" and not price:node "rules/*"
    if is_general and price:text "currency_code" == currency:lower() then return price end
  end
end

---All prices of the variant, with the new one in its place.
local function prices_with(variant, data)
  local present, prices = general_price(variant, data.currency), {}
  local id = present and present:text "id"
  for price in variant:each "prices" do
    local rules = {}
    for rule in price:each "rules/*" do rules[rule:name()] = rule:text() end
    prices[#prices + 1] = { id = price:text "id", currency_code = price:text "currency_code",
      amount = price:text "id" == id and data.price or price:decimal "amount",
      min_quantity = price:decimal "min_quantity", max_quantity = price:decimal "max_quantity", rules = rules }
  end
  if not id then prices[#prices + 1] = { currency_code = data.currency:lower(), amount = data.price } end
  return prices
end

local function has_price(variant, data)
  local price = general_price(variant, data.currency)
  return price ~= nil and price:decimal "amount" == data.price
end

telling.prices_out = {
  send = function(self, message)
    local data = message.data
    if data.list ~= "default" then
      return message:refused "special prices cannot be written: in site.lua, list = 'default'"
    end
    local variant, response = variant_of(self, data)
    if not variant then return message:refused "the shop's variant of this SKU is not known; fetch its items" end
    if not has_price(variant, data) then
      response = self:write("POST", ("products/%s/variants/%s"):format(data.item_id, data.variant_id),
        { prices = prices_with(variant, data) })
    end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local variant = variant_of(self, message.data)
      if variant and has_price(variant, message.data) then message:arrived "the shop has this price"
      elseif variant then message:missing "the shop has another price" end
    end
  end,
}

-- Orders --------------------------------------------------------------------------------------------------------------

local ORDER = { fields = "id,status,payment_status,fulfillment_status,*items,*items.detail,*fulfillments,"
  .. "*fulfillments.items,*fulfillments.labels,*payment_collections,*payment_collections.payments" }

---@return cartwright.Node? order
---@return cartwright.Response response
local function order_of(self, id)
  local root, response = ask(self, "orders", { ["id[0]"] = id, fields = ORDER.fields, limit = 1 })
  return root:node "orders[1]", response
end

local NO_ORDER = "the shop has no such order"

-- Shipments -----------------------------------------------------------------------------------------------------------

---@return string? id of the order's line
local function line_of(order, line)
  for candidate in order:each "items" do
    if candidate:text "id" == line.line_id then return line.line_id end
  end
  for candidate in order:each "items" do
    if line.sku and candidate:text "variant_sku" == line.sku then return candidate:text "id" end
  end
end

---@return { id: string, quantity: cartwright.Decimal }[]? lines
---@return string? why not
local function contents(order, data)
  local lines = {}
  for _, line in ipairs(data.lines) do
    local id = line_of(order, line)
    if not id then return nil, ("the order has no line with %s in the shop"):format(line.sku or line.line_id) end
    if line.quantity > 0 then lines[#lines + 1] = { id = id, quantity = line.quantity } end
  end
  if #lines == 0 then return nil, "there is nothing in it" end
  return lines
end

---The parcel that was packed for this shipment.
---@return cartwright.Node?
local function parcel_of(order, data)
  for parcel in order:each "fulfillments" do
    local is_ours = parcel:text "metadata/cartwright_shipment" == data.id
    if is_ours and not parcel:text "canceled_at" then return parcel end
  end
end

local function has_number(parcel, number)
  for label in parcel:each "labels" do
    if label:text "tracking_number" == number then return true end
  end
  return number == nil
end

---Where the order's lines are reserved.
---@return string? location
---@return string? why there is none
local function place_of(self, lines)
  local ids, place = {}, nil
  for i, line in ipairs(lines) do ids[i] = line.id end
  for reservation in ask(self, "reservations", list_query("line_item_id", ids, { limit = 1000 })):each "reservations" do
    local location = reservation:text "location_id"
    if place and location ~= place then
      return nil, "its lines are reserved at several stock locations: put a shipment of its own for each of them"
    end
    place = location
  end
  if place then return place end
  return location_of(self)
end

---Why the shop would refuse the parcel.
local function fault_of(order, lines)
  if order:text "status" == "canceled" then
    return tell.CANCELLED
  end
  for _, line in ipairs(lines) do
    for item in order:each "items" do
      if item:text "id" == line.id then
        local packed = item:decimal "detail/raw_fulfilled_quantity/value" or 0
        local open = (item:decimal "detail/raw_quantity/value" or 0) - packed
        if line.quantity > open then
          return ("of %s the shop has %s left to be sent, not %s"):format(item:text "variant_sku" or line.id, open,
            line.quantity)
        end
      end
    end
  end
end

local WITH_PARCELS = { query = { fields = "id,*fulfillments,*fulfillments.items,*fulfillments.labels" } }

---@return cartwright.Node? parcel
local function pack(self, data, lines, location)
  local response = self:write("POST", ("orders/%s/fulfillments"):format(data.order_id), { location_id = location,
    items = lines, no_notification = true, metadata = { cartwright_shipment = data.id } }, WITH_PARCELS)
  return parcel_of(response:json_node():node "order", data)
end

local function send_parcel(self, data, lines, parcel)
  local label = data.tracking_number and { tracking_number = data.tracking_number, label_url = "#",
    tracking_url = data.tracking_url or "#" }
  return self:write("POST", ("orders/%s/fulfillments/%s/shipments"):format(data.order_id, parcel:text "id"),
    { items = lines, labels = label and { label } or nil }, WITH_PARCELS)
end

telling.shipments_out = {
  send = function(self, message)
    local data = message.data
    local order, response = order_of(self, data.order_id)
    if not order then return message:refused(NO_ORDER) end
    local lines, why = contents(order, data)
    if not lines then return message:refused(why) end
    local parcel = parcel_of(order, data)
    if not parcel then
      local location
      why = fault_of(order, lines)
      if not why then location, why = place_of(self, lines) end
      if why then return message:refused(why) end
      parcel = pack(self, data, lines, location)
      if not parcel then error("the shop's answer does not have the parcel that it was told of", 0) end
    end
    if not parcel:text "shipped_at" then
      response = send_parcel(self, data, lines, parcel)
    elseif not has_number(parcel, data.tracking_number) then
      return message:refused "the shop cannot change the number of a parcel that has left"
    end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local order = order_of(self, message.data.order_id)
      local parcel = order and parcel_of(order, message.data)
      if parcel and parcel:text "shipped_at" and has_number(parcel, message.data.tracking_number) then
        message:arrived "the shop has this parcel"
      elseif order then
        message:missing(parcel and "the parcel is packed, but has not left" or "the shop has no such parcel")
      end
    end
  end,
}

-- Statuses ------------------------------------------------------------------------------------------------------------

---Whether the order is where a status says.
local REACHED = {
  cancelled = function(order) return order:text "status" == "canceled" end,
  completed = function(order) return order:text "status" == "completed" end,
  paid = function(order) return order:text "payment_status" == "captured" end,
}

---What leads there: the paths of requests; nil and why where nothing does.
local STEPS = {
  cancelled = function(order)
    for parcel in order:each "fulfillments" do
      if not parcel:text "canceled_at" then
        return nil, "the shop cancels no order that has parcels: call these off first"
      end
    end
    return { ("orders/%s/cancel"):format(order:text "id") }
  end,
  completed = function(order)
    local steps = {}
    for parcel in order:each "fulfillments" do
      if parcel:text "shipped_at" and not parcel:text "delivered_at" and not parcel:text "canceled_at" then
        steps[#steps + 1] = ("orders/%s/fulfillments/%s/mark-as-delivered"):format(order:text "id", parcel:text "id")
      end
    end
    steps[#steps + 1] = ("orders/%s/complete"):format(order:text "id")
    return steps
  end,
  paid = function(order)
    local steps = {}
    for payment in order:each "payment_collections/payments" do
      if not payment:text "captured_at" and not payment:text "canceled_at" then
        steps[#steps + 1] = ("payments/%s/capture"):format(payment:text "id")
      end
    end
    if #steps == 0 then return nil, "the order has no payment in the shop that could be taken" end
    return steps
  end,
}

local NOTHING = "{}" -- an empty object, which these calls want

telling.statuses_out = {
  send = function(self, message)
    local data = message.data
    if not STEPS[data.status] then
      return message:refused(("Medusa's orders can be told cancelled, paid and completed, not %s"):format(data.status))
    end
    local order, response = order_of(self, data.order_id)
    if not order then return message:refused(NO_ORDER) end
    if data.status ~= "cancelled" and REACHED.cancelled(order) then
      return message:refused(tell.status_fault(data.status, "cancelled") or "")
    end
    if REACHED[data.status](order) then return message:sent(response) end
    local steps, why = STEPS[data.status](order)
    if not steps then return message:refused(why) end
    for _, path in ipairs(steps) do
      response = self:write("POST", path, NOTHING, { headers = { ["Content-Type"] = "application/json" } })
    end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local status = message.data.status
      local order = REACHED[status] and order_of(self, message.data.order_id)
      if order and REACHED[status](order) then message:arrived("the order is " .. status)
      elseif order then message:missing(("the order is %s"):format(order:text "status")) end
    end
  end,
}

return telling
