---What site.lua says about running: schedules of the site and of its carts, what is kept how long, what
---`cartwright run` does. scripts/types/schedules.lua describes it for those who write site.lua. Everything that is
---wrong is told at once.
local check = require "cartwright.rules_check"
local native = require "cartwright.native.schedule"
local site_check = require "cartwright.site_check"

local schedules = {}

local STREAMS = { "customers", "items", "orders", "stock", "shipments" }
local OUTS = { "stock_out", "prices_out", "shipments_out", "statuses_out", "customers_out", "items_out" }
local OF_SITE = { "tidy", "recount" }
local TIMES = { "every", "daily", "weekly", "cron" }
local ENTRY_KEYS = { "job", "every", "daily", "weekly", "cron", "zone", "jitter", "off" }
local EXAMPLES = { every = '"5m"', daily = '"03:30"', weekly = '"sun 03:30"', cron = '"17 4 * * *"',
  zone = '"Europe/Paris"', jitter = '"10m"' }

local DAY = 86400000000 -- microseconds, as times are counted

---For jobs that nobody names. The daily look at all orders is spread over an hour, so that not all carts of a site, or
---sites of a shop, ask at once.
local DEFAULTS = {
  { every = "5m" },
  { job = "refresh orders", every = "1h" },
  { job = "reconcile orders", daily = "03:00", jitter = "1h" },
  { job = "tidy", every = "1h", jitter = "10m" },
  { job = "recount", daily = "03:30" },
}

---@class schedules.Reading: site_check.Reading
---@field zone string of the site
---@field out table[] one for each time that is normalised

local check_keys, count, fault = site_check.check_keys, site_check.count, site_check.fault
local is_one_of, is_plain, kind_of = site_check.is_one_of, site_check.is_plain, site_check.kind_of

---The text as C reads it, or nil and what is wrong.
local function parse(kind, value)
  if type(value) ~= "string" then
    return nil, ("must be a text such as %s, not %s"):format(EXAMPLES[kind] or '"90d"', kind_of(value))
  end
  return native.parse(kind, value)
end

-- --- one entry ---

---The texts of `daily` and `weekly`, which may be lists of them.
local function texts_of(kind, value)
  local is_list = is_plain(value) and (kind == "daily" or kind == "weekly")
  if not is_list then return { value } end
  if #value == 0 then return nil, ("is an empty list; write such as { %s }"):format(EXAMPLES[kind]) end
  return value
end

