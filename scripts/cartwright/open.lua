---Opens a cart of the site: finds its script, checks its settings against what the script declares, and hands the
---runtime an instance with its streams. Collects everything that is wrong before it complains.
local cart = require "cartwright.cart"
local check = require "cartwright.rules_check"
local decimal = require "cartwright.decimal"
local inbox = require "cartwright.inbox"
local map = require "cartwright.map"
local native = require "cartwright.native.cart"
local native_inbox = require "cartwright.native.inbox"
local notice = require "cartwright.notice"
local out = require "cartwright.out"
local overlay = require "cartwright.overlay"
local placed = require "cartwright.placed"
local rules = require "cartwright.rules"
local served = require "cartwright.served"
local sending = require "cartwright.sending"
local streams_of = require "cartwright.streams"
local time = require "cartwright.time"

local open = {}

-- What else stands in a cart of site.lua.
local NO_SETTING = { type = true, rules = true, switches = true, schedules = true, quiet = true, out = true }

---Each reader returns the value, or nil and what is wrong with it.
local readers = {}

function readers.text(value)
  if type(value) == "string" then return value end
  return nil, "must be a text in quotes"
end

function readers.url(value)
  if type(value) == "string" and value:find "^https?://[^/%s]+" then
    return (value:gsub("/+$", ""))
  end
  return nil, 'must be an address like "https://shop.example.com"'
end

local FOLDERS = { ftp = true, ftpes = true, ftps = true, sftp = true }

function readers.folder(value)
  if type(value) == "string" then
    local scheme, path = value:match "^(%l+)://[^/%s@?#]+([^%s?#]*)$"
    if FOLDERS[scheme] and (path == "" or path:sub(1, 1) == "/") then return value end
  end
  return nil, 'must be the address of a folder like "sftp://files.example.com/in/", without user and password'
end

local MAILBOXES = { imap = true, imaps = true, pop3 = true, pop3s = true }

function readers.mailbox(value)
  local scheme, path = tostring(value):match "^(%l%w+)://[^/%s@?#;]+([^%s?#;]*)$"
  if MAILBOXES[scheme] and (path == "" or path:sub(1, 1) == "/") then return value end
  return nil, 'must be the address of a mailbox like "imaps://mail.example.com/INBOX" or "pop3s://mail.example.com", '
    .. "without user and password"
end

---A folder of this machine, absolute or below the site's folder. Scripts may propose only those of the site: which
---others are opened to a cart is for site.lua to say.
function readers.drop(value, declared)
  if type(value) ~= "string" then return nil, 'must be the path of a folder, such as "in" or "/srv/orders/in"' end
  if value == declared.default and (value:sub(1, 1) == "/" or value:find("..", 1, true)) then
    return nil, ("has the default %s, but a default must be the name of a folder of the site"):format(value)
  end
  return native_inbox.drop(value)
end

function readers.integer(value)
  if math.type(value) == "integer" then return value end
  return nil, "must be a whole number"
end

function readers.decimal(value)
  local number = type(value) == "string" and decimal.new(value)
  if number then return number end
  return nil, 'must be a decimal in quotes, such as "1.50"'
end

function readers.boolean(value)
  if type(value) == "boolean" then return value end
  return nil, "must be true or false"
end

function readers.choice(value, declared)
  for _, choice in ipairs(declared.choices) do
    if choice == value then return value end
  end
  return nil, "must be one of " .. table.concat(declared.choices, ", ")
end

function readers.zone(value)
  if value == "site" then return native.site_zone end
  if type(value) == "string" and time.parse("2024-01-01 00:00:00", value) then return value end
  return nil, 'must be a time zone like "Europe/Paris" or "+02:00"'
end

function readers.time(value, _, zone)
  local instant = type(value) == "string" and time.parse(value, zone)
  if instant then return instant end
  return nil, 'must be a date like "2024-01-31" or "2024-01-31 08:00:00"'
end

---A secret never stands in site.lua: it comes from the site's secrets file or the environment.
local function read_secret(name, key, given)
  local full = name .. "." .. key
  if given ~= nil then
    return nil, ("is a secret and does not belong into site.lua; take it out and run: cartwright secret %s %s"):format(name, key)
  end
  if native.has_secret(full) then return native.secret(full) end
  return nil
end

