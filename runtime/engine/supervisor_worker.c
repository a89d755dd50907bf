/* supervisor_worker.c - one process at work: started, looked after, told to stop, killed. */
#include "engine/supervisor_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { ARGV_MAX = 64, START_FACTOR = 10 /* hangs; a large store may be brought up to date */ };
static const cw_time stop_time = CW_MINUTE, look_least = 100 * CW_MILLISECOND, look_most = CW_SECOND;

/* --- pages --- */

static struct page *create_page(struct supervisor *supervisor, struct cw_error *err)
{
    struct page *page = calloc(1, sizeof *page);
    if (page != NULL)
        page->pulse = cw_pulse_create(&page->fd, err);
    else
        cw_fail(err, CW_NOMEM, "no memory for a worker");
    if (page == NULL || page->pulse == NULL) {
        free(page);
        return NULL;
    }
    page->pulse->clock = *supervisor->clock;
    page->next = supervisor->pages;
    supervisor->pages = page;
    return page;
}

/* One whose worker is gone, so that its counters go on; else a new one. */
static struct page *take_page(struct supervisor *supervisor, struct cw_error *err)
{
    struct page *page = supervisor->pages;
    while (page != NULL && page->is_taken)
        page = page->next;
    if (page == NULL)
        page = create_page(supervisor, err);
    if (page == NULL)
        return NULL;
    page->is_taken = true;
    cw_pulse_reset(page->pulse);
    return page;
}

void pages_free(struct supervisor *supervisor)
{
    for (struct page *page; (page = supervisor->pages) != NULL;) {
        supervisor->pages = page->next;
        cw_pulse_close(page->pulse);
        close(page->fd);
        free(page);
    }
}

/* --- looking --- */

static cw_time look_every(const struct supervisor *supervisor)
{
    cw_time every = supervisor->settings.hang / 10;
    return every < look_least ? look_least : every > look_most ? look_most : every;
}

int64_t worker_busy_ns(const struct worker *worker)
{
    int64_t since = cw_pulse_busy_since(worker->page->pulse);
    if (since != 0 && since < worker->supervisor->awake_since_ns)
        since = worker->supervisor->awake_since_ns;
    return since != 0 ? elapsed(worker->supervisor) - since : 0;
}

static void end_hung(struct worker *worker, int64_t busy_ns)
{
    char number[16], pid[16], seconds[32], cart[CW_PULSE_CART_MAX];
    cw_pulse_cart(worker->page->pulse, cart);
    snprintf(number, sizeof number, "%u", worker->number);
    snprintf(pid, sizeof pid, "%d", (int)worker->pid);
    snprintf(seconds, sizeof seconds, "%.1f", (double)busy_ns / 1e9);
    cw_log_pairs(CW_LOG_ERROR, "worker-hung", "worker", number, "pid", pid, "seconds", seconds, "cart", cart,
                 NULL);
    worker->is_hung = true;
    worker->supervisor->hung++;
    worker_kill(worker);
}

/* Whether it is to be looked at again soon. */
static bool look_at(struct worker *worker)
{
    struct cw_pulse *pulse = worker->page->pulse;
    if (!worker->is_ready && cw_pulse_is_ready(pulse)) {
        worker->is_ready = true;
        supervisor_worker_ready(worker);
    }
    if (cw_pulse_let_rest(pulse))
        return false;
    int64_t busy = worker_busy_ns(worker);
    cw_time most = worker->supervisor->settings.hang * (worker->is_ready ? 1 : START_FACTOR);
    if (!worker->is_hung && busy > most * 1000)
        end_hung(worker, busy);
    return !worker->is_hung;
}

/* A machine that slept, or a supervisor that was stopped for a while with all its workers, would take the
 * time that nobody had for time that they took. */
static void forgive_own_sleep(struct supervisor *supervisor)
{
    int64_t now = elapsed(supervisor);
    if (supervisor->look_due_ns != 0 && now - supervisor->look_due_ns > look_most * 1000)
        supervisor->awake_since_ns = now;
}

static void set_look(struct supervisor *supervisor)
{
    cw_time every = look_every(supervisor);
    supervisor->look_due_ns = elapsed(supervisor) + every * 1000;
    cw_timer_set(supervisor->look, every);
}

void workers_look(struct supervisor *supervisor)
{
    bool any = false;
    forgive_own_sleep(supervisor);
    supervisor->look_due_ns = 0;
    for (struct worker *worker = supervisor->workers; worker != NULL; worker = worker->next)
        if (worker->is_watched)
            any |= worker->is_watched = look_at(worker);
    if (any)
        set_look(supervisor);
}

