---Magento's own traps, beside the standard tests: what commas, faults without a name, holds, parcels without a number,
---a queue that stands still and shops without sources do. Run by tests/system/magento2-told.
local tests = require "cartwright.testing"
local set = tests.new()

local function place(trial, status, more)
  local order = { status = status or "paid", currency = "EUR", total = "24.00", email = "ann@example.com",
    lines = { { sku = "TEA", name = "Tea", quantity = "2", unit_price = "5.00" },
      { sku = "MUG", name = "Mug", quantity = "2", unit_price = "7.00" } } }
  for name, value in pairs(more or {}) do order[name] = value end
  local id = trial.shop:place(order)
  trial:wait(60)
  return id
end

local function offer(trial, ...)
  for _, sku in ipairs { ... } do
    trial.shop:offer { sku = sku, name = sku, price = "1.00", currency = "EUR", quantity = "1" }
  end
  trial:wait(60)
end

---The newest message of a stream, of one thing where it is named.
local function newest(trial, stream, about)
  local found
  for _, message in ipairs(trial:messages()) do
    if message.stream == stream and (not about or message.about == about) then found = message end
  end
  return found
end

local function expect_refused(trial, stream, words)
  trial:sync(stream, { fails = true })
  local message = newest(trial, stream)
  trial:ok(message.state ~= "sent", "the message was sent")
  trial:ok(message.error:find(words, 1, true), ("%q does not say %q"):format(message.error, words))
end

---It was sent once, whatever became of the answer.
local function expect_sent_once(trial, stream, about)
  local message = newest(trial, stream, about)
  trial:equal({ message.state, message.attempts }, { "sent", "1" }, message.error)
end

local function put_level(trial, sku, quantity)
  trial:put { kind = "stock_level", { sku = sku, warehouse = "MAIN", quantity = quantity } }
end

local function put_price(trial, sku, amount)
  trial:put { kind = "price", { sku = sku, list = "default", currency = "EUR", amount = amount } }
end

local function count(trial, kind)
  local found = 0
  for _, entry in ipairs(trial.shop.books) do
    if entry.kind == kind then found = found + 1 end
  end
  return found
end

-- SKUs ----------------------------------------------------------------------------------------------------------------

---The list of the condition `in` would make three SKUs of these two, and one of them another product's.
function set.skus_with_commas_are_found(trial)
  offer(trial, "TEA", "LARGE", "TEA,LARGE", "MUG")
  for sku, quantity in pairs { ["TEA,LARGE"] = "7", MUG = "8" } do put_level(trial, sku, quantity) end
  trial.shop:trouble { on = "write", what = "lost", times = 2 }
  trial:sync("stock_out", { fails = true })
  trial:wait(400)
  trial:sync("stock_out", { fails = true })
  for sku, quantity in pairs { ["TEA,LARGE"] = "7", MUG = "8" } do
    expect_sent_once(trial, "stock_out", sku)
    trial:equal(trial.shop:quantity_of(sku), quantity, sku)
  end
  put_price(trial, "TEA,LARGE", "4.50")
  trial.shop:trouble { on = "write", what = "lost" }
  trial:sync("prices_out", { fails = true })
  trial:wait(400)
  trial:sync("prices_out", { fails = true })
  expect_sent_once(trial, "prices_out")
end

---The shop looks for SKUs without their case, and would change the product that it finds.
function set.a_sku_in_another_case_is_no_other_product(trial)
  offer(trial, "TEA")
  trial:put { kind = "item", { sku = "tea", name = "Other", price = "3.50", currency = "EUR" } }
  expect_refused(trial, "items_out", "the shop takes tea for its product TEA")
  trial:equal(trial.shop:item_of("TEA").name, "TEA")
end

-- Prices --------------------------------------------------------------------------------------------------------------

function set.a_price_fault_that_names_no_sku_is_still_a_fault(trial)
  offer(trial, "1", "TEA", "MUG")
  trial:configure { out = { prices = { brake = false, threshold = 1 } } }
  trial.shop.nameless_faults["TEA"] = true
  for sku, amount in pairs { ["1"] = "2.00", TEA = "3.00", MUG = "4.00" } do put_price(trial, sku, amount) end
  trial:sync("prices_out", { fails = true })
  trial:equal({ newest(trial, "prices_out", "1").state, newest(trial, "prices_out", "MUG").state }, { "sent", "sent" })
  local fault = newest(trial, "prices_out", "TEA")
  trial:ok(fault.state ~= "sent" and fault.error:find("store_id 0 is not allowed, row 1", 1, true), fault.error)
  for sku, amount in pairs { ["1"] = "2.00", TEA = "1.00", MUG = "4.00" } do
    trial:equal(trial.shop:price_of(sku), amount, sku)
  end
