/* http_late_test.c - the HTTP server under load and in no hurry: answers that come later, slots, early
 * refusals, sockets that are shared. */
#include "served.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define POST_HELLO "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"

static void answer_late(struct site *site, unsigned i, const char *body)
{
    const struct cw_served_answer answer = { .status = 202, .body = cw_slice(body) };
    cw_exchange_answer(site->late[i], &answer);
}

static void an_answer_may_come_later(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    site.is_late = true;
    raw_open(&raw, &site);
    raw_send(&raw, POST_HELLO, strlen(POST_HELLO));
    run_for(&site, 50 * CW_MILLISECOND);
    assert_int_equal(site.late_count, 1);
    assert_int_equal(raw.len, 0);
    assert_slice(site.requests[0]->body, "hello");
    assert_string_equal(site.requests[0]->target, "/a");
    assert_string_equal(site.requests[0]->peer, "127.0.0.1");
    assert_string_equal(cw_served_header(site.requests[0], "host"), "a");
    assert_null(cw_served_header(site.requests[0], "hos"));
    answer_late(&site, 0, "thanks");
    run_for(&site, 50 * CW_MILLISECOND);
    assert_non_null(strstr(raw.got, "HTTP/1.1 202 Accepted\r\n"));
    assert_non_null(strstr(raw.got, "\r\n\r\nthanks"));
    assert_false(raw.closed);
    raw_close(&raw);
    close_site(&site);
}

static void the_next_request_of_a_connection_waits_for_the_late_answer(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    site.is_late = true;
    raw_open(&raw, &site);
    raw_send(&raw, POST_HELLO POST_HELLO, 2 * strlen(POST_HELLO));
    run_for(&site, 50 * CW_MILLISECOND);
    assert_int_equal(site.late_count, 1);
    raw_send(&raw, POST_HELLO, strlen(POST_HELLO));
    run_for(&site, 50 * CW_MILLISECOND);
    assert_int_equal(site.late_count, 1);
    answer_late(&site, 0, "one");
    run_for(&site, 50 * CW_MILLISECOND);
    assert_int_equal(site.late_count, 2);
    answer_late(&site, 1, "two");
    run_for(&site, 50 * CW_MILLISECOND);
    assert_int_equal(site.late_count, 3);
    answer_late(&site, 2, "three");
    run_for(&site, 50 * CW_MILLISECOND);
    const char *one = strstr(raw.got, "one"), *two = strstr(raw.got, "two"),
               *three = strstr(raw.got, "three");
    assert_true(one != NULL && two != NULL && three != NULL && one < two && two < three);
    raw_close(&raw);
    close_site(&site);
}

static void late_answers_may_come_in_any_order(void **state)
{
    (void)state;
    enum { MANY = LATE_MAX };
    struct site site;
    static struct raw raws[MANY];
    char body[32];
    open_site(&site, 0, 0);
    site.is_late = true;
    for (unsigned i = 0; i < MANY; i++) {
        raw_open(&raws[i], &site);
        raw_send(&raws[i], POST_HELLO, strlen(POST_HELLO));
        run_for(&site, 20 * CW_MILLISECOND);
    }
    for (unsigned i = MANY; i-- > 0;) {
        snprintf(body, sizeof body, "number %u.", i);
        answer_late(&site, i, body);
    }
    run_for(&site, 100 * CW_MILLISECOND);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(body, sizeof body, "number %u.", i);
        assert_non_null(strstr(raws[i].got, body));
        raw_close(&raws[i]);
    }
    close_site(&site);
}

