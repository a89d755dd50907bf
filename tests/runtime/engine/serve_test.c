/* serve_test.c - carts that are asked: what is answered, in which turn, and what becomes of it when the
 * script, the store or the server stops in between. */
#include "engine/serve.h"
#include "hooks_bed.h"

#include <stdio.h>
#include <stdlib.h>

#define WITH_BED                                                                                             \
    (void)state;                                                                                             \
    struct hooks_bed bed;                                                                                    \
    hooks_bed_open(&bed)

static void send_request(struct hooks_client *client, struct hooks_bed *bed, const char *at, const char *body)
{
    char out[1024];
    int len = snprintf(out, sizeof out, "POST /serve/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s",
                       at, strlen(body), body);
    hooks_connect(client, bed);
    hooks_send(client, out, (size_t)len);
}

/* The status; the whole answer is in client->got. */
static int ask(struct hooks_client *client, struct hooks_bed *bed, const char *at, const char *body)
{
    send_request(client, bed, at, body);
    int status = hooks_status(client, 20 * CW_SECOND);
    hooks_bed_wait(bed, 20 * CW_MILLISECOND);
    hooks_close(client);
    return status;
}

static void taken(void *arg, int64_t token, const struct cw_error *err)
{
    assert_null(err);
    *(int64_t *)arg = token;
}

static void dropped(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void a_request_gets_what_the_script_answers(void **state)
{
    WITH_BED;
    struct hooks_client client;
    assert_int_equal(ask(&client, &bed, "shop/say?a=%3C1%3E&a=2", "b=x+y&b=z"), 202);
    assert_non_null(strstr(client.got, "X-Was: POST"));
    assert_non_null(strstr(client.got, "<1>x y"));
    int64_t token = 0; /* nothing is held once all is answered */
    cw_store_take_lease(bed.store, cw_slice("(serve) shop"), cw_slice("another"), 0, CW_MINUTE, taken,
                        &token);
    assert_true(token > 0);
    hooks_bed_close(&bed);
}

static void what_a_script_does_wrong_is_answered_without_its_words(void **state)
{
    WITH_BED;
    struct hooks_client client;
    static const char *const at[] = { "shop/raise", "shop/loop", "shop/ask",   "shop/upload", "shop/large",
                                      "shop/split", "shop/low",  "shop/frame", "shop/none",   "shop/never" };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        assert_int_equal(ask(&client, &bed, at[i], ""), 500);
        assert_null(strstr(client.got, "inner words"));
        assert_null(strstr(client.got, "hooked.lua"));
    }
    assert_int_equal(ask(&client, &bed, "shop/say?a=1", "b=2"), 202); /* the next one has its own budget */
    hooks_bed_close(&bed);
}

static void only_carts_that_answer_are_found(void **state)
{
    WITH_BED;
    struct hooks_client client;
    assert_int_equal(ask(&client, &bed, "woo", ""), 404);
    assert_int_equal(ask(&client, &bed, "nobody", ""), 404);
    assert_int_equal(ask(&client, &bed, "", ""), 404);
    assert_int_equal(ask(&client, &bed, "shop;x", ""), 404);
    assert_int_equal(ask(&client, &bed, "broken", ""), 503);
    hooks_bed_close(&bed);
}

static struct cw_txn *held;

static void hold(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    (void)arg, (void)err;
    held = txn;
}

static void let_go(void)
{
    assert_non_null(held);
    cw_txn_rollback(held);
    held = NULL;
}

static void what_is_put_waits_for_a_transaction_that_another_holds(void **state)
{
    WITH_BED;
    struct hooks_client client, level;
    assert_int_equal(ask(&client, &bed, "shop/put?n=1", ""), 200);
    cw_txn_begin(bed.store, (struct cw_fence){ 0 }, hold, NULL);
    send_request(&client, &bed, "shop/put?n=7", "");
    hooks_bed_wait(&bed, 100 * CW_MILLISECOND);
    assert_int_equal(client.status, 0);
    let_go();
    assert_int_equal(hooks_status(&client, 10 * CW_SECOND), 200);
    hooks_close(&client);
    assert_int_equal(ask(&level, &bed, "shop/level", ""), 200);
    assert_non_null(strstr(level.got, "\r\n\r\n8 7"));
    assert_string_equal(hooks_bed_ask(&bed, "SELECT who, action FROM audit"), "shop|put\nshop|put");
    hooks_bed_close(&bed);
}

static void close_server(struct hooks_bed *bed)
{
    cw_webhooks_close(bed->webhooks);
    bed->webhooks = NULL;
}

static void closing_while_the_lease_is_waited_for_leaves_nothing(void **state)
{
    WITH_BED;
    struct hooks_client client;
    cw_txn_begin(bed.store, (struct cw_fence){ 0 }, hold, NULL);
    send_request(&client, &bed, "shop/put?n=1", "");
    hooks_bed_wait(&bed, 50 * CW_MILLISECOND);
    close_server(&bed);
    let_go();
    hooks_bed_wait(&bed, 50 * CW_MILLISECOND);
    hooks_close(&client);
    assert_string_equal(hooks_bed_ask(&bed, "SELECT count(*) FROM stock_levels"), "0");
    hooks_bed_close(&bed);
}

