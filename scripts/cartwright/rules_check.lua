---Sections of rules: what may stand in each, how a cart's lie over the site's, and everything that is wrong with them.
---Which fields documents have, and what their values may be, is checked where the steps are compiled.
local decimal = require "cartwright.decimal"

local check = {}

check.CHOSEN = { __name = "rules.Chosen" } -- metatable of what rules.by and rules.table make

local NAMED_CUSTOMER = "link, email, phone, vat_number, number, company"
local NAMED_ITEM = "link, sku, barcode, vendor_sku"

-- --- words for messages ---

---How many letters must be put in, taken out, changed or swapped with their neighbour.
local function distance(a, b)
  local last, row = {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local before = last
    last, row = row, { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
  end
  return row[#b]
end

local LONGEST_NAME = 40

---The one of `known` that looks most like `name`.
---@param name any
---@param known string[]
---@return string?
local function nearest(name, known)
  if type(name) ~= "string" or #name > LONGEST_NAME then return nil end
  local found, best = nil, math.min(2, (#name + 1) // 2) + 1
  for _, other in ipairs(known) do
    local away = distance(name, other)
    if away < best then found, best = other, away end
  end
  return found
end

check.nearest = nearest

---"; did you mean "x"?", or all there are.
---@param name any
---@param known string[]
---@return string
function check.suggest(name, known)
  local near = nearest(name, known)
  if near then return ('; did you mean "%s"?'):format(near) end
  return "; there are " .. table.concat(known, ", ")
end

local ARTICLES = { string = "a text", boolean = "true or false", table = "a table", ["function"] = "a function" }

local function kind_of(value)
  if math.type(value) == "float" then return "the float " .. value end
  return ARTICLES[type(value)] or "a " .. type(value)
end

local function is_plain(value)
  return type(value) == "table" and getmetatable(value) == nil
end

local function is_text(value)
  return type(value) == "string" and value ~= ""
end

---What has a text: a constant of a rule, or a text that a field is compared with.
local function is_constant(value)
  return is_text(value) or type(value) == "boolean" or math.type(value) == "integer" or decimal.is(value)
end

-- --- checks of one value: nil, or what is wrong and how it should be ---

local function text(value)
  if is_text(value) then return nil end
  return "must be a text in quotes, not " .. (value == "" and "an empty one" or kind_of(value))
end

local function flag(value)
  if type(value) ~= "boolean" then return "must be true or false, not " .. kind_of(value) end
end

local function called(value)
  if type(value) ~= "function" then return "must be a function, not " .. kind_of(value) end
end

local function list(value, wanted)
  if not is_plain(value) or (#value == 0 and next(value) ~= nil) then
    local given = is_plain(value) and "a table of names" or kind_of(value)
    return ("must be a list such as { %s }, not %s"):format(wanted, given)
  end
  if #value == 0 then return ("is an empty list; write such as { %s }, or leave it out"):format(wanted) end
end

---A list of some of `words`.
local function some_of(words)
  local known = {}
  for word in words:gmatch "[%w_]+" do known[#known + 1] = word end
  return function(value)
    local wrong = list(value, ('"%s"'):format(known[1]))
    if wrong then return wrong end
    for _, word in ipairs(value) do
      if not is_text(word) then return "holds " .. kind_of(word) .. " where a key belongs" end
      if not (", " .. words .. ","):find(", " .. word .. ",", 1, true) then
        return ('names "%s", which is no key to match by%s'):format(word, check.suggest(word, known))
      end
    end
  end
end

---One of `words`.
local function one_of(...)
  local known = { ... }
  return function(value)
    for _, word in ipairs(known) do
      if value == word then return nil end
    end
    local given = type(value) == "string" and ('"%s"'):format(value) or kind_of(value)
    return ("is %s%s"):format(given, check.suggest(value, known))
  end
end

local function texts(value)
  local wrong = list(value, '"NET30"')
  if wrong then return wrong end
  for _, item in ipairs(value) do
    if not is_text(item) then return "holds " .. kind_of(item) .. " where a text belongs" end
  end
end

local function carts(value, site)
  local wrong = list(value, '"shop"')
  if wrong then return wrong end
  for _, name in ipairs(value) do
    if not is_text(name) then return "holds " .. kind_of(name) .. " where a cart's name belongs" end
    if site.carts and not site.carts[name] then
      local known = {}
      for other in pairs(site.carts) do known[#known + 1] = tostring(other) end
      return ('names the cart "%s", which site.lua does not have%s'):format(name, check.suggest(name, known))
    end
  end
end

local function stored(value, site)
  local cart = type(value) == "string" and value:match "^([^:]+):.+$"
  if not cart then return 'must be a document of the store, "CART:ID", such as "shop:17"' end
  local wrong = carts({ cart }, site)
  if wrong then return wrong end
end

---Texts that fields may have.
local function fields(value)
  if not is_plain(value) or #value > 0 then
    return 'must be a table of fields with their texts, such as { status = { "paid" } }, not ' .. kind_of(value)
  end
  if next(value) == nil then return "names no field; write such as { status = { \"paid\" } }, or leave it out" end
  for name, allowed in pairs(value) do
    if not is_text(name) then return "holds " .. kind_of(name) .. " where a field's name belongs" end
    local wrong = not is_constant(allowed) and allowed ~= "" and list(allowed, '"paid"')
    if wrong then return ("%s %s"):format(name, wrong) end
    for _, item in ipairs(type(allowed) == "table" and is_plain(allowed) and allowed or {}) do
      if not is_constant(item) and item ~= "" then
        return ("%s holds %s where a text belongs"):format(name, kind_of(item))
      end
    end
  end
end

---A rules.Value.
local function chosen(value)
  if type(value) == "table" and getmetatable(value) == check.CHOSEN then return value.wrong end
  if type(value) == "function" or is_constant(value) then return nil end
  if value == "" then return "is an empty text; leave the rule out where nothing is to be set" end
  if math.type(value) == "float" then
    return ("is the float %s; floats are not exact: write it in quotes"):format(value)
  end
  return "must be a fixed value, rules.by(field, rows), rules.table(name, field) or a function, not " .. kind_of(value)
end

---A rules.Value that the cart is told; a table of translations would name the cart's words by the cart's words.
local function told(value)
  local wrong = chosen(value)
  if wrong then return wrong end
  if type(value) == "table" and value.table then
    return "is told as it stands here: a fixed text, rules.by(field, rows) or a function"
  end
end

local function named_values(value)
  if not is_plain(value) or #value > 0 then
    return "must be a table of fields with their values, such as { class = \"web\" }, not " .. kind_of(value)
  end
  if next(value) == nil then return "names no field; write such as { class = \"web\" }, or leave it out" end
  for name, item in pairs(value) do
    if not is_text(name) then return "holds " .. kind_of(name) .. " where a field's name belongs" end
    local wrong = chosen(item)
    if wrong then return ("%s %s"):format(name, wrong) end
  end
end

local function number(value)
  if math.type(value) == "float" then return ("the float %s, which is not exact; write it in quotes"):format(value) end
  if is_constant(value) and type(value) ~= "boolean" and decimal.new(value) then return nil end
  local given = type(value) == "string" and ('"%s"'):format(value) or kind_of(value)
  return given .. ', which is no decimal; write such as "1000.00"'
end

local function amount(value)
  if not is_plain(value) then
    local wrong = number(value)
    return wrong and "is " .. wrong
  end
  if next(value) == nil then
    return 'names no currency; write "1000", or by currency { EUR = "1000", JPY = "150000" }'
  end
  for currency, limit in pairs(value) do
    if type(currency) ~= "string" or not currency:find "^%u%u%u$" then
      return ('names the currency %s; currencies are like EUR: { EUR = "1000" }'):format(tostring(currency))
    end
    local wrong = number(limit)
    if wrong then return ("for %s is %s"):format(currency, wrong) end
  end
end

local function graph(value)
  if not is_plain(value) or #value > 0 then
    return 'must be a table from each word to those that may follow, such as { pending = { "paid" } }, not '
      .. kind_of(value)
  end
  if next(value) == nil then return "names no step, so that nothing could move; write false to let everything move" end
  for from, onward in pairs(value) do
    if not is_text(from) then return "holds " .. kind_of(from) .. " where a word belongs" end
    if not is_plain(onward) then
      return ("%s must be a list of the words that may follow, not %s"):format(from, kind_of(onward))
    end
    for _, to in ipairs(onward) do
      if not is_text(to) then return ("%s holds %s where a word belongs"):format(from, kind_of(to)) end
    end
  end
end

---A hold of the site's own, unless its name is a slip.
local function hold(value, _, name)
  if type(value) == "function" then return nil end
  if is_plain(value) then return fields(value) end
  local near = nearest(name, { "above", "duplicates" })
  return "must be a table of fields with the texts that hold, or a function, not " .. kind_of(value)
    .. (near and ('; did you mean "%s"?'):format(near) or "")
end

local SECTIONS = {
  orders = { only = fields, skip = fields, type = chosen, state = chosen, location = chosen, class = chosen,
    sales_rep = chosen, number_into = text, set = named_values, change = called, tell_cart = told },
  customers = { only = fields, skip = fields, type = chosen, sales_rep = chosen, taxable = chosen,
    payment_term = chosen, attributes = named_values, set = named_values, match = some_of(NAMED_CUSTOMER),
    among = carts, unknown = one_of("create", "hold", "proxy", "keep"), proxy = stored,
    ship_to = some_of "id, address", unknown_address = one_of("hold", "keep") },
  items = { only = fields, skip = fields, group = chosen, set = named_values, options = one_of("variants", "items"),
    match = some_of(NAMED_ITEM), among = carts, unknown = one_of("default", "hold", "keep"), default = stored },
  taxes = { by = one_of("shipping", "billing"), table = text, taxable = text, not_taxable = text, shipping = text },
  shipping = { table = text, default = text, carrier = chosen, freight = one_of("field", "line"), item = text },
  payments = { table = text, default = text, import = flag, on_account = texts, term = chosen },
  discounts = { table = text, default = text },
  shipments = { only = fields, skip = fields, table = text, default = text, set = named_values },
  statuses = { status = graph, payment_status = graph, fulfilment_status = graph },
  holds = { above = amount, duplicates = flag },
}

---Fields whose value may be false; in all others false takes the field away.
local MAY_BE_FALSE = { taxable = true, import = true, duplicates = true }

-- --- sections ---

---Kind and place of what rules.orders { ... } and its siblings make; nil for anything else.
local function section_of(value)
  local meta = type(value) == "table" and getmetatable(value)
  if type(meta) == "table" and meta.section then return meta.section, meta.where end
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

---@class rules.Merged what is in force for one cart: of each section its fields, and where each was given
---@field fields table<string, any>
---@field places table<string, string>
---@field where string place of the section that came last

---@class rules.Merging
---@field merged table<string, rules.Merged>
---@field faults string[]
---@field told table<string, boolean> fields that are given, but wrong
---@field site { carts?: table<string, table> }

local function fault(merging, where, kind, words, ...)
  merging.faults[#merging.faults + 1] = ("%s: rules.%s: "):format(where, kind) .. words:format(...)
end

---What is wrong with the field; also where it is a name of the site's own.
local function check_field(merging, kind, where, field, value)
  local known = SECTIONS[kind][field]
  if value == false and not MAY_BE_FALSE[field] then
    if known or kind == "holds" then return true end
  end
  if known == nil and kind == "holds" and type(field) == "string" then
    if not field:find "^[%w_-]+$" then
      fault(merging, where, kind, 'the name "%s" of a rule is made of letters, digits, _ and -', field)
      return false
    end
    known = hold
  end
  if known == nil then
    fault(merging, where, kind, 'there is no field "%s"%s', tostring(field),
      check.suggest(field, sorted_keys(SECTIONS[kind])))
    return false
  end
  local wrong = known(value, merging.site, field)
  if wrong then
    fault(merging, where, kind, "%s %s", field, wrong)
    merging.told[kind .. "." .. field] = true
  end
  return wrong == nil
end

---Lays one section over what is there.
local function take_section(merging, section, kind, where)
  local merged = merging.merged[kind] or { fields = {}, places = {} }
  merging.merged[kind], merged.where = merged, where
  for field, value in pairs(section) do
    if check_field(merging, kind, where, field, value) then
      merged.fields[field], merged.places[field] = value, where
    end
  end
end

---@param sections any the list; nil = none
---@param name string "rules" or "carts.shop.rules"
local function take_list(merging, sections, name)
  local faults, seen = merging.faults, {}
  if sections == nil then return end
  if not is_plain(sections) then
    local kind = section_of(sections)
    faults[#faults + 1] = ("site.lua: %s is %s; it is a list of sections: rules = { rules.%s { ... } }"):format(name,
      kind and ("the section rules.%s alone"):format(kind) or kind_of(sections), kind or "orders")
    return
  end
  for index, section in pairs(sections) do
    local kind, where = section_of(section)
    if not kind or math.type(index) ~= "integer" then
      local place = math.type(index) == "integer" and ("[%d]"):format(index) or "." .. tostring(index)
      faults[#faults + 1] = ("site.lua: %s%s is %s; the list holds what rules.orders { ... } and its siblings make")
        :format(name, place, kind_of(section))
    elseif seen[kind] then
      fault(merging, where, kind, "there is another in the same list, at %s; put them into one", seen[kind])
    else
      seen[kind] = where
      take_section(merging, section, kind, where)
    end
  end
end

-- --- fields that need others ---

---Demands that `needed` is given where `field` has the value `value`.
local function demand(merging, kind, field, value, needed, mend)
  local merged = merging.merged[kind]
  if merged and merged.fields[field] == value and not merged.fields[needed]
    and not merging.told[kind .. "." .. needed] then
    fault(merging, merged.places[field], kind, '%s = "%s" needs %s: add %s', field, value, needed, mend)
  end
end

---Refuses a field that nothing would ever use. A cart that does without what its site set up is no mistake.
local function useless(merging, kind, field, by, values)
  local merged = merging.merged[kind]
  local is_one_place = merged and (merged.places[by] == nil or merged.places[by] == merged.places[field])
  if is_one_place and merged.fields[field] and not values[merged.fields[by] or ""] then
    fault(merging, merged.places[field], kind, "%s is never used: %s is %s", field, by,
      merged.fields[by] and ('"%s"'):format(tostring(merged.fields[by])) or "not given")
  end
end

local function check_together(merging)
  demand(merging, "customers", "unknown", "proxy", "proxy", 'proxy = "CART:ID", the customer of such orders')
  demand(merging, "items", "unknown", "default", "default", 'default = "CART:ID", the item of such lines')
  demand(merging, "shipping", "freight", "line", "item", 'item = "SKU", that of the line')
  useless(merging, "customers", "proxy", "unknown", { proxy = true, create = true })
  useless(merging, "items", "default", "unknown", { default = true })
  useless(merging, "shipping", "item", "freight", { line = true })
  if merging.merged.customers and merging.merged.customers.fields.unknown
    and merging.merged.customers.fields.match == nil then
    fault(merging, merging.merged.customers.places.unknown, "customers",
      'unknown says what becomes of orders that match nobody, so it needs match = { "link", "email" }')
  end
  local customers = merging.merged.customers
  if customers and customers.fields.ship_to and customers.fields.match == nil then
    fault(merging, customers.places.ship_to, "customers",
      'ship_to looks among the addresses of the matched customer, so it needs match = { "link", "email" }')
  end
end

---What a cart takes away is not there any more.
local function drop_false(merged)
  for _, section in pairs(merged) do
    for field, value in pairs(section.fields) do
      if value == false and not MAY_BE_FALSE[field] then section.fields[field] = nil end
    end
  end
end

---The sections of a cart over those of its site.
---@param site_sections any
---@param cart_sections any
---@param site { cart?: string, carts?: table<string, table> } for messages, and the carts that rules may name
---@return table<string, rules.Merged> merged
---@return string[] faults
---@return table<string, table<string, boolean>> removed fields that were taken away, by section
function check.merge(site_sections, cart_sections, site)
  local merging = { merged = {}, faults = {}, told = {}, site = site }
  take_list(merging, site_sections, "rules")
  take_list(merging, cart_sections, ("carts.%s.rules"):format(site.cart or "NAME"))
  check_together(merging)
  local removed = {}
  for kind, section in pairs(merging.merged) do
    removed[kind] = {}
    for field, value in pairs(section.fields) do removed[kind][field] = value == false end
  end
  drop_false(merging.merged)
  return merging.merged, merging.faults, removed
end

---The kinds of sections, sorted.
---@return string[]
function check.kinds()
  return sorted_keys(SECTIONS)
end

---What is wrong with the rows of rules.by; nil when they are fine.
---@return string?
function check.rows(field, rows)
  if not is_text(field) then return 'must name a field: rules.by("channel", { ... })' end
  if not is_plain(rows) or next(rows) == nil then
    return ('must have rows: rules.by("%s", { ["1"] = "invoice", ["*"] = "sales_order" })'):format(field)
  end
  local seen = {}
  for key, value in pairs(rows) do
    if not is_constant(key) and key ~= "" then return "has a row for " .. kind_of(key) .. "; rows are for texts" end
    if not is_constant(value) then
      return ('has %s in the row "%s"; a row is a fixed value'):format(kind_of(value), tostring(key))
    end
    if seen[tostring(key)] then return ('has the row "%s" twice, as a number and as a text'):format(tostring(key)) end
    seen[tostring(key)] = true
  end
end

return check
