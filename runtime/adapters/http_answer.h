/* http_answer.h - the bytes of an answer. Private to the HTTP server. */
#ifndef CW_ADAPTERS_HTTP_ANSWER_H
#define CW_ADAPTERS_HTTP_ANSWER_H

#include "adapters/http_server.h"

/* Appends head and body; `is_head`: to a HEAD request, without the body. False when there is no memory. */
bool cw_http_answer_print(struct cw_buffer *out, const struct cw_served_answer *answer, bool is_head,
                          bool closes);

#endif