static void a_client_may_be_gone_before_its_answer(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    open_site(&site, 2, 0);
    site.is_late = true;
    for (unsigned i = 0; i < 8; i++) {
        raw_open(&raw, &site);
        raw_send(&raw, POST_HELLO, strlen(POST_HELLO));
        run_for(&site, 20 * CW_MILLISECOND);
        assert_int_equal(site.late_count, i + 1);
        if (i % 2) { /* with a reset */
            const struct linger none = { .l_onoff = 1 };
            setsockopt(raw.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        }
        raw_close(&raw);
        run_for(&site, 5 * CW_MILLISECOND);
        assert_slice(site.requests[i]->body, "hello"); /* still whole */
        answer_late(&site, i, "too late");
        run_for(&site, 20 * CW_MILLISECOND);
    }
    site.is_late = false; /* both slots are free again */
    raw_exchange(&raw, &site, "GET / HTTP/1.1\r\n" CLOSING);
    assert_non_null(strstr(raw.got, "hello"));
    close_site(&site);
}

static void an_answer_may_come_after_its_server_is_closed(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    site.is_late = true;
    raw_open(&raw, &site);
    raw_send(&raw, POST_HELLO, strlen(POST_HELLO));
    run_for(&site, 50 * CW_MILLISECOND);
    cw_http_server_close(site.server);
    site.server = NULL;
    assert_slice(site.requests[0]->body, "hello");
    assert_string_equal(site.requests[0]->peer, "");
    answer_late(&site, 0, "nobody hears it");
    raw_close(&raw);
    close_site(&site);
}

static void an_answer_given_just_before_closing_still_arrives(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    site.is_late = true;
    raw_open(&raw, &site);
    raw_send(&raw, POST_HELLO, strlen(POST_HELLO));
    run_for(&site, 50 * CW_MILLISECOND);
    answer_late(&site, 0, "goodbye");
    cw_http_server_close(site.server);
    site.server = NULL;
    run_for(&site, 50 * CW_MILLISECOND);
    assert_non_null(strstr(raw.got, "goodbye"));
    raw_close(&raw);
    close_site(&site);
}

static bool answer_at_once(void *arg, const struct cw_served_request *request,
                           struct cw_served_answer *answer, struct cw_exchange *exchange)
{
    struct site *site = arg;
    (void)request, (void)answer;
    site->served++;
    cw_exchange_answer(exchange, &site->answer);
    return false;
}

static void an_exchange_may_be_answered_before_the_function_returns(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    struct cw_error err;
    open_site(&site, 0, 0);
    const struct cw_http_server_config config = { .loop = site.loop, .serve = answer_at_once, .arg = &site };
    cw_http_server_close(site.server);
    site.server = cw_http_server_open(&config, "127.0.0.1", 0, &err);
    assert_ok(site.server != NULL, err);
    raw_exchange(&raw, &site, POST_HELLO "GET / HTTP/1.1\r\n" CLOSING);
    assert_int_equal(site.served, 2);
    assert_true(raw.closed);
    close_site(&site);
}

/* --- as servers do that break --- */

static void an_exchange_may_be_dropped_unanswered(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    site.is_late = true;
    raw_open(&raw, &site);
    raw_send(&raw, POST_HELLO, strlen(POST_HELLO));
    run_for(&site, 50 * CW_MILLISECOND);
    assert_int_equal(site.late_count, 1);
    cw_exchange_drop(site.late[0]);
    run_for(&site, 50 * CW_MILLISECOND);
    assert_true(raw.closed);
    assert_int_equal(raw.len, 0);
    raw_close(&raw);
    raw_open(&raw, &site); /* one whose client has gone */
    raw_send(&raw, POST_HELLO, strlen(POST_HELLO));
    run_for(&site, 50 * CW_MILLISECOND);
    raw_close(&raw);
    close_site(&site);
    cw_exchange_drop(site.late[1]);
}

static void an_answer_may_break_off_in_its_body(void **state)
{
    (void)state;
    const struct cw_served_answer answer = { .status = 200, .body = cw_slice("0123456789") };
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    site.is_late = true;
    raw_open(&raw, &site);
    raw_send(&raw, POST_HELLO, strlen(POST_HELLO));
    run_for(&site, 50 * CW_MILLISECOND);
    cw_exchange_cut(site.late[0], &answer, 4);
    run_for(&site, 50 * CW_MILLISECOND);
    assert_true(raw.closed);
    assert_non_null(strstr(raw.got, "\r\nContent-Length: 10\r\n"));
    assert_string_equal(strstr(raw.got, "\r\n\r\n"), "\r\n\r\n0123");
    raw_close(&raw);
    close_site(&site);
}

/* --- early refusals --- */

static bool refuses_b(const struct cw_served_request *request)
{
    return request->body.len == 0 && strcmp(request->target, "/b") == 0;
}

static void a_request_may_be_refused_before_its_body_is_sent(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    site.screen = refuses_b;
    raw_exchange(&raw, &site, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    assert_memory_equal(raw.got, "HTTP/1.1 403 ", 13);
    assert_non_null(strstr(raw.got, "\r\nConnection: close\r\n"));
    assert_int_equal(site.served, 0);
    raw_exchange(&raw, &site, "GET /b HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\n" CLOSING);
    assert_memory_equal(raw.got, "HTTP/1.1 403 ", 13);
    assert_non_null(strstr(raw.got, "HTTP/1.1 200 ")); /* without a body there is nothing to lose */
    assert_int_equal(site.served, 1);
    close_site(&site);
}

static void who_asks_for_leave_to_send_a_body_gets_it(void **state)
{
    (void)state;
    static const char head[] = "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" CLOSING;
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    raw_open(&raw, &site);
    raw_send(&raw, head, strlen(head));
    run_for(&site, 50 * CW_MILLISECOND);
    assert_string_equal(raw.got, "HTTP/1.1 100 Continue\r\n\r\n");
    raw_send(&raw, "hello", 5);
    run_for(&site, 100 * CW_MILLISECOND);
    assert_string_equal(site.body, "hello");
    assert_non_null(strstr(raw.got, "\r\n\r\nHTTP/1.1 200 OK\r\n"));
    raw_close(&raw);
    close_site(&site);
}

static void more_than_two_hundred_headers_are_too_many(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    static char request[16384] = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 200; i++)
        strcat(request, "a: b\r\n");
    strcat(request, CLOSING);
    open_site(&site, 0, 0);
    raw_exchange(&raw, &site, request);
    assert_memory_equal(raw.got, "HTTP/1.1 431 ", 13);
    close_site(&site);
}

/* --- slots and memory --- */

static void a_slow_client_makes_room_for_one_who_waits(void **state)
{
    (void)state;
    struct site site;
    static struct raw slow[3];
    struct raw quick;
    open_site(&site, 3, 0);
    for (int i = 0; i < 3; i++) {
        raw_open(&slow[i], &site);
        raw_send(&slow[i], "GET / HTTP/1.1\r\n", 16);
    }
    run_for(&site, 300 * CW_MILLISECOND);
    int64_t began = cw_elapsed_ns(cw_loop_clock(site.loop));
    raw_open(&quick, &site);
    raw_send(&quick, "GET / HTTP/1.1\r\n" CLOSING, strlen("GET / HTTP/1.1\r\n" CLOSING));
    while (!quick.closed && cw_elapsed_ns(cw_loop_clock(site.loop)) - began < 5000000000)
        run_for(&site, 50 * CW_MILLISECOND);
    assert_in_range(cw_elapsed_ns(cw_loop_clock(site.loop)) - began, 500000000, 2000000000);
    assert_memory_equal(quick.got, "HTTP/1.1 200 ", 13);
    assert_int_equal(slow[0].closed + slow[1].closed + slow[2].closed, 1);
    assert_true(slow[0].closed); /* the one that had been slow longest */
    for (int i = 0; i < 3; i++)
        raw_close(&slow[i]);
    raw_close(&quick);
    close_site(&site);
}

static void who_waits_for_an_answer_keeps_its_slot(void **state)
{
    (void)state;
    struct site site;
    static struct raw waiting[2];
    struct raw other;
    open_site(&site, 2, 0);
    site.is_late = true;
    for (int i = 0; i < 2; i++) {
        raw_open(&waiting[i], &site);
        raw_send(&waiting[i], POST_HELLO, strlen(POST_HELLO));
    }
    run_for(&site, 50 * CW_MILLISECOND);
    raw_open(&other, &site);
    raw_send(&other, POST_HELLO, strlen(POST_HELLO));
    run_for(&site, 1500 * CW_MILLISECOND);
    assert_int_equal(site.late_count, 2);
    assert_false(waiting[0].closed || waiting[1].closed);
    answer_late(&site, 0, "one");
    run_for(&site, 1500 * CW_MILLISECOND); /* now it is a client that does nothing */
    run_for(&site, 1500 * CW_MILLISECOND);
    assert_int_equal(site.late_count, 3);
    answer_late(&site, 1, "two");
    answer_late(&site, 2, "three");
    for (int i = 0; i < 2; i++)
        raw_close(&waiting[i]);
    raw_close(&other);
    close_site(&site);
}

static void all_bodies_together_have_a_limit(void **state)
{
    (void)state;
    enum { EACH = 100000, MANY = 5 };
    struct site site;
    static struct raw raws[MANY];
    static char bytes[EACH - 10];
    char head[128];
    open_site_with(&site,
                   (struct cw_http_server_config){ .body_limit = EACH, .memory_limit = 3 * EACH + 10 });
    memset(bytes, 'x', sizeof bytes);
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", EACH);
    for (int i = 0; i < MANY; i++) {
        raw_open(&raws[i], &site);
        raw_send(&raws[i], head, strlen(head));
        raw_send(&raws[i], bytes, sizeof bytes);
        run_for(&site, 50 * CW_MILLISECOND);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(strncmp(raws[i].got, "HTTP/1.1 503 ", 13) == 0, i >= 3);
    raw_send(&raws[0], "1234567890", 10); /* those that were there first go on */
    run_for(&site, 50 * CW_MILLISECOND);
    assert_memory_equal(raws[0].got, "HTTP/1.1 200 ", 13);
    raw_close(&raws[1]);
    run_for(&site, 10 * CW_MILLISECOND);
    struct raw *again = &raws[1]; /* what is gone does not count */
    raw_open(again, &site);
    raw_send(again, head, strlen(head));
    raw_send(again, bytes, sizeof bytes);
    raw_send(again, "1234567890", 10);
    run_for(&site, 50 * CW_MILLISECOND);
    assert_memory_equal(again->got, "HTTP/1.1 200 ", 13);
    for (int i = 0; i < MANY; i++)
        raw_close(&raws[i]);
    close_site(&site);
}

static long resident_kib(void)
{
    long pages = 0, resident = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%ld %ld", &pages, &resident), 2);
    fclose(in);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int connect_to(struct site *site)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)cw_http_server_port(site->server)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        assert_int_equal(errno, EINPROGRESS);
    return fd;
}

/* T-W5: a thousand that drip. */
static void a_thousand_slow_senders_cost_little_and_shut_nobody_out(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static const char head[] = "GET / HTTP/1.1\r\nX: ";
    static int fds[MANY];
    struct rlimit files;
    struct site site;
    struct raw quick;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < 2200)
        skip();
    open_site(&site, 512, 0);
    long before = resident_kib();
    for (int i = 0; i < MANY; i++) {
        fds[i] = connect_to(&site);
        if (i % 50 == 0)
            run_for(&site, CW_MILLISECOND);
    }
    for (int second = 0; second < 3; second++) {
        for (int i = 0; i < MANY; i++)
            (void)!send(fds[i], &head[4 * second], 4, MSG_NOSIGNAL);
        run_for(&site, 300 * CW_MILLISECOND);
    }
    int64_t began = cw_elapsed_ns(cw_loop_clock(site.loop));
    raw_open(&quick, &site);
    raw_send(&quick, "GET / HTTP/1.1\r\n" CLOSING, strlen("GET / HTTP/1.1\r\n" CLOSING));
    while (!quick.closed && cw_elapsed_ns(cw_loop_clock(site.loop)) - began < 10000000000)
        run_for(&site, 50 * CW_MILLISECOND);
    int64_t took = cw_elapsed_ns(cw_loop_clock(site.loop)) - began;
    long grown = resident_kib() - before;
    print_message("%d slow senders: %ld KiB more, one who is quick waits %lld ms\n", MANY, grown,
                  (long long)(took / 1000000));
    assert_memory_equal(quick.got, "HTTP/1.1 200 ", 13);
    assert_in_range(took, 0, 4000000000);
    assert_in_range(grown < 0 ? 0 : grown, 0, 16 * 1024);
    raw_close(&quick);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    close_site(&site);
}

