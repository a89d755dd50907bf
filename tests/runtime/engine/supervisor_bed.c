/* supervisor_bed.c - see supervisor_bed.h. */
#include "supervisor_bed.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

static char *const argv[] = { (char *)"/usr/bin/cartwright", (char *)"run", NULL };

cw_time bed_now(struct bed *bed)
{
    return cw_elapsed_ns(cw_loop_clock(bed->loop)) / 1000;
}

/* --- fake processes --- */

static void on_readies(void *arg)
{
    struct fake *fake = arg;
    cw_pulse_set_ready(fake->pulse);
    cw_pulse_end(fake->pulse);
}

static void close_fake(struct fake *fake)
{
    cw_pulse_close(fake->pulse);
    fake->pulse = NULL;
    for (int *fd = &fake->wake_fd; fd <= &fake->webhooks_fd; fd++) {
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
    }
}

static void on_ends(void *arg)
{
    struct fake *fake = arg;
    fake->ended = bed_now(fake->bed);
    cw_timer_clear(fake->readies);
    close_fake(fake);
    fake->bed->events.ended(fake->bed->events.arg, &fake->end);
}

static void end_in(struct fake *fake, cw_time delay, bool by_signal, int number)
{
    fake->end = (struct cw_ended){ fake->pid, by_signal, number };
    cw_timer_set(fake->ends, delay);
}

void fake_end(struct fake *fake, bool by_signal, int number)
{
    end_in(fake, 0, by_signal, number);
}

static void become_worker(struct fake *fake, const struct cw_spawn *spawn)
{
    struct bed *bed = fake->bed;
    struct cw_error err = { 0 };
    struct stat about;
    assert_int_equal(spawn->fd_count, 3);
    assert_int_equal(fstat(spawn->fds[0], &about), 0);
    fake->memory = about.st_ino;
    fake->wake_fd = fcntl(spawn->fds[1], F_DUPFD_CLOEXEC, 3);
    fake->webhooks_fd = spawn->fds[2] >= 0 ? fcntl(spawn->fds[2], F_DUPFD_CLOEXEC, 3) : -1;
    fake->pulse = cw_pulse_open(fcntl(spawn->fds[0], F_DUPFD_CLOEXEC, 3), fake->wake_fd, &err);
    assert_ok(fake->pulse != NULL, err);
    fake->pulse->clock = *cw_loop_clock(bed->loop);
    cw_pulse_begin(fake->pulse);
    if (bed->ready_after >= 0)
        cw_timer_set(fake->readies, bed->ready_after);
    if (bed->die_after >= 0)
        end_in(fake, bed->die_after, false, 1);
}

static void become_question(struct fake *fake, const struct cw_spawn *spawn)
{
    struct bed *bed = fake->bed;
    assert_int_equal(spawn->fd_count, 0);
    assert_int_equal(write(spawn->output, bed->settings, strlen(bed->settings)), strlen(bed->settings));
    if (bed->settings_take >= 0)
        end_in(fake, bed->settings_take, false, bed->settings_exit);
}

static pid_t spawn_fake(void *arg, const struct cw_spawn *spawn, struct cw_error *err)
{
    struct bed *bed = arg;
    bool is_worker = strcmp(spawn->argv[2], "--settings") != 0;
    if (bed->spawn_fails && is_worker) {
        cw_fail(err, CW_IO, "cannot start /usr/bin/cartwright: Resource temporarily unavailable");
        return -1;
    }
    assert_true(bed->fake_count < FAKES_MAX);
    struct fake *fake = &bed->fakes[bed->fake_count++];
    *fake = (struct fake){ .bed = bed,
                           .pid = (pid_t)(1000 + bed->fake_count),
                           .is_worker = is_worker,
                           .started = bed_now(bed),
                           .stopped = -1,
                           .killed = -1,
                           .ended = -1,
                           .wake_fd = -1,
                           .webhooks_fd = -1 };
    assert_string_equal(spawn->argv[0], argv[0]);
    for (size_t i = 1; spawn->argv[i] != NULL; i++)
        snprintf(fake->args + strlen(fake->args), sizeof fake->args - strlen(fake->args), "%s%s",
                 i > 1 ? " " : "", spawn->argv[i]);
    fake->readies = cw_timer_create(bed->loop, on_readies, fake, NULL);
    fake->ends = cw_timer_create(bed->loop, on_ends, fake, NULL);
    is_worker ? become_worker(fake, spawn) : become_question(fake, spawn);
    return fake->pid;
}

static bool signal_fake(void *arg, pid_t pid, int number)
{
    struct bed *bed = arg;
    struct fake *fake = &bed->fakes[pid - 1001];
    assert_true(pid > 1000 && fake < bed->fakes + bed->fake_count);
    if (fake->ended >= 0)
        fail_msg("process %d is gone, and got signal %d", (int)pid, number);
    if (number == SIGKILL) {
        fake->killed = bed_now(bed);
        end_in(fake, CW_MILLISECOND, true, SIGKILL);
    } else {
        assert_int_equal(number, SIGTERM);
        fake->stopped = bed_now(bed);
        if (bed->stop_after >= 0)
            end_in(fake, bed->stop_after, false, 0);
    }
    return true;
}

