---Reading sections of site.lua: each fault is noted with the line it is about, and a slip with what was probably meant,
---so that everything that is wrong can be told at once.
local check = require "cartwright.rules_check"
local lines = require "cartwright.lines"

local site_check = {}

---@class site_check.Reading
---@field faults string[]
---@field place fun(path: string): string where a field stands: "site.lua:12"

---@param text string of site.lua, which is only read when a place is asked for
---@return site_check.Reading
function site_check.reading(text)
  local places
  return { faults = {}, place = function(path)
    places = places or lines.places(text)
    local line = lines.find(places, path)
    return line and ("site.lua:%d"):format(line) or "site.lua"
  end }
end

---@param reading site_check.Reading
function site_check.fault(reading, path, words, ...)
  reading.faults[#reading.faults + 1] = ("%s: "):format(reading.place(path)) .. words:format(...)
end

function site_check.is_plain(value)
  return type(value) == "table" and getmetatable(value) == nil
end

---In words, for messages.
function site_check.kind_of(value)
  if value == "" then return "an empty text" end
  local article = ({ string = "the text ", number = "the number ", boolean = "" })[type(value)]
  if article then return article .. tostring(value) end
  return "a " .. type(value)
end

function site_check.is_one_of(value, known)
  for _, one in ipairs(known) do
    if one == value then return true end
  end
  return false
end

---Tells of keys that are none, and of tables that are none.
---@param name string how messages call the table
---@param known string[]
function site_check.check_keys(reading, path, name, value, known)
  if not site_check.is_plain(value) then
    site_check.fault(reading, path, "%s must be a table such as { %s = ... }, not %s", name, known[1],
      site_check.kind_of(value))
    return false
  end
  for key in pairs(value) do
    if not site_check.is_one_of(key, known) then
      site_check.fault(reading, path .. "." .. tostring(key), "%s has no field %s%s", name, tostring(key),
        check.suggest(key, known))
    end
  end
  return true
end

---@alias site_check.Reader fun(value: any, context: any): any, string? the value, or nil and what is wrong with it

---@param least integer
---@param most integer
---@return site_check.Reader
function site_check.count(least, most)
  return function(value)
    if math.type(value) == "integer" and value >= least and value <= most then return value end
    return nil, ("must be a whole number from %d to %d, not %s"):format(least, most, site_check.kind_of(value))
  end
end

---The fields of a section, each by its reader, or by its default where nobody says it.
---@param readers table<string, table> reader and default by field
---@param context any for the readers
---@return table section
function site_check.section(reading, path, name, given, readers, context)
  local section, known = {}, {}
  for field in pairs(readers) do known[#known + 1] = field end
  table.sort(known)
  if given == nil or not site_check.check_keys(reading, path, name, given, known) then given = {} end
  for _, field in ipairs(known) do
    local read, value, wrong = readers[field][1], given[field], nil
    if value == nil then value = readers[field][2] end
    if value ~= nil then section[field], wrong = read(value, context) end
    if wrong then site_check.fault(reading, path .. "." .. field, "%s.%s %s", name, field, wrong) end
  end
  return section
end

return site_check
