---PrestaShop's orders as the benchmark's shop serves them: 25 fields and the lines, none of them with a function.
local cart = require "cartwright.cart"
local map = require "cartwright.map"

local PAGE = 250

local shop = cart.new {
  title = "Benchmark, PrestaShop",
  settings = { url = cart.url { required = true } },
  http = function(settings) return { base = settings.url } end,
}

local NONE = { "", "0", "0000-00-00 00:00:00" }

local function value(path) return map.value(path, { none = NONE }) end

shop.orders = {
  id = "id",
  records = "orders/order",

  fetch = function(self)
    local offset, records = 0, nil
    repeat
      records = self:get("", { offset = offset, count = PAGE }):records "orders/order"
      if #records > 0 then self:emit(records) end
      offset = offset + PAGE
    until #records < PAGE
  end,

  map = map.order {
    number = "reference",
    status = map.translate("status", "current_state"),
    cart_status = "current_state",
    placed_at = value "date_add",
    changed_at = value "date_upd",
    paid_at = value "invoice_date",
    channel = "id_shop",
    language = "id_lang",
    currency = map.constant "EUR",
    tax_included = map.constant(true),
    goods_total = "total_products_wt",
    discount_total = "total_discounts_tax_incl",
    shipping_total = "total_shipping_tax_incl",
    fee_total = "total_wrapping_tax_incl",
    total = map.value("total_paid_tax_incl", { required = true }),
    paid_total = "total_paid_real",
    customer_id = value "id_customer",
    payment_method = "module",
    payment_name = "payment",
    shipping_method = value "id_carrier",
    note = "note",
    gift_message = "gift_message",
    lines = map.each("associations/order_rows/order_row", map.line {
      external_id = "id",
      sku = map.first { "product_reference", "product_ean13" },
      name = "product_name",
      barcode = "product_ean13",
      item_id = "product_id",
      variant_id = value "product_attribute_id",
      quantity = map.value("product_quantity", { required = true }),
      unit_price = map.value("unit_price_tax_incl", { required = true }),
    }),
    custom = {
      cart = map.text "id_cart",
      invoice = map.text(value "invoice_number"),
      key = map.text "secure_key",
    },
  },
}

shop.tables.status = { ["2"] = "paid", ["3"] = "processing", ["4"] = "shipped", ["5"] = "completed",
  ["6"] = "cancelled", ["10"] = "pending" }

return shop
