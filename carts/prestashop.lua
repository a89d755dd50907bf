---PrestaShop 1.6, 1.7 and 8 (and thirty bees) through the web service: orders, customers, items, stock. What the
---shop is told is in prestashop/telling.lua and its parts.
---
---Facts this script relies on:
---  - XML is the only form that all versions get right. An empty list is a list; "0", nothing and "0000-00-00 00:00:00"
---    all mean "none". CDATA may stand in white space.
---  - Dates are local times of the shop, without a zone. Filters on them need date=1; an interval has both its ends.
---    In the night when the clocks go back an hour comes twice: windows overlap by two hours.
---  - Lists are sorted and cut only when asked to; how many records there are is never told.
---  - Ids of order states differ from version to version and from shop to shop; flags and mail templates do not.
---  - Editing a carrier makes a new one; id_reference stays. An order may name a carrier or an address that is deleted.
---  - Orders of one cart share a reference, and payments hang on the reference.
---  - total_paid_tax_incl is owed; total_paid is what the payment module said. A partial refund changes neither,
---    nor do rows say whether pieces that were paid back had left: they stay in demand until somebody takes them out.
---  - customers are returned with their password hash unless the fields are named. They are named here.
---  - A product's own price and weight are the base; a combination has the difference. Stock has no time of change.
---  - Changes of an order's tracking, slips or messages, and of addresses, do not always touch the date_upd of the
---    order or customer: those arrive with its next change.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local telling = require "shipped.prestashop.telling"

local shop = cart.new {
  title = "PrestaShop web service",
  settings = {
    url = cart.url { required = true, help = "address of the shop, without /api" },
    key = cart.secret { required = true, help = "Advanced Parameters > Webservice" },
    shop_id = cart.integer { help = "number of the shop in a multistore; default: the store's default shop" },
    language = cart.integer { help = "number of the language of names; default: the shop's first" },
    page_size = cart.integer { default = 100, help = "records asked for at once; 50 to 200 suit most hosts" },
    send_mail = cart.boolean { default = true, help = "whether the shop mails the buyer about it" },
  },
  http = function(settings)
    return { base = settings.url .. "/api/", basic = { settings.key, "" }, rate = "10/s", burst = 5 }
  end,
}

-- Connection ----------------------------------------------------------------------------------------------------------

---What the shop's own error codes mean: code of the test, setting to look at, what to do.
local CAUSES = {
  ["16"] = { "auth", "key", "the shop does not know this key" },
  ["17"] = { "auth", "key", "the key did not arrive. If one is set, the web server keeps it from PHP: CGIPassAuth On, "
    .. "or SetEnvIf Authorization, in the server's configuration mends that" },
  ["18"] = { "auth", "key", "the key is malformed; it has 32 characters" },
  ["20"] = { "auth", "key", "the key is switched off in the shop" },
  ["21"] = { "permission", "key", "the key has no permissions at all" },
  ["22"] = { "unavailable", nil, "the web service is off: Advanced Parameters > Webservice > Enable" },
  ["26"] = { "permission", "key", "the key may not read this; allow View (GET) for it" },
}

---What it means when not the shop but its web server answers.
local WEB_PAGES = {
  [401] = { "auth", "url", "the web server itself asks for a password, before the shop" },
  [403] = { "permission", "url", "the web server or a firewall refuses the request" },
  [404] = { "not-found", "url", "no web service at this address; check it, and that friendly URLs are on in the shop" },
  [503] = { "unavailable", nil, "the shop is in maintenance" },
}

---@param response cartwright.Response
---@return string? words
---@return string? code
---@return string? setting
function shop.explain(_, response)
  local is_xml, root = pcall(response.xml, response)
  local reported = is_xml and root:node "errors/error"
  if not reported then
    local page = WEB_PAGES[response.status] or {}
    return page[3], page[1], page[2]
  end
  local number, message = reported:text "code" or "none", reported:text "message" or "without words"
  local words = ("%s (error %s of the shop)"):format(message, number)
  local cause = CAUSES[number]
  if not cause then return words end
  return cause[3] .. "; " .. words, cause[1], cause[2]
end

