---Where the fields of tables stand in the text of a script: for messages about plain tables, which do not remember it.
---Only tables that are written out are found; what a function makes has the line of the field it is put into.
local lines = {}

local OPENS_BLOCK = { ["function"] = true, ["if"] = true, ["do"] = true, ["repeat"] = true }
local CLOSES_BLOCK = { ["end"] = true, ["until"] = true }

-- --- tokens ---

---@class lines.Scan
---@field text string
---@field at integer
---@field line integer

local function skip_to(scan, past)
  local _, breaks = scan.text:sub(scan.at, past - 1):gsub("\n", "")
  scan.at, scan.line = past, scan.line + breaks
end

---The end of a long bracket that begins at `at`; nil where none does.
local function long_end(text, at)
  local level = text:match("^%[(=*)%[", at)
  if not level then return nil end
  local _, past = text:find("]" .. level .. "]", at, true)
  return (past or #text) + 1
end

local function skip_blanks(scan)
  local text = scan.text
  while true do
    local past = text:match("^%s+()", scan.at)
    if not past and text:find("^%-%-", scan.at) then
      past = long_end(text, scan.at + 2) or text:find("\n", scan.at, true) or #text + 1
    end
    if not past then return end
    skip_to(scan, past)
  end
end

---The end of a text in quotes that begins at `at`.
local function quoted_end(text, at)
  local quote, past = text:sub(at, at), at + 1
  while true do
    local found = text:find("[\\\n" .. quote .. "]", past)
    if not found then return #text + 1 end
    local char = text:sub(found, found)
    if char ~= "\\" then return found + 1 end
    past = found + 2
  end
end

---@class lines.Token
---@field text string
---@field line integer
---@field kind "name"|"text"|"number"|"sign"

---@return lines.Token? nil at the end
local function next_token(scan)
  skip_blanks(scan)
  local text, at = scan.text, scan.at
  if at > #text then return nil end
  local past, kind = text:match("^[%a_][%w_]*()", at), "name"
  if not past then past, kind = text:match("^%d[%w.]*()", at), "number" end
  if not past and text:find("^[\"']", at) then past, kind = quoted_end(text, at), "text" end
  if not past then past, kind = long_end(text, at), "text" end
  if not past then past, kind = text:match("^[=~<>]=()", at) or at + 1, "sign" end
  local token = { text = text:sub(at, past - 1), line = scan.line, kind = kind }
  skip_to(scan, past)
  return token
end

---@return lines.Token[]
local function tokens_of(text)
  local tokens, scan = {}, { text = text, at = 1, line = 1 }
  for token in next_token, scan do tokens[#tokens + 1] = token end
  return tokens
end

-- --- tables ---

---The key of the field that begins at `at`, and where its value begins; nil where the field has none.
local function key_at(tokens, at)
  local function is(offset, text) return tokens[at + offset] and tokens[at + offset].text == text end
  local first, inner = tokens[at], tokens[at + 1]
  if first.kind == "name" and is(1, "=") then return first.text, at + 2 end
  if first.text == "[" and inner and is(2, "]") and is(3, "=") then
    return inner.kind == "text" and inner.text:sub(2, -2) or inner.text, at + 4
  end
  return nil, at
end

---@class lines.Scope one bracket or block that is open
---@field path? string of a table whose fields are remembered
---@field is_table? boolean
---@field count integer of fields without a key

---Remembers a field of the table on top, and tells where its value begins and what its path is.
local function enter_field(places, scope, tokens, at)
  local key, value_at = key_at(tokens, at)
  if not key then
    scope.count = scope.count + 1
    key = scope.count
  end
  if not scope.path then return value_at, nil end
  local path = scope.path .. key
  places[path] = tokens[at].line
  return value_at, path
end

local CLOSES = { ["}"] = true, [")"] = true, ["]"] = true }

---Line numbers by paths such as "carts.shop.schedules.2".
---@param text string
---@return table<string, integer>
function lines.places(text)
  local tokens, places, scopes = tokens_of(text), {}, {}
  local at, begins_field = 1, false
  while tokens[at] do
    local scope, path = scopes[#scopes], nil
    if begins_field and tokens[at].text ~= "}" then at, path = enter_field(places, scope, tokens, at) end
    local token = tokens[at]
    if not token then break end
    local sign = token.kind == "sign" and token.text
    begins_field = false
    if sign == "{" then
      scopes[#scopes + 1] = { is_table = true, path = path and path .. "." or (#scopes == 0 and "" or nil), count = 0 }
      begins_field = true
    elseif sign == "(" or sign == "[" or (token.kind == "name" and OPENS_BLOCK[token.text]) then
      scopes[#scopes + 1] = { count = 0 }
    elseif (sign and CLOSES[sign]) or (token.kind == "name" and CLOSES_BLOCK[token.text]) then
      scopes[#scopes] = nil
    elseif (sign == "," or sign == ";") and scope and scope.is_table then
      begins_field = true
    end
    at = at + 1
  end
  return places
end

---The line of a field, or of the nearest table around it.
---@param places table<string, integer>
---@param path string
---@return integer?
function lines.find(places, path)
  while true do
    if places[path] then return places[path] end
    local outer = path:match "^(.*)%.[^.]*$"
    if not outer then return nil end
    path = outer
  end
end

return lines
