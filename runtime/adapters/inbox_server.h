/* inbox_server.h - the thread's side of inbox_remote.c: what is done on one connection to a server of files.
 */
#ifndef CW_ADAPTERS_INBOX_SERVER_H
#define CW_ADAPTERS_INBOX_SERVER_H

#include <glib.h>

#include "adapters/inbox_private.h"
#include "adapters/upload_private.h"

enum cw_trip_kind { CW_TRIP_LIST, CW_TRIP_READ, CW_TRIP_FINISH };

/* A file on the server. */
struct cw_remote_file {
    char *name;
    char *line; /* of the server's own listing; NULL = it shows none for this name */
    uint64_t size;
    cw_time at;
    bool is_claimed;
};

/* All that a trip needs, and what it brings. */
struct cw_trip {
    enum cw_trip_kind kind;
    const struct cw_inbox_files *files; /* copied */
    struct cw_inbox_files own_files;
    char *name;
    bool is_claimed; /* it lies in work/ already */
    enum cw_inbox_end end;
    GArray *found; /* struct cw_remote_file, oldest first */
    struct cw_body *body;
};

struct cw_trip *cw_trip_create(enum cw_trip_kind kind, const struct cw_inbox_files *files,
                               struct cw_slice name, struct cw_error *err);
void cw_trip_free(void *trip);
/* A cw_upload_work_fn. */
bool cw_trip_make(struct cw_upload_link *link, void *trip, struct cw_error *err);

#endif
