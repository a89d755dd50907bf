---The cart of the soak test's shops: lib/soak.lua of its site. carts/plain.lua is this; carts/listing.lua lists ids too.
local cart = require "cartwright.cart"
local map = require "cartwright.map"
local paging = require "cartwright.paging"

local STAMP = "%Y-%m-%dT%H:%M:%SZ"

local shop = cart.new {
  title = "A shop of the soak test",
  settings = {
    url = cart.url { required = true },
    key = cart.secret { required = true },
    page_size = cart.integer { default = 20 },
  },
  http = function(settings)
    return { base = settings.url .. "/", bearer = settings.key, attempts = 3 }
  end,
}

---Walks over a list of the shop.
local function walk(self, window, name, options)
  options.read = function(offset, size)
    local answer = self:get(name, {
      from = window.from and window.from:format(STAMP, "UTC") or "",
      to = window.to:format(STAMP, "UTC"),
      by = window.by,
      offset = offset,
      limit = size,
    })
    local total = answer:header "X-Total"
    return answer:records "orders", total and math.tointeger(tonumber(total))
  end
  paging.walk(self, window, options)
end

shop.orders = {
  id = "id",
  records = "orders",
  overlap = "5m", -- clocks are a minute off, and changes are listed up to two and a half minutes late
  settle = "10s",

  fetch = function(self, window)
    walk(self, window, "orders", { size = self.settings.page_size })
  end,

  skip = { test = { path = "status", values = { "test" } } },

  map = map.order {
    number = "number",
    placed_at = "created",
    changed_at = "changed",
    currency = "currency",
    status = map.translate("status", "status", { required = true }),
    total = map.value("total", { required = true }),
    tax_included = map.constant(true),
    lines = map.each("lines", map.line {
      external_id = "id",
      sku = "sku",
      quantity = "quantity",
      unit_price = "price",
      total = "total",
    }),
    custom = { version = map.integer "version" },
  },
}

shop.tables.status = { paid = "paid", shipped = "shipped", done = "completed" }

---Adds the cheap list of ids, and reading by ids.
function shop.with_ids()
  shop.orders.ids = function(self, window)
    walk(self, window, "ids", { size = 100, store = function(records) self:list(records:collect "id") end })
  end
  shop.orders.read = function(self, ids)
    self:emit(self:get("orders", { ids = table.concat(ids, ",") }):records "orders")
  end
  return shop
end

return shop
