---What a site decides about documents: scripts/types/rules.lua describes it for those who write site.lua. Everything
---here only describes; for each stream of a cart the description becomes steps, once, which run without Lua but for
---functions.
local check = require "cartwright.rules_check"
local here = require "cartwright.native.here"
local steps = require "cartwright.rules_steps"

local rules = {}

---The steps that a status may take where the site declares none: forward, also past steps in between. Waiting for
---money, for a person (on_hold) or for goods (backorder) can come back; what is cancelled or refunded stays so.
local GRAPHS = {
  status = {
    draft = { "pending", "on_hold", "paid", "processing", "backorder", "shipped", "completed", "cancelled", "refunded",
      "failed" },
    pending = { "on_hold", "paid", "processing", "backorder", "shipped", "completed", "cancelled", "refunded",
      "failed" },
    on_hold = { "pending", "paid", "processing", "backorder", "shipped", "completed", "cancelled", "refunded",
      "failed" },
    paid = { "on_hold", "processing", "backorder", "shipped", "completed", "cancelled", "refunded", "failed" },
    processing = { "on_hold", "backorder", "shipped", "completed", "cancelled", "refunded", "failed" },
    backorder = { "pending", "on_hold", "paid", "processing", "shipped", "completed", "cancelled", "refunded",
      "failed" },
    shipped = { "completed", "cancelled", "refunded" },
    completed = { "cancelled", "refunded" },
    failed = { "pending", "paid", "processing", "cancelled" },
    cancelled = {},
    refunded = {},
  },
  payment_status = {
    unpaid = { "authorised", "partly_paid", "paid", "refunded", "failed" },
    authorised = { "unpaid", "partly_paid", "paid", "refunded", "failed" },
    partly_paid = { "paid", "partly_refunded", "refunded", "failed" },
    paid = { "partly_refunded", "refunded", "failed" },
    partly_refunded = { "refunded" },
    failed = { "unpaid", "authorised", "partly_paid", "paid" },
    refunded = {},
  },
  fulfilment_status = {
    open = { "partial", "shipped", "delivered", "returned" },
    partial = { "shipped", "delivered", "returned" },
    shipped = { "delivered", "returned" },
    delivered = { "returned" },
    returned = {},
  },
}

---The row for the text of a field; "*" is the default row.
---@param field string
---@param rows table<string|integer, string|boolean|integer|cartwright.Decimal>
---@return rules.Chosen
function rules.by(field, rows)
  return setmetatable({ field = field, rows = rows, wrong = check.rows(field, rows) }, check.CHOSEN)
end

---The same with a translation table of the cart.
---@param name string
---@param field string
---@param default? string|boolean|integer
---@return rules.Chosen
function rules.table(name, field, default)
  local wrong
  if type(name) ~= "string" or type(field) ~= "string" then
    wrong = 'must name a table and a field: rules.table("location", "channel")'
  end
  return setmetatable({ field = field, table = name, default = default ~= nil and tostring(default) or nil,
    wrong = wrong }, check.CHOSEN)
end

---A section that knows its kind and its place.
local function section(kind)
  return function(fields)
    if type(fields) ~= "table" or getmetatable(fields) ~= nil then
      error(("%s: rules.%s takes a table: rules.%s { ... }"):format(here(), kind, kind), 0)
    end
    return setmetatable(fields, { __name = "rules section", section = kind, where = here() })
  end
end

---@type fun(section: rules.Orders): table
rules.orders = section "orders"
---@type fun(section: rules.Customers): table
rules.customers = section "customers"
---@type fun(section: rules.Items): table
rules.items = section "items"
---@type fun(section: rules.Taxes): table
rules.taxes = section "taxes"
---@type fun(section: rules.Shipping): table
rules.shipping = section "shipping"
---@type fun(section: rules.Payments): table
rules.payments = section "payments"
---@type fun(section: rules.Discounts): table
rules.discounts = section "discounts"
---@type fun(section: rules.Shipments): table
rules.shipments = section "shipments"
---@type fun(section: rules.Statuses): table
rules.statuses = section "statuses"
---@type fun(section: rules.Holds): table
rules.holds = section "holds"

---Statuses that an order stays in, as far as the library's graph goes: what is completed may still be refunded, but
---hardly ever is without a stamp of change.
local FINAL = { "cancelled", "completed", "refunded" }

---For the runtime: the statuses that end an order where its cart names none: those without a step out in the graph that
---the site declares, else FINAL.
---@return string[]
function rules.final(site_sections, cart_sections)
  local merged = check.merge(site_sections, cart_sections, {})
  local graph = merged.statuses and merged.statuses.fields.status
  if not graph then return FINAL end
  local ends = {}
  for _, onward in pairs(graph) do
    for _, to in ipairs(onward) do ends[to] = graph[to] == nil or #graph[to] == 0 or nil end
  end
  local list = {}
  for status in pairs(ends) do list[#list + 1] = status end
  table.sort(list)
  return list
end

---Whether a status leads to another one by the library's graph, in one step; a status that it does not have leads nowhere.
---@param from string
---@param to string
---@return boolean
function rules.leads(from, to)
  for _, onward in ipairs(GRAPHS.status[from] or {}) do
    if onward == to then return true end
  end
  return false
end

---Whether the library's graph has no step out of a status.
---@param status string
---@return boolean
function rules.is_end(status)
  local onward = GRAPHS.status[status]
  return onward ~= nil and #onward == 0
end

---What is wrong with a word as the status of an order; nil when it is one.
---@return string?
function rules.check_status(word)
  if type(word) == "string" and GRAPHS.status[word] then return nil end
  local known = {}
  for status in pairs(GRAPHS.status) do known[#known + 1] = status end
  table.sort(known)
  return ("there is no status %s%s"):format(tostring(word), check.suggest(word, known))
end

---For the runtime: the steps for documents of one kind, with the tables that rules.by needs. Raises one error, a line
---for each fault in any of the sections.
---@param site_sections any `rules` of site.lua
---@param cart_sections any `rules` of the cart there
---@param kind_name string
---@param site? { cart?: string, carts?: table<string, table> } the cart's name, and all carts of the site
---@return table[] steps
---@return table<string, table<string, string>> tables
function rules.compile(site_sections, cart_sections, kind_name, site)
  local merged, faults, removed = check.merge(site_sections, cart_sections, site or {})
  if #faults > 0 then error(table.concat(faults, "\n"), 0) end
  return steps.make(kind_name, merged, removed, GRAPHS)
end

return setmetatable(rules, { __index = function(_, key)
  error(("%s: there is no rules.%s%s"):format(here(), tostring(key), check.suggest(key, check.kinds())), 0)
end })
