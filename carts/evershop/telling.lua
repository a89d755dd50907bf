---What EverShop is told: stock, prices, parcels with their tracking numbers, statuses.
---
---Facts this script relies on, besides those of asking.lua:
---  - Nothing that writes takes a key of ours, so each write looks first whether the shop has it already.
---  - A PATCH of a product empties its tax class, category and description where they are left out, which are therefore
---    read before and sent along. The next order of a product without tax class is untaxed.
---  - An order takes its pieces off the stock when it is placed, and gives them back when it is cancelled: what is told
---    is what may be sold. Quantities below zero are taken.
---  - Making a parcel sends it. Its carrier is one that the shop has registered ("custom" always is); its number can be
---    changed.
---  - The status of an order follows from its payment and its parcels. Cash on delivery is the payment that can be
---    taken here; an order that is paid cannot be cancelled.
local asking = require "shipped.evershop.asking"
local json = require "cartwright.json"
local tell = require "cartwright.tell"

local telling = {}

-- Products ------------------------------------------------------------------------------------------------------------

local PRODUCT = "productId uuid sku taxClass description category{categoryId} price{regular{value currency}} "
  .. "inventory{qty manageStock}"

local UNKNOWN_ITEM = "the shop's number of this SKU is not known; fetch its items (cartwright sync CART items)"

---What a PATCH would empty, as it is: the answer's own JSON, since a description is a tree of any shape.
---@param response cartwright.Response the product came in
---@return table<string, table> by product's number
local function kept(response)
  local found = {}
  for _, product in pairs(response:json().data) do
    if product ~= json.null then
      local category = product.category
      found[tostring(product.productId)] = { tax_class = product.taxClass, description = product.description,
        category_id = category ~= json.null and category.categoryId or json.null }
    end
  end
  return found
end

---@param changes table
---@return cartwright.Response
local function change_product(self, product, keeps, changes)
  local body = { tax_class = keeps.tax_class, category_id = keeps.category_id, description = keeps.description }
  if type(body.description) == "table" then body.description = json.array(body.description) end
  for name, value in pairs(changes) do body[name] = value end
  return self:write("PATCH", "api/products/" .. product:text "uuid", body)
end

