---Standard tests of what a shop is told. An answer may get lost, come late, or say something went wrong after the effect; the
---process may die at any step. In the end each effect is once in the shop's books, or the message waits for a person, and
---then it is there at most once.
local world = require "cartwright.standard_world"

local tests, add = world.tests()

---One way out: what a test of it prepares in the shop, what the back office then says, and what the shop must show.
---@class standard.Out
---@field stream string
---@field needs string[]
---@field world string[]
---@field several integer things that the tests of troubles tell at once
---@field prepare fun(trial: testing.Trial, count: integer): any[] things to say something about
---@field say fun(trial: testing.Trial, thing: any, n: integer)
---@field check fun(trial: testing.Trial, thing: any, n: integer) that the shop shows it
---@field times fun(trial: testing.Trial, thing: any, n: integer): integer how often it is in the shop's books
---@field is_level? boolean told twice it does no harm

---@type standard.Out[]
local outs = {}

local function count_entries(trial, fits)
  local found = 0
  for _, entry in ipairs(trial.shop.books) do
    if fits(entry) then found = found + 1 end
  end
  return found
end

-- Levels --------------------------------------------------------------------------------------------------------------

---Things that the shop sells, known here as far as the cart has a stream for them.
---@return string[] skus
local function offer_some(trial, count)
  local skus = {}
  for n = 1, count do
    skus[n] = "TEA-" .. n
    trial.shop:offer { sku = skus[n], name = "Tea " .. n, currency = world.currency(trial), price = "1.00", quantity = "1" }
  end
  trial:wait(120)
  if trial.declared.there.items then trial:sync "items" end
  return skus
end

local QUANTITIES = { "7", "0", "120" }

local function quantity_at(n) return QUANTITIES[n] or tostring(10 + n) end

local function put_level(trial, sku, quantity)
  trial:put { kind = "stock_level", { sku = sku, warehouse = "MAIN", quantity = quantity } }
end

local function check_level(trial, sku, quantity)
  local shown = trial.shop:quantity_of(sku)
  trial:equal(shown and tostring(shown), quantity, "what the shop sells of " .. sku)
end

outs[#outs + 1] = { stream = "stock_out", needs = {}, world = { "offer", "quantity_of" }, several = 3, is_level = true,
  prepare = offer_some,
  say = function(trial, sku, n) put_level(trial, sku, quantity_at(n)) end,
  check = function(trial, sku, n) check_level(trial, sku, quantity_at(n)) end,
  times = function(trial, sku)
    return count_entries(trial, function(entry) return entry.kind == "stock" and entry.sku == sku end)
  end }

local PRICES = { "4.90", "12.00", "0.95" }

local function price_at(n) return PRICES[n] or ("%d.50"):format(n) end

outs[#outs + 1] = { stream = "prices_out", needs = {}, world = { "offer", "price_of" }, several = 3, is_level = true,
  prepare = offer_some,
  say = function(trial, sku, n)
    trial:put { kind = "price", { sku = sku, list = "default", currency = world.currency(trial), amount = price_at(n) } }
  end,
  check = function(trial, sku, n) trial:equal(trial.shop:price_of(sku), price_at(n), "the shop's price of " .. sku) end,
  times = function(trial, sku)
    return count_entries(trial, function(entry) return entry.kind == "price" and entry.sku == sku end)
  end }

-- Orders --------------------------------------------------------------------------------------------------------------

---@return string[] ids of orders that are here and in the shop
local function place_and_sync(trial, count, status)
  local _, ids = world.place_some(trial, count, { status = status })
  trial:sync "orders"
  return ids
end

local function tracking_at(n) return ("1Z999AA1012345%04d"):format(n) end

local function put_parcel(trial, order_id, n, lines)
  trial:put { kind = "shipment", { number = "S-" .. n, order_cart = trial.cart, order_id = order_id, confirmed = true,
    tracking_number = tracking_at(n), shipped_at = trial.shop:now():format "%Y-%m-%dT%H:%M:%SZ", lines = lines } }
end

---@return table? parcel
---@return integer count of those with the tracking number
local function parcel_of(trial, order_id, n)
  local order, found, number = trial.shop:order_of(order_id), nil, 0
  for _, shipment in ipairs(order and order.shipments or {}) do
    if shipment.tracking_number == tracking_at(n) then found, number = shipment, number + 1 end
  end
  return found, number
end

