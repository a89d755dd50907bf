---eBay's orders report (Seller Hub): CSV in the language of the site.
---
---Facts this script relies on:
---  - The first line may be blank, rows of nothing but commas come in between, and a footer ("N record(s) downloaded",
---    whose number need not be right) ends the table.
---  - An order of several items has a row of its own with the sums and without an item number, and behind it a row for
---    each item without sums. So items are counted by rows that have an item number, and money is that of the order's
---    row.
---  - "Sold For" is the price of one; "Total Price", where there is that column, of the whole order.
---  - Amounts ("AU $3,000.00", "1 234,50 €"), dates ("26-May-26", "Oct-05-26", "05-oct.-26"), headings and the
---    delimiter are those of the site's language; English, French and German headings are known here.
---  - Mail addresses of buyers are relays, and since September 2025 some data of buyers is withheld.
---
---Not known: which sales taxes the report holds; an order whose sums do not make its Total Price is held. The order
---report of the Merchant Integration Platform is another file: its order ids change when an order is paid.
local files = require "shipped.files"
local map = require "cartwright.map"
local texts = require "shipped.files.texts"

local shop = files:extend()
shop.title, shop.format = "eBay order reports", "ebay"
shop.settings.format.required = false

---Headings by their languages.
local HEADINGS = {
  order = { "Order Number", "Numéro de commande", "Bestellnummer" },
  record = { "Sales Record Number", "Numéro de vente", "Verkaufsprotokollnummer" },
  buyer = { "Buyer Username", "Pseudo de l’acheteur", "Nutzername des Käufers" },
  item = { "Item Number", "Numéro de l'objet", "Artikelnummer" },
  title = { "Item Title", "Intitulé de l'objet", "Angebotstitel" },
  sku = { "Custom Label", "Étiquette personnalisée", "Bestandseinheit" },
  quantity = { "Quantity", "Quantité", "Anzahl" },
  price = { "Sold For", "Vendu pour", "Verkauft für" },
  freight = { "Postage And Handling", "Shipping And Handling", "Livraison et manutention", "Verpackung und Versand" },
  total = { "Total Price", "Prix total", "Gesamtpreis" },
  date = { "Sale Date", "Date de vente", "Verkauft am" },
  tracking = { "Tracking Number", "Numéro de suivi", "Sendungsnummer" },
}

---@param row cartwright.Node
---@param name string of HEADINGS
---@return string?
local function field(row, name)
  for _, heading in ipairs(HEADINGS[name]) do
    local text = row:text(heading)
    if text then return text end
  end
end

---The order's row, and those of its items.
local function rows_of(record)
  local first, items = nil, {}
  for row in record:each "row" do
    first = first or row
    if field(row, "item") then items[#items + 1] = row end
  end
  return first, items
end

---@param record cartwright.Node
local function order(record)
  local sums, items = rows_of(record)
  local freight, currency = texts.money(field(sums, "freight"))
  local made, lines = freight or texts.zero(), {}
  for i, item in ipairs(items) do
    local price, of = texts.money(field(item, "price"))
    local quantity = texts.quantity(field(item, "quantity"))
    currency = currency or of
    if price and quantity then made = made + price * quantity end
    lines[i] = { item = field(item, "item"), title = field(item, "title"), sku = field(item, "sku"),
      quantity = quantity, price = price }
  end
  return { id = field(sums, "order"), record = field(sums, "record"), buyer = field(sums, "buyer"), currency = currency,
    freight = freight, total = texts.money(field(sums, "total")) or made, placed = texts.date(field(sums, "date")),
    tracking = field(sums, "tracking") or items[1] and field(items[1], "tracking"), lines = lines }
end

shop.orders = files.stream {
  id = "$key/id", -- headings differ
  records = { rows = { group = HEADINGS.order, footer = "record(s) downloaded" } },
  derive = {
    key = function(record) return { id = field(record:node "row", "order") } end,
    order = order,
  },

  map = map.order {
    number = map.first { "$order/record", "$order/id" },
    status = map.constant "processing",
    payment_status = map.constant "paid",
    channel = map.constant "eBay",
    placed_at = map.value("$order/placed", { required = true }),
    currency = map.value("$order/currency", { required = true }),
    tax_included = map.constant(true),
    shipping_total = "$order/freight",
    total = map.value("$order/total", { required = true }),
    tracking_number = "$order/tracking",
    lines = map.each("$order/lines", map.line {
      sku = "sku",
      name = "title",
      item_id = "item",
      quantity = map.value("quantity", { required = true }),
      unit_price = map.value("price", { required = true }),
    }),
    custom = {
      order_number = map.text "$order/id",
      buyer = map.text "$order/buyer",
    },
  },
}

return shop
