/* supervisor_settings.c - what the site says about running it, asked of a process that may run its scripts.
 */
#include "engine/supervisor_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { TEXT_MAX = INBOXES_MAX, ARGV_MAX = 64 };
static const cw_time answer_time = CW_MINUTE, hang_default = 30 * CW_SECOND,
                     hang_least = 100 * CW_MILLISECOND;

/* --- addresses --- */

/* "127.0.0.1:80", "[::1]:80", "localhost:80". */
static bool split_address(const char *address, char *host, size_t cap, unsigned *port)
{
    const char *colon = strrchr(address, ':');
    char *end = NULL;
    if (colon == NULL || colon == address || colon[1] < '0' || colon[1] > '9')
        return false;
    unsigned long number = strtoul(colon + 1, &end, 10);
    bool in_brackets = address[0] == '[' && colon[-1] == ']';
    int len = (int)(colon - address) - (in_brackets ? 2 : 0);
    if (*end != '\0' || number > UINT16_MAX || len <= 0 || (size_t)len >= cap)
        return false;
    snprintf(host, cap, "%.*s", len, address + (in_brackets ? 1 : 0));
    *port = (unsigned)number;
    struct in6_addr any;
    return inet_pton(AF_INET6, host, &any) != 1 || in_brackets;
}

int supervisor_listen(const char *address, struct cw_error *err)
{
    char host[ADDRESS_MAX];
    unsigned port;
    if (split_address(address, host, sizeof host, &port))
        return cw_http_listen(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, err);
    cw_fail(err, CW_USAGE,
            "cannot listen on \"%s\": write an address and a port, such as 127.0.0.1:9464, [::1]:9464 or "
            "localhost:9464",
            address);
    return -1;
}

/* --- reading --- */

static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end = NULL;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && *out >= least && *out <= most;
}

static bool read_address(const char *text, char out[ADDRESS_MAX])
{
    return (size_t)snprintf(out, ADDRESS_MAX, "%s", text) < ADDRESS_MAX;
}

static bool add_inbox(struct settings *settings, const char *name, const char *value)
{
    size_t len = strlen(settings->inboxes), room = sizeof settings->inboxes - len;
    return (size_t)snprintf(settings->inboxes + len, room, "%s %s\n", name, value) < room;
}

static bool read_setting(struct settings *settings, const char *name, const char *value)
{
    uint64_t number = 0;
    bool ok = true;
    if (strcmp(name, "workers") == 0 && (ok = read_number(value, 1, CW_WORKERS_MAX, &number)))
        settings->workers = (unsigned)number;
    else if (strcmp(name, "hang_us") == 0 && (ok = read_number(value, (uint64_t)hang_least, CW_DAY, &number)))
        settings->hang = (cw_time)number;
    else if (strcmp(name, "metrics") == 0)
        ok = read_address(value, settings->metrics);
    else if (strcmp(name, "webhooks") == 0)
        ok = read_address(value, settings->webhooks);
    else if (strcmp(name, "inbox") == 0 || strcmp(name, "drop") == 0)
        ok = add_inbox(settings, name, value);
    else if (strcmp(name, "log") == 0)
        settings->json = strcmp(value, "json") == 0;
    else
        ok = false;
    return ok;
}

/* `text` is cut into pieces. */
static bool read_settings(char *text, struct settings *settings, struct cw_error *err)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *value = strchr(line, ' ');
        if (value != NULL)
            *value++ = '\0';
        if (value == NULL || !read_setting(settings, line, value))
            return cw_fail(err, CW_INVALID, "the process that was asked for settings printed \"%s%s%s\"",
                           line, value != NULL ? " " : "", value != NULL ? value : "");
    }
    return true;
}

/* What the command line says goes before what the site says. */
static void override_settings(struct settings *settings, const struct cw_supervisor_config *config)
{
    if (config->workers > 0)
        settings->workers = config->workers < CW_WORKERS_MAX ? config->workers : CW_WORKERS_MAX;
    if (config->hang > 0)
        settings->hang = config->hang > hang_least ? config->hang : hang_least;
    if (config->metrics != NULL)
        snprintf(settings->metrics, sizeof settings->metrics, "%s", config->metrics);
    if (config->webhooks != NULL)
        snprintf(settings->webhooks, sizeof settings->webhooks, "%s", config->webhooks);
}

/* --- asking --- */

