/* field_value.c - see field_value.h. */
#include "mapping/field_value.h"

#include <stdio.h>

#include "base/currency.h"
#include "mapping/running.h"

static bool is_currency(const struct cw_field *field)
{
    return field != NULL && strcmp(field->name, "currency") == 0;
}

static bool is_choice(const struct cw_field *field, struct cw_slice text)
{
    if (field == NULL || field->choices == NULL)
        return true;
    for (size_t i = 0; field->choices[i] != NULL; i++)
        if (cw_slice_is(text, field->choices[i]))
            return true;
    return false;
}

enum cw_fit cw_field_read(const struct cw_field *field, enum cw_type type, struct cw_slice text,
                          const struct cw_zone *zone, struct cw_value *out)
{
    struct cw_value value = { .is_set = false };
    if (!is_choice(field, text))
        return CW_FIT_CHOICE;
    if (is_currency(field) && cw_currency_digits(text) < 0)
        return CW_FIT_INVALID;
    enum cw_conversion result = cw_convert(type, text, zone, &value);
    if (result != CW_CONVERTED)
        return result == CW_CONVERT_OVERFLOW ? CW_FIT_OVERFLOW : CW_FIT_INVALID;
    *out = value;
    return CW_FITS;
}

static void list_choices(const struct cw_field *field, char *out, size_t cap)
{
    size_t len = 0;
    for (size_t i = 0; field->choices[i] != NULL && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i > 0 ? ", " : "", field->choices[i]);
}

const char *cw_field_why(const struct cw_field *field, enum cw_type type, enum cw_fit fault,
                         struct cw_slice text, const struct cw_zone *zone, char out[CW_FIT_WHY_MAX])
{
    char quoted[CW_QUOTE_MAX], choices[CW_FIT_WHY_MAX - CW_QUOTE_MAX - 32] = "";
    enum cw_conversion conversion = fault == CW_FIT_OVERFLOW ? CW_CONVERT_OVERFLOW : CW_CONVERT_INVALID;
    const char *why =
        is_currency(field) ? "is no ISO 4217 code such as EUR" : cw_convert_why(type, conversion, zone);
    if (fault == CW_FIT_CHOICE) {
        list_choices(field, choices, sizeof choices);
        why = "is none of: ";
    }
    snprintf(out, CW_FIT_WHY_MAX, "is \"%s\", which %s%s", cw_quote(text, quoted), why, choices);
    return out;
}

int cw_document_money_digits(const struct cw_document *doc)
{
    const struct cw_value *currency = cw_document_get(doc, "currency");
    return currency != NULL && currency->is_set ? cw_currency_digits(currency->text) : -1;
}

struct cw_slice cw_field_text(const struct cw_document *doc, enum cw_type type, const struct cw_value *value,
                              char scratch[CW_VALUE_TEXT_MAX])
{
    return cw_value_text(type, value, type == CW_MONEY ? cw_document_money_digits(doc) : -1, scratch);
}
