/* zone_test.c - zones against the C library, which reads the same files with its own code, and the nights in
 * which clocks change. */
#include "testing.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/zone.h"

static struct cw_zone *open_zone(const char *name)
{
    struct cw_error err;
    struct cw_zone *zone = cw_zone_open(name, &err);
    assert_ok(zone != NULL, err);
    return zone;
}

static void use_zone_of_libc(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

static struct tm libc_local(int64_t utc)
{
    time_t t = (time_t)utc;
    struct tm local;
    assert_non_null(localtime_r(&t, &local));
    return local;
}

static const char *const zone_names[] = { "Europe/Paris",     "America/New_York",  "Australia/Lord_Howe",
                                          "Asia/Kathmandu",   "America/Sao_Paulo", "Africa/Casablanca",
                                          "Europe/Dublin",    "Asia/Tehran",       "Pacific/Apia",
                                          "America/St_Johns", "Antarctica/Troll",  "UTC" };
enum { ZONES = sizeof zone_names / sizeof *zone_names };

static void offsets_and_names_agree_with_the_c_library(void **state)
{
    (void)state;
    struct cw_random chance;
    cw_random_seed(&chance, 1);
    for (size_t z = 0; z < ZONES; z++) {
        struct cw_zone *zone = open_zone(zone_names[z]);
        use_zone_of_libc(zone_names[z]);
        for (int i = 0; i < 3000; i++) {
            int64_t utc = (int64_t)cw_random_below(&chance, 4145000000) - 2000000000; /* 1906 to 2037 */
            struct tm local = libc_local(utc);
            if (cw_zone_offset(zone, utc) != local.tm_gmtoff)
                fail_msg("%s at %lld: %d, not %ld", zone_names[z], (long long)utc, cw_zone_offset(zone, utc),
                         local.tm_gmtoff);
            assert_string_equal(cw_zone_abbreviation(zone, utc), local.tm_zone);
        }
        cw_zone_free(zone);
    }
}

/* The contract, tried out: the first instant at which the clock shows `local`; when there is none, the local
 * time less the offset that held before the gap. */
static int64_t model_to_utc(int64_t local)
{
    int64_t first = local - 26 * 3600;
    int64_t found = INT64_MAX;
    for (int64_t utc = first; utc < local + 26 * 3600;
         utc += 900) { /* offsets change at multiples of 15 minutes */
        int64_t candidate = local - libc_local(utc).tm_gmtoff;
        if (libc_local(candidate).tm_gmtoff == local - candidate && candidate < found)
            found = candidate;
    }
    for (int64_t utc = first; found == INT64_MAX; utc++)
        if (utc + libc_local(utc + 1).tm_gmtoff + 1 > local)
            found = local - libc_local(utc).tm_gmtoff;
    return found;
}

static void local_times_near_clock_changes_become_the_instants_of_the_contract(void **state)
{
    (void)state;
    struct cw_random chance;
    cw_random_seed(&chance, 2);
    for (size_t z = 0; z < 5; z++) {
        struct cw_zone *zone = open_zone(zone_names[z]);
        use_zone_of_libc(zone_names[z]);
        int changes = 0;
        for (int64_t utc = 946684800; utc < 1800000000; utc += 86400) { /* 2000 to 2027 */
            if (libc_local(utc).tm_gmtoff == libc_local(utc + 86400).tm_gmtoff)
                continue;
            changes++;
            for (int i = 0; i < 4; i++) {
                int64_t local = utc + libc_local(utc).tm_gmtoff +
                                (int64_t)cw_random_below(&chance, 36 * 4) * 900 +
                                (int64_t)cw_random_below(&chance, 2);
                assert_true(cw_zone_to_utc(zone, local) == model_to_utc(local));
            }
        }
        assert_true(z == 3 ? changes == 0 : changes > 30); /* Kathmandu never changed in these years */
        cw_zone_free(zone);
    }
}

/* "2024-03-31 02:30:00" as seconds, by the C library. */
static int64_t seconds(const char *text)
{
    struct tm tm = { 0 };
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
    return timegm(&tm);
}

static void both_nights_of_five_zones_are_as_written(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *local, *utc;
    } nights[] = {
        { "Europe/Paris", "2024-03-31 01:59:59", "2024-03-31 00:59:59" },
        { "Europe/Paris", "2024-03-31 02:00:00",
          "2024-03-31 01:00:00" }, /* never shown; as if still winter */
        { "Europe/Paris", "2024-03-31 02:30:00", "2024-03-31 01:30:00" },
        { "Europe/Paris", "2024-03-31 03:00:00", "2024-03-31 01:00:00" },
        { "Europe/Paris", "2024-10-27 01:59:59", "2024-10-26 23:59:59" },
        { "Europe/Paris", "2024-10-27 02:30:00", "2024-10-27 00:30:00" }, /* shown twice: the first */
        { "Europe/Paris", "2024-10-27 03:00:00", "2024-10-27 02:00:00" },
        { "America/New_York", "2024-03-10 02:30:00", "2024-03-10 07:30:00" },
        { "America/New_York", "2024-03-10 03:00:00", "2024-03-10 07:00:00" },
        { "America/New_York", "2024-11-03 01:30:00", "2024-11-03 05:30:00" },
        { "America/New_York", "2024-11-03 02:00:00", "2024-11-03 07:00:00" },
        { "Australia/Lord_Howe", "2024-10-06 02:15:00", "2024-10-05 15:45:00" }, /* half an hour is skipped */
        { "Australia/Lord_Howe", "2024-10-06 02:30:00", "2024-10-05 15:30:00" },
        { "Australia/Lord_Howe", "2024-04-07 01:45:00", "2024-04-06 14:45:00" },
        { "Australia/Lord_Howe", "2024-04-07 02:00:00", "2024-04-06 15:30:00" },
        { "America/Sao_Paulo", "2018-11-04 00:30:00",
          "2018-11-04 03:30:00" }, /* midnight itself is skipped */
        { "America/Sao_Paulo", "2019-02-16 23:30:00", "2019-02-17 01:30:00" },
        { "America/St_Johns", "2024-03-10 02:30:00", "2024-03-10 06:00:00" },
        { "America/St_Johns", "2024-11-03 01:30:00", "2024-11-03 04:00:00" },
        { "Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30 22:00:00" }, /* a whole day that never was */
        { "Pacific/Apia", "2011-12-31 00:00:00", "2011-12-30 10:00:00" },
    };
    for (size_t i = 0; i < sizeof nights / sizeof *nights; i++) {
        struct cw_zone *zone = open_zone(nights[i].zone);
        assert_true(cw_zone_to_utc(zone, seconds(nights[i].local)) == seconds(nights[i].utc));
        cw_zone_free(zone);
    }
}

