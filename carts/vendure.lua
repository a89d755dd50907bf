---Vendure 3 through its Admin API (GraphQL): orders, customers, items, stock. What the shop is told is in
---vendure/telling.lua, how it is asked in vendure/graphql.lua.
---
---Facts this script relies on, all seen in a running 3.7.3:
---  - updatedAt of an order goes back: a change of state stamps it and then puts the stamp of before in again. Paying,
---    shipping and delivering show in no stamp, and a cart that was filled long ago and paid now has the old one. So
---    new orders are found by orderPlacedAt as well, and open ones are read again by the job refresh.
---  - Carts that are still being filled are orders too, with active = true.
---  - Amounts are whole numbers of the smallest unit, with as many digits as the shop's money strategy says: two,
---    unless somebody wrote another one. This script knows two and says so where it finds others.
---  - A coupon on the order is spread over the lines: proratedLinePriceWithTax of the lines, the surcharges and the
---    freight make totalWithTax. The discounts of line and order show the same money twice.
---  - Lines that were cancelled stay, with what is left of their quantity; totals follow them, payments do not.
---  - The state of an order follows from its parcels only once it is paid: a parcel of an order whose payment is
---    authorised is on its way, and the order still says PaymentAuthorized. Hence quantities of parcels are counted.
---  - A change of a variant does not stamp its product; a sale stamps neither. Each SKU is a variant, whose product has
---    none; SKUs need not be unique.
---  - Lists give at most 1000 at once and are asked for by place. A wrong key is answered 200, with errors in the body.
---
---Not known: orders of marketplaces (type Seller and Aggregate), of which the sellers' parts are left out; other money
---strategies. The user and password that people log in with are not used: their token comes in a header.
local cart = require "cartwright.cart"
local decimal = require "cartwright.decimal"
local graphql = require "shipped.vendure.graphql"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local telling = require "shipped.vendure.telling"

local shop = cart.new {
  title = "Vendure Admin API",
  settings = {
    url = cart.url { required = true, help = "address of the shop's server, without /admin-api" },
    key = cart.secret { required = true, help = "API key of an administrator: Settings > API Keys; the server must "
      .. "allow it (tokenMethod with 'api-key')" },
    channel = cart.text { help = "token of the channel, where the shop has several: Settings > Channels" },
    location = cart.text { help = "number of the stock location that is read and told; where there are several" },
    page_size = cart.integer { default = 50, help = "records asked for at once, at most 1000" },
  },
  http = function(settings)
    return { base = settings.url .. "/", rate = "10/s", burst = 5,
      headers = { ["vendure-api-key"] = settings.key, ["vendure-token"] = settings.channel } }
  end,
}

shop.explain, shop.refuses = graphql.explain, graphql.refuses

-- Connection ----------------------------------------------------------------------------------------------------------

---What each stream reads.
local LISTS = { "orders", "customers", "products", "productVariants", "stockLocations" }

local ABOUT = "{activeChannel{code token pricesIncludeTax defaultCurrencyCode}"
  .. "globalSettings{serverConfig{moneyStrategyPrecision}}}"

---What amounts mean here, and in which channel.
---@return cartwright.Node about
---@return cartwright.Response response
local function read_about(self)
  local about, response = graphql.ask(self, ABOUT)
  local precision = about:integer "globalSettings/serverConfig/moneyStrategyPrecision"
  if precision ~= 2 then
    cart.fail("not-expected", ("the shop's amounts have %s digits behind the point, and this script knows two: extend "
      .. "it, with other `times` of its amounts"):format(precision))
  end
  local channel, wanted = about:node "activeChannel", self.settings.channel
  if not channel then cart.fail("not-expected", "the shop has no active channel", "channel") end
  if wanted and channel:text "token" ~= wanted then
    cart.fail("not-found", ("the shop knows no channel with this token, and answers for %s"):format(
      channel:text "code"), "channel")
  end
  return about, response
