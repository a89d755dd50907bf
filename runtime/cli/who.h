/* who.h - on whose behalf a command runs, for the audit trail. */
#ifndef CW_CLI_WHO_H
#define CW_CLI_WHO_H

/* $CARTWRIGHT_USER, else the login name. */
const char *cw_cli_who(void);

#endif
