/* xml_name.h - which names and characters XML 1.0 knows. */
#ifndef CW_ADAPTERS_XML_NAME_H
#define CW_ADAPTERS_XML_NAME_H

#include "base/slice.h"

/* Production [2] of XML 1.0: no control characters but tab and line ends, no U+FFFE and U+FFFF. */
static inline bool cw_xml_char(uint32_t c)
{
    return c >= 0x20 ? c != 0xFFFE && c != 0xFFFF : c == '\t' || c == '\n' || c == '\r';
}

/* Productions [4] and [4a] of XML 1.0, fifth edition. */
bool cw_xml_name_start(uint32_t c);
bool cw_xml_name_char(uint32_t c);

/* A whole name; colons are fine. */
bool cw_xml_is_name(struct cw_slice name);

/* What follows the last colon, when that is a name by itself and not "xmlns", which means something; else
 * all. */
struct cw_slice cw_xml_local_name(struct cw_slice name);

#endif
