/* Tests of the libcurl transport, and of the client above it, against a server that breaks every promise. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "adapters/http.h"
#include "base/secret.h"
#include "hostile_server.h"

#if defined(__SANITIZE_ADDRESS__)
/* Of the sanitizer's own header, which GCC's packages leave out. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *at);
#endif

struct client {
    struct cw_loop *loop;
    struct cw_egress *open;   /* loopback allowed */
    struct cw_egress *closed; /* nothing that is closed by default */
    struct cw_transport *transport;
    struct hostile *server;
};

struct result {
    struct client *client;
    int calls;
    int status;
    struct cw_http_response *response;
    struct cw_error err;
};

static void open_client(struct client *client, unsigned connections)
{
    struct cw_error err = { 0 };
    *client = (struct client){ .loop = cw_loop_create(&err) };
    client->open = cw_egress_create();
    client->closed = cw_egress_create();
    assert_ok(cw_egress_allow(client->open, "127.0.0.1:*", &err), err);
    assert_ok(cw_egress_allow(client->open, "localhost:*", &err), err);
    client->transport = cw_curl_create(client->loop, connections, &err);
    assert_ok(client->transport != NULL, err);
}

static void close_client(struct client *client)
{
    client->transport->free(client->transport);
    cw_egress_free(client->open);
    cw_egress_free(client->closed);
    cw_loop_free(client->loop);
    if (client->server != NULL)
        hostile_stop(client->server);
}

static void on_done(void *arg, struct cw_http_response *response, const struct cw_error *err)
{
    struct result *result = arg;
    assert_true((response == NULL) != (err == NULL));
    result->calls++;
    result->response = response;
    result->status = response != NULL ? response->status : 0;
    result->err = err != NULL ? *err : (struct cw_error){ 0 };
}

/* A request to the server; limits small enough that no test waits long. The address is valid until the next
 * call. */
static struct cw_http_request request_to(const struct client *client, const char *method)
{
    static char url[96];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/path?key=topsecret", client->server->port);
    return (struct cw_http_request){ .method = method,
                                     .url = url,
                                     .connect_timeout = 2 * CW_SECOND,
                                     .stall_timeout = 5 * CW_SECOND,
                                     .total_timeout = 10 * CW_SECOND,
                                     .body_limit = 4 * 1024 * 1024 };
}

static struct result ask(struct client *client, struct cw_http_request request)
{
    struct cw_error err = { 0 };
    struct result result = { .client = client };
    assert_ok(client->transport->start(client->transport, &request, client->open, on_done, &result, &err) !=
                  NULL,
              err);
    assert_int_equal(result.calls, 0); /* never from inside start */
    cw_loop_run(client->loop);
    assert_int_equal(result.calls, 1);
    assert_null(strstr(result.err.text, "topsecret"));
    return result;
}

/* One GET against one behaviour. */
static struct result get(struct hostile_step step)
{
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    struct result result = ask(&client, request_to(&client, "GET"));
    close_client(&client);
    return result;
}

static void expect_error(struct hostile_step step, enum cw_code code)
{
    struct result result = get(step);
    if (result.err.code != code)
        fail_msg("expected %s, got status %d, %s: %s; cut at %zu", cw_code_name(code), result.status,
                 cw_code_name(result.err.code), result.err.text, step.cut);
    cw_http_response_free(result.response);
}

static void expect_body(struct hostile_step step, const char *text)
{
    struct result result = get(step);
    assert_ok(result.response != NULL, result.err);
    assert_slice(cw_body_memory(result.response->body), text);
    cw_http_response_free(result.response);
}

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Shop: a\r\n\r\nhello"

static void an_answer_is_delivered_with_its_headers_and_bytes(void **state)
{
    (void)state;
    struct result result = get((struct hostile_step){ .bytes = HELLO });
    assert_ok(result.response != NULL, result.err);
    assert_int_equal(result.status, 200);
    assert_string_equal(cw_http_header(result.response, "x-shop"), "a");
    assert_slice(cw_body_memory(result.response->body), "hello");
    cw_http_response_free(result.response);
}

static void cutting_an_exchange_at_any_byte_gives_no_answer(void **state)
{
    (void)state;
    static const char *const answers[] = {
        HELLO, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    };
    static const enum hostile_end ends[] = { HOSTILE_CLOSE, HOSTILE_RESET };
    for (size_t a = 0; a < 2; a++)
        for (size_t e = 0; e < 2; e++) /* the line feed that ends the last chunk says nothing new */
            for (size_t cut = 0; cut < strlen(answers[a]) - a; cut++)
                expect_error(
                    (struct hostile_step){
                        .bytes = answers[a], .cut = cut, .cut_all = cut == 0, .end = ends[e] },
                    CW_IO);
}

static void a_connection_lost_while_the_request_is_read_gives_no_answer(void **state)
{
    (void)state;
    for (int read_most = -1; read_most < 40; read_most += read_most < 0 ? 2 : 13)
        expect_error((struct hostile_step){ .read_most = read_most, .end = HOSTILE_RESET }, CW_IO);
}

