---The parcels of an updatestatus, as shipments of the back office. The protocol says little, so this is what holds:
---  - In XML a parcel is known by its tracking number (PackageID is "1" in each update of many senders). What is in it
---    stands in its Item/Package, or, where an Item has none, in Item/Shipped: that is in the one parcel that has no
---    content of its own, or in all of those together, which are then one shipment with commas between their numbers.
---    Without a Package at all it is a shipment without a tracking number, known by its content and ReferenceNumber.
---  - The form says nothing of content. Its parcels, and those of XML without Items, are one shipment of what is left
---    of the order, their numbers with commas between them; as "Partially Shipped" they are refused, since nobody can
---    say what is in them.
---  - What comes again changes nothing; a parcel that comes again with other content is corrected.
---  - Never more than was ordered: what is more, what the order does not have, a date that is none, a number without
---    its count, a count without its numbers is a contradiction, and nothing of the request is stored.
local decimal = require "cartwright.decimal"
local time = require "cartwright.time"

local parcels = {}

---@class seti.Line
---@field sku? string
---@field line_id? string
---@field quantity cartwright.Decimal

---@class seti.Parcel
---@field id? string
---@field number? string of tracking
---@field carrier? string
---@field method? string
---@field at? string
---@field lines? seti.Line[]

---@class seti.Update
---@field number string
---@field status? string
---@field reference? string
---@field detail? string
---@field parcels seti.Parcel[]
---@field loose seti.Line[] in no parcel, or in none that is named
---@field has_items boolean

local Contradiction = { __name = "contradiction", __tostring = function(one) return one.words end }

local function refuse(format, ...)
  error(setmetatable({ words = format:format(...) }, Contradiction), 0)
end

function parcels.is_contradiction(problem) return getmetatable(problem) == Contradiction end

---@param word string?
function parcels.is_partial(word) return (word or ""):lower() == "partially shipped" end

-- Reading -------------------------------------------------------------------------------------------------------------

local PARCELS_MAX, NUMBER_MAX, DIGITS_MAX = 100, 100, 12

local function text_of(text)
  text = (text or ""):gsub("%c+", " "):match "^%s*(.-)%s*$"
  return text ~= "" and text or nil
end

local function tracking_of(text)
  text = text_of(text)
  if text and #text > NUMBER_MAX then refuse("the tracking number %s... is too long", text:sub(1, 20)) end
  return text and (text:gsub("%s*,%s*", " ")) or nil
end

---@return cartwright.Decimal? quantity nil for nothing and 0
local function quantity_of(text, what)
  text = text_of(text)
  if not text then return nil end
  if #text > DIGITS_MAX or not text:find "^%d+%.?%d*$" then
    refuse("%s is %q, which is no quantity", what, text:sub(1, 40))
  end
  local quantity = decimal.new((text:gsub("%.$", "")))
  return not quantity:is_zero() and quantity or nil
end

---@return integer? count nil: the form has none
local function count_of(form)
  local text = text_of(form.trackcount)
  if not text then return nil end
  if not text:find "^%d+$" or #text > 3 or tonumber(text) > PARCELS_MAX then
    refuse("trackcount is %q, no number from 0 to %d", text:sub(1, 40), PARCELS_MAX)
  end
  return math.tointeger(tonumber(text))
end