---@return table settings
---@return string[] faults
local function settle(name, declared, given)
  local settings, faults, keys = {}, {}, {}
  for key in pairs(declared) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) -- the zone first: times are read in it
    if (a == "zone") ~= (b == "zone") then return a == "zone" end
    return a < b
  end)
  for _, key in ipairs(keys) do
    local setting, value, wrong = declared[key], nil, nil
    if type(setting) ~= "table" or not (setting.kind == "secret" or readers[setting.kind]) then
      setting = {}
      wrong = ("is declared as %s; settings are declared with cart.text { ... } and its siblings"):format(tostring(declared[key]))
    elseif setting.kind == "secret" then
      value, wrong = read_secret(name, key, given[key])
    else
      local raw = given[key]
      if raw == nil then raw = setting.default end
      if raw ~= nil then value, wrong = readers[setting.kind](raw, setting, settings.zone) end
    end
    settings[key] = value
    if wrong then
      faults[#faults + 1] = ("setting %s of cart %s %s"):format(key, name, wrong)
    elseif value == nil and setting.required and not (setting.unless and given[setting.unless] ~= nil) then
      local mend = setting.kind == "secret" and ("run: cartwright secret %s %s"):format(name, key)
        or ("add %s = ... to the cart in site.lua"):format(key)
      faults[#faults + 1] = ("setting %s of cart %s is missing (%s); %s"):format(key, name, setting.help or setting.kind,
        mend .. (setting.unless and (", or set %s"):format(setting.unless) or ""))
    end
  end
  for key in pairs(given) do
    if not NO_SETTING[key] and declared[key] == nil then
      faults[#faults + 1] = ("cart %s has no setting %s; it has %s"):format(name, tostring(key), table.concat(keys, ", "))
    end
  end
  return settings, faults
end

local function has_step(steps, name)
  for _, step in ipairs(steps) do
    if step.name == name then return true end
  end
  return false
end

---Gives each stream the steps of its kind, and its own. The rows that these translate by go among the cart's tables.
local function decide(streams, tables, name, config, faults)
  local site = { cart = name, carts = config.carts }
  for _, stream in ipairs(streams) do
    local kind = map.kind_of(stream.stream.map) or "none"
    local done, steps, rows = pcall(rules.compile, config.rules, config.carts[name].rules, kind, site)
    if not done then
      faults[#faults + 1] = tostring(steps)
      return
    end
    for _, step in ipairs(streams_of.guard(stream.stream)) do
      if not (step.name == "holds.duplicates" and has_step(steps, step.name)) then steps[#steps + 1] = step end
    end
    stream.rules = steps
    for table_name, of_table in pairs(rows) do tables[table_name] = of_table end
    if kind == "order" then
      stream.final = stream.final or rules.final(config.rules, config.carts[name].rules)
      stream.customer_rules, rows = rules.compile(config.rules, config.carts[name].rules, "made_customer", site)
      for table_name, of_table in pairs(rows) do tables[table_name] = of_table end
    end
    for _, step in ipairs(steps) do -- its rows may all be in the store
      if step.table then tables[step.table] = tables[step.table] or {} end
    end
  end
end

local LONG_NAME = 5 -- letters; two short names are near each other by chance

---The tables that rules ask, by their names. One that has no rows, but is named almost like one that has, is a slip.
local function ask_tables(streams, tables, faults)
  local asked, known = {}, {}
  for name, rows in pairs(tables) do
    if type(rows) == "table" and next(rows) ~= nil then known[#known + 1] = tostring(name) end
  end
  for _, stream in ipairs(streams) do
    for _, step in ipairs(stream.rules or {}) do
      local rows = step.table and tables[step.table]
      local near = step.table and #step.table >= LONG_NAME and (rows == nil or next(rows) == nil) and step.unknown ~= "keep"
        and check.nearest(step.table, known)
      if near then
        faults[#faults + 1] = ("%s: rule %s: there is no table %s; did you mean %s?"):format(step.where, step.name,
          step.table, near)
      end
      if step.table then asked[step.table] = true end
    end
  end
  return asked
end

---A rule that tells the cart a status is of use only where statuses go out.
local function check_tell_cart(streams, given, name, faults)
  if out.is_told(given, "statuses") then return end
  for _, stream in ipairs(streams) do
    for _, step in ipairs(stream.rules or {}) do
      if step.name == "orders.tell_cart" then
        faults[#faults + 1] = ("%s: rule orders.tell_cart: cart %s is not told of statuses; add them to the cart: "
          .. "out = { statuses = {} }"):format(step.where, name)
      end
    end
  end
end

---Which entities flow, in which direction: { customers = false }. What comes in is on unless it is switched off; what
---goes out is on when `out` names it or it is switched on.
local function switch(streams, given, name, faults)
  local switches, known = given.switches or {}, {}
  if type(switches) ~= "table" then
    faults[#faults + 1] = ("switches of cart %s is a %s; it is a table: switches = { customers = false }"):format(name,
      type(switches))
    return
  end
  for _, stream in ipairs(streams) do
    stream.is_off = switches[stream.name] == false
    known[#known + 1] = stream.name
  end
  table.move(sending.NAMES, 1, #sending.NAMES, #known + 1, known)
  for key, value in pairs(switches) do
    local is_known = false
    for _, one in ipairs(known) do is_known = is_known or one == key end
    if not is_known then
      faults[#faults + 1] = ("cart %s has no switch %s; it has %s"):format(name, tostring(key), table.concat(known, ", "))
    elseif type(value) ~= "boolean" then
      faults[#faults + 1] = ("switch %s of cart %s is true or false, not a %s"):format(key, name, type(value))
    end
  end
end

---Whether a mapping reads settings, anywhere in it.
local function reads_settings(plan)
  for _, value in pairs(plan or {}) do -- a stream without a mapping is named elsewhere
    if value == map.SETTINGS or type(value) == "table" and reads_settings(value) then return true end
  end
  return false
end

---The rows of map.setting.
local function add_settings(streams, settings, tables)
  for _, stream in ipairs(streams) do
    if reads_settings(stream.stream.map) then
      local rows = {}
      for key, value in pairs(settings) do
        if type(value) ~= "userdata" and value ~= "" then rows[key] = tostring(value) end
      end
      tables[map.SETTINGS] = rows
      return
    end
  end
end

---The settings that are looked at when a connection test names none.
---@param declared table<string, table>
local function suspects_of(declared)
  local secrets = {}
  for name, setting in pairs(declared) do
    if setting.kind == "secret" and setting.required then secrets[#secrets + 1] = name end
  end
  return { url = declared.url ~= nil, secret = #secrets == 1 and secrets[1] or nil }
end

---The variant of a cart that its settings ask for. What is wrong with these is found afterwards, by what the variant
---declares. A variant may choose in turn.
local function choose(name, shop, given)
  for _ = 1, 2 do
    if not shop.choose then return shop end
    shop = shop:choose((settle(name, shop.settings, given)))
  end
  return shop
end

---@param name string
---@return cartwright.Cart instance
---@return table[] streams
---@return table tables
---@return table<string, table> outs streams out, by their names
function open.cart(name)
  local config = require "site"
  local given = config.carts[name]
  if not given then
    local names = {}
    for other in pairs(config.carts) do names[#names + 1] = tostring(other) end
    table.sort(names)
    error(("site.lua has no cart %s; it has %s"):format(name, #names > 0 and table.concat(names, ", ") or "none"), 0)
  end
  local found, shop = pcall(require, "carts." .. given.type)
  if not found then
    error((tostring(shop):gsub("^scripts/cartwright/open%.lua:%d+: ", "site.lua, cart " .. name .. ": ")), 0)
  end
  local script = ("carts/%s.lua"):format(given.type:gsub("%.", "/"))
  if type(shop) ~= "table" or type(shop.settings) ~= "table" then
    error(("%s must return what cart.new { ... } or extend() made"):format(script), 0)
  end
  shop = choose(name, shop, given)
  local settings, faults = settle(name, shop.settings, given)
  local streams = {}
  streams_of.check_names(shop, faults, script)
  local fault = notice.check(shop) or served.check(shop)
  if fault then faults[#faults + 1] = ("%s: %s"):format(script, fault) end
  fault = inbox.check(shop)
  if fault then faults[#faults + 1] = ("%s: %s"):format(script, fault) end
  for _, stream_name in ipairs(streams_of.NAMES) do
    if shop[stream_name] then
      streams[#streams + 1] = streams_of.describe(stream_name, shop[stream_name], faults, script)
    end
  end
  switch(streams, given, name, faults)
  local outs = sending.describe(shop, faults, script)
  sending.check_told(name, given, outs, faults, script)
  local asked
  local tables = map.copy(shop.tables or {})
  if type(tables) == "table" then
    local shape = placed.shape(tables)
    if shape then placed.reshape(tables, { name = shape.name, each = shape.each }) end -- tables of the store are no slips
    decide(streams, tables, name, config, faults)
    local carriers = sending.add_tables(outs, tables)
    add_settings(streams, settings, tables)
    overlay.rows(tables, native.table_rows(name))
    asked = ask_tables(streams, tables, faults)
    for _, table_name in ipairs(carriers) do asked[table_name] = true end
    check_tell_cart(streams, given, name, faults)
  end
  if #faults > 0 then error(table.concat(faults, "\n"), 0) end
  local instance = cart.instantiate(shop, name, settings, native)
  instance.type, instance.tables, instance.asked_tables = given.type, tables, asked
  instance.takes_notices, instance.suspects = notice.is_taken(shop, settings), suspects_of(shop.settings)
  return instance, streams, tables, outs
end

---The setting to look at where the script names none: the address of a shop that is not found, or answers like
---something else; the secret of one that lets nobody in, where there is one alone.
---@return string?
local function suspect(instance, problem)
  local is_elsewhere = problem.code == "invalid" and not problem.status
  if problem.code == "not-found" or problem.code == "not-expected" or is_elsewhere then
    return instance.suspects.url and "url"
  end
  return (problem.code == "auth" or problem.code == "permission") and instance.suspects.secret or nil
end

---Runs the connection test of an instance.
---@return string? code nil when it passed
---@return string text
function open.test(instance)
  if not instance.test then
    return "invalid", "the cart script has no test; add function shop:test() that asks the shop for its version"
  end
  local passed, result = pcall(instance.test, instance)
  inbox.close(instance)
  if passed then
    return nil, type(result) == "table" and table.concat(result, "\n") or tostring(result or "")
  end
  if type(result) ~= "table" or not result.code then return "script", tostring(result) end
  local name = result.setting or suspect(instance, result)
  local hint = name and ("\nlook at the setting %s of cart %s in site.lua"):format(name, instance.name) or ""
  return result.code, result.message .. hint
end

open.hear, open.serve, open.tell, open.inbox_place = notice.hear, served.answer, sending.tell, inbox.place
open.fetch, open.ids, open.read, open.split = streams_of.fetch, streams_of.ids, streams_of.read, streams_of.split

return open
