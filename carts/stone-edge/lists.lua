---Reading lists of the Stone Edge protocol: page by page as they were counted, and record by record where a page cannot
---be had.
local cart = require "cartwright.cart"
local talk = require "shipped.stone-edge.talk"

local lists = {}

local function size_of(self) return math.max(1, self.settings.page_size) end

---One page of a list; nil where it is empty.
---@return cartwright.Records?
---@return boolean is_supported
local function read_page(self, list, start, size, fields)
  local all = { table.unpack(fields) }
  all[#all + 1] = { "startnum", start }
  all[#all + 1] = { "batchsize", size }
  local response = talk.download(self, list.download, all)
  if not response then return nil, false end
  if not talk.has(response, list.element) then return nil, true end
  return response:records(list.element, list.id), true
end

local TOO_MUCH = { [500] = true, [502] = true, [504] = true }
local CONTENT = { invalid = true, limit = true, ["not-expected"] = true }
local BROKEN = 3 -- records in a row that cannot be had: then it is not the records

---Whether a page may be had in smaller parts.
local function is_broken(problem)
  if type(problem) ~= "table" then return false end
  return TOO_MUCH[problem.status] or problem.code == "timeout" or not problem.status and CONTENT[problem.code] == true
end

---A page record by record, since it cannot be had whole. Windows of time are none here: the runtime cannot search for a
---record that breaks a page. So it is left out, and the fetch fails when all else is stored.
---@param each fun(records: cartwright.Records)
---@return table? problem of a record that was left out
local function read_singly(self, list, start, size, fields, each)
  local broken, problem = 0, nil
  for at = start, start + size - 1 do
    local is_read, records = pcall(read_page, self, list, at, 1, fields)
    if not is_read then
      broken, problem = broken + 1, records
      if broken > BROKEN or not is_broken(records) then error(records, 0) end
    else
      broken = 0
      if records then each(records) end
    end
  end
  return problem
end

---All that was counted, in one page: of a server that cannot page.
local function read_at_once(self, list, count, fields, each)
  local is_read, records = pcall(read_page, self, list, 1, count, fields)
  if not is_read then
    if not is_broken(records) then error(records, 0) end
    cart.fail("not-expected", ("%s: the shop gives the first page again and again, and not all %d records at once "
      .. "either: %s"):format(list.download, count, records.message or tostring(records)), "page_size")
  end
  if records then each(records) end
end

---Reads a list page by page, as far as it was counted; without a count up to an empty page, or one that comes twice. A
---page that comes twice although more were counted: the server looks at no startnum (AV), so all are asked for at once.
---@param list { download: string, element: string, id: string, may_refuse_pages?: boolean }
---@param count? integer
---@param each fun(records: cartwright.Records, position?: string)
---@param page_size? integer other than the setting's
---@return boolean is_supported
---@return table? problem of a record that was left out: to be raised once all is stored
function lists.walk(self, window, list, fields, count, each, page_size)
  local size, start, last = page_size or size_of(self), math.tointeger(tonumber(window.position or "")) or 1, nil
  local problem
  while not count or start <= count do
    local is_read, records, is_supported = pcall(read_page, self, list, start, size, fields)
    if not is_read then
      if not is_broken(records) then error(records, 0) end
      local parts = math.min(size, count and count - start + 1 or size)
      problem = read_singly(self, list, start, parts, fields, each) or problem
    elseif not is_supported then
      return false
    elseif records then
      local print = records:fingerprint()
      if print == last then
        if count then read_at_once(self, list, count, fields, each) end
        return true, problem
      end
      last = print
      each(records, tostring(start + size))
    elseif not count then
      return true, problem
    elseif list.may_refuse_pages and start > 1 then -- it cannot page: all at once
      read_at_once(self, list, count, fields, each)
      return true, problem
    end
    start = start + size
  end
  return true, problem
end

---Reads a list that knows no times of change, and stores it.
---@param list { download: string, element: string, id: string, count: string, may_refuse_pages?: boolean }
---@return boolean is_supported
function lists.fetch_all(self, window, list)
  local count = talk.count(self, list.count, "itemcount")
  local is_supported, problem = lists.walk(self, window, list, {}, count, function(records, position)
    self:emit(records, position and { position = position } or nil)
  end)
  if problem then error(problem, 0) end
  return is_supported
end

return lists
