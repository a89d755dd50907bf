---@meta
error("types only; see scripts/cartwright/fake.lua, fake_host.lua, fake_door.lua and runtime/engine/fake.h")

---`require "cartwright.fake"`: shops of one's own making, to test carts against.
---
---A fake is a file fakes/TYPE.lua of the site, or one that comes with Cartwright (tests/fakes). It keeps a shop's state in
---Lua tables, answers requests as the real shop does, traps included, and books what it is told. `cartwright fake TYPE`
---serves it on a port of this machine; `cartwright test CART` runs the standard tests against it, in virtual time. The
---same seed and the same requests give the same answers.
---
---    local fake = require "cartwright.fake"
---    local shop = fake.new { title = "Tea shop", settings = { token = "letmein" } }
---
---    function shop:start() self.orders, self.stock = {}, {} end
---    function shop:authorized(request) return request:header "Authorization" == "Bearer letmein" end
---
---    shop:route("GET /orders.json", function(self, request)
---      local page = request:number("page", 1)
---      return fake.json { orders = self:page(self.orders, (page - 1) * 50, 50) }
---    end)
---    shop:route("PUT /orders/{id}/parcels.json", function(self, request)
---      local parcel = request:json()
---      self:book { kind = "shipment", order_id = request.params.id, tracking_number = parcel.code, key = parcel.reference }
---      return fake.json({ ok = true }, 201)
---    end)
---
---    function shop:place(order) ... end -- see fake.World below
---    return shop
local fake = {}

---@class fake.Definition
---@field title string
---@field settings? table<string, string|integer|boolean> what the cart needs besides `url`, secrets too, to be let in
---@field secrets? string[] which settings are secrets, for what `cartwright fake` prints; default: those whose names end in key, token, secret or password
---@field path? string what the cart's `url` has behind the host: "/shop". Routes and paths of requests below it are without it
---@field reads? fun(request: fake.Request): boolean|nil whether a request only reads, where its method does not tell: queries of GraphQL, SETI's downloads

---@param definition fake.Definition
---@return fake.Shop
function fake.new(definition) end

---@param value any as json.encode takes it
---@param status? integer default 200
---@param headers? table<string, string>
---@return fake.Response
function fake.json(value, status, headers) end
---@param tree table as xml.write takes it
---@param status? integer
---@param headers? table<string, string>
---@return fake.Response
function fake.xml(tree, status, headers) end
---@param body string
---@param status? integer
---@param headers? table<string, string> default: Content-Type text/plain
---@return fake.Response
function fake.text(body, status, headers) end

---The HMAC of a text, as shops sign notices.
---@param secret string
---@param text string
---@param options? { algorithm: "sha256"|"sha512"|"sha1", encoding: "base64"|"hex" } default: sha256, base64
---@return string
function fake.hmac(secret, text, options) end

---@class fake.Response
---@field status integer
---A Date by the shop's clock is added.
---@field headers table<string, string>
---@field body string

---@class fake.Request
---@field method string
---@field path string decoded, without the query
---@field url string the shop's address as the cart calls it, with the definition's `path`: for links in answers
---@field query table<string, string> decoded; of several the last; of "a[]" a list, as "a[]" and as "a"
---@field headers table<string, string> by names in lower case
---@field body string
---@field params table<string, string> what stood at {name} in the route
local Request = {}
---@param name string
---@return string?
function Request:header(name) end
---A parameter of the query as an integer; raises a 400 when it is none.
---@param name string
---@param default integer
---@return integer
function Request:number(name, default) end
---The body as json.decode; raises a 400 when it is none.
function Request:json() end
---The body's root as xml.parse; raises a 400 when it is none.
---@return cartwright.Node
function Request:xml() end
---User and password of basic authorization; nil when there is none.
---@return string? user
---@return string? password
function Request:basic() end
---The fields of a form (application/x-www-form-urlencoded).
---@return table<string, string>
function Request:form() end

