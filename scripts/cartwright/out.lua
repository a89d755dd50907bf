---What site.lua says about the way out: which streams a cart is told, how they are sent, and by which rule quantities
---and prices are chosen. scripts/types/out.lua describes it for those who write site.lua.
local check = require "cartwright.rules_check"
local decimal = require "cartwright.decimal"
local native = require "cartwright.native.out"
local rules = require "cartwright.rules"
local site_check = require "cartwright.site_check"
local times = require "cartwright.native.schedule"

local out = {}

out.NAMES = { "stock", "prices", "shipments", "statuses", "customers", "items" }

local count, fault, is_plain, kind_of = site_check.count, site_check.fault, site_check.is_plain, site_check.kind_of

local SECOND = 1000000 -- microseconds, as times are counted
local ONE = 1000000 -- millionths, as quantities are

-- Readers: the value, or nil and what is wrong with it ----------------------------------------------------------------

local function seconds(least, most)
  local whole = count(least, most)
  return function(value)
    local number, wrong = whole(value)
    return number and number * SECOND, wrong
  end
end

local function flag(value)
  if type(value) == "boolean" then return value end
  return nil, ("must be true or false, not %s"):format(kind_of(value))
end

---@param known string[]
local function one_of(known)
  return function(value)
    if site_check.is_one_of(value, known) then return value end
    return nil, ("is %s%s"):format(type(value) == "string" and ('"%s"'):format(value) or kind_of(value),
      check.suggest(value, known))
  end
end

local function text(example)
  return function(value)
    if type(value) == "string" and value ~= "" then return value end
    return nil, ("must be a text such as %s, not %s"):format(example, kind_of(value))
  end
end

---@param example string
---@param wrong_with? fun(item: string): string? what is wrong with one of them
local function texts(example, wrong_with)
  return function(value)
    if not is_plain(value) or #value == 0 then
      return nil, ("must be a list such as { %s }, not %s"):format(example, is_plain(value)
        and (next(value) == nil and "an empty one; leave it out" or "a table of names") or kind_of(value))
    end
    for key in pairs(value) do
      if math.type(key) ~= "integer" then return nil, ("is a list; %s is no place in it"):format(tostring(key)) end
    end
    for _, item in ipairs(value) do
      if type(item) ~= "string" or item == "" then
        return nil, ("holds %s where a text belongs"):format(kind_of(item))
      end
      local wrong = wrong_with and wrong_with(item)
      if wrong then return nil, wrong end
    end
    return value
  end
end

---@return integer? millionths
local function quantity(value)
  if math.type(value) == "float" then
    return nil, ('is the float %s, which is not exact; write it in quotes: "%s"'):format(value, value)
  end
  if type(value) ~= "string" and math.type(value) ~= "integer" and not decimal.is(value) then
    return nil, ('must be a quantity such as 3 or "2.5", not %s'):format(kind_of(value))
  end
  local millionths, wrong = native.quantity(tostring(value))
  if not millionths then return nil, wrong end
  if millionths < 0 then return nil, ("is %s; it cannot be below 0"):format(tostring(value)) end
  return millionths
end

local function quantity_above_0(value)
  local millionths, wrong = quantity(value)
  if millionths == 0 then return nil, "is 0; leave it out" end
  return millionths, wrong
end

---@param least integer
local function percent(least)
  return function(value)
    local digits = type(value) == "string" and value:match "^%s*(%d+)%s*%%%s*$"
    local number = digits and #digits <= 3 and math.tointeger(tonumber(digits))
    if number and number >= least and number <= 100 then return number end
    return nil, ('must be a whole share such as "20%%", from %d%% to 100%%, not %s'):format(least, kind_of(value))
  end
end

---Pieces, or a share of what there is.
local function buffer(value)
  if type(value) == "string" and value:find "%%" then
    local share, wrong = percent(0)(value)
    return share and { percent = share }, wrong
  end
  local millionths, wrong = quantity(value)
  return millionths and { quantity = millionths }, wrong
