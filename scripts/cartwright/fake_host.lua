---Leads requests through a fake's script, for the runtime (bindings/lua_fake.c), which carries out what this says of
---the wire: whether an answer comes, is lost, cut, or late.
local door = require "cartwright.fake_door"
local fake_request = require "cartwright.fake_request"
local troubles = require "cartwright.fake_troubles"

local host = {}

local LATEST = 60 -- seconds that an effect comes after its connection broke, at most
local SLOWEST = 25 -- seconds; carts give up after 30 s without a byte

---@param shop fake.Shop
function host.open(shop, type_name)
  if type(shop) ~= "table" or type(shop._fake) ~= "table" then
    error(("fakes/%s.lua returns no shop; it ends with: return shop, made with fake.new"):format(type_name), 0)
  end
  shop.type, shop._fake.clock = type_name, shop:now()
  if shop.start then shop:start() end
end

---Tells the script how much time has passed since it was last asked something.
local function tell_time(shop)
  local inside, now = shop._fake, shop:now()
  local seconds = (now - inside.clock):round(0, "floor"):integer() or 0
  if seconds < 1 then return end
  inside.clock = inside.clock:add(seconds)
  if shop.moved then shop:moved(seconds) end
end

local function no_route(request)
  return { status = 404, headers = { ["Content-Type"] = "text/plain" },
    body = ("The fake has no route %s %s\n"):format(request.method, request.path) }
end

---@param request fake.Request
local function find_and_run(shop, request)
  if shop.authorized then
    local allowed = shop:authorized(request)
    if type(allowed) == "table" then return allowed end
    if not allowed then return troubles.answer_of(shop, 401) end
  end
  for _, route in ipairs(shop._fake.routes) do
    local params = route.fits(request.method, request.path)
    if params then
      request.params = params
      return route.answer(troubles.seen_by(shop, request), request)
    end
  end
  return no_route(request)
end

---As the web server before the shop sends it.
local function finish(shop, response)
  if type(response) ~= "table" or math.type(response.status) ~= "integer" then
    error("a route of the fake returned no answer, as fake.json, fake.xml and fake.text make it", 0)
  end
  local headers = { Date = shop:now():format "%a, %d %b %Y %H:%M:%S GMT" }
  for name, value in pairs(response.headers or {}) do headers[name] = value end
  return { status = response.status, headers = headers, body = response.body or "" }
end

---The answer of the shop's script, whatever happens in it; what it raised is in `failure`.
---@param run fun(shop: fake.Shop, request: fake.Request): fake.Response
local function answer_by(run, shop, request)
  shop._fake.garbles = nil
  local fine, response = pcall(run, shop, request)
  if not fine and type(response) == "table" and response.response then fine, response = true, response.response end
  if fine then fine, response = pcall(finish, shop, response) end
  if not fine then
    local words = tostring(response)
    return { status = 500, headers = { ["Content-Type"] = "text/plain" }, body = words, failure = words }
  end
  if shop._fake.garbles then response.body = troubles.garble(response.body) end
  return response
end

---What the effect of a request that comes late is found by.
local function put_off(shop, request)
  local late = shop._fake.late
  late[#late + 1] = request
  return { wire = "late", number = #late, wait = 1 + shop:below(LATEST) }
end

local function meet_trouble(shop, request, trouble)
  local what = trouble.what
  if what == "refused" then return { wire = "refused" } end
  if what == "late" then return put_off(shop, request) end
  if trouble.lag then troubles.keep(shop, trouble.lag) end
  if math.type(what) == "integer" then
    local failure = trouble.done and answer_by(find_and_run, shop, request).failure
    local response = finish(shop, troubles.answer_of(shop, what, trouble.retry_after))
    response.failure = failure
    return response
  end
  local response = answer_by(find_and_run, shop, request)
  local failure = response.failure
  response = troubles.spoil(response, what)
  response.failure = failure
  if what == "lost" or what == "cut" or what == "slow" then response.wire = what end
  if what == "slow" then response.wait = 5 + shop:below(SLOWEST - 5) end
  return response
end

---@param raw table as of fake_request.new; with is_door the control door's requests are answered too
---@return table answer { wire?, status, headers, body, wait?, number?, failure? }
function host.meet(shop, raw)
  local request = fake_request.new(raw, shop.path)
  if raw.is_door and door.takes(request) then return answer_by(door.answer, shop, request) end
  tell_time(shop)
  local trouble = troubles.of(shop, request)
  if trouble then return meet_trouble(shop, request, trouble) end
  return answer_by(find_and_run, shop, request)
end

---The effect of a request whose connection broke a while ago.
function host.catch_up(shop, number)
  local request = shop._fake.late[number]
  shop._fake.late[number] = false
  tell_time(shop)
  return answer_by(find_and_run, shop, request)
end

return host
