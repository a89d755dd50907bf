/* inbox_remote.h - folders on other people's servers as inboxes, by FTP, FTP with TLS and SFTP.
 *
 * What inbox.h says of folders, as far as such servers go: a file is at rest when two listings, `rest` apart,
 * give it the same size and time; it is claimed by a rename into work/, of which a server lets only one
 * succeed, and moved on from there. Nobody locks anything there: two sites that share a folder must not run
 * at the same time, since what lies in work/ is whoever's who lists it next. Each operation is one
 * connection, with a thread of its own as in upload.h; addresses, log-in, limits and errors are those of
 * uploads.
 */
#ifndef CW_ADAPTERS_INBOX_REMOTE_H
#define CW_ADAPTERS_INBOX_REMOTE_H

#include "adapters/inbox.h"
#include "adapters/upload.h"

/* Copies the place, but for its egress rules, which must outlive the inbox. */
struct cw_inbox *cw_inbox_remote_open(struct cw_loop *loop, const struct cw_upload_place *place,
                                      const struct cw_inbox_files *files, struct cw_error *err);

#endif
