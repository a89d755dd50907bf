---What became of customers of PrestaShop that were taken in. Run by tests/system/kept-up-to-date.
local tests = require "cartwright.testing"
local set = tests.new()

local function remove(trial, id)
  for _, customer in pairs(trial.shop.tables.customers) do
    if tostring(customer.id) == id then
      customer.deleted, customer.date_upd = "1", trial.shop:now():format "%Y-%m-%d %H:%M:%S"
    end
  end
end

function set.a_customer_who_was_deleted_is_not_active(trial)
  local id = trial.shop:register { email = "ann@example.com", first_name = "Ann", last_name = "Lee" }
  trial:wait(60)
  trial:sync "customers"
  trial:equal(trial:document("customer", id).active, true, "active")
  trial:wait(600)
  remove(trial, id)
  trial:wait(60)
  trial:sync "customers"
  trial:equal(trial:document("customer", id).active, false, "active")
end

function set.a_customer_who_was_deleted_before_is_not_taken_in(trial)
  local id = trial.shop:register { email = "ann@example.com", first_name = "Ann", last_name = "Lee" }
  remove(trial, id)
  trial:wait(60)
  trial:equal(trial:sync("customers").skipped, 1, "customers that were skipped")
end

return set
