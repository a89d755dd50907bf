---A cart that is told its stock by files on a server. See "Batches as files" in README.md.
local cart = require "cartwright.cart"
local csv = require "cartwright.csv"

local shop = cart.new {
  title = "Wholesaler that reads files",
  settings = {
    folder = cart.folder { required = true, help = "where files are put; beside it the folder done, where they go when read" },
    user = cart.text { required = true },
    password = cart.secret { required = true },
    ca = cart.text { help = "certificates to trust, where the server has its own; default: the system's" },
  },
}

local function at(self, path)
  local settings = self.settings
  return { url = settings.folder:gsub("/*$", "/") .. path, user = settings.user, password = settings.password, ca = settings.ca }
end

shop.stock_out = {
  send_batch = function(self, messages)
    local rows = { { "sku", "quantity" } }
    for _, message in ipairs(messages) do rows[#rows + 1] = { message.data.sku, message.data.quantity } end
    local file = at(self, "")
    file.name, file.body = messages[1].call .. ".csv", csv.encode(rows)
    local answer = self:upload(file)
    for _, message in ipairs(messages) do message:sent(answer) end
  end,

  probe = function(self, messages)
    local there = {}
    for _, path in ipairs { "", "done/" } do
      for _, name in ipairs(self:files(at(self, path))) do there[name] = true end
    end
    for _, message in ipairs(messages) do
      local name = message.call .. ".csv"
      if there[name] then message:arrived(name .. " is there") else message:missing(name .. " is not there") end
    end
  end,
}

return shop
