---What Shopify is told: stock, prices, parcels, cancelled and closed orders, customers.
---
---Facts this script relies on:
---  - A mutation that is refused answers 200 with userErrors, and has changed nothing.
---  - Levels are set absolutely, for an inventory item that is tracked and kept at the location, in whole pieces. To
---    version 2026-01 the call says that nothing is compared (ignoreCompareQuantity). From 2026-04 on that is unknown:
---    each level says it (changeFromQuantity null), and the call has a key of ours (@idempotent). Which of the two the
---    shop takes goes by the version that answers, which may be another than the one that is asked for.
---  - A sale is written as its price, with the usual price as compareAtPrice; a field that is left out stays. No price
---    has a time from which or until which it holds. The shop is told of a price once it holds, and of nothing when it
---    is over: a sale price with valid_until would go on, and is refused. A sale is ended by a sale price that is not
---    below the usual one.
---  - A parcel is made of lines of fulfilment orders, which have ids of their own, all of one location; not of those on
---    hold. Its tracking can be changed later. No key goes with it: parcels are told by their number and pieces.
---  - The words of an order's status follow from payments and parcels: only cancelling and closing can be asked for.
local graphql = require "shipped.shopify.graphql"
local json = require "cartwright.json"
local tell = require "cartwright.tell"

local telling = {}

local UNKNOWN_ITEM = "no item that was read from the shop has this SKU; run: cartwright sync CART items"

-- Variants ------------------------------------------------------------------------------------------------------------

local VARIANTS = [[query($ids:[ID!]!,$location:ID!){nodes(ids:$ids){...on ProductVariant{legacyResourceId sku price
compareAtPrice product{id} inventoryItem{id tracked inventoryLevel(locationId:$location){
quantities(names:["available","on_hand"]){name quantity}}}}}}]]

local ONLY = [[query($id:ID!){product(id:$id){hasOnlyDefaultVariant variants(first:1){nodes{legacyResourceId}}}}]]

---The number of the variant that a message is about; nil where the product has several, or none that is known.
local function variant_id(self, data)
  if data.variant_id or not data.item_id then return data.variant_id end
  local product = graphql.ask(self, ONLY, { id = graphql.gid("Product", data.item_id) }):json_node():node "data/product"
  if not product or product:text "hasOnlyDefaultVariant" ~= "true" then return nil end
  return product:text "variants/nodes/legacyResourceId"
end

