/* http_check.h - what of a request is malformed, or not for callers to set. Private to the HTTP client. */
#ifndef CW_ADAPTERS_HTTP_CHECK_H
#define CW_ADAPTERS_HTTP_CHECK_H

#include "adapters/http.h"

/* CW_USAGE for what could smuggle a second request. */
bool cw_check_method(const char *method, struct cw_error *err);
bool cw_check_header(const struct cw_header *header, struct cw_error *err);
bool cw_check_is_safe(const char *method); /* GET or HEAD */
bool cw_check_has_control(const char *text);

#endif
