/* file_server.h - vsftpd and OpenSSH's sshd on a free port of this machine, each in a folder of its own and
 * with nobody's rights for those who log in. They end with the test, however that ends. */
#ifndef CW_TEST_FILE_SERVER_H
#define CW_TEST_FILE_SERVER_H

#include <sys/types.h>

#include "base/buffer.h"

#define FILE_SERVER_PASSWORD "s3cret-of-the-server"

struct file_server {
    char folder[64]; /* holds "in", into which files are put, and whatever the server needs */
    char in[80];
    unsigned port;
    pid_t pid; /* 0 = it does not run */
    char user[64];
    char host_key[64]; /* of sshd: as ssh-keygen -l shows it, without SHA256: */
};

/* Ends the program as skipped, naming the package, when `program` is not there. */
void file_server_need(const char *program, const char *package);

/* `more`: lines for the configuration, or NULL. Fails the test when it does not start. */
struct file_server *vsftpd_start(const char *more);
/* With a certificate for 127.0.0.1, which is server->folder/ca.pem and trusts itself. */
struct file_server *vsftpd_start_tls(const char *more);
/* Its user has the keys "client" and, with the pass phrase "of the key", "locked"; "stranger" is not his. As
 * root he has the password as well; anybody else's server lets in himself alone. */
struct file_server *sshd_start(void);
/* A signal to it and to all that it started; it is gone after SIGKILL. */
void file_server_strike(struct file_server *server, int number);
void file_server_kill(struct file_server *server);
void file_server_stop(struct file_server *server);

/* The bytes of a file below the server's folder; data NULL when it is not there. */
struct cw_buffer file_server_read(const struct file_server *server, const char *name);
/* Makes a file below the server's folder, which the server owns. */
void file_server_put(const struct file_server *server, const char *name, const char *text);
/* The names in folder "in", sorted, each with a blank behind it. */
const char *file_server_names(const struct file_server *server);
/* A file of the test's own, such as a key or a certificate. */
char *file_server_text(const struct file_server *server, const char *name);

#endif
