---What a cart that extends another changed, in words, for `cartwright check`.
local here = require "cartwright.native.here"
local map = require "cartwright.map"
local override = require "cartwright.override"
local placed = require "cartwright.placed"

local changes = {}

---@class cartwright.Change
---@field name string "orders.map.email", as a script would write it after `shop.`
---@field change "added"|"removed"|"changed"|"wrapped"
---@field value? string what it is now, in words; of what is wrapped: "before", "after, before"
---@field was? string what it was in the base
---@field note? string what else is to be known
---@field where? string file and line that set it last

-- Values in words -----------------------------------------------------------------------------------------------------

---The function that was wrapped first, and what runs around it, the innermost first.
---@return function inner
---@return string[] hows
local function unwrap(fn)
  local hows = {}
  local wrap = override.wrap_of(fn)
  while wrap do
    table.insert(hows, 1, wrap.how)
    fn = wrap.inner
    wrap = override.wrap_of(fn)
  end
  return fn, hows
end

local function describe_function(fn)
  local inner, hows = unwrap(fn)
  local text = "function at " .. here(inner)
  return #hows > 0 and ("%s, wrapped (%s)"):format(text, table.concat(hows, ", ")) or text
end

local function describe_list(value)
  if type(value) ~= "table" then return tostring(value) end
  local texts = {}
  for i, item in ipairs(value) do texts[i] = tostring(item) end
  return table.concat(texts, ", ")
end

