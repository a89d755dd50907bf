---What shops of the Stone Edge protocol are told: levels, statuses, parcels with their tracking numbers.
---
---Facts this script relies on:
---  - qohreplace answers a line for each SKU, "SKU=OK", and SETIEndOfData at the end: an answer without that was cut
---    off, and what it does not list is looked up before it is sent again. IS answers "Update Error" for what worked,
---    and a line for the empty pair behind the last bar.
---  - In the text form SKU and quantity are parted by ~, pairs by |. A SKU with one of them reaches another item (IS
---    takes "OLD~1" for "OLD"), or none; XML takes them, where the server reads it (IN, MT, SM).
---  - invupdate changes a level by what it says; whoever repeats it changes it twice. MG answers OK for a SKU that it
---    does not have, with a note.
---  - With one parcel the fields of updatestatus have no number behind their names, with more they have.
---  - MG takes updates as ISO-8859-1 first: XML goes as ASCII, with references for all else; IN wants no declaration
---    before it.
local decimal = require "cartwright.decimal"
local talk = require "shipped.stone-edge.talk"
local time = require "cartwright.time"
local xml = require "cartwright.xml"

local telling = {}

---XML without a declaration, in ASCII.
local function ascii_xml(tree)
  local text = xml.write(tree, { declaration = false })
  return (text:gsub("[\xC2-\xF4][\x80-\xBF]+", function(letter) return ("&#%d;"):format(utf8.codepoint(letter)) end))
end

-- Stock ---------------------------------------------------------------------------------------------------------------

---What the shop has of SKUs, by its own list; nil where it says none.
---@return table<string, cartwright.Decimal|string>
local function levels_of(self, wanted)
  local found = {}
  local name = talk.is_lacking(self, "downloadqoh") and "downloadprods" or "downloadqoh"
  local size, start, count = math.max(1, self.settings.page_size), 1, talk.count(self, "getproductscount", "itemcount")
  while not count or start <= count do
    local response = talk.download(self, name, { { "startnum", start }, { "batchsize", size } })
    if not response then
      if name == "downloadprods" then break end
      return levels_of(self, wanted)
    end
    local is_empty = not talk.has(response, "Product")
    if is_empty and not count then break end
    if not is_empty then
      for product in response:records("Product", "Code"):each() do
        local sku = product:text "Code"
        if sku and wanted[sku] then
          local text = product:text "QOH" or "NA"
          found[sku] = decimal.new(text, "1,234.56") or text
        end
      end
    end
    start = start + size
  end
  return found
end

local function wanted_of(messages)
  local wanted = {}
  for _, message in ipairs(messages) do wanted[message.data.sku] = true end
  return wanted
end

local NOT_IN_TEXT = "the shop's text form has no way to write a SKU with ~ or |; set stock_xml = true where its script "
  .. "reads XML"

---@param pairs_of { sku: string, quantity: cartwright.Decimal }[]
---@return string
local function write_update(self, pairs_of)
  local text, tree = {}, { "SETIProducts" }
  for i, pair in ipairs(pairs_of) do
    text[i] = ("%s~%s|"):format(pair.sku, pair.quantity)
    tree[i + 1] = { "Product", { "SKU", pair.sku }, { "QOH", tostring(pair.quantity) } }
  end
  return self.settings.stock_xml and ascii_xml(tree) or table.concat(text)
end

---The lines of an answer to qohreplace, by SKU.
---@return table<string, string> lines
---@return boolean is_whole
local function read_lines(text)
  local lines, is_whole = {}, false
  for line in text:gmatch "[^\r\n]+" do
    local sku, word = line:match "^(.*)=(.-)%s*$"
    if line:find "^%s*[Ss][Ee][Tt][Ii][Ee]nd[Oo]f[Dd]ata" then is_whole = true
    elseif sku then lines[sku] = word end
  end
  return lines, is_whole
end

