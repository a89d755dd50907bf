/* file_server.c - see file_server.h. */
#include "file_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

void file_server_need(const char *program, const char *package)
{
    if (access(program, X_OK) == 0)
        return;
    fprintf(stderr, "skipped: there is no %s; install the package %s to run this\n", program, package);
    exit(77);
}

/* --- its folder --- */

static const struct passwd *server_user(void)
{
    return geteuid() == 0 ? getpwnam("nobody") : getpwuid(geteuid());
}

static void give_to_server(const char *path)
{
    const struct passwd *user = server_user();
    if (geteuid() == 0)
        assert_int_equal(chown(path, user->pw_uid, user->pw_gid), 0);
}

static struct file_server *make_folder(void)
{
    struct file_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    strcpy(server->folder, "/tmp/cw-files-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    snprintf(server->in, sizeof server->in, "%s/in", server->folder);
    assert_int_equal(mkdir(server->in, 0755), 0);
    give_to_server(server->folder);
    give_to_server(server->in);
    snprintf(server->user, sizeof server->user, "%s", server_user()->pw_name);
    return server;
}

void file_server_put(const struct file_server *server, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", server->folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
    chmod(path, 0600);
    give_to_server(path);
}

struct cw_buffer file_server_read(const struct file_server *server, const char *name)
{
    char path[400];
    struct cw_buffer text = { 0 };
    snprintf(path, sizeof path, "%s/%s", server->folder, name);
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return text;
    assert_true(cw_buffer_add(&text, "", 0, NULL));
    for (size_t got = 1; got > 0;) {
        char *to = cw_buffer_reserve(&text, 65536, NULL);
        assert_non_null(to);
        got = fread(to, 1, 65536, in);
        text.len += got;
    }
    fclose(in);
    return text;
}

char *file_server_text(const struct file_server *server, const char *name)
{
    struct cw_buffer text = file_server_read(server, name);
    assert_non_null(text.data);
    assert_true(cw_buffer_add(&text, "", 1, NULL));
    return text.data;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *file_server_names(const struct file_server *server)
{
    static char out[2048];
    char *names[64];
    size_t count = 0, len = 0;
    DIR *dir = opendir(server->in);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && count < 64)
            names[count++] = strdup(entry->d_name);
    closedir(dir);
    qsort(names, count, sizeof *names, compare_names);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(out + len, sizeof out - len, "%s ", names[i]);
        free(names[i]);
    }
    return out;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

/* --- processes --- */

static void redirect_output(const struct file_server *server)
{
    char log[96];
    snprintf(log, sizeof log, "%s/log", server->folder);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
}

static pid_t spawn(const struct file_server *server, bool as_nobody, const char *const arguments[])
{
    const char *whole[40] = { "setpriv", "--pdeathsig=TERM" };
    size_t count = 2;
    if (as_nobody && geteuid() == 0) {
        whole[count++] = "--reuid=nobody";
        whole[count++] = "--regid=nogroup";
        whole[count++] = "--clear-groups";
    }
    whole[count++] = "--";
    while ((whole[count] = *arguments++) != NULL)
        count++;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    redirect_output(server);
    if (chdir(server->folder) == 0)
        execvp(whole[0], (char *const *)whole);
    _exit(127);
}

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

static bool answers(const struct file_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)server->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return ok;
}

static void wait_until_it_answers(struct file_server *server)
{
    for (int i = 0; i < 1000 && !answers(server); i++) {
        if (waitpid(server->pid, NULL, WNOHANG) != 0 || i == 999) {
            char *log = file_server_text(server, "log");
            fprintf(stderr, "%s\n", log);
            free(log);
            fail_msg("the server does not start");
        }
        usleep(10000);
    }
}

/* vsftpd and sshd give each who logs in processes, in sessions of their own. */
static void strike_children(pid_t pid, int number)
{
    char path[64];
    int child;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *in = fopen(path, "r");
    while (in != NULL && fscanf(in, "%d", &child) == 1) {
        strike_children(child, number);
        kill(child, number);
    }
    if (in != NULL)
        fclose(in);
}

void file_server_strike(struct file_server *server, int number)
{
    kill(server->pid, SIGSTOP); /* so that it has no further children */
    strike_children(server->pid, number);
    kill(server->pid, number);
    if (number != SIGKILL)
        return;
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
    server->pid = 0;
}

void file_server_kill(struct file_server *server)
{
    if (server->pid != 0)
        file_server_strike(server, SIGKILL);
}

void file_server_stop(struct file_server *server)
{
    file_server_kill(server);
    nftw(server->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(server);
}

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s failed", command);
}

/* --- vsftpd --- */

