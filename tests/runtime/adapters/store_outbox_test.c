/* The outbox: events that are put once, levels that collapse, claiming in lanes and batches, settling. */
#include <stdio.h>
#include <stdlib.h>

#include "outbox_bed.h"

/* --- events --- */

static void an_event_that_was_put_before_is_not_put_again_whatever_became_of_it(void **state)
{
    struct store_bed *bed = *state;
    static const enum cw_message_state states[] = { CW_MESSAGE_QUEUED, CW_MESSAGE_SENDING,
                                                    CW_MESSAGE_SENT,   CW_MESSAGE_UNKNOWN,
                                                    CW_MESSAGE_FAILED, CW_MESSAGE_SUPERSEDED };
    put_event(bed, "shipment/1", "order/101", "1");
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        force_state(bed, 1, states[i]);
        put_event(bed, "shipment/1", "order/101", "again");
    }
    assert_string_equal(ask(bed, "SELECT id, event, payload FROM messages"), "1|shipment/1|1");
}

static void an_event_is_its_own_in_each_cart_and_stream(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message message = event_of("7", "order/101", "{}");
    put(bed, &message);
    message.key.stream = cw_slice("statuses_out");
    put(bed, &message);
    message.key.cart = cw_slice("other");
    put(bed, &message);
    assert_string_equal(ask(bed, "SELECT cart, stream FROM messages ORDER BY id"),
                        "shop|shipments_out\nshop|statuses_out\nother|statuses_out");
}

static void an_event_that_came_twice_in_one_transaction_is_put_once(void **state)
{
    struct store_bed *bed = *state;
    const struct cw_message message = event_of("7", "order/101", "{}");
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_message(txn, &message));
    assert_true(cw_txn_put_message(txn, &message));
    commit(txn);
    assert_string_equal(ask(bed, "SELECT count(*) FROM messages"), "1");
}

/* --- levels --- */

static void orphan(struct store_bed *bed, const char *cart)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_orphan_messages(txn, cw_slice(cart), cw_slice("stock_out"), bed->time.now));
    commit(txn);
}

static void a_level_is_put_when_it_differs_from_the_newest_one_of_its_key(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 queued");
    assert_string_equal(levels(bed), "A|1|NULL");
    put_level(bed, "B", "1");
    put_level(bed, "A", "2");
    assert_string_equal(messages(bed), "1 A 1 superseded\n2 B 1 queued\n3 A 2 queued");
    assert_string_equal(levels(bed), "A|2|NULL\nB|1|NULL");
}

static void a_newer_level_supersedes_a_failed_one(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    claim(bed, 1, 1);
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_FAILED);
    put_level(bed, "A", "2");
    assert_string_equal(messages(bed), "1 A 1 superseded\n2 A 2 queued");
}

static void a_newer_level_waits_behind_one_that_is_being_sent_or_whose_outcome_is_unknown(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    claim(bed, 1, 1);
    put_level(bed, "A", "2");
    assert_string_equal(messages(bed), "1 A 1 sending\n2 A 2 queued");
    assert_string_equal(claim(bed, 1, 1)->ids, "");
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_UNKNOWN);
    put_level(bed, "A", "3");
    assert_string_equal(messages(bed), "1 A 1 unknown\n2 A 2 superseded\n3 A 3 queued");
    assert_string_equal(claim(bed, 1, 1)->ids, "");
    settle(bed, 1, CW_MESSAGE_UNKNOWN, CW_MESSAGE_SENT);
    assert_string_equal(claim(bed, 1, 1)->ids, "3");
}

static void a_level_that_is_what_the_cart_has_already_is_not_put_but_supersedes_what_waits(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    put_level(bed, "A", "2");
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 sent\n2 A 2 superseded");
    assert_string_equal(levels(bed), "A|1|1");
    put_level(bed, "A", "2");
    assert_string_equal(messages(bed), "1 A 1 sent\n2 A 2 superseded\n3 A 2 queued");
}

