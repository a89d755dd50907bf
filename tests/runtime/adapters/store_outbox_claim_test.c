/* The outbox: what a claim takes, what reading and counting give, what pruning leaves, and what it all costs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "outbox_bed.h"

static void put_levels(struct store_bed *bed, int from, int to, const char *payload)
{
    struct cw_txn *txn = begin(bed);
    for (int i = from; i < to; i++) {
        char key[16];
        snprintf(key, sizeof key, "K%d", i);
        const struct cw_message message = level_of(key, payload);
        assert_true((cw_txn_put_message)(txn, &message)); /* answered with the commit */
    }
    commit(txn);
}

static void keep_company(struct store_bed *bed, int64_t id, unsigned company)
{
    const struct cw_settlement settlement = { .id = id,
                                              .was = CW_MESSAGE_QUEUED,
                                              .state = CW_MESSAGE_QUEUED,
                                              .due_at = bed->time.now,
                                              .company = company };
    settle_as(bed, &settlement);
}

static void no_error(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_ok(err == NULL, *err);
}

static void take_removed(void *arg, uint64_t removed, const struct cw_error *err)
{
    assert_ok(err == NULL, *err);
    *(int64_t *)arg = (int64_t)removed;
}

/* One transaction; the rows that it removed or emptied. */
static int64_t prune(struct store_bed *bed, cw_time until, unsigned limit)
{
    const struct cw_prune what = { .runs_until = CW_TIME_NONE,
                                   .webhooks_until = CW_TIME_NONE,
                                   .raw_until = CW_TIME_NONE,
                                   .messages_until = until,
                                   .limit = limit };
    int64_t removed = -1;
    struct cw_txn *txn = begin(bed);
    cw_txn_prune(txn, &what, take_removed, &removed);
    commit(txn);
    return removed;
}

/* --- claiming --- */

static void a_claim_gives_the_message_as_it_was_put(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message message = level_of("A", "{\"sku\":\"A\",\"quantity\":0}");
    message.is_zero = true;
    message.company = 7;
    put(bed, &message);
    bed->time.now += CW_SECOND;
    const struct got_messages *got = claim(bed, 1, 10);
    assert_string_equal(got->text, "A|stock_out/A|{\"sku\":\"A\",\"quantity\":0}");
    assert_int_equal(got->first.id, 1);
    assert_true(got->first.is_zero);
    assert_int_equal(got->first.company, 7);
    assert_int_equal(got->first.attempts, 1);
    assert_int_equal(got->first.call, 1);
    assert_int_equal(got->first.created_at, bed->time.now - CW_SECOND);
    assert_int_equal(got->first.changed_at, bed->time.now);
}

static void fewer_than_the_threshold_go_one_by_one_and_from_it_on_in_batches(void **state)
{
    struct store_bed *bed = *state;
    put_levels(bed, 0, 7, "1");
    assert_string_equal(claim(bed, 5, 3)->ids, "1 2 3");
    assert_string_equal(claim(bed, 5, 3)->ids, "4");
    assert_string_equal(claim(bed, 3, 3)->ids, "5 6 7");
    assert_string_equal(claim(bed, 3, 3)->ids, "");
}

static void ignore_messages(void *arg, const struct cw_message *found, size_t count, cw_time next_at,
                            const struct cw_error *err)
{
    (void)found;
    (void)next_at;
    assert_null(err);
    *(size_t *)arg = count;
}

static void none_is_claimed_that_came_after_the_one_that_the_limit_names(void **state)
{
    struct store_bed *bed = *state;
    const struct cw_outbox_limits limits = { 1, 10, 2 };
    size_t count = 0;
    put_levels(bed, 0, 4, "1");
    put_level(bed, "K1", "2"); /* in place of the second: it is a new one */
    struct cw_txn *txn = begin(bed);
    cw_txn_claim_messages(txn, cw_slice("shop"), cw_slice("stock_out"), bed->time.now, &limits,
                          ignore_messages, &count);
    assert_int_equal(count, 1);
    commit(txn);
    assert_string_equal(claim(bed, 1, 10)->ids, "3 4 5");
}

