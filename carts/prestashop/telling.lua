---What PrestaShop is told through its web service: stock, prices, tracking, statuses, customers, items.
---
---Facts this script relies on:
---  - PUT replaces: what is left out becomes empty, an association that is left out stays. Records are read whole,
---    changed and put back, without what the shop computes itself (error 93). PATCH exists since 8.0, and the key must
---    allow it.
---  - Nothing that writes takes a key of ours, so each write looks first whether the shop has it already.
---  - Status 500 may come after the change was saved, when a module fails behind it: never a reason to send again.
---  - The state of an order is changed by a row of its history; written to the order it would come twice. Tracking is
---    the order_carrier's, and goes first, so that the mail of the state "shipped" has the number.
---  - Stock rows are made with their product; the row of a product with combinations is their sum, written by the shop.
---  - Special prices are rows of a resource of which we have no facts: list = "sale" is refused.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local xml = require "cartwright.xml"

local telling = {}

-- Records -------------------------------------------------------------------------------------------------------------

local ELEMENT = { combinations = "combination", currencies = "currency", customers = "customer",
  languages = "language", order_carriers = "order_carrier", order_histories = "order_history",
  order_states = "order_state", orders = "order", products = "product", stock_availables = "stock_available" }

local UNKNOWN_ITEM = "no item that was read from the shop has this SKU; run: cartwright sync CART items"
local ONE = "one was asked for"

---What the shop computes itself and refuses in a PUT, or gives in a form that it does not take back.
local COMPUTED = {
  combination = { associations = true },
  customer = { associations = true },
  product = { associations = true, id_default_combination = true, id_default_image = true, manufacturer_name = true,
    position_in_category = true, quantity = true, type = true },
}

local function is_same(is, text)
  return is:lower() == text:lower() or (tonumber(is) ~= nil and tonumber(is) == tonumber(text))
end

---The shop takes "|" and "," in a filter for more than a text, and compares as its database does.
local function has(record, filters)
  for field, wanted in pairs(filters) do
    local is, found = record:text(field) or "", false
    for _, text in ipairs(type(wanted) == "table" and wanted or { wanted }) do
      found = found or is_same(is, tostring(text))
    end
    if not found then return false end
  end
  return true
end

