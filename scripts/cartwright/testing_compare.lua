---What a test expected beside what came, in words.
local decimal = require "cartwright.decimal"
local json = require "cartwright.json"
local time = require "cartwright.time"

local compare = {}

local function shown(value)
  if value == nil then return "nothing" end
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" or (getmetatable(value) and getmetatable(value).__tostring) then return tostring(value) end
  local written, text = pcall(json.encode, value)
  return written and text or "a table"
end

---Texts of numbers are compared as numbers ("12.5" is "12.50"); "007" is none.
local function number_of(value)
  local text = tostring(value)
  if text:find "^%-?0%.?%d*$" or text:find "^%-?[1-9]%d*%.?%d*$" then return decimal.new(text) end
end

local function time_of(value)
  local text = tostring(value)
  return text:find "^%d%d%d%d%-%d%d%-%d%dT" and time.parse(text) or nil
end

local function is_same(actual, expected)
  if actual == expected then return true end
  if actual == nil or expected == nil or type(actual) == "boolean" or type(expected) == "boolean" then return false end
  local a, b = number_of(actual), number_of(expected)
  if a and b then return a == b end
  a, b = time_of(actual), time_of(expected)
  if a and b then return a == b end
  return tostring(actual) == tostring(expected)
end

---@param place string where in the value, "" at its top
---@return string? words nil where all that was expected is there
local function difference_at(actual, expected, place)
  local is_table = type(expected) == "table" and not (getmetatable(expected) and getmetatable(expected).__tostring)
  if not is_table or type(actual) ~= "table" then
    if not is_table and is_same(actual, expected) then return nil end
    return ("%sexpected %s, came %s"):format(place ~= "" and place .. ": " or "", shown(expected), shown(actual))
  end
  if #expected > 0 and #actual ~= #expected then
    return ("%sexpected %d of %s, came %d: %s"):format(place ~= "" and place .. ": " or "", #expected, shown(expected),
      #actual, shown(actual))
  end
  for key, value in pairs(expected) do
    local name = type(key) == "number" and ("%s[%d]"):format(place, key) or (place ~= "" and place .. "." or "") .. tostring(key)
    local words = difference_at(actual[key], value, name)
    if words then return words end
  end
end

---Tables are compared by what `expected` has; an empty one expects nothing inside.
function compare.difference(actual, expected)
  if type(expected) == "table" and next(expected) == nil and type(actual) == "table" and next(actual) ~= nil then
    return ("expected nothing, came %s"):format(shown(actual))
  end
  return difference_at(actual, expected, "")
end

return compare
