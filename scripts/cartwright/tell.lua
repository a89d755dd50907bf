---What streams out of different carts have in common: which pieces a parcel holds, and what a shop has otherwise.
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

return tell
