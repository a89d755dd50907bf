/* faults.h - what is wrong with a mapping or with rules, one fault a line, so that one look at the message
 * mends them all. */
#ifndef CW_MAPPING_FAULTS_H
#define CW_MAPPING_FAULTS_H

#include "base/error.h"

struct cw_faults {
    struct cw_error all; /* CW_USAGE once there is one */
    size_t len;          /* of its text; 0 = none yet */
};

/* What does not fit any more is left out: it comes up once the others are mended. */
void cw_faults_add(struct cw_faults *faults, const char *text);

/* True when there are none; else *err (may be NULL) has them. */
bool cw_faults_end(const struct cw_faults *faults, struct cw_error *err);

#endif
