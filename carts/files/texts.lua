---What formats of files share: amounts, dates and sums as people and their programs write them.
local decimal = require "cartwright.decimal"

local texts = {}

local CURRENCIES = { ["AU$"] = "AUD", ["A$"] = "AUD", ["C$"] = "CAD", ["CA$"] = "CAD", ["US$"] = "USD", ["$"] = "USD",
  ["€"] = "EUR", ["£"] = "GBP", ["¥"] = "JPY", ["NZ$"] = "NZD", ["HK$"] = "HKD", ["zł"] = "PLN", ["CHF"] = "CHF" }

local BLANKS = { "\u{A0}", "\u{202F}", "\u{2009}", "%s" } -- no-break, narrow and thin spaces too

local function squeeze(text)
  for _, blank in ipairs(BLANKS) do text = text:gsub(blank, "") end
  return text
end

---The digits of a number, where there is one way to read them: "3,000.00", "1.234,50", "1'234.50", "90,00", "1.0000".
---@param number string
---@return string? plain nil: it can be read in two ways, or in none
local function plain_number(number)
  if number:find "^%d+$" then return number end
  local whole, digits = number:match "^(%d+)[.,](%d+)$"
  if whole then return (#digits ~= 3 or whole == "0") and whole .. "." .. digits or nil end
  local groups, mark, last = number:match "^(.*%d)([.,])(%d%d?)$"
  groups = groups or number
  local between = groups:match "^%d%d?%d?([.,'])%d%d%d"
  if not between or between == mark then return nil end
  for group in (groups .. between):gmatch("(.-)%" .. between) do
    if not group:find "^%d+$" then return nil end
  end
  if not groups:find("^%d%d?%d?%" .. between .. "%d%d%d") or #groups:gsub("^%d+", "") % 4 ~= 0 then return nil end
  return groups:gsub("%" .. between, "") .. (last and "." .. last or "")
end

---"AU $3,000.00", "EUR 90,00", "1 234,50 €", "-$5.00". What could be read in two ways ("1,234") is an error, and so are
---letters that are no currency.
---@param text string?
---@return cartwright.Decimal? amount nil where there is no text
---@return string? currency ISO 4217, where the text names one
function texts.money(text)
  if not text or text == "" then return nil end
  local before, number, behind = squeeze(text):gsub("\u{2212}", "-"):match "^(%D-)(%d[%d.,']*)(%D*)$"
  local plain = number and plain_number(number)
  if not plain then error(("%q is no amount, or could be read in two ways"):format(text), 0) end
  local sign, rest = "", before
  if before:find("-", 1, true) then sign, rest = "-", before:gsub("%-", "", 1) end
  local mark = rest .. behind
  local currency = CURRENCIES[mark] or mark:match "^%u%u%u$"
  if mark ~= "" and not currency then error(("%q: %s is no currency that is known here"):format(text, mark), 0) end
  return decimal.new(sign .. plain), currency
end

---Pieces: a number without a currency.
---@param text string?
---@return cartwright.Decimal?
function texts.quantity(text)
  local quantity, currency = texts.money(text)
  if currency then error(("%q is no quantity"):format(text), 0) end
  return quantity
end

local MONTHS = {}
for number, names in ipairs {
  "jan janv januar gen ene", "feb fév févr febr februar", "mar mars mär märz", "apr avr april", "may mai mag",
  "jun juin juni giu", "jul juil juli lug", "aug août ago", "sep sept set", "oct okt ott", "nov", "dec déc dez dic",
} do
  for name in names:gmatch "%S+" do MONTHS[name] = number end
end

---"26-May-26", "Oct-05-26", "05-oct.-26": the month is the part with letters, the year comes last.
---@param text string?
---@return string? date "2026-05-26"
function texts.date(text)
  if not text or text == "" then return nil end
  local first, second, year = text:match "^(.-)[- ](.-)[- ](%d+)$"
  local day = tonumber(first) and first or second
  local name = (day == first and second or first or ""):lower():gsub("%.$", "")
  local month = MONTHS[name]
  if not month or not tonumber(day) then error(("%q is no date such as 26-May-26"):format(text), 0) end
  return ("%04d-%02d-%02d"):format(#year == 2 and 2000 + tonumber(year) or tonumber(year), month, tonumber(day))
end

---@param a cartwright.Decimal?
---@param b cartwright.Decimal?
---@return cartwright.Decimal?
function texts.larger(a, b)
  if not a or not b then return a or b end
  return a:compare(b) >= 0 and a or b
end

---@return cartwright.Decimal
function texts.zero() return decimal.new(0) end

---Codes of countries, and names as English-speaking marketplaces write them. Others: cartwright table set CART country
---NAME CODE.
texts.COUNTRIES = { ["Australia"] = "AU", ["Austria"] = "AT", ["Belgium"] = "BE", ["Canada"] = "CA", ["Denmark"] = "DK",
  ["Finland"] = "FI", ["France"] = "FR", ["Germany"] = "DE", ["Ireland"] = "IE", ["Italy"] = "IT", ["Japan"] = "JP",
  ["Netherlands"] = "NL", ["The Netherlands"] = "NL", ["New Zealand"] = "NZ", ["Norway"] = "NO", ["Poland"] = "PL",
  ["Portugal"] = "PT", ["Spain"] = "ES", ["Sweden"] = "SE", ["Switzerland"] = "CH", ["United Kingdom"] = "GB",
  ["United States"] = "US" }

local CODES = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV "
  .. "BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES "
  .. "ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE "
  .. "IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY "
  .. "MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU "
  .. "NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM "
  .. "SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE "
  .. "VG VI VN VU WF WS YE YT ZA ZM ZW"
for code in CODES:gmatch "%u%u" do texts.COUNTRIES[code] = code end

return texts
