---Mails that were looked at and are none of ours: their names, kept short, so that a mailbox full of other people's mails is
---read once. Names of IMAP are numbers that grow ("7/1001"): those that follow each other are one range.
local left = {}

local TEXT_MAX = 900000 -- bytes; a script remembers 1 MiB at once

---@class mail.Left
---@field count integer
local Left = {}
Left.__index = Left

---@return mail.Left
function left.new() return setmetatable({ names = {}, ranges = {}, count = 0, bytes = 0 }, Left) end

---Adds a name behind those that were added before.
function Left:add(name)
  self.count = self.count + 1
  local validity, uid = name:match "^(%d+)/(%d+)$"
  if not validity then
    if self.bytes + #name < TEXT_MAX and not self.names[name] then
      self.names[name], self.names[#self.names + 1], self.bytes = true, name, self.bytes + #name + 1
    end
    return
  end
  local ranges, number = self.ranges[validity] or {}, math.tointeger(tonumber(uid))
  local last = ranges[#ranges]
  self.ranges[validity] = ranges
  if last and number == last[2] + 1 then
    last[2] = number
  elseif self.bytes < TEXT_MAX then
    ranges[#ranges + 1], self.bytes = { number, number }, self.bytes + 2 * #uid + 2
  end
end

---@return boolean
function Left:has(name)
  local validity, uid = name:match "^(%d+)/(%d+)$"
  if not validity then return self.names[name] == true end
  local ranges, number = self.ranges[validity] or {}, math.tointeger(tonumber(uid))
  local low, high = 1, #ranges
  while low <= high do
    local middle = (low + high) // 2
    if number < ranges[middle][1] then
      high = middle - 1
    elseif number > ranges[middle][2] then
      low = middle + 1
    else
      return true
    end
  end
  return false
end

---@return string a line for each name, and for the ranges of each mailbox: "7:1-1001,1003-1003"
function Left:text()
  local lines = {}
  for i, name in ipairs(self.names) do lines[i] = name end
  local validities = {}
  for validity in pairs(self.ranges) do validities[#validities + 1] = validity end
  table.sort(validities)
  for _, validity in ipairs(validities) do
    local parts = {}
    for i, range in ipairs(self.ranges[validity]) do parts[i] = ("%d-%d"):format(range[1], range[2]) end
    lines[#lines + 1] = validity .. ":" .. table.concat(parts, ",")
  end
  return table.concat(lines, "\n")
end

---In their order, those that overlap as one.
local function merge(ranges)
  table.sort(ranges, function(a, b) return a[1] < b[1] end)
  local merged = {}
  for _, range in ipairs(ranges) do
    local last = merged[#merged]
    if last and range[1] <= last[2] + 1 then
      last[2] = math.max(last[2], range[2])
    else
      merged[#merged + 1] = range
    end
  end
  return merged
end

---@param text string of one or several
---@return mail.Left
function left.read(text)
  local read = left.new()
  for line in text:gmatch "[^\n]+" do
    local validity, parts = line:match "^(%d+):([%d,-]+)$"
    if not validity then
      if not read.names[line] then read.names[line], read.names[#read.names + 1] = true, line end
    else
      local ranges = read.ranges[validity] or {}
      for from, to in parts:gmatch "(%d+)%-(%d+)" do
        ranges[#ranges + 1] = { math.tointeger(tonumber(from)), math.tointeger(tonumber(to)) }
      end
      read.ranges[validity] = merge(ranges)
    end
  end
  return read
end

return left