end

---@return cartwright.Node
function shop:about() return self:once("about", function() return (read_about(self)) end) end

---The locations of the shop's stock, as "1 North warehouse", and whether the set one is among them.
local function locations_of(self)
  local names, found = {}, false
  for location in self:once("locations", function() return (graphql.ask(self, graphql.LOCATIONS)) end)
    :each "stockLocations/items" do
    names[#names + 1] = ("%s %s"):format(location:text "id", location:text "name")
    found = found or location:text "id" == self.settings.location
  end
  return names, found
end

---@return string[] findings
function shop:test()
  local about, response = read_about(self)
  local missing = {}
  for _, list in ipairs(LISTS) do
    local may, problem = pcall(graphql.ask, self, ("{%s(options:{take:1}){totalItems}}"):format(list))
    if not may and not (type(problem) == "table" and problem.code == "auth") then error(problem, 0) end
    if not may then missing[#missing + 1] = list end
  end
  if #missing > 0 then
    cart.fail("permission", ("the key may not read %s; give its role the permissions to read them under Settings > "
      .. "Roles"):format(table.concat(missing, ", ")), "key")
  end
  local names, found = locations_of(self)
  if self.settings.location and not found then
    cart.fail("not-found", ("the shop has no stock location %s; it has %s"):format(self.settings.location,
      table.concat(names, ", ")), "location")
  end
  local findings = { ("Vendure, channel %s, prices in %s"):format(about:text "activeChannel/code",
    about:text "activeChannel/defaultCurrencyCode"), cart.clock_note(response) }
  if #names > 1 and not self.settings.location then
    findings[#findings + 1] = ("the shop has the stock locations %s: set location to the number of one, to have its "
      .. "stock read and told; without it the sum of all is read and nothing is told"):format(table.concat(names, ", "))
  end
  return findings
end

-- Reading -------------------------------------------------------------------------------------------------------------

local LARGEST_PAGE = 1000 -- the shop's own limit

---@param window cartwright.Window
---@return table? bounds of a time, as the shop's filters take them
local function bounds(window)
  if not window.from then return nil end
  local format = "%Y-%m-%dT%H:%M:%S.000Z"
  return { between = { start = window.from:add(-1):format(format), ["end"] = window.to:add(1):format(format) } }
end

---Reads a list page by page, sorted by id.
---@param list { name: string, options: string, fields: string } in GraphQL's words
---@param filter table?
---@param read_in? fun(records: cartwright.Records) takes in a page before it is stored
---@param store? fun(records: cartwright.Records)
local function walk(self, window, list, filter, read_in, store)
  paging.walk(self, window, { size = math.min(self.settings.page_size, LARGEST_PAGE), store = store,
    read = function(offset, size)
      local records, total = graphql.list(self, list, { skip = offset, take = size, sort = { id = "ASC" },
        filter = filter })
      if read_in and #records > 0 then read_in(records) end
      return records, total
    end })
end

---The same list of ids alone.
local function ids_of(list) return { name = list.name, options = list.options, fields = "id" } end

local function list_ids(self, window, list, filter)
  walk(self, window, ids_of(list), filter, nil, function(records) self:list(records:collect "id") end)
end

---@param read_in? fun(records: cartwright.Records)
local function read_some(self, ids, list, filter, read_in)
  filter.id = { ["in"] = ids }
  local records = graphql.list(self, list, { take = #ids, sort = { id = "ASC" }, filter = filter })
  if #records == 0 then return end
  if read_in then read_in(records) end
  self:emit(records)
end

local CENTS = "0.01"

local function money(path) return map.value(path, { times = CENTS }) end

---@param country string path of its code
local function address(country)
  return map.address {
    external_id = "id",
    name = "fullName",
    company = "company",
    street = "streetLine1",
    street2 = "streetLine2",
    postcode = "postalCode",
    city = "city",
    region = "province",
    country = country,
    phone = "phoneNumber",
  }
end

-- Orders --------------------------------------------------------------------------------------------------------------

local PLACE = "{fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber}"

local ORDERS = { name = "orders", options = "OrderListOptions", fields = "id code type state active createdAt "
  .. "updatedAt orderPlacedAt currencyCode couponCodes totalWithTax total shippingWithTax customer{id firstName "
  .. "lastName emailAddress phoneNumber user{id}} shippingAddress" .. PLACE .. " billingAddress" .. PLACE
  .. " lines{id quantity orderPlacedQuantity unitPriceWithTax proratedUnitPriceWithTax proratedLinePrice "
  .. "proratedLinePriceWithTax taxRate productVariant{id sku name product{id}}} surcharges{id sku description price "
  .. "priceWithTax} discounts{description amountWithTax adjustmentSource} shippingLines{priceWithTax "
  .. "shippingMethod{id code name}} taxSummary{description taxRate taxTotal} payments{id createdAt method amount state "
  .. "transactionId refunds{id total state}} fulfillments{id state method trackingCode createdAt lines{orderLineId "
  .. "quantity}}" }

local CLOSED_CARTS = { active = { eq = false } }

---What was changed inside the window, by either of the two times that tell something.
local function orders_inside(window)
  local filter, within = map.copy(CLOSED_CARTS), bounds(window)
  if not within then return filter end
  filter._or = { { orderPlacedAt = within }, window.by ~= "placed" and { updatedAt = within } or nil }
  return filter
end

---Sums of the payments' amounts: what was taken, what went back, what is authorised.
---@param order cartwright.Node
local function sums_of(order)
  local taken, back, authorised = decimal.new(0), decimal.new(0), decimal.new(0)
  for payment in order:each "payments" do
    local state, amount = payment:text "state", payment:decimal "amount" or 0
    if state == "Settled" then taken = taken + amount end
    if state == "Authorized" then authorised = authorised + amount end
    for refund in payment:each "refunds" do
      if refund:text "state" == "Settled" then back = back + (refund:decimal "total" or 0) end
    end
  end
  return taken, back, authorised
end

---@param order cartwright.Node
---@return string
local function payment_status(order)
  local taken, back, authorised = sums_of(order)
  local owed = order:decimal "totalWithTax" or 0
  if back > 0 then return back >= taken and "refunded" or "partly_refunded" end
  if taken > 0 then return taken >= owed and "paid" or "partly_paid" end
  if authorised > 0 then return "authorised" end
  local last
  for payment in order:each "payments" do last = payment:text "state" end
  return (last == "Declined" or last == "Error") and "failed" or "unpaid"
end

local SENT = { Shipped = true, Delivered = true }

---Pieces of the order, and of these the ones that were sent and that have arrived.
local function pieces_of(order)
  local all, sent, arrived = 0, 0, 0
  for line in order:each "lines" do all = all + (line:integer "quantity" or 0) end
  for parcel in order:each "fulfillments" do
    local state = parcel:text "state"
    for line in parcel:each "lines" do
      local quantity = line:integer "quantity" or 0
      if SENT[state] then sent = sent + quantity end
      if state == "Delivered" then arrived = arrived + quantity end
    end
  end
  return all, sent, arrived
end

---@param order cartwright.Node
---@return string?
local function fulfilment_status(order)
  local all, sent, arrived = pieces_of(order)
  if order:text "state" == "Cancelled" and sent == 0 then return nil end
  if sent == 0 then return "open" end
  if sent < all then return "partial" end
  return arrived < all and "shipped" or "delivered"
end

local BY_PAYMENT = { PaymentAuthorized = true, PaymentSettled = true }

---The row of the table `status`: the shop's state, but for orders that were on their way before they were paid.
---@param order cartwright.Node
---@return string?
local function status_row(order)
  local state = order:text "state"
  if not BY_PAYMENT[state] then return state end
  local all, sent = pieces_of(order)
  if sent == 0 then return state end
  return sent < all and "PartiallyShipped" or "Shipped"
end

---Of the first parcel that was not called off.
local function of_parcel(field)
  return function(order)
    for parcel in order:each "fulfillments" do
      if parcel:text "state" ~= "Cancelled" then return parcel:text(field) end
    end
  end
end

---@param order cartwright.Node
local function paid_total(order)
  local taken, back = sums_of(order)
  return taken - back
end

---@param order cartwright.Node
local function coupons(order)
  local codes = {}
  for code in order:each "couponCodes" do codes[#codes + 1] = code:text() end
  return #codes > 0 and table.concat(codes, ", ") or nil
end

---@param whole string path of the amount with tax
---@param net string of that without
local function tax_in(whole, net)
  return function(record)
    local with, without = record:decimal(whole), record:decimal(net)
    return with and without and with - without
  end
end

shop.orders = {
  id = "id",
  records = "data/orders/items",
  overlap = "2h",
  settle = "5s",

  fetch = function(self, window)
    self:about()
    walk(self, window, ORDERS, orders_inside(window))
  end,
  ids = function(self, window) list_ids(self, window, ORDERS, orders_inside(window)) end,
  read = function(self, ids)
    self:about()
    read_some(self, ids, ORDERS, map.copy(CLOSED_CARTS))
  end,

  skip = {
    ["a cart, not checked out"] = { path = "active", values = { "true" } },
    ["draft of the shop's staff"] = { path = "state", values = { "Draft" } },
    ["seller's part of another order"] = { path = "type", values = { "Seller" } },
  },

  map = map.order {
    number = map.value("code", { required = true }),
    status = map.translate("status", status_row),
    payment_status = payment_status,
    fulfilment_status = fulfilment_status,
    cart_status = "state",
    placed_at = map.first { "orderPlacedAt", "createdAt" },
    changed_at = "updatedAt",
    currency = map.value("currencyCode", { required = true }),
    tax_included = map.constant(true),
    shipping_total = money "shippingWithTax",
    fee_total = map.sum("surcharges/priceWithTax", { times = CENTS }),
    tax_total = money(tax_in("totalWithTax", "total")),
    total = map.value("totalWithTax", { times = CENTS, required = true }),
    paid_total = money(paid_total),
    customer_id = "customer/id",
    email = "customer/emailAddress",
    billing = map.at("billingAddress", address "countryCode"),
    shipping = map.at("shippingAddress", address "countryCode"),
    payment_method = "payments/method",
    shipping_method = "shippingLines/shippingMethod/code",
    shipping_name = "shippingLines/shippingMethod/name",
    carrier = of_parcel "method",
    tracking_number = of_parcel "trackingCode",
    lines = map.each("lines", map.line {
      external_id = "id",
      sku = "productVariant/sku",
      name = "productVariant/name",
      item_id = "productVariant/product/id",
      variant_id = "productVariant/id",
      quantity = map.value("quantity", { required = true }),
      unit_price = money "proratedUnitPriceWithTax",
      total = map.value("proratedLinePriceWithTax", { times = CENTS, required = true }),
      tax = money(tax_in("proratedLinePriceWithTax", "proratedLinePrice")),
      tax_rate = "taxRate",
      custom = { ordered_quantity = map.integer "orderPlacedQuantity" },
    }),
    discounts = map.each("discounts", map.discount {
      name = "description",
      amount = map.value("amountWithTax", { times = CENTS, negate = true }),
    }),
    fees = map.each("surcharges", map.fee {
      name = "description",
      amount = money "priceWithTax",
      tax = money(tax_in("priceWithTax", "price")),
    }),
    payments = map.each("payments", map.payment {
      external_id = "id",
      method = "method",
      amount = money "amount",
      reference = "transactionId",
      paid_at = function(payment) return payment:text "state" == "Settled" and payment:text "createdAt" or nil end,
    }),
    taxes = map.each("taxSummary", map.tax {
      name = "description",
      rate = "taxRate",
      amount = money "taxTotal",
    }),
    custom = { coupons = map.text(coupons) },
  },
}

---A shop may have states of its own: give each a row. {globalSettings{serverConfig{orderProcess{name}}}} lists them.
shop.tables.status = {
  Created = "draft",
  Draft = "draft",
  AddingItems = "draft",
  ArrangingPayment = "draft",
  PaymentAuthorized = "pending",
  PaymentSettled = "paid",
  PartiallyShipped = "processing",
  Shipped = "shipped",
  PartiallyDelivered = "shipped",
  Delivered = "completed",
  Modifying = "on_hold",
  ArrangingAdditionalPayment = "on_hold",
  Cancelled = "cancelled",
}

-- Customers -----------------------------------------------------------------------------------------------------------

local CUSTOMERS = { name = "customers", options = "CustomerListOptions", fields = "id createdAt updatedAt firstName "
  .. "lastName emailAddress phoneNumber user{id} groups{id name} addresses{id fullName company streetLine1 streetLine2 "
  .. "city province postalCode country{code} phoneNumber}" }

---@param customer cartwright.Node
local function is_guest(customer) return not customer:text "user/id" end

local function changed(window)
  local within = bounds(window)
  return within and { [window.by == "placed" and "createdAt" or "updatedAt"] = within }
end

shop.customers = {
  id = "id",
  records = "data/customers/items",
  overlap = "2h",
  settle = "5s",

  fetch = function(self, window) walk(self, window, CUSTOMERS, changed(window)) end,
  ids = function(self, window) list_ids(self, window, CUSTOMERS, changed(window)) end,
  read = function(self, ids) read_some(self, ids, CUSTOMERS, {}) end,

  map = map.customer {
    number = "id",
    email = "emailAddress",
    first_name = "firstName",
    last_name = "lastName",
    company = "addresses/company",
    phone = map.first { "phoneNumber", "addresses/phoneNumber" },
    group = "groups/name",
    guest = is_guest,
    created_at = "createdAt",
    changed_at = "updatedAt",
    addresses = map.each("addresses", address "country/code"),
  },
}

-- Items ---------------------------------------------------------------------------------------------------------------

local ITEMS = { name = "products", options = "ProductListOptions", fields = "id enabled createdAt updatedAt name "
  .. "description variants{id enabled sku name price priceWithTax currencyCode trackInventory taxCategory{id} "
  .. "options{name}}" }

local CHANGED_VARIANTS = { name = "productVariants", options = "ProductVariantListOptions", fields = "id product{id}" }

local MANY = 500 -- products of which a variant changed; where there are more, all are read

---The products of which a variant changed: these are not stamped themselves. nil: too many.
---@return string[]? ids
local function products_of_changed(self, window)
  local ids, seen = {}, {}
  local size = math.min(self.settings.page_size, LARGEST_PAGE)
  paging.walk(self, { from = window.from, to = window.to, by = "changed" }, { size = size,
    read = function(offset, count)
      return graphql.list(self, CHANGED_VARIANTS, { skip = offset, take = count, sort = { id = "ASC" },
        filter = changed(window) })
    end,
    store = function(records)
      for _, id in ipairs(records:collect "product/id") do
        if not seen[id] then seen[id], ids[#ids + 1] = true, id end
      end
    end })
  return #ids <= MANY and ids or nil
end

local function items_inside(self, window)
  local within = changed(window)
  if not within or window.by == "placed" then return within end
  local ids = products_of_changed(self, window)
  if not ids then return nil end
  return { _or = { within, #ids > 0 and { id = { ["in"] = ids } } or nil } }
end

---Prices go by the channel: with or without tax, as the shop's staff types them.
---@param records cartwright.Records
local function attach_channel(self, records)
  records:attach("channel", graphql.records(self, "{activeChannel{pricesIncludeTax defaultCurrencyCode}}", nil,
    "data"))
end

---@param variant cartwright.Node
local function price(variant)
  local with_tax = variant:text "$channel/activeChannel/pricesIncludeTax" == "true"
  return variant:decimal(with_tax and "priceWithTax" or "price")
end

---What a product has that is sold in one form only: each SKU is a variant, and its product has none of its own.
---@param of fun(variant: cartwright.Node): any
local function of_the_only(of)
  return function(product)
    local only = product:node "variants[1]"
    if only and not product:node "variants[2]" then return of(only) end
  end
end

---@param product cartwright.Node
local function item_type(product)
  return product:node "variants[2]" and "variants" or "simple"
end

---"M, red": the options of a variant.
---@param variant cartwright.Node
local function option_names(variant)
  local names = {}
  for option in variant:each "options" do names[#names + 1] = option:text "name" end
  return #names > 0 and table.concat(names, ", ") or variant:text "name"
end

shop.items = {
  id = "id",
  records = "data/products/items",
  overlap = "2h",
  settle = "5s",

  fetch = function(self, window)
    self:about()
    walk(self, window, ITEMS, items_inside(self, window), function(records) attach_channel(self, records) end)
  end,
  ids = function(self, window) list_ids(self, window, ITEMS, changed(window)) end,
  read = function(self, ids)
    self:about()
    read_some(self, ids, ITEMS, {}, function(records) attach_channel(self, records) end)
  end,

  map = map.item {
    sku = of_the_only(function(variant) return variant:text "sku" end),
    name = "name",
    description = "description",
    type = item_type,
    active = "enabled",
    currency = "variants/currencyCode",
    price = money(of_the_only(price)),
    tax_class = "variants/taxCategory/id",
    created_at = "createdAt",
    changed_at = "updatedAt",
    variants = map.each("variants", map.variant {
      external_id = "id",
      sku = "sku",
      name = option_names,
      active = "enabled",
      price = money(price),
    }),
  },
}

-- Stock ---------------------------------------------------------------------------------------------------------------

local STOCK = { name = "productVariants", options = "ProductVariantListOptions", fields = graphql.VARIANT }

---@param records cartwright.Records
local function attach_location(self, records)
  local only = self.settings.location
  if not only then return end
  records:attach("location", graphql.records(self, "query($id:ID!){stockLocation(id:$id){id name}}", { id = only },
    "data"))
end

---What can be sold: what is there without what orders have taken, at the set location or at all of them.
---@param variant cartwright.Node
local function for_sale(variant)
  local only, sum = variant:text "$location/stockLocation/id", decimal.new(0)
  for level in variant:each "stockLevels" do
    if not only or level:text "stockLocationId" == only then
      sum = sum + (level:decimal "stockOnHand" or 0) - (level:decimal "stockAllocated" or 0)
    end
  end
  return sum
end

shop.stock = {
  id = "id",
  records = "data/productVariants/items",
  full = true, -- a sale leaves no stamp

  fetch = function(self, window)
    walk(self, window, STOCK, nil, function(records) attach_location(self, records) end)
  end,

  skip = { ["stock is not kept"] = { path = "trackInventory", values = { "FALSE" } } },

  map = map.stock_level {
    sku = "sku",
    item_id = "product/id",
    variant_id = "id",
    warehouse = "$location/stockLocation/name",
    quantity = for_sale,
  },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

shop.lacks = {
  shipments = "parcels stand in their order, which tells how far it is delivered and its first tracking number",
  customers_out = "an account needs a password or a mail to its owner, which the back office cannot give",
  items_out = "a product needs channel, tax category and options, which the back office has no words for",
  webhook = "the shop sends no notices by itself",
  ["currency-three-decimals"] = "the shop's money strategy has two digits for every currency",
}

return shop