static void the_ends_of_time_have_an_offset_too(void **state)
{
    (void)state;
    struct cw_zone *zone = open_zone("Europe/Paris");
    assert_int_equal(cw_zone_offset(zone, seconds("0001-01-01 00:00:00")), 561);
    assert_true(cw_zone_to_utc(zone, seconds("0001-01-01 00:00:00")) == seconds("0001-01-01 00:00:00") - 561);
    assert_int_equal(cw_zone_offset(zone, seconds("9999-12-31 12:00:00")), 3600);
    assert_true(cw_zone_to_utc(zone, seconds("9999-12-31 12:00:00")) == seconds("9999-12-31 11:00:00"));
    cw_zone_free(zone);
}

static void fixed_offsets_are_zones(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int seconds;
    } cases[] = { { "+02:00", 7200 }, { "-03:30", -12600 }, { "+0545", 20700 }, { "-5", -18000 },
                  { "+14", 50400 },   { "-00:00", 0 },      { "UTC", 0 },       { "+5:30", 19800 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cw_zone *zone = open_zone(cases[i].name);
        assert_int_equal(cw_zone_offset(zone, 1700000000), cases[i].seconds);
        assert_true(cw_zone_to_utc(zone, 1700000000) == 1700000000 - cases[i].seconds);
        assert_string_equal(cw_zone_name(zone), cases[i].name);
        assert_string_equal(cw_zone_abbreviation(zone, 0), cases[i].name);
        cw_zone_free(zone);
    }
}

static void an_unknown_zone_is_refused_by_name_and_never_utc(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "Europe/Pariss",
        "europe",
        "Europe",
        "EST5",
        "ABC",
        "ABC3",
        "01",
        "Z",
        "+25:00",
        "+02:60",
        "+02:0",
        "+",
        "-",
        "+2:",
        "+123",
        "+12345",
        "+02:00x",
        "++2",
        "+ 2",
        "../zoneinfo/UTC",
        "/usr/share/zoneinfo/UTC",
        "zone.tab",
        "Europe/../UTC",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        " UTC",
        "utc",
        "Europe/Paris\n",
        "+02:-1",
        "+-2",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct cw_error err = { 0 };
        assert_null(cw_zone_open(names[i], &err));
        assert_int_equal(err.code, CW_INVALID);
        assert_non_null(strstr(err.text, names[i]));
    }
    char endless[5000];
    memset(endless, 'A', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(cw_zone_open(endless, NULL));
}

static void a_zone_that_is_none_may_be_freed(void **state)
{
    (void)state;
    cw_zone_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_and_names_agree_with_the_c_library),
        cmocka_unit_test(local_times_near_clock_changes_become_the_instants_of_the_contract),
        cmocka_unit_test(both_nights_of_five_zones_are_as_written),
        cmocka_unit_test(the_ends_of_time_have_an_offset_too),
        cmocka_unit_test(fixed_offsets_are_zones),
        cmocka_unit_test(an_unknown_zone_is_refused_by_name_and_never_utc),
        cmocka_unit_test(a_zone_that_is_none_may_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
