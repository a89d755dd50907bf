---Orders by mail: what shops and forms send to a mailbox, by IMAP or POP3.
---
---Facts this script relies on:
---  - The raw record is the mail's exact bytes. It is stored first; only then is the mail moved (IMAP) or removed
---    (POP3, which has no folders). A crash in between has the mail come again, and change nothing.
---  - An order is known by its number, a mail without one by its Message-ID and a digest of its bytes without what servers
---    on the way add. So the same order changes nothing when it comes resent, forwarded, or in HTML and text. One that
---    another mail brings with other contents waits for a person: anybody can write a number into a remark. So does an
---    order whose number another record brought, as after a form was mended for mails that had fitted none.
---  - What a mail becomes is decided when it is mapped, by the forms below: a form that was mended maps the stored
---    bytes again (cartwright retry). A mail that fits no form is parked with the reason, one that was cut off as well.
---  - Half of the mails that look like orders are none: answers of absent people, bounces, bulk mail. They are
---    skipped by name; a site whose shop sends orders so removes the rule: shop.orders.skip["bulk mail"] = nil. What
---    programs send on their own (Auto-Submitted: auto-generated) are orders like others.
---  - Who sent a mail can be forged; only the Authentication-Results of the own server tell, and only where it removes
---    those that strangers wrote. A mail alone should release no payment.
---  - Gmail has labels instead of folders, and wants a password for programs; Microsoft 365 lets nobody log in with a
---    password any more. XOAUTH2 is not spoken here. IDLE is not used: mails are fetched by the schedule.
---Not known: how the mails of a given shop look. Say it with shop:reads { ... } in a cart of your own.
local cart = require "cartwright.cart"
local forms = require "shipped.mail.forms"
local json = require "cartwright.json"
local left = require "shipped.mail.left"
local mail = require "cartwright.mail"
local map = require "cartwright.map"

local shop = cart.new {
  title = "Orders by mail",
  settings = {
    server = cart.mailbox { required = true, unless = "folder",
      help = "the mailbox: imaps://mail.example.com/INBOX, or pop3s://mail.example.com" },
    folder = cart.drop { help = "instead of a server: a folder of this machine with mails as files" },
    user = cart.text { required = true, unless = "folder", help = "who logs in, often the mail address" },
    password = cart.secret { required = true, unless = "folder", help = "his password, or one made for programs" },
    ca = cart.text { help = "certificates in PEM form to trust instead of the system's" },
    subjects = cart.text { default = "*", help = "subjects that are taken, with * for anything, | between several" },
    senders = cart.text { default = "*", help = "addresses that are taken, likewise: *@shop.example.com" },
    others = cart.text { default = "leave", choices = { "leave", "failed" }, 
      help = "what becomes of mails that are not taken: they stay, or are moved to the folder of those that failed" },
    done = cart.text { default = "done", help = "the folder for mails that are stored; made where it is missing" },
    failed = cart.text { default = "failed", help = "the folder for mails that a person has to look at" },
    forwarded = cart.boolean { default = false, help = "whether mails that people passed on are taken as well" },
    authenticated = cart.text { help = "name of the own mail server in Authentication-Results: only mails of "
      .. "which it says that they come from whom they name are taken" },
    mail_limit = cart.integer { default = 15, help = "MiB of a mail; larger ones are set aside; at most 15" },
  },
  inbox = function(settings)
    local place = { done = settings.done, failed = settings.failed }
    if not settings.server then
      place.folder = settings.folder
      return place
    end
    place[settings.server:find "^imap" and "imap" or "pop3"] = settings.server
    place.user, place.password, place.ca = settings.user, settings.password, settings.ca
    return place
  end,
}

