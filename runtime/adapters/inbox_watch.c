/* inbox_watch.c - see inbox.h: told by the kernel (inotify) when something was put into a folder of this
 * machine. */
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/inbox_private.h"

/* Many files that come together are told of once. */
static const cw_time gather_time = 500 * CW_MILLISECOND, look_again = CW_MINUTE, left_soon = CW_MINUTE;
enum { EVENTS = 64, SEEN_MAX = 256 };

/* A file that came. */
struct seen {
    dev_t device;
    ino_t number;
    off_t size;
    struct timespec changed;
    int64_t at_ns; /* by the loop's monotonic clock */
};

struct folder_watch {
    struct cw_inbox_watch watch; /* first: &watch converts back */
    struct cw_loop *loop;
    char *path;
    cw_time rest;
    int fd, id; /* id -1: the folder is not there */
    struct cw_watch *readable;
    struct cw_timer *tell, *again;
    bool is_told_soon;
    struct seen seen[SEEN_MAX]; /* the last ones, in a ring */
    size_t seen_count;
    cw_inbox_came_fn *came;
    void *arg;
};

void cw_inbox_watch_free(struct cw_inbox_watch *watch)
{
    if (watch != NULL)
        watch->free(watch);
}

static void tell_soon(struct folder_watch *folder)
{
    if (folder->is_told_soon)
        return;
    folder->is_told_soon = true;
    cw_timer_set(folder->tell, gather_time);
}

static void tell(void *arg)
{
    struct folder_watch *folder = arg;
    folder->is_told_soon = false;
    folder->came(folder->arg, cw_now(cw_loop_clock(folder->loop)) + folder->rest);
}

/* Of another folder at the same path as well: what lies there came while nobody looked. */
static void watch_folder(void *arg)
{
    struct folder_watch *folder = arg;
    folder->id = inotify_add_watch(folder->fd, folder->path,
                                   IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                                       IN_ONLYDIR);
    if (folder->id >= 0)
        tell_soon(folder);
    else
        cw_timer_set(folder->again, look_again);
}

static void lose_folder(struct folder_watch *folder)
{
    if (folder->id >= 0)
        inotify_rm_watch(folder->fd, folder->id);
    folder->id = -1;
    cw_timer_set(folder->again, look_again);
}

static bool is_same(const struct seen *a, const struct seen *b)
{
    return a->device == b->device && a->number == b->number && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* A file that a run took, and left: it comes back as it was, and would wake the next run for ever. */
static bool comes_back(struct folder_watch *folder, const struct inotify_event *event)
{
    struct stat about;
    char *path = g_build_filename(folder->path, event->name, NULL);
    bool is_there = lstat(path, &about) == 0;
    g_free(path);
    if (!is_there)
        return false;
    const struct seen now = { about.st_dev, about.st_ino, about.st_size, about.st_mtim,
                              cw_elapsed_ns(cw_loop_clock(folder->loop)) };
    for (size_t i = 0; i < SEEN_MAX && i < folder->seen_count; i++)
        if (is_same(&folder->seen[i], &now) && (event->mask & IN_MOVED_TO) &&
            now.at_ns - folder->seen[i].at_ns < (left_soon + folder->rest) * 1000)
            return true;
    folder->seen[folder->seen_count++ % SEEN_MAX] = now;
    return false;
}

static void note(struct folder_watch *folder, const struct inotify_event *event)
{
    static const struct cw_inbox_files any = { 0 };
    struct cw_slice name = event->len > 0 ? cw_slice(event->name) : (struct cw_slice){ "", 0 };
    if (event->mask & IN_Q_OVERFLOW)
        tell_soon(folder);
    else if (event->wd != folder->id)
        return; /* of one that was lost */
    else if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
        lose_folder(folder);
    else if (!(event->mask & IN_ISDIR) && !cw_inbox_is_left_alone(&any, name) && !comes_back(folder, event))
        tell_soon(folder);
}

static void on_readable(void *arg, int fd, int events)
{
    (void)events;
    struct folder_watch *folder = arg;
    _Alignas(struct inotify_event) char bytes[EVENTS * (sizeof(struct inotify_event) + 256)];
    ssize_t got = read(fd, bytes, sizeof bytes);
    for (ssize_t at = 0; at < got;) {
        const struct inotify_event *event = (const void *)(bytes + at);
        at += (ssize_t)(sizeof *event + event->len);
        note(folder, event);
    }
}

static void free_watch(struct cw_inbox_watch *watch)
{
    struct folder_watch *folder = (struct folder_watch *)watch;
    cw_watch_free(folder->readable);
    cw_timer_free(folder->tell);
    cw_timer_free(folder->again);
    if (folder->fd >= 0)
        close(folder->fd);
    free(folder->path);
    free(folder);
}

static bool begin(struct folder_watch *folder, struct cw_error *err)
{
    folder->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (folder->fd < 0)
        return cw_fail(err, CW_IO,
                       "%s cannot be watched: %s; the schedule looks after it (fs.inotify.max_user_instances "
                       "says how many may watch)",
                       folder->path, strerror(errno));
    folder->readable = cw_watch_create(folder->loop, folder->fd, CW_READABLE, on_readable, folder, err);
    folder->tell = folder->readable != NULL ? cw_timer_create(folder->loop, tell, folder, err) : NULL;
    folder->again = folder->tell != NULL ? cw_timer_create(folder->loop, watch_folder, folder, err) : NULL;
    return folder->again != NULL;
}

struct cw_inbox_watch *cw_inbox_folder_watch(struct cw_loop *loop, const char *path, cw_time rest,
                                             cw_inbox_came_fn *came, void *arg, struct cw_error *err)
{
    struct folder_watch *folder = calloc(1, sizeof *folder);
    char *copy = strdup(path);
    if (folder == NULL || copy == NULL) {
        free(folder);
        free(copy);
        cw_fail(err, CW_NOMEM, "no memory for watching a folder");
        return NULL;
    }
    *folder = (struct folder_watch){ .watch = { free_watch },
                                     .loop = loop,
                                     .path = copy,
                                     .rest = rest,
                                     .fd = -1,
                                     .id = -1,
                                     .came = came,
                                     .arg = arg };
    if (begin(folder, err)) {
        watch_folder(folder);
        return &folder->watch;
    }
    free_watch(&folder->watch);
    return NULL;
}
