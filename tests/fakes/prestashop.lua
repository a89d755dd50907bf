---A PrestaShop 8 with its web service: its parts are prestashop/books.lua (what it holds), lists.lua (what is read) and
---telling.lua (what it is told).
---
---Of the real one it has: local times without a zone, amounts with six digits, "0" and "0000-00-00 00:00:00" for none,
---CDATA in white space, two languages, states known by flags and mail templates, dates that need date=1, lists that
---are sorted and cut only when asked to, differences as prices of combinations, a sum as the stock row of their
---product, and no time of change for stock and tracking numbers. `shop.version` below 8 takes no PATCH; `shop.mails` is
---what buyers were written.
local books = require "fakes.prestashop.books"
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local lists = require "fakes.prestashop.lists"
local telling = require "fakes.prestashop.telling"
local time = require "cartwright.time"

local KEY = "SYSTEMTESTKEYSYSTEMTESTKEY000000"
local ZONE = "Europe/Paris"
local NEVER = "0000-00-00 00:00:00"

local shop = fake.new { title = "PrestaShop web service", settings = { key = KEY, zone = ZONE } }

-- Answers -------------------------------------------------------------------------------------------------------------

local function xml(body, status)
  return fake.text(body, status, { ["Content-Type"] = "text/xml;charset=utf-8", ["PSWS-Version"] = shop.version })
end

local function fault(status, code, message)
  return xml(books.document(("<errors>\n<error>\n<code><![CDATA[%d]]></code>\n<message><![CDATA[%s]]></message>\n"
    .. "</error>\n</errors>"):format(code, message)), status)
end

local function page(status, words)
  return fake.text("<!DOCTYPE html><html><body><h1>" .. words .. "</h1><br></body></html>", status,
    { ["Content-Type"] = "text/html" })
end

shop.version = "8.1.5"
shop.failures = {
  ["401"] = fault(401, 16, "Invalid authentication key"),
  ["403"] = page(403, "Forbidden"),
  ["404"] = page(404, "Not Found"),
  ["429"] = page(429, "Too Many Requests"),
  ["500"] = fault(500, 2, "[PHP Warning #2] Undefined array key"),
  ["503"] = page(503, "We'll be back soon."),
  ["no-permission"] = fault(401, 26, "Resource of type \"orders\" is not allowed with this authentication key"),
  ["key-switched-off"] = fault(401, 20, "Authentication key is not active"),
  ["switched-off"] = fault(503, 22, "The PrestaShop webservice is disabled. Please activate it in the PrestaShop Back "
    .. "Office"),
}

---@param request fake.Request
function shop:authorized(request)
  local key = request:basic() or request.query.ws_key
  if not key or key == "" then return fault(401, 17, "Authentication key is empty") end
  if #key ~= 32 then return fault(401, 18, "Invalid authentication key format") end
  return key == KEY or fault(401, 16, "Invalid authentication key")
end

-- What it begins with -------------------------------------------------------------------------------------------------

---Name, mail template, flags, and which status of ours it is.
local STATES = {
  { "Awaiting check payment", "cheque", "" },
  { "Payment accepted", "payment", "invoice logable paid", "paid" },
  { "Processing in progress", "preparation", "invoice logable paid delivery", "processing" },
  { "Shipped", "shipped", "invoice logable paid delivery shipped", "shipped" },
  { "Delivered", "", "invoice logable paid delivery shipped", "completed" },
  { "Canceled", "order_canceled", "", "cancelled" },
  { "Refunded", "refund", "invoice", "refunded" },
  { "Payment error", "payment_error", "", "failed" },
  { "On backorder (paid)", "outofstock", "invoice paid", "backorder" },
  { "Awaiting bank wire payment", "bankwire", "", "pending" },
}

local LOST_STATE = 99 -- an id that no order state has

local function add_state(self, row)
  local name, template, flags, status = table.unpack(row)
  local fields = { name = books.in_all(name), template = books.in_all(template), deleted = "0", unremovable = "1",
    send_email = template ~= "" and "1" or "0" }
  for _, flag in ipairs { "paid", "shipped", "delivery", "invoice", "logable" } do
    fields[flag] = (" " .. flags .. " "):find(" " .. flag .. " ", 1, true) and "1" or "0"
  end
  local state = books.add(self.tables, "order_states", fields)
  if status then self.states[status] = state end
end

