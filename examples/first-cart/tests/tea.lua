---Tests of the cart "tea" beside the standard ones. Run them with: cartwright test tea --only "*-are-*"
local tests = require "cartwright.testing"
local set = tests.new()

local function order(over)
  local placed = { number = "T-7", status = "paid", currency = "GBP", total = "8.50", shipping_total = "3.50",
    email = "ann@example.com", lines = { { sku = "OOLONG", name = "Oolong", quantity = "1", unit_price = "5.00" } } }
  for field, value in pairs(over or {}) do placed[field] = value end
  return placed
end

function set.gifts_are_marked(trial)
  local id = trial.shop:place(order { gift = true })
  trial:wait(60) -- a run leaves out the last seconds, of which the shop may not show all yet
  trial:sync "orders"
  trial:equal(trial:document("order", id).custom.gift, true)
end

function set.test_orders_are_skipped(trial)
  trial.shop:place(order { email = "test@tea.example" })
  trial:wait(60)
  trial:equal(trial:sync("orders").skipped, 1)
  trial:equal(trial:documents "order", {})
end

function set.states_that_nobody_knows_are_parked(trial)
  local id = trial.shop:place(order { cart_status = "steeping" })
  trial:wait(60)
  trial:sync "orders"
  trial:equal(trial:waiting(), { { id = id, code = "unknown-status", subject = "steeping" } })
  trial:set_row("status", "steeping", "processing")
  trial:equal(trial:document("order", id).status, "processing")
end

return set
