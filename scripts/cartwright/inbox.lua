---What lies in a cart's inbox: files, mails, notices. Each is taken whole, stored, and only then moved away.
---
---An inbox belongs to one run of a stream: what that did not finish can be taken by the next one, and by nobody else
---before. See scripts/types/inbox.lua.
local duration = require "cartwright.duration"
local native = require "cartwright.native.inbox"

local inbox = {}

local REST = "5s"

local FINISHED, READ = "finished", "read"

---@class cartwright.Entry
local Entry = {}
Entry.__index = Entry
Entry.__name = "entry"

---@class cartwright.Inbox
local Inbox = {}
Inbox.__index = Inbox
Inbox.__name = "inbox"

---Raises what the world answered, as requests do.
local function check(value, message, code)
  if value then return value end
  error(setmetatable({ code = code or "io", message = message },
    { __name = "cart error", __tostring = function(e) return e.message end }), 0)
end

-- Entries -------------------------------------------------------------------------------------------------------------

function Entry:read()
  local response = check(self.inbox.native:read(self.name))
  self.state = READ
  return response
end

function Entry:done()
  if self.state == FINISHED then return end
  if not self.inbox.native:is_stored(self.name) then
    error(("%s: its records were not stored since it was read, so it is not done; emit what entry:read() gave first, or "
      .. "say entry:failed(words) or entry:leave(words)"):format(self.name), 2)
  end
  check(self.inbox.native:finish(self.name, "done"))
  self.state, self.is_done = FINISHED, true
end

local function check_words(words, name)
  if type(words) ~= "string" or words == "" then error(name .. " takes the reason, in words for a person", 3) end
end

function Entry:failed(words)
  check_words(words, "failed")
  if self.state == FINISHED then return end
  native.note(self.inbox.cart, self.name, ("%s was set aside: %s"):format(self.name, words))
  check(self.inbox.native:finish(self.name, "failed"))
  self.state = FINISHED
end

function Entry:leave(words)
  check_words(words, "leave")
  if self.state == FINISHED then return end
  native.note(self.inbox.cart, self.name, ("%s was left where it is: %s"):format(self.name, words), true)
  if self.state == READ then check(self.inbox.native:finish(self.name, "left")) end
  self.state = FINISHED
end

-- Inboxes -------------------------------------------------------------------------------------------------------------

---@param behind? string name of an entry
---@return table[] listed
---@return boolean more whether there may be more behind them
local function list(self, behind)
  local listed, more, code = self.native:list(behind)
  return check(listed, more, code), more
end

---What follows the last entry that still lies there; nil when that is nothing new.
local function list_on(self, behind, names)
  local listed, more = list(self, behind)
  local new = {}
  for _, found in ipairs(listed) do
    if not names[found.name] then new[#new + 1] = found end
  end
  if #new > 0 then return new, more end
end

---Large inboxes are listed in parts, each when the one before is done with.
function Inbox:each()
  local listed, more = list(self)
  local i, names, last, behind = 0, {}, nil, nil
  return function()
    while true do
      if last and not last.is_done then behind = last.name end -- what is done lies there no more
      i = i + 1
      if not listed[i] and more then
        listed, more = list_on(self, behind, names)
        i, names = 1, {}
      end
      local found = listed and listed[i]
      last = found or nil
      if not found then
        more, listed = false, listed or {}
        return nil
      end
      listed[i] = false
      names[found.name] = true
      if not found.refused then
        found.inbox = self
        return setmetatable(found, Entry)
      end
      native.note(self.cart, found.name, ("%s is left alone: %s"):format(found.name, found.refused), true)
    end
  end
end

function Inbox:note(words)
  check_words(words, "note")
  native.note(self.cart, "inbox", words)
end

---The place that the cart's script names, ready for the runtime.
local function place_of(instance)
  local place = instance.inbox_of(instance.settings)
  if type(place) ~= "table" then
    error(("cart %s: inbox returns a table such as { folder = settings.folder }, not a %s"):format(instance.name,
      type(place)), 0)
  end
  local copy = {}
  for key, value in pairs(place) do copy[key] = value end
  copy.rest_us = duration(place.rest or REST)
  if not copy.rest_us then
    error(('cart %s: rest of an inbox is a duration like "5s" or "2m", not %s'):format(instance.name,
      tostring(place.rest)), 0)
  end
  copy.rest_us = copy.rest_us * 1000000
  return copy
end

---The inbox of a run: opened once.
---@param self cartwright.Cart
---@return cartwright.Inbox
function inbox.of(self)
  local opened = rawget(self, "opened_inbox")
  if not opened then
    if not self.has_inbox then
      error(("cart %s has no inbox; its script says where it is: inbox = function(settings) return { folder = "
        .. "settings.folder } end"):format(self.name), 2)
    end
    opened = setmetatable({ cart = self, native = native.open(self, place_of(self), self.folders) }, Inbox)
    self.opened_inbox = opened
  end
  return opened
end

---The end of a run: what it did not finish is free for the next one.
function inbox.close(self)
  local opened = rawget(self, "opened_inbox")
  self.opened_inbox = nil
  if opened then opened.native:close() end
end

---For the runtime, which watches it.
---@return table? place nil where the cart has none
---@return any folders
function inbox.place(instance)
  if not instance.has_inbox then return nil, nil end
  return place_of(instance), instance.folders
end

---Of an instance: where its inbox is, and which folders of this machine are its own.
function inbox.instantiate(instance, shop, settings)
  instance.has_inbox, instance.inbox_of, instance.drops = shop.inbox ~= nil, shop.inbox, {}
  instance.inbox = inbox.of -- `inbox` of the script says where it is; that of an instance is what lies there
  for key, declared in pairs(shop.settings) do
    if declared.kind == "drop" and settings[key] then instance.drops[#instance.drops + 1] = settings[key] end
  end
  table.sort(instance.drops)
end

---What is wrong with how a cart declares its inbox; nil when nothing is.
---@return string? fault
function inbox.check(shop)
  if shop.inbox == nil or type(shop.inbox) == "function" then return nil end
  return ("inbox is a %s; it is a function: inbox = function(settings) return { folder = settings.folder } end"):format(
    type(shop.inbox))
end

return inbox
