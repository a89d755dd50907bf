---Streams of a cart: what a script may say about each, and running its functions for the runtime.
local duration = require "cartwright.duration"
local inbox = require "cartwright.inbox"
local map = require "cartwright.map"
local rules = require "cartwright.rules"

local streams = {}

streams.NAMES = { "customers", "items", "orders", "stock", "shipments" } -- orders are matched to what came before them

local IS_STREAM = {}
for _, name in ipairs(streams.NAMES) do IS_STREAM[name] = true end

-- What a stream has ---------------------------------------------------------------------------------------------------

local KEYS = { "derive", "fetch", "final", "full", "id", "ids", "map", "overlap", "read", "reconcile", "records", "refresh",
  "settle", "skip", "sources" }

local IS_KEY = {}
for _, key in ipairs(KEYS) do IS_KEY[key] = true end

---Tables of a cart that look like streams but are none, and fields of streams that nothing reads: mostly slips.
function streams.check_names(shop, faults, script)
  for _, name in ipairs(streams.NAMES) do
    if shop[name] ~= nil and type(shop[name]) ~= "table" then
      faults[#faults + 1] = ("%s: %s is a %s; a stream is a table"):format(script, name, type(shop[name]))
      shop[name] = nil
    end
    for key in pairs(shop[name] or {}) do
      if not IS_KEY[key] then
        faults[#faults + 1] = ("%s: %s.%s is no field of a stream; there are %s and %s"):format(script, name,
          tostring(key), table.concat(KEYS, ", ", 1, #KEYS - 1), KEYS[#KEYS])
      end
    end
  end
  for key, value in pairs(shop) do
    if type(value) == "table" and map.kind_of(value.map) and not IS_STREAM[key] then
      faults[#faults + 1] = ("%s: %s is no stream; there are %s"):format(script, tostring(key),
        table.concat(streams.NAMES, ", "))
    end
  end
end

---The statuses that end an order, checked against those there are.
local function check_final(final, name, faults, script)
  if final == nil then return nil end
  if type(final) ~= "table" then
    faults[#faults + 1] = ('%s: %s.final is a %s; it is a list of statuses: { "completed", "cancelled" }'):format(script,
      name, type(final))
    return nil
  end
  local statuses = {}
  for i, status in ipairs(final) do
    local wrong = rules.check_status(status)
    if wrong then faults[#faults + 1] = ("%s: %s.final: %s"):format(script, name, wrong) end
    statuses[i] = tostring(status)
  end
  return statuses
end

local function check_asking(name, stream, faults, script)
  if stream.ids and not stream.read then
    faults[#faults + 1] = ("%s: %s.ids is of no use without %s.read, which fetches what is found missing"):format(script,
      name, name)
  end
  for _, key in ipairs { "fetch", "ids", "read" } do
    if stream[key] ~= nil and type(stream[key]) ~= "function" then
      faults[#faults + 1] = ("%s: %s.%s is a %s; it is a function"):format(script, name, key, type(stream[key]))
    end
  end
end

local TIMES = { { "overlap", "1h" }, { "settle", "10s" }, { "reconcile", "14d" }, { "refresh", "60d" } }

---Where the id stands in rows of a table, if the stream does not say.
local function id_of(rows)
  local group = type(rows.group) == "table" and rows.group[1] or rows.group
  return rows.id or group and ("row/'%s'"):format(tostring(group))
end

---@param paths any
---@return boolean
local function are_texts(paths)
  if type(paths) ~= "table" or #paths == 0 then return false end
  for _, path in ipairs(paths) do
    if type(path) ~= "string" then return false end
  end
  return true
end

---How the stream's files are read.
---@return string[]? paths of their records
---@return table? rows options of tables of text
local function files_of(name, stream, faults, script)
  local records = stream.records
  if records == nil or type(records) == "function" then return nil end
  if type(records) == "string" then return { records } end
  if type(records) == "table" and type(records.rows) == "table" then return nil, records.rows end
  if are_texts(records) then return records end
  faults[#faults + 1] = ('%s: %s.records is a path such as "orders/order", a list of paths, or { rows = { group = '
    .. '"Order ID" } }'):format(script, name)
end

---What the runtime needs to know of one stream.
function streams.describe(name, stream, faults, script)
  local records, rows = files_of(name, stream, faults, script)
  local described = { name = name, stream = stream, records = records, rows = rows,
    id = stream.id or rows and id_of(rows) or "id",
    has_split = type(stream.records) == "function", full = stream.full or false, has_fetch = stream.fetch ~= nil, has_ids = stream.ids ~= nil,
    has_read = stream.read ~= nil, final = check_final(stream.final, name, faults, script) }
  for _, time in ipairs(TIMES) do
    local key, default = time[1], time[2]
    described[key] = duration(stream[key] or default)
    if not described[key] then
      faults[#faults + 1] = ('%s: %s.%s is a duration like "10s", "2h" or "14d"'):format(script, name, key)
    end
  end
  check_asking(name, stream, faults, script)
  if map.kind_of(stream.map) == nil then
    faults[#faults + 1] = ("%s: %s.map must be made with map.order { ... } or one of its siblings"):format(script, name)
  end
  return described
end

---Steps that a stream whose records come from many hands has besides those of the site.
---@return table[] steps
function streams.guard(stream)
  local sources = stream.sources
  if not sources then return {} end
  return { { action = "hold_duplicate", name = "holds.duplicates", where = "the cart's script" },
    { action = "hold_source", name = "holds.source", where = "the cart's script", target = sources.id,
      source = sources.says } }
end

-- Running its functions -----------------------------------------------------------------------------------------------

local BREAKING = { [500] = true, [502] = true, [504] = true }
local CONTENT = { invalid = true, limit = true, ["not-expected"] = true }

---Whether one broken record can be the cause. A shop that is closed, wants to be left alone or refuses us is another
---matter.
local function may_be_one_record(problem)
  if type(problem) ~= "table" then return false end
  if problem.status then return BREAKING[problem.status] == true end
  return CONTENT[problem.code] == true
end

---Calls a function of a stream with a `self` of its own: other streams of the cart may run at the same time.
---@return string|false|nil code of a failure that one record can have caused; false where such a record was passed by
---@return string? text
local function run(instance, stream_name, key, own, ...)
  local stream = instance[stream_name]
  if not stream[key] then
    error(("%s cannot be fetched: its script has no %s function; files can be imported"):format(stream_name, key), 0)
  end
  own.stream, own.cache = stream_name, {}
  local self = setmetatable(own, { __name = "cart", __index = instance })
  local done, problem = pcall(stream[key], self, ...)
  inbox.close(self)
  if done then
    if self.passed_by then return false, self.passed_by end
    return
  end
  if may_be_one_record(problem) then return problem.code or "unavailable", tostring(problem) end
  error(problem, 0)
end

---Runs one window of a stream.
function streams.fetch(instance, stream_name, window) return run(instance, stream_name, "fetch", {}, window) end

---An id as the runtime has it. Floats have lost digits already.
local function id_text(id)
  if type(id) == "string" and id ~= "" or math.type(id) == "integer" then return tostring(id) end
  error(("self:list takes a list of ids, texts or integers, not a %s"):format(math.type(id) or type(id)), 0)
end

---Asks for the ids of a window.
---@return string[] ids as the script listed them
---@return string|false|nil code
---@return string? text
function streams.ids(instance, stream_name, window)
  local listed = {}
  local own = { list = function(_, ids)
    for _, id in ipairs(ids) do listed[#listed + 1] = id_text(id) end
  end }
  return listed, run(instance, stream_name, "ids", own, window)
end

---The records of a file, by the stream's own function.
---@return cartwright.Records
function streams.split(instance, stream_name, answer) return instance[stream_name].records(instance, answer) end

---Reads records by their ids.
function streams.read(instance, stream_name, ids) return run(instance, stream_name, "read", {}, ids) end

return streams
