---How Magento is told its stock: by sources, through its queue, or product by product.
---
---Facts this script relies on:
---  - Levels are upserted by SKU and source, many in one call; an unknown SKU or source fails the whole call. status
---    has to be sent: 0 is out of stock. What is read back of a source is what was written. A shop may limit how many
---    levels one call has, and says the limit.
---  - In bulk the shop answers 202 with a job of its queue, in which each level is an operation. The queue does them
---    later, in no order, and not at all while its consumers stand still.
---  - Without inventory sources a product has one stock item, which is written by its number.
---
---A level is absolute: writing it twice does no harm, but writing an older one after a newer one does. So what the
---queue has not done in a minute is written directly as well, and its job is remembered. While it is open its levels
---count as unknown, newer ones of the same SKUs too: the queue may still put an old one over them. When it is closed
---the level is looked at, and told again where it is another. Nothing goes into the queue while a job is open. The job
---of an answer that was lost cannot be known: of it nothing but the level is looked at, two minutes later.
local json = require "cartwright.json"
local time = require "cartwright.time"

local levels = {}

---@param message cartwright.Message
local function source_item(self, message)
  local quantity = message.data.quantity
  return { sku = message.data.sku, source_code = self.settings.source, quantity = quantity,
    status = quantity > 0 and 1 or 0 }
end

-- Directly ------------------------------------------------------------------------------------------------------------

---@param messages cartwright.Message[]
---@return cartwright.Response
local function write(self, messages)
  local items = {}
  for i, message in ipairs(messages) do items[i] = source_item(self, message) end
  return self:write("POST", "inventory/source-items", { sourceItems = items })
end

