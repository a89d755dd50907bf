/* writer.h - writing XML and JSON, so that whatever text goes in, a well-formed document comes out. */
#ifndef CW_ADAPTERS_WRITER_H
#define CW_ADAPTERS_WRITER_H

#include "base/buffer.h"
#include "base/node.h"

/* Appends text with the characters that XML or JSON need escaped. XML: CW_INVALID for a control character,
 * which no XML 1.0 document can hold, and for invalid UTF-8. JSON: with the quotes. */
bool cw_xml_write_text(struct cw_buffer *out, struct cw_slice text, struct cw_error *err);
bool cw_xml_write_attribute(struct cw_buffer *out, struct cw_slice name, struct cw_slice value,
                            struct cw_error *err);
bool cw_json_write_text(struct cw_buffer *out, struct cw_slice text, struct cw_error *err);

/* A whole tree. XML: an element with its attributes and children; names must be XML names (CW_INVALID). JSON:
 * numbers as written. `indent` spaces a level, 0 = one line. */
bool cw_xml_write(struct cw_buffer *out, const struct cw_node *node, unsigned indent, struct cw_error *err);
bool cw_json_write(struct cw_buffer *out, const struct cw_node *node, unsigned indent, struct cw_error *err);

#endif
