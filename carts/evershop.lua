---EverShop 2: orders, customers, items, stock. It is read by GraphQL and told by REST; what it is told is in
---evershop/telling.lua, how it is asked in evershop/asking.lua.
---
---Facts this script relies on, all seen in a running 2.2.1:
---  - updatedAt of an order never moves: not when it is paid, sent or cancelled. Orders cannot be filtered by any time.
---    So a sync reads the newest ones down to its window, and open ones are read again by the job refresh.
---  - Lists are sorted by id, the newest first, and asked for by the number of a page. What comes meanwhile moves the
---    rest to later pages, so that some come twice and none is skipped.
---  - A filter, operation or field that the shop does not know is ignored without a word: a mistyped filter returns
---    everything. This script uses no filter but page and limit.
---  - Errors of a query, and refusals, are answered 500. The shop takes 120 requests a minute from one address, then
---    429 with Retry-After; it believes X-Forwarded-For.
---  - A variant is a product of its own. A product that is out of stock vanishes from the list of products, unless the
---    shop's setting to show those is on; switched-off ones never show. Asked for by its number it is still there.
---  - subTotalInclTax - discountAmount + shippingFeeInclTax = grandTotal, the discount being gross. subTotal is net.
---  - The items of an order come in another order each time, and so may a whole order with the same content.
---  - A province that is not in the shop's list has its text in code, and INVALID_PROVINCE as its name.
---  - Guests are no customers: an order has their name and mail address, and no customerId.
---  - A token lives 15 minutes unless the server says otherwise (JWT_ADMIN_TOKEN_EXPIRY), which the answer does not
---    tell.
---
---Not known: payments other than cash on delivery; their states (PayPal, Stripe) are translated as the shop names them.
local asking = require "shipped.evershop.asking"
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local telling = require "shipped.evershop.telling"

local shop = cart.new {
  title = "EverShop",
  settings = {
    url = cart.url { required = true, help = "address of the shop, without /api" },
    email = cart.text { required = true, help = "with which an administrator logs in" },
    password = cart.secret { required = true, help = "of that administrator" },
    page_size = cart.integer { default = 50, help = "records asked for at once" },
  },
  http = function(settings)
    return { base = settings.url .. "/", rate = "100/m", burst = 20,
      token = { path = "api/user/tokens", json = { email = settings.email, password = settings.password },
        at = "data/accessToken", lifetime = 600 } }
  end,
}

shop.explain, shop.refuses = asking.explain, asking.refuses

-- Connection ----------------------------------------------------------------------------------------------------------

---What it means when there is no token, by the words in which the runtime says so: the address is wrong rather than the
---password where nothing like a token comes.
local WITHOUT_TOKEN = {
  { "HTTP 404", "not-found", "no EverShop at this address; check it" },
  { "HTTP 403", "permission", "a web server or firewall before the shop refuses the request" },
  { "not with a token in JSON", "not-expected", "the address answers, but not as EverShop does; check it" },
}

---@return cartwright.Node about
---@return cartwright.Response response
local function ask_first(self)
  local done, about, response = pcall(asking.ask, self, "{version setting{storeName storeCurrency "
    .. "catalogShowOutOfStockProduct} orders{total}}")
  if done then return about, response end
  for _, cause in ipairs(WITHOUT_TOKEN) do
    local is_it = type(about) == "table" and about.code == "auth" and tostring(about):find(cause[1], 1, true)
    if is_it then cart.fail(cause[2], ("%s; %s"):format(cause[3], tostring(about)), "url") end
  end
  error(about, 0)
end