---The variants of messages, by message, and the answer they came in.
---@param messages cartwright.Message[]
local function variants_of(self, messages)
  local ids, by_id, found, numbers = {}, {}, {}, {}
  for _, message in ipairs(messages) do
    local number = variant_id(self, message.data)
    numbers[message] = number
    if number and not by_id[number] then ids[#ids + 1], by_id[number] = graphql.gid("ProductVariant", number), false end
  end
  if #ids == 0 then return found end
  local response = graphql.ask(self, VARIANTS, { ids = ids, location = graphql.location(self) })
  for variant in response:json_node():each "data/nodes" do
    by_id[variant:text "legacyResourceId" or ""] = variant
  end
  for _, message in ipairs(messages) do found[message] = by_id[numbers[message] or ""] or nil end
  return found, response
end

---Why nothing can be told of it; nil when something can.
---@param variant? cartwright.Node
local function fault_of(data, variant)
  if not data.item_id then return UNKNOWN_ITEM end
  local sku = variant and variant:text "sku"
  if sku and sku ~= "" and sku:match "^%s*(.-)%s*$" ~= data.sku:match "^%s*(.-)%s*$" then
    return ("what had this SKU in the shop has the SKU %s by now; run: cartwright sync CART items"):format(sku)
  end
  if variant then return nil end
  return data.variant_id and "the variant was deleted in the shop"
    or "the product has variants, or was deleted in the shop: say it of the variants' SKUs"
end

---The variant that a message is about; nil where what was found says nothing of its SKU.
---@param variants table<cartwright.Message, cartwright.Node>
---@return cartwright.Node?
local function meant(message, variants)
  local variant = variants[message]
  return variant and not fault_of(message.data, variant) and variant or nil
end

-- Stock ---------------------------------------------------------------------------------------------------------------

local SET = "mutation($input:InventorySetQuantitiesInput!){inventorySetQuantities(input:$input)"
  .. "{userErrors{field message}}}"
local SET_ONCE = "mutation($input:InventorySetQuantitiesInput!,$key:String!){inventorySetQuantities(input:$input)"
  .. "@idempotent(key:$key){userErrors{field message}}}"

---@param variant cartwright.Node
local function level_of(self, variant)
  return variant:decimal(("inventoryItem/inventoryLevel/quantities[name=%s]/quantity"):format(self.settings.quantity))
end

---@param variant? cartwright.Node
local function stock_fault(self, data, variant)
  local fault = fault_of(data, variant)
  if fault or not variant then return fault end
  if variant:text "inventoryItem/tracked" ~= "true" then return "the shop does not track the stock of this variant" end
  if not level_of(self, variant) then return "the variant is not kept at this location: stock it there in the shop" end
  if not data.quantity:integer() then return ("the shop takes whole pieces, not %s"):format(data.quantity) end
end

---@param response? cartwright.Response the shop's answer to the look before: nil where nothing is to be written
local function needs_key(self, response)
  return response ~= nil and graphql.version(self, response) >= "2026-04"
end

local function send_stock(self, messages)
  local variants, response = variants_of(self, messages)
  local has_key, quantities, sent = needs_key(self, response), {}, {}
  for _, message in ipairs(messages) do
    local data, variant = message.data, variants[message]
    local fault = stock_fault(self, data, variant)
    if fault then
      message:refused(fault)
    elseif level_of(self, variant) == data.quantity then
      message:sent(response)
    else
      quantities[#quantities + 1] = { inventoryItemId = variant:text "inventoryItem/id",
        locationId = graphql.location(self), quantity = data.quantity:integer(),
        changeFromQuantity = has_key and json.null or nil }
      sent[#sent + 1] = message
    end
  end
  if #sent == 0 then return end
  local input = { name = self.settings.quantity, reason = "correction", quantities = quantities,
    referenceDocumentUri = "cartwright://" .. sent[1].call }
  if not has_key then input.ignoreCompareQuantity = true end
  local answer = graphql.change(self, has_key and SET_ONCE or SET, { input = input,
    key = has_key and sent[1].call or nil })
  for _, message in ipairs(sent) do message:sent(answer) end
end

telling.stock_out = {
  batch = 100,

  send = function(self, message) send_stock(self, { message }) end,
  send_batch = send_stock,

  probe = function(self, messages)
    local variants = variants_of(self, messages)
    for _, message in ipairs(messages) do
      local variant = meant(message, variants)
      local level = variant and level_of(self, variant)
      if level == message.data.quantity then
        message:arrived "the shop has this quantity"
      elseif level then
        message:missing(("the shop has %s"):format(level))
      end
    end
  end,
}

-- Prices --------------------------------------------------------------------------------------------------------------

local PRICE = [[mutation($id:ID!,$variants:[ProductVariantsBulkInput!]!){productVariantsBulkUpdate(productId:$id,
variants:$variants){userErrors{field message}}}]]

---What the two prices of a variant are to be: under a sale the usual price is the one that is struck through. A sale
---that is not below it is none.
---@param data out.PriceData
---@param variant cartwright.Node
---@return cartwright.Decimal? price
---@return cartwright.Decimal? compare
local function prices_with(data, variant)
  local price, compare = variant:decimal "price", variant:decimal "compareAtPrice"
  local is_on_sale = price ~= nil and compare ~= nil and price < compare
  local usual, sale = is_on_sale and compare or price, is_on_sale and price or nil
  if data.list == "sale" then sale = data.price else usual = data.price end
  if sale and usual and sale < usual then return sale, usual end
  return usual, nil
end

---@param variant? cartwright.Node
local function price_fault(self, data, variant)
  local fault = fault_of(data, variant)
  if fault then return fault end
  if data.list ~= "default" and data.list ~= "sale" then
    return ("the shop has no price list %s: default or sale"):format(data.list)
  elseif data.list == "sale" and data.valid_until then
    return "the shop keeps no period of a price, so that the sale would not end: put the price without valid_until, "
      .. "and one as high as the usual price when the sale is over"
  end
  local currency = self:once("currency", function()
    return graphql.ask(self, "{shop{currencyCode}}"):json_node():text "data/shop/currencyCode"
  end)
  if data.currency ~= currency then return ("prices of this shop are in %s"):format(currency) end
end

---@param variant cartwright.Node
local function has_prices(data, variant)
  local price, compare = prices_with(data, variant)
  return variant:decimal "price" == price and variant:decimal "compareAtPrice" == compare
end

telling.prices_out = {
  send = function(self, message)
    local variants, response = variants_of(self, { message })
    local data, variant = message.data, variants[message]
    local fault = price_fault(self, data, variant)
    if fault then return message:refused(fault) end
    if has_prices(data, variant) then return message:sent(response) end
    local price, compare = prices_with(data, variant)
    message:sent(graphql.change(self, PRICE, { id = variant:text "product/id", variants = { {
      id = graphql.gid("ProductVariant", variant:text "legacyResourceId"), price = tostring(price),
      compareAtPrice = compare and tostring(compare) or json.null } } }))
  end,

  probe = function(self, messages)
    local variants = variants_of(self, messages)
    for _, message in ipairs(messages) do
      local variant = meant(message, variants)
      if variant and has_prices(message.data, variant) then
        message:arrived "the shop has this price"
      elseif variant then
        message:missing(("the shop has %s"):format(variant:text "price"))
      end
    end
  end,
}

-- Statuses ------------------------------------------------------------------------------------------------------------

---Calls by our status, and the field of the order that says that it was done.
local CALLS = { cancelled = { "cancel", "cancelled_at" }, completed = { "close", "closed_at" } }

local function is_done(order, call) return order:text("order/" .. call[2]) ~= nil end

telling.statuses_out = {
  send = function(self, message)
    local data, path = message.data, ("orders/%s"):format(message.data.order_id)
    local call = CALLS[data.status]
    if not call then
      return message:refused(("the status %s follows from payments and parcels; the shop takes cancelled and completed")
        :format(data.status))
    end
    local response = self:get(path .. ".json", { fields = "id,cancelled_at,closed_at" })
    if data.status ~= "cancelled" and is_done(response:json_node(), CALLS.cancelled) then
      return message:refused(tell.status_fault(data.status, "cancelled") or "")
    end
    if not is_done(response:json_node(), call) then
      response = self:write("POST", ("%s/%s.json"):format(path, call[1]), {})
    end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local order = self:get(("orders/%s.json"):format(message.data.order_id), { fields = "id,cancelled_at,closed_at" })
      if is_done(order:json_node(), CALLS[message.data.status]) then
        message:arrived "the order is in this state"
      else
        message:missing "the order is not in this state"
      end
    end
  end,
}

-- Shipments -----------------------------------------------------------------------------------------------------------

local function lines_of(order) return tell.lines(order, "order/line_items", "id", "sku") end

---Parcels of the order with this number (nil: none) and these pieces, beside those that were told before.
---@return string[] ids
local function parcels_like(order, data, number, pieces)
  local ids = {}
  for parcel in order:each "order/fulfillments" do
    local status = parcel:text "status"
    local contents = tell.lines(parcel, "line_items", "id", nil, "quantity")
    local is_there = status ~= "cancelled" and status ~= "error" and status ~= "failure"
    if is_there and parcel:text "tracking_number" == number and tell.holds(pieces, contents) then
      ids[#ids + 1] = parcel:text "id"
    end
  end
  local others = tell.alike(data, number, pieces, lines_of(order))
  return table.move(ids, others + 1, #ids, 1, {})
end

---@param data out.ShipmentData
local function tracking_of(data)
  if not data.tracking_number then return nil end
  return { number = data.tracking_number, company = data.carrier or data.carrier_name, url = data.tracking_url }
end

---The lines of fulfilment orders that make up the parcel; nil and why they do not.
---@param pieces table<string, integer>
local function fulfilment_of(self, order_id, pieces)
  local left, location, list = {}, nil, {}
  for id, count in pairs(pieces) do left[id] = count end
  local answer = self:get(("orders/%s/fulfillment_orders.json"):format(order_id)):json_node()
  for order in answer:each "fulfillment_orders" do
    local status, lines = order:text "status", {}
    for line in order:each "line_items" do
      local id = line:text "line_item_id" or ""
      local count = math.min(left[id] or 0, line:integer "fulfillable_quantity" or 0)
      if count > 0 and status == "on_hold" then return nil, "the order is on hold in the shop: release it there" end
      if count > 0 and (status == "open" or status == "in_progress") then
        lines[#lines + 1], left[id] = { id = line:integer "id", quantity = count }, left[id] - count
      end
    end
    local place = order:text "assigned_location_id"
    if #lines > 0 and location and place ~= location then
      return nil, "its pieces lie at several of the shop's locations: put one shipment for each"
    elseif #lines > 0 then
      location = place
      list[#list + 1] = { fulfillment_order_id = order:integer "id", fulfillment_order_line_items = lines }
    end
  end
  for _, count in pairs(left) do
    if count > 0 then return nil, "the shop has fewer pieces of it to be sent" end
  end
  return list
end

---@return cartwright.Node
---@return cartwright.Response
local function read_order(self, data)
  local response = self:get(("orders/%s.json"):format(data.order_id),
    { fields = "id,cancelled_at,line_items,fulfillments" })
  return response:json_node(), response
end

---Tells a new number of a parcel that the shop has.
local function send_tracking(self, message, order, response, pieces)
  local data = message.data
  if #parcels_like(order, data, data.tracking_number, pieces) > 0 then return message:sent(response) end
  local ids = parcels_like(order, data, data.old_tracking_number, pieces)
  if #ids ~= 1 then
    return message:refused(("%s of the shop's parcels could be meant: change the number there"):format(
      #ids == 0 and "none" or "several"))
  end
  message:sent(self:write("POST", ("fulfillments/%s/update_tracking.json"):format(ids[1]), { fulfillment = {
    notify_customer = self.settings.notify, tracking_info = tracking_of(data) or {} } }))
end

telling.shipments_out = {
  send = function(self, message)
    local data = message.data
    local order, response = read_order(self, data)
    local pieces, why = tell.pieces(data, lines_of(order))
    if not pieces then return message:refused(why or "") end
    if order:text "order/cancelled_at" then
      return message:refused(tell.CANCELLED)
    end
    if data.again then return send_tracking(self, message, order, response, pieces) end
    if data.tracking_number and #parcels_like(order, data, data.tracking_number, pieces) > 0 then
      return message:sent(response)
    end
    local lines
    lines, why = fulfilment_of(self, data.order_id, pieces)
    if not lines then return message:refused(why or "") end
    message:sent(self:write("POST", "fulfillments.json", { fulfillment = { line_items_by_fulfillment_order = lines,
      tracking_info = tracking_of(data), notify_customer = self.settings.notify, message = data.note } }))
  end,

  -- A parcel without a number may be another one with the same pieces: a person tells these apart.
  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local data = message.data
      local order = read_order(self, data)
      local pieces = tell.pieces(data, lines_of(order))
      local found = pieces and #parcels_like(order, data, data.tracking_number, pieces) or 0
      if pieces and found == 0 then
        message:missing "the order has no such parcel"
      elseif pieces and data.tracking_number then
        message:arrived "the order has a parcel with its number and pieces"
      end
    end
  end,
}

-- Customers -----------------------------------------------------------------------------------------------------------

local CUSTOMER_FIELDS = { email = "email", first_name = "first_name", last_name = "last_name", phone = "phone",
  note = "note" }

---@return cartwright.Node?
---@return cartwright.Response
local function find_customer(self, message)
  if message.link then
    local response = self:get(("customers/%s.json"):format(message.link))
    return response:json_node():node "customer", response
  end
  local wanted = message.data.email:lower()
  local response = self:get("customers/search.json", { query = "email:" .. wanted, limit = 250 })
  for customer in response:json_node():each "customers" do
    if (customer:text "email" or ""):lower() == wanted then return customer, response end
  end
  return nil, response
end

telling.customers_out = {
  send = function(self, message)
    if not message.link and not message.data.email then
      return message:refused "the shop tells customers by their e-mail"
    end
    local there, response = find_customer(self, message)
    local changes = tell.changes(message.data, there, CUSTOMER_FIELDS)
    if there and next(changes) then
      response = self:write("PUT", ("customers/%s.json"):format(there:text "id"), { customer = changes })
    elseif not there then
      response = self:write("POST", "customers.json", { customer = changes })
    end
    message:sent(response, { link = there and there:text "id" or response:json_node():text "customer/id" })
  end,

  probe = function(self, messages)
    tell.probe_customers(messages, function(message) return find_customer(self, message) end, CUSTOMER_FIELDS)
  end,
}

return telling