shop.lacks = {
  customers = "mails bring orders alone",
  items = "mails bring orders alone",
  stock = "mails bring orders alone",
  shipments = "mails bring orders alone",
  stock_out = "nobody reads mails of ours",
  prices_out = "nobody reads mails of ours",
  shipments_out = "nobody reads mails of ours",
  statuses_out = "nobody reads mails of ours",
  customers_out = "nobody reads mails of ours",
  items_out = "nobody reads mails of ours",
  webhook = "a mailbox tells nobody",
  ids = "a mail is there once: what was taken is not there any more",
  ["unknown-status"] = "mails say nothing of how an order goes on",
  ["order-changes"] = "mails say nothing of how an order goes on",
  ["partial-shipment"] = "mails say nothing of parcels",
  refund = "mails say nothing of refunds",
  ["last-page-repeats"] = "a mailbox has no pages",
  ["poison-error"] = "a mailbox has no pages: a mail that cannot be read waits alone",
  ["poison-garbage"] = "a mailbox has no pages: a mail that cannot be read waits alone",
  ["list-moves"] = "a mailbox has no pages",
}

-- Connection ----------------------------------------------------------------------------------------------------------

---@return string[] findings
function shop:test()
  local count, large = 0, 0
  for entry in self:inbox():each() do
    count = count + 1
    if entry.size > self:limit() then large = large + 1 end
  end
  local findings = { ("%d mails wait"):format(count) }
  if large > 0 then findings[2] = ("%d of them are larger than mail_limit, and will be set aside"):format(large) end
  return findings
end

function shop:limit() return math.min(self.settings.mail_limit, 15) * 1024 * 1024 end

-- What is taken -------------------------------------------------------------------------------------------------------

