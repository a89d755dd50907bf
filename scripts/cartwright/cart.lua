---What every cart script starts from: declared settings, requests that explain themselves, streams, overriding.
---
---A cart script returns `cart.new { ... }`, to which it adds `test`, streams (orders, customers, items, stock,
---shipments) and `tables`. The runtime makes one instance per cart of the site; `self` in every function is that instance.
local here = require "cartwright.native.here"
local http = require "cartwright.native.http"
local inbox = require "cartwright.inbox"
local json = require "cartwright.json"
local map = require "cartwright.map"
local native = require "cartwright.native.cart"
local overlay = require "cartwright.overlay"
local override = require "cartwright.override"
local placed = require "cartwright.placed"
local telling = require "cartwright.native.telling"
local time = require "cartwright.time"
local upload = require "cartwright.native.upload"

local cart = {}

---Methods of every instance; a cart script's own functions come before them.
---@class cartwright.Cart
local Cart = {}

local function setting(kind)
  ---@param declaration? { required: boolean, unless: string, help: string, default: any, choices: string[] } unless: a setting that stands in its place
  return function(declaration)
    local declared = map.copy(declaration or {})
    declared.kind = kind
    return declared
  end
end

cart.text = setting "text"
cart.url = setting "url"         -- http or https
cart.folder = setting "folder"   -- on a server of files: ftp, ftpes, ftps or sftp; see Cart:upload
cart.mailbox = setting "mailbox" -- of a server of mails: imaps, imap, pop3s or pop3; see scripts/types/inbox.lua
cart.drop = setting "drop"       -- a folder of this machine, absolute or below the site's; see scripts/types/inbox.lua
cart.secret = setting "secret"   -- never readable by scripts
cart.integer = setting "integer"
cart.decimal = setting "decimal"
cart.boolean = setting "boolean"
cart.choice = setting "choice"   -- one of `choices`
cart.zone = setting "zone"       -- IANA name; default "site" is the site's zone
cart.time = setting "time"       -- "2024-01-31" or with a time; in the cart's zone

local OUT = { name = "out" } -- of a stream out
local STREAM = { name = "stream", fields = { skip = { name = "skips", each = { name = "skip" } } } }

---What of a cart remembers where it was set. Plans do so wherever they stand.
local SHOP = { name = "shop", fields = {
  settings = { name = "settings", each = { name = "setting" } },
  tables = { name = "tables", each = { name = "rows" } },
  orders = STREAM, customers = STREAM, items = STREAM, stock = STREAM, shipments = STREAM,
  stock_out = OUT, prices_out = OUT, shipments_out = OUT, statuses_out = OUT, customers_out = OUT, items_out = OUT,
} }

---@param definition { title: string, settings: table<string, table>, http?: (fun(settings: table): cartwright.Http), [string]: any }
---@return cartwright.Shop shop
function cart.new(definition)
  local shop = map.copy(definition)
  shop.settings = shop.settings or {}
  shop.settings.zone = shop.settings.zone or cart.zone { default = "site", help = "time zone the shop writes its dates in" }
  shop.settings.orders_from = shop.settings.orders_from or cart.time { help = "older orders are not fetched" }
  shop.tables = shop.tables or {}
  shop.extend, shop.before, shop.after = override.extend, override.before, override.after
  return placed.new(shop, SHOP, here())
end

---Ends the work with an error that carries a code of the connection test: "auth", "not-found", "not-expected",
---"permission", "unavailable", and the setting to look at.
---@param code string
---@param message string
---@param setting_name? string
---@param status? integer of the answer that said so
function cart.fail(code, message, setting_name, status)
  error(setmetatable({ code = code, message = message, setting = setting_name, status = status },
    { __name = "cart error", __tostring = function(e) return e.message end }), 0)
end

local MEANINGS = {
  [400] = { "invalid", "the shop does not understand the request" },
  [401] = { "auth", "the shop does not accept the credentials" },
  [403] = { "permission", "the credentials lack the permission for this, or a firewall refuses it" },
  [404] = { "not-found", "there is no such address; check the shop's address" },
  [429] = { "unavailable", "the shop says: too many requests" },
  [500] = { "unavailable", "the shop failed inside" },
  [502] = { "unavailable", "the shop's server does not answer its proxy" },
  [503] = { "unavailable", "the shop is in maintenance or its service is off" },
  [504] = { "unavailable", "the shop's server is too slow for its proxy" },
}

---The error for an answer that is not a success. A cart's `explain(self, response)` puts the shop's own words, a code
---and the setting to look at in the place of the general ones, as far as it knows better.
local function fail_status(self, path, response)
  local meaning = MEANINGS[response.status] or { "invalid", "unexpected status" }
  local code, text, setting_name = meaning[1], meaning[2], nil
  if self.explain then
    local explained, words, own_code, own_setting = pcall(self.explain, self, response)
    if explained then text, code, setting_name = words or text, own_code or code, own_setting end
  end
  cart.fail(code, ("%s: HTTP %d: %s"):format(path == "" and "/" or path, response.status, text), setting_name, response.status)
end

