/* Tests of the HTTP client's policy, in virtual time, over a transport that answers from a list. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/http.h"
#include "base/secret.h"

enum { SENT_MAX = 4096, STEPS_MAX = 64 };

/* One answer of the fake; the last one repeats. status 0 = an error of `code`. */
struct step {
    int status;
    enum cw_code code;
    struct cw_header headers[3];
    cw_time takes;
};

struct sent {
    cw_time at;
    char method[8], url[256], body[64];
    bool had_secret;
};

struct fake;

struct answer {
    struct fake *fake;
    struct answer *next;
    struct cw_timer *timer;
    struct step step;
    cw_http_done_fn *done;
    void *arg;
};

struct fake {
    struct cw_transport transport;
    struct cw_loop *loop;
    struct step steps[STEPS_MAX];
    size_t step_count, next_step;
    struct sent *sent;
    size_t sent_count, running, running_most;
    bool refuses_to_start;
};

struct shop {
    struct cw_loop *loop;
    struct cw_egress *egress;
    struct cw_random random;
    struct fake fake;
    struct cw_http *http;
};

struct result {
    struct shop *shop;
    int calls, status;
    unsigned attempts;
    struct cw_error err;
    cw_time at;
    struct cw_http *free_inside;
};

static void free_answer(struct answer *answer)
{
    cw_timer_free(answer->timer);
    answer->fake->running--;
    free(answer);
}

static void give(void *arg)
{
    struct answer *answer = arg;
    struct step step = answer->step;
    cw_http_done_fn *done = answer->done;
    void *done_arg = answer->arg;
    struct cw_error err = { 0 };
    free_answer(answer);
    if (step.status == 0) {
        cw_fail(&err, step.code, "the fake failed");
        done(done_arg, NULL, &err);
        return;
    }
    size_t count = 0;
    while (count < 3 && step.headers[count].name != NULL)
        count++;
    struct cw_body *body = cw_body_create(1000, &err);
    assert_ok(body != NULL && cw_body_write(body, cw_slice("ok"), &err), err);
    done(done_arg, cw_http_response_create(step.status, step.headers, count, body, &err), NULL);
}

static void *fake_start(struct cw_transport *transport, const struct cw_http_request *request,
                        const struct cw_egress *egress, cw_http_done_fn *done, void *arg,
                        struct cw_error *err)
{
    (void)egress;
    struct fake *fake = (struct fake *)transport;
    if (fake->refuses_to_start) {
        cw_fail(err, CW_NOMEM, "the fake has no memory");
        return NULL;
    }
    assert_true(fake->sent_count < SENT_MAX);
    struct sent *sent = &fake->sent[fake->sent_count++];
    sent->at = cw_now(cw_loop_clock(fake->loop));
    snprintf(sent->method, sizeof sent->method, "%s", request->method);
    snprintf(sent->url, sizeof sent->url, "%s", request->url);
    snprintf(sent->body, sizeof sent->body, "%.*s", CW_SLICE_ARG(request->body));
    sent->had_secret = request->secret != NULL;

    struct answer *answer = calloc(1, sizeof *answer);
    answer->fake = fake;
    answer->done = done;
    answer->arg = arg;
    answer->step = fake->steps[fake->next_step < fake->step_count ? fake->next_step : fake->step_count - 1];
    fake->next_step++;
    answer->timer = cw_timer_create(fake->loop, give, answer, NULL);
    cw_timer_set(answer->timer, answer->step.takes);
    if (++fake->running > fake->running_most)
        fake->running_most = fake->running;
    return answer;
}

static void fake_cancel(struct cw_transport *transport, void *handle)
{
    (void)transport;
    free_answer(handle);
}

/* `config` needs only what differs from a client without a limit. */
static void open_shop(struct shop *shop, struct cw_http_config config, const struct step *steps, size_t count)
{
    struct cw_error err = { 0 };
    memset(shop, 0, sizeof *shop);
    shop->loop = cw_loop_create_virtual(1700000000 * CW_SECOND, &err);
    shop->egress = cw_egress_create();
    assert_true(cw_egress_allow_url(shop->egress, "https://shop.example.com", &err));
    assert_true(cw_egress_allow(shop->egress, "shop.example.com:*", &err));
    cw_random_seed(&shop->random, 7);
    shop->fake = (struct fake){ .transport = { fake_start, fake_cancel, NULL }, .loop = shop->loop };
    shop->fake.sent = calloc(SENT_MAX, sizeof *shop->fake.sent);
    memcpy(shop->fake.steps, steps, count * sizeof *steps);
    shop->fake.step_count = count;
    config.loop = shop->loop;
    config.transport = &shop->fake.transport;
    config.egress = shop->egress;
    config.random = &shop->random;
    config.label = "fake-shop";
    shop->http = cw_http_create(&config, &err);
    assert_ok(shop->http != NULL, err);
}

