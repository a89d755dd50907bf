---A Vendure 3: its Admin API, with the traps of the real one. updatedAt of an order goes back to what it was when the
---order changes its state (`shop.stamps` lets it stamp); open carts are orders; a refusal is an answer 200; a parcel is
---made before it is sent, and one line goes into one parcel; stock is on hand and allocated, at two places
---(`shop.places`). GraphQL is read by vendure/graphql.lua.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local graphql = require "fakes.vendure.graphql"
local json = require "cartwright.json"
local time = require "cartwright.time"

local KEY = "key-of-the-fake-vendure"

local shop = fake.new { title = "Vendure", settings = { key = KEY, location = "1" }, reads = graphql.reads }

-- Answers -------------------------------------------------------------------------------------------------------------

local function fault(message, code)
  return fake.json { errors = json.array { { message = message, path = json.array {}, extensions = { code = code } } },
    data = json.null }
end

local FORBIDDEN = fault("You are not currently authorized to perform this action", "FORBIDDEN")

shop.failures = { ["wrong-key"] = FORBIDDEN,
  ["404"] = fake.json({ statusCode = 404, message = "Cannot POST /nope", path = "/nope" }, 404),
  ["400"] = fake.json({ errors = json.array { { message = "Syntax Error",
    extensions = { code = "GRAPHQL_PARSE_FAILED" } } } }, 400) }

function shop:authorized(request) return request:header "vendure-api-key" == KEY or FORBIDDEN end

local function refusal(code, message) return { errorCode = code, message = message } end

-- What it begins with -------------------------------------------------------------------------------------------------

function shop:start()
  self.orders, self.customers, self.products, self.variants = {}, {}, {}, {}
  self.places = { { id = "1", name = "North warehouse" }, { id = "2", name = "South warehouse" } }
  self.precision, self.stamps = 2, false
end

local function iso(moment) return moment:format "%Y-%m-%dT%H:%M:%S.000Z" end

local function cents(text) return (decimal.new(text or "0") * 100):integer() end

local function euros(amount) return tostring((decimal.new(amount) * decimal.new "0.01"):round(2)) end

local function by(list, field, value)
  for _, one in ipairs(list) do
    if tostring(one[field]) == tostring(value) then return one end
  end
end

-- Lists ---------------------------------------------------------------------------------------------------------------

local FITS = {
  eq = function(value, wanted) return value == wanted end,
  ["in"] = function(value, wanted)
    for _, one in ipairs(wanted) do
      if value == one then return true end
    end
    return false
  end,
  between = function(value, range) return value ~= json.null and value >= range.start and value <= range["end"] end,
}

local function fits(object, filter)
  for field, conditions in pairs(filter) do
    if field == "_or" then
      local found = false
      for _, alternative in ipairs(conditions) do found = found or fits(object, alternative) end
      if not found then return false end
    else
      for operation, wanted in pairs(conditions) do
        if not FITS[operation](object[field], wanted) then return false end
      end
    end
  end
  return true
end

local LARGEST = 1000

