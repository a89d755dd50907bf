---What PrestaShop is told of stock and prices.
---
---Facts this script relies on:
---  - Stock rows are made with their product; the row of a product with combinations is their sum, written by the shop.
---    In a multistore there is one for each shop, or for each group of shops that shares its stock (id_shop 0).
---  - The price of a combination is the difference to its product's.
---  - Special prices are rows of a resource of which we have no facts: list = "sale" is refused.
local records = require "shipped.prestashop.records"

local quantities = {}

local UNKNOWN_ITEM = "no item that was read from the shop has this SKU; run: cartwright sync CART items"

-- Stock ---------------------------------------------------------------------------------------------------------------

---Why a row cannot be written; nil when it can.
---@param row? cartwright.Node
---@param is_sum boolean whether the shop counts it from the product's combinations
local function fault_of(data, row, is_sum)
  if not data.item_id then return UNKNOWN_ITEM end
  if not row then return "the shop has no stock row for it: the product or its combination was deleted" end
  if is_sum then
    return "it has combinations, and the shop counts its stock from theirs: send the levels of these"
  end
  if row:text "depends_on_stock" == "1" then
    return "the shop counts this product by its warehouses (depends on stock), and refuses quantities for it"
  end
end

---The row that counts, of two for the same place.
local function chosen(self, one, other, place)
  local shop_id = self.settings.shop_id
  if not shop_id then
    error(("the shop has several stock rows for product %s: a multistore needs the setting shop_id"):format(place), 0)
  end
  local is_own, is_other_own = one:integer "id_shop" == shop_id, other:integer "id_shop" == shop_id
  if is_own ~= is_other_own then return is_own and one or other end
  error(("the shop has several stock rows for product %s in shop %s, with the ids %s and %s; which of them it counts "
    .. "by cannot be told: delete the wrong one in the shop"):format(place, shop_id, one:text "id", other:text "id"), 0)
end

---Those that another shop of a multistore counts by are left out.
local function is_of_shop(self, row)
  local shop_id, of = self.settings.shop_id, row:integer "id_shop" or 0
  return not shop_id or of == shop_id or of == 0
end

---The stock rows of messages, by message, which of these are for sums, and the answer the rows came in.
---@param messages cartwright.Message[]
local function stock_rows(self, messages)
  local ids, rows, sums, by_place, has_combinations = {}, {}, {}, {}, {}
  for _, message in ipairs(messages) do ids[#ids + 1] = message.data.item_id end
  if #ids == 0 then return rows, sums end
  local found, response = records.look_up(self, "stock_availables", { id_product = ids })
  for _, row in ipairs(found) do
    if is_of_shop(self, row) then
      local product, attribute = row:text "id_product", row:text "id_product_attribute" or "0"
      local place = product .. "/" .. attribute
      by_place[place] = by_place[place] and chosen(self, by_place[place], row, place) or row
      if attribute ~= "0" then has_combinations[product] = true end
    end
  end
  for _, message in ipairs(messages) do
    local item_id, variant_id = message.data.item_id or "", message.data.variant_id
    rows[message] = by_place[item_id .. "/" .. (variant_id or "0")]
    sums[message] = not variant_id and has_combinations[item_id] or false
  end
  return rows, sums, response
end

---Writes the rows of messages that differ, in one request, and tells of each what the answer shows.
local function send_stock(self, messages)
  local rows, sums, response = stock_rows(self, messages)
  local is_patch, elements, sent, stored = self:may("stock_availables", "patch"), {}, {}, {}
  for _, message in ipairs(messages) do
    local row, data = rows[message], message.data
    local fault = fault_of(data, row, sums[message])
    if fault then
      message:refused(fault)
    elseif row:decimal "quantity" == data.quantity then
      message:sent(response)
    else
      elements[#elements + 1], sent[#sent + 1] = records.changed(row, { quantity = data.quantity }, is_patch), message
    end
  end
  if #elements == 0 then return end
  response = records.write(self, is_patch and "PATCH" or "PUT", "stock_availables", elements)
  local root = response:xml()
  for _, path in ipairs { "stock_available", "stock_availables/stock_available" } do
    for row in root:each(path) do stored[row:text "id"] = row:decimal "quantity" end
  end
  for _, message in ipairs(sent) do
    if stored[rows[message]:text "id"] == message.data.quantity then message:sent(response) end
  end
end

quantities.stock_out = {
  batch = 50, -- ids in one address; longer ones are refused by some hosts

  send = function(self, message) send_stock(self, { message }) end,
  send_batch = send_stock,

  probe = function(self, messages)
    local rows = stock_rows(self, messages)
    for _, message in ipairs(messages) do
      local quantity = rows[message] and rows[message]:decimal "quantity"
      if quantity == message.data.quantity then
        message:arrived "the shop has this quantity"
      elseif quantity then
        message:missing(("the shop has %s"):format(quantity))
      end
    end
  end,
}

-- Prices --------------------------------------------------------------------------------------------------------------

---The record that has the price of an item or variant, and the field's new value; nil and why not.
---@param data out.PriceData
local function price_of(self, data)
  if data.list ~= "default" then return nil, "special prices cannot be written: in site.lua, list = 'default'" end
  if not data.item_id then return nil, UNKNOWN_ITEM end
  local product, response = records.look_up_one(self, "products", { id = data.item_id }, records.ONE)
  if not product then return nil, "the product was deleted in the shop" end
  local currency = records.currency(self)
  if data.currency ~= currency then return nil, ("prices of this shop are in %s"):format(currency) end
  if not data.variant_id then return product, data.price, response, "products" end
  local combination
  combination, response = records.look_up_one(self, "combinations", { id = data.variant_id }, records.ONE)
  if not combination then return nil, "the combination was deleted in the shop" end
  return combination, data.price - (product:decimal "price" or 0), response, "combinations"
end

quantities.prices_out = {
  send = function(self, message)
    local record, price, response, resource = price_of(self, message.data)
    if not record then return message:refused(price) end
    if not message.data.variant_id and records.has_combinations(self, message.data.item_id) then
      return message:refused "it has combinations, whose prices are differences to this one: send the prices of these"
    end
    if record:decimal "price" ~= price then response = records.change(self, resource, record, { price = price }) end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local record, price = price_of(self, message.data)
      if record and record:decimal "price" == price then message:arrived "the shop has this price"
      elseif record then message:missing(("the shop has %s"):format(record:text "price")) end
    end
  end,
}

return quantities