#define OPEN(shop, ...)                                                                                      \
    do {                                                                                                     \
        const struct step steps_[] = { __VA_ARGS__ };                                                        \
        open_shop(shop, (struct cw_http_config){ 0 }, steps_, sizeof steps_ / sizeof *steps_);               \
    } while (0)

static void close_shop(struct shop *shop)
{
    cw_http_free(shop->http);
    assert_int_equal(shop->fake.running, 0);
    free(shop->fake.sent);
    cw_egress_free(shop->egress);
    cw_loop_free(shop->loop);
}

static void on_done(void *arg, struct cw_http_response *response, const struct cw_error *err)
{
    struct result *result = arg;
    assert_true((response == NULL) != (err == NULL));
    result->calls++;
    result->at = cw_now(cw_loop_clock(result->shop->loop));
    if (response != NULL) {
        result->status = response->status;
        result->attempts = response->attempts;
    } else
        result->err = *err;
    cw_http_response_free(response);
    if (result->free_inside != NULL) {
        cw_http_free(result->free_inside);
        result->shop->http = NULL;
    }
}

static const char *const address = "https://shop.example.com/api/orders?key=topsecret";

static struct cw_http_request get_request(void)
{
    return (struct cw_http_request){ .method = "GET", .url = address };
}

static struct result ask(struct shop *shop, struct cw_http_request request)
{
    struct result result = { .shop = shop };
    struct cw_error err = { 0 };
    assert_ok(cw_http_send(shop->http, &request, on_done, &result, &err) != NULL, err);
    cw_loop_run(shop->loop);
    assert_int_equal(result.calls, 1);
    return result;
}

static struct cw_error refused(struct shop *shop, struct cw_http_request request)
{
    struct cw_error err = { 0 };
    assert_null(cw_http_send(shop->http, &request, on_done, NULL, &err));
    cw_loop_run(shop->loop);
    assert_int_equal(shop->fake.sent_count, 0);
    return err;
}

static void a_good_answer_is_handed_over_at_once(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .status = 200 });
    struct result result = ask(&shop, get_request());
    assert_int_equal(result.status, 200);
    assert_int_equal(result.attempts, 1);
    assert_int_equal(shop.fake.sent_count, 1);
    assert_int_equal(cw_http_stats(shop.http).requests, 1);
    assert_int_equal(cw_http_stats(shop.http).bytes_in, 2);
    close_shop(&shop);
}

static void a_get_is_repeated_with_growing_jittered_waits(void **state)
{
    (void)state;
    static const struct step failures[] = { { .status = 500 },         { .status = 502 },
                                            { .status = 503 },         { .status = 504 },
                                            { .code = CW_IO },         { .code = CW_TIMEOUT },
                                            { .code = CW_UNAVAILABLE } };
    cw_time longest = 0;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct shop shop;
        open_shop(&shop, (struct cw_http_config){ 0 }, &failures[i], 1);
        cw_random_seed(&shop.random, i);
        struct cw_http_request request = get_request();
        request.attempts = 9;
        struct result result = ask(&shop, request);
        assert_int_equal(shop.fake.sent_count, 9);
        assert_int_equal(result.status, failures[i].status);
        assert_int_equal(result.err.code, failures[i].code);
        for (size_t n = 1; n < 9; n++) {
            cw_time wait = shop.fake.sent[n].at - shop.fake.sent[n - 1].at;
            cw_time most = n < 7 ? CW_SECOND << (n - 1) : CW_MINUTE;
            assert_in_range(wait, 0, most);
            longest = wait > longest ? wait : longest;
        }
        assert_int_equal(cw_http_stats(shop.http).retries, 8);
        close_shop(&shop);
    }
    assert_in_range(longest, 10 * CW_SECOND, CW_MINUTE);
}

static void the_same_seed_gives_the_same_waits(void **state)
{
    (void)state;
    cw_time ends[3];
    for (int i = 0; i < 3; i++) {
        struct shop shop;
        OPEN(&shop, { .status = 503 });
        cw_random_seed(&shop.random, i == 2 ? 8 : 7);
        ends[i] = ask(&shop, get_request()).at;
        close_shop(&shop);
    }
    assert_int_equal(ends[0], ends[1]);
    assert_int_not_equal(ends[0], ends[2]);
}

