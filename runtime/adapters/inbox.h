/* inbox.h - places where whole files or mails lie until they are taken: folders here and on servers,
 * mailboxes, notices of shops, and those of tests.
 *
 * Whoever takes an entry reads it, stores its bytes, and only then finishes it; an inbox that is asked again
 * after a crash lists it again, until it is finished. Between two that share an inbox an entry is claimed
 * where that is possible: then one of them gets it, the other one CW_NOT_FOUND.
 *
 * One operation at a time for each inbox. Callbacks run once, from the loop, never from inside the call that
 * began them, and not at all after cancel or free.
 */
#ifndef CW_ADAPTERS_INBOX_H
#define CW_ADAPTERS_INBOX_H

#include "adapters/body.h"
#include "adapters/loop.h"

enum { CW_INBOX_LIST_MAX = 10000 };

/* Valid during the call that hands it over. */
struct cw_inbox_entry {
    struct cw_slice name;  /* the same as long as it lies there, never another's */
    struct cw_slice topic; /* of a notice; else empty */
    uint64_t size;         /* bytes */
    cw_time at;            /* CW_TIME_NONE = not known */
    const char *refused;   /* why it is not to be had, for a person; NULL = it can be read */
};

enum cw_inbox_end {
    CW_INBOX_DONE,   /* stored */
    CW_INBOX_FAILED, /* set aside for a person */
    CW_INBOX_LEFT    /* not taken after all: back to where it lay, to be listed again; only where `claims` */
};

/* `err` NULL = all were told. */
typedef void cw_inbox_entry_fn(void *arg, const struct cw_inbox_entry *entry);
typedef void cw_inbox_done_fn(void *arg, const struct cw_error *err);
/* Exactly one of body and err is NULL; the callback owns the body. */
typedef void cw_inbox_body_fn(void *arg, struct cw_body *body, const struct cw_error *err);

struct cw_inbox {
    bool claims; /* what is read is moved, and must be finished, or moved back by CW_INBOX_LEFT */
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
    void (*free)(struct cw_inbox *inbox);   /* cancels; what was claimed and not finished can be claimed */
    /* Where a list tells at most CW_INBOX_LIST_MAX entries at once: the next ones, behind this one. One that
     * is gone is no place to go on from everywhere. NULL = a list tells all there is. */
    bool (*list_behind)(struct cw_inbox *inbox, struct cw_slice name, cw_inbox_entry_fn *entry,
                        cw_inbox_done_fn *done, void *arg, struct cw_error *err);
};

/* Where files are taken from and go to; texts are copied by whoever opens it. */
struct cw_inbox_files {
    cw_time rest;        /* how long a file must have been left alone */
    const char *trigger; /* ".ok": only files beside which one of this extension lies; NULL = all */
    const char *pattern; /* "*.xml", with * and ?; NULL = all */
    const char *done;    /* the folder's name beside them; "" = they are removed */
    const char *failed;  /* likewise */
    bool only_look;      /* a dry run: nothing is claimed, moved or removed */
};

/* A folder of this machine. A file that was not changed for `rest`, and that nobody has open for writing, is
 * claimed by a rename into work/CLAIM/, a folder that its claimer holds a lock on; of a claimer that has
 * died, the kernel gives back the lock, and what lies there is listed again. Links, folders, pipes and
 * devices, names that begin with a dot, and those of temporary files are left alone; a name that is no text
 * is refused. What lies in done/ is never overwritten: "orders.xml", "orders.2.xml". A trigger is removed
 * when its file is claimed, and made again, empty, when that is left. One that is left while another has come
 * under its name stays in work/ until that is taken. All of it is at once: nothing waits but for the disk. */
struct cw_inbox *cw_inbox_folder_open(struct cw_loop *loop, const char *path,
                                      const struct cw_inbox_files *files, struct cw_error *err);

/* --- being told --- */

/* From the loop: something may have come, and can be taken from `at` on. */
typedef void cw_inbox_came_fn(void *arg, cw_time at);
struct cw_inbox_watch {
    void (*free)(struct cw_inbox_watch *watch);
};
void cw_inbox_watch_free(struct cw_inbox_watch *watch); /* accepts NULL */

/* Of a folder of this machine; of one that another machine writes to, the system tells nothing. Tells once
 * when it begins, for what came while nobody watched. A file that is left, and so comes back as it was within
 * a minute, is not told again. A folder that is moved away, or made later, is watched
 * again within a minute. */
struct cw_inbox_watch *cw_inbox_folder_watch(struct cw_loop *loop, const char *path, cw_time rest,
                                             cw_inbox_came_fn *came, void *arg, struct cw_error *err);

#endif
