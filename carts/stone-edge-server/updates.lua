---What an Order Manager tells: levels, changes of levels, statuses and parcels. Each function returns the answer's
---text.
local decimal = require "cartwright.decimal"
local time = require "cartwright.time"
local xml = require "cartwright.xml"

local updates = {}

-- What is sent --------------------------------------------------------------------------------------------------------

---@class seti.Pair
---@field sku string
---@field quantity? string

---SKUs may have a ~ of their own: the quantity is behind the last one.
---@return seti.Pair[]
local function read_text(text)
  local found = {}
  for pair in text:gmatch "[^|]+" do
    local sku, quantity = pair:match "^(.*)~(.-)$"
    found[#found + 1] = { sku = sku or pair, quantity = quantity }
  end
  return found
end

---@return cartwright.Node? root
---@return string? words
local function parse(text)
  local root, words = xml.parse(text)
  if not root then return nil, "the XML cannot be read: " .. tostring(words) end
  return root
end

---@return seti.Pair[]?
---@return string? words
local function read_pairs(text)
  if not text:find "^%s*<" then return read_text(text) end
  local root, words = parse(text)
  if not root then return nil, words end
  local found = {}
  for product in root:each "Product" do
    found[#found + 1] = { sku = product:text "SKU" or product:text "Code" or "", quantity = product:text "QOH" }
  end
  return found
end

local DIGITS_MAX = 12

---@return cartwright.Decimal?
local function number_of(text)
  if not text or #text > DIGITS_MAX or not text:find "^%s*%-?%d+%.?%d*%s*$" then return nil end
  return decimal.new(text)
end

-- Levels --------------------------------------------------------------------------------------------------------------

local ASKED_AT_ONCE, PUT_AT_ONCE = 20, 500

---Which of the SKUs an item of the site has; nil where no items are known at all.
---@return table<string, boolean>?
local function known_skus(self, list)
  if self:count "item" == 0 then return nil end
  local known = {}
  for first = 1, #list, ASKED_AT_ONCE do
    local some = table.move(list, first, math.min(first + ASKED_AT_ONCE - 1, #list), 1, {})
    for _, item in ipairs(self:documents("item", { skus = some })) do
      if item.sku then known[item.sku] = true end
      for _, variant in ipairs(item.variants) do
        if variant.sku then known[variant.sku] = true end
      end
    end
  end
  return known
end

local function level(self, sku, quantity)
  return { sku = sku, warehouse = self.settings.warehouse, quantity = quantity }
end

---Puts levels, each SKU once: of several the last one.
local function put_levels(self, levels)
  for first = 1, #levels, PUT_AT_ONCE do
    local put = { kind = "stock_level", reason = "qohreplace of the Order Manager" }
    for i = first, math.min(first + PUT_AT_ONCE - 1, #levels) do put[#put + 1] = levels[i] end
    self:put(put)
  end
end

---@param form table<string, string>
---@return string
function updates.levels(self, form)
  local sent, words = read_pairs(form.update or "")
  if not sent then return "SETIError: " .. words end
  local count = math.tointeger(tonumber(form.count or #sent))
  if count ~= #sent then return ("SETIError: count is %s, but %d levels came"):format(form.count, #sent) end
  local skus, lines, levels, at = {}, { "SETIResponse" }, {}, {}
  for i, pair in ipairs(sent) do skus[i] = pair.sku end
  local known = known_skus(self, skus)
  for _, pair in ipairs(sent) do
    local quantity, word = number_of(pair.quantity), "OK"
    if known and not known[pair.sku] then word = "NF"
    elseif not quantity or pair.sku == "" then word = "no quantity"
    else
      at[pair.sku] = at[pair.sku] or #levels + 1
      levels[at[pair.sku]] = level(self, pair.sku, quantity)
    end
    lines[#lines + 1] = ("%s=%s"):format(pair.sku:gsub("[%c]", " "), word)
  end
  if #levels > 0 then put_levels(self, levels) end
  lines[#lines + 1] = "SETIEndOfData"
  return table.concat(lines, "\n")
end

-- Changes of levels ---------------------------------------------------------------------------------------------------

local function answer_change(sku, word, quantity, note)
  return ("SETIResponse=%s;SKU=%s;QOH=%s;NOTE=%s"):format(word, (sku:gsub("[%c;]", " ")), quantity, note)
end

local CHANGES = "changes" -- remembered: those of the last seconds, each with its answer
local CHANGES_MAX = 500

---The changes that came within the seconds that the setting says, the older first.
local function recall_changes(self)
  local found, now = {}, time.now()
  for at, digest, answer in (self:recall(CHANGES) or ""):gmatch "(%S+) (%S+) ([^\n]*)" do
    local then_at = time.parse(at)
    if then_at and (now - then_at):compare(self.settings.repeat_seconds) < 0 then
      found[#found + 1] = { digest = digest, answer = answer, line = ("%s %s %s"):format(at, digest, answer) }
    end
  end
  return found
end

---The answer to the same change, where it came before.
local function repeated(self, text)
  if self.settings.repeat_seconds <= 0 then return nil end
  for _, change in ipairs(recall_changes(self)) do
    if change.digest == self:digest(text) then return change.answer end
  end
end

local function remember_change(self, text, answer)
  if self.settings.repeat_seconds <= 0 then return end
  local lines, changes = {}, recall_changes(self)
  for i = math.max(1, #changes - CHANGES_MAX), #changes do lines[#lines + 1] = changes[i].line end
  lines[#lines + 1] = ("%s %s %s"):format(time.now(), self:digest(text), answer)
  self:remember(CHANGES, table.concat(lines, "\n"))
end

---@param form table<string, string>
---@return string
function updates.change(self, form)
  local text = form.update or ""
  local sent, words = read_pairs(text)
  if not sent then return "SETIError: " .. words end
  if #sent ~= 1 then return "SETIError: invupdate is for one SKU" end
  local sku, difference = sent[1].sku, number_of(sent[1].quantity)
  local known = known_skus(self, { sku })
  if sku == "" or known and not known[sku] then return answer_change(sku, "False", "NF", "NotFound") end
  if not difference then return "SETIError: " .. "the change of the quantity is no number" end
  local before = repeated(self, text)
  if before then return before end
  local present = self:documents("stock_level", { cart = "", sku = sku, warehouse = self.settings.warehouse })[1]
  local quantity = (present and present.quantity or decimal.new "0") + difference
  self:put { kind = "stock_level", reason = "invupdate of the Order Manager", level(self, sku, quantity) }
  local answer = answer_change(sku, "OK", tostring(quantity), "")
  remember_change(self, text, answer)
  return answer
end

-- Statuses and parcels ------------------------------------------------------------------------------------------------

---@class seti.Update
---@field number string
---@field status? string
---@field reference? string
---@field detail? string
---@field parcels { id?: string, number: string, carrier?: string, method?: string, at?: string, lines?: table[] }[]
---@field has_lines boolean the parcels say what is in them

local PARCELS_MAX = 100

---@return seti.Update
local function from_form(form)
  local update = { number = form.ordernumber or "", status = form.orderstatus, reference = form.refnumber,
    detail = form.orderdetail, parcels = {}, has_lines = false }
  local count = math.min(math.tointeger(tonumber(form.trackcount or "0")) or 0, PARCELS_MAX)
  for i = 1, count do
    local function field(name) return form[name .. i] or (i == 1 and form[name]) or nil end
    local tracking = field "tracknum"
    if tracking and tracking ~= "" then
      update.parcels[#update.parcels + 1] = { number = tracking, carrier = field "trackcarrier",
        at = field "trackpickupdate" }
    end
  end
  return update
end

---What is in each parcel, by its id.
local function lines_by_parcel(order)
  local found = {}
  for item in order:each "Items/Item" do
    local sku, inside = item:text "ItemNumber", false
    for package in item:each "Packages/Package" do
      local id, quantity = package:text "PackageID", package:decimal "Quantity"
      if id and quantity and quantity:compare(0) > 0 then
        found[id] = found[id] or {}
        found[id][#found[id] + 1] = { sku = sku, quantity = quantity }
        inside = true
      end
    end
    local shipped = item:decimal "Shipped"
    if not inside and shipped and shipped:compare(0) > 0 then
      found[""] = found[""] or {}
      found[""][#found[""] + 1] = { sku = sku, quantity = shipped }
    end
  end
  return found
end

---@param order cartwright.Node
---@return seti.Update
local function from_xml(order)
  local update = { number = order:text "OrderNumber" or "", status = order:text "Status",
    reference = order:text "ReferenceNumber", detail = order:text "Notes", parcels = {}, has_lines = false }
  local lines = lines_by_parcel(order)
  for package in order:each "Packages/Package" do
    local tracking = package:text "TrackingID" or package:text "TrackNum"
    local id = package:text "PackageID"
    if tracking and #update.parcels < PARCELS_MAX then
      update.parcels[#update.parcels + 1] = { id = id, number = tracking, carrier = package:text "Shipper",
        method = package:text "Method", at = package:text "PickupDate", lines = id and lines[id] }
    end
  end
  if #update.parcels == 1 and not update.parcels[1].lines then update.parcels[1].lines = lines[""] end
  for _, parcel in ipairs(update.parcels) do update.has_lines = update.has_lines or parcel.lines ~= nil end
  return update
end

local DATES = { "%m/%d/%Y", "%Y-%m-%d" }

local function date_of(self, text)
  for _, format in ipairs(DATES) do
    local at = text and time.parse(text, self.zone, format)
    if at then return at end
  end
end

---One shipment of the whole order, with the numbers of all its parcels, those that it has already among them.
local function whole_shipment(self, order, update)
  local id = ("seti-%d"):format(order.place)
  local present = self:documents("shipment", { cart = "", number = id })[1]
  local numbers, has = {}, {}
  local function add(number)
    if not has[number] then numbers[#numbers + 1] = number end
    has[number] = true
  end
  for number in (present and present.tracking_number or ""):gmatch "[^,]+" do add(number) end
  for _, parcel in ipairs(update.parcels) do add((parcel.number:gsub(",", " "))) end
  local first = update.parcels[1]
  return { { number = id, order_cart = order.cart, order_id = order.external_id,
    tracking_number = table.concat(numbers, ","), carrier = first.carrier, shipped_at = date_of(self, first.at),
    note = update.detail ~= "" and update.detail or nil, confirmed = true } }
end

---A shipment for each parcel, with its lines.
local function shipments_of(self, order, update)
  if not update.has_lines then return whole_shipment(self, order, update) end
  local found = {}
  for i, parcel in ipairs(update.parcels) do
    found[i] = { number = ("seti-%d-%s"):format(order.place, parcel.id or parcel.number), order_cart = order.cart,
      order_id = order.external_id, tracking_number = parcel.number, carrier = parcel.carrier, method = parcel.method,
      shipped_at = date_of(self, parcel.at), lines = parcel.lines, confirmed = true }
  end
  return found
end

local function order_of(self, number)
  local place = math.tointeger(tonumber(number))
  local order = place and self:documents("order", { after = place - 1, limit = 1 })[1]
  return order and order.place == place and order or nil
end

---@return string? words what is wrong
local function set_status(self, order, word)
  if not word or word == "" or word:lower() == "partially shipped" then return nil end
  local status = self:translate("status", word)
  if not status then
    return ("status %q has no row in the table status; set one: cartwright table set %s status %q STATUS"):format(word,
      self.name, word)
  end
  if status == order.status then return nil end
  local is_set, problem = pcall(self.edit, self, { cart = order.cart, kind = "order", id = order.external_id,
    set = { status = status }, reason = "updatestatus of the Order Manager" })
  return not is_set and tostring(problem) or nil
end

---@param update seti.Update
---@return string? words what is wrong
local function apply(self, update)
  local order = order_of(self, update.number)
  if not order then return ("Unable to find order #%s"):format(update.number:sub(1, 40)) end
  if #update.parcels > 0 then
    local put = shipments_of(self, order, update)
    put.kind, put.reason = "shipment", "updatestatus of the Order Manager"
    local is_put, problem = pcall(self.put, self, put)
    if not is_put then return tostring(problem) end
  end
  return set_status(self, order, update.status)
end

local function answer_status(words)
  if not words then return "SETIResponse: update=OK;Notes=" end
  return "SETIResponse: update=False;Notes=" .. words:gsub("[%c]+", " "):sub(1, 500)
end

---@param form table<string, string>
---@return string
function updates.status(self, form)
  if not (form.update or ""):find "^%s*<" then return answer_status(apply(self, from_form(form))) end
  local root, words = parse(form.update)
  if not root then return answer_status(words) end
  local found, first = 0, nil
  for order in root:each "Order" do
    found = found + 1
    local fault = apply(self, from_xml(order))
    first = first or fault
  end
  return answer_status(found == 0 and "no Order in the update" or first)
end

return updates