---Messages that the text form cannot carry are refused, the others returned.
local function sendable(self, messages)
  if self.settings.stock_xml then return messages end
  local found = {}
  for _, message in ipairs(messages) do
    if message.data.sku:find "[~|]" then message:refused(NOT_IN_TEXT) else found[#found + 1] = message end
  end
  return found
end

local function replace(self, messages)
  messages = sendable(self, messages)
  if #messages == 0 then return end
  local pairs_of = {}
  for i, message in ipairs(messages) do pairs_of[i] = message.data end
  local fields = { { "count", #pairs_of }, { "update", write_update(self, pairs_of) } }
  local answer, _, text = talk.call(self, "qohreplace", fields, { reads = false })
  if not answer then
    for _, message in ipairs(messages) do message:refused "the shop has no qohreplace" end
    return
  end
  local lines = read_lines(text)
  local odd, levels = {}, nil
  for _, message in ipairs(messages) do
    local word = lines[message.data.sku]
    if word == "OK" then message:sent(answer)
    elseif word == "NF" then message:refused "the shop does not have this SKU"
    elseif word == "NA" then message:needless "the shop does not track this SKU"
    elseif word then odd[#odd + 1] = message end -- what is not listed is unknown: the answer was cut off
  end
  for _, message in ipairs(odd) do
    levels = levels or levels_of(self, wanted_of(odd))
    local sku, level = message.data.sku, levels[message.data.sku]
    if level == message.data.quantity then
      message:sent(answer)
    else
      message:refused(("the shop says %q, and has %s"):format(lines[sku], tostring(level)))
    end
  end
end

---Tells a level as the difference to what the shop has now.
local function change(self, message)
  if message.data.sku:find "[~|]" then return message:refused(NOT_IN_TEXT) end
  local sku, wanted = message.data.sku, message.data.quantity
  local present = levels_of(self, { [sku] = true })[sku]
  if present == nil then return message:refused "the shop does not have this SKU" end
  if type(present) == "string" then return message:needless "the shop does not track this SKU" end
  if present == wanted then return message:needless "the shop has this level" end
  local answer, _, text = talk.call(self, "invupdate", { { "update", ("%s~%s"):format(sku, wanted - present) } },
    { reads = false })
  if not answer then return replace(self, { message }) end
  local word = text:match "^%a+%s*=%s*(%a+)" or ""
  local note = text:match "[Nn][Oo][Tt][Ee]=([^\r\n]*)" or ""
  if word:upper() == "OK" and not note:find "not found" and not note:find "not being tracked" then
    message:sent(answer)
  elseif note:find "not being tracked" or note:find "NotTracking" then
    message:needless "the shop does not track this SKU"
  else
    message:refused(("the shop says: %s"):format(text:sub(1, 200)))
  end
end

telling.stock_out = {
  batch = 100,

  send = function(self, message)
    if self.settings.real_time_inventory then change(self, message) else replace(self, { message }) end
  end,

  send_batch = replace,

  probe = function(self, messages)
    local levels = levels_of(self, wanted_of(messages))
    for _, message in ipairs(messages) do
      local level = levels[message.data.sku]
      if level == message.data.quantity then message:arrived "the shop has this level"
      elseif level ~= nil then message:missing(("the shop has %s"):format(tostring(level))) end
    end
  end,
}

-- Statuses and parcels ------------------------------------------------------------------------------------------------

local OFF = "the shop is not told of statuses and parcels: set generic_status_updates = true, and switch its status "
  .. "updates on in the shop"

---@class stone.Progress
---@field number string of the order
---@field status string the shop's word
---@field reference? string
---@field detail? string
---@field at cartwright.Time
---@field parcels { number: string, carrier?: string, method?: string, at?: cartwright.Time }[]
---@field lines { sku?: string, line_id?: string, quantity: cartwright.Decimal }[]

---3/12/2012 4:05:00 PM
local function moment(self, at)
  local date, hour, rest = at:format("%m/%d/%Y %H:%M:%S", self.zone):match "^(%S+) (%d+)(.*)$"
  hour = math.tointeger(tonumber(hour))
  local short = date:gsub("^0", ""):gsub("/0", "/")
  return ("%s %d%s %s"):format(short, (hour + 11) % 12 + 1, rest, hour < 12 and "AM" or "PM")
end

---3/12/2012
local function day(self, at)
  return (at:format("%m/%d/%Y", self.zone):gsub("^0", ""):gsub("/0", "/"))
end

---@param progress stone.Progress
local function as_form(self, progress)
  local fields = { { "ordernumber", progress.number }, { "orderstatus", progress.status } }
  if progress.reference then
    fields[3], fields[4] = { "refnumber", progress.reference }, { "orderdetail", progress.detail or "" }
  end
  fields[#fields + 1] = { "trackcount", #progress.parcels }
  for i, parcel in ipairs(progress.parcels) do
    local n = #progress.parcels == 1 and "" or tostring(i)
    fields[#fields + 1] = { "tracknum" .. n, parcel.number }
    fields[#fields + 1] = { "trackcarrier" .. n, parcel.carrier or "" }
    fields[#fields + 1] = { "trackpickupdate" .. n, parcel.at and day(self, parcel.at) or "" }
  end
  return fields
end

---@param progress stone.Progress
local function as_xml(self, progress)
  local packages, items = { "Packages" }, { "Items" }
  for i, parcel in ipairs(progress.parcels) do
    packages[i + 1] = { "Package", { "PackageID", i }, { "TrackingID", parcel.number }, { "TrackNum", parcel.number },
      { "PickupDate", parcel.at and day(self, parcel.at) or "" }, { "Shipper", parcel.carrier or "" },
      { "Method", parcel.method or "" } }
  end
  for i, line in ipairs(progress.lines) do
    items[i + 1] = { "Item", { "ItemNumber", line.sku or "" }, { "RefNumber", line.line_id or "" },
      { "Status", progress.status }, { "Shipped", tostring(line.quantity) } }
  end
  local order = { "Order", { "OrderNumber", progress.number }, { "ReferenceNumber", progress.reference or "" },
    { "Status", progress.status }, { "Notes", progress.detail or "" }, { "Comments" },
    { "ChangeDateTime", moment(self, progress.at) } }
  if #progress.parcels > 0 then order[#order + 1] = packages end
  if #progress.lines > 0 then order[#order + 1] = items end
  return { { "update", ascii_xml { "Orders", order } } }
end

---@param message cartwright.Message
---@param progress stone.Progress
local function tell(self, message, progress)
  if not self.settings.generic_status_updates then return message:refused(OFF) end
  local write = self.settings.status_xml and as_xml or as_form
  local answer, _, text = talk.call(self, "updatestatus", write(self, progress), { reads = false })
  if not answer then return message:needless "the shop does not know updatestatus" end
  local word = text:lower():match "^%a+%s*[:=]%s*update%s*=%s*(%a+)" or text:lower():match "^%a+%s*[:=]%s*(%a+)"
  if word == "ok" then return message:sent(answer) end
  message:refused(("the shop says: %s"):format(text:sub(1, 200)))
end

---@return string? word
---@return string? why not
local function word_for(self, status)
  local word = self:translate_back("status", status)
  if word then return word end
  return nil, ("the shop's word for %s is not known; say it: cartwright table set %s status_out %q WORD"):format(status,
    self.name, status)
end

local function time_of(message)
  return message.data.shipped_at or time.now()
end

telling.statuses_out = {
  send = function(self, message)
    local data = message.data
    local word, why = word_for(self, data.status)
    if not word then return message:refused(why) end
    tell(self, message, { number = data.order_number or data.order_id, status = word, parcels = {}, lines = {},
      at = time_of(message) })
  end,
}

telling.shipments_out = {
  send = function(self, message)
    local data = message.data
    local word, why = word_for(self, data.completes and "shipped" or "partly shipped")
    if not word then return message:refused(why) end
    local parcels = {}
    if data.tracking_number then
      parcels[1] = { number = data.tracking_number, carrier = data.carrier or data.carrier_name, method = data.method,
        at = data.shipped_at }
    end
    tell(self, message, { number = data.order_number or data.order_id, status = word,
      reference = data.number or data.id, detail = data.note, parcels = parcels, lines = data.lines,
      at = time_of(message) })
  end,
}

return telling
