---Standard tests of carts that are asked (types/served.lua): what the other program says is answered, to nobody else, and
---what it says twice changes nothing more.
local world = require "cartwright.standard_world"

local tests, add = world.tests()
local ASKED = { world = { "asks" }, when = "serve" }

---What the back office has of it: two things with a level each.
local function put_some(trial)
  trial:put { kind = "item", { sku = "TEA-1", name = "Thé vert & Co" }, { sku = "TEA-2", name = "抹茶" } }
  trial:put { kind = "stock_level", { sku = "TEA-1", warehouse = "MAIN", quantity = "12" },
    { sku = "TEA-2", warehouse = "MAIN", quantity = "0" } }
end

local TABLES = { "orders", "customers", "items", "stock_levels", "shipments", "audit" }

---@return table<string, string> how much is stored
local function stored(trial)
  local counts = {}
  for _, name in ipairs(TABLES) do counts[name] = trial:query("SELECT count(*) AS n FROM " .. name)[1].n end
  return counts
end

---@return boolean
local function is_refused(trial, answer)
  if trial.shop.is_refusal then return trial.shop:is_refusal(answer) end
  return answer.status == 401 or answer.status == 403
end

---That it is answered as whoever may ask is answered.
local function check_answer(trial, request)
  local answer = trial:ask(request)
  trial:ok(answer.status >= 200 and answer.status < 300 and not is_refused(trial, answer),
    ("%s was answered %d: %s"):format(request.name, answer.status, answer.body:sub(1, 200)))
  return answer
end

add("serve-answers", "what the other program asks is answered, on an empty store and on one that has something", ASKED,
  function(trial)
    for _, request in ipairs(trial.shop:asks()) do check_answer(trial, request) end
    put_some(trial)
    for _, request in ipairs(trial.shop:asks()) do
      local answer = check_answer(trial, request)
      local expected = request.says
      trial:ok(not expected or answer.body:find(expected, 1, true), ("%s is not answered with %q, but: %s"):format(
        request.name, tostring(expected), answer.body:sub(1, 200)))
    end
  end)

add("serve-twice", "what is asked or told twice is answered alike, and changes nothing more", ASKED, function(trial)
  put_some(trial)
  for _, request in ipairs(trial.shop:asks()) do
    if not request.adds then
      local first, was = check_answer(trial, request), nil
      was = stored(trial)
      local second = check_answer(trial, request)
      trial:equal({ second.status, second.body }, { first.status, first.body }, request.name .. ", asked twice")
      trial:equal(stored(trial), was, "what is stored after " .. request.name .. " came twice")
    end
  end
end)

add("serve-wrong-secret", "who has a wrong secret gets nothing, and changes nothing", ASKED, function(trial)
  put_some(trial)
  for name, setting in pairs(trial.declared.settings) do
    local right = setting.kind == "secret" and trial.shop.settings[name]
    if right then
      trial:configure { [name] = "wrong-" .. right }
      local was = stored(trial)
      for _, request in ipairs(trial.shop:asks()) do
        local answer = trial:ask(request)
        trial:ok(request.open or is_refused(trial, answer), ("with a wrong %s %s is answered %d: %s"):format(name,
          request.name, answer.status, answer.body:sub(1, 200)))
      end
      trial:equal(stored(trial), was, "what is stored after requests of somebody else")
      trial:configure { [name] = right }
    end
  end
end)

local GARBAGE = { "", "\0", "%", "&=&", "<", "{", ("x"):rep(5000), "a=%ff%fe&b=\u{202e}" }

add("serve-garbage", "what is no request of the protocol is refused in words, and changes nothing", ASKED, function(trial)
  put_some(trial)
  local was, requests = stored(trial), {}
  for _, body in ipairs(GARBAGE) do
    requests[#requests + 1] = { body = body }
    requests[#requests + 1] = { method = "GET", query = body }
    requests[#requests + 1] = { body = body, headers = { ["Content-Type"] = "application/json" } }
  end
  for _, request in ipairs(requests) do
    local answer = trial:ask(request)
    trial:ok(answer.status < 500, ("%q is answered %d: %s"):format(request.body or request.query, answer.status,
      answer.body:sub(1, 200)))
    trial:ok(answer.status >= 400 or is_refused(trial, answer), ("%q is taken: %s"):format(request.body or request.query,
      answer.body:sub(1, 200)))
  end
  trial:equal(stored(trial), was, "what is stored")
end)

return tests
