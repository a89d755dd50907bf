/* webhooks_test.c - notices: which are believed, what is kept of them, what they wake, and what is answered.
 */
#include "hooks_bed.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#define assert_rows(bed, sql, expected) assert_string_equal(hooks_bed_ask(bed, sql), expected)

#define WITH_BED                                                                                             \
    (void)state;                                                                                             \
    struct hooks_bed bed;                                                                                    \
    hooks_bed_open(&bed)

static void a_signed_notice_is_stored_as_it_came_and_wakes_the_job_it_names(void **state)
{
    WITH_BED;
    cw_time before = cw_now(cw_loop_clock(bed.loop));
    assert_int_equal(hooks_post_signed(&bed, "shop",
                                       "X-Topic: order.updated\r\nAuthorization: Basic eA==\r\n"
                                       "Cookie: a=b\r\nX-Api-Key: k\r\n",
                                       "{\"id\":1,  \"n\":\"\xc3\xa4\"}\r\n"),
                     200);
    assert_rows(&bed, "SELECT cart, topic, bytes FROM webhooks",
                "shop|order.updated|{\"id\":1,  \"n\":\"\xc3\xa4\"}\r\n");
    assert_rows(&bed, "SELECT headers FROM webhooks",
                "Host: a\nX-Topic: order.updated\nContent-Length: 21\n");
    assert_rows(&bed, "SELECT cart, name FROM jobs WHERE woken_at IS NOT NULL", "shop|orders");
    hooks_bed_ask(&bed, "SELECT woken_at FROM jobs WHERE woken_at IS NOT NULL");
    cw_time woken_at;
    assert_true(cw_time_parse(cw_slice(bed.text), NULL, &woken_at, NULL));
    /* when windows, which end 10 s before now, reach the change */
    assert_in_range(woken_at - before, 11 * CW_SECOND, 21 * CW_SECOND);
    hooks_bed_close(&bed);
}

static void a_signature_that_is_not_right_is_refused(void **state)
{
    WITH_BED;
    char hex[65], wrong[65], headers[200];
    hooks_sign("body", hex);
    for (int bit = 0; bit < 4; bit++) {
        memcpy(wrong, hex, sizeof wrong);
        wrong[17] =
            "0123456789abcdef"[(strchr("0123456789abcdef", wrong[17]) - "0123456789abcdef") ^ (1 << bit)];
        snprintf(headers, sizeof headers, "X-Signature: %s\r\n", wrong);
        assert_int_equal(hooks_post(&bed, "shop", headers, "body"), 401);
    }
    snprintf(headers, sizeof headers, "X-Signature: %s\r\n", hex);
    assert_int_equal(hooks_post(&bed, "shop", headers, "bodY"), 401);
    assert_int_equal(hooks_post(&bed, "shop", headers, "body "), 401);
    assert_int_equal(hooks_post(&bed, "shop", headers, ""), 401);
    assert_int_equal(hooks_post(&bed, "shop", "", "body"), 401);
    assert_int_equal(hooks_post(&bed, "shop", "X-Signature: \r\n", "body"), 401);
    snprintf(headers, sizeof headers, "X-Signature: sha256=%s\r\n", hex);
    assert_int_equal(hooks_post(&bed, "shop", headers, "body"), 401);
    unsigned char mac[CW_HMAC_BYTES_MAX];
    char *base64 =
        g_base64_encode(mac, cw_hmac_of(CW_HMAC_SHA256, cw_slice(HOOKS_SECRET), cw_slice("body"), mac));
    snprintf(headers, sizeof headers, "X-Signature: %s\r\n", base64);
    assert_int_equal(hooks_post(&bed, "shop", headers, "body"), 401);
    g_free(base64);
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "0");
    assert_rows(&bed, "SELECT count(*) FROM jobs WHERE woken_at IS NOT NULL", "0");
    assert_int_equal(bed.commits, 0);
    assert_int_equal(hooks_post_signed(&bed, "shop", "", "body"), 200);
    hooks_bed_close(&bed);
}

