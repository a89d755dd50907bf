---Streams out: what a cart script may say about how its cart is told, and running its functions for the runtime.
---scripts/types/out.lua describes them for those who write carts.
local cart = require "cartwright.cart"
local check = require "cartwright.rules_check"
local decimal = require "cartwright.decimal"
local json = require "cartwright.json"
local known = require "cartwright.native.told"
local native = require "cartwright.native.telling"
local out = require "cartwright.out"
local rules = require "cartwright.rules"

local sending = {}

sending.NAMES = {}
for i, name in ipairs(out.NAMES) do sending.NAMES[i] = name .. "_out" end

-- What a stream out has -----------------------------------------------------------------------------------------------

local KEYS = { "batch", "probe", "send", "send_batch" }
local FUNCTIONS = { "probe", "send", "send_batch" }

local function is_key(key)
  for _, known in ipairs(KEYS) do
    if known == key then return true end
  end
  return false
end

---What is wrong with the stream, each in words.
local function faults_of(name, stream)
  local faults = {}
  local function add(...) faults[#faults + 1] = (...):format(select(2, ...)) end
  for key in pairs(stream) do
    if not is_key(key) then
      add("%s.%s is no field of a stream out%s", name, tostring(key), check.suggest(key, KEYS))
    end
  end
  for _, key in ipairs(FUNCTIONS) do
    if stream[key] ~= nil and type(stream[key]) ~= "function" then
      add("%s.%s is a %s; it is a function", name, key, type(stream[key]))
    end
  end
  if stream.send == nil and stream.send_batch == nil then
    add("%s has neither send nor send_batch; add %s.send = function(self, message) ... end", name, name)
  end
  local batch = stream.batch
  if batch ~= nil and (math.type(batch) ~= "integer" or batch < 1 or batch > 1000000) then
    add("%s.batch is %s; it is the most messages that one call takes, from 1 to 1000000", name, tostring(batch))
  end
  return faults
end

---What the runtime needs to know of the streams out of a cart.
---@param shop cartwright.Shop
---@param faults string[] gets what is wrong
---@param script string
---@return table<string, table>
function sending.describe(shop, faults, script)
  local described = {}
  if shop.refuses ~= nil and type(shop.refuses) ~= "function" then
    faults[#faults + 1] = ("%s: refuses is a %s; it is a function: function shop:refuses(response) ... end")
      :format(script, type(shop.refuses))
  end
  for _, name in ipairs(sending.NAMES) do
    local stream = shop[name]
    if type(stream) == "table" then
      for _, fault in ipairs(faults_of(name, stream)) do faults[#faults + 1] = ("%s: %s"):format(script, fault) end
      described[name] = { has_send = stream.send ~= nil, has_batch = stream.send_batch ~= nil,
        has_probe = stream.probe ~= nil, batch = math.type(stream.batch) == "integer" and stream.batch or 0 }
    elseif stream ~= nil then
      faults[#faults + 1] = ("%s: %s is a %s; a stream out is a table"):format(script, name, type(stream))
    end
  end
  return described
end

---A cart that is told in site.lua what its script cannot tell it.
---@param given table the cart of site.lua
---@param described table<string, table>
function sending.check_told(name, given, described, faults, script)
  for i, stream in ipairs(out.NAMES) do
    local full = sending.NAMES[i]
    if out.is_told(given, stream) and not described[full] then
      faults[#faults + 1] = ("cart %s is told %s by site.lua, but its script %s has no %s; add it there, or take %s "
        .. "out of `out` (or switch %s off) in site.lua"):format(name, stream, script, full, stream, full)
    end
  end
end

-- Carriers ------------------------------------------------------------------------------------------------------------

local CARRIER, DROPSHIP = "carrier_out", "dropship_carrier_out"

---The tables by which the carriers of its shipments are translated, for a cart that is told of shipments: rows of the
---store need a table to lie over.
---@param described table<string, table>
---@param tables table gets them
---@return string[] names
function sending.add_tables(described, tables)
  if not described.shipments_out then return {} end
  for _, name in ipairs { CARRIER, DROPSHIP } do tables[name] = tables[name] or {} end
  return { CARRIER, DROPSHIP }
end

---A vendor that sends by itself may have the carrier in its own words.
---@param instance cartwright.Cart
---@param data out.ShipmentData
local function name_carrier(instance, data)
  local name = data.carrier_name
  if not name then return end
  data.carrier = data.vendor and instance:translate(DROPSHIP, data.vendor .. "/" .. name)
    or instance:translate(CARRIER, name)
end

-- Messages ------------------------------------------------------------------------------------------------------------

---@class cartwright.Message
local Message = {}
Message.__index = Message
Message.__name = "message"

---@class sending.Call
---@field self cartwright.Cart
---@field serial integer
---@field is_probe boolean
---@field said table<integer, string> what was said of each message
---@field is_over? boolean

---@type table<cartwright.Message, { call: sending.Call, index: integer }>
local places = setmetatable({}, { __mode = "k" })

local WHERE = { [true] = "probe", [false] = "send and send_batch" }
local WORDS = { [true] = "arrived and missing", [false] = "sent, refused and needless" }

---The call of a message of which `said` may be said now.
---@return sending.Call
local function place_of(message, said, is_of_probe)
  local place = places[message]
  if not place then error(("%s is called on a message: message:%s(...)"):format(said, said), 3) end
  local call = place.call
  if call.is_over then
    error(("message %d was of an earlier call; nothing can be said of it now"):format(message.id), 3)
  end
  if call.is_probe ~= is_of_probe then
    error(("message:%s is for %s; in %s there are %s"):format(said, WHERE[is_of_probe], WHERE[call.is_probe],
      WORDS[call.is_probe]), 3)
  end
  if call.said[place.index] then
    error(("message %d: %s was said of it already, and now %s"):format(message.id, call.said[place.index], said), 3)
  end
  return call
end

local function words_of(words, said)
  if type(words) == "string" and words ~= "" then return words end
  error(("message:%s takes the words why, a text"):format(said), 3)
end

---@param options any
---@return string? link
local function link_of(options)
  if options == nil then return nil end
  if type(options) ~= "table" then error("the options of a message are a table: { link = ... }", 3) end
  for key in pairs(options) do
    if key ~= "link" then error(("a message has no option %s; there is link"):format(tostring(key)), 3) end
  end
  local link = options.link
  if link == nil or (type(link) == "string" and link ~= "") then return link end
  if math.type(link) == "integer" then return tostring(link) end
  error(("link is the cart's id, a text or an integer, not a %s"):format(math.type(link) or type(link)), 3)
end

local function say(message, said, words, link)
  local place = places[message]
  place.call.said[place.index] = said
  native.told(place.call.serial, place.index, said, words, link)
end

---What shows that it was sent: method, address, status, and how the body begins.
local function evidence(answer)
  local status, begins = answer.status, native.quote(answer)
  if not status then return ("%s: put there"):format(answer.address) end
  return ("%s: HTTP %d%s"):format(answer.address, status, begins ~= "" and ": " .. begins or "")
end

function Message:sent(response, options)
  local call = place_of(self, "sent", false)
  if not native.is_answer(call.serial, response) then
    local given = type(response) == "userdata" and "one of another call" or "a " .. type(response)
    error(("message %d: sent takes an answer that the cart gave in this call, as self:write returns it; not %s"):format(
      self.id, given), 2)
  end
  local link = link_of(options)
  cart.check_answer(call.self, response.address, response)
  say(self, "sent", evidence(response), link)
end

function Message:refused(words)
  place_of(self, "refused", false)
  say(self, "refused", words_of(words, "refused"))
end

function Message:needless(words)
  place_of(self, "needless", false)
  say(self, "needless", words_of(words, "needless"))
end

function Message:arrived(words, options)
  place_of(self, "arrived", true)
  say(self, "arrived", words and words_of(words, "arrived"), link_of(options))
end

function Message:missing(words)
  place_of(self, "missing", true)
  say(self, "missing", words and words_of(words, "missing"))
end

-- The last word about quantities --------------------------------------------------------------------------------------

---@return integer|cartwright.Decimal|nil
local function ask(quantity, message)
  local figures = message.data.figures
  if not figures then
    error(("the quantity of %s was counted before site.lua had a function `quantity`; run: cartwright stock recount")
      :format(message.about), 0)
  end
  local told = quantity(figures)
  local is_number = math.type(told) == "integer" or decimal.is(told)
  if told ~= nil and not is_number then
    error(("`quantity` of site.lua gave %s for %s; it returns an integer, a Decimal or nil"):format(
      math.type(told) == "float" and "a float" or "a " .. type(told), message.about), 0)
  end
  if is_number and decimal.new(told):compare(0) < 0 then
    error(("`quantity` of site.lua gave %s for %s; a cart cannot be told less than 0"):format(tostring(told),
      message.about), 0)
  end
  return told
end

---The messages that are to be sent, with the quantities that the site's function gives them. It is asked for all of them
---before any is sent: an error leaves them all as they are.
local function with_last_word(instance, messages)
  local quantity = out.quantity_of(require "site".carts[instance.name])
  local wanted, answers = {}, {}
  for i, message in ipairs(messages) do
    answers[i] = quantity and ask(quantity, message)
    message.data.figures, message.data["function"] = nil, nil
  end
  if not quantity then return messages end
  for i, message in ipairs(messages) do
    if answers[i] == nil then
      message:needless "`quantity` of site.lua says nothing about it"
    else
      message.data.quantity = decimal.new(answers[i])
      wanted[#wanted + 1] = message
    end
  end
  return wanted
end

-- What is known of the order ------------------------------------------------------------------------------------------

---The order's other parcels as the cart has them from us: of each what it took last.
---@param message cartwright.Message
local function add_told(instance, message)
  local data, last, ids = message.data, {}, {}
  for _, text in ipairs(known.parcels(instance, message.about)) do
    local parcel = text ~= "" and json.decode(text) or {} -- of what was pruned nothing is known
    if parcel.id and parcel.id ~= data.id then
      if not last[parcel.id] then ids[#ids + 1] = parcel.id end
      last[parcel.id] = parcel
    end
  end
  data.told = {}
  for i, id in ipairs(ids) do
    local parcel, lines = last[id], {}
    for j, line in ipairs(parcel.lines or {}) do
      lines[j] = { line_id = line.line_id, sku = line.sku, quantity = decimal.new(line.quantity) }
    end
    data.told[i] = { id = id, tracking_number = parcel.tracking_number, lines = lines }
  end
end

---Without the statuses of orders that have come to an end since: nobody wants to hear of them any more.
---@param messages cartwright.Message[]
---@return cartwright.Message[]
local function without_ended(instance, messages)
  local wanted = {}
  for _, message in ipairs(messages) do
    local now = known.status(instance, message.about)[1]
    if now and now ~= message.data.status and rules.is_end(now) then
      message:needless(("the order is %s by now"):format(now))
    else
      wanted[#wanted + 1] = message
    end
  end
  return wanted
end

-- Running a stream's functions ----------------------------------------------------------------------------------------

---A probe must not take an error with a status 2xx for the answer that the shop has nothing.
local function checked_get(instance)
  return function(self, path, query, options)
    local response = instance.get(self, path, query, options)
    cart.check_answer(self, path == "" and "/" or path, response)
    return response
  end
end

local function refuse_emit() error("records are stored by streams that come in, not while a cart is told something", 2) end

---For the runtime: has the cart's script send messages, or ask about them. What is said of them goes to the runtime at
---once, so that it is not lost when the script fails later.
---@param instance cartwright.Cart
---@param name string "stock_out"
---@param how "send"|"send_batch"|"probe"
---@param given table[] fields of the messages
---@param serial integer of this call
function sending.tell(instance, name, how, given, serial)
  local own = { stream = name, cache = {}, emit = refuse_emit, get = checked_get(instance) }
  local self = setmetatable(own, { __name = "cart", __index = instance })
  local call = { self = self, serial = serial, is_probe = how == "probe", said = {} }
  local messages, run = {}, (instance[name] or {})[how]
  if not run then error(("the script of cart %s has no %s.%s"):format(instance.name, name, how), 0) end
  for i, fields in ipairs(given) do
    messages[i] = setmetatable(fields, Message)
    places[fields] = { call = call, index = i }
    if name == "shipments_out" then
      name_carrier(instance, fields.data)
      add_told(instance, fields)
    end
  end
  if name == "statuses_out" and not call.is_probe then messages = without_ended(instance, messages) end
  if name == "stock_out" and not call.is_probe then messages = with_last_word(instance, messages) end
  if #messages == 0 then return end
  local done, problem = pcall(run, self, how == "send" and messages[1] or messages)
  call.is_over = true
  if done then return end
  local status = type(problem) == "table" and rawget(problem, "status")
  native.failed(serial, math.type(status) == "integer" and status or 0)
  error(problem, 0)
end

return sending
