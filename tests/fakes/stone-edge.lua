---A shop whose script speaks SETI, in one of its dialects: set `shop.dialect` before the first request. What all have
---is the Order Manager's; what each has of its own stands in DIALECTS: formats of dates and numbers, what is printed
---around answers, functions it does not know, what it sees of updates.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local time = require "cartwright.time"
local xml = require "cartwright.xml"

local ZONE = "America/New_York"
local USER, PASSWORD, CODE = "theuser", "p&w=+1", "mystore"

local READS = { sendversion = true, ordercount = true, downloadorders = true, getcustomerscount = true,
  downloadcustomers = true, getproductscount = true, downloadprods = true, downloadqoh = true }

local shop = fake.new { title = "SETI script", path = "/seti.php",
  settings = { user = USER, password = PASSWORD, code = CODE, currency = "EUR", zone = ZONE,
    generic_status_updates = true },
  reads = function(request) return READS[(request:form().setifunction or ""):lower()] or false end }

shop.currency, shop.page_size, shop.dialect = "EUR", 50, "SX"

---@class stone.Dialect
---@field date string
---@field half_days? boolean 1:05:09 PM
---@field has_status boolean orders say where they stand
---@field lacks table<string, boolean> functions it does not know
---@field unknown string what it says then
---@field none integer ResponseCode where a list is empty
---@field numbers_only? boolean lastorder "All" is refused with 400
---@field marks? boolean downloading sets orders to Processing
---@field thousands? boolean 1,249.00
---@field ends? string of lines
---@field wrong_result? boolean "Update Error" for what worked
---@field always_ok? boolean invupdate says OK for what it does not have
---@field appends? boolean a parcel that comes twice is there twice
---@field before? string what is printed before XML
---@field one_page? boolean customers have no second page
---@field declares? string

---@type table<string, stone.Dialect>
local DIALECTS = {
  SX = { date = "%b/%d/%Y %H:%M:%S", has_status = true, lacks = { downloadqoh = true }, none = 1, numbers_only = true,
    marks = true, unknown = "SETIError: Integration has no support for function: %s" },
  IS = { date = "%Y-%m-%d %H:%M:%S", has_status = false, lacks = { updatestatus = true }, none = 1, thousands = true,
    wrong_result = true, ends = " \n", one_page = true,
    unknown = '<?xml version="1.0"?><SETIError><Response><ResponseCode>3</ResponseCode><ResponseDescription>Unknown '
      .. "function</ResponseDescription></Response></SETIError>" },
  MG = { date = "%d-%b-%Y %H:%M:%S", half_days = true, has_status = false, lacks = {}, none = 2, ends = "\r\n", always_ok = true,
    before = "Acquiring app handle for store code 'default'...\nUsing store id '1'.\n",
    unknown = 'SETIError: Function "%s" was not found.' },
  MT = { date = "%b/%d/%Y %H:%M:%S", has_status = true, lacks = {}, none = 2, ends = "\n", declares = "utf-16",
    unknown = "SETIError: Function %s not supported" },
}

local function dialect(self) return DIALECTS[self.dialect] end

-- Answers -------------------------------------------------------------------------------------------------------------

local function text(words, status)
  return fake.text(words, status, { ["Content-Type"] = "text/html; charset=utf-8" })
end

