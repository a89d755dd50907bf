/* edits.h - documents changed by people and scripts: validated, audited, and kept apart from what the cart
 * says.
 *
 * An edit stays whatever the cart says later; when the cart then says something else than it did, the edit is
 * contested, and the run that brought it says so.
 */
#ifndef CW_ENGINE_EDITS_H
#define CW_ENGINE_EDITS_H

#include "bindings/carts.h"
#include "bindings/site_config.h"
#include "mapping/edit.h"

struct cw_edit_request {
    struct cw_slice cart, external_id;
    const struct cw_kind *kind;
    const struct cw_change *changes;
    size_t count;
    struct cw_slice who, reason;
    const struct cw_rules *rules;        /* whose graphs statuses keep to; NULL = none */
    const struct cw_zone *zone;          /* of times without an offset; may be NULL */
    int64_t token;                       /* of the cart's lease; 0 = a command that holds none */
    const struct cw_site_config *config; /* for what carts are told; NULL = nothing */
    bool dry_run;                        /* everything but the commit */
    struct cw_txn
        *txn; /* one that has begun, which the edit ends, success or not; NULL = it begins its own */
};

/* All changes or none. Refused: names and values that the document's kind does not know (CW_USAGE,
 * CW_INVALID), a status that is no step of its graph, amounts that add up no more (CW_REFUSED, with the
 * arithmetic), a document that is not there (CW_NOT_FOUND). Waits for the store. */
bool cw_edit_document(struct cw_store *store, const struct cw_clock *clock,
                      const struct cw_edit_request *request, struct cw_error *err);

#endif
