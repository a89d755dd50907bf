---@meta
error("types only; see scripts/cartwright/out.lua (site.lua) and scripts/cartwright/sending.lua (carts)")

-- In site.lua: what a cart is told ---------------------------------------------------------------------------------------

---`out` of a cart in site.lua. What is named here is sent; a switch turns it off again: switches = { stock_out = false }.
---@class site.Out
---@field stock? out.Stock quantities
---@field prices? out.Prices
---@field shipments? out.Shipments with their tracking numbers
---@field statuses? out.Sending statuses of orders: those that a person or a script set (edit), and those of rules.orders.tell_cart
---@field customers? out.Customers
---@field items? out.Items

---How messages of one stream are sent. Every stream has these.
---@class out.Sending
---@field threshold? integer fewer messages than that are sent one by one, from there on in batches; default 10
---@field batch? integer messages in one batch, default 100; the cart may allow fewer
---@field attempts? integer after which a message that the shop refuses stays failed, until `cartwright retry`; default 5
---@field check? integer seconds, 1 to 59, for which a run goes on looking for new messages; default: until there is none
---@field sleep? integer seconds between looks, so that changes gather and levels collapse; default 0

---Which quantity a cart is told. The terms are defined in runtime/stock/stock.h, and shown by `cartwright stock explain`.
---From every figure the demand of orders that wait (parked, held, pending) is taken as well.
---@class out.Stock: out.Sending
---@field figure? "available"|"available_for_shipping"|"on_hand" default "available"
---@field warehouses? string[] warehouses or branches; default: all
---@field kits? boolean add the kits that can be built; default true
---@field incoming? string add what purchase orders bring within this time: "14d"; default: nothing
---@field vendor? "add"|"separate" vendor stock: added, or a value of its own; default: left out
---@field buffer? integer|string pieces that are kept back, "2.5", or "10%"
---@field minimum? integer|string when fewer than that could be sold, 0 is told
---@field maximum? integer|string never more than that
---@field step? integer|string told in multiples of it, rounded down; default 1
---@field unlisted? boolean tell also what the cart's items do not name; default false, but a cart of which no item was fetched yet is told everything
---The last word: the quantity to tell, nil = say nothing about it now. Called when the message is about to be sent; when
---it fails, nothing is sent. The brake has counted by then, and does not see a 0 that it gives for another quantity.
---When its lines or locals that it uses change, all is told anew; what else it depends on
---is not noticed.
---@field quantity? fun(figures: out.Figures): integer|cartwright.Decimal|nil
---@field brake? out.Brake|false

---Before a run would change too much, it stops the stream and says so; `cartwright list messages` is the list, and
---`cartwright start CART stock_out --reason TEXT` lets go what was counted then; what has come since is counted for
---itself, and so is what comes while a run sends. The first run of all is such a run, whatever `least` says and however
---little it would tell. It counts quantities as the rule gives them: zeros that the function `quantity` makes of others
---count as changes, not as zeros, so that only `share` bounds them.
---@class out.Brake
---@field share? string of all quantities that the cart knows, within an hour; default "20%"
---@field least? integer fewer changes than that never stop it by their share; default 50
---@field zeros? integer quantities newly set to 0 within an hour; default 50

---@class out.Figures every term, as in `cartwright stock explain`
---@field sku string
---@field on_hand cartwright.Decimal
---@field on_order cartwright.Decimal as far as the rule adds it
---@field vendor cartwright.Decimal
---@field pending cartwright.Decimal what orders that wait will take
---@field allocated cartwright.Decimal as far as the figure takes it away
---@field for_kits cartwright.Decimal
---@field free cartwright.Decimal
---@field buildable cartwright.Decimal
---@field quantity cartwright.Decimal what would be told

---@class out.Prices: out.Sending
---@field list? "default"|"sale"|string which of the back office's prices; default "default"
---@field currency? string default: the only one there is
---@field brake? out.Brake|false as for stock, without zeros

---@class out.Shipments: out.Sending
---@field trigger? "shipment"|"invoice" when the cart is told: a shipment is confirmed (default), or an invoice is released
---Carriers are translated by the table `carrier_out`, which every cart has that can be told of shipments; of a shipment that
---names a vendor by the row "VENDOR/CARRIER" of `dropship_carrier_out` first. PrestaShop takes the carrier's id_reference,
---the number that `shipping_method` of its orders has.

---@class out.Customers: out.Sending
---@field groups? string[] only customers of these groups (classes); default: all
---@field fields? string[] only these fields, custom ones as "custom.NAME"; default: all. A cart may need some of them to
---find a record or to make it (PrestaShop: email, first_name and last_name; of an item sku, and currency beside a price),
---and refuses what lacks them

---@class out.Items: out.Sending
---@field groups? string[] only items of these groups; default: all
---@field fields? string[] as for customers

