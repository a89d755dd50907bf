/* mail_server.c - see mail_server.h. */
#include "mail_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

static unsigned free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool answers(unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return ok;
}

static void show_log(const struct mail_server *server)
{
    char command[128];
    snprintf(command, sizeof command, "cat %s/log >&2", server->folder);
    if (system(command) != 0)
        fprintf(stderr, "no log\n");
}

static void begin_process(struct mail_server *server)
{
    char ports[4][8], log[96];
    const unsigned all[] = { server->imap, server->imaps, server->pop3, server->pop3s };
    for (size_t i = 0; i < 4; i++)
        snprintf(ports[i], sizeof ports[i], "%u", all[i]);
    snprintf(log, sizeof log, "%s/log", server->folder);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid > 0)
        return;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execl("tests/system/lib/dovecot", "dovecot", server->folder, ports[0], ports[1], ports[2], ports[3],
          NULL);
    _exit(127);
}

void mail_server_restart(struct mail_server *server)
{
    int status = 0;
    begin_process(server);
    for (int i = 0; i < 1000 && !(answers(server->imap) && answers(server->pop3)); i++) {
        bool ended = waitpid(server->pid, &status, WNOHANG) != 0;
        if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 77) {
            show_log(server);
            exit(77);
        }
        if (ended || i == 999) {
            show_log(server);
            fail_msg("Dovecot does not start");
        }
        usleep(10000);
    }
}

struct mail_server *mail_server_start(const char *more)
{
    struct mail_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    strcpy(server->folder, "/tmp/cw-mail-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    server->imap = free_port();
    server->imaps = free_port();
    server->pop3 = free_port();
    server->pop3s = free_port();
    setenv("MORE", more != NULL ? more : "", 1);
    mail_server_restart(server);
    return server;
}

void mail_server_kill(struct mail_server *server)
{
    if (server->pid == 0)
        return;
    kill(server->pid, SIGTERM);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
    server->pid = 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

void mail_server_stop(struct mail_server *server)
{
    mail_server_kill(server);
    nftw(server->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(server);
}

static void give_to_server(const char *path)
{
    const struct passwd *user = getpwnam("mail");
    if (geteuid() == 0 && user != NULL)
        assert_int_equal(chown(path, user->pw_uid, user->pw_gid), 0);
}

static void make_folder(const char *path)
{
    mkdir(path, 0700);
    give_to_server(path);
}

void mail_server_deliver(struct mail_server *server, struct cw_slice bytes)
{
    char name[128], path[160];
    static const char *const folders[] = { "mail/new", "mail/cur", "mail/tmp" };
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", server->folder, folders[i]);
        make_folder(path);
    }
    snprintf(name, sizeof name, "17118477%02u.M%uP1.test", server->delivered, server->delivered);
    server->delivered++;
    snprintf(path, sizeof path, "%s/mail/tmp/%s", server->folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, out), bytes.len);
    assert_int_equal(fclose(out), 0);
    const struct timespec times[2] = { { .tv_sec = 1711847700 + server->delivered - 1 },
                                       { .tv_sec = 1711847700 + server->delivered - 1 } };
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    give_to_server(path);
    char final[160];
    snprintf(final, sizeof final, "%s/mail/new/%s", server->folder, name);
    assert_int_equal(rename(path, final), 0);
}

static unsigned count_files(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

unsigned mail_server_count(const struct mail_server *server, const char *folder)
{
    char path[192];
    snprintf(path, sizeof path, "%s/mail/%s/new", server->folder, folder);
    unsigned count = count_files(path);
    snprintf(path, sizeof path, "%s/mail/%s/cur", server->folder, folder);
    return count + count_files(path);
}

/* Dovecot draws a new UIDVALIDITY from the clock, in seconds. */
void mail_server_renew(struct mail_server *server)
{
    char command[192];
    sleep(1);
    snprintf(command, sizeof command, "rm -f %s/mail/dovecot* %s/mail/.done/dovecot*", server->folder,
             server->folder);
    assert_int_equal(system(command), 0);
}

char *mail_server_certificate(const struct mail_server *server)
{
    char path[96], *text = calloc(1, 8192);
    snprintf(path, sizeof path, "%s/cert.pem", server->folder);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_non_null(text);
    assert_true(fread(text, 1, 8191, in) > 0);
    fclose(in);
    return text;
}
