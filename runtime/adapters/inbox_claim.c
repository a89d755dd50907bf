/* inbox_claim.c - see inbox_private.h: whose a file in work/ is, and how it gets there and away.
 *
 * Each claimer has a folder of its own in work/, in which a file ".lock" is locked as long as it lives: the
 * kernel knows who has died better than any name or number could tell, in other containers too. A file is
 * moved into the claim by one rename, which only one of two can do. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/inbox_private.h"
#include "base/clock.h"

#define LOCK_NAME ".lock"

enum { TRIES_MAX = 100, NUMBERS_MAX = 10000, PATH_CAP = 2 * CW_INBOX_NAME_MAX + 32 };

static enum cw_code code_of(int why)
{
    return why == EACCES || why == EPERM || why == EROFS ? CW_PERMISSION
           : why == ENOENT                               ? CW_NOT_FOUND
                                                         : CW_IO;
}

static const char *advice(int why)
{
    switch (why) {
    case EACCES:
    case EPERM:
    case EROFS:
        return "; let the user who runs cartwright make, rename and remove files in the folder";
    case ENOSPC:
    case EDQUOT:
        return "; make room: the file stays where it is until then";
    case EXDEV:
        return "; the folders beside the files must be in the same file system";
    case EOPNOTSUPP:
    case ENOLCK:
        return "; its file system has no locks, which tell who works on a file";
    default:
        return "";
    }
}

static bool fail_errno(struct cw_error *err, int why, const char *what, const char *name)
{
    return cw_fail(err, code_of(why), "%s %s: %s%s", what, name, strerror(why), advice(why));
}

static bool make_folder(int at, const char *name, struct cw_error *err)
{
    return mkdirat(at, name, 0777) == 0 || errno == EEXIST ||
           fail_errno(err, errno, "the folder cannot be made:", name);
}

/* --- the own claim --- */

static void name_claim(struct cw_inbox_claim *claim)
{
    char host[64] = "";
    if (gethostname(host, sizeof host - 1) != 0 || strchr(host, '/') != NULL || host[0] == '.')
        host[0] = '\0';
    snprintf(claim->name, sizeof claim->name, "%s-%d-%08x", host[0] != '\0' ? host : "host", (int)getpid(),
             (unsigned)cw_random_system_seed());
}

static void close_fds(struct cw_inbox_claim *claim)
{
    if (claim->lock >= 0)
        close(claim->lock);
    if (claim->fd >= 0)
        close(claim->fd);
    claim->lock = claim->fd = -1;
}

/* Somebody may take a claim that is not locked yet for a dead one, and clear it away. */
static bool is_still_there(const struct cw_inbox_claim *claim)
{
    struct stat about;
    return fstat(claim->lock, &about) == 0 && about.st_nlink > 0;
}

