---Pieces of Shopify's orders that will not be sent, told from those that came back. Run by tests/system/kept-up-to-date.
local json = require "cartwright.json"
local tests = require "cartwright.testing"
local set = tests.new()

---An order of three pieces, of which `sent` left.
local function place(trial, sent)
  local id = trial.shop:place { status = "paid", currency = "EUR", total = "24.00", email = "ann@example.com",
    lines = { { sku = "TEA", name = "Tea", quantity = "3", unit_price = "8.00", total = "24.00" } } }
  if sent then trial.shop:ship(id, { tracking_number = "1Z1", lines = { { sku = "TEA", quantity = sent } } }) end
  return id
end

local function order_of(trial, id)
  for _, order in ipairs(trial.shop.orders) do
    if tostring(order.id) == id then return order end
  end
end

local function give_back(trial, id, quantity, restock_type)
  local order = order_of(trial, id)
  local line = order.line_items[1]
  line.current_quantity = line.current_quantity - quantity
  table.insert(order.refunds, { id = #order.refunds + 1, transactions = json.array {}, refund_line_items = {
    { id = 1, line_item_id = line.id, quantity = quantity, restock_type = restock_type } } })
end

local function cancelled(trial, id)
  trial:wait(60)
  trial:sync "orders"
  return trial:document("order", id).lines[1].cancelled
end

function set.pieces_that_were_taken_out_will_not_be_sent(trial)
  local id = place(trial)
  trial.shop:shrink(id, "TEA", "2")
  trial:equal(cancelled(trial, id), "2", "pieces that will not be sent")
end

function set.what_came_back_was_sent(trial)
  local id = place(trial, "1")
  give_back(trial, id, 1, "return")
  trial:equal(cancelled(trial, id), nil, "pieces that will not be sent")
end

function set.both_are_told_apart(trial)
  local id = place(trial, "1")
  give_back(trial, id, 1, "return")
  give_back(trial, id, 1, "cancel")
  trial:equal(cancelled(trial, id), "1", "pieces that will not be sent")
end

function set.no_more_is_cancelled_than_was_open(trial)
  local id = place(trial, "2")
  give_back(trial, id, 3, "no_restock")
  trial:equal(cancelled(trial, id), "1", "pieces that will not be sent")
end

function set.parcels_that_failed_have_not_left(trial)
  local id = place(trial, "2")
  order_of(trial, id).fulfillments[1].status = "failure"
  give_back(trial, id, 3, "no_restock")
  trial:equal(cancelled(trial, id), "3", "pieces that will not be sent")
end

return set
