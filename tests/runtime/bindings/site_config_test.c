/* site_config_test.c - what site.lua says about running: schedules, keeping, workers; and everything that can
 * be wrong with it. */
#include "config_bed.h"

#include <stdio.h>

/* One line an entry that is no default: "cart job: text (where)". */
static const char *listed(void)
{
    static char out[4096];
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < config_bed.schedule_count; i++) {
        const struct cw_site_schedule *entry = &config_bed.schedules[i];
        if (!entry->is_default)
            len += (size_t)snprintf(out + len, sizeof out - len, "%s %s: %s (%s)\n",
                                    entry->cart != NULL ? entry->cart : "*",
                                    entry->job != NULL ? entry->job : "*", entry->text, entry->where);
    }
    return out;
}

/* --- what is read --- */

static void schedules_are_read_with_their_lines(void **state)
{
    (void)state;
    config_bed_must_read("return {\n"
                         "  zone = 'Europe/Paris',\n"
                         "  schedules = { -- { every = '1s' },\n"
                         "    { every = '5m' },\n"
                         "    { job = 'items', daily = { '03:30', '15:30' }, zone = 'Europe/Berlin' },\n"
                         "    { job = 'customers', weekly = { 'sun 02:00', 'wed  02:00' } },\n"
                         "    { job = 'reconcile orders', cron = ' 17 4 * * * ',\n"
                         "      jitter = '10m' },\n"
                         "    { job = 'tidy', every = '2h' },\n"
                         "  },\n"
                         "  carts = {\n"
                         "    web = { type = 'fake', schedules = { { every = '1m', jitter = '5s' } } },\n"
                         "    ['a-1'] = { type = 'fake', schedules = {\n"
                         "      { off = true },\n"
                         "      { job = 'orders', cron = '*/10 * * * mon-fri', zone = '+02:00' },\n"
                         "    } },\n"
                         "  },\n"
                         "}\n");
    assert_string_equal(listed(), "a-1 *: off (site.lua:14)\n"
                                  "a-1 orders: cron */10 * * * mon-fri +02:00 (site.lua:15)\n"
                                  "web *: every 1m jitter 5s (site.lua:12)\n"
                                  "* *: every 5m (site.lua:4)\n"
                                  "* items: daily 03:30 Europe/Berlin (site.lua:5)\n"
                                  "* items: daily 15:30 Europe/Berlin (site.lua:5)\n"
                                  "* customers: weekly sun 02:00 Europe/Paris (site.lua:6)\n"
                                  "* customers: weekly wed 02:00 Europe/Paris (site.lua:6)\n"
                                  "* reconcile orders: cron 17 4 * * * Europe/Paris jitter 10m (site.lua:7)\n"
                                  " tidy: every 2h (site.lua:9)\n");
    const struct cw_site_schedule *off = &config_bed.schedules[0], *ten = &config_bed.schedules[1];
    assert_true(off->is_off && !ten->is_off);
    assert_int_equal(ten->schedule.weekdays, 0x3E);
    assert_string_equal(cw_zone_name(ten->schedule.zone), "+02:00");
    assert_int_equal(config_bed.schedules[2].schedule.every, CW_MINUTE);
    assert_int_equal(config_bed.schedules[2].schedule.jitter, 5 * CW_SECOND);
    assert_null(config_bed.schedules[2].schedule.zone);
    assert_int_equal(config_bed.schedules[8].schedule.jitter, 10 * CW_MINUTE);
    assert_string_equal(cw_zone_name(config_bed.schedules[8].schedule.zone), "Europe/Paris");
    assert_int_equal(config_bed.zone_count, 3); /* each is opened once */
}

