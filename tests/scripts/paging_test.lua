---Tests of scripts/cartwright/paging.lua with lists that live in memory; run with the plain Lua interpreter from the
---source folder: lua5.4 tests/scripts/paging_test.lua
package.path = "scripts/?.lua"

-- Stand-ins for what the runtime provides -----------------------------------------------------------------------------

package.preload["cartwright.cart"] = function()
  return { fail = function(code, message) error({ code = code, message = message }, 0) end }
end

package.preload["cartwright.json"] = function()
  return {
    encode = function(at)
      if at.page then return ("page %d %d %d"):format(at.page, at.size, at.total) end
      return ("%d %s %s"):format(at.offset, at.last, at.steady)
    end,
    decode = function(text)
      local number, size, total = text:match "^page (%d+) (%d+) (%d+)$"
      if number then
        return { page = math.tointeger(tonumber(number)), size = math.tointeger(tonumber(size)),
          total = math.tointeger(tonumber(total)) }
      end
      local offset, last, steady = text:match "^(%d+) (%S+) (%S+)$"
      return offset and { offset = math.tointeger(tonumber(offset)), last = last, steady = steady == "true" }
    end,
  }
end

local Records = { __len = function(records) return #records.ids end }
Records.__index = Records
function Records:ends() return self.ids[1], self.ids[#self.ids] end
function Records:fingerprint() return table.concat(self.ids, ",") end
function Records:collect()
  local distinct, seen = {}, {}
  for _, id in ipairs(self.ids) do
    if not seen[id] then distinct[#distinct + 1], seen[id] = id, true end
  end
  return distinct
end

local paging = require "cartwright.paging"

-- Shops ---------------------------------------------------------------------------------------------------------------

local function ids(first, last)
  local list = {}
  for id = first, last do list[#list + 1] = tostring(id) end
  return list
end

local function page(list, offset, size)
  return setmetatable({ ids = table.move(list, offset + 1, math.min(offset + size, #list), 1, {}) }, Records)
end

local function without(list, hidden)
  local shown = {}
  for _, id in ipairs(list) do
    if not hidden[id] then shown[#shown + 1] = id end
  end
  return shown
end

---Walks; returns what was stored, the number of requests, the last position, the error, and what was passed by.
local function walk(read, size, position, search)
  local stored, requests, last = {}, 0, nil
  local self = { emit = function(_, records, options)
    for _, id in ipairs(records.ids) do stored[id] = true end
    last = options.position
  end }
  local passed, problem = pcall(paging.walk, self, { position = position, search = search }, { size = size or 4,
    read = function(offset, asked)
      requests = requests + 1
      return read(offset, asked, requests)
    end })
  return stored, requests, last, not passed and problem or nil, rawget(self, "passed_by")
end

local function holds_all(stored, list)
  for _, id in ipairs(list) do assert(stored[id], "record " .. id .. " is missing") end
end

local function problem_of(status, code) return { code = code or "unavailable", status = status, message = "no" } end

-- Tests ---------------------------------------------------------------------------------------------------------------

local tests = {}

function tests.lists_of_all_lengths_are_read_whole()
  for length = 0, 30 do
    for size = 1, 7 do
      for cap = 1, 8 do
        local list = ids(1, length)
        local stored, requests, _, problem = walk(function(offset, asked)
          return page(list, offset, math.min(asked, cap))
        end, size)
        assert(not problem)
        holds_all(stored, list)
        assert(requests <= 2 * (length + 2), "too many requests")
      end
    end
  end
end

function tests.a_count_saves_the_request_behind_the_end()
  local list = ids(1, 6)
  local _, with_count = walk(function(offset, asked) return page(list, offset, asked), #list end)
  local _, without_count = walk(function(offset, asked) return page(list, offset, asked) end)
  assert(with_count == 2 and without_count == 3)
end

function tests.a_record_that_leaves_while_reading_hides_no_other()
  for leaving = 1, 12 do
    for moment = 2, 5 do
      local list = ids(1, 12)
      local stored, _, _, problem = walk(function(offset, asked, request)
        if request == moment then table.remove(list, leaving) end
        return page(list, offset, asked)
      end)
      assert(not problem)
      holds_all(stored, list)
    end
  end
end

function tests.a_record_that_comes_in_while_reading_is_found()
  for place = 1, 12 do
    local list = ids(1, 12)
    local stored, _, _, problem = walk(function(offset, asked, request)
      if request == 3 then table.insert(list, place, "new") end
      return page(list, offset, asked)
    end)
    assert(not problem)
    holds_all(stored, list)
  end
end

function tests.a_shop_that_repeats_its_last_page_comes_to_an_end()
  for length = 1, 12 do
    local list = ids(1, length)
    local stored, requests, _, problem = walk(function(offset, asked)
      return page(list, math.max(0, math.min(offset, #list - asked)), asked)
    end)
    assert(not problem and requests < 40)
    holds_all(stored, list)
  end
end

function tests.a_page_that_is_empty_for_a_moment_is_no_end()
  for moment = 2, 4 do
    local list = ids(1, 12)
    local stored = walk(function(offset, asked, request)
      return page(request == moment and {} or list, offset, asked)
    end)
    holds_all(stored, list)
  end
end

function tests.records_that_are_counted_but_not_shown_do_not_end_the_list()
  local list = ids(1, 14)
  for _, hidden in ipairs { { ["3"] = true, ["6"] = true, ["14"] = true },
    { ["3"] = true, ["4"] = true, ["5"] = true, ["6"] = true, ["7"] = true, ["8"] = true }, { ["1"] = true } } do
    local stored, _, _, problem = walk(function(offset, asked)
      return setmetatable({ ids = without(page(list, offset, asked).ids, hidden) }, Records), #list
    end)
    assert(not problem)
    holds_all(stored, without(list, hidden))
  end
end

function tests.a_server_that_is_too_slow_is_asked_for_less()
  for _, problem in ipairs { problem_of(500), problem_of(502), problem_of(504), problem_of(nil, "timeout") } do
    local stored, _, _, failed = walk(function(offset, asked)
      if asked > 3 then error(problem, 0) end
      return page(ids(1, 40), offset, asked)
    end, 100)
    assert(not failed)
    holds_all(stored, ids(1, 40))
  end
end

function tests.a_record_that_breaks_the_list_is_an_error_and_no_end()
  for bad = 1, 10 do
    local stored, _, _, problem = walk(function(offset, asked)
      if offset < bad and offset + asked >= bad then error(problem_of(500), 0) end
      return page(ids(1, 10), offset, asked)
    end)
    assert(problem and problem.status == 500, "the error is lost")
    holds_all(stored, ids(1, bad - 1))
  end
end

function tests.a_closed_shop_is_not_asked_for_less()
  for _, status in ipairs { 401, 429, 503 } do
    local _, requests, _, problem = walk(function() error(problem_of(status), 0) end)
    assert(requests == 1 and problem.status == status)
  end
end

function tests.a_list_that_never_rests_is_an_error_after_five_readings()
  local gone = 0
  local _, _, _, problem = walk(function(offset, asked)
    gone = gone + 1
    return page(ids(1 + gone, 60 + gone), offset, asked)
  end)
  assert(problem and problem.code == "unavailable")
end

function tests.an_interrupted_reading_goes_on_where_it_was()
  local list = ids(1, 12)
  local function whole(offset, asked) return page(list, offset, asked) end
  local _, _, position = walk(function(offset, asked, request)
    if request == 3 then error("killed", 0) end
    return whole(offset, asked)
  end)
  local stored, requests = walk(whole, 4, position)
  assert(not stored["6"] and stored["7"] and stored["12"] and requests == 3)
end

function tests.an_interrupted_reading_starts_over_when_the_list_has_moved()
  for _, position in ipairs { "6 9 true", "50 7 true", "nonsense" } do
    local list = ids(1, 12)
    local stored = walk(function(offset, asked) return page(list, offset, asked) end, 4, position)
    holds_all(stored, list)
  end
end

function tests.an_interrupted_reading_remembers_that_the_list_moved()
  local list = ids(1, 12)
  local stored = walk(function(offset, asked) return page(list, offset, asked) end, 4, "6 7 false")
  holds_all(stored, list)
end

function tests.a_page_with_a_record_too_many_hides_no_other()
  local list = ids(1, 20)
  for doubled = 1, 6 do
    for place = 1, 3 do
      local stored, _, _, problem = walk(function(offset, asked, request)
        local records = page(list, offset, asked)
        if request == doubled and records.ids[place] then table.insert(records.ids, place, records.ids[place]) end
        return records, #list
      end, 7)
      assert(not problem)
      holds_all(stored, list)
    end
  end
end

function tests.a_page_that_comes_for_every_place_is_not_the_whole_list()
  local list = ids(1, 20)
  for _, place in ipairs { 0, 5, 18 } do
    local _, _, _, problem = walk(function() return page(list, place, 7), #list end, 7)
    assert(problem.message:find "counts 20 records, but sends the same page", problem.message)
    local stored, _, _, passing = walk(function(offset, asked, request)
      return page(list, request <= 4 and place or offset, asked), #list
    end, 7)
    assert(not passing)
    holds_all(stored, list)
  end
end

function tests.a_shop_that_always_sends_everything_is_asked_no_more_often_than_needed()
  local list = ids(1, 20)
  local stored, requests = walk(function() return page(list, 0, 20), 20 end, 7)
  holds_all(stored, list)
  assert(requests == 1)
end

---A shop whose lists fail when they hold the record `broken`.
local function breaking(list, broken, tells_total, problem)
  return function(offset, asked)
    local got = page(list, offset, asked)
    for _, id in ipairs(got.ids) do
      if id == tostring(broken) then error(problem, 0) end
    end
    return got, tells_total and #list or nil
  end
end

function tests.while_a_record_is_searched_the_broken_one_is_passed_by()
  for _, problem in ipairs { problem_of(500), problem_of(nil, "invalid"), problem_of(nil, "not-expected") } do
    for length = 1, 14 do
      for broken = 1, length do
        for size = 1, 6 do
          for tells = 0, 1 do
            local stored, requests, _, failed, passed_by = walk(breaking(ids(1, length), broken, tells == 1, problem), size,
              nil, "step")
            assert(not failed, failed and (failed.message .. (" length %d broken %d size %d tells %d"):format(length, broken, size, tells)))
            assert(passed_by == tostring(problem))
            assert(requests <= 6 * (length + 3), "too many requests")
            for id = 1, length do assert((stored[tostring(id)] == true) == (id ~= broken), "record " .. id) end
          end
        end
      end
    end
  end
end

function tests.while_a_window_is_halved_a_page_that_fails_is_asked_for_once()
  local _, requests, _, problem = walk(breaking(ids(1, 9), 5, true, problem_of(500)), 9, nil, "halve")
  assert(requests == 1 and problem.status == 500)
end

function tests.a_shop_that_is_out_has_no_broken_record()
  for _, search in ipairs { "halve", "step" } do
    local _, requests, _, problem = walk(function() error(problem_of(500), 0) end, 9, nil, search)
    assert(requests <= 4 and problem.status == 500)
    local _, once, _, closed = walk(function() error(problem_of(503), 0) end, 9, nil, search)
    assert(once == 1 and closed.status == 503)
  end
end

function tests.pages_may_go_elsewhere_than_to_the_store()
  local got, list = {}, ids(1, 9)
  paging.walk({}, {}, { size = 4, read = function(offset, asked) return page(list, offset, asked), #list end,
    store = function(records)
      for _, id in ipairs(records.ids) do got[id] = true end
    end })
  holds_all(got, list)
end

-- Behind an id, and by numbers ----------------------------------------------------------------------------------------

---Reads with paging.keys or paging.numbers; the same results as walk.
local function read_with(how, options, window)
  local stored, requests, last = {}, 0, nil
  local self = { emit = function(_, records, at)
    for _, id in ipairs(records.ids) do stored[id] = true end
    last = at.position
  end }
  local read = options.read
  options.read = function(at, asked)
    requests = requests + 1
    return read(at, asked, requests)
  end
  local passed, problem = pcall(paging[how], self, window or {}, options)
  return stored, requests, last, not passed and problem or nil, rawget(self, "passed_by")
end

---What lies behind an id.
local function behind(list, after, size)
  local shown = {}
  for _, id in ipairs(list) do
    if #shown < size and (not after or tonumber(id) > tonumber(after)) then shown[#shown + 1] = id end
  end
  return #shown > 0 and page(shown, 0, size) or nil
end

---The page of that number, as a shop gives it that sends `cap` records at most.
local function numbered(list, number, size, cap)
  local shown = math.min(size, cap or size)
  return page(list, (number - 1) * shown, shown), #list
end

function tests.what_lies_behind_an_id_is_read_to_the_end_whatever_leaves_meanwhile()
  for leaving = 1, 12 do
    local list = ids(1, 12)
    local stored, _, last, problem = read_with("keys", { size = 4, read = function(after, asked, request)
      if request == 2 then table.remove(list, leaving) end
      return behind(list, after, asked)
    end })
    assert(not problem)
    holds_all(stored, list)
    assert(last == list[#list] or leaving == 12)
  end
end

function tests.reading_behind_an_id_goes_on_where_it_was_interrupted()
  local list = ids(1, 12)
  local stored = read_with("keys", { size = 4, read = function(after, asked) return behind(list, after, asked) end },
    { position = "8" })
  holds_all(stored, ids(9, 12))
  assert(not stored["8"])
end

function tests.a_shop_that_ignores_the_id_is_no_end()
  local list = ids(1, 12)
  local stored, _, _, problem = read_with("keys", { size = 4, read = function() return page(list, 0, 4) end })
  assert(problem.message:find "sends record 4 again")
  holds_all(stored, ids(1, 4))
end

function tests.nothing_is_asked_for_behind_a_record_whose_id_cannot_be_read()
  for _, search in ipairs { "none", "step" } do
    local asked = {}
    local stored, _, last, problem = read_with("keys", { size = 2, read = function(after, _, request)
      asked[#asked + 1] = after
      return page({ "1", "damaged:0123456789abcdef" }, request == 1 and 0 or 1, search == "step" and 1 or 2)
    end }, { search = search })
    assert(problem and problem.code == "not-expected" and problem.message:find "shows no id")
    assert(stored["1"] and stored["damaged:0123456789abcdef"])
    assert(last == (search == "step" and "1" or nil) and asked[2] == nil and asked[1] == last)
  end
end

function tests.a_record_that_breaks_a_list_of_ids_is_searched_by_its_place()
  local list = ids(1, 7)
  local stored, _, _, problem, passed_by = read_with("keys", { size = 4, read = function() error "not asked" end,
    nth = breaking(list, 5, true, problem_of(500)) }, { search = "step" })
  assert(not problem and passed_by)
  holds_all(stored, { "1", "2", "3", "4", "6", "7" })
end

function tests.a_record_that_breaks_a_list_without_places_is_searched_by_its_id()
  for broken = 1, 7 do
    local list, fails = {}, problem_of(500)
    for i = 1, 7 do list[i] = tostring(6000000000000 + i * i * 1000) end
    local stored, requests, _, problem, passed_by = read_with("keys", { size = 4, read = function(after, asked)
      local got = behind(list, after, asked)
      for _, id in ipairs(got and got.ids or {}) do
        if id == list[broken] then error(fails, 0) end
      end
      return got
    end }, { search = "step" })
    assert(not problem and passed_by and requests < 120, requests)
    for i, id in ipairs(list) do assert(stored[id] == (i ~= broken or nil)) end
  end
end

function tests.a_shop_that_is_out_has_no_record_that_breaks_its_list()
  local _, requests, _, problem = read_with("keys", { size = 4, read = function() error(problem_of(500), 0) end },
    { search = "step" })
  assert(problem.status == 500 and requests == 2)
end

function tests.numbered_pages_are_read_whole_whatever_their_size()
  for length = 0, 20 do
    for size = 1, 7 do
      for cap = 1, 8 do
        local list = ids(1, length)
        local stored, requests, _, problem = read_with("numbers", { size = size,
          read = function(number, asked) return numbered(list, number, asked, cap) end })
        assert(not problem)
        holds_all(stored, list)
        assert(requests <= length + 1, "too many requests")
      end
    end
  end
end

function tests.numbered_pages_are_read_again_when_a_record_leaves()
  for leaving = 1, 12 do
    for moment = 2, 3 do
      local list = ids(1, 12)
      local stored, _, _, problem = read_with("numbers", { size = 4, read = function(number, asked, request)
        if request == moment then table.remove(list, leaving) end
        return numbered(list, number, asked)
      end })
      assert(not problem)
      holds_all(stored, list)
    end
  end
end

function tests.numbered_pages_go_on_where_they_were_interrupted()
  local list = ids(1, 12)
  local function read(number, asked) return numbered(list, number, asked) end
  local stored = read_with("numbers", { size = 4, read = read }, { position = "page 3 4 12" })
  holds_all(stored, ids(9, 12))
  assert(not stored["1"])
  stored = read_with("numbers", { size = 4, read = read }, { position = "page 3 4 13" })
  holds_all(stored, list)
end

function tests.numbered_pages_get_smaller_where_the_shop_cannot_send_them()
  local list = ids(1, 21)
  local stored, _, _, problem = read_with("numbers", { size = 8, read = function(number, asked)
    if asked > 2 then error(problem_of(504), 0) end
    return numbered(list, number, asked)
  end })
  assert(not problem)
  holds_all(stored, list)
end

function tests.one_page_for_all_numbers_is_not_believed()
  local list = ids(1, 12)
  local _, _, _, problem = read_with("numbers", { size = 4, read = function() return page(list, 0, 4), 12 end })
  assert(problem.message:find "sends the same page")
end

function tests.a_record_that_breaks_its_numbered_page_is_passed_by()
  local list = ids(1, 7)
  local at = breaking(list, 5, true, problem_of(500))
  local stored, _, _, problem, passed_by = read_with("numbers", { size = 4,
    read = function(number, asked) return (at((number - 1) * asked, asked)), #list end }, { search = "step" })
  assert(not problem and passed_by)
  holds_all(stored, { "1", "2", "3", "4", "6", "7" })
end

local names = {}
for name in pairs(tests) do names[#names + 1] = name end
table.sort(names)
local failures = 0
for _, name in ipairs(names) do
  local passed, message = xpcall(tests[name], debug.traceback)
  print((passed and "ok      " or "FAILED  ") .. name .. (passed and "" or "\n" .. tostring(message)))
  if not passed then failures = failures + 1 end
end
os.exit(failures == 0)