static void answers_short_of_what_they_announce_are_refused(void **state)
{
    (void)state;
    static const char *const cut[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"orders\":[]}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"orders\":[]}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        "nothing like HTTP\r\n\r\n",
        "",
    };
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++)
        expect_error((struct hostile_step){ .bytes = cut[i], .end = HOSTILE_CLOSE }, CW_IO);
}

static void bytes_beyond_the_announced_length_are_no_part_of_the_answer(void **state)
{
    (void)state;
    expect_body((struct hostile_step){ .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello" }, "he");
}

static void an_answer_without_length_ends_with_its_connection(void **state)
{
    (void)state;
    expect_body((struct hostile_step){ .bytes = "HTTP/1.1 200 OK\r\n\r\nhello", .end = HOSTILE_CLOSE },
                "hello");
}

/* --- compression
 * ----------------------------------------------------------------------------------------------- */

/* A whole answer with `plain` compressed; window as deflateInit2 wants it. The caller frees. */
static struct hostile_step compressed(const char *coding, int window, const char *plain, size_t len)
{
    z_stream stream = { 0 };
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t cap = deflateBound(&stream, len) + 300;
    char *bytes = malloc(cap), *body = malloc(cap);
    stream.next_in = (unsigned char *)plain;
    stream.avail_in = (unsigned)len;
    stream.next_out = (unsigned char *)body;
    stream.avail_out = (unsigned)cap;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    int head = snprintf(bytes, cap, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %lu\r\n\r\n",
                        coding, stream.total_out);
    memcpy(bytes + head, body, stream.total_out);
    struct hostile_step step = { .bytes = bytes, .len = (size_t)head + stream.total_out };
    deflateEnd(&stream);
    free(body);
    return step;
}

static void gzip_and_both_kinds_of_deflate_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *coding;
        int window;
    } cases[] = { { "gzip", 31 }, { "x-gzip", 31 }, { "GZIP", 31 }, { "deflate", 15 }, { "deflate", -15 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hostile_step step = compressed(cases[i].coding, cases[i].window, "hello hello hello", 17);
        expect_body(step, "hello hello hello");
        free((char *)step.bytes);
    }
    expect_body(
        (struct hostile_step){ .bytes =
                                   "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n" },
        "");
}

static void a_compressed_answer_cut_inside_a_complete_frame_is_refused(void **state)
{
    (void)state;
    struct hostile_step whole = compressed("gzip", 31, "hello hello hello", 17);
    const char *body = strstr(whole.bytes, "\r\n\r\n") + 4;
    size_t len = whole.len - (size_t)(body - whole.bytes);
    for (size_t cut = 1; cut < len; cut++) {
        char bytes[512];
        int head = snprintf(bytes, sizeof bytes,
                            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", cut);
        memcpy(bytes + head, body, cut);
        expect_error((struct hostile_step){ .bytes = bytes, .len = (size_t)head + cut }, CW_IO);
    }
    free((char *)whole.bytes);
}

static void damaged_and_unknown_encodings_are_refused(void **state)
{
    (void)state;
    static const char *const codings[] = { "br", "gzip, gzip", "zstd", "gzip,deflate" };
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        struct hostile_step step = compressed(codings[i], 31, "hello", 5);
        expect_error(step, CW_INVALID);
        free((char *)step.bytes);
    }
    struct hostile_step step = compressed("gzip", 31, "hello hello", 11);
    ((char *)step.bytes)[step.len - 6] ^= 1; /* in the checksum */
    expect_error(step, CW_INVALID);
    free((char *)step.bytes);
    expect_error(
        (struct hostile_step){
            .bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello" },
        CW_INVALID);
    expect_error((struct hostile_step){ .bytes =
                                            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: "
                                            "gzip\r\nContent-Length: 5\r\n\r\nhello" },
                 CW_INVALID);
}

#if defined(__SANITIZE_ADDRESS__)
static size_t allocated, allocated_most;

static void on_malloc(const volatile void *at, size_t size)
{
    (void)at;
    size_t now = __atomic_add_fetch(&allocated, size, __ATOMIC_RELAXED);
    if (now > __atomic_load_n(&allocated_most, __ATOMIC_RELAXED))
        __atomic_store_n(&allocated_most, now, __ATOMIC_RELAXED);
}

static void on_free(const volatile void *at)
{
    size_t size = at != NULL ? __sanitizer_get_allocated_size(at) : 0;
    __atomic_sub_fetch(&allocated, size, __ATOMIC_RELAXED);
}
#endif

static void watch_memory(void)
{
#if defined(__SANITIZE_ADDRESS__)
    static bool watching;
    if (!watching)
        __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    watching = true;
    allocated = allocated_most = 1u << 30; /* frees of older blocks must not pass zero */
#endif
}

static size_t memory_used(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return allocated_most - (1u << 30);
#else
    return 0;
#endif
}

static void a_compression_bomb_is_stopped_in_little_memory(void **state)
{
    (void)state;
    static const char *const codings[] = { "gzip", "deflate" };
    enum { PLAIN = 64 * 1024 * 1024, LIMIT = 4 * 1024 * 1024 };
    char *plain = calloc(1, PLAIN);
    for (size_t i = 0; i < 2; i++) {
        struct hostile_step step = compressed(codings[i], i == 0 ? 31 : 15, plain, PLAIN);
        assert_true(step.len < 100 * 1024);
        watch_memory();
        expect_error(step, CW_LIMIT);
        assert_true(memory_used() < 2 * LIMIT);
        free((char *)step.bytes);
    }
    free(plain);
}

static void a_bomb_below_the_ratio_is_stopped_at_the_body_limit(void **state)
{
    (void)state;
    enum { PLAIN = 6 * 1024 * 1024, LIMIT = 4 * 1024 * 1024 };
    char *plain = calloc(1, PLAIN);
    unsigned seed = 1;
    for (size_t i = 0; i < PLAIN; i += 64) /* noise that keeps the ratio near thirty */
        plain[i] = (char)((seed = seed * 1103515245 + 12345) >> 16);
    struct hostile_step step = compressed("gzip", 31, plain, PLAIN);
    free(plain);
    watch_memory();
    expect_error(step, CW_LIMIT);
    assert_true(memory_used() < 2 * LIMIT);
    free((char *)step.bytes);
}

static void a_bomb_in_a_bomb_stays_one_layer(void **state)
{
    (void)state;
    char *plain = calloc(1, 1024 * 1024);
    struct hostile_step inner = compressed("gzip", 31, plain, 1024 * 1024);
    const char *body = strstr(inner.bytes, "\r\n\r\n") + 4;
    size_t len = inner.len - (size_t)(body - inner.bytes);
    struct hostile_step outer = compressed("gzip", 31, body, len);
    struct result result = get(outer);
    assert_ok(result.response != NULL, result.err);
    assert_int_equal(cw_body_size(result.response->body), len);
    cw_http_response_free(result.response);
    free((char *)inner.bytes);
    free((char *)outer.bytes);
    free(plain);
}

/* --- sizes
 * ----------------------------------------------------------------------------------------------------- */

static void an_endless_body_is_stopped_at_the_limit(void **state)
{
    (void)state;
    static char block[64 * 1024], chunk[64 * 1024 + 16];
    memset(block, 'x', sizeof block);
    int head = snprintf(chunk, sizeof chunk, "10000\r\n");
    memset(chunk + head, 'x', 0x10000);
    memcpy(chunk + head + 0x10000, "\r\n", 2);
    const struct hostile_step steps[] = {
        { .bytes = "HTTP/1.1 200 OK\r\n\r\n",
          .end = HOSTILE_REPEAT,
          .again = block,
          .again_len = sizeof block },
        { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
          .end = HOSTILE_REPEAT,
          .again = chunk,
          .again_len = (size_t)head + 0x10002 },
    };
    for (size_t i = 0; i < 2; i++) {
        struct client client;
        open_client(&client, 0);
        client.server = hostile_start(&steps[i], 1);
        watch_memory();
        struct result result = ask(&client, request_to(&client, "GET"));
        assert_int_equal(result.err.code, CW_LIMIT);
        assert_true(memory_used() < 8 * 1024 * 1024);
        /* the rest fits into the buffers of two sockets: the connection was closed */
        assert_true(client.server->sent < 24 * 1024 * 1024);
        close_client(&client);
    }
}

static void a_body_that_announces_too_much_is_refused_at_once(void **state)
{
    (void)state;
    expect_error((struct hostile_step){ .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\nx",
                                        .end = HOSTILE_STALL },
                 CW_LIMIT);
}

static void a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not(void **state)
{
    (void)state;
    static const struct hostile_step step = { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                                       "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" };
    for (uint64_t limit = 4; limit <= 6; limit++) {
        struct client client;
        open_client(&client, 0);
        client.server = hostile_start(&step, 1);
        struct cw_http_request request = request_to(&client, "GET");
        request.body_limit = limit;
        struct result result = ask(&client, request);
        assert_int_equal(result.err.code, limit < 5 ? CW_LIMIT : CW_OK);
        cw_http_response_free(result.response);
        close_client(&client);
    }
}

static void a_large_body_leaves_memory(void **state)
{
    (void)state;
    enum { SIZE = 20 * 1024 * 1024 };
    char *bytes = malloc(SIZE + 100);
    int head = sprintf(bytes, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[(size_t)head + i] = (char)(i * 7 >> 3);
    const struct hostile_step step = { .bytes = bytes, .len = (size_t)head + SIZE };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    struct cw_http_request request = request_to(&client, "GET");
    request.body_limit = SIZE;
    struct result result = ask(&client, request);
    assert_ok(result.response != NULL, result.err);
    assert_int_equal(cw_body_size(result.response->body), SIZE);
    assert_null(cw_body_memory(result.response->body).data);
    char some[1000];
    assert_true(cw_body_read(result.response->body, SIZE - 1000, some, 1000, NULL));
    assert_memory_equal(some, bytes + head + SIZE - 1000, 1000);
    cw_http_response_free(result.response);
    close_client(&client);
    free(bytes);
}

static void endless_headers_are_stopped(void **state)
{
    (void)state;
    static char line[4096];
    memset(line, 'x', sizeof line);
    memcpy(line, "X-A: ", 5);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    const struct hostile_step steps[] = {
        { .bytes = "HTTP/1.1 200 OK\r\n", .end = HOSTILE_REPEAT, .again = line, .again_len = sizeof line },
        { .bytes = "HTTP/1.1 200 OK\r\n", .end = HOSTILE_REPEAT, .again = "A: b\r\n" },
        { .bytes = "", .end = HOSTILE_REPEAT, .again = "HTTP/1.1 100 Continue\r\n\r\n" },
        { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
          .end = HOSTILE_REPEAT,
          .again = "X-Trailer: b\r\n" },
        { .bytes = "HTTP/1.1 200 OK\r\nX-A: a\r\n", .end = HOSTILE_REPEAT, .again = "\tfolded\r\n" },
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        expect_error(steps[i], CW_LIMIT);
}

static void one_endless_header_line_is_stopped(void **state)
{
    (void)state;
    struct result result = get((struct hostile_step){
        .bytes = "HTTP/1.1 200 OK\r\nX-A: ", .end = HOSTILE_REPEAT, .again = "xxxxxxxx" });
    assert_int_equal(result.err.code, CW_LIMIT);
}

/* --- time
 * ------------------------------------------------------------------------------------------------------ */

static struct result ask_in_haste(struct hostile_step step, cw_time stall, cw_time total)
{
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    struct cw_http_request request = request_to(&client, "GET");
    request.stall_timeout = stall;
    request.total_timeout = total;
    int64_t before = cw_elapsed_ns(cw_loop_clock(client.loop));
    struct result result = ask(&client, request);
    assert_true(cw_elapsed_ns(cw_loop_clock(client.loop)) - before < 2000000000);
    close_client(&client);
    cw_http_response_free(result.response);
    return result;
}

static void a_stalled_server_is_given_up(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 60; cut += 14) {
        struct hostile_step step = { .bytes = HELLO, .cut = cut, .cut_all = cut == 0, .end = HOSTILE_STALL };
        if (cut >= strlen(HELLO))
            break;
        struct result result = ask_in_haste(step, 200 * CW_MILLISECOND, 10 * CW_SECOND);
        assert_int_equal(result.err.code, CW_TIMEOUT);
        assert_non_null(strstr(result.err.text, "stalled"));
    }
}

static void a_slow_drip_is_given_up(void **state)
{
    (void)state;
    struct hostile_step step = { .bytes = HELLO,
                                 .pause_ms = 100 }; /* ten bytes a second, where sixteen are due */
    struct result result = ask_in_haste(step, 500 * CW_MILLISECOND, 10 * CW_SECOND);
    assert_int_equal(result.err.code, CW_TIMEOUT);
    assert_non_null(strstr(result.err.text, "stalled"));
}

static void a_server_that_is_merely_slow_is_waited_for(void **state)
{
    (void)state;
    struct hostile_step step = { .bytes = HELLO, .delay_ms = 300, .pause_ms = 2 };
    struct result result = ask_in_haste(step, 400 * CW_MILLISECOND, 10 * CW_SECOND);
    assert_ok(result.status == 200, result.err);
}

static void the_total_time_limit_ends_a_steady_trickle(void **state)
{
    (void)state;
    struct hostile_step step = { .bytes = HELLO, .pause_ms = 10 };
    struct result result = ask_in_haste(step, 400 * CW_MILLISECOND, 450 * CW_MILLISECOND);
    assert_int_equal(result.err.code, CW_TIMEOUT);
    assert_non_null(strstr(result.err.text, "time limit"));
}

static struct result ask_url(struct client *client, const char *url, cw_time connect_timeout)
{
    struct cw_http_request request = {
        .method = "GET", .url = url, .connect_timeout = connect_timeout, .total_timeout = 5 * CW_SECOND
    };
    return ask(client, request);
}

static void dns_tcp_and_tls_are_told_apart(void **state)
{
    (void)state;
    const struct hostile_step garbage = { .bytes = "no TLS here", .read_most = 10, .end = HOSTILE_CLOSE };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&garbage, 1);
    struct hostile_full full = hostile_start_full();
    char url[64];

    struct result result = ask_url(&client, "http://no-such-host.invalid/", 500 * CW_MILLISECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "DNS"));

    snprintf(url, sizeof url, "http://127.0.0.1:%u/", hostile_closed_port());
    result = ask_url(&client, url, CW_SECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "TCP"));
    assert_non_null(strstr(result.err.text, url));

    snprintf(url, sizeof url, "http://127.0.0.1:%u/", full.port);
    result = ask_url(&client, url, 200 * CW_MILLISECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "TCP"));

    snprintf(url, sizeof url, "https://127.0.0.1:%u/", client.server->port);
    result = ask_url(&client, url, CW_SECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "TLS"));
    hostile_stop_full(&full);
    close_client(&client);
}