static void a_threshold_above_the_batch_is_looked_for_all_the_same(void **state)
{
    struct store_bed *bed = *state;
    put_levels(bed, 0, 10, "1");
    assert_string_equal(claim(bed, 10, 2)->ids, "1 2");
    assert_string_equal(claim(bed, 10, 2)->ids, "3");
}

static void a_lane_sends_one_at_a_time_whatever_the_stream(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message status = event_of("st1", "order/1", "{}");
    status.key.stream = cw_slice("statuses_out");
    put_event(bed, "s1", "order/1", "1");
    put(bed, &status);
    put_event(bed, "s2", "order/1", "2");
    put_event(bed, "s3", "order/2", "3");
    assert_string_equal(claim_of(bed, "shop", "statuses_out", 1, 10)->ids, "");
    assert_string_equal(claim_of(bed, "shop", "shipments_out", 1, 10)->ids, "1 4");
    assert_string_equal(claim_of(bed, "shop", "statuses_out", 1, 10)->ids, "");
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_SENT);
    assert_string_equal(claim_of(bed, "shop", "shipments_out", 1, 10)->ids, "");
    assert_string_equal(claim_of(bed, "shop", "statuses_out", 1, 10)->ids, "2");
    settle(bed, 2, CW_MESSAGE_SENDING, CW_MESSAGE_SUPERSEDED);
    assert_string_equal(claim_of(bed, "shop", "shipments_out", 1, 10)->ids, "3");
}

static void the_same_lane_of_another_cart_is_another(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message other = event_of("s1", "order/1", "{}");
    put(bed, &other);
    other.key.cart = cw_slice("other");
    put(bed, &other);
    assert_string_equal(claim_of(bed, "other", "shipments_out", 1, 1)->ids, "2");
    assert_string_equal(claim_of(bed, "shop", "shipments_out", 1, 1)->ids, "1");
}

static void no_batch_is_larger_than_the_company_that_any_of_it_keeps(void **state)
{
    struct store_bed *bed = *state;
    put_levels(bed, 0, 10, "1");
    keep_company(bed, 3, 3);
    keep_company(bed, 6, 1);
    keep_company(bed, 7, 2);
    assert_string_equal(claim(bed, 1, 100)->ids, "1 2 3");
    assert_string_equal(claim(bed, 1, 100)->ids, "4 5");
    assert_string_equal(claim(bed, 1, 100)->ids, "6");
    assert_string_equal(claim(bed, 1, 100)->ids, "7 8");
    assert_string_equal(claim(bed, 1, 100)->ids, "9 10");
}

static void each_call_has_a_larger_number_also_after_its_messages_were_pruned(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    send_level(bed, "A", "2");
    assert_int_equal(prune(bed, bed->time.now + 1, 10), 2);
    put_level(bed, "A", "3");
    assert_int_equal(claim(bed, 1, 1)->first.call, 3);
    put_event(bed, "s1", "order/1", "{}");
    assert_int_equal(claim_of(bed, "shop", "shipments_out", 1, 1)->first.call, 1);
}

static void the_next_time_is_that_of_the_earliest_one_that_waits_for_nothing_else(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message late = event_of("s1", "order/1", "1");
    cw_time now = bed->time.now;
    assert_int_equal(claim_of(bed, "shop", "shipments_out", 1, 1)->next_at, CW_TIME_NONE);
    late.due_at = now + 5 * CW_MINUTE;
    put(bed, &late);
    late.event = cw_slice("s2");
    late.due_at = now + CW_MINUTE; /* but behind the first one */
    put(bed, &late);
    assert_int_equal(claim_of(bed, "shop", "shipments_out", 1, 1)->next_at, now + 5 * CW_MINUTE);
    late.event = cw_slice("s3");
    late.lane = cw_slice("order/2");
    late.due_at = now + 2 * CW_MINUTE;
    put(bed, &late);
    assert_int_equal(claim_of(bed, "shop", "shipments_out", 1, 1)->next_at, now + 2 * CW_MINUTE);
    put_event(bed, "s4", "order/3", "4");
    const struct got_messages *got = claim_of(bed, "shop", "shipments_out", 1, 1);
    assert_string_equal(got->ids, "4");
    assert_int_equal(got->next_at, now + 2 * CW_MINUTE);
}

