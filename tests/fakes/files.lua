---A shop that has no interface at all: it writes each order into a file of a folder, whenever one is placed or changes, in
---the format json of carts/files/json.lua.
---
---Of real ones it has: a new file for every version of an order, under a name that says nothing of it; names that sort
---otherwise than the files came.
local fake = require "cartwright.fake"
local json = require "cartwright.json"

local shop = fake.new { title = "Orders in files", settings = { folder = "/srv/orders", format = "json" } }

function shop:start()
  self.orders = {}
  self.page_size = 3
end

local ADDRESS = { "name", "company", "street", "street2", "postcode", "city", "region", "country", "phone" }

---"billing_street" and so on.
local function add_address(into, prefix, given)
  if not given then return end
  for _, key in ipairs(ADDRESS) do into[prefix .. key] = given[key] end
  into[prefix .. "name"] = given.name or ((given.first_name or "") .. " " .. (given.last_name or "")):match "^%s*(.-)%s*$"
end

local function lines_of(given)
  local lines = json.array {}
  for i, line in ipairs(given) do
    lines[i] = { line_id = tostring(i), sku = line.sku, name = line.name, quantity = line.quantity,
      unit_price = line.unit_price }
  end
  return lines
end

---Writes what an order is now.
local function write(self, order)
  local count = self:next "file"
  self:deliver(("%02d-%d.json"):format(97 * count % 100, count), json.encode(order))
end

function shop:place(order)
  local number = order.number or ("F%d"):format(self:next "order")
  local made = { number = number, status = order.cart_status or order.status, currency = order.currency,
    placed_at = order.placed_at or self:now():format "%Y-%m-%dT%H:%M:%SZ", tax_included = true, total = order.total,
    shipping_total = order.shipping_total, tax_total = order.tax_total, email = order.email, note = order.note,
    payment_method = order.payment_method, lines = lines_of(order.lines) }
  add_address(made, "billing_", order.billing)
  add_address(made, "shipping_", order.shipping)
  self.orders[number] = made
  write(self, made)
  return number, number
end

function shop:amend(id, changes)
  local order = self.orders[tostring(id)]
  order.status, order.note = changes.status or order.status, changes.note or order.note
  write(self, order)
end

function shop:order_of(id)
  local order = self.orders[tostring(id)]
  return order and { status = order.status }
end

return shop
