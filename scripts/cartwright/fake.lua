---Shops of one's own making, to test carts against: what scripts/types/fake.lua promises to a fake's script.
---How requests reach it is in fake_host.lua, what goes wrong on their way in fake_troubles.lua.
local fake_request = require "cartwright.fake_request"
local json = require "cartwright.json"
local mac = require "cartwright.native.mac"
local map = require "cartwright.map"
local time = require "cartwright.time"
local troubles = require "cartwright.fake_troubles"
local xml = require "cartwright.xml"

local fake = {}

-- Answers -------------------------------------------------------------------------------------------------------------

---@return fake.Response
local function answer(body, status, headers, kind)
  local all = { ["Content-Type"] = kind }
  for name, value in pairs(headers or {}) do
    if name:lower() == "content-type" then all["Content-Type"] = nil end
    all[name] = value
  end
  return { status = status or 200, headers = all, body = body }
end

function fake.json(value, status, headers)
  return answer(json.encode(value), status, headers, "application/json; charset=utf-8")
end

function fake.xml(tree, status, headers)
  return answer(xml.write(tree, { declaration = true }), status, headers, "text/xml; charset=utf-8")
end

function fake.text(body, status, headers)
  return answer(body, status, headers, "text/plain; charset=utf-8")
end

function fake.hmac(secret, text, options)
  options = options or {}
  return mac(options.algorithm or "sha256", secret, text, options.encoding == "hex")
end

-- Shops ---------------------------------------------------------------------------------------------------------------

---@class fake.Shop
local Shop = {}

function fake.new(definition)
  local shop = setmetatable(map.copy(definition), { __index = Shop, __name = "fake.Shop" })
  shop.settings = shop.settings or {}
  shop.path = (shop.path or ""):gsub("/+$", "")
  shop.books, shop.deliveries, shop.notices = {}, {}, {}
  shop._fake = { routes = {}, series = {}, late = {}, reads = shop.reads, troubles = troubles.new() }
  return shop
end

function Shop:route(pattern, route)
  local fits = fake_request.pattern(pattern)
  if type(route) ~= "function" then error(("route %q has no function that answers"):format(pattern), 2) end
  table.insert(self._fake.routes, { fits = fits, answer = route })
end

function Shop:book(entry)
  local booked = {}
  for name, value in pairs(entry) do booked[name] = value end
  booked.at = tostring(self:now())
  self.books[#self.books + 1] = booked
end

function Shop:answer(response) error({ response = response }, 0) end

function Shop:now() return time.now() end

function Shop:below(bound)
  return math.random(0, bound - 1)
end

function Shop:next(series)
  local all = self._fake.series
  all[series] = (all[series] or 0) + 1
  return all[series]
end

function Shop:deliver(name, bytes)
  table.insert(self.deliveries, { name = name, bytes = bytes })
end

function Shop:notify(notice)
  table.insert(self.notices, { path = notice.path, headers = notice.headers or {}, body = notice.body or "" })
end

-- Troubles ------------------------------------------------------------------------------------------------------------

function Shop:page(list, offset, size, id)
  return troubles.page(self, list, offset, size, id or "id")
end

function Shop:trouble(trouble) troubles.add(self._fake.troubles, trouble) end

function Shop:repeat_last_page(on) self._fake.troubles.repeats = on end

function Shop:move(times) self._fake.troubles.moves = times end

function Shop:poison(id, how)
  if how ~= nil and how ~= 500 and how ~= "garbage" then
    error(("poison is 500 or \"garbage\", not %s"):format(tostring(how)), 2)
  end
  self._fake.troubles.poison[tostring(id)] = how
end

function Shop:calm() self._fake.troubles, self._fake.before = troubles.new(), nil end

return fake
