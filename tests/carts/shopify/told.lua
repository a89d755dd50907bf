---Shopify's own traps, beside the standard tests: versions and their forms, what costs too much, scopes, the two
---quantities, prices without periods, what is refused in words, two secrets of notices. Run by tests/system/shopify-told.
local fake = require "cartwright.fake"
local tests = require "cartwright.testing"
local set = tests.new()

local function place(trial, status, more)
  local order = { status = status or "paid", currency = "EUR", total = "24.00", email = "ann@example.com",
    lines = { { sku = "TEA", name = "Tea", quantity = "2", unit_price = "12.00", total = "24.00" } } }
  for name, value in pairs(more or {}) do order[name] = value end
  local id = trial.shop:place(order)
  trial:wait(60)
  return id
end

---An item with 4 pieces, known to the store.
local function offer(trial)
  trial.shop:offer { sku = "TEA", name = "Tea", price = "12.00", quantity = "4" }
  trial:wait(60)
  trial:sync "items"
end

local function put_level(trial, quantity)
  trial:put { kind = "stock_level", { sku = "TEA", warehouse = "MAIN", quantity = quantity } }
end

local function put_price(trial, list, amount, more)
  local price = { sku = "TEA", list = list, currency = "EUR", amount = amount }
  for name, value in pairs(more or {}) do price[name] = value end
  trial:put { kind = "price", price }
end

---The newest message of a stream.
local function last(trial, stream)
  local found
  for _, message in ipairs(trial:messages()) do
    if message.stream == stream then found = message end
  end
  return found
end

