---Translation tables beside the mapping: rows of the store laid over those of a cart script, and look-ups both ways.
---`fold` is the runtime's own idea of two texts that are equal without case.
local placed = require "cartwright.placed"

local overlay = {}

---The rows of one level, each in the place of the one with the same key.
local function lay(tables, rows)
  for _, row in ipairs(rows) do
    if tables[row.table] == nil then tables[row.table] = {} end
    local of_table = tables[row.table]
    if type(of_table) == "table" then
      local number = math.tointeger(tonumber(row.key)) -- a script may write the key as a number
      if number and tostring(number) == row.key and of_table[number] ~= nil then of_table[number] = nil end
      placed.put(of_table, row.key, row.value ~= "" and row.value, "a row of `cartwright table`")
    end
  end
end

---Lays the rows of the store over `tables`: those of all carts first, then the cart's own.
---@param tables table<string, table>
---@param rows { table: string, key: string, value: string, own: boolean }[] value "" = translated to nothing
function overlay.rows(tables, rows)
  for _, own in ipairs { false, true } do
    local level = {}
    for _, row in ipairs(rows) do
      if row.own == own then level[#level + 1] = row end
    end
    lay(tables, level)
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
