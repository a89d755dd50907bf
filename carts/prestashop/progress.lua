---What PrestaShop is told of how its orders go on: statuses, and parcels with their tracking numbers.
---
---Facts this script relies on:
---  - The state of an order is changed by a row of its history; written to the order it would come twice. Tracking is
---    the order_carrier's, and goes first, so that the mail of the state "shipped" has the number.
---  - An order has one order_carrier, with one field of 64 characters for the numbers of all its parcels. Between them
---    stand commas: a number with a comma in it is as many numbers.
---  - The shop moves an order from any state to any other, and mails the buyer each time.
local records = require "shipped.prestashop.records"
local tell = require "cartwright.tell"

local progress = {}

-- Statuses ------------------------------------------------------------------------------------------------------------

---All order states, also those that are deleted: an order may still be in one.
local function states_of(self)
  return self:once("states", function() return records.look_up(self, "order_states", {}) end)
end

local function means(self, state, status)
  local row = self.row_of(state)
  return row == status or self:translate("status", row) == status
end

---The number of the shop's order state for one of our statuses, or for a row of the table `status` ("back order").
---@return string? id
---@return string? why there is none
local function state_for(self, status)
  local own = self.tables.status_out and self:translate("status_out", status)
  if own then return own end
  local found, names = nil, {}
  for _, state in ipairs(states_of(self)) do
    if state:text "deleted" ~= "1" and means(self, state, status) then
      found = state:text "id"
      names[#names + 1] = ("%s %s"):format(found, state:text "name/language" or "")
    end
  end
  if #names == 1 then return found end
  return nil, ("%s of the shop's order states %s %s%s; say which: cartwright table set %s status_out %s NUMBER"):format(
    #names == 0 and "none" or "several", #names == 0 and "means" or "mean", status,
    #names == 0 and "" or ": " .. table.concat(names, ", "), self.name, status)
end

---@return cartwright.Response
local function move(self, order_id, state)
  return (records.create(self, "order_histories", { id_order = order_id, id_order_state = state }, records.mail(self)))
end

---@param messages cartwright.Message[]
---@param is_there fun(message: cartwright.Message): boolean?, string? nil: cannot be told
local function answer_each(messages, is_there)
  for _, message in ipairs(messages) do
    local there, words = is_there(message)
    if there then message:arrived(words) elseif there == false then message:missing(words) end
  end
end

---Whether an order is in a state: true, false when it never was; nil when it was, and has gone on since.
local function has_moved(self, order_id, state)
  local order = records.look_up_one(self, "orders", { id = order_id }, records.ONE)
  if order and order:text "current_state" == state then return true, "the order is in this state" end
  local rows = records.look_up(self, "order_histories", { id_order = order_id, id_order_state = state })
  if #rows == 0 then return false, "its history has no such state" end
end

---Why the order may not be moved from its present state.
---@param current string number of the state
local function move_fault(self, status, current)
  for _, one in ipairs(states_of(self)) do
    if one:text "id" == current then
      return tell.status_fault(status, self:translate("status", self.row_of(one)), one:text "name/language")
    end
  end
  return tell.status_fault(status, self:translate("status", "state " .. current), "state " .. current)
end

progress.statuses_out = {
  send = function(self, message)
    local data = message.data
    local state, why = state_for(self, data.status)
    if not state then return message:refused(why) end
    local order, response = records.look_up_one(self, "orders", { id = data.order_id }, records.ONE)
    if not order then return message:refused "the shop has no such order" end
    local current = order:text "current_state" or "0"
    if current ~= state then
      local fault = move_fault(self, data.status, current)
      if fault then return message:refused(fault) end
      response = move(self, data.order_id, state)
    end
    message:sent(response)
  end,

  probe = function(self, messages)
    answer_each(messages, function(message)
      local state = state_for(self, message.data.status)
      if state then return has_moved(self, message.data.order_id, state) end
    end)
  end,
}

-- Shipments -----------------------------------------------------------------------------------------------------------

local TRACKING_NUMBER = "^[%w~:#,%%&_=()%[%].?+%-@/]+$"
local TRACKING_LENGTH = 64

---The shop's list of tracking numbers as it is to be: with the shipment's, without the one that this corrects.
---@param present? string
---@param data out.ShipmentData
---@return string numbers the same text when nothing is to be written
local function numbers_with(present, data)
  local function set_of(text)
    local set = {}
    for one in (text or ""):gmatch "[^,]+" do set[one] = true end
    return set
  end
  local wanted, wrong, there, numbers = set_of(data.tracking_number), set_of(data.old_tracking_number), {}, {}
  for one in (present or ""):gmatch "[^,]+" do
    there[one] = true
    if wanted[one] or not wrong[one] then numbers[#numbers + 1] = one end
  end
  for one in (data.tracking_number or ""):gmatch "[^,]+" do
    if not there[one] then numbers[#numbers + 1] = one end
  end
  return table.concat(numbers, ",")
end

---The parcel's row of the shop; the newest one where an order has several.
local function parcel_of(self, order_id)
  local rows, response = records.look_up(self, "order_carriers", { id_order = order_id })
  return rows[#rows], response
end

---The carrier's number now: each time that it is edited it gets another, and keeps its id_reference.
---@return string? id
---@return string? why not
local function carrier_for(self, reference)
  local carrier = records.look_up(self, "carriers", { id_reference = reference, deleted = 0 })[1]
  if carrier then return carrier:text "id" end
  return nil, ("the shop has no carrier with the id_reference %s; mend the row: cartwright table set %s carrier_out ..."
    ):format(reference, self.name)
end

---Writes the tracking number beside those of other parcels, and who carries it where a table says so.
---@return cartwright.Response? response
---@return string? why not
local function track(self, data)
  local parcel, response = parcel_of(self, data.order_id)
  if not parcel then return nil, "the order has no order_carrier in the shop, where the tracking number belongs" end
  local present = parcel:text "tracking_number" or ""
  local all = numbers_with(present, data)
  if all == present then return response end
  if #all > TRACKING_LENGTH then
    return nil, ("the shop keeps %d characters of an order's tracking numbers, and %q would not fit; shorten its list "
      .. "in the shop, or write this number into it by hand, then retry"):format(TRACKING_LENGTH, all)
  end
  local carrier, why
  if data.carrier then
    carrier, why = carrier_for(self, data.carrier)
    if not carrier then return nil, why end
  end
  return records.change(self, "order_carriers", parcel, { tracking_number = all, id_carrier = carrier },
    data.tracking_number and records.mail(self))
end

---Why nobody may ship the order; nil when it may be shipped.
---@param state? cartwright.Node
local function fault_of(self, state)
  for _, status in ipairs { "cancelled", "refunded" } do
    if state and means(self, state, status) then
      return ("the order is %s in the shop, so that it is not told of a shipment: stop the parcel, or move the order "
        .. "in the shop, then retry"):format(status)
    end
  end
end

---The order, and the state that it is to be moved to.
---@return cartwright.Node? order
---@return string? state nil: none; without an order, why it cannot be shipped
---@return cartwright.Response? response the order came in
local function shippable(self, data)
  local order, response = records.look_up_one(self, "orders", { id = data.order_id }, records.ONE)
  if not order then return nil, "the shop has no such order" end
  local current
  for _, one in ipairs(states_of(self)) do
    if one:text "id" == order:text "current_state" then current = one end
  end
  local fault = fault_of(self, current)
  if fault then return nil, fault end
  if not data.completes or (current and current:text "shipped" == "1") then return order, nil, response end
  local state, why = state_for(self, "shipped")
  if not state then return nil, why end
  return order, order:text "current_state" ~= state and state or nil, response
end

---Whether the shop has the tracking numbers as they are to be.
local function is_tracked(self, data)
  if not (data.tracking_number or data.old_tracking_number) then return true end
  local parcel = parcel_of(self, data.order_id)
  local present = parcel and parcel:text "tracking_number" or ""
  return numbers_with(present, data) == present
end

local function is_number(text)
  return text:match(TRACKING_NUMBER) and text:find "[^,]" and #text <= TRACKING_LENGTH
end

progress.shipments_out = {
  send = function(self, message)
    local data = message.data
    local number = data.tracking_number
    if number and not is_number(number) then
      return message:refused(("the shop does not take %q as a tracking number"):format(number))
    end
    local order, state, response = shippable(self, data)
    if not order then return message:refused(state) end
    if number or data.old_tracking_number then
      local why
      response, why = track(self, data)
      if not response then return message:refused(why) end
    end
    if state then response = move(self, data.order_id, state) end
    message:sent(response)
  end,

  probe = function(self, messages)
    answer_each(messages, function(message)
      local data = message.data
      if not is_tracked(self, data) then return false, "the shop does not have the tracking number" end
      if not data.completes then return true, "the shop has the tracking number" end
      local state = state_for(self, "shipped")
      if state then return has_moved(self, data.order_id, state) end
    end)
  end,
}

return progress