static void what_a_site_does_not_say_is_done_by_default(void **state)
{
    (void)state;
    static const char *const defaults[][3] = {
        { "*", NULL, "every 5m" },
        { "*", "refresh orders", "every 1h" },
        { "*", "reconcile orders", "daily 03:00 Asia/Tokyo jitter 1h" },
        { "", "tidy", "every 1h jitter 10m" },
        { "", "recount", "daily 03:30 Asia/Tokyo" },
    };
    config_bed_must_read("return { zone = 'Asia/Tokyo', carts = { shop = { type = 'fake' } } }");
    assert_int_equal(config_bed.schedule_count, 5);
    for (size_t i = 0; i < 5; i++) {
        const struct cw_site_schedule *entry = &config_bed.schedules[i];
        assert_true(entry->is_default && !entry->is_off);
        assert_string_equal(entry->cart != NULL ? entry->cart : "*", defaults[i][0]);
        assert_string_equal(entry->job != NULL ? entry->job : "",
                            defaults[i][1] != NULL ? defaults[i][1] : "");
        assert_string_equal(entry->text, defaults[i][2]);
        assert_string_equal(entry->where, "default");
    }
    assert_int_equal(config_bed.keep.runs, 90 * CW_DAY);
    assert_int_equal(config_bed.keep.raw, 400 * CW_DAY);
    assert_int_equal(config_bed.keep.webhooks, 30 * CW_DAY);
    assert_int_equal(config_bed.keep.raw_versions, 1);
    assert_int_equal(config_bed.run.workers, 1);
    assert_null(config_bed.run.metrics);
    assert_null(config_bed.run.webhooks);
    assert_int_equal(config_bed.run.hang, 30 * CW_SECOND);
    assert_int_equal(config_bed.run.lease, CW_MINUTE);
    assert_int_equal(config_bed.run.log, CW_SITE_LOGFMT);
    assert_false(config_bed.carts[0].is_quiet_fine);
}

static void what_is_kept_and_how_it_runs_is_read(void **state)
{
    (void)state;
    config_bed_must_read(
        "return { keep = { runs = '7d', raw = false, raw_versions = 3, webhooks = '12h' },\n"
        "run = { workers = 4, metrics = '127.0.0.1:9464', webhooks = '[::1]:0', hang = '10s',\n"
        "lease = '2m', log = 'json' },\n"
        "carts = { a = { type = 'fake', quiet = false }, b = { type = 'fake', quiet = true } } }");
    assert_int_equal(config_bed.keep.runs, 7 * CW_DAY);
    assert_int_equal(config_bed.keep.raw, CW_TIME_NONE);
    assert_int_equal(config_bed.keep.raw_versions, 3);
    assert_int_equal(config_bed.keep.webhooks, 12 * CW_HOUR);
    assert_int_equal(config_bed.run.workers, 4);
    assert_string_equal(config_bed.run.metrics, "127.0.0.1:9464");
    assert_string_equal(config_bed.run.webhooks, "[::1]:0");
    assert_int_equal(config_bed.run.hang, 10 * CW_SECOND);
    assert_int_equal(config_bed.run.lease, 2 * CW_MINUTE);
    assert_int_equal(config_bed.run.log, CW_SITE_JSON);
    assert_true(config_bed.carts[0].is_quiet_fine);
    assert_false(config_bed.carts[1].is_quiet_fine);
}

/* --- what is wrong --- */

struct wrong {
    const char *entry, *message;
};

/* The entry stands in line 4. */
static void assert_wrong(const char *before, const char *after, const char *place, const struct wrong *wrong)
{
    char text[1024], expected[1024];
    snprintf(text, sizeof text, "%s%s%s", before, wrong->entry, after);
    snprintf(expected, sizeof expected, "%s%s", place, wrong->message);
    if (config_bed_read(text, 0))
        fail_msg("%s was taken", wrong->entry);
    assert_int_equal(config_bed_err.code, CW_USAGE);
    if (strcmp(config_bed_err.text, expected) != 0)
        fail_msg("%s:\n%s\nnot\n%s", wrong->entry, config_bed_err.text, expected);
}

