---The site of a trial: settings as the fake wants them, its secrets, and all that the cart can be told, without a brake.
local site = { nothing = setmetatable({}, { __name = "nothing" }) } -- in configure: the setting is left out

---A value as it stands in site.lua.
local function written(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) == "boolean" or math.type(value) == "integer" then return tostring(value) end
  if type(value) ~= "table" then
    error(("%s cannot stand in the site of a trial: texts, whole numbers, true, false and tables can"):format(type(value)), 0)
  end
  local parts, keys = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do
    parts[i] = ("[%s] = %s"):format(math.type(key) == "integer" and key or ("%q"):format(key), written(value[key]))
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local OUT = { stock_out = "stock", prices_out = "prices", shipments_out = "shipments", statuses_out = "statuses",
  customers_out = "customers", items_out = "items" }

local function told(there)
  local out = {}
  for stream, name in pairs(OUT) do
    if there[stream] then out[name] = {} end
  end
  if out.stock then out.stock.brake = false end
  if out.prices then out.prices.brake = false end
  return out
end

---The value of a setting that is required, where nothing is known of it.
local PLACEHOLDERS = { secret = "secret", text = "text", integer = 1, decimal = "1", boolean = true, zone = "UTC" }

---What the fake wants, and for recorded shops, of which that is not known, something of the right form.
local function settings_of(trial)
  local settings, shop, declared = {}, trial.shop, trial.declared.settings
  for key, value in pairs(shop and shop.settings or {}) do settings[key] = value end
  if declared.url and not settings.url then
    settings.url = ("https://%s.example.com%s"):format(trial.type:gsub("[^%w-]", "-"), shop and shop.path or "")
  end
  for key, setting in pairs(declared) do
    if not shop and setting.required and settings[key] == nil then settings[key] = PLACEHOLDERS[setting.kind] end
  end
  return settings
end

---@param trial testing.Trial
---@return string text of its site.lua
---@return string[] secrets names and values in turn
function site.write(trial)
  local cart, secrets, names = { type = trial.type, out = told(trial.declared.there) }, {}, {}
  local settings = settings_of(trial)
  for key, value in pairs(trial.configured) do settings[key] = value end
  for key, value in pairs(settings) do
    if value ~= site.nothing then names[#names + 1] = key end
  end
  table.sort(names)
  for _, key in ipairs(names) do
    local declared = trial.declared.settings[key]
    if not (declared and declared.kind == "secret") then
      cart[key] = settings[key]
    else
      secrets[#secrets + 1], secrets[#secrets + 2] = trial.cart .. "." .. key, tostring(settings[key])
    end
  end
  if cart.out and next(cart.out) == nil then cart.out = nil end
  return "return { zone = \"UTC\", carts = { [" .. ("%q"):format(trial.cart) .. "] = " .. written(cart) .. " } }\n", secrets
end

return site
