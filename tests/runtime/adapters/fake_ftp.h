/* fake_ftp.h - an FTP server in a thread that fails exactly as told. It keeps names of files, and how many
 * bytes came for the last one. */
#ifndef CW_TEST_FAKE_FTP_H
#define CW_TEST_FAKE_FTP_H

#include <stdbool.h>
#include <stddef.h>

enum fake_end {
    FAKE_ANSWER, /* with `words` instead of doing anything */
    FAKE_LOSE,   /* closes the connection without having done anything */
    FAKE_DO_AND_LOSE,
    FAKE_HANG,  /* does nothing, says nothing */
    FAKE_BREAK, /* STOR: resets the data connection after `bytes`, then answers with `words` */
    FAKE_STOP   /* STOR: reads no further than `bytes`, says `words`, and leaves the data connection open */
};

struct fake_rule {
    const char *command; /* "RNTO" */
    enum fake_end end;
    const char *words; /* "552 Disk full\r\n" */
    size_t bytes;
};

enum { FAKE_FILES_MAX = 8 };

struct fake_ftp {
    unsigned port;
    struct fake_rule rule; /* for one command; command NULL = none */
    const char *pasv;      /* what PASV answers as the address, "10,9,8,7"; NULL = the truth */
    bool has_no_size;
    /* Read them after fake_ftp_stop, or when nothing is under way. */
    char files[FAKE_FILES_MAX][64];
    size_t received;
    char bytes[256];     /* the first of them */
    char password[64];   /* of the last log-in */
    char commands[2048]; /* each with a blank behind it */
    struct fake_private *own;
};

/* `plan` is copied: what is in `files` is there. */
struct fake_ftp *fake_ftp_start(const struct fake_ftp *plan);
bool fake_ftp_has(const struct fake_ftp *server, const char *name);
void fake_ftp_end(struct fake_ftp *server);  /* no thread runs any more */
void fake_ftp_free(struct fake_ftp *server); /* ends it as well */

#endif
