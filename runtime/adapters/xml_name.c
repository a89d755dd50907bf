/* xml_name.c - see xml_name.h. */
#include "adapters/xml_name.h"

#include "adapters/utf8.h"

static bool in_ranges(uint32_t c, const uint32_t (*ranges)[2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

bool cw_xml_name_start(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        { ':', ':' },       { 'A', 'Z' },       { '_', '_' },       { 'a', 'z' },
        { 0xC0, 0xD6 },     { 0xD8, 0xF6 },     { 0xF8, 0x2FF },    { 0x370, 0x37D },
        { 0x37F, 0x1FFF },  { 0x200C, 0x200D }, { 0x2070, 0x218F }, { 0x2C00, 0x2FEF },
        { 0x3001, 0xD7FF }, { 0xF900, 0xFDCF }, { 0xFDF0, 0xFFFD }, { 0x10000, 0xEFFFF },
    };
    return in_ranges(c, ranges, sizeof ranges / sizeof *ranges);
}

bool cw_xml_name_char(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        { '-', '.' }, { '0', '9' }, { 0xB7, 0xB7 }, { 0x300, 0x36F }, { 0x203F, 0x2040 },
    };
    return cw_xml_name_start(c) || in_ranges(c, ranges, sizeof ranges / sizeof *ranges);
}

bool cw_xml_is_name(struct cw_slice name)
{
    const char *p = name.data, *end = name.data + name.len;
    while (p < end) {
        uint32_t point;
        unsigned width = cw_utf8_read(p, end, &point);
        if (width == 0 || !(p == name.data ? cw_xml_name_start(point) : cw_xml_name_char(point)))
            return false;
        p += width;
    }
    return name.len > 0;
}

struct cw_slice cw_xml_local_name(struct cw_slice name)
{
    const char *colon = memrchr(name.data, ':', name.len);
    if (colon == NULL)
        return name;
    struct cw_slice local = { colon + 1, (size_t)(name.data + name.len - colon - 1) };
    return cw_xml_is_name(local) && !cw_slice_is(local, "xmlns") ? local : name;
}
