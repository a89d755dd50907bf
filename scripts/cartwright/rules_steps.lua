---From the sections in force to the steps that run on each document, in their order: plain tables with the fields of
---struct cw_step (runtime/mapping/rules.h), and one { move = FIELD, from = ..., to = ... } for each step of a status.
local check = require "cartwright.rules_check"

local steps = {}

local LIBRARY = "scripts/cartwright/rules.lua" -- the place of what is in force without being declared

---@class rules.Building
---@field list table[] the steps
---@field tables table<string, table<string, string>> rows of rules.by, by the name of the table
---@field merged table<string, rules.Merged>
---@field removed table<string, table<string, boolean>>

---A field of a section and its place; nil where it is not given.
local function given(building, kind, field)
  local section = building.merged[kind]
  if section and section.fields[field] ~= nil then return section.fields[field], section.places[field] end
end

---@param name string of the rule: "orders.only status"
local function add(building, where, name, action, step)
  step.action, step.name, step.where = action, name, where
  building.list[#building.list + 1] = step
end

local function as_texts(value)
  local texts = {}
  for _, text in ipairs(type(value) == "table" and getmetatable(value) == nil and value or { value }) do
    texts[#texts + 1] = tostring(text)
  end
  return texts
end

local function condition(field, values, is_not)
  return { field = field, values = as_texts(values), is_not = is_not or false }
end

-- --- values ---

---Fields in which false is a value; in all others it means "no value", as in the rows of tables.
local TRUTHS = { taxable = true, tax_included = true, archived = true, guest = true, active = true }

---The value that rules.by or rules.table choose. The default serves an unset field too, which no row can name.
local function choose(building, where, name, target, chosen, fill)
  local table_name, default = chosen.table, chosen.default
  if chosen.rows then
    local rows = {}
    for key, value in pairs(chosen.rows) do
      local says_nothing = value == false and not TRUTHS[target]
      rows[tostring(key)] = not says_nothing and tostring(value)
    end
    table_name, default = ("rules." .. name):gsub(" ", "."), rows["*"] or nil
    building.tables[table_name] = rows
  end
  add(building, where, name, "translate", { target = target, source = chosen.field, table = table_name,
    fallback = default, unknown = "hold", fill = fill })
end

---@param fill boolean only where the target is unset
local function assign(building, where, name, target, value, fill)
  if type(value) == "function" then
    add(building, where, name, "call", { target = target, call = value, fill = fill })
  elseif getmetatable(value) == check.CHOSEN then
    choose(building, where, name, target, value, fill)
  else
    add(building, where, name, "set", { target = target, text = tostring(value), fill = fill })
  end
end

---Assigns the field of a section to the target of the same name, or to another.
local function assign_field(building, kind, field, fill, target)
  local value, where = given(building, kind, field)
  if value ~= nil then assign(building, where, kind .. "." .. field, target or field, value, fill) end
end

---A table of fields: `set`, or `attributes`.
local function assign_all(building, kind, field, fill, prefix)
  local values, where = given(building, kind, field)
  for name, value in pairs(values or {}) do
    assign(building, where, ("%s.%s %s"):format(kind, field, name), prefix .. name, value, fill)
  end
end

-- --- which documents are taken in ---

local function skips(building, kind)
  for _, field in ipairs { "only", "skip" } do
    local wanted, where = given(building, kind, field)
    for name, texts in pairs(wanted or {}) do
      add(building, where, ("%s.%s %s"):format(kind, field, name), "skip",
        { when = { condition(name, texts, field == "only") } })
    end
  end
end

-- --- orders ---

local function decide_orders(building)
  local change, where = given(building, "orders", "change")
  if change then add(building, where, "orders.change", "call", { call = change }) end
  for _, field in ipairs { "type", "state", "location", "class" } do assign_field(building, "orders", field, false) end
  assign_all(building, "orders", "set", false, "")
  local into, into_where = given(building, "orders", "number_into")
  if into then add(building, into_where, "orders.number_into", "copy", { target = into, source = "number" }) end
  assign(building, LIBRARY, "orders.type", "type", "sales_order", true)
  assign(building, LIBRARY, "orders.state", "state", "released", true)
end

local UNKNOWN = { create = "create", hold = "hold", proxy = "fallback", default = "fallback", keep = "keep" }

---The step that matches by the section's keys; nothing where it has none.
local function match(building, kind, action, fallback)
  local keys, where = given(building, kind, "match")
  if not keys then return end
  add(building, where, kind .. ".match", action, { keys = as_texts(keys),
    among = as_texts(given(building, kind, "among") or {}),
    unknown = UNKNOWN[given(building, kind, "unknown") or "keep"], fallback = given(building, kind, fallback) })
end

local function match_customer(building)
  match(building, "customers", "match_customer", "proxy")
  local keys, where = given(building, "customers", "ship_to")
  if keys and given(building, "customers", "match") then
    add(building, where, "customers.ship_to", "match_address",
      { keys = as_texts(keys), unknown = UNKNOWN[given(building, "customers", "unknown_address") or "keep"] })
  end
end

local function taxes(building)
  local section = building.merged.taxes
  if not section or building.removed.taxes.table then return end
  add(building, section.where, "taxes", "tax", { source = section.fields.by or "shipping",
    table = section.fields.table or "tax", taxable = section.fields.taxable,
    not_taxable = section.fields.not_taxable, freight = section.fields.shipping })
end

---Translates a method, and before that, while it is still the cart's text, what hangs on it. An order that names no
---method gets the default.
local function method(building, kind, target, beside, suffix, otherwise)
  local name, where = given(building, kind, "table")
  local default, default_where = given(building, kind, "default")
  if name then
    add(building, where, kind .. "." .. suffix, "translate",
      { target = beside, source = target, table = name .. "." .. suffix, unknown = "keep" })
  end
  assign_field(building, kind, otherwise, true, beside)
  if name then
    add(building, where, kind .. ".table", "translate",
      { target = target, source = target, table = name, fallback = default, unknown = "hold" })
  elseif default then
    assign(building, default_where, kind .. ".default", target, default, true)
  end
end

local function shipping(building)
  method(building, "shipping", "shipping_method", "carrier", "carrier", "carrier")
  local freight, where = given(building, "shipping", "freight")
  if freight == "line" then
    add(building, where, "shipping.freight", "freight_line", { text = given(building, "shipping", "item") })
  end
end

local function payments(building)
  method(building, "payments", "payment_method", "payment_term", "term", "term")
  local import, where = given(building, "payments", "import")
  local terms, terms_where = given(building, "payments", "on_account")
  if import == false then
    add(building, where, "payments.import", "payments", { drop = true })
  elseif terms then
    add(building, terms_where, "payments.on_account", "payments", { values = as_texts(terms) })
  end
end

local function discounts(building)
  local section = building.merged.discounts
  if not section or building.removed.discounts.table then return end
  add(building, section.where, "discounts", "discounts", { table = section.fields.table or "discount",
    fallback = section.fields.default, unknown = "hold" })
end

-- --- holds ---

local function hold_above(building)
  local above, where = given(building, "holds", "above")
  if type(above) ~= "table" or getmetatable(above) ~= nil then above = above and { ["*"] = above } or {} end
  for currency, limit in pairs(above) do
    add(building, where, "holds.above", "hold_above", { source = "total", text = tostring(limit),
      when = currency ~= "*" and { condition("currency", currency) } or nil })
  end
end

---What is no text, true, false or nil is told with the rule's place, because nobody knows the function's any more when
---it has returned.
local function asking(name, where, holds)
  return function(order)
    local why = holds(order)
    if why == nil or type(why) == "string" then return why end
    if type(why) == "boolean" then return tostring(why) end
    error(("%s: the function of rules.holds.%s returned a %s; it returns a text that says why, or nil")
      :format(where, name, type(why)), 0)
  end
end

local function hold_own(building, name, rule, where)
  if type(rule) == "function" then
    add(building, where, "holds." .. name, "hold", { call = asking(name, where, rule) })
    return
  end
  local when, words = {}, {}
  for field, texts in pairs(rule) do
    when[#when + 1] = condition(field, texts)
    words[#words + 1] = ("%s is %s"):format(field, table.concat(as_texts(texts), " or "))
  end
  add(building, where, "holds." .. name, "hold", { when = when,
    text = ('the site\'s rule "%s" holds orders whose %s'):format(name, table.concat(words, " and ")) })
end

local function holds(building)
  hold_above(building)
  local duplicates, where = given(building, "holds", "duplicates")
  if duplicates then add(building, where, "holds.duplicates", "hold_duplicate", {}) end
  local section = building.merged.holds
  for name, rule in pairs(section and section.fields or {}) do
    if name ~= "above" and name ~= "duplicates" then hold_own(building, name, rule, section.places[name]) end
  end
end

---What the cart is told of a new order: one step for each text of rules.by, since at most one of them holds.
local function tell_cart(building)
  local status, where = given(building, "orders", "tell_cart")
  if status == nil then return end
  local function tell(step) add(building, where, "orders.tell_cart", "tell_cart", step) end
  if type(status) == "function" then
    tell { call = status }
  elseif getmetatable(status) ~= check.CHOSEN then
    tell { text = tostring(status) }
  else
    local named = {}
    for text, value in pairs(status.rows) do
      if text ~= "*" then named[#named + 1] = tostring(text) end
      if text ~= "*" and value then tell { text = tostring(value), when = { condition(status.field, text) } } end
    end
    if status.rows["*"] then
      tell { text = tostring(status.rows["*"]), when = { condition(status.field, named, true) } }
    end
  end
end

---@param graphs table<string, table<string, string[]>>
local function moves(building, graphs)
  for field, graph in pairs(graphs) do
    local own, where = given(building, "statuses", field)
    local removed = building.removed.statuses and building.removed.statuses[field]
    for from, onward in pairs(removed and {} or own or graph) do
      for _, to in ipairs(onward) do
        building.list[#building.list + 1] = { move = field, from = from, to = to, where = where or LIBRARY }
      end
    end
  end
end

-- --- each kind ---

local of = {}

function of.order(building, graphs)
  add(building, LIBRARY, "archived", "skip", { when = { condition("archived", true) } })
  skips(building, "orders")
  decide_orders(building)
  match_customer(building)
  assign_field(building, "orders", "sales_rep", true)
  match(building, "items", "match_items", "default")
  taxes(building)
  shipping(building)
  payments(building)
  discounts(building)
  holds(building)
  tell_cart(building)
  moves(building, graphs)
end

---A customer that an order makes: nobody asks whether it is taken in.
function of.made_customer(building)
  for _, field in ipairs { "type", "sales_rep", "taxable", "payment_term" } do
    assign_field(building, "customers", field, true)
  end
  assign_all(building, "customers", "attributes", true, "custom.")
  assign_all(building, "customers", "set", false, "")
end

function of.customer(building)
  skips(building, "customers")
  of.made_customer(building)
end

function of.item(building)
  skips(building, "items")
  assign_field(building, "items", "group", true)
  assign_all(building, "items", "set", false, "")
  local options, where = given(building, "items", "options")
  if options == "items" then add(building, where, "items.options", "split_variants", {}) end
end

function of.shipment(building)
  skips(building, "shipments")
  local name, where = given(building, "shipments", "table")
  if name then
    add(building, where, "shipments.table", "translate", { target = "carrier", source = "carrier", table = name,
      fallback = given(building, "shipments", "default"), unknown = "hold" })
  end
  assign_all(building, "shipments", "set", false, "")
end

---@param kind_name string "order", "customer", "made_customer", "item", "shipment"; there are no rules for other kinds
---@param merged table<string, rules.Merged>
---@param removed table<string, table<string, boolean>>
---@param graphs table<string, table<string, string[]>>
---@return table[] steps
---@return table<string, table<string, string>> tables that the steps translate by, beside the cart's
function steps.make(kind_name, merged, removed, graphs)
  local building = { list = {}, tables = {}, merged = merged, removed = removed }
  if of[kind_name] then of[kind_name](building, graphs) end
  return building.list, building.tables
end

return steps