---Writes so many levels at once as the shop takes, which it says when there are more.
---@param messages cartwright.Message[]
---@param told fun(message: cartwright.Message, answer: cartwright.Response)
local function write_all(self, messages, told)
  local first, most = 1, self.cache.most_levels or #messages
  while first <= #messages do
    local some = table.move(messages, first, math.min(first + most - 1, #messages), 1, {})
    local written, answer = pcall(write, self, some)
    local limit = not written and type(answer) == "table" and answer.status == 400 and self.limit_in(answer.message)
    if written then
      for _, message in ipairs(some) do told(message, answer) end
      first = first + #some
    elseif limit and limit > 0 and limit < #some then
      most, self.cache.most_levels = limit, limit
    else
      error(answer, 0)
    end
  end
end

local function sent(message, answer) message:sent(answer) end

-- The shop's queue ----------------------------------------------------------------------------------------------------

local POLLS, PAUSE = 20, 3 -- times, seconds

local DONE, OPEN, REJECTED = 1, 4, 5 -- what the queue says of an operation; all else failed

---Operations of a job in the order of its levels; they are numbered, but not always from 0. Those that were rejected
---are left out. None: the shop does not have the job any more.
---@return { status: integer, words?: string }[]
---@return boolean is_open
local function operations_of(self, uuid)
  local asked, answer = pcall(self.get, self, ("bulk/%s/status"):format(uuid))
  if not asked and type(answer) == "table" and answer.status == 404 then return {}, false end
  if not asked then error(answer, 0) end
  local list, is_open = {}, false
  for operation in answer:json_node():each "operations_list" do
    local status = operation:integer "status"
    if status ~= REJECTED then
      list[#list + 1] = { id = operation:integer "id" or 0, status = status, words = operation:text "result_message" }
    end
    is_open = is_open or status == OPEN
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return list, is_open
end

---Jobs whose end was not seen: which SKUs they may still write.
---@return table<string, string[]> skus by the job's uuid
local function read_jobs(self)
  return json.decode(self:recall "bulk" or "{}")
end

local function remember_jobs(self, jobs)
  self:remember("bulk", next(jobs) and json.encode(jobs) or nil)
end

---SKUs over which the queue may still write, by the job. Jobs that are closed now are forgotten.
---@return table<string, string>
local function look_at_jobs(self)
  local jobs, open, has_changed = read_jobs(self), {}, false
  for uuid, skus in pairs(jobs) do
    local _, is_open = operations_of(self, uuid)
    for _, sku in ipairs(is_open and skus or {}) do open[sku] = uuid end
    if not is_open then jobs[uuid], has_changed = nil, true end
  end
  if has_changed then remember_jobs(self, jobs) end
  return open
end

---Ends the work: levels of which nothing was said are looked at later.
local function fail_open(uuid)
  error(("the shop's queue has not done the job %s: its consumers stand still (bin/magento queue:consumers:start "
    .. "async.operations.all). The levels were written directly as well; whether they stayed is looked at once the job "
    .. "is done. Without a queue that runs, set bulk = false in site.lua"):format(uuid), 0)
end

---Waits for the end of a job.
---@return { status: integer, words?: string }[]? operations nil: it is still open
local function follow(self, uuid)
  for poll = 1, POLLS do
    local operations, is_open = operations_of(self, uuid)
    if #operations > 0 and not is_open then return operations end
    if poll < POLLS then time.sleep(PAUSE) end
  end
end

---Says of each level what became of its operation. Where these are not as many as the levels nothing can be said: the
---levels are looked at.
---@param accepted cartwright.Message[]
local function say(accepted, operations, answer)
  if #operations ~= #accepted then return end
  for i, message in ipairs(accepted) do
    if operations[i].status == DONE then
      message:sent(answer)
    else
      message:refused(operations[i].words or "the shop's queue could not do it")
    end
  end
end

---@param messages cartwright.Message[]
---@return cartwright.Message[] accepted
local function accepted_of(messages, items)
  local rejected, accepted = {}, {}
  for _, item in ipairs(type(items) == "table" and items or {}) do
    if item.status == "rejected" then rejected[(item.id or -1) + 1] = item.error_message or "it gives no reason" end
  end
  for i, message in ipairs(messages) do
    if rejected[i] then
      message:refused(("the shop's queue rejected it: %s"):format(rejected[i]))
    else
      accepted[#accepted + 1] = message
    end
  end
  return accepted
end

---Written one by one, so that one which the shop does not take keeps no other from it; nothing is said of them.
local function write_besides(self, messages)
  for _, message in ipairs(messages) do pcall(write, self, { message }) end
end

local function send_bulk(self, messages)
  local bodies, skus = {}, {}
  for i, message in ipairs(messages) do
    bodies[i], skus[i] = { sourceItems = { source_item(self, message) } }, message.data.sku
  end
  local base = self.settings.url .. (self.settings.index_php and "/index.php" or "")
  local answer = self:write("POST", base .. "/rest/all/async/bulk/V1/inventory/source-items", bodies)
  local reported, jobs = answer:json(), read_jobs(self)
  local uuid = reported.bulk_uuid
  jobs[uuid] = skus
  remember_jobs(self, jobs) -- before it is followed: whoever is killed meanwhile has to know it
  local accepted = accepted_of(messages, reported.request_items)
  local operations = #accepted > 0 and follow(self, uuid) or {}
  if #accepted > 0 and #operations == 0 then
    write_besides(self, accepted)
    fail_open(uuid)
  end
  say(accepted, operations, answer)
  jobs[uuid] = nil
  remember_jobs(self, jobs)
end

---Levels over which the queue may still write are written, but nothing is said of them.
local function send_levels(self, messages)
  local open, free, bound, uuid = look_at_jobs(self), {}, {}, nil
  for _, message in ipairs(messages) do
    local job = open[message.data.sku]
    table.insert(job and bound or free, message)
    uuid = uuid or job
  end
  if self.settings.bulk and #free > 1 and next(open) == nil then
    send_bulk(self, free)
  elseif #free > 0 then
    write_all(self, free, sent)
  end
  if uuid then
    write_besides(self, bound)
    fail_open(uuid)
  end
end

---@param messages cartwright.Message[]
local function probe_levels(self, messages)
  local open = look_at_jobs(self)
  local there = self:figures("inventory/source-items", "quantity", messages,
    { { "source_code", "eq", self.settings.source } })
  for _, message in ipairs(messages) do
    local level = there[message.data.sku]
    if open[message.data.sku] then -- left unknown
    elseif level == message.data.quantity then
      message:arrived "the source has this level"
    else
      message:missing(level and ("the source has %s"):format(level) or "the source has no such SKU")
    end
  end
end

-- Without sources -----------------------------------------------------------------------------------------------------

---@return cartwright.Node? item nil: there is no such product
local function stock_item(self, sku)
  local got, answer = pcall(self.get, self, "stockItems/" .. self.in_path(sku))
  if got then return answer:json_node() end
  if type(answer) == "table" and answer.status == 404 then return nil end
  error(answer, 0)
end

local function send_single(self, message)
  local sku, quantity = message.data.sku, message.data.quantity
  local item = stock_item(self, sku)
  if not item then
    return message:refused(("the shop has no product %s%s"):format(sku, sku:find("/", 1, true)
      and "; or its web server refuses a slash in addresses (Apache: AllowEncodedSlashes)" or ""))
  end
  message:sent(self:write("PUT", ("products/%s/stockItems/%s"):format(self.in_path(sku), item:text "item_id"),
    { stockItem = { qty = quantity, is_in_stock = quantity > 0 and 1 or 0 } }))
end

local function probe_single(self, messages)
  for _, message in ipairs(messages) do
    local item = stock_item(self, message.data.sku)
    local level = item and item:decimal "qty"
    if level == message.data.quantity then
      message:arrived "the product has this level"
    else
      message:missing(level and ("the product has %s"):format(level) or "there is no such product")
    end
  end
end

-- Both ----------------------------------------------------------------------------------------------------------------

levels.batch = 50

function levels.send(self, message)
  if self.settings.single_stock then return send_single(self, message) end
  send_levels(self, { message })
end

function levels.send_batch(self, messages)
  if not self.settings.single_stock then return send_levels(self, messages) end
  for _, message in ipairs(messages) do send_single(self, message) end
end

function levels.probe(self, messages)
  if self.settings.single_stock then return probe_single(self, messages) end
  probe_levels(self, messages)
end

return levels
