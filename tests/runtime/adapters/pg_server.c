/* pg_server.c - see pg_server.h. */
#include "pg_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

static struct {
    char binaries[256], folder[64];
    int port;
    pid_t pid; /* 0 = it is not running */
} server;

static bool find_binaries(void)
{
    glob_t found;
    bool ok = glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0;
    if (ok)
        snprintf(server.binaries, sizeof server.binaries, "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return ok;
}

bool pg_server_is_wanted(void)
{
    const char *store = getenv("CW_TEST_STORE");
    return store != NULL && strcmp(store, "postgresql") == 0;
}

static void need_binaries(void)
{
    if (server.binaries[0] != '\0' || find_binaries())
        return;
    fprintf(stderr, "skipped: PostgreSQL is not installed; install the package postgresql to run this\n");
    exit(77);
}

__attribute__((constructor)) static void skip_early(void)
{
    if (pg_server_is_wanted())
        need_binaries();
}

/* --- processes --- */

/* PostgreSQL refuses to run as root; with it the server ends when this program does, however that ends. */
static void run_as_postgres(const char *const arguments[])
{
    static const char *const prefix[] = { "setpriv",       "--reuid=postgres", "--regid=postgres",
                                          "--init-groups", "--pdeathsig=INT",  "--" };
    const char *whole[32];
    size_t count = 0;
    for (size_t i = 0; geteuid() == 0 && i < sizeof prefix / sizeof *prefix; i++)
        whole[count++] = prefix[i];
    for (size_t i = 0; arguments[i] != NULL; i++)
        whole[count++] = arguments[i];
    whole[count] = NULL;
    execvp(whole[0], (char *const *)whole);
    _exit(127);
}

static pid_t spawn(const char *const arguments[])
{
    char log[96];
    snprintf(log, sizeof log, "%s/log", server.folder);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    if (chdir("/") == 0)
        run_as_postgres(arguments);
    _exit(127);
}

static void show_log(void)
{
    char command[128];
    snprintf(command, sizeof command, "tail -n 20 %s/log >&2", server.folder);
    if (system(command) != 0)
        fprintf(stderr, "there is no log in %s\n", server.folder);
}

static void run(const char *const arguments[])
{
    int status;
    assert_int_equal(waitpid(spawn(arguments), &status, 0) > 0, 1);
    if (status == 0)
        return;
    show_log();
    fail_msg("%s failed", arguments[0]);
}

/* --- its folder --- */

static void write_password(const char *path)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "%s\n", PG_SERVER_PASSWORD);
    fclose(out);
}

static void make_folder(void)
{
    snprintf(server.folder, sizeof server.folder, "/tmp/cw-pg-XXXXXX");
    assert_non_null(mkdtemp(server.folder));
    const struct passwd *postgres = getpwnam("postgres");
    if (geteuid() == 0)
        assert_int_equal(chown(server.folder, postgres->pw_uid, postgres->pw_gid), 0);
}

static void make_data(void)
{
    char initdb[300], data[96], password[96], from_file[112];
    snprintf(initdb, sizeof initdb, "%s/initdb", server.binaries);
    snprintf(data, sizeof data, "%s/data", server.folder);
    snprintf(password, sizeof password, "%s/password", server.folder);
    snprintf(from_file, sizeof from_file, "--pwfile=%s", password);
    write_password(password);
    run((const char *[]){ initdb, "-D", data, "-U", "shop", "--auth=scram-sha-256", from_file, "-E", "UTF8",
                          "--locale=C.UTF-8", "--no-sync", NULL });
}

