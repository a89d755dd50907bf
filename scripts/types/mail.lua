---@meta
error("types only; see scripts/cartwright/mail.lua and runtime/bindings/lua_mail.c")

---`require "cartwright.mail"`: mails, and the orders that forms and shops write into them.
local mail = {}

---@class mail.Address
---@field name string "" where there is none
---@field address string

---@class mail.Attachment
---@field name string without folders; "" where there is none
---@field type string "text/xml", lower case, as the mail says it; many say application/octet-stream
---@field charset? string as the mail says it
---@field body string its bytes, decoded; of message/rfc822 the mail inside

---What had to be guessed stands in `notes`. A mail that was cut off is `damaged`: half an order is worse than none.
---@class mail.Mail
---@field subject string decoded; "" where there is none
---@field from mail.Address the first one
---@field to mail.Address
---@field date? cartwright.Time
---@field message_id? string without < and >
---@field kind "mail"|"bounce"|"auto-reply"|"bulk"|"generated"
---@field text? string the plain form of its text, in UTF-8; format=flowed is joined, files in uuencode are attachments
---@field html? string the HTML form of the same text
---@field headers table<string, string> by their names in lower case; of several the first
---@field attachments mail.Attachment[]
---@field notes string[]
---@field damaged boolean
---@field encrypted boolean
---@field tnef boolean it has a winmail.dat, whose attachments only Outlook reads: they are left unread
---@field digest string of the bytes without what servers on the way add: the same when it is delivered again

---@param value string|cartwright.Response|cartwright.Node the mail's bytes; at most 16 MiB
---@param charset? string of texts that do not say theirs, and are no UTF-8; default "windows-1252"
---@return mail.Mail? mail
---@return string? message
---@return string? code "limit", "invalid"
function mail.parse(value, charset) end

---64 hex digits that are the same for the same text.
---@param text string
---@return string
function mail.digest(text) end

---The same bytes as an answer of their own, to make records of: an attachment, say.
---@param value string|cartwright.Response|cartwright.Node
---@param name? string for messages
---@return cartwright.Response
function mail.answer(value, name) end

---`Field: value` or `Field = value`, a line each. With names only these begin a field, else all that look like it.
---@class mail.Form
---@field names? table<string, string|string[]> what the form calls its fields; compared without case, `_` and `-` as blanks, without a number at the end ("sku_1") or in brackets ("item[0][sku]" is "item[][sku]")
---@field texts? string[] fields whose values go over several lines and paragraphs, up to the next field
---@field first? string|string[] of these fields the one that an order has first begins another order when it comes again
---@field separator? string a line that begins so begins another order

---One order of a mail: its fields by folded name, and all of them in their order.
---@class mail.Fields
---@field fields { name: string, value: string, index?: integer }[]
---@field [string] string

---@param text string
---@param form? mail.Form
---@return mail.Fields[] orders
---@return string rest lines that belong to no field
function mail.fields(text, form) end

---The first of the names that has a value.
---@param order mail.Fields
---@param names string|string[]
---@return string?
function mail.field(order, names) end

---All values that the names have, each once, in the order of the text: two where a field stands twice.
---@param order mail.Fields
---@param names string|string[]|nil
---@return string[]
function mail.values(order, names) end

---Repeated fields as groups, by their number: { { sku = "A", quantity = "1" }, ... }. Raises where one of a number stands
---twice with different values.
---@param order mail.Fields
---@param names table<string, string|string[]> sku = { "sku", "Artikelnummer" }
---@return table<string, string>[]
function mail.groups(order, names) end

---A name as names are compared.
---@param name string
---@return string
function mail.fold(name) end

---What a person sees of HTML, and its tables: rows of cells, entities decoded once, <br> as line breaks. A cell over
---several columns stands in the first of them, the others are "".
---@param html string
---@return string text
---@return string[][][] tables
function mail.html(html) end

---The rows below the heading that has all these columns, of the first table that has one; each with its cells
---besides. Without columns all tables.
---@param html string
---@param columns? table<string, string|string[]> words of the headings: { name = { "Product", "Artikel" }, quantity = "Quantity" }
---@return table[]
function mail.tables(html, columns) end

---The last cell of the row that begins with one of these words: "Total:".
---@param rows table[] of mail.tables
---@param words string|string[]
---@return string?
function mail.sum(rows, words) end

---The first number of a text, whatever stands around it: "EUR 1.234,50", "1,080円", "٤٫١٢٥". Never guessed: `format`
---says how the site writes numbers.
---@param text string
---@param format? string 1234.56 as it is written: "1.234,56"; default "1234.56"
---@return cartwright.Decimal?
---@return string? message
function mail.amount(text, format) end

---A text that was forwarded: what stands behind "Original Message", without one level of "> ".
---@param text string
---@return string
function mail.unquote(text) end

---Whether a subject or an address is one of these, with * for anything; case and blanks do not count.
---@param text string
---@param patterns string|string[]
---@return boolean
function mail.matches(text, patterns) end

return mail
