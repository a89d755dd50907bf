---Standard tests of orders: each comes in once, with the shop's own figures, whatever its lists do meanwhile.
local decimal = require "cartwright.decimal"
local map = require "cartwright.map"
local time = require "cartwright.time"
local world = require "cartwright.standard_world"

local tests, add = world.tests()
local PLACE = { needs = { "orders" }, world = { "place" } }
local LIST = { needs = { "orders" }, world = { "place" }, when = "http" }

add("orders-empty", "a shop without orders is no failure", { needs = { "orders" }, world = {} }, function(trial)
  local result = trial:sync "orders"
  trial:equal({ result.read, result.posted }, { 0, 0 })
end)

add("orders-paging", "orders of several pages come in, each once, equal to what was placed", PLACE, function(trial)
  local placed = world.place_some(trial, world.three_pages(trial))
  local result = trial:sync "orders"
  world.check_orders(trial, placed)
  trial:equal(result.parked, 0, "parked")
  trial:equal(trial:waiting(), {}, "what waits")
end)

add("orders-again", "a second run posts nothing", { needs = { "orders" }, world = {}, recorded = true }, function(trial)
  if trial.shop and trial.shop.place then world.place_some(trial, 5) end
  local first = trial:sync "orders"
  trial:ok(trial.shop or first.read > 0, "nothing of the recording was read")
  trial:ok(first.read == first.posted + first.unchanged + first.parked + first.skipped, "what was read is not accounted for")
  trial:wait(600)
  trial:equal(trial:sync("orders").posted, 0, "posted by the second run")
  trial:equal(#trial:documents "order", first.posted, "orders in the store")
end)

add("orders-later", "what comes later is fetched by the next run, and nothing else is posted", PLACE, function(trial)
  local placed = world.place_some(trial, 4)
  trial:sync "orders"
  trial:wait(6 * 3600)
  local order = world.order(trial, 9, { placed_at = time.now():format "%Y-%m-%dT%H:%M:%SZ" })
  for id, later in pairs(world.place(trial, { order })) do placed[id] = later end
  trial:equal(trial:sync("orders").posted, 1, "posted")
  world.check_orders(trial, placed)
end)

---How far the windows of orders overlap, in seconds.
local function overlap_of(trial)
  local orders = trial.declared.there.orders
  return not orders.full and math.tointeger(tonumber(orders.overlap)) or 3600
end

add("late-commit", "an order that becomes visible late, stamped before the last run, is not missed", LIST, function(trial)
  local placed = world.place_some(trial, 3)
  trial:sync "orders"
  local stamp = time.now():add(-math.max(overlap_of(trial) // 2, 60)):format "%Y-%m-%dT%H:%M:%SZ"
  local late = world.order(trial, 8, { placed_at = stamp, changed_at = stamp })
  for id, order in pairs(world.place(trial, { late })) do placed[id] = order end
  trial:sync "orders"
  world.check_orders(trial, placed)
end)

add("last-page-repeats", "a shop that repeats its last page for ever ends the run all the same", LIST, function(trial)
  local count = world.three_pages(trial)
  local placed = world.place_some(trial, count - 1)
  trial.shop:repeat_last_page(true)
  local result = trial:sync "orders"
  trial:ok(result.requests < 20 + 10 * count, ("the run made %d requests"):format(result.requests))
  world.check_orders(trial, placed)
end)

add("list-moves", "a list that moves while it is read loses no order", LIST, function(trial)
  local placed = world.place_some(trial, world.three_pages(trial) + 2)
  trial:wait(overlap_of(trial) + 3600) -- or the second run reads all of them again
  trial.shop:move(2)
  trial:sync("orders", { fails = true })
  trial.shop:calm()
  trial:wait(300)
  trial:sync "orders"
  world.check_orders(trial, placed)
end)

-- Values --------------------------------------------------------------------------------------------------------------

add("non-ascii", "names of all scripts, quotes and angle brackets arrive as they were written", PLACE, function(trial)
  local names = { { "Łukasz", "Żółć" }, { "太郎", "山田" }, { "Zoë 🎉", "O’Neill" }, { "Ann \"Nan\"", "Smith & Sons" },
    { "Σοφία", "Παπάς" }, { "a <b>", "c > d" } }
  local orders = {}
  for i, name in ipairs(names) do
    local order = world.order(trial, i)
    order.shipping.first_name, order.shipping.last_name, order.shipping.city = name[1], name[2], "Kraków & Łódź"
    order.billing = map.copy(order.shipping)
    order.lines[1].name = ("Thé \"vert\" & <Käse> %s"):format(name[2])
    orders[i] = order
  end
  local placed = world.place(trial, orders)
  trial:sync "orders"
  world.check_orders(trial, placed)
end)

local function in_currency(trial, currency, each, freight)
  local goods = decimal.new(each) * 3
  local order = world.order(trial, 5, { currency = currency, shipping_total = freight,
    total = tostring(goods + decimal.new(freight)), tax_total = tostring(decimal.new(freight) * 0),
    lines = { { sku = "CUP", name = "Cup", quantity = "3", unit_price = each, total = tostring(goods) } } })
  local placed = world.place(trial, { order })
  trial:sync "orders"
  world.check_orders(trial, placed)
end

add("currency-no-decimals", "a currency without decimals: totals in yen are exact", PLACE, function(trial)
  in_currency(trial, "JPY", "1234", "500")
end)

add("currency-three-decimals", "a currency with three decimals: totals in Kuwaiti dinar are exact", PLACE, function(trial)
  in_currency(trial, "KWD", "1.235", "0.500")
end)

-- Changes -------------------------------------------------------------------------------------------------------------

local AMEND = { needs = { "orders" }, world = { "place", "amend" } }

add("order-changes", "a change of an order is fetched, and the document changed, not doubled", AMEND, function(trial)
  local placed, ids = world.place_some(trial, 3, { status = "pending" })
  trial:sync "orders"
  trial:wait(3600)
  trial.shop:amend(ids[2], { status = "paid" })
  placed[ids[2]].status = "paid"
  trial:wait(120)
  trial:equal(trial:sync("orders").posted, 1, "posted")
  world.check_orders(trial, placed)
end)

add("partial-shipment", "an order of which a part was sent stays one order, and its total stays",
  { needs = { "orders" }, world = { "place", "ship" } }, function(trial)
    local placed, ids = world.place_some(trial, 2, { status = "paid" })
    trial:sync "orders"
    trial:wait(3600)
    trial.shop:ship(ids[1], { tracking_number = "1Z999", carrier = "UPS", lines = { { sku = "MUG", quantity = "1" } } })
    trial:wait(120)
    trial:sync "orders"
    local document = trial:document("order", ids[1])
    trial:ok(document, "the order is gone")
    trial:equal(document.total, placed[ids[1]].total, "total")
    trial:ok(document.status ~= "shipped" and document.status ~= "completed",
      ("a part of the order was sent, and its status is %s"):format(document.status))
    trial:equal(#trial:documents "order", 2, "orders in the store")
  end)

add("refund", "a refund is no new order; the total stays what was owed, or says that it changed",
  { needs = { "orders" }, world = { "place", "refund" } }, function(trial)
    local placed, ids = world.place_some(trial, 2, { status = "paid" })
    trial:sync "orders"
    trial:wait(3600)
    trial.shop:refund(ids[1], { amount = "4.50", lines = { { sku = "MUG", quantity = "1" } } })
    trial:wait(120)
    trial:sync "orders"
    trial:equal(#trial:documents "order", 2, "orders in the store")
    local waits = {}
    for _, one in ipairs(trial:waiting()) do waits[one.id] = one.state == "held" end
    if not waits[ids[1]] then trial:equal(trial:document("order", ids[1]).total, placed[ids[1]].total, "total") end
    world.check_order(trial, ids[2], placed[ids[2]])
  end)

-- What cannot be taken in ---------------------------------------------------------------------------------------------

for _, how in ipairs { 500, "garbage" } do
  local words = how == 500 and "error" or how
  add("poison-" .. words, ("one order that breaks its list (%s) is set aside, the rest comes, and it once it is mended"):format(
    words), LIST, function(trial)
    local placed, ids = world.place_some(trial, world.three_pages(trial))
    local bad = ids[#ids // 2 + 1]
    trial.shop:poison(bad, how)
    trial:sync("orders", { fails = true })
    for _ = 1, 3 do
      trial:wait(900)
      trial:sync("orders", { fails = true })
    end
    world.check_orders(trial, placed, { [bad] = true })
    trial.shop:poison(bad, nil)
    if trial.shop.amend then trial.shop:amend(bad, { note = "mended" }) end
    trial:wait(900)
    trial:sync("orders", { fails = true })
    if trial.declared.there.ids then trial:run "reconcile orders" end
    world.check_orders(trial, placed)
  end)
end

add("unknown-status", "a status that nobody knows parks its order; a row of the table posts it", PLACE, function(trial)
  local placed, ids = world.place(trial, { world.order(trial, 1), world.order(trial, 2, { cart_status = "brewing-up" }) })
  trial:equal(trial:sync("orders").parked, 1, "parked")
  local waits = trial:waiting()
  trial:equal({ #waits, waits[1] and waits[1].id, waits[1] and waits[1].code }, { 1, ids[2], "unknown-status" }, "what waits")
  trial:set_row("status", waits[1].subject, "processing")
  placed[ids[2]].our_status = "processing"
  world.check_orders(trial, placed)
end)

return tests
