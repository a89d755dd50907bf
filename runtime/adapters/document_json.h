/* document_json.h - a document as JSON, the form in which people and scripts see it.
 *
 * external_id first, then the fields in the order of their kind, unset ones left out; decimals and money as
 * JSON strings, exact, money with at least the digits of its currency; integers as numbers; times ISO 8601;
 * lists as arrays, nested records as objects, own fields under "custom".
 */
#ifndef CW_ADAPTERS_DOCUMENT_JSON_H
#define CW_ADAPTERS_DOCUMENT_JSON_H

#include "base/buffer.h"
#include "base/document.h"

/* `indent` 0 = one line. */
bool cw_document_json(struct cw_buffer *out, const struct cw_document *doc, unsigned indent,
                      struct cw_error *err);

/* The fields of the site's own alone, as one object: those of each record as an object under the record's
 * name, then those of the document itself. Appends nothing where there are none. CW_INVALID for an own field
 * with the name of such a record. */
bool cw_custom_json(struct cw_buffer *out, const struct cw_document *doc, struct cw_error *err);

/* Such a text read back, into the arena; own fields are left out. NULL and CW_INVALID for what cw_document_json has not written. */
struct cw_document *cw_document_from_json(struct cw_slice text, const struct cw_kind *kind,
                                          struct cw_arena *arena, struct cw_error *err);

#endif
