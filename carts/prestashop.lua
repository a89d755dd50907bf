---PrestaShop 1.6, 1.7 and 8 (and thirty bees) through the web service: orders, customers, items, stock; and back to it
---stock, prices, tracking, statuses, customers and items.
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
---  - total_paid_tax_incl is owed; total_paid is what the payment module said. A partial refund changes neither.
---  - customers are returned with their password hash unless the fields are named. They are named here.
---  - A product's own price and weight are the base; a combination has the difference. Stock has no time of change.
---  - PUT replaces: what is left out becomes empty, an association that is left out stays. Records are read whole, changed
---    and put back, without what the shop computes itself (error 93). PATCH exists since 8.0, and the key must allow it.
---  - Nothing that writes takes a key of ours, so each write looks first whether the shop has it already.
---  - Status 500 may come after the change was saved, when a module fails behind it: never a reason to send again.
---  - The state of an order is changed by a row of its history; written to the order it would come twice. Tracking is the
---    order_carrier's, and goes first, so that the mail of the state "shipped" has the number.
---  - Stock rows are made with their product; the row of a product with combinations is their sum, written by the shop.
---  - Special prices are rows of a resource of which we have no facts: list = "sale" is refused.
---  - Changes of an order's tracking, slips or messages, and of addresses, do not always touch the date_upd of the
---    order or customer: those arrive with its next change.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local paging = require "cartwright.paging"
local xml = require "cartwright.xml"

