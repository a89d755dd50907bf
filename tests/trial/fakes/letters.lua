---A shop that writes letters: for carts/letters.lua.
local fake = require "cartwright.fake"
local json = require "cartwright.json"

local shop = fake.new { title = "Letters" }

function shop:place(order)
  local letter, id = {}, "L" .. self:next "letters"
  for field, value in pairs(order) do letter[field] = value end
  letter.id, letter.status = id, order.cart_status or order.status
  self:deliver(id .. ".json", json.encode { orders = json.array { letter } })
  return id
end

return shop