local function expect_refused(trial, stream, words)
  trial:sync(stream, { fails = true })
  local message = last(trial, stream)
  trial:ok(message.state ~= "sent", "the message was sent")
  trial:ok(message.error and message.error:find(words, 1, true),
    ("%q does not say %q"):format(tostring(message.error), words))
  trial:equal(#trial.shop.books, 0, "what the shop was told")
end

-- Versions ------------------------------------------------------------------------------------------------------------

---Tells a level to a shop that supports these versions.
local function tell_level(trial, asked, supported)
  trial:configure { version = asked }
  trial.shop.supported = supported
  offer(trial)
  put_level(trial, "9")
  trial:sync "stock_out"
  trial:equal(trial.shop.books, { { kind = "stock", sku = "TEA", quantity = 9 } })
  trial:equal(last(trial, "stock_out"), { state = "sent", attempts = "1" })
end

function set.each_version_has_its_form_of_a_level(trial) tell_level(trial, "2026-01", { "2026-01", "2026-04" }) end

function set.a_newer_version_has_its_own(trial) tell_level(trial, "2026-04", { "2026-01", "2026-04" }) end

---A version that is over is answered as the oldest that is supported: what counts is which one answers.
function set.the_version_that_answers_is_told_in_its_form(trial)
  tell_level(trial, "2026-01", { "2026-04", "2026-07" })
end

---One that is not there yet is answered by an older one as well.
function set.an_older_version_that_answers_is_told_in_its_form(trial) tell_level(trial, "2026-10", { "2026-01" }) end

function set.the_connection_test_tells_which_version_answers(trial)
  trial.shop.supported = { "2026-04", "2026-07" }
  local said = table.concat(trial:test_connection().lines, "\n")
  trial:ok(said:find("answers as version 2026-04", 1, true), said)
end

-- Asked for too much --------------------------------------------------------------------------------------------------

---It says so with status 200, and did nothing: the same write is put again, and costs no attempt.
function set.a_change_that_costs_too_much_waits(trial)
  offer(trial)
  put_level(trial, "9")
  trial.shop.throttled.change = 3
  trial:sync "stock_out"
  trial:equal(last(trial, "stock_out"), { state = "sent", attempts = "1" })
  trial:equal(#trial.shop.books, 1, "what the shop was told")
end

function set.a_shop_that_is_asked_too_much_for_long_costs_no_attempt(trial)
  offer(trial)
  put_level(trial, "9")
  trial.shop.throttled.change = 1000
  trial:sync("stock_out", { fails = true })
  trial:equal(last(trial, "stock_out"), { state = "queued", attempts = "0" })
  trial.shop.throttled.change = 0
  trial:wait(3600)
  trial:sync "stock_out"
  trial:equal(last(trial, "stock_out"), { state = "sent", attempts = "1" })
end

function set.a_question_that_costs_too_much_waits(trial)
  trial.shop:offer { sku = "TEA", name = "Tea", price = "12.00", quantity = "4" }
  trial:wait(60)
  trial.shop.throttled.ask = 4
  trial:equal(trial:sync("items").posted, 1, "posted")
end

---A filter that the shop does not understand finds everything, with a warning.
function set.a_filter_that_is_ignored_ends_the_run(trial)
  offer(trial)
  trial.shop.warns = true
  local result = trial:sync("items", { fails = true })
  trial:ok(result.error and result.error:find("ignores a filter", 1, true), tostring(result.error))
end

-- Who is let in -------------------------------------------------------------------------------------------------------

---Apps of the developer dashboard get a token for a day.
function set.a_token_of_a_day_is_asked_for_again(trial)
  trial:configure { token = tests.nothing, client_id = "app", client_secret = "shpss_fake" }
  place(trial)
  trial:equal(trial:sync("orders").posted, 1, "posted")
  trial:wait(2 * 86400)
  place(trial)
  trial:equal(trial:sync("orders").posted, 1, "posted")
  trial:configure { token = tests.nothing, client_id = "app", client_secret = "shpss_other" }
  local result = trial:test_connection()
  trial:equal({ result.passed, result.code, result.setting }, { false, "auth", "client_secret" })
end

-- Orders --------------------------------------------------------------------------------------------------------------

---"paid" is the shop's word also where a part of the money is still owed.
function set.a_paid_order_of_which_a_part_is_owed_is_not_paid(trial)
  local id = place(trial)
  trial.shop:amend(id, { outstanding = "14.00" })
  trial:wait(60)
  trial:sync "orders"
  trial:equal(trial:document("order", id), { status = "pending", payment_status = "partly_paid", paid_total = "10.00" })
  trial.shop:amend(id, { outstanding = "0" })
  trial:wait(60)
  trial:sync "orders"
  trial:equal(trial:document("order", id), { status = "paid", payment_status = "paid", paid_total = "24.00" })
end

function set.a_test_order_is_skipped(trial)
  local id = place(trial)
  trial.shop.orders[1].test = true
  trial:equal(trial:sync("orders").skipped, 1, "skipped")
  trial:equal(trial:document("order", id), nil)
end

---Where no payment was recorded at all the word stands: programs that bring orders in say it of what was paid
---elsewhere.
function set.an_order_that_was_paid_elsewhere_is_paid(trial)
  local id = place(trial)
  trial.shop:amend(id, { outstanding = "24.00" })
  trial:wait(60)
  trial:sync "orders"
  local order = trial:document("order", id)
  trial:equal(order, { status = "paid", payment_status = "paid", custom = { outstanding = "24.00" } })
  trial:equal(order.paid_total, nil, "the total that was paid")
end

-- Stock ---------------------------------------------------------------------------------------------------------------

---Which of the two quantities is told is also the one that is read.
function set.what_lies_there_is_read_where_it_is_told(trial)
  trial:configure { quantity = "on_hand" }
  offer(trial)
  trial.shop.committed.TEA = 3
  trial:sync "stock"
  trial:equal(trial:document("stock_level", trial:documents("stock_level")[1]), { sku = "TEA", quantity = "7" })
  put_level(trial, "10")
  trial:sync "stock_out"
  trial:equal(trial.shop:quantity_of "TEA", "7")
  trial:sync "stock"
  trial:equal(trial:document("stock_level", trial:documents("stock_level")[1]).quantity, "10")
end

function set.what_is_available_is_read_by_default(trial)
  offer(trial)
  trial.shop.committed.TEA = 3
  trial:sync "stock"
  trial:equal(trial:document("stock_level", trial:documents("stock_level")[1]).quantity, "4")
end

function set.a_variant_that_is_not_tracked_is_refused(trial)
  offer(trial)
  trial.shop.products[1].variants[1].tracked = false
  put_level(trial, "9")
  expect_refused(trial, "stock_out", "does not track the stock")
end

function set.a_variant_that_is_not_kept_at_the_location_is_refused(trial)
  offer(trial)
  trial.shop.products[1].variants[1].is_elsewhere = true
  put_level(trial, "9")
  expect_refused(trial, "stock_out", "is not kept at this location")
end

function set.stock_of_another_location_is_not_this_ones(trial)
  trial:configure { location = "1" }
  offer(trial)
  trial:equal(trial:sync("stock").skipped, 1, "skipped")
  put_level(trial, "9")
  expect_refused(trial, "stock_out", "is not kept at this location")
end

---The shop refuses with status 200, and has changed nothing then.
function set.a_level_that_the_shop_refuses_is_not_sent(trial)
  offer(trial)
  trial.shop.fault = "The quantity is too high."
  put_level(trial, "9")
  expect_refused(trial, "stock_out", "The quantity is too high.")
  trial:equal(last(trial, "stock_out").state, "queued")
end

---A number of the shop whose SKU was changed there stands for something else.
function set.a_variant_that_has_another_sku_by_now_is_left_alone(trial)
  offer(trial)
  trial.shop.products[1].variants[1].sku, trial.shop.levels.CUP = "CUP", 4
  put_level(trial, "9")
  put_price(trial, "default", "9.00")
  expect_refused(trial, "stock_out", "has the SKU CUP by now")
  expect_refused(trial, "prices_out", "has the SKU CUP by now")
end

-- Prices --------------------------------------------------------------------------------------------------------------

local function prices(trial)
  local variant = trial.shop.products[1].variants[1]
  return { price = tostring(variant.price), compare = variant.compare and tostring(variant.compare) or "none" }
end

---The shop knows no time after which a price is over.
function set.a_sale_price_that_is_to_end_by_itself_is_refused(trial)
  trial:configure { out = { prices = { brake = false, list = "sale" } } }
  offer(trial)
  put_price(trial, "sale", "9.00", { valid_until = trial.shop:now():add(86400) })
  expect_refused(trial, "prices_out", "the shop keeps no period")
  trial:equal(prices(trial), { price = "12", compare = "none" })
end

function set.a_sale_price_stands_before_the_usual_one(trial)
  trial:configure { out = { prices = { brake = false, list = "sale" } } }
  offer(trial)
  put_price(trial, "sale", "9.00", { valid_from = trial.shop:now():add(-60) })
  trial:sync "prices_out"
  trial:equal(prices(trial), { price = "9", compare = "12" })
end

---A sale ends with a price that is none.
function set.a_sale_price_as_high_as_the_usual_one_ends_the_sale(trial)
  trial:configure { out = { prices = { brake = false, list = "sale" } } }
  offer(trial)
  local variant = trial.shop.products[1].variants[1]
  variant.price, variant.compare = variant.price - 3, variant.price
  put_price(trial, "sale", "12.00")
  trial:sync "prices_out"
  trial:equal(prices(trial), { price = "12", compare = "none" })
end

function set.the_usual_price_of_what_is_on_sale_is_the_one_struck_through(trial)
  offer(trial)
  local variant = trial.shop.products[1].variants[1]
  variant.price, variant.compare = variant.price - 3, variant.price
  put_price(trial, "default", "14.00")
  trial:sync "prices_out"
  trial:equal(prices(trial), { price = "9", compare = "14" })
  put_price(trial, "default", "8.00")
  trial:sync "prices_out"
  trial:equal(prices(trial), { price = "8", compare = "none" })
end

-- Parcels -------------------------------------------------------------------------------------------------------------

local function put_parcel(trial, order_id)
  trial:put { kind = "shipment", { number = "S-1", order_cart = trial.cart, order_id = order_id, confirmed = true,
    tracking_number = "TN1", carrier = "UPS" } }
end

---Each parcel would be refused: the connection test says so before.
function set.the_connection_test_names_scopes_that_parcels_need(trial)
  trial.shop.scopes = { "read_all_orders", "write_orders", "write_customers", "write_products", "write_inventory",
    "read_locations" }
  local result = trial:test_connection()
  local said = table.concat(result.lines, "\n")
  trial:ok(result.passed and said:find("write_merchant_managed_fulfillment_orders", 1, true), said)
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id)
  expect_refused(trial, "shipments_out", "read_merchant_managed_fulfillment_orders")
  trial.shop.scopes[7] = "write_assigned_fulfillment_orders"
  said = table.concat(trial:test_connection().lines, "\n")
  trial:ok(not said:find("fulfillment", 1, true), said)
end

function set.the_connection_test_names_what_the_shop_cannot_be_told(trial)
  trial.shop.scopes = { "read_all_orders", "read_orders", "read_customers", "read_products", "read_inventory",
    "read_locations", "write_third_party_fulfillment_orders" }
  local result = trial:test_connection()
  local said = table.concat(result.lines, "\n")
  trial:ok(result.passed and said:find("stock (write_inventory)", 1, true), said)
  trial:ok(said:find("prices (write_products)", 1, true), said)
end

function set.an_order_on_hold_is_released_by_a_person(trial)
  local id = place(trial)
  trial:sync "orders"
  trial.shop.held[id] = true
  put_parcel(trial, id)
  expect_refused(trial, "shipments_out", "on hold")
end

---A parcel has pieces of one location.
function set.a_parcel_from_several_locations_is_put_as_several(trial)
  local lines = { { sku = "TEA", name = "Tea", quantity = "1", unit_price = "12.00", total = "12.00" },
    { sku = "CUP", name = "Cup", quantity = "1", unit_price = "12.00", total = "12.00" } }
  local id = place(trial, "paid", { lines = lines })
  trial:sync "orders"
  trial.shop.places.CUP = 9
  put_parcel(trial, id)
  expect_refused(trial, "shipments_out", "put one shipment for each")
  id = place(trial, "paid", { lines = lines })
  trial:sync "orders"
  for i, line in ipairs(lines) do
    trial:put { kind = "shipment", { number = "P-" .. i, order_cart = trial.cart, order_id = id, confirmed = true,
      tracking_number = "TN-" .. i, carrier = "UPS", lines = { { sku = line.sku, quantity = "1" } } } }
  end
  trial:sync("shipments_out", { fails = true })
  trial:equal(trial.shop:order_of(id).shipments, { { tracking_number = "TN-1", lines = { { sku = "TEA" } } },
    { tracking_number = "TN-2", lines = { { sku = "CUP" } } } })
end

function set.a_status_that_follows_from_others_is_refused(trial)
  local id = place(trial, "pending")
  trial:sync "orders"
  trial:edit("order", id, { status = "paid" })
  expect_refused(trial, "statuses_out", "follows from payments and parcels")
end

-- Notices -------------------------------------------------------------------------------------------------------------

---For an hour after its secret was changed the shop signs with the old one.
function set.the_secret_before_signs_as_well(trial)
  local id = place(trial)
  trial:configure { webhook_secret = "shpss_new", old_webhook_secret = trial.shop.settings.webhook_secret }
  trial.shop:announce(id)
  local notice = trial.shop.notices[1]
  trial:equal(trial:hear_one(notice), { believed = true, job = "orders" })
  notice.headers["X-Shopify-Hmac-Sha256"] = fake.hmac("shpss_new", notice.body)
  trial:equal(trial:hear_one(notice), { believed = true, job = "orders" })
  for _, other in ipairs { "shpss_other", "" } do
    notice.headers["X-Shopify-Hmac-Sha256"] = fake.hmac(other, notice.body)
    trial:equal(trial:hear_one(notice).believed, false, "signed with another secret")
  end
  trial:configure { webhook_secret = "shpss_new", old_webhook_secret = tests.nothing }
  notice.headers["X-Shopify-Hmac-Sha256"] = fake.hmac(trial.shop.settings.webhook_secret, notice.body)
  trial:equal(trial:hear_one(notice).believed, false, "signed with the secret before, which is not set any more")
end

return set
