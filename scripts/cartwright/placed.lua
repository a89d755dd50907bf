---Tables of a cart that remember where each of their fields was set: messages about a field name the line that set it,
---and not that of the table it is in. They read, write and iterate like plain tables.
---
---The fields stand in a table of their own, so that each assignment is seen. The names of the inner fields are known
---to runtime/bindings/lua_placed.c too.
local here = require "cartwright.native.here"

local VALUES, PLACES, SHAPE, WHERE = "(values)", "(places)", "(shape)", "(where)"

local placed = {}

---What a placed table is, and which of its fields are placed tables in their turn when plain ones are put there.
---@class placed.Shape
---@field name string
---@field kind? string of the documents that a plan makes
---@field fields? table<string, placed.Shape>
---@field each? placed.Shape of all other fields
---@field missing? fun(t: table, key: any) raises for a field that is not there

local PLACED = { __name = "cart table" }

---@param shape placed.Shape
local function place_inner(shape, key, value, where)
  local inner = shape.fields and shape.fields[key] or shape.each
  if inner and type(value) == "table" and getmetatable(value) == nil then return placed.new(value, inner, where) end
  return value
end

---@generic T: table
---@param values T taken over, with the plain tables in it that the shape names
---@param shape placed.Shape
---@param where? string where all of it was written
---@return T
function placed.new(values, shape, where)
  for key, value in pairs(values) do values[key] = place_inner(shape, key, value, where) end
  return setmetatable({ [VALUES] = values, [SHAPE] = shape, [WHERE] = where }, PLACED)
end

function PLACED.__index(t, key)
  local value = rawget(t, VALUES)[key]
  local missing = value == nil and rawget(t, SHAPE).missing
  if missing then missing(t, key) end
  return value
end

---Sets a field of a table, placed or plain, as if `where` had done it.
---@param where string
function placed.put(t, key, value, where)
  if getmetatable(t) ~= PLACED then
    t[key] = value
    return
  end
  rawget(t, VALUES)[key] = place_inner(rawget(t, SHAPE), key, value, where)
  local places = rawget(t, PLACES)
  if not places then
    places = {}
    rawset(t, PLACES, places)
  end
  places[key] = where ~= "" and where or nil
end

function PLACED.__newindex(t, key, value) placed.put(t, key, value, here()) end

function PLACED.__pairs(t) return pairs(rawget(t, VALUES)) end

function PLACED.__len(t) return #rawget(t, VALUES) end

---nil for anything that is no placed table.
---@return placed.Shape?
function placed.shape(t)
  return type(t) == "table" and getmetatable(t) == PLACED and rawget(t, SHAPE) or nil
end

---@param shape placed.Shape
function placed.reshape(t, shape) rawset(t, SHAPE, shape) end

---The fields themselves, without any behaviour.
---@return table
function placed.values(t) return rawget(t, VALUES) end

---Where the field was set or taken away last, else where the whole table was written.
---@return string?
function placed.where(t, key)
  local places = rawget(t, PLACES)
  return places and places[key] or rawget(t, WHERE)
end

---@param copy_values fun(values: table): table
---@return table
function placed.copy(t, copy_values)
  local places = {}
  for key, place in pairs(rawget(t, PLACES) or {}) do places[key] = place end
  return setmetatable({ [VALUES] = copy_values(rawget(t, VALUES)), [SHAPE] = rawget(t, SHAPE),
    [WHERE] = rawget(t, WHERE), [PLACES] = next(places) ~= nil and places or nil }, PLACED)
end

return placed
