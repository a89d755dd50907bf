---Orders in cXML: OrderRequest documents, one in each file.
---
---Facts this script relies on:
---  - The header holds the SharedSecret in clear. Records are the Request alone: the secret is neither stored nor
---    logged. A file that was read is removed, not kept in `done`; one that cannot be read stays whole in `failed`.
---  - The document names a DTD on the network, which is not fetched.
---  - An order is known by its orderID; type "update" says it anew with the same one, "delete" cancels it.
---  - deploymentMode "test" is no order, unless the setting test_orders says that they are wanted.
---  - Total excludes tax and freight, unless the partner says otherwise (`total_holds`): documents do not tell.
---  - A line may go to an address of its own; such orders are parked, since an order here has one.
---  - PunchOutOrderMessage is a basket, not an order: the file is set aside. Requests that are no orders are parked.
---
---Not known: prices for more than one piece; how attachments (multipart/related) reach a folder.
local files = require "shipped.files"
local cart = require "cartwright.cart"
local map = require "cartwright.map"

local shop = files:extend()
shop.title, shop.format = "Orders in cXML files", "cxml"
shop.settings.format.required = false
shop.settings.test_orders = cart.boolean { default = false, help = "whether orders marked as tests are taken in" }
shop.settings.total_holds = cart.choice { choices = { "goods", "all" }, default = "goods",
  help = "what the order's Total is: of the goods alone, or with tax and freight" }

local HEADER = "OrderRequest/OrderRequestHeader/"

local choose = shop.choose
function shop:choose(settings)
  local chosen = choose(self, settings):extend()
  if settings.test_orders then chosen.orders.skip["test orders"] = nil end
  if settings.total_holds == "all" then
    chosen.orders.map.total = map.value(HEADER .. "Total/Money", { required = true })
  end
  return chosen
end

function shop.inbox(settings)
  return { folder = settings.folder, pattern = settings.pattern, rest = settings.rest, done = "" } -- it holds a secret
end

---The order's address, unless lines have their own.
local function check_addresses(request)
  if request:node "OrderRequest/ItemOut/ShipTo" then
    error("lines of this order go to addresses of their own; an order here has one address: split it by hand", 0)
  end
end

---Comments may hold attachments instead of words.
local function note(request)
  local comments = request:node(HEADER .. "Comments")
  return comments and comments:text()
end

---"+1 800 5551212" of its pieces.
local function phone(address)
  local number = address:node "Phone/TelephoneNumber"
  if not number then return nil end
  local country, area = number:text "CountryCode", number:text "AreaOrCityCode"
  return (country and "+" .. country .. " " or "") .. (area and area .. " " or "") .. (number:text "Number" or "")
end

local function address()
  return map.address {
    external_id = "@addressID",
    company = "Name",
    name = "PostalAddress/DeliverTo[1]",
    street = "PostalAddress/Street[1]",
    street2 = map.join({ "PostalAddress/DeliverTo[2]", "PostalAddress/Street[2]" }, ", "),
    postcode = "PostalAddress/PostalCode",
    city = "PostalAddress/City",
    region = "PostalAddress/State",
    country = "PostalAddress/Country/@isoCountryCode",
    phone = phone,
    email = "Email",
  }
end

shop.orders = files.stream {
  id = HEADER .. "@orderID",
  records = "Request",

  skip = {
    ["test orders"] = { path = "@deploymentMode", values = "test" },
  },

  map = map.order {
    number = HEADER .. "@orderID",
    status = map.translate("status", HEADER .. "@type", { default = "processing" }),
    payment_status = map.constant "unpaid",
    cart_status = HEADER .. "@type",
    cart_type = HEADER .. "@orderType",
    placed_at = HEADER .. "@orderDate",
    currency = map.value(HEADER .. "Total/Money/@currency", { required = true }),
    tax_included = map.constant(false),
    shipping_total = HEADER .. "Shipping/Money",
    tax_total = HEADER .. "Tax/Money",
    total = map.sum { HEADER .. "Total/Money", HEADER .. "Tax/Money", HEADER .. "Shipping/Money" },
    rounding = map.constant "total",
    email = HEADER .. "BillTo/Address/Email",
    billing = map.at(HEADER .. "BillTo/Address", address()),
    shipping = map.at(HEADER .. "ShipTo/Address", address()),
    note = note,
    lines = map.each("OrderRequest/ItemOut", map.line {
      external_id = "@lineNumber",
      sku = "ItemID/SupplierPartID",
      name = "ItemDetail/Description",
      quantity = map.value("@quantity", { required = true }),
      unit_price = map.value("ItemDetail/UnitPrice/Money", { required = true }),
      custom = {
        unit = map.text "ItemDetail/UnitOfMeasure",
        basket_key = map.text "ItemID/SupplierPartAuxiliaryID",
        buyers_item = map.text "ItemID/BuyerPartID",
        deliver_at = map.text "@requestedDeliveryDate",
      },
    }),
    custom = {
      order_version = map.text(HEADER .. "@orderVersion"),
      deliver_at = map.text(HEADER .. "@requestedDeliveryDate"),
      mode = map.text "@deploymentMode",
      one_address = map.text(check_addresses),
    },
  },
}

shop.tables.status = { new = "processing", update = "processing", delete = "cancelled" }

return shop