/* *again: it was cleared away meanwhile. */
static bool try_claim(struct cw_inbox_claim *claim, bool *again, struct cw_error *err)
{
    char path[PATH_CAP];
    name_claim(claim);
    snprintf(path, sizeof path, CW_INBOX_WORK "/%s", claim->name);
    if (!make_folder(claim->folder, CW_INBOX_WORK, err) || !make_folder(claim->folder, path, err))
        return false;
    claim->fd = openat(claim->folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (claim->fd >= 0)
        claim->lock =
            openat(claim->fd, LOCK_NAME, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    *again = claim->lock < 0 && errno == ENOENT;
    if (claim->lock < 0)
        return fail_errno(err, errno, "a file cannot be made in", path);
    if (flock(claim->lock, LOCK_EX | LOCK_NB) != 0 && errno != EWOULDBLOCK)
        return fail_errno(err, errno, "no lock can be had in", path);
    *again = !is_still_there(claim);
    return !*again;
}

bool cw_inbox_claim_open(struct cw_inbox_claim *claim, struct cw_error *err)
{
    bool again = true;
    if (claim->fd >= 0)
        return true;
    for (unsigned i = 0; i < TRIES_MAX && again; i++) {
        if (try_claim(claim, &again, err))
            return true;
        close_fds(claim);
    }
    return again ? cw_fail(err, CW_CONFLICT, "others clear away what is made in " CW_INBOX_WORK "/") : false;
}

/* The lock goes first, and comes back when a file lies there after all. */
static void remove_empty(int folder, int fd, const char *path)
{
    DIR *dir = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    unsigned files = 0;
    for (const struct dirent *each; dir != NULL && (each = readdir(dir)) != NULL;)
        files += strcmp(each->d_name, ".") != 0 && strcmp(each->d_name, "..") != 0 &&
                 strcmp(each->d_name, LOCK_NAME) != 0;
    if (dir != NULL && files == 0) {
        unlinkat(fd, LOCK_NAME, 0);
        unlinkat(folder, path, AT_REMOVEDIR);
    }
    if (dir != NULL)
        closedir(dir);
}

void cw_inbox_claim_close(struct cw_inbox_claim *claim)
{
    char path[PATH_CAP];
    snprintf(path, sizeof path, CW_INBOX_WORK "/%s", claim->name);
    if (claim->fd >= 0)
        remove_empty(claim->folder, claim->fd, path);
    close_fds(claim);
}

/* --- those of others --- */

/* The lock of a claim whose claimer has died, held; -1 = it lives. */
static int lock_of_dead(int fd, int folder, const char *path)
{
    int lock = openat(fd, LOCK_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0) { /* it is being made, or cleared away; else somebody put it there by hand */
        if (unlinkat(folder, path, AT_REMOVEDIR) == 0)
            return -1;
        lock = openat(fd, LOCK_NAME, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    }
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0)
        return lock;
    close(lock);
    return -1;
}

static void visit(const struct cw_inbox_claim *claim, const char *name, cw_inbox_dead_fn *each, void *arg)
{
    char path[PATH_CAP];
    snprintf(path, sizeof path, CW_INBOX_WORK "/%s", name);
    int fd = openat(claim->folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int lock = fd >= 0 ? lock_of_dead(fd, claim->folder, path) : -1;
    if (lock >= 0) {
        each(arg, fd, path);
        remove_empty(claim->folder, fd, path);
        close(lock);
    }
    if (fd >= 0)
        close(fd);
}

void cw_inbox_claim_each_dead(const struct cw_inbox_claim *claim, cw_inbox_dead_fn *each, void *arg)
{
    int fd = openat(claim->folder, CW_INBOX_WORK, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL && fd >= 0)
        close(fd);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            (claim->fd < 0 || strcmp(entry->d_name, claim->name) != 0))
            visit(claim, entry->d_name, each, arg);
    if (dir != NULL)
        closedir(dir);
}

/* --- taking --- */

struct taking {
    const struct cw_inbox_claim *claim;
    const char *name;
    bool taken;
};

static bool is_regular(int at, const char *name)
{
    struct stat about;
    return fstatat(at, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(about.st_mode);
}

static void take_from_dead(void *arg, int fd, const char *path)
{
    struct taking *taking = arg;
    (void)path;
    if (!taking->taken && is_regular(fd, taking->name))
        taking->taken = renameat(fd, taking->name, taking->claim->fd, taking->name) == 0;
}

/* What was put in the file's place since it was listed goes back there. */
static bool take_from_folder(const struct cw_inbox_claim *claim, const char *name, struct cw_error *err)
{
    if (renameat(claim->folder, name, claim->fd, name) != 0)
        return errno == ENOENT ? cw_fail(err, CW_NOT_FOUND, "%s: somebody else took it", name)
                               : fail_errno(err, errno, "the file cannot be claimed:", name);
    if (is_regular(claim->fd, name))
        return true;
    renameat2(claim->fd, name, claim->folder, name, RENAME_NOREPLACE);
    return cw_fail(err, CW_REFUSED, "%s is no file any more", name);
}

bool cw_inbox_claim_take(struct cw_inbox_claim *claim, const char *name, struct cw_error *err)
{
    struct taking taking = { claim, name, false };
    if (!cw_inbox_claim_open(claim, err))
        return false;
    if (is_regular(claim->fd, name))
        return true;
    cw_inbox_claim_each_dead(claim, take_from_dead, &taking);
    return taking.taken || take_from_folder(claim, name, err);
}

/* --- finishing --- */

/* Some file systems cannot rename without replacing: a second name, and then not the first. */
static int move_new(int from, const char *name, int to, const char *new_name)
{
    if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (linkat(from, name, to, new_name, 0) != 0)
        return errno;
    return unlinkat(from, name, 0) == 0 ? 0 : errno;
}

static bool move_numbered(const struct cw_inbox_claim *claim, const char *name, int to, const char *where,
                          struct cw_error *err)
{
    char numbered[CW_INBOX_NAME_MAX + 1];
    int why = EEXIST;
    for (unsigned i = 1; i <= NUMBERS_MAX && why == EEXIST; i++) {
        cw_inbox_number(name, i, numbered);
        why = move_new(claim->fd, name, to, numbered);
    }
    if (why == 0 || (why == ENOENT && !is_regular(claim->fd, name)))
        return true;
    fail_errno(err, why, "it cannot be moved to", where);
    return cw_fail_in(err, "%s", name);
}

bool cw_inbox_claim_give_back(struct cw_inbox_claim *claim, const char *name, bool *back,
                              struct cw_error *err)
{
    int why = claim->fd >= 0 ? move_new(claim->fd, name, claim->folder, name) : ENOENT;
    *back = why == 0;
    if (why == 0 || why == EEXIST || why == ENOENT)
        return true;
    return fail_errno(err, why, "it cannot be moved back:", name);
}

bool cw_inbox_claim_finish(struct cw_inbox_claim *claim, const char *name, const char *where,
                           struct cw_error *err)
{
    if (where[0] == '\0')
        return unlinkat(claim->fd, name, 0) == 0 || errno == ENOENT ||
               fail_errno(err, errno, "the file cannot be removed:", name);
    if (!make_folder(claim->folder, where, err))
        return cw_fail_in(err, "%s", name);
    int to = openat(claim->folder, where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to < 0) {
        fail_errno(err, errno, "it cannot be moved to", where);
        return cw_fail_in(err, "%s", name);
    }
    bool ok = move_numbered(claim, name, to, where, err);
    close(to);
    return ok;
}