---`stock` of site.lua: what holds for all carts.
---@class site.Stock
---@field branches? table<string, string[]> warehouses by the name of their branch
---@field closed? string[] statuses in which an order takes nothing; default cancelled, completed, failed, refunded, shipped, draft
---@field shipping? string[] statuses of released orders that may be shipped now; default paid, processing

-- In a cart script: how it is told ----------------------------------------------------------------------------------------

---A stream out of a cart: shop.stock_out, prices_out, shipments_out, statuses_out, customers_out, items_out.
---
---A message is sent only when `message:sent(response)` was called for it, with an answer that says so: a status 2xx,
---and no error in it by the cart's own `shop.refuses`. Everything else is judged by what may have happened: when no
---request that writes has left, or the shop refused each of them (a status 4xx; a 503 that says when to come back), the message is tried again later;
---when one may have had its effect (no answer, a status 5xx, an error of the script after it) the message is *unknown*,
---and `probe` is asked before anything is sent again: two minutes after the answer was lost, since a shop may still be at
---work. Without a probe a person decides (`cartwright settle`).
---
---Requests that write are all but GET, HEAD and those that say `reads`. They are counted where they leave, whatever the script makes of their
---answers, and each goes out once: `repeatable` says nothing while a cart is told something. What is said of a message
---stays said when the script fails later; of each message one thing can be said.
---@class cartwright.OutStream
---@field send? fun(self: cartwright.Cart, message: cartwright.Message) sends one
---@field send_batch? fun(self: cartwright.Cart, messages: cartwright.Message[]) sends several in one call of the shop
---@field batch? integer most messages in one batch that the shop takes
---Asks the shop what became of messages whose answer was lost: message:arrived(words) or message:missing(words) for each;
---what is left out stays unknown. It may only read. What `send` looks up for itself before it writes is no proof of this:
---the standard tests ask the probe alone. A shop whose lists show only after two minutes what happened is to be asked for
---the record itself, or left without an answer until then.
---@field probe? fun(self: cartwright.Cart, messages: cartwright.Message[])

---@class cartwright.Message
---@field id integer the runtime's
---@field key string the same for each attempt, different for each message: for shops that take such a key ("cw-...")
---@field call string the same for all messages of one call, different for each call; in a probe, of the call it was sent in
---@field about string what it is about: the SKU, the id of the order
---@field attempts integer with this one
---@field data table what to tell; see the classes below. Quantities and amounts are Decimals, times are Times.
---@field link? string the cart's id of the customer or item, when it is known
local Message = {}
---The shop has taken it. Raises what is wrong with an answer that is none of this call, has another status than 2xx, or is
---an error by the cart's `refuses`; its address, status and first 200 bytes are kept as evidence.
---@param response cartwright.Response|cartwright.Upload the answer that says so
---@param options? { link: string } link: the cart's id of what was created
function Message:sent(response, options) end
---The shop refused it, in its own words; the call had no effect for this message.
---@param words string
function Message:refused(words) end
---There is nothing to tell (any more): it counts as done without having been sent.
---@param words string why
function Message:needless(words) end
---In probe: the shop has it.
---@param words? string what shows it
---@param options? { link: string }
function Message:arrived(words, options) end
---In probe: the shop does not have it.
---@param words? string
function Message:missing(words) end

---@class out.StockData
---@field sku string
---@field item_id? string the cart's ids, as its items have them
---@field variant_id? string
---@field quantity cartwright.Decimal
---@field vendor_quantity? cartwright.Decimal with vendor = "separate"

---@class out.PriceData
---@field sku string
---@field item_id? string
---@field variant_id? string
---@field list string
---@field price cartwright.Decimal
---@field currency string
---@field valid_from? cartwright.Time
---@field valid_until? cartwright.Time

---@class out.ShipmentData
---@field id string of the shipment in the back office
---@field number? string
---@field order_id string the cart's
---@field order_number? string
---@field shipped_at? cartwright.Time
---@field carrier? string by the tables carrier_out and dropship_carrier_out; nil without a row
---@field carrier_name? string as the back office has it
---@field method? string
---@field tracking_number? string
---@field old_tracking_number? string the one that the cart was told before, where this corrects it or takes it back
---@field tracking_url? string
---@field vendor? string
---@field warehouse? string
---@field note? string
---@field lines { line_id?: string, sku?: string, quantity: cartwright.Decimal }[] of the whole order, but for what was cancelled, where the shipment names none
---@field completes boolean nothing of the order is left to be shipped
---The order's other parcels that the cart took from us, each as it was told last. Where a shop knows no key of ours, a parcel
---is there when the shop has more with its number and pieces than these are (tell.alike in scripts/cartwright/tell.lua):
---one carrier number may be that of several parcels, and they may hold the same. What is kept no longer (`keep` in site.lua) is missing.
---@field told { id: string, tracking_number?: string, lines: { line_id?: string, sku?: string, quantity: cartwright.Decimal }[] }[]
---@field again? boolean the cart was told of this parcel: what is new is its tracking or carrier, not the parcel

