---Items, customers and orders that nobody thought of, from a fake's seed: names of many scripts, several currencies,
---sums that add up.
local decimal = require "cartwright.decimal"

local orders = {}

local FIRST = { "Zoë", "José", "Łukasz", "Anaïs", "Jürgen", "Σοφία", "Ольга", "美咲", "Siân", "Ngọc", "Ann", "Øystein" }
local LAST = { "Müller", "O'Neill", "Lefèvre", "Żółć", "Παπάς", "Иванова", "渡辺", "Nguyễn", "D’Amico", "Smith-Jones" }
local THINGS = { "Thé vert", "Käse & Brot", "Tea <loose>", "抹茶", "Чай", "Jalapeño", "Crème brûlée", "Mug \"Hello\"" }
local PLACES = {
  { country = "DE", postcode = "80331", city = "München" }, { country = "FR", postcode = "44000", city = "Nantes" },
  { country = "GB", postcode = "EC1A 1BB", city = "London" }, { country = "JP", postcode = "150-0001", city = "渋谷区" },
  { country = "US", postcode = "02139", city = "Cambridge", region = "MA" },
}
local CURRENCIES = { { "EUR", 2 }, { "USD", 2 }, { "GBP", 2 }, { "JPY", 0 }, { "KWD", 3 } }
local STATUSES = { "paid", "pending", "processing" }

local function pick(shop, list) return list[1 + shop:below(#list)] end

---An amount of 1.00 to 99.99, in as many digits as the currency has.
local function amount(shop, digits)
  local units = 100 + shop:below(9900)
  local text = ("%03d"):format(units)
  return decimal.new(text:sub(1, -3) .. "." .. text:sub(-2)):round(digits)
end

local function person(shop)
  local number = shop:next "invented customers"
  local place = pick(shop, PLACES)
  local address = { first_name = pick(shop, FIRST), last_name = pick(shop, LAST), country = place.country,
    street = ("%d rue de l’Été"):format(1 + shop:below(99)), postcode = place.postcode, city = place.city,
    region = place.region, phone = ("+49 89 %06d"):format(shop:below(1000000)) }
  return { email = ("buyer%d@example.com"):format(number), first_name = address.first_name,
    last_name = address.last_name, addresses = { address } }
end

local function item(shop)
  local number = shop:next "invented items"
  local offered = { sku = ("SKU-%d"):format(number), name = pick(shop, THINGS), currency = "EUR",
    price = tostring(amount(shop, 2)), quantity = tostring(shop:below(500)) }
  if shop:below(4) == 0 then
    offered.variants = {}
    for i, size in ipairs { "S", "M", "L" } do
      offered.variants[i] = { sku = offered.sku .. "-" .. size, name = size, price = offered.price,
        quantity = tostring(shop:below(50)) }
    end
  end
  return offered
end

local function lines(shop, digits)
  local made, sum = {}, decimal.new "0"
  for i = 1, 1 + shop:below(4) do
    local price, quantity = amount(shop, digits), 1 + shop:below(5)
    made[i] = { sku = ("SKU-%d"):format(1 + shop:below(20)), name = pick(shop, THINGS), quantity = tostring(quantity),
      unit_price = tostring(price), total = tostring(price * quantity) }
    sum = sum + price * quantity
  end
  return made, sum
end

---@return table order as of fake.World:place
local function order(shop)
  local currency, digits = table.unpack(pick(shop, CURRENCIES))
  local buyer, number = person(shop), shop:next "invented orders"
  local made, goods = lines(shop, digits)
  local shipping = shop:below(3) > 0 and amount(shop, digits) or decimal.new("0"):round(digits)
  return { number = ("F%05d"):format(number), status = pick(shop, STATUSES), currency = currency,
    total = tostring(goods + shipping), shipping_total = tostring(shipping), tax_total = "0", email = buyer.email,
    placed_at = shop:now():format "%Y-%m-%dT%H:%M:%SZ", billing = buyer.addresses[1], shipping = buyer.addresses[1],
    payment_method = "bankwire", lines = made }
end

local KINDS = { orders = { "place", order }, items = { "offer", item }, customers = { "register", person } }

---Puts one more into the shop.
---@param kind "orders"|"items"|"customers"
---@param call fun(shop: fake.Shop, name: string, ...): any calls a function of the fake's script
---@return string id
function orders.invent(shop, kind, call)
  local how = KINDS[kind] or error(("kinds are orders, items and customers, not %q"):format(kind), 0)
  return call(shop, how[1], how[2](shop))
end

return orders
