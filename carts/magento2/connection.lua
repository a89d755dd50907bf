---Whether a Magento lets this cart in and has what it asks for; and what the shop's errors mean.
local cart = require "cartwright.cart"

local connection = {}

---Words with their parameters in the places of %1 and %name.
---@param reported table
---@return string
local function filled(reported)
  local given = type(reported.parameters) == "table" and reported.parameters or {}
  local in_turn = 0
  return (tostring(reported.message):gsub("%%(%w+)", function(name)
    in_turn = in_turn + 1
    local value = given[math.tointeger(tonumber(name)) or name] or given[in_turn]
    return value ~= nil and tostring(value) or nil
  end))
end

---The shop's words. Where these are general, a list beside them has what is wrong.
---@param reported table
---@return string
function connection.words(reported)
  local words = { filled(reported) }
  for _, detail in ipairs(type(reported.errors) == "table" and reported.errors or {}) do
    if type(detail) == "table" then words[#words + 1] = filled(detail) end
  end
  return table.concat(words, "; ")
end

local REFUSED = "the shop does not accept the token. Since 2.4.4 it takes a token alone only when \"Allow OAuth Access "
  .. "Tokens to be used as standalone Bearer tokens\" is on (Stores > Configuration > Services > OAuth); or set "
  .. "consumer_key, consumer_secret and token_secret as well"

---What a status means here: code of the test, setting to look at, what to do.
local CAUSES = {
  [401] = { "auth", "token", REFUSED },
  [403] = { "permission", "url", "the web server or a firewall refuses the request" },
  [404] = { "not-found", "url", "no REST interface at this address; check it, the code of the store, and whether the "
    .. "shop needs index_php = true" },
  [503] = { "unavailable", nil, "the shop is in maintenance" },
}

connection.NO_SOURCES = "the shop has no inventory sources (MSI: since 2.3, unless its modules are off)"

---The limit of the shop's own that a request broke.
---@param words string
---@return integer?
function connection.limit_in(words) return math.tointeger(tonumber(words:match "Maximum .-is (%d+)")) end

---@param response cartwright.Response
---@return string? words
---@return string? code
---@return string? setting
function connection:explain(response)
  local is_json, reported = pcall(response.json, response)
  local cause = CAUSES[response.status]
  if not is_json or type(reported) ~= "table" or type(reported.message) ~= "string" then
    if cause then return cause[3], cause[1], cause[2] end
    return nil
  end
  local words, given = connection.words(reported), reported.parameters
  local resource = type(given) == "table" and given.resources
  if response.status == 401 and type(resource) == "string" and resource ~= "self" then
    return ("the integration lacks %s; allow it under System > Integrations > API, or %s"):format(resource, REFUSED),
      "permission", "token"
  end
  if response.status == 404 and not words:find "route" then return words, "not-found" end
  if response.status == 404 and response.address:find "/inventory/" then
    return ("%s: set single_stock = true in site.lua, which tells stock SKU by SKU; %s"):format(connection.NO_SOURCES,
      words), "not-found", "single_stock"
  end
  if response.status == 400 and words:find "pageSize" and connection.limit_in(words) then
    return ("%s: set page_size = %d in site.lua"):format(words, connection.limit_in(words)), "invalid", "page_size"
  end
  if not cause then return words end
  return ("%s; %s"):format(cause[3], words), cause[1], cause[2]
end

---@return table[] stores
---@return cartwright.Response
local function read_stores(self)
  local response = self:get "store/storeConfigs"
  local is_json, stores = pcall(response.json, response)
  if not is_json or type(stores) ~= "table" or type(stores[1]) ~= "table" or not stores[1].base_currency_code then
    cart.fail("not-expected", ("the address answers, but not as Magento's REST interface does (%s)")
      :format(is_json and "no stores in it" or tostring(stores)), "url")
  end
  return stores, response
end

---Whether the shop has inventory sources: one that has none does not know the address.
---@return boolean
local function has_sources(self)
  local filter = { { "source_code", "eq", self.settings.source } }
  local got, problem = pcall(self.get, self, "inventory/source-items", self.search(filter, "sku", 1))
  if got then return true end
  if type(problem) == "table" and problem.status == 404 then return false end
  error(problem, 0)
end

---@return string note
local function check_sources(self)
  local single = self.settings.single_stock
  if has_sources(self) then
    return single and "the shop has inventory sources: single_stock = true writes their default one only, and is not "
      .. "needed" or ("stock is that of the source %s; the shop takes its own open orders off it, which the figure "
      .. "available has done already: see out.stock.figure"):format(self.settings.source)
  end
  if single then return connection.NO_SOURCES .. ": stock is told SKU by SKU, and not read" end
  return connection.NO_SOURCES .. ": stock can neither be read nor told; set single_stock = true in site.lua, and it is "
    .. "told SKU by SKU; parcels need it too. All else works"
end

local function refuse_saas(self)
  if not self.settings.url:find("%.api%.commerce%.adobe%.com") then return end
  cart.fail("not-expected", "this is Adobe Commerce as a Cloud Service, whose interface and tokens are others than "
    .. "those of Magento's REST; this cart does not speak them", "url")
end

---@return string[] findings
function connection:test()
  refuse_saas(self)
  local stores, response = read_stores(self)
  local one = self.search({}, "entity_id", 1)
  for _, list in ipairs { "orders", "customers/search", "products" } do self:get(list, one) end
  return { ("Magento, %d store views, base currency %s"):format(#stores, tostring(stores[1].base_currency_code)),
    check_sources(self), cart.clock_note(response) }
end

return connection
