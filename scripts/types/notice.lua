---@meta
error("types only; see scripts/cartwright/notice.lua and runtime/bindings/lua_notice.c")

---Webhooks. A cart whose script has a function `webhook`, and whose secret `webhook_secret` is set, takes notices at
---`POST /webhooks/CART`, and below that address. What was sent is believed or not by that function, stored byte for byte,
---answered, and then only wakes the cart's jobs: what is in a shop is always read from the shop, so a notice that was
---lost, doubled, delayed or overtaken does no harm.
---
---    function shop:webhook(notice)
---      if not self:signed { secret = "webhook_secret", encoding = "base64",
---          signature = notice:header "X-Shop-Signature" } then
---        return nil, "the signature is not right"
---      end
---      return { topic = notice:header "X-Shop-Topic", job = "orders" }
---    end
---
---It runs under the usual limits, one notice of a cart after another, for at most 10 s, and may not ask the shop, which
---waits for its answer.
---@class cartwright.Shop
---Whether a notice is believed; nil and a reason where it is not (so is an error that it raises). The reason is logged,
---the shop gets 401.
---@field webhook? fun(self: cartwright.Listener, notice: cartwright.Notice): cartwright.Heard?, string?
---The name of the secret setting without which the cart takes no notices; default "webhook_secret".
---@field webhook_secret? string

---What a notice is, once it is believed.
---@class cartwright.Heard
---@field id? string of the delivery: what comes again under it within the time notices are kept is answered 200 and does nothing more. Only one that is signed itself, or whoever caught a notice sends it again under another; default: a hash of what was signed
---@field topic? string "order.updated": for the log and the store
---@field job? string the job it wakes, such as "orders"; default: all of the cart
---@field at? cartwright.Time the notice's own time, where it is signed: refused when more than 5 minutes from ours
---@field ignore? boolean nothing to do: it is answered 200, and neither stored nor does it wake anything

---A notice as it came. Whoever knows the address can send one.
---@class cartwright.Notice
---@field method string "POST"
---@field path string behind the cart's name: "" or "/orders/new", as it was sent
---@field query string behind the "?", as it was sent
---@field body string its exact bytes
---@field received_at cartwright.Time
---@field headers table<string, string> by names in lower case; of several the first
local Notice = {}
---@param name string without case
---@return string?
function Notice:header(name) end
---A parameter of the address, unescaped; the first of that name.
---@param name string
---@return string?
function Notice:param(name) end

---`self` in webhook: the cart, without its ways to the shop.
---@class cartwright.Listener: cartwright.Cart
---@field notice cartwright.Notice
local Listener = {}

---Whether `signature` is the HMAC of the notice's exact bytes. Compared in constant time; false for none. Raises for
---unknown options, and for a secret that is not set. A notice may have at most 16 signatures tried.
---
---Schemes that sign more than the body give `text`, and check that they know what they put into it:
---
---    local time_sent, v1 = notice:header("Shop-Signature"):match "^t=(%d+),v1=(%x+)$"
---    local is_signed = time_sent and self:signed { secret = "webhook_secret", signature = v1,
---      text = time_sent .. "." .. notice.body }
---    if not is_signed then return nil, "the signature is not right" end
---    return { at = time.parse(time_sent, "UTC", "%s") }
---@param options { secret: string, signature: string?, algorithm?: "sha256"|"sha512"|"sha1", encoding?: "hex"|"base64", prefix?: string, text?: string }
---secret: the setting's name; algorithm: default "sha256"; encoding: default "hex"; prefix: what stands before the
---signature, such as "sha256="; text: what was signed, default the body
---@return boolean
function Listener:signed(options) end

---Whether a text is the secret: for shops that sign nothing and send a password along. In constant time; false for nil.
---@param options { secret: string, value: string? }
---@return boolean
function Listener:secret_equals(options) end
