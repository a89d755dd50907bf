---From a mail to the orders in it, by the forms of a site: tables that say what the mails call things. What comes
---out has the names of `cartwright fields order`, amounts as exact texts and times as ISO 8601, so that one mapping
---serves them all.
local mail = require "cartwright.mail"
local time = require "cartwright.time"

local forms = {}

---@class mail.OrderForm
---@field title string for messages
---@field layout? "fields"|"table" "fields" (default): `Field: value`; "table": an HTML table
---@field subject? string only mails with this subject, with * for anything
---@field names table<string, string|string[]> number, placed_at, name, first_name, ..., total: what the mail calls them
---@field texts? string[] of names those that go over several paragraphs; default { "note" }
---@field separator? string
---@field lines? table<string, string|string[]> repeated fields: { sku = "sku", quantity = "qty", unit_price = "price" }
---@field line? { name: string|string[], pattern: string, [integer]: string } one field a line, taken apart by a pattern
---@field columns? table<string, string|string[]> headings of the table of lines
---@field sku_pattern? string where the SKU stands in a line's name: "%(#(.-)%)"
---@field sums? table<string, string|string[]> rows of the table with sums: { total = "Total" }
---@field found? table<string, string[]> patterns for what stands in the subject or the text: { number = { "#(%d+)" } }
---@field address? string heading above the address in the text
---@field money? string 1234.56 as the mails write it
---@field dates? string[] formats as in map.Options
---@field currency string
---@field tax_included? boolean default true
---@field lead? boolean mails of this form ask, and order nothing

local MONEY = { "shipping_total", "tax_total", "discount_total", "fee_total", "total" }
local TEXTS = { "number", "reference", "email", "currency", "note", "gift_message", "payment_name", "shipping_name" }
local ADDRESS = { "name", "first_name", "last_name", "company", "street", "street2", "postcode", "city", "region",
  "country", "phone", "email" }

---Names of countries in mails; codes stay what they are. A site adds its own: forms.countries["Elfenbeinküste"] = "CI".
forms.countries = {
  Germany = "DE", Deutschland = "DE", Allemagne = "DE", Austria = "AT", ["Österreich"] = "AT", Switzerland = "CH",
  Schweiz = "CH", Suisse = "CH", France = "FR", Frankreich = "FR", Italy = "IT", Italien = "IT", Italia = "IT",
  Spain = "ES", Spanien = "ES", Netherlands = "NL", Niederlande = "NL", Belgium = "BE", Belgien = "BE",
  Luxembourg = "LU", Denmark = "DK", Poland = "PL", Polen = "PL", ["United Kingdom"] = "GB", ["Great Britain"] = "GB",
  ["United States"] = "US", USA = "US", Canada = "CA", Japan = "JP", ["日本"] = "JP", Kuwait = "KW",
}

local function fail(form, words, ...)
  error(("form %s: %s"):format(form.title, words:format(...)), 0)
end

-- Values --------------------------------------------------------------------------------------------------------------

local function amount(form, text, field)
  if not text then return nil end
  local value, message = mail.amount(text, form.money)
  if not value then fail(form, "%s: %s; say how numbers are written: money = \"1.234,56\"", field, message) end
  return tostring(value)
end

---Of the cart's zone, since mails hardly ever say one.
local function moment(form, text)
  if not text then return nil end
  for _, format in ipairs(form.dates or {}) do
    local at = time.parse(text, "UTC", format)
    if at then return at:format "%Y-%m-%d %H:%M:%S" end
  end
  if time.parse(text, "UTC") then return text end
  fail(form, "%q is no time; say how times are written: dates = { \"%%d.%%m.%%Y %%H:%%M\" }", text)
end

local function country(form, text)
  if not text or text:find "^%a%a$" then return text and text:upper() end
  return forms.countries[text]
    or fail(form, "no code is known for the country %q; add it: forms.countries[%q] = \"..\"", text, text)
end

---What the subject or the text says in passing: "New order #727".
local function found_in(form, field, subject, text)
  for _, place in ipairs { subject, text } do
    for _, pattern in ipairs(form.found and form.found[field] or {}) do
      local value = place:match(pattern)
      if value then return value end
    end
  end
