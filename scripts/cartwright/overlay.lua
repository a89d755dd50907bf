---Translation tables beside the mapping: rows of the store laid over those of a cart script, and look-ups both ways.
---`fold` is the runtime's own idea of two texts that are equal without case.
local placed = require "cartwright.placed"

local overlay = {}

---The rows of one level, which take the place of all that are equal without case.
local function lay(tables, rows, fold)
  local replaced = {}
  for _, row in ipairs(rows) do
    replaced[row.table] = replaced[row.table] or {}
    replaced[row.table][fold(row.key)] = true
  end
  for name, keys in pairs(replaced) do
    local of_table = tables[name] or {}
    for key in pairs(type(of_table) == "table" and of_table or {}) do
      if keys[fold(tostring(key))] then of_table[key] = nil end
    end
    tables[name] = of_table
  end
  for _, row in ipairs(rows) do
    if type(tables[row.table]) == "table" then
      placed.put(tables[row.table], row.key, row.value ~= "" and row.value, "a row of `cartwright table`")
    end
  end
end

---Lays the rows of the store over `tables`: those of all carts first, then the cart's own.
---@param tables table<string, table>
---@param rows { table: string, key: string, value: string, own: boolean }[] value "" = translated to nothing
---@param fold fun(text: string): string
function overlay.rows(tables, rows, fold)
  for _, own in ipairs { false, true } do
    local level = {}
    for _, row in ipairs(rows) do
      if row.own == own then level[#level + 1] = row end
    end
    lay(tables, level, fold)
  end
end

---@param rows table<string|integer, string|integer|boolean>? nil = no such table
---@param text string|integer|boolean|nil
---@param fold fun(text: string): string
---@return string|integer|boolean|nil value false = the row says: no value
function overlay.find(rows, text, fold)
  if rows == nil or text == nil then return nil end
  local exact = rows[tostring(text)]
  if exact ~= nil then return exact end
  local folded = fold(tostring(text))
  for key, value in pairs(rows) do
    if fold(tostring(key)) == folded then return value end
  end
  return rows["*"]
end

---The keys whose value it is, sorted.
---@return string[]
function overlay.keys(rows, value)
  local keys = {}
  for key, other in pairs(rows or {}) do
    if key ~= "*" and other ~= false and tostring(other) == tostring(value) then keys[#keys + 1] = tostring(key) end
  end
  table.sort(keys)
  return keys
end

---A text as a key of a table in Lua: paid, or ["on hold"].
---@param text string
---@return string
function overlay.quote(text)
  return text:find "^[%a_][%w_]*$" and text or ('["%s"]'):format(text)
end

return overlay
