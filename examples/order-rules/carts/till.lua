-- The till in the shop writes its sales into the same PrestaShop. Only orders are read here: customers and items are
-- those of the cart `shop`, which the rules in site.lua search.
local shop = require("carts.prestashop"):extend()

shop.customers, shop.items, shop.stock = nil, nil, nil

shop.tables.payment = { pos_cash = "cash" }

return shop
