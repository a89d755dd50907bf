---@meta
error("types only; the functions are in scripts/cartwright/rules.lua")

---What a site decides about documents, whatever cart they come from. Rules stand in site.lua: those in `rules` of the
---site are for every cart, those in `rules` of a cart for that one; there a field replaces the site's field of the same
---section, and `false` takes it away (but is a value of taxable, import and duplicates). Mistakes in them are told when
---a cart is opened, all at once, each with its line; so `cartwright check` finds them.
---
---    local rules = require "cartwright.rules"
---    return {
---      rules = { rules.holds { above = "1000" } },
---      carts = {
---        shop = {
---          type = "prestashop", url = "https://shop.example.com",
---          rules = {
---            rules.orders { only = { status = { "paid" } }, state = "pending" },
---            rules.customers { match = { "link", "email" }, unknown = "create" },
---          },
---        },
---      },
---    }
---
---Fields of documents are named as in scripts/types/documents.lua: "status", "billing.country", "custom.gift".
local rules = {}

---Texts that a field may have, by the field's name: { status = { "paid", "processing" }, channel = { "1" } }.
---@alias rules.Fields table<string, string|string[]>

---A fixed value, rules.by(...), rules.table(...), or a function that gets the document and returns a value.
---@alias rules.Value string|boolean|integer|cartwright.Decimal|rules.Chosen|fun(document: cartwright.Document): any

---@alias rules.Limit string|integer|cartwright.Decimal

---@class rules.Chosen what rules.by and rules.table make

---The row for the text of a field; "*" is the default row, also where the field is unset. Without it, a text without a
---row is an issue, and an unset field leaves the target as it is. Rows are compared as those of tables: exactly, then
---without case; `cartwright table` can add to them, in the table rules.SECTION.FIELD.
---@param field string
---@param rows table<string|integer, string|boolean|integer|cartwright.Decimal> false is the value false
---@return rules.Chosen
function rules.by(field, rows) end

---The same with a translation table: rows from the cart's `tables`, overlaid by those of `cartwright table`.
---@param name string of the table
---@param field string
---@param default? string|boolean|integer where there is no row, or the field is unset
---@return rules.Chosen
function rules.table(name, field, default) end

---Which orders are taken in, and what they are here. `only` and `skip` are for orders that are new here: one that was
---taken in is kept up to date whatever becomes of its status. Archived orders are never taken in. `type` and `state`
---are decided when an order first comes; later versions leave them.
---@class rules.Orders
---@field only? rules.Fields taken in only when every one of these fields has one of its texts
---@field skip? rules.Fields not taken in when one of these fields has one of its texts
---@field type? rules.Value sales_order (the default), cash_sale, invoice, shipping_document or lead
---@field state? rules.Value released (the default), or pending: holds no stock until `cartwright release`
---@field location? rules.Value
---@field class? rules.Value
---@field sales_rep? rules.Value where neither the cart nor the matched customer names one
---@field number_into? string a field that gets the cart's order number: "reference", "custom.web_number"
---@field set? table<string, rules.Value> any other field, by its name
---@field change? fun(order: cartwright.Document) may change the document; runs before the other sections
---@field tell_cart? string|rules.Chosen|fun(order: cartwright.Document): string? the status to set in the cart once the
---       order is here: a message in the outbox. rules.by names it by a field; where it has no row, nothing is told

---Customers, and the customer of each order. Keys, tried in order: "link" (the cart's own id), "email", "phone",
---"vat_number", "number", "company". Several customers that fit one key are an issue, never a guess. An order that has no
---sales_rep, taxable or payment_term of its own gets those of its customer; what the table NAME.term of rules.payments has
---for the method goes before that. "create" falls back on `proxy` for an order that names nobody.
---@class rules.Customers
---@field only? rules.Fields customers taken in: { group = { "3", "4" } } is a class filter
---@field skip? rules.Fields
---@field type? rules.Value set where the cart says none; so are sales_rep, taxable and payment_term
---@field sales_rep? rules.Value
---@field taxable? rules.Value
---@field payment_term? rules.Value
---@field attributes? table<string, rules.Value> fields of your own, set where the cart has none
---@field set? table<string, rules.Value>
---@field match? string[] keys for the customer of an order; without it orders are not matched
---@field among? string[] carts whose customers are searched, in order; default: the order's own
---@field unknown? "create"|"hold"|"proxy"|"keep" when nobody fits: "create" makes a customer of the order's address
---       (guests by e-mail, so that one guest is one customer); "keep", the default, leaves the order without one
---@field proxy? string "CART:ID": the customer for "proxy"
---@field ship_to? string[] keys for the customer's address an order goes to: "id", "address" (street, post code, city
---       and country are the same)
---@field unknown_address? "hold"|"keep" default "keep"

