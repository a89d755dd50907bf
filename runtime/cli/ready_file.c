/* ready_file.c - see ready_file.h. */
#include "cli/ready_file.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

bool cw_cli_write_ready_file(const char *path, unsigned port, struct cw_error *err)
{
    if (path == NULL)
        return true;
    char *unfinished = g_strdup_printf("%s.new", path);
    FILE *out = fopen(unfinished, "w");
    bool ok = out != NULL && fprintf(out, "%u\n", port) > 0;
    if (out != NULL)
        ok = fclose(out) == 0 && ok;
    ok = (ok && rename(unfinished, path) == 0) || cw_fail(err, CW_IO, "%s: %s", path, strerror(errno));
    g_free(unfinished);
    return ok;
}
