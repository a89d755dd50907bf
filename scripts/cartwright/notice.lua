---Notices that a shop sends by itself (webhooks): what the function `webhook` of a cart gets, what it may use, and what
---its answer means. The runtime keeps the bytes, answers the shop, and wakes the cart's jobs, which read the state.
local native = require "cartwright.native.cart"

local notice = {}

---@class cartwright.Notice
local Notice = {}
Notice.__index = Notice
Notice.__name = "notice"

function Notice:header(name)
  return self.headers[name:lower()]
end

---What forms and addresses write as %20 and +.
---@param text string
---@return string
function notice.unescape(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

function Notice:param(name)
  for key, value in self.query:gmatch "([^&=]+)=?([^&]*)" do
    if notice.unescape(key) == name then return notice.unescape(value) end
  end
  return nil
end

-- What `self` can do meanwhile ----------------------------------------------------------------------------------------

local CHECKS_MAX = 16 -- signatures of one notice; each costs the time of hashing all of it
local OPTIONS = {
  signed = { secret = true, algorithm = true, encoding = true, signature = true, prefix = true, text = true },
  secret_equals = { secret = true, value = true },
}
local ALGORITHMS = { sha256 = true, sha512 = true, sha1 = true }
local ENCODINGS = { hex = true, base64 = true }

local WHY = { webhook = "the shop waits for its answer; do that in the job it wakes",
  serve = "who asks waits for the answer; it is made of what is in the store" }

local function refuse(name, what)
  return function() error(("%s may not %s: %s"):format(name, what, WHY[name]), 2) end
end

---@return cartwright.Secret
local function check_options(self, options, name)
  for key in pairs(type(options) == "table" and options or error(name .. " takes a table of options", 3)) do
    if not OPTIONS[name][key] then error(("%s has no option %s"):format(name, tostring(key)), 3) end
  end
  local secret = self.settings[options.secret]
  if type(secret) ~= "userdata" then
    error(("%s: secret is the name of a setting declared with cart.secret, and set; %s is none"):format(name,
      tostring(options.secret)), 3)
  end
  return secret
end

---@param choices table<string, boolean>
local function choose(options, key, choices, default)
  local chosen = options[key] or default
  if not choices[chosen] then error(("signed: there is no %s %s"):format(key, tostring(chosen)), 3) end
  return chosen
end

---The instance as `self` of one notice: with what a notice needs, and without what would make the shop wait.
---@param name "webhook"|"serve"
function notice.listen(instance, heard, proof, name)
  local checks, no_shop, no_folder = 0, refuse(name, "ask the shop"), refuse(name, "use a server of files")
  local self = { notice = heard, cache = {}, client = { send = no_shop, all = no_shop },
    emit = refuse(name, "store records"), folders = { put = no_folder, list = no_folder } }

  function self:signed(options)
    local secret = check_options(self, options, "signed")
    local algorithm = choose(options, "algorithm", ALGORITHMS, "sha256")
    local encoding = choose(options, "encoding", ENCODINGS, "hex")
    local signature, prefix = options.signature, options.prefix or ""
    if signature == nil or signature:sub(1, #prefix) ~= prefix then return false end
    checks = checks + 1
    if checks > CHECKS_MAX then return false end
    local text = options.text or heard.body
    local is_signed = native.signed(secret, algorithm, encoding, text, signature:sub(#prefix + 1))
    if is_signed then proof.text = text end
    return is_signed
  end

  function self:secret_equals(options)
    local secret = check_options(self, options, "secret_equals")
    return options.value ~= nil and native.secret_equals(secret, options.value)
  end

  return setmetatable(self, { __name = "cart", __index = instance })
end

-- What the answer means -----------------------------------------------------------------------------------------------

local FIELDS = { id = "string", topic = "string", job = "string", at = "userdata", ignore = "boolean" }
local NAMES = { at = "Time, as time.parse gives it" }

local function check_answer(answer)
  if type(answer) ~= "table" then
    error(("webhook returns a table such as { topic = ... }, or nil and a reason; not a %s"):format(type(answer)), 0)
  end
  for key, value in pairs(answer) do
    if not FIELDS[key] then
      error(("webhook: a notice has no %s; there are at, id, ignore, job and topic"):format(tostring(key)), 0)
    elseif type(value) ~= FIELDS[key] then
      error(("webhook: %s is a %s, not a %s"):format(key, NAMES[key] or FIELDS[key], type(value)), 0)
    end
  end
end

---For the runtime: asks the cart whether it believes a notice.
---@return "refused"|"ignored"|"believed" verdict
---@return string reason why it is refused; else the id under which it is kept
---@return string? topic
---@return string? job
---@return integer? at microseconds since 1970
function notice.hear(instance, given)
  local heard, proof = setmetatable(given, Notice), {}
  local self = notice.listen(instance, heard, proof, "webhook")
  local answer, reason = self:webhook(heard)
  if not answer then return "refused", tostring(reason or "no reason given") end
  check_answer(answer)
  if answer.ignore then return "ignored", "" end
  local id = answer.id
  if id == nil or id == "" then id = native.hash(proof.text or heard.body) end
  return "believed", id, answer.topic, answer.job, answer.at and native.micros(answer.at)
end

---What is wrong with how a cart declares its notices; nil when nothing is.
---@return string? fault
function notice.check(shop)
  if shop.webhook == nil then return nil end
  if type(shop.webhook) ~= "function" then
    return ("webhook is a %s; it is a function: function shop:webhook(notice) ... end"):format(type(shop.webhook))
  end
  local name = shop.webhook_secret or "webhook_secret"
  local setting = shop.settings[name]
  if type(setting) ~= "table" or setting.kind ~= "secret" then
    return ('webhook needs the secret %s, which is not among the settings: %s = cart.secret { help = ... }; a cart '
      .. 'that checks with another one names it: webhook_secret = "NAME"'):format(tostring(name), tostring(name))
  end
  return nil
end

---Whether a cart takes notices: it can check them, and has the secret to check them with.
---@return boolean
function notice.is_taken(shop, settings)
  return shop.webhook ~= nil and settings[shop.webhook_secret or "webhook_secret"] ~= nil
end

return notice
