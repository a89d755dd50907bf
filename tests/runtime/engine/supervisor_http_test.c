/* supervisor_http_test.c - what a supervisor answers, and the sockets it owns, in virtual time. */
#include "supervisor_bed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/metrics.h"

static struct asked {
    const char *request; /* "GET /readyz" */
    char answer[16384];
    size_t len;
    int fd;
} asked[8];
static size_t asked_count, asking_count;
static unsigned port;
static char settings[128];

static unsigned free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static int connect_to(unsigned to)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)to) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static void send_next(struct bed *bed)
{
    (void)bed;
    struct asked *one = &asked[asked_count];
    char request[128];
    int len = snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                       one->request);
    one->fd = connect_to(port);
    assert_true(one->fd >= 0);
    assert_int_equal(send(one->fd, request, (size_t)len, MSG_NOSIGNAL), len);
    fcntl(one->fd, F_SETFL, O_NONBLOCK);
}

static void receive(struct bed *bed)
{
    (void)bed;
    struct asked *one = &asked[asked_count];
    for (ssize_t n; (n = recv(one->fd, one->answer + one->len, sizeof one->answer - 1 - one->len, 0)) > 0;)
        one->len += (size_t)n;
}

static void end_one(struct bed *bed)
{
    receive(bed);
    close(asked[asked_count++].fd);
}

/* The steps between give the loop its passes. */
static void ask_at(struct bed *bed, cw_time time, const char *request)
{
    asked[asking_count++] = (struct asked){ .request = request };
    bed_at(bed, time, send_next);
    for (int i = 1; i < 8; i++)
        bed_at(bed, time + i, receive);
    bed_at(bed, time + 8, end_one);
}

static void open_served(struct bed *bed, const char *more)
{
    bed_open(bed);
    asked_count = asking_count = 0;
    port = free_port();
    snprintf(settings, sizeof settings, "metrics 127.0.0.1:%u\n%s", port, more);
    bed->settings = settings;
}

static void assert_answered(size_t n, int status, const char *text)
{
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    if (strncmp(asked[n].answer, line, strlen(line)) != 0 || strstr(asked[n].answer, text) == NULL)
        fail_msg("%s: not %d with \"%s\", but:\n%s", asked[n].request, status, text, asked[n].answer);
}

static void fail_again(struct bed *bed)
{
    bed->die_after = 10 * CW_MILLISECOND;
    fake_end(bed_worker(bed, 0), true, SIGKILL);
}

