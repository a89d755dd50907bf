---WooCommerce's own traps, beside the standard tests: who is let in, what is counted where, and what is refused in words.
---Run by tests/system/woocommerce-told.
local json = require "cartwright.json"
local tests = require "cartwright.testing"
local set = tests.new()

local SHIRT = { sku = "SHIRT", name = "Shirt", price = "20.00", variants = { { sku = "SHIRT-S", name = "S & slim",
  price = "20.00", quantity = "4" }, { sku = "SHIRT-M", name = "M", price = "22.50", quantity = "5" } } }

local function place(trial, status, more)
  local order = { status = status or "paid", currency = "EUR", total = "11.90", tax_total = "1.90", email = "ann@example.com",
    lines = { { sku = "TEA", name = "Tea", quantity = "2", unit_price = "5.95", total = "11.90", tax = "1.90" } } }
  for name, value in pairs(more or {}) do order[name] = value end
  local id = trial.shop:place(order)
  trial:wait(60)
  return id
end

---What became of the only message of a stream.
local function fate(trial, stream)
  local found
  for _, message in ipairs(trial:messages()) do
    if message.stream == stream then found = message end
  end
  return found.state, found.error
end

local function expect_refused(trial, stream, words)
  trial:sync(stream, { fails = true })
  local state, why = fate(trial, stream)
  trial:ok(state ~= "sent", "the message was sent")
  trial:ok(why and why:find(words, 1, true), ("%q does not say %q"):format(tostring(why), words))
end

local function put_level(trial, sku, quantity)
  trial:put { kind = "stock_level", { sku = sku, warehouse = "MAIN", quantity = quantity } }
end

-- Who is let in -------------------------------------------------------------------------------------------------------

local function check_reads(trial)
  local id = place(trial)
  trial:sync "orders"
  trial:equal(trial:document("order", id), { total = "11.90", tax_total = "1.90", lines = { { total = "10.00" } } })
end

function set.signed_requests_are_let_in(trial)
  trial:configure { sign = true }
  check_reads(trial)
  put_level(trial, "TEA", "3")
  trial:equal(trial:test_connection().passed, true, "the connection test")
end

function set.a_wrong_secret_signs_in_vain(trial)
  trial:configure { sign = true, secret = "cs_other" }
  local result = trial:test_connection()
  trial:equal({ result.passed, result.code, result.setting }, { false, "auth", "secret" })
  trial:ok(result.error:find("the one that the shop calls its own", 1, true), result.error)
end

function set.keys_may_stand_in_the_address(trial)
  trial:configure { keys_in_address = true }
  check_reads(trial)
end

function set.a_key_that_may_only_read_is_told_apart(trial)
  local id = place(trial, "pending")
  trial:sync "orders"
  trial.shop.reads_only = true
  trial:edit("order", id, { status = "cancelled" })
  trial:sync("statuses_out", { fails = true })
  local _, why = fate(trial, "statuses_out")
  trial:ok(why:find("Read/Write", 1, true), why)
end

-- Lists ---------------------------------------------------------------------------------------------------------------

