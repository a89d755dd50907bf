---A BigCommerce store of one's own making: V2 orders with their lists, V3 customers, catalogue and inventory, as
---carts/bigcommerce.lua uses them, with the traps of the real one: 204 for nothing, lists of their own for each order,
---amounts as texts, levels that fail as a whole, a second location with levels of its own, and no key for writes.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local json = require "cartwright.json"
local time = require "cartwright.time"

local shop = fake.new {
  title = "BigCommerce",
  path = "/stores/abc123xyz",
  settings = { token = "bc-token", webhook_secret = "bc-client-secret", location = 1, page_size = 5, rate = 100 },
}

local BASE = "/stores/abc123xyz"

function shop:start()
  self.orders, self.lists, self.customers, self.addresses, self.products, self.levels = {}, {}, {}, {}, {}, {}
end

function shop:authorized(request)
  if request:header "X-Auth-Token" == self.settings.token then return true end
  return fake.json({ status = 401, title = "Unauthorized", type = "about:blank" }, 401)
end

shop.failures = {
  ["no-permission"] = fake.json({ status = 403, title = "You don't have a required scope to access it" }, 403),
}

-- What it has ---------------------------------------------------------------------------------------------------------

local function rfc2822(at) return at:format "%a, %d %b %Y %H:%M:%S +0000" end

---An amount as V2 writes it.
local function money(value) return tostring(decimal.new(value or 0):round(4)) end

local function sum(list, field)
  local total = decimal.new(0)
  for _, record in ipairs(list) do total = total + decimal.new(record[field] or 0) end
  return total
end

local STATUSES = { pending = 1, on_hold = 12, paid = 11, processing = 9, shipped = 2, completed = 10, cancelled = 5,
  refunded = 4, failed = 6 }
local UNKNOWN = 77 -- a number that no store has
local NAMES = { [0] = "Incomplete", "Pending", "Shipped", "Partially Shipped", "Refunded", "Cancelled", "Declined",
  "Awaiting Payment", "Awaiting Pickup", "Awaiting Shipment", "Completed", "Awaiting Fulfillment",
  "Manual Verification Required", "Disputed", "Partially Refunded" }

local function v2_address(address, email)
  address = address or {}
  local first, last = address.first_name, address.last_name
  if address.name then first, last = address.name:match "^(.-)%s*(%S*)$" end
  return { first_name = first or "", last_name = last or "", company = address.company or "",
    street_1 = address.street or "", street_2 = address.street2 or "", city = address.city or "",
    state = address.region or "", zip = address.postcode or "", country = address.country or "",
    country_iso2 = address.country or "", phone = address.phone or "", email = email or "",
    form_fields = json.array {} }
end

local function resource(id, name)
  return { url = ("https://api.bigcommerce.com%s/v2/orders/%d/%s"):format(BASE, id, name),
    resource = ("/orders/%d/%s"):format(id, name) }
end

local function touch(self, order, at)
  order.date_modified, order.modified = rfc2822(at or self:now()), at or self:now()
end

function shop:set_status(order, id)
  order.status_id, order.status, order.custom_status = id, NAMES[id] or "", NAMES[id] or ""
end

---@return integer
local function item_of(self, sku)
  for _, product in ipairs(self.products) do
    for _, variant in ipairs(product.variants) do
      if variant.sku == sku then return product.id, variant.id end
    end
  end
  return 0, 0
end

local function order_line(self, order_id, line)
  local quantity = decimal.new(line.quantity)
  local total = decimal.new(line.total or quantity * decimal.new(line.unit_price))
  local product_id, variant_id = item_of(self, line.sku)
  return { id = self:next "line", order_id = order_id, product_id = product_id, variant_id = variant_id,
    order_address_id = order_id + 100000, name = line.name, sku = line.sku or "", upc = "", type = "physical",
    price_ex_tax = money(line.unit_price), price_inc_tax = money(line.unit_price), price_tax = "0.0000",
    total_ex_tax = money(total), total_inc_tax = money(total + decimal.new(line.tax or 0)),
    total_tax = money(line.tax), quantity = quantity:integer(), quantity_shipped = 0, quantity_refunded = 0,
    is_refunded = false, refund_amount = "0.0000", parent_order_product_id = json.null, is_bundled_product = false,
    product_options = json.array {}, configurable_fields = json.array {}, applied_discounts = json.array {} }
