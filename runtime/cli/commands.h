/* commands.h - the commands of the program: one file each, cmd_NAME.c. Each returns the exit code: 0 fine, 1
 * failed, 2 wrong use. argv[0] is the command's name. */
#ifndef CW_CLI_COMMANDS_H
#define CW_CLI_COMMANDS_H

int cw_cmd_new(int argc, char **argv);
int cw_cmd_check(int argc, char **argv);
int cw_cmd_secret(int argc, char **argv);
int cw_cmd_test_connection(int argc, char **argv);
int cw_cmd_test(int argc, char **argv);
int cw_cmd_sync(int argc, char **argv);
int cw_cmd_run(int argc, char **argv);
int cw_cmd_start(int argc, char **argv);
int cw_cmd_stop(int argc, char **argv);
int cw_cmd_reset(int argc, char **argv);
int cw_cmd_reconcile(int argc, char **argv);
int cw_cmd_import(int argc, char **argv);
int cw_cmd_exec(int argc, char **argv);
int cw_cmd_retry(int argc, char **argv);
int cw_cmd_settle(int argc, char **argv);
int cw_cmd_release(int argc, char **argv);
int cw_cmd_replay(int argc, char **argv);
int cw_cmd_edit(int argc, char **argv);
int cw_cmd_put(int argc, char **argv);
int cw_cmd_fields(int argc, char **argv);
int cw_cmd_table(int argc, char **argv);
int cw_cmd_preview(int argc, char **argv);
int cw_cmd_status(int argc, char **argv);
int cw_cmd_list(int argc, char **argv);
int cw_cmd_show(int argc, char **argv);
int cw_cmd_stock(int argc, char **argv);
int cw_cmd_store(int argc, char **argv);
int cw_cmd_fake(int argc, char **argv);
int cw_cmd_serve_replay(int argc, char **argv);

#endif
