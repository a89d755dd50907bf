/* mailbox.c - see mailbox.h: the loop's side of mailboxes, and the thread that each operation has. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/mailbox_private.h"
#include "base/secret.h"

/* What a thread has, and nobody else until it has ended; one that was cancelled frees it. */
struct job {
    struct cw_mailbox_link *link;
    struct cw_mailbox_work work;
    bool ok;
    struct cw_error err;
    int end_fd; /* readable once the thread is done */
};

struct mailbox {
    struct cw_inbox inbox; /* first: the two convert into each other */
    struct cw_loop *loop;
    struct cw_mailbox_link *link;    /* NULL while a job has it */
    struct cw_mailbox_link *pattern; /* never connected: what a new link is made of */

    struct job *job; /* NULL = nothing is under way */
    pthread_t thread;
    struct cw_watch *watch;
    cw_inbox_entry_fn *on_entry;
    cw_inbox_done_fn *on_done;
    cw_inbox_body_fn *on_body;
    void *arg;
};

/* --- links --- */

static void free_link(struct cw_mailbox_link *link)
{
    if (link == NULL)
        return;
    cw_mailbox_link_fini(link);
    free(link);
}

static struct cw_mailbox_link *create_link(const struct cw_mailbox_place *place, struct cw_error *err)
{
    struct cw_mailbox_link *link = malloc(sizeof *link);
    if (link == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a mailbox");
        return NULL;
    }
    if (cw_mailbox_link_init(link, place, err))
        return link;
    free_link(link);
    return NULL;
}

/* --- the thread --- */

static bool work_once(struct job *job)
{
    struct cw_mailbox_link *link = job->link;
    if (link->easy == NULL && !cw_mailbox_link_connect(link, &job->err))
        return false;
    return cw_mailbox_is_imap(&link->url) ? cw_imap_work(link, &job->work, &job->err)
                                          : cw_pop3_work(link, &job->work, &job->err);
}

static void forget_answer(struct cw_mailbox_work *work)
{
    cw_body_free(work->body);
    work->body = NULL;
    cw_buffer_clear(&work->entries);
    work->entry_count = 0;
}

/* Everything that is done may be done again: moving what was moved moves nothing. */
static void work_through(struct job *job)
{
    bool was_open = job->link->easy != NULL;
    job->link->begun_ns = cw_elapsed_ns(&cw_system_clock);
    job->ok = work_once(job);
    if (!job->ok && job->err.code == CW_IO && was_open) {
        cw_mailbox_link_disconnect(job->link);
        forget_answer(&job->work);
        job->ok = work_once(job);
    }
    if (!job->ok && (job->err.code == CW_IO || job->err.code == CW_TIMEOUT || job->err.code == CW_CANCELLED ||
                     job->err.code == CW_NOMEM))
        cw_mailbox_link_disconnect(job->link); /* nobody knows what the server would say next */
}

static void free_job(struct job *job)
{
    forget_answer(&job->work);
    cw_buffer_fini(&job->work.entries);
    free(job->work.name);
    free_link(job->link);
    if (job->end_fd >= 0)
        close(job->end_fd);
    free(job);
}

static void *run(void *arg)
{
    struct job *job = arg;
    work_through(job);
    if (!cw_mailbox_link_end(job->link, job->end_fd))
        free_job(job);
    return NULL;
}

/* Signals are for the thread of the loop. */
static bool start_thread(struct mailbox *mailbox, struct cw_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&mailbox->thread, NULL, run, mailbox->job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why == 0 || cw_fail(err, CW_NOMEM, "no thread for a mailbox: %s", strerror(why));
}

/* --- entries --- */

bool cw_mailbox_add(struct cw_mailbox_work *work, struct cw_slice name, uint64_t size, cw_time at,
                    struct cw_error *err)
{
    const struct cw_mailbox_found found = { .size = size, .at = at, .len = name.len };
    if (!cw_buffer_add(&work->entries, &found, sizeof found, err) ||
        !cw_buffer_add(&work->entries, name.data, name.len, err))
        return false;
    work->entry_count++;
    return true;
}

bool cw_mailbox_is_full(const struct cw_mailbox_work *work)
{
    return work->entry_count >= CW_INBOX_LIST_MAX;
}

bool cw_mailbox_gone(const struct cw_mailbox_link *link, const char *name, struct cw_error *err)
{
    return cw_fail(err, CW_NOT_FOUND,
                   "%s: the mail %.100s is not there any more: somebody moved or removed it", link->url.where,
                   name);
}

static void tell_entries(const struct cw_mailbox_work *work, cw_inbox_entry_fn *on_entry, void *arg)
{
    const char *at = work->entries.data;
    for (size_t i = 0; i < work->entry_count; i++) {
        struct cw_mailbox_found found;
        memcpy(&found, at, sizeof found);
        const struct cw_inbox_entry entry = { .name = { at + sizeof found, found.len },
                                              .size = found.size,
                                              .at = found.at };
        on_entry(arg, &entry);
        at += sizeof found + found.len;
    }
}

/* --- the loop's side --- */

/* The caller's function comes last: it may start or free what it likes. */
static void on_end(void *arg, int fd, int events)
{
    (void)fd, (void)events;
    struct mailbox *mailbox = arg;
    struct job *job = mailbox->job;
    cw_inbox_done_fn *on_done = mailbox->on_done;
    cw_inbox_body_fn *on_body = mailbox->on_body;
    void *done_arg = mailbox->arg;
    pthread_join(mailbox->thread, NULL);
    cw_watch_free(mailbox->watch);
    mailbox->watch = NULL;
    mailbox->job = NULL;
    mailbox->link = job->link;
    mailbox->link->ended = false;
    job->link = NULL;
    struct cw_error err = job->err;
    struct cw_body *body = job->ok ? job->work.body : NULL;
    bool ok = job->ok;
    if (ok)
        job->work.body = NULL;
    cw_redact_error(&err);
    if (ok && mailbox->on_entry != NULL)
        tell_entries(&job->work, mailbox->on_entry, done_arg);
    free_job(job);
    if (on_body != NULL)
        on_body(done_arg, body, ok ? NULL : &err);
    else
        on_done(done_arg, ok ? NULL : &err);
}