static int post_stamped(struct hooks_bed *bed, long seconds, const char *body)
{
    char hex[65], text[256], headers[256];
    long now = (long)(cw_now(cw_loop_clock(bed->loop)) / CW_SECOND) + seconds;
    snprintf(text, sizeof text, "%ld.%s", now, body);
    hooks_sign(text, hex);
    snprintf(headers, sizeof headers, "X-Stamp: t=%ld,v1=%s\r\n", now, hex);
    return hooks_post(bed, "shop/stamped", headers, body);
}

static void a_stamp_that_is_signed_must_be_of_the_last_five_minutes(void **state)
{
    WITH_BED;
    assert_int_equal(post_stamped(&bed, 0, "a"), 200);
    assert_int_equal(post_stamped(&bed, -290, "b"), 200);
    assert_int_equal(post_stamped(&bed, 290, "c"), 200);
    assert_int_equal(post_stamped(&bed, -310, "d"), 401);
    assert_int_equal(post_stamped(&bed, 310, "e"), 401);
    assert_int_equal(post_stamped(&bed, -86400L * 400, "f"), 401);
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "3");
    hooks_bed_close(&bed);
}

static void what_comes_again_is_neither_stored_again_nor_wakes_again(void **state)
{
    WITH_BED;
    assert_int_equal(hooks_post_signed(&bed, "shop", "", "id=7 first"), 200);
    hooks_bed_ask(&bed, "SELECT woken_at FROM jobs WHERE cart = 'shop' AND name = 'orders'");
    char woken_at[sizeof bed.text];
    snprintf(woken_at, sizeof woken_at, "%s", bed.text);
    hooks_bed_wait(&bed, 20 * CW_MILLISECOND);
    assert_int_equal(hooks_post_signed(&bed, "shop", "", "id=7 first"), 200);
    assert_int_equal(hooks_post_signed(&bed, "shop", "", "id=7 in other words"), 200);
    assert_rows(&bed, "SELECT delivery_id, bytes FROM webhooks", "7|id=7 first");
    assert_rows(&bed, "SELECT woken_at FROM jobs WHERE cart = 'shop' AND name = 'orders'", woken_at);
    assert_int_equal(hooks_post_signed(&bed, "other", "", "id=7 first"), 200);
    assert_rows(&bed, "SELECT cart FROM webhooks ORDER BY id", "shop\nother");
    hooks_bed_close(&bed);
}

static void without_an_id_what_was_signed_tells_deliveries_apart(void **state)
{
    WITH_BED;
    assert_int_equal(hooks_post_signed(&bed, "shop", "", "same"), 200);
    assert_int_equal(hooks_post_signed(&bed, "shop", "X-Topic: other\r\n", "same"), 200);
    assert_int_equal(hooks_post_signed(&bed, "shop", "", "different"), 200);
    assert_rows(&bed, "SELECT bytes FROM webhooks ORDER BY id", "same\ndifferent");
    assert_int_equal(post_stamped(&bed, 0, "same"), 200);
    assert_int_equal(post_stamped(&bed, 5, "same"), 200); /* another text was signed */
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "4");
    hooks_bed_close(&bed);
}

static void other_schemes_are_checked_as_well(void **state)
{
    WITH_BED;
    unsigned char mac[CW_HMAC_BYTES_MAX];
    char headers[200] = "X-Signature: sha512=";
    size_t len = cw_hmac_of(CW_HMAC_SHA512, cw_slice(HOOKS_SECRET), cw_slice("body"), mac);
    for (size_t i = 0; i < len; i++)
        snprintf(headers + strlen(headers), 3, "%02x", mac[i]);
    strcat(headers, "\r\n");
    assert_int_equal(hooks_post(&bed, "shop/prefixed", headers, "body"), 200);
    assert_int_equal(hooks_post_signed(&bed, "shop/prefixed", "", "body"), 401);
    assert_int_equal(hooks_post(&bed, "shop/token?a=b&token=s3cret+%26+%22quoted%22+%3Ckey%3E", "", "x"),
                     200);
    assert_int_equal(hooks_post(&bed, "shop/token?token=s3cret", "", "y"), 401);
    assert_int_equal(hooks_post(&bed, "shop/token", "", "y"), 401);
    assert_int_equal(hooks_post_signed(&bed, "shop/tries", "", "y"), 401); /* the 17th signature */
    hooks_bed_close(&bed);
}

