/* notify_test.c - what arrives at the service manager's socket. */
#include "testing.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "adapters/notify.h"

/* Binds the socket of a manager; name as NOTIFY_SOCKET has it. */
static int open_manager(const char *name)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    strcpy(at.sun_path, name);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void assert_told(int fd, const char *expected)
{
    char got[1024] = "";
    ssize_t n = recv(fd, got, sizeof got - 1, 0);
    assert_true(n >= 0);
    assert_string_equal(got, expected);
}

static void a_path_and_an_abstract_name_are_both_reached(void **state)
{
    (void)state;
    char names[2][64];
    snprintf(names[0], sizeof names[0], "/tmp/cw-notify-%d", (int)getpid());
    snprintf(names[1], sizeof names[1], "@cw-notify-%d", (int)getpid());
    for (int i = 0; i < 2; i++) {
        int fd = open_manager(names[i]);
        assert_true(cw_notify("READY=1\nSTATUS=%d workers", 4));
        assert_told(fd, "READY=1\nSTATUS=4 workers");
        close(fd);
    }
    unlink(names[0]);
}

static void a_text_that_is_too_long_is_cut(void **state)
{
    (void)state;
    char name[64], longest[2000];
    snprintf(name, sizeof name, "@cw-notify-long-%d", (int)getpid());
    int fd = open_manager(name);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_true(cw_notify("%s", longest));
    longest[511] = '\0';
    assert_told(fd, longest);
    close(fd);
}

static void without_a_manager_nothing_is_sent(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "@", "relative", "/nowhere/at/all" };
    char longest[300];
    unsetenv("NOTIFY_SOCKET");
    assert_false(cw_notify("READY=1"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("NOTIFY_SOCKET", bad[i], 1);
        assert_false(cw_notify("READY=1"));
    }
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    assert_false(cw_notify("READY=1"));
}

static void the_watchdog_is_for_the_process_it_names(void **state)
{
    (void)state;
    char pid[16];
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    assert_int_equal(cw_notify_watchdog(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(cw_notify_watchdog(), 30 * CW_SECOND);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(cw_notify_watchdog(), 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(cw_notify_watchdog(), 30 * CW_SECOND);
    setenv("WATCHDOG_USEC", "-5", 1);
    assert_int_equal(cw_notify_watchdog(), 0);
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(cw_notify_watchdog(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_and_an_abstract_name_are_both_reached),
        cmocka_unit_test(a_text_that_is_too_long_is_cut),
        cmocka_unit_test(without_a_manager_nothing_is_sent),
        cmocka_unit_test(the_watchdog_is_for_the_process_it_names),
    };
    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