static void a_slow_tls_handshake_is_given_up(void **state)
{
    (void)state;
    const struct hostile_step silent = { .read_most = 10, .end = HOSTILE_STALL };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&silent, 1);
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", client.server->port);
    struct result result = ask_url(&client, url, 200 * CW_MILLISECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "TLS"));
    close_client(&client);
}

/* --- connections
 * ----------------------------------------------------------------------------------------------- */

static void a_connection_is_used_again(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    for (int i = 0; i < 10; i++)
        cw_http_response_free(ask(&client, request_to(&client, "GET")).response);
    assert_int_equal(client.server->requests, 10);
    assert_int_equal(client.server->connections, 1);
    close_client(&client);
}

static void twenty_requests_at_once_share_the_permitted_connections(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO, .delay_ms = 5 };
    struct client client;
    open_client(&client, 3);
    client.server = hostile_start(&step, 1);
    struct result results[20] = { 0 };
    struct cw_http_request request = request_to(&client, "GET");
    for (int i = 0; i < 20; i++)
        assert_non_null(
            client.transport->start(client.transport, &request, client.open, on_done, &results[i], NULL));
    cw_loop_run(client.loop);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(results[i].calls, 1);
        assert_int_equal(results[i].status, 200);
        cw_http_response_free(results[i].response);
    }
    assert_int_equal(client.server->requests, 20);
    assert_int_equal(client.server->open_most, 3);
    assert_int_equal(client.server->connections, 3);
    close_client(&client);
}

