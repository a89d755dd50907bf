---WooCommerce's orders as the benchmark's shop serves them: 25 fields, addresses and the lines, none with a function.
local cart = require "cartwright.cart"
local map = require "cartwright.map"

local PAGE = 100

local shop = cart.new {
  title = "Benchmark, WooCommerce",
  settings = { url = cart.url { required = true } },
  http = function(settings) return { base = settings.url } end,
}

local function value(path) return map.value(path, { none = { "", "false", "0" } }) end

local function gmt(path) return map.time(path, { none = { "", "false" }, zone = "UTC" }) end

shop.orders = {
  id = "id",
  records = ".",

  fetch = function(self)
    local offset, records = 0, nil
    repeat
      records = self:get("", { offset = offset, count = PAGE }):records "."
      if #records > 0 then self:emit(records) end
      offset = offset + PAGE
    until #records < PAGE
  end,

  map = map.order {
    number = "number",
    status = map.translate("status", "status"),
    cart_status = "status",
    placed_at = gmt "date_created_gmt",
    changed_at = gmt "date_modified_gmt",
    paid_at = gmt "date_paid_gmt",
    channel = "created_via",
    currency = map.value("currency", { required = true }),
    tax_included = map.constant(false),
    shipping_total = "shipping_total",
    fee_total = map.sum "fee_lines/total",
    tax_total = "total_tax",
    total = map.value("total", { required = true }),
    customer_id = value "customer_id",
    email = "billing/email",
    billing = map.at("billing", map.address {
      first_name = "first_name",
      last_name = "last_name",
      street = "address_1",
      postcode = "postcode",
      city = "city",
      region = "state",
      country = "country",
      phone = "phone",
    }),
    payment_method = "payment_method",
    payment_name = "payment_method_title",
    shipping_method = "shipping_lines/method_id",
    shipping_name = "shipping_lines/method_title",
    note = "customer_note",
    lines = map.each("line_items", map.line {
      external_id = "id",
      sku = "sku",
      name = "name",
      item_id = value "product_id",
      variant_id = value "variation_id",
      quantity = map.value("quantity", { required = true }),
      unit_price = "price",
      total = map.value("total", { required = true }),
    }),
  },
}

shop.tables.status = { ["pending"] = "pending", ["processing"] = "processing", ["completed"] = "completed" }

return shop
