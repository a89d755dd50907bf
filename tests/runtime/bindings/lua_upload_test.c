/* lua_upload_test.c - files as a way to tell a cart: what a script may ask for, and what an upload counts as.
 */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/fake_ftp.h"
#include "telling_bed.h"

static struct fake_ftp *server;

/* A cart whose stock goes into a folder of that server; `functions` are those of stock_out. */
static void open_cart(const struct fake_ftp *plan, const char *functions)
{
    static const char *const allowed[] = { "127.0.0.1:*", NULL };
    char script[4096];
    server = fake_ftp_start(plan);
    tells.cart.allowed = allowed;
    tells.cart.secret = "s3cret-of-the-server";
    snprintf(script, sizeof script,
             "local csv = require 'cartwright.csv' "
             "shop.settings.folder = cart.folder { default = 'ftp://127.0.0.1:%u/in' } "
             "shop.settings.password = cart.secret {} "
             "local function to(self, name, body) return { url = self.settings.folder, user = 'shop', "
             "password = self.settings.password, name = name, body = body } end "
             "shop.stock_out = { send = function() end, %s }",
             server->port, functions);
    telling_bed_open(script, "");
}

static void tell(enum cw_lua_telling how)
{
    static const char *const payloads[] = { "{\"sku\":\"A;1\",\"quantity\":\"3\"}",
                                            "{\"sku\":\"B\",\"quantity\":\"0.50\"}" };
    telling_bed_tell(CW_OUT_STOCK, how, payloads, 2);
}

static int close_cart(void **state)
{
    if (server != NULL)
        fake_ftp_free(server);
    server = NULL;
    return telling_bed_close(state);
}

#define SENDS_ALL                                                                                            \
    "send_batch = function(self, messages) "                                                                 \
    "local rows = { { 'sku', 'quantity' } } "                                                                \
    "for _, m in ipairs(messages) do rows[#rows + 1] = { m.data.sku, m.data.quantity } end "                 \
    "local file = self:upload(to(self, messages[1].key .. '.csv', csv.encode(rows))) "                       \
    "for _, m in ipairs(messages) do m:sent(file) end end"

static void a_batch_goes_as_one_file_which_proves_that_all_were_sent(void **state)
{
    (void)state;
    static const struct fake_ftp plan;
    char address[96];
    open_cart(&plan, SENDS_ALL);
    tell(CW_TELL_BATCH);
    assert_ok(!tells.failed, tells.err);
    assert_effects(1, 0, 0, 1);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_int_equal(tells.said[1], CW_SAID_SENT);
    snprintf(address, sizeof address, "ftp://127.0.0.1:%u/in/cw--11.csv", server->port);
    assert_contains(tells.words[1], address);
    fake_ftp_end(server);
    assert_true(fake_ftp_has(server, "cw--11.csv"));
    assert_string_equal(server->bytes, "sku,quantity\n\"A;1\",3\nB,0.50\n");
    assert_string_equal(server->password, "s3cret-of-the-server");
}

static void a_rename_without_answer_leaves_all_messages_open(void **state)
{
    (void)state;
    static const struct fake_ftp plan = { .rule = { "RNTO", FAKE_DO_AND_LOSE, NULL, 0 } };
    open_cart(&plan, SENDS_ALL);
    tell(CW_TELL_BATCH);
    assert_true(tells.failed);
    assert_contains(tells.err.text, "the file cw--11.csv may be there");
    assert_effects(1, 1, 0, 0);
    assert_int_equal(tells.said[0], CW_SAID_NOTHING);
}

static void what_failed_before_counts_as_refused(void **state)
{
    (void)state;
    static const struct fake_ftp plans[] = { { .rule = { "STOR", FAKE_ANSWER, "552 Disk full.\r\n", 0 } },
                                             { .rule = { "STOR", FAKE_LOSE, NULL, 0 } },
                                             { .files = { "cw--11.csv" } } };
    static const char *const words[] = { "552 Disk full.", "writing", "cw--11.csv already" };
    static const enum cw_code codes[] = { CW_LIMIT, CW_IO, CW_CONFLICT };
    for (size_t i = 0; i < 3; i++) {
        open_cart(&plans[i], SENDS_ALL);
        tell(CW_TELL_BATCH);
        assert_true(tells.failed);
        assert_contains(tells.err.text, words[i]);
        assert_int_equal(tells.err.code, codes[i]);
        assert_effects(1, 0, 1, 0);
        fake_ftp_free(server);
        server = NULL;
    }
}

static void a_probe_finds_the_file_and_may_not_make_one(void **state)
{
    (void)state;
    static const struct fake_ftp plan = { .files = { "cw--11.csv", "other" } };
    open_cart(&plan,
              "probe = function(self, messages) local there = {} "
              "for _, name in ipairs(self:files { url = self.settings.folder }) do there[name] = true end "
              "for _, m in ipairs(messages) do "
              "if there[m.key .. '.csv'] then m:arrived(m.key .. '.csv is there') elseif m.id ~= 12 then "
              "m:missing() end end "
              "local ok, e = pcall(self.upload, self, to(self, 'x', 'y')) messages[2]:missing(tostring(e)) "
              "end");
    tell(CW_TELL_PROBE);
    assert_ok(!tells.failed, tells.err);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_string_equal(tells.words[0], "cw--11.csv is there");
    assert_int_equal(tells.said[1], CW_SAID_MISSING);
    assert_contains(tells.words[1], "a probe may only read");
    assert_effects(0, 0, 0, 0);
}

