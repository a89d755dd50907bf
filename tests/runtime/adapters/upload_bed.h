/* upload_bed.h - what tests of uploads share: a loop, an open egress, and uploads that are waited for. */
#ifndef CW_TEST_UPLOAD_BED_H
#define CW_TEST_UPLOAD_BED_H

#include "adapters/upload.h"
#include "file_server.h"
#include "testing.h"

struct upload_bed {
    struct cw_loop *loop;
    struct cw_egress *egress;
    char url[128];
    struct cw_upload_place place; /* of the url; tests change what they are about */
    /* the last answer */
    unsigned calls;
    bool ok, may_exist;
    struct cw_error err;
    char names[1024]; /* of a listing, each with a blank behind it */
};

/* The folder is "SCHEME://127.0.0.1:PORT/PATH". */
void upload_bed_open(struct upload_bed *bed, const char *scheme, unsigned port, const char *path);
void upload_bed_close(struct upload_bed *bed);
/* Waits for it. Tests that the password stands in no error. */
bool upload_bed_put(struct upload_bed *bed, const char *name, struct cw_slice bytes);
bool upload_bed_list(struct upload_bed *bed);
/* The same upload in a process of its own, confined as a worker is. */
bool upload_bed_put_confined(struct upload_bed *bed, const char *name, struct cw_slice bytes);
/* Fails the test unless the last upload ended with this code, these words, and this may_exist. */
void upload_bed_expect(const struct upload_bed *bed, enum cw_code code, const char *words, bool may_exist);

#endif