static const struct wrong wrong_entries[] = {
    { "{}",
      "says no time: add one of every = \"5m\", daily = \"03:30\", weekly = \"sun 03:30\", cron = \"17 4 * * "
      "*\", or off = true" },
    { "1", "a schedule must be a table such as { job = ... }, not the number 1" },
    { "'5m'", "a schedule must be a table such as { job = ... }, not the text 5m" },
    { "{ every = '5m', daily = '03:30' }",
      "has both every and daily; put the second into an entry of its own" },
    { "{ evry = '5m' }",
      "a schedule has no field evry; did you mean \"every\"?\nsite.lua:4: says no time: add one of "
      "every = \"5m\", daily = \"03:30\", weekly = \"sun 03:30\", cron = \"17 4 * * *\", or off = "
      "true" },
    { "{ every = '5m', when = 1 }",
      "a schedule has no field when; there are job, every, daily, weekly, cron, zone, jitter, off" },
    { "{ every = 5 }", "every must be a text such as \"5m\", not the number 5" },
    { "{ every = '5x' }",
      "every \"5x\" is no length of time: a whole number and s, m, h or d, such as \"5m\"; up to "
      "\"3660d\"" },
    { "{ every = '0s' }", "every \"0s\" is no interval: from \"1s\" to \"366d\"" },
    { "{ every = {} }", "every must be a text such as \"5m\", not a table" },
    { "{ daily = '25:00' }", "daily hour 25 is out of range: 0 to 23" },
    { "{ daily = {} }", "daily is an empty list; write such as { \"03:30\" }" },
    { "{ daily = { '03:30', 'noon' } }",
      "daily \"noon\" is no time of day: hours and minutes, such as \"03:30\"" },
    { "{ daily = { '03:30', 4 } }", "daily must be a text such as \"03:30\", not the number 4" },
    { "{ weekly = 'sonntag 02:00' }",
      "weekly \"sonntag\" is no day of the week: sun, mon, tue, wed, thu, fri, sat" },
    { "{ weekly = '02:00' }",
      "weekly \"02:00\" is no time of the week: a day and a time, such as \"sun 03:30\"" },
    { "{ cron = '75 * * * *' }", "cron minute 75 is out of range: 0 to 59" },
    { "{ cron = '0 0 30 2 *' }",
      "cron \"30\" is a day that none of these months has; this would never be due" },
    { "{ cron = { '0 0 * * *' } }", "cron must be a text such as \"17 4 * * *\", not a table" },
    { "{ daily = '03:30', zone = 'Europe/Berln' }",
      "zone \"Europe/Berln\" is no time zone; use a name such as "
      "Europe/Paris, UTC, or an offset such as +02:00" },
    { "{ daily = '03:30', zone = 2 }", "zone must be a text such as \"Europe/Paris\", not the number 2" },
    { "{ every = '5m', zone = 'UTC' }", "zone says nothing about an interval; leave it out" },
    { "{ every = '5m', jitter = '25h' }", "jitter \"25h\" is more than a day: \"1s\" to \"24h\"" },
    { "{ every = '5m', jitter = '0m' }", "jitter \"0m\" is none; leave it out" },
    { "{ every = '5m', jitter = true }", "jitter must be a text such as \"10m\", not true" },
    { "{ off = false }", "off must be true, or be left out, not false" },
    { "{ off = true, every = '5m' }", "is off, and has every; it is one or the other" },
    { "{ every = '5m', job = 'order' }", "job \"order\" is unknown; did you mean \"orders\"?" },
    { "{ every = '5m', job = 'reconcile order' }",
      "job \"reconcile order\" is unknown; did you mean \"reconcile "
      "orders\"?" },
    { "{ every = '5m', job = 7 }",
      "job must be a text such as \"orders\" or \"reconcile orders\", not the number 7" },
    { "{ every = '5m', job = '' }",
      "job \"\" is unknown; a job is a stream (customers, items, orders, "
      "stock, shipments, or one out such as stock_out), or reconcile or refresh "
      "and a stream, or \"tidy\" or \"recount\", or left out for all streams" },
    { "{ every = '5m', job = 'invoices' }",
      "job \"invoices\" is unknown; a job is a stream (customers, items, orders, stock, shipments, or one "
      "out such as stock_out), or "
      "reconcile or "
      "refresh and a stream, or \"tidy\" or \"recount\", or left out for all streams" },
    { "{ job = 'items', off = true }, { job = 'items', every = '5m' }",
      "job \"items\" is off at site.lua:4; it is one or the other" },
    { "{ off = true }, { every = '5m' }", "every stream is off at site.lua:4; it is one or the other" },
    { "x = { every = '5m' }",
      "schedules must be a list of entries such as { { every = \"5m\" } }, not one entry "
      "alone" },
    { "{ every = '5m' }, x = 1", "schedules is a list; x is no place in it" },
};

static void what_is_wrong_with_an_entry_is_told_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_entries / sizeof *wrong_entries; i++) {
        bool whole = strncmp(wrong_entries[i].entry, "x =", 3) == 0;
        assert_wrong("return {\n  carts = {},\n  schedules = {\n    ", ",\n  },\n}",
                     whole ? "site.lua:3: " : "site.lua:4: ", &wrong_entries[i]);
    }
}

