---Signs and codes of currencies beside the amounts of mails. An amount in another currency than its order's is none of it.
local money = {}

---What a sign can stand for; of several that begin alike the longest one counts.
local SIGNS = {
  { "US$", "USD" }, { "CA$", "CAD" }, { "AU$", "AUD" }, { "NZ$", "NZD" }, { "HK$", "HKD" }, { "R$", "BRL" },
  { "$", "USD CAD AUD NZD SGD HKD MXN TWD ARS CLP COP" }, { "€", "EUR" }, { "£", "GBP EGP" }, { "¥", "JPY CNY" },
  { "￥", "JPY CNY" }, { "円", "JPY" }, { "元", "CNY TWD" }, { "₹", "INR" }, { "₽", "RUB" }, { "₩", "KRW" }, { "₺", "TRY" },
  { "₴", "UAH" }, { "₪", "ILS" }, { "₫", "VND" }, { "฿", "THB" }, { "₱", "PHP" }, { "zł", "PLN" }, { "Kč", "CZK" },
  { "د.ك", "KWD" }, { "﷼", "SAR IRR YER OMR QAR" },
}

local CODES = {}
for code in ("AED ARS AUD BGN BHD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR IRR ISK JOD JPY KRW KWD "
  .. "MAD MXN MYR NOK NZD OMR PEN PHP PLN QAR RON RSD RUB SAR SEK SGD THB TND TRY TWD UAH USD VND YER ZAR"):gmatch "%u+" do
  CODES[code] = true
end

---@return string? of one or several codes, for one of which the sign stands
---@return string? sign
local function sign_in(text)
  for _, sign in ipairs(SIGNS) do
    if text:find(sign[1], 1, true) then return sign[2], sign[1] end
  end
end

---The sign or code of another currency that stands in an amount's text; nil where there is none.
---@param text string
---@param currency string ISO 4217
---@return string?
function money.other(text, currency)
  local codes, sign = sign_in(text)
  if codes and not codes:find(currency, 1, true) then return sign end
  for code in text:upper():gmatch "%f[%a]%u+%f[%A]" do
    code = code == "EURO" and "EUR" or code
    if CODES[code] and code ~= currency then return code end
  end
end

return money
