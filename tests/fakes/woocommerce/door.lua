---Who a WooCommerce lets in: over https those with the keys, over plain http those who sign by OAuth 1.0a; either way
---those with keys in the address. The signature is computed here by the book, apart from what the runtime makes of it.
local fake = require "cartwright.fake"
local time = require "cartwright.time"

local door = {}

local WINDOW = 15 * 60 -- seconds that a timestamp may differ, and for which a nonce counts once

local REFUSED = "woocommerce_rest_authentication_error"

local function encode(text)
  return (tostring(text):gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

---The fields of the header Authorization.
local function fields_of(header)
  local fields = {}
  for name, value in header:gmatch '([%w_]+)="([^"]*)"' do fields[name] = decode(value) end
  return fields
end

---@param request fake.Request
local function base_of(request, fields)
  local pairs_of, names = {}, {}
  for name, value in pairs(request.query) do pairs_of[#pairs_of + 1] = encode(name) .. "=" .. encode(value) end
  for name, value in pairs(fields) do
    if name ~= "oauth_signature" then pairs_of[#pairs_of + 1] = encode(name) .. "=" .. encode(value) end
  end
  table.sort(pairs_of)
  names[1] = request.method .. "&" .. encode(request.url .. request.path)
  return names[1] .. "&" .. encode(table.concat(pairs_of, "&"))
end

---@return { code?: string, message?: string }? why nil: it is let in
local function fault_of_signature(shop, request, key, secret)
  local fields = fields_of(request:header "Authorization")
  if fields.oauth_consumer_key ~= key then return { code = REFUSED, message = "Consumer key is invalid." } end
  local algorithm = fields.oauth_signature_method == "HMAC-SHA1" and "sha1" or "sha256"
  local signature = fake.hmac(secret .. "&", base_of(request, fields), { algorithm = algorithm, encoding = "base64" })
  if signature ~= fields.oauth_signature then
    return { code = REFUSED, message = "Invalid signature - provided signature does not match." }
  end
  local now = shop:now() - time.parse("1970-01-01T00:00:00Z")
  local distance = now - math.tointeger(tonumber(fields.oauth_timestamp))
  if distance > WINDOW or distance < -WINDOW then return { code = REFUSED, message = "Invalid timestamp." } end
  if shop.nonces[fields.oauth_nonce] then
    return { code = REFUSED, message = "Invalid nonce - nonce has already been used." }
  end
  shop.nonces[fields.oauth_nonce] = true
end

---@param request fake.Request
---@return { code?: string, message?: string }? why nil: it is let in
function door.fault(shop, request, key, secret)
  local query = request.query
  if query.consumer_key then
    if query.consumer_key == key and query.consumer_secret == secret then return nil end
    return { code = REFUSED, message = "Consumer secret is invalid." }
  end
  if (request:header "Authorization" or ""):find "^OAuth " then return fault_of_signature(shop, request, key, secret) end
  local user, password = request:basic()
  if not request.url:find "^https:" or user ~= key then return {} end
  if password ~= secret then return { code = REFUSED, message = "Consumer secret is invalid." } end
end

return door
