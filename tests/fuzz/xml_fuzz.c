/* xml_fuzz.c - XML documents: the first byte says how they are read. */
#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = { ".", "a", "orders/order", "a/a", "a/b/c" };
    static const char *const encodings[] = { "UTF-8", "ISO-8859-1", "windows-1252" };
    if (size == 0)
        return 0;
    struct cw_slice document = { (const char *)data + 1, size - 1 };
    unsigned choice = data[0] % 8;
    if (choice < sizeof paths / sizeof *paths)
        check_document(CW_XML, document, paths[choice]);
    else
        check_record(CW_XML, document, encodings[choice - sizeof paths / sizeof *paths]);
    return 0;
}
