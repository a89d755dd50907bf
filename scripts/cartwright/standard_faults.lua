---Standard tests of reading that fails. Whatever happens once must leave no trace in the documents; what goes on must end the
---run with its cause, leave what was stored, and be over when the shop is well again.
local world = require "cartwright.standard_world"

local tests, add = world.tests()
local PLACE = { needs = { "orders" }, world = { "place" } }
local HTTP = { needs = { "orders" }, world = { "place" }, when = "http" }

-- Once ----------------------------------------------------------------------------------------------------------------

---Runs orders while the trouble happens; where a cart may give up over it, the next run must mend it.
local function read_through(trial, trouble, may_fail)
  local placed = world.place_some(trial, world.three_pages(trial))
  trouble.on, trouble.skip = trouble.on or "read", trouble.skip or 1
  trial.shop:trouble(trouble)
  local result = trial:sync("orders", { fails = may_fail })
  if result.error then
    trial:wait(900)
    trial:sync "orders"
  end
  world.check_orders(trial, placed)
  trial:equal(trial:waiting(), {}, "what waits")
end

for _, status in ipairs { 429, 500, 502, 503, 504 } do
  add("read-fails-once-" .. status, ("one answer with the status %d changes nothing"):format(status), HTTP,
    function(trial) read_through(trial, { what = status }) end)
end

for _, what in ipairs { "cut", "lost", "refused", "slow" } do
  add("read-fails-once-" .. what, ("one answer that is %s changes nothing"):format(what), HTTP,
    function(trial) read_through(trial, { what = what }) end)
end

for _, what in ipairs { "html", "empty", "notice" } do
  add("read-fails-once-" .. what, ("one answer that is no answer (%s) loses nothing"):format(what), HTTP,
    function(trial) read_through(trial, { what = what }, true) end)
end

for _, status in ipairs { 429, 503 } do
  add("retry-after-" .. status, ("Retry-After of a %d is obeyed: no request before it is over"):format(status), HTTP,
    function(trial)
      local placed, asked = world.place_some(trial, world.three_pages(trial)), {}
      local authorized = trial.shop.authorized or function() return true end
      trial.shop.authorized = function(shop, request)
        asked[#asked + 1] = shop:now()
        return authorized(shop, request)
      end
      trial.shop:trouble { what = status, retry_after = "90", skip = 1 }
      local began = trial.shop:now()
      trial:sync "orders"
      world.check_orders(trial, placed)
      trial:ok(#asked >= 2, "fewer than two requests arrived")
      trial:ok(asked[#asked] - began >= 90, "the request was sent again before Retry-After was over")
      for i = 2, #asked - 1 do
        local pause = asked[i] - began
        trial:ok(pause < 10 or pause >= 90, ("a request came %s s into the 90 s of Retry-After"):format(tostring(pause)))
      end
    end)
end

-- For good ------------------------------------------------------------------------------------------------------------

local ALWAYS = { [401] = { auth = true }, [403] = { permission = true, auth = true },
  [404] = { ["not-found"] = true, ["not-expected"] = true }, [500] = { unavailable = true } }

for _, status in ipairs { 401, 403, 404, 500 } do
  add("read-fails-always-" .. status, ("a shop that answers %d ends the run with its code; the next one completes it"):format(
    status), HTTP, function(trial)
    local placed = world.place_some(trial, world.three_pages(trial))
    trial.shop:trouble { what = status, times = 0, skip = 2 }
    local result = trial:sync("orders", { fails = true })
    local stored = #trial:documents "order"
    if result.error then
      trial:ok(ALWAYS[status][result.code], ("the run ended with %q: %s"):format(result.code, result.error))
    else
      world.check_orders(trial, placed) -- two requests were enough
    end
    trial.shop:calm()
    trial:ok(#trial:documents "order" >= stored, "what was stored did not stay")
    trial:wait(900)
    trial:sync "orders"
    world.check_orders(trial, placed)
  end)
end

-- Killed --------------------------------------------------------------------------------------------------------------

add("killed", "the process dies at ever later steps of a sync: the same orders, nothing doubled", PLACE, function(trial)
  local placed = world.place_some(trial, world.three_pages(trial))
  world.kill_until_done(trial, function() return trial:sync("orders", { fails = true }) end)
  trial:sync "orders"
  world.check_orders(trial, placed)
  local doubled = trial:query("SELECT a.external_id FROM raw_records a JOIN raw_records b ON a.cart = b.cart AND "
    .. "a.stream = b.stream AND a.external_id = b.external_id AND b.version = a.version + 1 AND a.bytes = b.bytes")
  trial:equal(#doubled, 0, "records that were stored twice though nothing had changed")
end)

add("killed-while-it-fails", "deaths and lost answers together lose nothing", HTTP, function(trial)
  local placed = world.place_some(trial, 5)
  trial.shop:trouble { what = "lost", on = "read", skip = 1, times = 2 }
  trial.shop:trouble { what = 502, on = "read", skip = 4, times = 2 }
  world.kill_until_done(trial, function() return trial:sync("orders", { fails = true }) end)
  trial.shop:calm()
  trial:sync "orders"
  world.check_orders(trial, placed)
end)

return tests
