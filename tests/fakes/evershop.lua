---An EverShop 2: GraphQL to read, REST to write, with the traps of the real one. updatedAt of an order never moves;
---filters, operations and fields that it does not know are ignored; refusals and errors of queries are answered 500; a
---PATCH of a product empties what it leaves out; products that are out of stock vanish from the list where
---`shop.hides_sold_out` says so; 120 requests a minute and address where `shop.limits` says so; tokens that end.
---GraphQL is read by vendure/graphql.lua.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local graphql = require "fakes.vendure.graphql"
local json = require "cartwright.json"
local time = require "cartwright.time"

local EMAIL, PASSWORD = "admin@example.test", "password of the fake"
local LIFETIME, LIMIT = 15 * 60, 120 -- seconds of a token; requests a minute

local shop = fake.new { title = "EverShop", settings = { email = EMAIL, password = PASSWORD },
  reads = function(request) return request.path == "/api/user/tokens" or graphql.reads(request) end }

-- Answers -------------------------------------------------------------------------------------------------------------

local function fault(status, message) return fake.json({ error = { status = status, message = message } }, status) end

local TOO_MANY = "Too many requests. Please slow down and try again later."

shop.failures = { ["401"] = fault(401, "Unauthorized"), ["500"] = fault(500, "Internal error"),
  ["429"] = fault(429, TOO_MANY),
  ["404"] = fake.text("<!DOCTYPE html><html><body>Not found</body></html>", 404, { ["Content-Type"] = "text/html" }) }

local function refuse(self, message) self:answer(fault(500, message)) end

---@param request fake.Request
function shop:authorized(request)
  local minute = self:now():format "%Y-%m-%d %H:%M"
  self.asked[minute] = (self.asked[minute] or 0) + 1
  if self.limits and self.asked[minute] > LIMIT then
    return fake.json({ error = { status = 429, message = TOO_MANY } }, 429, { ["Retry-After"] = "60" })
  end
  if request.path == "/api/user/tokens" then return true end
  local issued = self.tokens[(request:header "Authorization" or ""):match "^Bearer (.+)$" or ""]
  return issued ~= nil and self:now() - issued < LIFETIME or fault(401, "Unauthorized")
end

shop:route("POST /api/user/tokens", function(self, request)
  local given = request:json()
  if given.email ~= EMAIL or given.password ~= PASSWORD then return fault(400, "Invalid email or password") end
  local token = "token-" .. self:next "tokens"
  self.tokens[token] = self:now()
  return fake.json { data = { accessToken = token, refreshToken = "r" .. token } }
end)

-- What it begins with -------------------------------------------------------------------------------------------------

function shop:start()
  self.orders, self.customers, self.products, self.tokens, self.asked = {}, {}, {}, {}, {}
  self.hides_sold_out, self.limits = false, false
end

local function by(list, field, value)
  for _, one in ipairs(list) do
    if tostring(one[field]) == tostring(value) then return one end
  end
end

local function number(text) return decimal.new(text or "0") end

local function value_of(text) return { value = number(text), currency = "EUR" } end

local function milliseconds(moment) return { value = moment:format "%s" .. "000" } end

local function uuid_of(series, count) return ("%08x-0000-4000-8000-%012x"):format(series, count) end

-- Lists ---------------------------------------------------------------------------------------------------------------

---Of the filters it knows page and limit, and `number` of orders; all else is ignored.
local function options_of(arguments)
  local options = {}
  for _, filter in ipairs(arguments.filters or {}) do
    if filter.operation == "eq" then options[filter.key] = filter.value end
  end
  return math.tointeger(tonumber(options.page)) or 1, math.tointeger(tonumber(options.limit)) or 20, options
end

---What breaks a record is in none of these fields: who asks for them alone gets them.
local HARMLESS = { ["uuid createdAt"] = true, uuid = true }