static void take_refusal(void *arg, const struct cw_message *messages, size_t count, cw_time next_at,
                         const struct cw_error *err)
{
    (void)messages, (void)next_at;
    assert_int_equal(count, 0);
    answer_done(arg, err);
}

static void a_claim_of_no_batch_at_all_is_refused(void **state)
{
    struct store_bed *bed = *state;
    const struct cw_outbox_limits none = { 1, 0, 0 };
    struct answer answer = { 0 };
    struct cw_txn *txn = begin(bed);
    cw_txn_claim_messages(txn, cw_slice("shop"), cw_slice("stock_out"), bed->time.now, &none, take_refusal,
                          &answer);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.err.code, CW_USAGE);
    cw_txn_rollback(txn);
}

/* --- reading --- */

struct read {
    char text[512];
    int most; /* 0 = all */
    int count;
};

static bool take_read(void *arg, const struct cw_message *m)
{
    struct read *read = arg;
    size_t len = strlen(read->text);
    snprintf(read->text + len, sizeof read->text - len, "%s%lld %.*s %s", len > 0 ? "\n" : "",
             (long long)m->id, CW_SLICE_ARG(m->key.external_id), cw_message_state_name(m->state));
    return ++read->count != read->most;
}

static const char *read_by(struct store_bed *bed, struct cw_message_filter filter, int most)
{
    static struct read read;
    read = (struct read){ .most = most };
    cw_store_read_messages(bed->store, &filter, take_read, no_error, &read);
    return read.text;
}

static struct cw_message_filter any(void)
{
    return (struct cw_message_filter){ .due_until = CW_TIME_NONE };
}

static void fill_for_reading(struct store_bed *bed)
{
    struct cw_message other = level_of("X", "1");
    put_levels(bed, 1, 5, "1");
    other.key.cart = cw_slice("other");
    put(bed, &other);
    put_event(bed, "s1", "order/1", "{}");
    claim(bed, 1, 3);
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_SENT);
    settle(bed, 2, CW_MESSAGE_SENDING, CW_MESSAGE_UNKNOWN);
}

static void messages_are_read_in_order_and_by_what_is_asked_for(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message_filter filter = any();
    fill_for_reading(bed);
    assert_string_equal(read_by(bed, filter, 0), "1 K1 sent\n2 K2 unknown\n3 K3 sending\n4 K4 queued\n"
                                                 "5 X queued\n6 101 queued");
    assert_string_equal(read_by(bed, filter, 2), "1 K1 sent\n2 K2 unknown");
    filter.after = 4;
    assert_string_equal(read_by(bed, filter, 0), "5 X queued\n6 101 queued");
    filter.cart = cw_slice("shop");
    assert_string_equal(read_by(bed, filter, 0), "6 101 queued");
    filter.after = 0;
    filter.stream = cw_slice("stock_out");
    filter.by_state = true;
    assert_string_equal(read_by(bed, filter, 0), "4 K4 queued");
    filter.state = CW_MESSAGE_UNKNOWN;
    assert_string_equal(read_by(bed, filter, 0), "2 K2 unknown");
    filter.state = CW_MESSAGE_SENT;
    assert_string_equal(read_by(bed, filter, 0), "1 K1 sent");
    filter = any();
    filter.id = 3;
    assert_string_equal(read_by(bed, filter, 0), "3 K3 sending");
    filter.id = 99;
    assert_string_equal(read_by(bed, filter, 0), "");
}

static void messages_are_read_by_when_they_are_due(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message_filter filter = any();
    put_level(bed, "A", "1");
    struct cw_message late = level_of("B", "1");
    late.due_at = bed->time.now + CW_MINUTE;
    put(bed, &late);
    filter.due_until = bed->time.now;
    assert_string_equal(read_by(bed, filter, 0), "1 A queued");
    filter.due_until = bed->time.now + CW_MINUTE;
    assert_string_equal(read_by(bed, filter, 0), "1 A queued\n2 B queued");
}

struct whole {
    struct cw_message message; /* its texts are gone */
    char text[128];
};

