---What BigCommerce is told: stock, prices, parcels, statuses, customers, items.
---
---Facts this script relies on:
---  - Nothing that writes takes a key of ours, so each write of something new looks first whether the shop has it.
---  - Levels are set for a location. The identity must be the product's or the variant's, as the product is tracked;
---    one wrong item fails the whole batch, and what was taken may show a moment later.
---  - Each parcel is a POST to its order's shipments, for one of its addresses; it moves the order's status by itself.
---  - A PUT of customers or of the catalogue takes ten records; status 207 means that some of them failed.
---  - A product is made of name, type, weight and price at least (PipedreamHQ/pipedream, components/bigcommerce).
---What the shop would take for something else is refused in words: a person decides.
local tell = require "cartwright.tell"

local telling = {}

local UNKNOWN_ITEM = "no item that was read from the shop has this SKU; run: cartwright sync CART items"

---@param self cartwright.Cart
---@return cartwright.Node[] records
---@return cartwright.Response
local function look_up(self, path, query)
  local response = self:get(path, query)
  local list = {}
  for record in response:json_node():each "data" do list[#list + 1] = record end
  return list, response
end

---@param messages cartwright.Message[]
---@param field string of their data
---@return string ids with commas between them
local function ids_of(messages, field)
  local list, seen = {}, {}
  for _, message in ipairs(messages) do
    local id = message.data[field]
    if id and not seen[id] then list[#list + 1], seen[id] = id, true end
  end
  return table.concat(list, ",")
end

---The products of messages by their ids, with the answer they came in.
local function products_of(self, messages)
  local ids, by_id = ids_of(messages, "item_id"), {}
  if ids == "" then return by_id end
  local products, response = look_up(self, "v3/catalog/products",
    { ["id:in"] = ids, include = "variants", limit = 250 })
  for _, product in ipairs(products) do by_id[product:text "id"] = product end
  return by_id, response
end

---@return cartwright.Node?
local function variant_of(product, id)
  for variant in product:each "variants" do
    if variant:text "id" == id then return variant end
  end
end

-- Stock ---------------------------------------------------------------------------------------------------------------

local LARGEST = 2147483647

---What identifies a level in the shop; nil and why there is nothing.
---@param data out.StockData
---@param product? cartwright.Node
---@return table? item
---@return string? why
local function identity_of(data, product)
  if not data.item_id then return nil, UNKNOWN_ITEM end
  if not product then return nil, "the product was deleted in the shop" end
  local tracking = product:text "inventory_tracking"
  if tracking == "product" and not data.variant_id then return { product_id = data.item_id } end
  if tracking == "product" then
    return nil, "the shop counts this product as a whole: put the level under the product's SKU"
  elseif tracking ~= "variant" then
    return nil, "the shop does not track the stock of this product"
  end
  local id = data.variant_id or product:text "base_variant_id"
  if not id then return nil, "it has variants, and the shop counts each: send the levels of these" end
  if not variant_of(product, id) then return nil, "the variant was deleted in the shop" end
  return { variant_id = id }
end

---@param data out.StockData
---@return integer? pieces
local function pieces_of(data)
  local pieces = data.quantity:integer()
  return pieces and pieces >= 0 and pieces <= LARGEST and pieces or nil
end

local function send_stock(self, messages)
  local products, items, sent = products_of(self, messages), {}, {}
  for _, message in ipairs(messages) do
    local item, why = identity_of(message.data, products[message.data.item_id or ""])
    local pieces = pieces_of(message.data)
    if not item then
      message:refused(why or "")
    elseif not pieces then
      message:refused(("the shop takes whole pieces from 0 to %d"):format(LARGEST))
    else
      for name, id in pairs(item) do item[name] = math.tointeger(tonumber(id)) end
      item.location_id, item.quantity = self.settings.location, pieces
      items[#items + 1], sent[#sent + 1] = item, message
    end
  end
  if #items == 0 then return end
  local answer = self:write("PUT", "v3/inventory/adjustments/absolute", { reason = messages[1].call, items = items })
  for _, message in ipairs(sent) do message:sent(answer) end
end

---Pieces on hand at the location that is told, by the id of a variant or product.
local function levels_of(self, messages)
  local skus, levels = {}, {}
  for _, message in ipairs(messages) do skus[#skus + 1] = message.data.sku end
  local location = tostring(self.settings.location)
  for _, item in ipairs((look_up(self, "v3/inventory/items", { ["sku:in"] = table.concat(skus, ","), limit = 250 }))) do
    for place in item:each "locations" do
      if place:text "location_id" == location then
        levels[item:text "identity/sku" or ""] = place:decimal "total_inventory_onhand"
      end
    end
  end
  return levels
end

telling.stock_out = {
  batch = 100, -- SKUs in the address of the probe

  send = function(self, message) send_stock(self, { message }) end,
  send_batch = send_stock,

  probe = function(self, messages)
    local levels = levels_of(self, messages)
    for _, message in ipairs(messages) do
      local level = levels[message.data.sku]
      if level == message.data.quantity then
        message:arrived "the shop has this level"
      elseif level then
        message:missing(("the shop has %s"):format(level))
      end
    end
  end,
}

-- Prices --------------------------------------------------------------------------------------------------------------

---The record that has the price: the product, its one variant's, or the variant; nil and why not.
---@param data out.PriceData
local function price_record(self, data, products)
  if data.list ~= "default" then return nil, "special prices cannot be written: in site.lua, list = 'default'" end
  local product = products[data.item_id or ""]
  if not data.item_id then return nil, UNKNOWN_ITEM end
  if not product then return nil, "the product was deleted in the shop" end
  local currency = self:once("currency", function() return self:get "v2/store":json().currency end)
  if data.currency ~= currency then return nil, ("prices of this store are in %s"):format(currency) end
  if not data.variant_id then return product end
  local variant = variant_of(product, data.variant_id)
  if not variant then return nil, "the variant was deleted in the shop" end
  return variant
end

telling.prices_out = {
  send = function(self, message)
    local products, response = products_of(self, { message })
    local record, why = price_record(self, message.data, products)
    if not record then return message:refused(why) end
    if record:decimal "price" ~= message.data.price then
      local path = message.data.variant_id and "v3/catalog/variants" or "v3/catalog/products"
      response = self:write("PUT", path,
        { { id = math.tointeger(tonumber(record:text "id")), price = message.data.price } })
      if response.status == 207 then error("the shop says that it did not take the price (status 207)", 0) end
    end
    message:sent(response)
  end,

  probe = function(self, messages)
    local products = products_of(self, messages)
    for _, message in ipairs(messages) do
      local record = price_record(self, message.data, products)
      local price = record and record:decimal "price"
      if record and price == message.data.price then
        message:arrived "the shop has this price"
      elseif record then
        message:missing(("the shop has %s"):format(price or "none"))
      end
    end
  end,
}

-- Statuses ------------------------------------------------------------------------------------------------------------

telling.statuses_out = {
  send = function(self, message)
    local data, path = message.data, "v2/orders/" .. message.data.order_id
    local status = self:translate_back("status", data.status)
    if not status then
      return message:refused(("none of the shop's states means %s; say which: "
        .. "cartwright table set %s status_out %s NUMBER"):format(data.status, self.name, data.status))
    end
    local response = self:get(path)
    local now = response:json_node():text "status_id"
    local fault = tell.status_fault(data.status, self:translate("status", now or ""), now)
    if now ~= status and fault then return message:refused(fault) end
    if now ~= status then
      response = self:write("PUT", path, { status_id = math.tointeger(tonumber(status)) })
    end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local status = self:translate_back("status", message.data.status)
      local now = self:get("v2/orders/" .. message.data.order_id):json_node():text "status_id"
      if now == status then message:arrived "the order has this status" else message:missing("it has " .. now) end
    end
  end,
}

-- Shipments -----------------------------------------------------------------------------------------------------------

local TRACKING_LENGTH = 50

---Names that the shop knows; for any other carrier the parcel's own address is sent.
local PROVIDERS = { auspost = true, canadapost = true, endicia = true, usps = true, fedex = true, royalmail = true,
  ups = true, upsready = true, upsonline = true, shipperhq = true }

---A list below an order; empty where the shop says that there is nothing.
---@return table[]
---@return cartwright.Response
local function order_list(self, order_id, name)
  local list, page, response = {}, 1, nil
  repeat
    response = self:get(("v2/orders/%s/%s"):format(order_id, name), { limit = 250, page = page })
    local found = response.status == 200 and response:json() or {}
    table.move(found, 1, #found, #list + 1, list)
    page = page + 1
  until #found == 0 or #found % 50 ~= 0
  return list, response
end

---What of the order's lines is in the parcel, and the one address that it goes to; nil and why it cannot be told.
---@param data out.ShipmentData
---@return table<string, integer>? pieces
---@return string|integer address or why not
---@return table[] lines of the order
local function contents_of(self, data)
  local lines, addresses = {}, {}
  for i, line in ipairs(order_list(self, data.order_id, "products")) do
    lines[i] = { id = tostring(line.id), sku = line.sku, no_parcel = line.type ~= "physical" }
    addresses[lines[i].id] = line.order_address_id
  end
  local pieces, why = tell.pieces(data, lines)
  if not pieces then return nil, why or "", lines end
  local address
  for id in pairs(pieces) do
    if address and addresses[id] ~= address then
      return nil, "the order goes to several addresses: put one shipment for each, with its lines", lines
    end
    address = addresses[id]
  end
  return pieces, address, lines
end

---@param parcel table as the shop has it
---@return { id: string, quantity: integer }[]
local function in_parcel(parcel)
  local list = {}
  for i, item in ipairs(parcel.items) do
    list[i] = { id = tostring(item.order_product_id), quantity = item.quantity }
  end
  return list
end

---Parcels of the order that have this number and these pieces, beside those that were told before.
---@param lines table[] of the order
---@return integer count
---@return cartwright.Response
local function parcels_like(self, data, wanted, lines)
  local parcels, response = order_list(self, data.order_id, "shipments")
  local count = 0
  for _, parcel in ipairs(parcels) do
    local has_number = parcel.tracking_number == (data.tracking_number or "")
    if has_number and tell.holds(wanted, in_parcel(parcel)) then count = count + 1 end
  end
  return math.max(count - tell.alike(data, data.tracking_number, wanted, lines), 0), response
end

local CANCELLED = "5"

---Why the shop cannot be told of the parcel.
---@param data out.ShipmentData
local function fault_of(self, data)
  if data.again then
    return "how the shop is told new tracking of a parcel is not known: change it in the shop's control panel"
  elseif #(data.tracking_number or "") > TRACKING_LENGTH then
    return ("its tracking number is longer than %d characters"):format(TRACKING_LENGTH)
  elseif self:get("v2/orders/" .. data.order_id):json_node():text "status_id" == CANCELLED then
    return tell.CANCELLED
  end
end

---@param data out.ShipmentData
local function parcel_of(data, wanted, address)
  local carrier = (data.carrier or data.carrier_name or ""):lower()
  local known, items = PROVIDERS[carrier] or carrier:find "^carrier_%d+$", {}
  for id, count in pairs(wanted) do
    items[#items + 1] = { order_product_id = math.tointeger(tonumber(id)), quantity = count }
  end
  return { order_address_id = address, tracking_number = data.tracking_number or "", items = items,
    shipping_provider = known and carrier or "", tracking_carrier = not known and carrier or "",
    tracking_link = not known and data.tracking_url or nil, comments = data.note or "" }
end

telling.shipments_out = {
  send = function(self, message)
    local data = message.data
    local fault = fault_of(self, data)
    if fault then return message:refused(fault) end
    local wanted, address, lines = contents_of(self, data)
    if not wanted then return message:refused(address) end
    if data.tracking_number then
      local count, response = parcels_like(self, data, wanted, lines)
      if count > 0 then return message:sent(response) end
    end
    message:sent(self:write("POST", ("v2/orders/%s/shipments"):format(data.order_id), parcel_of(data, wanted, address)))
  end,

  -- A parcel without a number may be another one with the same pieces: a person tells these apart.
  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local data = message.data
      local wanted, _, lines = contents_of(self, data)
      local count = wanted and parcels_like(self, data, wanted, lines)
      if count == 0 then
        message:missing "the order has no such parcel"
      elseif count and data.tracking_number then
        message:arrived "the order has a parcel with its number and pieces"
      end
    end
  end,
}

-- Customers -----------------------------------------------------------------------------------------------------------

local CUSTOMER_FIELDS = { email = "email", first_name = "first_name", last_name = "last_name", company = "company",
  phone = "phone", note = "notes" }

---@return cartwright.Node?
---@return cartwright.Response
local function find_customer(self, message)
  local query = message.link and { ["id:in"] = message.link } or { ["email:in"] = message.data.email }
  local found, response = look_up(self, "v3/customers", query)
  return found[1], response
end

telling.customers_out = {
  send = function(self, message)
    if not message.link and not message.data.email then
      return message:refused "the shop tells customers by their e-mail"
    end
    local there, response = find_customer(self, message)
    local record = tell.changes(message.data, there, CUSTOMER_FIELDS)
    if there and next(record) then
      record.id = math.tointeger(tonumber(there:text "id"))
      response = self:write("PUT", "v3/customers", { record })
    elseif not there then
      if not (record.first_name and record.last_name) then
        return message:refused "the shop makes no customer without first_name and last_name"
      end
      response = self:write("POST", "v3/customers", { record })
    end
    if response.status == 207 then error("the shop says that it did not take the customer (status 207)", 0) end
    message:sent(response, { link = there and there:text "id" or response:json_node():text "data/id" })
  end,

  probe = function(self, messages)
    tell.probe_customers(messages, function(message) return find_customer(self, message) end, CUSTOMER_FIELDS)
  end,
}

-- Items ---------------------------------------------------------------------------------------------------------------

local ITEM_FIELDS = { sku = "sku", name = "name", description = "description", weight = "weight", cost = "cost_price",
  barcode = "gtin" }

---@return cartwright.Node?
---@return cartwright.Response?
local function find_product(self, message)
  local query = message.link and { ["id:in"] = message.link } or { sku = message.data.sku }
  local found, response = look_up(self, "v3/catalog/products", query)
  return found[1], response
end

---@param product cartwright.Node
local function item_changes(data, product)
  local changes = tell.changes(data, product, ITEM_FIELDS)
  for _, name in ipairs { "weight", "cost_price" } do
    if changes[name] and product:decimal(name) == changes[name] then changes[name] = nil end
  end
  local is_visible = product:text "is_visible" == "true"
  if data.active ~= nil and is_visible ~= data.active then changes.is_visible = data.active end
  return changes
end

---Makes an item, in no category: where the shop shows it, a person decides there.
local function make_item(self, message)
  local data = message.data
  for _, field in ipairs { "name", "price" } do
    if not data[field] then return message:refused(("the shop makes no product without %s"):format(field)) end
  end
  if data.variants or data.components then
    return message:refused "items with variants or components have to be made in the shop"
  end
  local record = tell.changes(data, nil, ITEM_FIELDS)
  record.type = data.type == "virtual" and "digital" or "physical"
  record.price, record.weight = data.price, data.weight or 0
  record.is_visible = data.active
  local response = self:write("POST", "v3/catalog/products", record)
  message:sent(response, { link = response:json_node():text "data/id" })
end

telling.items_out = {
  send = function(self, message)
    local product, response = find_product(self, message)
    if not product then return make_item(self, message) end
    local record = item_changes(message.data, product)
    if next(record) then
      record.id = math.tointeger(tonumber(product:text "id"))
      response = self:write("PUT", "v3/catalog/products", { record })
      if response.status == 207 then error("the shop says that it did not take the item (status 207)", 0) end
    end
    message:sent(response, { link = product:text "id" })
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local product = find_product(self, message)
      if product and not next(item_changes(message.data, product)) then
        message:arrived("the shop has this item", { link = product:text "id" })
      else
        message:missing(product and "the item is otherwise" or "there is no such product")
      end
    end
  end,
}

return telling