static void a_level_that_the_cart_had_is_put_while_another_one_is_on_its_way(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    put_level(bed, "A", "2");
    claim(bed, 1, 1);
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 sent\n2 A 2 sending\n3 A 1 queued");
    settle(bed, 2, CW_MESSAGE_SENDING, CW_MESSAGE_UNKNOWN);
    put_level(bed, "A", "5");
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 sent\n2 A 2 unknown\n3 A 1 superseded\n4 A 5 superseded\n"
                                       "5 A 1 queued");
}

/* Its effect is not known: what was sent before it may be overwritten by now. */
static void after_a_lost_answer_a_level_is_put_also_where_it_says_what_was_sent_last(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    put_level(bed, "A", "2");
    claim(bed, 1, 1);
    settle(bed, 2, CW_MESSAGE_SENDING, CW_MESSAGE_UNKNOWN);
    settle(bed, 2, CW_MESSAGE_UNKNOWN, CW_MESSAGE_SUPERSEDED);
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 sent\n2 A 2 superseded\n3 A 1 queued");
}

static void after_its_sender_died_a_level_is_put_also_where_it_says_what_was_sent_last(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    send_level(bed, "B", "1");
    put_level(bed, "A", "2");
    claim(bed, 1, 1);
    orphan(bed, "shop");
    assert_string_equal(levels(bed), "A|2|NULL\nB|1|1");
    settle(bed, 3, CW_MESSAGE_UNKNOWN, CW_MESSAGE_QUEUED);
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 sent\n2 B 1 sent\n3 A 2 superseded\n4 A 1 queued");
}

static void levels_of_the_same_key_in_other_streams_and_carts_are_others(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message message = level_of("A", "1");
    put(bed, &message);
    message.key.stream = cw_slice("prices_out");
    message.lane = cw_slice("prices_out/A");
    put(bed, &message);
    message.key.cart = cw_slice("other");
    put(bed, &message);
    assert_string_equal(ask(bed, "SELECT cart, stream, state FROM messages ORDER BY id"),
                        "shop|stock_out|queued\nshop|prices_out|queued\nother|prices_out|queued");
}

static void an_event_of_the_same_key_is_no_level_and_stays(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message message = level_of("A", "1");
    message.event = cw_slice("e1");
    put(bed, &message);
    put_level(bed, "A", "2");
    assert_string_equal(messages(bed), "1 A 1 queued\n2 A 2 queued");
}

static void a_message_that_names_no_lane_has_that_of_its_key(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message message = level_of("A", "1");
    message.lane = cw_slice("");
    put(bed, &message);
    assert_string_equal(ask(bed, "SELECT lane FROM messages"), "stock_out/A");
}

/* --- forgetting --- */

static void a_level_that_was_forgotten_is_put_again_whatever_it_says(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    send_level(bed, "B", "1");
    forget(bed, "A");
    put_level(bed, "A", "1");
    put_level(bed, "B", "1");
    assert_string_equal(messages(bed), "1 A 1 sent\n2 B 1 sent\n3 A 1 queued");
}

static void all_levels_of_a_stream_are_forgotten_at_once_and_those_of_others_are_not(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message message = level_of("A", "1");
    message.key.cart = cw_slice("other");
    put(bed, &message);
    put_level(bed, "A", "1");
    put_level(bed, "B", "1");
    forget(bed, "");
    put_level(bed, "A", "1");
    put_level(bed, "B", "1");
    put(bed, &message);
    assert_string_equal(ask(bed, "SELECT cart, external_id, state FROM messages ORDER BY id"),
                        "other|A|queued\nshop|A|superseded\nshop|B|superseded\nshop|A|queued\nshop|B|queued");
}

/* --- settling --- */

static void what_was_sent_is_known_of_its_key(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message message = level_of("A", "{\"quantity\":0}");
    message.is_zero = true;
    put(bed, &message);
    claim(bed, 1, 1);
    bed->time.now += CW_SECOND;
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_SENT);
    assert_string_equal(ask(bed, "SELECT sent_payload, sent_zero, sent_at, sent_id FROM message_levels"),
                        "{\"quantity\":0}|1|2024-03-31T02:30:01.000000Z|1");
    assert_string_equal(ask(bed, "SELECT state, attempts, changed_at FROM messages"),
                        "sent|1|2024-03-31T02:30:01.000000Z");
}

