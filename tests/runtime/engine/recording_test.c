/* Recorded exchanges: which answer a request gets, and what is said when there is none. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/recording.h"
#include "testing.h"

static char folder[] = "/tmp/recording-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static struct cw_recording *load(const char *exchanges)
{
    struct cw_error err = { 0 };
    put("exchanges.json", exchanges);
    struct cw_recording *recording = cw_recording_load(folder, &err);
    assert_ok(recording != NULL, err);
    return recording;
}

static void refuses(const char *exchanges, const char *words)
{
    struct cw_error err = { 0 };
    put("exchanges.json", exchanges);
    assert_null(cw_recording_load(folder, &err));
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

/* The body of the answer, or NULL. */
static const char *ask(struct cw_recording *recording, const char *method, const char *target)
{
    static char body[64];
    struct cw_buffer why = { 0 };
    const struct cw_served_answer *answer = cw_recording_find(recording, method, target, &why);
    cw_buffer_fini(&why);
    if (answer == NULL)
        return NULL;
    snprintf(body, sizeof body, "%.*s", CW_SLICE_ARG(answer->body));
    return body;
}

static void a_query_matches_in_any_order_and_encoding(void **state)
{
    (void)state;
    struct cw_recording *recording =
        load("[{\"path\":\"/api/orders?filter[id]=[1|2]&limit=0,100\",\"body\":\"a\"}]");
    assert_string_equal(ask(recording, "GET", "/api/orders?limit=0%2C100&filter%5Bid%5D=%5B1%7C2%5d"), "A");
    assert_string_equal(ask(recording, "GET", "/api/orders?filter[id]=[1|2]&&limit=0,100"), "A");
    assert_null(ask(recording, "POST", "/api/orders?filter[id]=[1|2]&limit=0,100"));
    assert_null(ask(recording, "GET", "/api/orders?filter[id]=[1|2]"));
    assert_null(ask(recording, "GET", "/api/orders?filter[id]=[1|2]&limit=0,100&limit=0,100"));
    assert_null(ask(recording, "GET", "/api/orders?filter[id]=[1|2]&limit=0,10"));
    cw_recording_free(recording);
}

static void any_stands_for_any_text(void **state)
{
    (void)state;
    struct cw_recording *recording =
        load("[{\"path\":\"/api/{any}/x?d=[{any},{any}]\",\"query\":{\"e\":\"{any}\"},\"body\":\"a\"}]");
    assert_string_equal(ask(recording, "GET", "/api/orders/x?d=[2024-01-01%2000:00:00,2024]&e="), "A");
    assert_string_equal(ask(recording, "GET", "/api//x?d=[,,]&e=1"), "A");
    assert_null(ask(recording, "GET", "/api/orders/x?d=[2024]&e=1"));
    assert_null(ask(recording, "GET", "/api/orders/x?d=[1,2]x&e=1"));
    assert_null(ask(recording, "GET", "/api/orders/y?d=[1,2]&e=1"));
    cw_recording_free(recording);
}

static void one_of_several_values_is_enough(void **state)
{
    (void)state;
    struct cw_recording *recording =
        load("[{\"path\":\"/a\",\"query\":{\"id\":[\"1\",\"2\"]},\"body\":\"a\"}]");
    assert_non_null(ask(recording, "GET", "/a?id=1"));
    assert_non_null(ask(recording, "GET", "/a?id=2"));
    assert_null(ask(recording, "GET", "/a?id=3"));
    cw_recording_free(recording);
}

static void an_exchange_answers_as_often_as_it_may(void **state)
{
    (void)state;
    struct cw_recording *recording =
        load("[{\"path\":\"/a\",\"body\":\"a\",\"times\":2},{\"path\":\"/a\",\"body\":\"b\"}]");
    assert_string_equal(ask(recording, "GET", "/a"), "A");
    assert_string_equal(ask(recording, "GET", "/a"), "A");
    assert_string_equal(ask(recording, "GET", "/a"), "B");
    assert_string_equal(ask(recording, "GET", "/a"), "B");
    cw_recording_free(recording);
}

