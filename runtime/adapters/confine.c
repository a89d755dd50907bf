/* confine.c - see confine.h: both walls, files first, since the second one would be asked about the first. */
#include "adapters/confine_private.h"

#include <errno.h>
#include <sys/prctl.h>

bool cw_confine_process(const struct cw_confine *confine, struct cw_confined *confined, struct cw_error *err)
{
    *confined = (struct cw_confined){ 0 };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return cw_fail(err, CW_IO, "new privileges cannot be given up: %s", strerror(errno));
    if (!cw_confine_files(confine, &confined->landlock_version, err))
        return false;
    confined->landlock = confined->landlock_version > 0;
    return cw_confine_calls(&confined->seccomp, err);
}