end

function shop:place(given)
  local id, at = self:next "order" + 100, given.placed_at and time.parse(given.placed_at, "UTC") or self:now()
  local lines = {}
  for i, line in ipairs(given.lines or {}) do lines[i] = order_line(self, id, line) end
  local goods, shipping, tax = sum(lines, "total_ex_tax"), decimal.new(given.shipping_total or 0),
    decimal.new(given.tax_total or 0)
  local order = { id = id, customer_id = 0, date_created = rfc2822(at), date_shipped = "", created = at,
    subtotal_ex_tax = money(goods), subtotal_inc_tax = money(goods + tax), subtotal_tax = money(tax),
    shipping_cost_ex_tax = money(shipping), shipping_cost_inc_tax = money(shipping), handling_cost_ex_tax = "0.0000",
    handling_cost_inc_tax = "0.0000", wrapping_cost_ex_tax = "0.0000", wrapping_cost_inc_tax = "0.0000",
    total_ex_tax = money(goods + shipping), total_inc_tax = money(given.total), total_tax = money(tax),
    items_total = sum(lines, "quantity"):integer(), items_shipped = 0, payment_method = given.payment_method or "Cash",
    payment_status = given.status == "pending" and "" or "captured", refunded_amount = "0.0000",
    order_is_digital = false, store_credit_amount = "0.0000", gift_certificate_amount = "0.0000",
    discount_amount = "0.0000", coupon_discount = "0.0000", currency_code = "USD",
    default_currency_code = given.currency, is_tax_inclusive_pricing = false, is_deleted = false,
    shipping_address_count = 1, staff_notes = "", customer_message = given.note or "", channel_id = 1,
    order_source = "www", external_order_id = "", billing_address = v2_address(given.billing, given.email),
    products = resource(id, "products"), shipping_addresses = resource(id, "shippingaddresses"),
    coupons = resource(id, "coupons"), fees = json.array {} }
  self:set_status(order, given.cart_status and UNKNOWN or STATUSES[given.status] or 11)
  touch(self, order, given.changed_at and time.parse(given.changed_at, "UTC"))
  local address = v2_address(given.shipping or given.billing, given.email)
  address.id, address.order_id, address.shipping_method = id + 100000, id, given.shipping_name or "Fixed Shipping"
  self.lists[id] = { products = lines, shippingaddresses = { address }, coupons = {}, shipments = {} }
  self.orders[#self.orders + 1] = order
  return tostring(id), tostring(id)
end

local function find(list, id)
  for _, record in ipairs(list) do
    if tostring(record.id) == tostring(id) then return record end
  end
end

function shop:amend(order_id, changes)
  local order = find(self.orders, order_id)
  if changes.status then
    self:set_status(order, STATUSES[changes.status])
  end
  if changes.note then order.customer_message = changes.note end
  if changes.archived ~= nil then order.is_deleted = changes.archived end
  touch(self, order)
end

---Makes a parcel, and moves the order on, as the store does by itself.
local function make_parcel(self, order, parcel)
  for _, item in ipairs(parcel.items) do
    local line = find(self.lists[order.id].products, item.order_product_id)
    line.quantity_shipped = line.quantity_shipped + item.quantity
    order.items_shipped = order.items_shipped + item.quantity
  end
  parcel.id, parcel.order_id, parcel.date_created = self:next "parcel", order.id, rfc2822(self:now())
  table.insert(self.lists[order.id].shipments, parcel)
  self:set_status(order, order.items_shipped < order.items_total and 3 or 2)
  touch(self, order)
  return parcel
end

function shop:ship(order_id, shipment)
  local order, items = find(self.orders, order_id), {}
  for _, line in ipairs(self.lists[order.id].products) do
    for _, sent in ipairs(shipment.lines or {}) do
      if sent.sku == line.sku then
        items[#items + 1] = { order_product_id = line.id, quantity = decimal.new(sent.quantity):integer() }
      end
    end
    if not shipment.lines then items[#items + 1] = { order_product_id = line.id, quantity = line.quantity } end
  end
  make_parcel(self, order, { order_address_id = order.id + 100000, tracking_number = shipment.tracking_number or "",
    shipping_provider = "", tracking_carrier = shipment.carrier or "", items = items })
end

function shop:refund(order_id, refund)
  local order = find(self.orders, order_id)
  local whole = decimal.new(refund.amount) == decimal.new(order.total_inc_tax)
  order.payment_status = whole and "refunded" or "partially refunded"
  self:set_status(order, whole and 4 or 14)
  touch(self, order)
end

---A piece is paid back before it was sent: it stays in the line's quantity, and in the order's total.
function shop:shrink(order_id, sku, quantity)
  local order = find(self.orders, order_id)
  for _, line in ipairs(self.lists[order.id].products) do
    if line.sku == sku then line.quantity_refunded = line.quantity_refunded + decimal.new(quantity):integer() end
  end
  order.payment_status = "partially refunded"
  self:set_status(order, 14)
  touch(self, order)
end

function shop:offer(item)
  local id, at = self:next "product" + 200, self:now()
  local given = item.variants or {}
  local product = { id = id, name = item.name, type = "physical", sku = item.sku, description = item.description or "",
    weight = 1, price = decimal.new(item.price or 0), cost_price = 0, tax_class_id = 0, is_visible = true, upc = "",
    mpn = "", gtin = "", inventory_tracking = #given > 0 and "variant" or "product", base_variant_id = json.null,
    date_created = at:format "%Y-%m-%dT%H:%M:%S+00:00", date_modified = at:format "%Y-%m-%dT%H:%M:%S+00:00",
    modified = at, variants = json.array {} }
  local function add_variant(one, options)
    local variant_id = self:next "variant" + 2000
    table.insert(product.variants, { id = variant_id, product_id = id, sku = one.sku, upc = "", gtin = "",
      price = #given > 0 and one.price and decimal.new(one.price) or json.null, weight = json.null,
      option_values = options })
    self.levels[one.sku] = decimal.new(one.quantity or 0)
    return variant_id
  end
  for _, variant in ipairs(given) do
    add_variant(variant, { { id = 1, label = variant.name or variant.sku, option_display_name = "Kind" } })
  end
  if #given == 0 then product.base_variant_id = add_variant(item, json.array {}) end
  self.products[#self.products + 1] = product
  return tostring(id)
end

function shop:register(customer)
  local id, at = self:next "customer" + 10, self:now()
  self.customers[#self.customers + 1] = { id = id, email = customer.email, first_name = customer.first_name or "",
    last_name = customer.last_name or "", company = customer.company or "", phone = customer.phone or "", notes = "",
    customer_group_id = 0, tax_exempt_category = "", form_fields = json.array {}, modified = at,
    date_created = at:format "%Y-%m-%dT%H:%M:%SZ", date_modified = at:format "%Y-%m-%dT%H:%M:%SZ" }
  for _, address in ipairs(customer.addresses or {}) do
    table.insert(self.addresses, { id = self:next "address", customer_id = id, first_name = address.first_name or "",
      last_name = address.last_name or "", company = address.company or "", address1 = address.street or "",
      address2 = "", city = address.city or "", state_or_province = address.region or "",
      postal_code = address.postcode or "", country_code = address.country or "", phone = "" })
  end
  return tostring(id)
end

function shop:order_of(order_id)
  local order = find(self.orders, order_id)
  if not order then return nil end
  local shipments = {}
  for i, parcel in ipairs(self.lists[order.id].shipments) do
    local lines = {}
    for j, item in ipairs(parcel.items) do
      local line = find(self.lists[order.id].products, item.order_product_id)
      lines[j] = { sku = line.sku, line_id = tostring(line.id), quantity = tostring(item.quantity) }
    end
    shipments[i] = { tracking_number = parcel.tracking_number ~= "" and parcel.tracking_number or nil, lines = lines,
      carrier = parcel.shipping_provider ~= "" and parcel.shipping_provider or parcel.tracking_carrier }
  end
  return { status = tostring(order.status_id), shipments = shipments }
end

function shop:quantity_of(sku)
  local level = self.levels[sku]
  return level and tostring(level)
end

local function priced(self, sku)
  for _, product in ipairs(self.products) do
    if product.sku == sku then return product, product end
    for _, variant in ipairs(product.variants) do
      if variant.sku == sku then return variant, product end
    end
  end
end

function shop:price_of(sku)
  local record, product = priced(self, sku)
  if not record then return nil end
  return tostring(record.price ~= json.null and record.price or product.price)
end

function shop:customer_of(email)
  for _, customer in ipairs(self.customers) do
    if customer.email == email then return customer end
  end
end

function shop:item_of(sku)
  local record, product = priced(self, sku)
  return record and { id = tostring(product.id), name = product.name, description = product.description }
end

---Signed by the scheme of Standard Webhooks.
function shop:announce(order_id)
  local id, at = "msg_" .. self:next "notice", self:now():format "%s"
  local body = json.encode { scope = "store/order/updated", store_id = "1", producer = "stores/abc123xyz",
    hash = tostring(self:next "hash"), data = { type = "order", id = find(self.orders, order_id).id } }
  self:notify { body = body, headers = { ["Content-Type"] = "application/json", ["webhook-id"] = id,
    ["webhook-timestamp"] = at, ["webhook-signature"] = "v1," .. fake.hmac(self.settings.webhook_secret,
    ("%s.%s.%s"):format(id, at, body)) } }
end

-- V2 ------------------------------------------------------------------------------------------------------------------

local NOTHING = { status = 204, headers = {}, body = "" }

local function v2_error(status, message) return fake.json({ { status = status, message = message } }, status) end

---Without what only the fake knows.
local function shown(record)
  local copy = {}
  for key, value in pairs(record) do copy[key] = value end
  copy.modified, copy.created = nil, nil
  return copy
end

local function v2_list(list)
  if #list == 0 then return NOTHING end
  local copies = {}
  for i, record in ipairs(list) do copies[i] = shown(record) end
  return fake.json(copies)
end

local function paged(self, list, request, most)
  local limit = math.min(request:number("limit", 50), most)
  return self:page(list, (request:number("page", 1) - 1) * limit, limit), limit
end

shop:route("GET /v2/store", function()
  return fake.json { id = "abc123xyz", name = "Garden & Tea", plan_name = "Plus", currency = "EUR" }
end)

local BOUNDS = { modified = { "min_date_modified", "max_date_modified" },
  created = { "min_date_created", "max_date_created" } }

local function is_inside(order, query)
  for field, names in pairs(BOUNDS) do
    local from, to = time.parse(query[names[1]] or ""), time.parse(query[names[2]] or "")
    if from and order[field] < from or to and order[field] > to then return false end
  end
  local first, last = tonumber(query.min_id), tonumber(query.max_id)
  return (not first or order.id >= first) and (not last or order.id <= last)
end

shop:route("GET /v2/orders", function(self, request)
  local found = {}
  for _, order in ipairs(self.orders) do
    if is_inside(order, request.query) then found[#found + 1] = order end
  end
  table.sort(found, function(a, b) return a.id < b.id end)
  return v2_list((paged(self, found, request, 250)))
end)

shop:route("GET /v2/orders/{id}", function(self, request)
  local order = find(self.orders, request.params.id)
  return order and fake.json(shown(order)) or v2_error(404, "The requested resource was not found.")
end)

shop:route("PUT /v2/orders/{id}", function(self, request)
  local order, body = find(self.orders, request.params.id), request:json()
  if not order then return v2_error(404, "The requested resource was not found.") end
  for field in pairs(body) do
    if field ~= "status_id" then return v2_error(400, ("The field '%s' cannot be written to."):format(field)) end
  end
  self:set_status(order, body.status_id)
  touch(self, order)
  self:book { kind = "status", order_id = tostring(order.id), status = tostring(body.status_id) }
  return fake.json(shown(order))
end)

shop:route("POST /v2/orders/{id}/shipments", function(self, request)
  local order, body = find(self.orders, request.params.id), request:json()
  if not order then return v2_error(404, "The requested resource was not found.") end
  if #(body.tracking_number or "") > 50 then return v2_error(400, "tracking_number is too long.") end
  local lines = {}
  for i, item in ipairs(body.items) do
    local line = find(self.lists[order.id].products, item.order_product_id)
    if not line or item.quantity < 1 or item.quantity > line.quantity - line.quantity_shipped - line.quantity_refunded then
      return v2_error(400, "The quantity to ship is more than what is left of this item.")
    end
    lines[i] = { sku = line.sku, line_id = tostring(line.id), quantity = item.quantity }
  end
  local parcel = make_parcel(self, order, body)
  self:book { kind = "shipment", order_id = tostring(order.id), tracking_number = body.tracking_number, lines = lines,
    carrier = body.shipping_provider ~= "" and body.shipping_provider or body.tracking_carrier }
  return fake.json(parcel, 201)
end)

shop:route("GET /v2/orders/{id}/{list}", function(self, request)
  local lists = self.lists[math.tointeger(tonumber(request.params.id))]
  local list = lists and lists[request.params.list]
  if not list then return v2_error(404, "The requested resource was not found.") end
  local limit, page = math.min(request:number("limit", 50), 250), request:number("page", 1)
  return v2_list(table.move(list, (page - 1) * limit + 1, math.min(page * limit, #list), 1, {}))
end)

-- V3 ------------------------------------------------------------------------------------------------------------------

local function v3_error(status, title) return fake.json({ status = status, title = title, errors = {} }, status) end

local function v3_list(self, list, request)
  local found, limit = paged(self, list, request, 250)
  local copies = json.array {}
  for i, record in ipairs(found) do copies[i] = shown(record) end
  return fake.json { data = copies, meta = { pagination = { total = #list, count = #copies, per_page = limit,
    current_page = request:number("page", 1), total_pages = (#list + limit - 1) // limit } } }
end

---Those that the filters of a query leave.
local function filtered(list, query, fields)
  local found = {}
  for _, record in ipairs(list) do
    local fits = true
    for name, wanted in pairs(query) do
      local field, op = name:match "^([%w_]+):(%a+)$"
      if not field and fields[name] then field, op = name, "in" end
      if field == "date_modified" then
        local bound = time.parse(wanted)
        fits = fits and (op == "min" and record.modified >= bound or op == "max" and record.modified <= bound)
      elseif field and op == "in" then
        fits = fits and ("," .. wanted .. ","):find("," .. tostring(record[field]) .. ",", 1, true) ~= nil
      end
    end
    if fits then found[#found + 1] = record end
  end
  return found
end

for path, list in pairs { ["customers"] = "customers", ["customers/addresses"] = "addresses",
  ["catalog/products"] = "products" } do
  shop:route("GET /v3/" .. path, function(self, request)
    return v3_list(self, filtered(self[list], request.query, { sku = true }), request)
  end)
end

shop:route("GET /v3/hooks", function() return fake.json { data = json.array {}, meta = {} } end)

local ELSEWHERE = 2 -- a location that nobody tells

local function level_at(location, level)
  return { location_id = location, location_enabled = true, available_to_sell = level, total_inventory_onhand = level,
    settings = { safety_stock = 0 } }
end

shop:route("GET /v3/inventory/items", function(self, request)
  local items = {}
  for _, product in ipairs(self.products) do
    for _, variant in ipairs(product.variants) do
      local level = self.levels[variant.sku]
      items[#items + 1] = { sku = variant.sku, identity = { variant_id = variant.id, product_id = product.id,
        sku = variant.sku, sku_id = variant.id }, locations = { level_at(1, level), level_at(ELSEWHERE, decimal.new(40)) } }
    end
  end
  return v3_list(self, filtered(items, request.query, {}), request)
end)

---The SKU that an adjustment is of; nil and the store's words when it fits nothing.
local function adjusted(self, item)
  for _, product in ipairs(self.products) do
    if item.product_id == product.id and product.inventory_tracking == "product" then return product.sku end
    for _, variant in ipairs(product.variants) do
      if item.variant_id == variant.id then
        if product.inventory_tracking == "variant" then return variant.sku end
        return nil, ("[Item with variant_id %d is tracked by product, please update stock by product id]")
          :format(variant.id)
      end
    end
  end
  return nil, "[Item was not found]"
end

shop:route("PUT /v3/inventory/adjustments/absolute", function(self, request)
  local taken = {}
  for i, item in ipairs(request:json().items) do
    local sku, why = adjusted(self, item)
    if not sku then return v3_error(422, why) end
    if item.location_id ~= self.settings.location then return v3_error(422, "[Location was not found]") end
    taken[i] = { sku, item.quantity }
  end
  for _, pair in ipairs(taken) do
    self.levels[pair[1]] = decimal.new(pair[2])
    self:book { kind = "stock", sku = pair[1], quantity = pair[2] }
  end
  return fake.json { transaction_id = tostring(self:next "transaction") }
end)

---Writes fields of records that are there; answers all of them.
local function put_all(self, list, kind, request)
  local changed = {}
  for i, record in ipairs(request:json()) do
    local there = find(list, record.id)
    if not there then return v3_error(404, "Not found") end
    for field, value in pairs(record) do
      there[field] = value
      if field == "price" then self:book { kind = "price", sku = there.sku, price = tostring(value) } end
    end
    there.modified = self:now()
    there.date_modified = there.modified:format "%Y-%m-%dT%H:%M:%S+00:00"
    if not record.price then
      self:book { kind = kind, sku = there.sku, email = there.email, id = tostring(there.id) }
    end
    changed[i] = shown(there)
  end
  return fake.json { data = changed, meta = {} }
end

shop:route("PUT /v3/catalog/products", function(self, request)
  return put_all(self, self.products, "item", request)
end)

shop:route("POST /v3/catalog/products", function(self, request)
  local record = request:json()
  for _, field in ipairs { "name", "type", "weight", "price" } do
    if record[field] == nil then return v3_error(422, field .. " is required") end
  end
  if priced(self, record.sku) then return v3_error(409, "The product sku is a duplicate") end
  local id = self:offer { sku = record.sku, name = record.name, price = tostring(record.price),
    description = record.description }
  self:book { kind = "item", sku = record.sku, id = id }
  return fake.json { data = shown(find(self.products, id)), meta = {} }
end)

shop:route("PUT /v3/catalog/variants", function(self, request)
  local variants = {}
  for _, product in ipairs(self.products) do
    table.move(product.variants, 1, #product.variants, #variants + 1, variants)
  end
  return put_all(self, variants, "item", request)
end)

shop:route("PUT /v3/customers", function(self, request)
  return put_all(self, self.customers, "customer", request)
end)

shop:route("POST /v3/customers", function(self, request)
  local made = {}
  for i, record in ipairs(request:json()) do
    if self:customer_of(record.email) then
      return v3_error(422, ("email %s already in use"):format(record.email))
    end
    local id = self:register(record)
    made[i] = shown(find(self.customers, id))
    self:book { kind = "customer", email = record.email, id = id }
  end
  return fake.json { data = made, meta = {} }
end)

return shop
