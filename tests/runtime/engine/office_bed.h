/* office_bed.h - a ruled_bed whose back office says things, written as JSON with ' for ". */
#ifndef CW_TESTS_OFFICE_BED_H
#define CW_TESTS_OFFICE_BED_H

#include "engine/office.h"
#include "ruled_bed.h"

/* The order 101 of the cart shop: 10 pieces of A in line 7, 4 of B in line 8. */
#define OFFICE_ORDER                                                                                         \
    "{'id':101,'number':'N101','status':'paid','currency':'EUR','total':'14.00','lines':["                   \
    "{'id':7,'sku':'A','quantity':10,'price':'1.00','total':'10.00'},"                                       \
    "{'id':8,'sku':'B','quantity':4,'price':'1.00','total':'4.00'}]}"

struct office_bed {
    struct site_bed site;
    struct cw_office_result result;
    struct cw_error err;
    bool dry_run;
};

/* Carts shop and other, told what `out` says: what stands between its braces. */
void office_bed_init(struct office_bed *bed, const char *out);
void office_bed_fini(struct office_bed *bed);
/* The same site, told otherwise. */
void office_bed_out(struct office_bed *bed, const char *out);

/* Documents separated by commas; `from` NULL = the back office's own. By "ann", "because". */
bool office_bed_put(struct office_bed *bed, const char *kind, const char *docs, const char *from);
/* Fails the test when it is refused. */
void office_bed_say(struct office_bed *bed, const char *kind, const char *docs);
bool office_bed_drop(struct office_bed *bed, const char *kind, const char *id);

/* Refused for this reason, and then the store has nothing of it. */
void office_bed_refused(struct office_bed *bed, const char *kind, const char *docs, enum cw_code code,
                        const char *says);

#define assert_result(bed, put_, unchanged_, dropped_, messages_)                                            \
    do {                                                                                                     \
        assert_int_equal((bed)->result.put, put_);                                                           \
        assert_int_equal((bed)->result.unchanged, unchanged_);                                               \
        assert_int_equal((bed)->result.dropped, dropped_);                                                   \
        assert_int_equal((bed)->result.messages, messages_);                                                 \
    } while (0)

#endif
