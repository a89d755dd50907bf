---@meta
error("types only; see scripts/cartwright/served.lua and runtime/engine/serve.h")

---Carts that are asked instead of asking: another program pulls from here what the site's carts brought, in the words
---of a protocol that it knows. `cartwright run --webhooks ADDRESS` serves them at /serve/CART, beside the notices.
---
---    function shop:serve(request)
---      if not self:secret_equals { secret = "password", value = request:form().password } then
---        return { status = 401, body = "who are you?" }
---      end
---      local orders = self:documents("order", { after = request:form().last, limit = 50 })
---      ...
---      return { status = 200, headers = { ["Content-Type"] = "text/xml" }, body = xml.write(tree) }
---    end
---
---Its fake (types/fake.lua, `asks`) is the program that asks, and `cartwright test` asks in its place.
---
---It runs under the usual limits, one request of a cart after another, for at most 30 s. What it raises is logged and
---answered 500 without its words.
---@class cartwright.Shop
---@field serve? fun(self: cartwright.Server, request: cartwright.Served): cartwright.Answer

---@class cartwright.Served
---@field method string
---@field path string behind the cart's name
---@field query table<string, string> decoded; of several the first
---@field headers table<string, string> by names in lower case
---@field peer string the address that it came from, of a proxy where there is one; empty in `cartwright test`
---@field body string
local Served = {}
---@param name string without case
---@return string?
function Served:header(name) end
---The fields of a form (application/x-www-form-urlencoded), decoded; of several the first. Raises a 400 when it is
---none.
---@return table<string, string>
function Served:form() end

---@class cartwright.Answer
---@field status integer
---@field headers? table<string, string>
---@field body? string
---@field wait? integer seconds, at most 10, after which it is sent, while others are answered: for wrong passwords. Who waits for two such answers gets 429 meanwhile

---`self` in serve: the cart, with the store instead of a shop.
---@class cartwright.Server: cartwright.Listener
local Server = {}

---Documents of all carts (or of `cart`) in the order in which they came, each a table with its fields (numbers as
---Decimals, times as Times, lists as lists) and `cart`, `external_id` and `place`, which grows with each document that
---comes and never changes. A list from PostgreSQL, where several may write at once, ends before what is younger than
---20 s, so that nothing appears later before a place that was read; what is asked for by number or SKU is there at
---once. Suspends.
---@param kind string "order", "customer", "item", "stock_level"
---@param options? { cart?: string, carts?: string[], after?: integer, limit?: integer, number?: string, skus?: string[], sku?: string, warehouse?: string, since?: cartwright.Time, offset?: integer, places?: integer[], order_cart?: string, order_id?: string, waits?: boolean, currency?: string } cart "": of the back office; after: a place; limit: at most 1000, which is the default; number: of orders, customers and shipments; skus: items that have one of these, or a variant that has; sku, warehouse: of levels; since: stored or changed since then; places: at most 1000; order_cart, order_id: of shipments; waits: of orders, those that are pending or leads (true), or those that are not
---@return table[]
function Server:documents(kind, options) end
---How many there are.
---@param kind string
---@param options table as above
---@return integer
function Server:count(kind, options) end
---Their places alone, at most 1000: costs little, however large the documents are.
---@param kind string
---@param options table as above
---@return integer[]
function Server:places(kind, options) end
---What the asking program says of the back office: as site.put (types/out.lua), audited under the cart's name.
---Suspends.
---@param put site.Put
function Server:put(put) end
---As site.edit. Suspends.
function Server:edit(change) end
---What is published of a SKU to this cart, by the rule in its `out` of site.lua; nil where nothing is known.
---@param sku string
---@return cartwright.Decimal?
function Server:quantity(sku) end

return Server