---@return string[] findings
function shop:test()
  local about, response = ask_first(self)
  if not about:text "orders/total" then
    cart.fail("permission", "the shop does not tell how many orders it has: the user is no administrator", "email")
  end
  local findings = { ("EverShop %s, prices in %s"):format(about:text "version" or "of unknown version",
    about:text "setting/storeCurrency" or "an unknown currency"), cart.clock_note(response) }
  if about:text "setting/catalogShowOutOfStockProduct" ~= "true" then
    findings[#findings + 1] = "the shop leaves products that are out of stock out of its list, so that their stock of "
      .. "0 is not read: switch on Settings > Catalog > Show out of stock products"
  end
  return findings
end

-- Reading -------------------------------------------------------------------------------------------------------------

local LARGEST_PAGE = 500

---Reads a list from its newest record on.
---@param list { name: string, id: string, fields: string }
---@param is_past? fun(record: cartwright.Node): boolean whether the list need not be read behind this record
---@param store? fun(records: cartwright.Records)
local function walk(self, window, list, is_past, store)
  local over, total = false, 0
  paging.numbers(self, window, { size = math.min(self.settings.page_size, LARGEST_PAGE), store = store,
    read = function(page, size)
      if over then return nil, total end
      local records, count = asking.list(self, list, page, size)
      total = count or total
      if is_past then
        for record in records:each() do over = over or is_past(record) end
      end
      return records, total
    end })
end

---@param record cartwright.Node
---@return integer seconds since 1970
local function made_at(record) return (record:integer "createdAt/value" or 0) // 1000 end

---Whether a record was made before the window.
local function before(window)
  local from = window.from and math.tointeger(tonumber(window.from:format "%s"))
  return from and function(record) return made_at(record) < from end
end

local function at(path) return map.time(path, { format = "%Q" }) end

local function money(path) return map.value(path .. "/value") end

-- Orders --------------------------------------------------------------------------------------------------------------

local PLACE = "{uuid fullName postcode telephone country{code} province{code name} city address1 address2}"

local ORDERS = { name = "orders", id = "uuid", fields = "uuid orderId orderNumber currency customerId customerEmail "
  .. "customerFullName coupon shippingNote createdAt{value} status{code} paymentStatus{code} shipmentStatus{code} "
  .. "paymentMethod paymentMethodName shippingMethodName shippingMethodData{providerCode methodCode} "
  .. "discountAmount{value} shippingFeeInclTax{value} totalTaxAmount{value} grandTotal{value} shippingAddress" .. PLACE
  .. " billingAddress" .. PLACE .. " items{orderItemId productId productSku productName qty finalPriceInclTax{value} "
  .. "taxPercent taxAmount{value} lineTotalInclTax{value}} shipments{uuid carrier carrierName trackingNumber "
  .. "status{code} items{orderItemId qty}}" }

local function address()
  return map.address {
    external_id = "uuid",
    name = "fullName",
    street = "address1",
    street2 = "address2",
    postcode = "postcode",
    city = "city",
    region = "province/code",
    country = "country/code",
    phone = "telephone",
  }
end

local LEFT = { shipped = true, in_transit = true, partially_delivered = true, delivered = true }

---The row of the table `status`: the shop's word, and for orders in work whether all of it has left.
---@param order cartwright.Node
---@return string?
local function status_row(order)
  local status = order:text "status/code"
  if status == "processing" and LEFT[order:text "shipmentStatus/code"] then return "processing, shipped" end
  return status
end

---Of the first parcel that was not called off.
local function of_parcel(field)
  return function(order)
    for parcel in order:each "shipments" do
      if parcel:text "status/code" ~= "canceled" then return parcel:text(field) end
    end
  end
end

local IDS = "uuid createdAt{value}"

shop.orders = {
  id = "uuid",
  records = "data/orders/items",
  overlap = "2h",
  settle = "5s",

  fetch = function(self, window) walk(self, window, ORDERS, before(window)) end,

  ids = function(self, window)
    local to = math.tointeger(tonumber(window.to:format "%s"))
    local is_past = before(window) or function() return false end
    walk(self, window, { name = "orders", id = "uuid", fields = IDS }, before(window), function(records)
      local ids = {}
      for record in records:each() do
        if not is_past(record) and made_at(record) <= to then ids[#ids + 1] = record:text "uuid" end
      end
      self:list(ids)
    end)
  end,

  read = function(self, ids)
    local records = asking.some(self, ORDERS, ids)
    if records then self:emit(records) end
  end,

  map = map.order {
    number = map.value("orderNumber", { required = true }),
    status = map.translate("status", status_row),
    payment_status = map.translate("payment", "paymentStatus/code"),
    fulfilment_status = map.translate("fulfilment", "shipmentStatus/code"),
    cart_status = "status/code",
    second_status = map.join({ "paymentStatus/code", "shipmentStatus/code" }, ", "),
    placed_at = at "createdAt/value",
    currency = map.value("currency", { required = true }),
    tax_included = map.constant(true),
    discount_total = money "discountAmount",
    shipping_total = money "shippingFeeInclTax",
    tax_total = money "totalTaxAmount",
    total = map.value("grandTotal/value", { required = true }),
    rounding = map.constant "total",
    customer_id = "customerId",
    email = "customerEmail",
    billing = map.at("billingAddress", address()),
    shipping = map.at("shippingAddress", address()),
    payment_method = "paymentMethod",
    payment_name = "paymentMethodName",
    shipping_method = "shippingMethodData/methodCode",
    shipping_name = "shippingMethodName",
    carrier = of_parcel "carrier",
    tracking_number = of_parcel "trackingNumber",
    note = "shippingNote",
    lines = map.each("items", map.line {
      external_id = "orderItemId",
      sku = "productSku",
      name = "productName",
      item_id = "productId",
      quantity = map.value("qty", { required = true }),
      unit_price = money "finalPriceInclTax",
      total = map.value("lineTotalInclTax/value", { required = true }),
      tax = money "taxAmount",
      tax_rate = "taxPercent",
    }),
    custom = { coupon = map.text "coupon", buyer = map.text "customerFullName" },
  },
}

---Extensions add states of their own: give each a row. {statusList{code} paymentStatusList{code}
---shipmentStatusList{code}} lists them.
shop.tables.status = {
  ["new"] = "pending",
  ["processing"] = "processing",
  ["processing, shipped"] = "shipped",
  ["completed"] = "completed",
  ["closed"] = "completed",
  ["canceled"] = "cancelled",
}

shop.tables.payment = {
  pending = "unpaid",
  paid = "paid",
  canceled = "unpaid",
  paypal_authorized = "authorised",
  paypal_captured = "paid",
  stripe_authorized = "authorised",
  stripe_captured = "paid",
  stripe_failed = "failed",
  stripe_refunded = "refunded",
  stripe_partial_refunded = "partly_refunded",
}

shop.tables.fulfilment = {
  pending = "open",
  partially_shipped = "partial",
  in_transit = "shipped",
  shipped = "shipped",
  partially_delivered = "shipped",
  delivered = "delivered",
  partially_canceled = "partial",
  canceled = false,
}

-- Customers -----------------------------------------------------------------------------------------------------------

local CUSTOMERS = { name = "customers", id = "customerId", fields = "customerId uuid status email fullName "
  .. "createdAt{value} addresses{uuid fullName postcode telephone country{code} province{code} city address1 address2}" }

---The shop keeps one name. Its last word is taken for the family name, and what stands before it for the others; the
---whole of it is in the custom field `name`.
local function first_names(customer) return (customer:text "fullName" or ""):match "^(.-)%s+%S+$" end
local function family_name(customer) return (customer:text "fullName" or ""):match "(%S+)$" end

shop.customers = {
  id = "customerId",
  records = "data/customers/items",
  full = true, -- customers have no time of change

  fetch = function(self, window) walk(self, window, CUSTOMERS) end,

  map = map.customer {
    number = "customerId",
    email = "email",
    first_name = first_names,
    last_name = family_name,
    active = "status",
    created_at = at "createdAt/value",
    addresses = map.each("addresses", address()),
    custom = { name = map.text "fullName" },
  },
}

-- Items ---------------------------------------------------------------------------------------------------------------

local ITEMS = { name = "products", id = "productId", fields = "productId uuid name status sku weight{value} taxClass "
  .. "noShippingRequired price{regular{value currency}} variantGroupId" }

---@param product cartwright.Node
local function item_type(product)
  return product:text "noShippingRequired" == "true" and "virtual" or "simple"
end

shop.items = {
  id = "productId",
  records = "data/products/items",
  full = true, -- their time of change never moves

  fetch = function(self, window) walk(self, window, ITEMS) end,

  map = map.item {
    sku = "sku",
    name = "name",
    type = item_type,
    group = "variantGroupId", -- products of which each is a variant of the same
    active = "status",
    currency = "price/regular/currency",
    price = money "price/regular",
    weight = "weight/value",
    tax_class = "taxClass",
  },
}

-- Stock ---------------------------------------------------------------------------------------------------------------

local STOCK = { name = "products", id = "productId", fields = "productId sku inventory{qty manageStock}" }

shop.stock = {
  id = "productId",
  records = "data/products/items",
  full = true,

  fetch = function(self, window) walk(self, window, STOCK) end,

  skip = { ["stock is not kept"] = { path = "inventory/manageStock", values = { "0", "false" } } },

  map = map.stock_level {
    sku = "sku",
    item_id = "productId",
    quantity = map.value("inventory/qty", { required = true }),
  },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

shop.lacks = {
  shipments = "parcels stand in their order, which tells how far it is delivered and its first tracking number",
  customers_out = "an account needs a password, which the back office cannot give",
  items_out = "a product needs tax class, attribute group and URL, which the back office has no words for",
  webhook = "the shop sends no notices by itself",
  ["order-shrinks"] = "rows do not say what was paid back of them",
  ["list-moves"] = "no order leaves the list; what comes moves the rest to later pages, where it comes again",
  ["item-variants"] = "a variant is a product of its own; those of one kind have the same group",
}

return shop
