---@meta
error("types only; the functions are in runtime/bindings/lua_site.c")

---`require "cartwright.site"`: for scripts run with `cartwright exec`.
local site = {}

---Arguments after the script's name.
---@type string[]
site.args = {}
---True under --dry-run: nothing is written, requests that write are refused.
---@type boolean
site.dry_run = false

---A cart of the site, ready to use: settings, HTTP, mappings.
---@param name string
---@return cartwright.Cart
function site.cart(name) end

---A file that was named on the command line (others are refused), as an answer to split or read.
---@param path string
---@return cartwright.Response
function site.file(path) end

---Reads the store by SQL; one SELECT; values arrive as text, NULL as nil.
---@param sql string with $1, $2 ...
---@param ... string|integer|cartwright.Decimal|cartwright.Time
---@return fun(): table<string, string>?
function site.query(sql, ...) end

---Changes a document in the store, as `cartwright edit` does: validated, audited, all of it or nothing. The edit stays
---whatever the cart says later. Raises what is wrong.
---@param change { cart: string, kind: "order"|"customer"|"item"|"stock_level"|"shipment", id: string, set?: table<string, string|integer|boolean|cartwright.Decimal|cartwright.Time>, clear?: string[], undo?: string[], reason: string } `id`: the cart's; `clear` leaves fields without a value, `undo` goes back to what the cart says
function site.edit(change) end

---What the back office says: levels, purchase orders, items, prices and so on, which carts are then told. See site.Put in
---types/out.lua.
---@param put site.Put
function site.put(put) end

---Shown on a terminal while the script runs.
---@param done integer
---@param total? integer
function site.progress(done, total) end

return site
