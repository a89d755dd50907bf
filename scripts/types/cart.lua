---@meta
error("types only; see scripts/cartwright/cart.lua and runtime/bindings/lua_http.c, lua_records.c, lua_emit.c")

---A cart as its script sees it: `self` in test, fetch and every function of the cart table.
---@class cartwright.Cart
---@field name string as in site.lua
---@field settings table<string, any> values by the cart's declarations; secrets are handles
---@field zone string the zone the shop writes its times in
---@field cache table for this run only: what was fetched once
---@field stream string while a stream is fetched: its name
---@field takes_notices boolean its script has a function webhook, and the secret for it is set
---@field passed_by? string set by a fetch that passed by a record which breaks the list: what the shop said about it
local Cart = {}

---What cart.new makes and a cart script returns. It may have functions and values of its own, which `self` has too.
---@class cartwright.Shop: cartwright.Cart
---@field title string
---@field settings table<string, table> declarations, made with cart.text and its siblings
---@field http? fun(settings: table<string, any>): cartwright.Http
---The connection test: returns lines about what it found, raises what is wrong (cart.fail).
---@field test? fun(self: cartwright.Cart): string[]
---The shop's own words for an answer that is no success; with a code of cart.fail and the setting to look at, as far as
---it knows better.
---@field explain? fun(self: cartwright.Cart, response: cartwright.Response): string?, string?, string?
---Which of its variants a cart is by its settings, where that decides about its streams: the shop that it returns takes the
---place of this one. It may return `self`, or a copy that it changed.
---@field choose? fun(self: cartwright.Shop, settings: table<string, any>): cartwright.Shop
---@field orders? cartwright.Stream
---@field customers? cartwright.Stream
---@field items? cartwright.Stream
---@field stock? cartwright.Stream
---What it cannot do, each with the reason: see types/testing.lua.
---@field lacks? table<string, string>
---@field shipments? cartwright.Stream
---@field tables table<string, table<string|integer, string|integer|boolean>> translation tables: a row `false` means "no value", the row "*" is the default
local Shop = {}
---A cart that differs from this one in what is then changed. The copy is deep: this one stays as it is.
---@return cartwright.Shop
function Shop:extend() end
---Runs `fn` before a function of the cart, with the same arguments. What `fn` returns takes the place of as many of
---them; nothing: they stay. Of several the last one added runs first.
---@param name string where the function is: "test", "http", "orders.fetch", "orders.map.tax_total", "orders.skip.drafts"
---@param fn function
function Shop:before(name, fn) end
---Runs `fn` after a function of the cart, with its result and then the arguments. What `fn` returns takes the place of
---the result; nothing: it stays; `return nil` takes it away. Of several the last one added runs last.
---@param name string as for before
---@param fn function
function Shop:after(name, fn) end

---@class cartwright.Stream
---@field id? string path of the record's id; default "id"; it may stand in a derived part ("$key/id")
---@field map map.Plan
---@field fetch? fun(self: cartwright.Cart, window: cartwright.Window) without it only files can be imported
---How a file given to import or preview is read: where its records stand (in XML below the root element), or that it is a
---table of text, or a function that makes its records of it, and waits for nothing. Of several paths the first at which there
---are records that have an id; else the last: { ".", "items" } takes one record by itself, as well as a list.
---@field records? string|string[]|{ rows: cartwright.Rows }|fun(self: cartwright.Cart, answer: cartwright.Response): cartwright.Records
---@field overlap? string how far windows overlap, such as "2h"; default "1h"
---@field settle? string how long before now windows end; default "10s"
---@field full? boolean the shop knows no times of change: everything is read each time
---Which records the cart has: gives their ids to self:list(ids), a page at a time, and nothing else, so that it is cheap.
---@field ids? fun(self: cartwright.Cart, window: cartwright.Window) needs `read`
---Reads these records whole, and stores them as fetch does: the same request but for the filter, so that a record that
---did not change comes with the same bytes. Ids that the cart does not have are left out.
---@field read? fun(self: cartwright.Cart, ids: string[]) at most 50 ids at once
---@field final? string[] statuses (ours) after which an order changes no more; default: the ends of the graph in rules.statuses, else cancelled, completed, refunded
---@field reconcile? string how far back the job "reconcile" compares the cart with the store; default "14d"
---@field refresh? string orders that were placed longer ago are not read again, final or not; default "60d"
---Parts that are made of a record before it is mapped, by functions: what they return (a table, or nil) is read with paths
---that begin with "$NAME". They run again whenever the record is mapped again, so what is kept is what came.
---@field derive? table<string, fun(record: cartwright.Node): any>
---Of records that many hands write, such as mails: two custom fields, which say who brought a record, and what it says
---("custom.mail", "custom.says"). What another one brings for an order that is there waits where it says something else
---(issue other-source), and changes nothing where it says the same; so does a new order whose number another one has.
---@field sources? { id: string, says: string }
---Which records come in: what has a document already is kept up to date, whatever becomes of it; not so levels.
---@field skip? table<string, { path: string, values: string|string[] }|fun(record: cartwright.Node): boolean?> by the rule's name

