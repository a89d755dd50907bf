---For `cartwright new`: how a cart of some type stands in a site.lua that a person goes on from. What the type requires is
---there, as a comment where no value is known. Secrets are told, to be set by command.
local new_site = {}

---What a value of the kind may look like.
local EXAMPLES = { url = '"https://shop.example.com"', folder = '"ftpes://files.example.com/in"', drop = '"in"',
  mailbox = '"imaps://mail.example.com/INBOX"', integer = "1", decimal = '"1.50"', boolean = "true",
  zone = '"Europe/Paris"', time = '"2026-01-31"' }

local function example_of(setting)
  if setting.kind == "choice" then return ("%q"):format(setting.choices[1]) end
  return EXAMPLES[setting.kind] or '"..."'
end

local function words_of(setting)
  local words = (setting.help or "required"):gsub("%s+", " ")
  if setting.kind == "choice" then words = ("%s: %s"):format(words, table.concat(setting.choices, ", ")) end
  return setting.unless and ("%s; not with %s"):format(words, setting.unless) or words
end

---@return string[] names of what must be set, in their order
local function required(settings)
  local names = {}
  for name, setting in pairs(settings) do
    if setting.required and setting.default == nil and name ~= "url" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

---Prints lines that begin with "site " (of site.lua), "secret " (its name), "no-url" or "orders" (it fetches them), since
---scripts return nothing to the runtime.
---@param from string whose script it is
---@param cart string the cart's name
---@param type_name string
---@param url string
function new_site.tell(from, cart, type_name, url)
  local shop = require("carts." .. from)
  local settings = shop.settings
  if shop.orders or shop.choose then print "orders" end
  local head, comments = ("type = %q"):format(type_name), {}
  if settings.url then head = ("%s, url = %q"):format(head, url) else print "no-url" end
  for _, name in ipairs(required(settings)) do
    local setting = settings[name]
    if setting.kind == "secret" then
      print("secret " .. name)
    else
      comments[#comments + 1] = ("      -- %s = %s, -- %s"):format(name, example_of(setting), words_of(setting))
    end
  end
  if #comments == 0 then
    print(("site     %s = { %s },"):format(cart, head))
    return
  end
  print(("site     %s = {\nsite       %s,"):format(cart, head))
  for _, line in ipairs(comments) do print("site " .. line) end
  print "site     },"
end

return new_site
