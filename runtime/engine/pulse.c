/* pulse.c - see pulse.h. */
#include "engine/pulse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/metrics.h"

/* Other processes see it: lock-free, or it would not work across them. */
struct cw_pulse_page {
    _Atomic int64_t busy_since_ns;
    _Atomic int watched; /* no byte is needed */
    _Atomic int ready;
    _Atomic char cart[CW_PULSE_CART_MAX]; /* the first byte is written last, and wiped first */
};
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_CHAR_LOCK_FREE == 2,
               "shared memory without locks");

static const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
enum { METRICS_OFFSET = (sizeof(struct cw_pulse_page) + 63) / 64 * 64 };

static size_t shared_size(void)
{
    return METRICS_OFFSET + cw_metrics_page_size();
}

static struct cw_pulse *map_pulse(int fd, int wake_fd, struct cw_error *err)
{
    struct cw_pulse *pulse = calloc(1, sizeof *pulse);
    void *at =
        pulse != NULL ? mmap(NULL, shared_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (at == MAP_FAILED) {
        cw_fail(err, CW_NOMEM, "no memory for what a worker shares with its supervisor: %s", strerror(errno));
        free(pulse);
        return NULL;
    }
    pulse->page = at;
    pulse->metrics = (struct cw_metrics_page *)((char *)at + METRICS_OFFSET);
    pulse->wake_fd = wake_fd;
    pulse->clock = cw_system_clock;
    return pulse;
}

void cw_pulse_close(struct cw_pulse *pulse)
{
    if (pulse == NULL)
        return;
    munmap(pulse->page, shared_size());
    free(pulse);
}

/* 0 means at rest, so a clock that shows 0 is a nanosecond ahead. */
static int64_t now_ns(const struct cw_pulse *pulse)
{
    int64_t now = cw_elapsed_ns(&pulse->clock);
    return now != 0 ? now : 1;
}

/* --- for the worker --- */

static bool is_pulse(int fd)
{
    struct stat about;
    int has = fcntl(fd, F_GET_SEALS);
    return has >= 0 && (has & seals) == seals && fstat(fd, &about) == 0 &&
           about.st_size == (off_t)shared_size();
}

struct cw_pulse *cw_pulse_open(int fd, int wake_fd, struct cw_error *err)
{
    struct cw_pulse *pulse = NULL;
    if (is_pulse(fd))
        pulse = map_pulse(fd, wake_fd, err);
    else
        cw_fail(err, CW_USAGE,
                "descriptor %d is not what a supervisor gives to a worker: workers are started by "
                "`cartwright run` alone",
                fd);
    if (pulse == NULL)
        return NULL;
    close(fd);
    cw_pulse_begin(pulse);
    return pulse;
}

/* A full pipe is one that the supervisor will read. */
static void wake_supervisor(const struct cw_pulse *pulse)
{
    ssize_t n = pulse->wake_fd >= 0 ? write(pulse->wake_fd, "", 1) : 0;
    (void)n;
}

void cw_pulse_set_ready(struct cw_pulse *pulse)
{
    if (pulse == NULL)
        return;
    atomic_store(&pulse->page->ready, 1);
    wake_supervisor(pulse);
}

/* Either the supervisor, which first lets go and then looks, sees that work has begun, or the worker, which
 * first begins and then looks, sees that nobody watches. */
void cw_pulse_begin(struct cw_pulse *pulse)
{
    if (pulse == NULL)
        return;
    atomic_store(&pulse->page->busy_since_ns, now_ns(pulse));
    if (!atomic_load(&pulse->page->watched) && !atomic_exchange(&pulse->page->watched, 1))
        wake_supervisor(pulse);
}

void cw_pulse_end(struct cw_pulse *pulse)
{
    if (pulse != NULL)
        atomic_store_explicit(&pulse->page->busy_since_ns, 0, memory_order_release);
}

void cw_pulse_enter(struct cw_pulse *pulse, const char *cart)
{
    if (pulse == NULL)
        return;
    _Atomic char *to = pulse->page->cart;
    size_t len = strnlen(cart, CW_PULSE_CART_MAX - 1);
    for (size_t i = 1; i < len; i++)
        atomic_store_explicit(&to[i], cart[i], memory_order_relaxed);
    atomic_store_explicit(&to[len], '\0', memory_order_relaxed);
    if (len > 0)
        atomic_store_explicit(&to[0], cart[0], memory_order_release);
}

void cw_pulse_leave(struct cw_pulse *pulse)
{
    if (pulse != NULL)
        atomic_store_explicit(&pulse->page->cart[0], '\0', memory_order_release);
}

/* --- for the supervisor --- */

struct cw_pulse *cw_pulse_create(int *fd, struct cw_error *err)
{
    struct cw_pulse *pulse = NULL;
    *fd = memfd_create("cartwright-pulse", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0 || ftruncate(*fd, (off_t)shared_size()) != 0 || fcntl(*fd, F_ADD_SEALS, seals) != 0)
        cw_fail(err, CW_IO, "the memory that a worker shares with its supervisor cannot be made: %s",
                strerror(errno));
    else
        pulse = map_pulse(*fd, -1, err);
    if (pulse == NULL && *fd >= 0)
        close(*fd);
    return pulse;
}

void cw_pulse_reset(struct cw_pulse *pulse)
{
    cw_pulse_leave(pulse);
    atomic_store(&pulse->page->ready, 0);
    atomic_store(&pulse->page->watched, 1);
    atomic_store(&pulse->page->busy_since_ns, now_ns(pulse));
}

bool cw_pulse_is_ready(const struct cw_pulse *pulse)
{
    return atomic_load(&pulse->page->ready) != 0;
}

int64_t cw_pulse_busy_since(const struct cw_pulse *pulse)
{
    return atomic_load(&pulse->page->busy_since_ns);
}

bool cw_pulse_let_rest(struct cw_pulse *pulse)
{
    if (atomic_load(&pulse->page->busy_since_ns) != 0)
        return false;
    atomic_store(&pulse->page->watched, 0);
    if (atomic_load(&pulse->page->busy_since_ns) == 0)
        return true;
    atomic_store(&pulse->page->watched, 1);
    return false;
}

void cw_pulse_cart(const struct cw_pulse *pulse, char out[CW_PULSE_CART_MAX])
{
    const _Atomic char *from = pulse->page->cart;
    size_t len = 0;
    out[0] = atomic_load_explicit(&from[0], memory_order_acquire);
    while (len < CW_PULSE_CART_MAX - 1 && out[len] != '\0') {
        len++;
        out[len] = atomic_load_explicit(&from[len], memory_order_relaxed);
    }
    out[len] = '\0';
}