local function list(self, root, records)
  local own = dialect(self)
  local code = #records == 0 and own.none or 1
  local tree = { root, { "Response", { "ResponseCode", code }, { "ResponseDescription", "Success" } } }
  table.move(records, 1, #records, 3, tree)
  local body = ('<?xml version="1.0"%s?>'):format(own.declares and (' encoding="%s"'):format(own.declares) or "")
    .. xml.write(tree, { declaration = false })
  return text((own.before or "") .. body)
end

shop.failures = {
  ["401"] = text("<html><body>Authorization Required</body></html>", 401),
  ["no-permission"] = text "SETIError: This user has no permission for the integration",
  ["wrong-login"] = text "SETIError: Access denied. Please check your login and store code (if provided).",
}

function shop:authorized(request)
  local form = request:form()
  if (form.setifunction or ""):lower() == "sendversion" then return true end
  return form.setiuser == USER and form.password == PASSWORD and form.code == CODE
    or text "SETIError: Invalid username, password, or store code."
end

function shop:start()
  self.orders, self.products, self.customers = {}, {}, {}
end

-- The world -----------------------------------------------------------------------------------------------------------

local WORDS = { pending = "Pending", paid = "Payment Received", processing = "Processing", shipped = "Shipped",
  completed = "Completed", cancelled = "Order Canceled", on_hold = "On Hold" }

function shop:place(order)
  local record = { id = tostring(1000 + self:next "order"), placed = order, shipments = {},
    status = order.cart_status or WORDS[order.status] or "Pending", note = order.note }
  self.orders[#self.orders + 1] = record
  return record.id, record.id
end

local function find(records, id)
  for _, record in ipairs(records) do
    if record.id == id then return record end
  end
end

function shop:amend(order_id, changes)
  local order = find(self.orders, order_id)
  if changes.status then order.status = WORDS[changes.status] or changes.status end
  order.note = changes.note or order.note
end

function shop:ship(order_id, shipment)
  table.insert(find(self.orders, order_id).shipments, shipment)
end

function shop:refund() end -- the protocol says nothing of it

function shop:offer(item)
  for _, one in ipairs(item.variants or { item }) do
    local name = item.variants and ("%s (%s)"):format(item.name, one.name) or item.name
    self.products[#self.products + 1] = { id = one.sku, name = name, price = one.price,
      quantity = decimal.new(one.quantity or "0") }
  end
  return item.sku
end

function shop:register(customer)
  local record = { id = tostring(self:next "customer"), customer = customer }
  self.customers[#self.customers + 1] = record
  return record.id
end

function shop:order_of(order_id)
  local order = find(self.orders, order_id)
  return order and { status = order.status, shipments = order.shipments }
end

function shop:quantity_of(sku)
  local product = find(self.products, sku)
  return product and tostring(product.quantity)
end

-- Records -------------------------------------------------------------------------------------------------------------

local function amount(self, value)
  local written = tostring(decimal.new(value))
  if not dialect(self).thousands then return written end
  local whole, rest = written:match "^(%-?%d+)(.*)$"
  return (whole:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^(%-?),", "%1")) .. rest
end

local function party(name, address, email, lines)
  local full_name = ((address.first_name or "") .. " " .. (address.last_name or "")):match "^%s*(.-)%s*$"
  local tree = { name, { "FullName", full_name },
    { "Phone", address.phone or "" }, { "Email", email or "" },
    { "Address", { "Street1", address.street or "" }, { "City", address.city or "" }, { "State", address.region or "" },
      { "Code", address.postcode or "" }, { "Country", address.country or "" } } }
  for _, line in ipairs(lines or {}) do tree[#tree + 1] = line end
  return tree
end

local function date_of(self, at)
  local text = at:format(dialect(self).date, ZONE)
  if not dialect(self).half_days then return text end
  local day, hour, rest = text:match "^(%S+) (%d+)(.*)$"
  hour = math.tointeger(tonumber(hour))
  return ("%s %d%s %s"):format(day, (hour + 11) % 12 + 1, rest, hour < 12 and "AM" or "PM")
end

local function order_element(self, order)
  local placed, lines, goods = order.placed, {}, decimal.new "0"
  for i, line in ipairs(placed.lines) do
    goods = goods + decimal.new(line.unit_price) * decimal.new(line.quantity)
    lines[i] = { "Product", { "SKU", line.sku or "" }, { "Name", line.name }, { "Quantity", line.quantity },
      { "ItemPrice", amount(self, line.unit_price) }, { "LineID", i } }
  end
  local at = time.parse(placed.placed_at or tostring(self:now()), "UTC")
  local tree = { "Order", { "OrderNumber", order.id }, { "OrderDate", date_of(self, at) } }
  if dialect(self).has_status then tree[#tree + 1] = { "OrderStatus", order.status } end
  tree[#tree + 1] = party("Billing", placed.billing or {}, placed.email)
  tree[#tree + 1] = party("Shipping", placed.shipping or placed.billing or {}, placed.email, lines)
  tree[#tree + 1] = { "Payment", { "Generic1", { "Name", "Generic 1" },
    { "Description", placed.payment_method or "none" } } }
  tree[#tree + 1] = { "Totals", { "ProductTotal", amount(self, goods) }, { "SubTotal", amount(self, goods) },
    { "Tax", { "TaxAmount", amount(self, placed.tax_total or "0") } }, { "GrandTotal", amount(self, placed.total) },
    { "ShippingTotal", { "Total", amount(self, placed.shipping_total or "0") }, { "Description", "Ground" } } }
  tree[#tree + 1] = { "Other", { "Comments", order.note or "" } }
  return tree
end

local function product_element(_, product)
  return { "Product", { "Code", product.id }, { "WebID", product.id }, { "Name", product.name },
    { "Price", product.price or "0" }, { "QOH", tostring(product.quantity) } }
end

local function level_element(_, product)
  return { "Product", { "Code", product.id }, { "QOH", tostring(product.quantity) } }
end

local function customer_element(_, record)
  local customer = record.customer
  return { "Customer", { "WebID", record.id }, { "BillAddr", { "FirstName", customer.first_name or "" },
    { "LastName", customer.last_name or "" }, { "Email", customer.email or "" } } }
end

-- Functions -----------------------------------------------------------------------------------------------------------

---The orders behind lastorder; nil where it is not understood.
local function orders_since(self, form)
  local last = form.lastorder or ""
  local number = last:lower() == "all" and not dialect(self).numbers_only and 0 or math.tointeger(tonumber(last))
  if not number then return nil end
  local found = {}
  for _, order in ipairs(self.orders) do
    if tonumber(order.id) > number then found[#found + 1] = order end
  end
  return found
end

local function download(self, root, records, form, element)
  local start, size = tonumber(form.startnum or 1), tonumber(form.batchsize or 100)
  if root == "SETICustomers" and dialect(self).one_page and start > 1 then return list(self, root, {}) end
  local elements = {}
  for i, record in ipairs(self:page(records, start - 1, size)) do elements[i] = element(self, record) end
  return list(self, root, elements)
end

local WRONG = '<?xml version="1.0"?><SETIOrders><Response><ResponseCode>3</ResponseCode><ResponseDescription>'
  .. "lastorder is no number</ResponseDescription></Response></SETIOrders>"

local functions = {}

function functions.sendversion() return text "SETIResponse: version=5.900" end

function functions.ordercount(self, form)
  local orders = orders_since(self, form)
  return orders and text("SETIResponse: ordercount=" .. #orders) or text(WRONG, 400)
end

function functions.downloadorders(self, form)
  local orders = orders_since(self, form)
  if not orders then return text(WRONG, 400) end
  local answer = download(self, "SETIOrders", orders, form, order_element)
  if dialect(self).marks and self.marks_orders then
    for _, order in ipairs(orders) do order.status = "Processing" end
  end
  return answer
end

function functions.getcustomerscount(self) return text("SETIResponse: itemcount=" .. #self.customers) end
function functions.getproductscount(self) return text("SETIResponse: itemcount=" .. #self.products) end
function functions.downloadcustomers(self, form)
  return download(self, "SETICustomers", self.customers, form, customer_element)
end
function functions.downloadprods(self, form)
  return download(self, "SETIProducts", self.products, form, product_element)
end
function functions.downloadqoh(self, form)
  return download(self, "SETIProducts", self.products, form, level_element)
end

function functions.qohreplace(self, form)
  local lines, ends = { "SETIResponse" }, dialect(self).ends or "\n"
  for pair in form.update:gmatch "[^|]+" do
    local sku, quantity = pair:match "^([^~]*)~(.*)$"
    local product, word = find(self.products, sku), "NF"
    if product then
      product.quantity, word = decimal.new(quantity), dialect(self).wrong_result and "Update Error" or "OK"
      self:book { kind = "stock", sku = sku, quantity = quantity }
    end
    lines[#lines + 1] = sku .. "=" .. word
  end
  lines[#lines + 1] = "SETIEndOfData"
  return text(table.concat(lines, ends))
end

function functions.invupdate(self, form)
  local sku, change = form.update:match "^(.*)~(.-)$"
  local product = find(self.products, sku)
  if not product and dialect(self).always_ok then
    return text(("SETIResponse=OK;Note=SKU %s was not found."):format(sku))
  end
  if not product then return text(("SETIResponse=False;SKU=%s;QOH=NF;NOTE=NotFound"):format(sku)) end
  product.quantity = product.quantity + decimal.new(change)
  self:book { kind = "stock", sku = sku, quantity = product.quantity, change = change }
  return text(("SETIResponse=OK;SKU=%s;QOH=%s;NOTE="):format(sku, product.quantity))
end

function functions.updatestatus(self, form)
  local order = find(self.orders, form.ordernumber)
  if not order then return text "SETIResponse: update=False;Notes=Unable to find order" end
  if order.status ~= form.orderstatus then
    order.status = form.orderstatus
    self:book { kind = "status", order_id = order.id, status = form.orderstatus }
  end
  local known = {}
  for _, shipment in ipairs(order.shipments) do known[shipment.tracking_number] = true end
  for i = 1, tonumber(form.trackcount or "0") do
    local n = form.trackcount == "1" and "" or tostring(i)
    local tracking = form["tracknum" .. n]
    if tracking and (not known[tracking] or dialect(self).appends) then
      table.insert(order.shipments, { tracking_number = tracking, carrier = form["trackcarrier" .. n] })
      self:book { kind = "shipment", order_id = order.id, tracking_number = tracking,
        carrier = form["trackcarrier" .. n] }
    end
  end
  return text "SETIResponse: update=OK;Notes="
end

shop:route("POST /", function(self, request)
  local form = request:form()
  local name = (form.setifunction or ""):lower()
  if not functions[name] or dialect(self).lacks[name] then return text((dialect(self).unknown:gsub("%%s", name))) end
  return functions[name](self, form)
end)

return shop