function shop:start()
  self.tables, self.states, self.mails, self.rows, self.options, self.sent = books.new(), {}, {}, {}, {}, {}
  for _, row in ipairs(STATES) do add_state(self, row) end
  for _, code in ipairs { "fr", "en" } do
    books.add(self.tables, "languages", { iso_code = code, name = code, active = "1" })
  end
  books.add(self.tables, "carriers", { id_reference = "1", name = "0", active = "1", deleted = "1" }) -- was edited
  books.add(self.tables, "carriers", { id_reference = "1", name = "0", active = "1", deleted = "0" })
  books.add(self.tables, "currencies", { iso_code = "EUR", conversion_rate = "1.000000", active = "1", deleted = "0" })
end

function shop:patches() return tonumber(self.version:match "^%d+") >= 8 end

function shop:local_time(moment) return moment:format("%Y-%m-%d %H:%M:%S", ZONE) end

local function stamp(self, text) return self:local_time(text and time.parse(text, "UTC") or self:now()) end

-- Reading -------------------------------------------------------------------------------------------------------------

---Lists inside of records, by resource and name.
local ASSOCIATIONS = {
  orders = { order_rows = function(self, order) return "order_row", self.rows[order.id] end },
  combinations = { product_option_values = function(self, combination)
    return "product_option_value", { { { "id", self.options[combination.id] } } }
  end },
}

