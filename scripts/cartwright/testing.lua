---Tests of carts, for those that integrators write and for the standard ones: see types/testing.lua. Runs in the state
---of the fake.
local compare = require "cartwright.testing_compare"
local json = require "cartwright.json"
local native = require "cartwright.native.trial"
local site_text = require "cartwright.testing_site"

local testing = {}

---In configure: the setting is left out.
testing.nothing = site_text.nothing

-- Sets of tests -------------------------------------------------------------------------------------------------------

local in_order = setmetatable({}, { __mode = "k" }) -- names of each set's tests

---A set: its functions are tests, in the order in which they are added.
---@return table<string, fun(trial: testing.Trial)>
function testing.new()
  local names = {}
  local set = setmetatable({}, { __newindex = function(set, name, test)
    if type(test) ~= "function" then error(("%s is no test: a test is a function"):format(tostring(name)), 2) end
    names[#names + 1] = name
    rawset(set, name, test)
  end })
  in_order[set] = names
  return set
end

---A test with what it needs.
---@class testing.Test
---@field name string "orders-paging"
---@field about string a sentence for `--list`
---@field needs string[] streams and the like that the cart must have
---@field world string[] functions that the fake must have
---@field when? "http"|"inbox"|"serve" it is about carts that ask a server, that take what lies in an inbox, or that are asked
---@field recorded? boolean it can be run against recorded answers as well
---@field run fun(trial: testing.Trial)

---@return testing.Test[]
local function site_tests()
  local load, tests = native.site_tests(), {}
  if not load then return tests end
  local set = load()
  for _, name in ipairs(in_order[set] or error("the tests of a site return a set that testing.new() made", 0)) do
    tests[#tests + 1] = { name = name:gsub("_", "-"), about = "of the site", needs = {}, world = {}, run = set[name] }
  end
  return tests
end

---Those that are about such a cart.
---@return testing.Test[]
local function all_tests(declared)
  local tests, _, _, is_recorded = {}, native.cart()
  for _, test in ipairs(require "cartwright.standard") do
    local is_about_it = not test.when or declared.has[test.when]
    if is_about_it and (test.recorded or not is_recorded) then tests[#tests + 1] = test end
  end
  if not is_recorded then
    for _, test in ipairs(site_tests()) do tests[#tests + 1] = test end
  end
  return tests
end

-- Trials --------------------------------------------------------------------------------------------------------------

---@class testing.Trial
local Trial = {}

local function read_declared()
  local all, shop = {}, native.shop()
  for line in native.describe(json.encode(shop and shop.settings or {})):gmatch "[^\n]+" do
    for key, value in pairs(json.decode(line)) do all[key] = value end
  end
  return all
end

---@return testing.Trial
local function new_trial()
  local name, type_name = native.cart()
  local trial = setmetatable({ shop = native.shop(), cart = name, type = type_name, declared = read_declared(),
    configured = {} }, { __index = Trial, __name = "testing.Trial" })
  trial:configure {}
  return trial
end

function Trial:configure(settings)
  for key, value in pairs(settings) do self.configured[key] = value end
  native.configure(site_text.write(self))
end

---Raises what is wrong with the cart's script and settings, if anything is.
function Trial.open() native.start() end

---@return string
local function said_of(result)
  return ("%s (%s)"):format(result.error, result.code)
end

function Trial:sync(stream, options)
  local result = native.sync(stream, options and options.dry_run)
  if result.error and not result.killed and not (options and options.fails) then
    error(("%s failed: %s"):format(stream, said_of(result)), 2)
  end
  return result
end

function Trial:run(job, options)
  local result = native.run(job)
  if result.error and not result.killed and not (options and options.fails) then
    error(("%s failed: %s"):format(job, said_of(result)), 2)
  end
  return result
end

function Trial:test_connection()
  local result = native.test_connection()
  local lines = {}
  for line in result.text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  return { passed = result.error == nil, code = result.code, error = result.error, lines = lines,
    setting = (result.error or ""):match "look at the setting ([%w_]+) of cart" }
end

---Numbers as the texts they are in the store.
local function as_texts(value)
  if type(value) == "number" then return math.type(value) == "float" and ("%.0f"):format(value) or tostring(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, member in pairs(value) do copy[key] = as_texts(member) end
  return copy
end

function Trial:document(kind, id)
  local text = native.document(kind, tostring(id))
  return text and as_texts(json.decode(text)) or nil
end

local TABLES = { order = "orders", customer = "customers", item = "items", stock_level = "stock_levels",
  shipment = "shipments" }

function Trial:documents(kind)
  local rows = native.query(("SELECT external_id FROM %s WHERE cart = $1 ORDER BY id"):format(TABLES[kind]), self.cart)
  local ids = {}
  for i, row in ipairs(rows) do ids[i] = row.external_id end
  return ids
end

function Trial:waiting()
  return native.query("SELECT s.stream, s.external_id AS id, s.state, i.code, i.subject, i.field, i.message FROM "
    .. "staged_records s JOIN staged_issues i ON i.staged_id = s.id WHERE s.cart = $1 ORDER BY s.id, i.position", self.cart)
end

function Trial:messages()
  local rows = native.query("SELECT id, stream, external_id AS about, state, attempts, error, answer FROM messages "
    .. "WHERE cart = $1 ORDER BY id", self.cart)
  for _, row in ipairs(rows) do row.id = math.tointeger(tonumber(row.id)) end
  return rows
end

function Trial.query(_, sql, ...) return native.query(sql, ...) end

function Trial:put(put)
  local docs = json.array {}
  for i, doc in ipairs(put) do docs[i] = doc end
  native.put(put.kind, json.encode(docs), put.from or "", put.drop or {})
end

function Trial:edit(kind, id, set)
  local changes = {}
  for field, value in pairs(set) do
    changes[#changes + 1] = field
    changes[#changes + 1] = tostring(value)
  end
  native.edit(kind, tostring(id), changes)
end

function Trial:set_row(table_name, key, value) native.set_row(table_name, key, value) end

function Trial:start(stream) native.let_go(stream) end

function Trial:wait(seconds) native.wait(seconds) end

function Trial:kill_after(steps) native.kill_after(steps) end

function Trial:lose_finishes(count) native.lose_finishes(count) end

---@return table[] verdicts of the cart's script on what the shop has sent since
function Trial:hear()
  local notices, verdicts = self.shop.notices, {}
  self.shop.notices = {}
  for i, notice in ipairs(notices) do verdicts[i] = self:hear_one(notice) end
  return verdicts
end

---Names and values in turn.
local function flat(given)
  local headers = {}
  for name, value in pairs(given or {}) do
    headers[#headers + 1] = name
    headers[#headers + 1] = tostring(value)
  end
  return headers
end

function Trial.hear_one(_, notice) return native.hear(notice.path or "", flat(notice.headers), notice.body) end

function Trial.ask(_, request)
  return native.ask(request.method or "POST", request.path or "", request.query or "", flat(request.headers),
    request.body or "")
end

-- Assertions ----------------------------------------------------------------------------------------------------------

function Trial:equal(actual, expected, words)
  local difference = compare.difference(actual, expected)
  if difference then error((words and words .. ": " or "") .. difference, 2) end
end

function Trial:ok(value, words)
  if not value then error(words or "it is not so", 2) end
end

-- Running -------------------------------------------------------------------------------------------------------------

---For the runtime: names and sentences of all tests.
function testing.list()
  local list = {}
  for i, test in ipairs(all_tests(read_declared())) do list[i] = { name = test.name, about = test.about } end
  return list
end

---Why the test cannot be run: what the cart says that it lacks, or the reproach that it says nothing.
---@return "lacks"|"failed"|nil
---@return string? words
local function missing(test, trial)
  local declared = trial.declared
  if declared.lacks[test.name] then return "lacks", declared.lacks[test.name] end
  for _, need in ipairs(test.needs) do
    if not declared.there[need] then
      if declared.lacks[need] then return "lacks", declared.lacks[need] end
      return "failed", ("the script has no %s, and does not say why: shop.lacks = { %s = \"...\" }"):format(need, need)
    end
  end
  for _, name in ipairs(test.world) do
    if trial.shop and trial.shop[name] == nil then
      return "failed", ("the fake has no function %s; write it, or say in the cart's script what it lacks: "
        .. "shop.lacks = { [%q] = \"...\" }"):format(name, test.name)
    end
  end
end

---For the runtime.
---@param name string
---@return "ok"|"failed"|"lacks" verdict
---@return string words
function testing.run(name)
  local trial, test = new_trial(), nil
  for _, one in ipairs(all_tests(trial.declared)) do test = one.name == name and one or test end
  if not test then error(("there is no test %s"):format(name), 0) end
  local verdict, words = missing(test, trial)
  if verdict then return verdict, words end
  local passed, problem = pcall(test.run, trial)
  if passed then return "ok", "" end
  return "failed", tostring(problem)
end

return testing
