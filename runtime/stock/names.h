/* names.h - numbers from 0 for names, by their exact bytes. */
#ifndef CW_STOCK_NAMES_H
#define CW_STOCK_NAMES_H

#include "base/arena.h"

struct cw_names {
    struct cw_arena text;
    struct cw_slice *all; /* by number */
    uint32_t *hashes;     /* by number */
    uint32_t count, cap;
    uint32_t *slots; /* number + 1, or 0; a power of two of them, at most half full */
    uint32_t slot_count;
};

#define CW_NAMES_NONE UINT32_MAX

void cw_names_init(struct cw_names *names);
void cw_names_fini(struct cw_names *names);
/* CW_NAMES_NONE = not there. */
uint32_t cw_names_find(const struct cw_names *names, struct cw_slice name);
/* Made when it is not there. CW_NAMES_NONE = no memory. */
uint32_t cw_names_number(struct cw_names *names, struct cw_slice name);

#endif
