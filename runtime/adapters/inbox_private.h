/* inbox_private.h - what inboxes of files share: inbox_folder.c lists and reads, inbox_claim.c claims, moves
 * and removes, inbox_names.c says which names are files that were put there to be taken. */
#ifndef CW_ADAPTERS_INBOX_PRIVATE_H
#define CW_ADAPTERS_INBOX_PRIVATE_H

#include "adapters/inbox.h"

#define CW_INBOX_WORK "work"

enum { CW_INBOX_NAME_MAX = 255 }; /* bytes */

/* --- inbox_names.c --- */

/* A copy of `files` that owns its texts. */
bool cw_inbox_files_copy(const struct cw_inbox_files *files, struct cw_inbox_files *out,
                         struct cw_error *err);
void cw_inbox_files_fini(struct cw_inbox_files *files);

/* Of somebody who is still writing; hidden; or a trigger. */
bool cw_inbox_is_left_alone(const struct cw_inbox_files *files, struct cw_slice name);
bool cw_inbox_matches(const char *pattern, struct cw_slice name);
/* NULL = it can be taken; else what is wrong with it. */
const char *cw_inbox_name_fault(struct cw_slice name);
/* The two names that a trigger of the file may have: "a.xml.ok" and "a.ok". */
bool cw_inbox_trigger_names(const struct cw_inbox_files *files, const char *name,
                            char out[2][2 * CW_INBOX_NAME_MAX + 1]);
/* The name with a number before its extension; 1 = as it is. */
void cw_inbox_number(const char *name, unsigned number, char out[CW_INBOX_NAME_MAX + 1]);

/* --- inbox_claim.c --- */

/* The folder that one claimer has below work/, and its lock. */
struct cw_inbox_claim {
    int folder; /* of all */
    int fd;     /* of the claim; -1 = there is none yet */
    int lock;
    char name[CW_INBOX_NAME_MAX + 1];
};

/* Makes it where there is none. */
bool cw_inbox_claim_open(struct cw_inbox_claim *claim, struct cw_error *err);
/* What lies in it stays, for others to claim; an empty one goes. */
void cw_inbox_claim_close(struct cw_inbox_claim *claim);

/* The claims of those who have died; `each` gets the folder of each, and its path below the inbox. */
typedef void cw_inbox_dead_fn(void *arg, int fd, const char *path);
void cw_inbox_claim_each_dead(const struct cw_inbox_claim *claim, cw_inbox_dead_fn *each, void *arg);

/* Moves a file into the claim: from the folder, or of one who has died. CW_NOT_FOUND: somebody else has it.
 */
bool cw_inbox_claim_take(struct cw_inbox_claim *claim, const char *name, struct cw_error *err);
/* From the claim back to the folder, unless another file has come there under its name. *back: it lies there.
 */
bool cw_inbox_claim_give_back(struct cw_inbox_claim *claim, const char *name, bool *back,
                              struct cw_error *err);
/* From the claim to `where` ("done"; "" = it is removed). */
bool cw_inbox_claim_finish(struct cw_inbox_claim *claim, const char *name, const char *where,
                           struct cw_error *err);

#endif
