/* inbox_bed.h - what tests of inboxes share: a loop, an inbox that each operation is waited for, and what the
 * last one brought. */
#ifndef CW_TEST_INBOX_BED_H
#define CW_TEST_INBOX_BED_H

#include "adapters/inbox.h"
#include "testing.h"

struct inbox_bed {
    struct cw_loop *loop;
    struct cw_inbox *inbox;
    char names[1024];   /* of the last listing: "a.xml b.xml " */
    char refused[1024]; /* those that are refused, likewise */
    uint64_t sizes;     /* their sum */
    struct cw_body *body;
    unsigned calls;
    bool ok;
    struct cw_error err;
};

void inbox_bed_open(struct inbox_bed *bed); /* without an inbox */
void inbox_bed_close(struct inbox_bed *bed);
/* The names that it lists; fails the test when it does not. */
const char *inbox_bed_list(struct inbox_bed *bed);
bool inbox_bed_try_list(struct inbox_bed *bed);
/* The entry's text, valid until the next call; NULL and bed->err. */
const char *inbox_bed_read(struct inbox_bed *bed, const char *name);
bool inbox_bed_finish(struct inbox_bed *bed, const char *name, enum cw_inbox_end end);

#endif
