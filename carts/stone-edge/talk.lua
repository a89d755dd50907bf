---The words of SETI: forms out, texts and XML back, and what is wrong when it is neither.
---
---Facts this script relies on: those of stone-edge.lua.
local cart = require "cartwright.cart"
local log = require "cartwright.log"
local names = require "shipped.stone-edge.names"
local time = require "cartwright.time"

local talk = {}

-- Answers -------------------------------------------------------------------------------------------------------------

local LOOK = 64 * 1024 -- bytes in which an answer says what it is

---@param text string of an address or a form
local function unescape(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

---The fields of an address's query.
---@param query string
---@return table<string, string>?
function talk.fields(query)
  local fields = {}
  for key, value in query:gmatch "([^&=]+)=?([^&]*)" do fields[unescape(key)] = unescape(value) end
  return next(fields) and fields or nil
end

---What an answer is: its beginning without what was printed before it; "xml", "text", or nil for what is none of ours.
---@param response cartwright.Response
---@return "xml"|"text"|nil kind
---@return string beginning
local function look(response)
  local text = response:beginning(LOOK)
  local lower = text:lower()
  local at = math.min(lower:find("<?xml", 1, true) or #text + 1, lower:find "<seti%a*[%s/>]" or #text + 1)
  if at <= #text and lower:find("<seti", at, true) then
    local before = text:sub(1, at - 1):gsub("^\xEF\xBB\xBF", "")
    if before:find "%S" then
      log.warning("printed-before-data", { address = response.address, begins = before:sub(1, 200) })
    end
    if at > 1 then response:skip(at - 1) end
    return "xml", text:sub(at)
  end
  at = lower:find "%f[%w]seti[re]%a*%s*[:=\r\n]" or lower:find "%f[%w]seti[re]%a*$"
  if at then return "text", text:sub(at) end
  return nil, text
end

---@param xml string
---@return string? code
---@return string description
local function code_of(xml)
  local lower = xml:lower()
  local code = lower:match "<responsecode>%s*(%d+)%s*</responsecode>"
  local from, to = lower:match "<responsedescription>()[^<]*()</responsedescription>"
  return code, from and xml:sub(from, to - 1):match "^%s*(.-)%s*$" or ""
end

---The words of an error; nil where an answer is none.
local function error_of(kind, text)
  if kind == "text" then
    return text:match "^[Ss][Ee][Tt][Ii][Ee][Rr][Rr][Oo][Rr]%s*:?%s*(.-)%s*$"
  elseif kind == "xml" then
    local code, description = code_of(text)
    return code == "3" and description or nil
  end
end

---Words of servers, by what they mean: code of the test, setting to look at.
local MEANINGS = {
  { "access denied", "auth", "password" }, { "incorrect password", "auth", "password" },
  { "username", "auth", "password" }, { "password", "auth", "password" }, { "login", "auth", "user" },
  { "store code", "auth", "code" }, { "ssl", "refused", "url" }, { "permission", "permission", "user" },
}
local UNKNOWN = { "no support for function", "^function .* was not found", "no setifunction", "unknown function",
  "function .* not supported" }

local function is_unknown(words)
  local lower = words:lower()
  for _, pattern in ipairs(UNKNOWN) do
    if lower:find(pattern) then return true end
  end
  return false
end

local function fail(words)
  local lower = words:lower()
  for _, meaning in ipairs(MEANINGS) do
    if lower:find(meaning[1], 1, true) then cart.fail(meaning[2], "the shop says: " .. words, meaning[3]) end
  end
  cart.fail("invalid", "the shop says: " .. words)
end

---What it means when not the script but its web server answers.
local WEB_PAGES = {
  [401] = { "auth", "url", "the web server itself asks for a password, before the script" },
  [403] = { "permission", "url", "the web server or a firewall refuses the request" },
  [404] = { "not-found", "url", "there is no script at this address; check its path" },
  [503] = { "unavailable", nil, "the shop is in maintenance" },
}

---@param response cartwright.Response
function talk.explain(_, response)
  local page = WEB_PAGES[response.status] or {}
  local kind, text = look(response)
  return error_of(kind, text) or page[3], page[1], page[2]
end

-- What a server does not know -----------------------------------------------------------------------------------------

local LACKING, ASK_AGAIN = "lacking", 7 * 24 * 3600 -- seconds

---What is kept between runs; a connection test keeps nothing, and asks everything.
local function recall(self, key) return not self.cache.is_test and self:recall(key) or nil end
local function remember(self, key, value)
  if not self.cache.is_test then self:remember(key, value) end
end

---The functions that the server said it does not know, and when.
---@return table<string, string>
local function lacking(self)
  local found = {}
  for name, at in (recall(self, LACKING) or ""):gmatch "(%S+) (%S+)" do
    if (time.now() - time.parse(at)):compare(ASK_AGAIN) < 0 then found[name] = at end
  end
  return found
end

function talk.is_lacking(self, name) return lacking(self)[name] ~= nil end

local function note_lacking(self, name, words)
  log.warning("shop-does-not-know", { ["function"] = name, words = words:sub(1, 200) })
  local all = lacking(self)
  all[name] = tostring(time.now())
  local list = {}
  for known, at in pairs(all) do list[#list + 1] = known .. " " .. at end
  table.sort(list)
  remember(self, LACKING, table.concat(list, "\n"))
end

-- Requests ------------------------------------------------------------------------------------------------------------

---The form of a call, its fields in the order in which the Order Manager sends them.
---@param fields { [1]: string, [2]: any }[]
function talk.form(self, name, fields)
  local settings = self.settings
  local form = { { "setifunction", name } }
  if name ~= "sendversion" then
    form[2], form[3] = { "setiuser", settings.user }, { "password", settings.password }
    form[4] = { "code", settings.code }
  end
  for _, field in ipairs(fields) do form[#form + 1] = field end
  form[#form + 1] = { "omversion", settings.omversion }
  return form
end

---Calls a function, and raises what is wrong with its answer. nil where the server does not know the function.
---@param options { reads: boolean, repeatable?: boolean }
---@return cartwright.Response? response
---@return "xml"|"text"|nil kind
---@return string? beginning
function talk.call(self, name, fields, options)
  if talk.is_lacking(self, name) then return nil end
  local response, message, code = self:request { method = "POST", path = "", form = talk.form(self, name, fields),
    reads = options.reads or nil, repeatable = options.repeatable }
  if not response then cart.fail(code or "io", message) end
  local kind, text = look(response)
  local words = error_of(kind, text)
  if words and is_unknown(words) then
    note_lacking(self, name, words)
    return nil
  end
  if words and (response.status < 500 or response.status > 599) then fail(words) end
  if response.status < 200 or response.status > 299 then
    cart.check_answer(self, name, response)
  elseif not kind and name ~= "sendversion" then
    if text:find "^%s*$" or text:lower():find "<html" or text:lower():find "<!doctype" then
      return response, nil, text
    end
    cart.fail("not-expected", ("%s: the shop answers something else: %s"):format(name, text:sub(1, 200)), "url")
  end
  return response, kind, text
end

---A value of a text answer: "SETIResponse: ordercount=42". nil where the server has no such function.
---@return string?
function talk.value(self, name, key, fields)
  local response, kind, text = talk.call(self, name, fields or {}, { reads = true })
  if not response then return nil end
  local value = kind == "text" and text:lower():match(key .. "%s*=%s*([%w.]+)")
  if not value and name ~= "sendversion" then
    cart.fail("not-expected", ("%s: the shop answers without %s: %s"):format(name, key, text:sub(1, 200)), "url")
  end
  return value
end

---@return integer? count nil where the server has no such function
function talk.count(self, name, key, fields)
  local value = talk.value(self, name, key, fields)
  if value == nil then return nil end
  local count = #value <= 15 and value:find "^%d+$" and math.tointeger(tonumber(value))
  return count or cart.fail("not-expected", ("%s: %s is %q, which is no number"):format(name, key, value), "url")
end

---An XML list. Downloads of shops that mark what was downloaded are no reading, but may be repeated.
---@return cartwright.Response? nil where the server does not know the function
function talk.download(self, name, fields)
  local marks = name == "downloadorders" and self.settings.marks_downloaded
  local response, kind, text = talk.call(self, name, fields, { reads = not marks, repeatable = marks or nil })
  if not response then return nil end
  if kind ~= "xml" then
    cart.fail("not-expected", ("%s: no XML came, but: %s"):format(name, text:sub(1, 200)), "url")
  end
  return names.is_other(text) and names.respell(response, name) or response
end

---Whether a list has any record.
---@param response cartwright.Response
function talk.has(response, element)
  local text = response:beginning(LOOK)
  return code_of(text) ~= "2" and text:find("<" .. element .. "[%s/>]") ~= nil
end

-- Which orders --------------------------------------------------------------------------------------------------------

local ALL = "all orders" -- remembered: how this server wants to be asked for all of them

---@return boolean
local function takes_numbers(self)
  return self:once(ALL, function() return { recall(self, ALL) == "numbers" } end)[1]
end

---@param from? { number: string, day: string } nil: all of them
function talk.since(self, from)
  if from then return { { "lastorder", from.number }, { "lastdate", from.day ~= "" and from.day or "All" } } end
  if takes_numbers(self) then return { { "lastorder", "0" }, { "lastdate", "01-Jan-1990" } } end
  return { { "lastorder", "All" }, { "lastdate", "All" } }
end

---How many orders there are. A server that takes no "All" is asked with the number 0, from then on.
---@return integer?
function talk.count_orders(self, from)
  local counted, result = pcall(talk.count, self, "ordercount", "ordercount", talk.since(self, from))
  if counted then return result end
  local is_refused = type(result) == "table" and (result.status == 400 or result.code == "invalid")
  if from or not is_refused or takes_numbers(self) then error(result, 0) end
  self.cache[ALL] = { true }
  local again, count = pcall(talk.count, self, "ordercount", "ordercount", talk.since(self, nil))
  if again then
    remember(self, ALL, "numbers")
    return count
  end
  self.cache[ALL] = { false }
  error(result, 0)
end

return talk
