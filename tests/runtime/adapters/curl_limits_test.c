/* Tests of what the libcurl transport lets in: compression, sizes, endless answers. */
#include "transport_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#if defined(__SANITIZE_ADDRESS__)
/* Of the sanitizer's own header, which GCC's packages leave out. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *at);
#endif

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
        client_expect_body(step, "hello hello hello");
        free((char *)step.bytes);
    }
    client_expect_body(
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
        client_expect_error((struct hostile_step){ .bytes = bytes, .len = (size_t)head + cut }, CW_IO);
    }
    free((char *)whole.bytes);
}

static void damaged_and_unknown_encodings_are_refused(void **state)
{
    (void)state;
    static const char *const codings[] = { "br", "gzip, gzip", "zstd", "gzip,deflate" };
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        struct hostile_step step = compressed(codings[i], 31, "hello", 5);
        client_expect_error(step, CW_INVALID);
        free((char *)step.bytes);
    }
    struct hostile_step step = compressed("gzip", 31, "hello hello", 11);
    ((char *)step.bytes)[step.len - 6] ^= 1; /* in the checksum */
    client_expect_error(step, CW_INVALID);
    free((char *)step.bytes);
    client_expect_error(
        (struct hostile_step){
            .bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello" },
        CW_INVALID);
    client_expect_error(
        (struct hostile_step){ .bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: "
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
        client_expect_error(step, CW_LIMIT);
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
    client_expect_error(step, CW_LIMIT);
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
    struct result result = client_get(outer);
    assert_ok(result.response != NULL, result.err);
    assert_int_equal(cw_body_size(result.response->body), len);
    cw_http_response_free(result.response);
    free((char *)inner.bytes);
    free((char *)outer.bytes);
    free(plain);
}

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
        client_open(&client, 0);
        client.server = hostile_start(&steps[i], 1);
        watch_memory();
        struct result result = client_ask(&client, client_request(&client, "GET"));
        assert_int_equal(result.err.code, CW_LIMIT);
        assert_true(memory_used() < 8 * 1024 * 1024);
        /* the rest fits into the buffers of two sockets: the connection was closed */
        assert_true(client.server->sent < 24 * 1024 * 1024);
        client_close(&client);
    }
}

static void a_body_that_announces_too_much_is_refused_at_once(void **state)
{
    (void)state;
    client_expect_error(
        (struct hostile_step){ .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\nx",
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
        client_open(&client, 0);
        client.server = hostile_start(&step, 1);
        struct cw_http_request request = client_request(&client, "GET");
        request.body_limit = limit;
        struct result result = client_ask(&client, request);
        assert_int_equal(result.err.code, limit < 5 ? CW_LIMIT : CW_OK);
        cw_http_response_free(result.response);
        client_close(&client);
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
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    struct cw_http_request request = client_request(&client, "GET");
    request.body_limit = SIZE;
    struct result result = client_ask(&client, request);
    assert_ok(result.response != NULL, result.err);
    assert_int_equal(cw_body_size(result.response->body), SIZE);
    assert_null(cw_body_memory(result.response->body).data);
    char some[1000];
    assert_true(cw_body_read(result.response->body, SIZE - 1000, some, 1000, NULL));
    assert_memory_equal(some, bytes + head + SIZE - 1000, 1000);
    cw_http_response_free(result.response);
    client_close(&client);
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
        client_expect_error(steps[i], CW_LIMIT);
}

static void one_endless_header_line_is_stopped(void **state)
{
    (void)state;
    struct result result = client_get((struct hostile_step){
        .bytes = "HTTP/1.1 200 OK\r\nX-A: ", .end = HOSTILE_REPEAT, .again = "xxxxxxxx" });
    assert_int_equal(result.err.code, CW_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
