---Lists of PrestaShop's web service: which records, in which order, which of their fields. What the query does not say
---is not done: nothing is sorted or cut by itself.
local books = require "fakes.prestashop.books"

local lists = {}

-- Filters -------------------------------------------------------------------------------------------------------------

local NUMBERS = "^[%d.:%s-]+$" -- what both ends of an interval are made of; else the comma stands for itself

---Order as the database has it: numbers by their value, all else as text.
local function at_most(a, b)
  local x, y = tonumber(a), tonumber(b)
  if x and y then return x <= y end
  return a <= b
end

---Columns of numbers: "1" finds "1.000000" in them.
local function is_number(field)
  return field == "id" or field:sub(1, 3) == "id_" or field == "conversion_rate" or field == "price"
    or field == "weight" or field == "quantity"
end

local function plain(field, text)
  if not is_number(field) then return text end
  return (text:gsub("(%.%d-)0+$", "%1"):gsub("%.$", ""))
end

---A function that says whether a filter takes a text; the shop compares without case.
local function takes(field, wanted)
  wanted = wanted:lower()
  local from, to = wanted:match "^%[([^,]*),([^,]*)%]$"
  if from and from:match(NUMBERS) and to:match(NUMBERS) then
    if not at_most(from, to) then from, to = to, from end
    return function(text) return text ~= "" and at_most(from, text) and at_most(text, to) end
  end
  local sign, inner, percent = wanted:match "^([%%<>!]?)%[(.*)%](%%?)$"
  if not inner then return function(text) return text == wanted end end
  if sign == ">" then return function(text) return not at_most(text, inner) end end
  if sign == "<" then return function(text) return not at_most(inner, text) end end
  if sign == "%" or percent == "%" then
    return function(text)
      local first, last = text:find(inner, 1, true)
      return first ~= nil and (sign == "%" or first == 1) and (percent == "%" or last == #text)
    end
  end
  local set = {}
  for one in (inner .. "|"):gmatch "([^|]*)|" do set[plain(field, one)] = true end
  return function(text) return (set[plain(field, text)] == true) ~= (sign == "!") end
end

local function text_of(value) return tostring(type(value) == "table" and value[1] or value):lower() end

---@param refuse fun(status: integer, code: integer, words: string) ends the request
local function filters_of(resource, query, refuse)
  local description, hidden, found = books.RESOURCES[resource], books.NOT_FILTERABLE[resource] or {}, {}
  for name, wanted in pairs(query) do
    local field = name:match "^filter%[([%w_]+)%]$"
    if field then
      local is_date = field:sub(1, 5) == "date_"
      if not description.has[field] or (is_date and query.date ~= "1") then
        refuse(400, 32, ("This filter does not exist for this resource: %s"):format(field))
      end
      if hidden[field] then refuse(400, 34, ("Impossible to filter by %s"):format(field)) end
      found[#found + 1] = { field = field, takes = takes(field, wanted) }
    end
  end
  return found
end

local function select(records, filters)
  local found = {}
  for _, record in ipairs(records) do
    local fits = not record.is_gone
    for _, filter in ipairs(filters) do
      fits = fits and filter.takes(text_of(record[filter.field]))
    end
    if fits then found[#found + 1] = record end
  end
  return found
end

-- Order and parts -----------------------------------------------------------------------------------------------------

local function sort(records, resource, wanted, refuse)
  local field, direction = (wanted or ""):match "^%[([%w_]+)_(%u+)%]$"
  if not wanted then return end
  if not field or not books.RESOURCES[resource].has[field] then refuse(400, 37, "Unable to sort by this field") end
  table.sort(records, function(a, b)
    local x, y = text_of(a[field]), text_of(b[field])
    if x == y then return a.id < b.id end
    return at_most(x, y) == (direction == "ASC")
  end)
end

---@return integer? offset nil: not cut
---@return integer? size
local function limit_of(query, refuse)
  if not query.limit then return nil end
  local offset, size = query.limit:match "^(%d+),(%d+)$"
  size = size or query.limit:match "^%d+$" or refuse(400, 39, "The limit is malformed")
  return math.tointeger(tonumber(offset or "0")), math.tointeger(tonumber(size))
end

---The records that a query asks for.
---@param shop fake.Shop
function lists.records(shop, resource, query, refuse)
  local found = select(shop.tables[resource], filters_of(resource, query, refuse))
  sort(found, resource, query.sort, refuse)
  local offset, size = limit_of(query, refuse)
  return shop:page(found, offset or 0, size or #found)
end

---Names of fields and of associations; nil: all.
function lists.wanted(resource, display, known, refuse)
  if display == "full" then return nil end
  local wanted = {}
  for name in (display:match "^%[(.*)%]$" or refuse(400, 36, "The display is malformed")):gsub("%b[]", "")
    :gmatch "[^,]+" do
    if not books.RESOURCES[resource].has[name] and not known[name] then
      refuse(400, 35, ("Unable to display this field \"%s\""):format(name))
    end
    wanted[name] = true
  end
  return wanted
end

return lists
