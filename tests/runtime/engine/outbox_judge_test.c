/* outbox_judge_test.c - what becomes of a message, for every combination of what the script said and what its
 * requests did. */
#include "engine/outbox.h"
#include "testing.h"

enum { ATTEMPTS_MAX = 5 };

/* Errors by what they are about: an answer with a status, or none. */
struct fault {
    enum cw_code code; /* CW_OK = no error */
    int status;
    bool is_of_cart;
};
static const struct fault faults[] = {
    { CW_OK, 0, false },
    { CW_SCRIPT, 0, false },
    { CW_USAGE, 0, false },
    { CW_LIMIT, 0, false },
    { CW_INVALID, 0, false },
    { CW_UNEXPECTED, 200, false },
    { CW_UNEXPECTED, 400, false },
    { CW_NOT_FOUND, 404, false },
    { CW_CONFLICT, 409, false },
    { CW_INVALID, 422, false },
    { CW_UNAVAILABLE, 500, false },
    { CW_AUTH, 401, true },
    { CW_PERMISSION, 403, true },
    { CW_UNAVAILABLE, 429, true },
    { CW_UNAVAILABLE, 502, true },
    { CW_UNAVAILABLE, 503, true },
    { CW_UNAVAILABLE, 504, true },
    { CW_UNAVAILABLE, 0, true },
    { CW_TIMEOUT, 0, true },
    { CW_IO, 0, true },
    { CW_AUTH, 0, true },
    { CW_REFUSED, 0, true },
    { CW_NOMEM, 0, true },
};
enum { FAULTS = sizeof faults / sizeof *faults };

static struct cw_verdict judge(enum cw_lua_said said, struct cw_lua_effects effects,
                               const struct fault *fault, size_t batch, unsigned attempts)
{
    struct cw_error err = { .code = fault->code };
    const struct cw_evidence evidence = { .said = said,
                                          .effects = effects,
                                          .err = fault->code != CW_OK ? &err : NULL,
                                          .status = fault->status,
                                          .batch = batch,
                                          .attempts = attempts,
                                          .attempts_max = ATTEMPTS_MAX };
    return cw_outbox_judge(&evidence);
}

/* What the requests of a call did: writes, uncertain, refused, taken. */
static const struct cw_lua_effects none = { 0 }, refused = { 1, 0, 1, 0 }, uncertain = { 1, 1, 0, 0 },
                                   taken = { 1, 0, 0, 1 }, under_way = { 1, 0, 0, 0 },
                                   taken_and_refused = { 2, 0, 1, 1 }, taken_and_uncertain = { 2, 1, 0, 1 },
                                   refused_and_uncertain = { 2, 1, 1, 0 };

/* The table of outbox.h, a line each: the message alone in its call, at its first attempt. */
static const struct line {
    enum cw_lua_said said;
    const struct cw_lua_effects *effects;
    enum cw_message_state state;
    bool is_refusal; /* which the cart's fault makes free of cost, where nothing was said */
} lines[] = {
    { CW_SAID_NEEDLESS, &none, CW_MESSAGE_SUPERSEDED, false },
    { CW_SAID_NEEDLESS, &taken, CW_MESSAGE_SUPERSEDED, false },
    { CW_SAID_NEEDLESS, &uncertain, CW_MESSAGE_SUPERSEDED, false },
    { CW_SAID_SENT, &none, CW_MESSAGE_SENT, false },
    { CW_SAID_SENT, &refused, CW_MESSAGE_SENT, false },
    { CW_SAID_SENT, &taken, CW_MESSAGE_SENT, false },
    { CW_SAID_SENT, &taken_and_refused, CW_MESSAGE_SENT, false },
    { CW_SAID_SENT, &taken_and_uncertain, CW_MESSAGE_SENT, false },
    { CW_SAID_SENT, &uncertain, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_SENT, &refused_and_uncertain, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_SENT, &under_way, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_REFUSED, &none, CW_MESSAGE_QUEUED, false },
    { CW_SAID_REFUSED, &refused, CW_MESSAGE_QUEUED, false },
    { CW_SAID_REFUSED, &taken, CW_MESSAGE_QUEUED, false },
    { CW_SAID_REFUSED, &taken_and_refused, CW_MESSAGE_QUEUED, false },
    { CW_SAID_REFUSED, &uncertain, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_REFUSED, &taken_and_uncertain, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_REFUSED, &refused_and_uncertain, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_REFUSED, &under_way, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_NOTHING, &none, CW_MESSAGE_QUEUED, true },
    { CW_SAID_NOTHING, &refused, CW_MESSAGE_QUEUED, true },
    { CW_SAID_NOTHING, &taken, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_NOTHING, &uncertain, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_NOTHING, &taken_and_refused, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_NOTHING, &taken_and_uncertain, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_NOTHING, &refused_and_uncertain, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_NOTHING, &under_way, CW_MESSAGE_UNKNOWN, false },
    { CW_SAID_MISSING, &none, CW_MESSAGE_QUEUED, true }, /* no word of a sender: as nothing */
    { CW_SAID_MISSING, &taken, CW_MESSAGE_UNKNOWN, false },
};
enum { LINES = sizeof lines / sizeof *lines };