static void other_answers_are_not_repeated(void **state)
{
    (void)state;
    static const int statuses[] = { 201, 204, 304, 400, 401, 403, 404, 409, 422, 501, 505 };
    static const enum cw_code codes[] = { CW_LIMIT, CW_REFUSED, CW_AUTH, CW_INVALID, CW_NOMEM };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct shop shop;
        OPEN(&shop, { .status = statuses[i] });
        assert_int_equal(ask(&shop, get_request()).status, statuses[i]);
        assert_int_equal(shop.fake.sent_count, 1);
        close_shop(&shop);
    }
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct shop shop;
        OPEN(&shop, { .code = codes[i] });
        assert_int_equal(ask(&shop, get_request()).err.code, codes[i]);
        assert_int_equal(shop.fake.sent_count, 1);
        close_shop(&shop);
    }
}

static void a_write_is_sent_once_whatever_comes_back(void **state)
{
    (void)state;
    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE" };
    static const struct step answers[] = {
        { .status = 500 },         { .status = 503, .headers = { { "Retry-After", "5" } } },
        { .status = 429 },         { .status = 429, .headers = { { "Retry-After", "5" } } },
        { .code = CW_IO },         { .code = CW_TIMEOUT },
        { .code = CW_UNAVAILABLE }
    };
    for (size_t m = 0; m < 4; m++)
        for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
            struct shop shop;
            open_shop(&shop, (struct cw_http_config){ 0 }, &answers[i], 1);
            ask(&shop,
                (struct cw_http_request){ .method = methods[m], .url = address, .body = cw_slice("x") });
            assert_int_equal(shop.fake.sent_count, 1);
            close_shop(&shop);
        }
}

static void a_write_marked_repeatable_is_repeated_with_its_body(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .code = CW_IO }, { .status = 200 });
    struct result result =
        ask(&shop, (struct cw_http_request){
                       .method = "PUT", .url = address, .body = cw_slice("level=3"), .repeatable = true });
    assert_int_equal(result.status, 200);
    assert_int_equal(result.attempts, 2);
    assert_string_equal(shop.fake.sent[1].body, "level=3");
    close_shop(&shop);
}

static cw_time wait_after(const char *retry_after, const char *date)
{
    struct shop shop;
    OPEN(&shop,
         { .status = 503, .headers = { { "Retry-After", retry_after }, { date ? "Date" : NULL, date } } },
         { .status = 200 });
    struct result result = ask(&shop, get_request());
    assert_int_equal(result.status, 200);
    cw_time wait = shop.fake.sent[1].at - shop.fake.sent[0].at;
    close_shop(&shop);
    return wait;
}

static void retry_after_is_obeyed_as_seconds_and_as_a_date(void **state)
{
    (void)state;
    assert_int_equal(wait_after("120", NULL), 120 * CW_SECOND);
    assert_int_equal(wait_after(" 7 ", NULL), 7 * CW_SECOND);
    assert_int_equal(wait_after("1.5", NULL), 2 * CW_SECOND);
    /* the loop's clock starts at 2023-11-14T22:13:20Z */
    assert_int_equal(wait_after("Tue, 14 Nov 2023 22:15:00 GMT", NULL), 100 * CW_SECOND);
}

static void a_date_is_measured_on_the_servers_own_clock(void **state)
{
    (void)state;
    assert_int_equal(wait_after("Tue, 14 Nov 2023 09:00:30 GMT", "Tue, 14 Nov 2023 09:00:00 GMT"),
                     30 * CW_SECOND);
}

static void an_absurd_retry_after_is_capped_and_nonsense_is_ignored(void **state)
{
    (void)state;
    assert_int_equal(wait_after("86400", NULL), CW_HOUR);
    assert_int_equal(wait_after("99999999999999999999999999", NULL), CW_HOUR);
    assert_int_equal(wait_after("Fri, 31 Dec 9999 23:59:59 GMT", NULL), CW_HOUR);
    static const char *const nonsense[] = { "-5", "soon", "", "5x", "0", "Tue, 14 Nov 2000 22:15:00 GMT" };
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        assert_in_range(wait_after(nonsense[i], NULL), 0, CW_SECOND);
}

