---A Stone Edge Order Manager, which asks Cartwright: the requests that it sends, to a cart that it takes for a shop.
---
---Of real ones it has: forms by POST, one address for all, function names in any case, errors that are told with status 200.
local fake = require "cartwright.fake"

local shop = fake.new { title = "Stone Edge Order Manager",
  settings = { user = "order-manager", password = "om-password-1", code = "S1" } }

local function encode(text)
  return (tostring(text):gsub("[^%w%-%._~]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

---@param name string setifunction
---@param fields table<string, string>?
---@return fake.Ask
local function call(self, name, fields)
  local parts = { "setifunction=" .. name }
  local all = { setiuser = self.settings.user, password = self.settings.password, code = self.settings.code }
  for key, value in pairs(fields or {}) do all[key] = value end
  local keys = {}
  for key in pairs(all) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do parts[#parts + 1] = key .. "=" .. encode(all[key]) end
  return { name = name, body = table.concat(parts, "&"),
    headers = { ["Content-Type"] = "application/x-www-form-urlencoded" } }
end

---@param over table<string, any> fields of the ask
local function with(ask, over)
  for key, value in pairs(over) do ask[key] = value end
  return ask
end

function shop:asks()
  local all = { startnum = "1", batchsize = "100" }
  return {
    with(call(self, "sendversion"), { open = true, says = "SETIResponse: version=" }),
    with(call(self, "OrderCount", { lastorder = "All" }), { says = "ordercount=0" }),
    call(self, "getcustomerscount"), call(self, "getproductscount"),
    call(self, "downloadorders", { lastorder = "0", startnum = "1", batchsize = "100" }),
    call(self, "downloadcustomers", all), call(self, "downloadprods", all), call(self, "downloadqoh", all),
    with(call(self, "qohreplace", { update = "TEA-1~7|TEA-2~0" }), { says = "TEA-1=OK" }),
    with(call(self, "invupdate", { update = "TEA-1~-2" }), { adds = true }),
  }
end

---It looks at the words, not at the status.
function shop.is_refusal(_, answer)
  return answer.status >= 400 or answer.body:find("Error", 1, true) ~= nil
    or answer.body:find("<ResponseCode>3</ResponseCode>", 1, true) ~= nil
end

return shop
