/* confine_test.c - what a confined process can no longer do, and what it still can. Each test is a process of
 * its own, since there is no way back. */
#include "testing.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/confine.h"
#include "base/time.h"

/* A site, and a file beside it that is none of its business. */
static struct bed {
    char folder[64], site[96], data[96], foreign[96], link[128];
} bed;

static void put(const char *folder, const char *name, const char *text, char *path, size_t cap)
{
    char at[256];
    snprintf(at, sizeof at, "%s/%s", folder, name);
    FILE *out = fopen(at, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    if (path != NULL)
        snprintf(path, cap, "%s", at);
}

static int open_bed(void **state)
{
    (void)state;
    strcpy(bed.folder, "/tmp/cw-confine-XXXXXX");
    assert_non_null(mkdtemp(bed.folder));
    snprintf(bed.site, sizeof bed.site, "%s/site", bed.folder);
    snprintf(bed.data, sizeof bed.data, "%s/data", bed.folder);
    assert_int_equal(mkdir(bed.site, 0700), 0);
    assert_int_equal(mkdir(bed.data, 0700), 0);
    put(bed.site, "site.lua", "return {}\n", NULL, 0);
    put(bed.folder, "foreign", "not yours\n", bed.foreign, sizeof bed.foreign);
    snprintf(bed.link, sizeof bed.link, "%s/link", bed.site);
    assert_int_equal(symlink(bed.foreign, bed.link), 0);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", bed.folder);
    return system(command);
}

/* --- a process of its own --- */

static int report; /* what is wrong goes here */

/* Ends the confined process with a word about what went wrong. */
static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    dprintf(report, "%s: %s", what, strerror(errno));
    _exit(1);
}

static void confine(void)
{
    const char *read[] = { bed.site, "/nowhere/at/all", NULL }, *write[] = { bed.data, NULL };
    struct cw_confine walls = { .read = read, .write = write };
    struct cw_confined confined;
    struct cw_error err = { 0 };
    expect(cw_confine_process(&walls, &confined, &err), err.text);
    expect(confined.seccomp, "no seccomp");
    expect(confined.landlock && confined.landlock_version >= 1, "no Landlock");
}

static void in_a_process(void (*test)(void))
{
    int out[2];
    char text[512] = "";
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        report = out[1];
        alarm(60);
        test();
        _exit(0);
    }
    close(out[1]);
    ssize_t n = read(out[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    close(out[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        fail_msg("killed by signal %d", WTERMSIG(status));
    if (text[0] != '\0' || WEXITSTATUS(status) != 0)
        fail_msg("%s", text);
}

#define CONFINED(name)                                                                                       \
    static void confined_##name(void);                                                                       \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        in_a_process(confined_##name);                                                                       \
    }                                                                                                        \
    static void confined_##name(void)

static void expect_refused(long result, int why, const char *what)
{
    expect(result == -1 && errno == why, what);
}

/* --- what is gone --- */

CONFINED(no_program_can_be_started)
{
    char *argv[] = { (char *)"/bin/true", NULL };
    int fd = open("/bin/true", O_PATH | O_CLOEXEC);
    confine();
    expect_refused(execv("/bin/true", argv), EPERM, "execve");
    expect_refused(syscall(SYS_execveat, fd, "", argv, NULL, 0x1000), EPERM, "execveat");
    int memory = memfd_create("program", 0);
    expect_refused(fexecve(memory, argv, argv), EPERM, "fexecve of memory");
}

CONFINED(no_process_can_be_made)
{
    confine();
    expect_refused(fork(), EPERM, "fork");
    expect_refused(syscall(SYS_vfork), EPERM, "vfork");
    expect_refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), EPERM, "clone");
    expect_refused(syscall(SYS_clone3, NULL, 0), ENOSYS, "clone3");
    expect(system("true") != 0, "system");
    expect(popen("true", "r") == NULL, "popen");
}

CONFINED(others_cannot_be_traced_read_or_killed)
{
    pid_t parent = getppid();
    char byte;
    struct iovec here = { &byte, 1 }, there = { (void *)&bed, 1 };
    confine();
    expect_refused(ptrace(PTRACE_ATTACH, parent, 0, 0), EPERM, "ptrace");
    expect_refused(process_vm_readv(parent, &here, 1, &there, 1, 0), EPERM, "process_vm_readv");
    expect_refused(process_vm_writev(parent, &here, 1, &there, 1, 0), EPERM, "process_vm_writev");
    const char *read[] = { NULL }, *write[] = { NULL };
    struct cw_confine walls = { .read = read, .write = write };
    struct cw_confined confined;
    expect(cw_confine_process(&walls, &confined, NULL), "a second time");
    if (confined.landlock_version >= 6)
        expect_refused(kill(parent, SIGCONT), EPERM, "kill");
    expect(kill(getpid(), 0) == 0, "a signal to itself");
}