---How many tracking numbers the form has, by their fields.
local function sent_numbers(form)
  local last = text_of(form.tracknum) and 1 or 0
  for name, value in pairs(form) do
    local digits = name:match "^tracknum(%d+)$"
    if digits and text_of(value) then
      last = math.max(last, #digits <= 3 and math.tointeger(tonumber(digits)) or PARCELS_MAX + 1)
    end
  end
  return last
end

---@param form table<string, string>
---@return seti.Update
function parcels.from_form(form)
  local update = { number = form.ordernumber or "", status = form.orderstatus, reference = form.refnumber,
    detail = form.orderdetail, parcels = {}, loose = {}, has_items = false }
  local count, sent = count_of(form), sent_numbers(form)
  if sent > (count or 0) then
    refuse("there is a tracking number, but trackcount is %s", count or "missing")
  end
  for i = 1, count or 0 do
    local function field(name) return form[name .. i] or (i == 1 and form[name]) or nil end
    local tracking = tracking_of(field "tracknum")
    if not tracking then refuse("trackcount is %d, but there is no tracknum%d", count, i) end
    update.parcels[i] = { number = tracking, carrier = text_of(field "trackcarrier"), at = field "trackpickupdate" }
  end
  return update
end

---@param node cartwright.Node
---@return seti.Parcel
local function read_package(node)
  local first, second = tracking_of(node:text "TrackingID"), tracking_of(node:text "TrackNum")
  if first and second and first ~= second then refuse("TrackingID is %s, but TrackNum is %s", first, second) end
  return { id = text_of(node:text "PackageID"), number = first or second, carrier = text_of(node:text "Shipper"),
    method = text_of(node:text "Method"), at = node:text "PickupDate" }
end

---@param item cartwright.Node
---@param update seti.Update
---@param by_id table<string, seti.Parcel>
local function read_item(item, update, by_id)
  local sku, line_id = text_of(item:text "ItemNumber"), text_of(item:text "RefNumber")
  local name = sku or line_id or "an Item without ItemNumber"
  local packed = decimal.new "0"
  for package in item:each "Packages/Package" do
    local id = text_of(package:text "PackageID")
    local quantity = quantity_of(package:text "Quantity", ("Quantity of %s in Package %s"):format(name, id or ""))
    local parcel = id and by_id[id]
    if quantity and not parcel then
      refuse("%s is in Package %s, which is none of the Packages", name, id or "without PackageID")
    end
    if quantity then
      parcel.lines = parcel.lines or {}
      table.insert(parcel.lines, { sku = sku, line_id = line_id, quantity = quantity })
      packed = packed + quantity
    end
  end
  local shipped = quantity_of(item:text "Shipped", "Shipped of " .. name)
  if shipped and packed:is_zero() then
    table.insert(update.loose, { sku = sku, line_id = line_id, quantity = shipped })
  elseif shipped and shipped:compare(packed) < 0 then
    refuse("Shipped of %s is %s, but its Packages have %s", name, tostring(shipped), tostring(packed))
  end
end

---@param order cartwright.Node
---@return seti.Update
function parcels.from_xml(order)
  local update = { number = order:text "OrderNumber" or "", status = order:text "Status",
    reference = order:text "ReferenceNumber", detail = order:text "Notes", parcels = {}, loose = {},
    has_items = order:node "Items/Item" ~= nil }
  local by_id = {}
  for node in order:each "Packages/Package" do
    local parcel = read_package(node)
    if parcel.id and by_id[parcel.id] then refuse("two Packages have the PackageID %s", parcel.id) end
    if parcel.id then by_id[parcel.id] = parcel end
    table.insert(update.parcels, parcel)
    if #update.parcels > PARCELS_MAX then refuse("more than %d Packages", PARCELS_MAX) end
  end
  for item in order:each "Items/Item" do read_item(item, update, by_id) end
  return update
end

-- What is shipped already ---------------------------------------------------------------------------------------------

---The order's line that an Item is about.
local function line_of(order, wanted)
  local by_sku
  for _, line in ipairs(order.lines) do
    local is_same = wanted.sku == nil or line.sku == wanted.sku
    if wanted.line_id and line.external_id == wanted.line_id and is_same then return line end
    by_sku = by_sku or (wanted.sku and line.sku == wanted.sku and line) or nil
  end
  return by_sku or refuse("the order has no line with %s", wanted.sku or wanted.line_id or "an empty ItemNumber")
end

local function key_of(line) return line.sku or line.external_id or line.line_id or "" end

---@class seti.Left
---@field by table<string, cartwright.Decimal> pieces by SKU
---@field shipments table[] of this order, by this cart
---@field is_whole boolean one of them is of the whole order

---What of an order is in no shipment but those that are about to be written anew.
---@param anew table<string, boolean> their numbers
---@return seti.Left
local function left_of(self, order, anew)
  local left = { by = {}, is_whole = false }
  for _, line in ipairs(order.lines) do
    local key = key_of(line)
    left.by[key] = (left.by[key] or decimal.new "0") + line.quantity
  end
  left.shipments = self:documents("shipment", { cart = "", order_cart = order.cart, order_id = order.external_id })
  for _, shipment in ipairs(left.shipments) do
    if not anew[shipment.number] then
      left.is_whole = left.is_whole or #shipment.lines == 0
      for _, line in ipairs(shipment.lines) do
        local key = key_of(line)
        if left.by[key] and line.quantity then left.by[key] = left.by[key] - line.quantity end
      end
    end
  end
  return left
end

---Takes the lines of a shipment from what is left.
local function take(order, left, lines)
  for _, line in ipairs(lines) do
    local key = key_of(line_of(order, line))
    if left.is_whole or line.quantity:compare(left.by[key]) > 0 then
      refuse("%s of %s are shipped, but only %s of the order are left", tostring(line.quantity), key,
        left.is_whole and "0" or tostring(left.by[key]))
    end
    left.by[key] = left.by[key] - line.quantity
  end
end

---Tracking numbers that shipments of this order have, each with its shipment's number.
---@return table<string, string>
local function known_numbers(left)
  local known = {}
  for _, shipment in ipairs(left.shipments) do
    for number in (shipment.tracking_number or ""):gmatch "[^,]+" do known[number] = shipment.number end
  end
  return known
end

---A parcel is in one shipment.
local function check_numbers(left, shipment)
  local known = known_numbers(left)
  for number in (shipment.tracking_number or ""):gmatch "[^,]+" do
    if known[number] and known[number] ~= shipment.number then
      refuse("the parcel %s is in the shipment %s already", number, known[number])
    end
  end
end

-- Shipments -----------------------------------------------------------------------------------------------------------

local DATES = { "%m/%d/%Y", "%Y-%m-%d", "%m/%d/%Y %I:%M:%S %p" }

local function date_of(self, text)
  text = text_of(text)
  if not text then return nil end
  for _, format in ipairs(DATES) do
    local at = time.parse(text, self.zone, format)
    if at then return at end
  end
  return refuse("the pickup date %q is no date such as 3/12/2012", text:sub(1, 40))
end

---@param list seti.Parcel[]
---@return string?
local function numbers_of(list)
  local found, has = {}, {}
  for _, parcel in ipairs(list) do
    if parcel.number and not has[parcel.number] then found[#found + 1] = parcel.number end
    if parcel.number then has[parcel.number] = true end
  end
  return #found > 0 and table.concat(found, ",") or nil
end

---What tells a shipment without a tracking number from another one.
local function content_of(self, update, lines)
  local words = { update.reference or "" }
  for _, line in ipairs(lines) do words[#words + 1] = ("%s~%s"):format(key_of(line), tostring(line.quantity)) end
  return self:digest(table.concat(words, "|")):sub(1, 16)
end

---@class seti.Group parcels that are one shipment
---@field parcels seti.Parcel[]
---@field lines? seti.Line[] nil: what is left of the order

---@param update seti.Update
---@return seti.Group[]
local function groups_of(update)
  local groups, bare, by_number = {}, {}, {}
  for _, parcel in ipairs(update.parcels) do
    local same = parcel.number and by_number[parcel.number]
    if not parcel.lines then bare[#bare + 1] = parcel
    elseif same then table.move(parcel.lines, 1, #parcel.lines, #same.lines + 1, same.lines)
    else
      groups[#groups + 1] = { parcels = { parcel }, lines = parcel.lines }
      if parcel.number then by_number[parcel.number] = groups[#groups] end
    end
  end
  if #update.loose > 0 then
    if #groups > 0 and #bare == 0 and #update.parcels > 0 then
      refuse("%s is shipped, but in none of the Packages", key_of(update.loose[1]))
    end
    groups[#groups + 1] = { parcels = bare, lines = update.loose }
  elseif #bare > 0 then
    groups[#groups + 1] = { parcels = bare }
  end
  return groups
end

---@param group seti.Group
local function shipment_of(self, order, update, group)
  local first, tracking = group.parcels[1] or {}, numbers_of(group.parcels)
  local number = ("seti-%d-%s"):format(order.place, tracking or content_of(self, update, group.lines))
  for _, parcel in ipairs(group.parcels) do date_of(self, parcel.at) end
  local lines = {}
  for i, line in ipairs(group.lines) do
    local found = line_of(order, line)
    lines[i] = { sku = found.sku, line_id = found.external_id, quantity = line.quantity }
  end
  return { number = number, order_cart = order.cart, order_id = order.external_id, tracking_number = tracking,
    carrier = first.carrier, method = first.method, shipped_at = date_of(self, first.at), lines = lines,
    note = text_of(update.detail), confirmed = true }
end

---@param left seti.Left
---@return seti.Line[]
local function rest_lines(order, left)
  local lines, done = {}, {}
  for _, line in ipairs(order.lines) do
    local key = key_of(line)
    local quantity = left.by[key]
    if not left.is_whole and not done[key] and quantity:compare(0) > 0 then
      lines[#lines + 1] = { sku = line.sku, line_id = line.external_id, quantity = quantity }
    end
    done[key] = true
  end
  return lines
end

---Parcels of which nobody says what is in them: a shipment of what is left, or more numbers of that of the whole order.
---@param group seti.Group
---@param left seti.Left
---@return table? shipment nil where all of them are known
local function rest_of(self, order, update, group, left)
  local known, new = known_numbers(left), {}
  for _, parcel in ipairs(group.parcels) do
    date_of(self, parcel.at)
    if not parcel.number then refuse "a Package has neither a TrackingID nor anything in it" end
    if not known[parcel.number] then new[#new + 1] = parcel end
  end
  if #new == 0 then return nil end
  if parcels.is_partial(update.status) or update.has_items then
    refuse("nobody says what is in the parcel %s; send it as XML, with its Items", new[1].number)
  end
  local id = ("seti-%d"):format(order.place)
  local shipment = { number = id, order_cart = order.cart, order_id = order.external_id, carrier = new[1].carrier,
    method = new[1].method, shipped_at = date_of(self, new[1].at), note = text_of(update.detail), confirmed = true }
  local all, lines = {}, {}
  for _, present in ipairs(left.shipments) do
    if present.number == id then
      all[1] = { number = present.tracking_number }
      lines = present.lines
    end
  end
  table.move(new, 1, #new, #all + 1, all)
  shipment.tracking_number = numbers_of(all)
  shipment.lines = lines
  if #all == #new and #left.shipments > 0 then
    shipment.lines = rest_lines(order, left)
    if #shipment.lines == 0 then refuse("all of the order is shipped, but the parcel %s is new", new[1].number) end
  end
  return shipment
end

---The shipments that an update means. Raises a contradiction.
---@param update seti.Update
---@return table[]
function parcels.shipments(self, order, update)
  local found, anew, rest = {}, {}, nil
  for _, group in ipairs(groups_of(update)) do
    if group.lines then
      found[#found + 1] = shipment_of(self, order, update, group)
      anew[found[#found].number] = true
    else
      rest = group
    end
  end
  if #found == 0 and not rest then return found end
  local left = left_of(self, order, anew)
  for _, shipment in ipairs(found) do
    check_numbers(left, shipment)
    take(order, left, shipment.lines)
  end
  if rest then found[#found + 1] = rest_of(self, order, update, rest, left) end
  return found
end

return parcels