static void close_question(struct question *question)
{
    cw_watch_free(question->watch);
    cw_timer_free(question->limit);
    if (question->pipe >= 0)
        close(question->pipe);
    cw_buffer_fini(&question->text);
    *question = (struct question){ .pipe = -1 };
}

/* The process has ended and said everything. */
static void conclude(struct supervisor *supervisor, bool ok, const char *how)
{
    struct settings settings = { .workers = 1, .hang = hang_default };
    struct cw_error err = { 0 };
    struct question *question = &supervisor->question;
    if (!ok)
        cw_fail(&err, CW_INVALID, "%s", how);
    else if (question->text.len > 0)
        ok = read_settings(question->text.data, &settings, &err);
    if (!ok && supervisor->phase != STOPPING)
        cw_log_pairs(CW_LOG_ERROR, "site-refused", "error", err.text, NULL);
    override_settings(&settings, supervisor->config);
    close_question(question);
    supervisor_settings_told(supervisor, ok ? &settings : NULL);
}

/* False when there is no more for now. */
static bool take_text(struct supervisor *supervisor)
{
    struct question *question = &supervisor->question;
    char piece[1024];
    ssize_t n = read(question->pipe, piece, sizeof piece);
    if (n > 0 && cw_buffer_add(&question->text, piece, (size_t)n, NULL))
        return true;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n > 0) {
        question->is_too_long = true;
        supervisor_settings_cancel(supervisor);
    }
    cw_watch_free(question->watch);
    question->watch = NULL;
    return false;
}

static void on_readable(void *arg, int fd, int events)
{
    (void)fd;
    (void)events;
    while (take_text(arg))
        ;
}

static void on_limit(void *arg)
{
    struct supervisor *supervisor = arg;
    supervisor->question.is_late = true;
    supervisor_settings_cancel(supervisor);
}

void supervisor_settings_cancel(struct supervisor *supervisor)
{
    if (supervisor->question.pid > 0)
        supervisor->processes->signal(supervisor->processes->arg, supervisor->question.pid, SIGKILL);
}

void supervisor_settings_free(struct supervisor *supervisor)
{
    close_question(&supervisor->question);
}

/* What is still in the pipe is all there will be. */
bool supervisor_settings_ended(struct supervisor *supervisor, const struct cw_ended *ended)
{
    struct question *question = &supervisor->question;
    char how[HOW_MAX];
    if (question->pid <= 0 || ended->pid != question->pid)
        return false;
    question->pid = 0;
    while (question->watch != NULL && take_text(supervisor))
        ;
    cw_ended_describe(ended, how, sizeof how);
    if (question->is_late)
        snprintf(how, sizeof how, "did not answer within a minute");
    if (question->is_too_long)
        snprintf(how, sizeof how, "printed more than settings can be");
    char why[HOW_MAX + 80];
    snprintf(why, sizeof why, "the process that checks the site %s; what it said stands above", how);
    conclude(supervisor, !ended->was_killed && ended->number == 0 && !question->is_too_long, why);
    return true;
}

static pid_t spawn_question(struct supervisor *supervisor, int output, struct cw_error *err)
{
    char *argv[ARGV_MAX + 3];
    size_t count = 0;
    for (; supervisor->config->argv[count] != NULL && count < ARGV_MAX; count++)
        argv[count] = supervisor->config->argv[count];
    argv[count++] = (char *)"--settings";
    if (supervisor->phase == RUNNING)
        argv[count++] = (char *)"--reload";
    argv[count] = NULL;
    const struct cw_spawn spawn = { .argv = argv, .output = output };
    return supervisor->processes->spawn(supervisor->processes->arg, &spawn, err);
}

bool supervisor_settings_ask(struct supervisor *supervisor, struct cw_error *err)
{
    struct question *question = &supervisor->question;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return cw_fail(err, CW_IO, "no pipe to ask the site through: %s", strerror(errno));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    question->text.limit = TEXT_MAX;
    question->pipe = ends[0];
    question->limit = cw_timer_create(supervisor->loop, on_limit, supervisor, err);
    question->watch = question->limit != NULL ? cw_watch_create(supervisor->loop, ends[0], CW_READABLE,
                                                                on_readable, supervisor, err)
                                              : NULL;
    pid_t pid = question->watch != NULL ? spawn_question(supervisor, ends[1], err) : -1;
    close(ends[1]);
    if (pid < 0) {
        close_question(question);
        return false;
    }
    question->pid = pid;
    cw_timer_set(question->limit, answer_time);
    return true;
}
