---A shop that has no interface at all: each order is a mail that its form sends to a mailbox.
---
---Of real ones it has: a plain text of "field: value" lines in UTF-8, fields of lines with a number behind their
---names, a date that is the mail's own besides that of the form, and Message-IDs; and no way to change or take back
---what was sent.
local fake = require "cartwright.fake"

local shop = fake.new { title = "Orders by mail",
  settings = { server = "imaps://mail.example.com/INBOX", user = "orders@example.com", password = "mail-password-1" } }

---A mail says nothing of how its order goes on.
shop.statuses = { paid = "pending", processing = "pending" }

function shop:start() self.page_size = 3 end

local HEAD = { "number", "placed_at", "currency", "email" }
local NAMES = { number = "order_number", placed_at = "order_date", street = "address", postcode = "zip",
  region = "state", shipping_total = "shipping", tax_total = "tax" }
local ADDRESS = { "first_name", "last_name", "company", "street", "street2", "city", "region", "postcode", "country",
  "phone" }
local LINE = { { "sku", "sku" }, { "product", "name" }, { "qty", "quantity" }, { "price", "unit_price" } }

local function add(lines, name, value)
  if value ~= nil then lines[#lines + 1] = ("%s: %s"):format(NAMES[name] or name, tostring(value)) end
end

---@return string mail with line ends as on the wire
local function write(self, order)
  local lines = { "From: shop@shop.example", "To: orders@example.com", "Subject: Web Order",
    "Date: " .. self:now():format "%a, %d %b %Y %H:%M:%S +0000",
    ("Message-ID: <%d@shop.example>"):format(self:next "mail"),
    "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "" }
  for _, key in ipairs(HEAD) do add(lines, key, order[key]) end
  for _, key in ipairs(ADDRESS) do add(lines, key, (order.billing or order.shipping or {})[key]) end
  for i, line in ipairs(order.lines) do
    for _, pair in ipairs(LINE) do add(lines, pair[1] .. "_" .. i, line[pair[2]]) end
  end
  for _, key in ipairs { "shipping_total", "tax_total", "total" } do add(lines, key, order[key]) end
  return table.concat(lines, "\r\n") .. "\r\n"
end

function shop:place(order)
  self:deliver(("1/%d"):format(self:next "uid"), write(self, order))
  return order.number
end

return shop