static void waits_that_the_server_asks_for_use_up_no_attempts(void **state)
{
    (void)state;
    struct step steps[40];
    for (size_t i = 0; i < 39; i++)
        steps[i] = (struct step){ .status = 429, .headers = { { "Retry-After", "10" } } };
    steps[39] = (struct step){ .status = 200 };
    struct shop shop;
    open_shop(&shop, (struct cw_http_config){ 0 }, steps, 40);
    struct cw_http_request request = get_request();
    request.attempts = 2;
    struct result result = ask(&shop, request);
    assert_int_equal(result.status, 200);
    assert_int_equal(result.attempts, 40);
    assert_int_equal(cw_http_stats(shop.http).throttled, 39);
    close_shop(&shop);
}

static void a_server_that_puts_off_for_ever_is_given_up(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .status = 429, .headers = { { "Retry-After", "3600" } } });
    struct result result = ask(&shop, get_request());
    assert_int_equal(result.status, 429);
    assert_in_range(shop.fake.sent_count, 5, 12);
    close_shop(&shop);
}

static void a_429_stops_all_requests_of_the_client(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .status = 429, .headers = { { "Retry-After", "100" } } }, { .status = 200 });
    struct result first = { .shop = &shop }, second = { .shop = &shop };
    struct cw_http_request request = get_request(), post = { .method = "POST", .url = address };
    assert_non_null(cw_http_send(shop.http, &post, on_done, &first, NULL));
    cw_loop_run(shop.loop);
    assert_int_equal(first.status, 429); /* the write is not repeated, but the client waits all the same */
    assert_non_null(cw_http_send(shop.http, &request, on_done, &second, NULL));
    cw_loop_run(shop.loop);
    assert_int_equal(second.status, 200);
    assert_true(shop.fake.sent[1].at - shop.fake.sent[0].at >= 100 * CW_SECOND);
    close_shop(&shop);
}

#define QUOTA                                                                                                \
    {                                                                                                        \
        .quota = { "X-Reset-Ms", CW_SECOND / 1000, "X-Left", 5 }                                             \
    }

static void a_429_with_a_header_of_the_shops_own_waits_for_it(void **state)
{
    (void)state;
    struct shop shop;
    struct step steps[8];
    for (size_t i = 0; i < 7; i++)
        steps[i] = (struct step){ .status = 429, .headers = { { "x-reset-ms", "28500" } } };
    steps[7] = (struct step){ .status = 200 };
    open_shop(&shop, (struct cw_http_config)QUOTA, steps, 8);
    struct result result = ask(&shop, get_request());
    assert_int_equal(result.status, 200);
    assert_int_equal(result.attempts, 8); /* more than the five that a request has */
    assert_int_equal(shop.fake.sent[1].at - shop.fake.sent[0].at, 28500 * (CW_SECOND / 1000));
    close_shop(&shop);
}

static void a_quota_that_is_nearly_used_up_stops_all_requests(void **state)
{
    (void)state;
    static const char *const left[] = { "5", "4", "", "x" };
    for (size_t i = 0; i < 4; i++) {
        struct shop shop;
        struct step steps[] = { { .status = 200,
                                  .headers = { { "X-Left", left[i] }, { "X-Reset-Ms", "12000" } } },
                                { .status = 200 } };
        open_shop(&shop, (struct cw_http_config)QUOTA, steps, 2);
        ask(&shop, get_request());
        assert_int_equal(cw_http_stats(shop.http).held_us, i == 1 ? 12 * CW_SECOND : 0);
        ask(&shop, (struct cw_http_request){ .method = "POST", .url = address });
        assert_int_equal(shop.fake.sent[1].at - shop.fake.sent[0].at, i == 1 ? 12 * CW_SECOND : 0);
        assert_int_equal(cw_http_stats(shop.http).throttled, 0);
        close_shop(&shop);
    }
}

struct leave {
    unsigned asked;
    bool is_over;
};

static bool may_leave(void *arg, struct cw_error *err)
{
    struct leave *leave = arg;
    leave->asked++;
    return !leave->is_over || cw_fail(err, CW_REFUSED, "it is too late");
}

