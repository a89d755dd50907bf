---How Vendure's Admin API is asked and told: GraphQL over POST, where a refusal is an answer 200 with errors in it.
---
---Facts this script relies on:
---  - Errors of the request stand first: {"errors":[{"message":...,"extensions":{"code":"FORBIDDEN"}}],"data":null}.
---    A key that is not known gets the same FORBIDDEN as one that may not do this.
---  - Refusals by the shop's rules are data: {"data":{"cancelOrder":{"errorCode":"...","message":"..."}}}.
---  - Each mutation is one transaction of the database; several in one request are not.
---  - Only broken requests are answered 400.
local cart = require "cartwright.cart"

local graphql = {}

local PATH = "admin-api"

graphql.LOCATIONS = "{stockLocations(options:{take:1000}){items{id name}}}"

---What is known of a variant wherever its stock matters.
graphql.VARIANT = "id sku trackInventory product{id} stockLevels{stockLocationId stockOnHand stockAllocated}"

-- What answers mean ---------------------------------------------------------------------------------------------------

---Codes of errors after which nothing has changed.
local HARMLESS = { FORBIDDEN = true, UNAUTHENTICATED = true, USER_INPUT_ERROR = true, ENTITY_NOT_FOUND = true,
  BAD_USER_INPUT = true, BAD_REQUEST = true, GRAPHQL_PARSE_FAILED = true, GRAPHQL_VALIDATION_FAILED = true }

local CAUSES = {
  FORBIDDEN = { "auth", "key", "the shop does not know the key, its role lacks the permission, or the server does not "
    .. "allow API keys (tokenMethod)" },
}

---@param response cartwright.Response
---@return cartwright.Node? answer nil where it is none of GraphQL's
local function answer_of(response)
  local is_json, answer = pcall(response.json_node, response)
  return is_json and (answer:node "data" or answer:node "errors") and answer or nil
end

---@param answer cartwright.Node
---@return string? words
---@return string? code
---@return string? setting
local function reported(answer)
  local message, code = answer:text "errors/message", answer:text "errors/extensions/code"
  if not message then return nil end
  local words = ("%s (%s)"):format(message, code or "without a code")
  local cause = CAUSES[code]
  if not cause then return words end
  return cause[3] .. "; " .. words, cause[1], cause[2]
end

---What it means when the shop's server, or one before it, answers with another status.
local WEB_PAGES = {
  [401] = { "auth", "url", "a web server before the shop asks for a password" },
  [403] = { "permission", "url", "a web server or firewall before the shop refuses the request" },
  [404] = { "not-found", "url", "no Admin API at this address; the server's is wanted, without /admin-api" },
}

---@param response cartwright.Response
function graphql.explain(_, response)
  local answer = answer_of(response)
  if answer then return reported(answer) end
  local page = WEB_PAGES[response.status] or {}
  return page[3], page[1], page[2]
end

---The words of a refusal; raises errors of which nobody knows how far the shop had come.
---@param response cartwright.Response
---@return string?
function graphql.refuses(_, response)
  local answer = answer_of(response)
  if not answer then error("the shop answers, but not as its Admin API does", 0) end
  local words = reported(answer)
  if words then
    if not HARMLESS[answer:text "errors/extensions/code" or ""] then error(words, 0) end
    return words
  end
  local code = answer:text "data/*/errorCode"
  return code and ("%s (%s)"):format(answer:text "data/*/message" or "without words", code) or nil
end

-- Asking --------------------------------------------------------------------------------------------------------------

local function body_of(query, variables) return { query = query, variables = variables } end

---@return cartwright.Response
local function request(self, query, variables)
  return self:get(PATH, nil, { method = "POST", json = body_of(query, variables), reads = true })
end

---Raises what an answer 200 means that has errors in it.
---@param response cartwright.Response
local function check(response)
  local is_short, text = pcall(response.text, response)
  local may_fail = not is_short or text:find '^%s*{%s*"errors"' or text:find '^%s*{%s*"data"%s*:%s*null'
  if not may_fail then return end
  local answer = is_short and answer_of(response)
  if not answer then return end
  local words, code, setting = reported(answer)
  if words then cart.fail(code or "invalid", words, setting) end
end

---@param query string
---@param variables? table
---@return cartwright.Node data
---@return cartwright.Response response
function graphql.ask(self, query, variables)
  local response = request(self, query, variables)
  check(response)
  local answer = answer_of(response)
  if not answer then
    cart.fail("not-expected", "the address answers, but not as Vendure's Admin API does; check it", "url")
  end
  ---@cast answer cartwright.Node
  local data = answer:node "data"
  if not data then cart.fail("not-expected", "the shop's answer has no data", "url") end
  return data, response
end

---@param path string of the records
---@return cartwright.Records
function graphql.records(self, query, variables, path)
  local response = request(self, query, variables)
  check(response)
  return response:records(path)
end

---A part of a list, and how many it has in all.
---@param list { name: string, options: string, fields: string }
---@param options table
---@return cartwright.Records records
---@return integer? total
function graphql.list(self, list, options)
  local query = ("query($o:%s){%s(options:$o){totalItems items{%s}}}"):format(list.options, list.name, list.fields)
  local response = request(self, query, { o = options })
  check(response)
  local is_short, text = pcall(response.text, response)
  local total = is_short and text:match '"totalItems"%s*:%s*(%d+)'
  return response:records(("data/%s/items"):format(list.name)), total and math.tointeger(tonumber(total)) or nil
end

-- Telling -------------------------------------------------------------------------------------------------------------

---@param mutation string
---@return cartwright.Response
function graphql.tell(self, mutation, variables)
  return self:write("POST", PATH, body_of(mutation, variables))
end

---The answer's part of that name.
---@param response cartwright.Response
---@return cartwright.Node?
function graphql.part(response, name) return response:json_node():node("data/" .. name) end

return graphql
