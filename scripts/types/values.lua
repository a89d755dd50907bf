---@meta
error("types only; the functions are in runtime/bindings/lua_decimal.c, lua_time.c and lua_secret.c")

---An exact decimal number. Immutable. `+ - *`, unary minus and comparison are exact (1.5 equals 1.50) and take
---decimals and integers; a Lua float on either side raises an error, because it is not exact. `tostring` gives plain
---notation with the scale as written, and `..` joins it to texts. Overflow (38 digits) raises an error.
---
---Beware: `==` compares two decimals. Between a decimal and an integer Lua itself answers false without asking; write
---`amount:is_zero()` or `amount:compare(5) == 0`. As keys of a table two equal decimals are two keys; use tostring.
---@class cartwright.Decimal
---@operator add(cartwright.Decimal|integer): cartwright.Decimal
---@operator sub(cartwright.Decimal|integer): cartwright.Decimal
---@operator mul(cartwright.Decimal|integer): cartwright.Decimal
---@operator unm: cartwright.Decimal
local Decimal = {}

---@alias cartwright.Rounding "up"|"down"|"ceiling"|"floor"|"half-up"|"half-down"|"half-even"

---The same value with exactly `scale` digits after the point.
---@param scale integer 0 to 38
---@param rounding? cartwright.Rounding default "half-up"
---@return cartwright.Decimal
function Decimal:round(scale, rounding) end

---The quotient with exactly `scale` digits after the point. Raises when `divisor` is zero.
---@param divisor cartwright.Decimal|integer
---@param scale integer
---@param rounding? cartwright.Rounding default "half-up"
---@return cartwright.Decimal
function Decimal:divide(divisor, scale, rounding) end

---@return integer? value nil when there is a fraction or it does not fit
function Decimal:integer() end

---@return boolean
function Decimal:is_zero() end

---@param other cartwright.Decimal|integer
---@return integer order -1, 0 or 1
function Decimal:compare(other) end

---`require "cartwright.decimal"`
local decimal = {}

---From text as carts write it (blanks around it do not matter), or from an integer. Raises for a float: write "19.99",
---not 19.99.
---@param value string|integer|cartwright.Decimal
---@param format? string 1234.56 as the shop writes it: "1.234,56", "1,234.56", "1 234,56", "1'234.56", "1234,56"
---@return cartwright.Decimal? value
---@return string? message why it is no decimal
---@return string? code "invalid" or "overflow"
function decimal.new(value, format) end

---@param value any
---@return boolean
function decimal.is(value) end

---An instant, UTC, microseconds, in the years 1 to 9999. Immutable; `==`, `<`, `<=` compare; `time - time` is a number
---of seconds as decimal; `tostring` is ISO 8601 in UTC, and `..` joins it to texts.
---@class cartwright.Time
---@operator sub(cartwright.Time): cartwright.Decimal
local Time = {}

---Raises for an unknown letter or zone, and past 511 bytes.
---@param format string strftime: %Y %m %d %H %M %S %a %b %z %Z %j %f %s %%
---@param zone? string IANA name or "+02:00"; default "UTC"
---@return string
function Time:format(format, zone) end

---@param seconds integer may be negative
---@return cartwright.Time
function Time:add(seconds) end

---`require "cartwright.time"`
local time = {}

---@return cartwright.Time now of the run's clock
function time.now() end

---@param text string ISO 8601, "2024-03-31 02:30:00", a date alone, or an RFC 2822 date
---@param zone? string needed where the text has no offset
---@param format? string "%d.%m.%Y %H:%M", with %Y %m %d %H %M %S %y %I %p %b %f %z, or %s and %Q for seconds and milliseconds since 1970
---@return cartwright.Time? value
---@return string? message also for an unknown zone
---@return string? code
function time.parse(text, zone, format) end

---Suspends the cart.
---@param seconds number|cartwright.Decimal 0 to 86400
function time.sleep(seconds) end

---A secret setting. It has no text: it can only be handed to `http` (basic, bearer, digest, token, oauth1, a header or a
---query parameter) and to requests (a header, a query parameter, a value of `form` or `json`). `tostring` gives "secret(NAME)"; joining it to a text, encoding or writing it raises an error.
---@class cartwright.Secret

---What the functions of the runtime raise for failures that a script may want to tell apart (pcall gives it). Wrong
---use, such as a missing argument, raises a text as everywhere in Lua. `tostring` gives place and message.
---@class cartwright.Error
---@field code string "invalid", "overflow", "limit", "usage", "refused", "not-found", ...
---@field message string
---@field where string "carts/x.lua:41": the script's line, or ""
---@field record? string
---@field field? string
---@field path? string

return { decimal = decimal, time = time }
