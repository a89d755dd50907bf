/* inbox_folder.c - see inbox.h: a folder of this machine as an inbox. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/inbox_private.h"
#include "adapters/utf8.h"

enum asked { ASKED_NOTHING, ASKED_LIST, ASKED_READ, ASKED_FINISH };

struct folder {
    struct cw_inbox inbox; /* first: &inbox converts back */
    struct cw_loop *loop;
    char *path;
    struct cw_inbox_files files;
    struct cw_inbox_claim claim;

    struct cw_later later;
    enum asked asked;
    char name[CW_INBOX_NAME_MAX + 1];
    enum cw_inbox_end end;
    cw_inbox_entry_fn *on_entry;
    cw_inbox_done_fn *on_done;
    cw_inbox_body_fn *on_body;
    void *arg;
};

/* --- what lies there --- */

struct found {
    char *name;
    uint64_t size;
    cw_time at;
    bool is_claimed;
    const char *refused;
};

struct listing {
    struct folder *folder;
    GArray *found; /* struct found */
    cw_time now;
};

static cw_time time_of(struct timespec time)
{
    return (cw_time)time.tv_sec * CW_SECOND + time.tv_nsec / 1000;
}

/* A lease for reading cannot be had while somebody has the file open for writing. Whoever would open it in
 * the moment for which it is held must not end this process: by default SIGIO does. */
static bool is_open_for_writing(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_open =
        fcntl(fd, F_SETSIG, SIGURG) != 0 ? false : fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
    if (!is_open)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    close(fd);
    return is_open;
}

/* By the time of the last change to the file or its name, which nobody can set. */
static bool is_at_rest(const struct listing *listing, int at, const char *name, const struct stat *about)
{
    cw_time age = listing->now - time_of(about->st_ctim), rest = listing->folder->files.rest;
    return (age >= rest || age < -rest) && !is_open_for_writing(at, name);
}

