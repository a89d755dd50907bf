---From a mail to the orders in it, by the forms of a site: tables that say what the mails call things. What comes
---out has the names of `cartwright fields order`, amounts as exact texts and times as ISO 8601, so that one mapping
---serves them all.
---
---Nothing is guessed: an order of whose fields one stands there twice with different values, whose amounts have the sign of
---another currency, or that stands in the mail twice and not alike, is at fault, and so waits for a person.
local mail = require "cartwright.mail"
local money = require "shipped.mail.money"
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
---@field currency string of mails that name none under names.currency; amounts with the sign of another one wait
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

---@param currency? string of the order, where the text is money
local function amount(form, text, field, currency)
  if not text then return nil end
  local other = currency and money.other(text, currency)
  if other then
    fail(form, "%s: %q is in %s, and the order in %s; say what the mails call their currency (names = { currency = \"..\" }),"
      .. " or give mails in %s a form of their own", field, text, other, currency, other)
  end
  if text:find "^%D*%d[%d.,]*%s*%%" then fail(form, "%s: %q is a share, and no amount", field, text) end
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

---The one value of a list; nil and why where there are several.
local function only(form, field, values)
  if #values <= 1 then return values[1] end
  return nil, ("form %s: %s stands there as %q and as %q, and nobody can tell which one holds; have it sent again with one, "
    .. "or let the form tell them apart"):format(form.title, field, values[1], values[2])
end