local function list(name)
  return function(self, arguments)
    local options, found = arguments.options or {}, {}
    if (options.take or 0) > LARGEST then
      self:answer(fault("Cannot take more than 1000 results from a list query", "USER_INPUT_ERROR"))
    end
    for _, object in ipairs(self[name]) do
      if fits(object, options.filter or {}) then found[#found + 1] = object end
    end
    return { totalItems = #found, items = json.array(self:page(found, options.skip or 0, options.take or LARGEST)) }
  end
end

local resolvers = { orders = list "orders", customers = list "customers", products = list "products",
  productVariants = list "variants", stockLocations = list "places" }

function resolvers.activeChannel()
  return { code = "__default_channel__", token = "t0", pricesIncludeTax = true, defaultCurrencyCode = "EUR" }
end

function resolvers.globalSettings(self) return { serverConfig = { moneyStrategyPrecision = self.precision } } end

function resolvers.stockLocation(self, arguments) return by(self.places, "id", arguments.id) or json.null end

function resolvers.order(self, arguments) return by(self.orders, "id", arguments.id) or json.null end

-- Orders --------------------------------------------------------------------------------------------------------------

local STATES = { pending = "PaymentAuthorized", paid = "PaymentSettled", processing = "PartiallyShipped",
  on_hold = "Modifying", shipped = "Shipped", completed = "Delivered", cancelled = "Cancelled", draft = "Draft" }

local function address(given)
  given = given or {}
  return { fullName = given.name or ((given.first_name or "") .. " " .. (given.last_name or "")),
    company = given.company or "", streetLine1 = given.street or "", streetLine2 = given.street2 or "", city = given.city or "",
    province = given.region or "", postalCode = given.postcode or "", countryCode = given.country or json.null,
    phoneNumber = given.phone or "" }
end

local function row(self, line)
  local variant = by(self.variants, "sku", line.sku)
  local total, tax = cents(line.total), cents(line.tax)
  local made = { id = tostring(self:next "lines"), quantity = decimal.new(line.quantity):integer(),
    orderPlacedQuantity = decimal.new(line.quantity):integer(), unitPriceWithTax = cents(line.unit_price),
    proratedUnitPriceWithTax = cents(line.unit_price), proratedLinePrice = total - tax,
    proratedLinePriceWithTax = total, taxRate = 0, productVariant = variant or { id = "0", sku = line.sku, name = line.name, product = { id = "0" } } }
  if line.name then made.productVariant = { id = made.productVariant.id, sku = line.sku, name = line.name,
    product = made.productVariant.product } end
  made.fulfillmentLines = json.array {}
  return made
end

---Pieces that orders take, at the first of its places.
local function allocate(self, line, quantity)
  local variant = by(self.variants, "sku", line.productVariant.sku)
  if variant then variant.stockLevels[1].stockAllocated = variant.stockLevels[1].stockAllocated + quantity end
end

function shop:place(order)
  local id, moment = tostring(self:next "orders"), order.placed_at or iso(self:now())
  local state = order.cart_status or STATES[order.status] or "PaymentSettled"
  local total, tax = cents(order.total), cents(order.tax_total)
  local made = { id = id, code = order.number or ("CODE" .. id), type = "Regular", state = state, active = false,
    createdAt = iso(time.parse(moment, "UTC")), updatedAt = iso(order.changed_at and time.parse(order.changed_at, "UTC")
    or time.parse(moment, "UTC")), orderPlacedAt = iso(time.parse(moment, "UTC")), currencyCode = order.currency,
    couponCodes = json.array {}, totalWithTax = total, total = total - tax,
    shippingWithTax = cents(order.shipping_total), customer = { id = tostring(self:next "buyers"), firstName = json.null,
      lastName = json.null, emailAddress = order.email, phoneNumber = json.null, user = json.null }, shippingAddress = address(order.shipping),
    billingAddress = address(order.billing), lines = {}, surcharges = json.array {}, discounts = json.array {},
    shippingLines = json.array { { priceWithTax = cents(order.shipping_total), shippingMethod = { id = "1",
      code = order.shipping_method or "standard", name = "Standard parcel" } } }, taxSummary = json.array {},
    fulfillments = json.array {} }
  for i, line in ipairs(order.lines or {}) do
    made.lines[i] = row(self, line)
    allocate(self, made.lines[i], made.lines[i].quantity)
  end
  json.array(made.lines)
  made.payments = json.array { { id = "p" .. id, createdAt = made.createdAt, method = order.payment_method or "card",
    amount = total, state = state == "PaymentAuthorized" and "Authorized" or "Settled", transactionId = "t" .. id,
    refunds = json.array {} } }
  table.insert(self.orders, made)
  return id
end

---The trap: the stamp of before is put in again.
local function stamp(self, order)
  if self.stamps then order.updatedAt = iso(self:now()) end
end

function shop:amend(order_id, changes)
  local order = by(self.orders, "id", order_id)
  if changes.status then
    order.state = STATES[changes.status]
    for _, payment in ipairs(order.payments) do
      if order.state == "PaymentSettled" then payment.state = "Settled" end
    end
  end
  stamp(self, order)
end

local function make_parcel(self, order, lines, method, tracking)
  local parcel = { id = tostring(self:next "parcels"), state = "Pending", method = method, trackingCode = tracking,
    createdAt = iso(self:now()), lines = json.array(lines) }
  table.insert(order.fulfillments, parcel)
  return parcel
end

---What of a line is in no parcel yet.
local function open_of(order, line)
  local open = line.quantity
  for _, parcel in ipairs(order.fulfillments) do
    for _, one in ipairs(parcel.lines) do
      if parcel.state ~= "Cancelled" and one.orderLineId == line.id then open = open - one.quantity end
    end
  end
  return open
end

---The states of an order follow from its parcels, once it is paid.
local function follow(self, order)
  if order.state == "PaymentAuthorized" then return end
  local all, sent, arrived = 0, 0, 0
  for _, line in ipairs(order.lines) do all = all + line.quantity end
  for _, parcel in ipairs(order.fulfillments) do
    for _, line in ipairs(parcel.lines) do
      if parcel.state == "Shipped" or parcel.state == "Delivered" then sent = sent + line.quantity end
      if parcel.state == "Delivered" then arrived = arrived + line.quantity end
    end
  end
  if arrived == all then order.state = "Delivered"
  elseif arrived > 0 then order.state = "PartiallyDelivered"
  elseif sent == all then order.state = "Shipped"
  elseif sent > 0 then order.state = "PartiallyShipped" end
  stamp(self, order)
end

function shop:ship(order_id, shipment)
  local order, lines = by(self.orders, "id", order_id), {}
  for i, line in ipairs(shipment.lines) do
    for _, own in ipairs(order.lines) do
      if own.productVariant.sku == line.sku then
        lines[i] = { orderLineId = own.id, quantity = decimal.new(line.quantity):integer() }
      end
    end
  end
  make_parcel(self, order, lines, shipment.carrier, shipment.tracking_number).state = "Shipped"
  follow(self, order)
end

function shop:refund(order_id, refund)
  local order = by(self.orders, "id", order_id)
  table.insert(order.payments[1].refunds, { id = tostring(self:next "refunds"), total = cents(refund.amount),
    state = "Settled" })
  stamp(self, order)
end

---A line is cancelled in part: its quantity and the totals shrink, what was paid does not.
function shop:shrink(order_id, sku, quantity)
  local order, pieces = by(self.orders, "id", order_id), decimal.new(quantity):integer()
  for _, line in ipairs(order.lines) do
    if line.productVariant.sku == sku then
      local less = pieces * line.proratedUnitPriceWithTax
      line.quantity = line.quantity - pieces
      line.proratedLinePrice, line.proratedLinePriceWithTax = line.proratedLinePrice - less, line.proratedLinePriceWithTax - less
      order.total, order.totalWithTax = order.total - less, order.totalWithTax - less
      allocate(self, line, -pieces)
    end
  end
  stamp(self, order)
end

function shop:remove(order_id)
  for i, order in ipairs(self.orders) do
    if order.id == order_id then return table.remove(self.orders, i) end
  end
end

function shop:order_of(order_id)
  local order, shipments = by(self.orders, "id", order_id), {}
  if not order then return nil end
  for i, parcel in ipairs(order.fulfillments) do
    local lines = {}
    for n, line in ipairs(parcel.lines) do
      lines[n] = { sku = by(order.lines, "id", line.orderLineId).productVariant.sku, line_id = line.orderLineId,
        quantity = tostring(line.quantity) }
    end
    shipments[i] = { tracking_number = parcel.trackingCode, carrier = parcel.method, lines = lines }
  end
  return { status = order.state, shipments = shipments }
end

-- What it is told of orders -------------------------------------------------------------------------------------------

function resolvers.addFulfillmentToOrder(self, arguments)
  local lines, order = arguments.input.lines, nil
  for _, candidate in ipairs(self.orders) do
    if by(candidate.lines, "id", lines[1].orderLineId) then order = candidate end
  end
  for _, line in ipairs(lines) do
    if line.quantity > open_of(order, by(order.lines, "id", line.orderLineId)) then
      return refusal("ITEMS_ALREADY_FULFILLED_ERROR", "One or more OrderItems are already part of a Fulfillment")
    end
  end
  local given = {}
  for _, argument in ipairs(arguments.input.handler.arguments) do given[argument.name] = argument.value end
  local parcel = make_parcel(self, order, lines, given.method, given.trackingCode)
  self:book { kind = "shipment", order_id = order.id, tracking_number = given.trackingCode, carrier = given.method }
  return parcel
end

local NEXT = { Pending = { Shipped = true, Delivered = true, Cancelled = true },
  Shipped = { Delivered = true, Cancelled = true } }

function resolvers.transitionFulfillmentToState(self, arguments)
  for _, order in ipairs(self.orders) do
    local parcel = by(order.fulfillments, "id", arguments.id)
    if parcel then
      if not (NEXT[parcel.state] or {})[arguments.state] then
        return refusal("FULFILLMENT_STATE_TRANSITION_ERROR", "errorResult.FULFILLMENT_STATE_TRANSITION_ERROR")
      end
      parcel.state = arguments.state
      follow(self, order)
      return parcel
    end
  end
end

function resolvers.cancelOrder(self, arguments)
  local order = by(self.orders, "id", arguments.input.orderId)
  if order.state == "Cancelled" then
    return refusal("EMPTY_ORDER_LINE_SELECTION_ERROR", "At least one OrderLine must be specified")
  end
  for _, line in ipairs(order.lines) do
    allocate(self, line, -line.quantity)
    line.quantity = 0
  end
  order.state = "Cancelled"
  self:book { kind = "status", order_id = order.id, status = "Cancelled" }
  return order
end

function resolvers.settlePayment(self, arguments)
  for _, order in ipairs(self.orders) do
    local payment = by(order.payments, "id", arguments.id)
    if payment then
      payment.state = "Settled"
      if order.state == "PaymentAuthorized" then order.state = "PaymentSettled" end
      self:book { kind = "status", order_id = order.id, status = "PaymentSettled" }
      return payment
    end
  end
end

-- Goods ---------------------------------------------------------------------------------------------------------------

local function new_variant(self, product, given)
  local made = { id = tostring(self:next "variants"), enabled = true, sku = given.sku, name = given.name,
    price = cents(given.price), priceWithTax = cents(given.price), currencyCode = "EUR", trackInventory = "TRUE",
    updatedAt = iso(self:now()), product = { id = product.id, name = product.name }, options = json.array {},
    taxCategory = { id = "1" }, stockLevels = json.array {} }
  for i, place in ipairs(self.places) do
    made.stockLevels[i] = { stockLocationId = place.id, stockLocation = place, stockAllocated = 0,
      stockOnHand = i == 1 and decimal.new(given.quantity or "0"):integer() or 0 }
  end
  table.insert(self.variants, made)
  table.insert(product.variants, made)
end

function shop:offer(item)
  local id = tostring(self:next "products")
  local product = { id = id, enabled = true, createdAt = iso(self:now()), updatedAt = iso(self:now()), name = item.name,
    description = "", variants = json.array {} }
  for _, variant in ipairs(item.variants or {}) do
    new_variant(self, product, variant)
    product.variants[#product.variants].options = json.array { { name = variant.name } }
  end
  if not item.variants then new_variant(self, product, item) end
  table.insert(self.products, product)
  return id
end

function shop:quantity_of(sku)
  local variant, sum = by(self.variants, "sku", sku), 0
  if not variant then return nil end
  for _, level in ipairs(variant.stockLevels) do sum = sum + level.stockOnHand - level.stockAllocated end
  return sum
end

function shop:price_of(sku)
  local variant = by(self.variants, "sku", sku)
  return variant and euros(variant.priceWithTax)
end

---One transaction: an unknown variant, or place, and nothing of the rest is written.
function resolvers.updateProductVariants(self, arguments)
  local made = {}
  for i, input in ipairs(arguments.input) do
    made[i] = by(self.variants, "id", input.id)
    if not made[i] then
      self:answer(fault(("No ProductVariant with the id \"%s\" could be found"):format(input.id), "ENTITY_NOT_FOUND"))
    end
  end
  for i, input in ipairs(arguments.input) do
    local variant = made[i]
    for _, given in ipairs(input.stockLevels or {}) do
      by(variant.stockLevels, "stockLocationId", given.stockLocationId).stockOnHand = given.stockOnHand
      self:book { kind = "stock", sku = variant.sku, quantity = given.stockOnHand }
    end
    if input.price then
      variant.price, variant.priceWithTax = input.price, input.price
      self:book { kind = "price", sku = variant.sku, price = euros(input.price) }
    end
    variant.updatedAt = iso(self:now())
  end
  return json.array(made)
end

-- Customers -----------------------------------------------------------------------------------------------------------

function shop:register(customer)
  local id = tostring(self:next "buyers")
  table.insert(self.customers, { id = id, createdAt = iso(self:now()), updatedAt = iso(self:now()),
    firstName = customer.first_name, lastName = customer.last_name, emailAddress = customer.email,
    phoneNumber = json.null, user = { id = id }, groups = json.array {}, addresses = json.array {} })
  return id
end

-- The one address -----------------------------------------------------------------------------------------------------

shop:route("POST /admin-api", function(self, request)
  local data, message = graphql.answer(self, request, resolvers, true)
  if data then return fake.json { data = data } end
  return fake.json({ errors = json.array { { message = message,
    extensions = { code = "GRAPHQL_VALIDATION_FAILED" } } } }, 400)
end)

return shop