---How the cart's server is called.
---@class cartwright.Http
---@field base string the shop's address, to which paths of requests are added
---@field basic? { [1]: string|cartwright.Secret, [2]: string|cartwright.Secret } user and password
---@field digest? { [1]: string|cartwright.Secret, [2]: string|cartwright.Secret }
---@field bearer? string|cartwright.Secret
---@field token? cartwright.Token a token that the shop gives for credentials, sent as "Authorization: Bearer TOKEN"
---@field oauth1? { consumer_key: string|cartwright.Secret, consumer_secret: cartwright.Secret, token?: string|cartwright.Secret, token_secret?: cartwright.Secret, method?: "HMAC-SHA1"|"HMAC-SHA256" } RFC 5849, signed in the Authorization header; default HMAC-SHA256
---@field headers? table<string, string|cartwright.Secret> of every request
---@field query? table<string, string|integer|boolean|cartwright.Decimal|cartwright.Time|cartwright.Secret> of every request
---@field rate? string|number not more requests than that: "10/s", "100/m", "5000/h", or a number a second
---@field burst? integer so many at once before the rate applies, default 1
---@field timeout? number seconds for one attempt, default 300
---@field stall? number seconds (almost) without a byte until an attempt is given up, default 30
---@field connect? number seconds to connect, default 10
---@field attempts? integer of a request that may be repeated, default 5
---@field body_limit? integer bytes of an answer, default 64 MiB
---@field quota? cartwright.Quota where the shop tells its quota by headers of its own; Retry-After is always heeded

---A 429 with `reset` waits for that long, as with Retry-After: no attempt is used up. Where `left` is below `least`, no
---request of any kind leaves until then.
---@class cartwright.Quota
---@field reset string header: for how long to wait until the quota is there again
---@field unit? "s"|"ms" of it; default "s"
---@field left? string header: requests that are left until then
---@field least? integer with fewer left than that nothing goes until then

---A token is asked for (by POST) when there is none, when its time is nearly over (a tenth of it, a minute at most), and once
---when the shop answers 401, after which the request is sent once more; it is known to the runtime alone, remembered as a
---secret. Requests wait for it; asking for it is no write. Where the shop gives none, requests fail with the code "auth", and
---the connection test names the secret of `form` or `json`; where it does not answer, with "unavailable".
---@class cartwright.Token
---@field path string where to ask, as of cartwright.Request
---@field form? table as of cartwright.Request: { grant_type = "client_credentials", client_id = ..., client_secret = settings.secret }
---@field json? table
---@field at? string path of the token in the answer; default "access_token"; "." where the answer is the token
---@field lifetime? string|integer path of its seconds in the answer (default "expires_in"), or seconds
---@field header? string default "Authorization"
---@field prefix? string default "Bearer "

