---A template. Copy it (`cartwright new SITE --own NAME` does so), give it your shop's addresses and fields, delete
---what it has not. Each comment says what to write in its place, and why; carts/README.md goes through it step by
---step. As it stands it speaks to a shop that nobody has, tests/fakes/custom.lua, and passes every standard test.
---
---Begin with a comment like this one: which shop, which versions, by which interface, and then what the script takes
---for granted, so that whoever finds it wrong one day finds it here first.
---
---Facts this script relies on (say where each is from: a page, an answer that you saw, a shop that you asked):
---  - GET NAME.json gives orders, customers, items and parcels by the place in the list: offset, limit (at most 100),
---    in the order of ids; `total` counts what fits the query. ids=1,2 gives those.
---  - changed_from, changed_to, placed_from and placed_to are inclusive, to the second. A change can show up minutes
---    after its time: the shop stamps it when it begins, and commits it later.
---  - Times are UTC and say so. Amounts are texts, with tax; lines and charges make the total. A refund leaves the
---    total.
---  - Stock has no time of change.
---  - Errors are { "error": { "code", "words" } }, of writes also with status 200. The words are the shop's language.
---  - A level, a price, a state can be written twice. A parcel has a reference of ours, and is kept once for each.
---    Customers (by e-mail) and items (by SKU) are made by POST, which makes a second one when it comes twice.
---  - Five requests a second; beyond that 429 with Retry-After.
---
---Not known: whether an order's `changed` moves when only its parcels do. What you do not know belongs here as well.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local tell = require "cartwright.tell"
local time = require "cartwright.time"

---What a person sets in site.lua, and secrets, which are set by command and which no script can read. `help` is shown
---where a setting is missing: say where in the shop the value is found. Have few: each is a question to somebody.
local shop = cart.new {
  title = "Custom shop",
  settings = {
    url = cart.url { required = true, help = "address of the shop, without /about.json" },
    token = cart.secret { required = true, help = "Administration > API > Tokens" },
    webhook_secret = cart.secret { help = "of webhooks, which let changes be fetched at once: Administration > API > "
      .. "Notices" },
    page_size = cart.integer { default = 50, help = "records asked for at once, at most 100" },
  },
  -- How requests reach the shop: where, as whom (basic, digest, bearer, token, oauth1, headers, query), and how many a
  -- second. scripts/types/cart.lua has all of it. Take the shop's own limit, and less where other programs share it.
  http = function(settings)
    return { base = settings.url .. "/", bearer = settings.token, rate = "5/s", burst = 5 }
  end,
}

-- Connection ----------------------------------------------------------------------------------------------------------

---What the shop's own error codes mean: code of the test, setting to look at, what to do. Decide by codes, never by
---words, which shops translate. The codes of the test: auth, permission, not-found, not-expected, unavailable.
local CAUSES = {
  wrong_token = { "auth", "token", "the shop does not know this token" },
  no_scope = { "permission", "token", "the token may not do this; give it the scope: Administration > API > Tokens" },
  closed = { "unavailable", nil, "the shop is closed for maintenance" },
}

---What it means when not the shop but its web server answers.
local WEB_PAGES = {
  [401] = { "auth", "url", "the web server itself asks for a password, before the shop" },
  [403] = { "permission", "url", "the web server or a firewall refuses the request" },
  [404] = { "not-found", "url", "no such shop at this address" },
  [503] = { "unavailable", nil, "the shop is in maintenance" },
}

---The error that an answer holds; nil where it holds none.
---@param response cartwright.Response
---@return table?
local function error_of(response)
  local is_json, body = pcall(response.json, response)
  local reported = is_json and type(body) == "table" and body.error
  return type(reported) == "table" and reported or nil
end

---The shop's own words for an answer that is no success, the code of the test and the setting to look at.
---@param response cartwright.Response
---@return string? words
---@return string? code
---@return string? setting
function shop.explain(_, response)
  local reported = error_of(response)
  if not reported then
    local page = WEB_PAGES[response.status] or {}
    return page[3], page[1], page[2]
  end
  local words, cause = ("%s (%s)"):format(tostring(reported.words), tostring(reported.code)), CAUSES[reported.code]
  if not cause then return words end
  return cause[3] .. "; " .. words, cause[1], cause[2]
end

