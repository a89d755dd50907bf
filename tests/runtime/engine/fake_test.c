/* A fake asked in virtual time: its routes, what goes wrong with requests when a test wants it, and its seed.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bindings/fakes.h"
#include "engine/fake.h"
#include "testing.h"

#define START (1760000000 * CW_SECOND)

static const char script[] =
    "local fake = require 'cartwright.fake'\n"
    "local json = require 'cartwright.json'\n"
    "local shop = fake.new { title = 'Tea', settings = { token = 'letmein' }, path = '/shop',\n"
    "  reads = function(request) return request.path == '/search' end }\n"
    "function shop:start()\n"
    "  self.orders = {}\n"
    "  for i = 1, 7 do self.orders[i] = { id = i } end\n"
    "end\n"
    "function shop:authorized(request) return request:header 'X-Closed' == nil end\n"
    "function shop:moved(seconds) self.passed = (self.passed or 0) + seconds end\n"
    "shop:route('GET /orders/{id}.json', function(_, request) return fake.text('one ' .. request.params.id) "
    "end)\n"
    "shop:route('GET /orders/{rest*}', function(_, request) return fake.text('rest ' .. request.params.rest) "
    "end)\n"
    "shop:route('GET /list', function(self, request)\n"
    "  local page = self:page(self.orders, request:number('offset', 0), 3)\n"
    "  return fake.json(json.array(page))\n"
    "end)\n"
    "shop:route('POST /book', function(self, request)\n"
    "  self:book { kind = 'stock', quantity = request:json().quantity }\n"
    "  return fake.json({ count = #self.books }, 201)\n"
    "end)\n"
    "shop:route('GET /count', function(self) return fake.text(tostring(#self.books)) end)\n"
    "shop:route('GET /passed', function(self) return fake.text(tostring(self.passed)) end)\n"
    "shop:route('POST /search', function(_, request)\n"
    "  local form = request:form()\n"
    "  return fake.text(form['a b'] .. '|' .. table.concat(form['c[]'], ',') .. '|' .. request.url)\n"
    "end)\n"
    "shop:route('GET /auth', function(_, request) return fake.text(request:header 'Authorization' or 'none') "
    "end)\n"
    "shop:route('GET /draw', function(self) return fake.text(tostring(self:below(1000000))) end)\n"
    "shop:route('GET /wrong', function() return nil + 1 end)\n"
    "shop:route('GET /endless', function() while true do end end)\n"
    "shop:route('GET /site', function() return fake.text(tostring(require 'site')) end)\n"
    "shop:route('GET /stop', function(self) self:answer(fake.text('stopped', 418)) end)\n"
    "return shop\n";

struct bed {
    char folder[64];
    struct cw_loop *loop;
    struct cw_site *site;
    struct cw_fake *fake;
    /* of the latest answer */
    int status;
    char body[512], retry_after[16];
    struct cw_error err;
    cw_time took;
};

static void open_fake(struct bed *bed, uint64_t seed)
{
    struct cw_error err;
    const struct cw_fake_config config = {
        .site = bed->site, .loop = bed->loop, .type = "tea", .seed = seed
    };
    bed->fake = cw_fake_open(&config, &err);
    assert_ok(bed->fake != NULL, err);
}

