/* inbox_notices_test.c - the stored notices of a cart as its inbox. */
#include "adapters/inbox_notices.h"

#include <stdio.h>
#include <string.h>

#include "inbox_bed.h"
#include "store_bed.h"

struct notices_bed {
    struct inbox_bed bed;
    struct store_bed *store;
    struct cw_timer *pump; /* PostgreSQL answers only who waits for it */
};

static void pump(void *arg)
{
    struct notices_bed *notices = arg;
    cw_store_wait(notices->store->store);
    cw_timer_set(notices->pump, CW_MILLISECOND);
}

static void open_inbox(struct notices_bed *notices, bool only_look)
{
    struct cw_error err;
    const struct cw_inbox_notices config = {
        .loop = notices->bed.loop, .store = notices->store->store, .cart = "push", .only_look = only_look
    };
    if (notices->bed.inbox != NULL)
        notices->bed.inbox->free(notices->bed.inbox);
    notices->bed.inbox = cw_inbox_notices_open(&config, &err);
    assert_ok(notices->bed.inbox != NULL, err);
}

/* In virtual time, which begins when the store's clock is now. */
static void open_bed(struct notices_bed *notices, struct store_bed *store, cw_time later)
{
    struct cw_error err;
    *notices = (struct notices_bed){ .store = store };
    notices->bed.loop = cw_loop_create_virtual(store->time.now + later, &err);
    assert_ok(notices->bed.loop != NULL, err);
    notices->pump = cw_timer_create(notices->bed.loop, pump, notices, &err);
    cw_timer_set(notices->pump, CW_MILLISECOND);
    open_inbox(notices, false);
}

static void close_bed(struct notices_bed *notices)
{
    cw_timer_free(notices->pump);
    cw_store_wait(notices->store->store);
    inbox_bed_close(&notices->bed);
}

static void ignore_put(void *arg, bool is_new, const struct cw_error *err)
{
    (void)arg, (void)is_new;
    assert_null(err);
}

static void hear(struct store_bed *store, const char *cart, const char *id, const char *bytes)
{
    const struct cw_webhook hook = { cw_slice(cart),  cw_slice(id), cw_slice("order"),
                                     store->time.now, cw_slice(""), cw_slice(bytes) };
    struct cw_txn *txn = begin(store);
    cw_txn_put_webhook(txn, &hook, ignore_put, NULL);
    cw_store_wait(store->store);
    commit(txn);
}

static void notices_are_entries_until_they_are_finished(void **state)
{
    struct notices_bed notices;
    hear(*state, "push", "x", "first");
    hear(*state, "other", "y", "not ours");
    hear(*state, "push", "z", "third");
    open_bed(&notices, *state, 0);
    assert_string_equal(inbox_bed_list(&notices.bed), "1 3 ");
    assert_int_equal(notices.bed.sizes, 10);
    assert_string_equal(inbox_bed_read(&notices.bed, "3"), "third");
    assert_null(inbox_bed_read(&notices.bed, "2"));
    assert_int_equal(notices.bed.err.code, CW_NOT_FOUND);
    assert_true(inbox_bed_finish(&notices.bed, "3", CW_INBOX_DONE));
    assert_true(inbox_bed_finish(&notices.bed, "3", CW_INBOX_DONE));
    assert_null(inbox_bed_read(&notices.bed, "3"));
    assert_string_equal(inbox_bed_list(&notices.bed), "1 ");
    assert_true(inbox_bed_finish(&notices.bed, "1", CW_INBOX_FAILED));
    assert_string_equal(inbox_bed_list(&notices.bed), "");
    close_bed(&notices);
}

