/* cli.h - what all commands share: options, the site and its store, errors, progress. */
#ifndef CW_CLI_CLI_H
#define CW_CLI_CLI_H

#include <glib.h>

#include "engine/sync.h"

struct cw_cli {
    char *folder;  /* --site */
    gboolean json; /* --json */
    gboolean verbose;
    bool log_is_set;  /* by the command itself */
    int time_limit_s; /* --time-limit; 0 = none */
    struct cw_site *site;
    struct cw_loop *loop;
    struct cw_store *store;
    struct cw_transport *transport;
    bool names_office; /* an empty cart is shown as "office" */
    size_t rows;       /* of the last table or record that was printed */
};

/* Parses options. `usage` is what follows the command's name ("CART FILE..."), `about` a paragraph of help.
 * Returns -1 to go on, else the exit code. argc and argv are left with the command's name and its arguments,
 * whose number is checked against least and most (-1 = any). */
int cw_cli_parse(struct cw_cli *cli, int *argc, char ***argv, const char *usage, const char *about,
                 const GOptionEntry *entries, int least, int most);

/* What is to be done when the time limit, or SIGTERM or SIGINT, ends the command: `clean` is called from the
 * signal's handler. */
void cw_cli_clean_at_end(void (*clean)(void));

enum {
    CW_CLI_STORE = 1,
    CW_CLI_STORE_CREATE = 2,
    CW_CLI_NETWORK = 4,
    CW_CLI_STORE_IF_THERE = 8,
    CW_CLI_NO_SITE = 16 /* a folder without a site.lua will do, and so will no folder */
};

/* Opens the site and what `needs` names. Prints the error and returns false when that fails. */
bool cw_cli_open(struct cw_cli *cli, int needs);
void cw_cli_close(struct cw_cli *cli);

/* The folder with what is shipped (scripts/, carts/), to be freed. */
char *cw_cli_home(void);

/* A session for the scripts of one cart, with the site's store and network. */
struct cw_session *cw_cli_session(struct cw_cli *cli, const char *cart, bool dry_run, struct cw_error *err);
struct cw_session_config cw_cli_session_config(struct cw_cli *cli, bool dry_run);

/* Prints "cartwright: TEXT" on standard error, or { "error": ... } on standard output with --json. Returns 1.
 */
int cw_cli_fail(const struct cw_cli *cli, const struct cw_error *err);

/* Text of a shop or a script as a terminal may show it, to be freed: UTF-8, with blanks for control
 * characters, of which only those in `kept` stay, and for those that turn the direction of writing. */
char *cw_cli_harmless(struct cw_slice text, const char *kept);

/* A JSON string, quotes included, on standard output; bytes that are not UTF-8 become U+FFFD. */
void cw_cli_json_text(struct cw_slice text);

/* Where progress may be shown: standard error is a terminal and nobody asked for quiet. */
bool cw_cli_is_interactive(void);
/* Rewrites one line on the terminal; NULL wipes it. */
void cw_cli_progress(const char *text);

/* Terminal colours, empty where they are not wanted (no terminal, NO_COLOR). */
const char *cw_cli_bold(void);
const char *cw_cli_plain(void);

#endif
