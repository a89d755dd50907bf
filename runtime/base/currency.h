/* currency.h - ISO 4217 codes and the digits of their smallest unit (list of 2024, active codes). */
#ifndef CW_BASE_CURRENCY_H
#define CW_BASE_CURRENCY_H

#include "base/slice.h"

/* Digits of the smallest unit: 2 for EUR, 0 for JPY, 3 for KWD. -1 for a code that is not in the list. */
int cw_currency_digits(struct cw_slice code);

#endif
