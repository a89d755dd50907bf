---What carts/files/csv.lua, xml.lua and json.lua share: orders whose fields are called as in scripts/FIELDS.md. Scripts
---that extend one of these say what their shop calls them.
local map = require "cartwright.map"

local plain = {}

local function address(prefix)
  return map.address {
    name = prefix .. "name",
    company = prefix .. "company",
    street = prefix .. "street",
    street2 = prefix .. "street2",
    postcode = prefix .. "postcode",
    city = prefix .. "city",
    region = prefix .. "region",
    country = prefix .. "country",
    phone = prefix .. "phone",
    email = prefix .. "email",
  }
end

---@param at string before the path of each field of the order: "row/" in tables, else ""
---@param lines string path of the lines
---@return map.Plan
function plain.orders(at, lines)
  local own = at == "" and "." or "row[1]"
  return map.order {
    number = map.value(at .. "number", { required = true }),
    status = map.value(at .. "status", { default = "processing" }),
    payment_status = at .. "payment_status",
    reference = at .. "reference",
    placed_at = map.value(at .. "placed_at", { required = true }),
    paid_at = at .. "paid_at",
    currency = map.value(at .. "currency", { required = true }),
    tax_included = map.value(at .. "tax_included", { default = false }),
    discount_total = at .. "discount_total",
    shipping_total = at .. "shipping_total",
    fee_total = at .. "fee_total",
    tax_total = at .. "tax_total",
    total = map.value(at .. "total", { required = true }),
    customer_id = at .. "customer_id",
    email = at .. "email",
    payment_method = at .. "payment_method",
    shipping_method = at .. "shipping_method",
    note = at .. "note",
    billing = map.at(own, address "billing_"),
    shipping = map.at(own, address "shipping_"),
    lines = map.each(lines, map.line {
      external_id = "line_id",
      sku = map.value("sku", { required = true }),
      name = "name",
      quantity = map.value("quantity", { required = true }),
      unit_price = map.value("unit_price", { required = true }),
      discount = "discount",
    }),
  }
end

return plain