static void an_answer_has_its_status_and_headers(void **state)
{
    (void)state;
    struct cw_buffer why = { 0 };
    struct cw_recording *recording =
        load("[{\"method\":\"PUT\",\"path\":\"/a\",\"status\":503,\"headers\":{\"Retry-After\":\"7\"}}]");
    const struct cw_served_answer *answer = cw_recording_find(recording, "PUT", "/a", &why);
    assert_non_null(answer);
    assert_int_equal(answer->status, 503);
    assert_int_equal(answer->header_count, 1);
    assert_string_equal(answer->headers[0].name, "Retry-After");
    assert_string_equal(answer->headers[0].value, "7");
    assert_int_equal(answer->body.len, 0);
    assert_int_equal(why.len, 0);
    cw_buffer_fini(&why);
    cw_recording_free(recording);
}

static void a_miss_names_the_nearest_exchange(void **state)
{
    (void)state;
    struct cw_buffer why = { 0 };
    struct cw_recording *recording = load("[{\"path\":\"/api/customers?display=full&limit=0,100\"},"
                                          "{\"path\":\"/api/orders?display=full&limit=0,100\"},"
                                          "{\"path\":\"/api/orders?display=full&limit=100,100\"}]");
    assert_null(cw_recording_find(recording, "GET", "/api/orders?limit=100,100", &why));
    assert_non_null(strstr(why.data, "/api/orders?limit=100,100\n"));
    assert_non_null(strstr(why.data, "GET /api/orders?display=full&limit=100,100\n"));
    cw_buffer_fini(&why);
    cw_recording_free(recording);
}

static void other_credentials_are_refused(void **state)
{
    (void)state;
    struct cw_recording *recording =
        load("{\"auth\":\"basic user:pass\",\"refusal\":{\"body\":\"a\"},\"exchanges\":[]}");
    assert_true(cw_recording_allows(recording, "Basic dXNlcjpwYXNz"));
    assert_false(cw_recording_allows(recording, "Basic dXNlcjpwYXNy"));
    assert_false(cw_recording_allows(recording, NULL));
    assert_int_equal(cw_recording_refusal(recording)->status, 401);
    assert_slice(cw_recording_refusal(recording)->body, "A");
    cw_recording_free(recording);
    recording = load("{\"auth\":\"basic KEY:\",\"exchanges\":[]}");
    assert_true(cw_recording_allows(recording, "Basic S0VZOg=="));
    cw_recording_free(recording);
    recording = load("{\"auth\":\"bearer t0ken\",\"exchanges\":[]}");
    assert_true(cw_recording_allows(recording, "Bearer t0ken"));
    cw_recording_free(recording);
    recording = load("[]");
    assert_true(cw_recording_allows(recording, NULL));
    cw_recording_free(recording);
}

static void a_faulty_recording_says_what_is_wrong(void **state)
{
    (void)state;
    refuses("{\"exchange\":[]}", "unknown key \"exchange\"");
    refuses("{}", "no list of exchanges");
    refuses("[{\"path\":\"/a\"},{\"path\":\"a\"}]", "exchange 2: path begins with /");
    refuses("[{\"path\":\"/a\",\"status\":99}]", "status is a number from 100 to 599");
    refuses("[{\"path\":\"/a\",\"body\":\"../secret\"}]", "without a folder");
    refuses("[{\"path\":\"/a\",\"body\":\"absent.xml\"}]", "absent.xml");
    refuses("[{\"path\":\"/a\",\"boddy\":\"a\"}]", "unknown key \"boddy\"");
    refuses("{\"auth\":\"digest x\",\"exchanges\":[]}", "basic USER:PASSWORD");
    refuses("[", "exchanges.json");
}

static void the_quickstart_and_the_test_shops_load(void **state)
{
    (void)state;
    static const char *const folders[] = { "examples/quickstart/recording", "tests/fixtures/prestashop/own16",
                                           "tests/fixtures/woocommerce/own" };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct cw_error err = { 0 };
        struct cw_recording *recording = cw_recording_load(folders[i], &err);
        assert_ok(recording != NULL, err);
        assert_true(cw_recording_count(recording) > 5);
        cw_recording_free(recording);
    }
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    put("a", "A");
    put("b", "B");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = { "a", "b", "exchanges.json" };
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_matches_in_any_order_and_encoding),
        cmocka_unit_test(any_stands_for_any_text),
        cmocka_unit_test(one_of_several_values_is_enough),
        cmocka_unit_test(an_exchange_answers_as_often_as_it_may),
        cmocka_unit_test(an_answer_has_its_status_and_headers),
        cmocka_unit_test(a_miss_names_the_nearest_exchange),
        cmocka_unit_test(other_credentials_are_refused),
        cmocka_unit_test(a_faulty_recording_says_what_is_wrong),
        cmocka_unit_test(the_quickstart_and_the_test_shops_load),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
