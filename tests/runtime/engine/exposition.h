/* exposition.h - reads the text format of Prometheus (version 0.0.4) as strictly as its grammar is written,
 * and what tools expect besides: every family with HELP and TYPE before its samples and in one piece, no
 * series twice, counters that end in _total, histograms whose buckets add up. */
#ifndef CW_TESTS_EXPOSITION_H
#define CW_TESTS_EXPOSITION_H

#include "testing.h"

enum { EXPOSITION_WHY_MAX = 400 };

/* False with the number of the line and what is wrong with it. */
bool exposition_check(struct cw_slice text, char why[EXPOSITION_WHY_MAX]);

/* The value of a series as it is written, such as `up{job="x"}`; NaN when there is none. */
double exposition_value(struct cw_slice text, const char *series);

#endif