end

-- Addresses -----------------------------------------------------------------------------------------------------------

---Postcode and city in one: "50667 Köln".
local function split_place(address, text)
  if text then address.postcode, address.city = text:match "^(%S+)%s+(.+)$" end
end

local function address_of_fields(form, order)
  local address = {}
  for _, key in ipairs(ADDRESS) do address[key] = mail.field(order, form.names[key]) end
  split_place(address, mail.field(order, form.names.place))
  address.country = country(form, address.country)
  return next(address) and address or nil
end

---One line of an address below another: name, streets, postcode and city, country, telephone, mail address.
local function read_line(form, address, line)
  if line:find "^%S+@%S+$" then
    address.email = line
  elseif line:find "^%+?[%d%s()/-]+$" then
    address.phone = line
  elseif address.city then
    address.country = address.country or country(form, line)
  elseif not address.name then
    address.name = line
  elseif line:find "^%w*%d[%w-]*%s+%D+$" and address.street then
    split_place(address, line)
  elseif not address.street then
    address.street = line
  else
    address.street2 = line
  end
end

local function address_of_text(form, text)
  local below = form.address and ("\n" .. text):match("\n" .. form.address .. "\n(.*)")
  if not below then return nil end
  local address = {}
  for line in below:gmatch "[^\n]+" do read_line(form, address, line) end
  return address
end

-- Lines ---------------------------------------------------------------------------------------------------------------

local function finish_line(form, line)
  if form.sku_pattern and line.name and not line.sku then
    line.sku = line.name:match(form.sku_pattern)
    line.name = line.name:gsub("%s*" .. form.sku_pattern, ""):gsub("\n.*", "")
  end
  line.quantity = amount(form, line.quantity or "1", "quantity")
  line.unit_price = amount(form, line.unit_price, "unit_price")
  line.total = amount(form, line.total, "total of a line")
  return line
end

---"MUG | Becher | 1 x 19,00 EUR = 19,00 EUR", by the form's pattern.
local function line_of_text(form, text)
  local parts = table.pack(text:match(form.line.pattern))
  if parts.n == 0 or parts[1] == nil then fail(form, "%q is no line as %q says", text, form.line.pattern) end
  local line = {}
  for i, key in ipairs(form.line) do line[key] = parts[i] end
  return line
end

