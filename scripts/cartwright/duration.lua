---Lengths of time as scripts write them.
local SECONDS = { s = 1, m = 60, h = 3600, d = 86400 }

---@param text string "2h", "300s", "90m", "1d"
---@return integer? seconds
return function(text)
  local count, unit = tostring(text):match "^(%d+)([smhd])$"
  return count and math.tointeger(tonumber(count)) * SECONDS[unit]
end