static void watch_worker(struct worker *worker)
{
    worker->is_watched = true;
    if (worker->supervisor->look_due_ns == 0)
        set_look(worker->supervisor);
}

static void on_wake(void *arg, int fd, int events)
{
    (void)events;
    struct worker *worker = arg;
    char bytes[64];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* it has ended, and how, the system will tell */
        cw_watch_free(worker->wake);
        worker->wake = NULL;
        return;
    }
    forgive_own_sleep(worker->supervisor);
    if (!worker->is_hung && look_at(worker))
        watch_worker(worker);
}

/* --- life --- */

static pid_t spawn_worker(struct worker *worker, int wake_fd, struct cw_error *err)
{
    struct supervisor *supervisor = worker->supervisor;
    char *argv[ARGV_MAX + 4], number[32], died[sizeof worker->blame + 16], inboxes[INBOXES_MAX + 16];
    const int fds[] = { worker->page->fd, wake_fd, supervisor->webhooks };
    size_t count = 0;
    for (; supervisor->config->argv[count] != NULL && count < ARGV_MAX; count++)
        argv[count] = supervisor->config->argv[count];
    snprintf(number, sizeof number, "--worker=%u", worker->number);
    argv[count++] = number;
    if (worker->blame.cart[0] != '\0') {
        snprintf(died, sizeof died, "--died=%s:%s", worker->blame.cart, worker->blame.how);
        argv[count++] = died;
    }
    if (supervisor->settings.inboxes[0] != '\0') {
        snprintf(inboxes, sizeof inboxes, "--inboxes=%s", supervisor->settings.inboxes);
        argv[count++] = inboxes;
    }
    argv[count] = NULL;
    const struct cw_spawn spawn = { .argv = argv, .fds = fds, .fd_count = sizeof fds / sizeof *fds };
    return supervisor->processes->spawn(supervisor->processes->arg, &spawn, err);
}

static void on_stop_limit(void *arg)
{
    struct worker *worker = arg;
    char number[16], pid[16];
    snprintf(number, sizeof number, "%u", worker->number);
    snprintf(pid, sizeof pid, "%d", (int)worker->pid);
    cw_log_pairs(CW_LOG_WARNING, "worker-killed", "worker", number, "pid", pid, "why",
                 "it did not stop within a minute", NULL);
    worker_kill(worker);
}

static bool connect_worker(struct worker *worker, struct cw_error *err)
{
    struct supervisor *supervisor = worker->supervisor;
    int ends[2];
    worker->limit = cw_timer_create(supervisor->loop, on_stop_limit, worker, err);
    worker->page = take_page(supervisor, err);
    if (worker->limit == NULL || worker->page == NULL)
        return false;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return cw_fail(err, CW_IO, "no pipe for a worker: %s", strerror(errno));
    worker->pipe = ends[0];
    worker->wake = cw_watch_create(supervisor->loop, ends[0], CW_READABLE, on_wake, worker, err);
    worker->pid = worker->wake != NULL ? spawn_worker(worker, ends[1], err) : -1;
    close(ends[1]);
    return worker->pid > 0;
}

struct worker *worker_start(struct slot *slot, const struct blame *blame, struct cw_error *err)
{
    struct supervisor *supervisor = slot->supervisor;
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a worker");
        return NULL;
    }
    *worker = (struct worker){ .supervisor = supervisor,
                               .slot = slot,
                               .number = slot->number,
                               .pipe = -1,
                               .started_at = cw_now(supervisor->clock),
                               .started_ns = elapsed(supervisor),
                               .blame = *blame };
    worker->next = supervisor->workers;
    supervisor->workers = worker;
    if (!connect_worker(worker, err)) {
        worker_free(worker);
        return NULL;
    }
    watch_worker(worker);
    return worker;
}

void worker_free(struct worker *worker)
{
    struct worker **at = &worker->supervisor->workers;
    while (*at != worker)
        at = &(*at)->next;
    *at = worker->next;
    cw_watch_free(worker->wake);
    cw_timer_free(worker->limit);
    if (worker->pipe >= 0)
        close(worker->pipe);
    if (worker->page != NULL)
        worker->page->is_taken = false;
    free(worker);
}

static void signal_worker(const struct worker *worker, int number)
{
    const struct cw_processes *processes = worker->supervisor->processes;
    processes->signal(processes->arg, worker->pid, number);
}

void worker_stop(struct worker *worker)
{
    worker->slot = NULL;
    signal_worker(worker, SIGTERM);
    cw_timer_set(worker->limit, stop_time);
}

void worker_kill(struct worker *worker)
{
    signal_worker(worker, SIGKILL);
}
