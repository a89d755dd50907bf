---What WooCommerce is told of stock and prices.
---
---Facts this script relies on:
---  - Quantities count where manage_stock is true, which is set along with them. A variation with manage_stock "parent" is
---    sold from its product's quantity: a number of its own would switch it to its own count, so a person decides.
---  - Grouped and external products have no stock. Quantities are whole numbers, unless a plugin allows others.
---  - regular_price and sale_price are written; price is what the shop makes of them. The price of a product with
---    variations is that of its variations.
---  - A sale price holds within its dates, also where an older sale left them. "" takes one away, null does not.
---  - What messages are about is found by the ids of items that were read. A SKU can move to another id meanwhile.
local decimal = require "cartwright.decimal"
local records = require "shipped.woocommerce.records"

local quantities = {}

---@param value any a number, a text, or nothing
---@return cartwright.Decimal?
local function number_of(value)
  return records.is_set(value) and decimal.new(tostring(value)) or nil
end

---@param object? table
local function fault_of_object(message, object)
  if not message.data.item_id then return records.UNKNOWN_ITEM end
  if not object then return "the product or its variation was deleted in the shop" end
  if object.type == "variation" and not message.data.variant_id then
    return "the shop has it as a variation by now; run: cartwright sync CART items"
  end
  if records.is_set(object.sku) and not records.is_same(object.sku, message.data.sku) then
    return ("what had this SKU in the shop has the SKU %s by now; run: cartwright sync CART items"):format(
      tostring(object.sku))
  end
end

---Sends what messages say of products and variations, one request for each place, after a look at what is there.
---@param messages cartwright.Message[]
---@param fault_of fun(self: cartwright.Cart, message: cartwright.Message, object: table?): string?
---@param fields_of fun(message: cartwright.Message): table
---@param has fun(object: table, message: cartwright.Message): boolean, any
---@param shown fun(object: table, message: cartwright.Message): any, boolean
local function send(self, messages, fault_of, fields_of, has, shown)
  local by_path, paths = records.places(messages)
  for _, message in ipairs(messages) do
    if not message.data.item_id then message:refused(records.UNKNOWN_ITEM) end
  end
  for _, path in ipairs(paths) do
    local objects, response = records.look_up(self, path, by_path[path])
    local changes = {}
    for _, message in ipairs(by_path[path]) do
      local object = objects[message]
      local fault = fault_of(self, message, object)
      if fault then
        message:refused(fault)
      elseif has(object, message) then
        message:sent(response)
      else
        changes[#changes + 1] = { message = message, fields = fields_of(message) }
      end
    end
    records.change_all(self, path, changes, shown)
  end
end

---@param has fun(object: table, message: cartwright.Message): boolean, any
local function probe(self, messages, has)
  local by_path, paths = records.places(messages)
  for _, path in ipairs(paths) do
    local objects = records.look_up(self, path, by_path[path])
    for _, message in ipairs(by_path[path]) do
      local object = objects[message]
      if object and not fault_of_object(message, object) then
        local is_there, shown = has(object, message)
        local words = ("the shop has %s"):format(records.is_set(shown) and tostring(shown) or "none")
        if is_there then message:arrived(words) else message:missing(words) end
      end
    end
  end
end

-- Stock ---------------------------------------------------------------------------------------------------------------

---Why a quantity cannot be written; nil when it can.
---@param message cartwright.Message
---@param object? table
local function stock_fault(_, message, object)
  local fault = fault_of_object(message, object)
  if fault or not object then return fault end
  if object.manage_stock == "parent" then
    return "the shop counts this variation with its product: send the level of that, or switch on Manage stock? for the "
      .. "variation in the shop"
  elseif object.type == "grouped" or object.type == "external" then
    return ("the shop keeps no stock of %s products"):format(object.type)
  elseif tostring(object.type or ""):find "^variable" and object.manage_stock ~= true then
    return "it has variations, and the shop counts their stock: send the levels of these"
  end
end

local function has_quantity(object, message)
  return object.manage_stock == true and number_of(object.stock_quantity) == message.data.quantity, object.stock_quantity
end

local function send_stock(self, messages)
  send(self, messages, stock_fault, function(message)
    return { manage_stock = true, stock_quantity = message.data.quantity }
  end, has_quantity, function(object, message)
    return object.stock_quantity, number_of(object.stock_quantity) == message.data.quantity
  end)
end

quantities.stock_out = {
  batch = 50, -- ids in one address; longer ones are refused by some hosts

  send = function(self, message) send_stock(self, { message }) end,
  send_batch = send_stock,
  probe = function(self, messages) probe(self, messages, has_quantity) end,
}

-- Prices --------------------------------------------------------------------------------------------------------------

local FIELDS = { default = "regular_price", sale = "sale_price" }
local FORMAT = "%Y-%m-%dT%H:%M:%S"

---@param time? cartwright.Time
---@return string "": no bound
local function stamp(time) return time and time:format(FORMAT) or "" end

---Whether a date of the shop is the bound that a price names, or none where it names none.
local function is_bound(date, time) return (records.is_set(date) and date or "") == stamp(time) end

---Why a price cannot be written; nil when it can.
---@param message cartwright.Message
---@param object? table
local function price_fault(self, message, object)
  local data = message.data
  local fault = fault_of_object(message, object)
  if fault or not object then return fault end
  if not FIELDS[data.list] then
    return ("the shop has regular and sale prices only: in site.lua, list = 'default' or 'sale', not %q"):format(data.list)
  end
  local currency = records.currency(self)
  if data.currency ~= currency then return ("prices of this shop are in %s"):format(currency) end
  if tostring(object.type or ""):find "^variable" then
    return "it has variations, which have the prices: send the prices of these"
  end
end

local function price_fields(message)
  local data = message.data
  local fields = { [FIELDS[data.list]] = tostring(data.price) }
  if data.list == "sale" then
    fields.date_on_sale_from_gmt, fields.date_on_sale_to_gmt = stamp(data.valid_from), stamp(data.valid_until)
  end
  return fields
end

local function has_price(object, message)
  local data = message.data
  local shown = object[FIELDS[data.list] or "price"]
  local is_same = number_of(shown) == data.price
  if data.list == "sale" then
    is_same = is_same and is_bound(object.date_on_sale_from_gmt, data.valid_from)
      and is_bound(object.date_on_sale_to_gmt, data.valid_until)
  end
  return is_same, shown
end

---The price that the shop has, with what bounds a sale.
local function price_words(object, list)
  local words = tostring(object[FIELDS[list]])
  if list ~= "sale" then return words end
  local from, to = object.date_on_sale_from_gmt, object.date_on_sale_to_gmt
  if records.is_set(from) then words = ("%s from %s"):format(words, tostring(from)) end
  if records.is_set(to) then words = ("%s until %s"):format(words, tostring(to)) end
  return words
end

local function send_prices(self, messages)
  send(self, messages, price_fault, price_fields, has_price, function(object, message)
    return price_words(object, message.data.list), (has_price(object, message))
  end)
end

quantities.prices_out = {
  batch = 50,

  send = function(self, message) send_prices(self, { message }) end,
  send_batch = send_prices,
  probe = function(self, messages) probe(self, messages, has_price) end,
}

return quantities