static void a_message_is_settled_once(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    put_level(bed, "A", "1");
    claim(bed, 1, 1);
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_SENT);
    assert_false(try_settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_FAILED, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "message 1 "));
    assert_non_null(strstr(err.text, "sending"));
    assert_false(try_settle(bed, 9, CW_MESSAGE_SENDING, CW_MESSAGE_FAILED, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_string_equal(messages(bed), "1 A 1 sent");
}

static void a_message_becomes_sending_by_a_claim_only(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    put_level(bed, "A", "1");
    assert_false(try_settle(bed, 1, CW_MESSAGE_QUEUED, CW_MESSAGE_SENDING, &err));
    assert_int_equal(err.code, CW_USAGE);
}

static void a_message_that_is_queued_again_waits_for_its_time(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    claim(bed, 1, 1);
    struct cw_settlement again = { .id = 1,
                                   .was = CW_MESSAGE_SENDING,
                                   .state = CW_MESSAGE_QUEUED,
                                   .due_at = bed->time.now + CW_MINUTE,
                                   .company = 4,
                                   .answer = cw_slice("HTTP 500"),
                                   .error = cw_slice("no luck") };
    settle_as(bed, &again);
    assert_string_equal(ask(bed, "SELECT state, attempts, company, answer, error, due_at FROM messages"),
                        "queued|1|4|HTTP 500|no luck|2024-03-31T02:31:00.000000Z");
    const struct got_messages *got = claim(bed, 1, 1);
    assert_string_equal(got->ids, "");
    assert_int_equal(got->next_at, bed->time.now + CW_MINUTE);
    bed->time.now += CW_MINUTE;
    got = claim(bed, 1, 1);
    assert_string_equal(got->ids, "1");
    assert_int_equal(got->first.attempts, 2);
    assert_int_equal(got->first.company, 4);
    assert_int_equal(got->next_at, CW_TIME_NONE);
}

static void a_message_whose_outcome_is_unknown_is_asked_about_at_its_time(void **state)
{
    struct store_bed *bed = *state;
    struct cw_settlement unknown = {
        .id = 1, .was = CW_MESSAGE_SENDING, .state = CW_MESSAGE_UNKNOWN, .due_at = bed->time.now + CW_MINUTE
    };
    put_level(bed, "A", "1");
    claim(bed, 1, 1);
    settle_as(bed, &unknown);
    unknown.was = CW_MESSAGE_UNKNOWN;
    unknown.due_at += CW_MINUTE;
    settle_as(bed, &unknown);
    assert_string_equal(ask(bed, "SELECT state, due_at, attempts FROM messages"),
                        "unknown|2024-03-31T02:32:00.000000Z|1");
}

static void an_attempt_may_be_taken_back_and_company_stays_where_none_is_given(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    claim(bed, 1, 1);
    struct cw_settlement again = { .id = 1,
                                   .was = CW_MESSAGE_SENDING,
                                   .state = CW_MESSAGE_QUEUED,
                                   .due_at = bed->time.now,
                                   .takes_back = true,
                                   .company = 2 };
    settle_as(bed, &again);
    claim(bed, 1, 1);
    again.company = 0;
    settle_as(bed, &again);
    assert_string_equal(ask(bed, "SELECT state, attempts, company FROM messages"), "queued|0|2");
}

static void what_the_cart_said_last_stays_until_it_says_something_else(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    claim(bed, 1, 1);
    struct cw_settlement settlement = { .id = 1,
                                        .was = CW_MESSAGE_SENDING,
                                        .state = CW_MESSAGE_FAILED,
                                        .answer = cw_slice("HTTP 400: no such product"),
                                        .error = cw_slice("refused") };
    settle_as(bed, &settlement);
    settle(bed, 1, CW_MESSAGE_FAILED, CW_MESSAGE_SENT);
    assert_string_equal(ask(bed, "SELECT state, answer, error FROM messages"),
                        "sent|HTTP 400: no such product|");
}

static void the_same_level_is_put_again_after_the_cart_refused_it(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    claim(bed, 1, 1);
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_FAILED);
    assert_string_equal(levels(bed), "A|NULL|NULL");
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 superseded\n2 A 1 queued");
}

