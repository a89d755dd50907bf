/* html_fuzz.c - decoding never grows a text, and leaves alone what holds no reference. */
#include "fuzz.h"

#include <string.h>

#include "mapping/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cw_slice text = { (const char *)data, size };
    char *out = malloc(size > 0 ? size : 1);
    MUST(out != NULL);
    size_t len = cw_html_decode(text, out);
    MUST(len <= size);
    if (size == 0 || memchr(data, '&', size) == NULL || memchr(data, ';', size) == NULL)
        MUST(len == size && memcmp(out, text.data != NULL ? text.data : "", size) == 0);
    free(out);
    return 0;
}