/* Nobody of the machine can log in: the only ones are the password of "anonymous". */
static const char vsftpd_lines[] = "listen=YES\n"
                                   "background=NO\n"
                                   "run_as_launching_user=YES\n"
                                   "one_process_model=YES\n"
                                   "seccomp_sandbox=NO\n"
                                   "listen_address=127.0.0.1\n"
                                   "pasv_address=127.0.0.1\n"
                                   "anonymous_enable=YES\n"
                                   "local_enable=NO\n"
                                   "secure_email_list_enable=YES\n"
                                   "write_enable=YES\n"
                                   "anon_upload_enable=YES\n"
                                   "anon_mkdir_write_enable=YES\n"
                                   "anon_other_write_enable=YES\n"
                                   "anon_world_readable_only=NO\n"
                                   "anon_umask=022\n"
                                   "delay_failed_login=0\n"
                                   "xferlog_enable=NO\n";

static struct file_server *start_vsftpd(struct file_server *server, const char *more)
{
    char config[2048], path[96];
    server->port = free_port();
    snprintf(config, sizeof config,
             "%slisten_port=%u\nftp_username=%s\nanon_root=%s\nemail_password_file=%s/passwords\n%s",
             vsftpd_lines, server->port, server->user, server->folder, server->folder,
             more != NULL ? more : "");
    file_server_put(server, "passwords", FILE_SERVER_PASSWORD "\n");
    file_server_put(server, "vsftpd.conf", config);
    snprintf(path, sizeof path, "%s/vsftpd.conf", server->folder);
    strcpy(server->user, "anonymous");
    server->pid = spawn(server, true, (const char *[]){ "/usr/sbin/vsftpd", path, NULL });
    wait_until_it_answers(server);
    return server;
}

struct file_server *vsftpd_start(const char *more)
{
    return start_vsftpd(make_folder(), more);
}

struct file_server *vsftpd_start_tls(const char *more)
{
    char command[512], config[1024];
    struct file_server *server = make_folder();
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test "
             "-addext subjectAltName=IP:127.0.0.1 -keyout %s/tls.key -out %s/ca.pem 2>/dev/null",
             server->folder, server->folder);
    run(command);
    snprintf(config, sizeof config, "%s/tls.key", server->folder);
    give_to_server(config);
    snprintf(config, sizeof config,
             "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\n"
             "rsa_cert_file=%s/ca.pem\nrsa_private_key_file=%s/tls.key\nssl_ciphers=HIGH\n%s",
             server->folder, server->folder, more != NULL ? more : "");
    return start_vsftpd(server, config);
}

/* --- sshd --- */

static const char sshd_lines[] = "ListenAddress 127.0.0.1\n"
                                 "UsePAM no\n"
                                 "StrictModes no\n"
                                 "PidFile none\n"
                                 "KbdInteractiveAuthentication no\n"
                                 "Subsystem sftp internal-sftp\n";

static void read_host_key(struct file_server *server)
{
    char command[192];
    snprintf(command, sizeof command, "ssh-keygen -lf %s/host.pub", server->folder);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%*s SHA256:%63s", server->host_key), 1);
    pclose(in);
}

static void make_keys(struct file_server *server)
{
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && for name in host client stranger; do ssh-keygen -q -t ed25519 -N '' -f $name; done && "
             "ssh-keygen -q -t ed25519 -N 'of the key' -f locked && cat client.pub locked.pub >authorized",
             server->folder);
    run(command);
    read_host_key(server);
}

/* sshd lets in whom the machine knows. As root it gets a list of its own, in a name space of its own: a user
 * with nobody's rights and our password. */
static pid_t spawn_sshd_of_root(struct file_server *server, const char *config)
{
    char command[1024];
    snprintf(command, sizeof command,
             "cd %s && cp /etc/passwd /etc/shadow . && echo 'shop:x:65534:65534::/:/bin/sh' >>passwd && "
             "echo \"shop:$(openssl passwd -6 %s):20000::::::\" >>shadow && mkdir run && "
             "chmod 755 . run && unshare --mount true",
             server->folder, FILE_SERVER_PASSWORD);
    run(command);
    strcpy(server->user, "shop");
    snprintf(command, sizeof command,
             "cd %s && mount --bind passwd /etc/passwd && mount --bind shadow /etc/shadow && "
             "mount -t tmpfs none /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f %s",
             server->folder, config);
    return spawn(server, false, (const char *[]){ "unshare", "--mount", "sh", "-c", command, NULL });
}

struct file_server *sshd_start(void)
{
    char config[1024], path[96];
    struct file_server *server = make_folder();
    server->port = free_port();
    make_keys(server);
    snprintf(config, sizeof config,
             "%sPort %u\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\n"
             "ForceCommand internal-sftp -d %s\n",
             sshd_lines, server->port, server->folder, server->folder, server->folder);
    file_server_put(server, "sshd.conf", config);
    snprintf(path, sizeof path, "%s/sshd.conf", server->folder);
    if (geteuid() == 0)
        server->pid = spawn_sshd_of_root(server, path);
    else
        server->pid =
            spawn(server, false, (const char *[]){ "/usr/sbin/sshd", "-D", "-e", "-f", path, NULL });
    wait_until_it_answers(server);
    return server;
}
