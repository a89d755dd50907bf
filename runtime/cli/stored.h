/* stored.h - stored raw records, as if they had just come. */
#ifndef CW_CLI_STORED_H
#define CW_CLI_STORED_H

#include "cli/cli.h"

/* The newest raw version of `id` (NULL = of all records of the stream), only the parked ones when asked.
 * CW_NOT_FOUND when there is none. */
struct cw_records *cw_cli_stored_records(struct cw_cli *cli, const struct cw_lua_stream *stream,
                                         const char *id, bool only_parked, struct cw_error *err);

#endif