CONFINED(the_way_out_and_into_the_kernel_is_closed)
{
    union bpf_attr attr = { 0 };
    confine();
    expect_refused(mount("none", bed.site, "tmpfs", 0, NULL), EPERM, "mount");
    expect_refused(umount(bed.site), EPERM, "umount");
    expect_refused(syscall(SYS_unshare, 0x10000000), EPERM, "unshare");
    expect_refused(syscall(SYS_setns, 0, 0), EPERM, "setns");
    expect_refused(chroot(bed.site), EPERM, "chroot");
    expect_refused(syscall(SYS_pivot_root, ".", "."), EPERM, "pivot_root");
    expect_refused(syscall(SYS_open_by_handle_at, 0, NULL, 0), EPERM, "open_by_handle_at");
    expect_refused(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr), EPERM, "bpf");
    expect_refused(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0), EPERM, "perf_event_open");
    expect_refused(syscall(SYS_userfaultfd, 1), EPERM, "userfaultfd");
    expect_refused(syscall(SYS_io_uring_setup, 1, NULL), EPERM, "io_uring_setup");
    expect_refused(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM, "keyctl");
    expect_refused(syscall(SYS_init_module, NULL, 0, ""), EPERM, "init_module");
    expect_refused(syscall(SYS_kexec_load, 0, 0, NULL, 0), EPERM, "kexec_load");
    expect_refused(syscall(SYS_personality, 0), EPERM, "personality");
    expect_refused(syscall(SYS_swapoff, "/nowhere"), EPERM, "swapoff");
    expect_refused(syscall(SYS_reboot, 0, 0, 0, NULL), EPERM, "reboot");
    expect_refused(syscall(SYS_setuid, 0), EPERM, "setuid");
}

CONFINED(no_odd_socket_and_no_typing_into_a_terminal)
{
    confine();
    expect_refused(socket(AF_PACKET, SOCK_DGRAM, 0), EAFNOSUPPORT, "AF_PACKET");
    expect_refused(socket(38 /* AF_ALG */, SOCK_SEQPACKET, 0), EAFNOSUPPORT, "AF_ALG");
    expect_refused(socket(40 /* AF_VSOCK */, SOCK_STREAM, 0), EAFNOSUPPORT, "AF_VSOCK");
    expect_refused(ioctl(0, TIOCSTI, "x"), EPERM, "TIOCSTI");
    expect_refused(syscall(SYS_ioctl, 0, TIOCSTI | 1L << 32, "x"), EPERM, "TIOCSTI with more bits");
}

CONFINED(foreign_files_are_refused_by_whatever_path)
{
    char path[256];
    int site = open(bed.site, O_PATH | O_DIRECTORY | O_CLOEXEC);
    confine();
    expect_refused(open(bed.foreign, O_RDONLY), EACCES, "a foreign file");
    expect_refused(open(bed.foreign, O_WRONLY), EACCES, "a foreign file to be written");
    expect_refused(open(bed.link, O_RDONLY), EACCES, "a link in the site");
    snprintf(path, sizeof path, "%s/../foreign", bed.site);
    expect_refused(open(path, O_RDONLY), EACCES, "by ..");
    expect_refused(openat(site, "../foreign", O_RDONLY), EACCES, "by .. from a descriptor");
    snprintf(path, sizeof path, "/proc/self/root%s", bed.foreign);
    expect_refused(open(path, O_RDONLY), EACCES, "by /proc/self/root");
    expect_refused(open(bed.folder, O_RDONLY | O_DIRECTORY), EACCES, "a foreign folder");
    expect_refused(open("/etc/passwd", O_RDONLY), EACCES, "/etc/passwd");
    expect_refused(open("/proc/self/mem", O_RDONLY), EACCES, "/proc/self/mem");
    expect_refused(truncate(bed.foreign, 0), EACCES, "truncate");
    expect_refused(unlink(bed.foreign), EACCES, "unlink");
    snprintf(path, sizeof path, "%s/new", bed.folder);
    expect_refused(open(path, O_WRONLY | O_CREAT, 0600), EACCES, "a new file");
    expect_refused(mkdir(path, 0700), EACCES, "a new folder");
}