end

function set.a_price_fault_that_names_its_sku_is_its_own(trial)
  offer(trial, "TEA", "0")
  trial:configure { out = { prices = { brake = false, threshold = 1 } } }
  for sku, amount in pairs { NONE = "2.00", TEA = "3.00", ["0"] = "4.00" } do put_price(trial, sku, amount) end
  trial:sync("prices_out", { fails = true })
  trial:equal({ newest(trial, "prices_out", "TEA").state, newest(trial, "prices_out", "0").state }, { "sent", "sent" })
  trial:equal({ newest(trial, "prices_out", "0").attempts, count(trial, "price") }, { "1", 2 })
  local fault = newest(trial, "prices_out", "NONE")
  trial:ok(fault.error:find("SKU = NONE, Store ID: 0", 1, true), fault.error)
end

-- Statuses ------------------------------------------------------------------------------------------------------------

function set.an_order_without_a_status_has_its_state(trial)
  trial.shop.tells_status = false
  local fresh, paid = place(trial, "pending"), place(trial, "paid")
  trial:sync "orders"
  trial:equal(trial:document("order", fresh), { status = "pending", cart_status = "new" })
  trial:equal(trial:document("order", paid), { status = "processing", cart_status = "processing" })
end

function set.an_order_with_neither_waits(trial)
  local id = place(trial)
  trial.shop.tells_status = false
  trial.shop.orders[math.tointeger(id)].state = nil
  trial:sync "orders"
  trial:equal(trial:waiting(), { { stream = "orders", id = id, field = "status" } })
end

function set.orders_are_held_and_let_go(trial)
  local id = place(trial)
  trial:sync "orders"
  trial:edit("order", id, { status = "on_hold" })
  trial:sync "statuses_out"
  trial:equal(trial.shop:order_of(id), { status = "holded", state = "holded" })
  trial:edit("order", id, { status = "processing" })
  trial:sync "statuses_out"
  trial:equal(trial.shop:order_of(id), { status = "processing", state = "processing" })
  trial:equal(count(trial, "status"), 2, "calls")
end

---Held as pending, it comes back as that: the status follows.
function set.what_comes_back_otherwise_gets_its_status(trial)
  local id = place(trial, "pending")
  trial:sync "orders"
  trial:edit("order", id, { status = "on_hold" })
  trial:sync "statuses_out"
  trial:edit("order", id, { status = "processing" })
  trial:sync "statuses_out"
  trial:equal(trial.shop:order_of(id), { status = "processing", state = "new" })
end

---The shop does not cancel an order that is held, and says false.
function set.a_held_order_is_let_go_before_it_is_cancelled(trial)
  local id = place(trial, "on_hold")
  trial:sync "orders"
  trial:edit("order", id, { status = "cancelled" })
  trial:sync "statuses_out"
  trial:equal(trial.shop:order_of(id), { status = "canceled", state = "canceled" })
end

function set.false_is_no_success(trial)
  local id = place(trial)
  trial:sync "orders"
  trial.shop.orders[math.tointeger(id)].state = "complete" -- its status a comment has changed since
  trial:edit("order", id, { status = "on_hold" })
  expect_refused(trial, "statuses_out", "cannot hold")
end

function set.an_order_without_a_status_is_told_by_its_state(trial)
  trial.shop.tells_status = false
  local id = place(trial)
  trial:sync "orders"
  trial.shop:trouble { on = "write", what = "lost" }
  trial:edit("order", id, { status = "on_hold" })
  trial:sync("statuses_out", { fails = true })
  trial:wait(400)
  trial:sync("statuses_out", { fails = true })
  expect_sent_once(trial, "statuses_out")
  trial:equal(trial.shop:order_of(id).state, "holded")
end

-- Parcels -------------------------------------------------------------------------------------------------------------

local function put_parcel(trial, id, number, tracking, lines)
  trial:put { kind = "shipment", { number = number, order_cart = trial.cart, order_id = id, confirmed = true,
    tracking_number = tracking, lines = lines } }
  trial:sync("shipments_out", { fails = true })