static void *watch_fakes(void *arg, struct cw_loop *loop, const struct cw_process_events *events,
                         struct cw_error *err)
{
    struct bed *bed = arg;
    (void)err;
    assert_ptr_equal(loop, bed->loop);
    bed->events = *events;
    return bed;
}

static void unwatch_fakes(void *watch)
{
    (void)watch;
}

/* --- the bed --- */

static void open_manager(struct bed *bed)
{
    static unsigned number;
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    char name[64];
    snprintf(name, sizeof name, "@cw-supervisor-%d-%u", (int)getpid(), ++number);
    strcpy(at.sun_path, name);
    at.sun_path[0] = '\0';
    bed->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(bed->manager, (struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
}

void bed_open(struct bed *bed)
{
    struct cw_error err = { 0 };
    memset(bed, 0, sizeof *bed);
    bed->loop = cw_loop_create_virtual(1711852200 * CW_SECOND, &err);
    assert_ok(bed->loop != NULL, err);
    bed->processes = (struct cw_processes){ bed, spawn_fake, signal_fake, watch_fakes, unwatch_fakes };
    bed->config =
        (struct cw_supervisor_config){ .loop = bed->loop, .processes = &bed->processes, .argv = argv };
    bed->settings = "";
    bed->settings_take = 10 * CW_MILLISECOND;
    bed->ready_after = 50 * CW_MILLISECOND;
    bed->stop_after = 100 * CW_MILLISECOND;
    bed->die_after = -1;
    bed->log_file = open_memstream(&bed->log, &bed->log_len);
    cw_log_configure((struct cw_log_config){
        .out = bed->log_file, .level = CW_LOG_INFO, .clock = cw_loop_clock(bed->loop) });
    open_manager(bed);
}

static void on_step(void *arg)
{
    struct step *step = arg;
    step->fn(step->bed);
}

void bed_at(struct bed *bed, cw_time time, void (*fn)(struct bed *bed))
{
    assert_true(bed->step_count < STEPS_MAX);
    struct step *step = &bed->steps[bed->step_count++];
    *step = (struct step){ .bed = bed, .fn = fn };
    step->timer = cw_timer_create(bed->loop, on_step, step, NULL);
    cw_timer_set(step->timer, time - bed_now(bed));
}

void bed_term(struct bed *bed)
{
    bed->events.told(bed->events.arg, SIGTERM);
}

void bed_hup(struct bed *bed)
{
    bed->events.told(bed->events.arg, SIGHUP);
}

void bed_usr1(struct bed *bed)
{
    bed->events.told(bed->events.arg, SIGUSR1);
}

int bed_run(struct bed *bed)
{
    return cw_supervisor_run(&bed->config);
}

void bed_close(struct bed *bed)
{
    for (size_t i = 0; i < bed->step_count; i++)
        cw_timer_free(bed->steps[i].timer);
    for (size_t i = 0; i < bed->fake_count; i++) {
        cw_timer_free(bed->fakes[i].readies);
        cw_timer_free(bed->fakes[i].ends);
        close_fake(&bed->fakes[i]);
    }
    cw_log_configure((struct cw_log_config){ 0 });
    fclose(bed->log_file);
    free(bed->log);
    unsetenv("NOTIFY_SOCKET");
    close(bed->manager);
    cw_loop_free(bed->loop);
}

/* --- looking --- */

struct fake *bed_worker(struct bed *bed, size_t n)
{
    for (size_t i = 0; i < bed->fake_count; i++)
        if (bed->fakes[i].is_worker && n-- == 0)
            return &bed->fakes[i];
    fail_msg("so many workers were not started");
    return NULL;
}

size_t bed_workers(const struct bed *bed)
{
    size_t count = 0;
    for (size_t i = 0; i < bed->fake_count; i++)
        count += bed->fakes[i].is_worker;
    return count;
}

size_t bed_alive(const struct bed *bed)
{
    size_t count = 0;
    for (size_t i = 0; i < bed->fake_count; i++)
        count += bed->fakes[i].ended < 0;
    return count;
}

const char *bed_log(struct bed *bed)
{
    fflush(bed->log_file);
    return bed->log;
}

size_t bed_log_count(struct bed *bed, const char *event)
{
    char field[64];
    size_t count = 0;
    snprintf(field, sizeof field, "event=%s", event);
    for (const char *at = bed_log(bed); (at = strstr(at, field)) != NULL; at += strlen(field))
        count += at[strlen(field)] == ' ' || at[strlen(field)] == '\n';
    return count;
}

const char *bed_notes(struct bed *bed)
{
    char note[512];
    for (ssize_t n; (n = recv(bed->manager, note, sizeof note - 1, 0)) > 0;) {
        note[n] = '\0';
        strncat(bed->notes, note, sizeof bed->notes - strlen(bed->notes) - 2);
        strcat(bed->notes, "\n");
    }
    return bed->notes;
}