static void whether_a_request_may_leave_is_asked_when_its_turn_has_come(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .status = 429, .headers = { { "Retry-After", "100" } } }, { .status = 200 });
    struct leave leave = { 0 };
    struct cw_http_request post = { .method = "POST", .url = address };
    post.may_leave = may_leave;
    post.leave_arg = &leave;
    assert_int_equal(ask(&shop, post).status, 429);
    assert_int_equal(leave.asked, 1);
    struct result late = { .shop = &shop };
    assert_non_null(cw_http_send(shop.http, &post, on_done, &late, NULL));
    assert_int_equal(leave.asked, 1);
    leave.is_over = true; /* while it waits */
    cw_loop_run(shop.loop);
    assert_int_equal(leave.asked, 2);
    assert_int_equal(late.err.code, CW_REFUSED);
    assert_string_equal(late.err.text,
                        "fake-shop: POST https://shop.example.com:443/api/orders: not sent: it is too late");
    assert_int_equal(shop.fake.sent_count, 1);
    close_shop(&shop);
}

/* Sends n GETs at once and waits for all. */
static void ask_many(struct shop *shop, size_t n)
{
    struct result *results = calloc(n, sizeof *results);
    struct cw_http_request request = get_request();
    for (size_t i = 0; i < n; i++) {
        results[i].shop = shop;
        assert_non_null(cw_http_send(shop->http, &request, on_done, &results[i], NULL));
    }
    cw_loop_run(shop->loop);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(results[i].calls, 1);
    free(results);
}

static void requests_keep_to_the_rate_and_the_burst(void **state)
{
    (void)state;
    struct shop shop;
    const struct step good = { .status = 200, .takes = CW_MILLISECOND };
    open_shop(&shop, (struct cw_http_config){ .requests_per_second = 4, .burst = 3 }, &good, 1);
    ask_many(&shop, 103);
    assert_int_equal(shop.fake.sent[2].at, shop.fake.sent[0].at);
    for (size_t i = 3; i < 103; i++) {
        cw_time since = shop.fake.sent[i].at - shop.fake.sent[0].at;
        cw_time least = (cw_time)(i - 2) * CW_SECOND / 4;
        assert_in_range(since, least - 10, least + 1000);
    }
    close_shop(&shop);
}

static void a_429_halves_the_rate_once_and_success_restores_it(void **state)
{
    (void)state;
    struct shop shop;
    struct step steps[5];
    for (size_t i = 0; i < 4; i++) /* four under way together are one piece of news */
        steps[i] = (struct step){ .status = 429, .takes = CW_SECOND, .headers = { { "Retry-After", "2" } } };
    steps[4] = (struct step){ .status = 200, .takes = CW_MILLISECOND };
    open_shop(&shop, (struct cw_http_config){ .requests_per_second = 8, .burst = 4 }, steps, 5);
    ask_many(&shop, 4);
    assert_true(cw_http_stats(shop.http).rate == 4);
    ask_many(&shop, 16); /* twenty successes */
    assert_true(cw_http_stats(shop.http).rate > 4.39 && cw_http_stats(shop.http).rate < 4.41);
    ask_many(&shop, 300);
    assert_true(cw_http_stats(shop.http).rate == 8);
    for (size_t i = 9; i < shop.fake.sent_count; i++) /* never faster than allowed, after the pause either */
        assert_true(shop.fake.sent[i].at - shop.fake.sent[i - 5].at >=
                    5 * CW_SECOND / 8 - 500 * CW_MILLISECOND);
    close_shop(&shop);
}

static void the_rate_never_falls_below_one_in_ten_seconds(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .status = 429, .headers = { { "Retry-After", "1" } } });
    struct cw_http_request request = get_request();
    struct result result = { .shop = &shop };
    struct cw_http_call *call = cw_http_send(shop.http, &request, on_done, &result, NULL);
    struct cw_timer *stop = cw_timer_create(shop.loop, (cw_loop_fn *)cw_loop_stop, shop.loop, NULL);
    cw_timer_set(stop, 10 * CW_MINUTE);
    cw_loop_run(shop.loop);
    assert_true(cw_http_stats(shop.http).rate > 0.099 && cw_http_stats(shop.http).rate < 0.101);
    cw_http_cancel(call);
    cw_timer_free(stop);
    close_shop(&shop);
}

static struct result redirected(struct shop *shop, const char *from, const char *location)
{
    OPEN(shop, { .status = 302, .headers = { { "Location", location } } }, { .status = 200 });
    struct cw_http_request request = get_request();
    request.url = from;
    request.auth = CW_HTTP_BASIC;
    request.user = "user";
    request.secret = "password";
    return ask(shop, request);
}

