---What goes wrong between a cart and its fake when a test wants it: on the way of a request, and inside of lists.
local fake_request = require "cartwright.fake_request"
local json = require "cartwright.json"
local map = require "cartwright.map"

local troubles = {}

local WHAT = { refused = true, lost = true, late = true, cut = true, html = true, empty = true, notice = true,
  slow = true }

---@return table
function troubles.new()
  return { list = {}, repeats = false, poison = {}, moves = 0, gone = 0 }
end

---Whether a request only reads.
function troubles.is_read(shop, request)
  if request.method == "GET" or request.method == "HEAD" or request.method == "OPTIONS" then return true end
  return shop._fake.reads ~= nil and shop._fake.reads(request) or false
end

---A function that says whether a request is one of those that the trouble is about.
local function takes(on)
  if on == nil then return function() return true end end
  if on == "read" or on == "write" then
    return function(shop, request) return troubles.is_read(shop, request) == (on == "read") end
  end
  local fits = fake_request.pattern(on)
  return function(_, request) return fits(request.method, request.path) ~= nil end
end

local function is_known(what)
  return WHAT[what] or (math.type(what) == "integer" and what >= 200 and what <= 599)
end

---Whether the request has its effect although this happens.
local function has_effect(trouble)
  return trouble.done or math.type(trouble.what) ~= "integer" and trouble.what ~= "refused"
end

---@param trouble fake.Trouble
function troubles.add(all, trouble)
  if not is_known(trouble.what) then
    error(("a trouble is a status or one of refused, lost, late, cut, html, empty, notice, slow, not %s"):format(
      tostring(trouble.what)), 3)
  end
  if trouble.lag and (trouble.what == "late" or not has_effect(trouble)) then
    error("a lag belongs to a trouble of requests that have their effect at once", 3)
  end
  local times = trouble.times or 1
  table.insert(all.list, { takes = takes(trouble.on), what = trouble.what, skip = trouble.skip or 0,
    left = times > 0 and times or math.huge, retry_after = trouble.retry_after, done = trouble.done,
    lag = trouble.lag })
end

---The trouble that this request meets, if any; it is counted.
---@param request fake.Request
function troubles.of(shop, request)
  for _, trouble in ipairs(shop._fake.troubles.list) do
    if trouble.left > 0 and trouble.takes(shop, request) then
      if trouble.skip > 0 then
        trouble.skip = trouble.skip - 1
      else
        trouble.left = trouble.left - 1
        return trouble
      end
    end
  end
end

-- Reads that lag behind -----------------------------------------------------------------------------------------------

---What is one table stays one.
local function copy_state(value, copies)
  if type(value) ~= "table" then return value end
  if not copies[value] then
    local copy, meta = {}, getmetatable(value)
    copies[value] = copy
    for key, member in pairs(value) do copy[copy_state(key, copies)] = copy_state(member, copies) end
    if type(meta) == "table" then setmetatable(copy, meta) end
    if type(meta) == "string" then json.array(copy) end -- of tables those of JSON are locked
  end
  return copies[value]
end

---Keeps the shop as it is: what reads see of it for so many seconds, whatever happens to it meanwhile.
---@param seconds integer
function troubles.keep(shop, seconds)
  local inside = shop._fake
  inside.before = { shop = copy_state(shop, { [inside] = inside }), ends = shop:now():add(seconds) }
end

---The shop as this request sees it.
---@return fake.Shop
function troubles.seen_by(shop, request)
  local before = shop._fake.before
  if before and before.ends <= shop:now() then shop._fake.before, before = nil, nil end
  return before and troubles.is_read(shop, request) and before.shop or shop
end

-- Answers that are not what they should be ----------------------------------------------------------------------------

---The shop's own answer of that status, as far as its script has one.
function troubles.answer_of(shop, status, retry_after)
  local failures = shop.failures or {}
  local own = failures[status] or failures[tostring(status)]
  local response = own and map.copy(own)
    or { headers = { ["Content-Type"] = "text/plain" }, body = ("Status %d\n"):format(status) }
  response.status = status
  if retry_after then
    response.headers = response.headers or {}
    response.headers["Retry-After"] = tostring(retry_after)
  end
  return response
end

local PAGE = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>We are back soon &amp; tea</h1>"
  .. "<br></body></html>\n"
local NOTICE = "<br />\n<b>Notice</b>:  Undefined index: tea in <b>/var/www/shop/index.php</b> on line <b>7</b><br />\n"

---@param response fake.Response
---@return fake.Response
function troubles.spoil(response, what)
  if what == "html" then return { status = 200, headers = { ["Content-Type"] = "text/html" }, body = PAGE } end
  if what == "empty" then return { status = 200, headers = response.headers, body = "" } end
  if what == "notice" then
    return { status = response.status, headers = response.headers, body = NOTICE .. response.body }
  end
  return response
end

---A body that breaks off in the middle, where bytes follow that neither JSON nor XML has.
function troubles.garble(body) return body:sub(1, #body // 2) .. "\0\255<&{\"" end

-- Lists ---------------------------------------------------------------------------------------------------------------

---Each page behind the first begins one record too late, as often as was asked for: its first record has gone.
local function moved(all, offset)
  if offset <= 0 then
    all.gone = 0
  elseif all.moves > 0 then
    all.moves, all.gone = all.moves - 1, all.gone + 1
  end
  return offset + all.gone
end

---@return any[]
function troubles.page(shop, list, offset, size, id)
  local all, slice = shop._fake.troubles, {}
  offset = moved(all, math.max(offset, 0))
  if all.repeats and offset >= #list and #list > 0 and size > 0 then offset = (#list - 1) // size * size end
  for i = offset + 1, math.min(offset + size, #list) do
    local how = all.poison[tostring(list[i][id])]
    if how == 500 then shop:answer(troubles.answer_of(shop, 500)) end
    if how then shop._fake.garbles = true end
    slice[#slice + 1] = list[i]
  end
  return slice
end

return troubles
