/* ruled_bed.h - a site_bed whose cart brings orders and customers, and whose site has rules about them; with
 * what people do: edits and releases.
 *
 * Records are written with ' for ".
 */
#ifndef CW_TESTS_RULED_BED_H
#define CW_TESTS_RULED_BED_H

#include "engine/edits.h"
#include "site_bed.h"

/* An order of 3.00 EUR with the line 7, which is right; `more` begins with a comma. */
#define ORDER(id, number, status, more)                                                                      \
    "{'id':" id ",'number':'" number "','status':'" status "','currency':'EUR','total':'3.00',"              \
    "'lines':[{'id':7,'sku':'A','quantity':2,'price':'1.50','total':'3.00'}]" more "}"

/* The folder, a store on a disk in memory, and the site opened with `rules`: what stands between the braces
 * of the cart's rules. */
void ruled_bed_init(struct site_bed *bed, const char *rules);
/* The same site with other rules, or another cart script, as after a restart. */
void ruled_bed_rules(struct site_bed *bed, const char *rules);
void ruled_bed_script(struct site_bed *bed, const char *part, const char *with);

/* A page of records of the stream, separated by commas, or all of it mapped again. */
void ruled_bed_store(struct site_bed *bed, const char *stream, const char *records);
void ruled_bed_again(struct site_bed *bed, const char *stream, const char *records);

/* Stored records of the orders, as `cartwright replay` and `retry` map them. */
bool ruled_bed_replay(struct site_bed *bed, const struct cw_stored_filter *filter,
                      const struct cw_batch_config *config);

/* The order `id` with rules and zone of its stream, by "ann", "because". */
bool ruled_bed_edit(struct site_bed *bed, const char *id, const struct cw_change *changes, size_t count,
                    struct cw_error *err);
void ruled_bed_set(struct site_bed *bed, const char *id, const char *field, const char *value);

/* Every issue the record `id` of the orders is held for. */
void ruled_bed_release(struct site_bed *bed, const char *id);

void assert_ended(const struct site_bed *bed, uint64_t posted, uint64_t unchanged, uint64_t parked,
                  uint64_t skipped);

#endif
