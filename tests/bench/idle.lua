-- For idle_baseline: the scripts of a cart in a bare state, with an empty thing in the place of each native module.
package.path = "scripts/?.lua;?.lua"
local nothing = {}
setmetatable(nothing, { __index = function() return nothing end, __call = function() return nothing end })
table.insert(package.searchers, function() return function() return nothing end end)
require "cartwright.open"
require "carts.woocommerce"
