/* ready_file.h - tells whoever started a server of ours that it listens, and where. */
#ifndef CW_CLI_READY_FILE_H
#define CW_CLI_READY_FILE_H

#include "base/error.h"

/* Whoever waits for the file finds it complete or not at all. `path` NULL = nobody waits. */
bool cw_cli_write_ready_file(const char *path, unsigned port, struct cw_error *err);

#endif
