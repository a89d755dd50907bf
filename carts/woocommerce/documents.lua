---What WooCommerce is told of customers and items.
---
---Facts this script relies on:
---  - An e-mail belongs to one account; guests have none. The role of an account cannot be set.
---  - Lists search products and their variations by SKU; a variation comes with type "variation". A comma in what is
---    asked for parts SKUs, so that others are found beside the one meant, or in its place.
---  - A description comes with paragraphs made of its lines, unless it is asked for as it is edited.
local records = require "shipped.woocommerce.records"
local tell = require "cartwright.tell"

local documents = {}

-- What both have ------------------------------------------------------------------------------------------------------

---The fields of an object for which our document has a value.
---@param names table<string, string> the shop's field by ours
local function fields_from(data, names)
  local fields = {}
  for ours, theirs in pairs(names) do
    local value = data[ours]
    if value ~= nil then fields[theirs] = tostring(value) end
  end
  return fields
end

---The object of the shop for a document: by its link, else by the field that tells it from others.
---@param field "sku"|"email"
---@param query table what else to ask for
---@return table? object
---@return cartwright.Response? response
local function counterpart(self, resource, message, field, query)
  if message.link then
    local linked, response = records.find(self, resource .. "/" .. message.link, { context = "edit" })
    if linked then return linked, response end
  end
  local wanted = message.data[field]
  if not wanted then return nil end
  query.context, query[field] = "edit", wanted
  local list, response = records.list(self, resource, query)
  local found = {}
  for _, object in ipairs(list) do
    if records.is_same(object[field], wanted) then found[#found + 1] = object end
  end
  if #found > 1 then
    error(("the shop has %d %s; link the right one by its id, or make them differ"):format(#found, resource), 0)
  end
  return found[1], response
end

---Changes what is there where it differs, or makes it.
---@param object? table
---@param response? cartwright.Response it came in
local function put(self, resource, message, object, response, fields)
  if not object then
    response = self:write("POST", resource, fields)
  elseif not records.has_all(object, fields) then
    response = self:write("PUT", ("%s/%s"):format(resource, object.id), fields)
  end
  ---@cast response cartwright.Response
  message:sent(response, { link = tostring((object or response:json()).id) })
end

---@param object? table
local function answer(message, object, fields)
  if object and fields and records.has_all(object, fields) then
    message:arrived("the shop has it", { link = tostring(object.id) })
  else
    message:missing(object and "the shop has it otherwise" or "the shop does not have it")
  end
end

-- Customers -----------------------------------------------------------------------------------------------------------

local CUSTOMER = { email = "email", first_name = "first_name", last_name = "last_name" }
local ADDRESS = { first_name = "first_name", last_name = "last_name", company = "company", street = "address_1",
  street2 = "address_2", postcode = "postcode", city = "city", region = "state", country = "country", phone = "phone" }

---The first address is the invoice's.
local function customer_fields(data)
  local fields = fields_from(data, CUSTOMER)
  local billing = fields_from(data.addresses and data.addresses[1] or {}, ADDRESS)
  billing.company, billing.phone = billing.company or data.company, billing.phone or data.phone
  if next(billing) then fields.billing = billing end
  return fields
end

local function customer_of(self, message) return counterpart(self, "customers", message, "email", { role = "all" }) end

documents.customers_out = {
  send = function(self, message)
    local data = message.data
    if data.guest == true then return message:needless "guests have no account in the shop" end
    local fields = customer_fields(data)
    local customer, response = customer_of(self, message)
    local fault = not customer and tell.incomplete(data, { "email" }, "customers")
    if fault then return message:refused(fault) end
    if not customer then
      fields.username = data.email
      fields.password = self:digest(message.key):sub(1, 32) -- nobody knows it: the buyer asks for a new one
    end
    put(self, "customers", message, customer, response, fields)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      answer(message, customer_of(self, message), customer_fields(message.data))
    end
  end,
}

-- Items ---------------------------------------------------------------------------------------------------------------

local PRODUCT = { sku = "sku", name = "name", description = "description", weight = "weight", price = "regular_price" }

---@param data out.ItemData
---@param product? table nil: it is to be made
---@return table? fields
---@return string? why not
local function product_fields(self, data, product)
  local fields = fields_from(data, PRODUCT)
  if data.tax_class then fields.tax_class = self:translate("tax_class_out", data.tax_class) or data.tax_class end
  if data.active ~= nil then fields.status = data.active and "publish" or "draft" end
  if product and tostring(product.type):find "^variable" then fields.regular_price = nil end -- its variations have prices
  if not fields.regular_price or data.currency == records.currency(self) then return fields end
  return nil, ("its price is in %s, and prices of this shop are in %s"):format(data.currency or "no currency",
    records.currency(self))
end

local function product_of(self, message) return counterpart(self, "products", message, "sku", { status = "any" }) end

---Why the shop is not told of the item; nil when it is.
---@param product? table
local function fault_of(data, product)
  if product and product.type == "variation" then
    return ("%s is a variation of product %s, and a product of its own would be a second one; change it in the shop: "
      .. "what prices_out and stock_out tell reaches it"):format(data.sku, tostring(product.parent_id))
  elseif product then
    return nil
  elseif data.variants and #data.variants > 0 then
    return "the shop does not have it, and its variants need attributes that the back office does not tell: make it there"
  end
  return tell.incomplete(data, { "sku", "name" }, "items")
end

documents.items_out = {
  send = function(self, message)
    local product, response = product_of(self, message)
    local fault = fault_of(message.data, product)
    if fault then return message:refused(fault) end
    local fields, why = product_fields(self, message.data, product)
    if not fields then return message:refused(why) end
    if not product then fields.type = "simple" end
    put(self, "products", message, product, response, fields)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local product = product_of(self, message)
      answer(message, product, product and product_fields(self, message.data, product))
    end
  end,
}

return documents