---What the subject or the text says in passing: "New order #727".
local function found_in(form, field, subject, text)
  for _, place in ipairs { subject, text } do
    local values, seen = {}, {}
    for _, pattern in ipairs(form.found and form.found[field] or {}) do
      for value in place:gmatch(pattern) do
        if not seen[value] then seen[value], values[#values + 1] = true, value end
      end
    end
    if #values > 0 then return only(form, field, values) end
  end
end

---Of these all the names together have one value; of other fields the first name that has one counts.
local IS_ONE = { number = true, total = true, currency = true }

---What a field of a block says; nil and why where it says two things.
local function said_in(form, block, key)
  local names = form.names[key]
  if IS_ONE[key] or type(names) ~= "table" then return only(form, key, mail.values(block, names)) end
  for _, name in ipairs(names) do
    local values = mail.values(block, name)
    if #values > 0 then return only(form, key, values) end
  end
end

---The same inside of what may fail.
local function must_say(form, block, key)
  local value, problem = said_in(form, block, key)
  if problem then error(problem, 0) end
  return value
end

-- Addresses -----------------------------------------------------------------------------------------------------------

---Postcode and city in one: "50667 Köln".
local function split_place(address, text)
  if text then address.postcode, address.city = text:match "^(%S+)%s+(.+)$" end
end

local function address_of_fields(form, order)
  local address = {}
  for _, key in ipairs(ADDRESS) do address[key] = must_say(form, order, key) end
  split_place(address, must_say(form, order, "place"))
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

local function finish_line(form, line, currency)
  if form.sku_pattern and line.name and not line.sku then
    line.sku = line.name:match(form.sku_pattern)
    line.name = line.name:gsub("%s*" .. form.sku_pattern, ""):gsub("\n.*", "")
  end
  line.quantity = amount(form, line.quantity or "1", "quantity")
  line.unit_price = amount(form, line.unit_price, "unit_price", currency)
  line.total = amount(form, line.total, "total of a line", currency)
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

---The repeated fields of a block. Raises where one stands there twice with one number.
local function groups_of(form, names, block)
  if not names then return {} end
  local are_read, groups = pcall(mail.groups, block, names)
  return are_read and groups or fail(form, "%s", groups)
end

local function lines_of_fields(form, block, currency)
  local lines = {}
  for _, group in ipairs(groups_of(form, form.line and { text = form.line.name }, block)) do
    lines[#lines + 1] = finish_line(form, line_of_text(form, group.text), currency)
  end
  for _, group in ipairs(groups_of(form, form.lines, block)) do
    lines[#lines + 1] = finish_line(form, group, currency)
  end
  return lines
end

-- Orders --------------------------------------------------------------------------------------------------------------

local LINE = { "sku", "name", "quantity", "unit_price", "total" }

---A value without what layouts differ in: zeros at the end, blanks.
local function plain(value)
  local text = tostring(value or ""):gsub("%s+", " ")
  return text:find "^-?%d+%.%d+$" and (text:gsub("%.?0+$", "")) or text
end

---What an order comes to, as one text: two of one number with the same text are one.
---@return string
function forms.says(order)
  local parts = {}
  local function add(from, keys)
    for _, key in ipairs(keys) do parts[#parts + 1] = plain(from[key]) end
  end
  add(order, { "fault", "currency", "email", "note", "gift_message" })
  add(order, MONEY)
  add(order.billing or {}, ADDRESS)
  for _, line in ipairs(order.lines) do add(line, LINE) end
  return table.concat(parts, "\31")
end

---What all layouts share; `value` gives the text of a field, or nil and why there is none that holds; `parts` gives billing
---address and lines. What cannot be read is the order's `fault`: its number stands all the same.
---@param parts fun(currency: string): table?, table[]
local function order_of(form, message, value, parts)
  local order = { form = form.title, type = form.lead and "lead" or nil, currency = form.currency, lines = {},
    tax_included = form.tax_included ~= false, sent_at = message.date and tostring(message.date) or nil }
  local function take(key)
    local text, why = value(key)
    order.fault = order.fault or why
    return text
  end
  for _, key in ipairs(TEXTS) do order[key] = take(key) or order[key] end
  local is_read, problem = pcall(function()
    for _, key in ipairs(MONEY) do order[key] = amount(form, take(key), key, order.currency) end
    order.placed_at = moment(form, take "placed_at")
    order.billing, order.lines = parts(order.currency)
  end)
  order.fault = order.fault or not is_read and tostring(problem) or nil
  order.email = order.email or order.billing and order.billing.email
  if form.lead then order.total = order.total or "0" end
  return order
end

---@return table? order nil where the block has none
---@return boolean is_numbered
local function read_block(form, message, text, block)
  local function value(key)
    local said, problem = said_in(form, block, key)
    if said or problem then return said, problem end
    return found_in(form, key, message.subject, text)
  end
  local order = order_of(form, message, value, function(currency)
    return address_of_fields(form, block), lines_of_fields(form, block, currency)
  end)
  local number, problem = value "number"
  if form.lead then return value "name" and order or number and order or nil, true end
  return order, number ~= nil or problem ~= nil
end

---Whether a block without a number orders something, so that it must not be passed by.
local function orders_something(order) return #order.lines > 0 or order.total ~= nil or order.fault ~= nil end

---Several orders of one number are one where they say the same.
local function unite(form, orders)
  local by_number, united = {}, {}
  for _, order in ipairs(orders) do
    local known = order.number and by_number[order.number]
    if not known then
      united[#united + 1] = order
      if order.number then by_number[order.number] = order end
    elseif forms.says(known) ~= forms.says(order) then
      known.fault = ("form %s: the mail has the order %s twice, and not alike; have it sent again as one"):format(form.title,
        order.number)
    end
  end
  return united
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
  local orders, nameless, numbered = {}, {}, 0
  for _, block in ipairs((mail.fields(text, { names = names, texts = texts, separator = form.separator,
    first = form.names.number }))) do
    local order, is_numbered = read_block(form, message, text, block)
    if order and (is_numbered or orders_something(order)) then
      orders[#orders + 1] = order
      numbered, nameless[order] = numbered + (is_numbered and 1 or 0), not is_numbered or nil
    end
  end
  if numbered == 0 then return {} end
  for order in pairs(nameless) do
    order.fault = ("form %s: one of the mail's %d orders has no number; have it sent again with one"):format(form.title, #orders)
  end
  return unite(form, orders)
end

local function read_table(form, message)
  local text = mail.html(message.html)
  local rows = mail.tables(message.html, form.columns)
  if #rows == 0 then return {} end
  local function value(key)
    local sum = form.sums and form.sums[key] and mail.sum(rows, form.sums[key])
    if sum then return sum end
    return found_in(form, key, message.subject, text)
  end
  local order = order_of(form, message, value, function(currency)
    local lines = {}
    for _, row in ipairs(rows) do
      if row.quantity and row.quantity:find "%d" then
        row.cells = nil
        lines[#lines + 1] = finish_line(form, row, currency)
      end
    end
    return address_of_text(form, text), lines
  end)
  return (order.number or order.fault and select(2, value "number")) and { order } or {}
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

local function is_forwarding(message)
  for _, attachment in ipairs(message.attachments) do
    if attachment.type == "message/rfc822" then return true end
  end
  return false
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

---A text that is attached, read as if the mail had no other one.
local function attached_text(message, attachment)
  local head = ("MIME-Version: 1.0\r\nContent-Type: %s; charset=%s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"):format(
    attachment.type, ((attachment.charset or "utf-8"):gsub("[^%w._-]", "")))
  local text = mail.parse(head .. attachment.body)
  return text and setmetatable({ text = text.text or false, html = text.html or false, attachments = {} },
    { __index = message })
end

---The other texts of a mail that may hold orders, each with the mail that it is read as; nil and why where one cannot be
---looked into.
---@return mail.Mail[]? others
---@return string? why
local function others_of(message)
  local others = {}
  if message.text and message.html then
    others[1] = setmetatable({ text = false, attachments = {}, is_form = true }, { __index = message })
  end
  for _, attachment in ipairs(message.attachments) do
    if attachment.type == "message/rfc822" then
      local inside = mail.parse(attachment.body)
      if inside and obstacle(inside) then return nil, obstacle(inside) end
      others[#others + 1] = inside
    elseif attachment.type == "text/plain" or attachment.type == "text/html" then
      others[#others + 1] = attached_text(message, attachment)
    end
  end
  return others
end

local function is_faulty(orders)
  for _, order in ipairs(orders) do
    if order.fault then return true end
  end
  return false
end

---What the orders of a text are, to tell those of another text from them. Of the two forms of one text only the numbers are
---compared: the one leaves out what the other one says.
local function what(orders, only_numbers)
  local list = {}
  for i, order in ipairs(orders) do list[i] = tostring(order.number) .. (only_numbers and "" or forms.says(order)) end
  return table.concat(list, "\n")
end

---The orders of the mail's own text, else of the first one inside that has any. Where several texts have orders that are
---not the same ones, nobody can tell which hold.
---@return table[]? orders
---@return string? why
local function read_texts(list, message)
  local orders = read_message(list, message)
  local others, why = others_of(message)
  if not others then return orders, why end
  for _, other in ipairs(others) do
    local found = (not other.is_form or orders) and read_message(list, other)
    if found and other.is_form and is_faulty(found) then found = nil end -- the form that can be read says it all
    if found and orders and what(found, other.is_form) ~= what(orders, other.is_form) then
      return nil, ("several texts of the mail %q each hold orders, and not the same ones; have each sent alone"):format(
        message.subject)
    end
    orders = orders or found or nil
  end
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
  local orders, problem = read_texts(list, message)
  if orders or problem then return orders, problem end
  local titles = {}
  for i, form in ipairs(list) do titles[i] = form.title end
  return nil, ("the mail %q fits none of the forms %s: it has no number, or no lines, under the names that they know")
    :format(message.subject, table.concat(titles, ", "))
end

---Whether somebody passed it on.
---@param message mail.Mail
---@return boolean
function forms.is_forwarded(message)
  return mail.matches(message.subject, { "fw:*", "fwd:*", "wg:*", "tr:*", "rv:*" }) or is_forwarding(message)
end

return forms