local function list(name, key, shows)
  return function(self, arguments, fields)
    local page, limit = options_of(arguments)
    local found = {}
    for i = #self[name], 1, -1 do -- the newest first
      if not shows or shows(self, self[name][i]) then found[#found + 1] = self[name][i] end
    end
    if HARMLESS[graphql.asked(fields, "items")] then
      return { total = #found, items = json.array(table.move(found, (page - 1) * limit + 1, page * limit, 1, {})) }
    end
    return { total = #found, items = json.array(self:page(found, (page - 1) * limit, limit, key)) }
  end
end

local resolvers = { orders = list("orders", "uuid"), customers = list("customers", "customerId"),
  products = list("products", "productId", function(self, product)
    return not self.hides_sold_out or product.inventory.qty > 0
  end) }

function resolvers.version() return "2.2.1" end

function resolvers.setting(self)
  return { storeName = "Fake", storeCurrency = "EUR", catalogShowOutOfStockProduct = not self.hides_sold_out }
end

function resolvers.carriers() return json.array { { code = "custom", name = "Custom / Other" } } end

local function one(name, key, argument)
  return function(self, arguments, fields)
    local found = by(self[name], key, arguments[argument])
    if HARMLESS[graphql.asked(fields)] then return found or json.null end
    return found and self:page({ found }, 0, 1, key)[1] or json.null
  end
end

resolvers.order, resolvers.product = one("orders", "uuid", "uuid"), one("products", "productId", "id")

shop:route("POST /api/admin/graphql", function(self, request)
  local data, message = graphql.answer(self, request, resolvers, false)
  return data and fake.json { data = data } or fault(500, message)
end)

-- Orders --------------------------------------------------------------------------------------------------------------

---Its own status, that of the payment and that of the parcels.
local STATES = { pending = { "new", "pending", "pending" }, paid = { "processing", "paid", "pending" },
  processing = { "processing", "pending", "pending" }, shipped = { "processing", "paid", "shipped" },
  completed = { "completed", "paid", "delivered" }, cancelled = { "canceled", "canceled", "pending" } }

shop.statuses = { paid = "processing" } -- it has one word for both

local function set_state(order, codes)
  order.status, order.paymentStatus = { code = codes[1] }, { code = codes[2] }
  order.shipmentStatus = { code = codes[3] }
end

local function address(given)
  given = given or {}
  return { fullName = given.name or ((given.first_name or "") .. " " .. (given.last_name or "")),
    postcode = given.postcode or "", telephone = given.phone or "", country = { code = given.country or "DE" },
    province = { code = given.region or json.null, name = "INVALID_PROVINCE" }, city = given.city or "",
    address1 = given.street or "", address2 = given.street2 or "" }
end

---What is in no parcel yet; all of it is looked at anew each time.
local function unshipped(order)
  local open = json.array {}
  for _, item in ipairs(order.items) do
    local left = item.qty
    for _, parcel in ipairs(order.shipments) do
      for _, sent in ipairs(parcel.items) do
        local is_of = parcel.status.code ~= "canceled" and tostring(sent.orderItemId) == item.orderItemId
        if is_of then left = left - sent.qty end
      end
    end
    if left > 0 then open[#open + 1] = { orderItemId = math.tointeger(tonumber(item.orderItemId)), qtyUnshipped = left,
      productSku = item.productSku } end
  end
  return open
end

function shop:place(order)
  local count, moment = self:next "orders", order.placed_at and time.parse(order.placed_at, "UTC") or self:now()
  local made = { uuid = uuid_of(1, count), orderId = tostring(count),
    orderNumber = order.number or tostring(10000 + count), currency = order.currency, customerId = json.null, customerEmail = order.email, customerFullName = "",
    coupon = json.null, shippingNote = json.null, createdAt = milliseconds(moment), updatedAt = milliseconds(moment),
    paymentMethod = "cod", paymentMethodName = "Cash on delivery", shippingMethodName = "Standard parcel",
    shippingMethodData = { providerCode = "core", methodCode = "m1" }, discountAmount = value_of "0",
    shippingFeeInclTax = value_of(order.shipping_total), totalTaxAmount = value_of(order.tax_total),
    grandTotal = value_of(order.total), shippingAddress = address(order.shipping),
    billingAddress = address(order.billing), items = {}, shipments = json.array {}, unshippedItems = unshipped }
  set_state(made, STATES[order.status] or STATES.paid)
  if order.cart_status then made.status = { code = order.cart_status } end
  for i, line in ipairs(order.lines or {}) do
    local product = by(self.products, "sku", line.sku)
    made.items[i] = { orderItemId = tostring(self:next "items"), productId = product and product.productId or json.null,
      productSku = line.sku, productName = line.name, qty = number(line.quantity):integer(),
      finalPriceInclTax = value_of(line.unit_price), taxPercent = 0, taxAmount = value_of(line.tax),
      lineTotalInclTax = value_of(line.total) }
    if product then product.inventory.qty = product.inventory.qty - made.items[i].qty end
  end
  json.array(made.items)
  table.insert(self.orders, made)
  return made.uuid
end

---No time of change moves.
function shop:amend(order_id, changes)
  if changes.status then set_state(by(self.orders, "uuid", order_id), STATES[changes.status]) end
end

---The status of the parcels follows from them, and that of the order from both others.
local function follow(order)
  local all, arrived = true, true
  for _, parcel in ipairs(order.shipments) do arrived = arrived and parcel.status.code == "delivered" end
  all = #unshipped(order) == 0
  if #order.shipments > 0 then
    order.shipmentStatus = { code = (all and "" or "partially_") .. (arrived and "delivered" or "shipped") }
  end
  local paid = order.paymentStatus.code == "paid"
  if order.shipmentStatus.code == "delivered" and paid then order.status = { code = "completed" }
  elseif paid or #order.shipments > 0 then order.status = { code = "processing" } end
end

local function add_parcel(self, order, items, carrier, tracking)
  local parcel = { uuid = uuid_of(2, self:next "parcels"), carrier = carrier, carrierName = carrier,
    trackingNumber = tracking, status = { code = "shipped" }, items = json.array(items) }
  table.insert(order.shipments, parcel)
  follow(order)
  return parcel
end

function shop:ship(order_id, shipment)
  local order, items = by(self.orders, "uuid", order_id), {}
  for i, line in ipairs(shipment.lines) do
    items[i] = { orderItemId = math.tointeger(tonumber(by(order.items, "productSku", line.sku).orderItemId)),
      qty = number(line.quantity):integer() }
  end
  add_parcel(self, order, items, "custom", shipment.tracking_number)
end

function shop:refund(order_id, _)
  by(self.orders, "uuid", order_id).paymentStatus = { code = "stripe_partial_refunded" }
end

function shop:remove(order_id)
  for i, order in ipairs(self.orders) do
    if order.uuid == order_id then return table.remove(self.orders, i) end
  end
end

function shop:order_of(order_id)
  local order, shipments = by(self.orders, "uuid", order_id), {}
  if not order then return nil end
  for i, parcel in ipairs(order.shipments) do
    local lines = {}
    for n, item in ipairs(parcel.items) do
      lines[n] = { sku = by(order.items, "orderItemId", item.orderItemId).productSku,
        line_id = tostring(item.orderItemId), quantity = tostring(item.qty) }
    end
    shipments[i] = { tracking_number = parcel.trackingNumber, carrier = parcel.carrier, lines = lines }
  end
  return { status = order.status.code, shipments = shipments }
end

-- What it is told of orders -------------------------------------------------------------------------------------------

local function order_for(self, id)
  return by(self.orders, "uuid", id) or refuse(self, "Order not found: " .. id)
end

shop:route("POST /api/orders/{id}/shipments", function(self, request)
  local order, given = order_for(self, request.params.id), request:json()
  if not given.carrier then return fault(400, "must have required property 'carrier'") end
  if given.carrier ~= "custom" then
    refuse(self, ("Unknown carrier '%s'. Install or register the carrier extension first."):format(given.carrier))
  end
  local items = {}
  for i, item in ipairs(given.items) do
    local own = by(order.items, "orderItemId", item.order_item_id)
    local open = by(unshipped(order), "orderItemId", item.order_item_id)
    if not own then refuse(self, "One or more order_item_ids not found on order " .. order.orderId) end
    local left = open and open.qtyUnshipped or 0
    if item.qty > left then
      refuse(self, ("Cannot ship %d of %s — only %d unshipped"):format(item.qty, own.productSku, left))
    end
    items[i] = { orderItemId = item.order_item_id, qty = item.qty }
  end
  local parcel = add_parcel(self, order, items, given.carrier, given.tracking_number or json.null)
  self:book { kind = "shipment", order_id = order.uuid, tracking_number = given.tracking_number,
    carrier = given.carrier }
  return fake.json { data = { shipment = { uuid = parcel.uuid, carrier = parcel.carrier, status = "shipped" } } }
end)

local function parcel_for(self, id)
  for _, order in ipairs(self.orders) do
    local parcel = by(order.shipments, "uuid", id)
    if parcel then return parcel, order end
  end
  refuse(self, "Shipment not found")
end

shop:route("PATCH /api/shipments/{id}", function(self, request)
  local given, parcel = request:json(), parcel_for(self, request.params.id)
  parcel.carrier, parcel.trackingNumber = given.carrier, given.tracking_number
  self:book { kind = "shipment number", tracking_number = given.tracking_number }
  return fake.json { data = { uuid = parcel.uuid } }
end)

shop:route("POST /api/shipments/{id}/markDelivered", function(self, request)
  local parcel, order = parcel_for(self, request.params.id)
  parcel.status = { code = "delivered" }
  follow(order)
  return fake.json { data = { uuid = parcel.uuid } }
end)

shop:route("POST /api/orders/{id}/cancel", function(self, request)
  local order = order_for(self, request.params.id)
  if order.paymentStatus.code ~= "pending" then refuse(self, "Order is not cancelable at this status") end
  set_state(order, STATES.cancelled)
  for _, item in ipairs(order.items) do
    local product = by(self.products, "sku", item.productSku)
    if product then product.inventory.qty = product.inventory.qty + item.qty end
  end
  self:book { kind = "status", order_id = order.uuid, status = "canceled" }
  return fake.json { data = {} }
end)

shop:route("POST /api/cod/captures", function(self, request)
  local order = by(self.orders, "uuid", request:json().order_id)
  if not order or order.paymentStatus.code ~= "pending" then
    return fault(400, "Requested order does not exist or is not in pending payment status")
  end
  order.paymentStatus = { code = "paid" }
  follow(order)
  self:book { kind = "status", order_id = order.uuid, status = "paid" }
  return fake.json { data = {} }
end)

-- Goods ---------------------------------------------------------------------------------------------------------------

local function add_product(self, item, group)
  local id = self:next "products"
  table.insert(self.products, { productId = id, uuid = uuid_of(3, id), name = item.name, status = 1, sku = item.sku,
    weight = { value = number "0.25" }, taxClass = 2, description = json.array {}, category = { categoryId = 7 },
    noShippingRequired = false, price = { regular = value_of(item.price) }, variantGroupId = group or json.null,
    inventory = { qty = number(item.quantity):integer(), manageStock = 1 } })
  return tostring(id)
end

---A variant is a product of its own: the id is that of the first one.
function shop:offer(item)
  if not item.variants then return add_product(self, item) end
  local group, first = tostring(self:next "groups"), nil
  for _, variant in ipairs(item.variants) do
    local id = add_product(self, variant, group)
    first = first or id
  end
  return first
end

function shop:quantity_of(sku)
  local product = by(self.products, "sku", sku)
  return product and product.inventory.qty
end

function shop:price_of(sku)
  local product = by(self.products, "sku", sku)
  return product and tostring(product.price.regular.value:round(2))
end

---What is left out of it is emptied.
shop:route("PATCH /api/products/{id}", function(self, request)
  local given, product = request:json(), by(self.products, "uuid", request.params.id)
  if not product then refuse(self, "Exception in middleware updateProduct: Requested product does not exist") end
  product.taxClass, product.description = given.tax_class or json.null, given.description or json.array {}
  local has_category = given.category_id and given.category_id ~= json.null
  product.category = has_category and { categoryId = given.category_id } or json.null
  if given.qty then
    product.inventory.qty = given.qty
    self:book { kind = "stock", sku = product.sku, quantity = given.qty }
  end
  if given.price then
    product.price = { regular = value_of(given.price) }
    self:book { kind = "price", sku = product.sku, price = given.price }
  end
  return fake.json { data = { product_id = product.productId, uuid = product.uuid, tax_class = product.taxClass } }
end)

-- Customers -----------------------------------------------------------------------------------------------------------

function shop:register(customer)
  local id = self:next "customers"
  table.insert(self.customers, { customerId = id, uuid = uuid_of(4, id), status = 1, email = customer.email,
    fullName = (customer.first_name or "") .. " " .. (customer.last_name or ""), createdAt = milliseconds(self:now()),
    addresses = json.array {} })
  return tostring(id)
end

return shop