static void a_read_on_a_connection_that_died_is_sent_again_and_a_write_is_not(void **state)
{
    (void)state;
    static const struct hostile_step steps[] = { { .bytes = HELLO },
                                                 { .end = HOSTILE_CLOSE },
                                                 { .bytes = HELLO } };
    static const struct {
        const char *method;
        bool repeatable;
        unsigned requests;
        int status;
    } cases[] = { { "GET", false, 3, 200 },
                  { "POST", false, 2, 0 },
                  { "DELETE", false, 2, 0 },
                  { "PATCH", false, 2, 0 },
                  { "PUT", true, 3, 200 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client client;
        open_client(&client, 0);
        client.server = hostile_start(steps, 3);
        cw_http_response_free(ask(&client, request_to(&client, "GET")).response);
        struct cw_http_request request = request_to(&client, cases[i].method);
        request.repeatable = cases[i].repeatable;
        struct result result = ask(&client, request);
        assert_int_equal(client.server->requests, cases[i].requests);
        assert_int_equal(result.status, cases[i].status);
        if (cases[i].status == 0)
            assert_int_equal(result.err.code, CW_IO);
        cw_http_response_free(result.response);
        close_client(&client);
    }
}

static void head_has_headers_and_no_body(void **state)
{
    (void)state;
    const struct hostile_step step = {
        .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nContent-Encoding: "
                 "gzip\r\n\r\n"
    };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    struct result result = ask(&client, request_to(&client, "HEAD"));
    assert_ok(result.response != NULL, result.err);
    assert_string_equal(cw_http_header(result.response, "content-length"), "99999999999");
    assert_int_equal(cw_body_size(result.response->body), 0);
    assert_memory_equal(client.server->seen[0], "HEAD /path?key=topsecret HTTP/1.1\r\n", 35);
    cw_http_response_free(result.response);
    close_client(&client);
}

static void a_request_says_what_it_was_told_and_nothing_else(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    const struct cw_header headers[] = { { "Content-Type", "application/xml" },
                                         { "X-Empty", "" },
                                         { "X-A", "b" } };
    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE" };
    struct client client;
    setenv("http_proxy", "http://127.0.0.1:1/", 1); /* must not matter */
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    for (size_t i = 0; i < 4; i++) {
        struct cw_http_request request = request_to(&client, methods[i]);
        request.headers = headers;
        request.header_count = 3;
        request.body = cw_slice("<a/>");
        struct result result = ask(&client, request);
        assert_ok(result.response != NULL, result.err);
        cw_http_response_free(result.response);
        const char *seen = client.server->seen[i];
        assert_memory_equal(seen, methods[i], strlen(methods[i]));
        assert_non_null(strstr(seen, "\r\nContent-Type: application/xml\r\n"));
        assert_non_null(strstr(seen, "\r\nX-Empty:\r\n"));
        assert_non_null(strstr(seen, "\r\nX-A: b\r\n"));
        assert_non_null(strstr(seen, "\r\nAccept-Encoding: gzip, deflate\r\n"));
        assert_non_null(strstr(seen, "\r\nContent-Length: 4\r\n"));
        assert_null(strcasestr(seen, "expect:"));
        assert_null(strcasestr(seen, "cookie"));
        assert_string_equal(strstr(seen, "\r\n\r\n"), "\r\n\r\n<a/>");
    }
    unsetenv("http_proxy");
    close_client(&client);
}

static void an_empty_post_has_a_length_and_no_type(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    cw_http_response_free(ask(&client, request_to(&client, "POST")).response);
    assert_non_null(strstr(client.server->seen[0], "\r\nContent-Length: 0\r\n"));
    assert_null(strcasestr(client.server->seen[0], "content-type"));
    close_client(&client);
}

static void a_large_upload_arrives_whole_and_without_delay(void **state)
{
    (void)state;
    enum { SIZE = 3 * 1024 * 1024 };
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    char *bytes = calloc(1, SIZE);
    struct cw_http_request request = request_to(&client, "PUT");
    request.body = (struct cw_slice){ bytes, SIZE };
    int64_t before = cw_elapsed_ns(cw_loop_clock(client.loop));
    struct result result = ask(&client, request);
    assert_ok(result.status == 200, result.err);
    assert_true(cw_elapsed_ns(cw_loop_clock(client.loop)) - before <
                900000000); /* no wait for 100 Continue */
    cw_http_response_free(result.response);
    free(bytes);
    close_client(&client);
}

/* --- credentials
 * ----------------------------------------------------------------------------------------------- */

static void basic_and_bearer_credentials_reach_the_server(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    struct cw_http_request request = request_to(&client, "GET");
    request.auth = CW_HTTP_BASIC;
    request.user = "KEY";
    request.secret = "";
    cw_http_response_free(ask(&client, request).response);
    assert_non_null(strstr(client.server->seen[0], "\r\nAuthorization: Basic S0VZOg==\r\n"));
    request.auth = CW_HTTP_BEARER;
    request.secret = "token-1";
    cw_http_response_free(ask(&client, request).response);
    assert_non_null(strstr(client.server->seen[1], "\r\nAuthorization: Bearer token-1\r\n"));
    cw_http_response_free(ask(&client, request_to(&client, "GET")).response);
    assert_null(strstr(client.server->seen[2], "Authorization"));
    close_client(&client);
}

static void digest_answers_the_challenge_and_sends_a_write_once(void **state)
{
    (void)state;
    static const struct hostile_step steps[] = {
        { .bytes = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"shop\", nonce=\"abc\", qop=\"auth\", "
                   "algorithm=SHA-256\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno" },
        { .bytes = HELLO }
    };
    static const char *const methods[] = { "GET", "POST" };
    for (size_t i = 0; i < 2; i++) {
        struct client client;
        open_client(&client, 0);
        client.server = hostile_start(steps, 2);
        struct cw_http_request request = request_to(&client, methods[i]);
        request.auth = CW_HTTP_DIGEST;
        request.user = "user";
        request.secret = "password";
        request.body = i == 1 ? cw_slice("stock=1") : (struct cw_slice){ 0 };
        struct result result = ask(&client, request);
        assert_ok(result.status == 200, result.err);
        assert_int_equal(client.server->requests, 2);
        assert_null(strstr(client.server->seen[0], "Authorization: Basic"));
        assert_non_null(strstr(client.server->seen[1], "\r\nAuthorization: Digest username=\"user\""));
        assert_null(strstr(client.server->seen[1], "password"));
        assert_null(strstr(client.server->seen[0], "stock=1"));
        assert_int_equal(strstr(client.server->seen[1], "stock=1") != NULL, i == 1);
        cw_http_response_free(result.response);
        close_client(&client);
    }
}

static void a_wrong_password_is_an_answer(void **state)
{
    (void)state;
    struct client client;
    const struct hostile_step step = { .bytes =
                                           "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"shop\", "
                                           "nonce=\"abc\", qop=\"auth\"\r\nContent-Length: 2\r\n\r\nno" };
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    struct cw_http_request request = request_to(&client, "GET");
    request.auth = CW_HTTP_DIGEST;
    request.user = "user";
    request.secret = "wrong";
    struct result result = ask(&client, request);
    assert_ok(result.status == 401, result.err);
    assert_int_equal(client.server->requests, 2);
    cw_http_response_free(result.response);
    close_client(&client);
}

/* --- where it may go
 * ------------------------------------------------------------------------------------------- */

static struct result ask_under(struct client *client, const struct cw_egress *egress, const char *url)
{
    struct cw_error err = { 0 };
    struct cw_http_request request = { .method = "GET", .url = url };
    struct result result = { .client = client };
    assert_ok(client->transport->start(client->transport, &request, egress, on_done, &result, &err) != NULL,
              err);
    cw_loop_run(client->loop);
    return result;
}

static void a_name_that_leads_to_this_machine_is_refused_after_resolving(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    char url[64];
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    snprintf(url, sizeof url, "http://localhost:%u/", client.server->port);
    assert_true(cw_egress_allow_url(client.closed, url, NULL)); /* the cart's own address opens no loopback */
    struct result result = ask_under(&client, client.closed, url);
    assert_int_equal(result.err.code, CW_REFUSED);
    assert_int_equal(client.server->connections, 0);
    close_client(&client);
}

static void a_connection_kept_by_one_cart_is_no_way_around_the_rules_of_another(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    char url[64];
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", client.server->port);
    struct result result = ask_under(&client, client.open, url);
    assert_ok(result.status == 200, result.err);
    cw_http_response_free(result.response);
    result = ask_under(&client, client.closed, url);
    assert_int_equal(result.err.code, CW_REFUSED);
    assert_int_equal(client.server->requests, 1);
    close_client(&client);
}

static struct cw_http *client_over(struct client *client, struct cw_random *random)
{
    struct cw_error err = { 0 };
    struct cw_http_config config = { .loop = client->loop,
                                     .transport = client->transport,
                                     .egress = client->open,
                                     .random = random,
                                     .label = "shop" };
    cw_random_seed(random, 3);
    struct cw_http *http = cw_http_create(&config, &err);
    assert_ok(http != NULL, err);
    return http;
}

static struct result send_politely(struct client *client, struct cw_http_request request)
{
    struct cw_error err = { 0 };
    struct cw_random random;
    struct cw_http *http = client_over(client, &random);
    struct result result = { .client = client };
    assert_ok(cw_http_send(http, &request, on_done, &result, &err) != NULL, err);
    cw_loop_run(client->loop);
    assert_int_equal(result.calls, 1);
    cw_http_free(http);
    return result;
}

static void a_redirect_takes_no_credentials_to_another_server(void **state)
{
    (void)state;
    const struct hostile_step good = { .bytes = HELLO };
    struct hostile *other = hostile_start(&good, 1);
    static const char *const targets[] = { "http://127.0.0.1", "http://localhost", "//127.0.0.1" };
    for (size_t i = 0; i < 3; i++) {
        char to[64], answer[256];
        snprintf(to, sizeof to, "%s:%u/x", targets[i], other->port);
        snprintf(answer, sizeof answer, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                 to);
        const struct hostile_step redirect = { .bytes = answer };
        struct client client;
        open_client(&client, 0);
        client.server = hostile_start(&redirect, 1);
        struct cw_http_request request = request_to(&client, "GET");
        request.auth = CW_HTTP_BASIC;
        request.user = "user";
        request.secret = "password";
        struct result result = send_politely(&client, request);
        assert_int_equal(result.err.code, CW_REFUSED);
        assert_null(strstr(result.err.text, "topsecret"));
        assert_int_equal(client.server->requests, 1);
        close_client(&client);
    }
    assert_int_equal(other->connections, 0);
    hostile_stop(other);
}

static void a_redirect_loop_ends(void **state)
{
    (void)state;
    const struct hostile_step step = {
        .bytes = "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
    };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(&step, 1);
    struct result result = send_politely(&client, request_to(&client, "GET"));
    assert_int_equal(result.err.code, CW_REFUSED);
    assert_int_equal(client.server->requests, 6);
    close_client(&client);
}

static void a_post_whose_answer_is_lost_is_sent_exactly_once(void **state)
{
    (void)state;
    static const struct hostile_step losses[] = {
        { .end = HOSTILE_CLOSE },
        { .end = HOSTILE_RESET },
        { .bytes = HELLO, .cut = 30, .end = HOSTILE_CLOSE },
        { .bytes = "HTTP/1.1 503 Later\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n" },
    };
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        struct client client;
        open_client(&client, 0);
        client.server = hostile_start(&losses[i], 1);
        struct cw_http_request request = request_to(&client, "POST");
        request.body = cw_slice("ship=1");
        struct result result = send_politely(&client, request);
        assert_int_equal(client.server->requests, 1);
        assert_true(result.err.code == CW_IO || result.status == 503);
        cw_http_response_free(result.response);
        close_client(&client);
    }
}

