---What WooCommerce is told of how its orders go on: statuses, and parcels with their tracking numbers.
---
---Facts this script relies on:
---  - A change of status mails the buyer. The shop moves an order from any state to any other.
---  - The shop itself keeps no tracking numbers. The Shipment Tracking extension does, under its own address or, in older
---    versions, below the orders of wc/v3. Its answers have the day of a parcel, not the time. Tracking goes first, so that
---    the mail of the state "completed" has the number.
---  - A note to the customer is mailed. The list of an order's notes is never cut.
---
---Not known: how Advanced Shipment Tracking, another plugin, tells what it has; and from which version on the shop's own
---fulfillments keep the numbers that they take, which they lost for a time. So neither is used.
local records = require "shipped.woocommerce.records"
local tell = require "cartwright.tell"

local progress = {}

local ORDER_FIELDS = { _fields = "id,status" }

---@return table? order
---@return cartwright.Response? response
local function order_of(self, id) return records.find(self, "orders/" .. id, ORDER_FIELDS) end

---@return cartwright.Response
local function move(self, id, status)
  return self:write("PUT", "orders/" .. id, { status = status }, { query = ORDER_FIELDS })
end

---@param messages cartwright.Message[]
---@param is_there fun(message: cartwright.Message): boolean?, string? nil: cannot be told
local function answer_each(messages, is_there)
  for _, message in ipairs(messages) do
    local there, words = is_there(message)
    if there then message:arrived(words) elseif there == false then message:missing(words) end
  end
end

-- Statuses ------------------------------------------------------------------------------------------------------------

---The shop's word for a status of ours.
---@return string? slug
---@return string? why there is none
local function slug_for(self, status)
  local slug = self:translate_back("status", status)
  if slug then return slug end
  return nil, ("none of the shop's states means %s; say which: cartwright table set %s status_out %s SLUG"):format(
    status, self.name, status)
end

---Whether an order is in a state. Where it is not, it may have gone on since.
local function is_in(self, order_id, slug)
  local order = order_of(self, order_id)
  if not order then return nil end
  return order.status == slug, "the order is " .. tostring(order.status)
end

progress.statuses_out = {
  send = function(self, message)
    local data = message.data
    local slug, why = slug_for(self, data.status)
    if not slug then return message:refused(why) end
    local order, response = order_of(self, data.order_id)
    if not order then return message:refused "the shop has no such order" end
    local fault = tell.status_fault(data.status, self:translate("status", order.status), order.status)
    if order.status ~= slug and fault then return message:refused(fault) end
    if order.status ~= slug then response = move(self, data.order_id, slug) end
    message:sent(response)
  end,

  probe = function(self, messages)
    answer_each(messages, function(message)
      local slug = slug_for(self, message.data.status)
      if slug then return is_in(self, message.data.order_id, slug) end
    end)
  end,
}

-- Tracking numbers ----------------------------------------------------------------------------------------------------

local OWN_ADDRESS = "wc-shipment-tracking/v3"

---Where the trackings of an order are: the extension's own address, or that of its older versions.
local function trackings_path(self, order_id)
  local base = self:once("trackings", function()
    for _, namespace in ipairs(self:read_index().namespaces) do
      if namespace == OWN_ADDRESS then return self.settings.url .. "/wp-json/" .. OWN_ADDRESS .. "/orders/" end
    end
    return "orders/"
  end)
  return base .. order_id .. "/shipment-trackings"
end

---The extension's trackings of an order; nil where it is not active.
---@return table[]? trackings
---@return cartwright.Response? response
local function trackings_of(self, order_id)
  local response, message = self:request { path = trackings_path(self, order_id) }
  if not response then error(message, 0) end
  ---@cast response cartwright.Response
  local is_json, list = pcall(response.json, response)
  if response.status == 404 and is_json and list.code == "rest_no_route" then return nil end
  if response.status < 200 or response.status > 299 or not is_json then
    error(("%s: HTTP %d"):format(response.address, response.status), 0)
  end
  return list, response
end

---@param trackings table[]
---@return table? the one with this number
local function with_number(trackings, number)
  for _, tracking in ipairs(trackings) do
    if number and tracking.tracking_number == number then return tracking end
  end
end

---What the extension takes: a carrier by the name that it lists, or one of any name with an address to follow it.
---@param data out.ShipmentData
local function tracking_fields(self, data)
  local fields = { tracking_number = data.tracking_number,
    date_shipped = data.shipped_at and data.shipped_at:format("%Y-%m-%d", self.zone) }
  if data.carrier then
    fields.tracking_provider = data.carrier
  else
    fields.custom_tracking_provider = data.carrier_name or data.method or "-"
    fields.custom_tracking_link = data.tracking_url
  end
  return fields
