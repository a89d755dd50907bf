---Records of PrestaShop's web service: found by what their fields have, read whole, changed, made.
---
---Facts this script relies on:
---  - PUT replaces: what is left out becomes empty, an association that is left out stays. Records are read whole,
---    changed and put back, without what the shop computes itself (error 93). PATCH exists since 8.0, and the key must
---    allow it.
---  - Filters compare as the database does: texts without case, and without accents. "|" in one stands between texts,
---    "," between digits stands between the ends of an interval, but not in [TEXT]%, which finds what begins so.
local decimal = require "cartwright.decimal"
local map = require "cartwright.map"
local xml = require "cartwright.xml"

local records = {}

local ELEMENT = { carriers = "carrier", combinations = "combination", currencies = "currency", customers = "customer",
  languages = "language", order_carriers = "order_carrier", order_histories = "order_history",
  order_states = "order_state", orders = "order", products = "product", stock_availables = "stock_available" }

---For look_up_one, where an id is looked up.
records.ONE = "one was asked for"

---What the shop computes itself and refuses in a PUT, or gives in a form that it does not take back.
local COMPUTED = {
  combination = { associations = true },
  customer = { associations = true },
  product = { associations = true, id_default_combination = true, id_default_image = true, manufacturer_name = true,
    position_in_category = true, quantity = true, type = true },
}

---Fields that the shop gives with other digits than it got: "17.250000". Ids are numbers too.
local NUMBERS = { conversion_rate = true, price = true, quantity = true, weight = true, wholesale_price = true }

local function is_equal(field, is, text)
  if is == text then return true end
  if not (NUMBERS[field] or field == "id" or field:find "^id_") then return false end
  local number = decimal.new(is)
  return number ~= nil and number == decimal.new(text)
end

---Whether the record is what was looked for: the shop's answer may hold more.
local function has(self, record, filters)
  for field, wanted in pairs(filters) do
    local is, found = record:text(field) or "", false
    for _, text in ipairs(type(wanted) == "table" and wanted or { wanted }) do
      text = tostring(text)
      found = found or is_equal(field, is, text) or self.fold(is) == self.fold(text)
    end
    if not found then return false end
  end
  return true
end

local function filter_of(wanted)
  if type(wanted) == "table" then return ("[%s]"):format(table.concat(wanted, "|")) end
  return ("[%s]%s"):format(wanted, tostring(wanted):find "[|,]" and "%" or "")
end

---The records of `resource` whose fields have these texts (or one of a list), whole, and the answer they came in.
---@return cartwright.Node[] records
---@return cartwright.Response response
function records.look_up(self, resource, filters)
  local query, found = { display = "full", sort = "[id_ASC]", id_shop = self.settings.shop_id }, {}
  for field, wanted in pairs(filters) do
    query["filter[" .. field .. "]"] = filter_of(wanted)
  end
  local response = self:get(resource, query)
  for record in response:xml():each(resource .. "/" .. ELEMENT[resource]) do
    if has(self, record, filters) then found[#found + 1] = record end
  end
  return found, response
end

---@return cartwright.Node? record
---@return cartwright.Response response
function records.look_up_one(self, resource, filters, what)
  local found, response = records.look_up(self, resource, filters)
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
function records.changed(record, changes, is_patch)
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

---@param elements table[] one for each record
function records.write(self, method, path, elements, query)
  local request = { query = map.copy(query or {}), headers = { ["Content-Type"] = "text/xml" } }
  request.query.id_shop = self.settings.shop_id
  return self:write(method, path, xml.write({ "prestashop", table.unpack(elements) }, { declaration = true }), request)
end

---@param query? table of the request
---@return cartwright.Response
function records.change(self, resource, record, changes, query)
  local is_patch = self:may(resource, "patch")
  return records.write(self, is_patch and "PATCH" or "PUT", resource .. "/" .. record:text "id",
    { records.changed(record, changes, is_patch) }, query)
end

---@return cartwright.Response response
---@return string? id of what was made
function records.create(self, resource, fields, query)
  local element = { ELEMENT[resource] }
  for name, value in pairs(fields) do element[#element + 1] = field_of(name, value) end
  local response = records.write(self, "POST", resource, { element }, query)
  return response, response:xml():text(ELEMENT[resource] .. "/id")
end

---A text in the language in which names are read; the other languages keep theirs.
function records.in_language(self, text)
  local language = self.settings.language or self:once("first language", function()
    return records.look_up(self, "languages", { active = 1 })[1]:text "id"
  end)
  return { { "language", id = tostring(language), text } }
end

---The currency of its prices.
---@return string
function records.currency(self)
  return self:once("currency", function()
    return records.look_up(self, "currencies", { conversion_rate = 1 })[1]:text "iso_code"
  end)
end

---Whether prices and weights of a product stand for others, which a change of them would move.
function records.has_combinations(self, product_id)
  return #records.look_up(self, "combinations", { id_product = product_id }) > 0
end

---Whether the shop wants a mail to be sent along with a change.
function records.mail(self) return self.settings.send_mail and { sendemail = 1 } or nil end

---Whether the record has all that is to be written, letter by letter.
---@param fields table<string, any> as for `changed`
function records.has_all(record, fields)
  for name, value in pairs(fields) do
    local text = type(value) == "table" and value[1][2] or tostring(value)
    local path = type(value) == "table" and ("%s/language[@id=%s]"):format(name, value[1].id) or name
    if not is_equal(name, record:text(path) or "", text) then return false end
  end
  return true
end

return records