local ORIGINS = {
  paths = function(source) return (#source.paths > 1 and "first of " or "path ") .. describe_list(source.paths) end,
  join = function(source) return "join of " .. describe_list(source.paths) end,
  sum = function(source) return "sum of " .. describe_list(source.paths) end,
  constant = function(source) return "constant " .. source.text end,
  call = function(source) return describe_function(source.call) end,
  each = function(source) return ("each %s as %s"):format(source.paths[1], map.kind_of(source.plan) or "?") end,
  record = function(source) return ("%s as %s"):format(source.paths[1], map.kind_of(source.plan) or "?") end,
}

local OPTIONS = { "default", "none", "format", "zone", "times" }
local FLAGS = { "required", "keep_space", "html", "negate" }

local function describe_source(source)
  local parts = { ORIGINS[source.source](source) }
  if source.type then parts[1] = ("%s as %s"):format(parts[1], source.type) end
  if source.table then parts[#parts + 1] = "table " .. source.table end
  for _, flag in ipairs(FLAGS) do
    if source[flag] then parts[#parts + 1] = flag end
  end
  for _, option in ipairs(OPTIONS) do
    if source[option] ~= nil then parts[#parts + 1] = ("%s %s"):format(option, describe_list(source[option])) end
  end
  return table.concat(parts, ", ")
end

---"1 row", "2 rows"
local function count(t, word)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return ("%d %s%s"):format(n, word, n == 1 and "" or "s")
end

local CONTAINERS = {
  shop = function() return "cart" end,
  stream = function(stream) return "stream of " .. (map.kind_of(stream.map) or "records") end,
  out = function() return "stream out" end,
  plan = function(plan) return "mapping of " .. map.kind_of(plan) end,
  custom = function(custom) return count(custom, "field") end,
  tables = function(tables) return count(tables, "table") end,
  rows = function(rows) return count(rows, "row") end,
  settings = function(settings) return count(settings, "setting") end,
  setting = function(setting)
    return (setting.required and "required " or "") .. tostring(setting.kind)
      .. (setting.default ~= nil and ", default " .. tostring(setting.default) or "")
  end,
  skips = function(skips) return count(skips, "rule") end,
  skip = function(skip) return ("path %s is %s"):format(tostring(skip.path), describe_list(skip.values)) end,
}

local WORDS = { -- by what a text or false stands in
  plan = { ["string"] = "path %s" },
  custom = { ["string"] = "path %s" },
  rows = { ["boolean"] = "no value" },
}

---@param value any
---@param within placed.Shape of the table it is in
---@return string
function changes.describe(value, within)
  local shape = placed.shape(value)
  if shape then return CONTAINERS[shape.name](value) end
  if type(value) == "function" then return describe_function(value) end
  if map.is_source(value) then return describe_source(value) end
  if type(value) == "table" and getmetatable(value) == nil then return "{ " .. describe_list(value) .. " }" end
  local word = (WORDS[within.name] or {})[type(value)]
  return word and word:format(tostring(value)) or tostring(value)
end

-- Differences ---------------------------------------------------------------------------------------------------------

---Whether two values say the same, wherever they were written. `besides` is a key that may differ.
local function same(a, b, besides)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" or getmetatable(a) ~= getmetatable(b) then return false end
  if placed.shape(a) then a, b = placed.values(a), placed.values(b) end
  for key, value in pairs(a) do
    if key ~= "where" and key ~= besides and not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if key ~= "where" and key ~= besides and a[key] == nil then return false end
  end
  return true
end

---The two tables to look into instead of telling that something within them differs.
---@return table? was
---@return table? is
---@return string? suffix
local function inner_of(was, is)
  local old, new = placed.shape(was), placed.shape(is)
  if old and new and old.name == new.name and old.kind == new.kind then return was, is, "" end
  if map.is_source(was) and map.is_source(is) and was.plan and is.plan and map.kind_of(was.plan) == map.kind_of(is.plan)
    and same(was, is, "plan") then
    return was.plan, is.plan, ".plan"
  end
end

---The key as a script writes it behind the name of its table.
local function name_of(prefix, key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return prefix == "" and key or prefix .. "." .. key end
  return ("%s[%s]"):format(prefix, type(key) == "string" and ("%q"):format(key) or tostring(key))
end

local function fn_of(value)
  return map.is_source(value) and value.call or type(value) == "function" and value or nil
end

---The layers that were put around what the base has; nil when it is something else.
---@return string?
local function wrapped_around(was, is)
  local base, fn = fn_of(was), fn_of(is)
  if not base or not fn or base == fn then return nil end
  if map.is_source(was) and not (map.is_source(is) and same(was, is, "call")) then return nil end
  local hows = {}
  while fn ~= base do
    local wrap = override.wrap_of(fn)
    if not wrap then return nil end
    table.insert(hows, 1, wrap.how)
    fn = wrap.inner
  end
  return table.concat(hows, ", ")
end

---@return cartwright.Change
local function change_of(name, was, is, within)
  local hows = wrapped_around(was, is)
  if hows then return { name = name, change = "wrapped", value = hows } end
  local change = was == nil and "added" or is == nil and "removed" or "changed"
  return { name = name, change = change, value = is ~= nil and changes.describe(is, within) or nil,
    was = was ~= nil and changes.describe(was, within) or nil }
end

local function compare(was, is, prefix, found)
  local keys, within = {}, placed.shape(is)
  local old, new = placed.values(was), placed.values(is)
  for key in pairs(old) do keys[key] = true end
  for key in pairs(new) do keys[key] = true end
  for key in pairs(keys) do
    local name = name_of(prefix, key)
    if not same(old[key], new[key]) then
      local inner_was, inner_is, suffix = inner_of(old[key], new[key])
      if inner_was then
        compare(inner_was, inner_is, name .. suffix, found)
      else
        local change = change_of(name, old[key], new[key], within)
        change.where = placed.where(is, key)
        found[#found + 1] = change
      end
    end
  end
end

---The names of the fields that call `fn`.
local function callers_of(fn, container, prefix, found)
  for key, value in pairs(placed.values(container)) do
    local name = name_of(prefix, key)
    local inner = map.is_source(value) and value.plan or value
    if fn_of(value) == fn then found[#found + 1] = name end
    if placed.shape(inner) then callers_of(fn, inner, inner == value and name or name .. ".plan", found) end
  end
  return found
end

---A function of the cart that is replaced is replaced there, and not in the fields that were made with it.
local function note_callers(change, shop, root)
  local fn = placed.values(root)[change.name]
  local callers = type(fn) == "function" and callers_of(fn, shop, "", {}) or {}
  if #callers == 0 then return end
  local verb = #callers > 1 and "call" or "calls"
  change.note = ("%s still %s the one of the base"):format(table.concat(callers, ", "), verb)
end

local function note_use(change, used, asked)
  local name = change.change == "added" and change.name:match "^tables%.([%w_]+)$"
  if name and not used[name] and not asked[name] then change.note = "no field and no rule asks it" end
end

---What `shop` has otherwise than the cart at the bottom of what it extends, in the order of the names.
---@param shop cartwright.Shop
---@param asked? table<string, boolean> tables that rules of the site ask
---@return cartwright.Change[]
function changes.differences(shop, asked)
  local found, root = {}, shop
  while override.base_of(root) do root = override.base_of(root) end
  if root == shop then return found end
  compare(root, shop, "", found)
  local used = override.tables_in_use(shop)
  for _, change in ipairs(found) do
    note_callers(change, shop, root)
    note_use(change, used, asked or {})
  end
  return found
end

---For the runtime: those of the cart script of that type.
---@param cart_type string
---@param asked? table<string, boolean>
---@return cartwright.Change[]
function changes.of(cart_type, asked)
  return changes.differences(require("carts." .. cart_type), asked)
end

return changes
