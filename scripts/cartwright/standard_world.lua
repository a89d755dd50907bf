---What the standard tests put into a shop, and what of it must be in the store.
local decimal = require "cartwright.decimal"
local map = require "cartwright.map"
local time = require "cartwright.time"

local world = {}

---A list of tests, to which parts of the standard set add theirs.
---@return testing.Test[] tests
---@return fun(name: string, about: string, needs: { needs: string[], world: string[], when?: string, recorded?: boolean }, run: function) add
function world.tests()
  local tests = {}
  return tests, function(name, about, needs, run)
    tests[#tests + 1] = { name = name, about = about, needs = needs.needs or {}, world = needs.world or {},
      when = needs.when, recorded = needs.recorded, run = run }
  end
end

-- Orders --------------------------------------------------------------------------------------------------------------

local FIRST = { "Chloé", "Jan", "Mary Ann", "Özgür", "Inés" }
local LAST = { "Lefèvre", "de Smet", "O'Neill", "Yılmaz", "Muñoz" }
local CITIES = { { "Nantes", "FR", "44000" }, { "Gent", "BE", "9000" }, { "London", "GB", "N1 9GU" }, { "Wien", "AT", "1010" } }
local STATUSES = { "paid", "pending", "paid", "processing" }

local function now(ago) return time.now():add(-(ago or 0)):format "%Y-%m-%dT%H:%M:%SZ" end

---The currency of shops that have only one.
function world.currency(trial) return trial.shop.currency or "EUR" end

---The n-th order: two lines, freight, every figure another one.
---@param over? table fields that are to be otherwise
---@return table order as fake.World:place takes it
function world.order(trial, n, over)
  local city = CITIES[n % #CITIES + 1]
  local address = { first_name = FIRST[n % #FIRST + 1], last_name = LAST[n % #LAST + 1], street = ("%d Harbour Rd"):format(n),
    city = city[1], country = city[2], postcode = city[3], phone = "+33 1 02 03 04 05" }
  local each = decimal.new(("%d.%02d"):format(3 + n, n * 7 % 100))
  local goods = each * 2 + decimal.new "4.50"
  local order = { number = ("N%05d"):format(100 + n), status = STATUSES[n % #STATUSES + 1], currency = world.currency(trial),
    total = tostring(goods + decimal.new "3.50"), shipping_total = "3.50", tax_total = "0.00", placed_at = now(3600 - n),
    email = ("buyer%d@example.com"):format(n), billing = address, shipping = map.copy(address), payment_method = "bankwire",
    lines = {
      { sku = ("SKU-%d"):format(n), name = ("Tea no. %d"):format(n), quantity = "2", unit_price = tostring(each),
        total = tostring(each * 2) },
      { sku = "MUG", name = "Mug", quantity = "1", unit_price = "4.50", total = "4.50" },
    } }
  for key, value in pairs(over or {}) do order[key] = value end
  return order
end

---Places orders, and lets the time pass that windows need to reach them.
---@return table<string, table> orders by the cart's ids
---@return string[] ids in the order of placing
function world.place(trial, orders)
  local placed, ids = {}, {}
  for i, order in ipairs(orders) do
    local id, number = trial.shop:place(order)
    ids[i] = tostring(id)
    placed[ids[i]] = order
    order.number = number or order.number
  end
  trial:wait(120)
  return placed, ids
end

---@return table<string, table> orders
---@return string[] ids
function world.place_some(trial, count, over)
  local orders = {}
  for n = 1, count do orders[n] = world.order(trial, n, over) end
  return world.place(trial, orders)
end

local SMALL_PAGE = 3

---Lets lists have small pages where the cart can; and says how many records make three of them.
---@return integer
function world.three_pages(trial)
  if trial.declared.settings.page_size then
    trial:configure { page_size = SMALL_PAGE }
    return 2 * SMALL_PAGE + 1
  end
  return 2 * (trial.shop.page_size or 50) + 1
end

-- Deaths --------------------------------------------------------------------------------------------------------------

local DEATHS = 24

---Kills the process ever later in its work, at steps that the seed chooses, and begins again, until it gets through.
---@param work fun(): { killed: boolean }
function world.kill_until_done(trial, work)
  local steps = 1 + trial.shop:below(3)
  for _ = 1, DEATHS do
    trial:kill_after(steps)
    local result = work()
    trial:kill_after(0)
    if not result.killed then return end
    steps = steps + 1 + trial.shop:below(2 + steps // 2)
    trial:wait(60)
  end
  work()
end

-- What must be stored -------------------------------------------------------------------------------------------------

local function full_name(address)
  if address.name then return address.name end
  return ((address.first_name or "") .. " " .. (address.last_name or "")):match "^%s*(.-)%s*$"
end

local function check_address(trial, document, order, id)
  local address = document.shipping or document.billing
  local wanted = order.shipping or order.billing
  trial:ok(address, ("order %s has no address"):format(id))
  trial:equal({ name = full_name(address), city = address.city, country = address.country },
    { name = full_name(wanted), city = wanted.city, country = wanted.country }, ("address of order %s"):format(id))
end

---That the store has the order as it was placed.
function world.check_order(trial, id, order)
  local document = trial:document("order", id)
  if not document then
    local why = "it is not there"
    for _, waits in ipairs(trial:waiting()) do
      if waits.id == id then why = ("it waits: %s: %s"):format(waits.code, waits.message) end
    end
    error(("order %s was not posted: %s"):format(id, why), 0)
  end
  local lines = {}
  for i, line in ipairs(order.lines) do lines[i] = { sku = line.sku, name = line.name, quantity = line.quantity } end
  trial:equal(document, { number = order.number, currency = order.currency, total = order.total,
    status = order.our_status or (trial.shop.statuses or {})[order.status] or order.status,
    email = order.email, placed_at = order.placed_at, lines = lines }, ("order %s"):format(id))
  check_address(trial, document, order, id)
end

---That the store has just these orders, as they were placed, and nothing waits.
---@param but? table<string, boolean> ids that are elsewhere
function world.check_orders(trial, placed, but)
  local expected, there = 0, trial:documents "order"
  for id, order in pairs(placed) do
    if not (but and but[id]) then
      expected = expected + 1
      world.check_order(trial, id, order)
    end
  end
  trial:equal(#there, expected, "orders in the store")
end

---A number for all that is stored of orders, by which two stores can be compared.
function world.stored(trial)
  local all = {}
  for _, row in ipairs(trial:query("SELECT external_id, number, status, total FROM orders WHERE cart = $1 ORDER BY external_id",
    trial.cart)) do
    all[#all + 1] = ("%s %s %s %s"):format(row.external_id, row.number, row.status, row.total)
  end
  return table.concat(all, "\n")
end

return world