---Writes what differs, and tells of each message what came of it. One that fails keeps no other from being sent.
---@param changes_of fun(product: cartwright.Node, message: cartwright.Message): table?, string?, boolean? the fields;
---nil: why not; nil and nothing: the shop has it already. With true the words say that there is nothing to tell
local function send_products(self, messages, changes_of)
  local ids = {}
  for _, message in ipairs(messages) do ids[#ids + 1] = message.data.item_id end
  local products, response, keeps = {}, nil, {}
  if #ids > 0 then
    products, response = asking.products(self, ids, PRODUCT)
    keeps = kept(response)
  end
  local problem
  for _, message in ipairs(messages) do
    local id = message.data.item_id
    local product = id and products[id]
    if not product then
      message:refused(id and "the product was deleted in the shop" or UNKNOWN_ITEM)
    else
      local changes, why, is_needless = changes_of(product, message)
      if why and is_needless then message:needless(why)
      elseif why then message:refused(why)
      elseif not changes then message:sent(response)
      else
        local done, answer = pcall(change_product, self, product, keeps[id], changes)
        if done then message:sent(answer) else problem = problem or answer end
      end
    end
  end
  if problem then error(problem, 0) end
end

---@param has fun(product: cartwright.Node, data: table): boolean
---@param says fun(product: cartwright.Node): string?
local function probe_products(self, messages, has, says)
  local ids = {}
  for _, message in ipairs(messages) do ids[#ids + 1] = message.data.item_id end
  if #ids == 0 then return end
  local products = asking.products(self, ids, PRODUCT)
  for _, message in ipairs(messages) do
    local product = products[message.data.item_id]
    if product and has(product, message.data) then message:arrived "the shop has it"
    elseif product then message:missing(("the shop has %s"):format(says(product))) end
  end
end

-- Stock ---------------------------------------------------------------------------------------------------------------

local function has_quantity(product, data)
  local quantity = product:decimal "inventory/qty"
  return quantity ~= nil and quantity == data.quantity
end

local function stock_change(product, message)
  local quantity = message.data.quantity:integer()
  local manages = product:text "inventory/manageStock"
  if manages == "0" or manages == "false" then return nil, "the shop keeps no stock of it", true end
  if not quantity then return nil, "the shop counts in whole pieces" end
  if has_quantity(product, message.data) then return nil end
  return { qty = quantity }
end

telling.stock_out = {
  batch = 20, -- one request each, and one that reads them all

  send = function(self, message) send_products(self, { message }, stock_change) end,
  send_batch = function(self, messages) send_products(self, messages, stock_change) end,

  probe = function(self, messages)
    probe_products(self, messages, has_quantity, function(product) return product:text "inventory/qty" end)
  end,
}

-- Prices --------------------------------------------------------------------------------------------------------------

local function has_price(product, data)
  local price = product:decimal "price/regular/value"
  return price ~= nil and price == data.price
end

local function price_change(product, message)
  local data, currency = message.data, product:text "price/regular/currency"
  if data.list ~= "default" then return nil, "special prices cannot be written: in site.lua, list = 'default'" end
  if currency and data.currency ~= currency then return nil, ("prices of this shop are in %s"):format(currency) end
  if has_price(product, data) then return nil end
  return { price = tostring(data.price) }
end

telling.prices_out = {
  batch = 20,

  send = function(self, message) send_products(self, { message }, price_change) end,
  send_batch = function(self, messages) send_products(self, messages, price_change) end,

  probe = function(self, messages)
    probe_products(self, messages, has_price, function(product) return product:text "price/regular/value" end)
  end,
}

-- Orders --------------------------------------------------------------------------------------------------------------

local ORDER = "query($u:String!){order(uuid:$u){uuid status{code} paymentStatus{code} shipmentStatus{code} "
  .. "paymentMethod items{orderItemId productSku qty} unshippedItems{orderItemId qtyUnshipped} shipments{uuid carrier "
  .. "trackingNumber status{code} items{orderItemId qty}}} carriers{code}}"

---@return cartwright.Node? order
---@return cartwright.Response response
---@return cartwright.Node data with the shop's carriers
local function order_of(self, id)
  local data, response = asking.ask(self, ORDER, { u = id })
  return data:node "order", response, data
end

local NO_ORDER = "the shop has no such order"

-- Shipments -----------------------------------------------------------------------------------------------------------

local function lines_of(order) return tell.lines(order, "items", "orderItemId", "productSku") end

---What is to be sent, by the shop's items: { ["3"] = 2 }.
local function contents(order, data) return tell.pieces(data, lines_of(order)) end

---The parcel with a number and these pieces, beside those that were told before.
---@return cartwright.Node?
local function parcel_with(order, data, number, quantities)
  local others = tell.alike(data, number, quantities, lines_of(order))
  for parcel in order:each "shipments" do
    local is_there = parcel:text "trackingNumber" == number and parcel:text "status/code" ~= "canceled"
    if is_there and tell.holds(quantities, tell.lines(parcel, "items", "orderItemId", nil, "qty")) then
      if others == 0 then return parcel end
      others = others - 1
    end
  end
end

---The parcel that the shop has of this shipment: by its number, new or old, and by what is in it.
---@return cartwright.Node?
local function parcel_of(order, data, quantities)
  return parcel_with(order, data, data.tracking_number, quantities)
    or data.again and parcel_with(order, data, data.old_tracking_number, quantities) or nil
end

local function carrier_of(data) return data.carrier or "custom" end

---@param shop cartwright.Node with its carriers
local function has_carrier(shop, code)
  for carrier in shop:each "carriers" do
    if carrier:text "code" == code then return true end
  end
  return false
end

---Why the shop would refuse the parcel.
local function fault_of(self, shop, order, data, quantities)
  if not has_carrier(shop, carrier_of(data)) then
    return ("the shop has no carrier %s; mend the row: cartwright table set %s carrier_out ..."):format(
      carrier_of(data), self.name)
  end
  if order:text "status/code" == "canceled" then
    return tell.CANCELLED
  end
  local open = {}
  for item in order:each "unshippedItems" do open[item:text "orderItemId"] = item:integer "qtyUnshipped" end
  for id, quantity in pairs(quantities) do
    if quantity > (open[id] or 0) then
      return ("of item %s the shop has %d left to be sent, not %d"):format(id, open[id] or 0, quantity)
    end
  end
end

local function make_parcel(self, data, quantities)
  local items = {}
  for id, quantity in pairs(quantities) do
    items[#items + 1] = { order_item_id = math.tointeger(tonumber(id)), qty = quantity }
  end
  table.sort(items, function(a, b) return a.order_item_id < b.order_item_id end)
  return self:write("POST", ("api/orders/%s/shipments"):format(data.order_id),
    { items = items, carrier = carrier_of(data), tracking_number = data.tracking_number })
end

---The order, its parcel of this shipment, and what belongs into it.
---@return cartwright.Node? order
---@return cartwright.Node? parcel
---@return table<string, integer>|string|nil quantities, or why they cannot be told
---@return cartwright.Response response
---@return cartwright.Node shop with its carriers
local function look(self, data)
  local order, response, found = order_of(self, data.order_id)
  if not order then return nil, nil, NO_ORDER, response, found end
  local quantities, why = contents(order, data)
  if not quantities then return order, nil, why, response, found end
  return order, parcel_of(order, data, quantities), quantities, response, found
end

telling.shipments_out = {
  send = function(self, message)
    local data = message.data
    local order, parcel, quantities, response, found = look(self, data)
    if type(quantities) == "string" then return message:refused(quantities) end
    if not parcel then
      local why = fault_of(self, found, order, data, quantities)
      if why then return message:refused(why) end
      response = make_parcel(self, data, quantities)
    elseif parcel:text "trackingNumber" ~= data.tracking_number then
      response = self:write("PATCH", "api/shipments/" .. parcel:text "uuid",
        { carrier = parcel:text "carrier", tracking_number = data.tracking_number or "" })
    end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local order, parcel, quantities = look(self, message.data)
      if parcel and parcel:text "trackingNumber" == message.data.tracking_number then
        message:arrived "the shop has this parcel"
      elseif order and type(quantities) == "table" then
        message:missing(parcel and "the parcel has its old number" or "the shop has no such parcel")
      end
    end
  end,
}

-- Statuses ------------------------------------------------------------------------------------------------------------

---Whether the order is where a status says.
local REACHED = {
  cancelled = function(order) return order:text "status/code" == "canceled" end,
  paid = function(order) return order:text "paymentStatus/code" == "paid" end,
  completed = function(order) return order:text "shipmentStatus/code" == "delivered" end,
}

---What leads there: requests as { path, body }; none and why where nothing does.
local STEPS = {
  cancelled = function(order)
    if order:text "paymentStatus/code" == "paid" then return nil, "the shop cancels no order that is paid" end
    return { { ("api/orders/%s/cancel"):format(order:text "uuid"), { reason = "cancelled in the back office" } } }
  end,
  paid = function(order)
    if order:text "paymentMethod" ~= "cod" then return nil, "only cash on delivery can be taken here" end
    return { { "api/cod/captures", { order_id = order:text "uuid" } } }
  end,
  completed = function(order)
    if order:node "unshippedItems[1]" then
      return nil, "not all of the order is in parcels: the shop is told of these first"
    end
    local steps = {}
    for parcel in order:each "shipments" do
      if parcel:text "status/code" == "shipped" then
        steps[#steps + 1] = { ("api/shipments/%s/markDelivered"):format(parcel:text "uuid"), {} }
      end
    end
    return steps
  end,
}

telling.statuses_out = {
  send = function(self, message)
    local data = message.data
    if not STEPS[data.status] then
      return message:refused(("the status of EverShop's orders follows from their parcels and payment: it can be told "
        .. "cancelled, paid and completed, not %s"):format(data.status))
    end
    local order, response = order_of(self, data.order_id)
    if not order then return message:refused(NO_ORDER) end
    if data.status ~= "cancelled" and REACHED.cancelled(order) then
      return message:refused(tell.status_fault(data.status, "cancelled") or "")
    end
    if REACHED[data.status](order) then return message:sent(response) end
    local steps, why = STEPS[data.status](order)
    if not steps then return message:refused(why) end
    for _, step in ipairs(steps) do response = self:write("POST", step[1], step[2]) end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local status = message.data.status
      local order = REACHED[status] and order_of(self, message.data.order_id)
      if order and REACHED[status](order) then message:arrived("the order is " .. status)
      elseif order then message:missing(("the order is %s"):format(order:text "status/code")) end
    end
  end,
}

return telling