---@class cartwright.Request
---@field method? string default "GET"
---@field path? string below the cart's `base`, without ".."; or an absolute URL of an allowed host, which gets neither the credentials nor the headers and query of the cart's `http` unless it is the cart's own
---@field query? table<string, string|integer|boolean|cartwright.Decimal|cartwright.Time|cartwright.Secret> sent in the order of the keys' names; a key that the cart's `http` has too is sent with this value
---@field headers? table<string, string|cartwright.Secret>
---@field body? string
---@field form? table<string, string|integer|boolean|cartwright.Decimal|cartwright.Time|cartwright.Secret>|{ [1]: string, [2]: any }[] the body as application/x-www-form-urlencoded: in the order of the keys' names, or a list of pairs in its own order; secrets go in without the script seeing them
---@field json? table the body as JSON; values may be secrets
---@field reads? boolean a request that only reads, whatever its method: a query of GraphQL, a download by POST. It is repeated like GET, passes in a dry run and in probes, and does not count as a write; say so only of what changes nothing in the shop
---@field repeatable? boolean a write that does no harm when it arrives twice; GET and HEAD always are. While the cart is told something (types/out.lua) it says nothing: there every write goes out once
---@field timeout? integer seconds for one attempt, default 300
---@field body_limit? integer bytes, default 64 MiB

---Any answer of the shop, whatever its status. Suspends. Retries, rate limit and redirects happen inside.
---@param request cartwright.Request
---@return cartwright.Response? response
---@return string? message why there was no answer
---@return string? code "timeout", "io", "unavailable", "auth", "refused", "limit"
---@return string? setting to look at, where that is known
function Cart:request(request) end

---GET that must succeed: a status other than 2xx raises an error that says what it means, with the shop's own message
---where `explain` finds one.
---@param path string
---@param query? table
---@param options? cartwright.Request such as { method = "POST", json = { query = "..." }, reads = true }
---@return cartwright.Response
function Cart:get(path, query, options) end

---Several requests at once, as many as the cart's limits allow; answers in the order of the requests.
---@param requests cartwright.Request[]
---@return (cartwright.Response|nil)[] responses nil where there was no answer
---@return table<integer, string> messages for those
function Cart:all(requests) end

---Stores a page: raw, mapped, checked, applied, in one transaction with the cursor. Suspends. After it returns, the
---page is durable. Records whose bytes are known cost one look-up each.
---@param records cartwright.Records
---@param options? { position?: string, stream?: string } position: where to resume inside the window after this page;
---stream: needed in scripts of `cartwright exec` only, where no stream is being fetched
---@return cartwright.Counts
function Cart:emit(records, options) end

---In a stream's `ids` only: adds ids to those that the cart has in the window. The same one twice does no harm.
---@param ids (string|integer)[]
function Cart:list(ids) end

---@class cartwright.Counts
---@field read integer
---@field posted integer
---@field unchanged integer
---@field parked integer
---@field skipped integer

---What a script keeps between runs. Texts up to 1 MiB, at most 100 keys, none that begins with "cartwright.". Suspends.
---@param key string
---@return string?
function Cart:recall(key) end
---@param key string
---@param value string? nil forgets
function Cart:remember(key, value) end

---What a table makes of a text, as in mappings: by its exact row, then without case, then by the row "*". Tables are those
---of the script with the rows of `cartwright table` laid over them.
---@param table_name string
---@param text string|integer
---@return string? value nil where there is no row, and where the row is false
function Cart:translate(table_name, text) end
---The other way round, for what is sent to the cart: the row of the table NAME_out; where that has none, the one text
---whose row in NAME has this value. Raises when there are several: a row in NAME_out then says which.
---@param table_name string
---@param value string|integer|boolean
---@return string? text nil where there is none
function Cart:translate_back(table_name, value) end

---A text of 64 hex digits that nobody can guess who does not know `text`, and that is the same each time. A message's
---key, say, makes a password that the buyer has to replace.
---@param text string
---@return string
function Cart:digest(text) end

