---The numbers under which orders are given to an Order Manager. It asks for what follows the last number that it has,
---so an order gets its number when it may be given for the first time, behind all that were given before, and keeps it:
---an order that is released late is neither passed by, nor given twice.
---
---What is kept between requests: the places of orders in the order of their numbers, in pieces, and in the head how far
---orders were looked at, how many have a number, by which rule, and who waits. The head is written last: what a piece
---has beyond its count is nobody's number.
local numbers = {}

local HEAD, PIECE, PIECE_SIZE, PIECES_MAX = "numbers", "numbers %d", 20000, 60
local AT_ONCE = 1000

---@class numbers.Rule
---@field carts? string[] nil: all
---@field currency? string nil: there is no order yet

---@class numbers.State
---@field seen integer the place up to which orders were looked at
---@field count integer of numbers
---@field rule string
---@field waiting integer[] places of those that may be given later

---@param rule numbers.Rule
local function name_of(rule)
  return ("%s/%s"):format(rule.carts and table.concat(rule.carts, ",") or "", rule.currency or "")
end

---@return numbers.State
local function recall(self)
  local seen, count, rule, list = (self:recall(HEAD) or ""):match "^(%d+) (%d+) (%S+)\n(.*)$"
  local state = { seen = math.tointeger(seen) or 0, count = math.tointeger(count) or 0, rule = rule, waiting = {} }
  for place in (list or ""):gmatch "%d+" do state.waiting[#state.waiting + 1] = math.tointeger(place) end
  return state
end

---The places of a piece, those that count.
local function recall_piece(self, state, index)
  local places, most = {}, math.min(PIECE_SIZE, state.count - (index - 1) * PIECE_SIZE)
  for place in (self:recall(PIECE:format(index)) or ""):gmatch "%d+" do
    if #places == most then break end
    places[#places + 1] = math.tointeger(place)
  end
  return places
end

local function index_of(number) return (number - 1) // PIECE_SIZE + 1 end

---Gives the places the next numbers; the head is not written yet.
local function append(self, state, places)
  local piece, index
  for _, place in ipairs(places) do
    local next_index = index_of(state.count + 1)
    if next_index > PIECES_MAX then error("more than 1,200,000 orders have a number", 0) end
    if next_index ~= index then
      if piece then self:remember(PIECE:format(index), table.concat(piece, " ")) end
      piece, index = recall_piece(self, state, next_index), next_index
    end
    piece[#piece + 1], state.count = place, state.count + 1
  end
  if piece then self:remember(PIECE:format(index), table.concat(piece, " ")) end
end

---Those that have a number already, where they may be met again: after the rule changed.
local function known(self, state)
  local found = {}
  for index = 1, index_of(math.max(state.count, 1)) do
    for _, place in ipairs(recall_piece(self, state, index)) do found[place] = true end
  end
  return found
end

local function choice(rule, more)
  local options = { carts = rule.carts, currency = rule.currency, limit = AT_ONCE }
  for key, value in pairs(more) do options[key] = value end
  return options
end

---Which of those that waited may be given now.
local function take_waiting(self, state, rule)
  local ready, left = {}, {}
  for first = 1, #state.waiting, AT_ONCE do
    local some, is_ready = table.move(state.waiting, first, math.min(first + AT_ONCE - 1, #state.waiting), 1, {}), {}
    for _, place in ipairs(self:places("order", choice(rule, { places = some, waits = false }))) do
      is_ready[place], ready[#ready + 1] = true, place
    end
    for _, place in ipairs(some) do
      if not is_ready[place] then left[#left + 1] = place end
    end
  end
  state.waiting = left
  return ready
end

local function save(self, state)
  self:remember(HEAD, ("%d %d %s\n%s"):format(state.seen, state.count, state.rule or "-",
    table.concat(state.waiting, " ")))
end

---Orders behind the last one that was looked at: those that may be given get a number, the others wait.
---@param has table<integer, boolean> who has one already
local function take_new(self, state, rule, has)
  while true do
    local some = self:places("order", choice(rule, { after = state.seen }))
    if #some == 0 then return end
    local ready, is_ready = {}, {}
    for _, place in ipairs(self:places("order", choice(rule, { places = some, waits = false }))) do
      is_ready[place] = true
      if not has[place] then ready[#ready + 1] = place end
    end
    for _, place in ipairs(some) do
      if not is_ready[place] and not has[place] then state.waiting[#state.waiting + 1] = place end
    end
    append(self, state, ready)
    state.seen = some[#some]
    save(self, state)
  end
end

---Gives numbers to all that may be given now. After the rule changed it stands in the head once all were looked at
---by it: until then each request begins anew.
---@param rule numbers.Rule
---@return numbers.State
function numbers.refresh(self, rule)
  local state, has = recall(self), {}
  if state.rule ~= name_of(rule) then -- orders that were passed by may be wanted now
    has = known(self, state)
    state.seen, state.waiting = 0, {}
  end
  local late = take_waiting(self, state, rule)
  if #late > 0 then
    append(self, state, late)
    save(self, state)
  end
  take_new(self, state, rule, has)
  if state.rule ~= name_of(rule) then
    state.rule = name_of(rule)
    save(self, state)
  end
  return state
end

---The place of the order that has this number.
---@param number integer
---@return integer?
function numbers.place(self, number)
  local state = recall(self)
  if number < 1 or number > state.count then return nil end
  return recall_piece(self, state, index_of(number))[(number - 1) % PIECE_SIZE + 1]
end

---The places of orders from a number on.
---@param state numbers.State
---@return integer[]
function numbers.list(self, state, first, limit)
  local found, piece, index = {}, nil, nil
  for number = first, math.min(first + limit - 1, state.count) do
    if index_of(number) ~= index then
      index = index_of(number)
      piece = recall_piece(self, state, index)
    end
    found[#found + 1] = piece[(number - 1) % PIECE_SIZE + 1]
  end
  return found
end

return numbers