---Items, and the item of each line. Keys: "link" (the cart's own ids), "sku", "barcode", "vendor_sku".
---@class rules.Items
---@field only? rules.Fields
---@field skip? rules.Fields
---@field group? rules.Value set where the cart says none
---@field set? table<string, rules.Value>
---@field options? "variants"|"items" "items" makes an item of its own of each variant, with the id ITEM/VARIANT
---@field match? string[] without it lines are not matched
---@field among? string[]
---@field unknown? "default"|"hold"|"keep" default "keep"
---@field default? string "CART:ID": the item for "default"

---Tax codes of an order, its lines and its freight, by the country and region of an address. Rows: "US-CA", then "US",
---then "*". Who pays no tax (the order's or the matched customer's `taxable` is false, or the order has no tax) gets
---`not_taxable`, and so does a line that bears no tax. A section without fields means the table "tax"; `table = false`
---in a cart means no codes there.
---@class rules.Taxes
---@field by? "shipping"|"billing" default "shipping", and billing where an order has no delivery address
---@field table? string default "tax"
---@field taxable? string where no row fits; without it that is an issue
---@field not_taxable? string
---@field shipping? string the freight's; default: as the order's

---Shipping method and carrier. The carrier is looked up in the table NAME.carrier, where that has rows.
---@class rules.Shipping
---@field table? string translates shipping_method
---@field default? string the method where there is no row, or the order names none
---@field carrier? rules.Value where the table names none
---@field freight? "field"|"line" "line" makes a line of shipping_total, so that totals stay what they are
---@field item? string SKU of that line; needed for "line"

---Payment method and term. The term is looked up in the table NAME.term, where that has rows.
---@class rules.Payments
---@field table? string translates payment_method
---@field default? string
---@field import? boolean false: no payments are taken in
---@field on_account? string[] terms that make no payment
---@field term? rules.Value where the table names none

---The system's discount for each discount of an order, by its code (or name, where it has no code). `table = false` in
---a cart means none there.
---@class rules.Discounts
---@field table? string default "discount"
---@field default? string

---Shipments that come in, such as those of a vendor who ships for us.
---@class rules.Shipments
---@field only? rules.Fields
---@field skip? rules.Fields
---@field table? string translates the carrier: "dropship_carrier", from the vendor's word to ours
---@field default? string the carrier where there is no row, or the shipment names none
---@field set? table<string, rules.Value>

---Along which graph each status moves: { status = { pending = { "paid", "cancelled" }, paid = { ... } } }. A step that
---is not in it holds the order. Where a site declares none, the graph of scripts/cartwright/rules.lua is in force;
---false takes it away.
---@class rules.Statuses
---@field status? table<string, string[]>|false
---@field payment_status? table<string, string[]>|false
---@field fulfilment_status? table<string, string[]>|false

---What waits for a person. Totals that are off always do. A rule of your own has a name, and is a table of fields with
---the texts that hold (all of them together), or a function that gets the order and returns a text, which says why.
---@class rules.Holds
---@field above? rules.Limit|table<string, rules.Limit> total above this: "1000", or by currency: { EUR = "1000" }
---@field duplicates? boolean another order of the cart has the same number
---@field [string] rules.Fields|fun(order: cartwright.Document): string|boolean|nil

---@param section rules.Orders
function rules.orders(section) end
---@param section rules.Customers
function rules.customers(section) end
---@param section rules.Items
function rules.items(section) end
---@param section rules.Taxes
function rules.taxes(section) end
---@param section rules.Shipping
function rules.shipping(section) end
---@param section rules.Payments
function rules.payments(section) end
---@param section rules.Discounts
function rules.discounts(section) end
---@param section rules.Shipments
function rules.shipments(section) end
---@param section rules.Statuses
function rules.statuses(section) end
---@param section rules.Holds
function rules.holds(section) end

---A document as rules see it. Its fields are those of its kind: texts, Decimals, Times, booleans; records are
---documents, lists are lists of documents (`#order.lines`, `order.lines[1].sku`; one that is unset is empty); `custom`
---has the fields of your own. Any other unset field is nil; a field that its kind does not have is an error with the
---one you probably meant. Names as rules have them lead inside too: `order["shipping.city"]` makes the address where
---there is none. Only `change` may assign: a text, boolean, integer, Decimal or Time is read as the field's type, nil
---unsets; what the field does not allow, and a float, is an error. Valid only while the function runs.
---@class cartwright.Document
---@field kind string
---@field external_id string
---@field [string] any

return rules
