---The names of SETI's elements, as the scripts of known shops write them. Names are read without regard to case: where
---a shop writes another case, its list is spelled anew before it is read, and so it is kept.
local cart = require "cartwright.cart"
local log = require "cartwright.log"
local mail = require "cartwright.mail"

local names = {}

local KNOWN = [[
  SETIOrders SETIProducts SETICustomers SETIError Response ResponseCode ResponseDescription Order OrderNumber
  OrderDate OrderStatus Billing Shipping FullName Company Phone Email Address Street1 Street2 City State Code Country
  Addr1 Addr2 Zip Product SKU Name Quantity ItemPrice Weight ProdType Taxable CustomerText LineID Status
  FulfillmentCenter Total Dimension Dimensions Length Width Height OrderOption OptionName SelectedOption OptionCode
  OptionPrice OptionWeight Payment CreditCard Issuer Number ExpirationDate TransID AuthCode Amount PayPal Payer
  Transaction PurchaseOrder PurchaseNumber Check COD GiftCard FaceValue StoreCredit Description GoogleCheckout
  Generic1 Field1 Totals ProductTotal Discount Type Percent ApplyDiscount SubTotal Tax TaxAmount TaxRate TaxShipping
  TaxExempt TaxID GrandTotal Surcharge ShippingTotal Coupon ApplyCoupon Other OrderInstructions Comments WebCustomerID
  GiftMessage TotalOrderWeight Associate IPHostName Customer WebID UserName AffiliateID BillAddr ShipAddr FirstName
  LastName CompanyName TaxIDNumber Price Cost Thumb Image Discontinued QOH]]

-- Other spellings of known shops, which the mappings know.
local ALSO = { Sku = true, WebId = true, IPHostname = true, IpHostname = true, IpHostName = true, Subtotal = true }

---@type table<string, string>
local SPELLED = {}
for name in KNOWN:gmatch "%S+" do SPELLED[name:lower()] = name end

---@param text string the beginning of a list
---@return boolean
function names.is_other(text)
  for name in text:gmatch "<([%a][%w]*)[%s/>]" do
    local spelled = SPELLED[name:lower()]
    if spelled and spelled ~= name and not ALSO[name] then return true end
  end
  return false
end

local function spell(text)
  return (text:gsub("(</?)([%a][%w]*)", function(mark, name)
    return mark .. (ALSO[name] and name or SPELLED[name:lower()] or name)
  end))
end

---What stands in CDATA and in comments is text.
local function respell(text)
  local parts, at = {}, 1
  while true do
    local from = text:find("<!", at, true)
    local ends = from and (text:find("^<!%[CDATA%[", from) and "]]>" or text:find("^<!%-%-", from) and "-->")
    local _, to = text:find(ends or ">", from or #text + 1, true)
    parts[#parts + 1] = spell(text:sub(at, (from or #text + 1) - 1))
    if not from then break end
    parts[#parts + 1] = text:sub(from, to or #text)
    if not to then break end
    at = to + 1
  end
  return table.concat(parts)
end

---The same list with the names in their usual case.
---@param response cartwright.Response
---@param title string of the call
---@return cartwright.Response
function names.respell(response, title)
  local is_read, text = pcall(response.text, response)
  if not is_read then
    cart.fail("limit", ("%s: the shop writes names of elements in another case, and this page is too large to be "
      .. "spelled anew; set a smaller page_size"):format(title), "page_size")
  end
  log.info("names-in-another-case", { address = response.address })
  return mail.answer(respell(text), title)
end

return names