end

local ONE_TEA = { { sku = "TEA", quantity = "1" } }
local ONE_MUG = { { sku = "MUG", quantity = "1" } }

function set.a_number_that_comes_later_is_added_to_its_parcel(trial)
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id, "S-1", nil, ONE_TEA)
  put_parcel(trial, id, "S-2", nil, ONE_MUG)
  put_parcel(trial, id, "S-1", "JD01", ONE_TEA)
  trial:equal(newest(trial, "shipments_out").state, "sent")
  local parcels = trial.shop:order_of(id).shipments
  trial:equal({ #parcels, parcels[1].tracking_number, parcels[2].tracking_number == nil }, { 2, "JD01", true })
end

function set.a_number_whose_answer_was_lost_is_added_once(trial)
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id, "S-1", nil, ONE_TEA)
  trial.shop:trouble { on = "write", what = "lost" }
  put_parcel(trial, id, "S-1", "JD01", ONE_TEA)
  trial:wait(400)
  trial:sync("shipments_out", { fails = true })
  trial:equal({ newest(trial, "shipments_out").state, count(trial, "track") }, { "sent", 1 })
end

function set.a_number_that_may_be_of_two_parcels_is_refused(trial)
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id, "S-1", nil, ONE_TEA)
  trial.shop:ship(id, { lines = ONE_TEA })
  trial.shop.parcels[2].tracks = {} -- somebody sent the other piece in the shop's admin, without a number
  put_parcel(trial, id, "S-1", "JD01", ONE_TEA)
  trial:ok(newest(trial, "shipments_out").error:find("cannot be told", 1, true), newest(trial, "shipments_out").error)
  trial:equal(count(trial, "track"), 0, "tracks")
end

function set.a_number_of_one_of_two_alike_is_refused(trial)
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id, "S-1", nil, ONE_TEA)
  put_parcel(trial, id, "S-2", nil, ONE_TEA)
  put_parcel(trial, id, "S-2", "JD02", ONE_TEA)
  trial:ok(newest(trial, "shipments_out").error:find("cannot be told", 1, true), newest(trial, "shipments_out").error)
  trial:equal(count(trial, "track"), 0, "tracks")
end

function set.a_number_that_changes_is_refused(trial)
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id, "S-1", "JD01", ONE_TEA)
  put_parcel(trial, id, "S-1", "JD02", ONE_TEA)
  local why = newest(trial, "shipments_out").error
  trial:ok(why:find("no call that changes", 1, true), why)
  trial:equal(trial.shop:order_of(id).shipments, { { tracking_number = "JD01" } })
end

-- Limits --------------------------------------------------------------------------------------------------------------

function set.levels_go_by_as_many_as_the_shop_takes(trial)
  local skus = {}
  for i = 1, 45 do skus[i] = ("S-%02d"):format(i) end
  offer(trial, table.unpack(skus))
  trial.shop.list_limit = 20
  for i, sku in ipairs(skus) do put_level(trial, sku, tostring(i + 3)) end
  local requests = trial:sync("stock_out").requests
  trial:ok(requests <= 5, ("%d requests for 45 levels, of which the shop takes 20"):format(requests))
  for i, sku in ipairs(skus) do trial:equal(trial.shop:quantity_of(sku), tostring(i + 3), sku) end
  trial:equal({ newest(trial, "stock_out").attempts, count(trial, "stock") }, { "1", 45 })
end

function set.pages_are_as_large_as_the_shop_allows(trial)
  trial:configure { page_size = 300 }
  trial.shop.page_limit = 4
  for _ = 1, 9 do place(trial) end
  offer(trial, "A", "B", "C", "D", "E")
  trial:equal(trial:sync("orders").posted, 9, "orders")
  trial:equal(trial:sync("stock").posted, 5, "levels")
end

function set.what_is_wrong_is_told_though_it_stands_beside_the_words(trial)
  put_level(trial, "NONE", "5")
  expect_refused(trial, "stock_out", "Product with SKU \"NONE\" does not exist")
end

-- The queue -----------------------------------------------------------------------------------------------------------

local function in_bulk(trial)
  offer(trial, "TEA", "MUG", "CUP")
  trial:configure { bulk = true, out = { stock = { brake = false, threshold = 1 } } }
