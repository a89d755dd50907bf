---The door of a fake that is served: what tests of other languages ask of it, under /_fake/; see types/fake.lua.
local fake_orders = require "cartwright.fake_orders"
local fake_request = require "cartwright.fake_request"
local json = require "cartwright.json"

local door = {}

local PREFIX = "/_fake/"
local ROUTES = {}

---@param pattern string
---@param answer fun(shop: fake.Shop, request: fake.Request): any what is answered as JSON
local function on(pattern, answer)
  ROUTES[#ROUTES + 1] = { fits = fake_request.pattern(pattern), answer = answer }
end

---@param request fake.Request
function door.takes(request) return request.path:sub(1, #PREFIX) == PREFIX end

local function respond(value, status)
  return { status = status or 200, headers = { ["Content-Type"] = "application/json; charset=utf-8" },
    body = json.encode(value) .. "\n" }
end

function door.answer(shop, request)
  for _, route in ipairs(ROUTES) do
    local params = route.fits(request.method, request.path)
    if params then
      request.params = params
      local fine, value = pcall(route.answer, shop, request)
      if fine then return type(value) == "table" and value.is_text and value or respond(value) end
      if type(value) == "table" and value.response then return value.response end
      return respond({ error = tostring(value) }, 400)
    end
  end
  return respond({ error = ("the door has no %s %s"):format(request.method, request.path) }, 404)
end

---Calls a function of the fake's script, or says that it has none.
local function call(shop, name, ...)
  if not shop[name] then error(("this fake has no function %s"):format(name), 0) end
  return shop[name](shop, ...)
end

---"on=POST /orders/* what=500 times=2" as a trouble.
local function trouble_of(words)
  local trouble, at = {}, 1
  while at <= #words do
    local name, from = words:match("^%s*(%l[%l_]*)=()", at)
    if not name then error(("%q is no trouble; write it as: on=write what=lost times=2"):format(words), 0) end
    local stop = words:find("%s+%l[%l_]*=", from) or #words + 1
    local value = words:sub(from, stop - 1):gsub("%s+$", "")
    trouble[name] = name ~= "retry_after" and math.tointeger(tonumber(value)) or value
    if name == "done" then trouble[name] = value == "true" end
    at = stop
  end
  return trouble
end

on("POST /_fake/trouble", function(shop, request)
  local asked = request:json()
  shop:trouble(type(asked) == "string" and trouble_of(asked) or asked)
  return { ok = true }
end)
on("POST /_fake/calm", function(shop) shop:calm() return { ok = true } end)
on("POST /_fake/poison", function(shop, request)
  local asked = request:json()
  shop:poison(asked.id, asked.how)
  return { ok = true }
end)
on("POST /_fake/repeat", function(shop, request) shop:repeat_last_page(request:json()) return { ok = true } end)
on("POST /_fake/move", function(shop, request) shop:move(request:json()) return { ok = true } end)

on("POST /_fake/place", function(shop, request) return { id = call(shop, "place", request:json()) } end)
on("POST /_fake/offer", function(shop, request) return { id = call(shop, "offer", request:json()) } end)
on("POST /_fake/register", function(shop, request) return { id = call(shop, "register", request:json()) } end)
on("POST /_fake/invent/{kind}", function(shop, request)
  return { id = fake_orders.invent(shop, request.params.kind, call) }
end)
for _, name in ipairs { "amend", "ship", "refund" } do
  on("POST /_fake/" .. name .. "/{id}", function(shop, request)
    call(shop, name, request.params.id, request:json())
    return { ok = true }
  end)
end
on("POST /_fake/shrink/{id}", function(shop, request)
  local given = request:json()
  call(shop, "shrink", request.params.id, given.sku, given.quantity)
  return { ok = true }
end)
on("POST /_fake/announce/{id}", function(shop, request)
  call(shop, "announce", request.params.id)
  return { ok = true }
end)

on("GET /_fake/books", function(shop) return json.array(shop.books) end)
for path, name in pairs { state = "order_of", quantity = "quantity_of", price = "price_of", customer = "customer_of",
  item = "item_of" } do
  on("GET /_fake/" .. path .. "/{id*}", function(shop, request)
    return call(shop, name, request.params.id) or json.null
  end)
end

---What lies in a list, which is empty afterwards.
local function take(shop, name)
  local taken = json.array(shop[name])
  shop[name] = {}
  return taken
end
on("GET /_fake/deliveries", function(shop) return take(shop, "deliveries") end)
on("GET /_fake/notices", function(shop) return take(shop, "notices") end)
on("GET /_fake/about", function(shop)
  return { title = shop.title, type = shop.type, path = shop.path, settings = shop.settings }
end)

-- For people ----------------------------------------------------------------------------------------------------------

local SECRETS = { "key", "token", "secret", "password" } -- what names of secrets end in, where the fake names none

local function is_secret(shop, name)
  for _, secret in ipairs(shop.secrets or {}) do
    if secret == name then return true end
  end
  for _, ending in ipairs(shop.secrets and {} or SECRETS) do
    if name:sub(-#ending) == ending then return true end
  end
  return false
end

local function text(lines)
  return { is_text = true, status = 200, headers = { ["Content-Type"] = "text/plain; charset=utf-8" },
    body = table.concat(lines, "\n") .. (#lines > 0 and "\n" or "") }
end

local function as_lua(value) return type(value) == "string" and ("%q"):format(value) or tostring(value) end

---What a site needs to read it.
on("GET /_fake/words", function(shop, request)
  local host = request.query.host or request:header "host" or ""
  local url = ("http://%s%s"):format(host, shop.path)
  local fields, secrets = { ("type = %q"):format(shop.type), ("url = %q"):format(url) }, {}
  for name, value in pairs(shop.settings) do
    if is_secret(shop, name) then
      secrets[#secrets + 1] = ("  echo '%s' | cartwright secret shop %s"):format(value, name)
    else
      fields[#fields + 1] = ("%s = %s"):format(name, as_lua(value))
    end
  end
  local lines = { ("%s at %s"):format(shop.title, url), "A site reads it with, in site.lua:",
    ("  allow = { %q },"):format(host), ("  carts = { shop = { %s } },"):format(table.concat(fields, ", ")) }
  if #secrets > 0 then lines[#lines + 1] = "and" end
  table.move(secrets, 1, #secrets, #lines + 1, lines)
  return text(lines)
end)

local function words_of(entry)
  local words = { entry.at, entry.kind }
  for name, value in pairs(entry) do
    if name ~= "at" and name ~= "kind" then words[#words + 1] = name .. "=" .. json.encode(value) end
  end
  return table.concat(words, " ")
end

on("GET /_fake/ledger", function(shop, request)
  local lines, form = {}, request.query.form == "json" and json.encode or words_of
  for i, entry in ipairs(shop.books) do lines[i] = form(entry) end
  return text(lines)
end)

return door
