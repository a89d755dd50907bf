---Objects of WooCommerce's REST interface: looked up, changed several at once, made.
---
---Facts this script relies on:
---  - PUT changes what is sent and leaves the rest; so does an "update" in a batch. Sent lines, addresses, freight, fees or
---    coupons make the shop recalculate an order with today's rates: none of these is ever sent.
---  - A batch holds 100 objects at most, those of one product's variations only for themselves. It answers 200 although
---    members failed: these have "error" in the place of their fields.
---  - Error messages are translated; codes are not.
local cart = require "cartwright.cart"
local decimal = require "cartwright.decimal"
local json = require "cartwright.json"

local records = {}

records.UNKNOWN_ITEM = "no item that was read from the shop has this SKU; run: cartwright sync CART items"

local MANY = 100 -- objects in one answer

---@param value any out of JSON
---@return boolean whether there is something
function records.is_set(value) return value ~= nil and value ~= json.null and value ~= "" and value ~= false end

---The object at an address; nil where the shop has none.
---@return table? object
---@return cartwright.Response? response
function records.find(self, path, query)
  local response, message, code, setting = self:request { path = path, query = query }
  if not response then cart.fail(code or "io", message, setting) end
  ---@cast response cartwright.Response
  local is_json, object = pcall(response.json, response)
  local is_missing = response.status == 404 and is_json and type(object) == "table"
    and type(object.code) == "string" and object.code:find "invalid_id$" ~= nil
  if is_missing then return nil, response end
  cart.check_answer(self, "GET " .. path, response)
  return response:json(), response
end

---A list that fits into one answer.
---@return table[] objects
---@return cartwright.Response response
function records.list(self, path, query)
  query.per_page = MANY
  local response = self:get(path, query)
  return response:json(), response
end

---The currency of the shop's prices.
---@return string
function records.currency(self)
  return self:once("currency code", function()
    return self:get "settings/general/woocommerce_currency":json().value
  end)
end

---WordPress keeps what some users write with entities.
local function plain(text) return (text:gsub("&amp;", "&"):gsub("&#0*38;", "&")) end

local function folded(text) return plain(text):lower():match "^%s*(.-)%s*$" end

---Whether a text of the shop is the one that was asked for. A list that is asked for a SKU has others too: a comma
---parts SKUs there. Case does not count for the shop, neither in SKUs nor in e-mails.
---@param value any
---@param wanted string
function records.is_same(value, wanted)
  return records.is_set(value) and folded(tostring(value)) == folded(wanted)
end

-- Products and their variations ---------------------------------------------------------------------------------------

---Where the products, or the variations of one product, are that messages are about.
---@param messages cartwright.Message[]
---@return table<string, cartwright.Message[]> messages by path
---@return string[] paths in their order
function records.places(messages)
  local by_path, paths = {}, {}
  for _, message in ipairs(messages) do
    local data = message.data
    if data.item_id then
      local path = data.variant_id and ("products/%s/variations"):format(data.item_id) or "products"
      if not by_path[path] then by_path[path], paths[#paths + 1] = {}, path end
      table.insert(by_path[path], message)
    end
  end
  return by_path, paths
end

---@param message cartwright.Message
---@return string the shop's number of what it is about
function records.id_of(message) return message.data.variant_id or message.data.item_id end

---The objects of messages about one place, by message, and the answer they came in.
---@return table<cartwright.Message, table> objects
---@return cartwright.Response? response
function records.look_up(self, path, messages)
  local ids, by_id, objects = {}, {}, {}
  for _, message in ipairs(messages) do ids[#ids + 1] = records.id_of(message) end
  local query = { include = table.concat(ids, ",") }
  if path == "products" then query.status = "any" end
  local found, response = records.list(self, path, query)
  for _, object in ipairs(found) do by_id[tostring(object.id)] = object end
  for _, message in ipairs(messages) do objects[message] = by_id[records.id_of(message)] end
  return objects, response
end

---Changes objects of one place in one request, and tells of each message what the shop made of it.
---@param changes { message: cartwright.Message, fields: table }[]
---@param shown fun(object: table, message: cartwright.Message): any, boolean what the shop has now, and whether it is that
function records.change_all(self, path, changes, shown)
  if #changes == 0 then return end
  local update, told = {}, {}
  for i, change in ipairs(changes) do
    update[i] = { id = math.tointeger(tonumber(records.id_of(change.message))) }
    for name, value in pairs(change.fields) do update[i][name] = value end
  end
  local response = self:write("POST", path .. "/batch", { update = update })
  for _, object in ipairs(response:json().update or {}) do told[tostring(object.id)] = object end
  for _, change in ipairs(changes) do
    local object = told[records.id_of(change.message)]
    if object and object.error then
      change.message:refused(("%s (%s)"):format(tostring(object.error.message), tostring(object.error.code)))
    elseif object then
      local has, is_that = shown(object, change.message)
      if is_that then
        change.message:sent(response)
      else
        change.message:refused(("the shop took it, but made %s of it"):format(tostring(has)))
      end
    end
  end
end

-- Documents -----------------------------------------------------------------------------------------------------------

---Whether an object has all that is to be written. Amounts come back with other digits than they were sent with.
---@param fields table
function records.has_all(object, fields)
  for name, wanted in pairs(fields) do
    local is = object[name]
    if type(wanted) == "table" then
      if type(is) ~= "table" or not records.has_all(is, wanted) then return false end
    elseif plain(tostring(is or "")) ~= tostring(wanted) then
      local number, other = decimal.new(tostring(is)), decimal.new(tostring(wanted))
      if not (number and number == other) then return false end
    end
  end
  return true
end

return records