end

local function within(value)
  if type(value) ~= "string" then return nil, ('must be a text such as "14d", not %s'):format(kind_of(value)) end
  return times.parse("time", value)
end

local function currency(value)
  if type(value) == "string" and value:find "^%u%u%u$" then return value end
  return nil, ('must be an ISO 4217 code such as "EUR", not %s'):format(kind_of(value))
end

local function called(value)
  if type(value) == "function" then return value end
  return nil, ("must be a function of figures that returns the quantity to tell, not %s"):format(kind_of(value))
end

---The warehouses of branches, and those named themselves, each once.
---@param branches table<string, string[]>
local function warehouses(value, branches)
  local named, wrong = texts('"MAIN"')(value)
  if not named then return nil, wrong end
  local list, seen = {}, {}
  for _, name in ipairs(named) do
    for _, warehouse in ipairs(branches[name] or { name }) do
      if not seen[warehouse] then list[#list + 1], seen[warehouse] = warehouse, true end
    end
  end
  return list
end

---@param kind "customer"|"item"
local function fields(kind)
  return texts('"name"', function(name)
    local _, wrong = native.field(kind, name)
    return wrong
  end)
end

local function any(value) return value end -- read_brake reads it

-- Sections ------------------------------------------------------------------------------------------------------------

local SENDING = { threshold = { count(1, 1000000), 10 }, batch = { count(1, 10000), 100 },
  attempts = { count(1, 1000), 5 }, check = { seconds(1, 59) }, sleep = { seconds(0, 59) } }

local STOCK = { figure = { one_of { "available", "available_for_shipping", "on_hand" }, "available" },
  warehouses = { warehouses }, kits = { flag, true }, incoming = { within }, vendor = { one_of { "add", "separate" } },
  buffer = { buffer }, minimum = { quantity }, maximum = { quantity_above_0 }, step = { quantity_above_0 },
  unlisted = { flag, false }, quantity = { called }, brake = { any, {} } }

local PRICES = { list = { text '"default"', "default" }, currency = { currency }, brake = { any, {} } }

local SHIPMENTS = { trigger = { one_of { "shipment", "invoice" }, "shipment" } }

local CUSTOMERS = { groups = { texts '"wholesale"' }, fields = { fields "customer" } }

local ITEMS = { groups = { texts '"tea"' }, fields = { fields "item" } }

local BRAKE = { share = { percent(1), "20%" }, least = { count(1, 1000000000), 50 },
  zeros = { count(1, 1000000000), 50 } }

local PRICE_BRAKE = { share = BRAKE.share, least = BRAKE.least }

---@param own table<string, table>
local function with_sending(own)
  for field, reader in pairs(SENDING) do own[field] = reader end
  return own
end

local READERS = { stock = with_sending(STOCK), prices = with_sending(PRICES), shipments = with_sending(SHIPMENTS),
  statuses = SENDING, customers = with_sending(CUSTOMERS), items = with_sending(ITEMS) }

---false where there is none.
local function read_brake(reading, path, title, given, readers)
  if given == false then return false end
  return site_check.section(reading, path .. ".brake", title .. ".brake", given, readers)
end

local function check_limits(reading, path, stock)
  if stock.maximum and stock.maximum < (stock.step or ONE) then
    fault(reading, path .. ".maximum", "out.stock.maximum is less than its step%s: nothing but 0 would ever be told",
      stock.step and "" or " (1, where none is given)")
  end
  if stock.minimum and stock.maximum and stock.minimum > stock.maximum then
    fault(reading, path .. ".minimum", "out.stock.minimum is more than its maximum: nothing but 0 would ever be told")
  end
end

local function read_stream(reading, path, name, given, branches)
  local title = "out." .. name
  local stream = site_check.section(reading, path, title, given, READERS[name], branches)
  if name == "stock" then
    stream.brake = read_brake(reading, path, title, stream.brake, BRAKE)
    check_limits(reading, path, stream)
  elseif name == "prices" then
    stream.brake = read_brake(reading, path, title, stream.brake, PRICE_BRAKE)
  end
  return stream
end

---Whether a cart of site.lua is told the stream: a switch decides, else whether `out` names it.
---@param given table the cart of site.lua
---@param name string "stock"
---@return boolean
function out.is_told(given, name)
  local switch
  if type(given.switches) == "table" then switch = given.switches[name .. "_out"] end
  if type(switch) == "boolean" then return switch end
  return type(given.out) == "table" and given.out[name] ~= nil
end

---The function that has the last word about quantities; nil where there is none.
---@param given table the cart of site.lua
---@return (fun(figures: out.Figures): integer|cartwright.Decimal|nil)?
function out.quantity_of(given)
  local stock = type(given.out) == "table" and given.out.stock
  return type(stock) == "table" and stock.quantity or nil
end

local function read_cart(reading, name, given, branches)
  local path, title, streams = ("carts.%s.out"):format(name), ("out of cart %s"):format(name), given.out
  if streams == nil or not site_check.check_keys(reading, path, title, streams, out.NAMES) then streams = {} end
  local told = {}
  for _, stream in ipairs(out.NAMES) do
    told[stream] = read_stream(reading, path .. "." .. stream, stream, streams[stream], branches)
    told[stream].is_on = out.is_told(given, stream)
  end
  return told
end

-- What holds for all carts --------------------------------------------------------------------------------------------

local CLOSED = { "cancelled", "completed", "failed", "refunded", "shipped", "draft" }
local SHIPPING = { "paid", "processing" }

---Branches are of warehouses. One may have the name of its own warehouse, which is then meant.
---@param branches table<string, string[]>
local function check_nested(reading, branches)
  for name, list in pairs(branches) do
    for _, warehouse in ipairs(list) do
      if warehouse ~= name and branches[warehouse] then
        fault(reading, "stock.branches." .. name, "branch %s names %s, which is a branch itself; name the warehouses",
          name, warehouse)
      end
    end
  end
end

---@param branches any
local function read_branches(reading, branches)
  local sound = {}
  if not is_plain(branches) then
    fault(reading, "stock.branches", 'stock.branches must be a table such as { north = { "N1", "N2" } }, not %s',
      kind_of(branches))
    return sound
  end
  for name, list in pairs(branches) do
    local path = "stock.branches." .. tostring(name)
    local read, wrong = texts('"N1"')(list)
    if type(name) ~= "string" then
      fault(reading, path, "stock.branches: a branch has a name; %s is none", tostring(name))
    elseif is_plain(list) and next(list) == nil then
      fault(reading, path, 'branch %s names no warehouse; write such as %s = { "N1", "N2" }', name, name)
    elseif not read then
      fault(reading, path, "branch %s %s", name, wrong)
    else
      sound[name] = read
    end
  end
  check_nested(reading, sound)
  return sound
end

---For C, in the order of their names.
local function branch_list(branches)
  local list = {}
  for name, named in pairs(branches) do list[#list + 1] = { name = name, warehouses = named } end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local STATUSES = texts('"completed"', function(status)
  local wrong = rules.check_status(status)
  return wrong and ('holds "%s": %s'):format(status, wrong)
end)

local STOCK_OF_SITE = { branches = { any, {} }, closed = { STATUSES, CLOSED }, shipping = { STATUSES, SHIPPING } }

---For configuration.lua.
---@param reading site_check.Reading
---@param site table what site.lua returned; its carts are tables with names
---@return table<string, table> outs what each cart is told, by its name
---@return table stock
function out.read(reading, site)
  local stock = site_check.section(reading, "stock", "stock", site.stock, STOCK_OF_SITE)
  local branches = read_branches(reading, stock.branches)
  stock.branch_list = branch_list(branches)
  local names, outs = {}, {}
  for name in pairs(site.carts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do outs[name] = read_cart(reading, name, site.carts[name], branches) end
  return outs, stock
end

return out
