---What streams out of different carts have in common: which pieces a parcel holds, and what a shop has otherwise.
local rules = require "cartwright.rules"

local tell = {}

tell.CANCELLED = "the order is cancelled in the shop, so that it is not told of a shipment: stop the parcel, then retry"

local SEVERAL = {}

---The pieces of a shipment, by the shop's ids of the order's lines.
---@param data out.ShipmentData
---@param lines { id: string, sku?: string, no_parcel?: boolean }[] of the order in the shop; what goes by no parcel is
---left out of it
---@return table<string, integer>? pieces
---@return string? why the shop cannot be told
function tell.pieces(data, lines)
  local by_id, by_sku, pieces = {}, {}, {}
  for _, line in ipairs(lines) do
    by_id[line.id] = line
    if line.sku then by_sku[line.sku] = by_sku[line.sku] and SEVERAL or line end
  end
  for _, line in ipairs(data.lines) do
    local found, count = by_id[line.line_id or ""] or by_sku[line.sku or ""], line.quantity:integer()
    if not found or found == SEVERAL then
      return nil, ("the order has %s line with %s in the shop"):format(found and "more than one" or "no",
        line.sku or line.line_id or "no SKU")
    elseif not count then
      return nil, ("the shop ships whole pieces, not %s"):format(line.quantity)
    elseif count > 0 and not found.no_parcel then
      pieces[found.id] = (pieces[found.id] or 0) + count
    end
  end
  if next(pieces) == nil then return nil, "nothing in it goes by parcel" end
  return pieces
end

---Whether a parcel of the shop holds just those pieces.
---@param pieces table<string, integer>
---@param contents { id: string, quantity: integer }[]
---@return boolean
function tell.holds(pieces, contents)
  local left = 0
  for _ in pairs(pieces) do left = left + 1 end
  for _, content in ipairs(contents) do
    if pieces[content.id] ~= content.quantity then return false end
    left = left - 1
  end
  return left == 0
end

---@param a table<string, integer>
---@param b table<string, integer>
local function is_same(a, b)
  for id, count in pairs(a) do
    if b[id] ~= count then return false end
  end
  for id in pairs(b) do
    if not a[id] then return false end
  end
  return true
end

---How many other parcels of the order the shop took from us that had this number and these pieces. A parcel is there
---only when the shop has more of them than that: parcels of one carrier number may hold the same.
---@param data out.ShipmentData
---@param number? string
---@param pieces table<string, integer>
---@param lines table[] as for tell.pieces
---@return integer
function tell.alike(data, number, pieces, lines)
  local count = 0
  for _, other in ipairs(data.told) do
    local others = other.tracking_number == number and tell.pieces(other, lines)
    if others and is_same(others, pieces) then count = count + 1 end
  end
  return count
end

---Lines of a node as tell.pieces wants them, or what is in a parcel as tell.holds does.
---@param node cartwright.Node
---@param path string
---@param id string path of a line's id
---@param sku? string path
---@param quantity? string path
---@return { id: string, sku?: string, quantity?: integer }[]
function tell.lines(node, path, id, sku, quantity)
  local list = {}
  for line in node:each(path) do
    list[#list + 1] = { id = line:text(id) or "", sku = sku and line:text(sku),
      quantity = quantity and line:integer(quantity) }
  end
  return list
end

---Why the shop's order may not be moved to a status: by the library's graph it would be a step back, or out of an end, as
---when the buyer cancelled while the message waited.
---@param wanted string ours
---@param now? string the shop's present status in our words; nil: nothing says what it means
---@param theirs? string the same in the shop's words
---@return string? why nil: it may be moved
function tell.status_fault(wanted, now, theirs)
  if now == wanted or (now and rules.leads(now, wanted)) then return nil end
  if not now then
    return ("the order is %s in the shop, and no row of the table `status` says what that means: it is not moved to %s")
      :format(theirs or "without a status", wanted)
  end
  return ("the order went on in the shop meanwhile: it is %s there, which does not go on to %s; move it in the shop if it "
    .. "has to be"):format(theirs and theirs ~= now and ("%s (%s)"):format(now, theirs) or now, wanted)
end

---The fields of what is told that the shop has otherwise, under its names; all of them where it has none.
---@param data table<string, any>
---@param there? cartwright.Node
---@param names table<string, string> the shop's by ours
---@return table<string, any>
function tell.changes(data, there, names)
  local changes = {}
  for ours, theirs in pairs(names) do
    local value = data[ours]
    if value ~= nil and not (there and there:text(theirs) == tostring(value)) then changes[theirs] = value end
  end
  return changes
end

---Why nothing can be made of a document that the shop does not have; nil when it can.
---@param data table<string, any>
---@param needed string[] its fields
---@param stream string that of `out` in site.lua
---@return string? why
function tell.incomplete(data, needed, stream)
  local missing = {}
  for _, name in ipairs(needed) do
    if data[name] == nil or data[name] == "" then missing[#missing + 1] = name end
  end
  if #missing == 0 then return nil end
  return ("the shop does not have it, and makes none without %s; set what is missing, and where out.%s of site.lua "
    .. "names `fields`, name it there too"):format(table.concat(missing, " and "), stream)
end

---Settles customers whose answers were lost: each is there when the shop has all its fields as they were told.
---@param messages cartwright.Message[]
---@param find fun(message: cartwright.Message): cartwright.Node? the shop's customer
---@param names table<string, string> as for tell.changes
function tell.probe_customers(messages, find, names)
  for _, message in ipairs(messages) do
    local there = find(message)
    if there and not next(tell.changes(message.data, there, names)) then
      message:arrived("the shop has this customer", { link = there:text "id" })
    else
      message:missing(there and "the customer is otherwise" or "there is no such customer")
    end
  end
end

return tell