static void nothing_leaves_in_a_dry_run(void **state)
{
    (void)state;
    static const struct fake_ftp plan;
    open_cart(&plan, SENDS_ALL);
    tells.cart.host.read_only = true;
    tell(CW_TELL_BATCH);
    assert_true(tells.failed);
    assert_contains(tells.err.text, "cw--11.csv: not uploaded, because this is a dry run");
    assert_effects(0, 0, 0, 0);
    fake_ftp_end(server);
    assert_string_equal(server->commands, "");
}

static void what_is_wrong_with_an_upload_is_told_before_anything_is_sent(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "{ url = 'ftp://127.0.0.1/in', name = 'a', body = 'b', password = 'plain' }", "must be a secret" },
        { "{ url = 'ftp://127.0.0.1/in', name = 'a', body = 1 }",
          "body of an upload is a text, not an integer" },
        { "{ url = 'ftp://127.0.0.1/in', name = 'a' }", "body of an upload is a text" },
        { "{ url = 'ftp://127.0.0.1/in', name = 'a/b', body = 'b' }", "cannot be the name of a file" },
        { "{ url = 'ftp://127.0.0.1/in', body = 'b' }", "name of an upload is a text" },
        { "{ url = 'ftp://127.0.0.1/in', name = 'a', body = 'b', passwd = 'x' }", "unknown field passwd" },
        { "{ url = 'ftp://u:p@127.0.0.1/in', name = 'a', body = 'b' }", "fields of their own" },
        { "{ url = 'ftp://files.example.com/in', name = 'a', body = 'b' }",
          "files.example.com:21 is not among" },
        { "{ url = 'sftp://127.0.0.1:2222/in', name = 'a', body = 'b' }", "SFTP needs user and host_key" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        static const struct fake_ftp plan;
        char functions[512];
        snprintf(functions, sizeof functions, "send_batch = function(self) self:upload %s end", wrong[i][0]);
        open_cart(&plan, functions);
        tell(CW_TELL_BATCH);
        assert_true(tells.failed);
        assert_contains(tells.err.text, wrong[i][1]);
        assert_int_equal(tells.effects.uncertain, 0);
        fake_ftp_free(server);
        server = NULL;
    }
}

static void a_setting_that_is_no_folder_is_told_when_the_cart_is_opened(void **state)
{
    (void)state;
    static const char *const wrong[] = { "http://h/in/", "ftp://u:p@h/in", "h/in", "sftp://h/in?x",
                                         "ftp:///" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char script[256];
        snprintf(script, sizeof script, "shop.settings.folder = cart.folder { default = '%s' }", wrong[i]);
        assert_false(telling_bed_try_open(script, ""));
        assert_contains(tells.cart.err.text, "setting folder of cart shop must be the address of a folder");
    }
}

static void a_fiber_that_is_killed_lets_go_of_its_upload(void **state)
{
    (void)state;
    static const char *const payload[] = { "{\"sku\":\"A\",\"quantity\":\"3\"}" };
    static const struct fake_ftp plan = { .rule = { "STOR", FAKE_HANG, NULL, 0 } };
    open_cart(&plan, SENDS_ALL);
    struct cw_fiber *fiber = telling_bed_start(CW_OUT_STOCK, CW_TELL_BATCH, payload, NULL, 1);
    assert_non_null(fiber);
    cw_script_run(tells.cart.script);
    cw_fiber_kill(fiber);
    cw_script_run(tells.cart.script);
    cw_loop_run(tells.cart.loop); /* nothing is left to wait for */
    fake_ftp_end(server);
    assert_false(fake_ftp_has(server, "cw--11.csv"));
}

static void rows_are_written_so_that_every_reader_understands_them(void **state)
{
    (void)state;
    static const struct fake_ftp plan;
    open_cart(&plan,
              "send_batch = function(self, messages) local m = messages[1] "
              "m:needless(csv.encode({ { 'a', 'b', 'c' }, { 1, D.new '1.50', true }, { 'x\"y', nil, 'p,q' }, "
              "{} }, { delimiter = ';', crlf = true }):gsub('[\\r\\n]', '.') .. csv.encode {}) "
              "local _, e = pcall(csv.encode, { { 'a' }, { 0.5 } }) "
              "local _, f = pcall(csv.encode, { { 'a' }, { 'a', 'b' } }) "
              "local _, g = pcall(csv.encode, { { 'a' } }, { delimiter = '|' }) "
              "messages[2]:needless(table.concat({ tostring(e), tostring(f), tostring(g) }, '|')) end");
    tell(CW_TELL_BATCH);
    assert_ok(!tells.failed, tells.err);
    assert_string_equal(tells.words[0], "a;b;c..1;1.50;true..\"x\"\"y\";;\"p,q\"..;;..");
    assert_contains(tells.words[1], "value 1 of row 2 is a float, which is not exact");
    assert_contains(tells.words[1], "row 2 has more than the 1 values of the first row");
    assert_contains(tells.words[1], "delimiter is");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_batch_goes_as_one_file_which_proves_that_all_were_sent, close_cart),
        cmocka_unit_test_teardown(a_rename_without_answer_leaves_all_messages_open, close_cart),
        cmocka_unit_test_teardown(what_failed_before_counts_as_refused, close_cart),
        cmocka_unit_test_teardown(a_probe_finds_the_file_and_may_not_make_one, close_cart),
        cmocka_unit_test_teardown(nothing_leaves_in_a_dry_run, close_cart),
        cmocka_unit_test_teardown(what_is_wrong_with_an_upload_is_told_before_anything_is_sent, close_cart),
        cmocka_unit_test_teardown(a_setting_that_is_no_folder_is_told_when_the_cart_is_opened, close_cart),
        cmocka_unit_test_teardown(a_fiber_that_is_killed_lets_go_of_its_upload, close_cart),
        cmocka_unit_test_teardown(rows_are_written_so_that_every_reader_understands_them, close_cart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
