---Stone Edge (SETI), the shop's side: an existing Stone Edge Order Manager pulls from Cartwright what the site's carts
---brought, and tells it levels, statuses and parcels. Its "script URL" is https://HOST/serve/CART, which
---`cartwright run --webhooks ADDRESS` answers. It speaks as the newest and best tested server does (SX).
---
---What an order manager gets:
---  - Orders under numbers of Cartwright's own: the protocol asks for the orders behind a number, and carts number as
---    they please. An order gets its number when it may be given for the first time, and keeps it, so that one that is
---    released late stands behind those that were given before. Orders that are pending, leads, and those that were
---    never accepted (parked, held) have none: they are not given, not counted, and not found by updatestatus. Of an
---    order whose later version is held, that which was accepted is given. The shop's own number is in
---    OrderInstructions, "shop XKBKNABJK". lastdate is not looked at.
---  - Orders of one currency, since the protocol names none: that of the setting `currency`, or the only one that there
---    is. Where there are several and no setting, no order is given, and the answer says why. Prices of items in
---    another currency are left out.
---  - An order as it is when it is asked for. What changes later (paid, cancelled, edited) the protocol cannot tell.
---  - Downloading changes nothing here: the same is given again as often as it is asked for.
---  - Prices as the cart has them. Where they contain tax, TaxAmount is 0.00, and the comments say what is contained.
---    Quantity times ItemPrice, discounts, tax, freight and surcharges make GrandTotal to the last digit: what rounding
---    leaves is a Surcharge or Discount called "Rounding".
---  - Text of one line: the Order Manager's parser has trouble with line feeds. Texts past 8,000 bytes are cut, and say
---    so.
---  - A record that cannot be written is left out, named in ResponseDescription, and logged (`not-given`); where an
---    answer would be larger than 15 MiB, a smaller batchsize is asked for.
---  - QOH: what is published by the rule in this cart's `out.stock` of site.lua (switched off as `stock_out`: it tells
---    nobody), NA where nothing is known.
---
---What it tells:
---  - qohreplace: levels in the warehouse `warehouse`, put as the back office's. It says how much there is, and may be
---    repeated. NF for what no item has, those of the back office among them, where items are known at all; a level
---    that the store does not take has its own line, which says why.
---  - invupdate: a change of the level there. It has no key, so that nobody can tell a repeated request from a second
---    sale. Each request that arrives counts once, and is stored before it is answered; requests come one after
---    another. When the answer is lost (the connection, or a kill in between) and the Order Manager sends it again, the
---    level is changed twice, until the next qohreplace. An Order Manager that is known to do so: repeat_seconds,
---    within which the same change of the same SKU counts once; two equal sales within that time then count once as
---    well.
---  - updatestatus: the order's status by the table `status`, as an edit, along the graph of statuses; its parcels as
---    shipments of the back office, which the order's cart is told of by its outbox; see
---    stone-edge-server/parcels.lua. What contradicts itself or the order is a SETIError, and nothing of it is stored.
---
---Wrong passwords are logged with the address that they came from, and answered a second later.
local cart = require "cartwright.cart"
local log = require "cartwright.log"
local numbers = require "shipped.stone-edge-server.numbers"
local write = require "shipped.stone-edge-server.documents"
local take = require "shipped.stone-edge-server.updates"
local xml = require "cartwright.xml"

local shop = cart.new {
  title = "Stone Edge (SETI), for an Order Manager to pull from",
  settings = {
    user = cart.text { required = true, help = "the name that the Order Manager logs in with" },
    password = cart.secret { required = true, help = "of this user" },
    code = cart.text { default = "", help = "store code, where the Order Manager sends one" },
    carts = cart.text { default = "", help = "whose orders and customers are given: names with commas; default: all" },
    items_of = cart.text { default = "", help = "whose items are given: names with commas; default: as `carts`" },
    currency = cart.text { default = "", help = "of the orders that are given, such as USD: the protocol names none; "
      .. "needed where the carts sell in several" },
    warehouse = cart.text { default = "STONE-EDGE", help = "where its levels are put" },
    version = cart.text { default = "5.900", help = "of the script, as the Order Manager expects it" },
    largest_batch = cart.integer { default = 200, help = "records of one answer at most; more are not sent at once" },
    repeat_seconds = cart.integer { default = 0, help = "within which the same invupdate counts once; 0: each counts" },
  },
}

shop.lacks = {
  orders = "it is asked, and asks nobody", customers = "it is asked, and asks nobody",
  items = "it is asked, and asks nobody",
  stock = "it is asked, and asks nobody", shipments = "it is asked, and asks nobody",
  stock_out = "it is asked, and tells nobody", prices_out = "it is asked, and tells nobody",
  shipments_out = "it is asked, and tells nobody", statuses_out = "it is asked, and tells nobody",
  customers_out = "it is asked, and tells nobody", items_out = "it is asked, and tells nobody",
  webhook = "it answers requests", ids = "it is asked, and asks nobody",
}

---@return string[] findings
function shop:test()
  return { ("an Order Manager finds it at /serve/%s of `cartwright run --webhooks ADDRESS`"):format(self.name) }
