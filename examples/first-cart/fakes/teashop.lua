---A Tea shop that nobody has: serve it with `cartwright fake teashop`, and give its address to the site.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local json = require "cartwright.json"
local time = require "cartwright.time"

local shop = fake.new { title = "Tea shop", settings = { token = "lapsang-souchong" } }

local STATES = { pending = "new", paid = "paid", processing = "paid", shipped = "sent", cancelled = "void" }

shop.statuses = { processing = "paid" } -- the shop has no state between these

function shop:start() self.orders = {} end

function shop:authorized(request) return request:header "Authorization" == "Bearer " .. self.settings.token end

shop:route("GET /about.json", function() return fake.json { software = "Tea shop", version = "3.1" } end)

shop:route("GET /orders.json", function(self, request)
  local query, after, found = request.query, request:number("after", 0), {}
  local since, to = query.changed_since or "", query.changed_until or "9"
  for _, order in ipairs(self.orders) do
    if order.id > after and order.changed >= since and order.changed <= to then found[#found + 1] = order end
  end
  return fake.json { orders = json.array(self:page(found, 0, request:number("limit", 50))) }
end)

-- The world -----------------------------------------------------------------------------------------------------------

local function full_name(address)
  return address.name or ((address.first_name or "") .. " " .. (address.last_name or "")):match "^%s*(.-)%s*$"
end

---@param text? string
local function amount(text) return text and decimal.new(text) end

local function stamp(self) return self:now():format "%Y-%m-%dT%H:%M:%SZ" end

local function find(self, id)
  for _, order in ipairs(self.orders) do
    if tostring(order.id) == id then return order end
  end
end

function shop:place(order)
  local address, items = order.shipping or {}, json.array {}
  for i, line in ipairs(order.lines) do
    items[i] = { sku = line.sku, title = line.name, count = amount(line.quantity), each = amount(line.unit_price) }
  end
  local id = 9007199254740993 + self:next "orders" -- more than a float holds
  table.insert(self.orders, { id = id, number = order.number or "T-" .. id,
    state = order.cart_status or STATES[order.status] or "new",
    ordered = order.placed_at and tostring(time.parse(order.placed_at, "UTC")) or stamp(self),
    changed = order.changed_at or stamp(self),
    currency = order.currency, amounts = { total = amount(order.total), freight = amount(order.shipping_total) },
    customer = { email = order.email }, items = items, gift = order.gift or false,
    deliver_to = { name = full_name(address), street = address.street, town = address.city,
      postcode = address.postcode, country = address.country } })
  return tostring(id)
end

function shop:amend(order_id, changes)
  local order = find(self, order_id)
  order.state, order.changed = STATES[changes.status] or order.state, stamp(self)
end

function shop:order_of(order_id)
  local order = find(self, order_id)
  return order and { status = order.state, shipments = json.array {} }
end

return shop