local shop = cart.new {
  title = "PrestaShop web service",
  settings = {
    url = cart.url { required = true, help = "address of the shop, without /api" },
    key = cart.secret { required = true, help = "Advanced Parameters > Webservice" },
    shop_id = cart.integer { help = "number of the shop in a multistore; default: the store's default shop" },
    language = cart.integer { help = "number of the language of names; default: the shop's first" },
    page_size = cart.integer { default = 100, help = "records asked for at once; 50 to 200 suit most hosts" },
    send_mail = cart.boolean { default = true, help = "whether the shop writes to the buyer when a state or a tracking number comes" },
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

---Whether the key allows a method; shops before 8.0 do not know all of them.
---@return boolean
local function may(self, resource, method)
  local api = self:once("api", read_api)
  return api:text(resource .. "/@" .. method) == "true"
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
  order_carriers = "order_carriers/order_carrier", order_histories = "order_histories/order_history",
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

-- Addresses -----------------------------------------------------------------------------------------------------------

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

-- Orders --------------------------------------------------------------------------------------------------------------

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
    active = "active",
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

---What the shop computes itself and refuses in a PUT, or gives in a form that it does not take back.
local COMPUTED = {
  combination = { associations = true },
  customer = { associations = true },
  product = { associations = true, id_default_combination = true, id_default_image = true, manufacturer_name = true,
    position_in_category = true, quantity = true, type = true },
}

---The records of `resource` whose fields have these texts, whole, and the answer they came in.
---@return cartwright.Node[] records
---@return cartwright.Response response
local function look_up(self, resource, filters)
  local query, found = { display = "full", sort = "[id_ASC]", id_shop = self.settings.shop_id }, {}
  for field, text in pairs(filters) do query["filter[" .. field .. "]"] = ("[%s]"):format(text) end
  local response = self:get(resource, query)
  for record in response:xml():each(RECORDS[resource]) do found[#found + 1] = record end
  return found, response
end

---@return cartwright.Node? record
---@return cartwright.Response response
local function look_up_one(self, resource, filters, what)
  local found, response = look_up(self, resource, filters)
  if #found > 1 then error(("the shop has %d %s; %s"):format(#found, resource, what), 0) end
  return found[1], response
end

local function field_of(name, value)
  return { name, table.unpack(type(value) == "table" and value or { value }) }
end

---A field as the shop gave it, in all its languages.
local function unchanged(field)
  local languages = {}
  for language in field:each "language" do
    languages[#languages + 1] = { "language", id = language:text "@id", language:text() or "" }
  end
  return field_of(field:name(), #languages > 0 and languages or field:text() or "")
end

---@param changes table<string, any> by field: a text or number, or the elements of a field in several languages
local function document(element, fields, changes)
  for name, value in pairs(changes) do fields[#fields + 1] = field_of(name, value) end
  return xml.write({ "prestashop", { element, table.unpack(fields) } }, { declaration = true })
end

---Changes fields of a record that was just read.
---@param record cartwright.Node
---@param query? table of the request
---@return cartwright.Response
local function change(self, resource, record, changes, query)
  local request = { query = map.copy(query or {}), headers = { ["Content-Type"] = "text/xml" } }
  request.query.id_shop = self.settings.shop_id
  local path = resource .. "/" .. record:text "id"
  if may(self, resource, "patch") then
    return self:write("PATCH", path, document(record:name(), { { "id", record:text "id" } }, changes), request)
  end
  local fields, computed = {}, COMPUTED[record:name()] or {}
  for field in record:each "*" do
    local name = field:name()
    if changes[name] == nil and not computed[name] then fields[#fields + 1] = unchanged(field) end
  end
  return self:write("PUT", path, document(record:name(), fields, changes), request)
end

---@return cartwright.Response response
---@return string? id of what was made
local function create(self, resource, fields, query)
  local element = RECORDS[resource]:match "/(.+)$"
  local request = { query = map.copy(query or {}), headers = { ["Content-Type"] = "text/xml" } }
  request.query.id_shop = self.settings.shop_id
  local response = self:write("POST", resource, document(element, {}, fields), request)
  return response, response:xml():text(element .. "/id")
end

---A text in the language in which names are read; the other languages keep theirs.
local function in_language(self, text)
  local language = self.settings.language
    or self:once("first language", function() return look_up(self, "languages", { active = 1 })[1]:text "id" end)
  return { { "language", id = tostring(language), text } }
end

---Whether the shop wants a mail to be sent along with a change.
local function mail(self) return self.settings.send_mail and { sendemail = 1 } or nil end

-- Stock and prices

---The row of an item or variant; of one that has neither, nil and why.
---@param data out.StockData
---@return cartwright.Node? row
---@return cartwright.Response|string response or why there is no row
local function stock_row(self, data)
  if not data.item_id then return nil, "no item that was read from the shop has this SKU; run: cartwright sync CART items" end
  local row, response = look_up_one(self, "stock_availables", { id_product = data.item_id,
    id_product_attribute = data.variant_id or 0 }, "a multistore needs the setting shop_id")
  if not row then return nil, "the shop has no stock row for it: the product or its combination was deleted" end
  if row:text "depends_on_stock" == "1" then
    return nil, "the shop counts this product by its warehouses (depends on stock), and refuses quantities for it"
  end
  return row, response
end

shop.stock_out = {
  send = function(self, message)
    local row, response = stock_row(self, message.data)
    if not row then return message:refused(response) end
    if row:decimal "quantity" ~= message.data.quantity then
      response = change(self, "stock_availables", row, { quantity = message.data.quantity })
    end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local row = stock_row(self, message.data)
      local quantity = row and row:decimal "quantity"
      if quantity == message.data.quantity then message:arrived "the shop has this quantity"
      elseif quantity then message:missing(("the shop has %s"):format(quantity)) end
    end
  end,
}

---The record that has the price of an item or variant, and the field's new value; nil and why not.
---@param data out.PriceData
local function price_of(self, data)
  if data.list ~= "default" then return nil, "special prices of this shop cannot be written; send list = \"default\"" end
  if not data.item_id then return nil, "no item that was read from the shop has this SKU; run: cartwright sync CART items" end
  local product, response = look_up_one(self, "products", { id = data.item_id }, "one was asked for")
  if not product then return nil, "the product was deleted in the shop" end
  local currency = self:once("currency", function()
    return look_up(self, "currencies", { conversion_rate = 1 })[1]:text "iso_code"
  end)
  if data.currency ~= currency then return nil, ("prices of this shop are in %s"):format(currency) end
  if not data.variant_id then return product, data.price, response, "products" end
  local combination
  combination, response = look_up_one(self, "combinations", { id = data.variant_id }, "one was asked for")
  if not combination then return nil, "the combination was deleted in the shop" end
  return combination, data.price - (product:decimal "price" or 0), response, "combinations"
end

---A price that stands for others must not move them.
local function has_combinations(self, data)
  return not data.variant_id and #look_up(self, "combinations", { id_product = data.item_id }) > 0
end

shop.prices_out = {
  send = function(self, message)
    local record, price, response, resource = price_of(self, message.data)
    if not record then return message:refused(price) end
    if has_combinations(self, message.data) then
      return message:refused "it has combinations, whose prices are differences to this one: send the prices of these"
    end
    if record:decimal "price" ~= price then response = change(self, resource, record, { price = price }) end
    message:sent(response)
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local record, price = price_of(self, message.data)
      if record and record:decimal "price" == price then message:arrived "the shop has this price"
      elseif record then message:missing(("the shop has %s"):format(record:text "price")) end
    end
  end,
}

-- Statuses and shipments

---The number of the shop's order state for one of our statuses.
---@return string? id
---@return string? why there is none
local function state_for(self, status)
  local row = self:translate_back("status", status)
  local own = self.tables.status_out and self.tables.status_out[status]
  if own then return tostring(own) end
  local states = self:once("states", function() return look_up(self, "order_states", { deleted = 0 }) end)
  local found, names = nil, {}
  for _, state in ipairs(states) do
    if shop.row_of(state) == row then
      found = state:text "id"
      names[#names + 1] = ("%s %s"):format(found, state:text "name/language" or "")
    end
  end
  if #names == 1 then return found end
  return nil, ("%s of the shop's order states %s %s%s; say which: cartwright table set %s status_out %s NUMBER"):format(
    #names == 0 and "none" or "several", #names == 0 and "means" or "mean", status,
    #names == 0 and "" or ": " .. table.concat(names, ", "), self.name, status)
end

---@return cartwright.Response
local function move(self, order_id, state)
  return (create(self, "order_histories", { id_order = order_id, id_order_state = state }, mail(self)))
end

---@param messages cartwright.Message[]
---@param is_there fun(message: cartwright.Message): boolean?, string? nil: cannot be told
local function answer_each(messages, is_there)
  for _, message in ipairs(messages) do
    local there, words = is_there(message)
    if there then message:arrived(words) elseif there == false then message:missing(words) end
  end
end

---Whether an order is in a state: true, false when it never was; nil when it was, and has gone on since.
local function has_moved(self, order_id, state)
  local order = look_up_one(self, "orders", { id = order_id }, "one was asked for")
  if order and order:text "current_state" == state then return true, "the order is in this state" end
  local rows = look_up(self, "order_histories", { id_order = order_id, id_order_state = state })
  if #rows == 0 then return false, "its history has no such state" end
end

shop.statuses_out = {
  send = function(self, message)
    local data = message.data
    local state, why = state_for(self, data.status)
    if not state then return message:refused(why) end
    local order, response = look_up_one(self, "orders", { id = data.order_id }, "one was asked for")
    if not order then return message:refused "the shop has no such order" end
    if order:text "current_state" ~= state then response = move(self, data.order_id, state) end
    message:sent(response)
  end,

  probe = function(self, messages)
    answer_each(messages, function(message)
      local state = state_for(self, message.data.status)
      if state then return has_moved(self, message.data.order_id, state) end
    end)
  end,
}

local TRACKING_NUMBER = "^[%w~:#,%%&_=()%[%].?+%-@/]+$"
local TRACKING_LENGTH = 64

---@return boolean
local function names(numbers, number)
  for one in (numbers or ""):gmatch "[^,]+" do
    if one == number then return true end
  end
  return false
end

---The parcel's row of the shop; the newest one where an order has several.
local function parcel_of(self, order_id)
  local rows, response = look_up(self, "order_carriers", { id_order = order_id })
  return rows[#rows], response
end

---Writes the tracking number beside those that are there: an order has one such row, and may have several parcels.
---@return cartwright.Response? response
---@return string? why not
local function track(self, data)
  local parcel, response = parcel_of(self, data.order_id)
  if not parcel then return nil, "the order has no order_carrier in the shop, where the tracking number belongs" end
  local present, number = parcel:text "tracking_number", data.tracking_number
  if names(present, number) then return response end
  local all = present and present .. "," .. number or number
  if #all > TRACKING_LENGTH then all = number end
  return change(self, "order_carriers", parcel, { tracking_number = all }, mail(self))
end

shop.shipments_out = {
  send = function(self, message)
    local data = message.data
    local number, state, response, why = data.tracking_number, nil, nil, nil
    if number and (not number:match(TRACKING_NUMBER) or #number > TRACKING_LENGTH) then
      return message:refused(("the shop does not take %q as a tracking number"):format(number))
    end
    if data.completes then
      state, why = state_for(self, "shipped")
      if not state then return message:refused(why) end
    end
    if number then
      response, why = track(self, data)
      if not response then return message:refused(why) end
    end
    local order, read_order = look_up_one(self, "orders", { id = data.order_id }, "one was asked for")
    if not order then return message:refused "the shop has no such order" end
    if state and order:text "current_state" ~= state then response = move(self, data.order_id, state) end
    message:sent(response or read_order)
  end,

  probe = function(self, messages)
    answer_each(messages, function(message)
      local data = message.data
      local parcel = data.tracking_number and parcel_of(self, data.order_id)
      if data.tracking_number and not (parcel and names(parcel:text "tracking_number", data.tracking_number)) then
        return false, "the shop does not have the tracking number"
      end
      if not data.completes then return true, "the shop has the tracking number" end
      return has_moved(self, data.order_id, state_for(self, "shipped"))
    end)
  end,
}

-- Customers and items

---The fields of a record for which our document has a value.
---@param names table<string, string> the shop's field by ours
local function fields_from(data, names)
  local fields = {}
  for ours, theirs in pairs(names) do
    local value = data[ours]
    if type(value) == "boolean" then value = value and 1 or 0 end
    if value ~= nil then fields[theirs] = value end
  end
  return fields
end

local CUSTOMER = { email = "email", first_name = "firstname", last_name = "lastname", company = "company",
  note = "note", guest = "is_guest", active = "active", group = "id_default_group" }
local PRODUCT = { sku = "reference", barcode = "ean13", vendor_sku = "supplier_reference", active = "active",
  price = "price", cost = "wholesale_price", weight = "weight", tax_class = "id_tax_rules_group" }

---The record of the shop for a document: by its link, else by what tells it from others.
local function counterpart(self, resource, message, filters)
  if message.link then return look_up_one(self, resource, { id = message.link }, "one was asked for") end
  return look_up_one(self, resource, filters, "link the right one by its id, or make them differ")
end

---Whether the record has all that is to be written.
local function has_all(record, fields)
  for name, value in pairs(fields) do
    local text = type(value) == "table" and value[1][2] or tostring(value)
    local is = type(value) == "table" and record:text(name .. "/language[@id=" .. value[1].id .. "]") or record:text(name)
    local is_same = is == text or (is and tonumber(is) ~= nil and tonumber(is) == tonumber(text))
    if not is_same and (is or "") ~= text then return false end
  end
  return true
end

local function customer_fields(data) return fields_from(data, CUSTOMER) end

local function customer_of(self, message)
  return counterpart(self, "customers", message, { email = message.data.email, is_guest = 0, deleted = 0 })
end

shop.customers_out = {
  send = function(self, message)
    local fields = customer_fields(message.data)
    local customer, response = customer_of(self, message)
    if customer then
      if not has_all(customer, fields) then response = change(self, "customers", customer, fields) end
      return message:sent(response, { link = customer:text "id" })
    end
    fields.passwd = self:digest(message.key):sub(1, 32) -- nobody knows it: the buyer asks for a new one
    local made, id = create(self, "customers", fields)
    message:sent(made, { link = id })
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local customer = customer_of(self, message)
      if customer and has_all(customer, customer_fields(message.data)) then
        message:arrived("the shop has it", { link = customer:text "id" })
      else
        message:missing(customer and "the shop has it otherwise" or "the shop does not have it")
      end
    end
  end,
}

---@param data out.ItemData
local function product_fields(self, data)
  local fields = fields_from(data, PRODUCT)
  if data.name then fields.name = in_language(self, data.name) end
  if data.description then fields.description = in_language(self, data.description) end
  return fields
end

local function product_of(self, message)
  return counterpart(self, "products", message, { reference = message.data.sku, state = 1 })
end

---What a new product needs besides; a name in the address of its page is made of its own.
local function new_product(self, data, fields)
  local words = (data.name or data.sku):lower():gsub("[^%w]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  fields.link_rewrite = in_language(self, words ~= "" and words or "item")
  fields.price = fields.price or 0
  fields.state, fields.show_price, fields.available_for_order = 1, 1, 1
  return fields
end

shop.items_out = {
  send = function(self, message)
    local fields = product_fields(self, message.data)
    local product, response = product_of(self, message)
    if product then
      if not has_all(product, fields) then response = change(self, "products", product, fields) end
      return message:sent(response, { link = product:text "id" })
    end
    local made, id = create(self, "products", new_product(self, message.data, fields))
    message:sent(made, { link = id })
  end,

  probe = function(self, messages)
    for _, message in ipairs(messages) do
      local product = product_of(self, message)
      if product and has_all(product, product_fields(self, message.data)) then
        message:arrived("the shop has it", { link = product:text "id" })
      else
        message:missing(product and "the shop has it otherwise" or "the shop does not have it")
      end
    end
  end,
}

return shop