CONFINED(what_may_be_read_may_not_be_changed)
{
    char path[256], data[256];
    confine();
    snprintf(path, sizeof path, "%s/site.lua", bed.site);
    snprintf(data, sizeof data, "%s/site.lua", bed.data);
    expect_refused(open(path, O_RDWR), EACCES, "writing");
    expect_refused(truncate(path, 0), EACCES, "truncate");
    expect_refused(unlink(path), EACCES, "unlink");
    expect(rename(path, data) == -1, "moved away");
    expect(link(path, data) == -1, "linked away");
    snprintf(path, sizeof path, "%s/new.lua", bed.site);
    expect_refused(open(path, O_WRONLY | O_CREAT, 0600), EACCES, "a new file");
    snprintf(data, sizeof data, "%s/link", bed.data);
    expect_refused(symlink(bed.foreign, data), EACCES, "a new link");
}

/* --- what remains --- */

CONFINED(the_sites_files_are_readable_and_its_data_is_writable)
{
    char path[256], other[256], text[32];
    confine();
    snprintf(path, sizeof path, "%s/site.lua", bed.site);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    expect(fd >= 0 && read(fd, text, sizeof text) == 10, "site.lua");
    expect(open(bed.site, O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0, "the site's folder");
    snprintf(path, sizeof path, "%s/a", bed.data);
    snprintf(other, sizeof other, "%s/b", bed.data);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    expect(fd >= 0 && write(fd, "hello", 5) == 5 && ftruncate(fd, 2) == 0 && fsync(fd) == 0, "a new file");
    expect(rename(path, other) == 0 && truncate(other, 0) == 0 && unlink(other) == 0, "and its end");
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    expect(fd >= 0 && write(fd, "x", 1) == 1, "/dev/null");
    fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    expect(fd >= 0 && read(fd, text, 8) == 8, "/dev/urandom");
}

CONFINED(a_store_works)
{
    char path[256];
    sqlite3 *db = NULL;
    char *why = NULL;
    confine();
    snprintf(path, sizeof path, "%s/store.db", bed.data);
    expect(sqlite3_open(path, &db) == SQLITE_OK, "open");
    sqlite3_exec(
        db,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t(a); BEGIN; INSERT INTO t "
        "SELECT value FROM json_each('[1,2,3]'); COMMIT; PRAGMA wal_checkpoint(TRUNCATE);",
        NULL, NULL, &why);
    expect(why == NULL, why);
    expect(sqlite3_close(db) == SQLITE_OK, "close");
}

CONFINED(zones_are_found)
{
    struct cw_error err = { 0 };
    cw_time time;
    confine();
    struct cw_zone *zone = cw_zone_open("Europe/Paris", &err);
    expect(zone != NULL, err.text);
    expect(cw_time_parse(cw_slice("2024-03-31 10:30:00"), zone, &time, &err), err.text);
    expect(time == 1711873800 * CW_SECOND, "summer time");
    cw_zone_free(zone);
}

static void *count(void *arg)
{
    ++*(int *)arg;
    return NULL;
}

CONFINED(threads_work)
{
    pthread_t thread;
    int counted = 0;
    confine();
    errno = pthread_create(&thread, NULL, count, &counted);
    expect(errno == 0, "pthread_create");
    expect(pthread_join(thread, NULL) == 0 && counted == 1, "the thread did not run");
}

CONFINED(names_are_resolved)
{
    struct addrinfo *found = NULL, hints = { .ai_socktype = SOCK_STREAM };
    confine();
    expect(getaddrinfo("localhost", "https", &hints, &found) == 0 && found != NULL, "localhost");
    freeaddrinfo(found);
    int answer = getaddrinfo("no-such-host.invalid", NULL, &hints, &found);
    expect(answer == EAI_NONAME || answer == EAI_AGAIN, gai_strerror(answer));
    /* What the resolver reads: without it, it would ask a name server on this very machine. */
    expect(access("/etc/resolv.conf", F_OK) != 0 || open("/etc/resolv.conf", O_RDONLY) >= 0, "resolv.conf");
}

static size_t swallow(char *data, size_t size, size_t count_of, void *arg)
{
    (void)data;
    (void)arg;
    return size * count_of;
}

static CURLcode fetch(const char *url)
{
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return code;
}

/* A TLS server whose certificate nobody signed: it is refused for that, which takes the certificates of those
 * who are trusted. */
CONFINED(a_connection_by_tls_is_made_and_its_certificate_checked)
{
    char command[512], url[64];
    unsigned port = 20000 + (unsigned)getpid() % 20000;
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s/key -out "
             "%s/cert -days 2 -subj /CN=localhost >/dev/null 2>&1",
             bed.site, bed.site);
    expect(system(command) == 0, "openssl req");
    pid_t server = fork();
    if (server == 0) {
        snprintf(
            command, sizeof command,
            "exec openssl s_server -quiet -accept 127.0.0.1:%u -key %s/key -cert %s/cert -www >/dev/null "
            "2>&1",
            port, bed.site, bed.site);
        alarm(50);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    for (int i = 0; i < 100 && fetch(url) == CURLE_COULDNT_CONNECT; i++)
        usleep(50 * 1000);
    pid_t client = fork(); /* the confined one may not end the server */
    if (client == 0) {
        confine();
        snprintf(url, sizeof url, "https://localhost:%u/", port);
        CURLcode code = fetch(url);
        errno = 0;
        expect(code == CURLE_PEER_FAILED_VERIFICATION, curl_easy_strerror(code));
        _exit(0);
    }
    waitpid(client, NULL, 0);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

CONFINED(descriptors_that_are_open_stay_open)
{
    char byte;
    int fd = open(bed.foreign, O_RDWR | O_CLOEXEC);
    confine();
    expect(read(fd, &byte, 1) == 1 && byte == 'n', "read");
    expect(pwrite(fd, "n", 1, 0) == 1, "write");
}

CONFINED(in_a_folder_for_moving_files_are_moved_and_nothing_is_written)
{
    const char *read[] = { NULL }, *write[] = { NULL }, *move[] = { bed.data, "/nowhere/at/all", NULL };
    const struct cw_confine walls = { .read = read, .write = write, .move = move };
    struct cw_confined confined;
    put(bed.data, "a", "text", NULL, 0);
    int outside = open(bed.folder, O_PATH | O_CLOEXEC);
    expect(cw_confine_process(&walls, &confined, NULL), "confine");
    int data = open(bed.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    expect(data >= 0, "the folder");
    expect(mkdirat(data, "work", 0700) == 0, "mkdir");
    expect(renameat(data, "a", data, "work/a") == 0, "rename into a folder below");
    expect(openat(data, "work/a", O_RDONLY | O_CLOEXEC) >= 0, "read");
    expect(openat(data, "lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0600) >= 0, "an empty file");
    expect_refused(openat(data, "work/a", O_WRONLY | O_CLOEXEC), EACCES, "write");
    expect_refused(renameat(data, "work/a", outside, "a"), EACCES, "rename to elsewhere");
    expect_refused(symlinkat("/etc/shadow", data, "link"), EACCES, "a link");
    expect(unlinkat(data, "work/a", 0) == 0 && unlinkat(data, "work", AT_REMOVEDIR) == 0, "remove");
    expect(unlinkat(data, "lock", 0) == 0, "remove the lock");
}

static void a_folder_to_write_to_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        const char *read[] = { NULL }, *write[] = { "/nowhere/at/all", NULL };
        struct cw_confine walls = { .read = read, .write = write };
        struct cw_confined confined;
        struct cw_error err = { 0 };
        bool ok = cw_confine_process(&walls, &confined, &err);
        _exit(!ok && strstr(err.text, "/nowhere/at/all cannot be kept: No such file") != NULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_program_can_be_started),
        cmocka_unit_test(no_process_can_be_made),
        cmocka_unit_test(others_cannot_be_traced_read_or_killed),
        cmocka_unit_test(the_way_out_and_into_the_kernel_is_closed),
        cmocka_unit_test(no_odd_socket_and_no_typing_into_a_terminal),
        cmocka_unit_test(foreign_files_are_refused_by_whatever_path),
        cmocka_unit_test(what_may_be_read_may_not_be_changed),
        cmocka_unit_test(the_sites_files_are_readable_and_its_data_is_writable),
        cmocka_unit_test(a_store_works),
        cmocka_unit_test(zones_are_found),
        cmocka_unit_test(threads_work),
        cmocka_unit_test(names_are_resolved),
        cmocka_unit_test(a_connection_by_tls_is_made_and_its_certificate_checked),
        cmocka_unit_test(descriptors_that_are_open_stay_open),
        cmocka_unit_test(in_a_folder_for_moving_files_are_moved_and_nothing_is_written),
        cmocka_unit_test(a_folder_to_write_to_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests_name("confine", tests, open_bed, close_bed);
}
