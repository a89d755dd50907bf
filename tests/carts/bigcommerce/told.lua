---BigCommerce's own traps, beside the standard tests: one location of several, a quota that others use as well, and new
---tracking. Run by tests/system/bigcommerce-told.
local fake = require "cartwright.fake"
local tests = require "cartwright.testing"
local set = tests.new()

local function place(trial, count)
  for n = 1, count do
    trial.shop:place { status = "paid", currency = "EUR", total = "5.95", lines = { { sku = "TEA", name = "Tea " .. n,
      quantity = "1", unit_price = "5.95", total = "5.95" } } }
  end
  trial:wait(60)
end

---@return table newest message of the stream
local function fate(trial, stream)
  local found
  for _, message in ipairs(trial:messages()) do
    if message.stream == stream then found = message end
  end
  return found
end

local function level(trial)
  return trial:query("SELECT quantity FROM stock_levels WHERE cart = $1", trial.cart)[1].quantity
end

local function check_level(trial, quantity)
  trial.shop:offer { sku = "TEA", name = "Tea", currency = "EUR", price = "1.00", quantity = "8" }
  trial:wait(60)
  trial:sync "stock"
  trial:equal(level(trial), quantity, "the level of the location")
end

function set.stock_is_read_where_it_is_told(trial) check_level(trial, "8") end

function set.stock_of_another_location_is_read_there(trial)
  trial:configure { location = 2 }
  check_level(trial, "40")
end

local WINDOW, QUOTA = 30, 50

---Lets the shop count requests, those of others too, and answer 429 without Retry-After where they are too many.
---@return integer[] refused how many
local function limit(trial)
  local authorized, window, used, refused = trial.shop.authorized, 0, 0, { 0 }
  trial.shop.authorized = function(shop, request)
    local now = math.tointeger(tonumber(shop:now():format "%s"))
    if now // WINDOW ~= window then window, used = now // WINDOW, 30 end
    used = used + 1
    if used <= QUOTA then return authorized(shop, request) end
    refused[1] = refused[1] + 1
    local answer = fake.json({ status = 429, title = "Too Many Requests" }, 429)
    answer.headers["X-Rate-Limit-Time-Reset-Ms"] = tostring((WINDOW - now % WINDOW) * 1000)
    answer.headers["X-Rate-Limit-Requests-Left"] = "0"
    return answer
  end
  return refused
end

function set.pages_get_through_a_small_quota(trial)
  trial:configure { page_size = 50 }
  place(trial, 60)
  local refused = limit(trial)
  trial:sync "orders"
  trial:equal(#trial:documents "order", 60, "orders")
  trial:ok(refused[1] > 0, "the quota was not used up: nothing was tried")
end

function set.writes_wait_for_the_quota(trial)
  trial.shop:offer { sku = "TEA", name = "Tea", currency = "EUR", price = "1.00", quantity = "8" }
  trial:wait(60)
  trial:sync "items"
  trial:put { kind = "stock_level", { sku = "TEA", warehouse = "MAIN", quantity = "3" } }
  local refused, spent = 0, true
  local authorized = trial.shop.authorized
  trial.shop.authorized = function(shop, request)
    if request.method == "GET" or not spent then return authorized(shop, request) end
    refused, spent = refused + 1, false
    local answer = fake.json({ status = 429, title = "Too Many Requests" }, 429)
    answer.headers["X-Rate-Limit-Time-Reset-Ms"] = "25000"
    return answer
  end
  trial:sync("stock_out", { fails = true })
  trial:equal(trial.shop:quantity_of "TEA", "8", "what the shop sells before the quota is there again")
  trial:wait(30)
  trial:sync "stock_out"
  trial:equal(trial.shop:quantity_of "TEA", "3", "what the shop sells")
  trial:equal(refused, 1, "answers with 429")
end

function set.new_tracking_is_refused_in_words(trial)
  place(trial, 1)
  trial:sync "orders"
  local parcel = { number = "S-1", order_cart = trial.cart, order_id = trial:documents("order")[1],
    confirmed = true, tracking_number = "A-1" }
  trial:put { kind = "shipment", parcel }
  trial:sync "shipments_out"
  parcel.tracking_number = "A-2"
  trial:put { kind = "shipment", parcel }
  trial:sync("shipments_out", { fails = true })
  local message = fate(trial, "shipments_out")
  trial:ok(message.error:find("is not known: change it in the shop", 1, true), message.error)
end

---What the runtime has of an order decides, too: nobody wants to hear of an order that is over.
function set.a_status_that_is_overtaken_by_the_orders_end_is_not_needed(trial)
  place(trial, 1)
  trial:sync "orders"
  local id = trial:documents("order")[1]
  trial:edit("order", id, { status = "processing" })
  trial:edit("order", id, { status = "cancelled" })
  trial:sync "statuses_out"
  local first, second
  for _, message in ipairs(trial:messages()) do
    if message.stream == "statuses_out" then first, second = first or message, message end
  end
  trial:equal({ first.state, second.state }, { "superseded", "sent" })
  trial:ok(first.answer:find("the order is cancelled by now", 1, true), first.answer)
  trial:equal(trial.shop:order_of(id).status, "5")
end

return set
