---Carts that are asked: what the function `serve` of a cart gets, what it may use, and what its answer may be. The
---runtime takes the requests, one after another, and sends the answers.
local native = require "cartwright.native.cart"
local notice = require "cartwright.notice"
local time = require "cartwright.time"

local served = {}

-- The request ---------------------------------------------------------------------------------------------------------

---@class cartwright.Served
local Served = {}
Served.__index = Served
Served.__name = "request"

---What is raised for a request that is at fault itself.
local Refusal = { __name = "refusal", __tostring = function(refusal) return refusal.words end }

local function refuse(status, words)
  error(setmetatable({ status = status, words = words }, Refusal), 0)
end

function Served:header(name)
  return self.headers[name:lower()]
end

local FIELDS_MAX = 1000

---Fields by their names; of several the first.
local function read_fields(text)
  local fields, count = {}, 0
  for pair in text:gmatch "[^&]+" do
    local key, value = pair:match "^([^=]*)=?(.*)$"
    key, value = notice.unescape(key), notice.unescape(value)
    count = count + 1
    if count > FIELDS_MAX then refuse(400, "more than 1000 fields") end
    if key ~= "" and fields[key] == nil then fields[key] = value end
  end
  return fields
end

function Served:form()
  if self.fields then return self.fields end
  local kind = self:header "Content-Type" or "application/x-www-form-urlencoded"
  if not kind:lower():find("application/x-www-form-urlencoded", 1, true) then
    refuse(400, ("a form is expected, not %s"):format(kind))
  end
  self.fields = read_fields(self.body)
  return self.fields
end

-- The store -----------------------------------------------------------------------------------------------------------

local TABLES = { order = "orders", customer = "customers", item = "items", stock_level = "stock_levels",
  shipment = "shipments" }
local OPTIONS = { cart = "string", carts = "table", after = "integer", limit = "integer", number = "string",
  since = "userdata", offset = "integer", sku = "string", skus = "table", warehouse = "string",
  places = "table", order_cart = "string", order_id = "string", waits = "boolean", currency = "string" }
local KEYS = { number = { order = true, customer = true, shipment = true },
  sku = { stock_level = true }, skus = { item = true }, warehouse = { stock_level = true },
  waits = { order = true }, currency = { order = true }, order_cart = { shipment = true },
  order_id = { shipment = true } }
local LIMIT_MAX, CARTS_MAX, SKUS_MAX, PLACES_MAX = 1000, 40, 20, 1000

---Seconds after which a document that others store at the same time is there for sure: numbers are given before a
---transaction ends, and one that began earlier may end later.
local SETTLED = 20

local function check_options(kind, options)
  if not TABLES[kind] then error(("there are no documents of the kind %s"):format(tostring(kind)), 3) end
  for key, value in pairs(options) do
    local expected = OPTIONS[key]
    local actual = math.type(value) == "integer" and "integer" or type(value)
    if not expected or KEYS[key] and not KEYS[key][kind] then
      error(("documents of the kind %s are not chosen by %s"):format(kind, tostring(key)), 3)
    elseif actual ~= expected then
      error(("%s is a %s, not a %s"):format(key, expected == "userdata" and "Time" or expected, actual), 3)
    end
  end
  local carts = options.carts or { options.cart }
  if #(options.skus or {}) > SKUS_MAX then error("more than 20 SKUs", 3) end
  if options.skus and #options.skus == 0 then error("no SKUs", 3) end
  if #carts > CARTS_MAX then error("more than 40 carts", 3) end
  if #(options.places or {}) > PLACES_MAX then error("more than 1000 places", 3) end
  return carts
end

---Orders that a person has to look at before they are any: those that wait to be released, and leads.
local WAITS = "(COALESCE(state, '') = 'pending' OR COALESCE(type, '') = 'lead')"

---@param places integer[]
local function at_places(places)
  local list = {}
  for i, place in ipairs(places) do list[i] = ("%d"):format(place) end
  return "id IN (" .. table.concat(list, ", ") .. ")"
end

