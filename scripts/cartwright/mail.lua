---Mails and what forms and shops write into them. See scripts/types/mail.lua.
local decimal = require "cartwright.decimal"
local native = require "cartwright.native.mail"

local mail = {}

-- Mails ---------------------------------------------------------------------------------------------------------------

local function bytes_of(value)
  local is_record, bytes = pcall(function() return type(value) == "userdata" and value.bytes and value:bytes() end)
  return is_record and bytes or value
end

function mail.parse(value, charset)
  return native.read(bytes_of(value), charset)
end

---A digest of a text is that of a mail with it.
function mail.digest(text)
  return native.read("Subject: text\r\n\r\n" .. text).digest
end

function mail.answer(value, name)
  return native.answer(bytes_of(value), name or "mail")
end

-- Forms ---------------------------------------------------------------------------------------------------------------

mail.fold = native.fold

---@param value? string|string[]
local function list(value)
  if value == nil then return {} end
  return type(value) == "table" and value or { value }
end

---Each name that a form has for something, in one list.
local function all_names(names)
  local all = {}
  for _, name in pairs(names or {}) do
    for _, one in ipairs(list(name)) do all[#all + 1] = one end
  end
  return all
end

function mail.fields(text, options)
  options = options or {}
  local fields, rest = native.fields(text, { names = all_names(options.names), texts = list(options.texts),
    first = list(options.first), separator = options.separator })
  local orders = {}
  for _, field in ipairs(fields) do
    local order = orders[field.order] or { fields = {} }
    for number = #orders + 1, field.order do orders[number] = number == field.order and order or { fields = {} } end
    order.fields[#order.fields + 1] = field
    if order[field.name] == nil and not field.index then order[field.name] = field.value end
  end
  return orders, rest
end

---@param order table
---@param name string|string[]|nil
function mail.field(order, name)
  for _, one in ipairs(list(name)) do
    local value = order[native.fold(one)]
    if value and value ~= "" then return value end
  end
end

---The values that the names have, each once, in their order.
function mail.values(order, names)
  local wanted, seen, values = {}, {}, {}
  for _, one in ipairs(list(names)) do wanted[native.fold(one)] = true end
  for _, field in ipairs(order.fields) do
    if wanted[field.name] and not field.index and field.value ~= "" and not seen[field.value] then
      seen[field.value], values[#values + 1] = true, field.value
    end
  end
  return values
end

---Where fields without a number begin: before all that have one.
local UNNUMBERED = -1000000

---The group that a value belongs to: that of its number; without one a new group where the last has such a value.
local function group_of(groups, field, key, last)
  if field.index then return field.index, last end
  if groups[last] and groups[last][key] then last = last + 1 end
  return last, last
end

function mail.groups(order, names)
  local wanted, groups, indexes, last = {}, {}, {}, UNNUMBERED
  for key, name in pairs(names) do
    for _, one in ipairs(list(name)) do wanted[native.fold(one)] = key end
  end
  for _, field in ipairs(order.fields) do
    local key, index = wanted[field.name], nil
    if key and field.value ~= "" then
      index, last = group_of(groups, field, key, last)
      if not groups[index] then groups[index], indexes[#indexes + 1] = {}, index end
      if groups[index][key] and groups[index][key] ~= field.value then
        error(("%s stands twice with one number, as %q and as %q"):format(field.name, groups[index][key], field.value), 0)
      end
      groups[index][key] = field.value
    end
  end
  table.sort(indexes)
  local sorted = {}
  for i, index in ipairs(indexes) do sorted[i] = groups[index] end
  return sorted
end

-- Tables --------------------------------------------------------------------------------------------------------------

function mail.html(html)
  return native.html(html)
end

---Whether one of the heading words is what the cell says.
local function says(cell, words)
  local text = native.fold((cell:sub(1, 200):gsub("[:%s]+$", "")))
  for _, word in ipairs(list(words)) do
    if text == native.fold(word) then return true end
  end
  return false
end

---Where the columns stand in a heading; nil when a column is missing.
local function columns_of(row, columns)
  local found = {}
  for key, words in pairs(columns) do
    for i, cell in ipairs(row) do
      if says(cell, words) then found[key] = i end
    end
    if not found[key] then return nil end
  end
  return found
end

function mail.tables(html, columns)
  local _, tables = native.html(html)
  if not columns then return tables end
  for _, rows in ipairs(tables) do
    for i, row in ipairs(rows) do
      local places = columns_of(row, columns)
      if places then
        local read = {}
        for k = i + 1, #rows do
          local one = { cells = rows[k] }
          for key, place in pairs(places) do one[key] = rows[k][place] or "" end
          read[#read + 1] = one
        end
        return read
      end
    end
  end
  return {}
end

function mail.sum(rows, words)
  for _, row in ipairs(rows) do
    local cells = row.cells or row
    if #cells > 1 and says(cells[1], words) then
      for i = #cells, 2, -1 do
        if cells[i] ~= "" then return cells[i] end
      end
    end
  end
end

-- Values --------------------------------------------------------------------------------------------------------------

local DIGITS = { ["٫"] = ".", ["٬"] = ",", ["，"] = ",", ["．"] = ".", ["−"] = "-", ["’"] = "'",
  ["\u{A0}"] = " ", ["\u{202F}"] = " ", ["\u{2009}"] = " " }
for i = 0, 9 do
  DIGITS[utf8.char(0x660 + i)], DIGITS[utf8.char(0x6F0 + i)], DIGITS[utf8.char(0xFF10 + i)] = tostring(i), tostring(i),
    tostring(i)
end

---Digits of other scripts, and what stands between them there, as here.
local function plain(text)
  return (text:gsub("[\xC2-\xEF][\x80-\xBF]+", DIGITS))
end

function mail.amount(text, format)
  local number = plain(text):match "[-+]?%d[%d.,' ]*"
  if not number then return nil, ("%q has no number in it"):format(text) end
  number = number:gsub("[.,' ]+$", "")
  local value, message = decimal.new(number, format)
  if value then return value end
  return nil, ("%q is no amount%s: %s"):format(text, format and " as " .. format or "", message)
end

function mail.unquote(text)
  local after = text:match "\n%-+ ?[Oo]riginal[^\n]*%-+\n(.*)" or text:match "\n%-%-+ [^\n]-%-%-+\n(.*)" or text
  return (("\n" .. after):gsub("\n> ?", "\n"):sub(2))
end

---Subjects and addresses with * for anything; blanks and case do not count.
function mail.matches(text, patterns)
  local folded = (native.fold(text:sub(1, 900)):gsub("%s+", " "))
  for _, pattern in ipairs(list(patterns)) do
    local lua_pattern = native.fold(pattern):gsub("%s+", " "):gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*")
    if folded:find("^" .. lua_pattern .. "$") then return true end
  end
  return false
end

return mail
