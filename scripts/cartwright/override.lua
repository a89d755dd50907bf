---Carts that differ from another one in a few places: copies that remember their base, and functions run before or
---after those of the base. What differs is told by changes.lua.
local here = require "cartwright.native.here"
local map = require "cartwright.map"
local placed = require "cartwright.placed"

local override = {}

local bases = setmetatable({}, { __mode = "k" }) -- by the cart that extends it
local wraps = setmetatable({}, { __mode = "k" }) -- by the function that runs two others

---How far two names are apart: letters to change, add or leave out.
---@return integer
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local corner = row[0]
    row[0] = i
    for j = 1, #b do
      local change = corner + (a:byte(i) == b:byte(j) and 0 or 1)
      corner = row[j]
      row[j] = math.min(change, row[j] + 1, row[j - 1] + 1)
    end
  end
  return row[#b]
end

local NEAR = 2 -- letters: more are another word

---@param names table<string, any>
---@return string? name the one that was probably meant
local function nearest(name, names)
  local best, least
  for candidate in pairs(names) do
    local apart = type(candidate) == "string" and candidate ~= name and distance(name, candidate) or NEAR + 1
    if apart <= NEAR and apart * 2 < #name and (not least or apart < least) then best, least = candidate, apart end
  end
  return best
end

-- Copies --------------------------------------------------------------------------------------------------------------

local READER = 3 -- callers up from `missing`, the one that read the field

---For a row of a table that is not there, which would only say that nil has no fields. The library may ask for one.
local function refuse_missing_table(tables, name)
  local reader = here(READER)
  if reader == "" then return end
  local near = nearest(tostring(name), placed.values(tables))
  error(("%s: there is no table %s; %s new one is made whole: shop.tables.%s = { ... }"):format(reader, tostring(name),
    near and ("did you mean %s? A"):format(near) or "a", tostring(name)), 0)
end

---A cart that differs from `base` in what the caller then changes.
---@param base cartwright.Shop
---@return cartwright.Shop shop
function override.extend(base)
  local shape = placed.shape(base)
  if not shape or shape.name ~= "shop" then
    error(('%s: extend is called with a colon, on a cart: require("shipped.NAME"):extend()'):format(here()), 0)
  end
  local shop = map.copy(base)
  local tables = placed.shape(shop.tables)
  if tables then
    placed.reshape(shop.tables, { name = tables.name, each = tables.each, missing = refuse_missing_table })
  end
  bases[shop] = base
  return shop
end

---The cart that `shop` extends; nil for one that was made with cart.new.
---@param shop cartwright.Shop
---@return cartwright.Shop? base
function override.base_of(shop) return bases[shop] end

-- Functions around functions ------------------------------------------------------------------------------------------

---@class override.Wrap
---@field how "before"|"after"
---@field inner function

---What `wrapped` runs besides the function it was made for; nil when it is no such function.
---@param wrapped function
---@return override.Wrap?
function override.wrap_of(wrapped) return wraps[wrapped] end

---`first`, with as many values from its beginning replaced as `instead` has. Both come from table.pack.
local function replaced(first, instead)
  if instead.n == 0 then return table.unpack(first, 1, first.n) end
  for i = 1, instead.n do first[i] = instead[i] end
  return table.unpack(first, 1, math.max(first.n, instead.n))
end

local makers = {}

function makers.before(inner, fn)
  return function(...) return inner(replaced(table.pack(...), table.pack(fn(...)))) end
end

function makers.after(inner, fn)
  return function(...)
    local results = table.pack(inner(...))
    return replaced(results, table.pack(fn(results[1], ...)))
  end
end

---Where NAME leads to: `a.b.c` may be c in b in a, or a field that has dots in its name.
---@return table? container
---@return string? key
local function find(container, name)
  if container[name] ~= nil then return container, name end
  for dot in name:gmatch "()%." do
    local inner = container[name:sub(1, dot - 1)]
    if type(inner) == "table" then
      local found, key = find(inner, name:sub(dot + 1))
      if found then return found, key end
    end
  end
end

---The function that `value` is or calls.
---@return function?
local function function_of(value)
  if type(value) == "function" then return value end
  return map.is_source(value) and value.call or nil
end

local OWN = { extend = true, before = true, after = true }

---Adds the names of all functions that can be wrapped to `names`.
local function collect_functions(container, prefix, names)
  for key, value in pairs(container) do
    local name = prefix .. tostring(key)
    local inner = map.is_source(value) and value.plan or value
    if function_of(value) and not OWN[name] then names[name] = true end
    if placed.shape(inner) then collect_functions(inner, name .. (inner == value and "." or ".plan."), names) end
  end
  return names
end

local function refuse_missing(shop, name)
  local names = collect_functions(shop, "", {})
  local near, list, stream = nearest(name, names), {}, name:match "^([%a_]+)%."
  for known in pairs(names) do
    if not stream or not shop[stream] or known:find(stream .. ".", 1, true) == 1 then list[#list + 1] = known end
  end
  error(("%s: the cart has no %s; %s"):format(here(), name, near and ("did you mean %s?"):format(near)
    or "its functions are " .. table.concat(list, ", ")), 0)
end

local function refuse_value(name, container, value)
  local shape = placed.shape(container) or {}
  local described = require "cartwright.changes".describe(value, shape)
  local mend = "assign another value instead"
  if shape.name == "plan" or shape.name == "custom" then mend = "assign a function or another path instead" end
  if placed.shape(value) then mend = ("name a function in it, such as %s.NAME"):format(name) end
  error(("%s: %s is no function but %s: %s"):format(here(), name, described, mend), 0)
end

---@param how "before"|"after"
local function wrap(how)
  return function(shop, name, fn)
    if not placed.shape(shop) or type(name) ~= "string" or type(fn) ~= "function" then
      error(('%s: %s takes the name of a function of the cart, and a function: '
        .. 'shop:%s("orders.fetch", function(...) end)'):format(here(), how, how), 0)
    end
    local container, key = find(shop, name)
    if not container then refuse_missing(shop, name) end
    ---@cast container table
    local value = container[key]
    local inner = function_of(value)
    if not inner or OWN[name] then refuse_value(name, container, value) end
    local wrapped = makers[how](inner, fn)
    wraps[wrapped] = { how = how, inner = inner }
    here(wrapped, here())
    container[key] = value == inner and wrapped or map.changed(value, { call = wrapped })
  end
end

---Runs `fn` before the function that NAME leads to ("test", "orders.fetch", "orders.map.tax_total"), with the same
---arguments. What it returns takes the place of as many arguments; nothing: they stay.
override.before = wrap "before"

---Runs `fn` after it, with its result and then the arguments. What it returns takes the place of the result; nothing:
---it stays. `return nil` takes it away.
override.after = wrap "after"

-- Slips ---------------------------------------------------------------------------------------------------------------

---Adds to `used` the tables by which the plan's fields are translated.
local function collect_tables(plan, used)
  for _, value in pairs(plan) do
    if map.is_source(value) then
      if value.table then used[value.table] = true end
      if placed.shape(value.plan) then collect_tables(value.plan, used) end
    elseif placed.shape(value) then
      collect_tables(value, used)
    end
  end
end

---The names of the tables by which fields of the cart are translated.
---@return table<string, true>
function override.tables_in_use(shop)
  local used = {}
  for _, stream in pairs(shop) do
    if placed.shape(stream) and map.kind_of(stream.map) then collect_tables(stream.map, used) end
  end
  return used
end

---A table that an extension adds, which nothing uses and which is called almost like one of the base.
---@param shop cartwright.Shop
function override.check(shop)
  local base = bases[shop]
  if not base or not placed.shape(shop.tables) or not placed.shape(base.tables) then return end
  local known, used = placed.values(base.tables), override.tables_in_use(shop)
  for name in pairs(shop.tables) do
    local near = type(name) == "string" and known[name] == nil and not used[name] and nearest(name, known)
    if near then
      local where = placed.where(shop.tables, name)
      error(("%s: no field is translated by the table %s; did you mean %s?"):format(where, name, near), 0)
    end
  end
end

return override
