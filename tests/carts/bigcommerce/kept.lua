---What became of orders of BigCommerce that were taken in: archived, or paid back in part. Run by
---tests/system/kept-up-to-date.
local tests = require "cartwright.testing"
local set = tests.new()

local function place(trial)
  local id = trial.shop:place { status = "paid", currency = "EUR", total = "24.00", email = "ann@example.com",
    lines = { { sku = "TEA", name = "Tea", quantity = "3", unit_price = "8.00", total = "24.00" } } }
  trial:wait(60)
  trial:sync "orders"
  return id
end

local function amend(trial, id, changes)
  trial:wait(600)
  trial.shop:amend(id, changes)
  trial:wait(60)
  return trial:sync "orders"
end

local function taken(trial)
  return trial:query "SELECT sku, state, quantity FROM demands"
end

function set.an_archived_order_waits_for_a_person(trial)
  local id = place(trial)
  amend(trial, id, { archived = true })
  local waits = trial:waiting()
  trial:equal(#waits, 1, "what waits")
  trial:equal(waits[1].subject, "archived", "the row that is asked for")
  trial:equal(taken(trial), { { sku = "TEA", state = "pending", quantity = "3" } }, "what it takes meanwhile")
  trial:set_row("status", "archived", "cancelled")
  trial:sync "orders"
  amend(trial, id, { note = "again" })
  local order = trial:document("order", id)
  trial:equal(order.status, "cancelled", "status")
  trial:equal(#order.lines, 1, "lines of an order that is archived")
  trial:equal(#taken(trial), 0, "what a cancelled order takes")
end

function set.an_order_that_is_archived_at_its_end_keeps_its_status(trial)
  local id = place(trial)
  amend(trial, id, { status = "completed" })
  amend(trial, id, { archived = true })
  trial:equal(#trial:waiting(), 0, "what waits")
  trial:equal(trial:document("order", id).status, "completed", "status")
end

function set.an_archived_order_that_is_new_stays_out(trial)
  local id = trial.shop:place { status = "paid", currency = "EUR", total = "8.00", email = "ann@example.com",
    lines = { { sku = "TEA", name = "Tea", quantity = "1", unit_price = "8.00", total = "8.00" } } }
  trial:wait(60)
  trial.shop:amend(id, { archived = true })
  trial:wait(60)
  local run = trial:sync "orders"
  trial:equal(run.skipped, 1, "orders that were skipped")
  trial:equal(trial:document("order", id), nil, "an order that was archived before it came")
end

---Three pieces, one of which left: what is paid back is of the two that are open, as far as anybody knows.
function set.no_more_is_cancelled_than_was_open(trial)
  local id = place(trial)
  trial.shop:ship(id, { tracking_number = "1Z1", lines = { { sku = "TEA", quantity = "1" } } })
  trial.shop:shrink(id, "TEA", "1")
  trial:wait(60)
  trial:sync "orders"
  trial:equal(trial:document("order", id).lines[1].cancelled, "1", "pieces that will not be sent")
  trial.shop:shrink(id, "TEA", "2")
  trial:wait(60)
  trial:sync "orders"
  trial:equal(trial:document("order", id).lines[1].cancelled, "2", "pieces that will not be sent")
end

return set
