---The standard tests: what a cart must stand before anybody entrusts a shop to it. Each has its name, a sentence, what it
---needs of the cart (a stream, `webhook`, `ids`) and of the fake (a function of types/fake.lua), and a function that says
---it in code. What a cart cannot do it names in `shop.lacks`, with the reason.
---
---  standard_cart.lua     what the script declares, its settings, the connection test
---  standard_orders.lua   orders come in, each once and exact, whatever the shop's lists do
---  standard_faults.lua   reading that fails, once and for good; a process that is killed
---  standard_other.lua    customers, items, stock; looking twice; notices; dry runs
---  standard_serve.lua    what a cart that is asked answers, and to whom
---  standard_out.lua      what the shop is told, and what of it happens when answers are lost
local standard = {}

for _, part in ipairs { "cart", "orders", "faults", "other", "serve", "out" } do
  for _, test in ipairs(require("cartwright.standard_" .. part)) do standard[#standard + 1] = test end
end

return standard
