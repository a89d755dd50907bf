/* Names of processes that hold leases, and leases of those that died. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/holder.h"
#include "adapters/store_bed.h"

/* What a child called itself that has ended since. */
static void name_of_a_dead_process(char out[CW_HOLDER_MAX])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char own[CW_HOLDER_MAX];
        cw_holder_name(own);
        _exit(write(ends[1], own, sizeof own) == (ssize_t)sizeof own ? 0 : 1);
    }
    assert_int_equal(read(ends[0], out, CW_HOLDER_MAX), CW_HOLDER_MAX);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    close(ends[1]);
}

static void a_process_that_lives_is_known_by_its_name(void **state)
{
    char own[CW_HOLDER_MAX];
    (void)state;
    cw_holder_name(own);
    assert_true(cw_holder_may_live(own));
}

static void a_process_that_ended_is_known_to_be_dead(void **state)
{
    char dead[CW_HOLDER_MAX];
    (void)state;
    name_of_a_dead_process(dead);
    assert_false(cw_holder_may_live(dead));
}

static void another_process_with_the_same_number_is_another(void **state)
{
    char own[CW_HOLDER_MAX], earlier[CW_HOLDER_MAX];
    (void)state;
    cw_holder_name(own);
    char *dot = strchr(strrchr(own, '/'), '.');
    snprintf(earlier, sizeof earlier, "%.*s.1%s", (int)(dot - own), own, strrchr(own, '.'));
    assert_false(cw_holder_may_live(earlier));
}

static void of_other_machines_and_worlds_nothing_is_known(void **state)
{
    char own[CW_HOLDER_MAX];
    (void)state;
    assert_true(cw_holder_may_live("elsewhere/1234.5678.4026531836"));
    assert_true(cw_holder_may_live("w1"));
    cw_holder_name(own);
    strcpy(strrchr(own, '.'), ".1");
    assert_true(cw_holder_may_live(own));
}

static void leases_of_the_dead_are_given_back_and_no_others(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    char own[CW_HOLDER_MAX], dead[CW_HOLDER_MAX];
    cw_holder_name(own);
    name_of_a_dead_process(dead);
    assert_int_equal(take_lease(bed, "a", dead, 0, CW_MINUTE, &err), 1);
    assert_int_equal(take_lease(bed, "b", own, 0, CW_MINUTE, &err), 1);
    assert_int_equal(take_lease(bed, "c", "elsewhere/1.2.3", 0, CW_MINUTE, &err), 1);
    bool ok = cw_holder_release_dead(bed->store, &err);
    assert_ok(ok, err);
    assert_int_equal(take_lease(bed, "a", "next", 0, CW_MINUTE, &err), 2);
    assert_int_equal(take_lease(bed, "b", "next", 0, CW_MINUTE, &err), 0);
    assert_int_equal(take_lease(bed, "c", "next", 0, CW_MINUTE, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_lives_is_known_by_its_name),
        cmocka_unit_test(a_process_that_ended_is_known_to_be_dead),
        cmocka_unit_test(another_process_with_the_same_number_is_another),
        cmocka_unit_test(of_other_machines_and_worlds_nothing_is_known),
        cmocka_unit_test_setup_teardown(leases_of_the_dead_are_given_back_and_no_others, store_bed_setup,
                                        store_bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
