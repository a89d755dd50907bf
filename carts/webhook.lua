---Shops that push whole orders, each by a notice (webhook), and are never asked. Make your own of it:
---
---    local shop = require("shipped.webhook"):extend()
---    shop.orders.map.number = "orderNumber"
---    shop.orders.map.total = "amounts/gross"
---    return shop
---
---Facts this script relies on:
---  - A notice is believed by an HMAC over its exact bytes, or by a secret that comes along in a header or in the
---    address; what is believed is in the store before the shop gets its 200, and is read from there until it is done. A
---    notice that cannot be read is parked with its bytes, and read again when the script was mended: none is lost.
---  - The body is one order, or has a list of them (setting `records`), in JSON or XML.
---  - The fields below are a proposal, with the names that most shops use; every shop has its own.
---
---Not known:
---  - Whether the shop sends again what it could not deliver; nobody can be asked for orders that were never pushed.
---  - In which order notices come. An older state that comes after a newer one would take its place: where the shop
---    stamps its orders, keep `changed_at` mapped, and see in `show order` which version came when.
---  - Whether two states of an order may have the same bytes. A notice is known by its bytes, and what comes again under
---    the same is left out: shops that may go back to an earlier state need `id_header`, which is not signed.
local cart = require "cartwright.cart"
local map = require "cartwright.map"

local shop = cart.new {
  title = "Orders pushed by webhook",
  settings = {
    webhook_secret = cart.secret { required = true, help = "with which the shop signs, or which it sends along" },
    check = cart.choice { default = "signature", choices = { "signature", "header", "query" },
      help = "signature: HMAC of the body; header, query: the secret itself in a header, or in the address" },
    signature_header = cart.text { default = "X-Signature", help = "header of the signature, or of the secret" },
    signature_algorithm = cart.choice { default = "sha256", choices = { "sha256", "sha512", "sha1" },
      help = "of the signature" },
    signature_encoding = cart.choice { default = "hex", choices = { "hex", "base64" }, help = "of the signature" },
    signature_prefix = cart.text { default = "", help = "what stands before the signature, such as \"sha256=\"" },
    secret_parameter = cart.text { default = "secret", help = "of the address, where check = \"query\"" },
    topic_header = cart.text { default = "X-Topic", help = "header that says what happened" },
    id_header = cart.text { help = "header with the number of the delivery, where two may have the same bytes" },
    records = cart.text { default = ".", help = "path of the orders in a body that has several, such as \"orders\"" },
  },
  inbox = function() return { notices = true } end,
}

-- Connection ----------------------------------------------------------------------------------------------------------

local WAYS = {
  signature = function(settings) return ("signed in the header %s"):format(settings.signature_header) end,
  header = function(settings) return ("with the secret in the header %s"):format(settings.signature_header) end,
  query = function(settings) return ("with ?%s=SECRET behind the address"):format(settings.secret_parameter) end,
}

---There is nobody to be asked: what can be said is where the shop has to send its notices, and how.
function shop:test()
  return { ("the shop sends its notices to /webhooks/%s, %s; whether it does is seen when one comes"):format(self.name,
    WAYS[self.settings.check](self.settings)) }
end

-- Notices -------------------------------------------------------------------------------------------------------------

---Of the ways in which shops show who they are.
local CHECKS = {
  signature = function(self, notice)
    local settings = self.settings
    return self:signed { secret = "webhook_secret", algorithm = settings.signature_algorithm,
      encoding = settings.signature_encoding, prefix = settings.signature_prefix,
      signature = notice:header(settings.signature_header) }
  end,
  header = function(self, notice)
    return self:secret_equals { secret = "webhook_secret", value = notice:header(self.settings.signature_header) }
  end,
  query = function(self, notice)
    return self:secret_equals { secret = "webhook_secret", value = notice:param(self.settings.secret_parameter) }
  end,
}

function shop:webhook(notice)
  if not CHECKS[self.settings.check](self, notice) then
    return nil, ("the %s is not right"):format(self.settings.check == "signature" and "signature" or "secret")
  end
  local topic = notice:header(self.settings.topic_header) or ""
  local stream = self:translate("topics", topic ~= "" and topic or "*")
  local id = self.settings.id_header and notice:header(self.settings.id_header)
  return { topic = topic, id = id, job = stream or "orders" }
