/* json_fuzz.c - JSON documents: the first byte says how they are read. */
#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = { ".", "a", "orders", "a/b", "a/*", "*" };
    if (size == 0)
        return 0;
    struct cw_slice document = { (const char *)data + 1, size - 1 };
    unsigned choice = data[0] % 8;
    if (choice < sizeof paths / sizeof *paths)
        check_document(CW_JSON, document, paths[choice]);
    else
        check_record(CW_JSON, document, NULL);
    return 0;
}
