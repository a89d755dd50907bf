/* sqlite_listen.c - how processes on one file hear of each other: a small file beside it, which whoever has
 * news touches and listeners watch. It holds nothing, and may be removed. */
#include "adapters/sqlite_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0600 };

/* "store.db-wake", to be freed. */
static char *wake_path(const struct cw_sqlite *s)
{
    size_t cap = strlen(s->path) + sizeof "-wake";
    char *path = malloc(cap);
    if (path != NULL)
        sqlite3_snprintf((int)cap, path, "%s-wake", s->path);
    return path;
}

static bool touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE);
    bool ok = fd >= 0 && futimens(fd, NULL) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

void cw_sqlite_tell(struct cw_sqlite *s)
{
    s->must_tell = true;
}

/* Whoever is not told looks by itself within the minute, so nothing is lost where this fails. */
void cw_sqlite_told(struct cw_sqlite *s)
{
    char *path = s->must_tell ? wake_path(s) : NULL;
    if (path != NULL)
        touch(path);
    free(path);
}

static void hear(void *arg, int fd, int events)
{
    (void)events;
    struct cw_sqlite *s = arg;
    char notices[1024];
    while (read(fd, notices, sizeof notices) > 0)
        ;
    s->heard(s->heard_arg);
}

static int open_ear(const char *path, struct cw_error *err)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0 && touch(path) && inotify_add_watch(fd, path, IN_ATTRIB) >= 0)
        return fd;
    cw_fail(err, CW_IO, "%s cannot be watched: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

void cw_sqlite_stop_listening(struct cw_sqlite *s)
{
    if (s->ear == NULL)
        return;
    cw_watch_free(s->ear);
    close(s->ear_fd);
    s->ear = NULL;
}

bool cw_sqlite_listen(struct cw_store *store, cw_loop_fn *heard, void *arg, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    cw_sqlite_stop_listening(s);
    if (heard == NULL)
        return true;
    char *path = wake_path(s);
    if (path == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory to listen");
    s->heard = heard;
    s->heard_arg = arg;
    s->ear_fd = open_ear(path, err);
    free(path);
    if (s->ear_fd < 0)
        return false;
    s->ear = cw_watch_create(store->loop, s->ear_fd, CW_READABLE, hear, s, err);
    if (s->ear == NULL)
        close(s->ear_fd);
    return s->ear != NULL;
}
