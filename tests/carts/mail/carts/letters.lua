---The forms of the order mails in tests/fixtures/mail/orders.
local shop = require("shipped.mail"):extend()

local english = shop.forms[1]

shop:reads {
  {
    title = "Bestellformular", currency = "EUR", money = "1.234,56", dates = { "%d.%m.%Y %H:%M" },
    names = { number = "Bestellnummer", placed_at = "Datum", name = "Kunde", company = "Firma", street = "Straße",
      place = "PLZ/Ort", country = "Land", email = "E-Mail", shipping_total = "Versand", total = "Gesamtsumme",
      note = "Bemerkung" },
    line = { name = "Artikel", pattern = "^(%S+) | (.-) | (%S+) x ([%d.,]+) EUR = ([%d.,]+)", "sku", "name", "quantity",
      "unit_price", "total" },
  },
  {
    title = "new order", layout = "table", currency = "EUR", money = "1,234.56", names = {},
    columns = { name = "Product", quantity = "Quantity", total = "Price" }, sku_pattern = "%(#(.-)%)",
    sums = { shipping_total = "Shipping", total = "Total" }, found = { number = { "#(%d+)", "n° (%d+)" } },
    address = "Billing address",
  },
  {
    title = "注文", currency = "JPY", money = "1,234.56",
    names = { number = "注文番号", name = "お名前", postcode = "郵便番号", street = "住所", shipping_total = "送料",
      total = "合計" },
    line = { name = "商品", pattern = "^(%S+) (.-) × (%d+) ([%d,]+)円", "sku", "name", "quantity", "unit_price" },
  },
  {
    title = "طلب", currency = "KWD",
    names = { number = "رقم الطلب", name = "الاسم", shipping_total = "الشحن", total = "المجموع" },
    line = { name = "المنتج", pattern = "^(.-) | (%S+) | (%d+) | ([%d.]+)", "name", "sku", "quantity", "unit_price" },
  },
  {
    title = "contact", subject = "Contact*", currency = "USD", lead = true,
    names = { name = "name", company = "company", email = "email", phone = "phone", note = "message",
      unused = "interest" },
  },
  english,
}

return shop
