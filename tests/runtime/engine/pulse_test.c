/* pulse_test.c - what a worker and its supervisor tell each other through shared memory and a pipe. */
#include "testing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/metrics.h"
#include "engine/pulse.h"

struct bed {
    int fd, pipe[2];
    struct cw_pulse *supervisor, *worker;
    struct test_clock hands;
};

static void open_bed(struct bed *bed)
{
    struct cw_error err = { 0 };
    memset(bed, 0, sizeof *bed);
    bed->hands.elapsed_ns = 5000;
    bed->supervisor = cw_pulse_create(&bed->fd, &err);
    assert_ok(bed->supervisor != NULL, err);
    bed->supervisor->clock = test_clock(&bed->hands);
    cw_pulse_reset(bed->supervisor);
    assert_int_equal(pipe2(bed->pipe, O_CLOEXEC | O_NONBLOCK), 0);
    bed->worker = cw_pulse_open(dup(bed->fd), bed->pipe[1], &err);
    assert_ok(bed->worker != NULL, err);
    bed->worker->clock = test_clock(&bed->hands);
}

static void close_bed(struct bed *bed)
{
    cw_pulse_close(bed->worker);
    cw_pulse_close(bed->supervisor);
    cw_pulse_close(NULL);
    close(bed->fd);
    close(bed->pipe[0]);
    close(bed->pipe[1]);
}

static size_t bytes_in_pipe(const struct bed *bed)
{
    char bytes[16];
    ssize_t n = read(bed->pipe[0], bytes, sizeof bytes);
    return n > 0 ? (size_t)n : 0;
}

static void work_that_begins_unwatched_wakes_the_supervisor_once(void **state)
{
    (void)state;
    struct bed bed;
    open_bed(&bed);
    assert_int_equal(bytes_in_pipe(&bed), 0);
    assert_false(cw_pulse_let_rest(bed.supervisor)); /* a worker that starts is at work */
    cw_pulse_end(bed.worker);
    assert_true(cw_pulse_let_rest(bed.supervisor));
    for (int i = 0; i < 3; i++) {
        bed.hands.elapsed_ns = 7000 + i;
        cw_pulse_begin(bed.worker);
        assert_int_equal(cw_pulse_busy_since(bed.supervisor), 7000 + i);
        cw_pulse_end(bed.worker);
        assert_int_equal(cw_pulse_busy_since(bed.supervisor), 0);
    }
    assert_int_equal(bytes_in_pipe(&bed), 1);
    assert_true(cw_pulse_let_rest(bed.supervisor));
    cw_pulse_begin(bed.worker);
    assert_int_equal(bytes_in_pipe(&bed), 1);
    assert_false(cw_pulse_let_rest(bed.supervisor));
    close_bed(&bed);
}

static void work_at_the_clocks_zero_is_not_rest(void **state)
{
    (void)state;
    struct bed bed;
    open_bed(&bed);
    bed.hands.elapsed_ns = 0;
    cw_pulse_begin(bed.worker);
    assert_true(cw_pulse_busy_since(bed.supervisor) != 0);
    close_bed(&bed);
}

static void being_ready_is_told_and_forgotten_before_the_next_worker(void **state)
{
    (void)state;
    struct bed bed;
    open_bed(&bed);
    assert_false(cw_pulse_is_ready(bed.supervisor));
    cw_pulse_set_ready(bed.worker);
    assert_true(cw_pulse_is_ready(bed.supervisor));
    assert_int_equal(bytes_in_pipe(&bed), 1);
    cw_pulse_enter(bed.worker, "shop");
    cw_pulse_reset(bed.supervisor);
    assert_false(cw_pulse_is_ready(bed.supervisor));
    char cart[CW_PULSE_CART_MAX];
    cw_pulse_cart(bed.supervisor, cart);
    assert_string_equal(cart, "");
    close_bed(&bed);
}