static int free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static void clean_up(void)
{
    if (server.pid != 0)
        pg_server_stop(SIGINT);
    if (server.folder[0] != '\0')
        nftw(server.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- running --- */

static bool answers(void)
{
    char uri[128];
    snprintf(uri, sizeof uri, "postgresql://127.0.0.1:%d/postgres", server.port);
    return PQping(uri) == PQPING_OK;
}

void pg_server_start(void)
{
    char postgres[300], data[96], port[16];
    snprintf(postgres, sizeof postgres, "%s/postgres", server.binaries);
    snprintf(data, sizeof data, "%s/data", server.folder);
    snprintf(port, sizeof port, "%d", server.port);
    server.pid = spawn((const char *[]){ postgres,
                                         "-D",
                                         data,
                                         "-k",
                                         server.folder,
                                         "-p",
                                         port,
                                         "-c",
                                         "listen_addresses=127.0.0.1",
                                         "-c",
                                         "fsync=off",
                                         "-c",
                                         "max_connections=40",
                                         "-c",
                                         "shared_buffers=16MB",
                                         "-c",
                                         "autovacuum=off",
                                         "-c",
                                         "full_page_writes=off",
                                         "-c",
                                         "checkpoint_timeout=1h",
                                         "-c",
                                         "max_wal_size=4GB",
                                         "-c",
                                         "client_min_messages=warning",
                                         NULL });
    for (int i = 0; i < 1000 && !answers(); i++) {
        if (waitpid(server.pid, NULL, WNOHANG) != 0 || i == 999) {
            show_log();
            fail_msg("PostgreSQL does not start");
        }
        usleep(10000);
    }
}

void pg_server_stop(int how)
{
    kill(server.pid, how);
    assert_int_equal(waitpid(server.pid, NULL, 0), server.pid);
    server.pid = 0;
}

static void make_clock(void);

static void need_server(void)
{
    if (server.folder[0] != '\0')
        return;
    need_binaries();
    atexit(clean_up);
    make_folder();
    make_data();
    server.port = free_port();
    pg_server_start();
    make_clock();
}

int pg_server_port(void)
{
    need_server();
    return server.port;
}

const char *pg_server_uri(const char *schema)
{
    static char uri[256];
    snprintf(uri, sizeof uri,
             "postgresql://shop:%s@127.0.0.1:%d/postgres?options=-csearch_path%%3D%s,test,pg_catalog",
             PG_SERVER_PASSWORD, pg_server_port(), schema);
    return uri;
}

/* --- statements --- */

const char *pg_server_ask(const char *schema, const char *sql)
{
    static char value[512];
    PGconn *conn = PQconnectdb(pg_server_uri(schema));
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    snprintf(value, sizeof value, "%s",
             !ok                     ? PQerrorMessage(conn)
             : PQntuples(result) > 0 ? PQgetvalue(result, 0, 0)
                                     : "");
    PQclear(result);
    PQfinish(conn);
    if (!ok)
        fail_msg("%s: %s", sql, value);
    return value;
}

void pg_server_execute(const char *schema, const char *sql)
{
    pg_server_ask(schema, sql);
}

void pg_server_create(const char *schema)
{
    char sql[96];
    snprintf(sql, sizeof sql, "CREATE SCHEMA %s", schema);
    pg_server_execute("public", sql);
}

/* A session that still has it open would hold its tables. */
void pg_server_drop(const char *schema)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation::regclass::text LIKE '%s.%%' "
             "AND pid <> pg_backend_pid()",
             schema);
    pg_server_execute("public", sql);
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", schema);
    pg_server_execute("public", sql);
}

/* A function of that name stands before the server's own; it reads a file that the test writes. */
static void make_clock(void)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "CREATE SCHEMA test; CREATE FUNCTION test.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
             "VOLATILE AS $$ SELECT coalesce(nullif(pg_read_file('%s/clock', 0, 99, true), ''), "
             "now()::text)::timestamptz $$",
             server.folder);
    pg_server_execute("public", sql);
}

void pg_server_set_clock(cw_time now)
{
    static cw_time last = CW_TIME_NONE;
    char path[96], text[CW_TIME_TEXT_MAX];
    if (now == last || server.folder[0] == '\0')
        return;
    last = now;
    snprintf(path, sizeof path, "%s/clock", server.folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fwrite(text, 1, cw_time_iso(now, text), out);
    assert_int_equal(fclose(out), 0);
}