static void what_is_to_be_ignored_is_answered_and_leaves_nothing(void **state)
{
    WITH_BED;
    assert_int_equal(hooks_post(&bed, "shop/ping", "", "webhook_id=1"), 200);
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "0");
    assert_int_equal(bed.commits, 0);
    hooks_bed_close(&bed);
}

static void a_script_that_does_what_it_may_not_is_not_believed(void **state)
{
    WITH_BED;
    static const char *const at[] = { "shop/ask", "shop/emit", "shop/number", "shop/slip" };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        assert_int_equal(hooks_post_signed(&bed, at[i], "", "x"), 401);
    assert_int_equal(hooks_post_signed(&bed, "shop/loop", "", "x"), 503);
    assert_int_equal(hooks_post_signed(&bed, "shop", "", "x"), 200); /* the next one has its own budget */
    hooks_bed_close(&bed);
}

static void a_script_that_waits_too_long_is_ended_and_the_next_notice_is_heard(void **state)
{
    WITH_BED;
    struct hooks_client asleep;
    static char out[1024];
    hooks_connect(&asleep, &bed);
    hooks_send(&asleep, out, hooks_print(out, sizeof out, "shop/sleep", "", "x"));
    hooks_bed_wait(&bed, 50 * CW_MILLISECOND);
    int64_t began = cw_elapsed_ns(cw_loop_clock(bed.loop));
    assert_int_equal(hooks_post_signed(&bed, "other", "", "x"), 200); /* carts do not wait for each other */
    assert_true(cw_elapsed_ns(cw_loop_clock(bed.loop)) - began < 5000000000);
    assert_int_equal(hooks_post_signed(&bed, "shop", "", "x"), 200);
    assert_in_range(cw_elapsed_ns(cw_loop_clock(bed.loop)) - began, 9000000000, 14000000000);
    assert_int_equal(hooks_status(&asleep, CW_SECOND), 503);
    hooks_close(&asleep);
    hooks_bed_close(&bed);
}

static void a_job_that_the_cart_does_not_have_is_no_reason_to_lose_the_notice(void **state)
{
    WITH_BED;
    assert_int_equal(hooks_post(&bed, "shop/typo", "", "x"), 200);
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "1");
    assert_rows(&bed, "SELECT cart, name FROM jobs WHERE woken_at IS NOT NULL ORDER BY 2",
                "shop|items\nshop|orders");
    assert_int_equal(hooks_post_signed(&bed, "shop/all", "", "all"), 200);
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "2");
    hooks_bed_close(&bed);
}

static void long_ids_and_odd_topics_are_kept_in_a_form_that_any_store_takes(void **state)
{
    WITH_BED;
    assert_int_equal(hooks_post(&bed, "shop/long", "", "1"), 200);
    assert_int_equal(hooks_post(&bed, "shop/long", "", "1"), 200);
    assert_int_equal(hooks_post(&bed, "shop/long", "X-Odd: \xc3\xa4\xff\r\n", "2"), 200);
    assert_rows(&bed, "SELECT length(delivery_id), topic FROM webhooks ORDER BY id", "64|???\n64|???");
    assert_rows(&bed, "SELECT headers FROM webhooks ORDER BY id DESC LIMIT 1",
                "Host: a\nX-Odd: ???\nContent-Length: 1\n");
    hooks_bed_close(&bed);
}

