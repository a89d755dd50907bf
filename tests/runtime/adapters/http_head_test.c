/* Tests of the strict reader of request heads: what passes, what is refused, and where a head ends. */
#include "testing.h"

#include "adapters/http_head.h"

static enum cw_head read_text(const char *text, struct cw_head_info *info)
{
    return cw_http_head_read(cw_slice(text), info);
}

static void good_heads_pass(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t body_len;
        bool is_chunked;
    } cases[] = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, false },
        { "GET / HTTP/1.0\r\n\r\n", 0, false },
        { "GET /api/orders?limit=0%2C100&a[]=b%20c HTTP/1.1\r\nhost:a:8080\r\nX-Empty:\r\n\r\n", 0, false },
        { "POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 123456789012345678\r\n\r\n", 123456789012345678,
          false },
        { "POST /hook HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: Chunked\r\n\r\n", 0, true },
        { "GET / HTTP/1.1\r\nHost: a\r\nX-A: tab\there, byte \xc3\xa4\r\n\r\n", 0, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cw_head_info info;
        if (read_text(cases[i].text, &info) != CW_HEAD_GOOD)
            fail_msg("%s", cases[i].text);
        assert_int_equal(info.len, strlen(cases[i].text));
        assert_int_equal(info.body_len, cases[i].body_len);
        assert_int_equal(info.is_chunked, cases[i].is_chunked);
    }
}

static const char *const bad[] = {
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n",
    "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\tfolded: c\r\n\r\n",
    "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\rX-A: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\x01\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a%0d%0aX HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /%1f HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /%7F HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a%4g HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT evil:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "GET /\r\n\r\n",
    "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
    " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
};

static void heads_that_two_servers_might_read_differently_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cw_head_info info;
        if (read_text(bad[i], &info) != CW_HEAD_BAD)
            fail_msg("%s", bad[i]);
    }
}

static void a_nul_byte_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    static const char good[] = "GET /a HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n";
    for (size_t i = 0; i < sizeof good - 5; i++) { /* one in the last line end only makes the head longer */
        char text[sizeof good];
        struct cw_head_info info;
        memcpy(text, good, sizeof good);
        text[i] = '\0';
        assert_int_not_equal(cw_http_head_read((struct cw_slice){ text, sizeof good - 1 }, &info),
                             CW_HEAD_GOOD);
    }
}

static void a_head_is_incomplete_until_its_last_byte_and_ends_there(void **state)
{
    (void)state;
    static const char text[] = "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\n\n";
    struct cw_head_info info;
    size_t len = (size_t)(strstr(text, "abc") - text);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(cw_http_head_read((struct cw_slice){ text, i }, &info), CW_HEAD_INCOMPLETE);
    for (size_t i = len; i < sizeof text; i++) {
        assert_int_equal(cw_http_head_read((struct cw_slice){ text, i }, &info), CW_HEAD_GOOD);
        assert_int_equal(info.len, len);
    }
}

static void a_head_may_have_16_kib_and_not_a_byte_more(void **state)
{
    (void)state;
    static char text[CW_HTTP_HEAD_MAX + 1];
    struct cw_head_info info;
    for (size_t len = CW_HTTP_HEAD_MAX; len <= CW_HTTP_HEAD_MAX + 1; len++) {
        memset(text, 'x', sizeof text);
        memcpy(text, "GET / HTTP/1.1\r\nHost: ", 22);
        memcpy(text + len - 4, "\r\n\r\n", 4);
        assert_int_equal(cw_http_head_read((struct cw_slice){ text, len }, &info),
                         len > CW_HTTP_HEAD_MAX ? CW_HEAD_TOO_LONG : CW_HEAD_GOOD);
        assert_int_equal(cw_http_head_read((struct cw_slice){ text, len - 4 }, &info), CW_HEAD_INCOMPLETE);
    }
    memset(text, 'x', sizeof text);
    assert_int_equal(cw_http_head_read((struct cw_slice){ text, sizeof text }, &info), CW_HEAD_TOO_LONG);
}

/* Whatever passes after one byte was changed must still keep to the rules that matter for framing. */
static void no_change_of_one_byte_smuggles_a_line(void **state)
{
    (void)state;
    static const char good[] = "POST /a%20b HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nX-A: b\r\n\r\n";
    for (size_t i = 0; i < sizeof good - 1; i++)
        for (int c = 0; c < 256; c++) {
            char text[sizeof good];
            struct cw_head_info info;
            memcpy(text, good, sizeof good);
            text[i] = (char)c;
            if (cw_http_head_read((struct cw_slice){ text, sizeof good - 1 }, &info) != CW_HEAD_GOOD)
                continue;
            assert_int_equal(info.len, sizeof good - 1);
            assert_int_equal(memchr(text, '\0', sizeof good - 1) == NULL, 1);
            for (size_t n = 1; n < sizeof good - 1; n++)
                assert_int_equal(text[n] == '\n', text[n - 1] == '\r');
        }
}