---What the runtime gives each fake. Whatever else it has under `self` is its own.
---@class fake.Shop: fake.World
---@field settings table<string, any>
---@field books fake.Entry[] what it was told, in order
---@field deliveries { name: string, bytes: string }[] what `deliver` laid down; whoever takes it away empties the list
---@field notices { path?: string, headers: table<string, string>, body: string }[] what `notify` sent; likewise
local Shop = {}
---Answers requests "METHOD /path/{name}"; `{rest*}` takes all that follows. Of several that fit the one that was added
---first. No route: 404.
---@param pattern string
---@param answer fun(self: fake.Shop, request: fake.Request): fake.Response
function Shop:route(pattern, answer) end
---Books an effect, once for each time it happens: a shop that is told the same parcel twice has two entries.
---@param entry fake.Entry
function Shop:book(entry) end
---A slice of a list as the shop would page it, with the troubles that a test asked for: the last page again and again, a
---record that breaks its page, a list that moves meanwhile. A route for one record asks for it too: poison is met here,
---self:page({ order }, 0, 1).
---@generic T
---@param list T[]
---@param offset integer
---@param size integer
---@param id? string field of a record with its id; default "id"
---@return T[]
function Shop:page(list, offset, size, id) end
---Ends the request with this answer, from wherever in a route.
---@param response fake.Response
function Shop:answer(response) end
---@return cartwright.Time now, by the shop's clock
function Shop:now() end
---@param bound integer
---@return integer 0 to bound - 1, drawn from the seed
function Shop:below(bound) end
---The next number of a series: 1, 2, ...
---@param series string
---@return integer
function Shop:next(series) end
---For carts of mailboxes, folders and notices: something that lies there to be taken.
---@param name string
---@param bytes string
function Shop:deliver(name, bytes) end
---Sends a notice to the cart, where one listens.
---@param notice { path?: string, headers: table<string, string>, body: string }
function Shop:notify(notice) end

---@class fake.Entry
---@field kind "stock"|"price"|"shipment"|"status"|"customer"|"item"|string
---@field at? string set by book: the shop's time, ISO 8601
---@field sku? string
---@field quantity? string|integer|cartwright.Decimal
---@field price? string|cartwright.Decimal
---@field order_id? string
---@field tracking_number? string
---@field carrier? string
---@field lines? { sku?: string, line_id?: string, quantity: string|integer|cartwright.Decimal }[]
---@field status? string the shop's word
---@field [string] any

---@class fake.Ask
---@field name string for messages
---@field method? string default POST
---@field path? string
---@field query? string
---@field headers? table<string, string>
---@field body? string
---@field says? string what the answer then holds, once the back office has TEA-1 (12 in MAIN) and TEA-2 (0)
---@field adds? boolean told twice it has its effect twice
---@field open? boolean anybody may ask it