static void woocommerce_is_verified_by_its_own_script(void **state)
{
    WITH_BED;
    struct cw_buffer signed_order = test_fixture("woocommerce/handmade/webhook-order-updated.http");
    struct cw_buffer ping = test_fixture("woocommerce/handmade/webhook-ping.http");
    struct cw_buffer *const files[] = { &signed_order, &signed_order, &ping };
    for (size_t i = 0; i < 3; i++) {
        struct hooks_client client;
        static char out[8192];
        const char *head_end = strstr(files[i]->data, "\r\n\r\n");
        const char *first_end = strchr(files[i]->data, '\r');
        assert_non_null(head_end);
        int len = snprintf(out, sizeof out, "POST /webhooks/woo HTTP/1.1%.*s",
                           (int)(files[i]->len - (size_t)(first_end - files[i]->data)), first_end);
        hooks_connect(&client, &bed);
        hooks_send(&client, out, (size_t)len);
        assert_int_equal(hooks_status(&client, 5 * CW_SECOND), 200);
        hooks_close(&client);
    }
    assert_rows(&bed, "SELECT cart, topic, length(bytes) FROM webhooks", "woo|order.updated|2488");
    assert_rows(&bed, "SELECT cart, name FROM jobs WHERE woken_at IS NOT NULL", "woo|orders");
    assert_int_equal(hooks_post(&bed, "woo", "X-WC-Webhook-Topic: order.updated\r\n", "{}"), 401);
    cw_buffer_fini(&signed_order);
    cw_buffer_fini(&ping);
    hooks_bed_close(&bed);
}

static void only_posts_to_carts_that_listen_find_something(void **state)
{
    WITH_BED;
    static const char *const nowhere[] = {
        "nobody",  "deaf",
        "deaf/x",  "",
        "shop%2e", "shop%00",
        "../shop", "a-name-that-is-much-longer-than-any-name-of-a-cart-could-possibly-be"
    };
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
        int status = hooks_post_signed(&bed, nowhere[i], "", "x");
        if (status != 404 && !(status == 400 && strstr(nowhere[i], "%00") != NULL))
            fail_msg("%s: %d", nowhere[i], status);
    }
    assert_int_equal(hooks_post_signed(&bed, "broken", "", "x"), 503);
    static const char *const methods[] = { "GET", "PUT", "DELETE", "HEAD", "OPTIONS", "post" };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct hooks_client client;
        char out[128];
        int len = snprintf(out, sizeof out, "%s /webhooks/shop HTTP/1.1\r\nHost: a\r\n\r\n", methods[i]);
        hooks_connect(&client, &bed);
        hooks_send(&client, out, (size_t)len);
        assert_int_equal(hooks_status(&client, 5 * CW_SECOND), 405);
        assert_non_null(strstr(client.got, "\r\nAllow: POST\r\n"));
        hooks_close(&client);
    }
    hooks_bed_close(&bed);
}

static int64_t time_of(struct hooks_bed *bed, const char *at, int status)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        int64_t began = cw_elapsed_ns(cw_loop_clock(bed->loop));
        assert_int_equal(hooks_post(bed, at, "", "x"), status);
        int64_t took = cw_elapsed_ns(cw_loop_clock(bed->loop)) - began;
        least = took < least ? took : least;
    }
    return least;
}

static void the_time_of_an_answer_does_not_tell_which_carts_there_are(void **state)
{
    WITH_BED;
    int64_t unknown = time_of(&bed, "nobody", 404), deaf = time_of(&bed, "deaf", 404);
    assert_in_range(unknown, 0, 20000000);
    assert_in_range(deaf, 0, 20000000);
    hooks_bed_close(&bed);
}

/* --- the store --- */