static void closing_while_a_script_waits_for_its_transaction_leaves_nothing(void **state)
{
    WITH_BED;
    struct hooks_client client;
    send_request(&client, &bed, "shop/later?n=1", "");
    hooks_bed_wait(&bed, 100 * CW_MILLISECOND); /* its lease is held, it sleeps */
    cw_txn_begin(bed.store, (struct cw_fence){ 0 }, hold, NULL);
    hooks_bed_wait(&bed, 300 * CW_MILLISECOND); /* it waits */
    assert_int_equal(client.status, 0);
    close_server(&bed);
    let_go();
    hooks_bed_wait(&bed, 50 * CW_MILLISECOND);
    hooks_close(&client);
    assert_string_equal(hooks_bed_ask(&bed, "SELECT count(*) FROM stock_levels"), "0");
    hooks_bed_close(&bed);
}

static void one_is_answered_after_another_and_too_many_are_told_to_come_again(void **state)
{
    WITH_BED;
    enum { MANY = CW_SERVE_CART_MAX + 4 };
    static struct hooks_client clients[MANY];
    unsigned told = 0;
    for (int i = 0; i < MANY; i++) {
        send_request(&clients[i], &bed, i == 0 ? "shop/sleep" : "shop/put?n=1", "");
        hooks_bed_wait(&bed, 10 * CW_MILLISECOND);
        told += clients[i].status == 429;
    }
    assert_int_equal(told, MANY - CW_SERVE_CART_MAX - 1);
    struct hooks_client other;
    assert_int_equal(ask(&other, &bed, "other/say?a=1", "b=2"), 202); /* carts do not wait for each other */
    close_server(&bed);
    hooks_bed_wait(&bed, 50 * CW_MILLISECOND);
    for (int i = 0; i < MANY; i++) {
        assert_true(clients[i].status == 429 || clients[i].status == 503 || clients[i].is_closed);
        hooks_close(&clients[i]);
    }
    assert_string_equal(hooks_bed_ask(&bed, "SELECT count(*) FROM stock_levels"), "0");
    hooks_bed_close(&bed);
}

static void an_answer_that_waits_is_sent_late_and_its_peer_may_wait_for_two(void **state)
{
    WITH_BED;
    struct hooks_client slow[2], client;
    for (int i = 0; i < 2; i++)
        send_request(&slow[i], &bed, "shop/slow", "");
    hooks_bed_wait(&bed, 300 * CW_MILLISECOND);
    assert_int_equal(slow[0].status, 0);
    assert_int_equal(ask(&client, &bed, "shop/say?a=1", "b=2"), 429);
    assert_int_equal(hooks_status(&slow[0], 10 * CW_SECOND), 200);
    assert_non_null(strstr(slow[0].got, "\r\n\r\n127.0.0.1"));
    assert_int_equal(hooks_status(&slow[1], 10 * CW_SECOND), 200);
    assert_int_equal(ask(&client, &bed, "shop/say?a=1", "b=2"), 202);
    hooks_close(&slow[0]);
    hooks_close(&slow[1]);
    hooks_bed_close(&bed);
}

static void closing_while_an_answer_waits_sends_it(void **state)
{
    WITH_BED;
    struct hooks_client client;
    send_request(&client, &bed, "shop/slow", "");
    hooks_bed_wait(&bed, 300 * CW_MILLISECOND);
    close_server(&bed);
    hooks_bed_wait(&bed, 50 * CW_MILLISECOND);
    assert_true(client.status == 200 || client.is_closed);
    hooks_close(&client);
    hooks_bed_close(&bed);
}

static void a_worker_waits_while_another_one_answers_for_the_cart(void **state)
{
    WITH_BED;
    struct hooks_client client;
    int64_t token = 0;
    cw_store_take_lease(bed.store, cw_slice("(serve) shop"), cw_slice("another"), 0, CW_MINUTE, taken,
                        &token);
    send_request(&client, &bed, "shop/put?n=1", "");
    hooks_bed_wait(&bed, 200 * CW_MILLISECOND);
    assert_int_equal(client.status, 0);
    cw_store_drop_lease(bed.store, cw_slice("(serve) shop"), token, dropped, NULL);
    assert_int_equal(hooks_status(&client, 10 * CW_SECOND), 200);
    hooks_close(&client);
    hooks_bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_gets_what_the_script_answers),
        cmocka_unit_test(what_a_script_does_wrong_is_answered_without_its_words),
        cmocka_unit_test(only_carts_that_answer_are_found),
        cmocka_unit_test(what_is_put_waits_for_a_transaction_that_another_holds),
        cmocka_unit_test(closing_while_the_lease_is_waited_for_leaves_nothing),
        cmocka_unit_test(closing_while_a_script_waits_for_its_transaction_leaves_nothing),
        cmocka_unit_test(one_is_answered_after_another_and_too_many_are_told_to_come_again),
        cmocka_unit_test(an_answer_that_waits_is_sent_late_and_its_peer_may_wait_for_two),
        cmocka_unit_test(closing_while_an_answer_waits_sends_it),
        cmocka_unit_test(a_worker_waits_while_another_one_answers_for_the_cart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
