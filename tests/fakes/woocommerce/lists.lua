---How a WooCommerce makes lists: which of its objects, in which order, with which fields.
local json = require "cartwright.json"

local lists = {}

local function set_of(text)
  local set = {}
  for one in text:gmatch "[^,]+" do set[one] = true end
  return set
end

---SKUs that are asked for: a comma parts them, unless it is one's own. Case does not count.
local function skus_of(text)
  local set = set_of(text:lower())
  set[text:lower()] = true
  return set
end

---The column that a filter of times compares: local time, unless it says otherwise.
local function column(query, field) return query.dates_are_gmt == "true" and field .. "_gmt" or field end

---Bounds are exclusive to the second.
local function is_between(value, after, before)
  if value == json.null then return not (after or before) end
  return (not after or value > after:sub(1, 19)) and (not before or value < before:sub(1, 19))
end

---Customers and variations are not found by their times.
local HAS_TIMES = { order = true, product = true }

local HIDDEN = { trash = true, ["auto-draft"] = true, ["checkout-draft"] = true }

local function fits(object, query, kind, ids, skus)
  if ids and not ids[tostring(object.id)] then return false end
  if skus and not skus[tostring(object.sku):lower()] then return false end
  if query.email and object.email ~= query.email then return false end
  if kind == "customer" and (query.role or "customer") ~= "all" and object.role ~= (query.role or "customer") then return false end
  if HAS_TIMES[kind] then
    if (query.status or "any") == "any" and HIDDEN[object.status] then return false end
    return is_between(object[column(query, "date_modified")], query.modified_after, query.modified_before)
      and is_between(object[column(query, "date_created")], query.after, query.before)
  end
  return true
end

---@param kind "order"|"product"|"variation"|"customer"
---@return table[]? found sorted
---@return string? why the query is refused
function lists.select(all, query, kind)
  local size = math.tointeger(tonumber(query.per_page or "10"))
  if not size or size < 1 or size > 100 then return nil, "Invalid parameter(s): per_page" end
  local ids, skus = query.include and set_of(query.include), query.sku and skus_of(query.sku)
  local found = {}
  for _, object in ipairs(all) do
    if fits(object, query, kind, ids, skus) then found[#found + 1] = object end
  end
  local by = query.orderby == "id" and "id" or "date_created"
  table.sort(found, function(a, b)
    if a[by] == b[by] then return a.id < b.id end
    if query.order == "asc" then return a[by] < b[by] end
    return a[by] > b[by]
  end)
  return found
end

---@param fields? string "id,status"
function lists.trim(object, fields)
  if not fields then return object end
  local made = {}
  for name in fields:gmatch "[^,]+" do made[name] = object[name] end
  return made
end

return lists