---@class cartwright.Response
---@field status integer
---@field address string "GET https://shop.example.com:443/api/orders": for messages; never with its query
local Response = {}
---@param name string without case; the first of that name
---@return string?
function Response:header(name) end
---The whole body as text; raises past 4 MiB: large answers go through records.
---@return string
function Response:text() end
---Up to so many bytes of the body, at most 65536, whatever its size: to see what it is.
---@param count integer
---@return string
function Response:beginning(count) end
---Leaves out so many bytes: the body is what stands behind them from now on. For what a shop prints before its data.
---@param count integer
function Response:skip(count) end
---@return any value as json.decode. Raises with the body's beginning when it is no JSON, and past 16 MiB.
function Response:json() end
---@return cartwright.Node root for reading a JSON body with paths. Raises like json.
function Response:json_node() end
---@return cartwright.Node root. Raises with the body's beginning when it is not well-formed XML, and past 16 MiB.
function Response:xml() end
---Splits the body into records without reading them. XML or JSON is recognised by the first byte. Raises, quoting the
---body's beginning, when the container is not there: an error page is never an empty list. The records take the body,
---whether or not they could be made: afterwards status, address and headers are left, and what was read before.
---@param path string record path: "orders/order", "orders", "."
---@param id? string path of the record's id; default "id"
---@return cartwright.Records
function Response:records(path, id) end
---Splits a table of text (CSV, TSV) into records: rows that follow each other and have the same text in the column `group`
---are one. A record is read as { row = { { ["Order ID"] = "7", ... }, ... } }: paths "row/Order ID", lines "row"; fields
---without a text are left out. Columns go by their heading, without blanks around it; of two alike the second is "NAME 2".
---What spreadsheets put around texts (="00123", '00123) is taken off. Its raw bytes are the heading's line and its rows as
---they came; a file in UTF-16 is converted first. Rows that cannot be read (a stray quote, more fields than headings, an id
---that became 1.23457E+11) are parked with their line: alone, unless they stand inside of a group. A file that ends inside of
---quotes, without a last line end, is not whole, and raises; so does one with rows of a group in two places.
---@param options cartwright.Rows
---@return cartwright.Records
function Response:rows(options) end
---The whole body as one record that is neither XML nor JSON (a mail, a page of text): `derive` makes of it what is mapped;
---its node has the bytes as record:bytes(), like those of all records.
---@param id string
---@return cartwright.Records
function Response:record(id) end

---@class cartwright.Rows
---@field group? string|string[] heading of the column with the record's id, or several of which one is there; without it each row is a record, and `id` says which
---@field id? string path of the record's id; default: "row/GROUP", the first of them
---@field delimiter? ","|";"|"\t"|"|" default: the one that the heading's line has most of
---@field quoted? boolean false: quotes are characters like any other (Amazon's reports); default true
---@field charset? string where there is no byte-order mark: "windows-1252", "ISO-8859-15", "cp932"; default UTF-8
---@field heading? string[]|integer the headings where the file has none; or in which line they are; default: the first line that is not blank and has a text in more than one field
---@field footer? string a row with this text in its first or second field ends the table

---Records of one answer, as ranges of its bytes.
---@class cartwright.Records
---@operator len: integer
local Records = {}
---Distinct texts at the paths over all records, in order of first appearance; without "" and "0".
---@param ... string
---@return string[]
function Records:collect(...) end
---Attaches to each record those of `others` that have at `there` a text which the record has at `here`; without paths
---all of them to every record. They are kept raw with it, are part of its hash, and are read with paths that begin
---with "$name"; `here` may do so too. What was attached does not change any more.
---@param name string
---@param others cartwright.Records
---@param here? string
---@param there? string
function Records:attach(name, others, here, there) end
---Adds the records of another answer behind these, with what was attached to them; format and encoding must be the
---same.
---@param others cartwright.Records
function Records:append(others) end
---Each record as a node, which is valid until the next one is asked for. Damaged records are left out: they are parked
---when the page is stored. So do collect and attach.
---@return fun(): cartwright.Node?
function Records:each() end
---Where the record alone does not show its id, as damaged ones do not, and those whose id stands in a part that is derived
---or attached: "damaged:" and a number that is the same for the same bytes. Likewise `collect` finds nothing of what is derived.
---@return string? id of the first and last record, as text
---@return string?
function Records:ends() end
---The same for the same ids in the same order: tells a page that comes again.
---@return string
function Records:fingerprint() end

---@class cartwright.Window
---@field from cartwright.Time? nil: everything the cart has
---@field to cartwright.Time fixed for the whole window
---@field position string? where an interrupted run resumes; nil = at the start
---@field by "changed"|"placed" which time of a record lies in the window. fetch gets "changed" only; ids gets "placed" too: when an order was placed, a customer or item made
---@field search "halve"|"step"|nil set while a record is searched that breaks the list. halve: a page that cannot be had ends the fetch, the runtime asks for less; step: such a page is read record by record, passing by the broken one. paging.walk does both.
local Window = {}

return Cart
