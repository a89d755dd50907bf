/* faults.c - see faults.h. */
#include "mapping/faults.h"

void cw_faults_add(struct cw_faults *faults, const char *text)
{
    size_t len = strlen(text), need = faults->len > 0 ? len + 1 : len;
    if (faults->len + need >= sizeof faults->all.text)
        return;
    if (faults->len > 0)
        faults->all.text[faults->len++] = '\n';
    memcpy(faults->all.text + faults->len, text, len + 1);
    faults->len += len;
    faults->all.code = CW_USAGE;
}

bool cw_faults_end(const struct cw_faults *faults, struct cw_error *err)
{
    if (faults->len > 0 && err != NULL)
        *err = faults->all;
    return faults->len == 0;
}
