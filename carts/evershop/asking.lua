---How EverShop is asked, by GraphQL over POST, and what its answers mean.
---
---Facts this script relies on:
---  - Errors are {"error":{"status":500,"message":...}}, with that status: those of the query, of the server, and
---    refusals by the rules of the business. So what the shop would refuse is not sent to it, and after a 500 it is
---    looked at before anything is sent again.
---  - A record that is not there is null, and no error.
local cart = require "cartwright.cart"

local asking = {}

local PATH = "api/admin/graphql"

-- What answers mean ---------------------------------------------------------------------------------------------------

---@param response cartwright.Response
---@return string? words of the shop
local function reported(response)
  local is_json, answer = pcall(response.json_node, response)
  return is_json and answer:text "error/message" or nil
end

local CAUSES = {
  [400] = { "auth", "password", "the shop does not accept email and password" },
  [401] = { "auth", "email", "the shop does not accept the user" },
}

local WEB_PAGES = {
  [403] = { "permission", "url", "a web server or firewall before the shop refuses the request" },
  [404] = { "not-found", "url", "no EverShop at this address; check it" },
}

---@param response cartwright.Response
function asking.explain(_, response)
  local words = reported(response)
  if not words then
    local page = WEB_PAGES[response.status] or {}
    return page[3], page[1], page[2]
  end
  local cause = words:find "Invalid email or password" and CAUSES[400] or response.status == 401 and CAUSES[401]
  if not cause then return words end
  return cause[3] .. "; " .. words, cause[1], cause[2]
end

---A success that has errors in it is none.
---@param response cartwright.Response
---@return string?
function asking.refuses(_, response)
  local is_json, answer = pcall(response.json_node, response)
  if not is_json then error("the shop answers, but not with JSON", 0) end
  return answer:text "error/message" or answer:text "errors/message"
end

-- Asking --------------------------------------------------------------------------------------------------------------

---@param variables? table
---@return cartwright.Response
local function request(self, query, variables)
  return self:get(PATH, nil, { method = "POST", json = { query = query, variables = variables }, reads = true })
end

---@return cartwright.Node data
---@return cartwright.Response response
function asking.ask(self, query, variables)
  local response = request(self, query, variables)
  local is_json, answer = pcall(response.json_node, response)
  local data = is_json and answer:node "data"
  if not data then
    cart.fail("not-expected", "the address answers, but not as EverShop does; check it", "url")
  end
  return data, response
end

---A page of a list, and how many records the list has.
---@param list { name: string, id: string, fields: string }
---@return cartwright.Records records
---@return integer? total
function asking.list(self, list, page, size)
  local query = ("query($f:[FilterInput]){%s(filters:$f){total items{%s}}}"):format(list.name, list.fields)
  local response = request(self, query, { f = { { key = "page", operation = "eq", value = tostring(page) },
    { key = "limit", operation = "eq", value = tostring(size) } } })
  local total = response:text():match '"total":(%d+)'
  local records = response:records(("data/%s/items"):format(list.name), list.id)
  return records, total and math.tointeger(tonumber(total)) or nil
end

---A query for several records at once, each under a name of its own: o1, o2, ...
---@param one string "order(uuid:$%s)"
---@param kind string of the variables in GraphQL
local function several(one, kind, fields, ids)
  local declared, parts, variables = {}, {}, {}
  for i, id in ipairs(ids) do
    local name = "o" .. i
    declared[i], variables[name] = ("$%s:%s"):format(name, kind), id
    parts[i] = ("%s:%s{%s}"):format(name, one:format(name), fields)
  end
  return ("query(%s){%s}"):format(table.concat(declared, ","), table.concat(parts, " ")), variables
end

---The orders with these ids, as the list has them; those that are gone are left out.
---@param list { id: string, fields: string }
---@param ids string[]
---@return cartwright.Records?
function asking.some(self, list, ids)
  local there = {}
  local found = asking.ask(self, several("order(uuid:$%s)", "String!", "uuid", ids))
  for i in ipairs(ids) do
    local id = found:text(("o%d/uuid"):format(i))
    if id then there[#there + 1] = id end
  end
  if #there == 0 then return nil end
  return request(self, several("order(uuid:$%s)", "String!", list.fields, there)):records("data/*", list.id)
end

---Products by their numbers, also those that no list shows: by number.
---@param ids string[]
---@return table<string, cartwright.Node> products
---@return cartwright.Response response
function asking.products(self, ids, fields)
  local found, response = asking.ask(self, several("product(id:$%s)", "ID", fields, ids))
  local products = {}
  for product in found:each "*" do
    local id = product:text "productId"
    if id then products[id] = product end
  end
  return products, response
end

return asking