static void a_redirect_on_the_same_host_is_followed(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        { "https://shop.example.com/a", "/b?x=1", "https://shop.example.com/b?x=1" },
        { "https://shop.example.com/a/b", "c", "https://shop.example.com/a/c" },
        { "http://shop.example.com/a", "https://shop.example.com/a", "https://shop.example.com/a" },
        { "https://shop.example.com/a", "https://SHOP.example.com/b#top", "https://SHOP.example.com/b" },
        { "https://shop.example.com/a", "//shop.example.com/b", "https://shop.example.com/b" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shop shop;
        struct result result = redirected(&shop, cases[i][0], cases[i][1]);
        assert_int_equal(result.status, 200);
        assert_string_equal(shop.fake.sent[1].url, cases[i][2]);
        close_shop(&shop);
    }
}

static void a_refused_redirect_keeps_the_credentials(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "https://shop.example.com/a", "https://evil.example.com/" },
        { "https://shop.example.com/a", "http://shop.example.com/a" },
        { "https://shop.example.com/a", "http://127.0.0.1/" },
        { "https://shop.example.com/a", "https://shop.example.com:6379/" },
        { "https://shop.example.com/a", "//evil.example.com/" },
        { "https://shop.example.com/a", "https://shop.example.com@evil.example.com/" },
        { "https://shop.example.com/a", "https://shop.example.com.evil.example.com/" },
        { "https://shop.example.com/a", "file:///etc/passwd" },
        { "https://shop.example.com/a", "gopher://shop.example.com/" },
        { "https://shop.example.com/a", "http://169.254.169.254/latest" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shop shop;
        struct result result = redirected(&shop, cases[i][0], cases[i][1]);
        assert_int_not_equal(result.err.code, CW_OK);
        assert_int_equal(shop.fake.sent_count, 1);
        close_shop(&shop);
    }
    struct shop shop;
    struct result result =
        redirected(&shop, "https://shop.example.com/a?k=topsecret", "https://evil.example.com/?z=1");
    assert_int_equal(result.err.code, CW_REFUSED);
    assert_non_null(strstr(result.err.text, "https://shop.example.com:443/a"));
    assert_non_null(strstr(result.err.text, "https://evil.example.com:443/"));
    assert_null(strstr(result.err.text, "topsecret"));
    close_shop(&shop);
}

static void a_redirect_loop_ends_after_five(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .status = 301, .headers = { { "Location", "/again" } } });
    struct result result = ask(&shop, get_request());
    assert_int_equal(result.err.code, CW_REFUSED);
    assert_int_equal(shop.fake.sent_count, 6);
    close_shop(&shop);
}

static void a_redirect_of_a_write_is_its_answer(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .status = 303, .headers = { { "Location", "/done" } } }, { .status = 200 });
    assert_int_equal(ask(&shop, (struct cw_http_request){ .method = "POST", .url = address }).status, 303);
    assert_int_equal(shop.fake.sent_count, 1);
    close_shop(&shop);
}

static void a_dry_run_sends_only_reads(void **state)
{
    (void)state;
    struct shop shop;
    const struct step good = { .status = 200 };
    open_shop(&shop, (struct cw_http_config){ .read_only = true }, &good, 1);
    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get" };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct cw_error err =
            refused(&shop, (struct cw_http_request){ .method = methods[i], .url = address });
        assert_int_equal(err.code, CW_REFUSED);
        assert_null(strstr(err.text, "topsecret"));
    }
    assert_int_equal(ask(&shop, get_request()).status, 200);
    close_shop(&shop);
}

static void unusable_addresses_are_refused_without_being_quoted(void **state)
{
    (void)state;
    static const char *const urls[] = { "shop.example.com/?k=topsecret",
                                        "ftp://shop.example.com/topsecret",
                                        "file:///topsecret",
                                        "https://user:topsecret@shop.example.com/",
                                        "https://?topsecret",
                                        "https://shop.example.com:99999/topsecret",
                                        "https://shop.example.com:0/topsecret",
                                        "https://shop.ex\xc3\xa4mple.com/topsecret",
                                        "https://shop.example.com/a\r\nX: topsecret",
                                        "" };
    struct shop shop;
    OPEN(&shop, { .status = 200 });
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct cw_error err = refused(&shop, (struct cw_http_request){ .method = "GET", .url = urls[i] });
        if (err.code != CW_USAGE)
            fail_msg("%s: %s", urls[i], err.text);
        assert_null(strstr(err.text, "topsecret"));
    }
    close_shop(&shop);
}