static bool has_trigger(const struct listing *listing, int at, const char *name)
{
    char names[2][2 * CW_INBOX_NAME_MAX + 1];
    struct stat about;
    if (!cw_inbox_trigger_names(&listing->folder->files, name, names))
        return true;
    return fstatat(at, names[0], &about, AT_SYMLINK_NOFOLLOW) == 0 ||
           fstatat(at, names[1], &about, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A name that is no text is quoted in the way of C. */
static char *shown_name(const char *name, const char *fault)
{
    return fault != NULL ? g_strescape(name, NULL) : g_strdup(name);
}

static void look_at(struct listing *listing, int at, const char *name, bool is_claimed)
{
    struct stat about;
    const struct cw_slice text = cw_slice(name);
    if (cw_inbox_is_left_alone(&listing->folder->files, text) ||
        fstatat(at, name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode))
        return;
    if (!is_claimed && (!has_trigger(listing, at, name) || !is_at_rest(listing, at, name, &about)))
        return;
    const char *fault = cw_inbox_name_fault(text);
    struct found found = { shown_name(name, fault), (uint64_t)about.st_size, time_of(about.st_mtim),
                           is_claimed, fault };
    g_array_append_val(listing->found, found);
}

static bool look_into(struct listing *listing, int fd, bool is_claimed)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* readdir moves what it reads from */
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        look_at(listing, fd, entry->d_name, is_claimed);
    if (dir != NULL)
        closedir(dir);
    return dir != NULL;
}

static void look_into_dead(void *arg, int fd, const char *path)
{
    (void)path;
    look_into(arg, fd, true);
}

/* By name, what is claimed first. */
static int compare_names(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int by_name = strcmp(x->name, y->name);
    if (by_name != 0)
        return by_name;
    if (x->is_claimed != y->is_claimed)
        return x->is_claimed ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int compare_times(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : strcmp(x->name, y->name);
}

/* One that came under the name of another which is still in work/ has its turn after that. */
static void drop_later_ones(GArray *found)
{
    guint kept = 0;
    g_array_sort(found, compare_names);
    for (guint i = 0; i < found->len; i++) {
        struct found *each = &g_array_index(found, struct found, i);
        if (kept > 0 && strcmp(g_array_index(found, struct found, kept - 1).name, each->name) == 0)
            g_free(each->name);
        else
            g_array_index(found, struct found, kept++) = *each;
    }
    g_array_set_size(found, kept);
    g_array_sort(found, compare_times);
}

static bool open_folder(struct folder *folder, struct cw_error *err)
{
    if (folder->claim.folder >= 0)
        return true;
    folder->claim.folder = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->claim.folder >= 0)
        return true;
    if (errno == ENOENT || errno == ENOTDIR)
        return cw_fail(err, CW_NOT_FOUND, "there is no folder %s; make it, or name another one in site.lua",
                       folder->path);
    return cw_fail(err, errno == EACCES ? CW_PERMISSION : CW_IO,
                   "the folder %s cannot be read: %s; let the user who runs cartwright read it and rename "
                   "files in it",
                   folder->path, strerror(errno));
}

/* What cannot be claimed is better said before it is tried. */
static bool may_claim(struct folder *folder, struct cw_error *err)
{
    if (folder->files.only_look || faccessat(folder->claim.folder, ".", W_OK | X_OK, AT_EACCESS) == 0)
        return true;
    return cw_fail(err, CW_PERMISSION,
                   "files in %s cannot be renamed: %s; let the user who runs cartwright write to the folder",
                   folder->path, strerror(errno));
}

static bool gather(struct listing *listing, struct cw_error *err)
{
    struct folder *folder = listing->folder;
    if (!open_folder(folder, err) || !may_claim(folder, err))
        return false;
    if (folder->claim.fd >= 0)
        look_into(listing, folder->claim.fd, true);
    if (!folder->files.only_look)
        cw_inbox_claim_each_dead(&folder->claim, look_into_dead, listing);
    if (!look_into(listing, folder->claim.folder, false))
        return cw_fail(err, CW_IO, "the folder %s cannot be listed: %s", folder->path, strerror(errno));
    drop_later_ones(listing->found);
    return true;
}

static void list(struct folder *folder, cw_inbox_entry_fn *on_entry, cw_inbox_done_fn *on_done, void *arg)
{
    struct cw_error err;
    struct listing listing = { folder, g_array_new(FALSE, FALSE, sizeof(struct found)),
                               cw_now(&cw_system_clock) };
    bool ok = gather(&listing, &err);
    for (guint i = 0; i < listing.found->len; i++) {
        const struct found *found = &g_array_index(listing.found, struct found, i);
        const struct cw_inbox_entry entry = { .name = cw_slice(found->name),
                                              .topic = { "", 0 },
                                              .size = found->size,
                                              .at = found->at,
                                              .refused = found->refused };
        if (ok)
            on_entry(arg, &entry);
        g_free(found->name);
    }
    g_array_free(listing.found, TRUE);
    on_done(arg, ok ? NULL : &err);
}

/* --- taking --- */

/* A trigger says that the file beside it is whole; left there it would say so of the next one. */
static void remove_trigger(struct folder *folder)
{
    char names[2][2 * CW_INBOX_NAME_MAX + 1];
    if (!cw_inbox_trigger_names(&folder->files, folder->name, names))
        return;
    unlinkat(folder->claim.folder, names[0], 0);
    unlinkat(folder->claim.folder, names[1], 0);
}

static struct cw_body *open_claimed(struct folder *folder, struct cw_error *err)
{
    int at = folder->files.only_look ? folder->claim.folder : folder->claim.fd;
    int fd = openat(at, folder->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        return cw_body_open_fd(fd, folder->name, err);
    cw_fail(err,
            errno == ENOENT   ? CW_NOT_FOUND
            : errno == EACCES ? CW_PERMISSION
                              : CW_IO,
            "%s/%s cannot be read: %s%s", folder->path, folder->name, strerror(errno),
            errno == EACCES ? "; let the user who runs cartwright read it" : "");
    return NULL;
}

static struct cw_body *take(struct folder *folder, struct cw_error *err)
{
    if (!open_folder(folder, err))
        return NULL;
    if (folder->files.only_look)
        return open_claimed(folder, err);
    if (!cw_inbox_claim_take(&folder->claim, folder->name, err)) {
        cw_fail_in(err, "%s", folder->path);
        return NULL;
    }
    remove_trigger(folder);
    return open_claimed(folder, err);
}

/* --- finishing --- */

static bool leave(struct folder *folder, struct cw_error *err)
{
    char names[2][2 * CW_INBOX_NAME_MAX + 1];
    bool is_back = false;
    if (!cw_inbox_claim_give_back(&folder->claim, folder->name, &is_back, err))
        return cw_fail_in(err, "%s", folder->path);
    if (is_back && cw_inbox_trigger_names(&folder->files, folder->name, names) &&
        mknodat(folder->claim.folder, names[0], S_IFREG | 0666, 0) != 0 && errno != EEXIST)
        return cw_fail(err, CW_IO, "%s/%s cannot be made again: %s", folder->path, names[0], strerror(errno));
    return true;
}

static bool finish(struct folder *folder, struct cw_error *err)
{
    const char *where = folder->end == CW_INBOX_DONE ? folder->files.done : folder->files.failed;
    if (folder->files.only_look)
        return true;
    if (folder->end == CW_INBOX_LEFT)
        return leave(folder, err);
    if (!open_folder(folder, err) || !cw_inbox_claim_open(&folder->claim, err))
        return false;
    if (!cw_inbox_claim_take(&folder->claim, folder->name, err))
        return err->code == CW_NOT_FOUND || cw_fail_in(err, "%s", folder->path);
    return cw_inbox_claim_finish(&folder->claim, folder->name, where, err) ||
           cw_fail_in(err, "%s", folder->path);
}

/* --- one operation at a time --- */

/* The caller's function comes last: it may ask for the next thing, or free all of it. */
static void perform(void *arg)
{
    struct folder *folder = arg;
    struct cw_error err = { .code = CW_OK };
    enum asked asked = folder->asked;
    void *to = folder->arg;
    folder->asked = ASKED_NOTHING;
    if (asked == ASKED_LIST) {
        list(folder, folder->on_entry, folder->on_done, to);
    } else if (asked == ASKED_READ) {
        cw_inbox_body_fn *on_body = folder->on_body;
        struct cw_body *body = take(folder, &err);
        on_body(to, body, body == NULL ? &err : NULL);
    } else if (asked == ASKED_FINISH) {
        cw_inbox_done_fn *on_done = folder->on_done;
        on_done(to, finish(folder, &err) ? NULL : &err);
    }
}

static bool ask(struct folder *folder, enum asked asked, struct cw_slice name, void *arg,
                struct cw_error *err)
{
    if (folder->asked != ASKED_NOTHING)
        return cw_fail(err, CW_USAGE, "an inbox does one thing at a time");
    if (asked != ASKED_LIST && (name.len == 0 || name.len > CW_INBOX_NAME_MAX || name.data[0] == '.' ||
                                cw_inbox_name_fault(name) != NULL))
        return cw_fail(err, CW_USAGE, "%.*s is no name of a file that an inbox lists",
                       CW_SLICE_ARG(cw_slice_clip(name, 100)));
    snprintf(folder->name, sizeof folder->name, "%.*s", CW_SLICE_ARG(name));
    folder->asked = asked;
    folder->arg = arg;
    cw_loop_later(folder->loop, &folder->later, perform, folder);
    return true;
}

static bool ask_list(struct cw_inbox *inbox, cw_inbox_entry_fn *entry, cw_inbox_done_fn *done, void *arg,
                     struct cw_error *err)
{
    struct folder *folder = (struct folder *)inbox;
    if (!ask(folder, ASKED_LIST, (struct cw_slice){ "", 0 }, arg, err))
        return false;
    folder->on_entry = entry;
    folder->on_done = done;
    return true;
}

static bool ask_read(struct cw_inbox *inbox, struct cw_slice name, cw_inbox_body_fn *done, void *arg,
                     struct cw_error *err)
{
    struct folder *folder = (struct folder *)inbox;
    if (!ask(folder, ASKED_READ, name, arg, err))
        return false;
    folder->on_body = done;
    return true;
}

static bool ask_finish(struct cw_inbox *inbox, struct cw_slice name, enum cw_inbox_end end,
                       cw_inbox_done_fn *done, void *arg, struct cw_error *err)
{
    struct folder *folder = (struct folder *)inbox;
    if (!ask(folder, ASKED_FINISH, name, arg, err))
        return false;
    folder->end = end;
    folder->on_done = done;
    return true;
}

static void cancel(struct cw_inbox *inbox)
{
    struct folder *folder = (struct folder *)inbox;
    cw_later_cancel(folder->loop, &folder->later);
    folder->asked = ASKED_NOTHING;
}

static void free_folder(struct cw_inbox *inbox)
{
    struct folder *folder = (struct folder *)inbox;
    cancel(inbox);
    cw_inbox_claim_close(&folder->claim);
    if (folder->claim.folder >= 0)
        close(folder->claim.folder);
    cw_inbox_files_fini(&folder->files);
    free(folder->path);
    free(folder);
}

struct cw_inbox *cw_inbox_folder_open(struct cw_loop *loop, const char *path,
                                      const struct cw_inbox_files *files, struct cw_error *err)
{
    struct folder *folder = calloc(1, sizeof *folder);
    char *copy = strdup(path);
    if (folder == NULL || copy == NULL) {
        free(folder);
        free(copy);
        cw_fail(err, CW_NOMEM, "no memory for an inbox");
        return NULL;
    }
    folder->inbox = (struct cw_inbox){ true, ask_list, ask_read, ask_finish, cancel, free_folder, NULL };
    folder->loop = loop;
    folder->path = copy;
    folder->claim = (struct cw_inbox_claim){ .folder = -1, .fd = -1, .lock = -1 };
    if (cw_inbox_files_copy(files, &folder->files, err))
        return &folder->inbox;
    free_folder(&folder->inbox);
    return NULL;
}
