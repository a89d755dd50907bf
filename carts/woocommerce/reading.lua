---How WooCommerce's lists are read: by windows of change where the shop can, page by page, by ids, and the variations of
---products, which have lists of their own.
local map = require "cartwright.map"
local paging = require "cartwright.paging"

local reading = {}

---Whether the shop heeds modified_after: nothing has been changed in the year 9000.
---@return boolean
function reading.heeds_changes(self)
  local answer = self:get("orders", { modified_after = "9000-01-01T00:00:00", dates_are_gmt = true, per_page = 1,
    status = "any", _fields = "id" })
  return #answer:records "." == 0
end

---The same, asked until the answer is yes: shops are updated, hardly ever set back.
---@return boolean
local function can_filter(self)
  if self:recall "heeds changes" then return true end
  local heeds = reading.heeds_changes(self)
  if heeds then self:remember("heeds changes", "yes") end
  return heeds
end

local DAY = 24 * 3600 -- seconds

---The query for what was changed, or placed, inside the window. Both bounds are exclusive to the second. Shops that
---cannot filter by change compare their local time when asked for the time of placing: a day more on each side holds it.
local function inside(self, window)
  if not window.from then return {} end
  local filters, placed = can_filter(self), window.by == "placed"
  if not filters and not placed then return {} end
  local format, more, what = "%Y-%m-%dT%H:%M:%S", filters and 1 or DAY, placed and "" or "modified_"
  return { dates_are_gmt = filters or nil, [what .. "after"] = window.from:add(-more):format(format),
    [what .. "before"] = window.to:add(more):format(format) }
end

---Reads a list page by page.
---@param query table
---@param read_in? fun(records: cartwright.Records) takes in a page before it is stored
---@param store? fun(records: cartwright.Records) stores it; default: as records of the stream
function reading.walk(self, window, resource, query, read_in, store)
  paging.walk(self, window, { size = math.min(self.settings.page_size, 100), store = store,
    read = function(offset, size)
      local page = map.copy(query)
      page.orderby, page.order, page.offset, page.per_page = "id", "asc", offset, size
      local response = self:get(resource, page)
      local total = response:header "X-WP-Total"
      local records = response:records "."
      if read_in and #records > 0 then read_in(records) end
      return records, total and math.tointeger(tonumber(total))
    end })
end

---What changed.
function reading.fetch(self, window, resource, query, read_in)
  for name, value in pairs(inside(self, window)) do query[name] = value end
  reading.walk(self, window, resource, query, read_in)
end

---Which records there are.
function reading.list(self, window, resource, query)
  for name, value in pairs(inside(self, window)) do query[name] = value end
  query._fields = "id"
  reading.walk(self, window, resource, query, nil, function(records) self:list(records:collect "id") end)
end

---Those records, with the same fields as fetch has them.
function reading.read_some(self, ids, resource, query, read_in)
  query.include, query.per_page, query.orderby, query.order = table.concat(ids, ","), #ids, "id", "asc"
  local records = self:get(resource, query):records "."
  if #records == 0 then return end
  if read_in then read_in(records) end
  self:emit(records)
end

-- Variations ----------------------------------------------------------------------------------------------------------

local MANY = 100 -- variations in one answer

---All variations of products with variations among these records; nil where there are none.
---@param products cartwright.Records
---@param fields? string
---@return cartwright.Records?
function reading.variations_of(self, products, fields)
  local ids, found = {}, nil
  for product in products:each() do
    if (product:text "type" or ""):find "^variable" then ids[#ids + 1] = product:text "id" end
  end
  for _, id in ipairs(ids) do
    local offset, total, page = 0, nil, nil
    repeat
      local response = self:get(("products/%s/variations"):format(id), { per_page = MANY, offset = offset, orderby = "id",
        order = "asc", _fields = fields })
      page, total = response:records ".", math.tointeger(tonumber(response:header "X-WP-Total"))
      if #page > 0 then
        if found then found:append(page) else found = page end
      end
      offset = offset + MANY
    until (total and offset >= total) or (not total and #page == 0)
  end
  return found
end

return reading