---The shop counts records that it then does not show, so that a page in the middle is short.
function set.a_short_page_is_not_the_last(trial)
  trial:configure { page_size = 4 }
  local ids = {}
  for i = 1, 11 do ids[i] = place(trial) end
  for _, hidden in ipairs { 5 } do trial.shop.hidden[ids[hidden]] = true end
  trial:sync "orders"
  trial:equal(#trial:documents "order", 10, "orders in the store")
end

---Something before the shop takes the counts away: then an empty page is the end, of variations too.
function set.lists_without_counts_are_read_to_their_end(trial)
  trial.shop.tells_counts = false
  trial:configure { page_size = 3 }
  for _ = 1, 7 do place(trial) end
  local id = trial.shop:offer(SHIRT)
  trial:wait(60)
  trial:sync "orders"
  trial:sync "items"
  trial:equal(#trial:documents "order", 7, "orders in the store")
  trial:equal(trial:document("item", id).variants, { { sku = "SHIRT-S" }, { sku = "SHIRT-M" } })
end

---Versions before 5.8 ignore the filter for changes without a word.
function set.a_shop_that_lists_no_changes_is_read_whole(trial)
  trial.shop.ignores_changes = true
  local id = place(trial, "pending")
  trial:sync "orders"
  trial:wait(30 * 24 * 3600)
  trial.shop:amend(id, { status = "processing" })
  trial:wait(60)
  trial:equal(trial:sync("orders").posted, 1, "posted")
  local said = table.concat(trial:test_connection().lines, "\n")
  trial:ok(said:find("older than 5.8", 1, true), said)
end

function set.stock_is_counted_where_it_is_managed(trial)
  local id = trial.shop:offer(SHIRT)
  trial.shop:offer { sku = "CARD", name = "Card", price = "5.00" }
  trial.shop.variations[2].manage_stock, trial.shop.variations[2].stock_quantity = "parent", 40
  trial:wait(60)
  trial:sync "items"
  trial:sync "stock"
  local levels = trial:documents "stock_level"
  trial:equal(#levels, 1, "levels in the store")
  trial:equal(trial:document("stock_level", levels[1]), { sku = "SHIRT-S", item_id = id, variant_id = levels[1],
    quantity = "4" })
  trial:equal(trial:document("item", id).variants, { { name = "S & slim" }, { name = "M" } })
end

-- Notices -------------------------------------------------------------------------------------------------------------

---When a webhook is made the shop tries its address, without a signature; what has more in it is no such trial.
function set.the_trial_of_a_new_webhook_is_let_pass(trial)
  local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
  trial:equal(trial:hear_one { headers = headers, body = "webhook_id=5" }, { believed = false, ignored = true })
  trial:equal(trial:hear_one { headers = headers, body = "webhook_id=5&x=1" }, { believed = false, ignored = false })
end

-- Goods ---------------------------------------------------------------------------------------------------------------

function set.variations_are_told_by_their_product(trial)
  trial.shop:offer(SHIRT)
  trial.shop:offer { sku = "TEA", name = "Tea", price = "5.00", quantity = "1" }
  trial:wait(60)
  trial:sync "items"
  for sku, quantity in pairs { ["SHIRT-S"] = "7", ["SHIRT-M"] = "0", TEA = "12" } do put_level(trial, sku, quantity) end
  trial:sync "stock_out"
  trial:equal({ trial.shop:quantity_of "SHIRT-S", trial.shop:quantity_of "SHIRT-M", trial.shop:quantity_of "TEA" },
    { "7", "0", "12" })
  trial:equal(#trial.shop.books, 3, "what the shop was told")
end

function set.a_variation_counted_with_its_product_is_left_alone(trial)
  trial.shop:offer(SHIRT)
  trial.shop.variations[1].manage_stock = "parent"
  trial:wait(60)
  trial:sync "items"
  put_level(trial, "SHIRT-S", "7")
  expect_refused(trial, "stock_out", "counts this variation with its product")
  trial:equal(#trial.shop.books, 0, "what the shop was told")
end

---A batch answers 200 although members failed.
function set.a_member_of_a_batch_may_fail_alone(trial)
  for _, sku in ipairs { "A", "B", "C" } do trial.shop:offer { sku = sku, name = sku, price = "1.00", quantity = "1" } end
  trial:wait(60)
  trial:sync "items"
  trial.shop.refused.B = true
  for _, sku in ipairs { "A", "B", "C" } do put_level(trial, sku, "9") end
  trial:sync("stock_out", { fails = true })
  trial:equal({ trial.shop:quantity_of "A", trial.shop:quantity_of "B", trial.shop:quantity_of "C" }, { "9", "1", "9" })
  local states = {}
  for _, message in ipairs(trial:messages()) do states[message.about] = message.state end
  trial:equal(states, { A = "sent", B = "queued", C = "sent" })
end

---The shop knows whole numbers only, and cuts off the rest without a word.
function set.a_quantity_that_the_shop_cuts_is_not_sent(trial)
  trial:configure { out = { stock = { brake = false, step = "0.5" } } }
  trial.shop:offer { sku = "TEA", name = "Tea", price = "5.00", quantity = "1" }
  trial:wait(60)
  trial:sync "items"
  put_level(trial, "TEA", "2.5")
  expect_refused(trial, "stock_out", "made 2 of it")
end

function set.a_sale_price_has_its_period(trial)
  trial:configure { out = { prices = { brake = false, list = "sale" } } }
  trial.shop:offer { sku = "TEA", name = "Tea", price = "5.00" }
  trial:wait(60)
  trial:sync "items"
  trial:put { kind = "price", { sku = "TEA", list = "sale", currency = "EUR", amount = "4.50",
    valid_from = trial.shop:now():add(-86400), valid_until = trial.shop:now():add(30 * 86400) } }
  trial:sync "prices_out"
  trial:equal(trial.shop:item_of "TEA", { regular_price = "5.00", sale_price = "4.50",
    date_on_sale_from_gmt = trial.shop:now():add(-86400):format "%Y-%m-%dT%H:%M:%S",
    date_on_sale_to_gmt = trial.shop:now():add(30 * 86400):format "%Y-%m-%dT%H:%M:%S" })
end

---What the shop keeps of an older sale would end the new one, or let it wait.
function set.bounds_of_an_older_sale_are_taken_away(trial)
  trial:configure { out = { prices = { brake = false, list = "sale" } } }
  trial.shop:offer { sku = "TEA", name = "Tea", price = "5.00" }
  trial.shop:offer { sku = "CUP", name = "Cup", price = "5.00" }
  local function stamp(days) return trial.shop:now():add(days * 86400):format "%Y-%m-%dT%H:%M:%S" end
  for _, sku in ipairs { "TEA", "CUP" } do
    local item = trial.shop:item_of(sku)
    item.sale_price, item.date_on_sale_from_gmt, item.date_on_sale_to_gmt = "4.50", stamp(-9), stamp(-2)
  end
  trial:wait(60)
  trial:sync "items"
  local began = trial.shop:now():add(-86400)
  trial:put { kind = "price", { sku = "TEA", list = "sale", currency = "EUR", amount = "4.50", valid_from = began } }
  trial:put { kind = "price", { sku = "CUP", list = "sale", currency = "EUR", amount = "4.00" } }
  trial:sync "prices_out"
  trial:equal(trial.shop:item_of "TEA", { sale_price = "4.50", date_on_sale_from_gmt = began:format "%Y-%m-%dT%H:%M:%S",
    date_on_sale_to_gmt = json.null })
  trial:equal(trial.shop:item_of "CUP", { sale_price = "4.00", date_on_sale_from_gmt = json.null,
    date_on_sale_to_gmt = json.null })
end

function set.a_product_with_variations_has_no_price_of_its_own(trial)
  trial.shop:offer(SHIRT)
  trial:wait(60)
  trial:sync "items"
  trial:put { kind = "price", { sku = "SHIRT", list = "default", currency = "EUR", amount = "9.00" } }
  expect_refused(trial, "prices_out", "send the prices of these")
end

function set.prices_in_another_currency_are_refused(trial)
  trial.shop:offer { sku = "TEA", name = "Tea", price = "5.00" }
  trial:wait(60)
  trial:sync "items"
  trial:put { kind = "price", { sku = "TEA", list = "default", currency = "USD", amount = "9.00" } }
  expect_refused(trial, "prices_out", "prices of this shop are in EUR")
end

function set.an_item_that_is_a_variation_gets_no_product_of_its_own(trial)
  trial.shop:offer(SHIRT)
  trial:put { kind = "item", { sku = "SHIRT-S", name = "Slim shirt" } }
  expect_refused(trial, "items_out", "is a variation of product")
end

---To the shop a comma parts SKUs that are asked for.
function set.a_sku_with_a_comma_is_one_sku(trial)
  trial.shop:offer { sku = "TEA", name = "Tea", price = "10.00" }
  local item = { sku = "TEA,LARGE", name = "Large tea set", price = "99.00", currency = "EUR" }
  trial:put { kind = "item", item }
  trial:sync "items_out"
  trial:equal(trial.shop:item_of "TEA", { name = "Tea", regular_price = "10.00" })
  trial:equal(trial.shop:item_of "TEA,LARGE", { name = "Large tea set", regular_price = "99.00" })
end

---The probe of such an item must not take the other one for it.
function set.a_sku_with_a_comma_is_looked_for_whole(trial)
  trial.shop:offer { sku = "TEA", name = "Large tea set", price = "10.00" }
  trial:put { kind = "item", { sku = "TEA,LARGE", name = "Large tea set" } }
  trial.shop:trouble { on = "POST /wp-json/wc/v3/products", what = "lost" }
  for _ = 1, 3 do
    trial:sync("items_out", { fails = true })
    trial:wait(400)
  end
  trial:equal(#trial.shop.products, 2, "products")
  local _, why = fate(trial, "items_out")
  trial:equal((fate(trial, "items_out")), "sent", why)
end

---WordPress keeps some SKUs with entities, which items then have as well.
function set.a_sku_with_entities_is_the_same(trial)
  trial.shop:offer { sku = "A&amp;B", name = "Both", price = "5.00", quantity = "1" }
  trial:wait(60)
  trial:sync "items"
  put_level(trial, "A&amp;B", "9")
  trial:sync "stock_out"
  trial:equal(trial.shop:quantity_of "A&amp;B", "9")
end

---A number of the shop whose SKU was changed there stands for something else.
function set.a_product_that_has_another_sku_by_now_is_left_alone(trial)
  trial:configure { out = { stock = { brake = false }, prices = { brake = false } } }
  trial.shop:offer { sku = "TEA", name = "Tea", price = "5.00", quantity = "1" }
  trial:wait(60)
  trial:sync "items"
  trial.shop:item_of("TEA").sku = "CUP"
  put_level(trial, "TEA", "9")
  trial:put { kind = "price", { sku = "TEA", list = "default", currency = "EUR", amount = "9.00" } }
  expect_refused(trial, "stock_out", "has the SKU CUP by now")
  expect_refused(trial, "prices_out", "has the SKU CUP by now")
  trial:equal(#trial.shop.books, 0, "what the shop was told")
end

function set.an_account_that_is_there_is_changed_not_doubled(trial)
  trial.shop:register { email = "ola@example.com", first_name = "Ola", last_name = "O'Hara & Co" }
  trial:put { kind = "customer", { number = "C-1", email = "ola@example.com", first_name = "Ola", last_name = "O'Hara & Co",
    phone = "+43 1 5550100" } }
  trial:sync "customers_out"
  trial:equal(#trial.shop.customers, 1, "accounts")
  trial:equal(trial.shop.customers[1].billing.phone, "+43 1 5550100")
  trial:put { kind = "customer", { number = "C-2", email = "guest@example.com", guest = true } }
  trial:sync "customers_out"
  trial:equal(#trial.shop.customers, 1, "accounts")
end

-- Orders --------------------------------------------------------------------------------------------------------------

local function put_parcel(trial, order_id, more)
  local parcel = { number = "S-1", order_cart = trial.cart, order_id = order_id, confirmed = true, tracking_number = "TN1",
    carrier = "UPS Ground", shipped_at = "2024-07-01T22:30:00Z" }
  for name, value in pairs(more or {}) do parcel[name] = value end
  trial:put { kind = "shipment", parcel }
end

---Sent lines or addresses would make the shop calculate the order anew.
local function check_not_recalculated(trial)
  for _, entry in ipairs(trial.shop.books) do
    trial:ok(entry.kind ~= "recalculated", "the order was calculated anew")
  end
end

function set.a_parcel_completes_the_order_after_its_number_is_there(trial)
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id)
  trial:sync "shipments_out"
  local kinds = {}
  for i, entry in ipairs(trial.shop.books) do kinds[i] = entry.kind end
  trial:equal(kinds, { "shipment", "status" }, "what the shop was told")
  trial:equal(trial.shop.books[1], { tracking_number = "TN1", carrier = "UPS Ground" })
  trial:equal(trial.shop.books[2].status, "completed")
  check_not_recalculated(trial)
end

---Names of carriers must be those that the extension lists; a row of the table says which.
function set.a_carrier_goes_by_the_name_that_the_extension_lists(trial)
  local id = place(trial)
  trial:sync "orders"
  trial:set_row("carrier_out", "UPS Ground", "UPS")
  put_parcel(trial, id)
  trial:sync "shipments_out"
  trial:equal(trial.shop.books[1].carrier, "UPS")
end

function set.a_number_that_was_wrong_is_taken_back(trial)
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id)
  trial:sync "shipments_out"
  put_parcel(trial, id, { tracking_number = "TN2" })
  trial:sync "shipments_out"
  trial:equal(#trial.shop:order_of(id).shipments, 1, "numbers in the shop")
  trial:equal(trial.shop:order_of(id).shipments, { { tracking_number = "TN2" } })
end

function set.without_the_extension_a_number_is_refused(trial)
  trial.shop.tracks = false
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id)
  expect_refused(trial, "shipments_out", "tracking_notes = true")
  trial:equal(trial.shop:order_of(id).status, "processing")
end

function set.a_note_may_have_the_number(trial)
  trial.shop.tracks = false
  trial:configure { tracking_notes = true }
  local id = place(trial)
  trial:sync "orders"
  put_parcel(trial, id)
  trial.shop:trouble { on = "POST /wp-json/wc/v3/orders/*/notes", what = "lost" }
  for _ = 1, 3 do
    trial:sync("shipments_out", { fails = true })
    trial:wait(400)
  end
  trial:equal(#trial.shop.notes[id], 1, "notes")
  trial:equal(trial.shop.notes[id][1], { note = "UPS Ground TN1", customer_note = true })
  trial:equal(trial.shop:order_of(id).status, "completed")
end

---A number that is part of another one was not told with it.
function set.a_note_with_a_longer_number_is_another_one(trial)
  trial.shop.tracks = false
  trial:configure { tracking_notes = true }
  local id = place(trial)
  trial:sync "orders"
  for i, number in ipairs { "2026-1177", "1177/2", "1177.3", "1177", "77" } do
    trial:put { kind = "shipment", { number = "S-" .. i, order_cart = trial.cart, order_id = id, confirmed = true,
      tracking_number = number, carrier = "UPS Ground", tracking_url = "https://track.example/" .. number,
      lines = { { sku = "TEA", quantity = "0.4" } } } }
    trial:sync "shipments_out"
  end
  trial:equal(#trial.shop.notes[id], 5, "notes")
end

function set.an_order_that_was_cancelled_is_not_shipped(trial)
  local id = place(trial)
  trial:sync "orders"
  trial.shop:amend(id, { status = "cancelled" })
  put_parcel(trial, id)
  expect_refused(trial, "shipments_out", "cancelled in the shop")
end

---The shop's states that plugins add need a row.
function set.a_status_without_a_word_of_the_shop_is_refused(trial)
  local id = place(trial, "pending")
  trial:sync "orders"
  trial:edit("order", id, { status = "backorder" })
  expect_refused(trial, "statuses_out", "status_out backorder SLUG")
end

return set