static void write_script(const struct bed *bed)
{
    char path[128];
    snprintf(path, sizeof path, "%s/fakes", bed->folder);
    assert_int_equal(g_mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/fakes/tea.lua", bed->folder);
    assert_true(g_file_set_contents(path, script, -1, NULL));
}

static int set_up(void **state)
{
    static struct bed bed;
    struct cw_error err;
    bed = (struct bed){ .folder = "/tmp/cw-fake-XXXXXX" };
    assert_non_null(mkdtemp(bed.folder));
    write_script(&bed);
    bed.loop = cw_loop_create_virtual(START, &err);
    assert_ok(bed.loop != NULL, err);
    bed.site = cw_site_bare(bed.folder, CW_SOURCE_HOME, NULL, cw_loop_clock(bed.loop), &err);
    assert_ok(bed.site != NULL, err);
    open_fake(&bed, 1);
    *state = &bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    char path[128];
    cw_fake_close(bed->fake);
    cw_site_free(bed->site);
    cw_loop_free(bed->loop);
    snprintf(path, sizeof path, "%s/fakes/tea.lua", bed->folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/fakes", bed->folder);
    rmdir(path);
    rmdir(bed->folder);
    return 0;
}

/* --- asking --- */

static void note(struct bed *bed, const struct cw_http_response *response)
{
    size_t len = (size_t)cw_body_size(response->body);
    const char *retry_after = cw_http_header(response, "retry-after");
    assert_true(len < sizeof bed->body);
    bed->status = response->status;
    assert_true(cw_body_read(response->body, 0, bed->body, len, NULL));
    bed->body[len] = '\0';
    snprintf(bed->retry_after, sizeof bed->retry_after, "%s", retry_after != NULL ? retry_after : "");
}

static void take_response(void *arg, struct cw_http_response *response, const struct cw_error *err)
{
    struct bed *bed = arg;
    if (err != NULL)
        bed->err = *err;
    else
        note(bed, response);
    cw_http_response_free(response);
    cw_loop_stop(bed->loop);
}

static void *start(struct bed *bed, const char *method, const char *path, const char *body)
{
    char url[256];
    struct cw_transport *transport = cw_fake_transport(bed->fake);
    const struct cw_http_request request = { .method = method, .url = url, .body = cw_slice(body) };
    snprintf(url, sizeof url, "https://tea.test%s", path);
    bed->status = 0;
    bed->err = (struct cw_error){ .code = CW_OK };
    return transport->start(transport, &request, NULL, take_response, bed, &bed->err);
}

static void ask(struct bed *bed, const char *method, const char *path, const char *body)
{
    cw_time before = cw_now(cw_loop_clock(bed->loop));
    assert_non_null(start(bed, method, path, body));
    assert_int_equal(bed->status, 0); /* never from inside the call */
    cw_loop_run(bed->loop);
    bed->took = cw_now(cw_loop_clock(bed->loop)) - before;
}

static void expect(struct bed *bed, const char *path, int status, const char *body)
{
    ask(bed, "GET", path, NULL);
    assert_ok(bed->err.code == CW_OK, bed->err);
    assert_string_equal(bed->body, body);
    assert_int_equal(bed->status, status);
}

static void trouble(struct bed *bed, const char *words)
{
    struct cw_error err;
    struct cw_buffer out = { 0 };
    char *json = g_strdup_printf("\"%s\"", words);
    assert_ok(cw_fake_ask(bed->fake, "POST", "/_fake/trouble", cw_slice(json), &out, &err), err);
    g_free(json);
    cw_buffer_fini(&out);
}

static void door(struct bed *bed, const char *path, const char *json)
{
    struct cw_error err;
    struct cw_buffer out = { 0 };
    assert_ok(cw_fake_ask(bed->fake, "POST", path, cw_slice(json), &out, &err), err);
    cw_buffer_fini(&out);
}

static void stop_waiting(void *loop)
{
    cw_loop_stop(loop);
}

static void wait_for(struct bed *bed, cw_time time)
{
    struct cw_timer *timer = cw_timer_create(bed->loop, stop_waiting, bed->loop, NULL);
    cw_timer_set(timer, time);
    cw_loop_run(bed->loop);
    cw_timer_free(timer);
}

/* --- routes --- */

static void routes_take_what_stands_at_their_names(void **state)
{
    struct bed *bed = *state;
    expect(bed, "/orders/7.json", 200, "one 7");
    expect(bed, "/orders/a%2Fb%20c/d?x=1", 200, "rest a/b c/d");
    expect(bed, "/shop/orders/7.json", 200, "one 7");
    ask(bed, "GET", "/ordersx", NULL);
    assert_int_equal(bed->status, 404);
    ask(bed, "POST", "/orders/7.json", "");
    assert_int_equal(bed->status, 404);
}

static void requests_are_decoded(void **state)
{
    struct bed *bed = *state;
    ask(bed, "POST", "/shop/search", "a+b=1%2B2&c%5B%5D=x&c%5B%5D=y");
    assert_string_equal(bed->body, "1+2|x,y|https://tea.test/shop");
    expect(bed, "/list?offset=4", 200, "[{\"id\":5},{\"id\":6},{\"id\":7}]");
    ask(bed, "GET", "/list?offset=many", NULL);
    assert_int_equal(bed->status, 400);
    ask(bed, "POST", "/book", "no json");
    assert_int_equal(bed->status, 400);
    expect(bed, "/stop", 418, "stopped");
    assert_int_equal(cw_fake_errors(bed->fake, NULL), 0);
}

static void credentials_arrive_as_a_header(void **state)
{
    struct bed *bed = *state;
    struct cw_transport *transport = cw_fake_transport(bed->fake);
    struct cw_http_request request = {
        .method = "GET", .url = "https://tea.test/auth", .auth = CW_HTTP_BASIC, .user = "ann", .secret = "pw"
    };
    assert_non_null(transport->start(transport, &request, NULL, take_response, bed, &bed->err));
    cw_loop_run(bed->loop);
    assert_string_equal(bed->body, "Basic YW5uOnB3");
    request.auth = CW_HTTP_BEARER;
    assert_non_null(transport->start(transport, &request, NULL, take_response, bed, &bed->err));
    cw_loop_run(bed->loop);
    assert_string_equal(bed->body, "Bearer pw");
    const struct cw_header closed = { "x-closed", "1" };
    request.headers = &closed;
    request.header_count = 1;
    assert_non_null(transport->start(transport, &request, NULL, take_response, bed, &bed->err));
    cw_loop_run(bed->loop);
    assert_int_equal(bed->status, 401);
}

static void what_its_script_raises_is_a_500_and_counted(void **state)
{
    struct bed *bed = *state;
    struct cw_error first;
    expect(bed, "/wrong", 500, "fakes/tea.lua:29: attempt to perform arithmetic on a nil value");
    ask(bed, "GET", "/endless", NULL);
    assert_int_equal(bed->status, 500);
    assert_non_null(strstr(bed->body, "instruction"));
    expect(bed, "/count", 200, "0"); /* it goes on */
    assert_int_equal(cw_fake_errors(bed->fake, &first), 2);
    assert_non_null(strstr(first.text, "fakes/tea.lua:29"));
    assert_int_equal(cw_fake_errors(bed->fake, &first), 0);
}

static void a_fake_does_not_see_the_site(void **state)
{
    struct bed *bed = *state;
    ask(bed, "GET", "/site", NULL);
    assert_int_equal(bed->status, 500);
    assert_non_null(strstr(bed->body, "a fake sees neither the site nor its carts"));
}

static void it_is_told_how_much_time_passed(void **state)
{
    struct bed *bed = *state;
    wait_for(bed, 3 * CW_MINUTE);
    expect(bed, "/passed", 200, "180");
    wait_for(bed, CW_MINUTE);
    expect(bed, "/passed", 200, "240");
}

/* --- troubles --- */

static void statuses_come_without_the_effect(void **state)
{
    struct bed *bed = *state;
    trouble(bed, "on=write what=429 retry_after=7 times=2");
    expect(bed, "/count", 200, "0");
    ask(bed, "POST", "/search", "a+b=&c[]=1"); /* a read, says the definition */
    assert_int_equal(bed->status, 200);
    for (int i = 0; i < 2; i++) {
        ask(bed, "POST", "/book", "{\"quantity\":1}");
        assert_int_equal(bed->status, 429);
        assert_string_equal(bed->retry_after, "7");
    }
    ask(bed, "POST", "/book", "{\"quantity\":1}");
    assert_int_equal(bed->status, 201);
    assert_string_equal(bed->body, "{\"count\":1}");
}

static void a_status_may_come_after_the_effect(void **state)
{
    struct bed *bed = *state;
    trouble(bed, "on=POST /bo* what=500 done=true");
    ask(bed, "POST", "/book", "{\"quantity\":1}");
    assert_int_equal(bed->status, 500);
    expect(bed, "/count", 200, "1");
}

static void what_is_refused_has_no_effect(void **state)
{
    struct bed *bed = *state;
    trouble(bed, "what=refused skip=1");
    expect(bed, "/count", 200, "0");
    ask(bed, "POST", "/book", "{\"quantity\":1}");
    assert_int_equal(bed->err.code, CW_UNAVAILABLE);
    expect(bed, "/count", 200, "0");
}

static void what_is_lost_has_its_effect(void **state)
{
    struct bed *bed = *state;
    int timeouts = 0;
    trouble(bed, "on=write what=lost times=20");
    for (int i = 1; i <= 20; i++) {
        char count[16];
        ask(bed, "POST", "/book", "{\"quantity\":1}");
        assert_true(bed->err.code == CW_IO || bed->err.code == CW_TIMEOUT);
        timeouts += bed->err.code == CW_TIMEOUT;
        assert_int_equal(bed->err.code == CW_TIMEOUT, bed->took >= 30 * CW_SECOND);
        snprintf(count, sizeof count, "%d", i);
        expect(bed, "/count", 200, count);
    }
    assert_in_range(timeouts, 1, 19);
}

static void reads_may_lag_behind_what_was_lost(void **state)
{
    struct bed *bed = *state;
    struct cw_error err;
    struct cw_buffer out = { 0 };
    const char *words = "\"on=write what=503 lag=9\"";
    ask(bed, "POST", "/book", "{\"quantity\":1}");
    trouble(bed, "on=write what=500 done=true lag=100");
    ask(bed, "POST", "/book", "{\"quantity\":1}");
    expect(bed, "/count", 200, "1");
    ask(bed, "POST", "/book", "{\"quantity\":1}");
    assert_string_equal(bed->body, "{\"count\":3}"); /* what writes sees the truth */
    wait_for(bed, 98 * CW_SECOND);
    expect(bed, "/count", 200, "1");
    wait_for(bed, 3 * CW_SECOND);
    expect(bed, "/count", 200, "3");
    assert_false(cw_fake_ask(bed->fake, "POST", "/_fake/trouble", cw_slice(words), &out, &err));
    assert_non_null(strstr(err.text, "a lag belongs to"));
    cw_buffer_fini(&out);
}

static void what_is_late_has_its_effect_later(void **state)
{
    struct bed *bed = *state;
    trouble(bed, "on=write what=late");
    ask(bed, "POST", "/book", "{\"quantity\":1}");
    assert_int_equal(bed->err.code, CW_IO);
    expect(bed, "/count", 200, "0");
    wait_for(bed, CW_MINUTE);
    expect(bed, "/count", 200, "1");
}

static void answers_are_spoilt(void **state)
{
    struct bed *bed = *state;
    trouble(bed, "what=cut");
    ask(bed, "GET", "/count", NULL);
    assert_int_equal(bed->err.code, CW_IO);
    trouble(bed, "what=empty");
    expect(bed, "/count", 200, "");
    trouble(bed, "what=html");
    ask(bed, "GET", "/count", NULL);
    assert_int_equal(bed->status, 200);
    assert_non_null(strstr(bed->body, "<html>"));
    trouble(bed, "what=notice");
    ask(bed, "GET", "/count", NULL);
    assert_non_null(strstr(bed->body, "<b>Notice</b>"));
    trouble(bed, "what=slow");
    ask(bed, "GET", "/count", NULL);
    assert_string_equal(bed->body, "0");
    assert_in_range(bed->took, 5 * CW_SECOND, 26 * CW_SECOND);
    expect(bed, "/count", 200, "0"); /* that was the last of it */
    assert_in_range(bed->took, 0, CW_SECOND);
}

static void a_trouble_that_is_none_is_refused(void **state)
{
    struct bed *bed = *state;
    struct cw_error err;
    struct cw_buffer out = { 0 };
    assert_false(cw_fake_ask(bed->fake, "POST", "/_fake/trouble", cw_slice("\"what=lots\""), &out, &err));
    assert_non_null(strstr(err.text, "not lots"));
    assert_false(cw_fake_ask(bed->fake, "POST", "/_fake/place", cw_slice("{}"), &out, &err));
    assert_non_null(strstr(err.text, "this fake has no function place"));
    cw_buffer_fini(&out);
}

/* --- lists --- */

static void the_last_page_comes_again(void **state)
{
    struct bed *bed = *state;
    expect(bed, "/list?offset=9", 200, "[]");
    door(bed, "/_fake/repeat", "true");
    expect(bed, "/list?offset=9", 200, "[{\"id\":7}]");
    expect(bed, "/list?offset=30", 200, "[{\"id\":7}]");
    door(bed, "/_fake/calm", "");
    expect(bed, "/list?offset=9", 200, "[]");
}

static void a_record_breaks_its_pages(void **state)
{
    struct bed *bed = *state;
    door(bed, "/_fake/poison", "{\"id\":\"2\",\"how\":500}");
    ask(bed, "GET", "/list", NULL);
    assert_int_equal(bed->status, 500);
    expect(bed, "/list?offset=2", 200, "[{\"id\":3},{\"id\":4},{\"id\":5}]");
    door(bed, "/_fake/poison", "{\"id\":\"2\",\"how\":\"garbage\"}");
    ask(bed, "GET", "/list", NULL);
    assert_int_equal(bed->status, 200);
    assert_memory_equal(bed->body, "[{\"id\":1},{\"id\0\377<&", 18);
    door(bed, "/_fake/poison", "{\"id\":\"2\"}");
    expect(bed, "/list", 200, "[{\"id\":1},{\"id\":2},{\"id\":3}]");
    assert_int_equal(cw_fake_errors(bed->fake, NULL), 0);
}

static void a_list_moves_while_it_is_read(void **state)
{
    struct bed *bed = *state;
    door(bed, "/_fake/move", "1");
    expect(bed, "/list?offset=0", 200, "[{\"id\":1},{\"id\":2},{\"id\":3}]");
    expect(bed, "/list?offset=3", 200, "[{\"id\":5},{\"id\":6},{\"id\":7}]");
    expect(bed, "/list?offset=6", 200, "[]");
    expect(bed, "/list?offset=0", 200, "[{\"id\":1},{\"id\":2},{\"id\":3}]");
    expect(bed, "/list?offset=3", 200, "[{\"id\":4},{\"id\":5},{\"id\":6}]");
}

/* --- chance and death --- */

static void draw(struct bed *bed, char out[64], cw_time *took)
{
    out[0] = '\0';
    *took = 0;
    for (int i = 0; i < 5; i++) {
        ask(bed, "GET", "/draw", NULL);
        strcat(strcat(out, bed->body), " ");
        *took += bed->took;
    }
}

static void the_same_seed_gives_the_same_answers(void **state)
{
    struct bed *bed = *state;
    char first[64], again[64], other[64];
    cw_time took, took_again, took_other;
    draw(bed, first, &took);
    cw_fake_close(bed->fake);
    open_fake(bed, 1);
    draw(bed, again, &took_again);
    cw_fake_close(bed->fake);
    open_fake(bed, 2);
    draw(bed, other, &took_other);
    assert_string_equal(first, again);
    assert_int_equal(took, took_again);
    assert_string_not_equal(first, other);
}

/* A client that is killed while it waits. */
static void what_arrived_stays_done_when_its_client_goes(void **state)
{
    struct bed *bed = *state;
    struct cw_transport *transport = cw_fake_transport(bed->fake);
    trouble(bed, "on=write what=slow");
    void *call = start(bed, "POST", "/book", "{\"quantity\":1}");
    wait_for(bed, CW_SECOND);
    transport->cancel(transport, call);
    wait_for(bed, CW_MINUTE);
    assert_int_equal(bed->status, 0);
    assert_int_equal(bed->err.code, CW_OK);
    expect(bed, "/count", 200, "1");
}

static void what_was_called_off_on_its_way_may_arrive(void **state)
{
    struct bed *bed = *state;
    struct cw_transport *transport = cw_fake_transport(bed->fake);
    for (int i = 0; i < 20; i++)
        transport->cancel(transport, start(bed, "POST", "/book", "{\"quantity\":1}"));
    wait_for(bed, CW_MINUTE);
    assert_int_equal(bed->status, 0);
    ask(bed, "GET", "/count", NULL);
    assert_in_range(atoi(bed->body), 1, 19);
}

static void it_goes_with_requests_on_their_way(void **state)
{
    struct bed *bed = *state;
    trouble(bed, "on=write what=late");
    assert_non_null(start(bed, "POST", "/book", "{\"quantity\":1}"));
    wait_for(bed, CW_SECOND);
    assert_non_null(start(bed, "GET", "/count", NULL));
}

static void a_type_that_nobody_has_is_named(void **state)
{
    struct bed *bed = *state;
    struct cw_error err;
    const struct cw_fake_config config = { .site = bed->site, .loop = bed->loop, .type = "coffee" };
    assert_null(cw_fake_open(&config, &err));
    assert_int_equal(err.code, CW_NOT_FOUND);
    assert_non_null(strstr(err.text, "there is no fake coffee"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(routes_take_what_stands_at_their_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_are_decoded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(credentials_arrive_as_a_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_its_script_raises_is_a_500_and_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fake_does_not_see_the_site, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_told_how_much_time_passed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(statuses_come_without_the_effect, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_status_may_come_after_the_effect, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_refused_has_no_effect, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_lost_has_its_effect, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_may_lag_behind_what_was_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_late_has_its_effect_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_are_spoilt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trouble_that_is_none_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_page_comes_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_breaks_its_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_moves_while_it_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_seed_gives_the_same_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_arrived_stays_done_when_its_client_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_called_off_on_its_way_may_arrive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_goes_with_requests_on_their_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_type_that_nobody_has_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