local function split(text)
  local list = {}
  for part in text:gmatch "[^|]+" do list[#list + 1] = part:match "^%s*(.-)%s*$" end
  return list
end

---Without comments and quoted texts, in which anything may stand.
local function bare(header)
  local kept, depth, is_quoted = {}, 0, false
  for char in header:gsub("\\.", ""):gmatch "." do
    if char == '"' and depth == 0 then
      is_quoted = not is_quoted
    elseif not is_quoted and (char == "(" or char == ")") then
      depth = math.max(depth + (char == "(" and 1 or -1), 0)
    elseif depth == 0 and not is_quoted then
      kept[#kept + 1] = char
    end
  end
  return table.concat(kept):lower()
end

---Whether the own server says that the mail comes from whom it names (RFC 8601): it has one result of DMARC, which is
---"pass", for the domain of the sender that is looked at here.
local function is_authentic(server, message)
  local results, verdicts = bare(message.headers["authentication-results"] or ""), {}
  for result in results:gsub("^[^;]*;?", "", 1):gmatch "[^;]+" do
    if result:find "^%s*dmarc%s*[/=]" then verdicts[#verdicts + 1] = result .. " " end
  end
  local said = #verdicts == 1 and verdicts[1]:match "^%s*dmarc%s*=%s*pass(%s.*)$" or ""
  local named = said:match "%sheader%.from%s*=%s*(%S+)"
  return named ~= nil and mail.matches(results:match "^%s*([^;%s]*)", server)
    and named:match "[^@]*$" == message.from.address:lower():match "[^@]*$"
end

---Without "Fwd:" in front, where mails may be passed on.
local function subject_of(message, forwarded)
  return forwarded and message.subject:gsub("^%a%a%a?:%s*", "") or message.subject
end

---Why a mail is none of ours; nil when it is.
local function stranger(self, message)
  local settings = self.settings
  local passed_on = forms.is_forwarded(message)
  if not mail.matches(subject_of(message, passed_on and settings.forwarded), split(settings.subjects)) then
    return ("its subject %q is not accepted (setting subjects)"):format(message.subject)
  elseif not mail.matches(message.from.address, split(settings.senders)) then
    return ("its sender %s is not accepted (setting senders)"):format(message.from.address)
  elseif passed_on and not settings.forwarded then
    return "it was forwarded, which is not accepted (setting forwarded)"
  elseif settings.authenticated and not is_authentic(settings.authenticated, message) then
    return ("%s does not say that it comes from %s (setting authenticated)"):format(settings.authenticated,
      message.from.address)
  end
end

-- Reading -------------------------------------------------------------------------------------------------------------

local NO_ORDERS = { bounce = true, ["auto-reply"] = true, bulk = true }

---How a mail is known that has no number, or several orders: ids of messages are not always their own.
local function id_of(message)
  return ("mail %s %s"):format(message.message_id or "", message.digest:sub(1, 16)):gsub("  ", " "), nil
end

---What a mail's record is about, kept beside its bytes.
local function mark(records, what)
  records:attach("which", mail.answer(json.encode(what)):records(".", "number"))
  return records
end

---The records of a mail: of several orders each has the whole mail, and which of them it is.
local function records_of(self, answer, message)
  local orders = not NO_ORDERS[message.kind] and forms.read(self.forms, message) or {}
  if #orders <= 1 then return { answer:record(orders[1] and orders[1].number or id_of(message)) } end
  local records = {}
  for i, order in ipairs(orders) do -- the answer gives its bytes away: the last one gets them
    records[i] = i < #orders and mail.answer(answer, id_of(message)) or answer
  end
  for i, order in ipairs(orders) do
    local id = order.number or ("%s #%d"):format(id_of(message), i)
    records[i] = mark(records[i]:record(id), { number = order.number, nth = not order.number and i or nil })
  end
  return records
end

local function join(list)
  for i = 2, #list do list[1]:append(list[i]) end
  return list[1]
end

---The mail of a file that is imported.
local function parse(self, answer)
  local message, why = mail.parse(answer, self.charset)
  return message or error(why, 0)
end

---The orders in an attachment; nil and why where there are none.
local function open_attachment(self, attachment)
  local is_whole, records = pcall(function()
    return self.attachments.format:split(mail.answer(attachment.body, attachment.name))
  end)
  if is_whole and #records > 0 then return records end
  if is_whole then return nil, attachment.name .. ": there is no order in it" end
  if type(records) == "table" and (records.code == "invalid" or records.code == "limit") then
    local words = tostring(records)
    return nil, words:find(attachment.name, 1, true) and words or ("%s: %s"):format(attachment.name, words)
  end
  error(records, 0)
end

---What is attached, stored before the mail that brought it. What cannot be read does not stop what can, nor other mails.
---@return { kind: string, why?: string } which kind: "mail" where all that it brought was taken
local function emit_attachments(self, message)
  if NO_ORDERS[message.kind] then return { kind = message.kind } end
  local kind, why = "none", {}
  for _, attachment in ipairs(message.damaged and {} or message.attachments) do
    if mail.matches(attachment.name, self.attachments.pattern) then
      local records, problem = open_attachment(self, attachment)
      if records then self:emit(records) end
      kind, why[#why + 1] = "mail", problem
    end
  end
  if #why > 0 then return { kind = "broken", why = table.concat(why, "; ") } end
  return { kind = kind }
end

---What is attached to the mail of a file: that alone is imported.
local function read_attached(self, answer)
  local list = {}
  for _, attachment in ipairs(parse(self, answer).attachments) do
    if mail.matches(attachment.name, self.attachments.pattern) then
      local records, problem = open_attachment(self, attachment)
      list[#list + 1] = records or error(problem, 0)
    end
  end
  return join(list) or error(("none of its attachments has a name like %s"):format(self.attachments.pattern), 0)
end

local function emit_mail(self, answer, message)
  if self.attachments then
    self:emit(mark(answer:record(id_of(message)), emit_attachments(self, message)))
  else
    for _, records in ipairs(records_of(self, answer, message)) do self:emit(records) end
  end
end

---How often in a row a mail may not be had: it is passed by, and the ones behind it come in. More is no fault of mails.
local TROUBLES_MAX = 10

local MAYBE_ONE_MAIL = { io = true, timeout = true, limit = true, ["not-expected"] = true }

---The bytes of a mail; nil where somebody else took it, or where the server does not give it.
---@param run { troubles: integer }
local function read(entry, run)
  local is_there, answer = pcall(entry.read, entry)
  if is_there then
    run.troubles = 0
    return answer
  end
  local code = type(answer) == "table" and answer.code
  if code == "not-found" then return nil end
  run.troubles = run.troubles + 1
  if not MAYBE_ONE_MAIL[code] or run.troubles > TROUBLES_MAX then error(answer, 0) end
  entry:leave(tostring(answer))
end

---Takes one mail: stored, and only then moved.
---@return boolean? is_left it is none of ours
local function take(self, entry, run)
  local answer = read(entry, run)
  if not answer then return end
  local message, why = mail.parse(answer, self.charset)
  if not message then return entry:failed(why) end
  local reason = stranger(self, message)
  if reason and self.settings.others == "failed" then return entry:failed(reason) end
  if reason then
    entry:leave(reason)
    return true
  end
  emit_mail(self, answer, message)
  entry:done()
end

---What mails are left by: with other settings they are looked at again.
local function rule_of(settings)
  return ("%s\n%s\n%s\n%s\n"):format(settings.subjects, settings.senders, tostring(settings.forwarded),
    tostring(settings.authenticated))
end

local SAVE_EVERY = 500 -- mails that are left, so that a run that ends in between need not look at them again
local MANY = 100       -- of which a note tells how many they are

local MEMORY_MAX = 1024 * 1024 -- bytes, of what a script keeps under one key

local function save(self, rule, names)
  if #rule + #names <= MEMORY_MAX then self:remember("left", rule .. names) end
end

shop.orders = {
  full = true,
  sources = { id = "custom.mail", says = "custom.says" },
  records = function(self, answer) return join(records_of(self, answer, parse(self, answer))) end,

  fetch = function(self)
    local rule, known, run = rule_of(self.settings), self:recall "left" or "", { troubles = 0 }
    local before = left.read(known:sub(1, #rule) == rule and known:sub(#rule + 1) or "")
    local now, looked_at = left.new(), 0
    for entry in self:inbox():each() do
      local is_left = before:has(entry.name)
      if not is_left and entry.size > self:limit() then
        entry:failed(("it has %d bytes, more than mail_limit allows"):format(entry.size))
      elseif not is_left then
        is_left = take(self, entry, run)
        looked_at = looked_at + (is_left and 1 or 0)
      end
      if is_left then now:add(entry.name) end
      if is_left and looked_at == SAVE_EVERY then
        save(self, rule, left.read(now:text() .. "\n" .. before:text()):text())
        looked_at = 0
      end
    end
    local text = rule .. now:text()
    if text == known then return end
    save(self, rule, now:text())
    if now.count >= MANY then self:inbox():note(("%d mails lie there that are none of ours"):format(now.count)) end
  end,

  skip = {
    ["bounce"] = { path = "$order/skip", values = { "bounce" } },
    ["auto-reply"] = { path = "$order/skip", values = { "auto-reply" } },
    ["bulk mail"] = { path = "$order/skip", values = { "bulk" } },
  },

  map = map.order {
    number = "$order/number",
    type = "$order/type",
    status = map.constant "pending",
    reference = "$order/reference",
    placed_at = map.first { "$order/placed_at", "$order/sent_at" },
    channel = map.constant "mail",
    currency = map.value("$order/currency", { required = true }),
    tax_included = "$order/tax_included",
    discount_total = "$order/discount_total",
    shipping_total = "$order/shipping_total",
    fee_total = "$order/fee_total",
    tax_total = "$order/tax_total",
    total = map.value("$order/total", { required = true }),
    email = "$order/email",
    billing = map.at("$order/billing", map.address {
      name = "name",
      first_name = "first_name",
      last_name = "last_name",
      company = "company",
      street = "street",
      street2 = "street2",
      postcode = "postcode",
      city = "city",
      region = "region",
      country = "country",
      phone = "phone",
      email = "email",
    }),
    payment_name = "$order/payment_name",
    shipping_name = "$order/shipping_name",
    note = "$order/note",
    gift_message = "$order/gift_message",
    lines = map.each("$order/lines", map.line {
      sku = "sku",
      name = "name",
      quantity = map.value("quantity", { required = true }),
      unit_price = "unit_price",
      total = "total",
    }),
    custom = { form = map.text "$order/form", mail = map.text "$order/mail", says = map.text "$order/says" },
  },
}

---The order of a mail that a record is about.
local function pick(orders, record)
  local number, nth = record:text "$which/number", record:text "$which/nth"
  if nth then return orders[tonumber(nth)] or error("the mail has fewer orders now, by the forms of now", 0) end
  if not number then
    if #orders > 1 then
      error("the mail has several orders now; move it back into the mailbox to have it taken again", 0)
    end
    return orders[1]
  end
  for _, order in ipairs(orders) do
    if order.number == number then return order end
  end
  error(("the mail has no order %s any more, by the forms of now"):format(number), 0)
end

---What a record's mail says, by the forms; an error parks it.
local function derive(self, record)
  local message, why = mail.parse(record, self.charset)
  if not message then error(why, 0) end
  local no_order = NO_ORDERS[message.kind] and message.kind
  local orders, words = forms.read(self.forms, message)
  if not orders then return no_order and { skip = no_order } or error(words, 0) end
  local order = pick(orders, record)
  if order.fault and not no_order then error(order.fault, 0) end
  order.skip, order.mail = no_order or nil, id_of(message)
  order.says = mail.digest(forms.says(order)):sub(1, 16)
  return order
end

---Says how the mails look: forms, the first one that fits is taken; see mail.OrderForm in carts/mail/forms.lua.
---`charset`: of mails that do not say theirs.
---@param list mail.OrderForm[]
---@param charset? string
function shop:reads(list, charset)
  self.forms, self.charset = list, charset
  self.orders.derive = { order = function(record) return derive(self, record) end }
end

---What the record of a mail with attachments is; nil for what was attached.
local function kind_of(record) return record:text "$which/kind" end

---Parks a mail that brought nothing, or what cannot be read.
local function check(self, record)
  local kind = kind_of(record)
  if kind == "broken" then
    error(("%s; have the mail sent again, or move it back into the mailbox once that can be read"):format(
      record:text "$which/why"), 0)
  end
  if kind ~= "none" then return nil end
  local message, why = mail.parse(record)
  error(why or message.damaged and "the mail was cut off; have it sent again"
    or ("none of its %d attachments has a name like %s"):format(#message.attachments, self.attachments.pattern), 0)
end

---Mails whose attachments are files of orders, in one of the formats of carts/files: the attachments are the
---records, and what the mail says itself is passed by.
---@param format cartwright.Shop require "carts.files.ubl"
---@param pattern string of their names: "*.xml"
function shop:reads_files(format, pattern)
  local orders = map.copy(format.orders)
  self.attachments, self.tables = { format = format, pattern = pattern }, map.copy(format.tables)
  orders.fetch, orders.full, orders.records = self.orders.fetch, true, read_attached
  orders.skip, orders.derive = orders.skip or {}, orders.derive or {}
  for kind in pairs(NO_ORDERS) do orders.skip[kind] = { path = "$which/kind", values = { kind } } end
  orders.skip["its attachments were taken"] = { path = "$which/kind", values = { "mail" } }
  for name, part in pairs(orders.derive) do
    orders.derive[name] = function(record) return not kind_of(record) and part(record) or nil end
  end
  orders.derive.mail = function(record) return check(self, record) end
  self.orders = orders
end

---What programs for forms send when nobody told them otherwise; a beginning for a site's own.
shop:reads {
  {
    title = "form",
    names = {
      number = { "order_number", "order number", "order no", "order id", "order" },
      placed_at = { "order_date", "date" },
      name = { "name", "customer" },
      first_name = "first_name",
      last_name = "last_name",
      company = "company",
      street = { "address", "street", "address1" },
      street2 = "address2",
      city = "city",
      region = { "state", "region" },
      postcode = { "zip", "postcode", "postal code" },
      country = "country",
      phone = { "phone", "telephone" },
      email = { "email", "e-mail" },
      currency = "currency",
      shipping_total = { "shipping", "freight" },
      tax_total = { "tax", "vat" },
      discount_total = "discount",
      total = { "total", "grand total" },
      note = { "comments", "remarks", "note", "message" },
    },
    lines = { sku = { "sku", "item" }, name = { "product", "description" }, quantity = { "qty", "quantity" },
      unit_price = { "price", "unit price" } },
    currency = "USD",
  },
}

return shop