static void the_same_level_is_put_again_after_a_person_dropped_it(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    settle(bed, 1, CW_MESSAGE_QUEUED, CW_MESSAGE_SUPERSEDED);
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 superseded\n2 A 1 queued");
}

static void a_level_that_the_script_called_needless_is_not_put_again(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    claim(bed, 1, 1);
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_SUPERSEDED);
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 superseded");
}

static void a_level_that_was_not_sent_gives_way_to_a_newer_one_at_once(void **state)
{
    struct store_bed *bed = *state;
    static const enum cw_message_state ways[] = { CW_MESSAGE_FAILED, CW_MESSAGE_QUEUED };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const char *key = i == 0 ? "A" : "B";
        put_level(bed, key, "1");
        int64_t id = claim(bed, 1, 1)->first.id;
        put_level(bed, key, "2");
        settle(bed, id, CW_MESSAGE_SENDING, ways[i]);
        int64_t newer = claim(bed, 1, 1)->first.id;
        settle(bed, newer, CW_MESSAGE_SENDING, CW_MESSAGE_SENT);
    }
    assert_string_equal(messages(bed), "1 A 1 superseded\n2 A 2 sent\n3 B 1 superseded\n4 B 2 sent");
    assert_string_equal(levels(bed), "A|2|2\nB|2|2");
}

static void an_event_that_failed_keeps_its_lane_shut(void **state)
{
    struct store_bed *bed = *state;
    put_event(bed, "s1", "order/1", "1");
    put_event(bed, "s2", "order/1", "2");
    put_event(bed, "s3", "order/2", "3");
    claim(bed, 1, 1);
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_FAILED);
    assert_string_equal(claim(bed, 1, 10)->ids, "3");
    settle(bed, 1, CW_MESSAGE_FAILED, CW_MESSAGE_SUPERSEDED);
    assert_string_equal(claim(bed, 1, 10)->ids, "2");
}

static void those_whose_sender_is_gone_become_unknown(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message message = level_of("A", "1");
    message.key.cart = cw_slice("other");
    put(bed, &message);
    put_level(bed, "A", "1");
    put_level(bed, "B", "1");
    claim(bed, 1, 1);
    claim_of(bed, "other", "stock_out", 1, 1);
    orphan(bed, "shop");
    assert_string_equal(ask(bed, "SELECT cart, external_id, state, error <> '' FROM messages ORDER BY id"),
                        "other|A|sending|0\nshop|A|unknown|1\nshop|B|queued|0");
}

/* --- all or nothing --- */

/* --- what is no longer so --- */

static void take_back(struct store_bed *bed, const char *stream, const char *key, const char *event)
{
    const struct cw_record_key of = { cw_slice("shop"), cw_slice(stream), cw_slice(key) };
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_take_back(txn, &of, cw_slice(event), cw_slice("it is gone")));
    commit(txn);
}

static void a_level_that_is_taken_back_is_superseded_and_news_when_it_is_put_again(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    put_level(bed, "B", "1");
    take_back(bed, "stock_out", "A", "");
    take_back(bed, "stock_out", "C", "");
    assert_string_equal(messages(bed), "1 A 1 superseded\n2 B 1 queued");
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 superseded\n2 B 1 queued\n3 A 1 queued");
}

