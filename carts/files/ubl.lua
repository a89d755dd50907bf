---Orders in UBL 2.1, as in Peppol BIS Order 3: one in each file, also in an SBDH envelope.
---
---Facts this script relies on:
---  - An order's ID is unique for its buyer only: two buyers' number 1 are two orders.
---  - IssueTime has no zone: it is that of the cart.
---  - A price is for BaseQuantity pieces (1 where that is missing). LineExtensionAmount = Quantity x PriceAmount /
---    BaseQuantity + charges of the line - allowances of the line. Allowances inside of Price are in it already.
---  - Of the totals only LineExtensionAmount and PayableAmount are sure to be there. PayableAmount = TaxInclusiveAmount
---    - PrepaidAmount + PayableRoundingAmount. Where TaxTotal is missing as well nobody says how much of it is tax:
---    such an order is held, because it does not add up.
---  - All amounts are in the document's currency, or the order is parked.
---  - OrderTypeCode: 220 an order, 227 consignment; of others (221 blanket, 230 change) the table order_type has no
---    row.
---  - OrderResponse, OrderChange and OrderCancellation are no orders: they are parked, so that a person sees them.
---
---Not known: how buyers tell that an order takes the place of an earlier one, other than by OrderChange.
local files = require "shipped.files"
local map = require "cartwright.map"

local shop = files:extend()
shop.title, shop.format = "Orders in UBL files", "ubl"
shop.settings.format.required = false

local DOCUMENTS = { OrderChange = "OrderReference/ID", OrderCancellation = "OrderReference/ID",
  OrderResponse = "OrderReference/ID", OrderResponseSimple = "OrderReference/ID" }

local BUYER = "BuyerCustomerParty/Party/"

---@param order cartwright.Node
---@return { id: string }? key
local function key(order)
  local buyer = order:text(BUYER .. "EndpointID") or order:text(BUYER .. "PartyIdentification/ID")
    or order:text(BUYER .. "PartyLegalEntity/CompanyID") or order:text(BUYER .. "PartyName/Name")
  local id = order:text "ID"
  if not buyer or not id then return nil end
  local kind = order:name() == "Order" and "" or order:name() .. "/"
  return { id = kind .. buyer .. "/" .. id }
end

---Only an order is one.
local function number(order)
  local name = order:name()
  if name ~= "Order" then
    local about = DOCUMENTS[name] and order:text(DOCUMENTS[name])
    error(("this is no order but <%s>%s; look at it, and change the order by hand (cartwright edit)"):format(name,
      about and " about order " .. about or ""), 0)
  end
  return order:text "ID"
end

local AMOUNTS = { "AnticipatedMonetaryTotal/LineExtensionAmount", "AnticipatedMonetaryTotal/PayableAmount",
  "TaxTotal/TaxAmount", "OrderLine/LineItem/LineExtensionAmount", "OrderLine/LineItem/Price/PriceAmount",
  "AllowanceCharge/Amount" }

local function currency(order)
  local own = order:text "DocumentCurrencyCode"
  for _, path in ipairs(AMOUNTS) do
    for amount in order:each(path) do
      local other = amount:text "@currencyID"
      if other and other ~= own then
        error(("%s is in %s, and the order in %s"):format(path, other, tostring(own)), 0)
      end
    end
  end
  return own
end

---What the buyer owes, tax included, before what was paid ahead.
local function total(order)
  local at = "AnticipatedMonetaryTotal/"
  local inclusive = order:decimal(at .. "TaxInclusiveAmount")
  if inclusive then return inclusive end
  local payable = order:decimal(at .. "PayableAmount")
  return payable and payable + (order:decimal(at .. "PrepaidAmount") or 0)
    - (order:decimal(at .. "PayableRoundingAmount") or 0)
end

local PRICE_DIGITS = 6

---@param line cartwright.Node
local function unit_price(line)
  local price, per = line:decimal "Price/PriceAmount", line:decimal "Price/BaseQuantity"
  if not price or not per or per:compare(1) == 0 then return price end
  return price:divide(per, PRICE_DIGITS)
end

---The line's own sum, which must be what it says.
local function line_total(line)
  local stated, price = line:decimal "LineExtensionAmount", line:decimal "Price/PriceAmount"
  local quantity = line:decimal "Quantity"
  if not stated or not price or not quantity then return stated end
  local sum = (price * quantity):divide(line:decimal "Price/BaseQuantity" or 1, PRICE_DIGITS)
  for entry in line:each "AllowanceCharge" do
    local amount = entry:decimal "Amount" or 0
    if entry:text "ChargeIndicator" == "true" then sum = sum + amount else sum = sum - amount end
  end
  if sum:round(2):compare(stated:round(2)) ~= 0 then
    error(("line %s is said to be %s, but its quantity, price, charges and allowances make %s"):format(
      tostring(line:text "ID"), tostring(stated), tostring(sum:round(2))), 0)
  end
  return stated
