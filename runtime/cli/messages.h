/* messages.h - messages to carts, as commands name them. */
#ifndef CW_CLI_MESSAGES_H
#define CW_CLI_MESSAGES_H

#include "cli/cli.h"
#include "engine/outbox.h"

/* The number of a message; 0 and CW_USAGE for what is none. */
int64_t cw_cli_message_id(const char *text, struct cw_error *err);

/* What a person decided about one message, printed as one line. False when it could not be, which is printed.
 */
bool cw_cli_settle_message(struct cw_cli *cli, int64_t id, enum cw_settle settle, const char *reason);

/* Queues failed messages of a cart again: those of `ids`, or without any all of them, of one stream or (NULL)
 * of each. Prints what it did, or in a dry run would do; false when one could not be. */
bool cw_cli_retry_messages(struct cw_cli *cli, const char *cart, const char *stream, char **ids,
                           size_t id_count, bool dry_run);

#endif