---What an order's document has come to an end since (cancelled, refunded) is not told any more. Where a shop moves orders from
---any state to any other, `send` has to look first whether the order may go there (tell.status_fault): the buyer may have
---cancelled while the message waited.
---@class out.StatusData
---@field order_id string
---@field order_number? string
---@field status string ours; self:translate_back("status", status) is the shop's

---A plain table with the fields of `cartwright fields customer` that are set, and `id`, the back office's; addresses are
---tables in a list, fields of your own are texts under `custom`.
---@class out.CustomerData
---@field id string
---@field [string] any

---The same with the fields of `cartwright fields item`.
---@class out.ItemData
---@field id string
---@field [string] any

---Methods of every cart for sending; requests that write go out exactly once.
---@class cartwright.Cart
local Cart = {}
---A request that writes and must succeed: anything but a status 2xx without an error in it (shop.refuses) raises what it
---means. `repeatable` among the options says nothing.
---@param method "POST"|"PUT"|"PATCH"|"DELETE"
---@param path string
---@param body? string|table a table is sent as JSON, with decimals as they are
---@param options? cartwright.Request
---@return cartwright.Response
function Cart:write(method, path, body, options) end

---Puts a file on a server: under a temporary name first, which is renamed when it is complete. A file that has the name
---is not overwritten; the upload is a conflict then. The server is that of a setting of kind cart.folder, or allowed by
---the site. Raises when it fails; when the rename may have happened the message becomes unknown.
---@param file cartwright.File
---@return cartwright.Upload
function Cart:upload(file) end
---The names of what is in a folder: for probes.
---@param folder cartwright.Folder
---@return string[]
function Cart:files(folder) end

---@class cartwright.Folder
---`sftp://host/in/` (from the root) or `sftp://host/~/in/`; `ftps://` (TLS, port 990), `ftpes://` (TLS by request, port
---21), `ftp://` (all in clear): these begin where the log-in leads to.
---@field url string
---@field user? string FTP without: anonymous
---@field password? cartwright.Secret
---Of SFTP: a private key (Ed25519; RSA keys are signed as only old servers accept it). Its line breaks are written as \n,
---since secrets are one line: `awk '{printf "%s\\n", $0}' key | cartwright secret CART NAME`. `password` opens it then.
---@field key? cartwright.Secret
---Of SFTP, which needs it: what `ssh-keyscan HOST | ssh-keygen -lf -` shows behind SHA256:, after its owner confirmed it.
---Of several the one that the first attempt's error names.
---@field host_key? string
---@field ca? string of FTP with TLS: certificates to trust in PEM form; default: the system's

---@class cartwright.File: cartwright.Folder
---@field name string up to 200 bytes, no slash, no dot or blank at the beginning
---@field body string

---@class cartwright.Upload
---@field address string "sftp://host:22/in/orders-17.csv": for messages

---@class cartwright.Shop
---Whether an answer with a status 2xx says in its body that the request failed: the words, or nil (or JSON's
---null). Asked about each answer that self:write and self:get give while the cart is told something; a probe
---could else take it for "I have none of them".
---@field refuses? fun(self: cartwright.Cart, response: cartwright.Response): string?
---@field stock_out? cartwright.OutStream
---@field prices_out? cartwright.OutStream
---@field shipments_out? cartwright.OutStream
---@field statuses_out? cartwright.OutStream
---@field customers_out? cartwright.OutStream
---@field items_out? cartwright.OutStream

-- In scripts of `cartwright exec` -----------------------------------------------------------------------------------------

---What the back office says. `kind` is one of stock_level, purchase_order, vendor_level, item, customer, price, shipment,
---invoice; the fields are those of `cartwright fields KIND`. A document that is there is changed in the fields given; lists
---are replaced whole. All documents of one call are validated before one is put, and audited; up to 500 are put together with
---the messages that carts get of them, or not at all; of more, those before a crash stay, and the same call again completes
---them. What is dropped, or not confirmed any more, before a cart was told of it is not told. A level that is dropped is not
---told as 0: put it with quantity = 0 for that. A shipment does not reduce levels: put the new level before it. Raises what
---is wrong, naming the document and the field. Quantities and amounts are texts, integers or Decimals; times are Times or
---texts, in the site's zone where they name none.
---@class site.Put
---@field kind string
---@field reason? string
---@field from? string the cart that it came from: this one is not told of a customer, an item or a shipment. Levels and prices it is told like all others, as they are counted; what it was told before is not told again
---@field [integer] table documents: { id = ..., sku = ..., quantity = "12" }. `id` may be left out where others make it: sku and warehouse of a level, sku and vendor, sku, list and currency of a price, sku of an item; of a purchase order, shipment and invoice `number`
---@field drop? string[] ids of documents to be removed; one that is not there is removed already, which is no error
local Put = {}

return Message
