/* fake_ftp.c - see fake_ftp.h. */
#include "fake_ftp.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

struct fake_private {
    pthread_t thread;
    int listening, passive, control;
    int stop[2];
    char from[64]; /* of a rename */
};

static int listen_somewhere(unsigned *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        abort();
    *port = ntohs(address.sin_port);
    return fd;
}

/* False when the server is to end. */
static bool wait_readable(const struct fake_ftp *server, int fd)
{
    struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
                            { .fd = server->own->stop[0], .events = POLLIN } };
    poll(fds, 2, -1);
    return fds[1].revents == 0;
}

static void say(const struct fake_ftp *server, const char *words)
{
    if (words != NULL)
        send(server->own->control, words, strlen(words), MSG_NOSIGNAL);
}

/* --- files --- */

static char *find(const struct fake_ftp *server, const char *name)
{
    for (size_t i = 0; i < FAKE_FILES_MAX; i++)
        if (strcmp(server->files[i], name) == 0)
            return (char *)server->files[i];
    return NULL;
}

bool fake_ftp_has(const struct fake_ftp *server, const char *name)
{
    return find(server, name) != NULL;
}

static void make_file(struct fake_ftp *server, const char *name)
{
    char *place = find(server, name) != NULL ? find(server, name) : find(server, "");
    snprintf(place, sizeof server->files[0], "%s", name);
}

/* --- data connections --- */

static void set_passive(struct fake_ftp *server)
{
    char words[96];
    unsigned port;
    server->own->passive = listen_somewhere(&port);
    snprintf(words, sizeof words, "227 Entering Passive Mode (%s,%u,%u).\r\n",
             server->pasv != NULL ? server->pasv : "127,0,0,1", port / 256, port % 256);
    say(server, words);
}

static int accept_data(struct fake_ftp *server)
{
    int fd = wait_readable(server, server->own->passive) ? accept(server->own->passive, NULL, NULL) : -1;
    close(server->own->passive);
    server->own->passive = -1;
    return fd;
}

static void receive(struct fake_ftp *server, int fd, size_t most)
{
    static char waste[65536];
    ssize_t got = 1;
    for (server->received = 0; server->received < most && got > 0 && wait_readable(server, fd);) {
        got = recv(fd, waste, sizeof waste, 0);
        if (server->received == 0 && got > 0)
            snprintf(server->bytes, sizeof server->bytes, "%.*s", (int)got, waste);
        server->received += got > 0 ? (size_t)got : 0;
    }
}

/* True when the connection goes on. */
static bool store(struct fake_ftp *server, const char *name, const struct fake_rule *rule)
{
    bool breaks = rule != NULL && rule->end == FAKE_BREAK, stops = rule != NULL && rule->end == FAKE_STOP;
    say(server, "150 Go on.\r\n");
    int fd = accept_data(server);
    make_file(server, name);
    receive(server, fd, breaks || stops ? rule->bytes : SIZE_MAX);
    if (breaks)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    if (stops) {
        say(server, rule->words);
        receive(server, fd, SIZE_MAX);
    }
    close(fd);
    if (!stops)
        say(server, breaks ? rule->words : "226 Done.\r\n");
    return true;
}

static void list(struct fake_ftp *server)
{
    say(server, "150 Go on.\r\n");
    int fd = accept_data(server);
    for (size_t i = 0; i < FAKE_FILES_MAX; i++)
        if (server->files[i][0] != '\0')
            dprintf(fd, "%s\r\n", server->files[i]);
    close(fd);
    say(server, "226 Done.\r\n");
}

/* --- commands --- */

static void rename_to(struct fake_ftp *server, const char *name)
{
    char *file = find(server, server->own->from);
    if (file != NULL)
        snprintf(file, sizeof server->files[0], "%s", name);
}

