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
---`cartwright test --type TYPE` needs no site. The cart's settings are those that the fake names; its store, and all that it
---could tell anybody, are the trial's own. With `--recording DIR` (types of serve-replay) the tests that need no more than
---recorded answers are run against these.
---
---Keys are streams (customers, items, stock, shipments, stock_out, prices_out, shipments_out, statuses_out, customers_out,
---items_out), `webhook`, `ids`, and names of standard tests, which `cartwright test --list` tells.
local testing = { nothing = {} }

---A set of tests, in the order in which they are written down.
---@return table<string, fun(trial: testing.Trial)>
function testing.new() end

---A cart, its fake and an empty store. Everything happens in virtual time, when it is asked for.
---@class testing.Trial
---@field shop fake.Shop
---@field cart string its name
---@field declared { settings: table<string, table>, there: table<string, table>, lacks: table<string, string> } of its script
local Trial = {}
---Runs a stream once, as `cartwright sync CART STREAM` does; out-streams too. Raises when the run fails, unless `fails`.
---@param stream string
---@param options? { fails: boolean, dry_run: boolean }
---@return testing.Result
function Trial:sync(stream, options) end
---The same for "reconcile STREAM" and "refresh STREAM".
---@param job string
---@param options? { fails: boolean }
---@return testing.Result
function Trial:run(job, options) end

---@class testing.Result
---@field read integer
---@field posted integer
---@field unchanged integer
---@field parked integer
---@field skipped integer
---@field requests integer
---@field missing integer of a reconcile: records that the store lacked
---@field gone integer of a reconcile: records that the shop has no more
---@field steps integer of the process, for kill_after
---@field killed boolean
---@field error? string why it failed
---@field code? string
---The connection test.
---@return { passed: boolean, code?: string, error?: string, setting?: string, lines: string[] }
function Trial:test_connection() end
---@param kind string "order", "customer", "item", "stock_level", "shipment"
---@param id string the cart's
---@return table? document its fields, numbers and times as texts; nil when it is not there
function Trial:document(kind, id) end
---@param kind string
---@return string[] ids in their order
function Trial:documents(kind) end
---What waits: parked and held records.
---@return { stream: string, id: string, state: string, code: string, subject: string, field: string, message: string }[]
function Trial:waiting() end
---@return { id: integer, stream: string, about: string, state: string, attempts: string, error: string, answer: string }[]
function Trial:messages() end
---A SELECT on the store, as site.query; every value is a text.
---@param sql string
---@return table<string, string>[]
function Trial:query(sql, ...) end
---What the cart's script makes of the notices that the shop has sent since it was last asked.
---@return testing.Verdict[]
function Trial:hear() end
---The same of one notice, as it stands in shop.notices.
---@param notice { path?: string, headers: table<string, string>, body: string }
---@return testing.Verdict
function Trial:hear_one(notice) end

---@class testing.Verdict
---@field believed boolean
---@field ignored boolean
---@field reason string why not
---@field id string
---@field topic string
---@field job string which it wakes
---What a cart that is asked (types/served.lua) answers. Raises what its script raises.
---@param request { method?: string, path?: string, query?: string, headers?: table<string, string>, body?: string } method: POST unless said; path: behind the cart's name
---@return { status: integer, headers: table<string, string>, body: string }
function Trial:ask(request) end
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
---Of carts with an inbox: so many of its answers to "done" and "failed" get lost, after it was moved. What was delivered and
---taken stands in shop.done and shop.failed.
---@param count integer
function Trial:lose_finishes(count) end
---Other settings of the cart, and other words of it in site.lua (out, rules, switches), from the next call on;
---testing.nothing leaves one out. The cart is told all that its script can be told, without a brake.
---@param settings table<string, any>
function Trial:configure(settings) end
---Starts the process, as the next call would: raises what is wrong with the script and its settings.
function Trial:open() end

---Assertions. They say what was expected, what came, and at which line of the test.
---@param actual any
---@param expected any tables are compared by what `expected` has
---@param words? string
function Trial:equal(actual, expected, words) end
---@param value any
---@param words string
function Trial:ok(value, words) end

return testing