static void a_level_that_failed_is_taken_back_too_and_one_that_was_sent_stays(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    put_level(bed, "A", "2");
    force_state(bed, 2, CW_MESSAGE_FAILED);
    take_back(bed, "stock_out", "A", "");
    assert_string_equal(messages(bed), "1 A 1 sent\n2 A 2 superseded");
    assert_string_equal(levels(bed), "A||1");
    put_level(bed, "A", "1");
    assert_string_equal(messages(bed), "1 A 1 sent\n2 A 2 superseded");
}

static void a_level_that_is_taken_back_on_its_way_is_not_tried_again(void **state)
{
    struct store_bed *bed = *state;
    put_level(bed, "A", "1");
    assert_string_equal(claim(bed, 1, 1)->ids, "1");
    take_back(bed, "stock_out", "A", "");
    assert_string_equal(messages(bed), "1 A 1 sending");
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_QUEUED);
    assert_string_equal(messages(bed), "1 A 1 superseded");
    assert_string_equal(levels(bed), "A||NULL");
}

static void an_event_that_is_taken_back_may_be_put_again(void **state)
{
    struct store_bed *bed = *state;
    put_event(bed, "s1", "order/1", "{}");
    put_event(bed, "s2", "order/1", "{}");
    take_back(bed, "shipments_out", "", "s1");
    put_event(bed, "s1", "order/1", "{}");
    put_event(bed, "s2", "order/1", "{}");
    force_state(bed, 2, CW_MESSAGE_UNKNOWN);
    take_back(bed, "shipments_out", "", "s2");
    put_event(bed, "s2", "order/1", "{}");
    assert_string_equal(ask(bed, "SELECT event, state, answer FROM messages ORDER BY id"),
                        "taken-back/1/s1|superseded|it is gone\ns2|unknown|\ns1|queued|");
}

static void a_rollback_undoes_all_of_it(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    put_level(bed, "B", "1");
    struct got_messages got = { 0 };
    const struct cw_message newer = level_of("B", "2"), event = event_of("s1", "order/1", "{}");
    const struct cw_outbox_limits one = { 1, 1 };
    const struct cw_settlement sent = { .id = 2, .was = CW_MESSAGE_QUEUED, .state = CW_MESSAGE_SENT };
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_settle_message(txn, &sent));
    assert_true(cw_txn_put_message(txn, &newer));
    assert_true(cw_txn_put_message(txn, &event));
    cw_txn_claim_messages(txn, cw_slice("shop"), cw_slice("stock_out"), bed->time.now, &one, take_messages,
                          &got);
    assert_string_equal(got.ids, "3");
    assert_true(cw_txn_forget_levels(txn, cw_slice("shop"), cw_slice("stock_out"), cw_slice("")));
    cw_txn_rollback(txn);
    assert_string_equal(messages(bed), "1 A 1 sent\n2 B 1 queued");
    assert_string_equal(levels(bed), "A|1|1\nB|1|NULL");
    assert_int_equal(claim(bed, 1, 1)->first.call, 2);
}

static void a_message_without_cart_stream_or_key_loses_the_transaction(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message message = level_of("", "1");
    struct cw_txn *txn = begin(bed);
    assert_false(cw_txn_put_message(txn, &message));
    assert_int_equal(cw_txn_error(txn)->code, CW_USAGE);
    cw_txn_rollback(txn);
}

/* --- waking --- */

