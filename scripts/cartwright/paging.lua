---Reading a list page by page while the shop changes it.
---
---What can go wrong: records leave the list while it is read, and the rest moves up, so that a page skips some; hosts
---send fewer records than asked for; shops hide records that they counted, or repeat their last page for ever; a
---server is too slow for a whole page. What is done about it:
---
---  - The list is sorted by id inside fixed bounds, and each page begins with the last record of the page before.
---    Where it does not, or where the shop's own count changes, the list has moved: the whole list is read again, until
---    one reading shows no move or two readings in a row got the same pages. A shop that counts more than it sends,
---    one page again and again, is not believed.
---  - A short page is no end. The end is where the shop's count says so; without one, a page that holds nothing new.
---  - A page that the server cannot deliver is asked for in smaller parts, down to single records.
---
---Records that come twice cost one look-up each: the runtime knows them by their bytes.
local cart = require "cartwright.cart"
local json = require "cartwright.json"

local paging = {}

local READINGS = 5    -- of one list, before it counts as too restless; the window is then read again later
local REPEATS = 3     -- pages in a row that were all there before: the shop repeats itself
local RECOVERY = 10   -- good pages after which a page size that was made smaller is doubled

local BROKEN = 3      -- records in a row that cannot be had, while one is searched: then it is not the records

local TOO_MUCH = { [500] = true, [502] = true, [504] = true }
local CONTENT = { invalid = true, limit = true, ["not-expected"] = true }

---Whether asking for less may help. A shop that is closed or wants to be left alone (503, 429) is not asked for less.
local function is_too_much(problem)
  return type(problem) == "table" and
    (problem.code == "timeout" or problem.code == "limit" or TOO_MUCH[problem.status] == true)
end

---Whether a single record of the page may be the cause.
local function is_broken(problem)
  return is_too_much(problem) or (type(problem) == "table" and not problem.status and CONTENT[problem.code] == true)
end

---One reading of the list, from its start to its end.
---@class paging.Reading
---@field offset integer where the next page begins
---@field last string? id of the last record so far
---@field overlaps boolean the next page begins with `last`
---@field hides boolean the page before was shorter than the shop's count allows: it hides records
---@field steady boolean nothing has moved so far
---@field total integer? the shop's count
---@field largest integer records on the largest page so far
---@field pages string[] fingerprints, in order
---@field seen table<string, boolean>
---@field repeats integer
---@field stuck boolean the shop sent one page for two places of the list, although it counts more
---@field broken integer records in a row that could not be had

---@return paging.Reading
local function new_reading(offset, last, steady)
  return { offset = offset, last = last, overlaps = last ~= nil, hides = false, steady = steady, largest = 0,
    pages = {}, seen = {}, repeats = 0, stuck = false, broken = 0 }
end

---@return boolean
local function holds(records, id_path, id)
  for _, found in ipairs(records:collect(id_path)) do
    if found == id then return true end
  end
  return false
end

---Whether this page goes on where the one before ended.
---@param reading paging.Reading
local function goes_on(reading, records, id_path)
  if not reading.overlaps then return reading.last == nil end
  return records:ends() == reading.last or (reading.hides and holds(records, id_path, reading.last))
end