static void nobody_is_told_200_before_the_commit(void **state)
{
    WITH_BED;
    struct hooks_client client;
    char out[1024];
    bed.holds_commits = true;
    hooks_connect(&client, &bed);
    hooks_send(&client, out, hooks_print_signed(out, sizeof out, "shop", "", "x"));
    assert_int_equal(hooks_status(&client, 300 * CW_MILLISECOND), 0);
    assert_non_null(bed.held_txn);
    hooks_bed_release(&bed);
    assert_int_equal(hooks_status(&client, 5 * CW_SECOND), 200);
    hooks_close(&client);
    hooks_bed_close(&bed);
}

static void what_waits_for_a_transaction_is_stored_by_the_next_one_together(void **state)
{
    WITH_BED;
    enum { MANY = 40 };
    static struct hooks_client clients[MANY];
    char out[1024], body[32];
    bed.holds_commits = true;
    for (int i = 0; i < MANY; i++) {
        hooks_connect(&clients[i], &bed);
        snprintf(body, sizeof body, "id=%d", i);
        hooks_send(&clients[i], out, hooks_print_signed(out, sizeof out, i % 2 ? "shop" : "other", "", body));
        if (i == 0)
            hooks_bed_wait(&bed, 100 * CW_MILLISECOND);
    }
    hooks_bed_wait(&bed, 2 * CW_SECOND); /* under the collector that never rests */
    assert_int_equal(bed.commits, 1);
    bed.holds_commits = false;
    hooks_bed_release(&bed);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(hooks_status(&clients[i], 5 * CW_SECOND), 200);
    assert_int_equal(bed.commits, 2);
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "40");
    for (int i = 0; i < MANY; i++)
        hooks_close(&clients[i]);
    hooks_bed_close(&bed);
}

static void a_store_that_fails_is_answered_503_and_what_comes_again_is_stored(void **state)
{
    WITH_BED;
    char out[1024];
    struct hooks_client client;
    bed.fails = CW_IO;
    hooks_connect(&client, &bed);
    hooks_send(&client, out, hooks_print_signed(out, sizeof out, "shop", "", "x"));
    assert_int_equal(hooks_status(&client, 5 * CW_SECOND), 503);
    assert_non_null(strstr(client.got, "\r\nRetry-After: "));
    hooks_close(&client);
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "0");
    bed.fails = CW_OK;
    assert_int_equal(hooks_post_signed(&bed, "shop", "", "x"), 200);
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "1");
    assert_rows(&bed, "SELECT count(*) FROM jobs WHERE woken_at IS NOT NULL", "1");
    hooks_bed_close(&bed);
}

static void closing_tells_those_who_wait_to_come_again(void **state)
{
    (void)state;
    static const char *const at[] = { "shop/sleep", "shop" };
    for (size_t i = 0; i < 2; i++) { /* while the script has it; while the store has it */
        struct hooks_bed bed;
        struct hooks_client first, second;
        char out[1024];
        hooks_bed_open(&bed);
        bed.holds_commits = true;
        hooks_connect(&first, &bed);
        hooks_send(&first, out, hooks_print_signed(out, sizeof out, at[i], "", "first"));
        hooks_bed_wait(&bed, 100 * CW_MILLISECOND);
        hooks_connect(&second, &bed);
        hooks_send(&second, out, hooks_print_signed(out, sizeof out, "shop", "", "second"));
        hooks_bed_wait(&bed, 100 * CW_MILLISECOND);
        cw_webhooks_close(bed.webhooks);
        bed.webhooks = NULL;
        assert_int_equal(hooks_status(&first, 5 * CW_SECOND), 503);
        assert_int_equal(hooks_status(&second, 5 * CW_SECOND), 503);
        hooks_close(&first);
        hooks_close(&second);
        hooks_bed_close(&bed);
    }
}

/* --- many --- */