static bool take_whole(void *arg, const struct cw_message *m)
{
    struct whole *whole = arg;
    whole->message = *m;
    snprintf(whole->text, sizeof whole->text, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s",
             CW_SLICE_ARG(m->key.cart), CW_SLICE_ARG(m->key.stream), CW_SLICE_ARG(m->key.external_id),
             CW_SLICE_ARG(m->lane), CW_SLICE_ARG(m->event), CW_SLICE_ARG(m->payload), CW_SLICE_ARG(m->answer),
             CW_SLICE_ARG(m->error));
    return true;
}

static void a_message_that_is_read_has_all_that_is_known_of_it(void **state)
{
    struct store_bed *bed = *state;
    const struct cw_settlement failed = { .id = 1,
                                          .was = CW_MESSAGE_SENDING,
                                          .state = CW_MESSAGE_FAILED,
                                          .answer = cw_slice("HTTP 404"),
                                          .error = cw_slice("unknown SKU") };
    struct whole whole = { .text = "" };
    struct cw_message_filter filter = any();
    put_event(bed, "s1", "order/1", "{\"a\":1}");
    claim_of(bed, "shop", "shipments_out", 1, 1);
    settle_as(bed, &failed);
    filter.by_state = true;
    filter.state = CW_MESSAGE_FAILED;
    cw_store_read_messages(bed->store, &filter, take_whole, no_error, &whole);
    assert_string_equal(whole.text, "shop|shipments_out|101|order/1|s1|{\"a\":1}|HTTP 404|unknown SKU");
    assert_int_equal(whole.message.attempts, 1);
    assert_int_equal(whole.message.call, 1);
    assert_int_equal(whole.message.due_at, bed->time.now);
}

/* --- counting --- */

static void take_changes(void *arg, const struct cw_level_changes *changes, const struct cw_error *err)
{
    assert_ok(err == NULL, *err);
    snprintf(arg, 64, "%d known, %d/%d queued, %d/%d sent", (int)changes->known, (int)changes->queued,
             (int)changes->queued_zeros, (int)changes->sent, (int)changes->sent_zeros);
}

static const char *count(struct store_bed *bed, cw_time since, int64_t approved)
{
    static char text[64];
    text[0] = '\0';
    cw_store_count_levels(bed->store, cw_slice("shop"), cw_slice("stock_out"), since, approved, take_changes,
                          text);
    return text;
}

static void put_zero(struct store_bed *bed, const char *key)
{
    struct cw_message message = level_of(key, "0");
    message.is_zero = true;
    put(bed, &message);
}

static void changes_are_counted_that_are_still_to_come_and_that_were_made(void **state)
{
    struct store_bed *bed = *state;
    cw_time start = bed->time.now;
    assert_string_equal(count(bed, start, 0), "0 known, 0/0 queued, 0/0 sent");
    send_level(bed, "A", "1");
    send_level(bed, "B", "1");
    bed->time.now += CW_HOUR;
    put_level(bed, "A", "2");
    put_zero(bed, "B");
    put_zero(bed, "C");
    put_level(bed, "D", "4");
    assert_string_equal(count(bed, start, 0), "2 known, 4/2 queued, 2/0 sent");
    assert_string_equal(count(bed, start + 1, 0), "2 known, 4/2 queued, 0/0 sent");
    claim(bed, 1, 2);
    settle(bed, 3, CW_MESSAGE_SENDING, CW_MESSAGE_SENT);
    settle(bed, 4, CW_MESSAGE_SENDING, CW_MESSAGE_SENT);
    assert_string_equal(count(bed, start + 1, 0), "2 known, 2/1 queued, 2/1 sent");
    assert_string_equal(count(bed, start, 0), "2 known, 2/1 queued, 2/1 sent");
}

static void take_newest(void *arg, const struct cw_level_changes *changes, const struct cw_error *err)
{
    assert_ok(err == NULL, *err);
    *(int64_t *)arg = changes->newest;
}

static int64_t newest(struct store_bed *bed)
{
    int64_t id = -1;
    cw_store_count_levels(bed->store, cw_slice("shop"), cw_slice("stock_out"), 0, 0, take_newest, &id);
    return id;
}