static void a_get_survives_a_lost_answer(void **state)
{
    (void)state;
    static const struct hostile_step steps[] = { { .bytes = HELLO, .cut = 40, .end = HOSTILE_RESET },
                                                 { .bytes = HELLO } };
    struct client client;
    open_client(&client, 0);
    client.server = hostile_start(steps, 2);
    struct result result = send_politely(&client, request_to(&client, "GET"));
    assert_ok(result.status == 200, result.err);
    assert_int_equal(result.response->attempts, 2);
    cw_http_response_free(result.response);
    close_client(&client);
}

/* --- cancelling
 * ------------------------------------------------------------------------------------------------ */

static void stop_loop(void *arg)
{
    cw_loop_stop(arg);
}

static void run_for(struct client *client, cw_time time)
{
    struct cw_timer *stop = cw_timer_create(client->loop, stop_loop, client->loop, NULL);
    cw_timer_set(stop, time);
    cw_loop_run(client->loop);
    cw_timer_free(stop);
}

static void a_request_can_be_cancelled_at_every_stage(void **state)
{
    (void)state;
    static const struct hostile_step stages[] = {
        { .read_most = -1, .end = HOSTILE_STALL },
        { .end = HOSTILE_STALL },
        { .bytes = HELLO, .cut = 20, .end = HOSTILE_STALL },
        { .bytes = HELLO, .cut = sizeof HELLO - 3, .end = HOSTILE_STALL },
        { .bytes = HELLO },
    };
    static const cw_time times[] = { 0, CW_MILLISECOND / 2, 20 * CW_MILLISECOND };
    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++)
        for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
            struct client client;
            open_client(&client, 1);
            client.server = hostile_start(&stages[s], 1);
            struct cw_http_request request = request_to(&client, "GET");
            struct result running = { 0 }, queued = { 0 };
            void *first =
                client.transport->start(client.transport, &request, client.open, on_done, &running, NULL);
            void *second =
                client.transport->start(client.transport, &request, client.open, on_done, &queued, NULL);
            if (times[t] > 0)
                run_for(&client, times[t]);
            if (queued.calls == 0)
                client.transport->cancel(client.transport, second);
            if (running.calls == 0)
                client.transport->cancel(client.transport, first);
            int calls = running.calls + queued.calls;
            cw_loop_run(client.loop);
            assert_int_equal(running.calls + queued.calls, calls);
            cw_http_response_free(running.response);
            cw_http_response_free(queued.response);
            close_client(&client);
        }
}

