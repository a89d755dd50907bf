/* convert.h - from the text of a record to a typed value, exactly. */
#ifndef CW_MAPPING_CONVERT_H
#define CW_MAPPING_CONVERT_H

#include "base/document.h"
#include "base/written.h"

enum cw_conversion { CW_CONVERTED, CW_CONVERT_INVALID, CW_CONVERT_OVERFLOW };

/* Blanks around numbers, booleans and times are allowed; text is taken as it is. Sets out->is_set on success,
 * leaves *out alone otherwise. Only for types that hold one value. */
enum cw_conversion cw_convert(enum cw_type type, struct cw_slice text, const struct cw_zone *zone,
                              struct cw_value *out);

/* The same for numbers and times that are written by one of `formats`, which have been checked; the first
 * that fits is taken. Without formats, and for other types, as above. */
enum cw_conversion cw_convert_as(enum cw_type type, struct cw_slice text, const struct cw_slice *formats,
                                 size_t count, const struct cw_zone *zone, struct cw_value *out);

/* The end of "quantity is "two pieces", which ...". `zone` as above: without one the offset is asked for. */
const char *cw_convert_why(enum cw_type type, enum cw_conversion fault, const struct cw_zone *zone);

/* Like cw_slice_trim, but quick for text that has nothing to trim, which is nearly all. */
static inline struct cw_slice cw_convert_trim(struct cw_slice s)
{
    if (s.len > 0 && (unsigned char)s.data[0] > ' ' && (unsigned char)s.data[s.len - 1] > ' ')
        return s;
    return cw_slice_trim(s);
}

#endif