local function lines_of_fields(form, order)
  local lines = {}
  if form.line then
    for _, group in ipairs(mail.groups(order, { text = form.line.name })) do
      lines[#lines + 1] = finish_line(form, line_of_text(form, group.text))
    end
  end
  for _, group in ipairs(form.lines and mail.groups(order, form.lines) or {}) do
    lines[#lines + 1] = finish_line(form, group)
  end
  return lines
end

-- Orders --------------------------------------------------------------------------------------------------------------

---What all layouts share; `value` gives the text of a field, `parts` billing address and lines. What cannot be read
---is the order's `fault`: its number stands all the same.
---@param parts fun(): table?, table[]
local function order_of(form, message, value, parts)
  local order = { form = form.title, type = form.lead and "lead" or nil, currency = form.currency, lines = {},
    tax_included = form.tax_included ~= false, sent_at = message.date and tostring(message.date) or nil }
  for _, key in ipairs(TEXTS) do order[key] = value(key) or order[key] end
  local is_read, problem = pcall(function()
    for _, key in ipairs(MONEY) do order[key] = amount(form, value(key), key) end
    order.placed_at = moment(form, value "placed_at")
    order.billing, order.lines = parts()
  end)
  order.fault = not is_read and tostring(problem) or nil
  order.email = order.email or order.billing and order.billing.email
  if form.lead then order.total = order.total or "0" end
  return order
end

local function read_fields(form, message, text)
  local names = {}
  for _, list in ipairs { form.names, form.lines or {}, form.line and { line = form.line.name } or {} } do
    for key, name in pairs(list) do names[list == form.names and key or "line " .. key] = name end
  end
  local texts = {}
  for _, key in ipairs(form.texts or { "note" }) do
    local name = form.names[key]
    for _, one in ipairs(type(name) == "table" and name or { name }) do texts[#texts + 1] = one end
  end
  local number = form.names.number
  local read, orders = mail.fields(text, { names = names, texts = texts, separator = form.separator,
    first = type(number) == "table" and number[1] or number }), {}
  for _, one in ipairs(read) do
    local function value(key) return mail.field(one, form.names[key]) or found_in(form, key, message.subject, text) end
    if form.lead and value "name" or value "number" then
      orders[#orders + 1] = order_of(form, message, value, function()
        return address_of_fields(form, one), lines_of_fields(form, one)
      end)
    end
  end
  return orders
end

local function read_table(form, message)
  local text = mail.html(message.html)
  local rows = mail.tables(message.html, form.columns)
  if #rows == 0 then return {} end
  local function value(key)
    return form.sums and form.sums[key] and mail.sum(rows, form.sums[key]) or found_in(form, key, message.subject, text)
  end
  local order = order_of(form, message, value, function()
    local lines = {}
    for _, row in ipairs(rows) do
      if row.quantity and row.quantity:find "%d" then
        row.cells = nil
        lines[#lines + 1] = finish_line(form, row)
      end
    end
    return address_of_text(form, text), lines
  end)
  return order.number and { order } or {}
end

---Whether a form is that of the mail; one that finds a number, but cannot read the rest, where no other one can.
local function fits(orders)
  local first = orders[1]
  if not first then return false, false end
  return not first.fault and (first.type == "lead" or #first.lines > 0), first.fault ~= nil
end

---The orders of a text by the first form that fits it.
local function read_by_forms(list, message, text)
  local faulty
  for _, form in ipairs(list) do
    if not form.subject or mail.matches(message.subject, form.subject) then
      local is_table = form.layout == "table"
      local orders = is_table and message.html and read_table(form, message)
        or not is_table and text and read_fields(form, message, text) or {}
      local is_it, may_be = fits(orders)
      if is_it then return orders end
      faulty = faulty or may_be and orders or nil
    end
  end
  return faulty
end

---The text to look for fields in: the plain one, else that of the HTML.
local function text_of(message)
  if message.text and message.text:find "%S" then return message.text end
  return message.html and (mail.html(message.html)) or nil
end

local function mail_inside(message)
  for _, attachment in ipairs(message.attachments) do
    if attachment.type == "message/rfc822" then return attachment.body end
  end
end

---Why a mail is not looked into; nil when it is.
local function obstacle(message)
  if message.damaged then return "the mail was cut off; have it sent again: " .. (message.notes[1] or "") end
  if message.encrypted then return "the mail is encrypted; have it sent in clear" end
  if message.tnef then
    return "the mail comes from Outlook as winmail.dat, which nobody else reads; have it sent as plain text or HTML"
  end
end

---@param list mail.OrderForm[]
---@param message mail.Mail
---@return table[]? orders
---@return string? why there are none
local function read_message(list, message)
  local orders = read_by_forms(list, message, text_of(message))
  if not orders and message.text then orders = read_by_forms(list, message, mail.unquote(message.text)) end
  return orders
end

---All orders of a mail, of one that was forwarded those of the mail inside. nil and the reason where there are none.
---@param list mail.OrderForm[]
---@param message mail.Mail
---@return table[]? orders
---@return string? words
function forms.read(list, message)
  local why = obstacle(message)
  if why then return nil, why end
  local orders = read_message(list, message)
  local inner = not orders and mail_inside(message)
  local inside = inner and mail.parse(inner)
  if inside then
    if obstacle(inside) then return nil, obstacle(inside) end
    orders = read_message(list, inside)
  end
  if orders then return orders end
  local titles = {}
  for i, form in ipairs(list) do titles[i] = form.title end
  return nil, ("the mail %q fits none of the forms %s: it has no number, or no lines, under the names that they know")
    :format(message.subject, table.concat(titles, ", "))
end

---Whether somebody passed it on.
---@param message mail.Mail
---@return boolean
function forms.is_forwarded(message)
  return mail.matches(message.subject, { "fw:*", "fwd:*", "wg:*", "tr:*", "rv:*" }) or mail_inside(message) ~= nil
end

return forms