static void who_counts_learns_which_queued_message_is_the_newest(void **state)
{
    struct store_bed *bed = *state;
    assert_int_equal(newest(bed), 0);
    put_level(bed, "A", "1");
    put_level(bed, "B", "1");
    assert_int_equal(newest(bed), 2);
    claim(bed, 1, 2);
    assert_int_equal(newest(bed), 0);
}

static void what_was_approved_is_not_counted(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    send_level(bed, "B", "1");
    put_level(bed, "C", "1");
    put_level(bed, "D", "1");
    assert_string_equal(count(bed, bed->time.now, 1), "2 known, 2/0 queued, 1/0 sent");
    assert_string_equal(count(bed, bed->time.now, 3), "2 known, 1/0 queued, 0/0 sent");
    assert_string_equal(count(bed, bed->time.now, 4), "2 known, 0/0 queued, 0/0 sent");
}

static void a_zero_that_the_cart_has_already_is_no_new_one(void **state)
{
    struct store_bed *bed = *state;
    put_zero(bed, "A");
    claim(bed, 1, 1);
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_SENT);
    struct cw_message zero = level_of("A", "{\"quantity\":0,\"vendor\":3}");
    zero.is_zero = true;
    put(bed, &zero);
    assert_string_equal(count(bed, bed->time.now, 1), "1 known, 1/0 queued, 0/0 sent");
}

static void what_was_forgotten_is_known_of_the_cart_all_the_same(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    forget(bed, "");
    put_level(bed, "A", "1");
    assert_string_equal(count(bed, bed->time.now, 1), "1 known, 1/0 queued, 0/0 sent");
}

static void events_and_other_streams_are_no_levels_to_be_counted(void **state)
{
    struct store_bed *bed = *state;
    struct cw_message price = level_of("A", "9.99");
    price.key.stream = cw_slice("prices_out");
    put(bed, &price);
    price.key.stream = cw_slice("stock_out");
    price.event = cw_slice("e");
    put(bed, &price);
    assert_string_equal(count(bed, bed->time.now, 0), "0 known, 0/0 queued, 0/0 sent");
}

/* --- pruning --- */

static void old_levels_go_and_events_leave_their_row_so_that_they_never_come_again(void **state)
{
    struct store_bed *bed = *state;
    send_level(bed, "A", "1");
    put_level(bed, "B", "1");
    put_level(bed, "B", "2");
    put_event(bed, "s1", "order/1", "{\"tracking\":\"x\"}");
    claim_of(bed, "shop", "shipments_out", 1, 1);
    const struct cw_settlement sent = {
        .id = 4, .was = CW_MESSAGE_SENDING, .state = CW_MESSAGE_SENT, .answer = cw_slice("201 Created")
    };
    settle_as(bed, &sent);
    cw_time settled = bed->time.now;
    assert_int_equal(prune(bed, settled, 100), 0);
    assert_int_equal(prune(bed, settled + 1, 100), 3);
    assert_int_equal(prune(bed, settled + 1, 100), 0);
    assert_string_equal(ask(bed, "SELECT id, state, event, payload, answer FROM messages ORDER BY id"),
                        "3|queued||2|\n4|sent|s1||");
    put_event(bed, "s1", "order/1", "{\"tracking\":\"x\"}");
    put_level(bed, "A", "1");
    assert_string_equal(ask(bed, "SELECT id FROM messages ORDER BY id"), "3\n4");
}

static void what_is_not_settled_is_never_pruned(void **state)
{
    struct store_bed *bed = *state;
    put_levels(bed, 1, 5, "1");
    claim(bed, 1, 3);
    settle(bed, 1, CW_MESSAGE_SENDING, CW_MESSAGE_FAILED);
    settle(bed, 2, CW_MESSAGE_SENDING, CW_MESSAGE_UNKNOWN);
    assert_int_equal(prune(bed, bed->time.now + CW_DAY, 100), 0);
    assert_string_equal(ask(bed, "SELECT state FROM messages ORDER BY id"),
                        "failed\nunknown\nsending\nqueued");
}

