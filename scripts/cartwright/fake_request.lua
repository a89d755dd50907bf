---Requests as a fake's routes see them, and the patterns that routes and troubles are found by.
local json = require "cartwright.json"
local xml = require "cartwright.xml"

local request = {}

---@class fake.Request
local Request = {}
Request.__index = Request

-- Addresses and forms -------------------------------------------------------------------------------------------------

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

---What "a=1&b[]=2" says: of a name that comes twice the last value, of "b[]" a list, as "b[]" and as "b".
local function parameters(text)
  local found = {}
  for pair in text:gmatch "[^&]+" do
    local name, value = pair:match "^([^=]*)=?(.*)$"
    name, value = decode((name:gsub("%+", " "))), decode((value:gsub("%+", " ")))
    local bare = name:match "^(.*)%[%]$"
    if bare then
      found[name] = found[name] or {}
      table.insert(found[name], value)
      found[bare] = found[name]
    else
      found[name] = value
    end
  end
  return found
end

-- Patterns ------------------------------------------------------------------------------------------------------------

local function literally(text) return (text:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0")) end

---"/orders/{id}.json" as a pattern of Lua, and the names of what it takes.
local function compile(path)
  local names, made, at = {}, {}, 1
  while at <= #path do
    local first, last, name, rest = path:find("{([%w_]+)(%*?)}", at)
    local plain = path:sub(at, (first or #path + 1) - 1)
    made[#made + 1] = literally(plain):gsub("%*", ".*")
    if not first then break end
    names[#names + 1] = name
    made[#made + 1] = rest == "*" and "(.*)" or "([^/]+)"
    at = last + 1
  end
  return "^" .. table.concat(made) .. "$", names
end

---A function that says of method and path whether "METHOD /path" fits, by what it took.
---@param pattern string
---@return fun(method: string, path: string): table<string, string>?
function request.pattern(pattern)
  local wanted, path = pattern:match "^(%u+) (/.*)$"
  if not wanted then error(("%q is no \"METHOD /path\""):format(pattern), 3) end
  local lua_pattern, names = compile(path)
  return function(method, at)
    if wanted ~= method and not (wanted == "GET" and method == "HEAD") then return nil end
    local taken = { at:match(lua_pattern) }
    if taken[1] == nil then return nil end
    local params = {}
    for i, name in ipairs(names) do params[name] = taken[i] end
    return params
  end
end

-- Requests ------------------------------------------------------------------------------------------------------------

---@param raw { method: string, target: string, headers: table<string, string>, body: string, origin: string }
---@param prefix string what stands before the shop's paths
---@return fake.Request
function request.new(raw, prefix)
  local path, query = raw.target:match "^([^?]*)%??(.*)$"
  path = decode(path)
  if (path .. "/"):sub(1, #prefix + 1) == prefix .. "/" then path = path:sub(#prefix + 1) end
  return setmetatable({ method = raw.method, path = path ~= "" and path or "/", query = parameters(query), params = {},
    headers = raw.headers, body = raw.body, url = raw.origin .. prefix }, Request)
end

local function refuse(words)
  error({ response = { status = 400, headers = { ["Content-Type"] = "text/plain; charset=utf-8" }, body = words } }, 0)
end

function Request:header(name) return self.headers[name:lower()] end

function Request:number(name, default)
  local text = self.query[name]
  if text == nil then return default end
  local number = type(text) == "string" and text:match "^%-?%d+$" and math.tointeger(tonumber(text))
  return number or refuse(("parameter %s is no integer\n"):format(name))
end

function Request:json()
  local value, why = json.decode(self.body)
  if value == nil then refuse(("the body is no JSON: %s\n"):format(why)) end
  return value
end

function Request:xml()
  local root, why = xml.parse(self.body)
  return root or refuse(("the body is no XML: %s\n"):format(why))
end

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function from_base64(text)
  local bits, held, bytes = 0, 0, {}
  for letter in text:gmatch "[%w+/]" do
    bits, held = bits << 6 | LETTERS:find(letter, 1, true) - 1, held + 6
    if held >= 8 then
      held = held - 8
      bytes[#bytes + 1] = string.char(bits >> held & 255)
      bits = bits & (1 << held) - 1
    end
  end
  return table.concat(bytes)
end

function Request:basic()
  local coded = (self:header "Authorization" or ""):match "^Basic ([%w+/=]*)$"
  if not coded then return nil end
  return from_base64(coded):match "^([^:]*):?(.*)$"
end

function Request:form() return parameters(self.body) end

return request
