-- One PrestaShop with three channels, as three carts with rules of their own. README.md beside this file says of each
-- recorded order what becomes of it, and why; `./run` shows it. What every rule can do stands in
-- scripts/types/rules.lua.
local rules = require "cartwright.rules"

-- A rule of our own: it gets the order and returns why it must wait, or nothing.
local function goes_to_po_box(order)
  local street = order.shipping and order.shipping.street
  if street and street:upper():find "PO BOX" then return "parcels cannot be delivered to " .. street end
end

-- Sold inside the EU to somebody with a VAT number of another country: the buyer pays the tax, not we.
local function pays_tax(customer)
  return not customer.vat_number or customer.vat_number:sub(1, 2) == "FR"
end

-- Merchants write the number of their purchase order into the remark: "PO-4711, before noon please".
local function take_purchase_number(order)
  order.reference = order.note and order.note:match "PO%-%d+"
end

return {
  zone = "Europe/Paris",
  store = "store.db",
  allow = { "127.0.0.1:8097" }, -- the recorded shop; `./run` puts its port here

  -- Rules of the site are for every cart.
  rules = {
    rules.orders {
      location = rules.by("channel", { ["1"] = "WEB", ["2"] = "LYON", ["3"] = "STORE" }),
      number_into = "custom.web_number",
      set = { ["custom.origin"] = "PrestaShop" },
    },
    rules.holds {
      above = { EUR = "1000", JPY = "160000", KWD = "350" },
      duplicates = true,
      po_box = goes_to_po_box,
      underpaid = { payment_status = "partly_paid" },
    },
  },

  carts = {
    shop = {
      type = "prestashop", -- carts/prestashop.lua: the shipped one, changed in a few places
      url = "http://127.0.0.1:8097",
      out = { statuses = {} }, -- for tell_cart below

      -- Rules of a cart lie over those of the site, field by field.
      rules = {
        rules.orders {
          -- Archived orders are never taken in; of the others those that pass all of this:
          only = {
            channel = { "1" },
            status = { "pending", "paid", "processing", "shipped", "completed" },
          },
          skip = { cart_type = { "test" }, second_status = { "suspected" } },
          type = rules.by("payment_method", {
            ps_cashondelivery = "cash_sale", invoicepay = "invoice", quotation = "lead", ["*"] = "sales_order",
          }),
          -- Nothing is set aside for a bank transfer before it has arrived and somebody says `cartwright release`.
          state = rules.by("payment_method", { ps_wirepayment = "pending", ["*"] = "released" }),
          class = rules.table("class", "billing.country", "EXPORT"),
          sales_rep = "web team",
          tell_cart = rules.by("status", { paid = "processing" }), -- what is sent already, or a quote, needs none
        },
        rules.customers {
          only = { group = { "3" } }, -- PrestaShop's group of guests is 2, that of merchants 4
          type = "retail",
          sales_rep = rules.by("language", { fr = "Sylvie", de = "Jens", ["*"] = "Kim" }),
          attributes = { price_list = "retail 2026" },
          match = { "link", "email" },
          unknown = "create",
          ship_to = { "id", "address" },
        },
        rules.items {
          group = rules.by("type", { simple = "goods", variants = "goods", kit = "sets", virtual = "vouchers" }),
          match = { "link", "sku", "barcode" },
          unknown = "default",
          default = "shop:8", -- the item "Anything else"
        },
        rules.taxes { by = "shipping", not_taxable = "NO-TAX" },
        rules.shipping { table = "shipping", freight = "line", item = "FREIGHT" },
        rules.payments { table = "payment", on_account = { "NET30" } },
        rules.discounts { default = "DISC-OTHER" },
      },
    },

    wholesale = {
      type = "wholesale", -- carts/wholesale.lua: amounts without tax
      url = "http://127.0.0.1:8097",
      rules = {
        rules.orders {
          only = { channel = { "2" } },
          class = "WHOLESALE",
          change = take_purchase_number,
        },
        rules.customers {
          only = { group = { "4" } },
          type = "merchant",
          sales_rep = "Nadia",
          taxable = pays_tax,
          payment_term = "NET30",
          match = { "link" },
          unknown = "hold", -- merchants are let in by hand
          ship_to = { "id" },
          unknown_address = "hold",
        },
        rules.items {
          skip = { type = { "virtual" }, active = { "false" } }, -- no gift cards for merchants
          options = "items", -- size M of the shirt is an item of its own
          match = { "link", "sku" },
          unknown = "hold",
        },
        rules.taxes { by = "billing", taxable = "EU-OTHER", not_taxable = "REVERSE-CHARGE", shipping = "FREIGHT-TAX" },
        rules.shipping { table = "shipping", freight = "field" },
        rules.payments { table = "payment", import = false }, -- the books have them from the bank
        rules.discounts { default = "DISC-TRADE" },
        rules.holds { above = "5000" },
      },
    },

    till = {
      type = "till",
      url = "http://127.0.0.1:8097",
      rules = {
        rules.orders { only = { channel = { "3" } }, type = "cash_sale", class = "STORE" },
        rules.customers {
          match = { "email" }, among = { "shop" },
          unknown = "proxy", proxy = "shop:10", -- the customer "Till Counter"
        },
        rules.items { match = { "link", "sku" }, among = { "shop" }, unknown = "keep" },
        rules.taxes { taxable = "FR-20" }, -- who buys over the counter has no address
        rules.shipping { table = "shipping", default = "OVER-THE-COUNTER", carrier = "nobody" },
        rules.payments { table = "payment", default = "other", term = "AT-ONCE" },
      },
    },
  },
}
