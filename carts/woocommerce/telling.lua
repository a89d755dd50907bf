---What WooCommerce is told through its REST interface: stock, prices, tracking, statuses, customers, items.
---
---Facts these scripts rely on, besides those of records.lua:
---  - Nothing that writes takes a key of ours, so each write looks first whether the shop has it already.
---  - Status 500 may come after the change was saved, when a plugin fails behind it: never a reason to send again.
---  - What the shop would take, but make something else of, is refused in words: a person decides.
local telling = {}

for _, part in ipairs { "quantities", "progress", "documents" } do
  for stream, functions in pairs(require("shipped.woocommerce." .. part)) do telling[stream] = functions end
end

return telling
