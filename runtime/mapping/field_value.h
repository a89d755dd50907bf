/* field_value.h - a text as the value of a field: read as its type, checked against its choices; for what
 * edits and rules set. */
#ifndef CW_MAPPING_FIELD_VALUE_H
#define CW_MAPPING_FIELD_VALUE_H

#include "mapping/convert.h"

enum cw_fit { CW_FITS, CW_FIT_INVALID, CW_FIT_OVERFLOW, CW_FIT_CHOICE };
enum { CW_FIT_WHY_MAX = 320 };

/* `field` is NULL for a custom field. Sets *out only when the text fits; a text is not copied. A field called
 * currency takes ISO 4217 codes. */
enum cw_fit cw_field_read(const struct cw_field *field, enum cw_type type, struct cw_slice text,
                          const struct cw_zone *zone, struct cw_value *out);

/* "is "paidd", which is none of: draft, pending" into out. */
const char *cw_field_why(const struct cw_field *field, enum cw_type type, enum cw_fit fault,
                         struct cw_slice text, const struct cw_zone *zone, char out[CW_FIT_WHY_MAX]);

/* The value of a document's field as it is stored: amounts with the digits of the document's currency. */
struct cw_slice cw_field_text(const struct cw_document *doc, enum cw_type type, const struct cw_value *value,
                              char scratch[CW_VALUE_TEXT_MAX]);

/* Digits of the currency that the document names; -1 = none, or none that is known. */
int cw_document_money_digits(const struct cw_document *doc);

#endif