---How many places of the list a page covers. One that is longer than asked for holds records twice, or the shop does
---not care what was asked.
local function places_of(records, size, id_path)
  if #records <= size then return #records end
  return math.max(#records:collect(id_path), size)
end

---Takes in a page with records, of which `size` were asked for; returns whether it brought anything. The last record
---alone proves nothing when no more was asked for.
---@param reading paging.Reading
local function take(reading, records, size, id_path)
  local count, fingerprint = places_of(records, size, id_path), records:fingerprint()
  local _, last = records:ends()
  reading.steady = goes_on(reading, records, id_path) and reading.steady
  local nothing_new = count == 1 and size > 1 and reading.overlaps and last == reading.last
  reading.repeats = reading.seen[fingerprint] and reading.repeats + 1 or 0
  reading.stuck = reading.stuck or (reading.repeats > 0 and reading.total ~= nil)
  reading.seen[fingerprint] = true
  reading.pages[#reading.pages + 1] = fingerprint
  reading.largest = math.max(reading.largest, count)
  reading.hides = reading.total ~= nil and count < size and reading.offset + count < reading.total
  reading.last, reading.overlaps = last, count > 1
  reading.offset = reading.offset + (count > 1 and count - 1 or 1)
  return not nothing_new
end

---Goes past an empty page. Where the last record should have come again, something is wrong.
---@param reading paging.Reading
local function pass_empty(reading)
  reading.steady = reading.steady and not reading.overlaps
  reading.overlaps = false
  if reading.total then reading.offset = reading.offset + math.max(reading.largest, 1) end
end

---Goes past a record that breaks the list, and keeps what the shop said.
---@param reading paging.Reading
local function pass_by(self, reading, problem)
  reading.broken = reading.broken + 1
  if reading.broken > BROKEN then error(problem, 0) end
  self.passed_by = tostring(problem)
  reading.offset, reading.last, reading.overlaps = reading.offset + 1, nil, false
end

---Whether the list ends here. `fresh`: the last page brought something.
---@param reading paging.Reading
local function is_over(reading, count, fresh)
  if reading.repeats >= REPEATS then return true end
  if reading.total then return reading.offset + (reading.overlaps and 1 or 0) >= reading.total end
  return count == 0 or (not fresh and reading.largest > 1)
end

---@param reading paging.Reading
local function note_total(reading, total)
  if reading.total and total ~= reading.total then reading.steady = false end
  reading.total = total
end

---@class paging.State
---@field size integer asked for now
---@field wanted integer
---@field good integer pages since it was made smaller
---@field search "halve"|"step"|nil of the window

---Whether it is worth asking for less after `problem`.
---@param state paging.State
local function may_shrink(state, problem)
  if state.size == 1 or state.search == "halve" then return false end
  return is_too_much(problem) or (state.search == "step" and is_broken(problem))
end

local NOTHING = {}

---Reads a page, smaller where the server cannot deliver a whole one.
---@param state paging.State
---@return cartwright.Records? records none where there is no such page; nil: the one record asked for is passed by
---@return any size that was asked for; without records the problem
---@return integer? total
local function read_page(options, state, offset)
  while true do
    local size = state.size
    local done, records, total = pcall(options.read, offset, size)
    if done then
      state.good = state.good + 1
      if state.good >= RECOVERY and state.size < state.wanted then
        state.size, state.good = math.min(state.size * 2, state.wanted), 0
      end
      return records or NOTHING, size, total
    end
    if may_shrink(state, records) then
      state.size, state.good = size // 2, 0
    elseif state.search == "step" and is_broken(records) then
      return nil, records
    else
      error(records, 0)
    end
  end
end

---The place of the last record, where an interrupted run goes on.
---@param reading paging.Reading
local function position_of(reading)
  local place = reading.overlaps and reading.offset or reading.offset - 1
  return json.encode { offset = place, last = reading.last, steady = reading.steady }
end

---Takes in what a page brought, and stores it. Returns whether the list ends here.
---@param reading paging.Reading
---@return boolean over
local function take_in(self, options, reading, records, size, total)
  local count, fresh = #records, false
  if total then note_total(reading, total) end
  reading.broken = 0
  if count > 0 then
    fresh = take(reading, records, size, options.id or "id")
    if options.store then options.store(records) else self:emit(records, { position = position_of(reading) }) end
  else
    pass_empty(reading)
  end
  return is_over(reading, count, fresh)
end

---Reads on until the list ends. Returns early, with false, when a resumed reading finds another list than it left.
---@param reading paging.Reading
---@return boolean done
local function read_through(self, options, state, reading)
  local resumed = reading.overlaps
  while true do
    local records, size, total = read_page(options, state, reading.offset)
    if not records then
      pass_by(self, reading, size)
      if reading.total and reading.offset >= reading.total then return true end
    else
      if resumed and (#records == 0 or not goes_on(reading, records, options.id or "id")) then return false end
      if take_in(self, options, reading, records, size, total) then return true end
    end
    resumed = false
  end
end

---Where an interrupted run left off, or the list's start.
---@return paging.Reading
local function resume(window)
  local at = window.position and json.decode(window.position)
  if type(at) == "table" and math.type(at.offset) == "integer" and type(at.last) == "string" then
    return new_reading(at.offset, at.last, at.steady == true)
  end
  return new_reading(0, nil, true)
end

---Whether a reading is to be believed: nothing moved, or the one before got the same pages.
---@param reading paging.Reading
local function is_whole(reading, pages, before)
  return not reading.stuck and (reading.steady or pages == before)
end

---@class paging.Options
---@field size integer records a page
---@field id? string path of a record's id; default "id"
---@field read fun(offset: integer, size: integer): cartwright.Records?, integer? the page's records, sorted by id (nil:
---  none), and the number of all records where the shop tells it
---@field store? fun(records: cartwright.Records) takes a page; default self:emit

---Reads the whole list and stores its pages.
---@param self cartwright.Cart
---@param window cartwright.Window
---@param options paging.Options
function paging.walk(self, window, options)
  local state = { size = window.search == "step" and 1 or options.size, wanted = options.size, good = 0,
    search = window.search }
  local reading, before = resume(window), nil
  if not read_through(self, options, state, reading) then
    reading = new_reading(0, nil, true)
    read_through(self, options, state, reading)
  end
  for _ = 2, READINGS do
    local pages = table.concat(reading.pages, " ")
    if is_whole(reading, pages, before) then return end
    before, reading = pages, new_reading(0, nil, true)
    if state.search == "step" then state.size, state.good = 1, 0 end -- so that both readings get the same pages
    read_through(self, options, state, reading)
  end
  if is_whole(reading, table.concat(reading.pages, " "), before) then return end
  if reading.stuck then
    cart.fail("unavailable", ("the shop counts %d records, but sends the same page for different parts of the list; "
      .. "does a cache before it ignore the query?"):format(reading.total))
  end
  cart.fail("unavailable", ("the list changed during each of %d readings; what came is stored, and the next run "
    .. "reads it again"):format(READINGS))
end

-- Other ways to ask ---------------------------------------------------------------------------------------------------

---@class paging.KeyOptions
---@field size integer records a page
---@field read fun(after: string?, size: integer): cartwright.Records? the first records behind that id, sorted by id;
---  nil: none
---@field nth? fun(offset: integer, size: integer): cartwright.Records? the list by its places, asked for one record at
---  a time, when one is searched that breaks it; without it the record's id is searched, which costs some dozens of
---  requests, and needs ids that are integers
---@field store? fun(records: cartwright.Records) takes a page; default self:emit

local FARTHEST = 1 << 53 -- few shops count further

---@return boolean
local function can_read(options, id) return (pcall(options.read, tostring(id), 1)) end

---The id of the record that cannot be had, the first behind `after`: from there on the list can be read again.
---@return string? id nil: it is not one record, or ids are no integers
local function find_broken(options, after)
  local low, step = math.tointeger(tonumber(after or 0)), 1
  if not low or not can_read(options, math.max(FARTHEST, 2 * low)) then return nil end
  while not can_read(options, low + step) do step = step * 2 end
  local before, behind = low + step // 2, low + step
  while behind - before > 1 do
    local middle = before + (behind - before) // 2
    if can_read(options, middle) then behind = middle else before = middle end
  end
  return tostring(behind)
end

---Takes a page, and gives the id behind which is asked next. A record that shows none until it is mapped (damaged ones, ids
---in derived parts) is stored, but nothing can lie behind it.
---@return string id
local function take_keyed(self, options, records, after)
  local _, last = records:ends()
  local is_known = not last:find "^damaged:%x+$"
  if options.store then options.store(records) else self:emit(records, { position = is_known and last or after }) end
  if is_known then return last end
  cart.fail("not-expected", "the last record of a page shows no id, so nobody can ask for what comes behind it: it is "
    .. "damaged, or its id stands in a part that is made of it or attached to it; read the list with paging.walk")
end

---Reads record by record, passing by those that cannot be had.
local function read_each(self, window, options)
  local after, broken = window.position, 0
  while true do
    local done, records = pcall(options.read, after, 1)
    local passed = not done and is_broken(records) and broken < BROKEN and find_broken(options, after)
    if passed then
      self.passed_by, broken, after = tostring(records), broken + 1, passed
    elseif not done then
      error(records, 0)
    elseif not records or #records == 0 then
      return
    else
      after, broken = take_keyed(self, options, records, after), 0
    end
  end
end

---Reads a list of which the shop gives what comes behind an id: nothing that leaves it can make a page skip some.
---@param self cartwright.Cart
---@param window cartwright.Window
---@param options paging.KeyOptions
function paging.keys(self, window, options)
  if window.search == "step" and not options.nth then return read_each(self, window, options) end
  if window.search == "step" then
    return paging.walk(self, window, { size = 1, store = options.store, read = options.nth })
  end
  local state = { size = options.size, wanted = options.size, good = 0, search = window.search }
  local after = window.position
  while true do
    local records = read_page(options, state, after)
    if #records == 0 then return end
    local first, last = records:ends()
    if first == after or last == after then
      cart.fail("unavailable", ("the shop sends record %s again where what comes behind it was asked for; does a cache "
        .. "before it ignore the query?"):format(after))
    end
    after = take_keyed(self, options, records, after)
  end
end

---@class paging.NumberOptions
---@field size integer records a page
---@field read fun(page: integer, size: integer): cartwright.Records?, integer the records of that page (1, 2, ...),
---  sorted by id, and the shop's count of all
---@field store? fun(records: cartwright.Records) takes a page; default self:emit

---Where a reading by numbers goes on in an interrupted run.
local function resume_pages(window, size)
  local at = window.position and json.decode(window.position)
  if type(at) == "table" and at.size == size and math.type(at.page) == "integer" then return at.page, at.total end
  return 1, nil
end

---Asks for less, or goes past the one record that was asked for.
---@return integer? page to go on with; nil: the problem is another
local function less_of(self, state, page, problem)
  if may_shrink(state, problem) then
    local offset = (page - 1) * state.size
    state.size = state.size // 2
    return offset // state.size + 1
  elseif state.search == "step" and state.size == 1 and is_broken(problem) then
    state.broken = state.broken + 1
    if state.broken > BROKEN then return nil end
    self.passed_by = tostring(problem)
    return page + 1
  end
end

---@return boolean steady the shop's count stayed the same to the end
local function read_pages(self, options, state, page, total)
  local before
  while true do
    local done, records, count = pcall(options.read, page, state.size)
    if not done then
      local next_page = less_of(self, state, page, records)
      if not next_page then error(records, 0) end
      page, before = next_page, nil
    else
      records, total, state.broken = records or NOTHING, total or count, 0
      if count ~= total then return false end
      if #records == 0 then return true end
      local fingerprint = records:fingerprint()
      if fingerprint == before then
        cart.fail("unavailable", ("the shop counts %d records, but sends the same page for different parts of the "
          .. "list; does a cache before it ignore the query?"):format(total))
      end
      before = fingerprint
      if page == 1 and #records < math.min(state.size, total) then state.size = #records end -- it sends no more
      page = page + 1
      local at = json.encode { page = page, size = state.size, total = total }
      if options.store then options.store(records) else self:emit(records, { position = at }) end
      if (page - 1) * state.size >= total then return true end
    end
  end
end

---Reads a list that the shop gives by the number of a page only, with its count of all records. Inside fixed bounds,
---sorted by id, records can only leave it; so a reading during which the count stayed the same has skipped none.
---@param self cartwright.Cart
---@param window cartwright.Window
---@param options paging.NumberOptions
function paging.numbers(self, window, options)
  local size = window.search == "step" and 1 or options.size
  local state = { size = size, search = window.search, broken = 0 }
  local page, total = resume_pages(window, size)
  for _ = 1, READINGS do
    if read_pages(self, options, state, page, total) then return end
    page, total = 1, nil
  end
  cart.fail("unavailable", ("the list changed during each of %d readings; what came is stored, and the next run "
    .. "reads it again"):format(READINGS))
end

return paging
