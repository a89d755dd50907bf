/* inbox.h - places where whole files or mails lie until they are taken: folders here and on servers,
 * mailboxes, notices of shops, and those of tests.
 *
 * Whoever takes an entry reads it, stores its bytes, and only then finishes it; an inbox that is asked again
 * after a crash lists it again, until it is finished. Between two that share an inbox an entry is claimed
 * where that is possible: then one of them gets it, the other one CW_NOT_FOUND.
 *
 * One operation at a time for each inbox. Callbacks run once, from the loop, never from inside the call that
 * began them, and not at all after cw_inbox_cancel.
 */
#ifndef CW_ADAPTERS_INBOX_H
#define CW_ADAPTERS_INBOX_H

#include "adapters/body.h"
#include "adapters/loop.h"

/* Valid during the call that hands it over. */
struct cw_inbox_entry {
    struct cw_slice name; /* the same as long as it lies there, never another's */
    uint64_t size;        /* bytes */
    cw_time at;           /* CW_TIME_NONE = not known */
};

enum cw_inbox_end {
    CW_INBOX_DONE,  /* stored */
    CW_INBOX_FAILED /* set aside for a person */
};

/* `err` NULL = all were told. */
typedef void cw_inbox_entry_fn(void *arg, const struct cw_inbox_entry *entry);
typedef void cw_inbox_done_fn(void *arg, const struct cw_error *err);
/* Exactly one of body and err is NULL; the callback owns the body. */
typedef void cw_inbox_body_fn(void *arg, struct cw_body *body, const struct cw_error *err);

struct cw_inbox {
    /* Entries that are at rest, oldest first. */
    bool (*list)(struct cw_inbox *inbox, cw_inbox_entry_fn *entry, cw_inbox_done_fn *done, void *arg,
                 struct cw_error *err);
    /* Claims it, and reads all of it. */
    bool (*read)(struct cw_inbox *inbox, struct cw_slice name, cw_inbox_body_fn *done, void *arg,
                 struct cw_error *err);
    /* Moves or removes it. One that is finished already is no error. */
    bool (*finish)(struct cw_inbox *inbox, struct cw_slice name, enum cw_inbox_end end,
                   cw_inbox_done_fn *done, void *arg, struct cw_error *err);
    void (*cancel)(struct cw_inbox *inbox); /* what is on its way; nothing else may be under way after it */
    void (*free)(struct cw_inbox *inbox);
};

/* Told, from the loop, when something may have come: entries are to be listed. */
struct cw_inbox_watch;
void cw_inbox_watch_free(struct cw_inbox_watch *watch); /* accepts NULL */

#endif
