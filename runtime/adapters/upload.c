/* upload.c - see upload.h: the loop's side of uploads, and the thread that each of them has. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/upload_private.h"
#include "base/secret.h"

struct cw_upload {
    struct cw_upload_link link; /* the thread's until it has ended */
    pthread_t thread;
    struct cw_watch *watch;
    int end_fd; /* readable once the thread is done */

    char *name; /* NULL = a listing */
    bool ok, may_exist;
    struct cw_error err;

    struct cw_upload_job job; /* work NULL = an upload or a listing */
    cw_upload_done_fn *uploaded;
    cw_upload_name_fn *on_name;
    cw_listed_fn *listed;
    void *arg;
};

static void free_upload(struct cw_upload *upload)
{
    cw_watch_free(upload->watch);
    if (upload->end_fd >= 0)
        close(upload->end_fd);
    cw_upload_link_fini(&upload->link);
    free(upload->name);
    if (upload->job.free != NULL)
        upload->job.free(upload->job.job);
    free(upload);
}

/* --- the thread --- */

static void work(struct cw_upload *upload)
{
    if (upload->job.work != NULL)
        upload->ok = upload->job.work(&upload->link, upload->job.job, &upload->err);
    else if (upload->name != NULL)
        upload->ok = cw_upload_put(&upload->link, upload->name, &upload->may_exist, &upload->err);
    else
        upload->ok = cw_upload_read_names(&upload->link, &upload->err);
}

/* Whoever comes last frees it: the thread of one that was cancelled, else the loop. */
static void *run(void *arg)
{
    struct cw_upload *upload = arg;
    work(upload);
    if (!cw_upload_link_end(&upload->link, upload->end_fd))
        free_upload(upload);
    return NULL;
}

/* Signals are for the thread of the loop. */
static bool start_thread(struct cw_upload *upload, struct cw_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&upload->thread, NULL, run, upload);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why == 0 || cw_fail(err, CW_NOMEM, "no thread for an upload: %s", strerror(why));
}

/* --- the loop's side --- */

static void deliver_names(const struct cw_upload *upload)
{
    struct cw_slice name, answer = cw_buffer_slice(&upload->link.answer);
    while (upload->ok && cw_upload_next_name(&answer, &name))
        upload->on_name(upload->arg, name);
}

/* The caller's function comes last: it may start or free what it likes. */
static void on_end(void *arg, int fd, int events)
{
    (void)fd, (void)events;
    struct cw_upload *upload = arg;
    pthread_join(upload->thread, NULL);
    struct cw_error err = upload->err;
    bool ok = upload->ok, may_exist = upload->may_exist;
    cw_upload_done_fn *uploaded = upload->uploaded;
    cw_listed_fn *listed = upload->listed;
    void *done_arg = upload->arg;
    cw_redact_error(&err);
    const struct cw_upload_job job = upload->job;
    upload->job.free = NULL;
    if (listed != NULL)
        deliver_names(upload);
    free_upload(upload);
    if (job.work != NULL)
        job.done(job.arg, job.job, ok ? NULL : &err);
    if (job.work != NULL)
        job.free(job.job);
    else if (listed != NULL)
        listed(done_arg, ok ? NULL : &err);
    else
        uploaded(done_arg, may_exist, ok ? NULL : &err);
}

static bool begin(struct cw_upload *upload, struct cw_loop *loop, const struct cw_upload_place *place,
                  const char *name, struct cw_slice bytes, struct cw_error *err)
{
    upload->end_fd = -1;
    if (!cw_upload_link_init(&upload->link, place, bytes, err))
        return false;
    if (name != NULL && (upload->name = strdup(name)) == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for an upload");
    upload->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (upload->end_fd < 0)
        return cw_fail(err, CW_IO, "no descriptor for an upload: %s", strerror(errno));
    upload->watch = cw_watch_create(loop, upload->end_fd, CW_READABLE, on_end, upload, err);
    return upload->watch != NULL && start_thread(upload, err);
}

static struct cw_upload *start(const struct cw_upload *what, struct cw_loop *loop,
                               const struct cw_upload_place *place, const char *name, struct cw_slice bytes,
                               struct cw_error *err)
{
    struct cw_upload *upload = malloc(sizeof *upload);
    if (upload == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for an upload");
        if (what->job.free != NULL)
            what->job.free(what->job.job);
        return NULL;
    }
    *upload = *what;
    if (begin(upload, loop, place, name, bytes, err))
        return upload;
    free_upload(upload);
    return NULL;
}

struct cw_upload *cw_upload_start(struct cw_loop *loop, const struct cw_upload_place *place, const char *name,
                                  struct cw_slice bytes, cw_upload_done_fn *done, void *arg,
                                  struct cw_error *err)
{
    const struct cw_upload what = { .uploaded = done, .arg = arg };
    if (!cw_upload_name_check(name, err))
        return NULL;
    return start(&what, loop, place, name, bytes, err);
}

struct cw_upload *cw_upload_list(struct cw_loop *loop, const struct cw_upload_place *place,
                                 cw_upload_name_fn *name, cw_listed_fn *done, void *arg, struct cw_error *err)
{
    const struct cw_upload what = { .on_name = name, .listed = done, .arg = arg };
    return start(&what, loop, place, NULL, (struct cw_slice){ 0 }, err);
}

struct cw_upload *cw_upload_run(struct cw_loop *loop, const struct cw_upload_place *place,
                                const struct cw_upload_job *job, struct cw_error *err)
{
    const struct cw_upload what = { .job = *job };
    return start(&what, loop, place, NULL, (struct cw_slice){ 0 }, err);
}

void cw_upload_cancel(struct cw_upload *upload)
{
    pthread_t thread = upload->thread;
    cw_watch_free(upload->watch);
    upload->watch = NULL;
    if (!cw_upload_link_cancel(&upload->link)) {
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    free_upload(upload);
}
