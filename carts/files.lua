---Orders in files: a folder into which a shop, a marketplace or a person puts them. Which files those are is the
---setting `format`; each format is a script of its own in carts/files/, and may be extended like any cart:
---
---    local shop = require("shipped.files.ubl"):extend()
---    shop.orders.map.custom.cost_centre = "AccountingCost"
---    return shop
---
---Facts this script relies on:
---  - Files are read by what is in them, not by their names. UTF-8, UTF-16 with a byte-order mark, and for XML what its
---    declaration says are told by themselves; for tables of text `charset` says what they are in.
---  - A file that was cut off may still be being written: it is left where it is, and set aside only when it has not
---    changed for a day.
---  - The same order in another file is the same order: the newer file counts.
---  - What cannot be read at all goes to the folder `failed`; what could be read goes to `done`, also where single
---    orders of it wait in the store.
---
---Not known: what programs expect that read files of stock, so none are written; examples/batches-as-files does. xCBL
---is not among the formats: no document of a real shop was to be had, and without one nobody knows where its total and
---its currency stand.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local time = require "cartwright.time"

local FORMATS = { "amazon", "amazon-actionable", "csv", "cxml", "ebay", "etsy", "json", "shopify-export", "ubl", "xml" }

local shop = cart.new {
  title = "Orders in files",
  settings = {
    folder = cart.drop { required = true, help = "where files are put; done and failed are made in it" },
    format = cart.choice { choices = FORMATS, required = true, help = "what the files are" },
    charset = cart.text { help = "of tables of text without a byte-order mark: windows-1252, cp932; default UTF-8" },
    rest = cart.text { default = "5s", help = "how long a file must have been left alone until it is taken" },
    pattern = cart.text { help = 'only files with such names, such as "*.xml"; default: all' },
  },
}

shop.lacks = {
  customers = "files of orders have no customers of their own; rules make them of the orders",
  items = "files of orders say nothing of items that were not ordered",
  stock = "files of orders say nothing of stock",
  shipments = "files of orders say nothing of parcels",
  stock_out = "it is not known what the reader of such a file expects; see examples/batches-as-files",
  prices_out = "there is nobody to be told", shipments_out = "there is nobody to be told",
  statuses_out = "there is nobody to be told", customers_out = "there is nobody to be told",
  items_out = "there is nobody to be told", webhook = "a folder sends no notices; it is watched",
  ids = "what was in files that are gone cannot be asked for again",
  ["partial-shipment"] = "files of orders say nothing of parcels", refund = "files of orders say nothing of refunds",
}

---The script of the format, with the charset of the setting.
function shop:choose(settings)
  if not self.format then return settings.format and require("carts.files." .. settings.format) or self end
  if not settings.charset or type(self.orders.records) ~= "table" then return self end
  local chosen = self:extend()
  chosen.orders.records.rows.charset = settings.charset
  return chosen
end

function shop.inbox(settings)
  return { folder = settings.folder, pattern = settings.pattern, rest = settings.rest }
end

-- Connection ----------------------------------------------------------------------------------------------------------

---@return string[] findings
function shop:test()
  local count = 0
  for _ in self:inbox():each() do count = count + 1 end
  return { ("the folder %s can be read; %d files wait in it"):format(self.settings.folder, count) }
end

-- Reading -------------------------------------------------------------------------------------------------------------

---The orders of a file.
---@param answer cartwright.Response
---@return cartwright.Records
function shop:split(answer)
  local records = self.orders.records
  if type(records) == "table" then
    local rows = map.copy(records.rows)
    rows.id = self.orders.id
    return answer:rows(rows)
  end
  return answer:records(records, self.orders.id)
end

---Orders of one number with different contents cannot both be right.
---@param records cartwright.Records
---@return cartwright.Records
local function check_numbers(self, records)
  local known = {}
  for record in records:each() do
    local id, digest = record:text(self.orders.id), self:digest(record:bytes())
    if id and known[id] and known[id] ~= digest then
      cart.fail("invalid", ("order %s is in the file twice, and not the same"):format(id))
    end
    if id then known[id] = digest end
  end
  return records
end

local DAY = 24 * 3600 -- seconds

---A file whose end may still be on its way.
local function may_grow(entry, problem)
  return tostring(problem):find("cut off", 1, true) ~= nil and entry.at ~= nil and time.now() < entry.at:add(DAY)
end

---@param entry cartwright.Entry
local function take(self, entry)
  local is_ours, answer = pcall(entry.read, entry)
  if not is_ours then
    if type(answer) == "table" and answer.code == "not-found" then return end -- somebody else took it
    error(answer, 0)
  end
  local is_whole, records = pcall(function() return check_numbers(self, self:split(answer)) end)
  if is_whole then
    self:emit(records)
    entry:done()
  elseif may_grow(entry, records) then
    entry:leave(tostring(records))
  elseif type(records) == "table" and (records.code == "invalid" or records.code == "limit") then
    entry:failed(tostring(records))
  else
    error(records, 0)
  end
end

---Every format has these.
---@param stream cartwright.Stream its map, id and records
---@return cartwright.Stream
function shop.stream(stream)
  stream.full = true -- what lies there is taken, whatever the time
  function stream.fetch(self)
    for entry in self:inbox():each() do take(self, entry) end
  end
  return stream
end

return shop