static void the_cart_in_hand_is_known_and_a_long_name_is_cut(void **state)
{
    (void)state;
    struct bed bed;
    char cart[CW_PULSE_CART_MAX], longest[400];
    open_bed(&bed);
    cw_pulse_enter(bed.worker, "teashop");
    cw_pulse_cart(bed.supervisor, cart);
    assert_string_equal(cart, "teashop");
    cw_pulse_leave(bed.worker);
    cw_pulse_cart(bed.supervisor, cart);
    assert_string_equal(cart, "");
    cw_pulse_enter(bed.worker, "b"); /* nothing of the longer name before it stays */
    cw_pulse_cart(bed.supervisor, cart);
    assert_string_equal(cart, "b");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cw_pulse_enter(bed.worker, longest);
    cw_pulse_cart(bed.supervisor, cart);
    assert_int_equal(strlen(cart), CW_PULSE_CART_MAX - 1);
    close_bed(&bed);
}

static void the_cart_is_known_after_its_worker_was_killed(void **state)
{
    (void)state;
    struct bed bed;
    char cart[CW_PULSE_CART_MAX];
    int status;
    open_bed(&bed);
    pid_t pid = fork();
    if (pid == 0) {
        cw_pulse_enter(bed.worker, "poison");
        abort();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    cw_pulse_cart(bed.supervisor, cart);
    assert_string_equal(cart, "poison");
    close_bed(&bed);
}

/* What a worker gone mad may have left. */
static void a_name_without_an_end_is_read_within_its_bounds(void **state)
{
    (void)state;
    struct bed bed;
    char cart[CW_PULSE_CART_MAX];
    open_bed(&bed);
    memset(bed.worker->page, 'x', 300);
    cw_pulse_cart(bed.supervisor, cart);
    assert_int_equal(strlen(cart), CW_PULSE_CART_MAX - 1);
    close_bed(&bed);
}

static void counters_outlive_the_worker(void **state)
{
    (void)state;
    struct bed bed;
    struct cw_error err = { 0 };
    open_bed(&bed);
    memcpy(bed.worker->metrics, "counted", 8);
    char *last = (char *)bed.worker->metrics + cw_metrics_page_size() - 1;
    *last = 'z';
    cw_pulse_close(bed.worker);
    cw_pulse_reset(bed.supervisor);
    bed.worker = cw_pulse_open(dup(bed.fd), -1, &err);
    assert_ok(bed.worker != NULL, err);
    assert_string_equal((char *)bed.worker->metrics, "counted");
    assert_int_equal(((char *)bed.supervisor->metrics)[cw_metrics_page_size() - 1], 'z');
    close_bed(&bed);
}

static void nobody_can_take_the_memory_away(void **state)
{
    (void)state;
    struct bed bed;
    open_bed(&bed);
    assert_int_equal(ftruncate(bed.fd, 0), -1);
    assert_int_equal(fcntl(bed.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    close_bed(&bed);
}

static void another_descriptor_is_refused_with_the_way_to_mend_it(void **state)
{
    (void)state;
    struct cw_error err = { 0 };
    int other = open("/dev/null", O_RDWR | O_CLOEXEC), small = memfd_create("small", MFD_CLOEXEC);
    assert_null(cw_pulse_open(other, -1, &err));
    assert_non_null(strstr(err.text, "`cartwright run`"));
    assert_null(cw_pulse_open(small, -1, &err));
    assert_null(cw_pulse_open(-1, -1, &err));
    close(other);
    close(small);
}

static void a_worker_that_nobody_watches_has_no_pulse(void **state)
{
    (void)state;
    cw_pulse_begin(NULL);
    cw_pulse_enter(NULL, "shop");
    cw_pulse_leave(NULL);
    cw_pulse_set_ready(NULL);
    cw_pulse_end(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_that_begins_unwatched_wakes_the_supervisor_once),
        cmocka_unit_test(work_at_the_clocks_zero_is_not_rest),
        cmocka_unit_test(being_ready_is_told_and_forgotten_before_the_next_worker),
        cmocka_unit_test(the_cart_in_hand_is_known_and_a_long_name_is_cut),
        cmocka_unit_test(the_cart_is_known_after_its_worker_was_killed),
        cmocka_unit_test(a_name_without_an_end_is_read_within_its_bounds),
        cmocka_unit_test(counters_outlive_the_worker),
        cmocka_unit_test(nobody_can_take_the_memory_away),
        cmocka_unit_test(another_descriptor_is_refused_with_the_way_to_mend_it),
        cmocka_unit_test(a_worker_that_nobody_watches_has_no_pulse),
    };
    return cmocka_run_group_tests_name("pulse", tests, NULL, NULL);
}
