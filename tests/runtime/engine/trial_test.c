/* trial_test.c - a cart that can do everything, and its shop (tests/trial), stand all standard tests, under
 * the sanitizers; what is wrong with a test or a fake is said; the same seed gives the same words. */
#include "engine/trial.h"

#include <stdio.h>

#include "testing.h"

struct bed {
    struct cw_site *site;
    struct cw_trial_config config;
    struct cw_buffer names; /* each ended by a NUL */
    struct cw_buffer words; /* of the test that ran last */
};

static int setup(void **state)
{
    static struct bed bed;
    struct cw_error err;
    bed = (struct bed){ 0 };
    bed.site = cw_site_open("tests/trial", CW_SOURCE_HOME, &cw_system_clock, &err);
    assert_ok(bed.site != NULL, err);
    bed.config = (struct cw_trial_config){ .site = bed.site, .type = "tea", .cart = "tea", .seed = 1 };
    *state = &bed;
    return 0;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    cw_buffer_fini(&bed->names);
    cw_buffer_fini(&bed->words);
    cw_site_free(bed->site);
    return 0;
}

static enum cw_trial_verdict run(struct bed *bed, const char *name)
{
    struct cw_error err;
    enum cw_trial_verdict verdict;
    struct cw_trial *trial = cw_trial_open(&bed->config, &err);
    assert_ok(trial != NULL, err);
    cw_buffer_clear(&bed->words);
    assert_ok(cw_trial_run(trial, name, &verdict, &bed->words, &err), err);
    cw_trial_close(trial);
    return verdict;
}

static void add_name(void *arg, struct cw_slice name, struct cw_slice about)
{
    struct bed *bed = arg;
    assert_true(about.len > 0);
    cw_buffer_add(&bed->names, name.data, name.len, NULL);
    cw_buffer_add(&bed->names, "", 1, NULL);
}

static void list(struct bed *bed)
{
    struct cw_error err;
    struct cw_trial *trial = cw_trial_open(&bed->config, &err);
    assert_ok(trial != NULL, err);
    assert_ok(cw_trial_list(trial, add_name, bed, &err), err);
    cw_trial_close(trial);
}

/* All but those with `but` in their name; NULL = all. */
static unsigned count_stood(struct bed *bed, const char *but)
{
    unsigned ok = 0, lacks = 0;
    list(bed);
    for (size_t at = 0; at < bed->names.len; at += strlen(bed->names.data + at) + 1) {
        if (but != NULL && strstr(bed->names.data + at, but) != NULL)
            continue;
        enum cw_trial_verdict verdict = run(bed, bed->names.data + at);
        if (verdict == CW_TRIAL_FAILED)
            fail_msg("%s: %.*s", bed->names.data + at, (int)bed->words.len, bed->words.data);
        ok += verdict == CW_TRIAL_OK;
        lacks += verdict == CW_TRIAL_LACKS;
    }
    assert_int_equal(lacks, 2); /* refund, webhook */
    return ok;
}

static void a_cart_that_can_do_everything_stands_every_test(void **state)
{
    assert_true(count_stood(*state, NULL) > 100);
}

/* Ids are the way in's: what the shop is told does not depend on where they stand. */
static void so_does_one_whose_ids_stand_in_derived_parts(void **state)
{
    struct bed *bed = *state;
    bed->config.type = bed->config.cart = "keyed";
    assert_true(count_stood(bed, "-out") > 40);
}

static void what_it_lacks_is_told_with_its_reason(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(run(bed, "webhook"), CW_TRIAL_LACKS);
    assert_true(cw_slice_is(cw_buffer_slice(&bed->words), "it sends no notices"));
}

static void a_test_that_is_not_there_is_an_error(void **state)
{
    struct bed *bed = *state;
    struct cw_error err;
    enum cw_trial_verdict verdict;
    struct cw_trial *trial = cw_trial_open(&bed->config, &err);
    assert_ok(trial != NULL, err);
    assert_false(cw_trial_run(trial, "no-such-test", &verdict, &bed->words, &err));
    assert_non_null(strstr(err.text, "there is no test no-such-test"));
    cw_trial_close(trial);
}

static void letters_are_taken_out_of_an_inbox_once(void **state)
{
    struct bed *bed = *state;
    bed->config.type = bed->config.cart = "letters";
    assert_int_equal(run(bed, "inbox-taken"), CW_TRIAL_OK);
    assert_int_equal(run(bed, "inbox-answer-lost"), CW_TRIAL_OK);
    assert_int_equal(run(bed, "inbox-broken"), CW_TRIAL_OK);
    assert_int_equal(run(bed, "inbox-dry-run"), CW_TRIAL_OK);
    assert_int_equal(run(bed, "killed"), CW_TRIAL_OK);
}

static void a_recording_is_tested_as_far_as_it_goes(void **state)
{
    struct bed *bed = *state;
    bed->config.type = bed->config.cart = "prestashop";
    bed->config.recording = "examples/quickstart/recording";
    list(bed);
    assert_int_equal(bed->names.len, sizeof "declared" + sizeof "connection" + sizeof "orders-again");
    assert_int_equal(run(bed, "connection"), CW_TRIAL_OK);
    assert_int_equal(run(bed, "orders-again"), CW_TRIAL_OK);
}

static void a_type_that_nobody_knows_is_an_error(void **state)
{
    struct bed *bed = *state;
    struct cw_error err;
    bed->config.type = "coffee";
    assert_null(cw_trial_open(&bed->config, &err));
    assert_non_null(strstr(err.text, "no cart script in"));
}

static void a_trial_that_is_closed_before_it_ran_leaves_nothing(void **state)
{
    struct bed *bed = *state;
    struct cw_error err;
    struct cw_trial *trial = cw_trial_open(&bed->config, &err);
    assert_ok(trial != NULL, err);
    cw_trial_close(trial);
    cw_trial_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cart_that_can_do_everything_stands_every_test, setup, teardown),
        cmocka_unit_test_setup_teardown(so_does_one_whose_ids_stand_in_derived_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_lacks_is_told_with_its_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(a_test_that_is_not_there_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(letters_are_taken_out_of_an_inbox_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_recording_is_tested_as_far_as_it_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_type_that_nobody_knows_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(a_trial_that_is_closed_before_it_ran_leaves_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
