---@meta
error("types only; see scripts/cartwright/inbox.lua and runtime/adapters/inbox.h")

---Carts that are no servers: mailboxes, folders, notices of shops that only push. What comes there is taken whole, stored,
---and only then moved away or removed, so that a crash at any moment loses nothing and doubles nothing.
---
---    local shop = cart.new {
---      title = "Orders by file",
---      settings = { folder = cart.drop { required = true, help = "where the shop puts its files" } },
---      inbox = function(settings) return { folder = settings.folder } end,
---    }
---
---    shop.orders = {
---      fetch = function(self)
---        for entry in self:inbox():each() do
---          self:emit(entry:read():records "orders/order")
---          entry:done()
---        end
---      end,
---      map = ...
---    }
---
---An inbox that can be watched (a folder of this machine, notices) wakes the streams of its cart by itself.

---@class cartwright.Shop
---@field inbox? fun(settings: table<string, any>): cartwright.InboxPlace

---One of folder, imap, pop3 and notices.
---@class cartwright.InboxPlace
---A folder of this machine (a setting of kind cart.drop), or of a server (cart.folder, with the fields of
---cartwright.Folder besides). A file is taken when it has not changed for `rest` and nobody has it open for writing; links,
---folders, and names that begin with a dot or end in .tmp, .part, .filepart or .crdownload are left alone. It is claimed by
---a rename into `work/`, and what a crash left there is taken up again.
---@field folder? string
---@field rest? string how long a file must have been left alone: "5s"
---@field trigger? string only files beside which one of this extension lies: ".ok" of "a.xml" is "a.xml.ok" or "a.ok"; it is removed when the file is claimed
---@field pattern? string "*.xml", of names, with * and ?
---Where files and mails go: the folder's name beside them, or the mailbox'; "" removes them. Default "done" and "failed".
---A name that is there already gets a number: "orders.2.xml".
---@field done? string
---@field failed? string
---@field imap? string a setting of kind cart.mailbox: "imaps://mail.example.com/INBOX", or imap:// with STARTTLS
---@field pop3? string "pop3s://mail.example.com", or pop3:// with STLS: `done` removes, `failed` leaves, since POP3 has no folders
---@field user? string|cartwright.Secret
---@field password? cartwright.Secret
---@field key? cartwright.Secret
---@field host_key? string
---@field ca? string
---@field notices? boolean the bodies of notices that the cart's webhook believed

---@class cartwright.Cart
---The cart's inbox, listed when it is first asked for entries.
---@return cartwright.Inbox
function Cart:inbox() end

---@class cartwright.Inbox
local Inbox = {}
---What lies there now, oldest first; each is read when it is asked for. A mailbox is listed 10,000 mails at a time, as far
---as it goes.
---@return fun(): cartwright.Entry?
function Inbox:each() end
---A note of the run.
---@param words string
function Inbox:note(words) end

---@class cartwright.Entry
---@field name string the same as long as it lies there: "orders-17.xml", "1431/2002" (UIDVALIDITY/UID), an UIDL
---@field size integer bytes
---@field at? cartwright.Time of its last change; of a mail when the server got it
---@field topic? string of a notice: what cart:webhook said
local Entry = {}
---Takes it, and gives its bytes as an answer: records, rows, record, xml, json, text. Suspends. Raises "not-found" where
---somebody else took it meanwhile.
---@return cartwright.Response
function Entry:read() end
---Its bytes were stored: moves or removes it. Raises when they were not: no records of it were emitted since it was read.
---In a dry run nothing is moved. Suspends.
function Entry:done() end
---It is none of ours, or not to be read at all: moved to `failed`, with a note of the run. What was emitted of it stays.
---@param words string why
function Entry:failed(words) end
---Left where it is, or back there when it was read, and passed by: it is listed again next time. A note says why, the
---first time. Suspends.
---@param words string
function Entry:leave(words) end

return Inbox
