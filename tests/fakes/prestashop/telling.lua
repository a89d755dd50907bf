---What a PrestaShop is told, strict where the real one is: PUT replaces, what it computes is refused, a state comes by
---its history. Each change that took effect is booked, and each mail to a buyer kept.
local books = require "fakes.prestashop.books"
local decimal = require "cartwright.decimal"

local telling = {}

local REQUIRED = {
  combinations = { "id_product", "minimal_quantity" },
  customers = { "lastname", "firstname", "email", "passwd" },
  order_carriers = { "id_order", "id_carrier" },
  order_histories = { "id_order", "id_order_state" },
  products = { "price" },
  stock_availables = { "id_product", "id_product_attribute", "quantity", "depends_on_stock", "out_of_stock" },
}
local REFUSED = { products = { manufacturer_name = true, quantity = true } }
local COMPUTED = { products = { position_in_category = true, type = true, manufacturer_name = true, quantity = true,
  date_add = true, date_upd = true, cache_default_attribute = true }, customers = { date_add = true, date_upd = true },
  order_carriers = { date_add = true } }
local DEFAULTS = {
  customers = { id_default_group = "3", id_lang = "1", is_guest = "0", active = "0", deleted = "0" },
  products = { state = "0", active = "0", type = "simple", position_in_category = "0", quantity = "0",
    cache_default_attribute = "0", price = "0.000000", weight = "0.000000" },
}
local MAKES = { order_histories = true, customers = true, products = true }
local AMOUNTS = { price = true, weight = true, wholesale_price = true }

-- What comes in -------------------------------------------------------------------------------------------------------

---@param element cartwright.Node
local function fields_of(resource, element)
  local fields = {}
  for node in element:each "*" do
    local name = node:name()
    if books.is_multilingual(resource, name) then
      fields[name] = {}
      for language in node:each "language" do
        fields[name][tonumber(language:text "@id")] = language:text() or ""
      end
    elseif name ~= "associations" then
      local text = node:text() or ""
      fields[name] = AMOUNTS[name] and text ~= "" and books.amount(text) or text
    end
  end
  return fields
end

local VALID = {
  customers = { firstname = "^[^0-9!<>,;?=+()@#\"{}_$%%:]*$", lastname = "^[^0-9!<>,;?=+()@#\"{}_$%%:]*$",
    email = "^[^@%s]+@[^@%s]+$" },
  order_carriers = { tracking_number = "^[%w~:#,%%&_=()%[%].?+%-@/]*$" },
  products = { reference = "^[^<>;={}]*$" },
}
local LONGEST = { order_carriers = { tracking_number = 64 }, products = { reference = 64 } }