static void cancelling_the_running_request_lets_the_next_one_go(void **state)
{
    (void)state;
    static const struct hostile_step steps[] = { { .end = HOSTILE_STALL }, { .bytes = HELLO } };
    struct client client;
    open_client(&client, 1);
    client.server = hostile_start(steps, 2);
    struct cw_http_request request = request_to(&client, "GET");
    struct result running = { 0 }, queued = { 0 };
    void *first = client.transport->start(client.transport, &request, client.open, on_done, &running, NULL);
    assert_non_null(client.transport->start(client.transport, &request, client.open, on_done, &queued, NULL));
    run_for(&client, 50 * CW_MILLISECOND);
    assert_int_equal(queued.calls, 0);
    client.transport->cancel(client.transport, first);
    cw_loop_run(client.loop);
    assert_int_equal(running.calls, 0);
    assert_int_equal(queued.status, 200);
    cw_http_response_free(queued.response);
    close_client(&client);
}

static void cancelling_during_a_name_look_up_does_not_block(void **state)
{
    (void)state;
    struct client client;
    open_client(&client, 0);
    struct cw_http_request request = { .method = "GET", .url = "http://no-such-host.invalid/" };
    struct result result = { 0 };
    void *handle = client.transport->start(client.transport, &request, client.open, on_done, &result, NULL);
    struct cw_later now = { 0 };
    cw_loop_later(client.loop, &now, stop_loop, client.loop);
    cw_loop_run(client.loop);
    int64_t before = cw_elapsed_ns(cw_loop_clock(client.loop));
    if (result.calls == 0)
        client.transport->cancel(client.transport, handle);
    assert_true(cw_elapsed_ns(cw_loop_clock(client.loop)) - before < 500000000);
    close_client(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_delivered_with_its_headers_and_bytes),
        cmocka_unit_test(cutting_an_exchange_at_any_byte_gives_no_answer),
        cmocka_unit_test(a_connection_lost_while_the_request_is_read_gives_no_answer),
        cmocka_unit_test(answers_short_of_what_they_announce_are_refused),
        cmocka_unit_test(bytes_beyond_the_announced_length_are_no_part_of_the_answer),
        cmocka_unit_test(an_answer_without_length_ends_with_its_connection),
        cmocka_unit_test(gzip_and_both_kinds_of_deflate_are_read),
        cmocka_unit_test(a_compressed_answer_cut_inside_a_complete_frame_is_refused),
        cmocka_unit_test(damaged_and_unknown_encodings_are_refused),
        cmocka_unit_test(a_compression_bomb_is_stopped_in_little_memory),
        cmocka_unit_test(a_bomb_below_the_ratio_is_stopped_at_the_body_limit),
        cmocka_unit_test(a_bomb_in_a_bomb_stays_one_layer),
        cmocka_unit_test(an_endless_body_is_stopped_at_the_limit),
        cmocka_unit_test(a_body_that_announces_too_much_is_refused_at_once),
        cmocka_unit_test(a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not),
        cmocka_unit_test(a_large_body_leaves_memory),
        cmocka_unit_test(endless_headers_are_stopped),
        cmocka_unit_test(one_endless_header_line_is_stopped),
        cmocka_unit_test(a_stalled_server_is_given_up),
        cmocka_unit_test(a_slow_drip_is_given_up),
        cmocka_unit_test(a_server_that_is_merely_slow_is_waited_for),
        cmocka_unit_test(the_total_time_limit_ends_a_steady_trickle),
        cmocka_unit_test(dns_tcp_and_tls_are_told_apart),
        cmocka_unit_test(a_slow_tls_handshake_is_given_up),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(twenty_requests_at_once_share_the_permitted_connections),
        cmocka_unit_test(a_read_on_a_connection_that_died_is_sent_again_and_a_write_is_not),
        cmocka_unit_test(head_has_headers_and_no_body),
        cmocka_unit_test(a_request_says_what_it_was_told_and_nothing_else),
        cmocka_unit_test(an_empty_post_has_a_length_and_no_type),
        cmocka_unit_test(a_large_upload_arrives_whole_and_without_delay),
        cmocka_unit_test(basic_and_bearer_credentials_reach_the_server),
        cmocka_unit_test(digest_answers_the_challenge_and_sends_a_write_once),
        cmocka_unit_test(a_wrong_password_is_an_answer),
        cmocka_unit_test(a_name_that_leads_to_this_machine_is_refused_after_resolving),
        cmocka_unit_test(a_connection_kept_by_one_cart_is_no_way_around_the_rules_of_another),
        cmocka_unit_test(a_redirect_takes_no_credentials_to_another_server),
        cmocka_unit_test(a_redirect_loop_ends),
        cmocka_unit_test(a_post_whose_answer_is_lost_is_sent_exactly_once),
        cmocka_unit_test(a_get_survives_a_lost_answer),
        cmocka_unit_test(a_request_can_be_cancelled_at_every_stage),
        cmocka_unit_test(cancelling_the_running_request_lets_the_next_one_go),
        cmocka_unit_test(cancelling_during_a_name_look_up_does_not_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
