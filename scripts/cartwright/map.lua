---Field mappings: what a cart calls a thing, and what the system calls it. Everything here only describes; the
---description is compiled once, when the cart is loaded, and then evaluated without Lua, except for functions.
---
---A source is a path ("delivery_date"), or one of the descriptions below, or a function that gets the record's node
---and returns a value. The type follows from the field; map.text and its siblings are for custom fields, and wherever
---options are needed.
local here = require "cartwright.native.here"
local placed = require "cartwright.placed"

local map = {}

---@class map.Options
---@field required? boolean an absent value is an issue
---@field default? string|integer|boolean|cartwright.Decimal taken when the value is absent
---@field none? string|string[] texts that mean "absent", such as "0000-00-00 00:00:00"
---@field zone? string for times without an offset; default: the cart's `zone` setting
---@field keep_space? boolean do not trim
---@field html? boolean decode HTML entities once
---@field negate? boolean minus the number
---@field times? string|integer|cartwright.Decimal decimals and money are multiplied by it: "0.01" for amounts in cents
---How the shop writes a number or a time; of several the first that fits is taken.
---Numbers: 1234.56 as the shop writes it: "1.234,56", "1,234.56", "1 234,56", "1'234.56", "1234,56".
---Times: "%d.%m.%Y %H:%M", with %Y %m %d %H %M %S %y %I %p %b %f %z, or %s and %Q for seconds and milliseconds since 1970.
---@field format? string|string[]

---@class map.Source
---@class map.Each: map.Source
---@class map.Plan

---@alias map.Any string|fun(record: cartwright.Node): any|map.Source

local OPTIONS = { required = true, default = true, none = true, zone = true, keep_space = true, html = true,
  negate = true, times = true, format = true }

local SOURCE = { __name = "map source" }

---Options may be changed later; anything else gets there by mistake.
function SOURCE.__newindex(source, key, value)
  if not OPTIONS[key] then
    local mend = source.plan and "; the fields of its records are in its plan: .plan." .. tostring(key)
      or "; give the field another source instead"
    error(("%s: %s is no option of what map.NAME(...) makes%s"):format(here(), tostring(key), mend), 0)
  end
  rawset(source, key, value)
  rawset(source, "where", here())
end

---@param options table
local function check_options(options)
  if type(options) ~= "table" then error(("%s: options are a table, not a %s"):format(here(), type(options)), 0) end
  for key in pairs(options) do
    if not OPTIONS[key] then
      error(("%s: unknown option %s; there are default, format, html, keep_space, negate, none, required, times, zone")
        :format(here(), tostring(key)), 0)
    end
  end
end

---@param fields table
---@param options? map.Options
---@return map.Source
local function source(fields, options)
  if options ~= nil then check_options(options) end
  for key, value in pairs(options or {}) do fields[key] = value end
  fields.where = here()
  return setmetatable(fields, SOURCE)
end

local function as_list(value)
  return type(value) == "table" and getmetatable(value) == nil and value or { value }
end

---A path, a function or an earlier description, with a type of its own where `type_name` is given.
local function typed(type_name)
  return function(from, options)
    local fields = { type = type_name }
    if type(from) == "function" then
      fields.source, fields.call = "call", from
    elseif type(from) == "table" and getmetatable(from) == SOURCE then
      for key, value in pairs(from) do fields[key] = value end
      fields.type = type_name
    else
      fields.source, fields.paths = "paths", as_list(from)
    end
    return source(fields, options)
  end
end

---@type fun(from: map.Any, options?: map.Options): map.Source
map.text = typed "text"
---@type fun(from: map.Any, options?: map.Options): map.Source
map.decimal = typed "decimal"
---Money is in the document's `currency`. @type fun(from: map.Any, options?: map.Options): map.Source
map.money = typed "money"
---@type fun(from: map.Any, options?: map.Options): map.Source
map.integer = typed "integer"
---true/false, 1/0, yes/no, on/off. @type fun(from: map.Any, options?: map.Options): map.Source
map.boolean = typed "boolean"
---@type fun(from: map.Any, options?: map.Options): map.Source
map.time = typed "time"
---A source with options and the type of its field. @type fun(from: map.Any, options?: map.Options): map.Source
map.value = typed(nil)

---The first path that is not absent.
---@param paths string[]
---@param options? map.Options
---@return map.Source
function map.first(paths, options)
  return source({ source = "paths", paths = paths }, options)
end

---All paths that are not absent, with `between` between them.
---@param paths string[]
---@param between? string default " "
---@param options? map.Options
---@return map.Source
function map.join(paths, between, options)
  return source({ source = "join", paths = paths, text = between or " " }, options)
end