end

-- Answers -------------------------------------------------------------------------------------------------------------

local TEXT = { ["Content-Type"] = "text/plain; charset=utf-8" }
local DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

local function say(words, status)
  return { status = status or 200, headers = TEXT, body = words }
end

---@param root string "SETIOrders"
---@param code integer 1 data follow, 2 nothing there, 3 error
---@param records string[]? as they are written
local function list(root, code, description, records, status)
  local head = xml.write({ "Response", { "ResponseCode", code }, { "ResponseDescription", description } },
    { declaration = false })
  return { status = status or 200, headers = TEXT,
    body = ("%s<%s>%s%s</%s>"):format(DECLARATION, root, head, table.concat(records or {}), root) }
end

local ROOTS = { downloadorders = "SETIOrders", downloadcustomers = "SETICustomers", downloadprods = "SETIProducts",
  downloadqoh = "SETIProducts" }

local function fail(name, words, status)
  if ROOTS[name] then return list(ROOTS[name], 3, words, nil, status) end
  return say("SETIError: " .. words, status)
end

-- What is asked for ---------------------------------------------------------------------------------------------------

---@return string[]? nil: all
local function names_of(text)
  local names = {}
  for name in text:gmatch "[^,%s]+" do names[#names + 1] = name end
  return #names > 0 and names or nil
end

---@class server.Chosen
---@field kind string
---@field carts? string[]

local function customers_of(self) return { kind = "customer", carts = names_of(self.settings.carts) } end
local function items_of(self)
  return { kind = "item", carts = names_of(self.settings.items_of) or names_of(self.settings.carts) }
end

---The currency of the orders that are given: of the setting, or the only one there is. nil: there is no order, or, with
---words, there are several.
---@return string? currency
---@return string? words
local function currency_of(self)
  if self.settings.currency ~= "" then return self.settings.currency end
  local carts = names_of(self.settings.carts)
  local place = self:places("order", { carts = carts, limit = 1 })[1]
  if not place then return nil end
  local currency = self:documents("order", { places = { place } })[1].currency or ""
  if self:count("order", { carts = carts }) == self:count("order", { carts = carts, currency = currency }) then
    return currency
  end
  return nil, ("the orders are in several currencies, %s among them, and this protocol names none: set currency of "
    .. "%s in site.lua"):format(currency, self.name)
end

---The orders that may be given, with their numbers.
---@return numbers.State?
---@return string? words
local function orders_of(self)
  local currency, words = currency_of(self)
  if words then return nil, words end
  return numbers.refresh(self, { carts = names_of(self.settings.carts), currency = currency })
end

local DIGITS_MAX = 15

---@return integer? number nil for what is none: no sign, no 0x5, no 1e0
local function whole(text)
  return #text <= DIGITS_MAX and text:find "^%d+$" and math.tointeger(tonumber(text)) or nil
end

---lastorder: a number of ours, or "All" in any case.
---@return integer? after nil for what is none
local function number_of(text)
  if text == nil or text == "" or text:lower() == "all" then return 0 end
  return whole(text)
end

local BATCH = 100 -- where the Order Manager names none

---@return { start: integer, size: integer }? page
---@return string? words what is wrong
local function page_of(self, form)
  local start, size = whole(form.startnum or "1"), whole(form.batchsize or tostring(BATCH))
  if not start or start < 1 then return nil, "startnum is no number from 1 up" end
  if not size or size < 1 then return nil, "batchsize is no number from 1 up" end
  return { start = start, size = math.min(size, self.settings.largest_batch) }
end

-- Downloads -----------------------------------------------------------------------------------------------------------

local ANSWER_MAX = 15 * 1024 * 1024 -- bytes; the runtime sends no more than 16 MiB

---@class server.Answering
---@field records string[] as they are written
---@field size integer bytes of them
---@field left_out string[]

---Writes the document at a place behind the others. One that cannot be written is left out, with words.
---@param answering server.Answering
---@param one fun(self: cartwright.Server, document: table, number: integer): table[]
local function add(self, answering, kind, place, number, one)
  local is_written, text = pcall(function()
    local document = self:documents(kind, { places = { place } })[1]
    local parts = {}
    for i, record in ipairs(document and one(self, document, number) or {}) do
      parts[i] = xml.write(record, { declaration = false })
    end
    return table.concat(parts)
  end)
  if is_written then
    answering.records[#answering.records + 1], answering.size = text, answering.size + #text
  else
    local words = tostring(text)
    log.warning("not-given", { kind = kind, number = number, error = words })
    answering.left_out[#answering.left_out + 1] = ("%s %d: %s"):format(kind, number, words:sub(1, 200))
  end
end

local function left_out_words(left_out)
  if #left_out == 0 then return "Success" end
  return (("Success; left out: %s"):format(table.concat(left_out, "; ")):gsub("%c+", " "):sub(1, 2000))
end

---@param places integer[]
---@param first integer number of the first one
---@param one fun(self: cartwright.Server, document: table, number: integer): table[]
local function download(self, name, kind, places, first, one)
  local answering = { records = {}, size = 0, left_out = {} }
  for i, place in ipairs(places) do
    add(self, answering, kind, place, first + i - 1, one)
    if answering.size > ANSWER_MAX then
      return fail(name, ("the answer would be larger than 15 MiB; ask for fewer than %d at once"):format(i))
    end
  end
  return list(ROOTS[name], 1, left_out_words(answering.left_out), answering.records)
end

---@param chosen server.Chosen
---@param one fun(self: cartwright.Server, document: table, number: integer): table[]
local function download_page(self, name, chosen, form, one)
  local page, words = page_of(self, form)
  if not page then return fail(name, words, 400) end
  local places = self:places(chosen.kind, { carts = chosen.carts, offset = page.start - 1, limit = page.size })
  return download(self, name, chosen.kind, places, page.start, one)
end

---@type table<string, fun(self: cartwright.Server, form: table<string, string>, name: string): cartwright.Answer>
local functions = {}

function functions.ordercount(self, form, name)
  local after = number_of(form.lastorder)
  if not after then return fail(name, "lastorder is no number", 400) end
  local orders, words = orders_of(self)
  if not orders then return fail(name, words) end
  return say("SETIResponse: ordercount=" .. math.max(orders.count - after, 0))
end

function functions.downloadorders(self, form, name)
  local page, fault = page_of(self, form)
  if not page then return fail(name, fault, 400) end
  local after = number_of(form.lastorder)
  if not after then return fail(name, "lastorder is no number", 400) end
  local orders, words = orders_of(self)
  if not orders then return fail(name, words) end
  local first = after + page.start
  return download(self, name, "order", numbers.list(self, orders, first, page.size), first, write.order)
end

function functions.getcustomerscount(self)
  local chosen = customers_of(self)
  return say("SETIResponse: itemcount=" .. self:count(chosen.kind, { carts = chosen.carts }))
end

function functions.getproductscount(self)
  local chosen = items_of(self)
  return say("SETIResponse: itemcount=" .. self:count(chosen.kind, { carts = chosen.carts }))
end

function functions.downloadcustomers(self, form, name)
  return download_page(self, name, customers_of(self), form, write.customer)
end

---Prices in another currency than the orders' say nothing to the Order Manager.
function functions.downloadprods(self, form, name)
  local currency, words = currency_of(self)
  return download_page(self, name, items_of(self), form, function(_, item)
    local is_same = item.currency == nil or (currency or item.currency) == item.currency
    return write.products(self, item, is_same and not words)
  end)
end

function functions.downloadqoh(self, form, name)
  return download_page(self, name, items_of(self), form, write.levels)
end

function functions.qohreplace(self, form) return say(take.levels(self, form)) end
function functions.invupdate(self, form) return say(take.change(self, form)) end
function functions.updatestatus(self, form)
  orders_of(self) -- so that each has its number
  return say(take.status(self, form))
end

-- Who asks ------------------------------------------------------------------------------------------------------------

---The password is compared whatever the name is, so that the time says nothing.
local function is_known(self, form)
  local has_password = self:secret_equals { secret = "password", value = form.password or "" }
  return has_password and form.setiuser == self.settings.user and (form.code or "") == self.settings.code
end

local SLOWED = 1 -- seconds

local function refuse(request, form, name)
  log.warning("wrong-login", { from = request.peer, user = (form.setiuser or ""):sub(1, 40),
    ["function"] = name:sub(1, 40) })
  local answer = fail(name, "Invalid username, password, or store code.")
  answer.wait = SLOWED
  return answer
end

---@param request cartwright.Served
function shop:serve(request)
  local form = request.body ~= "" and request:form() or request.query
  local name = (form.setifunction or ""):lower()
  if name == "sendversion" then return say("SETIResponse: version=" .. self.settings.version) end
  if name == "" then return fail(name, "No setifunction specified", 400) end
  if not is_known(self, form) then return refuse(request, form, name) end
  local answer = functions[name]
  if not answer then
    return fail("", ("Integration has no support for function: %s"):format((name:sub(1, 40):gsub("[^%w]", ""))))
  end
  return answer(self, form, name)
end

---The Order Manager's words for statuses, with which orders are shown, and what its words mean.
shop.tables.status_out = { draft = "New", pending = "Pending", on_hold = "On Hold", paid = "Payment Received",
  processing = "Processing", backorder = "Back Ordered", shipped = "Shipped", completed = "Completed",
  cancelled = "Order Canceled", refunded = "Refunded", failed = "Order Canceled" }

shop.tables.status = { ["new order"] = "pending", ["pending"] = "pending", ["on hold"] = "on_hold",
  ["payment received"] = "paid", ["processing"] = "processing", ["in progress"] = "processing",
  ["back ordered"] = "backorder", ["partially shipped"] = false, ["shipped"] = "shipped", ["completed"] = "completed",
  ["order canceled"] = "cancelled", ["cancelled"] = "cancelled", ["canceled"] = "cancelled", ["refunded"] = "refunded" }

---Which of the protocol's kinds a payment method is; others are Generic1.
shop.tables.payment = { paypal = "PayPal", cod = "COD", cashondelivery = "COD", ["*"] = "Generic1" }

return shop
