/* mailbox.h - mails on servers, by IMAP and POP3, as an inbox; through libcurl.
 *
 * libcurl connects, encrypts and logs in; what is said then is said here, since its own IMAP marks what it
 * reads, and loses bytes of commands that it does not know.
 *
 *   IMAP  An entry's name is "UIDVALIDITY/UID": a mailbox that was made anew has other names. Mails marked as
 *         deleted are not listed. Nothing is marked as read. `finish` moves to a folder, which it makes where
 *         it is missing: MOVE (RFC 6851), else COPY, STORE \Deleted and UID EXPUNGE of that mail alone (RFC
 *         4315), else COPY and STORE: the mail then stays, marked as deleted, until somebody empties the
 *         mailbox. Never a plain EXPUNGE, which takes what others marked. Folder "": removed.
 *   POP3  An entry's name is its UIDL, without which a server cannot be used. CW_INBOX_DONE removes: DELE,
 *         and QUIT, and only the answer to QUIT says that it happened. CW_INBOX_FAILED leaves the mail where
 * it is, since there are no folders. A connection locks the mailbox for others; it stays open from the first
 * call on until the next CW_INBOX_DONE, or the end.
 *
 * Nothing is claimed: two that share a mailbox may read the same mail. Names that are gone, also since
 * somebody else was quicker: CW_NOT_FOUND from `read`, and nothing to do for `finish`.
 *
 * Addresses: imaps:// (port 993) and pop3s:// (995), or imap:// (143) with STARTTLS and pop3:// (110) with
 * STLS, which are insisted upon, except with 127.0.0.1, [::1] and localhost when no `authorities` are given:
 * there all goes in clear. Behind the host of IMAP the mailbox, percent-encoded UTF-8: "imaps://host/INBOX";
 * none = INBOX. Certificates are checked, addresses too, against the egress rules. No password stands in an
 * error.
 *
 * A connection that broke while nobody used it is made anew, once for each call. Each operation has a thread
 * of its own, in which libcurl may wait; the loop never waits for it, not even to cancel or to free.
 *
 * A mail that is there, and that the server does not give all the same, is CW_UNEXPECTED; so is one that it
 * gives under the number of another. Errors of `read` name the mail.
 *
 * Limits: connect 10 s, 30 s without a byte, 600 s for each operation; 10,000 mails of a list at once, oldest
 * first; a mail of body_limit bytes, of which at most 8 MiB are in memory. A server that announces more than
 * that is not heard to the end: the connection is given up.
 */
#ifndef CW_ADAPTERS_MAILBOX_H
#define CW_ADAPTERS_MAILBOX_H

#include "adapters/inbox.h"
#include "base/egress.h"

enum { CW_MAILBOX_BODY_MAX = 64 * 1024 * 1024 /* bytes */ };

struct cw_mailbox_place {
    const char *url;
    const char *user, *password;
    const char *authorities;        /* certificates in PEM form to trust, NULL = the system's */
    const char *done, *failed;      /* folders of IMAP, in UTF-8; NULL = "done", "failed"; "" = removed */
    bool only_look;                 /* a dry run: nothing is moved or removed */
    uint64_t body_limit;            /* bytes; 0 = CW_MAILBOX_BODY_MAX */
    cw_time connect, stall, total;  /* 0 = 10 s, 30 s, 600 s */
    const struct cw_egress *egress; /* until the inbox is freed */
};

bool cw_mailbox_is_address(const char *url); /* one of the four schemes */

/* Connects nowhere yet. CW_USAGE for an address that cannot be, CW_REFUSED where the rules forbid it. All but
 * egress is copied. */
struct cw_inbox *cw_mailbox_open(struct cw_loop *loop, const struct cw_mailbox_place *place,
                                 struct cw_error *err);

#endif
