/* confine.h - what a worker gives up for good before it runs the first script: other programs, foreign files.
 *
 * seccomp refuses to start programs, to trace, mount or load anything; Landlock leaves the files that are
 * named here and hides all others. What the kernel does not have is left out, and said.
 */
#ifndef CW_ADAPTERS_CONFINE_H
#define CW_ADAPTERS_CONFINE_H

#include "base/error.h"

struct cw_confine {
    const char *const *read;  /* files and folders that may be read, NULL-terminated */
    const char *const *write; /* folders in which files may be made and changed as well */
};

struct cw_confined {
    bool seccomp, landlock;
    int landlock_version;
};

/* For this process and all it starts, irrevocably. False only when a wall that the kernel has could not be
 * put up. */
bool cw_confine_process(const struct cw_confine *confine, struct cw_confined *confined, struct cw_error *err);

#endif
