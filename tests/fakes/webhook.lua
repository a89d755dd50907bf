---A shop that is never asked: it pushes each order whole, as one JSON object, whenever one is placed or changes.
local fake = require "cartwright.fake"
local json = require "cartwright.json"

local SECRET = "of-the-shop-that-pushes"

local shop = fake.new { title = "Shop that pushes orders", settings = { webhook_secret = SECRET } }

local WORDS = { on_hold = "on hold" } -- where the shop's word differs from ours

function shop:start() self.orders = {} end

local function address(given)
  if not given then return nil end
  return { first_name = given.first_name, last_name = given.last_name, company = given.company, address1 = given.street,
    address2 = given.street2, postcode = given.postcode, city = given.city, region = given.region,
    country = given.country, phone = given.phone }
end

local function lines(given)
  local made = {}
  for i, line in ipairs(given or {}) do
    made[i] = { id = tostring(i), sku = line.sku, name = line.name, quantity = line.quantity,
      unit_price = line.unit_price, total = line.total, tax = line.tax }
  end
  return made
end

local function now(self) return self:now():format "%Y-%m-%dT%H:%M:%SZ" end

---Sends what an order is now.
local function push(self, order)
  self:deliver(("%s-%d"):format(order.id, self:next "delivery"), json.encode(order))
end

function shop:place(order)
  local id = tostring(1000 + self:next "order")
  local placed = order.placed_at or now(self)
  local made = { id = id, number = order.number or id, created_at = placed,
    status = order.cart_status or WORDS[order.status] or order.status,
    updated_at = order.changed_at or placed, currency = order.currency, total = order.total,
    shipping_total = order.shipping_total, tax_total = order.tax_total, email = order.email, note = order.note,
    payment_method = order.payment_method, billing = address(order.billing), shipping = address(order.shipping),
    lines = lines(order.lines) }
  self.orders[id] = made
  push(self, made)
  return id, made.number
end

function shop:amend(id, changes)
  local order = self.orders[tostring(id)]
  if changes.status then order.status = WORDS[changes.status] or changes.status end
  if changes.note then order.note = changes.note end
  order.updated_at = now(self)
  push(self, order)
end

---What of the order lies there unread is cut off; once it is mended it is pushed again.
function shop:poison(id, how)
  if not how then return push(self, self.orders[tostring(id)]) end
  for _, delivery in ipairs(self.deliveries) do
    if delivery.name:match "^%d+" == tostring(id) then delivery.bytes = delivery.bytes:sub(1, #delivery.bytes // 2) end
  end
end

function shop:announce(id)
  local body = json.encode(self.orders[tostring(id)])
  self:notify { body = body, headers = { ["Content-Type"] = "application/json", ["X-Topic"] = "order.updated",
    ["X-Signature"] = fake.hmac(SECRET, body, { encoding = "hex", algorithm = "sha256" }) } }
end

function shop:order_of(id)
  local order = self.orders[tostring(id)]
  return order and { status = order.status }
end

return shop
