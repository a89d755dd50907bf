---Orders as UBL, attached to mails.
local shop = require("shipped.mail"):extend()
shop:reads_files(require "carts.files.ubl", "*.xml")
return shop