---What each stream reads. The first name of a pair is that of newer versions.
local NEEDED = { "orders", "order_states", { "order_cart_rules", "order_discounts" }, "order_payments", "carriers",
  "addresses", "countries", "states", "currencies", "languages", "customers", "products", "combinations",
  "product_option_values", "stock_availables" }

---@param api cartwright.Node
---@return boolean
local function may_read(api, resource)
  if type(resource) == "table" then return may_read(api, resource[1]) or may_read(api, resource[2]) end
  return api:text(resource .. "/@get") == "true"
end

---@return cartwright.Node api
local function read_api(self)
  local response = self:get ""
  local is_xml, root = pcall(response.xml, response)
  local api = is_xml and root:node "api"
  if not api then
    cart.fail("not-expected", ("the address answers, but not as PrestaShop's web service does (%s); check the address, "
      .. "and that it is not redirected to the shop's home page"):format(is_xml and "no <api> in it" or root), "url")
  end
  return api, response
end

---Whether the key allows a method ("patch") for a resource; shops before 8.0 do not know all of them.
---@return boolean
function shop:may(resource, method)
  return self:once("api", read_api):text(resource .. "/@" .. method) == "true"
end

---@return string[] findings
function shop:test()
  local api, response = read_api(self)
  local missing = {}
  for _, resource in ipairs(NEEDED) do
    local name = type(resource) == "table" and resource[1] or resource
    if not may_read(api, resource) then missing[#missing + 1] = name end
  end
  if #missing > 0 then
    cart.fail("permission", ("the key may not read %s; allow View (GET) for them under Advanced Parameters > "
      .. "Webservice"):format(table.concat(missing, ", ")), "key")
  end
  return { "PrestaShop " .. (response:header "PSWS-Version" or "of unknown version"), cart.clock_note(response) }
end

-- Reading -------------------------------------------------------------------------------------------------------------

local BATCH = 100 -- ids in one request; longer addresses are refused by some hosts

local RECORDS = {
  addresses = "addresses/address", carriers = "carriers/carrier", combinations = "combinations/combination",
  countries = "countries/country", currencies = "currencies/currency", customers = "customers/customer",
  languages = "languages/language", order_cart_rules = "order_cart_rules/order_cart_rule",
  order_discounts = "order_discounts/order_discount", order_payments = "order_payments/order_payment",
  order_states = "order_states/order_state", orders = "orders/order",
  product_option_values = "product_option_values/product_option_value", products = "products/product",
  states = "states/state", stock_availables = "stock_availables/stock_available",
}

---@return cartwright.Records
local function read(self, resource, query)
  query.id_shop, query.language = self.settings.shop_id, self.settings.language
  return self:get(resource, query):records(RECORDS[resource])
end

---A whole list that belongs to the shop, read once a run.
---@return cartwright.Records
local function whole(self, resource, fields, filters)
  return self:once(resource, function()
    local query = map.copy(filters or {})
    query.display = fields
    return read(self, resource, query)
  end)
end

---The records of which `field` is one of `texts`; nil when there are no texts.
---@return cartwright.Records?
local function among(self, resource, fields, field, texts)
  local found
  for first = 1, #texts, BATCH do
    local some = table.concat(texts, "|", first, math.min(first + BATCH - 1, #texts))
    local records = read(self, resource, { display = fields, ["filter[" .. field .. "]"] = "[" .. some .. "]" })
    if found then found:append(records) else found = records end
  end
  return found
end

---Attaches to each record those of `resource` whose field `there` is what the record has at `here`.
local function attach(self, records, name, resource, fields, here, there)
  local others = among(self, resource, fields, there, records:collect(here))
  if others then records:attach(name, others, here, there) end
end

---The query for what was changed, or made, inside the window, in the shop's local time.
local function inside(self, window)
  if not window.from then return {} end
  local format, field = "%Y-%m-%d %H:%M:%S", window.by == "placed" and "date_add" or "date_upd"
  return { date = 1, ["filter[" .. field .. "]"] = ("[%s,%s]"):format(window.from:format(format, self.zone),
    window.to:format(format, self.zone)) }
end

---Reads a list page by page.
---@param fields string of each record
---@param size integer records a page
---@param read_in? fun(records: cartwright.Records) takes in a page before it is stored
---@param store? fun(records: cartwright.Records) stores it; default: as records of the stream
local function walk(self, window, resource, fields, size, read_in, store)
  local query = inside(self, window)
  query.display, query.sort = fields, "[id_ASC]"
  paging.walk(self, window, { size = size, store = store, read = function(offset, count)
    local page = map.copy(query)
    page.limit = ("%d,%d"):format(offset, count)
    local records = read(self, resource, page)
    if read_in and #records > 0 then read_in(records) end
    return records
  end })
end

---What changed; `complete` attaches to a page's records what belongs to them.
local function fetch(self, window, resource, fields, complete)
  walk(self, window, resource, fields, self.settings.page_size, function(records) complete(self, records) end)
end

local IDS = 1000 -- in one answer: 50 bytes each

---Which records there are.
local function list(self, window, resource)
  walk(self, window, resource, "[id]", IDS, nil, function(records) self:list(records:collect "id") end)
end

---Those records, with the same fields and attachments as fetch has them.
local function read_some(self, ids, resource, fields, complete)
  local records = among(self, resource, fields, "id", ids)
  if not records or #records == 0 then return end
  complete(self, records)
  self:emit(records)
end

-- Orders --------------------------------------------------------------------------------------------------------------

---@param country map.Any
---@param region map.Any
local function address(country, region)
  return map.address {
    external_id = "id",
    first_name = "firstname",
    last_name = "lastname",
    company = "company",
    vat_number = "vat_number",
    street = "address1",
    street2 = "address2",
    postcode = "postcode",
    city = "city",
    region = region,
    country = country,
    phone = "phone",
    mobile = "phone_mobile",
    note = "other",
  }
end

---Discounts of orders have another name in old shops.
local function discounts_resource(self)
  return self:once("discounts resource", function()
    return may_read(read_api(self), "order_cart_rules") and "order_cart_rules" or "order_discounts"
  end)
end

---@param orders cartwright.Records
local function complete_orders(self, orders)
  local addresses = among(self, "addresses", "full", "id", orders:collect("id_address_delivery", "id_address_invoice"))
  for part, here in pairs { delivery = "id_address_delivery", invoice = "id_address_invoice" } do
    if addresses then orders:attach(part, addresses, here, "id") end
    orders:attach(part .. "_country", whole(self, "countries", "[id,iso_code]"), "$" .. part .. "/id_country", "id")
    orders:attach(part .. "_state", whole(self, "states", "[id,iso_code]"), "$" .. part .. "/id_state", "id")
  end
  orders:attach("state", whole(self, "order_states", "full"), "current_state", "id")
  orders:attach("carrier", whole(self, "carriers", "[id,id_reference,name]"), "id_carrier", "id")
  orders:attach("currency", whole(self, "currencies", "[id,iso_code]"), "id_currency", "id")
  orders:attach("language", whole(self, "languages", "[id,iso_code]"), "id_lang", "id")
  attach(self, orders, "customer", "customers", "[id,email,is_guest]", "id_customer", "id")
  attach(self, orders, "discount", discounts_resource(self), "full", "id", "id_order")
  attach(self, orders, "payment", "order_payments", "full", "reference", "order_reference")
end

---Mail templates that tell what the flags do not.
local TEMPLATES = {
  cheque = "awaiting payment", bankwire = "awaiting payment", cashondelivery = "cash on delivery",
  outofstock = "back order", order_canceled = "cancelled", refund = "refunded", payment_error = "payment error",
}

---The row of the table `status` for an order state: by its mail template, else by its flags.
---@param state cartwright.Node
---@return string
function shop.row_of(state)
  local template = state:text "template/language"
  if TEMPLATES[template] then return TEMPLATES[template] end
  local function has(flag) return state:text(flag) == "1" end
  if has "shipped" then return (template or has "send_email") and "shipped" or "delivered" end
  if has "delivery" then return "in preparation" end
  return has "paid" and "paid" or "awaiting payment"
end

---@param order cartwright.Node
---@return string
function shop.status_row(order)
  local state, id = order:node "$state", order:text "current_state"
  if state then return shop.row_of(state) end
  return id and id ~= "0" and "state " .. id or "no state"
end

---@param order cartwright.Node
---@return string
local function payment_status(order)
  local row = shop.status_row(order)
  if row == "refunded" then return "refunded" end
  if row == "payment error" then return "failed" end
  local paid, owed = order:decimal "total_paid_real" or 0, order:decimal "total_paid_tax_incl" or 0
  if paid >= owed then return "paid" end
  return paid > 0 and "partly_paid" or "unpaid"
end

---@param order cartwright.Node
local function tax_total(order)
  local with, without = order:decimal "total_paid_tax_incl", order:decimal "total_paid_tax_excl"
  return with and without and with - without
end

---Shops of 1.6 write 0 for "not recorded", which for the mode alone would mean "up".
---@param order cartwright.Node
local function round_mode(order)
  if order:text "round_type" == "0" then return nil end
  return order:text "round_mode"
end

local NO_TIME = { none = { "0000-00-00 00:00:00", "0000-00-00", "0" } }
local NO_ID = { none = "0" }

shop.orders = {
  id = "id",
  records = "orders/order",
  overlap = "2h",
  settle = "5s",

  fetch = function(self, window) fetch(self, window, "orders", "full", complete_orders) end,
  ids = function(self, window) list(self, window, "orders") end,
  read = function(self, ids) read_some(self, ids, "orders", "full", complete_orders) end,

  map = map.order {
    number = map.first { "reference", "id" },
    status = map.translate("status", shop.status_row),
    payment_status = payment_status,
    fulfilment_status = map.translate("fulfilment", shop.status_row),
    cart_status = "$state/name/language",
    placed_at = map.time("date_add", NO_TIME),
    changed_at = map.time("date_upd", NO_TIME),
    channel = map.value("id_shop", NO_ID),
    language = "$language/iso_code",
    currency = map.value("$currency/iso_code", { required = true }),
    tax_included = map.constant(true),
    goods_total = "total_products_wt",
    discount_total = "total_discounts_tax_incl",
    shipping_total = "total_shipping_tax_incl",
    fee_total = "total_wrapping_tax_incl",
    tax_total = tax_total,
    total = map.value("total_paid_tax_incl", { required = true }),
    paid_total = "total_paid_real",
    rounding = map.translate("round_type", "round_type"),
    rounding_mode = map.translate("round_mode", round_mode),
    customer_id = map.value("id_customer", NO_ID),
    email = "$customer/email",
    billing = map.at("$invoice", address("$invoice_country/iso_code", "$invoice_state/iso_code")),
    shipping = map.at("$delivery", address("$delivery_country/iso_code", "$delivery_state/iso_code")),
    payment_method = "module",
    payment_name = "payment",
    shipping_method = map.first({ "$carrier/id_reference", "id_carrier" }, NO_ID),
    shipping_name = map.value("$carrier/name", NO_ID), -- "0" stands for the shop's own name
    tracking_number = "shipping_number",
    note = "note",
    gift_message = "gift_message",
    lines = map.each("associations/order_rows/order_row", map.line {
      external_id = "id",
      sku = "product_reference",
      name = "product_name",
      barcode = map.first { "product_ean13", "product_upc", "product_isbn" },
      item_id = map.value("product_id", NO_ID),
      variant_id = map.value("product_attribute_id", NO_ID),
      quantity = map.value("product_quantity", { required = true }),
      unit_price = map.value("unit_price_tax_incl", { required = true }),
      custom = { customization_id = map.value("id_customization", NO_ID) },
    }),
    discounts = map.each("$discount", map.discount {
      name = "name",
      amount = "value",
      tax = function(discount)
        local with, without = discount:decimal "value", discount:decimal "value_tax_excl"
        return with and without and with - without
      end,
    }),
    payments = map.each("$payment", map.payment {
      external_id = "id",
      method = "payment_method",
      amount = "amount",
      reference = "transaction_id",
      paid_at = map.time("date_add", NO_TIME),
    }),
    custom = { invoice_number = map.value("invoice_number", NO_ID) },
  },
}

shop.tables.status = {
  ["no state"] = "draft",
  ["awaiting payment"] = "pending",
  ["cash on delivery"] = "pending",
  ["payment error"] = "failed",
  ["paid"] = "paid",
  ["back order"] = "backorder",
  ["in preparation"] = "processing",
  ["shipped"] = "shipped",
  ["delivered"] = "completed",
  ["cancelled"] = "cancelled",
  ["refunded"] = "refunded",
}

shop.tables.fulfilment = {
  ["shipped"] = "shipped",
  ["delivered"] = "delivered",
  ["cancelled"] = false,
  ["refunded"] = false,
  ["payment error"] = false,
  ["*"] = "open",
}

shop.tables.round_type = { ["0"] = false, ["1"] = "item", ["2"] = "line", ["3"] = "total" }

---5, half to odd, has no name here and is only told from half up by amounts that end in half a cent.
shop.tables.round_mode = { ["0"] = "up", ["1"] = "down", ["2"] = "half-up", ["3"] = "half-down", ["4"] = "half-even",
  ["5"] = false }

-- Customers -----------------------------------------------------------------------------------------------------------

local CUSTOMER_FIELDS = "[id,id_default_group,id_lang,lastname,firstname,email,company,siret,note,is_guest,active,"
  .. "deleted,date_add,date_upd]"

---@param customers cartwright.Records
local function complete_customers(self, customers)
  local addresses = among(self, "addresses", "full", "id_customer", customers:collect "id")
  if addresses then customers:attach("address", addresses, "id", "id_customer") end
  customers:attach("country", whole(self, "countries", "[id,iso_code]"), "$address/id_country", "id")
  customers:attach("state", whole(self, "states", "[id,iso_code]"), "$address/id_state", "id")
  customers:attach("language", whole(self, "languages", "[id,iso_code]"), "id_lang", "id")
end

---The code of the attached record whose id stands in `field`.
local function code_of(part, field)
  return function(record)
    local wanted = record:text(field)
    for candidate in record:each("$" .. part) do
      if candidate:text "id" == wanted then return candidate:text "iso_code" end
    end
  end
end

---A customer who is deleted keeps the mark of one who may log in.
---@param customer cartwright.Node
local function is_active(customer) return customer:text "active" == "1" and customer:text "deleted" ~= "1" end

shop.customers = {
  id = "id",
  records = "customers/customer",
  overlap = "2h",
  settle = "5s",

  fetch = function(self, window) fetch(self, window, "customers", CUSTOMER_FIELDS, complete_customers) end,
  ids = function(self, window) list(self, window, "customers") end,
  read = function(self, ids) read_some(self, ids, "customers", CUSTOMER_FIELDS, complete_customers) end,

  skip = { ["deleted in the shop"] = { path = "deleted", values = { "1" } } },

  map = map.customer {
    number = "id",
    email = "email",
    first_name = "firstname",
    last_name = "lastname",
    company = map.first { "company", "$address[deleted=0]/company" },
    vat_number = "$address[deleted=0]/vat_number",
    phone = map.first { "$address[deleted=0]/phone", "$address[deleted=0]/phone_mobile" },
    language = "$language/iso_code",
    group = map.value("id_default_group", NO_ID),
    guest = "is_guest",
    active = is_active,
    note = "note",
    created_at = map.time("date_add", NO_TIME),
    changed_at = map.time("date_upd", NO_TIME),
    addresses = map.each("$address[deleted=0]",
      address(code_of("country", "id_country"), code_of("state", "id_state"))),
    custom = { siret = "siret" },
  },
}

-- Items ---------------------------------------------------------------------------------------------------------------

local COMBINATION_FIELDS = "[id,id_product,reference,ean13,upc,price,weight,product_option_values[id]]"

---@param items cartwright.Records
local function complete_items(self, items)
  local options = "$combination/associations/product_option_values/product_option_value/id"
  items:attach("currency", whole(self, "currencies", "[id,iso_code]", { ["filter[conversion_rate]"] = "[1]" }))
  attach(self, items, "combination", "combinations", COMBINATION_FIELDS, "id", "id_product")
  attach(self, items, "base", "products", "[id,price,weight]", "$combination/id_product", "id")
  attach(self, items, "option", "product_option_values", "[id,name]", options, "id")
end

---What a combination adds to its product.
local function with_base(field)
  return function(combination)
    local base, difference = combination:decimal("$base/" .. field), combination:decimal(field)
    return base and base + (difference or 0)
  end
end

---"S, White": the names of a combination's options.
local function option_names(combination)
  local names, chosen = {}, {}
  for value in combination:each "associations/product_option_values/product_option_value" do
    chosen[value:text "id"] = true
  end
  for option in combination:each "$option" do
    if chosen[option:text "id"] then names[#names + 1] = option:text "name/language" end
  end
  return #names > 0 and table.concat(names, ", ") or nil
end

---`type` calls products with combinations simple; product_type exists since 1.7.8.
local function item_type(product)
  if product:node "$combination" then return "combinations" end
  return product:text "product_type" or product:text "type"
end

shop.items = {
  id = "id",
  records = "products/product",
  overlap = "2h",
  settle = "5s",

  fetch = function(self, window) fetch(self, window, "products", "full", complete_items) end,
  ids = function(self, window) list(self, window, "products") end,
  read = function(self, ids) read_some(self, ids, "products", "full", complete_items) end,

  skip = { ["draft of the back office"] = { path = "state", values = { "0" } } },

  map = map.item {
    sku = "reference",
    name = "name/language",
    description = "description/language",
    type = map.translate("product_type", item_type),
    barcode = map.first { "ean13", "upc", "isbn" },
    vendor_sku = "supplier_reference",
    active = "active",
    currency = "$currency/iso_code",
    price = "price",
    cost = "wholesale_price",
    weight = "weight",
    tax_class = map.value("id_tax_rules_group", NO_ID),
    created_at = map.time("date_add", NO_TIME),
    changed_at = map.time("date_upd", NO_TIME),
    variants = map.each("$combination", map.variant {
      external_id = "id",
      sku = "reference",
      name = option_names,
      barcode = map.first { "ean13", "upc" },
      price = with_base "price",
      weight = with_base "weight",
    }),
    custom = { name_2 = map.text "name/language[2]" }, -- in the shop's second language
  },
}

shop.tables.product_type = { simple = "simple", standard = "simple", combinations = "variants", pack = "kit",
  virtual = "virtual" }

-- Stock ---------------------------------------------------------------------------------------------------------------

---@param rows cartwright.Records
local function complete_stock(self, rows)
  attach(self, rows, "product", "products", "[id,reference,cache_default_attribute]", "id_product", "id")
  attach(self, rows, "combination", "combinations", "[id,reference]", "id_product_attribute", "id")
end

---@param row cartwright.Node
local function is_sum(row)
  local default_combination = row:integer "$product/cache_default_attribute" or 0
  return default_combination > 0 and row:integer "id_product_attribute" == 0
end

shop.stock = {
  id = "id",
  records = "stock_availables/stock_available",
  full = true, -- stock has no time of change

  fetch = function(self, window) fetch(self, window, "stock_availables", "full", complete_stock) end,

  skip = { ["sum of its combinations"] = is_sum },

  map = map.stock_level {
    sku = map.first { "$combination/reference", "$product/reference" }, -- as order rows do it
    item_id = "id_product",
    variant_id = map.value("id_product_attribute", NO_ID),
    warehouse = map.value("id_shop", NO_ID), -- absent where a group of shops shares its stock
    quantity = map.value("quantity", { required = true }),
    custom = { location = "location" },
  },
}

-- Telling the shop ----------------------------------------------------------------------------------------------------

for stream, functions in pairs(telling) do shop[stream] = functions end

shop.lacks = {
  shipments = "an order has one field for the tracking numbers of all its parcels, which comes with the order",
  webhook = "the shop sends no notices",
  ["shipments-out-partial"] = "the shop does not keep which pieces are in a parcel",
  ["order-shrinks"] = "rows do not say whether pieces that were paid back had left before",
}

---The shop's numbers for our words: of order states where their flags do not tell, of customer groups, of tax rules.
shop.tables.status_out, shop.tables.group_out, shop.tables.tax_class_out = {}, {}, {}

return shop