end

---The records of a notice. One that is neither JSON nor XML, or has no list where one should be, is a record by itself,
---which is parked for what it lacks.
---@param entry cartwright.Entry
---@param id string path of the record's id
---@return cartwright.Records
function shop:records_of(entry, id)
  local is_read, records = pcall(function() return entry:read():records(self.settings.records, id) end)
  if is_read then return records end
  return entry:read():record("notice " .. entry.name)
end

---Takes the notices of the stream that runs. What belongs to none, by the table of topics, is set aside.
local function take(self)
  for entry in self:inbox():each() do
    local topic = entry.topic or "*"
    local stream = self:translate("topics", topic)
    if stream == self.stream then
      self:emit(self:records_of(entry, self[stream].id))
      entry:done()
    elseif not stream and self.stream == "orders" then
      entry:failed(("the topic %s is none that is read; give it a row in the table topics"):format(topic))
    end
  end
end

-- Orders --------------------------------------------------------------------------------------------------------------

shop.tables = {
  ---Which stream a topic belongs to; false: none. Add rows for customers or items when you add those streams.
  topics = { ["*"] = "orders" },
  status = { -- yours in the place of these
    ["pending"] = "pending", ["on hold"] = "on_hold", ["paid"] = "paid", ["processing"] = "processing",
    ["shipped"] = "shipped", ["completed"] = "completed", ["cancelled"] = "cancelled", ["refunded"] = "refunded",
    ["failed"] = "failed",
  },
}

local function address()
  return map.address {
    first_name = "first_name",
    last_name = "last_name",
    company = "company",
    street = "address1",
    street2 = "address2",
    postcode = "postcode",
    city = "city",
    region = "region",
    country = "country", -- ISO 3166, two letters
    phone = "phone",
  }
end

shop.orders = {
  id = "id", -- what never changes of an order; "orderId", "@id", "meta/key"
  records = ".",
  fetch = take,

  map = map.order {
    number = map.first { "number", "id" },
    status = map.translate("status", "status"),
    cart_status = "status",
    placed_at = map.time("created_at", { required = true }), -- with zone or format where the shop writes neither
    changed_at = map.time "updated_at",
    currency = map.value("currency", { required = true }),
    tax_included = map.constant(true), -- false where prices of lines are without tax
    shipping_total = "shipping_total",
    discount_total = "discount_total", -- only what the totals of lines do not contain already
    tax_total = "tax_total",
    total = map.value("total", { required = true }),
    rounding = map.constant "line",
    customer_id = "customer_id",
    email = "email",
    billing = map.at("billing", address()),
    shipping = map.at("shipping", address()),
    payment_method = "payment_method",
    shipping_method = "shipping_method",
    note = "note",
    lines = map.each("lines", map.line {
      external_id = "id",
      sku = "sku",
      name = "name",
      quantity = map.value("quantity", { required = true }),
      unit_price = "unit_price",
      total = "total",
      tax = "tax",
    }),
  },
}

shop.lacks = {
  customers = "the shop pushes orders; add the stream and a row in the table topics where it pushes customers as well",
  items = "the shop pushes orders; add the stream and a row in the table topics where it pushes items as well",
  stock = "the shop pushes orders, not levels",
  shipments = "the shop pushes orders; its parcels are not known here",
  stock_out = "the shop is never asked or told anything: only it calls",
  prices_out = "the shop is never asked or told anything: only it calls",
  shipments_out = "the shop is never asked or told anything: only it calls",
  statuses_out = "the shop is never asked or told anything: only it calls",
  customers_out = "the shop is never asked or told anything: only it calls",
  items_out = "the shop is never asked or told anything: only it calls",
  ids = "nobody can be asked which orders there are",
  ["partial-shipment"] = "how a part that was sent is told is the shop's own; add it where it pushes that",
  ["poison-error"] = "there is no list that an order could break: each comes by itself",
  refund = "what a refund looks like is the shop's own; add it where it pushes that",
}

return shop
