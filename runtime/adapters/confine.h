/* confine.h - what a worker gives up for good before it runs the first script: other programs, foreign files.
 *
 * seccomp refuses with EPERM, and so kills nothing: a library that only tries its luck goes on. Refused are
 * starting programs and processes (threads remain), tracing and reading others, mounts, namespaces and
 * roots, loading code into the kernel, its keys, clocks and devices, io_uring, BPF, performance events,
 * user-space page faults, families of sockets that no shop speaks, and typing into the terminal. Other
 * architectures' system calls kill the process: nothing honest makes any.
 *
 * Landlock leaves the files named here, and of the system's what every worker needs: shared libraries,
 * names and name servers, certificates, zones, /dev/null and /dev/urandom; no other file can be opened, made
 * or removed, whatever path leads there, and nothing outside can be signalled where the kernel has that.
 * Descriptors that are open stay what they are. What the kernel does not have is left out, and said.
 *
 * A named file is that file: another one that is moved to its place later is not readable. Of what is
 * replaced while a worker lives, name the folder.
 */
#ifndef CW_ADAPTERS_CONFINE_H
#define CW_ADAPTERS_CONFINE_H

#include "base/error.h"

struct cw_confine {
    const char *const
        *read; /* files and folders with all below, NULL-terminated; what is absent is skipped */
    const char *const
        *write; /* likewise, in which files may be made, changed and removed as well; must exist */
    const char *const *move; /* likewise, in which files may be renamed and removed, and folders made and
                                removed, but nothing written; what is absent is skipped; NULL = none */
};

struct cw_confined {
    bool seccomp, landlock;
    int landlock_version; /* of the kernel; 0 = none */
};

/* For this process and all it starts, irrevocably; call it before the first thread is started. False only
 * when a wall that the kernel has could not be put up. */
bool cw_confine_process(const struct cw_confine *confine, struct cw_confined *confined, struct cw_error *err);

#endif