---The conditions that choose documents, and their parameters. Documents of the back office have the empty cart.
local function conditions(kind, options)
  local carts, params, all = check_options(kind, options), {}, {}
  local function add(format, ...)
    local marks = {}
    for _, value in ipairs { ... } do
      params[#params + 1] = tostring(value)
      marks[#marks + 1] = "$" .. #params
    end
    all[#all + 1] = format:format(table.concat(marks, ", "))
  end
  if #carts > 0 then add("cart IN (%s)", table.unpack(carts)) else all[1] = "cart <> ''" end
  if options.after then all[#all + 1] = ("id > %d"):format(options.after) end
  if options.places then all[#all + 1] = at_places(options.places) end
  if options.waits ~= nil then all[#all + 1] = (options.waits and "" or "NOT ") .. WAITS end
  for _, key in ipairs { "number", "sku", "warehouse", "currency", "order_cart", "order_id" } do
    if options[key] then add(key .. " = %s", options[key]) end
  end
  if options.skus then
    add("(sku IN (%s)", table.unpack(options.skus))
    local marks = all[#all]:match "%((%$.*)%)$"
    all[#all] = all[#all] .. (" OR id IN (SELECT item_id FROM item_variants WHERE sku IN (%s)))"):format(marks)
  end
  if options.since then add("last_stored_at >= %s", options.since:format "%Y-%m-%dT%H:%M:%S.%fZ") end
  local is_named = options.number or options.sku or options.skus or options.places
  if native.has_many_writers and not is_named then -- a list that is read on behind its last place
    add("id < COALESCE((SELECT min(id) FROM " .. TABLES[kind] .. " WHERE first_stored_at > %s), 9223372036854775807)",
      time.now():add(-SETTLED):format "%Y-%m-%dT%H:%M:%S.%fZ")
  end
  return table.concat(all, " AND "), params
end

---@class cartwright.Server
local Server = {}

function Server:documents(kind, options)
  options = options or {}
  local where, params = conditions(kind, options)
  local limit = options.limit or LIMIT_MAX
  if limit < 1 or limit > LIMIT_MAX then error("limit is 1 to 1000", 2) end
  local sql = ("SELECT id, cart, external_id FROM %s WHERE %s ORDER BY id LIMIT %d OFFSET %d"):format(TABLES[kind],
    where, limit, math.max(options.offset or 0, 0))
  return native.served_documents(self, kind, sql, params)
end

function Server:count(kind, options)
  local where, params = conditions(kind, options or {})
  return native.served_count(self, ("SELECT count(*) FROM %s WHERE %s"):format(TABLES[kind], where), params)
end

function Server:places(kind, options)
  options = options or {}
  local where, params = conditions(kind, options)
  local sql = ("SELECT id FROM %s WHERE %s ORDER BY id LIMIT %d OFFSET %d"):format(TABLES[kind], where,
    math.min(options.limit or LIMIT_MAX, LIMIT_MAX), math.max(options.offset or 0, 0))
  return native.served_places(self, sql, params)
end

function Server:put(documents) return native.served_put(documents, self) end
function Server:edit(change) return native.served_edit(change, self) end
function Server:quantity(sku) return native.served_quantity(self, sku) end

-- The answer ----------------------------------------------------------------------------------------------------------

local ANSWER = { status = true, headers = true, body = true, wait = true }
local WAIT_MAX = 10 -- seconds
local FRAMING = { ["content-length"] = true, connection = true, ["transfer-encoding"] = true, ["keep-alive"] = true }
local HEADERS_MAX = 32

local function add_header(flat, name, value)
  if type(name) ~= "string" or not name:find "^[%w!#$%%&'*+.^_`|~-]+$" or FRAMING[name:lower()] then
    error(("serve: %q is no header that an answer may have"):format(tostring(name)), 0)
  elseif type(value) ~= "string" or value:find "[\0-\8\10-\31\127]" then
    error(("serve: the header %s is no text of one line"):format(name), 0)
  end
  flat[#flat + 1], flat[#flat + 2] = name, value
end

---Status, body, and names and values of headers in turn.
local function check_answer(answer)
  if type(answer) ~= "table" then
    error(("serve returns a table such as { status = 200, body = ... }, not a %s"):format(type(answer)), 0)
  end
  for key in pairs(answer) do
    if not ANSWER[key] then
      error(("serve: an answer has no %s; there are status, headers, body and wait"):format(tostring(key)), 0)
    end
  end
  local status, body = answer.status, answer.body or ""
  if math.type(status) ~= "integer" or status < 200 or status > 599 then
    error(("serve: status is a whole number from 200 to 599, not %s"):format(tostring(status)), 0)
  elseif type(body) ~= "string" then
    error(("serve: body is a text, not a %s"):format(type(body)), 0)
  end
  local wait = answer.wait or 0
  if math.type(wait) ~= "integer" or wait < 0 or wait > WAIT_MAX then
    error(("serve: wait is a whole number of seconds from 0 to 10, not %s"):format(tostring(wait)), 0)
  end
  local flat, names = {}, {}
  for name in pairs(answer.headers or {}) do names[#names + 1] = name end
  if #names > HEADERS_MAX then error("serve: an answer has at most 32 headers", 0) end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(names) do add_header(flat, name, answer.headers[name]) end
  return status, body, wait, table.unpack(flat)
end

---For the runtime: what the cart answers.
function served.answer(instance, given)
  local request = setmetatable(given, Served)
  local self = notice.listen(instance, request, {}, "serve")
  for name, method in pairs(Server) do self[name] = method end
  request.received_at = nil
  request.peer = request.peer or ""
  local is_answered, answer = pcall(function()
    request.query = read_fields(request.query)
    return self:serve(request)
  end)
  if is_answered then return check_answer(answer) end
  if getmetatable(answer) == Refusal then
    return answer.status, answer.words .. "\n", 0, "Content-Type", "text/plain; charset=utf-8"
  end
  error(answer, 0)
end

---What is wrong with how a cart answers; nil when nothing is.
---@return string? fault
function served.check(shop)
  if shop.serve == nil or type(shop.serve) == "function" then return nil end
  return ("serve is a %s; it is a function: function shop:serve(request) ... end"):format(type(shop.serve))
end

return served