static void execute(struct fake_ftp *server, const char *command, const char *rest)
{
    if (strcmp(command, "USER") == 0)
        say(server, "331 And the password?\r\n");
    else if (strcmp(command, "PASS") == 0) {
        snprintf(server->password, sizeof server->password, "%s", rest);
        say(server, "230 Welcome.\r\n");
    } else if (strcmp(command, "PWD") == 0)
        say(server, "257 \"/\" is here.\r\n");
    else if (strcmp(command, "CWD") == 0)
        say(server, "250 There.\r\n");
    else if (strcmp(command, "TYPE") == 0)
        say(server, "200 As you like.\r\n");
    else if (strcmp(command, "SIZE") == 0)
        say(server, server->has_no_size          ? "502 What?\r\n"
                    : find(server, rest) != NULL ? "213 4\r\n"
                                                 : "550 No such file.\r\n");
    else if (strcmp(command, "PASV") == 0)
        set_passive(server);
    else if (strcmp(command, "NLST") == 0)
        list(server);
    else if (strcmp(command, "STOR") == 0)
        store(server, rest, NULL);
    else if (strcmp(command, "RNFR") == 0) {
        snprintf(server->own->from, sizeof server->own->from, "%s", rest);
        say(server, find(server, rest) != NULL ? "350 To what?\r\n" : "550 No such file.\r\n");
    } else if (strcmp(command, "RNTO") == 0) {
        rename_to(server, rest);
        say(server, "250 Renamed.\r\n");
    } else if (strcmp(command, "DELE") == 0) {
        say(server, find(server, rest) != NULL ? "250 Gone.\r\n" : "550 No such file.\r\n");
        if (find(server, rest) != NULL)
            memset(find(server, rest), 0, sizeof server->files[0]);
    } else {
        say(server, "502 What?\r\n");
    }
}

/* True when the connection goes on. */
static bool break_rule(struct fake_ftp *server, const char *command, const char *rest)
{
    switch (server->rule.end) {
    case FAKE_ANSWER:
        say(server, server->rule.words);
        return true;
    case FAKE_DO_AND_LOSE:
        if (strcmp(command, "RNTO") == 0)
            rename_to(server, rest);
        return false;
    case FAKE_HANG:
        wait_readable(server, server->own->stop[0]);
        return false;
    case FAKE_BREAK:
    case FAKE_STOP:
        return store(server, rest, &server->rule);
    case FAKE_LOSE:
        break;
    }
    return false;
}

static bool obey(struct fake_ftp *server, char *line)
{
    char *rest = strchr(line, ' ');
    size_t len = strlen(server->commands);
    if (rest != NULL)
        *rest++ = '\0';
    snprintf(server->commands + len, sizeof server->commands - len, "%s ", line);
    if (server->rule.command != NULL && strcmp(server->rule.command, line) == 0)
        return break_rule(server, line, rest != NULL ? rest : "");
    execute(server, line, rest != NULL ? rest : "");
    return true;
}

static void serve(struct fake_ftp *server)
{
    char in[2048];
    size_t len = 0;
    say(server, "220 Not a real one.\r\n");
    while (wait_readable(server, server->own->control)) {
        ssize_t got = recv(server->own->control, in + len, sizeof in - len - 1, 0);
        if (got <= 0)
            return;
        len += (size_t)got;
        in[len] = '\0';
        for (char *end; (end = strstr(in, "\r\n")) != NULL;) {
            *end = '\0';
            if (!obey(server, in))
                return;
            len -= (size_t)(end + 2 - in);
            memmove(in, end + 2, len + 1);
        }
    }
}

static void *run(void *arg)
{
    struct fake_ftp *server = arg;
    while (wait_readable(server, server->own->listening)) {
        server->own->control = accept(server->own->listening, NULL, NULL);
        serve(server);
        close(server->own->control);
        if (server->own->passive >= 0)
            close(server->own->passive);
        server->own->passive = -1;
    }
    return NULL;
}

struct fake_ftp *fake_ftp_start(const struct fake_ftp *plan)
{
    struct fake_ftp *server = malloc(sizeof *server);
    assert_non_null(server);
    *server = *plan;
    server->own = calloc(1, sizeof *server->own);
    assert_non_null(server->own);
    server->own->passive = -1;
    server->own->listening = listen_somewhere(&server->port);
    assert_int_equal(pipe(server->own->stop), 0);
    assert_int_equal(pthread_create(&server->own->thread, NULL, run, server), 0);
    return server;
}

void fake_ftp_end(struct fake_ftp *server)
{
    if (server->own == NULL)
        return;
    assert_int_equal(write(server->own->stop[1], "", 1), 1);
    pthread_join(server->own->thread, NULL);
    close(server->own->listening);
    close(server->own->stop[0]);
    close(server->own->stop[1]);
    free(server->own);
    server->own = NULL;
}

void fake_ftp_free(struct fake_ftp *server)
{
    fake_ftp_end(server);
    free(server);
}