static void a_sender_is_woken_when_messages_of_it_are_queued(void **state)
{
    struct store_bed *bed = *state;
    const struct cw_slice shop = cw_slice("shop"), stock = cw_slice("stock_out"), none = cw_slice("x_out");
    const struct cw_job jobs[] = { { .cart = shop, .name = stock, .due_at = CW_TIME_NONE },
                                   { .cart = shop, .name = none, .due_at = CW_TIME_NONE } };
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_plan_jobs(txn, jobs, 2));
    assert_true(cw_txn_wake_sender(txn, shop, stock, bed->time.now));
    commit(txn);
    const char *ready = "SELECT name, ready_at, woken_at FROM jobs ORDER BY name";
    assert_string_equal(ask(bed, ready), "stock_out|NULL|NULL\nx_out|NULL|NULL");
    put_level(bed, "A", "1");
    txn = begin(bed);
    assert_true(cw_txn_wake_sender(txn, shop, stock, bed->time.now));
    assert_true(cw_txn_wake_sender(txn, shop, none, bed->time.now));
    assert_true(cw_txn_wake_sender(txn, shop, cw_slice("no such job"), bed->time.now));
    commit(txn);
    assert_string_equal(ask(bed, ready), "stock_out|2024-03-31T02:30:00.000000Z|2024-03-31T02:30:00.000000Z\n"
                                         "x_out|NULL|NULL");
    txn = begin(bed);
    assert_true(cw_txn_wake_sender(txn, shop, stock, bed->time.now + CW_MINUTE));
    commit(txn);
    assert_string_equal(ask(bed, "SELECT ready_at FROM jobs WHERE name = 'stock_out'"),
                        "2024-03-31T02:30:00.000000Z");
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(an_event_that_was_put_before_is_not_put_again_whatever_became_of_it),
        STORE_TEST(an_event_is_its_own_in_each_cart_and_stream),
        STORE_TEST(an_event_that_came_twice_in_one_transaction_is_put_once),
        STORE_TEST(a_level_is_put_when_it_differs_from_the_newest_one_of_its_key),
        STORE_TEST(a_newer_level_supersedes_a_failed_one),
        STORE_TEST(a_newer_level_waits_behind_one_that_is_being_sent_or_whose_outcome_is_unknown),
        STORE_TEST(a_level_that_is_what_the_cart_has_already_is_not_put_but_supersedes_what_waits),
        STORE_TEST(a_level_that_the_cart_had_is_put_while_another_one_is_on_its_way),
        STORE_TEST(after_a_lost_answer_a_level_is_put_also_where_it_says_what_was_sent_last),
        STORE_TEST(after_its_sender_died_a_level_is_put_also_where_it_says_what_was_sent_last),
        STORE_TEST(levels_of_the_same_key_in_other_streams_and_carts_are_others),
        STORE_TEST(an_event_of_the_same_key_is_no_level_and_stays),
        STORE_TEST(a_message_that_names_no_lane_has_that_of_its_key),
        STORE_TEST(a_level_that_was_forgotten_is_put_again_whatever_it_says),
        STORE_TEST(all_levels_of_a_stream_are_forgotten_at_once_and_those_of_others_are_not),
        STORE_TEST(what_was_sent_is_known_of_its_key),
        STORE_TEST(a_message_is_settled_once),
        STORE_TEST(a_message_becomes_sending_by_a_claim_only),
        STORE_TEST(a_message_that_is_queued_again_waits_for_its_time),
        STORE_TEST(a_message_whose_outcome_is_unknown_is_asked_about_at_its_time),
        STORE_TEST(an_attempt_may_be_taken_back_and_company_stays_where_none_is_given),
        STORE_TEST(what_the_cart_said_last_stays_until_it_says_something_else),
        STORE_TEST(the_same_level_is_put_again_after_the_cart_refused_it),
        STORE_TEST(the_same_level_is_put_again_after_a_person_dropped_it),
        STORE_TEST(a_level_that_the_script_called_needless_is_not_put_again),
        STORE_TEST(a_level_that_was_not_sent_gives_way_to_a_newer_one_at_once),
        STORE_TEST(an_event_that_failed_keeps_its_lane_shut),
        STORE_TEST(those_whose_sender_is_gone_become_unknown),
        STORE_TEST(a_level_that_is_taken_back_is_superseded_and_news_when_it_is_put_again),
        STORE_TEST(a_level_that_failed_is_taken_back_too_and_one_that_was_sent_stays),
        STORE_TEST(a_level_that_is_taken_back_on_its_way_is_not_tried_again),
        STORE_TEST(an_event_that_is_taken_back_may_be_put_again),
        STORE_TEST(a_rollback_undoes_all_of_it),
        STORE_TEST(a_message_without_cart_stream_or_key_loses_the_transaction),
        STORE_TEST(a_sender_is_woken_when_messages_of_it_are_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