static void a_head_is_taken_apart_in_place(void **state)
{
    (void)state;
    char text[] = "GET /a?b HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-A:  b: c \r\n\r\nbody";
    struct cw_head_info info;
    struct cw_header headers[3];
    const char *method, *target;
    assert_int_equal(read_text(text, &info), CW_HEAD_GOOD);
    assert_int_equal(info.fields, 3);
    cw_http_head_split(text, &info, &method, &target, headers);
    assert_string_equal(method, "GET");
    assert_string_equal(target, "/a?b");
    assert_string_equal(headers[0].name, "Host");
    assert_string_equal(headers[0].value, "a");
    assert_string_equal(headers[1].name, "X-Empty");
    assert_string_equal(headers[1].value, "");
    assert_string_equal(headers[2].value, "b: c");
    assert_memory_equal(text + info.len, "body", 4);
}

static void the_last_request_of_a_connection_is_recognized(void **state)
{
    (void)state;
    struct cw_head_info info;
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &info), CW_HEAD_GOOD);
    assert_false(info.closes);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: a\r\nconnection: Close\r\n\r\n", &info),
                     CW_HEAD_GOOD);
    assert_true(info.closes);
    assert_int_equal(read_text("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &info), CW_HEAD_GOOD);
    assert_true(info.closes);
}

static enum cw_chunk decode(const char *text, size_t step, struct cw_buffer *body, size_t *used)
{
    struct cw_chunks chunks = { 0 };
    enum cw_chunk result = CW_CHUNK_MORE;
    cw_buffer_clear(body);
    *used = 0;
    for (size_t at = 0; at < strlen(text) && result == CW_CHUNK_MORE; at += step) {
        size_t some = 0, len = strlen(text) - at < step ? strlen(text) - at : step;
        result = cw_chunks_read(&chunks, (struct cw_slice){ text + at, len }, body, &some);
        *used += some;
    }
    return result;
}

static void chunks_are_joined_however_they_arrive(void **state)
{
    (void)state;
    static const char text[] = "3\r\nabc\r\n00A\r\n0123456789\r\n1\r\n\r\r\n0\r\n\r\nnext";
    struct cw_buffer body = { .limit = 14 };
    for (size_t step = 1; step <= sizeof text; step++) {
        size_t used;
        assert_int_equal(decode(text, step, &body, &used), CW_CHUNK_END);
        assert_slice(cw_buffer_slice(&body), "abc0123456789\r");
        assert_int_equal(used, sizeof text - 5);
    }
    cw_buffer_fini(&body);
}

static void bad_chunks_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "\r\n",         "g\r\n",          "-1\r\n",
                                         " 1\r\na\r\n",  "1 \r\na\r\n",    "1;x=y\r\na\r\n",
                                         "0x1\r\na\r\n", "1\na\n",         "1\r\nab\r\n",
                                         "1\r\na\n",     "000000001\r\na", "0\r\nX: y\r\n\r\n",
                                         "1\ra" };
    struct cw_buffer body = { .limit = 100 };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t used;
        if (decode(texts[i], 100, &body, &used) != CW_CHUNK_BAD)
            fail_msg("%s", texts[i]);
    }
    size_t used;
    assert_int_equal(decode("64\r\nx", 100, &body, &used), CW_CHUNK_MORE);
    assert_int_equal(decode("65\r\nx", 100, &body, &used), CW_CHUNK_TOO_LONG);
    assert_int_equal(decode("1\r\nx\r\n64\r\nx", 100, &body, &used), CW_CHUNK_TOO_LONG);
    cw_buffer_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_heads_pass),
        cmocka_unit_test(heads_that_two_servers_might_read_differently_are_refused),
        cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
        cmocka_unit_test(a_head_is_incomplete_until_its_last_byte_and_ends_there),
        cmocka_unit_test(a_head_may_have_16_kib_and_not_a_byte_more),
        cmocka_unit_test(a_head_is_taken_apart_in_place),
        cmocka_unit_test(the_last_request_of_a_connection_is_recognized),
        cmocka_unit_test(chunks_are_joined_however_they_arrive),
        cmocka_unit_test(bad_chunks_are_refused),
        cmocka_unit_test(no_change_of_one_byte_smuggles_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
