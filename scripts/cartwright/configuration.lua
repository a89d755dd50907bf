---For the runtime: what it reads of site.lua besides what site_config.c takes as it is.
local check = require "cartwright.site_check"
local out = require "cartwright.out"
local schedules = require "cartwright.schedules"

local configuration = {}

---Raises one error, a line for each fault.
---@param site table what site.lua returned; its carts are tables with names
---@param text string of site.lua
---@return table[] times in the order of carts, site, defaults
---@return table keep
---@return table run
---@return table<string, boolean> quiet
---@return table<string, table> outs by the names of carts
---@return table stock
function configuration.read(site, text)
  local reading = check.reading(text)
  local times, keep, run, quiet = schedules.read(reading, site)
  local outs, stock = out.read(reading, site)
  if #reading.faults > 0 then error(table.concat(reading.faults, "\n"), 0) end
  return times, keep, run, quiet, outs, stock
end

return configuration