/* --- shared sockets --- */

static void several_servers_may_share_a_socket(void **state)
{
    (void)state;
    enum { REQUESTS = 20 };
    struct site first, second;
    struct raw raw;
    struct cw_error err;
    open_site(&first, 0, 0);
    cw_http_server_close(first.server);
    int fd = cw_http_listen("127.0.0.1", 0, &err);
    assert_true(fd >= 0);
    struct cw_http_server_config config = { .loop = first.loop, .serve = on_request, .arg = &first };
    first.server = cw_http_server_open_on(&config, dup(fd), &err);
    assert_ok(first.server != NULL, err);
    memset(&second, 0, sizeof second);
    second.loop = first.loop; /* as if it were another process */
    second.answer = first.answer;
    config.arg = &second;
    second.server = cw_http_server_open_on(&config, fd, &err);
    assert_ok(second.server != NULL, err);
    assert_int_equal(cw_http_server_port(first.server), cw_http_server_port(second.server));
    for (int i = 0; i < REQUESTS; i++) {
        raw_exchange(&raw, &first, "GET / HTTP/1.1\r\n" CLOSING);
        assert_memory_equal(raw.got, "HTTP/1.1 200 ", 13);
    }
    assert_int_equal(first.served + second.served, REQUESTS);
    cw_http_server_close(second.server);
    unsigned before = first.served;
    raw_exchange(&raw, &first, "GET / HTTP/1.1\r\n" CLOSING);
    assert_int_equal(first.served, before + 1);
    close_site(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_come_later),
        cmocka_unit_test(the_next_request_of_a_connection_waits_for_the_late_answer),
        cmocka_unit_test(late_answers_may_come_in_any_order),
        cmocka_unit_test(a_client_may_be_gone_before_its_answer),
        cmocka_unit_test(an_answer_may_come_after_its_server_is_closed),
        cmocka_unit_test(an_answer_given_just_before_closing_still_arrives),
        cmocka_unit_test(an_exchange_may_be_answered_before_the_function_returns),
        cmocka_unit_test(an_exchange_may_be_dropped_unanswered),
        cmocka_unit_test(an_answer_may_break_off_in_its_body),
        cmocka_unit_test(a_request_may_be_refused_before_its_body_is_sent),
        cmocka_unit_test(who_asks_for_leave_to_send_a_body_gets_it),
        cmocka_unit_test(more_than_two_hundred_headers_are_too_many),
        cmocka_unit_test(a_slow_client_makes_room_for_one_who_waits),
        cmocka_unit_test(who_waits_for_an_answer_keeps_its_slot),
        cmocka_unit_test(all_bodies_together_have_a_limit),
        cmocka_unit_test(a_thousand_slow_senders_cost_little_and_shut_nobody_out),
        cmocka_unit_test(several_servers_may_share_a_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