static void no_more_messages_go_at_once_than_was_allowed(void **state)
{
    struct store_bed *bed = *state;
    put_event(bed, "s1", "order/1", "{}");
    settle(bed, 1, CW_MESSAGE_QUEUED, CW_MESSAGE_SUPERSEDED);
    for (int i = 0; i < 5; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "%d", i);
        put_level(bed, "A", payload);
    }
    assert_int_equal(prune(bed, bed->time.now + 1, 2), 2);
    assert_int_equal(prune(bed, bed->time.now + 1, 2), 2);
    assert_int_equal(prune(bed, bed->time.now + 1, 2), 1);
    assert_int_equal(prune(bed, bed->time.now + 1, 2), 0);
    assert_string_equal(ask(bed, "SELECT id, payload FROM messages ORDER BY id"), "1|\n6|4");
}

/* --- cost --- */

static int steps_of_a_claim(struct store_bed *bed)
{
    store_bed_steps(bed);
    assert_int_equal(claim_of(bed, "shop", "stock_out", 5, 5)->count, 5);
    return store_bed_steps(bed);
}

static void a_claim_costs_the_same_however_much_is_queued(void **state)
{
    store_bed_needs_sqlite();
    struct store_bed *bed = *state;
    put_levels(bed, 0, 20, "1");
    int few = steps_of_a_claim(bed);
    put_levels(bed, 20, 3000, "1");
    int many = steps_of_a_claim(bed);
    assert_in_range(many, few / 2, few * 3 / 2);
}

static int steps_of_a_level(struct store_bed *bed, const char *payload)
{
    const struct cw_message message = level_of("K7", payload);
    struct cw_txn *txn = begin(bed);
    store_bed_steps(bed);
    assert_true(cw_txn_put_message(txn, &message));
    int steps = store_bed_steps(bed);
    commit(txn);
    return steps;
}

static void a_level_costs_the_same_however_often_it_was_sent_before(void **state)
{
    store_bed_needs_sqlite();
    struct store_bed *bed = *state;
    put_levels(bed, 0, 20, "1");
    int few = steps_of_a_level(bed, "2");
    for (int i = 0; i < 100; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "p%d", i);
        put_level(bed, "K7", payload);
    }
    assert_in_range(steps_of_a_level(bed, "3"), few / 2, few * 3 / 2);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_claim_gives_the_message_as_it_was_put),
        STORE_TEST(fewer_than_the_threshold_go_one_by_one_and_from_it_on_in_batches),
        STORE_TEST(a_threshold_above_the_batch_is_looked_for_all_the_same),
        STORE_TEST(none_is_claimed_that_came_after_the_one_that_the_limit_names),
        STORE_TEST(a_lane_sends_one_at_a_time_whatever_the_stream),
        STORE_TEST(the_same_lane_of_another_cart_is_another),
        STORE_TEST(no_batch_is_larger_than_the_company_that_any_of_it_keeps),
        STORE_TEST(each_call_has_a_larger_number_also_after_its_messages_were_pruned),
        STORE_TEST(the_next_time_is_that_of_the_earliest_one_that_waits_for_nothing_else),
        STORE_TEST(a_claim_of_no_batch_at_all_is_refused),
        STORE_TEST(messages_are_read_in_order_and_by_what_is_asked_for),
        STORE_TEST(messages_are_read_by_when_they_are_due),
        STORE_TEST(a_message_that_is_read_has_all_that_is_known_of_it),
        STORE_TEST(changes_are_counted_that_are_still_to_come_and_that_were_made),
        STORE_TEST(what_was_approved_is_not_counted),
        STORE_TEST(who_counts_learns_which_queued_message_is_the_newest),
        STORE_TEST(a_zero_that_the_cart_has_already_is_no_new_one),
        STORE_TEST(what_was_forgotten_is_known_of_the_cart_all_the_same),
        STORE_TEST(events_and_other_streams_are_no_levels_to_be_counted),
        STORE_TEST(old_levels_go_and_events_leave_their_row_so_that_they_never_come_again),
        STORE_TEST(what_is_not_settled_is_never_pruned),
        STORE_TEST(no_more_messages_go_at_once_than_was_allowed),
        STORE_TEST(a_claim_costs_the_same_however_much_is_queued),
        STORE_TEST(a_level_costs_the_same_however_often_it_was_sent_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
