/* testing.c - see testing.h. Tests run with the source folder as working directory. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

static cw_time clock_now(void *arg)
{
    return ((struct test_clock *)arg)->now;
}

static int64_t clock_elapsed(void *arg)
{
    return ((struct test_clock *)arg)->elapsed_ns;
}

struct cw_clock test_clock(struct test_clock *state)
{
    return (struct cw_clock){ clock_now, clock_elapsed, state };
}

void test_clock_advance(struct test_clock *state, cw_time micros)
{
    state->now += micros;
    state->elapsed_ns += micros * 1000;
}

struct cw_buffer test_fixture(const char *name)
{
    char path[512];
    char piece[16384];
    struct cw_buffer bytes = { 0 };
    snprintf(path, sizeof path, "tests/fixtures/%s", name);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        fail_msg("cannot open %s", path);
    for (size_t n; (n = fread(piece, 1, sizeof piece, in)) > 0;)
        assert_true(cw_buffer_add(&bytes, piece, n, NULL));
    fclose(in);
    return bytes;
}

bool test_collector_always(void)
{
    const char *value = getenv("CW_TEST_COLLECTOR");
    return value != NULL && strcmp(value, "always") == 0;
}
