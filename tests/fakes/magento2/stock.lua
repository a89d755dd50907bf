---Stock of a Magento: sources, where it has them; its queue, which does nothing while the consumers stand still, and
---then its newest work first; one stock item of each product.
local decimal = require "cartwright.decimal"
local fake = require "cartwright.fake"
local json = require "cartwright.json"

local V1 = "/rest/all/V1/"
local DONE, FAILED, OPEN = 1, 3, 4

local NO_ROUTE = "Request does not match any route."

local function set_level(self, sku, quantity)
  self.levels[sku] = decimal.new(quantity)
  self:book { kind = "stock", sku = sku, quantity = quantity }
end

---Sets levels; nil when a SKU or source is not known, which fails all of them.
local function set_levels(self, items)
  for _, item in ipairs(items) do
    if not self.levels[item.sku] or item.source_code ~= "default" or item.status == nil then return nil end
  end
  for _, item in ipairs(items) do set_level(self, item.sku, item.quantity) end
  return true
end

---@param shop fake.Shop
---@param list fun(self: fake.Shop, records: table[], request: fake.Request, key: string): fake.Response
---@param problem fun(status: integer, message: string, parameters?: table): fake.Response
return function(shop, list, problem)
  local function with_sources(pattern, answer)
    shop:route(pattern, function(self, request)
      if not self.has_sources then return problem(404, NO_ROUTE) end
      return answer(self, request)
    end)
  end

  with_sources("GET " .. V1 .. "inventory/source-items", function(self, request)
    local items = {}
    for sku, level in pairs(self.levels) do
      items[#items + 1] = { sku = sku, source_code = "default", quantity = level, status = level > 0 and 1 or 0 }
    end
    table.sort(items, function(a, b) return a.sku < b.sku end)
    return list(self, items, request, "sku")
  end)

  with_sources("POST " .. V1 .. "inventory/source-items", function(self, request)
    local items = request:json().sourceItems
    if self.list_limit and #items > self.list_limit then
      return problem(400, "Maximum items of type \"%type\" is %max",
        { type = "SourceItemInterface", max = self.list_limit })
    end
    if set_levels(self, items) then return fake.json(json.array {}) end
    local fault = { message = "Product with SKU \"%sku\" does not exist.", parameters = { sku = items[1].sku } }
    return fake.json({ message = "Validation Failed", errors = { fault } }, 400)
  end)

  ---The queue does what is open, the newest first: it has no order.
  function shop:run_consumers()
    for i = #self.jobs, 1, -1 do
      local operations = self.jobs[i].operations
      for k = #operations, 1, -1 do
        if operations[k].status == OPEN then
          operations[k].status = set_levels(self, self.jobs[i].bodies[k].sourceItems) and DONE or FAILED
          operations[k].result_message = operations[k].status == FAILED and "Could not save Source Item" or nil
        end
      end
    end
  end

  with_sources("POST /rest/all/async/bulk/V1/inventory/source-items", function(self, request)
    local job = { uuid = "bulk-" .. self:next "bulk", bodies = request:json(), operations = {} }
    local accepted = {}
    for i in ipairs(job.bodies) do
      job.operations[i] = { id = self:next "operation" + 11, status = OPEN }
      accepted[i] = { id = i - 1, status = "accepted", data_hash = "" }
    end
    self.jobs[#self.jobs + 1] = job
    if self.runs_consumers then self:run_consumers() end
    return fake.json({ bulk_uuid = job.uuid, request_items = accepted, errors = false }, 202)
  end)

  shop:route("GET " .. V1 .. "bulk/{uuid}/status", function(self, request)
    for _, job in ipairs(self.jobs) do
      if job.uuid == request.params.uuid then
        return fake.json { operations_list = job.operations, bulk_id = job.uuid, operation_count = #job.operations }
      end
    end
    return problem(404, "No such entity with %fieldName = %fieldValue", { fieldName = "uuid", fieldValue = "?" })
  end)

  local function product_of(self, sku)
    for _, product in ipairs(self.products) do
      if product.sku == sku then return product end
    end
  end

  shop:route("GET " .. V1 .. "stockItems/{sku}", function(self, request)
    local product = product_of(self, request.params.sku)
    if not product then return problem(404, "The product that was requested doesn't exist.") end
    local level = self.levels[product.sku] or decimal.new(0)
    return fake.json { item_id = product.id + 100, product_id = product.id, stock_id = 1, qty = level,
      is_in_stock = level > 0 }
  end)

  shop:route("PUT " .. V1 .. "products/{sku}/stockItems/{item}", function(self, request)
    local product, given = product_of(self, request.params.sku), request:json().stockItem
    if not product or tostring(product.id + 100) ~= request.params.item then
      return problem(404, "The product that was requested doesn't exist.")
    elseif given.is_in_stock == nil then
      return problem(400, "\"%fieldName\" is required. Enter and try again.", { fieldName = "is_in_stock" })
    end
    set_level(self, product.sku, given.qty)
    return fake.json(request.params.item)
  end)
end
