/* webhooks_flood_test.c - strangers at the door: what is malformed, endless, slow, or too much. */
#include "hooks_bed.h"

#include <stdio.h>
#include <stdlib.h>

enum { MEMORY_MAX = 16 * 1024 }; /* KiB that an attack may cost */

/* Since `before` was measured, and the peak forgotten. */
static void assert_grew_little(const struct hooks_bed *bed, long before)
{
    if (bed->peak - before > MEMORY_MAX)
        fail_msg("%ld KiB more", bed->peak - before);
}

static void assert_still_serves(struct hooks_bed *bed)
{
    assert_int_equal(hooks_post_signed(bed, "shop", "", "after it"), 200);
}

static void what_two_servers_may_read_differently_is_answered_400_and_closed(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "Content-Length: 5\r\nX-Signature: a\r\n b\r\n\r\nhello",
        "Content-Length: +5\r\n\r\nhello",
        "Content-Length: 5\n\nhello",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n",
        "X-Nul: a\001b\r\nContent-Length: 5\r\n\r\nhello",
    };
    struct hooks_bed bed;
    hooks_bed_open(&bed);
    for (size_t i = 0; i <= sizeof requests / sizeof *requests; i++) {
        struct hooks_client client;
        char out[512];
        bool is_last = i == sizeof requests / sizeof *requests;
        int len = snprintf(out, sizeof out, "POST /webhooks/shop%s HTTP/1.1\r\nHost: a\r\n%s",
                           is_last ? "%00" : "", is_last ? "Content-Length: 0\r\n\r\n" : requests[i]);
        hooks_connect(&client, &bed);
        hooks_send(&client, out, (size_t)len);
        if (hooks_status(&client, 5 * CW_SECOND) != 400)
            fail_msg("%s: %d", out, client.status);
        assert_non_null(strstr(client.got, "\r\nConnection: close\r\n"));
        hooks_close(&client);
    }
    assert_still_serves(&bed);
    hooks_bed_close(&bed);
}

/* Sends as long as it is let; the status. */
static int pour(struct hooks_bed *bed, const char *head, const char *piece, size_t total)
{
    static char bytes[64 * 1024];
    struct hooks_client client;
    size_t piece_len = strlen(piece), fill = sizeof bytes - sizeof bytes % piece_len;
    for (size_t at = 0; at < fill; at += piece_len)
        memcpy(bytes + at, piece, piece_len);
    hooks_connect(&client, bed);
    hooks_send(&client, head, strlen(head));
    for (size_t sent = 0; sent < total && !client.is_closed && client.status == 0; sent += fill)
        hooks_send(&client, bytes, fill);
    int status = hooks_status(&client, 15 * CW_SECOND);
    hooks_close(&client);
    return status;
}

#define MEBIBYTE ((size_t)1024 * 1024)

