---What Vendure is told: stock, prices, parcels with their tracking numbers, statuses.
---
---Facts this script relies on, besides those of graphql.lua:
---  - Nothing that writes takes a key of ours, so each write looks first whether the shop has it already.
---  - The shop sells what is on hand less what orders have taken (allocated), over all its locations. A level to be
---    sold is therefore written as that level and what is allocated at the location. The two calls are no transaction:
---    a parcel that is made between them leaves its pieces too many, until the next level is told.
---  - A parcel is made first (Pending) and then moved to Shipped; its number and carrier cannot be changed any more.
---    Lines that are in a parcel already cannot be put into another one. Parcels are made with the handler
---    manual-fulfillment, which every shop has whose owner did not take it out.
---  - The states of an order follow from its parcels and payments. Cancelled is a call of its own, which puts the
---    pieces back; so is taking a payment that was authorised.
local graphql = require "shipped.vendure.graphql"
local tell = require "cartwright.tell"

local telling = {}

-- Variants ------------------------------------------------------------------------------------------------------------

local VARIANTS = "query($o:ProductVariantListOptions){productVariants(options:$o){items{%s}}}"

---The variants that messages are about, by message; an answer to tell them by, and why one has none.
---@param messages cartwright.Message[]
---@return table<cartwright.Message, cartwright.Node> variants
---@return table<cartwright.Message, string> faults
---@return cartwright.Response response
local function variants_of(self, messages, fields)
  local skus, by_sku, variants, faults = {}, {}, {}, {}
  for i, message in ipairs(messages) do skus[i] = message.data.sku end
  local data, response = graphql.ask(self, VARIANTS:format(fields),
    { o = { take = 1000, filter = { sku = { ["in"] = skus } } } })
  for variant in data:each "productVariants/items" do
    local sku = variant:text "sku" or ""
    by_sku[sku] = by_sku[sku] or {}
    table.insert(by_sku[sku], variant)
  end
  for _, message in ipairs(messages) do
    local found, wanted = by_sku[message.data.sku] or {}, message.data.variant_id
    for _, variant in ipairs(found) do
      if #found == 1 or variant:text "id" == wanted then variants[message] = variant end
    end
    if #found == 0 then
      faults[message] = ("the shop has no variant with the SKU %s"):format(message.data.sku)
    elseif not variants[message] then
      faults[message] = ("the shop has %d variants with the SKU %s; which of them is meant cannot be told: give them "
        .. "SKUs of their own"):format(#found, message.data.sku)
    end
  end
  return variants, faults, response
end

---@param changes { message: cartwright.Message, input: table }[]
local function update_variants(self, changes, fields)
  local input = {}
  for i, change in ipairs(changes) do input[i] = change.input end
  return graphql.tell(self, ("mutation($i:[UpdateProductVariantInput!]!){updateProductVariants(input:$i){%s}}"):format(
    fields), { i = input })
end

---Writes what differs in one request, and tells of each message what the answer shows.
---@param messages cartwright.Message[]
---@param fields string of a variant that are looked at
---@param change_of fun(variant: cartwright.Node, message: cartwright.Message): table?, string?, boolean? the input; nil:
---why not; nil and nothing: the shop has it already. With true the words say that there is nothing to tell
---@param has fun(variant: cartwright.Node, message: cartwright.Message): boolean
local function send_variants(self, messages, fields, change_of, has)
  local variants, faults, response = variants_of(self, messages, fields)
  local changes = {}
  for _, message in ipairs(messages) do
    local input, why, is_needless
    if variants[message] then input, why, is_needless = change_of(variants[message], message) end
    why = why or faults[message]
    if why and is_needless then message:needless(why)
    elseif why then message:refused(why)
    elseif input then changes[#changes + 1] = { message = message, input = input }
    else message:sent(response) end
  end
  if #changes == 0 then return end
  response = update_variants(self, changes, fields)
  local written = {}
  for variant in response:json_node():each "data/updateProductVariants" do written[variant:text "id"] = variant end
  for _, change in ipairs(changes) do
    local variant = written[change.input.id]
    if variant and has(variant, change.message) then change.message:sent(response) end
  end
end

---@param says fun(variant: cartwright.Node): string what the shop has, in words
local function probe_variants(self, messages, fields, has, says)
  local variants = variants_of(self, messages, fields)
  for _, message in ipairs(messages) do
    local variant = variants[message]
    if variant and has(variant, message) then message:arrived "the shop has it"
    elseif variant then message:missing(("the shop has %s"):format(says(variant))) end
  end
end

-- Stock ---------------------------------------------------------------------------------------------------------------

---The location that is told: the set one, or the only one.
---@return string? id
---@return string? why there is none
local function location_of(self)
  if self.settings.location then return self.settings.location end
  local data = self:once("locations", function() return (graphql.ask(self, graphql.LOCATIONS)) end)
  local first, names = nil, {}
  for location in data:each "stockLocations/items" do
    first = first or location:text "id"
    names[#names + 1] = ("%s %s"):format(location:text "id", location:text "name")
  end
  if #names == 1 then return first end
  return nil, ("the shop has %d stock locations (%s): set location of cart %s to the number of one"):format(#names,
    table.concat(names, ", "), self.name)
end

---@return cartwright.Decimal|integer on_hand
---@return cartwright.Decimal|integer allocated
local function level_at(variant, location)
  for level in variant:each "stockLevels" do
    if level:text "stockLocationId" == location then
      return level:decimal "stockOnHand" or 0, level:decimal "stockAllocated" or 0
    end
  end
  return 0, 0
end

local function sells(location)
  return function(variant, message)
    local on_hand, allocated = level_at(variant, location)
    return message.data.quantity:compare(on_hand - allocated) == 0
  end
end

local function stock_change(location)
  local has = sells(location)
  return function(variant, message)
    local quantity = message.data.quantity:integer()
    if variant:text "trackInventory" == "FALSE" then return nil, "the shop keeps no stock of it", true end
    if not quantity then return nil, "the shop counts in whole pieces" end
    if has(variant, message) then return nil end
    local _, allocated = level_at(variant, location)
    return { id = variant:text "id",
      stockLevels = { { stockLocationId = location, stockOnHand = allocated + quantity } } }
  end
end

local function send_stock(self, messages)
  local location, why = location_of(self)
  if not location then
    for _, message in ipairs(messages) do message:refused(why) end
    return
  end
  send_variants(self, messages, graphql.VARIANT, stock_change(location), sells(location))
end

telling.stock_out = {
  batch = 100,

  send = function(self, message) send_stock(self, { message }) end,
  send_batch = send_stock,

  probe = function(self, messages)
    local location = location_of(self)
    if not location then return end
    probe_variants(self, messages, graphql.VARIANT, sells(location), function(variant)
      local on_hand, allocated = level_at(variant, location)
      return ("%s on hand, %s of them taken by orders"):format(on_hand, allocated)
    end)
  end,
}

-- Prices --------------------------------------------------------------------------------------------------------------

local PRICE = "id sku price priceWithTax currencyCode"

---The field of a variant that holds what the shop's staff types.
local function price_field(self)
  return self:about():text "activeChannel/pricesIncludeTax" == "true" and "priceWithTax" or "price"
end

local function costs(field)
  return function(variant, message)
    local cents = variant:decimal(field)
    return cents ~= nil and cents == message.data.price * 100
  end
end

local function price_change(self)
  local field, currency = price_field(self), self:about():text "activeChannel/defaultCurrencyCode"
  local has = costs(field)
  return function(variant, message)
    local data = message.data
    local cents = (data.price * 100):integer()
    if data.list ~= "default" then return nil, "special prices cannot be written: in site.lua, list = 'default'" end
    if data.currency ~= currency then return nil, ("prices of this channel are in %s"):format(currency) end
    if not cents then return nil, "the shop's prices have two digits behind the point" end
    if has(variant, message) then return nil end
    return { id = variant:text "id", price = cents }
  end
end

local function send_prices(self, messages)
  send_variants(self, messages, PRICE, price_change(self), costs(price_field(self)))
end

telling.prices_out = {
  batch = 100,

  send = function(self, message) send_prices(self, { message }) end,
  send_batch = send_prices,

  probe = function(self, messages)
    local field = price_field(self)
    probe_variants(self, messages, PRICE, costs(field), function(variant) return variant:text(field) .. " cents" end)
  end,
}

-- Orders --------------------------------------------------------------------------------------------------------------

local ORDER = "query($id:ID!){order(id:$id){id state lines{id quantity productVariant{sku} fulfillmentLines{quantity "
  .. "fulfillmentId}} payments{id state} fulfillments{id state method trackingCode lines{orderLineId quantity}}}}"

---@return cartwright.Node? order
---@return cartwright.Response response
local function order_of(self, id)
  local data, response = graphql.ask(self, ORDER, { id = id })
  return data:node "order", response
end

local NO_ORDER = "the shop has no such order"

---@param self cartwright.Cart
---@param parcel_id string
---@return cartwright.Response
local function move_parcel(self, parcel_id, state)
  return graphql.tell(self, "mutation($id:ID!,$s:String!){transitionFulfillmentToState(id:$id,state:$s){...on "
    .. "Fulfillment{id state} ...on ErrorResult{errorCode message}}}", { id = parcel_id, s = state })
end

-- Shipments -----------------------------------------------------------------------------------------------------------

---Quantities of parcels that still stand, by order line.
local function in_parcels(order)
  local quantities = {}
  for parcel in order:each "fulfillments" do
    if parcel:text "state" ~= "Cancelled" then
      for line in parcel:each "lines" do
        local id = line:text "orderLineId"
        quantities[id] = (quantities[id] or 0) + (line:integer "quantity" or 0)
      end
    end
  end
  return quantities
end

local function lines_of(order) return tell.lines(order, "lines", "id", "productVariant/sku") end

---What is to be put into the parcel, by the shop's lines: { ["3"] = 2 }.
local function contents(order, data) return tell.pieces(data, lines_of(order)) end

---The parcel that the shop has of this shipment: by its number, and by what is in it, beside those that were told before.
---@return cartwright.Node?
local function parcel_of(order, data, quantities)
  local others = tell.alike(data, data.tracking_number, quantities, lines_of(order))
  for parcel in order:each "fulfillments" do
    local inside = tell.lines(parcel, "lines", "orderLineId", nil, "quantity")
    local is_same = parcel:text "trackingCode" == data.tracking_number and tell.holds(quantities, inside)
    if is_same and parcel:text "state" ~= "Cancelled" then
      if others == 0 then return parcel end
      others = others - 1
    end
  end
end

---@return cartwright.Response
local function make_parcel(self, quantities, data)
  local lines = {}
  for id, quantity in pairs(quantities) do lines[#lines + 1] = { orderLineId = id, quantity = quantity } end
  local method = data.carrier or data.carrier_name or data.method or "-"
  local arguments = { { name = "method", value = method },
    { name = "trackingCode", value = data.tracking_number or "" } }
  return graphql.tell(self, "mutation($i:FulfillOrderInput!){addFulfillmentToOrder(input:$i){...on Fulfillment{id "
    .. "state} ...on ErrorResult{errorCode message}}}",
    { i = { lines = lines, handler = { code = "manual-fulfillment", arguments = arguments } } })
end

---Why the shop cannot be told of the shipment.
local function fault_of(order, data, quantities)
  if order:text "state" == "Cancelled" then return tell.CANCELLED end
  if data.again then
    return ("the shop cannot change the number of a parcel, which it has %s"):format(
      data.old_tracking_number and "as " .. data.old_tracking_number or "without one")
  end
  local sent = in_parcels(order)
  for line in order:each "lines" do
    local id = line:text "id"
    local open = (line:integer "quantity" or 0) - (sent[id] or 0)
    if (quantities[id] or 0) > open then
      return ("of line %s (%s) the shop has %d left to be sent, not %d"):format(id,
        line:text "productVariant/sku" or "without a SKU", open, quantities[id])
    end
  end
end

telling.shipments_out = {
  send = function(self, message)
    local data = message.data
    local order, response = order_of(self, data.order_id)
    if not order then return message:refused(NO_ORDER) end
    local quantities, unknown = contents(order, data)
    if not quantities then return message:refused(unknown or "") end
    local parcel = parcel_of(order, data, quantities)
    local id, state = parcel and parcel:text "id", parcel and parcel:text "state"
    if not parcel then
      local why = fault_of(order, data, quantities)
      if why then return message:refused(why) end
      response = make_parcel(self, quantities, data)
      local made = graphql.part(response, "addFulfillmentToOrder")
      id, state = made:text "id", made:text "state"
    end
    if state == "Pending" then response = move_parcel(self, id, "Shipped") end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local order = order_of(self, message.data.order_id)
      local quantities = order and contents(order, message.data)
      local parcel = quantities and parcel_of(order, message.data, quantities)
      if parcel and parcel:text "state" ~= "Pending" then message:arrived "the shop has this parcel"
      elseif parcel then message:missing "the shop has the parcel, but it has not left"
      elseif quantities then message:missing "the shop has no such parcel" end
    end
  end,
}

-- Statuses ------------------------------------------------------------------------------------------------------------

---What is left to be done for a status of ours: each a function that sends a request; nil and why where it cannot be.
---@type table<string, fun(order: cartwright.Node): fun(self: cartwright.Cart): cartwright.Response[]>
local STEPS = {}

function STEPS.cancelled(order)
  if order:text "state" == "Cancelled" then return {} end
  return { function(self)
    return graphql.tell(self, "mutation($i:CancelOrderInput!){cancelOrder(input:$i){...on Order{id state} ...on "
      .. "ErrorResult{errorCode message}}}", { i = { orderId = order:text "id", cancelShipping = true,
      reason = "cancelled in the back office" } })
  end }
end

function STEPS.paid(order)
  local steps = {}
  for payment in order:each "payments" do
    local id = payment:text "id"
    if payment:text "state" == "Authorized" then
      steps[#steps + 1] = function(self)
        return graphql.tell(self, "mutation($id:ID!){settlePayment(id:$id){...on Payment{id state} ...on "
          .. "ErrorResult{errorCode message}}}", { id = id })
      end
    end
  end
  return steps
end

function STEPS.completed(order)
  local steps = {}
  for parcel in order:each "fulfillments" do
    local id = parcel:text "id"
    if parcel:text "state" == "Shipped" then
      steps[#steps + 1] = function(self) return move_parcel(self, id, "Delivered") end
    end
  end
  return steps
end

---Whether the order is where the status says, once nothing is left to be done for it.
local REACHED = {
  cancelled = function(order) return order:text "state" == "Cancelled" end,
  paid = function(order)
    for payment in order:each "payments" do
      if payment:text "state" == "Settled" then return true end
    end
    return false
  end,
  completed = function(order) return order:text "state" == "Delivered" end,
}

local CANNOT = {
  paid = "the order has no payment in the shop that could be taken",
  completed = "not all of the order is in parcels that have left: the shop is told of these first",
}

telling.statuses_out = {
  send = function(self, message)
    local data = message.data
    local steps_of = STEPS[data.status]
    if not steps_of then
      return message:refused(("the states of Vendure's orders follow from their parcels and payments: it can be told "
        .. "cancelled, paid and completed, not %s"):format(data.status))
    end
    local order, response = order_of(self, data.order_id)
    if not order then return message:refused(NO_ORDER) end
    if data.status ~= "cancelled" and REACHED.cancelled(order) then
      return message:refused(tell.status_fault(data.status, "cancelled") or "")
    end
    local steps = steps_of(order)
    if #steps == 0 and not REACHED[data.status](order) then return message:refused(CANNOT[data.status]) end
    for _, step in ipairs(steps) do response = step(self) end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local status = message.data.status
      local order = STEPS[status] and order_of(self, message.data.order_id)
      if order and REACHED[status](order) then message:arrived("the order is " .. status)
      elseif order then message:missing(("the order is %s"):format(order:text "state")) end
    end
  end,
}

return telling