static bool prepare(struct mailbox *mailbox, struct job *job, struct cw_slice name, struct cw_error *err)
{
    if (memchr(name.data != NULL ? name.data : "", '\0', name.len) != NULL)
        return cw_fail(err, CW_USAGE, "a mail's name has no zero byte");
    job->work.name = strndup(name.data != NULL ? name.data : "", name.len);
    if (job->work.name == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a mailbox");
    if (mailbox->link == NULL)
        mailbox->link = create_link(&mailbox->pattern->place, err);
    if (mailbox->link == NULL)
        return false;
    job->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (job->end_fd < 0)
        return cw_fail(err, CW_IO, "no descriptor for a mailbox: %s", strerror(errno));
    mailbox->watch = cw_watch_create(mailbox->loop, job->end_fd, CW_READABLE, on_end, mailbox, err);
    return mailbox->watch != NULL;
}

static void give_up(struct mailbox *mailbox, struct job *job)
{
    cw_watch_free(mailbox->watch);
    mailbox->watch = NULL;
    mailbox->job = NULL;
    free_job(job);
}

static bool start(struct mailbox *mailbox, const struct cw_mailbox_work *what, struct cw_slice name,
                  struct cw_error *err)
{
    if (mailbox->job != NULL)
        return cw_fail(err, CW_USAGE, "a mailbox does one thing at a time");
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a mailbox");
    job->work = *what;
    job->end_fd = -1;
    if (!prepare(mailbox, job, name, err)) {
        give_up(mailbox, job);
        return false;
    }
    mailbox->job = job;
    job->link = mailbox->link;
    mailbox->link = NULL;
    if (start_thread(mailbox, err))
        return true;
    mailbox->link = job->link;
    job->link = NULL;
    give_up(mailbox, job);
    return false;
}

/* Behind the mail `name`, or all of them where it is empty. */
static bool list_behind(struct cw_inbox *inbox, struct cw_slice name, cw_inbox_entry_fn *entry,
                        cw_inbox_done_fn *done, void *arg, struct cw_error *err)
{
    struct mailbox *mailbox = (struct mailbox *)inbox;
    const struct cw_mailbox_work work = { .what = CW_MAILBOX_LIST };
    if (!start(mailbox, &work, name, err))
        return false;
    mailbox->on_entry = entry;
    mailbox->on_done = done;
    mailbox->on_body = NULL;
    mailbox->arg = arg;
    return true;
}

static bool list(struct cw_inbox *inbox, cw_inbox_entry_fn *entry, cw_inbox_done_fn *done, void *arg,
                 struct cw_error *err)
{
    return list_behind(inbox, (struct cw_slice){ 0 }, entry, done, arg, err);
}

static bool read_entry(struct cw_inbox *inbox, struct cw_slice name, cw_inbox_body_fn *done, void *arg,
                       struct cw_error *err)
{
    struct mailbox *mailbox = (struct mailbox *)inbox;
    const struct cw_mailbox_work work = { .what = CW_MAILBOX_READ };
    if (!start(mailbox, &work, name, err))
        return false;
    mailbox->on_entry = NULL;
    mailbox->on_body = done;
    mailbox->arg = arg;
    return true;
}

static bool finish(struct cw_inbox *inbox, struct cw_slice name, enum cw_inbox_end end,
                   cw_inbox_done_fn *done, void *arg, struct cw_error *err)
{
    struct mailbox *mailbox = (struct mailbox *)inbox;
    const struct cw_mailbox_work work = { .what = CW_MAILBOX_FINISH, .end = end };
    if (!start(mailbox, &work, name, err))
        return false;
    mailbox->on_entry = NULL;
    mailbox->on_body = NULL;
    mailbox->on_done = done;
    mailbox->arg = arg;
    return true;
}

static void cancel(struct cw_inbox *inbox)
{
    struct mailbox *mailbox = (struct mailbox *)inbox;
    struct job *job = mailbox->job;
    if (job == NULL)
        return;
    pthread_t thread = mailbox->thread;
    cw_watch_free(mailbox->watch);
    mailbox->watch = NULL;
    mailbox->job = NULL;
    if (!cw_mailbox_link_cancel(job->link)) {
        pthread_detach(thread); /* which frees the job, and its link */
        return;
    }
    pthread_join(thread, NULL);
    free_job(job);
}

static void free_mailbox(struct cw_inbox *inbox)
{
    struct mailbox *mailbox = (struct mailbox *)inbox;
    if (mailbox == NULL)
        return;
    cancel(inbox);
    free_link(mailbox->link);
    free_link(mailbox->pattern);
    free(mailbox);
}

struct cw_inbox *cw_mailbox_open(struct cw_loop *loop, const struct cw_mailbox_place *place,
                                 struct cw_error *err)
{
    struct mailbox *mailbox = calloc(1, sizeof *mailbox);
    if (mailbox == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a mailbox");
        return NULL;
    }
    mailbox->inbox = (struct cw_inbox){ false, list, read_entry, finish, cancel, free_mailbox, list_behind };
    mailbox->loop = loop;
    mailbox->pattern = create_link(place, err);
    if (mailbox->pattern != NULL)
        return &mailbox->inbox;
    free_mailbox(&mailbox->inbox);
    return NULL;
}
