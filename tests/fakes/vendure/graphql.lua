---As much of GraphQL as carts ask in: a query or mutation with variables, aliases, arguments and fragments on types.
---Resolvers give tables; what of them was asked for is written out.
local json = require "cartwright.json"

local graphql = {}

-- Reading a query -----------------------------------------------------------------------------------------------------

local function new_reader(text) return { text = text, at = 1 } end

local function skip(reader) reader.at = reader.text:match("^[%s,]*()", reader.at) end

---@return string? what begins here, gone past
local function take(reader, pattern)
  skip(reader)
  local found, behind = reader.text:match("^(" .. pattern .. ")()", reader.at)
  if found then reader.at = behind end
  return found
end

local function expect(reader, pattern)
  return take(reader, pattern) or error(("syntax error at %q"):format(reader.text:sub(reader.at, reader.at + 20)), 0)
end

local read_value

local function read_object(reader, variables)
  local object = {}
  while not take(reader, "}") do
    local name = expect(reader, "[%w_]+")
    expect(reader, ":")
    object[name] = read_value(reader, variables)
  end
  return object
end

local function read_list(reader, variables)
  local list = {}
  while not take(reader, "%]") do list[#list + 1] = read_value(reader, variables) end
  return list
end

function read_value(reader, variables)
  if take(reader, "%$") then return variables[expect(reader, "[%w_]+")] end
  if take(reader, "{") then return read_object(reader, variables) end
  if take(reader, "%[") then return read_list(reader, variables) end
  local text = take(reader, '"[^"]*"')
  if text then return text:sub(2, -2) end
  local word = expect(reader, "[%w_.-]+")
  if word == "true" or word == "false" then return word == "true" end
  return math.tointeger(tonumber(word)) or word
end

local function read_arguments(reader, variables)
  local arguments = {}
  if not take(reader, "%(") then return arguments end
  while not take(reader, "%)") do
    local name = expect(reader, "[%w_]+")
    expect(reader, ":")
    arguments[name] = read_value(reader, variables)
  end
  return arguments
end

---@return { name: string, as: string, arguments: table, fields: table[]? }[]
local function read_fields(reader, variables)
  local fields = {}
  while not take(reader, "}") do
    if take(reader, "%.%.%.%s*on") then
      expect(reader, "[%w_]+")
      expect(reader, "{")
      for _, field in ipairs(read_fields(reader, variables)) do
        field.of_type = true
        fields[#fields + 1] = field
      end
    else
      local as = expect(reader, "[%w_]+")
      local name = take(reader, ":") and expect(reader, "[%w_]+") or as
      local field = { name = name, as = as, arguments = read_arguments(reader, variables) }
      if take(reader, "{") then field.fields = read_fields(reader, variables) end
      fields[#fields + 1] = field
    end
  end
  return fields
end

-- Answering -----------------------------------------------------------------------------------------------------------

local is_list = function(value) return getmetatable(value) ~= nil or #value > 0 end

local project

local function project_object(object, fields, is_strict)
  local made = {}
  for _, field in ipairs(fields) do
    local value = object[field.name]
    if type(value) == "function" then value = value(object) end
    if value ~= nil then
      made[field.as] = project(value, field.fields, is_strict)
    elseif is_strict and not field.of_type then
      error(("Cannot query field \"%s\""):format(field.name), 0)
    end
  end
  return made
end

function project(value, fields, is_strict)
  if not fields or value == json.null or type(value) ~= "table" then return value end
  if not is_list(value) and next(value) == nil then return json.array {} end
  if is_list(value) then
    local list = {}
    for i, one in ipairs(value) do list[i] = project(one, fields, is_strict) end
    return json.array(list)
  end
  return project_object(value, fields, is_strict)
end

---The names of the fields that are asked for at a path: { "items" }.
function graphql.asked(fields, ...)
  local names = {}
  for _, name in ipairs { ... } do
    for _, field in ipairs(fields) do
      if field.name == name then fields = field.fields or {} break end
    end
  end
  for i, field in ipairs(fields) do names[i] = field.name end
  return table.concat(names, " ")
end

---Answers a request. Resolvers are called by the names of the query's fields; what they raise, and fields that nobody
---knows where the shop refuses these, become errors.
---@param resolvers table<string, fun(shop: fake.Shop, arguments: table, fields: table[]): any>
---@param is_strict boolean whether unknown fields are errors
---@return table? data
---@return string? message
function graphql.answer(shop, request, resolvers, is_strict)
  local body = request:json()
  local reader = new_reader(body.query)
  take(reader, "%a+")
  take(reader, "%b()")
  local parsed, fields = pcall(function()
    expect(reader, "{")
    return read_fields(reader, body.variables or {})
  end)
  if not parsed then return nil, tostring(fields) end
  local data = {}
  for _, field in ipairs(fields) do
    local resolver = resolvers[field.name]
    if not resolver then
      if is_strict then return nil, ("Cannot query field \"%s\" on type \"Query\"."):format(field.name) end
    else
      local value = resolver(shop, field.arguments, field.fields or {})
      local done, projected = pcall(project, value, field.fields, is_strict)
      if not done then return nil, projected end
      data[field.as] = projected
    end
  end
  return data
end

---@param request fake.Request
function graphql.reads(request)
  return request.method == "POST" and request.body:find('"query":"%s*mutation') == nil
    and request.body:find('"query":"', 1, true) ~= nil
end

return graphql
