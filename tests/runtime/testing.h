/* testing.h - what every unit test needs: cmocka, a clock that only the test moves, fixtures as bytes. */
#ifndef CW_TESTING_H
#define CW_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"

/* Fails the test with the error's text when `ok` is false. */
#define assert_ok(ok, err)                                                                                   \
    do {                                                                                                     \
        if (!(ok))                                                                                           \
            fail_msg("%s", (err).text);                                                                      \
    } while (0)
#define assert_slice(slice, expected)                                                                        \
    do {                                                                                                     \
        struct cw_slice got_ = (slice);                                                                      \
        assert_int_equal(got_.len, strlen(expected));                                                        \
        assert_memory_equal(got_.data, expected, got_.len);                                                  \
    } while (0)

struct test_clock {
    cw_time now;
    int64_t elapsed_ns;
};

/* A clock that stands still until the test changes `state`; moving both hands is test_clock_advance. */
struct cw_clock test_clock(struct test_clock *state);
void test_clock_advance(struct test_clock *state, cw_time micros);

/* The bytes of a file below tests/fixtures/; fails the test when it cannot be read. Free with cw_buffer_fini. */
struct cw_buffer test_fixture(const char *name);

/* True when the suite runs with a collector that never rests (CW_TEST_COLLECTOR=always). */
bool test_collector_always(void);

#endif