---Whether an answer with status 2xx says in its body that the request failed. Leave it out where the shop never does
---so.
---@param response cartwright.Response
---@return string? words
function shop.refuses(_, response)
  local reported = error_of(response)
  return reported and ("%s (%s)"):format(tostring(reported.words), tostring(reported.code))
end

---Asks for one record of everything that is read, so that a right that is missing is told here, not at night. Make sure
---that it is the right software before you believe anything else that it says.
---@return string[] findings the version first; clock_note tells when the shop's clock is wrong
function shop:test()
  local response = self:get "about.json"
  local is_json, about = pcall(response.json, response)
  if not is_json or type(about) ~= "table" or about.software ~= "Custom shop" then
    cart.fail("not-expected", "the address answers, but not as this shop does; check it", "url")
  end
  for _, list in ipairs { "orders", "customers", "items", "parcels" } do self:get(list .. ".json", { limit = 1 }) end
  local findings = { ("Custom shop %s, prices in %s"):format(about.version, about.currency), cart.clock_note(response) }
  findings[#findings + 1] = self.takes_notices and "it sends notices, as far as it was told this address"
    or "no webhooks, since the secret webhook_secret is not set: changes wait for the next sync"
  return findings
end

-- Notices -------------------------------------------------------------------------------------------------------------

---What topics are about, and the stream that reads it.
local STREAMS = { order = "orders", parcel = "shipments", customer = "customers", item = "items", stock = "stock" }

---Whether a notice is believed, and what it wakes; it brings no data. Sign over what the shop signs, to the byte, and
---give its time where that is signed as well, so that an old one is refused. scripts/types/notice.lua has all of it.
---@param notice cartwright.Notice
function shop:webhook(notice)
  local at = notice:header "X-Shop-Time" or ""
  if not self:signed { secret = "webhook_secret", prefix = "sha256=", signature = notice:header "X-Shop-Signature",
    text = at .. "." .. notice.body } then
    return nil, "the signature is not right; is webhook_secret that of the shop's notices?"
  end
  local topic = notice:header "X-Shop-Topic" or ""
  local stream = STREAMS[topic:match "^%a+"]
  if not stream then return { ignore = true } end
  return { topic = topic, at = time.parse(at, "UTC", "%s"), job = stream }
end

-- Reading -------------------------------------------------------------------------------------------------------------

local LIMIT = 100 -- records in one answer

---The shop's filter for a window; none where everything is asked for. `by` is "changed", or "placed" for ids.
---@param window cartwright.Window
local function inside(window)
  if not window.from then return {} end
  local format = "%Y-%m-%dT%H:%M:%SZ"
  return { [window.by .. "_from"] = window.from:format(format), [window.by .. "_to"] = window.to:format(format) }
end

---Reads a list page by page. paging.walk is for lists that are read by place; paging.keys for what comes behind an id;
---paging.numbers for pages that have numbers. Each copes with lists that move meanwhile, repeat their last page, or
---hold a record that breaks them, so do not write such a loop yourself.
---@param name string
---@param store? fun(records: cartwright.Records) default: as records of the stream
local function walk(self, window, name, store)
  local filter = inside(window)
  paging.walk(self, window, { size = math.min(self.settings.page_size, LIMIT), store = store,
    read = function(offset, size)
      local query = map.copy(filter)
      query.offset, query.limit = offset, size
      local response = self:get(name .. ".json", query)
      local total = response:json_node():integer "total"
      return response:records(name), total
    end })
end

---What a stream does that is read like all others.
---@param name string
local function reads(name)
  return {
    id = "id",
    records = name,
    overlap = "10m", -- how late a change can show up; more costs look-ups, less loses orders
    settle = "5s",

    fetch = function(self, window) walk(self, window, name) end,
    ids = function(self, window) walk(self, window, name, function(records) self:list(records:collect "id") end) end,
    read = function(self, ids)
      local records = self:get(name .. ".json", { ids = table.concat(ids, ","), limit = #ids }):records(name)
      if #records > 0 then self:emit(records) end
    end,
  }
end

-- Orders --------------------------------------------------------------------------------------------------------------

---@return map.Plan
local function address()
  return map.address {
    name = "name",
    company = "company",
    street = "street",
    postcode = "postcode",
    city = "town",
    country = "country", -- ISO 3166, two letters
    phone = "phone",
  }
end

---Where its parcels stand. A function is for what no path and no table can say; it gets the record, and decimals.
---@param order cartwright.Node
local function fulfilment_status(order)
  local ordered, sent = 0, 0
  for line in order:each "lines" do
    ordered, sent = ordered + (line:decimal "count" or 0), sent + (line:decimal "sent" or 0)
  end
  if sent <= 0 then return "open" end
  return sent < ordered and "partial" or "shipped"
end

---@param order cartwright.Node
local function payment_status(order)
  local refunded, total = order:decimal "refunded" or 0, order:decimal "total" or 0
  if refunded > 0 then return refunded >= total and "refunded" or "partly_refunded" end
  return order:text "paid_at" and "paid" or "unpaid"
end

---Freight and fees, which the shop has in one list: parts of a record that are made before it is mapped. `derive` gives
---them names of their own, read as "$charges/freight".
---@param order cartwright.Node
local function charges(order)
  local freight, fees = nil, {}
  for charge in order:each "charges" do
    local amount = charge:decimal "amount"
    if charge:text "kind" == "freight" then
      freight = (freight or 0) + amount
    else
      fees[#fees + 1] = { name = charge:text "kind", amount = amount }
    end
  end
  return { freight = freight, fees = fees }
end

shop.orders = reads "orders"
shop.orders.derive = { charges = charges }

---What is never taken in, by name; each run counts what it skipped. What only has to wait is no case for skip. An order
---that was taken in is kept up to date, though a rule fits it later.
shop.orders.skip = {
  ["test order"] = { path = "state", values = { "test" } },
}

---`cartwright fields order` lists what can stand here. What makes an order wrong when it is missing is `required`: it
---is parked then, and says so. tax_included and rounding say how its sum is made; it is held when the sum is not the
---total.
shop.orders.map = map.order {
  number = "number",
  status = map.translate("status", "state"),
  payment_status = payment_status,
  fulfilment_status = fulfilment_status,
  cart_status = "state",
  placed_at = map.time("placed", { required = true }),
  changed_at = "changed",
  paid_at = "paid_at",
  currency = map.value("currency", { required = true }),
  tax_included = map.constant(true),
  shipping_total = "$charges/freight",
  fee_total = map.sum "$charges/fees/amount",
  tax_total = "tax",
  total = map.value("total", { required = true }),
  rounding = map.constant "line", -- what the shop rounds: item, line or total
  customer_id = "customer_id",
  email = "email",
  billing = map.at("bill_to", address()),
  shipping = map.at("deliver_to", address()),
  payment_method = "payment",
  shipping_method = "delivery",
  note = "note",
  lines = map.each("lines", map.line {
    external_id = "id",
    sku = "sku",
    name = "title",
    quantity = map.value("count", { required = true }),
    cancelled = "dropped", -- pieces of it that will not be sent: they take no stock, and are in the totals still
    unit_price = "price",
    total = map.value("amount", { required = true }),
    tax = "tax",
  }),
  fees = map.each("$charges/fees", map.fee { name = "name", amount = "amount" }),
  custom = { gift = map.boolean "gift" }, -- what has no field of ours
}

---Which of our statuses each of the shop's means. One without a row parks its order, until somebody gives it one:
---leave out what you are not sure of, and never write a row "*" here.
shop.tables.status = {
  ["new"] = "pending",
  ["paid"] = "paid",
  ["packing"] = "processing",
  ["sent"] = "shipped",
  ["void"] = "cancelled",
}

-- Customers -----------------------------------------------------------------------------------------------------------

shop.customers = reads "customers"
shop.customers.map = map.customer {
  number = "id",
  email = "email",
  first_name = "first",
  last_name = "last",
  company = "company",
  phone = "phone",
  created_at = "placed",
  changed_at = "changed",
  addresses = map.each("addresses", address()),
}

-- Items ---------------------------------------------------------------------------------------------------------------

---An item with its variants: each SKU that is sold once, and nowhere twice.
shop.items = reads "items"
shop.items.map = map.item {
  sku = "sku",
  name = "title",
  description = "text",
  type = map.constant "simple",
  active = map.boolean "visible",
  currency = "currency",
  price = "price",
  created_at = "placed",
  changed_at = "changed",
  variants = map.each("kinds", map.variant {
    external_id = "id",
    sku = "sku",
    name = "title",
    price = "price",
  }),
}

-- Stock ---------------------------------------------------------------------------------------------------------------

---A quantity that is missing is not 0: required.
shop.stock = {
  id = "sku",
  records = "rows",
  full = true, -- stock has no time of change

  fetch = function(self, window)
    paging.walk(self, window, { size = LIMIT, read = function(offset, size)
      local response = self:get("stock.json", { offset = offset, limit = size })
      local total = response:json_node():integer "total"
      return response:records("rows", "sku"), total
    end })
  end,

  map = map.stock_level {
    sku = "sku",
    quantity = map.value("count", { required = true }),
  },
}

-- Shipments -----------------------------------------------------------------------------------------------------------

---Parcels that the shop itself has sent: for shops that have a list of them.
shop.shipments = reads "parcels"
shop.shipments.map = map.shipment {
  number = "id",
  order_id = map.value("order", { required = true }),
  shipped_at = "placed",
  carrier = "carrier",
  tracking_number = "code",
  tracking_url = "follow",
  lines = map.each("lines", map.shipment_line { line_id = "line", sku = "sku", quantity = "count" }),
}

-- Telling the shop ----------------------------------------------------------------------------------------------------
--
-- A message counts as sent when message:sent(answer) was called with an answer that says so. When an answer was lost,
-- the runtime sends nothing again before `probe` has looked whether the shop has it: write probe first, and where
-- there is nothing to look at, leave it out, and a person decides. Refuse in words what the shop would take for
-- something else. Past some 500 lines all of this goes to carts/NAME/telling.lua, as those of shipped carts do.

---Levels or prices: several in one request, with an answer for each.
---@param path string
---@param field string of the shop's rows
---@param wanted string of the messages' data
---@param fault? fun(self: cartwright.Cart, data: table): string? why one cannot be told
local function rows_out(path, field, wanted, fault)
  return {
    batch = LIMIT,

    send_batch = function(self, messages)
      local rows, sent, answers = {}, {}, {}
      for _, message in ipairs(messages) do
        local why = fault and fault(self, message.data)
        if why then
          message:refused(why)
        else
          sent[#sent + 1], rows[#rows + 1] = message, { sku = message.data.sku, [field] = message.data[wanted] }
        end
      end
      if #rows == 0 then return end
      local response = self:write("PUT", path, { rows = rows })
      for row in response:json_node():each "rows" do answers[row:text "sku"] = row:text "problem" or true end
      for _, message in ipairs(sent) do
        local answer = answers[message.data.sku] -- by SKU: of what the answer does not name nothing is known
        if answer == true then message:sent(response) elseif answer then message:refused(answer) end
      end
    end,

    probe = function(self, messages)
      local skus, found = {}, {}
      for i, message in ipairs(messages) do skus[i] = message.data.sku end
      local response = self:get(path, { skus = table.concat(skus, ","), limit = #skus })
      for row in response:json_node():each "rows" do found[row:text "sku"] = row:decimal(field) end
      for _, message in ipairs(messages) do
        local has = found[message.data.sku]
        if has and has == message.data[wanted] then
          message:arrived(("the shop has %s"):format(has))
        elseif has then
          message:missing(("the shop has %s"):format(has))
        end
      end
    end,
  }
end

shop.stock_out = rows_out("stock.json", "count", "quantity")

---The currency of the shop's prices, asked for once a run.
local function currency_of(self)
  return self:once("currency", function() return self:get "about.json":json().currency end)
end

shop.prices_out = rows_out("prices.json", "price", "price", function(self, data)
  if data.list ~= "default" then return "the shop has one price for each SKU: in site.lua, list = 'default'" end
  local currency = currency_of(self)
  if data.currency ~= currency then return ("prices of this shop are in %s"):format(currency) end
end)

---The shop keeps one parcel for each reference, so that what comes twice does nothing twice, and what comes changed
---(`data.again`: a tracking number that is new or was wrong) changes it.
shop.shipments_out = {
  send = function(self, message)
    local data, lines = message.data, {}
    for i, line in ipairs(data.lines) do lines[i] = { line = line.line_id, sku = line.sku, count = line.quantity } end
    message:sent(self:write("POST", "parcels.json", { order = data.order_id, reference = data.id, lines = lines,
      code = data.tracking_number, carrier = data.carrier or data.carrier_name, follow = data.tracking_url }))
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local response = self:get("parcels.json", { order = message.data.order_id, reference = message.data.id })
      local parcel = response:json().parcels[1]
      if parcel and parcel.code == message.data.tracking_number then
        message:arrived "the shop has the parcel, with this number"
      else
        message:missing(parcel and "the parcel has another number" or "the order has no such parcel")
      end
    end
  end,
}

---The shop's word for a status of ours: the row of the table status_out, else the one row of status that means it.
---@return string? state
---@return string? why there is none
local function state_for(self, status)
  local state = self:translate_back("status", status)
  if state then return state end
  return nil, ("none of the shop's states means %s; say which: cartwright table set %s status_out %s STATE"):format(
    status, self.name, status)
end

shop.tables.status_out = {}

shop.statuses_out = {
  send = function(self, message)
    local state, why = state_for(self, message.data.status)
    if not state then return message:refused(why) end
    local data = message.data
    local response = self:get("orders.json", { ids = data.order_id, limit = 1 })
    local order = response:json().orders[1]
    if not order then return message:refused "the shop has no such order" end
    if order.state == state then return message:sent(response) end
    local fault = tell.status_fault(data.status, self:translate("status", order.state), order.state)
    if fault then return message:refused(fault) end
    message:sent(self:write("PUT", ("orders/%s/state.json"):format(data.order_id), { state = state }))
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local order = self:get("orders.json", { ids = message.data.order_id, limit = 1 }):json().orders[1]
      if order and order.state == state_for(self, message.data.status) then
        message:arrived("the order is " .. order.state)
      elseif order then
        message:missing("the order is " .. order.state)
      end
    end
  end,
}

---Customers or items: changed where the shop has them, else made. There is no key that would keep a second POST from
---making a second one, so each looks first.
---@param name string of the list
---@param key string what tells one from the others
---@param fields_of fun(data: table): table
local function documents_out(name, key, fields_of)
  local function find(self, data)
    local response = self:get(name .. ".json", { [key] = data[key], limit = 2 })
    return response:json()[name][1]
  end
  return {
    send = function(self, message)
      local fields, there = fields_of(message.data), find(self, message.data)
      local id = there and there.id or message.link
      local response = id and self:write("PUT", ("%s/%s.json"):format(name, id), fields)
        or self:write("POST", name .. ".json", fields)
      message:sent(response, { link = tostring(response:json().id) })
    end,

    probe = function(self, messages)
      for _, message in ipairs(messages) do
        local there, is_same = find(self, message.data), true
        for field, value in pairs(fields_of(message.data)) do
          is_same = is_same and there ~= nil and tostring(there[field]) == tostring(value)
        end
        if is_same then
          message:arrived("the shop has it", { link = tostring(there.id) })
        else
          message:missing(there and "the shop has it otherwise" or "the shop does not have it")
        end
      end
    end,
  }
end

shop.customers_out = documents_out("customers", "email", function(customer)
  return { email = customer.email, first = customer.first_name, last = customer.last_name, company = customer.company,
    phone = customer.phone }
end)

shop.items_out = documents_out("items", "sku", function(item)
  return { sku = item.sku, title = item.name, text = item.description, price = item.price and tostring(item.price),
    currency = item.currency }
end)

---The shop's words for ours, which have rows where a site sets some.
shop.tables.carrier_out = {}

---What the shop cannot do, each with the reason, for `cartwright test`: streams, webhook, ids, and standard tests by
---their names. What is missing and does not stand here is a failure. Say what the shop lacks, not what you had no time
---for:
---
---    shipments = "the shop has no list of its parcels",
---    ["shipments-out-partial"] = "the shop does not keep which pieces are in a parcel",
shop.lacks = {}

-- Other shops ---------------------------------------------------------------------------------------------------------
--
-- Not here, since a cart has the one or the other:
--   inbox   a mailbox, a folder, or notices that bring whole orders, in the place of http: carts/mail.lua,
--           carts/files.lua, carts/webhook.lua, scripts/types/inbox.lua
--   serve   another program asks this one: carts/stone-edge-server.lua, scripts/types/served.lua
--   choose  the cart's settings decide which streams it has, and how they are read: carts/files.lua

return shop
