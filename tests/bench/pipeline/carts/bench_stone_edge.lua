---One large file of orders in the manner of Stone Edge: 25 fields and the lines, none of them with a function.
local cart = require "cartwright.cart"
local map = require "cartwright.map"

local shop = cart.new {
  title = "Benchmark, Stone Edge",
  settings = { url = cart.url { required = true } },
  http = function(settings) return { base = settings.url } end,
}

shop.orders = {
  id = "OrderNumber",
  records = "Order",

  fetch = function(self)
    self:emit(self:get("", { offset = 0, count = 250 }):records("Order", "OrderNumber"))
  end,

  map = map.order {
    number = "OrderNumber",
    status = map.translate("status", "OrderStatus"),
    cart_status = "OrderStatus",
    placed_at = "OrderDate",
    currency = map.constant "USD",
    tax_included = map.constant(false),
    goods_total = "Totals/ProductTotal",
    shipping_total = "Totals/ShippingTotal/Total",
    tax_total = "Totals/Tax/TaxAmount",
    total = map.value("Totals/GrandTotal", { required = true }),
    customer_id = "Other/WebCustomerID",
    email = "Billing/Email",
    billing = map.at("Billing", map.address {
      name = "FullName",
      company = "Company",
      street = "Address/Street1",
      street2 = "Address/Street2",
      postcode = "Address/Code",
      city = "Address/City",
      region = "Address/State",
      country = "Address/Country",
      phone = "Phone",
    }),
    payment_method = "Payment/CreditCard/Issuer",
    shipping_name = "Totals/ShippingTotal/Description",
    note = "Other/Comments",
    lines = map.each("Shipping/Product", map.line {
      external_id = "LineID",
      sku = "SKU",
      name = "Name",
      quantity = map.value("Quantity", { required = true }),
      unit_price = "ItemPrice",
      total = map.value("Total", { required = true }),
    }),
    custom = { instructions = map.text "Other/OrderInstructions" },
  },
}

shop.tables.status = { ["Payment Received"] = "paid" }

return shop