---The exact sum over every match of the paths; 0 when there is none.
---@param paths string|string[]
---@param options? map.Options
---@return map.Source
function map.sum(paths, options)
  return source({ source = "sum", paths = as_list(paths) }, options)
end

---@param value string|integer|boolean|cartwright.Decimal
---@return map.Source
function map.constant(value)
  return source({ source = "constant", text = tostring(value) })
end

---The value's row in the cart's table of that name (`shop.tables[name]`). Exact first, then without case; the row
---"*" is the default; a row `false` means "no value". A value without a row is an issue that names table and value.
---@param table_name string
---@param from map.Any
---@param options? map.Options
---@return map.Source
function map.translate(table_name, from, options)
  local translated = map.text(from, options)
  rawset(translated, "table", table_name)
  translated.type = nil
  return translated
end

map.SETTINGS = "(settings)" -- the table that each cart's own settings are read from

---What the cart has as a setting: for what its records do not say, such as the currency of all amounts.
---@param name string
---@return map.Source
function map.setting(name)
  return map.translate(map.SETTINGS, function() return name end)
end

---One record of `plan` for each match of `path`.
---@param path string
---@param plan map.Plan
---@return map.Each
function map.each(path, plan)
  return source { source = "each", paths = { path }, plan = plan }
end

---One record of `plan` at the first match of `path`; absent when nothing matches.
---@param path string
---@param plan map.Plan
---@return map.Source
function map.at(path, plan)
  return source { source = "record", paths = { path }, plan = plan }
end

local CUSTOM = { name = "custom" }

---A plan for one kind of document. `custom` takes fields of your own.
local function plan_of(kind)
  local shape = { name = "plan", kind = kind, fields = { custom = CUSTOM } }
  return function(fields)
    fields.custom = fields.custom or {}
    return placed.new(fields, shape, here())
  end
end

---@type fun(fields: map.Order): map.Plan
map.order = plan_of "order"
---@type fun(fields: map.Line): map.Plan
map.line = plan_of "line"
---@type fun(fields: map.Address): map.Plan
map.address = plan_of "address"
---@type fun(fields: map.Discount): map.Plan
map.discount = plan_of "discount"
---@type fun(fields: map.Payment): map.Plan
map.payment = plan_of "payment"
---@type fun(fields: map.Fee): map.Plan
map.fee = plan_of "fee"
---@type fun(fields: map.Tax): map.Plan
map.tax = plan_of "tax"
---@type fun(fields: map.Customer): map.Plan
map.customer = plan_of "customer"
---@type fun(fields: map.Item): map.Plan
map.item = plan_of "item"
---@type fun(fields: map.Variant): map.Plan
map.variant = plan_of "variant"
---@type fun(fields: map.Component): map.Plan
map.component = plan_of "component"
---@type fun(fields: map.StockLevel): map.Plan
map.stock_level = plan_of "stock_level"
---@type fun(fields: map.Shipment): map.Plan
map.shipment = plan_of "shipment"
---@type fun(fields: map.ShipmentLine): map.Plan
map.shipment_line = plan_of "shipment_line"

local copying = {} -- what is being copied, further out, so that circles stay circles

---@param value table
---@param copy table
local function copy_fields(value, copy)
  copying[value] = copy
  for key, item in pairs(value) do copy[key] = map.copy(item) end
  copying[value] = nil
  return copy
end

---A copy that can be changed without changing the original, however deep. Functions, texts and objects of the runtime
---are shared.
---@generic T
---@param value T
---@return T
function map.copy(value)
  if type(value) ~= "table" then return value end
  if copying[value] then return copying[value] end
  if placed.shape(value) then return placed.copy(value, map.copy) end
  local meta = getmetatable(value)
  if meta ~= nil and type(meta) ~= "table" then return value end -- locked
  return setmetatable(copy_fields(value, {}), meta)
end

---For the runtime: the plan's kind and place, or nil for anything else.
---@param plan any
---@return string? kind
---@return string? where
function map.kind_of(plan)
  local shape = placed.shape(plan)
  if shape and shape.kind then return shape.kind, placed.where(plan) end
end

---For the runtime: whether it is what map.NAME(...) made.
---@param value any
---@return boolean
function map.is_source(value)
  return type(value) == "table" and getmetatable(value) == SOURCE
end

---For the runtime: the same source with other fields in the place of its own.
---@param from map.Source
---@param fields table
---@return map.Source
function map.changed(from, fields)
  local changed = copy_fields(from, {})
  for key, value in pairs(fields) do changed[key] = value end
  return source(changed)
end

return setmetatable(map, { __index = function(_, key)
  error(("%s: there is no map.%s"):format(here(), tostring(key)), 0)
end })