end

local function put_both(trial, tea, mug)
  put_level(trial, "TEA", tea)
  put_level(trial, "MUG", mug)
  trial:sync("stock_out", { fails = true })
end

local function expect_levels(trial, tea, mug)
  trial:equal({ trial.shop:quantity_of "TEA", trial.shop:quantity_of "MUG" }, { tea, mug }, "levels in the shop")
end

function set.a_queue_that_runs_is_used(trial)
  in_bulk(trial)
  put_both(trial, "50", "51")
  expect_levels(trial, "50", "51")
  trial:equal({ newest(trial, "stock_out", "TEA").state, #trial.shop.jobs }, { "sent", 1 })
  trial:equal(count(trial, "stock"), 2, "levels that were written")
end

function set.an_operation_that_fails_is_told_of_its_own_level(trial)
  in_bulk(trial)
  trial.shop.levels.MUG = nil
  put_both(trial, "50", "51")
  trial:equal(newest(trial, "stock_out", "TEA").state, "sent")
  trial:ok(newest(trial, "stock_out", "MUG").state ~= "sent", "the level of an SKU without a source was sent")
end

---Told all the same, but not believed: the queue may come back with old levels, the oldest last.
function set.a_queue_that_stands_still_is_passed_by(trial)
  in_bulk(trial)
  trial.shop.runs_consumers = false
  put_both(trial, "50", "51")
  expect_levels(trial, "50", "51")
  trial:equal(newest(trial, "stock_out", "TEA").state, "unknown")
  trial:ok(newest(trial, "stock_out", "TEA").error:find("consumers stand still", 1, true), "which queue, and why")
  put_level(trial, "CUP", "9")
  put_both(trial, "20", "21")
  trial:wait(400)
  trial:sync("stock_out", { fails = true })
  expect_levels(trial, "20", "21")
  trial:equal({ #trial.shop.jobs, trial.shop:quantity_of "CUP", newest(trial, "stock_out", "CUP").state,
    newest(trial, "stock_out", "TEA").state }, { 1, "9", "sent", "unknown" })

  trial.shop.runs_consumers = true
  trial.shop:run_consumers()
  expect_levels(trial, "50", "51")
  for _ = 1, 6 do
    trial:wait(4000)
    trial:sync("stock_out", { fails = true })
  end
  expect_levels(trial, "20", "21")
  trial:equal({ newest(trial, "stock_out", "TEA").state, newest(trial, "stock_out", "MUG").state }, { "sent", "sent" })
  local jobs = #trial.shop.jobs
  put_both(trial, "30", "31")
  trial:equal(#trial.shop.jobs, jobs + 1, "jobs of the queue, which is used again")
end

-- Shops without sources -----------------------------------------------------------------------------------------------

function set.a_shop_without_sources_is_told_product_by_product(trial)
  offer(trial, "TEA 2", "MUG")
  trial.shop.has_sources = false
  local result = trial:test_connection()
  local said = table.concat(result.lines, "\n")
  trial:ok(result.passed and said:find("single_stock = true", 1, true), said .. tostring(result.error))
  put_level(trial, "MUG", "5")
  expect_refused(trial, "stock_out", "single_stock = true")
  trial:configure { single_stock = true }
  trial:wait(3600)
  put_level(trial, "TEA 2", "7")
  trial:sync("stock_out", { fails = true })
  trial:equal({ trial.shop:quantity_of "MUG", trial.shop:quantity_of "TEA 2" }, { "5", "7" })
  put_level(trial, "TEA 2", "0")
  trial.shop:trouble { on = "write", what = "lost" }
  trial:sync("stock_out", { fails = true })
  trial:wait(400)
  trial:sync("stock_out", { fails = true })
  expect_sent_once(trial, "stock_out", "TEA 2")
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id, "S-1", "JD01", ONE_TEA)
  trial:equal(newest(trial, "shipments_out").state, "sent")
  trial:ok(trial:sync("stock", { fails = true }).error:find("switches", 1, true), "how the stream is switched off")
end

function set.the_cloud_service_is_named(trial)
  trial:configure { url = "https://na1.api.commerce.adobe.com/tenant" }
  local result = trial:test_connection()
  trial:equal({ result.passed, result.setting }, { false, "url" })
  trial:ok(result.error:find("Cloud Service", 1, true), result.error)
end

return set
