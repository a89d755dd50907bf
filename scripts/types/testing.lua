---@meta
error("types only; see scripts/cartwright/standard.lua and runtime/engine/trial.h")

---`cartwright test CART` runs the standard tests of scripts/cartwright/standard.lua for a cart against its fake
---(types/fake.lua), each with an empty store in virtual time, and then those of the site's tests/CART.lua, which are
---written alike:
---
---    local tests = require "cartwright.testing"
---    local set = tests.new()
---
---    function set.gift_notes_arrive(trial)
---      local id = trial.shop:place { number = "7", status = "paid", currency = "EUR", total = "5.00", note = "For Ann",
---        lines = { { sku = "A", name = "Tea", quantity = "1", unit_price = "5.00" } } }
---      trial:sync "orders"
---      trial:equal(trial:document("order", id).custom.gift_note, "For Ann")
---    end
---
---    return set
---
---What a cart cannot do it says in its script; a standard test that finds a stream or a function missing of which the
---script says nothing fails:
---
---    shop.lacks = { prices_out = "the shop has no call for it", ["currency-three-decimals"] = "it rounds to two" }
---
---Keys are streams (customers, items, stock, shipments, stock_out, prices_out, shipments_out, statuses_out, customers_out,
---items_out), `webhook`, `ids`, and names of standard tests, which `cartwright test --list` tells.
local testing = {}

---A cart, its fake and an empty store. Everything happens in virtual time, when it is asked for.
---@class testing.Trial
---@field shop fake.Shop
---@field cart string its name
local Trial = {}
---Runs a stream once, as `cartwright sync CART STREAM` does; out-streams too. Raises when the run fails, unless `fails`.
---@param stream string
---@param options? { fails: boolean }
---@return { read: integer, posted: integer, unchanged: integer, parked: integer, skipped: integer, error?: string, code?: string }
function Trial:sync(stream, options) end
---The same for "reconcile STREAM" and "refresh STREAM".
---@param job string
function Trial:run(job) end
---The connection test.
---@return { passed: boolean, code?: string, setting?: string, lines: string[] }
function Trial:test_connection() end
---@param kind string "order", "customer", "item", "stock_level", "shipment"
---@param id string the cart's
---@return table? document its fields, numbers and times as texts; nil when it is not there
function Trial:document(kind, id) end
---@param kind string
---@return string[] ids in their order
function Trial:documents(kind) end
---What waits: parked and held records.
---@return { stream: string, id: string, state: string, code: string, message: string }[]
function Trial:waiting() end
---@return { id: integer, stream: string, about: string, state: string, error?: string }[]
function Trial:messages() end
---What the back office says, as site.put.
---@param put site.Put
function Trial:put(put) end
---As `cartwright table set`.
---@param table_name string
---@param key string
---@param value string
function Trial:set_row(table_name, key, value) end
---Lets go what the brake stopped, as `cartwright start`.
---@param stream string
function Trial:start(stream) end
---As `edit`.
function Trial:edit(kind, id, set) end
---Time passes.
---@param seconds integer
function Trial:wait(seconds) end
---The process is killed after so many of its steps from now on, in whatever it does then; what was not committed is lost,
---the shop goes on. The next call of the trial starts it anew.
---@param steps integer
function Trial:kill_after(steps) end
---Other settings of the cart, and other words in site.lua, from the next call on.
---@param settings table<string, any>
function Trial:configure(settings) end

---Assertions. They say what was expected, what came, and at which line of the test.
---@param actual any
---@param expected any tables are compared by what `expected` has
---@param words? string
function Trial:equal(actual, expected, words) end
---@param value any
---@param words string
function Trial:ok(value, words) end

return testing
