/* http_oauth1_test.c - signatures against the examples of RFC 5849 and values computed elsewhere. */
#include "testing.h"

#include <stdio.h>

#include "adapters/http_oauth1.h"

static const struct cw_oauth1 photos = { .consumer_key = "dpf43f3p2l4k3l03",
                                         .consumer_secret = "kd94hf93k423kf44",
                                         .token = "nnch734d00sl2jdk",
                                         .token_secret = "pfkkdhi9sl3r4s00",
                                         .method = CW_HMAC_SHA1 };

static struct cw_oauth1_stamp stamp_of(const char *nonce, int64_t timestamp)
{
    struct cw_oauth1_stamp stamp = { .timestamp = timestamp };
    snprintf(stamp.nonce, sizeof stamp.nonce, "%s", nonce);
    return stamp;
}

typedef bool making(const struct cw_http_request *, const struct cw_url *, const struct cw_oauth1_stamp *,
                    struct cw_buffer *, struct cw_error *);

static struct cw_buffer make(making *function, const struct cw_http_request *request,
                             struct cw_oauth1_stamp stamp)
{
    struct cw_url url;
    struct cw_error err = { 0 };
    struct cw_buffer text = { 0 };
    assert_ok(cw_url_parse(request->url, &url, &err) && function(request, &url, &stamp, &text, &err), err);
    return text;
}

static void assert_made(making *function, const struct cw_http_request *request, struct cw_oauth1_stamp stamp,
                        const char *expected)
{
    struct cw_buffer text = make(function, request, stamp);
    assert_string_equal(text.data, expected);
    cw_buffer_fini(&text);
}

/* RFC 5849, section 1.2: the request for a photo. */
static void the_example_of_the_rfc_is_signed_as_there(void **state)
{
    (void)state;
    const struct cw_http_request request = {
        .method = "GET",
        .url = "http://photos.example.net/photos?file=vacation.jpg&size=original",
        .oauth1 = &photos
    };
    assert_made(
        cw_oauth1_authorize, &request, stamp_of("chapoH", 137131202),
        "OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_token=\"nnch734d00sl2jdk\", "
        "oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"137131202\", oauth_nonce=\"chapoH\", "
        "oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\"");
}

/* RFC 5849, section 3.4.1.1: parameters of query, header and form, twice the same name, blanks both ways. */
static void the_signed_text_is_that_of_the_rfc(void **state)
{
    (void)state;
    const struct cw_oauth1 keys = { .consumer_key = "9djdj82h48djs9d2",
                                    .consumer_secret = "j49sn3j29djd",
                                    .token = "kkk9d7dk3k39sjv7",
                                    .token_secret = "dh893hdasih9",
                                    .method = CW_HMAC_SHA1 };
    const struct cw_header form = { "content-type", "application/x-www-form-urlencoded; charset=utf-8" };
    const struct cw_http_request request = {
        .method = "POST",
        .url = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
        .headers = &form,
        .header_count = 1,
        .body = cw_slice("c2&a3=2+q"),
        .oauth1 = &keys
    };
    assert_made(
        cw_oauth1_base, &request, stamp_of("7d8f3e4a", 137131201),
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D"
        "%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26"
        "oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3D"
        "kkk9d7dk3k39sjv7");
}

/* RFC 5849, section 3.4.1.2. */
static void the_address_has_a_port_only_where_it_is_not_the_usual_one(void **state)
{
    (void)state;
    const struct cw_oauth1 keys = { .consumer_key = "k", .consumer_secret = "s", .method = CW_HMAC_SHA256 };
    static const char *const addresses[][2] = {
        { "http://EXAMPLE.COM:80/r%20v/X?id=123",
          "GET&http%3A%2F%2Fexample.com%2Fr%2520v%2FX&id%3D123%26oauth_" },
        { "https://www.example.net:8080/?q=1", "GET&https%3A%2F%2Fwww.example.net%3A8080%2F&oauth_" },
        { "https://www.example.net:443", "GET&https%3A%2F%2Fwww.example.net%2F&oauth_" },
        { "http://www.example.net:443/x", "GET&http%3A%2F%2Fwww.example.net%3A443%2Fx&oauth_" },
    };
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        const struct cw_http_request request = { .method = "GET", .url = addresses[i][0], .oauth1 = &keys };
        struct cw_buffer base = make(cw_oauth1_base, &request, stamp_of("n", 1));
        base.data[strlen(addresses[i][1]) < base.len ? strlen(addresses[i][1]) : base.len] = '\0';
        assert_string_equal(base.data, addresses[i][1]);
        cw_buffer_fini(&base);
    }
}

/* A shop without tokens, HMAC-SHA256, parameters as WooCommerce has them. The value is Python's:
 * hmac.new(b"cs_secret&", text, "sha256"). */
static void a_shop_without_tokens_gets_its_signature(void **state)
{
    (void)state;
    const struct cw_oauth1 keys = { .consumer_key = "ck_key",
                                    .consumer_secret = "cs_secret",
                                    .method = CW_HMAC_SHA256 };
    const struct cw_http_request request = {
        .method = "GET",
        .url = "http://shop.example/wp-json/wc/v3/"
               "orders?after=2024-03-31T00%3A00%3A00&page=2&search=caf%C3%A9%20*~",
        .oauth1 = &keys
    };
    assert_made(
        cw_oauth1_base, &request, stamp_of("abc", 1711843200),
        "GET&http%3A%2F%2Fshop.example%2Fwp-json%2Fwc%2Fv3%2Forders&after%3D2024-03-31T00%253A00%253A00"
        "%26oauth_consumer_key%3Dck_key%26oauth_nonce%3Dabc%26oauth_signature_method%3DHMAC-SHA256%26"
        "oauth_timestamp%3D1711843200%26page%3D2%26search%3Dcaf%25C3%25A9%2520%252A~");
    assert_made(cw_oauth1_authorize, &request, stamp_of("abc", 1711843200),
                "OAuth oauth_consumer_key=\"ck_key\", oauth_signature_method=\"HMAC-SHA256\", "
                "oauth_timestamp=\"1711843200\", oauth_nonce=\"abc\", "
                "oauth_signature=\"QI18OLigjRIweqdEXfvrMQuW6mxjukDINzIShra6ZzM%3D\"");
}

/* Of a JSON body nothing is signed. */
static void a_body_that_is_no_form_is_not_signed(void **state)
{
    (void)state;
    const struct cw_header json = { "Content-Type", "application/json" };
    const struct cw_oauth1 keys = { .consumer_key = "k", .consumer_secret = "s", .method = CW_HMAC_SHA256 };
    struct cw_http_request request = { .method = "PUT", .url = "http://h/x", .oauth1 = &keys };
    struct cw_buffer without = make(cw_oauth1_authorize, &request, stamp_of("n", 1));
    request.headers = &json;
    request.header_count = 1;
    request.body = cw_slice("{\"a\":1}");
    assert_made(cw_oauth1_authorize, &request, stamp_of("n", 1), without.data);
    cw_buffer_fini(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_signed_as_there),
        cmocka_unit_test(the_signed_text_is_that_of_the_rfc),
        cmocka_unit_test(the_address_has_a_port_only_where_it_is_not_the_usual_one),
        cmocka_unit_test(a_shop_without_tokens_gets_its_signature),
        cmocka_unit_test(a_body_that_is_no_form_is_not_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
