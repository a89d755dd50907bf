---What a PrestaShop holds, and how its web service writes it: records in tables, as XML with CDATA.
local decimal = require "cartwright.decimal"

local books = {}

-- Resources -----------------------------------------------------------------------------------------------------------

---Of each resource: the element of a record, its first id (no two resources share one), its fields in the shop's order.
local RESOURCES = {
  addresses = { "address", 600001, "id id_customer id_country id_state alias company lastname firstname vat_number "
    .. "address1 address2 postcode city other phone phone_mobile dni deleted date_add date_upd" },
  carriers = { "carrier", 11, "id deleted id_reference name active" },
  combinations = { "combination", 400001, "id id_product reference ean13 upc price weight minimal_quantity quantity" },
  countries = { "country", 101, "id iso_code name" },
  currencies = { "currency", 201, "id iso_code conversion_rate active deleted" },
  customers = { "customer", 200001, "id id_default_group id_lang passwd lastname firstname email company siret note "
    .. "is_guest active deleted date_add date_upd" },
  languages = { "language", 1, "id name iso_code active" },
  order_carriers = { "order_carrier", 700001, "id id_order id_carrier id_order_invoice weight shipping_cost_tax_excl "
    .. "shipping_cost_tax_incl tracking_number date_add" },
  order_cart_rules = { "order_cart_rule", 710001, "id id_order id_cart_rule name value value_tax_excl deleted" },
  order_histories = { "order_history", 720001, "id id_employee id_order_state id_order date_add" },
  order_payments = { "order_payment", 740001, "id order_reference id_currency amount payment_method conversion_rate "
    .. "transaction_id date_add" },
  order_slip = { "order_slip", 760001, "id id_customer id_order amount partial date_add date_upd" },
  order_states = { "order_state", 51, "id unremovable send_email module_name paid shipped delivery invoice logable "
    .. "deleted name template" },
  orders = { "order", 100001, "id id_address_delivery id_address_invoice id_currency id_lang id_customer id_carrier "
    .. "current_state module invoice_number invoice_date delivery_date date_add date_upd shipping_number note id_shop payment gift_message "
    .. "total_discounts_tax_incl total_paid total_paid_tax_incl total_paid_tax_excl total_paid_real total_products_wt "
    .. "total_shipping_tax_incl total_wrapping_tax_incl round_mode round_type conversion_rate reference" },
  product_option_values = { "product_option_value", 800001, "id id_attribute_group name" },
  products = { "product", 300001, "id manufacturer_name id_default_combination cache_default_attribute "
    .. "id_tax_rules_group position_in_category quantity type product_type reference supplier_reference ean13 isbn upc "
    .. "weight price wholesale_price active state available_for_order available_date show_price date_add date_upd name description "
    .. "link_rewrite" },
  states = { "state", 901, "id id_country iso_code name" },
  stock_availables = { "stock_available", 500001, "id id_product id_product_attribute id_shop id_shop_group quantity "
    .. "depends_on_stock out_of_stock location" },
}
books.RESOURCES = {}

local LANGUAGES = 2 -- the first is the shop's own
local MULTILINGUAL = { name = { order_states = true, products = true, product_option_values = true, countries = true },
  template = { order_states = true }, description = { products = true }, link_rewrite = { products = true } }

for name, row in pairs(RESOURCES) do
  local resource = { element = row[1], first = row[2], fields = {}, has = {} }
  for field in row[3]:gmatch "%S+" do
    table.insert(resource.fields, field)
    resource.has[field] = true
  end
  books.RESOURCES[name] = resource
end

---@return boolean
function books.is_multilingual(resource, field)
  return MULTILINGUAL[field] ~= nil and MULTILINGUAL[field][resource] == true
end

---Text in all languages.
function books.in_all(text)
  local texts = {}
  for i = 1, LANGUAGES do texts[i] = text end
  return texts
end

-- Records -------------------------------------------------------------------------------------------------------------

---An empty shop's tables.
function books.new()
  local tables = {}
  for name in pairs(books.RESOURCES) do tables[name] = {} end
  return tables