local function check(resource, element, fields, refuse)
  for name in pairs(REFUSED[resource] or {}) do
    if fields[name] then refuse(400, 93, ("parameter \"%s\" not writable"):format(name)) end
  end
  for name, pattern in pairs(VALID[resource] or {}) do
    local longest = LONGEST[resource] and LONGEST[resource][name] or 255
    if fields[name] and (not fields[name]:match(pattern) or #fields[name] > longest) then
      refuse(400, 85, ("Validation error: \"Property %s->%s is not valid\""):format(element, name))
    end
  end
end

local function check_required(resource, fields, refuse)
  for _, name in ipairs(REQUIRED[resource] or {}) do
    if fields[name] == nil then refuse(400, 41, ("parameter \"%s\" required"):format(name)) end
  end
end

-- Consequences --------------------------------------------------------------------------------------------------------

---Ids are numbers here and texts in what the shop is told.
local function is_same(id, other) return tostring(id) == tostring(other) end

---Whether a row of stock is that of a product, or of its combination.
function telling.is_for(product_id, combination_id)
  return function(row)
    return is_same(row.id_product, product_id) and is_same(row.id_product_attribute, combination_id)
  end
end

---The row of a product with combinations is their sum.
function telling.count_stock(shop, product_id)
  local sum, own
  for _, row in ipairs(shop.tables.stock_availables) do
    if is_same(row.id_product, product_id) then
      if is_same(row.id_product_attribute, "0") then own = row else sum = (sum or 0) + tonumber(row.quantity) end
    end
  end
  if own and sum then own.quantity = tostring(math.tointeger(sum) or sum) end
end

---What a product or combination costs, its own price and that of its product together.
function telling.price(shop, record)
  local price = decimal.new(record.price)
  if record.resource == "combinations" then
    price = price + decimal.new(books.by_id(shop.tables, "products", record.id_product).price)
  end
  return tostring(price:round(2))
end

local function sku_of(shop, row)
  local resource, id = "products", row.id_product
  if not is_same(row.id_product_attribute, "0") then resource, id = "combinations", row.id_product_attribute end
  return books.by_id(shop.tables, resource, id).reference
end

---A new state of an order, by a row of its history.
function telling.move(shop, order, state, stamp)
  order.current_state, order.date_upd = state.id, stamp
  if state.paid == "1" and order.total_paid_real == "0.000000" then
    order.total_paid_real = order.total_paid_tax_incl
    books.add(shop.tables, "order_payments", { order_reference = order.reference, id_currency = order.id_currency,
      amount = order.total_paid_tax_incl, payment_method = order.payment, conversion_rate = "1.000000",
      date_add = stamp })
  end
end

local function names_of(changes)
  local names = {}
  for name in pairs(changes) do names[#names + 1] = name end
  return table.concat(names, " ")
end

local CONSEQUENCES = {
  stock_availables = function(shop, row)
    telling.count_stock(shop, row.id_product)
    shop:book { kind = "stock", sku = sku_of(shop, row), quantity = row.quantity }
  end,
  order_carriers = function(shop, parcel)
    local order = books.by_id(shop.tables, "orders", parcel.id_order)
    local carrier = books.by_id(shop.tables, "carriers", parcel.id_carrier)
    order.shipping_number = parcel.tracking_number
    shop:book { kind = "shipment", order_id = tostring(order.id), tracking_number = parcel.tracking_number,
      carrier = carrier and carrier.id_reference }
  end,
  order_histories = function(shop, row)
    local order = books.by_id(shop.tables, "orders", row.id_order)
    local state = books.by_id(shop.tables, "order_states", row.id_order_state)
    telling.move(shop, order, state, row.date_add)
    shop:book { kind = "status", order_id = tostring(order.id), status = state.name[1] }
  end,
  customers = function(shop, customer, changes)
    shop:book { kind = "customer", email = customer.email, fields = names_of(changes) }
  end,
  products = function(shop, product, changes)
    local fields = names_of(changes)
    shop:book(fields == "price" and { kind = "price", sku = product.reference, price = telling.price(shop, product) }
      or { kind = "item", sku = product.reference, fields = fields })
  end,
  combinations = function(shop, combination)
    shop:book { kind = "price", sku = combination.reference, price = telling.price(shop, combination) }
  end,
}

---@param query table<string, string>
local function conclude(shop, record, changes, query)
  CONSEQUENCES[record.resource](shop, record, changes)
  if query.sendemail == "1" then
    table.insert(shop.mails, { about = record.resource, id = tostring(record.id_order or record.id) })
  end
end

-- Making and changing -------------------------------------------------------------------------------------------------

local function make(shop, resource, fields, query, refuse)
  if fields.id then refuse(400, 91, "id is forbidden when adding a new resource") end
  check_required(resource, fields, refuse)
  local made, stamp = {}, shop:local_time(shop:now())
  for name, value in pairs(DEFAULTS[resource] or {}) do made[name] = value end
  for name, value in pairs(fields) do made[name] = value end
  if resource == "order_histories" then
    if not books.by_id(shop.tables, "orders", fields.id_order) or
      not books.by_id(shop.tables, "order_states", fields.id_order_state) then
      refuse(400, 85, "Validation error: \"Property OrderHistory->id_order is not valid\"")
    end
  end
  made.date_add, made.date_upd = stamp, stamp
  if made.passwd then made.passwd = "$2y$10$a-hash" end
  local record = books.add(shop.tables, resource, made)
  if resource == "products" then shop:add_stock(record.id, "0", "0") end
  conclude(shop, record, fields, query)
  return record
end

---What of a record is to be another.
local function changes_of(resource, record, fields, is_patch)
  local changes, computed = {}, COMPUTED[resource] or {}
  for _, name in ipairs(books.RESOURCES[resource].fields) do
    local value = fields[name]
    if value == nil and not is_patch then value = books.is_multilingual(resource, name) and books.in_all "" or "" end
    if value ~= nil and name ~= "id" and not computed[name] then
      if type(value) == "table" then -- languages that are not named keep their text
        local merged, differs = {}, false
        for i, text in ipairs(record[name]) do
          merged[i] = value[i] or text
          differs = differs or merged[i] ~= text
        end
        if differs then changes[name] = merged end
      elseif tostring(record[name]) ~= value then
        changes[name] = value
      end
    end
  end
  return changes
end

local function change(shop, method, resource, fields, query, refuse)
  if not fields.id then refuse(400, 90, "id is required when modifying a resource") end
  local record = books.by_id(shop.tables, resource, fields.id) or refuse(404, 92, "Invalid ID")
  if method == "PUT" then check_required(resource, fields, refuse) end
  if resource == "stock_availables" and record.depends_on_stock == "1" then
    refuse(500, 133, "This resource depends on stock")
  end
  local changes = changes_of(resource, record, fields, method == "PATCH")
  for name, value in pairs(changes) do record[name] = value end
  if record.date_upd then record.date_upd = shop:local_time(shop:now()) end
  conclude(shop, record, changes, query)
  return record
end

local function check_method(shop, method, resource, refuse)
  local is_known = method == "PUT" or method == "POST" or (method == "PATCH" and shop:patches())
  if not is_known or not REQUIRED[resource] or (method == "POST" and not MAKES[resource]) then
    refuse(405, 25, ("Method %s is not allowed for the resource %s"):format(method, resource))
  end
end

---Carries out a request that writes. Several records in one are no transaction.
---@return table[] records as they are now
function telling.carry_out(shop, method, resource, request, refuse)
  check_method(shop, method, resource, refuse)
  if request.body == "" then refuse(500, 127, "XML error : String could not be parsed as XML, XML length : 0") end
  local element, done = books.RESOURCES[resource].element, {}
  for node in request:xml():each(element) do
    local fields = fields_of(resource, node)
    check(resource, element, fields, refuse)
    done[#done + 1] = method == "POST" and make(shop, resource, fields, request.query, refuse)
      or change(shop, method, resource, fields, request.query, refuse)
  end
  return done
end

telling.REQUIRED = REQUIRED
return telling
