/* http_retry.h - which answers are worth another try, and after how long. Private to the HTTP client. */
#ifndef CW_ADAPTERS_HTTP_RETRY_H
#define CW_ADAPTERS_HTTP_RETRY_H

#include "adapters/http.h"

#define CW_RETRY_AFTER_MAX CW_HOUR /* no shop is given up for longer because of one header */

bool cw_retry_is_worth(const struct cw_http_response *response, const struct cw_error *err);

/* The wait that Retry-After asks for, as seconds or as a date; at most CW_RETRY_AFTER_MAX. 0 when there is
 * none, when it makes no sense, and when it is over already: then the usual back-off applies. A date is
 * compared with the answer's own Date where it has one, so that a clock that is wrong, ours or theirs, does
 * not matter. */
cw_time cw_retry_told(const struct cw_http_response *response, cw_time now);

/* The wait until the shop's quota is there again, at most CW_RETRY_AFTER_MAX; 0 when it does not say. */
cw_time cw_retry_reset(const struct cw_http_response *response, const struct cw_http_quota *quota);
/* The same where the quota is nearly used up, by whomever; else 0. */
cw_time cw_retry_spent(const struct cw_http_response *response, const struct cw_http_quota *quota);

/* Before attempt `attempts` + 1: up to 1 s, 2 s, 4 s ... 60 s, evenly spread (full jitter). */
cw_time cw_retry_backoff(unsigned attempts, struct cw_random *random);

#endif
