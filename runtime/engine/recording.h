/* recording.h - recorded exchanges of a shop, and which of them answers a request; replay.h shows the file's
 * form. */
#ifndef CW_ENGINE_RECORDING_H
#define CW_ENGINE_RECORDING_H

#include "adapters/http_server.h"

struct cw_recording;

/* Reads FOLDER/exchanges.json and the bodies it names. CW_INVALID names the exchange and what is wrong with
 * it. */
struct cw_recording *cw_recording_load(const char *folder, struct cw_error *err);
void cw_recording_free(struct cw_recording *recording); /* accepts NULL */

size_t cw_recording_count(const struct cw_recording *recording);

/* Whether a request with this Authorization header (NULL = none) may be answered. */
bool cw_recording_allows(const struct cw_recording *recording, const char *authorization);
/* What others get. Lives as long as the recording. */
const struct cw_served_answer *cw_recording_refusal(const struct cw_recording *recording);

/* The answer to a request, as long-lived; NULL when none matches: `why` then holds a line on what was asked
 * and one on the exchange that comes nearest. */
const struct cw_served_answer *cw_recording_find(struct cw_recording *recording, const char *method,
                                                 const char *target, struct cw_buffer *why);

#endif