static void it_is_ready_with_the_first_worker_and_says_why_not(void **state)
{
    (void)state;
    struct bed bed;
    open_served(&bed, "workers 2\n");
    bed.ready_after = 5 * CW_SECOND;
    ask_at(&bed, 3 * CW_SECOND, "GET /readyz");
    ask_at(&bed, 6 * CW_SECOND, "GET /readyz?verbose");
    bed_at(&bed, 10 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_answered(0, 503,
                    "\r\n\r\nno worker is ready\nworker 1 starts since 3 s\nworker 2 starts since 3 s\n");
    assert_answered(1, 200, "\r\n\r\n2 of 2 workers are ready\n");
    bed_close(&bed);
}

static void one_that_is_put_off_is_named_with_its_reason(void **state)
{
    (void)state;
    struct bed bed;
    open_served(&bed, "");
    bed_at(&bed, 20 * CW_SECOND, fail_again);
    ask_at(&bed, 25 * CW_SECOND, "GET /healthz");
    ask_at(&bed, 40 * CW_SECOND, "GET /healthz");
    ask_at(&bed, 41 * CW_SECOND, "GET /readyz");
    bed_at(&bed, 50 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_answered(0, 200, "\r\n\r\nfine\n");
    assert_answered(
        1, 503,
        "nobody is at work as worker 1 since 20 s: worker 1 ended with exit code 1; it is started "
        "again in ");
    assert_answered(2, 503, "no worker is ready\nworker 1 ended with exit code 1; it is started again in ");
    bed_close(&bed);
}

static void a_long_start_is_healthy_though_not_ready(void **state)
{
    (void)state;
    struct bed bed;
    open_served(&bed, "");
    bed.ready_after = 100 * CW_SECOND;
    ask_at(&bed, 60 * CW_SECOND, "GET /healthz");
    ask_at(&bed, 61 * CW_SECOND, "GET /readyz");
    bed_at(&bed, 70 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_answered(0, 200, "fine");
    assert_answered(1, 503, "worker 1 starts since 61 s");
    bed_close(&bed);
}

static void count_something(struct bed *bed)
{
    cw_metrics_late(bed_worker(bed, 0)->pulse->metrics, 5 * CW_SECOND);
}

static void count_more(struct bed *bed)
{
    cw_metrics_late(bed_worker(bed, 2)->pulse->metrics, 5 * CW_SECOND);
}

static void kill_first(struct bed *bed)
{
    fake_end(bed_worker(bed, 0), true, SIGKILL);
}

static void metrics_are_the_sum_of_all_workers_also_of_dead_ones(void **state)
{
    (void)state;
    struct bed bed;
    open_served(&bed, "workers 2\n");
    bed_at(&bed, CW_SECOND, count_something);
    bed_at(&bed, 2 * CW_SECOND, kill_first);
    bed_at(&bed, 3 * CW_SECOND, count_more);
    ask_at(&bed, 5 * CW_SECOND, "GET /metrics");
    bed_at(&bed, 10 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_answered(0, 200, "cartwright_workers_wanted 2\n");
    assert_answered(0, 200, "cartwright_workers_ready 2\n");
    assert_answered(0, 200, "cartwright_workers_died_total 1\n");
    assert_answered(0, 200, "cartwright_workers_hung_total 0\n");
    assert_answered(0, 200, "_count 2\n");
    assert_answered(0, 200, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    bed_close(&bed);
}

static void nothing_else_is_served(void **state)
{
    (void)state;
    struct bed bed;
    open_served(&bed, "");
    ask_at(&bed, CW_SECOND, "GET /");
    ask_at(&bed, 2 * CW_SECOND, "GET /metricsx");
    ask_at(&bed, 3 * CW_SECOND, "DELETE /metrics");
    ask_at(&bed, 4 * CW_SECOND, "HEAD /readyz");
    bed_at(&bed, 10 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_answered(0, 404, "/metrics, /healthz and /readyz");
    assert_answered(1, 404, "");
    assert_answered(2, 405, "");
    assert_answered(3, 200, "Content-Length: 25\r\n");
    assert_null(strstr(asked[3].answer, "workers are ready"));
    bed_close(&bed);
}

static unsigned second_port;

static void want_second_port(struct bed *bed)
{
    snprintf(settings, sizeof settings, "metrics 127.0.0.1:%u\n", second_port);
    bed_hup(bed);
}

static void go_on_at_the_second_port(struct bed *bed)
{
    (void)bed;
    assert_int_equal(connect_to(port), -1);
    port = second_port;
}

static void a_reload_may_change_the_address(void **state)
{
    (void)state;
    struct bed bed;
    open_served(&bed, "");
    second_port = free_port();
    ask_at(&bed, CW_SECOND, "GET /readyz");
    bed_at(&bed, 10 * CW_SECOND, want_second_port);
    bed_at(&bed, 15 * CW_SECOND, go_on_at_the_second_port);
    ask_at(&bed, 20 * CW_SECOND, "GET /readyz");
    bed_at(&bed, 30 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_answered(0, 200, "1 of 1");
    assert_answered(1, 200, "1 of 1");
    bed_close(&bed);
}

static int take_port(unsigned which)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)which) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void an_address_that_is_taken_leaves_the_old_one_in_a_reload(void **state)
{
    (void)state;
    struct bed bed;
    open_served(&bed, "");
    second_port = free_port();
    int taken = take_port(second_port);
    bed_at(&bed, 10 * CW_SECOND, want_second_port);
    ask_at(&bed, 20 * CW_SECOND, "GET /readyz");
    bed_at(&bed, 30 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_answered(0, 200, "1 of 1");
    assert_int_equal(bed_log_count(&bed, "address-refused"), 1);
    assert_int_equal(bed_log_count(&bed, "site-reloaded"), 1);
    close(taken);
    bed_close(&bed);
}

static void an_address_that_is_taken_keeps_it_from_starting(void **state)
{
    (void)state;
    struct bed bed;
    open_served(&bed, "");
    int taken = take_port(port);
    assert_int_equal(bed_run(&bed), 1);
    assert_int_equal(bed_workers(&bed), 0);
    assert_non_null(strstr(bed_log(&bed), "event=not-started error=\"cannot listen on 127.0.0.1, port "));
    assert_non_null(strstr(bed_log(&bed), "Address already in use"));
    close(taken);
    bed_close(&bed);
}

static void call_the_webhooks(struct bed *bed)
{
    int fd = connect_to(port);
    assert_true(fd >= 0);
    int at_worker = accept4(bed_worker(bed, 1)->webhooks_fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(at_worker >= 0); /* the second one may have what the first one does not take */
    close(at_worker);
    close(fd);
}

static void all_workers_share_the_socket_for_webhooks(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    port = free_port();
    snprintf(settings, sizeof settings, "workers 2\nwebhooks localhost:%u\n", port);
    bed.settings = settings;
    bed_at(&bed, CW_SECOND, call_the_webhooks);
    bed_at(&bed, 2 * CW_SECOND, kill_first);
    bed_at(&bed, 5 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 3);
    assert_int_equal(connect_to(port), -1);
    bed_close(&bed);
}

static void without_webhooks_no_socket_is_given(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "webhooks 127.0.0.1:1\n";
    bed.config.webhooks = ""; /* the command line says: none */
    bed_at(&bed, CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_worker(&bed, 0)->webhooks_fd, -1);
    bed_close(&bed);
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    snprintf(settings, sizeof settings, "webhooks [::1]:%u\n", free_port());
    bed.settings = settings;
    bed_at(&bed, CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 1);
    bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_ready_with_the_first_worker_and_says_why_not),
        cmocka_unit_test(one_that_is_put_off_is_named_with_its_reason),
        cmocka_unit_test(a_long_start_is_healthy_though_not_ready),
        cmocka_unit_test(metrics_are_the_sum_of_all_workers_also_of_dead_ones),
        cmocka_unit_test(nothing_else_is_served),
        cmocka_unit_test(a_reload_may_change_the_address),
        cmocka_unit_test(an_address_that_is_taken_leaves_the_old_one_in_a_reload),
        cmocka_unit_test(an_address_that_is_taken_keeps_it_from_starting),
        cmocka_unit_test(all_workers_share_the_socket_for_webhooks),
        cmocka_unit_test(without_webhooks_no_socket_is_given),
        cmocka_unit_test(an_ipv6_address_stands_in_brackets),
    };
    return cmocka_run_group_tests_name("supervisor http", tests, NULL, NULL);
}