static void fifty_notices_at_once_wake_once(void **state)
{
    WITH_BED;
    enum { MANY = 50 };
    static struct hooks_client clients[MANY];
    char out[1024], body[32];
    for (int i = 0; i < MANY; i++) {
        hooks_connect(&clients[i], &bed);
        snprintf(body, sizeof body, "order 1 notice %d", i);
        hooks_send(&clients[i], out, hooks_print_signed(out, sizeof out, "shop", "", body));
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(hooks_status(&clients[i], 10 * CW_SECOND), 200);
    assert_rows(&bed, "SELECT count(*) FROM webhooks", "50");
    assert_rows(&bed, "SELECT name FROM jobs WHERE ready_at IS NOT NULL", "orders");
    assert_in_range(bed.commits, 1, 49);
    for (int i = 0; i < MANY; i++)
        hooks_close(&clients[i]);
    hooks_bed_close(&bed);
}

static void what_waits_beyond_the_limit_is_told_to_come_again(void **state)
{
    WITH_BED;
    enum { MANY = CW_WEBHOOKS_WAITING_MAX + 10 };
    static struct hooks_client clients[MANY];
    char out[1024], body[32];
    unsigned refused = 0, limited = 0;
    bed.holds_commits = true;
    for (int i = 0; i < MANY; i++) {
        hooks_connect(&clients[i], &bed);
        snprintf(body, sizeof body, "id=%d", i);
        hooks_send(&clients[i], out, hooks_print_signed(out, sizeof out, i % 3 ? "shop" : "other", "", body));
        hooks_bed_wait(&bed, CW_MILLISECOND);
    }
    hooks_bed_wait(&bed, 500 * CW_MILLISECOND);
    for (int i = 0; i < MANY; i++) {
        refused += clients[i].status == 503;
        limited += clients[i].status == 429;
        assert_true(clients[i].status == 0 || clients[i].status == 503 || clients[i].status == 429);
    }
    assert_int_equal(refused + limited, 10);
    bed.holds_commits = false;
    hooks_bed_release(&bed);
    unsigned stored = 0;
    for (int i = 0; i < MANY; i++) {
        stored += hooks_status(&clients[i], 10 * CW_SECOND) == 200;
        hooks_close(&clients[i]);
    }
    assert_int_equal(stored, CW_WEBHOOKS_WAITING_MAX);
    hooks_bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_notice_is_stored_as_it_came_and_wakes_the_job_it_names),
        cmocka_unit_test(a_signature_that_is_not_right_is_refused),
        cmocka_unit_test(a_stamp_that_is_signed_must_be_of_the_last_five_minutes),
        cmocka_unit_test(what_comes_again_is_neither_stored_again_nor_wakes_again),
        cmocka_unit_test(without_an_id_what_was_signed_tells_deliveries_apart),
        cmocka_unit_test(other_schemes_are_checked_as_well),
        cmocka_unit_test(what_is_to_be_ignored_is_answered_and_leaves_nothing),
        cmocka_unit_test(a_script_that_does_what_it_may_not_is_not_believed),
        cmocka_unit_test(a_script_that_waits_too_long_is_ended_and_the_next_notice_is_heard),
        cmocka_unit_test(a_job_that_the_cart_does_not_have_is_no_reason_to_lose_the_notice),
        cmocka_unit_test(long_ids_and_odd_topics_are_kept_in_a_form_that_any_store_takes),
        cmocka_unit_test(woocommerce_is_verified_by_its_own_script),
        cmocka_unit_test(only_posts_to_carts_that_listen_find_something),
        cmocka_unit_test(the_time_of_an_answer_does_not_tell_which_carts_there_are),
        cmocka_unit_test(nobody_is_told_200_before_the_commit),
        cmocka_unit_test(what_waits_for_a_transaction_is_stored_by_the_next_one_together),
        cmocka_unit_test(a_store_that_fails_is_answered_503_and_what_comes_again_is_stored),
        cmocka_unit_test(closing_tells_those_who_wait_to_come_again),
        cmocka_unit_test(fifty_notices_at_once_wake_once),
        cmocka_unit_test(what_waits_beyond_the_limit_is_told_to_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