static void entries_of_a_cart_are_checked_like_those_of_the_site(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        { "{ { every = '5x' } }",
          "every \"5x\" is no length of time: a whole number and s, m, h or d, such as \"5m\"; "
          "up to \"3660d\"" },
        { "{ { job = 'tidy', every = '1h' } }",
          "job \"tidy\" is the site's own; put it into schedules of the site" },
        { "{ { job = 'parcels', every = '1h' } }",
          "job \"parcels\" is unknown; a job is a stream (customers, items, orders, stock, shipments, or one "
          "out such as stock_out), or "
          "reconcile or "
          "refresh and a stream, or left out for all streams" },
        { "{}", "schedules is an empty list; write such as { { every = \"5m\" } }, { { off = true } } for "
                "never, or "
                "leave it out" },
        { "{ every = '5m' }",
          "schedules must be a list of entries such as { { every = \"5m\" } }, not one entry alone" },
        { "'5m'", "schedules must be a list of entries such as { { every = \"5m\" } }, not the text 5m" },
        { "nil, quiet = 'no'", "quiet of cart shop must be true or false, not the text no" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_wrong("return {\n  carts = {\n    shop = { type = 'fake',\n      schedules = ", " },\n  },\n}",
                     "site.lua:4: ", &wrong[i]);
}

static void what_is_wrong_with_keep_and_run_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        { "keep = 1", "keep must be a table such as { messages = ... }, not the number 1" },
        { "keep = { run = '90d' }", "keep has no field run; did you mean \"runs\"?" },
        { "keep = { runs = 90 }",
          "keep.runs must be a text such as \"90d\", not the number 90, or false to keep all" },
        { "keep = { runs = '5m' }", "keep.runs \"5m\" is less than an hour" },
        { "keep = { raw = '9y' }",
          "keep.raw \"9y\" is no length of time: a whole number and s, m, h or d, such as "
          "\"5m\"; up to \"3660d\", or false to keep all" },
        { "keep = { raw_versions = 0 }",
          "keep.raw_versions must be a whole number from 1 to 10000, not the number 0" },
        { "keep = { raw_versions = 1.5 }",
          "keep.raw_versions must be a whole number from 1 to 10000, not the number 1.5" },
        { "run = { worker = 2 }", "run has no field worker; did you mean \"workers\"?" },
        { "run = { workers = 0 }", "run.workers must be a whole number from 1 to 256, not the number 0" },
        { "run = { workers = '2' }", "run.workers must be a whole number from 1 to 256, not the text 2" },
        { "run = { metrics = 9464 }", "run.metrics must be an address and a port such as \"127.0.0.1:9464\", "
                                      "or false for none, not the number "
                                      "9464" },
        { "run = { metrics = 'localhost' }", "run.metrics must be an address and a port such as "
                                             "\"127.0.0.1:9464\", or false for none, not the text "
                                             "localhost" },
        { "run = { webhooks = '127.0.0.1:99999' }", "run.webhooks must be an address and a port such as "
                                                    "\"127.0.0.1:9464\", or false for none, not the text "
                                                    "127.0.0.1:99999" },
        { "run = { hang = '0s' }", "run.hang \"0s\" is out of range: \"1s\" to \"24h\"" },
        { "run = { lease = '25h' }", "run.lease \"25h\" is out of range: \"1s\" to \"24h\"" },
        { "run = { log = 'xml' }", "run.log must be \"logfmt\" or \"json\", not the text xml" },
        { "zone = 'Mars'",
          "zone \"Mars\" is no time zone; use a name such as Europe/Paris, UTC, or an offset such as "
          "+02:00" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_wrong("return {\n  carts = {},\n\n  ", ",\n}", "site.lua:4: ", &wrong[i]);
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
    (void)state;
    assert_false(config_bed_read(
        "return { schedules = { { every = 'x' },\n { daily = 'y' } },\n keep = { runs = 'z' },\n"
        "carts = { shop = { type = 'fake',\n schedules = { { cron = '' } } } } }",
        0));
    assert_non_null(strstr(config_bed_err.text, "site.lua:5: cron a cron expression has five fields"));
    assert_non_null(strstr(config_bed_err.text, "\nsite.lua:1: every \"x\" is no length of time"));
    assert_non_null(strstr(config_bed_err.text, "\nsite.lua:2: daily \"y\" is no time of day"));
    assert_non_null(strstr(config_bed_err.text, "\nsite.lua:3: keep.runs \"z\" is no length of time"));
}

static void a_setting_that_a_site_does_not_have_is_refused(void **state)
{
    (void)state;
    assert_false(config_bed_read("return { carts = {}, schedule = {} }", 0));
    assert_string_equal(config_bed_err.text,
                        "site.lua has no setting schedule; there are zone, store, allow, carts, rules, "
                        "schedules, stock, keep and run");
}

/* --- lines --- */

/* The line told for an entry that is wrong, whatever stands before it. */
static void assert_line(const char *text, const char *place)
{
    if (config_bed_read(text, 0))
        fail_msg("%s\nwas taken", text);
    if (strncmp(config_bed_err.text, place, strlen(place)) != 0)
        fail_msg("%s\n%s, not %s", text, config_bed_err.text, place);
}

static void lines_are_found_behind_everything_that_lua_may_write(void **state)
{
    (void)state;
    static const char *const before[] = {
        "-- { schedules = { {\n",
        "--[[ {\n{ ]]\n\n",
        "--[==[ ]] {\n ]==]\n\n",
        "local a = { [1] = { 1, 2 }, 'x', [[\n{\n]], f = function(a, b) local c, d = a, b; return { c, d } "
        "end }\n",
        "local s = \"{ \\\" {\" .. '}\\'' .. \"\\\\\"\n",
        "local n = 1 < 2 and 3 ~= 4 or 0x10 >= 1e5\n",
        "local function f(t) for i = 1, 2 do if t then repeat local x = {} until true end end while false do "
        "end end\n",
        "local t = { if_ = 1, ['end'] = 2, { { { } } } }\n",
        "local e = ([[a]]):rep(2, ',')\n",
    };
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        char text[1024], place[32];
        int lines = 0;
        for (const char *c = before[i]; *c != '\0'; c++)
            lines += *c == '\n';
        snprintf(text, sizeof text,
                 "%sreturn { rules = nil, allow = { 'a', 'b' },\n carts = {},\n schedules = { { every = "
                 "'1m' },\n"
                 " { every\n= 'x' } } }",
                 before[i]);
        snprintf(place, sizeof place, "site.lua:%d: every \"x\"", lines + 4);
        assert_line(text, place);
    }
}