outs[#outs + 1] = { stream = "shipments_out", needs = { "orders" }, world = { "place", "order_of" }, several = 1,
  prepare = function(trial, count) return place_and_sync(trial, count, "paid") end, say = put_parcel,
  check = function(trial, order_id, n)
    local _, number = parcel_of(trial, order_id, n)
    trial:equal(number, 1, "parcels with that tracking number in the shop")
  end,
  times = function(trial, order_id, n)
    local _, number = parcel_of(trial, order_id, n)
    return math.max(number, count_entries(trial, function(entry)
      return entry.kind == "shipment" and entry.tracking_number == tracking_at(n)
    end))
  end }

outs[#outs + 1] = { stream = "statuses_out", needs = { "orders" }, world = { "place", "order_of" }, several = 1,
  prepare = function(trial, count)
    local orders = {}
    for i, id in ipairs(place_and_sync(trial, count, "pending")) do
      orders[i] = { id = id, was = trial.shop:order_of(id).status }
    end
    return orders
  end,
  say = function(trial, order) trial:edit("order", order.id, { status = "cancelled" }) end,
  check = function(trial, order)
    trial:ok(trial.shop:order_of(order.id).status ~= order.was, ("the order's status in the shop is still %s"):format(order.was))
  end,
  times = function(trial, order)
    return count_entries(trial, function(entry) return entry.kind == "status" and tostring(entry.order_id) == order.id end)
  end }

-- Customers and items -------------------------------------------------------------------------------------------------

---Things that the shop does not have yet.
local function numbered(pattern)
  return function(_, count)
    local things = {}
    for n = 1, count do things[n] = pattern:format(n) end
    return things
  end
end

outs[#outs + 1] = { stream = "customers_out", needs = {}, world = { "customer_of" }, several = 1,
  prepare = numbered "ola%d@example.com",
  say = function(trial, email, n)
    trial:put { kind = "customer", { number = "C-" .. n, email = email, first_name = "Ola", last_name = "Żółć" } }
  end,
  check = function(trial, email)
    trial:equal(trial.shop:customer_of(email), { first_name = "Ola", last_name = "Żółć" }, "the customer in the shop")
  end,
  times = function(trial, email)
    return count_entries(trial, function(entry) return entry.kind == "customer" and entry.email == email end)
  end }

outs[#outs + 1] = { stream = "items_out", needs = {}, world = { "item_of" }, several = 1, prepare = numbered "NEW-%d",
  say = function(trial, sku)
    trial:put { kind = "item", { sku = sku, name = "Thé & Co", price = "3.50", currency = world.currency(trial) } }
  end,
  check = function(trial, sku) trial:equal(trial.shop:item_of(sku), { name = "Thé & Co" }, "the item in the shop") end,
  times = function(trial, sku)
    return count_entries(trial, function(entry) return entry.kind == "item" and entry.sku == sku end)
  end }

-- Told, whatever happens ----------------------------------------------------------------------------------------------

---@return table<string, integer> how many messages of the stream are in which state
local function states_of(trial, stream)
  local states = { queued = 0, sending = 0, sent = 0, unknown = 0, failed = 0, superseded = 0 }
  for _, message in ipairs(trial:messages()) do
    if message.stream == stream then states[message.state] = states[message.state] + 1 end
  end
  return states
end

---Runs the stream, as a schedule would, until nothing of it is on its way.
local function settle(trial, stream)
  for _ = 1, 8 do
    trial:sync(stream, { fails = true })
    local states = states_of(trial, stream)
    if states.queued + states.sending + states.unknown == 0 then return end
    trial:wait(400)
  end
end

