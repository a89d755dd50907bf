/* confine_private.h - the two walls of confine.h; nobody else includes it. */
#ifndef CW_ADAPTERS_CONFINE_PRIVATE_H
#define CW_ADAPTERS_CONFINE_PRIVATE_H

#include "adapters/confine.h"

/* Version 0 when the kernel has none. Both are for the calling thread, which has given up new privileges. */
bool cw_confine_files(const struct cw_confine *confine, int *version, struct cw_error *err);
bool cw_confine_calls(bool *in_force, struct cw_error *err);

#endif