local function element_of(self, record, wanted, url)
  local associations = {}
  for name, rows in pairs(ASSOCIATIONS[record.resource] or {}) do
    local node, list = rows(self, record)
    if not wanted or wanted[name] then associations[#associations + 1] = { name = name, node = node, rows = list } end
  end
  return books.xml(record, wanted, associations, url)
end

local function refuse_with(self)
  return function(...) self:answer(fault(...)) end
end

local function resource_of(self, request)
  local resource = request.params.resource
  if not books.RESOURCES[resource] then
    self:answer(fault(400, 27, ("Resource of type \"%s\" does not exists"):format(resource)))
  end
  return resource
end

local function index(self, request)
  local names = {}
  for name in pairs(books.RESOURCES) do
    local writes = telling.REQUIRED[name] and "true" or "false"
    local patch = self:patches() and (' patch="%s"'):format(writes) or ""
    names[#names + 1] = ('<%s xlink:href="%s/api/%s" get="true" put="%s" post="%s"%s delete="false"/>'):format(name,
      request.url, name, writes, writes, patch)
  end
  return xml(books.document("<api shopName=\"Tea\">\n" .. table.concat(names, "\n") .. "\n</api>"))
end

shop:route("GET /api/", index)
shop:route("GET /api", index)

shop:route("GET /api/{resource}", function(self, request)
  local resource, refuse, made = resource_of(self, request), refuse_with(self), {}
  local records = lists.records(self, resource, request.query, refuse)
  local display = request.query.display
  local wanted = display and lists.wanted(resource, display, ASSOCIATIONS[resource] or {}, refuse)
  for i, record in ipairs(records) do
    made[i] = display and element_of(self, record, wanted, request.url) or
      ('<%s id="%d" xlink:href="%s/api/%s/%d"/>'):format(books.RESOURCES[resource].element, record.id, request.url,
        resource, record.id)
  end
  return xml(books.document(("<%s>\n%s\n</%s>"):format(resource, table.concat(made, "\n"), resource)))
end)

shop:route("GET /api/{resource}/{id}", function(self, request)
  local record = books.by_id(self.tables, resource_of(self, request), request.params.id)
  if not record then return fake.text("", 404) end
  return xml(books.document(element_of(self, self:page({ record }, 0, 1)[1], nil, request.url)))
end)

-- Being told ----------------------------------------------------------------------------------------------------------

local function write(self, request)
  local resource = resource_of(self, request)
  local done, made = telling.carry_out(self, request.method, resource, request, refuse_with(self)), {}
  for i, record in ipairs(done) do made[i] = element_of(self, record, nil, request.url) end
  local body = table.concat(made, "\n")
  if #made > 1 then body = ("<%s>\n%s\n</%s>"):format(resource, body, resource) end
  return xml(books.document(body), request.method == "POST" and 201 or 200)
end

for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
  shop:route(method .. " /api/{resource}", write)
  shop:route(method .. " /api/{resource}/{id}", write)
end

-- Places and people ---------------------------------------------------------------------------------------------------

---The id of the record with this code, which is made when there is none; "0" for no code.
local function id_by_code(self, resource, code, more)
  if not code or code == "" then return "0" end
  local found = books.find(self.tables, resource, function(record)
    return record.iso_code == code and (not more or record.id_country == more.id_country)
  end)
  if not found then
    local fields = { iso_code = code, name = resource == "countries" and books.in_all(code) or code, active = "1",
      deleted = "0", conversion_rate = "1.250000" }
    for name, value in pairs(more or {}) do fields[name] = value end
    found = books.add(self.tables, resource, fields)
  end
  return found.id
end

local ADDRESS = { company = "company", last_name = "lastname", first_name = "firstname", vat_number = "vat_number",
  street = "address1", street2 = "address2", postcode = "postcode", city = "city", note = "other", phone = "phone",
  mobile = "phone_mobile" }

local function add_address(self, customer, address)
  local fields = { id_customer = customer.id, alias = "My address", deleted = "0", date_add = stamp(self),
    date_upd = stamp(self) }
  for ours, theirs in pairs(ADDRESS) do fields[theirs] = address[ours] end
  fields.id_country = id_by_code(self, "countries", address.country)
  fields.id_state = id_by_code(self, "states", address.region, { id_country = fields.id_country })
  return books.add(self.tables, "addresses", fields).id
end

local function find_customer(self, email)
  return books.find(self.tables, "customers", function(customer)
    return customer.email == email and customer.deleted == "0"
  end)
end

local function flag(value, default)
  if value == nil then return default end
  return (value == true or value == "true" or value == "1") and "1" or "0"
end

local function add_customer(self, customer, guest)
  return books.add(self.tables, "customers", { email = customer.email, firstname = customer.first_name,
    lastname = customer.last_name, company = customer.company, note = customer.note, id_lang = "1",
    id_default_group = "3", passwd = "$2y$10$a-hash", is_guest = flag(customer.guest, guest),
    active = flag(customer.active, "1"), deleted = "0", date_add = stamp(self, customer.created_at),
    date_upd = stamp(self) })
end

function shop:register(customer)
  local made = add_customer(self, customer, "0")
  for _, address in ipairs(customer.addresses or {}) do add_address(self, made, address) end
  return tostring(made.id)
end

function shop:customer_of(email)
  local found = find_customer(self, email)
  return found and { email = found.email, first_name = found.firstname, last_name = found.lastname,
    company = found.company, note = found.note, active = found.active == "1", guest = found.is_guest == "1",
    group = tostring(found.id_default_group) }
end

-- Items and stock -----------------------------------------------------------------------------------------------------

---The product or combination of a SKU.
local function find_item(self, sku)
  local function has(record) return record.reference == sku end
  return books.find(self.tables, "combinations", has) or books.find(self.tables, "products", has)
end

---@return table row of stock
function shop:add_stock(product_id, combination_id, quantity)
  return books.add(self.tables, "stock_availables", { id_product = product_id, id_product_attribute = combination_id,
    id_shop = "1", id_shop_group = "0", quantity = quantity, depends_on_stock = "0", out_of_stock = "2" })
end

local function stock_row(self, record)
  local is_product = record.resource == "products"
  return books.find(self.tables, "stock_availables", telling.is_for(is_product and record.id or record.id_product,
    is_product and "0" or record.id))
end

local function add_variant(self, product, variant)
  local option = books.add(self.tables, "product_option_values", { id_attribute_group = "1",
    name = books.in_all(variant.name or variant.sku) })
  local price = decimal.new(variant.price or product.price) - decimal.new(product.price)
  local made = books.add(self.tables, "combinations", { id_product = product.id, reference = variant.sku,
    ean13 = variant.barcode, price = books.amount(tostring(price)), weight = "0.000000", minimal_quantity = "1",
    quantity = "0" })
  self.options[made.id] = tostring(option.id)
  self:add_stock(product.id, made.id, tostring(variant.quantity or 0))
  return made
end

---One that is offered again under its SKU is another product from then on.
function shop:offer(item)
  local before = item.sku and find_item(self, item.sku)
  if before then before.reference = before.reference .. "-old" end
  local variants = item.variants or {}
  local product = books.add(self.tables, "products", { reference = item.sku, price = books.amount(item.price),
    wholesale_price = books.amount(item.cost), weight = books.amount(item.weight), ean13 = item.barcode,
    name = books.in_all(item.name or item.sku or ""), description = books.in_all(item.description or ""),
    active = flag(item.active, "1"), state = "1", type = "simple",
    product_type = #variants > 0 and "combinations" or "standard", id_tax_rules_group = "1",
    id_default_combination = "0", cache_default_attribute = "0", position_in_category = "0", quantity = "0",
    available_date = "0000-00-00", date_add = stamp(self), date_upd = stamp(self) })
  self:add_stock(product.id, "0", tostring(item.quantity or 0))
  for i, variant in ipairs(variants) do
    local made = add_variant(self, product, variant)
    if i == 1 then product.cache_default_attribute, product.id_default_combination = made.id, made.id end
  end
  telling.count_stock(self, product.id)
  return tostring(product.id)
end

function shop:quantity_of(sku)
  local record = find_item(self, sku)
  local row = record and stock_row(self, record)
  return row and row.quantity
end

function shop:price_of(sku)
  local record = find_item(self, sku)
  return record and telling.price(self, record)
end

function shop:item_of(sku)
  local record = find_item(self, sku)
  if not record then return nil end
  local product = record.resource == "products" and record or books.by_id(self.tables, "products", record.id_product)
  return { sku = record.reference, name = product.name[1], description = product.description[1],
    barcode = record.ean13, price = telling.price(self, record), active = product.active == "1" }
end

-- Orders --------------------------------------------------------------------------------------------------------------

local function row_of(self, number, line)
  local record, product, combination = line.sku and find_item(self, line.sku), "0", "0"
  if record then
    local row = stock_row(self, record) -- an order takes its pieces at once
    row.quantity = tostring(decimal.new(row.quantity) - decimal.new(line.quantity))
    product, combination = row.id_product, row.id_product_attribute
    telling.count_stock(self, product)
  end
  return { { "id", number }, { "product_id", product }, { "product_attribute_id", combination },
    { "product_quantity", line.quantity }, { "product_name", line.name or line.sku or "" },
    { "product_reference", line.sku or "" }, { "product_ean13", line.barcode or "" },
    { "unit_price_tax_incl", books.amount(line.unit_price) }, { "id_customization", "0" } }
end

local function goods_of(order)
  local sum = decimal.new "0"
  for _, line in ipairs(order.lines) do
    sum = sum + (line.total and decimal.new(line.total) or decimal.new(line.unit_price) * decimal.new(line.quantity))
  end
  return tostring(sum)
end

local function state_of(self, status)
  return self.states[status or "pending"] or error(("a PrestaShop has no order state for %s"):format(status), 0)
end

---The state of a new order; one that nobody knows was taken out of the database.
local function state_for(self, order)
  local word = order.cart_status
  local known = word and books.find(self.tables, "order_states", function(state) return state.name[1] == word end)
  return known or (word and { id = LOST_STATE }) or state_of(self, order.status)
end

local function add_order(self, order, customer)
  local billing = order.billing or order.shipping or { last_name = "Müller", country = "FR" }
  local total, invoice = decimal.new(order.total), add_address(self, customer, billing)
  return books.add(self.tables, "orders", {
    id_address_invoice = invoice,
    id_address_delivery = order.shipping and add_address(self, customer, order.shipping) or invoice,
    id_currency = id_by_code(self, "currencies", order.currency), id_lang = "1", id_customer = customer.id,
    id_carrier = self.tables.carriers[#self.tables.carriers].id, current_state = "0",
    module = order.payment_method or "ps_wirepayment", payment = order.payment_name or "Virement", invoice_number = "0",
    invoice_date = NEVER, delivery_date = NEVER, date_add = stamp(self, order.placed_at), date_upd = stamp(self),
    note = order.note, id_shop = "1", gift_message = order.gift_message,
    reference = order.number or ("F%08d"):format(self:next "references"),
    total_discounts_tax_incl = books.amount(order.discount_total), total_paid = books.amount(order.total),
    total_paid_tax_incl = books.amount(order.total), total_paid_real = "0.000000",
    total_paid_tax_excl = books.amount(tostring(total - decimal.new(order.tax_total or "0"))),
    total_products_wt = books.amount(goods_of(order)), total_shipping_tax_incl = books.amount(order.shipping_total),
    total_wrapping_tax_incl = books.amount(order.fee_total), round_mode = "2", round_type = "2",
    conversion_rate = "1.000000" })
end

local function add_history(self, order, state)
  books.add(self.tables, "order_histories", { id_employee = "0", id_order = order.id, id_order_state = state.id,
    date_add = stamp(self) })
  telling.move(self, order, state, stamp(self))
end

function shop:place(order)
  local state, buyer = state_for(self, order), order.billing or order.shipping or {}
  local email = order.email or ("guest%d@example.com"):format(self:next "guests")
  local customer = find_customer(self, email) or add_customer(self,
    { email = email, first_name = buyer.first_name or "Zoë", last_name = buyer.last_name or "Müller" }, "1")
  local made, rows = add_order(self, order, customer), {}
  for i, line in ipairs(order.lines) do rows[i] = row_of(self, made.id * 100 + i, line) end
  self.rows[made.id] = rows
  if order.discount_total and not decimal.new(order.discount_total):is_zero() then
    books.add(self.tables, "order_cart_rules", { id_order = made.id, id_cart_rule = "1", name = "Spring",
      value = books.amount(order.discount_total), value_tax_excl = books.amount(order.discount_total), deleted = "0" })
  end
  books.add(self.tables, "order_carriers", { id_order = made.id, id_carrier = made.id_carrier, id_order_invoice = "0",
    weight = "0.300000", shipping_cost_tax_excl = books.amount(order.shipping_total),
    shipping_cost_tax_incl = books.amount(order.shipping_total), date_add = stamp(self) })
  add_history(self, made, state)
  made.date_upd = stamp(self, order.changed_at)
  return tostring(made.id)
end

---Somebody took it out of the database.
function shop:remove(order_id) books.remove(self.tables, "orders", order_id) end

local function order_by(self, order_id)
  return books.by_id(self.tables, "orders", order_id) or error("there is no order " .. order_id, 0)
end

function shop:amend(order_id, changes)
  local order = order_by(self, order_id)
  if changes.note then order.note = changes.note end
  if changes.status then add_history(self, order, state_of(self, changes.status)) end
  order.date_upd = stamp(self)
end

---Whether all pieces of an order are on their way with these; without lines they are.
local function is_all_sent(self, order, lines)
  if not lines then return true end
  local sent, left = self.sent[order.id] or decimal.new "0", decimal.new "0"
  for _, line in ipairs(lines) do sent = sent + decimal.new(line.quantity) end
  for _, row in ipairs(self.rows[order.id]) do left = left + decimal.new(row[4][2]) end
  self.sent[order.id] = sent
  return sent >= left
end

local function parcel_of(self, order)
  return books.find(self.tables, "order_carriers", function(row)
    return tostring(row.id_order) == tostring(order.id)
  end)
end

---The shop has one field for the numbers of all parcels, and no state between paid and shipped.
function shop:ship(order_id, shipment)
  local order = order_by(self, order_id)
  local parcel = parcel_of(self, order)
  if shipment.tracking_number then
    parcel.tracking_number = parcel.tracking_number == "" and shipment.tracking_number
      or parcel.tracking_number .. "," .. shipment.tracking_number
    order.shipping_number = parcel.tracking_number
  end
  if is_all_sent(self, order, shipment.lines) then add_history(self, order, self.states.shipped) end
  order.date_upd = stamp(self)
end

---A refund of a part shows neither in the order's sums nor in its state.
function shop:refund(order_id, refund)
  local order = order_by(self, order_id)
  local is_partial = decimal.new(refund.amount) < decimal.new(order.total_paid_tax_incl)
  books.add(self.tables, "order_slip", { id_order = order.id, id_customer = order.id_customer,
    amount = books.amount(refund.amount), partial = is_partial and "1" or "0", date_add = stamp(self),
    date_upd = stamp(self) })
  if not is_partial then add_history(self, order, self.states.refunded) end
  order.date_upd = stamp(self)
end

function shop:order_of(order_id)
  local order = books.by_id(self.tables, "orders", order_id)
  if not order then return nil end
  local parcel, shipments = parcel_of(self, order), {}
  local carrier = books.by_id(self.tables, "carriers", parcel.id_carrier)
  for number in parcel.tracking_number:gmatch "[^,]+" do
    shipments[#shipments + 1] = { tracking_number = number, carrier = carrier and carrier.id_reference }
  end
  local state = books.by_id(self.tables, "order_states", order.current_state)
  return { status = state and state.name[1] or tostring(order.current_state), shipments = shipments }
end

return shop