---What the messages say, for messages of tests.
local function said(trial, stream)
  local all = {}
  for _, message in ipairs(trial:messages()) do
    if message.stream == stream then
      all[#all + 1] = ("%s %s: %s"):format(message.about, message.state, message.error ~= "" and message.error or message.answer)
    end
  end
  return table.concat(all, "; ")
end

---@param out standard.Out
local function check_end(trial, out, things, may_wait)
  local states = states_of(trial, out.stream)
  local waits = states.unknown + states.failed + states.queued + states.sending
  for n, thing in ipairs(things) do
    local times = out.times(trial, thing, n)
    trial:ok(out.is_level or times <= 1, ("it is in the shop's books %d times"):format(times))
    if waits == 0 then out.check(trial, thing, n) end
  end
  trial:ok(waits == 0 or may_wait and states.queued + states.sending == 0, ("it was not told to the end: %s"):format(
    said(trial, out.stream)))
end

---@return any[] things
local function prepare_and_say(trial, out)
  local things = out.prepare(trial, out.several)
  for n, thing in ipairs(things) do out.say(trial, thing, n) end
  return things
end

local DEATHS = 30

-- Probes --------------------------------------------------------------------------------------------------------------
--
-- A cart that looks into the shop before it writes makes good what its probe says wrongly. So what the shop has, whole,
-- is not to be sent again; and nobody is to look too early, in a shop whose lists show late what happened.

local LAG = 100 -- seconds; a probe comes two minutes after the loss
local MOST_WRITES = 8 -- of one message

---Runs the stream again and again for as long as reads may lag.
local function wait_out(trial, out)
  for _ = 1, LAG // 20 do
    trial:wait(20)
    trial:sync(out.stream, { fails = true })
  end
end

---@return table message the newest of the stream
local function newest(trial, stream)
  local found
  for _, message in ipairs(trial:messages()) do
    if message.stream == stream then found = message end
  end
  return found
end

---Says one thing after another; of the requests by which each is told, the answer to the next one gets lost, until it is
---told in fewer.
---@param lag integer? seconds for which reads then show what was before it
---@param lost fun(thing: any, n: integer) the answer was just lost
---@return any[] said
local function lose_each(trial, out, lag, lost)
  local said_of_them = {}
  for n, thing in ipairs(out.prepare(trial, MOST_WRITES)) do
    said_of_them[n] = thing
    out.say(trial, thing, n)
    trial.shop:calm()
    trial.shop:trouble { on = "write", what = "lost", skip = n - 1, lag = lag }
    trial:sync(out.stream, { fails = true })
    if newest(trial, out.stream).state == "sent" then break end
    lost(thing, n)
  end
  trial.shop:calm()
  return said_of_them
end

local function check_lagging(trial, out)
  local things = lose_each(trial, out, LAG, function()
    wait_out(trial, out)
    settle(trial, out.stream)
  end)
  check_end(trial, out, things, true)
end

---Behind the last request of a telling the shop has all of it. What was lost of one before that is told again, rightly.
local function check_probed(trial, out)
  local more = 0
  lose_each(trial, out, nil, function(thing, n)
    local message = newest(trial, out.stream)
    local is_whole = message.state == "unknown" and pcall(out.check, trial, thing, n)
    settle(trial, out.stream)
    more = is_whole and newest(trial, out.stream).attempts - message.attempts or 0
  end)
  trial:equal(more, 0, ("times that it was sent again although the shop had it (%s)"):format(said(trial, out.stream)))
end

---Fields of a trouble that the test is about.
local TROUBLES = {
  { "lost-answer", "an answer that was lost", { what = "lost" }, true },
  { "late-effect", "an effect that comes after the connection broke", { what = "late" }, true },
  { "error-after-effect", "a 500 after the effect", { what = 500, done = true }, true },
  { "error-before-effect", "a 500 without the effect", { what = 500 }, true },
  { "retry-later-429", "a 429 that says when to come back", { what = 429, retry_after = "60" } },
  { "retry-later-503", "a 503 that says when to come back", { what = 503, retry_after = "60" } },
  { "refused-once", "a refusal (422)", { what = 422 } },
}

for _, out in ipairs(outs) do
  local name = out.stream:gsub("_", "-")
  local needs = { needs = { out.stream, table.unpack(out.needs) }, world = out.world }

  add(name, "the shop shows what it was told; a second run tells nothing", needs, function(trial)
    local things = prepare_and_say(trial, out)
    trial:sync(out.stream)
    check_end(trial, out, things)
    local told = #trial.shop.books
    trial:wait(600)
    trial:sync(out.stream)
    trial:equal(#trial.shop.books, told, "what is in the shop's books after a second run")
  end)

  for _, trouble in ipairs(TROUBLES) do
    local what, words, fields, may_wait = table.unpack(trouble)
    add(("%s-%s"):format(name, what), ("%s: told once"):format(words), needs, function(trial)
      local things = prepare_and_say(trial, out)
      trial.shop:trouble { on = "write", what = fields.what, done = fields.done, retry_after = fields.retry_after }
      settle(trial, out.stream)
      check_end(trial, out, things, may_wait)
    end)
  end

  add(name .. "-lagging", "lists show late what the answer was lost of: nobody looks too early, told once", needs,
    function(trial) check_lagging(trial, out) end)

  add(name .. "-probed", "the probe finds what arrived although its answer was lost: it is not sent again", needs,
    function(trial) check_probed(trial, out) end)

  add(name .. "-killed", "the process dies at each step of a telling in turn: told once", needs, function(trial)
    local things, steps = out.prepare(trial, DEATHS), nil
    for n, thing in ipairs(things) do
      out.say(trial, thing, n)
      if steps then trial:kill_after(math.max(1, (n - 1) * steps // (#things - 1))) end
      local run = trial:sync(out.stream, { fails = true })
      trial:kill_after(0)
      steps = steps or run.steps -- of one that nobody killed
    end
    trial:wait(300)
    settle(trial, out.stream)
    check_end(trial, out, things, true)
  end)
end

-- What one stream alone has -------------------------------------------------------------------------------------------

---Puts a quantity of each, from `first` on upwards.
local function put_levels(trial, skus, first)
  for n, sku in ipairs(skus) do put_level(trial, sku, tostring(first + n)) end
end

local function check_levels(trial, skus, first)
  for n, sku in ipairs(skus) do check_level(trial, sku, tostring(first + n)) end
end

local LEVELS = { needs = { "stock_out" }, world = { "offer", "quantity_of" } }

add("stock-out-newest", "a level that changes while an answer is lost: in the end the shop sells the newest", LEVELS,
  function(trial)
    local skus = offer_some(trial, 3)
    put_levels(trial, skus, 4)
    trial.shop:trouble { on = "write", what = "lost" }
    trial:sync("stock_out", { fails = true })
    put_levels(trial, skus, 20)
    settle(trial, "stock_out")
    local states = states_of(trial, "stock_out")
    if states.unknown + states.failed == 0 then check_levels(trial, skus, 20) end
  end)

add("stock-out-many", "more levels than are sent one by one, while an answer is lost and one is refused", LEVELS,
  function(trial)
    local skus = offer_some(trial, 14)
    put_levels(trial, skus, 30)
    trial.shop:trouble { on = "write", what = "lost", skip = 1 }
    trial.shop:trouble { on = "write", what = 400 }
    settle(trial, "stock_out")
    local states = states_of(trial, "stock_out")
    if states.unknown + states.failed == 0 then check_levels(trial, skus, 30) end
    trial:equal(states.queued + states.sending, 0, "messages that are still on their way")
  end)

add("stock-out-unknown-sku", "a SKU that the shop does not have keeps no other from being told", LEVELS, function(trial)
  local skus = offer_some(trial, 3)
  put_level(trial, "NOWHERE", "3")
  put_levels(trial, skus, 4)
  settle(trial, "stock_out")
  check_levels(trial, skus, 4)
end)

add("shipments-out-partial", "a parcel with a part of the order has just those lines in the shop",
  { needs = { "orders", "shipments_out" }, world = { "place", "order_of" } }, function(trial)
    local order_id = place_and_sync(trial, 1, "paid")[1]
    put_parcel(trial, order_id, 1, { { sku = "MUG", quantity = "1" } })
    trial:sync "shipments_out"
    local parcel = parcel_of(trial, order_id, 1)
    trial:ok(parcel, ("the parcel is not in the shop: %s"):format(said(trial, "shipments_out")))
    trial:equal(parcel.lines, { { quantity = "1" } }, "lines of the parcel")
  end)

local PARCELS = { needs = { "orders", "shipments_out" }, world = { "place", "order_of" } }

---@return integer parcels that the shop has of the order
local function parcels_of(trial, order_id) return #(trial.shop:order_of(order_id).shipments or {}) end

add("shipments-out-same-number", "parcels of one carrier number are each in the shop once, also two that hold the same, and "
  .. "one whose answer is lost", PARCELS, function(trial)
  if trial.declared.lacks["shipments-out-partial"] then return end
  local order_id = place_and_sync(trial, 1, "paid")[1]
  local wanted = { "SKU-1", "MUG", "SKU-1" }
  for n, sku in ipairs(wanted) do
    trial:put { kind = "shipment", { number = "S-" .. n, order_cart = trial.cart, order_id = order_id, confirmed = true,
      tracking_number = tracking_at(1), lines = { { sku = sku, quantity = "1" } } } }
    if n == #wanted then trial.shop:trouble { on = "write", what = "lost" } end
    settle(trial, "shipments_out")
  end
  trial:equal(parcels_of(trial, order_id), #wanted, ("parcels in the shop (%s)"):format(said(trial, "shipments_out")))
end)

add("shipments-out-tracking-later", "a number that comes after its parcel makes no second parcel", PARCELS,
  function(trial)
    local order_id = place_and_sync(trial, 1, "paid")[1]
    local lines = not trial.declared.lacks["shipments-out-partial"] and { { sku = "SKU-1", quantity = "1" } } or nil
    trial:put { kind = "shipment", { number = "S-1", order_cart = trial.cart, order_id = order_id, confirmed = true,
      lines = lines } }
    settle(trial, "shipments_out")
    put_parcel(trial, order_id, 1, lines)
    settle(trial, "shipments_out")
    trial:ok(parcels_of(trial, order_id) <= 1, ("the order has %d parcels in the shop"):format(parcels_of(trial, order_id)))
  end)

add("shipments-out-cancelled", "an order that was cancelled in the shop meanwhile gets no parcel",
  { needs = PARCELS.needs, world = { "place", "order_of", "amend" } }, function(trial)
    local order_id = place_and_sync(trial, 1, "paid")[1]
    trial.shop:amend(order_id, { status = "cancelled" })
    put_parcel(trial, order_id, 1)
    settle(trial, "shipments_out")
    trial:equal(parcels_of(trial, order_id), 0, "parcels of a cancelled order")
  end)

add("order-shrinks", "a piece that is taken out of an order before it was sent takes no stock; a parcel of the rest completes the order",
  { needs = PARCELS.needs, world = { "place", "order_of", "shrink" } }, function(trial)
    local order_id = place_and_sync(trial, 1, "paid")[1]
    trial:wait(3600)
    trial.shop:shrink(order_id, "SKU-1", "1")
    trial:wait(120)
    trial:sync "orders"
    for _, one in ipairs(trial:waiting()) do error(("the order waits: %s: %s"):format(one.code, one.message), 0) end
    if trial.declared.there.stock_out then
      trial:equal(trial:query("SELECT sku, quantity FROM demands WHERE order_id = $1 ORDER BY sku", order_id),
        { { sku = "MUG", quantity = "1" }, { sku = "SKU-1", quantity = "1" } }, "what the order takes of stock")
    end
    put_parcel(trial, order_id, 1)
    settle(trial, "shipments_out")
    local parcel = parcel_of(trial, order_id, 1)
    trial:ok(parcel, ("the parcel is not in the shop: %s"):format(said(trial, "shipments_out")))
    if not trial.declared.lacks["shipments-out-partial"] then
      trial:equal(parcel.lines, { { quantity = "1" }, { quantity = "1" } }, "lines of the parcel")
    end
    local complete = trial:query("SELECT payload FROM messages WHERE stream = 'shipments_out' AND event = 'S-1'")[1].payload
    trial:ok(complete:find('"completes":true', 1, true), "the parcel of the rest does not complete the order")
  end)

-- What is overtaken ---------------------------------------------------------------------------------------------------

local MOVES = { needs = { "orders", "statuses_out" }, world = { "place", "order_of", "amend" } }

---Orders that are cancelled in the shop while their statuses wait.
---@return table<string, string> statuses of the shop by the orders' ids
local function overtake(trial)
  local moves, were = { "processing", "completed" }, {}
  for i, id in ipairs(place_and_sync(trial, #moves, "pending")) do
    trial:edit("order", id, { status = moves[i] })
    trial.shop:amend(id, { status = "cancelled" })
    were[id] = trial.shop:order_of(id).status
  end
  return were
end

local function check_overtaken(trial, were)
  for id, was in pairs(were) do trial:equal(trial.shop:order_of(id).status, was, "the order's status in the shop") end
  trial:equal(states_of(trial, "statuses_out").sent, 0, ("statuses that were sent (%s)"):format(said(trial, "statuses_out")))
end

add("statuses-out-overtaken", "an order that was cancelled in the shop while its status waited stays cancelled", MOVES,
  function(trial)
    local were = overtake(trial)
    settle(trial, "statuses_out")
    check_overtaken(trial, were)
    local states = states_of(trial, "statuses_out")
    trial:equal(states.failed + states.superseded, 2, "messages that wait for a person or are not needed any more")
  end)

return tests