static void the_mark_follows_by_an_hour_and_never_passes_one_that_waits(void **state)
{
    struct notices_bed notices;
    for (unsigned i = 1; i <= 5; i++) {
        char id[8];
        snprintf(id, sizeof id, "%u", i);
        hear(*state, "push", id, "x");
    }
    open_bed(&notices, *state, 0);
    static const char *const taken[] = { "1", "2", "4" };
    for (size_t i = 0; i < 3; i++)
        assert_true(inbox_bed_finish(&notices.bed, taken[i], CW_INBOX_DONE));
    assert_string_equal(inbox_bed_list(&notices.bed), "3 5 ");
    assert_string_equal(
        ask(*state, "SELECT key, value FROM state ORDER BY key"),
        "cartwright.taken|0\ncartwright.taken.1|1\ncartwright.taken.2|1\ncartwright.taken.4|1");
    close_bed(&notices);
    open_bed(&notices, *state, 2 * CW_HOUR);
    assert_string_equal(inbox_bed_list(&notices.bed), "3 5 ");
    assert_string_equal(ask(*state, "SELECT key, value FROM state ORDER BY key"),
                        "cartwright.taken|2\ncartwright.taken.4|1");
    assert_string_equal(inbox_bed_list(&notices.bed), "3 5 ");
    close_bed(&notices);
}

static void a_dry_run_marks_nothing(void **state)
{
    struct notices_bed notices;
    hear(*state, "push", "x", "first");
    open_bed(&notices, *state, 0);
    open_inbox(&notices, true);
    assert_string_equal(inbox_bed_list(&notices.bed), "1 ");
    assert_true(inbox_bed_finish(&notices.bed, "1", CW_INBOX_DONE));
    assert_string_equal(inbox_bed_list(&notices.bed), "1 ");
    assert_string_equal(ask(*state, "SELECT count(*) FROM state"), "0");
    close_bed(&notices);
}

static void count_pruned(void *arg, uint64_t removed, const struct cw_error *err)
{
    assert_null(err);
    *(uint64_t *)arg = removed;
}

static uint64_t prune(struct store_bed *store)
{
    uint64_t removed = 99;
    const struct cw_prune what = { .runs_until = CW_TIME_NONE,
                                   .webhooks_until = store->time.now + CW_DAY,
                                   .raw_until = CW_TIME_NONE,
                                   .messages_until = CW_TIME_NONE,
                                   .limit = 100 };
    struct cw_txn *txn = begin(store);
    cw_txn_prune(txn, &what, count_pruned, &removed);
    cw_store_wait(store->store);
    commit(txn);
    return removed;
}

static void tidying_leaves_what_is_not_taken_yet(void **state)
{
    struct notices_bed notices;
    hear(*state, "push", "1", "x");
    hear(*state, "push", "2", "x");
    hear(*state, "wakes", "3", "x"); /* of a cart that only is woken */
    hear(*state, "push", "4", "x");
    open_bed(&notices, *state, 0);
    inbox_bed_list(&notices.bed);
    assert_true(inbox_bed_finish(&notices.bed, "1", CW_INBOX_DONE));
    assert_true(inbox_bed_finish(&notices.bed, "4", CW_INBOX_DONE));
    assert_int_equal(prune(*state), 3);
    assert_string_equal(ask(*state, "SELECT delivery_id FROM webhooks"), "2");
    assert_string_equal(inbox_bed_list(&notices.bed), "2 ");
    close_bed(&notices);
}

static void a_listing_is_called_off_before_and_after_the_store_was_asked(void **state)
{
    struct notices_bed notices;
    struct cw_error err;
    hear(*state, "push", "1", "x");
    open_bed(&notices, *state, 0);
    assert_true(notices.bed.inbox->list(notices.bed.inbox, NULL, NULL, NULL, &err));
    notices.bed.inbox->cancel(notices.bed.inbox);
    assert_string_equal(inbox_bed_list(&notices.bed), "1 ");
    assert_true(notices.bed.inbox->finish(notices.bed.inbox, cw_slice("1"), CW_INBOX_DONE, NULL, NULL, &err));
    assert_false(notices.bed.inbox->list(notices.bed.inbox, NULL, NULL, NULL, &err));
    assert_int_equal(err.code, CW_USAGE);
    close_bed(&notices); /* with it under way */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notices_are_entries_until_they_are_finished),
        TEST(the_mark_follows_by_an_hour_and_never_passes_one_that_waits),
        TEST(a_dry_run_marks_nothing),
        TEST(tidying_leaves_what_is_not_taken_yet),
        TEST(a_listing_is_called_off_before_and_after_the_store_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
