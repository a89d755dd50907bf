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
---@field prepare fun(trial: testing.Trial): any
---@field say fun(trial: testing.Trial, prepared: any)
---@field check fun(trial: testing.Trial, prepared: any) that the shop shows it
---@field times fun(trial: testing.Trial, prepared: any): integer how often it is in the shop's books
---@field is_level? boolean told twice it does no harm

---@type standard.Out[]
local outs = {}

local function count(trial, fits)
  local found = 0
  for _, entry in ipairs(trial.shop.books) do
    if fits(entry) then found = found + 1 end
  end
  return found
end

-- Levels --------------------------------------------------------------------------------------------------------------

local SKUS = { "TEA-1", "TEA-2", "TEA-3" }

---Things that the shop sells, known here as far as the cart has a stream for them.
local function offer_some(trial)
  for n, sku in ipairs(SKUS) do
    trial.shop:offer { sku = sku, name = "Tea " .. n, currency = world.currency(trial), price = "1.00", quantity = "1" }
  end
  trial:wait(120)
  if trial.declared.there.items then trial:sync "items" end
end

local function put_levels(trial, quantities)
  local put = { kind = "stock_level" }
  for n, quantity in ipairs(quantities) do put[n] = { sku = SKUS[n], warehouse = "MAIN", quantity = quantity } end
  trial:put(put)
end

local function check_levels(trial, quantities)
  for n, quantity in ipairs(quantities) do
    local shown = trial.shop:quantity_of(SKUS[n])
    trial:equal(shown and tostring(shown), quantity, "what the shop sells of " .. SKUS[n])
  end
end

outs[#outs + 1] = { stream = "stock_out", needs = {}, world = { "offer", "quantity_of" }, is_level = true,
  prepare = offer_some, say = function(trial) put_levels(trial, { "7", "0", "120" }) end,
  check = function(trial) check_levels(trial, { "7", "0", "120" }) end,
  times = function(trial)
    return count(trial, function(entry) return entry.kind == "stock" and entry.sku == "TEA-1" end)
  end }

outs[#outs + 1] = { stream = "prices_out", needs = {}, world = { "offer", "price_of" }, is_level = true,
  prepare = offer_some,
  say = function(trial)
    local put = { kind = "price" }
    for n, amount in ipairs { "4.90", "12.00", "0.95" } do
      put[n] = { sku = SKUS[n], list = "default", currency = world.currency(trial), amount = amount }
    end
    trial:put(put)
  end,
  check = function(trial)
    for n, amount in ipairs { "4.90", "12.00", "0.95" } do
      trial:equal(trial.shop:price_of(SKUS[n]), amount, "the shop's price of " .. SKUS[n])
    end
  end,
  times = function(trial)
    return count(trial, function(entry) return entry.kind == "price" and entry.sku == "TEA-1" end)
  end }

-- Orders --------------------------------------------------------------------------------------------------------------

local function place_one(trial)
  local _, ids = world.place_some(trial, 1, { status = "paid" })
  trial:sync "orders"
  return ids[1]
end

local TRACKING = "1Z999AA10123456784"

local function put_parcel(trial, order_id, lines)
  trial:put { kind = "shipment", { number = "S-1", order_cart = trial.cart, order_id = order_id, confirmed = true,
    tracking_number = TRACKING, shipped_at = trial.shop:now():format "%Y-%m-%dT%H:%M:%SZ", lines = lines } }
end

---@return table? parcel
---@return integer count of those with the tracking number
local function parcel_of(trial, order_id)
  local order, found, number = trial.shop:order_of(order_id), nil, 0
  for _, shipment in ipairs(order and order.shipments or {}) do
    if shipment.tracking_number == TRACKING then found, number = shipment, number + 1 end
  end
  return found, number
end

outs[#outs + 1] = { stream = "shipments_out", needs = { "orders" }, world = { "place", "order_of" }, prepare = place_one,
  say = put_parcel,
  check = function(trial, order_id)
    local _, number = parcel_of(trial, order_id)
    trial:equal(number, 1, "parcels with that tracking number in the shop")
  end,
  times = function(trial, order_id)
    local _, number = parcel_of(trial, order_id)
    local booked = count(trial, function(entry) return entry.kind == "shipment" and entry.tracking_number == TRACKING end)
    return math.max(number, booked)
  end }

outs[#outs + 1] = { stream = "statuses_out", needs = { "orders" }, world = { "place", "order_of" },
  prepare = function(trial)
    local _, ids = world.place_some(trial, 1, { status = "pending" })
    trial:sync "orders"
    return { id = ids[1], was = trial.shop:order_of(ids[1]).status }
  end,
  say = function(trial, order) trial:edit("order", order.id, { status = "cancelled" }) end,
  check = function(trial, order)
    trial:ok(trial.shop:order_of(order.id).status ~= order.was, ("the order's status in the shop is still %s"):format(order.was))
  end,
  times = function(trial, order)
    return count(trial, function(entry) return entry.kind == "status" and tostring(entry.order_id) == order.id end)
  end }

-- Customers and items -------------------------------------------------------------------------------------------------

local EMAIL = "ola@example.com"