end

---Adds a record; fields that are not given are empty.
---@param fields table<string, any>
function books.add(tables, resource, fields)
  local description, list = books.RESOURCES[resource], tables[resource]
  local record = { resource = resource }
  for _, name in ipairs(description.fields) do
    local empty = books.is_multilingual(resource, name) and books.in_all "" or ""
    record[name] = fields[name] == nil and empty or fields[name]
  end
  record.id = description.first + #list
  list[#list + 1] = record
  return record
end

---@param id string|integer
function books.by_id(tables, resource, id)
  local number = math.tointeger(tonumber(id))
  local record = number and tables[resource][number - books.RESOURCES[resource].first + 1]
  return record and not record.is_gone and record or nil
end

---Takes a record out of all lists; its place stays, so that ids go on from it.
function books.remove(tables, resource, id)
  local record = books.by_id(tables, resource, id)
  if record then record.is_gone = true end
end

---The first record of which this is true.
---@param fits fun(record: table): boolean
function books.find(tables, resource, fits)
  for _, record in ipairs(tables[resource]) do
    if not record.is_gone and fits(record) then return record end
  end
end

---"12.5" as the shop stores amounts.
function books.amount(value) return tostring(decimal.new(value or "0"):round(6)) end

-- XML -----------------------------------------------------------------------------------------------------------------

local function cdata(value)
  local text = tostring(value)
  return text == "" and "" or ("<![CDATA[%s]]>"):format((text:gsub("]]>", "]]]]><![CDATA[>")))
end

local function languages(texts)
  local made = {}
  for i, text in ipairs(texts) do made[i] = ('<language id="%d">%s</language>'):format(i, cdata(text)) end
  return table.concat(made)
end

---Computed fields say that nothing can be found by them.
books.NOT_FILTERABLE = { orders = { shipping_number = true },
  products = { manufacturer_name = true, quantity = true, type = true, position_in_category = true } }

local function field(resource, name, value, url)
  local attributes = ""
  local of = name:match "^id_(%l+)$"
  local hidden = books.NOT_FILTERABLE[resource]
  if hidden and hidden[name] then attributes = ' notFilterable="true"' end
  if of and tostring(value) ~= "0" and value ~= "" then
    attributes = (' xlink:href="%s/api/%ss/%s"'):format(url, of, value)
  end
  return ("<%s%s>%s</%s>"):format(name, attributes, type(value) == "table" and languages(value) or cdata(value), name)
end

---Lists inside a record. Their texts stand in white space, as those of some versions do.
local function associations(lists)
  local made = {}
  for _, list in ipairs(lists) do
    local rows = {}
    for i, row in ipairs(list.rows) do
      local fields = {}
      for _, pair in ipairs(row) do
        fields[#fields + 1] = ("<%s>\n%s\n</%s>"):format(pair[1], cdata(pair[2]), pair[1])
      end
      rows[i] = ("<%s>%s</%s>"):format(list.node, table.concat(fields), list.node)
    end
    made[#made + 1] = ('<%s nodeType="%s" api="%s">%s</%s>'):format(list.name, list.node, list.name,
      table.concat(rows, "\n"), list.name)
  end
  return "<associations>\n" .. table.concat(made, "\n") .. "\n</associations>"
end

---@param wanted? table<string, boolean> names of fields; nil: all
---@param lists? table[] the record's associations, those that are wanted
function books.xml(record, wanted, lists, url)
  local resource, made = books.RESOURCES[record.resource], {}
  for _, name in ipairs(resource.fields) do
    if not wanted or wanted[name] then made[#made + 1] = field(record.resource, name, record[name], url) end
  end
  if lists and #lists > 0 then made[#made + 1] = associations(lists) end
  return ("<%s>\n%s\n</%s>"):format(resource.element, table.concat(made, "\n"), resource.element)
end

function books.document(body)
  return '<?xml version="1.0" encoding="UTF-8"?>\n<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">\n' .. body
    .. "\n</prestashop>\n"
end

return books