end

---Who is sent the invoice, else who ordered.
local function billed(path)
  return function(order)
    local party = order:node "AccountingCustomerParty/Party" or order:node "BuyerCustomerParty/Party"
    return party and party:text(path)
  end
end

shop.orders = files.stream {
  id = "$key/id",
  records = ".",
  derive = { key = key },

  map = map.order {
    number = number,
    status = map.constant "processing",
    payment_status = map.constant "unpaid",
    fulfilment_status = map.constant "open",
    cart_type = "OrderTypeCode",
    reference = "CustomerReference",
    placed_at = map.time(map.join { "IssueDate", "IssueTime" }),
    currency = currency,
    tax_included = map.constant(false),
    goods_total = "AnticipatedMonetaryTotal/LineExtensionAmount",
    discount_total = map.sum "AllowanceCharge[ChargeIndicator=false]/Amount",
    fee_total = map.sum "AllowanceCharge[ChargeIndicator=true]/Amount",
    tax_total = "TaxTotal/TaxAmount",
    total = map.value(total, { required = true }),
    paid_total = "AnticipatedMonetaryTotal/PrepaidAmount",
    customer_id = map.first { BUYER .. "EndpointID", BUYER .. "PartyIdentification/ID",
      BUYER .. "PartyLegalEntity/CompanyID" },
    email = BUYER .. "Contact/ElectronicMail",
    payment_term = "PaymentTerms/Note",
    note = "Note",
    billing = map.at(".", map.address {
      name = billed "Contact/Name",
      company = map.first { BUYER .. "PartyLegalEntity/RegistrationName", BUYER .. "PartyName/Name" },
      vat_number = billed "PartyTaxScheme/CompanyID",
      street = billed "PostalAddress/StreetName",
      street2 = billed "PostalAddress/AdditionalStreetName",
      postcode = billed "PostalAddress/PostalZone",
      city = billed "PostalAddress/CityName",
      region = billed "PostalAddress/CountrySubentity",
      country = billed "PostalAddress/Country/IdentificationCode",
      phone = billed "Contact/Telephone",
      email = billed "Contact/ElectronicMail",
    }),
    shipping = map.at("Delivery", map.address {
      external_id = "DeliveryLocation/ID",
      name = "DeliveryParty/Contact/Name",
      company = "DeliveryParty/PartyName/Name",
      street = "DeliveryLocation/Address/StreetName",
      street2 = "DeliveryLocation/Address/AdditionalStreetName",
      postcode = "DeliveryLocation/Address/PostalZone",
      city = "DeliveryLocation/Address/CityName",
      region = "DeliveryLocation/Address/CountrySubentity",
      country = "DeliveryLocation/Address/Country/IdentificationCode",
      phone = "DeliveryParty/Contact/Telephone",
      email = "DeliveryParty/Contact/ElectronicMail",
      note = "DeliveryLocation/Address/AddressLine/Line",
    }),
    lines = map.each("OrderLine/LineItem", map.line {
      external_id = "ID",
      sku = map.first { "Item/SellersItemIdentification/ID", "Item/StandardItemIdentification/ID" },
      name = "Item/Name",
      barcode = "Item/StandardItemIdentification/ID[@schemeID=0160]",
      quantity = map.value("Quantity", { required = true }),
      unit_price = unit_price,
      total = map.value(line_total, { required = true }),
      tax_rate = "Item/ClassifiedTaxCategory/Percent",
      custom = {
        unit = map.text "Quantity/@unitCode",
        buyers_item = map.text "Item/BuyersItemIdentification/ID",
      },
    }),
    fees = map.each("AllowanceCharge[ChargeIndicator=true]", map.fee {
      name = map.first { "AllowanceChargeReason", "AllowanceChargeReasonCode" },
      amount = "Amount",
    }),
    discounts = map.each("AllowanceCharge[ChargeIndicator=false]", map.discount {
      code = "AllowanceChargeReasonCode",
      name = "AllowanceChargeReason",
      amount = "Amount",
    }),
    custom = {
      order_type = map.translate("order_type", "OrderTypeCode", { default = "order" }),
      accounting_cost = map.text "AccountingCost",
      contract = map.text "Contract/ID",
      quotation = map.text "QuotationDocumentReference/ID",
      originator = map.text "OriginatorDocumentReference/ID",
      deliver_from = map.text "Delivery/RequestedDeliveryPeriod/StartDate",
      deliver_until = map.text "Delivery/RequestedDeliveryPeriod/EndDate",
    },
  },
}
shop.tables.order_type = { ["220"] = "order", ["227"] = "consignment" }

---An envelope (SBDH) holds the order below its root.
function shop:split(answer)
  local begin = answer:text():sub(1, 2000)
  return answer:records(begin:find "<[%w_:]*StandardBusinessDocument[%s>]" and "Order" or ".", self.orders.id)
end

return shop
