---The tea shop, with records whose ids are made of them by functions.
local shop = require("carts.tea"):extend()

local function key(record) return { id = record:text "id" } end

for _, name in ipairs { "orders", "customers", "items" } do
  shop[name].id = "$key/id"
  shop[name].derive = { key = key }
end

return shop