---"orders", "reconcile orders", "refresh orders", of streams that a cart may have, streams out, and the site's own.
local function job_names(is_site)
  local names = { table.unpack(OUTS) }
  if is_site then table.move(OF_SITE, 1, #OF_SITE, #names + 1, names) end
  for _, form in ipairs { "%s", "reconcile %s", "refresh %s" } do
    for _, stream in ipairs(STREAMS) do names[#names + 1] = form:format(stream) end
  end
  return names
end

local function check_job(reading, path, job, is_site)
  local known = job_names(is_site)
  if job == nil or is_one_of(job, known) then return true end
  if is_one_of(job, OF_SITE) then
    fault(reading, path .. ".job", 'job "%s" is the site\'s own; put it into schedules of the site', job)
  elseif type(job) ~= "string" then
    fault(reading, path .. ".job", 'job must be a text such as "orders" or "reconcile orders", not %s', kind_of(job))
  else
    local near = check.nearest(job, known)
    fault(reading, path .. ".job", 'job "%s" is unknown%s', job, near and ('; did you mean "%s"?'):format(near)
      or ("; a job is a stream (%s, or one out such as stock_out), or reconcile or refresh and a stream%s, "
        .. "or left out for all streams"):format(table.concat(STREAMS, ", "), is_site and ', or "tidy" or "recount"' or ""))
  end
  return false
end

---Which of every, daily, weekly and cron the entry has.
local function kind_of_entry(reading, path, entry)
  local found = {}
  for _, kind in ipairs(TIMES) do
    if entry[kind] ~= nil then found[#found + 1] = kind end
  end
  if #found == 1 then return found[1] end
  if #found == 0 then
    fault(reading, path, 'says no time: add one of every = "5m", daily = "03:30", weekly = "sun 03:30", '
      .. 'cron = "17 4 * * *", or off = true')
  else
    fault(reading, path, "has both %s and %s; put the second into an entry of its own", found[1], found[2])
  end
end

local function check_jitter(reading, path, jitter)
  if jitter == nil then return true end
  local time, wrong = parse("jitter", jitter)
  if time and time > DAY then time, wrong = nil, ('"%s" is more than a day: "1s" to "24h"'):format(jitter) end
  if time == 0 then time, wrong = nil, ('"%s" is none; leave it out'):format(jitter) end
  if not time then fault(reading, path .. ".jitter", "jitter %s", wrong) end
  return time ~= nil
end

local function check_zone(reading, path, entry)
  if entry.zone == nil then return true end
  if entry.every ~= nil then
    fault(reading, path .. ".zone", "zone says nothing about an interval; leave it out")
    return false
  end
  local ok, wrong = parse("zone", entry.zone)
  if not ok then fault(reading, path .. ".zone", "zone %s", wrong) end
  return ok
end

---One line that tells all of a time, by which a change of it is seen.
local function describe(kind, text, zone, jitter)
  local words = kind .. " " .. text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
  if zone then words = words .. " " .. zone end
  return jitter and words .. " jitter " .. jitter or words
end

local function add(reading, path, entry, fields)
  fields.job, fields.jitter = entry.job, entry.jitter
  fields.where = reading.place(path)
  reading.out[#reading.out + 1] = fields
end

local function add_times(reading, path, entry, kind, cart)
  local texts, wrong = texts_of(kind, entry[kind])
  for i, text in ipairs(texts or {}) do
    local ok
    ok, wrong = parse(kind, text)
    if not ok then
      fault(reading, path .. "." .. kind .. "." .. i, "%s %s", kind, wrong)
    else
      local zone = kind ~= "every" and (entry.zone or reading.zone) or nil
      add(reading, path, entry, { cart = cart, kind = kind, time = text, zone = zone,
        text = describe(kind, text, zone, entry.jitter) })
    end
    wrong = nil
  end
  if wrong then fault(reading, path .. "." .. kind, "%s %s", kind, wrong) end
end

---An entry that says that a job is never due by itself.
local function add_off(reading, path, entry, cart)
  if entry.off ~= true then
    fault(reading, path .. ".off", "off must be true, or be left out, not %s", kind_of(entry.off))
    return
  end
  for _, key in ipairs { "every", "daily", "weekly", "cron", "zone", "jitter" } do
    if entry[key] ~= nil then
      fault(reading, path, "is off, and has %s; it is one or the other", key)
      return
    end
  end
  add(reading, path, entry, { cart = cart, off = true, text = "off" })
end

---@param cart? string nil = of the site
local function read_entry(reading, path, entry, cart)
  if not check_keys(reading, path, "a schedule", entry, ENTRY_KEYS) then return end
  if not check_job(reading, path, entry.job, cart == nil) then return end
  if is_one_of(entry.job, OF_SITE) then cart = "" end
  if entry.off ~= nil then
    add_off(reading, path, entry, cart)
    return
  end
  local kind = kind_of_entry(reading, path, entry)
  local is_sound = check_jitter(reading, path, entry.jitter)
  is_sound = check_zone(reading, path, entry) and is_sound
  if kind and is_sound then add_times(reading, path, entry, kind, cart) end
end

---A job that is off in one entry of a list and due in another.
local function check_off(reading, first)
  local is_off = {}
  for i = first, #reading.out do
    local entry = reading.out[i]
    if entry.off then is_off[entry.job or ""] = entry end
  end
  for i = first, #reading.out do
    local entry, off = reading.out[i], is_off[reading.out[i].job or ""]
    if off and not entry.off then
      reading.faults[#reading.faults + 1] = ("%s: %s is off at %s; it is one or the other"):format(entry.where,
        entry.job and ('job "%s"'):format(entry.job) or "every stream", off.where)
    end
  end
end

local function read_list(reading, path, list, cart)
  local first = #reading.out + 1
  if list == nil then return end
  if not is_plain(list) or (#list == 0 and next(list) ~= nil) then
    local given = is_plain(list) and "one entry alone" or kind_of(list)
    fault(reading, path, 'schedules must be a list of entries such as { { every = "5m" } }, not %s', given)
    return
  end
  if #list == 0 then
    fault(reading, path, 'schedules is an empty list; write such as { { every = "5m" } }, { { off = true } } for '
      .. "never, or leave it out")
  end
  for key, entry in pairs(list) do
    if math.type(key) ~= "integer" then
      fault(reading, path .. "." .. tostring(key), "schedules is a list; %s is no place in it", tostring(key))
    else
      read_entry(reading, path .. "." .. key, entry, cart)
    end
  end
  check_off(reading, first)
end

-- --- what is kept, and how it runs ---

local function keep_time(value)
  if value == false then return false end
  local time, wrong = parse("time", value)
  if not time then return nil, wrong .. ", or false to keep all" end
  if time < 3600000000 then return nil, ('"%s" is less than an hour'):format(value) end
  return time
end

local function run_time(value)
  local time, wrong = parse("time", value)
  if not time then return nil, wrong end
  if time < 1000000 or time > DAY then return nil, ('"%s" is out of range: "1s" to "24h"'):format(value) end
  return time
end

local function address(value)
  if value == false then return false end
  local host, port = tostring(value):match "^(%S+):(%d+)$"
  if type(value) == "string" and host and #port <= 5 and tonumber(port) <= 65535 then return value end
  return nil, ('must be an address and a port such as "127.0.0.1:9464", or false for none, not %s')
    :format(kind_of(value))
end

local function log_style(value)
  if value == "logfmt" or value == "json" then return value end
  return nil, ('must be "logfmt" or "json", not %s'):format(kind_of(value))
end

local KEEP = { runs = { keep_time, "90d" }, raw = { keep_time, "400d" }, raw_versions = { count(1, 10000), 1 },
  webhooks = { keep_time, "30d" }, messages = { keep_time, "90d" } }
local RUN = { workers = { count(1, 256), 1 }, metrics = { address, false }, webhooks = { address, false },
  hang = { run_time, "30s" }, lease = { run_time, "60s" }, log = { log_style, "logfmt" } }

-- --- the site ---

local function read_carts(reading, carts)
  local names, quiet = {}, {}
  for name in pairs(carts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local path = ("carts.%s"):format(name)
    read_list(reading, path .. ".schedules", carts[name].schedules, name)
    quiet[name] = carts[name].quiet
    if quiet[name] ~= nil and type(quiet[name]) ~= "boolean" then
      fault(reading, path .. ".quiet", "quiet of cart %s must be true or false, not %s", name, kind_of(quiet[name]))
    end
  end
  return quiet
end

local function add_defaults(reading)
  local first = #reading.out + 1
  reading.place = function() return "default" end
  read_list(reading, "", DEFAULTS)
  for i = first, #reading.out do reading.out[i].is_default = true end
end

local function check_site_zone(reading)
  local ok, wrong = parse("zone", reading.zone)
  if not ok then
    fault(reading, "zone", "zone %s", wrong)
    reading.zone = "UTC"
  end
end

---For configuration.lua.
---@param notes site_check.Reading
---@param site table what site.lua returned; its carts are tables with names
---@return table[] times in the order of carts, site, defaults
---@return table keep
---@return table run
---@return table<string, boolean> quiet
function schedules.read(notes, site)
  local reading = { faults = notes.faults, place = notes.place, zone = site.zone or "UTC", out = {} }
  check_site_zone(reading)
  local quiet = read_carts(reading, site.carts)
  read_list(reading, "schedules", site.schedules)
  local keep = site_check.section(reading, "keep", "keep", site.keep, KEEP)
  local run = site_check.section(reading, "run", "run", site.run, RUN)
  add_defaults(reading)
  return reading.out, keep, run, quiet
end

return schedules