---Raises what an answer means that is no success: another status than 2xx, or an error in it by the cart's `refuses`.
---@param self cartwright.Cart
---@param title string what was asked, for the message
---@param response cartwright.Response|cartwright.Upload an upload has no status: there is one only when it succeeded
function cart.check_answer(self, title, response)
  local status = response.status
  if not status then return end
  ---@cast response cartwright.Response
  if status < 200 or status > 299 then fail_status(self, title, response) end
  local words = self.refuses and self:refuses(response)
  if not words or words == json.null or words == "" then return end
  if type(words) ~= "string" then
    error(("refuses must return the shop's words, or nil; it returned a %s"):format(type(words)), 0)
  end
  telling.disproved(response)
  cart.fail("invalid", ("%s: HTTP %d, but the shop refuses it: %s"):format(title, status, words), nil, status)
end

function Cart:request(request)
  return self.client:send(request)
end

function Cart:all(requests)
  return self.client:all(requests)
end

function Cart:get(path, query, options)
  local request = map.copy(options or {})
  request.path, request.query = path, query
  local response, message, code, setting_name = self.client:send(request)
  if not response then cart.fail(code or "io", message, setting_name) end
  ---@cast response cartwright.Response
  if response.status < 200 or response.status > 299 then fail_status(self, path, response) end
  return response
end

local WRITES = { POST = true, PUT = true, PATCH = true, DELETE = true }

local function has_header(headers, name)
  for key in pairs(headers) do
    if type(key) == "string" and key:lower() == name then return true end
  end
  return false
end

---The request of a write, which goes out once whatever the options say.
local function write_request(method, path, body, options)
  local request = map.copy(options or {})
  request.method, request.path, request.body, request.repeatable = method, path, body, nil
  if type(body) == "table" then
    request.body, request.headers = json.encode(body), request.headers or {}
    if not has_header(request.headers, "content-type") then request.headers["Content-Type"] = "application/json" end
  end
  return request
end

function Cart:write(method, path, body, options)
  if not WRITES[method] then
    error(("write is for POST, PUT, PATCH and DELETE, not for %s; read with self:get"):format(tostring(method)), 2)
  end
  local response, message, code, setting_name = self.client:send(write_request(method, path, body, options))
  if not response then cart.fail(code or "io", message, setting_name) end
  ---@cast response cartwright.Response
  cart.check_answer(self, ("%s %s"):format(method, path == "" and "/" or path), response)
  return response
end

function Cart:upload(file)
  local answer, message, code = self.folders:put(file)
  if not answer then cart.fail(code or "io", message) end
  return answer
end

function Cart:files(folder)
  local names, message, code = self.folders:list(folder)
  if not names then cart.fail(code or "io", message) end
  return names
end

local CLOCK_TOLERANCE = 120 -- seconds

---For connection tests: a note where the shop's clock, by its Date header, and ours differ enough to matter.
---@param response cartwright.Response
---@return string?
function cart.clock_note(response)
  local theirs = time.parse(response:header "Date" or "")
  if not theirs then return nil end
  local ahead = theirs - time.now()
  if ahead < CLOCK_TOLERANCE and ahead > -CLOCK_TOLERANCE then return nil end
  return ("the shop's clock is %s seconds ahead of ours (negative: behind); windows of changes must overlap by more")
    :format(ahead)
end

---The value of `make(self)`, made once a run.
---@generic T
---@param key string
---@param make fun(self: cartwright.Cart): T
---@return T
function Cart:once(key, make)
  if self.cache[key] == nil then self.cache[key] = make(self) end
  return self.cache[key]
end

---A text of 64 hex digits that nobody can guess who does not know `text`, and that is the same each time.
---@param text string
---@return string
function Cart.digest(_, text) return native.hash(text) end

---What a table makes of a text: by its exact row, then without case, then by the row "*".
---@param table_name string
---@param text string|integer
---@return string? value nil where there is no row, and where the row is false
function Cart:translate(table_name, text)
  local value = overlay.find(self.tables[table_name], text, self.fold)
  return value and tostring(value) or nil
end

---The cart's text for what a table makes of it: by the table NAME_out, else the one row of NAME with that value.
---@param table_name string
---@param value string|integer|boolean
---@return string? text nil where there is none
function Cart:translate_back(table_name, value)
  local out = overlay.find(self.tables[table_name .. "_out"], value, self.fold)
  if out ~= nil then return out and tostring(out) or nil end
  local keys = overlay.keys(self.tables[table_name], value)
  if #keys > 1 then
    error(("cart %s: %s is the value of several rows of the table %s: %s; add a row to the table %s_out that says which: "
      .. "%s = \"%s\""):format(self.name, tostring(value), table_name, table.concat(keys, ", "), table_name,
      overlay.quote(tostring(value)), keys[1]), 0)
  end
  return keys[1]
end

---The addresses of its settings of kind folder and mailbox: where uploads go to, and an inbox may be.
local function folders_of(shop, settings)
  local addresses = {}
  for key, declared in pairs(shop.settings) do
    if declared.kind == "folder" or declared.kind == "mailbox" then addresses[#addresses + 1] = settings[key] end
  end
  return addresses
end

---For the runtime: an instance of `shop`. `native` gives emit, recall, remember and fold.
---@return cartwright.Cart
function cart.instantiate(shop, name, settings, native)
  override.check(shop)
  local self = { name = name, settings = settings, zone = settings.zone, cache = {}, emit = native.emit,
    recall = native.recall, remember = native.remember, fold = native.fold }
  setmetatable(self, { __name = "cart", __index = function(_, key)
    local own = shop[key]
    if own ~= nil then return own end
    return Cart[key]
  end })
  if shop.http then self.client = http.client(name, shop.http(settings)) end
  self.folders = upload.folders(folders_of(shop, settings))
  inbox.instantiate(self, shop, settings)
  return self
end

return cart