static void addresses_outside_the_rules_are_refused_before_anything_is_sent(void **state)
{
    (void)state;
    static const char *const urls[] = { "https://other.example.com/", "http://127.0.0.1/",
                                        "http://2130706433/",         "http://0x7f.1/",
                                        "http://[::1]:8080/",         "http://localhost/",
                                        "http://169.254.169.254/",    "http://[::ffff:127.0.0.1]/" };
    struct shop shop;
    OPEN(&shop, { .status = 200 });
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct cw_error err = refused(&shop, (struct cw_http_request){ .method = "GET", .url = urls[i] });
        assert_int_equal(err.code, CW_REFUSED);
    }
    close_shop(&shop);
}

static void headers_that_would_smuggle_are_refused(void **state)
{
    (void)state;
    static const struct cw_header headers[] = { { "X-A", "a\r\nX-B: c" },
                                                { "X\r\nY", "a" },
                                                { "X Y", "a" },
                                                { "Host", "evil" },
                                                { "", "a" },
                                                { "content-length", "0" },
                                                { "X-A", "a\nb" },
                                                { "X:", "a" },
                                                { "X-A", "\x7f" },
                                                { "Transfer-Encoding", "chunked" } };
    struct shop shop;
    OPEN(&shop, { .status = 200 });
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct cw_http_request request = get_request();
        request.headers = &headers[i];
        request.header_count = 1;
        assert_int_equal(refused(&shop, request).code, CW_USAGE);
    }
    struct cw_http_request request = get_request();
    request.auth = CW_HTTP_BEARER;
    request.secret = "token\r\nX-Admin: 1";
    struct cw_error err = refused(&shop, request);
    assert_int_equal(err.code, CW_USAGE);
    assert_null(strstr(err.text, "token\r"));
    close_shop(&shop);
}

static void errors_name_cart_and_address_but_no_secret(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .code = CW_IO });
    assert_true(cw_secret_remember(cw_slice("fake failed")));
    struct result result = ask(&shop, get_request());
    assert_non_null(strstr(result.err.text, "fake-shop"));
    assert_non_null(strstr(result.err.text, "sent 5 times"));
    assert_null(strstr(result.err.text, "fake failed"));
    assert_null(strstr(result.err.text, "topsecret"));
    cw_secret_forget_all();
    close_shop(&shop);
}

static void stop_loop(void *arg)
{
    cw_loop_stop(arg);
}

static void run_for(struct shop *shop, cw_time time)
{
    struct cw_timer *stop = cw_timer_create(shop->loop, stop_loop, shop->loop, NULL);
    cw_timer_set(stop, time);
    cw_loop_run(shop->loop);
    cw_timer_free(stop);
}

static void a_call_can_be_cancelled_in_every_state(void **state)
{
    (void)state;
    for (int stage = 0; stage < 4; stage++)
        for (int whole = 0; whole < 2; whole++) {
            struct shop shop;
            const struct step slow = { .status = 503,
                                       .takes = CW_SECOND,
                                       .headers = { { "Retry-After", "60" } } };
            open_shop(&shop, (struct cw_http_config){ .requests_per_second = 1 }, &slow, 1);
            struct cw_http_request request = get_request();
            struct result result = { .shop = &shop };
            struct cw_http_call *call = cw_http_send(shop.http, &request, on_done, &result, NULL);
            if (stage == 1) /* under way */
                run_for(&shop, CW_MILLISECOND);
            if (stage == 2) /* waiting for its next attempt */
                run_for(&shop, 2 * CW_SECOND);
            if (stage == 3) { /* could not be started, and not told yet */
                shop.fake.refuses_to_start = true;
                struct cw_later now = { 0 };
                cw_loop_later(shop.loop, &now, stop_loop, shop.loop);
                cw_loop_run(shop.loop);
            }
            if (whole == 0)
                cw_http_cancel(call);
            else {
                cw_http_free(shop.http);
                shop.http = NULL;
            }
            cw_loop_run(shop.loop);
            assert_int_equal(result.calls, 0);
            close_shop(&shop);
        }
}

static void the_client_may_be_freed_from_its_own_callback(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .status = 200 });
    struct result result = { .shop = &shop, .free_inside = shop.http }, other = { .shop = &shop };
    struct cw_http_request request = get_request();
    assert_non_null(cw_http_send(shop.http, &request, on_done, &result, NULL));
    assert_non_null(cw_http_send(shop.http, &request, on_done, &other, NULL));
    cw_loop_run(shop.loop);
    assert_int_equal(result.calls, 1);
    assert_int_equal(other.calls, 0);
    close_shop(&shop);
}

