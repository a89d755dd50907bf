/* upload.h - files on other people's servers by FTP, FTPS and SFTP, through libcurl.
 *
 * A file is written under a temporary name (".NAME.part") in its folder, and renamed when all of it is there,
 * so that nobody reads half of it. A temporary file of an attempt that failed is removed where that can be
 * done, and overwritten by the next one of that name; an existing file of the final name never is: then the
 * upload is CW_CONFLICT. Passive mode only, and data connections only to
 * the host of the control connection. FTPS and SFTP check who answers: the certificate against the system's
 * authorities or those given, the host key against what was given. Addresses are checked against the egress
 * rules. No URL with its password, and no password, stands in an error or a log line.
 *
 * Addresses: ftp:// (all in clear, the password too), ftpes:// (explicit TLS, port 21), ftps:// (implicit
 * TLS, port 990), sftp:// (port 22), without user and password. An FTP path begins where the log-in leads to,
 * with
 * "//" at the root; an SFTP path begins at the root, with "/~/" where the log-in leads to.
 *
 * Each upload has a thread of its own, in which libcurl may wait: its FTP and SFTP block while a file is
 * ended, and while a server that hangs does not answer. The loop never waits for it, not even to cancel.
 *
 * Limits: connect 10 s, 30 s without a byte or an answer, 300 s in all; a listing of at most 1 MiB.
 */
#ifndef CW_ADAPTERS_UPLOAD_H
#define CW_ADAPTERS_UPLOAD_H

#include "adapters/loop.h"
#include "base/buffer.h"
#include "base/egress.h"

struct cw_upload_place {
    const char *url;             /* the folder: "sftp://host/in/", "ftp://host:2121/in", "ftps://host/" */
    const char *user, *password; /* NULL = none: anonymous, which SFTP does not have */
    /* SFTP: a private key in PEM or OpenSSH form, instead of the password, which then opens the key; its line
     * breaks may be written as \n, since secrets are one line; NULL = none */
    const char *key;
    /* SFTP: base64 of the SHA256 of the server's key, as ssh-keygen -l shows it; needed */
    const char *host_key;
    const char *authorities;        /* TLS: certificates in PEM form to trust, NULL = the system's */
    cw_time stall, total;           /* 0 = 30 s, 300 s */
    const struct cw_egress *egress; /* until done or cancelled */
};

/* Appends "sftp://host:22/in/NAME", which holds no secret; CW_USAGE for an address or a name that cannot be.
 */
bool cw_upload_address(const char *url, const char *name, struct cw_buffer *out, struct cw_error *err);

struct cw_upload;

/* Once, from the loop, unless cancelled. `may_exist` tells with an error whether the file may have its final
 * name all the same: the rename was begun, and its answer is missing. Errors say at which step: the
 * connection, the log-in, writing (with the server's words: full disk, no permission), renaming; and what to
 * do. CW_LIMIT: the server takes no file of that size (552). */
typedef void cw_upload_done_fn(void *arg, bool may_exist, const struct cw_error *err);
/* The bytes are borrowed until done or cancelled, all else is copied. `name`, in UTF-8 of at most 200 bytes,
 * has no slash, backslash or control character, does not begin with a dot, and begins and ends in no blank:
 * otherwise CW_USAGE. */
struct cw_upload *cw_upload_start(struct cw_loop *loop, const struct cw_upload_place *place, const char *name,
                                  struct cw_slice bytes, cw_upload_done_fn *done, void *arg,
                                  struct cw_error *err);

/* The names of what is in the folder, temporary files left out, one a call of `name`, then done. FTP does not
 * say which of them are folders. */
typedef void cw_upload_name_fn(void *arg, struct cw_slice name);
typedef void cw_listed_fn(void *arg, const struct cw_error *err);
struct cw_upload *cw_upload_list(struct cw_loop *loop, const struct cw_upload_place *place,
                                 cw_upload_name_fn *name, cw_listed_fn *done, void *arg,
                                 struct cw_error *err);

void cw_upload_cancel(struct cw_upload *upload); /* no callback */

#endif
