---For tests: what the script of a cart declares, told to a state that does not have the cart, as lines of JSON.
local json = require "cartwright.json"
local sending = require "cartwright.sending"
local streams = require "cartwright.streams"

local declared = {}

---@return table<string, table> settings kind, required and default of each
local function settings_of(shop)
  local settings = {}
  for name, setting in pairs(shop.settings) do
    settings[name] = { kind = setting.kind, required = setting.required or false, default = tostring(setting.default) }
  end
  return settings
end

local function stream_of(name, stream)
  local described = streams.describe(name, stream, {}, name)
  return { ids = described.has_ids, full = described.full, fetch = described.has_fetch,
    overlap = tostring(described.overlap), settle = tostring(described.settle) }
end

---What is there, by the names that `lacks` uses.
local function parts_of(shop)
  local there = {}
  for _, name in ipairs(streams.NAMES) do
    if shop[name] then there[name] = stream_of(name, shop[name]) end
  end
  for _, name in ipairs(sending.NAMES) do
    local out = shop[name]
    if out then there[name] = { probe = out.probe ~= nil, batch = out.send_batch ~= nil } end
  end
  if shop.webhook then there.webhook = {} end
  if shop.orders and shop.orders.ids then there.ids = {} end
  return there
end

local function texts(given)
  local all = {}
  for key, value in pairs(given or {}) do all[tostring(key)] = tostring(value) end
  return all
end

---The variant that the settings choose, as open.lua does.
---@param given table<string, any>
local function choose(shop, given)
  for _ = 1, 2 do
    if not shop.choose then return shop end
    local settings = {}
    for name, setting in pairs(shop.settings) do settings[name] = setting.default end
    for name, value in pairs(given) do settings[name] = value end
    shop = shop:choose(settings)
  end
  return shop
end

---Prints it: scripts return nothing to the runtime.
---@param type_name string
---@param given string JSON of the settings that are known, without secrets; on them may depend which streams there are
function declared.tell(type_name, given)
  local shop = require("carts." .. type_name)
  if type(shop) ~= "table" or type(shop.settings) ~= "table" then
    error(("carts/%s.lua must return what cart.new { ... } or extend() made"):format(type_name), 0)
  end
  shop = choose(shop, json.decode(given))
  print(json.encode { settings = settings_of(shop) })
  print(json.encode { there = parts_of(shop) })
  print(json.encode { lacks = texts(shop.lacks) })
  print(json.encode { has = { test = shop.test ~= nil, inbox = shop.inbox ~= nil, http = shop.http ~= nil,
    serve = shop.serve ~= nil } })
end

return declared