static void a_transport_that_cannot_start_is_reported_from_the_loop(void **state)
{
    (void)state;
    struct shop shop;
    OPEN(&shop, { .status = 200 });
    shop.fake.refuses_to_start = true;
    assert_int_equal(ask(&shop, get_request()).err.code, CW_NOMEM);
    close_shop(&shop);
}

static void query_parameters_are_encoded_and_joined(void **state)
{
    (void)state;
    struct cw_buffer url = { 0 };
    assert_true(cw_buffer_add(&url, "https://h/p", 11, NULL));
    assert_true(cw_url_add_query(&url, cw_slice("filter[id]"), cw_slice("a b&c=\xc3\xa4/~"), NULL));
    assert_true(cw_url_add_query(&url, cw_slice("x"), (struct cw_slice){ "\0%", 2 }, NULL));
    assert_slice(cw_buffer_slice(&url), "https://h/p?filter%5Bid%5D=a%20b%26c%3D%C3%A4%2F~&x=%00%25");
    cw_buffer_clear(&url);
    assert_true(cw_buffer_add(&url, "https://h/p?", 12, NULL));
    assert_true(cw_url_add_query(&url, cw_slice("a"), cw_slice(""), NULL));
    assert_slice(cw_buffer_slice(&url), "https://h/p?a=");
    cw_buffer_fini(&url);
}

static void headers_are_found_without_case_and_the_first_wins(void **state)
{
    (void)state;
    const struct cw_header headers[] = { { "X-A", "1" }, { "x-a", "2" } };
    struct cw_http_response *response = cw_http_response_create(200, headers, 2, NULL, NULL);
    assert_string_equal(cw_http_header(response, "x-A"), "1");
    assert_null(cw_http_header(response, "x"));
    cw_http_response_free(response);
    cw_http_response_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_is_handed_over_at_once),
        cmocka_unit_test(a_get_is_repeated_with_growing_jittered_waits),
        cmocka_unit_test(the_same_seed_gives_the_same_waits),
        cmocka_unit_test(other_answers_are_not_repeated),
        cmocka_unit_test(a_write_is_sent_once_whatever_comes_back),
        cmocka_unit_test(a_write_marked_repeatable_is_repeated_with_its_body),
        cmocka_unit_test(retry_after_is_obeyed_as_seconds_and_as_a_date),
        cmocka_unit_test(a_date_is_measured_on_the_servers_own_clock),
        cmocka_unit_test(an_absurd_retry_after_is_capped_and_nonsense_is_ignored),
        cmocka_unit_test(waits_that_the_server_asks_for_use_up_no_attempts),
        cmocka_unit_test(a_server_that_puts_off_for_ever_is_given_up),
        cmocka_unit_test(a_429_stops_all_requests_of_the_client),
        cmocka_unit_test(a_429_with_a_header_of_the_shops_own_waits_for_it),
        cmocka_unit_test(a_quota_that_is_nearly_used_up_stops_all_requests),
        cmocka_unit_test(whether_a_request_may_leave_is_asked_when_its_turn_has_come),
        cmocka_unit_test(requests_keep_to_the_rate_and_the_burst),
        cmocka_unit_test(a_429_halves_the_rate_once_and_success_restores_it),
        cmocka_unit_test(the_rate_never_falls_below_one_in_ten_seconds),
        cmocka_unit_test(a_redirect_on_the_same_host_is_followed),
        cmocka_unit_test(a_refused_redirect_keeps_the_credentials),
        cmocka_unit_test(a_redirect_loop_ends_after_five),
        cmocka_unit_test(a_redirect_of_a_write_is_its_answer),
        cmocka_unit_test(a_dry_run_sends_only_reads),
        cmocka_unit_test(unusable_addresses_are_refused_without_being_quoted),
        cmocka_unit_test(addresses_outside_the_rules_are_refused_before_anything_is_sent),
        cmocka_unit_test(headers_that_would_smuggle_are_refused),
        cmocka_unit_test(errors_name_cart_and_address_but_no_secret),
        cmocka_unit_test(a_call_can_be_cancelled_in_every_state),
        cmocka_unit_test(the_client_may_be_freed_from_its_own_callback),
        cmocka_unit_test(a_transport_that_cannot_start_is_reported_from_the_loop),
        cmocka_unit_test(query_parameters_are_encoded_and_joined),
        cmocka_unit_test(headers_are_found_without_case_and_the_first_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
