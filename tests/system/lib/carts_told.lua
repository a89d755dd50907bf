---What carts say of themselves, a line of JSON for each of the types that are named: for the table of carts/README.md.
---Run with: cartwright exec carts_told.lua TYPE...
local json = require "cartwright.json"
local site = require "cartwright.site"

local INS = { "orders", "customers", "items", "stock", "shipments" }
local OUTS = { "stock_out", "prices_out", "shipments_out", "statuses_out", "customers_out", "items_out" }

local function among(shop, names)
  local there = json.array {}
  for _, name in ipairs(names) do
    if shop[name] then there[#there + 1] = (name:gsub("_out$", "")) end
  end
  return there
end

for _, type in ipairs(site.args) do
  local shop = require("shipped." .. type)
  if shop.choose and not shop.orders then shop.orders = shop:choose({ format = "csv" }).orders end
  local also = among(shop, { "webhook", "inbox", "serve" })
  if shop.orders and shop.orders.ids then table.insert(also, 1, "ids") end
  print(json.encode { type = type, title = shop.title, ins = among(shop, INS), outs = among(shop, OUTS), also = also,
    lacks = shop.lacks or {} })
end
