---Standard tests of a cart's script by itself: what it declares, its settings, and whether its connection test finds the
---cause of what is wrong.
local testing = require "cartwright.testing_site"
local world = require "cartwright.standard_world"

local tests, add = world.tests()
local HTTP = { when = "http" }

local STREAMS = { "customers", "items", "orders", "stock", "shipments", "stock_out", "prices_out", "shipments_out",
  "statuses_out", "customers_out", "items_out", "webhook", "ids" }

add("declared", "every stream, webhook and ids is there, or in shop.lacks with the reason", { recorded = true },
  function(trial)
    local there, lacks, silent = trial.declared.there, trial.declared.lacks, {}
    for _, name in ipairs(STREAMS) do
      if not there[name] and not lacks[name] then silent[#silent + 1] = name end
      trial:ok(not (there[name] and lacks[name]), ("shop.lacks says that there is no %s, but the script has it"):format(name))
      trial:ok(lacks[name] ~= "", ("shop.lacks has no reason for %s"):format(name))
    end
    trial:ok(#silent == 0, ("the script has no %s, and does not say why: shop.lacks = { %s = \"...\" }"):format(
      table.concat(silent, ", "), silent[1] or ""))
    trial:ok(trial.declared.has.test, "the script has no connection test: function shop:test()")
  end)

-- Settings ------------------------------------------------------------------------------------------------------------

---@return string? problem of opening the cart with these settings
local function opened_with(trial, settings)
  trial:configure(settings)
  local opened, problem = pcall(trial.open)
  return not opened and tostring(problem) or nil
end

local MALFORMED = { url = "shop.example.com", folder = "C:\\in", integer = "many", decimal = "1,5", boolean = "yes",
  zone = "Mars/Olympus", time = "soon", choice = "none of them" }

add("settings", "settings that are missing or malformed are refused, by name", {}, function(trial)
  trial.open()
  local names = {}
  for name in pairs(trial.declared.settings) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local setting = trial.declared.settings[name]
    local was = trial.configured[name]
    if setting.required and setting.default == "nil" then
      local problem = opened_with(trial, { [name] = testing.nothing })
      trial:ok(problem and problem:find(name, 1, true), ("without %s the cart opens, or does not name it: %s"):format(name,
        tostring(problem)))
    end
    if MALFORMED[setting.kind] then
      local problem = opened_with(trial, { [name] = MALFORMED[setting.kind] })
      trial:ok(problem and problem:find(name, 1, true), ("%s = %q is taken, or is not named: %s"):format(name,
        MALFORMED[setting.kind], tostring(problem)))
    end
    trial.configured[name] = was
    trial:configure {}
  end
  trial.open()
end)

-- Connection ----------------------------------------------------------------------------------------------------------

add("connection", "the connection test passes, and has something to say", { recorded = true }, function(trial)
  local result = trial:test_connection()
  trial:ok(result.passed, ("the connection test failed: %s (%s)"):format(result.error, result.code))
  trial:ok(#result.lines > 0, "the connection test says nothing; it returns a list of findings, the version first")
end)

---That the test fails with one of these codes, and names the setting where one is at fault.
local function expect_cause(trial, what, codes, names_setting)
  local result, found = trial:test_connection(), false
  trial:ok(not result.passed, ("with %s the connection test passes"):format(what))
  for _, code in ipairs(codes) do found = found or result.code == code end
  trial:ok(found, ("with %s the connection test says %q (%s); expected %s"):format(what, result.code, result.error,
    table.concat(codes, " or ")))
  trial:ok(not names_setting or result.setting, ("with %s the connection test names no setting: %s"):format(what,
    result.error))
end

---@return string[] secrets that the fake wants to be let in, but for those that notices are signed with
local function secrets_of(trial)
  local names = {}
  for name, setting in pairs(trial.declared.settings) do
    local is_given = setting.kind == "secret" and trial.shop.settings[name] ~= nil
    if is_given and (setting.required or not name:find "webhook") then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

add("connection-credentials", "wrong credentials are told as such: auth", HTTP, function(trial)
  local names = secrets_of(trial)
  trial:ok(#names > 0, "the fake wants no secret: its settings have none that the cart declares")
  for _, name in ipairs(names) do trial:configure { [name] = "wrong-" .. trial.shop.settings[name] } end
  expect_cause(trial, "wrong credentials", { "auth" }, true)
end)

---One answer after the other, to every request.
local ANSWERS = {
  { 401, "the status 401", { "auth" }, true }, { 403, "the status 403", { "permission", "auth" }, true },
  { 404, "the status 404", { "not-found", "not-expected" }, true }, { 503, "the status 503 of maintenance", { "unavailable" } },
  { "html", "a page for people", { "not-expected", "invalid" }, true }, { "empty", "an empty answer", { "not-expected", "invalid" } },
  { "refused", "no connection", { "unavailable" } },
}

for _, answer in ipairs(ANSWERS) do
  local what, words, codes, names_setting = table.unpack(answer)
  add("connection-" .. what, ("%s is told apart: %s"):format(words, table.concat(codes, " or ")), HTTP, function(trial)
    trial.shop:trouble { what = what, times = 0 }
    expect_cause(trial, words, codes, names_setting)
  end)
end

add("connection-failures", "what the shop's own answers mean is found: the failures of the fake", HTTP, function(trial)
  for name, response in pairs(trial.shop.failures or {}) do
    if type(name) == "string" and not tonumber(name) then
      trial.shop.authorized_before = trial.shop.authorized
      trial.shop.authorized = function() return response end
      expect_cause(trial, ("the shop's answer %q"):format(name), name == "no-permission" and { "permission" }
        or { "auth", "permission", "not-found", "not-expected", "unavailable" })
      trial.shop.authorized = trial.shop.authorized_before
    end
  end
end)

return tests
