/* shop.h - one shop of the soak test: its books behind its weather.
 *
 *   orders?from=&to=&offset=&limit=       those stamped within, sorted by id; with X-Total where the shop
 * tells it orders?ids=1001,1002                  those ids?from=&to=&by=placed&offset=&limit=    ids alone
 */
#ifndef CW_TESTS_SOAK_SHOP_H
#define CW_TESTS_SOAK_SHOP_H

#include "books.h"
#include "engine/recording_query.h"
#include "weather.h"
#include "wire.h"

struct shop {
    struct books books;
    struct weather weather;
    bool tells_total;
    char key[64]; /* what requests must carry */
    struct cw_buffer last_page;
    cw_time last_from, last_to;
    int last_offset;
};

struct shop_counts {
    unsigned long long requests, refused, bad, faults[FAULTS];
};

void shop_init(struct shop *shop, uint64_t seed, unsigned number, cw_time begin, cw_time until);
void shop_fini(struct shop *shop);
/* `target` has the path below the shop. */
void shop_answer(struct shop *shop, const struct cw_target *target, struct cw_slice path,
                 const char *authorization, cw_time now, struct wire_answer *answer,
                 struct shop_counts *counts);

/* Head and body, as an answer begins; for others too. */
void shop_print(struct wire_answer *answer, int status, struct cw_slice body, const char *headers);

#endif
