---WooCommerce 3.5 and later through its REST interface (wc/v3): orders.
---
---Facts this script relies on:
---  - Keys go by basic authentication over https; over plain http the shop refuses that. Some servers drop the
---    Authorization header; then the keys can stand in the address, from where they get into access logs.
---  - Times ending in _gmt are UTC without saying so; their siblings are local times of the site. The filter for
---    changes compares local times unless dates_are_gmt is set, is exclusive to the second, and is ignored without a
---    word by versions before 5.8.
---  - The count of records comes in X-WP-Total. Pages can be short or even empty in the middle, because the shop
---    counts records that it then does not show.
---  - Amounts of lines, freight and fees are without tax and after discounts; coupon_lines repeat what is already in
---    the lines. lines + fees + freight + taxes - gift cards = total. Refunds do not change the total.
---  - Amounts are rounded for the answer unless more digits are asked for (dp).
---  - Plugins write numbers as text, text as numbers, and false where nothing is. Texts may hold HTML entities.
---  - PHP may print notices before the JSON.
---  - A webhook's signature is over the body alone; its Delivery-ID is not signed, and two deliveries of one second
---    share it. The address gets an unsigned form with webhook_id=N when the webhook is made, and must answer 200.
---    After five failures in a row the shop switches the webhook off without a word.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local paging = require "cartwright.paging"

local shop = cart.new {
  title = "WooCommerce REST v3",
  settings = {
    url = cart.url { required = true, help = "address of the shop, where WordPress is, without /wp-json" },
    key = cart.secret { required = true, help = "consumer key: WooCommerce > Settings > Advanced > REST API" },
    secret = cart.secret { required = true, help = "consumer secret that belongs to the key" },
    webhook_secret = cart.secret { help = "of webhooks, which let changes be fetched at once: WooCommerce > Settings > "
      .. "Advanced > Webhooks" },
    keys_in_address = cart.boolean { default = false, help = "for servers that drop the Authorization header" },
    page_size = cart.integer { default = 100, help = "records asked for at once, at most 100" },
  },
  http = function(settings)
    return { base = settings.url .. "/wp-json/wc/v3/", rate = "10/s", burst = 5,
      basic = not settings.keys_in_address and { settings.key, settings.secret } or nil }
  end,
}

-- Connection ----------------------------------------------------------------------------------------------------------

---What the shop's own error codes mean: code of the test, setting to look at, what to do.
local CAUSES = {
  woocommerce_rest_cannot_view = { "auth", "key", "the shop does not know the key, its user may not see orders, or the "
    .. "web server drops the Authorization header (then set keys_in_address = true)" },
  woocommerce_rest_authentication_error = { "auth", "secret", "the shop does not accept the key" },
  rest_no_route = { "not-found", "url", "WooCommerce is not active there, or older than 3.5" },
}

---What it means when not the shop but its web server answers.
local WEB_PAGES = {
  [401] = { "auth", "url", "the web server itself asks for a password, before the shop" },
  [403] = { "permission", "url", "the web server or a firewall refuses the request" },
  [404] = { "not-found", "url", "no REST interface at this address; check it, and that permalinks are not \"plain\"" },
  [503] = { "unavailable", nil, "the shop is in maintenance" },
}

---@param response cartwright.Response
---@return string? words
---@return string? code
---@return string? setting
function shop:explain(response)
  local is_json, reported = pcall(response.json, response)
  if not is_json or type(reported) ~= "table" or type(reported.code) ~= "string" then
    local page = WEB_PAGES[response.status] or {}
    return page[3], page[1], page[2]
  end
  local words = ("%s (%s)"):format(tostring(reported.message), reported.code)
  local cause = CAUSES[reported.code]
  if not cause then return words end
  if response.status == 401 and self.settings.url:find "^http://" then
    words = words .. "; over plain http the shop refuses keys, use https"
  end
  return cause[3] .. "; " .. words, cause[1], cause[2]
end

---GET with the keys where the shop can see them.
---@return cartwright.Response
local function get(self, path, query)
  if self.settings.keys_in_address then
    query.consumer_key, query.consumer_secret = self.settings.key, self.settings.secret
  end
  return self:get(path, query)
end

---Whether the shop heeds modified_after: nothing has been changed in the year 9000.
---@return boolean
local function heeds_changes(self)
  local answer = get(self, "orders", { modified_after = "9000-01-01T00:00:00", dates_are_gmt = true, per_page = 1,
    status = "any", _fields = "id" })
  return #answer:records "." == 0
end

---The same, asked until the answer is yes: shops are updated, hardly ever set back.
---@return boolean
local function can_filter(self)
  if self:recall "heeds changes" then return true end
  local heeds = heeds_changes(self)
  if heeds then self:remember("heeds changes", "yes") end
  return heeds
end

---@return table index of the WordPress site
---@return cartwright.Response
local function read_index(self)
  local response = self:get(self.settings.url .. "/wp-json/", { _fields = "namespaces" })
  local is_json, index = pcall(response.json, response)
  if not is_json or type(index) ~= "table" or type(index.namespaces) ~= "table" then
    cart.fail("not-expected", ("the address answers, but not as WordPress does (%s); check it, and that it is not "
      .. "redirected to the home page"):format(is_json and "no namespaces in it" or index), "url")
  end
  return index, response