static void what_code_makes_has_the_line_of_the_field_it_is_put_into(void **state)
{
    (void)state;
    assert_line("local every = function(t) return { every = t } end\n"
                "local list = {}\nfor i = 1, 3 do list[i] = every 'x' end\n"
                "return {\n carts = {},\n schedules = list }",
                "site.lua:6: every \"x\"");
    assert_line("local site = {\n carts = {},\n schedules = { { every = 'x' } } }\nreturn site",
                "site.lua:3: every \"x\"");
    assert_line("local site = { carts = {} }\nsite.schedules = { { every = 'x' } }\nreturn site",
                "site.lua: every \"x\"");
    assert_line(
        "return {\n carts = {},\n schedules = { (function(t) return t end) { every = 'x',\n zone = 'y' } } }",
        "site.lua:3: zone says nothing");
}

/* --- memory --- */

static void want_of_memory_loses_nothing(void **state)
{
    (void)state;
    static const char text[] =
        "return { schedules = { { daily = { '03:30', '04:30' }, zone = 'Europe/Berlin', jitter = '1m' } },\n"
        "run = { metrics = '127.0.0.1:1' }, carts = { shop = { type = 'fake', schedules = { { off = true } } "
        "} } }";
    if (test_collector_always())
        return; /* the same again, very slowly */
    uint64_t n = 1;
    while (!config_bed_read(text, n) && n < 100000)
        n += n < 200 ? 1 : n / 100;
    assert_true(n > 100 && n < 100000);
    assert_int_equal(config_bed.schedule_count, 3 + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(schedules_are_read_with_their_lines, config_bed_close),
        cmocka_unit_test_teardown(what_a_site_does_not_say_is_done_by_default, config_bed_close),
        cmocka_unit_test_teardown(what_is_kept_and_how_it_runs_is_read, config_bed_close),
        cmocka_unit_test_teardown(what_is_wrong_with_an_entry_is_told_with_its_line, config_bed_close),
        cmocka_unit_test_teardown(entries_of_a_cart_are_checked_like_those_of_the_site, config_bed_close),
        cmocka_unit_test_teardown(what_is_wrong_with_keep_and_run_is_told_with_its_line, config_bed_close),
        cmocka_unit_test_teardown(all_that_is_wrong_is_told_at_once, config_bed_close),
        cmocka_unit_test_teardown(a_setting_that_a_site_does_not_have_is_refused, config_bed_close),
        cmocka_unit_test_teardown(lines_are_found_behind_everything_that_lua_may_write, config_bed_close),
        cmocka_unit_test_teardown(what_code_makes_has_the_line_of_the_field_it_is_put_into, config_bed_close),
        cmocka_unit_test_teardown(want_of_memory_loses_nothing, config_bed_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