---What a fake's script defines, so that the standard tests can put things into the shop and look what it has. Records are
---tables with the fields of `cartwright fields KIND`, texts for amounts ("12.50"), quantities and times; the fake makes of
---them what its shop would keep. What the shop has no place for, the cart names in `lacks`, and its function is left out.
---@class fake.World
---@field start? fun(self: fake.Shop) before the first request: an empty shop
---@field authorized? fun(self: fake.Shop, request: fake.Request): boolean|fake.Response false: 401
---Told by the runtime before the next request, so that nobody else needs to.
---@field moved? fun(self: fake.Shop, seconds: integer) so much time passed
---An order was placed in the shop. Has: number?, status (ours), currency, total, shipping_total, tax_total, email,
---placed_at, changed_at? (default: now), billing, shipping, payment_method, cart_status? (the shop's word instead of ours; one
---that nobody knows, where the shop can have such), lines { sku, name, quantity, unit_price, total, tax }. Amounts are what the
---buyer pays, tax included; tax_total and a line's tax are the parts of them that are tax. Returns the cart's id.
---Where the shop makes up the number by itself, it is returned as well.
---@field place? fun(self: fake.Shop, order: table): string, string?
---@field remove? fun(self: fake.Shop, order_id: string) it is gone from the shop, as if it had never been
---It changed: status, note; stamped as the shop stamps.
---@field amend? fun(self: fake.Shop, order_id: string, changes: table)
---Some of its pieces were sent: { tracking_number, carrier, lines = { { sku, quantity } } }.
---@field ship? fun(self: fake.Shop, order_id: string, shipment: table)
---@field refund? fun(self: fake.Shop, order_id: string, refund: { amount: string, lines?: table[] })
---Pieces of a SKU were taken out of the order, or given back, before they were sent. Most shops keep the order's total.
---@field shrink? fun(self: fake.Shop, order_id: string, sku: string, quantity: string)
---An item, with variants { sku, name, price, quantity }; kept under its SKU. Returns the cart's id.
---@field offer? fun(self: fake.Shop, item: table): string
---@field register? fun(self: fake.Shop, customer: table): string
---The order as the shop now has it: { status (the shop's word), shipments = { { tracking_number, carrier, lines } } }.
---@field order_of? fun(self: fake.Shop, order_id: string): table?
---What it would sell of this SKU; nil where it has no such.
---@field quantity_of? fun(self: fake.Shop, sku: string): string|integer|nil
---@field price_of? fun(self: fake.Shop, sku: string): string?
---@field customer_of? fun(self: fake.Shop, email: string): table?
---@field item_of? fun(self: fake.Shop, sku: string): table?
---Statuses of ours that the shop keeps as another one of ours: { paid = "processing" }.
---@field statuses? table<string, string>
---Of the program that asks a cart (types/served.lua), in the place of a shop: requests that it may send.
---@field asks? fun(self: fake.Shop): fake.Ask[]
---Whether an answer lets nobody in; default: the statuses 401 and 403.
---@field is_refusal? fun(self: fake.Shop, answer: { status: integer, headers: table<string, string>, body: string }): boolean
---Has the shop send the notice of an order, as it would by itself.
---@field announce? fun(self: fake.Shop, order_id: string)
---What the shop's answers look like that mean something else than their status says: { ["no-permission"] = fake.Response }
---for the standard tests of causes; those of a web server are there already. By a status it is the shop's usual body for
---that: { ["429"] = fake.json { message = "slow down" } }.
---@field failures? table<string|integer, fake.Response>
---@field currency? string of a shop that has only one; default: EUR and any other
---@field page_size? integer records a page, where the cart's setting page_size does not say it; default 50
local World = {}

-- Troubles, for tests -----------------------------------------------------------------------------------------------------

---@class fake.Trouble
---@field on? "read"|"write"|string which requests: all (default), or by a pattern as of routes: "POST /orders/*"
---What happens: a status with the shop's usual body for it; `refused` (no connection), `lost` (the request has its effect,
---the answer never comes), `late` (the effect comes up to 60 s after the connection broke), `cut` (half the answer's body),
---`html` (200 with a page for people), `empty` (200 without a body), `notice` (a warning of PHP before the body), `slow`.
---A status and `refused` come without the effect, all others with it. On a port, what is refused or lost is a connection
---that is closed unanswered.
---@field what integer|"refused"|"lost"|"late"|"cut"|"html"|"empty"|"notice"|"slow"
---@field times? integer default 1; 0: until it is called off
---@field skip? integer requests that pass before
---@field retry_after? string|integer of a 429 or 503
---@field done? boolean a status comes although the request has had its effect
---For so many seconds reads are answered as of before this request, by whatever else it changed too, as lists that are
---made from an index are; then truly. For troubles that come with the effect, save `late`.
---@field lag? integer

---@param trouble fake.Trouble
function Shop:trouble(trouble) end
---The last page of a list comes again for whatever lies behind it.
---@param on boolean
function Shop:repeat_last_page(on) end
---So many times from now on a page behind the first begins one record too late: the list's first record has gone, as one
---does that was changed while the list is read. It is there again when the list is read from its start.
---@param times integer
function Shop:move(times) end
---A record breaks every page it is on: with status 500, or with bytes that are no JSON or XML; asked for alone too.
---@param id string
---@param how 500|"garbage"|nil nil: mended
function Shop:poison(id, how) end
---No troubles any more.
function Shop:calm() end

-- The door of `cartwright fake` -------------------------------------------------------------------------------------------
--
-- Tests in other languages ask a fake that is served under /_fake/, in JSON; troubles do not touch these requests. What the
-- script has no function for is a 400 with { "error": ... }.
--
--   POST /_fake/trouble       a fake.Trouble, or a string "on=write what=lost times=2"
--   POST /_fake/poison        { "id": "7", "how": 500 } ("garbage", or absent: mended)
--   POST /_fake/repeat        true or false: repeat_last_page
--   POST /_fake/move          a number: move
--   POST /_fake/calm
--   POST /_fake/place         an order as of fake.World; { "id": ... }. Likewise /offer and /register
--   POST /_fake/invent/KIND   one of orders, items, customers from the seed; { "id": ... }
--   POST /_fake/amend/ID      its changes; likewise /ship/ID, /refund/ID and /shrink/ID ({ sku, quantity })
--   POST /_fake/announce/ID   the notice of an order
--   GET  /_fake/books         all entries; /_fake/ledger has them a line each (?form=json)
--   GET  /_fake/state/ID      order_of; likewise /quantity/SKU, /price/SKU, /customer/EMAIL, /item/SKU; null when there is none
--   GET  /_fake/notices       those sent since it was last asked; likewise /deliveries
--   GET  /_fake/about         title, type, path and settings

return fake
