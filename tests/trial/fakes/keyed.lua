---The shop of carts/keyed.lua is that of carts/tea.lua.
return require "fakes.tea"
