/* mail_server.h - Dovecot on free ports of this machine, in a folder of its own; it ends with the test. */
#ifndef CW_TEST_MAIL_SERVER_H
#define CW_TEST_MAIL_SERVER_H

#include <sys/types.h>

#include "base/buffer.h"

#define MAIL_SERVER_USER     "shop@example.test"
#define MAIL_SERVER_PASSWORD "mail-pw-0815"

struct mail_server {
    char folder[64];
    unsigned imap, imaps, pop3, pop3s;
    pid_t pid; /* 0 = it does not run */
    unsigned delivered;
};

/* `more`: lines for the configuration, or NULL. Ends the program as skipped when there is no Dovecot. */
struct mail_server *mail_server_start(const char *more);
void mail_server_restart(struct mail_server *server);
void mail_server_kill(struct mail_server *server);
void mail_server_stop(struct mail_server *server);

/* As a mail server would: whole, under a name of its own, later than the one before. */
void mail_server_deliver(struct mail_server *server, struct cw_slice bytes);
/* Mails in the folder: "" = INBOX, else ".done". */
unsigned mail_server_count(const struct mail_server *server, const char *folder);
/* The mailbox is made anew, with the same mails and another UIDVALIDITY. */
void mail_server_renew(struct mail_server *server);
/* The certificate, for the caller to free. */
char *mail_server_certificate(const struct mail_server *server);

#endif