static void a_body_of_100_mb_is_refused_before_it_is_read(void **state)
{
    (void)state;
    struct hooks_bed bed;
    hooks_bed_open(&bed);
    assert_still_serves(&bed);
    long before = hooks_memory();
    bed.peak = 0;
    int64_t began = cw_elapsed_ns(cw_loop_clock(bed.loop));
    assert_int_equal(pour(&bed,
                          "POST /webhooks/shop HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n", "x",
                          100 * MEBIBYTE),
                     413);
    assert_true(cw_elapsed_ns(cw_loop_clock(bed.loop)) - began < 1000000000);
    assert_int_equal(pour(&bed,
                          "POST /webhooks/shop HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                          "20\r\n0123456789abcdef0123456789abcdef\r\n", 100 * MEBIBYTE),
                     413);
    assert_grew_little(&bed, before);
    assert_still_serves(&bed);
    hooks_bed_close(&bed);
}

static void a_body_of_exactly_the_limit_is_taken(void **state)
{
    (void)state;
    struct hooks_bed bed;
    static char body[CW_WEBHOOK_BODY_MAX + 2];
    hooks_bed_open(&bed);
    memset(body, 'x', CW_WEBHOOK_BODY_MAX);
    assert_int_equal(hooks_post_signed(&bed, "shop", "", body), 200);
    body[CW_WEBHOOK_BODY_MAX] = 'x';
    assert_int_equal(hooks_post_signed(&bed, "shop", "", body), 413);
    assert_string_equal(hooks_bed_ask(&bed, "SELECT length(bytes) FROM webhooks"), "1048576");
    hooks_bed_close(&bed);
}

static void a_head_that_never_ends_is_refused(void **state)
{
    (void)state;
    struct hooks_bed bed;
    hooks_bed_open(&bed);
    assert_still_serves(&bed);
    long before = hooks_memory();
    bed.peak = 0;
    assert_int_equal(pour(&bed, "POST /webhooks/shop HTTP/1.1\r\nHost: a\r\n", "X-A: b\r\n", 100 * MEBIBYTE),
                     431);
    assert_int_equal(pour(&bed, "POST /webhooks/shop HTTP/1.1\r\nHost: a\r\nX-A: ", "b", 100 * MEBIBYTE),
                     431);
    assert_int_equal(pour(&bed, "POST /webhooks/", "b", 100 * MEBIBYTE), 431);
    assert_grew_little(&bed, before);
    assert_still_serves(&bed);
    hooks_bed_close(&bed);
}

static void a_sender_that_drips_is_cut_off_after_ten_seconds(void **state)
{
    (void)state;
    struct hooks_bed bed;
    static struct hooks_client slow[3];
    static const char *const heads[] = {
        "POST /webhooks/shop HTTP/1.1\r\nHost: a\r\nX: ", /* a head; a body; one in chunks */
        "POST /webhooks/shop HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n",
        "POST /webhooks/shop HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n384\r\n"
    };
    hooks_bed_open(&bed);
    for (size_t i = 0; i < 3; i++) {
        hooks_connect(&slow[i], &bed);
        hooks_send(&slow[i], heads[i], strlen(heads[i]));
    }
    int64_t began = cw_elapsed_ns(cw_loop_clock(bed.loop)), passed = 0;
    unsigned closed = 0;
    while (closed < 3 && passed < 14000000000) {
        hooks_bed_wait(&bed, 500 * CW_MILLISECOND);
        closed = 0;
        for (size_t i = 0; i < 3; i++) {
            hooks_send(&slow[i], "x", 1);
            closed += slow[i].is_closed;
        }
        passed = cw_elapsed_ns(cw_loop_clock(bed.loop)) - began;
    }
    assert_int_equal(closed, 3);
    assert_in_range(passed, 9500000000, 12500000000);
    assert_still_serves(&bed);
    for (size_t i = 0; i < 3; i++)
        hooks_close(&slow[i]);
    hooks_bed_close(&bed);
}

/* T-W4: on kept connections, as a proxy has them. */
static void ten_thousand_quick_notices_are_answered_and_wake_one_job_once(void **state)
{
    (void)state;
    enum { NOTICES = 10000, CONNECTIONS = 100 };
    struct hooks_bed bed;
    static struct hooks_client clients[CONNECTIONS];
    static int64_t sent_ns[CONNECTIONS];
    unsigned sent = 0, stored = 0, refused = 0;
    int64_t slowest = 0;
    hooks_bed_open(&bed);
    assert_still_serves(&bed);
    for (int i = 0; i < CONNECTIONS; i++)
        hooks_connect(&clients[i], &bed);
    const struct cw_clock *clock = cw_loop_clock(bed.loop);
    long before = hooks_memory();
    bed.peak = 0;
    int64_t began = cw_elapsed_ns(clock);
    while (stored + refused < NOTICES) {
        for (int i = 0; i < CONNECTIONS; i++) {
            struct hooks_client *client = &clients[i];
            if (client->is_closed) {
                hooks_close(client);
                hooks_connect(client, &bed);
            }
            if (client->status != 0) {
                stored += client->status == 200;
                refused += client->status == 503 || client->status == 429;
                assert_true(client->status == 200 || client->status == 503 || client->status == 429);
                slowest =
                    cw_elapsed_ns(clock) - sent_ns[i] > slowest ? cw_elapsed_ns(clock) - sent_ns[i] : slowest;
                client->status = 0;
                client->len = 0;
                sent_ns[i] = 0;
            }
            if (sent_ns[i] == 0 && sent < NOTICES) {
                char out[512], body[64];
                snprintf(body, sizeof body, "{\"order\":1,\"notice\":%u}", sent++);
                sent_ns[i] = cw_elapsed_ns(clock);
                hooks_send(client, out, hooks_print_signed(out, sizeof out, "shop", "", body));
            }
        }
        hooks_bed_wait(&bed, CW_MILLISECOND / 4);
    }
    double seconds = (double)(cw_elapsed_ns(clock) - began) / 1e9;
    long grown = bed.peak - before;
    print_message("%u notices in %.2f s (%.0f/s, with sanitizers): %u stored, %u told to come again, %u "
                  "transactions, the slowest answer %lld ms, %ld KiB more\n",
                  sent, seconds, sent / seconds, stored, refused, bed.commits, (long long)(slowest / 1000000),
                  grown);
    char count[32];
    snprintf(count, sizeof count, "%u", stored + 1);
    assert_string_equal(hooks_bed_ask(&bed, "SELECT count(*) FROM webhooks"), count);
    assert_string_equal(hooks_bed_ask(&bed, "SELECT cart, name FROM jobs WHERE ready_at IS NOT NULL"),
                        "shop|orders");
    assert_true(stored > 0 && bed.commits < stored);
    assert_grew_little(&bed, before);
    for (int i = 0; i < CONNECTIONS; i++)
        hooks_close(&clients[i]);
    hooks_bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_two_servers_may_read_differently_is_answered_400_and_closed),
        cmocka_unit_test(a_body_of_100_mb_is_refused_before_it_is_read),
        cmocka_unit_test(a_body_of_exactly_the_limit_is_taken),
        cmocka_unit_test(a_head_that_never_ends_is_refused),
        cmocka_unit_test(a_sender_that_drips_is_cut_off_after_ten_seconds),
        cmocka_unit_test(ten_thousand_quick_notices_are_answered_and_wake_one_job_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
