---What PrestaShop is told of customers and items.
---
---Facts this script relies on:
---  - An e-mail may belong to one account, and beside it to any number of guests.
---  - A combination has a reference of its own, and differences to the price and weight of its product. What an item
---    says of these is left out for a product with combinations: all of theirs would move. prices_out tells theirs.
---  - Groups of customers and tax rules are known by their numbers; their names come in many languages.
local records = require "shipped.prestashop.records"
local tell = require "cartwright.tell"

local documents = {}

-- What both have ------------------------------------------------------------------------------------------------------

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

---The shop's number for a name of ours: by the table NAME_out, or as it stands.
---@param name string of our field
---@return string? number nil also where the document has none
---@return string? why there is none
local function number_of(self, data, name)
  local value = data[name]
  if value == nil then return nil end
  local number = self:translate(name .. "_out", value) or value
  if number:find "^%d+$" then return number end
  return nil, ("the shop knows %s only by its number, and %q is none; say which: "
    .. "cartwright table set %s %s_out %q NUMBER"):format(name, number, self.name, name, value)
end

---The record of the shop for a document: by its link, else by what tells it from others.
---@param filters? table<string, any> nil: the document does not have that
---@return cartwright.Node? record
---@return cartwright.Response? response
local function counterpart(self, resource, message, filters)
  if message.link then
    local linked, response = records.look_up_one(self, resource, { id = message.link }, records.ONE)
    if linked then return linked, response end
  end
  if not filters then return nil end
  return records.look_up_one(self, resource, filters, "link the right one by its id, or make them differ")
end

-- Customers -----------------------------------------------------------------------------------------------------------

local CUSTOMER = { email = "email", first_name = "firstname", last_name = "lastname", company = "company",
  note = "note", guest = "is_guest", active = "active" }
local CUSTOMER_NEEDS = { "email", "first_name", "last_name" }

---@return table? fields
---@return string? why not
local function customer_fields(self, data)
  local fields = fields_from(data, CUSTOMER)
  local group, why = number_of(self, data, "group")
  if why then return nil, why end
  fields.id_default_group = group
  return fields
end

local function customer_of(self, message)
  local data = message.data
  return counterpart(self, "customers", message,
    data.email and { email = data.email, is_guest = data.guest and 1 or 0, deleted = 0 })
end

documents.customers_out = {
  send = function(self, message)
    local fields, why = customer_fields(self, message.data)
    if not fields then return message:refused(why) end
    local customer, response = customer_of(self, message)
    if customer then
      if not records.has_all(customer, fields) then response = records.change(self, "customers", customer, fields) end
      return message:sent(response, { link = customer:text "id" })
    end
    local fault = tell.incomplete(message.data, CUSTOMER_NEEDS, "customers")
    if fault then return message:refused(fault) end
    fields.passwd = self:digest(message.key):sub(1, 32) -- nobody knows it: the buyer asks for a new one
    local made, id = records.create(self, "customers", fields)
    message:sent(made, { link = id })
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local customer, fields = customer_of(self, message), customer_fields(self, message.data)
      if customer and fields and records.has_all(customer, fields) then
        message:arrived("the shop has it", { link = customer:text "id" })
      else
        message:missing(customer and "the shop has it otherwise" or "the shop does not have it")
      end
    end
  end,
}

-- Items ---------------------------------------------------------------------------------------------------------------

local PRODUCT = { sku = "reference", barcode = "ean13", vendor_sku = "supplier_reference", active = "active",
  price = "price", cost = "wholesale_price", weight = "weight" }

---@param data out.ItemData
---@param product? cartwright.Node nil: it is to be made
---@return table? fields
---@return string? why not
local function product_fields(self, data, product)
  local fields = fields_from(data, PRODUCT)
  local class, why = number_of(self, data, "tax_class")
  if why then return nil, why end
  fields.id_tax_rules_group = class
  if data.name then fields.name = records.in_language(self, data.name) end
  if data.description then fields.description = records.in_language(self, data.description) end
  if product and (fields.price or fields.weight) and records.has_combinations(self, product:text "id") then
    fields.price, fields.weight = nil, nil
  end
  if not (fields.price or fields.wholesale_price) or data.currency == records.currency(self) then return fields end
  return nil, ("its price is in %s, and prices of this shop are in %s"):format(data.currency or "no currency",
    records.currency(self))
end

local function product_of(self, message)
  local sku = message.data.sku
  return counterpart(self, "products", message, sku and { reference = sku, state = 1 })
end

---Why no product can be made of the item; nil when it can.
local function fault_of(self, data)
  local fault = tell.incomplete(data, { "sku" }, "items")
  if fault then return fault end
  local combination = records.look_up(self, "combinations", { reference = data.sku })[1]
  if not combination then return nil end
  return ("%s is a combination of product %s, and a product of its own would be a second one; change it in the shop: "
    .. "what prices_out and stock_out tell reaches it"):format(data.sku, combination:text "id_product")
end

---What a new product needs besides; a name in the address of its page is made of its own.
local function new_product(self, data, fields)
  local words = (data.name or data.sku):lower():gsub("[^%w]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  fields.link_rewrite = records.in_language(self, words ~= "" and words or "item")
  fields.price = fields.price or 0
  fields.state, fields.show_price, fields.available_for_order = 1, 1, 1
  return fields
end

documents.items_out = {
  send = function(self, message)
    local product, response = product_of(self, message)
    local fault = not product and fault_of(self, message.data)
    if fault then return message:refused(fault) end
    local fields, why = product_fields(self, message.data, product)
    if not fields then return message:refused(why) end
    if product then
      if not records.has_all(product, fields) then response = records.change(self, "products", product, fields) end
      return message:sent(response, { link = product:text "id" })
    end
    local made, id = records.create(self, "products", new_product(self, message.data, fields))
    message:sent(made, { link = id })
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local product = product_of(self, message)
      local fields = product and product_fields(self, message.data, product)
      if fields and records.has_all(product, fields) then
        message:arrived("the shop has it", { link = product:text "id" })
      else
        message:missing(product and "the shop has it otherwise" or "the shop does not have it")
      end
    end
  end,
}

return documents
