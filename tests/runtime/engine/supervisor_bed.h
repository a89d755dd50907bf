/* supervisor_bed.h - a supervisor in virtual time whose processes are none: each is a record of how it was
 * started, a pulse, and what is to become of it.
 */
#ifndef CW_SUPERVISOR_BED_H
#define CW_SUPERVISOR_BED_H

#include "testing.h"

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#include "engine/pulse.h"
#include "engine/supervisor.h"

enum { FAKES_MAX = 64, STEPS_MAX = 64, NOTES_MAX = 4096 };

struct bed;

struct fake {
    struct bed *bed;
    pid_t pid;
    char args[256]; /* "run --worker=1" */
    bool is_worker;
    cw_time started, stopped, killed, ended; /* by the virtual clock, from 0; stopped by TERM; -1 = not yet */
    struct cw_pulse *pulse;
    int wake_fd, webhooks_fd;
    ino_t memory; /* which page it counts in */
    struct cw_timer *readies, *ends;
    struct cw_ended end;
};

struct step {
    struct bed *bed;
    struct cw_timer *timer;
    void (*fn)(struct bed *bed);
};

struct bed {
    struct cw_loop *loop;
    struct cw_supervisor_config config;
    struct cw_processes processes;
    struct cw_process_events events;
    struct fake fakes[FAKES_MAX];
    size_t fake_count;
    struct step steps[STEPS_MAX];
    size_t step_count;

    /* How the next processes behave. */
    const char *settings; /* what the one that is asked prints */
    int settings_exit;
    cw_time settings_take; /* -1 = it never ends by itself */
    cw_time ready_after;   /* -1 = never */
    cw_time stop_after;    /* behind TERM; -1 = never */
    cw_time die_after;     /* behind the start; -1 = it does not */
    bool spawn_fails;

    char *log; /* what was logged so far; see bed_log */
    size_t log_len;
    FILE *log_file;
    int manager;           /* NOTIFY_SOCKET */
    char notes[NOTES_MAX]; /* what it was told, one a line */
};

/* Defaults: one worker, ready after 50 ms, which stops 100 ms behind TERM; the site is sound. */
void bed_open(struct bed *bed);
void bed_at(struct bed *bed, cw_time time, void (*fn)(struct bed *bed)); /* while it runs */
void bed_term(struct bed *bed);                                          /* a step */
void bed_hup(struct bed *bed);
void bed_usr1(struct bed *bed);
/* Runs to the end, which some step must bring about; returns the exit code. */
int bed_run(struct bed *bed);
void bed_close(struct bed *bed);

cw_time bed_now(struct bed *bed);
/* The n-th worker that was started, from 0; fails the test when there is none. */
struct fake *bed_worker(struct bed *bed, size_t n);
size_t bed_workers(const struct bed *bed);
size_t bed_alive(const struct bed *bed);
/* It ends now: by that signal, or with an exit code when `by_signal` is false. */
void fake_end(struct fake *fake, bool by_signal, int number);

const char *bed_log(struct bed *bed);
size_t bed_log_count(struct bed *bed, const char *event);
const char *bed_notes(struct bed *bed);

#endif
