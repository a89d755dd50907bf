---How Shopify's GraphQL is asked: what it says with status 200 that means something else, and what it costs.
local cart = require "cartwright.cart"
local json = require "cartwright.json"
local time = require "cartwright.time"

local graphql = {}

---What an error's code means: code of the test, setting to look at.
local CODES = { ACCESS_DENIED = { "permission", "token" }, SHOP_INACTIVE = { "unavailable" },
  INTERNAL_SERVER_ERROR = { "unavailable" }, MAX_COST_EXCEEDED = { "limit" } }

---@param answer any
---@return string? code
---@return string? words
local function error_of(answer)
  local errors = type(answer) == "table" and answer.errors
  if type(errors) == "string" then return "none", errors end
  if type(errors) ~= "table" or not errors[1] then return nil end
  local extensions = type(errors[1].extensions) == "table" and errors[1].extensions or {}
  return tostring(extensions.code or "none"), tostring(errors[1].message)
end

---Faults of a mutation: nothing was changed then.
---@return string?
local function user_errors(answer)
  for _, result in pairs(type(answer) == "table" and type(answer.data) == "table" and answer.data or {}) do
    local faults = type(result) == "table" and result.userErrors
    if type(faults) == "table" and faults[1] then
      local words = {}
      for i, fault in ipairs(faults) do words[i] = tostring(fault.message) end
      return table.concat(words, "; ")
    end
  end
end

---Whether an answer with status 200 says that the request failed: shop.refuses.
---@param response cartwright.Response
---@return string?
function graphql.refuses(_, response)
  local is_json, answer = pcall(response.json, response)
  if not is_json then return nil end
  local code, words = error_of(answer)
  if code then return ("%s (%s)"):format(words, code) end
  return user_errors(answer)
end

---Seconds until the question can be paid for.
local function wait_of(answer)
  local cost = type(answer.extensions) == "table" and answer.extensions.cost
  local status = type(cost) == "table" and cost.throttleStatus
  if type(status) ~= "table" then return 2 end
  local function number(value) return tonumber(tostring(value)) or 0 end
  local short = number(cost.requestedQueryCost) - number(status.currentlyAvailable)
  return math.max(1, math.min(60, math.ceil(short / math.max(number(status.restoreRate), 1))))
end

local PATIENCE = 10 -- times that a request is put that cost too much

local TOO_MUCH = "graphql.json: the shop says again and again that it is asked for too much (THROTTLED)"

local function check_warnings(answer)
  local extensions = type(answer.extensions) == "table" and answer.extensions or {}
  for _, search in ipairs(type(extensions.search) == "table" and extensions.search or {}) do
    local warning = type(search.warnings) == "table" and search.warnings[1]
    if warning then
      cart.fail("not-expected", "the shop ignores a filter, and would send everything: " .. tostring(warning.message))
    end
  end
end

---The version that answers: of one that is not supported it is another than was asked for.
---@param response cartwright.Response
---@return string
function graphql.version(self, response) return response:header "X-Shopify-API-Version" or self.settings.version end

---A question that only reads; raises what an answer means that is none.
---@param self cartwright.Cart
---@param text string
---@param variables? table
---@return cartwright.Response
function graphql.ask(self, text, variables)
  local body = json.encode { query = text, variables = variables }
  for _ = 1, PATIENCE do
    local response, message, code, setting = self:request { method = "POST", path = "graphql.json", body = body,
      reads = true, headers = { ["Content-Type"] = "application/json" } }
    if not response then cart.fail(code or "io", message or "no answer", setting) end
    if response.status < 200 or response.status > 299 then cart.check_answer(self, "graphql.json", response) end
    local is_json, answer = pcall(response.json, response)
    if not is_json then
      cart.fail("not-expected", ("the address answers, but not as Shopify does (%s)"):format(tostring(answer)), "url")
    end
    local fault, words = error_of(answer)
    if not fault then
      check_warnings(answer)
      return response
    end
    if fault ~= "THROTTLED" then
      local meaning = CODES[fault] or { "invalid" }
      cart.fail(meaning[1], ("graphql.json: %s (%s)"):format(words, fault), meaning[2])
    end
    time.sleep(wait_of(answer))
  end
  cart.fail("unavailable", TOO_MUCH)
end

---A request that changes something; its faults raise by shop.refuses. One that costs too much is put again: the shop's
---answer says that it did nothing. When it says so for long, that is the shop's fault, not the message's (status 429).
---@param self cartwright.Cart
---@return cartwright.Response
function graphql.change(self, text, variables)
  local body = json.encode { query = text, variables = variables }
  for _ = 1, PATIENCE do
    local response, message, code, setting = self:request { method = "POST", path = "graphql.json", body = body,
      headers = { ["Content-Type"] = "application/json" } }
    if not response then cart.fail(code or "io", message or "no answer", setting) end
    ---@cast response cartwright.Response
    local is_taken, fault = pcall(cart.check_answer, self, "POST graphql.json", response)
    if is_taken then return response end
    local is_json, answer = pcall(response.json, response)
    if response.status ~= 200 or not is_json or error_of(answer) ~= "THROTTLED" then error(fault, 0) end
    time.sleep(wait_of(answer))
  end
  cart.fail("unavailable", TOO_MUCH, nil, 429)
end

---@param kind "ProductVariant"|"Location"|"InventoryItem"|"Product"
---@param id string|integer
---@return string
function graphql.gid(kind, id) return ("gid://shopify/%s/%s"):format(kind, id) end

---The location whose stock is read and told.
---@param self cartwright.Cart
---@return string gid
function graphql.location(self)
  if self.settings.location then return graphql.gid("Location", self.settings.location) end
  return self:once("location", function()
    local id = graphql.ask(self, "{location{id}}"):json_node():text "data/location/id"
    if not id then cart.fail("permission", "the shop tells no location; set the setting location", "location") end
    return id
  end)
end

return graphql