static void expect(const struct cw_verdict *got, enum cw_message_state state, bool takes_back, bool alone,
                   bool is_of_cart, size_t line, size_t fault)
{
    if (got->state != state || got->takes_back != takes_back || got->alone != alone ||
        got->is_of_cart != is_of_cart)
        fail_msg("line %zu, fault %zu: %s%s%s%s instead of %s%s%s%s", line, fault,
                 cw_message_state_name(got->state), got->takes_back ? " takes_back" : "",
                 got->alone ? " alone" : "", got->is_of_cart ? " is_of_cart" : "",
                 cw_message_state_name(state), takes_back ? " takes_back" : "", alone ? " alone" : "",
                 is_of_cart ? " is_of_cart" : "");
}

static void a_message_alone_in_its_call_becomes_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LINES; i++)
        for (size_t f = 0; f < FAULTS; f++) {
            const struct cw_verdict got = judge(lines[i].said, *lines[i].effects, &faults[f], 1, 1);
            expect(&got, lines[i].state, lines[i].is_refusal && faults[f].is_of_cart, false,
                   faults[f].is_of_cart, i, f);
        }
}

static void a_batch_that_was_refused_as_a_whole_is_sent_in_smaller_company_at_no_cost(void **state)
{
    (void)state;
    for (size_t i = 0; i < LINES; i++)
        for (size_t f = 0; f < FAULTS; f++) {
            const struct cw_verdict got =
                judge(lines[i].said, *lines[i].effects, &faults[f], 8, ATTEMPTS_MAX);
            bool is_over = lines[i].state == CW_MESSAGE_QUEUED && !lines[i].is_refusal; /* refused by name */
            expect(&got, is_over ? CW_MESSAGE_FAILED : lines[i].state, lines[i].is_refusal,
                   lines[i].is_refusal && !faults[f].is_of_cart, faults[f].is_of_cart, i, f);
        }
}

static void the_last_attempt_that_is_refused_fails_and_no_other_state_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < LINES; i++)
        for (size_t f = 0; f < FAULTS; f++) {
            bool is_free = lines[i].is_refusal && faults[f].is_of_cart;
            bool fails = lines[i].state == CW_MESSAGE_QUEUED && !is_free;
            const struct cw_verdict last =
                judge(lines[i].said, *lines[i].effects, &faults[f], 1, ATTEMPTS_MAX);
            const struct cw_verdict before =
                judge(lines[i].said, *lines[i].effects, &faults[f], 1, ATTEMPTS_MAX - 1);
            assert_int_equal(last.state, fails ? CW_MESSAGE_FAILED : lines[i].state);
            assert_int_equal(before.state, lines[i].state);
        }
}

static void nothing_that_may_have_arrived_is_ever_queued_or_failed(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 4 * 4 * 4 * 4; n++) {
        const struct cw_lua_effects effects = { n % 4, n / 4 % 4, n / 16 % 4, n / 64 };
        bool may_have = effects.uncertain > 0 || effects.taken > 0 || effects.refused < effects.writes;
        for (size_t f = 0; may_have && f < FAULTS; f++) {
            const struct cw_verdict one = judge(CW_SAID_NOTHING, effects, &faults[f], 1, 1);
            const struct cw_verdict many = judge(CW_SAID_NOTHING, effects, &faults[f], 100, ATTEMPTS_MAX);
            assert_int_equal(one.state, CW_MESSAGE_UNKNOWN);
            assert_int_equal(many.state, CW_MESSAGE_UNKNOWN);
        }
    }
}

static void a_probe_alone_leads_from_unknown_to_sent_or_queued(void **state)
{
    (void)state;
    assert_int_equal(cw_outbox_judge_probe(CW_SAID_SENT, 9, ATTEMPTS_MAX).state, CW_MESSAGE_SENT);
    assert_int_equal(cw_outbox_judge_probe(CW_SAID_MISSING, 1, ATTEMPTS_MAX).state, CW_MESSAGE_QUEUED);
    assert_int_equal(cw_outbox_judge_probe(CW_SAID_MISSING, ATTEMPTS_MAX, ATTEMPTS_MAX).state,
                     CW_MESSAGE_FAILED);
    assert_int_equal(cw_outbox_judge_probe(CW_SAID_NOTHING, 1, ATTEMPTS_MAX).state, CW_MESSAGE_UNKNOWN);
    assert_int_equal(cw_outbox_judge_probe(CW_SAID_REFUSED, 1, ATTEMPTS_MAX).state, CW_MESSAGE_UNKNOWN);
    assert_int_equal(cw_outbox_judge_probe(CW_SAID_NEEDLESS, 1, ATTEMPTS_MAX).state, CW_MESSAGE_UNKNOWN);
}

static void each_refusal_waits_twice_as_long_up_to_an_hour(void **state)
{
    (void)state;
    assert_int_equal(cw_outbox_delay(0), CW_MINUTE);
    assert_int_equal(cw_outbox_delay(1), CW_MINUTE);
    assert_int_equal(cw_outbox_delay(2), 2 * CW_MINUTE);
    assert_int_equal(cw_outbox_delay(6), 32 * CW_MINUTE);
    assert_int_equal(cw_outbox_delay(7), CW_HOUR);
    assert_int_equal(cw_outbox_delay(4000000000u), CW_HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_alone_in_its_call_becomes_what_the_table_says),
        cmocka_unit_test(a_batch_that_was_refused_as_a_whole_is_sent_in_smaller_company_at_no_cost),
        cmocka_unit_test(the_last_attempt_that_is_refused_fails_and_no_other_state_does),
        cmocka_unit_test(nothing_that_may_have_arrived_is_ever_queued_or_failed),
        cmocka_unit_test(a_probe_alone_leads_from_unknown_to_sent_or_queued),
        cmocka_unit_test(each_refusal_waits_twice_as_long_up_to_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
