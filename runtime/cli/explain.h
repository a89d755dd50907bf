/* explain.h - records with the origin of each of their values: value, path, raw value, table row, rule, edit.
 */
#ifndef CW_CLI_EXPLAIN_H
#define CW_CLI_EXPLAIN_H

#include "cli/cli.h"

/* Maps every record as a run would, with what the store knows (where cli has one) but storing nothing, and
 * prints it. *has_issue becomes true where one would wait. False when something failed, which is printed. */
bool cw_cli_explain(struct cw_cli *cli, const struct cw_lua_stream *stream, struct cw_records *records,
                    bool *has_issue);

/* The newest raw version of one record, to be freed. CW_NOT_FOUND when there is none. */
struct cw_records *cw_cli_stored_record(struct cw_cli *cli, const struct cw_lua_stream *stream,
                                        const char *id, struct cw_error *err);

#endif
