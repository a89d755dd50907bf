---Stone Edge (SETI), the shop's side: an existing Stone Edge Order Manager pulls from Cartwright what the site's carts
---brought, and tells it levels, statuses and parcels. Its "script URL" is https://HOST/serve/CART, which
---`cartwright run --webhooks ADDRESS` answers. It speaks as the newest and best tested server does (SX).
---
---What an order manager gets:
---  - Orders in the order in which they came here, under numbers of Cartwright's own, which grow and never change: the
---    protocol asks for the orders behind a number, and carts number as they please. The shop's own number is in
---    OrderInstructions, "shop XKBKNABJK". lastdate is not looked at.
---  - An order as it is when it is asked for. What changes later (paid, cancelled, edited) the protocol cannot tell.
---  - Downloading changes nothing here: the same is given again as often as it is asked for.
---  - Prices as the cart has them. Where they contain tax, TaxAmount is 0.00, and the comments say what is contained.
---    Quantity times ItemPrice, discounts, tax, freight and surcharges make GrandTotal to the cent: what rounding
---    leaves is a Surcharge or Discount called "Rounding".
---  - Text of one line: the Order Manager's parser has trouble with line feeds.
---  - QOH: what is published by the rule in this cart's `out.stock` of site.lua (switched off as `stock_out`: it tells
---    nobody), NA where nothing is known.
---
---What it tells:
---  - qohreplace: levels in the warehouse `warehouse`, put as the back office's. It says how much there is, and may be
---    repeated. All SKUs of a request are put or none; NF for what no item of the site has, where items are known at
---    all.
---  - invupdate: a change of the level there. It has no key, so that nobody can tell a repeated request from a second
---    sale. Each request that arrives counts once, and is stored before it is answered; requests come one after
---    another. When the answer is lost (the connection, or a kill in between) and the Order Manager sends it again, the
---    level is changed twice, until the next qohreplace. An Order Manager that is known to do so: repeat_seconds,
---    within which the same change of the same SKU counts once; two equal sales within that time then count once as
---    well.
---  - updatestatus: the order's status by the table `status`, as an edit, along the graph of statuses; its parcels as
---    shipments of the back office, which the order's cart is told of by its outbox. In the form several parcels name
---    no lines: they are one shipment of the whole order, its numbers with commas between them. In XML each is one,
---    with its lines. What comes again changes nothing.
local cart = require "cartwright.cart"
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
---@param records table[]?
local function list(root, code, description, records, status)
  local tree = { root, { "Response", { "ResponseCode", code }, { "ResponseDescription", description } } }
  table.move(records or {}, 1, #(records or {}), 3, tree)
  return { status = status or 200, headers = TEXT, body = DECLARATION .. xml.write(tree, { declaration = false }) }
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

local function orders_of(self) return { kind = "order", carts = names_of(self.settings.carts) } end
local function customers_of(self) return { kind = "customer", carts = names_of(self.settings.carts) } end
local function items_of(self)
  return { kind = "item", carts = names_of(self.settings.items_of) or names_of(self.settings.carts) }
end

---lastorder: a number of ours, or "All" in any case.
---@return integer? after nil for what is none
local function number_of(text)
  if text == nil or text == "" or text:lower() == "all" then return 0 end
  return math.tointeger(tonumber(text))
end

local BATCH = 100 -- where the Order Manager names none

---@return table? page
---@return string? words what is wrong
local function page_of(self, chosen, form)
  local start, size = math.tointeger(tonumber(form.startnum or "1")), math.tointeger(tonumber(form.batchsize or BATCH))
  if not start or start < 1 then return nil, "startnum is no number from 1 up" end
  if not size or size < 1 then return nil, "batchsize is no number from 1 up" end
  local after = number_of(form.lastorder)
  if chosen.kind == "order" and not after then return nil, "lastorder is no number" end
  return { carts = chosen.carts, after = chosen.kind == "order" and after or nil, offset = start - 1,
    limit = math.min(size, self.settings.largest_batch) }
end

---@param one fun(self: cartwright.Server, document: table): table[]
local function download(self, name, chosen, form, one)
  local page, words = page_of(self, chosen, form)
  if not page then return fail(name, words, 400) end
  local records = {}
  for _, document in ipairs(self:documents(chosen.kind, page)) do
    for _, record in ipairs(one(self, document)) do records[#records + 1] = record end
  end
  return list(ROOTS[name], 1, "Success", records)
end

---@type table<string, fun(self: cartwright.Server, form: table<string, string>, name: string): cartwright.Answer>
local functions = {}

function functions.ordercount(self, form, name)
  local chosen, after = orders_of(self), number_of(form.lastorder)
  if not after then return fail(name, "lastorder is no number", 400) end
  return say("SETIResponse: ordercount=" .. self:count(chosen.kind, { carts = chosen.carts, after = after }))
end

function functions.getcustomerscount(self)
  local chosen = customers_of(self)
  return say("SETIResponse: itemcount=" .. self:count(chosen.kind, { carts = chosen.carts }))
end

function functions.getproductscount(self)
  local chosen = items_of(self)
  return say("SETIResponse: itemcount=" .. self:count(chosen.kind, { carts = chosen.carts }))
end

function functions.downloadorders(self, form, name) return download(self, name, orders_of(self), form, write.order) end
function functions.downloadcustomers(self, form, name)
  return download(self, name, customers_of(self), form, write.customer)
end

function functions.downloadprods(self, form, name) return download(self, name, items_of(self), form, write.products) end
function functions.downloadqoh(self, form, name) return download(self, name, items_of(self), form, write.levels) end

function functions.qohreplace(self, form) return say(take.levels(self, form)) end
function functions.invupdate(self, form) return say(take.change(self, form)) end
function functions.updatestatus(self, form) return say(take.status(self, form)) end

-- Who asks ------------------------------------------------------------------------------------------------------------

---The password is compared whatever the name is, so that the time says nothing.
local function is_known(self, form)
  local has_password = self:secret_equals { secret = "password", value = form.password or "" }
  return has_password and form.setiuser == self.settings.user and (form.code or "") == self.settings.code
end

---@param request cartwright.Served
function shop:serve(request)
  local form = request.body ~= "" and request:form() or request.query
  local name = (form.setifunction or ""):lower()
  if name == "sendversion" then return say("SETIResponse: version=" .. self.settings.version) end
  if name == "" then return fail(name, "No setifunction specified", 400) end
  if not is_known(self, form) then return fail(name, "Invalid username, password, or store code.") end
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
