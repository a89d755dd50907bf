---What an Order Manager tells: levels, changes of levels, statuses and parcels. Each function returns the answer's
---text.
local decimal = require "cartwright.decimal"
local numbers = require "shipped.stone-edge-server.numbers"
local parcels = require "shipped.stone-edge-server.parcels"
local time = require "cartwright.time"
local xml = require "cartwright.xml"

local updates = {}

-- What is sent --------------------------------------------------------------------------------------------------------

---@class seti.Pair
---@field sku string
---@field quantity? string

---SKUs may have a ~ of their own: the quantity is behind the last one.
---@return seti.Pair[]
local function read_text(text)
  local found = {}
  for pair in text:gmatch "[^|]+" do
    local sku, quantity = pair:match "^(.*)~(.-)$"
    found[#found + 1] = { sku = sku or pair, quantity = quantity }
  end
  return found
end

---@return cartwright.Node? root
---@return string? words
local function parse(text)
  local root, words = xml.parse(text)
  if not root then return nil, "the XML cannot be read: " .. tostring(words) end
  return root
end

---@return seti.Pair[]?
---@return string? words
local function read_pairs(text)
  if not text:find "^%s*<" then return read_text(text) end
  local root, words = parse(text)
  if not root then return nil, words end
  local found = {}
  for product in root:each "Product" do
    found[#found + 1] = { sku = product:text "SKU" or product:text "Code" or "", quantity = product:text "QOH" }
  end
  return found
end

local DIGITS_MAX = 12

---@return cartwright.Decimal?
local function number_of(text)
  if not text or #text > DIGITS_MAX or not text:find "^%s*%-?%d+%.?%d*%s*$" then return nil end
  return decimal.new(text)
end

-- Levels --------------------------------------------------------------------------------------------------------------

local ASKED_AT_ONCE, PUT_AT_ONCE = 20, 500

---@param known table<string, boolean>
local function note_skus(known, items)
  for _, item in ipairs(items) do
    if item.sku then known[item.sku] = true end
    for _, variant in ipairs(item.variants) do
      if variant.sku then known[variant.sku] = true end
    end
  end
end

---Which of the SKUs an item of the site, or of the back office, has; nil where no items are known at all.
---@return table<string, boolean>?
local function known_skus(self, list)
  local own = { cart = "" } -- items of the back office
  if self:count "item" == 0 and self:count("item", own) == 0 then return nil end
  local known = {}
  for first = 1, #list, ASKED_AT_ONCE do
    local some = table.move(list, first, math.min(first + ASKED_AT_ONCE - 1, #list), 1, {})
    note_skus(known, self:documents("item", { skus = some }))
    note_skus(known, self:documents("item", { skus = some, cart = "" }))
  end
  return known
end

local function level(self, sku, quantity)
  return { sku = sku, warehouse = self.settings.warehouse, quantity = quantity }
end

local function put_some(self, levels, first, last)
  local put = { kind = "stock_level", reason = "qohreplace of the Order Manager" }
  for i = first, last do put[#put + 1] = levels[i] end
  local is_put, problem = pcall(self.put, self, put)
  return is_put, tostring(problem)
end

---Puts levels, each SKU once: of several the last one. Where the store does not take some, each by itself.
---@return table<string, string> faults by SKU
local function put_levels(self, levels)
  local faults = {}
  for first = 1, #levels, PUT_AT_ONCE do
    local last = math.min(first + PUT_AT_ONCE - 1, #levels)
    if not put_some(self, levels, first, last) then
      for i = first, last do
        local is_put, words = put_some(self, levels, i, i)
        if not is_put then faults[levels[i].sku] = words:gsub("[%c=]+", " "):sub(1, 200) end
      end
    end
  end
  return faults
end

---@param form table<string, string>
---@return string
function updates.levels(self, form)
  local sent, words = read_pairs(form.update or "")
  if not sent then return "SETIError: " .. words end
  local count = (form.count or tostring(#sent)):find "^%d+$" and math.tointeger(tonumber(form.count or #sent))
  if count ~= #sent then return ("SETIError: count is %s, but %d levels came"):format(form.count, #sent) end
  local skus, words_of, levels, at = {}, {}, {}, {}
  for i, pair in ipairs(sent) do skus[i] = pair.sku end
  local known = known_skus(self, skus)
  for i, pair in ipairs(sent) do
    local quantity, word = number_of(pair.quantity), "OK"
    if known and not known[pair.sku] then word = "NF"
    elseif not quantity or pair.sku == "" then word = "no quantity"
    else
      at[pair.sku] = at[pair.sku] or #levels + 1
      levels[at[pair.sku]] = level(self, pair.sku, quantity)
    end
    words_of[i] = word
  end
  local faults, lines = put_levels(self, levels), { "SETIResponse" }
  for i, pair in ipairs(sent) do
    local word = words_of[i] == "OK" and faults[pair.sku] or words_of[i]
    lines[#lines + 1] = ("%s=%s"):format((pair.sku:gsub("%c", " ")), word)
  end
  lines[#lines + 1] = "SETIEndOfData"
  return table.concat(lines, "\n")
end

-- Changes of levels ---------------------------------------------------------------------------------------------------

local function answer_change(sku, word, quantity, note)
  return ("SETIResponse=%s;SKU=%s;QOH=%s;NOTE=%s"):format(word, (sku:gsub("[%c;]", " ")), quantity, note)
end

local CHANGES = "changes" -- remembered: those of the last seconds, each with its answer
local CHANGES_MAX = 500

---The changes that came within the seconds that the setting says, the older first.
local function recall_changes(self)
  local found, now = {}, time.now()
  for at, digest, answer in (self:recall(CHANGES) or ""):gmatch "(%S+) (%S+) ([^\n]*)" do
    local then_at = time.parse(at)
    if then_at and (now - then_at):compare(self.settings.repeat_seconds) < 0 then
      found[#found + 1] = { digest = digest, answer = answer, line = ("%s %s %s"):format(at, digest, answer) }
    end
  end
  return found
end

---The answer to the same change, where it came before.
local function repeated(self, text)
  if self.settings.repeat_seconds <= 0 then return nil end
  for _, change in ipairs(recall_changes(self)) do
    if change.digest == self:digest(text) then return change.answer end
  end
end

local function remember_change(self, text, answer)
  if self.settings.repeat_seconds <= 0 then return end
  local lines, changes = {}, recall_changes(self)
  for i = math.max(1, #changes - CHANGES_MAX), #changes do lines[#lines + 1] = changes[i].line end
  lines[#lines + 1] = ("%s %s %s"):format(time.now(), self:digest(text), answer)
  self:remember(CHANGES, table.concat(lines, "\n"))
end

---@param form table<string, string>
---@return string
function updates.change(self, form)
  local text = form.update or ""
  local sent, words = read_pairs(text)
  if not sent then return "SETIError: " .. words end
  if #sent ~= 1 then return "SETIError: invupdate is for one SKU" end
  local sku, difference = sent[1].sku, number_of(sent[1].quantity)
  local known = known_skus(self, { sku })
  if sku == "" or known and not known[sku] then return answer_change(sku, "False", "NF", "NotFound") end
  if not difference then return "SETIError: " .. "the change of the quantity is no number" end
  local before = repeated(self, text)
  if before then return before end
  local present = self:documents("stock_level", { cart = "", sku = sku, warehouse = self.settings.warehouse })[1]
  local quantity = (present and present.quantity or decimal.new "0") + difference
  local is_put, problem = pcall(self.put, self, { kind = "stock_level", reason = "invupdate of the Order Manager",
    level(self, sku, quantity) })
  if not is_put then return "SETIError: " .. tostring(problem):gsub("%c+", " "):sub(1, 500) end
  local answer = answer_change(sku, "OK", tostring(quantity), "")
  remember_change(self, text, answer)
  return answer
end

-- Statuses and parcels ------------------------------------------------------------------------------------------------

local function order_of(self, number)
  local place = number:find "^%d+$" and #number <= DIGITS_MAX and numbers.place(self, math.tointeger(tonumber(number)))
  return place and self:documents("order", { places = { place } })[1] or nil
end

---@return string? status nil where the word says nothing of it
---@return string? words what is wrong
local function status_of(self, word)
  if not word or word == "" or parcels.is_partial(word) then return nil end
  local status = self:translate("status", word)
  if status then return status end
  return nil, ("status %q has no row in the table status; set one: cartwright table set %s status %q STATUS")
    :format(word, self.name, word)
end

---@param status string?
---@return string? words what is wrong
local function set_status(self, order, status)
  if not status or status == order.status then return nil end
  local is_set, problem = pcall(self.edit, self, { cart = order.cart, kind = "order", id = order.external_id,
    set = { status = status }, reason = "updatestatus of the Order Manager" })
  return not is_set and tostring(problem) or nil
end

---@class seti.Plan
---@field order? table
---@field status? string
---@field shipments? table[]
---@field refused? string why it is not done

---What an update means, before anything of it is stored. Raises seti.Contradiction.
---@param update seti.Update
---@return seti.Plan
local function plan(self, update)
  local order = order_of(self, update.number)
  if not order then return { refused = ("Unable to find order #%s"):format(update.number:sub(1, 40)) } end
  local shipments = parcels.shipments(self, order, update)
  local status, words = status_of(self, update.status)
  if words then return { refused = words } end
  return { order = order, status = status, shipments = shipments }
end

---@param planned seti.Plan
---@return string? words what is wrong
local function apply(self, planned)
  if planned.refused then return planned.refused end
  local put = planned.shipments
  if #put > 0 then
    put.kind, put.reason = "shipment", "updatestatus of the Order Manager"
    local is_put, problem = pcall(self.put, self, put)
    if not is_put then return tostring(problem) end
  end
  return set_status(self, planned.order, planned.status)
end

local function answer_status(words)
  if not words then return "SETIResponse: update=OK;Notes=" end
  return "SETIResponse: update=False;Notes=" .. words:gsub("[%c]+", " "):sub(1, 500)
end

---@param form table<string, string>
---@return seti.Update[]?
---@return string? words
local function read_updates(form)
  if not (form.update or ""):find "^%s*<" then return { parcels.from_form(form) } end
  local root, words = parse(form.update)
  if not root then return nil, words end
  local found = {}
  for order in root:each "Order" do found[#found + 1] = parcels.from_xml(order) end
  if #found == 0 then return nil, "no Order in the update" end
  return found
end

---All of a request is understood before anything of it is stored.
---@param form table<string, string>
---@return string
function updates.status(self, form)
  local plans, first = {}, nil
  local is_sound, problem = pcall(function()
    local sent, words = read_updates(form)
    first = words
    for i, update in ipairs(sent or {}) do plans[i] = plan(self, update) end
  end)
  if not is_sound then
    if not parcels.is_contradiction(problem) then error(problem, 0) end
    return "SETIError: " .. tostring(problem):gsub("[%c]+", " "):sub(1, 500)
  end
  for _, one in ipairs(plans) do
    local fault = apply(self, one)
    first = first or fault
  end
  return answer_status(first)
end

return updates