outs[#outs + 1] = { stream = "customers_out", needs = {}, world = { "customer_of" }, prepare = function() end,
  say = function(trial)
    trial:put { kind = "customer", { number = "C-1", email = EMAIL, first_name = "Ola", last_name = "Żółć" } }
  end,
  check = function(trial)
    trial:equal(trial.shop:customer_of(EMAIL), { first_name = "Ola", last_name = "Żółć" }, "the customer in the shop")
  end,
  times = function(trial)
    return count(trial, function(entry) return entry.kind == "customer" and entry.email == EMAIL end)
  end }

outs[#outs + 1] = { stream = "items_out", needs = {}, world = { "item_of" }, prepare = function() end,
  say = function(trial)
    trial:put { kind = "item", { sku = "NEW-1", name = "Thé & Co", price = "3.50", currency = world.currency(trial) } }
  end,
  check = function(trial) trial:equal(trial.shop:item_of "NEW-1", { name = "Thé & Co" }, "the item in the shop") end,
  times = function(trial) return count(trial, function(entry) return entry.kind == "item" and entry.sku == "NEW-1" end) end }

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
local function check_end(trial, out, prepared, may_wait)
  local states, times = states_of(trial, out.stream), out.times(trial, prepared)
  local waits = states.unknown + states.failed + states.queued + states.sending
  trial:ok(out.is_level or times <= 1, ("it is in the shop's books %d times"):format(times))
  if waits == 0 then return out.check(trial, prepared) end
  trial:ok(may_wait and states.queued + states.sending == 0, ("it was not told to the end: %s"):format(said(trial, out.stream)))
end

---Fields of a trouble that the test is about.
local TROUBLES = {
  { "lost-answer", "an answer that was lost", { what = "lost" }, true },
  { "late-effect", "an effect that comes after the connection broke", { what = "late" }, true },
  { "error-after-effect", "a 500 after the effect", { what = 500, done = true }, true },
  { "retry-later-429", "a 429 that says when to come back", { what = 429, retry_after = "60" } },
  { "retry-later-503", "a 503 that says when to come back", { what = 503, retry_after = "60" } },
  { "refused-once", "a refusal (422)", { what = 422 } },
}

for _, out in ipairs(outs) do
  local name = out.stream:gsub("_", "-")
  local needs = { needs = { out.stream, table.unpack(out.needs) }, world = out.world }

  add(name, "the shop shows what it was told; a second run tells nothing", needs, function(trial)
    local prepared = out.prepare(trial)
    out.say(trial, prepared)
    trial:sync(out.stream)
    check_end(trial, out, prepared)
    local told = #trial.shop.books
    trial:wait(600)
    trial:sync(out.stream)
    trial:equal(#trial.shop.books, told, "what is in the shop's books after a second run")
  end)

  for _, trouble in ipairs(TROUBLES) do
    local what, words, fields, may_wait = table.unpack(trouble)
    add(("%s-%s"):format(name, what), ("%s: told once"):format(words), needs, function(trial)
      local prepared = out.prepare(trial)
      out.say(trial, prepared)
      trial.shop:trouble { on = "write", what = fields.what, done = fields.done, retry_after = fields.retry_after }
      settle(trial, out.stream)
      check_end(trial, out, prepared, may_wait)
    end)
  end

  add(name .. "-killed", "the process dies at ever later steps while it tells: told once", needs, function(trial)
    local prepared = out.prepare(trial)
    out.say(trial, prepared)
    world.kill_until_done(trial, function()
      trial:wait(130)
      return trial:sync(out.stream, { fails = true })
    end)
    settle(trial, out.stream)
    check_end(trial, out, prepared, true)
  end)
end

-- What one stream alone has -------------------------------------------------------------------------------------------

add("stock-out-newest", "a level that changes while an answer is lost: in the end the shop sells the newest",
  { needs = { "stock_out" }, world = { "offer", "quantity_of" } }, function(trial)
    offer_some(trial)
    put_levels(trial, { "5", "6", "7" })
    trial.shop:trouble { on = "write", what = "lost" }
    trial:sync("stock_out", { fails = true })
    put_levels(trial, { "8", "9", "10" })
    settle(trial, "stock_out")
    local states = states_of(trial, "stock_out")
    if states.unknown + states.failed == 0 then check_levels(trial, { "8", "9", "10" }) end
  end)

add("stock-out-unknown-sku", "a SKU that the shop does not have keeps no other from being told",
  { needs = { "stock_out" }, world = { "offer", "quantity_of" } }, function(trial)
    offer_some(trial)
    trial:put { kind = "stock_level", { sku = "NOWHERE", warehouse = "MAIN", quantity = "3" } }
    put_levels(trial, { "5", "6", "7" })
    settle(trial, "stock_out")
    check_levels(trial, { "5", "6", "7" })
  end)

add("shipments-out-partial", "a parcel with a part of the order has just those lines in the shop",
  { needs = { "orders", "shipments_out" }, world = { "place", "order_of" } }, function(trial)
    local order_id = place_one(trial)
    put_parcel(trial, order_id, { { sku = "MUG", quantity = "1" } })
    trial:sync "shipments_out"
    local parcel = parcel_of(trial, order_id)
    trial:ok(parcel, ("the parcel is not in the shop: %s"):format(said(trial, "shipments_out")))
    trial:equal(parcel.lines, { { quantity = "1" } }, "lines of the parcel")
  end)

return tests