end

---Writes the number where the extension keeps it, and takes back the one that it corrects.
---@return cartwright.Response response
local function track(self, data, trackings, response)
  local path, wrong = trackings_path(self, data.order_id), with_number(trackings, data.old_tracking_number)
  if data.tracking_number and not with_number(trackings, data.tracking_number) then
    response = self:write("POST", path, tracking_fields(self, data))
  end
  if wrong and data.old_tracking_number ~= data.tracking_number then
    response = self:write("DELETE", path .. "/" .. wrong.tracking_id)
  end
  return response
end

---@param data out.ShipmentData
local function note_of(data)
  local words = { data.carrier_name or data.carrier or data.method or "", data.tracking_number, data.tracking_url }
  return (table.concat({ words[1] or "", words[2] or "", words[3] or "" }, " "):gsub("^ +", ""):gsub(" +$", ""))
end

---Whether a text has the number, and not just a longer one that it is a part of.
---@param text string
---@param number string
local function names(text, number)
  local at, last = text:find(number, 1, true)
  while at do
    local around = text:sub(at - 1, at > 1 and at - 1 or 0) .. text:sub(last + 1, last + 1)
    if not around:find "[%w_/.-]" then return true end
    at, last = text:find(number, at + 1, true)
  end
  return false
end

---The note to the buyer with this number.
---@return boolean
---@return cartwright.Response
local function has_note(self, data)
  local response = self:get(("orders/%s/notes"):format(data.order_id))
  for _, note in ipairs(response:json()) do
    if note.customer_note == true and names(tostring(note.note), data.tracking_number) then
      return true, response
    end
  end
  return false, response
end

---@return cartwright.Response? response
---@return string? why not
local function write_note(self, data)
  if not self.settings.tracking_notes then
    return nil, "the shop has no place for tracking numbers: its Shipment Tracking extension is not active, or set "
      .. "tracking_notes = true, and notes to the buyer will have them"
  end
  if not data.tracking_number then return nil, "a note that was mailed cannot be taken back" end
  local is_there, response = has_note(self, data)
  if is_there then return response end
  return self:write("POST", ("orders/%s/notes"):format(data.order_id), { note = note_of(data), customer_note = true })
end

---@return cartwright.Response? response
---@return string? why not
local function tell_number(self, data)
  local trackings, response = trackings_of(self, data.order_id)
  if trackings then return track(self, data, trackings, response) end
  return write_note(self, data)
end

---@return boolean? is_there nil: cannot be told
local function is_told(self, data)
  local trackings = trackings_of(self, data.order_id)
  if not trackings then return data.tracking_number and has_note(self, data) or false end
  local wrong = data.old_tracking_number ~= data.tracking_number and with_number(trackings, data.old_tracking_number)
  return not wrong and (not data.tracking_number or with_number(trackings, data.tracking_number) ~= nil)
end

-- Shipments -----------------------------------------------------------------------------------------------------------

---Orders in these states are not shipped any more.
local STOPPED = { cancelled = true, refunded = true, trash = true }

progress.shipments_out = {
  send = function(self, message)
    local data = message.data
    local slug, why = slug_for(self, "completed")
    local order, response = order_of(self, data.order_id)
    if not order then return message:refused "the shop has no such order" end
    if STOPPED[order.status] then
      return message:refused(("the order is %s in the shop, so that it is not told of a shipment: stop the parcel, or move "
        .. "the order in the shop, then retry"):format(order.status))
    end
    if data.completes and not slug then return message:refused(why) end
    if data.tracking_number or data.old_tracking_number then
      response, why = tell_number(self, data)
      if not response then return message:refused(why) end
    elseif not data.completes then
      return message:needless "a part without a tracking number: the shop knows no parts of an order"
    end
    if data.completes and order.status ~= slug then response = move(self, data.order_id, slug) end
    message:sent(response)
  end,

  probe = function(self, messages)
    answer_each(messages, function(message)
      local data = message.data
      if (data.tracking_number or data.old_tracking_number) and not is_told(self, data) then
        return false, "the shop does not have the tracking number"
      end
      if not data.completes then return true, "the shop has the tracking number" end
      return is_in(self, data.order_id, (slug_for(self, "completed")))
    end)
  end,
}

return progress