---The records of `resource` whose fields have these texts (or one of a list), whole, and the answer they came in.
---@return cartwright.Node[] records
---@return cartwright.Response response
local function look_up(self, resource, filters)
  local query, found = { display = "full", sort = "[id_ASC]", id_shop = self.settings.shop_id }, {}
  for field, wanted in pairs(filters) do
    query["filter[" .. field .. "]"] = ("[%s]"):format(type(wanted) == "table" and table.concat(wanted, "|") or wanted)
  end
  local response = self:get(resource, query)
  for record in response:xml():each(resource .. "/" .. ELEMENT[resource]) do
    if has(record, filters) then found[#found + 1] = record end
  end
  return found, response
end

---@return cartwright.Node? record
---@return cartwright.Response response
local function look_up_one(self, resource, filters, what)
  local found, response = look_up(self, resource, filters)
  if #found > 1 then error(("the shop has %d %s; %s"):format(#found, resource, what), 0) end
  return found[1], response
end

local function field_of(name, value)
  return { name, table.unpack(type(value) == "table" and value or { value }) }
end

---A field as the shop gave it, in all its languages.
local function unchanged(field)
  local languages = {}
  for language in field:each "language" do
    languages[#languages + 1] = { "language", id = language:text "@id", language:text() or "" }
  end
  return field_of(field:name(), #languages > 0 and languages or field:text() or "")
end

---The element that changes fields of a record that was just read: these alone for PATCH, all of the record for PUT.
---@param record cartwright.Node
---@param changes table<string, any> by field: a text or number, or the elements of a field in several languages
local function changed(record, changes, is_patch)
  local element, computed = { record:name() }, COMPUTED[record:name()] or {}
  if is_patch then
    element[2] = { "id", record:text "id" }
  else
    for field in record:each "*" do
      if changes[field:name()] == nil and not computed[field:name()] then element[#element + 1] = unchanged(field) end
    end
  end
  for name, value in pairs(changes) do element[#element + 1] = field_of(name, value) end
  return element
end

local function write(self, method, path, elements, query)
  local request = { query = map.copy(query or {}), headers = { ["Content-Type"] = "text/xml" } }
  request.query.id_shop = self.settings.shop_id
  return self:write(method, path, xml.write({ "prestashop", table.unpack(elements) }, { declaration = true }), request)
end

---@param query? table of the request
---@return cartwright.Response
local function change(self, resource, record, changes, query)
  local is_patch = self:may(resource, "patch")
  return write(self, is_patch and "PATCH" or "PUT", resource .. "/" .. record:text "id",
    { changed(record, changes, is_patch) }, query)
end

---@return cartwright.Response response
---@return string? id of what was made
local function create(self, resource, fields, query)
  local element = { ELEMENT[resource] }
  for name, value in pairs(fields) do element[#element + 1] = field_of(name, value) end
  local response = write(self, "POST", resource, { element }, query)
  return response, response:xml():text(ELEMENT[resource] .. "/id")
end

---A text in the language in which names are read; the other languages keep theirs.
local function in_language(self, text)
  local language = self.settings.language
    or self:once("first language", function() return look_up(self, "languages", { active = 1 })[1]:text "id" end)
  return { { "language", id = tostring(language), text } }
end

---Whether the shop wants a mail to be sent along with a change.
local function mail(self) return self.settings.send_mail and { sendemail = 1 } or nil end

-- Stock and prices ----------------------------------------------------------------------------------------------------

---Why a row cannot be written; nil when it can.
---@param row? cartwright.Node
local function fault_of(data, row)
  if not data.item_id then return UNKNOWN_ITEM end
  if not row then return "the shop has no stock row for it: the product or its combination was deleted" end
  if row:text "depends_on_stock" == "1" then
    return "the shop counts this product by its warehouses (depends on stock), and refuses quantities for it"
  end
end

---The stock rows of messages, by message, and the answer they came in.
---@param messages cartwright.Message[]
local function stock_rows(self, messages)
  local ids, rows, by_place = {}, {}, {}
  for _, message in ipairs(messages) do ids[#ids + 1] = message.data.item_id end
  if #ids == 0 then return rows end
  local found, response = look_up(self, "stock_availables", { id_product = ids })
  for _, row in ipairs(found) do
    local place = row:text "id_product" .. "/" .. (row:text "id_product_attribute" or "0")
    if by_place[place] then
      error(("the shop has several stock rows for product %s: a multistore needs the setting shop_id"):format(place), 0)
    end
    by_place[place] = row
  end
  for _, message in ipairs(messages) do
    rows[message] = by_place[(message.data.item_id or "") .. "/" .. (message.data.variant_id or "0")]
  end
  return rows, response
end

---Writes the rows of messages that differ, in one request, and tells of each what the answer shows.
local function send_stock(self, messages)
  local rows, response = stock_rows(self, messages)
  local is_patch, elements, sent, stored = self:may("stock_availables", "patch"), {}, {}, {}
  for _, message in ipairs(messages) do
    local row, data = rows[message], message.data
    local fault = fault_of(data, row)
    if fault then
      message:refused(fault)
    elseif row:decimal "quantity" == data.quantity then
      message:sent(response)
    else
      elements[#elements + 1], sent[#sent + 1] = changed(row, { quantity = data.quantity }, is_patch), message
    end
  end
  if #elements == 0 then return end
  response = write(self, is_patch and "PATCH" or "PUT", "stock_availables", elements)
  local root = response:xml()
  for _, path in ipairs { "stock_available", "stock_availables/stock_available" } do
    for row in root:each(path) do stored[row:text "id"] = row:decimal "quantity" end
  end
  for _, message in ipairs(sent) do
    if stored[rows[message]:text "id"] == message.data.quantity then message:sent(response) end
  end
end

telling.stock_out = {
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

---The record that has the price of an item or variant, and the field's new value; nil and why not.
---@param data out.PriceData
local function price_of(self, data)
  if data.list ~= "default" then return nil, "special prices cannot be written: in site.lua, list = 'default'" end
  if not data.item_id then return nil, UNKNOWN_ITEM end
  local product, response = look_up_one(self, "products", { id = data.item_id }, ONE)
  if not product then return nil, "the product was deleted in the shop" end
  local currency = self:once("currency", function()
    return look_up(self, "currencies", { conversion_rate = 1 })[1]:text "iso_code"
  end)
  if data.currency ~= currency then return nil, ("prices of this shop are in %s"):format(currency) end
  if not data.variant_id then return product, data.price, response, "products" end
  local combination
  combination, response = look_up_one(self, "combinations", { id = data.variant_id }, ONE)
  if not combination then return nil, "the combination was deleted in the shop" end
  return combination, data.price - (product:decimal "price" or 0), response, "combinations"
end

---A price that stands for others must not move them.
local function has_combinations(self, data)
  return not data.variant_id and #look_up(self, "combinations", { id_product = data.item_id }) > 0
end

telling.prices_out = {
  send = function(self, message)
    local record, price, response, resource = price_of(self, message.data)
    if not record then return message:refused(price) end
    if has_combinations(self, message.data) then
      return message:refused "it has combinations, whose prices are differences to this one: send the prices of these"
    end
    if record:decimal "price" ~= price then response = change(self, resource, record, { price = price }) end
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

-- Statuses and shipments ----------------------------------------------------------------------------------------------

---The number of the shop's order state for one of our statuses, or for a row of the table `status` ("back order").
---@return string? id
---@return string? why there is none
local function state_for(self, status)
  local own = self.tables.status_out and self:translate("status_out", status)
  if own then return own end
  local states = self:once("states", function() return look_up(self, "order_states", { deleted = 0 }) end)
  local found, names = nil, {}
  for _, state in ipairs(states) do
    local row = self.row_of(state)
    if row == status or self:translate("status", row) == status then
      found = state:text "id"
      names[#names + 1] = ("%s %s"):format(found, state:text "name/language" or "")
    end
  end
  if #names == 1 then return found end
  return nil, ("%s of the shop's order states %s %s%s; say which: cartwright table set %s status_out %s NUMBER"):format(
    #names == 0 and "none" or "several", #names == 0 and "means" or "mean", status,
    #names == 0 and "" or ": " .. table.concat(names, ", "), self.name, status)
end

---@return cartwright.Response
local function move(self, order_id, state)
  return (create(self, "order_histories", { id_order = order_id, id_order_state = state }, mail(self)))
end

---@param messages cartwright.Message[]
---@param is_there fun(message: cartwright.Message): boolean?, string? nil: cannot be told
local function answer_each(messages, is_there)
  for _, message in ipairs(messages) do
    local there, words = is_there(message)
    if there then message:arrived(words) elseif there == false then message:missing(words) end
  end
end

---Whether an order is in a state: true, false when it never was; nil when it was, and has gone on since.
local function has_moved(self, order_id, state)
  local order = look_up_one(self, "orders", { id = order_id }, ONE)
  if order and order:text "current_state" == state then return true, "the order is in this state" end
  local rows = look_up(self, "order_histories", { id_order = order_id, id_order_state = state })
  if #rows == 0 then return false, "its history has no such state" end
end

telling.statuses_out = {
  send = function(self, message)
    local data = message.data
    local state, why = state_for(self, data.status)
    if not state then return message:refused(why) end
    local order, response = look_up_one(self, "orders", { id = data.order_id }, ONE)
    if not order then return message:refused "the shop has no such order" end
    if order:text "current_state" ~= state then response = move(self, data.order_id, state) end
    message:sent(response)
  end,

  probe = function(self, messages)
    answer_each(messages, function(message)
      local state = state_for(self, message.data.status)
      if state then return has_moved(self, message.data.order_id, state) end
    end)
  end,
}

local TRACKING_NUMBER = "^[%w~:#,%%&_=()%[%].?+%-@/]+$"
local TRACKING_LENGTH = 64

---@return boolean
local function names(numbers, number)
  for one in (numbers or ""):gmatch "[^,]+" do
    if one == number then return true end
  end
  return false
end

---The parcel's row of the shop; the newest one where an order has several.
local function parcel_of(self, order_id)
  local rows, response = look_up(self, "order_carriers", { id_order = order_id })
  return rows[#rows], response
end

---Writes the tracking number beside those that are there: an order has one such row, and may have several parcels.
---@return cartwright.Response? response
---@return string? why not
local function track(self, data)
  local parcel, response = parcel_of(self, data.order_id)
  if not parcel then return nil, "the order has no order_carrier in the shop, where the tracking number belongs" end
  local present, number = parcel:text "tracking_number", data.tracking_number
  if names(present, number) then return response end
  local all = present and present .. "," .. number or number
  if #all > TRACKING_LENGTH then all = number end
  return change(self, "order_carriers", parcel, { tracking_number = all }, mail(self))
end

telling.shipments_out = {
  send = function(self, message)
    local data = message.data
    local number, state, response, why = data.tracking_number, nil, nil, nil
    if number and (not number:match(TRACKING_NUMBER) or #number > TRACKING_LENGTH) then
      return message:refused(("the shop does not take %q as a tracking number"):format(number))
    end
    if data.completes then
      state, why = state_for(self, "shipped")
      if not state then return message:refused(why) end
    end
    if number then
      response, why = track(self, data)
      if not response then return message:refused(why) end
    end
    local order, read_order = look_up_one(self, "orders", { id = data.order_id }, ONE)
    if not order then return message:refused "the shop has no such order" end
    if state and order:text "current_state" ~= state then response = move(self, data.order_id, state) end
    message:sent(response or read_order)
  end,

  probe = function(self, messages)
    answer_each(messages, function(message)
      local data = message.data
      local parcel = data.tracking_number and parcel_of(self, data.order_id)
      if data.tracking_number and not (parcel and names(parcel:text "tracking_number", data.tracking_number)) then
        return false, "the shop does not have the tracking number"
      end
      if not data.completes then return true, "the shop has the tracking number" end
      return has_moved(self, data.order_id, state_for(self, "shipped"))
    end)
  end,
}

-- Customers and items -------------------------------------------------------------------------------------------------

---The fields of a record for which our document has a value.
---@param names table<string, string> the shop's field by ours
local function fields_from(data, names)
  local fields = {}
  for ours, theirs in pairs(names) do
    local value = data[ours]
    if type(value) == "boolean" then value = value and 1 or 0 end
    if value ~= nil then fields[theirs] = value end
  end
  return fields
end

local CUSTOMER = { email = "email", first_name = "firstname", last_name = "lastname", company = "company",
  note = "note", guest = "is_guest", active = "active", group = "id_default_group" }
local PRODUCT = { sku = "reference", barcode = "ean13", vendor_sku = "supplier_reference", active = "active",
  price = "price", cost = "wholesale_price", weight = "weight", tax_class = "id_tax_rules_group" }

---The record of the shop for a document: by its link, else by what tells it from others.
local function counterpart(self, resource, message, filters)
  if message.link then return look_up_one(self, resource, { id = message.link }, ONE) end
  return look_up_one(self, resource, filters, "link the right one by its id, or make them differ")
end

---Whether the record has all that is to be written.
local function has_all(record, fields)
  for name, value in pairs(fields) do
    local text = type(value) == "table" and value[1][2] or tostring(value)
    local path = type(value) == "table" and ("%s/language[@id=%s]"):format(name, value[1].id) or name
    local is = record:text(path)
    if not is_same(is or "", text) then return false end
  end
  return true
end

local function customer_fields(data) return fields_from(data, CUSTOMER) end

local function customer_of(self, message)
  return counterpart(self, "customers", message, { email = message.data.email, is_guest = 0, deleted = 0 })
end

telling.customers_out = {
  send = function(self, message)
    local fields = customer_fields(message.data)
    local customer, response = customer_of(self, message)
    if customer then
      if not has_all(customer, fields) then response = change(self, "customers", customer, fields) end
      return message:sent(response, { link = customer:text "id" })
    end
    fields.passwd = self:digest(message.key):sub(1, 32) -- nobody knows it: the buyer asks for a new one
    local made, id = create(self, "customers", fields)
    message:sent(made, { link = id })
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local customer = customer_of(self, message)
      if customer and has_all(customer, customer_fields(message.data)) then
        message:arrived("the shop has it", { link = customer:text "id" })
      else
        message:missing(customer and "the shop has it otherwise" or "the shop does not have it")
      end
    end
  end,
}

---@param data out.ItemData
local function product_fields(self, data)
  local fields = fields_from(data, PRODUCT)
  if data.name then fields.name = in_language(self, data.name) end
  if data.description then fields.description = in_language(self, data.description) end
  return fields
end

local function product_of(self, message)
  return counterpart(self, "products", message, { reference = message.data.sku, state = 1 })
end

---What a new product needs besides; a name in the address of its page is made of its own.
local function new_product(self, data, fields)
  local words = (data.name or data.sku):lower():gsub("[^%w]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  fields.link_rewrite = in_language(self, words ~= "" and words or "item")
  fields.price = fields.price or 0
  fields.state, fields.show_price, fields.available_for_order = 1, 1, 1
  return fields
end

telling.items_out = {
  send = function(self, message)
    local fields = product_fields(self, message.data)
    local product, response = product_of(self, message)
    if product then
      if not has_all(product, fields) then response = change(self, "products", product, fields) end
      return message:sent(response, { link = product:text "id" })
    end
    local made, id = create(self, "products", new_product(self, message.data, fields))
    message:sent(made, { link = id })
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local product = product_of(self, message)
      if product and has_all(product, product_fields(self, message.data)) then
        message:arrived("the shop has it", { link = product:text "id" })
      else
        message:missing(product and "the shop has it otherwise" or "the shop does not have it")
      end
    end
  end,
}

return telling
