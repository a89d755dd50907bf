---Standard tests of everything else that comes in: customers, items and stock, looking twice, notices, dry runs.
local fake = require "cartwright.fake"
local time = require "cartwright.time"
local world = require "cartwright.standard_world"

local tests, add = world.tests()

local function iso(ago) return time.now():add(-ago):format "%Y-%m-%dT%H:%M:%SZ" end

-- Customers, items, stock ---------------------------------------------------------------------------------------------

add("customers", "customers come in, and again only when they change", { needs = { "customers" }, world = { "register" } },
  function(trial)
    local ids = {}
    for n, name in ipairs { { "Łukasz", "Żółć" }, { "Ann", "O'Neill" }, { "太郎", "山田" } } do
      ids[n] = tostring(trial.shop:register { email = ("buyer%d@example.com"):format(n), first_name = name[1],
        last_name = name[2] })
    end
    trial:wait(120)
    trial:sync "customers"
    trial:equal(trial:waiting(), {}, "what waits")
    trial:equal(#trial:documents "customer", 3, "customers in the store")
    trial:equal(trial:document("customer", ids[1]), { email = "buyer1@example.com", first_name = "Łukasz",
      last_name = "Żółć" })
    trial:wait(600)
    trial:equal(trial:sync("customers").posted, 0, "posted by the second run")
  end)

---@return table[]
local function wares(trial)
  local currency = world.currency(trial)
  return {
    { sku = "TEA-1", name = "Thé vert & Co", currency = currency, price = "4.90", quantity = "12" },
    { sku = "TEA-2", name = "抹茶", currency = currency, price = "19.95", quantity = "0" },
  }
end

local SHIRT = { sku = "SHIRT", name = "Shirt", price = "20.00", quantity = "9",
  variants = { { sku = "SHIRT-S", name = "S", price = "20.00", quantity = "4" },
    { sku = "SHIRT-M", name = "M", price = "22.50", quantity = "5" } } }

add("items", "items come in with SKU, name and price", { needs = { "items" }, world = { "offer" } }, function(trial)
  local ids = {}
  for n, item in ipairs(wares(trial)) do ids[n] = tostring(trial.shop:offer(item)) end
  trial:wait(120)
  trial:sync "items"
  trial:equal(trial:waiting(), {}, "what waits")
  for n, item in ipairs(wares(trial)) do
    trial:equal(trial:document("item", ids[n]), { sku = item.sku, name = item.name, price = item.price }, "item " .. item.sku)
  end
  trial:wait(600)
  trial:equal(trial:sync("items").posted, 0, "posted by the second run")
end)

add("item-variants", "the variants of an item come in with it, each with its SKU and price",
  { needs = { "items" }, world = { "offer" } }, function(trial)
    SHIRT.currency = world.currency(trial)
    local id = tostring(trial.shop:offer(SHIRT))
    trial:wait(120)
    trial:sync "items"
    local item, found = trial:document("item", id), {}
    trial:ok(item, "the item is not there")
    for _, variant in ipairs(item.variants or {}) do found[variant.sku] = variant.price or item.price end
    trial:equal(found, { ["SHIRT-S"] = "20.00", ["SHIRT-M"] = "22.50" }, "prices of the variants")
  end)

add("stock", "quantities come in by SKU, 0 as 0", { needs = { "stock" }, world = { "offer" } }, function(trial)
  for _, item in ipairs(wares(trial)) do trial.shop:offer(item) end
  trial:wait(120)
  if trial.declared.there.items then trial:sync "items" end
  trial:sync "stock"
  trial:equal(trial:waiting(), {}, "what waits")
  local found = {}
  for _, row in ipairs(trial:query("SELECT sku, quantity FROM stock_levels WHERE cart = $1", trial.cart)) do
    if row.sku then found[row.sku] = row.quantity end
  end
  trial:equal(found, { ["TEA-1"] = "12", ["TEA-2"] = "0" }, "quantities")
end)

-- Looking twice -------------------------------------------------------------------------------------------------------

add("reconcile", "an order that the list never showed is found and fetched; one that is gone is said",
  { needs = { "orders", "ids" }, world = { "place" } }, function(trial)
    local placed, ids = world.place_some(trial, 4)
    trial:sync "orders"
    trial:wait(24 * 3600)
    trial:sync "orders"
    local hidden = world.order(trial, 7, { placed_at = iso(20 * 3600), changed_at = iso(20 * 3600) })
    for id, order in pairs(world.place(trial, { hidden })) do placed[id] = order end
    trial:run "reconcile orders"
    world.check_orders(trial, placed)
    if trial.shop.remove then
      trial.shop:remove(ids[1])
      trial:wait(120)
      trial:equal(trial:run("reconcile orders").gone, 1, "orders that are gone")
    end
  end)

add("refresh", "orders that are not final are read again, and nothing changes by it",
  { needs = { "orders", "ids" }, world = { "place" } }, function(trial)
    local placed = world.place_some(trial, 3)
    trial:sync "orders"
    trial:wait(3600)
    trial:equal(trial:run("refresh orders").posted, 0, "posted")
    world.check_orders(trial, placed)
  end)

-- Notices -------------------------------------------------------------------------------------------------------------

---What strangers can make of a signature without the secret.
local FORGED = {
  ["made up"] = function(value) return ("A"):rep(#value) end,
  ["empty"] = function() return "" end,
  ["absent"] = function() return nil end,
  ["cut"] = function(value) return value:sub(1, #value // 2) end,
  ["of an empty secret"] = function(_, body) return fake.hmac("", body) end,
  ["of an empty secret, in hex"] = function(_, body) return fake.hmac("", body, { encoding = "hex" }) end,
}

---What is said of a notice of which one header was changed.
local function hear_with(trial, notice, name, value)
  local headers = {}
  for key, old in pairs(notice.headers) do headers[key] = old end
  headers[name] = value
  return trial:hear_one { path = notice.path, headers = headers, body = notice.body }
end

---No header is believed that proves a notice (there is one) and was forged; nor does the script fail over it.
local function check_signatures(trial, notice)
  local proofs = 0
  for name, value in pairs(notice.headers) do
    local verdict = hear_with(trial, notice, name, FORGED["made up"](value))
    local is_proof = not verdict.believed and not verdict.ignored
    if is_proof then proofs = proofs + 1 end
    for what, forge in pairs(is_proof and FORGED or {}) do
      verdict = hear_with(trial, notice, name, forge(value, notice.body))
      trial:ok(not verdict.believed, ("a notice whose %s is %s is believed"):format(name, what))
    end
  end
  trial:ok(proofs > 0, "no header of the notice proves where it comes from")
end

add("webhook", "a notice of the shop wakes a job; a wrong signature is refused; twice is once",
  { needs = { "webhook" }, world = { "announce", "place" } }, function(trial)
    local _, ids = world.place_some(trial, 1)
    trial.shop:announce(ids[1])
    local notice = trial.shop.notices[1]
    trial:ok(notice, "the fake announced nothing")
    local first = trial:hear()[1]
    trial:ok(first.believed, ("the notice is not believed: %s"):format(first.reason))
    trial:ok(first.job == "" or trial.declared.there[first.job:match "%w+$"], ("it wakes %q, which is no job"):format(first.job))
    trial:equal(trial:hear_one(notice).id, first.id, "the id of the same notice, sent twice")
    for _, body in ipairs { notice.body .. " ", "" } do
      local verdict = trial:hear_one { path = notice.path, headers = notice.headers, body = body }
      trial:ok(not verdict.believed, "a notice whose body was changed is believed")
    end
    trial:ok(not trial:hear_one({ path = notice.path, headers = {}, body = notice.body }).believed,
      "a notice without any header is believed")
    check_signatures(trial, notice)
  end)

-- Inboxes ------------------------------------------------------------------------------------------------------------

local INBOX = { needs = { "orders" }, world = { "place" }, when = "inbox" }

add("inbox-taken", "what lies in the inbox is stored, taken away, and not missed", INBOX, function(trial)
  local placed = world.place_some(trial, 4)
  trial:ok(#trial.shop.deliveries > 0, "the fake delivered nothing")
  trial:sync "orders"
  world.check_orders(trial, placed)
  trial:equal(#trial.shop.deliveries, 0, "what still lies in the inbox")
  trial:equal(trial:sync("orders").posted, 0, "posted by the second run")
end)

add("inbox-answer-lost", "the answer to \"it is done\" gets lost: nothing is doubled, nothing lies there for ever", INBOX,
  function(trial)
    local placed = world.place_some(trial, 4)
    trial:lose_finishes(2)
    for _ = 1, 4 do
      trial:sync("orders", { fails = true })
      trial:wait(300)
    end
    world.check_orders(trial, placed)
    trial:equal(#trial.shop.deliveries, 0, "what still lies in the inbox")
  end)

add("inbox-broken", "one that cannot be read keeps no other from coming in, and is not lost", INBOX, function(trial)
  trial.shop:deliver("0-broken", "<<< {\"orders\": [")
  local placed = world.place_some(trial, 3)
  for _ = 1, 3 do
    trial:sync("orders", { fails = true })
    trial:wait(600)
  end
  world.check_orders(trial, placed)
  local found = false
  for _, record in ipairs(trial:query "SELECT bytes FROM raw_records") do
    found = found or record.bytes:find("<<<", 1, true) ~= nil
  end
  for _, place in ipairs { "deliveries", "failed" } do
    for _, entry in ipairs(trial.shop[place] or {}) do found = found or entry.name == "0-broken" end
  end
  trial:ok(found, "what cannot be read was taken away, and is neither set aside nor stored")
end)

add("inbox-dry-run", "a dry run takes nothing away", INBOX, function(trial)
  local placed = world.place_some(trial, 2)
  local lay = #trial.shop.deliveries
  trial:sync("orders", { dry_run = true })
  trial:equal(#trial.shop.deliveries, lay, "what lies in the inbox")
  trial:sync "orders"
  world.check_orders(trial, placed)
end)

-- Dry runs ------------------------------------------------------------------------------------------------------------

add("dry-run", "a dry run writes nothing, neither here nor in the shop", { needs = { "orders" }, world = { "place" } },
  function(trial)
    local placed = world.place_some(trial, 3)
    trial:sync("orders", { dry_run = true })
    trial:equal(#trial:documents "order", 0, "orders in the store")
    trial:equal(#trial:query "SELECT external_id FROM raw_records", 0, "raw records in the store")
    trial:equal(#trial.shop.books, 0, "what the shop was told")
    trial:sync "orders"
    world.check_orders(trial, placed)
  end)

return tests