end

---Whether a webhook leads to this cart: its address may have more behind the cart's name.
local function is_ours(self, hook)
  local path = type(hook.delivery_url) == "string" and hook.delivery_url:match "^[^?#]*" or ""
  return (path .. "/"):find(("/webhooks/%s/"):format(self.name), 1, true) ~= nil
end

---What the shop's webhooks are like, in a sentence.
---@return string finding
local function find_webhooks(self)
  if not self.takes_notices then
    return "no webhooks, since the secret webhook_secret is not set: changes wait for the next sync"
  end
  local is_read, hooks = pcall(function() return get(self, "webhooks", { per_page = 100 }):json() end)
  if not is_read or type(hooks) ~= "table" then
    return ("whether the shop's webhooks are on is not known: %s"):format(tostring(hooks))
  end
  local on, off = {}, {}
  for _, hook in ipairs(hooks) do
    local list = hook.status == "active" and on or off
    if is_ours(self, hook) then list[#list + 1] = ("%s (%s)"):format(tostring(hook.topic), tostring(hook.status)) end
  end
  if #off > 0 then
    return ("webhooks are switched off in the shop: %s; see why they failed there, and set them to active again")
      :format(table.concat(off, ", "))
  elseif #on == 0 then
    return ("the shop has no webhook that leads here: add one whose address ends in /webhooks/%s, with webhook_secret "
      .. "as its secret"):format(self.name)
  end
  return "webhooks: " .. table.concat(on, ", ")
end

---@return string[] findings
function shop:test()
  local index, response = read_index(self)
  local has_commerce = false
  for _, namespace in ipairs(index.namespaces) do has_commerce = has_commerce or namespace == "wc/v3" end
  if not has_commerce then
    cart.fail("not-found", "WordPress answers, but WooCommerce is not active there, or older than 3.5", "url")
  end
  get(self, "orders", { per_page = 1, status = "any", _fields = "id" }):records "."
  local findings = { "WooCommerce, wc/v3", cart.clock_note(response) }
  if not heeds_changes(self) then
    findings[#findings + 1] = "this WooCommerce is older than 5.8 and cannot list changes: every sync reads all orders"
  end
  findings[#findings + 1] = find_webhooks(self)
  return findings
end

-- Notices -------------------------------------------------------------------------------------------------------------

---What topics are about, and the stream that reads it.
local STREAMS = { order = "orders", coupon = "orders", customer = "customers", product = "items" }

---@param notice cartwright.Notice
function shop:webhook(notice)
  local signature = notice:header "X-WC-Webhook-Signature"
  if not signature and notice.body:find "^webhook_id=%d+$" then return { ignore = true } end
  if not self:signed { secret = "webhook_secret", encoding = "base64", signature = signature } then
    return nil, signature and "the signature is not right; is webhook_secret that of the webhook?" or "it is not signed"
  end
  local topic = notice:header "X-WC-Webhook-Topic" or ""
  local stream = STREAMS[topic:match "^%a+"]
  if not (stream and self[stream]) then return { ignore = true } end
  return { topic = topic, job = stream }
end

-- Reading -------------------------------------------------------------------------------------------------------------

local DAY = 24 * 3600 -- seconds

---The query for what was changed, or placed, inside the window. Both bounds are exclusive to the second. Shops that
---cannot filter by change compare their local time when asked for the time of placing: a day more on each side holds it.
local function inside(self, window)
  if not window.from then return {} end
  local filters, placed = can_filter(self), window.by == "placed"
  if not filters and not placed then return {} end
  local format, more, what = "%Y-%m-%dT%H:%M:%S", filters and 1 or DAY, placed and "" or "modified_"
  return { dates_are_gmt = filters or nil, [what .. "after"] = window.from:add(-more):format(format),
    [what .. "before"] = window.to:add(more):format(format) }
end

---Reads a list page by page.
---@param query table
---@param store? fun(records: cartwright.Records)
local function walk(self, window, resource, query, store)
  paging.walk(self, window, { size = math.min(self.settings.page_size, 100), store = store,
    read = function(offset, size)
      local page = map.copy(query)
      page.orderby, page.order, page.offset, page.per_page = "id", "asc", offset, size
      local response = get(self, resource, page)
      local total = response:header "X-WP-Total"
      return response:records ".", total and math.tointeger(tonumber(total))
    end })
end

-- Orders --------------------------------------------------------------------------------------------------------------

---Plugins write false where nothing is.
local function value(path)
  return map.value(path, { none = { "", "false" } })
end

---@param path string|string[]
local function text(path)
  return map.first(type(path) == "table" and path or { path }, { none = { "", "false" }, html = true })
end

local function id(path)
  return map.value(path, { none = { "", "false", "0" } })
end

local function gmt(path)
  return map.time(path, { none = { "", "false" }, zone = "UTC" })
end

local function address()
  return map.address {
    first_name = text "first_name",
    last_name = text "last_name",
    company = text "company",
    street = text "address_1",
    street2 = text "address_2",
    postcode = text "postcode",
    city = text "city",
    region = text "state",
    country = value "country",
    phone = text "phone",
    email = value "email",
  }
end

---Refunds do not change the order's total; their amounts are negative.
---@param order cartwright.Node
---@return string
local function payment_status(order)
  local refunded, total = 0, order:decimal "total" or 0
  for refund in order:each "refunds" do refunded = refunded - (refund:decimal "total" or 0) end
  local status = order:text "status"
  if status == "refunded" or refunded > 0 and refunded >= total then return "refunded" end
  if refunded > 0 then return "partly_refunded" end
  local paid_at = order:text "date_paid_gmt"
  if paid_at and paid_at ~= "false" then return "paid" end
  return status == "failed" and "failed" or "unpaid"
end

---"Color: Black, Engraving: For Ann": what a buyer chose. Keys with a leading _ are the shop's own.
---@param line cartwright.Node
local function options(line)
  local found = {}
  for meta in line:each "meta_data" do
    local key = meta:text "display_key" or meta:text "key" or ""
    local chosen = meta:text "display_value" or meta:text "value"
    if chosen and not (meta:text "key" or "_"):find "^_" then found[#found + 1] = key .. ": " .. chosen end
  end
  return #found > 0 and table.concat(found, ", ") or nil
end

local DIGITS = 6 -- of amounts: enough that sums of lines do not suffer from rounding

shop.orders = {
  id = "id",
  records = ".",
  overlap = "1h",
  settle = "5s",

  fetch = function(self, window)
    local query = inside(self, window)
    query.status, query.dp = "any", DIGITS
    walk(self, window, "orders", query)
  end,

  ids = function(self, window)
    local query = inside(self, window)
    query.status, query._fields = "any", "id"
    walk(self, window, "orders", query, function(records) self:list(records:collect "id") end)
  end,

  read = function(self, ids)
    local query = { status = "any", dp = DIGITS, include = table.concat(ids, ","), per_page = #ids, orderby = "id",
      order = "asc" }
    self:emit(get(self, "orders", query):records ".")
  end,

  skip = {
    ["never checked out"] = { path = "status", values = { "auto-draft", "checkout-draft" } },
    ["in the trash"] = { path = "status", values = { "trash" } },
  },

  map = map.order {
    number = value { "number", "id" },
    status = map.translate("status", "status"),
    payment_status = payment_status,
    fulfilment_status = map.translate("fulfilment", "status"),
    cart_status = "status",
    placed_at = gmt "date_created_gmt",
    changed_at = gmt "date_modified_gmt",
    paid_at = gmt "date_paid_gmt",
    channel = value "created_via",
    currency = map.value("currency", { required = true }),
    tax_included = map.constant(false),
    discount_total = map.sum "gift_cards/amount", -- coupons are in the lines already
    shipping_total = value "shipping_total",
    fee_total = map.sum "fee_lines/total",
    tax_total = value "total_tax",
    total = map.value("total", { required = true }),
    rounding = map.constant "total",
    customer_id = id "customer_id",
    email = value "billing/email",
    billing = map.at("billing", address()),
    shipping = map.at("shipping", address()),
    payment_method = value "payment_method",
    payment_name = text "payment_method_title",
    shipping_method = value "shipping_lines/method_id",
    shipping_name = text "shipping_lines/method_title",
    note = text "customer_note",
    lines = map.each("line_items", map.line {
      external_id = "id",
      parent_id = id { "bundled_by", "composite_parent" },
      sku = value "sku",
      name = text "name",
      item_id = id "product_id",
      variant_id = id "variation_id",
      quantity = map.value("quantity", { required = true }),
      unit_price = value "price",
      total = map.value("total", { required = true }),
      tax = value "total_tax",
      custom = { options = map.text(options, { html = true }) },
    }),
    discounts = map.each("coupon_lines", map.discount {
      code = text "code",
      amount = value "discount",
      tax = value "discount_tax",
    }),
    fees = map.each("fee_lines", map.fee {
      name = text "name",
      amount = value "total",
      tax = value "total_tax",
    }),
    taxes = map.each("tax_lines", map.tax {
      name = text { "label", "rate_code" },
      rate = value "rate_percent",
      amount = map.sum { "tax_total", "shipping_tax_total" },
    }),
    custom = {
      transaction_id = map.text(value "transaction_id"),
      vat_number = map.text(text { "meta_data[key=_vat_number]/value", "meta_data[key=vat_number]/value",
        "meta_data[key=_billing_vat]/value" }),
    },
  },
}

---Plugins add states of their own: give each a row. GET reports/orders/totals lists a shop's states.
shop.tables.status = {
  ["pending"] = "pending",
  ["on-hold"] = "on_hold",
  ["processing"] = "processing",
  ["completed"] = "completed",
  ["cancelled"] = "cancelled",
  ["refunded"] = "refunded",
  ["failed"] = "failed",
}

shop.tables.fulfilment = {
  ["completed"] = "shipped",
  ["cancelled"] = false,
  ["refunded"] = false,
  ["failed"] = false,
  ["*"] = "open",
}

return shop
